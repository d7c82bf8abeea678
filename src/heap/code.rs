//! Linked code: a prototype whose constants are values and whose field hints carry hashes.
//!
//! 1. Code is immutable once linked. Closures point into it.
//! 2. *Shared* code (program files) uses immortal string constants and is owned by an `Arc` outside the heap; `unit` is null.
//!    *Local* code (made by `load` inside a process) is owned by a [`Unit`] object of that heap, which marks its strings; its
//!    constants still are the immortal ones where the program already has them, so that both meet in tables by pointer.

use super::alloc::{Heap, OutOfMemory};
use super::string::{constant, find_constant};
use super::value::{KSlot, tag};
use super::{Str, Value};
use crate::bytecode::ops::Operand;
use crate::bytecode::types::{Type, TypePool};
use crate::bytecode::{Const, Instr, LocalVar, Op, Origins, Proto, Text, UpvalDesc};
use hashbrown::HashMap;
use std::sync::Arc;

/// Which operand of an instruction is a key with a hint of its hash.
#[derive(Clone, Copy)]
enum KeyOf {
    None,
    B,
    C,
}

/// By op byte.
static KEY_OF: [KeyOf; 256] = {
    let mut table = [KeyOf::None; 256];
    let mut byte = 0;
    while byte < table.len() {
        if let Some(op) = Op::from_byte(byte as u8) {
            let operands = op.operands();
            table[byte] = match (operands.b, operands.c) {
                (Operand::Key, _) => KeyOf::B,
                (_, Operand::Key) => KeyOf::C,
                _ => KeyOf::None,
            };
        }
        byte += 1;
    }
    table
};

/// Makes or finds the string of a constant.
type Intern<'a> = dyn FnMut(&Text) -> Result<*const Str, OutOfMemory> + 'a;

/// A linked function.
#[repr(C)]
pub struct Code {
    // Everything a call needs lies in the first cache line.
    pub entry: *const Instr,
    pub k: *const KSlot,
    pub max_stack: u32,
    pub num_params: u8,
    pub is_vararg: bool,
    /// With at least as many arguments a call needs no preparation: `num_params`, or more than there can be for a vararg
    /// function.
    pub fixed_params: u32,
    /// Null for shared code.
    pub unit: *mut Unit,
    pub protos: Box<[Code]>,
    pub upvals: Box<[UpvalDesc]>,
    pub code: Box<[Instr]>,
    pub consts: Box<[KSlot]>,
    pub line_defined: u32,
    pub last_line_defined: u32,
    pub source: Arc<[u8]>,
    pub origins: Origins,
    pub locals: Box<[LocalVar]>,
    pub types: Option<Arc<TypePool>>,
}

/// Shared code that stays for the whole run of the program, for any thread.
#[derive(Clone, Copy)]
pub struct SharedCode(&'static Code);

// SAFETY: shared code is immutable once linked, and its strings are immortal constants (invariants 1 and 2).
unsafe impl Send for SharedCode {}
// SAFETY: as above.
unsafe impl Sync for SharedCode {}

impl SharedCode {
    /// Links code that is never given back: functions made from it may be anywhere.
    #[must_use]
    pub fn publish(proto: Proto) -> Self {
        Self(Box::leak(Code::link_shared(proto)))
    }

    /// Bytes that the code takes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0.bytes() + self.0.type_bytes()
    }

    /// The code.
    #[must_use]
    pub fn code(self) -> &'static Code {
        self.0
    }
}

/// Owner of local code in a heap.
#[repr(C)]
pub struct Unit {
    pub code: *mut Code,
    /// Size on the process's account.
    pub bytes: usize,
}

impl Code {
    /// Links shared code: its strings become immortal constants.
    #[must_use]
    pub fn link_shared(proto: Proto) -> Box<Self> {
        let mut intern = |text: &Text| Ok(constant(text));
        // Names of fields, too: so checks of values find keys by their address.
        if let Some(types) = &proto.types {
            types.types().iter().filter_map(Type::fields).flatten().for_each(|field| {
                let _ = constant(&field.name);
            });
        }
        let linked: Result<_, OutOfMemory> = Self::link(proto, std::ptr::null_mut(), &mut intern);
        Box::new(linked.expect("constants do not draw on a process's memory"))
    }

    fn link(proto: Proto, unit: *mut Unit, intern: &mut Intern<'_>) -> Result<Self, OutOfMemory> {
        // As large as they were: they stay where they are.
        const { assert!(size_of::<Const>() == size_of::<KSlot>() && align_of::<Const>() == align_of::<KSlot>()) };
        let consts = proto.consts.into_iter().map(|value| {
            Ok(match value {
                Const::Nil => KSlot { payload: 0, tag: u32::from(tag::NIL), hash: 0 },
                Const::False => KSlot { payload: 0, tag: u32::from(tag::FALSE), hash: 0 },
                Const::True => KSlot { payload: 0, tag: u32::from(tag::TRUE), hash: 0 },
                Const::Integer(i) => KSlot { payload: i as u64, tag: u32::from(tag::INT), hash: 0 },
                Const::Float(f) => KSlot { payload: f.to_bits(), tag: u32::from(tag::FLOAT), hash: 0 },
                Const::String(s) => {
                    let s = intern(&s)?;
                    // SAFETY: `intern` returns a live string.
                    let hash = unsafe { Str::hash(s) };
                    KSlot { payload: s as u64, tag: u32::from(tag::STRING), hash }
                }
            })
        });
        let consts = consts.collect::<Result<Box<_>, _>>()?;
        let mut code = proto.code;
        for ins in &mut code {
            let key = match KEY_OF[usize::from(ins.op_byte())] {
                KeyOf::None => continue,
                KeyOf::B => ins.b(),
                KeyOf::C => ins.c(),
            };
            if let Some(slot) = consts.get(usize::from(key) / size_of::<KSlot>()) {
                *ins = ins.with_h(slot.hash as u8);
            }
        }
        // Into their final place: a chunk may have thousands of functions, and collecting results copies them again and again.
        let mut protos = Vec::with_capacity(proto.protos.len());
        for inner in proto.protos {
            protos.push(Self::link(inner, unit, intern)?);
        }
        Ok(Self {
            entry: code.as_ptr(),
            k: consts.as_ptr(),
            max_stack: u32::from(proto.max_stack),
            num_params: proto.num_params,
            is_vararg: proto.is_vararg,
            fixed_params: if proto.is_vararg { u32::MAX } else { u32::from(proto.num_params) },
            unit,
            protos: protos.into(),
            upvals: proto.upvals,
            code,
            consts,
            line_defined: proto.line_defined,
            last_line_defined: proto.last_line_defined,
            source: proto.source,
            origins: proto.origins,
            locals: proto.locals,
            types: proto.types,
        })
    }

    /// The prototype again, hints removed: for `string.dump`.
    #[must_use]
    pub fn to_proto(&self) -> Proto {
        let consts = self
            .consts
            .iter()
            .map(|k| match k.tag as u8 {
                tag::FALSE => Const::False,
                tag::TRUE => Const::True,
                tag::INT => Const::Integer(k.payload as i64),
                tag::FLOAT => Const::Float(f64::from_bits(k.payload)),
                // SAFETY: string constants live as long as the code.
                tag::STRING => Const::String(unsafe { Str::bytes(k.payload as *const Str) }.into()),
                _ => Const::Nil,
            })
            .collect();
        let code = self
            .code
            .iter()
            .map(|ins| match ins.op().map(|op| op.operands()) {
                Some(o) if o.b == Operand::Key || o.c == Operand::Key => ins.with_h(0),
                _ => *ins,
            })
            .collect();
        Proto {
            code,
            consts,
            protos: self.protos.iter().map(Self::to_proto).collect(),
            upvals: self.upvals.clone(),
            num_params: self.num_params,
            is_vararg: self.is_vararg,
            max_stack: self.max_stack as u8,
            line_defined: self.line_defined,
            last_line_defined: self.last_line_defined,
            source: self.source.clone(),
            origins: self.origins.clone(),
            locals: self.locals.clone(),
            types: self.types.clone(),
        }
    }

    /// Index of an instruction address inside this code.
    #[must_use]
    pub fn pc_index(&self, pc: *const Instr) -> usize {
        (pc as usize).wrapping_sub(self.entry as usize) / size_of::<Instr>()
    }

    /// Line of an instruction, if known.
    #[must_use]
    pub fn line(&self, pc: usize) -> Option<u32> {
        self.origins.get(pc).map(|origin| origin.line)
    }

    /// The variable that is active in a register at `pc`.
    #[must_use]
    pub fn local(&self, reg: usize, pc: usize) -> Option<&LocalVar> {
        if reg >= self.max_stack as usize {
            return None;
        }
        let started = self.locals.iter().take_while(|l| l.start_pc as usize <= pc);
        started.filter(|l| pc < l.end_pc as usize).nth(reg)
    }

    /// Heap bytes of this code and everything nested in it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.code)
            + size_of_val(&*self.consts)
            + size_of_val(&*self.upvals)
            + self.origins.bytes()
            + size_of_val(&*self.locals)
            + self.protos.iter().map(Self::bytes).sum::<usize>()
    }
}

impl Code {
    /// Memory of the chunk's types: all functions of a chunk share them.
    fn type_bytes(&self) -> usize {
        match &self.types {
            Some(types) => types.bytes(),
            None => self.protos.iter().map(Self::type_bytes).max().unwrap_or(0),
        }
    }
}

impl Heap {
    /// Links code that belongs to this process alone and returns its root.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn link_local(&mut self, proto: Proto) -> Result<*const Code, OutOfMemory> {
        let unit = self.alloc(size_of::<Unit>())?.cast::<Unit>();
        // SAFETY: fresh memory; a null code is skipped by the collector.
        unsafe { unit.write(Unit { code: std::ptr::null_mut(), bytes: 0 }) };
        // The functions of a chunk share their names: each needs to be looked for and made once.
        let mut known: HashMap<*const u8, *const Str, foldhash::fast::FixedState> = HashMap::default();
        let mut intern = |text: &Text| {
            if let Some(&s) = known.get(&text.as_ptr()) {
                return Ok(s);
            }
            let s = match find_constant(text) {
                Some(s) => s,
                None => self.new_string(text)?.cast_const(),
            };
            if text.is_shared() {
                known.insert(text.as_ptr(), s);
            }
            Ok(s)
        };
        let code = Box::new(Code::link(proto, unit, &mut intern)?);
        let bytes = code.bytes() + code.type_bytes();
        self.reserve_external(bytes)?;
        self.add_external(bytes);
        // SAFETY: `unit` is ours.
        unsafe {
            (*unit).bytes = bytes;
            (*unit).code = Box::into_raw(code);
            self.register_external_unit(unit);
            Ok((*unit).code)
        }
    }
}

/// Value of a constant.
#[inline(always)]
#[must_use]
pub fn constant_value(slot: &KSlot) -> Value {
    Value { payload: slot.payload, tag: slot.tag as u8 }
}

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
use crate::turns::step_at;
use hashbrown::{HashMap, HashSet};
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

/// Makes or finds the string of a constant, and its hash.
type Intern<'a> = dyn FnMut(&Text) -> Result<(*const Str, u32), OutOfMemory> + 'a;

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
        self.0.bytes() + self.0.pool().map_or(0, |types| types.bytes())
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
        let mut intern = |text: &Text| {
            let s = constant(text);
            // SAFETY: constants are immortal.
            Ok((s, unsafe { Str::hash(s) }))
        };
        // Names of fields, too: so checks of values find keys by their address.
        if let Some(types) = &proto.types {
            types.types().iter().filter_map(Type::fields).flatten().for_each(|field| {
                let _ = constant(&field.name);
            });
        }
        let linked: Result<_, OutOfMemory> = Self::link(proto, &mut intern);
        Box::new(linked.expect("constants do not draw on a process's memory"))
    }

    /// Fails if a constant cannot be made, or nobody wants the code any more.
    fn link(proto: Proto, intern: &mut Intern<'_>) -> Result<Self, OutOfMemory> {
        // As large as they were: they stay where they are.
        const { assert!(size_of::<Const>() == size_of::<KSlot>() && align_of::<Const>() == align_of::<KSlot>()) };
        let consts = proto.consts.into_iter().enumerate().map(|(at, value)| {
            if !step_at(at) {
                return Err(OutOfMemory);
            }
            Ok(match value {
                Const::Nil => KSlot { payload: 0, tag: u32::from(tag::NIL), hash: 0 },
                Const::False => KSlot { payload: 0, tag: u32::from(tag::FALSE), hash: 0 },
                Const::True => KSlot { payload: 0, tag: u32::from(tag::TRUE), hash: 0 },
                Const::Integer(i) => KSlot { payload: i as u64, tag: u32::from(tag::INT), hash: 0 },
                Const::Float(f) => KSlot { payload: f.to_bits(), tag: u32::from(tag::FLOAT), hash: 0 },
                Const::String(s) => {
                    let (s, hash) = intern(&s)?;
                    KSlot { payload: s as u64, tag: u32::from(tag::STRING), hash }
                }
            })
        });
        let consts = consts.collect::<Result<Box<_>, _>>()?;
        let mut code = proto.code;
        for (at, ins) in code.iter_mut().enumerate() {
            if !step_at(at) {
                return Err(OutOfMemory);
            }
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
            protos.push(Self::link(inner, intern)?);
        }
        Ok(Self {
            entry: code.as_ptr(),
            k: consts.as_ptr(),
            max_stack: u32::from(proto.max_stack),
            num_params: proto.num_params,
            is_vararg: proto.is_vararg,
            fixed_params: if proto.is_vararg { u32::MAX } else { u32::from(proto.num_params) },
            unit: std::ptr::null_mut(),
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

    fn set_unit(&mut self, unit: *mut Unit) {
        self.unit = unit;
        self.protos.iter_mut().for_each(|inner| inner.set_unit(unit));
    }

    /// The prototype again, hints removed: for `string.dump`.
    #[must_use]
    pub fn to_proto(&self) -> Proto {
        // SAFETY: the code is there until the copy is whole.
        unsafe { Copying::new(self).go_on(usize::MAX) }.expect("as many items as there are")
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

    /// Bytes of this code and everything nested in it, without its types.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes_beside(&mut Texts::default())
    }

    /// Texts that are known already are not counted again.
    fn bytes_beside(&self, known: &mut Texts) -> usize {
        let mut bytes = size_of::<Self>()
            + size_of_val(&*self.code)
            + size_of_val(&*self.consts)
            + size_of_val(&*self.upvals)
            + size_of_val(&*self.locals)
            + self.origins.bytes()
            + known.source_bytes(&self.source);
        let upvals = self.upvals.iter().map(|upval| &upval.name);
        for name in self.locals.iter().map(|local| &local.name).chain(upvals) {
            bytes += known.name_bytes(name);
        }
        for inner in &self.protos {
            bytes += inner.bytes_beside(known);
        }
        bytes
    }

    /// The chunk's types: all its functions share them.
    pub(super) fn pool(&self) -> Option<&Arc<TypePool>> {
        self.types.as_ref().or_else(|| self.protos.iter().find_map(Self::pool))
    }
}

/// A copy of code as a prototype, hints removed, in the making.
pub struct Copying {
    /// What is still to be copied, the last one first: functions after those inside of them.
    left: Vec<*const Code>,
    /// Of the one that is being copied.
    code: Vec<Instr>,
    consts: Vec<Const>,
    /// Copied, but not part of another one yet.
    done: Vec<Proto>,
}

// SAFETY: what the pointers lead to goes where the copy goes: both are the process's.
unsafe impl Send for Copying {}

/// Instructions that are copied for the work of one constant.
const INSTRUCTIONS_PER_ITEM: usize = 16;

impl Copying {
    /// Begins to copy.
    ///
    /// # Safety
    /// The code stays until the copy is whole, or [`Copying::go_on`] is not called again.
    #[must_use]
    pub unsafe fn new(code: *const Code) -> Self {
        let (mut left, mut open) = (Vec::new(), vec![code]);
        while let Some(code) = open.pop() {
            left.push(code);
            // SAFETY: by contract.
            open.extend(unsafe { &(*code).protos }.iter().map(std::ptr::from_ref));
        }
        Self { left, code: Vec::new(), consts: Vec::new(), done: Vec::new() }
    }

    /// Copies about so many constants, or as much else; the prototype when it is whole.
    ///
    /// # Safety
    /// The code is still there.
    pub unsafe fn go_on(&mut self, items: usize) -> Option<Proto> {
        let mut items = items;
        while let Some(&code) = self.left.last() {
            // SAFETY: by contract.
            let code = unsafe { &*code };
            if self.consts.is_empty() && self.code.is_empty() {
                self.consts.reserve_exact(code.consts.len());
                self.code.reserve_exact(code.code.len());
            }
            let from = self.consts.len();
            let to = code.consts.len().min(from.saturating_add(items));
            self.consts.extend(code.consts[from..to].iter().map(constant_of));
            items -= to - from;
            let from = self.code.len();
            let to = code.code.len().min(from.saturating_add(items.saturating_mul(INSTRUCTIONS_PER_ITEM)));
            self.code.extend(code.code[from..to].iter().map(without_hint));
            items -= (to - from).div_ceil(INSTRUCTIONS_PER_ITEM);
            if items == 0 {
                return None;
            }
            items -= 1;
            self.left.pop();
            let protos = self.done.split_off(self.done.len() - code.protos.len());
            self.done.push(Proto {
                code: std::mem::take(&mut self.code).into(),
                consts: std::mem::take(&mut self.consts).into(),
                protos: protos.into(),
                upvals: code.upvals.clone(),
                num_params: code.num_params,
                is_vararg: code.is_vararg,
                max_stack: code.max_stack as u8,
                line_defined: code.line_defined,
                last_line_defined: code.last_line_defined,
                source: code.source.clone(),
                origins: code.origins.clone(),
                locals: code.locals.clone(),
                types: code.types.clone(),
            });
        }
        self.done.pop()
    }
}

fn constant_of(k: &KSlot) -> Const {
    match k.tag as u8 {
        tag::FALSE => Const::False,
        tag::TRUE => Const::True,
        tag::INT => Const::Integer(k.payload as i64),
        tag::FLOAT => Const::Float(f64::from_bits(k.payload)),
        // SAFETY: string constants live as long as the code.
        tag::STRING => Const::String(unsafe { Str::bytes(k.payload as *const Str) }.into()),
        _ => Const::Nil,
    }
}

fn without_hint(ins: &Instr) -> Instr {
    match ins.op().map(|op| op.operands()) {
        Some(o) if o.b == Operand::Key || o.c == Operand::Key => ins.with_h(0),
        _ => *ins,
    }
}

/// Names and sources, which the functions of a chunk share.
#[derive(Default)]
struct Texts(HashSet<*const u8, foldhash::fast::FixedState>);

impl Texts {
    /// What a name takes; those that begin with a parenthesis are the compiler's own.
    fn name_bytes(&mut self, name: &Text) -> usize {
        if name.first() == Some(&b'(') { 0 } else { self.bytes(name) }
    }

    /// What a text takes, if it has not been counted yet.
    fn bytes(&mut self, text: &Text) -> usize {
        if self.0.insert(text.as_ptr()) { text.size() } else { 0 }
    }

    /// What a source takes, if it has not been counted yet.
    fn source_bytes(&mut self, source: &Arc<[u8]>) -> usize {
        // In front of the bytes are two counters.
        let size = (2 * size_of::<usize>() + source.len()).next_multiple_of(align_of::<usize>());
        if self.0.insert(source.as_ptr()) { size } else { 0 }
    }
}

/// Local code that has no owner yet.
pub struct Linked {
    code: Box<Code>,
    bytes: usize,
}

// SAFETY: only whoever gives the code to a heap uses what its pointers lead to.
unsafe impl Send for Linked {}

/// Strings that constants of a chunk become, by the addresses of their texts, with their hashes.
#[derive(Default)]
pub struct Strings(HashMap<*const u8, (*const Str, u32), foldhash::fast::FixedState>);

// SAFETY: the addresses are not followed.
unsafe impl Send for Strings {}

impl Strings {
    /// Notes what a text becomes.
    pub fn insert(&mut self, text: &Text, string: (*const Str, u32)) {
        self.0.insert(text.as_ptr(), string);
    }

    /// Bytes of the list.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.capacity() * (size_of::<(*const u8, (*const Str, u32))>() + 1)
    }
}

impl Linked {
    fn new(code: Code) -> Self {
        let bytes = code.bytes();
        Self { code: Box::new(code), bytes }
    }

    /// Links code whose constants are strings already: all of [`texts`] must be among them. `None`: nobody wants it any more.
    #[must_use]
    pub fn with(proto: Proto, strings: &Strings) -> Option<Self> {
        let mut intern = |text: &Text| strings.0.get(&text.as_ptr()).copied().ok_or(OutOfMemory);
        Code::link(proto, &mut intern).ok().map(Self::new)
    }
}

/// Texts of the constants of a prototype and everything nested in it, each once, and about how many bytes all of it takes.
#[must_use]
pub fn texts(proto: &Proto) -> (Vec<Text>, usize) {
    fn add(proto: &Proto, known: &mut Texts, list: &mut Vec<Text>) -> usize {
        let mut bytes = proto.bytes();
        for (at, value) in proto.consts.iter().enumerate() {
            if let Const::String(text) = value {
                let size = known.bytes(text);
                if size > 0 {
                    list.push(text.clone());
                    bytes += size;
                }
            }
            if !step_at(at) {
                break;
            }
        }
        bytes + proto.protos.iter().map(|inner| add(inner, known, list)).sum::<usize>()
    }
    let (mut known, mut list) = (Texts::default(), Vec::new());
    let bytes = known.source_bytes(&proto.source) + add(proto, &mut known, &mut list);
    let bytes = size_of::<Proto>() + bytes + list.capacity() * size_of::<Text>();
    (list, bytes)
}

impl Heap {
    /// The string of a constant, and its hash: the program's if it has one.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn constant_string(&mut self, text: &[u8]) -> Result<(*const Str, u32), OutOfMemory> {
        let s = match find_constant(text) {
            Some(s) => s,
            None => self.new_string(text)?.cast_const(),
        };
        // SAFETY: a constant, or the process's own string.
        Ok((s, unsafe { Str::hash(s) }))
    }

    /// Links code that belongs to this process alone and returns its root.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn link_local(&mut self, proto: Proto) -> Result<*const Code, OutOfMemory> {
        // The functions of a chunk share their names: each needs to be looked for and made once.
        let mut known = Strings::default();
        let mut intern = |text: &Text| {
            if let Some(&s) = known.0.get(&text.as_ptr()) {
                return Ok(s);
            }
            let s = self.constant_string(text)?;
            if text.is_shared() {
                known.insert(text, s);
            }
            Ok(s)
        };
        let linked = Linked::new(Code::link(proto, &mut intern)?);
        // SAFETY: nothing was collected since the strings were made.
        unsafe { self.adopt_code(linked) }
    }

    /// Makes code this process's own and returns its root.
    ///
    /// # Safety
    /// The strings of its constants are this heap's and live, or immortal.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub unsafe fn adopt_code(&mut self, linked: Linked) -> Result<*const Code, OutOfMemory> {
        let Linked { mut code, bytes } = linked;
        let unit = self.alloc(size_of::<Unit>())?.cast::<Unit>();
        // SAFETY: fresh memory; a null code is skipped by the collector.
        unsafe { unit.write(Unit { code: std::ptr::null_mut(), bytes: 0 }) };
        self.reserve_external(bytes + code.pool().map_or(0, |types| types.bytes()))?;
        self.add_external(bytes + code.pool().map_or(0, |types| types.bring()));
        code.set_unit(unit);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(inside: usize, names: usize) -> Proto {
        let inner = |i: usize| {
            format!("function f{i}(a, b) local c = a.x{i} return function() return c + b end end ")
        };
        let name = |i: usize| format!("y{i} = 'text {i}' z{i} = {i}.5 ");
        let text: String = (0..inside).map(inner).chain((0..names).map(name)).collect();
        crate::runtime::loader::compile_source(text.as_bytes(), b"=code").expect("a program")
    }

    #[test]
    fn a_copy_in_pieces_is_a_copy() {
        let proto = functions(20, 300);
        let code = Code::link_shared(proto.clone());
        for items in [1, 2, 7, 100, usize::MAX] {
            // SAFETY: the code stays.
            let (copy, pieces) = unsafe {
                let mut copying = Copying::new(&raw const *code);
                let mut pieces = 1;
                loop {
                    match copying.go_on(items) {
                        Some(copy) => break (copy, pieces),
                        None => pieces += 1,
                    }
                }
            };
            assert_eq!(copy, proto);
            assert!(pieces >= 900 / items, "{pieces} pieces of {items}");
        }
    }
}

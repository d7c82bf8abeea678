//! Names of variables and functions for messages, found by symbolic execution of the bytecode, as PUC-Rio Lua's `ldebug.c`
//! does: which instruction last set a register, and from what.
#![allow(unsafe_op_in_unsafe_fn)]

use super::meta::{EVENT_NAMES, Event};
use super::{LuaError, Vm};
use crate::bytecode::{Instr, Op};
use crate::heap::thread::frame_flag;
use crate::heap::value::tag;
use crate::heap::{Code, Frame, FrameKind, Str, Value};

/// Where an operand of the failing instruction came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    Reg(u32),
    /// A register with an operand of arithmetic.
    Number(u32),
    Upval(u32),
    Const(u32),
    /// Computed on the way (a metatable's handler, an immediate).
    None,
}

/// What a name denotes, in the words of messages, and the name.
pub(crate) type Named = (&'static str, Vec<u8>);

const fn scaled(offset: u16) -> u32 {
    offset as u32 / crate::bytecode::instr::SLOT
}

fn constant_string(code: &Code, index: u32) -> Option<Vec<u8>> {
    let k = code.consts.get(index as usize)?;
    if k.tag != u32::from(tag::STRING) {
        return None;
    }
    // SAFETY: string constants live as long as their code.
    let name = unsafe { Str::bytes(k.payload as *const Str) };
    // As 5.3, which prints names as C strings.
    Some(name.split(|&byte| byte == 0).next().unwrap_or_default().to_vec())
}

fn local_name(code: &Code, reg: u32, pc: usize) -> Option<Vec<u8>> {
    code.local(reg as usize, pc).map(|l| l.name.to_vec())
}

fn upval_name(code: &Code, index: u32) -> Vec<u8> {
    match code.upvals.get(index as usize) {
        Some(desc) if !desc.name.is_empty() => desc.name.to_vec(),
        _ => b"?".to_vec(),
    }
}

/// True if the instruction sets the register.
fn sets(ins: Instr, op: Op, reg: u32) -> bool {
    let a = scaled(ins.a());
    match op {
        Op::LoadNil => reg >= a && reg < a + u32::from(ins.b()),
        Op::GenericCall => reg >= a + 2,
        Op::Call | Op::TailCall => reg >= a,
        Op::Method => reg == a || reg == a + 1,
        Op::Vararg => reg >= a && (ins.b() == 0 || reg < a + u32::from(ins.b()) - 1),
        Op::ForLoop | Op::ForPrep => reg >= a && reg <= a + 3,
        _ => op.operands().a == crate::bytecode::ops::Operand::Dst && reg == a,
    }
}

/// The last instruction before `pc` that certainly set the register.
fn find_setter(code: &Code, pc: usize, reg: u32) -> Option<usize> {
    let mut setter = None;
    // Code before this address may be skipped by a jump.
    let mut jump_target = 0;
    for at in 0..pc.min(code.code.len()) {
        let ins = code.code[at];
        let Some(op) = ins.op() else { continue };
        if op == Op::Jump {
            let target = (at as i64 + 1 + i64::from(ins.w())) as usize;
            if target <= pc && target > jump_target {
                jump_target = target;
            }
            continue;
        }
        if sets(ins, op, reg) {
            setter = if at < jump_target { None } else { Some(at) };
        }
    }
    setter
}

/// Name of what a register holds at `pc`.
fn register_name(code: &Code, pc: usize, reg: u32) -> Option<Named> {
    if let Some(name) = local_name(code, reg, pc) {
        return Some(("local", name));
    }
    let at = find_setter(code, pc, reg)?;
    let ins = code.code[at];
    match ins.op()? {
        Op::Move => {
            let from = scaled(ins.b());
            if from < scaled(ins.a()) { register_name(code, at, from) } else { None }
        }
        Op::GetTabUp => {
            let table = upval_name(code, u32::from(ins.b()));
            let kind = if table == b"_ENV" { "global" } else { "field" };
            Some((kind, key_name(code, Some(scaled(ins.c())))))
        }
        Op::GetType => {
            let index = code.code.get(at + 1)?.w() as u32 as usize;
            let name = code.types.as_ref()?.values().get(index)?.name.as_ref()?;
            Some(("global", name.to_vec()))
        }
        Op::GetField => {
            let env = local_name(code, scaled(ins.b()), at).is_some_and(|n| n == b"_ENV");
            Some((if env { "global" } else { "field" }, key_name(code, Some(scaled(ins.c())))))
        }
        Op::GetIndex => {
            let env = local_name(code, scaled(ins.b()), at).is_some_and(|n| n == b"_ENV");
            let name = match register_name(code, at, scaled(ins.c())) {
                Some(("constant", name)) => name,
                _ => b"?".to_vec(),
            };
            Some((if env { "global" } else { "field" }, name))
        }
        Op::GetUpIndex => {
            let env = upval_name(code, u32::from(ins.b())) == b"_ENV";
            let name = match register_name(code, at, scaled(ins.c())) {
                Some(("constant", name)) => name,
                _ => b"?".to_vec(),
            };
            Some((if env { "global" } else { "field" }, name))
        }
        Op::GetInt => Some(("field", b"?".to_vec())),
        Op::GetUpval => Some(("upvalue", upval_name(code, u32::from(ins.b())))),
        Op::LoadK => {
            constant_string(code, ins.w() as u32 / crate::bytecode::instr::SLOT).map(|s| ("constant", s))
        }
        Op::Method => Some(("method", key_name(code, Some(scaled(ins.c()))))),
        _ => None,
    }
}

fn key_name(code: &Code, index: Option<u32>) -> Vec<u8> {
    index.and_then(|i| constant_string(code, i)).unwrap_or_else(|| b"?".to_vec())
}

/// The metamethod event that an instruction may call.
fn event_of(op: Op) -> Option<Event> {
    Some(match op {
        Op::GetTabUp | Op::GetField | Op::GetIndex | Op::GetUpIndex | Op::GetInt | Op::Method => Event::Index,
        Op::SetTabUp | Op::SetField | Op::SetFieldK | Op::SetIndex | Op::SetIndexK | Op::SetInt => {
            Event::NewIndex
        }
        Op::Add | Op::AddK | Op::AddI => Event::Add,
        Op::Sub | Op::SubK | Op::KSub => Event::Sub,
        Op::Mul | Op::MulK => Event::Mul,
        Op::Div | Op::DivK | Op::KDiv => Event::Div,
        Op::Mod | Op::ModK => Event::Mod,
        Op::Pow | Op::PowK | Op::KPow => Event::Pow,
        Op::IDiv | Op::IDivK => Event::IDiv,
        Op::BAnd | Op::BAndK => Event::BAnd,
        Op::BOr | Op::BOrK => Event::BOr,
        Op::BXor | Op::BXorK => Event::BXor,
        Op::Shl | Op::ShlI => Event::Shl,
        Op::Shr => Event::Shr,
        Op::Neg => Event::Unm,
        Op::BNot => Event::BNot,
        Op::Len => Event::Len,
        Op::Concat => Event::Concat,
        Op::JumpEq | Op::JumpNe | Op::JumpEqK | Op::JumpNeK => Event::Eq,
        Op::JumpLt | Op::JumpNotLt | Op::JumpLtI | Op::JumpNotLtI | Op::JumpGtI | Op::JumpNotGtI => Event::Lt,
        Op::JumpLe | Op::JumpNotLe | Op::JumpLeI | Op::JumpNotLeI | Op::JumpGeI | Op::JumpNotGeI => Event::Le,
        _ => return None,
    })
}

impl Vm {
    /// Address of the instruction that a Lua frame executes: the one before its saved `pc`.
    pub(super) unsafe fn current_pc(frame: *const Frame) -> usize {
        let code = (*Self::frame_closure(frame)).code;
        (*code).pc_index((*frame).pc).saturating_sub(1)
    }

    /// ` (local 'x')` and the like for an operand of the running Lua frame; empty if it has no name.
    unsafe fn describe(&self, what: Operand) -> Vec<u8> {
        let frame = (*self.th).frame;
        if (*frame).kind != FrameKind::Lua {
            return Vec::new();
        }
        let code = &*(*Self::frame_closure(frame)).code;
        let pc = Self::current_pc(frame);
        let named = match what {
            Operand::Reg(reg) => register_name(code, pc, reg),
            // 5.3 takes constants as operands where this bytecode loads them into a register first.
            Operand::Number(reg) => register_name(code, pc, reg).filter(|n| n.0 != "constant"),
            Operand::Upval(index) => Some(("upvalue", upval_name(code, index))),
            // As 5.3: a constant operand is not on the stack and has no name.
            Operand::Const(_) | Operand::None => None,
        };
        match named {
            Some((kind, name)) => [b" (", kind.as_bytes(), b" '", &name, b"')"].concat(),
            None => Vec::new(),
        }
    }

    /// Type name with `__name`, for messages.
    pub(crate) unsafe fn type_name(&self, v: Value) -> Vec<u8> {
        if v.tag == tag::TABLE || v.tag == tag::USERDATA {
            let name = self.value_handler(v, Event::Name);
            if name.is_string() {
                return Str::bytes(name.as_str()).to_vec();
            }
        }
        v.type_name().as_bytes().to_vec()
    }

    /// "attempt to … a … value (…)".
    #[cold]
    pub(crate) unsafe fn type_error(&self, v: Value, action: &str, what: Operand) -> LuaError {
        let mut text = format!("attempt to {action} a ").into_bytes();
        text.extend_from_slice(&self.type_name(v));
        text.extend_from_slice(b" value");
        text.extend_from_slice(&self.describe(what));
        LuaError::runtime(text)
    }

    /// "number has no integer representation".
    #[cold]
    pub(crate) unsafe fn no_integer_error(&self, _v: Value, what: Operand) -> LuaError {
        let mut text = b"number".to_vec();
        text.extend_from_slice(&self.describe(what));
        text.extend_from_slice(b" has no integer representation");
        LuaError::runtime(text)
    }

    /// "attempt to compare …".
    #[cold]
    pub(crate) unsafe fn order_error(&self, a: Value, b: Value) -> LuaError {
        let (a, b) = (self.type_name(a), self.type_name(b));
        let mut text = b"attempt to compare ".to_vec();
        if a == b {
            text.extend_from_slice(b"two ");
            text.extend_from_slice(&a);
            text.extend_from_slice(b" values");
        } else {
            text.extend_from_slice(&a);
            text.extend_from_slice(b" with ");
            text.extend_from_slice(&b);
        }
        LuaError::runtime(text)
    }

    /// "attempt to call a … value (…)" for the value at `func`.
    #[cold]
    pub(super) unsafe fn call_error(&self, func: *mut Value) -> LuaError {
        let frame = (*self.th).frame;
        let v = crate::heap::value::get(func);
        let mut what = Operand::None;
        if (*frame).kind == FrameKind::Lua {
            let code = (*Self::frame_closure(frame)).code;
            let index = func.offset_from((*frame).base);
            if index >= 0 && (index as u32) < (*code).max_stack {
                what = Operand::Reg(index as u32);
            }
        }
        self.type_error(v, "call", what)
    }

    /// Name of the function running in `frame`, from the instruction that called it.
    pub(super) unsafe fn called_name(
        &self,
        th: *mut crate::heap::Thread,
        frame: *const Frame,
    ) -> Option<Named> {
        let flags = (*frame).flags;
        // As 5.3: the function that a finalizer interrupts is called `__gc`.
        if frame < (*th).frame && (*frame.add(1)).flags & frame_flag::FINALIZER != 0 {
            return Some(("metamethod", b"__gc".to_vec()));
        }
        if flags & frame_flag::TAIL != 0 || frame <= (*th).frames.add(1) {
            return None;
        }
        let mut caller = frame.sub(1);
        if Self::is_hidden(caller) {
            // As 5.3: a message handler is called by the instruction that failed.
            caller = caller.sub(1);
        }
        if (*caller).kind != FrameKind::Lua {
            return None;
        }
        if flags & frame_flag::HOOK != 0 {
            return Some(("hook", b"?".to_vec()));
        }
        let code = &*(*Self::frame_closure(caller)).code;
        let pc = Self::current_pc(caller);
        let ins = *code.code.get(pc)?;
        let op = ins.op()?;
        match op {
            Op::Call | Op::TailCall if flags & (frame_flag::META | frame_flag::FINALIZER) == 0 => {
                register_name(code, pc, scaled(ins.a()))
            }
            Op::GenericCall => Some(("for iterator", b"for iterator".to_vec())),
            // `x >> n` is compiled as a shift to the left, and says so in its hint.
            Op::ShlI if ins.h() == 1 => {
                Some(("metamethod", EVENT_NAMES[Event::Shr as usize].as_bytes().to_vec()))
            }
            Op::AddI if ins.h() == 2 => {
                Some(("metamethod", EVENT_NAMES[Event::Sub as usize].as_bytes().to_vec()))
            }
            op => event_of(op).map(|e| ("metamethod", EVENT_NAMES[e as usize].as_bytes().to_vec())),
        }
    }

    /// The text of a bad-argument error in the running native function, with position.
    pub(super) fn argument_message(&self, number: usize, text: &[u8]) -> Vec<u8> {
        // SAFETY: frames of the running coroutine are live.
        unsafe {
            let th = self.th;
            let frame = (*th).frame;
            let mut out = self.position(1);
            let mut number = number;
            let name = match self.called_name(th, frame) {
                Some((kind, name)) => {
                    if kind == "method" {
                        number -= 1;
                        if number == 0 {
                            out.extend_from_slice(b"calling '");
                            out.extend_from_slice(&name);
                            out.extend_from_slice(b"' on bad self (");
                            out.extend_from_slice(text);
                            out.push(b')');
                            return out;
                        }
                    }
                    name
                }
                None => self
                    .global_function_name(crate::heap::value::get((*frame).func()))
                    .unwrap_or_else(|| b"?".to_vec()),
            };
            out.extend_from_slice(format!("bad argument #{number} to '").as_bytes());
            out.extend_from_slice(&name);
            out.extend_from_slice(b"' (");
            out.extend_from_slice(text);
            out.push(b')');
            out
        }
    }

    /// Name of a function that a loaded library holds, such as `string.rep`.
    pub(super) unsafe fn global_function_name(&self, f: Value) -> Option<Vec<u8>> {
        use crate::heap::Table;
        let loaded_key = crate::heap::string::constant(b"_LOADED");
        let loaded = Table::get_str(self.registry, loaded_key);
        if !loaded.is_table() {
            return None;
        }
        let mut best: Option<Vec<u8>> = None;
        let mut at = 0;
        while let Some((next, module_name, module)) = Table::next_at(loaded.as_table(), at) {
            at = next;
            if !module_name.is_string() {
                continue;
            }
            let prefix = Str::bytes(module_name.as_str());
            if super::arith::raw_equal(module, f) {
                return Some(prefix.to_vec());
            }
            if !module.is_table() {
                continue;
            }
            let module = super::read_only::content_of(module.as_table());
            let mut inner = 0;
            while let Some((next, name, v)) = Table::next_at(module, inner) {
                inner = next;
                if name.is_string() && v.is_function() && super::arith::raw_equal(v, f) {
                    let name = Str::bytes(name.as_str());
                    let full = if prefix == b"_G" { name.to_vec() } else { [prefix, b".", name].concat() };
                    // A global name wins over `module.name`.
                    if prefix == b"_G" {
                        return Some(full);
                    }
                    if best.as_ref().is_none_or(|b| full < *b) {
                        best = Some(full);
                    }
                }
            }
        }
        best
    }
}

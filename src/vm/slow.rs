//! Slow paths of the ops: metamethods, errors, allocation, calls.
//!
//! Each function finds the frame's `pc` behind its instruction. It either completes the instruction, or pushes a frame whose
//! return completes it ([`Vm::finish_op`]), or fails.
#![allow(unsafe_op_in_unsafe_fn)]

use super::arith::{self, Arith, ArithError};
use super::index::{Get, Set};
use super::meta::Event;
use super::names::Operand;
use super::{Exit, LuaError, Vm};
use crate::bytecode::ops::ALL;
use crate::bytecode::{Instr, Op};
use crate::heap::thread::frame_flag;
use crate::heap::value::{get, put, tag};
use crate::heap::{Closure, KSlot, Str, Table, Thread, Value};
use crate::limits::{BYTES_PER_REDUCTION, DIGITS_PER_REDUCTION};
use std::sync::atomic::Ordering;

type R = Result<(), LuaError>;

#[inline(always)]
unsafe fn reg(vm: &Vm, offset: u16) -> *mut Value {
    (*(*vm.th).frame).base.byte_add(offset as usize)
}

#[inline(always)]
unsafe fn konst(vm: &Vm, offset: u16) -> *const KSlot {
    ((*(*vm.th).frame).state as *const KSlot).byte_add(offset as usize)
}

unsafe fn konst_value(vm: &Vm, offset: u16) -> Value {
    get(konst(vm, offset).cast())
}

unsafe fn upval(vm: &Vm, index: u16) -> *mut Value {
    let closure = Vm::frame_closure((*vm.th).frame);
    (**Closure::upval(closure, index as usize)).v
}

const fn index_of(offset: u16) -> u32 {
    offset as u32 / crate::bytecode::instr::SLOT
}

// ---- indexing ----

unsafe fn finish_get(vm: &mut Vm, a: u16, obj: Value, key: Value, what: Operand) -> R {
    match vm.index(obj, key, what)? {
        Get::Value(v) => {
            put(reg(vm, a), v);
            Ok(())
        }
        Get::Call(handler, obj) => vm.call_meta(handler, &[obj, key], 0),
    }
}

unsafe fn finish_set(vm: &mut Vm, obj: Value, key: Value, v: Value, what: Operand) -> R {
    match vm.set_index(obj, key, v, what)? {
        Set::Done => Ok(()),
        Set::Call(handler, obj) => vm.call_meta(handler, &[obj, key, v], 0),
        Set::Full(t) => {
            // Where the instruction would begin anew again and again an interruption must be seen.
            if interrupted(vm) {
                return Err(LuaError::runtime("interrupted!"));
            }
            vm.grow_in_turns(t, key)?;
            put_back(vm);
            Ok(())
        }
    }
}

pub(super) unsafe fn get_tab_up(vm: &mut Vm, ins: Instr) -> R {
    let obj = get(upval(vm, ins.b()));
    let key = konst_value(vm, ins.c());
    adopt(obj, konst(vm, ins.c()));
    finish_get(vm, ins.a(), obj, key, Operand::Upval(u32::from(ins.b())))
}

pub(super) unsafe fn set_tab_up(vm: &mut Vm, ins: Instr) -> R {
    let obj = get(upval(vm, ins.b()));
    let (key, v) = (konst_value(vm, ins.c()), get(reg(vm, ins.a())));
    adopt(obj, konst(vm, ins.c()));
    finish_set(vm, obj, key, v, Operand::Upval(u32::from(ins.b())))
}

pub(super) unsafe fn get_type(vm: &mut Vm, ins: Instr) -> R {
    let frame = (*vm.th).frame;
    let index = (*(*frame).pc).w() as u32 as usize;
    let code = (*Vm::frame_closure(frame)).code;
    let v = vm.named_type(&*code, index, get(reg(vm, ins.b())))?;
    (*frame).pc = (*frame).pc.add(1);
    put(reg(vm, ins.a()), v);
    Ok(())
}

/// A node that holds an equal key made at run time takes over the constant's pointer, so that the next look-up finds it by
/// pointer.
unsafe fn adopt(obj: Value, key: *const KSlot) {
    if obj.tag == tag::TABLE {
        let pointer = (*key).payload;
        if let Some(node) = Table::find_str(obj.as_table(), pointer as *const Str)
            && (*node).key != pointer
            && (*node).is_own()
        {
            (*node).key = pointer;
        }
    }
}

pub(super) unsafe fn get_field(vm: &mut Vm, ins: Instr) -> R {
    let obj = get(reg(vm, ins.b()));
    adopt(obj, konst(vm, ins.c()));
    finish_get(vm, ins.a(), obj, konst_value(vm, ins.c()), Operand::Reg(index_of(ins.b())))
}

pub(super) unsafe fn get_index(vm: &mut Vm, ins: Instr) -> R {
    let (obj, key) = (get(reg(vm, ins.b())), get(reg(vm, ins.c())));
    finish_get(vm, ins.a(), obj, key, Operand::Reg(index_of(ins.b())))
}

pub(super) unsafe fn get_up_index(vm: &mut Vm, ins: Instr) -> R {
    let (obj, key) = (get(upval(vm, ins.b())), get(reg(vm, ins.c())));
    finish_get(vm, ins.a(), obj, key, Operand::Upval(u32::from(ins.b())))
}

pub(super) unsafe fn get_int(vm: &mut Vm, ins: Instr) -> R {
    let obj = get(reg(vm, ins.b()));
    finish_get(vm, ins.a(), obj, Value::int(i64::from(ins.c())), Operand::Reg(index_of(ins.b())))
}

pub(super) unsafe fn set_field(vm: &mut Vm, ins: Instr) -> R {
    let (obj, v) = (get(reg(vm, ins.a())), get(reg(vm, ins.c())));
    adopt(obj, konst(vm, ins.b()));
    finish_set(vm, obj, konst_value(vm, ins.b()), v, Operand::Reg(index_of(ins.a())))
}

pub(super) unsafe fn set_field_k(vm: &mut Vm, ins: Instr) -> R {
    let (obj, v) = (get(reg(vm, ins.a())), konst_value(vm, ins.c()));
    adopt(obj, konst(vm, ins.b()));
    finish_set(vm, obj, konst_value(vm, ins.b()), v, Operand::Reg(index_of(ins.a())))
}

pub(super) unsafe fn set_index(vm: &mut Vm, ins: Instr) -> R {
    let (obj, key, v) = (get(reg(vm, ins.a())), get(reg(vm, ins.b())), get(reg(vm, ins.c())));
    finish_set(vm, obj, key, v, Operand::Reg(index_of(ins.a())))
}

pub(super) unsafe fn set_index_k(vm: &mut Vm, ins: Instr) -> R {
    let (obj, key, v) = (get(reg(vm, ins.a())), get(reg(vm, ins.b())), konst_value(vm, ins.c()));
    finish_set(vm, obj, key, v, Operand::Reg(index_of(ins.a())))
}

pub(super) unsafe fn set_int(vm: &mut Vm, ins: Instr) -> R {
    let (obj, v) = (get(reg(vm, ins.a())), get(reg(vm, ins.c())));
    finish_set(vm, obj, Value::int(i64::from(ins.b())), v, Operand::Reg(index_of(ins.a())))
}

pub(super) unsafe fn method(vm: &mut Vm, ins: Instr) -> R {
    let obj = get(reg(vm, ins.b()));
    put(reg(vm, ins.a()).add(1), obj);
    adopt(obj, konst(vm, ins.c()));
    finish_get(vm, ins.a(), obj, konst_value(vm, ins.c()), Operand::Reg(index_of(ins.b())))
}

pub(super) unsafe fn new_table(vm: &mut Vm, ins: Instr) -> R {
    if vm.heap.gc_pending && !vm.heap.gc.stopped {
        // Collect first, then run the instruction again.
        return vm.collect_and_retry(reg(vm, ins.a()));
    }
    let t = vm.heap.new_table_with(usize::from(ins.b()), usize::from(ins.c()))?;
    put(reg(vm, ins.a()), Value::table(t));
    Ok(())
}

pub(super) unsafe fn set_list(vm: &mut Vm, ins: Instr) -> R {
    let frame = (*vm.th).frame;
    let first = (*(*frame).pc).w() as u32 as usize;
    (*frame).pc = (*frame).pc.add(1);
    let a = reg(vm, ins.a());
    let count = if ins.b() != 0 { ins.b() as usize } else { (*vm.th).top.offset_from(a) as usize - 1 };
    if (*a).tag != tag::TABLE {
        // Only foreign bytecode can come here.
        return Err(LuaError::runtime("attempt to fill a value that is not a table"));
    }
    Table::set_list((*a).payload as *mut Table, &mut vm.heap, first, a.add(1), count)?;
    vm.pay_owed();
    Ok(())
}

// ---- arithmetic ----

pub(super) const fn event_of(op: Arith) -> Event {
    match op {
        Arith::Add => Event::Add,
        Arith::Sub => Event::Sub,
        Arith::Mul => Event::Mul,
        Arith::Mod => Event::Mod,
        Arith::Pow => Event::Pow,
        Arith::Div => Event::Div,
        Arith::IDiv => Event::IDiv,
        Arith::BAnd => Event::BAnd,
        Arith::BOr => Event::BOr,
        Arith::BXor => Event::BXor,
        Arith::Shl => Event::Shl,
        Arith::Shr => Event::Shr,
        Arith::Unm => Event::Unm,
        Arith::BNot => Event::BNot,
    }
}

const fn is_bitwise(op: Arith) -> bool {
    matches!(op, Arith::BAnd | Arith::BOr | Arith::BXor | Arith::Shl | Arith::Shr | Arith::BNot)
}

/// An operator on any two values.
unsafe fn arith_values(vm: &mut Vm, dst: u16, op: Arith, a: (Value, Operand), b: (Value, Operand)) -> R {
    let ((a, a_is), (b, b_is)) = (a, b);
    for v in [a, b] {
        if v.is_string() {
            charge(vm, Str::len(v.as_str()) / DIGITS_PER_REDUCTION);
        }
    }
    if let (Some(mut x), Some(mut y)) = (vm.to_number(a), vm.to_number(b)) {
        if !(is_bitwise(op) || a.is_number() && b.is_number()) {
            // As 5.3: strings take part in arithmetic as floats.
            (x, y) = (Value::float(arith::to_float(x)), Value::float(arith::to_float(y)));
        }
        match arith::number_arith(op, x, y) {
            Ok(v) => {
                put(reg(vm, dst), v);
                return Ok(());
            }
            Err(ArithError::DivisionByZero) => return Err(LuaError::runtime("attempt to divide by zero")),
            Err(ArithError::ModuloByZero) => return Err(LuaError::runtime("attempt to perform 'n%0'")),
            Err(ArithError::NoInteger) => {}
        }
    }
    let mut handler = vm.value_handler(a, event_of(op));
    if handler.is_nil() {
        handler = vm.value_handler(b, event_of(op));
    }
    if !handler.is_nil() {
        return vm.call_meta(handler, &[a, b], 0);
    }
    let (x, y) = (vm.to_number(a), vm.to_number(b));
    if is_bitwise(op) && x.is_some() && y.is_some() {
        // Both are numbers: one has no integer representation.
        let first = x.is_some_and(|v| arith::to_int(v).is_none());
        let (v, what) = if first { (a, a_is) } else { (b, b_is) };
        return Err(vm.no_integer_error(v, what));
    }
    // The second operand is to blame if the first one is fine.
    let (v, what) = if x.is_some() { (b, b_is) } else { (a, a_is) };
    let action = if is_bitwise(op) { "perform bitwise operation on" } else { "perform arithmetic on" };
    Err(vm.type_error(v, action, what))
}

/// Where the operands of an arithmetic op are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Registers,
    /// The second one is a constant; H = 1: the first one.
    Constant,
    /// The first one is a constant.
    Reversed,
    Immediate,
    Unary,
}

/// Operator and form of an arithmetic op.
const fn arith_of(op: Op) -> Option<(Arith, Form)> {
    use Form::{Constant, Immediate, Registers, Reversed, Unary};
    Some(match op {
        Op::Add => (Arith::Add, Registers),
        Op::Sub => (Arith::Sub, Registers),
        Op::Mul => (Arith::Mul, Registers),
        Op::Div => (Arith::Div, Registers),
        Op::Mod => (Arith::Mod, Registers),
        Op::Pow => (Arith::Pow, Registers),
        Op::IDiv => (Arith::IDiv, Registers),
        Op::BAnd => (Arith::BAnd, Registers),
        Op::BOr => (Arith::BOr, Registers),
        Op::BXor => (Arith::BXor, Registers),
        Op::Shl => (Arith::Shl, Registers),
        Op::Shr => (Arith::Shr, Registers),
        Op::AddK => (Arith::Add, Constant),
        Op::SubK => (Arith::Sub, Constant),
        Op::MulK => (Arith::Mul, Constant),
        Op::DivK => (Arith::Div, Constant),
        Op::ModK => (Arith::Mod, Constant),
        Op::PowK => (Arith::Pow, Constant),
        Op::IDivK => (Arith::IDiv, Constant),
        Op::BAndK => (Arith::BAnd, Constant),
        Op::BOrK => (Arith::BOr, Constant),
        Op::BXorK => (Arith::BXor, Constant),
        Op::KSub => (Arith::Sub, Reversed),
        Op::KDiv => (Arith::Div, Reversed),
        Op::KPow => (Arith::Pow, Reversed),
        Op::AddI => (Arith::Add, Immediate),
        Op::ShlI => (Arith::Shl, Immediate),
        Op::Neg => (Arith::Unm, Unary),
        Op::BNot => (Arith::BNot, Unary),
        _ => return None,
    })
}

static ARITH: [Option<(Arith, Form)>; ALL.len()] = {
    let mut table = [None; ALL.len()];
    let mut i = 0;
    while i < ALL.len() {
        table[i] = arith_of(ALL[i]);
        i += 1;
    }
    table
};

/// Operator and operands of an arithmetic instruction in the order of the source, from the state of its frame; the flag
/// says that the operand in a register is the second one.
#[inline(always)]
pub(super) unsafe fn arith_operands(
    ins: Instr,
    base: *mut Value,
    k: *const KSlot,
) -> (Arith, Form, Value, Value, bool) {
    let (op, form) = ARITH[usize::from(ins.op_byte())].expect("only arithmetic ops come here");
    let b = get(base.byte_add(ins.b() as usize));
    let imm = i64::from(ins.c() as i16);
    match form {
        Form::Registers => (op, form, b, get(base.byte_add(ins.c() as usize)), false),
        Form::Unary => (op, form, b, b, false),
        Form::Constant | Form::Reversed => {
            let c = get(k.byte_add(ins.c() as usize).cast());
            if form == Form::Reversed || ins.h() == 1 {
                (op, form, c, b, true)
            } else {
                (op, form, b, c, false)
            }
        }
        Form::Immediate => match (op, ins.h()) {
            (Arith::Add, 1) => (op, form, Value::int(imm), b, true),
            (Arith::Add, 2) => (Arith::Sub, form, b, Value::int(-imm), false),
            (Arith::Shl, 1) => (Arith::Shr, form, b, Value::int(-imm), false),
            _ => (op, form, b, Value::int(imm), false),
        },
    }
}

/// Any arithmetic op on any operands.
pub(super) unsafe fn arith(vm: &mut Vm, ins: Instr) -> R {
    let frame = (*vm.th).frame;
    let (op, form, x, y, swapped) = arith_operands(ins, (*frame).base, (*frame).state as *const KSlot);
    let b = match form {
        Form::Unary => Operand::Reg(index_of(ins.b())),
        _ => Operand::Number(index_of(ins.b())),
    };
    let c = match form {
        Form::Registers => Operand::Number(index_of(ins.c())),
        Form::Constant | Form::Reversed => Operand::Const(index_of(ins.c())),
        Form::Immediate => Operand::None,
        Form::Unary => b,
    };
    if swapped {
        arith_values(vm, ins.a(), op, (x, c), (y, b))
    } else {
        arith_values(vm, ins.a(), op, (x, b), (y, c))
    }
}

pub(super) unsafe fn len(vm: &mut Vm, ins: Instr) -> R {
    let v = get(reg(vm, ins.b()));
    let handler = vm.value_handler(v, Event::Len);
    if !handler.is_nil() {
        return vm.call_meta(handler, &[v, v], 0);
    }
    if v.tag == tag::TABLE {
        put(reg(vm, ins.a()), Value::int(Table::len(v.as_table())));
        return Ok(());
    }
    Err(vm.type_error(v, "get length of", Operand::Reg(index_of(ins.b()))))
}

// ---- concatenation ----

pub(super) unsafe fn concat(vm: &mut Vm, ins: Instr) -> R {
    if vm.heap.gc_pending && !vm.heap.gc.stopped {
        let dead = reg(vm, ins.b()).add(ins.c() as usize);
        return vm.collect_and_retry(dead);
    }
    concat_from(vm, ins, ins.c() as usize)
}

/// Bytes of a concatenation that is put together on the Rust stack.
const SMALL_CONCAT: usize = 256;

/// Concatenation of strings and numbers into a short string; false for anything else. The result goes through a pointer: a
/// return value in memory would cost the handler its sibling call.
#[inline(never)]
pub(super) unsafe fn concat_plain(vm: *mut Vm, first: *mut Value, n: usize, dst: *mut Value) -> bool {
    let mut buffer = [0u8; SMALL_CONCAT];
    let mut len = 0;
    for i in 0..n {
        let v = get(first.add(i));
        let number;
        let bytes = match v.tag {
            tag::STRING => Str::bytes(v.as_str()),
            tag::INT => {
                number = crate::numfmt::integer_text(v.as_int());
                &number[..]
            }
            tag::FLOAT => {
                number = crate::numfmt::float_text(v.as_float());
                &number[..]
            }
            _ => return false,
        };
        let Some(room) = buffer.get_mut(len..len + bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        len += bytes.len();
    }
    match (*vm).heap.new_string(&buffer[..len]) {
        Ok(s) => {
            put(dst, Value::string(s));
            true
        }
        Err(_) => false,
    }
}

/// Concatenates the first `count` operands, from the right.
unsafe fn concat_from(vm: &mut Vm, ins: Instr, count: usize) -> R {
    let first = reg(vm, ins.b());
    let mut n = count;
    while n > 1 {
        let (a, b) = (get(first.add(n - 2)), get(first.add(n - 1)));
        let stringable = |v: Value| v.is_string() || v.is_number();
        if !stringable(a) || !stringable(b) {
            let mut handler = vm.value_handler(a, Event::Concat);
            if handler.is_nil() {
                handler = vm.value_handler(b, Event::Concat);
            }
            if handler.is_nil() {
                let base = index_of(ins.b()) + n as u32 - 2;
                let culprit = if stringable(a) { (b, base + 1) } else { (a, base) };
                return Err(vm.type_error(culprit.0, "concatenate", Operand::Reg(culprit.1)));
            }
            // The last operand's register is free by now: remember there how far we are (see `finish_op`).
            put(first.add(ins.c() as usize - 1), Value::int(n as i64));
            return vm.call_meta(handler, &[a, b], 0);
        }
        // All neighbours to the left that are strings or numbers join in one go.
        let mut start = n - 2;
        while start > 0 && stringable(get(first.add(start - 1))) {
            start -= 1;
        }
        let joined = match join(vm, first.add(start), n - start) {
            Ok(joined) => joined,
            Err(e) => {
                // Operands to the right may have been joined already.
                vm.no_retry = n != ins.c() as usize;
                return Err(e);
            }
        };
        put(first.add(start), joined);
        n = start + 1;
    }
    put(reg(vm, ins.a()), get(first));
    Ok(())
}

/// One string from `n` strings and numbers.
unsafe fn join(vm: &mut Vm, first: *mut Value, n: usize) -> Result<Value, LuaError> {
    let mut total = 0usize;
    let mut numbers = false;
    for i in 0..n {
        let v = get(first.add(i));
        if v.is_string() {
            total = total.checked_add(Str::len(v.as_str())).ok_or_else(too_long)?;
        } else {
            numbers = true;
        }
    }
    if total > isize::MAX as usize / 2 {
        return Err(too_long());
    }
    charge_bytes(vm, total);
    if !numbers {
        let s = vm.heap.new_string_with(total, |out| {
            let mut at = 0;
            for i in 0..n {
                // SAFETY: the operands are strings in registers.
                let bytes = unsafe { Str::bytes(get(first.add(i)).as_str()) };
                out[at..at + bytes.len()].copy_from_slice(bytes);
                at += bytes.len();
            }
        })?;
        return Ok(Value::string(s));
    }
    let mut text = Vec::with_capacity(total + n * 8);
    for i in 0..n {
        let v = get(first.add(i));
        if v.is_string() {
            text.extend_from_slice(Str::bytes(v.as_str()));
        } else {
            super::convert::write_number(&mut text, v);
        }
    }
    Ok(Value::string(vm.heap.new_string(&text)?))
}

/// Pays for an instruction that touches `bytes` bytes of strings. It does not stop: the next call or backward jump does.
fn charge_bytes(vm: &mut Vm, bytes: usize) {
    charge(vm, bytes / BYTES_PER_REDUCTION);
}

fn charge(vm: &mut Vm, reductions: usize) {
    vm.budget = vm.budget.saturating_sub(i32::try_from(reductions).unwrap_or(i32::MAX));
}

fn too_long() -> LuaError {
    LuaError::runtime("string length overflow")
}

// ---- comparison ----

/// Takes or skips the `Jump` behind a conditional op.
unsafe fn branch(vm: &mut Vm, taken: bool) {
    let frame = (*vm.th).frame;
    let distance = if taken { (*(*frame).pc).w() } else { 0 };
    (*frame).pc = (*frame).pc.offset(distance as isize + 1);
}

/// For each conditional op: does it jump when the comparison holds?
pub(super) fn wants(op: Option<Op>) -> bool {
    !matches!(
        op,
        Some(
            Op::JumpNe
                | Op::JumpNeK
                | Op::JumpNotLt
                | Op::JumpNotLe
                | Op::JumpNotLtI
                | Op::JumpNotLeI
                | Op::JumpNotGtI
                | Op::JumpNotGeI
        )
    )
}

unsafe fn equal(vm: &mut Vm, ins: Instr, a: Value, b: Value) -> R {
    let want = wants(ins.op());
    if a.tag == b.tag && (a.tag == tag::TABLE || a.tag == tag::USERDATA) && a.payload != b.payload {
        let mut handler = vm.value_handler(a, Event::Eq);
        if handler.is_nil() {
            handler = vm.value_handler(b, Event::Eq);
        }
        if !handler.is_nil() {
            return vm.call_meta(handler, &[a, b], 0);
        }
    }
    let r = arith::raw_equal(a, b);
    if a.is_string() && b.is_string() && Str::len(a.as_str()) == Str::len(b.as_str()) {
        charge_bytes(vm, Str::len(a.as_str()));
    }
    branch(vm, r == want);
    Ok(())
}

pub(super) unsafe fn jump_eq(vm: &mut Vm, ins: Instr) -> R {
    let a = get(reg(vm, ins.a()));
    let constant = matches!(ins.op(), Some(Op::JumpEqK | Op::JumpNeK));
    let b = if constant { konst_value(vm, ins.b()) } else { get(reg(vm, ins.b())) };
    equal(vm, ins, a, b)
}

pub(super) unsafe fn jump_order(vm: &mut Vm, ins: Instr) -> R {
    let (a, b) = (get(reg(vm, ins.a())), get(reg(vm, ins.b())));
    order(vm, ins, order_event(ins.op()), a, b)
}

/// The event of an op that compares two registers.
pub(super) fn order_event(op: Option<Op>) -> Event {
    if matches!(op, Some(Op::JumpLt | Op::JumpNotLt)) { Event::Lt } else { Event::Le }
}

pub(super) unsafe fn jump_order_i(vm: &mut Vm, ins: Instr) -> R {
    let a = get(reg(vm, ins.a()));
    let imm = ins.b() as i16;
    let b = if ins.h() == 1 { Value::float(f64::from(imm)) } else { Value::int(i64::from(imm)) };
    match ins.op() {
        Some(Op::JumpLtI | Op::JumpNotLtI) => order(vm, ins, Event::Lt, a, b),
        Some(Op::JumpLeI | Op::JumpNotLeI) => order(vm, ins, Event::Le, a, b),
        Some(Op::JumpGtI | Op::JumpNotGtI) => order(vm, ins, Event::Lt, b, a),
        _ => order(vm, ins, Event::Le, b, a),
    }
}

unsafe fn order(vm: &mut Vm, ins: Instr, event: Event, a: Value, b: Value) -> R {
    let want = wants(ins.op());
    if a.is_number() && b.is_number() {
        let r = if event == Event::Lt { arith::number_lt(a, b) } else { arith::number_le(a, b) };
        branch(vm, r == want);
        return Ok(());
    }
    if a.is_string() && b.is_string() {
        let (x, y) = (Str::bytes(a.as_str()), Str::bytes(b.as_str()));
        let r = if event == Event::Lt { x < y } else { x <= y };
        charge_bytes(vm, x.len().min(y.len()));
        branch(vm, r == want);
        return Ok(());
    }
    let mut handler = vm.value_handler(a, event);
    if handler.is_nil() {
        handler = vm.value_handler(b, event);
    }
    if !handler.is_nil() {
        return vm.call_meta(handler, &[a, b], 0);
    }
    if event == Event::Le {
        // As 5.3: `a <= b` falls back to `not (b < a)`.
        let mut handler = vm.value_handler(b, Event::Lt);
        if handler.is_nil() {
            handler = vm.value_handler(a, Event::Lt);
        }
        if !handler.is_nil() {
            return vm.call_meta(handler, &[b, a], frame_flag::LEQ);
        }
    }
    Err(vm.order_error(a, b))
}

// ---- loops ----

pub(super) unsafe fn for_prep(vm: &mut Vm, ins: Instr) -> R {
    let a = reg(vm, ins.a());
    // Strings that are numbers count as floats here, as in 5.3.
    for (offset, text) in [
        (1, "'for' limit must be a number"),
        (2, "'for' step must be a number"),
        (0, "'for' initial value must be a number"),
    ] {
        let slot = a.add(offset);
        let v = get(slot);
        if !v.is_number() {
            match vm.to_number(v) {
                Some(n) => put(slot, Value::float(arith::to_float(n))),
                None => return Err(LuaError::runtime(text)),
            }
        }
    }
    let frame = (*vm.th).frame;
    (*frame).pc = (*frame).pc.sub(1);
    Ok(())
}

pub(super) unsafe fn generic_call(vm: &mut Vm, ins: Instr) -> R {
    let at = reg(vm, ins.a());
    let callee = at.add(3);
    for i in 0..3 {
        put(callee.add(i), get(at.add(i)));
    }
    (*vm.th).top = callee.add(3);
    vm.precall(callee, ins.c() as i16, 0)
}

// ---- calls ----

pub(super) unsafe fn call(vm: &mut Vm, ins: Instr) -> R {
    let func = reg(vm, ins.a());
    if ins.b() != 0 {
        (*vm.th).top = func.add(ins.b() as usize);
    }
    vm.precall(func, ins.c() as i16 - 1, 0)
}

pub(super) unsafe fn tail_call(vm: &mut Vm, ins: Instr) -> R {
    let th = vm.th;
    let mut func = reg(vm, ins.a());
    if ins.b() != 0 {
        (*th).top = func.add(ins.b() as usize);
    }
    let is_object = !(*func).is_function();
    if is_object {
        func = vm.insert_call_handler(func)?;
    }
    let frame = (*th).frame;
    if ins.h() != 0 {
        Thread::close_upvals(th, (*frame).base);
    }
    if (*func).tag != tag::CLOSURE {
        // A native function: an ordinary call, whose results the `Return` that follows passes on.
        let r = vm.precall(func, -1, 0);
        vm.no_retry |= is_object && r.as_ref().is_err_and(LuaError::is_memory);
        return r;
    }
    // Slide callee and arguments down over the frame.
    let n = (*th).top.offset_from(func) as usize;
    let to = (*frame).func();
    for i in 0..n {
        put(to.add(i), get(func.add(i)));
    }
    (*th).top = to.add(n);
    let (nresults, flags) = ((*frame).nresults, (*frame).flags | frame_flag::TAIL);
    (*th).frame = frame.sub(1);
    // The frame is gone already: an error belongs to its caller.
    vm.precall(to, nresults, flags)?;
    Ok(())
}

pub(super) unsafe fn ret(vm: &mut Vm, ins: Instr) -> R {
    let th = vm.th;
    let frame = (*th).frame;
    let (from, n) = match ins.op() {
        Some(Op::Return0) => ((*frame).base, 0),
        Some(Op::Return1) => (reg(vm, ins.a()), 1),
        _ => {
            let from = reg(vm, ins.a());
            let n = if ins.b() != 0 { ins.b() as usize - 1 } else { (*th).top.offset_from(from) as usize };
            (from, n)
        }
    };
    if !(*th).open.is_null() {
        Thread::close_upvals(th, (*frame).base);
    }
    vm.finish_frame(from, n)
}

pub(super) unsafe fn vararg(vm: &mut Vm, ins: Instr) -> R {
    let th = vm.th;
    let frame = (*th).frame;
    let params = (*(*Vm::frame_closure(frame)).code).num_params as usize;
    let have = (*frame).varargs(params);
    let wanted = if ins.b() != 0 { ins.b() as usize - 1 } else { have };
    let a = vm.ensure_stack(reg(vm, ins.a()), wanted + 1)?;
    let source = (*(*th).frame).base.sub(1 + have);
    for i in 0..wanted {
        put(a.add(i), if i < have { get(source.add(i)) } else { Value::NIL });
    }
    if ins.b() == 0 {
        (*th).top = a.add(wanted);
    }
    Ok(())
}

pub(super) unsafe fn closure(vm: &mut Vm, ins: Instr) -> R {
    if vm.heap.gc_pending && !vm.heap.gc.stopped {
        return vm.collect_and_retry(reg(vm, ins.a()));
    }
    make_closure(vm, ins)
}

/// A closure over prototype W of the running function.
#[inline(never)]
pub(super) unsafe fn make_closure(vm: *mut Vm, ins: Instr) -> Result<(), LuaError> {
    let vm = &mut *vm;
    let th = vm.th;
    let frame = (*th).frame;
    let parent = Vm::frame_closure(frame);
    let code = &raw const (&(*(*parent).code).protos)[ins.w() as usize];
    let descs = &(*code).upvals;
    let last = (*parent).last_made;
    if !last.is_null() && same_closure(vm, last, code) {
        put(reg(vm, ins.a()), Value::closure(last));
        return Ok(());
    }
    let new = vm.heap.new_closure(code, descs.len())?;
    for (i, desc) in descs.iter().enumerate() {
        let upval = if desc.in_stack {
            Thread::find_upval(th, &mut vm.heap, (*frame).base.add(usize::from(desc.index)))?
        } else {
            *Closure::upval(parent, usize::from(desc.index))
        };
        *Closure::upval(new, i) = upval;
    }
    (*parent).last_made = new;
    put(reg(vm, ins.a()), Value::closure(new));
    Ok(())
}

/// True if `old` runs `code` over the very upvalues that a new closure would get.
unsafe fn same_closure(vm: &Vm, old: *mut Closure, code: *const crate::heap::Code) -> bool {
    if (*old).code != code {
        return false;
    }
    let frame = (*vm.th).frame;
    let parent = Vm::frame_closure(frame);
    let upvals = &(*code).upvals;
    upvals.iter().enumerate().all(|(i, desc)| {
        let upval = *Closure::upval(old, i);
        if upval.is_null() {
            return false;
        }
        if desc.in_stack {
            (*upval).v == (*frame).base.add(usize::from(desc.index))
        } else {
            upval == *Closure::upval(parent, usize::from(desc.index))
        }
    })
}

/// The budget is used up: the slice ends before the instruction, which runs again in the next one.
pub(super) unsafe fn expired(vm: &mut Vm, _ins: Instr) -> R {
    if interrupted(vm) {
        vm.budget = vm.slice;
        return Err(LuaError::runtime("interrupted!"));
    }
    put_back(vm);
    Ok(())
}

/// Whether an interruption has been asked for; it is noticed once.
fn interrupted(vm: &Vm) -> bool {
    vm.interrupt.as_ref().is_some_and(|flag| flag.swap(false, Ordering::Relaxed))
}

/// Ends the slice before the instruction, which starts over in the next one.
unsafe fn put_back(vm: &mut Vm) {
    let frame = (*vm.th).frame;
    (*frame).pc = (*frame).pc.sub(1);
    // Its hook has run.
    vm.skip_hook = vm.hooked;
    // An open number of arguments stays on the stack above the frame's registers; `top` keeps it.
    vm.exit = Exit::Preempted;
    vm.leave = true;
}

impl Vm {
    /// Runs the current instruction again after a collection. Registers from `dead` on hold nothing that is still needed: what
    /// earlier calls left there must not keep objects alive, or a loop that waits for a finalizer never ends.
    unsafe fn collect_and_retry(&mut self, dead: *mut Value) -> R {
        self.own_before_growth();
        let frame = (*self.th).frame;
        let end = (*frame).base.add((*(*Self::frame_closure(frame)).code).max_stack as usize);
        let mut slot = dead;
        while slot < end {
            put(slot, Value::NIL);
            slot = slot.add(1);
        }
        (*frame).pc = (*frame).pc.sub(1);
        self.skip_hook = self.hooked;
        (*self.th).top = end;
        self.run_finalizers = true;
        self.collect_at_boundary();
        Ok(())
    }

    /// Completes the instruction that waited for a metamethod's result.
    pub(super) unsafe fn finish_op(&mut self, v: Value, leq: bool) -> R {
        let frame = (*self.th).frame;
        let ins = *(*frame).pc.sub(1);
        let Some(op) = ins.op() else { return Ok(()) };
        match op {
            Op::SetTabUp | Op::SetField | Op::SetFieldK | Op::SetIndex | Op::SetIndexK | Op::SetInt => Ok(()),
            Op::Concat => {
                let first = reg(self, ins.b());
                let n = get(first.add(ins.c() as usize - 1)).as_int() as usize;
                put(first.add(n - 2), v);
                concat_from(self, ins, n - 1)
            }
            op if op.is_conditional() => {
                let r = v.is_truthy() != leq;
                branch(self, r == wants(Some(op)));
                Ok(())
            }
            _ => {
                put(reg(self, ins.a()), v);
                Ok(())
            }
        }
    }
}

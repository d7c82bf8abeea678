//! Ops that decide what runs next: jumps, comparisons, loops, calls and returns.
#![allow(unsafe_op_in_unsafe_fn, non_snake_case)]

use super::*;
use crate::heap::{Ahead, prefetch};
use crate::vm::arith::{ForLoop, prepare_for};

macro_rules! order_ops {
    ($($name:ident $not:ident |$a:ident, $b:ident| $int:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_body!(s, ins, true, |$a, $b| $int, $float)
        }

        #[inline(always)]
        pub unsafe fn $not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_body!(s, ins, false, |$a, $b| $int, $float)
        }
    )* };
}

macro_rules! order_body {
    ($s:ident, $ins:ident, $want:literal, |$a:ident, $b:ident| $int:expr, $float:expr) => {{
        // Tags are read where they are compared: held in registers they would cost the op its leanness.
        let (pa, pb) = ($s.reg($ins.a()), $s.reg($ins.b()));
        if (*pa).tag == tag::INT {
            if (*pb).tag == tag::INT {
                let ($a, $b) = ((*pa).payload as i64, (*pb).payload as i64);
                return $s.branch($int == $want);
            }
        } else if (*pa).tag == tag::FLOAT && (*pb).tag == tag::FLOAT {
            let ($a, $b) = (f64::from_bits((*pa).payload), f64::from_bits((*pb).payload));
            return $s.branch($float == $want);
        }
        Step::More($s, More::Order)
    }};
}

macro_rules! order_imm_ops {
    ($($name:ident $not:ident $slow:ident |$a:ident, $b:ident| $int:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_imm_body!(s, ins, slow::$slow, true, |$a, $b| $int, $float)
        }

        #[inline(always)]
        pub unsafe fn $not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_imm_body!(s, ins, slow::$slow, false, |$a, $b| $int, $float)
        }
    )* };
}

macro_rules! order_imm_body {
    ($s:ident, $ins:ident, $slow:path, $want:literal, |$a:ident, $b:ident| $int:expr, $float:expr) => {{
        let pa = $s.reg($ins.a());
        if (*pa).tag == tag::INT {
            let ($a, $b) = ((*pa).payload as i64, $ins.b() as i16 as i64);
            return $s.branch($int == $want);
        }
        if (*pa).tag == tag::FLOAT {
            let ($a, $b) = (f64::from_bits((*pa).payload), f64::from($ins.b() as i16));
            return $s.branch($float == $want);
        }
        Step::Slow($s, $slow)
    }};
}

/// Equality where tags and payloads decide; `None` where strings or metamethods must be asked.
#[inline(always)]
unsafe fn quick_eq(a: *const Value, b: *const Value) -> Option<bool> {
    let (ta, tb) = ((*a).tag, (*b).tag);
    if ta != tb {
        return if ta <= tag::FLOAT && tb <= tag::FLOAT { None } else { Some(false) };
    }
    match ta {
        tag::FLOAT => Some(f64::from_bits((*a).payload) == f64::from_bits((*b).payload)),
        tag::NIL | tag::FALSE | tag::TRUE => Some(true),
        tag::STRING | tag::TABLE | tag::USERDATA if (*a).payload != (*b).payload => None,
        _ => Some((*a).payload == (*b).payload),
    }
}

#[inline(always)]
pub unsafe fn Jump(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    Step::Next(s.jump(ins.w()))
}

#[inline(always)]
pub unsafe fn JumpBack(s: State, vm: *mut Vm, ins: Instr) -> Step {
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    Step::Next(s.jump(ins.w()))
}

#[inline(always)]
pub unsafe fn Close(s: State, vm: *mut Vm, ins: Instr) -> Step {
    Thread::close_upvals((*vm).th, s.reg(ins.a()));
    Step::Next(s)
}

#[inline(always)]
pub unsafe fn JumpIf(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    s.branch(get(s.reg(ins.a())).is_truthy())
}

#[inline(always)]
pub unsafe fn JumpIfNot(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    s.branch(!get(s.reg(ins.a())).is_truthy())
}

#[inline(always)]
pub unsafe fn SetJumpIf(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let v = get(s.reg(ins.b()));
    if v.is_truthy() {
        put(s.reg(ins.a()), v);
        return s.branch(true);
    }
    s.branch(false)
}

#[inline(always)]
pub unsafe fn SetJumpIfNot(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let v = get(s.reg(ins.b()));
    if !v.is_truthy() {
        put(s.reg(ins.a()), v);
        return s.branch(true);
    }
    s.branch(false)
}

#[inline(always)]
pub unsafe fn JumpEq(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.reg(ins.b())) {
        Some(equal) => s.branch(equal),
        None => Step::More(s, More::Equal),
    }
}

#[inline(always)]
pub unsafe fn JumpNe(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.reg(ins.b())) {
        Some(equal) => s.branch(!equal),
        None => Step::More(s, More::Equal),
    }
}

#[inline(always)]
pub unsafe fn JumpEqK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.konst(ins.b()).cast()) {
        Some(equal) => s.branch(equal),
        None => Step::More(s, More::Equal),
    }
}

#[inline(always)]
pub unsafe fn JumpNeK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.konst(ins.b()).cast()) {
        Some(equal) => s.branch(!equal),
        None => Step::More(s, More::Equal),
    }
}

order_ops! {
    JumpLt JumpNotLt |a, b| (a < b), (a < b);
    JumpLe JumpNotLe |a, b| (a <= b), (a <= b);
}

order_imm_ops! {
    JumpLtI JumpNotLtI jump_order_i |a, b| (a < b), (a < b);
    JumpLeI JumpNotLeI jump_order_i |a, b| (a <= b), (a <= b);
    JumpGtI JumpNotGtI jump_order_i |a, b| (a > b), (a > b);
    JumpGeI JumpNotGeI jump_order_i |a, b| (a >= b), (a >= b);
}

#[inline(always)]
pub unsafe fn ForPrep(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let a = s.reg(ins.a());
    let (start, limit, step) = (get(a), get(a.add(1)), get(a.add(2)));
    if !(start.is_number() && limit.is_number() && step.is_number()) {
        return Step::Slow(s, slow::for_prep);
    }
    match prepare_for(start, limit, step) {
        ForLoop::Skip => return Step::Next(s.jump(ins.w())),
        ForLoop::Int { left, .. } => {
            put(a.add(1), Value::int(left as i64));
            put(a.add(3), start);
        }
        ForLoop::Float { start, limit, step } => {
            put(a, Value::float(start));
            put(a.add(1), Value::float(limit));
            put(a.add(2), Value::float(step));
            put(a.add(3), Value::float(start));
        }
        ForLoop::Stuck => {
            put(a, Value::int(0));
            put(a.add(1), Value::int(-1));
            put(a.add(3), Value::int(0));
        }
    }
    Step::Next(s)
}

#[inline(always)]
pub unsafe fn ForLoop(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let a = s.reg(ins.a());
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    if (*a).tag == tag::INT {
        let left = (*a.add(1)).payload;
        if left == 0 {
            return Step::Next(s);
        }
        (*a.add(1)).payload = left - 1;
        let i = (*a).payload.wrapping_add((*a.add(2)).payload);
        (*a).payload = i;
        (*a.add(3)).payload = i;
        (*a.add(3)).tag = tag::INT;
        return Step::Next(s.jump(ins.w()));
    }
    let step = f64::from_bits((*a.add(2)).payload);
    let i = f64::from_bits((*a).payload) + step;
    let limit = f64::from_bits((*a.add(1)).payload);
    if if 0.0 < step { i <= limit } else { limit <= i } {
        (*a).payload = i.to_bits();
        put(a.add(3), Value::float(i));
        return Step::Next(s.jump(ins.w()));
    }
    Step::Next(s)
}

#[inline(always)]
pub unsafe fn GenericCall(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let a = s.reg(ins.a());
    let f = get(a);
    if f.tag == tag::NATIVE && (*a.add(1)).tag == tag::TABLE && ins.c() <= 2 {
        let t = (*a.add(1)).payload as *mut Table;
        let native = f.payload as *const Native;
        if (*native).is_next() {
            return pairs_step(s, vm, a, t);
        }
        if (*native).is_ipairs_step() && (*a.add(2)).tag == tag::INT {
            let i = (*a.add(2)).payload.wrapping_add(1);
            let index = i.wrapping_sub(1);
            if index < u64::from((*t).arr_len) {
                let v = get((*t).arr.add(index as usize));
                if v.tag != tag::NIL {
                    (*vm).budget -= 1;
                    if (*vm).budget < 0 {
                        return Step::Slow(s, slow::expired);
                    }
                    (*a.add(2)).payload = i;
                    put(a.add(3), Value::int(i as i64));
                    put(a.add(4), v);
                    if v.tag == tag::TABLE {
                        expect_objects(t, index as usize);
                    }
                    return Step::Next(s.jump((*s.pc).w() + 1));
                }
            }
        }
    }
    Step::More(s, More::Iterate)
}

/// Asks for the objects behind element `index` of an array part, as they will be looked at next: the header of one, the fields of
/// another before it.
#[inline(always)]
unsafe fn expect_objects(t: *const Table, index: usize) {
    const LATER: usize = 8;
    let later = index + LATER;
    if later < (*t).arr_len as usize {
        let v = get((*t).arr.add(later));
        if v.tag == tag::TABLE {
            prefetch(v.payload as *const u8);
            let sooner = get((*t).arr.add(index + LATER / 2));
            if sooner.tag == tag::TABLE {
                prefetch((*sooner.as_table()).nodes);
            }
        }
    }
}

/// Emptied places that a traversal passes without a call.
const LOOKED_AT_ONCE: usize = 1_024;

/// One step of a traversal with `next`, without a call. The control slot's padding carries the place of its key: a hint that
/// is checked against the table.
#[inline(always)]
unsafe fn pairs_step(s: State, vm: *mut Vm, a: *mut Value, t: *mut Table) -> Step {
    let control = a.add(2).cast::<KSlot>();
    let key = get(a.add(2));
    let from = if key.tag == tag::NIL {
        0
    } else {
        let hint = (*control).hash as usize;
        if !Table::is_at(t, hint, key) {
            return Step::More(s, More::Iterate);
        }
        hint
    };
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    match Table::look(t, from, LOOKED_AT_ONCE) {
        Ahead::Entry(at, key, v) => {
            put(a.add(2), key);
            (*control).hash = at as u32;
            put(a.add(3), key);
            put(a.add(4), v);
            Step::Next(s.jump((*s.pc).w() + 1))
        }
        Ahead::End => {
            put(a.add(3), Value::NIL);
            Step::Next(s.jump(1))
        }
        // The function itself can stop at the end of a slice.
        Ahead::Empty(_) => Step::More(s, More::Iterate),
    }
}

#[inline(always)]
pub unsafe fn GenericLoop(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let a = s.reg(ins.a());
    let v = get(a.add(3));
    if v.is_nil() {
        return Step::Next(s);
    }
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    put(a.add(2), v);
    Step::Next(s.jump(ins.w()))
}

#[inline(always)]
pub unsafe fn Call(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let func = s.reg(ins.a());
    if (*func).tag == tag::CLOSURE {
        let code = (*(*func).as_closure()).code;
        let th = (*vm).th;
        let frame = (*th).frame;
        let new = frame.add(1);
        let base = func.add(1);
        // Operand B counts the function itself.
        if u32::from(ins.b()) <= (*code).fixed_params
            || base.add((*code).max_stack as usize) > (*th).limit
            || new == (*th).frames_end
        {
            return Step::More(s, More::CallLua);
        }
        (*vm).budget -= 1;
        if (*vm).budget < 0 {
            return Step::Slow(s, slow::expired);
        }
        (*frame).pc = s.pc;
        (*new).base = base;
        (*new).delta = 1;
        (*new).nresults = ins.c() as i16 - 1;
        (*new).kind = FrameKind::Lua;
        (*new).flags = 0;
        (*new).state = (*code).k as u64;
        (*th).frame = new;
        return Step::Next(State { pc: (*code).entry, base, k: (*code).k });
    }
    Step::More(s, More::Native)
}

#[inline(always)]
pub unsafe fn TailCall(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::More(s, More::TailCall)
}

/// Flags of a frame that a plain return must not ignore.
pub(super) const SPECIAL: u8 = !frame_flag::TAIL;

#[inline(always)]
pub(super) unsafe fn resume_caller(th: *mut Thread, frame: *mut Frame) -> Step {
    let caller = frame.sub(1);
    (*th).frame = caller;
    Step::Next(State { pc: (*caller).pc, base: (*caller).base, k: (*caller).state as *const KSlot })
}

#[inline(always)]
pub unsafe fn Return(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::More(s, More::ReturnFar)
}

#[inline(always)]
pub unsafe fn Return0(s: State, vm: *mut Vm, _ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    if (*frame).flags & SPECIAL != 0 || (*frame).nresults != 0 {
        return Step::More(s, More::ReturnFar);
    }
    resume_caller(th, frame)
}

#[inline(always)]
pub unsafe fn Return1(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    if (*frame).flags & SPECIAL != 0 || (*frame).nresults != 1 {
        // All flags, in memory: the same mask as above would be computed in every return.
        if (*frame).flags == frame_flag::RESUME_NATIVE && (*frame).nresults == 1 {
            return Step::More(s, More::ReturnAnswer);
        }
        return Step::More(s, More::ReturnFar);
    }
    put(s.base.sub((*frame).delta as usize), get(s.reg(ins.a())));
    resume_caller(th, frame)
}

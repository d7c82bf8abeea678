//! Ops that decide what runs next: jumps, comparisons, loops, calls and returns.
#![allow(unsafe_op_in_unsafe_fn, non_snake_case)]

use super::*;
use crate::vm::arith::{ForLoop, prepare_for};

macro_rules! order_ops {
    ($($name:ident $not:ident $slow:ident |$a:ident, $b:ident| $int:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_body!(s, ins, slow::$slow, true, |$a, $b| $int, $float)
        }

        #[inline(always)]
        pub unsafe fn $not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_body!(s, ins, slow::$slow, false, |$a, $b| $int, $float)
        }
    )* };
}

macro_rules! order_body {
    ($s:ident, $ins:ident, $slow:path, $want:literal, |$a:ident, $b:ident| $int:expr, $float:expr) => {{
        let (pa, pb) = ($s.reg($ins.a()), $s.reg($ins.b()));
        let (ta, tb) = ((*pa).tag, (*pb).tag);
        if ta == tag::INT && tb == tag::INT {
            let ($a, $b) = ((*pa).payload as i64, (*pb).payload as i64);
            return $s.branch($int == $want);
        }
        if ta == tag::FLOAT && tb == tag::FLOAT {
            let ($a, $b) = (f64::from_bits((*pa).payload), f64::from_bits((*pb).payload));
            return $s.branch($float == $want);
        }
        Step::Slow($s, $slow)
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
        None => Step::Slow(s, slow::jump_eq),
    }
}

#[inline(always)]
pub unsafe fn JumpNe(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.reg(ins.b())) {
        Some(equal) => s.branch(!equal),
        None => Step::Slow(s, slow::jump_eq),
    }
}

#[inline(always)]
pub unsafe fn JumpEqK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.konst(ins.b()).cast()) {
        Some(equal) => s.branch(equal),
        None => Step::Slow(s, slow::jump_eq_k),
    }
}

#[inline(always)]
pub unsafe fn JumpNeK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    match quick_eq(s.reg(ins.a()), s.konst(ins.b()).cast()) {
        Some(equal) => s.branch(!equal),
        None => Step::Slow(s, slow::jump_eq_k),
    }
}

order_ops! {
    JumpLt JumpNotLt jump_lt |a, b| (a < b), (a < b);
    JumpLe JumpNotLe jump_le |a, b| (a <= b), (a <= b);
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
                    return Step::Next(s.jump((*s.pc).w() + 1));
                }
            }
        }
    }
    Step::Slow(s, slow::generic_call)
}

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
            return Step::Slow(s, slow::generic_call);
        }
        hint
    };
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    match Table::next_at(t, from) {
        Some((at, key, v)) => {
            put(a.add(2), key);
            (*control).hash = at as u32;
            put(a.add(3), key);
            put(a.add(4), v);
            Step::Next(s.jump((*s.pc).w() + 1))
        }
        None => {
            put(a.add(3), Value::NIL);
            Step::Next(s.jump(1))
        }
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
        let closure = (*func).payload as *mut Closure;
        let code = (*closure).code;
        let th = (*vm).th;
        let frame = (*th).frame;
        let new = frame.add(1);
        let base = func.add(1);
        if (*code).is_vararg || base.add((*code).max_stack as usize) > (*th).limit || new == (*th).frames_end
        {
            return Step::Slow(s, slow::call);
        }
        (*vm).budget -= 1;
        if (*vm).budget < 0 {
            return Step::Slow(s, slow::expired);
        }
        let nargs = if ins.b() != 0 { ins.b() as usize - 1 } else { (*th).top.offset_from(base) as usize };
        for i in nargs..(*code).num_params as usize {
            put(base.add(i), Value::NIL);
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
    if (*func).tag == tag::NATIVE || (*func).tag == tag::NATIVE_CLOSURE {
        return Step::More(s, More::Native);
    }
    Step::Slow(s, slow::call)
}

#[inline(always)]
pub unsafe fn TailCall(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::Slow(s, slow::tail_call)
}

/// Flags of a frame that a plain return must not ignore.
const SPECIAL: u8 = !frame_flag::TAIL;

#[inline(always)]
unsafe fn resume_caller(th: *mut Thread, frame: *mut Frame) -> Step {
    let caller = frame.sub(1);
    (*th).frame = caller;
    Step::Next(State { pc: (*caller).pc, base: (*caller).base, k: (*caller).state as *const KSlot })
}

#[inline(always)]
pub unsafe fn Return(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    if (*frame).flags & SPECIAL != 0 || ins.h() != 0 {
        return Step::Slow(s, slow::ret);
    }
    let from = s.reg(ins.a());
    let n = if ins.b() != 0 { ins.b() as usize - 1 } else { (*th).top.offset_from(from) as usize };
    let func = s.base.sub((*frame).delta as usize);
    deliver(th, func, from, n, (*frame).nresults);
    resume_caller(th, frame)
}

#[inline(always)]
pub unsafe fn Return0(s: State, vm: *mut Vm, _ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    if (*frame).flags & SPECIAL != 0 {
        return Step::Slow(s, slow::ret);
    }
    let func = s.base.sub((*frame).delta as usize);
    match (*frame).nresults {
        -1 => (*th).top = func,
        n => {
            for i in 0..n as usize {
                put(func.add(i), Value::NIL);
            }
        }
    }
    resume_caller(th, frame)
}

#[inline(always)]
pub unsafe fn Return1(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    if (*frame).flags & SPECIAL != 0 {
        return Step::Slow(s, slow::ret);
    }
    let v = get(s.reg(ins.a()));
    let func = s.base.sub((*frame).delta as usize);
    let wanted = (*frame).nresults;
    if wanted == 1 {
        put(func, v);
    } else if wanted == -1 {
        put(func, v);
        (*th).top = func.add(1);
    } else if wanted > 0 {
        put(func, v);
        for i in 1..wanted as usize {
            put(func.add(i), Value::NIL);
        }
    }
    resume_caller(th, frame)
}

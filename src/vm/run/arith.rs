//! Arithmetic and bitwise ops: register and constant forms from one body each.
#![allow(unsafe_op_in_unsafe_fn, non_snake_case)]

use super::*;
use crate::vm::arith::{
    float_floor_div, float_pow, int_floor_div, int_mod, shift_left, shift_right, to_float,
};

macro_rules! arith_ops {
    ($($name:ident $name_k:ident |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
            arith_body!(s, ins, b, c, |$i, $j| $int, |$x, $y| $float)
        }

        #[inline(always)]
        pub unsafe fn $name_k(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let b = s.reg(ins.b());
            let c = s.konst(ins.c()).cast::<Value>();
            arith_body!(s, ins, b, c, |$i, $j| $int, |$x, $y| $float)
        }
    )* };
}

macro_rules! arith_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr) => {{
        let dst = $s.reg($ins.a());
        let (tb, tc) = ((*$b).tag, (*$c).tag);
        if tb == tag::INT && tc == tag::INT {
            let ($i, $j) = ((*$b).payload as i64, (*$c).payload as i64);
            let r: Option<i64> = $int;
            if let Some(r) = r {
                (*dst).payload = r as u64;
                (*dst).tag = tag::INT;
                return Step::Next($s);
            }
        } else if tb == tag::FLOAT && tc == tag::FLOAT {
            let ($x, $y) = (f64::from_bits((*$b).payload), f64::from_bits((*$c).payload));
            let r: f64 = $float;
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next($s);
        } else if tb <= tag::FLOAT && tc <= tag::FLOAT {
            let ($x, $y) = (to_float(get($b)), to_float(get($c)));
            let r: f64 = $float;
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next($s);
        }
        Step::More($s, More::Arith)
    }};
}

macro_rules! mod_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, $more:path) => {{
        if (*$b).tag == tag::INT && (*$c).tag == tag::INT && (*$c).payload != 0 {
            let dst = $s.reg($ins.a());
            (*dst).payload = int_mod((*$b).payload as i64, (*$c).payload as i64) as u64;
            (*dst).tag = tag::INT;
            return Step::Next($s);
        }
        Step::More($s, $more)
    }};
}

macro_rules! float_ops {
    ($($name:ident $name_k:ident |$x:ident, $y:ident| $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
            float_body!(s, ins, b, c, |$x, $y| $float)
        }

        #[inline(always)]
        pub unsafe fn $name_k(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let b = s.reg(ins.b());
            let c = s.konst(ins.c()).cast::<Value>();
            float_body!(s, ins, b, c, |$x, $y| $float)
        }
    )* };
}

macro_rules! float_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, |$x:ident, $y:ident| $float:expr) => {{
        if (*$b).tag <= tag::FLOAT && (*$c).tag <= tag::FLOAT {
            let dst = $s.reg($ins.a());
            let ($x, $y) = (to_float(get($b)), to_float(get($c)));
            let r: f64 = $float;
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next($s);
        }
        Step::More($s, More::Arith)
    }};
}

macro_rules! bit_ops {
    ($($name:ident $name_k:ident |$i:ident, $j:ident| $int:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
            bit_body!(s, ins, b, c, |$i, $j| $int)
        }

        #[inline(always)]
        pub unsafe fn $name_k(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let b = s.reg(ins.b());
            let c = s.konst(ins.c()).cast::<Value>();
            bit_body!(s, ins, b, c, |$i, $j| $int)
        }
    )* };
}

macro_rules! bit_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, |$i:ident, $j:ident| $int:expr) => {{
        if (*$b).tag == tag::INT && (*$c).tag == tag::INT {
            let dst = $s.reg($ins.a());
            let ($i, $j) = ((*$b).payload as i64, (*$c).payload as i64);
            let r: i64 = $int;
            (*dst).payload = r as u64;
            (*dst).tag = tag::INT;
            return Step::Next($s);
        }
        Step::More($s, More::Arith)
    }};
}

arith_ops! {
    Add AddK |i, j| Some(i.wrapping_add(j)), |x, y| x + y;
    Sub SubK |i, j| Some(i.wrapping_sub(j)), |x, y| x - y;
    Mul MulK |i, j| Some(i.wrapping_mul(j)), |x, y| x * y;
    IDiv IDivK |i, j| if j != 0 { Some(int_floor_div(i, j)) } else { None }, |x, y| float_floor_div(x, y);
}

#[inline(always)]
pub unsafe fn Mod(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
    mod_body!(s, ins, b, c, More::ModFloat)
}

#[inline(always)]
pub unsafe fn ModK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = s.reg(ins.b());
    let c = s.konst(ins.c()).cast::<Value>();
    mod_body!(s, ins, b, c, More::ModFloatK)
}

float_ops! {
    Div DivK |x, y| x / y;
    Pow PowK |x, y| float_pow(x, y);
}

bit_ops! {
    BAnd BAndK |i, j| i & j;
    BOr BOrK |i, j| i | j;
    BXor BXorK |i, j| i ^ j;
}

#[inline(always)]
pub unsafe fn Shl(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
    bit_body!(s, ins, b, c, |i, j| shift_left(i, j))
}

#[inline(always)]
pub unsafe fn Shr(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
    bit_body!(s, ins, b, c, |i, j| shift_right(i, j))
}

#[inline(always)]
pub unsafe fn AddI(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = s.reg(ins.b());
    let imm = ins.c() as i16;
    let dst = s.reg(ins.a());
    if (*b).tag == tag::INT {
        (*dst).payload = ((*b).payload as i64).wrapping_add(i64::from(imm)) as u64;
        (*dst).tag = tag::INT;
        return Step::Next(s);
    }
    if (*b).tag == tag::FLOAT {
        let r = f64::from_bits((*b).payload) + f64::from(imm);
        (*dst).payload = r.to_bits();
        (*dst).tag = tag::FLOAT;
        return Step::Next(s);
    }
    Step::More(s, More::Arith)
}

#[inline(always)]
pub unsafe fn ShlI(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = s.reg(ins.b());
    if (*b).tag == tag::INT {
        let r = shift_left((*b).payload as i64, i64::from(ins.c() as i16));
        put(s.reg(ins.a()), Value::int(r));
        return Step::Next(s);
    }
    Step::More(s, More::Arith)
}

#[inline(always)]
pub unsafe fn KSub(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = s.konst(ins.c()).cast::<Value>();
    let c = s.reg(ins.b());
    arith_body!(s, ins, b, c, |i, j| Some(i.wrapping_sub(j)), |x, y| x - y)
}

#[inline(always)]
pub unsafe fn KDiv(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = s.konst(ins.c()).cast::<Value>();
    let c = s.reg(ins.b());
    float_body!(s, ins, b, c, |x, y| x / y)
}

#[inline(always)]
pub unsafe fn KPow(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = s.konst(ins.c()).cast::<Value>();
    let c = s.reg(ins.b());
    float_body!(s, ins, b, c, |x, y| float_pow(x, y))
}

#[inline(always)]
pub unsafe fn Neg(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = get(s.reg(ins.b()));
    match b.tag {
        tag::INT => put(s.reg(ins.a()), Value::int(b.as_int().wrapping_neg())),
        tag::FLOAT => put(s.reg(ins.a()), Value::float(-b.as_float())),
        _ => return Step::More(s, More::Arith),
    }
    Step::Next(s)
}

#[inline(always)]
pub unsafe fn BNot(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let b = get(s.reg(ins.b()));
    if b.tag == tag::INT {
        put(s.reg(ins.a()), Value::int(!b.as_int()));
        return Step::Next(s);
    }
    Step::More(s, More::Arith)
}

#[inline(always)]
pub unsafe fn Not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let truthy = get(s.reg(ins.b())).is_truthy();
    put(s.reg(ins.a()), Value::bool(!truthy));
    Step::Next(s)
}

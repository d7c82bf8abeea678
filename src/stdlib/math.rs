//! `math`, with the functions that 5.3 keeps for compatibility (`pow`, `cosh`, `ldexp`, …).

use super::Lib;
use crate::vm::LuaError;
use crate::vm::native::{Args, Cx, Kind, Native, Step, Val};

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "math",
    functions: &[
        Native::new("abs", abs).quick(quick_abs),
        Native::new("acos", |cx| float_function(cx, |x| positive_nan(x, x.acos()))),
        Native::new("asin", |cx| float_function(cx, |x| positive_nan(x, x.asin()))),
        Native::new("atan", atan),
        Native::new("atan2", atan),
        Native::new("ceil", ceil).quick(quick_ceil),
        Native::new("cos", |cx| float_function(cx, f64::cos)).quick(|args| quick_float(args, f64::cos)),
        Native::new("cosh", |cx| float_function(cx, f64::cosh)),
        Native::new("deg", |cx| float_function(cx, |x| x * (180.0 / std::f64::consts::PI))),
        Native::new("exp", |cx| float_function(cx, f64::exp)).quick(|args| quick_float(args, f64::exp)),
        Native::new("floor", floor).quick(quick_floor),
        Native::new("fmod", fmod),
        Native::new("frexp", frexp),
        Native::new("ldexp", ldexp),
        Native::new("log", log),
        Native::new("log10", |cx| float_function(cx, f64::log10)),
        Native::new("max", max).quick(quick_max),
        Native::new("min", min).quick(quick_min),
        Native::new("modf", modf),
        Native::new("pow", pow),
        Native::new("rad", |cx| float_function(cx, |x| x * (std::f64::consts::PI / 180.0))),
        Native::new("random", random),
        Native::new("randomseed", randomseed),
        Native::new("sin", |cx| float_function(cx, f64::sin)).quick(|args| quick_float(args, f64::sin)),
        Native::new("sinh", |cx| float_function(cx, f64::sinh)),
        Native::new("sqrt", |cx| float_function(cx, f64::sqrt)).quick(|args| quick_float(args, f64::sqrt)),
        Native::new("tan", |cx| float_function(cx, f64::tan)),
        Native::new("tanh", |cx| float_function(cx, f64::tanh)),
        Native::new("tointeger", tointeger).quick(quick_tointeger),
        Native::new("type", type_).quick(quick_type),
        Native::new("ult", ult),
    ],
};

/// Opens the library.
///
/// # Errors
/// Memory.
pub(super) fn open(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    super::open_lib(cx, &LIB)?;
    let Some(lib) = cx.globals().get_name("math").as_table() else { return Ok(()) };
    lib.set_name(cx, "pi", Val::float(std::f64::consts::PI))?;
    lib.set_name(cx, "huge", Val::float(f64::INFINITY))?;
    lib.set_name(cx, "maxinteger", Val::int(i64::MAX))?;
    lib.set_name(cx, "mininteger", Val::int(i64::MIN))
}

#[inline(always)]
fn float_function(cx: &mut Cx<'_>, f: impl Fn(f64) -> f64) -> R {
    let x = cx.check_float(0)?;
    cx.ret(f(x))
}

/// As 5.3's C library, whose error is a NaN without sign.
fn positive_nan(x: f64, result: f64) -> f64 {
    if result.is_nan() && !x.is_nan() { f64::NAN } else { result }
}

#[inline(always)]
fn quick_float(args: Args<'_>, f: impl Fn(f64) -> f64) -> Val<'_> {
    match args.get(0).kind() {
        Kind::Float(x) => Val::float(f(x)),
        Kind::Int(n) => Val::float(f(n as f64)),
        _ => Val::DECLINED,
    }
}

fn quick_floor(args: Args<'_>) -> Val<'_> {
    match args.get(0).kind() {
        Kind::Int(n) => Val::int(n),
        Kind::Float(x) => rounded(crate::vm::arith::floor(x)),
        _ => Val::DECLINED,
    }
}

fn quick_ceil(args: Args<'_>) -> Val<'_> {
    match args.get(0).kind() {
        Kind::Int(n) => Val::int(n),
        Kind::Float(x) => rounded(-crate::vm::arith::floor(-x)),
        _ => Val::DECLINED,
    }
}

fn quick_abs(args: Args<'_>) -> Val<'_> {
    match args.get(0).kind() {
        Kind::Int(n) => Val::int(n.wrapping_abs()),
        Kind::Float(x) => Val::float(x.abs()),
        _ => Val::DECLINED,
    }
}

/// Two numbers; the second one if it is better.
#[inline(always)]
fn quick_best<'gc>(args: Args<'gc>, better: impl Fn(Val<'gc>, Val<'gc>) -> bool) -> Val<'gc> {
    let (a, b) = (args.get(0), args.get(1));
    if args.len() != 2 || !a.is_number() || !b.is_number() {
        return Val::DECLINED;
    }
    if better(b, a) { b } else { a }
}

fn quick_max(args: Args<'_>) -> Val<'_> {
    quick_best(args, |new, old| old.number_less_than(new))
}

fn quick_min(args: Args<'_>) -> Val<'_> {
    quick_best(args, |new, old| new.number_less_than(old))
}

fn quick_tointeger(args: Args<'_>) -> Val<'_> {
    let v = args.get(0);
    if v.is_number() { v.to_int().map_or(Val::NIL, Val::int) } else { Val::DECLINED }
}

fn quick_type(args: Args<'_>) -> Val<'_> {
    if args.is_empty() || args.get(0).is_number() { Val::DECLINED } else { Val::NIL }
}

/// An integer if the float fits, else the float.
fn rounded<'gc>(x: f64) -> Val<'gc> {
    // 2^63 is exact; every smaller float fits.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        Val::int(x as i64)
    } else {
        Val::float(x)
    }
}

fn floor(cx: &mut Cx<'_>) -> R {
    let v = cx.arg(0);
    if v.is_int() {
        return cx.ret(v);
    }
    let x = cx.check_float(0)?;
    cx.ret(rounded(x.floor()))
}

fn ceil(cx: &mut Cx<'_>) -> R {
    let v = cx.arg(0);
    if v.is_int() {
        return cx.ret(v);
    }
    let x = cx.check_float(0)?;
    cx.ret(rounded(x.ceil()))
}

fn abs(cx: &mut Cx<'_>) -> R {
    if let Kind::Int(n) = cx.arg(0).kind() {
        return cx.ret(n.wrapping_abs());
    }
    float_function(cx, f64::abs)
}

fn atan(cx: &mut Cx<'_>) -> R {
    let y = cx.check_float(0)?;
    let x = if cx.arg(1).is_nil() { 1.0 } else { cx.check_float(1)? };
    cx.ret(y.atan2(x))
}

fn fmod(cx: &mut Cx<'_>) -> R {
    if let (Kind::Int(a), Kind::Int(b)) = (cx.arg(0).kind(), cx.arg(1).kind()) {
        if b == 0 {
            return Err(LuaError::argument(2, "zero"));
        }
        return cx.ret(a.wrapping_rem(b));
    }
    // The reference looks at the second one first.
    let b = cx.check_float(1)?;
    let a = cx.check_float(0)?;
    let r = a % b;
    // As C on the usual machines: an invalid operation makes a negative NaN, a NaN argument is passed on.
    let invalid = r.is_nan() && !a.is_nan() && !b.is_nan();
    cx.ret(if invalid { -f64::NAN.abs() } else { r })
}

fn modf(cx: &mut Cx<'_>) -> R {
    if cx.arg(0).is_int() {
        cx.set_top(1);
        cx.push(Val::float(0.0));
        return Ok(Step::Return(2));
    }
    let x = cx.check_float(0)?;
    let whole = x.trunc();
    cx.push(rounded(whole));
    cx.push(Val::float(if x.is_infinite() { 0.0 } else { x - whole }));
    Ok(Step::Return(2))
}

fn log(cx: &mut Cx<'_>) -> R {
    let x = cx.check_float(0)?;
    if cx.arg(1).is_nil() {
        return cx.ret(x.ln());
    }
    let base = cx.check_float(1)?;
    let r = if base == 2.0 {
        x.log2()
    } else if base == 10.0 {
        x.log10()
    } else {
        x.ln() / base.ln()
    };
    cx.ret(r)
}

fn pow(cx: &mut Cx<'_>) -> R {
    let (x, y) = (cx.check_float(0)?, cx.check_float(1)?);
    cx.ret(x.powf(y))
}

/// `x` as `m * 2^e` with `m` in [0.5, 1).
fn split(x: f64) -> (f64, i32) {
    const EXPONENT_BITS: u64 = 0x7ff << 52;
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let subnormal = x.to_bits() & EXPONENT_BITS == 0;
    // 2^54 makes every subnormal normal.
    let (x, shift) = if subnormal { (x * (1u64 << 54) as f64, 54) } else { (x, 0) };
    let exponent = ((x.to_bits() & EXPONENT_BITS) >> 52) as i32;
    let m = f64::from_bits(x.to_bits() & !EXPONENT_BITS | 1022 << 52);
    (m, exponent - 1022 - shift)
}

/// `x * 2^e`, rounded once.
fn scale(x: f64, e: i32) -> f64 {
    let (m, at) = split(x);
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let e = at.saturating_add(e).clamp(-2000, 2000);
    let power = |e: i32| f64::from_bits(((e + 1023) as u64) << 52);
    if e > 1024 {
        m * f64::INFINITY
    } else if e > -1000 {
        m * 2.0 * power((e - 1).min(1023))
    } else {
        // Exact down to the subnormals, then one rounding.
        m * power(-1000) * if e + 1000 < -1022 { 0.0 } else { power(e + 1000) }
    }
}

fn frexp(cx: &mut Cx<'_>) -> R {
    let x = cx.check_float(0)?;
    let (m, e) = split(x);
    cx.push(Val::float(m));
    cx.push(Val::int(e.into()));
    Ok(Step::Return(2))
}

fn ldexp(cx: &mut Cx<'_>) -> R {
    let x = cx.check_float(0)?;
    // As the reference, which hands it on as a C `int`.
    let e = cx.check_int(1)? as i32;
    cx.ret(scale(x, e))
}

fn max(cx: &mut Cx<'_>) -> R {
    best(cx, false)
}

fn min(cx: &mut Cx<'_>) -> R {
    best(cx, true)
}

/// The least or greatest argument. As in 5.3 any values will do that can be compared: the best one so far is in slot 0,
/// and where a metamethod has to be asked the state holds the number of arguments and the one that is compared.
fn best(cx: &mut Cx<'_>, least: bool) -> R {
    let state = cx.state();
    let (n, mut i) = match state {
        0 => (cx.top(), 1),
        _ => ((state >> 32) as usize, (state & 0xffff_ffff) as usize),
    };
    if n == 0 {
        return Err(LuaError::argument(1, "value expected"));
    }
    let mut best = cx.arg(0);
    if state != 0 {
        if cx.pop().is_truthy() {
            best = cx.arg(i);
        }
        i += 1;
    }
    while i < n {
        let v = cx.arg(i);
        let (a, b) = if least { (v, best) } else { (best, v) };
        let less = if a.is_number() && b.is_number() {
            a.number_less_than(b)
        } else {
            match cx.less_than(a, b)? {
                Ok(less) => less,
                Err(call) => {
                    cx.set(0, best);
                    cx.set_state((n as u64) << 32 | i as u64);
                    return cx.call(&call, 1);
                }
            }
        };
        if less {
            best = v;
        }
        i += 1;
    }
    cx.ret(best)
}

fn tointeger(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    cx.ret(v.to_int().map_or(Val::NIL, Val::int))
}

fn type_(cx: &mut Cx<'_>) -> R {
    let name = match cx.check_any(0)?.kind() {
        Kind::Int(_) => cx.name("integer"),
        Kind::Float(_) => cx.name("float"),
        _ => Val::NIL,
    };
    cx.ret(name)
}

fn ult(cx: &mut Cx<'_>) -> R {
    let (a, b) = (cx.check_int(0)?, cx.check_int(1)?);
    cx.ret((a as u64) < (b as u64))
}

/// xoshiro256**.
fn next_random(s: &mut [u64; 4]) -> u64 {
    let r = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
    let t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(45);
    r
}

/// A number from 0 to `limit`, all equally likely.
fn up_to(s: &mut [u64; 4], limit: u64) -> u64 {
    if limit == u64::MAX {
        return next_random(s);
    }
    let n = limit + 1;
    loop {
        let wide = u128::from(next_random(s)) * u128::from(n);
        // The first `2^64 mod n` values of the low half would make some results likelier.
        if (wide as u64) >= n.wrapping_neg() % n {
            return (wide >> 64) as u64;
        }
    }
}

fn random(cx: &mut Cx<'_>) -> R {
    let (low, high) = match cx.top() {
        0 => {
            let r = next_random(cx.rng()) >> 11;
            return cx.ret(r as f64 * (1.0 / (1u64 << 53) as f64));
        }
        1 => (1, cx.check_int(0)?),
        2 => (cx.check_int(0)?, cx.check_int(1)?),
        _ => return Err(LuaError::message("wrong number of arguments")),
    };
    if low > high {
        return Err(LuaError::argument(1, "interval is empty"));
    }
    if !(low >= 0 || high <= i64::MAX + low) {
        return Err(LuaError::argument(1, "interval too large"));
    }
    let r = up_to(cx.rng(), (high - low) as u64);
    cx.ret(low + r as i64)
}

fn randomseed(cx: &mut Cx<'_>) -> R {
    let v = cx.check_number(0)?;
    let mut seed = match v.kind() {
        Kind::Int(n) => n as u64,
        _ => match v.to_int() {
            Some(n) => n as u64,
            None => cx.check_float(0)?.to_bits(),
        },
    };
    // splitmix64 spreads the seed over the whole state.
    for word in cx.rng() {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        *word = z ^ (z >> 31);
    }
    Ok(Step::Return(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_and_scaling_are_inverse() {
        for x in [1.0, -8.0, 0.3, 1e-310, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1e300] {
            let (m, e) = split(x);
            assert!((0.5..1.0).contains(&m.abs()), "{x}");
            assert_eq!(scale(m, e), x);
        }
        assert_eq!(split(8.0), (0.5, 4));
        assert_eq!(scale(1.0, 1024), f64::INFINITY);
        assert_eq!(scale(1.0, -1074), 5e-324);
        assert_eq!(scale(1.0, -1076), 0.0);
        assert_eq!(scale(3.0, -1075), 1e-323);
        assert_eq!(scale(5e-324, 2000), 2f64.powi(926));
        assert_eq!(scale(0.0, 5), 0.0);
    }

    #[test]
    fn random_numbers_stay_in_their_interval() {
        let mut s = [1, 2, 3, 4];
        for limit in [0, 1, 2, 6, u64::MAX / 2 + 1, u64::MAX] {
            assert!((0..1000).all(|_| up_to(&mut s, limit) <= limit));
        }
    }
}

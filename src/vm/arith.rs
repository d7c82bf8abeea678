//! Arithmetic and comparison on numbers, to the bit as Lua 5.3 defines them.

use crate::heap::Value;
use crate::heap::value::tag;

/// Binary arithmetic and bitwise operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arith {
    Add,
    Sub,
    Mul,
    Mod,
    Pow,
    Div,
    IDiv,
    BAnd,
    BOr,
    BXor,
    Shl,
    Shr,
    Unm,
    BNot,
}

/// Why an operation on two numbers has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArithError {
    DivisionByZero,
    ModuloByZero,
    /// A float operand of a bitwise operator has no integer representation.
    NoInteger,
}

/// `a // b`, rounded towards minus infinity; `b != 0`.
#[inline(always)]
#[must_use]
pub const fn int_floor_div(a: i64, b: i64) -> i64 {
    if b == -1 {
        return a.wrapping_neg();
    }
    let q = a / b;
    if (a % b != 0) && ((a ^ b) < 0) { q - 1 } else { q }
}

/// `a % b` with the sign of `b`; `b != 0`.
#[inline(always)]
#[must_use]
pub const fn int_mod(a: i64, b: i64) -> i64 {
    if b == -1 {
        return 0;
    }
    let r = a % b;
    if r != 0 && (r ^ b) < 0 { r + b } else { r }
}

/// `a % b` for floats, with the sign of `b`.
#[inline(always)]
#[must_use]
pub fn float_mod(a: f64, b: f64) -> f64 {
    let r = a % b;
    if r * b < 0.0 { r + b } else { r }
}

/// `a // b` for floats.
#[inline(always)]
#[must_use]
pub fn float_floor_div(a: f64, b: f64) -> f64 {
    floor(a / b)
}

/// `f.floor()` without a call on targets whose base instruction set has no rounding.
#[inline(always)]
#[must_use]
pub fn floor(f: f64) -> f64 {
    // From 2^52 on every float is an integer.
    if f.abs() < 4_503_599_627_370_496.0 {
        let truncated = f as i64 as f64;
        let floored = if truncated > f { truncated - 1.0 } else { truncated };
        floored.copysign(f)
    } else {
        f
    }
}

/// `a ^ b`.
#[inline(always)]
#[must_use]
pub fn float_pow(a: f64, b: f64) -> f64 {
    if b == 2.0 { a * a } else { a.powf(b) }
}

/// `a << n`; negative `n` shifts to the right; logical.
#[inline(always)]
#[must_use]
pub const fn shift_left(a: i64, n: i64) -> i64 {
    if n >= 0 {
        if n >= 64 { 0 } else { ((a as u64) << n) as i64 }
    } else if n <= -64 {
        0
    } else {
        ((a as u64) >> -n) as i64
    }
}

/// The integer with exactly this float's value.
#[inline(always)]
#[must_use]
pub fn float_to_int(f: f64) -> Option<i64> {
    crate::heap::table::float_to_int_key(f)
}

/// A number as a float.
#[inline(always)]
#[must_use]
pub fn to_float(v: Value) -> f64 {
    if v.tag == tag::INT { v.as_int() as f64 } else { v.as_float() }
}

/// A number as an integer, if it has that value exactly.
#[inline(always)]
#[must_use]
pub fn to_int(v: Value) -> Option<i64> {
    if v.tag == tag::INT { Some(v.as_int()) } else { float_to_int(v.as_float()) }
}

/// Any operator on two numbers (for unary ones `b` is ignored).
///
/// # Errors
/// [`ArithError`].
pub fn number_arith(op: Arith, a: Value, b: Value) -> Result<Value, ArithError> {
    let ints = a.tag == tag::INT && b.tag == tag::INT;
    let (i, j) = (a.as_int(), b.as_int());
    let bitwise = |f: fn(i64, i64) -> i64| match (to_int(a), to_int(b)) {
        (Some(x), Some(y)) => Ok(Value::int(f(x, y))),
        _ => Err(ArithError::NoInteger),
    };
    Ok(match op {
        Arith::Add if ints => Value::int(i.wrapping_add(j)),
        Arith::Sub if ints => Value::int(i.wrapping_sub(j)),
        Arith::Mul if ints => Value::int(i.wrapping_mul(j)),
        Arith::Mod if ints => {
            if j == 0 {
                return Err(ArithError::ModuloByZero);
            }
            Value::int(int_mod(i, j))
        }
        Arith::IDiv if ints => {
            if j == 0 {
                return Err(ArithError::DivisionByZero);
            }
            Value::int(int_floor_div(i, j))
        }
        Arith::Unm if a.tag == tag::INT => Value::int(i.wrapping_neg()),
        Arith::Add => Value::float(to_float(a) + to_float(b)),
        Arith::Sub => Value::float(to_float(a) - to_float(b)),
        Arith::Mul => Value::float(to_float(a) * to_float(b)),
        Arith::Mod => Value::float(float_mod(to_float(a), to_float(b))),
        Arith::IDiv => Value::float(float_floor_div(to_float(a), to_float(b))),
        Arith::Div => Value::float(to_float(a) / to_float(b)),
        Arith::Pow => Value::float(float_pow(to_float(a), to_float(b))),
        Arith::Unm => Value::float(-a.as_float()),
        Arith::BAnd => return bitwise(|x, y| x & y),
        Arith::BOr => return bitwise(|x, y| x | y),
        Arith::BXor => return bitwise(|x, y| x ^ y),
        Arith::Shl => return bitwise(shift_left),
        Arith::Shr => return bitwise(|x, y| shift_left(x, y.wrapping_neg_or_max())),
        Arith::BNot => match to_int(a) {
            Some(x) => Value::int(!x),
            None => return Err(ArithError::NoInteger),
        },
    })
}

trait NegOrMax {
    fn wrapping_neg_or_max(self) -> i64;
}

impl NegOrMax for i64 {
    /// `-self`, and the largest number for the smallest: a shift by either is complete.
    #[inline(always)]
    fn wrapping_neg_or_max(self) -> i64 {
        self.checked_neg().unwrap_or(Self::MAX)
    }
}

/// `a >> n`.
#[inline(always)]
#[must_use]
pub fn shift_right(a: i64, n: i64) -> i64 {
    shift_left(a, n.wrapping_neg_or_max())
}

/// `i < f` without loss of precision.
#[must_use]
pub fn int_lt_float(i: i64, f: f64) -> bool {
    if f.is_nan() {
        return false;
    }
    // The smallest integer that is not below `f`, if it exists: i < f  <=>  i < ceil(f).
    if f >= 9_223_372_036_854_775_808.0 {
        true
    } else if f > -9_223_372_036_854_775_808.0 {
        i < f.ceil() as i64
    } else {
        false
    }
}

/// `i <= f`.
#[must_use]
pub fn int_le_float(i: i64, f: f64) -> bool {
    if f.is_nan() {
        return false;
    }
    if f >= 9_223_372_036_854_775_808.0 {
        true
    } else if f >= -9_223_372_036_854_775_808.0 {
        i <= f.floor() as i64
    } else {
        false
    }
}

/// `f < i`.
#[must_use]
pub fn float_lt_int(f: f64, i: i64) -> bool {
    !f.is_nan() && !int_le_float(i, f)
}

/// `f <= i`.
#[must_use]
pub fn float_le_int(f: f64, i: i64) -> bool {
    !f.is_nan() && !int_lt_float(i, f)
}

/// `a < b` for numbers.
#[inline]
#[must_use]
pub fn number_lt(a: Value, b: Value) -> bool {
    match (a.tag == tag::INT, b.tag == tag::INT) {
        (true, true) => a.as_int() < b.as_int(),
        (false, false) => a.as_float() < b.as_float(),
        (true, false) => int_lt_float(a.as_int(), b.as_float()),
        (false, true) => float_lt_int(a.as_float(), b.as_int()),
    }
}

/// `a <= b` for numbers.
#[inline]
#[must_use]
pub fn number_le(a: Value, b: Value) -> bool {
    match (a.tag == tag::INT, b.tag == tag::INT) {
        (true, true) => a.as_int() <= b.as_int(),
        (false, false) => a.as_float() <= b.as_float(),
        (true, false) => int_le_float(a.as_int(), b.as_float()),
        (false, true) => float_le_int(a.as_float(), b.as_int()),
    }
}

/// `a == b` for numbers.
#[inline]
#[must_use]
pub fn number_eq(a: Value, b: Value) -> bool {
    match (a.tag == tag::INT, b.tag == tag::INT) {
        (true, true) => a.as_int() == b.as_int(),
        (false, false) => a.as_float() == b.as_float(),
        (true, false) => float_to_int(b.as_float()) == Some(a.as_int()),
        (false, true) => float_to_int(a.as_float()) == Some(b.as_int()),
    }
}

/// Equality without metamethods.
///
/// # Safety
/// Both values are live.
#[inline]
#[must_use]
pub unsafe fn raw_equal(a: Value, b: Value) -> bool {
    if a.is_number() && b.is_number() {
        return number_eq(a, b);
    }
    if a.tag != b.tag {
        return false;
    }
    match a.tag {
        tag::NIL | tag::FALSE | tag::TRUE => true,
        // SAFETY: by contract.
        tag::STRING => unsafe { crate::heap::Str::eq(a.as_str(), b.as_str()) },
        _ => a.payload == b.payload,
    }
}

/// Order of byte strings as `strcoll` in the C locale: by bytes.
#[must_use]
pub fn bytes_lt(a: &[u8], b: &[u8]) -> bool {
    a < b
}

/// A prepared numeric loop.
pub enum ForLoop {
    /// No iteration.
    Skip,
    /// Integer loop: start, iterations after the first, step.
    Int {
        start: i64,
        left: u64,
        step: i64,
    },
    Float {
        start: f64,
        limit: f64,
        step: f64,
    },
    /// As 5.3, whose loop with step 0 and a limit below all integers takes 0 for its start and stays there.
    Stuck,
}

/// Prepares a numeric `for` over numbers. The loop never wraps around: the number of iterations is known in advance.
#[must_use]
pub fn prepare_for(start: Value, limit: Value, step: Value) -> ForLoop {
    if start.tag == tag::INT && step.tag == tag::INT {
        let (start, step) = (start.as_int(), step.as_int());
        let limit = if limit.tag == tag::INT {
            limit.as_int()
        } else {
            let f = limit.as_float();
            // Clip a float limit to the integers, towards the start. As 5.3: NaN is below everything.
            let rounded = if step < 0 { f.ceil() } else { f.floor() };
            if let Some(i) = float_to_int(rounded) {
                i
            } else if f > 0.0 {
                if step < 0 {
                    return ForLoop::Skip;
                }
                i64::MAX
            } else {
                if step >= 0 {
                    return if step == 0 { ForLoop::Stuck } else { ForLoop::Skip };
                }
                i64::MIN
            }
        };
        let runs = if step > 0 { start <= limit } else { limit <= start };
        if !runs {
            return ForLoop::Skip;
        }
        let left = if step == 0 {
            // As 5.3: a loop that cannot move runs for ever.
            u64::MAX
        } else if step > 0 {
            (limit as u64).wrapping_sub(start as u64) / step as u64
        } else {
            (start as u64).wrapping_sub(limit as u64) / (step as u64).wrapping_neg()
        };
        return ForLoop::Int { start, left, step };
    }
    let (start, limit, step) = (to_float(start), to_float(limit), to_float(step));
    // As 5.3, which takes one step back first: that rounds, and with an infinite step there is no first value.
    let start = (start - step) + step;
    let runs = if 0.0 < step { start <= limit } else { limit <= start };
    if runs { ForLoop::Float { start, limit, step } } else { ForLoop::Skip }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_division_and_modulo_follow_the_divisor() {
        assert_eq!(int_floor_div(7, -2), -4);
        assert_eq!(int_floor_div(i64::MIN, -1), i64::MIN);
        assert_eq!(int_mod(-7, 2), 1);
        assert_eq!(int_mod(i64::MIN, -1), 0);
        assert_eq!(float_mod(5.0, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(float_mod(-5.0, f64::NEG_INFINITY), -5.0);
    }

    #[test]
    fn shifts_beyond_the_width_give_zero() {
        assert_eq!(shift_left(1, 64), 0);
        assert_eq!(shift_right(-1, 63), 1);
        assert_eq!(shift_right(1, i64::MIN), 0);
        assert_eq!(shift_left(1, i64::MIN), 0);
        assert_eq!(shift_left(8, -3), 1);
    }

    #[test]
    fn integers_compare_exactly_with_floats() {
        let big = (1i64 << 53) + 1;
        assert!(!int_lt_float(big, (1i64 << 53) as f64));
        assert!(float_lt_int((1i64 << 53) as f64, big));
        assert!(int_lt_float(i64::MAX, 9_223_372_036_854_775_808.0));
        assert!(!int_le_float(i64::MIN, f64::NEG_INFINITY));
        assert!(int_le_float(i64::MIN, -9_223_372_036_854_775_808.0));
        assert!(!float_le_int(f64::NAN, 0) && !float_lt_int(f64::NAN, 0));
    }

    #[test]
    fn loops_know_their_count() {
        let int = |a: i64, b: i64, c: i64| prepare_for(Value::int(a), Value::int(b), Value::int(c));
        assert!(matches!(int(1, 10, 3), ForLoop::Int { left: 3, .. }));
        assert!(matches!(int(i64::MAX - 1, i64::MAX, 1), ForLoop::Int { left: 1, .. }));
        assert!(matches!(int(i64::MIN, i64::MAX, 1), ForLoop::Int { left: u64::MAX, .. }));
        assert!(matches!(int(3, 1, -1), ForLoop::Int { left: 2, .. }));
        assert!(matches!(int(0, i64::MIN, i64::MIN), ForLoop::Int { left: 1, .. }));
        assert!(matches!(int(1, 0, 1), ForLoop::Skip));
    }
}

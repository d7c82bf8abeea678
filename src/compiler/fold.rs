//! Constant folding, as far as 5.3 goes: arithmetic and bitwise operators on numerals.
//!
//! 1. What would raise an error, or divide by zero, is left to run time.
//! 2. A NaN or a zero float is never folded: constants could not tell `0.0` from `-0.0` in the reference.

use super::desc::Kind;
use crate::syntax::ast::BinaryOp;

#[derive(Clone, Copy)]
enum Num {
    Int(i64),
    Float(f64),
}

impl Num {
    fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Int(i) => Some(Self::Int(i)),
            Kind::Float(n) => Some(Self::Float(n)),
            _ => None,
        }
    }

    fn float(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(n) => n,
        }
    }

    /// The integer of the same value, if there is one.
    fn int(self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(i),
            // 2^63 is exact as a float; everything from there on has no integer.
            Self::Float(n) if n.floor() == n && (-(2f64.powi(63))..2f64.powi(63)).contains(&n) => {
                Some(n as i64)
            }
            Self::Float(_) => None,
        }
    }

    fn is_zero(self) -> bool {
        self.float() == 0.0
    }
}

/// Shifts to the left; negative counts shift to the right. Vacated bits are zero.
fn shift_left(x: i64, by: i64) -> i64 {
    match by {
        0..=63 => ((x as u64) << by) as i64,
        -63..=-1 => ((x as u64) >> -by) as i64,
        _ => 0,
    }
}

fn float_result(n: f64) -> Option<Kind> {
    (!n.is_nan() && n != 0.0).then_some(Kind::Float(n))
}

/// Folds `a op b`, if 5.3 would.
pub(super) fn binary(op: BinaryOp, a: Kind, b: Kind) -> Option<Kind> {
    let (x, y) = (Num::of(a)?, Num::of(b)?);
    match op {
        BinaryOp::BAnd => Some(Kind::Int(x.int()? & y.int()?)),
        BinaryOp::BOr => Some(Kind::Int(x.int()? | y.int()?)),
        BinaryOp::BXor => Some(Kind::Int(x.int()? ^ y.int()?)),
        BinaryOp::Shl => Some(Kind::Int(shift_left(x.int()?, y.int()?))),
        BinaryOp::Shr => Some(Kind::Int(shift_left(x.int()?, y.int()?.wrapping_neg()))),
        BinaryOp::Div if y.is_zero() => None,
        BinaryOp::Div => float_result(x.float() / y.float()),
        BinaryOp::Pow => float_result(x.float().powf(y.float())),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::IDiv | BinaryOp::Mod => {
            arithmetic(op, x, y)
        }
        BinaryOp::Concat
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => None,
    }
}

/// Operators that stay integer on integers.
fn arithmetic(op: BinaryOp, x: Num, y: Num) -> Option<Kind> {
    let divides = matches!(op, BinaryOp::IDiv | BinaryOp::Mod);
    if divides && y.is_zero() {
        return None;
    }
    if let (Num::Int(i), Num::Int(j)) = (x, y) {
        let inexact = divides && i.wrapping_rem(j) != 0 && (i ^ j) < 0;
        return Some(Kind::Int(match op {
            BinaryOp::Add => i.wrapping_add(j),
            BinaryOp::Sub => i.wrapping_sub(j),
            BinaryOp::Mul => i.wrapping_mul(j),
            BinaryOp::IDiv => i.wrapping_div(j) - i64::from(inexact),
            _ if inexact => i.wrapping_rem(j) + j,
            _ => i.wrapping_rem(j),
        }));
    }
    let (a, b) = (x.float(), y.float());
    float_result(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::IDiv => (a / b).floor(),
        _ => {
            let m = a % b;
            if m * b < 0.0 { m + b } else { m }
        }
    })
}

/// Folds `-a`.
pub(super) fn neg(a: Kind) -> Option<Kind> {
    match Num::of(a)? {
        Num::Int(i) => Some(Kind::Int(i.wrapping_neg())),
        Num::Float(n) => float_result(-n),
    }
}

/// Folds `~a`.
pub(super) fn bnot(a: Kind) -> Option<Kind> {
    Some(Kind::Int(!Num::of(a)?.int()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_as_the_reference() {
        let (int, float) = (Kind::Int, Kind::Float);
        assert_eq!(binary(BinaryOp::Add, int(1), int(2)), Some(int(3)));
        assert_eq!(binary(BinaryOp::Add, int(i64::MAX), int(1)), Some(int(i64::MIN)));
        assert_eq!(binary(BinaryOp::Div, int(1), int(2)), Some(float(0.5)));
        assert_eq!(binary(BinaryOp::Div, int(1), int(0)), None);
        assert_eq!(binary(BinaryOp::IDiv, int(-7), int(2)), Some(int(-4)));
        assert_eq!(binary(BinaryOp::IDiv, int(i64::MIN), int(-1)), Some(int(i64::MIN)));
        assert_eq!(binary(BinaryOp::Mod, int(-7), int(3)), Some(int(2)));
        assert_eq!(binary(BinaryOp::Mod, int(7), int(-3)), Some(int(-2)));
        assert_eq!(binary(BinaryOp::Mod, int(i64::MIN), int(-1)), Some(int(0)));
        assert_eq!(binary(BinaryOp::Mod, float(5.5), int(-2)), Some(float(-0.5)));
        assert_eq!(binary(BinaryOp::Mod, float(4.0), int(2)), None);
        assert_eq!(binary(BinaryOp::Sub, float(1.0), int(1)), None);
        assert_eq!(binary(BinaryOp::Shl, int(1), int(63)), Some(int(i64::MIN)));
        assert_eq!(binary(BinaryOp::Shl, int(1), int(64)), Some(int(0)));
        assert_eq!(binary(BinaryOp::Shr, int(-1), int(60)), Some(int(15)));
        assert_eq!(binary(BinaryOp::Shr, int(1), int(i64::MIN)), Some(int(0)));
        assert_eq!(binary(BinaryOp::BAnd, float(6.0), int(3)), Some(int(2)));
        assert_eq!(binary(BinaryOp::BAnd, float(6.5), int(3)), None);
        assert_eq!(binary(BinaryOp::BOr, float(1e300), int(3)), None);
        assert_eq!(binary(BinaryOp::Pow, int(2), int(10)), Some(float(1024.0)));
        assert_eq!(binary(BinaryOp::Lt, int(2), int(10)), None);
        assert_eq!(neg(int(0)), Some(int(0)));
        assert_eq!(neg(float(0.0)), None);
        assert_eq!(bnot(float(2.0)), Some(int(-3)));
    }
}

//! Unary and binary operators over expression descriptors.
//!
//! `infix` runs between the operands and `posfix` after the second, so that the first one is evaluated first. Constants
//! stay unloaded until `posfix` knows whether an operand can name them.

use super::desc::{Exp, JumpList, Kind};
use super::emit::reg;
use super::{Compiler, Res, fold};
use crate::bytecode::instr::SLOT;
use crate::bytecode::{Instr, Op};
use crate::diag::Span;
use crate::syntax::ast::{BinaryOp, UnaryOp};

/// An integer literal that fits a signed 16-bit operand.
fn small_int(e: &Exp) -> Option<i16> {
    match e.kind {
        Kind::Int(i) if !e.has_jumps() => i16::try_from(i).ok(),
        _ => None,
    }
}

/// A number literal that fits a signed 16-bit operand of a comparison, and whether it was a float.
fn small_number(e: &Exp) -> Option<(i16, bool)> {
    match e.kind {
        Kind::Float(n) if !e.has_jumps() => {
            let i = n as i16;
            (f64::from(i).to_bits() == n.to_bits()).then_some((i, true))
        }
        _ => small_int(e).map(|i| (i, false)),
    }
}

/// Ops of an arithmetic or bitwise operator: registers, constant on the right, constant on the left (H = 1 where the
/// op is the one with the constant on the right).
fn arith_ops(op: BinaryOp) -> (Op, Option<Op>, Option<(Op, u8)>) {
    match op {
        BinaryOp::Add => (Op::Add, Some(Op::AddK), Some((Op::AddK, 1))),
        BinaryOp::Sub => (Op::Sub, Some(Op::SubK), Some((Op::KSub, 0))),
        BinaryOp::Mul => (Op::Mul, Some(Op::MulK), Some((Op::MulK, 1))),
        BinaryOp::Div => (Op::Div, Some(Op::DivK), Some((Op::KDiv, 0))),
        BinaryOp::Mod => (Op::Mod, Some(Op::ModK), None),
        BinaryOp::Pow => (Op::Pow, Some(Op::PowK), Some((Op::KPow, 0))),
        BinaryOp::IDiv => (Op::IDiv, Some(Op::IDivK), None),
        BinaryOp::BAnd => (Op::BAnd, Some(Op::BAndK), Some((Op::BAndK, 1))),
        BinaryOp::BOr => (Op::BOr, Some(Op::BOrK), Some((Op::BOrK, 1))),
        BinaryOp::BXor => (Op::BXor, Some(Op::BXorK), Some((Op::BXorK, 1))),
        BinaryOp::Shl => (Op::Shl, None, None),
        BinaryOp::Shr => (Op::Shr, None, None),
        BinaryOp::Concat
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => unreachable!("not an arithmetic operator"),
    }
}

impl Compiler<'_> {
    /// Applies a unary operator whose token is on `line`.
    pub(super) fn prefix(&mut self, op: UnaryOp, e: &mut Exp, line: u32, span: Span) -> Res<()> {
        let code = match op {
            UnaryOp::Not => return self.not(e, span),
            UnaryOp::Neg => Op::Neg,
            UnaryOp::BNot => Op::BNot,
            UnaryOp::Len => Op::Len,
        };
        if e.is_numeral() {
            let folded = match op {
                UnaryOp::Neg => fold::neg(e.kind),
                UnaryOp::BNot => fold::bnot(e.kind),
                UnaryOp::Len | UnaryOp::Not => None,
            };
            if let Some(kind) = folded {
                *e = Exp::new(kind, span);
                return Ok(());
            }
        }
        let r = self.put_in_any_reg(e)?;
        self.free_exp(e);
        let pc = self.code(Instr::abc(code, 0, 0, reg(r), 0), span);
        self.fix_line(line);
        *e = Exp::new(Kind::Reloc(pc), span);
        Ok(())
    }

    fn not(&mut self, e: &mut Exp, span: Span) -> Res<()> {
        self.discharge_vars(e)?;
        match e.kind {
            Kind::Nil | Kind::False => e.kind = Kind::True,
            Kind::Str(_) | Kind::Int(_) | Kind::Float(_) | Kind::True => e.kind = Kind::False,
            Kind::Jump(pc) => self.negate(pc),
            _ => {
                // The jumps of `e` stay pending: only the value that falls through is negated here.
                let r = self.discharge_to_any(e)?;
                self.free_exp(e);
                e.kind = Kind::Reloc(self.code(Instr::abc(Op::Not, 0, 0, reg(r), 0), span));
            }
        }
        std::mem::swap(&mut e.t, &mut e.f);
        self.remove_values(e.f);
        self.remove_values(e.t);
        e.span = span;
        Ok(())
    }

    /// Prepares the first operand before the second is compiled.
    pub(super) fn infix(&mut self, op: BinaryOp, e: &mut Exp) -> Res<()> {
        match op {
            BinaryOp::And => self.go_if_true(e),
            BinaryOp::Or => self.go_if_false(e),
            BinaryOp::Concat => self.put_in_next_reg(e).map(|_| ()),
            BinaryOp::Eq | BinaryOp::Ne => self.make_operand(e),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                if small_number(e).is_none() {
                    self.put_in_any_reg(e)?;
                }
                Ok(())
            }
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::IDiv
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::BAnd
            | BinaryOp::BOr
            | BinaryOp::BXor
            | BinaryOp::Shl
            | BinaryOp::Shr => {
                if !e.is_numeral() {
                    self.put_in_any_reg(e)?;
                }
                Ok(())
            }
        }
    }

    /// Completes `a op b` into `a`. `line` is the operator's.
    pub(super) fn posfix(&mut self, op: BinaryOp, a: &mut Exp, mut b: Exp, line: u32, span: Span) -> Res<()> {
        match op {
            BinaryOp::And => {
                self.discharge_vars(&mut b)?;
                b.f = self.concat(b.f, a.f);
                *a = b;
                a.span = span;
                Ok(())
            }
            BinaryOp::Or => {
                self.discharge_vars(&mut b)?;
                b.t = self.concat(b.t, a.t);
                *a = b;
                a.span = span;
                Ok(())
            }
            BinaryOp::Concat => self.concatenation(a, &mut b, line, span),
            BinaryOp::Eq | BinaryOp::Ne => self.equality(op == BinaryOp::Eq, a, &mut b, span),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => self.order(op, a, &mut b, span),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::IDiv
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::BAnd
            | BinaryOp::BOr
            | BinaryOp::BXor
            | BinaryOp::Shl
            | BinaryOp::Shr => self.arithmetic(op, a, &mut b, line, span),
        }
    }

    /// `a .. b` with `a` in a register: joins the chain that `b` already is.
    fn concatenation(&mut self, a: &mut Exp, b: &mut Exp, line: u32, span: Span) -> Res<()> {
        self.make_value(b)?;
        let Kind::NonReloc(first) = a.kind else { unreachable!("infix put it into a register") };
        if let Kind::Reloc(pc) = b.kind {
            let i = self.f.code[pc as usize];
            if i.op() == Some(Op::Concat) {
                debug_assert_eq!(i.b(), reg(first + 1), "operands are consecutive");
                self.free_exp(a);
                self.f.code[pc as usize] = i.with_b(reg(first)).with_c(i.c() + 1);
                self.f.origins[pc as usize].span = span;
                *a = Exp::new(Kind::Reloc(pc), span);
                return Ok(());
            }
        }
        self.put_in_next_reg(b)?;
        self.free_exps(a, b);
        let pc = self.code(Instr::abc(Op::Concat, 0, 0, reg(first), 2), span);
        self.fix_line(line);
        *a = Exp::new(Kind::Reloc(pc), span);
        Ok(())
    }

    fn comparison(&mut self, a: &mut Exp, i: Instr, span: Span) {
        let pc = self.cond_jump(i, span);
        *a = Exp { kind: Kind::Jump(pc), t: JumpList::EMPTY, f: JumpList::EMPTY, span };
    }

    fn equality(&mut self, equal: bool, a: &mut Exp, b: &mut Exp, span: Span) -> Res<()> {
        self.make_operand(b)?;
        let (plain, with_k) = if equal { (Op::JumpEq, Op::JumpEqK) } else { (Op::JumpNe, Op::JumpNeK) };
        if let Some(k) = self.const_operand(b)? {
            let r = self.put_in_any_reg(a)?;
            self.free_exp(a);
            self.comparison(a, Instr::abc(with_k, 0, reg(r), k, 0), span);
        } else if let Some(k) = self.const_operand(a)? {
            let r = self.put_in_any_reg(b)?;
            self.free_exp(b);
            self.comparison(a, Instr::abc(with_k, 1, reg(r), k, 0), span);
        } else {
            let y = self.put_in_any_reg(b)?;
            let x = self.put_in_any_reg(a)?;
            self.free_exps(a, b);
            self.comparison(a, Instr::abc(plain, 0, reg(x), reg(y), 0), span);
        }
        Ok(())
    }

    fn order(&mut self, op: BinaryOp, a: &mut Exp, b: &mut Exp, span: Span) -> Res<()> {
        // The operand that is a small literal, and the op that compares the other one with it.
        let right = small_number(b).map(|imm| (imm, false));
        if let Some(((imm, float), left)) = right.or_else(|| small_number(a).map(|imm| (imm, true))) {
            let code = match (op, left) {
                (BinaryOp::Lt, false) | (BinaryOp::Gt, true) => Op::JumpLtI,
                (BinaryOp::Le, false) | (BinaryOp::Ge, true) => Op::JumpLeI,
                (BinaryOp::Gt, false) | (BinaryOp::Lt, true) => Op::JumpGtI,
                _ => Op::JumpGeI,
            };
            let other = if left { b } else { &mut *a };
            let r = self.put_in_any_reg(other)?;
            self.free_exp(other);
            self.comparison(a, Instr::abc(code, u8::from(float), reg(r), imm as u16, 0), span);
            return Ok(());
        }
        let y = self.put_in_any_reg(b)?;
        let x = self.put_in_any_reg(a)?;
        self.free_exps(a, b);
        let (code, x, y) = match op {
            BinaryOp::Lt => (Op::JumpLt, x, y),
            BinaryOp::Le => (Op::JumpLe, x, y),
            BinaryOp::Gt => (Op::JumpLt, y, x),
            _ => (Op::JumpLe, y, x),
        };
        self.comparison(a, Instr::abc(code, 0, reg(x), reg(y), 0), span);
        Ok(())
    }

    fn arithmetic(&mut self, op: BinaryOp, a: &mut Exp, b: &mut Exp, line: u32, span: Span) -> Res<()> {
        self.discharge_vars(b)?;
        if a.is_numeral()
            && b.is_numeral()
            && let Some(kind) = fold::binary(op, a.kind, b.kind)
        {
            *a = Exp::new(kind, span);
            return Ok(());
        }
        let i = self.arithmetic_instr(op, a, b)?;
        let pc = self.code(i, span);
        self.fix_line(line);
        *a = Exp::new(Kind::Reloc(pc), span);
        Ok(())
    }

    /// Chooses the form of an arithmetic instruction and releases its operands.
    fn arithmetic_instr(&mut self, op: BinaryOp, a: &mut Exp, b: &mut Exp) -> Res<Instr> {
        // `x - 0` stays a subtraction: as an addition of zero it would turn -0.0 into 0.0.
        let on_right = match (op, small_int(b)) {
            (BinaryOp::Add, Some(n)) => Some((Op::AddI, 0, n)),
            (BinaryOp::Sub, Some(n)) if n != 0 && n != i16::MIN => Some((Op::AddI, 2, -n)),
            (BinaryOp::Shl, Some(n)) => Some((Op::ShlI, 0, n)),
            (BinaryOp::Shr, Some(n)) if n != i16::MIN => Some((Op::ShlI, 1, -n)),
            _ => None,
        };
        if let Some((code, h, n)) = on_right {
            let r = self.put_in_any_reg(a)?;
            self.free_exp(a);
            return Ok(Instr::abc(code, h, 0, reg(r), n as u16));
        }
        if op == BinaryOp::Add
            && let Some(n) = small_int(a)
        {
            let r = self.put_in_any_reg(b)?;
            self.free_exp(b);
            return Ok(Instr::abc(Op::AddI, 1, 0, reg(r), n as u16));
        }
        let (plain, right, left) = arith_ops(op);
        if let Some(code) = right
            && let Some(k) = self.numeral_operand(b)?
        {
            let r = self.put_in_any_reg(a)?;
            self.free_exp(a);
            return Ok(Instr::abc(code, 0, 0, reg(r), k));
        }
        if let Some((code, h)) = left
            && let Some(k) = self.numeral_operand(a)?
        {
            let r = self.put_in_any_reg(b)?;
            self.free_exp(b);
            return Ok(Instr::abc(code, h, 0, reg(r), k));
        }
        let y = self.put_in_any_reg(b)?;
        let x = self.put_in_any_reg(a)?;
        self.free_exps(a, b);
        Ok(Instr::abc(plain, 0, 0, reg(x), reg(y)))
    }
}

const _: () = assert!(SLOT == 16);

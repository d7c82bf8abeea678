//! Emitting instructions, registers and constants.

use super::desc::{Exp, Kind, Pc, Reg};
use super::func::{ConstKey, Func};
use super::{Compiler, Res};
use crate::bytecode::instr::SLOT;
use crate::bytecode::{Const, Instr, Op, Origin};
use crate::diag::Span;
use crate::limits::{MAX_CONSTANTS, MAX_OPERAND_CONSTANT, MAX_REGISTERS, TURN_STEPS};
use crate::syntax::ast::Symbol;

/// Register operand.
pub(super) const fn reg(r: Reg) -> u16 {
    r as u16 * SLOT as u16
}

/// Constant operand, for an index that is known to fit.
pub(super) const fn konst(k: u32) -> u16 {
    (k * SLOT) as u16
}

/// True if an operand can name this constant.
pub(super) const fn reachable(k: u32) -> bool {
    k as usize <= MAX_OPERAND_CONSTANT
}

impl Compiler<'_> {
    /// Appends an instruction at the line of the last token, landing pending jumps on it.
    pub(super) fn code(&mut self, i: Instr, span: Span) -> Pc {
        if !self.f.pending.is_empty() {
            self.land_pending();
        }
        let line = self.line();
        let pc = self.f.pc();
        self.f.code.push(i);
        self.f.origins.push(Origin { line, span });
        if pc % TURN_STEPS == TURN_STEPS - 1 {
            self.pace(TURN_STEPS as usize);
        }
        pc
    }

    /// Moves the newest instruction to another line.
    pub(super) fn fix_line(&mut self, line: u32) {
        if let Some(last) = self.f.origins.last_mut() {
            last.line = line;
        }
    }

    /// Takes back the newest instruction.
    pub(super) fn uncode(&mut self) {
        self.f.code.pop();
        self.f.origins.pop();
    }

    // ---- registers ----

    /// Makes sure that `n` more registers exist.
    pub(super) fn check_stack(&mut self, n: usize) -> Res<()> {
        let size = usize::from(self.f.free) + n;
        if size > MAX_REGISTERS {
            return Err(self.error_near("function or expression needs too many registers"));
        }
        self.f.max_stack = self.f.max_stack.max(size as u8);
        Ok(())
    }

    /// Takes the next `n` registers.
    pub(super) fn reserve(&mut self, n: usize) -> Res<()> {
        self.check_stack(n)?;
        self.f.free += n as u8;
        Ok(())
    }

    /// Releases a register unless a variable lives there.
    pub(super) fn free_reg(&mut self, r: Reg) {
        if r >= self.f.active {
            self.f.free -= 1;
            debug_assert_eq!(r, self.f.free, "registers are released in reverse order");
        }
    }

    pub(super) fn free_exp(&mut self, e: &Exp) {
        if let Kind::NonReloc(r) = e.kind {
            self.free_reg(r);
        }
    }

    /// Releases two operands, the higher register first.
    pub(super) fn free_exps(&mut self, a: &Exp, b: &Exp) {
        match (a.kind, b.kind) {
            (Kind::NonReloc(x), Kind::NonReloc(y)) if x > y => {
                self.free_reg(x);
                self.free_reg(y);
            }
            _ => {
                self.free_exp(b);
                self.free_exp(a);
            }
        }
    }

    // ---- constants ----

    /// Index of a name among the constants of the current function.
    pub(super) fn name_constant(&mut self, sym: Symbol) -> Res<u32> {
        let (function, k) = self.name_consts[sym.0 as usize];
        if function == self.f.serial {
            return Ok(k);
        }
        let key = ConstKey::String(self.name(sym));
        let hash = key.hash();
        let k = match self.find_constant(key, hash) {
            Some(k) => k,
            None => {
                let name = self.shared_name(sym);
                self.add_constant(hash, Const::String(name))?
            }
        };
        self.name_consts[sym.0 as usize] = (self.f.serial, k);
        Ok(k)
    }

    /// Index of a constant of the current function.
    pub(super) fn constant(&mut self, key: ConstKey<'_>) -> Res<u32> {
        let hash = key.hash();
        match self.find_constant(key, hash) {
            Some(k) => Ok(k),
            None => {
                let value = key.to_const();
                if let Const::String(text) = &value {
                    self.made += text.size();
                }
                self.add_constant(hash, value)
            }
        }
    }

    fn find_constant(&self, key: ConstKey<'_>, hash: u64) -> Option<u32> {
        let consts = &self.f.consts;
        self.f.const_map.find(hash, |&k| ConstKey::of(&consts[k as usize]) == key).copied()
    }

    fn add_constant(&mut self, hash: u64, value: Const) -> Res<u32> {
        if self.f.consts.len() >= MAX_CONSTANTS {
            return Err(self.error_limit(MAX_CONSTANTS, "constants"));
        }
        let k = self.f.consts.len() as u32;
        let Func { consts, const_map, .. } = &mut *self.f;
        consts.push(value);
        const_map.insert_unique(hash, k, |&k| ConstKey::of(&consts[k as usize]).hash());
        Ok(k)
    }

    /// A constant expression as an operand, if it can be one.
    pub(super) fn const_operand(&mut self, e: &Exp) -> Res<Option<u16>> {
        if !e.is_const() {
            return Ok(None);
        }
        let k = match e.kind {
            Kind::Nil => self.constant(ConstKey::Nil)?,
            Kind::True => self.constant(ConstKey::True)?,
            Kind::False => self.constant(ConstKey::False)?,
            Kind::Int(i) => self.constant(ConstKey::Integer(i))?,
            Kind::Float(n) => self.constant(ConstKey::Float(n.to_bits()))?,
            Kind::Str(k) => k,
            _ => return Ok(None),
        };
        Ok(reachable(k).then(|| konst(k)))
    }

    /// A numeral as an operand, if it can be one.
    pub(super) fn numeral_operand(&mut self, e: &Exp) -> Res<Option<u16>> {
        if e.is_numeral() { self.const_operand(e) } else { Ok(None) }
    }

    // ---- loads ----

    /// `R[from] … = nil`, merged with a `LoadNil` just before when the ranges touch.
    pub(super) fn load_nil(&mut self, from: Reg, n: usize, span: Span) {
        if self.f.pc() > self.f.last_target
            && let Some(last) = self.f.code.last_mut()
            && last.op() == Some(Op::LoadNil)
        {
            let first = usize::from(last.a() / SLOT as u16);
            let end = first + usize::from(last.b());
            let (new_first, new_end) = (usize::from(from), usize::from(from) + n);
            if first <= new_first && new_first <= end || new_first <= first && first <= new_end {
                let low = first.min(new_first);
                *last = Instr::abc(Op::LoadNil, 0, reg(low as Reg), (end.max(new_end) - low) as u16, 0);
                return;
            }
        }
        self.code(Instr::abc(Op::LoadNil, 0, reg(from), n as u16, 0), span);
    }

    /// `R[r] = K[k]`
    pub(super) fn load_k(&mut self, r: Reg, k: u32, span: Span) {
        self.code(Instr::aw(Op::LoadK, 0, reg(r), (k * SLOT) as i32), span);
    }

    pub(super) fn load_int(&mut self, r: Reg, i: i64, span: Span) -> Res<()> {
        if let Ok(w) = i32::try_from(i) {
            self.code(Instr::aw(Op::LoadInt, 0, reg(r), w), span);
        } else {
            let k = self.constant(ConstKey::Integer(i))?;
            self.load_k(r, k, span);
        }
        Ok(())
    }
}

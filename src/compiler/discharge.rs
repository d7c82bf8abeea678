//! Turning descriptions into values: registers, operands, jumps and stores.

use super::desc::{Exp, JumpList, Key, Kind, Pc, Reg, Table};
use super::emit::{konst, reachable, reg};
use super::func::ConstKey;
use super::{Compiler, Res};
use crate::bytecode::instr::SLOT;
use crate::bytecode::{Instr, Op};
use crate::diag::Span;

impl Compiler<'_> {
    fn set_a(&mut self, pc: Pc, r: Reg) {
        let i = &mut self.f.code[pc as usize];
        *i = i.with_a(reg(r));
    }

    /// Fixes how many values a call or `...` gives; `None`: all of them.
    pub(super) fn set_returns(&mut self, e: &Exp, wanted: Option<usize>) -> Res<()> {
        let count = wanted.map_or(0, |n| n as u16 + 1);
        match e.kind {
            Kind::Call(pc) => {
                let i = &mut self.f.code[pc as usize];
                *i = i.with_c(count);
            }
            Kind::Vararg(pc) => {
                let i = &mut self.f.code[pc as usize];
                *i = i.with_b(count).with_a(reg(self.f.free));
                self.reserve(1)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Truncates a call or `...` to one value.
    pub(super) fn set_one_return(&mut self, e: &mut Exp) {
        match e.kind {
            Kind::Call(pc) => {
                let i = &mut self.f.code[pc as usize];
                *i = i.with_c(2);
                e.kind = Kind::NonReloc((i.a() / SLOT as u16) as Reg);
            }
            Kind::Vararg(pc) => {
                let i = &mut self.f.code[pc as usize];
                *i = i.with_b(2);
                e.kind = Kind::Reloc(pc);
            }
            _ => {}
        }
    }

    /// Makes sure that the value is no longer a variable.
    #[inline]
    pub(super) fn discharge_vars(&mut self, e: &mut Exp) -> Res<()> {
        match e.kind {
            Kind::Local(r) => {
                e.kind = Kind::NonReloc(r);
                Ok(())
            }
            Kind::Upval(_) | Kind::Index(..) | Kind::Call(_) | Kind::Vararg(_) => self.load_variable(e),
            _ => Ok(()),
        }
    }

    /// The rest of [`Self::discharge_vars`]: what takes an instruction.
    #[inline(never)]
    fn load_variable(&mut self, e: &mut Exp) -> Res<()> {
        match e.kind {
            Kind::Upval(u) => {
                e.kind = Kind::Reloc(self.code(Instr::abc(Op::GetUpval, 0, 0, u16::from(u), 0), e.span));
            }
            Kind::Index(Table::Up(u), Key::Field(k)) => {
                let i = Instr::abc(Op::GetTabUp, 0, 0, u16::from(u), konst(k));
                e.kind = Kind::Reloc(self.code(i, e.span));
            }
            // The upvalue is read after its key is known, as the reference does.
            Kind::Index(Table::Up(u), Key::Reg(key)) => {
                self.free_reg(key);
                let i = Instr::abc(Op::GetUpIndex, 0, 0, u16::from(u), reg(key));
                e.kind = Kind::Reloc(self.code(i, e.span));
            }
            Kind::Index(Table::Up(u), key) => {
                let table = self.upval_to_scratch(u, e.span)?;
                self.free_reg(table);
                self.free_key(key);
                e.kind = self.get_index(table, key, e.span);
            }
            Kind::Index(Table::Reg(table), key) => {
                self.free_key(key);
                self.free_reg(table);
                e.kind = self.get_index(table, key, e.span);
            }
            Kind::Call(_) | Kind::Vararg(_) => self.set_one_return(e),
            _ => {}
        }
        Ok(())
    }

    fn upval_to_scratch(&mut self, u: u8, span: Span) -> Res<Reg> {
        let r = self.f.free;
        self.reserve(1)?;
        self.code(Instr::abc(Op::GetUpval, 0, reg(r), u16::from(u), 0), span);
        Ok(r)
    }

    fn free_key(&mut self, key: Key) {
        if let Key::Reg(k) = key {
            self.free_reg(k);
        }
    }

    /// Emits a read access whose operands were released.
    fn get_index(&mut self, table: Reg, key: Key, span: Span) -> Kind {
        let i = match key {
            Key::Reg(k) => Instr::abc(Op::GetIndex, 0, 0, reg(table), reg(k)),
            Key::Field(k) => Instr::abc(Op::GetField, 0, 0, reg(table), konst(k)),
            Key::Int(n) => Instr::abc(Op::GetInt, 0, 0, reg(table), n),
        };
        Kind::Reloc(self.code(i, span))
    }

    /// Puts the value (without its jumps) into a register.
    fn discharge_to(&mut self, e: &mut Exp, r: Reg) -> Res<()> {
        self.discharge_vars(e)?;
        match e.kind {
            Kind::Nil => self.load_nil(r, 1, e.span),
            Kind::False => {
                self.code(Instr::abc(Op::LoadFalse, 0, reg(r), 0, 0), e.span);
            }
            Kind::True => {
                self.code(Instr::abc(Op::LoadTrue, 0, reg(r), 0, 0), e.span);
            }
            Kind::Str(k) => self.load_k(r, k, e.span),
            Kind::Int(i) => self.load_int(r, i, e.span)?,
            Kind::Float(n) => {
                let k = self.constant(ConstKey::Float(n.to_bits()))?;
                self.load_k(r, k, e.span);
            }
            Kind::Reloc(pc) => self.set_a(pc, r),
            Kind::NonReloc(from) if from != r => {
                self.code(Instr::abc(Op::Move, 0, reg(r), reg(from), 0), e.span);
            }
            Kind::NonReloc(_) => {}
            Kind::Jump(_) | Kind::Void => return Ok(()),
            Kind::Local(_) | Kind::Upval(_) | Kind::Index(..) | Kind::Call(_) | Kind::Vararg(_) => {
                unreachable!("variables were discharged")
            }
        }
        e.kind = Kind::NonReloc(r);
        Ok(())
    }

    pub(super) fn discharge_to_any(&mut self, e: &mut Exp) -> Res<Reg> {
        if let Kind::NonReloc(r) = e.kind {
            return Ok(r);
        }
        self.reserve(1)?;
        let r = self.f.free - 1;
        self.discharge_to(e, r)?;
        Ok(r)
    }

    /// Puts the final value, jumps included, into a register.
    pub(super) fn put_in_reg(&mut self, e: &mut Exp, r: Reg) -> Res<()> {
        self.discharge_to(e, r)?;
        if let Kind::Jump(pc) = e.kind {
            e.t = self.concat(e.t, JumpList::one(pc));
        }
        if e.has_jumps() {
            let (mut load_false, mut load_true) = (0, 0);
            if self.needs_value(e.t) || self.needs_value(e.f) {
                let over = if matches!(e.kind, Kind::Jump(_)) { JumpList::EMPTY } else { self.jump(e.span) };
                self.label_here();
                load_false = self.code(Instr::abc(Op::LoadFalseSkip, 0, reg(r), 0, 0), e.span);
                self.label_here();
                load_true = self.code(Instr::abc(Op::LoadTrue, 0, reg(r), 0, 0), e.span);
                self.patch_to_here(over);
            }
            let end = self.label_here();
            self.patch_values(e.f, Some(r), end, load_false);
            self.patch_values(e.t, Some(r), end, load_true);
        }
        *e = Exp::new(Kind::NonReloc(r), e.span);
        Ok(())
    }

    /// Puts the value into the next free register.
    pub(super) fn put_in_next_reg(&mut self, e: &mut Exp) -> Res<Reg> {
        self.discharge_vars(e)?;
        self.free_exp(e);
        self.reserve(1)?;
        let r = self.f.free - 1;
        self.put_in_reg(e, r)?;
        Ok(r)
    }

    /// Puts the value into some register: the one it is in, if it is in one.
    pub(super) fn put_in_any_reg(&mut self, e: &mut Exp) -> Res<Reg> {
        self.discharge_vars(e)?;
        if let Kind::NonReloc(r) = e.kind {
            if !e.has_jumps() {
                return Ok(r);
            }
            if r >= self.f.active {
                self.put_in_reg(e, r)?;
                return Ok(r);
            }
        }
        self.put_in_next_reg(e)
    }

    /// As [`Self::put_in_any_reg`], but an upvalue may stay one.
    pub(super) fn put_in_any_reg_or_upval(&mut self, e: &mut Exp) -> Res<()> {
        if !matches!(e.kind, Kind::Upval(_)) || e.has_jumps() {
            self.put_in_any_reg(e)?;
        }
        Ok(())
    }

    /// A value without jumps: a register or a constant.
    pub(super) fn make_value(&mut self, e: &mut Exp) -> Res<()> {
        if e.has_jumps() { self.put_in_any_reg(e).map(|_| ()) } else { self.discharge_vars(e) }
    }

    /// A value that is a constant or in a register.
    pub(super) fn make_operand(&mut self, e: &mut Exp) -> Res<()> {
        self.make_value(e)?;
        if !e.is_const() {
            self.put_in_any_reg(e)?;
        }
        Ok(())
    }

    /// `object[key]`, with the object in a register or upvalue.
    pub(super) fn indexed(&mut self, object: &mut Exp, key: &mut Exp) -> Res<()> {
        let table = match object.kind {
            Kind::Upval(u) => Table::Up(u),
            Kind::NonReloc(r) | Kind::Local(r) => Table::Reg(r),
            _ => unreachable!("the object was put into a register"),
        };
        let key = match key.kind {
            Kind::Str(k) if reachable(k) && !key.has_jumps() => Key::Field(k),
            Kind::Int(i) if !key.has_jumps() && (0..=0xffff).contains(&i) => Key::Int(i as u16),
            _ => Key::Reg(self.put_in_any_reg(key)?),
        };
        object.kind = Kind::Index(table, key);
        Ok(())
    }

    /// Stores a value into a variable.
    pub(super) fn store(&mut self, var: &Exp, value: &mut Exp, span: Span) -> Res<()> {
        match var.kind {
            Kind::Local(r) => {
                self.free_exp(value);
                return self.put_in_reg(value, r);
            }
            Kind::Upval(u) => {
                let r = self.put_in_any_reg(value)?;
                self.code(Instr::abc(Op::SetUpval, 0, reg(r), u16::from(u), 0), span);
            }
            Kind::Index(Table::Up(u), Key::Field(k)) => {
                let r = self.put_in_any_reg(value)?;
                self.code(Instr::abc(Op::SetTabUp, 0, reg(r), u16::from(u), konst(k)), span);
            }
            Kind::Index(Table::Up(u), key) => {
                self.make_operand(value)?;
                if !self.has_constant_form(key, value)? {
                    self.put_in_any_reg(value)?;
                }
                let table = self.upval_to_scratch(u, var.span)?;
                self.set_index(table, key, value, span)?;
                self.free_reg(table);
            }
            Kind::Index(Table::Reg(table), key) => self.set_index(table, key, value, span)?,
            _ => unreachable!("only variables are stored to"),
        }
        self.free_exp(value);
        Ok(())
    }

    /// True if the value can be stored under such a key as a constant operand.
    fn has_constant_form(&mut self, key: Key, value: &Exp) -> Res<bool> {
        Ok(!matches!(key, Key::Int(_)) && self.const_operand(value)?.is_some())
    }

    /// Emits `R[table][key] = value`.
    pub(super) fn set_index(&mut self, table: Reg, key: Key, value: &mut Exp, span: Span) -> Res<()> {
        self.make_operand(value)?;
        let constant = if matches!(key, Key::Int(_)) { None } else { self.const_operand(value)? };
        let i = if let Some(c) = constant {
            match key {
                Key::Reg(k) => Instr::abc(Op::SetIndexK, 0, reg(table), reg(k), c),
                Key::Field(k) => Instr::abc(Op::SetFieldK, 0, reg(table), konst(k), c),
                Key::Int(_) => unreachable!("integer keys have no constant form"),
            }
        } else {
            let c = reg(self.put_in_any_reg(value)?);
            match key {
                Key::Reg(k) => Instr::abc(Op::SetIndex, 0, reg(table), reg(k), c),
                Key::Field(k) => Instr::abc(Op::SetField, 0, reg(table), konst(k), c),
                Key::Int(n) => Instr::abc(Op::SetInt, 0, reg(table), n, c),
            }
        };
        self.code(i, span);
        Ok(())
    }

    /// Method look-up: the function and its first argument into the next two registers.
    pub(super) fn method(&mut self, e: &mut Exp, key: u32, span: Span) -> Res<()> {
        let object = self.put_in_any_reg(e)?;
        self.free_exp(e);
        let base = self.f.free;
        self.reserve(2)?;
        if reachable(key) {
            self.code(Instr::abc(Op::Method, 0, reg(base), reg(object), konst(key)), span);
        } else {
            self.check_stack(1)?;
            self.code(Instr::abc(Op::Move, 0, reg(base + 1), reg(object), 0), span);
            self.load_k(base + 2, key, span);
            self.code(Instr::abc(Op::GetIndex, 0, reg(base), reg(base + 1), reg(base + 2)), span);
        }
        e.kind = Kind::NonReloc(base);
        Ok(())
    }

    // ---- conditions ----

    /// Emits a jump taken when the value is (or is not) true-ish.
    fn jump_on(&mut self, e: &mut Exp, when: bool) -> Res<Pc> {
        if let Kind::Reloc(pc) = e.kind {
            let i = self.f.code[pc as usize];
            if i.op() == Some(Op::Not) {
                self.uncode();
                // A plain test: the register holds the operand of `not`, which is not the value of the expression.
                let op = if when { Op::JumpIfNot } else { Op::JumpIf };
                return Ok(self.cond_jump(Instr::abc(op, 0, i.b(), 0, 0), e.span));
            }
        }
        let r = self.discharge_to_any(e)?;
        self.free_exp(e);
        Ok(self.test_jump(r, when, e.span))
    }

    /// Goes on if the value is true-ish, else jumps along `e.f`.
    pub(super) fn go_if_true(&mut self, e: &mut Exp) -> Res<()> {
        self.discharge_vars(e)?;
        let jump = match e.kind {
            Kind::Jump(pc) => {
                self.negate(pc);
                JumpList::one(pc)
            }
            Kind::Str(_) | Kind::Int(_) | Kind::Float(_) | Kind::True => JumpList::EMPTY,
            Kind::False => self.plain_jump(e.span),
            _ => JumpList::one(self.jump_on(e, false)?),
        };
        e.f = self.concat(e.f, jump);
        self.patch_to_here(e.t);
        e.t = JumpList::EMPTY;
        Ok(())
    }

    /// Goes on if the value is nil or false, else jumps along `e.t`.
    pub(super) fn go_if_false(&mut self, e: &mut Exp) -> Res<()> {
        self.discharge_vars(e)?;
        let jump = match e.kind {
            Kind::Jump(pc) => JumpList::one(pc),
            Kind::Nil | Kind::False => JumpList::EMPTY,
            Kind::True => self.plain_jump(e.span),
            _ => JumpList::one(self.jump_on(e, true)?),
        };
        e.t = self.concat(e.t, jump);
        self.patch_to_here(e.f);
        e.f = JumpList::EMPTY;
        Ok(())
    }
}

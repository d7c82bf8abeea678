//! Statements.

use super::desc::{Exp, JumpList, Key, Kind, Table};
use super::emit::reg;
use super::label::is_void;
use super::scope::HIDDEN;
use super::{Compiler, Res};
use crate::bytecode::{Instr, Op};
use crate::diag::Span;
use crate::syntax::ast::{Arm, Block, Expr, Function, Name, NumericFor, Stat, StatKind, TypedName};

impl<'a> Compiler<'a> {
    /// A block with a scope of its own.
    pub(super) fn block(&mut self, body: &'a Block<'a>) -> Res<()> {
        self.enter_block(Some(body), false, false);
        self.statements(body)?;
        self.leave_block(body.span);
        Ok(())
    }

    /// The statements of a block whose scope is open.
    pub(super) fn statements(&mut self, body: &'a Block<'a>) -> Res<()> {
        self.statements_from(body, 0)
    }

    fn statements_from(&mut self, body: &'a Block<'a>, from: usize) -> Res<()> {
        let stats = body.stats;
        let end = stats.iter().rposition(|s| !is_void(s)).map_or(0, |n| n + 1);
        for (i, stat) in stats.iter().enumerate().skip(from) {
            match stat.kind {
                StatKind::Label(name) => self.label_stat(name, i >= end, stat)?,
                _ => self.statement(stat)?,
            }
            self.cursor = stat.span.end;
            self.f.free = self.f.active;
        }
        Ok(())
    }

    fn statement(&mut self, stat: &'a Stat<'a>) -> Res<()> {
        match stat.kind {
            StatKind::Call(e) => self.call_stat(e),
            StatKind::Local { names, exprs } => self.local(names, exprs, stat.span),
            StatKind::Assign { targets, exprs } => self.assign(targets, exprs, stat.span),
            StatKind::Do(body) => {
                self.cursor = stat.span.start + "do".len() as u32;
                self.block(body)
            }
            StatKind::While { cond, body } => self.while_loop(cond, body, stat.span),
            StatKind::Repeat { body, cond } => self.repeat_loop(body, cond, stat.span),
            StatKind::If { arms, otherwise } => self.if_stat(arms, otherwise, stat.span),
            StatKind::NumericFor(f) => self.numeric_for(f, stat.span),
            StatKind::GenericFor { names, exprs, body } => self.generic_for(names, exprs, body, stat.span),
            StatKind::Function { target, func } => self.function_stat(target, func, stat.span),
            StatKind::LocalFunction { name, func } => self.local_function(name, func, stat.span),
            StatKind::Return(exprs) => self.return_stat(exprs, stat.span),
            StatKind::Break | StatKind::Goto(_) => {
                self.goto_stat(stat, None);
                Ok(())
            }
            StatKind::TypeAlias(alias) => {
                self.type_alias(alias);
                Ok(())
            }
            StatKind::Interface(interface) => {
                self.interface(interface);
                Ok(())
            }
            StatKind::Label(_) => Ok(()),
        }
    }

    fn call_stat(&mut self, e: &'a Expr<'a>) -> Res<()> {
        let v = self.expr(e)?;
        self.set_returns(&v, Some(0))
    }

    // ---- variables ----

    fn local(&mut self, names: &'a [TypedName<'a>], exprs: &'a [Expr<'a>], span: Span) -> Res<()> {
        for (i, name) in names.iter().enumerate() {
            self.cursor = name.name.span.end;
            let known = match (name.ty, exprs.get(i)) {
                (Some(ty), _) => Some(self.known_type(ty)),
                (None, Some(e)) => Some(self.known_value(e)),
                (None, None) => None,
            };
            self.declare_name(name.name.sym)?;
            self.note(known);
            if let Some(ty) = name.ty {
                self.cursor = ty.span.end;
            }
        }
        let last = self.expr_list(exprs)?;
        self.adjust(names.len(), exprs.len(), last, span)?;
        self.activate(names.len());
        Ok(())
    }

    /// Makes exactly `wanted` values of a list of `given`, whose last one is not in its register yet.
    fn adjust(&mut self, wanted: usize, given: usize, mut last: Exp, span: Span) -> Res<()> {
        if last.is_multi() {
            let extra = (wanted + 1).saturating_sub(given);
            self.set_returns(&last, Some(extra))?;
            if extra > 1 {
                self.reserve(extra - 1)?;
            }
        } else {
            if last.kind != Kind::Void {
                self.put_in_next_reg(&mut last)?;
            }
            if wanted > given {
                let from = self.f.free;
                self.reserve(wanted - given)?;
                self.load_nil(from, wanted - given, span);
            }
        }
        if given > wanted {
            self.f.free -= (given - wanted) as u8;
        }
        Ok(())
    }

    fn assign(&mut self, targets: &'a [Expr<'a>], exprs: &'a [Expr<'a>], span: Span) -> Res<()> {
        if let ([target], [value]) = (targets, exprs) {
            let var = self.target(target)?;
            let mut v = self.expr(value)?;
            self.set_one_return(&mut v);
            return self.store(&var, &mut v, span);
        }
        let mut vars: Vec<Exp> = Vec::with_capacity(targets.len());
        for target in targets {
            let v = self.target(target)?;
            if !matches!(v.kind, Kind::Index(..)) {
                self.check_conflict(&mut vars, &v)?;
            }
            vars.push(v);
        }
        let mut last = self.expr_list(exprs)?;
        let mut rest = vars.as_slice();
        if exprs.len() == targets.len() {
            self.set_one_return(&mut last);
            if let Some((var, others)) = rest.split_last() {
                self.store(var, &mut last, span)?;
                rest = others;
            }
        } else {
            self.adjust(targets.len(), exprs.len(), last, span)?;
        }
        for var in rest.iter().rev() {
            let mut v = Exp::new(Kind::NonReloc(self.f.free - 1), span);
            self.store(var, &mut v, span)?;
        }
        Ok(())
    }

    /// What is assigned to. The name of a type alone means the global then.
    fn target(&mut self, target: &'a Expr<'a>) -> Res<Exp> {
        self.is_target = true;
        self.expr(target)
    }

    /// A variable assigned to here may be table or key of an earlier target: those keep its old value in a copy.
    fn check_conflict(&mut self, vars: &mut [Exp], v: &Exp) -> Res<()> {
        let copy = self.f.free;
        let mut conflict = false;
        for var in vars {
            let Kind::Index(table, key) = &mut var.kind else { continue };
            let same = match (*table, v.kind) {
                (Table::Reg(r), Kind::Local(l)) => r == l,
                (Table::Up(u), Kind::Upval(w)) => u == w,
                _ => false,
            };
            if same {
                *table = Table::Reg(copy);
                conflict = true;
            }
            if let (Key::Reg(k), Kind::Local(l)) = (*key, v.kind)
                && k == l
            {
                *key = Key::Reg(copy);
                conflict = true;
            }
        }
        if conflict {
            let i = match v.kind {
                Kind::Local(l) => Instr::abc(Op::Move, 0, reg(copy), reg(l), 0),
                Kind::Upval(u) => Instr::abc(Op::GetUpval, 0, reg(copy), u16::from(u), 0),
                _ => unreachable!("only variables conflict"),
            };
            self.code(i, v.span);
            self.reserve(1)?;
        }
        Ok(())
    }

    fn function_stat(&mut self, target: &'a Expr<'a>, func: &'a Function<'a>, span: Span) -> Res<()> {
        let line = self.source.line(span.start);
        let var = self.target(target)?;
        let mut f = self.function(func, line, span)?;
        self.store(&var, &mut f, span)?;
        self.fix_line(line);
        Ok(())
    }

    fn local_function(&mut self, name: Name, func: &'a Function<'a>, span: Span) -> Res<()> {
        self.cursor = name.span.end;
        let known = self.known_function(func);
        self.declare_name(name.sym)?;
        self.note(Some(known));
        let info = self.f.local_info.len() - 1;
        self.activate(1);
        let at = self.source.token(name.span.end);
        let line = self.source.line(at);
        self.function(func, line, span)?;
        // The variable shows in debug information only when it has its value.
        self.f.local_info[info].start_pc = self.f.pc();
        Ok(())
    }

    // ---- control ----

    fn condition(&mut self, e: &'a Expr<'a>) -> Res<Exp> {
        let mut v = self.expr(e)?;
        if v.kind == Kind::Nil {
            v.kind = Kind::False;
        }
        Ok(v)
    }

    fn if_stat(&mut self, arms: &'a [Arm<'a>], otherwise: Option<&'a Block<'a>>, span: Span) -> Res<()> {
        let mut escapes = JumpList::EMPTY;
        for (i, arm) in arms.iter().enumerate() {
            let is_last = i + 1 == arms.len() && otherwise.is_none();
            self.arm(arm, is_last, &mut escapes)?;
        }
        if let Some(body) = otherwise {
            self.cursor = self.source.token_end(self.source.token(self.cursor));
            self.block(body)?;
        }
        self.cursor = span.end;
        self.patch_to_here(escapes);
        Ok(())
    }

    fn arm(&mut self, arm: &'a Arm<'a>, is_last: bool, escapes: &mut JumpList) -> Res<()> {
        let mut cond = self.condition(arm.cond)?;
        self.cursor = arm.then + "then".len() as u32;
        self.enter_block(Some(arm.body), false, false);
        let around = match arm.body.stats.first() {
            Some(first) if self.jumps_ahead(first) => {
                // The condition itself is the jump.
                self.go_if_false(&mut cond)?;
                self.goto_stat(first, Some(cond.t));
                self.cursor = first.span.end;
                if arm.body.stats.len() == 1 {
                    self.leave_block(arm.body.span);
                    return Ok(());
                }
                let around = self.jump(arm.cond.span);
                self.statements_from(arm.body, 1)?;
                around
            }
            _ => {
                self.go_if_true(&mut cond)?;
                self.statements(arm.body)?;
                cond.f
            }
        };
        self.leave_block(arm.body.span);
        if !is_last {
            let over = self.jump(arm.cond.span);
            *escapes = self.concat(*escapes, over);
        }
        self.patch_to_here(around);
        Ok(())
    }

    fn while_loop(&mut self, cond: &'a Expr<'a>, body: &'a Block<'a>, span: Span) -> Res<()> {
        self.cursor = span.start + "while".len() as u32;
        let start = self.label_here();
        let mut c = self.condition(cond)?;
        self.go_if_true(&mut c)?;
        self.enter_block(None, true, false);
        self.cursor = self.source.token_end(self.source.token(cond.span.end));
        self.block(body)?;
        self.check_loop(start)?;
        self.jump_back(start, span);
        self.cursor = span.end;
        self.leave_block(span);
        self.patch_to_here(c.f);
        Ok(())
    }

    fn repeat_loop(&mut self, body: &'a Block<'a>, cond: &'a Expr<'a>, span: Span) -> Res<()> {
        self.cursor = span.start + "repeat".len() as u32;
        let start = self.label_here();
        self.enter_block(None, true, false);
        self.enter_block(Some(body), false, true);
        self.statements(body)?;
        self.cursor = body.span.end + "until".len() as u32;
        let mut c = self.condition(cond)?;
        let always = c.is_const() && !matches!(c.kind, Kind::Nil | Kind::False);
        if !always {
            self.go_if_false(&mut c)?;
            // The way back must be a `JumpBack`, which pays for the turn; so the condition jumps out, not back.
            let scope = self.f.blocks.last().expect("entered above");
            let (captured, level) = (scope.captured, scope.active);
            if captured {
                self.code(Instr::abc(Op::Close, 0, reg(level), 0, 0), span);
            }
            self.check_loop(start)?;
            self.jump_back(start, span);
            self.patch_to_here(c.t);
        }
        self.f.free = self.f.active;
        self.leave_block(span);
        self.leave_block(span);
        Ok(())
    }

    fn numeric_for(&mut self, f: &'a NumericFor<'a>, span: Span) -> Res<()> {
        let line = self.source.line(span.start);
        self.enter_block(None, true, false);
        self.cursor = f.var.span.end;
        let base = self.f.free;
        for name in &HIDDEN[0] {
            self.declare(None, name.clone())?;
        }
        self.declare_name(f.var.sym)?;
        let known = self.known_counter(&f.start, f.step.as_ref());
        self.note(Some(known));
        self.cursor = self.source.token(f.var.span.end) + 1;
        let mut v = self.expr(&f.start)?;
        self.put_in_next_reg(&mut v)?;
        self.pass_separator(f.start.span.end);
        let mut v = self.expr(&f.limit)?;
        self.put_in_next_reg(&mut v)?;
        let mut header_end = f.limit.span.end;
        if let Some(step) = &f.step {
            self.pass_separator(header_end);
            header_end = step.span.end;
            let mut v = self.expr(step)?;
            self.put_in_next_reg(&mut v)?;
        } else {
            let at = self.f.free;
            self.load_int(at, 1, span)?;
            self.reserve(1)?;
        }
        self.activate(3);
        self.cursor = self.source.token_end(self.source.token(header_end));
        let prep = self.code(Instr::aw(Op::ForPrep, 0, reg(base), 0), span);
        self.loop_body(1, f.body)?;
        self.check_loop(prep)?;
        self.label_here();
        let again = self.code(Instr::aw(Op::ForLoop, 0, reg(base), 0), span);
        self.fix_line(line);
        self.fix_jump(again, prep + 1);
        self.fix_jump(prep, again + 1);
        self.label_here();
        self.cursor = span.end;
        self.leave_block(span);
        Ok(())
    }

    fn generic_for(
        &mut self,
        names: &'a [Name],
        exprs: &'a [Expr<'a>],
        body: &'a Block<'a>,
        span: Span,
    ) -> Res<()> {
        self.enter_block(None, true, false);
        let base = self.f.free;
        if let Some(first) = names.first() {
            self.cursor = first.span.end;
        }
        for name in &HIDDEN[1] {
            self.declare(None, name.clone())?;
        }
        let mut known = self.known_entry(exprs).into_iter();
        for name in names {
            self.cursor = name.span.end;
            self.declare_name(name.sym)?;
            self.note(known.next());
        }
        let line = exprs.first().map_or(0, |e| self.source.line(e.span.start));
        self.cursor = self.source.token_end(self.source.token(self.cursor));
        let last = self.expr_list(exprs)?;
        self.adjust(3, exprs.len(), last, span)?;
        // Room for the iterator's call: the function and two arguments above the control variables.
        self.check_stack(3)?;
        self.activate(3);
        let header_end = exprs.last().map_or(self.cursor, |e| e.span.end);
        self.cursor = self.source.token_end(self.source.token(header_end));
        let prep = self.jump(span);
        let first = self.label_here();
        self.loop_body(names.len(), body)?;
        self.check_loop(first)?;
        self.patch_to_here(prep);
        self.code(Instr::abc(Op::GenericCall, 0, reg(base), 0, names.len() as u16), span);
        self.fix_line(line);
        let again = self.code(Instr::aw(Op::GenericLoop, 0, reg(base), 0), span);
        self.fix_line(line);
        self.fix_jump(again, first);
        self.label_here();
        self.cursor = span.end;
        self.leave_block(span);
        Ok(())
    }

    /// The body of a `for` with its declared variables.
    fn loop_body(&mut self, vars: usize, body: &'a Block<'a>) -> Res<()> {
        self.enter_block(None, false, false);
        self.activate(vars);
        self.reserve(vars)?;
        self.label_here();
        self.block(body)?;
        self.leave_block(body.span);
        Ok(())
    }

    fn return_stat(&mut self, exprs: &'a [Expr<'a>], span: Span) -> Res<()> {
        self.cursor = span.start + "return".len() as u32;
        let mut last = self.expr_list(exprs)?;
        let level = reg(self.f.active);
        let i = if last.is_multi() {
            self.set_returns(&last, None)?;
            if let (Kind::Call(pc), 1) = (last.kind, exprs.len()) {
                let call = self.f.code[pc as usize];
                self.f.code[pc as usize] = Instr::abc(Op::TailCall, 0, call.a(), call.b(), 0);
            }
            Instr::abc(Op::Return, 0, level, 0, 0)
        } else {
            match exprs.len() {
                0 => Instr::abc(Op::Return0, 0, 0, 0, 0),
                1 => Instr::abc(Op::Return1, 0, reg(self.put_in_any_reg(&mut last)?), 0, 0),
                n => {
                    self.put_in_next_reg(&mut last)?;
                    Instr::abc(Op::Return, 0, level, n as u16 + 1, 0)
                }
            }
        };
        self.code(i, span);
        Ok(())
    }
}

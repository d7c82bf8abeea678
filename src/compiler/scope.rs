//! Blocks, local variables and upvalues.
//!
//! 1. Variables occupy the lowest registers of a function, in order of declaration.
//! 2. `bindings` has the active variables of all open functions by name: the newest one is
//!    what the name means.

use super::desc::{Exp, Key, Kind, Reg, Table};
use super::emit::{reachable, reg};
use super::func::{Block, Func, Local};
use super::types::Known;
use super::{Compiler, ENV, Res};
use crate::bytecode::{Instr, LocalVar, Op, Text, UpvalDesc};
use crate::diag::Span;
use crate::limits::{MAX_LOCALS, MAX_UPVALUES};
use crate::syntax::ast::{Block as Body, Symbol};
use std::sync::LazyLock;

type HiddenNames = [Text; 3];
/// The hidden variables of numeric and of generic loops. No name can reach them, but messages and hooks show them.
pub(super) static HIDDEN: LazyLock<[HiddenNames; 2]> = LazyLock::new(|| {
    [["(for index)", "(for limit)", "(for step)"], ["(for generator)", "(for state)", "(for control)"]]
        .map(|names| names.map(|name| name.as_bytes().into()))
});

/// An active variable, seen from anywhere.
#[derive(Clone, Copy)]
pub(super) struct Binding {
    /// Nesting depth of its function; 0 is the main function.
    pub depth: u32,
    pub reg: Reg,
    pub known: Known,
}

/// The active variables of all open functions. Scopes nest, so one stack has them all; each entry remembers the one of the
/// same name that it hides.
#[derive(Default)]
pub(super) struct Bindings {
    stack: Vec<(Binding, u32)>,
    /// Position of the newest one in the stack, counted from 1, by symbol; 0 if there is none.
    newest: Vec<u32>,
}

impl Bindings {
    /// Makes room for `names` symbols.
    pub fn resize(&mut self, names: usize) {
        self.newest.resize(names, 0);
    }

    /// Memory of the list by symbol.
    pub fn bytes(&self) -> usize {
        self.newest.capacity() * size_of::<u32>()
    }

    /// What the name means.
    #[inline]
    pub fn get(&self, sym: Symbol) -> Option<&Binding> {
        let place = self.newest[sym.0 as usize].checked_sub(1)?;
        Some(&self.stack[place as usize].0)
    }

    fn push(&mut self, sym: Symbol, binding: Binding) {
        let newest = &mut self.newest[sym.0 as usize];
        self.stack.push((binding, *newest));
        *newest = self.stack.len() as u32;
    }

    /// Takes the newest variable, which has this name, out of scope.
    fn pop(&mut self, sym: Symbol) {
        let (_, hidden) = self.stack.pop().expect("variables leave as often as they enter");
        self.newest[sym.0 as usize] = hidden;
    }
}

impl<'a> Compiler<'a> {
    // ---- blocks ----

    pub(super) fn enter_block(&mut self, body: Option<&Body<'a>>, is_loop: bool, is_repeat: bool) {
        let labels = body.map_or(0, |b| self.collect_labels(b));
        let next_alias = self.next_alias();
        let types = self.enter_types(body);
        let f = &mut self.f;
        f.blocks.push(Block {
            active: f.active,
            captured: false,
            is_loop,
            is_repeat,
            breaks: None,
            first_goto: f.gotos.len() as u32,
            labels,
            types,
            next_alias,
        });
    }

    pub(super) fn leave_block(&mut self, span: Span) {
        let block = self.f.blocks.pop().expect("blocks are left as often as entered");
        self.leave_types(block.types);
        let depth = self.f.blocks.len() as u32;
        if block.captured {
            for goto in &mut self.f.gotos[block.first_goto as usize..] {
                let leaves = goto.block < depth || goto.backward && goto.block == depth;
                goto.close |= leaves && !goto.closed;
            }
            if depth > 0 && !self.is_unreachable() {
                self.code(Instr::abc(Op::Close, 0, reg(block.active), 0, 0), span);
            }
        }
        self.deactivate(block.active);
        self.f.free = block.active;
        if self.land_gotos(block.breaks) {
            // On the line of what falls through to here, so that a line hook sees no line of its own.
            let line = self.f.origins.last().map(|origin| origin.line);
            self.code(Instr::abc(Op::Close, 0, reg(block.active), 0, 0), span);
            if let Some(line) = line {
                self.fix_line(line);
            }
        }
    }

    /// True if control cannot reach the next instruction.
    fn is_unreachable(&self) -> bool {
        let pc = self.f.pc();
        let leaves = self.f.code.last().and_then(|i| i.op());
        let leaves = matches!(leaves, Some(Op::Return | Op::Return0 | Op::Return1 | Op::JumpBack));
        leaves && self.f.pending.is_empty() && self.f.last_target != pc
    }

    // ---- local variables ----

    /// Declares a variable, not yet active. The cursor is behind its name.
    pub(super) fn declare(&mut self, sym: Option<Symbol>, name: Text) -> Res<()> {
        if self.f.locals.len() >= MAX_LOCALS {
            return Err(self.error_limit(MAX_LOCALS, "local variables"));
        }
        let f = &mut self.f;
        let info = f.local_info.len() as u32;
        f.local_info.push(LocalVar { name, start_pc: 0, end_pc: 0 });
        f.locals.push(Local { sym, info, known: Known::Nothing });
        Ok(())
    }

    pub(super) fn declare_name(&mut self, sym: Symbol) -> Res<()> {
        let name = self.shared_name(sym);
        self.declare(Some(sym), name)
    }

    /// Notes what is known of the variable declared last.
    pub(super) fn note(&mut self, known: Option<Known>) {
        if let (Some(known), Some(local)) = (known, self.f.locals.last_mut()) {
            local.known = known;
        }
    }

    /// Brings the next `n` declared variables into scope.
    pub(super) fn activate(&mut self, n: usize) {
        let depth = self.outer.len() as u32;
        let pc = self.f.pc();
        for _ in 0..n {
            let reg = self.f.active;
            let local = self.f.locals[usize::from(reg)];
            self.f.local_info[local.info as usize].start_pc = pc;
            self.f.active += 1;
            if let Some(sym) = local.sym {
                self.bindings.push(sym, Binding { depth, reg, known: local.known });
            }
        }
    }

    /// Takes all variables from `level` on out of scope.
    fn deactivate(&mut self, level: u8) {
        let pc = self.f.pc();
        while self.f.active > level {
            self.f.active -= 1;
            let local = self.f.locals.pop().expect("active variables are declared");
            self.f.local_info[local.info as usize].end_pc = pc;
            if let Some(sym) = local.sym {
                self.bindings.pop(sym);
            }
        }
    }

    // ---- names ----

    /// The register of a variable of the innermost function.
    #[inline]
    pub(super) fn own_local(&self, sym: Symbol) -> Option<Reg> {
        match self.bindings.get(sym) {
            Some(b) if b.depth as usize == self.outer.len() => Some(b.reg),
            _ => None,
        }
    }

    /// What a name means here.
    pub(super) fn variable(&mut self, sym: Symbol, span: Span) -> Res<Exp> {
        if let Some(kind) = self.resolve(sym)? {
            return Ok(Exp::new(kind, span));
        }
        let mut env = match self.resolve(ENV)? {
            Some(kind) => Exp::new(kind, span),
            None => unreachable!("_ENV is always bound"),
        };
        let k = self.name_constant(sym)?;
        if let (Kind::Upval(up), true) = (env.kind, reachable(k)) {
            return Ok(Exp::new(Kind::Index(Table::Up(up), Key::Field(k)), span));
        }
        self.indexed(&mut env, &mut Exp::new(Kind::Str(k), span))?;
        Ok(env)
    }

    /// A local or upvalue; `None` for a global.
    pub(super) fn resolve(&mut self, sym: Symbol) -> Res<Option<Kind>> {
        let depth = self.outer.len();
        let (first, mut index, mut in_stack) = match self.bindings.get(sym).copied() {
            Some(b) if b.depth as usize == depth => return Ok(Some(Kind::Local(b.reg))),
            Some(b) => (b.depth as usize + 1, b.reg, true),
            None if sym != ENV => return Ok(None),
            // The one upvalue of the main function.
            None if depth == 0 => return Ok(Some(Kind::Upval(0))),
            None => (1, 0, false),
        };
        if let Some(u) = self.f.upval_syms.iter().position(|&s| s == sym) {
            return Ok(Some(Kind::Upval(u as u8)));
        }
        if in_stack {
            self.capture(first - 1, index);
        }
        for level in first..=depth {
            index = self.upvalue(level, sym, in_stack, index)?;
            in_stack = false;
        }
        Ok(Some(Kind::Upval(index)))
    }

    fn func_at(&mut self, depth: usize) -> &mut Func {
        if depth == self.outer.len() { &mut self.f } else { &mut self.outer[depth] }
    }

    /// Notes that a closure captures a variable.
    fn capture(&mut self, depth: usize, reg: Reg) {
        let f = self.func_at(depth);
        f.captures = true;
        if let Some(block) = f.blocks.iter_mut().rev().find(|b| b.active <= reg) {
            block.captured = true;
        }
    }

    /// Finds or makes an upvalue of an open function.
    fn upvalue(&mut self, depth: usize, sym: Symbol, in_stack: bool, index: u8) -> Res<u8> {
        let f = self.func_at(depth);
        if let Some(u) = f.upval_syms.iter().position(|&s| s == sym) {
            return Ok(u as u8);
        }
        if f.upvals.len() >= MAX_UPVALUES {
            let line = f.line_defined;
            return Err(self.error_limit_in(line, MAX_UPVALUES, "upvalues"));
        }
        let name = self.shared_name(sym);
        let f = self.func_at(depth);
        f.upvals.push(UpvalDesc { in_stack, index, name });
        f.upval_syms.push(sym);
        Ok((f.upvals.len() - 1) as u8)
    }
}

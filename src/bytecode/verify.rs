//! The verifier: no prototype it accepts can break memory safety, whoever wrote it.
//!
//! Values in registers always carry valid tags, so types cannot be confused; what remains are indices, ranges and
//! control flow. The VM may rely on the following, and on nothing else, for any verified code:
//!
//! 1. Every op byte is an op. Register operands are multiples of 16 and lie, with the whole range the op names, below
//!    `max_stack`. Constants exist and have the kind the op table asks for. Upvalue and prototype indices exist.
//! 2. Control never leaves the code and never enters it in the middle of a group: a conditional op with its `Jump` word,
//!    `SetList` and `GetType` with `Extra`, `GenericCall` with `GenericLoop`, and the "open" groups of rule 4.
//! 3. `Jump` only goes forwards. `JumpBack`, `ForLoop` and `GenericLoop` only go backwards, so every loop pays for its
//!    turns. `ForPrep` and `ForLoop` come in pairs with the same A.
//! 4. "Up to the top" (B = 0) directly follows what sets the top (`Call` with C = 0, `Vararg` with B = 0, `TailCall`),
//!    which starts at or above the first register consumed; and every such producer is followed by its consumer.
//! 5. If a nested function captures a register, every `Return` and `TailCall` has H = 1 and there is no `Return0` or
//!    `Return1`: no upvalue stays open after its frame.
//! 6. Captured registers and upvalues of nested functions exist in the enclosing one.
//!
//! Not promised: what registers hold. `ForLoop` may be entered by a jump or find its registers changed, `SetList` may
//! find no table, `GenericCall` nothing callable. The VM checks those tags (`ForLoop`: those of `R[A]` and `R[A+2]`; the
//! count in `R[A+1]` and the step may be anything).

use super::instr::SLOT;
use super::ops::Operand;
use super::{Const, Instr, Op, Proto};
use crate::limits::{MAX_OPCODES, MAX_REGISTERS, MAX_SYNTAX_LEVELS, MAX_UPVALUES};
use std::fmt;

/// Why code was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadCode {
    /// The instruction, where one is to blame.
    pub pc: Option<usize>,
    pub what: &'static str,
}

impl fmt::Display for BadCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pc {
            Some(pc) => write!(f, "bad bytecode at instruction {pc}: {}", self.what),
            None => write!(f, "bad bytecode: {}", self.what),
        }
    }
}

impl std::error::Error for BadCode {}

/// Checks a function and all functions inside it.
pub fn verify(proto: &Proto) -> Result<(), BadCode> {
    let mut todo = vec![(proto, None::<&Proto>, 0)];
    while let Some((p, parent, depth)) = todo.pop() {
        check(depth <= MAX_SYNTAX_LEVELS, None, "functions nested too deep")?;
        function(p, parent)?;
        todo.extend(p.protos.iter().map(|inner| (inner, Some(p), depth + 1)));
    }
    Ok(())
}

fn check(ok: bool, pc: Option<usize>, what: &'static str) -> Result<(), BadCode> {
    if ok { Ok(()) } else { Err(BadCode { pc, what }) }
}

fn function(p: &Proto, parent: Option<&Proto>) -> Result<(), BadCode> {
    let regs = usize::from(p.max_stack);
    check((2..=MAX_REGISTERS).contains(&regs), None, "frame size")?;
    check(usize::from(p.num_params) <= regs, None, "more parameters than registers")?;
    check(p.upvals.len() <= MAX_UPVALUES, None, "too many upvalues")?;
    check(!p.code.is_empty() && p.code.len() <= MAX_OPCODES, None, "code size")?;
    check(p.origins.is_empty() || p.origins.len() == p.code.len(), None, "line table size")?;
    for local in &p.locals {
        let life = local.start_pc <= local.end_pc && local.end_pc as usize <= p.code.len();
        check(life, None, "local variable")?;
    }
    if let Some(parent) = parent {
        for up in &p.upvals {
            let limit = if up.in_stack { usize::from(parent.max_stack) } else { parent.upvals.len() };
            check(usize::from(up.index) < limit, None, "captured variable")?;
        }
    }
    let captures = p.protos.iter().any(|inner| inner.upvals.iter().any(|up| up.in_stack));
    let code = Code { p, regs, captures };
    for pc in 0..p.code.len() {
        code.instruction(pc)?;
        crate::turns::step_at(pc);
    }
    Ok(())
}

struct Code<'a> {
    p: &'a Proto,
    regs: usize,
    captures: bool,
}

impl Code<'_> {
    fn op(&self, pc: usize) -> Option<Op> {
        self.p.code.get(pc).and_then(|i| i.op())
    }

    fn before(&self, pc: usize) -> Option<Instr> {
        pc.checked_sub(1).and_then(|before| self.p.code.get(before)).copied()
    }

    fn instruction(&self, pc: usize) -> Result<(), BadCode> {
        let at = Some(pc);
        let i = self.p.code[pc];
        let op = i.op();
        check(op.is_some(), at, "no such op")?;
        let Some(op) = op else { return Ok(()) };
        let kinds = op.operands();
        for (kind, value) in [(kinds.a, i.a()), (kinds.b, i.b()), (kinds.c, i.c())] {
            self.operand(pc, kind, value)?;
        }
        match kinds.w {
            Operand::WideConst => {
                let index = usize::try_from(i.w()).unwrap_or(usize::MAX);
                let slot = SLOT as usize;
                check(index.is_multiple_of(slot) && index / slot < self.p.consts.len(), at, "constant")?;
            }
            Operand::Proto => {
                let index = usize::try_from(i.w()).unwrap_or(usize::MAX);
                check(index < self.p.protos.len(), at, "nested function")?;
            }
            _ => {}
        }
        check(i.h() <= max_hint(op, kinds), at, "hint")?;
        self.range(pc, op, i)?;
        self.flow(pc, op, i)?;
        self.open(pc, op, i)
    }

    fn operand(&self, pc: usize, kind: Operand, value: u16) -> Result<(), BadCode> {
        let index = usize::from(value) / SLOT as usize;
        let scaled = value.is_multiple_of(SLOT as u16);
        let constant = self.p.consts.get(index);
        let (ok, what) = match kind {
            Operand::Dst | Operand::Src | Operand::Base => (scaled && index < self.regs, "register"),
            Operand::Const => (scaled && constant.is_some(), "constant"),
            Operand::Key => (scaled && matches!(constant, Some(Const::String(_))), "string constant"),
            Operand::Num => {
                (scaled && matches!(constant, Some(Const::Integer(_) | Const::Float(_))), "number constant")
            }
            Operand::Up => (usize::from(value) < self.p.upvals.len(), "upvalue"),
            Operand::None
            | Operand::Count
            | Operand::Imm
            | Operand::Jump
            | Operand::WideConst
            | Operand::WideInt
            | Operand::Proto => (true, ""),
        };
        check(ok, Some(pc), what)
    }

    /// Rule 1 for ranges: `last` register named, and counts that must not be zero.
    fn range(&self, pc: usize, op: Op, i: Instr) -> Result<(), BadCode> {
        let first = |field: u16| usize::from(field) / SLOT as usize;
        let (a, b, c) = (first(i.a()), usize::from(i.b()), usize::from(i.c()));
        let (counts, end) = match op {
            Op::LoadNil => (b >= 1, a + b),
            Op::Concat => (c >= 2, first(i.b()) + c),
            Op::Method => (true, a + 2),
            Op::SetList => (true, a + b + 1),
            Op::ForPrep | Op::ForLoop | Op::GenericLoop => (true, a + 4),
            // The call itself needs the function and two arguments above the control variables.
            Op::GenericCall => (c >= 1, a + 3 + c.max(3)),
            Op::Call => (true, (a + b.max(1)).max(a + c.saturating_sub(1))),
            Op::TailCall => (true, a + b.max(1)),
            Op::Return | Op::Vararg => (true, a + b.saturating_sub(1)),
            _ => (true, 0),
        };
        check(counts, Some(pc), "count")?;
        check(end <= self.regs, Some(pc), "register range")?;
        check(op != Op::Vararg || self.p.is_vararg, Some(pc), "'...' in a function without it")
    }

    /// Rules 2, 3 and 5.
    fn flow(&self, pc: usize, op: Op, i: Instr) -> Result<(), BadCode> {
        let at = Some(pc);
        let next = self.op(pc + 1);
        let owned_by_conditional = self.before(pc).and_then(Instr::op).is_some_and(Op::is_conditional);
        let falls = match op {
            Op::Return | Op::Return0 | Op::Return1 | Op::JumpBack => false,
            Op::Jump => owned_by_conditional,
            _ => true,
        };
        check(!falls || next.is_some(), at, "control runs off the end")?;
        if op.is_conditional() {
            check(next == Some(Op::Jump), at, "conditional without a jump")?;
        }
        let before = self.before(pc).and_then(Instr::op);
        match op {
            Op::SetList => check(next == Some(Op::Extra), at, "SetList without its operand")?,
            Op::GetType => {
                check(next == Some(Op::Extra), at, "GetType without its operand")?;
                let index = self.p.code.get(pc + 1).map_or(-1, |extra| i64::from(extra.w()));
                let values = self.p.types.as_ref().map_or(0, |types| types.values().len());
                check(usize::try_from(index).is_ok_and(|index| index < values), at, "type")?;
            }
            Op::Extra => {
                let owned = matches!(before, Some(Op::SetList | Op::GetType));
                check(owned, at, "operand without its instruction")?;
                check(i.w() >= 0, at, "negative list index")?;
            }
            Op::GenericCall => {
                let same = self.p.code.get(pc + 1).is_some_and(|n| n.a() == i.a());
                check(next == Some(Op::GenericLoop) && same, at, "GenericCall without its loop")?;
            }
            Op::GenericLoop => {
                check(before == Some(Op::GenericCall), at, "GenericLoop without its call")?;
                self.jump(pc, i, false)?;
            }
            Op::LoadFalseSkip => self.target(pc, pc as i64 + 2)?,
            Op::Jump => self.jump(pc, i, true)?,
            Op::JumpBack => self.jump(pc, i, false)?,
            Op::ForPrep => {
                self.jump(pc, i, true)?;
                let end = self.p.code[(pc as i64 + i64::from(i.w())) as usize];
                let back = pc as i64 + i64::from(i.w()) + 1 + i64::from(end.w());
                let pair = end.op() == Some(Op::ForLoop) && end.a() == i.a() && back == pc as i64 + 1;
                check(pair, at, "ForPrep without its ForLoop")?;
            }
            Op::ForLoop => {
                self.jump(pc, i, false)?;
                let prep = self.before((pc as i64 + 1 + i64::from(i.w())) as usize);
                let pair = prep.is_some_and(|prep| {
                    let end = pc as i64 + i64::from(i.w()) + 1 + i64::from(prep.w());
                    prep.op() == Some(Op::ForPrep) && prep.a() == i.a() && end == pc as i64 + 1
                });
                check(pair, at, "ForLoop without its ForPrep")?;
            }
            Op::Return0 | Op::Return1 => check(!self.captures, at, "return that leaves upvalues open")?,
            Op::Return | Op::TailCall => {
                check(!self.captures || i.h() == 1, at, "return that leaves upvalues open")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn jump(&self, pc: usize, i: Instr, forward: bool) -> Result<(), BadCode> {
        check((i.w() >= 0) == forward, Some(pc), "direction of jump")?;
        self.target(pc, pc as i64 + 1 + i64::from(i.w()))
    }

    /// Checks where control goes to from `pc`.
    fn target(&self, pc: usize, to: i64) -> Result<(), BadCode> {
        let at = Some(pc);
        let to = usize::try_from(to).unwrap_or(usize::MAX);
        let target = self.p.code.get(to).copied();
        check(target.is_some(), at, "jump out of the code")?;
        let Some(target) = target else { return Ok(()) };
        let before = self.before(to).and_then(Instr::op);
        let middle = before.is_some_and(|op| {
            op.is_conditional() || matches!(op, Op::SetList | Op::GetType | Op::GenericCall | Op::TailCall)
        });
        check(!middle && !consumes_open(target), at, "jump into the middle of a group")
    }

    /// Rule 4.
    fn open(&self, pc: usize, op: Op, i: Instr) -> Result<(), BadCode> {
        let at = Some(pc);
        if op == Op::TailCall {
            let next = self.p.code.get(pc + 1).copied();
            let ok = next.is_some_and(|n| n.op() == Some(Op::Return) && n.b() == 0);
            check(ok, at, "tail call without its return")?;
        } else if produces_open(i) {
            let next = self.p.code.get(pc + 1).copied();
            check(next.is_some_and(consumes_open), at, "open results without a consumer")?;
        }
        if consumes_open(i) {
            let producer = self.before(pc).filter(|&p| produces_open(p));
            let first = match op {
                Op::Return => i.a(),
                _ => i.a() + SLOT as u16,
            };
            check(producer.is_some_and(|p| p.a() >= first), at, "open arguments without a producer")?;
        }
        Ok(())
    }
}

/// True if the instruction leaves values up to a top it sets.
fn produces_open(i: Instr) -> bool {
    match i.op() {
        Some(Op::Call) => i.c() == 0,
        Some(Op::Vararg) => i.b() == 0,
        Some(Op::TailCall) => true,
        _ => false,
    }
}

/// True if the instruction takes values up to the top.
fn consumes_open(i: Instr) -> bool {
    matches!(i.op(), Some(Op::Call | Op::TailCall | Op::Return | Op::SetList)) && i.b() == 0
}

/// Largest hint an op may carry. Name hashes are made when code is linked and are zero here.
fn max_hint(op: Op, kinds: super::ops::Operands) -> u8 {
    match op {
        Op::AddI => 2,
        Op::ShlI | Op::Return | Op::TailCall | Op::JumpEqK | Op::JumpNeK => 1,
        Op::AddK | Op::MulK | Op::BAndK | Op::BOrK | Op::BXorK => 1,
        _ if op.is_conditional() && kinds.b == Operand::Imm => 1,
        _ => 0,
    }
}

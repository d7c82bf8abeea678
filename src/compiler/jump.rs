//! Jump lists: pending jumps, patching, and the choice between jumping with and without a value.
//!
//! 1. A pending `Jump` word holds in W the index of the next one of its list, or -1.
//! 2. A conditional op and its `Jump` word are adjacent; lists name the `Jump` word.
//! 3. `SetJumpIf`/`SetJumpIfNot` are born with A open ([`NO_REG`]). Patching either gives them a register or turns them
//!    into `JumpIf`/`JumpIfNot`.
//! 4. Only `JumpBack`, `ForLoop` and `GenericLoop` go backwards: every loop pays for its turns.

use super::Compiler;
use super::desc::{JumpList, Pc, Reg};
use super::emit::reg;
use super::error::Res;
use crate::bytecode::{Instr, Op};
use crate::diag::Span;
use crate::limits::MAX_LOOP;

/// A of a conditional move that has no register yet.
const NO_REG: u16 = u16::MAX;

impl Compiler<'_> {
    /// Emits a `Jump` to be patched later. Jumps that were to land here join its list instead of landing on it.
    pub(super) fn jump(&mut self, span: Span) -> JumpList {
        let here = std::mem::replace(&mut self.f.pending, JumpList::EMPTY);
        let pc = self.code(Instr::aw(Op::Jump, 0, 0, -1), span);
        self.concat(JumpList::one(pc), here)
    }

    /// Emits a `Jump` that jumps waiting for this place land on: they carry no value, the list it will join may.
    pub(super) fn plain_jump(&mut self, span: Span) -> JumpList {
        JumpList::one(self.code(Instr::aw(Op::Jump, 0, 0, -1), span))
    }

    /// Emits a jump to an earlier instruction.
    pub(super) fn jump_back(&mut self, target: Pc, span: Span) {
        let pc = self.code(Instr::aw(Op::JumpBack, 0, 0, 0), span);
        self.fix_jump(pc, target);
    }

    /// Emits a conditional op with its `Jump` word and gives the word's place.
    pub(super) fn cond_jump(&mut self, i: Instr, span: Span) -> Pc {
        self.code(i, span);
        self.code(Instr::aw(Op::Jump, 0, 0, -1), span)
    }

    /// Emits the test of a register, as a conditional move whose target is still open.
    pub(super) fn test_jump(&mut self, r: Reg, when: bool, span: Span) -> Pc {
        let op = if when { Op::SetJumpIf } else { Op::SetJumpIfNot };
        self.cond_jump(Instr::abc(op, 0, NO_REG, reg(r), 0), span)
    }

    /// Refuses a loop that begins at `start` and ends here if it is too long.
    pub(super) fn check_loop(&mut self, start: Pc) -> Res<()> {
        if self.f.pc() - start > MAX_LOOP {
            return Err(self.error_near("control structure too long"));
        }
        Ok(())
    }

    /// Marks the next instruction as a jump target, so that nothing is merged across it.
    pub(super) fn label_here(&mut self) -> Pc {
        self.f.last_target = self.f.pc();
        self.f.pc()
    }

    fn next_jump(&self, pc: Pc) -> Option<Pc> {
        u32::try_from(self.f.code[pc as usize].w()).ok()
    }

    /// `a` followed by `b`.
    pub(super) fn concat(&mut self, a: JumpList, b: JumpList) -> JumpList {
        if a.is_empty() {
            return b;
        }
        if b.is_empty() {
            return a;
        }
        let i = &mut self.f.code[a.tail as usize];
        *i = i.with_w(b.head as i32);
        JumpList { head: a.head, tail: b.tail }
    }

    pub(super) fn fix_jump(&mut self, pc: Pc, target: Pc) {
        let i = &mut self.f.code[pc as usize];
        *i = i.with_w(target as i32 - (pc as i32 + 1));
    }

    /// The conditional op a `Jump` word belongs to, or the word itself.
    fn control(&self, pc: Pc) -> Pc {
        match pc.checked_sub(1).and_then(|before| self.f.code[before as usize].op()) {
            Some(op) if op.is_conditional() => pc - 1,
            _ => pc,
        }
    }

    /// Inverts a comparison.
    pub(super) fn negate(&mut self, jump: Pc) {
        let at = self.control(jump) as usize;
        let i = self.f.code[at];
        let op = i.op().and_then(inverse).expect("comparisons are the only jumps with a condition to invert");
        self.f.code[at] = Instr(i.0 & !0xff | op as u64);
    }

    /// Gives the test of a jump a register for its value, or makes it a plain test. False if it has no value to give.
    fn patch_test(&mut self, jump: Pc, to: Option<Reg>) -> bool {
        let at = self.control(jump) as usize;
        let i = self.f.code[at];
        let plain = match i.op() {
            Some(Op::SetJumpIf) => Op::JumpIf,
            Some(Op::SetJumpIfNot) => Op::JumpIfNot,
            _ => return false,
        };
        self.f.code[at] = match to {
            Some(r) if reg(r) != i.b() => i.with_a(reg(r)),
            _ => Instr::abc(plain, 0, i.b(), 0, 0),
        };
        true
    }

    /// True if some jump of the list comes without a value.
    pub(super) fn needs_value(&self, list: JumpList) -> bool {
        let mut at = (!list.is_empty()).then_some(list.head);
        while let Some(pc) = at {
            let op = self.f.code[self.control(pc) as usize].op();
            if !matches!(op, Some(Op::SetJumpIf | Op::SetJumpIfNot)) {
                return true;
            }
            at = self.next_jump(pc);
        }
        false
    }

    /// Makes every test of the list a plain one: nobody wants its value.
    pub(super) fn remove_values(&mut self, list: JumpList) {
        let mut at = (!list.is_empty()).then_some(list.head);
        while let Some(pc) = at {
            self.patch_test(pc, None);
            at = self.next_jump(pc);
        }
    }

    /// Patches a list: jumps with a value store it in `to` and go to `with`, the others go to `without`.
    pub(super) fn patch_values(&mut self, list: JumpList, to: Option<Reg>, with: Pc, without: Pc) {
        let mut at = (!list.is_empty()).then_some(list.head);
        while let Some(pc) = at {
            at = self.next_jump(pc);
            let target = if self.patch_test(pc, to) { with } else { without };
            self.fix_jump(pc, target);
        }
    }

    /// Sends a list to the next instruction, whatever that will be.
    pub(super) fn patch_to_here(&mut self, list: JumpList) {
        self.label_here();
        let here = self.f.pending;
        self.f.pending = self.concat(here, list);
    }

    /// Lands the pending jumps on the instruction about to be emitted.
    #[inline(never)]
    pub(super) fn land_pending(&mut self) {
        let list = std::mem::replace(&mut self.f.pending, JumpList::EMPTY);
        let pc = self.f.pc();
        self.patch_values(list, None, pc, pc);
    }
}

/// The op that jumps exactly when the other does not.
fn inverse(op: Op) -> Option<Op> {
    Some(match op {
        Op::JumpEq => Op::JumpNe,
        Op::JumpNe => Op::JumpEq,
        Op::JumpEqK => Op::JumpNeK,
        Op::JumpNeK => Op::JumpEqK,
        Op::JumpLt => Op::JumpNotLt,
        Op::JumpNotLt => Op::JumpLt,
        Op::JumpLe => Op::JumpNotLe,
        Op::JumpNotLe => Op::JumpLe,
        Op::JumpLtI => Op::JumpNotLtI,
        Op::JumpNotLtI => Op::JumpLtI,
        Op::JumpLeI => Op::JumpNotLeI,
        Op::JumpNotLeI => Op::JumpLeI,
        Op::JumpGtI => Op::JumpNotGtI,
        Op::JumpNotGtI => Op::JumpGtI,
        Op::JumpGeI => Op::JumpNotGeI,
        Op::JumpNotGeI => Op::JumpGeI,
        _ => return None,
    })
}

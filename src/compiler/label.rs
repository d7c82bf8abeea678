//! Labels, `goto` and `break`.
//!
//! 1. A block knows its labels before its first statement, so every goto knows its label when it is compiled: the
//!    innermost enclosing block that has the name.
//! 2. A goto out of variables known to be captured closes them before it jumps. They may be captured only later in the
//!    text: then a forward goto is caught up with at its label, which closes everything above its own level. For a
//!    backward goto that is unknown until the variables' blocks end; if it must close, it is sent through
//!    two instructions appended to the function.

use super::desc::{JumpList, Pc};
use super::emit::reg;
use super::{Compiler, Res};
use crate::bytecode::{Instr, Op, Origin};
use crate::diag::Span;
use crate::syntax::ast::{Block as Body, Name, Stat, StatKind, Symbol};

/// A goto or break already compiled.
pub(super) struct Goto {
    /// Its jumps. For a backward goto one `JumpBack`.
    pub jumps: JumpList,
    pub backward: bool,
    /// Variables active where it leaves to, seen from the label's block. For a backward goto: the label's level.
    pub active: u8,
    pub line: u32,
    /// Index of the label's block.
    pub block: u32,
    /// It leaves captured variables and its target has to close them.
    pub close: bool,
    /// It closed them itself before it jumped.
    pub closed: bool,
    /// Next older goto of the same label or loop.
    pub next: Option<u32>,
}

/// A label of a block that is being compiled.
#[derive(Default)]
pub(super) struct Label {
    /// Set by the label statement.
    pub placed: Option<Place>,
    /// Newest forward goto to it.
    pub gotos: Option<u32>,
}

#[derive(Clone, Copy)]
pub(super) struct Place {
    pub pc: Pc,
    pub active: u8,
    pub line: u32,
}

/// True if nothing but labels and declarations of types follow, for which a label counts as the end of its block.
pub(super) fn is_void(stat: &Stat<'_>) -> bool {
    matches!(stat.kind, StatKind::Label(_) | StatKind::TypeAlias(_) | StatKind::Interface(_))
}

impl<'a> Compiler<'a> {
    /// Registers the labels of a block about to be compiled; gives its identity.
    pub(super) fn collect_labels(&mut self, body: &Body<'a>) -> u32 {
        let mut id = 0;
        for stat in body.stats {
            if let StatKind::Label(name) = stat.kind {
                if id == 0 {
                    self.label_blocks += 1;
                    id = self.label_blocks;
                }
                self.labels.entry((id, name.sym)).or_default();
            }
        }
        id
    }

    /// The block and identity of the label a goto means.
    fn find_label(&self, sym: Symbol) -> Option<(usize, (u32, Symbol))> {
        let blocks = self.f.blocks.iter().enumerate().rev();
        blocks
            .filter(|(_, b)| b.labels != 0)
            .map(|(i, b)| (i, (b.labels, sym)))
            .find(|(_, key)| self.labels.contains_key(key))
    }

    /// True if the statement is a jump that a condition can make itself: to a target still ahead (or nowhere), with
    /// nothing to close on the way.
    pub(super) fn jumps_ahead(&self, stat: &Stat<'a>) -> bool {
        match stat.kind {
            StatKind::Break => {
                let block = self.f.blocks.iter().rposition(|b| b.is_loop);
                block.is_none_or(|block| !self.leaves_captured(block))
            }
            StatKind::Goto(name) => self.find_label(name.sym).is_none_or(|(block, key)| {
                self.labels[&key].placed.is_none() && !self.leaves_captured(block)
            }),
            _ => false,
        }
    }

    /// `goto` or `break`; `jumps` are those of the condition before it, if it has one.
    pub(super) fn goto_stat(&mut self, stat: &'a Stat<'a>, jumps: Option<JumpList>) {
        let line = self.source.line(stat.span.start);
        match stat.kind {
            StatKind::Goto(name) => self.goto_label(name, line, jumps, stat.span),
            _ => self.break_loop(line, jumps, stat.span),
        }
    }

    fn goto_label(&mut self, name: Name, line: u32, jumps: Option<JumpList>, span: Span) {
        let Some((block, key)) = self.find_label(name.sym) else {
            if self.f.lost_goto.is_none() {
                let mut text = b"no visible label '".to_vec();
                text.extend_from_slice(self.name(name.sym));
                text.extend_from_slice(format!("' for <goto> at line {line}").as_bytes());
                self.f.lost_goto = Some(text.into());
            }
            return;
        };
        if let Some(place) = self.labels[&key].placed {
            self.goto_back(place, block, line, span);
            return;
        }
        let next = self.labels.get(&key).and_then(|label| label.gotos);
        let index = self.goto_ahead(jumps, block, line, next, span);
        if let Some(label) = self.labels.get_mut(&key) {
            label.gotos = Some(index);
        }
    }

    /// A jump to the end or a label of an enclosing block, closing what is known to be captured.
    fn goto_ahead(
        &mut self,
        jumps: Option<JumpList>,
        block: usize,
        line: u32,
        next: Option<u32>,
        span: Span,
    ) -> u32 {
        let active = self.f.blocks.get(block + 1).map_or(self.f.active, |inner| inner.active);
        let closed = jumps.is_none() && self.leaves_captured(block);
        if closed {
            self.code(Instr::abc(Op::Close, 0, reg(active), 0, 0), span);
        }
        let jumps = jumps.unwrap_or_else(|| self.jump(span));
        let index = self.f.gotos.len() as u32;
        let block = block as u32;
        self.f.gotos.push(Goto { jumps, backward: false, active, line, block, close: false, closed, next });
        index
    }

    /// True if the blocks inside a block are known to have captured variables.
    fn leaves_captured(&self, block: usize) -> bool {
        self.f.blocks.iter().skip(block + 1).any(|b| b.captured)
    }

    fn goto_back(&mut self, to: Place, block: usize, line: u32, span: Span) {
        let leaves = self.f.active > to.active;
        let close = leaves && self.f.blocks[block..].iter().any(|b| b.captured);
        if close {
            self.code(Instr::abc(Op::Close, 0, reg(to.active), 0, 0), span);
        }
        let pc = self.f.pc();
        self.jump_back(to.pc, span);
        if leaves && !close {
            self.f.gotos.push(Goto {
                jumps: JumpList::one(pc),
                backward: true,
                active: to.active,
                line,
                block: block as u32,
                close: false,
                closed: false,
                next: None,
            });
        }
    }

    fn break_loop(&mut self, line: u32, jumps: Option<JumpList>, span: Span) {
        let Some(block) = self.f.blocks.iter().rposition(|b| b.is_loop) else {
            if self.f.lost_goto.is_none() {
                let text = format!("<break> at line {line} not inside a loop");
                self.f.lost_goto = Some(text.into_bytes().into());
            }
            return;
        };
        let next = self.f.blocks[block].breaks;
        self.f.blocks[block].breaks = Some(self.goto_ahead(jumps, block, line, next, span));
    }

    /// Lands a list of forward gotos here; true if one of them leaves captured variables.
    pub(super) fn land_gotos(&mut self, newest: Option<u32>) -> bool {
        let mut close = false;
        let mut at = newest;
        while let Some(index) = at {
            let goto = &self.f.gotos[index as usize];
            at = goto.next;
            close |= goto.close;
            let jumps = goto.jumps;
            self.patch_to_here(jumps);
        }
        close
    }

    /// `::name::`; `at_end` if only void statements follow it in its block.
    pub(super) fn label_stat(&mut self, name: Name, at_end: bool, stat: &Stat<'a>) -> Res<()> {
        let block = self.f.blocks.last().expect("statements are inside a block");
        let (key, outer_level, captured) = ((block.labels, name.sym), block.active, block.captured);
        let at_end = at_end && !block.is_repeat;
        let label = self.labels.get(&key).expect("labels are collected when their block is entered");
        if let Some(first) = label.placed {
            let mut text = b"label '".to_vec();
            text.extend_from_slice(self.name(name.sym));
            text.extend_from_slice(format!("' already defined on line {}", first.line).as_bytes());
            return Err(self.error_at(name.span.end, text));
        }
        let newest = label.gotos;
        let active = if at_end { outer_level } else { self.f.active };
        self.check_scope(newest, active, name, stat.span.end)?;
        self.label_here();
        let close = self.land_gotos(newest);
        // At the end of a block with captured variables the block itself closes them.
        if close && !(at_end && captured) {
            self.code(Instr::abc(Op::Close, 0, reg(active), 0, 0), stat.span);
        }
        let pc = self.label_here();
        let line = self.source.line(stat.span.start);
        if let Some(label) = self.labels.get_mut(&key) {
            label.placed = Some(Place { pc, active, line });
        }
        Ok(())
    }

    /// Offset behind the labels and semicolons at `from`: the reference has read past them when it checks gotos.
    fn after_void(&self, mut from: u32) -> u32 {
        loop {
            let at = self.source.token(from);
            match (self.source.byte(at), self.source.byte(at + 1)) {
                (Some(b';'), _) => from = at + 1,
                (Some(b':'), Some(b':')) => {
                    let name = self.source.token(at + 2);
                    from = self.source.token(self.source.token_end(name)) + 2;
                }
                _ => return at,
            }
        }
    }

    /// Refuses the oldest goto that jumps over a local declaration.
    fn check_scope(&mut self, newest: Option<u32>, active: u8, name: Name, after: u32) -> Res<()> {
        let mut bad = None;
        let mut at = newest;
        while let Some(index) = at {
            let goto = &self.f.gotos[index as usize];
            if goto.active < active {
                bad = Some((goto.active, goto.line));
            }
            at = goto.next;
        }
        let Some((level, line)) = bad else { return Ok(()) };
        let info = self.f.locals[usize::from(level)].info as usize;
        let mut text = b"<goto ".to_vec();
        text.extend_from_slice(self.name(name.sym));
        text.extend_from_slice(format!("> at line {line} jumps into the scope of local '").as_bytes());
        text.extend_from_slice(&self.f.local_info[info].name);
        text.push(b'\'');
        let at = self.after_void(after);
        Err(self.error_at(at, text))
    }

    /// Sends each backward goto that leaves captured variables through a `Close` at the end of the function.
    pub(super) fn finish_gotos(&mut self) {
        for index in 0..self.f.gotos.len() {
            let goto = &self.f.gotos[index];
            if !(goto.backward && goto.close) {
                continue;
            }
            let (pc, active) = (goto.jumps.head as usize, goto.active);
            let target = (pc as i64 + 1 + i64::from(self.f.code[pc].w())) as Pc;
            let Origin { line, span } = self.f.origins[pc];
            let stub = self.code(Instr::abc(Op::Close, 0, reg(active), 0, 0), span);
            self.fix_line(line);
            self.jump_back(target, span);
            self.fix_line(line);
            self.f.code[pc] = Instr::aw(Op::Jump, 0, 0, 0);
            self.fix_jump(pc as Pc, stub);
        }
    }
}

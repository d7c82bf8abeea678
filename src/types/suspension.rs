//! What a validation keeps from one slice to the next: Lua values in the function's window, the rest with the call.

use super::compiling::Compiling;
use super::memo::{Memo, Reach};
use super::pattern::Search;
use super::program::{Check, CheckId};
use super::validate::{Frame, Machine};
use super::value::known_program;
use crate::vm::LuaError;
use crate::vm::native::Cx;
use crate::vm::native::progress::Kept;

/// What of a frame is no Lua value.
struct Saved {
    check: CheckId,
    before: Reach,
    at_value: bool,
    at: usize,
    end: usize,
}

/// What a validation keeps from one slice to the next.
pub(super) struct Suspended {
    frames: Vec<Saved>,
    base: usize,
    search: Option<Box<Search>>,
    reach: Reach,
    opened: usize,
    memo: Option<Box<Memo>>,
    compiling: Option<Box<Compiling>>,
}

impl Kept for Suspended {
    fn outside(&self) -> usize {
        self.frames.capacity() * size_of::<Saved>()
            + self.search.as_ref().map_or(0, |s| s.bytes())
            + self.memo.as_ref().map_or(0, |memo| size_of::<Memo>() + memo.bytes())
    }
}

/// Lua values of a frame in the window.
const SAVED_VALUES: usize = 3;

impl<'gc> Machine<'gc> {
    /// Moves the values to the window and keeps the rest with the call.
    pub(super) fn suspend(&mut self, cx: &mut Cx<'gc>) -> Result<(), LuaError> {
        let base = cx.top();
        cx.reserve(self.frames.len() * SAVED_VALUES + 1)?;
        let mut frames = Vec::with_capacity(self.frames.len());
        for frame in &self.frames {
            cx.push(frame.source);
            cx.push(frame.value);
            cx.push(frame.key);
            frames.push(Saved {
                check: frame.check,
                before: frame.before,
                at_value: frame.at_value,
                at: frame.at,
                end: frame.end,
            });
        }
        let memo = self.memo.take().map(|(memo, kept)| {
            cx.push(kept.into());
            memo
        });
        let (search, reach, opened) = (self.search.take(), self.reach, self.opened);
        let compiling = self.compiling.take();
        cx.keep(Suspended { frames, base, search, reach, opened, memo, compiling });
        Ok(())
    }

    pub(super) fn resume(&mut self, cx: &mut Cx<'gc>, suspended: Suspended) {
        for (i, saved) in suspended.frames.iter().enumerate() {
            let at = suspended.base + i * SAVED_VALUES;
            let source = cx.arg(at);
            let Some(program) = source.as_type().and_then(known_program) else { continue };
            match program.check(saved.check) {
                Check::Array(_) | Check::Map { .. } | Check::Record(_) => self.levels += 1,
                Check::Union(_) => self.unions += 1,
                _ => {}
            }
            self.frames.push(Frame {
                source,
                program,
                check: saved.check,
                before: saved.before,
                at_value: saved.at_value,
                value: cx.arg(at + 1),
                at: saved.at,
                end: saved.end,
                key: cx.arg(at + 2),
            });
        }
        self.search = suspended.search;
        (self.reach, self.opened) = (suspended.reach, suspended.opened);
        let kept = cx.arg(suspended.base + suspended.frames.len() * SAVED_VALUES).as_table();
        self.memo = suspended.memo.zip(kept);
        self.compiling = suspended.compiling;
        cx.set_top(suspended.base);
    }
}

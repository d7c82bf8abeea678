//! The string library: patterns, formats, binary packing.
//!
//! `pattern`, `format` and `pack` hold the algorithms, which know only bytes; the other files hold the native functions.

mod class;
mod find;
pub mod format;
mod formatting;
mod gsub;
mod lib;
#[cfg(test)]
mod lib_tests;
pub mod pack;
mod packing;
pub mod pattern;

pub(super) use lib::open;

use crate::limits::{BYTES_PER_REDUCTION, MATCH_UNITS, STRING_PIECE};
use crate::vm::LuaError;
use crate::vm::native::progress::{Buffer, Kept};
use crate::vm::native::{Cx, LStr, Step, Val};
use pattern::{Capture, PatternError, Search};

/// An offset from 0 that a position given from Lua stands for, which may lie anywhere.
fn position(at: i64, len: usize) -> i64 {
    super::utf8::relative_position(at, len)
}

/// `whole[start..end]`; a whole string is not copied.
fn substring<'gc>(
    cx: &mut Cx<'gc>,
    whole: LStr<'gc>,
    start: usize,
    end: usize,
) -> Result<Val<'gc>, LuaError> {
    if end - start == whole.len() {
        return Ok(whole.into());
    }
    cx.string(&whole.bytes()[start..end])
}

fn pattern_error(e: PatternError) -> LuaError {
    LuaError::message(e.to_string())
}

/// One step of a search within the budget.
fn step(cx: &mut Cx<'_>, search: &mut Search, subject: &[u8], pattern: &[u8]) -> pattern::Step {
    let allowed = (cx.budget() * MATCH_UNITS) as i64;
    let mut left = allowed;
    let step = search.step(subject, pattern, &mut left);
    cx.charge((allowed - left) as usize / MATCH_UNITS);
    step
}

/// The value of capture `i` of the match `start..end`.
fn capture<'gc>(
    cx: &mut Cx<'gc>,
    search: &Search,
    i: usize,
    subject: LStr<'gc>,
    start: usize,
    end: usize,
) -> Result<Val<'gc>, LuaError> {
    match search.capture(i, start, end).map_err(pattern_error)? {
        Capture::Range { start, end } => {
            cx.charge(1 + (end - start) / BYTES_PER_REDUCTION);
            substring(cx, subject, start, end)
        }
        Capture::Position(at) => Ok(Val::int(at as i64 + 1)),
    }
}

/// Pushes the first `count` captures.
fn push_captures<'gc>(
    cx: &mut Cx<'gc>,
    search: &Search,
    count: usize,
    subject: LStr<'gc>,
    start: usize,
    end: usize,
) -> Result<(), LuaError> {
    cx.reserve(count)?;
    for i in 0..count {
        let v = capture(cx, search, i, subject, start, end)?;
        cx.push(v);
    }
    Ok(())
}

/// A result string of known length, as far as it is written.
struct Progress {
    buffer: Buffer,
    done: usize,
}

impl Kept for Progress {
    fn outside(&self) -> usize {
        self.buffer.len()
    }
}

impl Kept for Search {
    fn outside(&self) -> usize {
        Search::outside(self)
    }
}

/// Returns a string of `len` bytes; `write(piece, at)` writes those from offset `at`. Long ones are written over several
/// entries, for which the caller comes here again in the same way.
fn build(cx: &mut Cx<'_>, len: usize, write: impl Fn(&mut [u8], usize)) -> Result<Step, LuaError> {
    if len <= STRING_PIECE {
        cx.charge(len / 64);
        let s = cx.string_with(len, |out| write(out, 0))?;
        return cx.ret(s);
    }
    let mut progress = match cx.take::<Progress>() {
        Some(progress) => progress,
        None => Box::new(Progress { buffer: cx.buffer(len)?, done: 0 }),
    };
    while progress.done < len {
        let end = len.min(progress.done + STRING_PIECE);
        write(&mut progress.buffer.bytes_mut()[progress.done..end], progress.done);
        let spent = cx.charge((end - progress.done) / 64);
        progress.done = end;
        if spent && end < len {
            cx.keep_boxed(progress);
            return Ok(Step::Again);
        }
    }
    let s = cx.string_of_buffer(progress.buffer)?;
    cx.ret(s)
}

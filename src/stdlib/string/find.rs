//! `string.find`, `string.match` and `string.gmatch`.

use super::pattern::{self, Search};
use super::{pattern_error, position, push_captures, step};
use crate::limits::STRING_PIECE;
use crate::vm::LuaError;
use crate::vm::native::{Cx, LStr, Native, Step, Val};

/// Bytes that a plain search looks at for one reduction: it is the fastest of all natives.
const SEARCHED_PER_REDUCTION: usize = 256;

type R = Result<Step, LuaError>;

/// Where the search starts, `None` if that is beyond the end of the subject.
fn start(cx: &mut Cx<'_>, subject: LStr<'_>) -> Result<Option<usize>, LuaError> {
    let init = position(cx.opt_int(2, 1)?, subject.len()).max(1);
    let init = usize::try_from(init - 1).unwrap_or(usize::MAX);
    Ok((init <= subject.len()).then_some(init))
}

pub fn find(cx: &mut Cx<'_>) -> R {
    let (subject, pattern) = (cx.check_str(0)?, cx.check_str(1)?);
    let Some(from) = start(cx, subject)? else { return cx.ret(Val::NIL) };
    if cx.arg(3).is_truthy() || pattern::is_plain(pattern.bytes()) {
        return find_plain(cx, subject.bytes(), pattern.bytes(), from);
    }
    search(cx, subject, pattern, from, true)
}

/// In pieces of the subject; the state is where the next one starts.
fn find_plain(cx: &mut Cx<'_>, subject: &[u8], needle: &[u8], from: usize) -> R {
    let mut from = from.max(cx.state() as usize);
    loop {
        // The next piece begins before a match that this one cuts in two.
        let end = subject.len().min(from.saturating_add(STRING_PIECE).saturating_add(needle.len()));
        let found = pattern::find_plain(&subject[..end], needle, from);
        let spent = cx.charge((found.unwrap_or(end) - from) / SEARCHED_PER_REDUCTION);
        if let Some(at) = found {
            cx.push(Val::int(at as i64 + 1));
            cx.push(Val::int((at + needle.len()) as i64));
            return Ok(Step::Return(2));
        }
        if end == subject.len() {
            return cx.ret(Val::NIL);
        }
        from = end - needle.len();
        if spent {
            cx.set_state(from as u64);
            return Ok(Step::Again);
        }
    }
}

pub fn match_(cx: &mut Cx<'_>) -> R {
    let (subject, pattern) = (cx.check_str(0)?, cx.check_str(1)?);
    let Some(from) = start(cx, subject)? else { return cx.ret(Val::NIL) };
    search(cx, subject, pattern, from, false)
}

/// State 1: a search that ran out of budget is kept.
fn search<'gc>(cx: &mut Cx<'gc>, subject: LStr<'gc>, pattern: LStr<'gc>, from: usize, find: bool) -> R {
    if cx.state() == 1
        && let Some(mut kept) = cx.take::<Search>()
    {
        let outcome = step(cx, &mut kept, subject.bytes(), pattern.bytes());
        if outcome == pattern::Step::OutOfBudget {
            cx.keep_boxed(kept);
            return Ok(Step::Again);
        }
        return finish(cx, &kept, outcome, subject, find);
    }
    let mut search = Search::new(pattern.bytes(), from);
    let outcome = step(cx, &mut search, subject.bytes(), pattern.bytes());
    if outcome == pattern::Step::OutOfBudget {
        cx.set_state(1);
        cx.keep(search);
        return Ok(Step::Again);
    }
    finish(cx, &search, outcome, subject, find)
}

fn finish<'gc>(
    cx: &mut Cx<'gc>,
    search: &Search,
    outcome: pattern::Step,
    subject: LStr<'gc>,
    find: bool,
) -> R {
    match outcome {
        pattern::Step::Matched { start, end } if find => {
            cx.push(Val::int(start as i64 + 1));
            cx.push(Val::int(end as i64));
            let n = search.capture_count();
            push_captures(cx, search, n, subject, start, end)?;
            Ok(Step::Return(n as u32 + 2))
        }
        pattern::Step::Matched { start, end } => {
            let n = search.value_count();
            push_captures(cx, search, n, subject, start, end)?;
            Ok(Step::Return(n as u32))
        }
        pattern::Step::Error(e) => Err(pattern_error(e)),
        pattern::Step::Failed | pattern::Step::OutOfBudget => cx.ret(Val::NIL),
    }
}

/// Upvalues: subject, pattern, the search as userdata.
static GMATCH_STEP: Native = Native::new("gmatch_step", gmatch_step);

pub fn gmatch(cx: &mut Cx<'_>) -> R {
    let (subject, pattern) = (cx.check_str(0)?, cx.check_str(1)?);
    cx.charge(4);
    let search = cx.userdata(Search::unanchored(pattern.bytes(), 0), None)?;
    let iterator = cx.closure(&GMATCH_STEP, &[subject.into(), pattern.into(), search.into()])?;
    cx.ret(iterator)
}

fn gmatch_step(cx: &mut Cx<'_>) -> R {
    let (subject, pattern) = (cx.upvalue(0).as_str(), cx.upvalue(1).as_str());
    let (Some(subject), Some(pattern)) = (subject, pattern) else { return cx.ret(Val::NIL) };
    let crate::vm::native::Kind::Userdata(state) = cx.upvalue(2).kind() else { return cx.ret(Val::NIL) };
    let outcome =
        state.with(|search: &mut Search| match step(cx, search, subject.bytes(), pattern.bytes()) {
            pattern::Step::OutOfBudget => Ok(Step::Again),
            pattern::Step::Failed => Ok(Step::Return(0)),
            outcome => finish(cx, search, outcome, subject, false),
        });
    outcome.unwrap_or(Ok(Step::Return(0)))
}

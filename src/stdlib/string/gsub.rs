//! `string.gsub`.

use super::pattern::{self, Search};
use super::{capture, pattern_error, push_captures, step};
use crate::numfmt::{float_text, integer_text};
use crate::vm::LuaError;
use crate::vm::native::progress::Kept;
use crate::vm::native::text::Text;
use crate::vm::native::{Cx, Kind, LStr, Step, Val};

/// A replacement under way.
struct Gsub {
    search: Search,
    out: Text,
    /// The subject up to here is in `out`, replaced.
    copied: usize,
    count: i64,
    limit: i64,
    /// A call is made for the value of this match.
    pending: Option<(usize, usize)>,
}

impl Kept for Gsub {
    fn outside(&self) -> usize {
        self.out.outside() + self.search.outside()
    }
}

/// What replaces matches.
#[derive(Clone, Copy)]
enum Replacement<'gc> {
    Text(LStr<'gc>),
    /// Index it with the first capture.
    Table(Val<'gc>),
    /// Call it with the captures.
    Function(Val<'gc>),
}

pub fn gsub(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    let (subject, pattern) = (cx.check_str(0)?, cx.check_str(1)?);
    // As 5.3, which looks at the limit before the replacement.
    let limit = if cx.state() == 0 { cx.opt_int(3, subject.len() as i64 + 1)? } else { 0 };
    let replacement = match cx.arg(2).kind() {
        Kind::Str(_) | Kind::Int(_) | Kind::Float(_) => Replacement::Text(cx.check_str(2)?),
        Kind::Userdata(_) if cx.arg(2).as_error().is_some() => Replacement::Text(cx.check_str(2)?),
        Kind::Table(t) => Replacement::Table(t.into()),
        Kind::Function => Replacement::Function(cx.arg(2)),
        _ => return Err(LuaError::argument(3, "string/function/table expected")),
    };
    if cx.state() == 1
        && let Some(mut kept) = cx.take::<Gsub>()
    {
        let step = run(cx, &mut kept, subject, pattern, replacement)?;
        if !matches!(step, Step::Return(_)) {
            cx.keep_boxed(kept);
        }
        return Ok(step);
    }
    let mut gsub = Gsub {
        search: Search::new(pattern.bytes(), 0),
        out: Text::new(),
        copied: 0,
        count: 0,
        limit,
        pending: None,
    };
    let step = run(cx, &mut gsub, subject, pattern, replacement)?;
    if !matches!(step, Step::Return(_)) {
        cx.set_state(1);
        cx.keep(gsub);
    }
    Ok(step)
}

fn run<'gc>(
    cx: &mut Cx<'gc>,
    gsub: &mut Gsub,
    subject: LStr<'gc>,
    pattern: LStr<'gc>,
    replacement: Replacement<'gc>,
) -> Result<Step, LuaError> {
    if let Some((start, end)) = gsub.pending.take() {
        let v = cx.pop();
        gsub.add_value(cx, v, subject, start, end)?;
    }
    while gsub.count < gsub.limit {
        // Each match costs something, however soon it is found.
        if cx.charge(2) {
            return Ok(Step::Again);
        }
        let (start, end) = match step(cx, &mut gsub.search, subject.bytes(), pattern.bytes()) {
            pattern::Step::Matched { start, end } => (start, end),
            pattern::Step::Failed => break,
            pattern::Step::OutOfBudget => return Ok(Step::Again),
            pattern::Step::Error(e) => return Err(pattern_error(e)),
        };
        gsub.count += 1;
        gsub.add(cx, &subject.bytes()[gsub.copied..start])?;
        gsub.copied = end;
        match replacement {
            Replacement::Text(text) => gsub.add_replacement(cx, text, subject, start, end)?,
            Replacement::Table(table) => {
                let key = capture(cx, &gsub.search, 0, subject, start, end)?;
                match cx.index(table, key)? {
                    Ok(v) => gsub.add_value(cx, v, subject, start, end)?,
                    Err(call) => {
                        gsub.pending = Some((start, end));
                        return cx.call(&call, 1);
                    }
                }
            }
            Replacement::Function(function) => {
                gsub.pending = Some((start, end));
                let n = gsub.search.value_count();
                cx.reserve(n + 1)?;
                cx.push(function);
                push_captures(cx, &gsub.search, n, subject, start, end)?;
                return Ok(Step::Call { args: n as u32, results: 1 });
            }
        }
    }
    if gsub.count == 0 {
        cx.push(subject.into());
    } else {
        gsub.add(cx, &subject.bytes()[gsub.copied..])?;
        let s = cx.string_of_text(&mut gsub.out)?;
        cx.push(s);
    }
    cx.push(Val::int(gsub.count));
    Ok(Step::Return(2))
}

impl Gsub {
    fn add(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> Result<(), LuaError> {
        cx.grow_text(&mut self.out, bytes.len())?;
        self.out.extend_from_slice(bytes);
        cx.charge(bytes.len() / 64);
        Ok(())
    }

    /// The replacement string with its captures filled in.
    fn add_replacement(
        &mut self,
        cx: &mut Cx<'_>,
        text: LStr<'_>,
        subject: LStr<'_>,
        start: usize,
        end: usize,
    ) -> Result<(), LuaError> {
        let Some(first) = memchr::memchr(b'%', text.bytes()) else { return self.add(cx, text.bytes()) };
        // Each `%` with its digit stands for no more than the match, or for a position.
        let captures = (text.len() - first).div_ceil(2);
        let most = captures.saturating_mul(end - start + 20).saturating_add(text.len());
        let before = self.out.len();
        if most <= 1 << 16 {
            cx.grow_text(&mut self.out, most)?;
            self.search
                .expand_replacement(&mut self.out, text.bytes(), subject.bytes(), start, end)
                .map_err(pattern_error)?;
        } else {
            // The bound may be far off: measured first.
            let mut length = Length(0);
            self.search
                .expand_replacement(&mut length, text.bytes(), subject.bytes(), start, end)
                .map_err(pattern_error)?;
            cx.grow_text(&mut self.out, length.0)?;
            self.search
                .expand_replacement(&mut self.out, text.bytes(), subject.bytes(), start, end)
                .map_err(pattern_error)?;
        }
        cx.charge((self.out.len() - before) / 64);
        Ok(())
    }

    /// What a table or function gave for the match: false and nil keep it.
    fn add_value<'gc>(
        &mut self,
        cx: &mut Cx<'gc>,
        v: Val<'gc>,
        subject: LStr<'gc>,
        start: usize,
        end: usize,
    ) -> Result<(), LuaError> {
        match v.kind() {
            Kind::Nil | Kind::Bool(false) => self.add(cx, &subject.bytes()[start..end]),
            Kind::Str(s) => self.add(cx, s.bytes()),
            Kind::Int(n) => self.add(cx, &integer_text(n)),
            Kind::Float(x) => self.add(cx, &float_text(x)),
            _ => match v.as_error() {
                Some(error) => self.add(cx, error.message()),
                None => Err(LuaError::message(format!("invalid replacement value (a {})", v.type_name()))),
            },
        }
    }
}

/// Counts bytes.
struct Length(usize);

impl crate::numfmt::ByteSink for Length {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    fn fill(&mut self, _: u8, count: usize) {
        self.0 = self.0.saturating_add(count);
    }
}

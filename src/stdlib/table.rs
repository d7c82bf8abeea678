//! `table`: functions over anything that can be indexed like a table.
//!
//! 1. A table without metamethods is worked on directly, on its array part where the positions are in it.
//! 2. For everything else each function is a state machine, a [`Job`], that reads and writes in the order of the
//!    reference. An operation leaves its result on top of the window, whether it was there at once or a metamethod had to
//!    be called for it; so the next phase always finds it there.

use super::Lib;
use crate::vm::LuaError;
use crate::vm::meta::Event;
use crate::vm::native::{Cx, Kind, Native, Step, Tab, Val, native_flag};

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "table",
    functions: &[
        Native::new("concat", concat),
        Native::new("insert", insert),
        Native::new("move", move_),
        Native::with("pack", pack, native_flag::RETRY),
        Native::new("remove", remove),
        Native::new("sort", super::table_sort::sort),
        Native::new("unpack", unpack),
    ],
};

/// What a function does with its table: reading, writing, asking for the length.
pub(super) const READ: u8 = 1;
pub(super) const WRITE: u8 = 2;
pub(super) const LENGTH: u8 = 4;

/// The table of argument `i` if it has no metamethod for reading, writing or the length.
#[inline]
pub(super) fn plain<'gc>(cx: &Cx<'gc>, v: Val<'gc>) -> Option<Tab<'gc>> {
    let t = v.as_table()?;
    if t.metatable().is_some()
        && [Event::Index, Event::NewIndex, Event::Len].iter().any(|&e| !cx.metafield(v, e).is_nil())
    {
        return None;
    }
    Some(t)
}

/// Argument `i` must be a table or have the metamethods for its use.
pub(super) fn check_tab(cx: &Cx<'_>, i: usize, uses: u8) -> Result<(), LuaError> {
    let v = cx.arg(i);
    if v.as_table().is_some() {
        return Ok(());
    }
    let missing = |bit: u8, event: Event| uses & bit != 0 && cx.metafield(v, event).is_nil();
    if missing(READ, Event::Index) || missing(WRITE, Event::NewIndex) || missing(LENGTH, Event::Len) {
        return Err(cx.type_error(i, "table"));
    }
    Ok(())
}

/// Pushes `obj[i]`, or asks for the call that does.
pub(super) fn get<'gc>(cx: &mut Cx<'gc>, obj: Val<'gc>, i: i64) -> Result<Option<Step>, LuaError> {
    match cx.index(obj, Val::int(i))? {
        Ok(v) => {
            cx.push(v);
            Ok(None)
        }
        Err(call) => cx.call(&call, 1).map(Some),
    }
}

/// Pops a value into `obj[i]`, perhaps by a call.
pub(super) fn put<'gc>(cx: &mut Cx<'gc>, obj: Val<'gc>, i: i64) -> Result<Option<Step>, LuaError> {
    let v = cx.pop();
    match cx.set_index(obj, Val::int(i), v)? {
        None => Ok(None),
        Some(call) => cx.call(&call, 0).map(Some),
    }
}

/// Pushes `#obj`, or asks for the call that does.
pub(super) fn measure<'gc>(cx: &mut Cx<'gc>, obj: Val<'gc>) -> Result<Option<Step>, LuaError> {
    match cx.length(obj)? {
        Ok(v) => {
            cx.push(v);
            Ok(None)
        }
        Err(call) => cx.call(&call, 1).map(Some),
    }
}

/// Pops what [`measure`] found.
pub(super) fn pop_length(cx: &mut Cx<'_>) -> Result<i64, LuaError> {
    cx.pop().to_int().ok_or_else(|| LuaError::message("object length is not an integer"))
}

/// Progress of a function over an object with metamethods.
struct Job {
    phase: Phase,
    /// Number of arguments.
    args: usize,
    /// Positions under way; their meaning is the function's.
    at: i64,
    to: i64,
    end: i64,
    /// Text of `concat` so far.
    text: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Phase {
    Start,
    Measured,
    Compared,
    First,
    Next,
    Got,
    Stored,
    Done,
}

impl Job {
    /// The job under way, or a new one.
    fn resume(cx: &mut Cx<'_>) -> Box<Self> {
        cx.set_state(1);
        cx.take::<Self>().unwrap_or_else(|| {
            Box::new(Self { phase: Phase::Start, args: cx.top(), at: 0, to: 0, end: 0, text: Vec::new() })
        })
    }
}

/// Goes on in `$phase` after an operation, which may need a call first.
macro_rules! ask {
    ($cx:ident, $job:ident, $phase:ident, $operation:expr) => {{
        $job.phase = Phase::$phase;
        if let Some(step) = $operation? {
            $cx.keep_box($job);
            return Ok(step);
        }
    }};
}

/// Pays for one element; ends the slice if that is due.
macro_rules! pay {
    ($cx:ident, $job:ident) => {
        if $cx.charge(1) {
            $cx.keep_box($job);
            return Ok(Step::Again);
        }
    };
}

// ---- insert and remove ----

fn wrong_number() -> LuaError {
    LuaError::message("wrong number of arguments to 'insert'")
}

fn insert(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return insert_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return insert_slow(cx) };
    let end = t.raw_len().wrapping_add(1);
    match cx.top() {
        2 => t.set_int(cx, end, cx.arg(1))?,
        3 => {
            let pos = check_position(cx, end)?;
            let v = cx.arg(2);
            open_gap(cx, t, pos, end, v)?;
        }
        _ => return Err(wrong_number()),
    }
    Ok(Step::Return(0))
}

fn check_position(cx: &Cx<'_>, end: i64) -> Result<i64, LuaError> {
    let pos = cx.check_int(1)?;
    if 1 <= pos && pos <= end { Ok(pos) } else { Err(LuaError::argument(2, "position out of bounds")) }
}

/// Moves `pos..end` up by one and puts `v` at `pos`.
fn open_gap<'gc>(cx: &mut Cx<'gc>, t: Tab<'gc>, pos: i64, end: i64, v: Val<'gc>) -> Result<(), LuaError> {
    if pos == end {
        return t.set_int(cx, end, v);
    }
    let last = t.get_int(end - 1);
    t.set_int(cx, end, last)?;
    let n = (end - 1 - pos) as usize;
    cx.charge(n / 4);
    if !t.array_move(pos as usize - 1, pos as usize, n) {
        for i in (pos + 1..end).rev() {
            let moved = t.get_int(i - 1);
            t.set_int(cx, i, moved)?;
        }
    }
    t.set_int(cx, pos, v)
}

fn insert_slow(cx: &mut Cx<'_>) -> R {
    let mut job = Job::resume(cx);
    let obj = cx.arg(0);
    loop {
        match job.phase {
            Phase::Start => {
                check_tab(cx, 0, READ | WRITE | LENGTH)?;
                ask!(cx, job, Measured, measure(cx, obj));
            }
            Phase::Measured => {
                let end = pop_length(cx)?.wrapping_add(1);
                match job.args {
                    2 => job.to = end,
                    3 => job.to = check_position(cx, end)?,
                    _ => return Err(wrong_number()),
                }
                job.at = if job.args == 3 { end } else { job.to };
                job.phase = Phase::Next;
            }
            Phase::Next => {
                pay!(cx, job);
                if job.at > job.to {
                    ask!(cx, job, Got, get(cx, obj, job.at - 1));
                } else {
                    cx.push(cx.arg(job.args - 1));
                    ask!(cx, job, Done, put(cx, obj, job.to));
                }
            }
            Phase::Got => ask!(cx, job, Stored, put(cx, obj, job.at)),
            Phase::Stored => {
                job.at -= 1;
                job.phase = Phase::Next;
            }
            _ => return Ok(Step::Return(0)),
        }
    }
}

fn remove_position(cx: &Cx<'_>, given: bool, size: i64) -> Result<i64, LuaError> {
    let pos = if given { cx.opt_int(1, size)? } else { size };
    // As 5.3: the message blames the table.
    if pos != size && !(1 <= pos && pos <= size.wrapping_add(1)) {
        return Err(LuaError::argument(1, "position out of bounds"));
    }
    Ok(pos)
}

fn remove(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return remove_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return remove_slow(cx) };
    let size = t.raw_len();
    let pos = remove_position(cx, cx.top() > 1, size)?;
    let removed = t.get_int(pos);
    if pos < size {
        let n = (size - pos) as usize;
        cx.charge(n / 4);
        if !t.array_move(pos as usize, pos as usize - 1, n) {
            for i in pos..size {
                let moved = t.get_int(i + 1);
                t.set_int(cx, i, moved)?;
            }
        }
        t.set_int(cx, size, Val::NIL)?;
    } else if !removed.is_nil() {
        t.set_int(cx, pos, Val::NIL)?;
    }
    cx.ret(removed)
}

fn remove_slow(cx: &mut Cx<'_>) -> R {
    let mut job = Job::resume(cx);
    let obj = cx.arg(0);
    loop {
        match job.phase {
            Phase::Start => {
                check_tab(cx, 0, READ | WRITE | LENGTH)?;
                ask!(cx, job, Measured, measure(cx, obj));
            }
            Phase::Measured => {
                job.end = pop_length(cx)?;
                job.at = remove_position(cx, job.args > 1, job.end)?;
                // The removed value stays in the window below what comes.
                ask!(cx, job, Next, get(cx, obj, job.at));
            }
            Phase::Next => {
                pay!(cx, job);
                if job.at < job.end {
                    ask!(cx, job, Got, get(cx, obj, job.at + 1));
                } else {
                    cx.push(Val::NIL);
                    ask!(cx, job, Done, put(cx, obj, job.at));
                }
            }
            Phase::Got => ask!(cx, job, Stored, put(cx, obj, job.at)),
            Phase::Stored => {
                job.at += 1;
                job.phase = Phase::Next;
            }
            _ => return Ok(Step::Return(1)),
        }
    }
}

// ---- move ----

fn move_(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return move_slow(cx);
    }
    let (from, end, to) = (cx.check_int(1)?, cx.check_int(2)?, cx.check_int(3)?);
    let target = if cx.arg(4).is_nil() { 0 } else { 4 };
    check_tab(cx, 0, READ)?;
    check_tab(cx, target, WRITE)?;
    if end < from {
        return cx.ret(cx.arg(target));
    }
    if !(from > 0 || end < i64::MAX.wrapping_add(from)) {
        return Err(LuaError::argument(3, "too many elements to move"));
    }
    let n = end - from + 1;
    if to > i64::MAX - n + 1 {
        return Err(LuaError::argument(4, "destination wrap around"));
    }
    if let (Some(source), Some(dest)) = (plain(cx, cx.arg(0)), plain(cx, cx.arg(target)))
        && n < i64::from(u32::MAX)
    {
        move_plain(cx, source, dest, from, to, n)?;
        return cx.ret(cx.arg(target));
    }
    move_slow(cx)
}

fn move_plain<'gc>(
    cx: &mut Cx<'gc>,
    source: Tab<'gc>,
    dest: Tab<'gc>,
    from: i64,
    to: i64,
    n: i64,
) -> Result<(), LuaError> {
    cx.charge(n as usize / 8);
    if source == dest
        && from > 0
        && to > 0
        && source.array_move((from - 1) as usize, (to - 1) as usize, n as usize)
    {
        return Ok(());
    }
    let mut copy = |i: i64| {
        let v = source.get_int(from.wrapping_add(i));
        dest.set_int(cx, to.wrapping_add(i), v)
    };
    if to > from && to < from.saturating_add(n) && source == dest {
        (0..n).rev().try_for_each(&mut copy)
    } else {
        (0..n).try_for_each(&mut copy)
    }
}

/// The arguments are checked at the first entry. `job.at` counts elements, `job.to` is the direction.
fn move_slow(cx: &mut Cx<'_>) -> R {
    let mut job = Job::resume(cx);
    let (from, end, to) = (cx.check_int(1)?, cx.check_int(2)?, cx.check_int(3)?);
    let target = if job.args > 4 && !cx.arg(4).is_nil() { 4 } else { 0 };
    let (source, dest) = (cx.arg(0), cx.arg(target));
    let n = end.wrapping_sub(from).wrapping_add(1);
    loop {
        match job.phase {
            Phase::Start => {
                if to > end || to <= from {
                    cx.push(Val::FALSE);
                    job.phase = Phase::Compared;
                } else {
                    match cx.equal(source, dest) {
                        Ok(same) => {
                            cx.push(Val::bool(same));
                            job.phase = Phase::Compared;
                        }
                        Err(call) => ask!(cx, job, Compared, cx.call(&call, 1).map(Some)),
                    }
                }
            }
            Phase::Compared => {
                let down = cx.pop().is_truthy();
                job.to = if down { -1 } else { 1 };
                job.at = if down { n - 1 } else { 0 };
                job.phase = Phase::Next;
            }
            Phase::Next => {
                pay!(cx, job);
                if job.at < 0 || job.at >= n {
                    return cx.ret(dest);
                }
                ask!(cx, job, Got, get(cx, source, from.wrapping_add(job.at)));
            }
            Phase::Got => ask!(cx, job, Stored, put(cx, dest, to.wrapping_add(job.at))),
            _ => {
                job.at += job.to;
                job.phase = Phase::Next;
            }
        }
    }
}

// ---- concat ----

fn concat(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return concat_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return concat_slow(cx) };
    let last = t.raw_len();
    let sep = cx.opt_str(1)?;
    let sep = sep.as_ref().map_or(&b""[..], |s| s.bytes());
    let first = cx.opt_int(2, 1)?;
    let last = cx.opt_int(3, last)?;
    if first > last {
        return cx.ret_str(b"");
    }
    // Strings alone are measured first, then copied once.
    let mut len = sep.len().checked_mul((last as i128 - first as i128) as usize);
    let mut strings = true;
    let mut i = first;
    loop {
        match t.get_int(i).kind() {
            Kind::Str(s) => len = len.and_then(|n| n.checked_add(s.len())),
            Kind::Int(_) | Kind::Float(_) => strings = false,
            _ => match t.get_int(i).as_error() {
                Some(error) => {
                    strings = false;
                    len = len.and_then(|n| n.checked_add(error.message().len()));
                }
                None => return Err(not_text(t.get_int(i), i)),
            },
        }
        if i == last {
            break;
        }
        i += 1;
    }
    let len = len.ok_or_else(LuaError::memory)?;
    cx.charge(len / 64 + (last - first) as usize / 8);
    if strings {
        let joined = cx.string_with(len, |mut out| {
            for i in first..=last {
                if let Some(s) = t.get_int(i).as_str() {
                    append(&mut out, s.bytes());
                }
                if i != last {
                    append(&mut out, sep);
                }
            }
        })?;
        return cx.ret(joined);
    }
    cx.reserve_memory(len)?;
    let mut out = Vec::with_capacity(len);
    for i in first..=last {
        write_text(&mut out, t.get_int(i));
        if i != last {
            out.extend_from_slice(sep);
        }
    }
    cx.ret_str(&out)
}

/// Writes at the start of `out` and leaves the rest.
fn append(out: &mut &mut [u8], bytes: &[u8]) {
    let (start, rest) = std::mem::take(out).split_at_mut(bytes.len());
    start.copy_from_slice(bytes);
    *out = rest;
}

/// Appends a string, a number or an error object's message as text; false for other values.
fn write_text(out: &mut Vec<u8>, v: Val<'_>) -> bool {
    match v.kind() {
        Kind::Str(s) => out.extend_from_slice(s.bytes()),
        Kind::Int(n) => out.extend_from_slice(&crate::numfmt::integer_text(n)),
        Kind::Float(x) => out.extend_from_slice(&crate::numfmt::float_text(x)),
        Kind::Userdata(_) => match v.as_error() {
            Some(error) => out.extend_from_slice(error.message()),
            None => return false,
        },
        _ => return false,
    }
    true
}

fn not_text(v: Val<'_>, i: i64) -> LuaError {
    // As the reference, which prints the index as a C `int`.
    LuaError::message(format!(
        "invalid value ({}) at index {} in table for 'concat'",
        v.type_name(),
        i as i32
    ))
}

fn concat_slow(cx: &mut Cx<'_>) -> R {
    let mut job = Job::resume(cx);
    let obj = cx.arg(0);
    loop {
        match job.phase {
            Phase::Start => {
                check_tab(cx, 0, READ | LENGTH)?;
                ask!(cx, job, Measured, measure(cx, obj));
            }
            Phase::Measured => {
                let last = pop_length(cx)?;
                // Where an argument is absent the window may hold something else by now.
                cx.set_top(job.args);
                cx.opt_str(1)?;
                job.at = cx.opt_int(2, 1)?;
                job.end = cx.opt_int(3, last)?;
                if job.at > job.end {
                    return cx.ret_str(b"");
                }
                job.phase = Phase::Next;
            }
            Phase::Next => ask!(cx, job, Got, get(cx, obj, job.at)),
            _ => {
                let v = cx.pop();
                if !write_text(&mut job.text, v) {
                    return Err(not_text(v, job.at));
                }
                if job.at == job.end {
                    return cx.ret_str(&job.text);
                }
                if let Some(sep) = cx.opt_str(1)? {
                    job.text.extend_from_slice(sep.bytes());
                }
                cx.reserve_memory(job.text.len())?;
                job.at += 1;
                job.phase = Phase::Next;
                pay!(cx, job);
            }
        }
    }
}

// ---- pack and unpack ----

fn pack(cx: &mut Cx<'_>) -> R {
    let n = cx.top();
    let t = cx.table(n, 1)?;
    for i in 0..n {
        t.set_int(cx, i as i64 + 1, cx.arg(i))?;
    }
    t.set_name(cx, "n", Val::int(n as i64))?;
    cx.charge(n / 8);
    cx.ret(t)
}

/// Number of values of a range that is to be pushed, which must fit on the stack.
fn results(cx: &mut Cx<'_>, first: i64, last: i64) -> Result<usize, LuaError> {
    if first > last {
        return Ok(0);
    }
    let too_many = || LuaError::message("too many results to unpack");
    let n = last.wrapping_sub(first) as u64;
    if n >= i32::MAX as u64 || !cx.fits(n as usize + 1) {
        return Err(too_many());
    }
    let n = n as usize + 1;
    cx.reserve(n)?;
    Ok(n)
}

fn unpack(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return unpack_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return unpack_slow(cx) };
    let first = cx.opt_int(1, 1)?;
    let last = if cx.arg(2).is_nil() { t.raw_len() } else { cx.check_int(2)? };
    let n = results(cx, first, last)?;
    for i in 0..n {
        cx.push(t.get_int(first + i as i64));
    }
    cx.charge(n / 8);
    Ok(Step::Return(n as u32))
}

fn unpack_slow(cx: &mut Cx<'_>) -> R {
    let mut job = Job::resume(cx);
    let obj = cx.arg(0);
    loop {
        match job.phase {
            Phase::Start => {
                job.at = cx.opt_int(1, 1)?;
                if job.args > 2 && !cx.arg(2).is_nil() {
                    job.end = cx.check_int(2)?;
                    job.phase = Phase::First;
                } else {
                    ask!(cx, job, Measured, measure(cx, obj));
                }
            }
            Phase::Measured => {
                job.end = pop_length(cx)?;
                job.phase = Phase::First;
            }
            Phase::First => {
                job.to = results(cx, job.at, job.end)? as i64;
                job.phase = if job.to == 0 { Phase::Done } else { Phase::Next };
            }
            Phase::Next => {
                pay!(cx, job);
                let last = job.at == job.end;
                let at = job.at;
                job.at = at.wrapping_add(1);
                if last {
                    ask!(cx, job, Done, get(cx, obj, at));
                } else {
                    ask!(cx, job, Next, get(cx, obj, at));
                }
            }
            _ => return Ok(Step::Return(job.to as u32)),
        }
    }
}

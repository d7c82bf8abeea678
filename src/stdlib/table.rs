//! `table`: functions over anything that can be indexed like a table.
//!
//! 1. A table without metamethods is worked on directly, on its array part where the positions are in it.
//! 2. For everything else each function is a state machine, a [`Job`], that reads and writes in the order of the
//!    reference. An operation leaves its result on top of the window, whether it was there at once or a metamethod had to
//!    be called for it; so the next phase always finds it there.

use super::Lib;
use crate::limits::{BYTES_PER_REDUCTION, STRING_PIECE, TABLE_PIECE};
use crate::vm::LuaError;
use crate::vm::meta::Event;
use crate::vm::native::progress::{Buffer, Kept};
use crate::vm::native::text::Text;
use crate::vm::native::{Args, Cx, Kind, Native, Step, Tab, Val, native_flag};

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "table",
    functions: &[
        Native::new("concat", concat),
        Native::new("insert", insert).quick(quick_insert),
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

/// States: a [`Job`] is kept, or what a function over a plain table keeps.
const JOB: u64 = 1;
const PLAIN: u64 = 2;

/// A number of elements on their way from one place to another, in one table or two. Where the places overlap nothing is
/// overwritten before it has moved.
#[derive(Clone, Copy)]
struct Moving {
    from: i64,
    to: i64,
    n: i64,
    /// Elements moved so far.
    done: i64,
}

impl Kept for Moving {}

impl Moving {
    /// Moves elements until all have moved (true), the budget is used up or a large table must make room.
    fn run<'gc>(&mut self, cx: &mut Cx<'gc>, source: Tab<'gc>, dest: Tab<'gc>) -> Result<bool, LuaError> {
        let backwards = source == dest && self.to > self.from && self.to < self.from.saturating_add(self.n);
        while self.done < self.n {
            let piece = (self.n - self.done).min(TABLE_PIECE as i64);
            let first = if backwards { self.n - self.done - piece } else { self.done };
            let (from, to) = (self.from.wrapping_add(first), self.to.wrapping_add(first));
            let inside = source == dest && from > 0 && to > 0;
            let cost = if inside && source.array_move(from as usize - 1, to as usize - 1, piece as usize) {
                self.done += piece;
                piece / 8
            } else {
                for i in 0..piece {
                    let i = if backwards { piece - 1 - i } else { i };
                    let (v, key) = (source.get_int(from.wrapping_add(i)), Val::int(to.wrapping_add(i)));
                    if !dest.set_in_turns(cx, key, v)? {
                        return Ok(false);
                    }
                    self.done += 1;
                }
                piece / 2
            };
            if cx.charge(cost as usize) && self.done < self.n {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes on in the next slice.
    fn wait(self, cx: &mut Cx<'_>) -> R {
        cx.set_state(PLAIN);
        cx.keep(self);
        Ok(Step::Again)
    }
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
    text: Text,
}

impl Kept for Job {
    fn outside(&self) -> usize {
        self.text.outside()
    }
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
        cx.set_state(JOB);
        cx.take::<Self>().unwrap_or_else(|| {
            Box::new(Self { phase: Phase::Start, args: cx.top(), at: 0, to: 0, end: 0, text: Text::new() })
        })
    }
}

/// Goes on in `$phase` after an operation, which may need a call first.
macro_rules! ask {
    ($cx:ident, $job:ident, $phase:ident, $operation:expr) => {{
        $job.phase = Phase::$phase;
        if let Some(step) = $operation? {
            $cx.keep_boxed($job);
            return Ok(step);
        }
    }};
}

/// Pays for one element; ends the slice if that is due.
macro_rules! pay {
    ($cx:ident, $job:ident) => {
        if $cx.charge(1) {
            $cx.keep_boxed($job);
            return Ok(Step::Again);
        }
    };
}

// ---- insert and remove ----

fn wrong_number() -> LuaError {
    LuaError::message("wrong number of arguments to 'insert'")
}

fn insert(cx: &mut Cx<'_>) -> R {
    if cx.state() == JOB {
        return insert_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return insert_slow(cx) };
    if let Some(gap) = cx.take::<Moving>() {
        return open_gap(cx, t, *gap);
    }
    let end = t.raw_len().wrapping_add(1);
    match cx.top() {
        2 => t.set_int(cx, end, cx.arg(1))?,
        3 => {
            let pos = check_position(cx, end)?;
            if pos < end {
                let last = t.get_int(end - 1);
                t.set_int(cx, end, last)?;
                return open_gap(cx, t, Moving { from: pos, to: pos + 1, n: end - 1 - pos, done: 0 });
            }
            t.set_int(cx, end, cx.arg(2))?;
        }
        _ => return Err(wrong_number()),
    }
    Ok(Step::Return(0))
}

/// Appends to a table without a metatable.
fn quick_insert(args: Args<'_>) -> Val<'_> {
    match args.get(0).as_table() {
        Some(t) if args.len() == 2 && t.metatable().is_none() => {
            let end = t.raw_len().wrapping_add(1);
            if args.set_int(t, end, args.get(1)) { Val::NOTHING } else { Val::DECLINED }
        }
        _ => Val::DECLINED,
    }
}

fn check_position(cx: &Cx<'_>, end: i64) -> Result<i64, LuaError> {
    let pos = cx.check_int(1)?;
    if 1 <= pos && pos <= end { Ok(pos) } else { Err(LuaError::argument(2, "position out of bounds")) }
}

/// Moves elements up and puts the third argument where the first one was.
fn open_gap<'gc>(cx: &mut Cx<'gc>, t: Tab<'gc>, mut gap: Moving) -> R {
    if !gap.run(cx, t, t)? {
        return gap.wait(cx);
    }
    t.set_int(cx, gap.from, cx.arg(2))?;
    Ok(Step::Return(0))
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
    if cx.state() == JOB {
        return remove_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return remove_slow(cx) };
    if let Some(gap) = cx.take::<Moving>() {
        return close_gap(cx, t, *gap);
    }
    let size = t.raw_len();
    let pos = remove_position(cx, cx.top() > 1, size)?;
    let removed = t.get_int(pos);
    if pos < size {
        cx.push(removed);
        return close_gap(cx, t, Moving { from: pos + 1, to: pos, n: size - pos, done: 0 });
    }
    if !removed.is_nil() {
        t.set_int(cx, pos, Val::NIL)?;
    }
    cx.ret(removed)
}

/// Moves elements down over the removed one, which is on top of the window.
fn close_gap<'gc>(cx: &mut Cx<'gc>, t: Tab<'gc>, mut gap: Moving) -> R {
    if !gap.run(cx, t, t)? {
        return gap.wait(cx);
    }
    t.set_int(cx, gap.to + gap.n, Val::NIL)?;
    Ok(Step::Return(1))
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
    if cx.state() == JOB {
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
        let mut moving = cx.take::<Moving>().map_or(Moving { from, to, n, done: 0 }, |kept| *kept);
        if !moving.run(cx, source, dest)? {
            return moving.wait(cx);
        }
        return cx.ret(cx.arg(target));
    }
    move_slow(cx)
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
    if cx.state() == JOB {
        return concat_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return concat_slow(cx) };
    let sep = cx.opt_str(1)?;
    let sep = sep.as_ref().map_or(&b""[..], |s| s.bytes());
    if let Some(joining) = cx.take::<Joining>() {
        return concat_long(cx, t, sep, joining);
    }
    let last = t.raw_len();
    let first = cx.opt_int(2, 1)?;
    let last = cx.opt_int(3, last)?;
    if first > last {
        return cx.ret_str(b"");
    }
    let mut joining = Joining {
        first,
        last,
        at: first,
        len: 0,
        strings: true,
        measured: false,
        out: None,
        text: Text::new(),
    };
    joining.len =
        sep.len().checked_mul((last as i128 - first as i128) as usize).ok_or_else(LuaError::memory)?;
    if last.wrapping_sub(first) as u64 >= TABLE_PIECE as u64 {
        return concat_long(cx, t, sep, Box::new(joining));
    }
    joining.measure(cx, t)?;
    if !joining.strings || joining.len > STRING_PIECE {
        return concat_long(cx, t, sep, Box::new(joining));
    }
    cx.charge(joining.len / BYTES_PER_REDUCTION);
    let joined = cx.string_with(joining.len, |mut out| {
        for i in first..=last {
            if let Some(s) = t.get_int(i).as_str() {
                append(&mut out, s.bytes());
            }
            if i != last {
                append(&mut out, sep);
            }
        }
    })?;
    cx.ret(joined)
}

/// A `concat` over a plain table. Strings are measured first and then copied once into place; as soon as there is a
/// number among them the text grows instead.
struct Joining {
    first: i64,
    last: i64,
    /// The next element to measure or to write.
    at: i64,
    /// Bytes of the strings and separators, later those still to be written.
    len: usize,
    strings: bool,
    measured: bool,
    out: Option<Buffer>,
    text: Text,
}

impl Kept for Joining {
    fn outside(&self) -> usize {
        self.out.as_ref().map_or(0, Buffer::len) + self.text.outside()
    }
}

impl Joining {
    /// The end of the piece that starts at `at`. A number takes about eight times as long to write as a string.
    fn piece(&self) -> i64 {
        let writes_numbers = self.measured && self.out.is_none();
        let elements = if writes_numbers { TABLE_PIECE / 8 } else { TABLE_PIECE };
        self.at.saturating_add(elements as i64 - 1).min(self.last)
    }

    /// Steps behind `end`; true if that was the last element.
    fn pass(&mut self, end: i64) -> bool {
        let all = end == self.last;
        self.at = if all { self.first } else { end + 1 };
        all
    }

    /// Adds up the lengths of the next piece and checks that it is text.
    fn measure(&mut self, cx: &mut Cx<'_>, t: Tab<'_>) -> Result<bool, LuaError> {
        let end = self.piece();
        for i in self.at..=end {
            match t.get_int(i).kind() {
                Kind::Str(s) => self.len = self.len.checked_add(s.len()).ok_or_else(LuaError::memory)?,
                Kind::Int(_) | Kind::Float(_) => self.strings = false,
                _ if t.get_int(i).as_error().is_some() => self.strings = false,
                _ => return Err(not_text(t.get_int(i), i)),
            }
        }
        let spent = cx.charge((end - self.at) as usize / 4);
        self.measured = self.pass(end);
        Ok(spent)
    }

    /// Writes the next piece; `None` after the last one, otherwise whether the budget is used up.
    fn write(&mut self, cx: &mut Cx<'_>, t: Tab<'_>, sep: &[u8]) -> Result<Option<bool>, LuaError> {
        let end = self.piece();
        let mut cost = 0;
        if let Some(buffer) = &mut self.out {
            let total = buffer.len();
            let mut out = &mut buffer.bytes_mut()[total - self.len..];
            for i in self.at..=end {
                if let Some(s) = t.get_int(i).as_str() {
                    append(&mut out, s.bytes());
                }
                if i != self.last {
                    append(&mut out, sep);
                }
            }
            cost += (self.len - out.len()) / BYTES_PER_REDUCTION + (end - self.at) as usize / 4;
            self.len = out.len();
        } else {
            for i in self.at..=end {
                let v = t.get_int(i);
                let text = v.as_str().map(|s| s.len()).or_else(|| v.as_error().map(|e| e.message().len()));
                let longest = text.unwrap_or(NUMBER) + sep.len();
                cx.grow_text(&mut self.text, longest)?;
                write_text(&mut self.text, v);
                if i != self.last {
                    self.text.extend_from_slice(sep);
                }
                cost += if v.is_number() && !v.is_int() { 8 } else { 1 } + longest / BYTES_PER_REDUCTION;
            }
        }
        let spent = cx.charge(cost);
        Ok(if self.pass(end) { None } else { Some(spent) })
    }
}

/// No number takes more bytes.
const NUMBER: usize = 32;

fn concat_long<'gc>(cx: &mut Cx<'gc>, t: Tab<'gc>, sep: &[u8], mut joining: Box<Joining>) -> R {
    loop {
        let spent = if joining.measured {
            match joining.write(cx, t, sep)? {
                Some(spent) => spent,
                None => break,
            }
        } else {
            let spent = joining.measure(cx, t)?;
            if joining.measured && joining.strings {
                joining.out = Some(cx.buffer(joining.len)?);
            }
            spent
        };
        if spent {
            cx.set_state(PLAIN);
            cx.keep_boxed(joining);
            return Ok(Step::Again);
        }
    }
    match joining.out {
        Some(buffer) => {
            let s = cx.string_of_buffer(buffer)?;
            cx.ret(s)
        }
        None => cx.ret_text(&mut joining.text),
    }
}

/// Writes at the start of `out` and leaves the rest.
fn append(out: &mut &mut [u8], bytes: &[u8]) {
    let (start, rest) = std::mem::take(out).split_at_mut(bytes.len());
    start.copy_from_slice(bytes);
    *out = rest;
}

/// Appends a string, a number or an error object's message as text; false for other values.
fn write_text(out: &mut Text, v: Val<'_>) -> bool {
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
                    return cx.ret_text(&mut job.text);
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

/// State [`PLAIN`]: the table is on top of the window, and how many values it holds is kept.
fn pack(cx: &mut Cx<'_>) -> R {
    let mut filled = cx.take::<Filled>().map_or(0, |kept| kept.0);
    if cx.state() != PLAIN {
        let t = cx.table(cx.top(), 1)?;
        cx.push(t.into());
        // Also for a second attempt after a refused allocation.
        cx.set_state(PLAIN);
    }
    let n = cx.top() - 1;
    let t = cx.check_table(n)?;
    while filled < n {
        let end = n.min(filled + TABLE_PIECE);
        t.set_list(cx, filled, end - filled)?;
        let spent = cx.charge((end - filled) / 8);
        filled = end;
        if spent && filled < n {
            cx.keep(Filled(filled));
            return Ok(Step::Again);
        }
    }
    t.set_name(cx, "n", Val::int(n as i64))?;
    Ok(Step::Return(1))
}

/// Values that `pack` has stored or `unpack` has pushed.
struct Filled(usize);

impl Kept for Filled {}

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
    if cx.state() == JOB {
        return unpack_slow(cx);
    }
    let Some(t) = plain(cx, cx.arg(0)) else { return unpack_slow(cx) };
    let first = cx.opt_int(1, 1)?;
    let last = if cx.arg(2).is_nil() { t.raw_len() } else { cx.check_int(2)? };
    let (n, mut pushed) = match cx.take::<Filled>() {
        Some(kept) => (last.wrapping_sub(first) as usize + 1, kept.0),
        None => {
            // What is pushed now must not look like arguments when this goes on.
            cx.set_top(3);
            (results(cx, first, last)?, 0)
        }
    };
    while pushed < n {
        let end = n.min(pushed + TABLE_PIECE);
        for i in pushed..end {
            cx.push(t.get_int(first.wrapping_add(i as i64)));
        }
        let spent = cx.charge((end - pushed) / 8);
        pushed = end;
        if spent && pushed < n {
            cx.set_state(PLAIN);
            cx.keep(Filled(pushed));
            return Ok(Step::Again);
        }
    }
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

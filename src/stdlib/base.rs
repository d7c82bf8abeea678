//! The basic functions: `print`, `pairs`, `pcall`, `load`, ….

use super::Lib;
use crate::limits::{BYTES_PER_REDUCTION, DIGITS_PER_REDUCTION};
use crate::vm::LuaError;
use crate::vm::meta::Event;
use crate::vm::native::loading::Origin;
use crate::vm::native::progress::Kept;
use crate::vm::native::{Args, Cx, Kind, Native, PROTECTING, Step, Val, native_flag};
use crate::vm::read_only::read_only_error;
use std::borrow::Cow;
use std::io::Read as _;

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "_G",
    functions: &[
        Native::new("assert", assert),
        Native::new("collectgarbage", collectgarbage),
        Native::with("dofile", dofile, native_flag::YIELDABLE),
        Native::new("error", error),
        Native::new("getmetatable", getmetatable),
        Native::new("ipairs", ipairs),
        Native::new("loadfile", loadfile),
        Native::with("load", load, native_flag::CATCH | native_flag::INHERIT),
        Native::with("next", next, native_flag::NEXT),
        Native::new("pairs", pairs),
        Native::with("pcall", pcall, native_flag::CATCH | native_flag::YIELDABLE | native_flag::PROTECT),
        Native::new("print", print),
        Native::new("rawequal", rawequal).quick(quick_rawequal),
        Native::new("rawlen", rawlen),
        Native::new("rawget", rawget).quick(quick_rawget),
        Native::new("rawset", rawset),
        Native::new("select", select).quick(quick_select),
        Native::new("setmetatable", setmetatable).quick(quick_setmetatable),
        Native::new("tonumber", tonumber).quick(quick_tonumber),
        Native::new("tostring", tostring).quick(quick_tostring),
        Native::new("type", type_).quick(quick_type),
        Native::with("xpcall", xpcall, native_flag::CATCH | native_flag::HANDLER | native_flag::YIELDABLE),
    ],
};

static IPAIRS_STEP: Native = Native::with("ipairs_step", ipairs_step, native_flag::IPAIRS);

fn assert(cx: &mut Cx<'_>) -> R {
    cx.check_any(0)?;
    if cx.arg(0).is_truthy() {
        let n = cx.top();
        return Ok(Step::Return(n as u32));
    }
    if cx.top() < 2 {
        return Err(LuaError::message("assertion failed!"));
    }
    // As 5.3, which goes through `error`: a string gets the position of the caller.
    match cx.arg(1).as_str() {
        Some(s) => Err(LuaError::message(s.bytes())),
        None => Err(cx.raise(cx.arg(1))),
    }
}

fn error(cx: &mut Cx<'_>) -> R {
    let level = cx.opt_int(1, 1)?;
    let v = cx.arg(0);
    if let Some(s) = v.as_str()
        && level > 0
    {
        let mut text = cx.where_(u32::try_from(level).unwrap_or(u32::MAX));
        text.extend_from_slice(s.bytes());
        let message = cx.string(&text)?;
        return Err(cx.raise(message));
    }
    Err(cx.raise(v))
}

fn getmetatable(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    let Some(meta) = cx.metatable(v) else { return cx.ret(Val::NIL) };
    let protected = cx.metafield(v, Event::Metatable);
    if protected.is_nil() { cx.ret(meta) } else { cx.ret(protected) }
}

fn setmetatable(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(0)?;
    let meta = match cx.arg(1).kind() {
        Kind::Table(meta) => Some(meta),
        Kind::Nil if cx.top() > 1 => None,
        _ => return Err(LuaError::argument(2, "nil or table expected")),
    };
    if !cx.metafield(t.into(), Event::Metatable).is_nil() {
        return Err(LuaError::message("cannot change a protected metatable"));
    }
    cx.set_metatable(t.into(), meta)?;
    cx.ret(t)
}

fn quick_setmetatable(args: Args<'_>) -> Val<'_> {
    match (args.get(0).as_table(), args.get(1).as_table()) {
        (Some(t), Some(meta))
            if args.metafield(t.into(), Event::Metatable).is_nil() && args.set_metatable(t, meta) =>
        {
            t.into()
        }
        _ => Val::DECLINED,
    }
}

fn quick_rawequal(args: Args<'_>) -> Val<'_> {
    if args.len() < 2 { Val::DECLINED } else { Val::bool(args.get(0).raw_equal(args.get(1))) }
}

fn quick_rawget(args: Args<'_>) -> Val<'_> {
    match args.get(0).as_table() {
        Some(t) if args.len() > 1 => t.get(args.get(1)),
        _ => Val::DECLINED,
    }
}

fn quick_type(args: Args<'_>) -> Val<'_> {
    // What a userdata stands for decides its name.
    match args.get(0).kind() {
        Kind::Userdata(_) => Val::DECLINED,
        _ if args.is_empty() => Val::DECLINED,
        _ => args.type_name(args.get(0)),
    }
}

/// `select('#', ...)`.
fn quick_select(args: Args<'_>) -> Val<'_> {
    match args.get(0).as_str() {
        Some(s) if s.bytes() == b"#" => Val::int(args.len() as i64 - 1),
        _ => Val::DECLINED,
    }
}

fn quick_tonumber(args: Args<'_>) -> Val<'_> {
    let v = args.get(0);
    // Long strings pay for their length, in the ordinary form.
    if args.len() == 1 && (v.is_number() || v.as_str().is_some_and(|s| s.len() <= DIGITS_AT_ONCE)) {
        v.to_number().unwrap_or(Val::NIL)
    } else {
        Val::DECLINED
    }
}

fn quick_tostring(args: Args<'_>) -> Val<'_> {
    let v = args.get(0);
    if v.as_str().is_none() || !args.metafield(v, Event::ToString).is_nil() {
        return Val::DECLINED;
    }
    v
}

fn rawequal(cx: &mut Cx<'_>) -> R {
    let (a, b) = (cx.check_any(0)?, cx.check_any(1)?);
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str())
        && a.len() == b.len()
    {
        cx.charge(a.len() / BYTES_PER_REDUCTION);
    }
    cx.ret(a.raw_equal(b))
}

fn rawlen(cx: &mut Cx<'_>) -> R {
    match cx.arg(0).kind() {
        Kind::Table(t) => cx.ret(t.raw_len()),
        Kind::Str(s) => cx.ret(s.len() as i64),
        _ => Err(LuaError::argument(1, "table or string expected")),
    }
}

fn rawget(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(0)?;
    let key = cx.check_any(1)?;
    cx.ret(t.get(key))
}

fn rawset(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(0)?;
    let (key, v) = (cx.check_any(1)?, cx.check_any(2)?);
    if t.is_read_only() {
        return Err(read_only_error(key));
    }
    if t.set_in_turns(cx, key, v)? { cx.ret(t) } else { Ok(Step::Again) }
}

fn type_(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    let name = cx.name(v.lua_type_name());
    cx.ret(name)
}

fn next(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(0)?;
    cx.ret_next(t, cx.arg(1))
}

fn pairs(cx: &mut Cx<'_>) -> R {
    if cx.state() == 1 {
        return Ok(Step::Return(3));
    }
    let v = cx.check_any(0)?;
    let handler = cx.metafield(v, Event::Pairs);
    if !handler.is_nil() {
        cx.set_state(1);
        return cx.call(&[handler, v], 3);
    }
    // Whether it is a table, `next` finds out.
    let next = cx.globals_next();
    cx.push(next);
    cx.push(v);
    cx.push(Val::NIL);
    Ok(Step::Return(3))
}

fn ipairs(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    cx.push(Val::native(&IPAIRS_STEP));
    cx.push(v);
    cx.push(Val::int(0));
    Ok(Step::Return(3))
}

fn ipairs_step(cx: &mut Cx<'_>) -> R {
    let i = cx.check_int(1)?.wrapping_add(1);
    let v = if cx.state() == 1 {
        cx.arg(cx.top() - 1)
    } else {
        match cx.index(cx.arg(0), Val::int(i))? {
            Ok(v) => v,
            Err(call) => {
                cx.set_state(1);
                return cx.call(&call, 1);
            }
        }
    };
    if v.is_nil() {
        return cx.ret(Val::NIL);
    }
    cx.push(Val::int(i));
    cx.push(v);
    Ok(Step::Return(2))
}

/// Its state while the function runs, 1, is known to the dispatcher ([`native_flag::PROTECT`]).
fn pcall(cx: &mut Cx<'_>) -> R {
    if let Some(e) = cx.caught() {
        cx.push(Val::FALSE);
        cx.push(e);
        return Ok(Step::Return(2));
    }
    if cx.state() == 0 {
        cx.check_any(0)?;
        cx.set_state(PROTECTING);
        let args = cx.top() as u32 - 1;
        return Ok(Step::Call { args, results: -1 });
    }
    cx.insert(0, Val::TRUE);
    let n = cx.top() as u32;
    Ok(Step::Return(n))
}

/// Window: handler, then function and arguments.
fn xpcall(cx: &mut Cx<'_>) -> R {
    if let Some(e) = cx.caught() {
        cx.push(Val::FALSE);
        cx.push(e);
        return Ok(Step::Return(2));
    }
    if cx.state() == 0 {
        cx.check_function(1)?;
        let (f, handler) = (cx.arg(0), cx.arg(1));
        cx.set(0, handler);
        cx.set(1, f);
        cx.set_state(1);
        let args = cx.top() as u32 - 2;
        return Ok(Step::Call { args, results: -1 });
    }
    cx.set(0, Val::TRUE);
    let n = cx.top() as u32;
    Ok(Step::Return(n))
}

fn select(cx: &mut Cx<'_>) -> R {
    let n = cx.top() as i64;
    if cx.arg(0).as_str().is_some_and(|s| s.bytes() == b"#") {
        return cx.ret(n - 1);
    }
    let mut i = cx.check_int(0)?;
    if i < 0 {
        i += n;
    } else if i > n {
        i = n;
    }
    if i < 1 {
        return Err(LuaError::argument(1, "index out of range"));
    }
    Ok(Step::Return((n - i) as u32))
}

fn tonumber(cx: &mut Cx<'_>) -> R {
    if cx.arg(1).is_nil() {
        let v = cx.check_any(0)?;
        if let Some(s) = v.as_str() {
            cx.charge(s.len() / DIGITS_PER_REDUCTION);
        }
        return cx.ret(v.to_number().unwrap_or(Val::NIL));
    }
    let base = cx.check_int(1)?;
    let Some(s) = cx.arg(0).as_str() else { return Err(cx.type_error(0, "string")) };
    if !(2..=36).contains(&base) {
        return Err(LuaError::argument(2, "base out of range"));
    }
    let (negative, digits) = signed_digits(s.bytes());
    if digits.is_empty() {
        return cx.ret(Val::NIL);
    }
    let mut numeral = cx.take::<Numeral>().map_or_else(Numeral::default, |kept| *kept);
    while numeral.read < digits.len() {
        let end = digits.len().min(numeral.read + DIGITS_AT_ONCE);
        for &b in &digits[numeral.read..end] {
            let Some(digit) = char::from(b).to_digit(base as u32) else { return cx.ret(Val::NIL) };
            numeral.value = numeral.value.wrapping_mul(base).wrapping_add(i64::from(digit));
        }
        let spent = cx.charge((end - numeral.read) / DIGITS_PER_REDUCTION);
        numeral.read = end;
        if spent && end < digits.len() {
            cx.keep(numeral);
            return Ok(Step::Again);
        }
    }
    cx.ret(if negative { numeral.value.wrapping_neg() } else { numeral.value })
}

/// Bytes of a numeral read between two looks at the budget.
const DIGITS_AT_ONCE: usize = 1 << 13;

/// A numeral in another base under way.
#[derive(Clone, Copy, Default)]
struct Numeral {
    read: usize,
    value: i64,
}

impl Kept for Numeral {}

/// Whether there is a minus sign, and what is between the sign and the white space at the end.
fn signed_digits(text: &[u8]) -> (bool, &[u8]) {
    let is_space = |b: u8| b.is_ascii_whitespace() || b == 0x0b;
    let start = text.iter().position(|&b| !is_space(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|&b| !is_space(b)).map_or(start, |last| last + 1);
    match &text[start..end] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

fn tostring(cx: &mut Cx<'_>) -> R {
    if cx.state() == 1 {
        return super::returned_string(cx);
    }
    let v = cx.check_any(0)?;
    match cx.to_display(v)? {
        Ok(s) => cx.ret(s),
        Err(handler) => {
            cx.set_state(1);
            cx.call(&[handler, v], 1)
        }
    }
}

/// What `print` keeps while it calls: the number of arguments, above which `tostring` lies, and whether the program can tell that
/// it is called for each of them, because it has replaced it or has a hook.
#[derive(Clone, Copy)]
struct Printing {
    args: usize,
    observed: bool,
}

impl Kept for Printing {}

/// The state counts the arguments printed so far, twice; odd while a call for the next one runs.
fn print(cx: &mut Cx<'_>) -> R {
    let mut state = cx.state() as usize;
    // The window grows by results of calls; the arguments are counted at the first entry.
    let printing = match cx.take::<Printing>() {
        Some(kept) => *kept,
        None => {
            let (args, to_string) = (cx.top(), cx.globals().get_name("tostring"));
            cx.push(to_string);
            Printing { args, observed: cx.is_hooked() || !is_tostring(to_string) }
        }
    };
    let mut line = Vec::new();
    while state / 2 < printing.args {
        let i = state / 2;
        let shown = if state % 2 == 1 {
            let v = cx.pop();
            if v.is_number() {
                cx.number_string(v)?
            } else if v.is_string() {
                v
            } else {
                return Err(LuaError::message("'tostring' must return a string to 'print'"));
            }
        } else {
            let v = cx.arg(i);
            let plain = if printing.observed { None } else { cx.to_display(v)?.ok() };
            let Some(plain) = plain else {
                // As 5.3: `tostring` calls the handler, and stands between it and `print` in a traceback.
                super::write_stdout(&line)?;
                cx.set_state(state as u64 + 1);
                let to_string = cx.arg(printing.args);
                cx.keep(printing);
                return cx.call(&[to_string, v], 1);
            };
            plain
        };
        if i > 0 {
            line.push(b'\t');
        }
        if let Some(s) = shown.as_str() {
            line.extend_from_slice(s.bytes());
        }
        state = (i + 1) * 2;
    }
    line.push(b'\n');
    super::print_stdout(&line)?;
    Ok(Step::Return(0))
}

fn is_tostring(v: Val<'_>) -> bool {
    let own = LIB.functions.iter().find(|f| f.name == "tostring");
    v.as_native().zip(own).is_some_and(|(f, own)| std::ptr::eq(f, own))
}

fn collectgarbage(cx: &mut Cx<'_>) -> R {
    const OPTIONS: [&str; 8] =
        ["stop", "restart", "collect", "count", "step", "setpause", "setstepmul", "isrunning"];
    match cx.state() {
        0 => {}
        // Finalizers run one after the other.
        BEFORE | BEFORE_STEP => return collect(cx),
        _ => return finish_collection(cx),
    }
    let option = super::check_option(cx, 0, Some("collect"), &OPTIONS)?;
    let arg = cx.opt_int(1, 0)?;
    match OPTIONS[option] {
        "stop" => {
            cx.vm_mut().heap.gc.stopped = true;
            cx.ret(0)
        }
        "restart" => {
            let heap = &mut cx.vm_mut().heap;
            heap.gc.stopped = false;
            heap.restart_pacing();
            cx.ret(0)
        }
        "count" => {
            let bytes = cx.vm().heap.bytes_in_use();
            cx.ret(bytes as f64 / 1024.0)
        }
        "setpause" => {
            let old = std::mem::replace(&mut cx.vm_mut().heap.gc.pause, arg);
            cx.ret(old)
        }
        "setstepmul" => {
            let old = std::mem::replace(&mut cx.vm_mut().heap.gc.stepmul, arg.max(40));
            cx.ret(old)
        }
        "isrunning" => {
            let running = !cx.vm().heap.gc.stopped;
            cx.ret(running)
        }
        "step" => {
            if !cx.vm_mut().heap.step(usize::try_from(arg).unwrap_or(0)) {
                return cx.ret(false);
            }
            cx.set_top(0);
            cx.set_state(BEFORE_STEP);
            collect(cx)
        }
        _ => {
            cx.set_top(0);
            cx.set_state(BEFORE);
            collect(cx)
        }
    }
}

/// States of `collectgarbage`: finalizers that were due before, and those that the collection finds.
const BEFORE: u64 = 1;
const BEFORE_STEP: u64 = 2;
const AFTER: u64 = 3;
const AFTER_STEP: u64 = 4;

/// A full collection; a long one ends before the next entry. As 5.3 it first ends the last one, whose finalizers may still be due.
fn collect(cx: &mut Cx<'_>) -> R {
    if cx.push_due_finalizer() {
        return Ok(Step::CallFinalizer);
    }
    cx.set_state(if cx.state() == BEFORE_STEP { AFTER_STEP } else { AFTER });
    if cx.collect() { finish_collection(cx) } else { Ok(Step::Again) }
}

fn finish_collection(cx: &mut Cx<'_>) -> R {
    if cx.push_due_finalizer() {
        return Ok(Step::CallFinalizer);
    }
    if cx.state() == AFTER_STEP { cx.ret(true) } else { cx.ret(0) }
}

/// The largest string that `load` gathers from the pieces of a reader function.
const PIECES_AT_ONCE: usize = 1 << 30;

/// Compiles or loads a chunk if the mode in argument `mode_at` allows its kind, and returns as `load` does.
fn load_chunk(
    cx: &mut Cx<'_>,
    chunk: Cow<'_, [u8]>,
    name: &[u8],
    origin: Origin,
    mode_at: usize,
    env_at: Option<usize>,
) -> R {
    // As 5.3: names of chunks are C strings.
    let name = super::os::c_string(name);
    let mode = cx.opt_str(mode_at)?;
    let mode = mode.as_ref().map_or(&b"bt"[..], |s| s.bytes());
    let (kind, letter) = if chunk.first() == Some(&0x1b) { ("binary", b'b') } else { ("text", b't') };
    if !mode.contains(&letter) {
        let text = format!("attempt to load a {kind} chunk (mode is '{}')", String::from_utf8_lossy(mode));
        return finish_load(cx, Err(text.into_bytes()));
    }
    cx.set_state(LOADING + env_at.unwrap_or(0) as u64);
    let env = env_at.map(|i| cx.arg(i));
    match cx.load_in_turns(chunk, name, origin, env)? {
        Some(loaded) => finish_load(cx, loaded),
        None => Ok(Step::Again),
    }
}

/// State of a function that loads a large chunk; it is more by the index of the argument that is the chunk's environment.
const LOADING: u64 = 8;

fn go_on_loading(cx: &mut Cx<'_>) -> R {
    let env_at = (cx.state() - LOADING) as usize;
    let env = (env_at > 0).then(|| cx.arg(env_at));
    match cx.go_on_loading(env)? {
        Some(loaded) => finish_load(cx, loaded),
        None => Ok(Step::Again),
    }
}

/// Pieces that a reader function returned so far.
struct Pieces(Vec<u8>);

impl Kept for Pieces {
    fn outside(&self) -> usize {
        self.0.capacity()
    }
}

fn load(cx: &mut Cx<'_>) -> R {
    if let Some(e) = cx.caught() {
        // The reader failed.
        cx.push(Val::NIL);
        cx.push(e);
        return Ok(Step::Return(2));
    }
    if cx.state() >= LOADING {
        return go_on_loading(cx);
    }
    let has_env = cx.top() >= 4;
    if cx.state() == 0 {
        cx.opt_str(2)?;
        if let Some(chunk) = cx.arg(0).as_str() {
            let name = cx.opt_str(1)?.unwrap_or(chunk);
            return load_chunk(
                cx,
                chunk.bytes().into(),
                name.bytes(),
                Origin::Process,
                2,
                has_env.then_some(3),
            );
        }
        // A number as chunk is its text, as in 5.3.
        if cx.arg(0).is_number() {
            cx.check_str(0)?;
            return load(cx);
        }
        cx.opt_str(1)?;
        cx.check_function(0)?;
        // Remember whether an environment was given before the window grows.
        cx.set_state(if has_env { 2 } else { 1 });
        cx.set_top(4);
        cx.keep(Pieces(Vec::new()));
        let reader = cx.arg(0);
        return cx.call(&[reader], 1);
    }
    let piece = cx.pop();
    let mut pieces = cx.take::<Pieces>().map_or_else(Vec::new, |p| p.0);
    match piece.kind() {
        Kind::Nil => {}
        Kind::Str(s) if s.is_empty() => {}
        Kind::Str(_) | Kind::Int(_) | Kind::Float(_) => {
            cx.push(piece);
            let top = cx.top() - 1;
            let s = cx.check_str(top)?;
            pieces.extend_from_slice(s.bytes());
            cx.reserve_memory(pieces.len())?;
            if pieces.len() > PIECES_AT_ONCE {
                return Err(LuaError::memory());
            }
            cx.pop();
            cx.keep(Pieces(pieces));
            let reader = cx.arg(0);
            return cx.call(&[reader], 1);
        }
        _ => {
            // As 5.3, whose `load` fails at its own place.
            let mut message = cx.vm().position(1);
            message.extend_from_slice(b"reader function must return a string");
            return finish_load(cx, Err(message));
        }
    }
    let name = cx.opt_str(1)?.map_or_else(|| b"=(load)".to_vec(), |s| s.bytes().to_vec());
    let env_at = (cx.state() == 2).then_some(3);
    load_chunk(cx, pieces.into(), &name, Origin::Process, 2, env_at)
}

fn finish_load<'gc>(cx: &mut Cx<'gc>, loaded: Result<Val<'gc>, Vec<u8>>) -> R {
    match loaded {
        Ok(f) => cx.ret(f),
        Err(message) => {
            let message = cx.string(&message)?;
            cx.push(Val::NIL);
            cx.push(message);
            Ok(Step::Return(2))
        }
    }
}

/// A chunk's name and contents, or the message.
pub(super) type Source = Result<(Vec<u8>, Vec<u8>), Vec<u8>>;

/// Reads a source file (standard input without a name), no more of it than the process has memory for: a file may be endless.
///
/// # Errors
/// Memory.
pub(super) fn read_source(cx: &Cx<'_>, file: Option<&[u8]>) -> Result<Source, LuaError> {
    // A longer one is refused by whoever compiles it.
    let most = cx.memory_left().min(u32::MAX as usize) + 1;
    let mut all = Vec::new();
    let (name, read) = match file {
        None => {
            let read = super::io::stream::lock(super::io::stream::stdin()).read_into(&mut all, most);
            (b"=stdin".to_vec(), read)
        }
        Some(path) => {
            let read = std::fs::File::open(super::path_of(path)).and_then(|file| {
                let length = file.metadata().map_or(0, |meta| meta.len());
                all.reserve(most.min(usize::try_from(length).unwrap_or(0)));
                file.take(most as u64).read_to_end(&mut all)
            });
            ([b"@", path].concat(), read)
        }
    };
    Ok(match read {
        Ok(_) if all.len() > cx.memory_left() => return Err(LuaError::memory()),
        Ok(_) => {
            skip_comment(&mut all);
            Ok((name, all))
        }
        Err(e) => {
            let path = file.unwrap_or(b"stdin");
            let verb: &[u8] =
                if e.kind() == std::io::ErrorKind::IsADirectory { b"cannot read " } else { b"cannot open " };
            Err([verb, path, b": ", super::os_error(&e).as_bytes()].concat())
        }
    })
}

/// Blanks out a byte-order mark and a first line that starts with `#`, as `luaL_loadfilex` does.
pub fn skip_comment(bytes: &mut Vec<u8>) {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    if bytes.first() == Some(&b'#') {
        let end = bytes.iter().position(|&b| b == b'\n').unwrap_or(bytes.len());
        // The line break stays, so that line numbers are right; a binary chunk follows it directly.
        let end = if bytes.get(end + 1) == Some(&0x1b) { end + 1 } else { end };
        bytes.drain(..end);
    }
}

/// State of a function that has collected because there was no memory for a file.
const COLLECTED: u64 = 4;

/// [`read_source`], again after a collection if there is no memory. `None`: return [`Step::Again`].
fn read_or_collect(cx: &mut Cx<'_>, file: Option<&[u8]>) -> Result<Option<Source>, LuaError> {
    match read_source(cx, file) {
        // What came from standard input is gone.
        Err(error) if error.is_memory() && file.is_some() && cx.state() != COLLECTED => {
            cx.set_state(COLLECTED);
            if cx.collect() { read_source(cx, file).map(Some) } else { Ok(None) }
        }
        read => read.map(Some),
    }
}

fn loadfile(cx: &mut Cx<'_>) -> R {
    if cx.state() >= LOADING {
        return go_on_loading(cx);
    }
    let file = cx.opt_str(0)?;
    cx.opt_str(1)?;
    let env_at = (cx.top() >= 3).then_some(2);
    let Some(source) = read_or_collect(cx, file.map(|f| f.bytes()))? else { return Ok(Step::Again) };
    match source {
        Ok((name, bytes)) => load_chunk(cx, bytes.into(), &name, Origin::File, 1, env_at),
        Err(message) => finish_load(cx, Err(message)),
    }
}

fn dofile(cx: &mut Cx<'_>) -> R {
    if cx.state() == 1 {
        let n = cx.top() as u32 - 1;
        return Ok(Step::Return(n));
    }
    let loaded = if cx.state() == LOADING {
        cx.go_on_loading(None)?
    } else {
        let file = cx.opt_str(0)?;
        cx.set_top(1);
        let Some(source) = read_or_collect(cx, file.map(|f| f.bytes()))? else { return Ok(Step::Again) };
        let (name, bytes) = match source {
            Ok(read) => read,
            Err(message) => return Err(LuaError::bare(message)),
        };
        cx.set_state(LOADING);
        cx.load_in_turns(bytes.into(), &name, Origin::File, None)?
    };
    match loaded {
        Some(Ok(f)) => {
            cx.set_state(1);
            cx.call(&[f], -1)
        }
        Some(Err(message)) => Err(LuaError::bare(message)),
        None => Ok(Step::Again),
    }
}

/// Flushes what Lua wrote to standard output and all other files.
pub fn flush_stdout() {
    super::io::flush_all();
}

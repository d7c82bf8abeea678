//! The `debug` library for plain scripts.

use super::Lib;
use crate::vm::LuaError;
use crate::vm::native::{Co, Cx, Kind, Native, Step, Val, native_flag};
use std::io::{BufRead, Read, Write};

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "debug",
    functions: &[
        Native::with("debug", debug, native_flag::CATCH),
        Native::new("gethook", gethook),
        Native::new("getinfo", getinfo),
        Native::new("getlocal", getlocal),
        Native::new("getmetatable", getmetatable),
        Native::new("getregistry", getregistry),
        Native::new("getupvalue", getupvalue),
        Native::new("getuservalue", getuservalue),
        Native::new("sethook", sethook),
        Native::new("setlocal", setlocal),
        Native::new("setmetatable", setmetatable),
        Native::new("setupvalue", setupvalue),
        Native::new("setuservalue", setuservalue),
        Native::new("traceback", traceback),
        Native::new("upvalueid", upvalueid),
        Native::new("upvaluejoin", upvaluejoin),
    ],
};

/// The coroutine that an optional first argument names, the running one without it; and the index of the next argument.
fn coroutine<'gc>(cx: &Cx<'gc>) -> (Co<'gc>, usize) {
    match cx.arg(0).kind() {
        Kind::Thread(co) => (co, 1),
        _ => (cx.running().0, 0),
    }
}

/// Levels, positions and indices are C integers in 5.3.
const fn c_int(n: i64) -> i64 {
    n as i32 as i64
}

fn level_of(n: i64) -> Option<usize> {
    usize::try_from(c_int(n)).ok()
}

fn ret_name<'gc>(cx: &mut Cx<'gc>, name: Option<Vec<u8>>) -> R {
    match name {
        Some(name) => cx.ret_str(&name),
        None => cx.ret(Val::NIL),
    }
}

// ---- information ----

fn getinfo(cx: &mut Cx<'_>) -> R {
    let (co, first) = coroutine(cx);
    let mut options = cx.opt_str(first + 1)?.map_or(&b"flnStu"[..], |s| super::os::c_string(s.bytes()));
    let subject = cx.arg(first);
    let (info, f) = if subject.is_function() {
        (cx.function_info(subject), subject)
    } else {
        let level = level_of(cx.check_int(first)?);
        match level.and_then(|level| cx.frame_info(co, level)) {
            // As 5.3, where this option asks about what is on top of the stack: the last argument, function or not.
            Some(_) if options.first() == Some(&b'>') && co == cx.running().0 => {
                options = &options[1..];
                let last = cx.arg(cx.top() - 1);
                (cx.function_info(last), last)
            }
            Some(found) => found,
            None => return cx.ret(Val::NIL),
        }
    };
    if !options.iter().all(|o| b"SlnutLf".contains(o)) {
        return Err(LuaError::argument(first + 2, "invalid option"));
    }
    let asked = |option: u8| options.contains(&option);
    let t = cx.table(0, 16)?;
    cx.push(t.into());
    if asked(b'S') {
        for (name, text) in [("source", &info.source), ("short_src", &info.short_source)] {
            let text = cx.string(text)?;
            t.set_name(cx, name, text)?;
        }
        t.set_name(cx, "linedefined", Val::int(info.line_defined))?;
        t.set_name(cx, "lastlinedefined", Val::int(info.last_line_defined))?;
        let what = cx.name(info.what);
        t.set_name(cx, "what", what)?;
    }
    if asked(b'l') {
        t.set_name(cx, "currentline", Val::int(info.current_line))?;
    }
    if asked(b'u') {
        t.set_name(cx, "nups", Val::int(info.upvalues as i64))?;
        t.set_name(cx, "nparams", Val::int(info.params as i64))?;
        t.set_name(cx, "isvararg", Val::bool(info.is_vararg))?;
    }
    if asked(b'n') {
        if let Some(name) = &info.name {
            let name = cx.string(name)?;
            t.set_name(cx, "name", name)?;
        }
        let what = cx.name(info.name_what);
        t.set_name(cx, "namewhat", what)?;
    }
    if asked(b't') {
        t.set_name(cx, "istailcall", Val::bool(info.is_tail_call))?;
    }
    if asked(b'L')
        && let Some(lines) = cx.active_lines(f)
    {
        let active = cx.table(0, lines.len())?;
        t.set_name(cx, "activelines", active.into())?;
        for line in lines {
            active.set_int(cx, i64::from(line), Val::TRUE)?;
        }
    }
    if asked(b'f') {
        t.set_name(cx, "func", f)?;
    }
    Ok(Step::Return(1))
}

fn traceback(cx: &mut Cx<'_>) -> R {
    let (co, first) = coroutine(cx);
    let message = cx.arg(first);
    if !(message.is_nil() || message.is_string() || message.is_number()) {
        return cx.ret(message);
    }
    let default = i64::from(co == cx.running().0);
    let level = cx.opt_int(first + 1, default)?;
    let mut text = Vec::new();
    if !message.is_nil() {
        // As 5.3, which takes the message for a C string.
        text.extend_from_slice(super::os::c_string(cx.check_str(first)?.bytes()));
        text.push(b'\n');
    }
    // Finding names for the functions takes by far the longest.
    cx.charge(20);
    match level_of(level) {
        Some(level) => text.extend_from_slice(&cx.traceback(co, level)),
        None => text.extend_from_slice(b"stack traceback:"),
    }
    cx.ret_str(&text)
}

// ---- local variables and upvalues ----

fn getlocal(cx: &mut Cx<'_>) -> R {
    let (co, first) = coroutine(cx);
    let n = c_int(cx.check_int(first + 1)?);
    let subject = cx.arg(first);
    if subject.is_function() {
        let name = cx.parameter_name(subject, n);
        return ret_name(cx, name);
    }
    let level = check_level(cx, co, first)?;
    match cx.local(co, level, n) {
        Some((name, v)) => {
            let name = cx.string(&name)?;
            cx.push(name);
            cx.push(v);
            Ok(Step::Return(2))
        }
        None => cx.ret(Val::NIL),
    }
}

fn check_level<'gc>(cx: &Cx<'gc>, co: Co<'gc>, i: usize) -> Result<usize, LuaError> {
    match level_of(cx.check_int(i)?) {
        Some(level) if level < cx.depth(co) => Ok(level),
        _ => Err(LuaError::argument(i + 1, "level out of range")),
    }
}

fn setlocal(cx: &mut Cx<'_>) -> R {
    let (co, first) = coroutine(cx);
    cx.check_int(first)?;
    let n = c_int(cx.check_int(first + 1)?);
    let level = check_level(cx, co, first)?;
    let v = cx.check_any(first + 2)?;
    let name = cx.set_local(co, level, n, v);
    ret_name(cx, name)
}

fn getupvalue(cx: &mut Cx<'_>) -> R {
    let n = c_int(cx.check_int(1)?);
    let f = cx.check_function(0)?;
    match cx.function_upvalue(f, n) {
        Some((name, v)) => {
            let name = cx.string(&name)?;
            cx.push(name);
            cx.push(v);
            Ok(Step::Return(2))
        }
        None => Ok(Step::Return(0)),
    }
}

fn setupvalue(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(2)?;
    let n = c_int(cx.check_int(1)?);
    let f = cx.check_function(0)?;
    match cx.set_function_upvalue(f, n, v)? {
        Some(name) => cx.ret_str(&name),
        None => Ok(Step::Return(0)),
    }
}

/// Function in argument `i` and the number of one of its upvalues in the next.
fn check_upvalue<'gc>(cx: &Cx<'gc>, i: usize) -> Result<(Val<'gc>, i64), LuaError> {
    let n = c_int(cx.check_int(i + 1)?);
    let f = cx.check_function(i)?;
    if cx.function_upvalue(f, n).is_none() {
        return Err(LuaError::argument(i + 2, "invalid upvalue index"));
    }
    Ok((f, n))
}

fn upvalueid(cx: &mut Cx<'_>) -> R {
    let (f, n) = check_upvalue(cx, 0)?;
    match cx.upvalue_id(f, n) {
        Some(id) => cx.ret(Val::light(id)),
        None => cx.ret(Val::NIL),
    }
}

fn upvaluejoin(cx: &mut Cx<'_>) -> R {
    let (f1, n1) = check_upvalue(cx, 0)?;
    let (f2, n2) = check_upvalue(cx, 2)?;
    for (i, f) in [(1, f1), (3, f2)] {
        if !f.is_lua_function() {
            return Err(LuaError::argument(i, "Lua function expected"));
        }
    }
    cx.join_upvalues(f1, n1, f2, n2);
    Ok(Step::Return(0))
}

// ---- hooks ----

/// Mask bits of a hook, in the order in which `gethook` names them.
const EVENTS: [(u8, u8); 3] = [(b'c', 1), (b'r', 2), (b'l', 4)];
const COUNT_EVENT: u8 = 8;

fn sethook(cx: &mut Cx<'_>) -> R {
    let (co, first) = coroutine(cx);
    if cx.arg(first).is_nil() {
        cx.set_hook(co, None);
        return Ok(Step::Return(0));
    }
    let letters = cx.check_str(first + 1)?.bytes();
    let f = cx.check_function(first)?;
    let count = cx.opt_int(first + 2, 0)? as i32;
    let mut mask = 0;
    for (letter, bit) in EVENTS {
        if letters.contains(&letter) {
            mask |= bit;
        }
    }
    if count > 0 {
        mask |= COUNT_EVENT;
    }
    cx.set_hook(co, (mask != 0).then_some((f, mask, count)));
    Ok(Step::Return(0))
}

fn gethook(cx: &mut Cx<'_>) -> R {
    let (co, _) = coroutine(cx);
    let (f, mask, count) = cx.hook(co).unwrap_or((Val::NIL, 0, 0));
    let letters: Vec<u8> = EVENTS.iter().filter(|e| mask & e.1 != 0).map(|e| e.0).collect();
    let letters = cx.string(&letters)?;
    cx.push(f);
    cx.push(letters);
    cx.push(Val::int(i64::from(count)));
    Ok(Step::Return(3))
}

// ---- metatables, user values, registry ----

fn getmetatable(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    match cx.metatable(v) {
        Some(meta) => cx.ret(meta),
        None => cx.ret(Val::NIL),
    }
}

fn setmetatable(cx: &mut Cx<'_>) -> R {
    let meta = match cx.arg(1).kind() {
        Kind::Table(meta) => Some(meta),
        Kind::Nil if cx.top() > 1 => None,
        _ => return Err(LuaError::argument(2, "nil or table expected")),
    };
    let v = cx.arg(0);
    cx.set_metatable(v, meta)?;
    cx.ret(v)
}

fn getuservalue(cx: &mut Cx<'_>) -> R {
    match cx.arg(0).kind() {
        Kind::Userdata(ud) => cx.ret(ud.user_value()),
        _ => cx.ret(Val::NIL),
    }
}

fn setuservalue(cx: &mut Cx<'_>) -> R {
    let Kind::Userdata(ud) = cx.arg(0).kind() else { return Err(cx.type_error(0, "userdata")) };
    let v = cx.check_any(1)?;
    ud.set_user_value(cx, v)?;
    let ud = cx.arg(0);
    cx.ret(ud)
}

/// Nothing but programs looks at the two numbered entries of 5.3, so they are made when one asks for the registry.
fn getregistry(cx: &mut Cx<'_>) -> R {
    const MAIN_THREAD: i64 = 1;
    const GLOBALS: i64 = 2;
    if cx.registry().get_int(MAIN_THREAD).is_nil() {
        let main = cx.main_coroutine().into();
        cx.registry().set_int(cx, MAIN_THREAD, main)?;
        let globals = cx.globals().into();
        cx.registry().set_int(cx, GLOBALS, globals)?;
    }
    let registry = cx.registry();
    cx.ret(registry)
}

// ---- the interactive mode ----

/// Bytes of a command line; longer ones come in pieces, as in 5.3.
const COMMAND_LENGTH: u64 = 249;

/// Reads and runs commands from standard input until its end or a line `cont`. Entered again after each command.
fn debug(cx: &mut Cx<'_>) -> R {
    if let Some(e) = cx.caught() {
        report(e);
    }
    cx.set_top(0);
    loop {
        write_stderr(b"lua_debug> ");
        let mut line = Vec::new();
        let read = std::io::stdin().lock().take(COMMAND_LENGTH).read_until(b'\n', &mut line);
        if !matches!(read, Ok(n) if n > 0) || line == b"cont\n" {
            return Ok(Step::Return(0));
        }
        match cx.load(&line, b"=(debug command)", None)? {
            Ok(f) => return cx.call(&[f], 0),
            Err(message) => write_stderr(&[&message[..], b"\n"].concat()),
        }
    }
}

fn report(e: Val<'_>) {
    match e.as_str() {
        Some(text) => write_stderr(&[text.bytes(), b"\n"].concat()),
        None => write_stderr(b"(null)\n"),
    }
}

fn write_stderr(text: &[u8]) {
    super::base::flush_stdout();
    // Nobody is left to tell when standard error fails.
    let _ = std::io::stderr().write_all(text);
}

//! `os`: clock and calendar, environment, files by name, other programs, the end of this one.

use super::os_date::{self, DateError, DateTable, FIELDS, FieldValue, Tm, Zone};
use super::{Lib, os_error, path_of};
use crate::vm::LuaError;
use crate::vm::native::progress::Kept;
use crate::vm::native::text::Text;
use crate::vm::native::{Cx, Kind, Native, Step, Tab, Val};
use std::io;

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "os",
    functions: &[
        Native::new("clock", clock),
        Native::new("date", date),
        Native::new("difftime", difftime),
        Native::new("execute", execute),
        Native::new("exit", exit),
        Native::new("getenv", getenv),
        Native::new("remove", remove),
        Native::new("rename", rename),
        Native::new("setlocale", setlocale),
        Native::new("time", time),
        Native::new("tmpname", tmpname),
    ],
};

/// Returns true, or nil, message (after the file name, if there is one) and number of a system error.
pub(super) fn file_result(cx: &mut Cx<'_>, result: io::Result<()>, name: Option<&[u8]>) -> R {
    match result {
        Ok(()) => cx.ret(true),
        Err(e) => {
            let mut text = name.map_or_else(Vec::new, |n| [c_string(n), b": "].concat());
            text.extend_from_slice(os_error(&e).as_bytes());
            let message = cx.string(&text)?;
            cx.push(Val::NIL);
            cx.push(message);
            cx.push(Val::int(e.raw_os_error().unwrap_or(0).into()));
            Ok(Step::Return(3))
        }
    }
}

/// Returns how another program ended: true or nil, "exit" or "signal", and the code.
pub(super) fn exec_result(cx: &mut Cx<'_>, result: io::Result<std::process::ExitStatus>) -> R {
    let status = match result {
        Ok(status) => status,
        Err(e) => return file_result(cx, Err(e), None),
    };
    let (what, code) = match status.code() {
        Some(code) => ("exit", code),
        None => ("signal", signal_of(status)),
    };
    cx.push(if status.success() { Val::TRUE } else { Val::NIL });
    let what = cx.name(what);
    cx.push(what);
    cx.push(Val::int(code.into()));
    Ok(Step::Return(3))
}

fn signal_of(status: std::process::ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        0
    }
}

/// A command line for the system's shell.
pub(super) fn shell(command: &[u8]) -> std::process::Command {
    #[cfg(unix)]
    let (mut shell, flag) = (std::process::Command::new("/bin/sh"), "-c");
    #[cfg(not(unix))]
    let (mut shell, flag) = (std::process::Command::new("cmd"), "/C");
    shell.arg(flag).arg(path_of(c_string(command)));
    shell
}

/// The part of a string that C sees.
pub(super) fn c_string(s: &[u8]) -> &[u8] {
    &s[..memchr::memchr(0, s).unwrap_or(s.len())]
}

fn execute(cx: &mut Cx<'_>) -> R {
    let Some(command) = cx.opt_str(0)? else { return cx.ret(true) };
    // What was printed before the command should come before its output.
    super::io::flush_standard();
    let status = shell(command.bytes()).status();
    exec_result(cx, status)
}

fn exit(cx: &mut Cx<'_>) -> R {
    let code = match cx.arg(0).kind() {
        Kind::Bool(true) => 0,
        Kind::Bool(false) => 1,
        _ => cx.opt_int(0, 0)? as i32,
    };
    // Whether the state is closed or not, what files hold back is written.
    super::io::flush_all();
    cx.vm_mut().close_on_exit = cx.arg(1).is_truthy();
    Err(LuaError::exit(code))
}

fn getenv(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?;
    let name = c_string(name.bytes());
    // The system's interface refuses these names; no variable has them.
    if name.is_empty() || name.contains(&b'=') {
        return cx.ret(Val::NIL);
    }
    match std::env::var_os(path_of(name)) {
        Some(value) => cx.ret_str(value.as_encoded_bytes()),
        None => cx.ret(Val::NIL),
    }
}

fn remove(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?;
    let path = path_of(c_string(name.bytes()));
    let result = match std::fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir(&path),
        _ => std::fs::remove_file(&path),
    };
    file_result(cx, result, Some(name.bytes()))
}

fn rename(cx: &mut Cx<'_>) -> R {
    let from = cx.check_str(0)?;
    let to = cx.check_str(1)?;
    let result = std::fs::rename(path_of(c_string(from.bytes())), path_of(c_string(to.bytes())));
    // As 5.3, which names neither file.
    file_result(cx, result, None)
}

/// There is one locale, "C".
fn setlocale(cx: &mut Cx<'_>) -> R {
    const CATEGORIES: [&str; 6] = ["all", "collate", "ctype", "monetary", "numeric", "time"];
    let locale = cx.opt_str(0)?;
    super::check_option(cx, 1, Some("all"), &CATEGORIES)?;
    match locale.as_ref().map(|s| c_string(s.bytes())) {
        None | Some(b"" | b"C" | b"POSIX") => {
            let name = cx.name("C");
            cx.ret(name)
        }
        Some(_) => cx.ret(Val::NIL),
    }
}

fn tmpname(cx: &mut Cx<'_>) -> R {
    let made = tempfile::Builder::new().prefix("lua_").rand_bytes(6).tempfile();
    match made.and_then(|f| f.keep().map_err(|e| e.error)) {
        Ok((_, path)) => cx.ret_str(path.as_os_str().as_encoded_bytes()),
        Err(_) => Err(LuaError::message("unable to generate a unique filename")),
    }
}

// ---- time ----

/// Processor time of the program in seconds.
#[cfg(unix)]
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Time since the first call, which is all the standard library knows.
#[cfg(not(unix))]
fn processor_time() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}

fn clock(cx: &mut Cx<'_>) -> R {
    cx.ret(processor_time())
}

/// Seconds since 1970.
fn now() -> i64 {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs_f64().ceil() as i64),
    }
}

fn difftime(cx: &mut Cx<'_>) -> R {
    let (a, b) = (cx.check_int(0)?, cx.check_int(1)?);
    cx.ret(a.wrapping_sub(b) as f64)
}

fn date_error(e: DateError<'_>) -> LuaError {
    let mut text = Vec::new();
    e.write(&mut text);
    match e {
        DateError::InvalidSpecifier(_) => LuaError::argument(1, text),
        _ => LuaError::message(text),
    }
}

fn set_fields<'gc>(cx: &mut Cx<'gc>, t: Tab<'gc>, tm: &Tm) -> Result<(), LuaError> {
    for (name, value) in tm.fields() {
        t.set_name(cx, name, Val::int(value))?;
    }
    if let Some(isdst) = tm.isdst {
        t.set_name(cx, "isdst", Val::bool(isdst))?;
    }
    Ok(())
}

/// A text of `date` under way.
struct Dating {
    out: Text,
    tm: Tm,
    /// Bytes of the format that are not written yet.
    left: usize,
}

impl Kept for Dating {
    fn outside(&self) -> usize {
        self.out.outside()
    }
}

/// Conversions that `date` writes between two looks at the budget, and the longest text of one.
const DATES_AT_ONCE: usize = 64;
const LONGEST_DATE: usize = 128;

fn date(cx: &mut Cx<'_>) -> R {
    let format = cx.opt_str(0)?;
    let mut format = format.as_ref().map_or(&b"%c"[..], |s| s.bytes());
    if let Some(kept) = cx.take::<Dating>() {
        return write_date(cx, &format[format.len() - kept.left..], *kept);
    }
    let time = if cx.arg(1).is_nil() { now() } else { cx.check_int(1)? };
    let zone = match format {
        [b'!', rest @ ..] => {
            format = rest;
            Zone::utc()
        }
        _ => Zone::system(),
    };
    let unrepresentable = || LuaError::message("time result cannot be represented in this installation");
    let tm = zone.break_down(time).ok_or_else(unrepresentable)?;
    if c_string(format) == b"*t" {
        let t = cx.table(0, 9)?;
        set_fields(cx, t, &tm)?;
        return cx.ret(t);
    }
    cx.charge(20);
    write_date(cx, format, Dating { out: Text::new(), tm, left: format.len() })
}

fn write_date(cx: &mut Cx<'_>, mut format: &[u8], mut dating: Dating) -> R {
    while !format.is_empty() {
        // Text between conversions is no longer than the format.
        cx.grow_text(&mut dating.out, format.len() + DATES_AT_ONCE * LONGEST_DATE)?;
        let before = dating.out.len();
        format = os_date::format(&mut dating.out, format, &dating.tm, DATES_AT_ONCE).map_err(date_error)?;
        dating.left = format.len();
        if cx.charge(dating.out.len() - before) && dating.left > 0 {
            cx.keep(dating);
            return Ok(Step::Again);
        }
    }
    cx.ret_text(&mut dating.out)
}

impl Kept for DateTable {}

/// The fields of the table may come from `__index`. The state counts the fields read; the values are collected in the
/// kept table.
fn time(cx: &mut Cx<'_>) -> R {
    if cx.arg(0).is_nil() && cx.state() == 0 {
        return cx.ret(now());
    }
    cx.check_table(0)?;
    let mut table = cx.take::<DateTable>().map_or_else(DateTable::default, |t| *t);
    let mut i = cx.state() as usize;
    let mut called = i > 0;
    // The state is one more than the field whose value is on top.
    if called {
        i -= 1;
    } else {
        cx.set_top(1);
    }
    while i <= FIELDS.len() {
        let name = FIELDS.get(i).map_or("isdst", |f| f.name);
        let value = if std::mem::take(&mut called) {
            cx.pop()
        } else {
            let key = cx.name(name);
            match cx.index(cx.arg(0), key)? {
                Ok(v) => v,
                Err(call) => {
                    cx.set_state(i as u64 + 1);
                    cx.keep(table);
                    return cx.call(&call, 1);
                }
            }
        };
        match FIELDS.get(i) {
            Some(field) => {
                let value = match value.to_int() {
                    Some(n) => FieldValue::Integer(n),
                    None if value.is_nil() => FieldValue::Nil,
                    None => FieldValue::Other,
                };
                field.read(&mut table, value).map_err(date_error)?;
            }
            None => table.isdst = (!value.is_nil()).then(|| value.is_truthy()),
        }
        i += 1;
    }
    let (time, tm) = Zone::system().instant(&table).map_err(date_error)?;
    let t = cx.check_table(0)?;
    set_fields(cx, t, &tm)?;
    // The reference cannot tell this instant from a failure of `mktime`.
    if time == -1 { Err(date_error(DateError::Unrepresentable)) } else { cx.ret(time) }
}

//! `io`: files, pipes and the standard streams.
//!
//! 1. `stream` buffers files and knows nothing of Lua; `file` makes them values; `read` has the formats.
//! 2. Standard output is one stream for the whole program: `print` and `io.write` keep their order.

mod file;
mod read;
pub mod stream;

use super::os::{c_string, file_result, shell};
use super::{Lib, path_of};
use crate::vm::LuaError;
use crate::vm::native::{Cx, Native, Step, Val};
use file::{Origin, close_value, lines_iterator, stream_of};
use std::fs::{File, OpenOptions};
use std::io;
use std::process::Stdio;
use stream::{Shared, Stream, lock};

type R = Result<Step, LuaError>;
type FileRef = Shared;

pub(super) static LIB: Lib = Lib {
    name: "io",
    functions: &[
        Native::new("close", close),
        Native::new("flush", flush),
        Native::new("input", input),
        Native::new("lines", lines),
        Native::new("open", open),
        Native::new("output", output),
        Native::new("popen", popen),
        Native::new("read", read_default),
        Native::new("tmpfile", tmpfile),
        Native::new("type", type_),
        Native::new("write", write_default),
    ],
};

/// A default file. The discriminant is its key in the registry: after the two that 5.3 uses itself.
#[derive(Clone, Copy)]
enum Default {
    Input = 3,
    Output = 4,
}

impl Default {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    fn value<'gc>(self, cx: &Cx<'gc>) -> Val<'gc> {
        cx.registry().get_int(self as i64)
    }

    fn set<'gc>(self, cx: &mut Cx<'gc>, file: Val<'gc>) -> Result<(), LuaError> {
        cx.registry().set_int(cx, self as i64, file)
    }

    /// The file and its stream, which must be open.
    fn open<'gc>(self, cx: &Cx<'gc>) -> Result<(Val<'gc>, Shared), LuaError> {
        let file = self.value(cx);
        match stream_of(file) {
            Some(Some(stream)) => Ok((file, stream)),
            _ => Err(LuaError::message(format!("standard {} file is closed", self.name()))),
        }
    }
}

/// Opens the library.
///
/// # Errors
/// Memory.
pub(super) fn open_library(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    super::open_lib(cx, &LIB)?;
    let [stdin, stdout, stderr] = file::standard(cx)?;
    Default::Input.set(cx, stdin)?;
    Default::Output.set(cx, stdout)?;
    let Some(lib) = cx.globals().get_name(LIB.name).as_table() else { return Ok(()) };
    lib.set_name(cx, "stdin", stdin)?;
    lib.set_name(cx, "stdout", stdout)?;
    lib.set_name(cx, "stderr", stderr)
}

/// Writes to the program's standard output.
///
/// # Errors
/// Of the system.
pub(super) fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    lock(stream::stdout()).write(bytes)
}

/// Writes a line to the program's standard output, to be seen at once whatever that is.
///
/// # Errors
/// Of the system.
pub(super) fn print_stdout(line: &[u8]) -> io::Result<()> {
    let mut out = lock(stream::stdout());
    out.write(line)?;
    out.flush()
}

/// Flushes the standard streams, before something else uses them.
pub(super) fn flush_standard() {
    // What cannot be written is reported by the next write, if there is one.
    let _ = lock(stream::stdout()).flush();
    let _ = lock(stream::stderr()).flush();
}

/// Flushes all open files, before the program ends.
pub fn flush_all() {
    stream::flush_all();
}

/// A file and its mode.
fn open_file(name: &[u8], mode: &[u8]) -> io::Result<Shared> {
    let update = mode.get(1) == Some(&b'+');
    let kind = mode.first().copied().unwrap_or(b'r');
    let mut options = OpenOptions::new();
    match kind {
        b'r' => options.read(true).write(update),
        b'w' => options.write(true).create(true).truncate(true).read(update),
        _ => options.append(true).create(true).read(update),
    };
    let mut opened = options.open(path_of(c_string(name)))?;
    if kind == b'a' && !update {
        // The position is told as where the next write goes. A pipe has none.
        let _ = io::Seek::seek(&mut opened, io::SeekFrom::End(0));
    }
    Ok(Stream::open(opened, kind == b'r' || update, kind != b'r' || update))
}

fn valid_mode(mode: &[u8]) -> bool {
    let Some((b'r' | b'w' | b'a', rest)) = mode.split_first() else { return false };
    let rest = rest.strip_prefix(b"+").unwrap_or(rest);
    rest.iter().all(|&b| b == b'b')
}

fn open(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?;
    let mode = cx.opt_str(1)?;
    let mode = mode.as_ref().map_or(&b"r"[..], |s| c_string(s.bytes()));
    if !valid_mode(mode) {
        return Err(LuaError::argument(2, "invalid mode"));
    }
    match open_file(name.bytes(), mode) {
        Ok(stream) => {
            let file = file::new(cx, stream, Origin::Opened)?;
            cx.ret(file)
        }
        Err(e) => file_result(cx, Err(e), Some(c_string(name.bytes()))),
    }
}

/// Opens a file or raises.
fn must_open<'gc>(cx: &mut Cx<'gc>, name: &[u8], mode: &[u8]) -> Result<Val<'gc>, LuaError> {
    match open_file(name, mode) {
        Ok(stream) => file::new(cx, stream, Origin::Opened),
        Err(e) => {
            let reason = super::os_error(&e);
            let text = [b"cannot open file '", c_string(name), b"' (", reason.as_bytes(), b")"].concat();
            Err(LuaError::message(text))
        }
    }
}

fn popen(cx: &mut Cx<'_>) -> R {
    let command = cx.check_str(0)?;
    let mode = cx.opt_str(1)?;
    let reads = match mode.as_ref().map_or(&b"r"[..], |s| c_string(s.bytes())) {
        b"r" => true,
        b"w" => false,
        _ => return Err(LuaError::argument(2, "invalid mode")),
    };
    flush_all();
    let mut shell = shell(command.bytes());
    if reads {
        shell.stdout(Stdio::piped());
    } else {
        shell.stdin(Stdio::piped());
    }
    let mut child = match shell.spawn() {
        Ok(child) => child,
        Err(e) => return file_result(cx, Err(e), Some(c_string(command.bytes()))),
    };
    let pipe = match (child.stdout.take(), child.stdin.take()) {
        (Some(out), _) => pipe_file(out),
        (_, Some(input)) => pipe_file(input),
        _ => return Err(LuaError::message("no pipe to the program")),
    };
    let stream = Stream::open(pipe, reads, !reads);
    let file = file::new(cx, stream, Origin::Process(child))?;
    cx.ret(file)
}

#[cfg(unix)]
fn pipe_file(end: impl Into<std::os::fd::OwnedFd>) -> File {
    File::from(end.into())
}

#[cfg(windows)]
fn pipe_file(end: impl Into<std::os::windows::io::OwnedHandle>) -> File {
    File::from(end.into())
}

fn tmpfile(cx: &mut Cx<'_>) -> R {
    match tempfile::tempfile() {
        Ok(opened) => {
            let file = file::new(cx, Stream::open(opened, true, true), Origin::Opened)?;
            cx.ret(file)
        }
        Err(e) => file_result(cx, Err(e), None),
    }
}

fn type_(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    let name = match stream_of(v) {
        None => Val::NIL,
        Some(None) => cx.name("closed file"),
        Some(Some(_)) => cx.name("file"),
    };
    cx.ret(name)
}

fn close(cx: &mut Cx<'_>) -> R {
    if cx.top() == 0 {
        let output = Default::Output.value(cx);
        cx.push(output);
    }
    file::check_open(cx, 0)?;
    close_value(cx, cx.arg(0))
}

fn flush(cx: &mut Cx<'_>) -> R {
    let (_, stream) = Default::Output.open(cx)?;
    file::flush_stream(cx, &stream)
}

fn read_default(cx: &mut Cx<'_>) -> R {
    let (file, stream) = Default::Input.open(cx)?;
    read::read(cx, &stream, 0, file)
}

fn write_default(cx: &mut Cx<'_>) -> R {
    let (file, stream) = Default::Output.open(cx)?;
    file::write(cx, &stream, 0, file)
}

fn input(cx: &mut Cx<'_>) -> R {
    choose(cx, Default::Input, b"r")
}

fn output(cx: &mut Cx<'_>) -> R {
    choose(cx, Default::Output, b"w")
}

/// Sets a default file, by name or as a file, and returns the current one.
fn choose(cx: &mut Cx<'_>, which: Default, mode: &[u8]) -> R {
    let v = cx.arg(0);
    if !v.is_nil() {
        if v.is_string() || v.is_number() {
            let name = cx.check_str(0)?;
            let file = must_open(cx, name.bytes(), mode)?;
            which.set(cx, file)?;
        } else {
            file::check_open(cx, 0)?;
            which.set(cx, v)?;
        }
    }
    let current = which.value(cx);
    cx.ret(current)
}

fn lines(cx: &mut Cx<'_>) -> R {
    if cx.top() == 0 {
        cx.set_top(1);
    }
    if cx.arg(0).is_nil() {
        let input = Default::Input.value(cx);
        cx.set(0, input);
        file::check_open(cx, 0)?;
        return lines_iterator(cx, false);
    }
    let name = cx.check_str(0)?;
    let file = must_open(cx, name.bytes(), b"r")?;
    cx.set(0, file);
    lines_iterator(cx, true)
}

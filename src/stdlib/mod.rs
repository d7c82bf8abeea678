//! The standard library of Lua 5.3.
//!
//! What needs no virtual machine (matching, formatting, packing, calendar, the order of comparisons in `sort`) is kept in
//! files of its own as plain functions over bytes and as state machines that can stop at any step; the native functions
//! only fetch arguments, drive them and push results.

pub mod base;
pub mod channel;
pub mod coroutine;
pub mod debug;
pub mod errors;
pub mod io;
pub mod math;
pub mod os;
pub mod os_date;
pub mod package;
pub mod sort;
pub mod string;
pub mod table;
mod table_sort;
pub mod utf8;
mod utf8_lib;

use crate::vm::LuaError;
use crate::vm::native::{Cx, Native, Step, Val};

/// A library: a table of functions under a global name.
pub struct Lib {
    pub name: &'static str,
    pub functions: &'static [Native],
}

impl Lib {
    /// Adds the functions to a table.
    fn fill<'gc>(&'static self, cx: &mut Cx<'gc>, t: crate::vm::native::Tab<'gc>) -> Result<(), LuaError> {
        for native in self.functions {
            t.set_name(cx, native.name, Val::native(native))?;
        }
        Ok(())
    }
}

/// Opens the complete standard library for a plain script, and what every program has besides.
///
/// # Errors
/// Memory.
pub fn open_all(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    let globals = cx.globals();
    base::LIB.fill(cx, globals)?;
    globals.set_name(cx, "_G", globals.into())?;
    loaded(cx)?.set_name(cx, "_G", globals.into())?;
    let version = cx.name("Lua 5.3");
    globals.set_name(cx, "_VERSION", version)?;
    open_lib(cx, &coroutine::LIB)?;
    string::open(cx)?;
    utf8_lib::open(cx)?;

    open_lib(cx, &debug::LIB)?;
    package::open(cx)?;
    open_lib(cx, &table::LIB)?;
    math::open(cx)?;
    open_lib(cx, &os::LIB)?;
    io::open_library(cx)?;
    let errors = errors::open(cx)?;
    let channel = channel::open(cx)?;
    let loaded = loaded(cx)?;
    for (name, lib) in [("errors", errors), ("channel", channel)] {
        globals.set_name(cx, name, lib.into())?;
        loaded.set_name(cx, name, lib.into())?;
    }
    Ok(())
}

/// Makes a library a global table and notes it in `package.loaded`.
fn open_lib(cx: &mut Cx<'_>, lib: &'static Lib) -> Result<(), LuaError> {
    let t = cx.table(0, lib.functions.len())?;
    lib.fill(cx, t)?;
    cx.globals().set_name(cx, lib.name, t.into())?;
    loaded(cx)?.set_name(cx, lib.name, t.into())
}

/// The table `package.loaded`.
fn loaded<'gc>(cx: &mut Cx<'gc>) -> Result<crate::vm::native::Tab<'gc>, LuaError> {
    if let Some(t) = cx.registry().get_name("_LOADED").as_table() {
        return Ok(t);
    }
    let t = cx.table(0, 16)?;
    cx.registry().set_name(cx, "_LOADED", t.into())?;
    Ok(t)
}

/// Gives a process the complete standard library.
///
/// # Errors
/// Memory.
pub fn install(vm: &mut crate::vm::Vm) -> Result<(), LuaError> {
    if let Some(next) = base::LIB.functions.iter().find(|f| f.name == "next") {
        vm.set_next(next);
    }
    vm.with_context(open_all)
}

/// Ends a native function with the string that a `__tostring` handler returned on top.
fn returned_string(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    let v = cx.pop();
    let v = must_be_string(cx, v)?;
    cx.ret(v)
}

/// What `__tostring` returned as a string; as in 5.3 a number is one, too.
fn must_be_string<'gc>(cx: &mut Cx<'gc>, v: Val<'gc>) -> Result<Val<'gc>, LuaError> {
    if v.is_string() {
        Ok(v)
    } else if v.is_number() {
        cx.number_string(v)
    } else {
        Err(LuaError::message("'__tostring' must return a string"))
    }
}

/// Index of a string argument in a list of options.
fn check_option(
    cx: &mut Cx<'_>,
    i: usize,
    default: Option<&'static str>,
    options: &[&str],
) -> Result<usize, LuaError> {
    let given = match (cx.arg(i).is_nil(), default) {
        (true, Some(default)) => default.as_bytes().to_vec(),
        _ => cx.check_str(i)?.bytes().to_vec(),
    };
    match options.iter().position(|o| o.as_bytes() == given) {
        Some(at) => Ok(at),
        None => {
            let text = [b"invalid option '", &given[..], b"'"].concat();
            Err(LuaError::argument(i + 1, text))
        }
    }
}

/// Writes to the program's standard output.
fn write_stdout(bytes: &[u8]) -> Result<(), LuaError> {
    // As `print` of the reference: a failing stream is no error of the program.
    let _ = io::write_stdout(bytes);
    Ok(())
}

/// Writes the end of what `print` prints. As the reference, which flushes after each line: a reader behind a pipe sees it.
fn print_stdout(line: &[u8]) -> Result<(), LuaError> {
    let _ = io::print_stdout(line);
    Ok(())
}

/// A file name as Lua gives it.
fn path_of(bytes: &[u8]) -> std::path::PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

/// The system's words for an error, as `strerror`.
fn os_error(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

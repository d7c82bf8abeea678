//! Files as Lua values: the userdata, its methods and its metatable.

use super::stream::{self, Buffering, Shared, Stream, lock};
use super::{R, read};
use crate::limits::DEFAULT_WRITE_BUFFER;
use crate::stdlib::check_option;
use crate::stdlib::os::{exec_result, file_result};
use crate::vm::LuaError;
use crate::vm::native::{Cx, Kind, Native, Step, Tab, Ud, Val};
use std::io::{self, SeekFrom};
use std::process::{Child, ExitStatus};

/// Name of the metatable in the registry and in messages.
pub(super) const TYPE_NAME: &str = "FILE*";

pub(super) static METHODS: [Native; 9] = [
    Native::new("close", close),
    Native::new("flush", flush),
    Native::new("lines", lines),
    Native::new("read", read_method),
    Native::new("seek", seek),
    Native::new("setvbuf", setvbuf),
    Native::new("write", write_method),
    Native::new("__gc", gc),
    Native::new("__tostring", tostring),
];

/// What a file is, for closing it.
pub(super) enum Origin {
    Opened,
    /// A standard stream of the program: stays open.
    Standard,
    /// The end of a pipe to another program.
    Process(Child),
}

/// The Rust value in a file's userdata.
pub(super) struct LuaFile {
    /// `None` once it is closed.
    stream: Option<Shared>,
    origin: Origin,
}

/// How closing went.
enum Closed {
    Refused,
    File(io::Result<()>),
    Process(io::Result<ExitStatus>),
}

impl LuaFile {
    fn close(&mut self) -> Closed {
        if matches!(self.origin, Origin::Standard) {
            return Closed::Refused;
        }
        let flushed = self.stream.take().map_or(Ok(()), |s| lock(&s).close());
        match &mut self.origin {
            // The pipe is closed: the program sees the end of its input.
            Origin::Process(child) => Closed::Process(child.wait()),
            _ => Closed::File(flushed),
        }
    }
}

impl Drop for LuaFile {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.close();
        }
    }
}

/// The metatable of files.
pub(super) fn metatable<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    if let Some(meta) = cx.registry().get_name(TYPE_NAME).as_table() {
        return Ok(meta);
    }
    let meta = cx.table(0, METHODS.len() + 2)?;
    for native in &METHODS {
        meta.set_name(cx, native.name, Val::native(native))?;
    }
    meta.set_name(cx, "__index", meta.into())?;
    let name = cx.name(TYPE_NAME);
    meta.set_name(cx, "__name", name)?;
    cx.registry().set_name(cx, TYPE_NAME, meta.into())?;
    Ok(meta)
}

/// A new file value.
pub(super) fn new<'gc>(cx: &mut Cx<'gc>, stream: Shared, origin: Origin) -> Result<Val<'gc>, LuaError> {
    let meta = metatable(cx)?;
    let bytes = if matches!(origin, Origin::Standard) { 0 } else { stream::SIZE };
    let ud = cx.sized_userdata(LuaFile { stream: Some(stream), origin }, bytes)?;
    ud.set_metatable(cx, Some(meta))?;
    Ok(ud.into())
}

/// The stream of a file value: `None` if it is no file, `Some(None)` if it is closed.
pub(super) fn stream_of(v: Val<'_>) -> Option<Option<Shared>> {
    let Kind::Userdata(ud) = v.kind() else { return None };
    ud.with(|f: &mut LuaFile| f.stream.clone())
}

fn check_ud<'gc>(cx: &Cx<'gc>, i: usize) -> Result<(Ud<'gc>, Option<Shared>), LuaError> {
    if let Kind::Userdata(ud) = cx.arg(i).kind()
        && let Some(stream) = ud.with(|f: &mut LuaFile| f.stream.clone())
    {
        return Ok((ud, stream));
    }
    Err(cx.type_error(i, TYPE_NAME))
}

/// The stream of the file argument `i`, which must be open.
pub(super) fn check_open(cx: &Cx<'_>, i: usize) -> Result<Shared, LuaError> {
    check_ud(cx, i)?.1.ok_or_else(|| LuaError::message("attempt to use a closed file"))
}

fn close(cx: &mut Cx<'_>) -> R {
    check_open(cx, 0)?;
    close_value(cx, cx.arg(0))
}

/// Closes an open file and returns what that tells.
pub(super) fn close_value<'gc>(cx: &mut Cx<'gc>, file: Val<'gc>) -> R {
    let Kind::Userdata(ud) = file.kind() else { return Ok(Step::Return(0)) };
    let stream = stream_of(file).flatten();
    let closed = ud.with(LuaFile::close);
    if let Some(stream) = stream {
        cx.adjust_userdata(file, lock(&stream).growth());
    }
    match closed {
        Some(Closed::File(result)) => file_result(cx, result, None),
        Some(Closed::Process(result)) => exec_result(cx, result),
        Some(Closed::Refused) | None => {
            cx.push(Val::NIL);
            let message = cx.name("cannot close standard file");
            cx.push(message);
            Ok(Step::Return(2))
        }
    }
}

fn gc(cx: &mut Cx<'_>) -> R {
    let (ud, stream) = check_ud(cx, 0)?;
    if stream.is_some() {
        let _ = ud.with(LuaFile::close);
    }
    Ok(Step::Return(0))
}

fn tostring(cx: &mut Cx<'_>) -> R {
    let (ud, stream) = check_ud(cx, 0)?;
    match stream {
        None => cx.ret_str(b"file (closed)"),
        Some(_) => cx.ret_str(format!("file ({:#x})", ud.address()).as_bytes()),
    }
}

fn flush(cx: &mut Cx<'_>) -> R {
    let stream = check_open(cx, 0)?;
    flush_stream(cx, &stream)
}

/// Flushes and returns true, or what went wrong.
pub(super) fn flush_stream(cx: &mut Cx<'_>, stream: &Shared) -> R {
    let result = lock(stream).flush();
    file_result(cx, result, None)
}

fn read_method(cx: &mut Cx<'_>) -> R {
    let stream = check_open(cx, 0)?;
    read::read(cx, &stream, 1, cx.arg(0))
}

fn write_method(cx: &mut Cx<'_>) -> R {
    let stream = check_open(cx, 0)?;
    write(cx, &stream, 1, cx.arg(0))
}

/// Writes the values in the window from `first` on and returns the file, or what went wrong.
pub(super) fn write<'gc>(cx: &mut Cx<'gc>, stream: &Shared, first: usize, file: Val<'gc>) -> R {
    let mut result = Ok(());
    let mut work = 0;
    let growth = {
        let mut stream = lock(stream);
        for i in first..cx.top() {
            // After a failure the other arguments are only checked, as in the reference.
            match cx.arg(i).kind() {
                Kind::Int(n) => put(&mut stream, &mut result, &crate::numfmt::integer_text(n)),
                Kind::Float(x) => {
                    let text = crate::numfmt::float_text(x);
                    // As 5.3, whose `%.14g` does not mark floats with integral values.
                    put(&mut stream, &mut result, text.strip_suffix(b".0").unwrap_or(&text));
                }
                _ => {
                    let s = cx.check_str(i)?;
                    work += s.len() / 64;
                    put(&mut stream, &mut result, s.bytes());
                }
            }
        }
        stream.growth()
    };
    cx.adjust_userdata(file, growth);
    cx.charge(work);
    match result {
        Ok(()) => cx.ret(file),
        Err(e) => file_result(cx, Err(e), None),
    }
}

fn put(stream: &mut Stream, result: &mut io::Result<()>, bytes: &[u8]) {
    if result.is_ok() {
        *result = stream.write(bytes);
    }
}

fn seek(cx: &mut Cx<'_>) -> R {
    let stream = check_open(cx, 0)?;
    let whence = check_option(cx, 1, Some("cur"), &["set", "cur", "end"])?;
    let offset = cx.opt_int(2, 0)?;
    let to = match whence {
        0 => u64::try_from(offset).map(SeekFrom::Start),
        1 => Ok(SeekFrom::Current(offset)),
        _ => Ok(SeekFrom::End(offset)),
    };
    let result = match to {
        Ok(to) => lock(&stream).seek(to),
        // "Invalid argument"
        Err(_) => Err(io::Error::from_raw_os_error(22)),
    };
    match result {
        Ok(at) => cx.ret(at as i64),
        Err(e) => file_result(cx, Err(e), None),
    }
}

fn setvbuf(cx: &mut Cx<'_>) -> R {
    const MODES: [Buffering; 3] = [Buffering::None, Buffering::Full, Buffering::Line];
    let stream = check_open(cx, 0)?;
    let mode = check_option(cx, 1, None, &["no", "full", "line"])?;
    let size = cx.opt_int(2, DEFAULT_WRITE_BUFFER as i64)?;
    let result = lock(&stream).set_buffering(MODES[mode], size.max(0) as usize);
    file_result(cx, result, None)
}

// ---- lines ----

static LINES_STEP: Native = Native::new("lines_step", lines_step);

fn lines(cx: &mut Cx<'_>) -> R {
    check_open(cx, 0)?;
    lines_iterator(cx, false)
}

/// Returns the iterator over the file at window slot 0 with the formats after it.
pub(super) fn lines_iterator(cx: &mut Cx<'_>, to_close: bool) -> R {
    let formats = cx.top().saturating_sub(1);
    if formats > crate::limits::MAX_LINES_FORMATS {
        return Err(LuaError::argument(crate::limits::MAX_LINES_FORMATS + 2, "too many arguments"));
    }
    let mut upvals = vec![cx.arg(0), Val::int(formats as i64), Val::bool(to_close)];
    upvals.extend((0..formats).map(|i| cx.arg(i + 1)));
    let iterator = cx.closure(&LINES_STEP, &upvals)?;
    cx.ret(iterator)
}

fn lines_step(cx: &mut Cx<'_>) -> R {
    let file = cx.upvalue(0);
    let Some(Some(stream)) = stream_of(file) else {
        return Err(LuaError::message("file is already closed"));
    };
    let formats = cx.upvalue(1).to_int().unwrap_or(0) as usize;
    // The first slot stands for the file in the numbers of bad arguments.
    cx.set_top(1);
    cx.reserve(formats + 1)?;
    for i in 0..formats {
        let format = cx.upvalue(3 + i);
        cx.push(format);
    }
    let Step::Return(n) = read::read(cx, &stream, 1, file)? else { return Ok(Step::Return(0)) };
    let first = cx.top() - n as usize;
    if cx.arg(first).is_truthy() {
        return Ok(Step::Return(n));
    }
    if n > 1 {
        let message = cx.arg(first + 1).as_str().map_or_else(Vec::new, |s| s.bytes().to_vec());
        return Err(LuaError::message(message));
    }
    if cx.upvalue(2).is_truthy() {
        close_value(cx, file)?;
    }
    Ok(Step::Return(0))
}

/// The three standard streams as values.
pub(super) fn standard<'gc>(cx: &mut Cx<'gc>) -> Result<[Val<'gc>; 3], LuaError> {
    let [a, b, c] = [stream::stdin(), stream::stdout(), stream::stderr()];
    Ok([
        new(cx, a.clone(), Origin::Standard)?,
        new(cx, b.clone(), Origin::Standard)?,
        new(cx, c.clone(), Origin::Standard)?,
    ])
}

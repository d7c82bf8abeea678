//! The read formats: lines, numbers, everything, so many bytes.

use super::stream::{Stream, lock};
use super::{FileRef, R};
use crate::limits::{MAX_READ_NUMERAL, MAX_READ_PIECE};
use crate::stdlib::os::file_result;
use crate::vm::LuaError;
use crate::vm::native::{Cx, Step, Val};
use std::io;

/// Why nothing could be read.
pub(super) enum Failure {
    System(io::Error),
    Raised(LuaError),
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::System(e)
    }
}

impl From<LuaError> for Failure {
    fn from(e: LuaError) -> Self {
        Self::Raised(e)
    }
}

/// A value, or nothing at the end of the file.
type Read<'gc> = Result<Option<Val<'gc>>, Failure>;

/// A format argument.
#[derive(Clone, Copy)]
enum Format {
    Number,
    Line { keep_end: bool },
    All,
    Bytes(usize),
}

fn format(cx: &mut Cx<'_>, i: usize) -> Result<Format, LuaError> {
    if cx.arg(i).is_number() {
        // As C's `size_t`: a negative count asks for more than there can be.
        return match usize::try_from(cx.check_int(i)?) {
            Ok(n) => Ok(Format::Bytes(n)),
            Err(_) => Err(LuaError::message("not enough memory for buffer allocation")),
        };
    }
    let text = cx.check_str(i)?.bytes();
    let text = text.strip_prefix(b"*").unwrap_or(text);
    match text.first() {
        Some(b'n') => Ok(Format::Number),
        Some(b'l') => Ok(Format::Line { keep_end: false }),
        Some(b'L') => Ok(Format::Line { keep_end: true }),
        Some(b'a') => Ok(Format::All),
        _ => Err(LuaError::argument(i + 1, "invalid format")),
    }
}

/// Reads by the formats in the window from `first` on and returns the values: the last one is nil if the file ended. `file` is the
/// value of the stream.
pub(super) fn read<'gc>(cx: &mut Cx<'gc>, stream: &FileRef, first: usize, file: Val<'gc>) -> R {
    let mut stream = lock(stream);
    let result = read_formats(cx, &mut stream, first);
    cx.adjust_userdata(file, stream.growth());
    result
}

fn read_formats(cx: &mut Cx<'_>, stream: &mut Stream, first: usize) -> R {
    let formats = first..cx.top().max(first);
    cx.reserve(formats.len() + 1)?;
    let mut pushed = 0;
    if formats.is_empty() {
        match line(cx, stream, false) {
            Ok(v) => {
                cx.push(v.unwrap_or(Val::NIL));
                return Ok(Step::Return(1));
            }
            Err(e) => return failed(cx, e),
        }
    }
    for i in formats {
        let v = match format(cx, i)? {
            Format::Number => number(cx, stream),
            Format::Line { keep_end } => line(cx, stream, keep_end),
            Format::All => bytes(cx, stream, usize::MAX).map(|(v, _)| Some(v)),
            Format::Bytes(0) => match stream.peek() {
                Ok(rest) => Ok((!rest.is_empty()).then(|| cx.name(""))),
                Err(e) => Err(e.into()),
            },
            Format::Bytes(n) => bytes(cx, stream, n).map(|(v, got)| (got > 0).then_some(v)),
        };
        match v {
            Ok(v) => {
                cx.push(v.unwrap_or(Val::NIL));
                pushed += 1;
                if v.is_none() {
                    break;
                }
            }
            Err(e) => return failed(cx, e),
        }
    }
    Ok(Step::Return(pushed))
}

fn failed(cx: &mut Cx<'_>, e: Failure) -> R {
    match e {
        Failure::System(e) => file_result(cx, Err(e), None),
        Failure::Raised(e) => Err(e),
    }
}

/// A line, with or without its end.
fn line<'gc>(cx: &mut Cx<'gc>, stream: &mut Stream, keep_end: bool) -> Read<'gc> {
    let mut gathered = Vec::new();
    loop {
        let ready = stream.peek()?;
        let end = memchr::memchr(b'\n', ready);
        let Some(end) = end else {
            let n = ready.len();
            if n == 0 {
                return if gathered.is_empty() { Ok(None) } else { Ok(Some(cx.string(&gathered)?)) };
            }
            gathered.extend_from_slice(ready);
            stream.consume(n);
            cx.reserve_memory(gathered.len())?;
            continue;
        };
        let text = &ready[..end + usize::from(keep_end)];
        let v = if gathered.is_empty() {
            cx.string(text)?
        } else {
            gathered.extend_from_slice(text);
            cx.string(&gathered)?
        };
        stream.consume(end + 1);
        cx.charge(1 + end / 64);
        return Ok(Some(v));
    }
}

/// Up to `n` bytes, and how many there were.
fn bytes<'gc>(cx: &mut Cx<'gc>, stream: &mut Stream, n: usize) -> Result<(Val<'gc>, usize), Failure> {
    let mut out = Vec::new();
    let mut piece = 1 << 16;
    while out.len() < n {
        let wanted = piece.min(n - out.len());
        if stream.read_into(&mut out, wanted)? < wanted {
            break;
        }
        cx.reserve_memory(out.len())?;
        piece = (piece * 2).min(MAX_READ_PIECE);
    }
    cx.charge(out.len() / 64);
    let got = out.len();
    Ok((cx.string(&out)?, got))
}

/// Reads a numeral character by character, so that what follows it stays.
struct Numeral<'a> {
    stream: &'a mut Stream,
    text: Vec<u8>,
    /// The text got too long to be a number.
    overflow: bool,
}

impl Numeral<'_> {
    fn next(&mut self) -> io::Result<Option<u8>> {
        Ok(self.stream.peek()?.first().copied())
    }

    /// Takes the next character if `test` likes it.
    fn take(&mut self, test: impl Fn(u8) -> bool) -> io::Result<bool> {
        match self.next()? {
            Some(c) if test(c) => {
                if self.text.len() >= MAX_READ_NUMERAL {
                    self.overflow = true;
                    return Ok(false);
                }
                self.text.push(c);
                self.stream.consume(1);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn digits(&mut self, hex: bool) -> io::Result<usize> {
        let mut n = 0;
        while self.take(|c| if hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() })? {
            n += 1;
        }
        Ok(n)
    }

    /// Takes the longest start of the input that may begin a numeral.
    fn scan(&mut self) -> io::Result<()> {
        while self.next()?.is_some_and(|c| c.is_ascii_whitespace() || c == 0x0b) {
            self.stream.consume(1);
        }
        self.take(|c| c == b'-' || c == b'+')?;
        let mut hex = false;
        let mut count = 0;
        if self.take(|c| c == b'0')? {
            hex = self.take(|c| c == b'x' || c == b'X')?;
            count = usize::from(!hex);
        }
        count += self.digits(hex)?;
        if self.take(|c| c == b'.')? {
            count += self.digits(hex)?;
        }
        let exponent = if hex { b'p' } else { b'e' };
        if count > 0 && self.take(|c| c.to_ascii_lowercase() == exponent)? {
            self.take(|c| c == b'-' || c == b'+')?;
            self.digits(false)?;
        }
        Ok(())
    }
}

fn number<'gc>(cx: &mut Cx<'gc>, stream: &mut Stream) -> Read<'gc> {
    let mut numeral = Numeral { stream, text: Vec::new(), overflow: false };
    numeral.scan()?;
    if numeral.overflow {
        return Ok(None);
    }
    let text = cx.string(&numeral.text)?;
    Ok(text.to_number())
}

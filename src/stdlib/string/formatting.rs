//! `string.format`: fetches arguments for the conversions of `format`.

use super::format::{self as conversions, Conversion, FormatError, Spec};
use crate::numfmt::{float_text, integer_text};
use crate::vm::LuaError;
use crate::vm::native::progress::Kept;
use crate::vm::native::text::Text;
use crate::vm::native::{Cx, Kind, Step, Val};

/// No number takes more bytes, whatever its width and precision.
const LONGEST_NUMBER: usize = 512;

/// Bytes of a string that `%q` writes between two looks at the budget.
const QUOTED_AT_ONCE: usize = 1 << 13;

/// A format under way.
struct Formatting {
    out: Text,
    /// Offset in the format.
    at: usize,
    /// Arguments used, the format included.
    used: usize,
    /// Arguments given.
    given: usize,
    /// The conversion that waits for what `__tostring` returns.
    waiting: Option<Spec>,
    /// Offset in the string that `%q` is writing.
    quoted: Option<usize>,
}

impl Kept for Formatting {
    fn outside(&self) -> usize {
        self.out.outside()
    }
}

/// State 1: entered again with a [`Formatting`] kept.
pub fn format(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    if cx.state() == 1
        && let Some(mut kept) = cx.take::<Formatting>()
    {
        let step = run(cx, &mut kept)?;
        if !matches!(step, Step::Return(_)) {
            cx.keep_boxed(kept);
        }
        return Ok(step);
    }
    let mut formatting =
        Formatting { out: Text::new(), at: 0, used: 1, given: cx.top(), waiting: None, quoted: None };
    let step = run(cx, &mut formatting)?;
    if !matches!(step, Step::Return(_)) {
        cx.set_state(1);
        cx.keep(formatting);
    }
    Ok(step)
}

fn run<'gc>(cx: &mut Cx<'gc>, f: &mut Formatting) -> Result<Step, LuaError> {
    let format = cx.check_str(0)?.bytes();
    if let Some(spec) = f.waiting.take() {
        let v = cx.pop();
        let v = super::super::must_be_string(cx, v)?;
        if let Some(s) = v.as_str() {
            add_str(cx, f, &spec, s.bytes())?;
        }
    }
    if f.quoted.is_some() && !add_quoted_str(cx, f)? {
        return Ok(Step::Again);
    }
    while f.at < format.len() {
        let rest = &format[f.at..];
        let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        cx.grow_text(&mut f.out, plain + LONGEST_NUMBER)?;
        f.out.extend_from_slice(&rest[..plain]);
        if plain == rest.len() {
            break;
        }
        f.at += plain + 1;
        if rest.get(plain + 1) == Some(&b'%') {
            f.out.push(b'%');
            f.at += 1;
            continue;
        }
        if f.used >= f.given {
            return Err(LuaError::argument(f.used + 1, "no value"));
        }
        let (spec, conversion, taken) = conversions::parse_spec(&format[f.at..]).map_err(|e| error(e, 0))?;
        f.at += taken;
        let i = f.used;
        f.used += 1;
        match conversion {
            Conversion::Char => conversions::format_char(&mut f.out, &spec, cx.check_int(i)?),
            Conversion::Int => conversions::format_int(&mut f.out, &spec, cx.check_int(i)?),
            Conversion::Float => conversions::format_float(&mut f.out, &spec, cx.check_float(i)?),
            Conversion::Quoted => {
                add_quoted(cx, f, i)?;
                if f.quoted.is_some() && !add_quoted_str(cx, f)? {
                    return Ok(Step::Again);
                }
            }
            Conversion::Str => {
                let v = cx.arg(i);
                match v.kind() {
                    Kind::Str(s) => add_str(cx, f, &spec, s.bytes())?,
                    Kind::Int(n) if !has_handler(cx, v) => add_str(cx, f, &spec, &integer_text(n))?,
                    Kind::Float(x) if !has_handler(cx, v) => add_str(cx, f, &spec, &float_text(x))?,
                    _ => match cx.to_display(v)? {
                        Ok(s) => {
                            if let Some(s) = s.as_str() {
                                add_str(cx, f, &spec, s.bytes())?;
                            }
                        }
                        Err(handler) => {
                            f.waiting = Some(spec);
                            return cx.call(&[handler, v], 1);
                        }
                    },
                }
            }
        }
        let cost = match conversion {
            Conversion::Float => 6,
            _ => 3,
        };
        if cx.charge(cost) {
            return Ok(Step::Again);
        }
    }
    cx.charge(f.out.len() / 64);
    cx.ret_text(&mut f.out)
}

fn has_handler<'gc>(cx: &Cx<'gc>, v: Val<'gc>) -> bool {
    !cx.metafield(v, crate::vm::meta::Event::ToString).is_nil()
}

/// The error of a conversion for window slot `i`.
fn error(e: FormatError, i: usize) -> LuaError {
    let mut text = Vec::new();
    e.write(&mut text);
    match e {
        FormatError::StringContainsZeros => LuaError::argument(i + 1, text),
        FormatError::RepeatedFlags | FormatError::TooLong | FormatError::InvalidOption(_) => {
            LuaError::message(text)
        }
    }
}

/// `%s` of the argument fetched last.
fn add_str(cx: &mut Cx<'_>, f: &mut Formatting, spec: &Spec, bytes: &[u8]) -> Result<(), LuaError> {
    cx.grow_text(&mut f.out, bytes.len().max(usize::from(spec.width)))?;
    conversions::format_str(&mut f.out, spec, bytes).map_err(|e| error(e, f.used - 1))
}

fn add_quoted(cx: &mut Cx<'_>, f: &mut Formatting, i: usize) -> Result<(), LuaError> {
    match cx.arg(i).kind() {
        Kind::Str(s) => {
            cx.grow_text(&mut f.out, s.len() + 2)?;
            f.out.push(b'"');
            f.quoted = Some(0);
        }
        Kind::Int(n) => conversions::quote_int(&mut f.out, n),
        Kind::Float(x) => conversions::quote_float(&mut f.out, x),
        Kind::Nil => f.out.extend_from_slice(b"nil"),
        Kind::Bool(b) => f.out.extend_from_slice(if b { b"true" } else { b"false" }),
        _ => return Err(LuaError::argument(i + 1, "value has no literal form")),
    }
    Ok(())
}

/// Goes on with `%q` of the string fetched last. True: it is done.
fn add_quoted_str(cx: &mut Cx<'_>, f: &mut Formatting) -> Result<bool, LuaError> {
    let s = cx.check_str(f.used - 1)?;
    while let Some(from) = f.quoted {
        let end = s.len().min(from + QUOTED_AT_ONCE);
        let piece = &s.bytes()[from..end];
        // Most bytes stand for themselves; the longest escape takes four.
        let special = piece.iter().filter(|&&b| b < b' ' || matches!(b, b'"' | b'\\' | 0x7f)).count();
        cx.grow_text(&mut f.out, piece.len() + 3 * special + 1)?;
        conversions::quote_str(&mut f.out, s.bytes(), from..end);
        f.quoted = (end < s.len()).then_some(end);
        if cx.charge(piece.len() / 4) && f.quoted.is_some() {
            return Ok(false);
        }
    }
    f.out.push(b'"');
    Ok(true)
}

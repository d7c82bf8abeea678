//! Strings, long brackets, comments and the extent of numerals: what a regular expression cannot recognise.

use std::borrow::Cow;

use super::{Error, Kind, Shared};
use crate::diag::Span;
use crate::numeral::hex_value;
use crate::syntax::error::SyntaxError;

/// The quoted string that starts at `start`: its decoded bytes and the length of the token.
pub fn quoted<'a>(shared: &Shared<'a>, start: usize) -> Result<(&'a [u8], usize), Error> {
    let source: &'a [u8] = shared.source;
    let body = source.get(start + 1..).unwrap_or_default();
    let quote = source.get(start).copied().unwrap_or(b'"');
    let plain = plain_length(body, quote);
    if body.get(plain) == Some(&quote) {
        return Ok((body.get(..plain).unwrap_or_default(), plain + 2));
    }
    let mut bytes = Vec::new();
    let end = decode(source, start, &mut bytes)?;
    Ok((shared.texts.alloc_slice_copy(&bytes), end - start))
}

/// Bytes before the next one that needs a closer look.
fn plain_length(body: &[u8], quote: u8) -> usize {
    body.iter().position(|byte| *byte == quote || matches!(byte, b'\\' | b'\n' | b'\r')).unwrap_or(body.len())
}

/// Decodes the string that starts at `start` into `out`; returns where the token ends.
fn decode(source: &[u8], start: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
    let quote = source.get(start).copied().unwrap_or(b'"');
    let mut at = start + 1;
    loop {
        let body = source.get(at..).unwrap_or_default();
        let plain = plain_length(body, quote);
        out.extend_from_slice(body.get(..plain).unwrap_or_default());
        at += plain;
        match source.get(at) {
            None => return Err(SyntaxError::at_end(source, "unfinished string")),
            Some(b'\\') => at = escape(source, quote, at, out)?,
            Some(byte) if *byte == quote => return Ok(at + 1),
            Some(_) => {
                let mut near = vec![quote];
                near.extend_from_slice(out);
                let span = Span::new(start as u32, at as u32);
                return Err(SyntaxError::near_text(source, "unfinished string", &near, span));
            }
        }
    }
}

/// Decodes the escape sequence whose `\` is at `at`; returns where it ends.
fn escape(source: &[u8], quote: u8, at: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
    // The message quotes the string read so far, the escape sequence as written up to the byte that is wrong.
    let fail = |out: &[u8], message: &str, wrong: usize| {
        let end = (wrong + 1).min(source.len());
        let mut near = vec![quote];
        near.extend_from_slice(out);
        near.extend_from_slice(source.get(at..end).unwrap_or_default());
        Err(SyntaxError::near_text(source, message, &near, Span::new(at as u32, end as u32)))
    };
    let hex = |index: usize| source.get(index).copied().and_then(hex_value);
    let simple = match source.get(at + 1) {
        Some(b'a') => 0x07,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 0x0b,
        Some(byte @ (b'\\' | b'"' | b'\'')) => *byte,
        Some(b'\n' | b'\r') => {
            out.push(b'\n');
            return Ok(at + 1 + newline_length(source, at + 1));
        }
        Some(b'x') => {
            let Some(high) = hex(at + 2) else { return fail(out, "hexadecimal digit expected", at + 2) };
            let Some(low) = hex(at + 3) else { return fail(out, "hexadecimal digit expected", at + 3) };
            out.push((high << 4) | low);
            return Ok(at + 4);
        }
        Some(b'z') => {
            let space =
                source.iter().skip(at + 2).take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
            return Ok(at + 2 + space);
        }
        Some(b'u') => {
            if source.get(at + 2) != Some(&b'{') {
                return fail(out, "missing '{'", at + 2);
            }
            let Some(first) = hex(at + 3) else { return fail(out, "hexadecimal digit expected", at + 3) };
            let mut code = u32::from(first);
            let mut end = at + 4;
            while let Some(digit) = hex(end) {
                code = (code << 4) | u32::from(digit);
                // As 5.3.6, whose escapes end where Unicode ends.
                if code > 0x10_ffff {
                    return fail(out, "UTF-8 value too large", end);
                }
                end += 1;
            }
            if source.get(end) != Some(&b'}') {
                return fail(out, "missing '}'", end);
            }
            push_utf8(out, code);
            return Ok(end + 1);
        }
        Some(digit) if digit.is_ascii_digit() => {
            let digits = source.iter().skip(at + 1).take(3).take_while(|byte| byte.is_ascii_digit()).count();
            let value = source
                .iter()
                .skip(at + 1)
                .take(digits)
                .fold(0_u32, |value, byte| value * 10 + u32::from(byte - b'0'));
            return match u8::try_from(value) {
                Ok(byte) => {
                    out.push(byte);
                    Ok(at + 1 + digits)
                }
                Err(_) => fail(out, "decimal escape too large", at + 1 + digits),
            };
        }
        None => return Err(SyntaxError::at_end(source, "unfinished string")),
        Some(_) => return fail(out, "invalid escape sequence", at + 1),
    };
    out.push(simple);
    Ok(at + 2)
}

/// UTF-8 without the gaps of Unicode: surrogates are encoded like any other number, as in 5.3.
fn push_utf8(out: &mut Vec<u8>, code: u32) {
    let tail = |shift: u32| 0x80 | ((code >> shift) & 0x3f) as u8;
    match code {
        0..=0x7f => out.push(code as u8),
        0x80..=0x7ff => out.extend([0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..=0xffff => out.extend([0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}

/// Length of the line break at `at`: `\r\n` and `\n\r` are one.
fn newline_length(source: &[u8], at: usize) -> usize {
    match (source.get(at), source.get(at + 1)) {
        (Some(b'\n'), Some(b'\r')) | (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\n' | b'\r'), _) => 1,
        _ => 0,
    }
}

/// The content range of the long bracket that starts at `start` with an opening of `open` bytes, and where it ends.
fn long_extent(source: &[u8], start: usize, open: usize) -> Option<(usize, usize, usize)> {
    let content = start + open + newline_length(source, start + open);
    let mut at = content;
    loop {
        let found = memchr::memchr(b']', source.get(at..)?)?;
        at += found;
        let tail = source.get(at + 1..)?;
        let equals = tail.iter().take(open - 2).take_while(|byte| **byte == b'=').count();
        if equals == open - 2 && tail.get(equals) == Some(&b']') {
            return Some((content, at, at + open));
        }
        at += 1 + equals;
    }
}

/// Line breaks of every form become `\n`.
fn normalise(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\r', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match newline_length(text, at) {
            0 => {
                out.push(*byte);
                at += 1;
            }
            length => {
                out.push(b'\n');
                at += length;
            }
        }
    }
    Cow::Owned(out)
}

/// The long bracket at `start` with an opening of `open` bytes: its text and the length of the token. `token` is where
/// the token itself starts (before the `--` of a comment), `what` names it.
pub fn long<'a>(
    shared: &Shared<'a>,
    token: usize,
    start: usize,
    open: usize,
    what: &str,
) -> Result<(&'a [u8], usize), Error> {
    let source: &'a [u8] = shared.source;
    let Some((content, close, end)) = long_extent(source, start, open) else {
        let line = crate::diag::source::line_at(source, token);
        return Err(SyntaxError::at_end(
            source,
            &format!("unfinished long {what} (starting at line {line})"),
        ));
    };
    let text = match normalise(source.get(content..close).unwrap_or_default()) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => shared.texts.alloc_slice_copy(&text),
    };
    Ok((text, end - start))
}

/// Length of the comment that starts at `start`.
pub fn comment(shared: &Shared<'_>, start: usize) -> Result<usize, Error> {
    let source = shared.source;
    let body = source.get(start + 2..).unwrap_or_default();
    if body.first() == Some(&b'[') {
        let equals = body.iter().skip(1).take_while(|byte| **byte == b'=').count();
        if body.get(1 + equals) == Some(&b'[') {
            let open = equals + 2;
            let Some((_, _, end)) = long_extent(source, start + 2, open) else {
                let line = crate::diag::source::line_at(source, start);
                return Err(SyntaxError::at_end(
                    source,
                    &format!("unfinished long comment (starting at line {line})"),
                ));
            };
            return Ok(end - start);
        }
    }
    Ok(2 + memchr::memchr2(b'\n', b'\r', body).unwrap_or(body.len()))
}

/// Length of the numeral that starts at `start`: greedy as in 5.3, so that `3..2` is one malformed numeral.
pub fn numeral(source: &[u8], start: usize) -> usize {
    let text = source.get(start..).unwrap_or_default();
    let (exponent, mut at) = match text {
        [b'0', b'x' | b'X', ..] => (b'p', 2),
        _ => (b'e', 1),
    };
    while let Some(&byte) = text.get(at) {
        if byte.to_ascii_lowercase() == exponent {
            at += 1;
            if matches!(text.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
        } else if byte.is_ascii_hexdigit() || byte == b'.' {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// The text 5.3 shows for a token in "near": a string decoded between its delimiters, anything else as written.
pub fn decoded(source: &[u8], span: Span, kind: Kind) -> Vec<u8> {
    let raw = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    if kind != Kind::String {
        return raw.to_vec();
    }
    let start = span.start as usize;
    let mut text = Vec::new();
    match raw.first() {
        Some(b'[') => {
            let open = 2 + raw.iter().skip(1).take_while(|byte| **byte == b'=').count();
            let (content, close, end) = long_extent(source, start, open).unwrap_or((start, start, start));
            text.extend_from_slice(raw.get(..open).unwrap_or_default());
            text.extend_from_slice(&normalise(source.get(content..close).unwrap_or_default()));
            text.extend_from_slice(source.get(close..end).unwrap_or_default());
        }
        Some(quote) => {
            text.push(*quote);
            // The token was accepted, so it decodes.
            let mut bytes = Vec::new();
            if decode(source, start, &mut bytes).is_ok() {
                text.extend_from_slice(&bytes);
            }
            text.push(*quote);
        }
        None => {}
    }
    text
}

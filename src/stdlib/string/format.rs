//! The conversions of `string.format`: reading one, and writing a value by it.
//!
//! The native function copies the text between conversions, fetches the argument [`Spec::conv`] asks for (see
//! [`Conversion`]) and calls the writer. Which conversions exist, and the order of the checks, are those of 5.3.6.

use std::fmt;
use std::ops::Range;

pub use crate::numfmt::{ByteSink, Spec, format_bytes, format_float, format_int};

/// A conversion `string.format` refuses; `Display` gives the words of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    RepeatedFlags,
    TooLong,
    InvalidOption(u8),
    /// An argument error: `%s` with modifiers cannot carry zeros.
    StringContainsZeros,
}

impl FormatError {
    /// The message as bytes.
    pub fn write(self, out: &mut impl ByteSink) {
        match self {
            Self::RepeatedFlags => out.put(b"invalid format (repeated flags)"),
            Self::TooLong => out.put(b"invalid format (width or precision too long)"),
            Self::InvalidOption(letter) => {
                out.put(b"invalid option '%");
                put_letter(out, letter);
                out.put(b"' to 'format'");
            }
            Self::StringContainsZeros => out.put(b"string contains zeros"),
        }
    }
}

/// A letter in a message: as 5.3, `<\N>` if it cannot be shown.
pub(super) fn put_letter(out: &mut impl ByteSink, letter: u8) {
    if matches!(letter, b' '..=b'~') {
        out.put(&[letter]);
    } else {
        out.put(b"<\\");
        out.put(&crate::numfmt::integer_text(i64::from(letter)));
        out.put(b">");
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// The argument a conversion wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `%c`: an integer, written by [`format_char`].
    Char,
    /// `%d %i %o %u %x %X`: an integer, written by [`format_int`].
    Int,
    /// `%a %A %e %E %f %g %G`: a number, written by [`format_float`].
    Float,
    /// `%q`: a string, number, nil or boolean, written by the `quote_…` functions.
    Quoted,
    /// `%s`: anything, through `tostring`, written by [`format_str`].
    Str,
}

/// Reads the conversion at the start of `text`, which is what follows a `%` (and is not another `%`). Gives the bytes it
/// takes.
pub fn parse_spec(text: &[u8]) -> Result<(Spec, Conversion, usize), FormatError> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let mut spec = Spec::default();
    let mut at = 0;
    loop {
        match byte(at) {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b'#' => spec.alt = true,
            b'0' => spec.zero = true,
            _ => break,
        }
        at += 1;
    }
    if at > 5 {
        return Err(FormatError::RepeatedFlags);
    }
    let two_digits = |at: &mut usize| {
        let mut value = 0;
        for _ in 0..2 {
            if byte(*at).is_ascii_digit() {
                value = value * 10 + (byte(*at) - b'0');
                *at += 1;
            }
        }
        value
    };
    spec.width = two_digits(&mut at);
    if byte(at) == b'.' {
        at += 1;
        spec.precision = Some(two_digits(&mut at));
    }
    if byte(at).is_ascii_digit() {
        return Err(FormatError::TooLong);
    }
    spec.conv = byte(at);
    let conversion = match spec.conv {
        b'c' => Conversion::Char,
        b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => Conversion::Int,
        b'a' | b'A' | b'e' | b'E' | b'f' | b'g' | b'G' => Conversion::Float,
        b'q' => Conversion::Quoted,
        b's' => Conversion::Str,
        other => return Err(FormatError::InvalidOption(other)),
    };
    Ok((spec, conversion, at + 1))
}

/// `%c`: the low byte of `n`.
pub fn format_char(out: &mut impl ByteSink, spec: &Spec, n: i64) {
    format_bytes(out, &Spec { precision: None, ..*spec }, &[n as u8]);
}

/// `%s`. Plain `%s` copies any bytes; with modifiers zeros are refused, and a string of 100 bytes or more without a
/// precision is copied whole.
pub fn format_str(out: &mut impl ByteSink, spec: &Spec, bytes: &[u8]) -> Result<(), FormatError> {
    if *spec == (Spec { conv: spec.conv, ..Spec::default() }) {
        out.put(bytes);
        return Ok(());
    }
    if memchr::memchr(0, bytes).is_some() {
        return Err(FormatError::StringContainsZeros);
    }
    format_bytes(out, spec, bytes);
    Ok(())
}

/// What `%q` writes of `bytes[range]`, without the quotation marks around the whole: a literal the lexer reads back as the
/// same bytes.
pub fn quote_str(out: &mut impl ByteSink, bytes: &[u8], range: Range<usize>) {
    let mut rest = &bytes[range.clone()];
    while let Some(at) = rest.iter().position(|&b| matches!(b, b'"' | b'\\') || b.is_ascii_control()) {
        out.put(&rest[..at]);
        let byte = rest[at];
        let next = bytes.get(range.end - rest.len() + at + 1);
        if matches!(byte, b'"' | b'\\' | b'\n') {
            out.put(&[b'\\', byte]);
        } else if next.is_some_and(u8::is_ascii_digit) {
            // A digit that follows must not become part of the escape.
            out.put(&[b'\\', b'0' + byte / 100, b'0' + byte / 10 % 10, b'0' + byte % 10]);
        } else {
            out.put(b"\\");
            out.put(&crate::numfmt::integer_text(i64::from(byte)));
        }
        rest = &rest[at + 1..];
    }
    out.put(rest);
}

/// `%q` of an integer. The smallest one has no decimal literal.
pub fn quote_int(out: &mut impl ByteSink, n: i64) {
    if n == i64::MIN {
        out.put(b"0x8000000000000000");
    } else {
        out.put(&crate::numfmt::integer_text(n));
    }
}

/// `%q` of a float: hexadecimal, so that nothing is lost. As 5.3.6, `inf` and `nan` are written as those words.
pub fn quote_float(out: &mut impl ByteSink, x: f64) {
    format_float(out, &Spec { conv: b'a', ..Spec::default() }, x);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Spec {
        parse_spec(text.as_bytes()).unwrap().0
    }

    fn error(text: &str) -> String {
        parse_spec(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn specifications() {
        let (spec, conversion, used) = parse_spec(b"-+ #012.34dxyz").unwrap();
        assert_eq!((conversion, used), (Conversion::Int, 11));
        assert!(spec.left && spec.plus && spec.space && spec.alt && spec.zero);
        assert_eq!((spec.width, spec.precision, spec.conv), (12, Some(34), b'd'));
        assert_eq!(parse_spec(b".s").unwrap().0.precision, Some(0));
        for letter in b"cdiouxXaAeEfgGqs" {
            assert_eq!(parse_spec(&[*letter]).unwrap().2, 1);
        }
    }

    #[test]
    fn refused_specifications() {
        assert_eq!(error("------d"), "invalid format (repeated flags)");
        assert!(parse_spec(b"-----d").is_ok());
        assert_eq!(error("100d"), "invalid format (width or precision too long)");
        assert_eq!(error("1.234d"), "invalid format (width or precision too long)");
        assert_eq!(error("y"), "invalid option '%y' to 'format'");
        assert_eq!(error("F"), "invalid option '%F' to 'format'");
        assert_eq!(error("ld"), "invalid option '%l' to 'format'");
        assert_eq!(error("2%"), "invalid option '%%' to 'format'");
        assert_eq!(parse_spec(b"5"), Err(FormatError::InvalidOption(0)));
        assert_eq!(parse_spec(b""), Err(FormatError::InvalidOption(0)));
    }

    #[test]
    fn strings_and_characters() {
        let mut out = Vec::new();
        format_str(&mut out, &spec("s"), b"a\0b").unwrap();
        format_str(&mut out, &spec("5.1s"), b"xyz").unwrap();
        format_str(&mut out, &spec("-3s"), b"q").unwrap();
        format_char(&mut out, &spec("3c"), 65 + 256);
        format_char(&mut out, &spec("c"), 0);
        assert_eq!(out, b"a\0b    xq    A\0");
        assert_eq!(format_str(&mut out, &spec("5s"), b"\0"), Err(FormatError::StringContainsZeros));
    }

    #[test]
    fn quoting() {
        let quoted = |bytes: &[u8]| {
            let mut out = Vec::new();
            quote_str(&mut out, bytes, 0..bytes.len());
            for middle in 0..=bytes.len() {
                let mut pieces = Vec::new();
                quote_str(&mut pieces, bytes, 0..middle);
                quote_str(&mut pieces, bytes, middle..bytes.len());
                assert_eq!(pieces, out, "{middle}");
            }
            out
        };
        assert_eq!(quoted(b"a\"b\\c\nd"), b"a\\\"b\\\\c\\\nd");
        assert_eq!(quoted(b"\r\0x\x001\x7f9\xff"), b"\\13\\0x\\0001\\1279\xff");
        let mut out = Vec::new();
        quote_int(&mut out, i64::MIN);
        quote_int(&mut out, -7);
        quote_float(&mut out, 0.5);
        quote_float(&mut out, f64::INFINITY);
        assert_eq!(out, b"0x8000000000000000-70x1p-1inf");
    }
}

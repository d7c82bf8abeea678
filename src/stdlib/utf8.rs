//! UTF-8 as the `utf8` library of 5.3 sees it: up to U+10FFFF, surrogates allowed, no overlong forms.
//!
//! Offsets count from 0 here; the native functions convert. Scans take a limit so that they can be continued.

use crate::numfmt::ByteSink;

/// The largest code point `utf8.char` and the decoder take.
pub const LAST_CODE_POINT: u32 = 0x10FFFF;

/// `utf8.charpattern`.
pub const CHAR_PATTERN: &[u8] = b"[\0-\x7F\xC2-\xF4][\x80-\xBF]*";

/// A byte that continues a sequence.
pub fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Whether a sequence goes on at `at`; past the end none does.
pub fn continues(s: &[u8], at: usize) -> bool {
    s.get(at).is_some_and(|&b| is_continuation(b))
}

/// The code point at the start of `s` and the bytes it takes. An empty `s` reads as the zero that ends a string in the
/// reference.
pub fn decode(s: &[u8]) -> Option<(u32, usize)> {
    let first = u32::from(s.first().copied().unwrap_or(0));
    if first < 0x80 {
        return Some((first, 1));
    }
    let (size, least) = match first {
        0xC0..=0xDF => (2, 0x80),
        0xE0..=0xEF => (3, 0x800),
        0xF0..=0xF7 => (4, 0x1_0000),
        _ => return None,
    };
    let mut code = first & (0x7F >> size);
    for at in 1..size {
        let byte = s.get(at).copied().filter(|&b| is_continuation(b))?;
        code = code << 6 | u32::from(byte & 0x3F);
    }
    (least..=LAST_CODE_POINT).contains(&code).then_some((code, size))
}

/// The bytes of `code` (up to 0x7FFFFFFF: six bytes), as `\u{…}` and `utf8.char` write them.
pub fn encode(out: &mut impl ByteSink, code: u32) {
    if code < 0x80 {
        out.put(&[code as u8]);
        return;
    }
    let mut buf = [0; 6];
    let mut at = buf.len();
    let mut rest = code;
    // What the first byte can still hold: one bit less for every byte that follows.
    let mut room = 0x3F;
    while rest > room {
        at -= 1;
        buf[at] = 0x80 | (rest & 0x3F) as u8;
        rest >>= 6;
        room >>= 1;
    }
    at -= 1;
    buf[at] = (!room << 1) as u8 | rest as u8;
    out.put(&buf[at..]);
}

/// A position given from Lua: negative counts from the end; 0 stands for "before the string".
pub fn relative_position(position: i64, len: usize) -> i64 {
    if position >= 0 {
        position
    } else if position.unsigned_abs() > len as u64 {
        0
    } else {
        len as i64 + position + 1
    }
}

/// Counts characters that start in `s[*from..=last]`, at most `limit` of them, moving `from`. `Err` gives the offset of
/// the first invalid byte. All are counted when `*from > last`.
pub fn count(s: &[u8], from: &mut usize, last: i64, limit: usize) -> Result<usize, usize> {
    let mut counted = 0;
    while counted < limit && (*from as i64) <= last {
        let (_, size) = decode(&s[*from..]).ok_or(*from)?;
        *from += size;
        counted += 1;
    }
    Ok(counted)
}

/// `utf8.offset` from the byte offset `at` (at most `s.len()`): where character `n` starts, counted from there.
/// `Err(())`: `at` is inside a character and `n` is not 0.
#[allow(clippy::result_unit_err)] // there is one way to fail
pub fn offset(s: &[u8], n: i64, mut at: usize) -> Result<Option<usize>, ()> {
    if n == 0 {
        while at > 0 && continues(s, at) {
            at -= 1;
        }
        return Ok(Some(at));
    }
    if continues(s, at) {
        return Err(());
    }
    let mut left = n;
    if n < 0 {
        while left < 0 && at > 0 {
            at -= 1;
            while at > 0 && continues(s, at) {
                at -= 1;
            }
            left += 1;
        }
    } else {
        left -= 1;
        while left > 0 && at < s.len() {
            at += 1;
            while continues(s, at) {
                at += 1;
            }
            left -= 1;
        }
    }
    Ok((left == 0).then_some(at))
}

/// What one turn of the `utf8.codes` iterator gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCode {
    End,
    /// The position (from 1) and the code point there.
    Code(i64, u32),
    Invalid,
}

/// One turn of `utf8.codes`, `control` being the position it gave last (0 at first).
pub fn next_code(s: &[u8], control: i64) -> NextCode {
    let at = match usize::try_from(control.wrapping_sub(1)) {
        Err(_) => 0,
        Ok(mut at) => {
            if at < s.len() {
                at += 1;
                while continues(s, at) {
                    at += 1;
                }
            }
            at
        }
    };
    if at >= s.len() {
        return NextCode::End;
    }
    match decode(&s[at..]) {
        Some((code, size)) if !continues(s, at + size) => NextCode::Code(at as i64 + 1, code),
        _ => NextCode::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_through_rust() {
        for c in ('\0'..=char::MAX).step_by(97).chain(['\u{7f}', '\u{80}', '\u{7ff}', '\u{800}', '\u{ffff}'])
        {
            let mut out = Vec::new();
            encode(&mut out, c as u32);
            assert_eq!(out, c.to_string().as_bytes());
            assert_eq!(decode(&out), Some((c as u32, out.len())));
        }
    }

    #[test]
    fn long_forms() {
        let bytes = |code| {
            let mut out = Vec::new();
            encode(&mut out, code);
            out
        };
        assert_eq!(bytes(0x1F_FFFF), b"\xF7\xBF\xBF\xBF");
        assert_eq!(bytes(0x20_0000), b"\xF8\x88\x80\x80\x80");
        assert_eq!(bytes(0x3FF_FFFF), b"\xFB\xBF\xBF\xBF\xBF");
        assert_eq!(bytes(0x7FFF_FFFF), b"\xFD\xBF\xBF\xBF\xBF\xBF");
    }

    #[test]
    fn decoding_refuses() {
        for bad in [
            &b"\x80"[..],
            b"\xC0\x80",
            b"\xC1\xBF",
            b"\xE0\x9F\xBF",
            b"\xF0\x8F\xBF\xBF",
            b"\xF4\x90\x80\x80",
            b"\xF8\x88\x80\x80\x80",
            b"\xE2\x82",
            b"\xE2x",
            b"\xFF",
        ] {
            assert_eq!(decode(bad), None, "{bad:x?}");
        }
        // As 5.3: surrogates are code points like any other.
        assert_eq!(decode(b"\xED\xA0\x80"), Some((0xD800, 3)));
        assert_eq!(decode(b"\xF4\x8F\xBF\xBF"), Some((LAST_CODE_POINT, 4)));
    }

    #[test]
    fn positions() {
        assert_eq!(relative_position(-1, 3), 3);
        assert_eq!(relative_position(-4, 3), 0);
        assert_eq!(relative_position(i64::MIN, 3), 0);
        let s = "a\u{e9}\u{20ac}z".as_bytes();
        assert_eq!(offset(s, 1, 0), Ok(Some(0)));
        assert_eq!(offset(s, 3, 0), Ok(Some(3)));
        assert_eq!(offset(s, 5, 0), Ok(Some(7)));
        assert_eq!(offset(s, 6, 0), Ok(None));
        assert_eq!(offset(s, -2, s.len()), Ok(Some(3)));
        assert_eq!(offset(s, -5, s.len()), Ok(None));
        assert_eq!(offset(s, 0, 5), Ok(Some(3)));
        assert_eq!(offset(s, 1, 2), Err(()));
        let mut from = 0;
        assert_eq!(count(s, &mut from, 6, 2), Ok(2));
        assert_eq!(count(s, &mut from, 6, 100), Ok(2));
        assert_eq!(from, 7);
        assert_eq!(count(b"a\xffb", &mut 0, 2, 100), Err(1));
    }

    #[test]
    fn iteration() {
        let s = "a\u{20ac}".as_bytes();
        assert_eq!(next_code(s, 0), NextCode::Code(1, 97));
        assert_eq!(next_code(s, 1), NextCode::Code(2, 0x20ac));
        assert_eq!(next_code(s, 2), NextCode::End);
        assert_eq!(next_code(b"a\x80", 0), NextCode::Invalid);
        assert_eq!(next_code(b"a", i64::MIN), NextCode::End);
        assert_eq!(next_code(b"a", 1000), NextCode::End);
    }
}

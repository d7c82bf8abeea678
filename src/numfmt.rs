//! Numbers to text, byte for byte as C's `printf` of glibc writes them: `tostring`, `..` and `string.format` share this.
//!
//! 1. Nothing here allocates: text is made in buffers on the stack and handed to a [`ByteSink`].
//! 2. Every decimal expansion is correctly rounded, ties to even, at any precision; the digits come from
//!    `core::fmt`, whose exact mode has that property, and only their layout is done here.
//! 3. The locale is always "C".

use std::fmt::Write as _;
use std::ops::Deref;

/// Where formatted bytes go: the caller's buffer, whatever it is.
pub trait ByteSink {
    fn put(&mut self, bytes: &[u8]);

    fn fill(&mut self, byte: u8, count: usize);
}

impl ByteSink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn fill(&mut self, byte: u8, count: usize) {
        self.resize(self.len() + count, byte);
    }
}

impl<A: smallvec::Array<Item = u8>> ByteSink for smallvec::SmallVec<A> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn fill(&mut self, byte: u8, count: usize) {
        self.resize(self.len() + count, byte);
    }
}

/// One conversion of a format string: `%` flags width `.` precision letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// `-`: pad on the right.
    pub left: bool,
    /// `+`: a sign before non-negative numbers too.
    pub plus: bool,
    /// ` `: a space where the sign of a non-negative number would be.
    pub space: bool,
    /// `#`: the alternate form.
    pub alt: bool,
    /// `0`: pad with zeros between sign and digits.
    pub zero: bool,
    pub width: u8,
    pub precision: Option<u8>,
    /// The conversion letter.
    pub conv: u8,
}

/// Text on the stack. `N` must hold all that is written: every user below computes its longest text.
struct Text<const N: usize> {
    buf: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    fn new() -> Self {
        Text { buf: [0; N], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        self.buf[self.len] = byte;
        self.len += 1;
    }
}

impl<const N: usize> ByteSink for Text<N> {
    fn put(&mut self, bytes: &[u8]) {
        self.buf[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn fill(&mut self, byte: u8, count: usize) {
        self.buf[self.len..self.len + count].fill(byte);
        self.len += count;
    }
}

impl<const N: usize> std::fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.put(s.as_bytes());
        Ok(())
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buf[..self.len]
    }
}

/// The text of one number, on the stack; dereferences to its bytes.
#[derive(Clone, Copy, Debug)]
pub struct NumText {
    buf: [u8; NumText::CAPACITY],
    start: u8,
    end: u8,
}

impl NumText {
    /// The longest texts: `-9223372036854775808` and `-1.2345678901234e-308`.
    const CAPACITY: usize = 24;
}

impl Deref for NumText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buf[usize::from(self.start)..usize::from(self.end)]
    }
}

impl AsRef<[u8]> for NumText {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

const PAIRS: [u8; 200] = {
    let mut table = [0; 200];
    let mut i = 0;
    while i < 100 {
        table[2 * i] = b'0' + (i / 10) as u8;
        table[2 * i + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    table
};

/// Writes the decimal digits of `n` so that they end at `end`; returns where they start.
fn decimal_backwards(buf: &mut [u8], end: usize, mut n: u64) -> usize {
    let mut at = end;
    while n >= 100 {
        let pair = (n % 100) as usize * 2;
        n /= 100;
        at -= 2;
        buf[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if n >= 10 {
        let pair = n as usize * 2;
        at -= 2;
        buf[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        buf[at] = b'0' + n as u8;
    }
    at
}

/// An integer as `tostring` writes it (`%d`).
pub fn integer_text(n: i64) -> NumText {
    let mut buf = [0; NumText::CAPACITY];
    let mut start = decimal_backwards(&mut buf, NumText::CAPACITY, n.unsigned_abs());
    if n < 0 {
        start -= 1;
        buf[start] = b'-';
    }
    NumText { buf, start: start as u8, end: NumText::CAPACITY as u8 }
}

/// A float as `tostring` writes it: `%.14g`, with `.0` added where that looks like an integer.
pub fn float_text(x: f64) -> NumText {
    if x.abs() < 1e14 && x.trunc() == x {
        return integral_float_text(x);
    }
    let mut text = Text::<{ NumText::CAPACITY }>::new();
    if x.is_sign_negative() {
        text.push(b'-');
    }
    if x.is_finite() {
        // A finite number that is not a small integer shows a point or an exponent, so no `.0` is needed.
        general(&mut text, x.abs(), 14, false);
        if !text.iter().any(|b| matches!(b, b'.' | b'e')) {
            text.put(b".0");
        }
    } else {
        text.put(if x.is_nan() { b"nan" } else { b"inf" });
    }
    NumText { buf: text.buf, start: 0, end: text.len as u8 }
}

fn integral_float_text(x: f64) -> NumText {
    let mut buf = [0; NumText::CAPACITY];
    let digits_end = NumText::CAPACITY - 2;
    buf[digits_end..].copy_from_slice(b".0");
    let mut start = decimal_backwards(&mut buf, digits_end, x.abs() as u64);
    if x.is_sign_negative() {
        start -= 1;
        buf[start] = b'-';
    }
    NumText { buf, start: start as u8, end: NumText::CAPACITY as u8 }
}

/// The significant digits of a finite number that is not negative: `d.ddd × 10^exponent`.
struct Decimal {
    /// One byte to spare for the point, then up to 100 digits, then `e-308`.
    text: Text<108>,
    count: usize,
    exponent: i32,
}

impl Decimal {
    /// `count` significant digits of `x`, correctly rounded.
    fn new(x: f64, count: usize) -> Self {
        let mut text = Text::new();
        write!(text, "{:.*e}", count - 1, x).expect("the buffer holds 100 digits and an exponent");
        let e = memchr::memrchr(b'e', &text).expect("`{:e}` writes an exponent");
        let (negative, digits) = match &text[e + 1..] {
            [b'-', rest @ ..] => (true, rest),
            all => (false, all),
        };
        let size = digits.iter().fold(0, |n, d| n * 10 + i32::from(d - b'0'));
        let exponent = if negative { -size } else { size };
        // Close the gap of the point: the digits are then bytes 1..=count.
        if count > 1 {
            text.buf[1] = text.buf[0];
        } else {
            text.buf.swap(0, 1);
        }
        Decimal { text, count, exponent }
    }

    fn digits(&self) -> &[u8] {
        &self.text.buf[1..=self.count]
    }
}

fn exponent_part(out: &mut impl ByteSink, letter: u8, exponent: i32) {
    out.put(&[letter, if exponent < 0 { b'-' } else { b'+' }]);
    let size = exponent.unsigned_abs();
    if size >= 100 {
        out.put(&[b'0' + (size / 100) as u8]);
    }
    let pair = (size % 100) as usize * 2;
    out.put(&PAIRS[pair..pair + 2]);
}

fn scientific(out: &mut impl ByteSink, digits: &[u8], exponent: i32, alt: bool) {
    out.put(&digits[..1]);
    if digits.len() > 1 || alt {
        out.put(b".");
    }
    out.put(&digits[1..]);
    exponent_part(out, b'e', exponent);
}

/// `%g` of a finite number that is not negative.
fn general(out: &mut impl ByteSink, x: f64, precision: usize, alt: bool) {
    let significant = precision.max(1);
    let decimal = Decimal::new(x, significant);
    let mut digits = decimal.digits();
    let exponent = decimal.exponent;
    if !alt {
        let used = digits.iter().rposition(|&d| d != b'0').map_or(1, |last| last + 1);
        digits = &digits[..used];
    }
    if exponent < -4 || exponent >= significant as i32 {
        scientific(out, digits, exponent, alt);
    } else if exponent < 0 {
        out.put(b"0.");
        out.fill(b'0', (-1 - exponent) as usize);
        out.put(digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.put(digits);
            out.fill(b'0', whole - digits.len());
            if alt {
                out.put(b".");
            }
        } else {
            out.put(&digits[..whole]);
            out.put(b".");
            out.put(&digits[whole..]);
        }
    }
}

/// `%a` without its `0x`, of a finite number that is not negative.
fn hexadecimal(out: &mut impl ByteSink, x: f64, precision: Option<usize>, alt: bool) {
    let bits = x.to_bits();
    let biased = (bits >> 52) as i32;
    let fraction = bits & ((1 << 52) - 1);
    // As glibc: a subnormal keeps the leading 0 and the smallest exponent.
    let (mut mantissa, exponent) = match (biased, fraction) {
        (0, 0) => (0, 0),
        (0, _) => (fraction, -1022),
        _ => (fraction | 1 << 52, biased - 1023),
    };
    let shown = match precision {
        None => 13 - (fraction.trailing_zeros() / 4).min(13) as usize,
        Some(p) if p >= 13 => 13,
        Some(p) => {
            let dropped = 52 - 4 * p as u32;
            let half = 1u64 << (dropped - 1);
            let rest = mantissa & ((half << 1) - 1);
            mantissa -= rest;
            if rest > half || rest == half && mantissa & (half << 1) != 0 {
                mantissa += half << 1;
            }
            p
        }
    };
    out.put(&[b'0' + (mantissa >> 52) as u8]);
    if precision.unwrap_or(shown) > 0 || alt {
        out.put(b".");
    }
    for place in 0..shown {
        out.put(&[b"0123456789abcdef"[(mantissa >> (48 - 4 * place)) as usize & 15]]);
    }
    out.fill(b'0', precision.unwrap_or(shown) - shown);
    out.put(&[b'p', if exponent < 0 { b'-' } else { b'+' }]);
    out.put(&integer_text(i64::from(exponent.abs())));
}

/// Sign or prefix, then the digits, in the width of `spec`.
fn pad(out: &mut impl ByteSink, spec: &Spec, zeros: bool, prefix: &[u8], body: &[u8]) {
    let gap = usize::from(spec.width).saturating_sub(prefix.len() + body.len());
    let zeros = zeros && !spec.left;
    if !spec.left && !zeros {
        out.fill(b' ', gap);
    }
    out.put(prefix);
    if zeros {
        out.fill(b'0', gap);
    }
    out.put(body);
    if spec.left {
        out.fill(b' ', gap);
    }
}

fn sign(spec: &Spec, negative: bool) -> &'static [u8] {
    if negative {
        b"-"
    } else if spec.plus {
        b"+"
    } else if spec.space {
        b" "
    } else {
        b""
    }
}

/// `%a %e %f %g` and their capitals, as C's `printf` does them for a `double`.
pub fn format_float(out: &mut impl ByteSink, spec: &Spec, x: f64) {
    let upper = spec.conv.is_ascii_uppercase();
    let sign = sign(spec, x.is_sign_negative());
    // 1e308 with 99 decimals is the longest: 309 digits, the point, 99 digits.
    let mut body = Text::<412>::new();
    let mut prefix = Text::<3>::new();
    prefix.put(sign);
    if x.is_finite() {
        let precision = spec.precision.map(usize::from);
        let abs = x.abs();
        match spec.conv.to_ascii_lowercase() {
            b'e' => {
                let decimal = Decimal::new(abs, precision.unwrap_or(6).min(99) + 1);
                scientific(&mut body, decimal.digits(), decimal.exponent, spec.alt);
            }
            b'f' => {
                let precision = precision.unwrap_or(6).min(99);
                write!(body, "{abs:.precision$}").expect("the buffer holds 409 bytes");
                if spec.alt && precision == 0 {
                    body.push(b'.');
                }
            }
            b'a' => {
                prefix.put(b"0x");
                hexadecimal(&mut body, abs, precision.map(|p| p.min(99)), spec.alt);
            }
            _ => general(&mut body, abs, precision.unwrap_or(6).min(99), spec.alt),
        }
    } else {
        body.put(if x.is_nan() { b"nan" } else { b"inf" });
    }
    if upper {
        prefix.buf.make_ascii_uppercase();
        let len = body.len;
        body.buf[..len].make_ascii_uppercase();
    }
    pad(out, spec, spec.zero && x.is_finite(), &prefix, &body);
}

/// `%d %i %u %o %x %X`, as C's `printf` does them for a 64-bit integer.
pub fn format_int(out: &mut impl ByteSink, spec: &Spec, n: i64) {
    // The longest body: 99 digits of precision.
    let mut digits = [b'0'; 104];
    let end = digits.len();
    let mut value = n as u64;
    let mut at = end;
    let mut prefix: &[u8] = b"";
    match spec.conv {
        b'o' => {
            while value != 0 {
                at -= 1;
                digits[at] = b'0' + (value & 7) as u8;
                value >>= 3;
            }
            // `#` asks for a first digit 0, which counts as a digit of the precision.
            if spec.alt && !(n == 0 && spec.precision != Some(0)) {
                at -= 1;
            }
        }
        b'x' | b'X' => {
            let set = if spec.conv == b'x' { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
            while value != 0 {
                at -= 1;
                digits[at] = set[(value & 15) as usize];
                value >>= 4;
            }
            if spec.alt && n != 0 {
                prefix = if spec.conv == b'x' { b"0x" } else { b"0X" };
            }
        }
        b'u' => {
            if value != 0 {
                at = decimal_backwards(&mut digits, end, value);
            }
        }
        _ => {
            prefix = sign(spec, n < 0);
            if n != 0 {
                at = decimal_backwards(&mut digits, end, n.unsigned_abs());
            }
        }
    }
    // Zero has no digit of its own: the precision (1 unless given) supplies them.
    let least = usize::from(spec.precision.unwrap_or(1)).min(99);
    let start = at.min(end - least);
    pad(out, spec, spec.zero && spec.precision.is_none(), prefix, &digits[start..]);
}

/// Bytes in the width of `spec`, cut to its precision (`%s`, `%c`).
pub fn format_bytes(out: &mut impl ByteSink, spec: &Spec, bytes: &[u8]) {
    let shown = spec.precision.map_or(bytes.len(), |p| bytes.len().min(usize::from(p)));
    pad(out, spec, false, b"", &bytes[..shown]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tostring(x: f64) -> String {
        String::from_utf8(float_text(x).to_vec()).unwrap()
    }

    fn spec(text: &str) -> Spec {
        let mut spec = Spec::default();
        let mut rest = text;
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '#' => spec.alt = true,
                '0' => spec.zero = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let (size, conv) = rest.split_at(rest.len() - 1);
        spec.conv = conv.as_bytes()[0];
        let (width, precision) = match size.split_once('.') {
            Some((w, p)) => (w, Some(p.parse().unwrap_or(0))),
            None => (size, None),
        };
        spec.width = width.parse().unwrap_or(0);
        spec.precision = precision;
        spec
    }

    fn float(format: &str, x: f64) -> String {
        let mut out = Vec::new();
        format_float(&mut out, &spec(format), x);
        String::from_utf8(out).unwrap()
    }

    fn int(format: &str, n: i64) -> String {
        let mut out = Vec::new();
        format_int(&mut out, &spec(format), n);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers() {
        for n in [0, 1, -1, 9, 10, 99, 100, 101, 12345, -98765, i64::MAX, i64::MIN] {
            assert_eq!(&*integer_text(n), n.to_string().as_bytes());
        }
    }

    #[test]
    fn floats_as_tostring() {
        let cases: &[(f64, &str)] = &[
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-3.5, "-3.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (2.0 / 3.0 * 1e-5, "6.6666666666667e-06"),
            (1e13, "10000000000000.0"),
            (99999999999999.0, "99999999999999.0"),
            (1e14, "1e+14"),
            (1e15, "1e+15"),
            (123456789012345.0, "1.2345678901234e+14"),
            (99999999999999.5, "1e+14"),
            (12345678901234.5, "12345678901234.0"),
            (9999999999999.97, "10000000000000.0"),
            (1e100, "1e+100"),
            (1e-100, "1e-100"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (f64::MAX, "1.7976931348623e+308"),
            (-f64::MIN_POSITIVE, "-2.2250738585072e-308"),
            (5e-324, "4.9406564584125e-324"),
            (9007199254740992.0, "9.007199254741e+15"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for &(x, text) in cases {
            assert_eq!(tostring(x), text, "{x:e}");
        }
        assert_eq!(tostring(f64::NAN.copysign(1.0)), "nan");
        assert_eq!(tostring(f64::NAN.copysign(-1.0)), "-nan");
    }

    #[test]
    fn float_conversions() {
        let cases: &[(&str, f64, &str)] = &[
            ("f", 1.5, "1.500000"),
            (".0f", 0.5, "0"),
            (".0f", 1.5, "2"),
            (".0f", 2.5, "2"),
            ("#.0f", 2.5, "2."),
            (".3f", 2.0005, "2.001"),
            ("+08.2f", 3.14259, "+0003.14"),
            ("-8.2f", 3.14259, "3.14    "),
            (" .1f", 0.25, " 0.2"),
            ("e", 0.0, "0.000000e+00"),
            (".0e", 25.0, "2e+01"),
            ("#.0e", 35.0, "4.e+01"),
            ("E", 1e-300, "1.000000E-300"),
            ("g", 100000.0, "100000"),
            ("g", 1000000.0, "1e+06"),
            ("#g", 1.0, "1.00000"),
            (".0g", 0.00012345, "0.0001"),
            ("G", 1e-10, "1E-10"),
            (".3g", 999.5, "1e+03"),
            ("#.3g", 100.0, "100."),
            ("05g", f64::INFINITY, "  inf"),
            ("+g", f64::INFINITY, "+inf"),
            ("G", f64::NEG_INFINITY, "-INF"),
            ("a", 1.0, "0x1p+0"),
            ("a", 0.0, "0x0p+0"),
            ("a", -0.5, "-0x1p-1"),
            ("a", 0.1, "0x1.999999999999ap-4"),
            ("a", 5e-324, "0x0.0000000000001p-1022"),
            ("A", 255.5, "0X1.FFP+7"),
            (".0a", 1.5, "0x2p+0"),
            (".1a", 1.999, "0x2.0p+0"),
            (".15a", 0.1, "0x1.999999999999a00p-4"),
            ("#a", 1.0, "0x1.p+0"),
            ("012a", 1.0, "0x0000001p+0"),
            (".2a", 0.0, "0x0.00p+0"),
        ];
        for &(format, x, text) in cases {
            assert_eq!(float(format, x), text, "%{format} of {x:e}");
        }
        let long = float("99.99f", 1e308);
        assert_eq!(long.len(), 409);
        assert!(long.starts_with("100000000000000001097906362944045541740492309677311846336810682903157"));
        assert_eq!(
            float(".99e", 5e-324),
            "4.940656458412465441765687928682213723650598026143247644255856825006755072702087518652998363616359924e-324"
        );
    }

    #[test]
    fn integer_conversions() {
        let cases: &[(&str, i64, &str)] = &[
            ("d", 0, "0"),
            ("d", i64::MIN, "-9223372036854775808"),
            ("+d", 5, "+5"),
            (" d", 5, " 5"),
            ("05d", -42, "-0042"),
            ("-5d", 42, "42   "),
            ("5.3d", 7, "  007"),
            ("05.3d", 7, "  007"),
            (".0d", 0, ""),
            ("+.0d", 0, "+"),
            ("u", -1, "18446744073709551615"),
            ("x", -1, "ffffffffffffffff"),
            ("#x", 255, "0xff"),
            ("#X", 255, "0XFF"),
            ("#x", 0, "0"),
            ("#08x", 255, "0x0000ff"),
            ("#.4x", 255, "0x00ff"),
            ("o", 8, "10"),
            ("#o", 8, "010"),
            ("#o", 0, "0"),
            ("#.0o", 0, "0"),
            ("#.3o", 8, "010"),
            ("+x", 1, "1"),
        ];
        for &(format, n, text) in cases {
            assert_eq!(int(format, n), text, "%{format} of {n}");
        }
        assert_eq!(int("99.99d", -1).len(), 100);
    }

    #[test]
    fn bytes() {
        let mut out = Vec::new();
        format_bytes(&mut out, &spec("6.2s"), b"abc");
        format_bytes(&mut out, &spec("-4s"), b"x");
        format_bytes(&mut out, &spec("2s"), b"long");
        assert_eq!(out, b"    abx   long");
    }
}

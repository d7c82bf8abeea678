//! Text to number, exactly as `lua_stringtonumber` of 5.3: one reader for source numerals, `tonumber` and coercions.
//!
//! 1. Pure functions on bytes; the locale plays no part and the decimal point is always `.`.
//! 2. Linear in the length of the text, and correctly rounded (ties to even) for decimal and hexadecimal floats.

/// What a numeral denotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Integer(i64),
    Float(f64),
}

/// `isspace` of the C locale.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// The value of one hexadecimal digit.
#[must_use]
pub const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Converts a whole text, white space around it allowed, to the number it denotes. `None` if it is not a numeral;
/// `inf` and `nan` are none.
#[must_use]
pub fn str_to_number(text: &[u8]) -> Option<Number> {
    let text = trim(text);
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if let [b'0', b'x' | b'X', hex @ ..] = digits {
        hexadecimal(hex, negative)
    } else {
        decimal(digits, negative)
    }
}

fn decimal(digits: &[u8], negative: bool) -> Option<Number> {
    if let Some(value) = decimal_integer(digits, negative) {
        return Some(Number::Integer(value));
    }
    let (whole, rest) = split_digits(digits);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest),
        _ => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    if !is_exponent(rest, b'e') {
        return None;
    }
    // The shape is checked, so this accepts neither words nor anything else beyond 5.3.
    let value: f64 = if whole.len() + fraction.len() > DECISIVE_DIGITS {
        shortened(whole, fraction, rest).parse().ok()?
    } else {
        std::str::from_utf8(digits).ok()?.parse().ok()?
    };
    Some(Number::Float(if negative { -value } else { value }))
}

/// No value halfway between two floats has as many digits from the first that is not zero: later ones matter only in that one of
/// them is not zero.
const DECISIVE_DIGITS: usize = 800;

/// A numeral of the same value with few digits: reading millions of them exactly is slow.
fn shortened(whole: &[u8], fraction: &[u8], exponent: &[u8]) -> String {
    let mut digits = whole.iter().chain(fraction);
    let zeros = digits.clone().take_while(|&&digit| digit == b'0').count();
    let mut text = String::from("0.");
    text.extend(digits.by_ref().skip(zeros).take(DECISIVE_DIGITS).map(|&digit| char::from(digit)));
    if digits.any(|&digit| digit != b'0') {
        text.push('1');
    }
    // No string is long enough for its digits to make up for an exponent that is cut off here.
    let written = exponent.get(1..).map_or(0, written_exponent);
    let point = whole.len() as i64 - zeros as i64;
    text.push_str(&format!("e{}", written.saturating_add(point)));
    text
}

/// Decimal digits behind a sign, if there is one; very large ones as the largest integer.
fn written_exponent(text: &[u8]) -> i64 {
    let (minus, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digit = |sum: i64, byte: &u8| sum.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
    let written = digits.iter().fold(0, digit);
    if minus { -written } else { written }
}

/// `None` if the text is not all digits or does not fit: 5.3 then reads it as a float.
fn decimal_integer(digits: &[u8], negative: bool) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    // Accumulated as a negative number, whose range is the larger one.
    let mut value: i64 = 0;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(byte - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(count)
}

/// Nothing, or the marker letter, a sign if any, and at least one decimal digit up to the end.
fn is_exponent(text: &[u8], marker: u8) -> bool {
    let [first, rest @ ..] = text else { return true };
    let rest = match rest {
        [b'+' | b'-', rest @ ..] => rest,
        _ => rest,
    };
    first.to_ascii_lowercase() == marker && !rest.is_empty() && rest.iter().all(u8::is_ascii_digit)
}

fn hexadecimal(digits: &[u8], negative: bool) -> Option<Number> {
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit) {
        let mut value: u64 = 0;
        // As 5.3: hexadecimal integers wrap around instead of becoming floats, so that the last digits decide.
        for &byte in &digits[digits.len().saturating_sub(16)..] {
            value = (value << 4) | u64::from(hex_value(byte)?);
        }
        let value = value.cast_signed();
        return Some(Number::Integer(if negative { value.wrapping_neg() } else { value }));
    }
    let mut mantissa: u64 = 0;
    let mut inexact = false;
    let mut exponent: i64 = 0;
    let mut any = false;
    let mut point = false;
    let mut rest = digits;
    while let [byte, tail @ ..] = rest {
        if let Some(digit) = hex_value(*byte) {
            any = true;
            if mantissa >> 60 == 0 {
                mantissa = (mantissa << 4) | u64::from(digit);
                exponent -= if point { 4 } else { 0 };
            } else {
                inexact |= digit != 0;
                exponent += if point { 0 } else { 4 };
            }
        } else if *byte == b'.' && !point {
            point = true;
        } else {
            break;
        }
        rest = tail;
    }
    if !any || !is_exponent(rest, b'p') {
        return None;
    }
    if let [_, tail @ ..] = rest {
        exponent = exponent.saturating_add(written_exponent(tail));
    }
    let value = scale(mantissa, inexact, exponent);
    Some(Number::Float(if negative { -value } else { value }))
}

/// `mantissa * 2^exponent` rounded to nearest, ties to even; `inexact` says that nonzero digits follow the mantissa.
fn scale(mantissa: u64, inexact: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = mantissa.leading_zeros();
    let mantissa = mantissa << shift;
    // The value is 1.xxx * 2^top.
    let top = exponent.saturating_add(63 - i64::from(shift));
    if top > 1023 {
        return f64::INFINITY;
    }
    if top < -1075 {
        return 0.0;
    }
    // Normal numbers keep 53 bits, subnormal ones fewer, down to none for values below the smallest.
    let keep = if top >= -1022 { 53 } else { 53 + (top + 1022) };
    let drop = 64 - keep;
    let (kept, lost, half) = if drop >= 64 {
        (0, u128::from(mantissa), 1_u128 << (drop - 1))
    } else {
        (mantissa >> drop, u128::from(mantissa) & ((1 << drop) - 1), 1_u128 << (drop - 1))
    };
    let up = lost > half || (lost == half && (inexact || kept & 1 == 1));
    let kept = kept + u64::from(up);
    // Adding instead of or-ing lets a carry out of the mantissa increase the exponent, up to infinity.
    let biased = if top >= -1022 { (top + 1022).cast_unsigned() } else { 0 };
    f64::from_bits((biased << 52) + kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> i64 {
        match str_to_number(text.as_bytes()) {
            Some(Number::Integer(value)) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn float(text: &str) -> f64 {
        match str_to_number(text.as_bytes()) {
            Some(Number::Float(value)) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn integers() {
        assert_eq!(int("0"), 0);
        assert_eq!(int(" \t\n\x0b\x0c\r-7  "), -7);
        assert_eq!(int("+9223372036854775807"), i64::MAX);
        assert_eq!(int("-9223372036854775808"), i64::MIN);
        assert_eq!(int("0x10"), 16);
        assert_eq!(int("-0xff"), -255);
        assert_eq!(int("0xffffffffffffffff"), -1);
        assert_eq!(int("0x1ffffffffffffffff"), -1);
        assert_eq!(int("00000000000000000000000000012"), 12);
        assert_eq!(int("0x100000000000000000000000000000000f"), 15);
    }

    #[test]
    fn floats() {
        assert_eq!(float("9223372036854775808"), 9_223_372_036_854_775_808.0);
        assert_eq!(float("-9223372036854775809"), -9_223_372_036_854_775_808.0);
        assert_eq!(float("1."), 1.0);
        assert_eq!(float(".5"), 0.5);
        assert_eq!(float("3e2"), 300.0);
        assert_eq!(float("3E-2"), 0.03);
        assert_eq!(float("1e400"), f64::INFINITY);
        assert_eq!(float("1e-400"), 0.0);
        assert!(float("-0.0").is_sign_negative());
        assert_eq!(float("1e99999999999999999999"), f64::INFINITY);
    }

    #[test]
    fn hexadecimal_floats() {
        assert_eq!(float("0x.8"), 0.5);
        assert_eq!(float("0xA."), 10.0);
        assert_eq!(float("0x1p4"), 16.0);
        assert_eq!(float("0xA.8p-1"), 5.25);
        assert_eq!(float("-0x1p-1"), -0.5);
        assert_eq!(float("0x1p1024"), f64::INFINITY);
        assert_eq!(float("0x1.fffffffffffff8p1023"), f64::INFINITY);
        assert_eq!(float("0x1.fffffffffffffp1023"), f64::MAX);
        assert_eq!(float("0x1p-1074"), 5e-324);
        assert_eq!(float("0x1p-1075"), 0.0);
        assert_eq!(float("0x1.8p-1075"), 5e-324);
        assert_eq!(float("0x1.8p-1074"), 1e-323);
        assert_eq!(float("0x1p-1022"), f64::MIN_POSITIVE);
        assert_eq!(float("0x0p99999999999999999999"), 0.0);
        assert_eq!(float("0x1p99999999999999999999"), f64::INFINITY);
        assert_eq!(float("0x1p-99999999999999999999"), 0.0);
        // Ties go to even, and digits far behind break the tie.
        assert_eq!(float("0x1.00000000000008p0"), 1.0);
        assert_eq!(float("0x1.00000000000018p0"), 1.000_000_000_000_000_4);
        assert_eq!(float("0x1.000000000000080000000000000001p0"), 1.000_000_000_000_000_2);
    }

    #[test]
    fn refused() {
        for text in [
            "", " ", "-", "+", ".", "e1", ".e1", "1e", "1e+", "0x", "0x.", "0xp1", "0x1p", "0x1pf", "1 2",
            "1x", "inf", "nan", "-inf", "Infinity", "--1", "- 1", "1\0", "1..2", "1.2.3", "0x1.2.3", "1_000",
            "\u{a0}1", "0b1",
        ] {
            assert_eq!(str_to_number(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn long_numerals_are_linear() {
        let long = "1".repeat(100_000);
        assert_eq!(float(&long), f64::INFINITY);
        assert_eq!(float(&format!("0.{long}")), 1.0 / 9.0);
        let zeros = "0".repeat(100_000);
        assert_eq!(float(&format!("{zeros}12.5{zeros}")), 12.5);
        assert_eq!(float(&format!("0.{zeros}125e100001")), 1.25);
        assert_eq!(float(&format!("-1{zeros}.{zeros}1e-100000")), -1.0);
        assert_eq!(float(&format!("1{zeros}e-99999999999999999999")), 0.0);
        assert_eq!(float(&format!("0{zeros}.0e99999999999999999999")), 0.0);
        // One digit far away decides where the others lie halfway between two floats, and between the smallest and zero.
        assert_eq!(float(&format!("9007199254740993.{zeros}")), 9_007_199_254_740_992.0);
        assert_eq!(float(&format!("9007199254740993.{zeros}1")), 9_007_199_254_740_994.0);
        assert_eq!(float(&format!("0x0.{long}")), float("0x0.111111111111111111"));
    }
}

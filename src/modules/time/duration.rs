//! Durations: nanoseconds, their text, and their way back from text.

/// A length of time in nanoseconds, negative ones included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Duration(pub i64);

pub const MICROSECOND: i64 = 1_000;
pub const MILLISECOND: i64 = 1_000_000;
pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

impl Duration {
    /// The whole nanoseconds of a number; none if they are out of range.
    #[must_use]
    pub fn from_float(nanos: f64) -> Option<Self> {
        // 2^63 is the first float too large.
        (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
            .contains(&nanos)
            .then_some(Self(nanos as i64))
    }

    /// `[+-]` and one or more numbers with units, or `0`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (negative, mut rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if rest == b"0" {
            return Some(Self(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (nanos, after) = parse_part(rest)?;
            total += nanos;
            if total > 1 << 63 {
                return None;
            }
            rest = after;
        }
        i64::try_from(if negative { -total } else { total }).ok().map(Self)
    }

    /// The text, as `1h30m45s`, `1.5s`, `2µs`.
    #[must_use]
    pub fn text(self) -> String {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let body = match size {
            0 => "0s".to_owned(),
            1..=999 => format!("{size}ns"),
            1_000..=999_999 => format!("{}µs", decimal(size, MICROSECOND as u64)),
            1_000_000..=999_999_999 => format!("{}ms", decimal(size, MILLISECOND as u64)),
            _ => {
                let (hours, minutes) = (size / HOUR as u64, size / MINUTE as u64 % 60);
                let seconds = decimal(size % MINUTE as u64, SECOND as u64);
                match (hours, minutes) {
                    (0, 0) => format!("{seconds}s"),
                    (0, _) => format!("{minutes}m{seconds}s"),
                    _ => format!("{hours}h{minutes}m{seconds}s"),
                }
            }
        };
        format!("{sign}{body}")
    }
}

/// `size / unit` without trailing zeros; `unit` is a power of ten.
fn decimal(size: u64, unit: u64) -> String {
    let (whole, fraction) = (size / unit, size % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{fraction:0width$}").trim_end_matches('0'))
}

/// Digits at the start of a text, and what comes after them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// One number with its unit, in nanoseconds, and what comes after it.
fn parse_part(text: &[u8]) -> Option<(i128, &[u8])> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        rest => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.iter().position(|b| b.is_ascii_digit() || *b == b'.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit: i128 = match unit {
        b"ns" => 1,
        // Both letters that look like it: the micro sign and mu.
        b"us" | [0xc2, 0xb5, b's'] | [0xce, 0xbc, b's'] => MICROSECOND.into(),
        b"ms" => MILLISECOND.into(),
        b"s" => SECOND.into(),
        b"m" => MINUTE.into(),
        b"h" => HOUR.into(),
        _ => return None,
    };
    let mut nanos: i128 = 0;
    for &digit in whole {
        nanos = nanos * 10 + i128::from(digit - b'0');
        if nanos > 1 << 63 {
            return None;
        }
    }
    nanos *= unit;
    // Digits that stand for less than a nanosecond do not count.
    let (mut part, mut scale) = (0, 1);
    for &digit in fraction.iter().take(18) {
        part = part * 10 + i128::from(digit - b'0');
        scale *= 10;
    }
    Some((nanos + part * unit / scale, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for text in [
            "0s",
            "1ns",
            "999ns",
            "1µs",
            "2.5µs",
            "1ms",
            "500ms",
            "1.000001ms",
            "1s",
            "1.5s",
            "59.999999999s",
            "1m0s",
            "1m30s",
            "1h0m0s",
            "1h30m45s",
            "1h0m0.000000001s",
            "-1.5s",
            "-2562047h47m16.854775808s",
            "2562047h47m16.854775807s",
        ] {
            assert_eq!(Duration::parse(text.as_bytes()).expect(text).text(), text);
        }
    }

    #[test]
    fn what_is_a_duration() {
        let ok =
            |text: &str, nanos| assert_eq!(Duration::parse(text.as_bytes()), Some(Duration(nanos)), "{text}");
        ok("0", 0);
        ok("-0", 0);
        ok("+5s", 5 * SECOND);
        ok("1h30m", 90 * MINUTE);
        ok(".5s", SECOND / 2);
        ok("1.s", SECOND);
        ok("1.5h", 90 * MINUTE);
        ok("1us", 1000);
        ok("1μs", 1000);
        ok("0.3333333333333333333333h", 1_199_999_999_999);
        ok("1m1m", 2 * MINUTE);
        ok("-9223372036854775808ns", i64::MIN);
        for text in [
            "",
            "+",
            "-",
            "5",
            "1d",
            "1 h",
            " 1h",
            "1h ",
            "s",
            ".s",
            ".",
            "1h-1m",
            "--1s",
            "1h30",
            "9223372036854775808ns",
            "1S",
            "99999999999999999999999999999999999999999h",
            "1e3s",
        ] {
            assert_eq!(Duration::parse(text.as_bytes()), None, "{text}");
        }
    }
}

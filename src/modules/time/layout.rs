//! Layouts: a text in which parts of one reference time stand for the fields of another (`spec/modules/time.md` section 7).
//!
//! Formatting and parsing see a layout as the same sequence of plain texts and [`Token`]s.

use super::instant::{Civil, Fields};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A field in a layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token {
    Year,
    ShortYear,
    MonthName,
    ShortMonthName,
    Month(Digits),
    WeekdayName,
    ShortWeekdayName,
    Day(Digits),
    YearDay(Digits),
    Hour,
    Hour12(Digits),
    Minute(Digits),
    Second(Digits),
    /// `PM`, or `pm`.
    Half {
        upper: bool,
    },
    /// A separator and digits; optional ones without trailing zeros.
    Fraction {
        digits: usize,
        optional: bool,
    },
    Abbreviation,
    /// Numeric, with hours, minutes and perhaps seconds.
    Offset {
        z: bool,
        parts: u8,
        colons: bool,
    },
}

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Digits {
    Plain,
    Spaces,
    Zeros,
}

/// The token that begins at the start of a text, and its length.
fn token_at(text: &[u8]) -> Option<(Token, usize)> {
    use Digits::{Plain, Spaces, Zeros};
    // Longer ones first.
    const FIXED: [(&[u8], Token); 33] = [
        (b"January", Token::MonthName),
        (b"Jan", Token::ShortMonthName),
        (b"Monday", Token::WeekdayName),
        (b"Mon", Token::ShortWeekdayName),
        (b"MST", Token::Abbreviation),
        (b"2006", Token::Year),
        (b"002", Token::YearDay(Zeros)),
        (b"01", Token::Month(Zeros)),
        (b"02", Token::Day(Zeros)),
        (b"03", Token::Hour12(Zeros)),
        (b"04", Token::Minute(Zeros)),
        (b"05", Token::Second(Zeros)),
        (b"06", Token::ShortYear),
        (b"15", Token::Hour),
        (b"1", Token::Month(Plain)),
        (b"2", Token::Day(Plain)),
        (b"3", Token::Hour12(Plain)),
        (b"4", Token::Minute(Plain)),
        (b"5", Token::Second(Plain)),
        (b"__2", Token::YearDay(Spaces)),
        (b"_2", Token::Day(Spaces)),
        (b"PM", Token::Half { upper: true }),
        (b"pm", Token::Half { upper: false }),
        (b"-07:00:00", Token::Offset { z: false, parts: 3, colons: true }),
        (b"-070000", Token::Offset { z: false, parts: 3, colons: false }),
        (b"-07:00", Token::Offset { z: false, parts: 2, colons: true }),
        (b"-0700", Token::Offset { z: false, parts: 2, colons: false }),
        (b"-07", Token::Offset { z: false, parts: 1, colons: false }),
        (b"Z07:00:00", Token::Offset { z: true, parts: 3, colons: true }),
        (b"Z070000", Token::Offset { z: true, parts: 3, colons: false }),
        (b"Z07:00", Token::Offset { z: true, parts: 2, colons: true }),
        (b"Z0700", Token::Offset { z: true, parts: 2, colons: false }),
        (b"Z07", Token::Offset { z: true, parts: 1, colons: false }),
    ];
    // An underscore before a year is just that.
    if text.starts_with(b"_2006") {
        return None;
    }
    if let [b'.' | b',', first @ (b'0' | b'9'), ..] = text {
        let digits = text[1..].iter().take_while(|b| *b == first).count();
        let ends = !text.get(1 + digits).is_some_and(u8::is_ascii_digit);
        return ends.then_some((Token::Fraction { digits, optional: *first == b'9' }, 1 + digits));
    }
    let &(name, token) = FIXED.iter().find(|(name, _)| text.starts_with(name))?;
    let is_name = matches!(token, Token::ShortMonthName | Token::ShortWeekdayName);
    if is_name && text.get(3).is_some_and(u8::is_ascii_lowercase) {
        return None;
    }
    Some((token, name.len()))
}

/// The start of a layout: plain text and the token that ends it, with its own text.
struct Piece<'a> {
    plain: &'a [u8],
    token: Option<(Token, &'a [u8])>,
    rest: &'a [u8],
}

fn split(layout: &[u8]) -> Piece<'_> {
    for at in 0..layout.len() {
        if let Some((token, len)) = token_at(&layout[at..]) {
            let (text, rest) = layout[at..].split_at(len);
            return Piece { plain: &layout[..at], token: Some((token, text)), rest };
        }
    }
    Piece { plain: layout, token: None, rest: &[] }
}

// ---- formatting ----

/// The fields in the shape of a layout.
#[must_use]
pub fn format(fields: &Fields, layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while !rest.is_empty() {
        let piece = split(rest);
        out.extend_from_slice(piece.plain);
        if let Some((token, text)) = piece.token {
            format_token(&mut out, fields, token, text);
        }
        rest = piece.rest;
    }
    out
}

fn number(out: &mut Vec<u8>, n: i64, digits: Digits, width: usize) {
    let text = match digits {
        Digits::Plain => n.to_string(),
        Digits::Spaces => format!("{n:width$}"),
        Digits::Zeros if n < 0 => format!("-{:0width$}", n.unsigned_abs()),
        Digits::Zeros => format!("{n:0width$}"),
    };
    out.extend_from_slice(text.as_bytes());
}

fn name(names: &[&'static str], i: i64) -> &'static str {
    usize::try_from(i).ok().and_then(|i| names.get(i)).copied().unwrap_or_default()
}

fn format_token(out: &mut Vec<u8>, fields: &Fields, token: Token, text: &[u8]) {
    let c = &fields.civil;
    match token {
        Token::Year => number(out, c.year, Digits::Zeros, 4),
        Token::ShortYear => number(out, c.year.max(0) % 100, Digits::Zeros, 2),
        Token::MonthName => out.extend_from_slice(name(&MONTHS, c.month - 1).as_bytes()),
        Token::ShortMonthName => out.extend_from_slice(&name(&MONTHS, c.month - 1).as_bytes()[..3]),
        Token::WeekdayName => out.extend_from_slice(name(&DAYS, fields.weekday).as_bytes()),
        Token::ShortWeekdayName => out.extend_from_slice(&name(&DAYS, fields.weekday).as_bytes()[..3]),
        Token::Month(digits) => number(out, c.month, digits, 2),
        Token::Day(digits) => number(out, c.day, digits, 2),
        Token::YearDay(digits) => number(out, fields.year_day, digits, 3),
        Token::Hour => number(out, c.hour, Digits::Zeros, 2),
        Token::Hour12(digits) => number(out, (c.hour + 11) % 12 + 1, digits, 2),
        Token::Minute(digits) => number(out, c.minute, digits, 2),
        Token::Second(digits) => number(out, c.second, digits, 2),
        Token::Half { upper } => out.extend_from_slice(half(upper, c.hour >= 12)),
        Token::Fraction { digits, optional } => {
            let shown = format!("{:09}", c.nanosecond).into_bytes();
            let mut fraction: Vec<u8> =
                shown.into_iter().chain(std::iter::repeat(b'0')).take(digits).collect();
            if optional {
                let len = fraction.iter().rposition(|&b| b != b'0').map_or(0, |last| last + 1);
                fraction.truncate(len);
            }
            if !fraction.is_empty() {
                out.push(text[0]);
                out.extend_from_slice(&fraction);
            }
        }
        Token::Abbreviation if !fields.abbreviation.is_empty() => out.extend_from_slice(&fields.abbreviation),
        Token::Abbreviation => offset(out, fields.offset, 2, false),
        Token::Offset { z: true, .. } if fields.offset == 0 => out.push(b'Z'),
        Token::Offset { parts, colons, .. } => offset(out, fields.offset, parts, colons),
    }
}

const fn half(upper: bool, after_noon: bool) -> &'static [u8] {
    match (upper, after_noon) {
        (true, true) => b"PM",
        (true, false) => b"AM",
        (false, true) => b"pm",
        (false, false) => b"am",
    }
}

fn offset(out: &mut Vec<u8>, seconds: i64, parts: u8, colons: bool) {
    out.push(if seconds < 0 { b'-' } else { b'+' });
    let size = seconds.abs();
    for (part, n) in (0..parts).zip([size / 3600, size / 60 % 60, size % 60]) {
        if part > 0 && colons {
            out.push(b':');
        }
        number(out, n, Digits::Zeros, 2);
    }
}

// ---- parsing ----

/// What a text said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub civil: Civil,
    pub zone: ParsedZone,
}

/// What a text said about its zone.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ParsedZone {
    /// `Z`.
    pub is_utc: bool,
    /// Seconds east of UTC.
    pub offset: Option<i64>,
    /// Empty if there was none.
    pub abbreviation: Vec<u8>,
}

/// Why a text does not fit its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The rest of the text is not what this part of the layout asks for.
    Expected { part: Vec<u8>, rest: Vec<u8> },
    /// A field has no such value.
    OutOfRange(&'static str),
    /// Text that the layout does not account for.
    Extra(Vec<u8>),
}

impl Mismatch {
    /// For people.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        match self {
            Self::Expected { part, rest } => {
                [b"cannot read \"", &rest[..], b"\" as \"", part, b"\""].concat()
            }
            Self::OutOfRange(field) => format!("{field} out of range").into_bytes(),
            Self::Extra(rest) => [b"extra text: \"", &rest[..], b"\""].concat(),
        }
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    civil: Civil,
    zone: ParsedZone,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    after_noon: Option<bool>,
}

/// Reads a time in the shape of a layout.
///
/// # Errors
/// The first place where the text does not fit.
pub fn parse(layout: &[u8], text: &[u8]) -> Result<Parsed, Mismatch> {
    let mut parser = Parser {
        rest: text,
        civil: Civil::default(),
        zone: ParsedZone::default(),
        month: None,
        day: None,
        year_day: None,
        after_noon: None,
    };
    let mut layout = layout;
    while !layout.is_empty() {
        let Piece { plain, token, rest } = split(layout);
        let expected = |part: &[u8], rest: &[u8]| Mismatch::Expected { part: part.into(), rest: rest.into() };
        parser.plain(plain).ok_or_else(|| expected(plain, parser.rest))?;
        if let Some((token, part)) = token {
            let before = parser.rest;
            parser.token(token, rest)?.ok_or_else(|| expected(part, before))?;
        }
        layout = rest;
    }
    if !parser.rest.is_empty() {
        return Err(Mismatch::Extra(parser.rest.into()));
    }
    parser.finish()
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|&&b| b == b' ').count()
}

/// Outer `Err`: the value is impossible; inner `None`: the text does not fit.
type Fit = Result<Option<()>, Mismatch>;

impl Parser<'_> {
    /// Plain text must be there as it is, but that runs of spaces may differ in length.
    fn plain(&mut self, plain: &[u8]) -> Option<()> {
        let mut plain = plain;
        while let Some(&first) = plain.first() {
            if first == b' ' {
                let found = spaces(self.rest);
                if found == 0 {
                    return None;
                }
                plain = &plain[spaces(plain)..];
                self.rest = &self.rest[found..];
            } else {
                self.rest = self.rest.strip_prefix(&[first])?;
                plain = &plain[1..];
            }
        }
        Some(())
    }

    /// One or two digits; exactly two if `fixed`.
    fn number(&mut self, fixed: bool) -> Option<i64> {
        let digits = self.rest.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || fixed && digits < 2 {
            return None;
        }
        self.digits(digits)
    }

    /// Exactly `n` digits.
    fn digits(&mut self, n: usize) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(n)?;
        let mut value: i64 = 0;
        for b in digits {
            if !b.is_ascii_digit() {
                return None;
            }
            value = value.saturating_mul(10).saturating_add(i64::from(b - b'0'));
        }
        self.rest = rest;
        Some(value)
    }

    /// The index of the name that the text begins with, in any letter case.
    fn name(&mut self, names: &[&str], len: Option<usize>) -> Option<i64> {
        let at = names.iter().position(|name| {
            let name = &name.as_bytes()[..len.unwrap_or(name.len())];
            self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        })?;
        self.rest = &self.rest[len.unwrap_or(names[at].len())..];
        Some(at as i64)
    }

    fn token(&mut self, token: Token, layout: &[u8]) -> Fit {
        let limited = |n: Option<i64>, range: std::ops::RangeInclusive<i64>, field: &'static str| match n {
            Some(n) if !range.contains(&n) => Err(Mismatch::OutOfRange(field)),
            n => Ok(n),
        };
        let zeros = |digits: Digits| digits == Digits::Zeros;
        macro_rules! set {
            ($place:expr, $value:expr) => {{
                let Some(value) = $value else { return Ok(None) };
                $place = value;
            }};
        }
        match token {
            Token::Year => set!(self.civil.year, self.digits(4)),
            Token::ShortYear => {
                set!(self.civil.year, self.digits(2));
                self.civil.year += if self.civil.year >= 69 { 1900 } else { 2000 };
            }
            Token::MonthName => set!(self.month, self.name(&MONTHS, None).map(|i| Some(i + 1))),
            Token::ShortMonthName => set!(self.month, self.name(&MONTHS, Some(3)).map(|i| Some(i + 1))),
            Token::Month(digits) => {
                set!(self.month, limited(self.number(zeros(digits)), 1..=12, "month")?.map(Some));
            }
            Token::WeekdayName => return Ok(self.name(&DAYS, None).map(|_| ())),
            Token::ShortWeekdayName => return Ok(self.name(&DAYS, Some(3)).map(|_| ())),
            Token::Day(digits) => {
                if digits == Digits::Spaces {
                    self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
                }
                set!(self.day, self.number(zeros(digits)).map(Some));
            }
            Token::YearDay(digits) => {
                let padding = if digits == Digits::Spaces { spaces(self.rest).min(2) } else { 0 };
                self.rest = &self.rest[padding..];
                let found = self.rest.iter().take(3 - padding).take_while(|b| b.is_ascii_digit()).count();
                // Spaces in front may have gone with those of the layout before.
                let width = if digits == Digits::Spaces { found.max(1) } else { 3 };
                set!(self.year_day, self.digits(width).map(Some));
            }
            Token::Hour => set!(self.civil.hour, limited(self.number(false), 0..=23, "hour")?),
            Token::Hour12(digits) => {
                set!(self.civil.hour, limited(self.number(zeros(digits)), 0..=12, "hour")?);
            }
            Token::Minute(digits) => {
                set!(self.civil.minute, limited(self.number(zeros(digits)), 0..=59, "minute")?);
            }
            Token::Second(digits) => {
                set!(self.civil.second, limited(self.number(zeros(digits)), 0..=59, "second")?);
                // The layout may leave out a fraction that the text has.
                let follows = matches!(split(layout).token, Some((Token::Fraction { .. }, _)));
                if !follows {
                    self.fraction();
                }
            }
            Token::Half { upper } => {
                let start = self.rest.get(..2);
                let after_noon = [false, true].into_iter().find(|&pm| start == Some(half(upper, pm)));
                set!(self.after_noon, after_noon.map(Some));
                self.rest = &self.rest[2..];
            }
            Token::Fraction { optional: true, .. } => self.fraction(),
            Token::Fraction { digits, .. } => {
                let Some([b'.' | b',', found @ ..]) = self.rest.get(..1 + digits) else { return Ok(None) };
                if !found.iter().all(u8::is_ascii_digit) {
                    return Ok(None);
                }
                self.civil.nanosecond = nanoseconds(found);
                self.rest = &self.rest[1 + digits..];
            }
            Token::Abbreviation => {
                let len = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                if !(3..=5).contains(&len) {
                    return Ok(None);
                }
                let (abbreviation, rest) = self.rest.split_at(len);
                self.zone.abbreviation = abbreviation.into();
                self.rest = rest;
            }
            Token::Offset { z: true, .. } if self.rest.first() == Some(&b'Z') => {
                self.rest = &self.rest[1..];
                self.zone.is_utc = true;
            }
            Token::Offset { parts, colons, .. } => return self.offset(parts, colons),
        }
        Ok(Some(()))
    }

    /// A separator and digits, if they are there.
    fn fraction(&mut self) {
        let [b'.' | b',', digits @ ..] = self.rest else { return };
        let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if len > 0 {
            self.civil.nanosecond = nanoseconds(&digits[..len]);
            self.rest = &digits[len..];
        }
    }

    fn offset(&mut self, parts: u8, colons: bool) -> Fit {
        let sign = match self.rest {
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Ok(None),
        };
        self.rest = &self.rest[1..];
        let mut seconds = 0;
        for (part, (unit, most)) in (0..parts).zip([(3600, 24), (60, 59), (1, 59)]) {
            if part > 0 && colons {
                let Some(rest) = self.rest.strip_prefix(b":") else { return Ok(None) };
                self.rest = rest;
            }
            let Some(n) = self.digits(2) else { return Ok(None) };
            if n > most {
                return Err(Mismatch::OutOfRange("zone offset"));
            }
            seconds += n * unit;
        }
        self.zone.offset = Some(sign * seconds);
        Ok(Some(()))
    }

    fn finish(mut self) -> Result<Parsed, Mismatch> {
        match self.after_noon {
            Some(true) if self.civil.hour < 12 => self.civil.hour += 12,
            Some(false) if self.civil.hour == 12 => self.civil.hour = 0,
            _ => {}
        }
        let year = self.civil.year;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = |month: i64| match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if let Some(year_day) = self.year_day {
            if !(1..=365 + i64::from(leap)).contains(&year_day) {
                return Err(Mismatch::OutOfRange("day of year"));
            }
            let (mut month, mut day) = (1, year_day);
            while day > length(month) {
                day -= length(month);
                month += 1;
            }
            if self.month.is_some_and(|m| m != month) || self.day.is_some_and(|d| d != day) {
                return Err(Mismatch::OutOfRange("day of year"));
            }
            (self.month, self.day) = (Some(month), Some(day));
        }
        self.civil.month = self.month.unwrap_or(1);
        self.civil.day = self.day.unwrap_or(1);
        if !(1..=length(self.civil.month)).contains(&self.civil.day) {
            return Err(Mismatch::OutOfRange("day"));
        }
        Ok(Parsed { civil: self.civil, zone: self.zone })
    }
}

/// Nanoseconds of the digits behind a decimal separator.
fn nanoseconds(digits: &[u8]) -> i64 {
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    padded.fold(0, |value, b| value * 10 + i64::from(b - b'0'))
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;

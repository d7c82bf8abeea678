//! The calendar behind `os.date` and `os.time`: broken-down times, their text in the "C" locale, and their way back.
//!
//! 1. The calendar is computed here, proleptic Gregorian over all years a C `int` holds; jiff only knows the time zone.
//!    Its range is shorter, so far years ask for the offset of the same day some whole 400-year cycles away.
//! 2. Years, as in the reference's `struct tm`, count from 1900 and wrap around where C's would.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use smallvec::SmallVec;

use crate::numfmt::{ByteSink, integer_text};

const DAY: i64 = 86_400;
/// The Gregorian calendar, leap years and weekdays included, repeats after 400 years.
const CYCLE: i64 = 146_097 * DAY;

const DAYS: [&[u8]; 7] =
    [b"Sunday", b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday"];
const MONTHS: [&[u8]; 12] = [
    b"January",
    b"February",
    b"March",
    b"April",
    b"May",
    b"June",
    b"July",
    b"August",
    b"September",
    b"October",
    b"November",
    b"December",
];

/// What `os.date` and `os.time` refuse. Messages with bytes of the program in them are written by [`DateError::write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateError<'a> {
    /// An error of argument 1; holds the rest of the format from the specifier on.
    InvalidSpecifier(&'a [u8]),
    Missing(&'static str),
    OutOfBound(&'static str),
    NotInteger(&'static str),
    Unrepresentable,
}

impl DateError<'_> {
    pub fn write(self, out: &mut impl ByteSink) {
        match self {
            Self::InvalidSpecifier(rest) => {
                out.put(b"invalid conversion specifier '%");
                out.put(rest);
                out.put(b"'");
            }
            other => out.put(other.to_string().as_bytes()),
        }
    }
}

impl fmt::Display for DateError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSpecifier(rest) => {
                write!(f, "invalid conversion specifier '%{}'", String::from_utf8_lossy(rest))
            }
            Self::Missing(name) => write!(f, "field '{name}' missing in date table"),
            Self::OutOfBound(name) => write!(f, "field '{name}' is out-of-bound"),
            Self::NotInteger(name) => write!(f, "field '{name}' is not an integer"),
            Self::Unrepresentable => f.write_str("time result cannot be represented in this installation"),
        }
    }
}

/// A broken-down time, as C's `struct tm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tm {
    pub sec: i32,
    pub min: i32,
    pub hour: i32,
    /// From 1.
    pub mday: i32,
    /// From 0.
    pub mon: i32,
    /// From 1900.
    pub year: i32,
    /// From 0 for Sunday.
    pub wday: i32,
    /// From 0.
    pub yday: i32,
    /// `None`: not known.
    pub isdst: Option<bool>,
    /// Seconds east of Greenwich.
    pub offset: i32,
    pub zone: SmallVec<[u8; 8]>,
}

impl Tm {
    /// The fields of `os.date("*t")` in the order the reference sets them; `isdst` follows when known.
    pub fn fields(&self) -> [(&'static str, i64); 8] {
        [
            ("sec", self.sec.into()),
            ("min", self.min.into()),
            ("hour", self.hour.into()),
            ("day", self.mday.into()),
            ("month", i64::from(self.mon) + 1),
            ("year", self.full_year()),
            ("wday", i64::from(self.wday) + 1),
            ("yday", i64::from(self.yday) + 1),
        ]
    }

    fn full_year(&self) -> i64 {
        self.year.wrapping_add(1900).into()
    }

    /// Year and week by ISO 8601: the week belongs to the year of its Thursday.
    fn iso_week(&self) -> (i64, i32) {
        let year = i64::from(self.year) + 1900;
        let thursday = self.yday - (self.wday + 6) % 7 + 3;
        let (year, thursday) = if thursday < 0 {
            (year - 1, thursday + year_length(year - 1))
        } else if thursday >= year_length(year) {
            (year + 1, thursday - year_length(year))
        } else {
            (year, thursday)
        };
        (i64::from(year as i32), thursday / 7 + 1)
    }
}

fn year_length(year: i64) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    365 + i32::from(leap)
}

/// Days from 1970-01-01 to the first of `month` (from 0, within the year) of `year`.
#[must_use]
pub fn days_to_month(year: i64, month: i64) -> i64 {
    // Years that begin in March put the leap day last.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let (cycle, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    cycle * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// Year, month (from 0) and day (from 1) of a day counted from 1970-01-01.
#[must_use]
pub fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (cycle, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year + cycle * 400;
    if month < 10 { (year, month + 2, day_of_month) } else { (year + 1, month - 10, day_of_month) }
}

/// The instant (seconds since 1970), or one outside of jiff's range moved to where zones have the same rules.
#[must_use]
pub fn timestamp_near(time: i64) -> Timestamp {
    let last = Timestamp::MAX.as_second() - DAY;
    let first = Timestamp::MIN.as_second() + DAY;
    let near = if time > last {
        time - (time - last + CYCLE - 1) / CYCLE * CYCLE
    } else if time < first {
        // Before any rule: no need to keep the place in the cycle.
        first
    } else {
        time
    };
    Timestamp::from_second(near).expect("moved into the range of timestamps")
}

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone(Option<TimeZone>);

impl Zone {
    /// The zone of the system, or what the environment variable `TZ` names.
    pub fn system() -> Self {
        Zone(Some(TimeZone::system()))
    }

    /// Greenwich, as `!` asks for it.
    pub fn utc() -> Self {
        Zone(None)
    }

    pub fn from_jiff(zone: TimeZone) -> Self {
        Zone(Some(zone))
    }

    /// Offset, daylight saving time and abbreviation at `time`.
    fn at(&self, time: i64) -> (i64, bool, SmallVec<[u8; 8]>) {
        let Some(zone) = &self.0 else { return (0, false, SmallVec::from_slice(b"GMT")) };
        let info = zone.to_offset_info(timestamp_near(time));
        let name = SmallVec::from_slice(info.abbreviation().as_bytes());
        (info.offset().seconds().into(), info.dst().is_dst(), name)
    }

    /// `localtime` or `gmtime`. `None`: the year does not fit a C `int`.
    pub fn break_down(&self, time: i64) -> Option<Tm> {
        let (offset, isdst, zone) = self.at(time);
        let local = time.checked_add(offset)?;
        let (day, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, mday) = civil(day);
        Some(Tm {
            sec: (second % 60) as i32,
            min: (second / 60 % 60) as i32,
            hour: (second / 3600) as i32,
            mday: mday as i32,
            mon: month as i32,
            year: i32::try_from(year - 1900).ok()?,
            wday: (day + 4).rem_euclid(7) as i32,
            yday: (day - days_to_month(year, 0)) as i32,
            isdst: Some(isdst),
            offset: offset as i32,
            zone,
        })
    }

    /// `mktime`: the instant of `table` in this zone. Fields may be out of their ranges; the second result has them
    /// normalised.
    pub fn instant(&self, table: &DateTable) -> Result<(i64, Tm), DateError<'static>> {
        let months = i64::from(table.month);
        let year = i64::from(table.year) + 1900 + months.div_euclid(12);
        let days = days_to_month(year, months.rem_euclid(12)) + i64::from(table.day) - 1;
        let wall =
            days * DAY + i64::from(table.hour) * 3600 + i64::from(table.min) * 60 + i64::from(table.sec);
        let time = self.wall_instant(wall, table.isdst);
        self.break_down(time).map(|tm| (time, tm)).ok_or(DateError::Unrepresentable)
    }

    fn wall_instant(&self, wall: i64, isdst: Option<bool>) -> i64 {
        let before = self.at(wall - DAY).0;
        let after = self.at(wall + DAY).0;
        // Of two instants the earlier, of none the one with the offset from before the gap.
        let time = [before, after]
            .into_iter()
            .map(|offset| (offset, wall - offset))
            .find(|&(offset, time)| self.at(time).0 == offset)
            .map_or(wall - before, |(_, time)| time);
        let Some(wanted) = isdst else { return time };
        if self.at(time).1 == wanted {
            return time;
        }
        // Where the clock was turned back, the other instant may be the one that is asked for.
        if before != after && self.at(wall - after).1 == wanted {
            return wall - after;
        }
        // As glibc: take the offset of the nearest time with the setting asked for; a zone that has none is supposed
        // to change by an hour.
        const STRIDE: i64 = 601_200;
        const STRIDES: i64 = 450;
        for step in 1..=STRIDES {
            for near in [time - step * STRIDE, time + step * STRIDE] {
                let (offset, dst, _) = self.at(near);
                if dst == wanted {
                    return wall - offset;
                }
            }
        }
        if wanted { time - 3600 } else { time + 3600 }
    }
}

/// The fields of the table given to `os.time`, as C's `mktime` takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateTable {
    pub sec: i32,
    pub min: i32,
    pub hour: i32,
    pub day: i32,
    /// From 0.
    pub month: i32,
    /// From 1900.
    pub year: i32,
    pub isdst: Option<bool>,
}

/// What stands in a field of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue {
    Nil,
    /// An integer, or what converts to one.
    Integer(i64),
    Other,
}

/// A field of the table given to `os.time`.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    default: Option<i32>,
    delta: i32,
    set: fn(&mut DateTable, i32),
}

/// The fields in the order the reference reads them; `isdst` comes last.
pub const FIELDS: [Field; 6] = [
    Field { name: "sec", default: Some(0), delta: 0, set: |t, v| t.sec = v },
    Field { name: "min", default: Some(0), delta: 0, set: |t, v| t.min = v },
    Field { name: "hour", default: Some(12), delta: 0, set: |t, v| t.hour = v },
    Field { name: "day", default: None, delta: 0, set: |t, v| t.day = v },
    Field { name: "month", default: None, delta: 1, set: |t, v| t.month = v },
    Field { name: "year", default: None, delta: 1900, set: |t, v| t.year = v },
];

impl Field {
    /// Checks the value and puts it into `table`.
    pub fn read(&self, table: &mut DateTable, value: FieldValue) -> Result<(), DateError<'static>> {
        const LIMIT: i64 = (i32::MAX / 2) as i64;
        let value = match value {
            FieldValue::Nil => self.default.ok_or(DateError::Missing(self.name))?,
            FieldValue::Integer(n) if (-LIMIT..=LIMIT).contains(&n) => n as i32 - self.delta,
            FieldValue::Integer(_) => return Err(DateError::OutOfBound(self.name)),
            FieldValue::Other => return Err(DateError::NotInteger(self.name)),
        };
        (self.set)(table, value);
        Ok(())
    }
}

/// The bytes of the conversion specifier at the start of `text`, if `os.date` accepts it.
fn specifier(text: &[u8]) -> Option<(u8, usize)> {
    match *text {
        [b'E', letter @ (b'c' | b'C' | b'x' | b'X' | b'y' | b'Y'), ..] => Some((letter, 2)),
        [
            b'O',
            letter @ (b'd' | b'e' | b'H' | b'I' | b'm' | b'M' | b'S' | b'u' | b'U' | b'V' | b'w' | b'W'
            | b'y'),
            ..,
        ] => Some((letter, 2)),
        [letter, ..] if b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%".contains(&letter) => Some((letter, 1)),
        _ => None,
    }
}

/// `os.date` with a format other than `*t`: writes at most `conversions` conversions, and gives what is left of the format.
pub fn format<'a>(
    out: &mut impl ByteSink,
    format: &'a [u8],
    tm: &Tm,
    conversions: usize,
) -> Result<&'a [u8], DateError<'a>> {
    let mut rest = format;
    for _ in 0..conversions {
        let Some(at) = memchr::memchr(b'%', rest) else {
            out.put(rest);
            return Ok(&[]);
        };
        out.put(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((letter, used)) = specifier(rest) else {
            let end = memchr::memchr(0, rest).unwrap_or(rest.len());
            return Err(DateError::InvalidSpecifier(&rest[..end]));
        };
        convert(out, letter, tm);
        rest = &rest[used..];
    }
    Ok(rest)
}

fn padded(out: &mut impl ByteSink, pad: u8, width: usize, n: impl Into<i64>) {
    let text = integer_text(n.into());
    out.fill(pad, width.saturating_sub(text.len()));
    out.put(&text);
}

fn sequence(out: &mut impl ByteSink, letters: &[u8], between: &[u8], tm: &Tm) {
    for (i, &letter) in letters.iter().enumerate() {
        if i > 0 {
            out.put(between);
        }
        convert(out, letter, tm);
    }
}

/// One conversion of C's `strftime`. `E` and `O` change nothing in the "C" locale.
fn convert(out: &mut impl ByteSink, letter: u8, tm: &Tm) {
    let day = DAYS[tm.wday as usize];
    let month = MONTHS[tm.mon as usize];
    let hour12 = (tm.hour + 11) % 12 + 1;
    match letter {
        b'a' => out.put(&day[..3]),
        b'A' => out.put(day),
        b'b' | b'h' => out.put(&month[..3]),
        b'B' => out.put(month),
        b'c' => {
            sequence(out, b"abeTY", b" ", tm);
        }
        b'C' => padded(out, b'0', 1, tm.full_year().div_euclid(100)),
        b'd' => padded(out, b'0', 2, tm.mday),
        b'D' | b'x' => sequence(out, b"mdy", b"/", tm),
        b'e' => padded(out, b' ', 2, tm.mday),
        b'F' => sequence(out, b"Ymd", b"-", tm),
        b'g' => padded(out, b'0', 2, tm.iso_week().0.rem_euclid(100)),
        b'G' => padded(out, b'0', 1, tm.iso_week().0),
        b'H' => padded(out, b'0', 2, tm.hour),
        b'I' => padded(out, b'0', 2, hour12),
        b'j' => padded(out, b'0', 3, tm.yday + 1),
        b'm' => padded(out, b'0', 2, tm.mon + 1),
        b'M' => padded(out, b'0', 2, tm.min),
        b'n' => out.put(b"\n"),
        b'p' => out.put(if tm.hour < 12 { b"AM" } else { b"PM" }),
        b'r' => {
            sequence(out, b"IMS", b":", tm);
            out.put(b" ");
            convert(out, b'p', tm);
        }
        b'R' => sequence(out, b"HM", b":", tm),
        b'S' => padded(out, b'0', 2, tm.sec),
        b't' => out.put(b"\t"),
        b'T' | b'X' => sequence(out, b"HMS", b":", tm),
        b'u' => padded(out, b'0', 1, (tm.wday + 6) % 7 + 1),
        b'U' => padded(out, b'0', 2, (tm.yday + 7 - tm.wday) / 7),
        b'V' => padded(out, b'0', 2, tm.iso_week().1),
        b'w' => padded(out, b'0', 1, tm.wday),
        b'W' => padded(out, b'0', 2, (tm.yday + 7 - (tm.wday + 6) % 7) / 7),
        b'y' => padded(out, b'0', 2, tm.full_year().rem_euclid(100)),
        b'Y' => padded(out, b'0', 1, tm.full_year()),
        b'z' => {
            let minutes = tm.offset.abs() / 60;
            out.put(if tm.offset < 0 { b"-" } else { b"+" });
            padded(out, b'0', 4, minutes / 60 * 100 + minutes % 60);
        }
        b'Z' => out.put(&tm.zone),
        _ => out.put(b"%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(zone: &Zone, pattern: &str, time: i64) -> String {
        let mut out = Vec::new();
        let tm = zone.break_down(time).unwrap();
        let mut rest = pattern.as_bytes();
        while !rest.is_empty() {
            rest = format(&mut out, rest, &tm, 1).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn utc(pattern: &str, time: i64) -> String {
        text(&Zone::utc(), pattern, time)
    }

    fn berlin() -> Zone {
        Zone::from_jiff(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap())
    }

    fn table(fields: [i32; 6], isdst: Option<bool>) -> DateTable {
        let [year, month, day, hour, min, sec] = fields;
        DateTable { sec, min, hour, day, month: month - 1, year: year - 1900, isdst }
    }

    fn time(zone: &Zone, fields: [i32; 6], isdst: Option<bool>) -> i64 {
        zone.instant(&table(fields, isdst)).unwrap().0
    }

    #[test]
    fn every_conversion() {
        let t = 1_718_461_845; // 2024-06-15 14:30:45
        assert_eq!(utc("%a %A %b %B %h", t), "Sat Saturday Jun June Jun");
        assert_eq!(
            utc("%c|%x|%X|%D|%F", t),
            "Sat Jun 15 14:30:45 2024|06/15/24|14:30:45|06/15/24|2024-06-15"
        );
        assert_eq!(utc("%C %d %e %g %G %H %I %j", t), "20 15 15 24 2024 14 02 167");
        assert_eq!(utc("%m %M %n %p %r %R %S %t %T", t), "06 30 \n PM 02:30:45 PM 14:30 45 \t 14:30:45");
        assert_eq!(utc("%u %U %V %w %W %y %Y %z %Z %%", t), "6 23 24 6 24 24 2024 +0000 GMT %");
        assert_eq!(utc("%Ec %EY %Od %Oy", t), "Sat Jun 15 14:30:45 2024 2024 15 24");
        assert_eq!(utc("%e %I", 0), " 1 12");
    }

    #[test]
    fn far_years() {
        let all = "%Y|%C|%F|%y|%G|%g|%V|%U|%W";
        assert_eq!(utc(all, -50_000_000_000), "385|3|385-07-25|85|385|85|30|29|29");
        assert_eq!(utc(all, -62_135_596_801), "0|0|0-12-31|00|0|00|52|53|52");
        assert_eq!(utc(all, -70_000_000_000), "-249|-3|-249-10-15|51|-249|51|41|41|41");
        assert_eq!(utc(all, 253_402_300_800), "10000|100|10000-01-01|00|9999|99|52|00|00");
        let last = "2147483647|21474836|2147483647-12-31|47|-2147483648|52|01|52|52";
        assert_eq!(utc(all, 67_767_976_233_532_799), last);
        assert_eq!(utc("%Y", 67_767_976_233_532_800 + 31_536_000), "-2147483648");
        assert_eq!(Zone::utc().break_down(i64::MAX), None);
        assert_eq!(berlin().break_down(i64::MIN), None);
        assert_eq!(text(&berlin(), "%F %Z", 253_402_300_800 + CYCLE * 5 + 180 * DAY), "12000-06-29 CEST");
    }

    #[test]
    fn refused_specifiers() {
        let tm = Zone::utc().break_down(0).unwrap();
        for (bad, rest) in
            [("%Ez abc", "Ez abc"), ("a%", ""), ("%E", "E"), ("%Q", "Q"), ("%Oa", "Oa"), ("%|", "|")]
        {
            let error = format(&mut Vec::new(), bad.as_bytes(), &tm, usize::MAX).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid conversion specifier '%{rest}'"));
        }
    }

    #[test]
    fn calendar_round_trip() {
        for day in (-1_000_000..1_000_000).step_by(37) {
            let (year, month, mday) = civil(day);
            assert_eq!(days_to_month(year, month) + mday - 1, day);
        }
    }

    #[test]
    fn normalises() {
        let zone = Zone::utc();
        assert_eq!(time(&zone, [1970, 1, 1, 0, 0, 0], None), 0);
        assert_eq!(time(&zone, [2024, 3, 0, 0, 0, 0], None), 1_709_164_800);
        assert_eq!(time(&zone, [2024, 15, -3, 30, -90, 7200], None), 1_740_551_400);
        let (_, tm) = zone.instant(&table([2024, 15, -3, 30, -90, 7200], None)).unwrap();
        assert_eq!(tm.fields().map(|f| f.1), [0, 30, 6, 26, 2, 2025, 4, 57]);
        assert_eq!(zone.instant(&table([1970, 1, 1, 0, 0, -1], None)).unwrap().1.hour, 23);
    }

    #[test]
    fn daylight_saving_time() {
        let zone = berlin();
        assert_eq!(text(&zone, "%H %z %Z", 1_718_461_845), "16 +0200 CEST");
        assert_eq!(text(&zone, "%H %z %Z", 1_700_000_000), "23 +0100 CET");
        let noon = [2024, 7, 1, 12, 0, 0];
        assert_eq!(time(&zone, noon, None), 1_719_828_000);
        assert_eq!(time(&zone, noon, Some(true)), 1_719_828_000);
        assert_eq!(time(&zone, noon, Some(false)), 1_719_828_000 + 3600);
        // 02:30 comes twice in October, and not at all in March.
        let twice = [2024, 10, 27, 2, 30, 0];
        assert_eq!(time(&zone, twice, Some(true)), 1_729_989_000);
        assert_eq!(time(&zone, twice, Some(false)), 1_729_989_000 + 3600);
        let never = zone.instant(&table([2024, 3, 31, 2, 30, 0], None)).unwrap();
        assert_eq!((never.1.hour, never.1.isdst), (3, Some(true)));
        assert_eq!(time(&Zone::utc(), noon, Some(true)), time(&Zone::utc(), noon, None) - 3600);
    }

    #[test]
    fn table_fields() {
        let mut table = DateTable::default();
        let read = |table: &mut DateTable, i: usize, value| FIELDS[i].read(table, value);
        read(&mut table, 2, FieldValue::Nil).unwrap();
        read(&mut table, 4, FieldValue::Integer(12)).unwrap();
        assert_eq!((table.hour, table.month), (12, 11));
        let error =
            |i: usize, value| FIELDS[i].read(&mut DateTable::default(), value).unwrap_err().to_string();
        assert_eq!(error(3, FieldValue::Nil), "field 'day' missing in date table");
        assert_eq!(error(5, FieldValue::Integer(1 << 31)), "field 'year' is out-of-bound");
        assert_eq!(error(1, FieldValue::Other), "field 'min' is not an integer");
    }
}

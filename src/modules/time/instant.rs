//! Times: an instant with nanoseconds and the location whose calendar and clock it is seen in.
//!
//! Seconds stay within [`FARTHEST`] on both sides of 1970, some 10^11 years; no sum with them overflows.

use super::duration::{Duration, SECOND};
use super::location::Location;
use crate::stdlib::os_date::{civil, days_to_month};

const DAY: i64 = 86_400;
/// Seconds from the year 1 to 1970.
const FROM_YEAR_ONE: i64 = 62_135_596_800;
const FARTHEST: i64 = 1 << 61;

/// A time.
#[derive(Clone, Debug)]
pub struct Time {
    /// Since 1970-01-01 00:00:00 UTC.
    seconds: i64,
    /// Below one second.
    nanos: i64,
    pub location: Location,
}

/// Calendar and clock as people give them: anything may be out of its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanosecond: i64,
}

impl Civil {
    /// Seconds since 1970 of a clock at UTC, and nanoseconds below one.
    #[must_use]
    pub fn wall(self) -> (i64, i64) {
        let month = i128::from(self.month) - 1;
        let year = i128::from(self.year) + month.div_euclid(12);
        // The year gives way first: days and smaller fields reach as far as they like from there.
        let year = year.clamp(-(1 << 37), 1 << 37) as i64;
        let days = i128::from(days_to_month(year, month.rem_euclid(12) as i64)) + i128::from(self.day) - 1;
        let seconds = days * i128::from(DAY)
            + i128::from(self.hour) * 3600
            + i128::from(self.minute) * 60
            + i128::from(self.second)
            + i128::from(self.nanosecond.div_euclid(SECOND));
        (within(seconds), self.nanosecond.rem_euclid(SECOND))
    }
}

fn within(seconds: i128) -> i64 {
    seconds.clamp(-i128::from(FARTHEST), FARTHEST.into()) as i64
}

/// A time by the fields of its location's calendar and clock.
#[derive(Clone, Debug)]
pub struct Fields {
    pub civil: Civil,
    /// From Sunday, 0.
    pub weekday: i64,
    /// From 1.
    pub year_day: i64,
    /// Seconds east of UTC.
    pub offset: i64,
    /// Empty if the zone has none.
    pub abbreviation: Vec<u8>,
}

impl Time {
    /// `seconds` and `nanos` after 1970; `nanos` may be anything.
    #[must_use]
    pub fn unix(seconds: i64, nanos: i64, location: Location) -> Self {
        let seconds = within(i128::from(seconds) + i128::from(nanos.div_euclid(SECOND)));
        Self { seconds, nanos: nanos.rem_euclid(SECOND), location }
    }

    /// The instant when calendar and clock of the location show this.
    #[must_use]
    pub fn from_civil(civil: Civil, location: Location) -> Self {
        let (wall, nanos) = civil.wall();
        Self { seconds: location.instant(wall), nanos, location }
    }

    /// The same instant elsewhere.
    #[must_use]
    pub fn within(&self, location: Location) -> Self {
        Self { location, ..*self }
    }

    #[must_use]
    pub const fn seconds(&self) -> i64 {
        self.seconds
    }

    #[must_use]
    pub const fn nanosecond(&self) -> i64 {
        self.nanos
    }

    /// Nanoseconds since 1970; wraps around outside of the years 1678 to 2262.
    #[must_use]
    pub const fn unix_nanos(&self) -> i64 {
        self.seconds.wrapping_mul(SECOND).wrapping_add(self.nanos)
    }

    /// Nanoseconds since the year 1.
    fn absolute(&self) -> i128 {
        (i128::from(self.seconds) + i128::from(FROM_YEAR_ONE)) * i128::from(SECOND) + i128::from(self.nanos)
    }

    fn from_absolute(nanos: i128, location: Location) -> Self {
        let second = i128::from(SECOND);
        Self {
            seconds: within(nanos.div_euclid(second) - i128::from(FROM_YEAR_ONE)),
            nanos: nanos.rem_euclid(second) as i64,
            location,
        }
    }

    /// Order of the instants.
    #[must_use]
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }

    /// 0001-01-01 00:00:00 UTC?
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.seconds == -FROM_YEAR_ONE && self.nanos == 0
    }

    #[must_use]
    pub fn add(&self, d: Duration) -> Self {
        Self::from_absolute(self.absolute() + i128::from(d.0), self.location.clone())
    }

    /// The time from `other` to this one, as far as a duration reaches.
    #[must_use]
    pub fn since(&self, other: &Self) -> Duration {
        let nanos = self.absolute() - other.absolute();
        // Both ends are the same distance away.
        Duration(nanos.clamp(-i128::from(i64::MAX), i64::MAX.into()) as i64)
    }

    /// The calendar moved, the clock kept.
    #[must_use]
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.fields().civil;
        let moved = Civil {
            year: civil.year.saturating_add(years),
            month: civil.month.saturating_add(months),
            day: civil.day.saturating_add(days),
            ..civil
        };
        Self::from_civil(moved, self.location.clone())
    }

    /// Down to a multiple of `d` since the year 1.
    #[must_use]
    pub fn truncate(&self, d: Duration) -> Self {
        if d.0 <= 0 {
            return self.clone();
        }
        let at = self.absolute();
        Self::from_absolute(at - at.rem_euclid(d.0.into()), self.location.clone())
    }

    /// To the nearest multiple of `d` since the year 1; halves up.
    #[must_use]
    pub fn round(&self, d: Duration) -> Self {
        if d.0 <= 0 {
            return self.clone();
        }
        let (at, step) = (self.absolute(), i128::from(d.0));
        let rest = at.rem_euclid(step);
        let down = at - rest;
        let nearest = if rest * 2 < step { down } else { down + step };
        Self::from_absolute(nearest, self.location.clone())
    }

    #[must_use]
    pub fn fields(&self) -> Fields {
        let offset = self.location.at(self.seconds);
        let wall = self.seconds + offset.seconds;
        let (days, second) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        Fields {
            civil: Civil {
                year,
                month: month + 1,
                day,
                hour: second / 3600,
                minute: second / 60 % 60,
                second: second % 60,
                nanosecond: self.nanos,
            },
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_to_month(year, 0) + 1,
            offset: offset.seconds,
            abbreviation: offset.abbreviation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(year: i64, month: i64, day: i64) -> Time {
        Time::from_civil(Civil { year, month, day, ..Civil::default() }, Location::utc())
    }

    #[test]
    fn the_ends_of_time_hold() {
        for far in [i64::MAX, i64::MIN] {
            let t = Time::unix(far, far, Location::fixed(b"x", far));
            assert_eq!(t.fields().civil.nanosecond, far.rem_euclid(SECOND));
            let all = Civil {
                year: far,
                month: far,
                day: far,
                hour: far,
                minute: far,
                second: far,
                nanosecond: far,
            };
            let t = Time::from_civil(all, Location::local()).add_date(far, far, far).add(Duration(far));
            let other = t.round(Duration(i64::MAX)).truncate(Duration(1));
            assert!(t.since(&other).0.checked_abs().is_some());
            let _ = t.fields();
        }
        assert_eq!(utc(9999, 1, 1).since(&utc(1, 1, 1)), Duration(i64::MAX));
    }

    #[test]
    fn calendar_fields_are_normalised() {
        let t = utc(2024, 1, 31).add_date(0, 1, 0).fields().civil;
        assert_eq!((t.year, t.month, t.day), (2024, 3, 2));
        let t = utc(2024, 14, 0).fields().civil;
        assert_eq!((t.year, t.month, t.day), (2025, 1, 31));
        let t = utc(-5, 3, 1).fields();
        assert_eq!((t.civil.year, t.civil.month, t.civil.day, t.year_day), (-5, 3, 1, 60));
        assert!(utc(1, 1, 1).is_zero());
        assert_eq!(utc(2024, 12, 31).fields().year_day, 366);
    }
}

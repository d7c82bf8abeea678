//! Locations: time zones by name. The rules come from jiff's database, the system's where there is one.

use crate::stdlib::os_date::timestamp_near;
use jiff::tz::TimeZone;
use std::sync::{Arc, OnceLock};

/// Seconds that a fixed zone may be away from UTC: far more than any is, and no sum with it overflows.
const FARTHEST: i64 = 1 << 31;

/// A time zone and what it is called. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Location(Arc<Zone>);

#[derive(Debug)]
struct Zone {
    name: Box<[u8]>,
    rules: Rules,
}

#[derive(Debug)]
enum Rules {
    Utc,
    Fixed(i64),
    Database(TimeZone),
}

/// Seconds east of UTC and the abbreviation, which may be empty.
pub struct Offset {
    pub seconds: i64,
    pub abbreviation: Vec<u8>,
}

impl Location {
    fn new(name: &[u8], rules: Rules) -> Self {
        Self(Arc::new(Zone { name: name.into(), rules }))
    }

    #[must_use]
    pub fn utc() -> Self {
        static UTC: OnceLock<Location> = OnceLock::new();
        UTC.get_or_init(|| Self::new(b"UTC", Rules::Utc)).clone()
    }

    /// The zone of the machine, as it is when the program first asks.
    #[must_use]
    pub fn local() -> Self {
        static LOCAL: OnceLock<Location> = OnceLock::new();
        let system = || match TimeZone::system() {
            // A machine that does not say where it is, is at UTC.
            zone if zone.is_unknown() => Rules::Utc,
            zone => Rules::Database(zone),
        };
        LOCAL.get_or_init(|| Self::new(b"Local", system())).clone()
    }

    /// A zone that is always `seconds` east of UTC.
    #[must_use]
    pub fn fixed(name: &[u8], seconds: i64) -> Self {
        Self::new(name, Rules::Fixed(seconds.clamp(-FARTHEST, FARTHEST)))
    }

    /// A zone of the database, `UTC` or `Local`.
    #[must_use]
    pub fn load(name: &[u8]) -> Option<Self> {
        match name {
            b"UTC" => return Some(Self::utc()),
            b"Local" => return Some(Self::local()),
            _ => {}
        }
        let text = std::str::from_utf8(name).ok()?;
        if text.contains("..") || text.starts_with(['/', '\\']) {
            return None;
        }
        let zone = TimeZone::get(text).ok()?;
        // The database does not mind the case of letters, names of zones do.
        let other_case = zone.iana_name().is_some_and(|n| n != text && n.eq_ignore_ascii_case(text));
        (!other_case).then(|| Self::new(name, Rules::Database(zone)))
    }

    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.0.name
    }

    /// What is in force at an instant, in seconds since 1970.
    #[must_use]
    pub fn at(&self, seconds: i64) -> Offset {
        match &self.0.rules {
            Rules::Utc => Offset { seconds: 0, abbreviation: b"UTC".to_vec() },
            Rules::Fixed(offset) => Offset { seconds: *offset, abbreviation: self.0.name.to_vec() },
            Rules::Database(zone) => {
                let info = zone.to_offset_info(timestamp_near(seconds));
                Offset {
                    seconds: info.offset().seconds().into(),
                    abbreviation: info.abbreviation().as_bytes().to_vec(),
                }
            }
        }
    }

    fn offset(&self, seconds: i64) -> i64 {
        match &self.0.rules {
            Rules::Utc => 0,
            Rules::Fixed(offset) => *offset,
            Rules::Database(zone) => zone.to_offset(timestamp_near(seconds)).seconds().into(),
        }
    }

    /// The instant at which a clock there shows `wall` (seconds since 1970 if it were UTC); where it shows that twice or never,
    /// one with an offset from around then.
    #[must_use]
    pub fn instant(&self, wall: i64) -> i64 {
        let guess = wall - self.offset(wall);
        wall - self.offset(guess)
    }

    /// The offset that goes by an abbreviation here, preferably around an instant.
    #[must_use]
    pub fn offset_called(&self, abbreviation: &[u8], wall: i64) -> Option<i64> {
        let zone = match &self.0.rules {
            Rules::Utc => return (abbreviation == b"UTC").then_some(0),
            Rules::Fixed(offset) => return (*self.0.name == *abbreviation).then_some(*offset),
            Rules::Database(zone) => zone,
        };
        let near = self.at(self.instant(wall));
        if near.abbreviation == abbreviation {
            return Some(near.seconds);
        }
        // Half a year on it is the other season, and before it the past of the zone.
        let from = timestamp_near(wall.saturating_add(183 * 86_400));
        zone.preceding(from)
            .find(|change| change.abbreviation().as_bytes() == abbreviation)
            .map(|change| change.offset().seconds().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_the_database() {
        let new_york = Location::load(b"America/New_York").expect("a zone");
        assert_eq!(new_york.name(), b"America/New_York");
        let winter = new_york.at(1_735_484_645);
        assert_eq!((winter.seconds, &winter.abbreviation[..]), (-5 * 3600, &b"EST"[..]));
        assert_eq!(new_york.offset_called(b"EDT", 1_735_484_645), Some(-4 * 3600));
        assert_eq!(new_york.offset_called(b"EST", 1_735_484_645), Some(-5 * 3600));
        assert_eq!(new_york.offset_called(b"CET", 1_735_484_645), None);
        assert_eq!(new_york.at(i64::MAX / 4).seconds % 3600, 0);
        for name in ["", "america/new_york", "../etc/passwd", "/etc/localtime", "\\x", "No/Where", "Local2"] {
            assert!(Location::load(name.as_bytes()).is_none(), "{name}");
        }
    }

    /// 10 March 2024, 02:30 does not exist in New York, 3 November, 01:30 does twice.
    #[test]
    fn gaps_and_overlaps_give_one_of_the_offsets() {
        let new_york = Location::load(b"America/New_York").expect("a zone");
        for (wall, plain) in [(1_710_037_800, false), (1_730_597_400, true), (1_719_849_600, true)] {
            let instant = new_york.instant(wall);
            assert!([-4 * 3600, -5 * 3600].contains(&(wall - instant)));
            assert_eq!(instant + new_york.at(instant).seconds == wall, plain);
        }
    }
}

//! `time`: instants, durations, time zones (`spec/modules/time.md`).
//!
//! `duration`, `instant`, `location` and `layout` know nothing of Lua; `object` makes values of them and has their methods;
//! the functions of the module are here.

mod duration;
mod instant;
mod layout;
mod location;
mod object;
mod timer;

use crate::limits::MAX_ZONE_NAME;
use crate::runtime::alarm;
use crate::runtime::clock::Clock;
use crate::vm::LuaError;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Class, Cx, Kind, Native, Step, Tab, Val};
use duration::{Duration, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};
use instant::{Civil, Time};
use layout::ParsedZone;
use location::Location;
use object::{DURATION, LOCATION, TIME};
use std::sync::OnceLock;

type R = Result<Step, LuaError>;

static FUNCTIONS: [Native; 11] = [
    Native::new("after", timer::after),
    Native::new("date", date),
    Native::new("fixed_zone", fixed_zone),
    Native::new("load_location", load_location),
    Native::new("now", now),
    Native::new("parse", parse),
    Native::new("parse_duration", parse_duration),
    Native::new("sleep", timer::sleep),
    Native::new("ticker", timer::ticker),
    Native::new("timer", timer::timer),
    Native::new("unix", unix),
];

const UNITS: [(&str, i64); 6] = [
    ("NANOSECOND", 1),
    ("MICROSECOND", MICROSECOND),
    ("MILLISECOND", MILLISECOND),
    ("SECOND", SECOND),
    ("MINUTE", MINUTE),
    ("HOUR", HOUR),
];

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

const LAYOUTS: [(&str, &str); 15] = [
    ("RFC3339", RFC3339),
    ("RFC3339NANO", "2006-01-02T15:04:05.999999999Z07:00"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("KITCHEN", "3:04PM"),
    ("STAMP", "Jan _2 15:04:05"),
    ("STAMP_MILLI", "Jan _2 15:04:05.000"),
    ("STAMP_MICRO", "Jan _2 15:04:05.000000"),
    ("STAMP_NANO", "Jan _2 15:04:05.000000000"),
    ("DATE_TIME", "2006-01-02 15:04:05"),
    ("DATE_ONLY", "2006-01-02"),
    ("TIME_ONLY", "15:04:05"),
];

/// Names of constants: those of months and days in capitals.
const MONTH_NAMES: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];
const DAY_NAMES: [&str; 7] = ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];

/// Of the values that the module makes.
pub static CLASSES: [&Class; 5] = [&TIME, &DURATION, &LOCATION, &timer::TIMER, &timer::TICKER];

/// The module's table.
///
/// # Errors
/// Memory.
pub fn open<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    let module = cx.table(0, 64)?;
    for native in &FUNCTIONS {
        module.set_name(cx, native.name, Val::native(native))?;
    }
    for (name, nanos) in UNITS {
        module.set_name(cx, name, Val::int(nanos))?;
    }
    for (i, name) in (1..).zip(MONTH_NAMES) {
        module.set_name(cx, name, Val::int(i))?;
    }
    for (i, name) in (0..).zip(DAY_NAMES) {
        module.set_name(cx, name, Val::int(i))?;
    }
    for (name, layout) in LAYOUTS {
        let layout = cx.name(layout);
        module.set_name(cx, name, layout)?;
    }
    let utc = LOCATION.value(cx, Location::utc())?;
    module.set_name(cx, "utc", utc)?;
    let local = LOCATION.value(cx, Location::local())?;
    module.set_name(cx, "localtz", local)?;
    Ok(module)
}

// ---- arguments ----

/// A duration in any of its forms.
fn duration_of(v: Val<'_>) -> Option<Duration> {
    match v.kind() {
        Kind::Int(nanos) => Some(Duration(nanos)),
        Kind::Float(nanos) => Duration::from_float(nanos),
        Kind::Str(text) => Duration::parse(text.bytes()),
        Kind::Userdata(_) => object::duration(v).or_else(|| Duration::parse(v.as_error()?.message())),
        _ => None,
    }
}

/// A number, floats truncated; strings are none.
fn check_whole(cx: &Cx<'_>, i: usize) -> Result<i64, LuaError> {
    match cx.arg(i).kind() {
        Kind::Int(n) => Ok(n),
        // NaN is 0 and what is too large stays at the end of the range.
        Kind::Float(x) => Ok(x as i64),
        _ => Err(cx.type_error(i, "number")),
    }
}

/// The location at `i`, or the local one if there is no such argument.
fn opt_location(cx: &Cx<'_>, i: usize) -> Result<Location, LuaError> {
    if cx.top() <= i { Ok(Location::local()) } else { LOCATION.check(cx, i) }
}

fn invalid(cx: &mut Cx<'_>, message: impl Into<Vec<u8>>) -> R {
    cx.ret_error(ErrorObject::permanent(kind::INVALID, message))
}

/// The clock outside of processes.
fn real_clock() -> Clock {
    static REAL: OnceLock<Clock> = OnceLock::new();
    REAL.get_or_init(Clock::real).clone()
}

/// What a clock shows, in the local zone.
fn time_value<'gc>(cx: &mut Cx<'gc>, clock: &Clock) -> Result<Val<'gc>, LuaError> {
    let since = clock.time_of_day();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    TIME.value(cx, Time::unix(seconds, since.subsec_nanos().into(), Location::local()))
}

// ---- functions ----

fn now(cx: &mut Cx<'_>) -> R {
    let clock = alarm::clock(cx).unwrap_or_else(real_clock);
    let time = time_value(cx, &clock)?;
    cx.ret(time)
}

fn date(cx: &mut Cx<'_>) -> R {
    let civil = Civil {
        year: check_whole(cx, 0)?,
        month: check_whole(cx, 1)?,
        day: check_whole(cx, 2)?,
        hour: check_whole(cx, 3)?,
        minute: check_whole(cx, 4)?,
        second: check_whole(cx, 5)?,
        nanosecond: check_whole(cx, 6)?,
    };
    let location = if cx.arg(7).is_nil() { Location::local() } else { LOCATION.check(cx, 7)? };
    let time = TIME.value(cx, Time::from_civil(civil, location))?;
    cx.ret(time)
}

fn unix(cx: &mut Cx<'_>) -> R {
    let (seconds, nanos) = (check_whole(cx, 0)?, check_whole(cx, 1)?);
    let time = TIME.value(cx, Time::unix(seconds, nanos, Location::local()))?;
    cx.ret(time)
}

fn parse(cx: &mut Cx<'_>) -> R {
    let (layout, text) = (cx.check_str(0)?.bytes(), cx.check_str(1)?.bytes());
    let location = opt_location(cx, 2)?;
    cx.charge((layout.len() + text.len()) / 8);
    match layout::parse(layout, text) {
        Ok(parsed) => {
            let time = TIME.value(cx, located(parsed.civil, &parsed.zone, location))?;
            cx.ret(time)
        }
        Err(mismatch) => invalid(cx, [b"cannot parse time: ", &mismatch.text()[..]].concat()),
    }
}

/// The time that a text means, with what it said about its zone.
fn located(civil: Civil, zone: &ParsedZone, default: Location) -> Time {
    if zone.is_utc || zone.offset.is_none() && zone.abbreviation == b"UTC" {
        return Time::from_civil(civil, Location::utc());
    }
    let (wall, nanos) = civil.wall();
    if let Some(offset) = zone.offset {
        let seconds = wall - offset;
        let there = default.at(seconds);
        let same_name = zone.abbreviation.is_empty() || zone.abbreviation == there.abbreviation;
        let location = if there.seconds == offset && same_name {
            default
        } else {
            Location::fixed(&zone.abbreviation, offset)
        };
        return Time::unix(seconds, nanos, location);
    }
    if zone.abbreviation.is_empty() {
        return Time::from_civil(civil, default);
    }
    match default.offset_called(&zone.abbreviation, wall) {
        Some(offset) => Time::unix(wall - offset, nanos, default),
        None => Time::unix(wall, nanos, Location::fixed(&zone.abbreviation, 0)),
    }
}

fn parse_duration(cx: &mut Cx<'_>) -> R {
    match duration_of(cx.arg(0)) {
        Some(duration) => {
            let duration = DURATION.value(cx, duration)?;
            cx.ret(duration)
        }
        None => invalid(cx, bad_duration(cx, 0)),
    }
}

/// What is wrong with a duration.
fn bad_duration(cx: &Cx<'_>, i: usize) -> Vec<u8> {
    match cx.arg(i).as_str() {
        Some(text) => [b"invalid duration \"", text.bytes(), b"\""].concat(),
        None if cx.arg(i).is_number() => b"invalid duration: out of range".to_vec(),
        None => [b"invalid duration: a ", &cx.type_name_of(i)[..]].concat(),
    }
}

fn load_location(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?.bytes();
    if name.is_empty() {
        return invalid(cx, "empty location name");
    }
    match Location::load(name) {
        Some(location) => {
            let location = LOCATION.value(cx, location)?;
            cx.ret(location)
        }
        None => {
            let message = [b"unknown time zone ", name].concat();
            cx.ret_error(ErrorObject::permanent(kind::NOT_FOUND, message))
        }
    }
}

fn fixed_zone(cx: &mut Cx<'_>) -> R {
    let Some(name) = cx.arg(0).as_str() else { return Err(cx.type_error(0, "string")) };
    if name.len() > MAX_ZONE_NAME {
        return Err(LuaError::argument(1, "name is too long"));
    }
    let offset = check_whole(cx, 1)?;
    let location = LOCATION.value(cx, Location::fixed(name.bytes(), offset))?;
    cx.ret(location)
}

//! The values of `time` that programs hold, and their methods.

use super::duration::{Duration, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};
use super::instant::Time;
use super::layout;
use super::location::Location;
use super::{R, RFC3339, bad_duration, check_whole, duration_of};
use crate::vm::LuaError;
use crate::vm::native::class::{self, Class};
use crate::vm::native::{Cx, Native, Step, Val};
use std::cmp::Ordering;

pub(super) static TIME: Class = Class {
    name: "Time",
    methods: &[
        Native::new("add", add),
        Native::new("add_date", add_date),
        Native::new("after", after),
        Native::new("before", before),
        Native::new("clock", clock),
        Native::new("date", date),
        Native::new("day", day),
        Native::new("equal", equal),
        Native::new("format", format),
        Native::new("format_rfc3339", format_rfc3339),
        Native::new("hour", hour),
        Native::new("in_local", in_local),
        Native::new("in_location", in_location),
        Native::new("is_zero", is_zero),
        Native::new("location", location),
        Native::new("minute", minute),
        Native::new("month", month),
        Native::new("nanosecond", nanosecond),
        Native::new("round", round),
        Native::new("second", second),
        Native::new("sub", sub),
        Native::new("truncate", truncate),
        Native::new("unix", unix),
        Native::new("unix_nano", unix_nano),
        Native::new("utc", utc),
        Native::new("weekday", weekday),
        Native::new("year", year),
        Native::new("year_day", year_day),
    ],
    meta: &[("__tostring", Native::new("tostring", time_string))],
};

pub(super) static DURATION: Class = Class {
    name: "Duration",
    methods: &[
        Native::new("hours", hours),
        Native::new("microseconds", microseconds),
        Native::new("milliseconds", milliseconds),
        Native::new("minutes", minutes),
        Native::new("nanoseconds", nanoseconds),
        Native::new("seconds", seconds),
    ],
    meta: &[("__tostring", Native::new("tostring", duration_string))],
};

pub(super) static LOCATION: Class = Class {
    name: "Location",
    methods: &[Native::new("string", location_string)],
    meta: &[("__tostring", Native::new("tostring", location_string))],
};

/// The duration, if the value is one.
pub(super) fn duration(v: Val<'_>) -> Option<Duration> {
    class::get(v)
}

fn this(cx: &Cx<'_>) -> Result<Time, LuaError> {
    TIME.check(cx, 0)
}

fn ret_time(cx: &mut Cx<'_>, time: Time) -> R {
    let time = TIME.value(cx, time)?;
    cx.ret(time)
}

// ---- Time ----

fn add(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    match duration_of(cx.arg(1)) {
        Some(duration) => ret_time(cx, time.add(duration)),
        None => Err(LuaError::argument(2, bad_duration(cx, 1))),
    }
}

fn sub(cx: &mut Cx<'_>) -> R {
    let (time, other): (Time, Time) = (this(cx)?, TIME.check(cx, 1)?);
    let duration = DURATION.value(cx, time.since(&other))?;
    cx.ret(duration)
}

fn add_date(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    let (years, months, days) = (check_whole(cx, 1)?, check_whole(cx, 2)?, check_whole(cx, 3)?);
    ret_time(cx, time.add_date(years, months, days))
}

fn compare(cx: &Cx<'_>) -> Result<Ordering, LuaError> {
    let other: Time = TIME.check(cx, 1)?;
    Ok(this(cx)?.compare(&other))
}

fn before(cx: &mut Cx<'_>) -> R {
    let order = compare(cx)?;
    cx.ret(order == Ordering::Less)
}

fn after(cx: &mut Cx<'_>) -> R {
    let order = compare(cx)?;
    cx.ret(order == Ordering::Greater)
}

fn equal(cx: &mut Cx<'_>) -> R {
    let order = compare(cx)?;
    cx.ret(order == Ordering::Equal)
}

fn format_with(cx: &mut Cx<'_>, layout: &[u8]) -> R {
    let time = this(cx)?;
    cx.charge(layout.len() / 8);
    let fields = time.fields();
    // One letter of a layout stands for four at most, but three for the zone's name.
    cx.reserve_memory(layout.len().saturating_mul(4 + fields.abbreviation.len() / 3))?;
    let text = layout::format(&fields, layout);
    cx.ret_str(&text)
}

fn format(cx: &mut Cx<'_>) -> R {
    this(cx)?;
    let layout = cx.check_str(1)?.bytes();
    format_with(cx, layout)
}

fn format_rfc3339(cx: &mut Cx<'_>) -> R {
    format_with(cx, RFC3339.as_bytes())
}

fn time_string(cx: &mut Cx<'_>) -> R {
    format_with(cx, b"2006-01-02 15:04:05.999999999 -0700 MST")
}

fn unix(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    cx.ret(time.seconds())
}

fn unix_nano(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    cx.ret(time.unix_nanos())
}

fn date(cx: &mut Cx<'_>) -> R {
    let civil = this(cx)?.fields().civil;
    cx.push(Val::int(civil.year));
    cx.push(Val::int(civil.month));
    cx.push(Val::int(civil.day));
    Ok(Step::Return(3))
}

fn clock(cx: &mut Cx<'_>) -> R {
    let civil = this(cx)?.fields().civil;
    cx.push(Val::int(civil.hour));
    cx.push(Val::int(civil.minute));
    cx.push(Val::int(civil.second));
    Ok(Step::Return(3))
}

macro_rules! fields {
    ($($name:ident $($field:ident).+;)*) => { $(
        fn $name(cx: &mut Cx<'_>) -> R {
            let fields = this(cx)?.fields();
            cx.ret(fields.$($field).+)
        }
    )* };
}

fields! {
    year civil.year;
    month civil.month;
    day civil.day;
    hour civil.hour;
    minute civil.minute;
    second civil.second;
    weekday weekday;
    year_day year_day;
}

fn nanosecond(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    cx.ret(time.nanosecond())
}

fn is_zero(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    cx.ret(time.is_zero())
}

fn utc(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    ret_time(cx, time.within(Location::utc()))
}

fn in_local(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    ret_time(cx, time.within(Location::local()))
}

fn in_location(cx: &mut Cx<'_>) -> R {
    let time = this(cx)?;
    let location = LOCATION.check(cx, 1)?;
    ret_time(cx, time.within(location))
}

fn location(cx: &mut Cx<'_>) -> R {
    let location = LOCATION.value(cx, this(cx)?.location)?;
    cx.ret(location)
}

fn round(cx: &mut Cx<'_>) -> R {
    let (time, step) = (this(cx)?, DURATION.check(cx, 1)?);
    ret_time(cx, time.round(step))
}

fn truncate(cx: &mut Cx<'_>) -> R {
    let (time, step) = (this(cx)?, DURATION.check(cx, 1)?);
    ret_time(cx, time.truncate(step))
}

// ---- Duration ----

fn this_duration(cx: &Cx<'_>) -> Result<Duration, LuaError> {
    DURATION.check(cx, 0)
}

fn duration_string(cx: &mut Cx<'_>) -> R {
    let duration = this_duration(cx)?;
    cx.ret_str(duration.text().as_bytes())
}

fn nanoseconds(cx: &mut Cx<'_>) -> R {
    let duration = this_duration(cx)?;
    cx.ret(duration.0)
}

fn microseconds(cx: &mut Cx<'_>) -> R {
    let duration = this_duration(cx)?;
    cx.ret(duration.0 / MICROSECOND)
}

fn milliseconds(cx: &mut Cx<'_>) -> R {
    let duration = this_duration(cx)?;
    cx.ret(duration.0 / MILLISECOND)
}

/// The duration in a unit: an integer if it is whole.
fn ret_in(cx: &mut Cx<'_>, unit: i64) -> R {
    let nanos = this_duration(cx)?.0;
    let (whole, rest) = (nanos / unit, nanos % unit);
    if rest == 0 { cx.ret(whole) } else { cx.ret(whole as f64 + rest as f64 / unit as f64) }
}

fn seconds(cx: &mut Cx<'_>) -> R {
    ret_in(cx, SECOND)
}

fn minutes(cx: &mut Cx<'_>) -> R {
    ret_in(cx, MINUTE)
}

fn hours(cx: &mut Cx<'_>) -> R {
    ret_in(cx, HOUR)
}

// ---- Location ----

fn location_string(cx: &mut Cx<'_>) -> R {
    let location: Location = LOCATION.check(cx, 0)?;
    cx.ret_str(location.name())
}

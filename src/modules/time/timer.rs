//! Sleeping, and channels that the clock writes to.

use super::{R, bad_duration, duration_of, invalid, time_value};
use crate::runtime::alarm;
use crate::vm::LuaError;
use crate::vm::native::{Class, Cx, Kind, Native, Step, Val};
use std::time::Duration;

/// A timer, or a ticker: its alarm. The channel is its user value.
struct Alarm(u64);

pub(super) static TIMER: Class = Class {
    name: "Timer",
    methods: &[
        Native::new("channel", timer_response),
        Native::new("reset", reset),
        Native::new("response", timer_response),
        Native::new("stop", stop_timer),
    ],
    meta: &[],
};

pub(super) static TICKER: Class = Class {
    name: "Ticker",
    methods: &[
        Native::new("channel", ticker_response),
        Native::new("response", ticker_response),
        Native::new("stop", stop_ticker),
    ],
    meta: &[],
};

/// A duration that lies ahead.
fn ahead(v: Val<'_>) -> Option<Duration> {
    let nanos = u64::try_from(duration_of(v)?.0).ok()?;
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

/// What is wrong with argument `i`, which is not a duration that lies ahead.
fn not_ahead(cx: &Cx<'_>, i: usize) -> Vec<u8> {
    match duration_of(cx.arg(i)) {
        Some(_) => b"duration must be positive".to_vec(),
        None => bad_duration(cx, i),
    }
}

fn no_process() -> LuaError {
    LuaError::message("no process context")
}

pub(super) fn sleep(cx: &mut Cx<'_>) -> R {
    let Some(duration) = duration_of(cx.arg(0)) else {
        let message = bad_duration(cx, 0);
        return invalid(cx, message);
    };
    let Some(time) = ahead(cx.arg(0)).filter(|_| duration.0 > 0) else { return Ok(Step::Return(0)) };
    if alarm::sleep(cx, time)? { Ok(Step::Block) } else { Err(no_process()) }
}

pub(super) fn after(cx: &mut Cx<'_>) -> R {
    let Some(time) = ahead(cx.arg(0)) else {
        let message = not_ahead(cx, 0);
        return invalid(cx, message);
    };
    let (channel, _) = alarm::channel(cx, time, false, time_value)?.ok_or_else(no_process)?;
    cx.ret(channel)
}

fn object(cx: &mut Cx<'_>, class: &'static Class, again: bool) -> R {
    let Some(time) = ahead(cx.arg(0)) else {
        let message = not_ahead(cx, 0);
        return invalid(cx, message);
    };
    let (channel, number) = alarm::channel(cx, time, again, time_value)?.ok_or_else(no_process)?;
    let object = class.value(cx, Alarm(number))?;
    if let Kind::Userdata(ud) = object.kind() {
        ud.set_user_value(cx, channel.into())?;
    }
    cx.ret(object)
}

pub(super) fn timer(cx: &mut Cx<'_>) -> R {
    object(cx, &TIMER, false)
}

pub(super) fn ticker(cx: &mut Cx<'_>) -> R {
    object(cx, &TICKER, true)
}

/// The number of the alarm of argument 0, and its channel.
fn this<'gc>(cx: &Cx<'gc>, class: &Class) -> Result<(u64, Val<'gc>), LuaError> {
    let wrong = || cx.type_error(0, class.name);
    let Kind::Userdata(ud) = cx.arg(0).kind() else { return Err(wrong()) };
    let number = ud.with(|alarm: &mut Alarm| alarm.0).ok_or_else(wrong)?;
    Ok((number, ud.user_value()))
}

fn timer_response(cx: &mut Cx<'_>) -> R {
    let (_, channel) = this(cx, &TIMER)?;
    cx.ret(channel)
}

fn ticker_response(cx: &mut Cx<'_>) -> R {
    let (_, channel) = this(cx, &TICKER)?;
    cx.ret(channel)
}

/// Stops the alarm and closes the channel; whoever waits for it runs first.
fn stop(cx: &mut Cx<'_>, class: &Class) -> Result<(bool, bool), LuaError> {
    let (number, channel) = this(cx, class)?;
    let pending = alarm::cancel(cx, number)?;
    let woken = match channel.as_channel() {
        Some(channel) => channel.close(cx)?,
        None => false,
    };
    Ok((pending, woken))
}

fn stop_timer(cx: &mut Cx<'_>) -> R {
    let (pending, woken) = stop(cx, &TIMER)?;
    cx.push(Val::bool(pending));
    Ok(if woken { Step::GiveWay(1) } else { Step::Return(1) })
}

fn stop_ticker(cx: &mut Cx<'_>) -> R {
    let (_, woken) = stop(cx, &TICKER)?;
    cx.push(Val::TRUE);
    Ok(if woken { Step::GiveWay(1) } else { Step::Return(1) })
}

fn reset(cx: &mut Cx<'_>) -> R {
    let (number, _) = this(cx, &TIMER)?;
    let Some(time) = ahead(cx.arg(1)) else { return Err(LuaError::argument(2, not_ahead(cx, 1))) };
    let Some(number) = alarm::reset(cx, number, time)? else { return cx.ret(false) };
    if let Kind::Userdata(ud) = cx.arg(0).kind() {
        // It is one: `this` has looked.
        let _ = ud.with(|alarm: &mut Alarm| alarm.0 = number);
    }
    cx.ret(true)
}

//! What a process waits for the clock for: coroutines that sleep, channels that get a value at a moment, once or again and
//! again.
//!
//! 1. Every arming has a number of its own, but that a repeated alarm keeps its. A timer that fires puts the number into the
//!    mailbox; a number that is not known any more (stopped, reset) does nothing. So an alarm is pending until the process
//!    has taken notice.
//! 2. Channels are held weakly: one that nobody can receive from any more ends its alarm.
//! 3. A repeated alarm is armed again when the process takes notice, so at most one number of it is in the mailbox; ticks
//!    that were missed meanwhile are dropped.
//! 4. With the context of the process all its timers go.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::clock::{Clock, Moment};
use super::context::Context;
use super::message::Letter;
use super::peer::Peer;
use super::sched::Env;
use super::timer::{Expire, TimerKey};
use crate::vm::LuaError;
use crate::vm::channel::Chan;
use crate::vm::managed::{Ticket, Wait};
use crate::vm::native::{Cx, Tab, Val};

/// Makes the value that a channel gets when its moment has come.
pub type MakeValue = for<'gc> fn(&mut Cx<'gc>, &Clock) -> Result<Val<'gc>, LuaError>;

/// Ticks that wait in a channel for a slow reader.
const TICKS: usize = 16;

/// See the head of the file.
pub struct Alarms {
    env: Env,
    target: Arc<Peer>,
    pending: HashMap<u64, Alarm>,
    last: u64,
}

struct Alarm {
    key: TimerKey,
    deadline: Moment,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Wake(Ticket),
    Once(MakeValue),
    Again(Duration, MakeValue),
}

impl Expire for Peer {
    fn expire(self: Arc<Self>, token: u64) {
        // A process that has ended needs no alarm.
        let _ = self.post(Letter::Alarm(token));
    }
}

impl Drop for Alarms {
    fn drop(&mut self) {
        for alarm in self.pending.values() {
            self.env.timers.cancel(alarm.key);
        }
    }
}

/// Owns the table of channels.
static CHANNELS: u8 = 0;

/// The channels of alarms by their numbers.
fn channels<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    cx.kept(&CHANNELS, |cx| {
        let channels = cx.table(0, 4)?;
        let meta = cx.table(0, 1)?;
        let weak = cx.name("v");
        meta.set_name(cx, "__mode", weak)?;
        cx.set_metatable(channels.into(), Some(meta))?;
        Ok(channels)
    })
}

impl Alarms {
    /// None yet, for this process.
    #[must_use]
    pub fn new(env: Env, target: Arc<Peer>) -> Self {
        Self { env, target, pending: HashMap::new(), last: 0 }
    }

    /// Whether the clock will not do anything for this process.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether one of the channels is at this address.
    #[must_use]
    pub fn concern(&self, cx: &Cx<'_>, address: usize) -> bool {
        let Some(channels) = cx.kept_already(&CHANNELS) else { return false };
        self.pending.keys().any(|&number| {
            channels.get_int(number as i64).as_channel().is_some_and(|ch| Val::from(ch).address() == address)
        })
    }

    fn arm(&mut self, deadline: Moment, what: What) -> Result<u64, LuaError> {
        self.last += 1;
        self.set(self.last, deadline, what)?;
        Ok(self.last)
    }

    fn set(&mut self, number: u64, deadline: Moment, what: What) -> Result<(), LuaError> {
        self.pending.try_reserve(1).map_err(|_| LuaError::memory())?;
        let key = self.env.timers.set(deadline, self.target.clone(), number);
        self.pending.insert(number, Alarm { key, deadline, what });
        Ok(())
    }

    fn disarm(&mut self, number: u64) -> Option<What> {
        let alarm = self.pending.remove(&number)?;
        self.env.timers.cancel(alarm.key);
        Some(alarm.what)
    }

    /// The moment of an alarm has come.
    ///
    /// # Errors
    /// Memory.
    pub fn expired(&mut self, cx: &mut Cx<'_>, number: u64) -> Result<(), LuaError> {
        let Some(alarm) = self.pending.remove(&number) else { return Ok(()) };
        let make = match alarm.what {
            What::Wake(ticket) => {
                cx.complete(ticket, &[])?;
                return Ok(());
            }
            What::Once(make) | What::Again(_, make) => make,
        };
        let channels = channels(cx)?;
        let Some(channel) = channels.get_int(number as i64).as_channel() else { return Ok(()) };
        let value = make(cx, &self.env.clock)?;
        // A reader that is too slow misses ticks.
        channel.deliver(cx, value)?;
        let What::Again(period, _) = alarm.what else {
            channel.close(cx)?;
            return Ok(());
        };
        if !channel.is_closed() {
            let missed = self.env.clock.now().since(alarm.deadline).as_nanos() / period.as_nanos().max(1);
            let missed = u32::try_from(missed).unwrap_or(u32::MAX);
            let next = alarm.deadline.after(period).after(period.saturating_mul(missed));
            self.set(number, next, alarm.what)?;
        }
        Ok(())
    }
}

/// The channel of one arming is that of another.
fn rename(cx: &mut Cx<'_>, old: u64, new: u64) -> Result<(), LuaError> {
    let channels = channels(cx)?;
    let channel = channels.get_int(old as i64);
    channels.set_int(cx, old as i64, Val::NIL)?;
    channels.set_int(cx, new as i64, channel)
}

/// The clock of the process; none outside of processes.
pub fn clock(cx: &mut Cx<'_>) -> Option<Clock> {
    cx.with_host(|_, context: &mut Context| context.node.env.clock.clone())
}

/// Lets the running coroutine sleep: the native function then returns [`Step::Block`](crate::vm::native::Step::Block), and
/// wakes up without results. False outside of processes.
///
/// # Errors
/// Where blocking is not allowed; memory.
pub fn sleep(cx: &mut Cx<'_>, time: Duration) -> Result<bool, LuaError> {
    let slept = cx.with_host(|cx, context: &mut Context| {
        let ticket = cx.block(&Wait::Operation("sleep"))?;
        let deadline = context.node.env.clock.now().after(time);
        context.alarms().arm(deadline, What::Wake(ticket)).map(|_| ())
    });
    slept.transpose().map(|slept| slept.is_some())
}

/// A channel that gets a value after `time` and is closed then, or gets one again and again, with the number of the alarm.
/// None outside of processes.
///
/// # Errors
/// Memory.
pub fn channel<'gc>(
    cx: &mut Cx<'gc>,
    time: Duration,
    again: bool,
    make: MakeValue,
) -> Result<Option<(Chan<'gc>, u64)>, LuaError> {
    let armed = cx.with_host(|cx, context: &mut Context| {
        let channel = cx.new_channel(if again { TICKS } else { 1 })?;
        let channels = channels(cx)?;
        let what = if again { What::Again(time, make) } else { What::Once(make) };
        let deadline = context.node.env.clock.now().after(time);
        let number = context.alarms().arm(deadline, what)?;
        channels.set_int(cx, number as i64, channel.into())?;
        Ok((channel, number))
    });
    armed.transpose()
}

/// Takes an alarm back. False if it is over.
///
/// # Errors
/// Memory.
pub fn cancel(cx: &mut Cx<'_>, number: u64) -> Result<bool, LuaError> {
    let disarmed = cx.with_host(|_, context: &mut Context| context.alarms().disarm(number)).flatten();
    if disarmed.is_some() {
        channels(cx)?.set_int(cx, number as i64, Val::NIL)?;
    }
    Ok(disarmed.is_some())
}

/// Arms an alarm anew, from now; its number from now on. None if it is over.
///
/// # Errors
/// Memory.
pub fn reset(cx: &mut Cx<'_>, number: u64, time: Duration) -> Result<Option<u64>, LuaError> {
    let armed = cx.with_host(|cx, context: &mut Context| {
        let Some(what) = context.alarms().disarm(number) else { return Ok(None) };
        let deadline = context.node.env.clock.now().after(time);
        let again = context.alarms().arm(deadline, what)?;
        rename(cx, number, again)?;
        Ok(Some(again))
    });
    armed.transpose().map(Option::flatten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::host::Host;
    use crate::runtime::pid::Pid;

    fn nothing<'gc>(_: &mut Cx<'gc>, _: &Clock) -> Result<Val<'gc>, LuaError> {
        Ok(Val::NIL)
    }

    #[test]
    fn with_the_process_its_timers_go() {
        let env = Env::simulated(1);
        let host = Arc::new(Host::lazy("h", 1, env.clone()));
        let pid = Pid { host: host.id.clone(), number: 1 };
        let peer = Arc::new(Peer::new(pid, host, Arc::default(), None));
        let mut alarms = Alarms::new(env.clone(), peer);
        let second = Duration::from_secs(1);
        for what in [What::Once(nothing), What::Again(second, nothing), What::Once(nothing)] {
            alarms.arm(env.clock.now().after(second), what).expect("memory");
        }
        assert!(alarms.disarm(3).is_some() && alarms.disarm(3).is_none());
        assert_eq!(env.timers.len(), 2);
        drop(alarms);
        assert!(env.timers.is_empty());
    }
}

//! Channels: sending, receiving, closing and waiting, as natives and hosts do it. The library is in `stdlib/channel`.
//!
//! Who finds the other side waiting serves it and goes on; the other one is queued. Values of blocked senders stay in the
//! windows of the functions that wait, so a channel holds the buffered ones only.
//!
//! A host feeds a channel from between two runs (`Vm::with_context`) with [`Chan::deliver`] and [`Chan::close`]. For values that
//! must stay outside until somebody wants them, such as the messages in a mailbox, it marks the channel ([`Chan::set_fed`]) and
//! gives the process a [`Feeder`]: that is asked before a receive on an open channel finds nothing, and when a receive makes
//! room in the buffer.
//!
//! # Waiting functions
//!
//! A function waits for channels with a window in which slot `at - 1` holds a channel and slot `at` the value to be sent.
//! `at` is at most [`PLAIN`] in functions that wait for one operation, which end with its results; a function that waits
//! for several ([`Chan::wait`] with a greater `at`) is entered again with `at`, the value and an [`Ended`]. A plain sender
//! is entered again if the channel is closed, to say so.
#![allow(unsafe_op_in_unsafe_fn)]

use super::managed::{Ticket, Wait};
use super::native::{Cx, Kind, Tab, Ud, Val};
use super::{LuaError, Vm};
use crate::heap::channel::{Channel, Waiter};
use crate::heap::userdata::{Role, Userdata};
use crate::heap::value::{get, tag};
use crate::heap::{Table, Thread, Value};

/// Greatest slot of a function that waits for one operation.
pub const PLAIN: u32 = 1;

/// Makes the metatable of channels.
pub type ChannelMeta = for<'gc> fn(&mut Cx<'gc>) -> Result<Tab<'gc>, LuaError>;

/// The next value for a channel from outside, if there is one now. It may close the channel.
pub type Feeder = for<'gc> fn(&mut Cx<'gc>, Chan<'gc>) -> Result<Option<Val<'gc>>, LuaError>;

/// Whether a [`Feeder`] has nothing for an open channel. False is no promise.
pub type Idler = for<'gc> fn(&mut Cx<'gc>, Chan<'gc>) -> bool;

/// Who knows values for fed channels.
pub struct Outside {
    pub feeder: Feeder,
    pub idler: Idler,
}

/// What channels are in a process.
#[derive(Clone, Copy, Default)]
pub(crate) struct Channels {
    /// Null before the first channel.
    pub meta: Option<*mut Table>,
    maker: Option<ChannelMeta>,
    outside: Option<&'static Outside>,
}

/// A channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chan<'gc>(Ud<'gc>);

/// A live waiter of a channel.
struct Found {
    /// Its place among the waiters.
    at: usize,
    waiter: Waiter,
    /// The parked coroutine.
    th: *mut Thread,
}

/// A case of a select.
#[derive(Clone, Copy)]
pub struct Case<'gc> {
    pub channel: Chan<'gc>,
    pub value: Val<'gc>,
    pub sends: bool,
}

/// Outcome of an attempt to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    Done,
    /// Nobody waits for it and there is no room.
    Full,
    Closed,
}

/// Outcome of an attempt to receive.
#[derive(Clone, Copy)]
pub enum Received<'gc> {
    Value(Val<'gc>),
    /// Nothing is there yet.
    Empty,
    /// Closed, and nothing is left.
    Closed,
}

/// How a wait of several operations ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The operation was done.
    Done,
    /// It was to receive, and the channel was closed.
    Closed,
    /// It was to send, and the channel was closed.
    Refused,
}

impl Ended {
    fn to_value<'gc>(self) -> Val<'gc> {
        match self {
            Self::Done => Val::TRUE,
            Self::Closed => Val::FALSE,
            Self::Refused => Val::NIL,
        }
    }

    /// The last value that the waiting function was entered with.
    #[must_use]
    pub fn from_value(v: Val<'_>) -> Self {
        match v.kind() {
            Kind::Bool(true) => Self::Done,
            Kind::Bool(false) => Self::Closed,
            _ => Self::Refused,
        }
    }
}

impl Vm {
    /// Sets what makes the metatable of channels when the first one is made.
    pub fn set_channel_meta(&mut self, maker: ChannelMeta) {
        self.channels.maker = Some(maker);
    }

    /// Sets who knows values for fed channels.
    pub fn set_channel_feeder(&mut self, outside: &'static Outside) {
        self.channels.outside = Some(outside);
    }
}

impl Cx<'_> {
    /// Makes the metatable of channels, if the process has channels.
    pub(super) fn make_channel_meta(&mut self) -> Result<Option<*mut Table>, LuaError> {
        if let Some(maker) = self.vm().channels.maker {
            let meta = Val::from(maker(self)?).raw().as_table();
            self.vm_mut().channels.meta = Some(meta);
        }
        Ok(self.vm().channels.meta)
    }
}

impl<'gc> From<Chan<'gc>> for Val<'gc> {
    fn from(channel: Chan<'gc>) -> Self {
        channel.0.into()
    }
}

impl<'gc> Val<'gc> {
    /// The channel, if it is one.
    #[inline]
    #[must_use]
    pub fn as_channel(self) -> Option<Chan<'gc>> {
        let Kind::Userdata(ud) = self.kind() else { return None };
        // SAFETY: live during 'gc.
        unsafe { matches!((*ud.raw()).role, Role::Channel(_)).then_some(Chan(ud)) }
    }

    /// The case of a select, if it is one.
    #[must_use]
    pub fn as_case(self) -> Option<Case<'gc>> {
        let Kind::Userdata(ud) = self.kind() else { return None };
        // SAFETY: live during 'gc; a case keeps its channel alive.
        unsafe {
            let Role::Case { channel, value, sends } = (*ud.raw()).role else { return None };
            let channel = Val::raw_new(Value::userdata(channel)).as_channel()?;
            Some(Case { channel, value: Val::raw_new(value), sends })
        }
    }
}

impl<'gc> Cx<'gc> {
    /// A new channel.
    ///
    /// # Errors
    /// Memory.
    pub fn new_channel(&mut self, capacity: usize) -> Result<Chan<'gc>, LuaError> {
        let meta = match self.vm().channels.meta {
            Some(meta) => meta,
            None => match self.make_channel_meta()? {
                Some(meta) => meta,
                None => return Err(LuaError::message("no channels in this process")),
            },
        };
        let vm = self.vm_mut();
        vm.use_managed();
        let at = vm.heap.new_channel(capacity, meta)?;
        Ok(Chan(Ud::from_raw(at)))
    }

    /// A case of a select.
    ///
    /// # Errors
    /// Memory.
    pub fn new_case(&mut self, case: Case<'gc>) -> Result<Val<'gc>, LuaError> {
        let channel = case.channel.0.raw();
        let at = self.vm_mut().heap.new_case(channel, case.value.raw(), case.sends)?;
        Ok(Val::raw_new(Value::userdata(at)))
    }

    /// Argument `i`, which must be a channel.
    ///
    /// # Errors
    /// "channel expected, got …".
    #[inline]
    pub fn check_channel(&self, i: usize) -> Result<Chan<'gc>, LuaError> {
        self.arg(i).as_channel().ok_or_else(|| self.type_error(i, "channel"))
    }
}

impl<'gc> Chan<'gc> {
    /// The data. Not to be held while anything else happens to the channel.
    #[inline]
    unsafe fn data<'a>(self) -> &'a mut Channel {
        match &mut (*self.0.raw()).role {
            Role::Channel(channel) => channel,
            Role::Plain | Role::Type(_) | Role::Case { .. } => {
                unreachable!("a `Chan` is made of channels only")
            }
        }
    }

    /// True once the channel is closed, also if values are left in it.
    #[must_use]
    pub fn is_closed(self) -> bool {
        // SAFETY: live during 'gc.
        unsafe { self.data().closed }
    }

    /// Says whether values come from outside; see [`Feeder`].
    pub fn set_fed(self, fed: bool) {
        // SAFETY: live during 'gc.
        unsafe { self.data().fed = fed }
    }

    /// The first live waiter that sends, or that receives. Removes dead ones in front of it.
    #[inline(always)]
    unsafe fn first_waiter(self, vm: &Vm, sends: bool) -> Option<Found> {
        let channel = self.data();
        if !channel.has_waiters(sends) {
            return None;
        }
        if let Some(&waiter) = channel.waiters.front()
            && waiter.sends == sends
            && let Some(th) = vm.waiting_thread(Ticket::new(waiter.slot, waiter.turn))
        {
            return Some(Found { at: 0, waiter, th });
        }
        self.search_waiter(vm, sends)
    }

    #[cold]
    unsafe fn search_waiter(self, vm: &Vm, sends: bool) -> Option<Found> {
        let channel = self.data();
        let mut at = 0;
        while let Some(&waiter) = channel.waiters.get(at) {
            match vm.waiting_thread(Ticket::new(waiter.slot, waiter.turn)) {
                None => channel.remove_waiter(at),
                Some(th) if waiter.sends == sends => return Some(Found { at, waiter, th }),
                // Only of a select that does both: everybody else would have met it.
                Some(_) => at += 1,
            }
        }
        None
    }

    /// The value that a waiting function sends.
    #[inline(always)]
    unsafe fn value_of(vm: &Vm, found: &Found) -> Val<'gc> {
        let frame = vm.waiting_frame(found.th);
        let slot = (*frame).base.add(found.waiter.at as usize);
        if slot < (*found.th).top { Val::raw_new(get(slot)) } else { Val::NIL }
    }

    /// Lets a waiting function know that its operation is done, and removes it from those who wait.
    #[inline(always)]
    unsafe fn serve(self, cx: &mut Cx<'gc>, found: &Found, value: Val<'gc>) -> Result<(), LuaError> {
        let (vm, waiter) = (cx.vm_mut(), &found.waiter);
        if waiter.at > PLAIN {
            let values = [Val::int(i64::from(waiter.at)), value, Ended::Done.to_value()];
            vm.end_wait_of(waiter.slot, found.th, &values, None)?;
        } else if waiter.sends {
            vm.complete_of(waiter.slot, found.th, [Val::TRUE])?;
        } else {
            vm.complete_of(waiter.slot, found.th, [value, Val::TRUE])?;
        }
        self.data().remove_waiter(found.at);
        Ok(())
    }

    /// Sends if that needs no waiting.
    ///
    /// # Errors
    /// Memory; nothing has happened then.
    #[inline]
    pub fn try_send(self, cx: &mut Cx<'gc>, v: Val<'gc>) -> Result<Sent, LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            if self.data().closed {
                return Ok(Sent::Closed);
            }
        }
        if self.offer(cx, |_| Ok(v))? {
            return Ok(Sent::Done);
        }
        Ok(Sent::Full)
    }

    /// Receives if that needs no waiting.
    ///
    /// # Errors
    /// Memory; nothing has happened then.
    #[inline]
    pub fn try_receive(self, cx: &mut Cx<'gc>) -> Result<Received<'gc>, LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            let sender = self.first_waiter(cx.vm(), true);
            if self.data().buffer.is_empty() {
                if let Some(sender) = sender {
                    let v = Self::value_of(cx.vm(), &sender);
                    self.serve(cx, &sender, v)?;
                    return Ok(Received::Value(v));
                }
                if let Some(v) = self.feed(cx)? {
                    return Ok(Received::Value(v));
                }
                return Ok(if self.data().closed { Received::Closed } else { Received::Empty });
            }
            // The place that becomes free goes to whoever waits longest.
            if let Some(sender) = sender {
                let v = Self::value_of(cx.vm(), &sender);
                self.data().push_value(&mut cx.vm_mut().heap, v.raw())?;
                if let Err(e) = self.serve(cx, &sender, v) {
                    self.data().buffer.pop_back();
                    return Err(e);
                }
            } else if let Some(v) = self.feed(cx)? {
                self.data().push_value(&mut cx.vm_mut().heap, v.raw())?;
            }
            let v = self.data().buffer.pop_front().unwrap_or(Value::NIL);
            Ok(Received::Value(Val::raw_new(v)))
        }
    }

    /// [`Chan::try_receive`] if that takes nothing from outside, and there is memory for it.
    #[inline]
    pub(super) fn receive_quickly(self, cx: &mut Cx<'gc>) -> Option<Received<'gc>> {
        // SAFETY: live during 'gc.
        let channel = unsafe { self.data() };
        if channel.fed && !channel.closed {
            if !channel.buffer.is_empty() || channel.has_waiters(true) {
                return None;
            }
            let idle = cx.vm().channels.outside.is_none_or(|outside| (outside.idler)(cx, self));
            return idle.then_some(Received::Empty);
        }
        self.try_receive(cx).ok()
    }

    /// A value from outside.
    fn feed(self, cx: &mut Cx<'gc>) -> Result<Option<Val<'gc>>, LuaError> {
        // SAFETY: live during 'gc.
        let fed = unsafe { self.data().fed && !self.data().closed };
        match cx.vm().channels.outside {
            Some(outside) if fed => (outside.feeder)(cx, self),
            _ => Ok(None),
        }
    }

    /// Gives the channel a value if somebody waits for one or there is room in the buffer; false if not, or if it is closed.
    ///
    /// # Errors
    /// Memory; nothing has happened then.
    pub fn deliver(self, cx: &mut Cx<'gc>, v: Val<'gc>) -> Result<bool, LuaError> {
        self.offer(cx, |_| Ok(v))
    }

    /// As [`Chan::deliver`], but the value is made only if the channel accepts it.
    ///
    /// # Errors
    /// Those of `make`; memory; the channel has not changed then.
    pub fn offer(
        self,
        cx: &mut Cx<'gc>,
        make: impl FnOnce(&mut Cx<'gc>) -> Result<Val<'gc>, LuaError>,
    ) -> Result<bool, LuaError> {
        // SAFETY: live during 'gc; making a value neither starts nor ends waits.
        unsafe {
            let channel = self.data();
            if channel.closed {
                return Ok(false);
            }
            if let Some(receiver) = self.first_waiter(cx.vm(), false) {
                let v = make(cx)?;
                self.serve(cx, &receiver, v)?;
                return Ok(true);
            }
            if channel.buffer.len() >= channel.capacity {
                return Ok(false);
            }
            let v = make(cx)?;
            self.data().push_value(&mut cx.vm_mut().heap, v.raw())?;
            Ok(true)
        }
    }

    /// Closes the channel and queues everybody who waits for it. True if there was somebody: a native function then
    /// returns with `Step::GiveWay`.
    ///
    /// # Errors
    /// Memory; nothing has happened then.
    pub fn close(self, cx: &mut Cx<'gc>) -> Result<bool, LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            if self.data().closed {
                return Ok(false);
            }
            self.data().closed = true;
            let mut waiters = self.data().take_waiters();
            let mut woken = false;
            while let Some(waiter) = waiters.pop_front() {
                let ticket = Ticket::new(waiter.slot, waiter.turn);
                if !cx.is_waiting(ticket) {
                    continue;
                }
                woken = true;
                let several = waiter.at > PLAIN;
                // The cases of one select stand together; the one that receives decides.
                let receives = |w: &&Waiter| w.turn == waiter.turn && !w.sends;
                let case = if waiter.sends && several {
                    waiters.iter().take_while(|w| w.turn == waiter.turn).find(receives).unwrap_or(&waiter)
                } else {
                    &waiter
                };
                if several {
                    let end = if case.sends { Ended::Refused } else { Ended::Closed };
                    cx.reenter(ticket, &[Val::int(i64::from(case.at)), Val::NIL, end.to_value()])?;
                } else if waiter.sends {
                    cx.reenter(ticket, &[])?;
                } else {
                    cx.complete(ticket, &[Val::NIL, Val::FALSE])?;
                }
            }
            Ok(woken)
        }
    }

    /// Makes the wait of a ticket one for this channel: to send the value in slot `at` of the window, or to receive.
    ///
    /// # Errors
    /// Memory.
    #[inline(always)]
    pub fn wait(self, cx: &mut Cx<'gc>, ticket: Ticket, at: u32, sends: bool) -> Result<(), LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            let channel = self.data();
            let (slot, turn) = ticket.parts();
            let vm = cx.vm();
            // This wait has other cases here, perhaps, and is only about to begin.
            channel.purge(|w| w.turn == turn || vm.waiting_thread(Ticket::new(w.slot, w.turn)).is_some());
            channel.push_waiter(&mut cx.vm_mut().heap, Waiter { turn, slot, at, sends })?;
        }
        Ok(())
    }

    /// [`Cx::block`] and [`Chan::wait`] of a function that waits for one operation.
    ///
    /// # Errors
    /// As those.
    #[inline(always)]
    pub fn block(self, cx: &mut Cx<'gc>, sends: bool) -> Result<(), LuaError> {
        let wait: &'static Wait =
            if sends { &Wait::Channel("send on a channel") } else { &Wait::Channel("receive on a channel") };
        let ticket = cx.block(wait)?;
        self.wait(cx, ticket, u32::from(sends), sends)
    }
}

impl<'gc> Ud<'gc> {
    fn raw(self) -> *mut Userdata {
        debug_assert_eq!(Val::from(self).raw().tag, tag::USERDATA);
        Val::from(self).raw().as_userdata()
    }
}

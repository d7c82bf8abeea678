//! The data of a channel: buffered values and who waits. What happens to them is in `vm/channel`.
//!
//! 1. `buffer` holds at most `capacity` values; the collector marks them.
//! 2. A waiter whose wait is over stays in `waiters` until somebody comes across it or there are twice as many as were last
//!    found alive: the interpreter knows which are ([`Waiter::turn`] is never reused).
//! 3. `bytes` is on the process's account.

use super::alloc::{Heap, OutOfMemory};
use super::userdata::{Role, Userdata};
use super::{Table, Value};
use std::collections::VecDeque;

/// A function that waits for a channel: one that a wait is for, or one case of a select.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    /// The wait, as in `vm::managed::Ticket`.
    pub turn: u64,
    pub slot: u32,
    /// Slot in the window of the waiting function that holds the value to be sent, and in front of it the channel.
    pub at: u32,
    pub sends: bool,
}

/// Fewer waiters than this are never looked through for those that wait no more.
const MIN_PURGE: u32 = 8;

/// What a channel holds.
pub struct Channel {
    pub buffer: VecDeque<Value>,
    pub capacity: usize,
    pub waiters: VecDeque<Waiter>,
    /// Waiters that send, dead ones included: with none of them, or nobody else, there is nothing to look through.
    senders: u32,
    /// Number of waiters at which those are removed that wait no more.
    purge_at: u32,
    pub closed: bool,
    /// Values come from outside, too: they are asked for when there is room.
    pub fed: bool,
    bytes: usize,
}

impl Channel {
    /// Memory outside of cells.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a value; whether there is room is the caller's business.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline]
    pub fn push_value(&mut self, heap: &mut Heap, v: Value) -> Result<(), OutOfMemory> {
        grow(&mut self.buffer, &mut self.bytes, heap)?;
        self.buffer.push_back(v);
        Ok(())
    }

    /// Removes a waiter, usually the first.
    #[inline]
    pub fn remove_waiter(&mut self, at: usize) {
        let removed = if at == 0 { self.waiters.pop_front() } else { self.waiters.remove(at) };
        self.senders -= u32::from(removed.is_some_and(|waiter| waiter.sends));
    }

    /// Whether anybody may wait to send, or to receive.
    #[inline]
    #[must_use]
    pub fn has_waiters(&self, sends: bool) -> bool {
        let senders = self.senders as usize;
        if sends { senders > 0 } else { senders < self.waiters.len() }
    }

    /// Removes all waiters.
    pub fn take_waiters(&mut self) -> VecDeque<Waiter> {
        self.senders = 0;
        std::mem::take(&mut self.waiters)
    }

    /// Removes those who wait no more, if there may be many of them.
    #[inline(always)]
    pub fn purge(&mut self, lives: impl FnMut(&Waiter) -> bool) {
        if self.waiters.len() >= self.purge_at as usize {
            self.purge_now(lives);
        }
    }

    #[cold]
    fn purge_now(&mut self, lives: impl FnMut(&Waiter) -> bool) {
        self.waiters.retain(lives);
        self.senders = self.waiters.iter().map(|waiter| u32::from(waiter.sends)).sum();
        self.purge_at = u32::try_from(2 * self.waiters.len()).unwrap_or(u32::MAX).max(MIN_PURGE);
    }

    /// Adds a waiter.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline]
    pub fn push_waiter(&mut self, heap: &mut Heap, waiter: Waiter) -> Result<(), OutOfMemory> {
        grow(&mut self.waiters, &mut self.bytes, heap)?;
        self.senders += u32::from(waiter.sends);
        self.waiters.push_back(waiter);
        Ok(())
    }
}

/// Room for one more item.
#[inline]
fn grow<T>(items: &mut VecDeque<T>, bytes: &mut usize, heap: &mut Heap) -> Result<(), OutOfMemory> {
    if items.len() < items.capacity() { Ok(()) } else { grow_slow(items, bytes, heap) }
}

#[cold]
fn grow_slow<T>(items: &mut VecDeque<T>, bytes: &mut usize, heap: &mut Heap) -> Result<(), OutOfMemory> {
    let had = items.capacity();
    let more = had.max(2);
    heap.reserve_external(more * size_of::<T>())?;
    items.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
    let added = (items.capacity() - had) * size_of::<T>();
    *bytes += added;
    heap.add_external(added);
    Ok(())
}

impl Heap {
    /// A channel.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new_channel(&mut self, capacity: usize, meta: *mut Table) -> Result<*mut Userdata, OutOfMemory> {
        let bytes = size_of::<Channel>();
        self.reserve_external(bytes)?;
        let channel = Channel {
            buffer: VecDeque::new(),
            capacity,
            waiters: VecDeque::new(),
            senders: 0,
            purge_at: MIN_PURGE,
            closed: false,
            fed: false,
            bytes,
        };
        let at = self.new_role(Role::Channel(Box::new(channel)), meta)?;
        self.add_external(bytes);
        self.register_external(Value::userdata(at));
        Ok(at)
    }

    /// A case of a select: to send `value` to a channel, or to receive from it.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new_case(
        &mut self,
        channel: *mut Userdata,
        value: Value,
        sends: bool,
    ) -> Result<*mut Userdata, OutOfMemory> {
        self.new_role(Role::Case { channel, value, sends }, std::ptr::null_mut())
    }
}

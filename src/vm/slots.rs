//! The table of managed coroutines: one slot for each, found by number; the runnable ones are a queue through the slots.
//!
//! 1. A slot is in at most one list: ready ones in the queue, free ones in the list of free ones. Both use `Slot::next`.
//! 2. Slot 0 takes no memory of its own: most processes have one coroutine. Queueing never takes any.

use super::LuaError;
use super::managed::{Ticket, Wait};
use crate::heap::Thread;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// No coroutine.
    Free,
    Running,
    /// In the queue.
    Ready,
    Waiting(&'static Wait),
}

pub(super) struct Slot {
    /// Innermost coroutine while parked, the coroutine itself before its first turn, else null.
    pub th: *mut Thread,
    /// Of the last wait.
    pub turn: u64,
    pub resume_depth: u32,
    next: u32,
    pub state: State,
}

/// See the head of the file.
pub(super) struct Slots {
    /// Slot 0, of the main coroutine; free before there is any.
    main: Slot,
    /// The slots from 1.
    others: Vec<Slot>,
    /// First and last of the queue.
    first_ready: u32,
    last_ready: u32,
    first_free: u32,
    free: u32,
}

/// No slot.
const NONE: u32 = u32::MAX;

impl Slot {
    fn new(th: *mut Thread, state: State) -> Self {
        Self { th, turn: 0, resume_depth: 0, next: NONE, state }
    }
}

impl Slots {
    pub fn new() -> Self {
        Self {
            main: Slot::new(std::ptr::null_mut(), State::Free),
            others: Vec::new(),
            first_ready: NONE,
            last_ready: NONE,
            first_free: NONE,
            free: 0,
        }
    }

    /// The slot of the main coroutine, which runs, before there is any other.
    #[inline]
    pub fn begin(&mut self) {
        if self.is_empty() {
            self.main.state = State::Running;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.main.state == State::Free
    }

    /// Adds a coroutine to the table and to the queue.
    pub fn add(&mut self, th: *mut Thread) -> Result<(), LuaError> {
        let slot = Slot::new(th, State::Ready);
        let number = if self.first_free == NONE {
            self.others.try_reserve(1).map_err(|_| LuaError::memory())?;
            self.others.push(slot);
            self.others.len() as u32
        } else {
            let number = self.first_free;
            self.first_free = self[number].next;
            self.free -= 1;
            self[number] = slot;
            number
        };
        self.queue(number);
        Ok(())
    }

    /// The coroutine of a slot that is in no list has ended.
    pub fn release(&mut self, number: u32) {
        let next = self.first_free;
        self[number] = Slot { next, ..Slot::new(std::ptr::null_mut(), State::Free) };
        self.first_free = number;
        self.free += 1;
    }

    /// Puts a slot that is in no list at the end of the queue.
    #[inline]
    pub fn queue(&mut self, number: u32) {
        let slot = &mut self[number];
        slot.state = State::Ready;
        slot.next = NONE;
        if self.first_ready == NONE {
            self.first_ready = number;
        } else {
            let last = self.last_ready;
            self[last].next = number;
        }
        self.last_ready = number;
    }

    /// Takes the first slot out of the queue.
    #[inline]
    pub fn next_ready(&mut self) -> Option<u32> {
        let number = self.first_ready;
        if number == NONE {
            return None;
        }
        self.first_ready = self[number].next;
        Some(number)
    }

    pub fn has_ready(&self) -> bool {
        self.first_ready != NONE
    }

    fn len(&self) -> usize {
        if self.is_empty() { 0 } else { 1 + self.others.len() }
    }

    /// Coroutines that have not ended.
    pub fn living(&self) -> usize {
        self.len() - self.free as usize
    }

    /// The slot whose wait the ticket names.
    #[inline]
    pub fn waiting(&self, ticket: Ticket) -> Option<&Slot> {
        let (number, turn) = ticket.parts();
        let slot = match number {
            0 => &self.main,
            _ => self.others.get(number as usize - 1)?,
        };
        (slot.turn == turn && matches!(slot.state, State::Waiting(_))).then_some(slot)
    }

    /// All slots, by their numbers; none before there is a coroutine.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        std::iter::once(&self.main).chain(&self.others).take(self.len())
    }

    /// Empties the table.
    pub fn take(&mut self) -> impl Iterator<Item = Slot> {
        let len = self.len();
        let all = std::mem::take(self);
        std::iter::once(all.main).chain(all.others).take(len)
    }
}

impl std::ops::Index<u32> for Slots {
    type Output = Slot;

    #[inline]
    fn index(&self, number: u32) -> &Slot {
        if number == 0 { &self.main } else { &self.others[number as usize - 1] }
    }
}

impl std::ops::IndexMut<u32> for Slots {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut Slot {
        if number == 0 { &mut self.main } else { &mut self.others[number as usize - 1] }
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    #[test]
    fn the_queue_keeps_its_order_and_places_are_used_again() {
        let mut slots = Slots::new();
        slots.begin();
        slots.begin();
        for _ in 0..3 {
            slots.add(null_mut()).expect("memory");
        }
        slots.queue(0);
        let mut order = Vec::new();
        while let Some(number) = slots.next_ready() {
            order.push(number);
            slots[number].state = State::Running;
        }
        assert_eq!((order, slots.has_ready(), slots.living()), (vec![1, 2, 3, 0], false, 4));
        slots.release(3);
        slots.release(1);
        assert_eq!(slots.living(), 2);
        for _ in 0..3 {
            slots.add(null_mut()).expect("memory");
        }
        let order: Vec<u32> = std::iter::from_fn(|| slots.next_ready()).collect();
        assert_eq!((order, slots.living()), (vec![1, 3, 4], 5));
        assert_eq!(slots.take().count(), 5);
        assert!(slots.is_empty() && !slots.has_ready());
    }

    #[test]
    fn one_coroutine_takes_no_memory() {
        let mut slots = Slots::new();
        slots.begin();
        slots.queue(0);
        assert!(slots.others.capacity() == 0 && slots.next_ready() == Some(0));
    }
}

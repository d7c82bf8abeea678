//! Run queues: what each worker has of its own, what all share, and in which order a worker takes from them.
//!
//! 1. First in, first out, but for one slot per worker: the task last woken there runs next, so that request and reply stay
//!    on one core. After [`SLOT_TURNS`] such turns the queue has its turn.
//! 2. What comes from outside (spawns and wake-ups by other threads) is looked at every [`OUTSIDE_TURNS`] turns, and after
//!    every turn that used up its slice, but never twice in a row: neither side can starve the other.
//! 3. The slot is not stolen from: its task waits for at most one slice, after which a worker that has more to do than that
//!    task wakes another worker.
//! 4. The list of ends comes before everything.

use std::cell::Cell;
use std::time::Duration;

use super::deque::{Injector, Steal, Stealer, Worker};
use super::park::Idle;
use crate::limits::{OUTSIDE_TURNS, SLOT_TURNS};
use crate::runtime::sync::{AtomicBool, Ordering};

/// What all workers of a pool share.
pub(super) struct Queues<T> {
    outside: Injector<T>,
    ends: Injector<T>,
    stealers: Box<[Stealer<T>]>,
    idle: Idle,
    stopping: AtomicBool,
}

/// What a worker has of its own.
pub(super) struct Local<T> {
    queue: Worker<T>,
    slot: Cell<Option<T>>,
    /// Turns given to the slot in a row.
    slot_turns: Cell<u32>,
    /// Turns since the last look outside.
    since_outside: Cell<u32>,
}

/// Queues for this many workers.
pub(super) fn queues<T>(workers: usize) -> (Queues<T>, Vec<Local<T>>) {
    let locals: Vec<Local<T>> = (0..workers)
        .map(|_| Local {
            queue: Worker::new_fifo(),
            slot: Cell::new(None),
            slot_turns: Cell::new(0),
            since_outside: Cell::new(0),
        })
        .collect();
    let stealers = locals.iter().map(|local| local.queue.stealer()).collect();
    let queues = Queues {
        outside: Injector::new(),
        ends: Injector::new(),
        stealers,
        idle: Idle::new(workers),
        stopping: AtomicBool::new(false),
    };
    (queues, locals)
}

fn taken<T>(steal: impl Fn() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(item) => return Some(item),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}

impl<T> Queues<T> {
    /// From a thread that is no worker of this pool.
    pub(super) fn push(&self, item: T) {
        self.outside.push(item);
        self.idle.notify();
    }

    /// From any thread.
    pub(super) fn push_end(&self, item: T) {
        self.ends.push(item);
        self.idle.notify();
    }

    /// The next task to be ended.
    #[inline]
    pub(super) fn next_end(&self) -> Option<T> {
        if self.ends.is_empty() { None } else { taken(|| self.ends.steal()) }
    }

    /// Nobody is to begin another turn.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.idle.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether there is something that any worker has to see to.
    fn has_work(&self) -> bool {
        self.is_stopping()
            || !self.ends.is_empty()
            || !self.outside.is_empty()
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Looks for a task elsewhere, for a worker that has run out of them, and sleeps until there is one. None when there are
    /// ends to see to or when it is time to stop. `first` names the victim to begin with: which one does not matter for
    /// what programs may see, but should not always be the same. `idle` is called before a sleep and may limit it.
    pub(super) fn find(
        &self,
        local: &Local<T>,
        worker: usize,
        mut first: impl FnMut() -> usize,
        mut stole: impl FnMut(),
        mut idle: impl FnMut() -> Option<Duration>,
    ) -> Option<T> {
        self.idle.search();
        loop {
            if let Some((item, stolen)) = self.search(local, worker, first()) {
                if stolen {
                    stole();
                }
                self.idle.found(|| self.has_work());
                return Some(item);
            }
            if self.is_stopping() || !self.ends.is_empty() {
                self.idle.found(|| self.has_work());
                return None;
            }
            let patience = idle();
            self.idle.sleep(worker, || self.has_work(), patience);
        }
    }

    /// Takes something from outside, or from another worker and says so, and more of it into `local`.
    fn search(&self, local: &Local<T>, worker: usize, first: usize) -> Option<(T, bool)> {
        if let Some(item) = taken(|| self.outside.steal_batch_and_pop(&local.queue)) {
            return Some((item, false));
        }
        let others = self.stealers.len();
        (0..others)
            .map(|i| (first.wrapping_add(i)) % others)
            .filter(|&other| other != worker)
            .find_map(|other| taken(|| self.stealers[other].steal_batch_and_pop(&local.queue)))
            .map(|item| (item, true))
    }
}

impl<T> Local<T> {
    /// A task woken by what runs on this worker.
    #[inline]
    pub(super) fn push_woken(&self, item: T, queues: &Queues<T>) {
        if let Some(earlier) = self.slot.replace(Some(item)) {
            self.queue.push(earlier);
            queues.idle.notify();
        }
    }

    /// A task started by what runs on this worker.
    pub(super) fn push_new(&self, item: T, queues: &Queues<T>) {
        self.queue.push(item);
        queues.idle.notify();
    }

    /// The task whose turn is over and that wants another.
    pub(super) fn push_again(&self, item: T, queues: &Queues<T>) {
        // Alone, it is taken again at once: nobody else should be woken for it.
        let alone = self.queue.is_empty() && self.slot_is_empty();
        self.queue.push(item);
        if !alone {
            queues.idle.notify();
        }
    }

    fn slot_is_empty(&self) -> bool {
        let item = self.slot.take();
        let empty = item.is_none();
        self.slot.set(item);
        empty
    }

    /// The next task of this worker. `long` says that the last turn used up its slice.
    #[inline]
    pub(super) fn next(&self, long: bool, queues: &Queues<T>) -> Option<T> {
        let since = self.since_outside.get() + 1;
        self.since_outside.set(since);
        if (since >= OUTSIDE_TURNS || long && since > 1) && !queues.outside.is_empty() {
            self.since_outside.set(0);
            if let Some(item) = taken(|| queues.outside.steal()) {
                return Some(item);
            }
        }
        if self.slot_turns.get() < SLOT_TURNS
            && let Some(item) = self.slot.take()
        {
            self.slot_turns.set(self.slot_turns.get() + 1);
            return Some(item);
        }
        self.slot_turns.set(0);
        self.queue.pop().or_else(|| self.slot.take())
    }
}

//! Workers without work: who sleeps, who is looking, whom to wake.
//!
//! 1. A worker enters the list of sleepers and *then* looks at all queues once more before it sleeps; whoever pushes an entry
//!    looks at the list after the push. A full fence on both sides: one of the two sees the other. So no entry lies in
//!    a queue that somebody may take from while all workers sleep.
//! 2. While a worker is searching nobody else is woken: it will find the entry, or go through 1 after it stopped searching.
//!    A searcher that finds something while more is there wakes the next one.
//! 3. Who takes a sleeper off the list wakes it, exactly once; it then counts as searching.

use crate::runtime::sync::{AtomicUsize, Condvar, Mutex, Ordering, fence, lock, wait, wait_for};
use std::time::Duration;

/// See the head of the file.
pub(super) struct Idle {
    /// Sleeping workers in the low half, searching ones in the high half. Sleeping is changed with `sleepers` locked.
    counts: AtomicUsize,
    sleepers: Mutex<Vec<usize>>,
    /// By worker: taken off the list. A lock and a condition and not `park`: its token belongs to the whole thread, and loom
    /// loses it at locks.
    woken: Box<[(Mutex<bool>, Condvar)]>,
}

const SLEEPING: usize = 1;
const SEARCHING: usize = 1 << (usize::BITS / 2);

fn sleeping(counts: usize) -> usize {
    counts % SEARCHING
}

fn searching(counts: usize) -> usize {
    counts / SEARCHING
}

impl Idle {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            counts: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::with_capacity(workers)),
            woken: (0..workers).map(|_| (Mutex::new(false), Condvar::new())).collect(),
        }
    }

    /// After pushing something that any worker may take.
    #[inline]
    pub(super) fn notify(&self) {
        fence(Ordering::SeqCst);
        let counts = self.counts.load(Ordering::Relaxed);
        if sleeping(counts) != 0 && searching(counts) == 0 {
            self.wake_one(false);
        }
    }

    /// Wakes every sleeper, to see that they are to stop.
    pub(super) fn notify_all(&self) {
        fence(Ordering::SeqCst);
        while self.wake_one(true) {}
    }

    #[cold]
    fn wake_one(&self, searched_already: bool) -> bool {
        let woken = {
            let mut sleepers = lock(&self.sleepers);
            if !searched_already && searching(self.counts.load(Ordering::Relaxed)) != 0 {
                return false;
            }
            let Some(sleeper) = sleepers.pop() else { return false };
            self.counts.fetch_add(SEARCHING - SLEEPING, Ordering::AcqRel);
            sleeper
        };
        let (flag, changed) = &self.woken[woken];
        *lock(flag) = true;
        changed.notify_one();
        true
    }

    /// This worker has run out of work of its own and looks for some.
    pub(super) fn search(&self) {
        self.counts.fetch_add(SEARCHING, Ordering::AcqRel);
    }

    /// A searching worker has found something.
    pub(super) fn found(&self, more: impl Fn() -> bool) {
        let before = self.counts.fetch_sub(SEARCHING, Ordering::AcqRel);
        if searching(before) == 1 && sleeping(before) != 0 {
            // Pushes since may have relied on this search. If nothing is there now, later ones see that it is over.
            fence(Ordering::SeqCst);
            if more() {
                self.notify();
            }
        }
    }

    /// A searching worker has found nothing: sleeps until it is woken, or for `patience` if that is given, unless `work` sees
    /// something after all. It is searching again afterwards.
    pub(super) fn sleep(&self, worker: usize, work: impl Fn() -> bool, patience: Option<Duration>) {
        {
            let mut sleepers = lock(&self.sleepers);
            sleepers.push(worker);
            self.counts.fetch_sub(SEARCHING - SLEEPING, Ordering::AcqRel);
        }
        fence(Ordering::SeqCst);
        if work() && self.get_up(worker) {
            return;
        }
        let (flag, changed) = &self.woken[worker];
        if let Some(patience) = patience {
            let mut woken = wait_for(changed, lock(flag), patience);
            if *woken {
                *woken = false;
                return;
            }
            drop(woken);
            if self.get_up(worker) {
                return;
            }
        }
        let mut woken = lock(flag);
        while !*woken {
            woken = wait(changed, woken);
        }
        *woken = false;
    }

    /// A sleeping worker searches again. False: somebody has taken it off the list and is about to say so.
    fn get_up(&self, worker: usize) -> bool {
        let mut sleepers = lock(&self.sleepers);
        let Some(at) = sleepers.iter().position(|&sleeper| sleeper == worker) else { return false };
        sleepers.remove(at);
        self.counts.fetch_add(SEARCHING - SLEEPING, Ordering::AcqRel);
        true
    }
}

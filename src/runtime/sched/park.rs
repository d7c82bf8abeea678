//! Workers without work: who sleeps, who is looking, whom to wake.
//!
//! 1. A worker enters the list of sleepers and *then* looks at all queues once more before it sleeps; whoever pushes an entry
//!    looks at the list after the push. A full fence on both sides: one of the two sees the other. So no entry lies in
//!    a queue that somebody may take from while all workers sleep.
//! 2. While a worker is searching nobody else is woken: it will find the entry, or go through 1 after it stopped searching.
//!    A searcher that finds something while more is there wakes the next one.
//! 3. Who takes a sleeper off the list wakes it, exactly once; it then counts as searching.

use super::super::sync::{AtomicBool, AtomicUsize, Mutex, Ordering, Thread, current, fence, lock, park};

/// See the head of the file.
pub(super) struct Idle {
    /// Sleeping workers in the low half, searching ones in the high half. Sleeping is changed with `sleepers` locked.
    counts: AtomicUsize,
    sleepers: Mutex<Vec<(usize, Thread)>>,
    /// By worker: taken off the list. Needed beside the token of `park`, which others may set or use up.
    woken: Box<[AtomicBool]>,
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
            woken: (0..workers).map(|_| AtomicBool::new(false)).collect(),
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
        self.woken[woken.0].store(true, Ordering::Release);
        woken.1.unpark();
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

    /// A searching worker has found nothing: sleeps until it is woken, unless `work` sees something after all. It is
    /// searching again afterwards.
    pub(super) fn sleep(&self, worker: usize, work: impl Fn() -> bool) {
        {
            let mut sleepers = lock(&self.sleepers);
            sleepers.push((worker, current()));
            self.counts.fetch_sub(SEARCHING - SLEEPING, Ordering::AcqRel);
        }
        fence(Ordering::SeqCst);
        if work() {
            let mut sleepers = lock(&self.sleepers);
            if let Some(at) = sleepers.iter().position(|sleeper| sleeper.0 == worker) {
                sleepers.remove(at);
                self.counts.fetch_add(SEARCHING - SLEEPING, Ordering::AcqRel);
                return;
            }
            // Somebody has taken this worker off the list and is about to say so.
        }
        while !self.woken[worker].swap(false, Ordering::Acquire) {
            park();
        }
    }
}

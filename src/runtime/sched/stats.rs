//! Counters of what the scheduler did. Each worker counts in memory of its own, without atomic read-modify-write steps.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a scheduler has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tasks given a seat.
    pub spawned: u64,
    /// Tasks that have one now.
    pub alive: u64,
    /// The most at one time.
    pub peak_alive: u64,
    /// Tasks that panicked.
    pub panics: u64,
    /// Turns.
    pub slices: u64,
    /// Turns that used up their slice.
    pub full_slices: u64,
    /// Searches that found work at another worker.
    pub steals: u64,
    /// Times a worker went to sleep.
    pub parks: u64,
}

/// The counters of one worker, written by it alone. On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Counters {
    pub(super) slices: Counter,
    pub(super) full_slices: Counter,
    pub(super) steals: Counter,
    pub(super) parks: Counter,
}

#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(super) fn bump(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn add_to(&self, stats: &mut Stats) {
        stats.slices += self.slices.get();
        stats.full_slices += self.full_slices.get();
        stats.steals += self.steals.get();
        stats.parks += self.parks.get();
    }
}

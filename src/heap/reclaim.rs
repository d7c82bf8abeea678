//! When free memory goes back to the system.
//!
//! Unmapping memory stops all threads for moments, and what a burst of ending processes gives back the next burst wants
//! again. So while somebody looks after it ([`attend`]), free memory beyond the reserves of `slab` and `pool` stays for
//! [`PURGE_DELAY`], and goes back a step at a time, as much of it as nobody has needed meanwhile. Otherwise it goes at
//! once.

use super::{pool, slab};
use crate::limits::{PURGE_DELAY, PURGE_PAUSE};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Who looks after free memory: schedulers with threads.
static ATTENDED: AtomicUsize = AtomicUsize::new(0);
/// There is more than the reserves.
static EXCESS: AtomicBool = AtomicBool::new(false);
/// Milliseconds after [`START`] at which to look next; 0 before the excess was seen.
static NEXT: AtomicU64 = AtomicU64::new(0);
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Until it is dropped, whoever holds it calls [`look`] now and then.
pub struct Attendance(());

/// Promises to call [`look`].
#[must_use]
pub fn attend() -> Attendance {
    ATTENDED.fetch_add(1, Ordering::Relaxed);
    Attendance(())
}

impl Drop for Attendance {
    fn drop(&mut self) {
        ATTENDED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// There is more free memory than the reserve: true if it is to be kept for now.
pub(super) fn keeps_excess() -> bool {
    let attended = ATTENDED.load(Ordering::Relaxed) > 0;
    if attended {
        EXCESS.store(true, Ordering::Relaxed);
    }
    attended
}

/// Gives a step of free memory back, if it is time. After how long to look again, if there is a reason to.
#[inline]
#[must_use]
pub fn look() -> Option<Duration> {
    if EXCESS.load(Ordering::Relaxed) { Some(look_closer()) } else { None }
}

#[cold]
fn look_closer() -> Duration {
    // Never 0.
    let now = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
    let in_ms = |pause: Duration| now.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    let next = NEXT.load(Ordering::Relaxed);
    if next > now {
        return Duration::from_millis(next - now);
    }
    // One thread at a time does it; the others come back later.
    let step = PURGE_PAUSE;
    if NEXT.compare_exchange(next, in_ms(step), Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return step;
    }
    if next == 0 {
        NEXT.store(in_ms(PURGE_DELAY), Ordering::Relaxed);
        return PURGE_DELAY;
    }
    // What is found from now on is noted again.
    EXCESS.store(false, Ordering::Relaxed);
    let left = slab::give_back().max(pool::give_back());
    let pause = match left {
        Left::Nothing => {
            NEXT.store(0, Ordering::Relaxed);
            return PURGE_DELAY;
        }
        Left::Needed => PURGE_DELAY,
        Left::More => step,
    };
    EXCESS.store(true, Ordering::Relaxed);
    NEXT.store(in_ms(pause), Ordering::Relaxed);
    pause
}

/// What is left beyond a reserve after a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Left {
    Nothing,
    /// What was in use for a while since the last look.
    Needed,
    /// The rest of what nobody needed.
    More,
}

/// Free units beyond a reserve, and how many of them nobody has needed for a while.
#[derive(Clone, Copy)]
pub(super) struct Spare {
    pub now: usize,
    /// The least that there were since the last look.
    low: usize,
}

impl Spare {
    pub const NONE: Self = Self { now: 0, low: 0 };

    pub fn add(&mut self) {
        self.now += 1;
    }

    pub fn take(&mut self) {
        self.now -= 1;
        self.low = self.low.min(self.now);
    }

    /// How many of them to give back now, `step` at most, so that `reserve` stay, and what is left then.
    pub fn step(&mut self, reserve: usize, step: usize) -> (usize, Left) {
        let unneeded = self.low.saturating_sub(reserve);
        let n = unneeded.min(step);
        self.now -= n;
        self.low -= n;
        if unneeded > n {
            return (n, Left::More);
        }
        self.low = self.now;
        (n, if self.now > reserve { Left::Needed } else { Left::Nothing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_needed_meanwhile_stays() {
        let mut spare = Spare::NONE;
        (0..100).for_each(|_| spare.add());
        // Nobody knows yet how long they have been there.
        assert_eq!(spare.step(8, 10), (0, Left::Needed));
        (0..60).for_each(|_| spare.take());
        (0..60).for_each(|_| spare.add());
        // 40 of the 100 were there all the time.
        assert_eq!(spare.step(8, 10), (10, Left::More));
        assert_eq!((spare.step(8, 10), spare.step(8, 10)), ((10, Left::More), (10, Left::More)));
        assert_eq!((spare.step(8, 10), spare.now), ((2, Left::Needed), 68));
        // All others were not needed since.
        assert_eq!((spare.step(8, 100), spare.now), ((60, Left::Nothing), 8));
    }
}

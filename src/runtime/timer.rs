//! Timers: things to do at a moment, for any number of owners.
//!
//! 1. A timer fires once, never early, in the order of deadlines; equal deadlines in the order they were set.
//! 2. `cancel` says whether it came in time: after `true` the timer does not fire.
//! 3. Nothing is called while the lock is held.
//!
//! A heap and not a wheel: deadlines stay exact to the nanosecond, the next one is known without empty turns of the wheel (which
//! virtual time would jump to, and a sleeping thread be woken for), and the order of equal deadlines is defined. Cancelling
//! leaves the entry in the heap until it comes up or too many such are there. A timer takes 56 bytes.
//!
//! Real timers have one thread of their own, started with the first timer: workers need not look at the clock between turns,
//! and timers are on time however long the slices of all workers are. Simulated timers are fired by whoever moves the clock.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::clock::{Clock, Moment};

/// What a timer calls.
pub trait Expire: Send + Sync {
    /// The deadline with this token, chosen by who set the timer, has come. Runs on the thread of the timers: it wakes or
    /// notifies and returns.
    fn expire(self: Arc<Self>, token: u64);
}

/// The timers of a runtime; clones are the same timers.
#[derive(Clone)]
pub struct Timers(Arc<Owner>);

/// Names one timer. A key whose timer is gone names nothing, for ever (up to 2^32 uses of its place).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    slot: u32,
    generation: u32,
}

/// Ends the thread with the last handle; the thread itself holds `Inner` only.
struct Owner(Arc<Inner>);

struct Inner {
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    heap: Heap,
    thread: bool,
    stopped: bool,
    /// Until when the thread sleeps: an earlier timer has to wake it.
    asleep_until: Option<Moment>,
}

impl Timers {
    /// No timers yet, on this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let state = State { heap: Heap::default(), thread: false, stopped: false, asleep_until: None };
        Self(Arc::new(Owner(Arc::new(Inner { clock, state: Mutex::new(state), changed: Condvar::new() }))))
    }

    /// Calls `target` with `token` at `deadline`, or as soon as possible if that is over.
    pub fn set(&self, deadline: Moment, target: Arc<dyn Expire>, token: u64) -> TimerKey {
        let inner = &self.0.0;
        let mut state = inner.lock();
        let key = state.heap.insert(deadline, target, token);
        if !inner.clock.is_simulated() {
            if !state.thread {
                state.thread = true;
                let inner = Arc::clone(inner);
                let started = thread::Builder::new().name("wippy-timer".into()).spawn(move || inner.serve());
                started.expect("the system has room for one more thread");
            } else if state.asleep_until.is_some_and(|until| deadline < until) {
                // One notification is enough; those that come before the thread is up need not repeat it.
                state.asleep_until = None;
                drop(state);
                inner.changed.notify_one();
            }
        }
        key
    }

    /// Takes a timer back. False if it has fired, is firing, or was cancelled before.
    pub fn cancel(&self, key: TimerKey) -> bool {
        // What the target's drop does is its own affair and happens after the lock.
        let target = self.0.0.lock().heap.remove(key);
        target.is_some()
    }

    /// Timers set and not fired.
    pub fn len(&self) -> usize {
        self.0.0.lock().heap.len()
    }

    /// Whether nothing will ever fire.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next deadline.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.0.0.lock().heap.next_deadline()
    }

    /// Fires everything that is due, in order; the number fired. For simulated time; real timers fire by themselves.
    pub fn fire_due(&self) -> usize {
        let inner = &self.0.0;
        let now = inner.clock.now();
        let mut fired = 0;
        loop {
            let due = inner.lock().heap.take_due(now);
            let Some((target, token)) = due else { return fired };
            target.expire(token);
            fired += 1;
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread of real timers.
    fn serve(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let now = self.clock.now();
            if let Some((target, token)) = state.heap.take_due(now) {
                drop(state);
                // A target that panics must not take all later timers along.
                let call = std::panic::AssertUnwindSafe(|| target.expire(token));
                drop(std::panic::catch_unwind(call));
                state = self.lock();
                continue;
            }
            let until = state.heap.next_deadline().unwrap_or(Moment::NEVER);
            state.asleep_until = Some(until);
            let (locked, _) =
                self.changed.wait_timeout(state, until.since(now)).unwrap_or_else(PoisonError::into_inner);
            state = locked;
            state.asleep_until = None;
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

/// Timers by deadline, with a place for each that its key leads to.
///
/// 1. A place with a target belongs to exactly one entry, which has its generation. Entries without such a place are those of
///    cancelled timers; they are dropped when they come to the top, or all together when they are the majority.
/// 2. The first entry is never one of those, so the next deadline is one that fires.
#[derive(Default)]
struct Heap {
    order: BinaryHeap<Entry>,
    places: Vec<Place>,
    free: Vec<u32>,
    /// Entries of cancelled timers.
    cancelled: usize,
    /// Number of timers ever set: the order of equal deadlines.
    count: u64,
}

struct Entry {
    deadline: Moment,
    count: u64,
    place: u32,
    generation: u32,
}

struct Place {
    target: Option<Arc<dyn Expire>>,
    token: u64,
    generation: u32,
}

/// The first to fire is the greatest: `BinaryHeap` has that on top.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.deadline, other.count).cmp(&(self.deadline, self.count))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count
    }
}

impl Eq for Entry {}

impl Heap {
    fn insert(&mut self, deadline: Moment, target: Arc<dyn Expire>, token: u64) -> TimerKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { target: None, token: 0, generation: 0 });
            u32::try_from(self.places.len() - 1).expect("2^32 timers do not fit in memory")
        });
        let place = &mut self.places[slot as usize];
        place.target = Some(target);
        place.token = token;
        let generation = place.generation;
        self.order.push(Entry { deadline, count: self.count, place: slot, generation });
        self.count += 1;
        TimerKey { slot, generation }
    }

    fn len(&self) -> usize {
        self.order.len() - self.cancelled
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.order.peek().map(|entry| entry.deadline)
    }

    fn take_due(&mut self, now: Moment) -> Option<(Arc<dyn Expire>, u64)> {
        if self.next_deadline()? > now {
            return None;
        }
        let slot = self.order.pop()?.place;
        let due = self.vacate(slot);
        self.settle();
        due
    }

    fn remove(&mut self, key: TimerKey) -> Option<Arc<dyn Expire>> {
        let place = self.places.get(key.slot as usize)?;
        if place.generation != key.generation {
            return None;
        }
        let (target, _) = self.vacate(key.slot)?;
        self.cancelled += 1;
        if self.cancelled > self.order.len() / 2 + SPARSE {
            let places = &self.places;
            self.order.retain(|entry| places[entry.place as usize].generation == entry.generation);
            self.cancelled = 0;
        } else {
            self.settle();
        }
        Some(target)
    }

    fn vacate(&mut self, slot: u32) -> Option<(Arc<dyn Expire>, u64)> {
        let place = &mut self.places[slot as usize];
        let target = place.target.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot);
        Some((target, place.token))
    }

    /// Makes 2 hold again.
    fn settle(&mut self) {
        while self.cancelled > 0
            && let Some(first) = self.order.peek()
            && self.places[first.place as usize].generation != first.generation
        {
            self.order.pop();
            self.cancelled -= 1;
        }
    }
}

/// Cancelled timers that are too few to be worth a sweep.
const SPARSE: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;

    /// Tells its token.
    struct Tell(Mutex<Sender<u64>>);

    impl Expire for Tell {
        fn expire(self: Arc<Self>, token: u64) {
            // Nobody may be left to hear it.
            let _ = self.0.lock().unwrap().send(token);
        }
    }

    fn simulated() -> (Clock, Timers, Arc<Tell>, std::sync::mpsc::Receiver<u64>) {
        let clock = Clock::simulated();
        let (tell, told) = channel();
        (clock.clone(), Timers::new(clock), Arc::new(Tell(Mutex::new(tell))), told)
    }

    fn at(nanos: u64) -> Moment {
        Moment::from_nanos(nanos)
    }

    #[test]
    fn timers_fire_in_order_and_not_early() {
        let (clock, timers, target, told) = simulated();
        for (deadline, token) in [(30, 3), (10, 1), (20, 2), (10, 10), (20, 20)] {
            timers.set(at(deadline), target.clone(), token);
        }
        assert_eq!(timers.fire_due(), 0);
        clock.advance(at(19));
        assert_eq!((timers.next_deadline(), timers.fire_due()), (Some(at(10)), 2));
        clock.advance(at(30));
        assert_eq!((timers.len(), timers.fire_due(), timers.is_empty()), (3, 3, true));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 10, 2, 20, 3]);
    }

    #[test]
    fn a_cancelled_timer_does_not_fire() {
        let (clock, timers, target, told) = simulated();
        let first = timers.set(at(10), target.clone(), 1);
        timers.set(at(20), target.clone(), 2);
        assert!(timers.cancel(first));
        assert!(!timers.cancel(first));
        assert_eq!(timers.next_deadline(), Some(at(20)), "a cancelled timer is no deadline");
        // The place is used again; the old key must not lead to the new timer.
        let third = timers.set(at(30), target, 3);
        assert!(!timers.cancel(first));
        clock.advance(at(100));
        assert_eq!(timers.fire_due(), 2);
        assert!(!timers.cancel(third), "it has fired");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn random_operations_agree_with_a_sorted_list() {
        for seed in 0..20 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (clock, timers, target, told) = simulated();
            // Deadline, order, key.
            let mut model: Vec<(u64, u64, TimerKey)> = Vec::new();
            let (mut now, mut expected) = (0, Vec::new());
            for token in 0..2000 {
                match rng.u32(..10) {
                    0..=4 => {
                        let deadline = now + rng.u64(..500);
                        model.push((deadline, token, timers.set(at(deadline), target.clone(), token)));
                    }
                    5..=7 if !model.is_empty() => {
                        let (_, _, key) = model.swap_remove(rng.usize(..model.len()));
                        assert!(timers.cancel(key));
                    }
                    8 => {
                        now += rng.u64(..100);
                        clock.advance(at(now));
                        timers.fire_due();
                        model.sort_unstable_by_key(|timer| (timer.0, timer.1));
                        let due = model.partition_point(|timer| timer.0 <= now);
                        expected.extend(model.drain(..due).map(|timer| timer.1));
                    }
                    _ => {}
                }
                assert_eq!(timers.len(), model.len());
                let next = model.iter().map(|timer| timer.0).min();
                assert_eq!(timers.next_deadline(), next.map(at));
            }
            assert_eq!(told.try_iter().collect::<Vec<_>>(), expected, "seed {seed}");
        }
    }

    #[test]
    fn cancelled_timers_take_no_memory_for_long() {
        let (_, timers, target, _) = simulated();
        let far = timers.set(Moment::NEVER, target.clone(), 0);
        for i in 0..10_000 {
            let key = timers.set(at(i), target.clone(), i);
            assert!(timers.cancel(key));
        }
        for key in (0..10_000).map(|i| timers.set(at(20_000 - i), target.clone(), i)).collect::<Vec<_>>() {
            assert!(timers.cancel(key));
        }
        assert!(timers.0.0.lock().heap.order.len() < 3 * SPARSE);
        assert!(timers.cancel(far) && timers.is_empty());
        assert_eq!(Arc::strong_count(&target), 1);
    }

    #[test]
    fn a_million_timers_fire_once_each() {
        let (clock, timers, target, told) = simulated();
        for i in 0..1_000_000_u64 {
            timers.set(at(i.wrapping_mul(7_368_787) % 1_000_003), target.clone(), i);
        }
        clock.advance(at(1_000_003));
        assert_eq!(timers.fire_due(), 1_000_000);
        let mut all: Vec<u64> = told.try_iter().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1_000_000));
    }

    #[test]
    fn real_timers_fire_by_themselves_and_are_not_early() {
        let clock = Clock::real();
        let timers = Timers::new(clock.clone());
        let (tell, told) = channel();
        let target = Arc::new(Tell(Mutex::new(tell)));
        let later = clock.now().after(Duration::from_millis(20));
        timers.set(later, target.clone(), 2);
        // Earlier than what the thread may already be asleep for.
        timers.set(clock.now().after(Duration::from_millis(1)), target.clone(), 1);
        timers.set(Moment::START, target.clone(), 0);
        let far = timers.set(Moment::NEVER, target.clone(), 9);
        let mut heard: Vec<u64> = (0..3).map(|_| told.recv().unwrap()).collect();
        assert!(clock.now() >= later);
        heard.sort_unstable();
        assert_eq!(heard, [0, 1, 2]);
        assert!(timers.cancel(far));
    }

    /// Panics.
    struct Trip;

    impl Expire for Trip {
        fn expire(self: Arc<Self>, _token: u64) {
            std::panic::resume_unwind(Box::new("a bad target"));
        }
    }

    #[test]
    fn a_target_that_panics_leaves_the_others_alone() {
        let timers = Timers::new(Clock::real());
        let (tell, told) = channel();
        timers.set(Moment::START, Arc::new(Trip), 0);
        timers.set(Moment::START, Arc::new(Tell(Mutex::new(tell))), 1);
        assert_eq!(told.recv(), Ok(1));
    }

    #[test]
    fn the_thread_ends_with_the_last_handle() {
        let timers = Timers::new(Clock::real());
        let (tell, told) = channel();
        timers.set(Moment::NEVER, Arc::new(Tell(Mutex::new(tell))), 0);
        drop(timers);
        // The target goes with the thread that held the timers, and with it the sender.
        assert!(told.recv().is_err());
    }
}

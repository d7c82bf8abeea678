//! Timers: things to do at a moment, for any number of owners.
//!
//! 1. A timer fires once, never early, in the order of deadlines; equal deadlines in the order they were set.
//! 2. `cancel` says whether it came in time: after `true` the timer does not fire.
//! 3. Nothing is called while the lock is held.
//!
//! An indexed four-ary heap and not a wheel: deadlines stay exact to the nanosecond, the next one is known without empty
//! turns of the wheel (which virtual time jumps to, and which a sleeping thread must not be woken for), and the order of equal
//! deadlines is defined. A timer takes 56 bytes; the usual ones, the same wait from ever later starts, are appended without
//! sifting.
//!
//! Real timers have one thread of their own, started with the first timer: workers need not look at the clock between turns,
//! and timers are on time however long the slices of all workers are. Simulated timers are fired by whoever moves the clock.

use std::cmp::Ordering;
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
        self.0.0.lock().heap.order.len()
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
#[derive(Default)]
struct Heap {
    /// Four-ary heap, least first.
    order: Vec<Entry>,
    places: Vec<Place>,
    free: Vec<u32>,
    /// Number of timers ever set: the order of equal deadlines.
    count: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    deadline: Moment,
    count: u64,
    place: u32,
}

struct Place {
    target: Option<Arc<dyn Expire>>,
    token: u64,
    generation: u32,
    /// Where in `order`.
    at: u32,
}

const ARITY: usize = 4;

impl Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.deadline, self.count).cmp(&(other.deadline, other.count))
    }
}

impl Heap {
    fn insert(&mut self, deadline: Moment, target: Arc<dyn Expire>, token: u64) -> TimerKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { target: None, token: 0, generation: 0, at: 0 });
            u32::try_from(self.places.len() - 1).expect("2^32 timers do not fit in memory")
        });
        let place = &mut self.places[slot as usize];
        place.target = Some(target);
        place.token = token;
        self.order.push(Entry { deadline, count: self.count, place: slot });
        self.count += 1;
        self.sift_up(self.order.len() - 1);
        TimerKey { slot, generation: self.places[slot as usize].generation }
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.order.first().map(|entry| entry.deadline)
    }

    fn take_due(&mut self, now: Moment) -> Option<(Arc<dyn Expire>, u64)> {
        let first = self.order.first()?;
        if first.deadline > now {
            return None;
        }
        let place = first.place;
        let token = self.places[place as usize].token;
        Some((self.take(place)?, token))
    }

    fn remove(&mut self, key: TimerKey) -> Option<Arc<dyn Expire>> {
        let place = self.places.get(key.slot as usize)?;
        if place.generation != key.generation || place.target.is_none() {
            return None;
        }
        self.take(key.slot)
    }

    fn take(&mut self, slot: u32) -> Option<Arc<dyn Expire>> {
        let place = &mut self.places[slot as usize];
        let target = place.target.take();
        place.generation = place.generation.wrapping_add(1);
        let at = place.at as usize;
        self.free.push(slot);
        self.order.swap_remove(at);
        if at < self.order.len() {
            // The last one took its place: it may belong further up or further down.
            self.sift_up(at);
            self.sift_down(self.places[self.order[at].place as usize].at as usize);
        }
        target
    }

    fn settle(&mut self, at: usize, entry: Entry) {
        self.order[at] = entry;
        self.places[entry.place as usize].at = u32::try_from(at).expect("there are fewer than 2^32 places");
    }

    fn sift_up(&mut self, mut at: usize) {
        let entry = self.order[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if entry.cmp(&self.order[parent]) != Ordering::Less {
                break;
            }
            self.settle(at, self.order[parent]);
            at = parent;
        }
        self.settle(at, entry);
    }

    fn sift_down(&mut self, mut at: usize) {
        let entry = self.order[at];
        loop {
            let first = at * ARITY + 1;
            let last = (first + ARITY).min(self.order.len());
            let Some(least) = (first..last).min_by(|&a, &b| self.order[a].cmp(&self.order[b])) else { break };
            if self.order[least].cmp(&entry) != Ordering::Less {
                break;
            }
            self.settle(at, self.order[least]);
            at = least;
        }
        self.settle(at, entry);
    }
}

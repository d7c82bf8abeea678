//! Simulation: every turn on the caller's thread, in an order that a seed decides, in virtual time.
//!
//! 1. The same seed, order and tasks give the same run: nothing here depends on threads, addresses or the real clock.
//! 2. Time stands still while short turns run. A turn that uses up its slice takes the time of its length; and so that polling
//!    tasks meet their timers, a long series of short turns takes some as well.
//! 3. When nothing can run, time jumps to the next timer. When there is none either, tasks that are left will wait for ever:
//!    [`Outcome::Stuck`] names them.
//! 4. Wake-ups from other threads are accepted, and are the one thing that a seed does not repeat.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::order::{Order, Picker};
use super::scheduler::{Env, Runner, Scheduler};
use super::task::{Handle, Taken};
use crate::limits::DEFAULT_SLICE;
use crate::runtime::clock::Moment;

/// See the head of the file. Dropping it ends what is left, in order of the hosts and the ids.
pub struct Sim {
    queues: Arc<Queues>,
    hosts: Vec<Scheduler>,
    env: Env,
    picker: Picker,
    /// Reductions of every turn, if they do not depend on the seed.
    slice: Option<u32>,
    turns: u64,
    /// Turns since time moved.
    timeless: u32,
    trace: u64,
}

/// How a simulation came to a halt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No task is left.
    Empty,
    /// The caller's condition holds.
    Stopped,
    /// Nothing can run, no timer is set, and these tasks, by host and id, are left.
    Stuck(Vec<(String, u64)>),
    /// The given number of turns is used up.
    Exhausted,
}

/// What could run, and what is to be ended.
#[derive(Default)]
pub(super) struct Queues(Mutex<State>);

#[derive(Default)]
struct State {
    queued: VecDeque<Handle>,
    ends: VecDeque<Handle>,
}

/// Virtual nanoseconds of a reduction: a whole slice is about a millisecond, as in real time.
const REDUCTION: u64 = 25;

/// Short turns that take no time, and what the last of them takes for all.
const TIMELESS_TURNS: u32 = 1024;
const TIMELESS_COST: Duration = Duration::from_micros(512);

impl Queues {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, handle: Handle) {
        self.lock().queued.push_back(handle);
    }

    pub(super) fn push_end(&self, handle: Handle) {
        self.lock().ends.push_back(handle);
    }
}

impl Sim {
    /// A simulation with one host, named `sim`.
    #[must_use]
    pub fn new(seed: u64, order: Order) -> Self {
        Self::with_env(seed, order, Env::simulated(seed))
    }

    /// A simulation on this clock, which it moves, and with these dice.
    #[must_use]
    pub fn with_env(seed: u64, order: Order, env: Env) -> Self {
        let mut sim = Self {
            queues: Arc::new(Queues::default()),
            hosts: Vec::new(),
            env,
            picker: Picker::new(order, seed),
            slice: None,
            turns: 0,
            timeless: 0,
            trace: seed,
        };
        sim.host("sim");
        sim
    }

    /// All turns are this long from now on; none: as the seed has it.
    pub fn set_slice(&mut self, reductions: Option<u32>) {
        self.slice = reductions;
    }

    /// Another host. All hosts of a simulation run on its one thread.
    pub fn host(&mut self, name: &str) -> Scheduler {
        let runner = Runner::Sim(Arc::clone(&self.queues));
        let scheduler = Scheduler::new(name, self.env.clone(), runner, 1);
        self.hosts.push(scheduler.clone());
        scheduler
    }

    /// The first host.
    #[must_use]
    pub fn scheduler(&self) -> &Scheduler {
        &self.hosts[0]
    }

    /// Clock, timers and dice.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Turns so far.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// A number that depends on every decision so far: two runs with the same one took the same way.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// Runs until nothing is left or nothing can run any more.
    pub fn run(&mut self) -> Outcome {
        self.run_until(u64::MAX, || false)
    }

    /// Runs until `done` holds between two turns, for at most this many turns.
    pub fn run_until(&mut self, turns: u64, mut done: impl FnMut() -> bool) -> Outcome {
        for _ in 0..turns {
            if done() {
                return Outcome::Stopped;
            }
            if !self.step() {
                return self.halt();
            }
        }
        Outcome::Exhausted
    }

    fn halt(&self) -> Outcome {
        let left: Vec<(String, u64)> = self
            .hosts
            .iter()
            .flat_map(|host| {
                host.tasks().into_iter().map(|task| (host.name().to_owned(), task.id().number()))
            })
            .collect();
        if left.is_empty() { Outcome::Empty } else { Outcome::Stuck(left) }
    }

    /// One turn, one end, or one jump in time. False if nothing can ever happen.
    fn step(&mut self) -> bool {
        let end = self.queues.lock().ends.pop_front();
        if let Some(handle) = end {
            self.note(handle.id().number());
            handle.end_killed();
            return true;
        }
        let next = self.picker.pick(&mut self.queues.lock().queued);
        match next {
            Some(handle) => self.turn(handle),
            None => match self.env.timers.next_deadline() {
                Some(deadline) => self.move_to(deadline),
                None => return false,
            },
        }
        true
    }

    fn turn(&mut self, handle: Handle) {
        self.turns += 1;
        self.note(handle.id().number());
        let slice = self.picker.slice(DEFAULT_SLICE.unsigned_abs());
        let slice = self.slice.unwrap_or(slice);
        let scheduler = handle.scheduler();
        let counters = scheduler.0.counters(0);
        counters.slices.bump();
        self.timeless += 1;
        if let Taken::Again { handle, yielded } = handle.take_turn(slice) {
            self.queues.push(handle);
            if yielded {
                counters.full_slices.bump();
                self.pass(Duration::from_nanos(u64::from(slice) * REDUCTION));
            }
        }
        if self.timeless >= TIMELESS_TURNS {
            self.pass(TIMELESS_COST);
        }
    }

    fn pass(&mut self, time: Duration) {
        let now = self.env.clock.now();
        self.move_to(now.after(time));
    }

    /// Timers on the way fire at their own moments, not at the end of the way.
    fn move_to(&mut self, moment: Moment) {
        self.timeless = 0;
        while let Some(deadline) = self.env.timers.next_deadline().filter(|&deadline| deadline <= moment) {
            self.env.clock.advance(deadline);
            self.env.timers.fire_due();
        }
        self.env.clock.advance(moment);
        self.note(moment.nanos());
    }

    fn note(&mut self, what: u64) {
        self.trace = (self.trace.rotate_left(5) ^ what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        for host in &self.hosts {
            host.close();
            for handle in host.tasks() {
                handle.mark_killed();
                handle.end_if_idle();
            }
        }
        // Entries that are stale now.
        let (queued, ends) = {
            let mut state = self.queues.lock();
            (std::mem::take(&mut state.queued), std::mem::take(&mut state.ends))
        };
        drop((queued, ends));
    }
}

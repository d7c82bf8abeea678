//! One host's tasks: giving seats, starting, counting, closing. Who runs them is behind [`Runner`].

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::registry::Registry;
use super::sim;
use super::stats::{Counters, Stats};
use super::task::{Cell, Handle, Task};
use super::worker;
use crate::runtime::clock::{Clock, Dice};
use crate::runtime::timer::Timers;

/// Clock, timers and dice of a program; clones are the same ones.
#[derive(Clone)]
pub struct Env {
    /// Time.
    pub clock: Clock,
    /// Timers on that clock.
    pub timers: Timers,
    /// Randomness.
    pub dice: Dice,
}

impl Env {
    /// Those of the machine.
    #[must_use]
    pub fn real() -> Self {
        let clock = Clock::real();
        Self { timers: Timers::new(clock.clone()), clock, dice: Dice::real() }
    }

    /// Virtual time from zero, and dice that fall as the seed says.
    #[must_use]
    pub fn simulated(seed: u64) -> Self {
        let clock = Clock::simulated();
        Self { timers: Timers::new(clock.clone()), clock, dice: Dice::seeded(seed) }
    }
}

/// The tasks of one host, for any thread; clones are the same scheduler.
#[derive(Clone)]
pub struct Scheduler(pub(super) Arc<Shared>);

/// What all tasks of a scheduler point to.
pub(super) struct Shared {
    name: String,
    pub(super) env: Env,
    registry: Registry,
    runner: Runner,
    counters: Box<[Counters]>,
    panics: Mutex<u64>,
    /// Signalled when the last task has gone.
    empty: (Mutex<()>, Condvar),
}

/// Who runs the tasks.
pub(super) enum Runner {
    Workers(Box<worker::Queues>),
    Sim(Arc<sim::Queues>),
}

/// No new tasks: the scheduler was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopping;

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scheduler is shutting down")
    }
}

impl std::error::Error for Stopping {}

/// A task that has its handle and no body yet. Dropped without a start it leaves nothing behind, and its handles are those of
/// an ended task.
#[must_use]
pub struct Seat {
    /// None after the start.
    handle: Option<Handle>,
}

impl Seat {
    /// The task's handle. Wake-ups count from now on; a kill makes the start an end.
    pub fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("taken by start only, which consumes the seat")
    }

    /// Gives the task its body and its first turn.
    pub fn start(mut self, body: Box<dyn Task>) -> Handle {
        let handle = self.handle.take().expect("taken here only");
        handle.set_body(body);
        handle.begin_life();
        handle
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.abandon();
        }
    }
}

impl Scheduler {
    pub(super) fn new(name: &str, env: Env, runner: Runner, workers: usize) -> Self {
        Self(Arc::new(Shared {
            name: name.to_owned(),
            env,
            registry: Registry::new(),
            runner,
            counters: (0..workers).map(|_| Counters::default()).collect(),
            panics: Mutex::new(0),
            empty: (Mutex::new(()), Condvar::new()),
        }))
    }

    /// The name given to the host.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Clock, timers and dice.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.0.env
    }

    /// A place for a task, with its handle.
    ///
    /// # Errors
    /// The scheduler was closed.
    pub fn seat(&self) -> Result<Seat, Stopping> {
        let handle =
            self.0.registry.insert(|id, place| Handle(Arc::new(Cell::new(Arc::clone(&self.0), id, place))));
        handle.map(|handle| Seat { handle: Some(handle) }).ok_or(Stopping)
    }

    /// A task that needs no handle of its own before it starts.
    ///
    /// # Errors
    /// The scheduler was closed.
    pub fn spawn(&self, body: Box<dyn Task>) -> Result<Handle, Stopping> {
        Ok(self.seat()?.start(body))
    }

    /// Refuses new tasks from now on.
    pub fn close(&self) {
        self.0.registry.close();
    }

    /// Whether [`Scheduler::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.registry.is_closed()
    }

    /// Tasks that have a seat.
    #[must_use]
    pub fn alive(&self) -> u64 {
        self.0.registry.alive()
    }

    /// All tasks that have a seat, in order of their ids.
    #[must_use]
    pub fn tasks(&self) -> Vec<Handle> {
        self.0.registry.tasks()
    }

    /// Kills every task that has a seat now.
    pub fn kill_all(&self) {
        for handle in self.tasks() {
            handle.kill();
        }
    }

    /// Waits until no task is left; false if that takes longer than `limit`. Not for workers. A simulation does not wait: it
    /// answers whether no task is left.
    #[must_use]
    pub fn wait_empty(&self, limit: Duration) -> bool {
        let start = Instant::now();
        let (lock, gone) = &self.0.empty;
        let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.alive() != 0 {
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() || matches!(self.0.runner, Runner::Sim(_)) {
                return false;
            }
            guard = gone.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            spawned: self.0.registry.spawned(),
            alive: self.alive(),
            peak_alive: self.0.registry.peak_alive(),
            panics: *self.0.panics.lock().unwrap_or_else(PoisonError::into_inner),
            ..Stats::default()
        };
        for counters in &self.0.counters {
            counters.add_to(&mut stats);
        }
        stats
    }
}

impl Shared {
    pub(super) fn runner(&self) -> &Runner {
        &self.runner
    }

    pub(super) fn counters(&self, worker: usize) -> &Counters {
        &self.counters[worker]
    }

    /// A task that waited and was woken.
    #[inline]
    pub(super) fn push_woken(&self, handle: Handle) {
        match &self.runner {
            Runner::Workers(queues) => worker::push_woken(queues, handle),
            Runner::Sim(queues) => queues.push(handle),
        }
    }

    /// A new task: like one woken, but it does not get ahead of anybody.
    pub(super) fn push_new(&self, handle: Handle) {
        match &self.runner {
            Runner::Workers(queues) => worker::push_new(queues, handle),
            Runner::Sim(queues) => queues.push(handle),
        }
    }

    /// A task that was killed while no turn of it ran.
    pub(super) fn push_end(&self, handle: Handle) {
        match &self.runner {
            Runner::Workers(queues) => queues.push_end(handle),
            Runner::Sim(queues) => queues.push_end(handle),
        }
    }

    pub(super) fn count_panic(&self) {
        *self.panics.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    pub(super) fn remove(&self, handle: &Handle) {
        if self.registry.remove(handle) {
            let (lock, gone) = &self.empty;
            drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
            gone.notify_all();
        }
    }
}

//! A scheduler with worker threads, and its end.
//!
//! 1. A graceful end first: no new tasks, then time for those that are there. Telling them is the business of whoever knows
//!    what they are.
//! 2. Then a certain end: everything is killed, the workers finish the turns they are in and go, and what is left is ended by
//!    the caller in the order of the ids.
//! 3. A turn that does not come back keeps its thread and its task, and nothing else; the shutdown reports it.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::queue::queues;
use super::scheduler::{Env, Runner, Scheduler};
use super::worker;
use crate::limits::{MAX_WORKERS, STOP_WAIT_MS};

/// See the head of the file. Dropping it is a shutdown without grace.
pub struct Pool {
    scheduler: Scheduler,
    threads: Vec<JoinHandle<()>>,
}

/// What workers do besides: between two turns now and then, and before they sleep. After how long it is to be done again, if at all
/// while all workers sleep.
pub type Chore = fn() -> Option<Duration>;

/// What a shutdown had to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// Tasks that did not end by themselves.
    pub killed: usize,
    /// Workers whose turn did not come back.
    pub stuck: usize,
}

impl Pool {
    /// A scheduler with this many workers, who also see to `chore`; 0 means one per core.
    ///
    /// # Panics
    /// When the system refuses a thread.
    #[must_use]
    pub fn start(name: &str, workers: usize, env: Env, chore: Chore) -> Self {
        let workers = match workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
        .min(MAX_WORKERS);
        let (queues, locals) = queues(workers);
        let scheduler = Scheduler::new(name, env, Runner::Workers(Box::new(queues)), workers);
        let threads = locals
            .into_iter()
            .enumerate()
            .map(|(index, local)| {
                let scheduler = scheduler.clone();
                thread::Builder::new()
                    .name(format!("wippy-{name}-{index}"))
                    .spawn(move || worker::work(scheduler, local, index, chore))
                    .expect("the system has room for the workers")
            })
            .collect();
        Self { scheduler, threads }
    }

    /// The scheduler, for everybody.
    #[must_use]
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.threads.len()
    }

    /// Takes no new tasks, gives those that are there time to end, then ends them.
    pub fn shutdown(mut self, grace: Duration) -> Shutdown {
        self.end(grace)
    }

    fn end(&mut self, grace: Duration) -> Shutdown {
        let Runner::Workers(queues) = self.scheduler.0.runner() else {
            unreachable!("a pool has workers");
        };
        self.scheduler.close();
        let graceful = self.scheduler.wait_empty(grace);
        let left = if graceful { Vec::new() } else { self.scheduler.tasks() };
        // Running turns see it now. What is not running stays where it is until the workers have gone.
        let killed = left.iter().filter(|handle| handle.mark_killed()).count();
        queues.stop();
        let deadline = Instant::now() + Duration::from_millis(STOP_WAIT_MS);
        let mut stuck = 0;
        for thread in self.threads.drain(..) {
            if thread.thread().id() == thread::current().id() {
                // Dropped by one of its own tasks: that worker goes when this turn is over.
                continue;
            }
            // Joining has no limit. Most turns end within a slice, most workers are asleep or gone already.
            let mut pause = Duration::from_micros(20);
            while !thread.is_finished() && Instant::now() < deadline {
                thread::park_timeout(pause);
                pause = (pause * 2).min(Duration::from_millis(1));
            }
            if thread.is_finished() {
                // Tasks' panics are caught; one of the worker itself was reported by the panic hook.
                drop(thread.join());
            } else {
                stuck += 1;
            }
        }
        for handle in left {
            handle.end_if_idle();
        }
        Shutdown { killed, stuck }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.end(Duration::ZERO);
        }
    }
}

//! The scheduler: runs tasks, many on few threads. It knows [`Task`], no Lua; `sched` uses nothing of the interpreter.
//!
//! # Shape
//!
//! | type | what it is |
//! |---|---|
//! | [`Task`] | what runs: `run` does one slice and says [`Turn`]; `end` is called exactly once, last, with the [`End`] |
//! | [`Handle`] | a task from outside, cheap to clone, from any thread: `wake`, `kill`, `id`, `state`; harmless after its end |
//! | [`Seat`] | a task that has its handle but no body yet: register it, then `start`; wake-ups and kills meanwhile are kept |
//! | [`TurnContext`] | what a turn may use: its handle, slice length, clock, dice, timers, scheduler, `is_killed` |
//! | [`Scheduler`] | one host's tasks, cheap to clone: `seat`, `spawn`, `close`, `wait_empty`, `kill_all`, `tasks`, `stats` |
//! | [`Pool`] | owns the worker threads of one scheduler; `shutdown(grace)` |
//! | [`Sim`] | owns a simulated scheduler: every turn on the caller's thread, virtual time, seeded order |
//! | [`Env`] | clock, timers and dice; shared by all schedulers of a program |
//!
//! Nothing here is global: every host of a program is a [`Scheduler`] of its own, with one [`Env`] for all of them. Messages
//! are no business of the scheduler's either: a process owns a [`Mailbox`](super::mailbox::Mailbox); a sender queues and then
//! calls [`Handle::wake`] if it was the first.
//!
//! ```text
//! let env = Env::real();
//! let pool = Pool::start("app:processes", workers, env.clone(), || None);     // or Sim::new(seed, Order::any(seed))
//! let seat = pool.scheduler().seat()?;                                // Err: the host is shutting down
//! let handle = seat.handle().clone();                                 // into the process table, names, links
//! seat.start(Box::new(process));
//! handle.wake();  handle.kill();
//! env.timers.set(env.clock.now().after(wait), handle.as_timer_target(), token);
//! ```
//!
//! # Promises
//!
//! 1. A task is in exactly one of: waiting, queued, running (`state.rs`). It never runs twice at once, and a wake-up after
//!    which no turn begins does not exist: what happened before `wake` is visible to a turn that begins after it.
//! 2. Every queued task runs: the queues are first in, first out, the slot for the last-woken task is passed over after
//!    a few turns, and the queue of wake-ups from outside is looked at regularly.
//! 3. A kill waits for no turn of its victim: one that waits or is queued is ended by the next worker that is between two
//!    turns, before anything else; one that runs is ended when its turn is over, whatever that returns. The turn can ask.
//! 4. A panic in `run` or `end` ends that task, nothing else.
//! 5. `end` runs exactly once for every task that was started, outside every lock of the scheduler: on a worker; or by the
//!    thread that shuts the pool down, in order of the ids; or inside [`Seat::start`] of a task killed before.

mod deque;
mod order;
mod park;
mod pool;
mod queue;
mod registry;
mod scheduler;
mod sim;
mod state;
mod stats;
mod task;
mod worker;

#[cfg(test)]
mod loom_tests;
#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod test_task;

pub use order::Order;
pub use pool::{Chore, Pool, Shutdown};
pub use scheduler::{Env, Scheduler, Seat, Stopping};
pub use sim::{Outcome, Sim};
pub use state::TaskState;
pub use stats::Stats;
pub use task::{End, Handle, Task, TaskId, Turn, TurnContext, Waits};

//! What the scheduler costs, without Lua: `cargo bench --bench sched [-- NAME…]`. `CARGO_PROFILE_BENCH_LTO=off` builds faster
//! and is accurate enough. Each figure is the best of five runs; run it on a quiet machine.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use wippy::runtime::clock::Clock;
use wippy::runtime::mailbox::Mailbox;
use wippy::runtime::sched::{End, Env, Handle, Pool, Scheduler, Task, Turn, TurnContext};
use wippy::runtime::timer::{Expire, TimerKey, Timers};

const RUNS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(600);

struct Run<F>(F);

impl<F: FnMut(&mut TurnContext<'_>) -> Turn + Send> Task for Run<F> {
    fn run(&mut self, turn: &mut TurnContext<'_>) -> Turn {
        (self.0)(turn)
    }

    fn end(self: Box<Self>, _end: End, _turn: &mut TurnContext<'_>) {}
}

fn spawn(scheduler: &Scheduler, run: impl FnMut(&mut TurnContext<'_>) -> Turn + Send + 'static) -> Handle {
    scheduler.spawn(Box::new(Run(run))).expect("the scheduler is open")
}

/// Prints the best time per operation.
fn report(name: &str, workers: usize, operations: usize, mut run: impl FnMut() -> Duration) {
    let best = (0..RUNS).map(|_| run()).min().unwrap_or_default();
    let each = best.as_secs_f64() * 1e9 / operations as f64;
    println!("{name:<44} {workers:>7} {each:>10.1} ns");
}

/// Starts 100,000 tasks from inside one, each of which runs one turn and ends.
fn bench_spawn(workers: usize) {
    const TASKS: usize = 100_000;
    report("spawn, run and end a task", workers, TASKS, || {
        let pool = Pool::start("bench", workers, Env::real(), || None);
        let start = Instant::now();
        spawn(pool.scheduler(), |turn| {
            for _ in 0..TASKS {
                spawn(&turn.scheduler(), |_| Turn::Done);
            }
            Turn::Done
        });
        assert!(pool.scheduler().wait_empty(PATIENCE));
        start.elapsed()
    });
    report("spawn alone", workers, TASKS, || {
        let pool = Pool::start("bench", workers, Env::real(), || None);
        let (tell, told) = channel();
        spawn(pool.scheduler(), move |turn| {
            let start = Instant::now();
            let scheduler = turn.scheduler();
            for _ in 0..TASKS {
                spawn(&scheduler, |_| Turn::Wait);
            }
            tell.send(start.elapsed()).expect("somebody waits");
            Turn::Done
        });
        told.recv().expect("the task tells")
    });
}

/// Tasks in a ring, one token: `hops` wake-ups, each followed by a turn of the woken task.
fn ring(pool: &Pool, size: usize, hops: usize) -> Duration {
    let ring: Arc<OnceLock<Vec<Handle>>> = Arc::default();
    let left = Arc::new(AtomicUsize::new(hops));
    let (tell, told) = channel();
    let member = |i: usize, tell: Sender<()>| {
        let (ring, left) = (Arc::clone(&ring), Arc::clone(&left));
        let mut started = false;
        spawn(pool.scheduler(), move |_| {
            if !std::mem::replace(&mut started, true) {
                return Turn::Wait;
            }
            let Some(ring) = ring.get() else { return Turn::Wait };
            let now = left.load(Ordering::Relaxed);
            if now == 0 {
                tell.send(()).expect("somebody waits");
            } else {
                left.store(now - 1, Ordering::Relaxed);
                ring[(i + 1) % ring.len()].wake();
            }
            Turn::Wait
        })
    };
    let members: Vec<Handle> = (0..size).map(|i| member(i, tell.clone())).collect();
    let first = members[0].clone();
    ring.set(members).expect("set once");
    while pool.scheduler().stats().slices < size as u64 {
        std::thread::yield_now();
    }
    let start = Instant::now();
    first.wake();
    told.recv().expect("the last one tells");
    start.elapsed()
}

fn bench_ring(workers: usize) {
    const HOPS: usize = 1_000_000;
    report("wake and switch, one task waking itself", workers, HOPS, || {
        ring(&Pool::start("bench", workers, Env::real(), || None), 1, HOPS)
    });
    report("ring of 1,000 tasks, per hop", workers, HOPS, || {
        ring(&Pool::start("bench", workers, Env::real(), || None), 1000, HOPS)
    });
    report("ping-pong by wake-ups, round trip", workers, HOPS / 2, || {
        ring(&Pool::start("bench", workers, Env::real(), || None), 2, HOPS)
    });
}

/// Two tasks with mailboxes, one message in flight.
fn bench_messages(workers: usize) {
    const ROUNDS: usize = 500_000;
    report("ping-pong by messages, round trip", workers, ROUNDS, || {
        let pool = Pool::start("bench", workers, Env::real(), || None);
        let boxes: Arc<[(Mailbox<usize>, OnceLock<Handle>); 2]> = Arc::default();
        let (tell, told) = channel();
        for me in 0..2 {
            let (boxes, tell) = (Arc::clone(&boxes), tell.clone());
            let mut mine = VecDeque::new();
            let seat = pool.scheduler().seat().expect("the scheduler is open");
            boxes[me].1.set(seat.handle().clone()).expect("set once");
            seat.start(Box::new(Run(move |_: &mut TurnContext<'_>| {
                boxes[me].0.drain_into(&mut mine);
                for left in mine.drain(..) {
                    if left == 0 {
                        tell.send(()).expect("somebody waits");
                        continue;
                    }
                    let (to, handle) = &boxes[1 - me];
                    if to.send(left - 1, 16).is_ok_and(|sent| sent.first)
                        && let Some(handle) = handle.get()
                    {
                        handle.wake();
                    }
                }
                Turn::Wait
            })));
        }
        let start = Instant::now();
        boxes[0].0.send(2 * ROUNDS, 16).expect("the mailbox is open");
        boxes[0].1.get().expect("set above").wake();
        told.recv().expect("one of them tells");
        start.elapsed()
    });
}

/// The mailbox alone, in batches of one and of a hundred.
fn bench_mailbox() {
    const MESSAGES: usize = 1_000_000;
    for batch in [1, 100] {
        report(&format!("mailbox, send and take in batches of {batch}"), 0, MESSAGES, || {
            let mailbox = Mailbox::new();
            let mut mine = VecDeque::new();
            let start = Instant::now();
            for _ in 0..MESSAGES / batch {
                for i in 0..batch {
                    let _ = black_box(mailbox.send(i, 16));
                }
                mailbox.drain_into(&mut mine);
                mine.clear();
            }
            start.elapsed()
        });
    }
}

struct Count(AtomicU64);

impl Expire for Count {
    fn expire(self: Arc<Self>, _token: u64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A million timers at a time.
fn bench_timers() {
    const TIMERS: usize = 1_000_000;
    let fill = |timers: &Timers, clock: &Clock, step: u64| -> Vec<TimerKey> {
        let target: Arc<dyn Expire> = Arc::new(Count(AtomicU64::new(0)));
        (0..TIMERS as u64)
            .map(|i| {
                // With a step of 1 the deadlines grow; with others they come in no order.
                let wait = Duration::from_micros(i.wrapping_mul(step) % 10_000_000);
                timers.set(clock.now().after(wait), Arc::clone(&target), i)
            })
            .collect()
    };
    for (name, step) in [("growing deadlines", 1), ("deadlines in no order", 7_368_787)] {
        let clock = Clock::simulated();
        report(&format!("set a timer, {name}"), 0, TIMERS, || {
            let timers = Timers::new(clock.clone());
            let start = Instant::now();
            fill(&timers, &clock, step);
            start.elapsed()
        });
        report(&format!("cancel a timer, {name}"), 0, TIMERS, || {
            let timers = Timers::new(clock.clone());
            let keys = fill(&timers, &clock, step);
            let start = Instant::now();
            assert!(keys.into_iter().all(|key| timers.cancel(key)));
            start.elapsed()
        });
        report(&format!("fire a timer, {name}"), 0, TIMERS, || {
            let clock = Clock::simulated();
            let timers = Timers::new(clock.clone());
            fill(&timers, &clock, step);
            clock.advance(clock.now().after(Duration::from_secs(100)));
            let start = Instant::now();
            assert_eq!(timers.fire_due(), TIMERS);
            start.elapsed()
        });
    }
}

/// Resident bytes of the program.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

/// A million tasks that wait, each with a mailbox.
fn bench_memory() {
    const TASKS: usize = 1_000_000;
    let pool = Pool::start("bench", 2, Env::real(), || None);
    let before = resident();
    for _ in 0..TASKS {
        let mailbox: Arc<Mailbox<[u64; 3]>> = Arc::default();
        spawn(pool.scheduler(), move |_| {
            black_box(&mailbox);
            Turn::Wait
        });
    }
    while pool.scheduler().stats().slices < TASKS as u64 {
        std::thread::yield_now();
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = (after - before) / TASKS;
        println!("{:<44} {:>7} {each:>7} bytes", "a waiting task, its body, its mailbox", 2);
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    println!("{:<44} {:>7} {:>13}", "", "workers", "each");
    if is_wanted("memory") {
        bench_memory();
    }
    for workers in [1, 2] {
        if is_wanted("spawn") {
            bench_spawn(workers);
        }
        if is_wanted("ring") {
            bench_ring(workers);
        }
        if is_wanted("messages") {
            bench_messages(workers);
        }
    }
    if is_wanted("mailbox") {
        bench_mailbox();
    }
    if is_wanted("timers") {
        bench_timers();
    }
}

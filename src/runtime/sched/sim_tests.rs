//! Simulation: repeatable, exact in time, and able to find bugs of order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::test_task::{Ends, ending, spawn};
use super::*;
use crate::limits::DEFAULT_SLICE;
use crate::runtime::clock::Moment;
use crate::runtime::mailbox::Mailbox;

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

/// Eight tasks that yield, wake each other and sleep, all by the dice.
fn busy_run(seed: u64, order: Order) -> (Vec<String>, u64, Outcome) {
    let mut sim = Sim::new(seed, order);
    let log = Log::default();
    let handles: Arc<Mutex<Vec<Handle>>> = Arc::default();
    for i in 0..8 {
        let (log, peers) = (Arc::clone(&log), Arc::clone(&handles));
        let mut turns = 0;
        let handle = spawn(sim.scheduler(), move |turn| {
            turns += 1;
            let roll = turn.dice().below(4);
            log.lock().unwrap().push(format!("{i} {turns} {roll} {} {}", turn.now().nanos(), turn.slice()));
            let peers = peers.lock().unwrap();
            match roll {
                _ if turns == 30 => return Turn::Done,
                0 => return Turn::Yield,
                1 => peers[turn.dice().below(peers.len())].wake(),
                _ => {}
            }
            let wait = Duration::from_micros(turn.dice().below(500) as u64);
            turn.timers().set(turn.now().after(wait), turn.handle().as_timer_target(), 0);
            Turn::Wait
        });
        handles.lock().unwrap().push(handle);
    }
    let outcome = sim.run();
    let log = std::mem::take(&mut *log.lock().unwrap());
    (log, sim.trace(), outcome)
}

#[test]
fn a_seed_is_a_run() {
    for seed in 0..200 {
        let first = busy_run(seed, Order::any(seed));
        assert_eq!(first, busy_run(seed, Order::any(seed)), "seed {seed}");
        assert_eq!(first.2, Outcome::Empty);
    }
    assert_ne!(busy_run(2, Order::Random).1, busy_run(3, Order::Random).1);
}

#[test]
fn time_is_virtual_and_exact() {
    for order in [Order::Fifo, Order::Lifo, Order::Random, Order::Priority] {
        let mut sim = Sim::new(1, order);
        let log = Log::default();
        for (name, wait) in [("hour", 3_600_000), ("second", 1_000), ("blink", 1)] {
            let log = Arc::clone(&log);
            let mut set = false;
            spawn(sim.scheduler(), move |turn| {
                if !std::mem::replace(&mut set, true) {
                    let deadline = turn.now().after(Duration::from_millis(wait));
                    turn.timers().set(deadline, turn.handle().as_timer_target(), 0);
                    return Turn::Wait;
                }
                log.lock().unwrap().push(format!("{name} {}", turn.now().nanos() / 1_000_000));
                Turn::Done
            });
        }
        assert_eq!(sim.run(), Outcome::Empty);
        assert_eq!(*log.lock().unwrap(), ["blink 1", "second 1000", "hour 3600000"]);
        assert_eq!(sim.env().clock.now().since(Moment::START), Duration::from_secs(3600));
    }
}

#[test]
fn a_loop_takes_time_so_that_timers_come() {
    for polite in [true, false] {
        let mut sim = Sim::new(5, Order::Priority);
        let deadline = Moment::from_nanos(50_000_000);
        let poller = spawn(sim.scheduler(), move |turn| {
            if turn.now() >= deadline {
                return Turn::Done;
            }
            turn.handle().wake();
            if polite { Turn::Wait } else { Turn::Yield }
        });
        assert_eq!(sim.run_until(1_000_000, || false), Outcome::Empty);
        assert_eq!(poller.state(), TaskState::Ended);
    }
}

#[test]
fn what_can_never_run_is_named() {
    let mut sim = Sim::new(9, Order::Random);
    let other = sim.host("other");
    spawn(sim.scheduler(), |_| Turn::Done);
    spawn(sim.scheduler(), |_| Turn::Wait);
    let last = spawn(&other, |_| Turn::Wait);
    assert_eq!(sim.run(), Outcome::Stuck(vec![("sim".into(), 2), ("other".into(), 1)]));
    assert_eq!(last.state(), TaskState::Waiting);
    sim.scheduler().kill_all();
    assert_eq!(sim.run(), Outcome::Stuck(vec![("other".into(), 1)]));
    last.kill();
    assert_eq!(sim.run(), Outcome::Empty);
    assert!(sim.scheduler().wait_empty(Duration::MAX));
}

#[test]
fn a_run_can_be_stopped_and_bounded() {
    let mut sim = Sim::new(3, Order::Fifo);
    let ends = Ends::default();
    sim.scheduler().spawn(ending(|_| Turn::Yield, ends.note(0))).unwrap();
    sim.scheduler().spawn(ending(|_| Turn::Wait, ends.note(1))).unwrap();
    assert_eq!(sim.run_until(10, || false), Outcome::Exhausted);
    assert_eq!(sim.turns(), 10);
    let clock = sim.env().clock.clone();
    assert_eq!(sim.run_until(u64::MAX, || clock.now() > Moment::from_nanos(5_000_000)), Outcome::Stopped);
    drop(sim);
    assert_eq!(ends.all(), [(0, End::Killed), (1, End::Killed)]);
}

#[test]
fn panics_and_kills_work_as_with_workers() {
    let mut sim = Sim::new(4, Order::Fifo);
    let ends = Ends::default();
    let run = |_: &mut TurnContext<'_>| -> Turn { std::panic::resume_unwind(Box::new("oh")) };
    sim.scheduler().spawn(ending(run, ends.note(0))).unwrap();
    let victim = sim.scheduler().spawn(ending(|_| Turn::Yield, ends.note(1))).unwrap();
    assert_eq!(sim.run_until(8, || false), Outcome::Exhausted);
    assert!(victim.kill());
    assert_eq!(sim.run(), Outcome::Empty);
    assert_eq!(ends.all(), [(0, End::Panicked("oh".into())), (1, End::Killed)]);
    assert_eq!(sim.scheduler().stats().panics, 1);
}

#[test]
fn slices_vary_and_stay_within_the_limit() {
    let lengths: Arc<Mutex<Vec<u32>>> = Arc::default();
    let mut sim = Sim::new(6, Order::Random);
    let seen = Arc::clone(&lengths);
    spawn(sim.scheduler(), move |turn| {
        seen.lock().unwrap().push(turn.slice());
        Turn::Yield
    });
    sim.run_until(500, || false);
    let lengths = lengths.lock().unwrap();
    let whole = DEFAULT_SLICE.unsigned_abs();
    assert!(lengths.iter().all(|&l| (1..=whole).contains(&l)));
    assert!(lengths.contains(&whole) && lengths.iter().any(|&l| l < 10));
}

/// Three clients deposit into one account, in steps that a careless programmer takes for one: read, then, in a later turn,
/// write what was read and one more. `careful` clients hold a lock meanwhile. The balance in the end.
fn deposits(seed: u64, careful: bool) -> usize {
    const CLIENTS: usize = 3;
    let mut sim = Sim::new(seed, Order::any(seed));
    let balance = Arc::new(Mutex::new(0));
    let holder: Arc<Mutex<Option<TaskId>>> = Arc::default();
    for _ in 0..CLIENTS {
        let (balance, holder) = (Arc::clone(&balance), Arc::clone(&holder));
        let mut read = None;
        let mut warm_up = 5;
        spawn(sim.scheduler(), move |turn| {
            // Work of varying length before, so that the first turns are not the same in all runs.
            if warm_up > 0 {
                warm_up -= 1;
                return Turn::Yield;
            }
            let mut balance = balance.lock().unwrap();
            let mut holder = holder.lock().unwrap();
            match read {
                None => {
                    if careful && holder.is_some_and(|id| id != turn.handle().id()) {
                        return Turn::Yield;
                    }
                    *holder = Some(turn.handle().id());
                    read = Some(*balance);
                    // Only now and then does the careless client lose the processor at this point.
                    if turn.slice() > 64 {
                        *balance += 1;
                        *holder = None;
                        return Turn::Done;
                    }
                    Turn::Yield
                }
                Some(before) => {
                    *balance = before + 1;
                    *holder = None;
                    Turn::Done
                }
            }
        });
    }
    assert_eq!(sim.run(), Outcome::Empty);
    *balance.lock().unwrap()
}

#[test]
fn a_planted_bug_of_order_is_found_within_a_thousand_seeds() {
    let found = (0..1000).find(|&seed| deposits(seed, false) != 3);
    let seed = found.expect("one of the seeds interleaves read and write");
    assert_ne!(deposits(seed, false), 3, "the seed repeats the bug");
    assert_eq!((0..1000).find(|&seed| deposits(seed, true) != 3), None, "the careful version has none");
}

#[test]
fn messages_keep_their_order_per_sender_for_every_seed() {
    for seed in 0..300 {
        let mut sim = Sim::new(seed, Order::any(seed));
        let mailbox: Arc<Mailbox<(usize, usize)>> = Arc::default();
        let seen: Arc<Mutex<Vec<(usize, usize)>>> = Arc::default();
        let reader = {
            let (mailbox, seen) = (Arc::clone(&mailbox), Arc::clone(&seen));
            let mut mine = VecDeque::new();
            spawn(sim.scheduler(), move |_| {
                mailbox.drain_into(&mut mine);
                seen.lock().unwrap().extend(mine.drain(..));
                if seen.lock().unwrap().len() == 60 { Turn::Done } else { Turn::Wait }
            })
        };
        for sender in 0..3 {
            let (mailbox, reader) = (Arc::clone(&mailbox), reader.clone());
            let mut next = 0;
            spawn(sim.scheduler(), move |turn| {
                for _ in 0..turn.dice().below(5) {
                    if mailbox.send((sender, next), 8).unwrap().first {
                        reader.wake();
                    }
                    next += 1;
                    if next == 20 {
                        return Turn::Done;
                    }
                }
                Turn::Yield
            });
        }
        assert_eq!(sim.run(), Outcome::Empty, "seed {seed}: no wake-up is lost");
        let seen = seen.lock().unwrap();
        for sender in 0..3 {
            let of: Vec<usize> = seen.iter().filter(|m| m.0 == sender).map(|m| m.1).collect();
            assert_eq!(of, (0..20).collect::<Vec<_>>(), "seed {seed}");
        }
    }
}

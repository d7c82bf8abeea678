//! The scheduler with real workers. Nothing here sleeps or asserts times: outcomes do not depend on luck.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use super::test_task::{Ends, Gauge, PATIENCE, ending, spawn, task};
use super::*;
use crate::runtime::clock::Moment;
use crate::runtime::mailbox::Mailbox;

fn pool(workers: usize) -> Pool {
    Pool::start("test", workers, Env::real(), || None)
}

#[test]
fn a_handle_is_one_word_and_a_cell_is_small() {
    assert_eq!(size_of::<Handle>(), 8);
    assert!(size_of::<super::task::Cell>() <= 56, "{}", size_of::<super::task::Cell>());
}

#[test]
fn a_task_runs_to_its_end() {
    let pool = pool(2);
    let ends = Ends::default();
    let mut left = 3;
    let run = move |_: &mut TurnContext<'_>| {
        left -= 1;
        if left == 0 { Turn::Done } else { Turn::Yield }
    };
    let handle = pool.scheduler().spawn(ending(run, ends.note(1))).unwrap();
    assert_eq!(ends.wait_for(1), [(1, End::Done)]);
    assert!(pool.scheduler().wait_empty(PATIENCE));
    assert_eq!(handle.state(), TaskState::Ended);
    handle.wake();
    assert!(!handle.kill());
    let stats = pool.scheduler().stats();
    assert_eq!((stats.spawned, stats.alive, stats.slices, stats.full_slices), (1, 0, 3, 2));
    assert_eq!(pool.shutdown(Duration::ZERO), Shutdown::default());
}

#[test]
fn tasks_wake_each_other_across_workers() {
    // A ring: each wakes the next; the token is the number of turns left.
    const RING: usize = 100;
    let pool = pool(4);
    let token = Arc::new(AtomicUsize::new(20_000));
    let ring: Arc<OnceLock<Vec<Handle>>> = Arc::default();
    let done = Gauge::default();
    let handles = (0..RING).map(|i| {
        let (token, ring, done) = (Arc::clone(&token), Arc::clone(&ring), done.clone());
        let mut started = false;
        spawn(pool.scheduler(), move |_| {
            if !std::mem::replace(&mut started, true) {
                done.add(1);
                return Turn::Wait;
            }
            if token.fetch_sub(1, Ordering::SeqCst) == 1 {
                done.add(1);
            } else {
                ring.get().expect("set before the first wake-up")[(i + 1) % RING].wake();
            }
            Turn::Wait
        })
    });
    ring.set(handles.collect()).unwrap();
    done.wait_for(RING);
    ring.get().unwrap()[0].wake();
    done.wait_for(RING + 1);
    assert_eq!(token.load(Ordering::SeqCst), 0);
    assert_eq!(pool.scheduler().alive(), 100);
    assert_eq!(pool.shutdown(Duration::ZERO), Shutdown { killed: 100, stuck: 0 });
}

#[test]
fn a_panicking_task_leaves_others_alone() {
    let pool = pool(2);
    let ends = Ends::default();
    let calm = Gauge::default();
    let pulse = {
        let calm = calm.clone();
        spawn(pool.scheduler(), move |_| {
            calm.add(1);
            Turn::Wait
        })
    };
    for i in 0..50 {
        let run = move |_: &mut TurnContext<'_>| -> Turn {
            // As a panic, but without the report on stderr.
            std::panic::resume_unwind(Box::new(format!("bad luck {i}")))
        };
        pool.scheduler().spawn(ending(run, ends.note(i))).unwrap();
    }
    let mut all = ends.wait_for(50);
    all.sort_by_key(|end| end.0);
    for (i, end) in all {
        assert_eq!(end, End::Panicked(format!("bad luck {i}")));
    }
    let before = calm.get();
    pulse.wake();
    calm.wait_for(before + 1);
    while pool.scheduler().alive() != 1 {
        std::thread::yield_now();
    }
    assert_eq!(pool.scheduler().stats().panics, 50);
}

#[test]
fn a_panic_at_the_end_is_caught_too() {
    let pool = pool(1);
    let end = |_| std::panic::resume_unwind(Box::new("no good end"));
    pool.scheduler().spawn(ending(|_| Turn::Done, end)).unwrap();
    assert!(pool.scheduler().wait_empty(PATIENCE));
    assert_eq!(pool.scheduler().stats().panics, 1);
    let ends = Ends::default();
    pool.scheduler().spawn(ending(|_| Turn::Done, ends.note(1))).unwrap();
    ends.wait_for(1);
}

#[test]
fn endless_slices_do_not_stop_a_fifth_task() {
    let pool = pool(2);
    for _ in 0..4 {
        spawn(pool.scheduler(), |_| Turn::Yield);
    }
    // Woken by itself, from outside and by a timer, each many times.
    let turns = Gauge::default();
    let fifth = {
        let turns = turns.clone();
        spawn(pool.scheduler(), move |turn| {
            turns.add(1);
            if turns.get() % 3 == 0 {
                turn.timers().set(turn.now(), turn.handle().as_timer_target(), 0);
            } else {
                turn.handle().wake();
            }
            Turn::Wait
        })
    };
    turns.wait_for(1000);
    fifth.kill();
    pool.scheduler().kill_all();
    assert!(pool.scheduler().wait_empty(PATIENCE));
}

#[test]
fn a_pair_that_never_rests_does_not_starve_the_queue() {
    let pool = pool(1);
    let pair: Arc<OnceLock<[Handle; 2]>> = Arc::default();
    let handles = [0, 1].map(|i: usize| {
        let pair = Arc::clone(&pair);
        spawn(pool.scheduler(), move |_| {
            if let Some(pair) = pair.get() {
                pair[1 - i].wake();
            }
            Turn::Wait
        })
    });
    pair.set(handles).unwrap();
    pair.get().unwrap()[0].wake();
    let turns = Gauge::default();
    {
        let turns = turns.clone();
        spawn(pool.scheduler(), move |_| {
            turns.add(1);
            Turn::Yield
        });
    }
    turns.wait_for(1000);
}

#[test]
fn a_kill_needs_no_turn() {
    let pool = pool(2);
    let ends = Ends::default();
    let running = Gauge::default();
    // One waits, one is in a turn that ends only when it sees the kill, one never looks and always wants another turn.
    let waiting = pool.scheduler().spawn(ending(|_| Turn::Wait, ends.note(0))).unwrap();
    let looking = {
        let running = running.clone();
        let run = move |turn: &mut TurnContext<'_>| {
            running.add(1);
            while !turn.is_killed() {
                std::hint::spin_loop();
            }
            Turn::Wait
        };
        pool.scheduler().spawn(ending(run, ends.note(1))).unwrap()
    };
    running.wait_for(1);
    let endless = pool.scheduler().spawn(ending(|_| Turn::Yield, ends.note(2))).unwrap();
    assert!(waiting.kill() && endless.kill() && looking.kill());
    assert!(!waiting.kill());
    let mut all = ends.wait_for(3);
    all.sort_by_key(|end| end.0);
    assert_eq!(all, [(0, End::Killed), (1, End::Killed), (2, End::Killed)]);
    assert!(pool.scheduler().wait_empty(PATIENCE));
}

#[test]
fn a_chain_of_kills_takes_no_stack() {
    // As linked processes do: the end of each kills the next.
    const CHAIN: usize = 100_000;
    let pool = pool(2);
    let ends = Gauge::default();
    let mut next: Option<Handle> = None;
    for _ in 0..CHAIN {
        let (ends, after) = (ends.clone(), next.take());
        let end = move |_| {
            ends.add(1);
            if let Some(after) = &after {
                after.kill();
            }
        };
        next = Some(pool.scheduler().spawn(ending(|_| Turn::Wait, end)).unwrap());
    }
    next.unwrap().kill();
    ends.wait_for(CHAIN);
    assert!(pool.scheduler().wait_empty(PATIENCE));
}

#[test]
fn a_seat_keeps_wake_ups_and_kills_for_the_start() {
    let pool = pool(1);
    let turns = Gauge::default();
    let seat = pool.scheduler().seat().unwrap();
    seat.handle().wake();
    let counted = turns.clone();
    let handle = seat.start(task(move |_| {
        counted.add(1);
        Turn::Wait
    }));
    turns.wait_for(1);
    handle.kill();

    let ends = Ends::default();
    let seat = pool.scheduler().seat().unwrap();
    let handle = seat.handle().clone();
    assert!(handle.kill());
    seat.start(ending(|_| unreachable!("killed before its first turn"), ends.note(7)));
    assert_eq!(ends.wait_for(1), [(7, End::Killed)]);

    let handle = pool.scheduler().seat().unwrap().handle().clone();
    assert_eq!(handle.state(), TaskState::Ended);
    handle.wake();
    assert!(!handle.kill());
    assert!(pool.scheduler().wait_empty(PATIENCE));
}

#[test]
fn a_shutdown_is_graceful_then_certain() {
    let pool = pool(2);
    let ends = Ends::default();
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let run = move |_: &mut TurnContext<'_>| {
        if asked.load(Ordering::SeqCst) { Turn::Done } else { Turn::Yield }
    };
    let willing = pool.scheduler().spawn(ending(run, ends.note(0))).unwrap();
    for i in 1..=20 {
        let stubborn = if i % 2 == 0 { Turn::Wait } else { Turn::Yield };
        pool.scheduler().spawn(ending(move |_| stubborn, ends.note(i))).unwrap();
    }
    let scheduler = pool.scheduler().clone();
    stop.store(true, Ordering::SeqCst);
    ends.wait_for(1);
    let report = pool.shutdown(Duration::from_millis(5));
    assert_eq!(report, Shutdown { killed: 20, stuck: 0 });
    assert_eq!(scheduler.spawn(task(|_| Turn::Done)).map(|_| ()), Err(Stopping));
    let all = ends.all();
    assert_eq!(all.len(), 21);
    assert_eq!(all[0], (0, End::Done));
    assert!(all[1..].iter().all(|end| end.1 == End::Killed));
    assert_eq!((scheduler.alive(), willing.state()), (0, TaskState::Ended));
}

#[test]
fn what_waits_at_the_end_is_dropped_in_order() {
    // One worker: when the last of its turns has begun, all others are over, and their tasks wait.
    let pool = pool(1);
    let ends = Ends::default();
    let started = Gauge::default();
    for i in 0..500 {
        let started = started.clone();
        let run = move |_: &mut TurnContext<'_>| {
            started.add(1);
            Turn::Wait
        };
        pool.scheduler().spawn(ending(run, ends.note(i))).unwrap();
    }
    started.wait_for(500);
    let last = started.clone();
    let run = move |_: &mut TurnContext<'_>| {
        last.add(1);
        Turn::Wait
    };
    pool.scheduler().spawn(task(run)).unwrap();
    started.wait_for(501);
    drop(pool);
    assert_eq!(ends.all(), (0..500).map(|i| (i, End::Killed)).collect::<Vec<_>>());
}

#[test]
fn a_task_may_own_the_last_handle_of_its_pool() {
    let owner = pool(1);
    let other = pool(2);
    let ends = Ends::default();
    other.scheduler().spawn(ending(|_| Turn::Wait, ends.note(1))).unwrap();
    let mut held = Some(other);
    owner
        .scheduler()
        .spawn(task(move |_| {
            drop(held.take());
            Turn::Done
        }))
        .unwrap();
    ends.wait_for(1);
    assert!(owner.scheduler().wait_empty(PATIENCE));
}

#[test]
fn hosts_are_independent() {
    let env = Env::real();
    let (one, two) = (Pool::start("one", 1, env.clone(), || None), Pool::start("two", 1, env, || None));
    let turns = Gauge::default();
    let counted = turns.clone();
    let there = spawn(two.scheduler(), move |_| {
        counted.add(1);
        Turn::Wait
    });
    turns.wait_for(1);
    // A task of the one wakes a task of the other; the wake-up is not lost on the wrong worker.
    let target = there.clone();
    spawn(one.scheduler(), move |_| {
        target.wake();
        Turn::Done
    });
    turns.wait_for(2);
    drop(one);
    there.wake();
    turns.wait_for(3);
    assert_eq!(two.scheduler().alive(), 1);
    assert_eq!((there.scheduler().name(), there.id().number()), ("two", 1));
}

#[test]
fn timers_wake_tasks() {
    let pool = pool(2);
    let turns = Gauge::default();
    let counted = turns.clone();
    spawn(pool.scheduler(), move |turn| {
        counted.add(1);
        let deadline = turn.now().after(Duration::from_micros(200));
        turn.timers().set(deadline, turn.handle().as_timer_target(), 0);
        Turn::Wait
    });
    turns.wait_for(20);
    let far = pool.scheduler().env().timers.set(
        Moment::NEVER,
        spawn(pool.scheduler(), |_| Turn::Wait).as_timer_target(),
        0,
    );
    assert!(pool.scheduler().env().timers.cancel(far));
}

/// A message: who sent it, and which of its messages it is.
type Numbered = (usize, usize);

struct Reader {
    mailbox: Mailbox<Numbered>,
    handle: OnceLock<Handle>,
}

#[test]
fn a_million_messages_arrive_once_and_in_order() {
    const TASKS: usize = 1000;
    const EACH: usize = 1000;
    let pool = pool(4);
    let readers: Arc<Vec<Reader>> =
        Arc::new((0..TASKS).map(|_| Reader { mailbox: Mailbox::new(), handle: OnceLock::new() }).collect());
    let done = Gauge::default();
    let faults: Arc<Mutex<Vec<String>>> = Arc::default();
    for me in 0..TASKS {
        let (readers, done, faults) = (Arc::clone(&readers), done.clone(), Arc::clone(&faults));
        let mut mine = VecDeque::new();
        // By sender: the number expected next. Task `me` sends its messages in tens, each ten to another task.
        let mut expected = vec![0; TASKS];
        let (mut sent, mut received) = (0, 0);
        let seat = pool.scheduler().seat().unwrap();
        readers[me].handle.set(seat.handle().clone()).unwrap();
        seat.start(task(move |_| {
            readers[me].mailbox.drain_into(&mut mine);
            for (sender, number) in mine.drain(..) {
                if number < expected[sender] {
                    faults
                        .lock()
                        .unwrap()
                        .push(format!("{me}: {sender} sent {number} after {}", expected[sender]));
                }
                expected[sender] = number + 1;
                received += 1;
            }
            for _ in 0..10 {
                if sent == EACH {
                    break;
                }
                let to = &readers[(me + sent / 10 * 7) % TASKS];
                if to.mailbox.send((me, sent), 16).unwrap().first
                    && let Some(handle) = to.handle.get()
                {
                    handle.wake();
                }
                sent += 1;
            }
            if sent < EACH {
                return Turn::Yield;
            }
            if received == EACH {
                done.add(1);
                received = 0;
            }
            Turn::Wait
        }));
    }
    done.wait_for(TASKS);
    assert_eq!(*faults.lock().unwrap(), [""; 0]);
    assert!(readers.iter().all(|reader| reader.mailbox.is_empty() && reader.mailbox.bytes() == 0));
}

#[test]
fn no_wake_up_is_lost_between_sleeping_workers() {
    // One message at a time through tasks of which every one waits: workers go to sleep and are woken all the time.
    const ROUNDS: usize = 20_000;
    let pool = pool(3);
    let count = Gauge::default();
    let (sender, receiver) = std::sync::mpsc::channel();
    let counted = count.clone();
    let handle = spawn(pool.scheduler(), move |_| {
        while receiver.try_recv().is_ok() {
            counted.add(1);
        }
        Turn::Wait
    });
    for i in 0..ROUNDS {
        sender.send(()).unwrap();
        handle.wake();
        if i % 2 == 0 {
            count.wait_for(i + 1);
        }
    }
    count.wait_for(ROUNDS);
}

/// Workers without any work come back for the chore when they are asked to.
#[test]
fn sleepers_do_the_chore_again() {
    static CALLS: Mutex<Vec<mpsc::Sender<()>>> = Mutex::new(Vec::new());
    let (call, calls) = mpsc::channel();
    CALLS.lock().expect("no panic").push(call);
    let chore = || {
        // Asks for the next call until nobody listens.
        let heard = CALLS.lock().expect("no panic").last().is_some_and(|call| call.send(()).is_ok());
        heard.then_some(Duration::from_micros(100))
    };
    let pool = Pool::start("test", 2, Env::real(), chore);
    for _ in 0..20 {
        calls.recv().expect("workers call");
    }
    drop(calls);
    // A wake-up finds them asleep or on their way; both are well.
    let ends = Ends::default();
    let run = |_: &mut TurnContext<'_>| Turn::Done;
    pool.scheduler().spawn(ending(run, ends.note(1))).expect("the pool runs");
    assert_eq!(ends.wait_for(1), [(1, End::Done)]);
}

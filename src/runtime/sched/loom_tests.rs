//! The lock-free parts under loom, which tries every interleaving and every result that the memory model allows within a
//! bound of preemptions. `docs/testing.md` has the command.
#![cfg(wippy_loom)]

use std::collections::VecDeque;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::queue::{Local, Queues, queues};
use super::state::{After, Begin, Kill, StateWord};
use crate::runtime::mailbox::{Closed, Mailbox};
use crate::runtime::sync::{Mutex, lock};

/// A task of which only the state word is real: its turns look at `data`, its queue is a count of entries.
struct Model {
    state: StateWord,
    /// What wakers leave for the task. Relaxed: the state word alone must make it visible.
    data: AtomicUsize,
    seen: AtomicUsize,
    entries: AtomicUsize,
    ends: AtomicUsize,
    /// Threads inside a turn. Relaxed as well.
    inside: AtomicUsize,
}

impl Model {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: StateWord::unborn(),
            data: AtomicUsize::new(0),
            seen: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            ends: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
        })
    }

    fn waiting() -> Arc<Self> {
        let model = Self::new();
        assert_eq!(model.state.rest(), After::Rest);
        model
    }

    fn leave_and_wake(&self) {
        self.data.fetch_add(1, Ordering::Relaxed);
        if self.state.wake() {
            self.entries.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The middle of a turn.
    fn turn(&self) {
        assert_eq!(self.inside.fetch_add(1, Ordering::Relaxed), 0, "two turns at once");
        self.seen.store(self.data.load(Ordering::Relaxed), Ordering::Relaxed);
        self.inside.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes one queue entry, if there is one, and what follows from it.
    fn serve(&self) {
        let taken = self.entries.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
        if taken.is_err() {
            return;
        }
        match self.state.begin() {
            Begin::Run => {
                self.turn();
                match self.state.rest() {
                    After::Rest => {}
                    After::Queue => {
                        self.entries.fetch_add(1, Ordering::AcqRel);
                    }
                    After::End => self.end_if_claimed(),
                }
            }
            Begin::End => {
                self.ends.fetch_add(1, Ordering::AcqRel);
            }
            Begin::Skip => {}
        }
    }

    fn end_if_claimed(&self) {
        if self.state.claim_end() {
            self.ends.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn kill(&self) {
        if self.state.kill() == Kill::HandOver {
            // As the reader of the list of ends.
            self.end_if_claimed();
        }
    }
}

#[test]
fn loom_no_wake_up_is_lost() {
    loom::model(|| {
        let task = Model::waiting();
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let task = Arc::clone(&task);
                thread::spawn(move || task.leave_and_wake())
            })
            .collect();
        task.serve();
        task.serve();
        for waker in wakers {
            waker.join().unwrap();
        }
        // Whatever is still owed is in the queue now, once.
        assert!(task.entries.load(Ordering::Acquire) <= 1);
        task.serve();
        assert_eq!(task.entries.load(Ordering::Acquire), 0);
        assert_eq!(task.seen.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn loom_a_task_never_runs_twice_at_once() {
    loom::model(|| {
        let task = Model::waiting();
        task.leave_and_wake();
        let other = {
            let task = Arc::clone(&task);
            thread::spawn(move || {
                task.leave_and_wake();
                task.serve();
            })
        };
        task.serve();
        other.join().unwrap();
        task.serve();
        assert_eq!(task.entries.load(Ordering::Acquire), 0);
        assert_eq!(task.seen.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn loom_a_wake_up_before_the_birth_is_kept() {
    loom::model(|| {
        let task = Model::new();
        let waker = {
            let task = Arc::clone(&task);
            thread::spawn(move || task.leave_and_wake())
        };
        assert_eq!(task.state.again(), After::Queue);
        task.entries.fetch_add(1, Ordering::AcqRel);
        task.serve();
        waker.join().unwrap();
        task.serve();
        assert_eq!(task.entries.load(Ordering::Acquire), 0);
        assert_eq!(task.seen.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn loom_a_killed_task_ends_once() {
    loom::model(|| {
        let task = Model::waiting();
        let killer = {
            let task = Arc::clone(&task);
            thread::spawn(move || task.kill())
        };
        let waker = {
            let task = Arc::clone(&task);
            thread::spawn(move || {
                task.leave_and_wake();
                task.serve();
            })
        };
        task.kill();
        killer.join().unwrap();
        waker.join().unwrap();
        task.serve();
        assert_eq!(task.ends.load(Ordering::Acquire), 1);
        assert!(!task.state.wake(), "an ended task is not queued");
    });
}

#[test]
fn loom_a_kill_during_the_turn_ends_it() {
    loom::model(|| {
        let task = Model::waiting();
        task.leave_and_wake();
        let killer = {
            let task = Arc::clone(&task);
            thread::spawn(move || task.kill())
        };
        task.serve();
        killer.join().unwrap();
        assert_eq!(task.ends.load(Ordering::Acquire), 1);
    });
}

#[test]
fn loom_messages_arrive_once_in_order_and_wake_the_reader() {
    bounded(3, || {
        let task = Model::waiting();
        let mailbox = Arc::new(Mailbox::new());
        let senders: Vec<_> = (0..2)
            .map(|sender| {
                let (task, mailbox) = (Arc::clone(&task), Arc::clone(&mailbox));
                thread::spawn(move || {
                    for number in 0..2 {
                        if mailbox.send((sender, number), 1).unwrap().first {
                            task.leave_and_wake();
                        }
                    }
                })
            })
            .collect();
        let mut got = VecDeque::new();
        // A turn of the reader takes everything.
        let read = |got: &mut VecDeque<_>| {
            if task.entries.load(Ordering::Acquire) != 0 {
                task.entries.fetch_sub(1, Ordering::AcqRel);
                assert_eq!(task.state.begin(), Begin::Run);
                mailbox.drain_into(got);
                if task.state.rest() == After::Queue {
                    task.entries.fetch_add(1, Ordering::AcqRel);
                }
            }
        };
        read(&mut got);
        for sender in senders {
            sender.join().unwrap();
        }
        read(&mut got);
        read(&mut got);
        assert!(mailbox.is_empty(), "the reader rests and has messages");
        for sender in 0..2 {
            let numbers: Vec<_> = got.iter().filter(|m| m.0 == sender).map(|m| m.1).collect();
            assert_eq!(numbers, [0, 1]);
        }
    });
}

#[test]
fn loom_what_a_closing_mailbox_accepted_comes_back() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::new());
        let sender = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || {
                (0..2)
                    .filter_map(|number| match mailbox.send(number, 1) {
                        Ok(_) => None,
                        Err(Closed(number)) => Some(number),
                    })
                    .collect::<Vec<_>>()
            })
        };
        let mut all: Vec<i32> = mailbox.close().0.collect();
        all.extend(sender.join().unwrap());
        assert_eq!(all, [0, 1]);
        assert!(mailbox.is_empty() && mailbox.bytes() == 0);
    });
}

/// Takes what a worker takes until it is told to stop.
fn work(queues: &Queues<usize>, local: &Local<usize>, index: usize, taken: &Mutex<Vec<usize>>, all: usize) {
    loop {
        if queues.is_stopping() {
            return;
        }
        let next = local.next(false, queues).or_else(|| queues.find(local, index, || index, || (), || None));
        if let Some(item) = next {
            let complete = {
                let mut taken = lock(taken);
                taken.push(item);
                taken.len() == all
            };
            if complete {
                queues.stop();
            }
        }
    }
}

fn bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

#[test]
fn loom_no_entry_stays_while_workers_sleep() {
    bounded(3, || {
        let (queues, mut locals) = queues(1);
        let queues = Arc::new(queues);
        let local = locals.pop().unwrap();
        let worker = {
            let queues = Arc::clone(&queues);
            let taken = Mutex::new(Vec::new());
            thread::spawn(move || {
                work(&queues, &local, 0, &taken, 2);
                assert_eq!(*lock(&taken), [1, 2]);
            })
        };
        queues.push(1);
        queues.push(2);
        worker.join().unwrap();
    });
}

#[test]
fn loom_ends_wake_a_sleeping_worker() {
    bounded(3, || {
        let (queues, mut locals) = queues::<usize>(1);
        let queues = Arc::new(queues);
        let local = locals.pop().unwrap();
        let worker = {
            let queues = Arc::clone(&queues);
            thread::spawn(move || {
                loop {
                    if let Some(end) = queues.next_end() {
                        return end;
                    }
                    assert!(queues.find(&local, 0, || 0, || (), || None).is_none());
                }
            })
        };
        queues.push_end(7);
        assert_eq!(worker.join().unwrap(), 7);
    });
}

#[test]
fn loom_two_workers_share_what_comes_from_outside() {
    bounded(2, || {
        let (queues, mut locals) = queues(2);
        let queues = Arc::new(queues);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let workers: Vec<_> = (0..2)
            .map(|index| {
                let (queues, taken) = (Arc::clone(&queues), Arc::clone(&taken));
                let local = locals.remove(0);
                thread::spawn(move || work(&queues, &local, index, &taken, 2))
            })
            .collect();
        queues.push(1);
        queues.push(2);
        for worker in workers {
            worker.join().unwrap();
        }
        let mut taken = lock(&taken).clone();
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
    });
}

#[test]
fn loom_a_sleeper_helps_a_worker_with_too_much() {
    bounded(2, || {
        let (queues, mut locals) = queues(2);
        let queues = Arc::new(queues);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (busy, free) = (locals.remove(0), locals.remove(0));
        let helper = {
            let (queues, taken) = (Arc::clone(&queues), Arc::clone(&taken));
            thread::spawn(move || work(&queues, &free, 1, &taken, 1))
        };
        // The second task woken in one turn pushes the first out of the slot. The turn goes on, so the other worker has to
        // take it, asleep or not.
        busy.push_woken(1, &queues);
        busy.push_woken(2, &queues);
        helper.join().unwrap();
        assert_eq!(*lock(&taken), [1]);
        assert_eq!(busy.next(false, &queues), Some(2));
    });
}

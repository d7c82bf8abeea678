//! The state word of a task: who may touch it now, and who has to do something about it.
//!
//! Four bits in one atomic word, changed by single read-modify-write steps only:
//!
//! | RUNNING | WOKEN | the task is |
//! |---|---|---|
//! | 0 | 0 | waiting: nobody holds it but the registry |
//! | 0 | 1 | queued: exactly one run queue holds an entry for it |
//! | 1 | 0 | running |
//! | 1 | 1 | running, and to be queued again when its turn is over |
//!
//! `KILLED` is sticky: a task that carries it never starts another turn. `ENDED` is sticky and is set exactly once, by the
//! thread that thereby gets the right and the duty to end the task.
//!
//! 1. Whoever turns waiting into queued pushes the one queue entry. So a task is in at most one place.
//! 2. Every step is at least acquire-release on the same word: what happened before `wake` is visible to the turn that follows,
//!    even when the wake-up found the task queued or running and had nothing to do.
//! 3. A kill that finds the task not running hands it to the list of ends, whose reader competes with a possible entry in a
//!    run queue for `ENDED`; the loser forgets its entry. A kill that finds it running is seen at the end of the turn.

use crate::runtime::sync::{AtomicU32, Ordering};

const RUNNING: u32 = 1;
const WOKEN: u32 = 2;
const KILLED: u32 = 4;
const ENDED: u32 = 8;

/// See the head of the file.
pub(super) struct StateWord(AtomicU32);

/// What the taker of a queue entry has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Run a turn.
    Run,
    /// End the task: it was killed while it was queued.
    End,
    /// Forget the entry: somebody else ends or has ended the task.
    Skip,
}

/// What the runner has to do after a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing: the task waits.
    Rest,
    /// Queue it.
    Queue,
    /// End it: it was killed during the turn.
    End,
}

/// What a killer has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kill {
    /// Hand the task to the list of ends.
    HandOver,
    /// Nothing: its runner will see the request.
    Running,
    /// Nothing: it is killed or ended already.
    Late,
}

/// Where a task is, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Nothing to do until woken.
    Waiting,
    /// In a run queue.
    Queued,
    /// In a turn.
    Running,
    /// Gone, or about to be ended.
    Ended,
}

impl StateWord {
    /// A task that is being built: it counts as running, so that wake-ups and kills before its start are kept.
    pub(super) fn unborn() -> Self {
        Self(AtomicU32::new(RUNNING))
    }

    /// Asks for a turn. True if the caller has to queue the task.
    #[inline]
    pub(super) fn wake(&self) -> bool {
        self.0.fetch_or(WOKEN, Ordering::AcqRel) & (RUNNING | WOKEN | KILLED | ENDED) == 0
    }

    /// Asks for the end.
    pub(super) fn kill(&self) -> Kill {
        let before = self.0.fetch_or(KILLED, Ordering::AcqRel);
        if before & (KILLED | ENDED) != 0 {
            Kill::Late
        } else if before & RUNNING != 0 {
            Kill::Running
        } else {
            Kill::HandOver
        }
    }

    /// From queued to running. Only for the taker of the queue entry.
    #[inline]
    pub(super) fn begin(&self) -> Begin {
        // Queued is WOKEN without RUNNING, so flipping both is the whole transition; a wake-up before it is covered by the
        // turn, one after it sets WOKEN again.
        let before = self.0.fetch_xor(RUNNING | WOKEN, Ordering::AcqRel);
        if before & (KILLED | ENDED) == 0 {
            debug_assert_eq!(before, WOKEN, "only a queued task has a queue entry");
            Begin::Run
        } else if self.claim_end() {
            Begin::End
        } else {
            Begin::Skip
        }
    }

    /// After a turn with nothing left to do.
    #[inline]
    pub(super) fn rest(&self) -> After {
        let before = self.0.fetch_and(!RUNNING, Ordering::AcqRel);
        if before & KILLED != 0 {
            After::End
        } else if before & WOKEN != 0 {
            After::Queue
        } else {
            After::Rest
        }
    }

    /// After a turn that wants another, and at the start of a new task.
    pub(super) fn again(&self) -> After {
        self.0.fetch_or(WOKEN, Ordering::AcqRel);
        self.rest()
    }

    /// Gets the right and the duty to end the task, if nobody has them yet.
    pub(super) fn claim_end(&self) -> bool {
        self.0.fetch_or(ENDED, Ordering::AcqRel) & ENDED == 0
    }

    /// Whether somebody asked for the end.
    #[inline]
    pub(super) fn is_killed(&self) -> bool {
        self.0.load(Ordering::Acquire) & KILLED != 0
    }

    /// Whether a turn runs, or the task is not born yet.
    pub(super) fn is_running(&self) -> bool {
        self.0.load(Ordering::Acquire) & (RUNNING | ENDED) == RUNNING
    }

    /// Where the task is, at some moment between call and return.
    pub(super) fn get(&self) -> TaskState {
        let word = self.0.load(Ordering::Acquire);
        if word & (ENDED | KILLED) != 0 {
            TaskState::Ended
        } else if word & RUNNING != 0 {
            TaskState::Running
        } else if word & WOKEN != 0 {
            TaskState::Queued
        } else {
            TaskState::Waiting
        }
    }
}

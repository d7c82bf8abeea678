//! The worker threads: one loop that ends, runs and looks for tasks until the pool stops.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::pool::Chore;
use super::queue::Local;
use super::scheduler::{Runner, Scheduler, Shared};
use super::task::{Handle, Taken};
use crate::limits::{CHORE_TURNS, DEFAULT_SLICE};

/// The queues of a pool's workers.
pub(super) type Queues = super::queue::Queues<Handle>;

/// What a worker thread has at hand.
struct Here {
    scheduler: Arc<Shared>,
    local: Local<Handle>,
}

thread_local! {
    /// Set while this thread is a worker: tasks woken by what it runs stay here.
    static HERE: RefCell<Option<Rc<Here>>> = const { RefCell::new(None) };
}

/// Calls `keep` if this thread is a worker of the pool with these queues; otherwise the task goes where all workers look.
#[inline]
fn push(queues: &Queues, handle: Handle, keep: impl FnOnce(&Local<Handle>, Handle)) {
    let mut handle = Some(handle);
    // An error means that the thread is ending, long after its last turn.
    let _ = HERE.try_with(|here| {
        if let Some(here) = &*here.borrow()
            && let Runner::Workers(own) = here.scheduler.runner()
            && std::ptr::eq(&**own, queues)
            && let Some(handle) = handle.take()
        {
            keep(&here.local, handle);
        }
    });
    if let Some(handle) = handle {
        queues.push(handle);
    }
}

/// Queues a woken task.
#[inline]
pub(super) fn push_woken(queues: &Queues, handle: Handle) {
    push(queues, handle, |local, handle| local.push_woken(handle, queues));
}

/// Queues a new task.
pub(super) fn push_new(queues: &Queues, handle: Handle) {
    push(queues, handle, |local, handle| local.push_new(handle, queues));
}

/// The life of worker number `index`.
pub(super) fn work(scheduler: Scheduler, local: Local<Handle>, index: usize, chore: Chore) {
    let here = Rc::new(Here { scheduler: scheduler.0, local });
    HERE.set(Some(Rc::clone(&here)));
    let Runner::Workers(queues) = here.scheduler.runner() else {
        unreachable!("only pools start workers");
    };
    let counters = here.scheduler.counters(index);
    let mut long = false;
    let mut turns = 0_u32;
    loop {
        while let Some(handle) = queues.next_end() {
            handle.end_killed();
        }
        if queues.is_stopping() {
            break;
        }
        let next = here.local.next(long, queues).or_else(|| {
            queues.find(
                &here.local,
                index,
                || fastrand::usize(..),
                || counters.steals.bump(),
                || {
                    counters.parks.bump();
                    chore()
                },
            )
        });
        let Some(handle) = next else { continue };
        counters.slices.bump();
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(CHORE_TURNS) {
            // A worker with turns to run asks again after as many, whatever the answer.
            let _ = chore();
        }
        long = false;
        if let Taken::Again { handle, yielded } = handle.take_turn(DEFAULT_SLICE.unsigned_abs()) {
            long = yielded;
            if yielded {
                counters.full_slices.bump();
            }
            here.local.push_again(handle, queues);
        }
    }
    HERE.set(None);
}

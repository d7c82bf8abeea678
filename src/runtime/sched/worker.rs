//! The worker threads: one loop that ends, runs and looks for tasks until the pool stops.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::queue::{Found, Local, Shared as SharedQueues};
use super::scheduler::{Runner, Scheduler, Shared};
use super::task::{Handle, Taken};
use crate::limits::DEFAULT_SLICE;

/// The queues of a pool's workers.
pub(super) struct Queues {
    shared: SharedQueues<Handle>,
    stopping: AtomicBool,
}

impl Queues {
    pub(super) fn new(shared: SharedQueues<Handle>) -> Self {
        Self { shared, stopping: AtomicBool::new(false) }
    }

    pub(super) fn push_end(&self, handle: Handle) {
        self.shared.push_end(handle);
    }

    /// No worker begins another turn after its present one.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.shared.idle.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn has_work(&self) -> bool {
        self.is_stopping() || self.shared.has_work()
    }
}

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
        queues.shared.push(handle);
    }
}

/// Queues a woken task.
#[inline]
pub(super) fn push_woken(queues: &Queues, handle: Handle) {
    push(queues, handle, |local, handle| local.push_woken(handle, &queues.shared));
}

/// Queues a new task.
pub(super) fn push_new(queues: &Queues, handle: Handle) {
    push(queues, handle, |local, handle| local.push_new(handle, &queues.shared));
}

/// The life of worker number `index`.
pub(super) fn work(scheduler: Scheduler, local: Local<Handle>, index: usize) {
    let here = Rc::new(Here { scheduler: scheduler.0, local });
    HERE.set(Some(Rc::clone(&here)));
    let Runner::Workers(queues) = here.scheduler.runner() else {
        unreachable!("only pools start workers");
    };
    let counters = here.scheduler.counters(index);
    let mut long = false;
    loop {
        while let Some(handle) = queues.shared.next_end() {
            handle.end_killed();
        }
        if queues.is_stopping() {
            break;
        }
        let next = here.local.next(long, &queues.shared).or_else(|| find(&here, queues, index));
        let Some(handle) = next else { continue };
        counters.slices.bump();
        long = false;
        if let Taken::Again { handle, yielded } = handle.take_turn(DEFAULT_SLICE.unsigned_abs()) {
            long = yielded;
            if yielded {
                counters.full_slices.bump();
            }
            here.local.push_again(handle, &queues.shared);
        }
    }
    HERE.set(None);
}

/// Looks for a task elsewhere and sleeps until there is one. None when there are ends to see to, or the pool stops.
fn find(here: &Here, queues: &Queues, index: usize) -> Option<Handle> {
    let counters = here.scheduler.counters(index);
    let idle = &queues.shared.idle;
    idle.search();
    loop {
        // Not always the same victim first; which one does not matter for what programs may see.
        let first = fastrand::usize(..);
        if let Some((handle, found)) = queues.shared.search(&here.local, index, first) {
            if matches!(found, Found::Stolen) {
                counters.steals.bump();
            }
            idle.found(|| queues.has_work());
            return Some(handle);
        }
        if queues.is_stopping() || queues.shared.has_ends() {
            idle.found(|| queues.has_work());
            return None;
        }
        counters.parks.bump();
        idle.sleep(index, || queues.has_work());
    }
}

//! Tasks made of closures, and what tests say to each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::{End, Handle, Scheduler, Task, Turn, TurnContext};

/// Long enough for any test on a busy machine; reached only when something hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A task whose turn is a closure, and whose end is another.
pub(super) struct Closures<R, E> {
    run: R,
    end: E,
}

impl<R, E> Task for Closures<R, E>
where
    R: FnMut(&mut TurnContext<'_>) -> Turn + Send,
    E: FnMut(End) + Send,
{
    fn run(&mut self, turn: &mut TurnContext<'_>) -> Turn {
        (self.run)(turn)
    }

    fn end(mut self: Box<Self>, end: End, _turn: &mut TurnContext<'_>) {
        (self.end)(end);
    }
}

pub(super) fn task<R>(run: R) -> Box<dyn Task>
where
    R: FnMut(&mut TurnContext<'_>) -> Turn + Send + 'static,
{
    ending(run, |_| {})
}

pub(super) fn ending<R, E>(run: R, end: E) -> Box<dyn Task>
where
    R: FnMut(&mut TurnContext<'_>) -> Turn + Send + 'static,
    E: FnMut(End) + Send + 'static,
{
    Box::new(Closures { run, end })
}

pub(super) fn spawn<R>(scheduler: &Scheduler, run: R) -> Handle
where
    R: FnMut(&mut TurnContext<'_>) -> Turn + Send + 'static,
{
    scheduler.spawn(task(run)).expect("the scheduler is open")
}

/// How tasks ended, in that order.
#[derive(Clone, Default)]
pub(super) struct Ends(Arc<(Mutex<EndList>, Condvar)>);

type EndList = Vec<(usize, End)>;

impl Ends {
    pub(super) fn note(&self, who: usize) -> impl FnMut(End) + Send + 'static {
        let ends = self.clone();
        move |end| {
            ends.0.0.lock().unwrap().push((who, end));
            ends.0.1.notify_all();
        }
    }

    pub(super) fn all(&self) -> Vec<(usize, End)> {
        self.0.0.lock().unwrap().clone()
    }

    pub(super) fn wait_for(&self, count: usize) -> Vec<(usize, End)> {
        let (list, changed) = &*self.0;
        let guard = list.lock().unwrap();
        let (guard, late) = changed.wait_timeout_while(guard, PATIENCE, |list| list.len() < count).unwrap();
        assert!(!late.timed_out(), "{} of {count} tasks ended", guard.len());
        guard.clone()
    }
}

/// A count that can be waited for.
#[derive(Clone, Default)]
pub(super) struct Gauge(Arc<(Mutex<usize>, Condvar, AtomicUsize)>);

impl Gauge {
    pub(super) fn add(&self, n: usize) {
        *self.0.0.lock().unwrap() += n;
        self.0.2.fetch_add(n, Ordering::SeqCst);
        self.0.1.notify_all();
    }

    pub(super) fn get(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }

    pub(super) fn wait_for(&self, n: usize) {
        let guard = self.0.0.lock().unwrap();
        let (guard, late) = self.0.1.wait_timeout_while(guard, PATIENCE, |have| *have < n).unwrap();
        assert!(!late.timed_out(), "{} of {n}", *guard);
    }
}

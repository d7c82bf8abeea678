//! Long work that cannot stop midway by returning, done in turns: it has a thread of its own, which runs only while the owner
//! waits for it.
//!
//! 1. Owner and work never run at the same time: the owner's turn ends with [`Turns::turn`], the work's when it has taken the
//!    steps that it was given there. So nothing depends on timing, and a slice of a process is as long as the steps it gives.
//! 2. Work calls [`step`] as it goes on. Outside of such a thread that does nothing, so the same code serves who wants the result
//!    at once.
//! 3. Work tells what memory it takes ([`hold`]): more than it may, and it should come to an end, too ([`within`]).
//! 4. Work whose owner has gone sees it at its next step and should come to an end; its result is dropped.

use crate::limits::{MAX_TURN_THREADS, TURN_STACK, TURN_STEPS};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Owner,
    /// So many steps.
    Work(usize),
    /// Nobody waits for the result.
    Abandoned,
    Over,
}

struct Shared {
    turn: Mutex<Turn>,
    changed: Condvar,
    /// What the work held at the end of its last turn.
    held: AtomicUsize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, turn: Turn) {
        *self.lock() = turn;
        self.changed.notify_all();
    }

    /// Waits while it is the turn of the owner, or of the work.
    fn wait_while(&self, waits: impl Fn(Turn) -> bool) -> Turn {
        *self.changed.wait_while(self.lock(), |turn| waits(*turn)).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side of the work.
struct Worker {
    shared: Arc<Shared>,
    left: usize,
}

impl Worker {
    /// Waits for a turn; false if there will be none.
    fn wait(&mut self) -> bool {
        match self.shared.wait_while(|turn| turn == Turn::Owner) {
            Turn::Work(steps) => {
                self.left = steps;
                true
            }
            _ => false,
        }
    }

    fn step(&mut self, steps: usize) -> bool {
        if steps < self.left {
            self.left -= steps;
            return true;
        }
        self.left = 0;
        self.shared.held.store(MEMORY.get().sum(), Ordering::Relaxed);
        let mut turn = self.shared.lock();
        if *turn == Turn::Abandoned {
            return false;
        }
        *turn = Turn::Owner;
        drop(turn);
        self.shared.changed.notify_all();
        self.wait()
    }
}

thread_local! {
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// So much has been done. False: nobody wants the result any more.
#[inline(never)]
pub fn step(steps: usize) -> bool {
    WORKER.with_borrow_mut(|worker| worker.as_mut().is_none_or(|worker| worker.step(steps)))
}

/// [`step`] for a loop, which has done the item at `index`: tells of a few items at a time.
#[inline(always)]
pub fn step_at(index: usize) -> bool {
    const STEPS: usize = TURN_STEPS as usize;
    index % STEPS != STEPS - 1 || step(STEPS)
}

/// Drops a list whose items take time for it.
pub fn drop_all<T>(list: Vec<T>) {
    for (at, item) in list.into_iter().enumerate() {
        drop(item);
        step_at(at);
    }
}

/// What memory is taken for.
#[derive(Clone, Copy)]
pub enum Share {
    /// What has been read: the tree, names, texts.
    Read,
    /// What is made of it.
    Made,
}

/// What the work on this thread holds, and may hold.
#[derive(Clone, Copy)]
struct Memory {
    /// By [`Share`].
    held: [usize; 2],
    limit: usize,
    /// It has held more than it may.
    exceeded: bool,
}

impl Memory {
    const fn new(limit: usize) -> Self {
        Self { held: [0; 2], limit, exceeded: false }
    }

    const fn sum(&self) -> usize {
        self.held[0].saturating_add(self.held[1])
    }
}

thread_local! {
    static MEMORY: Cell<Memory> = const { Cell::new(Memory::new(usize::MAX)) };
}

/// The work takes so many bytes now for this. False: it has taken more than it may, so nobody wants the result any more.
pub fn hold(share: Share, bytes: usize) -> bool {
    let mut memory = MEMORY.get();
    memory.held[share as usize] = bytes;
    memory.exceeded |= memory.sum() > memory.limit;
    MEMORY.set(memory);
    !memory.exceeded
}

/// Puts back, also after a panic, what was before.
struct Before(Memory);

impl Drop for Before {
    fn drop(&mut self) {
        MEMORY.set(self.0);
    }
}

/// Does work that may take `limit` bytes; `None` if it needs more.
pub fn within<T>(limit: usize, work: impl FnOnce() -> T) -> Option<T> {
    let _before = Before(MEMORY.replace(Memory::new(limit)));
    let result = work();
    (!MEMORY.get().exceeded).then_some(result)
}

/// Work in turns with a result.
pub struct Turns<T> {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<T>>,
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Tells, at the latest when the work panics, that it is over.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
        self.0.set(Turn::Over);
    }
}

impl<T: Send + 'static> Turns<T> {
    /// Prepares the work; it begins with its first turn. `None` if there are as many threads for such work as there may be, or the
    /// system has none to give.
    #[must_use]
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> Option<Self> {
        if THREADS.fetch_add(1, Ordering::Relaxed) >= MAX_TURN_THREADS {
            THREADS.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let shared = Arc::new(Shared {
            turn: Mutex::new(Turn::Owner),
            changed: Condvar::new(),
            held: AtomicUsize::new(0),
        });
        let ending = Ending(Arc::clone(&shared));
        let mut worker = Worker { shared: Arc::clone(&shared), left: 0 };
        let run = move || {
            let _ending = ending;
            worker.wait();
            WORKER.set(Some(worker));
            work()
        };
        let thread = Builder::new().name("turns".into()).stack_size(TURN_STACK).spawn(run).ok()?;
        Some(Self { shared, thread: Some(thread) })
    }

    /// What the work held at the end of its last turn.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::Relaxed)
    }

    /// Lets the work take so many steps, or come to its end: then its result is given.
    ///
    /// # Panics
    /// If the work did, with what it said.
    pub fn turn(&mut self, steps: usize) -> Option<T> {
        self.shared.set(Turn::Work(steps));
        if self.shared.wait_while(|turn| matches!(turn, Turn::Work(_))) != Turn::Over {
            return None;
        }
        match self.thread.take()?.join() {
            Ok(result) => Some(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl<T> Drop for Turns<T> {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.shared.set(Turn::Abandoned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn count(to: usize) -> impl FnOnce() -> usize + Send + 'static {
        move || (0..to).take_while(|_| step(1)).count()
    }

    #[test]
    fn work_takes_the_steps_it_is_given() {
        let mut turns = Turns::start(count(10)).expect("a thread");
        for _ in 0..3 {
            assert_eq!(turns.turn(3), None);
        }
        assert_eq!(turns.turn(3), Some(10));
    }

    #[test]
    fn without_turns_it_does_all_at_once() {
        assert_eq!(count(1_000)(), 1_000);
    }

    /// Takes 8 bytes with each step.
    fn fill(to: usize) -> usize {
        (0..to).take_while(|i| step(1) && hold(Share::Made, 8 * (i + 1))).count()
    }

    #[test]
    fn work_is_told_that_it_takes_too_much() {
        assert_eq!((within(800, || fill(100)), within(799, || fill(100))), (Some(100), None));
        assert_eq!(fill(1_000), 1_000, "nothing is left of the limit");
        assert_eq!(within(800, || hold(Share::Read, 400) && hold(Share::Made, 400)), Some(true));
        assert_eq!(within(799, || hold(Share::Read, 400) && hold(Share::Made, 400)), None);
        let given_back = within(799, || hold(Share::Read, 800) || hold(Share::Read, 0));
        assert_eq!(given_back, None, "it was too much once");
        let mut turns = Turns::start(|| within(80, || fill(1_000))).expect("a thread");
        assert_eq!((turns.turn(5), turns.held()), (None, 32));
        assert_eq!(turns.turn(1_000), Some(None));
    }

    #[test]
    fn a_list_is_dropped_in_turns() {
        let list: Vec<Vec<u8>> = (0..10_000).map(|_| vec![1]).collect();
        let mut turns = Turns::start(move || drop_all(list)).expect("a thread");
        let mut count = 1;
        while turns.turn(1_000).is_none() {
            count += 1;
        }
        assert_eq!(count, 10);
    }

    #[test]
    fn abandoned_work_ends() {
        let (tell, hear) = channel();
        let mut turns = Turns::start(move || tell.send(count(1 << 60)())).expect("a thread");
        assert!(turns.turn(5).is_none());
        drop(turns);
        assert_eq!(hear.recv(), Ok(4));
    }

    #[test]
    fn work_that_never_began_ends_too() {
        let (tell, hear) = channel();
        drop(Turns::start(move || tell.send(count(1 << 60)())));
        assert_eq!(hear.recv(), Ok(0));
    }

    #[test]
    fn a_panic_is_the_owners() {
        let mut turns = Turns::start(|| -> usize { panic!("on purpose") }).expect("a thread");
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| turns.turn(1)));
        assert!(caught.is_err());
    }
}

//! A task as the scheduler sees it: the cell that everybody points to, the handle, the turn.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::scheduler::{Env, Scheduler, Shared};
use super::state::{After, Begin, Kill, StateWord, TaskState};
use crate::runtime::clock::{Clock, Dice, Moment};
use crate::runtime::sync::{Mutex, lock};
use crate::runtime::timer::{Expire, Timers};

/// Something that runs in slices.
pub trait Task: Send {
    /// Runs one slice. It must not block; what it waits for wakes its [`Handle`]. Whatever woke the task may come together
    /// with other reasons or for none, so look at everything before [`Turn::Wait`].
    fn run(&mut self, turn: &mut TurnContext<'_>) -> Turn;

    /// The last call, exactly once, however the task ended. Here it tells whom it concerns.
    fn end(self: Box<Self>, end: End, turn: &mut TurnContext<'_>);

    /// What the task waits for, between two turns.
    fn waits(&mut self) -> Waits {
        Waits::default()
    }
}

/// What a task that waits waits for, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Something outside that will end for certain, and not only messages.
    pub operation: bool,
    /// In words.
    pub text: String,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The slice is used up: queue me again, behind the others.
    Yield,
    /// Nothing to do until woken. A wake-up during the turn makes another turn follow.
    Wait,
    /// Finished.
    Done,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its turn returned [`Turn::Done`].
    Done,
    /// [`Handle::kill`], or its scheduler was shut down.
    Killed,
    /// Its turn panicked with this message. The body is as the panic left it.
    Panicked(String),
}

/// Numbers the tasks of one scheduler from 1 in the order of their seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(super) u64);

impl TaskId {
    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A task from outside. It keeps 72 bytes alive, not the task's body, and all of it is harmless when the task has ended.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Cell>);

/// What handles, queues and the registry point to.
pub(super) struct Cell {
    pub(super) state: StateWord,
    /// Place in the registry.
    pub(super) place: u32,
    pub(super) id: TaskId,
    pub(super) shared: Arc<Shared>,
    /// Taken by the runner of the turn, which the state word makes the only one, and by [`Handle::waits`].
    body: Mutex<Option<Box<dyn Task>>>,
}

/// What a turn may use.
pub struct TurnContext<'a> {
    handle: &'a Handle,
    slice: u32,
}

impl Cell {
    pub(super) fn new(shared: Arc<Shared>, id: TaskId, place: u32) -> Self {
        Self { state: StateWord::unborn(), place, id, shared, body: Mutex::new(None) }
    }
}

impl Handle {
    /// Which task of its scheduler.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.0.id
    }

    /// Asks for a turn: now if the task waits, after the present turn if it runs. Free if it is queued, or gone.
    #[inline]
    pub fn wake(&self) {
        if self.0.state.wake() {
            self.0.shared.push_woken(self.clone());
        }
    }

    /// Asks for the end. True if this call is why it ends; false if it has ended or was killed before. A turn that returns
    /// [`Turn::Done`] without looking still ends as done.
    pub fn kill(&self) -> bool {
        match self.0.state.kill() {
            Kill::HandOver => self.0.shared.push_end(self.clone()),
            Kill::Running => {}
            Kill::Late => return false,
        }
        true
    }

    /// What the task waits for. None while it runs, and when it has ended. A turn that is to begin meanwhile waits for the
    /// answer.
    #[must_use]
    pub fn waits(&self) -> Option<Waits> {
        self.0.body.try_lock().ok()?.as_mut().map(|body| body.waits())
    }

    /// Where the task is.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.0.state.get()
    }

    /// The scheduler it belongs to.
    #[must_use]
    pub fn scheduler(&self) -> Scheduler {
        Scheduler(Arc::clone(&self.0.shared))
    }

    /// A timer target that wakes the task; the token says nothing.
    #[must_use]
    pub fn as_timer_target(&self) -> Arc<dyn Expire> {
        Arc::clone(&self.0) as Arc<dyn Expire>
    }

    pub(super) fn set_body(&self, body: Box<dyn Task>) {
        *lock(&self.0.body) = Some(body);
    }

    /// The body is there: the first turn may come.
    pub(super) fn begin_life(&self) {
        match self.0.state.again() {
            After::Queue => self.0.shared.push_new(self.clone()),
            // Not left to the workers: they may have stopped since the seat was given.
            After::End => self.end_killed(),
            After::Rest => unreachable!("`again` asks for a turn"),
        }
    }

    /// No body will come.
    pub(super) fn abandon(&self) {
        self.claimed_end(End::Killed);
    }

    /// Takes a queue entry: one turn, and whatever follows from it. `slice` is the length of the turn.
    pub(super) fn take_turn(self, slice: u32) -> Taken {
        match self.0.state.begin() {
            Begin::Run => {}
            Begin::End => {
                self.end(End::Killed);
                return Taken::Ended;
            }
            Begin::Skip => return Taken::Skipped,
        }
        let turn = {
            let mut body = lock(&self.0.body);
            let body = body.as_mut().expect("a task that is queued has a body until its end is claimed");
            let mut context = TurnContext { handle: &self, slice };
            catch_unwind(AssertUnwindSafe(|| body.run(&mut context)))
        };
        let (after, yielded) = match turn {
            Ok(Turn::Wait) => (self.0.state.rest(), false),
            Ok(Turn::Yield) => (self.0.state.again(), true),
            Ok(Turn::Done) => return self.claimed_end(End::Done),
            Err(panic) => return self.claimed_end(End::Panicked(panic_text(&*panic))),
        };
        match after {
            After::Rest => Taken::Rests,
            After::Queue => Taken::Again { handle: self, yielded },
            After::End => self.claimed_end(End::Killed),
        }
    }

    /// Takes an entry of the list of ends, or ends what a shutdown has found.
    pub(super) fn end_killed(&self) {
        self.claimed_end(End::Killed);
    }

    /// For a shutdown, which ends tasks itself. False if somebody else has killed the task before.
    pub(super) fn mark_killed(&self) -> bool {
        self.0.state.kill() != Kill::Late
    }

    /// For a shutdown, after [`Handle::mark_killed`] and when the workers have gone: ends the task unless a turn of it did not
    /// come back, or its seat is still waiting for the start.
    pub(super) fn end_if_idle(&self) {
        if !self.0.state.is_running() {
            self.end_killed();
        }
    }

    fn claimed_end(&self, end: End) -> Taken {
        if self.0.state.claim_end() {
            self.end(end);
            Taken::Ended
        } else {
            Taken::Skipped
        }
    }

    /// For who claimed the end.
    fn end(&self, end: End) {
        let body = lock(&self.0.body).take();
        if let Some(body) = body {
            let panicked = matches!(end, End::Panicked(_));
            let mut context = TurnContext { handle: self, slice: 0 };
            let again = catch_unwind(AssertUnwindSafe(|| body.end(end, &mut context))).is_err();
            if panicked || again {
                self.0.shared.count_panic();
            }
        }
        self.0.shared.remove(self);
    }
}

impl Expire for Cell {
    fn expire(self: Arc<Self>, _token: u64) {
        Handle(self).wake();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} ({:?})", self.0.id.0, self.state())
    }
}

/// What became of a queue entry.
pub(super) enum Taken {
    /// It was stale.
    Skipped,
    /// The task waits.
    Rests,
    /// The task is to be queued, because it used up its slice or because it was woken during its turn.
    Again { handle: Handle, yielded: bool },
    /// The task is gone.
    Ended,
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic without a message".to_owned()
    }
}

impl TurnContext<'_> {
    /// The running task.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        self.handle
    }

    /// Reductions in this turn. Simulations vary it, so that turns end everywhere.
    #[must_use]
    pub fn slice(&self) -> u32 {
        self.slice
    }

    /// Whether the task was killed. The turn may end at once: whatever it returns but [`Turn::Done`], no other follows.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.handle.0.state.is_killed()
    }

    /// Clock, timers and dice.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.handle.0.shared.env
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.env().clock
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.env().clock.now()
    }

    /// The timers.
    #[must_use]
    pub fn timers(&self) -> &Timers {
        &self.env().timers
    }

    /// The dice.
    #[must_use]
    pub fn dice(&self) -> &Dice {
        &self.env().dice
    }

    /// The scheduler that runs the task, to start others with.
    #[must_use]
    pub fn scheduler(&self) -> Scheduler {
        self.handle.scheduler()
    }
}

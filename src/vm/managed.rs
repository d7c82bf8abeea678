//! Managed coroutines: the main function of a process and what `coroutine.spawn` starts; how they block and go on.
//!
//! A managed coroutine runs until it blocks, gives way or ends; then the first one of the queue of runnable ones runs. They
//! take turns inside the dispatcher: switching is a change of `Vm::th`. Manual coroutines (`coroutine.create`) are no
//! concern here: while one of them is running it belongs to the managed coroutine that resumed it, directly or not, and the
//! whole chain blocks and goes on together.
//!
//! # Blocking
//!
//! A native function that has to wait says so with [`Cx::block`], gives the [`Ticket`] to whoever will know when the wait is
//! over, and returns [`Step::Block`](super::native::Step::Block). Whoever has the ticket ends the wait, from another native function or from outside (a
//! host uses [`Vm::with_context`] between two runs):
//!
//! - [`Cx::complete`]: the values are the function's results;
//! - [`Cx::reenter`]: the function is entered again, with the values on top of its window (it told itself apart with
//!   [`Cx::set_state`](super::native::Cx::set_state) before);
//! - [`Cx::fail`]: the function raises the value.
//!
//! A ticket is good for one wait, and only while that lasts: used too early (before the function has returned), too late or
//! twice, it does nothing and says so.
//!
//! ```text
//! native:  let ticket = cx.block(&Wait::Operation("sleep"))?;      host:  vm.run() == Exit::Idle
//!          timers.set(deadline, ticket);                                 (wait for a timer, message, …)
//!          Ok(Step::Block)                                               vm.with_context(|cx| cx.complete(ticket, &[]))
//!                                                                        vm.run()
//! ```
//!
//! [`Vm::run`] returns [`Exit::Idle`] when no managed coroutine can run, and after [`Exit::Yielded`] the host may look for
//! completions before it goes on. When every coroutine waits for something that cannot happen ([`Wait::Nothing`]), the process
//! fails instead.
//!
//! # Invariants
//!
//! 1. `slots[0]` is the main coroutine, once there are slots at all: they come with the first wait or spawn.
//! 2. The slot of a parked coroutine holds its innermost coroutine, on whose stack the function that blocked is on top. All
//!    slots are roots of the collector: a parked coroutine lives as long as the process runs, whoever can wake it.
//! 3. The queue holds each slot in state `Ready` once and no others (`slots.rs`).
//! 4. Turns count up and are never reused, not even in a new run of the process: that makes tickets good once.
#![allow(unsafe_op_in_unsafe_fn)]

use super::hook::RETURNING;
use super::native::{Co, Cx, Val};
use super::slots::{Slots, State};
use super::unwind::RAISING;
use super::{Exit, LuaError, Vm};
use crate::heap::thread::{Status, frame_flag};
use crate::heap::value::{get, put};
use crate::heap::{Frame, OutOfMemory, Thread, Value};
use crate::limits::{MAX_DEADLOCK_LINES, NATIVE_STACK};
use smallvec::smallvec;

/// Names one wait of one managed coroutine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ticket {
    slot: u32,
    turn: u64,
}

impl Ticket {
    pub(super) const fn new(slot: u32, turn: u64) -> Self {
        Self { slot, turn }
    }

    pub(super) const fn parts(self) -> (u32, u64) {
        (self.slot, self.turn)
    }
}

/// What a coroutine waits for, with words that say it: "receive on a channel".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Something that another coroutine does, or a message.
    Channel(&'static str),
    /// Something outside of the process that will end for certain.
    Operation(&'static str),
    /// Nothing can end this wait.
    Nothing(&'static str),
}

impl Wait {
    /// The words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Channel(words) | Self::Operation(words) | Self::Nothing(words) => words,
        }
    }
}

/// A coroutine that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    pub wait: Wait,
    /// `file.lua:12` of the innermost Lua function, empty if there is none.
    pub place: Vec<u8>,
    /// Addresses of the channels that it waits for.
    pub channels: Vec<usize>,
    pub is_main: bool,
}

/// The managed coroutines of a process.
#[derive(Default)]
pub(crate) struct Managed {
    slots: Slots,
    /// The running one.
    current: u32,
    turns: u64,
    /// What the running function told [`Cx::block`].
    announced: Option<&'static Wait>,
    /// Coroutines in [`Wait::Nothing`].
    hopeless: u32,
    /// No coroutine runs: the next one comes from the queue.
    idle: bool,
    /// Blocking is an error now: file scope of an entry.
    forbidden: bool,
    /// The program uses channels or managed coroutines: its main function may give way.
    pub(super) in_use: bool,
}

impl Managed {
    /// Every coroutine that is the innermost of a parked one.
    pub(super) fn each_root(&self, mark: &mut dyn FnMut(Value)) {
        for slot in self.slots.iter() {
            if !slot.th.is_null() {
                mark(Value::thread(slot.th));
            }
        }
    }
}

impl Vm {
    /// The innermost coroutine of a wait that still lasts.
    #[inline]
    pub(super) fn waiting_thread(&self, ticket: Ticket) -> Option<*mut Thread> {
        self.managed.slots.waiting(ticket).map(|slot| slot.th)
    }

    /// The frame of the function that blocked on top of a parked coroutine.
    pub(super) unsafe fn waiting_frame(&self, th: *mut Thread) -> *mut Frame {
        let frame = (*th).frame;
        // The context of a host may lie above.
        if th == self.th && Self::is_host_frame(frame) { frame.sub(1) } else { frame }
    }

    /// Why the running function may not block, if so.
    unsafe fn must_not_block(&self) -> Option<&'static str> {
        if self.managed.forbidden {
            return Some("can not yield from outside of a coroutine");
        }
        if self.finalizers > 0 {
            return Some("attempt to block in a finalizer");
        }
        let mut th = self.th;
        while !th.is_null() {
            if (*th).in_hook {
                return Some("attempt to block in a debug hook");
            }
            th = (*th).resumer;
        }
        self.managed.idle.then_some("attempt to block outside of a coroutine")
    }

    /// Registers a new coroutine and queues it.
    unsafe fn add_managed(&mut self, th: *mut Thread) -> Result<(), LuaError> {
        self.managed.slots.begin();
        self.managed.slots.add(th)?;
        self.managed.in_use = true;
        (*th).status = Status::Blocked;
        Ok(())
    }

    /// Leaves the running coroutine as it is.
    unsafe fn park(&mut self, state: State) {
        let slot = &mut self.managed.slots[self.managed.current];
        slot.th = self.th;
        slot.resume_depth = self.resume_depth;
        slot.state = state;
        (*self.th).status = Status::Blocked;
    }

    /// [`Step::Block`](super::native::Step::Block).
    #[inline(always)]
    pub(super) unsafe fn block(&mut self) -> Result<(), LuaError> {
        let Some(wait) = self.managed.announced.take() else {
            return Err(LuaError::runtime("a native function blocks without a wait"));
        };
        if matches!(wait, Wait::Nothing(_)) {
            self.managed.hopeless += 1;
        }
        self.park(State::Waiting(wait));
        self.run_next()
    }

    /// The running function returns the `n` values on top, after all runnable coroutines have had a turn.
    pub(super) unsafe fn give_way(&mut self, n: usize) -> Result<(), LuaError> {
        (*(*self.th).frame).state = RETURNING | n as u64;
        if !self.managed.slots.has_ready() || self.must_not_block().is_some() {
            return Ok(());
        }
        self.park(State::Ready);
        let current = self.managed.current;
        self.managed.slots.queue(current);
        self.run_next()
    }

    /// `coroutine.yield` in a managed coroutine: the host gets a turn, too.
    pub(super) unsafe fn yield_managed(&mut self) -> Result<(), LuaError> {
        if !self.managed.in_use {
            return Err(LuaError::bare("attempt to yield from outside a coroutine"));
        }
        if let Some(why) = self.must_not_block() {
            return Err(LuaError::bare(why));
        }
        self.give_way(0)?;
        self.exit = Exit::Yielded;
        self.leave = true;
        Ok(())
    }

    /// Goes on with the first runnable coroutine; without any, leaves the dispatcher.
    #[inline(always)]
    unsafe fn run_next(&mut self) -> Result<(), LuaError> {
        let Some(index) = self.managed.slots.next_ready() else {
            self.managed.idle = true;
            self.leave = true;
            if self.managed.hopeless > 0 && self.is_hopeless() {
                self.fail_hopeless();
            } else {
                self.exit = Exit::Idle;
            }
            return Ok(());
        };
        self.managed.idle = false;
        self.managed.current = index;
        let slot = &mut self.managed.slots[index];
        slot.state = State::Running;
        let th = std::mem::replace(&mut slot.th, std::ptr::null_mut());
        self.resume_depth = slot.resume_depth;
        (*th).status = Status::Running;
        self.switch_to(th);
        if (*th).frame == (*th).frames {
            // Its first turn: the function waits at the bottom of the stack.
            return self.precall((*th).stack, -1, frame_flag::ENTRY);
        }
        Ok(())
    }

    /// Before a run goes on: with whom.
    pub(super) unsafe fn wake_up(&mut self) -> Result<(), LuaError> {
        if self.managed.idle {
            return self.run_next();
        }
        if Thread::depth(self.th) == 0 {
            // The run is over: its end has been told already.
            self.leave = true;
        }
        Ok(())
    }

    /// The running coroutine, a managed one that is not the main one, has ended.
    pub(super) unsafe fn finish_managed(&mut self) -> Result<(), LuaError> {
        self.managed.slots.release(self.managed.current);
        self.run_next()
    }

    /// Ends all managed coroutines but the main function, which is over: nothing of them runs any more.
    pub(super) unsafe fn drop_managed(&mut self) {
        if self.managed.slots.is_empty() {
            return;
        }
        for slot in self.managed.slots.take() {
            let mut th = slot.th;
            while !th.is_null() && th != self.main {
                let next = (*th).resumer;
                // The running one may be in use still: its error is being told.
                if th != self.th {
                    Thread::abandon(th, &mut self.heap);
                }
                th = next;
            }
        }
        self.managed.current = 0;
        self.managed.hopeless = 0;
        self.managed.idle = false;
    }

    // ---- when nothing goes on ----

    /// Whether no coroutine can go on.
    pub(super) fn is_idle(&self) -> bool {
        self.managed.idle
    }

    fn is_hopeless(&self) -> bool {
        self.managed.hopeless as usize == self.managed.slots.living()
    }

    /// The process fails: no coroutine can ever go on.
    unsafe fn fail_hopeless(&mut self) {
        let text = self.deadlock_text("deadlock: all coroutines blocked with no pending operations");
        self.fail_with(&text);
    }

    /// Ends an idle process with an error.
    pub fn fail_idle(&mut self, message: &[u8]) {
        // SAFETY: the coroutines of an idle process rest.
        unsafe { self.fail_with(message) }
    }

    unsafe fn fail_with(&mut self, message: &[u8]) {
        let main = self.managed.slots.iter().next().map_or(self.main, |slot| slot.th);
        let traceback = Some(self.traceback(main, 0));
        self.last_failure = Some(Box::new(super::LastFailure { traceback, place: None }));
        let value = match self.heap.new_string(message) {
            Ok(s) => Value::string(s),
            Err(OutOfMemory) => {
                Value::string(crate::heap::string::constant(b"deadlock: all coroutines blocked"))
            }
        };
        self.exit_values = smallvec![value];
        self.exit = Exit::Failed;
        self.th = self.main;
        self.drop_managed();
        Thread::abandon(self.main, &mut self.heap);
    }

    /// `title` and a line for each coroutine that waits.
    #[must_use]
    pub fn deadlock_text(&self, title: &str) -> Vec<u8> {
        let mut text = title.as_bytes().to_vec();
        let waiting = self.waiting();
        for line in waiting.iter().take(MAX_DEADLOCK_LINES) {
            text.extend_from_slice(b"\n  ");
            if !line.place.is_empty() {
                text.extend_from_slice(&line.place);
                text.extend_from_slice(b": ");
            }
            text.extend_from_slice(line.wait.words().as_bytes());
        }
        if waiting.len() > MAX_DEADLOCK_LINES {
            let more = waiting.len() - MAX_DEADLOCK_LINES;
            text.extend_from_slice(format!("\n  and {more} more").as_bytes());
        }
        text
    }

    /// True if some coroutine waits for something outside that will end for certain.
    #[must_use]
    pub fn awaits_operation(&self) -> bool {
        self.managed.slots.iter().any(|slot| matches!(slot.state, State::Waiting(Wait::Operation(_))))
    }

    /// The coroutines that wait, the main one first.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        let slots = self.managed.slots.iter().enumerate();
        slots
            .filter_map(|(i, slot)| {
                let State::Waiting(&wait) = slot.state else { return None };
                // SAFETY: a waiting coroutine is live and parked.
                let (place, channels) = unsafe { (Self::place_of(slot.th), self.channels_of(slot.th)) };
                Some(Waiting { wait, place, channels, is_main: i == 0 })
            })
            .collect()
    }

    /// `file.lua:12` of the innermost Lua function of a parked coroutine.
    unsafe fn place_of(th: *mut Thread) -> Vec<u8> {
        let mut th = th;
        while !th.is_null() {
            let mut frame = (*th).frame;
            while frame > (*th).frames {
                if let Some(line) = Self::frame_line(frame) {
                    let code = &*(*Self::frame_closure(frame)).code;
                    let mut out = super::debug::short_source(&code.source);
                    out.extend_from_slice(format!(":{line}").as_bytes());
                    return out;
                }
                frame = frame.sub(1);
            }
            th = (*th).resumer;
        }
        Vec::new()
    }

    /// Addresses of the channels in the window of the function that blocked: a function that waits for channels has them there
    /// (`vm/channel`).
    unsafe fn channels_of(&self, th: *mut Thread) -> Vec<usize> {
        let mut at = (*self.waiting_frame(th)).base;
        let mut channels = Vec::new();
        while at < (*th).top {
            // SAFETY: values in the window of a parked function are live, and stay so while `self` is borrowed.
            let v: Val<'_> = Val::raw_new(get(at));
            if v.as_channel().is_some() {
                channels.push(v.address());
            }
            at = at.add(1);
        }
        channels
    }

    /// Forbids or allows blocking: it is not allowed at file scope of an entry.
    pub fn allow_blocking(&mut self, allowed: bool) {
        self.managed.forbidden = !allowed;
    }

    /// The program is one of several coroutines or processes, even if it starts none itself: `coroutine.yield` in its main
    /// function gives way. In a plain script that uses nothing of the kind it is an error, as in 5.3.
    pub fn use_managed(&mut self) {
        self.managed.in_use = true;
    }

    // ---- ending a wait ----

    /// Puts values on top of the function that blocked.
    #[inline]
    unsafe fn deliver_parked(&mut self, th: *mut Thread, values: &[Val<'_>]) -> Result<(), OutOfMemory> {
        let n = values.len();
        if (*th).top.wrapping_add(n + NATIVE_STACK / 2) > (*th).limit {
            let used = (*th).top.offset_from((*th).stack) as usize;
            Thread::grow_stack(th, &mut self.heap, (used + n + NATIVE_STACK).max(Thread::stack_len(th)))?;
        }
        let mut at = (*th).top;
        if th == self.th && Self::is_host_frame((*th).frame) {
            // The context of a host lies above: it moves up.
            let host = (*th).frame;
            let first = (*host).func();
            while at > first {
                at = at.sub(1);
                put(at.add(n), get(at));
            }
            (*host).base = (*host).base.add(n);
        }
        for (i, v) in values.iter().enumerate() {
            put(at.add(i), v.raw());
        }
        (*th).top = (*th).top.add(n);
        Ok(())
    }

    /// Ends a wait: the values go on top of the function that blocked, whose state gets `bits`.
    unsafe fn end_wait(
        &mut self,
        ticket: Ticket,
        values: &[Val<'_>],
        bits: Option<u64>,
    ) -> Result<bool, LuaError> {
        let Some(th) = self.waiting_thread(ticket) else { return Ok(false) };
        self.end_wait_of(ticket.slot, th, values, bits)?;
        Ok(true)
    }

    /// As [`Vm::end_wait`], for the slot of a coroutine that waits and is parked at `th`.
    pub(super) unsafe fn end_wait_of(
        &mut self,
        slot: u32,
        th: *mut Thread,
        values: &[Val<'_>],
        bits: Option<u64>,
    ) -> Result<(), OutOfMemory> {
        self.deliver_parked(th, values)?;
        if let Some(bits) = bits {
            (*self.waiting_frame(th)).state = bits;
        }
        if matches!(self.managed.slots[slot].state, State::Waiting(Wait::Nothing(_))) {
            self.managed.hopeless -= 1;
        }
        self.managed.slots.queue(slot);
        Ok(())
    }

    /// As [`Cx::complete`], for the slot of a coroutine that waits for a channel and is parked at `th`.
    #[inline(always)]
    pub(super) unsafe fn complete_of<const N: usize>(
        &mut self,
        slot: u32,
        th: *mut Thread,
        results: [Val<'_>; N],
    ) -> Result<(), OutOfMemory> {
        let bits = RETURNING | N as u64;
        let top = (*th).top;
        if th == self.th || top.add(N + NATIVE_STACK / 2) > (*th).limit {
            return self.end_wait_of(slot, th, &results, Some(bits));
        }
        for (i, v) in results.iter().enumerate() {
            put(top.add(i), v.raw());
        }
        (*th).top = top.add(N);
        (*(*th).frame).state = bits;
        self.managed.slots.queue(slot);
        Ok(())
    }
}

impl<'gc> Cx<'gc> {
    /// Announces a wait of the running managed coroutine, which begins when the function returns
    /// [`Step::Block`](super::native::Step::Block).
    ///
    /// # Errors
    /// Where blocking is not allowed: finalizers, debug hooks, file scope of an entry. Memory.
    #[inline(always)]
    pub fn block(&mut self, wait: &'static Wait) -> Result<Ticket, LuaError> {
        let vm = self.vm_mut();
        // SAFETY: the running coroutines are live.
        if let Some(why) = unsafe { vm.must_not_block() } {
            return Err(LuaError::message(why));
        }
        vm.managed.slots.begin();
        let managed = &mut vm.managed;
        managed.turns += 1;
        let slot = &mut managed.slots[managed.current];
        slot.turn = managed.turns;
        managed.announced = Some(wait);
        Ok(Ticket { slot: managed.current, turn: slot.turn })
    }

    /// True while the wait that the ticket names lasts.
    #[must_use]
    pub fn is_waiting(&self, ticket: Ticket) -> bool {
        self.vm().managed.slots.waiting(ticket).is_some()
    }

    /// Ends a wait: the function that blocked returns the values. False: it does not wait any more.
    ///
    /// # Errors
    /// Memory; the wait lasts then.
    pub fn complete(&mut self, ticket: Ticket, results: &[Val<'gc>]) -> Result<bool, LuaError> {
        // SAFETY: values of this lifetime are live.
        unsafe { self.vm_mut().end_wait(ticket, results, Some(RETURNING | results.len() as u64)) }
    }

    /// Ends a wait: the function that blocked is entered again, with the values on top of its window. False: it does not
    /// wait any more.
    ///
    /// # Errors
    /// Memory; the wait lasts then.
    pub fn reenter(&mut self, ticket: Ticket, values: &[Val<'gc>]) -> Result<bool, LuaError> {
        // SAFETY: values of this lifetime are live.
        unsafe { self.vm_mut().end_wait(ticket, values, None) }
    }

    /// Ends a wait: the function that blocked raises `error`. False: it does not wait any more.
    ///
    /// # Errors
    /// Memory; the wait lasts then.
    pub fn fail(&mut self, ticket: Ticket, error: Val<'gc>) -> Result<bool, LuaError> {
        // SAFETY: values of this lifetime are live.
        unsafe { self.vm_mut().end_wait(ticket, &[error], Some(RAISING)) }
    }

    /// Starts a managed coroutine that runs `f`: it is queued. Return [`Step::GiveWay`](super::native::Step::GiveWay) for it to run before the
    /// function returns.
    ///
    /// # Errors
    /// Where blocking is not allowed. Memory.
    pub fn spawn(&mut self, f: Val<'gc>) -> Result<Co<'gc>, LuaError> {
        // SAFETY: the running coroutines are live.
        if let Some(why) = unsafe { self.vm().must_not_block() } {
            return Err(LuaError::message(why));
        }
        let co = self.coroutine(f)?;
        // SAFETY: the coroutine is new.
        unsafe { self.vm_mut().add_managed(co.raw())? };
        Ok(co)
    }
}

//! The main function: how a run starts, goes on slice by slice, and ends.
#![allow(unsafe_op_in_unsafe_fn)]

use super::error::Place;
use super::meta::Event;
use super::{Exit, LuaError, Vm, dispatch};
use crate::heap::thread::{Status, frame_flag};
use crate::heap::value::get;
use crate::heap::{FrameKind, Thread, Value};
use smallvec::{SmallVec, smallvec};
use std::sync::atomic::Ordering;

impl Vm {
    /// Prepares to run `f(args…)` as the main function.
    ///
    /// # Errors
    /// [`LuaError`] if the arguments do not fit or `f` is not callable.
    pub fn start(&mut self, f: Value, args: &[Value]) -> Result<(), LuaError> {
        self.start_inside(0, f, args)
    }

    /// [`Vm::start`], inside so many finalizers.
    fn start_inside(&mut self, finalizers: u32, f: Value, args: &[Value]) -> Result<(), LuaError> {
        self.finish_collection();
        // SAFETY: the main coroutine is idle: its stack is empty above the ground frame.
        unsafe {
            self.th = self.main;
            self.drop_managed();
            let th = self.th;
            // What a run that failed left: its locals may live on in closures, its frames do not.
            Thread::close_upvals(th, (*th).stack);
            self.unwind_to((*th).frames);
            self.resume_depth = 0;
            (*th).native_calls = 0;
            self.finalizers = finalizers;
            (*th).status = Status::Running;
            self.refresh_hooks();
            let at = (*th).stack;
            (*th).top = at;
            self.call_at(at, f, args, -1, frame_flag::ENTRY)?;
        }
        // Those of the run before.
        self.exit_values = SmallVec::new();
        Ok(())
    }

    /// Runs until the main function ends, the slice is over, or no coroutine can go on. After [`Exit::Preempted`],
    /// [`Exit::Yielded`] and, when something was woken, [`Exit::Idle`], call it again.
    pub fn run(&mut self) -> Exit {
        self.budget = self.slice;
        let _ = self.enter_thread();
        let this: *mut Self = self;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // SAFETY: the state is consistent between runs.
            unsafe {
                if (*this).heap.gc.is_collecting() && !(*this).collect_slice() {
                    return Exit::Preempted;
                }
                if (*this).heap.is_growing() && !(*this).grow_slice() {
                    return Exit::Preempted;
                }
                let mut first = (*this).wake_up();
                if first.is_ok() && !(*this).leave {
                    first = (*this).interrupted_native();
                    if (*this).heap.is_doomed() {
                        (*this).native_raised = (*this).is_in_native();
                        first = Err(LuaError::memory());
                    }
                }
                if (*this).settle(first) { (*this).exit } else { dispatch::enter(this) }
            }
        }));
        match outcome {
            Ok(exit) => exit,
            Err(_) => {
                // A bug of ours in a native function: this process is over, the program is not.
                self.exit_values =
                    smallvec![Value::string(crate::heap::string::constant(b"panic in native code"))];
                Exit::Failed
            }
        }
    }

    /// A piece of the growth of a table; true if the process may go on. An interruption does not wait for it: the instruction that
    /// wants to store there sees it.
    fn grow_slice(&mut self) -> bool {
        if self.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            self.heap.abandon_growth();
        }
        self.heap.grow()
    }

    /// Between two slices of a native function its end may be asked for from outside; Lua functions look for themselves.
    unsafe fn interrupted_native(&mut self) -> Result<(), LuaError> {
        if self.is_in_native()
            && self.interrupt.as_ref().is_some_and(|flag| flag.swap(false, Ordering::Relaxed))
        {
            self.native_raised = true;
            return Err(LuaError::message("interrupted!"));
        }
        Ok(())
    }

    /// Whether a native function is to go on when the next slice begins.
    unsafe fn is_in_native(&self) -> bool {
        (*(*self.th).frame).kind == FrameKind::Native && Thread::depth(self.th) > 0
    }

    /// Traceback of the error that ended the run.
    pub fn take_traceback(&mut self) -> Option<Vec<u8>> {
        self.last_failure.as_mut()?.traceback.take()
    }

    /// Place of the error that ended the run.
    pub fn take_place(&mut self) -> Option<Place> {
        self.last_failure.as_mut()?.place.take()
    }

    /// Runs all finalizers that are due. Errors in them are ignored, as at the end of a program in 5.3. If one of them ends the
    /// program, the others do not run, unless it asks for that; then the code is given.
    pub fn close(&mut self) -> Option<i32> {
        let mut quit = None;
        self.finish_collection();
        while let Some(object) = self.heap.gc.take_due() {
            // SAFETY: due objects are alive.
            let handler = unsafe { self.value_handler(object, Event::Gc) };
            if !handler.is_function() {
                continue;
            }
            // The others wait until this one is over.
            if self.start_inside(1, handler, &[object]).is_ok() {
                let exit = loop {
                    match self.run() {
                        Exit::Preempted => {}
                        exit => break exit,
                    }
                };
                if let Exit::Quit(code) = exit {
                    quit = Some(code);
                    if !self.close_on_exit {
                        break;
                    }
                }
            }
            self.finalizers = 0;
        }
        quit
    }

    /// Results of the main function, or the error value.
    #[must_use]
    pub fn exit_values(&self) -> &[Value] {
        &self.exit_values
    }

    /// Ends the main function.
    pub(super) unsafe fn finish_main(&mut self, from: *mut Value, n: usize) {
        self.exit_values = (0..n).map(|i| get(from.add(i))).collect();
        self.exit = Exit::Done;
        self.leave = true;
        self.drop_managed();
    }
}

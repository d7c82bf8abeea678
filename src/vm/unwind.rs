//! Errors on their way: who handles one, what is undone until there, and message handlers at the point of the error.
#![allow(unsafe_op_in_unsafe_fn)]

use super::error::{Place, Raised};
use super::native::{Cx, Native, Step, native_flag};
use super::run::NativeOutcome;
use super::{Exit, LastFailure, LuaError, Vm};
use crate::heap::thread::{Status, frame_flag};
use crate::heap::value::{get, put, tag};
use crate::heap::{Frame, FrameKind, Thread, Value};
use crate::limits::{MAX_HANDLER_DEPTH, MAX_STACK, NATIVE_STACK, STACK_RESERVE};
use smallvec::smallvec;

/// Bit of a native frame's state: an error arrived instead of results; its value is on top of the stack.
pub(super) const CAUGHT: u64 = 1 << 63;

/// Bit of a native frame's state: its wait ended with the error on top of the stack.
pub(super) const RAISING: u64 = 1 << 61;

/// State of a [`HANDLER`] whose error the native function below it has raised itself, which therefore does not catch it.
const RAISED_BELOW: u64 = 1;

/// How the error of a finalizer begins.
const FINALIZER_FAILED: &[u8] = b"error in __gc metamethod (";

/// Stands below a running message handler: turns its result into the error that unwinds.
pub(super) static HANDLER: Native = Native::new("?", handler_returned);

fn handler_returned(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    Err(cx.raise_handled())
}

impl Vm {
    /// Finds who handles an error and prepares to go on there.
    pub(super) unsafe fn unwind(&mut self, e: LuaError) -> Result<(), LuaError> {
        let raised = match (&self.forward, e.into_raised()) {
            (Some(forward), Raised::Value(v)) => Raised::Value(forward.of(v)),
            (_, raised) => raised,
        };
        if self.forward.is_some() {
            self.finish_owning();
        }
        self.native_outcome = NativeOutcome::NotCalled;
        let native_raised = std::mem::take(&mut self.native_raised);
        let with_handler = matches!(
            raised,
            Raised::Value(_) | Raised::Message { .. } | Raised::Runtime(_) | Raised::Argument { .. }
        );
        let is_message = with_handler && !matches!(raised, Raised::Value(_));
        if matches!(raised, Raised::Memory) {
            // What the failed function held is garbage once it is unwound: collect before the program goes on.
            self.heap.gc_pending = true;
            self.heap.refused_for_good();
        }
        let has_place = Self::has_place(&raised);
        // As 5.3: these leave a finalizer as they are.
        let is_wrapped = matches!(raised, Raised::Memory) || self.is_of_finalizer(&raised);
        let value = match self.error_value(raised) {
            Ok(v) => v,
            Err(code) => {
                self.exit = Exit::Quit(code);
                self.leave = true;
                return Ok(());
            }
        };
        // A message for which there was no room has become a memory error, and those have no handler.
        let with_handler = with_handler && !(is_message && Self::is_memory_text(value));
        let th = self.th;
        // Who catches it? Not the native function that raised it.
        let mut frame = (*th).frame;
        if native_raised && (*frame).flags & (frame_flag::ENTRY | frame_flag::FINALIZER) == 0 {
            frame = frame.sub(1);
        }
        let mut handlers = 0;
        loop {
            if (*frame).kind == FrameKind::Native && frame != (*th).frames {
                let native = Self::frame_native(frame);
                if Self::catches(th, frame) && !(native_raised && frame == (*th).frame) {
                    break;
                }
                if std::ptr::eq(native, &raw const HANDLER) {
                    handlers += 1;
                }
            }
            if (*frame).flags & (frame_flag::ENTRY | frame_flag::FINALIZER) != 0 {
                break;
            }
            frame = frame.sub(1);
        }
        let is_finalizer = (*frame).flags & frame_flag::FINALIZER != 0;
        let raised_here = native_raised && frame == (*th).frame;
        let is_entry = (*frame).flags & frame_flag::ENTRY != 0 && (raised_here || !Self::catches(th, frame));
        let is_finalizer = is_finalizer && (raised_here || !Self::catches(th, frame));
        if !is_entry && !is_finalizer && with_handler {
            let mut holder = frame;
            while (*Self::frame_native(holder)).flags & native_flag::INHERIT != 0
                && let Some(outer) = Self::catcher_around(th, holder)
            {
                holder = outer;
            }
            if (*Self::frame_native(holder)).flags & native_flag::HANDLER != 0 {
                return self.call_handler(holder, value, handlers, native_raised);
            }
        }
        if is_finalizer {
            return self.finalizer_failed(frame, value, is_wrapped);
        }
        if is_entry {
            let place = if has_place { self.error_place() } else { None };
            return self.entry_failed(value, place);
        }
        // Back to the protected call.
        Thread::close_upvals(th, (*frame).base);
        self.unwind_to(frame);
        // Only now: after an overflow the stack has just become smaller, elsewhere.
        let base = (*frame).base;
        (*frame).state |= CAUGHT;
        put(base, value);
        (*th).top = base.add(1);
        Ok(())
    }

    /// True for a protected call in progress; in its call and return hooks it has not begun, or is over, and its own errors are
    /// not its to catch.
    unsafe fn catches(th: *mut Thread, frame: *mut Frame) -> bool {
        let outside = frame < (*th).frame && {
            let above = frame.add(1);
            (*above).flags & frame_flag::HOOK != 0
                || ((*above).kind == FrameKind::Native
                    && std::ptr::eq(Self::frame_native(above), &raw const HANDLER)
                    && (*above).state & RAISED_BELOW != 0)
        };
        frame != (*th).frames
            && !outside
            && (*frame).kind == FrameKind::Native
            && (*Self::frame_native(frame)).flags & native_flag::CATCH != 0
    }

    /// The protected call around another one in the same coroutine.
    unsafe fn catcher_around(th: *mut Thread, inner: *mut Frame) -> Option<*mut Frame> {
        let mut frame = inner;
        while (*frame).flags & (frame_flag::ENTRY | frame_flag::FINALIZER) == 0 {
            frame = frame.sub(1);
            if Self::catches(th, frame) {
                return Some(frame);
            }
        }
        None
    }

    /// Drops the frames above `frame` and what they had switched on.
    pub(super) unsafe fn unwind_to(&mut self, frame: *mut Frame) {
        let th = self.th;
        while (*th).frame > frame {
            let flags = (*(*th).frame).flags;
            self.drop_state();
            if flags & frame_flag::RESUME_NATIVE != 0 {
                (*th).native_calls -= 1;
            }
            if flags & frame_flag::HOOK != 0 {
                (*th).in_hook = false;
            }
            if flags & frame_flag::FINALIZER != 0 {
                self.finalizers -= 1;
            }
            (*th).frame = (*th).frame.sub(1);
        }
        self.refresh_hooks();
        if Thread::stack_len(th) > MAX_STACK {
            let used = (*th).top.min((*frame).base.add(NATIVE_STACK));
            let used = used.offset_from((*th).stack) as usize;
            if used + STACK_RESERVE < MAX_STACK {
                (*th).top = (*th).stack.add(used);
                // Without memory for the smaller stack the large one stays.
                let _ = Thread::grow_stack(th, &mut self.heap, used + STACK_RESERVE);
            }
        }
    }

    /// Runs the message handler of `xpcall` at the point of the error.
    unsafe fn call_handler(
        &mut self,
        catcher: *mut Frame,
        value: Value,
        depth: usize,
        native_raised: bool,
    ) -> Result<(), LuaError> {
        let handler = get((*catcher).base);
        if depth >= MAX_HANDLER_DEPTH {
            self.native_raised = native_raised;
            let text = crate::heap::string::constant(b"error in error handling");
            return Err(LuaError::new(Raised::Handled(Value::string(text))));
        }
        let top = self.free_top();
        (*self.th).top = top;
        // A native frame that raises the handler's result, then the handler above it.
        self.call_at(top, Value::native((&raw const HANDLER).cast()), &[], 0, 0)?;
        (*(*self.th).frame).state = if native_raised { RAISED_BELOW } else { 0 };
        let top = (*self.th).top;
        self.call_at(top, handler, &[value], 1, frame_flag::RESUME_NATIVE)?;
        (*self.th).native_calls += 1;
        Ok(())
    }

    /// The error of a finalizer inside of another one.
    unsafe fn is_of_finalizer(&self, raised: &Raised) -> bool {
        self.finalizers > 0
            && matches!(raised, Raised::Handled(v)
                if v.tag == tag::STRING && crate::heap::Str::bytes(v.as_str()).starts_with(FINALIZER_FAILED))
    }

    /// An error in a finalizer reaches whoever caused the collection.
    unsafe fn finalizer_failed(
        &mut self,
        frame: *mut Frame,
        value: Value,
        is_wrapped: bool,
    ) -> Result<(), LuaError> {
        let th = self.th;
        let offset = (*frame).func().offset_from((*th).stack);
        Thread::close_upvals(th, (*frame).func());
        self.unwind_to(frame.sub(1));
        (*th).top = (*th).stack.offset(offset);
        // The others wait for the next collection.
        self.run_finalizers = false;
        if is_wrapped {
            return Err(LuaError::new(Raised::Handled(value)));
        }
        let mut text = FINALIZER_FAILED.to_vec();
        if value.tag == tag::STRING {
            text.extend_from_slice(crate::heap::Str::bytes(value.as_str()));
        } else {
            text.extend_from_slice(b"no message");
        }
        text.push(b')');
        let message = self.heap.new_string(&text)?;
        Err(LuaError::new(Raised::Handled(Value::string(message))))
    }

    /// An error leaves a coroutine, or the program.
    unsafe fn entry_failed(&mut self, value: Value, place: Option<Place>) -> Result<(), LuaError> {
        let th = self.th;
        if (*th).resumer.is_null() {
            // A managed coroutine: the whole process fails.
            let traceback = Some(self.traceback(th, 0));
            self.last_failure = Some(Box::new(LastFailure { traceback, place }));
            self.exit_values = smallvec![value];
            self.exit = Exit::Failed;
            self.leave = true;
            self.drop_managed();
            return Ok(());
        }
        // The dead coroutine keeps its frames for `debug.traceback`.
        (*th).top = self.free_top();
        let top = self.ensure_stack((*th).top, 1).unwrap_or((*th).stack);
        put(top, value);
        (*th).top = top.add(1);
        (*th).status = Status::Failed;
        self.leave_coroutine();
        let resumer = self.th;
        let frame = (*resumer).frame;
        (*frame).state |= CAUGHT;
        put((*resumer).top, value);
        (*resumer).top = (*resumer).top.add(1);
        Ok(())
    }
}

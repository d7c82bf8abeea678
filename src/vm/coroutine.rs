//! Coroutines: switching is a change of `Vm::th`; nothing is copied but the values passed.
#![allow(unsafe_op_in_unsafe_fn)]

use super::native::native_flag;
use super::unwind::CAUGHT;
use super::{LuaError, Vm};
use crate::heap::thread::{Status, frame_flag};
use crate::heap::value::{get, put};
use crate::heap::{FrameKind, Thread, Value};
use crate::limits::{MAX_NESTED_RESUMES, MAX_STACK, NATIVE_STACK};

impl Vm {
    /// Resumes the coroutine in the slot below the `args` values on top. The native frame on top is entered again with
    /// what it yields, returns or raises in their place.
    pub(super) unsafe fn resume(&mut self, args: usize) -> Result<(), LuaError> {
        let from = self.th;
        let first = (*from).top.sub(args);
        let co = get(first.sub(1)).as_thread();
        (*from).top = first.sub(1);
        if self.resume_depth >= MAX_NESTED_RESUMES {
            self.refuse_resume(b"C stack overflow");
            return Ok(());
        }
        (*from).status = Status::Normal;
        (*co).status = Status::Running;
        (*co).resumer = from;
        self.resume_depth += 1;
        self.switch_to(co);
        // Stack space for the arguments; a failure here is the coroutine's.
        let top = self.ensure_stack((*co).top, args + NATIVE_STACK)?;
        for i in 0..args {
            put(top.add(i), get(first.add(i)));
        }
        (*co).top = top.add(args);
        if (*co).frame == (*co).frames {
            // First resume: the function waits at the bottom of the stack.
            let func = (*co).stack;
            return self.precall(func, -1, frame_flag::ENTRY);
        }
        // The frame on top is the native that yielded; the arguments are its results.
        self.finish_frame(top, args)
    }

    pub(super) unsafe fn switch_to(&mut self, co: *mut Thread) {
        self.th = co;
        self.refresh_hooks();
    }

    /// Makes the resumer of the running coroutine run again.
    pub(super) unsafe fn leave_coroutine(&mut self) {
        let co = self.th;
        let to = (*co).resumer;
        (*co).resumer = std::ptr::null_mut();
        (*to).status = Status::Running;
        self.resume_depth -= 1;
        self.switch_to(to);
    }

    /// The native function on top, which resumed, gets an error instead of results; the coroutine itself is not concerned.
    unsafe fn refuse_resume(&mut self, text: &[u8]) {
        let th = self.th;
        (*(*th).frame).state |= CAUGHT;
        put((*th).top, Value::string(crate::heap::string::constant(text)));
        (*th).top = (*th).top.add(1);
    }

    /// Passes `n` values at `from` to the resumer and goes on there.
    unsafe fn pass_values(&mut self, from: *mut Value, n: usize) -> Result<(), LuaError> {
        self.leave_coroutine();
        let to = self.th;
        let used = (*to).top.offset_from((*to).stack) as usize;
        if used + n + NATIVE_STACK > MAX_STACK {
            self.refuse_resume(b"too many results to resume");
            return Ok(());
        }
        let top = self.ensure_stack((*to).top, n + NATIVE_STACK)?;
        for i in 0..n {
            put(top.add(i), get(from.add(i)));
        }
        (*to).top = top.add(n);
        Ok(())
    }

    /// Yields the `n` values on top.
    pub(super) unsafe fn yield_values(&mut self, n: usize) -> Result<(), LuaError> {
        let co = self.th;
        if (*co).resumer.is_null() {
            return self.yield_managed();
        }
        if !self.can_yield() {
            return Err(LuaError::bare("attempt to yield across a C-call boundary"));
        }
        let from = (*co).top.sub(n);
        (*co).top = from;
        (*co).status = Status::Suspended;
        self.pass_values(from, n)
    }

    /// True if no frame of the running coroutine forbids a manual yield.
    pub(super) unsafe fn can_yield(&self) -> bool {
        let th = self.th;
        if (*th).resumer.is_null() {
            return false;
        }
        let mut frame = (*th).frame;
        while frame > (*th).frames {
            if (*frame).flags & (frame_flag::FINALIZER | frame_flag::HOOK) != 0 {
                return false;
            }
            // The function that yields is itself native; only those below it count.
            if (*frame).kind == FrameKind::Native
                && frame != (*th).frame
                && (*Self::frame_native(frame)).flags & native_flag::YIELDABLE == 0
            {
                return false;
            }
            frame = frame.sub(1);
        }
        true
    }

    /// The first function of a coroutine, or of the program, returned.
    pub(super) unsafe fn finish_entry(&mut self, from: *mut Value, n: usize) -> Result<(), LuaError> {
        let co = self.th;
        if co == self.main {
            self.finish_main(from, n);
            return Ok(());
        }
        (*co).status = Status::Done;
        (*co).top = (*co).stack;
        if (*co).resumer.is_null() {
            return self.finish_managed();
        }
        self.pass_values(from, n)
    }
}

//! Debug hooks. While a coroutine has a hook, every instruction goes through [`Vm::run_hook`] first (see `dispatch`).
#![allow(unsafe_op_in_unsafe_fn)]

use super::dispatch::{self, Slow};
use super::{LuaError, Vm, slow};
use crate::bytecode::{Instr, Op};
use crate::heap::thread::frame_flag;
use crate::heap::{Frame, FrameKind, Value};

/// Hook events, as mask bits.
pub mod event {
    pub const CALL: u8 = 1;
    pub const RETURN: u8 = 2;
    pub const LINE: u8 = 4;
    pub const COUNT: u8 = 8;
}

/// Bit of a native frame's state: it has returned; the low bits count its results, which are on top.
pub(super) const RETURNING: u64 = 1 << 62;

impl Vm {
    /// Recomputes whether the running coroutine is hooked.
    pub(super) unsafe fn refresh_hooks(&mut self) {
        let th = self.th;
        self.hooked = (*th).hook.is_some() && !(*th).in_hook;
        self.skip_hook = false;
        self.table = if self.hooked { dispatch::hook_table() } else { dispatch::plain_table() };
    }

    /// The slow variant that an op needs while hooks are on, because its fast path would pass over call and return hooks.
    pub(super) fn hooked_variant(ins: Instr) -> Option<Slow> {
        match ins.op()? {
            Op::Call => Some(slow::call),
            Op::Return | Op::Return0 | Op::Return1 => Some(slow::ret),
            Op::GenericCall => Some(slow::generic_call),
            _ => None,
        }
    }

    /// Count and line events before an instruction; `pc` of the frame is the instruction itself.
    pub(super) unsafe fn run_hook(&mut self, _ins: Instr) -> Result<(), LuaError> {
        self.skip_hook = true;
        let th = self.th;
        let frame = (*th).frame;
        let Some(hook) = (*th).hook.as_mut() else {
            self.refresh_hooks();
            return Ok(());
        };
        let mask = hook.mask;
        let mut due_count = false;
        if mask & event::COUNT != 0 {
            hook.left -= 1;
            if hook.left <= 0 {
                hook.left = hook.count;
                due_count = true;
            }
        }
        let mut line_event = None;
        if mask & event::LINE != 0 {
            let code = (*Self::frame_closure(frame)).code;
            let pc = (*code).pc_index((*frame).pc);
            let line = (*code).line(pc).unwrap_or(0);
            // A new line, a jump back, or the start of a function.
            let last = (hook.last_pc as usize).wrapping_sub((*code).entry as usize) / size_of::<Instr>();
            let same_function = !hook.last_pc.is_null() && last < (&(*code).code).len();
            if pc == 0 || !same_function || pc <= last || line != hook.last_line {
                line_event = Some(line);
            }
            hook.last_line = line;
            hook.last_pc = (*frame).pc;
        }
        if due_count && line_event.is_some() {
            // Both are due: count first; the line event comes when the count hook has returned.
            if let Some(hook) = (*th).hook.as_mut() {
                hook.last_pc = std::ptr::null();
                hook.left = hook.left.max(2);
            }
            return self.call_hook(b"count", Value::NIL);
        }
        if due_count {
            return self.call_hook(b"count", Value::NIL);
        }
        if let Some(line) = line_event {
            return self.call_hook(b"line", Value::int(i64::from(line)));
        }
        Ok(())
    }

    /// Calls the hook function above the running frame.
    unsafe fn call_hook(&mut self, event: &[u8], line: Value) -> Result<(), LuaError> {
        let th = self.th;
        let Some(func) = (*th).hook.as_ref().map(|h| h.func) else { return Ok(()) };
        let name = Value::string(crate::heap::string::constant(event));
        let open = (*th).top;
        let at = self.free_top().max(open);
        let saved = open.offset_from((*th).stack) as u64;
        self.call_at(at, func, &[name, line], 0, frame_flag::HOOK)?;
        // The frame that was just pushed remembers the caller's top.
        (*th).in_hook = true;
        self.hook_tops.push(saved);
        self.refresh_hooks();
        Ok(())
    }

    /// The hook function returned: its frame is already gone.
    pub(super) unsafe fn finish_hook(&mut self, _frame: *mut Frame) -> Result<(), LuaError> {
        let th = self.th;
        (*th).in_hook = false;
        if let Some(offset) = self.hook_tops.pop() {
            (*th).top = (*th).stack.add(offset as usize);
        }
        self.refresh_hooks();
        if (*(*th).frame).kind == FrameKind::Lua && self.hooked {
            // The instruction that waited runs now, unless its count hook left a line event pending.
            let pending = (*th).hook.as_ref().is_some_and(|h| h.last_pc.is_null() && h.mask & event::LINE != 0);
            let just_called = {
                let frame = (*th).frame;
                let code = (*Self::frame_closure(frame)).code;
                (*frame).pc == (*code).entry && (*frame).flags & frame_flag::HOOKED == 0
            };
            let returning = (*(*th).frame).flags & frame_flag::HOOKED != 0;
            self.skip_hook = returning || (!pending && !just_called);
        }
        Ok(())
    }

    /// A frame was pushed: the call event.
    pub(super) unsafe fn hook_call(&mut self) -> Result<(), LuaError> {
        let th = self.th;
        if let Some(hook) = (*th).hook.as_mut() {
            // The first instruction of the callee is a new line.
            hook.last_pc = std::ptr::null();
            if hook.mask & event::CALL != 0 {
                let tail = (*(*th).frame).flags & frame_flag::TAIL != 0;
                return self.call_hook(if tail { b"tail call" } else { b"call" }, Value::NIL);
            }
        }
        Ok(())
    }

    /// A frame is about to end: the return event. True if the hook runs first and the return must happen again after it.
    pub(super) unsafe fn hook_return(&mut self, n: usize) -> Result<bool, LuaError> {
        let th = self.th;
        let frame = (*th).frame;
        let Some(hook) = (*th).hook.as_mut() else { return Ok(false) };
        hook.last_pc = std::ptr::null();
        if hook.mask & event::RETURN == 0 {
            return Ok(false);
        }
        (*frame).flags |= frame_flag::HOOKED;
        if (*frame).kind == FrameKind::Lua {
            // Run the return instruction again afterwards.
            let _ = n;
            (*frame).pc = (*frame).pc.sub(1);
            self.call_hook(b"return", Value::NIL)?;
            return Ok(true);
        }
        // A native function has returned already: leave its results on top and let it "return" again.
        (*frame).state = RETURNING | n as u64;
        self.call_hook(b"return", Value::NIL)?;
        Ok(true)
    }
}

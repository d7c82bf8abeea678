//! Debug hooks. While a coroutine has a hook, every instruction goes through [`Vm::run_hook`] first (see `dispatch`).
#![allow(unsafe_op_in_unsafe_fn)]

use super::dispatch::{self, Slow};
use super::{LuaError, Vm, slow};
use crate::bytecode::{Instr, Op};
use crate::heap::thread::{AfterHook, frame_flag};
use crate::heap::{Code, FrameKind, Value};

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
        self.hooked = (*th).hook.is_some() && !(*th).in_hook && self.finalizers == 0;
        self.skip_hook = false;
        self.table = if self.hooked { dispatch::hook_table() } else { dispatch::plain_table() };
    }

    /// The slow variant that an op needs while hooks are on, because its fast path would pass over call and return hooks.
    pub(super) fn hooked_variant(ins: Instr) -> Option<Slow> {
        match ins.op()? {
            Op::Call => Some(slow::call),
            Op::TailCall => Some(slow::tail_call),
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
        let lines = hook.mask & event::LINE != 0;
        if !std::mem::take(&mut hook.counted) && hook.mask & event::COUNT != 0 {
            hook.left -= 1;
            if hook.left <= 0 {
                hook.left = hook.count;
                // The line event, if there is one, comes when the count hook has returned.
                hook.counted = lines;
                // As if the instruction ran, so that its line is the current one.
                (*frame).pc = (*frame).pc.add(1);
                let after = if lines { AfterHook::MoreEvents } else { AfterHook::Execute };
                return self.call_hook(b"count", Value::NIL, after);
            }
        }
        if !lines {
            return Ok(());
        }
        let code = (*Self::frame_closure(frame)).code;
        let pc = (*code).pc_index((*frame).pc);
        let last = std::mem::replace(&mut hook.last_pc, (*frame).pc);
        if let Some(line) = (*code).line(pc)
            && Self::is_new_line(code, pc, last, line)
        {
            (*frame).pc = (*frame).pc.add(1);
            return self.call_hook(b"line", Value::int(i64::from(line)), AfterHook::Execute);
        }
        Ok(())
    }

    /// True at the start of a function, after a jump back, and on another line than the last instruction's.
    unsafe fn is_new_line(code: *const Code, pc: usize, last: *const Instr, line: u32) -> bool {
        let code = &*code;
        let last = (last as usize).wrapping_sub(code.entry as usize) / size_of::<Instr>();
        if pc == 0 || last >= code.code.len() || pc <= last {
            return true;
        }
        // In 5.3 a loop starts with a jump forward to its end, and from there back into its body.
        let enters_loop = code.code[last].op() == Some(Op::ForPrep) && pc == last + 1;
        enters_loop || code.line(last) != Some(line)
    }

    /// Calls the hook function above the running frame.
    unsafe fn call_hook(&mut self, event: &[u8], line: Value, after: AfterHook) -> Result<(), LuaError> {
        let th = self.th;
        let Some(func) = (*th).hook.as_ref().map(|h| h.func) else { return Ok(()) };
        let name = Value::string(crate::heap::string::constant(event));
        let open = (*th).top;
        let at = self.free_top().max(open);
        (*th).in_hook = true;
        (*th).after_hook = after;
        (*th).hook_top = open.offset_from((*th).stack) as usize;
        self.refresh_hooks();
        let called = self.call_at(at, func, &[name, line], 0, frame_flag::HOOK);
        if let Err(e) = &called {
            (*th).in_hook = false;
            self.refresh_hooks();
            // The instruction may not run again on its own: events of it have passed.
            self.no_retry = e.is_memory();
        }
        called
    }

    /// The hook function returned: its frame is already gone.
    pub(super) unsafe fn finish_hook(&mut self) -> Result<(), LuaError> {
        let th = self.th;
        (*th).in_hook = false;
        (*th).top = (*th).stack.add((*th).hook_top);
        self.refresh_hooks();
        let frame = (*th).frame;
        if (*frame).kind == FrameKind::Lua && (*th).after_hook != AfterHook::GoOn {
            (*frame).pc = (*frame).pc.sub(1);
            self.skip_hook = self.hooked && (*th).after_hook == AfterHook::Execute;
        }
        Ok(())
    }

    /// A frame was pushed: the call event.
    pub(super) unsafe fn hook_call(&mut self) -> Result<(), LuaError> {
        let th = self.th;
        let Some(hook) = (*th).hook.as_ref() else { return Ok(()) };
        if hook.mask & event::CALL == 0 {
            return Ok(());
        }
        let tail = (*(*th).frame).flags & frame_flag::TAIL != 0;
        self.call_hook(if tail { b"tail call" } else { b"call" }, Value::NIL, AfterHook::GoOn)
    }

    /// A frame is about to end with `n` results: the return event. True if the hook runs first and the return must happen again
    /// after it.
    pub(super) unsafe fn hook_return(&mut self, n: usize) -> Result<bool, LuaError> {
        let th = self.th;
        let frame = (*th).frame;
        let Some(hook) = (*th).hook.as_mut() else { return Ok(false) };
        // The caller goes on in the line of its call.
        let caller = frame.sub(1);
        if (*caller).kind == FrameKind::Lua {
            hook.last_pc = (*caller).pc.wrapping_sub(1);
        }
        if hook.mask & event::RETURN == 0 {
            return Ok(false);
        }
        (*frame).flags |= frame_flag::HOOKED;
        if (*frame).kind == FrameKind::Native {
            // A native function has returned already: its results stay on top, and it "returns" again.
            (*frame).state = RETURNING | n as u64;
        }
        // The return instruction of a Lua function runs again.
        self.call_hook(b"return", Value::NIL, AfterHook::Execute)?;
        Ok(true)
    }
}

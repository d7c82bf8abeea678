//! Calls, returns and errors off the fast path; the loop that runs native frames.
#![allow(unsafe_op_in_unsafe_fn)]

use super::error::Raised;
use super::hook::RETURNING;
use super::meta::Event;
use super::native::{self, Cx, Native, Step, native_flag};
use super::run::{NativeOutcome, deliver};
use super::{Exit, LuaError, Vm, dispatch};
use crate::heap::thread::{Status, frame_flag};
use crate::heap::value::{get, put, tag};
use crate::heap::{Closure, Frame, FrameKind, Thread, Value};
use crate::limits::{MAX_HANDLER_DEPTH, MAX_NATIVE_CALLS, MAX_STACK, NATIVE_STACK, STACK_RESERVE};
use std::sync::atomic::Ordering;

/// Bit of a native frame's state: an error arrived instead of results; its value is on top of the stack.
pub(super) const CAUGHT: u64 = 1 << 63;

/// Bit of a native frame's state: its wait ended with the error on top of the stack.
pub(super) const RAISING: u64 = 1 << 61;

/// State of a [`HANDLER`] whose error the native function below it has raised itself, which therefore does not catch it.
const RAISED_BELOW: u64 = 1;

/// Stands below a running message handler: turns its result into the error that unwinds.
pub(super) static HANDLER: Native = Native::new("?", handler_returned);

fn handler_returned(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    Err(cx.raise_handled())
}

impl Vm {
    // ---- stack space ----

    /// Makes sure that `slots` slots above `at` exist. Returns `at`, which may have moved.
    pub(crate) unsafe fn ensure_stack(
        &mut self,
        at: *mut Value,
        slots: usize,
    ) -> Result<*mut Value, LuaError> {
        let th = self.th;
        if at.wrapping_add(slots) <= (*th).limit && !cfg!(feature = "stress") {
            return Ok(at);
        }
        self.grow_stack(at, slots)
    }

    #[cold]
    unsafe fn grow_stack(&mut self, at: *mut Value, slots: usize) -> Result<*mut Value, LuaError> {
        let th = self.th;
        let offset = at.offset_from((*th).stack) as usize;
        let need = offset + slots;
        let len = Thread::stack_len(th);
        if need <= len {
            // Only `stress` comes here: the stack moves although it need not.
            Thread::grow_stack(th, &mut self.heap, len)?;
            return Ok((*th).stack.add(offset));
        }
        if need > MAX_STACK {
            if len > MAX_STACK {
                // Overflow while an overflow is being handled.
                if need <= MAX_STACK + STACK_RESERVE {
                    return Ok(at);
                }
                let text = crate::heap::string::constant(b"error in error handling");
                return Err(LuaError::new(Raised::Handled(Value::string(text))));
            }
            Thread::grow_stack(th, &mut self.heap, MAX_STACK + STACK_RESERVE)?;
            return Err(LuaError::runtime("stack overflow"));
        }
        let new = (len * 2).max(need).min(MAX_STACK);
        Thread::grow_stack(th, &mut self.heap, new)?;
        Ok((*th).stack.add(offset))
    }

    unsafe fn push_frame(&mut self) -> Result<*mut Frame, LuaError> {
        let th = self.th;
        if (*th).frame.add(1) == (*th).frames_end {
            Thread::grow_frames(th, &mut self.heap)?;
        }
        (*th).frame = (*th).frame.add(1);
        Ok((*th).frame)
    }

    /// First slot above everything that the running frame may use.
    pub(super) unsafe fn free_top(&self) -> *mut Value {
        let th = self.th;
        let frame = (*th).frame;
        match (*frame).kind {
            FrameKind::Native => (*th).top,
            FrameKind::Lua => (*frame).base.add((*(*Self::frame_closure(frame)).code).max_stack as usize),
        }
    }

    /// Closure of a Lua frame.
    #[inline(always)]
    pub(super) unsafe fn frame_closure(frame: *const Frame) -> *mut Closure {
        (*(*frame).base.sub(1)).as_closure()
    }

    /// Descriptor of a native frame's function.
    pub(super) unsafe fn frame_native(frame: *const Frame) -> *const Native {
        native::descriptor(get((*frame).func()))
    }

    // ---- calls ----

    /// Pushes a frame for the value at `func`, whose arguments reach up to `th.top`.
    pub(super) unsafe fn precall(
        &mut self,
        func: *mut Value,
        nresults: i16,
        flags: u8,
    ) -> Result<(), LuaError> {
        let mut func = func;
        loop {
            match (*func).tag {
                tag::CLOSURE => return self.precall_lua(func, nresults, flags),
                tag::NATIVE | tag::NATIVE_CLOSURE => {
                    let offset = func.offset_from((*self.th).top);
                    let top = self.ensure_stack((*self.th).top, NATIVE_STACK)?;
                    func = top.offset(offset);
                    let frame = self.push_frame()?;
                    *frame = Frame {
                        base: func.add(1),
                        pc: std::ptr::null(),
                        delta: 1,
                        nresults,
                        kind: FrameKind::Native,
                        flags,
                        state: 0,
                    };
                    if self.hooked {
                        self.hook_call()?;
                    }
                    return Ok(());
                }
                _ => {
                    let handler = self.value_handler(get(func), Event::Call);
                    if !handler.is_function() {
                        // As 5.3: the handler itself must be a function.
                        return Err(self.call_error(func));
                    }
                    let offset = func.offset_from((*self.th).top);
                    let top = self.ensure_stack((*self.th).top, 1)?;
                    func = top.offset(offset);
                    let mut slot = top;
                    while slot > func {
                        put(slot, get(slot.sub(1)));
                        slot = slot.sub(1);
                    }
                    put(func, handler);
                    (*self.th).top = top.add(1);
                }
            }
        }
    }

    unsafe fn precall_lua(&mut self, func: *mut Value, nresults: i16, flags: u8) -> Result<(), LuaError> {
        let code = (*(*func).as_closure()).code;
        let offset = func.offset_from((*self.th).top);
        let params = (*code).num_params as usize;
        let top = self.ensure_stack((*self.th).top, (*code).max_stack as usize + params + 2)?;
        let func = top.offset(offset);
        let nargs = top.offset_from(func) as usize - 1;
        let base = if (*code).is_vararg {
            // The fixed parameters of a vararg function are moved above its arguments, behind the function itself.
            put(top, get(func));
            let base = top.add(1);
            for i in 0..params {
                if i < nargs {
                    put(base.add(i), get(func.add(1 + i)));
                    put(func.add(1 + i), Value::NIL);
                } else {
                    put(base.add(i), Value::NIL);
                }
            }
            base
        } else {
            for i in nargs..params {
                put(func.add(1 + i), Value::NIL);
            }
            func.add(1)
        };
        let frame = self.push_frame()?;
        *frame = Frame {
            base,
            pc: (*code).entry,
            delta: base.offset_from(func) as u32,
            nresults,
            kind: FrameKind::Lua,
            flags,
            state: (*code).k as u64,
        };
        self.budget -= 1;
        if self.hooked {
            self.hook_call()?;
        }
        Ok(())
    }

    /// Calls a metamethod for the running Lua frame's instruction, which `finish_op` completes with the result.
    pub(super) unsafe fn call_meta(
        &mut self,
        handler: Value,
        args: &[Value],
        flags: u8,
    ) -> Result<(), LuaError> {
        let top = self.free_top();
        self.call_at(top, handler, args, 1, frame_flag::META | flags)
    }

    /// Calls `f` with `args`, placed at `at`.
    pub(super) unsafe fn call_at(
        &mut self,
        at: *mut Value,
        f: Value,
        args: &[Value],
        nresults: i16,
        flags: u8,
    ) -> Result<(), LuaError> {
        let at = self.ensure_stack(at, args.len() + 1)?;
        put(at, f);
        for (i, &arg) in args.iter().enumerate() {
            put(at.add(1 + i), arg);
        }
        (*self.th).top = at.add(1 + args.len());
        self.precall(at, nresults, flags)
    }

    /// Ends the running frame with `n` results at `from`; goes on with whoever waits for them.
    pub(super) unsafe fn finish_frame(&mut self, from: *mut Value, n: usize) -> Result<(), LuaError> {
        const SPECIAL: u8 = frame_flag::ENTRY | frame_flag::HOOK | frame_flag::FINALIZER | frame_flag::META;
        let th = self.th;
        let frame = (*th).frame;
        let flags = (*frame).flags;
        if self.hooked || flags & SPECIAL != 0 {
            return self.finish_special(from, n);
        }
        self.drop_state();
        (*th).frame = frame.sub(1);
        let (func, wanted) = ((*frame).func(), (*frame).nresults);
        deliver(th, func, from, n, wanted);
        if flags & frame_flag::RESUME_NATIVE != 0 {
            (*th).native_calls -= 1;
            if wanted >= 0 {
                (*th).top = func.add(wanted as usize);
            }
        }
        Ok(())
    }

    /// [`Vm::finish_frame`] while there is a hook, or for a frame that no ordinary call pushed.
    unsafe fn finish_special(&mut self, from: *mut Value, n: usize) -> Result<(), LuaError> {
        let th = self.th;
        let mut from = from;
        if self.hooked && (*(*th).frame).flags & frame_flag::HOOKED == 0 {
            // The hook runs first, then this return again.
            let offset = from.offset_from((*th).stack);
            (*th).top = from.add(n);
            if self.hook_return(n)? {
                return Ok(());
            }
            from = (*th).stack.offset(offset);
        }
        let frame = (*th).frame;
        let func = (*frame).func();
        let (flags, wanted) = ((*frame).flags, (*frame).nresults);
        self.drop_state();
        (*th).frame = frame.sub(1);
        if flags & frame_flag::ENTRY != 0 {
            return self.finish_entry(from, n);
        }
        if flags & frame_flag::HOOK != 0 {
            return self.finish_hook();
        }
        if flags & frame_flag::FINALIZER != 0 {
            self.in_finalizer = false;
            (*th).top = func;
            self.refresh_hooks();
            self.skip_hook = self.skip_after_finalizer && self.hooked;
            return Ok(());
        }
        if flags & frame_flag::META != 0 {
            let v = if n > 0 { get(from) } else { Value::NIL };
            return self.finish_op(v, flags & frame_flag::LEQ != 0);
        }
        deliver(th, func, from, n, wanted);
        if flags & frame_flag::RESUME_NATIVE != 0 {
            (*th).native_calls -= 1;
        }
        if flags & frame_flag::RESUME_NATIVE != 0 && wanted >= 0 {
            (*th).top = func.add(wanted as usize);
        }
        Ok(())
    }

    /// Forgets the Rust state of the running frame.
    #[inline(always)]
    pub(super) unsafe fn drop_state(&mut self) {
        if !(*self.th).states.is_empty() {
            self.drop_states();
        }
    }

    #[inline(never)]
    unsafe fn drop_states(&mut self) {
        let th = self.th;
        let depth = Thread::depth(th);
        while let Some(state) = (*th).states.pop_if(|state| state.depth >= depth) {
            self.heap.sub_external(state.bytes);
        }
    }

    // ---- native frames ----

    /// Carries out what a native function asked for.
    pub(super) unsafe fn native_step(&mut self, step: Step) -> Result<(), LuaError> {
        if self.forward.is_some() {
            self.finish_owning();
        }
        let th = self.th;
        match step {
            Step::Return(n) => {
                let n = n as usize;
                self.finish_frame((*th).top.sub(n), n)
            }
            Step::Call { args, results } => {
                if (*th).native_calls >= MAX_NATIVE_CALLS {
                    return Err(LuaError::runtime("C stack overflow"));
                }
                let func = (*th).top.sub(args as usize + 1);
                self.precall(func, results, frame_flag::RESUME_NATIVE)?;
                (*th).native_calls += 1;
                Ok(())
            }
            Step::CallFinalizer => {
                let func = (*th).top.sub(2);
                self.start_finalizer();
                let depth = Thread::depth(th);
                let r = self.precall(func, 0, frame_flag::RESUME_NATIVE | frame_flag::FINALIZER);
                self.finalizer_started(r, th, depth)
            }
            Step::Resume { args } => self.resume(args as usize),
            Step::Yield(n) => self.yield_values(n as usize),
            Step::Block => self.block(),
            Step::GiveWay(n) => self.give_way(n as usize),
            Step::Again => {
                // Out of budget: the slice ends here and the function is entered again in the next one.
                self.exit = Exit::Preempted;
                self.leave = true;
                Ok(())
            }
        }
    }

    /// Enters the native function on top.
    unsafe fn run_native(&mut self) -> Result<(), LuaError> {
        let frame = (*self.th).frame;
        if (*frame).state & (RETURNING | RAISING) != 0 {
            return self.end_native(frame);
        }
        let native = Self::frame_native(frame);
        let this: *mut Self = self;
        match ((*native).func)(&mut Cx::new(this)) {
            Ok(step) => self.native_step(step),
            Err(e) => {
                self.native_raised = true;
                Err(e)
            }
        }
    }

    /// The native function on top is over: its return hook has run, or its wait has ended.
    #[inline(always)]
    unsafe fn end_native(&mut self, frame: *mut Frame) -> Result<(), LuaError> {
        let top = (*self.th).top;
        if (*frame).state & RAISING != 0 {
            self.native_raised = true;
            return Err(LuaError::value(get(top.sub(1))));
        }
        let n = ((*frame).state & 0xffff_ffff) as usize;
        self.finish_frame(top.sub(n), n)
    }

    /// Runs native frames, collections and finalizers until a Lua frame is to go on (false) or the dispatcher must be left.
    pub(super) unsafe fn settle(&mut self, first: Result<(), LuaError>) -> bool {
        let mut r = first;
        loop {
            if let Err(e) = r {
                r = self.unwind(e);
                continue;
            }
            if self.leave {
                self.leave = false;
                return true;
            }
            if (*(*self.th).frame).kind == FrameKind::Native {
                if self.budget < 0 {
                    // A native that calls functions without loops and calls of their own would go on for ever.
                    self.exit = Exit::Preempted;
                    return true;
                }
                r = self.run_native();
                continue;
            }
            if self.heap.gc_pending || self.run_finalizers {
                let depth = (*self.th).frame;
                r = self.safepoint();
                if r.is_err() || self.leave || (*self.th).frame != depth {
                    continue;
                }
            }
            return false;
        }
    }

    /// When an instruction ran out of memory before it had any effect: collects, and lets it run again once.
    #[inline(always)]
    pub(super) unsafe fn retry_without_memory(
        &mut self,
        r: Result<(), LuaError>,
        pc: *const crate::bytecode::Instr,
    ) -> Result<(), LuaError> {
        match r {
            Ok(()) => {
                // At the end of a slice the second attempt is only put off.
                if !self.out_of_memory_pc.is_null()
                    && (self.out_of_memory_pc != pc || (*(*self.th).frame).pc != pc.sub(1))
                {
                    self.out_of_memory_pc = std::ptr::null();
                }
                Ok(())
            }
            Err(e) => self.after_error(e, pc),
        }
    }

    #[cold]
    unsafe fn after_error(&mut self, e: LuaError, pc: *const crate::bytecode::Instr) -> Result<(), LuaError> {
        if !e.is_memory() || self.out_of_memory_pc == pc || std::mem::take(&mut self.no_retry) {
            return Err(e);
        }
        let th = self.th;
        let frame = (*th).frame;
        if (*frame).kind == FrameKind::Native {
            // Raised by a native function that a `Call` ran: may it run again?
            let caller = frame.sub(1);
            if (*Self::frame_native(frame)).flags & native_flag::RETRY == 0
                || (*frame).flags != 0
                || (*caller).kind != FrameKind::Lua
                || (*caller).pc != pc
                // With an open number of arguments that number is gone.
                || (*pc.sub(1)).b() == 0
            {
                return Err(e);
            }
            self.native_raised = false;
            self.drop_state();
            (*th).frame = caller;
        } else if (*frame).pc != pc {
            // The instruction has moved on (or pushed a frame): it cannot start over.
            return Err(e);
        }
        self.out_of_memory_pc = pc;
        (*(*th).frame).pc = pc.sub(1);
        // Collects now although the collector may be stopped: the alternative is an error.
        // All registers are kept; then values that wait for the instruction end where they did.
        let open = self.open_top().map(|top| top.offset_from((*th).stack));
        (*th).top = self.free_top().max((*th).stack.offset(open.unwrap_or(0)));
        self.collect();
        if let Some(open) = open {
            (*th).top = (*th).stack.offset(open);
        }
        Ok(())
    }

    /// Collects if that is due, and starts the next finalizer. The running frame is a Lua frame between two instructions.
    unsafe fn safepoint(&mut self) -> Result<(), LuaError> {
        if self.forward.is_some() {
            self.finish_owning();
        } else if self.heap.gc_pending {
            self.own_before_growth();
        }
        let th = self.th;
        let end = self.free_top();
        let mut keep = self.open_top().unwrap_or(end);
        if self.heap.gc_pending {
            if self.heap.gc.stopped {
                self.heap.postpone(1 << 20);
            } else if let Some(dead) = self.first_dead() {
                keep = dead;
                // What earlier calls left in dead registers must not keep objects alive.
                let mut slot = dead;
                while slot < end {
                    put(slot, Value::NIL);
                    slot = slot.add(1);
                }
                (*th).top = keep;
                self.run_finalizers = true;
                self.collect_at_boundary();
            }
        }
        (*th).top = keep;
        if self.leave || self.in_finalizer || !self.run_finalizers {
            return Ok(());
        }
        let depth = Thread::depth(th);
        while let Some(object) = self.heap.gc.take_due() {
            let handler = self.value_handler(object, Event::Gc);
            if handler.is_function() {
                self.start_finalizer();
                // `finish_frame` restores `top` to the slot of the finalizer: the open values below it survive.
                let r = self.call_at(keep, handler, &[object], 0, frame_flag::FINALIZER);
                return self.finalizer_started(r, th, depth);
            }
        }
        self.run_finalizers = false;
        Ok(())
    }

    /// The first register that the running frame does not need any more, if the instruction that just ran is one after which a
    /// collection may happen: one that allocates or calls. Elsewhere temporaries may be in use up to the frame's end.
    unsafe fn first_dead(&self) -> Option<*mut Value> {
        use crate::bytecode::Op;
        let th = self.th;
        let frame = (*th).frame;
        let code = (*Self::frame_closure(frame)).code;
        if (*frame).pc == (*code).entry {
            return None;
        }
        let ins = *(*frame).pc.sub(1);
        let a = (*frame).base.byte_add(ins.a() as usize);
        match ins.op()? {
            Op::Call if ins.c() == 0 => Some((*th).top),
            Op::Call => Some(a.add(ins.c() as usize - 1)),
            Op::TailCall => Some((*th).top),
            Op::GenericCall => Some(a.add(3 + ins.c() as usize)),
            Op::NewTable | Op::Closure => Some(a.add(1)),
            Op::Concat => Some(a.add(1).max((*frame).base.byte_add(ins.b() as usize))),
            _ => None,
        }
    }

    /// No hooks and no other finalizers while one runs, as in 5.3.
    unsafe fn start_finalizer(&mut self) {
        self.in_finalizer = true;
        self.skip_after_finalizer = self.skip_hook;
        self.refresh_hooks();
    }

    /// A finalizer that did not get its frame, for want of memory or stack, does not run: others may.
    unsafe fn finalizer_started(
        &mut self,
        r: Result<(), LuaError>,
        th: *mut Thread,
        depth: usize,
    ) -> Result<(), LuaError> {
        if r.is_err() && Thread::depth(th) == depth {
            self.in_finalizer = false;
            self.refresh_hooks();
        }
        r
    }

    /// `th.top` if the instruction that just ran left an open number of values.
    pub(in crate::vm) unsafe fn open_top(&self) -> Option<*mut Value> {
        use crate::bytecode::Op;
        let th = self.th;
        let frame = (*th).frame;
        let code = (*Self::frame_closure(frame)).code;
        if (*frame).pc == (*code).entry {
            return None;
        }
        let ins = *(*frame).pc.sub(1);
        let open = match ins.op() {
            Some(Op::Call) => ins.c() == 0,
            Some(Op::Vararg) => ins.b() == 0,
            Some(Op::TailCall) => true,
            _ => false,
        };
        open.then_some((*th).top)
    }

    // ---- errors ----

    /// Finds who handles an error and prepares to go on there.
    unsafe fn unwind(&mut self, e: LuaError) -> Result<(), LuaError> {
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
        }
        let has_place = Self::has_place(&raised);
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
            let native = Self::frame_native(frame);
            if (*native).flags & native_flag::HANDLER != 0 {
                return self.call_handler(frame, value, handlers, native_raised);
            }
        }
        if is_finalizer {
            return self.finalizer_failed(frame, value);
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

    /// Drops the frames above `frame` and what they had switched on.
    unsafe fn unwind_to(&mut self, frame: *mut Frame) {
        let th = self.th;
        while (*th).frame > frame {
            let flags = (*(*th).frame).flags;
            self.drop_state();
            if flags & (frame_flag::RESUME_NATIVE | frame_flag::FINALIZER) == frame_flag::RESUME_NATIVE {
                (*th).native_calls -= 1;
            }
            if flags & frame_flag::HOOK != 0 {
                (*th).in_hook = false;
            }
            if flags & frame_flag::FINALIZER != 0 {
                self.in_finalizer = false;
            }
            (*th).frame = (*th).frame.sub(1);
        }
        self.refresh_hooks();
        if Thread::stack_len(th) > MAX_STACK {
            let used = (*th).top.min((*frame).base.add(NATIVE_STACK));
            let used = used.offset_from((*th).stack) as usize;
            if used + STACK_RESERVE < MAX_STACK {
                (*th).top = used_top(th, used);
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

    /// An error in a finalizer reaches whoever caused the collection.
    unsafe fn finalizer_failed(&mut self, frame: *mut Frame, value: Value) -> Result<(), LuaError> {
        let th = self.th;
        let offset = (*frame).func().offset_from((*th).stack);
        Thread::close_upvals(th, (*frame).func());
        self.unwind_to(frame.sub(1));
        self.in_finalizer = false;
        (*th).top = (*th).stack.offset(offset);
        // The others wait for the next collection.
        self.run_finalizers = false;
        let mut text = b"error in __gc metamethod (".to_vec();
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
    unsafe fn entry_failed(
        &mut self,
        value: Value,
        place: Option<super::error::Place>,
    ) -> Result<(), LuaError> {
        let th = self.th;
        if (*th).resumer.is_null() {
            // A managed coroutine: the whole process fails.
            let traceback = Some(self.traceback(th, 0));
            self.last_failure = Some(Box::new(super::LastFailure { traceback, place }));
            self.exit_values = vec![value];
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

    // ---- running ----

    /// Prepares to run `f(args…)` as the main function.
    ///
    /// # Errors
    /// [`LuaError`] if the arguments do not fit or `f` is not callable.
    pub fn start(&mut self, f: Value, args: &[Value]) -> Result<(), LuaError> {
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
            (*th).status = Status::Running;
            self.refresh_hooks();
            let at = (*th).stack;
            (*th).top = at;
            self.call_at(at, f, args, -1, frame_flag::ENTRY)?;
        }
        // Those of the run before.
        self.exit_values = Vec::new();
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
                let mut first = (*this).wake_up();
                if first.is_ok() && !(*this).leave {
                    first = (*this).interrupted_native();
                }
                if (*this).settle(first) { (*this).exit } else { dispatch::enter(this) }
            }
        }));
        match outcome {
            Ok(exit) => exit,
            Err(_) => {
                // A bug of ours in a native function: this process is over, the program is not.
                self.exit_values =
                    vec![Value::string(crate::heap::string::constant(b"panic in native code"))];
                Exit::Failed
            }
        }
    }

    /// Between two slices of a native function its end may be asked for from outside; Lua functions look for themselves.
    unsafe fn interrupted_native(&mut self) -> Result<(), LuaError> {
        let native = (*(*self.th).frame).kind == FrameKind::Native && Thread::depth(self.th) > 0;
        if native && self.interrupt.as_ref().is_some_and(|flag| flag.swap(false, Ordering::Relaxed)) {
            self.native_raised = true;
            return Err(LuaError::message("interrupted!"));
        }
        Ok(())
    }

    /// Traceback of the error that ended the run.
    pub fn take_traceback(&mut self) -> Option<Vec<u8>> {
        self.last_failure.as_mut()?.traceback.take()
    }

    /// Place of the error that ended the run.
    pub fn take_place(&mut self) -> Option<super::error::Place> {
        self.last_failure.as_mut()?.place.take()
    }

    /// Runs all finalizers that are due. Errors in them are ignored, as at the end of a program in 5.3.
    pub fn close(&mut self) {
        self.finish_collection();
        while let Some(object) = self.heap.gc.take_due() {
            // SAFETY: due objects are alive.
            let handler = unsafe { self.value_handler(object, Event::Gc) };
            if !handler.is_function() {
                continue;
            }
            // The others wait until this one is over.
            self.in_finalizer = true;
            if self.start(handler, &[object]).is_ok() {
                while self.run() == Exit::Preempted {}
            }
            self.in_finalizer = false;
        }
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

unsafe fn used_top(th: *mut Thread, used: usize) -> *mut Value {
    (*th).stack.add(used)
}

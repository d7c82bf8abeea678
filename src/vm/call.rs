//! Calls and returns off the fast path; the loop that runs native frames.
#![allow(unsafe_op_in_unsafe_fn)]

use super::error::Raised;
use super::hook::RETURNING;
use super::meta::Event;
use super::native::{self, Cx, Native, Step, native_flag};
use super::run::deliver;
use super::unwind::RAISING;
use super::{Exit, LuaError, Vm};
use crate::bytecode::{Instr, Op};
use crate::heap::budget::Refusal;
use crate::heap::thread::frame_flag;
use crate::heap::value::{get, put, tag};
use crate::heap::{Closure, Frame, FrameKind, Thread, Value};
use crate::limits::{MAX_COLLECTED_AT_ONCE, MAX_NATIVE_CALLS, MAX_STACK, NATIVE_STACK, STACK_RESERVE};

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
        match (*func).tag {
            tag::CLOSURE => self.precall_lua(func, nresults, flags),
            tag::NATIVE | tag::NATIVE_CLOSURE => self.precall_native(func, nresults, flags),
            _ => {
                let func = self.insert_call_handler(func)?;
                let r = match (*func).tag {
                    tag::CLOSURE => self.precall_lua(func, nresults, flags),
                    _ => self.precall_native(func, nresults, flags),
                };
                // The arguments have moved: the instruction cannot start over.
                self.no_retry |= r.as_ref().is_err_and(LuaError::is_memory);
                r
            }
        }
    }

    /// Puts the `__call` handler of the value at `func` below it, which so becomes the first argument. Returns the handler's
    /// place: a function, Lua or native.
    pub(super) unsafe fn insert_call_handler(&mut self, func: *mut Value) -> Result<*mut Value, LuaError> {
        let handler = self.value_handler(get(func), Event::Call);
        if !handler.is_function() {
            // As 5.3: the handler itself must be a function.
            return Err(self.call_error(func));
        }
        let offset = func.offset_from((*self.th).top);
        let top = self.ensure_stack((*self.th).top, 1)?;
        let func = top.offset(offset);
        let mut slot = top;
        while slot > func {
            put(slot, get(slot.sub(1)));
            slot = slot.sub(1);
        }
        put(func, handler);
        (*self.th).top = top.add(1);
        Ok(func)
    }

    unsafe fn precall_native(&mut self, func: *mut Value, nresults: i16, flags: u8) -> Result<(), LuaError> {
        let offset = func.offset_from((*self.th).top);
        let top = self.ensure_stack((*self.th).top, NATIVE_STACK)?;
        let func = top.offset(offset);
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
        Ok(())
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
            self.finalizers -= 1;
            if flags & frame_flag::RESUME_NATIVE != 0 {
                (*th).native_calls -= 1;
            }
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
            if wanted >= 0 {
                (*th).top = func.add(wanted as usize);
            }
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
                if (*th).native_calls >= MAX_NATIVE_CALLS {
                    let text = crate::heap::string::constant(b"error in __gc metamethod (C stack overflow)");
                    return Err(LuaError::new(Raised::Handled(Value::string(text))));
                }
                let func = (*th).top.sub(2);
                self.start_finalizer();
                let depth = Thread::depth(th);
                let r = self.precall(func, 0, frame_flag::RESUME_NATIVE | frame_flag::FINALIZER);
                if r.is_ok() || Thread::depth(th) != depth {
                    (*th).native_calls += 1;
                }
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
                if self.heap.gc_pending {
                    self.collect_before_native();
                    if self.leave {
                        continue;
                    }
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
        pc: *const Instr,
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
    unsafe fn after_error(&mut self, e: LuaError, pc: *const Instr) -> Result<(), LuaError> {
        let refusal = if e.is_memory() { self.heap.take_refusal() } else { Refusal::Final };
        if !e.is_memory()
            || (self.out_of_memory_pc == pc && refusal == Refusal::Final)
            || std::mem::take(&mut self.no_retry)
        {
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
        if refusal == Refusal::Later {
            // It has collected. Another process is to give memory up first.
            self.end_slice();
            return Ok(());
        }
        // Collects now although the collector may be stopped: the alternative is an error.
        // A loop that catches the error is not to do that again and again in one slice.
        if self.heap.bytes_in_use() > MAX_COLLECTED_AT_ONCE {
            self.end_slice();
        }
        // All registers are kept; then values that wait for the instruction end where they did.
        let open = self.open_top().map(|top| top.offset_from((*th).stack));
        (*th).top = self.free_top().max((*th).stack.offset(open.unwrap_or(0)));
        self.collect();
        if let Some(open) = open {
            (*th).top = (*th).stack.offset(open);
        }
        Ok(())
    }

    /// Ends the slice before the instruction that has just been put back.
    fn end_slice(&mut self) {
        self.skip_hook = self.hooked;
        self.exit = Exit::Preempted;
        self.leave = true;
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
        if self.leave || self.finalizers > 0 || !self.run_finalizers {
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

    /// Collects if that is due. The frame on top is that of a native function that has not been entered yet, or will be entered
    /// again: all that it needs is in its window. One that calls other native functions again and again, or works for many
    /// slices, would otherwise keep what they leave behind until it is over. Finalizers wait for a Lua frame.
    #[cold]
    #[inline(never)]
    fn collect_before_native(&mut self) {
        if self.forward.is_some() {
            self.finish_owning();
            return;
        }
        self.own_before_growth();
        if self.heap.gc.stopped {
            self.heap.postpone(1 << 20);
        } else {
            self.run_finalizers = true;
            self.collect_at_boundary();
        }
    }

    /// The instruction that the running Lua function has just done; none before its first.
    unsafe fn last_instr(&self) -> Option<Instr> {
        let frame = (*self.th).frame;
        let code = (*Self::frame_closure(frame)).code;
        ((*frame).pc != (*code).entry).then(|| *(*frame).pc.sub(1))
    }

    /// The first register that the running frame does not need any more, if the instruction that just ran is one after which a
    /// collection may happen: one that allocates or calls. Elsewhere temporaries may be in use up to the frame's end.
    unsafe fn first_dead(&self) -> Option<*mut Value> {
        let (th, ins) = (self.th, self.last_instr()?);
        let frame = (*th).frame;
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

    /// No hooks while a finalizer runs, and no other finalizers but those of a collection that it asks for, as in 5.3.
    unsafe fn start_finalizer(&mut self) {
        if self.finalizers == 0 {
            self.skip_after_finalizer = self.skip_hook;
        }
        self.finalizers += 1;
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
            self.finalizers -= 1;
            self.refresh_hooks();
        }
        r
    }

    /// `th.top` if the instruction that just ran left an open number of values.
    pub(in crate::vm) unsafe fn open_top(&self) -> Option<*mut Value> {
        let ins = self.last_instr()?;
        let open = match ins.op() {
            Some(Op::Call) => ins.c() == 0,
            Some(Op::Vararg) => ins.b() == 0,
            Some(Op::TailCall) => true,
            _ => false,
        };
        open.then_some((*self.th).top)
    }
}

//! Coroutines: a register stack, call frames, open upvalues.
//!
//! 1. `stack .. top` holds initialised values that the collector marks; between two collections every slot of the stack
//!    is initialised (slots above `top` may hold stale values, which the collector clears).
//! 2. Frames point into the stack; growing it moves them, the open upvalues and `top` along ([`Thread::grow_stack`]).
//! 3. Open upvalues are linked from the highest stack slot to the lowest.

use super::alloc::{Heap, OutOfMemory};
use super::value::{get, put};
use super::{Upval, Value};
use crate::bytecode::Instr;
use crate::limits::MAX_CLASS_BUFFER;
use std::any::Any;

/// What runs in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FrameKind {
    Lua,
    Native,
}

/// Bits of [`Frame::flags`].
pub mod frame_flag {
    /// The caller is in the middle of an instruction that needs the result (metamethod, iterator).
    pub const META: u8 = 1;
    /// Called by a tail call: the real caller is gone.
    pub const TAIL: u8 = 2;
    /// A finalizer: results and position of the caller do not matter.
    pub const FINALIZER: u8 = 4;
    /// A hook function.
    pub const HOOK: u8 = 8;
    /// The caller is a native function in the middle of its work, to be entered again.
    pub const RESUME_NATIVE: u8 = 16;
    /// The last return or error passed a `return` hook already.
    pub const HOOKED: u8 = 32;
    /// First frame of a coroutine.
    pub const ENTRY: u8 = 64;
    /// With `META`: `a <= b` is being computed as `not (b < a)`.
    pub const LEQ: u8 = 128;
}

/// One active call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Frame {
    /// First register, or first argument of a native function. The slot below it holds the function.
    pub base: *mut Value,
    /// Next instruction of a Lua function while it is not the one running; null in a native's frame.
    pub pc: *const Instr,
    /// Slots from the called function's slot to `base`. More than one in a function with `...`: its arguments, and the function
    /// once more, lie between.
    pub delta: u32,
    /// Results that the caller wants; -1 for all.
    pub nresults: i16,
    pub kind: FrameKind,
    pub flags: u8,
    /// A native function's own state between two entries.
    pub state: u64,
}

const _: () = assert!(size_of::<Frame>() == 32);

impl Frame {
    /// Arguments of a Lua function behind its `params` parameters, which lie below `base.sub(1)`.
    #[inline(always)]
    #[must_use]
    pub const fn varargs(&self, params: usize) -> usize {
        (self.delta as usize).saturating_sub(2 + params)
    }

    /// Slot of the called function; results go there.
    ///
    /// # Safety
    /// The frame belongs to a live stack.
    #[inline(always)]
    #[must_use]
    pub unsafe fn func(&self) -> *mut Value {
        // SAFETY: `delta` slots below `base` lies the function's slot.
        unsafe { self.base.sub(self.delta as usize) }
    }
}

/// Life of a coroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// Not started, or suspended by a yield.
    Suspended,
    /// Innermost of a managed coroutine (`vm/managed`) that waits or is to run.
    Blocked,
    Running,
    /// Resumed another one.
    Normal,
    /// Returned.
    Done,
    /// Died of an error.
    Failed,
}

/// How a function goes on after a hook above it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum AfterHook {
    /// At its next instruction, or as a native function.
    GoOn,
    /// The instruction before its `pc` was interrupted: it gets its other events first.
    MoreEvents,
    /// The instruction before its `pc` was interrupted: it runs now.
    Execute,
}

/// Debug hook of a coroutine.
#[derive(Clone, Copy)]
pub struct Hook {
    pub func: Value,
    /// Bits: 1 call, 2 return, 4 line, 8 count.
    pub mask: u8,
    pub count: i32,
    pub left: i32,
    /// A count event came before the line event of the same instruction, which is still to come.
    pub counted: bool,
    /// The instruction that ran last in the function that runs; null or in another function if unknown.
    pub last_pc: *const Instr,
}

/// Rust state that a native function keeps between two entries.
pub struct NativeState {
    /// Depth of the function's frame.
    pub depth: usize,
    pub value: Box<dyn Any + Send>,
    /// What it takes on the account.
    pub bytes: usize,
}

/// A coroutine.
#[repr(C)]
pub struct Thread {
    pub stack: *mut Value,
    /// End of the usable slots.
    pub limit: *mut Value,
    /// First slot that is not in use. Exact when a native function or the collector runs.
    pub top: *mut Value,
    /// The running frame.
    pub frame: *mut Frame,
    pub frames: *mut Frame,
    pub frames_end: *mut Frame,
    pub open: *mut Upval,
    /// Next one in the collector's list of coroutines with open upvalues; the coroutine itself while it is not listed.
    pub(super) next_with_open: *mut Self,
    /// Calls from native functions that are active inside each other.
    pub native_calls: u32,
    pub status: Status,
    /// Inside a hook: no further hooks.
    pub in_hook: bool,
    /// While a hook runs: how the function below it goes on.
    pub after_hook: AfterHook,
    /// While a hook runs: `top` of the function below it, as an offset.
    pub hook_top: usize,
    /// Who resumed this coroutine; null for the main one and for suspended ones.
    pub resumer: *mut Thread,
    pub hook: Option<Box<Hook>>,
    /// Rust state of native frames, from the ground up.
    pub states: Vec<NativeState>,
}

pub(super) const SLACK: usize = 8;

impl Heap {
    /// A coroutine with an empty stack.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new_thread(&mut self) -> Result<*mut Thread, OutOfMemory> {
        const FRAMES: usize = 4;
        let slots = crate::limits::DEFAULT_STACK;
        let at = self.alloc(size_of::<Thread>())?.cast::<Thread>();
        // SAFETY: fresh memory; the two arrays are initialised as far as invariant 1 asks.
        unsafe {
            let stack = self.alloc_buffer(stack_size(slots))?.cast::<Value>();
            let frames = match self.alloc_buffer(frames_size(FRAMES)) {
                Ok(frames) => frames.cast::<Frame>(),
                Err(e) => {
                    self.free_buffer(stack.cast(), stack_size(slots));
                    return Err(e);
                }
            };
            for i in 0..slots + SLACK {
                put(stack.add(i), Value::NIL);
            }
            at.write(Thread {
                stack,
                limit: stack.add(slots),
                top: stack,
                frame: frames,
                frames,
                frames_end: frames.add(FRAMES),
                open: std::ptr::null_mut(),
                next_with_open: at,
                native_calls: 0,
                status: Status::Suspended,
                in_hook: false,
                after_hook: AfterHook::GoOn,
                hook_top: 0,
                resumer: std::ptr::null_mut(),
                hook: None,
                states: Vec::new(),
            });
            // Frame 0 is the ground below the first call.
            frames.write(Frame {
                base: stack,
                pc: std::ptr::null(),
                delta: 0,
                nresults: -1,
                kind: FrameKind::Native,
                flags: frame_flag::ENTRY,
                state: 0,
            });
        }
        self.register_external(Value::thread(at));
        Ok(at)
    }
}

/// Bytes of a stack; `MAX_STACK` bounds it.
const fn stack_size(slots: usize) -> usize {
    (slots + SLACK) * size_of::<Value>()
}

/// Bytes of the frames; one more than is used by calls: for the context of a host, which must not fail.
const fn frames_size(frames: usize) -> usize {
    (frames + 1) * size_of::<Frame>()
}

impl Thread {
    /// Usable slots.
    ///
    /// # Safety
    /// `this` is live.
    #[must_use]
    pub unsafe fn stack_len(this: *const Self) -> usize {
        // SAFETY: both point into one array.
        unsafe { (*this).limit.offset_from((*this).stack) as usize }
    }

    /// Bytes of the stack.
    ///
    /// # Safety
    /// `this` is live.
    #[must_use]
    pub(super) unsafe fn stack_bytes(this: *const Self) -> usize {
        // SAFETY: by contract.
        stack_size(unsafe { Self::stack_len(this) })
    }

    /// Bytes of the frames.
    ///
    /// # Safety
    /// `this` is live.
    #[must_use]
    pub(super) unsafe fn frames_bytes(this: *const Self) -> usize {
        // SAFETY: both point into one array.
        frames_size(unsafe { (*this).frames_end.offset_from((*this).frames) as usize })
    }

    /// Number of the running frame; 0 when nothing runs.
    ///
    /// # Safety
    /// `this` is live.
    #[must_use]
    pub unsafe fn depth(this: *const Self) -> usize {
        // SAFETY: both point into one array.
        unsafe { (*this).frame.offset_from((*this).frames) as usize }
    }

    /// Makes the stack at least `slots` long and moves everything that points into it.
    ///
    /// # Safety
    /// `this` is a live coroutine of `heap`. Pointers into the stack that are not listed in invariant 2 dangle afterwards.
    ///
    /// # Errors
    /// [`OutOfMemory`]; nothing has changed then.
    pub unsafe fn grow_stack(this: *mut Self, heap: &mut Heap, slots: usize) -> Result<(), OutOfMemory> {
        // SAFETY: by contract; the old array stays valid until everything has moved.
        unsafe {
            let old_len = Self::stack_len(this);
            let old = (*this).stack;
            let new = heap.alloc_buffer(stack_size(slots))?.cast::<Value>();
            let keep = (old_len.min(slots)) + SLACK;
            for i in 0..keep {
                put(new.add(i), get(old.add(i)));
            }
            for i in keep..slots + SLACK {
                put(new.add(i), Value::NIL);
            }
            let moved = |p: *mut Value| new.add(p.offset_from(old) as usize);
            (*this).stack = new;
            (*this).limit = new.add(slots);
            (*this).top = moved((*this).top);
            let mut frame = (*this).frames;
            while frame <= (*this).frame {
                (*frame).base = moved((*frame).base);
                frame = frame.add(1);
            }
            let mut upval = (*this).open;
            while !upval.is_null() {
                (*upval).v = moved((*upval).v);
                upval = (*upval).next;
            }
            heap.free_buffer(old.cast(), stack_size(old_len));
            Ok(())
        }
    }

    /// Room for one more frame.
    ///
    /// # Safety
    /// `this` is a live coroutine of `heap`. Pointers to its frames dangle afterwards.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub unsafe fn grow_frames(this: *mut Self, heap: &mut Heap) -> Result<(), OutOfMemory> {
        // SAFETY: by contract.
        unsafe {
            let old = (*this).frames;
            let old_len = (*this).frames_end.offset_from(old) as usize;
            let new_len = old_len * 2;
            let new = heap.alloc_buffer(frames_size(new_len))?.cast::<Frame>();
            std::ptr::copy_nonoverlapping(old, new, old_len);
            (*this).frame = new.add((*this).frame.offset_from(old) as usize);
            (*this).frames = new;
            (*this).frames_end = new.add(new_len);
            heap.free_buffer(old.cast(), frames_size(old_len));
            Ok(())
        }
    }

    /// Closes every open upvalue at `from` or above it.
    ///
    /// # Safety
    /// `this` is live.
    pub unsafe fn close_upvals(this: *mut Self, from: *mut Value) {
        // SAFETY: open upvalues point into the live stack (invariant 3).
        unsafe {
            while !(*this).open.is_null() && (*(*this).open).v >= from {
                let upval = (*this).open;
                (*this).open = (*upval).next;
                put(&raw mut (*upval).closed, get((*upval).v));
                (*upval).v = &raw mut (*upval).closed;
                (*upval).next = std::ptr::null_mut();
            }
        }
    }

    /// The upvalue for a stack slot: an open one if there is, else a new one.
    ///
    /// # Safety
    /// `this` is a live coroutine of `heap` and `slot` points into its stack.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub unsafe fn find_upval(
        this: *mut Self,
        heap: &mut Heap,
        slot: *mut Value,
    ) -> Result<*mut Upval, OutOfMemory> {
        // SAFETY: the list is ordered by address (invariant 3).
        unsafe {
            let mut link = &raw mut (*this).open;
            while !(*link).is_null() && (**link).v >= slot {
                if (**link).v == slot {
                    return Ok(*link);
                }
                link = &raw mut (**link).next;
            }
            let upval = heap.new_upval(Value::NIL)?;
            (*upval).v = slot;
            Upval::set_fresh(upval, true);
            (*upval).next = *link;
            *link = upval;
            if (*this).next_with_open == this {
                heap.list_with_open(this);
            }
            Ok(upval)
        }
    }

    /// Ends a coroutine that will not run again, whatever it was doing.
    ///
    /// # Safety
    /// `this` is a live coroutine of `heap` and does not run.
    pub unsafe fn abandon(this: *mut Self, heap: &mut Heap) {
        // SAFETY: by contract.
        unsafe {
            Self::close_upvals(this, (*this).stack);
            for state in (*this).states.drain(..) {
                heap.sub_external(state.bytes);
            }
            (*this).status = Status::Done;
            (*this).top = (*this).stack;
            (*this).frame = (*this).frames;
            (*this).resumer = std::ptr::null_mut();
            (*this).native_calls = 0;
            (*this).in_hook = false;
        }
    }

    /// Gives unused stack back after a deep recursion: a resting coroutine that uses less than an eighth of its stack.
    ///
    /// # Safety
    /// `this` is a live coroutine of `heap` that does not run.
    pub(super) unsafe fn shrink(this: *mut Self, heap: &mut Heap) {
        // SAFETY: by contract.
        unsafe {
            let used = (*this).top.offset_from((*this).stack) as usize;
            let need = (used + used / 4 + crate::limits::DEFAULT_STACK).max(crate::limits::DEFAULT_STACK);
            // Frames of a suspended Lua function use registers above `top`.
            let room = need + 2 * crate::limits::MAX_REGISTERS;
            if Self::stack_len(this) > 8 * room {
                // If there is no memory for the smaller stack, the large one serves.
                let _ = Self::grow_stack(this, heap, room);
            }
        }
    }

    /// Frees what the coroutine owns outside of its cell.
    ///
    /// # Safety
    /// The coroutine is not used again, except by upvalues that still point into its stack: they are closed here.
    pub(super) unsafe fn release(this: *mut Self, heap: &mut Heap) {
        // SAFETY: by contract.
        unsafe {
            Self::close_upvals(this, (*this).stack);
            let states: usize = (*this).states.iter().map(|state| state.bytes).sum();
            heap.sub_external(states);
            // Small ones lie in cells and are swept with them.
            let stack = stack_size(Self::stack_len(this));
            if stack > MAX_CLASS_BUFFER {
                heap.free_buffer((*this).stack.cast(), stack);
            }
            let frames = Self::frames_bytes(this);
            if frames > MAX_CLASS_BUFFER {
                heap.free_buffer((*this).frames.cast(), frames);
            }
            std::ptr::drop_in_place(&raw mut (*this).states);
            std::ptr::drop_in_place(&raw mut (*this).hook);
        }
    }
}

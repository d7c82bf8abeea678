//! The interface for functions written in Rust: safe to use, nothing can be misused into undefined behaviour.
//!
//! A native function gets a [`Cx`]: a window on the stack with its arguments, access to the heap, and ways to ask for
//! calls. Values carry the lifetime `'gc` of one entry into the function: the collector does not run before it returns, so
//! within it every value may be used freely, and none can be kept beyond it except by leaving it in the window (or the
//! registry).
//!
//! A function that needs to call Lua is a state machine: it leaves what it needs in its window ([`Cx::push`], [`Cx::set`])
//! and in [`Cx::set_state`], returns [`Step::Call`], and is entered again with the results on top of its window. So
//! nothing recurses on the Rust stack, and a coroutine or slice can end inside the call.
//!
//! ```text
//! window:  | arg 0 | arg 1 | … | what was pushed … |
//!          0                     Cx::top()
//! ```

use super::unwind::CAUGHT;

use super::{LuaError, Vm};
mod argument;
pub mod class;
mod dumping;
mod host;
pub mod loading;
mod probe;
mod process;
pub mod progress;
pub mod quick;
mod table;
pub mod text;
mod value;

use crate::heap::thread::NativeState;
pub use crate::heap::thread::Status;
use crate::heap::value::{get, put, tag};
use crate::heap::{Thread, Value};
use crate::limits::DIGITS_PER_REDUCTION;
pub use class::Class;
pub use host::{Hold, HostData, SharedBytes};
pub use probe::{Kinds, Probe};
use progress::Kept;
pub use quick::Args;
use std::any::Any;
use std::marker::PhantomData;
pub use value::{Co, Kind, LStr, Name, Tab, Ud, Val};

/// A native function's code.
pub type NativeFn = for<'gc> fn(&mut Cx<'gc>) -> Result<Step, LuaError>;

/// Properties of a native function.
pub mod native_flag {
    /// Catches errors of what it calls: it is entered again with [`super::Cx::caught`].
    pub const CATCH: u16 = 1;
    /// With `CATCH`: its first argument slot holds a message handler.
    pub const HANDLER: u16 = 2;
    /// A manual `coroutine.yield` may cross it.
    pub const YIELDABLE: u16 = 4;
    /// `next`, which generic loops run in place.
    pub const NEXT: u16 = 8;
    /// The iterator of `ipairs`, likewise.
    pub const IPAIRS: u16 = 16;
    /// Has no effect before its results exist: after "not enough memory" it runs again once a collection has made room.
    pub const RETRY: u16 = 32;
    /// `pcall`, which the dispatcher carries out where it calls a plain Lua function.
    pub const PROTECT: u16 = 64;
    /// The value of its quick form is followed by nil.
    pub const AND_NIL: u16 = 128;
    /// With `CATCH`: a message handler around it sees what it catches first.
    pub const INHERIT: u16 = 256;
    /// The value of its quick form is followed by true.
    pub const AND_TRUE: u16 = 512;
}

/// State of a `pcall` whose function runs.
pub const PROTECTING: u64 = 1;

/// Static descriptor of a native function. Lua sees its address as the function's identity.
pub struct Native {
    /// Name in its library, for diagnostics.
    pub name: &'static str,
    pub func: NativeFn,
    pub flags: u16,
    /// The form without a frame, if there is one.
    pub quick: Option<quick::QuickFn>,
}

impl Native {
    #[must_use]
    pub const fn new(name: &'static str, func: NativeFn) -> Self {
        Self { name, func, flags: 0, quick: None }
    }

    #[must_use]
    pub const fn with(name: &'static str, func: NativeFn, flags: u16) -> Self {
        Self { name, func, flags, quick: None }
    }

    /// Adds a form that needs no frame.
    #[must_use]
    pub const fn quick(self, quick: quick::QuickFn) -> Self {
        Self { quick: Some(quick), ..self }
    }

    #[inline(always)]
    pub(super) const fn is_next(&self) -> bool {
        self.flags & native_flag::NEXT != 0
    }

    #[inline(always)]
    pub(super) const fn is_pcall(&self) -> bool {
        self.flags & native_flag::PROTECT != 0
    }

    #[inline(always)]
    pub(super) const fn is_ipairs_step(&self) -> bool {
        self.flags & native_flag::IPAIRS != 0
    }
}

/// The descriptor behind a native function value.
#[inline(always)]
pub(super) unsafe fn descriptor(v: Value) -> *const Native {
    if v.tag == tag::NATIVE {
        v.payload as *const Native
    } else {
        // SAFETY: by contract a native closure.
        unsafe { (*v.as_native_closure()).descriptor.cast() }
    }
}

/// What a native function wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Return the top `n` values of the window.
    Return(u32),
    /// Call the function below the top `args` values; enter again with `results` results in their place (-1: all).
    Call { args: u32, results: i16 },
    /// Call the finalizer and object on top, as [`Cx::push_due_finalizer`] pushed them.
    CallFinalizer,
    /// Resume the coroutine below the top `args` values; enter again with what it yields or returns in their place, or with
    /// [`Cx::caught`] and its error.
    Resume { args: u32 },
    /// Yield the top `n` values out of the running coroutine. The function's results are what it is resumed with.
    Yield(u32),
    /// Block the running managed coroutine, after [`Cx::block`], until the wait ends; see [`super::managed`].
    Block,
    /// Return the top `n` values once every runnable managed coroutine has had a turn.
    GiveWay(u32),
    /// The budget is used up ([`Cx::charge`]): enter again in the next slice.
    Again,
}

/// A place in the window; see [`Cx::window`].
#[repr(transparent)]
pub struct WindowSlot<'gc> {
    value: Value,
    life: PhantomData<*mut &'gc ()>,
}

impl<'gc> WindowSlot<'gc> {
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> Val<'gc> {
        // SAFETY: a reference is a live slot.
        Val::raw_new(unsafe { get(&raw const self.value) })
    }

    #[inline(always)]
    pub fn set(&mut self, v: Val<'gc>) {
        // SAFETY: a reference is a live slot.
        unsafe { put(&raw mut self.value, v.raw()) }
    }
}

/// One entry into a native function.
pub struct Cx<'gc> {
    vm: *mut Vm,
    life: PhantomData<*mut &'gc ()>,
}

impl<'gc> Cx<'gc> {
    #[inline(always)]
    pub(super) const fn new(vm: *mut Vm) -> Self {
        Self { vm, life: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn vm(&self) -> &Vm {
        // SAFETY: a context exists only while its Vm waits for the native function.
        unsafe { &*self.vm }
    }

    #[inline(always)]
    pub(crate) fn vm_mut(&mut self) -> &mut Vm {
        // SAFETY: as `vm`; nobody else uses the Vm meanwhile.
        unsafe { &mut *self.vm }
    }

    #[inline(always)]
    fn th(&self) -> *mut Thread {
        self.vm().th
    }

    #[inline(always)]
    fn base(&self) -> *mut Value {
        // SAFETY: the running frame is this function's.
        unsafe { (*(*self.th()).frame).base }
    }

    // ---- the window ----

    /// Number of values in the window. At the first entry: number of arguments.
    #[inline(always)]
    #[must_use]
    pub fn top(&self) -> usize {
        // SAFETY: both point into the running coroutine's stack.
        unsafe { (*self.th()).top.offset_from(self.base()) as usize }
    }

    /// Value `i` of the window (from 0), nil beyond its end.
    #[inline(always)]
    #[must_use]
    pub fn arg(&self, i: usize) -> Val<'gc> {
        if i < self.top() {
            // SAFETY: inside the window.
            unsafe { Val::raw_new(get(self.base().add(i))) }
        } else {
            Val::NIL
        }
    }

    /// Replaces value `i` of the window.
    ///
    /// # Panics
    /// If `i` is not in the window.
    pub fn set(&mut self, i: usize, v: Val<'gc>) {
        assert!(i < self.top(), "slot {i} is in the window");
        // SAFETY: inside the window.
        unsafe { put(self.base().add(i), v.raw()) }
    }

    /// All of the window.
    #[inline(always)]
    #[must_use]
    pub fn window(&mut self) -> &mut [WindowSlot<'gc>] {
        // SAFETY: the slots below the top are initialised, and as long as they are borrowed nobody else uses them: that would
        // take this context.
        unsafe { std::slice::from_raw_parts_mut(self.base().cast(), self.top()) }
    }

    /// Adds a value on top. 20 values fit without any check by the caller; for more, ask [`Cx::reserve`] first.
    #[inline(always)]
    pub fn push(&mut self, v: Val<'gc>) {
        let th = self.th();
        // SAFETY: the slot is checked.
        unsafe {
            if (*th).top >= (*th).limit {
                self.push_slow(v);
                return;
            }
            put((*th).top, v.raw());
            (*th).top = (*th).top.add(1);
        }
    }

    #[cold]
    fn push_slow(&mut self, v: Val<'gc>) {
        // A function that pushes more than it reserved; the reserve beyond the limit is for overflow handling, so this fails only
        // without memory at all.
        let r = self.reserve(1);
        assert!(r.is_ok(), "stack space for a pushed value");
        let th = self.th();
        // SAFETY: reserved.
        unsafe {
            put((*th).top, v.raw());
            (*th).top = (*th).top.add(1);
        }
    }

    /// Makes room for `n` more values.
    ///
    /// # Errors
    /// "stack overflow" or memory.
    pub fn reserve(&mut self, n: usize) -> Result<(), LuaError> {
        let th = self.th();
        // SAFETY: `top` points into the running stack.
        unsafe {
            self.vm_mut().ensure_stack((*th).top, n)?;
        }
        Ok(())
    }

    /// True if `n` more values fit below the stack limit of 1,000,000 slots.
    #[must_use]
    pub fn fits(&self, n: usize) -> bool {
        let th = self.th();
        // SAFETY: both point into one stack.
        let used = unsafe { (*th).top.offset_from((*th).stack) as usize };
        n <= crate::limits::MAX_STACK - used.min(crate::limits::MAX_STACK)
    }

    /// Inserts a value at `i`, moving those above up.
    ///
    /// # Panics
    /// If `i` is beyond the end of the window.
    pub fn insert(&mut self, i: usize, v: Val<'gc>) {
        let n = self.top();
        assert!(i <= n, "slot {i} is in the window or at its end");
        self.push(v);
        // SAFETY: the window has n + 1 values now.
        unsafe {
            let base = self.base();
            for at in (i..n).rev() {
                put(base.add(at + 1), get(base.add(at)));
            }
            put(base.add(i), v.raw());
        }
    }

    /// The function `next`, as the base library opened it.
    #[must_use]
    pub fn globals_next(&self) -> Val<'gc> {
        Val::raw_new(self.vm().next)
    }

    /// Removes the top value, nil if the window is empty.
    pub fn pop(&mut self) -> Val<'gc> {
        let n = self.top();
        if n == 0 {
            return Val::NIL;
        }
        let v = self.arg(n - 1);
        self.set_top(n - 1);
        v
    }

    /// Makes the window `n` values long: cuts it or fills it with nil.
    pub fn set_top(&mut self, n: usize) {
        while self.top() < n {
            self.push(Val::NIL);
        }
        let th = self.th();
        // SAFETY: not above the current top.
        unsafe { (*th).top = self.base().add(n) }
    }

    /// `Step::Return` of one value.
    ///
    /// # Errors
    /// None; a `Result` so that it can end a native function.
    #[inline(always)]
    pub fn ret(&mut self, v: impl Into<Val<'gc>>) -> Result<Step, LuaError> {
        self.push(v.into());
        Ok(Step::Return(1))
    }

    /// `Step::Return` of a new string.
    ///
    /// # Errors
    /// Memory.
    pub fn ret_str(&mut self, bytes: &[u8]) -> Result<Step, LuaError> {
        let s = self.string(bytes)?;
        self.ret(s)
    }

    /// `Step::Return` of the string that a text becomes.
    ///
    /// # Errors
    /// Memory.
    pub fn ret_text(&mut self, text: &mut text::Text) -> Result<Step, LuaError> {
        let s = self.string_of_text(text)?;
        self.ret(s)
    }

    // ---- state of the function between entries ----

    /// The state set before the last call; 0 at the first entry.
    #[inline]
    #[must_use]
    pub fn state(&self) -> u64 {
        // SAFETY: the running frame is this function's.
        unsafe { (*(*self.th()).frame).state & !CAUGHT }
    }

    /// Sets the state for the next entry (below 2^61).
    #[inline]
    pub fn set_state(&mut self, state: u64) {
        // SAFETY: the running frame is this function's.
        unsafe { (*(*self.th()).frame).state = state & !CAUGHT }
    }

    /// After a call of a function with `CATCH`, or a resumed coroutine: the error that came instead of results. It is then the
    /// only value of the window (after a call) or its top value (after a resume). Resets the mark.
    pub fn caught(&mut self) -> Option<Val<'gc>> {
        // SAFETY: the running frame is this function's.
        unsafe {
            let frame = (*self.th()).frame;
            if (*frame).state & CAUGHT == 0 {
                return None;
            }
            (*frame).state &= !CAUGHT;
        }
        Some(self.arg(self.top() - 1))
    }

    /// Keeps a Rust value with this call until it returns or fails. Its bytes are on the process's account meanwhile.
    pub fn keep<T: Kept>(&mut self, value: T) {
        self.keep_boxed(Box::new(value));
    }

    /// [`Cx::keep`] of a value that is in a box already, such as one that [`Cx::take`] returned.
    pub fn keep_boxed<T: Kept>(&mut self, value: Box<T>) {
        let bytes = size_of::<T>() + value.outside();
        // SAFETY: the running coroutine is live.
        unsafe {
            let th = self.th();
            let depth = Thread::depth(th);
            let vm = self.vm_mut();
            vm.drop_state();
            vm.heap.add_external(bytes);
            (*th).states.push(NativeState { depth, value, bytes });
        }
    }

    /// Takes out the Rust value kept with this call.
    pub fn take<T: Kept>(&mut self) -> Option<Box<T>> {
        // SAFETY: the running coroutine is live.
        unsafe {
            let th = self.th();
            let depth = Thread::depth(th);
            let state = (*th).states.pop_if(|state| state.depth == depth && state.value.is::<T>())?;
            self.vm_mut().heap.sub_external(state.bytes);
            state.value.downcast().ok()
        }
    }

    /// Upvalue `i` of this native closure, nil if there is none.
    #[must_use]
    pub fn upvalue(&self, i: usize) -> Val<'gc> {
        // SAFETY: the slot below the window holds this function.
        unsafe {
            let f = get((*(*self.th()).frame).func());
            if f.tag == tag::NATIVE_CLOSURE && i < (*f.as_native_closure()).len {
                return Val::raw_new(get(crate::heap::NativeClosure::upval(f.as_native_closure(), i)));
            }
            Val::NIL
        }
    }

    /// Replaces upvalue `i` of this native closure.
    ///
    /// # Errors
    /// Memory.
    pub fn set_upvalue(&mut self, i: usize, v: Val<'gc>) -> Result<(), LuaError> {
        // SAFETY: as `upvalue`.
        unsafe {
            let f = get((*(*self.th()).frame).func());
            if self.vm().is_shared(f) {
                self.vm_mut().own_environment(f)?;
            }
            let v = Val::raw_new(self.vm().own(v.raw()));
            let f = get((*(*self.th()).frame).func());
            if f.tag == tag::NATIVE_CLOSURE && i < (*f.as_native_closure()).len {
                put(crate::heap::NativeClosure::upval(f.as_native_closure(), i), v.raw());
            }
        }
        Ok(())
    }

    /// Pays for work: about one reduction for 64 bytes moved, 8 elements visited or a step of a matcher each. True: the budget
    /// is used up; keep the progress and return [`Step::Again`] (or finish soon).
    #[inline]
    pub fn charge(&mut self, reductions: usize) -> bool {
        let vm = self.vm_mut();
        let reductions = reductions.saturating_add(std::mem::take(&mut vm.heap.owed) as usize);
        vm.budget = vm.budget.saturating_sub(i32::try_from(reductions).unwrap_or(i32::MAX));
        vm.budget < 0
    }

    /// Pays for reading the number that `v` spells, if it is a string.
    #[inline]
    pub(super) fn pay_numeral(&self, v: Val<'gc>) {
        if let Some(s) = v.as_str() {
            let cost = i32::try_from(s.len() / DIGITS_PER_REDUCTION).unwrap_or(i32::MAX);
            // SAFETY: the Vm waits for this function, and nobody holds a reference to its budget. Checked by: `slice_tests`.
            unsafe { (*self.vm).budget = (*self.vm).budget.saturating_sub(cost) };
        }
    }

    // ---- making values ----

    /// A new string.
    ///
    /// # Errors
    /// Memory.
    #[inline]
    pub fn string(&mut self, bytes: &[u8]) -> Result<Val<'gc>, LuaError> {
        Ok(Val::raw_new(Value::string(self.vm_mut().heap.new_string(bytes)?)))
    }

    /// A new string of `len` bytes that `fill` writes (the memory it gets is initialised but arbitrary).
    ///
    /// # Errors
    /// Memory.
    pub fn string_with(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<Val<'gc>, LuaError> {
        Ok(Val::raw_new(Value::string(self.vm_mut().heap.new_string_with(len, fill)?)))
    }

    /// Asks whether `bytes` more bytes would fit into the process's limit, before building something large.
    ///
    /// # Errors
    /// Memory.
    pub fn reserve_memory(&mut self, bytes: usize) -> Result<(), LuaError> {
        Ok(self.vm_mut().heap.reserve_external(bytes)?)
    }

    /// The string for a fixed name.
    #[must_use]
    pub fn name(&self, name: &'static str) -> Val<'gc> {
        Val::raw_new(Value::string(crate::heap::string::constant(name.as_bytes())))
    }

    /// A new table with room for `array` and `hash` entries.
    ///
    /// # Errors
    /// Memory.
    pub fn table(&mut self, array: usize, hash: usize) -> Result<Tab<'gc>, LuaError> {
        Ok(Tab::new(self.vm_mut().heap.new_table_with(array, hash)?))
    }

    /// A native function with upvalues.
    ///
    /// # Errors
    /// Memory.
    pub fn closure(&mut self, native: &'static Native, upvals: &[Val<'gc>]) -> Result<Val<'gc>, LuaError> {
        let raw: Vec<Value> = upvals.iter().map(|v| v.raw()).collect();
        let descriptor = std::ptr::from_ref(native).cast();
        Ok(Val::raw_new(Value::native_closure(self.vm_mut().heap.new_native_closure(descriptor, &raw)?)))
    }

    /// A userdata around a Rust value.
    ///
    /// # Errors
    /// Memory.
    pub fn userdata<T: Any + Send>(&mut self, data: T, meta: Option<Tab<'gc>>) -> Result<Ud<'gc>, LuaError> {
        let ud = self.sized_userdata(data, 0)?;
        self.set_metatable(ud.into(), meta)?;
        Ok(ud)
    }

    /// A userdata without metatable around a Rust value that holds on to `bytes` bytes of memory.
    ///
    /// # Errors
    /// Memory.
    pub fn sized_userdata<T: Any + Send>(&mut self, data: T, bytes: usize) -> Result<Ud<'gc>, LuaError> {
        Ok(Ud::new(self.vm_mut().heap.new_userdata(Box::new(data), bytes)?))
    }

    /// As [`Self::sized_userdata`], around a value that is in a box already.
    ///
    /// # Errors
    /// Memory; the value is dropped then.
    pub fn boxed_userdata<T: Any + Send>(&mut self, data: Box<T>, bytes: usize) -> Result<Ud<'gc>, LuaError> {
        Ok(Ud::new(self.vm_mut().heap.new_userdata(data, bytes)?))
    }

    /// Puts more memory that a userdata holds on the process's account.
    ///
    /// # Errors
    /// Memory.
    pub fn grow_userdata(&mut self, ud: Val<'gc>, bytes: usize) -> Result<(), LuaError> {
        let Kind::Userdata(ud) = ud.kind() else { return Ok(()) };
        let at = Val::from(ud).raw().as_userdata();
        // SAFETY: live during 'gc; its Vm waits for this native function. It is among the externals since it was made with some.
        unsafe {
            let more = u32::try_from(bytes).unwrap_or(u32::MAX).min(u32::MAX - (*at).external);
            self.vm_mut().heap.reserve_external(more as usize)?;
            (*at).external += more;
            self.vm_mut().heap.add_external(more as usize);
        }
        Ok(())
    }

    /// A value that a userdata holds has grown, or become smaller, by so many bytes.
    pub fn adjust_userdata(&mut self, ud: Val<'gc>, bytes: isize) {
        let Kind::Userdata(ud) = ud.kind() else { return };
        if bytes == 0 {
            return;
        }
        let at = Val::from(ud).raw().as_userdata();
        // SAFETY: live during 'gc; its Vm waits for this native function.
        unsafe {
            let before = (*at).external;
            (*at).external = u32::try_from((before as isize + bytes).max(0)).unwrap_or(u32::MAX);
            let heap = &mut self.vm_mut().heap;
            heap.sub_external(before as usize);
            heap.add_external((*at).external as usize);
        }
    }

    /// A coroutine that will run `f`.
    ///
    /// # Errors
    /// Memory.
    pub fn coroutine(&mut self, f: Val<'gc>) -> Result<Co<'gc>, LuaError> {
        let th = self.vm_mut().heap.new_thread()?;
        // SAFETY: the coroutine is new; its first slot holds the function.
        unsafe {
            put((*th).stack, f.raw());
            (*th).top = (*th).stack.add(1);
            // No hook: as in 5.3, `debug.sethook` is about one coroutine.
        }
        Ok(Co::new(th))
    }
}

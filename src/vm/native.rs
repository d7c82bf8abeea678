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

use super::call::CAUGHT;
use super::error::Raised;
use super::{LuaError, Vm};
pub use crate::heap::thread::Status;
use crate::heap::value::{get, put, tag};
use crate::heap::{Blob, Code, Str, Table, Thread, Userdata, Value};
use std::any::Any;
use std::marker::PhantomData;

/// A native function's code.
pub type NativeFn = for<'gc> fn(&mut Cx<'gc>) -> Result<Step, LuaError>;

/// Properties of a native function.
pub mod native_flag {
    /// Catches errors of what it calls: it is entered again with [`super::Cx::caught`].
    pub const CATCH: u8 = 1;
    /// With `CATCH`: its first argument slot holds a message handler.
    pub const HANDLER: u8 = 2;
    /// A manual `coroutine.yield` may cross it.
    pub const YIELDABLE: u8 = 4;
    /// `next`, which generic loops run in place.
    pub const NEXT: u8 = 8;
    /// The iterator of `ipairs`, likewise.
    pub const IPAIRS: u8 = 16;
    /// Has no effect before its results exist: after "not enough memory" it runs again once a collection has made room.
    pub const RETRY: u8 = 32;
}

/// Static descriptor of a native function. Lua sees its address as the function's identity.
pub struct Native {
    /// Name in its library, for diagnostics.
    pub name: &'static str,
    pub func: NativeFn,
    pub flags: u8,
}

impl Native {
    #[must_use]
    pub const fn new(name: &'static str, func: NativeFn) -> Self {
        Self { name, func, flags: 0 }
    }

    #[must_use]
    pub const fn with(name: &'static str, func: NativeFn, flags: u8) -> Self {
        Self { name, func, flags }
    }

    #[inline(always)]
    pub(super) const fn is_next(&self) -> bool {
        self.flags & native_flag::NEXT != 0
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
    /// The budget is used up ([`Cx::charge`]): enter again in the next slice.
    Again,
}

/// A Lua value during one entry into a native function.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Val<'gc> {
    raw: Value,
    life: PhantomData<*mut &'gc ()>,
}

macro_rules! handles {
    ($($(#[doc = $doc:literal])* $name:ident $target:ty;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name<'gc> {
            at: *mut $target,
            life: PhantomData<*mut &'gc ()>,
        }

        impl<'gc> $name<'gc> {
            const fn new(at: *mut $target) -> Self {
                Self { at, life: PhantomData }
            }

            /// Address, for printing and identity.
            #[must_use]
            pub fn address(self) -> usize {
                self.at as usize
            }
        }
    )* };
}

handles! {
    /// A string.
    LStr Str;
    /// A table.
    Tab Table;
    /// A userdata.
    Ud Userdata;
    /// A coroutine.
    Co Thread;
}

/// A value by type.
#[derive(Clone, Copy)]
pub enum Kind<'gc> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(LStr<'gc>),
    Table(Tab<'gc>),
    Function,
    Userdata(Ud<'gc>),
    Thread(Co<'gc>),
    Light(usize),
}

impl<'gc> Val<'gc> {
    pub const NIL: Self = Self::raw_new(Value::NIL);
    pub const TRUE: Self = Self::raw_new(Value::TRUE);
    pub const FALSE: Self = Self::raw_new(Value::FALSE);

    pub(crate) const fn raw_new(raw: Value) -> Self {
        Self { raw, life: PhantomData }
    }

    pub(crate) const fn raw(self) -> Value {
        self.raw
    }

    #[inline]
    #[must_use]
    pub const fn int(i: i64) -> Self {
        Self::raw_new(Value::int(i))
    }

    #[inline]
    #[must_use]
    pub const fn float(f: f64) -> Self {
        Self::raw_new(Value::float(f))
    }

    #[inline]
    #[must_use]
    pub const fn bool(b: bool) -> Self {
        Self::raw_new(Value::bool(b))
    }

    /// A native function without upvalues.
    #[must_use]
    pub fn native(native: &'static Native) -> Self {
        Self::raw_new(Value::native(std::ptr::from_ref(native).cast()))
    }

    /// An opaque address.
    #[must_use]
    pub fn light(address: usize) -> Self {
        Self::raw_new(Value::light(address))
    }

    /// The value by type.
    #[inline]
    #[must_use]
    pub fn kind(self) -> Kind<'gc> {
        let v = self.raw;
        match v.tag {
            tag::INT => Kind::Int(v.as_int()),
            tag::FLOAT => Kind::Float(v.as_float()),
            tag::FALSE => Kind::Bool(false),
            tag::TRUE => Kind::Bool(true),
            tag::STRING => Kind::Str(LStr::new(v.as_str())),
            tag::TABLE => Kind::Table(Tab::new(v.as_table())),
            tag::CLOSURE | tag::NATIVE | tag::NATIVE_CLOSURE => Kind::Function,
            tag::USERDATA => Kind::Userdata(Ud::new(v.as_userdata())),
            tag::THREAD => Kind::Thread(Co::new(v.as_thread())),
            tag::LIGHT => Kind::Light(v.payload as usize),
            _ => Kind::Nil,
        }
    }

    #[inline]
    #[must_use]
    pub const fn is_nil(self) -> bool {
        self.raw.is_nil()
    }

    /// Neither nil nor false.
    #[inline]
    #[must_use]
    pub const fn is_truthy(self) -> bool {
        self.raw.is_truthy()
    }

    #[inline]
    #[must_use]
    pub const fn is_number(self) -> bool {
        self.raw.is_number()
    }

    #[inline]
    #[must_use]
    pub const fn is_string(self) -> bool {
        self.raw.is_string()
    }

    #[must_use]
    pub const fn is_function(self) -> bool {
        self.raw.is_function()
    }

    /// The table, if it is one.
    #[inline]
    #[must_use]
    pub fn as_table(self) -> Option<Tab<'gc>> {
        self.raw.is_table().then(|| Tab::new(self.raw.as_table()))
    }

    /// The string, if it is one (numbers are not converted).
    #[inline]
    #[must_use]
    pub fn as_str(self) -> Option<LStr<'gc>> {
        self.raw.is_string().then(|| LStr::new(self.raw.as_str()))
    }

    /// Integer value of a number or of a string that is one, if exact.
    #[inline]
    #[must_use]
    pub fn to_int(self) -> Option<i64> {
        if self.raw.tag == tag::INT {
            return Some(self.raw.as_int());
        }
        // SAFETY: values of this lifetime are live.
        unsafe { super::convert::to_number(self.raw).and_then(super::arith::to_int) }
    }

    /// Float value of a number or of a string that is one.
    #[inline]
    #[must_use]
    pub fn to_float(self) -> Option<f64> {
        // SAFETY: values of this lifetime are live.
        unsafe { super::convert::to_number(self.raw).map(super::arith::to_float) }
    }

    /// The number, or the number that a string spells: an integer or float value.
    #[must_use]
    pub fn to_number(self) -> Option<Self> {
        // SAFETY: values of this lifetime are live.
        unsafe { super::convert::to_number(self.raw).map(Self::raw_new) }
    }

    /// True for the integer subtype.
    #[must_use]
    pub const fn is_int(self) -> bool {
        self.raw.is_int()
    }

    /// Name of the type, without `__name`.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        self.raw.type_name()
    }

    /// Equality without metamethods.
    #[must_use]
    pub fn raw_equal(self, other: Self) -> bool {
        // SAFETY: values of this lifetime are live.
        unsafe { super::arith::raw_equal(self.raw, other.raw) }
    }

    /// True if the value has an address that identifies it (`%p`, `tostring`).
    #[must_use]
    pub fn address(self) -> usize {
        self.raw.payload as usize
    }

    /// True for a function written in Lua.
    #[must_use]
    pub const fn is_lua_function(self) -> bool {
        self.raw.tag == tag::CLOSURE
    }

    /// The native function behind the value, if it is one.
    #[must_use]
    pub fn as_native(self) -> Option<&'static Native> {
        match self.raw.tag {
            // SAFETY: descriptors are static.
            tag::NATIVE | tag::NATIVE_CLOSURE => Some(unsafe { &*descriptor(self.raw) }),
            _ => None,
        }
    }
}

impl<'gc> From<LStr<'gc>> for Val<'gc> {
    fn from(s: LStr<'gc>) -> Self {
        Self::raw_new(Value::string(s.at))
    }
}

impl<'gc> From<Tab<'gc>> for Val<'gc> {
    fn from(t: Tab<'gc>) -> Self {
        Self::raw_new(Value::table(t.at))
    }
}

impl<'gc> From<Ud<'gc>> for Val<'gc> {
    fn from(u: Ud<'gc>) -> Self {
        Self::raw_new(Value::userdata(u.at))
    }
}

impl<'gc> From<Co<'gc>> for Val<'gc> {
    fn from(co: Co<'gc>) -> Self {
        Self::raw_new(Value::thread(co.at))
    }
}

impl From<i64> for Val<'_> {
    fn from(i: i64) -> Self {
        Self::int(i)
    }
}

impl From<f64> for Val<'_> {
    fn from(f: f64) -> Self {
        Self::float(f)
    }
}

impl From<bool> for Val<'_> {
    fn from(b: bool) -> Self {
        Self::bool(b)
    }
}

impl<'gc> LStr<'gc> {
    /// The bytes; they do not change or move during `'gc`.
    #[inline]
    #[must_use]
    pub fn bytes(self) -> &'gc [u8] {
        // SAFETY: strings are immutable, and no collection runs during 'gc.
        unsafe { Str::bytes(self.at) }
    }

    /// Length in bytes.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        self.bytes().len()
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'gc> Tab<'gc> {
    /// Value of a key, without metamethods.
    #[inline]
    #[must_use]
    pub fn get(self, key: Val<'gc>) -> Val<'gc> {
        // SAFETY: both are live during 'gc.
        unsafe { Val::raw_new(Table::get(self.at, key.raw)) }
    }

    /// Value of an integer key, without metamethods.
    #[inline]
    #[must_use]
    pub fn get_int(self, key: i64) -> Val<'gc> {
        // SAFETY: as `get`.
        unsafe { Val::raw_new(Table::get_int(self.at, key)) }
    }

    /// Stores without metamethods.
    ///
    /// # Errors
    /// "table index is nil" / "is NaN", or memory.
    #[inline]
    pub fn set(self, cx: &mut Cx<'gc>, key: Val<'gc>, v: Val<'gc>) -> Result<(), LuaError> {
        // SAFETY: all are live objects of the process.
        unsafe { Ok(Table::set(self.at, &mut cx.vm_mut().heap, key.raw, v.raw)?) }
    }

    /// Stores at an integer key without metamethods.
    ///
    /// # Errors
    /// Memory.
    #[inline]
    pub fn set_int(self, cx: &mut Cx<'gc>, key: i64, v: Val<'gc>) -> Result<(), LuaError> {
        // SAFETY: as `set`.
        unsafe { Ok(Table::set_int(self.at, &mut cx.vm_mut().heap, key, v.raw)?) }
    }

    /// Value of a string key, without metamethods.
    #[must_use]
    pub fn get_name(self, name: &str) -> Val<'gc> {
        // SAFETY: constants are immortal.
        unsafe { Val::raw_new(Table::get_str(self.at, crate::heap::string::constant(name.as_bytes()))) }
    }

    /// Stores under a string key, without metamethods. The name becomes a program constant: for fixed names only.
    ///
    /// # Errors
    /// Memory.
    pub fn set_name(self, cx: &mut Cx<'gc>, name: &'static str, v: Val<'gc>) -> Result<(), LuaError> {
        let key = Val::raw_new(Value::string(crate::heap::string::constant(name.as_bytes())));
        self.set(cx, key, v)
    }

    /// A border, without metamethods.
    #[inline]
    #[must_use]
    pub fn raw_len(self) -> i64 {
        // SAFETY: live during 'gc.
        unsafe { Table::len(self.at) }
    }

    /// The entry after `key`; the first one after nil.
    ///
    /// # Errors
    /// `Err(())` if the key is not in the table.
    #[allow(clippy::result_unit_err)] // there is one way to fail
    pub fn next(self, key: Val<'gc>) -> Result<Option<(Val<'gc>, Val<'gc>)>, ()> {
        // SAFETY: live during 'gc.
        unsafe { Ok(Table::next(self.at, key.raw)?.map(|(k, v)| (Val::raw_new(k), Val::raw_new(v)))) }
    }

    /// The metatable.
    #[must_use]
    pub fn metatable(self) -> Option<Self> {
        // SAFETY: live during 'gc.
        let meta = unsafe { (*self.at).meta };
        (!meta.is_null()).then(|| Self::new(meta))
    }

    /// Length of the part that [`Tab::array_get`] and [`Tab::array_set`] reach.
    #[inline]
    #[must_use]
    pub fn array_len(self) -> usize {
        // SAFETY: live during 'gc.
        unsafe { (*self.at).arr_len as usize }
    }

    /// Element `i + 1` of the array part.
    #[inline]
    #[must_use]
    pub fn array_get(self, i: usize) -> Option<Val<'gc>> {
        // SAFETY: the index is checked.
        unsafe { (i < (*self.at).arr_len as usize).then(|| Val::raw_new(get((*self.at).arr.add(i)))) }
    }

    /// Replaces element `i + 1` of the array part; false if it is not there.
    #[inline]
    pub fn array_set(self, i: usize, v: Val<'gc>) -> bool {
        // SAFETY: the index is checked.
        unsafe {
            let inside = i < (*self.at).arr_len as usize;
            if inside {
                put((*self.at).arr.add(i), v.raw);
            }
            inside
        }
    }

    /// Moves elements inside the array part (`from..from + n` to `to..`, indices from 0); false if a range is not inside it.
    pub fn array_move(self, from: usize, to: usize, n: usize) -> bool {
        // SAFETY: both ranges are checked; `copy` allows overlap.
        unsafe {
            let len = (*self.at).arr_len as usize;
            let inside =
                from.checked_add(n).is_some_and(|e| e <= len) && to.checked_add(n).is_some_and(|e| e <= len);
            if inside {
                std::ptr::copy((*self.at).arr.add(from), (*self.at).arr.add(to), n);
            }
            inside
        }
    }
}

impl<'gc> Ud<'gc> {
    /// The Rust value, if it is of type `T`.
    #[must_use]
    pub fn with<T: Any, R>(self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        // SAFETY: live during 'gc. The value is taken out while `f` runs, so no second reference to it can be made.
        unsafe {
            let mut data = (*self.at).data.take()?;
            let r = data.downcast_mut::<T>().map(f);
            (*self.at).data = Some(data);
            r
        }
    }

    /// The metatable.
    #[must_use]
    pub fn metatable(self) -> Option<Tab<'gc>> {
        // SAFETY: live during 'gc.
        let meta = unsafe { (*self.at).meta };
        (!meta.is_null()).then(|| Tab::new(meta))
    }

    /// The associated Lua value.
    #[must_use]
    pub fn user_value(self) -> Val<'gc> {
        // SAFETY: live during 'gc.
        unsafe { Val::raw_new(get(&raw const (*self.at).user_value)) }
    }

    /// Associates a Lua value.
    pub fn set_user_value(self, v: Val<'gc>) {
        // SAFETY: live during 'gc.
        unsafe { put(&raw mut (*self.at).user_value, v.raw) }
    }

    /// Sets the metatable. A `__gc` in it counts from now on.
    pub fn set_metatable(self, cx: &mut Cx<'gc>, meta: Option<Tab<'gc>>) {
        cx.set_metatable(self.into(), meta);
    }
}

impl Co<'_> {
    /// The coroutine's status.
    #[must_use]
    pub fn status(self) -> Status {
        // SAFETY: live during 'gc.
        unsafe { (*self.at).status }
    }

    /// True if a function waits to be started: neither running, dead, nor finished.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        self.status() == Status::Suspended
    }

    /// True if `n` more values fit on its stack below the limit.
    #[must_use]
    pub fn fits(self, n: usize) -> bool {
        // SAFETY: live during 'gc; both point into one stack.
        let used = unsafe { (*self.at).top.offset_from((*self.at).stack) as usize };
        n <= crate::limits::MAX_STACK.saturating_sub(used)
    }

    /// The function on top of its stack, if that is a native one.
    #[must_use]
    pub fn native_on_top(self) -> Option<&'static Native> {
        // SAFETY: live during 'gc; the frame's function slot holds the function, and descriptors are static.
        unsafe {
            let frame = (*self.at).frame;
            let native = frame > (*self.at).frames && (*frame).kind == crate::heap::FrameKind::Native;
            native.then(|| &*Vm::frame_native(frame))
        }
    }

    pub(super) const fn raw(self) -> *mut Thread {
        self.at
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
        unsafe { put(self.base().add(i), v.raw) }
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
            put((*th).top, v.raw);
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
            put((*th).top, v.raw);
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
        for at in (i..n).rev() {
            let moved = self.arg(at);
            self.set(at + 1, moved);
        }
        self.set(i, v);
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

    // ---- state of the function between entries ----

    /// The state set before the last call; 0 at the first entry.
    #[inline]
    #[must_use]
    pub fn state(&self) -> u64 {
        // SAFETY: the running frame is this function's.
        unsafe { (*(*self.th()).frame).state & !CAUGHT }
    }

    /// Sets the state for the next entry (below 2^63).
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

    /// Keeps a Rust value with this call until it returns or fails.
    pub fn keep<T: Any + Send>(&mut self, value: T) {
        // SAFETY: the running coroutine is live.
        unsafe {
            let th = self.th();
            let depth = Thread::depth(th);
            self.vm_mut().drop_state();
            (*th).states.push((depth, Box::new(value)));
        }
    }

    /// Takes out the Rust value kept with this call.
    pub fn take<T: Any + Send>(&mut self) -> Option<Box<T>> {
        // SAFETY: the running coroutine is live.
        unsafe {
            let th = self.th();
            let depth = Thread::depth(th);
            if (*th).states.last().is_some_and(|s| s.0 == depth && s.1.is::<T>()) {
                return (*th).states.pop().and_then(|s| s.1.downcast().ok());
            }
            None
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
    pub fn set_upvalue(&mut self, i: usize, v: Val<'gc>) {
        // SAFETY: as `upvalue`.
        unsafe {
            let f = get((*(*self.th()).frame).func());
            if f.tag == tag::NATIVE_CLOSURE && i < (*f.as_native_closure()).len {
                put(crate::heap::NativeClosure::upval(f.as_native_closure(), i), v.raw);
            }
        }
    }

    /// Pays for work: about one reduction for 64 bytes moved, 8 elements visited or a step of a matcher each. True: the budget
    /// is used up; keep the progress and return [`Step::Again`] (or finish soon).
    #[inline]
    pub fn charge(&mut self, reductions: usize) -> bool {
        let vm = self.vm_mut();
        vm.budget = vm.budget.saturating_sub(i32::try_from(reductions).unwrap_or(i32::MAX));
        vm.budget < 0
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
        let raw: Vec<Value> = upvals.iter().map(|v| v.raw).collect();
        let descriptor = std::ptr::from_ref(native).cast();
        Ok(Val::raw_new(Value::native_closure(self.vm_mut().heap.new_native_closure(descriptor, &raw)?)))
    }

    /// A userdata around a Rust value.
    ///
    /// # Errors
    /// Memory.
    pub fn userdata<T: Any + Send>(&mut self, data: T, meta: Option<Tab<'gc>>) -> Result<Ud<'gc>, LuaError> {
        let ud = Ud::new(self.vm_mut().heap.new_userdata(Box::new(data))?);
        self.set_metatable(ud.into(), meta);
        Ok(ud)
    }

    /// A coroutine that will run `f`.
    ///
    /// # Errors
    /// Memory.
    pub fn coroutine(&mut self, f: Val<'gc>) -> Result<Co<'gc>, LuaError> {
        let th = self.vm_mut().heap.new_thread()?;
        // SAFETY: the coroutine is new; its first slot holds the function.
        unsafe {
            put((*th).stack, f.raw);
            (*th).top = (*th).stack.add(1);
            // No hook: as in 5.3, `debug.sethook` is about one coroutine.
        }
        Ok(Co::new(th))
    }

    // ---- the process ----

    /// The table of globals.
    #[must_use]
    pub fn globals(&self) -> Tab<'gc> {
        Tab::new(self.vm().globals)
    }

    /// The registry: a table that Lua code does not see (but `debug.getregistry`).
    #[must_use]
    pub fn registry(&self) -> Tab<'gc> {
        Tab::new(self.vm().registry)
    }

    /// The running coroutine, and whether it is the main one.
    #[must_use]
    pub fn running(&self) -> (Co<'gc>, bool) {
        (Co::new(self.th()), self.th() == self.vm().main)
    }

    /// True if a manual yield would succeed here.
    #[must_use]
    pub fn is_yieldable(&self) -> bool {
        // SAFETY: the running coroutine is live.
        unsafe { self.vm().can_yield() }
    }

    /// Metatable of any value.
    #[must_use]
    pub fn metatable(&self, v: Val<'gc>) -> Option<Tab<'gc>> {
        // SAFETY: live during 'gc.
        let meta = unsafe { self.vm().metatable(v.raw) };
        (!meta.is_null()).then(|| Tab::new(meta))
    }

    /// Sets the metatable of a table or userdata, or of a whole basic type.
    pub fn set_metatable(&mut self, v: Val<'gc>, meta: Option<Tab<'gc>>) {
        let at = meta.map_or(std::ptr::null_mut(), |t| t.at);
        // SAFETY: live during 'gc.
        unsafe {
            match v.raw.tag {
                tag::TABLE => (*v.raw.as_table()).meta = at,
                tag::USERDATA => (*v.raw.as_userdata()).meta = at,
                t => {
                    self.vm_mut().metas[Vm::meta_slot(t)] = at;
                    return;
                }
            }
            let vm = self.vm_mut();
            if !vm.handler(at, super::meta::Event::Gc).is_nil() {
                vm.heap.register_finalizer(v.raw);
            }
        }
    }

    /// A field of the value's metatable (raw), nil if there is none.
    #[must_use]
    pub fn metafield(&self, v: Val<'gc>, event: super::meta::Event) -> Val<'gc> {
        // SAFETY: live during 'gc.
        unsafe { Val::raw_new(self.vm().value_handler(v.raw, event)) }
    }

    /// `obj[key]`: the value, or (`Err` inside) the function to call with `(obj, key)` for it, as pushed by
    /// [`Cx::push_call`].
    ///
    /// # Errors
    /// "attempt to index a … value".
    pub fn index(
        &mut self,
        obj: Val<'gc>,
        key: Val<'gc>,
    ) -> Result<Result<Val<'gc>, [Val<'gc>; 3]>, LuaError> {
        use super::index::Get;
        // SAFETY: live during 'gc.
        unsafe {
            Ok(match self.vm_mut().index(obj.raw, key.raw, super::names::Operand::None)? {
                Get::Value(v) => Ok(Val::raw_new(v)),
                Get::Call(handler, obj) => Err([Val::raw_new(handler), Val::raw_new(obj), key]),
            })
        }
    }

    /// `obj[key] = v`; `Some` is the call to make for it, without results.
    ///
    /// # Errors
    /// "attempt to index a … value", bad keys, memory.
    pub fn set_index(
        &mut self,
        obj: Val<'gc>,
        key: Val<'gc>,
        v: Val<'gc>,
    ) -> Result<Option<[Val<'gc>; 4]>, LuaError> {
        use super::index::Set;
        // SAFETY: live during 'gc.
        unsafe {
            Ok(match self.vm_mut().set_index(obj.raw, key.raw, v.raw, super::names::Operand::None)? {
                Set::Done => None,
                Set::Call(handler, obj) => Some([Val::raw_new(handler), Val::raw_new(obj), key, v]),
            })
        }
    }

    /// `a < b`: the answer, or the call whose first result, as a truth value, is the answer.
    ///
    /// # Errors
    /// "attempt to compare …".
    pub fn less_than(&mut self, a: Val<'gc>, b: Val<'gc>) -> Result<Result<bool, [Val<'gc>; 3]>, LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            if a.raw.is_number() && b.raw.is_number() {
                return Ok(Ok(super::arith::number_lt(a.raw, b.raw)));
            }
            if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
                return Ok(Ok(a.bytes() < b.bytes()));
            }
            let vm = self.vm_mut();
            let mut handler = vm.value_handler(a.raw, super::meta::Event::Lt);
            if handler.is_nil() {
                handler = vm.value_handler(b.raw, super::meta::Event::Lt);
            }
            if handler.is_nil() {
                return Err(vm.order_error(a.raw, b.raw));
            }
            Ok(Err([Val::raw_new(handler), a, b]))
        }
    }

    /// Pushes a function and its arguments, and asks for the call.
    ///
    /// # Errors
    /// "stack overflow" or memory.
    pub fn call(&mut self, call: &[Val<'gc>], results: i16) -> Result<Step, LuaError> {
        self.reserve(call.len())?;
        for &v in call {
            self.push(v);
        }
        Ok(Step::Call { args: call.len() as u32 - 1, results })
    }

    // ---- code ----

    /// Compiles or loads a chunk and makes a function of it; `Err` inside is the message for the caller of `load`.
    ///
    /// # Errors
    /// Memory.
    pub fn load(
        &mut self,
        chunk: &[u8],
        name: &[u8],
        mode: super::LoadMode,
        env: Option<Val<'gc>>,
    ) -> Result<Result<Val<'gc>, Vec<u8>>, LuaError> {
        let Some(loader) = self.vm().loader else {
            return Ok(Err(b"no compiler in this process".to_vec()));
        };
        // The compiler's trees and tables take several times the size of the source.
        self.reserve_memory(chunk.len())?;
        let proto = match loader(chunk, name, mode) {
            Ok(proto) => proto,
            Err(message) => return Ok(Err(message)),
        };
        let vm = self.vm_mut();
        let code = vm.heap.link_local(proto)?;
        let env = env.map_or(vm.globals_value(), |v| v.raw);
        // SAFETY: the code belongs to a unit of this heap.
        let closure = unsafe { vm.main_closure(code, env)? };
        Ok(Ok(Val::raw_new(Value::closure(closure))))
    }

    /// The binary chunk of a Lua function, for `string.dump`; none for native functions.
    #[must_use]
    pub fn dump(&self, f: Val<'gc>, strip: bool) -> Option<Vec<u8>> {
        // SAFETY: live during 'gc.
        let proto =
            (f.raw.tag == tag::CLOSURE).then(|| unsafe { (*(*f.raw.as_closure()).code).to_proto() })?;
        Some(crate::bytecode::dump::dump(&proto, strip))
    }

    // ---- collector ----

    /// A full collection. Only for `collectgarbage` and the like: every value that is not in the window (or reachable otherwise)
    /// is gone afterwards, which the exclusive borrow of `'gc` values cannot express; so the function must not touch any
    /// it got before. It takes the context by value to make that hard to forget.
    #[must_use]
    pub fn collect_now(cx: &mut Cx<'_>) -> u64 {
        let vm = cx.vm_mut();
        vm.collect();
        vm.heap.gc.cycles
    }

    /// Pushes the next finalizer that is due with its object; then return [`Step::CallFinalizer`].
    pub fn push_due_finalizer(&mut self) -> bool {
        while let Some(object) = self.vm_mut().heap.gc.take_due() {
            // SAFETY: due objects are kept alive by the collector.
            let handler = unsafe { self.vm().value_handler(object, super::meta::Event::Gc) };
            if handler.is_function() {
                self.push(Val::raw_new(handler));
                self.push(Val::raw_new(object));
                return true;
            }
        }
        false
    }

    // ---- errors ----

    /// The position `chunk:line: ` of the function at a level (1: who called this function), empty if unknown.
    #[must_use]
    pub fn where_(&self, level: u32) -> Vec<u8> {
        self.vm().position(level)
    }

    pub(super) fn raise_handled(&mut self) -> LuaError {
        let v = if self.top() > 0 { self.arg(self.top() - 1).raw } else { Value::NIL };
        LuaError::new(Raised::Handled(v))
    }

    /// Raises a value.
    #[must_use]
    pub fn raise(&self, v: Val<'gc>) -> LuaError {
        LuaError::value(v.raw)
    }

    /// "bad argument #i to 'f' (expected expected, got …)"; `i` counts from 0 as [`Cx::arg`] does.
    #[must_use]
    pub fn type_error(&self, i: usize, expected: &str) -> LuaError {
        let got = self.type_name_of(i);
        let mut text = format!("{expected} expected, got ").into_bytes();
        text.extend_from_slice(&got);
        LuaError::argument(i + 1, text)
    }

    /// Type name of window slot `i` for messages: `__name`, "no value", "light userdata" or the type's name.
    #[must_use]
    pub fn type_name_of(&self, i: usize) -> Vec<u8> {
        if i >= self.top() {
            return b"no value".to_vec();
        }
        let v = self.arg(i);
        if let Some(name) = self.metafield(v, super::meta::Event::Name).as_str() {
            return name.bytes().to_vec();
        }
        if matches!(v.kind(), Kind::Light(_)) {
            return b"light userdata".to_vec();
        }
        v.type_name().as_bytes().to_vec()
    }

    // ---- checked arguments (`i` from 0) ----

    /// Any value must be there.
    ///
    /// # Errors
    /// "value expected".
    pub fn check_any(&self, i: usize) -> Result<Val<'gc>, LuaError> {
        if i >= self.top() {
            return Err(LuaError::argument(i + 1, "value expected"));
        }
        Ok(self.arg(i))
    }

    /// An integer, or a number or string with an integral value.
    ///
    /// # Errors
    /// "number expected, got …", "number has no integer representation".
    #[inline]
    pub fn check_int(&self, i: usize) -> Result<i64, LuaError> {
        let v = self.arg(i);
        if v.raw.tag == tag::INT {
            return Ok(v.raw.as_int());
        }
        self.check_int_slow(i)
    }

    #[cold]
    fn check_int_slow(&self, i: usize) -> Result<i64, LuaError> {
        let v = self.arg(i);
        match v.to_int() {
            Some(n) => Ok(n),
            None if v.to_number().is_some() => {
                Err(LuaError::argument(i + 1, "number has no integer representation"))
            }
            None => Err(self.type_error(i, "number")),
        }
    }

    /// [`Cx::check_int`], or `default` if the argument is absent or nil.
    ///
    /// # Errors
    /// As `check_int`.
    #[inline]
    pub fn opt_int(&self, i: usize, default: i64) -> Result<i64, LuaError> {
        if self.arg(i).is_nil() { Ok(default) } else { self.check_int(i) }
    }

    /// A number, or a string that is one, as a float.
    ///
    /// # Errors
    /// "number expected, got …".
    #[inline]
    pub fn check_float(&self, i: usize) -> Result<f64, LuaError> {
        let v = self.arg(i);
        if v.raw.tag == tag::FLOAT {
            return Ok(v.raw.as_float());
        }
        v.to_float().ok_or_else(|| self.type_error(i, "number"))
    }

    /// A number (integer or float kept), or a string that is one.
    ///
    /// # Errors
    /// "number expected, got …".
    pub fn check_number(&self, i: usize) -> Result<Val<'gc>, LuaError> {
        self.arg(i).to_number().ok_or_else(|| self.type_error(i, "number"))
    }

    /// A string; a number is converted, also in the window.
    ///
    /// # Errors
    /// "string expected, got …", memory.
    #[inline]
    pub fn check_str(&mut self, i: usize) -> Result<LStr<'gc>, LuaError> {
        if let Some(s) = self.arg(i).as_str() {
            return Ok(s);
        }
        self.check_str_slow(i)
    }

    #[cold]
    fn check_str_slow(&mut self, i: usize) -> Result<LStr<'gc>, LuaError> {
        let v = self.arg(i);
        if !v.is_number() {
            return Err(self.type_error(i, "string"));
        }
        let s = self.number_string(v)?;
        self.set(i, s);
        s.as_str().ok_or_else(|| self.type_error(i, "string"))
    }

    /// [`Cx::check_str`], or `None` if the argument is absent or nil.
    ///
    /// # Errors
    /// As `check_str`.
    pub fn opt_str(&mut self, i: usize) -> Result<Option<LStr<'gc>>, LuaError> {
        if self.arg(i).is_nil() { Ok(None) } else { self.check_str(i).map(Some) }
    }

    /// A table.
    ///
    /// # Errors
    /// "table expected, got …".
    #[inline]
    pub fn check_table(&self, i: usize) -> Result<Tab<'gc>, LuaError> {
        self.arg(i).as_table().ok_or_else(|| self.type_error(i, "table"))
    }

    /// A function.
    ///
    /// # Errors
    /// "function expected, got …".
    pub fn check_function(&self, i: usize) -> Result<Val<'gc>, LuaError> {
        let v = self.arg(i);
        if v.is_function() { Ok(v) } else { Err(self.type_error(i, "function")) }
    }

    /// A coroutine.
    ///
    /// # Errors
    /// "coroutine expected".
    pub fn check_coroutine(&self, i: usize) -> Result<Co<'gc>, LuaError> {
        match self.arg(i).kind() {
            Kind::Thread(co) => Ok(co),
            _ => Err(self.type_error(i, "coroutine")),
        }
    }

    /// A number as the string Lua prints for it.
    ///
    /// # Errors
    /// Memory.
    pub fn number_string(&mut self, v: Val<'gc>) -> Result<Val<'gc>, LuaError> {
        let mut text = Vec::new();
        super::convert::write_number(&mut text, v.raw);
        self.string(&text)
    }

    /// `tostring(v)`: the string, or the `__tostring` handler to call with `v` (its result must be a string: "'__tostring' must
    /// return a string").
    ///
    /// # Errors
    /// Memory.
    pub fn to_display(&mut self, v: Val<'gc>) -> Result<Result<Val<'gc>, Val<'gc>>, LuaError> {
        let handler = self.metafield(v, super::meta::Event::ToString);
        if !handler.is_nil() {
            return Ok(Err(handler));
        }
        Ok(Ok(self.plain_string(v)?))
    }

    /// `tostring(v)` without `__tostring` (but with `__name`).
    ///
    /// # Errors
    /// Memory.
    pub fn plain_string(&mut self, v: Val<'gc>) -> Result<Val<'gc>, LuaError> {
        match v.kind() {
            Kind::Str(_) => Ok(v),
            Kind::Int(_) | Kind::Float(_) => self.number_string(v),
            Kind::Nil => Ok(self.name("nil")),
            Kind::Bool(true) => Ok(self.name("true")),
            Kind::Bool(false) => Ok(self.name("false")),
            _ => {
                let mut text = match self.metafield(v, super::meta::Event::Name).as_str() {
                    Some(name) => name.bytes().to_vec(),
                    None => v.type_name().as_bytes().to_vec(),
                };
                text.extend_from_slice(format!(": {:#x}", v.address()).as_bytes());
                self.string(&text)
            }
        }
    }

    /// Reference to a large string's buffer, to be shared with another process; `None` for small ones.
    #[must_use]
    pub fn shared_bytes(&self, s: LStr<'gc>) -> Option<SharedBytes> {
        // SAFETY: live during 'gc, which holds a reference to the blob.
        unsafe {
            let blob = Str::blob(s.at)?;
            Blob::retain(blob);
            Some(SharedBytes(blob))
        }
    }
}

/// A counted reference to immutable bytes outside of any heap.
pub struct SharedBytes(*mut Blob);

// SAFETY: blobs are immutable once shared and counted atomically.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the reference keeps the blob alive.
        unsafe { std::slice::from_raw_parts(Blob::data(self.0), Blob::len(self.0)) }
    }
}

impl Drop for SharedBytes {
    fn drop(&mut self) {
        // SAFETY: this reference is given back once.
        unsafe { Blob::release(self.0) }
    }
}

impl<'gc> Cx<'gc> {
    /// A value that the host got from this process (exit values) as one of this context.
    pub(crate) fn host_value(&self, v: Value) -> Val<'gc> {
        Val::raw_new(v)
    }

    /// A value for the host.
    pub(crate) fn to_host(v: Val<'_>) -> Value {
        v.raw
    }
}

impl Vm {
    /// A Lua function over linked code with these globals, for hosts.
    ///
    /// # Errors
    /// Memory.
    pub fn function(&mut self, code: &'static Code) -> Result<Value, LuaError> {
        let env = self.globals_value();
        // SAFETY: the code is static.
        Ok(Value::closure(unsafe { self.main_closure(code, env)? }))
    }

    /// Runs `f` with a context over an empty window of a native function, for hosts that set up libraries or look at results.
    /// The process must not be running.
    pub fn with_context<R>(&mut self, f: impl for<'gc> FnOnce(&mut Cx<'gc>) -> R) -> R {
        static HOST: Native = Native::new("?", |_| Ok(Step::Return(0)));
        // SAFETY: a frame above the idle stack, removed afterwards; memory for it is part of every stack.
        unsafe {
            let th = self.th;
            let saved = ((*th).frame.offset_from((*th).frames), (*th).top.offset_from((*th).stack));
            let at = self.free_top();
            if self.call_at(at, Val::native(&HOST).raw, &[], 0, 0).is_err() {
                // Without memory even for this the window is that of the ground frame.
                (*th).frame = (*th).frames;
            }
            let this: *mut Self = self;
            let r = f(&mut Cx::new(this));
            (*th).frame = (*th).frames.offset(saved.0);
            (*th).top = (*th).stack.offset(saved.1);
            r
        }
    }
}

//! Handles on Lua values, valid during one entry into a native function.

use super::{Cx, Native, descriptor};
use crate::heap::table::table_flag;
use crate::heap::thread::Status;
use crate::heap::userdata::SharedData;
use crate::heap::value::{get, put, tag};
use crate::heap::{Ahead, Str, Table, TableError, Thread, Userdata, Value, prefetch};
use crate::vm::{LuaError, Vm};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

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
            pub(super) at: *mut $target,
            life: PhantomData<*mut &'gc ()>,
        }

        impl<'gc> $name<'gc> {
            pub(super) const fn new(at: *mut $target) -> Self {
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

/// A fixed name whose string is looked up once in the program: for fields that are set or asked for often.
pub struct Name {
    text: &'static str,
    at: AtomicPtr<Str>,
}

impl Name {
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { text, at: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// The string.
    #[inline]
    #[must_use]
    pub fn get<'gc>(&self) -> Val<'gc> {
        let mut at = self.at.load(Ordering::Acquire);
        if at.is_null() {
            at = crate::heap::string::constant(self.text.as_bytes()).cast_mut();
            self.at.store(at, Ordering::Release);
        }
        Val::raw_new(Value::string(at))
    }
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
        unsafe { crate::vm::convert::to_number(self.raw).and_then(crate::vm::arith::to_int) }
    }

    /// Float value of a number or of a string that is one.
    #[inline]
    #[must_use]
    pub fn to_float(self) -> Option<f64> {
        // SAFETY: values of this lifetime are live.
        unsafe { crate::vm::convert::to_number(self.raw).map(crate::vm::arith::to_float) }
    }

    /// The number, or the number that a string spells: an integer or float value.
    #[must_use]
    pub fn to_number(self) -> Option<Self> {
        // SAFETY: values of this lifetime are live.
        unsafe { crate::vm::convert::to_number(self.raw).map(Self::raw_new) }
    }

    /// True for the integer subtype.
    #[must_use]
    pub const fn is_int(self) -> bool {
        self.raw.is_int()
    }

    /// The integer that it is, without conversion.
    #[inline(always)]
    #[must_use]
    pub fn as_int(self) -> Option<i64> {
        (self.raw.tag == tag::INT).then(|| self.raw.as_int())
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
        unsafe { crate::vm::arith::raw_equal(self.raw, other.raw) }
    }

    /// The same object; a string is another one than a copy of it.
    #[inline(always)]
    #[must_use]
    pub const fn is_same(self, other: Self) -> bool {
        self.raw.payload == other.raw.payload && self.raw.tag == other.raw.tag
    }

    /// What [`Self::is_same`] compares: as long as the object lives, no other has it.
    #[must_use]
    pub const fn identity(self) -> (u64, u8) {
        (self.raw.payload, self.raw.tag)
    }

    /// True if the collector may take what the value refers to.
    #[must_use]
    pub const fn is_collectable(self) -> bool {
        self.raw.tag >= tag::STRING
    }

    /// `self <= other`; false unless both are numbers.
    #[must_use]
    pub fn number_at_most(self, other: Self) -> bool {
        self.is_number() && other.is_number() && crate::vm::arith::number_le(self.raw, other.raw)
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
    /// The table itself: a library table that became the process's own after this handle was made is elsewhere now.
    #[inline(always)]
    pub(in crate::vm) fn place(self) -> *mut Table {
        // SAFETY: live during 'gc.
        if unsafe { (*self.at).flags } & table_flag::SHARED != 0 {
            return crate::vm::environment::forwarded(self.at);
        }
        self.at
    }

    /// True if the table, or its hash part, is one that processes share.
    #[inline(always)]
    pub(in crate::vm) fn is_shared(self) -> bool {
        // SAFETY: live during 'gc.
        unsafe { (*self.at).flags & (table_flag::SHARED | table_flag::SHARED_NODES) != 0 }
    }

    /// Gives the process its own copy of what a store would change.
    #[cold]
    fn make_own(self, cx: &mut Cx<'gc>, key: Value) -> Result<*mut Table, LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            cx.vm_mut().make_own(self.place(), key)?;
            Ok(cx.vm().own(Value::table(self.at)).as_table())
        }
    }

    /// Value of a key, without metamethods.
    #[inline]
    #[must_use]
    pub fn get(self, key: Val<'gc>) -> Val<'gc> {
        // SAFETY: both are live during 'gc.
        unsafe { Val::raw_new(Table::get(self.place(), key.raw)) }
    }

    /// Value of an integer key, without metamethods.
    #[inline]
    #[must_use]
    pub fn get_int(self, key: i64) -> Val<'gc> {
        // SAFETY: as `get`.
        unsafe { Val::raw_new(Table::get_int(self.place(), key)) }
    }

    /// Stores without metamethods.
    ///
    /// # Errors
    /// "table index is nil" / "is NaN", or memory.
    #[inline]
    pub fn set(self, cx: &mut Cx<'gc>, key: Val<'gc>, v: Val<'gc>) -> Result<(), LuaError> {
        // SAFETY: all are live objects of the process.
        match unsafe { Table::set(self.at, &mut cx.vm_mut().heap, key.raw, v.raw) } {
            Ok(()) => {
                cx.vm_mut().pay_owed();
                Ok(())
            }
            Err(e) => self.set_refused(cx, key, v, e),
        }
    }

    /// Stores what was refused, if there is a way.
    #[cold]
    #[inline(never)]
    fn set_refused(
        self,
        cx: &mut Cx<'gc>,
        key: Val<'gc>,
        v: Val<'gc>,
        why: TableError,
    ) -> Result<(), LuaError> {
        // SAFETY: all are live objects of the process.
        unsafe {
            match why {
                TableError::Shared => {
                    let t = self.make_own(cx, key.raw)?;
                    let (key, v) = (cx.vm().own(key.raw), cx.vm().own(v.raw));
                    Table::set_at_once(t, &mut cx.vm_mut().heap, key, v)?;
                }
                TableError::Large => {
                    Table::grow_and_insert(self.at, &mut cx.vm_mut().heap, key.raw, v.raw)?;
                }
                why => return Err(why.into()),
            }
        }
        cx.vm_mut().pay_owed();
        Ok(())
    }

    /// [`Tab::set`] for functions that can wait while a large table makes room. False: keep the progress, return
    /// [`super::Step::Again`] and store the same once more at the next entry.
    ///
    /// # Errors
    /// As `set`.
    #[inline(always)]
    pub fn set_in_turns(self, cx: &mut Cx<'gc>, key: Val<'gc>, v: Val<'gc>) -> Result<bool, LuaError> {
        // SAFETY: all are live objects of the process.
        match unsafe { Table::set(self.at, &mut cx.vm_mut().heap, key.raw, v.raw) } {
            Ok(()) => {
                cx.vm_mut().pay_owed();
                Ok(true)
            }
            // SAFETY: the process does nothing before the table has grown.
            Err(TableError::Large) => unsafe { cx.vm_mut().grow_in_turns(self.at, key.raw).map(|()| false) },
            Err(e) => self.set_refused(cx, key, v, e).map(|()| true),
        }
    }

    /// Stores at an integer key without metamethods.
    ///
    /// # Errors
    /// Memory.
    #[inline]
    pub fn set_int(self, cx: &mut Cx<'gc>, key: i64, v: Val<'gc>) -> Result<(), LuaError> {
        // SAFETY: as `set`.
        match unsafe { Table::set_int(self.at, &mut cx.vm_mut().heap, key, v.raw) } {
            Ok(()) => {
                cx.vm_mut().pay_owed();
                Ok(())
            }
            Err(e) => self.set_refused(cx, Val::int(key), v, e),
        }
    }

    /// Stores `count` arguments from number `first` (counted from 0) on at the integer keys after `first`, nil also: the
    /// border of the table is then that of a constructor with these items.
    ///
    /// # Errors
    /// Memory.
    pub fn set_list(self, cx: &mut Cx<'gc>, first: usize, count: usize) -> Result<(), LuaError> {
        debug_assert!(first + count <= cx.top());
        // SAFETY: the arguments lie in the window, and the table is the process's own.
        unsafe {
            let values = cx.base().add(first);
            Ok(Table::set_list(self.at, &mut cx.vm_mut().heap, first, values, count)?)
        }
    }

    /// Value of a string key, without metamethods.
    #[must_use]
    pub fn get_name(self, name: &str) -> Val<'gc> {
        // SAFETY: constants are immortal.
        unsafe { Val::raw_new(Table::get_str(self.place(), crate::heap::string::constant(name.as_bytes()))) }
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
        unsafe { Table::len(self.place()) }
    }

    /// The entry after `key`; the first one after nil.
    ///
    /// # Errors
    /// `Err(())` if the key is not in the table.
    #[allow(clippy::result_unit_err)] // there is one way to fail
    pub fn next(self, key: Val<'gc>) -> Result<Option<(Val<'gc>, Val<'gc>)>, ()> {
        // SAFETY: live during 'gc.
        unsafe { Ok(Table::next(self.place(), key.raw)?.map(|(k, v)| (Val::raw_new(k), Val::raw_new(v)))) }
    }

    /// The place where a traversal goes on after `key`; see [`Table::look`].
    pub(in crate::vm) fn place_after(self, key: Val<'gc>) -> Result<usize, ()> {
        // SAFETY: live during 'gc.
        unsafe { Table::place_after(self.place(), key.raw) }
    }

    /// The first entry at or after a place, if it is not far away.
    pub(in crate::vm) fn look(self, from: usize, places: usize) -> Ahead {
        // SAFETY: live during 'gc.
        unsafe { Table::look(self.place(), from, places) }
    }

    /// What places mean: they are good while this stays the same.
    pub(in crate::vm) fn layout(self) -> (usize, usize) {
        // SAFETY: live during 'gc.
        unsafe { Table::layout(self.place()) }
    }

    /// The metatable.
    #[must_use]
    pub fn metatable(self) -> Option<Self> {
        // SAFETY: live during 'gc.
        let meta = unsafe { (*self.place()).meta };
        (!meta.is_null()).then(|| Self::new(meta))
    }

    /// True if the table has no metatable and is the process's own.
    #[inline(always)]
    #[must_use]
    pub fn is_plain(self) -> bool {
        // SAFETY: live during 'gc.
        unsafe { (*self.at).meta.is_null() && !self.is_shared() }
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

    /// Says that the object at `i + 1` of the array part will be looked at soon, and that at `sooner + 1` still before it. Both
    /// are asked for where they are, the first by its address alone, the other, if it is a table, with its fields.
    #[inline(always)]
    pub fn expect(self, i: usize, sooner: usize) {
        // SAFETY: the indices are checked, and what is in a table is live.
        unsafe {
            let length = (*self.at).arr_len as usize;
            if i.max(sooner) >= length {
                return;
            }
            let (later, sooner) = (get((*self.at).arr.add(i)), get((*self.at).arr.add(sooner)));
            if later.is_object() {
                prefetch(later.payload as *const u8);
            }
            if sooner.tag == tag::TABLE {
                prefetch((*sooner.as_table()).nodes);
            }
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
        // SAFETY: live during 'gc. The value is taken out while `f` runs, so no second reference to it can be made; what processes
        // share is behind a lock instead.
        unsafe {
            if let Some(shared) = (*self.at).data.as_ref()?.downcast_ref::<SharedData>() {
                return shared.with(|data| data.downcast_mut::<T>().map(f));
            }
            if !(*self.at).data.as_ref()?.is::<T>() {
                return None;
            }
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

    pub(in crate::vm) const fn from_raw(at: *mut Userdata) -> Self {
        Self::new(at)
    }

    /// The associated Lua value.
    #[must_use]
    pub fn user_value(self) -> Val<'gc> {
        // SAFETY: live during 'gc.
        unsafe { Val::raw_new(get(&raw const (*self.at).user_value)) }
    }

    /// Associates a Lua value.
    ///
    /// # Errors
    /// Memory.
    pub fn set_user_value(self, cx: &mut Cx<'gc>, v: Val<'gc>) -> Result<(), LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            if cx.vm().is_shared(Value::userdata(self.at)) {
                cx.vm_mut().own_environment(Value::userdata(self.at))?;
            }
            let own = cx.vm().own(Value::userdata(self.at)).as_userdata();
            put(&raw mut (*own).user_value, cx.vm().own(v.raw));
        }
        Ok(())
    }

    /// Sets the metatable. A `__gc` in it counts from now on.
    ///
    /// # Errors
    /// Memory.
    pub fn set_metatable(self, cx: &mut Cx<'gc>, meta: Option<Tab<'gc>>) -> Result<(), LuaError> {
        cx.set_metatable(self.into(), meta)
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

    pub(in crate::vm) const fn raw(self) -> *mut Thread {
        self.at
    }
}

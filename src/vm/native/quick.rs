//! Native functions without a frame.
//!
//! Many functions of the library are done with a glance at their arguments. Such a [`super::Native`] has a quick form beside
//! the ordinary one: a call tries it first, and pushes a frame and enters the ordinary form only if it declines.
//!
//! 1. A quick form gives one value or none (or a value and nil or true: `native_flag::AND_NIL`, `AND_TRUE`), or declines before it has changed anything.
//! 2. It calls nothing and raises nothing: what it cannot do, and every error, is the ordinary form's.
//! 3. It may begin a wait ([`Val::WAITS`]): then the function's frame is pushed, in state [`WAITED`], and the coroutine is
//!    parked as if the ordinary form had returned [`super::Step::Block`]. Those of `__call` handlers do not. A wait that ends with an entry enters the ordinary form.
//! 4. What a program has put in the place of a library function is another value, so nothing needs to be guarded.

use super::{Hold, Tab, Val};
use crate::heap::NativeClosure;
use crate::heap::Value;
use crate::heap::value::{get, tag};
use crate::vm::channel::{Chan, Received, Sent};
use crate::vm::meta::Event;
use crate::vm::{Vm, native::Cx};
use std::any::Any;
use std::marker::PhantomData;

/// The quick form of a function.
pub type QuickFn = for<'gc> fn(Args<'gc>) -> Val<'gc>;

/// Tags that no value has: of [`Val::DECLINED`], [`Val::WAITS`] and [`Val::NOTHING`]. Those without results are the greatest.
pub(in crate::vm) const DECLINED: u8 = 0xff;
pub(in crate::vm) const WAITS: u8 = 0xfe;
pub(in crate::vm) const NOTHING: u8 = 0xfd;

/// State of a function whose quick form has begun a wait.
pub const WAITED: u64 = 1;

impl Val<'_> {
    /// What a quick form gives to decline. It never becomes a value of the program.
    pub const DECLINED: Self = Self::raw_new(Value { payload: 0, tag: DECLINED });

    /// What a quick form gives that has begun a wait.
    pub const WAITS: Self = Self::raw_new(Value { payload: 0, tag: WAITS });

    /// What a quick form gives that has no result.
    pub const NOTHING: Self = Self::raw_new(Value { payload: 0, tag: NOTHING });
}

/// The arguments of a quick call.
#[derive(Clone, Copy)]
pub struct Args<'gc> {
    // Two words, so that they are passed in registers; the end of the arguments is the top of the stack.
    first: *const Value,
    vm: *mut Vm,
    life: PhantomData<*mut &'gc ()>,
}

impl<'gc> Args<'gc> {
    /// # Safety
    /// The arguments lie from `first` to the top of the running stack, and nothing else uses the Vm before the quick form
    /// has returned.
    #[inline(always)]
    pub(in crate::vm) const unsafe fn new(vm: *mut Vm, first: *const Value) -> Self {
        Self { first, vm, life: PhantomData }
    }

    /// Number of arguments.
    #[inline(always)]
    #[must_use]
    pub fn len(self) -> usize {
        // SAFETY: both point into the running stack.
        unsafe { (*(*self.vm).th).top.cast_const().offset_from(self.first) as usize }
    }

    /// True if there are no arguments.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Argument `i` (from 0), nil beyond the last.
    #[inline(always)]
    #[must_use]
    pub fn get(self, i: usize) -> Val<'gc> {
        if i < self.len() {
            // SAFETY: `i` is below the number of arguments.
            Val::raw_new(unsafe { get(self.first.add(i)) })
        } else {
            Val::NIL
        }
    }

    /// Upvalue `i` of the native closure that is called, nil if there is none.
    #[inline(always)]
    #[must_use]
    pub fn upvalue(self, i: usize) -> Val<'gc> {
        // SAFETY: what is called lies below its arguments, or is the first of them if it is an object with `__call`: then below is
        // a register of the caller, or the caller itself, and such calls are only made of functions without upvalues.
        unsafe {
            let f = get(self.first.sub(1));
            if f.tag == tag::NATIVE_CLOSURE && i < (*f.as_native_closure()).len {
                return Val::raw_new(get(NativeClosure::upval(f.as_native_closure(), i)));
            }
        }
        Val::NIL
    }

    /// Pays for work, as [`Cx::charge`].
    #[inline(always)]
    pub fn charge(self, reductions: usize) {
        // SAFETY: the Vm waits for the quick form, and nobody holds a reference to its budget.
        unsafe {
            let budget = &mut (*self.vm).budget;
            *budget = budget.saturating_sub(i32::try_from(reductions).unwrap_or(i32::MAX));
        }
    }

    /// A new string; `None` if that would take more than the memory at hand.
    #[inline]
    #[must_use]
    pub fn string(self, bytes: &[u8]) -> Option<Val<'gc>> {
        // SAFETY: the Vm waits for the quick form.
        let heap = unsafe { &mut (*self.vm).heap };
        heap.new_string(bytes).ok().map(|s| Val::raw_new(Value::string(s)))
    }

    /// Name of a value's type.
    #[inline(always)]
    #[must_use]
    pub fn type_name(self, v: Val<'gc>) -> Val<'gc> {
        // SAFETY: the Vm waits for the quick form.
        unsafe { Val::raw_new(Value::string((*self.vm).type_names[usize::from(v.raw().tag)])) }
    }

    /// A field of the value's metatable (raw), nil if there is none.
    #[inline(always)]
    #[must_use]
    pub fn metafield(self, v: Val<'gc>, event: Event) -> Val<'gc> {
        // SAFETY: the Vm waits for the quick form; `v` is live.
        unsafe { Val::raw_new((*self.vm).value_handler(v.raw(), event)) }
    }

    /// Metatable of any value.
    #[inline(always)]
    #[must_use]
    pub fn metatable(self, v: Val<'gc>) -> Option<Tab<'gc>> {
        Cx::new(self.vm).metatable(v)
    }

    /// Sets the metatable of a table; false for one that processes share.
    #[inline]
    #[must_use]
    pub fn set_metatable(self, t: Tab<'gc>, meta: Tab<'gc>) -> bool {
        !t.is_shared() && Cx::new(self.vm).set_metatable(t.into(), Some(meta)).is_ok()
    }

    /// Sends the second of two arguments, or begins to wait for somebody who takes it; declines if the channel is closed, for
    /// want of memory, and where a wait is not allowed.
    #[inline]
    #[must_use]
    pub fn send(self, channel: Chan<'gc>) -> Val<'gc> {
        if self.len() != 2 {
            return Val::DECLINED;
        }
        let cx = &mut Cx::new(self.vm);
        match channel.try_send(cx, self.get(1)) {
            Ok(Sent::Done) => Val::TRUE,
            Ok(Sent::Full) if channel.block(cx, true).is_ok() => Val::WAITS,
            _ => Val::DECLINED,
        }
    }

    /// Receives, or begins to wait for a value; declines if mail must be looked into first, if the channel is closed, for want
    /// of memory, and where a wait is not allowed.
    #[inline]
    #[must_use]
    pub fn receive(self, channel: Chan<'gc>) -> Val<'gc> {
        let cx = &mut Cx::new(self.vm);
        match channel.receive_quickly(cx) {
            Some(Received::Value(v)) => v,
            Some(Received::Empty) if channel.block(cx, false).is_ok() => Val::WAITS,
            _ => Val::DECLINED,
        }
    }

    /// A value that the host holds on to.
    #[must_use]
    pub fn held(self, hold: Hold) -> Val<'gc> {
        Cx::new(self.vm).held(hold)
    }

    /// Runs `f` with the host data; `None` if there is none of type `T`, or if it is in use already.
    #[inline]
    pub fn with_host<T: Any, R>(self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        Cx::new(self.vm).with_host(|_, data| f(data))
    }

    /// Stores an integer key without metamethods; false without the memory for it, and for a table that processes share.
    #[inline]
    #[must_use]
    pub fn set_int(self, t: Tab<'gc>, key: i64, v: Val<'gc>) -> bool {
        !t.is_shared() && t.set_int(&mut Cx::new(self.vm), key, v).is_ok()
    }
}

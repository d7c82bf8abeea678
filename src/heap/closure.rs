//! Closures, native closures and upvalues.

use super::alloc::{Heap, OutOfMemory};
use super::value::tag;
use super::{Code, Value};

/// A Lua function with its upvalues, which follow the header.
#[repr(C)]
pub struct Closure {
    pub code: *const Code,
    pub len: usize,
    /// The last closure that this one made, if no collection ran since: made again over the same upvalues it is the same
    /// function, as in 5.3.
    pub last_made: *mut Closure,
}

impl Closure {
    /// Address of upvalue `i`'s pointer.
    ///
    /// # Safety
    /// `this` is live and `i < len`.
    #[inline(always)]
    #[must_use]
    pub unsafe fn upval(this: *mut Self, i: usize) -> *mut *mut Upval {
        // SAFETY: the upvalue pointers follow the header.
        unsafe { this.cast::<u8>().add(size_of::<Self>()).cast::<*mut Upval>().add(i) }
    }
}

/// A native function with upvalues of its own, which follow the header.
#[repr(C)]
pub struct NativeClosure {
    /// Address of the static descriptor.
    pub descriptor: *const (),
    pub len: usize,
}

impl NativeClosure {
    /// Bytes of a native closure with `upvals` upvalues.
    pub(super) const fn size(upvals: usize) -> usize {
        size_of::<Self>() + upvals * size_of::<Value>()
    }

    /// Address of upvalue `i`.
    ///
    /// # Safety
    /// `this` is live and `i < len`.
    #[inline(always)]
    #[must_use]
    pub unsafe fn upval(this: *mut Self, i: usize) -> *mut Value {
        // SAFETY: the values follow the header.
        unsafe { this.cast::<u8>().add(size_of::<Self>()).cast::<Value>().add(i) }
    }
}

/// A variable shared by closures: `v` points to a stack slot while it is open, to `closed` afterwards. While it is open,
/// `closed` says whether it is fresh ([`Upval::is_fresh`]).
#[repr(C)]
pub struct Upval {
    pub v: *mut Value,
    pub closed: Value,
    /// Next open upvalue of the same coroutine, at a lower stack slot.
    pub next: *mut Upval,
}

const _: () = assert!(size_of::<Upval>() <= 48);

impl Upval {
    /// True while the variable still lives in a register.
    ///
    /// # Safety
    /// `this` is live.
    #[inline(always)]
    #[must_use]
    pub unsafe fn is_open(this: *mut Self) -> bool {
        // SAFETY: by contract.
        unsafe { (*this).v != &raw mut (*this).closed }
    }

    /// True if the variable is open and no collection has found its coroutine dead yet.
    ///
    /// # Safety
    /// `this` is live and open.
    pub(super) unsafe fn is_fresh(this: *const Self) -> bool {
        // SAFETY: by contract.
        unsafe { (*this).closed.tag == tag::TRUE }
    }

    /// Sets what [`Upval::is_fresh`] answers.
    ///
    /// # Safety
    /// `this` is live and open.
    pub(super) unsafe fn set_fresh(this: *mut Self, fresh: bool) {
        // SAFETY: by contract: the slot is free while the variable is open.
        unsafe { super::value::put(&raw mut (*this).closed, Value::bool(fresh)) };
    }
}

impl Heap {
    /// A closure whose upvalue pointers the caller must fill before the next collection.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline(always)]
    pub fn new_closure(&mut self, code: *const Code, upvals: usize) -> Result<*mut Closure, OutOfMemory> {
        let at = self.alloc(size_of::<Closure>() + upvals * size_of::<*mut Upval>())?.cast::<Closure>();
        // SAFETY: fresh memory of that size.
        unsafe {
            (*at).code = code;
            (*at).len = upvals;
            (*at).last_made = std::ptr::null_mut();
            for i in 0..upvals {
                *Closure::upval(at, i) = std::ptr::null_mut();
            }
        }
        Ok(at)
    }

    /// A native closure with these upvalues.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new_native_closure(
        &mut self,
        descriptor: *const (),
        upvals: &[Value],
    ) -> Result<*mut NativeClosure, OutOfMemory> {
        let at = self.alloc(NativeClosure::size(upvals.len()))?.cast::<NativeClosure>();
        // SAFETY: fresh memory of that size.
        unsafe {
            (*at).descriptor = descriptor;
            (*at).len = upvals.len();
            for (i, &v) in upvals.iter().enumerate() {
                super::value::put(NativeClosure::upval(at, i), v);
            }
        }
        Ok(at)
    }

    /// An upvalue that is closed over `v`.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline]
    pub fn new_upval(&mut self, v: Value) -> Result<*mut Upval, OutOfMemory> {
        let at = self.alloc(size_of::<Upval>())?.cast::<Upval>();
        // SAFETY: fresh memory of that size.
        unsafe {
            (*at).v = &raw mut (*at).closed;
            super::value::put(&raw mut (*at).closed, v);
            (*at).next = std::ptr::null_mut();
        }
        Ok(at)
    }
}

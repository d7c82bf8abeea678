//! For hosts: values that cross the border of the process, data that the host keeps with it, and contexts outside of any call.

use super::{Cx, LStr, Native, Step, Val};
use crate::heap::value::put;
use crate::heap::{Blob, Code, Frame, FrameKind, Str, Value};
use crate::limits::{MAX_STACK, NATIVE_STACK};
use crate::vm::{LuaError, Vm};
use std::any::Any;

impl<'gc> Cx<'gc> {
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
    /// Takes over a reference.
    ///
    /// # Safety
    /// The blob is alive and the caller holds the reference that it gives away.
    pub(in crate::vm) const unsafe fn from_raw(blob: *mut Blob) -> Self {
        Self(blob)
    }

    /// One more reference to a blob.
    ///
    /// # Safety
    /// The blob is alive.
    pub(in crate::vm) unsafe fn retained(blob: *mut Blob) -> Self {
        // SAFETY: by contract.
        unsafe { Blob::retain(blob) };
        Self(blob)
    }

    /// One more reference, for the taking.
    pub(in crate::vm) fn retain(&self) -> *mut Blob {
        // SAFETY: this reference keeps the blob alive.
        unsafe { Blob::retain(self.0) };
        self.0
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the reference keeps the blob alive.
        unsafe { std::slice::from_raw_parts(Blob::data(self.0), Blob::len(self.0)) }
    }
}

impl Clone for SharedBytes {
    fn clone(&self) -> Self {
        Self(self.retain())
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
        v.raw()
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

    /// Runs `f` with a context over an empty window of a native function, for hosts that set up libraries, look at results or
    /// end waits. The process must not be running.
    pub fn with_context<R>(&mut self, f: impl for<'gc> FnOnce(&mut Cx<'gc>) -> R) -> R {
        self.finish_collection();
        let before = self.enter_thread();
        // SAFETY: a frame above the resting stack, removed afterwards. Each coroutine has a frame more than calls use, and
        // a few slots above its limit.
        unsafe {
            let th = self.th;
            let resting = (*(*th).frame).kind == FrameKind::Native;
            let top = (*th).top.offset_from((*th).stack);
            // A slice may have ended between the two halves of a call with an open number of arguments: those reach up to
            // `top`, above the registers of the function.
            let at = if resting {
                (*th).top
            } else {
                self.open_top().map_or(self.free_top(), |top| top.max(self.free_top()))
            };
            // Without memory for it the window is short; so it is at the end of the largest stack, which must not overflow on
            // the host's account.
            let fits = at.offset_from((*th).stack) as usize + NATIVE_STACK <= MAX_STACK;
            let at = if fits { self.ensure_stack(at, NATIVE_STACK).unwrap_or(at) } else { at };
            put(at, Val::native(&HOST).raw());
            (*th).frame = (*th).frame.add(1);
            *(*th).frame = Frame {
                base: at.add(1),
                pc: std::ptr::null(),
                delta: 1,
                nresults: 0,
                kind: FrameKind::Native,
                flags: 0,
                state: 0,
            };
            (*th).top = at.add(1);
            let this: *mut Self = self;
            let r = f(&mut Cx::new(this));
            self.leave_thread(before);
            // What waits below may have got values.
            let end = (*(*th).frame).func();
            self.drop_state();
            (*th).frame = (*th).frame.sub(1);
            (*th).top = if resting { end } else { (*th).stack.offset(top) };
            r
        }
    }

    /// True for the frame of a host's context.
    ///
    /// # Safety
    /// The frame is one of a live coroutine.
    pub(in crate::vm) unsafe fn is_host_frame(frame: *const Frame) -> bool {
        // SAFETY: by contract a live frame; the slot below a native function's window holds the function.
        unsafe {
            (*frame).kind == FrameKind::Native
                && (*frame).delta == 1
                && std::ptr::eq(Self::frame_native(frame), &raw const HOST)
        }
    }
}

static HOST: Native = Native::new("?", |_| Ok(Step::Return(0)));

/// A Rust value of the host's choice that lives as long as the process.
pub type HostData = Box<dyn Any + Send>;

/// Names a value that the host holds on to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold(u32);

impl<'gc> Cx<'gc> {
    /// Keeps a value, which is not nil, alive until [`Cx::let_go`].
    ///
    /// # Errors
    /// Memory.
    pub fn hold(&mut self, v: Val<'gc>) -> Result<Hold, LuaError> {
        let held = &mut self.vm_mut().held;
        let at = held.iter().position(|v| v.is_nil()).unwrap_or(held.len());
        if at == held.len() {
            held.try_reserve_exact(1 + at / 2).map_err(|_| LuaError::memory())?;
            held.push(Value::NIL);
        }
        held[at] = v.raw();
        Ok(Hold(at as u32))
    }

    /// The value that is held; nil once it has been let go.
    #[inline]
    #[must_use]
    pub fn held(&self, hold: Hold) -> Val<'gc> {
        Val::raw_new(self.vm().held.get(hold.0 as usize).copied().unwrap_or(Value::NIL))
    }

    /// Does not hold the value any longer.
    pub fn let_go(&mut self, hold: Hold) {
        if let Some(v) = self.vm_mut().held.get_mut(hold.0 as usize) {
            *v = Value::NIL;
        }
    }
}

impl Vm {
    /// Reductions that the last slice has used up so far.
    #[must_use]
    pub fn used_reductions(&self) -> u32 {
        self.slice.saturating_sub(self.budget.max(0)).unsigned_abs()
    }

    /// Gives the process its host data.
    pub fn set_host(&mut self, data: HostData) {
        self.host = Some(data);
    }

    /// The host data, if it is of type `T`.
    pub fn host<T: Any>(&mut self) -> Option<&mut T> {
        self.host.as_deref_mut()?.downcast_mut()
    }

    /// Takes the host data away.
    pub fn take_host(&mut self) -> Option<HostData> {
        self.host.take()
    }
}

impl<'gc> Cx<'gc> {
    /// Runs `f` with the host data; `None` if there is none of type `T`, or if it is in use already.
    pub fn with_host<T: Any, R>(&mut self, f: impl FnOnce(&mut Self, &mut T) -> R) -> Option<R> {
        // Taken out meanwhile, so that `f` may use the context freely.
        let mut data = self.vm_mut().host.take()?;
        let r = data.downcast_mut::<T>().map(|t| f(self, t));
        self.vm_mut().host = Some(data);
        r
    }
}

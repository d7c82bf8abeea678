//! Error objects: what went wrong, as immutable plain data that Lua holds in a userdata.
//!
//! 1. An [`ErrorObject`] holds no Lua value, so it may leave its process and be shared.
//! 2. The stack is recorded when the object becomes a Lua value ([`Cx::new_error`]): where it was made in Lua, or where it
//!    arrived from elsewhere. Wrapping keeps contexts and stacks of what was wrapped, in a list; messages are not kept twice.
//! 3. Error objects of one process share a metatable, which is made together with the first of them.
#![allow(unsafe_op_in_unsafe_fn)]

use super::native::{Cx, Kind, LStr, Step, Tab, Val};
use super::{LuaError, Vm};
use crate::heap::{FrameKind, Thread};
use crate::limits::MAX_ERROR_FRAMES;
use std::borrow::Cow;
use std::sync::Arc;

/// The kinds that built-in modules use; programs may have others.
pub mod kind {
    pub const NOT_FOUND: &str = "NotFound";
    pub const ALREADY_EXISTS: &str = "AlreadyExists";
    pub const INVALID: &str = "Invalid";
    pub const PERMISSION_DENIED: &str = "PermissionDenied";
    pub const UNAVAILABLE: &str = "Unavailable";
    pub const INTERNAL: &str = "Internal";
    pub const CANCELED: &str = "Canceled";
    pub const CONFLICT: &str = "Conflict";
    pub const TIMEOUT: &str = "Timeout";
    pub const RATE_LIMITED: &str = "RateLimited";
    pub const UNKNOWN: &str = "";
}

/// A value in the details of an error.
#[derive(Clone, PartialEq, Debug)]
pub enum Detail {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Box<[u8]>),
    List(Box<[Detail]>),
    Map(Details),
}

/// Named details.
pub type Details = Box<[(Box<[u8]>, Detail)]>;

/// One function that was running when an error was made.
#[derive(Clone, Debug)]
pub struct ErrorFrame {
    /// Chunk name with its mark, as given to `load`; none for native code.
    pub source: Option<Arc<[u8]>>,
    /// -1 if unknown.
    pub line: i64,
    /// Empty if unknown.
    pub name: Box<[u8]>,
    pub is_main_chunk: bool,
}

/// Where an error was made: innermost function first.
#[derive(Clone, Debug)]
pub struct ErrorStack {
    /// Address of the coroutine, 0 for the main one.
    pub coroutine: usize,
    pub frames: Box<[ErrorFrame]>,
}

/// An error, or one that was wrapped, as far as its stack goes.
#[derive(Debug)]
pub struct Layer {
    pub context: Option<Box<[u8]>>,
    pub stack: ErrorStack,
    inner: Option<Arc<Layer>>,
    /// Memory of this layer and those inside it.
    bytes: usize,
}

impl Layer {
    /// The layer of the error that was wrapped.
    #[must_use]
    pub fn inner(&self) -> Option<&Self> {
        self.inner.as_deref()
    }
}

impl Drop for Layer {
    /// Programs make chains of any length: they must not be taken down by recursion.
    fn drop(&mut self) {
        let mut next = self.inner.take();
        while let Some(mut layer) = next.and_then(Arc::into_inner) {
            next = layer.inner.take();
        }
    }
}

/// An error.
#[derive(Clone, Debug)]
pub struct ErrorObject {
    message: Box<[u8]>,
    kind: Cow<'static, [u8]>,
    /// None: unknown.
    retryable: Option<bool>,
    details: Option<Arc<Details>>,
    /// What wrapping added; the layer has it too once there is one.
    context: Option<Box<[u8]>>,
    /// None until the object is a Lua value.
    layer: Option<Arc<Layer>>,
    /// The layer of what this error wraps, until it has a layer itself.
    wrapped: Option<Arc<Layer>>,
}

impl ErrorObject {
    /// An error without kind, hint and details.
    #[must_use]
    pub fn new(message: impl Into<Vec<u8>>) -> Self {
        Self {
            message: message.into().into(),
            kind: Cow::Borrowed(b""),
            retryable: None,
            details: None,
            context: None,
            layer: None,
            wrapped: None,
        }
    }

    /// An error of one of the kinds that trying again does not cure: invalid, not found, ….
    #[must_use]
    pub fn permanent(kind: &'static str, message: impl Into<Vec<u8>>) -> Self {
        Self::new(message).with_kind(kind).with_retryable(Some(false))
    }

    #[must_use]
    pub fn with_kind(mut self, kind: &'static str) -> Self {
        self.kind = Cow::Borrowed(kind.as_bytes());
        self
    }

    /// As [`Self::with_kind`], for kinds that programs make up.
    #[must_use]
    pub fn with_any_kind(mut self, kind: &[u8]) -> Self {
        self.kind = Cow::Owned(kind.to_vec());
        self
    }

    #[must_use]
    pub fn with_retryable(mut self, retryable: Option<bool>) -> Self {
        self.retryable = retryable;
        self
    }

    /// Details; none if there is no entry.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Details>) -> Self {
        let details = details.into();
        self.details = (!details.is_empty()).then(|| Arc::new(details));
        self
    }

    /// A new error around this one: it has the same kind, hint and details; the context given when this one was made goes
    /// in front of the message.
    #[must_use]
    pub fn wrap(&self, context: &[u8]) -> Self {
        let message = match &self.context {
            Some(earlier) => [earlier, &b": "[..], &self.message].concat().into(),
            None => self.message.clone(),
        };
        Self {
            message,
            kind: self.kind.clone(),
            retryable: self.retryable,
            details: self.details.clone(),
            context: Some(context.into()),
            layer: None,
            wrapped: self.layer.clone().or_else(|| self.wrapped.clone()),
        }
    }

    /// What arrives in another process: everything but stack and context.
    #[must_use]
    pub fn carried(&self) -> Self {
        Self { context: None, layer: None, wrapped: None, ..self.clone() }
    }

    /// The failure of a call or process that raised or returned this error: as [`Self::carried`], and an error without kind
    /// is an internal one.
    #[must_use]
    pub fn failure(&self) -> Self {
        let carried = self.carried();
        if carried.kind.is_empty() { carried.with_kind(kind::INTERNAL) } else { carried }
    }

    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Empty if there is none.
    #[must_use]
    pub fn kind(&self) -> &[u8] {
        &self.kind
    }

    /// Whether trying again may help, if that is known.
    #[must_use]
    pub const fn retryable(&self) -> Option<bool> {
        self.retryable
    }

    #[must_use]
    pub fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// Context and stack, and those of what was wrapped; none before the object is a Lua value.
    #[must_use]
    pub fn layer(&self) -> Option<&Layer> {
        self.layer.as_deref()
    }

    /// Memory of the error.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let kind = if let Cow::Owned(kind) = &self.kind { kind.capacity() } else { 0 };
        SHARED
            + size_of::<Self>()
            + self.message.len()
            + kind
            + self.context.as_ref().map_or(0, |context| context.len())
            + self.details.as_deref().map_or(0, |d| SHARED + size_of::<Details>() + details_bytes(d))
            + self.layer.as_ref().map_or(0, |l| l.bytes)
    }
}

/// The counters in front of a shared value.
const SHARED: usize = 2 * size_of::<usize>();

/// Memory of details.
fn details_bytes(details: &[(Box<[u8]>, Detail)]) -> usize {
    details.iter().map(|(key, value)| key.len() + size_of::<Box<[u8]>>() + detail_bytes(value)).sum()
}

/// Memory of a detail. Its depth is bounded where it is made.
fn detail_bytes(detail: &Detail) -> usize {
    size_of::<Detail>()
        + match detail {
            Detail::Bool(_) | Detail::Int(_) | Detail::Float(_) => 0,
            Detail::Str(text) => text.len(),
            Detail::List(items) => items.iter().map(detail_bytes).sum(),
            Detail::Map(details) => details_bytes(details),
        }
}

/// Makes the metatable of error objects.
pub type ErrorMeta = for<'gc> fn(&mut Cx<'gc>) -> Result<Tab<'gc>, LuaError>;

impl Vm {
    /// Sets what makes the metatable of error objects when the first one is made.
    pub fn set_error_meta(&mut self, maker: ErrorMeta) {
        self.error_meta_maker = Some(maker);
    }

    /// The running functions, innermost first, from the caller of the native function that runs.
    unsafe fn error_stack(&self) -> ErrorStack {
        let th = self.th;
        let mut frames = Vec::new();
        let mut frame = (*th).frame;
        // A coroutine whose function is native has nothing else to show.
        if (*frame).kind == FrameKind::Native && frame > (*th).frames.add(1) {
            frame = frame.sub(1);
        }
        while frame > (*th).frames && frames.len() < MAX_ERROR_FRAMES {
            if !Self::is_hidden(frame) {
                frames.push(self.error_frame(th, frame));
            }
            frame = frame.sub(1);
        }
        let coroutine = if th == self.main { 0 } else { th as usize };
        ErrorStack { coroutine, frames: frames.into() }
    }

    unsafe fn error_frame(&self, th: *mut Thread, frame: *const crate::heap::Frame) -> ErrorFrame {
        let name = self.called_name(th, frame).map_or_else(Box::default, |(_, name)| name.into_boxed_slice());
        if (*frame).kind == FrameKind::Native {
            let name =
                if name.is_empty() { (*Self::frame_native(frame)).name.as_bytes().into() } else { name };
            return ErrorFrame { source: None, line: -1, name, is_main_chunk: false };
        }
        let code = &*(*Self::frame_closure(frame)).code;
        ErrorFrame {
            source: Some(code.source.clone()),
            line: Self::frame_line(frame).map_or(-1, i64::from),
            name,
            is_main_chunk: code.line_defined == 0,
        }
    }
}

impl<'gc> Val<'gc> {
    /// The error object, if it is one.
    #[must_use]
    pub fn as_error(self) -> Option<Arc<ErrorObject>> {
        match self.kind() {
            Kind::Userdata(ud) => ud.with(|error: &mut Arc<ErrorObject>| Arc::clone(error)),
            _ => None,
        }
    }
}

impl<'gc> Cx<'gc> {
    /// An error as a Lua value; records the stack unless it has one.
    ///
    /// # Errors
    /// Memory.
    pub fn new_error(&mut self, mut error: ErrorObject) -> Result<Val<'gc>, LuaError> {
        let meta = self.error_meta()?;
        if error.layer.is_none() {
            // SAFETY: frames of the running coroutine are live.
            let stack = unsafe { self.vm().error_stack() };
            let inner = error.wrapped.take();
            let context = error.context.clone();
            let frames: usize = stack.frames.iter().map(|f| size_of::<ErrorFrame>() + f.name.len()).sum();
            let bytes = SHARED
                + size_of::<Layer>()
                + frames
                + context.as_ref().map_or(0, |c| c.len())
                + inner.as_ref().map_or(0, |l| l.bytes);
            error.layer = Some(Arc::new(Layer { context, stack, inner, bytes }));
        }
        let bytes = error.bytes();
        let ud = self.sized_userdata(Arc::new(error), bytes)?;
        ud.set_metatable(self, meta)?;
        Ok(ud.into())
    }

    /// Ends a native function with nil and an error.
    ///
    /// # Errors
    /// Memory.
    pub fn ret_error(&mut self, error: ErrorObject) -> Result<Step, LuaError> {
        let error = self.new_error(error)?;
        self.push(Val::NIL);
        self.push(error);
        Ok(Step::Return(2))
    }

    pub(super) fn error_meta(&mut self) -> Result<Option<Tab<'gc>>, LuaError> {
        if self.vm().error_meta.is_null()
            && let Some(maker) = self.vm().error_meta_maker
        {
            let meta = maker(self)?;
            self.vm_mut().error_meta = Val::from(meta).raw().as_table();
        }
        let meta = self.vm().error_meta;
        Ok((!meta.is_null())
            .then(|| self.host_value(crate::heap::Value::table(meta)))
            .and_then(Val::as_table))
    }

    /// The text of a value that counts as a string: a string, a number's text, or an error object's message.
    ///
    /// # Errors
    /// Memory.
    pub fn text_of(&mut self, v: Val<'gc>) -> Result<Option<LStr<'gc>>, LuaError> {
        let text = if v.is_string() {
            v
        } else if v.is_number() {
            self.number_string(v)?
        } else if let Some(error) = v.as_error() {
            self.string(error.message())?
        } else {
            return Ok(None);
        };
        Ok(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of any length is released, counted and wrapped without recursion.
    #[test]
    fn long_chains_of_wrapped_errors() {
        let mut vm = Vm::new(None).expect("memory");
        let longest = vm.with_context(|cx| {
            let mut error = ErrorObject::new("m");
            for _ in 0..100_000 {
                let value = cx.new_error(error).expect("memory");
                error = value.as_error().expect("an error").wrap(b"");
                error.message = Box::default();
            }
            cx.new_error(error).expect("memory").as_error().expect("an error")
        });
        let layers = std::iter::successors(longest.layer(), |layer| layer.inner()).count();
        assert_eq!(layers, 100_001);
        drop(vm);
        drop(longest);
    }

    #[test]
    fn a_failure_has_a_kind_and_leaves_its_stack_behind() {
        let error = ErrorObject::new("m").wrap(b"c").with_retryable(Some(true));
        let failure = error.failure();
        assert_eq!((failure.message(), failure.kind()), (&b"m"[..], kind::INTERNAL.as_bytes()));
        assert_eq!(failure.retryable(), Some(true));
        assert!(failure.layer().is_none() && failure.context.is_none() && failure.wrapped.is_none());
        assert_eq!(ErrorObject::permanent(kind::CONFLICT, "m").failure().kind(), b"Conflict");
    }
}

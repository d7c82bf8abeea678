//! What long native functions build or keep over several entries: strings of known length, their state.

use super::{Cx, Val};
use crate::heap::{Blob, Value};
use crate::vm::LuaError;
use std::any::Any;

/// What [`Cx::keep`] keeps. Moving a process moves it along.
pub trait Kept: Any + Send {
    /// Bytes it holds outside of itself.
    fn outside(&self) -> usize {
        0
    }
}

/// The bytes of a string to come: zeroed, of a fixed length, writable. Becomes a string without being copied, and is kept
/// between entries with [`Cx::keep`].
pub struct Buffer {
    /// Null for a buffer without bytes.
    blob: *mut Blob,
}

// SAFETY: a buffer holds the only reference to its blob, which lies outside of any heap.
unsafe impl Send for Buffer {}

impl Buffer {
    /// The bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        if self.blob.is_null() {
            return &mut [];
        }
        // SAFETY: this is the only reference, and it stays as long as `self` is borrowed.
        unsafe { Blob::data_mut(self.blob) }
    }
}

impl Buffer {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: a reference keeps the blob alive.
        if self.blob.is_null() { 0 } else { unsafe { Blob::len(self.blob) } }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.blob.is_null() {
            // SAFETY: the reference is given back once.
            unsafe { Blob::release(self.blob) }
        }
    }
}

impl<'gc> Cx<'gc> {
    /// A buffer of `len` bytes.
    ///
    /// # Errors
    /// Memory.
    pub fn buffer(&mut self, len: usize) -> Result<Buffer, LuaError> {
        self.reserve_memory(len)?;
        let blob = Blob::new(len).ok_or_else(LuaError::memory)?;
        Ok(Buffer { blob })
    }

    /// The string with a buffer's bytes.
    ///
    /// # Errors
    /// Memory.
    pub fn string_of_buffer(&mut self, mut buffer: Buffer) -> Result<Val<'gc>, LuaError> {
        if buffer.bytes_mut().len() <= crate::limits::MAX_INLINE_STRING {
            return self.string(buffer.bytes_mut());
        }
        let blob = std::mem::replace(&mut buffer.blob, std::ptr::null_mut());
        // SAFETY: the buffer held the only reference and is left without it.
        let s = unsafe { self.vm_mut().heap.adopt_blob(blob)? };
        Ok(Val::raw_new(Value::string(s)))
    }

    /// What is left of this slice, at least 1.
    #[must_use]
    pub fn budget(&self) -> usize {
        usize::try_from(self.vm().budget).unwrap_or(0).max(1)
    }
}

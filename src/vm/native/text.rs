//! Text that native functions put together piece by piece.
//!
//! Short text stays in place; longer text lies in a blob with room to grow, which becomes the string's own in the end: what is
//! long is not copied once more.

use super::{Cx, Val};
use crate::heap::{Blob, Value};
use crate::limits::MAX_COPIED_TEXT;
use crate::numfmt::ByteSink;
use crate::vm::LuaError;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::null_mut;

/// Bytes that lie in place.
const SHORT: usize = 256;

/// Text that is being built.
pub struct Text {
    len: usize,
    capacity: usize,
    /// Holds the bytes, if there are more than fit in place: null before.
    blob: *mut Blob,
    short: [MaybeUninit<u8>; SHORT],
}

// SAFETY: a text holds the only reference to its blob, which lies outside of any heap.
unsafe impl Send for Text {}

impl Text {
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { len: 0, capacity: SHORT, blob: null_mut(), short: [MaybeUninit::uninit(); SHORT] }
    }

    /// Text with room for so many bytes; `None` without memory for them.
    #[must_use]
    pub fn with_room(bytes: usize) -> Option<Self> {
        let mut text = Self::new();
        (bytes <= SHORT || text.grow(bytes)).then_some(text)
    }

    /// Bytes outside of itself.
    #[must_use]
    pub fn outside(&self) -> usize {
        if self.blob.is_null() { 0 } else { self.capacity }
    }

    /// Bytes that fit without growth.
    #[inline]
    fn room(&self) -> usize {
        self.capacity - self.len
    }

    #[inline]
    fn at(&mut self) -> *mut u8 {
        if self.blob.is_null() {
            self.short.as_mut_ptr().cast()
        } else {
            // SAFETY: the blob is alive as long as the text.
            unsafe { Blob::data(self.blob).cast_mut() }
        }
    }

    /// Makes room for `more` bytes; false if there is no memory.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) -> bool {
        let Some(needed) = self.len.checked_add(more) else { return false };
        let capacity = needed.max(self.capacity.saturating_mul(2));
        if self.blob.is_null() {
            let Some(blob) = Blob::with_capacity(capacity) else { return false };
            // SAFETY: the first `len` bytes of both are in bounds, and those of `short` are initialised.
            unsafe {
                Blob::data(blob).cast_mut().copy_from_nonoverlapping(self.short.as_ptr().cast(), self.len);
            }
            self.blob = blob;
        } else {
            // SAFETY: the only reference, with this capacity.
            let Some(blob) = (unsafe { Blob::resize(self.blob, self.capacity, capacity) }) else {
                return false;
            };
            self.blob = blob;
        }
        self.capacity = capacity;
        true
    }

    /// Room for `more` bytes, from where there has to be memory: who builds much asks [`Cx::grow_text`] before.
    #[inline]
    fn reserve(&mut self, more: usize) {
        if self.room() < more && !self.grow(more) {
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<Self>());
        }
    }

    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        // SAFETY: there is room behind the first `len` bytes.
        unsafe { self.at().add(self.len).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.len += bytes.len();
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Text {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let at = if self.blob.is_null() {
            self.short.as_ptr().cast()
        } else {
            // SAFETY: the blob is alive as long as the text.
            unsafe { Blob::data(self.blob) }
        };
        // SAFETY: the first `len` bytes are initialised.
        unsafe { std::slice::from_raw_parts(at, self.len) }
    }
}

impl ByteSink for Text {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn fill(&mut self, byte: u8, count: usize) {
        self.reserve(count);
        // SAFETY: there is room behind the first `len` bytes.
        unsafe { self.at().add(self.len).write_bytes(byte, count) };
        self.len += count;
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if !self.blob.is_null() {
            // SAFETY: the only reference, with this capacity; it is not used again.
            unsafe { Blob::discard(self.blob, self.capacity) };
        }
    }
}

impl<'gc> Cx<'gc> {
    /// Makes room for `more` bytes in text that is being built, with the process's memory limit in mind; growing it
    /// without asking would end the program where there is no memory.
    ///
    /// # Errors
    /// Memory.
    #[inline]
    pub fn grow_text(&mut self, text: &mut Text, more: usize) -> Result<(), LuaError> {
        if text.room() >= more {
            return Ok(());
        }
        self.grow_text_slow(text, more)
    }

    #[cold]
    fn grow_text_slow(&mut self, text: &mut Text, more: usize) -> Result<(), LuaError> {
        let needed = text.len().checked_add(more).ok_or_else(LuaError::memory)?;
        // It doubles; that also leaves room for the string that a short one is copied to.
        self.reserve_memory(needed.saturating_mul(2))?;
        if text.grow(more) { Ok(()) } else { Err(LuaError::memory()) }
    }

    /// The string with a text's bytes. The text is empty afterwards.
    ///
    /// # Errors
    /// Memory.
    pub fn string_of_text(&mut self, text: &mut Text) -> Result<Val<'gc>, LuaError> {
        if text.len() <= MAX_COPIED_TEXT {
            return self.string(text);
        }
        self.reserve_memory(text.len())?;
        // SAFETY: the only reference, with this capacity; the first `len` bytes are initialised.
        let blob =
            unsafe { Blob::finish(text.blob, text.capacity, text.len) }.ok_or_else(LuaError::memory)?;
        (text.blob, text.capacity, text.len) = (null_mut(), SHORT, 0);
        // SAFETY: the text held the only reference and is left without it.
        let s = unsafe { self.vm_mut().heap.adopt_blob(blob)? };
        Ok(Val::raw_new(Value::string(s)))
    }
}

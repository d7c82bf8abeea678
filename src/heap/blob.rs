//! Large byte strings behind an atomic reference count: shared between processes, never copied.

use std::alloc::{Layout, alloc, dealloc};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Header of a shared byte buffer; the bytes follow it.
#[repr(C)]
pub struct Blob {
    references: AtomicUsize,
    len: usize,
}

impl Blob {
    /// Bytes that a buffer takes besides its contents.
    pub const HEADER: usize = size_of::<Self>();

    fn layout(len: usize) -> Option<Layout> {
        Layout::from_size_align(len.checked_add(size_of::<Self>())?, align_of::<Self>()).ok()
    }

    /// A buffer of `len` zero bytes with one reference, or `None` if there is no memory.
    #[must_use]
    pub fn new(len: usize) -> Option<*mut Self> {
        let layout = Self::layout(len)?;
        // SAFETY: the layout is never empty. Zeroed, so that safe code may fill it through a slice; for large buffers the
        // system's pages are zero already.
        unsafe {
            let at = if len >= 1 << 16 {
                std::alloc::alloc_zeroed(layout)
            } else {
                let at = alloc(layout);
                if !at.is_null() {
                    at.write_bytes(0, layout.size());
                }
                at
            }
            .cast::<Self>();
            if at.is_null() {
                return None;
            }
            at.write(Self { references: AtomicUsize::new(1), len });
            Some(at)
        }
    }

    /// A buffer with room for `capacity` bytes, which are not initialised, for [`Blob::resize`] and [`Blob::finish`]. Until
    /// then it has no length and must be given back with [`Blob::discard`].
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Option<*mut Self> {
        // SAFETY: the layout is never empty.
        let at = unsafe { alloc(Self::layout(capacity)?) }.cast::<Self>();
        if at.is_null() {
            return None;
        }
        // SAFETY: fresh memory with room for the header.
        unsafe { at.write(Self { references: AtomicUsize::new(1), len: 0 }) };
        Some(at)
    }

    /// Changes the room of a buffer; the bytes that fit stay. `None` if there is no memory: the buffer is as before then.
    ///
    /// # Safety
    /// `this` came from [`Blob::with_capacity`] with this capacity and is not finished.
    #[must_use]
    pub unsafe fn resize(this: *mut Self, capacity: usize, new: usize) -> Option<*mut Self> {
        let (from, to) = (Self::layout(capacity)?, Self::layout(new)?);
        // SAFETY: by contract.
        let at = unsafe { std::alloc::realloc(this.cast(), from, to.size()) }.cast::<Self>();
        (!at.is_null()).then_some(at)
    }

    /// Makes a buffer a blob of `len` bytes, with one reference. `None` if there is no memory: the buffer is as before then.
    ///
    /// # Safety
    /// As [`Blob::resize`]; the first `len` bytes are initialised.
    #[must_use]
    pub unsafe fn finish(this: *mut Self, capacity: usize, len: usize) -> Option<*mut Self> {
        // SAFETY: by contract.
        unsafe {
            let this = Self::resize(this, capacity, len)?;
            (*this).len = len;
            Some(this)
        }
    }

    /// Gives a buffer back.
    ///
    /// # Safety
    /// As [`Blob::resize`]; it is not used again.
    pub unsafe fn discard(this: *mut Self, capacity: usize) {
        let layout = Self::layout(capacity).expect("the layout it was allocated with");
        // SAFETY: by contract.
        unsafe { dealloc(this.cast(), layout) };
    }

    /// First byte.
    ///
    /// # Safety
    /// `this` is alive.
    #[inline(always)]
    #[must_use]
    pub unsafe fn data(this: *mut Self) -> *const u8 {
        // SAFETY: the bytes follow the header.
        unsafe { this.cast::<u8>().add(size_of::<Self>()) }
    }

    /// All bytes, writable.
    ///
    /// # Safety
    /// Nobody else holds a reference, and `'a` ends before the release.
    #[must_use]
    pub unsafe fn data_mut<'a>(this: *mut Self) -> &'a mut [u8] {
        // SAFETY: by contract.
        unsafe { std::slice::from_raw_parts_mut(this.cast::<u8>().add(size_of::<Self>()), (*this).len) }
    }

    /// Length in bytes.
    ///
    /// # Safety
    /// `this` is alive.
    #[must_use]
    pub unsafe fn len(this: *mut Self) -> usize {
        // SAFETY: by contract.
        unsafe { (*this).len }
    }

    /// One more reference.
    ///
    /// # Safety
    /// The caller holds a reference.
    pub unsafe fn retain(this: *mut Self) {
        // SAFETY: by contract; relaxed as in `Arc`: a new reference is made from an existing one.
        unsafe { (*this).references.fetch_add(1, Ordering::Relaxed) };
    }

    /// Gives a reference back; the last one frees the buffer.
    ///
    /// # Safety
    /// The caller holds a reference and does not use it again.
    pub unsafe fn release(this: *mut Self) {
        // SAFETY: by contract; release/acquire as in `Arc`, so that all uses happen before the free.
        unsafe {
            if (*this).references.fetch_sub(1, Ordering::Release) == 1 {
                fence(Ordering::Acquire);
                let layout = Self::layout((*this).len).expect("the layout it was allocated with");
                dealloc(this.cast(), layout);
            }
        }
    }
}

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

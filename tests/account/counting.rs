//! The system's allocator, with a count of the bytes in use.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Bytes that were asked for and not given back.
pub fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

fn count(at: *mut u8, size: usize) -> *mut u8 {
    if !at.is_null() {
        IN_USE.fetch_add(size, Ordering::Relaxed);
    }
    at
}

// SAFETY: all memory is the system allocator's; nothing here allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        count(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        count(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract.
        let new = count(unsafe { System.realloc(at, layout, size) }, size);
        if !new.is_null() {
            IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        new
    }
}

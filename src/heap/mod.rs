//! The heap of one process: values, objects, the allocator and the collector.
//!
//! A process owns its heap alone: nothing in it is shared, locked or counted, except immortal program constants and large
//! byte strings ([`Blob`]). Functions here take raw pointers to objects; their contracts say which must be live. Everything
//! above `vm` uses the safe interface of `vm::native` instead.
#![allow(unsafe_code)]

mod account;
pub mod alloc;
pub mod blob;
pub mod budget;
pub mod channel;
pub mod check;
pub mod closure;
pub mod code;
mod cycle;
pub mod gc;
pub mod image;
mod mark;
mod parts;
mod pool;
pub mod reclaim;
pub mod region;
pub mod slab;
pub mod string;
mod sweep;
pub mod table;
pub mod thread;
pub mod userdata;
pub mod value;

pub use alloc::{Heap, OutOfMemory};
pub use blob::Blob;
pub use budget::{Budget, Settled, Share};
pub use closure::{Closure, NativeClosure, Upval};
pub use code::{Code, Linked, SharedCode, Strings, Unit};
pub use gc::{Gc, Roots};
pub use image::{Forward, Image};
pub use pool::in_use as pooled_cells;
pub use string::Str;
pub use table::{Ahead, Node, Table, TableError};
pub use thread::{Frame, FrameKind, Thread};
pub use userdata::Userdata;
pub use value::{KSlot, Slot, Value};

/// Asks for memory that will be needed soon.
#[inline(always)]
pub(crate) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that has no effect a program could see, on a processor that has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

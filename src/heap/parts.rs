//! Parts of objects that change their size: arrays and nodes of tables, stacks and frames of coroutines. Small ones lie in
//! cells, others come from the system allocator.

use super::alloc::{Heap, OutOfMemory};
use super::region::{CLASS_OF, CLASS_SIZES, GRANULE};
use crate::limits::MAX_CLASS_BUFFER;
use std::alloc::{Layout, alloc, dealloc};

impl Heap {
    /// Memory for a part.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn alloc_buffer(&mut self, size: usize) -> Result<*mut u8, OutOfMemory> {
        if size <= MAX_CLASS_BUFFER {
            let class = usize::from(CLASS_OF[size.div_ceil(GRANULE)]);
            let c = &mut self.classes[class];
            if !c.freed.is_null() {
                let at = c.freed;
                // SAFETY: a freed place holds the link to the next one.
                c.freed = unsafe { *at.cast::<*mut u8>() };
                self.used += CLASS_SIZES[class];
                return Ok(at);
            }
            return self.alloc_class(class);
        }
        self.reserve_external(size)?;
        // SAFETY: the size is not 0.
        let at = unsafe { alloc(Self::buffer_layout(size)?) };
        if at.is_null() {
            return Err(OutOfMemory);
        }
        self.add_external(size);
        Ok(at)
    }

    fn buffer_layout(size: usize) -> Result<Layout, OutOfMemory> {
        Layout::from_size_align(size, GRANULE).map_err(|_| OutOfMemory)
    }

    /// Changes the size of a part that lies outside of cells and stays there; its contents move along.
    ///
    /// # Safety
    /// `at` came from [`Heap::alloc_buffer`] with size `from`; both sizes are above `MAX_CLASS_BUFFER`.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the old part is still there then.
    pub unsafe fn resize_buffer(
        &mut self,
        at: *mut u8,
        from: usize,
        to: usize,
    ) -> Result<*mut u8, OutOfMemory> {
        self.reserve_external(to.saturating_sub(from))?;
        // SAFETY: by contract; large blocks are remapped, not copied.
        let new = unsafe { std::alloc::realloc(at, Self::buffer_layout(from)?, to) };
        if new.is_null() {
            return Err(OutOfMemory);
        }
        self.sub_external(from);
        self.add_external(to);
        Ok(new)
    }

    /// Gives a part back.
    ///
    /// # Safety
    /// `at` came from [`Heap::alloc_buffer`] of this heap with this size, and is not used again.
    pub unsafe fn free_buffer(&mut self, at: *mut u8, size: usize) {
        if size <= MAX_CLASS_BUFFER {
            let class = usize::from(CLASS_OF[size.div_ceil(GRANULE)]);
            // SAFETY: the place is ours again; the smallest class holds a pointer.
            unsafe { *at.cast::<*mut u8>() = self.classes[class].freed };
            self.classes[class].freed = at;
            self.used -= CLASS_SIZES[class];
        } else {
            // SAFETY: by contract.
            unsafe { dealloc(at, Self::buffer_layout(size).expect("the layout it was allocated with")) };
            self.sub_external(size);
        }
    }
}

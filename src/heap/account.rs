//! The account of a process: what it holds, what the limit allows, and who owns memory outside of cells.
//!
//! 1. `used` counts objects (taken cell by cell), `external` everything outside cells. Their sum is the process's account.
//! 2. Objects that own memory outside of cells, or a Rust value, are in `externals`; the end of a collection releases it for
//!    those that died, and dropping the heap for all.

use super::alloc::{Heap, OutOfMemory, tag_unit};
use super::region::{CELL, CELL_COST, CLASS_SIZES, CellMeta, Region};
use super::{Blob, Unit, Value};

impl Heap {
    /// Asks whether `more` bytes outside of cells fit.
    ///
    /// # Errors
    /// [`OutOfMemory`] if they exceed the limit.
    pub fn reserve_external(&mut self, more: usize) -> Result<(), OutOfMemory> {
        #[cfg(any(test, feature = "stress"))]
        self.may_fail()?;
        self.check_limit(more)
    }

    /// Puts memory outside of cells on the account.
    pub fn add_external(&mut self, bytes: usize) {
        self.external += bytes;
        self.check_debt();
    }

    /// Takes memory outside of cells off the account.
    pub fn sub_external(&mut self, bytes: usize) {
        debug_assert!(self.external >= bytes);
        self.external -= bytes;
    }

    /// Bytes in use: objects (dead ones not yet collected included) and memory outside of cells.
    #[must_use]
    pub fn bytes_in_use(&self) -> usize {
        let untaken: usize =
            self.classes.iter().zip(CLASS_SIZES).map(|(c, size)| c.avail.count_ones() as usize * size).sum();
        self.used + self.external - untaken + self.list_bytes()
    }

    /// Bytes that the heap holds from the system for its use: what the limit applies to.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.cells * CELL_COST + self.external + self.list_bytes()
    }

    /// Bytes of the heap's lists of objects.
    fn list_bytes(&self) -> usize {
        let externals =
            if self.externals.spilled() { self.externals.capacity() * size_of::<Value>() } else { 0 };
        externals + self.gc.bytes()
    }

    /// Bytes that exist for this heap: cells with their metas, and memory outside of them.
    #[must_use]
    pub fn bytes_resident(&self) -> usize {
        let regions: usize = self.batches.iter().map(|b| b.regions * Region::SIZE).sum();
        let mut pooled = 0;
        let mut meta = self.pooled;
        while !meta.is_null() {
            pooled += CELL + size_of::<CellMeta>();
            // SAFETY: the process's own cells are linked.
            meta = unsafe { (*meta).next_pooled };
        }
        regions
            + pooled
            + self.external
            + self.lists.as_ref().map_or(0, |lists| size_of_val(&**lists))
            + self.list_bytes()
    }

    /// Bytes in cells of the heap's own regions that nothing uses: part of no account.
    #[must_use]
    pub fn bytes_spare(&self) -> usize {
        let (mut cells, mut meta) = (0, self.free_cells);
        while !meta.is_null() {
            cells += 1;
            // SAFETY: free cells are linked.
            meta = unsafe { (*meta).next };
        }
        cells * CELL_COST
    }

    /// Remembers an object that owns memory outside of cells (invariant 6).
    pub fn register_external(&mut self, object: Value) {
        self.externals.push(object);
    }

    /// Remembers a unit of local code.
    pub fn register_external_unit(&mut self, unit: *mut Unit) {
        self.externals.push(Value { payload: unit as u64, tag: tag_unit() });
    }

    pub(super) fn check_limit(&mut self, more: usize) -> Result<(), OutOfMemory> {
        let total = self.bytes_held().saturating_add(more);
        if total > self.limit && (self.lease.is_none() || self.ask(total, more).is_err()) {
            self.forget_request();
            return Err(OutOfMemory);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn check_debt(&mut self) {
        let in_use = self.used + self.external;
        if in_use >= self.threshold || in_use - self.blobs >= self.lean_threshold {
            self.gc_pending = true;
        }
    }

    /// Puts a large string of `len` bytes on the account.
    pub(super) fn add_blob(&mut self, len: usize) {
        let bytes = Blob::HEADER + len;
        self.blobs += bytes;
        self.add_external(bytes);
    }

    /// Takes a large string of `len` bytes off the account.
    pub(super) fn sub_blob(&mut self, len: usize) {
        let bytes = Blob::HEADER + len;
        debug_assert!(self.blobs >= bytes);
        self.blobs -= bytes;
        self.sub_external(bytes);
    }

    /// Chooses the account at which the next collection is due, with and without the bytes of large strings.
    pub(super) fn set_threshold(&mut self, bytes: usize, lean: usize) {
        self.threshold = bytes;
        self.lean_threshold = lean;
        // Even if nothing could be freed: the program must get on between two collections.
        self.gc_pending = false;
    }
}

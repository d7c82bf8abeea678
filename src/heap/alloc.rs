//! The allocator of one process: size-class cells with mark bits beside them.
//!
//! 1. A cell holds objects of one size class, or is one of the consecutive cells of a larger object (a *span*), or is one of
//!    the few *mixed* cells that a small process fills from start to end with objects of any size.
//! 2. `Class::avail` has a bit for each granule of the current cell where an object may be placed. Allocation takes the
//!    lowest one: no memory is touched.
//! 3. After a collection, a cell's free places are its places without mark: "sweeping" a cell is one operation, done
//!    when allocation comes to it. Marks stay until the next collection clears them. Mixed cells are not filled again, but
//!    given back once nothing in them is left.
//! 4. Nothing collects while a native function or an instruction runs: `gc_pending` asks for a collection at the next
//!    instruction boundary. So a fresh object needs no protection until then.
//! 5. The first cells come from the program's pool (`pool.rs`), those of a larger process from regions of its own.

use super::budget::Lease;
pub use super::region::is_immortal;
use super::region::{
    CELL, CELLS, CLASS_OF, CLASS_SIZES, CLASSES, CellMeta, GRANULE, HEADER_CELLS, MIXED, PATTERN, Region,
    SPAN, cell_of, region_of,
};
use super::value::tag;
use super::{Gc, Value};
use crate::limits::{MAX_MIXED_CELLS, MAX_POOLED_CELLS, MIN_GC_THRESHOLD};
use smallvec::SmallVec;
use std::alloc::{Layout, alloc};
use std::ptr::null_mut;

/// The process's memory limit, or the system's memory, is exhausted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// Allocation state of one size class, as far as every allocation needs it.
pub(super) struct Class {
    pub(super) avail: u64,
    pub(super) base: *mut u8,
    /// Parts that were given back one by one.
    pub(super) freed: *mut u8,
}

impl Class {
    pub(super) const EMPTY: Self = Self { avail: 0, base: null_mut(), freed: null_mut() };
}

/// The cells of one size class.
#[derive(Clone, Copy)]
pub(super) struct ClassCells {
    /// All of them.
    pub(super) all: *mut CellMeta,
    /// The next one whose free places have not been looked at since the last collection.
    pub(super) cursor: *mut CellMeta,
}

pub(super) struct Batch {
    pub(super) start: *mut Region,
    pub(super) regions: usize,
}

/// The memory of one process.
pub struct Heap {
    pub(super) classes: [Class; CLASSES],
    /// Made when the process has more than its first, mixed cells.
    pub(super) lists: Option<Box<[ClassCells; CLASSES]>>,
    /// Mixed cells, and the free rest of the newest one.
    pub(super) mixed: *mut CellMeta,
    pub(super) bump: *mut u8,
    pub(super) bump_end: *mut u8,
    pub(super) spans: *mut CellMeta,
    pub(super) free_cells: *mut CellMeta,
    /// Cells from the program's pool.
    pub(super) pooled: *mut CellMeta,
    pub(super) batches: Vec<Batch>,
    /// Cells handed out.
    pub(super) cells: usize,
    pub(super) used: usize,
    pub(super) external: usize,
    /// Bytes of large strings, which are part of `external`.
    pub(super) blobs: usize,
    /// `used + external` at which a collection is due.
    pub(super) threshold: usize,
    /// The same without `blobs`: a collection does not look at these bytes, so much text is no reason to let much else pile up.
    pub(super) lean_threshold: usize,
    /// Set when a collection is due; looked at between instructions.
    pub gc_pending: bool,
    /// Entries moved by tables that grew, for which the process has not paid yet. Work that cannot stop midway is paid for
    /// afterwards, so that the slice ends.
    pub owed: u32,
    /// A large table that grows in turns.
    pub(super) growth: Option<Box<super::table::Growth>>,
    /// What the heap may hold without asking: its limit, or its part of the program's memory.
    pub(super) limit: usize,
    /// Its part of the program's memory, if that is limited.
    pub(super) lease: Option<Box<Lease>>,
    pub(super) externals: SmallVec<[Value; 2]>,
    pub gc: Gc,
    /// Allocations that may still succeed, for tests that make the n-th one fail.
    #[cfg(any(test, feature = "stress"))]
    pub fail_after: Option<u64>,
    /// Only that one fails; otherwise all after it do, too.
    #[cfg(any(test, feature = "stress"))]
    pub fail_once: bool,
}

impl Heap {
    /// An empty heap. `limit` in bytes.
    #[must_use]
    pub fn new(limit: Option<usize>) -> Self {
        Self {
            classes: [const { Class::EMPTY }; CLASSES],
            lists: None,
            mixed: null_mut(),
            bump: null_mut(),
            bump_end: null_mut(),
            spans: null_mut(),
            free_cells: null_mut(),
            pooled: null_mut(),
            batches: Vec::new(),
            cells: 0,
            used: 0,
            external: 0,
            blobs: 0,
            threshold: MIN_GC_THRESHOLD,
            lean_threshold: MIN_GC_THRESHOLD,
            gc_pending: false,
            owed: 0,
            growth: None,
            limit: limit.unwrap_or(usize::MAX),
            lease: None,
            externals: SmallVec::new(),
            gc: Gc::new(),
            #[cfg(any(test, feature = "stress"))]
            fail_after: None,
            #[cfg(any(test, feature = "stress"))]
            fail_once: false,
        }
    }

    /// Memory for one object.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline(always)]
    pub fn alloc(&mut self, size: usize) -> Result<*mut u8, OutOfMemory> {
        if size > CELL {
            return self.alloc_span(size);
        }
        self.alloc_class(usize::from(CLASS_OF[size.div_ceil(GRANULE)]))
    }

    #[inline(always)]
    pub(super) fn alloc_class(&mut self, class: usize) -> Result<*mut u8, OutOfMemory> {
        #[cfg(any(test, feature = "stress"))]
        self.may_fail()?;
        let c = &mut self.classes[class];
        if c.avail == 0 {
            return self.refill(class);
        }
        let place = c.avail.trailing_zeros() as usize;
        c.avail &= c.avail - 1;
        // SAFETY: `avail` names places inside the current cell (invariant 2).
        Ok(unsafe { c.base.add(place * GRANULE) })
    }

    #[cfg(any(test, feature = "stress"))]
    pub(super) fn may_fail(&mut self) -> Result<(), OutOfMemory> {
        if cfg!(feature = "stress") {
            self.gc_pending = true;
        }
        match &mut self.fail_after {
            Some(0) => {
                if self.fail_once {
                    self.fail_after = None;
                }
                self.forget_request();
                Err(OutOfMemory)
            }
            Some(n) => {
                *n -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Under `stress` every allocation asks for a collection, also one that is refused. An instruction that collects when it is
    /// asked to and then runs again would never get to its error.
    pub(super) fn forget_request(&mut self) {
        if cfg!(feature = "stress") {
            self.gc_pending = false;
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, class: usize) -> Result<*mut u8, OutOfMemory> {
        let size = CLASS_SIZES[class];
        let c = &mut self.classes[class];
        if !c.freed.is_null() {
            let at = c.freed;
            // SAFETY: a freed place holds the link to the next one.
            c.freed = unsafe { *at.cast::<*mut u8>() };
            self.used += size;
            return Ok(at);
        }
        if let Some(at) = self.bump_place(size)? {
            return Ok(at);
        }
        let lists = self
            .lists
            .get_or_insert_with(|| Box::new([ClassCells { all: null_mut(), cursor: null_mut() }; CLASSES]));
        let list = &mut lists[class];
        let mut avail = 0;
        while avail == 0 && !list.cursor.is_null() {
            let meta = list.cursor;
            // SAFETY: cells in a class's list are live.
            unsafe {
                list.cursor = (*meta).next;
                avail = PATTERN[class] & !(*meta).mark;
            }
            self.classes[class].base = cell_of(meta);
        }
        if avail == 0 {
            let meta = self.take_cell()?;
            if let Some(lists) = &mut self.lists {
                // SAFETY: the cell is ours now; at the head of the list it is behind the cursor.
                unsafe {
                    (*meta).mark = 0;
                    (*meta).class = class as u8;
                    (*meta).next = lists[class].all;
                }
                lists[class].all = meta;
            }
            self.classes[class].base = cell_of(meta);
            avail = PATTERN[class];
        }
        self.used += avail.count_ones() as usize * size;
        self.check_debt();
        let c = &mut self.classes[class];
        let place = avail.trailing_zeros() as usize;
        c.avail = avail & (avail - 1);
        // SAFETY: a place inside the cell.
        Ok(unsafe { c.base.add(place * GRANULE) })
    }

    /// A place in a mixed cell, while the process is small. `None`: it is not any more.
    fn bump_place(&mut self, size: usize) -> Result<Option<*mut u8>, OutOfMemory> {
        if (self.bump_end as usize) - (self.bump as usize) < size {
            if self.cells >= MAX_MIXED_CELLS || size > CELL / 2 {
                return Ok(None);
            }
            let meta = self.take_cell()?;
            // SAFETY: the cell is ours now.
            unsafe {
                (*meta).mark = 0;
                (*meta).class = MIXED;
                (*meta).next = self.mixed;
                self.mixed = meta;
                self.bump = cell_of(meta);
                self.bump_end = self.bump.add(CELL);
            }
        }
        let at = self.bump;
        // SAFETY: there is room for `size` bytes.
        self.bump = unsafe { at.add(size) };
        self.used += size;
        self.check_debt();
        Ok(Some(at))
    }

    fn take_cell(&mut self) -> Result<*mut CellMeta, OutOfMemory> {
        self.check_limit(CELL)?;
        if self.free_cells.is_null() {
            if self.cells < MAX_POOLED_CELLS {
                let meta = super::pool::take().ok_or(OutOfMemory)?;
                // SAFETY: the cell is ours now.
                unsafe { (*meta).next_pooled = self.pooled };
                self.pooled = meta;
                self.cells += 1;
                return Ok(meta);
            }
            self.new_batch(1)?;
        }
        let meta = self.free_cells;
        // SAFETY: free cells are linked; the header of their region is ours.
        unsafe {
            self.free_cells = (*meta).next;
            (*region_of(meta)).metas[0].used += 1;
        }
        self.cells += 1;
        Ok(meta)
    }

    /// More regions; their cells become free ones, in address order.
    fn new_batch(&mut self, at_least: usize) -> Result<(), OutOfMemory> {
        // Small processes take single regions, large ones a megabyte at a time.
        let regions = if self.batches.len() < 16 { at_least } else { at_least.max(16) };
        let layout = Layout::array::<Region>(regions).map_err(|_| OutOfMemory)?;
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(layout) }.cast::<Region>();
        if start.is_null() {
            return Err(OutOfMemory);
        }
        self.batches.push(Batch { start, regions });
        for region in (0..regions).rev() {
            for cell in (HEADER_CELLS..CELLS).rev() {
                // SAFETY: inside the fresh batch.
                unsafe {
                    let meta = &raw mut (*start.add(region)).metas[cell];
                    meta.write(CellMeta::free(self.free_cells, false));
                    self.free_cells = meta;
                }
            }
            // SAFETY: as above.
            unsafe { (&raw mut (*start.add(region)).metas[0]).write(CellMeta::free(null_mut(), false)) };
        }
        Ok(())
    }

    /// An object larger than a cell: consecutive cells, found among the free ones of one region.
    #[cold]
    fn alloc_span(&mut self, size: usize) -> Result<*mut u8, OutOfMemory> {
        let need = size.div_ceil(CELL);
        if need > CELLS - HEADER_CELLS || need > usize::from(u8::MAX) {
            return Err(OutOfMemory);
        }
        #[cfg(any(test, feature = "stress"))]
        self.may_fail()?;
        self.check_limit(need * CELL)?;
        // The free list is in address order right after a batch was made, so a run is found quickly; else make one.
        let first = match self.take_run(need) {
            Some(first) => first,
            None => {
                self.new_batch(1)?;
                self.take_run(need).ok_or(OutOfMemory)?
            }
        };
        self.cells += need;
        self.used += need * CELL;
        // SAFETY: the cells are ours.
        unsafe {
            (*first).mark = 0;
            (*first).class = SPAN;
            (*first).span = need as u8;
            (*first).next = self.spans;
            (*region_of(first)).metas[0].used += need as u8;
        }
        self.spans = first;
        self.check_debt();
        Ok(cell_of(first))
    }

    /// Unlinks `need` consecutive cells from the free list.
    fn take_run(&mut self, need: usize) -> Option<*mut CellMeta> {
        let mut before: *mut CellMeta = null_mut();
        let mut start = self.free_cells;
        // Bounded, so that a fragmented list costs a fresh region instead of time.
        let mut tries = 256;
        while !start.is_null() && tries > 0 {
            tries -= 1;
            let mut last = start;
            let mut have = 1;
            // SAFETY: free cells are linked; metas of one region are adjacent, and the first metas of a region belong to its
            // header and are never free, so a run cannot leave its region.
            unsafe {
                while have < need && (*last).next == last.add(1) {
                    last = last.add(1);
                    have += 1;
                }
                if have == need {
                    if before.is_null() {
                        self.free_cells = (*last).next;
                    } else {
                        (*before).next = (*last).next;
                    }
                    return Some(start);
                }
                before = last;
                start = (*last).next;
            }
        }
        None
    }
}

/// Internal tag of a [`Unit`] on the mark stack.
pub(super) const fn tag_unit() -> u8 {
    tag::THREAD + 1
}

impl Drop for Heap {
    fn drop(&mut self) {
        // A collection that will not end may have released some objects already.
        if let Some((kept, done)) = self.gc.cycle.as_ref().and_then(|cycle| cycle.unfiltered()) {
            self.externals.drain(kept..done);
        }
        for object in std::mem::take(&mut self.externals) {
            // SAFETY: every registered object is live until the cells go.
            unsafe { self.release_external(object) };
        }
        if let Some(mut growth) = self.growth.take() {
            // SAFETY: nobody else knows of its parts.
            unsafe { growth.release_with_heap(self) };
        }
        let mut meta = self.pooled;
        while !meta.is_null() {
            // SAFETY: nothing points into the heap any more.
            unsafe {
                let next = (*meta).next_pooled;
                super::pool::give(meta);
                meta = next;
            }
        }
        for batch in &self.batches {
            // SAFETY: nothing points into the heap any more.
            unsafe { Self::free_batch(batch) };
        }
    }
}

// SAFETY: a process owns its heap alone; pointers inside it lead only into itself, to immortal constants and to blobs
// with atomic reference counts, so moving the owner to another thread moves everything that is not shared.
unsafe impl Send for Heap {}

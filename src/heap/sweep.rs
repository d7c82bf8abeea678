//! What a collection does with cells: forgets the marks of the last one, and afterwards takes back what has none. Both run
//! through all cells of the process, in pieces.

use super::alloc::{Batch, Class, Heap};
use super::region::{
    CELL, CELLS, CLASSES, CellMeta, FREE, GRANULE, HEADER_CELLS, MIXED, Region, SPAN, cell_of, region_of,
};
use std::alloc::{Layout, dealloc};
use std::ptr::null_mut;

/// Cells looked at for one unit of work.
const CELLS_PER_UNIT: isize = 4;

/// Units that giving a batch back to the system costs.
const BATCH_UNITS: isize = 2_000;

/// Lists of cells: one for each class, then spans, then mixed cells.
const SPANS: usize = CLASSES;
const MIXED_LIST: usize = CLASSES + 1;
const LISTS: usize = CLASSES + 2;

/// Where a pass over all cells stands.
pub(super) struct Pass {
    list: usize,
    /// The list has been begun.
    inside: bool,
    meta: *mut CellMeta,
    /// First and last cell of the list that were kept.
    kept: *mut CellMeta,
    last: *mut CellMeta,
}

impl Pass {
    pub(super) const START: Self =
        Self { list: 0, inside: false, meta: null_mut(), kept: null_mut(), last: null_mut() };

    /// Appends a cell to those that are kept.
    ///
    /// # Safety
    /// The cell is live and in no list any more; so are those kept before.
    unsafe fn keep(&mut self, meta: *mut CellMeta) {
        if self.last.is_null() {
            self.kept = meta;
        } else {
            // SAFETY: by contract.
            unsafe { (*self.last).next = meta };
        }
        self.last = meta;
        // SAFETY: by contract.
        unsafe { (*meta).next = null_mut() };
    }
}

impl Heap {
    fn list_head(&self, list: usize) -> *mut CellMeta {
        match list {
            SPANS => self.spans,
            MIXED_LIST => self.mixed,
            class => self.lists.as_ref().map_or(null_mut(), |lists| lists[class].all),
        }
    }

    /// Shows `visit` the cells behind the place of the pass, which goes on behind each before it is shown, and `end` the lists
    /// that are over. False if the work did not suffice.
    fn walk(
        &mut self,
        pass: &mut Pass,
        work: &mut isize,
        mut visit: impl FnMut(&mut Self, &mut Pass, *mut CellMeta),
        mut end: impl FnMut(&mut Self, &Pass),
    ) -> bool {
        while pass.list < LISTS {
            if !pass.inside {
                pass.meta = self.list_head(pass.list);
                pass.inside = true;
            }
            let mut cells = *work * CELLS_PER_UNIT;
            while !pass.meta.is_null() {
                if cells <= 0 {
                    *work = 0;
                    return false;
                }
                cells -= 1;
                let meta = pass.meta;
                // SAFETY: cells in a list are live.
                pass.meta = unsafe { (*meta).next };
                visit(self, pass, meta);
            }
            *work = cells / CELLS_PER_UNIT;
            end(self, pass);
            *pass = Pass { list: pass.list + 1, ..Pass::START };
        }
        true
    }

    /// Forgets all marks; false if the work did not suffice.
    pub(super) fn clear_marks(&mut self, pass: &mut Pass, work: &mut isize) -> bool {
        // SAFETY: cells in a list are live.
        self.walk(pass, work, |_, _, meta| unsafe { (*meta).mark = 0 }, |_, _| {})
    }

    /// After marking: unmarked places become free, empty cells are given up. `live` is the size of all marked objects; mixed
    /// cells are added to it here. False if the work did not suffice.
    pub(super) fn sweep(&mut self, pass: &mut Pass, live: &mut usize, work: &mut isize) -> bool {
        let sweep_cell = |heap: &mut Self, pass: &mut Pass, meta: *mut CellMeta| {
            // SAFETY: cells in a list are live.
            unsafe {
                if (*meta).mark == 0 {
                    return heap.release(meta);
                }
                if pass.list == MIXED_LIST {
                    *live += heap.mixed_rest(meta);
                }
                pass.keep(meta);
            }
        };
        let end_list = |heap: &mut Self, pass: &Pass| match pass.list {
            SPANS => heap.spans = pass.kept,
            MIXED_LIST => heap.mixed = pass.kept,
            class => {
                if let Some(lists) = &mut heap.lists {
                    lists[class].all = pass.kept;
                    lists[class].cursor = pass.kept;
                }
                heap.classes[class] = Class::EMPTY;
            }
        };
        let complete = self.walk(pass, work, sweep_cell, end_list);
        if complete {
            self.give_to_pool();
        }
        complete
    }

    /// What a mixed cell holds beyond a granule for each marked object. It counts as a whole, but for the part that is still to
    /// be filled.
    unsafe fn mixed_rest(&self, meta: *mut CellMeta) -> usize {
        // SAFETY: by contract: a live cell.
        unsafe {
            let cell = cell_of(meta);
            let free =
                if self.bump_end == cell.add(CELL) { self.bump_end as usize - self.bump as usize } else { 0 };
            (CELL - free).saturating_sub(GRANULE * (*meta).mark.count_ones() as usize)
        }
    }

    /// Gives up a cell or span in which nothing lives.
    unsafe fn release(&mut self, meta: *mut CellMeta) {
        // SAFETY: by contract; the cells behind the first one of a span belong to it.
        unsafe {
            let count = if (*meta).class == SPAN { usize::from((*meta).span) } else { 1 };
            if (*meta).class == MIXED && self.bump_end == cell_of(meta).add(CELL) {
                self.bump = null_mut();
                self.bump_end = null_mut();
            }
            self.cells -= count;
            if (*meta).pooled {
                // `give_to_pool` finds it.
                (*meta).class = FREE;
                return;
            }
            (*region_of(meta)).metas[0].used -= count as u8;
            for i in (0..count).rev() {
                let meta = meta.add(i);
                (*meta).class = FREE;
                (*meta).next = self.free_cells;
                self.free_cells = meta;
            }
        }
    }

    fn give_to_pool(&mut self) {
        let mut meta = std::mem::replace(&mut self.pooled, null_mut());
        while !meta.is_null() {
            // SAFETY: the process's own cells; a free one is in no list.
            unsafe {
                let next = (*meta).next_pooled;
                if (*meta).class == FREE {
                    super::pool::give(meta);
                } else {
                    (*meta).next_pooled = self.pooled;
                    self.pooled = meta;
                }
                meta = next;
            }
        }
    }

    /// Decides which batches go back to the system: those without any used cell, if they are a good part of the heap.
    pub(super) fn choose_batches(&mut self) -> bool {
        let held: usize = self.batches.iter().map(|b| b.regions * (CELLS - HEADER_CELLS)).sum();
        if held < 2 * self.cells + 4 * CELLS {
            return false;
        }
        // SAFETY: the headers of the process's own regions.
        let is_free = |b: &Batch| unsafe { (0..b.regions).all(|r| (*b.start.add(r)).metas[0].used == 0) };
        let (gone, mut kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.batches).into_iter().partition(is_free);
        for batch in &gone {
            for region in 0..batch.regions {
                // SAFETY: as above. Marks the region for `forget_free_cells`.
                unsafe { (*batch.start.add(region)).metas[0].class = SPAN };
            }
        }
        let any = !gone.is_empty();
        kept.extend(gone);
        self.batches = kept;
        any
    }

    /// Takes cells of chosen batches out of the free list; false if the work did not suffice.
    pub(super) fn forget_free_cells(&mut self, pass: &mut Pass, work: &mut isize) -> bool {
        if !pass.inside {
            pass.meta = self.free_cells;
            pass.inside = true;
        }
        while !pass.meta.is_null() {
            if *work <= 0 {
                return false;
            }
            *work -= 1;
            let meta = pass.meta;
            // SAFETY: free cells are linked, and still mapped.
            unsafe {
                pass.meta = (*meta).next;
                if (*region_of(meta)).metas[0].class != SPAN {
                    pass.keep(meta);
                }
            }
        }
        self.free_cells = pass.kept;
        true
    }

    /// Gives chosen batches back; false if the work did not suffice.
    pub(super) fn release_batches(&mut self, work: &mut isize) -> bool {
        // SAFETY: the chosen batches are the last ones; no cell of theirs is in use or in the free list any more.
        unsafe {
            while let Some(batch) = self.batches.last()
                && (*batch.start).metas[0].class == SPAN
            {
                if *work <= 0 {
                    return false;
                }
                *work -= BATCH_UNITS;
                Self::free_batch(batch);
                self.batches.pop();
            }
        }
        true
    }

    /// # Safety
    /// Nothing points into the batch any more.
    pub(super) unsafe fn free_batch(batch: &Batch) {
        let layout = Layout::array::<Region>(batch.regions).expect("the layout it was allocated with");
        // SAFETY: by contract.
        unsafe { dealloc(batch.start.cast(), layout) };
    }
}

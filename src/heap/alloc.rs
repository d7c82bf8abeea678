//! The allocator of one process: size-class cells with mark bits beside them.
//!
//! Memory comes in 64 KiB aligned *regions*, cut into 1 KiB *cells*. The first two cells of a region hold one [`CellMeta`]
//! for each cell: a mark bit per 16-byte granule and the cell's size class. So the address of an object leads to its
//! mark bit by masking, and objects have no header of their own for the collector.
//!
//! 1. A cell holds objects of one size class, or is one of the consecutive cells of a larger object (a *span*).
//! 2. `Class::avail` has a bit for each granule of the current cell where an object may be placed. Allocation takes the
//!    lowest one: no memory is touched.
//! 3. After a collection, a cell's free places are its places without mark: "sweeping" a cell is one operation, done
//!    when allocation comes to it. Marks stay until the next collection clears them.
//! 4. Nothing collects while a native function or an instruction runs: `gc_pending` asks for a collection at the next
//!    instruction boundary. So a fresh object needs no protection until then.
//! 5. `used` counts objects (taken cell by cell), `external` everything outside cells. Their sum is the process's account.
//! 6. Objects that own memory outside of cells, or a Rust value, are in `externals`; the end of a collection releases it for
//!    those that died, and dropping the heap for all.

use super::value::tag;
use super::{Gc, Unit, Value};
use crate::limits::{MAX_CLASS_BUFFER, MIN_GC_THRESHOLD};
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::null_mut;

/// The process's memory limit, or the system's memory, is exhausted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

const GRANULE: usize = 16;
const CELL: usize = 1024;
const CELLS: usize = Region::SIZE / CELL;
const HEADER_CELLS: usize = Region::FIRST_CELL_OFFSET / CELL;

/// Sizes of the classes in bytes. The last one fills a cell.
const CLASS_SIZES: [usize; 15] = [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 240, 288, 336, 512, 1024];
const CLASSES: usize = CLASS_SIZES.len();
/// Class mark of a span's cells.
const SPAN: u8 = 255;
/// Class mark of a cell that is not in use.
const FREE: u8 = 254;

/// Class for a size in granules (0..=64).
const CLASS_OF: [u8; CELL / GRANULE + 1] = {
    let mut table = [0; CELL / GRANULE + 1];
    let mut granules = 0;
    while granules < table.len() {
        let mut class = 0;
        while CLASS_SIZES[class] < granules * GRANULE {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
};

/// Places for objects in a cell of each class, as mark bits.
const PATTERN: [u64; CLASSES] = {
    let mut patterns = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        let mut at = 0;
        while at + CLASS_SIZES[class] <= CELL {
            patterns[class] |= 1 << (at / GRANULE);
            at += CLASS_SIZES[class];
        }
        class += 1;
    }
    patterns
};

/// What the allocator knows about one cell.
#[repr(C)]
pub struct CellMeta {
    mark: u64,
    next: *mut CellMeta,
    class: u8,
    /// Cells of the span that starts here.
    span: u8,
    spare: [u32; 3],
}

const _: () = assert!(size_of::<CellMeta>() == 32);

/// A 64 KiB block of cells.
#[repr(C, align(65536))]
pub struct Region {
    metas: [CellMeta; CELLS],
    cells: [u8; Self::SIZE - Self::FIRST_CELL_OFFSET],
}

impl Region {
    /// Bytes, and alignment.
    pub const SIZE: usize = 64 << 10;
    /// Offset of the first cell that holds objects.
    pub const FIRST_CELL_OFFSET: usize = CELLS * size_of::<CellMeta>();

    /// A region outside of any heap whose objects count as marked for ever.
    #[must_use]
    pub fn new_immortal() -> Option<*mut Self> {
        // SAFETY: the layout is not empty.
        let region = unsafe { alloc(Layout::new::<Self>()) }.cast::<Self>();
        if region.is_null() {
            return None;
        }
        for i in 0..CELLS {
            // SAFETY: inside the fresh region.
            unsafe {
                (&raw mut (*region).metas[i]).write(CellMeta {
                    mark: !0,
                    next: null_mut(),
                    class: (CLASSES - 1) as u8,
                    span: 0,
                    spare: [0; 3],
                });
            }
        }
        Some(region)
    }
}

#[inline(always)]
fn meta_of(at: *const u8) -> *mut CellMeta {
    let address = at as usize;
    let region = address & !(Region::SIZE - 1);
    let cell = (address & (Region::SIZE - 1)) / CELL;
    (region + cell * size_of::<CellMeta>()) as *mut CellMeta
}

#[inline(always)]
fn cell_of(meta: *mut CellMeta) -> *mut u8 {
    let address = meta as usize;
    let region = address & !(Region::SIZE - 1);
    let cell = (address & (Region::SIZE - 1)) / size_of::<CellMeta>();
    (region + cell * CELL) as *mut u8
}

#[inline(always)]
fn mark_bit(at: *const u8) -> u64 {
    1 << ((at as usize / GRANULE) % (CELL / GRANULE))
}

/// True if the object was reached by the current collection (or is immortal).
///
/// # Safety
/// `at` is an object in a cell.
#[inline(always)]
#[must_use]
pub unsafe fn is_marked(at: *const u8) -> bool {
    // SAFETY: by contract.
    unsafe { (*meta_of(at)).mark & mark_bit(at) != 0 }
}

/// Marks the object; returns its size if it was not marked before, 0 otherwise.
///
/// # Safety
/// `at` is an object in a cell of the collecting process, or immortal.
#[inline(always)]
pub unsafe fn set_mark(at: *const u8) -> usize {
    // SAFETY: by contract; immortal objects are marked already and not written to.
    unsafe {
        let meta = meta_of(at);
        let bit = mark_bit(at);
        if (*meta).mark & bit != 0 {
            return 0;
        }
        (*meta).mark |= bit;
        if (*meta).class == SPAN {
            usize::from((*meta).span) * CELL
        } else {
            CLASS_SIZES[usize::from((*meta).class)]
        }
    }
}

/// True for objects in regions made by [`Region::new_immortal`].
///
/// # Safety
/// `at` is an object in a cell.
#[inline(always)]
#[must_use]
pub unsafe fn is_immortal(at: *const u8) -> bool {
    // SAFETY: by contract. A cell of the largest class holds one object, so elsewhere it has at most one mark.
    unsafe { (*meta_of(at)).mark == !0 && usize::from((*meta_of(at)).class) == CLASSES - 1 }
}

/// Allocation state of one size class.
struct Class {
    avail: u64,
    base: *mut u8,
    /// All cells of the class.
    cells: *mut CellMeta,
    /// Next cell whose free places have not been looked at since the last collection.
    cursor: *mut CellMeta,
    /// Table parts that were given back one by one.
    freed: *mut u8,
}

struct Batch {
    start: *mut Region,
    regions: usize,
}

/// The memory of one process.
pub struct Heap {
    classes: [Class; CLASSES],
    spans: *mut CellMeta,
    free_cells: *mut CellMeta,
    batches: Vec<Batch>,
    /// Cells handed out.
    cells: usize,
    used: usize,
    external: usize,
    /// `used + external` at which a collection is due.
    pub(super) threshold: usize,
    /// Set when a collection is due; looked at between instructions.
    pub gc_pending: bool,
    limit: usize,
    /// Bytes that did not fit at the last refusal.
    pub refused: usize,
    pub(super) externals: Vec<(Value, usize)>,
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
        const EMPTY: Class =
            Class { avail: 0, base: null_mut(), cells: null_mut(), cursor: null_mut(), freed: null_mut() };
        Self {
            classes: [EMPTY; CLASSES],
            spans: null_mut(),
            free_cells: null_mut(),
            batches: Vec::new(),
            cells: 0,
            used: 0,
            external: 0,
            threshold: MIN_GC_THRESHOLD,
            gc_pending: false,
            limit: limit.unwrap_or(usize::MAX),
            refused: 0,
            externals: Vec::new(),
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
    fn alloc_class(&mut self, class: usize) -> Result<*mut u8, OutOfMemory> {
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
    fn may_fail(&mut self) -> Result<(), OutOfMemory> {
        if cfg!(feature = "stress") {
            self.gc_pending = true;
        }
        match &mut self.fail_after {
            Some(0) => {
                if self.fail_once {
                    self.fail_after = None;
                }
                Err(OutOfMemory)
            }
            Some(n) => {
                *n -= 1;
                Ok(())
            }
            None => Ok(()),
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
        let mut avail = 0;
        while avail == 0 && !c.cursor.is_null() {
            let meta = c.cursor;
            // SAFETY: cells in a class's list are live.
            unsafe {
                c.cursor = (*meta).next;
                avail = PATTERN[class] & !(*meta).mark;
            }
            c.base = cell_of(meta);
        }
        if avail == 0 {
            let meta = self.take_cell()?;
            let c = &mut self.classes[class];
            // SAFETY: the cell is ours now; at the head of the list it is behind the cursor.
            unsafe {
                (*meta).mark = 0;
                (*meta).class = class as u8;
                (*meta).next = c.cells;
            }
            c.cells = meta;
            c.base = cell_of(meta);
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

    #[inline]
    fn check_debt(&mut self) {
        if self.used + self.external >= self.threshold {
            self.gc_pending = true;
        }
    }

    fn take_cell(&mut self) -> Result<*mut CellMeta, OutOfMemory> {
        self.check_limit(CELL)?;
        if self.free_cells.is_null() {
            self.new_batch(1)?;
        }
        let meta = self.free_cells;
        // SAFETY: free cells are linked.
        self.free_cells = unsafe { (*meta).next };
        self.cells += 1;
        Ok(meta)
    }

    fn check_limit(&mut self, more: usize) -> Result<(), OutOfMemory> {
        let total = (self.cells * CELL + self.external).saturating_add(more);
        if total > self.limit {
            self.refused = more;
            return Err(OutOfMemory);
        }
        Ok(())
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
                    meta.write(CellMeta {
                        mark: 0,
                        next: self.free_cells,
                        class: FREE,
                        span: 0,
                        spare: [0; 3],
                    });
                    self.free_cells = meta;
                }
            }
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

    // ---- table parts ----

    /// Memory for a table part.
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
            self.refused = size;
            return Err(OutOfMemory);
        }
        self.add_external(size);
        Ok(at)
    }

    fn buffer_layout(size: usize) -> Result<Layout, OutOfMemory> {
        Layout::from_size_align(size, GRANULE).map_err(|_| OutOfMemory)
    }

    /// Changes the size of a table part that lies outside of cells and stays there; its contents move along.
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
            self.refused = to;
            return Err(OutOfMemory);
        }
        self.sub_external(from);
        self.add_external(to);
        Ok(new)
    }

    /// Gives a table part back.
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

    // ---- the account ----

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
        self.used + self.external - untaken
    }

    /// Bytes that the heap holds from the system for its use: what the limit applies to.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.cells * CELL + self.external
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Remembers an object that owns memory outside of cells (invariant 6).
    pub fn register_external(&mut self, object: Value) {
        self.externals.push((object, 0));
    }

    /// Remembers a unit of local code.
    pub fn register_external_unit(&mut self, unit: *mut Unit) {
        self.externals.push((Value { payload: unit as u64, tag: tag_unit() }, 0));
    }

    // ---- for the collector ----

    /// Forgets all marks.
    pub(super) fn clear_marks(&mut self) {
        let lists = self.classes.iter().map(|c| c.cells).chain(std::iter::once(self.spans));
        for list in lists {
            let mut meta = list;
            while !meta.is_null() {
                // SAFETY: cells in a list are live.
                unsafe {
                    (*meta).mark = 0;
                    meta = (*meta).next;
                }
            }
        }
    }

    /// After marking: unmarked places become free, empty cells return to the pool. `live` is the size of all marked objects.
    pub(super) fn finish_sweep(&mut self, live: usize) {
        for class in 0..CLASSES {
            let mut kept: *mut CellMeta = null_mut();
            let mut last: *mut CellMeta = null_mut();
            let mut meta = self.classes[class].cells;
            while !meta.is_null() {
                // SAFETY: cells in a list are live.
                unsafe {
                    let next = (*meta).next;
                    if (*meta).mark == 0 {
                        self.release_cell(meta);
                    } else {
                        if last.is_null() {
                            kept = meta;
                        } else {
                            (*last).next = meta;
                        }
                        last = meta;
                        (*meta).next = null_mut();
                    }
                    meta = next;
                }
            }
            self.classes[class] =
                Class { avail: 0, base: null_mut(), cells: kept, cursor: kept, freed: null_mut() };
        }
        let mut meta = std::mem::replace(&mut self.spans, null_mut());
        while !meta.is_null() {
            // SAFETY: spans are live; the cells behind the first one belong to it.
            unsafe {
                let next = (*meta).next;
                if (*meta).mark == 0 {
                    for i in (0..usize::from((*meta).span)).rev() {
                        self.release_cell(meta.add(i));
                    }
                } else {
                    (*meta).next = self.spans;
                    self.spans = meta;
                }
                meta = next;
            }
        }
        self.used = live;
        self.release_batches();
    }

    unsafe fn release_cell(&mut self, meta: *mut CellMeta) {
        // SAFETY: the cell is not in use any more.
        unsafe {
            (*meta).class = FREE;
            (*meta).next = self.free_cells;
        }
        self.free_cells = meta;
        self.cells -= 1;
    }

    /// Gives batches without any used cell back to the system, if they are a good part of the heap.
    fn release_batches(&mut self) {
        let held: usize = self.batches.iter().map(|b| b.regions * (CELLS - HEADER_CELLS)).sum();
        if held < 2 * self.cells + 4 * CELLS {
            return;
        }
        let is_free = |b: &Batch| {
            (0..b.regions).all(|r| {
                // SAFETY: metas of live batches are initialised.
                (HEADER_CELLS..CELLS).all(|c| unsafe { (*b.start.add(r)).metas[c].class == FREE })
            })
        };
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.batches).into_iter().partition(is_free);
        self.batches = kept;
        if gone.is_empty() {
            return;
        }
        let mut ranges: Vec<_> =
            gone.iter().map(|b| (b.start as usize, b.start as usize + b.regions * Region::SIZE)).collect();
        ranges.sort_unstable();
        let mut meta = std::mem::replace(&mut self.free_cells, null_mut());
        let mut last: *mut CellMeta = null_mut();
        while !meta.is_null() {
            // SAFETY: free cells are linked, and still mapped.
            unsafe {
                let next = (*meta).next;
                let at = ranges.partition_point(|r| r.0 <= meta as usize);
                if at == 0 || ranges[at - 1].1 <= meta as usize {
                    if last.is_null() {
                        self.free_cells = meta;
                    } else {
                        (*last).next = meta;
                    }
                    (*meta).next = null_mut();
                    last = meta;
                }
                meta = next;
            }
        }
        for batch in gone {
            // SAFETY: no cell of the batch is in use or in the free list any more.
            unsafe { Self::free_batch(&batch) };
        }
    }

    unsafe fn free_batch(batch: &Batch) {
        let layout = Layout::array::<Region>(batch.regions).expect("the layout it was allocated with");
        // SAFETY: by contract of the callers.
        unsafe { dealloc(batch.start.cast(), layout) };
    }

    pub(super) fn set_threshold(&mut self, bytes: usize) {
        self.threshold = bytes;
        // Even if nothing could be freed: the program must get on between two collections.
        self.gc_pending = false;
    }
}

/// Internal tag of a [`Unit`] on the mark stack.
pub(super) const fn tag_unit() -> u8 {
    tag::THREAD + 1
}

impl Drop for Heap {
    fn drop(&mut self) {
        for (object, _) in std::mem::take(&mut self.externals) {
            // SAFETY: every registered object is live until the regions go.
            unsafe { self.release_external(object) };
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

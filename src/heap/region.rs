//! Regions and cells: where objects lie, and how an address leads to its mark bit.
//!
//! Memory comes in 64 KiB aligned *regions*, cut into 1 KiB *cells*. The first two cells of a region hold one [`CellMeta`]
//! for each cell: a mark bit per 16-byte granule and the cell's size class. So the address of an object leads to its
//! mark bit by masking, and objects have no header of their own for the collector. Cells of one region may belong to
//! different processes (`pool.rs`): a process touches only the metas of its own cells.

use std::alloc::{Layout, alloc};
use std::ptr::null_mut;

pub(super) const GRANULE: usize = 16;
pub(super) const CELL: usize = 1024;
pub(super) const CELLS: usize = Region::SIZE / CELL;
pub(super) const HEADER_CELLS: usize = Region::FIRST_CELL_OFFSET / CELL;

/// What a cell takes with its share of its region's header.
pub(super) const CELL_COST: usize = Region::SIZE / (CELLS - HEADER_CELLS);

/// Sizes of the classes in bytes. The last one fills a cell.
pub(super) const CLASS_SIZES: [usize; 15] =
    [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 240, 288, 336, 512, 1024];
pub(super) const CLASSES: usize = CLASS_SIZES.len();
/// Class mark of a cell with objects of several sizes: the first ones of a small process.
pub(super) const MIXED: u8 = CLASSES as u8;
/// Class mark of cells with objects of an image.
const IMAGE: u8 = 251;
/// Class mark of cells with immortal program constants.
const CONSTANTS: u8 = 252;
/// Class mark of a span's cells.
pub(super) const SPAN: u8 = 255;
/// Class mark of a cell that is not in use.
pub(super) const FREE: u8 = 254;

/// Size that marking an object adds to what lives. Mixed cells are counted as wholes at the end (`sweep.rs`), so a
/// granule stands for any object there.
const MARKED_SIZES: [usize; CLASSES + 1] = {
    let mut sizes = [GRANULE; CLASSES + 1];
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = CLASS_SIZES[class];
        class += 1;
    }
    sizes
};

/// Class for a size in granules (0..=64).
pub(super) const CLASS_OF: [u8; CELL / GRANULE + 1] = {
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
pub(super) const PATTERN: [u64; CLASSES] = {
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
    pub(super) mark: u64,
    pub(super) next: *mut CellMeta,
    pub(super) class: u8,
    /// Cells of the span that starts here.
    pub(super) span: u8,
    /// Came from the program's pool and goes back there.
    pub(super) pooled: bool,
    /// In the header of a region: cells of the region that a process uses.
    pub(super) used: u8,
    /// Next cell from the pool that the same process has.
    pub(super) next_pooled: *mut CellMeta,
}

impl CellMeta {
    /// A cell that nobody uses, before `next` in a list.
    pub(super) const fn free(next: *mut Self, pooled: bool) -> Self {
        Self { mark: 0, next, class: FREE, span: 0, pooled, used: 0, next_pooled: null_mut() }
    }
}

const _: () = assert!(size_of::<CellMeta>() == 32);

/// A 64 KiB block of cells.
#[repr(C, align(65536))]
pub struct Region {
    pub(super) metas: [CellMeta; CELLS],
    cells: [u8; Self::SIZE - Self::FIRST_CELL_OFFSET],
}

impl Region {
    /// Bytes, and alignment.
    pub const SIZE: usize = 64 << 10;
    /// Offset of the first cell that holds objects.
    pub const FIRST_CELL_OFFSET: usize = CELLS * size_of::<CellMeta>();

    /// A region outside of any heap, for program constants, which count as marked for ever.
    #[must_use]
    pub fn new_immortal() -> Option<*mut Self> {
        Self::new_marked(CONSTANTS)
    }

    /// A region for the objects of an image, likewise.
    pub(super) fn new_image() -> Option<*mut Self> {
        Self::new_marked(IMAGE)
    }

    fn new_marked(class: u8) -> Option<*mut Self> {
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
                    class,
                    ..CellMeta::free(null_mut(), false)
                });
            }
        }
        Some(region)
    }
}

#[inline(always)]
pub(super) fn meta_of(at: *const u8) -> *mut CellMeta {
    let address = at as usize;
    let region = address & !(Region::SIZE - 1);
    let cell = (address & (Region::SIZE - 1)) / CELL;
    (region + cell * size_of::<CellMeta>()) as *mut CellMeta
}

#[inline(always)]
pub(super) fn cell_of(meta: *mut CellMeta) -> *mut u8 {
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

/// True for program constants: objects in regions made by [`Region::new_immortal`].
///
/// # Safety
/// `at` is an object in a cell.
#[inline(always)]
#[must_use]
pub unsafe fn is_immortal(at: *const u8) -> bool {
    // SAFETY: by contract.
    unsafe { (*meta_of(at)).class == CONSTANTS }
}

/// True for objects of an image.
///
/// # Safety
/// `at` is an object in a cell.
pub(super) unsafe fn is_image(at: *const u8) -> bool {
    // SAFETY: by contract.
    unsafe { (*meta_of(at)).class == IMAGE }
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
            MARKED_SIZES[usize::from((*meta).class)]
        }
    }
}

/// The region of a cell.
pub(super) fn region_of(meta: *mut CellMeta) -> *mut Region {
    (meta as usize & !(Region::SIZE - 1)) as *mut Region
}

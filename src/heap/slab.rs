//! The executable's memory for small blocks: what Rust code keeps in boxes, vectors and shared pointers.
//!
//! A process is a dozen such blocks, a message one or two. They are made on one worker and given back on another, all the
//! time: the system's allocator locks the maker's arena for that, asks the kernel for each page that an arena grows by, and
//! has a header in each block.
//!
//! A slab allocator with magazines (Bonwick: The Slab Allocator, USENIX 1994; Bonwick and Adams: Magazines and Vmem, USENIX
//! 2001). Sizes up to [`LARGEST`] belong to classes; a slab of 64 KiB holds blocks of one class; each thread has a magazine
//! of free blocks for each class. Other sizes are the system allocator's.
//!
//! 1. A block's class follows from its layout and its slab from its address, so a block has no header.
//! 2. A free block is in one place: the magazine of one thread, the list of its slab, or behind its slab's `fresh`.
//! 3. Magazines are their thread's alone. Slabs are changed under the lock of their class, free slabs and spans under that of
//!    the reserve, which is the inner one of the two.
//! 4. A slab without used blocks goes back to the reserve, unless it is the only one of its class with free blocks. Spans of
//!    8 free slabs are set aside, and go back to the system when `reclaim` says so.

use super::reclaim::{self, Left, Spare};
use crate::limits::{PURGE_STEP, SPAN_RESERVE};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Largest block of a slab, in bytes.
const LARGEST: usize = 2048;

/// Every size is a multiple of it, and every block is aligned to it.
const GRAIN: usize = 16;
const SLAB: usize = 64 << 10;
/// Slabs that the system is asked for at once.
const SPAN: usize = 8;
const HEADER: usize = size_of::<Slab>().next_multiple_of(64);

/// Sizes of blocks: steps of 16 bytes, and from 256 bytes on of a sixteenth to an eighth of the size, so that little is lost.
const SIZES: [u16; 40] = {
    let mut sizes = [0; 40];
    let (mut i, mut size) = (0, 0);
    while i < 40 {
        size += match size {
            ..256 => 16,
            256..512 => 32,
            512..1024 => 64,
            _ => 128,
        };
        sizes[i] = size;
        i += 1;
    }
    assert!(sizes[39] as usize == LARGEST);
    sizes
};

/// The class of a size, by grains.
static CLASS_OF: [u8; LARGEST / GRAIN + 1] = {
    let mut table = [0; LARGEST / GRAIN + 1];
    let (mut grains, mut class) = (0, 0);
    while grains < table.len() {
        if grains * GRAIN > SIZES[class] as usize {
            class += 1;
        }
        table[grains] = class as u8;
        grains += 1;
    }
    table
};

/// Blocks that a magazine takes from a fresh slab. Later refills take as many as the slab has given already, so that a small
/// program does not write to pages full of blocks that it never uses.
const FIRST_REFILL: u32 = 2;

/// Blocks that move between a magazine and the slabs at once, by class.
static BATCH: [u32; SIZES.len()] = {
    let mut batch = [32; SIZES.len()];
    let mut class = 0;
    while class < SIZES.len() {
        let fits = 8192 / SIZES[class] as u32;
        if fits < batch[class] {
            batch[class] = fits;
        }
        class += 1;
    }
    batch
};

/// The allocator, for `#[global_allocator]`.
pub struct Slabs;

/// A free block.
struct Block {
    next: *mut Self,
}

/// The head of a slab.
struct Slab {
    class: usize,
    /// Blocks that came back.
    free: *mut Block,
    /// Offset of the first block that was never handed out.
    fresh: usize,
    /// Blocks in magazines and in use.
    used: usize,
    /// Neighbours in the list of the class's slabs with free blocks, or in that of free slabs.
    next: *mut Self,
    before: *mut Self,
    span: *mut Span,
}

/// Memory of 8 slabs.
struct Span {
    start: *mut u8,
    /// Free slabs.
    free: usize,
    /// The next span whose slabs are all free.
    next: *mut Self,
}

/// Slabs in a list.
struct List {
    first: *mut Slab,
}

// SAFETY: slabs are reached only under the locks that invariant 3 names.
unsafe impl Send for List {}

impl List {
    const EMPTY: Self = Self { first: null_mut() };

    /// # Safety
    /// The slab is in no list.
    unsafe fn push(&mut self, slab: *mut Slab) {
        // SAFETY: by contract; the first slab is one of ours.
        unsafe {
            (*slab).before = null_mut();
            (*slab).next = self.first;
            if !self.first.is_null() {
                (*self.first).before = slab;
            }
        }
        self.first = slab;
    }

    /// # Safety
    /// The slab is in this list.
    unsafe fn remove(&mut self, slab: *mut Slab) {
        // SAFETY: by contract, hence its neighbours are, too.
        unsafe {
            let (before, next) = ((*slab).before, (*slab).next);
            if before.is_null() {
                self.first = next;
            } else {
                (*before).next = next;
            }
            if !next.is_null() {
                (*next).before = before;
            }
        }
    }
}

struct Reserve {
    /// Free slabs of spans with others.
    free: List,
    /// Spans whose slabs are all free. Those are in no list.
    spans: *mut Span,
    spare: Spare,
}

// SAFETY: spans are reached only under the lock that invariant 3 names.
unsafe impl Send for Reserve {}

static RESERVE: Mutex<Reserve> =
    Mutex::new(Reserve { free: List::EMPTY, spans: null_mut(), spare: Spare::NONE });

/// The slabs of each class that have free blocks.
static CLASSES: [Mutex<List>; SIZES.len()] = [const { Mutex::new(List::EMPTY) }; SIZES.len()];

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reserve {
    /// A slab, not initialised but for its span; null if there is no memory.
    fn take(&mut self) -> *mut Slab {
        if self.free.first.is_null() && !self.grow() {
            return null_mut();
        }
        let slab = self.free.first;
        // SAFETY: free slabs are in the list, and their spans live.
        unsafe {
            self.free.remove(slab);
            (*(*slab).span).free -= 1;
        }
        slab
    }

    /// Takes up a span, a new one if need be; false if there is no memory.
    fn grow(&mut self) -> bool {
        if let Some(span) = self.pop_span() {
            self.spare.take();
            // SAFETY: the span is ours, and its slabs are free and in no list.
            unsafe { self.list_slabs(span) };
            return true;
        }
        // SAFETY: the layout is not empty.
        let span = unsafe { System.alloc(Layout::new::<Span>()) }.cast::<Span>();
        if span.is_null() {
            return false;
        }
        let start = pages::take();
        if start.is_null() {
            // SAFETY: it was just allocated with this layout.
            unsafe { System.dealloc(span.cast(), Layout::new::<Span>()) };
            return false;
        }
        // SAFETY: fresh memory of these sizes.
        unsafe {
            span.write(Span { start, free: SPAN, next: null_mut() });
            self.list_slabs(span);
        }
        true
    }

    /// # Safety
    /// The slabs of the span are free and in no list. The head of each is all that is written: its pages are not touched
    /// before they are needed.
    unsafe fn list_slabs(&mut self, span: *mut Span) {
        for i in (0..SPAN).rev() {
            // SAFETY: by contract.
            unsafe {
                let slab = (*span).start.add(i * SLAB).cast::<Slab>();
                (*slab).span = span;
                self.free.push(slab);
            }
        }
    }

    fn pop_span(&mut self) -> Option<*mut Span> {
        let span = self.spans;
        if span.is_null() {
            return None;
        }
        // SAFETY: the spans of the list live.
        self.spans = unsafe { (*span).next };
        Some(span)
    }

    /// # Safety
    /// No block of the slab is used, and it is in no list.
    unsafe fn give(&mut self, slab: *mut Slab) {
        // SAFETY: by contract; spans live as long as their slabs, and a span whose slabs are all free has them in the list.
        unsafe {
            let span = (*slab).span;
            self.free.push(slab);
            (*span).free += 1;
            if (*span).free < SPAN {
                return;
            }
            for i in 0..SPAN {
                self.free.remove((*span).start.add(i * SLAB).cast());
            }
            if self.spare.now >= SPAN_RESERVE && !reclaim::keeps_excess() {
                unmap(span);
                return;
            }
            (*span).next = self.spans;
            self.spans = span;
            self.spare.add();
        }
    }
}

/// # Safety
/// The slabs of the span are free, and it is in no list.
unsafe fn unmap(span: *mut Span) {
    // SAFETY: by contract nobody knows of it any more.
    unsafe {
        pages::give((*span).start);
        System.dealloc(span.cast(), Layout::new::<Span>());
    }
}

/// Gives some spans back that have been free for a while.
pub(super) fn give_back() -> Left {
    let mut gone = [null_mut(); PURGE_STEP];
    let mut reserve = lock(&RESERVE);
    let (n, left) = reserve.spare.step(SPAN_RESERVE, PURGE_STEP);
    for span in &mut gone[..n] {
        *span = reserve.pop_span().expect("as many as were counted");
    }
    drop(reserve);
    for &span in &gone[..n] {
        // SAFETY: taken off the list.
        unsafe { unmap(span) };
    }
    left
}

/// Memory for spans, from the kernel itself: the system's allocator would take it from the arena of the calling thread, and
/// what comes back from another thread is of no use to that one.
#[cfg(unix)]
mod pages {
    use super::{SLAB, SPAN};
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    use std::ptr::null_mut;

    /// Memory for the slabs of a span, aligned to them; null if there is none.
    pub(super) fn take() -> *mut u8 {
        const SIZE: usize = SPAN * SLAB;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: new memory, at an address of the kernel's choice; what lies in front of the first whole slab and behind
        // the last is given back at once.
        unsafe {
            let Ok(start) = mmap_anonymous(null_mut(), SIZE + SLAB, protection, MapFlags::PRIVATE) else {
                return null_mut();
            };
            let before = start.align_offset(SLAB);
            let aligned = start.byte_add(before);
            // Address space that the kernel will not take back stays unused.
            if before > 0 {
                let _ = munmap(start, before);
            }
            let _ = munmap(aligned.byte_add(SIZE), SLAB - before);
            aligned.cast()
        }
    }

    /// # Safety
    /// The memory came from [`take`], and nothing uses it any more.
    pub(super) unsafe fn give(start: *mut u8) {
        // SAFETY: by contract.
        let _ = unsafe { munmap(start.cast(), SPAN * SLAB) };
    }
}

#[cfg(not(unix))]
mod pages {
    use super::{GlobalAlloc, Layout, SLAB, SPAN, System};

    fn layout() -> Layout {
        Layout::from_size_align(SPAN * SLAB, SLAB).expect("a size and an alignment that are fixed")
    }

    pub(super) fn take() -> *mut u8 {
        // SAFETY: the layout is not empty.
        unsafe { System.alloc(layout()) }
    }

    /// # Safety
    /// The memory came from [`take`], and nothing uses it any more.
    pub(super) unsafe fn give(start: *mut u8) {
        // SAFETY: by contract.
        unsafe { System.dealloc(start, layout()) }
    }
}

/// The slab of a block.
fn slab_of(block: *mut Block) -> *mut Slab {
    block.map_addr(|address| address & !(SLAB - 1)).cast()
}

/// Offset behind the last block of a class's slabs.
const fn end_of(class: usize) -> usize {
    let size = SIZES[class] as usize;
    HEADER + (SLAB - HEADER) / size * size
}

impl List {
    /// Takes up to `n` blocks, one unless there is no memory.
    fn take(&mut self, class: usize, n: u32) -> Magazine {
        let mut taken = Magazine::EMPTY;
        while taken.len < n {
            let mut slab = self.first;
            if slab.is_null() {
                if taken.len > 0 {
                    break;
                }
                slab = lock(&RESERVE).take();
                if slab.is_null() {
                    break;
                }
                // SAFETY: the slab is ours now; its span was noted by the reserve.
                unsafe {
                    (*slab).class = class;
                    (*slab).free = null_mut();
                    (*slab).fresh = HEADER;
                    (*slab).used = 0;
                    self.push(slab);
                }
            }
            // SAFETY: slabs in the list have free blocks, and they are under this lock.
            unsafe {
                let mut block = (*slab).free;
                if block.is_null() {
                    block = slab.byte_add((*slab).fresh).cast();
                    (*slab).fresh += usize::from(SIZES[class]);
                } else {
                    (*slab).free = (*block).next;
                }
                (*slab).used += 1;
                taken.push(block);
                if (*slab).free.is_null() && (*slab).fresh == end_of(class) {
                    self.remove(slab);
                }
            }
        }
        taken
    }

    /// Blocks that the next refill takes.
    fn refill(&self, class: usize) -> u32 {
        // SAFETY: slabs in the list are under this lock.
        let given = unsafe { self.first.as_ref() }.map_or(0, |slab| slab.used as u32);
        given.clamp(FIRST_REFILL, BATCH[class])
    }

    /// Gives a block back to its slab.
    ///
    /// # Safety
    /// It is a block of this class that nobody uses any more.
    unsafe fn give(&mut self, class: usize, block: *mut Block) {
        // SAFETY: by contract the slab is under this lock.
        unsafe {
            let slab = slab_of(block);
            debug_assert_eq!((*slab).class, class);
            if (*slab).free.is_null() && (*slab).fresh == end_of(class) {
                self.push(slab);
            }
            (*block).next = (*slab).free;
            (*slab).free = block;
            (*slab).used -= 1;
            if (*slab).used == 0 && !((*slab).before.is_null() && (*slab).next.is_null()) {
                self.remove(slab);
                lock(&RESERVE).give(slab);
            }
        }
    }
}

/// Free blocks of one class, at hand for one thread.
#[derive(Clone, Copy)]
struct Magazine {
    first: *mut Block,
    len: u32,
}

impl Magazine {
    const EMPTY: Self = Self { first: null_mut(), len: 0 };

    #[inline(always)]
    fn push(&mut self, block: *mut Block) {
        // SAFETY: a free block, which is in one list only.
        unsafe { (*block).next = self.first };
        self.first = block;
        self.len += 1;
    }

    #[inline(always)]
    fn pop(&mut self) -> *mut Block {
        let block = self.first;
        if !block.is_null() {
            // SAFETY: free blocks are linked.
            self.first = unsafe { (*block).next };
            self.len -= 1;
        }
        block
    }
}

/// The magazines of a thread. Given back when it ends.
struct Magazines([Cell<Magazine>; SIZES.len()]);

impl Drop for Magazines {
    fn drop(&mut self) {
        for (class, magazine) in self.0.iter().enumerate() {
            let mut magazine = magazine.replace(Magazine::EMPTY);
            let mut slabs = lock(&CLASSES[class]);
            while let block = magazine.pop()
                && !block.is_null()
            {
                // SAFETY: free blocks of this class.
                unsafe { slabs.give(class, block) };
            }
        }
    }
}

thread_local! {
    static MAGAZINES: Magazines =
        const { Magazines([const { Cell::new(Magazine::EMPTY) }; SIZES.len()]) };
}

/// The class of a layout that slabs have blocks for.
#[inline(always)]
fn class_of(layout: Layout) -> Option<usize> {
    let small = layout.size() <= LARGEST && layout.align() <= GRAIN;
    small.then(|| usize::from(CLASS_OF[layout.size().div_ceil(GRAIN)]))
}

#[cold]
#[inline(never)]
fn refill(class: usize) -> *mut Block {
    let mut slabs = lock(&CLASSES[class]);
    let n = slabs.refill(class);
    let mut taken = slabs.take(class, n);
    drop(slabs);
    let block = taken.pop();
    if MAGAZINES.try_with(|magazines| magazines.0[class].set(taken)).is_err() {
        // This thread is ending and has no magazines any more.
        let mut slabs = lock(&CLASSES[class]);
        while let other = taken.pop()
            && !other.is_null()
        {
            // SAFETY: it has just been taken.
            unsafe { slabs.give(class, other) };
        }
    }
    block
}

#[cold]
#[inline(never)]
fn unload(class: usize, magazine: &mut Magazine) {
    let mut slabs = lock(&CLASSES[class]);
    for _ in 0..BATCH[class] {
        let block = magazine.pop();
        // SAFETY: magazines hold free blocks of their class.
        unsafe { slabs.give(class, block) };
    }
}

// SAFETY: blocks are at least as large as their layout, aligned to GRAIN, and handed out to one owner at a time (invariant
// 2); nothing here panics or allocates through the global allocator.
unsafe impl GlobalAlloc for Slabs {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class_of(layout) else {
            // SAFETY: the caller's contract.
            return unsafe { System.alloc(layout) };
        };
        let block = MAGAZINES.try_with(|magazines| {
            let mut magazine = magazines.0[class].get();
            let block = magazine.pop();
            magazines.0[class].set(magazine);
            block
        });
        match block {
            Ok(block) if !block.is_null() => block.cast(),
            _ => refill(class).cast(),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let Some(class) = class_of(layout) else {
            // SAFETY: the caller's contract: this layout was allocated from the system.
            return unsafe { System.dealloc(at, layout) };
        };
        let kept = MAGAZINES.try_with(|magazines| {
            let mut magazine = magazines.0[class].get();
            magazine.push(at.cast());
            if magazine.len > 2 * BATCH[class] {
                unload(class, &mut magazine);
            }
            magazines.0[class].set(magazine);
        });
        if kept.is_err() {
            // SAFETY: the block is the caller's to give.
            unsafe { lock(&CLASSES[class]).give(class, at.cast()) };
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class_of(layout).is_none() {
            // SAFETY: the caller's contract. The system knows which pages are zero.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as above; the block has the size of the layout.
        unsafe {
            let at = self.alloc(layout);
            if !at.is_null() {
                at.write_bytes(0, layout.size());
            }
            at
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract: `size` is not 0 and does not overflow with this alignment.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            match (class_of(layout), class_of(new)) {
                (None, None) => System.realloc(at, layout, size),
                (old, new) if old == new => at,
                _ => {
                    let to = self.alloc(new);
                    if !to.is_null() {
                        to.copy_from_nonoverlapping(at, size.min(layout.size()));
                        self.dealloc(at, layout);
                    }
                    to
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "slab_tests.rs"]
mod tests;

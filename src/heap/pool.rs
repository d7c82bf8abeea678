//! The program's pool of cells, from which small processes take single ones: a process of a few hundred bytes need not own
//! a region of its own.
//!
//! 1. A cell in the pool is in exactly one list: that of a worker's cache or that of its chunk. Lists are linked by `next`.
//! 2. Taking and giving touch only the cache of the calling thread; the lock is taken once for [`BATCH`] cells.
//! 3. What the pool got from the system it gives back in whole chunks, when `reclaim` says so. The header of a region leads to
//!    its chunk: `next` of its first cell.

use super::reclaim::{self, Left, Spare};
use super::region::{CELLS, CellMeta, FREE, HEADER_CELLS, Region, region_of};
use crate::limits::{CHUNK_RESERVE, PURGE_STEP};
use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cells that move between a worker's cache and the chunks at once.
const BATCH: usize = 32;

/// Regions that the pool asks the system for at once, after the first ones.
const CHUNK: usize = 16;

/// Chunks of one region before larger ones: a program with few processes stays small.
const SINGLE_CHUNKS: usize = 4;

/// A list of free cells.
struct List {
    first: *mut CellMeta,
    len: usize,
}

impl List {
    const EMPTY: Self = Self { first: null_mut(), len: 0 };

    fn push(&mut self, meta: *mut CellMeta) {
        // SAFETY: a free cell is in one list only, and this one is not in any yet.
        unsafe { (*meta).next = self.first };
        self.first = meta;
        self.len += 1;
    }

    fn pop(&mut self) -> Option<*mut CellMeta> {
        if self.first.is_null() {
            return None;
        }
        let meta = self.first;
        // SAFETY: free cells are linked.
        self.first = unsafe { (*meta).next };
        self.len -= 1;
        Some(meta)
    }
}

/// Regions that came from the system together.
struct Chunk {
    start: *mut Region,
    regions: usize,
    /// Its cells in the pool.
    free: List,
    /// Neighbours in the list of chunks with some free cells, or the next one with free cells only.
    next: *mut Self,
    before: *mut Self,
}

impl Chunk {
    const fn cells(&self) -> usize {
        self.regions * (CELLS - HEADER_CELLS)
    }
}

struct Pool {
    /// Chunks with free cells and others.
    open: *mut Chunk,
    /// Chunks with free cells only.
    whole: *mut Chunk,
    spare: Spare,
    chunks: usize,
    /// Cells in all chunks, and those of them that are free.
    cells: usize,
    free: usize,
}

// SAFETY: the lists hold cells that nobody else uses; the pool is reached only under its lock.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    open: null_mut(),
    whole: null_mut(),
    spare: Spare::NONE,
    chunks: 0,
    cells: 0,
    free: 0,
});

fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cells that a worker has at hand. Given back when the thread ends.
struct Cache(Cell<List>);

impl Cache {
    fn with<R>(&self, f: impl FnOnce(&mut List) -> R) -> R {
        let mut list = self.0.replace(List::EMPTY);
        let r = f(&mut list);
        self.0.set(list);
        r
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let mut list = self.0.replace(List::EMPTY);
        let mut pool = lock();
        while let Some(meta) = list.pop() {
            pool.give(meta);
        }
    }
}

thread_local! {
    static CACHE: Cache = const { Cache(Cell::new(List::EMPTY)) };
}

/// A cell for the calling process, or `None` if the system has no memory.
pub(super) fn take() -> Option<*mut CellMeta> {
    let cached = CACHE.try_with(|cache| {
        cache.with(|list| {
            if list.first.is_null() {
                lock().fill(list);
            }
            list.pop()
        })
    });
    // A thread that ends has no cache any more.
    cached.unwrap_or_else(|_| {
        let mut list = List::EMPTY;
        let mut pool = lock();
        pool.fill(&mut list);
        let meta = list.pop();
        while let Some(other) = list.pop() {
            pool.give(other);
        }
        meta
    })
}

/// Takes a cell back.
///
/// # Safety
/// The cell came from [`take`] and nothing points into it any more.
pub(super) unsafe fn give(meta: *mut CellMeta) {
    // SAFETY: by contract.
    unsafe { (*meta).class = FREE };
    let cached = CACHE.try_with(|cache| {
        cache.with(|list| {
            list.push(meta);
            if list.len > 2 * BATCH {
                let mut pool = lock();
                for _ in 0..BATCH {
                    if let Some(meta) = list.pop() {
                        pool.give(meta);
                    }
                }
            }
        })
    });
    if cached.is_err() {
        lock().give(meta);
    }
}

/// Cells of the pool that are in use, or at hand on other threads.
#[must_use]
pub fn in_use() -> usize {
    let cached = CACHE.try_with(|cache| cache.with(|list| list.len)).unwrap_or(0);
    let pool = lock();
    pool.cells - pool.free - cached
}

impl Pool {
    /// Moves some cells to a worker's list, which stays empty only if there is no memory.
    fn fill(&mut self, list: &mut List) {
        for _ in 0..BATCH {
            if self.open.is_null() {
                // What is there already is enough.
                if !list.first.is_null() || !self.grow() {
                    return;
                }
            }
            let chunk = self.open;
            // SAFETY: chunks of the list live and have free cells.
            unsafe {
                if let Some(meta) = (*chunk).free.pop() {
                    list.push(meta);
                    self.free -= 1;
                }
                if (*chunk).free.len == 0 {
                    self.close(chunk);
                }
            }
        }
    }

    /// Takes a cell back.
    fn give(&mut self, meta: *mut CellMeta) {
        // SAFETY: a cell that came from the pool, so its region belongs to a chunk.
        unsafe {
            let chunk = (*region_of(meta)).metas[0].next.cast::<Chunk>();
            if (*chunk).free.len == 0 {
                self.open(chunk);
            }
            (*chunk).free.push(meta);
            self.free += 1;
            if (*chunk).free.len < (*chunk).cells() {
                return;
            }
            self.close(chunk);
            if self.spare.now >= CHUNK_RESERVE && !reclaim::keeps_excess() {
                self.cells -= (*chunk).cells();
                self.free -= (*chunk).cells();
                self.chunks -= 1;
                unmap(chunk);
                return;
            }
            (*chunk).next = self.whole;
            self.whole = chunk;
            self.spare.add();
        }
    }

    /// Enters a chunk in the list of those with some free cells.
    unsafe fn open(&mut self, chunk: *mut Chunk) {
        // SAFETY: the caller's chunk is in no list; the first one of the list lives.
        unsafe {
            (*chunk).before = null_mut();
            (*chunk).next = self.open;
            if !self.open.is_null() {
                (*self.open).before = chunk;
            }
        }
        self.open = chunk;
    }

    /// Removes a chunk from the list of those with some free cells.
    unsafe fn close(&mut self, chunk: *mut Chunk) {
        // SAFETY: the caller's chunk is in the list, and so are its neighbours.
        unsafe {
            let (before, next) = ((*chunk).before, (*chunk).next);
            if before.is_null() {
                self.open = next;
            } else {
                (*before).next = next;
            }
            if !next.is_null() {
                (*next).before = before;
            }
        }
    }

    fn pop_whole(&mut self) -> Option<*mut Chunk> {
        let chunk = self.whole;
        if chunk.is_null() {
            return None;
        }
        // SAFETY: the chunks of the list live.
        self.whole = unsafe { (*chunk).next };
        Some(chunk)
    }

    /// Opens a chunk of free cells, a new one if need be. False if there is no memory.
    fn grow(&mut self) -> bool {
        let chunk = match self.pop_whole() {
            Some(chunk) => {
                self.spare.take();
                chunk
            }
            None => {
                let regions = if self.chunks < SINGLE_CHUNKS { 1 } else { CHUNK };
                let Some(chunk) = map(regions) else { return false };
                self.chunks += 1;
                self.cells += regions * (CELLS - HEADER_CELLS);
                self.free += regions * (CELLS - HEADER_CELLS);
                chunk
            }
        };
        // SAFETY: the chunk is ours and in no list.
        unsafe { self.open(chunk) };
        true
    }
}

/// A new chunk, with all its cells free.
fn map(regions: usize) -> Option<*mut Chunk> {
    let layout = Layout::array::<Region>(regions).ok()?;
    // SAFETY: neither layout is empty; all writes are inside the fresh memory.
    unsafe {
        let chunk = alloc(Layout::new::<Chunk>()).cast::<Chunk>();
        if chunk.is_null() {
            return None;
        }
        let start = alloc(layout).cast::<Region>();
        if start.is_null() {
            dealloc(chunk.cast(), Layout::new::<Chunk>());
            return None;
        }
        let mut free = List::EMPTY;
        for region in (0..regions).rev() {
            let metas = &raw mut (*start.add(region)).metas;
            for cell in (HEADER_CELLS..CELLS).rev() {
                let meta = &raw mut (*metas)[cell];
                meta.write(CellMeta::free(null_mut(), true));
                free.push(meta);
            }
            (&raw mut (*metas)[0]).write(CellMeta::free(chunk.cast(), true));
        }
        chunk.write(Chunk { start, regions, free, next: null_mut(), before: null_mut() });
        Some(chunk)
    }
}

/// # Safety
/// All cells of the chunk are in its list, and it is in none.
unsafe fn unmap(chunk: *mut Chunk) {
    // SAFETY: by contract nobody knows of it any more.
    unsafe {
        let layout = Layout::array::<Region>((*chunk).regions).expect("the layout it was allocated with");
        dealloc((*chunk).start.cast(), layout);
        dealloc(chunk.cast(), Layout::new::<Chunk>());
    }
}

/// Gives some chunks back that have been free for a while.
pub(super) fn give_back() -> Left {
    let mut gone = [null_mut(); PURGE_STEP];
    let mut pool = lock();
    let (n, left) = pool.spare.step(CHUNK_RESERVE, PURGE_STEP);
    for place in &mut gone[..n] {
        let chunk = pool.pop_whole().expect("as many as were counted");
        // SAFETY: chunks of the list live.
        let cells = unsafe { (*chunk).cells() };
        pool.cells -= cells;
        pool.free -= cells;
        pool.chunks -= 1;
        *place = chunk;
    }
    drop(pool);
    for &chunk in &gone[..n] {
        // SAFETY: taken off the list.
        unsafe { unmap(chunk) };
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells that come back are handed out again, also on another thread.
    #[test]
    fn cells_go_around() {
        std::thread::spawn(|| {
            let taken: Vec<usize> = (0..500).map(|_| take().expect("memory") as usize).collect();
            let different: std::collections::HashSet<&usize> = taken.iter().collect();
            assert_eq!(different.len(), taken.len());
            for meta in taken {
                // SAFETY: nothing was put into the cells.
                unsafe { give(meta as *mut CellMeta) };
            }
        })
        .join()
        .expect("no panic");
        let meta = take().expect("memory");
        // SAFETY: as above.
        unsafe {
            assert!((*meta).pooled);
            give(meta);
        }
    }
}

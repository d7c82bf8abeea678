//! The program's pool of cells, from which small processes take single ones: a process of a few hundred bytes need not own
//! a region of its own.
//!
//! 1. A cell in the pool is in exactly one list: that of a worker's cache or the common one. Lists are linked by `next`.
//! 2. Taking and giving touch only the cache of the calling thread; the lock is taken once for [`BATCH`] cells.
//! 3. What the pool got from the system it gives back in whole chunks, when most of it has not been used for a while.

use super::region::{CELLS, CellMeta, FREE, HEADER_CELLS, Region, region_of};
use crate::limits::MAX_POOL_RESERVE;
use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cells that move between a worker's cache and the common list at once.
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

struct Pool {
    free: List,
    /// Start and number of regions of every chunk.
    chunks: Vec<(*mut Region, usize)>,
    /// Cells in all chunks.
    cells: usize,
}

// SAFETY: the lists hold cells that nobody else uses; the pool is reached only under its lock.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: List::EMPTY, chunks: Vec::new(), cells: 0 });

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
            pool.free.push(meta);
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
            pool.free.push(other);
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
                        pool.free.push(meta);
                    }
                }
                pool.trim();
            }
        })
    });
    if cached.is_err() {
        lock().free.push(meta);
    }
}

/// Cells of the pool that are in use, or at hand on other threads.
#[must_use]
pub fn in_use() -> usize {
    let cached = CACHE.try_with(|cache| cache.with(|list| list.len)).unwrap_or(0);
    let pool = lock();
    pool.cells - pool.free.len - cached
}

impl Pool {
    /// Moves some cells to a worker's list, which stays empty only if there is no memory.
    fn fill(&mut self, list: &mut List) {
        if self.free.first.is_null() {
            self.grow();
        }
        for _ in 0..BATCH {
            let Some(meta) = self.free.pop() else { break };
            list.push(meta);
        }
    }

    fn grow(&mut self) {
        let regions = if self.chunks.len() < SINGLE_CHUNKS { 1 } else { CHUNK };
        let Ok(layout) = Layout::array::<Region>(regions) else { return };
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(layout) }.cast::<Region>();
        if start.is_null() {
            return;
        }
        self.chunks.push((start, regions));
        self.cells += regions * (CELLS - HEADER_CELLS);
        for region in (0..regions).rev() {
            for cell in (HEADER_CELLS..CELLS).rev() {
                // SAFETY: inside the fresh chunk.
                unsafe {
                    let meta = &raw mut (*start.add(region)).metas[cell];
                    meta.write(CellMeta::free(null_mut(), true));
                    self.free.push(meta);
                }
            }
        }
    }

    /// Gives chunks without any used cell back to the system when most cells are free.
    fn trim(&mut self) {
        if self.free.len < MAX_POOL_RESERVE || self.free.len < self.cells / 4 * 3 {
            return;
        }
        // The header of a region counts its cells in the list.
        for &(start, regions) in &self.chunks {
            for region in 0..regions {
                // SAFETY: chunks are mapped; their headers belong to the pool.
                unsafe { (*start.add(region)).metas[0].mark = 0 };
            }
        }
        let mut meta = self.free.first;
        while !meta.is_null() {
            // SAFETY: free cells are linked.
            unsafe {
                (*region_of(meta)).metas[0].mark += 1;
                meta = (*meta).next;
            }
        }
        let all_free = |&(start, regions): &(*mut Region, usize)| {
            // SAFETY: as above.
            (0..regions).all(|r| unsafe { (*start.add(r)).metas[0].mark == (CELLS - HEADER_CELLS) as u64 })
        };
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.chunks).into_iter().partition(all_free);
        self.chunks = kept;
        for &(start, regions) in &gone {
            for region in 0..regions {
                // SAFETY: as above. Marks the region for the next loop.
                unsafe { (*start.add(region)).metas[0].mark = u64::MAX };
            }
        }
        let mut list = std::mem::replace(&mut self.free, List::EMPTY);
        while let Some(meta) = list.pop() {
            // SAFETY: the cell's region is still mapped.
            if unsafe { (*region_of(meta)).metas[0].mark } != u64::MAX {
                self.free.push(meta);
            }
        }
        for (start, regions) in gone {
            self.cells -= regions * (CELLS - HEADER_CELLS);
            let layout = Layout::array::<Region>(regions).expect("the layout it was allocated with");
            // SAFETY: all cells of the chunk were in the common list, and are in none now.
            unsafe { dealloc(start.cast(), layout) };
        }
    }
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

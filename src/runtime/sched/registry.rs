//! All tasks of a scheduler that have a seat: what keeps a waiting task alive, and what a shutdown goes through.
//!
//! Several parts, each behind a lock of its own, so that spawning workers rarely meet. After [`Registry::close`] returns,
//! every seat ever given is in the list and none is added.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::task::{Handle, TaskId};
use crate::runtime::sync::{Mutex, lock};

/// A power of two.
const PARTS: usize = 8;

/// See the head of the file.
pub(super) struct Registry {
    parts: [Mutex<Part>; PARTS],
    last_id: AtomicU64,
    alive: AtomicU64,
    peak_alive: AtomicU64,
    closed: AtomicBool,
}

struct Part {
    places: Vec<Place>,
    /// The last freed place, which leads to the one before it.
    free: u32,
}

enum Place {
    Used(Handle),
    Free(u32),
}

const NONE: u32 = u32::MAX;

impl Registry {
    pub(super) fn new() -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::new(Part { places: Vec::new(), free: NONE })),
            last_id: AtomicU64::new(0),
            alive: AtomicU64::new(0),
            peak_alive: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Gives a task its id and place. None after `close`.
    pub(super) fn insert(&self, make: impl FnOnce(TaskId, u32) -> Handle) -> Option<Handle> {
        if self.is_closed() {
            return None;
        }
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let mut part = lock(&self.parts[id as usize % PARTS]);
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let place = part.free;
        let handle = if place == NONE {
            let place = u32::try_from(part.places.len()).expect("2^32 tasks do not fit in memory");
            let handle = make(TaskId(id), place);
            part.places.push(Place::Used(handle.clone()));
            handle
        } else {
            let handle = make(TaskId(id), place);
            if let Place::Free(next) =
                std::mem::replace(&mut part.places[place as usize], Place::Used(handle.clone()))
            {
                part.free = next;
            }
            handle
        };
        let alive = self.alive.fetch_add(1, Ordering::Relaxed) + 1;
        if alive > self.peak_alive.load(Ordering::Relaxed) {
            self.peak_alive.fetch_max(alive, Ordering::Relaxed);
        }
        Some(handle)
    }

    /// Forgets a task. True if it was the last one.
    pub(super) fn remove(&self, handle: &Handle) -> bool {
        let place = handle.0.place;
        let forgotten = {
            let mut part = lock(&self.parts[handle.0.id.0 as usize % PARTS]);
            let next = part.free;
            part.free = place;
            std::mem::replace(&mut part.places[place as usize], Place::Free(next))
        };
        drop(forgotten);
        self.alive.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// No more seats.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        for part in &self.parts {
            drop(lock(part));
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Everybody, in order of the ids.
    pub(super) fn tasks(&self) -> Vec<Handle> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(lock(part).places.iter().filter_map(|place| match place {
                Place::Used(handle) => Some(handle.clone()),
                Place::Free(_) => None,
            }));
        }
        all.sort_by_key(Handle::id);
        all
    }

    pub(super) fn spawned(&self) -> u64 {
        self.last_id.load(Ordering::Relaxed)
    }

    pub(super) fn alive(&self) -> u64 {
        self.alive.load(Ordering::Acquire)
    }

    pub(super) fn peak_alive(&self) -> u64 {
        self.peak_alive.load(Ordering::Relaxed)
    }
}

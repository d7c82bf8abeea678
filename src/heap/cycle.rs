//! One collection, in slices: its phases, each of which can stop anywhere.
//!
//! The process does not run between the start and the end of a collection, so there are no barriers and one colour suffices:
//! marked. The order of the end game is that of PUC-Rio Lua 5.3 (`atomic` in `lgc.c`): clear weak values of what is
//! dead; mark what finalizers will see (resurrection); clear weak keys, and weak values of what was resurrected.

use super::alloc::Heap;
use super::gc::Roots;
use super::mark::Marker;
use super::region::is_marked;
use super::sweep::Pass;
use super::thread::Status;
use super::value::{get, put, tag};
use super::{Table, Thread, Upval, Value};
use crate::limits::{COLLECTION_SLICE, FREED_PER_SLOT};

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    ClearMarks,
    Roots,
    Propagate,
    /// As in 5.3 (`remarkupvals` in `lgc.c`), the collection that first finds a coroutine dead keeps what its open upvalues
    /// hold: a cycle through such a variable takes two collections, which programs with finalizers can see.
    FreshUpvals,
    PropagateUpvals,
    /// Weak values go before finalizers see anything.
    WeakValues,
    AllWeakValues,
    /// Unreachable objects with finalizers are sorted out.
    Separate,
    Resurrect,
    PropagateResurrected,
    EphemeronKeys,
    AllWeakKeys,
    /// In tables that only resurrection reached.
    LateValues,
    LateAllWeakValues,
    Threads,
    Externals,
    Sweep,
    ForgetCells,
    ReleaseBatches,
}

/// A collection in progress.
pub(super) struct Cycle {
    phase: Phase,
    marker: Marker,
    pass: Pass,
    /// Place in the list that the phase works through, and inside the table there.
    at: usize,
    slot: usize,
    /// Entries kept of the list that the phase filters.
    kept: usize,
    /// The next coroutine of those with open upvalues.
    thread: *mut Thread,
    /// Unreachable objects with finalizers.
    dead: Vec<Value>,
    /// Lengths of the lists of weak tables before resurrection.
    values_before: usize,
    all_weak_before: usize,
    /// Bytes of the collection itself on the account.
    charged: usize,
}

impl Cycle {
    fn new() -> Self {
        Self {
            phase: Phase::ClearMarks,
            marker: Marker::new(),
            pass: Pass::START,
            at: 0,
            slot: 0,
            kept: 0,
            thread: std::ptr::null_mut(),
            dead: Vec::new(),
            values_before: 0,
            all_weak_before: 0,
            charged: 0,
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.pass = Pass::START;
        (self.at, self.slot, self.kept) = (0, 0, 0);
    }

    /// Clears dead entries of the weak tables from number `at` to `end` in one of the lists.
    fn clear(&mut self, list: fn(&mut Marker) -> &mut Vec<*mut Table>, end: usize, keys: bool) -> bool {
        while self.at < end {
            if self.marker.work <= 0 {
                return false;
            }
            let t = list(&mut self.marker)[self.at];
            // SAFETY: the lists hold marked tables.
            match unsafe { self.marker.clear_entries(t, self.slot, keys) } {
                Some(slot) => self.slot = slot,
                None => {
                    self.at += 1;
                    self.slot = 0;
                }
            }
        }
        true
    }

    /// Works on the current phase; true when it is over and the next one was entered, `None` when the work is used up.
    fn step(&mut self, heap: &mut Heap, roots: &mut dyn Roots) -> Option<bool> {
        let done = |ok: bool| ok.then_some(());
        match self.phase {
            Phase::ClearMarks => {
                done(heap.clear_marks(&mut self.pass, &mut self.marker.work))?;
                self.enter(Phase::Roots);
            }
            Phase::Roots => {
                roots.each(&mut |v| self.marker.mark(v));
                for i in 0..heap.gc.due.len() {
                    self.marker.mark(heap.gc.due[i]);
                }
                self.enter(Phase::Propagate);
            }
            Phase::Propagate => {
                done(self.marker.propagate())?;
                self.enter(Phase::FreshUpvals);
                self.thread = std::mem::replace(&mut heap.gc.with_open, std::ptr::null_mut());
            }
            Phase::FreshUpvals => {
                done(self.mark_fresh_upvals(heap))?;
                self.enter(Phase::PropagateUpvals);
            }
            Phase::PropagateUpvals => {
                done(self.marker.propagate())?;
                self.values_before = self.marker.weak_values.len();
                self.all_weak_before = self.marker.all_weak.len();
                self.enter(Phase::WeakValues);
            }
            Phase::WeakValues => {
                done(self.clear(|m| &mut m.weak_values, self.values_before, false))?;
                self.enter(Phase::AllWeakValues);
            }
            Phase::AllWeakValues => {
                done(self.clear(|m| &mut m.all_weak, self.all_weak_before, false))?;
                self.enter(Phase::Separate);
            }
            Phase::Separate => {
                done(self.separate(heap))?;
                // Last registered first.
                heap.gc.due.extend(self.dead.iter().rev());
                self.enter(Phase::Resurrect);
            }
            Phase::Resurrect => {
                while let Some(&object) = self.dead.get(self.at) {
                    if self.marker.work <= 0 {
                        return None;
                    }
                    self.marker.work -= 1;
                    self.marker.mark(object);
                    self.at += 1;
                }
                self.dead = Vec::new();
                self.enter(Phase::PropagateResurrected);
            }
            Phase::PropagateResurrected => {
                done(self.marker.propagate())?;
                self.marker.give_up_waiting();
                self.enter(Phase::EphemeronKeys);
            }
            Phase::EphemeronKeys => {
                let end = self.marker.ephemerons.len();
                done(self.clear(|m| &mut m.ephemerons, end, true))?;
                self.enter(Phase::AllWeakKeys);
            }
            Phase::AllWeakKeys => {
                let end = self.marker.all_weak.len();
                done(self.clear(|m| &mut m.all_weak, end, true))?;
                self.enter(Phase::LateValues);
                self.at = self.values_before;
            }
            Phase::LateValues => {
                let end = self.marker.weak_values.len();
                done(self.clear(|m| &mut m.weak_values, end, false))?;
                self.enter(Phase::LateAllWeakValues);
                self.at = self.all_weak_before;
            }
            Phase::LateAllWeakValues => {
                let end = self.marker.all_weak.len();
                done(self.clear(|m| &mut m.all_weak, end, false))?;
                self.enter(Phase::Threads);
            }
            Phase::Threads => {
                done(self.tidy_threads(heap))?;
                self.enter(Phase::Externals);
            }
            Phase::Externals => {
                done(self.release_externals(heap))?;
                self.enter(Phase::Sweep);
            }
            Phase::Sweep => {
                done(heap.sweep(&mut self.pass, &mut self.marker.live, &mut self.marker.work))?;
                heap.used = self.marker.live;
                if !heap.choose_batches() {
                    return Some(true);
                }
                self.enter(Phase::ForgetCells);
            }
            Phase::ForgetCells => {
                done(heap.forget_free_cells(&mut self.pass, &mut self.marker.work))?;
                self.enter(Phase::ReleaseBatches);
            }
            Phase::ReleaseBatches => {
                done(heap.release_batches(&mut self.marker.work))?;
                return Some(true);
            }
        }
        Some(false)
    }

    fn mark_fresh_upvals(&mut self, heap: &mut Heap) -> bool {
        while !self.thread.is_null() {
            if self.marker.work <= 0 {
                return false;
            }
            self.marker.work -= 1;
            let thread = self.thread;
            // SAFETY: the list holds coroutines that lived before this collection, so all of it is intact.
            unsafe {
                self.thread = (*thread).next_with_open;
                if is_marked(thread.cast()) && !(*thread).open.is_null() {
                    heap.list_with_open(thread);
                    continue;
                }
                (*thread).next_with_open = thread;
                let mut upval = (*thread).open;
                while !upval.is_null() {
                    self.marker.work -= 1;
                    if Upval::is_fresh(upval) {
                        Upval::set_fresh(upval, false);
                        self.marker.mark(get((*upval).v));
                    }
                    upval = (*upval).next;
                }
            }
        }
        true
    }

    /// Moves unmarked objects with finalizers to `dead`.
    fn separate(&mut self, heap: &mut Heap) -> bool {
        let list = &mut heap.gc.finalizable;
        while let Some(&object) = list.get(self.at) {
            if self.marker.work <= 0 {
                return false;
            }
            self.marker.work -= 1;
            // SAFETY: objects with finalizers are live until they were finalized.
            if unsafe { is_marked(object.payload as *const u8) } {
                list[self.kept] = object;
                self.kept += 1;
            } else {
                self.dead.push(object);
            }
            self.at += 1;
        }
        list.truncate(self.kept);
        true
    }

    /// Unlinks dead upvalues from living coroutines and clears what lies above their stacks.
    fn tidy_threads(&mut self, heap: &mut Heap) -> bool {
        while let Some(&thread) = self.marker.threads.get(self.at) {
            if self.marker.work <= 0 {
                return false;
            }
            self.at += 1;
            // SAFETY: the list holds marked coroutines; dead upvalues are still intact in their cells.
            unsafe {
                let mut link = &raw mut (*thread).open;
                while !(*link).is_null() {
                    self.marker.work -= 1;
                    if is_marked((*link).cast()) {
                        link = &raw mut (**link).next;
                    } else {
                        *link = (**link).next;
                    }
                }
                // Slots in use when the frames below grow again must not show what died now.
                let end = (*thread).limit;
                let mut slot = (*thread).top;
                self.marker.work -= end.offset_from(slot) / 8 + 1;
                while slot < end {
                    put(slot, Value::NIL);
                    slot = slot.add(1);
                }
                if matches!((*thread).status, Status::Suspended | Status::Normal | Status::Blocked) {
                    Thread::shrink(thread, heap);
                }
            }
        }
        true
    }

    /// Releases what dead objects own outside of cells. All objects, dead ones too, are still intact in their cells.
    fn release_externals(&mut self, heap: &mut Heap) -> bool {
        while let Some(&object) = heap.externals.get(self.at) {
            if self.marker.work <= 0 {
                return false;
            }
            self.marker.work -= 1;
            // SAFETY: registered objects are in their cells until the sweep.
            unsafe {
                if is_marked(object.payload as *const u8) {
                    heap.externals[self.kept] = object;
                    self.kept += 1;
                } else {
                    let before = heap.external;
                    let over = object.tag != tag::TABLE || Table::release_some(object.as_table(), heap);
                    if over {
                        heap.release_external(object);
                    }
                    self.marker.work -= 8 + (before.saturating_sub(heap.external) / FREED_PER_SLOT) as isize;
                    if !over {
                        continue;
                    }
                }
            }
            self.at += 1;
        }
        heap.externals.truncate(self.kept);
        true
    }

    /// What the heap must release if it goes before the collection ends: entries of a list that is being filtered.
    pub(super) fn unfiltered(&self) -> Option<(usize, usize)> {
        (self.phase == Phase::Externals).then_some((self.kept, self.at))
    }
}

impl Heap {
    /// A full collection, or the rest of the one in progress. Finalizers become due; the caller runs them.
    pub fn collect(&mut self, roots: &mut dyn Roots) {
        while !self.collect_some(roots, isize::MAX / 16) {}
    }

    /// One slice of a collection; starts one if none is in progress. True: it is over.
    pub fn collect_slice(&mut self, roots: &mut dyn Roots) -> bool {
        self.collect_some(roots, COLLECTION_SLICE)
    }

    fn collect_some(&mut self, roots: &mut dyn Roots, work: isize) -> bool {
        self.abandon_growth();
        let mut cycle = self.gc.cycle.take().unwrap_or_else(|| Box::new(Cycle::new()));
        cycle.marker.work = work;
        let over = loop {
            match cycle.step(self, roots) {
                Some(true) => break true,
                // A phase without work of its own must not add up.
                Some(false) if cycle.marker.work <= 0 => break false,
                Some(false) => {}
                None => break false,
            }
        };
        self.sub_external(cycle.charged);
        if !over {
            // The collection's own memory is on the account, too.
            cycle.charged = cycle.marker.bytes() + cycle.dead.capacity() * size_of::<Value>();
            self.external += cycle.charged;
            self.gc.cycle = Some(cycle);
            return false;
        }
        drop(cycle);
        self.gc.cycles += 1;
        self.gc.stepped = 0;
        self.restart_pacing();
        true
    }
}

//! Growth of a large table, a piece at a time: its process does nothing else meanwhile, but others have their turns.
//!
//! 1. The table stays as it is, and whole, until copies of all its entries lie where they will be; then it takes them over at once.
//!    Slots of the array part beyond its length are nobody's, so they may be filled before.
//! 2. From the beginning to the end nothing looks into the table and nothing changes it: the process does not run. Who must (a host,
//!    a collection) gives the growth up; whoever wanted it begins anew.
//! 3. All that a growth holds is on the account, and belongs to the heap until the table has it.

use super::resize::{Census, NODES_AHEAD};
use super::{Node, Table, TableError, empty_node, hash_int, table_flag};
use crate::heap::alloc::Heap;
use crate::heap::value::{get, put, tag};
use crate::heap::{Value, prefetch};
use crate::limits::{FREED_AT_ONCE, GROWTH_SLICE, LARGE_TABLE, MAX_CLASS_BUFFER, MAX_TABLE_NODES};
use std::ptr::null_mut;

/// What the pieces of each phase cost for each place: what touches memory at random is dearest.
const COUNT_COST: usize = 1;
const CLEAR_COST: usize = 2;
const MOVE_COST: usize = 4;

/// Places whose entries are told apart by a word of bits.
const GROUP: usize = u64::BITS as usize;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Keys are counted, to choose the new sizes.
    Count,
    /// The new nodes are emptied.
    ClearNodes,
    /// The new part of the array is.
    ClearArray,
    /// Entries go to the array, or where they are at home if nobody is there yet.
    Home,
    /// The others go to free nodes.
    Rest,
    /// The table has grown; what it does not need any more goes back.
    Release,
}

/// A growth in progress.
pub(in crate::heap) struct Growth {
    table: *mut Table,
    /// The key that wants room.
    key: Value,
    phase: Phase,
    /// How far the phase is.
    at: usize,
    census: Census,
    /// The highest integer key of each power of two.
    highest: [usize; 32],
    /// Length of the array part to be, and its capacity in the end.
    len: usize,
    cap: usize,
    nodes: *mut Node,
    count: usize,
    last_free: usize,
    int_keys: bool,
    /// A bit for each place that is not yet empty: the old nodes, then the array part beyond its new length.
    left: *mut u64,
    words: usize,
    /// In the end the nodes that the table had.
    old: *mut Node,
    old_count: usize,
    /// Why there will be no room: for whoever wanted it.
    failure: Option<TableError>,
}

impl Growth {
    fn new(table: *mut Table, key: Value) -> Self {
        let mut growth = Self {
            table,
            key,
            phase: Phase::Count,
            at: 0,
            census: Census::default(),
            highest: [0; 32],
            len: 0,
            cap: 0,
            nodes: empty_node(),
            count: 0,
            last_free: 0,
            int_keys: false,
            left: null_mut(),
            words: 0,
            old: null_mut(),
            old_count: 0,
            failure: None,
        };
        growth.count_key(key);
        growth
    }

    fn count_key(&mut self, key: Value) {
        self.census.count(key);
        if key.tag == tag::INT && key.payload.wrapping_sub(1) < 1 << 31 {
            let power = Census::power(key);
            self.highest[power] = self.highest[power].max(key.payload as usize);
        }
    }

    fn enter(&mut self, phase: Phase, at: usize) {
        (self.phase, self.at) = (phase, at);
    }

    /// Works as long as `work` suffices; true when the table has grown and everything else has gone.
    ///
    /// # Safety
    /// The table is live and as it was when the growth began.
    unsafe fn step(&mut self, heap: &mut Heap, work: usize) -> Result<bool, TableError> {
        let t = self.table;
        let mut left = work;
        // SAFETY: by contract; indices are checked against the parts they lead into.
        unsafe {
            while left > 0 {
                match self.phase {
                    Phase::Count => {
                        let nodes = Table::node_count(t);
                        let end = self.end(nodes + (*t).arr_len as usize, &mut left, COUNT_COST);
                        for i in self.at..end.min(nodes) {
                            let node = (*t).nodes.add(i);
                            if (*node).vtag != tag::NIL {
                                self.count_key(Value { payload: (*node).key, tag: (*node).ktag as u8 });
                            }
                        }
                        for i in self.at.max(nodes)..end.max(nodes) {
                            if !get((*t).arr.add(i - nodes)).is_nil() {
                                self.census.count(Value::int((i - nodes) as i64 + 1));
                            }
                        }
                        self.at = end;
                        if end == nodes + (*t).arr_len as usize {
                            self.choose(heap)?;
                            self.enter(Phase::ClearNodes, 0);
                        }
                    }
                    Phase::ClearNodes => {
                        let end = self.end(self.count, &mut left, CLEAR_COST);
                        for i in self.at..end {
                            self.nodes.add(i).write(Node::EMPTY);
                        }
                        self.at = end;
                        if end == self.count {
                            self.enter(Phase::ClearArray, (*t).arr_len as usize);
                        }
                    }
                    Phase::ClearArray => {
                        let end = self.end(self.len.max(self.at), &mut left, CLEAR_COST);
                        for i in self.at..end {
                            put((*t).arr.add(i), Value::NIL);
                        }
                        self.at = end;
                        if end >= self.len {
                            self.enter(Phase::Home, self.words);
                        }
                    }
                    Phase::Home if self.at == 0 => self.enter(Phase::Rest, self.words),
                    Phase::Home => {
                        self.at -= 1;
                        *self.left.add(self.at) = self.home(self.at * GROUP);
                        left = left.saturating_sub(GROUP * MOVE_COST);
                    }
                    Phase::Rest if self.at == 0 => {
                        self.switch(heap)?;
                        self.enter(Phase::Release, 0);
                        return Ok(false);
                    }
                    Phase::Rest => {
                        self.at -= 1;
                        let places = *self.left.add(self.at);
                        self.rest(self.at * GROUP, places);
                        left = left.saturating_sub(1 + places.count_ones() as usize * MOVE_COST);
                    }
                    Phase::Release => return Ok(self.release_some(heap)),
                }
            }
        }
        Ok(false)
    }

    /// Where the phase stops: at `all`, or where the work is used up.
    fn end(&self, all: usize, left: &mut usize, cost: usize) -> usize {
        let places = (all - self.at).min(left.div_ceil(cost));
        *left = left.saturating_sub(places * cost);
        self.at + places
    }

    /// Chooses the new sizes and gets the memory for them.
    unsafe fn choose(&mut self, heap: &mut Heap) -> Result<(), TableError> {
        let t = self.table;
        // SAFETY: by contract of `step`.
        unsafe {
            let old_len = (*t).arr_len as usize;
            let (best, in_array) = self.census.best_array();
            self.cap = (*t).arr_cap as usize;
            self.len = best;
            if best < old_len {
                self.cap = best.max(4);
            } else if best > old_len {
                let known = (0..32).filter(|&power| 1 << power <= best).map(|power| self.highest[power]);
                self.len = known.max().unwrap_or(0).max(old_len);
                if self.len > old_len && best > self.cap {
                    Table::resize_array(t, heap, best)?;
                    self.cap = best;
                }
            }
            let need = self.census.total - in_array;
            if need > MAX_TABLE_NODES {
                return Err(TableError::Overflow);
            }
            if need > 0 {
                let count = need.next_power_of_two();
                self.nodes = heap.alloc_buffer(count * size_of::<Node>())?.cast();
                self.count = count;
                self.last_free = count;
            }
            let places = Table::node_count(t) + old_len.saturating_sub(self.len);
            if places > 0 {
                let words = places.div_ceil(GROUP);
                self.left = heap.alloc_buffer(words * size_of::<u64>())?.cast();
                self.words = words;
            }
        }
        Ok(())
    }

    /// Key, hash and value at a place; `None` beyond the last one and where there is none.
    #[inline(always)]
    unsafe fn entry(&self, place: usize) -> Option<Node> {
        let t = self.table;
        // SAFETY: by contract of `step`; the place is checked.
        unsafe {
            let nodes = Table::node_count(t);
            if place < nodes {
                let node = (*t).nodes.add(place);
                return ((*node).vtag != tag::NIL).then(|| Node { next: 0, ..node.read() });
            }
            let index = self.len + (place - nodes);
            if index >= (*t).arr_len as usize {
                return None;
            }
            let v = get((*t).arr.add(index));
            let key = index as u64 + 1;
            let (ktag, khash) = (u32::from(tag::INT), hash_int(key as i64));
            (!v.is_nil()).then_some(Node { payload: v.payload, vtag: v.tag, next: 0, key, ktag, khash })
        }
    }

    #[inline(always)]
    unsafe fn main_position(&self, hash: u32) -> *mut Node {
        // SAFETY: there are nodes where an entry needs one, and the masked index is inside.
        unsafe { self.nodes.add(hash as usize & (self.count - 1)) }
    }

    /// Copies the entries of the group that begins at `first` to the array or to where they are at home, and tells which are left.
    unsafe fn home(&mut self, first: usize) -> u64 {
        let mut left = 0;
        // SAFETY: by contract of `step`.
        unsafe {
            let nodes = Table::node_count(self.table);
            for bit in (0..GROUP).rev() {
                let place = first + bit;
                if place >= NODES_AHEAD && place - NODES_AHEAD < nodes && self.count > 0 {
                    let ahead = (*self.table).nodes.add(place - NODES_AHEAD);
                    prefetch(self.main_position((*ahead).khash));
                }
                let Some(entry) = self.entry(place) else { continue };
                if entry.ktag == u32::from(tag::INT) {
                    let index = entry.key.wrapping_sub(1);
                    if index < self.len as u64 {
                        put(
                            (*self.table).arr.add(index as usize),
                            Value { payload: entry.payload, tag: entry.vtag },
                        );
                        continue;
                    }
                    self.int_keys = true;
                }
                let main = self.main_position(entry.khash);
                if (*main).vtag == tag::NIL {
                    main.write(entry);
                } else {
                    left |= 1 << bit;
                }
            }
        }
        left
    }

    /// Copies the entries at these places of the group that begins at `first` to free nodes.
    unsafe fn rest(&mut self, first: usize, places: u64) {
        let mut places = places;
        while places != 0 {
            let place = first + places.trailing_zeros() as usize;
            places &= places - 1;
            // SAFETY: by contract of `step`; there are more nodes than entries, so one is free below `last_free`.
            unsafe {
                let entry = self.entry(place).expect("it was there before");
                let main = self.main_position(entry.khash);
                let free = loop {
                    self.last_free -= 1;
                    let node = self.nodes.add(self.last_free);
                    if (*node).vtag == tag::NIL {
                        break node;
                    }
                };
                free.write(entry);
                Table::link(main, free);
            }
        }
    }

    /// The table takes over what was prepared.
    unsafe fn switch(&mut self, heap: &mut Heap) -> Result<(), TableError> {
        let t = self.table;
        // SAFETY: by contract of `step`: all entries are in their new places.
        unsafe {
            let index = self.key.payload.wrapping_sub(1);
            let cap = (*t).arr_cap as usize;
            if self.key.tag == tag::INT && index == self.len as u64 && self.len == cap {
                // It will be appended, and then the array must not ask again whether it is worth growing.
                Table::resize_array(t, heap, (cap * 2).max(4))?;
                self.cap = (*t).arr_cap as usize;
            }
            (self.old, self.old_count) = ((*t).nodes, Table::node_count(t));
            (*t).nodes = std::mem::replace(&mut self.nodes, empty_node());
            (*t).mask = self.count.saturating_sub(1) as u32;
            (*t).last_free = self.last_free as u32;
            self.count = 0;
            (*t).arr_len = self.len as u32;
            (*t).index_node = null_mut();
            (*t).flags &= !table_flag::INT_KEYS;
            if self.int_keys {
                (*t).flags |= table_flag::INT_KEYS;
            }
            Table::note_external(t, heap);
        }
        Ok(())
    }

    /// Gives back a piece of what the table had, which so is never much at once. True: that was all.
    unsafe fn release_some(&mut self, heap: &mut Heap) -> bool {
        let t = self.table;
        // SAFETY: the table has grown and does not use its old nodes any more, nor slots beyond its new capacity.
        unsafe {
            let cap = (*t).arr_cap as usize;
            if self.cap < cap {
                let piece = FREED_AT_ONCE / size_of::<Value>();
                // Without memory for a smaller array the large one stays.
                if Table::resize_array(t, heap, self.cap.max(cap.saturating_sub(piece))).is_ok() {
                    return false;
                }
            }
            self.cap = (*t).arr_cap as usize;
            let bytes = self.old_count * size_of::<Node>();
            if bytes > FREED_AT_ONCE
                && let Ok(old) = heap.resize_buffer(self.old.cast(), bytes, bytes - FREED_AT_ONCE)
            {
                self.old = old.cast();
                self.old_count -= FREED_AT_ONCE / size_of::<Node>();
                return false;
            }
            self.release(heap);
            true
        }
    }

    /// Gives back everything that the growth holds.
    unsafe fn release(&mut self, heap: &mut Heap) {
        let parts = [
            (self.nodes.cast::<u8>(), std::mem::take(&mut self.count) * size_of::<Node>()),
            (self.left.cast(), std::mem::take(&mut self.words) * size_of::<u64>()),
            (self.old.cast(), std::mem::take(&mut self.old_count) * size_of::<Node>()),
        ];
        for (part, bytes) in parts {
            if bytes > 0 {
                // SAFETY: they came from `alloc_buffer` with these sizes, and belong to the growth alone.
                unsafe { heap.free_buffer(part, bytes) };
            }
        }
    }

    /// [`Growth::release`] when the heap goes with its cells.
    pub(in crate::heap) unsafe fn release_with_heap(&mut self, heap: &mut Heap) {
        let in_cells = |items: &mut usize, size: usize| {
            if *items * size <= MAX_CLASS_BUFFER {
                *items = 0;
            }
        };
        in_cells(&mut self.count, size_of::<Node>());
        in_cells(&mut self.words, size_of::<u64>());
        in_cells(&mut self.old_count, size_of::<Node>());
        // SAFETY: by contract.
        unsafe { self.release(heap) };
    }
}

impl Table {
    /// [`Table::set`], with room made at once where there is none.
    ///
    /// # Safety
    /// As `set`.
    ///
    /// # Errors
    /// As `set`, but for [`TableError::Large`].
    pub unsafe fn set_at_once(t: *mut Self, heap: &mut Heap, key: Value, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract.
        unsafe {
            match Self::set(t, heap, key, v) {
                Err(TableError::Large) => Self::grow_and_insert(t, heap, key, v),
                r => r,
            }
        }
    }

    /// Whether making room takes long enough that others should have their turns meanwhile.
    pub(super) unsafe fn is_large(t: *const Self) -> bool {
        // SAFETY: by contract of the callers: a live table.
        unsafe { (*t).arr_len as usize + Self::node_count(t) >= LARGE_TABLE }
    }
}

impl Heap {
    /// Begins to make room for `key` in a table that has refused it with [`TableError::Large`]. [`Heap::grow`] goes on with it;
    /// then the key is to be stored once more.
    ///
    /// # Safety
    /// The table is live, and stays so, untouched, until the growth is over or given up.
    pub unsafe fn begin_growth(&mut self, t: *mut Table, key: Value) {
        self.abandon_growth();
        self.growth = Some(Box::new(Growth::new(t, super::normalised(key))));
    }

    /// True between begin and end of a growth.
    #[inline]
    #[must_use]
    pub fn is_growing(&self) -> bool {
        self.growth.as_ref().is_some_and(|growth| growth.failure.is_none())
    }

    /// A piece of the growth in progress; true if it is over, or has failed: see [`Heap::failed_growth`].
    pub fn grow(&mut self) -> bool {
        let Some(mut growth) = self.growth.take() else { return true };
        // SAFETY: by contract of `begin_growth`.
        match unsafe { growth.step(self, GROWTH_SLICE) } {
            Ok(true) => return true,
            Ok(false) => {}
            Err(e) => {
                // SAFETY: nobody else knows of its parts.
                unsafe { growth.release(self) };
                growth.failure = Some(e);
            }
        }
        let failed = growth.failure.is_some();
        self.growth = Some(growth);
        failed
    }

    /// Why the last growth has failed, if it was one of this table; told once.
    pub fn failed_growth(&mut self, t: *const Table) -> Option<TableError> {
        self.growth.take().filter(|growth| std::ptr::eq(growth.table, t)).and_then(|growth| growth.failure)
    }

    /// Gives the growth in progress up, if there is one: the table is as large as it was, or as it was to be.
    pub fn abandon_growth(&mut self) {
        if let Some(mut growth) = self.growth.take_if(|growth| growth.failure.is_none()) {
            // SAFETY: nobody else knows of its parts.
            unsafe { growth.release(self) };
        }
    }
}

#[cfg(test)]
#[path = "growth_tests.rs"]
mod tests;

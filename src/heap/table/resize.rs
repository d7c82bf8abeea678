//! Growth: where a new key goes, when the parts are sized anew, and how.
//!
//! The sizes follow PUC-Rio Lua's `ltable.c`: the array part is the largest power of two of which more than half is in use.

use super::{
    Node, SHARED_NODE, SPARSE_CHECK, Table, TableError, empty_node, hash_key, normalised, table_flag,
};
use crate::heap::alloc::{Heap, OutOfMemory};
use crate::heap::value::{get, put, tag};
use crate::heap::{Value, prefetch};
use crate::limits::MAX_TABLE_NODES;
use std::ptr::null_mut;

/// Integer keys by power of two, to choose the array size.
#[derive(Default)]
pub(super) struct Census {
    /// `by_power[p]`: keys in `2^(p-1)+1 ..= 2^p`.
    by_power: [usize; 32],
    ints: usize,
    pub(super) total: usize,
}

impl Census {
    pub(super) fn count(&mut self, key: Value) {
        self.total += 1;
        if key.tag == tag::INT && key.payload.wrapping_sub(1) < 1 << 31 {
            self.ints += 1;
            self.by_power[Self::power(key)] += 1;
        }
    }

    /// The power of two that counts an integer key above 0.
    #[inline(always)]
    pub(super) fn power(key: Value) -> usize {
        (64 - (key.payload - 1).leading_zeros()) as usize
    }

    /// The array size and the number of keys that go there.
    pub(super) fn best_array(&self) -> (usize, usize) {
        let (mut best, mut in_array, mut seen) = (0, 0, 0);
        for (p, count) in self.by_power.iter().enumerate() {
            let power = 1usize << p;
            if self.ints <= power / 2 {
                break;
            }
            seen += count;
            if seen > power / 2 {
                best = power;
                in_array = seen;
            }
        }
        (best, in_array)
    }
}

/// Entries of a table from which on its growth is paid for.
const COSTLY: usize = 1_024;

/// Nodes between the one that moves and the one whose new place is asked for.
pub(super) const NODES_AHEAD: usize = 16;

/// Slots of a full array part that are looked at to find out whether it is in use.
const SAMPLE: usize = 2_048;

impl Table {
    /// Appends to the array part, then moves the keys that follow it out of the hash part.
    pub(super) unsafe fn push(t: *mut Self, heap: &mut Heap, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract of the caller; the slot is below the capacity.
        unsafe {
            if (*t).arr_len == (*t).arr_cap {
                let cap = (*t).arr_cap as usize;
                if cap >= SPARSE_CHECK && Self::is_sparse(t) {
                    // A queue: its front is gone. Let the sizes be chosen anew.
                    return Self::rehash(t, heap, Value::int(i64::from((*t).arr_len) + 1), v);
                }
                Self::resize_array(t, heap, (cap * 2).max(4))?;
            }
            put((*t).arr.add((*t).arr_len as usize), v);
            (*t).arr_len += 1;
            if (*t).flags & table_flag::INT_KEYS != 0 {
                Self::migrate(t, heap)?;
            }
            Ok(())
        }
    }

    /// True if less than half of a full array part is in use, as far as a sample of it tells.
    unsafe fn is_sparse(t: *const Self) -> bool {
        // SAFETY: slots below `arr_len` are initialised.
        unsafe {
            let n = (*t).arr_len as usize;
            // Odd, so that regular gaps do not fall together with the sample.
            let places = (0..n).step_by((n / SAMPLE) | 1);
            let looked_at = places.len();
            let used = places.filter(|&i| !get((*t).arr.add(i)).is_nil()).count();
            used < looked_at / 2
        }
    }

    unsafe fn migrate(t: *mut Self, heap: &mut Heap) -> Result<(), TableError> {
        // SAFETY: by contract of the caller.
        unsafe {
            loop {
                let Some(node) = Self::find_int_node(t, i64::from((*t).arr_len) + 1) else { return Ok(()) };
                let v = Node::slot(node).get();
                if v.is_nil() {
                    // The node would shadow the array slot once that exists.
                    (*node).ktag = u32::from(tag::DEAD);
                    return Ok(());
                }
                if (*t).arr_len == (*t).arr_cap {
                    let cap = ((*t).arr_cap as usize * 2).max(4);
                    Self::resize_array(t, heap, cap)?;
                }
                put((*t).arr.add((*t).arr_len as usize), v);
                (*t).arr_len += 1;
                Node::slot(node).put(Value::NIL);
                (*node).ktag = u32::from(tag::DEAD);
            }
        }
    }

    /// Changes the capacity of the array part; never below its length.
    pub(super) unsafe fn resize_array(t: *mut Self, heap: &mut Heap, cap: usize) -> Result<(), TableError> {
        // SAFETY: by contract of the callers: `cap >= arr_len`.
        unsafe {
            if cap > u32::MAX as usize / 2 {
                return Err(TableError::Memory);
            }
            let old = (*t).arr;
            let old_cap = (*t).arr_cap as usize;
            let large = crate::limits::MAX_CLASS_BUFFER;
            if old_cap * size_of::<Value>() > large && cap * size_of::<Value>() > large {
                let (from, to) = (old_cap * size_of::<Value>(), cap * size_of::<Value>());
                (*t).arr = heap.resize_buffer(old.cast(), from, to)?.cast();
                (*t).arr_cap = cap as u32;
                return Ok(());
            }
            let new = heap.alloc_buffer(cap * size_of::<Value>())?.cast::<Value>();
            for i in 0..(*t).arr_len as usize {
                put(new.add(i), get(old.add(i)));
            }
            (*t).arr = new;
            (*t).arr_cap = cap as u32;
            if old_cap > 0 {
                heap.free_buffer(old.cast(), old_cap * size_of::<Value>());
            }
            Self::note_external(t, heap);
            Ok(())
        }
    }

    /// Registers the table once it owns memory outside of cells.
    pub(super) unsafe fn note_external(t: *mut Self, heap: &mut Heap) {
        // SAFETY: by contract of the callers.
        unsafe {
            let large = crate::limits::MAX_CLASS_BUFFER;
            if (*t).flags & table_flag::EXTERNAL == 0
                && ((*t).arr_cap as usize * size_of::<Value>() > large
                    || Self::node_count(t) * size_of::<Node>() > large)
            {
                (*t).flags |= table_flag::EXTERNAL;
                heap.register_external(Value::table(t));
            }
        }
    }

    /// Inserts a normalised key into the hash part.
    pub(super) unsafe fn new_key(
        t: *mut Self,
        heap: &mut Heap,
        key: Value,
        v: Value,
    ) -> Result<(), TableError> {
        // SAFETY: by contract of the callers.
        unsafe {
            let hash = hash_key(key);
            if Self::has_no_nodes(t) {
                return Self::rehash(t, heap, key, v);
            }
            let mut main = Self::main_position(t, hash);
            // A node without value may be taken over, even if another chain runs through it.
            if (*main).vtag != tag::NIL {
                let Some(free) = Self::free_node(t) else {
                    return Self::rehash(t, heap, key, v);
                };
                let mut other = Self::main_position(t, (*main).khash);
                if other == main {
                    // Put the new key into the free node, behind the main one.
                    Self::link(main, free);
                    main = free;
                } else {
                    // The colliding key is not at home: move it to the free node.
                    while Node::follow(other) != main {
                        other = Node::follow(other);
                    }
                    (*other).next = free.byte_offset_from(other) as i32;
                    (*free).payload = (*main).payload;
                    (*free).vtag = (*main).vtag;
                    (*free).key = (*main).key;
                    (*free).ktag = (*main).ktag;
                    (*free).khash = (*main).khash;
                    (*free).next =
                        if (*main).next == 0 { 0 } else { Node::follow(main).byte_offset_from(free) as i32 };
                    (*main).next = 0;
                }
            }
            if (*t).index_node == main {
                (*t).index_node = null_mut();
            }
            (*main).key = key.payload;
            (*main).ktag = u32::from(key.tag);
            (*main).khash = hash;
            (*main).payload = v.payload;
            (*main).vtag = v.tag;
            if key.tag == tag::INT {
                (*t).flags |= table_flag::INT_KEYS;
            }
            Ok(())
        }
    }

    /// Puts a free node into the chain behind another one.
    #[inline(always)]
    pub(super) unsafe fn link(before: *mut Node, free: *mut Node) {
        // SAFETY: by contract of the callers: nodes of one array.
        unsafe {
            (*free).next =
                if (*before).next == 0 { 0 } else { Node::follow(before).byte_offset_from(free) as i32 };
            (*before).next = free.byte_offset_from(before) as i32;
        }
    }

    unsafe fn free_node(t: *mut Self) -> Option<*mut Node> {
        // SAFETY: `last_free` is at most the number of nodes.
        unsafe {
            while (*t).last_free > 0 {
                (*t).last_free -= 1;
                let node = (*t).nodes.add((*t).last_free as usize);
                if (*node).ktag == u32::from(tag::NIL) {
                    return Some(node);
                }
            }
            None
        }
    }

    /// Makes room for one more key, unless that takes long.
    #[cold]
    #[inline(never)]
    unsafe fn rehash(t: *mut Self, heap: &mut Heap, key: Value, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract of the callers.
        unsafe {
            if Self::is_large(t) {
                return Err(TableError::Large);
            }
            Self::grow_and_insert(t, heap, key, v)
        }
    }

    /// Stores at once what a table has refused with [`TableError::Large`].
    ///
    /// Chooses new sizes for both parts as PUC-Rio Lua does: the array part is the largest `n` (a power of two) such that more than
    /// half of `1..n` is in use.
    ///
    /// # Safety
    /// As `set`, and the table does not have the key.
    ///
    /// # Errors
    /// [`TableError::Memory`] and [`TableError::Overflow`].
    pub unsafe fn grow_and_insert(
        t: *mut Self,
        heap: &mut Heap,
        key: Value,
        v: Value,
    ) -> Result<(), TableError> {
        let key = normalised(key);
        // SAFETY: by contract.
        unsafe {
            let mut census = Census::default();
            census.count(key);
            for i in 0..Self::node_count(t) {
                let node = (*t).nodes.add(i);
                if (*node).vtag != tag::NIL {
                    census.count(Value { payload: (*node).key, tag: (*node).ktag as u8 });
                }
            }
            let old_len = (*t).arr_len as usize;
            for i in 0..old_len {
                if !get((*t).arr.add(i)).is_nil() {
                    census.count(Value::int(i as i64 + 1));
                }
            }
            if census.total >= COSTLY {
                heap.owed = heap.owed.saturating_add(census.total as u32);
            }
            let (best, in_array) = census.best_array();
            let need = census.total - in_array;
            if best < old_len {
                // Mostly empty: the tail moves into the hash part.
                (*t).arr_len = best as u32;
                if let Err(e) = Self::resize_nodes(t, heap, need) {
                    (*t).arr_len = old_len as u32;
                    return Err(e);
                }
                for i in best..old_len {
                    let value = get((*t).arr.add(i));
                    if !value.is_nil() {
                        Self::new_key(t, heap, Value::int(i as i64 + 1), value)?;
                    }
                }
                // Without memory for a smaller array the large one stays.
                let _ = Self::resize_array(t, heap, best.max(4));
            } else if best > old_len {
                // Keys of the hash part, and perhaps the new one, that the longer array takes in.
                let mut highest = old_len;
                let mut see = |k: Value| {
                    if k.tag == tag::INT && k.payload.wrapping_sub(1) < best as u64 {
                        highest = highest.max(k.payload as usize);
                    }
                };
                see(key);
                for i in 0..Self::node_count(t) {
                    let node = (*t).nodes.add(i);
                    if (*node).vtag != tag::NIL {
                        see(Value { payload: (*node).key, tag: (*node).ktag as u8 });
                    }
                }
                if highest > old_len {
                    if best > (*t).arr_cap as usize {
                        Self::resize_array(t, heap, best)?;
                    }
                    for i in old_len..highest {
                        put((*t).arr.add(i), Value::NIL);
                    }
                    // From here on these keys are looked for in the array; `resize_nodes` moves them there.
                    (*t).arr_len = highest as u32;
                }
                Self::resize_nodes(t, heap, need)?;
            } else {
                Self::resize_nodes(t, heap, need)?;
            }
            let index = key.payload.wrapping_sub(1);
            if key.tag == tag::INT && index < u64::from((*t).arr_len) {
                put((*t).arr.add(index as usize), v);
                return Ok(());
            }
            if key.tag == tag::INT && index == u64::from((*t).arr_len) && index < u64::from((*t).arr_cap) {
                return Self::push(t, heap, v);
            }
            if Self::has_no_nodes(t) {
                Self::resize_nodes(t, heap, 1)?;
            }
            Self::new_key(t, heap, key, v)
        }
    }

    /// Gives the hash part room for `need` keys and re-inserts its entries.
    unsafe fn resize_nodes(t: *mut Self, heap: &mut Heap, need: usize) -> Result<(), TableError> {
        // SAFETY: by contract of the callers.
        unsafe {
            let old = (*t).nodes;
            let old_count = Self::node_count(t);
            if need == 0 {
                (*t).nodes = empty_node();
                (*t).mask = 0;
                (*t).last_free = 0;
            } else {
                let count = need.next_power_of_two();
                if count > MAX_TABLE_NODES {
                    return Err(TableError::Overflow);
                }
                let new = match heap.alloc_buffer(count * size_of::<Node>()) {
                    Ok(new) => new.cast::<Node>(),
                    Err(e) => {
                        // Integer keys may just have become array keys: put their values there, so that nothing is lost.
                        Self::spill_ints(t, old, old_count);
                        return Err(e.into());
                    }
                };
                for i in 0..count {
                    new.add(i).write(Node::EMPTY);
                }
                (*t).nodes = new;
                (*t).mask = (count - 1) as u32;
                (*t).last_free = count as u32;
            }
            (*t).index_node = null_mut();
            (*t).flags &= !table_flag::INT_KEYS;
            Self::move_nodes(t, old, old_count);
            if old_count > 0 {
                heap.free_buffer(old.cast(), old_count * size_of::<Node>());
            }
            Self::note_external(t, heap);
            Ok(())
        }
    }

    /// Puts what old nodes hold into the array part, as far as it belongs there, and into the new nodes, of which there are
    /// enough and which are empty.
    ///
    /// First those whose place is free, then those whose place is taken, by a key that is at home: so nobody has to make room, and
    /// few nodes are touched, in a large table each a miss of all caches. Their places are asked for ahead.
    unsafe fn move_nodes(t: *mut Self, old: *mut Node, old_count: usize) {
        // SAFETY: by contract of the caller.
        unsafe {
            let mut left = 0;
            for i in (0..old_count).rev() {
                let node = old.add(i);
                if i >= NODES_AHEAD {
                    prefetch(Self::main_position(t, (*old.add(i - NODES_AHEAD)).khash));
                }
                if (*node).vtag == tag::NIL {
                    continue;
                }
                if (*node).ktag == u32::from(tag::INT) {
                    let index = (*node).key.wrapping_sub(1);
                    if index < u64::from((*t).arr_len) {
                        put((*t).arr.add(index as usize), Node::slot(node).get());
                        (*node).vtag = tag::NIL;
                        continue;
                    }
                    (*t).flags |= table_flag::INT_KEYS;
                }
                let main = Self::main_position(t, (*node).khash);
                if (*main).vtag == tag::NIL {
                    debug_assert!(!Self::has_no_nodes(t));
                    Self::fill(main, node);
                    (*node).vtag = tag::NIL;
                } else {
                    left += 1;
                }
            }
            let mut i = old_count;
            while left > 0 {
                i -= 1;
                let node = old.add(i);
                if i >= NODES_AHEAD {
                    prefetch(Self::main_position(t, (*old.add(i - NODES_AHEAD)).khash));
                }
                if (*node).vtag == tag::NIL {
                    continue;
                }
                left -= 1;
                let free = Self::free_node(t).expect("there are as many nodes as keys");
                Self::link(Self::main_position(t, (*node).khash), free);
                Self::fill(free, node);
            }
        }
    }

    /// Copies key and value.
    #[inline(always)]
    unsafe fn fill(to: *mut Node, from: *const Node) {
        // SAFETY: by contract of the callers: both are live.
        unsafe {
            (*to).payload = (*from).payload;
            (*to).vtag = (*from).vtag;
            (*to).key = (*from).key;
            (*to).ktag = (*from).ktag;
            (*to).khash = (*from).khash;
        }
    }

    /// Gives a table whose nodes belong to an image nodes of its own.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, with [`table_flag::SHARED_NODES`].
    ///
    /// # Errors
    /// [`OutOfMemory`]; nothing has changed then.
    pub unsafe fn own_nodes(t: *mut Self, heap: &mut Heap) -> Result<(), OutOfMemory> {
        // SAFETY: by contract; distances between nodes stay the same.
        unsafe {
            let count = Self::node_count(t);
            if count > 0 {
                let new = heap.alloc_buffer(count * size_of::<Node>())?.cast::<Node>();
                std::ptr::copy_nonoverlapping((*t).nodes, new, count);
                for i in 0..count {
                    (*new.add(i)).ktag &= !SHARED_NODE;
                }
                if !(*t).index_node.is_null() {
                    (*t).index_node = new.add((*t).index_node.offset_from((*t).nodes) as usize);
                }
                (*t).nodes = new;
                (*t).last_free = count as u32;
            }
            (*t).flags &= !table_flag::SHARED_NODES;
            Self::note_external(t, heap);
            Ok(())
        }
    }

    unsafe fn spill_ints(t: *mut Self, nodes: *mut Node, count: usize) {
        // SAFETY: by contract of the caller.
        unsafe {
            for i in 0..count {
                let node = nodes.add(i);
                let index = (*node).key.wrapping_sub(1);
                if (*node).ktag == u32::from(tag::INT)
                    && index < u64::from((*t).arr_len)
                    && (*node).vtag != tag::NIL
                {
                    put((*t).arr.add(index as usize), Node::slot(node).get());
                    (*node).vtag = tag::NIL;
                    (*node).ktag = u32::from(tag::DEAD);
                }
            }
        }
    }

    /// Makes room for `array` array slots and `hash` keys in advance.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    ///
    /// # Errors
    /// As `set`.
    pub unsafe fn reserve(
        t: *mut Self,
        heap: &mut Heap,
        array: usize,
        hash: usize,
    ) -> Result<(), TableError> {
        // SAFETY: by contract.
        unsafe {
            if array > (*t).arr_cap as usize {
                Self::resize_array(t, heap, array)?;
            }
            if hash > Self::node_count(t) {
                Self::resize_nodes(t, heap, hash)?;
            }
            Ok(())
        }
    }

    /// Stores `count` values as keys `first + 1 …`, for table constructors.
    ///
    /// # Safety
    /// `values` are `count` initialised slots outside of the table.
    ///
    /// # Errors
    /// As `set`.
    pub unsafe fn set_list(
        t: *mut Self,
        heap: &mut Heap,
        first: usize,
        values: *const Value,
        count: usize,
    ) -> Result<(), TableError> {
        // SAFETY: by contract.
        unsafe {
            if first == (*t).arr_len as usize {
                let need = first + count;
                if need > (*t).arr_cap as usize {
                    Self::resize_array(t, heap, need)?;
                }
                for i in 0..count {
                    put((*t).arr.add(first + i), get(values.add(i)));
                }
                (*t).arr_len = need as u32;
                if count > 0 && get(values.add(count - 1)).is_nil() {
                    (*t).flags |= table_flag::HOLES;
                }
                if (*t).flags & table_flag::INT_KEYS != 0 {
                    Self::drop_shadowed(t);
                }
                return Ok(());
            }
            for i in 0..count {
                let (key, v) = ((first + i + 1) as i64, get(values.add(i)));
                match Self::set_int(t, heap, key, v) {
                    Err(TableError::Large) => Self::grow_and_insert(t, heap, Value::int(key), v)?,
                    r => r?,
                }
            }
            Ok(())
        }
    }

    /// Kills nodes whose integer key has become part of the array.
    unsafe fn drop_shadowed(t: *mut Self) {
        // SAFETY: by contract of the caller.
        unsafe {
            for i in 0..Self::node_count(t) {
                let node = (*t).nodes.add(i);
                if (*node).ktag == u32::from(tag::INT)
                    && (*node).key.wrapping_sub(1) < u64::from((*t).arr_len)
                {
                    (*node).vtag = tag::NIL;
                    (*node).ktag = u32::from(tag::DEAD);
                }
            }
        }
    }
}

//! Tables: an array part for keys 1..n and a hash part of chained nodes for the rest.
//!
//! 1. `arr[i]` is key `i + 1`; slots below `arr_len` are initialised and may be nil. No integer key lives in both parts.
//! 2. A float key with an integral value is stored as that integer; NaN and nil are refused ([`TableError`]).
//! 3. The hash part is a power of two of 32-byte nodes in chains by main position, as PUC-Rio Lua's `ltable.c` describes it
//!    (Brent's variation: a colliding key that is not in its own main position makes room). A node keeps its
//!    key's hash, so neither probing nor rehashing touches the keys.
//! 4. Setting nil leaves the node in place, so that iteration can continue; the collector turns keys of such nodes to `DEAD`.
//!    Only growing drops them.
//! 5. `absent` has a bit for each event of [`Event`] with number below 32 of which this table, as a metatable, is known to have
//!    no handler. Any store of a key that was not there clears it.
//! 6. `index_node` points to the node of this table that holds `__index`, or is null; a rehash clears it.

use super::alloc::{Heap, OutOfMemory};
use super::value::{Slot, get, put, tag};
use super::{Str, Value};
use crate::limits::MAX_TABLE_NODES;
use std::ptr::null_mut;

/// A hash node. The value half has the layout of a [`Value`], with the chain link in its padding.
#[repr(C)]
pub struct Node {
    pub payload: u64,
    pub vtag: u8,
    /// Distance to the next node of the chain in bytes, 0 at its end.
    pub next: i32,
    pub key: u64,
    pub ktag: u32,
    pub khash: u32,
}

const _: () = assert!(size_of::<Node>() == 32);

impl Node {
    /// The place of the value.
    ///
    /// # Safety
    /// `this` is a live node.
    #[inline(always)]
    #[must_use]
    pub unsafe fn slot(this: *mut Self) -> Slot {
        Slot(this.cast())
    }

    /// The next node of the chain.
    ///
    /// # Safety
    /// `this` is a live node with `next != 0`.
    #[inline(always)]
    #[must_use]
    pub unsafe fn follow(this: *mut Self) -> *mut Self {
        // SAFETY: the distance leads to a node of the same array.
        unsafe { this.byte_offset((*this).next as isize) }
    }

    /// The key.
    ///
    /// # Safety
    /// `this` is a live node whose key is not dead.
    #[must_use]
    pub unsafe fn key(this: *const Self) -> Value {
        // SAFETY: by contract.
        unsafe { Value { payload: (*this).key, tag: (*this).ktag as u8 } }
    }
}

/// Table flags.
pub mod table_flag {
    /// Registered with the heap for memory outside of cells.
    pub const EXTERNAL: u8 = 1;
    /// The hash part may hold integer keys.
    pub const INT_KEYS: u8 = 2;
    /// Has a finalizer that has not run.
    pub const FINALIZER: u8 = 4;
}

/// A table.
#[repr(C)]
pub struct Table {
    pub arr: *mut Value,
    pub arr_len: u32,
    pub arr_cap: u32,
    pub nodes: *mut Node,
    /// Number of nodes minus one.
    pub mask: u32,
    /// Nodes at this index and above are not free.
    pub last_free: u32,
    pub meta: *mut Table,
    pub index_node: *mut Node,
    pub absent: u32,
    pub flags: u8,
}

const _: () = assert!(size_of::<Table>() <= 64);

/// Why a key cannot be stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableError {
    NilKey,
    NanKey,
    /// The hash part would need more than 2^30 nodes.
    Overflow,
    Memory,
}

impl From<OutOfMemory> for TableError {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

#[repr(transparent)]
struct Empty(Node);

// SAFETY: never written: a table whose nodes point here has mask 0 and `last_free` 0, and every store goes through a
// search for the key, which never matches the nil key.
unsafe impl Sync for Empty {}

static EMPTY: Empty =
    Empty(Node { payload: 0, vtag: tag::NIL, next: 0, key: 0, ktag: tag::NIL as u32, khash: 0 });

#[inline(always)]
fn empty_node() -> *mut Node {
    (&raw const EMPTY.0).cast_mut()
}

/// Hash of an integer key.
#[inline(always)]
#[must_use]
pub fn hash_int(i: i64) -> u32 {
    // Multiplication spreads keys that differ only in their high bits.
    ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

/// Hash of any key except nil; strings by content.
#[inline]
fn hash_key(key: Value) -> u32 {
    match key.tag {
        // SAFETY: a string value is a live string.
        tag::STRING => unsafe { Str::hash(key.as_str()) },
        tag::INT => hash_int(key.as_int()),
        tag::FALSE => 1,
        tag::TRUE => 2,
        tag::FLOAT => hash_int(key.payload as i64 ^ 0x5555),
        _ => hash_int((key.payload >> 4) as i64),
    }
}

/// An integer key for a float with an integral value in range.
#[inline]
#[must_use]
pub fn float_to_int_key(f: f64) -> Option<i64> {
    // -2^63 is exact as a float; 2^63 is the first one too large.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
        let i = f as i64;
        if i as f64 == f {
            return Some(i);
        }
    }
    None
}

/// Array capacity from which growth first looks whether the array is worth growing.
const SPARSE_CHECK: usize = 32;

/// Integer keys by power of two, to choose the array size.
#[derive(Default)]
struct Census {
    /// `by_power[p]`: keys in `2^(p-1)+1 ..= 2^p`.
    by_power: [usize; 32],
    ints: usize,
    total: usize,
}

impl Census {
    fn count(&mut self, key: Value) {
        self.total += 1;
        if key.tag == tag::INT && key.payload.wrapping_sub(1) < 1 << 31 {
            self.ints += 1;
            self.by_power[(64 - (key.payload - 1).leading_zeros()) as usize] += 1;
        }
    }

    /// The array size and the number of keys that go there.
    fn best_array(&self) -> (usize, usize) {
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

/// Where a traversal stands.
enum Position {
    /// Next array index to look at.
    Array(usize),
    /// Next node index to look at.
    Node(usize),
}

impl Table {
    /// True if the hash part is the shared empty node.
    ///
    /// # Safety
    /// `t` is live.
    #[inline(always)]
    #[must_use]
    pub unsafe fn has_no_nodes(t: *const Self) -> bool {
        // SAFETY: by contract.
        unsafe { (*t).nodes == empty_node() }
    }

    /// Number of nodes, 0 if there is no hash part.
    ///
    /// # Safety
    /// `t` is live.
    #[must_use]
    pub unsafe fn node_count(t: *const Self) -> usize {
        // SAFETY: by contract.
        unsafe { if Self::has_no_nodes(t) { 0 } else { (*t).mask as usize + 1 } }
    }

    #[inline(always)]
    unsafe fn main_position(t: *const Self, hash: u32) -> *mut Node {
        // SAFETY: the masked index is inside the array.
        unsafe { (*t).nodes.add((hash & (*t).mask) as usize) }
    }

    /// The node of a string key.
    ///
    /// # Safety
    /// Both are live.
    #[inline]
    #[must_use]
    pub unsafe fn find_str(t: *const Self, key: *const Str) -> Option<*mut Node> {
        // SAFETY: chains stay inside the array; string keys are live strings.
        unsafe {
            let hash = Str::hash(key);
            let mut node = Self::main_position(t, hash);
            loop {
                if (*node).khash == hash
                    && (*node).ktag == u32::from(tag::STRING)
                    && ((*node).key == key as u64 || Str::eq((*node).key as *const Str, key))
                {
                    return Some(node);
                }
                if (*node).next == 0 {
                    return None;
                }
                node = Node::follow(node);
            }
        }
    }

    /// The node of an integer key.
    ///
    /// # Safety
    /// `t` is live.
    #[inline]
    #[must_use]
    pub unsafe fn find_int_node(t: *const Self, key: i64) -> Option<*mut Node> {
        // SAFETY: chains stay inside the array.
        unsafe {
            let mut node = Self::main_position(t, hash_int(key));
            loop {
                if (*node).key == key as u64 && (*node).ktag == u32::from(tag::INT) {
                    return Some(node);
                }
                if (*node).next == 0 {
                    return None;
                }
                node = Node::follow(node);
            }
        }
    }

    unsafe fn find_other(t: *const Self, key: Value) -> Option<*mut Node> {
        // SAFETY: chains stay inside the array.
        unsafe {
            let mut node = Self::main_position(t, hash_key(key));
            loop {
                if (*node).key == key.payload && (*node).ktag == u32::from(key.tag) {
                    return Some(node);
                }
                if (*node).next == 0 {
                    return None;
                }
                node = Node::follow(node);
            }
        }
    }

    /// The node of any key that is not in the array part.
    unsafe fn find_node(t: *const Self, key: Value) -> Option<*mut Node> {
        // SAFETY: by contract of the callers.
        unsafe {
            match key.tag {
                tag::STRING => Self::find_str(t, key.as_str()),
                tag::INT => Self::find_int_node(t, key.as_int()),
                tag::NIL => None,
                _ => Self::find_other(t, key),
            }
        }
    }

    /// Value of an integer key.
    ///
    /// # Safety
    /// `t` is live.
    #[inline(always)]
    #[must_use]
    pub unsafe fn get_int(t: *const Self, key: i64) -> Value {
        // SAFETY: the index is checked.
        unsafe {
            let index = (key as u64).wrapping_sub(1);
            if index < u64::from((*t).arr_len) {
                return get((*t).arr.add(index as usize));
            }
            Self::get_int_node(t, key)
        }
    }

    #[inline(never)]
    unsafe fn get_int_node(t: *const Self, key: i64) -> Value {
        // SAFETY: by contract of the caller.
        unsafe {
            if (*t).flags & table_flag::INT_KEYS == 0 {
                return Value::NIL;
            }
            match Self::find_int_node(t, key) {
                Some(node) => Node::slot(node).get(),
                None => Value::NIL,
            }
        }
    }

    /// Value of a string key.
    ///
    /// # Safety
    /// Both are live.
    #[inline]
    #[must_use]
    pub unsafe fn get_str(t: *const Self, key: *const Str) -> Value {
        // SAFETY: by contract.
        unsafe {
            match Self::find_str(t, key) {
                Some(node) => Node::slot(node).get(),
                None => Value::NIL,
            }
        }
    }

    /// Value of any key, nil if there is none. No metamethods.
    ///
    /// # Safety
    /// Both are live.
    #[inline]
    #[must_use]
    pub unsafe fn get(t: *const Self, key: Value) -> Value {
        // SAFETY: by contract.
        unsafe {
            match key.tag {
                tag::STRING => Self::get_str(t, key.as_str()),
                tag::INT => Self::get_int(t, key.as_int()),
                tag::NIL => Value::NIL,
                tag::FLOAT => {
                    if let Some(i) = float_to_int_key(key.as_float()) {
                        return Self::get_int(t, i);
                    }
                    Self::find_other(t, key).map_or(Value::NIL, |node| Node::slot(node).get())
                }
                _ => Self::find_other(t, key).map_or(Value::NIL, |node| Node::slot(node).get()),
            }
        }
    }

    /// The place of an existing key, even if its value is nil.
    ///
    /// # Safety
    /// Both are live.
    #[inline]
    #[must_use]
    pub unsafe fn find(t: *const Self, key: Value) -> Option<Slot> {
        // SAFETY: the index is checked.
        unsafe {
            let mut key = key;
            if key.tag == tag::FLOAT
                && let Some(i) = float_to_int_key(key.as_float())
            {
                key = Value::int(i);
            }
            if key.tag == tag::INT {
                let index = (key.payload).wrapping_sub(1);
                if index < u64::from((*t).arr_len) {
                    return Some(Slot((*t).arr.add(index as usize)));
                }
            }
            Self::find_node(t, key).map(|node| Node::slot(node))
        }
    }

    /// Stores without metamethods.
    ///
    /// # Safety
    /// All are live objects of `heap`'s process.
    ///
    /// # Errors
    /// [`TableError`]; nothing has changed then.
    #[inline]
    pub unsafe fn set(t: *mut Self, heap: &mut Heap, key: Value, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract.
        unsafe {
            if let Some(slot) = Self::find(t, key) {
                (*t).absent = 0;
                slot.put(v);
                return Ok(());
            }
            Self::insert(t, heap, key, v)
        }
    }

    /// [`Table::set`] for an integer key.
    ///
    /// # Safety
    /// As `set`.
    ///
    /// # Errors
    /// As `set`.
    #[inline(always)]
    pub unsafe fn set_int(t: *mut Self, heap: &mut Heap, key: i64, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract; the index is checked.
        unsafe {
            let index = (key as u64).wrapping_sub(1);
            if index < u64::from((*t).arr_len) {
                put((*t).arr.add(index as usize), v);
                return Ok(());
            }
            Self::set_int_slow(t, heap, key, v)
        }
    }

    #[inline(never)]
    unsafe fn set_int_slow(t: *mut Self, heap: &mut Heap, key: i64, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract of the caller.
        unsafe {
            if (*t).flags & table_flag::INT_KEYS != 0
                && let Some(node) = Self::find_int_node(t, key)
            {
                Node::slot(node).put(v);
                return Ok(());
            }
            Self::insert(t, heap, Value::int(key), v)
        }
    }

    /// Adds a key that is not there (or whose value is nil in neither part).
    ///
    /// # Safety
    /// As `set`, and [`Table::find`] does not find the key.
    ///
    /// # Errors
    /// As `set`.
    #[inline(never)]
    pub unsafe fn insert(t: *mut Self, heap: &mut Heap, key: Value, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract.
        unsafe {
            let mut key = key;
            match key.tag {
                tag::NIL => return Err(TableError::NilKey),
                tag::FLOAT => {
                    let f = key.as_float();
                    if f.is_nan() {
                        return Err(TableError::NanKey);
                    }
                    if let Some(i) = float_to_int_key(f) {
                        key = Value::int(i);
                    }
                }
                _ => {}
            }
            if v.is_nil() {
                return Ok(());
            }
            if key.tag == tag::INT && key.payload == u64::from((*t).arr_len) + 1 {
                return Self::push(t, heap, v);
            }
            (*t).absent = 0;
            Self::new_key(t, heap, key, v)
        }
    }

    /// Appends to the array part, then moves the keys that follow it out of the hash part.
    unsafe fn push(t: *mut Self, heap: &mut Heap, v: Value) -> Result<(), TableError> {
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

    /// True if less than half of a full array part is in use.
    unsafe fn is_sparse(t: *const Self) -> bool {
        // SAFETY: slots below `arr_len` are initialised.
        unsafe {
            let n = (*t).arr_len as usize;
            let used = (0..n).filter(|&i| !get((*t).arr.add(i)).is_nil()).count();
            used < n / 2
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
    unsafe fn resize_array(t: *mut Self, heap: &mut Heap, cap: usize) -> Result<(), TableError> {
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
    unsafe fn note_external(t: *mut Self, heap: &mut Heap) {
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
    unsafe fn new_key(t: *mut Self, heap: &mut Heap, key: Value, v: Value) -> Result<(), TableError> {
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
                    (*free).next =
                        if (*main).next == 0 { 0 } else { Node::follow(main).byte_offset_from(free) as i32 };
                    (*main).next = free.byte_offset_from(main) as i32;
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

    /// Makes room for one more key, choosing new sizes for both parts as PUC-Rio Lua does: the array part is the largest
    /// `n` (a power of two) such that more than half of `1..n` is in use.
    #[cold]
    #[inline(never)]
    unsafe fn rehash(t: *mut Self, heap: &mut Heap, key: Value, v: Value) -> Result<(), TableError> {
        // SAFETY: by contract of the callers.
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
                    new.add(i).write(Node {
                        payload: 0,
                        vtag: tag::NIL,
                        next: 0,
                        key: 0,
                        ktag: u32::from(tag::NIL),
                        khash: 0,
                    });
                }
                (*t).nodes = new;
                (*t).mask = (count - 1) as u32;
                (*t).last_free = count as u32;
            }
            (*t).index_node = null_mut();
            (*t).flags &= !table_flag::INT_KEYS;
            for i in (0..old_count).rev() {
                let node = old.add(i);
                if (*node).vtag == tag::NIL {
                    continue;
                }
                let value = Node::slot(node).get();
                let index = (*node).key.wrapping_sub(1);
                if (*node).ktag == u32::from(tag::INT) && index < u64::from((*t).arr_len) {
                    put((*t).arr.add(index as usize), value);
                } else {
                    Self::new_key(t, heap, Node::key(node), value)?;
                }
            }
            if old_count > 0 {
                heap.free_buffer(old.cast(), old_count * size_of::<Node>());
            }
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
                if (*t).flags & table_flag::INT_KEYS != 0 {
                    Self::drop_shadowed(t);
                }
                return Ok(());
            }
            for i in 0..count {
                Self::set_int(t, heap, (first + i + 1) as i64, get(values.add(i)))?;
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

    /// A border: the `#` of a table without metamethod.
    ///
    /// # Safety
    /// `t` is live.
    #[inline]
    #[must_use]
    pub unsafe fn len(t: *mut Self) -> i64 {
        // SAFETY: by contract.
        unsafe {
            let n = (*t).arr_len as usize;
            if n > 0 && get((*t).arr.add(n - 1)).is_nil() {
                return Self::len_in_array(t);
            }
            if (*t).flags & table_flag::INT_KEYS == 0 {
                return n as i64;
            }
            Self::len_in_hash(t)
        }
    }

    unsafe fn len_in_array(t: *mut Self) -> i64 {
        // SAFETY: indices stay below `arr_len`.
        unsafe {
            let n = (*t).arr_len as usize;
            if n >= 2 && !get((*t).arr.add(n - 2)).is_nil() {
                // The last element was removed, as a stack does: shorten the array, so that this stays cheap.
                (*t).arr_len -= 1;
                return n as i64 - 1;
            }
            let (mut low, mut high) = (0, n);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if get((*t).arr.add(middle - 1)).is_nil() {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            low as i64
        }
    }

    unsafe fn len_in_hash(t: *mut Self) -> i64 {
        // SAFETY: by contract of the caller.
        unsafe {
            let mut low = i64::from((*t).arr_len);
            let mut high = low + 1;
            while !Self::get_int(t, high).is_nil() {
                low = high;
                if high > i64::MAX / 2 {
                    // Someone filled keys just to fool the doubling: search linearly.
                    let mut i = 1;
                    while !Self::get_int(t, i).is_nil() {
                        i += 1;
                    }
                    return i - 1;
                }
                high *= 2;
            }
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if Self::get_int(t, middle).is_nil() {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            low
        }
    }

    /// The entry after `key` in a traversal (the first one after nil), or `None` at the end.
    ///
    /// # Safety
    /// Both are live.
    ///
    /// # Errors
    /// If `key` is not a key of the table: "invalid key to 'next'".
    #[allow(clippy::result_unit_err)] // there is one way to fail
    pub unsafe fn next(t: *const Self, key: Value) -> Result<Option<(Value, Value)>, ()> {
        // SAFETY: by contract.
        unsafe {
            let position = Self::position_after(t, key)?;
            Ok(Self::entry_from(t, position))
        }
    }

    /// Traversal by number: the first entry at place `from` or later, with the number of the place after it. Places count
    /// through the array part and then the nodes.
    ///
    /// # Safety
    /// `t` is live.
    #[inline]
    #[must_use]
    pub unsafe fn next_at(t: *const Self, from: usize) -> Option<(usize, Value, Value)> {
        // SAFETY: indices are checked.
        unsafe {
            let len = (*t).arr_len as usize;
            let mut i = from;
            while i < len {
                let v = get((*t).arr.add(i));
                if !v.is_nil() {
                    return Some((i + 1, Value::int(i as i64 + 1), v));
                }
                i += 1;
            }
            let count = Self::node_count(t);
            let mut n = i - len;
            while n < count {
                let node = (*t).nodes.add(n);
                if (*node).vtag != tag::NIL {
                    return Some((len + n + 1, Node::key(node), Node::slot(node).get()));
                }
                n += 1;
            }
            None
        }
    }

    /// Checks that place `at - 1` (as [`Table::next_at`] returned `at`) still holds `key`.
    ///
    /// # Safety
    /// `t` is live.
    #[inline]
    #[must_use]
    pub unsafe fn is_at(t: *const Self, at: usize, key: Value) -> bool {
        // SAFETY: indices are checked.
        unsafe {
            let len = (*t).arr_len as usize;
            if at == 0 {
                return false;
            }
            if at <= len {
                return key.tag == tag::INT && key.payload == at as u64;
            }
            let n = at - 1 - len;
            n < Self::node_count(t) && {
                let node = (*t).nodes.add(n);
                (*node).key == key.payload && (*node).ktag == u32::from(key.tag)
            }
        }
    }

    unsafe fn position_after(t: *const Self, key: Value) -> Result<Position, ()> {
        // SAFETY: by contract of the caller.
        unsafe {
            let mut key = key;
            match key.tag {
                tag::NIL => return Ok(Position::Array(0)),
                tag::FLOAT => {
                    if let Some(i) = float_to_int_key(key.as_float()) {
                        key = Value::int(i);
                    }
                }
                _ => {}
            }
            if key.tag == tag::INT {
                // The array may have been shortened since (`len_in_array`), hence the capacity.
                if key.payload.wrapping_sub(1) < u64::from((*t).arr_cap) {
                    let index = key.payload as usize;
                    if index <= (*t).arr_len as usize {
                        return Ok(Position::Array(index));
                    }
                    if Self::find_int_node(t, key.as_int()).is_none() {
                        return Ok(Position::Node(0));
                    }
                }
            }
            let found = Self::find_node(t, key).or_else(|| Self::find_dead(t, key)).ok_or(())?;
            Ok(Position::Node(found.offset_from((*t).nodes) as usize + 1))
        }
    }

    /// A node whose key died (its value was cleared during the traversal): recognised by its address alone.
    unsafe fn find_dead(t: *const Self, key: Value) -> Option<*mut Node> {
        // SAFETY: chains stay inside the array.
        unsafe {
            let mut node = Self::main_position(t, hash_key(key));
            loop {
                if (*node).ktag == u32::from(tag::DEAD) && (*node).key == key.payload {
                    return Some(node);
                }
                if (*node).next == 0 {
                    return None;
                }
                node = Node::follow(node);
            }
        }
    }

    unsafe fn entry_from(t: *const Self, position: Position) -> Option<(Value, Value)> {
        // SAFETY: by contract of the caller.
        unsafe {
            let at = match position {
                Position::Array(i) => i,
                Position::Node(n) => (*t).arr_len as usize + n,
            };
            Self::next_at(t, at).map(|(_, k, v)| (k, v))
        }
    }

    /// Gives the parts that lie outside of cells back.
    ///
    /// # Safety
    /// The table is not used again.
    pub(super) unsafe fn release(t: *mut Self, heap: &mut Heap) {
        // SAFETY: by contract. Small parts lie in cells and are swept with them.
        unsafe {
            let large = crate::limits::MAX_CLASS_BUFFER;
            let array = (*t).arr_cap as usize * size_of::<Value>();
            if array > large {
                heap.free_buffer((*t).arr.cast(), array);
            }
            let nodes = Self::node_count(t) * size_of::<Node>();
            if nodes > large {
                heap.free_buffer((*t).nodes.cast(), nodes);
            }
        }
    }
}

impl Heap {
    /// An empty table.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline(always)]
    pub fn new_table(&mut self) -> Result<*mut Table, OutOfMemory> {
        let t = self.alloc(size_of::<Table>())?.cast::<Table>();
        // SAFETY: fresh memory of that size.
        unsafe {
            (*t).arr = null_mut();
            (*t).arr_len = 0;
            (*t).arr_cap = 0;
            (*t).nodes = empty_node();
            (*t).mask = 0;
            (*t).last_free = 0;
            (*t).meta = null_mut();
            (*t).index_node = null_mut();
            (*t).absent = 0;
            (*t).flags = 0;
        }
        Ok(t)
    }

    /// An empty table with room for `array` array slots and `hash` keys.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new_table_with(&mut self, array: usize, hash: usize) -> Result<*mut Table, OutOfMemory> {
        let t = self.new_table()?;
        // SAFETY: the table is new.
        match unsafe { Table::reserve(t, self, array, hash) } {
            Ok(()) => Ok(t),
            Err(_) => Err(OutOfMemory),
        }
    }
}

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
//! 6. Nodes with [`SHARED_NODE`] in their key's tag belong to an image (`image.rs`): readers ignore the bit, and a search for a
//!    place to store does not find them. Their table has [`table_flag::SHARED_NODES`], and gets nodes of its own before it changes.
//! 7. `index_node` points to the node of this table that holds `__index`, or is null; a rehash clears it.

use super::alloc::{Heap, OutOfMemory};
use super::string::is_same;
use super::value::{Slot, get, put, tag};
use super::{Str, Value};
use crate::limits::FREED_AT_ONCE;
mod growth;
mod resize;
mod traverse;

pub(super) use growth::Growth;
pub use traverse::Ahead;

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

/// Bit of [`Node::ktag`]: the node is shared and never written.
pub const SHARED_NODE: u32 = 0x100;

impl Node {
    /// A node without key and value.
    pub(super) const EMPTY: Self =
        Self { payload: 0, vtag: tag::NIL, next: 0, key: 0, ktag: tag::NIL as u32, khash: 0 };

    /// Type tag of the key.
    #[inline(always)]
    #[must_use]
    pub const fn key_tag(&self) -> u8 {
        self.ktag as u8
    }

    /// True if the node may be written.
    #[inline(always)]
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.ktag & SHARED_NODE == 0
    }

    /// The place of the value.
    ///
    /// # Safety
    /// `this` is a live node.
    #[inline(always)]
    #[must_use]
    pub unsafe fn slot(this: *mut Self) -> Slot {
        Slot(this.cast())
    }

    /// True if the node's key has no value.
    #[inline(always)]
    #[must_use]
    pub const fn has_no_value(&self) -> bool {
        self.vtag == tag::NIL
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
    /// Empty itself, shows another table and refuses changes (`vm/read_only.rs`).
    pub const READ_ONLY: u8 = 8;
    /// Belongs to an image: nothing in it may change.
    pub const SHARED: u8 = 16;
    /// The hash part belongs to an image.
    pub const SHARED_NODES: u8 = 32;
    /// A constructor ended with nil: the array part may have holes before its last slot.
    pub const HOLES: u8 = 64;
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
    /// The table or the key belongs to an image: the process needs copies of its own first.
    Shared,
    /// There is no room, and making it takes long: at once ([`Table::grow_and_insert`]) or in turns ([`Heap::begin_growth`]).
    Large,
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

static EMPTY: Empty = Empty(Node::EMPTY);

#[inline(always)]
pub(super) fn empty_node() -> *mut Node {
    (&raw const EMPTY.0).cast_mut()
}

/// Hash of an integer key.
#[inline(always)]
#[must_use]
pub fn hash_int(i: i64) -> u32 {
    // The upper half takes part twice: alone, bits that multiplication moves beyond the top would not reach the low bits
    // of the hash, and floats with few digits would all collide.
    let i = i as u64;
    ((i ^ (i >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

/// Hash of any key except nil; strings by content.
#[inline]
pub(super) fn hash_key(key: Value) -> u32 {
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

/// The key that is stored for one that is asked for.
#[inline(always)]
fn normalised(key: Value) -> Value {
    if key.tag == tag::FLOAT
        && let Some(i) = float_to_int_key(key.as_float())
    {
        return Value::int(i);
    }
    key
}

/// Array capacity from which growth first looks whether the array is worth growing.
pub(super) const SPARSE_CHECK: usize = 32;

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
                    && (*node).key_tag() == tag::STRING
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

    /// True if no key has this hash.
    ///
    /// # Safety
    /// `t` is live.
    #[inline(always)]
    #[must_use]
    pub unsafe fn has_no_hash(t: *const Self, hash: u32) -> bool {
        // SAFETY: chains stay inside the array.
        unsafe {
            let mut node = Self::main_position(t, hash);
            loop {
                if (*node).khash == hash {
                    return false;
                }
                if (*node).next == 0 {
                    return true;
                }
                node = Node::follow(node);
            }
        }
    }

    /// Value of the string key with these bytes, whose hash is `hash`.
    ///
    /// # Safety
    /// `t` is live.
    #[inline]
    #[must_use]
    pub unsafe fn get_bytes(t: *const Self, hash: u32, bytes: &[u8]) -> Value {
        // SAFETY: chains stay inside the array; string keys are live strings.
        unsafe {
            let mut node = Self::main_position(t, hash);
            loop {
                if (*node).khash == hash
                    && (*node).key_tag() == tag::STRING
                    && is_same(Str::bytes((*node).key as *const Str), bytes)
                {
                    return Node::slot(node).get();
                }
                if (*node).next == 0 {
                    return Value::NIL;
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
                if (*node).key == key as u64 && (*node).key_tag() == tag::INT {
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
                if (*node).key == key.payload && (*node).key_tag() == key.tag {
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

    /// The place of an existing key, even if its value is nil; none in the nodes of an image.
    ///
    /// # Safety
    /// Both are live.
    #[inline]
    #[must_use]
    pub unsafe fn find(t: *const Self, key: Value) -> Option<Slot> {
        // SAFETY: the index is checked.
        unsafe {
            let key = normalised(key);
            if key.tag == tag::INT {
                let index = (key.payload).wrapping_sub(1);
                if index < u64::from((*t).arr_len) {
                    return Some(Slot((*t).arr.add(index as usize)));
                }
            }
            Self::find_node(t, key).filter(|&node| (*node).is_own()).map(|node| Node::slot(node))
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
                && (*node).is_own()
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
            if (*t).flags & table_flag::SHARED_NODES != 0 {
                return Err(TableError::Shared);
            }
            match key.tag {
                tag::NIL => return Err(TableError::NilKey),
                // As a key the object would be found by its address, which would change with the first copy.
                tag::TABLE | tag::USERDATA | tag::NATIVE_CLOSURE if super::image::is_shared(key) => {
                    return Err(TableError::Shared);
                }
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

    /// Gives a piece of the parts that lie outside of cells back; true if what is left can go at once.
    ///
    /// # Safety
    /// The table is not used again but for this and [`Table::release`].
    pub(super) unsafe fn release_some(t: *mut Self, heap: &mut Heap) -> bool {
        // SAFETY: by contract. Part sizes stay above those that lie in cells.
        unsafe {
            let array = (*t).arr_cap as usize * size_of::<Value>();
            if array > 2 * FREED_AT_ONCE {
                let Ok(arr) = heap.resize_buffer((*t).arr.cast(), array, array - FREED_AT_ONCE) else {
                    return true;
                };
                (*t).arr = arr.cast();
                (*t).arr_cap -= (FREED_AT_ONCE / size_of::<Value>()) as u32;
                return false;
            }
            let nodes = Self::node_count(t) * size_of::<Node>();
            if nodes > 2 * FREED_AT_ONCE && (*t).flags & table_flag::SHARED_NODES == 0 {
                let Ok(left) = heap.resize_buffer((*t).nodes.cast(), nodes, nodes - FREED_AT_ONCE) else {
                    return true;
                };
                (*t).nodes = left.cast();
                // Of a dead table only their number is asked for.
                (*t).mask -= (FREED_AT_ONCE / size_of::<Node>()) as u32;
                return false;
            }
            true
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
            if nodes > large && (*t).flags & table_flag::SHARED_NODES == 0 {
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

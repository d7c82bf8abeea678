//! Borders (`#`) and traversal (`next`): both read a table as it lies and never make room.

use super::{Node, Table, float_to_int_key, hash_key, table_flag};
use crate::heap::Value;
use crate::heap::value::{get, tag};

/// What [`Table::look`] finds.
#[derive(Clone, Copy, Debug)]
pub enum Ahead {
    /// The number of the place after an entry, its key and value.
    Entry(usize, Value, Value),
    /// Nothing as far as it looked; the place to go on at.
    Empty(usize),
    /// Nothing more in the table.
    End,
}

impl Table {
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
            if n >= 2 && !get((*t).arr.add(n - 2)).is_nil() && (*t).flags & table_flag::HOLES == 0 {
                // The last element was removed, as a stack does: shorten the array, so that this stays cheap. (A constructor's
                // table keeps its size: there the search decides between several borders as the reference's does.)
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
            let from = Self::place_after(t, key)?;
            Ok(Self::next_at(t, from).map(|(_, k, v)| (k, v)))
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
        // SAFETY: by contract.
        match unsafe { Self::look(t, from, usize::MAX) } {
            Ahead::Entry(at, key, v) => Some((at, key, v)),
            Ahead::End | Ahead::Empty(_) => None,
        }
    }

    /// As [`Table::next_at`], but looks at no more than `places` places: one may be followed by millions that were emptied.
    ///
    /// # Safety
    /// `t` is live.
    #[inline]
    #[must_use]
    pub unsafe fn look(t: *const Self, from: usize, places: usize) -> Ahead {
        // SAFETY: indices are checked.
        unsafe {
            let len = (*t).arr_len as usize;
            let end = from.saturating_add(places);
            let mut i = from;
            while i < len.min(end) {
                let v = get((*t).arr.add(i));
                if !v.is_nil() {
                    return Ahead::Entry(i + 1, Value::int(i as i64 + 1), v);
                }
                i += 1;
            }
            if i < len {
                return Ahead::Empty(i);
            }
            let count = Self::node_count(t);
            let mut n = i - len;
            while n < count.min(end - len) {
                let node = (*t).nodes.add(n);
                if (*node).vtag != tag::NIL {
                    return Ahead::Entry(len + n + 1, Node::key(node), Node::slot(node).get());
                }
                n += 1;
            }
            if n < count { Ahead::Empty(len + n) } else { Ahead::End }
        }
    }

    /// What decides which entry lies at which place.
    ///
    /// # Safety
    /// `t` is live.
    #[must_use]
    pub unsafe fn layout(t: *const Self) -> (usize, usize) {
        // SAFETY: by contract.
        unsafe { ((*t).nodes as usize, (*t).arr_len as usize) }
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
                (*node).key == key.payload && (*node).key_tag() == key.tag
            }
        }
    }

    /// The place where a traversal goes on after `key` (at the beginning after nil).
    ///
    /// # Safety
    /// Both are live.
    ///
    /// # Errors
    /// If `key` is not a key of the table.
    #[allow(clippy::result_unit_err)] // there is one way to fail
    pub unsafe fn place_after(t: *const Self, key: Value) -> Result<usize, ()> {
        // SAFETY: by contract.
        unsafe {
            let mut key = key;
            match key.tag {
                tag::NIL => return Ok(0),
                tag::FLOAT => {
                    if let Some(i) = float_to_int_key(key.as_float()) {
                        key = Value::int(i);
                    }
                }
                _ => {}
            }
            let len = (*t).arr_len as usize;
            if key.tag == tag::INT {
                // The array may have been shortened since (`len_in_array`), hence the capacity.
                if key.payload.wrapping_sub(1) < u64::from((*t).arr_cap) {
                    let index = key.payload as usize;
                    if index <= len {
                        return Ok(index);
                    }
                    if Self::find_int_node(t, key.as_int()).is_none() {
                        return Ok(len);
                    }
                }
            }
            let found = Self::find_node(t, key).or_else(|| Self::find_dead(t, key)).ok_or(())?;
            Ok(len + found.offset_from((*t).nodes) as usize + 1)
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
}

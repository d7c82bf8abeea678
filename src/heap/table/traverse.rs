//! Borders (`#`) and traversal (`next`): both read a table as it lies and never make room.

use super::{Node, Table, float_to_int_key, hash_key, table_flag};
use crate::heap::Value;
use crate::heap::value::{get, tag};

/// Where a traversal stands.
enum Position {
    /// Next array index to look at.
    Array(usize),
    /// Next node index to look at.
    Node(usize),
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
                (*node).key == key.payload && (*node).key_tag() == key.tag
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
}

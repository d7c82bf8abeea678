//! Looking at values for their kind alone, and into tables by names that are known beforehand.
//!
//! 1. A [`Kinds`] says nothing about a value but its kind, so that one test of a bit decides.
//! 2. A [`Probe`] belongs to no process: it refers to a constant of the program or to none.

use super::{Tab, Val};
use crate::heap::string::{find_constant, hash_bytes};
use crate::heap::value::tag;
use crate::heap::{Node, Str, Table, Value};

/// A set of kinds of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kinds(u16);

impl Kinds {
    pub const NONE: Self = Self(0);
    pub const NIL: Self = Self(1 << tag::NIL);
    pub const BOOLEAN: Self = Self(1 << tag::FALSE | 1 << tag::TRUE);
    pub const FALSE: Self = Self(1 << tag::FALSE);
    pub const TRUE: Self = Self(1 << tag::TRUE);
    pub const INTEGER: Self = Self(1 << tag::INT);
    pub const FLOAT: Self = Self(1 << tag::FLOAT);
    pub const STRING: Self = Self(1 << tag::STRING);
    pub const TABLE: Self = Self(1 << tag::TABLE);
    pub const FUNCTION: Self = Self(1 << tag::NATIVE | 1 << tag::CLOSURE | 1 << tag::NATIVE_CLOSURE);
    pub const ALL: Self = Self(!0);

    /// The kinds of both sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds of this set that the other does not have.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The kinds that both sets have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True if the value is of one of these kinds.
    #[inline(always)]
    #[must_use]
    pub const fn has(self, v: Val<'_>) -> bool {
        self.0 >> (v.raw().tag & 15) & 1 != 0
    }
}

/// A field to look for in tables of any process: its name, and the kinds of values for which that is all there is to check.
#[repr(C)]
pub struct Probe {
    /// The program's constant with the name's bytes, null if it has none: no key is null.
    constant: *const Str,
    hash: u32,
    pub kinds: Kinds,
    name: Box<[u8]>,
}

// SAFETY: program constants are immortal and immutable.
unsafe impl Send for Probe {}
// SAFETY: as above.
unsafe impl Sync for Probe {}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", String::from_utf8_lossy(&self.name), self.kinds)
    }
}

impl Probe {
    /// Makes no constant: text that a process has loaded must not stay when the process is gone.
    #[must_use]
    pub fn new(name: &[u8], kinds: Kinds) -> Self {
        let constant = find_constant(name).unwrap_or(std::ptr::null());
        Self { constant, hash: hash_bytes(name), kinds, name: name.into() }
    }

    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The node of the field. Keys that are constants are found by their address; the others, and fields that are not there, by
    /// bytes.
    #[inline(always)]
    unsafe fn find(&self, t: *const Table) -> Value {
        // SAFETY: the table is live; chains stay inside the array.
        unsafe {
            let mut node = (*t).nodes.add((self.hash & (*t).mask) as usize);
            loop {
                if (*node).key == self.constant as u64 && (*node).key_tag() == tag::STRING {
                    return Node::slot(node).get();
                }
                if (*node).next == 0 {
                    return self.find_bytes(t);
                }
                node = Node::follow(node);
            }
        }
    }

    #[inline(never)]
    unsafe fn find_bytes(&self, t: *const Table) -> Value {
        // SAFETY: the table is live.
        unsafe { Table::get_bytes(t, self.hash, &self.name) }
    }
}

impl<'gc> Tab<'gc> {
    /// Value of a field, without metamethods.
    #[inline]
    #[must_use]
    pub fn probe(self, probe: &Probe) -> Val<'gc> {
        // SAFETY: live during 'gc.
        unsafe { Val::raw_new(probe.find(self.place())) }
    }

    /// The first of these fields whose value is not of its kinds, and that value.
    #[inline(always)]
    #[must_use]
    pub fn first_unlike<'p>(self, probes: &'p [Probe]) -> Option<(usize, Val<'gc>)> {
        let t = self.place();
        for (i, probe) in probes.iter().enumerate() {
            // SAFETY: live during 'gc.
            let v = Val::raw_new(unsafe { probe.find(t) });
            if !probe.kinds.has(v) {
                return Some((i, v));
            }
        }
        None
    }

    /// Number of the first element from `from` (counted from 0) to before `end` that is in the array part and not of these
    /// kinds; the end of that range if there is none.
    #[inline]
    #[must_use]
    pub fn first_not_of(self, kinds: Kinds, from: usize, end: usize) -> usize {
        let t = self.place();
        // SAFETY: live during 'gc.
        let (first, len) = unsafe { ((*t).arr, (*t).arr_len as usize) };
        let end = end.min(len);
        let mut at = from;
        // SAFETY: below the length of the array part; only tags are looked at.
        while at < end && kinds.0 >> (unsafe { (*first.add(at)).tag } & 15) & 1 != 0 {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_sets() {
        let numbers = Kinds::INTEGER.or(Kinds::FLOAT);
        assert!(numbers.has(Val::int(1)) && numbers.has(Val::float(0.5)));
        assert!(!numbers.has(Val::NIL) && !numbers.has(Val::from(true)));
        assert!(Kinds::BOOLEAN.has(Val::from(true)) && !Kinds::FALSE.has(Val::from(true)));
        assert_eq!(Kinds::BOOLEAN.and(Kinds::TRUE), Kinds::TRUE);
        assert!(Kinds::ALL.has(Val::NIL) && !Kinds::NONE.has(Val::NIL));
    }
}

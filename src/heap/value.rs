//! Values: a 64-bit payload and an 8-bit tag.
//!
//! 1. A value is copied *by fields* ([`Slot::put`]): a 16-byte vector copy would defeat store forwarding in the loop, and in
//!    hash nodes the padding behind the tag holds the collision chain.
//! 2. Tags are ordered so that the common questions are one comparison: number `< NIL`, false-like `== NIL | FALSE`,
//!    on the heap `>= STRING`.

use super::{Closure, NativeClosure, Str, Table, Thread, Userdata};

/// Type tag of a [`Value`].
pub type Tag = u8;

/// Tag constants. Values with a tag of at least [`tag::STRING`] point into a heap.
pub mod tag {
    use super::Tag;

    pub const INT: Tag = 0;
    pub const FLOAT: Tag = 1;
    pub const NIL: Tag = 2;
    pub const FALSE: Tag = 3;
    pub const TRUE: Tag = 4;
    /// An opaque address that Lua can only compare.
    pub const LIGHT: Tag = 5;
    /// A native function without upvalues: the payload is the address of its static descriptor.
    pub const NATIVE: Tag = 6;
    /// Only as a node's key: the key object may be gone, the node keeps its place in a chain and in a traversal.
    pub const DEAD: Tag = 7;
    pub const STRING: Tag = 8;
    pub const TABLE: Tag = 9;
    pub const CLOSURE: Tag = 10;
    pub const NATIVE_CLOSURE: Tag = 11;
    pub const USERDATA: Tag = 12;
    pub const THREAD: Tag = 13;
}

/// A Lua value.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value {
    pub payload: u64,
    pub tag: Tag,
}

const _: () = assert!(size_of::<Value>() == 16);

impl Value {
    pub const NIL: Self = Self { payload: 0, tag: tag::NIL };
    pub const FALSE: Self = Self { payload: 0, tag: tag::FALSE };
    pub const TRUE: Self = Self { payload: 0, tag: tag::TRUE };

    #[inline(always)]
    #[must_use]
    pub const fn int(i: i64) -> Self {
        Self { payload: i as u64, tag: tag::INT }
    }

    #[inline(always)]
    #[must_use]
    pub const fn float(f: f64) -> Self {
        Self { payload: f.to_bits(), tag: tag::FLOAT }
    }

    #[inline(always)]
    #[must_use]
    pub const fn bool(b: bool) -> Self {
        Self { payload: 0, tag: tag::FALSE + b as u8 }
    }

    #[inline(always)]
    #[must_use]
    pub fn light(address: usize) -> Self {
        Self { payload: address as u64, tag: tag::LIGHT }
    }

    /// A native function, by the address of its static descriptor.
    #[inline(always)]
    #[must_use]
    pub fn native(descriptor: *const ()) -> Self {
        Self { payload: descriptor as u64, tag: tag::NATIVE }
    }

    #[inline(always)]
    #[must_use]
    pub fn string(s: *const Str) -> Self {
        Self { payload: s as u64, tag: tag::STRING }
    }

    #[inline(always)]
    #[must_use]
    pub fn table(t: *mut Table) -> Self {
        Self { payload: t as u64, tag: tag::TABLE }
    }

    #[inline(always)]
    #[must_use]
    pub fn closure(c: *mut Closure) -> Self {
        Self { payload: c as u64, tag: tag::CLOSURE }
    }

    #[inline(always)]
    #[must_use]
    pub fn native_closure(c: *mut NativeClosure) -> Self {
        Self { payload: c as u64, tag: tag::NATIVE_CLOSURE }
    }

    #[inline(always)]
    #[must_use]
    pub fn userdata(u: *mut Userdata) -> Self {
        Self { payload: u as u64, tag: tag::USERDATA }
    }

    #[inline(always)]
    #[must_use]
    pub fn thread(t: *mut Thread) -> Self {
        Self { payload: t as u64, tag: tag::THREAD }
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_nil(self) -> bool {
        self.tag == tag::NIL
    }

    /// Neither nil nor false.
    #[inline(always)]
    #[must_use]
    pub const fn is_truthy(self) -> bool {
        self.tag & !1 != tag::NIL
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_int(self) -> bool {
        self.tag == tag::INT
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_float(self) -> bool {
        self.tag == tag::FLOAT
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_number(self) -> bool {
        self.tag < tag::NIL
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_string(self) -> bool {
        self.tag == tag::STRING
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_table(self) -> bool {
        self.tag == tag::TABLE
    }

    #[must_use]
    pub const fn is_function(self) -> bool {
        matches!(self.tag, tag::CLOSURE | tag::NATIVE_CLOSURE | tag::NATIVE)
    }

    /// True if the payload points to an object of a heap.
    #[inline(always)]
    #[must_use]
    pub const fn is_object(self) -> bool {
        self.tag >= tag::STRING
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_int(self) -> i64 {
        self.payload as i64
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_float(self) -> f64 {
        f64::from_bits(self.payload)
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_str(self) -> *mut Str {
        self.payload as *mut Str
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_table(self) -> *mut Table {
        self.payload as *mut Table
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_closure(self) -> *mut Closure {
        self.payload as *mut Closure
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_native_closure(self) -> *mut NativeClosure {
        self.payload as *mut NativeClosure
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_userdata(self) -> *mut Userdata {
        self.payload as *mut Userdata
    }

    #[inline(always)]
    #[must_use]
    pub const fn as_thread(self) -> *mut Thread {
        self.payload as *mut Thread
    }

    /// Lua's name of the value's type.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        match self.tag {
            tag::INT | tag::FLOAT => "number",
            tag::NIL => "nil",
            tag::FALSE | tag::TRUE => "boolean",
            tag::LIGHT | tag::USERDATA => "userdata",
            tag::NATIVE | tag::CLOSURE | tag::NATIVE_CLOSURE => "function",
            tag::STRING => "string",
            tag::TABLE => "table",
            tag::THREAD => "thread",
            _ => "no value",
        }
    }

    /// Same tag and payload: identity, except that equal strings may differ and floats compare by bits.
    #[inline(always)]
    #[must_use]
    pub const fn same_bits(self, other: Self) -> bool {
        self.payload == other.payload && self.tag == other.tag
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.tag {
            tag::INT => write!(f, "{}", self.as_int()),
            tag::FLOAT => write!(f, "{}", self.as_float()),
            tag::NIL => f.write_str("nil"),
            tag::FALSE => f.write_str("false"),
            tag::TRUE => f.write_str("true"),
            _ => write!(f, "{}:{:#x}", self.type_name(), self.payload),
        }
    }
}

/// A place that holds a value: a register, an array slot, or the value half of a hash node.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Slot(pub *mut Value);

impl Slot {
    /// Reads the value.
    ///
    /// # Safety
    /// The slot is live and initialised.
    #[inline(always)]
    #[must_use]
    pub unsafe fn get(self) -> Value {
        // SAFETY: by contract.
        unsafe { get(self.0) }
    }

    /// Writes the value, field by field (invariant 1).
    ///
    /// # Safety
    /// The slot is live.
    #[inline(always)]
    pub unsafe fn put(self, v: Value) {
        // SAFETY: by contract.
        unsafe { put(self.0, v) }
    }
}

/// Reads a value field by field.
///
/// # Safety
/// `at` points to an initialised value.
#[inline(always)]
#[must_use]
pub unsafe fn get(at: *const Value) -> Value {
    // SAFETY: by contract.
    unsafe { Value { payload: (*at).payload, tag: (*at).tag } }
}

/// Writes a value field by field: payload and tag, never the padding.
///
/// # Safety
/// `at` points to a live slot.
#[inline(always)]
pub unsafe fn put(at: *mut Value, v: Value) {
    // SAFETY: by contract.
    unsafe {
        (*at).payload = v.payload;
        (*at).tag = v.tag;
    }
}

/// A constant slot: a value whose padding carries the hash of a string constant, so that a field access does not touch
/// the string.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct KSlot {
    pub payload: u64,
    /// The tag, widened: `{tag, hash}` is compared as one word with a node's.
    pub tag: u32,
    pub hash: u32,
}

const _: () = assert!(size_of::<KSlot>() == 16);

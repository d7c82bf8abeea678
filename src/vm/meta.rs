//! Metatables and events.

use super::Vm;
use crate::heap::value::tag;
use crate::heap::{Node, Str, Table, Value};
use std::sync::LazyLock;

macro_rules! events {
    ($($name:ident $text:literal)*) => {
        /// An event that a metamethod can handle.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Event { $($name),* }

        /// Names of the metamethods, in the order of [`Event`].
        pub const EVENT_NAMES: [&str; [$($text),*].len()] = [$($text),*];
    };
}

events! {
    // Events whose absence is cached in the bits of `Table::absent`: 32 at most.
    Index "__index"
    NewIndex "__newindex"
    Gc "__gc"
    Mode "__mode"
    Len "__len"
    Eq "__eq"
    Add "__add"
    Sub "__sub"
    Mul "__mul"
    Mod "__mod"
    Pow "__pow"
    Div "__div"
    IDiv "__idiv"
    BAnd "__band"
    BOr "__bor"
    BXor "__bxor"
    Shl "__shl"
    Shr "__shr"
    Unm "__unm"
    BNot "__bnot"
    Lt "__lt"
    Le "__le"
    Concat "__concat"
    Call "__call"
    ToString "__tostring"
    Name "__name"
    Pairs "__pairs"
    Metatable "__metatable"
}

/// Program constants, for all processes.
struct Names<const N: usize>([*const Str; N]);

// SAFETY: program constants are immutable and immortal.
unsafe impl<const N: usize> Send for Names<N> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for Names<N> {}

impl<const N: usize> Names<N> {
    fn new(name: impl Fn(usize) -> &'static str) -> Self {
        Self(std::array::from_fn(|i| crate::heap::string::constant(name(i).as_bytes())))
    }
}

/// Names of the events' metamethods.
pub(super) fn event_names() -> &'static [*const Str; EVENT_NAMES.len()] {
    static NAMES: LazyLock<Names<{ EVENT_NAMES.len() }>> = LazyLock::new(|| Names::new(|i| EVENT_NAMES[i]));
    &NAMES.0
}

/// Names of types, by tag.
pub(super) fn type_names() -> &'static [*const Str; super::BASIC_METAS] {
    static NAMES: LazyLock<Names<{ super::BASIC_METAS }>> =
        LazyLock::new(|| Names::new(|tag| Value { payload: 0, tag: tag as u8 }.type_name()));
    &NAMES.0
}

impl Vm {
    /// The metatable of a value, or null.
    #[inline]
    pub(crate) unsafe fn metatable(&self, v: Value) -> *mut Table {
        // SAFETY: values in registers are live.
        unsafe {
            match v.tag {
                tag::TABLE => (*v.as_table()).meta,
                tag::USERDATA => (*v.as_userdata()).meta,
                t => self.metas[Self::meta_slot(t)],
            }
        }
    }

    /// Index into `metas`: types of one Lua name share one metatable.
    pub(crate) const fn meta_slot(t: u8) -> usize {
        (match t {
            tag::FLOAT => tag::INT,
            tag::TRUE => tag::FALSE,
            tag::NATIVE | tag::NATIVE_CLOSURE => tag::CLOSURE,
            t => t,
        }) as usize
    }

    /// The handler for an event in a metatable (which may be null), nil if there is none.
    #[inline]
    pub(crate) unsafe fn handler(&self, meta: *mut Table, event: Event) -> Value {
        // SAFETY: `meta` is null or a live table.
        unsafe {
            if meta.is_null() || (*meta).absent & (1 << event as u32) != 0 {
                return Value::NIL;
            }
            self.handler_slow(meta, event)
        }
    }

    #[inline(never)]
    unsafe fn handler_slow(&self, meta: *mut Table, event: Event) -> Value {
        // SAFETY: as `handler`.
        unsafe {
            if let Some(node) = Table::find_str(meta, self.event_name(event)) {
                let v = Node::slot(node).get();
                if !v.is_nil() {
                    // A table of an image has it already, and must not be written to.
                    if event == Event::Index && (*meta).index_node != node {
                        (*meta).index_node = node;
                    }
                    return v;
                }
            }
            (*meta).absent |= 1 << event as u32;
            Value::NIL
        }
    }

    /// The handler for an event of a value.
    #[inline]
    pub(crate) unsafe fn value_handler(&self, v: Value, event: Event) -> Value {
        // SAFETY: `v` is live.
        unsafe { self.handler(self.metatable(v), event) }
    }
}

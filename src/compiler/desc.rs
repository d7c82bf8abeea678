//! Expression descriptors: what is known about a value before it is put anywhere.
//!
//! As in the reference's one-pass generator, loading is delayed: a constant, a local or an indexed access stays a
//! description until its consumer says which register, operand or jump it wants.

use crate::diag::Span;

/// A register of the function being compiled.
pub(super) type Reg = u8;

/// An instruction index.
pub(super) type Pc = u32;

/// Pending jumps, linked through the W operand of their `Jump` words. The tail makes appending constant time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct JumpList {
    pub head: Pc,
    pub tail: Pc,
}

impl JumpList {
    const NONE: Pc = Pc::MAX;

    pub const EMPTY: Self = Self { head: Self::NONE, tail: Self::NONE };

    pub const fn one(pc: Pc) -> Self {
        Self { head: pc, tail: pc }
    }

    pub const fn is_empty(self) -> bool {
        self.head == Self::NONE
    }
}

/// Where the indexed object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Table {
    Reg(Reg),
    Up(u8),
}

/// The key of an indexed access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    Reg(Reg),
    /// A string constant reachable by an operand.
    Field(u32),
    Int(u16),
}

/// What an expression is so far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind {
    /// No expression: an empty list.
    Void,
    Nil,
    True,
    False,
    /// A string: its constant index.
    Str(u32),
    Int(i64),
    Float(f64),
    /// In this register, which may be scratch.
    NonReloc(Reg),
    /// A local variable.
    Local(Reg),
    Upval(u8),
    Index(Table, Key),
    /// A comparison: its `Jump` word, taken when the comparison holds.
    Jump(Pc),
    /// An instruction whose A is still open.
    Reloc(Pc),
    Call(Pc),
    Vararg(Pc),
}

/// An expression being compiled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exp {
    pub kind: Kind,
    /// Jumps out when the value is true-ish.
    pub t: JumpList,
    /// Jumps out when the value is nil or false.
    pub f: JumpList,
    /// Source range, for the instructions still to come.
    pub span: Span,
}

impl Exp {
    pub const fn new(kind: Kind, span: Span) -> Self {
        Self { kind, t: JumpList::EMPTY, f: JumpList::EMPTY, span }
    }

    /// True if part of the value arrives by jumps.
    pub fn has_jumps(&self) -> bool {
        self.t != self.f
    }

    /// True for a call or `...`, which may stand for any number of values.
    pub const fn is_multi(&self) -> bool {
        matches!(self.kind, Kind::Call(_) | Kind::Vararg(_))
    }

    /// A number known now, with nothing jumping out.
    pub fn is_numeral(&self) -> bool {
        matches!(self.kind, Kind::Int(_) | Kind::Float(_)) && !self.has_jumps()
    }

    /// Any constant, with nothing jumping out.
    pub fn is_const(&self) -> bool {
        let simple = matches!(
            self.kind,
            Kind::Nil | Kind::True | Kind::False | Kind::Str(_) | Kind::Int(_) | Kind::Float(_)
        );
        simple && !self.has_jumps()
    }
}

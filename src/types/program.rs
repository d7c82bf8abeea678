//! What a type checks, in the form that runs: a graph of [`Check`]s, compiled once per type and shared by all processes.
//!
//! 1. A program holds no heap value, and no type (with one exception, [`Program::holds_types`]), so a pool may keep the
//!    programs of its aliases.
//! 2. Checks refer to each other by index, recursive types in circles.
//! 3. [`Program::leaf`] decides everything that needs no look into a table; the rest is `validate`'s.

use super::constraint::Constraint;
use super::origin::Origin;
use crate::bytecode::types::TypeRef;
use crate::limits::MAX_KEPT_TEXT;
use crate::vm::native::{Kind, Kinds, Probe, Val};
use std::ops::Range;
use std::sync::OnceLock;

/// Simple members of a union that are as much work as an element of a list.
const MEMBERS: usize = 8;

/// Index of a check in its program.
pub type CheckId = u32;

pub(super) type Indices = Range<u32>;

/// One thing to check.
#[derive(Debug)]
pub enum Check {
    Any,
    Never,
    Nil,
    Boolean,
    Number,
    Integer,
    String,
    Table,
    Callable,
    Error,
    /// Any table, and userdata of this `__name`.
    Object(Box<str>),
    Channel,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<[u8]>),
    Optional(CheckId),
    /// A union that needs no look into tables.
    OneOf(Indices),
    Union(Indices),
    Intersection(Indices),
    Array(CheckId),
    Map {
        key: CheckId,
        value: CheckId,
        /// Keys may be numbers; if not, those of the sequence are ignored.
        numeric: bool,
    },
    Record(Indices),
    Annotated(CheckId, Indices),
    Imported(Box<Import>),
    /// What an operator makes of other modules' types: known when they are there.
    Deferred(Box<TypeRef>),
    /// A name that is not defined.
    Unresolved,
    /// Expanding the type does not come to an end.
    Endless,
}

/// A type that the module is asked for when it is needed.
#[derive(Debug)]
pub struct Import {
    pub module: Box<[u8]>,
    pub module_hash: u32,
    pub name: Box<[u8]>,
    pub name_hash: u32,
    pub args: Box<[TypeRef]>,
    /// Full name, if it is a type of a built-in module: that is what it is if the module exports no value for it.
    pub builtin: Option<Box<str>>,
}

/// A field of a record.
#[derive(Debug)]
pub struct FieldCheck {
    pub check: CheckId,
    pub optional: bool,
}

/// What a check says of a value at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Pass,
    Fail,
    /// The value must be looked into.
    Enter,
}

impl From<bool> for Verdict {
    #[inline(always)]
    fn from(pass: bool) -> Self {
        if pass { Self::Pass } else { Self::Fail }
    }
}

/// A compiled type. The first check is the type itself.
#[derive(Debug)]
pub struct Program {
    pub(super) checks: Box<[Check]>,
    /// Checks that are decided without looking into tables.
    pub(super) leaves: Box<[bool]>,
    /// Checks that a glance may decide: nothing in them is imported or unknown.
    pub(super) own: Box<[bool]>,
    /// Kinds of values that all fit.
    pub(super) kinds: Box<[Kinds]>,
    pub(super) fields: Box<[FieldCheck]>,
    /// How the fields are found, and the kinds of values that all fit there; nil among them where a field is optional.
    pub(super) probes: Box<[Probe]>,
    /// Members of unions and intersections.
    pub(super) members: Box<[CheckId]>,
    pub(super) constraints: Box<[Constraint]>,
    /// Where the checks come from.
    pub(super) origins: Box<[Origin]>,
    /// What messages call them, as far as that is short and was wanted.
    pub(super) texts: Box<[OnceLock<Box<[u8]>>]>,
    /// Steps that compiling took.
    pub(super) steps: usize,
}

impl Program {
    #[inline(always)]
    #[must_use]
    pub fn check(&self, id: CheckId) -> &Check {
        &self.checks[id as usize]
    }

    /// Kinds of values that fit a check whatever they are.
    #[inline(always)]
    #[must_use]
    pub fn kinds(&self, id: CheckId) -> Kinds {
        self.kinds[id as usize]
    }

    /// True if a glance may decide this check.
    #[inline]
    #[must_use]
    pub fn is_own(&self, id: CheckId) -> bool {
        self.own[id as usize]
    }

    #[inline(always)]
    #[must_use]
    pub fn fields(&self, range: &Indices) -> &[FieldCheck] {
        &self.fields[range.start as usize..range.end as usize]
    }

    #[inline(always)]
    #[must_use]
    pub fn probes(&self, range: &Indices) -> &[Probe] {
        &self.probes[range.start as usize..range.end as usize]
    }

    #[inline(always)]
    #[must_use]
    pub fn members(&self, range: &Indices) -> &[CheckId] {
        &self.members[range.start as usize..range.end as usize]
    }

    #[inline(always)]
    #[must_use]
    pub fn constraints(&self, range: &Indices) -> &[Constraint] {
        &self.constraints[range.start as usize..range.end as usize]
    }

    /// Steps that compiling took.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.steps
    }

    /// Memory of the program, approximately: without what its patterns become.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = size_of_val(&*self.texts) + self.texts.len() * MAX_KEPT_TEXT;
        let flags = size_of_val(&*self.leaves) + size_of_val(&*self.own) + size_of_val(&*self.kinds);
        let fields = size_of_val(&*self.fields) + size_of_val(&*self.probes);
        let parts = size_of_val(&*self.members) + size_of_val(&*self.constraints);
        // In front of a shared value are two counters.
        2 * size_of::<usize>()
            + size_of::<Self>()
            + size_of_val(&*self.checks)
            + size_of_val(&*self.origins)
            + texts
            + flags
            + fields
            + parts
    }

    /// True if the program holds types: then no pool may keep it.
    #[must_use]
    pub fn holds_types(&self) -> bool {
        self.checks.iter().any(|check| match check {
            Check::Imported(import) => !import.args.is_empty(),
            Check::Deferred(_) => true,
            _ => false,
        })
    }

    /// Checks without looking into tables. Adds to `work` what that takes beyond a glance at the value.
    #[inline]
    #[must_use]
    pub fn leaf(&self, id: CheckId, v: Val<'_>, work: &mut usize) -> Verdict {
        if self.kinds(id).has(v) {
            return Verdict::Pass;
        }
        match self.check(id) {
            Check::Array(_) | Check::Map { .. } | Check::Record(_) if v.as_table().is_none() => Verdict::Fail,
            _ if self.leaves[id as usize] => self.leaf_slow(id, v, work),
            _ => Verdict::Enter,
        }
    }

    /// Recurses only as deep as [`Builder::find_leaves`] allows.
    fn leaf_slow(&self, id: CheckId, v: Val<'_>, work: &mut usize) -> Verdict {
        match self.check(id) {
            Check::Any => Verdict::Pass,
            Check::Never => Verdict::Fail,
            Check::Nil => v.is_nil().into(),
            Check::Boolean => matches!(v.kind(), Kind::Bool(_)).into(),
            Check::Number => v.is_number().into(),
            Check::Integer => match v.kind() {
                Kind::Int(_) => Verdict::Pass,
                Kind::Float(f) => (f.is_finite() && f.fract() == 0.0).into(),
                _ => Verdict::Fail,
            },
            Check::String => v.is_string().into(),
            Check::Table => v.as_table().is_some().into(),
            Check::Callable => v.is_function().into(),
            Check::Error => v.as_error().is_some().into(),
            Check::Object(name) => is_object(v, name).into(),
            Check::Channel => (v.as_channel().is_some() || v.as_table().is_some()).into(),
            Check::Bool(b) => matches!(v.kind(), Kind::Bool(c) if c == *b).into(),
            Check::Int(i) => match v.kind() {
                Kind::Int(j) => (j == *i).into(),
                Kind::Float(_) => v.raw_equal(Val::int(*i)).into(),
                _ => Verdict::Fail,
            },
            Check::Float(f) => v.raw_equal(Val::float(*f)).into(),
            Check::Text(text) => v.as_str().is_some_and(|s| s.bytes() == &**text).into(),
            Check::Optional(inner) => {
                if v.is_nil() {
                    Verdict::Pass
                } else {
                    self.leaf_slow(*inner, v, work)
                }
            }
            Check::OneOf(members) => {
                let members = self.members(members);
                let at = members.iter().position(|&m| self.leaf_slow(m, v, work) == Verdict::Pass);
                *work += at.unwrap_or(members.len()) / MEMBERS;
                at.is_some().into()
            }
            Check::Annotated(inner, constraints) => match self.leaf_slow(*inner, v, work) {
                // A constraint that is not met is named where it is entered.
                Verdict::Pass
                    if !self.constraints(constraints).iter().all(|c| c.verdict(v, work) == Verdict::Pass) =>
                {
                    Verdict::Enter
                }
                verdict => verdict,
            },
            Check::Array(_)
            | Check::Map { .. }
            | Check::Record(_)
            | Check::Union(_)
            | Check::Intersection(_)
            | Check::Imported(_)
            | Check::Deferred(_)
            | Check::Unresolved
            | Check::Endless => Verdict::Enter,
        }
    }
}

/// A table, or an object of a module.
pub(super) fn is_object(v: Val<'_>, name: &str) -> bool {
    match v.kind() {
        Kind::Table(_) => true,
        Kind::Userdata(ud) => {
            let named = ud.metatable().map(|meta| meta.get_name("__name"));
            named.and_then(Val::as_str).is_some_and(|own| {
                let own = own.bytes();
                own == name.as_bytes() || name.rsplit('.').next().is_some_and(|short| own == short.as_bytes())
            })
        }
        _ => false,
    }
}

//! What a type checks, in the form that runs: a graph of [`Check`]s, compiled once per type and shared by all processes.
//!
//! 1. A program holds no heap value, and no type (with one exception, [`Program::holds_types`]), so a pool may keep the
//!    programs of its aliases.
//! 2. Checks refer to each other by index, recursive types in circles.
//! 3. [`Program::leaf`] decides everything that needs no look into a table; the rest is `validate`'s.

use super::builtin;
use super::pattern::Pattern;
use super::render;
use super::term::{Imports, Key, Terms};
use crate::bytecode::types::{Annotation, Field, Literal, Primitive, Type, TypeId, TypeRef, primitive};
use crate::limits::{
    MAX_CHECKS_UNROLLED, MAX_LEAF_COST, MAX_LEAF_DEPTH, MAX_PROGRAM_STEPS, MAX_STEPS_PER_CHECK,
    MAX_TYPE_CHECKS, MAX_TYPE_INSTANCES, MAX_TYPE_PARTS, MAX_TYPE_STEPS, MAX_TYPE_TURNS, MAX_UNIONS_JOINED,
};
use crate::vm::native::{Kind, Kinds, Probe, Val};
use crate::vm::type_value::name_hash;
use hashbrown::{HashMap, HashSet};
use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;

/// Simple members of a union that are as much work as an element of a list.
const MEMBERS: usize = 8;

/// Index of a check in its program.
pub type CheckId = u32;

type Indices = Range<u32>;

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

/// A number in a validator.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    Int(i64),
    Float(f64),
}

impl Bound {
    fn value<'gc>(self) -> Val<'gc> {
        match self {
            Self::Int(i) => Val::int(i),
            Self::Float(f) => Val::float(f),
        }
    }
}

/// A validator.
#[derive(Debug)]
pub enum Constraint {
    Min(Bound),
    Max(Bound),
    MinLen(i64),
    MaxLen(i64),
    Pattern(Pattern),
    /// A pattern that is no string.
    NoPattern,
}

impl Constraint {
    fn new(annotation: &Annotation) -> Option<Self> {
        let bound = match annotation.arg {
            Some(Literal::Integer(i)) => Some(Bound::Int(i)),
            Some(Literal::Float(f)) => Some(Bound::Float(f)),
            _ => None,
        };
        let length = bound.and_then(|bound| match bound {
            Bound::Int(i) => (i >= 0).then_some(i),
            // Saturates: no length is that large.
            Bound::Float(f) => (f >= 0.0).then_some(f as i64),
        });
        match &*annotation.name {
            b"min" => bound.map(Self::Min),
            b"max" => bound.map(Self::Max),
            b"min_len" => length.map(Self::MinLen),
            b"max_len" => length.map(Self::MaxLen),
            b"pattern" => Some(match &annotation.arg {
                Some(Literal::String(source)) => Self::Pattern(Pattern::new(source)),
                _ => Self::NoPattern,
            }),
            _ => None,
        }
    }

    /// Its name as it is written.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::MinLen(_) => "min_len",
            Self::MaxLen(_) => "max_len",
            Self::Pattern(_) | Self::NoPattern => "pattern",
        }
    }

    /// What is said of a value that does not meet it.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Min(_) => "value below minimum",
            Self::Max(_) => "value above maximum",
            Self::MinLen(_) => "length below minimum",
            Self::MaxLen(_) => "length above maximum",
            Self::Pattern(pattern) if !pattern.is_valid() => "invalid regex",
            Self::Pattern(_) => "pattern mismatch",
            Self::NoPattern => "invalid pattern argument",
        }
    }

    /// Kinds of values that it is about.
    const fn concerns(&self) -> Kinds {
        match self {
            Self::Min(_) | Self::Max(_) => Kinds::INTEGER.or(Kinds::FLOAT),
            Self::MinLen(_) | Self::MaxLen(_) => Kinds::STRING.or(Kinds::TABLE),
            Self::Pattern(_) | Self::NoPattern => Kinds::STRING,
        }
    }

    /// Whether the value meets it, or is none that it is about; [`Verdict::Enter`] if a pattern takes more work than is done here, and
    /// added to `work`.
    #[must_use]
    pub fn verdict(&self, v: Val<'_>, work: &mut usize) -> Verdict {
        let meets = match self {
            Self::Min(bound) => !v.is_number() || bound.value().number_at_most(v),
            Self::Max(bound) => !v.is_number() || v.number_at_most(bound.value()),
            Self::MinLen(n) => length(v).is_none_or(|len| len >= *n),
            Self::MaxLen(n) => length(v).is_none_or(|len| len <= *n),
            Self::Pattern(pattern) => match v.as_str().map(|s| pattern.quickly(s.bytes(), work)) {
                None => true,
                Some(Some(matches)) => matches,
                Some(None) => return Verdict::Enter,
            },
            Self::NoPattern => !v.is_string(),
        };
        meets.into()
    }
}

fn length(v: Val<'_>) -> Option<i64> {
    match v.kind() {
        Kind::Str(s) => Some(s.len() as i64),
        Kind::Table(t) => Some(t.raw_len()),
        _ => None,
    }
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
    checks: Box<[Check]>,
    /// Checks that are decided without looking into tables.
    leaves: Box<[bool]>,
    /// Checks that a glance may decide: nothing in them is imported or unknown.
    own: Box<[bool]>,
    /// Kinds of values that all fit.
    kinds: Box<[Kinds]>,
    fields: Box<[FieldCheck]>,
    /// How the fields are found, and the kinds of values that all fit there; nil among them where a field is optional.
    probes: Box<[Probe]>,
    /// Members of unions and intersections.
    members: Box<[CheckId]>,
    constraints: Box<[Constraint]>,
    /// What a message calls each check.
    texts: Box<[Box<[u8]>]>,
    /// Steps that compiling took.
    steps: usize,
}

impl Program {
    #[must_use]
    pub fn compile(ty: &TypeRef) -> Self {
        let absent = Absent::default();
        let terms = Terms::new(&absent);
        terms.grant(MAX_PROGRAM_STEPS - MAX_TYPE_STEPS);
        let mut builder = Builder {
            terms: &terms,
            absent: &absent,
            known: HashMap::default(),
            queue: VecDeque::new(),
            instances: 0,
            program: Parts::default(),
        };
        builder.check(ty.clone());
        while let Some((id, ty)) = builder.queue.pop_front() {
            let check = builder.compile(&ty);
            builder.program.checks[id as usize] = check;
        }
        builder.unroll();
        let dependents = builder.dependents();
        let leaves = builder.find_leaves(&dependents);
        let own = builder.find_own(&dependents);
        let kinds = builder.find_kinds(&dependents);
        let parts = builder.program;
        let steps = terms.steps_done() + parts.checks.len() + parts.fields.len() + parts.members.len();
        Self {
            steps,
            leaves,
            own,
            kinds,
            checks: parts.checks.into(),
            fields: parts.fields.into(),
            probes: parts.probes.into(),
            members: parts.members.into(),
            constraints: parts.constraints.into(),
            texts: parts.texts.into(),
        }
    }

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
        let texts = self.texts.iter().map(|text| size_of_val(text) + text.len()).sum::<usize>();
        let flags = size_of_val(&*self.leaves) + size_of_val(&*self.own) + size_of_val(&*self.kinds);
        let fields = size_of_val(&*self.fields) + size_of_val(&*self.probes);
        let parts = size_of_val(&*self.members) + size_of_val(&*self.constraints);
        size_of::<Self>() + size_of_val(&*self.checks) + texts + flags + fields + parts
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

    /// What a message calls a check.
    #[must_use]
    pub fn text(&self, id: CheckId) -> &[u8] {
        &self.texts[id as usize]
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

#[derive(Default)]
struct Parts {
    checks: Vec<Check>,
    fields: Vec<FieldCheck>,
    probes: Vec<Probe>,
    members: Vec<CheckId>,
    constraints: Vec<Constraint>,
    texts: Vec<Box<[u8]>>,
}

/// Other modules are looked at only when values are checked; notes that one was asked for.
#[derive(Default)]
struct Absent(Cell<bool>);

impl Imports for Absent {
    fn imported(&self, _module: &[u8], _name: &[u8]) -> Option<TypeRef> {
        self.0.set(true);
        None
    }
}

struct Builder<'t> {
    terms: &'t Terms<'t>,
    absent: &'t Absent,
    known: HashMap<Key, CheckId, foldhash::fast::FixedState>,
    queue: VecDeque<(CheckId, TypeRef)>,
    /// Types with arguments so far.
    instances: usize,
    program: Parts,
}

impl Builder<'_> {
    /// The check of a type, to be compiled later: nothing recurses over types here.
    fn check(&mut self, ty: TypeRef) -> CheckId {
        let key = self.terms.key(&ty);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let id = self.program.checks.len() as CheckId;
        self.known.insert(key, id);
        self.program.texts.push(self.text(&ty));
        self.instances += usize::from(ty.args.is_some());
        self.terms.grant(MAX_STEPS_PER_CHECK);
        if self.instances > MAX_TYPE_INSTANCES || self.program.checks.len() >= MAX_TYPE_CHECKS {
            self.program.checks.push(Check::Endless);
        } else {
            self.program.checks.push(Check::Never);
            self.queue.push_back((id, ty));
        }
        id
    }

    /// True if there is room for so many more fields, members or validators.
    fn has_room(&self, more: usize) -> bool {
        let parts = &self.program;
        parts.fields.len() + parts.members.len() + parts.constraints.len() + more <= MAX_TYPE_PARTS
    }

    fn parts(&mut self, ty: &TypeRef, ids: &[TypeId]) -> Indices {
        let checks: Vec<CheckId> = ids.iter().map(|&id| self.check(ty.part(id))).collect();
        let start = self.program.members.len() as u32;
        self.program.members.extend(checks);
        start..self.program.members.len() as u32
    }

    /// The members of a union, and those of unions and optionals among them in their place. Each stands there once, so a union that
    /// has itself as a member, which adds nothing, is not looked into for ever.
    fn variants(&mut self, union: &TypeRef) -> Indices {
        let (mut ids, mut seen) = (Vec::new(), HashSet::<Key, foldhash::fast::FixedState>::default());
        let mut known = HashSet::<CheckId, foldhash::fast::FixedState>::default();
        let mut left = vec![union.clone()];
        while let Some(ty) = left.pop() {
            self.terms.refill();
            if let Ok(structure) = self.bare(&ty)
                && let Type::Union(_) | Type::Optional(_) = structure.node()
                && seen.len() < MAX_UNIONS_JOINED
                && self.has_room(left.len() + ids.len())
            {
                if seen.insert(self.terms.key(&structure)) {
                    match structure.node() {
                        Type::Union(members) => {
                            left.extend(members.iter().rev().map(|&member| structure.part(member)));
                        }
                        Type::Optional(inner) => {
                            left.extend([structure.part(*inner), primitive(Primitive::Nil)]);
                        }
                        _ => {}
                    }
                }
                continue;
            }
            let id = self.check(ty);
            if known.insert(id) {
                ids.push(id);
            }
        }
        let start = self.program.members.len() as u32;
        self.program.members.extend(ids);
        start..self.program.members.len() as u32
    }

    /// The structure of a type; `None` if that depends on types of other modules.
    fn expand(&self, ty: &TypeRef) -> Option<TypeRef> {
        self.absent.0.set(false);
        let structure = self.terms.expand(ty);
        // An imported type itself is looked up when a value is checked.
        (!self.absent.0.get() || matches!(structure.node(), Type::Imported(..))).then_some(structure)
    }

    /// The structure of a type that only restricts writing, or of any other; the type that depends on other modules, if that shows.
    fn bare(&self, ty: &TypeRef) -> Result<TypeRef, TypeRef> {
        let mut ty = ty.clone();
        for _ in 0..MAX_TYPE_TURNS {
            let Some(structure) = self.expand(&ty) else { return Err(ty) };
            match structure.node() {
                Type::Readonly(inner) => ty = structure.part(*inner),
                _ => return Ok(structure),
            }
        }
        Ok(self.terms.give_up())
    }

    fn compile(&mut self, ty: &TypeRef) -> Check {
        self.terms.refill();
        let ty = match self.bare(ty) {
            Ok(structure) => structure,
            Err(part) => return Check::Deferred(Box::new(part)),
        };
        if !self.terms.has_steps() {
            return Check::Endless;
        }
        match ty.node() {
            Type::Primitive(primitive) => match primitive {
                Primitive::Any | Primitive::Unknown | Primitive::Receiver => Check::Any,
                Primitive::Never => Check::Never,
                Primitive::Nil => Check::Nil,
                Primitive::Boolean => Check::Boolean,
                Primitive::Number => Check::Number,
                Primitive::Integer => Check::Integer,
                Primitive::String => Check::String,
                Primitive::Table => Check::Table,
                Primitive::Error => Check::Error,
                Primitive::Callable => Check::Callable,
            },
            Type::Interface(..) => Check::Table,
            Type::Function(_) => Check::Callable,
            // A generic type without its arguments accepts nothing.
            Type::Alias(_) | Type::Apply(..) | Type::Tuple(_) => Check::Never,
            Type::Bool(b) => Check::Bool(*b),
            Type::IntegerLiteral(i) => Check::Int(*i),
            Type::FloatLiteral(f) => Check::Float(*f),
            Type::StringLiteral(s) => Check::Text(s.clone()),
            Type::Channel(_) => Check::Channel,
            Type::Optional(inner) => self.optional(ty.part(*inner)),
            Type::Array(item) => Check::Array(self.check(ty.part(*item))),
            Type::Map(key, value) => {
                let numeric = self.accepts_numbers(&ty.part(*key), 0);
                let (key, value) = (self.check(ty.part(*key)), self.check(ty.part(*value)));
                Check::Map { key, value, numeric }
            }
            Type::Record(fields) if fields.is_empty() => Check::Table,
            Type::Record(fields) if !self.has_room(fields.len()) => Check::Endless,
            Type::Record(fields) => self.record(&ty, fields),
            Type::Union(members) | Type::Intersection(members) if !self.has_room(members.len()) => {
                Check::Endless
            }
            Type::Union(_) => Check::Union(self.variants(&ty)),
            Type::Intersection(members) => Check::Intersection(self.parts(&ty, members)),
            Type::Annotated(..) if !self.has_room(1) => Check::Endless,
            Type::Annotated(..) => self.annotated(&ty),
            Type::Imported(module, name, args) => Check::Imported(Box::new(Import {
                module: module.clone(),
                module_hash: name_hash(module),
                name: name.clone(),
                name_hash: name_hash(name),
                args: args.iter().map(|&arg| ty.part(arg)).collect(),
                builtin: builtin::qualified(module, name).map(String::into_boxed_str),
            })),
            Type::Unresolved(name) => match builtin::unqualified(name) {
                Some(full) => Check::Object(full.into()),
                None => Check::Unresolved,
            },
            Type::Param(_)
            | Type::Readonly(_)
            | Type::Keyof(_)
            | Type::Indexed(..)
            | Type::Conditional(_) => Check::Any,
        }
    }

    /// A type or nil. Optionals inside each other are one, and one that is inside of itself adds nothing to nil: so the check inside is
    /// never an optional again.
    fn optional(&mut self, mut part: TypeRef) -> Check {
        let mut seen = HashSet::<Key, foldhash::fast::FixedState>::default();
        while seen.len() < MAX_UNIONS_JOINED {
            let Ok(structure) = self.bare(&part) else { return Check::Optional(self.check(part)) };
            let Type::Optional(more) = structure.node() else { return Check::Optional(self.check(part)) };
            if !seen.insert(self.terms.key(&structure)) {
                return Check::Nil;
            }
            part = structure.part(*more);
        }
        Check::Endless
    }

    fn record(&mut self, ty: &TypeRef, fields: &[Field]) -> Check {
        let checks: Vec<FieldCheck> = fields
            .iter()
            .map(|field| FieldCheck { check: self.check(ty.part(field.ty)), optional: field.optional })
            .collect();
        let start = self.program.fields.len() as u32;
        self.program.fields.extend(checks);
        self.program.probes.extend(fields.iter().map(|field| Probe::new(&field.name, Kinds::NONE)));
        Check::Record(start..self.program.fields.len() as u32)
    }

    /// The inner type first, then its validators from left to right.
    fn annotated(&mut self, ty: &TypeRef) -> Check {
        let mut ty = ty.clone();
        let mut constraints = Vec::new();
        while let Type::Annotated(inner, annotation) = ty.node() {
            constraints.extend(Constraint::new(annotation));
            ty = ty.part(*inner);
        }
        let inner = self.check(ty);
        let start = self.program.constraints.len() as u32;
        self.program.constraints.extend(constraints.into_iter().rev());
        Check::Annotated(inner, start..self.program.constraints.len() as u32)
    }

    fn accepts_numbers(&self, ty: &TypeRef, depth: usize) -> bool {
        let ty = self.terms.structure(ty);
        if depth > MAX_LEAF_DEPTH {
            return true;
        }
        let part = |&id: &TypeId| self.accepts_numbers(&ty.part(id), depth + 1);
        match ty.node() {
            Type::Primitive(primitive) => matches!(
                primitive,
                Primitive::Number
                    | Primitive::Integer
                    | Primitive::Any
                    | Primitive::Unknown
                    | Primitive::Receiver
            ),
            Type::IntegerLiteral(_) | Type::FloatLiteral(_) | Type::Imported(..) => true,
            Type::Optional(inner) => part(inner),
            Type::Union(members) => members.iter().any(part),
            Type::Intersection(members) => members.iter().all(part),
            _ => false,
        }
    }

    /// What messages call a type: tables by their name, the others by what they accept.
    fn text(&self, ty: &TypeRef) -> Box<[u8]> {
        self.terms.refill();
        if self.expand(ty).is_none() {
            return render::text(ty).into();
        }
        let shape = self.terms.structure(ty);
        match shape.node() {
            Type::Primitive(Primitive::Callable) | Type::Function(_) => b"function".as_slice().into(),
            Type::Record(_) | Type::Interface(..) if ty.alias().is_some() => render::text(ty).into(),
            _ => render::text(&shape).into(),
        }
    }

    /// Checks that are parts of themselves for the same value, through intersections and validators, are unrolled: what a value fits
    /// by has no need to be a part of itself, so within itself such a check is one that nothing fits. (The least fixed point; unions
    /// and optionals do not contain themselves to begin with.) Afterwards each look at a value ends.
    fn unroll(&mut self) {
        let parts = &mut self.program;
        let next: Vec<Vec<CheckId>> = parts.checks.iter().map(|check| parts.of_value(check)).collect();
        let circles = circles(&next);
        let on_circle = |id: CheckId| circles.get(id as usize).is_some_and(|&circle| circle != 0);
        let mut todo: Vec<(CheckId, Box<[CheckId]>)> = Vec::new();
        // What a check is inside of certain others of its circle.
        let mut known = HashMap::<(CheckId, Box<[CheckId]>), CheckId, foldhash::fast::FixedState>::default();
        for id in (0..circles.len() as CheckId).filter(|&id| on_circle(id)) {
            todo.push((id, [id].into()));
        }
        let mut originals: HashMap<CheckId, CheckId, foldhash::fast::FixedState> = HashMap::default();
        let mut at = 0;
        while let Some((id, around)) = todo.get(at).cloned() {
            at += 1;
            let original = originals.get(&id).copied().unwrap_or(id);
            let circle = circles[original as usize];
            let replaced: Vec<CheckId> = next[original as usize]
                .iter()
                .map(|&part| {
                    if circles[part as usize] != circle {
                        return part;
                    }
                    let mut inside = around.to_vec();
                    let impossible = match inside.binary_search(&part) {
                        Ok(_) => true,
                        Err(place) => {
                            inside.insert(place, part);
                            false
                        }
                    };
                    let inside = if impossible { Box::default() } else { inside.into_boxed_slice() };
                    *known.entry((part, inside)).or_insert_with_key(|(_, inside)| {
                        let copy = parts.checks.len() as CheckId;
                        parts.checks.push(Check::Never);
                        parts.texts.push(parts.texts[part as usize].clone());
                        if !impossible {
                            originals.insert(copy, part);
                            todo.push((copy, inside.clone()));
                        }
                        copy
                    })
                })
                .collect();
            parts.checks[id as usize] = parts.with_parts(original, &replaced);
            if known.len() > MAX_CHECKS_UNROLLED {
                for check in (0..).zip(&mut parts.checks) {
                    if on_circle(check.0) {
                        *check.1 = Check::Endless;
                    }
                }
                return;
            }
        }
    }

    /// The checks that each check is a part of.
    fn dependents(&self) -> Dependents {
        Dependents::new(self.program.checks.len(), |each| {
            for (id, check) in self.program.checks.iter().enumerate() {
                self.program.parts(check, &mut |part| each(part, id as CheckId));
            }
        })
    }

    /// Finds the checks that can be decided without looking into tables, and makes unions of such simple.
    fn find_leaves(&mut self, dependents: &Dependents) -> Box<[bool]> {
        let parts = &self.program;
        // How deep it goes to decide a check, and how many others that takes; none if it cannot be done so.
        let depths: Vec<Option<(usize, usize)>> = dependents.settle(None, |id, depths| {
            let deeper = |part: CheckId| depths[part as usize].map(|(depth, cost)| (depth + 1, cost + 1));
            let depth = match &parts.checks[id] {
                Check::Array(_)
                | Check::Map { .. }
                | Check::Record(_)
                | Check::Intersection(_)
                | Check::Imported(_)
                | Check::Deferred(_)
                | Check::Unresolved
                | Check::Endless => None,
                Check::Optional(inner) | Check::Annotated(inner, _) => deeper(*inner),
                Check::Union(members) | Check::OneOf(members) => {
                    parts.members_of(members).iter().try_fold((1, 0), |(most, sum), &member| {
                        let (depth, cost) = deeper(member)?;
                        Some((depth.max(most), cost.saturating_add(sum)))
                    })
                }
                _ => Some((0, 1)),
            };
            depth.filter(|&(depth, cost)| depth <= MAX_LEAF_DEPTH && cost <= MAX_LEAF_COST)
        });
        let undecided = self.find_undecided(dependents);
        for ((check, depth), undecided) in self.program.checks.iter_mut().zip(&depths).zip(undecided) {
            if let Check::Union(members) = check
                && depth.is_some()
                && !undecided
            {
                *check = Check::OneOf(members.clone());
            }
        }
        depths.iter().map(Option::is_some).collect()
    }

    /// Finds the checks that may not be decided at once although no table is looked into: a pattern may take long.
    fn find_undecided(&self, dependents: &Dependents) -> Vec<bool> {
        let parts = &self.program;
        dependents.settle(false, |id, undecided| {
            let is_undecided = |part: &CheckId| undecided[*part as usize];
            match &parts.checks[id] {
                Check::Annotated(inner, range) => {
                    is_undecided(inner)
                        || parts.constraints_of(range).iter().any(|c| matches!(c, Constraint::Pattern(_)))
                }
                Check::Optional(inner) => is_undecided(inner),
                Check::Union(range) => parts.members_of(range).iter().any(is_undecided),
                _ => false,
            }
        })
    }

    /// Finds what the kind of a value alone decides.
    fn find_kinds(&mut self, dependents: &Dependents) -> Box<[Kinds]> {
        let parts = &self.program;
        let kinds = dependents.settle(Kinds::NONE, |id, kinds| {
            let of = |part: &CheckId| kinds[*part as usize];
            match &parts.checks[id] {
                Check::Any => Kinds::ALL,
                Check::Nil => Kinds::NIL,
                Check::Boolean => Kinds::BOOLEAN,
                Check::Number => Kinds::INTEGER.or(Kinds::FLOAT),
                Check::Integer => Kinds::INTEGER,
                Check::String => Kinds::STRING,
                Check::Table | Check::Object(_) | Check::Channel => Kinds::TABLE,
                Check::Callable => Kinds::FUNCTION,
                Check::Bool(true) => Kinds::TRUE,
                Check::Bool(false) => Kinds::FALSE,
                Check::Optional(inner) => of(inner).or(Kinds::NIL),
                Check::Union(range) | Check::OneOf(range) => {
                    parts.members_of(range).iter().map(of).fold(Kinds::NONE, Kinds::or)
                }
                Check::Intersection(range) => {
                    parts.members_of(range).iter().map(of).fold(Kinds::ALL, Kinds::and)
                }
                Check::Annotated(inner, range) => {
                    let constraints = parts.constraints_of(range).iter();
                    constraints.fold(of(inner), |kinds, c| kinds.without(c.concerns()))
                }
                _ => Kinds::NONE,
            }
        });
        let parts = &mut self.program;
        for (field, probe) in parts.fields.iter().zip(&mut parts.probes) {
            let absent = if field.optional { Kinds::NIL } else { Kinds::NONE };
            probe.kinds = kinds[field.check as usize].or(absent);
        }
        kinds.into()
    }

    /// Finds the checks that reach no other module's type and none that cannot be checked.
    fn find_own(&self, dependents: &Dependents) -> Box<[bool]> {
        let parts = &self.program;
        let foreign = dependents.settle(false, |id, foreign| match &parts.checks[id] {
            Check::Imported(_) | Check::Deferred(_) | Check::Unresolved | Check::Endless => true,
            check => {
                let mut any = false;
                parts.parts(check, &mut |part| any |= foreign[part as usize]);
                any
            }
        });
        foreign.into_iter().map(|foreign| !foreign).collect()
    }
}

impl Parts {
    /// The parts of a check that are about the same value.
    fn of_value(&self, check: &Check) -> Vec<CheckId> {
        let mut list = Vec::new();
        if !matches!(check, Check::Array(_) | Check::Map { .. } | Check::Record(_)) {
            self.parts(check, &mut |part| list.push(part));
        }
        list
    }

    /// A check with other parts in place of those that are about the same value.
    fn with_parts(&mut self, original: CheckId, parts: &[CheckId]) -> Check {
        let start = self.members.len() as u32;
        let mut list = || {
            self.members.extend_from_slice(parts);
            start..start + parts.len() as u32
        };
        match (&self.checks[original as usize], parts) {
            (Check::Union(_), _) => Check::Union(list()),
            (Check::Intersection(_), _) => Check::Intersection(list()),
            (Check::Optional(_), &[inner]) => Check::Optional(inner),
            (Check::Annotated(_, constraints), &[inner]) => Check::Annotated(inner, constraints.clone()),
            _ => Check::Endless,
        }
    }

    fn members_of(&self, range: &Indices) -> &[CheckId] {
        &self.members[range.start as usize..range.end as usize]
    }

    fn constraints_of(&self, range: &Indices) -> &[Constraint] {
        &self.constraints[range.start as usize..range.end as usize]
    }

    /// The checks that a check refers to.
    fn parts(&self, check: &Check, each: &mut dyn FnMut(CheckId)) {
        match check {
            Check::Optional(inner) | Check::Annotated(inner, _) | Check::Array(inner) => each(*inner),
            Check::Map { key, value, .. } => {
                each(*key);
                each(*value);
            }
            Check::Record(range) => {
                let fields = &self.fields[range.start as usize..range.end as usize];
                fields.iter().for_each(|field| each(field.check));
            }
            Check::Union(range) | Check::OneOf(range) | Check::Intersection(range) => {
                self.members_of(range).iter().for_each(|&member| each(member));
            }
            _ => {}
        }
    }
}

/// The circles of a graph, by numbers: nodes have the same if ways lead from each to the other; 0 if none leads back to it (Tarjan,
/// "Depth-first search and linear graph algorithms", 1972).
fn circles(next: &[Vec<CheckId>]) -> Vec<usize> {
    const DONE: usize = usize::MAX;
    // When a node was come to, counted from 1; then the earliest such node that it leads to.
    let (mut first, mut earliest) = (vec![0; next.len()], vec![0; next.len()]);
    let (mut circles, mut count, mut open) = (vec![0; next.len()], 0, Vec::new());
    for root in 0..next.len() {
        let mut way = if first[root] == 0 { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, at)) = way.last_mut() {
            let node = *node;
            if *at == 0 {
                count += 1;
                (first[node], earliest[node]) = (count, count);
                open.push(node);
            }
            if let Some(&to) = next[node].get(*at) {
                *at += 1;
                let to = to as usize;
                if first[to] == 0 {
                    way.push((to, 0));
                } else if first[to] != DONE {
                    earliest[node] = earliest[node].min(first[to]);
                }
                continue;
            }
            way.pop();
            if let Some(&(before, _)) = way.last() {
                earliest[before] = earliest[before].min(earliest[node]);
            }
            if earliest[node] == first[node] {
                // All that is open from here on leads back here.
                let start = open.iter().rposition(|&n| n == node).unwrap_or(0);
                let leads_back = open.len() - start > 1 || next[node].contains(&(node as CheckId));
                for member in open.drain(start..) {
                    circles[member] = if leads_back { earliest[node] } else { 0 };
                    first[member] = DONE;
                }
            }
        }
    }
    circles
}

/// Which checks each check is a part of: for properties that checks have because of their parts.
struct Dependents {
    /// Where the list of each check begins; one more for the end of the last.
    starts: Vec<u32>,
    lists: Vec<CheckId>,
}

impl Dependents {
    /// `pairs` gives each part together with what it is a part of, the same ones each time.
    fn new(checks: usize, pairs: impl Fn(&mut dyn FnMut(CheckId, CheckId))) -> Self {
        let mut starts = vec![0_u32; checks + 1];
        pairs(&mut |part, _| starts[part as usize + 1] += 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut lists = vec![0; starts.last().map_or(0, |&all| all as usize)];
        let mut next = starts.clone();
        pairs(&mut |part, whole| {
            let at = &mut next[part as usize];
            lists[*at as usize] = whole;
            *at += 1;
        });
        Self { starts, lists }
    }

    /// The least property of each check that follows from those of its parts. A check is looked at again only when a part of it
    /// changed, so the work is the number of parts times the changes that the property can go through.
    fn settle<T: Copy + PartialEq>(&self, first: T, find: impl Fn(usize, &[T]) -> T) -> Vec<T> {
        let checks = self.starts.len() - 1;
        let mut found = vec![first; checks];
        // Parts mostly come after the whole, and are looked at first.
        let mut waiting: Vec<CheckId> = (0..checks as CheckId).collect();
        let mut waits = vec![true; checks];
        while let Some(id) = waiting.pop() {
            let id = id as usize;
            waits[id] = false;
            let now = find(id, &found);
            if now == found[id] {
                continue;
            }
            found[id] = now;
            let dependents = self.starts[id] as usize..self.starts[id + 1] as usize;
            for &whole in &self.lists[dependents] {
                if !std::mem::replace(&mut waits[whole as usize], true) {
                    waiting.push(whole);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(source: &str) -> Program {
        let proto = crate::types::tests::compile(source);
        let types = proto.types.expect("the chunk has types");
        Program::compile(&TypeRef::new(&types, types.values().last().expect("a type's name").ty))
    }

    #[test]
    fn unions_of_simple_types_need_no_entering() {
        let p = program("type M = 'a' | 1 | nil | (string @min_len(3)); return M");
        assert!(matches!(p.check(0), Check::OneOf(_)));
        let p = program("type M = 'a' | (string @pattern('x'))?; return M");
        assert!(matches!(p.check(0), Check::Union(_)));
        let p = program("type M = 'a' | {number}; return M");
        assert!(matches!(p.check(0), Check::Union(_)));
    }

    #[test]
    fn unions_that_contain_themselves_are_looked_into_once() {
        let members = |source| match program(source).check(0) {
            Check::Union(members) | Check::OneOf(members) => members.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(members("type A = A | A | number; return A"), 1);
        assert_eq!(members("type A = (A | string)? | B; type B = A | 3 | (B?) | string; return A"), 3);
        assert!(members("type N<T> = N<{T}> | T; type M = N<string>; return M") > 1);
    }

    #[test]
    fn endless_types_are_cut_off() {
        let p = program("type N<T> = {a: N<{T}>?, b: N<{[string]: T}>?}; type M = N<string>; return M");
        assert!(p.checks.iter().any(|c| matches!(c, Check::Endless)));
        assert!(p.checks.len() < 10 * MAX_TYPE_INSTANCES);
        let p = program("type A = B; type B = A; return A");
        assert!(matches!(p.check(0), Check::Any));
    }

    /// An optional of itself is nil: nothing is looked into again and again without a value getting smaller.
    #[test]
    fn optionals_are_never_inside_each_other() {
        let flat = |source| {
            let p = program(source);
            for check in &p.checks {
                let Check::Optional(inner) = check else { continue };
                assert!(!matches!(p.check(*inner), Check::Optional(_)), "{source}: {p:?}");
            }
            p
        };
        assert!(matches!(flat("type A = A?; return A").check(0), Check::Nil));
        assert!(matches!(flat("type A = (readonly A)?; return A").check(0), Check::Nil));
        assert!(matches!(flat("type A = B?; type B = (A?)?; return A").check(0), Check::Nil));
        assert!(matches!(
            flat("type G<T> = ((G<nil>)?)?; type A = G<string>; return A").check(0),
            Check::Nil
        ));
        assert!(matches!(flat("type A = ((number?)?)?; return A").check(0), Check::Optional(1)));
        flat("type G<T> = G<{T}>?; type A = G<string>; return A");
        flat("type A = {x: A?}?; return A");
    }

    /// What a name means is found in as many steps as there are names, or not at all.
    #[test]
    fn compiling_takes_steps_in_proportion() {
        let steps = |source: &str| program(source).steps();
        let tens = "G<G<G<G<G<G<G<G<G<G<T>>>>>>>>>>";
        assert!(steps(&format!("type G<T> = {tens}; type A = G<string>; return A")) < 100);
        assert!(steps("type I<T> = T; type F<T> = I<F<{T}>>; type A = F<string>; return A") < 2_000);
        assert!(steps("type R<T> = readonly R<{T}>; type A = R<string>; return A") < 2_000);
        let fields = |n: usize, of: &dyn Fn(usize) -> String| -> String { (0..n).map(of).collect() };
        let many = |ty: &str| {
            let list = fields(200, &|i| format!("f{i}: {ty}, "));
            steps(&format!(
                "type L<T> = {{T}} extends {{L<{{T}}>}} ? 1 : 2; type E<T> = {{a: {ty}, {list} n: E<{{T}}>?}} type A = E<string> return A"
            ))
        };
        assert!(many("L<T>") < MAX_PROGRAM_STEPS + 20 * MAX_TYPE_CHECKS);
        assert!(many("L<{T}>") < MAX_PROGRAM_STEPS + 20 * MAX_TYPE_CHECKS);
    }

    #[test]
    fn what_leads_back_is_found() {
        let on_circle = |next: &[&[CheckId]]| -> Vec<bool> {
            circles(&next.iter().map(|list| list.to_vec()).collect::<Vec<_>>())
                .iter()
                .map(|&circle| circle != 0)
                .collect()
        };
        assert_eq!(on_circle(&[&[1], &[2], &[]]), [false; 3]);
        assert_eq!(on_circle(&[&[0], &[0]]), [true, false]);
        assert_eq!(on_circle(&[&[1, 2], &[3], &[3], &[1, 4], &[]]), [false, true, false, true, false]);
        // Between two circles, and a long one.
        assert_eq!(on_circle(&[&[1], &[0, 2], &[3], &[4], &[3]]), [true, true, false, true, true]);
        let two = circles(&[vec![1], vec![0, 2], vec![3], vec![2]]);
        assert!(two[0] == two[1] && two[2] == two[3] && two[0] != two[2]);
        let long: Vec<Vec<CheckId>> = (0..100_000).map(|i| vec![(i + 1) % 100_000]).collect();
        assert!(circles(&long).into_iter().all(|circle| circle == 1));
    }

    /// Looking into a value by parts that are about the same value ends: no check is a part of itself so.
    #[test]
    fn types_that_are_parts_of_themselves_are_unrolled() {
        for source in [
            "type A = A & number; return A",
            "type A = (A | number) & (A | string); return A",
            "type A = B @min(1); type B = (A @max(2))?; return A",
            "type A = (A & B) | (B & A) | {a: A}; type B = (B & A) | A | string; return A",
            "type A = {x: A} & {y: A}; return A",
        ] {
            let p = program(source);
            let parts = Parts { members: p.members.to_vec(), ..Parts::default() };
            let next: Vec<Vec<CheckId>> = p.checks.iter().map(|check| parts.of_value(check)).collect();
            assert!(circles(&next).iter().all(|&circle| circle == 0), "{source}");
            assert!(
                p.checks.len() < 100 && !p.checks.iter().any(|c| matches!(c, Check::Endless)),
                "{source}"
            );
        }
        // Too many ways to be inside each other.
        let names: Vec<String> = (0..30).map(|i| format!("A{i}")).collect();
        let all = names.join(" | ");
        let source: String = names.iter().map(|name| format!("type {name} = ({all}) & string ")).collect();
        let p = program(&format!("{source} return A0"));
        assert!(
            p.checks.len() < 2 * MAX_CHECKS_UNROLLED && p.checks.iter().any(|c| matches!(c, Check::Endless))
        );
    }

    /// Properties of checks that refer to each other in an unlucky order are found without going through all again for each.
    #[test]
    fn properties_settle_in_as_many_looks_as_there_are_parts() {
        let checks = 10_000;
        for stride in [1, 7, 9_999] {
            // Each is a part of the one `stride` places after it.
            let next = |i: usize| (i + stride) % checks;
            let dependents = Dependents::new(checks, |each| {
                (0..checks).for_each(|i| each(i as CheckId, next(i) as CheckId));
            });
            let looks = Cell::new(0);
            let found = dependents.settle(false, |id, found| {
                looks.set(looks.get() + 1);
                id == 0 || found[(id + checks - stride) % checks]
            });
            assert!(found.iter().filter(|&&found| found).count() > 1);
            assert!(looks.get() <= 3 * checks, "{} looks", looks.get());
        }
    }

    #[test]
    fn recursive_generics_are_finite() {
        let p = program("type Tree<T> = {value: T, kids: {Tree<T>}}; type S = Tree<string>; return S");
        assert!(p.checks.len() <= 6, "{p:?}");
    }

    #[test]
    fn texts_of_checks() {
        let text = |source| String::from_utf8_lossy(program(source).text(0)).into_owned();
        assert_eq!(text("type P = {x: number}; return P"), "P");
        assert_eq!(text("type P = 'a' | 3; return P"), "\"a\" | 3");
        assert_eq!(text("type P = (x: number) -> string; return P"), "function");
        assert_eq!(text("type P = string @min_len(3); return P"), "string");
        assert_eq!(text("type P = {number}?; return P"), "number[]?");
    }
}

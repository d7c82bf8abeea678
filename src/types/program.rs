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
use crate::limits::{MAX_LEAF_COST, MAX_LEAF_DEPTH, MAX_TYPE_CHECKS, MAX_TYPE_INSTANCES, MAX_UNIONS_JOINED};
use crate::vm::native::{Kind, Kinds, Probe, Val};
use crate::vm::type_value::name_hash;
use hashbrown::{HashMap, HashSet};
use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;

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

    /// Whether the value meets it, or is none that it is about; [`Verdict::Enter`] if a pattern takes more work.
    #[must_use]
    pub fn verdict(&self, v: Val<'_>) -> Verdict {
        let meets = match self {
            Self::Min(bound) => !v.is_number() || bound.value().number_at_most(v),
            Self::Max(bound) => !v.is_number() || v.number_at_most(bound.value()),
            Self::MinLen(n) => length(v).is_none_or(|len| len >= *n),
            Self::MaxLen(n) => length(v).is_none_or(|len| len <= *n),
            Self::Pattern(pattern) => match v.as_str().map(|s| pattern.quickly(s.bytes())) {
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
}

impl Program {
    #[must_use]
    pub fn compile(ty: &TypeRef) -> Self {
        let absent = Absent::default();
        let terms = Terms::new(&absent);
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
        let leaves = builder.find_leaves();
        let own = builder.find_own();
        let kinds = builder.find_kinds();
        let parts = builder.program;
        Self {
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

    /// Checks without looking into tables.
    #[inline]
    #[must_use]
    pub fn leaf(&self, id: CheckId, v: Val<'_>) -> Verdict {
        if self.kinds(id).has(v) {
            return Verdict::Pass;
        }
        match self.check(id) {
            Check::Array(_) | Check::Map { .. } | Check::Record(_) if v.as_table().is_none() => Verdict::Fail,
            _ if self.leaves[id as usize] => self.leaf_slow(id, v),
            _ => Verdict::Enter,
        }
    }

    /// Recurses only as deep as [`Builder::find_leaves`] allows.
    fn leaf_slow(&self, id: CheckId, v: Val<'_>) -> Verdict {
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
                    self.leaf_slow(*inner, v)
                }
            }
            Check::OneOf(members) => {
                self.members(members).iter().any(|&member| self.leaf_slow(member, v) == Verdict::Pass).into()
            }
            Check::Annotated(inner, constraints) => match self.leaf_slow(*inner, v) {
                // A constraint that is not met is named where it is entered.
                Verdict::Pass
                    if !self.constraints(constraints).iter().all(|c| c.verdict(v) == Verdict::Pass) =>
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
        if self.instances > MAX_TYPE_INSTANCES || self.program.checks.len() >= MAX_TYPE_CHECKS {
            self.program.checks.push(Check::Endless);
        } else {
            self.program.checks.push(Check::Never);
            self.queue.push_back((id, ty));
        }
        id
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
            let mut structure = self.expand(&ty);
            while let Some(readonly) = &structure
                && let Type::Readonly(inner) = readonly.node()
            {
                structure = self.expand(&readonly.part(*inner));
            }
            if let Some(structure) = structure
                && let Type::Union(_) | Type::Optional(_) = structure.node()
                && seen.len() < MAX_UNIONS_JOINED
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

    fn compile(&mut self, ty: &TypeRef) -> Check {
        self.terms.refill();
        let mut part = ty.clone();
        let ty = loop {
            let Some(structure) = self.expand(&part) else { return Check::Deferred(Box::new(part)) };
            match structure.node() {
                Type::Readonly(inner) => part = structure.part(*inner),
                _ => break structure,
            }
        };
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
            Type::Optional(inner) => {
                let mut part = ty.part(*inner);
                while let Some(structure) = self.expand(&part)
                    && let Type::Optional(more) = structure.node()
                {
                    part = structure.part(*more);
                }
                Check::Optional(self.check(part))
            }
            Type::Array(item) => Check::Array(self.check(ty.part(*item))),
            Type::Map(key, value) => {
                let numeric = self.accepts_numbers(&ty.part(*key), 0);
                let (key, value) = (self.check(ty.part(*key)), self.check(ty.part(*value)));
                Check::Map { key, value, numeric }
            }
            Type::Record(fields) if fields.is_empty() => Check::Table,
            Type::Record(fields) => self.record(&ty, fields),
            Type::Union(_) => Check::Union(self.variants(&ty)),
            Type::Intersection(members) => Check::Intersection(self.parts(&ty, members)),
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

    /// Finds the checks that can be decided without looking into tables, and makes unions of such simple.
    fn find_leaves(&mut self) -> Box<[bool]> {
        let checks = &mut self.program.checks;
        // How deep it goes to decide a check, and how many others that takes; none if it cannot be done so.
        let mut depths: Vec<Option<(usize, usize)>> = vec![None; checks.len()];
        // Parts mostly come after the whole, so going backwards finds them first; what that misses is only slower.
        for _ in 0..2 {
            for id in (0..checks.len()).rev() {
                let deeper = |part: CheckId| depths[part as usize].map(|(depth, cost)| (depth + 1, cost + 1));
                let depth = match &checks[id] {
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
                        let members = &self.program.members[members.start as usize..members.end as usize];
                        members.iter().try_fold((1, 0), |(most, sum), &member| {
                            let (depth, cost) = deeper(member)?;
                            Some((depth.max(most), cost.saturating_add(sum)))
                        })
                    }
                    _ => Some((0, 1)),
                };
                depths[id] = depth.filter(|&(depth, cost)| depth <= MAX_LEAF_DEPTH && cost <= MAX_LEAF_COST);
            }
        }
        let undecided = Self::find_undecided(checks, &self.program.members, &self.program.constraints);
        for ((check, depth), undecided) in checks.iter_mut().zip(&depths).zip(undecided) {
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
    fn find_undecided(checks: &[Check], members: &[CheckId], constraints: &[Constraint]) -> Vec<bool> {
        let mut undecided = vec![false; checks.len()];
        loop {
            let mut changed = false;
            for (id, check) in checks.iter().enumerate().rev() {
                let is_undecided = |part: &CheckId| undecided[*part as usize];
                let found = match check {
                    Check::Annotated(inner, range) => {
                        let constraints = &constraints[range.start as usize..range.end as usize];
                        is_undecided(inner) || constraints.iter().any(|c| matches!(c, Constraint::Pattern(_)))
                    }
                    Check::Optional(inner) => is_undecided(inner),
                    Check::Union(range) => {
                        members[range.start as usize..range.end as usize].iter().any(is_undecided)
                    }
                    _ => false,
                };
                changed |= found != undecided[id];
                undecided[id] = found;
            }
            if !changed {
                return undecided;
            }
        }
    }

    /// Finds what the kind of a value alone decides.
    fn find_kinds(&mut self) -> Box<[Kinds]> {
        let Parts { checks, fields, probes, members, constraints, .. } = &mut self.program;
        let mut kinds = vec![Kinds::NONE; checks.len()];
        loop {
            let mut changed = false;
            // Parts mostly come after the whole.
            for id in (0..checks.len()).rev() {
                let of = |part: &CheckId| kinds[*part as usize];
                let found = match &checks[id] {
                    Check::Any => Kinds::ALL,
                    Check::Nil => Kinds::NIL,
                    Check::Boolean => Kinds::BOOLEAN,
                    Check::Number => Kinds::INTEGER.or(Kinds::FLOAT),
                    Check::Integer => Kinds::INTEGER,
                    Check::String => Kinds::STRING,
                    Check::Table | Check::Object(_) | Check::Channel => Kinds::TABLE,
                    Check::Callable => Kinds::FUNCTION,
                    Check::Bool(b) => {
                        if *b {
                            Kinds::TRUE
                        } else {
                            Kinds::FALSE
                        }
                    }
                    Check::Optional(inner) => of(inner).or(Kinds::NIL),
                    Check::Union(range) | Check::OneOf(range) => {
                        let members = &members[range.start as usize..range.end as usize];
                        members.iter().map(of).fold(Kinds::NONE, Kinds::or)
                    }
                    Check::Intersection(range) => {
                        let members = &members[range.start as usize..range.end as usize];
                        members.iter().map(of).fold(Kinds::ALL, Kinds::and)
                    }
                    Check::Annotated(inner, range) => {
                        let constraints = &constraints[range.start as usize..range.end as usize];
                        constraints.iter().fold(of(inner), |kinds, c| kinds.without(c.concerns()))
                    }
                    _ => Kinds::NONE,
                };
                changed |= found != kinds[id];
                kinds[id] = found;
            }
            if !changed {
                break;
            }
        }
        for (field, probe) in fields.iter().zip(probes) {
            let absent = if field.optional { Kinds::NIL } else { Kinds::NONE };
            probe.kinds = kinds[field.check as usize].or(absent);
        }
        kinds.into()
    }

    /// Finds the checks that reach no other module's type and none that cannot be checked.
    fn find_own(&self) -> Box<[bool]> {
        let Parts { checks, fields, members, .. } = &self.program;
        let mut own = vec![true; checks.len()];
        loop {
            let mut changed = false;
            for id in (0..checks.len()).rev() {
                let is_own = |part: &CheckId| own[*part as usize];
                let still = own[id]
                    && match &checks[id] {
                        Check::Imported(_) | Check::Deferred(_) | Check::Unresolved | Check::Endless => false,
                        Check::Optional(inner) | Check::Annotated(inner, _) | Check::Array(inner) => {
                            is_own(inner)
                        }
                        Check::Map { key, value, .. } => is_own(key) && is_own(value),
                        Check::Record(range) => {
                            fields[range.start as usize..range.end as usize].iter().all(|f| is_own(&f.check))
                        }
                        Check::Union(range) | Check::OneOf(range) | Check::Intersection(range) => {
                            members[range.start as usize..range.end as usize].iter().all(is_own)
                        }
                        _ => true,
                    };
                changed |= still != own[id];
                own[id] = still;
            }
            if !changed {
                return own.into();
            }
        }
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
        let p = program("type A = A?; return A");
        assert!(matches!(p.check(0), Check::Optional(_)));
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

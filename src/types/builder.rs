//! From a type to its program: each type that is a part of another becomes a check once, in the order in which they are met.
//!
//! Nothing recurses over types here. Types may grow without end when they are expanded: checks, parts and steps are limited, and
//! what is beyond is [`Check::Endless`].

use super::builtin;
use super::constraint::Constraint;
use super::program::{Check, CheckId, FieldCheck, Import, Indices, Program};
use super::render;
use super::term::{Imports, Key, Terms};
use crate::bytecode::types::{Field, Primitive, Type, TypeId, TypeRef, primitive};
use crate::limits::{
    MAX_LEAF_DEPTH, MAX_PROGRAM_STEPS, MAX_STEPS_PER_CHECK, MAX_TYPE_CHECKS, MAX_TYPE_INSTANCES,
    MAX_TYPE_PARTS, MAX_TYPE_STEPS, MAX_TYPE_TURNS, MAX_UNIONS_JOINED,
};
use crate::vm::native::{Kinds, Probe};
use crate::vm::type_value::name_hash;
use hashbrown::{HashMap, HashSet};
use std::cell::Cell;
use std::collections::VecDeque;

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
}

#[derive(Default)]
pub(super) struct Parts {
    pub(super) checks: Vec<Check>,
    pub(super) fields: Vec<FieldCheck>,
    pub(super) probes: Vec<Probe>,
    pub(super) members: Vec<CheckId>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) texts: Vec<Box<[u8]>>,
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

pub(super) struct Builder<'t> {
    terms: &'t Terms<'t>,
    absent: &'t Absent,
    known: HashMap<Key, CheckId, foldhash::fast::FixedState>,
    queue: VecDeque<(CheckId, TypeRef)>,
    /// Types with arguments so far.
    instances: usize,
    pub(super) program: Parts,
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
}

impl Parts {
    /// The parts of a check that are about the same value.
    pub(super) fn of_value(&self, check: &Check) -> Vec<CheckId> {
        let mut list = Vec::new();
        if !matches!(check, Check::Array(_) | Check::Map { .. } | Check::Record(_)) {
            self.parts(check, &mut |part| list.push(part));
        }
        list
    }

    /// A check with other parts in place of those that are about the same value.
    pub(super) fn with_parts(&mut self, original: CheckId, parts: &[CheckId]) -> Check {
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

    pub(super) fn members_of(&self, range: &Indices) -> &[CheckId] {
        &self.members[range.start as usize..range.end as usize]
    }

    pub(super) fn constraints_of(&self, range: &Indices) -> &[Constraint] {
        &self.constraints[range.start as usize..range.end as usize]
    }

    /// The checks that a check refers to.
    pub(super) fn parts(&self, check: &Check, each: &mut dyn FnMut(CheckId)) {
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

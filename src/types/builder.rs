//! From a type to its program: each type that is a part of another becomes a check once, in the order in which they are met.
//!
//! Nothing recurses over types here. Types may grow without end when they are expanded: checks, parts and steps are limited, and
//! what is beyond is [`Check::Endless`].

use super::builtin;
use super::constraint::Constraint;
use super::origin::{Absent, Look, Origin};
use super::program::{Check, CheckId, FieldCheck, Import, Indices, Program};
use super::term::{Key, Terms};
use crate::bytecode::types::{Field, Primitive, Type, TypeId, TypeRef};
use crate::limits::{
    MAX_LEAF_DEPTH, MAX_PROGRAM_STEPS, MAX_STEPS_PER_CHECK, MAX_TYPE_CHECKS, MAX_TYPE_INSTANCES,
    MAX_TYPE_PARTS, MAX_TYPE_STEPS,
};
use crate::turns::{step, step_at};
use crate::vm::native::{Kinds, Probe};
use crate::vm::type_value::name_hash;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::sync::OnceLock;

/// Members, fields and validators that are as much work as a step.
const PARTS: usize = 4;

impl Program {
    /// Compiles a type. `None` if that takes more steps than `most`, or if it is done in turns and nobody wants it any more.
    #[must_use]
    pub fn compile(ty: &TypeRef, most: Option<usize>) -> Option<Self> {
        let absent = Absent::default();
        let terms = Terms::new(&absent);
        terms.grant(MAX_PROGRAM_STEPS - MAX_TYPE_STEPS);
        let mut builder = Builder {
            look: Look { terms: &terms, absent: &absent },
            known: HashMap::default(),
            queue: VecDeque::new(),
            instances: 0,
            endless: None,
            work: 0,
            most,
            program: Parts::default(),
        };
        builder.check(ty.clone(), Origin::Whole);
        while let Some((id, ty)) = builder.queue.pop_front() {
            let check = builder.compile(id, &ty);
            builder.program.checks[id as usize] = check;
            let told = builder.work;
            builder.work = builder.program.work();
            if !step(builder.work - told) || builder.is_too_much() {
                return None;
            }
        }
        builder.join_unions();
        if builder.is_too_much() {
            return None;
        }
        builder.unroll();
        let dependents = builder.dependents();
        let leaves = builder.find_leaves(&dependents);
        let own = builder.find_own(&dependents);
        let kinds = builder.find_kinds(&dependents);
        let steps = terms.steps_done() + builder.work;
        let parts = builder.program;
        Some(Self {
            steps,
            leaves,
            own,
            kinds,
            checks: parts.checks.into(),
            fields: parts.fields.into(),
            probes: parts.probes.into(),
            members: parts.members.into(),
            constraints: parts.constraints.into(),
            texts: parts.origins.iter().map(|_| OnceLock::new()).collect(),
            origins: parts.origins.into(),
        })
    }
}

#[derive(Default)]
pub(super) struct Parts {
    pub(super) checks: Vec<Check>,
    pub(super) fields: Vec<FieldCheck>,
    pub(super) probes: Vec<Probe>,
    pub(super) members: Vec<CheckId>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) origins: Vec<Origin>,
}

pub(super) struct Builder<'t> {
    look: Look<'t>,
    known: HashMap<Key, CheckId, foldhash::fast::FixedState>,
    queue: VecDeque<(CheckId, TypeRef)>,
    /// Types with arguments so far.
    instances: usize,
    /// The check of all that is too much.
    endless: Option<CheckId>,
    /// Steps besides those over types.
    pub(super) work: usize,
    /// Steps that may be taken in all.
    pub(super) most: Option<usize>,
    pub(super) program: Parts,
}

impl Builder<'_> {
    fn is_too_much(&self) -> bool {
        self.most.is_some_and(|most| self.look.terms.steps_done() + self.work > most)
    }

    /// The check of a type, if it has one.
    pub(super) fn known(&self, ty: &TypeRef) -> Option<CheckId> {
        self.known.get(&self.look.terms.key(ty)).copied()
    }

    /// The check of a type, to be compiled later: nothing recurses over types here.
    fn check(&mut self, ty: TypeRef, origin: Origin) -> CheckId {
        let key = self.look.terms.key(&ty);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let instances = self.instances + usize::from(ty.args.is_some());
        if instances > MAX_TYPE_INSTANCES || self.program.checks.len() >= MAX_TYPE_CHECKS {
            let program = &mut self.program;
            return *self.endless.get_or_insert_with(|| program.push(Check::Endless, origin));
        }
        self.instances = instances;
        let id = self.program.push(Check::Never, origin);
        self.known.insert(key, id);
        // One record may have any number of them.
        step_at(id as usize);
        self.look.terms.grant(MAX_STEPS_PER_CHECK);
        self.queue.push_back((id, ty));
        id
    }

    /// The check of a part of a type, whose own is `whole`.
    fn part(&mut self, whole: CheckId, ty: &TypeRef, part: TypeId) -> CheckId {
        self.check(ty.part(part), Origin::Part(whole, part))
    }

    /// True if there is room for so many more fields, members or validators.
    fn has_room(&self, more: usize) -> bool {
        let parts = &self.program;
        parts.fields.len() + parts.members.len() + parts.constraints.len() + more <= MAX_TYPE_PARTS
    }

    fn parts(&mut self, whole: CheckId, ty: &TypeRef, ids: &[TypeId]) -> Indices {
        let checks: Vec<CheckId> = ids.iter().map(|&id| self.part(whole, ty, id)).collect();
        let start = self.program.members.len() as u32;
        self.program.members.extend(checks);
        start..self.program.members.len() as u32
    }

    fn compile(&mut self, id: CheckId, ty: &TypeRef) -> Check {
        self.look.terms.refill();
        let ty = match self.look.bare(ty) {
            Ok(structure) => structure,
            Err(part) => return Check::Deferred(Box::new(part)),
        };
        if !self.look.terms.has_steps() {
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
            Type::Optional(inner) => Check::Optional(self.part(id, &ty, *inner)),
            Type::Array(item) => Check::Array(self.part(id, &ty, *item)),
            Type::Map(key, value) => {
                let numeric = self.accepts_numbers(&ty.part(*key), 0);
                let (key, value) = (self.part(id, &ty, *key), self.part(id, &ty, *value));
                Check::Map { key, value, numeric }
            }
            Type::Record(fields) if fields.is_empty() => Check::Table,
            Type::Record(fields) if !self.has_room(fields.len()) => Check::Endless,
            Type::Record(fields) => self.record(id, &ty, fields),
            Type::Union(members) | Type::Intersection(members) if !self.has_room(members.len()) => {
                Check::Endless
            }
            Type::Union(members) => Check::Union(self.parts(id, &ty, members)),
            Type::Intersection(members) => Check::Intersection(self.parts(id, &ty, members)),
            Type::Annotated(..) if !self.has_room(1) => Check::Endless,
            Type::Annotated(..) => self.annotated(id, &ty),
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

    fn record(&mut self, whole: CheckId, ty: &TypeRef, fields: &[Field]) -> Check {
        let checks: Vec<FieldCheck> = fields
            .iter()
            .map(|field| FieldCheck { check: self.part(whole, ty, field.ty), optional: field.optional })
            .collect();
        let start = self.program.fields.len() as u32;
        self.program.fields.extend(checks);
        self.program.probes.extend(fields.iter().map(|field| Probe::new(&field.name, Kinds::NONE)));
        Check::Record(start..self.program.fields.len() as u32)
    }

    /// The inner type first, then its validators from left to right.
    fn annotated(&mut self, whole: CheckId, ty: &TypeRef) -> Check {
        let mut ty = ty.clone();
        let mut constraints = Vec::new();
        while let Type::Annotated(inner, annotation) = ty.node() {
            constraints.extend(Constraint::new(annotation));
            ty = ty.part(*inner);
        }
        let inner = self.check(ty, Origin::Inner(whole));
        let start = self.program.constraints.len() as u32;
        self.program.constraints.extend(constraints.into_iter().rev());
        Check::Annotated(inner, start..self.program.constraints.len() as u32)
    }

    fn accepts_numbers(&self, ty: &TypeRef, depth: usize) -> bool {
        let ty = self.look.terms.structure(ty);
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
}

impl Parts {
    pub(super) fn push(&mut self, check: Check, origin: Origin) -> CheckId {
        self.checks.push(check);
        self.origins.push(origin);
        self.checks.len() as CheckId - 1
    }

    /// Steps that it took to get so far.
    fn work(&self) -> usize {
        self.checks.len() + (self.fields.len() + self.members.len() + self.constraints.len()) / PARTS
    }

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

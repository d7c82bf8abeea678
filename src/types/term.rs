//! What types mean: aliases, imports and type operators followed until the structure shows.
//!
//! Aliases may be recursive, with growing arguments even, so following them may never end by itself: a [`Terms`] has a bounded
//! amount of steps for all that is done with it, and says `unknown` when they are used up. That names lead in a circle shows much
//! sooner in most cases ([`Trail`]): as many names of one pool as it has, one straight after the other, are at least one twice.

use crate::bytecode::types::{Args, Field, Primitive, Type, TypeArgs, TypeId, TypePool, TypeRef, primitive};
use crate::limits::{MAX_TYPE_DEPTH, MAX_TYPE_STEPS, MAX_TYPE_TURNS, TURN_STEPS};
use crate::turns;
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Where types of other modules come from.
pub trait Imports {
    /// The type that a module exports under a name.
    fn imported(&self, module: &[u8], name: &[u8]) -> Option<TypeRef>;
}

/// Types made of names that are as much work as a step.
const PIECES: usize = 4;

/// Steps of work in turns that are told at a time.
const STEPS_TOLD: usize = TURN_STEPS as usize;

/// Names looked at that are as much work as a step.
const NAMES: usize = 64;

/// A type as a key: equal keys are the same type written in the same place.
pub(super) type Key = (usize, TypeId, u32);

/// Work on types: their imports, the steps left, and keys for types with arguments.
pub struct Terms<'a> {
    imports: &'a dyn Imports,
    steps: Cell<usize>,
    /// Steps of those allowed in all that are still to be given out.
    reserve: Cell<usize>,
    done: Cell<usize>,
    depth: Cell<usize>,
    keys: RefCell<Keys>,
    /// What operators make; nothing while that is being found out.
    made: RefCell<HashMap<Key, Option<TypeRef>, foldhash::fast::FixedState>>,
    /// Types asked for that no module had.
    missing: Cell<usize>,
    /// The pool of the newest key, which is kept.
    newest_pool: Cell<usize>,
}

#[derive(Default)]
struct Keys {
    /// The pools of all keys. They are kept, so that no address is used twice: operators make pools that nobody else keeps.
    pools: HashMap<usize, Arc<TypePool>, foldhash::fast::FixedState>,
    /// Numbers of argument lists by address. The lists are kept, so that no address is used twice.
    by_address: HashMap<usize, (u32, TypeArgs), foldhash::fast::FixedState>,
    by_content: HashMap<Vec<Key>, u32, foldhash::fast::FixedState>,
}

/// A type made here: `types` refer to `args` as their type parameters, the last one is it.
fn synthetic(types: Vec<Type>, args: Vec<TypeRef>) -> TypeRef {
    let last = TypeId(types.len() as u32 - 1);
    let pool = TypePool::new(types, Vec::new(), Vec::new()).expect("parts stand before the whole");
    let pool = Arc::new(pool);
    let args = (!args.is_empty()).then(|| Args::new(args));
    TypeRef { args: if pool.is_open(last) { args } else { None }, pool, id: last }
}

/// A union of types; `never` of none.
pub(super) fn union(members: Vec<TypeRef>) -> TypeRef {
    match <[TypeRef; 1]>::try_from(members) {
        Ok([one]) => one,
        Err(members) if members.is_empty() => primitive(Primitive::Never),
        Err(members) => {
            let count = members.len() as u32;
            let mut types: Vec<Type> = (0..count).map(Type::Param).collect();
            types.push(Type::Union((0..count).map(TypeId).collect()));
            synthetic(types, members)
        }
    }
}

/// `T?`
fn optional(ty: TypeRef) -> TypeRef {
    synthetic(vec![Type::Param(0), Type::Optional(TypeId(0))], vec![ty])
}

/// Several values.
pub(super) fn tuple(items: Vec<TypeRef>) -> TypeRef {
    let count = items.len() as u32;
    let mut types: Vec<Type> = (0..count).map(Type::Param).collect();
    types.push(Type::Tuple((0..count).map(TypeId).collect()));
    synthetic(types, items)
}

/// A generic alias with arguments.
#[must_use]
pub fn instance(generic: &TypeRef, args: Vec<TypeRef>) -> TypeRef {
    TypeRef { args: Some(Args::new(args)), ..generic.clone() }
}

/// Number of type parameters that a type still wants.
#[must_use]
pub fn arity(ty: &TypeRef) -> usize {
    match ty.node() {
        Type::Alias(alias) if ty.args.is_none() => ty.pool.aliases()[*alias as usize].params.len(),
        _ => 0,
    }
}

/// Where the names led on the way to a structure.
#[derive(Default)]
struct Trail {
    /// A type passed earlier, which moves on ever more rarely: met again, it means nothing (`type A = A`).
    earlier: Option<TypeRef>,
    steps: usize,
    /// Names that stood directly for each other, without a look at arguments, operators or modules.
    names: usize,
    /// Other steps: no bound on their number follows from the types.
    turns: usize,
}

/// Whether to follow a trail further.
enum Course {
    On,
    /// It leads in a circle.
    Circle,
    /// It is longer than that of any real type.
    Astray,
}

impl Trail {
    fn follow(&mut self, ty: &TypeRef) -> Course {
        self.steps += 1;
        if self.earlier.as_ref().is_some_and(|earlier| earlier.is_same(ty)) {
            return Course::Circle;
        }
        if self.steps.is_power_of_two() {
            self.earlier = Some(ty.clone());
        }
        let aliases = ty.pool.aliases();
        let body = match ty.node() {
            Type::Alias(alias) | Type::Apply(alias, _) => {
                aliases.get(*alias as usize).map(|alias| alias.body)
            }
            _ => None,
        };
        if body.is_some_and(|body| !matches!(ty.pool.get(body), Type::Param(_))) {
            self.names += 1;
            // What follows such a name depends on the name alone.
            if self.names > aliases.len() { Course::Circle } else { Course::On }
        } else {
            self.names = 0;
            self.turns += 1;
            if self.turns > MAX_TYPE_TURNS { Course::Astray } else { Course::On }
        }
    }
}

impl<'a> Terms<'a> {
    #[must_use]
    pub fn new(imports: &'a dyn Imports) -> Self {
        Self {
            imports,
            steps: Cell::new(MAX_TYPE_STEPS),
            reserve: Cell::new(0),
            done: Cell::new(0),
            depth: Cell::new(0),
            keys: RefCell::default(),
            made: RefCell::default(),
            missing: Cell::new(0),
            newest_pool: Cell::new(0),
        }
    }

    /// Allows more steps, for later questions.
    pub(super) fn grant(&self, steps: usize) {
        self.reserve.set(self.reserve.get() + steps);
    }

    /// Starts counting the steps of a question anew, as far as there are steps left.
    pub(super) fn refill(&self) {
        let all = self.steps.get() + self.reserve.get();
        let steps = all.min(MAX_TYPE_STEPS);
        self.steps.set(steps);
        self.reserve.set(all - steps);
    }

    /// Ends a question: what is found from here on is unknown. The steps it did not take are not lost.
    pub(super) fn give_up(&self) -> TypeRef {
        self.reserve.set(self.reserve.get() + self.steps.replace(0));
        primitive(Primitive::Unknown)
    }

    /// Steps done so far.
    #[must_use]
    pub fn steps_done(&self) -> usize {
        self.done.get()
    }

    /// False once all steps are used up.
    pub(super) fn has_steps(&self) -> bool {
        self.steps.get() > 0
    }

    /// Pays for one step; false when there are none left.
    pub(super) fn step(&self) -> bool {
        self.pay(1)
    }

    /// Pays for work that is as much as so many steps.
    pub(super) fn pay(&self, steps: usize) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(steps));
        let done = self.done.get() + steps;
        if self.done.replace(done) / STEPS_TOLD != done / STEPS_TOLD {
            // Who does not want the answer any more gets it late.
            turns::step(STEPS_TOLD);
        }
        left >= steps
    }

    /// Runs `f` one level deeper; `None` if that is too deep.
    pub(super) fn deeper<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        if self.depth.get() >= MAX_TYPE_DEPTH {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let r = f();
        self.depth.set(self.depth.get() - 1);
        Some(r)
    }

    /// The key of a type.
    pub(super) fn key(&self, ty: &TypeRef) -> Key {
        let args = ty.args.as_ref().map_or(0, |args| self.args_number(args));
        let pool = Arc::as_ptr(&ty.pool) as usize;
        if self.newest_pool.replace(pool) != pool {
            self.keys.borrow_mut().pools.entry(pool).or_insert_with(|| Arc::clone(&ty.pool));
        }
        // All mentions of an alias are one.
        let id = match ty.node() {
            Type::Alias(alias) => TypeId(u32::MAX - alias),
            _ => ty.id,
        };
        (pool, id, args)
    }

    fn args_number(&self, args: &TypeArgs) -> u32 {
        let address = Arc::as_ptr(args) as usize;
        if let Some((number, _)) = self.keys.borrow().by_address.get(&address) {
            return *number;
        }
        // Arguments come from types that were there before, so this ends; too deep ones are told apart by address alone.
        let content: Vec<Key> = self
            .deeper(|| args.iter().map(|arg| self.key(arg)).collect())
            .unwrap_or_else(|| vec![(address, TypeId(u32::MAX), 0)]);
        let mut keys = self.keys.borrow_mut();
        let next = keys.by_content.len() as u32 + 1;
        let number = *keys.by_content.entry(content).or_insert(next);
        keys.by_address.insert(address, (number, Arc::clone(args)));
        number
    }

    /// The structure behind names and operators. What remains an alias is a generic one without arguments; what remains
    /// imported or unresolved cannot be found.
    #[must_use]
    pub fn expand(&self, ty: &TypeRef) -> TypeRef {
        let mut ty = ty.clone();
        let mut trail = Trail::default();
        loop {
            if !self.step() {
                return primitive(Primitive::Unknown);
            }
            match trail.follow(&ty) {
                Course::On => {}
                Course::Circle => return primitive(Primitive::Unknown),
                Course::Astray => return self.give_up(),
            }
            ty = match ty.node() {
                Type::Alias(alias) => {
                    let alias = &ty.pool.aliases()[*alias as usize];
                    if ty.args.is_none() && !alias.params.is_empty() {
                        return ty;
                    }
                    ty.part(alias.body)
                }
                Type::Apply(alias, args) => {
                    let body = ty.pool.aliases()[*alias as usize].body;
                    if !ty.pool.is_open(body) {
                        TypeRef::new(&ty.pool, body)
                    } else if let Type::Param(i) = ty.pool.get(body) {
                        // What the other arguments are does not matter.
                        args.get(*i as usize)
                            .map_or_else(|| primitive(Primitive::Unknown), |&arg| ty.part(arg))
                    } else {
                        let args = Args::new(args.iter().map(|&arg| ty.part(arg)).collect());
                        TypeRef { pool: Arc::clone(&ty.pool), id: body, args: Some(args) }
                    }
                }
                Type::Imported(module, name, args) => {
                    let Some(found) = self.imports.imported(module, name) else {
                        self.missing.set(self.missing.get() + 1);
                        return ty;
                    };
                    let args: Vec<TypeRef> = args.iter().map(|&arg| ty.part(arg)).collect();
                    match (args.len(), arity(&found)) {
                        (0, _) => found,
                        (given, wanted) if given == wanted => instance(&found, args),
                        _ => return primitive(Primitive::Unknown),
                    }
                }
                Type::Keyof(of) => {
                    let of = ty.part(*of);
                    return self.nested(&ty, || self.keyof(&of));
                }
                Type::Indexed(object, key) => {
                    let (object, key) = (ty.part(*object), ty.part(*key));
                    self.nested(&ty, || self.indexed(&object, &key))
                }
                Type::Conditional(parts) => self.nested(&ty, || self.conditional(&ty, parts)),
                _ => return ty,
            };
        }
    }

    /// As [`Self::expand`], and without what only restricts values or writing.
    #[must_use]
    pub fn structure(&self, ty: &TypeRef) -> TypeRef {
        let mut ty = self.expand(ty);
        let mut layers = 0;
        while let Type::Annotated(inner, _) | Type::Readonly(inner) = ty.node() {
            layers += 1;
            if layers > MAX_TYPE_TURNS {
                return self.give_up();
            }
            ty = self.expand(&ty.part(*inner));
        }
        ty
    }

    /// What an operator makes, found once. If that depends on itself, it is not found.
    fn nested(&self, ty: &TypeRef, f: impl FnOnce() -> TypeRef) -> TypeRef {
        let key = self.key(ty);
        if let Some(known) = self.made.borrow().get(&key) {
            return known.clone().unwrap_or_else(|| self.give_up());
        }
        self.made.borrow_mut().insert(key, None);
        let missing = self.missing.get();
        let made = self.deeper(f).unwrap_or_else(|| self.give_up());
        // What modules have is asked for each time: it is noted who asks for what is not there.
        if self.has_steps() && self.missing.get() == missing {
            self.made.borrow_mut().insert(key, Some(made.clone()));
        } else {
            self.made.borrow_mut().remove(&key);
        }
        made
    }

    fn keyof(&self, of: &TypeRef) -> TypeRef {
        let of = self.structure(of);
        match of.node() {
            Type::Record(fields) | Type::Interface(_, fields) => {
                self.pay(fields.len() / PIECES);
                let mut types: Vec<Type> =
                    fields.iter().map(|field| Type::StringLiteral(field.name.clone())).collect();
                match types.len() {
                    0 => return primitive(Primitive::Never),
                    1 => {}
                    n => types.push(Type::Union((0..n as u32).map(TypeId).collect())),
                }
                synthetic(types, Vec::new())
            }
            Type::Map(key, _) => self.expand(&of.part(*key)),
            Type::Array(_) => primitive(Primitive::Integer),
            _ => primitive(Primitive::Unknown),
        }
    }

    fn indexed(&self, object: &TypeRef, key: &TypeRef) -> TypeRef {
        let (object, key) = (self.structure(object), self.structure(key));
        match (object.node(), key.node()) {
            (Type::Record(fields) | Type::Interface(_, fields), Type::StringLiteral(name)) => {
                self.pay(fields.len() / NAMES);
                match fields.iter().find(|field| field.name == *name) {
                    Some(field) if field.optional => optional(object.part(field.ty)),
                    Some(field) => object.part(field.ty),
                    None => primitive(Primitive::Unknown),
                }
            }
            (Type::Map(_, value), _) => object.part(*value),
            (
                Type::Array(item),
                Type::Primitive(Primitive::Integer | Primitive::Number) | Type::IntegerLiteral(_),
            ) => object.part(*item),
            _ => primitive(Primitive::Unknown),
        }
    }

    /// `A extends B ? C : D`: for each member of `A`, if that is a union.
    fn conditional(&self, ty: &TypeRef, parts: &[TypeId; 4]) -> TypeRef {
        let [subject, extends, then, otherwise] = *parts;
        let members = self.members(&ty.part(subject));
        let results = members
            .into_iter()
            .map(|member| {
                // A type parameter that is asked about stands for the member in the answer.
                let ty = match (ty.pool.get(subject), &ty.args) {
                    (Type::Param(i), Some(args)) => {
                        let mut args = args.to_vec();
                        if let Some(arg) = args.get_mut(*i as usize) {
                            arg.clone_from(&member);
                        }
                        TypeRef { args: Some(Args::new(args)), ..ty.clone() }
                    }
                    _ => ty.clone(),
                };
                let chosen = if self.is_subtype(&member, &ty.part(extends)) { then } else { otherwise };
                ty.part(chosen)
            })
            .collect();
        union(results)
    }

    /// The members of a union; any other type itself.
    fn members(&self, ty: &TypeRef) -> Vec<TypeRef> {
        let shape = self.expand(ty);
        match shape.node() {
            Type::Union(members) => members.iter().map(|&member| shape.part(member)).collect(),
            // An operator has no name to keep, and would be worked out again each time it is looked at: twice for each level.
            _ if matches!(ty.node(), Type::Keyof(_) | Type::Indexed(..) | Type::Conditional(_)) => {
                vec![shape]
            }
            _ => vec![ty.clone()],
        }
    }

    /// A field of a record or interface, with those of the interfaces it extends.
    pub(super) fn field<'f>(&self, shape: &'f TypeRef, name: &[u8]) -> Option<(TypeRef, &'f Field)> {
        match shape.node() {
            Type::Record(fields) | Type::Interface(_, fields) => {
                self.pay(fields.len() / NAMES);
                let field = fields.iter().find(|field| *field.name == *name)?;
                Some((shape.part(field.ty), field))
            }
            _ => None,
        }
    }
}

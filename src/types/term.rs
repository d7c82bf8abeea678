//! What types mean: aliases, imports and type operators followed until the structure shows.
//!
//! Aliases may be recursive, with growing arguments even, so following them may never end by itself: a [`Terms`] has a bounded
//! amount of steps for all that is done with it, and says `unknown` when they are used up.

use crate::bytecode::types::{Args, Field, Primitive, Type, TypeArgs, TypeId, TypePool, TypeRef, primitive};
use crate::limits::{MAX_TYPE_DEPTH, MAX_TYPE_STEPS};
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Where types of other modules come from.
pub trait Imports {
    /// The type that a module exports under a name.
    fn imported(&self, module: &[u8], name: &[u8]) -> Option<TypeRef>;
}

/// A type as a key: equal keys are the same type written in the same place.
pub(super) type Key = (usize, TypeId, u32);

/// Work on types: their imports, the steps left, and keys for types with arguments.
pub struct Terms<'a> {
    imports: &'a dyn Imports,
    steps: Cell<usize>,
    depth: Cell<usize>,
    keys: RefCell<Keys>,
}

#[derive(Default)]
struct Keys {
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

impl<'a> Terms<'a> {
    #[must_use]
    pub fn new(imports: &'a dyn Imports) -> Self {
        Self { imports, steps: Cell::new(MAX_TYPE_STEPS), depth: Cell::new(0), keys: RefCell::default() }
    }

    /// Starts counting steps anew.
    pub(super) fn refill(&self) {
        self.steps.set(MAX_TYPE_STEPS);
    }

    /// Steps done so far.
    #[must_use]
    pub fn steps_done(&self) -> usize {
        MAX_TYPE_STEPS - self.steps.get()
    }

    /// False once all steps are used up.
    pub(super) fn has_steps(&self) -> bool {
        self.steps.get() > 0
    }

    /// Pays for one step; false when there are none left.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
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
        (Arc::as_ptr(&ty.pool) as usize, ty.id, args)
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
        // A type met again means nothing (`type A = A`): it is compared with one passed earlier, which moves on ever more rarely.
        let (mut earlier, mut steps) = (ty.clone(), 0_usize);
        loop {
            steps += 1;
            if !self.step() || (steps > 1 && ty.is_same(&earlier)) {
                return primitive(Primitive::Unknown);
            }
            if steps.is_power_of_two() {
                earlier.clone_from(&ty);
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
                    let args = Args::new(args.iter().map(|&arg| ty.part(arg)).collect());
                    let body = ty.pool.aliases()[*alias as usize].body;
                    TypeRef { pool: Arc::clone(&ty.pool), id: ty.id, args: Some(args) }.part(body)
                }
                Type::Imported(module, name, args) => {
                    let Some(found) = self.imports.imported(module, name) else { return ty };
                    let args: Vec<TypeRef> = args.iter().map(|&arg| ty.part(arg)).collect();
                    match (args.len(), arity(&found)) {
                        (0, _) => found,
                        (given, wanted) if given == wanted => instance(&found, args),
                        _ => return primitive(Primitive::Unknown),
                    }
                }
                Type::Keyof(of) => {
                    let of = ty.part(*of);
                    return self.nested(|| self.keyof(&of));
                }
                Type::Indexed(object, key) => {
                    let (object, key) = (ty.part(*object), ty.part(*key));
                    self.nested(|| self.indexed(&object, &key))
                }
                Type::Conditional(parts) => self.nested(|| self.conditional(&ty, parts)),
                _ => return ty,
            };
        }
    }

    /// As [`Self::expand`], and without what only restricts values or writing.
    #[must_use]
    pub fn structure(&self, ty: &TypeRef) -> TypeRef {
        let mut ty = self.expand(ty);
        while let Type::Annotated(inner, _) | Type::Readonly(inner) = ty.node() {
            ty = self.expand(&ty.part(*inner));
        }
        ty
    }

    fn nested(&self, f: impl FnOnce() -> TypeRef) -> TypeRef {
        self.deeper(f).unwrap_or_else(|| primitive(Primitive::Unknown))
    }

    fn keyof(&self, of: &TypeRef) -> TypeRef {
        let of = self.structure(of);
        match of.node() {
            Type::Record(fields) | Type::Interface(_, fields) => {
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
                let field = fields.iter().find(|field| *field.name == *name)?;
                Some((shape.part(field.ty), field))
            }
            _ => None,
        }
    }
}

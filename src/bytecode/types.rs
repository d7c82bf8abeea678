//! Types as plain data: what a chunk's `type` and `interface` statements mean, as the compiler found it out.
//!
//! 1. A [`TypePool`] is immutable and shared by everything made from one chunk: prototypes, linked code of any number of
//!    processes, type values. It knows nothing of heaps.
//! 2. Parts of a type have smaller indices than the type itself, so pools have no cycles and bounded depth
//!    (`limits::MAX_TYPE_DEPTH`). Recursion goes through [`Type::Alias`] and [`Type::Apply`] alone, which name an alias whose
//!    body may be anywhere. Whoever follows aliases must be prepared not to come to an end.
//! 3. A [`TypeRef`] is a type of a pool together with what its type parameters stand for.

use crate::limits::{MAX_KEPT_BYTES, MAX_KEPT_IN_ALL, MAX_KEPT_PER_TYPE, MAX_TYPE_DEPTH};
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// A type: index into its pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A named part of a record or interface.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    pub name: Box<[u8]>,
    pub optional: bool,
    pub ty: TypeId,
}

/// A parameter, with its name if it has one.
pub type Param = (Option<Box<[u8]>>, TypeId);

/// A function type.
#[derive(Clone, PartialEq, Debug)]
pub struct Signature {
    pub params: Box<[Param]>,
    pub vararg: Option<TypeId>,
    /// `None`: not declared.
    pub returns: Option<Box<[TypeId]>>,
}

/// The argument of a validator.
#[derive(Clone, PartialEq, Debug)]
pub enum Literal {
    Nil,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(Box<[u8]>),
}

/// `@name(first argument)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Annotation {
    pub name: Box<[u8]>,
    pub arg: Option<Literal>,
}

/// A type.
#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    Primitive(Primitive),
    Bool(bool),
    IntegerLiteral(i64),
    FloatLiteral(f64),
    StringLiteral(Box<[u8]>),
    /// Type parameter of the alias around it, by position.
    Param(u32),
    /// An alias by name; a generic one without its arguments.
    Alias(u32),
    /// A generic alias with as many arguments as it has parameters.
    Apply(u32, Box<[TypeId]>),
    /// A type of a library or module: module name, type name, arguments.
    Imported(Box<[u8]>, Box<[u8]>, Box<[TypeId]>),
    /// A name that is not defined in the chunk.
    Unresolved(Box<[u8]>),
    /// A channel of such values.
    Channel(Option<TypeId>),
    Optional(TypeId),
    Array(TypeId),
    Map(TypeId, TypeId),
    Readonly(TypeId),
    Keyof(TypeId),
    /// `T[K]`.
    Indexed(TypeId, TypeId),
    Union(Box<[TypeId]>),
    Intersection(Box<[TypeId]>),
    /// Several values, as a function returns them.
    Tuple(Box<[TypeId]>),
    Record(Box<[Field]>),
    /// Interfaces it extends, and its own fields and methods.
    Interface(Box<[TypeId]>, Box<[Field]>),
    Function(Box<Signature>),
    Annotated(TypeId, Box<Annotation>),
    /// `A extends B ? C : D`.
    Conditional([TypeId; 4]),
}

/// Does something with a reference to each direct part of a type. `iter` is `iter` or `iter_mut`, then with a `mut` at the end.
macro_rules! each_part {
    ($ty:expr, $iter:ident, |$part:ident| $visit:expr $(, $mutable:tt)?) => {{
        let mut one = |$part: &$($mutable)? TypeId| $visit;
        match $ty {
            Type::Primitive(_)
            | Type::Bool(_)
            | Type::IntegerLiteral(_)
            | Type::FloatLiteral(_)
            | Type::StringLiteral(_)
            | Type::Param(_)
            | Type::Alias(_)
            | Type::Unresolved(_)
            | Type::Channel(None) => {}
            Type::Channel(Some(t))
            | Type::Optional(t)
            | Type::Array(t)
            | Type::Readonly(t)
            | Type::Keyof(t)
            | Type::Annotated(t, _) => one(t),
            Type::Map(a, b) | Type::Indexed(a, b) => {
                one(a);
                one(b);
            }
            Type::Apply(_, list)
            | Type::Imported(_, _, list)
            | Type::Union(list)
            | Type::Intersection(list)
            | Type::Tuple(list) => list.$iter().for_each(one),
            Type::Record(fields) => fields.$iter().for_each(|f| one(&$($mutable)? f.ty)),
            Type::Interface(bases, fields) => {
                bases.$iter().for_each(&mut one);
                fields.$iter().for_each(|f| one(&$($mutable)? f.ty));
            }
            Type::Function(signature) => {
                signature.params.$iter().for_each(|(_, t)| one(t));
                signature.vararg.$iter().for_each(&mut one);
                signature.returns.$iter().flatten().for_each(one);
            }
            Type::Conditional(parts) => parts.$iter().for_each(one),
        }
    }};
}

impl Type {
    /// The fields of a record.
    #[must_use]
    pub fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Record(fields) => Some(fields),
            _ => None,
        }
    }

    /// Visits the direct parts.
    pub fn parts(&self, visit: &mut dyn FnMut(TypeId)) {
        each_part!(self, iter, |part| visit(*part));
    }

    /// Replaces the numbers of parts and aliases.
    pub fn renumber(&mut self, part: &dyn Fn(TypeId) -> TypeId, alias: &dyn Fn(u32) -> u32) {
        if let Self::Alias(number) | Self::Apply(number, _) = self {
            *number = alias(*number);
        }
        each_part!(self, iter_mut, |id| *id = part(*id), mut);
    }

    /// Memory behind the type itself.
    fn bytes(&self) -> usize {
        let fields =
            |fields: &[Field]| fields.iter().map(|f| size_of::<Field>() + f.name.len()).sum::<usize>();
        match self {
            Self::StringLiteral(s) | Self::Unresolved(s) => s.len(),
            Self::Apply(_, list) | Self::Union(list) | Self::Intersection(list) | Self::Tuple(list) => {
                size_of_val(&**list)
            }
            Self::Imported(module, name, args) => module.len() + name.len() + size_of_val(&**args),
            Self::Record(list) => fields(list),
            Self::Interface(bases, list) => size_of_val(&**bases) + fields(list),
            Self::Function(s) => {
                size_of::<Signature>()
                    + s.params
                        .iter()
                        .map(|param| size_of::<Param>() + param.0.as_ref().map_or(0, |name| name.len()))
                        .sum::<usize>()
                    + s.returns.as_ref().map_or(0, |list| size_of_val(&**list))
            }
            Self::Annotated(_, a) => size_of::<Annotation>() + a.name.len(),
            _ => 0,
        }
    }
}

/// A type parameter of a generic alias.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeParam {
    pub name: Box<[u8]>,
    pub bound: Option<TypeId>,
}

/// A named type.
#[derive(Clone, PartialEq, Debug)]
pub struct Alias {
    pub name: Box<[u8]>,
    pub params: Box<[TypeParam]>,
    pub body: TypeId,
}

/// When a name in an expression means a type although a global of that name has a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hidden {
    /// Never: the global wins.
    Never,
    /// When that value is a table which cannot be called: `string(x)`.
    Uncallable,
    /// When that value is a table without this field: `string:is(x)`.
    Without(Box<[u8]>),
}

/// A type that code of the chunk may ask for by name, or without name by `typeof`.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeValue {
    pub name: Option<Box<[u8]>>,
    pub hidden: Hidden,
    pub ty: TypeId,
}

/// What there is to know about a [`TypeValue`] while a program runs.
pub struct Named {
    /// Hash of its name, 0 if it has none.
    pub hash: u32,
    /// Address of what identifies the type, 0 if the type has to be looked at.
    pub node: usize,
}

/// Why a pool was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadTypes;

/// The types of a chunk.
pub struct TypePool {
    types: Box<[Type]>,
    aliases: Box<[Alias]>,
    values: Box<[TypeValue]>,
    /// Types that contain type parameters.
    open: Box<[bool]>,
    /// What the layer above makes of an alias, once for all processes.
    slots: Box<[OnceLock<Arc<dyn Any + Send + Sync>>]>,
    /// Bytes of what is in the slots.
    kept: AtomicUsize,
    /// Owners in the process whose code this is, and bytes on its account; none if it is the program's.
    owners: AtomicUsize,
    charged: AtomicUsize,
    /// What the layer above needs to find the values quickly.
    named: OnceLock<Box<[Named]>>,
}

/// Bytes of what is in the slots of all pools.
static KEPT: AtomicUsize = AtomicUsize::new(0);

impl Drop for TypePool {
    fn drop(&mut self) {
        KEPT.fetch_sub(*self.kept.get_mut(), Ordering::Relaxed);
    }
}

impl PartialEq for TypePool {
    fn eq(&self, other: &Self) -> bool {
        self.types == other.types && self.aliases == other.aliases && self.values == other.values
    }
}

impl std::fmt::Debug for TypePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypePool")
            .field("types", &self.types)
            .field("aliases", &self.aliases)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

impl TypePool {
    /// Checks what the header of this file promises.
    ///
    /// # Errors
    /// An index that is not there, a part behind its whole, or types too deep.
    pub fn new(types: Vec<Type>, aliases: Vec<Alias>, values: Vec<TypeValue>) -> Result<Self, BadTypes> {
        let mut open = Vec::with_capacity(types.len());
        let mut depths: Vec<usize> = Vec::with_capacity(types.len());
        for (i, ty) in types.iter().enumerate() {
            let mut is_open = matches!(ty, Type::Param(_));
            let (mut deepest, mut ok) = (0, true);
            ty.parts(&mut |part| match depths.get(part.0 as usize) {
                Some(&depth) if (part.0 as usize) < i => {
                    deepest = deepest.max(depth);
                    is_open |= open[part.0 as usize];
                }
                _ => ok = false,
            });
            let known = match ty {
                Type::Alias(alias) => (*alias as usize) < aliases.len(),
                Type::Apply(alias, args) => aliases
                    .get(*alias as usize)
                    .is_some_and(|alias| alias.params.len() == args.len() && !args.is_empty()),
                _ => true,
            };
            if !ok || !known || deepest >= MAX_TYPE_DEPTH {
                return Err(BadTypes);
            }
            open.push(is_open);
            depths.push(deepest + 1);
        }
        let exists = |t: TypeId| (t.0 as usize) < types.len();
        let ok =
            aliases.iter().all(|a| exists(a.body) && a.params.iter().all(|p| p.bound.is_none_or(exists)))
                && values.iter().all(|v| exists(v.ty));
        if !ok {
            return Err(BadTypes);
        }
        let slots = aliases.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            types: types.into(),
            aliases: aliases.into(),
            values: values.into(),
            open: open.into(),
            slots,
            kept: AtomicUsize::new(0),
            owners: AtomicUsize::new(0),
            charged: AtomicUsize::new(0),
            named: OnceLock::new(),
        })
    }

    #[must_use]
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    #[must_use]
    pub fn values(&self) -> &[TypeValue] {
        &self.values
    }

    /// What `make` finds out about the values, once. It is the same function in every call.
    #[inline]
    pub fn named(&self, make: fn(&Self) -> Box<[Named]>) -> &[Named] {
        self.named.get_or_init(|| make(self))
    }

    /// A type of this pool.
    ///
    /// # Panics
    /// If it is of another pool.
    #[must_use]
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// True if the type contains type parameters.
    #[must_use]
    pub fn is_open(&self, id: TypeId) -> bool {
        self.open[id.0 as usize]
    }

    /// What is kept for an alias.
    #[must_use]
    pub fn slot(&self, alias: u32) -> &OnceLock<Arc<dyn Any + Send + Sync>> {
        &self.slots[alias as usize]
    }

    /// Takes room for something that the pool is to keep for an alias. False if that would be out of proportion to the types: more
    /// than types that are written so need.
    pub fn take_room(&self, bytes: usize) -> bool {
        let room = self.types.len().saturating_mul(MAX_KEPT_PER_TYPE).min(MAX_KEPT_BYTES);
        let take = |kept: &AtomicUsize, room| {
            let more = |kept: usize| kept.checked_add(bytes).filter(|&kept| kept <= room);
            kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
        };
        if !take(&self.kept, room) {
            return false;
        }
        let taken = take(&KEPT, MAX_KEPT_IN_ALL);
        if !taken {
            self.kept.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// A process's code brings the pool. Gives the bytes for its account.
    #[must_use]
    pub fn bring(&self) -> usize {
        self.owners.store(1, Ordering::Relaxed);
        let bytes = self.bytes();
        self.charged.store(bytes, Ordering::Relaxed);
        bytes
    }

    /// One more owner. False: the pool is on no account.
    #[must_use]
    pub fn join(&self) -> bool {
        let is_own = self.owners.load(Ordering::Relaxed) > 0;
        if is_own {
            self.owners.fetch_add(1, Ordering::Relaxed);
        }
        is_own
    }

    /// Something is kept in a slot. False: the pool is on no account.
    #[must_use]
    pub fn charge(&self, bytes: usize) -> bool {
        let is_own = self.owners.load(Ordering::Relaxed) > 0;
        if is_own {
            self.charged.fetch_add(bytes, Ordering::Relaxed);
        }
        is_own
    }

    /// An owner is gone. Gives the bytes to take off the account.
    #[must_use]
    pub fn leave(&self) -> usize {
        if self.owners.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.charged.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    /// Memory of the pool.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let types = self.types.iter().map(|t| size_of::<Type>() + t.bytes() + 1).sum::<usize>();
        let param = |param: &TypeParam| size_of::<TypeParam>() + param.name.len();
        let alias = |alias: &Alias| alias.name.len() + alias.params.iter().map(param).sum::<usize>();
        let aliases = self.aliases.iter().map(alias).sum::<usize>() + size_of_val(&*self.aliases);
        let values = self.values.iter().map(|v| {
            size_of::<TypeValue>() + size_of::<Named>() + v.name.as_ref().map_or(0, |name| name.len())
        });
        // In front of a shared value are two counters.
        2 * size_of::<usize>()
            + size_of::<Self>()
            + types
            + aliases
            + values.sum::<usize>()
            + size_of_val(&*self.slots)
    }
}

/// Arguments of a generic type. Arguments inside arguments have a bounded depth: beyond it they are unknown.
pub struct Args {
    list: Box<[TypeRef]>,
    depth: usize,
}

/// Shared arguments.
pub type TypeArgs = Arc<Args>;

impl Args {
    #[must_use]
    pub fn new(list: Vec<TypeRef>) -> TypeArgs {
        let inside = list.iter().filter_map(|ty| ty.args.as_ref()).map(|args| args.depth);
        let depth = inside.max().unwrap_or(0) + 1;
        if depth > MAX_TYPE_DEPTH {
            let list = list.iter().map(|_| primitive(Primitive::Unknown)).collect();
            return Arc::new(Self { list, depth: 1 });
        }
        Arc::new(Self { list: list.into(), depth })
    }
}

impl std::ops::Deref for Args {
    type Target = [TypeRef];

    fn deref(&self) -> &[TypeRef] {
        &self.list
    }
}

/// A type of a pool, with what its type parameters stand for.
#[derive(Clone)]
pub struct TypeRef {
    pub pool: Arc<TypePool>,
    pub id: TypeId,
    /// For a type with parameters: their meaning. For [`Type::Alias`]: its arguments.
    pub args: Option<TypeArgs>,
}

impl std::fmt::Debug for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.node())?;
        if self.args.is_some() { f.write_str(" with arguments") } else { Ok(()) }
    }
}

impl TypeRef {
    #[must_use]
    pub fn new(pool: &Arc<TypePool>, id: TypeId) -> Self {
        Self { pool: Arc::clone(pool), id, args: None }
    }

    #[must_use]
    pub fn node(&self) -> &Type {
        self.pool.get(self.id)
    }

    /// A part of this type.
    #[must_use]
    pub fn part(&self, id: TypeId) -> Self {
        match self.pool.get(id) {
            Type::Param(i) => {
                let arg = self.args.as_ref().and_then(|args| args.get(*i as usize));
                arg.cloned().unwrap_or_else(|| primitive(Primitive::Unknown))
            }
            _ if self.pool.is_open(id) => Self { pool: Arc::clone(&self.pool), id, args: self.args.clone() },
            _ => Self::new(&self.pool, id),
        }
    }

    /// The alias that this type names, if it names one.
    #[must_use]
    pub fn alias(&self) -> Option<&Alias> {
        match self.node() {
            Type::Alias(alias) | Type::Apply(alias, _) => self.pool.aliases().get(*alias as usize),
            _ => None,
        }
    }

    /// True if both are the same type of the same pool with the same arguments; cheap, and true for fewer pairs than equality.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let args = match (&self.args, &other.args) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        args && self.id == other.id && Arc::ptr_eq(&self.pool, &other.pool)
    }
}

macro_rules! primitives {
    ($($name:ident $lua:literal)*) => {
        /// The types that every chunk knows by name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Primitive { $($name),* }

        impl Primitive {
            /// In the order of the enum.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As types are written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $lua),* }
            }
        }
    };
}

primitives! {
    Nil "nil"
    Boolean "boolean"
    Number "number"
    Integer "integer"
    String "string"
    Any "any"
    Unknown "unknown"
    Never "never"
    Table "table"
    Error "error"
    Receiver "Self"
    Callable "function"
}

/// A primitive type: the same one everywhere.
#[must_use]
pub fn primitive(which: Primitive) -> TypeRef {
    TypeRef::new(primitives(), TypeId(which as u32))
}

/// The node of a primitive type: the same one everywhere.
#[must_use]
pub fn primitive_node(which: Primitive) -> &'static Type {
    primitives().get(TypeId(which as u32))
}

fn primitives() -> &'static Arc<TypePool> {
    static POOL: LazyLock<Arc<TypePool>> = LazyLock::new(|| {
        let types = Primitive::ALL.iter().map(|&p| Type::Primitive(p)).collect();
        let values = Primitive::ALL
            .iter()
            .enumerate()
            .map(|(i, p)| TypeValue {
                name: Some(p.name().as_bytes().into()),
                hidden: Hidden::Never,
                ty: TypeId(i as u32),
            })
            .collect();
        Arc::new(TypePool::new(types, Vec::new(), values).expect("primitives have no parts"))
    });
    &POOL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_keep_what_they_promise() {
        let behind = vec![Type::Optional(TypeId(1)), Type::Primitive(Primitive::Nil)];
        assert_eq!(TypePool::new(behind, vec![], vec![]).err(), Some(BadTypes));
        let itself = vec![Type::Array(TypeId(0))];
        assert_eq!(TypePool::new(itself, vec![], vec![]).err(), Some(BadTypes));
        assert_eq!(TypePool::new(vec![Type::Alias(0)], vec![], vec![]).err(), Some(BadTypes));
        let mut deep = vec![Type::Primitive(Primitive::Nil)];
        deep.extend((0..MAX_TYPE_DEPTH as u32).map(|i| Type::Array(TypeId(i))));
        assert_eq!(TypePool::new(deep.clone(), vec![], vec![]).err(), Some(BadTypes));
        deep.pop();
        assert!(TypePool::new(deep, vec![], vec![]).is_ok());
        let wrong_count =
            vec![Type::Primitive(Primitive::Nil), Type::Apply(0, [TypeId(0), TypeId(0)].into())];
        let param = TypeParam { name: b"T".as_slice().into(), bound: None };
        let alias = Alias { name: b"A".as_slice().into(), params: [param].into(), body: TypeId(0) };
        assert_eq!(TypePool::new(wrong_count, vec![alias], vec![]).err(), Some(BadTypes));
    }

    #[test]
    fn parts_know_what_parameters_stand_for() {
        let types = vec![Type::Param(0), Type::Array(TypeId(0)), Type::Primitive(Primitive::Nil)];
        let pool = Arc::new(TypePool::new(types, vec![], vec![]).expect("a pool"));
        let args = Args::new(vec![primitive(Primitive::String)]);
        let array = TypeRef { pool: Arc::clone(&pool), id: TypeId(1), args: Some(args) };
        assert_eq!(array.part(TypeId(0)).node(), &Type::Primitive(Primitive::String));
        assert!(array.part(TypeId(2)).args.is_none());
        let mut deep = array.clone();
        for _ in 0..100_000 {
            deep = TypeRef { args: Some(Args::new(vec![deep])), ..array.clone() };
        }
        drop(deep);
        let unbound = TypeRef::new(&pool, TypeId(1));
        assert_eq!(unbound.part(TypeId(0)).node(), &Type::Primitive(Primitive::Unknown));
    }
}

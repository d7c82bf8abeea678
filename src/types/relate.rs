//! How two types relate: structural equality, and the subtype relation behind `<=`.
//!
//! Recursive types are compared as far as anything new turns up: a pair that is being compared already is taken to fit, and so
//! is one that was found to fit since; if the comparison fails, so do all that were found on its strength (Gapeyev, Levin and
//! Pierce, "Recursive subtyping revealed", JFP 2002). Where the steps or the depth are used up the answer is no.

use super::term::{Key, Terms};
use crate::bytecode::types::{Field, Primitive, Signature, Type, TypeId, TypeRef, primitive};
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;

type Pairs = HashSet<(Key, Key), foldhash::fast::FixedState>;

/// Fields by name: their types, and whether they are optional.
type Fields = HashMap<Box<[u8]>, (TypeRef, bool), foldhash::fast::FixedState>;

/// Fields that are as much work as a step; so many at most are looked for one by one.
const FIELDS: usize = 8;

/// One question, with the pairs that are taken to fit.
struct Relation<'t, 'a> {
    terms: &'t Terms<'a>,
    assumed: Pairs,
    /// Those of `assumed`, in the order in which they came.
    trail: Vec<(Key, Key)>,
    /// The question is equality.
    equal: bool,
    /// Members of large unions.
    members: HashMap<Key, Rc<Members>, foldhash::fast::FixedState>,
}

/// A type with one value, by that value: as numbers, 3 and 3.0 are one.
#[derive(PartialEq, Eq, Hash)]
enum Literal {
    Bool(bool),
    Integer(i64),
    Float(u64),
    String(Box<[u8]>),
}

impl Literal {
    fn of(ty: &Type) -> Option<Self> {
        match ty {
            Type::Bool(b) => Some(Self::Bool(*b)),
            Type::IntegerLiteral(i) => Some(Self::Integer(*i)),
            Type::FloatLiteral(f) => {
                let i = *f as i64;
                let integral = i as f64 == *f && i != i64::MAX;
                Some(if integral { Self::Integer(i) } else { Self::Float(f.to_bits()) })
            }
            Type::StringLiteral(s) => Some(Self::String(s.clone())),
            _ => None,
        }
    }
}

/// The members of a union: literals, and the others in their order.
#[derive(Default)]
struct Members {
    literals: HashSet<Literal, foldhash::fast::FixedState>,
    others: Vec<TypeId>,
}

impl Terms<'_> {
    /// True if both types accept the same values, as far as their structure shows.
    #[must_use]
    pub fn is_equal(&self, a: &TypeRef, b: &TypeRef) -> bool {
        self.ask(a, b, true)
    }

    /// True if every value of `a` is one of `b`, by the rules of assignment (but `any` is only a subtype of itself and
    /// `unknown`).
    #[must_use]
    pub fn is_subtype(&self, a: &TypeRef, b: &TypeRef) -> bool {
        self.ask(a, b, false)
    }

    fn ask(&self, a: &TypeRef, b: &TypeRef, equal: bool) -> bool {
        let mut relation = Relation {
            terms: self,
            assumed: Pairs::default(),
            trail: Vec::new(),
            equal,
            members: HashMap::default(),
        };
        let holds = relation.holds(a, b);
        // Without steps everything is unknown, and the unknown equals itself.
        holds && self.has_steps()
    }
}

/// A literal's base type accepts it.
const fn base_accepts(literal: &Type, base: &Type) -> bool {
    match (literal, base) {
        (Type::Bool(_), Type::Primitive(Primitive::Boolean))
        | (Type::StringLiteral(_), Type::Primitive(Primitive::String)) => true,
        (Type::IntegerLiteral(_), Type::Primitive(Primitive::Integer | Primitive::Number)) => true,
        (Type::FloatLiteral(f), Type::Primitive(Primitive::Integer)) => f.fract() == 0.0,
        (Type::FloatLiteral(_) | Type::Primitive(Primitive::Integer), Type::Primitive(Primitive::Number)) => {
            true
        }
        _ => false,
    }
}

/// Equality of types without parts.
fn is_same_leaf(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::IntegerLiteral(i), Type::FloatLiteral(f))
        | (Type::FloatLiteral(f), Type::IntegerLiteral(i)) => {
            // The largest integer is no float.
            f.fract() == 0.0 && *i as f64 == *f && (*f as i64) == *i && *i != i64::MAX
        }
        (Type::Alias(_) | Type::Unresolved(_) | Type::Imported(..), _) => false,
        _ => {
            let mut leaf = true;
            a.parts(&mut |_| leaf = false);
            leaf && a == b
        }
    }
}

impl Relation<'_, '_> {
    fn holds(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        if a.is_same(b) {
            return true;
        }
        if !self.terms.step() {
            return false;
        }
        let pair = (self.terms.key(a), self.terms.key(b));
        if pair.0 == pair.1 || !self.assumed.insert(pair) {
            return true;
        }
        let before = self.trail.len();
        self.trail.push(pair);
        let terms = self.terms;
        let holds = terms.deeper(|| {
            let (a, b) = (terms.expand(a), terms.expand(b));
            if self.equal { self.equal(&a, &b) } else { self.subtype(&a, &b) }
        });
        let holds = holds.unwrap_or(false);
        if !holds {
            for pair in self.trail.drain(before..) {
                self.assumed.remove(&pair);
            }
        }
        holds
    }

    fn part(&mut self, a: &TypeRef, part: TypeId, b: &TypeRef, other: TypeId) -> bool {
        self.holds(&a.part(part), &b.part(other))
    }

    /// Both directions, whatever the question.
    fn equivalent(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        let equal = std::mem::replace(&mut self.equal, true);
        // What is assumed for one question says nothing about another.
        let before = (std::mem::take(&mut self.assumed), std::mem::take(&mut self.trail));
        let holds = self.holds(a, b);
        (self.assumed, self.trail) = before;
        self.equal = equal;
        holds
    }

    fn each(&mut self, a: &TypeRef, list: &[TypeId], b: &TypeRef, other: &[TypeId]) -> bool {
        list.len() == other.len() && list.iter().zip(other).all(|(&x, &y)| self.part(a, x, b, y))
    }

    /// Every member of `list` equals some member of `other`.
    fn covered(&mut self, a: &TypeRef, list: &[TypeId], b: &TypeRef, other: &[TypeId]) -> bool {
        let members = self.members(b, other);
        list.iter().enumerate().all(|(i, &x)| {
            let x = a.part(x);
            match Literal::of(self.terms.expand(&x).node()) {
                // A literal equals only itself.
                Some(literal) => members.literals.contains(&literal),
                None => {
                    // Mostly they stand in the same order.
                    let same = other.get(i).copied().filter(|y| members.others.contains(y));
                    same.is_some_and(|y| self.holds(&x, &b.part(y)))
                        || members.others.iter().any(|&y| self.holds(&x, &b.part(y)))
                }
            }
        })
    }

    /// The members of a union or intersection, taken apart once.
    fn members(&mut self, ty: &TypeRef, list: &[TypeId]) -> Rc<Members> {
        let key = self.terms.key(ty);
        if let Some(known) = self.members.get(&key) {
            return Rc::clone(known);
        }
        let mut members = Members::default();
        for &member in list {
            match Literal::of(self.terms.expand(&ty.part(member)).node()) {
                Some(literal) => {
                    members.literals.insert(literal);
                }
                None => members.others.push(member),
            }
        }
        let members = Rc::new(members);
        self.members.insert(key, Rc::clone(&members));
        members
    }

    fn equal(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        if is_same_leaf(a.node(), b.node()) {
            return true;
        }
        match (a.node(), b.node()) {
            (Type::Optional(x), Type::Optional(y))
            | (Type::Array(x), Type::Array(y))
            | (Type::Readonly(x), Type::Readonly(y)) => self.part(a, *x, b, *y),
            (Type::Map(k, v), Type::Map(l, w)) => self.part(a, *k, b, *l) && self.part(a, *v, b, *w),
            (Type::Channel(x), Type::Channel(y)) => match (x, y) {
                (Some(x), Some(y)) => self.part(a, *x, b, *y),
                (x, y) => x == y,
            },
            (Type::Union(list), Type::Union(other))
            | (Type::Intersection(list), Type::Intersection(other)) => {
                self.covered(a, list, b, other) && self.covered(b, other, a, list)
            }
            (Type::Tuple(list), Type::Tuple(other)) => self.each(a, list, b, other),
            (Type::Record(fields), Type::Record(other)) => self.same_fields(a, fields, b, other),
            (Type::Interface(bases, fields), Type::Interface(others, other)) => {
                self.each(a, bases, b, others) && self.same_fields(a, fields, b, other)
            }
            (Type::Function(f), Type::Function(g)) => self.same_signature(a, f, b, g),
            (Type::Annotated(x, f), Type::Annotated(y, g)) => f == g && self.part(a, *x, b, *y),
            (Type::Imported(module, name, args), Type::Imported(other, same, others)) => {
                module == other && name == same && self.each(a, args, b, others)
            }
            (Type::Unresolved(x), Type::Unresolved(y)) => x == y,
            _ => false,
        }
    }

    fn same_fields(&mut self, a: &TypeRef, fields: &[Field], b: &TypeRef, other: &[Field]) -> bool {
        if fields.len() != other.len() || !self.terms.pay(fields.len() / FIELDS) {
            return false;
        }
        // By name, and where one is written twice in that order.
        let ordered = |list: &[Field]| {
            let mut order: Vec<usize> = (0..list.len()).collect();
            order.sort_by(|&i, &j| list[i].name.cmp(&list[j].name));
            order
        };
        let is_same = |(x, y): (&Field, &Field)| x.name == y.name && x.optional == y.optional;
        if fields.iter().zip(other).all(is_same) {
            return fields.iter().zip(other).all(|(x, y)| self.part(a, x.ty, b, y.ty));
        }
        let (order, others) = (ordered(fields), ordered(other));
        let mut pairs = order.iter().zip(&others).map(|(&i, &j)| (&fields[i], &other[j]));
        pairs.clone().all(is_same) && pairs.all(|(x, y)| self.part(a, x.ty, b, y.ty))
    }

    fn same_signature(&mut self, a: &TypeRef, f: &Signature, b: &TypeRef, g: &Signature) -> bool {
        f.params.len() == g.params.len()
            && f.params.iter().zip(&g.params).all(|(&(_, x), &(_, y))| self.part(a, x, b, y))
            && match (f.vararg, g.vararg) {
                (Some(x), Some(y)) => self.part(a, x, b, y),
                (x, y) => x == y,
            }
            && match (&f.returns, &g.returns) {
                (Some(x), Some(y)) => self.each(a, x, b, y),
                (x, y) => x == y,
            }
    }

    /// `a` is limited further than a type that is at most `b`: no member of `b` need take all of `a`.
    fn without_limits(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        match a.node() {
            Type::Annotated(x, _) | Type::Readonly(x) => self.holds(&a.part(*x), b),
            Type::Intersection(list) => list.iter().any(|&x| self.holds(&a.part(x), b)),
            _ => false,
        }
    }

    fn subtype(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        if is_same_leaf(a.node(), b.node()) || base_accepts(a.node(), b.node()) {
            return true;
        }
        match (a.node(), b.node()) {
            (Type::Primitive(Primitive::Never), _)
            | (_, Type::Primitive(Primitive::Any | Primitive::Unknown)) => true,
            (Type::Union(list), _) => list.iter().all(|&x| self.holds(&a.part(x), b)),
            (Type::Optional(x), _) => {
                let nil = primitive(Primitive::Nil);
                self.holds(&nil, b) && self.holds(&a.part(*x), b)
            }
            (_, Type::Intersection(list)) => list.iter().all(|&y| self.holds(a, &b.part(y))),
            (_, Type::Union(list)) => {
                let literal = Literal::of(a.node());
                if literal.is_some() || !matches!(a.node(), Type::Annotated(..) | Type::Intersection(_)) {
                    let members = self.members(b, list);
                    // Nothing but itself, and what only restricts it further, is within a literal.
                    literal.is_some_and(|literal| members.literals.contains(&literal))
                        || members.others.iter().any(|&y| self.holds(a, &b.part(y)))
                        || self.without_limits(a, b)
                } else {
                    list.iter().any(|&y| self.holds(a, &b.part(y))) || self.without_limits(a, b)
                }
            }
            (Type::Primitive(Primitive::Nil), Type::Optional(_)) => true,
            (_, Type::Optional(y)) => self.holds(a, &b.part(*y)) || self.without_limits(a, b),
            (Type::Annotated(x, f), Type::Annotated(y, g)) if f == g => self.part(a, *x, b, *y),
            (Type::Annotated(x, _), _) => self.holds(&a.part(*x), b),
            (Type::Readonly(x), Type::Readonly(y)) => self.part(a, *x, b, *y),
            (Type::Readonly(x), _) => self.holds(&a.part(*x), b),
            (_, Type::Readonly(y)) => self.holds(a, &b.part(*y)),
            (Type::Intersection(list), _) => list.iter().any(|&x| self.holds(&a.part(x), b)),
            (Type::Function(f), Type::Function(g)) => self.sub_signature(a, f, b, g),
            (Type::Function(_), Type::Primitive(Primitive::Callable))
            | (Type::Channel(_), Type::Channel(None)) => true,
            (Type::Channel(Some(x)), Type::Channel(Some(y))) => {
                let (x, y) = (a.part(*x), b.part(*y));
                self.equivalent(&x, &y)
            }
            _ => self.sub_table(a, b),
        }
    }

    fn sub_table(&mut self, a: &TypeRef, b: &TypeRef) -> bool {
        match (a.node(), b.node()) {
            (
                Type::Record(_) | Type::Array(_) | Type::Map(..) | Type::Interface(..),
                Type::Primitive(Primitive::Table),
            ) => true,
            (Type::Record(fields), Type::Array(_) | Type::Map(..)) if fields.is_empty() => true,
            (Type::Array(x), Type::Array(y)) => self.part(a, *x, b, *y),
            (Type::Map(k, v), Type::Map(l, w)) => {
                let ((k, v), (l, w)) = ((a.part(*k), a.part(*v)), (b.part(*l), b.part(*w)));
                self.equivalent(&k, &l) && self.equivalent(&v, &w)
            }
            (Type::Array(x), Type::Map(k, v)) => {
                let integer = primitive(Primitive::Integer);
                self.holds(&integer, &b.part(*k)) && self.part(a, *x, b, *v)
            }
            (Type::Record(fields), Type::Map(k, v)) => {
                let key = b.part(*k);
                let names = match key.node() {
                    Type::Primitive(Primitive::String) => true,
                    _ => {
                        let text = primitive(Primitive::String);
                        self.holds(&text, &key)
                    }
                };
                names && fields.iter().all(|field| self.part(a, field.ty, b, *v))
            }
            (Type::Record(_) | Type::Interface(..), Type::Record(fields)) => self.sub_fields(a, b, fields),
            (Type::Record(_) | Type::Interface(..), Type::Interface(bases, fields)) => {
                bases.iter().all(|&base| self.holds(a, &b.part(base))) && self.sub_fields(a, b, fields)
            }
            _ => false,
        }
    }

    /// `a` has the fields that `b` wants.
    fn sub_fields(&mut self, a: &TypeRef, b: &TypeRef, wanted: &[Field]) -> bool {
        if wanted.len() <= FIELDS {
            return wanted.iter().all(|field| self.sub_field(self.field_of(a, &field.name), b, field));
        }
        let mut known = Fields::default();
        self.fields_of(a, &mut known);
        wanted.iter().all(|field| self.sub_field(known.get(&field.name).cloned(), b, field))
    }

    /// All fields of a record, or of an interface and what it extends.
    fn fields_of(&self, ty: &TypeRef, known: &mut Fields) {
        let ty = self.terms.structure(ty);
        let (Type::Record(fields) | Type::Interface(_, fields)) = ty.node() else { return };
        if !self.terms.pay(fields.len() / FIELDS) {
            return;
        }
        for field in fields {
            let entry = known.entry(field.name.clone());
            entry.or_insert_with(|| (ty.part(field.ty), field.optional));
        }
        let Type::Interface(bases, _) = ty.node() else { return };
        for &base in bases {
            let base = ty.part(base);
            self.terms.deeper(|| self.fields_of(&base, known));
        }
    }

    /// What is found of a field in `a` is what `b` wants.
    fn sub_field(&mut self, found: Option<(TypeRef, bool)>, b: &TypeRef, wanted: &Field) -> bool {
        let target = b.part(wanted.ty);
        let Some((source, optional)) = found else {
            let nil = primitive(Primitive::Nil);
            return wanted.optional || self.holds(&nil, &target);
        };
        if optional && !wanted.optional {
            return false;
        }
        // Fields can be written: they must be the same; methods are only called.
        if matches!(b.node(), Type::Interface(..)) {
            self.holds(&source, &target)
        } else {
            self.equivalent(&source, &target)
        }
    }

    /// A field of a record, or of an interface and what it extends.
    fn field_of(&self, ty: &TypeRef, name: &[u8]) -> Option<(TypeRef, bool)> {
        let ty = self.terms.structure(ty);
        if let Some((found, field)) = self.terms.field(&ty, name) {
            return Some((found, field.optional));
        }
        let Type::Interface(bases, _) = ty.node() else { return None };
        bases.iter().find_map(|&base| {
            let base = ty.part(base);
            self.terms.deeper(|| self.field_of(&base, name)).flatten()
        })
    }

    fn sub_signature(&mut self, a: &TypeRef, f: &Signature, b: &TypeRef, g: &Signature) -> bool {
        // Parameters go the other way; `f` may take fewer.
        for (i, &(_, x)) in f.params.iter().enumerate() {
            let given = match g.params.get(i) {
                Some(&(_, y)) => Some(b.part(y)),
                None => g.vararg.map(|y| b.part(y)),
            };
            let x = a.part(x);
            let fits = match given {
                Some(given) => self.holds(&given, &x),
                None => {
                    let nil = primitive(Primitive::Nil);
                    self.holds(&nil, &x)
                }
            };
            if !fits {
                return false;
            }
        }
        match (&f.returns, &g.returns) {
            (_, None) => true,
            (None, Some(wanted)) => wanted.is_empty(),
            (Some(given), Some(wanted)) => {
                given.len() >= wanted.len()
                    && wanted.iter().zip(given).all(|(&y, &x)| self.holds(&a.part(x), &b.part(y)))
            }
        }
    }
}

//! How two types relate: structural equality, and the subtype relation behind `<=`.
//!
//! Recursive types are compared as far as anything new turns up: a pair that is being compared already is taken to fit, and so
//! is one that was found to fit since; if the comparison fails, so do all that were found on its strength (Gapeyev, Levin and
//! Pierce, "Recursive subtyping revealed", JFP 2002). Where the steps or the depth are used up the answer is no.

use super::term::{Key, Terms};
use crate::bytecode::types::{Field, Primitive, Signature, Type, TypeId, TypeRef, primitive};
use hashbrown::HashSet;

type Pairs = HashSet<(Key, Key), foldhash::fast::FixedState>;

/// One question, with the pairs that are taken to fit.
struct Relation<'t, 'a> {
    terms: &'t Terms<'a>,
    assumed: Pairs,
    /// Those of `assumed`, in the order in which they came.
    trail: Vec<(Key, Key)>,
    /// The question is equality.
    equal: bool,
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
        let holds = Relation { terms: self, assumed: Pairs::default(), trail: Vec::new(), equal }.holds(a, b);
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
            f.fract() == 0.0 && *i as f64 == *f && (*f as i64) == *i
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
        list.iter().all(|&x| other.iter().any(|&y| self.part(a, x, b, y)))
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
        // Both ways: a field may be written twice.
        let is_named = |field: &Field| fields.iter().any(|f| f.name == field.name);
        fields.len() == other.len()
            && other.iter().all(is_named)
            && fields.iter().all(|field| {
                let same = other.iter().find(|o| o.name == field.name && o.optional == field.optional);
                same.is_some_and(|same| self.part(a, field.ty, b, same.ty))
            })
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
                list.iter().any(|&y| self.holds(a, &b.part(y))) || self.without_limits(a, b)
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
            (Type::Record(_) | Type::Interface(..), Type::Record(fields)) => {
                fields.iter().all(|field| self.sub_field(a, b, field))
            }
            (Type::Record(_) | Type::Interface(..), Type::Interface(bases, fields)) => {
                bases.iter().all(|&base| self.holds(a, &b.part(base)))
                    && fields.iter().all(|field| self.sub_field(a, b, field))
            }
            _ => false,
        }
    }

    /// `a` has the field that `b` wants.
    fn sub_field(&mut self, a: &TypeRef, b: &TypeRef, wanted: &Field) -> bool {
        let target = b.part(wanted.ty);
        let Some((source, optional)) = self.field_of(a, &wanted.name) else {
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

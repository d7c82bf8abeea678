//! Types: from `type` and `interface` statements to the chunk's pool.
//!
//! 1. An alias is visible in the whole block where it is written, so a block's aliases are declared when the block is
//!    entered; what they mean is found out where the statement stands, among the variables active there.
//! 2. Nothing here emits code, and no type is an error: what cannot be resolved is [`Type::Unresolved`].
//! 3. The pool keeps what a program can reach at run time: top-level aliases, and what `typeof` expressions ask for.

mod names;
mod typeof_;

use super::Compiler;
use crate::bytecode::types::{
    Alias, Annotation, Field, Literal, Primitive, Signature, Type, TypeId, TypeParam, TypePool, TypeValue,
};
use crate::limits::MAX_TYPE_DEPTH;
use crate::syntax::ast::{
    self, Block, Function, Interface, QName, Returns, StatKind, Symbol, TypeAlias, TypeKind,
};
use hashbrown::HashMap;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What a name means in types.
#[derive(Clone, Copy)]
enum Named {
    Alias(u32),
    Param(u32),
    Type(TypeId),
}

/// What is known of a local variable.
#[derive(Clone, Copy)]
pub(super) enum Known {
    Nothing,
    /// It holds a module, by its number in [`Types::modules`].
    Module(u32),
    /// Its static type; only found out in chunks that use `typeof`.
    Type(TypeId),
}

struct Declared {
    params: Box<[TypeParam]>,
    arity: usize,
    body: Option<TypeId>,
    name: Symbol,
}

/// The types of the chunk so far.
#[derive(Default)]
pub(super) struct Types {
    types: Vec<Type>,
    /// Levels of each type.
    depths: Vec<usize>,
    primitives: [Option<TypeId>; Primitive::ALL.len()],
    aliases: Vec<Declared>,
    scope: Map<Symbol, Vec<Named>>,
    /// Names declared in open blocks, in order.
    declared: Vec<Symbol>,
    values: Vec<TypeValue>,
    /// Values by name and the field asked of them.
    value_of: Map<(Symbol, Option<Symbol>, bool), u32>,
    /// Aliases of the main block.
    top: Map<Symbol, u32>,
    /// Names of modules that variables hold.
    modules: Vec<Box<[u8]>>,
    /// The chunk has a name `typeof`.
    pub wants_locals: bool,
}

impl<'a> Compiler<'a> {
    // ---- scopes ----

    /// Number of the next alias to be declared.
    pub(super) fn next_alias(&self) -> u32 {
        self.types.aliases.len() as u32
    }

    /// Declares the aliases of a block; [`Self::leave_types`] takes what this returns.
    pub(super) fn enter_types(&mut self, body: Option<&Block<'a>>) -> usize {
        let level = self.types.declared.len();
        let is_main = self.outer.is_empty() && self.f.blocks.is_empty();
        for stat in body.map_or(&[][..], |b| b.stats) {
            let (name, arity) = match stat.kind {
                StatKind::TypeAlias(alias) => (alias.name, alias.params.len()),
                StatKind::Interface(interface) => (interface.name, 0),
                _ => continue,
            };
            let index = self.types.aliases.len() as u32;
            self.types.aliases.push(Declared { params: Box::default(), arity, body: None, name: name.sym });
            self.types.declare(name.sym, Named::Alias(index));
            if is_main {
                self.types.top.insert(name.sym, index);
            }
        }
        level
    }

    pub(super) fn leave_types(&mut self, level: usize) {
        self.types.leave(level);
    }

    /// The alias whose statement has been reached: a block's statements come in the order of its declarations.
    fn alias_here(&mut self) -> u32 {
        let block = self.f.blocks.last_mut().expect("statements are in a block");
        block.next_alias += 1;
        block.next_alias - 1
    }

    pub(super) fn type_alias(&mut self, alias: &'a TypeAlias<'a>) {
        let index = self.alias_here();
        let level = self.types.declared.len();
        for (i, param) in alias.params.iter().enumerate() {
            self.types.declare(param.name.sym, Named::Param(i as u32));
        }
        let params = alias
            .params
            .iter()
            .map(|p| TypeParam { name: self.name(p.name.sym).into(), bound: p.bound.map(|t| self.ty(t)) })
            .collect();
        let body = self.ty(&alias.ty);
        self.types.leave(level);
        let declared = &mut self.types.aliases[index as usize];
        declared.params = params;
        declared.body = Some(body);
    }

    pub(super) fn interface(&mut self, interface: &'a Interface<'a>) {
        let index = self.alias_here();
        let bases = interface.bases.iter().map(|base| self.named(base, &[])).collect();
        let methods = interface
            .sigs
            .iter()
            .map(|sig| {
                let params = sig.params.iter().map(|p| (Some(p.name.sym), p.ty)).collect::<Vec<_>>();
                let ty = self.signature(&params, None, sig.returns);
                Field { name: self.name(sig.name.sym).into(), optional: false, ty }
            })
            .collect();
        let body = self.types.add(Type::Interface(bases, methods));
        self.types.aliases[index as usize].body = Some(body);
    }

    // ---- types ----

    /// The type that an annotation means.
    fn ty(&mut self, ty: &'a ast::Type<'a>) -> TypeId {
        let made = match ty.kind {
            TypeKind::Nil => return self.types.primitive(Primitive::Nil),
            TypeKind::AnyFunction => return self.types.primitive(Primitive::Callable),
            TypeKind::True => Type::Bool(true),
            TypeKind::False => Type::Bool(false),
            TypeKind::String(s) => Type::StringLiteral((*s).into()),
            TypeKind::Integer(i) => Type::IntegerLiteral(i),
            TypeKind::Float(f) => Type::FloatLiteral(f),
            TypeKind::Named(named) => return self.named(&named.name, named.args),
            TypeKind::Record(record) => Type::Record(self.fields(record.fields)),
            TypeKind::Interface(record) => Type::Interface(Box::default(), self.fields(record.fields)),
            TypeKind::Array(item) | TypeKind::ArrayOf(item) => Type::Array(self.ty(item)),
            TypeKind::Map(pair) => Type::Map(self.ty(&pair.0), self.ty(&pair.1)),
            TypeKind::Readonly(inner) => Type::Readonly(self.ty(inner)),
            TypeKind::Keyof(inner) => Type::Keyof(self.ty(inner)),
            TypeKind::Indexed(pair) => Type::Indexed(self.ty(&pair.0), self.ty(&pair.1)),
            TypeKind::Optional(inner) => {
                let inner = self.ty(inner);
                if matches!(self.types.types[inner.0 as usize], Type::Optional(_)) {
                    return inner;
                }
                Type::Optional(inner)
            }
            TypeKind::Function(function) => {
                let params = function
                    .params
                    .iter()
                    .map(|p| (p.name.map(|name| self.name(name.sym).into()), self.ty(&p.ty)))
                    .collect();
                let vararg = function.vararg.map(|t| self.ty(t));
                let returns = function.returns.map(|list| list.iter().map(|t| self.ty(t)).collect());
                Type::Function(Box::new(Signature { params, vararg, returns }))
            }
            TypeKind::Typeof(e) => return self.infer(e),
            TypeKind::Union(_) | TypeKind::Intersection(_) => return self.chain(ty),
            TypeKind::Annotated(annotated) => {
                let inner = self.ty(&annotated.ty);
                let arg = annotated.args.first().map(|arg| match *arg {
                    ast::Literal::Nil => Literal::Nil,
                    ast::Literal::True => Literal::Bool(true),
                    ast::Literal::False => Literal::Bool(false),
                    ast::Literal::Integer(i) => Literal::Integer(i),
                    ast::Literal::Float(f) => Literal::Float(f),
                    ast::Literal::String(s) => Literal::String(s.into()),
                });
                let name = self.name(annotated.name.sym).into();
                Type::Annotated(inner, Box::new(Annotation { name, arg }))
            }
            TypeKind::Conditional(c) => Type::Conditional([
                self.ty(&c.subject),
                self.ty(&c.extends),
                self.ty(&c.then),
                self.ty(&c.otherwise),
            ]),
        };
        self.types.add(made)
    }

    fn fields(&mut self, fields: &'a [ast::TypeField<'a>]) -> Box<[Field]> {
        fields
            .iter()
            .map(|f| Field { name: self.name(f.name.sym).into(), optional: f.optional, ty: self.ty(&f.ty) })
            .collect()
    }

    /// A chain of `|` and `&`, one level from left to right: a run of one operator is one union or intersection.
    fn chain(&mut self, ty: &'a ast::Type<'a>) -> TypeId {
        let mut links = Vec::new();
        let mut left = ty;
        loop {
            let (pair, is_union) = match left.kind {
                TypeKind::Union(pair) => (pair, true),
                TypeKind::Intersection(pair) => (pair, false),
                _ => break,
            };
            links.push((&pair.1, is_union));
            left = &pair.0;
        }
        let mut members = vec![self.ty(left)];
        let mut links = links.into_iter().rev().peekable();
        while let Some((member, is_union)) = links.next() {
            members.push(self.ty(member));
            if links.peek().is_none_or(|next| next.1 != is_union) {
                let list = std::mem::take(&mut members).into_boxed_slice();
                let joined = if is_union { Type::Union(list) } else { Type::Intersection(list) };
                members.push(self.types.add(joined));
            }
        }
        members[0]
    }

    /// A function type from declared parameters and returns.
    fn signature(
        &mut self,
        params: &[(Option<Symbol>, Option<&'a ast::Type<'a>>)],
        vararg: Option<TypeId>,
        returns: Option<&'a Returns<'a>>,
    ) -> TypeId {
        let params = params
            .iter()
            .map(|&(name, ty)| {
                let ty = match ty {
                    Some(ty) => self.ty(ty),
                    None => self.types.primitive(Primitive::Any),
                };
                (name.map(|name| self.name(name).into()), ty)
            })
            .collect();
        let returns = returns.map(|returns| match *returns {
            Returns::List(list) => list.iter().map(|t| self.ty(t)).collect(),
            Returns::Asserts(..) => Box::default(),
        });
        self.types.add(Type::Function(Box::new(Signature { params, vararg, returns })))
    }

    /// The type of a function as far as it is declared.
    fn function_type(&mut self, f: &'a Function<'a>) -> TypeId {
        let level = self.types.declared.len();
        for generic in f.generics {
            let bound = match generic.bound {
                Some(bound) => self.ty(bound),
                None => self.types.primitive(Primitive::Any),
            };
            self.types.declare(generic.name.sym, Named::Type(bound));
        }
        let skip = usize::from(f.is_method);
        let params = f.params.iter().skip(skip).map(|p| (Some(p.name.sym), p.ty)).collect::<Vec<_>>();
        let vararg = match (f.is_vararg, f.vararg_ty) {
            (_, Some(ty)) => Some(self.ty(ty)),
            (true, None) => Some(self.types.primitive(Primitive::Any)),
            (false, None) => None,
        };
        let made = self.signature(&params, vararg, f.returns);
        self.types.leave(level);
        made
    }

    fn named(&mut self, name: &QName, args: &'a [ast::Type<'a>]) -> TypeId {
        let written = self.name(name.name.sym);
        if let Some(qualifier) = name.module {
            let known = self.bindings.get(qualifier.sym).map(|b| b.known);
            let module = match known {
                Some(Known::Module(module)) => &*self.types.modules[module as usize],
                _ => self.name(qualifier.sym),
            };
            let module = module.into();
            let args = args.iter().map(|t| self.ty(t)).collect();
            return self.types.add(Type::Imported(module, written.into(), args));
        }
        match self.types.scope.get(&name.name.sym).and_then(|entries| entries.last()).copied() {
            Some(Named::Alias(alias)) => {
                let arity = self.types.aliases[alias as usize].arity;
                if args.is_empty() {
                    return self.types.add(Type::Alias(alias));
                }
                if args.len() != arity {
                    return self.types.primitive(Primitive::Unknown);
                }
                let args = args.iter().map(|t| self.ty(t)).collect();
                return self.types.add(Type::Apply(alias, args));
            }
            Some(Named::Param(i)) => return self.types.add(Type::Param(i)),
            Some(Named::Type(ty)) => return ty,
            None => {}
        }
        let primitive = match written {
            b"bool" => Some(Primitive::Boolean),
            b"int" => Some(Primitive::Integer),
            b"Error" => Some(Primitive::Error),
            b"self" => Some(Primitive::Receiver),
            // `function` is a keyword; the others are their own names.
            _ => Primitive::ALL.iter().copied().find(|p| p.name().as_bytes() == written),
        };
        match primitive {
            Some(_) if !args.is_empty() => self.types.primitive(Primitive::Unknown),
            Some(primitive) => self.types.primitive(primitive),
            None if written == b"Channel" && args.len() <= 1 => {
                let item = args.first().map(|t| self.ty(t));
                self.types.add(Type::Channel(item))
            }
            None => self.types.add(Type::Unresolved(written.into())),
        }
    }

    // ---- the pool ----

    /// The chunk's pool, if there is anything in it.
    pub(super) fn type_pool(&mut self) -> Option<Arc<TypePool>> {
        let types = std::mem::take(&mut self.types);
        if types.top.is_empty() && types.values.is_empty() {
            return None;
        }
        Some(Arc::new(types.finish(self.names)))
    }
}

impl Types {
    fn declare(&mut self, sym: Symbol, named: Named) {
        self.scope.entry(sym).or_default().push(named);
        self.declared.push(sym);
    }

    fn leave(&mut self, level: usize) {
        for sym in self.declared.drain(level..) {
            if let Some(entries) = self.scope.get_mut(&sym) {
                entries.pop();
            }
        }
    }

    fn primitive(&mut self, which: Primitive) -> TypeId {
        if let Some(id) = self.primitives[which as usize] {
            return id;
        }
        let id = self.add(Type::Primitive(which));
        self.primitives[which as usize] = Some(id);
        id
    }

    /// Adds a type; one that would be too deep becomes `any` (only inferred types can).
    fn add(&mut self, ty: Type) -> TypeId {
        let mut deepest = 0;
        ty.parts(&mut |part| deepest = deepest.max(self.depths[part.0 as usize]));
        if deepest >= MAX_TYPE_DEPTH {
            return self.primitive(Primitive::Any);
        }
        self.types.push(ty);
        self.depths.push(deepest + 1);
        TypeId(self.types.len() as u32 - 1)
    }

    /// Leaves out what nothing refers to.
    fn finish(mut self, names: &[&[u8]]) -> TypePool {
        const UNUSED: u32 = u32::MAX;
        // An alias without a body can only be one that a syntax error cut off; those never get here.
        let never = self.primitive(Primitive::Never);
        let mut used = vec![false; self.types.len()];
        let mut alias_used = vec![false; self.aliases.len()];
        let mut todo: Vec<TypeId> = self.values.iter().map(|v| v.ty).collect();
        let mut todo_aliases: Vec<u32> = self.top.values().copied().collect();
        loop {
            while let Some(id) = todo.pop() {
                if std::mem::replace(&mut used[id.0 as usize], true) {
                    continue;
                }
                let ty = &self.types[id.0 as usize];
                ty.parts(&mut |part| todo.push(part));
                if let Type::Alias(alias) | Type::Apply(alias, _) = ty {
                    todo_aliases.push(*alias);
                }
            }
            let Some(alias) = todo_aliases.pop() else { break };
            if std::mem::replace(&mut alias_used[alias as usize], true) {
                continue;
            }
            let declared = &self.aliases[alias as usize];
            todo.push(declared.body.unwrap_or(never));
            todo.extend(declared.params.iter().filter_map(|p| p.bound));
        }
        let number = |used: &[bool]| {
            let mut next = 0;
            let numbers = used.iter().map(|&used| {
                next += u32::from(used);
                if used { next - 1 } else { UNUSED }
            });
            numbers.collect::<Vec<u32>>()
        };
        let (ids, alias_ids) = (number(&used), number(&alias_used));
        let at = |id: TypeId| TypeId(ids[id.0 as usize]);
        let types = self.types.iter().zip(&used).filter(|(_, used)| **used).map(|(ty, _)| {
            let mut ty = ty.clone();
            ty.renumber(&at, &|alias| alias_ids[alias as usize]);
            ty
        });
        let aliases =
            self.aliases.iter().zip(&alias_used).filter(|(_, used)| **used).map(|(alias, _)| Alias {
                name: names[alias.name.0 as usize].into(),
                params: alias
                    .params
                    .iter()
                    .map(|p| TypeParam { name: p.name.clone(), bound: p.bound.map(at) })
                    .collect(),
                body: at(alias.body.unwrap_or(never)),
            });
        let values = self.values.iter().map(|v| TypeValue { ty: at(v.ty), ..v.clone() });
        TypePool::new(types.collect(), aliases.collect(), values.collect())
            .expect("parts are added before what they are part of")
    }
}

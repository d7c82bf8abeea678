//! Types inside precompiled chunks.
//!
//! ```text
//! pool  = types aliases values                    (each a list: count, items)
//! type  = tag parts
//! alias = name params body        param = name bound + 1, or 0
//! value = name or none, exceptions, type
//! ```

use super::{BadChunk, CORRUPTED, Reader, Writer};
use crate::bytecode::types::{
    Alias, Annotation, Field, Hidden, Literal, Primitive, Signature, Type, TypeId, TypeParam, TypePool,
    TypeValue,
};
use crate::numfmt::ByteSink;
use std::sync::Arc;

/// Tags of the types that are no primitives; those come first, in their own order.
const FIRST_TAG: u8 = 32;

impl<S: ByteSink> Writer<'_, S> {
    /// Number 0: none; a number up to that of the pools so far: one of them; the next one: a new one, which follows.
    pub(super) fn pool(&mut self, pool: Option<&Arc<TypePool>>) {
        let Some(pool) = pool else { return self.number(0) };
        let address = Arc::as_ptr(pool);
        if let Some(known) = self.pools.iter().position(|&p| p == address) {
            return self.size(known + 1);
        }
        self.pools.push(address);
        self.size(self.pools.len());
        self.size(pool.types().len());
        pool.types().iter().for_each(|ty| self.ty(ty));
        self.size(pool.aliases().len());
        for alias in pool.aliases() {
            self.bytes(&alias.name);
            self.size(alias.params.len());
            for param in &alias.params {
                self.bytes(&param.name);
                self.optional(param.bound);
            }
            self.id(alias.body);
        }
        self.size(pool.values().len());
        for value in pool.values() {
            match &value.name {
                Some(name) => {
                    self.out.put(&[1]);
                    self.bytes(name);
                }
                None => self.out.put(&[0]),
            }
            match &value.hidden {
                Hidden::Never => self.out.put(&[0]),
                Hidden::Uncallable => self.out.put(&[1]),
                Hidden::Without(field) => {
                    self.out.put(&[2]);
                    self.bytes(field);
                }
            }
            self.id(value.ty);
        }
    }

    fn id(&mut self, id: TypeId) {
        self.number(u64::from(id.0));
    }

    fn optional(&mut self, id: Option<TypeId>) {
        self.number(id.map_or(0, |id| u64::from(id.0) + 1));
    }

    fn ids(&mut self, ids: &[TypeId]) {
        self.size(ids.len());
        ids.iter().for_each(|&id| self.id(id));
    }

    fn fields(&mut self, fields: &[Field]) {
        self.size(fields.len());
        for field in fields {
            self.bytes(&field.name);
            self.out.put(&[u8::from(field.optional)]);
            self.id(field.ty);
        }
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Nil => self.out.put(&[0]),
            Literal::Bool(b) => self.out.put(&[1 + u8::from(*b)]),
            Literal::Integer(i) => {
                self.out.put(&[3]);
                self.out.put(&i.to_le_bytes());
            }
            Literal::Float(f) => {
                self.out.put(&[4]);
                self.out.put(&f.to_bits().to_le_bytes());
            }
            Literal::String(s) => {
                self.out.put(&[5]);
                self.bytes(s);
            }
        }
    }

    fn ty(&mut self, ty: &Type) {
        let mut tag = |n: u8| self.out.put(&[FIRST_TAG + n]);
        match ty {
            Type::Primitive(primitive) => self.out.put(&[*primitive as u8]),
            Type::Bool(b) => tag(u8::from(*b)),
            Type::IntegerLiteral(i) => {
                tag(2);
                self.out.put(&i.to_le_bytes());
            }
            Type::FloatLiteral(f) => {
                tag(3);
                self.out.put(&f.to_bits().to_le_bytes());
            }
            Type::StringLiteral(s) => {
                tag(4);
                self.bytes(s);
            }
            Type::Param(i) => {
                tag(5);
                self.number(u64::from(*i));
            }
            Type::Alias(i) => {
                tag(6);
                self.number(u64::from(*i));
            }
            Type::Apply(i, args) => {
                tag(7);
                self.number(u64::from(*i));
                self.ids(args);
            }
            Type::Imported(module, name, args) => {
                tag(8);
                self.bytes(module);
                self.bytes(name);
                self.ids(args);
            }
            Type::Unresolved(name) => {
                tag(9);
                self.bytes(name);
            }
            Type::Channel(item) => {
                tag(10);
                self.optional(*item);
            }
            Type::Optional(t) => {
                tag(11);
                self.id(*t);
            }
            Type::Array(t) => {
                tag(12);
                self.id(*t);
            }
            Type::Map(k, v) => {
                tag(13);
                self.id(*k);
                self.id(*v);
            }
            Type::Readonly(t) => {
                tag(14);
                self.id(*t);
            }
            Type::Keyof(t) => {
                tag(15);
                self.id(*t);
            }
            Type::Indexed(t, k) => {
                tag(16);
                self.id(*t);
                self.id(*k);
            }
            Type::Union(list) => {
                tag(17);
                self.ids(list);
            }
            Type::Intersection(list) => {
                tag(18);
                self.ids(list);
            }
            Type::Tuple(list) => {
                tag(19);
                self.ids(list);
            }
            Type::Record(fields) => {
                tag(20);
                self.fields(fields);
            }
            Type::Interface(bases, fields) => {
                tag(21);
                self.ids(bases);
                self.fields(fields);
            }
            Type::Function(signature) => {
                tag(22);
                self.size(signature.params.len());
                for (name, ty) in &signature.params {
                    // A name is never empty.
                    self.bytes(name.as_deref().unwrap_or_default());
                    self.id(*ty);
                }
                self.optional(signature.vararg);
                match &signature.returns {
                    Some(list) => {
                        self.out.put(&[1]);
                        self.ids(list);
                    }
                    None => self.out.put(&[0]),
                }
            }
            Type::Annotated(t, annotation) => {
                tag(23);
                self.id(*t);
                self.bytes(&annotation.name);
                match &annotation.arg {
                    Some(literal) => {
                        self.out.put(&[1]);
                        self.literal(literal);
                    }
                    None => self.out.put(&[0]),
                }
            }
            Type::Conditional(parts) => {
                tag(24);
                parts.iter().for_each(|&t| self.id(t));
            }
        }
    }
}

impl Reader<'_> {
    pub(super) fn pool(&mut self) -> Result<Option<Arc<TypePool>>, BadChunk> {
        let number = self.small()? as usize;
        if number == 0 {
            return Ok(None);
        }
        if let Some(known) = self.pools.get(number - 1) {
            return Ok(Some(Arc::clone(known)));
        }
        if number != self.pools.len() + 1 {
            return Err(CORRUPTED);
        }
        let types = self.list(1, Self::ty)?;
        let aliases = self.list(3, |r| {
            let name = r.bytes()?.into();
            let params = r.list(2, |r| Ok(TypeParam { name: r.bytes()?.into(), bound: r.optional()? }))?;
            Ok(Alias { name, params, body: r.id()? })
        })?;
        let values = self.list(3, |r| {
            let name = if r.flag()? { Some(r.bytes()?.into()) } else { None };
            let hidden = match r.byte()? {
                0 => Hidden::Never,
                1 => Hidden::Uncallable,
                2 => Hidden::Without(r.bytes()?.into()),
                _ => return Err(CORRUPTED),
            };
            Ok(TypeValue { name, hidden, ty: r.id()? })
        })?;
        let pool = TypePool::new(types.into(), aliases.into(), values.into()).map_err(|_| CORRUPTED)?;
        let pool = Arc::new(pool);
        self.pools.push(Arc::clone(&pool));
        Ok(Some(pool))
    }

    fn id(&mut self) -> Result<TypeId, BadChunk> {
        Ok(TypeId(self.small()?))
    }

    fn optional(&mut self) -> Result<Option<TypeId>, BadChunk> {
        Ok(self.small()?.checked_sub(1).map(TypeId))
    }

    fn ids(&mut self) -> Result<Box<[TypeId]>, BadChunk> {
        self.list(1, Self::id)
    }

    fn fields(&mut self) -> Result<Box<[Field]>, BadChunk> {
        self.list(3, |r| Ok(Field { name: r.bytes()?.into(), optional: r.flag()?, ty: r.id()? }))
    }

    fn literal(&mut self) -> Result<Literal, BadChunk> {
        Ok(match self.byte()? {
            0 => Literal::Nil,
            1 => Literal::Bool(false),
            2 => Literal::Bool(true),
            3 => Literal::Integer(i64::from_le_bytes(self.array()?)),
            4 => Literal::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            5 => Literal::String(self.bytes()?.into()),
            _ => return Err(CORRUPTED),
        })
    }

    fn ty(&mut self) -> Result<Type, BadChunk> {
        let tag = self.byte()?;
        if let Some(primitive) = Primitive::ALL.get(usize::from(tag)) {
            return Ok(Type::Primitive(*primitive));
        }
        Ok(match tag.wrapping_sub(FIRST_TAG) {
            0 => Type::Bool(false),
            1 => Type::Bool(true),
            2 => Type::IntegerLiteral(i64::from_le_bytes(self.array()?)),
            3 => Type::FloatLiteral(f64::from_bits(u64::from_le_bytes(self.array()?))),
            4 => Type::StringLiteral(self.bytes()?.into()),
            5 => Type::Param(self.small()?),
            6 => Type::Alias(self.small()?),
            7 => Type::Apply(self.small()?, self.ids()?),
            8 => Type::Imported(self.bytes()?.into(), self.bytes()?.into(), self.ids()?),
            9 => Type::Unresolved(self.bytes()?.into()),
            10 => Type::Channel(self.optional()?),
            11 => Type::Optional(self.id()?),
            12 => Type::Array(self.id()?),
            13 => Type::Map(self.id()?, self.id()?),
            14 => Type::Readonly(self.id()?),
            15 => Type::Keyof(self.id()?),
            16 => Type::Indexed(self.id()?, self.id()?),
            17 => Type::Union(self.ids()?),
            18 => Type::Intersection(self.ids()?),
            19 => Type::Tuple(self.ids()?),
            20 => Type::Record(self.fields()?),
            21 => Type::Interface(self.ids()?, self.fields()?),
            22 => {
                let params = self.list(2, |r| {
                    let name = r.bytes()?;
                    Ok(((!name.is_empty()).then(|| name.into()), r.id()?))
                })?;
                let vararg = self.optional()?;
                let returns = if self.flag()? { Some(self.ids()?) } else { None };
                Type::Function(Box::new(Signature { params, vararg, returns }))
            }
            23 => {
                let ty = self.id()?;
                let name = self.bytes()?.into();
                let arg = if self.flag()? { Some(self.literal()?) } else { None };
                Type::Annotated(ty, Box::new(Annotation { name, arg }))
            }
            24 => Type::Conditional([self.id()?, self.id()?, self.id()?, self.id()?]),
            _ => return Err(CORRUPTED),
        })
    }
}

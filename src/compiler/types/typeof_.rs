//! `typeof`: the static type of an expression, from annotations and from the shape of literals.

use super::super::desc::{Exp, JumpList};
use super::super::emit::reg;
use super::super::{Compiler, Res};
use super::Known;
use crate::bytecode::types::{Field, Hidden, Primitive, Type, TypeId, TypeValue};
use crate::bytecode::{Instr, Op};
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, Function, Symbol, TableItem, UnaryOp};
use crate::syntax::token::soft;

impl<'a> Compiler<'a> {
    /// What is known of a variable from its annotation.
    pub(in super::super) fn known_type(&mut self, ty: &'a ast::Type<'a>) -> Known {
        if self.types.wants_locals { Known::Type(self.ty(ty)) } else { Known::Nothing }
    }

    /// What is known of a variable that holds a function.
    pub(in super::super) fn known_function(&mut self, f: &'a Function<'a>) -> Known {
        if self.types.wants_locals { Known::Type(self.function_type(f)) } else { Known::Nothing }
    }

    /// What is known of the variable of a numeric loop: it is an integer if start and step are, and a number in any case.
    pub(in super::super) fn known_counter(
        &mut self,
        start: &'a Expr<'a>,
        step: Option<&'a Expr<'a>>,
    ) -> Known {
        if !self.types.wants_locals {
            return Known::Nothing;
        }
        let integral = self.is_integer(start) && step.is_none_or(|step| self.is_integer(step));
        let primitive = if integral { Primitive::Integer } else { Primitive::Number };
        Known::Type(self.types.primitive(primitive))
    }

    /// What is known of the variables of a loop over `ipairs(e)` or `pairs(e)`: `e` is a list or a map of known type, and the
    /// function is not a local one.
    pub(in super::super) fn known_entry(&mut self, exprs: &'a [Expr<'a>]) -> [Known; 2] {
        const NOTHING: [Known; 2] = [Known::Nothing; 2];
        let [Expr { kind: ExprKind::Call(call), .. }] = exprs else { return NOTHING };
        let (ExprKind::Name(sym), [arg, ..]) = (call.func.kind, call.args) else { return NOTHING };
        if !self.types.wants_locals || self.bindings.get(sym).is_some() {
            return NOTHING;
        }
        let by_key = match self.name(sym) {
            b"pairs" => true,
            b"ipairs" => false,
            _ => return NOTHING,
        };
        let ty = self.infer(arg);
        let integer = self.types.primitive(Primitive::Integer);
        let shape = self.shape(ty);
        let (key, value) = match self.types.types[shape.0 as usize] {
            // Of a list that is typed as such nobody expects other keys.
            Type::Array(item) => (integer, item),
            Type::Map(key, value) if by_key => (key, value),
            Type::Map(_, value) => (integer, value),
            // Found when it is needed.
            Type::Alias(_) | Type::Apply(..) | Type::Imported(..) if by_key => {
                let key = self.types.add(Type::Keyof(ty));
                (key, self.types.add(Type::Indexed(ty, key)))
            }
            Type::Alias(_) | Type::Apply(..) | Type::Imported(..) => {
                (integer, self.types.add(Type::Indexed(ty, integer)))
            }
            _ if by_key => return NOTHING,
            _ => return [Known::Type(integer), Known::Nothing],
        };
        [Known::Type(key), Known::Type(value)]
    }

    fn is_integer(&mut self, e: &'a Expr<'a>) -> bool {
        match e.kind {
            ExprKind::Integer(_) => true,
            ExprKind::Unary(UnaryOp::Neg, operand) if matches!(operand.kind, ExprKind::Integer(_)) => true,
            _ => {
                let ty = self.infer(e);
                self.types.types[ty.0 as usize] == Type::Primitive(Primitive::Integer)
            }
        }
    }

    /// The static type of an expression, `any` where it is not known. Literals are widened.
    pub(super) fn infer(&mut self, e: &'a Expr<'a>) -> TypeId {
        // Suffixes may form chains of any length: they are applied from the inside.
        let mut fields = Vec::new();
        let mut e = e;
        loop {
            match e.kind {
                ExprKind::Field(pair) => {
                    fields.push(Some(pair.1.sym));
                    e = &pair.0;
                }
                ExprKind::NonNil(inner) => {
                    fields.push(None);
                    e = inner;
                }
                ExprKind::Paren(inner) => e = inner,
                _ => break,
            }
        }
        let mut ty = self.infer_plain(e);
        for field in fields.into_iter().rev() {
            ty = match field {
                Some(field) => self.field_type(ty, self.name(field)),
                None => match self.types.types[ty.0 as usize] {
                    Type::Optional(inner) => inner,
                    _ => ty,
                },
            };
        }
        ty
    }

    /// The structure of a type, as far as it is known by now.
    fn shape(&self, ty: TypeId) -> TypeId {
        let mut shape = ty;
        // As many names as there are lead to the end or in a circle.
        for _ in 0..=self.types.aliases.len() {
            shape = match self.types.types[shape.0 as usize] {
                Type::Alias(alias) => match self.types.aliases[alias as usize].body {
                    Some(body) => body,
                    None => break,
                },
                Type::Readonly(inner) | Type::Annotated(inner, _) => inner,
                _ => break,
            };
        }
        shape
    }

    /// The type of a field, if the object's type is known by now; otherwise it is found when it is needed.
    fn field_type(&mut self, object: TypeId, name: &[u8]) -> TypeId {
        let shape = self.shape(object);
        match &self.types.types[shape.0 as usize] {
            Type::Record(fields) => {
                return match fields.iter().find(|field| *field.name == *name) {
                    Some(&Field { optional: true, ty, .. }) => self.types.add(Type::Optional(ty)),
                    Some(field) => field.ty,
                    None => self.types.primitive(Primitive::Any),
                };
            }
            Type::Primitive(Primitive::Any) => return shape,
            _ => {}
        }
        let name = self.types.add(Type::StringLiteral(name.into()));
        self.types.add(Type::Indexed(object, name))
    }

    fn infer_plain(&mut self, e: &'a Expr<'a>) -> TypeId {
        let primitive = match e.kind {
            ExprKind::Nil => Primitive::Nil,
            ExprKind::True | ExprKind::False => Primitive::Boolean,
            ExprKind::Integer(_) | ExprKind::Float(_) => Primitive::Number,
            ExprKind::String(_) => Primitive::String,
            ExprKind::Name(sym) => match self.bindings.get(sym).map(|b| b.known) {
                Some(Known::Type(ty)) => return ty,
                _ => Primitive::Any,
            },
            ExprKind::Function(f) => return self.function_type(f),
            ExprKind::Cast(pair) => return self.ty(&pair.1),
            ExprKind::Table(items) => return self.infer_table(items),
            ExprKind::Unary(op, _) => match op {
                UnaryOp::Neg => Primitive::Number,
                UnaryOp::Not => Primitive::Boolean,
                UnaryOp::Len | UnaryOp::BNot => Primitive::Integer,
            },
            ExprKind::Binary(op, _) => match op {
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => Primitive::Number,
                BinaryOp::IDiv | BinaryOp::Mod | BinaryOp::Pow => Primitive::Number,
                BinaryOp::Concat => Primitive::String,
                BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                    Primitive::Boolean
                }
                BinaryOp::BAnd | BinaryOp::BOr | BinaryOp::BXor | BinaryOp::Shl | BinaryOp::Shr => {
                    Primitive::Integer
                }
                BinaryOp::And | BinaryOp::Or => Primitive::Any,
            },
            ExprKind::Call(call) => return self.infer_call(&call.func),
            ExprKind::Vararg
            | ExprKind::Index(_)
            | ExprKind::Field(_)
            | ExprKind::MethodCall(_)
            | ExprKind::Paren(_)
            | ExprKind::NonNil(_) => Primitive::Any,
        };
        self.types.primitive(primitive)
    }

    /// The first result of a call of a local function that declares it.
    fn infer_call(&mut self, func: &'a Expr<'a>) -> TypeId {
        if let ExprKind::Name(sym) = func.kind
            && let Some(Known::Type(ty)) = self.bindings.get(sym).map(|b| b.known)
            && let Type::Function(signature) = &self.types.types[ty.0 as usize]
            && let Some(returns) = &signature.returns
        {
            return match returns.first() {
                Some(&first) => first,
                None => self.types.primitive(Primitive::Nil),
            };
        }
        self.types.primitive(Primitive::Any)
    }

    /// A record, an array, or any table if it is neither.
    fn infer_table(&mut self, items: &'a [TableItem<'a>]) -> TypeId {
        let mut fields: Vec<Field> = Vec::new();
        let mut members: Vec<TypeId> = Vec::new();
        for item in items {
            match item {
                TableItem::Named(name, value) => {
                    let (name, ty) = (self.name(name.sym), self.infer(value));
                    match fields.iter_mut().find(|f| *f.name == *name) {
                        Some(field) => field.ty = ty,
                        None => fields.push(Field { name: name.into(), optional: false, ty }),
                    }
                }
                TableItem::Positional(value) => {
                    let ty = self.infer(value);
                    let known = |&other: &TypeId| {
                        self.types.types[other.0 as usize] == self.types.types[ty.0 as usize]
                    };
                    if !members.iter().any(known) {
                        members.push(ty);
                    }
                }
                TableItem::Keyed(..) => return self.types.primitive(Primitive::Table),
            }
        }
        let made = match (&members[..], fields.is_empty()) {
            ([], _) => Type::Record(fields.into()),
            (_, false) => return self.types.primitive(Primitive::Table),
            ([one], true) => Type::Array(*one),
            (_, true) => {
                let member = self.types.add(Type::Union(members.into()));
                Type::Array(member)
            }
        };
        self.types.add(made)
    }

    /// `typeof(e)` as an expression: a type, unless the program has given the name a meaning of its own. `e` is only
    /// evaluated in that case. `None`: an ordinary call.
    pub(in super::super) fn typeof_leaf(
        &mut self,
        leaf: &'a Expr<'a>,
        around: Option<&'a Expr<'a>>,
    ) -> Res<Option<Exp>> {
        let Some(call) = around else { return Ok(None) };
        let (ExprKind::Name(sym), ExprKind::Call(parts)) = (leaf.kind, call.kind) else { return Ok(None) };
        let [arg] = parts.args else { return Ok(None) };
        if sym != Symbol(soft::TYPEOF) || self.bindings.get(sym).is_some() {
            return Ok(None);
        }
        let ty = self.infer(arg);
        let value = self.types.add_value(TypeValue { name: None, hidden: Hidden::Never, ty });
        self.cursor = leaf.span.end;
        let mut func = self.variable(sym, leaf.span)?;
        let base = self.put_in_next_reg(&mut func)?;
        let test = self.cond_jump(Instr::abc(Op::JumpIf, 0, reg(base), 0, 0), leaf.span);
        let has_function = JumpList::one(test);
        self.f.free = base;
        let mut own = self.get_type(value, call.span)?;
        self.put_in_next_reg(&mut own)?;
        let done = self.jump(call.span);
        self.patch_to_here(has_function);
        let mut v = Exp::new(func.kind, leaf.span);
        self.call(&mut v, parts.at, parts.args, call.span)?;
        self.discharge_vars(&mut v)?;
        self.patch_to_here(done);
        Ok(Some(v))
    }
}

//! Names of types in expressions, and the code that gets their values.

use super::super::desc::{Exp, Kind};
use super::super::emit::reg;
use super::super::{Compiler, ENV, Res};
use super::Known;
use crate::bytecode::types::{Hidden, Primitive, Type, TypeValue};
use crate::bytecode::{Instr, Op};
use crate::diag::Span;
use crate::syntax::ast::{Expr, ExprKind, Symbol};

/// Methods of type values.
const METHODS: [&[u8]; 12] = [
    b"is",
    b"kind",
    b"name",
    b"elem",
    b"key",
    b"val",
    b"inner",
    b"fields",
    b"variants",
    b"params",
    b"ret",
    b"tparams",
];

/// Primitive types whose plain names are types where they are called or asked for a method.
fn callable_primitive(name: &[u8]) -> Option<Primitive> {
    match name {
        b"string" => Some(Primitive::String),
        b"number" => Some(Primitive::Number),
        b"integer" => Some(Primitive::Integer),
        b"boolean" => Some(Primitive::Boolean),
        _ => None,
    }
}

/// Names that are values for primitive types everywhere.
fn named_primitive(name: &[u8]) -> Option<Primitive> {
    match name {
        b"String" => Some(Primitive::String),
        b"Number" => Some(Primitive::Number),
        b"Integer" => Some(Primitive::Integer),
        b"Boolean" => Some(Primitive::Boolean),
        _ => None,
    }
}

impl<'a> Compiler<'a> {
    /// A name whose value is wanted; `around` is the suffix it stands before.
    pub(in super::super) fn name_value(
        &mut self,
        sym: Symbol,
        span: Span,
        around: Option<&'a Expr<'a>>,
    ) -> Res<Exp> {
        match self.type_value(sym, around) {
            Some(value) => self.get_type(value, span),
            None => self.variable(sym, span),
        }
    }

    /// True for the name of a generic type of the chunk: what is called with types.
    pub(in super::super) fn takes_types(&self, func: &Expr<'a>) -> bool {
        let ExprKind::Name(sym) = func.kind else { return false };
        let generic = self.types.top.get(&sym).is_some_and(|&i| self.types.aliases[i as usize].arity > 0);
        generic && !self.is_local(sym)
    }

    /// The arguments of a generic type, as `expr_list` does it; the plain names of primitive types are those types.
    pub(in super::super) fn type_list(&mut self, args: &'a [Expr<'a>]) -> Res<Exp> {
        let Some((last, init)) = args.split_last() else { return self.expr_list(args) };
        for e in init {
            let mut v = self.type_argument(e)?;
            self.pass_separator(e.span.end);
            self.put_in_next_reg(&mut v)?;
        }
        self.type_argument(last)
    }

    fn type_argument(&mut self, arg: &'a Expr<'a>) -> Res<Exp> {
        if let ExprKind::Name(sym) = arg.kind
            && !self.is_local(sym)
            && !self.types.top.contains_key(&sym)
            && let Some(primitive) = callable_primitive(self.name(sym))
        {
            let value = self.primitive_value(sym, primitive, None, true);
            self.cursor = arg.span.end;
            return self.get_type(value, arg.span);
        }
        self.expr(arg)
    }

    fn is_local(&self, sym: Symbol) -> bool {
        self.bindings.get(sym).is_some()
    }

    /// The entry among the type values of what a name means, if it can mean a type.
    fn type_value(&mut self, sym: Symbol, around: Option<&'a Expr<'a>>) -> Option<u32> {
        if self.is_local(sym) {
            return None;
        }
        if let Some(&alias) = self.types.top.get(&sym) {
            if let Some(&value) = self.types.value_of.get(&(sym, None, false)) {
                return Some(value);
            }
            let name = Some(self.name(sym).into());
            let ty = self.types.add(Type::Alias(alias));
            let value = self.types.add_value(TypeValue { name, hidden: Hidden::Never, ty });
            self.types.value_of.insert((sym, None, false), value);
            return Some(value);
        }
        let name = self.name(sym);
        if let Some(primitive) = named_primitive(name) {
            return Some(self.primitive_value(sym, primitive, None, false));
        }
        let primitive = callable_primitive(name)?;
        let (field, called) = match around?.kind {
            ExprKind::Call(_) => (None, true),
            ExprKind::Field(pair) => (Some(pair.1.sym), false),
            ExprKind::MethodCall(call) => (Some(call.method.sym), false),
            _ => return None,
        };
        if field.is_some_and(|field| !METHODS.contains(&self.name(field))) {
            return None;
        }
        Some(self.primitive_value(sym, primitive, field, called))
    }

    fn primitive_value(
        &mut self,
        sym: Symbol,
        primitive: Primitive,
        field: Option<Symbol>,
        called: bool,
    ) -> u32 {
        let key = (sym, field, called);
        if let Some(&value) = self.types.value_of.get(&key) {
            return value;
        }
        // `string` is a library, too.
        let hidden = match field {
            Some(field) if self.name(sym) == b"string" => Hidden::Without(self.name(field).into()),
            None if called && self.name(sym) == b"string" => Hidden::Uncallable,
            _ => Hidden::Never,
        };
        let name = Some(self.name(sym).into());
        let ty = self.types.primitive(primitive);
        let value = self.types.add_value(TypeValue { name, hidden, ty });
        self.types.value_of.insert(key, value);
        value
    }

    /// The code for a type's value.
    pub(super) fn get_type(&mut self, value: u32, span: Span) -> Res<Exp> {
        let mut env = match self.resolve(ENV)? {
            Some(kind) => Exp::new(kind, span),
            None => unreachable!("_ENV is always bound"),
        };
        let from = self.put_in_any_reg(&mut env)?;
        self.free_exp(&env);
        let pc = self.code(Instr::abc(Op::GetType, 0, 0, reg(from), 0), span);
        self.code(Instr::aw(Op::Extra, 0, 0, value as i32), span);
        Ok(Exp::new(Kind::Reloc(pc), span))
    }

    /// What is known of a variable from its value.
    pub(in super::super) fn known_value(&mut self, e: &'a Expr<'a>) -> Known {
        if let Some(module) = self.required(e) {
            self.types.modules.push(module.into());
            return Known::Module(self.types.modules.len() as u32 - 1);
        }
        if self.types.wants_locals { Known::Type(self.infer(e)) } else { Known::Nothing }
    }

    /// The module that `require("name")` loads.
    fn required(&self, e: &'a Expr<'a>) -> Option<&'a [u8]> {
        let mut e = e;
        while let ExprKind::Paren(inner) = e.kind {
            e = inner;
        }
        let ExprKind::Call(call) = e.kind else { return None };
        let (ExprKind::Name(callee), [arg]) = (call.func.kind, call.args) else { return None };
        match arg.kind {
            ExprKind::String(s) if self.name(callee) == b"require" && !self.is_local(callee) => Some(s),
            _ => None,
        }
    }
}

impl super::Types {
    pub(super) fn add_value(&mut self, value: TypeValue) -> u32 {
        self.values.push(value);
        self.values.len() as u32 - 1
    }
}

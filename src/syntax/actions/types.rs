//! The reductions of the type syntax.

use super::{BALANCED, Ctx, name, take};
use crate::diag::Span;
use crate::limits::MAX_SYNTAX_LEVELS;
use crate::numeral::Number;
use crate::syntax::ast::{
    Annotated, Conditional, FunctionType, Literal, NamedType, ParamType, QName, RecordType, Returns, Sig,
    Symbol, Type, TypeField, TypeKind, TypeParam,
};
use crate::syntax::error::too_many_levels;
use crate::syntax::lexer::Error;
use crate::syntax::token::soft;

const fn negate(number: Number) -> Number {
    match number {
        Number::Integer(value) => Number::Integer(value.wrapping_neg()),
        Number::Float(value) => Number::Float(-value),
    }
}

fn deepest(types: &[Type<'_>]) -> u8 {
    types.iter().map(|ty| ty.depth).max().unwrap_or(0)
}

impl<'a, 't: 'a> Ctx<'a, '_, 't> {
    pub(super) fn pop_type(&mut self) -> Type<'a> {
        self.types.pop().expect(BALANCED)
    }

    pub(super) fn pop_type_node(&mut self) -> &'a Type<'a> {
        let ty = self.pop_type();
        self.arena.alloc(ty)
    }

    fn leaf(&mut self, kind: TypeKind<'a>, l: u32, r: u32) {
        self.types.push(Type { kind, span: Span::new(l, r), depth: 0 });
    }

    /// A type around parts of which the deepest has `inner` levels.
    fn nested(&mut self, kind: TypeKind<'a>, inner: u8, l: u32, r: u32) -> Result<(), Error> {
        self.raised(kind, inner.saturating_add(1), l, r)
    }

    fn raised(&mut self, kind: TypeKind<'a>, depth: u8, l: u32, r: u32) -> Result<(), Error> {
        if u32::from(depth) > MAX_SYNTAX_LEVELS {
            return Err(too_many_levels(self.shared, self.shared.last.get()));
        }
        self.types.push(Type { kind, span: Span::new(l, r), depth });
        Ok(())
    }

    pub fn returns(&mut self, count: u32) {
        let list = take(self.arena, &mut self.types, count);
        self.returns.push(self.arena.alloc(Returns::List(list)));
    }

    pub fn asserts(&mut self, symbol: u32, l: u32, r: u32, typed: bool) {
        let ty = if typed { Some(self.pop_type_node()) } else { None };
        self.returns.push(self.arena.alloc(Returns::Asserts(name(symbol, l, r), ty)));
    }

    /// What a function returns if it says so (`count` is 1).
    pub(super) fn pop_returns(&mut self, count: u32) -> Option<&'a Returns<'a>> {
        (count > 0).then(|| self.returns.pop().expect(BALANCED))
    }

    pub fn type_param(&mut self, symbol: u32, l: u32, r: u32, bound: bool) {
        let bound = if bound { Some(self.pop_type_node()) } else { None };
        self.type_params.push(TypeParam { name: name(symbol, l, r), bound });
    }

    pub fn sig(&mut self, symbol: u32, l: u32, r: u32, params: u32, returns: u32) {
        let returns = self.pop_returns(returns);
        let params = take(self.arena, &mut self.typed_names, params);
        self.sigs.push(Sig { name: name(symbol, l, r), params, returns });
    }

    /// A leading `|` or `&` belongs to the type's range.
    pub fn widen_type(&mut self, l: u32) {
        self.types.last_mut().expect(BALANCED).span.start = l;
    }

    /// A group's range includes its parentheses.
    pub fn group(&mut self, l: u32, r: u32) {
        self.types.last_mut().expect(BALANCED).span = Span::new(l, r);
    }

    fn member(&mut self, kind: fn(&'a (Type<'a>, Type<'a>)) -> TypeKind<'a>) -> Result<(), Error> {
        let right = self.pop_type();
        let left = self.pop_type();
        // The left spine of a chain is as long as it likes; only its members count.
        let depth = left.depth.max(right.depth.saturating_add(1));
        let pair = self.arena.alloc((left, right));
        self.raised(kind(pair), depth, left.span.start, right.span.end)
    }

    pub fn union(&mut self) -> Result<(), Error> {
        self.member(TypeKind::Union)
    }

    pub fn intersection(&mut self) -> Result<(), Error> {
        self.member(TypeKind::Intersection)
    }

    pub fn conditional(&mut self) -> Result<(), Error> {
        let otherwise = self.pop_type();
        let then = self.pop_type();
        let extends = self.pop_type();
        let subject = self.pop_type();
        let inner = deepest(&[subject, extends, then, otherwise]);
        let node = self.arena.alloc(Conditional { subject, extends, then, otherwise });
        self.nested(TypeKind::Conditional(node), inner, subject.span.start, otherwise.span.end)
    }

    pub fn optional(&mut self, r: u32) -> Result<(), Error> {
        let inner = self.pop_type_node();
        self.nested(TypeKind::Optional(inner), inner.depth, inner.span.start, r)
    }

    pub fn array_of(&mut self, r: u32) -> Result<(), Error> {
        let inner = self.pop_type_node();
        self.nested(TypeKind::ArrayOf(inner), inner.depth, inner.span.start, r)
    }

    pub fn indexed(&mut self, r: u32) -> Result<(), Error> {
        let key = self.pop_type();
        let object = self.pop_type();
        let pair = self.arena.alloc((object, key));
        self.nested(TypeKind::Indexed(pair), deepest(&[object, key]), object.span.start, r)
    }

    /// `T @name(args)`; the name's range leaves out the `@` at `l`.
    pub fn annotated(&mut self, symbol: u32, l: u32, nr: u32, args: u32, r: u32) -> Result<(), Error> {
        let args = take(self.arena, &mut self.literals, args);
        let ty = self.pop_type();
        let node = self.arena.alloc(Annotated { ty, name: name(symbol, l + 1, nr), args });
        self.nested(TypeKind::Annotated(node), ty.depth, ty.span.start, r)
    }

    pub fn literal_argument(&mut self, val: u32) {
        self.literals.push(match val {
            0 => Literal::Nil,
            1 => Literal::True,
            _ => Literal::False,
        });
    }

    pub fn string_argument(&mut self, val: u32) {
        let text = self.string_value(val);
        self.literals.push(Literal::String(text));
    }

    pub fn number_argument(&mut self, val: u32, minus: bool) {
        let number = self.number_value(val);
        self.literals.push(match if minus { negate(number) } else { number } {
            Number::Integer(value) => Literal::Integer(value),
            Number::Float(value) => Literal::Float(value),
        });
    }

    pub fn literal_type(&mut self, val: u32, l: u32, r: u32) {
        let kind = match val {
            0 => TypeKind::Nil,
            1 => TypeKind::True,
            _ => TypeKind::False,
        };
        self.leaf(kind, l, r);
    }

    pub fn string_type(&mut self, val: u32, l: u32, r: u32) {
        let text = self.string_value(val);
        let text = self.arena.alloc(text);
        self.leaf(TypeKind::String(text), l, r);
    }

    pub fn number_type(&mut self, val: u32, minus: bool, l: u32, r: u32) {
        let number = self.number_value(val);
        let kind = match if minus { negate(number) } else { number } {
            Number::Integer(value) => TypeKind::Integer(value),
            Number::Float(value) => TypeKind::Float(value),
        };
        self.leaf(kind, l, r);
    }

    pub fn qname(&mut self, symbol: u32, l: u32, r: u32) {
        self.qnames.push(QName { module: None, name: name(symbol, l, r) });
    }

    pub fn qualified(&mut self, module: u32, ml: u32, mr: u32, symbol: u32, l: u32, r: u32) {
        self.qnames.push(QName { module: Some(name(module, ml, mr)), name: name(symbol, l, r) });
    }

    pub fn named_type(&mut self, l: u32, r: u32) {
        let name = self.qnames.pop().expect(BALANCED);
        if name.module.is_none() && name.name.sym == Symbol(soft::FUN) {
            return self.leaf(TypeKind::AnyFunction, l, r);
        }
        let node = self.arena.alloc(NamedType { name, args: &[] });
        self.leaf(TypeKind::Named(node), l, r);
    }

    pub fn generic_type(&mut self, count: u32, l: u32, r: u32) -> Result<(), Error> {
        let args = take(self.arena, &mut self.types, count);
        let name = self.qnames.pop().expect(BALANCED);
        let node = self.arena.alloc(NamedType { name, args });
        self.nested(TypeKind::Named(node), deepest(args), l, r)
    }

    pub fn record(&mut self, count: u32, interface: bool, l: u32, r: u32) -> Result<(), Error> {
        let fields = take(self.arena, &mut self.fields, count);
        let inner = fields.iter().map(|field| field.ty.depth).max().unwrap_or(0);
        let node = self.arena.alloc(RecordType { fields });
        let kind = if interface { TypeKind::Interface(node) } else { TypeKind::Record(node) };
        self.nested(kind, inner, l, r)
    }

    pub fn type_field(&mut self, symbol: u32, l: u32, r: u32, optional: bool) {
        let ty = self.pop_type();
        self.fields.push(TypeField { name: name(symbol, l, r), optional, ty });
    }

    pub fn array_type(&mut self, l: u32, r: u32) -> Result<(), Error> {
        let inner = self.pop_type_node();
        self.nested(TypeKind::Array(inner), inner.depth, l, r)
    }

    pub fn map_type(&mut self, l: u32, r: u32) -> Result<(), Error> {
        let value = self.pop_type();
        let key = self.pop_type();
        let pair = self.arena.alloc((key, value));
        self.nested(TypeKind::Map(pair), deepest(&[key, value]), l, r)
    }

    pub fn readonly(&mut self, l: u32, r: u32) -> Result<(), Error> {
        let inner = self.pop_type_node();
        self.nested(TypeKind::Readonly(inner), inner.depth, l, r)
    }

    pub fn keyof(&mut self, l: u32, r: u32) -> Result<(), Error> {
        let inner = self.pop_type_node();
        self.nested(TypeKind::Keyof(inner), inner.depth, l, r)
    }

    pub fn typeof_type(&mut self, l: u32, r: u32) {
        let expr = self.pop_node();
        self.leaf(TypeKind::Typeof(expr), l, r);
    }

    // ---- function types ----

    pub fn named_param(&mut self, symbol: u32, l: u32, r: u32) {
        let ty = self.pop_type();
        self.params.push(ParamType { name: Some(name(symbol, l, r)), ty });
    }

    pub fn unnamed_param(&mut self) {
        let ty = self.pop_type();
        self.params.push(ParamType { name: None, ty });
    }

    /// The last `count` types become parameters without names.
    pub fn params_of_types(&mut self, count: u32) -> u32 {
        let from = self.types.len() - count as usize;
        self.params.extend(self.types.drain(from..).map(|ty| ParamType { name: None, ty }));
        count
    }

    /// The same with the type of a `...` above them on the stack.
    pub fn params_of_types_below(&mut self, count: u32) -> u32 {
        let vararg = self.pop_type();
        self.params_of_types(count);
        self.types.push(vararg);
        count
    }

    /// The same with a named parameter already behind them.
    pub fn params_of_types_below_name(&mut self, count: u32) -> u32 {
        let named = self.params.pop().expect(BALANCED);
        self.params_of_types(count);
        self.params.push(named);
        count + 1
    }

    /// A `...` without a type takes anything.
    pub fn any_vararg(&mut self, l: u32, r: u32) -> u32 {
        self.qname(soft::ANY, l, r);
        self.named_type(l, r);
        Self::VARARG
    }

    /// The parameters are types that are still below the return types on the stack of types.
    pub fn function_type_of_types(
        &mut self,
        params: u32,
        returns: Option<u32>,
        l: u32,
        r: u32,
    ) -> Result<(), Error> {
        let returned = self.types.len() - returns.unwrap_or(0) as usize;
        let from = returned - params as usize;
        self.params.extend(self.types.drain(from..returned).map(|ty| ParamType { name: None, ty }));
        self.function_type(params, returns, l, r)
    }

    pub fn function_type(&mut self, params: u32, returns: Option<u32>, l: u32, r: u32) -> Result<(), Error> {
        let returns = match returns {
            Some(count) => Some(take(self.arena, &mut self.types, count)),
            None => None,
        };
        let vararg = if params & Self::VARARG != 0 { Some(self.pop_type_node()) } else { None };
        let params = take(self.arena, &mut self.params, params & !Self::VARARG);
        let inner = params.iter().map(|param| param.ty.depth).max().unwrap_or(0);
        let inner = inner.max(deepest(returns.unwrap_or_default())).max(vararg.map_or(0, |ty| ty.depth));
        let node = self.arena.alloc(FunctionType { params, vararg, returns });
        self.nested(TypeKind::Function(node), inner, l, r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_nodes_stay_small() {
        assert!(size_of::<Type<'_>>() <= 32);
        assert!(size_of::<crate::syntax::ast::Expr<'_>>() <= 24);
    }
}

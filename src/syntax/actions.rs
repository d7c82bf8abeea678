//! What the grammar does at each reduction: completed parts wait on stacks until the construct around them is complete
//! and copies them into the arena.
//!
//! 1. Reductions nest like brackets, so one stack per kind of node serves every level.
//! 2. Operators fold by 5.3's priorities; the frame of an expression is where its operators begin on the stack, which
//!    keeps it apart from the expressions around it.
//! 3. Every operator that waits for its right operand counts as a level, like every open bracket (`lexer::Nest`).

use bumpalo::Bump;
use lalrpop_util::ParseError;

use super::ast::{
    Arm, Binary, BinaryOp, Block, Call, Expr, ExprKind, Function, Interface, Literal, MethodCall, Name,
    NumericFor, ParamType, QName, Returns, Sig, Stat, StatKind, Symbol, TableItem, Type, TypeAlias,
    TypeField, TypeParam, TypedName, UnaryOp,
};
use super::error::SyntaxError;
use super::lexer::{Error, Shared};
use super::token::{BINARY, LARGE_NUMBER, Tok, UNARY, soft};
use crate::diag::Span;
use crate::numeral::Number;

mod types;

/// An operator that waits for its right operand.
#[derive(Clone, Copy)]
struct Pending {
    op: Operator,
    at: u32,
}

#[derive(Clone, Copy)]
enum Operator {
    Unary(UnaryOp),
    Binary(BinaryOp),
}

const UNARY_PRIORITY: u8 = 12;

/// Left and right priority of a binary operator, as in 5.3: right smaller than left makes it right associative.
const fn priority(op: BinaryOp) -> (u8, u8) {
    match op {
        BinaryOp::Or => (1, 1),
        BinaryOp::And => (2, 2),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => (3, 3),
        BinaryOp::BOr => (4, 4),
        BinaryOp::BXor => (5, 5),
        BinaryOp::BAnd => (6, 6),
        BinaryOp::Shl | BinaryOp::Shr => (7, 7),
        BinaryOp::Concat => (9, 8),
        BinaryOp::Add | BinaryOp::Sub => (10, 10),
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::IDiv | BinaryOp::Mod => (11, 11),
        BinaryOp::Pow => (14, 13),
    }
}

impl Operator {
    const fn right(self) -> u8 {
        match self {
            Self::Unary(_) => UNARY_PRIORITY,
            Self::Binary(op) => priority(op).1,
        }
    }
}

/// The state of the grammar's actions.
pub struct Ctx<'a, 's, 't> {
    shared: &'s Shared<'t>,
    arena: &'a Bump,
    pending: Vec<Pending>,
    exprs: Vec<Expr<'a>>,
    stats: Vec<Stat<'a>>,
    items: Vec<TableItem<'a>>,
    arms: Vec<Arm<'a>>,
    blocks: Vec<&'a Block<'a>>,
    names: Vec<Name>,
    typed_names: Vec<TypedName<'a>>,
    functions: Vec<Function<'a>>,
    types: Vec<Type<'a>>,
    type_params: Vec<TypeParam<'a>>,
    qnames: Vec<QName>,
    fields: Vec<TypeField<'a>>,
    params: Vec<ParamType<'a>>,
    literals: Vec<Literal<'a>>,
    sigs: Vec<Sig<'a>>,
    returns: Vec<&'a Returns<'a>>,
}

/// What an action leaves for the parser's stack: a number, or nothing.
pub trait Answer {
    fn number(self) -> u32;
}

impl Answer for u32 {
    #[inline]
    fn number(self) -> u32 {
        self
    }
}

impl Answer for () {
    #[inline]
    fn number(self) -> u32 {
        0
    }
}

/// An action's result as the parser wants it.
#[inline]
pub fn done(answer: impl Answer) -> u32 {
    answer.number()
}

/// The same for an action that may refuse.
#[inline]
pub fn stop(result: Result<impl Answer, Error>) -> Result<u32, ParseError<u32, Tok, Error>> {
    match result {
        Ok(answer) => Ok(answer.number()),
        Err(error) => Err(ParseError::User { error }),
    }
}

const BALANCED: &str = "a reduction takes what the reductions of its parts left";

fn name(symbol: u32, l: u32, r: u32) -> Name {
    Name { sym: Symbol(symbol), span: Span::new(l, r) }
}

/// A name that a suffix chain begins with.
pub fn head<'a>(symbol: u32, l: u32, r: u32) -> Expr<'a> {
    Expr { kind: ExprKind::Name(Symbol(symbol)), span: Span::new(l, r) }
}

/// Moves the last `count` elements of a stack into the arena.
fn take<'a, T: Copy>(arena: &'a Bump, stack: &mut Vec<T>, count: u32) -> &'a [T] {
    let from = stack.len() - count as usize;
    take_from(arena, stack, from)
}

fn take_from<'a, T: Copy>(arena: &'a Bump, stack: &mut Vec<T>, from: usize) -> &'a [T] {
    let taken: &[T] =
        if stack.len() == from { &[] } else { arena.alloc_slice_copy(stack.get(from..).expect(BALANCED)) };
    stack.truncate(from);
    taken
}

impl<'a, 's, 't: 'a> Ctx<'a, 's, 't> {
    /// In the count of parameters: the list ends in `...`.
    pub const VARARG: u32 = 1 << 31;
    /// In the count of parameters: the `...` has a type, which is on the stack of types.
    pub const VARARG_TYPE: u32 = 1 << 30;

    #[must_use]
    pub fn new(shared: &'s Shared<'t>, arena: &'a Bump) -> Self {
        Self {
            shared,
            arena,
            pending: Vec::new(),
            exprs: Vec::new(),
            stats: Vec::new(),
            items: Vec::new(),
            arms: Vec::new(),
            blocks: Vec::new(),
            names: Vec::new(),
            typed_names: Vec::new(),
            functions: Vec::new(),
            types: Vec::new(),
            type_params: Vec::new(),
            qnames: Vec::new(),
            fields: Vec::new(),
            params: Vec::new(),
            literals: Vec::new(),
            sigs: Vec::new(),
            returns: Vec::new(),
        }
    }

    // ---- blocks and statements ----

    pub fn begin_block(&self) -> u32 {
        self.stats.len() as u32
    }

    pub fn block(&mut self, mark: u32) {
        // The look-ahead is the token that closes the block.
        let end = self.shared.last.get().0.start;
        let stats = take_from(self.arena, &mut self.stats, mark as usize);
        let start = stats.first().map_or(end, |stat| stat.span.start);
        self.blocks.push(self.arena.alloc(Block { stats, span: Span::new(start, end) }));
    }

    /// The block completed last.
    pub fn pop_block(&mut self) -> &'a Block<'a> {
        self.blocks.pop().expect(BALANCED)
    }

    pub fn do_block(&mut self, l: u32, r: u32) {
        let block = self.pop_block();
        self.stat(StatKind::Do(block), l, r);
    }

    pub fn stat(&mut self, kind: StatKind<'a>, l: u32, r: u32) {
        self.stats.push(Stat { kind, span: Span::new(l, r) });
        self.note_lists();
    }

    /// The two lists that grow with the text.
    #[inline(always)]
    fn note_lists(&self) {
        let stats = self.stats.capacity() * size_of::<Stat<'_>>();
        self.shared.lists.set(stats + self.items.capacity() * size_of::<TableItem<'_>>());
    }

    pub fn ret(&mut self, count: u32, l: u32, r: u32) {
        let exprs = take(self.arena, &mut self.exprs, count);
        self.stat(StatKind::Return(exprs), l, r);
    }

    pub fn local(&mut self, count: u32, exprs: u32, l: u32, r: u32) {
        let names = take(self.arena, &mut self.typed_names, count);
        let exprs = take(self.arena, &mut self.exprs, exprs);
        self.stat(StatKind::Local { names, exprs }, l, r);
    }

    pub fn local_function(&mut self, symbol: u32, nl: u32, nr: u32, keyword: u32, l: u32, r: u32) {
        let func = self.finish_function(keyword, r, None);
        self.stat(StatKind::LocalFunction { name: name(symbol, nl, nr), func }, l, r);
    }

    /// `function a.b.c() … end` and `function a.b:c() … end`, whose `:` is at `colon`.
    pub fn function_statement(&mut self, colon: u32, l: u32, r: u32) {
        let own = (colon != u32::MAX)
            .then(|| TypedName { name: name(soft::SELF, colon, colon.saturating_add(1)), ty: None });
        let func = self.finish_function(l, r, own);
        let target = self.pop_node();
        self.stat(StatKind::Function { target, func }, l, r);
    }

    pub fn while_loop(&mut self, l: u32, r: u32) {
        let body = self.pop_block();
        let cond = self.pop_node();
        self.stat(StatKind::While { cond, body }, l, r);
    }

    pub fn repeat(&mut self, l: u32, r: u32) {
        let body = self.pop_block();
        let cond = self.pop_node();
        self.stat(StatKind::Repeat { body, cond }, l, r);
    }

    pub fn arm(&mut self, then: u32) {
        let body = self.pop_block();
        let cond = self.pop_node();
        self.arms.push(Arm { cond, body, then });
    }

    pub fn if_statement(&mut self, arms: u32, has_else: bool, l: u32, r: u32) {
        let otherwise = has_else.then(|| self.pop_block());
        let arms = take(self.arena, &mut self.arms, arms);
        self.stat(StatKind::If { arms, otherwise }, l, r);
    }

    pub fn numeric_for(&mut self, symbol: u32, nl: u32, nr: u32, step: bool, l: u32, r: u32) {
        let body = self.pop_block();
        let step = step.then(|| self.pop());
        let limit = self.pop();
        let start = self.pop();
        let node = self.arena.alloc(NumericFor { var: name(symbol, nl, nr), start, limit, step, body });
        self.stat(StatKind::NumericFor(node), l, r);
    }

    pub fn generic_for(&mut self, names: u32, exprs: u32, l: u32, r: u32) {
        let body = self.pop_block();
        let names = take(self.arena, &mut self.names, names);
        let exprs = take(self.arena, &mut self.exprs, exprs);
        self.stat(StatKind::GenericFor { names, exprs, body }, l, r);
    }

    pub fn goto(&mut self, symbol: u32, nl: u32, l: u32, r: u32) {
        self.stat(StatKind::Goto(name(symbol, nl, r)), l, r);
    }

    /// A `::name::`; the name's range is that of the name alone.
    pub fn label(&mut self, symbol: u32, l: u32, r: u32) {
        let blank = |bytes: &mut dyn Iterator<Item = &u8>| {
            bytes.take_while(|byte| matches!(byte, b' ' | b'\t')).count() as u32
        };
        let inner = self.shared.source.get(l as usize + 2..r as usize - 2).unwrap_or_default();
        let (before, behind) = (blank(&mut inner.iter()), blank(&mut inner.iter().rev()));
        self.stat(StatKind::Label(name(symbol, l + 2 + before, r - 2 - behind)), l, r);
    }

    /// The last expression becomes the `count`-th target of an assignment.
    pub fn target(&mut self, count: u32) -> Result<u32, Error> {
        match self.exprs.last().expect(BALANCED).kind {
            ExprKind::Name(_) | ExprKind::Index(_) | ExprKind::Field(_) => {}
            _ => return Err(SyntaxError::near_last(self.shared, "syntax error")),
        }
        if count > 1 {
            self.shared.check_levels(count - 1)?;
        }
        Ok(count)
    }

    pub fn assign(&mut self, targets: u32, exprs: u32, l: u32, r: u32) {
        let exprs = take(self.arena, &mut self.exprs, exprs);
        let targets = take(self.arena, &mut self.exprs, targets);
        self.stat(StatKind::Assign { targets, exprs }, l, r);
    }

    pub fn call_statement(&mut self, l: u32, r: u32) -> Result<(), Error> {
        match self.exprs.last().expect(BALANCED).kind {
            ExprKind::Call(_) | ExprKind::MethodCall(_) => {}
            _ => return Err(SyntaxError::near_last(self.shared, "syntax error")),
        }
        let call = self.pop_node();
        self.stat(StatKind::Call(call), l, r);
        Ok(())
    }

    pub fn typed_name(&mut self, symbol: u32, l: u32, r: u32, typed: bool) -> Result<(), Error> {
        let ty = if typed { Some(self.pop_type_node()) } else { None };
        self.typed_names.push(TypedName { name: name(symbol, l, r), ty });
        self.shared.declare_local()
    }

    pub fn push_name(&mut self, symbol: u32, l: u32, r: u32) -> Result<(), Error> {
        self.names.push(name(symbol, l, r));
        self.shared.declare_local()
    }

    /// The name of a numeric loop's variable or a method's `self` has been read.
    pub fn declare(&self) -> Result<(), Error> {
        self.shared.declare_local()
    }

    /// The name behind `local function` has been read.
    pub fn declare_function(&self) -> Result<(), Error> {
        self.shared.declare_local_function()
    }

    pub fn type_alias(&mut self, symbol: u32, nl: u32, nr: u32, params: u32, l: u32, r: u32) {
        let ty = self.pop_type();
        let params = take(self.arena, &mut self.type_params, params);
        let alias = self.arena.alloc(TypeAlias { name: name(symbol, nl, nr), params, ty });
        self.stat(StatKind::TypeAlias(alias), l, r);
    }

    #[expect(clippy::too_many_arguments, reason = "one per part of the production")]
    pub fn interface(&mut self, symbol: u32, nl: u32, nr: u32, bases: u32, sigs: u32, l: u32, r: u32) {
        let sigs = take(self.arena, &mut self.sigs, sigs);
        let bases = take(self.arena, &mut self.qnames, bases);
        let node = self.arena.alloc(Interface { name: name(symbol, nl, nr), bases, sigs });
        self.stat(StatKind::Interface(node), l, r);
    }

    // ---- functions ----

    /// Everything of a function but its `function` keyword.
    pub fn function(&mut self, generics: u32, params: u32, returns: u32, l: u32, r: u32) {
        let body = self.pop_block();
        let returns = self.pop_returns(returns);
        let vararg_ty = if params & Self::VARARG_TYPE != 0 { Some(self.pop_type_node()) } else { None };
        let count = params & !(Self::VARARG | Self::VARARG_TYPE);
        let params_slice = take(self.arena, &mut self.typed_names, count);
        let generics = take(self.arena, &mut self.type_params, generics);
        self.functions.push(Function {
            generics,
            params: params_slice,
            is_method: false,
            is_vararg: params & Self::VARARG != 0,
            vararg_ty,
            returns,
            body,
            span: Span::new(l, r),
            end: Span::new(l, r),
        });
    }

    /// The function reduced last, whose keyword is at `l`; `own` is a method's `self`.
    fn finish_function(&mut self, l: u32, r: u32, own: Option<TypedName<'a>>) -> &'a Function<'a> {
        let mut function = self.functions.pop().expect(BALANCED);
        function.span = Span::new(l, r);
        if let Some(own) = own {
            function.is_method = true;
            let params = std::iter::once(own).chain(function.params.iter().copied());
            function.params = self.arena.alloc_slice_fill_iter(params.collect::<Vec<_>>());
        }
        self.arena.alloc(function)
    }

    pub fn function_expr(&mut self, l: u32, r: u32) {
        let function = self.finish_function(l, r, None);
        self.push(ExprKind::Function(function), l, r);
    }

    // ---- expressions ----

    fn push(&mut self, kind: ExprKind<'a>, l: u32, r: u32) {
        self.exprs.push(Expr { kind, span: Span::new(l, r) });
    }

    fn pop(&mut self) -> Expr<'a> {
        self.exprs.pop().expect(BALANCED)
    }

    fn pop_node(&mut self) -> &'a Expr<'a> {
        let expr = self.pop();
        self.arena.alloc(expr)
    }

    fn number_value(&self, val: u32) -> Number {
        if val & LARGE_NUMBER == 0 {
            return Number::Integer(i64::from(val));
        }
        let numbers = self.shared.numbers.borrow();
        numbers.get((val & !LARGE_NUMBER) as usize).copied().expect("the lexer stored it")
    }

    fn string_value(&self, val: u32) -> &'a [u8] {
        self.shared.strings.borrow().get(val as usize).copied().expect("the lexer stored it")
    }

    pub fn literal(&mut self, val: u32, l: u32, r: u32) {
        let kind = match val {
            0 => ExprKind::Nil,
            1 => ExprKind::True,
            _ => ExprKind::False,
        };
        self.push(kind, l, r);
    }

    pub fn number(&mut self, val: u32, l: u32, r: u32) {
        let kind = match self.number_value(val) {
            Number::Integer(value) => ExprKind::Integer(value),
            Number::Float(value) => ExprKind::Float(value),
        };
        self.push(kind, l, r);
    }

    pub fn string(&mut self, val: u32, l: u32, r: u32) {
        let text = self.string_value(val);
        let text = self.arena.alloc(text);
        self.push(ExprKind::String(text), l, r);
    }

    pub fn vararg(&mut self, l: u32, r: u32) -> Result<(), Error> {
        if !self.shared.vararg.get() {
            let message = "cannot use '...' outside a vararg function";
            return Err(SyntaxError::near_span(self.shared.source, message, Span::new(l, r)));
        }
        self.push(ExprKind::Vararg, l, r);
        Ok(())
    }

    pub fn name(&mut self, symbol: u32, l: u32, r: u32) {
        self.exprs.push(head(symbol, l, r));
    }

    pub fn paren(&mut self, l: u32, r: u32) {
        let inner = self.pop_node();
        self.push(ExprKind::Paren(inner), l, r);
    }

    pub fn field(&mut self, symbol: u32, l: u32, r: u32) {
        let object = self.pop();
        self.field_of(object, symbol, l, r);
    }

    pub fn field_of(&mut self, object: Expr<'a>, symbol: u32, l: u32, r: u32) {
        let pair = self.arena.alloc((object, name(symbol, l, r)));
        self.push(ExprKind::Field(pair), object.span.start, r);
    }

    pub fn index(&mut self, r: u32) {
        let key = self.pop();
        let object = self.pop();
        self.finish_index(object, key, r);
    }

    pub fn index_of(&mut self, object: Expr<'a>, r: u32) {
        let key = self.pop();
        self.finish_index(object, key, r);
    }

    fn finish_index(&mut self, object: Expr<'a>, key: Expr<'a>, r: u32) {
        let pair = self.arena.alloc((object, key));
        self.push(ExprKind::Index(pair), object.span.start, r);
    }

    pub fn call(&mut self, args: u32, at: u32, r: u32) {
        let args = take(self.arena, &mut self.exprs, args);
        let func = self.pop();
        self.finish_call(Call { func, args, at }, r);
    }

    pub fn call_of(&mut self, func: Expr<'a>, args: u32, at: u32, r: u32) {
        let args = take(self.arena, &mut self.exprs, args);
        self.finish_call(Call { func, args, at }, r);
    }

    fn finish_call(&mut self, call: Call<'a>, r: u32) {
        let call = self.arena.alloc(call);
        self.push(ExprKind::Call(call), call.func.span.start, r);
    }

    pub fn method_call(&mut self, symbol: u32, nl: u32, nr: u32, args: u32, at: u32, r: u32) {
        let args = take(self.arena, &mut self.exprs, args);
        let object = self.pop();
        self.finish_method_call(MethodCall { object, method: name(symbol, nl, nr), args, at }, r);
    }

    #[expect(clippy::too_many_arguments, reason = "one per part of the production")]
    pub fn method_call_of(
        &mut self,
        object: Expr<'a>,
        symbol: u32,
        nl: u32,
        nr: u32,
        args: u32,
        at: u32,
        r: u32,
    ) {
        let args = take(self.arena, &mut self.exprs, args);
        self.finish_method_call(MethodCall { object, method: name(symbol, nl, nr), args, at }, r);
    }

    fn finish_method_call(&mut self, call: MethodCall<'a>, r: u32) {
        let call = self.arena.alloc(call);
        self.push(ExprKind::MethodCall(call), call.object.span.start, r);
    }

    pub fn non_nil(&mut self, r: u32) {
        let inner = self.pop();
        let start = inner.span.start;
        // A second `!` asserts nothing new.
        let inner = if let ExprKind::NonNil(inner) = inner.kind { inner } else { self.arena.alloc(inner) };
        self.push(ExprKind::NonNil(inner), start, r);
    }

    pub fn cast(&mut self, r: u32) {
        let ty = self.pop_type();
        let inner = self.pop();
        let pair = self.arena.alloc((inner, ty));
        self.push(ExprKind::Cast(pair), inner.span.start, r);
    }

    pub fn table(&mut self, count: u32, l: u32, r: u32) {
        let items = take(self.arena, &mut self.items, count);
        let items = self.arena.alloc(items);
        self.push(ExprKind::Table(items), l, r);
    }

    fn item(&mut self, item: TableItem<'a>) {
        self.items.push(item);
        self.note_lists();
    }

    pub fn positional_item(&mut self) {
        let value = self.pop();
        self.item(TableItem::Positional(value));
    }

    pub fn named_item(&mut self, symbol: u32, l: u32, r: u32) {
        let value = self.pop();
        self.item(TableItem::Named(name(symbol, l, r), value));
    }

    pub fn keyed_item(&mut self) {
        let value = self.pop();
        let key = self.pop();
        self.item(TableItem::Keyed(key, value));
    }

    // ---- operators ----

    fn wait(&mut self, op: Operator, at: u32) -> Result<(), Error> {
        self.pending.push(Pending { op, at });
        self.shared.pending.set(self.pending.len() as u32);
        self.shared.check_operand_levels()
    }

    pub fn begin_unary(&mut self, op: u32, at: u32) -> Result<u32, Error> {
        let frame = self.pending.len() as u32;
        self.unary(frame, op, at)
    }

    pub fn unary(&mut self, frame: u32, op: u32, at: u32) -> Result<u32, Error> {
        self.wait(Operator::Unary(UNARY[op as usize]), at)?;
        Ok(frame)
    }

    pub fn begin_binary(&mut self, op: u32, at: u32) -> Result<u32, Error> {
        let frame = self.pending.len() as u32;
        self.wait(Operator::Binary(BINARY[op as usize]), at)?;
        Ok(frame)
    }

    pub fn binary(&mut self, frame: u32, op: u32, at: u32) -> Result<u32, Error> {
        let op = BINARY[op as usize];
        self.fold_down_to(frame, priority(op).0);
        self.wait(Operator::Binary(op), at)?;
        Ok(frame)
    }

    /// The last operand of an expression is there.
    pub fn fold(&mut self, frame: u32) {
        self.fold_down_to(frame, 0);
        self.shared.pending.set(self.pending.len() as u32);
    }

    /// Gives their right operand to the operators that bind at least as tight as one with the left priority `left`.
    fn fold_down_to(&mut self, frame: u32, left: u8) {
        while self.pending.len() > frame as usize {
            let Pending { op, at } = *self.pending.last().expect(BALANCED);
            if op.right() < left {
                break;
            }
            self.pending.pop();
            let right = self.pop();
            match op {
                Operator::Unary(op) => {
                    let operand = self.arena.alloc(right);
                    self.push(ExprKind::Unary(op, operand), at, right.span.end);
                }
                Operator::Binary(op) => {
                    let left = self.pop();
                    let node = self.arena.alloc(Binary { left, right, at });
                    self.push(ExprKind::Binary(op, node), left.span.start, right.span.end);
                }
            }
        }
    }
}

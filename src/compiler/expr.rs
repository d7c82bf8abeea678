//! Expressions: the walk over the tree.
//!
//! Left spines (operators, suffixes, casts) may be of any length and are walked in a loop; everything else is nesting,
//! which the parser limits.

use super::desc::{Exp, Kind, Pc, Reg};
use super::emit::reg;
use super::func::ConstKey;
use super::{Compiler, Res};
use crate::bytecode::{Instr, Op};
use crate::diag::Span;
use crate::limits::FIELDS_PER_FLUSH;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Function, Symbol, TableItem};

impl<'a> Compiler<'a> {
    /// Compiles an expression as far as can be done without knowing its use.
    #[inline]
    pub(super) fn expr(&mut self, e: &'a Expr<'a>) -> Res<Exp> {
        let mut v = Exp::new(Kind::Void, e.span);
        self.expr_to(e, &mut v)?;
        Ok(v)
    }

    /// The same to a place: results with an [`Exp`] inside are large to hand on. `v` is [`Kind::Void`] over the expression's range.
    fn expr_to(&mut self, e: &'a Expr<'a>, v: &mut Exp) -> Res<()> {
        v.kind = match e.kind {
            ExprKind::Nil => Kind::Nil,
            ExprKind::True => Kind::True,
            ExprKind::False => Kind::False,
            ExprKind::Integer(i) => Kind::Int(i),
            ExprKind::Float(n) => Kind::Float(n),
            ExprKind::String(s) => {
                self.cursor = e.span.end;
                Kind::Str(self.constant(ConstKey::String(s))?)
            }
            ExprKind::Name(sym) => {
                let is_target = std::mem::take(&mut self.is_target);
                self.cursor = e.span.end;
                if let Some(r) = self.own_local(sym) {
                    Kind::Local(r)
                } else {
                    *v = if is_target {
                        self.variable(sym, e.span)
                    } else {
                        self.name_value(sym, e.span, None)
                    }?;
                    return Ok(());
                }
            }
            _ => return self.parts(e, v),
        };
        self.cursor = e.span.end;
        Ok(())
    }

    /// An expression of more than one part, or one that emits code.
    fn parts(&mut self, e: &'a Expr<'a>, v: &mut Exp) -> Res<()> {
        let is_target = std::mem::take(&mut self.is_target);
        let base = self.spine.len();
        let mut leaf = e;
        loop {
            let next = match leaf.kind {
                ExprKind::Binary(_, b) => &b.left,
                ExprKind::Index(pair) => &pair.0,
                ExprKind::Field(pair) => &pair.0,
                ExprKind::Call(call) => &call.func,
                ExprKind::MethodCall(call) => &call.object,
                ExprKind::Cast(pair) => &pair.0,
                ExprKind::NonNil(inner) => inner,
                _ => break,
            };
            self.spine.push(leaf);
            leaf = next;
        }
        v.span = leaf.span;
        match leaf.kind {
            ExprKind::Name(sym) if let Some(r) = self.own_local(sym) => {
                self.cursor = leaf.span.end;
                v.kind = Kind::Local(r);
            }
            ExprKind::Name(sym) => {
                let around = if self.spine.len() > base { self.spine.last().copied() } else { None };
                let assigned = is_target && self.spine.len() <= base + 1;
                if assigned {
                    self.cursor = leaf.span.end;
                    // A type refuses members; `string` here is the library.
                    *v = self.name_value(sym, leaf.span, None)?;
                } else if let Some(ty) = self.typeof_leaf(leaf, around)? {
                    self.spine.pop();
                    *v = ty;
                } else {
                    self.cursor = leaf.span.end;
                    *v = self.name_value(sym, leaf.span, around)?;
                }
            }
            ExprKind::Vararg => *v = self.vararg(leaf.span)?,
            ExprKind::Function(f) => {
                let at = self.source.token(f.span.start + "function".len() as u32);
                let line = self.source.line(at);
                *v = self.function(f, line, leaf.span)?;
            }
            ExprKind::Table(items) => *v = self.table(items, leaf.span)?,
            ExprKind::Paren(inner) => {
                self.cursor = leaf.span.start + 1;
                *v = self.expr(inner)?;
                self.cursor = leaf.span.end;
                self.discharge_vars(v)?;
            }
            ExprKind::Unary(op, inner) => {
                let line = self.source.line(leaf.span.start);
                self.cursor = leaf.span.start + op.length();
                *v = self.expr(inner)?;
                self.prefix(op, v, line, leaf.span)?;
            }
            // A literal at the beginning of a chain.
            _ => self.expr_to(leaf, v)?,
        }
        while self.spine.len() > base {
            let node = self.spine.pop().expect("longer than base");
            self.extend(v, node)?;
        }
        Ok(())
    }

    fn vararg(&mut self, span: Span) -> Res<Exp> {
        if !self.f.is_vararg {
            self.cursor = span.start;
            return Err(self.error_near("cannot use '...' outside a vararg function"));
        }
        let pc = self.code(Instr::abc(Op::Vararg, 0, 0, 1, 0), span);
        self.cursor = span.end;
        Ok(Exp::new(Kind::Vararg(pc), span))
    }

    /// Adds one operator or suffix to what is on its left.
    fn extend(&mut self, v: &mut Exp, node: &'a Expr<'a>) -> Res<()> {
        let span = node.span;
        match node.kind {
            ExprKind::Binary(op, b) => return self.binary(v, op, b.at, &b.right, span),
            ExprKind::Index(pair) => {
                self.put_in_any_reg_or_upval(v)?;
                let mut key = self.expr(&pair.1)?;
                self.make_value(&mut key)?;
                self.cursor = span.end;
                self.indexed(v, &mut key)?;
            }
            ExprKind::Field(pair) => {
                self.put_in_any_reg_or_upval(v)?;
                self.cursor = span.end;
                let mut key = self.string(pair.1.sym, pair.1.span)?;
                self.indexed(v, &mut key)?;
            }
            ExprKind::Call(call) => {
                self.put_in_next_reg(v)?;
                return self.call_of(v, Some(&call.func), call.at, call.args, span);
            }
            ExprKind::MethodCall(call) => {
                self.discharge_vars(v)?;
                self.cursor = call.method.span.end;
                let key = self.name_constant(call.method.sym)?;
                self.method(v, key, Span::new(span.start, call.method.span.end))?;
                return self.call(v, call.at, call.args, span);
            }
            _ => {
                // Casts and `!` exist for the type checker; they only truncate to one value.
                self.cursor = span.end;
                return self.discharge_vars(v);
            }
        }
        v.span = span;
        Ok(())
    }

    fn binary(&mut self, v: &mut Exp, op: BinaryOp, at: u32, right: &'a Expr<'a>, span: Span) -> Res<()> {
        let line = self.source.line(at);
        self.cursor = at + op.length();
        self.infix(op, v)?;
        let b = self.expr(right)?;
        self.posfix(op, v, b, line, span)
    }

    /// Arguments and call of the function that is in the newest register(s).
    pub(super) fn call(&mut self, v: &mut Exp, at: u32, args: &'a [Expr<'a>], span: Span) -> Res<()> {
        self.call_of(v, None, at, args, span)
    }

    fn call_of(
        &mut self,
        v: &mut Exp,
        func: Option<&'a Expr<'a>>,
        at: u32,
        args: &'a [Expr<'a>],
        span: Span,
    ) -> Res<()> {
        let Kind::NonReloc(base) = v.kind else { unreachable!("the function was put into a register") };
        self.cursor = at + 1;
        let mut last = match func {
            Some(func) if self.takes_types(func) => self.type_list(args)?,
            _ => self.expr_list(args)?,
        };
        if last.is_multi() {
            self.set_returns(&last, None)?;
        }
        self.cursor = span.end;
        let count = if last.is_multi() {
            0
        } else {
            if last.kind != Kind::Void {
                self.put_in_next_reg(&mut last)?;
            }
            u16::from(self.f.free - base)
        };
        let pc = self.code(Instr::abc(Op::Call, 0, reg(base), count, 2), span);
        let line = self.source.line(span.start);
        self.fix_line(line);
        self.f.free = base + 1;
        *v = Exp::new(Kind::Call(pc), span);
        Ok(())
    }

    /// Compiles a list; all but the last value go to the next registers.
    pub(super) fn expr_list(&mut self, exprs: &'a [Expr<'a>]) -> Res<Exp> {
        let Some((last, init)) = exprs.split_last() else {
            return Ok(Exp::new(Kind::Void, Span::default()));
        };
        for e in init {
            let mut v = self.expr(e)?;
            self.pass_separator(e.span.end);
            self.put_in_next_reg(&mut v)?;
        }
        self.expr(last)
    }

    /// Moves the cursor behind the `,` or `;` that follows `from`.
    pub(super) fn pass_separator(&mut self, from: u32) {
        let at = self.source.token(from);
        if matches!(self.source.byte(at), Some(b',' | b';')) {
            self.cursor = at + 1;
        }
    }

    /// A name as a string constant.
    pub(super) fn string(&mut self, sym: Symbol, span: Span) -> Res<Exp> {
        let k = self.name_constant(sym)?;
        Ok(Exp::new(Kind::Str(k), span))
    }

    /// A function expression, in the next register.
    pub(super) fn function(&mut self, f: &'a Function<'a>, line: u32, span: Span) -> Res<Exp> {
        let index = self.function_body(f, line)?;
        let pc = self.code(Instr::aw(Op::Closure, 0, 0, index as i32), span);
        let mut v = Exp::new(Kind::Reloc(pc), span);
        self.put_in_next_reg(&mut v)?;
        Ok(v)
    }

    // ---- table constructors ----

    fn table(&mut self, items: &'a [TableItem<'a>], span: Span) -> Res<Exp> {
        let pc = self.code(Instr::abc(Op::NewTable, 0, 0, 0, 0), span);
        let mut v = Exp::new(Kind::Reloc(pc), span);
        let table = self.put_in_next_reg(&mut v)?;
        self.cursor = span.start + 1;
        let mut list = List { table, span, stored: 0, pending: 0, last: None };
        let mut fields = 0usize;
        for item in items {
            self.close_list_item(&mut list)?;
            let end = match item {
                TableItem::Positional(e) => {
                    list.last = Some(self.expr(e)?);
                    list.pending += 1;
                    e.span.end
                }
                TableItem::Named(name, value) => {
                    fields += 1;
                    let at = self.source.token(name.span.end);
                    self.cursor = at + 1;
                    let free = self.f.free;
                    let mut object = Exp::new(Kind::NonReloc(table), span);
                    let mut key = self.string(name.sym, name.span)?;
                    self.indexed(&mut object, &mut key)?;
                    self.field(table, &object, value, name.span.to(value.span))?;
                    self.f.free = free;
                    value.span.end
                }
                TableItem::Keyed(key, value) => {
                    fields += 1;
                    let free = self.f.free;
                    let mut object = Exp::new(Kind::NonReloc(table), span);
                    let mut k = self.expr(key)?;
                    self.make_value(&mut k)?;
                    let bracket = self.source.token(key.span.end);
                    self.cursor = self.source.token(bracket + 1) + 1;
                    self.indexed(&mut object, &mut k)?;
                    self.field(table, &object, value, key.span.to(value.span))?;
                    self.f.free = free;
                    value.span.end
                }
            };
            self.pass_separator(end);
        }
        self.cursor = span.end;
        let array = self.finish_list(&mut list)?;
        self.set_size_hints(pc, array, fields);
        Ok(v)
    }

    fn set_size_hints(&mut self, pc: Pc, array: usize, fields: usize) {
        let i = &mut self.f.code[pc as usize];
        *i = i.with_b(array.min(0xffff) as u16).with_c(fields.min(0xffff) as u16);
    }

    fn field(&mut self, table: Reg, object: &Exp, value: &'a Expr<'a>, span: Span) -> Res<()> {
        let Kind::Index(_, key) = object.kind else { unreachable!("just indexed") };
        let mut v = self.expr(value)?;
        self.set_index(table, key, &mut v, span)
    }

    /// Puts the list item compiled last into its register, and stores a full batch.
    fn close_list_item(&mut self, list: &mut List) -> Res<()> {
        let Some(mut v) = list.last.take() else { return Ok(()) };
        self.put_in_next_reg(&mut v)?;
        if list.pending == FIELDS_PER_FLUSH {
            self.set_list(list, Some(list.pending));
        }
        Ok(())
    }

    /// Stores what is left; gives the number of items known.
    fn finish_list(&mut self, list: &mut List) -> Res<usize> {
        if list.pending == 0 {
            return Ok(list.stored);
        }
        match list.last.take() {
            Some(v) if v.is_multi() => {
                self.set_returns(&v, None)?;
                let known = list.stored + list.pending - 1;
                self.set_list(list, None);
                return Ok(known);
            }
            Some(mut v) => {
                self.put_in_next_reg(&mut v)?;
            }
            None => {}
        }
        self.set_list(list, Some(list.pending));
        Ok(list.stored)
    }

    fn set_list(&mut self, list: &mut List, count: Option<usize>) {
        let b = count.map_or(0, |n| n as u16);
        self.code(Instr::abc(Op::SetList, 0, reg(list.table), b, 0), list.span);
        self.code(Instr::aw(Op::Extra, 0, 0, list.stored as i32), list.span);
        self.f.free = list.table + 1;
        list.stored += list.pending;
        list.pending = 0;
    }
}

/// The positional items of a constructor.
struct List {
    table: Reg,
    span: Span,
    /// Items in the table already.
    stored: usize,
    /// Items in registers, or on the way there.
    pending: usize,
    /// The item compiled last, not yet in its register: it may turn out to be the last one and give many values.
    last: Option<Exp>,
}

//! The open constructs around a token: what closes them, how many levels they are, which local variables are in scope.
//!
//! 1. The nesting is bounded by `limits::MAX_SYNTAX_LEVELS`, counted as 5.3 counts its "C levels".
//! 2. It knows how many local variables the innermost function has in scope: the one limit of a function that programs meet
//!    before a syntax error further on.

use super::{Error, Lexer, NEVER, Shared};
use crate::diag::Span;
use crate::limits::MAX_SYNTAX_LEVELS;
use crate::syntax::error::too_many_levels;
use crate::syntax::token::Kind;

/// The levels a script's `load` has already used up in 5.3, plus the statement being parsed.
pub(super) const BASE_LEVELS: u32 = 3;

/// Variables without a name that a loop keeps, as in 5.3: three of a numeric `for`, three of a generic one.
const LOOP_LOCALS: u32 = 3;

/// Levels an expression inside a type counts for.
const TYPEOF_LEVELS: u32 = 7;

/// What an open construct is; names the word that closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    Paren,
    /// The parentheses around parameters.
    Params,
    Brace,
    Bracket,
    Do,
    While,
    For,
    If,
    Repeat,
    Function,
    /// A function expression: its `end` ends an expression.
    FunctionExpr,
    Interface,
}

impl Opener {
    fn closes_with_end(self) -> bool {
        match self {
            Self::Do | Self::While | Self::For | Self::If => true,
            Self::Function | Self::FunctionExpr | Self::Interface => true,
            Self::Paren | Self::Params | Self::Brace | Self::Bracket | Self::Repeat => false,
        }
    }
}

/// An open construct.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    pub opener: Opener,
    /// Where its first token starts.
    pub at: u32,
    /// Levels it counts for at the moment.
    cost: u32,
    /// The block it stands in can be left by an expression already begun (`x = …`).
    outer_in_expr: bool,
    outer_vararg: bool,
    pub(super) outer_locals: u32,
}

/// The open constructs around the current token.
#[derive(Debug)]
pub struct Nest {
    pub stack: Vec<Open>,
    levels: u32,
    /// An expression of the current statement has begun.
    in_expr: bool,
    /// A `function` whose parameter list has not begun.
    header: bool,
    /// What the last closing token closed, and where that began.
    pub(super) closed: Option<Opener>,
    pub(super) closed_at: u32,
}

impl Nest {
    pub(super) const fn new() -> Self {
        Self {
            stack: Vec::new(),
            levels: BASE_LEVELS,
            in_expr: false,
            header: false,
            closed: None,
            closed_at: 0,
        }
    }

    pub(super) fn top(&self) -> Option<Opener> {
        self.stack.last().map(|open| open.opener)
    }

    /// Whether the names in the parentheses here are those of an interface, which declare nothing.
    pub(super) fn in_signature(&self) -> bool {
        matches!(self.stack.as_slice(), [.., interface, _] if interface.opener == Opener::Interface)
    }

    /// Whether the innermost construct is a block and not a bracket.
    fn at_block(&self) -> bool {
        !matches!(self.top(), Some(Opener::Paren | Opener::Params | Opener::Brace | Opener::Bracket))
    }

    /// Whether no expression of the current statement has begun.
    pub(super) fn begins_statement(&self) -> bool {
        !self.in_expr && self.at_block()
    }

    /// A `type` statement begins.
    pub(super) fn begin_type(&mut self) {
        self.in_expr &= !self.at_block();
    }

    fn open(&mut self, opener: Opener, at: u32, cost: u32, shared: &Shared<'_>) {
        let open = Open {
            opener,
            at,
            cost,
            outer_in_expr: self.in_expr,
            outer_vararg: shared.vararg.get(),
            outer_locals: shared.locals.get(),
        };
        self.stack.push(open);
        self.levels += cost;
        self.in_expr = false;
    }

    /// Opens a bracket with an expression inside; its level is in `cost`, and the expression it stands in counts too.
    fn open_expr(&mut self, opener: Opener, at: u32, cost: u32, shared: &Shared<'_>) -> u32 {
        let outer = u32::from(self.in_expr && self.at_block());
        self.open(opener, at, cost + outer, shared);
        cost
    }

    /// Adds levels to the construct opened last.
    fn charge(&mut self, levels: u32) -> u32 {
        if let Some(open) = self.stack.last_mut() {
            open.cost += levels;
        }
        self.levels += levels;
        levels
    }

    fn recount(&mut self) {
        self.levels = BASE_LEVELS + self.stack.iter().map(|open| open.cost).sum::<u32>();
    }

    /// Closes the innermost construct if it `is_own`; otherwise the parser refuses the token anyway.
    #[inline]
    fn close(&mut self, is_own: impl Fn(Opener) -> bool, shared: &Shared<'_>) {
        self.closed = None;
        if let Some(open) = self.stack.last()
            && is_own(open.opener)
        {
            self.closed = Some(open.opener);
            self.closed_at = open.at;
            self.levels -= open.cost;
            self.in_expr = open.outer_in_expr;
            shared.locals.set(open.outer_locals);
            if matches!(open.opener, Opener::Function | Opener::FunctionExpr) {
                shared.vararg.set(open.outer_vararg);
            }
            self.stack.pop();
        }
    }
}

impl Lexer<'_, '_> {
    /// Applies the effect of `prev`, the previous token, on the nesting; `next` is the kind and span of the current one.
    #[inline(never)]
    pub(super) fn apply(&mut self, prev: Kind, next: Kind, next_span: Span) -> Result<(), Error> {
        let shared = self.shared;
        let mut nest = shared.nest.borrow_mut();
        // These change no level.
        match prev {
            Kind::In | Kind::Return | Kind::Assign => {
                if prev == Kind::Return && nest.stack.is_empty() {
                    // Nothing may follow.
                    self.cut_from = NEVER;
                }
                nest.in_expr |= nest.at_block();
                return Ok(());
            }
            Kind::Else | Kind::Local | Kind::Semicolon => {
                if prev == Kind::Else
                    && let Some(open) = nest.stack.last()
                {
                    shared.locals.set(open.outer_locals);
                }
                nest.in_expr &= !nest.at_block();
                return Ok(());
            }
            _ => {}
        }
        let at = shared.last.get().0.start;
        let before = self.prev2();
        let mut grew = 0;
        match prev {
            Kind::LParen => {
                let opener = if nest.header { Opener::Params } else { Opener::Paren };
                nest.header = false;
                grew = nest.open_expr(opener, at, u32::from(opener == Opener::Paren), shared);
                if before == Kind::Typeof {
                    // An expression inside a type: keep the tree a consumer walks bounded by both limits together.
                    grew += nest.charge(TYPEOF_LEVELS);
                }
            }
            Kind::LBrace => grew = nest.open_expr(Opener::Brace, at, 1, shared),
            Kind::LBracket => {
                // A key in a table constructor: 5.3 has no expression of its own open for that item.
                let key = matches!(before, Kind::LBrace | Kind::Comma | Kind::Semicolon);
                grew = nest.open_expr(Opener::Bracket, at, u32::from(!key), shared);
            }
            Kind::RParen => nest.close(|open| matches!(open, Opener::Paren | Opener::Params), shared),
            Kind::RBrace => nest.close(|open| open == Opener::Brace, shared),
            Kind::RBracket => nest.close(|open| open == Opener::Bracket, shared),
            Kind::Function => {
                if nest.top() != Some(Opener::Interface) {
                    let statement = next == Kind::Name;
                    let in_expr = !statement && nest.at_block();
                    let opener = if statement { Opener::Function } else { Opener::FunctionExpr };
                    if before == Kind::Local {
                        shared.locals.set(shared.locals.get() + 1);
                    }
                    nest.open(opener, at, 1 + u32::from(in_expr), shared);
                    shared.vararg.set(false);
                    shared.locals.set(0);
                }
                nest.header = true;
            }
            Kind::Interface if next == Kind::Name && ends_statement(before) => {
                nest.open(Opener::Interface, at, 0, shared);
            }
            Kind::If => {
                nest.open(Opener::If, at, 0, shared);
                nest.in_expr = true;
                grew = 1;
            }
            Kind::While | Kind::For => {
                let opener = if prev == Kind::While { Opener::While } else { Opener::For };
                nest.open(opener, at, 0, shared);
                if opener == Opener::For {
                    shared.locals.set(shared.locals.get() + LOOP_LOCALS);
                }
                nest.in_expr = opener == Opener::While;
                grew = u32::from(nest.in_expr);
            }
            Kind::Do => {
                match nest.stack.last_mut() {
                    Some(open) if matches!(open.opener, Opener::While | Opener::For) && open.cost == 0 => {
                        open.cost = 1
                    }
                    _ => nest.open(Opener::Do, at, 1, shared),
                }
                nest.recount();
                nest.in_expr = false;
            }
            Kind::Then | Kind::Elseif => {
                let cost = u32::from(prev == Kind::Then);
                if let Some(open) = nest.stack.last_mut()
                    && open.opener == Opener::If
                {
                    open.cost = cost;
                    shared.locals.set(open.outer_locals);
                }
                nest.recount();
                nest.in_expr = cost == 0;
            }
            Kind::Repeat => {
                nest.open(Opener::Repeat, at, 1, shared);
                nest.in_expr = false;
            }
            Kind::Until => {
                nest.close(|open| open == Opener::Repeat, shared);
                nest.in_expr = true;
            }
            Kind::End => nest.close(Opener::closes_with_end, shared),
            _ => {}
        }
        shared.levels.set(nest.levels);
        if nest.levels + shared.pending.get() < MAX_SYNTAX_LEVELS {
            return Ok(());
        }
        let closes = matches!(next, Kind::End | Kind::Else | Kind::Elseif | Kind::Until | Kind::Eof);
        let opens_block = matches!(prev, Kind::Do | Kind::Then | Kind::Repeat);
        let expression = u32::from(grew == 1 && matches!(prev, Kind::If | Kind::While));
        if (grew > 0 || (opens_block && !closes))
            && nest.levels + shared.pending.get() + expression > MAX_SYNTAX_LEVELS
        {
            drop(nest);
            return Err(too_many_levels(shared, (next_span, next)));
        }
        if prev == Kind::RParen
            && nest.closed == Some(Opener::Params)
            && nest.levels > MAX_SYNTAX_LEVELS
            && !closes
        {
            drop(nest);
            return Err(too_many_levels(shared, (next_span, next)));
        }
        Ok(())
    }
}

/// Whether a statement can begin behind this token; for a name in doubt.
const fn ends_statement(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Assign
            | Kind::Comma
            | Kind::LParen
            | Kind::LBrace
            | Kind::LBracket
            | Kind::BinOp
            | Kind::UnOp
            | Kind::Minus
            | Kind::Tilde
            | Kind::Bar
            | Kind::Ampersand
            | Kind::Less
            | Kind::Return
            | Kind::In
            | Kind::If
            | Kind::Elseif
            | Kind::While
            | Kind::Until
    )
}

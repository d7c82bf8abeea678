//! Bytes to terminals: completes what `token` only starts (strings, long brackets, comments, numerals), interns names,
//! and decides by one token of look-ahead which words and signs have a meaning of the type syntax where they stand.
//!
//! 1. Tokens come out in source order; an error is reported when its token's turn comes, never from the peek.
//! 2. The effect of a token on the nesting ([`Nest`]) is applied when the *next* one is fetched, so an error found at a
//!    token sees the constructs that were open before it.
//! 3. The nesting is bounded by `limits::MAX_SYNTAX_LEVELS`, counted as 5.3 counts its "C levels".
//! 4. The nesting knows how many local variables the innermost function has in scope: the one limit of a function that
//!    programs meet before a syntax error further on.

use std::cell::{Cell, RefCell};

use bumpalo::Bump;
use hashbrown::HashTable;
use logos::Logos;

use super::ast::{BinaryOp, UnaryOp};
use super::error::{SyntaxError, too_many_levels, too_many_locals};
use super::token::{Kind, LARGE_NUMBER, Raw, SOFT_WORDS, Tok, soft};
use crate::diag::Span;
use crate::limits::{MAX_LOCALS, MAX_SYNTAX_LEVELS};
use crate::numeral::{Number, str_to_number};

mod conditional;
mod literal;
use conditional::Condition;
pub use literal::decoded;

pub type Error = Box<SyntaxError>;

/// The levels a script's `load` has already used up in 5.3, plus the statement being parsed.
const BASE_LEVELS: u32 = 3;

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
    outer_locals: u32,
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
    closed: Option<Opener>,
    closed_at: u32,
}

/// What the lexer and the grammar's actions both look at.
pub struct Shared<'a> {
    pub source: &'a [u8],
    /// For strings that are not as the source has them.
    pub texts: &'a Bump,
    /// Span and kind of the token handed out last: the look-ahead of a reduction.
    pub last: Cell<(Span, Kind)>,
    /// Kind of the token before that.
    pub before: Cell<Kind>,
    pub nest: RefCell<Nest>,
    /// `Nest::levels`, readable without a borrow.
    pub levels: Cell<u32>,
    /// Operators waiting for their right operand; each is a level in 5.3.
    pub pending: Cell<u32>,
    /// The innermost function takes `...`.
    pub vararg: Cell<bool>,
    /// Local variables of the innermost function in scope, the nameless ones of loops included.
    locals: Cell<u32>,
    pub strings: RefCell<Vec<&'a [u8]>>,
    pub numbers: RefCell<Vec<Number>>,
    pub names: RefCell<Vec<&'a [u8]>>,
}

impl<'a> Shared<'a> {
    #[must_use]
    pub fn new(source: &'a [u8], texts: &'a Bump) -> Self {
        Self {
            source,
            texts,
            last: Cell::new((Span::default(), Kind::Semicolon)),
            before: Cell::new(Kind::Semicolon),
            nest: RefCell::new(Nest {
                stack: Vec::new(),
                levels: BASE_LEVELS,
                in_expr: false,
                header: false,
                closed: None,
                closed_at: 0,
            }),
            levels: Cell::new(BASE_LEVELS),
            pending: Cell::new(0),
            vararg: Cell::new(true),
            locals: Cell::new(0),
            strings: RefCell::new(Vec::new()),
            numbers: RefCell::new(Vec::new()),
            names: RefCell::new(SOFT_WORDS.to_vec()),
        }
    }

    /// Refuses an operand too deep inside operators.
    #[inline]
    pub fn check_operand_levels(&self) -> Result<(), Error> {
        // The expression the operators belong to is a level of its own unless a bracket has counted it.
        self.check_levels(u32::from(self.levels.get() == BASE_LEVELS))
    }

    /// One more local variable is in scope. The name has been read, and the token behind it.
    #[inline]
    pub fn declare_local(&self) -> Result<(), Error> {
        let locals = self.locals.get() + 1;
        if locals as usize > MAX_LOCALS && !self.nest.borrow().in_signature() {
            return Err(too_many_locals(self, false));
        }
        self.locals.set(locals);
        Ok(())
    }

    /// The name behind `local function` has been read; the nesting has counted it when it opened the function.
    pub fn declare_local_function(&self) -> Result<(), Error> {
        let outer = self.nest.borrow().stack.last().map_or(0, |open| open.outer_locals);
        if outer as usize > MAX_LOCALS {
            return Err(too_many_locals(self, true));
        }
        Ok(())
    }

    /// Refuses `extra` more levels than are open now.
    pub fn check_levels(&self, extra: u32) -> Result<(), Error> {
        if self.levels.get() + self.pending.get() + extra > MAX_SYNTAX_LEVELS {
            return Err(too_many_levels(self, self.last.get()));
        }
        Ok(())
    }
}

/// One token before its context is taken into account. With [`Kind::Error`] the lexer holds the error: so a lexeme is
/// two words, which stay in registers.
#[derive(Clone, Copy)]
struct Lexeme {
    kind: Kind,
    val: u32,
    span: Span,
}

/// The token stream the parser reads.
pub struct Lexer<'s, 'a> {
    shared: &'s Shared<'a>,
    raw: logos::Lexer<'a, Raw>,
    peeked: Lexeme,
    /// `peeked` is the next token.
    has_peeked: bool,
    /// The error of a lexeme of [`Kind::Error`].
    error: Option<Error>,
    table: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    prev: Kind,
    prev2: Kind,
    prev_end: u32,
    /// Between `local` and what ends its names.
    local_names: bool,
    /// The conditional types around the current token.
    conditions: Vec<Condition>,
    /// Where the parameters of `fun(…)` begin, inside conditional types.
    funs: Vec<u32>,
    /// A statement of the main function from here on may begin a new piece.
    cut_from: u32,
    /// Where the piece ended, what comes next.
    held: Option<Token>,
    state: State,
    pieces: u32,
    has_typeof: bool,
}

type Token = (u32, Tok, u32);

/// What the lexer says when it is asked for a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// Between two pieces: the next one begins with `Lexer::held`.
    Cut,
    /// A later piece concerns an earlier one.
    NeedsWhole,
    Done,
}

/// No more pieces.
const NEVER: u32 = u32::MAX;

impl<'s, 'a> Lexer<'s, 'a> {
    #[must_use]
    pub fn new(shared: &'s Shared<'a>) -> Self {
        let mut lexer = Self {
            shared,
            raw: Raw::lexer(shared.source),
            peeked: Lexeme { kind: Kind::Eof, val: 0, span: Span::default() },
            has_peeked: false,
            error: None,
            table: HashTable::with_capacity(256),
            hasher: foldhash::fast::RandomState::default(),
            prev: Kind::Semicolon,
            prev2: Kind::Semicolon,
            prev_end: 0,
            local_names: false,
            conditions: Vec::new(),
            funs: Vec::new(),
            cut_from: NEVER,
            held: None,
            state: State::Reading,
            pieces: 0,
            has_typeof: false,
        };
        for (symbol, word) in (0..).zip(SOFT_WORDS) {
            let hash = lexer.hash(word);
            lexer.table.insert_unique(hash, symbol, |_| hash);
        }
        lexer
    }

    /// Lets the tokens end at the first statement of the main function that is `size` bytes from here, where the next piece begins.
    pub fn begin_piece(&mut self, size: u32) {
        self.pieces += 1;
        if self.pieces == 1 || self.cut_from != NEVER {
            let from = self.held.as_ref().map_or(0, |token| token.0);
            self.cut_from = from.saturating_add(size);
        }
        self.shared.strings.borrow_mut().clear();
        self.shared.numbers.borrow_mut().clear();
    }

    /// The text goes on in another piece.
    pub fn is_cut(&self) -> bool {
        self.state == State::Cut
    }

    /// There is something in this piece that the ones before would have had to know.
    pub fn needs_whole(&self) -> bool {
        self.state == State::NeedsWhole
    }

    /// The text so far has the name `typeof`.
    pub fn has_typeof(&self) -> bool {
        self.has_typeof
    }

    /// Notes what a piece must not have if the ones before it do not know.
    fn note_meaning(&mut self, kind: Kind, symbol: u32) {
        let in_main = || self.shared.nest.borrow().stack.is_empty();
        let is_late = match kind {
            Kind::Label | Kind::Type | Kind::Interface if in_main() => {
                self.cut_from = NEVER;
                true
            }
            Kind::Typeof | Kind::Name if symbol == soft::TYPEOF => {
                !std::mem::replace(&mut self.has_typeof, true)
            }
            _ => false,
        };
        if is_late && self.pieces > 1 {
            self.state = State::NeedsWhole;
        }
    }

    /// Whether a token of this kind certainly begins a statement of the main function, in a text without mistakes.
    fn begins_piece(&self, kind: Kind) -> bool {
        let begins = match kind {
            Kind::Do | Kind::For | Kind::If | Kind::Local | Kind::Repeat | Kind::While => true,
            Kind::Function => matches!(
                self.prev,
                Kind::Name
                    | Kind::String
                    | Kind::Number
                    | Kind::Literal
                    | Kind::RParen
                    | Kind::RBracket
                    | Kind::RBrace
                    | Kind::End
                    | Kind::Semicolon
            ),
            _ => false,
        };
        begins && self.shared.nest.borrow().stack.is_empty()
    }

    fn hash(&self, name: &[u8]) -> u64 {
        hash_bytes(&self.hasher, name)
    }

    fn intern(&mut self, name: &'a [u8]) -> u32 {
        let hash = self.hash(name);
        let mut names = self.shared.names.borrow_mut();
        if let Some(symbol) = self.table.find(hash, |symbol| names[*symbol as usize] == name) {
            return *symbol;
        }
        let symbol = names.len() as u32;
        names.push(name);
        let hasher = &self.hasher;
        self.table.insert_unique(hash, symbol, |symbol| hash_bytes(hasher, names[*symbol as usize]));
        symbol
    }

    /// The next token, completed but without regard to its context. [`Kind::Eof`] at the end.
    #[inline]
    fn lexeme(&mut self) -> Lexeme {
        loop {
            let Some(raw) = self.raw.next() else {
                let end = self.shared.source.len() as u32;
                return Lexeme { kind: Kind::Eof, val: 0, span: Span::new(end, end) };
            };
            // Every byte starts some token (`Raw::Unknown` at worst), so there is no error to tell apart.
            let raw = raw.unwrap_or(Raw::Unknown);
            let (mut kind, val) = SIMPLE[raw as usize];
            let mut val = u32::from(val);
            if kind == Kind::Name {
                val = self.intern(self.raw.slice());
            } else if kind == Kind::Error {
                match self.complete(raw) {
                    Ok(Some(token)) => (kind, val) = token,
                    Ok(None) => continue,
                    Err(error) => self.error = Some(error),
                }
            }
            let span = self.raw.span();
            return Lexeme { kind, val, span: Span::new(span.start as u32, span.end as u32) };
        }
    }

    /// Completes a token that depends on more than its shape. `None`: a comment.
    fn complete(&mut self, raw: Raw) -> Result<Option<(Kind, u32)>, Error> {
        let span = self.raw.span();
        let source = self.shared.source;
        Ok(Some(match raw {
            Raw::Quote => {
                let (text, length) = literal::quoted(self.shared, span.start)?;
                self.raw.bump(length - 1);
                (Kind::String, self.push_string(text))
            }
            Raw::LongOpen => {
                let (text, length) =
                    literal::long(self.shared, span.start, span.start, span.len(), "string")?;
                self.raw.bump(length - span.len());
                (Kind::String, self.push_string(text))
            }
            Raw::BadLong => {
                let span = Span::new(span.start as u32, span.end as u32);
                return Err(SyntaxError::near_span(source, "invalid long string delimiter", span));
            }
            Raw::Comment => {
                let length = literal::comment(self.shared, span.start)?;
                self.raw.bump(length - span.len());
                return Ok(None);
            }
            Raw::Numeral => {
                let length = literal::numeral(source, span.start);
                self.raw.bump(length - span.len());
                let text = self.raw.slice();
                let Some(number) = str_to_number(text) else {
                    let span = Span::new(span.start as u32, (span.start + length) as u32);
                    return Err(SyntaxError::near_span(source, "malformed number", span));
                };
                (Kind::Number, self.push_number(number))
            }
            Raw::Label => {
                let text = self.raw.slice();
                let name = text.get(2..text.len() - 2).unwrap_or_default().trim_ascii();
                if is_keyword(name) {
                    return Err(SyntaxError::keyword_label(source, span.start, name));
                }
                (Kind::Label, self.intern(name))
            }
            Raw::AtName => {
                let text = self.raw.slice();
                (Kind::AtName, self.intern(text[1..].trim_ascii_start()))
            }
            Raw::Bang => {
                // `a != b` is a mistake from other languages: 5.3's message points at the `!`.
                let rest = self.raw.remainder();
                let mistake = rest.first() == Some(&b'=') && rest.get(1) != Some(&b'=');
                (if mistake { Kind::Unknown } else { Kind::Bang }, 0)
            }
            Raw::Greater => {
                let adjacent = self.raw.remainder().first() == Some(&b'>');
                (if adjacent { Kind::GreaterAdjacent } else { Kind::Greater }, 0)
            }
            _ => (Kind::Unknown, 0),
        }))
    }

    fn push_string(&self, text: &'a [u8]) -> u32 {
        let mut strings = self.shared.strings.borrow_mut();
        strings.push(text);
        strings.len() as u32 - 1
    }

    fn push_number(&self, number: Number) -> u32 {
        if let Number::Integer(value) = number
            && let Ok(value) = u32::try_from(value)
            && value < LARGE_NUMBER
        {
            return value;
        }
        let mut numbers = self.shared.numbers.borrow_mut();
        numbers.push(number);
        (numbers.len() as u32 - 1) | LARGE_NUMBER
    }

    /// The token after the current one; an error waiting there looks like the end.
    #[inline(never)]
    fn peek(&mut self) -> (Kind, Span) {
        if !self.has_peeked {
            self.peeked = self.lexeme();
            self.has_peeked = true;
        }
        match self.peeked {
            Lexeme { kind: Kind::Error, .. } => (Kind::Eof, Span::default()),
            Lexeme { kind, span, .. } => (kind, span),
        }
    }

    fn same_line(&self, from: u32, to: u32) -> bool {
        let gap = self.shared.source.get(from as usize..to as usize).unwrap_or_default();
        memchr::memchr2(b'\n', b'\r', gap).is_none()
    }

    /// Whether the previous token ends an expression.
    fn after_expression(&self) -> bool {
        match self.prev {
            Kind::Name => !self.local_names && self.prev2 != Kind::Goto,
            Kind::RParen => self.shared.nest.borrow().closed != Some(Opener::Params),
            Kind::End => self.shared.nest.borrow().closed == Some(Opener::FunctionExpr),
            Kind::String
            | Kind::Number
            | Kind::Literal
            | Kind::Dots
            | Kind::RBrace
            | Kind::RBracket
            | Kind::Bang
            | Kind::Type
            | Kind::InterfaceBrace => true,
            _ => false,
        }
    }

    /// Whether the previous token ends a type.
    const fn after_type(&self) -> bool {
        matches!(
            self.prev,
            Kind::Name
                | Kind::String
                | Kind::Number
                | Kind::Literal
                | Kind::RParen
                | Kind::RBrace
                | Kind::RBracket
                | Kind::Greater
                | Kind::GreaterAdjacent
                | Kind::Question
                | Kind::AtName
        )
    }

    /// The terminal a name is in its place.
    fn name_kind(&mut self, symbol: u32, span: Span) -> Kind {
        if matches!(self.prev, Kind::Dot | Kind::Local | Kind::Function | Kind::Goto | Kind::For) {
            return Kind::Name;
        }
        let (next, next_span) = self.peek();
        match symbol {
            soft::TYPE if next == Kind::Name && self.prev != Kind::Colon => Kind::Type,
            soft::INTERFACE if next == Kind::Name && self.prev != Kind::Colon => Kind::Interface,
            soft::INTERFACE if next == Kind::LBrace => Kind::InterfaceBrace,
            soft::AS
                if self.after_expression()
                    && (next == Kind::Name
                        || (leads_type(next) && self.same_line(self.prev_end, span.start))) =>
            {
                Kind::As
            }
            soft::READONLY if matches!(next, Kind::LBrace | Kind::LParen | Kind::Name) => Kind::Readonly,
            soft::TYPEOF if next == Kind::LParen => Kind::Typeof,
            soft::KEYOF if next == Kind::LParen => Kind::Keyof,
            soft::FUN if next == Kind::LParen => {
                if !self.conditions.is_empty() {
                    self.funs.push(next_span.start);
                }
                Kind::Fun
            }
            soft::EXTENDS if self.after_type() && self.begins_conditional(next) => Kind::Extends,
            soft::ASSERTS if next == Kind::Name && self.prev == Kind::Colon && self.prev2 == Kind::RParen => {
                Kind::Asserts
            }
            soft::IS if self.prev == Kind::Name && self.prev2 == Kind::Asserts => Kind::Is,
            _ => Kind::Name,
        }
    }

    /// The terminal a `?` is in its place, and its end if it takes the `:` behind it along.
    fn question(&mut self, span: Span) -> (Kind, u32) {
        let (next, next_span) = self.peek();
        if next == Kind::Colon && !self.waits_for_colon() {
            self.has_peeked = false;
            return (Kind::QuestionColon, next_span.end);
        }
        (if self.takes_question(next) { Kind::QuestionCond } else { Kind::Question }, span.end)
    }

    /// Applies the previous token's effect on the nesting; `next` is the kind and span of the current one.
    #[inline(never)]
    fn apply(&mut self, next: Kind, next_span: Span) -> Result<(), Error> {
        let shared = self.shared;
        let mut nest = shared.nest.borrow_mut();
        // These change no level.
        match self.prev {
            Kind::In | Kind::Return | Kind::Assign => {
                if self.prev == Kind::Return && nest.stack.is_empty() {
                    // Nothing may follow.
                    self.cut_from = NEVER;
                }
                nest.in_expr |= nest.at_block();
                return Ok(());
            }
            Kind::Else | Kind::Local | Kind::Semicolon => {
                if self.prev == Kind::Else
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
        let before = self.prev2;
        let mut grew = 0;
        match self.prev {
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
            Kind::RParen => nest.close(&[Opener::Paren, Opener::Params], shared),
            Kind::RBrace => nest.close(&[Opener::Brace], shared),
            Kind::RBracket => nest.close(&[Opener::Bracket], shared),
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
                let opener = if self.prev == Kind::While { Opener::While } else { Opener::For };
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
                let cost = u32::from(self.prev == Kind::Then);
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
                nest.close(&[Opener::Repeat], shared);
                nest.in_expr = true;
            }
            Kind::End => {
                const BLOCKS: [Opener; 7] = [
                    Opener::Do,
                    Opener::While,
                    Opener::For,
                    Opener::If,
                    Opener::Function,
                    Opener::FunctionExpr,
                    Opener::Interface,
                ];
                nest.close(&BLOCKS, shared);
            }
            _ => {}
        }
        let closes = matches!(next, Kind::End | Kind::Else | Kind::Elseif | Kind::Until | Kind::Eof);
        let opens_block = matches!(self.prev, Kind::Do | Kind::Then | Kind::Repeat);
        shared.levels.set(nest.levels);
        let expression = u32::from(grew == 1 && matches!(self.prev, Kind::If | Kind::While));
        if (grew > 0 || (opens_block && !closes))
            && nest.levels + shared.pending.get() + expression > MAX_SYNTAX_LEVELS
        {
            drop(nest);
            return Err(too_many_levels(shared, (next_span, next)));
        }
        if self.prev == Kind::RParen
            && nest.closed == Some(Opener::Params)
            && nest.levels > MAX_SYNTAX_LEVELS
            && !closes
        {
            drop(nest);
            return Err(too_many_levels(shared, (next_span, next)));
        }
        Ok(())
    }

    fn fetch(&mut self) -> Result<Token, Error> {
        let Lexeme { kind, val, span } = if self.has_peeked {
            self.has_peeked = false;
            self.peeked
        } else {
            self.lexeme()
        };
        if kind == Kind::Error {
            return Err(self.error.take().expect("an erroneous lexeme leaves its error"));
        }
        if self.prev <= Kind::LAST_STRUCTURAL {
            self.apply(kind, span)?;
        }
        let (kind, end) = match kind {
            Kind::Name if val >= soft::COUNT => (kind, span.end),
            Kind::Name | Kind::Question | Kind::Colon | Kind::AtName | Kind::Dots | Kind::Label => {
                self.in_context(kind, val, span)
            }
            _ => (kind, span.end),
        };
        if kind != Kind::Name && kind != Kind::Comma {
            self.local_names = kind == Kind::Local;
        }
        let cut = kind <= Kind::LAST_STRUCTURAL && span.start > self.cut_from && self.begins_piece(kind);
        self.prev2 = self.prev;
        self.prev = kind;
        self.prev_end = end;
        let shared = self.shared;
        shared.before.set(self.prev2);
        shared.last.set((Span::new(span.start, end), kind));
        let token = (span.start, Tok { kind, val }, end);
        if cut {
            self.held = Some(token);
            self.state = State::Cut;
        }
        Ok(token)
    }

    /// The terminal of a token whose meaning depends on its place, and where it ends.
    fn in_context(&mut self, kind: Kind, val: u32, span: Span) -> (Kind, u32) {
        let kind = match kind {
            Kind::Name => self.name_kind(val, span),
            Kind::Question => return self.question(span),
            Kind::Colon if self.takes_colon() => Kind::ColonCond,
            Kind::AtName => {
                let (next, next_span) = self.peek();
                if next == Kind::LParen && self.same_line(span.end, next_span.start) {
                    Kind::AtNameCall
                } else {
                    kind
                }
            }
            Kind::Dots => {
                if self.shared.nest.borrow().top() == Some(Opener::Params) {
                    self.shared.vararg.set(true);
                }
                kind
            }
            _ => kind,
        };
        self.note_meaning(kind, val);
        (kind, span.end)
    }
}

/// Variables without a name that a loop keeps, as in 5.3: three of a numeric `for`, three of a generic one.
const LOOP_LOCALS: u32 = 3;

/// Levels an expression inside a type counts for.
const TYPEOF_LEVELS: u32 = 7;

fn hash_bytes(hasher: &foldhash::fast::RandomState, bytes: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = hasher.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

impl Iterator for Lexer<'_, '_> {
    type Item = Result<(u32, Tok, u32), Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.state {
            State::Reading => {}
            State::Cut => {
                self.state = State::Reading;
                return self.held.take().map(Ok);
            }
            State::NeedsWhole | State::Done => return None,
        }
        let token = self.fetch();
        if self.state != State::Reading {
            return None;
        }
        if matches!(token, Ok((_, Tok { kind: Kind::Eof, .. }, _))) {
            self.state = State::Done;
            return None;
        }
        Some(token)
    }
}

impl Nest {
    fn top(&self) -> Option<Opener> {
        self.stack.last().map(|open| open.opener)
    }

    /// Whether the names in the parentheses here are those of an interface, which declare nothing.
    fn in_signature(&self) -> bool {
        matches!(self.stack.as_slice(), [.., interface, _] if interface.opener == Opener::Interface)
    }

    /// Whether the innermost construct is a block and not a bracket.
    fn at_block(&self) -> bool {
        !matches!(self.top(), Some(Opener::Paren | Opener::Params | Opener::Brace | Opener::Bracket))
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

    /// Closes the innermost construct if it is one of `openers`; otherwise the parser refuses the token anyway.
    fn close(&mut self, openers: &[Opener], shared: &Shared<'_>) {
        self.closed = None;
        if let Some(open) = self.stack.last()
            && openers.contains(&open.opener)
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

fn is_keyword(word: &[u8]) -> bool {
    let mut lexer = Raw::lexer(word);
    !matches!(lexer.next(), Some(Ok(Raw::Name)))
}

const fn starts_type(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Name | Kind::String | Kind::Number | Kind::Literal | Kind::LBrace | Kind::LParen | Kind::Minus
    )
}

/// As [`starts_type`], with the sign that may stand before the first member of a union or intersection.
const fn leads_type(kind: Kind) -> bool {
    starts_type(kind) || matches!(kind, Kind::Bar | Kind::Ampersand)
}

/// Terminal and value of the tokens that their shape alone decides; [`Kind::Error`] for those that
/// [`Lexer::complete`] looks at.
static SIMPLE: [(Kind, u8); Raw::Unknown as usize + 1] = {
    let mut table = [(Kind::Error, 0); Raw::Unknown as usize + 1];
    let mut raw = 0;
    while raw < RAW.len() {
        table[RAW[raw].0 as usize] = (RAW[raw].1, RAW[raw].2);
        raw += 1;
    }
    table
};

const fn binary(raw: Raw, op: BinaryOp) -> (Raw, Kind, u8) {
    (raw, Kind::BinOp, op as u8)
}

const RAW: &[(Raw, Kind, u8)] = &[
    (Raw::Name, Kind::Name, 0),
    (Raw::Nil, Kind::Literal, 0),
    (Raw::True, Kind::Literal, 1),
    (Raw::False, Kind::Literal, 2),
    binary(Raw::And, BinaryOp::And),
    binary(Raw::Or, BinaryOp::Or),
    binary(Raw::Plus, BinaryOp::Add),
    binary(Raw::Star, BinaryOp::Mul),
    binary(Raw::Slash, BinaryOp::Div),
    binary(Raw::SlashSlash, BinaryOp::IDiv),
    binary(Raw::Percent, BinaryOp::Mod),
    binary(Raw::Caret, BinaryOp::Pow),
    binary(Raw::ShiftLeft, BinaryOp::Shl),
    binary(Raw::Equal, BinaryOp::Eq),
    binary(Raw::NotEqual, BinaryOp::Ne),
    binary(Raw::LessEqual, BinaryOp::Le),
    binary(Raw::GreaterEqual, BinaryOp::Ge),
    binary(Raw::Concat, BinaryOp::Concat),
    (Raw::Not, Kind::UnOp, UnaryOp::Not as u8),
    (Raw::Hash, Kind::UnOp, UnaryOp::Len as u8),
    (Raw::Break, Kind::Break, 0),
    (Raw::Do, Kind::Do, 0),
    (Raw::Else, Kind::Else, 0),
    (Raw::Elseif, Kind::Elseif, 0),
    (Raw::End, Kind::End, 0),
    (Raw::For, Kind::For, 0),
    (Raw::Function, Kind::Function, 0),
    (Raw::Goto, Kind::Goto, 0),
    (Raw::If, Kind::If, 0),
    (Raw::In, Kind::In, 0),
    (Raw::Local, Kind::Local, 0),
    (Raw::Repeat, Kind::Repeat, 0),
    (Raw::Return, Kind::Return, 0),
    (Raw::Then, Kind::Then, 0),
    (Raw::Until, Kind::Until, 0),
    (Raw::While, Kind::While, 0),
    (Raw::Minus, Kind::Minus, 0),
    (Raw::Tilde, Kind::Tilde, 0),
    (Raw::Bar, Kind::Bar, 0),
    (Raw::Ampersand, Kind::Ampersand, 0),
    (Raw::Less, Kind::Less, 0),
    (Raw::Assign, Kind::Assign, 0),
    (Raw::LParen, Kind::LParen, 0),
    (Raw::RParen, Kind::RParen, 0),
    (Raw::LBrace, Kind::LBrace, 0),
    (Raw::RBrace, Kind::RBrace, 0),
    (Raw::LBracket, Kind::LBracket, 0),
    (Raw::RBracket, Kind::RBracket, 0),
    (Raw::DoubleColon, Kind::DoubleColon, 0),
    (Raw::Semicolon, Kind::Semicolon, 0),
    (Raw::Colon, Kind::Colon, 0),
    (Raw::Comma, Kind::Comma, 0),
    (Raw::Dot, Kind::Dot, 0),
    (Raw::Dots, Kind::Dots, 0),
    (Raw::Arrow, Kind::Arrow, 0),
    (Raw::Question, Kind::Question, 0),
];

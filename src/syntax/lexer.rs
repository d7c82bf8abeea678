//! Bytes to terminals: completes what `token` only starts (strings, long brackets, comments, numerals), interns names,
//! and decides by one token of look-ahead which words and signs have a meaning of the type syntax where they stand.
//!
//! 1. Tokens come out in source order; an error is reported when its token's turn comes, never from the peek.
//! 2. The effect of a token on the nesting ([`Nest`]) is applied when the *next* one is fetched, so an error found at a
//!    token sees the constructs that were open before it.

use std::cell::{Cell, RefCell};

use bumpalo::Bump;
use logos::Logos;

use super::ast::BinaryOp;
use super::error::{SyntaxError, too_many_levels, too_many_locals};
use super::token::{COUNT_OF_WORDS, KEYWORDS, Kind, LARGE_NUMBER, Raw, SOFT_WORDS, Tok, WORDS, soft};
use crate::diag::Span;
use crate::limits::{MAX_LOCALS, MAX_SYNTAX_LEVELS, TURN_STEPS};
use crate::numeral::{Number, str_to_number};
use crate::turns::{self, Share};

mod conditional;
mod literal;
mod nest;
mod shape;
mod words;

use conditional::Condition;
pub use literal::decoded;
use nest::BASE_LEVELS;
pub use nest::{Nest, Open, Opener};
use shape::SIMPLE;
use words::Words;

pub type Error = Box<SyntaxError>;

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
    /// Memory of what the parser has not put into the tree yet.
    pub lists: Cell<usize>,
}

impl<'a> Shared<'a> {
    #[must_use]
    pub fn new(source: &'a [u8], texts: &'a Bump) -> Self {
        Self {
            source,
            texts,
            last: Cell::new((Span::default(), Kind::Semicolon)),
            before: Cell::new(Kind::Semicolon),
            nest: RefCell::new(Nest::new()),
            levels: Cell::new(BASE_LEVELS),
            pending: Cell::new(0),
            vararg: Cell::new(true),
            locals: Cell::new(0),
            strings: RefCell::new(Vec::new()),
            numbers: RefCell::new(Vec::new()),
            names: RefCell::new(Vec::new()),
            lists: Cell::new(0),
        }
    }

    /// Memory of everything that was read, but for the tree.
    fn bytes(&self) -> usize {
        self.texts.allocated_bytes()
            + self.strings.borrow().capacity() * size_of::<&[u8]>()
            + self.numbers.borrow().capacity() * size_of::<Number>()
            + self.names.borrow().capacity() * size_of::<&[u8]>()
            + self.lists.get()
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
    words: Words,
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
    /// Tokens until the turn may be over.
    until_step: u32,
}

/// Start, terminal, end.
pub type Token = (u32, Tok, u32);

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
            words: Words::new(),
            local_names: false,
            conditions: Vec::new(),
            funs: Vec::new(),
            cut_from: NEVER,
            held: None,
            state: State::Reading,
            pieces: 0,
            has_typeof: false,
            until_step: TURN_STEPS,
        };
        // They have their symbols by their order.
        for word in SOFT_WORDS.into_iter().chain(KEYWORDS.map(|(word, ..)| word)) {
            lexer.intern(word);
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
            // What cannot go on begins something.
            Kind::Function | Kind::Name => {
                ends_term(self.prev()) || matches!(self.prev(), Kind::Name | Kind::End | Kind::Semicolon)
            }
            _ => false,
        };
        begins && self.shared.nest.borrow().stack.is_empty()
    }

    /// The token handed out last.
    #[inline]
    fn prev(&self) -> Kind {
        self.shared.last.get().1
    }

    /// The one before it.
    #[inline]
    fn prev2(&self) -> Kind {
        self.shared.before.get()
    }

    fn intern(&mut self, word: &'a [u8]) -> u32 {
        self.words.intern(word, &mut self.shared.names.borrow_mut())
    }

    /// The next token, completed but without regard to its context. [`Kind::Eof`] at the end.
    #[inline(always)]
    fn lexeme(&mut self) -> Lexeme {
        loop {
            // Most tokens have one space before them: the automaton would be entered anew behind it.
            if self.raw.remainder().first() == Some(&b' ') {
                self.raw.bump(1);
            }
            let Some(raw) = self.raw.next() else {
                let end = self.shared.source.len() as u32;
                return Lexeme { kind: Kind::Eof, val: 0, span: Span::new(end, end) };
            };
            // Every byte starts some token (`Raw::Unknown` at worst), so there is no error to tell apart.
            let raw = raw.unwrap_or(Raw::Unknown);
            let (mut kind, val) = SIMPLE[raw as usize];
            let mut val = u32::from(val);
            if kind == Kind::Name {
                let span = self.raw.span();
                let known = self.words.find_short(self.shared.source, span.start, span.len());
                val = match known {
                    Some(symbol) => symbol,
                    None => self.intern(self.raw.slice()),
                };
                if val < COUNT_OF_WORDS {
                    (kind, val) = WORDS[val as usize];
                }
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

    /// The same for who looks ahead.
    #[inline(never)]
    fn later_lexeme(&mut self) -> Lexeme {
        self.lexeme()
    }

    /// Completes a token that depends on more than its shape. `None`: a comment.
    #[inline(never)]
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
                let symbol = self.intern(name);
                if (SOFT_WORDS.len() as u32..COUNT_OF_WORDS).contains(&symbol) {
                    return Err(SyntaxError::keyword_label(source, span.start, name));
                }
                (Kind::Label, symbol)
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
            self.peeked = self.later_lexeme();
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
        match self.prev() {
            Kind::Name => !self.local_names && self.prev2() != Kind::Goto,
            Kind::RParen => self.shared.nest.borrow().closed != Some(Opener::Params),
            Kind::End => self.shared.nest.borrow().closed == Some(Opener::FunctionExpr),
            Kind::Dots | Kind::Bang | Kind::Type | Kind::InterfaceBrace => true,
            kind => ends_term(kind),
        }
    }

    /// Whether the previous token ends a type.
    fn after_type(&self) -> bool {
        ends_term(self.prev())
            || matches!(
                self.prev(),
                Kind::Name | Kind::Greater | Kind::GreaterAdjacent | Kind::Question | Kind::AtName
            )
    }

    /// The terminal a name is in its place.
    fn name_kind(&mut self, symbol: u32, span: Span) -> Kind {
        if matches!(self.prev(), Kind::Dot | Kind::Local | Kind::Function | Kind::Goto | Kind::For) {
            return Kind::Name;
        }
        let (next, next_span) = self.peek();
        match symbol {
            soft::TYPE if next == Kind::Name && self.prev() != Kind::Colon => Kind::Type,
            soft::INTERFACE if next == Kind::Name && self.prev() != Kind::Colon => Kind::Interface,
            soft::INTERFACE if next == Kind::LBrace => Kind::InterfaceBrace,
            soft::AS
                if self.after_expression()
                    && (next == Kind::Name
                        || (leads_type(next)
                            && self.same_line(self.shared.last.get().0.end, span.start))) =>
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
            soft::ASSERTS
                if next == Kind::Name && self.prev() == Kind::Colon && self.prev2() == Kind::RParen =>
            {
                Kind::Asserts
            }
            soft::IS if self.prev() == Kind::Name && self.prev2() == Kind::Asserts => Kind::Is,
            _ => Kind::Name,
        }
    }

    /// Whether the `>` of the `>=` at `at` ends type arguments, as in `local b: Box<number>= b`: no expression has begun in the
    /// statement, so it is no operator.
    #[cold]
    fn ends_type_arguments(&self, at: u32) -> bool {
        if !self.after_type() || !self.shared.nest.borrow().begins_statement() {
            return false;
        }
        let mut open = 0;
        for byte in self.shared.source[..at as usize].iter().rev() {
            match byte {
                b'>' => open += 1,
                b'<' if open == 0 => return true,
                b'<' => open -= 1,
                _ => {}
            }
        }
        false
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

    #[inline(always)]
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
        let shared = self.shared;
        let prev = shared.last.get().1;
        if prev <= Kind::LAST_STRUCTURAL {
            self.apply(prev, kind, span)?;
        }
        let is_plain = match kind {
            Kind::Name => val >= soft::COUNT,
            Kind::BinOp => val != BinaryOp::Ge as u32,
            kind => kind.is_plain(),
        };
        let (kind, end) = if is_plain { (kind, span.end) } else { self.in_context(kind, val, span) };
        if kind != Kind::Name && kind != Kind::Comma {
            self.local_names = kind == Kind::Local;
        }
        let cut = span.start > self.cut_from && self.begins_piece(kind);
        shared.before.set(prev);
        shared.last.set((Span::new(span.start, end), kind));
        let token = (span.start, Tok { kind, val }, end);
        if cut {
            self.held = Some(token);
            self.state = State::Cut;
        }
        Ok(token)
    }

    /// The terminal of a token whose meaning may depend on its place ([`Kind::is_plain`]), and where it ends.
    #[inline(never)]
    fn in_context(&mut self, kind: Kind, val: u32, span: Span) -> (Kind, u32) {
        let kind = match kind {
            Kind::Name => self.name_kind(val, span),
            Kind::BinOp if val == BinaryOp::Ge as u32 && self.ends_type_arguments(span.start) => {
                let end = span.start + 1;
                self.peeked = Lexeme { kind: Kind::Assign, val: 0, span: Span::new(end, span.end) };
                self.has_peeked = true;
                return (Kind::Greater, end);
            }
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
        if kind == Kind::Type {
            self.shared.nest.borrow_mut().begin_type();
        }
        self.note_meaning(kind, val);
        (kind, span.end)
    }
}

impl Iterator for Lexer<'_, '_> {
    type Item = Result<Token, Error>;

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        self.token(|| 0)
    }
}

impl Lexer<'_, '_> {
    /// The next token. For the parser's loop, which is the one place where it pays to have all this code inside. `tree` gives the
    /// bytes of the tree so far.
    #[inline(always)]
    pub fn token(&mut self, tree: impl FnOnce() -> usize) -> Option<Result<Token, Error>> {
        match self.state {
            State::Reading => {}
            State::Cut => {
                self.state = State::Reading;
                return self.held.take().map(Ok);
            }
            State::NeedsWhole | State::Done => return None,
        }
        self.until_step -= 1;
        if self.until_step == 0 {
            self.until_step = TURN_STEPS;
            let bytes = tree() + self.shared.bytes() + self.words.bytes();
            if !turns::step(TURN_STEPS as usize) || !turns::hold(Share::Read, bytes) {
                // Nobody wants the result: any end will do.
                self.state = State::Done;
            }
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

/// Whether a literal or something in brackets ends with this token, in an expression or a type.
const fn ends_term(kind: Kind) -> bool {
    matches!(kind, Kind::String | Kind::Number | Kind::Literal | Kind::RParen | Kind::RBrace | Kind::RBracket)
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

//! Which `extends`, `?` and `:` belong to a conditional type `A extends B ? C : D`.
//!
//! `?` makes a type optional too, `:` also comes before what a `fun(…)` returns, and `extends` may be a name. Where the next token
//! does not tell, the tokens ahead do; only conditional types and names that look like one pay for that.

use super::{Lexeme, Lexer, ends_term, starts_type};
use crate::limits::MAX_SYNTAX_LOOKAHEAD;
use crate::syntax::token::{Kind, soft};

/// A conditional type begun: how many brackets are around it, and whether its `?` has been read.
#[derive(Clone, Copy)]
pub(super) struct Condition {
    depth: usize,
    answered: bool,
}

/// What the rest of a type has that is not inside brackets and not of a conditional type begun there.
#[derive(Default)]
struct Ahead {
    /// `?` before a type.
    questions: usize,
    colons: usize,
}

impl Lexer<'_, '_> {
    fn depth(&self) -> usize {
        self.shared.nest.borrow().stack.len()
    }

    /// The conditional type that the current brackets are part of.
    fn condition(&mut self) -> Option<Condition> {
        let depth = self.depth();
        while self.conditions.last().is_some_and(|condition| condition.depth > depth) {
            self.conditions.pop();
        }
        self.conditions.last().copied().filter(|condition| condition.depth == depth)
    }

    /// Whether an `extends` before a token of kind `next`, behind a type, goes on with that type.
    pub(super) fn begins_conditional(&mut self, next: Kind) -> bool {
        let begins = match next {
            // No statement goes on so.
            Kind::Name | Kind::Number | Kind::Literal | Kind::Minus => true,
            // The call of a function of that name looks the same.
            Kind::String | Kind::LBrace | Kind::LParen => self.ahead().questions > 0,
            _ => false,
        };
        if begins {
            let depth = self.depth();
            self.conditions.push(Condition { depth, answered: false });
        }
        begins
    }

    /// Whether a `?` before a token of kind `next` is the one that a conditional type waits for.
    pub(super) fn takes_question(&mut self, next: Kind) -> bool {
        let waits = !self.conditions.is_empty() && self.condition().is_some_and(|c| !c.answered);
        let takes = match next {
            // `A? | B` is a union with an optional type unless nothing behind it can be the question.
            Kind::Bar | Kind::Ampersand => waits && self.ahead().questions == 0,
            _ => waits && starts_type(next),
        };
        if takes && let Some(condition) = self.conditions.last_mut() {
            condition.answered = true;
        }
        takes
    }

    /// Whether a conditional type waits for its `:` here.
    pub(super) fn waits_for_colon(&mut self) -> bool {
        !self.conditions.is_empty() && self.condition().is_some_and(|c| c.answered)
    }

    /// Whether a `:` is the one that a conditional type waits for.
    pub(super) fn takes_colon(&mut self) -> bool {
        if !self.waits_for_colon() {
            return false;
        }
        let closed = self.shared.nest.borrow().closed_at;
        if self.prev() == Kind::RParen && self.funs.contains(&closed) {
            let depth = self.depth();
            let waiting = self.conditions.iter().rev().take_while(|c| c.answered && c.depth == depth).count();
            if self.ahead().colons >= waiting {
                return false;
            }
        }
        self.conditions.pop();
        if self.conditions.is_empty() {
            self.funs.clear();
        }
        true
    }

    /// Looks at the tokens behind the current one up to where a type must have ended.
    fn ahead(&mut self) -> Ahead {
        let mut found = Ahead::default();
        self.peek();
        if self.peeked.kind == Kind::Error {
            return found;
        }
        let here = self.raw.clone();
        let (mut inner_questions, mut inner_colons) = (0, 0);
        let mut depth = 0_usize;
        let mut before = Lexeme { kind: Kind::Bar, ..self.peeked };
        let mut token = self.peeked;
        for _ in 0..MAX_SYNTAX_LOOKAHEAD {
            match token.kind {
                Kind::LParen | Kind::LBrace | Kind::LBracket | Kind::Less => depth += 1,
                Kind::RParen | Kind::RBrace | Kind::RBracket | Kind::Greater | Kind::GreaterAdjacent => {
                    let Some(outer) = depth.checked_sub(1) else { break };
                    depth = outer;
                }
                Kind::Eof | Kind::Error => break,
                _ if depth > 0 => {}
                Kind::Name if token.val == soft::EXTENDS && ends_type(before) => {
                    inner_questions += 1;
                    inner_colons += 1;
                }
                Kind::Name | Kind::String | Kind::Number | Kind::Literal if ends_type(before) => break,
                Kind::Colon if inner_colons > 0 => inner_colons -= 1,
                Kind::Colon => found.colons += 1,
                Kind::Name
                | Kind::String
                | Kind::Number
                | Kind::Literal
                | Kind::Question
                | Kind::Bar
                | Kind::Ampersand
                | Kind::Arrow
                | Kind::Dot
                | Kind::Dots
                | Kind::Minus
                | Kind::AtName => {}
                _ => break,
            }
            if before.kind == Kind::Question
                && starts_type(token.kind)
                && depth <= usize::from(opens(token.kind))
            {
                match inner_questions {
                    0 => found.questions += 1,
                    _ => inner_questions -= 1,
                }
            }
            before = token;
            token = self.later_lexeme();
        }
        self.raw = here;
        self.error = None;
        found
    }
}

const fn opens(kind: Kind) -> bool {
    matches!(kind, Kind::LParen | Kind::LBrace)
}

/// Whether a type may end with this token, so that a name behind it begins something else. The soft words may begin a type.
const fn ends_type(token: Lexeme) -> bool {
    match token.kind {
        Kind::Name => token.val >= soft::COUNT,
        Kind::Greater | Kind::AtName => true,
        kind => ends_term(kind),
    }
}

//! The loop over the tables that LALRPOP generates.
//!
//! It does what `lalrpop_util::state_machine::Parser` does for a grammar without error recovery, and the build script puts it
//! in that one's place. Here a token goes from the lexer to the stack without being wrapped and unwrapped on the way, and the
//! state on top is at hand: a third of the instructions of the loop.

use lalrpop_util::ParseError;
use lalrpop_util::state_machine::{ParseResult, ParserAction, ParserDefinition, SymbolTriple, TokenTriple};

/// Most programs need less; the stacks grow.
const FIRST_DEPTH: usize = 64;

/// Parses `tokens`; stops at the first error.
#[inline]
pub fn drive<D, I>(mut definition: D, tokens: I) -> ParseResult<D>
where
    D: ParserDefinition,
    I: Iterator<Item = Result<TokenTriple<D>, ParseError<D::Location, D::Token, D::Error>>>,
{
    let mut state = definition.start_state();
    let mut states = Vec::with_capacity(FIRST_DEPTH);
    states.push(state);
    let mut symbols: Vec<SymbolTriple<D>> = Vec::with_capacity(FIRST_DEPTH);
    let mut location = definition.start_location();
    for token in tokens {
        let (start, token, end) = token?;
        let Some(index) = definition.token_to_index(&token) else {
            return Err(unrecognized(&definition, &states, (start, token, end)));
        };
        loop {
            let action = definition.action(state, index);
            if let Some(target) = action.as_shift() {
                state = target;
                states.push(target);
                location = end.clone();
                symbols.push((start, definition.token_to_symbol(index, token), end));
                break;
            }
            let Some(reduction) = action.as_reduce() else {
                return Err(unrecognized(&definition, &states, (start, token, end)));
            };
            if let Some(result) = definition.reduce(reduction, Some(&start), &mut states, &mut symbols) {
                // The start symbol is never complete before the end of the text.
                return result.and(Err(ParseError::ExtraToken { token: (start, token, end) }));
            }
            state = top(&states);
        }
    }
    loop {
        let Some(reduction) = definition.eof_action(state).as_reduce() else {
            let expected = definition.expected_tokens_from_states(&states);
            return Err(ParseError::UnrecognizedEof { location, expected });
        };
        if let Some(result) = definition.reduce(reduction, None, &mut states, &mut symbols) {
            return result;
        }
        state = top(&states);
    }
}

#[inline]
fn top<S: Copy>(states: &[S]) -> S {
    *states.last().expect("the start state is never taken off")
}

#[cold]
fn unrecognized<D: ParserDefinition>(
    definition: &D,
    states: &[D::StateIndex],
    token: TokenTriple<D>,
) -> ParseError<D::Location, D::Token, D::Error> {
    ParseError::UnrecognizedToken { token, expected: definition.expected_tokens_from_states(states) }
}

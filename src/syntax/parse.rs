//! Drives the generated parser over the token stream.
//!
//! 1. Nothing recurses on the machine stack, however the text nests: the parser's stack and the tree are heap memory.
//! 2. Time and memory are linear in the length of the text.

use bumpalo::Bump;
use lalrpop_util::ParseError;

use super::actions::Ctx;
use super::ast::{Block, Chunk};
use super::error::{SyntaxError, unexpected};
use super::lexer::{Lexer, Shared};
use super::token::Kind;

#[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::unwrap_used, unused)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/parser.rs"));
}

/// Parses a source text. A first line that starts with `#` is the loader's business, not skipped here.
pub fn parse<'a>(source: &'a [u8], arena: &'a Bump) -> Result<Chunk<'a>, SyntaxError> {
    let shared = shared(source, arena)?;
    let mut lexer = Lexer::new(&shared);
    let block = next_block(&shared, &mut lexer, arena)?;
    let names = shared.names.borrow();
    Ok(Chunk { block, names: arena.alloc_slice_copy(&names), has_typeof: lexer.has_typeof() })
}

/// What takes the pieces of a text; it is told which is the last one.
pub type Consumer<'c> = dyn FnMut(&Chunk<'_>, bool) -> Result<(), Box<SyntaxError>> + 'c;

/// Parses a source text in pieces: a new one begins with the first statement of the main function that is more than `size` bytes
/// behind the beginning of the last. `each` gets every piece and whether it is the last one; its tree lives no longer.
///
/// Pieces are independent of each other but for names and `Chunk::has_typeof`, which is settled with the first one. The result is
/// false if that cannot be done, because a later piece has labels or declares types that an earlier one may refer to: the
/// text has to be parsed as a whole then.
///
/// # Errors
/// The first error of the text, or what `each` says.
pub fn parse_pieces(source: &[u8], size: u32, each: &mut Consumer<'_>) -> Result<bool, SyntaxError> {
    let texts = Bump::new();
    let shared = shared(source, &texts)?;
    let mut lexer = Lexer::new(&shared);
    let mut arena = Bump::new();
    loop {
        lexer.begin_piece(size);
        let block = next_block(&shared, &mut lexer, &arena);
        if lexer.needs_whole() {
            return Ok(false);
        }
        let is_last = !lexer.is_cut();
        let names = shared.names.borrow();
        let chunk = Chunk { block: block?, names: &names, has_typeof: lexer.has_typeof() };
        each(&chunk, is_last).map_err(|error| *error)?;
        if is_last {
            return Ok(true);
        }
        drop(names);
        arena.reset();
    }
}

fn shared<'t>(source: &'t [u8], texts: &'t Bump) -> Result<Shared<'t>, SyntaxError> {
    if u32::try_from(source.len()).is_err() {
        return Err(SyntaxError::new("chunk is too large", 1, crate::diag::Span::default()));
    }
    Ok(Shared::new(source, texts))
}

/// Parses up to where the lexer ends.
fn next_block<'a, 't: 'a>(
    shared: &Shared<'t>,
    lexer: &mut Lexer<'_, 't>,
    arena: &'a Bump,
) -> Result<&'a Block<'a>, SyntaxError> {
    let mut ctx = Ctx::new(shared, arena);
    let tokens = std::iter::from_fn(|| lexer.token(|| arena.allocated_bytes()));
    match generated::ChunkParser::new().parse(&mut ctx, tokens) {
        Ok(_) => Ok(ctx.pop_block()),
        Err(error) => Err(match error {
            ParseError::User { error } => *error,
            ParseError::UnrecognizedEof { expected, .. } | ParseError::UnrecognizedToken { expected, .. } => {
                *unexpected(shared, shared.last.get(), &expected)
            }
            ParseError::ExtraToken { .. } | ParseError::InvalidToken { .. } => {
                *unexpected(shared, (shared.last.get().0, Kind::Unknown), &[])
            }
        }),
    }
}

//! Drives the generated parser over the token stream.
//!
//! 1. Nothing recurses on the machine stack, however the text nests: the parser's stack and the tree are heap memory.
//! 2. Time and memory are linear in the length of the text.

use bumpalo::Bump;
use lalrpop_util::ParseError;

use super::actions::Ctx;
use super::ast::Chunk;
use super::error::{SyntaxError, unexpected};
use super::lexer::{Lexer, Shared};
use super::token::Kind;

#[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::unwrap_used, unused)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/lua.rs"));
}

/// Parses a source text. A first line that starts with `#` is the loader's business, not skipped here.
pub fn parse<'a>(source: &'a [u8], arena: &'a Bump) -> Result<Chunk<'a>, SyntaxError> {
    if u32::try_from(source.len()).is_err() {
        return Err(SyntaxError::new("chunk is too large", 1, crate::diag::Span::default()));
    }
    let shared = Shared::new(source, arena);
    let lexer = Lexer::new(&shared);
    let mut ctx = Ctx::new(&shared);
    let block = generated::ChunkParser::new().parse(&mut ctx, lexer).map_err(|error| match error {
        ParseError::User { error } => *error,
        ParseError::UnrecognizedEof { expected, .. } | ParseError::UnrecognizedToken { expected, .. } => {
            *unexpected(&shared, shared.last.get(), &expected, ctx.last_is_call())
        }
        ParseError::ExtraToken { .. } | ParseError::InvalidToken { .. } => {
            *unexpected(&shared, (shared.last.get().0, Kind::Unknown), &[], false)
        }
    })?;
    let names = shared.names.borrow();
    Ok(Chunk { block, names: arena.alloc_slice_copy(&names) })
}

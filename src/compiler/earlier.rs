//! Which of two errors of a text comes first.
//!
//! A piece of the text is parsed before it is compiled, so an error of the grammar hides those that the compiler would have found in
//! front of it, such as a `goto` without a label in a function that is over; the reference compiles while it parses. What
//! stands before the error is compiled here once more: up to the last whole statement, with the blocks around it closed.
//! Only a text that is wrong pays for that.

use super::{Compiler, Pieces};
use crate::limits::{MAX_PREFIX_BYTES, MAX_PREFIXES};
use crate::syntax::lexer::{Lexer, Shared};
use crate::syntax::token::Kind;
use crate::syntax::{SyntaxError, parse, parse_pieces};
use bumpalo::Bump;
use std::sync::Arc;

/// The first error of a text, when `error` is one.
#[cold]
pub(super) fn first_error(source: &[u8], chunk_name: &Arc<[u8]>, error: SyntaxError) -> SyntaxError {
    let before = source.get(..error.span.start as usize).unwrap_or_default();
    let texts = Texts { source, chunk_name };
    let (found, compiled) = texts.compile(before);
    if let Some(earlier) = found {
        return earlier;
    }
    if let Some((text, end)) = whole_statements(before, compiled)
        && let (Some(earlier), _) = texts.compile(&text)
        && earlier.span.start as usize <= end
    {
        return earlier;
    }
    error
}

struct Texts<'s> {
    source: &'s [u8],
    chunk_name: &'s Arc<[u8]>,
}

impl Texts<'_> {
    /// Compiles the statements of `text`, which begins as the source does, but does not end the main function. Gives the compiler's
    /// error, if there is one, and how far the text has been compiled.
    fn compile(&self, text: &[u8]) -> (Option<SyntaxError>, usize) {
        let mut pieces = Pieces { source_text: self.source, chunk_name: self.chunk_name, paused: None };
        let (mut found, mut compiled) = (None, 0);
        let parsed = parse_pieces(text, 0, &mut |chunk, _| match pieces.add(chunk) {
            Ok(compiler) => {
                pieces.paused = Some(compiler.pause());
                compiled = chunk.block.span.end as usize;
                Ok(())
            }
            Err(error) => {
                found = Some((*error).clone());
                Err(error)
            }
        });
        if found.is_some() || parsed != Ok(false) {
            return (found, compiled);
        }
        // Its parts need each other.
        let arena = Bump::new();
        let Ok(chunk) = parse(text, &arena) else { return (None, 0) };
        let mut compiler = Compiler::new(self.source, self.chunk_name.clone());
        compiler.look_at(chunk.names, self.source);
        compiler.begin(&chunk);
        (compiler.statements(chunk.block).err().map(|error| *error), text.len())
    }
}

/// `text` up to its last whole statement, with what closes the blocks around it, and where that statement ends. What stands before
/// `from` is known to be right.
fn whole_statements(text: &[u8], from: usize) -> Option<(Vec<u8>, usize)> {
    let piece = text.get(from..)?;
    let arena = Bump::new();
    let shared = Shared::new(piece, &arena);
    let tokens: Vec<(u32, Kind)> = Lexer::new(&shared)
        .map_while(|token| token.ok().map(|(start, token, _)| (start, token.kind)))
        .collect();
    let tries = (MAX_PREFIX_BYTES / piece.len().max(1)).clamp(2, MAX_PREFIXES);
    let ends = std::iter::once((tokens.len(), piece.len()))
        .chain(tokens.iter().enumerate().rev().map(|(n, token)| (n, token.0 as usize)));
    ends.take(tries).find_map(|(n, end)| {
        let mut closed = piece[..end].to_vec();
        for closing in open_blocks(&tokens[..n]).iter().rev() {
            closed.extend_from_slice(closing);
        }
        parse(&closed, &Bump::new()).ok()?;
        Some(([&text[..from], &closed].concat(), from + end))
    })
}

/// What closes the blocks and brackets that these tokens leave open, the outermost first.
fn open_blocks(tokens: &[(u32, Kind)]) -> Vec<&'static [u8]> {
    let mut open: Vec<&'static [u8]> = Vec::new();
    for (_, kind) in tokens {
        match kind {
            Kind::Do | Kind::Function | Kind::If => open.push(b" end"),
            Kind::Repeat => open.push(b" until nil"),
            Kind::LParen => open.push(b" )"),
            Kind::LBrace => open.push(b" }"),
            Kind::LBracket => open.push(b" ]"),
            Kind::End | Kind::Until | Kind::RParen | Kind::RBrace | Kind::RBracket => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

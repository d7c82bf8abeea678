//! From chunks to prototypes: the hook that `load` reaches the compiler through.

use super::context::Context;
use super::files;
use crate::bytecode::{Proto, dump};
use crate::syntax::SyntaxError;
use crate::vm::debug::short_source;
use crate::vm::native::Cx;
use crate::vm::{LoadMode, Loader};
use std::sync::Arc;

/// What `load`, `require` and the like use.
pub static LOADER: Loader =
    Loader { compile: load, alone: is_alone, published: files::find, publish: files::publish };

/// Whether the running process is the only one of its program.
fn is_alone(cx: &mut Cx<'_>) -> bool {
    cx.with_host(|_, context: &mut Context| context.node.alive() <= 1).unwrap_or(false)
}

/// Compiles source text.
///
/// # Errors
/// The first error of the text.
pub fn compile_source(source: &[u8], chunk_name: &[u8]) -> Result<Proto, SyntaxError> {
    crate::compiler::compile_text(source, &Arc::from(chunk_name))
}

/// `chunk:line: message`, as `load` reports an error.
#[must_use]
pub fn error_text(chunk_name: &[u8], error: &SyntaxError) -> Vec<u8> {
    let mut text = short_source(chunk_name);
    text.extend_from_slice(format!(":{}: ", error.line).as_bytes());
    text.extend_from_slice(&error.message);
    text
}

/// Turns a text or binary chunk into a prototype; the error is the message for the caller of `load`.
///
/// # Errors
/// A syntax error, a damaged binary chunk, or a chunk of a kind that `mode` excludes.
pub fn load(chunk: &[u8], chunk_name: &Arc<[u8]>, mode: LoadMode) -> Result<Proto, Vec<u8>> {
    let binary = chunk.first() == Some(&0x1b);
    if binary && !mode.binary || !binary && !mode.text {
        let (kind, allowed) = if binary { ("binary", "t") } else { ("text", "b") };
        return Err(format!("attempt to load a {kind} chunk (mode is '{allowed}')").into_bytes());
    }
    if binary {
        return dump::undump(chunk).map_err(|e| {
            // As 5.3: the whole name without its mark, unless it is the chunk itself.
            let mut text = match &**chunk_name {
                [b'@' | b'=', name @ ..] => name.to_vec(),
                [0x1b, ..] => b"binary string".to_vec(),
                name => name.to_vec(),
            };
            text.extend_from_slice(format!(": {e}").as_bytes());
            text
        });
    }
    crate::compiler::compile_text(chunk, chunk_name).map_err(|e| error_text(chunk_name, &e))
}

//! Source text to syntax tree: logos tokens, a LALRPOP grammar, an arena tree with precise source ranges.

mod actions;
pub mod ast;
mod driver;
pub mod error;
pub mod hint;
pub mod lexer;
pub mod parse;
pub mod token;

pub use error::SyntaxError;
pub use parse::{parse, parse_pieces};

#[cfg(test)]
mod tests;

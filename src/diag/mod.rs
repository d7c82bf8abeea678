//! Diagnostics: source ranges, source text with line look-up, and one renderer for everything a user meets.

pub mod source;
pub mod span;

pub use source::{LineTable, Source};
pub use span::Span;

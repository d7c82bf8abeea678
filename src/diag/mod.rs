//! Diagnostics: source ranges, source text with line look-up, and one renderer for everything a user meets.

pub mod span;

pub use span::Span;

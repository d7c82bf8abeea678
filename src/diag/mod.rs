//! Diagnostics: source ranges, source text with line look-up, and one renderer for everything a user meets.

pub mod render;
pub mod report;
pub mod source;
pub mod span;
pub mod suggest;

pub use render::render;
pub use report::{Location, Report, Severity};
pub use source::{LineTable, Source};
pub use span::Span;
pub use suggest::nearest;

//! Source text to syntax tree: logos tokens, a LALRPOP grammar, an arena tree with precise source ranges.

pub mod ast;

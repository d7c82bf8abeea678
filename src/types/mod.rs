//! Types as values: what programs do with the types that the compiler put into a chunk's pool.
//!
//! `term` finds out what a type means, `relate` how two of them compare, `render` what they are called. `program` compiles
//! a type to what it checks, `pattern` matches regular expressions, `fit` decides small values at once, `validate` runs that
//! on a value, `memo` is what a long validation remembers, `failure` says what was wrong. `value` and `reflect` are the Lua
//! side.

mod builtin;
mod failure;
mod fit;
mod memo;
mod pattern;
mod program;
mod reflect;
pub mod relate;
pub mod render;
pub mod term;
mod validate;
pub mod value;

pub use value::install;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

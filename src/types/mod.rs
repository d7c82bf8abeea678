//! Types as values: what programs do with the types that the compiler put into a chunk's pool.
//!
//! `term` finds out what a type means, `relate` how two of them compare, `render` what they are called. `program` is what a type
//! checks; `builder` makes it, with `constraint` for validators, `unions`, `circles` and `properties`; `compiling` is its
//! compiling in turns, `origin` finds what messages call its parts. `pattern` matches regular
//! expressions in the notation of `re2`, `fit` decides small values at once, `validate` runs a program on a value: `imported` follows types of other modules,
//! `suspension` is what is kept from one slice to the next, `memo` what a long validation remembers, `failure` says what was
//! wrong. `value` and `reflect` are the Lua side.

mod builder;
mod builtin;
mod circles;
mod compiling;
mod constraint;
mod failure;
mod fit;
mod imported;
mod memo;
mod origin;
mod pattern;
mod program;
mod properties;
mod re2;
mod reflect;
pub mod relate;
pub mod render;
mod suspension;
pub mod term;
mod unions;
mod validate;
pub mod value;

pub use value::install;

#[cfg(test)]
mod program_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

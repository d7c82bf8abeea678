//! wippy: Lua 5.3 from scratch, and the actor runtime around it.
//!
//! The rooms, in layer order: nothing lower in this list is known to anything above it.

pub mod limits;

pub mod numeral;

pub mod numfmt;

pub mod turns;

pub mod diag;

pub mod syntax;

pub mod bytecode;

pub mod heap;

pub mod vm;

pub mod compiler;

pub mod stdlib;

pub mod types;

pub mod runtime;

pub mod modules;

pub mod cli;

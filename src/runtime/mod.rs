//! The runtime: loading code into processes and running them.

pub mod failure;
pub mod loader;
pub mod pid;
pub mod script;

#[cfg(test)]
mod memory_tests;

#[cfg(test)]
mod stack_tests;

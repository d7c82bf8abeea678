//! The runtime: loading code into processes and running them.

pub mod clock;
pub mod failure;
pub mod loader;
pub mod mailbox;
pub mod pid;
pub mod sched;
pub mod script;
pub mod timer;

mod sync;

#[cfg(test)]
mod memory_tests;

#[cfg(test)]
mod stack_tests;

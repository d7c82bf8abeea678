//! The runtime: loading code into processes and running them.

pub mod alarm;
pub mod clock;
pub mod context;
pub mod failure;
pub mod files;
pub mod host;
pub mod libraries;
pub mod library;
pub mod listing;
pub mod loader;
pub mod mailbox;
pub mod message;
pub mod names;
pub mod node;
pub mod peer;
pub mod peers;
pub mod pid;
pub mod process;
pub mod program;
pub mod sched;
pub mod script;
pub mod segments;
pub mod source;
pub mod timer;

mod sync;

#[cfg(test)]
mod environment_tests;
#[cfg(test)]
mod memory_tests;

#[cfg(test)]
mod slice_tests;
#[cfg(test)]
mod stack_tests;

//! The runtime: loading code into processes and running them.

pub mod loader;
pub mod script;

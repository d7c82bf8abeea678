//! What the test binary needs around the Lua files: their headers, a bounded child process, the ratchet.

pub mod case;
pub mod engine;
pub mod ratchet;

//! The standard library of Lua 5.3.
//!
//! What needs no virtual machine (matching, formatting, packing, calendar, the order of comparisons in `sort`) is kept in
//! files of its own as plain functions over bytes and as state machines that can stop at any step; the native functions
//! only fetch arguments, drive them and push results.

pub mod os_date;
pub mod sort;
pub mod string;
pub mod utf8;

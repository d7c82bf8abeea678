//! The string library: patterns, formats, binary packing.

mod class;
pub mod format;
pub mod pack;
pub mod pattern;

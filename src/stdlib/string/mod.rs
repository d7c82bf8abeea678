//! The string library: patterns, formats, binary packing.

pub mod format;
pub mod pack;
pub mod pattern;

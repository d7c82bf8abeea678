//! The `wippy` executable.

fn main() {}

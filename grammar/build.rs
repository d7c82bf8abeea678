//! Generates the parser from `grammar/lua.lalrpop` and chooses the dispatcher of the interpreter loop.

fn main() {}

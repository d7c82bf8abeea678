//! Prints the program that the target `run_gen` makes of a file: `cargo run --bin show FILE`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_default();
    let program = wippy_fuzz::grammar::program(&std::fs::read(path)?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "-- {:?}", program.setup)?;
    out.write_all(program.text.as_bytes())
}

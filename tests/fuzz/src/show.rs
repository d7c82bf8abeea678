//! Prints the program that the target `run_gen` makes of a file: `cargo run --bin show FILE`; with `--types FILE` that of `types`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let first = args.next().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if first == "--types" {
        let text = wippy_fuzz::types::chunk(&std::fs::read(args.next().unwrap_or_default())?);
        return out.write_all(text.as_bytes());
    }
    let program = wippy_fuzz::grammar::program(&std::fs::read(first)?);
    writeln!(out, "-- {:?}", program.setup)?;
    out.write_all(program.text.as_bytes())
}

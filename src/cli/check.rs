//! `wippy check`: are these files programs? Nothing runs.

use super::chunk::Chunk;
use super::exit;
use std::ffi::OsString;

/// Check the syntax of Lua files without running them
#[derive(clap::Args)]
pub struct Args {
    /// Lua files; '-' is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<OsString>,
}

/// Runs the command; the result is the exit code. Every file is looked at, whatever the others are like.
pub fn run(args: &Args) -> i32 {
    let mut code = exit::SUCCESS;
    for file in &args.files {
        if Chunk::read(file).and_then(|chunk| chunk.compile()).is_err() {
            code = exit::FAILURE;
        }
    }
    code
}

//! `wippy version`.

use super::VERSION;
use super::exit;

/// Print the version
#[derive(clap::Args)]
pub struct Args {
    /// Only the number, on one line
    #[arg(long)]
    short: bool,
}

/// Runs the command; the result is the exit code.
pub fn run(args: &Args) -> i32 {
    if args.short { exit::show(&format!("{VERSION}\n")) } else { exit::show(&format!("{}\n", super::BANNER)) }
}

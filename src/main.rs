//! The `wippy` executable: the panic hook, and the command line of the library.

use std::io::Write;
use std::panic::{self, PanicHookInfo};

/// Processes and messages wander between threads, which the system's allocator is slow at; see `docs/processes.md`.
#[cfg(not(feature = "system-alloc"))]
#[global_allocator]
static ALLOCATOR: wippy::heap::slab::Slabs = wippy::heap::slab::Slabs;

fn main() {
    panic::set_hook(Box::new(report_bug));
    // A panic outside a process (those are caught where they run) ends the program like any other failure.
    let code = panic::catch_unwind(wippy::cli::main).unwrap_or(wippy::cli::exit::FAILURE);
    std::process::exit(code);
}

/// A panic is a mistake in wippy, never in the script: say so, and say what a report about it needs.
fn report_bug(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let place = info.location().map_or_else(String::new, |l| format!(" ({}:{})", l.file(), l.line()));
    let command: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let mut text = format!(
        "Error: internal error: {message}{place}\n \
         = note: this is a bug in wippy {}, not in your program; it ran: {}\n \
         = help: please report it, with the script and these lines\n",
        env!("CARGO_PKG_VERSION"),
        command.join(" ")
    );
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        text.push_str(&backtrace.to_string());
    }
    // Nobody is left to be told that standard error is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

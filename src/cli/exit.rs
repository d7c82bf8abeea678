//! Exit codes, and the one way to say why a command failed.
//!
//! Nothing here or in the commands panics because a stream is closed: output that nobody can read is dropped.

use std::io::Write;

/// The command did what it was asked, or a script returned nothing that says otherwise.
pub const SUCCESS: i32 = 0;
/// Any error of a command or an uncaught error of a script.
pub const FAILURE: i32 = 1;

/// Writes `Error: message` to standard error; the result is the exit code for it.
pub fn fail(message: &str) -> i32 {
    complain(&format!("Error: {message}\n"));
    FAILURE
}

/// Writes complete lines to standard error, behind everything the program has printed so far.
pub fn complain(lines: &str) {
    crate::stdlib::base::flush_stdout();
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

/// Writes to standard output; the result is the exit code.
pub fn show(text: &str) -> i32 {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => SUCCESS,
        Err(_) => FAILURE,
    }
}

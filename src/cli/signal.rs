//! What signals mean to a program on the command line.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A reader that has gone away (`wippy … | head`) ends the program quietly, whatever it was writing with. The reference
/// dies of the signal; Rust programs ignore it by default and would compute on for nobody.
pub fn end_on_broken_pipe() {
    #[cfg(unix)]
    {
        use signal_hook::consts::SIGPIPE;
        // Without the handler, writes fail and are dropped: slower to end, otherwise the same.
        let _ = signal_hook::flag::register_conditional_shutdown(
            SIGPIPE,
            super::exit::FAILURE,
            Arc::new(AtomicBool::new(true)),
        );
    }
}

/// Ctrl-C sets the flag. If it is still set at the next Ctrl-C, nobody looks at it and the program is killed.
pub fn interrupt_sets(flag: &Arc<AtomicBool>) {
    use signal_hook::consts::SIGINT;
    // Without handlers Ctrl-C kills at once.
    let _ = signal_hook::flag::register_conditional_default(SIGINT, flag.clone());
    let _ = signal_hook::flag::register(SIGINT, flag.clone());
}

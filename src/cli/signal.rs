//! What signals mean to a program on the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Ctrl-C: the first one raises an error in the program, the next one kills a program that goes on all the same.
pub struct Interrupt {
    raise: Arc<AtomicBool>,
    kill: Arc<AtomicBool>,
}

impl Interrupt {
    /// Installs the handlers; `raise` is the flag that the interpreter looks at.
    pub fn new(raise: Arc<AtomicBool>) -> Self {
        use signal_hook::consts::SIGINT;
        let this = Self { raise, kill: Arc::new(AtomicBool::new(false)) };
        // Without handlers Ctrl-C kills at once. They run in this order.
        let _ = signal_hook::flag::register_conditional_default(SIGINT, this.kill.clone());
        let _ = signal_hook::flag::register(SIGINT, this.kill.clone());
        let _ = signal_hook::flag::register(SIGINT, this.raise.clone());
        this
    }

    /// What came before is forgotten: the next Ctrl-C is a first one.
    pub fn reset(&self) {
        self.raise.store(false, Ordering::Relaxed);
        self.kill.store(false, Ordering::Relaxed);
    }
}

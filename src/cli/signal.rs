//! What signals mean to a program on the command line.

use crate::runtime::node::Node;
use crate::runtime::program;
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
    handlers: Vec<signal_hook::SigId>,
}

impl Interrupt {
    /// Installs the handlers; `raise` is the flag that the interpreter looks at.
    pub fn new(raise: Arc<AtomicBool>) -> Self {
        use signal_hook::consts::SIGINT;
        let kill = Arc::new(AtomicBool::new(false));
        // Without handlers Ctrl-C kills at once. They run in this order.
        let handlers = [
            signal_hook::flag::register_conditional_default(SIGINT, kill.clone()),
            signal_hook::flag::register(SIGINT, kill.clone()),
            signal_hook::flag::register(SIGINT, raise.clone()),
        ];
        Self { raise, kill, handlers: handlers.into_iter().flatten().collect() }
    }

    /// From now on signals concern a program of several processes, or one that waits or listens to events. The first one to stop asks the main
    /// process, the second ends everything at once; Ctrl-\ shows the processes.
    pub fn watch(&self, node: &Arc<Node>) {
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
            // Without a watcher the handlers so far serve.
            let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGQUIT]) else {
                return;
            };
            for &handler in &self.handlers {
                signal_hook::low_level::unregister(handler);
            }
            let node = Arc::downgrade(node);
            let watcher = move || {
                let mut asked = false;
                for signal in signals.forever() {
                    let Some(node) = node.upgrade() else { return };
                    if signal == SIGQUIT {
                        super::exit::complain(&crate::runtime::listing::of(&node));
                    } else if asked {
                        std::process::exit(super::exit::FAILURE);
                    } else {
                        asked = true;
                        program::ask_main_to_stop(&node);
                    }
                }
            };
            // The system is out of threads: what then ends the program is the second signal's default.
            let _ = std::thread::Builder::new().name("wippy-signals".into()).spawn(watcher);
        }
    }

    /// What came before is forgotten: the next Ctrl-C is a first one.
    pub fn reset(&self) {
        self.raise.store(false, Ordering::Relaxed);
        self.kill.store(false, Ordering::Relaxed);
    }
}

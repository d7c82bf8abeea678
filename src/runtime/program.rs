//! A Lua file as a program: its script is the main process of a node with one host, on which its other processes run.
//!
//! A script that starts no process and waits for nothing never meets the scheduler: the main process runs its slices on the
//! caller's thread until it does one of the two. Then it moves into the scheduler, which starts its threads at that moment,
//! and the caller waits for its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::context::Context;
use super::host::Host;
use super::libraries::Prepare;
use super::library;
use super::message::Notice;
use super::node::{Node, OpenGate};
use super::peer::Peer;
use super::process::{Ended, Process};
use super::sched::{End, Env, Order, Outcome as Halt, Sim, Stats, Turn};
use super::script::Script;
use super::source::{Program as Code, Scripts};
use crate::heap::SharedCode;
use crate::limits::{DEFAULT_SLICE, SCRIPT_STOP_MS};
use crate::vm::LuaError;
use crate::vm::parcel::Text;

/// The host of a script and its processes.
pub const SCRIPT_HOST: &str = "app:processes";

/// How a program is run.
#[derive(Clone, Copy)]
pub struct Settings {
    /// Threads; 0 is one per core.
    pub workers: usize,
    /// Seed of a simulation on one thread, in virtual time.
    pub sim: Option<u64>,
    /// Memory limit of all processes together, in bytes.
    pub memory: Option<usize>,
    /// Memory limit of each process but the main one, in bytes.
    pub process_memory: Option<usize>,
    /// What every process but the main one, which comes with it, gets beside the standard library.
    pub prepare: Prepare,
}

/// A program ready to run.
pub struct Program {
    node: Arc<Node>,
    host: Arc<Host>,
    main: Arc<Peer>,
    process: Process,
    ended: Receiver<Ended>,
    sim: Option<Sim>,
}

/// What is left of a program whose main process has ended.
pub struct Finished {
    pub ended: Ended,
    rest: Rest,
}

/// The other processes.
struct Rest {
    node: Arc<Node>,
    host: Arc<Host>,
    sim: Option<Sim>,
}

/// What a program did.
pub struct Account {
    pub spawned: u64,
    pub peak_alive: u64,
    pub failed: u64,
    pub messages: u64,
    /// Of the scheduler, if it was needed.
    pub scheduler: Option<Stats>,
    /// Largest and average bytes that processes held at their ends.
    pub heap_average: u64,
}

impl Program {
    /// Makes the process in which `code` will run. `file` is the script's path as given on the command line; the program
    /// finds other files relative to its folder.
    ///
    /// # Errors
    /// Memory.
    pub fn new(
        mut script: Script,
        code: SharedCode,
        file: &[u8],
        args: &[Vec<u8>],
        settings: Settings,
    ) -> Result<Self, LuaError> {
        let (env, mut sim) = match settings.sim {
            Some(seed) => {
                let sim = Sim::new(seed, Order::any(seed));
                (sim.env().clone(), Some(sim))
            }
            None => (Env::real(), None),
        };
        let host = Arc::new(match &mut sim {
            Some(sim) => Host::on(SCRIPT_HOST, sim.host(SCRIPT_HOST)),
            None => Host::lazy(SCRIPT_HOST, settings.workers, env.clone()),
        });
        let path = crate::runtime::source::path_of(file);
        let scripts = Scripts::new(path.parent().unwrap_or_else(|| Path::new("")), file, &path);
        let node = Arc::new(Node::new(
            env,
            Box::new(scripts),
            Box::new(OpenGate),
            settings.process_memory,
            settings.prepare,
        ));
        node.add_host(host.clone());
        if let Some(limit) = settings.memory {
            node.limit_memory(limit);
        }
        let limit = script.vm().heap.limit();
        let main = Peer::new(node.next_pid(&host), host.clone(), file.into(), Some(limit));
        let main = Arc::new(main.sharing(node.memory()));
        if let Some(share) = &main.share {
            // Alone it may have all of the limit.
            script.vm().heap.join(share.clone(), 0);
        }
        // Nobody else has seen the node.
        let _ = node.main.set(main.clone());
        node.add(main.clone());
        let program = Arc::new(Code::new(file, code));
        let context = Context::new(node.clone(), main.clone(), program.clone(), Arc::default());
        script.vm().with_context(library::open)?;
        Process::equip(&mut script, context);
        script.start(code, args)?;
        let (report, ended) = channel();
        let process = Process::main(&node, &main, program, script, report);
        Ok(Self { node, host, main, process, ended, sim })
    }

    /// The node, for those who watch it.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Runs until the main process ends. `concerned` is called when signals begin to be its concern: when it listens to events,
    /// or moves into the scheduler.
    pub fn run(self, concerned: impl FnOnce(&Arc<Node>)) -> Finished {
        let mut concerned = Some(concerned);
        let Self { node, host, main, mut process, ended, sim } = self;
        let mut rest = Rest { node, host, sim };
        if rest.sim.is_none() {
            while rest.host.started().is_none() {
                let mut turn = process.slice(DEFAULT_SLICE.unsigned_abs());
                if turn == Turn::Wait && process.is_stuck() {
                    turn = process.give_up();
                }
                if main.hears_events()
                    && let Some(concerned) = concerned.take()
                {
                    concerned(&rest.node);
                }
                let killed = main.is_terminated() || main.is_flooded();
                match turn {
                    Turn::Yield if !killed => {}
                    Turn::Wait if !killed => break,
                    Turn::Done => {
                        process.finish(&End::Done);
                        return rest.finished(&ended);
                    }
                    Turn::Yield | Turn::Wait => {
                        process.finish(&End::Killed);
                        return rest.finished(&ended);
                    }
                }
            }
            if let Some(concerned) = concerned {
                concerned(&rest.node);
            }
        }
        match rest.host.scheduler().seat() {
            Ok(seat) => {
                main.set_handle(seat.handle().clone());
                if main.is_terminated() {
                    seat.handle().kill();
                }
                seat.start(Box::new(process));
            }
            // Nobody stops the host before the main process ends.
            Err(_) => process.finish(&End::Killed),
        }
        if let Some(sim) = &mut rest.sim {
            let main = &main;
            while let Halt::Stuck(_) = sim.run_until(u64::MAX, || main.has_ended()) {
                // Nobody can ever run again: the main process says so.
                rest.node.stand_still();
                main.wake();
            }
        }
        rest.finished(&ended)
    }
}

impl Rest {
    fn finished(self, ended: &Receiver<Ended>) -> Finished {
        let ended = ended.recv().unwrap_or_else(|_| Ended {
            script: None,
            outcome: super::script::Outcome::failed(b"the main process vanished"),
        });
        Finished { ended, rest: self }
    }
}

impl Finished {
    /// Asks the other processes to stop, ends them after a second, and tells what the program did.
    pub fn stop(self) -> (Ended, Account) {
        let Rest { node, host, mut sim } = self.rest;
        let grace = Duration::from_millis(SCRIPT_STOP_MS);
        node.ask_to_stop(&host);
        if let Some(sim) = &mut sim {
            let deadline = sim.env().clock.now().after(grace);
            let clock = sim.env().clock.clone();
            // Somebody has to be there when time is up.
            let alarm = sim.env().timers.set(deadline, Arc::new(Alarm), 0);
            sim.run_until(u64::MAX, || clock.now() >= deadline || node.alive() == 0);
            sim.env().timers.cancel(alarm);
        }
        let scheduler = host.started().cloned();
        host.finish_stop(grace);
        drop(sim);
        let counters = &node.counters;
        let heaps = counters.heaps.load(Ordering::Relaxed);
        let account = Account {
            spawned: counters.spawned.load(Ordering::Relaxed),
            peak_alive: counters.peak_alive.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            messages: counters.messages.load(Ordering::Relaxed),
            scheduler: scheduler.map(|scheduler| scheduler.stats()),
            heap_average: counters.heap_bytes.load(Ordering::Relaxed).checked_div(heaps).unwrap_or(0),
        };
        (self.ended, account)
    }
}

/// Makes virtual time go on.
struct Alarm;

impl super::timer::Expire for Alarm {
    fn expire(self: Arc<Self>, _: u64) {}
}

/// The first signal to stop: a main process that listens to events is told and decides itself, any other is ended.
pub fn ask_main_to_stop(node: &Node) {
    let Some(main) = node.main.get() else { return };
    if main.hears_events() {
        node.notify(main, Notice::Cancel { from: None, reason: Text::fixed("scheduler shutdown") });
    } else {
        node.interrupt();
        main.terminate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::script::Outcome;

    /// Another process has called `os.exit` and is gone when the main process, alone now, has nothing to do.
    #[test]
    fn the_end_of_a_program_is_no_deadlock() {
        for sim in [None, Some(1)] {
            let text = b"process.inbox():receive()";
            let code = crate::runtime::loader::compile_source(text, b"=test").expect("a program");
            let settings =
                Settings { workers: 1, sim, memory: None, process_memory: None, prepare: |_| Ok(()) };
            let program = Program::new(
                Script::new(None).expect("memory"),
                SharedCode::publish(code),
                b"f.lua",
                &[],
                settings,
            );
            let program = program.expect("memory");
            program.node().quit(5);
            let outcome = program.run(|_| ()).ended.outcome;
            assert!(matches!(outcome, Outcome::Quit(5)), "simulated: {}", sim.is_some());
        }
    }
}

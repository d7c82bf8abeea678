//! The node: everything that processes of one program share: who is alive, names, hosts, where code comes from.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::files::Files;
use super::host::{Host, host_not_found};
use super::libraries::{self, Prepare};
use super::message::{Letter, Notice};
use super::names::{Names, Taken};
use super::peer::Peer;
use super::peers::Peers;
use super::pid::{self, Address, Pid};
use super::process::{LOGGER, Process, Start};
use super::sched::Env;
use super::source::ProcessSource;
use crate::heap::Budget;
use crate::heap::budget::Found;
use crate::vm::LuaError;
use crate::vm::environment::Environment;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::parcel::{Parcel, Text};

/// Asked before a process does something to others or to shared things.
pub trait Gate: Send + Sync {
    /// Whether `who` may do `action` to `resource`.
    fn allows(&self, who: &Peer, action: &str, resource: &[u8]) -> bool;
}

/// No security policies: everything is allowed.
pub struct OpenGate;

impl Gate for OpenGate {
    fn allows(&self, _: &Peer, _: &str, _: &[u8]) -> bool {
        true
    }
}

/// See the head of the file.
pub struct Node {
    pub env: Env,
    pub names: Names,
    pub source: Box<dyn ProcessSource>,
    pub gate: Box<dyn Gate>,
    hosts: Mutex<Vec<Arc<Host>>>,
    processes: Peers,
    last_pid: AtomicU64,
    /// Memory limit of each process in bytes.
    pub memory_limit: Option<usize>,
    /// What all processes share, if that is limited.
    memory: OnceLock<Arc<Budget>>,
    /// Of all processes but the main one.
    prepare: Prepare,
    libraries: OnceLock<&'static Environment>,
    /// Files that processes load.
    pub files: Files,
    pub counters: Counters,
    /// The process whose end is the end of the program.
    pub main: OnceLock<Arc<Peer>>,
    /// A process called `os.exit`: the program ends with this code.
    quit: OnceLock<i32>,
    /// A simulation has found that nobody can ever run again.
    stands_still: AtomicBool,
    /// The user has interrupted the program.
    interrupted: AtomicBool,
}

/// What happened on a node.
#[derive(Default)]
pub struct Counters {
    pub spawned: AtomicU64,
    pub alive: AtomicU64,
    pub peak_alive: AtomicU64,
    /// Sent by processes that have ended, and by spawns.
    pub messages: AtomicU64,
    pub failed: AtomicU64,
    /// Sum of the largest heaps that processes had when they rested or ended, and how many were counted.
    pub heap_bytes: AtomicU64,
    pub heaps: AtomicU64,
}

/// How a process is to be started.
pub struct Spawn {
    pub program: Vec<u8>,
    pub host: Vec<u8>,
    pub start: Start,
    pub monitor: bool,
    pub link: bool,
    pub name: Option<Box<[u8]>>,
    pub messages: Vec<(Text, Parcel)>,
    /// Network for outbound connections.
    pub network: Option<Box<[u8]>>,
    /// The starter waits for the end, with this ticket.
    pub exec: Option<u64>,
}

/// What became of it.
pub struct Spawned {
    pub peer: Arc<Peer>,
    /// False: the name was taken, and its holder got the messages.
    pub is_new: bool,
    /// The starter should wait until the process has begun: the ticket was noted.
    pub starting: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error for a process that does not exist, or no longer.
#[must_use]
pub fn process_not_found(text: &[u8]) -> ErrorObject {
    ErrorObject::permanent(kind::NOT_FOUND, [b"process not found: ", text].concat())
}

impl Node {
    /// A node without processes and hosts.
    #[must_use]
    pub fn new(
        env: Env,
        source: Box<dyn ProcessSource>,
        gate: Box<dyn Gate>,
        memory_limit: Option<usize>,
        prepare: Prepare,
    ) -> Self {
        Self {
            env,
            names: Names::default(),
            source,
            gate,
            hosts: Mutex::default(),
            processes: Peers::default(),
            last_pid: AtomicU64::new(0),
            memory_limit,
            memory: OnceLock::new(),
            prepare,
            libraries: OnceLock::new(),
            files: Files::default(),
            counters: Counters::default(),
            main: OnceLock::new(),
            quit: OnceLock::new(),
            stands_still: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
        }
    }

    /// The libraries that processes share.
    ///
    /// # Errors
    /// Memory.
    pub fn libraries(&self) -> Result<&'static Environment, LuaError> {
        if let Some(libraries) = self.libraries.get() {
            return Ok(libraries);
        }
        let libraries = libraries::shared(self.prepare)?;
        Ok(self.libraries.get_or_init(|| libraries))
    }

    // ---- memory ----

    /// Limits what the processes that are started from now on hold together.
    pub fn limit_memory(self: &Arc<Self>, limit: usize) {
        let budget = Budget::new(limit);
        let node = Arc::downgrade(self);
        budget.set_finder(Box::new(move |bytes| {
            let (peer, size) = node.upgrade()?.processes.largest(bytes)?;
            let share = peer.share.clone()?;
            Some(Found { share, size, tell: Box::new(move || peer.give_in()) })
        }));
        // The first limit counts.
        let _ = self.memory.set(budget);
    }

    /// What all processes share, if that is limited.
    #[must_use]
    pub fn memory(&self) -> Option<&Arc<Budget>> {
        self.memory.get()
    }

    // ---- hosts ----

    pub fn add_host(&self, host: Arc<Host>) {
        lock(&self.hosts).push(host);
    }

    #[must_use]
    pub fn host(&self, id: &[u8]) -> Option<Arc<Host>> {
        lock(&self.hosts).iter().find(|host| host.id.as_bytes() == id).cloned()
    }

    #[must_use]
    pub fn hosts(&self) -> Vec<Arc<Host>> {
        lock(&self.hosts).clone()
    }

    /// Stops a host: no more spawns and messages there, everybody is asked to stop, and who has not after `grace` is ended.
    pub fn stop_host(&self, host: &Host, grace: Duration) {
        self.ask_to_stop(host);
        host.finish_stop(grace);
    }

    /// The first half of [`Node::stop_host`].
    pub fn ask_to_stop(&self, host: &Host) {
        host.begin_stop();
        for peer in self.processes() {
            if peer.pid.host == host.id {
                self.notify(&peer, Notice::Cancel { from: None, reason: Text::fixed("scheduler shutdown") });
            }
        }
    }

    // ---- who is there ----

    /// A number that no process has had.
    pub fn next_pid(&self, host: &Host) -> Pid {
        Pid { host: host.id.clone(), number: self.last_pid.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    /// From now on the process can be found.
    pub fn add(&self, peer: Arc<Peer>) {
        self.processes.add(peer);
        self.counters.spawned.fetch_add(1, Ordering::Relaxed);
        let alive = self.counters.alive.fetch_add(1, Ordering::Relaxed) + 1;
        self.counters.peak_alive.fetch_max(alive, Ordering::Relaxed);
    }

    /// The process cannot be found any more.
    pub fn remove(&self, peer: &Peer) {
        self.processes.remove(peer.pid.number);
    }

    /// The process is gone, and everybody whom that concerns has been told.
    pub fn gone(&self) {
        if self.counters.alive.fetch_sub(1, Ordering::AcqRel) == 2 {
            // The main process may be the last one: it looks whether there is anything left to wait for.
            if let Some(main) = self.main.get() {
                main.wake();
            }
        }
    }

    /// Processes alive.
    #[must_use]
    pub fn alive(&self) -> u64 {
        self.counters.alive.load(Ordering::Acquire)
    }

    /// All processes, by number.
    #[must_use]
    pub fn processes(&self) -> Vec<Arc<Peer>> {
        self.processes.all()
    }

    /// The process with this number.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<Arc<Peer>> {
        self.processes.find(number)
    }

    /// The process with a PID in its usual form.
    #[must_use]
    pub fn find_usual(&self, destination: &[u8]) -> Option<Arc<Peer>> {
        // No host has a name that could be mistaken: the process found has exactly this PID.
        let (host, number) = pid::usual(destination)?;
        self.find(number).filter(|peer| peer.pid.host.as_bytes() == host)
    }

    /// Reads a destination. The inner error says that the process does not exist (any more), with its PID as text.
    ///
    /// # Errors
    /// No such name, host or node.
    pub fn resolve(&self, destination: &[u8]) -> Result<Result<Arc<Peer>, Vec<u8>>, ErrorObject> {
        if let Some(peer) = self.find_usual(destination) {
            return Ok(Ok(peer));
        }
        match Address::parse(destination) {
            Address::Name(name) => match self.names.lookup(name) {
                Some(pid) => Ok(self.find(pid.number).ok_or_else(|| pid.text().into_vec())),
                None => Err(ErrorObject::permanent(
                    kind::NOT_FOUND,
                    [b"could not resolve '", name, b"' as PID or registered name"].concat(),
                )),
            },
            Address::Pid { node: Some(node), .. } => {
                Err(ErrorObject::permanent(kind::NOT_FOUND, [b"node not found: ", node].concat()))
            }
            Address::Pid { host, number, .. } => {
                let peer = number.and_then(|number| self.find(number));
                match peer.filter(|peer| peer.pid.host.as_bytes() == host) {
                    Some(peer) => Ok(Ok(peer)),
                    None if self.host(host).is_some() => Ok(Err(destination.to_vec())),
                    None => Err(host_not_found(host)),
                }
            }
        }
    }

    // ---- sending ----

    /// Queues a message of a program.
    ///
    /// # Errors
    /// The receiver has just ended, or its host is stopping.
    pub fn send(&self, to: &Peer, letter: Letter) -> Result<(), ErrorObject> {
        if to.home.is_stopping() {
            return Err(ErrorObject::permanent(kind::UNAVAILABLE, "host is shutting down"));
        }
        if to.post(letter) { Ok(()) } else { Err(ErrorObject::permanent("InvalidState", "process closed")) }
    }

    /// Tells a process something. Nobody minds if it has ended.
    pub fn notify(&self, to: &Peer, notice: Notice) -> bool {
        to.post(Letter::Notice(Box::new(notice), self.env.clock.time_of_day()))
    }

    // ---- spawning ----

    /// Starts a process; `by` is who asks, if it is a process.
    ///
    /// # Errors
    /// As the table of failures in the specification of processes says.
    pub fn spawn(self: &Arc<Self>, by: Option<&Arc<Peer>>, request: Spawn) -> Result<Spawned, ErrorObject> {
        let host = self.host(&request.host).ok_or_else(|| host_not_found(&request.host))?;
        let program = self.source.find(&request.program, false)?;
        if let Some(holder) = request.name.as_deref().and_then(|name| self.names.lookup(name)) {
            return self.signal_instead(&holder, request.messages);
        }
        let seat = host.seat()?;
        let pid = self.next_pid(&host);
        let peer =
            Arc::new(Peer::new(pid, host, program.id.clone(), self.memory_limit).sharing(self.memory()));
        peer.set_handle(seat.handle().clone());
        if let Some(name) = &request.name
            && let Err(Taken(holder)) = self.names.register(name, &peer.pid, Some(&peer))
        {
            // Somebody else was quicker.
            return self.signal_instead(&holder, request.messages);
        }
        self.add(peer.clone());
        let mut start = request.start;
        let mut starting = false;
        if let Some(by) = by {
            if request.monitor {
                // Nobody monitors or links a process that nobody knows: these do not fail.
                let _ = peer.add_monitor(by);
            }
            if request.link {
                by.link(&peer);
            }
            if let Some(ticket) = request.exec {
                peer.add_watcher(super::peer::Watcher::Exec(by.clone(), ticket));
            }
            starting = request.exec.is_none() && program.is_untried();
            if starting {
                start.answer_to = Some((by.clone(), start.ticket));
            }
        }
        for (topic, payload) in request.messages {
            self.counters.messages.fetch_add(1, Ordering::Relaxed);
            peer.post(Letter::Message(super::message::Message { from: None, topic, payload }));
        }
        tracing::debug!(target: LOGGER, pid = %peer.pid, entry = %peer.entry(), "process started");
        seat.start(Box::new(Process::new(self.clone(), peer.clone(), program, start)));
        Ok(Spawned { peer, is_new: true, starting })
    }

    /// The name is taken: the messages go to whoever has it.
    fn signal_instead(&self, holder: &Pid, messages: Vec<(Text, Parcel)>) -> Result<Spawned, ErrorObject> {
        let text = holder.to_string();
        let peer = self.find(holder.number).ok_or_else(|| process_not_found(text.as_bytes()))?;
        for (topic, payload) in messages {
            self.counters.messages.fetch_add(1, Ordering::Relaxed);
            self.send(&peer, Letter::Message(super::message::Message { from: None, topic, payload }))?;
        }
        Ok(Spawned { peer, is_new: false, starting: false })
    }

    // ---- the end of the program ----

    /// `os.exit` in any process.
    pub fn quit(&self, code: i32) {
        // The first one counts.
        let _ = self.quit.set(code);
        if let Some(main) = self.main.get() {
            main.terminate();
        }
    }

    /// The user has interrupted the program.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether the user has interrupted the program.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Nobody can ever run again.
    pub fn stand_still(&self) {
        self.stands_still.store(true, Ordering::Relaxed);
    }

    /// Whether nobody can ever run again.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        self.stands_still.load(Ordering::Relaxed)
    }

    /// The code of `os.exit`, if some process called it.
    #[must_use]
    pub fn quit_code(&self) -> Option<i32> {
        self.quit.get().copied()
    }
}

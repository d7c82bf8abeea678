//! A node with one simulated host, and what must be gone in the end.

use std::collections::HashMap;
use std::sync::Arc;

use wippy::heap::{SharedCode, pooled_cells};
use wippy::runtime::host::Host;
use wippy::runtime::libraries::Prepare;
use wippy::runtime::loader::compile_source;
use wippy::runtime::node::{Node, OpenGate, Spawn};
use wippy::runtime::peer::Peer;
use wippy::runtime::process::Start;
use wippy::runtime::sched::{Order, Sim};
use wippy::runtime::source::{ProcessSource, Program};
use wippy::vm::error_object::{ErrorObject, kind};
use wippy::vm::parcel::Parcel;

/// The only host.
pub const HOST: &str = "app:processes";

/// Programs in memory.
#[derive(Clone, Default)]
pub struct Programs(HashMap<Vec<u8>, SharedCode>);

impl Programs {
    pub fn add(&mut self, id: &str, text: &str) {
        let proto = compile_source(text.as_bytes(), format!("@{id}").as_bytes());
        let code = SharedCode::publish(proto.unwrap_or_else(|e| {
            panic!("{id}:{}: {}", e.line, String::from_utf8_lossy(&e.message));
        }));
        self.0.insert(id.as_bytes().to_vec(), code);
    }

    /// Programs that nobody has started yet.
    fn untried(&self) -> HashMap<Vec<u8>, Arc<Program>> {
        let fresh = |(id, code): (&Vec<u8>, &SharedCode)| (id.clone(), Arc::new(Program::new(id, *code)));
        self.0.iter().map(fresh).collect()
    }
}

struct Source(HashMap<Vec<u8>, Arc<Program>>);

impl ProcessSource for Source {
    fn find(&self, id: &[u8], _: bool) -> Result<Arc<Program>, ErrorObject> {
        let none = || ErrorObject::permanent(kind::NOT_FOUND, "no such program");
        self.0.get(id).cloned().ok_or_else(none)
    }

    fn is_valid(&self, _: &[u8]) -> bool {
        true
    }
}

/// See the head of the file.
pub struct World {
    pub node: Arc<Node>,
    pub host: Arc<Host>,
    pub sim: Sim,
}

impl World {
    /// `slice`: reductions of every turn; by the seed if there are none.
    pub fn new(programs: &Programs, seed: u64, slice: Option<u32>) -> Self {
        Self::with_libraries(programs, seed, slice, wippy::modules::add_all)
    }

    /// Processes get the libraries that `prepare` adds.
    pub fn with_libraries(programs: &Programs, seed: u64, slice: Option<u32>, prepare: Prepare) -> Self {
        let mut sim = Sim::new(seed, Order::any(seed));
        sim.set_slice(slice);
        let host = Arc::new(Host::on(HOST, sim.host(HOST)));
        let source = Box::new(Source(programs.untried()));
        let limit = Some(2 << 20);
        let node = Arc::new(Node::new(sim.env().clone(), source, Box::new(OpenGate), limit, prepare));
        node.add_host(Arc::clone(&host));
        Self { node, host, sim }
    }

    /// Starts a process with arguments that are strings.
    pub fn spawn(&self, program: &str, args: &[&str]) -> Arc<Peer> {
        let args = Parcel::of_strings(args.iter().map(|arg| arg.as_bytes()));
        let request = Spawn {
            program: program.as_bytes().to_vec(),
            host: HOST.as_bytes().to_vec(),
            start: Start { args, values: Arc::default(), ticket: 0, answer_to: None },
            monitor: false,
            link: false,
            name: None,
            messages: Vec::new(),
            network: None,
            exec: None,
        };
        self.node.spawn(None, request).unwrap_or_else(|e| panic!("{:?}", e.message())).peer
    }

    /// A process that never runs: its mailbox says what others are told.
    pub fn observer(&self) -> Arc<Peer> {
        let pid = self.node.next_pid(&self.host);
        Arc::new(Peer::new(pid, Arc::clone(&self.host), Arc::default(), None))
    }

    /// Ends everybody; nothing is left then.
    pub fn end(self, what: &str) {
        let Self { node, host, mut sim } = self;
        for peer in node.processes() {
            peer.terminate();
        }
        sim.run();
        drop((host, sim));
        assert_empty(node, what);
    }
}

/// Nobody is alive, has a name, waits for the clock, or is known to anybody.
pub fn assert_empty(node: Arc<Node>, what: &str) {
    assert_eq!((node.alive(), node.processes().len()), (0, 0), "{what}: processes");
    assert_eq!(node.names.len(), 0, "{what}: names");
    assert_eq!(node.env.timers.len(), 0, "{what}: timers");
    let [host] = &node.hosts()[..] else { panic!("{what}: one host") };
    // The node's, the one here, and that of the main process, which the node keeps; whoever else still exists has one more.
    let main = usize::from(node.main.get().is_some());
    assert_eq!(Arc::strong_count(host), 2 + main, "{what}: processes that somebody still knows");
    assert_eq!(Arc::strong_count(&node), 1, "{what}: contexts of processes");
}

/// What the program shares, to be the same again later.
pub struct Baseline {
    cells: usize,
}

impl Baseline {
    pub fn now() -> Self {
        Self { cells: pooled_cells() }
    }

    pub fn assert_same(&self, what: &str) {
        assert_eq!(pooled_cells(), self.cells, "{what}: cells");
    }
}

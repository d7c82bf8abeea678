//! Who is alive, by number.
//!
//! Numbers count up and are never used again, so the table is made of chunks of consecutive numbers: processes that were
//! started together lie together, and no number is hashed but that of a chunk. The numbers go round the parts of the
//! table, so that workers that start processes at the same time do not wait for each other.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::peer::Peer;

/// Parts of the table, each under a lock of its own.
const PARTS: u64 = 64;

/// Processes of one part that lie together.
const CHUNK: u64 = 64;

/// See the head of the file.
pub struct Peers {
    parts: [Mutex<Part>; PARTS as usize],
}

#[derive(Default)]
struct Part {
    chunks: HashMap<u64, Box<Chunk>, foldhash::fast::FixedState>,
}

struct Chunk {
    peers: [Option<Arc<Peer>>; CHUNK as usize],
    alive: u32,
}

/// Where a number is found in its part: chunk and place.
fn place(number: u64) -> (u64, usize) {
    let number = number / PARTS;
    (number / CHUNK, (number % CHUNK) as usize)
}

impl Default for Peers {
    /// Nobody.
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Peers {
    fn part(&self, number: u64) -> MutexGuard<'_, Part> {
        lock(&self.parts[(number % PARTS) as usize])
    }

    /// Adds a process under its number.
    pub fn add(&self, peer: Arc<Peer>) {
        let (chunk, at) = place(peer.pid.number);
        let mut part = self.part(peer.pid.number);
        let chunk = part.chunks.entry(chunk).or_insert_with(Chunk::new);
        chunk.alive += u32::from(chunk.peers[at].replace(peer).is_none());
    }

    /// Removes the process with this number, if it is there.
    pub fn remove(&self, number: u64) {
        let (key, at) = place(number);
        let mut part = self.part(number);
        let Some(chunk) = part.chunks.get_mut(&key) else { return };
        let gone = chunk.peers[at].take();
        chunk.alive -= u32::from(gone.is_some());
        let empty = if chunk.alive == 0 { part.chunks.remove(&key) } else { None };
        drop(part);
        // Perhaps the last to know it.
        drop((gone, empty));
    }

    /// The process with this number.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<Arc<Peer>> {
        let (chunk, at) = place(number);
        self.part(number).chunks.get(&chunk)?.peers[at].clone()
    }

    /// The largest of the processes that are larger than `bytes` and not spared, with its size; of several the one that was started first.
    #[must_use]
    pub fn largest(&self, bytes: usize) -> Option<(Arc<Peer>, usize)> {
        let mut largest = None;
        for part in &self.parts {
            for peer in lock(part).chunks.values().flat_map(|chunk| &chunk.peers).flatten() {
                if peer.share.as_ref().is_some_and(|share| share.is_spared()) {
                    continue;
                }
                let size = peer.size();
                let found = (size, Reverse(peer.pid.number));
                if size > bytes && largest.is_none_or(|largest| found > largest) {
                    largest = Some(found);
                }
            }
        }
        let (size, Reverse(number)) = largest?;
        Some((self.find(number)?, size))
    }

    /// All processes, by number.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Peer>> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(lock(part).chunks.values().flat_map(|chunk| &chunk.peers).flatten().cloned());
        }
        all.sort_by_key(|peer: &Arc<Peer>| peer.pid.number);
        all
    }
}

impl Chunk {
    fn new() -> Box<Self> {
        Box::new(Self { peers: [const { None }; CHUNK as usize], alive: 0 })
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::host::Host;
    use crate::runtime::pid::Pid;
    use crate::runtime::sched::Env;

    #[test]
    fn numbers_find_their_processes_and_empty_chunks_go() {
        let host = Arc::new(Host::lazy("h", 1, Env::simulated(1)));
        let peers = Peers::default();
        let numbers = [1, 2, 64, 65, 4_096, 4_097, 1 << 40, u64::MAX];
        for number in numbers {
            let pid = Pid { host: host.id.clone(), number };
            peers.add(Arc::new(Peer::new(pid, host.clone(), Arc::default(), None)));
        }
        let found = |number| peers.find(number).map(|peer| peer.pid.number);
        assert!(numbers.iter().all(|&number| found(number) == Some(number)));
        assert_eq!((found(0), found(3), found(8_192)), (None, None, None));
        assert_eq!(peers.all().iter().map(|peer| peer.pid.number).collect::<Vec<_>>(), numbers);
        for number in numbers.into_iter().chain([3, 8_192]) {
            peers.remove(number);
            assert_eq!(found(number), None);
        }
        assert!(peers.all().is_empty() && peers.parts.iter().all(|part| lock(part).chunks.is_empty()));
    }
}

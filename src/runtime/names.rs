//! Registered names of this node (scope `LOCAL`).
//!
//! 1. A name leads to one process. A process may have many names.
//! 2. Names of a process end with it: each is noted with the process ([`Peer::note_name`]), which gives its notes up once.
//!    A name given to a process that has ended already stays until it is unregistered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::peer::Peer;
use super::pid::Pid;

/// See the head of the file.
#[derive(Default)]
pub struct Names(Mutex<HashMap<Arc<[u8]>, Pid>>);

/// Another process has the name.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken(pub Pid);

impl Names {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<[u8]>, Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a process a name. `peer` is the process if it is alive.
    ///
    /// # Errors
    /// [`Taken`].
    pub fn register(&self, name: &[u8], pid: &Pid, peer: Option<&Peer>) -> Result<(), Taken> {
        let name: Arc<[u8]> = name.into();
        {
            let mut names = self.lock();
            match names.get(&name) {
                Some(holder) if holder == pid => return Ok(()),
                Some(holder) => return Err(Taken(holder.clone())),
                None => names.insert(name.clone(), pid.clone()),
            };
        }
        if let Some(peer) = peer
            && !peer.note_name(&name)
        {
            // It ended between the two steps and knows nothing of the name.
            self.release(&[name], pid);
        }
        Ok(())
    }

    /// The process with a name.
    #[must_use]
    pub fn lookup(&self, name: &[u8]) -> Option<Pid> {
        self.lock().get(name).cloned()
    }

    /// Names in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no name is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Frees a name, whoever has it. False if nobody has.
    pub fn unregister(&self, name: &[u8]) -> bool {
        self.lock().remove(name).is_some()
    }

    /// Frees those of the names that a process still has.
    pub fn release(&self, of: &[Arc<[u8]>], pid: &Pid) {
        if of.is_empty() {
            return;
        }
        let mut names = self.lock();
        for name in of {
            if names.get(name) == Some(pid) {
                names.remove(name);
            }
        }
    }
}

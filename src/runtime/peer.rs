//! The part of a process that others see: its address, mailbox, and who is to be told of its end.
//!
//! 1. Nobody holds the lock of one peer's relations while taking another's.
//! 2. A link is noted at both ends. Whoever links notes it first at its own end (it is running, so it does not end meanwhile) and
//!    then at the other; an end that has ended refuses.
//! 3. [`Peer::end`] gives up the relations exactly once, and nothing is noted afterwards. So every monitor and link is told
//!    once, by the ending process itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::host::Host;
use super::mailbox::Mailbox;
use super::message::Letter;
use super::pid::Pid;
use super::sched::Handle;
use crate::heap::{Budget, Share};
use crate::limits::MAIL_STEP;

/// See the head of the file.
pub struct Peer {
    pub pid: Pid,
    /// Where it runs.
    pub home: Arc<Host>,
    pub mailbox: Mailbox<Letter>,
    /// None until the process has a place in the scheduler: a main process may never need one.
    handle: OnceLock<Handle>,
    relations: Mutex<Noted>,
    /// Somebody called `terminate`.
    terminated: AtomicBool,
    /// It asked for its events.
    hears_events: AtomicBool,
    /// Its mailbox grew over the memory limit.
    flooded: AtomicBool,
    /// Bytes that messages may add to `held` before the process is over its limit; updated by the process.
    pub limit: usize,
    /// Bytes that its heap holds, for the limit and for listings.
    pub held: AtomicUsize,
    /// Its part of the program's memory, if that is limited.
    pub share: Option<Arc<Share>>,
    /// Reductions so far, for listings; updated by the process.
    pub reductions: AtomicU64,
    /// What runs, for listings; changed by `upgrade`.
    program: Mutex<Arc<[u8]>>,
}

/// Who waits for the end of a process.
#[derive(Clone)]
pub enum Watcher {
    Monitor(Arc<Peer>),
    /// `exec`, with the ticket to be answered.
    Exec(Arc<Peer>, u64),
}

/// The relations of a process.
#[derive(Default)]
struct Noted {
    ended: bool,
    /// Many processes have none.
    relations: Option<Box<Relations>>,
}

impl Noted {
    /// The relations, to add to. None if the process has ended.
    fn open(&mut self) -> Option<&mut Relations> {
        if self.ended { None } else { Some(self.relations.get_or_insert_default()) }
    }
}

/// What a process gives up when it ends.
#[derive(Default)]
pub struct Relations {
    pub watchers: Vec<Watcher>,
    pub links: Vec<Arc<Peer>>,
    pub names: Vec<Arc<[u8]>>,
}

/// Why a monitor was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    Ended,
    AlreadyMonitoring,
}

impl Peer {
    /// A process that does not run yet. `limit` in bytes.
    #[must_use]
    pub fn new(pid: Pid, home: Arc<Host>, program: Arc<[u8]>, limit: Option<usize>) -> Self {
        Self {
            pid,
            home,
            mailbox: Mailbox::new(),
            handle: OnceLock::new(),
            relations: Mutex::default(),
            terminated: AtomicBool::new(false),
            hears_events: AtomicBool::new(false),
            flooded: AtomicBool::new(false),
            limit: limit.unwrap_or(usize::MAX),
            held: AtomicUsize::new(0),
            share: None,
            reductions: AtomicU64::new(0),
            program: Mutex::new(program),
        }
    }

    /// Counts reductions. For the process itself: nobody else writes here.
    pub fn count_reductions(&self, more: u32) {
        let before = self.reductions.load(Ordering::Relaxed);
        self.reductions.store(before + u64::from(more), Ordering::Relaxed);
    }

    fn relations(&self) -> MutexGuard<'_, Noted> {
        self.relations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs.
    #[must_use]
    pub fn program(&self) -> Arc<[u8]> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What runs, as text.
    #[must_use]
    pub fn entry(&self) -> String {
        String::from_utf8_lossy(&self.program()).into_owned()
    }

    /// Something else runs.
    pub fn set_program(&self, program: Arc<[u8]>) {
        *self.program.lock().unwrap_or_else(PoisonError::into_inner) = program;
    }

    /// The place in the scheduler.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// Gives the process its place in the scheduler.
    pub fn set_handle(&self, handle: Handle) {
        // A second place does not exist.
        let _ = self.handle.set(handle);
    }

    /// The same process, as a part of a program whose memory is limited.
    #[must_use]
    pub fn sharing(mut self, memory: Option<&Arc<Budget>>) -> Self {
        self.share = memory.map(Share::new);
        self
    }

    /// Queues a letter and wakes the process. False if it has ended.
    #[inline]
    pub fn post(&self, letter: Letter) -> bool {
        let cost = letter.cost();
        let Ok(sent) = self.mailbox.send(letter, cost) else { return false };
        if let Some(share) = &self.share {
            charge_mail(share, sent.bytes, cost);
        }
        if sent.bytes.saturating_add(self.held.load(Ordering::Relaxed)) > self.limit {
            self.flood();
        } else if sent.first {
            self.wake();
        }
        true
    }

    /// The first letter of the mailbox.
    #[inline]
    pub fn take_letter(&self) -> Option<Letter> {
        let (letter, bytes) = self.mailbox.pop(Letter::cost)?;
        if let Some(share) = &self.share {
            share.budget().sub(mail(bytes) - mail(bytes.saturating_sub(letter.cost())));
        }
        Some(letter)
    }

    /// Moves all letters of the mailbox to the end of a list; what they hold in bytes.
    pub fn take_letters(&self, to: &mut VecDeque<Letter>) -> usize {
        let bytes = self.mailbox.drain_into(to);
        if let Some(share) = &self.share {
            share.budget().sub(mail(bytes));
        }
        bytes
    }

    /// No letters from now on; those that are there are dropped.
    pub fn close_mailbox(&self) {
        let (letters, bytes) = self.mailbox.close();
        drop(letters);
        if let Some(share) = &self.share {
            share.budget().sub(mail(bytes));
        }
    }

    /// What the program's memory counts for this process.
    #[must_use]
    pub fn size(&self) -> usize {
        let mail = if self.mailbox.is_empty() { 0 } else { self.mailbox.bytes() };
        self.share.as_ref().map_or(0, |share| share.charged()) + mail
    }

    /// The process was told to give memory back: it gets a turn, or ends if it is its mailbox that is large.
    pub fn give_in(&self) {
        let mail = self.mailbox.bytes();
        if mail > 0 && mail >= self.size() / 2 {
            self.flood();
        } else {
            self.wake();
        }
        // Whoever ends closes its mailbox before it says that it has given in.
        if self.mailbox.is_closed()
            && let Some(share) = &self.share
        {
            share.gave_in();
        }
    }

    /// Asks for a turn.
    #[inline]
    pub fn wake(&self) {
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    /// The mailbox holds more than the process may.
    #[cold]
    fn flood(&self) {
        self.flooded.store(true, Ordering::Relaxed);
        self.kill();
    }

    fn kill(&self) {
        if let Some(handle) = self.handle.get() {
            handle.kill();
        }
    }

    /// Ends the process from outside, without running its code again. False if it has ended.
    pub fn terminate(&self) -> bool {
        if self.has_ended() {
            return false;
        }
        self.terminated.store(true, Ordering::Release);
        self.kill();
        true
    }

    /// Whether somebody called [`Peer::terminate`].
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Acquire)
    }

    /// The process asked for its events.
    pub fn listens_to_events(&self) {
        self.hears_events.store(true, Ordering::Relaxed);
    }

    /// Whether the process asked for its events.
    #[must_use]
    pub fn hears_events(&self) -> bool {
        self.hears_events.load(Ordering::Relaxed)
    }

    /// Whether messages have filled the memory of the process.
    #[must_use]
    pub fn is_flooded(&self) -> bool {
        self.flooded.load(Ordering::Relaxed)
    }

    /// Whether the process is gone, or as good as gone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.relations().ended
    }

    // ---- relations ----

    /// Adds a monitor.
    ///
    /// # Errors
    /// The process has ended, or this one monitors it already.
    pub fn add_monitor(&self, by: &Arc<Self>) -> Result<(), Refused> {
        let mut noted = self.relations();
        let relations = noted.open().ok_or(Refused::Ended)?;
        if relations.watchers.iter().any(|w| w.is_monitor(by)) {
            return Err(Refused::AlreadyMonitoring);
        }
        relations.watchers.push(Watcher::Monitor(by.clone()));
        Ok(())
    }

    /// Adds somebody who waits for the end, to be told however often he asks. False if the process has ended.
    pub fn add_watcher(&self, watcher: Watcher) -> bool {
        self.relations().open().map(|relations| relations.watchers.push(watcher)).is_some()
    }

    /// Removes a monitor, if there is one.
    pub fn remove_monitor(&self, by: &Self) {
        if let Some(relations) = &mut self.relations().relations {
            relations.watchers.retain(|w| !w.is_monitor(by));
        }
    }

    /// Links two processes, the first of which runs this. False if the other has ended.
    pub fn link(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        if Arc::ptr_eq(self, other) {
            return true;
        }
        self.note_link(other);
        let linked = other.note_link(self);
        if !linked {
            self.forget_link(other);
        }
        linked
    }

    /// Removes a link on both sides, if there is one.
    pub fn unlink(&self, other: &Self) {
        self.forget_link(other);
        other.forget_link(self);
    }

    /// Notes this end of a link. False if the process has ended.
    fn note_link(&self, other: &Arc<Self>) -> bool {
        let mut noted = self.relations();
        let Some(relations) = noted.open() else { return false };
        if !relations.links.iter().any(|link| Arc::ptr_eq(link, other)) {
            relations.links.push(other.clone());
        }
        true
    }

    /// Removes this end of a link. True if there was one: a notice about it still counts.
    pub fn forget_link(&self, other: &Self) -> bool {
        let mut noted = self.relations();
        let Some(relations) = &mut noted.relations else { return false };
        let at = relations.links.iter().position(|link| std::ptr::eq(&**link, other));
        at.map(|at| relations.links.swap_remove(at)).is_some()
    }

    /// Notes a name. False if the process has ended.
    pub fn note_name(&self, name: &Arc<[u8]>) -> bool {
        self.relations().open().map(|relations| relations.names.push(name.clone())).is_some()
    }

    /// The process ends: everything it is to tell others of. The second time there is nothing left.
    pub fn end(&self) -> Relations {
        let mut noted = self.relations();
        noted.ended = true;
        noted.relations.take().map(|relations| *relations).unwrap_or_default()
    }
}

impl Watcher {
    fn is_monitor(&self, by: &Peer) -> bool {
        matches!(self, Self::Monitor(peer) if std::ptr::eq(&**peer, by))
    }
}

/// The part of a mailbox's bytes that is on the account of the program: whole steps.
fn mail(bytes: usize) -> usize {
    bytes - bytes % MAIL_STEP
}

/// A letter has come: `cost` of the `bytes` in the mailbox.
#[inline(never)]
fn charge_mail(share: &Share, bytes: usize, cost: usize) {
    let more = mail(bytes) - mail(bytes.saturating_sub(cost));
    if more > 0 && share.budget().add(more) {
        // Nobody asks: the largest one is told, and collects.
        let _ = share.budget().press(None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::names::{Names, Taken};
    use crate::runtime::sched::Env;

    fn peers(count: u64) -> Vec<Arc<Peer>> {
        let host = Arc::new(Host::lazy("h", 1, Env::simulated(1)));
        let pid = |number| Pid { host: host.id.clone(), number };
        (1..=count).map(|n| Arc::new(Peer::new(pid(n), host.clone(), Arc::default(), None))).collect()
    }

    fn is(peer: &Arc<Peer>, other: &Arc<Peer>) -> bool {
        Arc::ptr_eq(peer, other)
    }

    #[test]
    fn a_monitor_is_noted_once_and_given_up_once() {
        let p = peers(2);
        assert_eq!(p[0].add_monitor(&p[1]), Ok(()));
        assert_eq!(p[0].add_monitor(&p[1]), Err(Refused::AlreadyMonitoring));
        p[0].remove_monitor(&p[1]);
        assert_eq!(p[0].add_monitor(&p[1]), Ok(()));
        let given_up = p[0].end();
        assert_eq!(given_up.watchers.len(), 1);
        assert_eq!(p[0].add_monitor(&p[1]), Err(Refused::Ended));
        assert!(p[0].end().watchers.is_empty() && p[0].has_ended() && !p[0].terminate());
    }

    #[test]
    fn a_link_has_two_ends() {
        let p = peers(3);
        assert!(p[0].link(&p[1]) && p[0].link(&p[1]) && p[1].link(&p[0]) && p[0].link(&p[0]));
        assert!(p[2].link(&p[0]));
        p[1].unlink(&p[0]);
        assert!(!p[0].forget_link(&p[1]) && !p[1].forget_link(&p[0]));
        let links = p[0].end().links;
        assert!(links.len() == 1 && is(&links[0], &p[2]));
        // The other end still has its own until it hears of it, once.
        assert!(p[2].forget_link(&p[0]) && !p[2].forget_link(&p[0]));
        assert!(!p[1].link(&p[0]) && p[1].end().links.is_empty());
    }

    #[test]
    fn names_end_with_their_process() {
        let p = peers(2);
        let names = Names::default();
        assert_eq!(names.register(b"a", &p[0].pid, Some(&p[0])), Ok(()));
        assert_eq!(names.register(b"a", &p[0].pid, Some(&p[0])), Ok(()));
        assert_eq!(names.register(b"b", &p[0].pid, Some(&p[0])), Ok(()));
        assert_eq!(names.register(b"a", &p[1].pid, Some(&p[1])), Err(Taken(p[0].pid.clone())));
        // A name that has found another holder meanwhile is not released.
        assert!(names.unregister(b"b") && !names.unregister(b"b"));
        assert_eq!(names.register(b"b", &p[1].pid, Some(&p[1])), Ok(()));
        names.release(&p[0].end().names, &p[0].pid);
        assert_eq!(names.lookup(b"a"), None);
        assert_eq!(names.lookup(b"b"), Some(p[1].pid.clone()));
        // Too late to be noted: it does not stay behind. Known to be dead: it does.
        assert_eq!(names.register(b"c", &p[0].pid, Some(&p[0])), Ok(()));
        assert_eq!(names.lookup(b"c"), None);
        assert_eq!(names.register(b"c", &p[0].pid, None), Ok(()));
        assert_eq!(names.lookup(b"c"), Some(p[0].pid.clone()));
    }
}

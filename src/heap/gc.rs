//! The collector of one process: precise mark and sweep with weak tables, ephemerons and finalizers, in slices.
//!
//! Here is what lasts from one collection to the next: pacing and finalizers. One collection is a `Cycle` (`cycle.rs`), which
//! marks (`mark.rs`) and takes cells back (`sweep.rs`).

use super::alloc::Heap;
use super::cycle::Cycle;
use super::table::table_flag;
use super::userdata::Role;
use super::value::tag;
use super::{Str, Table, Thread, Unit, Value};
use crate::limits::{DEFAULT_GC_PAUSE, DEFAULT_GC_STEPMUL, MIN_GC_THRESHOLD};
use std::collections::VecDeque;

/// Collector state of one process.
pub struct Gc {
    /// The collection in progress.
    pub(super) cycle: Option<Box<Cycle>>,
    /// Coroutines that have or had open upvalues, linked by [`Thread::next_with_open`].
    pub(super) with_open: *mut Thread,
    /// Objects with a finalizer, in the order in which they got it.
    pub(super) finalizable: Vec<Value>,
    /// Unreachable objects whose finalizers are due, first one first.
    pub(super) due: VecDeque<Value>,
    /// `collectgarbage("stop")`.
    pub stopped: bool,
    pub pause: i64,
    pub stepmul: i64,
    /// Collections completed.
    pub cycles: u64,
    /// Work asked for by steps since the last collection, in bytes.
    pub(super) stepped: usize,
}

/// What a process keeps alive.
pub trait Roots {
    /// Calls `mark` with every root value.
    fn each(&mut self, mark: &mut dyn FnMut(Value));
}

impl Gc {
    pub(super) fn new() -> Self {
        Self {
            cycle: None,
            with_open: std::ptr::null_mut(),
            finalizable: Vec::new(),
            due: VecDeque::new(),
            stopped: false,
            pause: DEFAULT_GC_PAUSE,
            stepmul: DEFAULT_GC_STEPMUL,
            cycles: 0,
            stepped: 0,
        }
    }

    /// Bytes of the lists that last.
    pub(super) fn bytes(&self) -> usize {
        (self.finalizable.capacity() + self.due.capacity()) * size_of::<Value>()
    }

    /// The objects with finalizers.
    #[must_use]
    pub fn finalizable(&self) -> Vec<Value> {
        self.finalizable.clone()
    }

    /// True between two slices of a collection: the process must not run.
    #[inline]
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.cycle.is_some()
    }

    /// The next object whose finalizer is due.
    pub fn take_due(&mut self) -> Option<Value> {
        let object = self.due.pop_front()?;
        // The object may get a finalizer again.
        // SAFETY: due objects are kept alive by the collector.
        unsafe {
            match object.tag {
                tag::TABLE => (*object.as_table()).flags &= !table_flag::FINALIZER,
                _ => (*object.as_userdata()).has_finalizer = false,
            }
        }
        Some(object)
    }

    /// True if a finalizer is due.
    #[must_use]
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Makes the finalizers of all objects due, last registered first, as at the end of a program.
    pub fn finalize_all(&mut self) {
        self.due.extend(self.finalizable.drain(..).rev());
    }
}

impl Heap {
    /// Notes that `object` (a table or userdata) has a finalizer. Has an effect once until it runs.
    pub fn register_finalizer(&mut self, object: Value) {
        // SAFETY: a value of the process's own, hence live.
        unsafe {
            match object.tag {
                tag::TABLE if (*object.as_table()).flags & table_flag::FINALIZER == 0 => {
                    (*object.as_table()).flags |= table_flag::FINALIZER;
                }
                tag::USERDATA if !(*object.as_userdata()).has_finalizer => {
                    (*object.as_userdata()).has_finalizer = true;
                }
                _ => return,
            }
        }
        self.gc.finalizable.push(object);
    }

    /// A step of `kilobytes` as `collectgarbage("step")` asks for: true when the steps since the last collection amount to
    /// one, which the caller then makes. A step of 0 is a small one.
    pub fn step(&mut self, kilobytes: usize) -> bool {
        const BASIC_STEP: usize = 2 << 10;
        self.gc.stepped =
            self.gc.stepped.saturating_add(kilobytes.saturating_mul(1024)).saturating_add(BASIC_STEP);
        self.gc.stepped >= self.bytes_in_use()
    }

    /// Chooses when the next collection is due, from what is in use now.
    pub fn restart_pacing(&mut self) {
        let in_use = self.bytes_in_use();
        let pause = usize::try_from(self.gc.pause.max(100)).unwrap_or(usize::MAX);
        let grown = |bytes: usize| (bytes / 100).saturating_mul(pause).max(MIN_GC_THRESHOLD);
        let mut next = grown(in_use);
        // Close to the limit collect before it is hit, but not for every kilobyte: a refused allocation collects once more.
        if self.limit() != usize::MAX {
            let room = self.limit().saturating_sub(in_use);
            next = next.min(in_use + (room / 2).max(self.limit() / 16));
        }
        self.set_threshold(next, grown(in_use - self.blobs));
    }

    /// Puts the next automatic collection off until the account has grown by `bytes`.
    pub fn postpone(&mut self, bytes: usize) {
        let in_use = self.bytes_in_use();
        self.set_threshold(in_use.saturating_add(bytes), (in_use - self.blobs).saturating_add(bytes));
    }

    /// Notes a coroutine with an open upvalue: the collector looks for those that died.
    pub(super) fn list_with_open(&mut self, thread: *mut Thread) {
        // SAFETY: the caller's coroutine is live; those of the list are until a collection takes them out.
        unsafe { (*thread).next_with_open = self.gc.with_open };
        self.gc.with_open = thread;
    }

    pub(super) unsafe fn release_external(&mut self, object: Value) {
        // SAFETY: by contract: a registered object that nobody uses any more.
        unsafe {
            match object.tag {
                tag::STRING => {
                    let s = object.as_str();
                    if let Some(blob) = Str::blob(s) {
                        self.sub_blob(Str::len(s));
                        super::Blob::release(blob);
                    }
                }
                tag::TABLE => Table::release(object.as_table(), self),
                tag::USERDATA => {
                    let userdata = object.as_userdata();
                    drop((*userdata).data.take());
                    self.sub_external((*userdata).external as usize);
                    match std::mem::replace(&mut (*userdata).role, Role::Plain) {
                        Role::Channel(channel) => self.sub_external(channel.bytes()),
                        Role::Type(Some(pool)) => self.sub_external(pool.leave()),
                        _ => {}
                    }
                }
                tag::THREAD => Thread::release(object.as_thread(), self),
                _ => {
                    let unit = object.payload as *mut Unit;
                    if !(*unit).code.is_null() {
                        let types = (*(*unit).code).pool().map_or(0, |types| types.leave());
                        self.sub_external((*unit).bytes + types);
                        drop(Box::from_raw((*unit).code));
                    }
                }
            }
        }
    }
}

//! Process hosts: a scheduler with a name, that is started and stopped.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::sched::{Env, Pool, Scheduler, Seat};
use crate::heap::reclaim::{self, Attendance};
use crate::vm::error_object::{Detail, ErrorObject, kind};

/// A place where processes run.
pub struct Host {
    pub id: Arc<str>,
    env: Env,
    /// Threads, unless the scheduler was given; 0 is one per core.
    workers: usize,
    scheduler: OnceLock<Scheduler>,
    /// Set together with the scheduler, if that is our own.
    pool: Mutex<Option<Threads>>,
    stopping: AtomicBool,
}

/// Workers, who look after free memory as long as they are there.
struct Threads {
    pool: Pool,
    _memory: Attendance,
}

impl Host {
    /// A host that starts its threads with its first process.
    #[must_use]
    pub fn lazy(id: &str, workers: usize, env: Env) -> Self {
        Self {
            id: id.into(),
            env,
            workers,
            scheduler: OnceLock::new(),
            pool: Mutex::new(None),
            stopping: AtomicBool::new(false),
        }
    }

    /// A host on a scheduler that somebody else runs.
    #[must_use]
    pub fn on(id: &str, scheduler: Scheduler) -> Self {
        let host = Self::lazy(id, 0, scheduler.env().clone());
        // The host is new.
        let _ = host.scheduler.set(scheduler);
        host
    }

    /// The scheduler; its threads are started when it is asked for the first time.
    pub fn scheduler(&self) -> &Scheduler {
        self.scheduler.get_or_init(|| {
            let pool = Pool::start(&self.id, self.workers, self.env.clone(), reclaim::look);
            let scheduler = pool.scheduler().clone();
            let threads = Threads { pool, _memory: reclaim::attend() };
            *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads);
            scheduler
        })
    }

    /// The scheduler, if it was needed so far.
    #[must_use]
    pub fn started(&self) -> Option<&Scheduler> {
        self.scheduler.get()
    }

    /// A place for a process.
    ///
    /// # Errors
    /// The host is stopping.
    pub fn seat(&self) -> Result<Seat, ErrorObject> {
        if self.is_stopping() {
            return Err(ErrorObject::permanent(kind::UNAVAILABLE, "host is shutting down"));
        }
        self.scheduler()
            .seat()
            .map_err(|_| ErrorObject::permanent(kind::UNAVAILABLE, "host is shutting down"))
    }

    /// Whether the stop has begun: no spawns, and no messages between programs.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The stop begins.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Gives the processes this much time to end, then ends them.
    pub fn finish_stop(&self, grace: Duration) {
        let threads = self.pool.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads {
            threads.pool.shutdown(grace);
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {}", self.id)
    }
}

/// The error for a host that does not exist.
#[must_use]
pub fn host_not_found(id: &[u8]) -> ErrorObject {
    let details = vec![(Box::from(&b"host_id"[..]), Detail::Str(id.into()))];
    ErrorObject::permanent(kind::NOT_FOUND, [b"host not found: ", id].concat()).with_details(details)
}

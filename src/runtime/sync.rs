//! The synchronisation types of the runtime's engine room: those of `std`, or loom's models of them under
//! `--cfg wippy_loom` (see `docs/testing.md`), so that the code that is proven is the code that runs.

#[cfg(not(wippy_loom))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence},
};

#[cfg(wippy_loom)]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence},
};

/// Locks. A panic while a lock was held is no reason to fail here: nothing under these locks calls foreign code that
/// could leave them half changed, except a task's body, which is thrown away after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits for a notification, or for some time, with the lock given up meanwhile. Models have no time: there it is a wait for a
/// notification.
pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    time: std::time::Duration,
) -> MutexGuard<'a, T> {
    #[cfg(not(wippy_loom))]
    {
        condvar.wait_timeout(guard, time).unwrap_or_else(std::sync::PoisonError::into_inner).0
    }
    #[cfg(wippy_loom)]
    {
        let _ = time;
        wait(condvar, guard)
    }
}

/// Waits for a notification, with the lock given up meanwhile.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner)
}

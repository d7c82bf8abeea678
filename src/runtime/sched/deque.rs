//! Work-stealing queues: those of `crossbeam-deque`, or a model of them for loom, which cannot look inside that crate.
//!
//! What is proven with the model is what this folder builds on the queues: that an entry once pushed is taken once, by a
//! worker that knows of it in time. That the queues themselves keep entries is the crate's part.

#[cfg(not(wippy_loom))]
pub(super) use crossbeam_deque::{Injector, Steal, Stealer, Worker};

#[cfg(wippy_loom)]
pub(super) use model::{Injector, Steal, Stealer, Worker};

#[cfg(wippy_loom)]
mod model {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use crate::runtime::sync::{Mutex, lock};

    pub(in super::super) enum Steal<T> {
        Empty,
        Success(T),
        #[expect(dead_code, reason = "the model never has to try again")]
        Retry,
    }

    pub(in super::super) struct Injector<T>(Mutex<VecDeque<T>>);
    pub(in super::super) struct Worker<T>(Arc<Injector<T>>);
    pub(in super::super) struct Stealer<T>(Arc<Injector<T>>);

    impl<T> Injector<T> {
        pub(in super::super) fn new() -> Self {
            Self(Mutex::new(VecDeque::new()))
        }

        pub(in super::super) fn push(&self, item: T) {
            lock(&self.0).push_back(item);
        }

        pub(in super::super) fn is_empty(&self) -> bool {
            lock(&self.0).is_empty()
        }

        pub(in super::super) fn steal(&self) -> Steal<T> {
            lock(&self.0).pop_front().map_or(Steal::Empty, Steal::Success)
        }

        pub(in super::super) fn steal_batch_and_pop(&self, to: &Worker<T>) -> Steal<T> {
            let mut batch = {
                let mut from = lock(&self.0);
                let half = from.len().div_ceil(2);
                from.drain(..half).collect::<VecDeque<T>>()
            };
            let Some(first) = batch.pop_front() else { return Steal::Empty };
            lock(&to.0.0).append(&mut batch);
            Steal::Success(first)
        }
    }

    impl<T> Worker<T> {
        pub(in super::super) fn new_fifo() -> Self {
            Self(Arc::new(Injector::new()))
        }

        pub(in super::super) fn stealer(&self) -> Stealer<T> {
            Stealer(Arc::clone(&self.0))
        }

        pub(in super::super) fn push(&self, item: T) {
            self.0.push(item);
        }

        pub(in super::super) fn pop(&self) -> Option<T> {
            lock(&self.0.0).pop_front()
        }

        pub(in super::super) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
    }

    impl<T> Stealer<T> {
        pub(in super::super) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub(in super::super) fn steal_batch_and_pop(&self, to: &Worker<T>) -> Steal<T> {
            self.0.steal_batch_and_pop(to)
        }
    }
}

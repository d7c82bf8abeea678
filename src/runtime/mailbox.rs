//! The queue of messages of one receiver: any number of senders, one reader.
//!
//! 1. Messages of one sender arrive in the order sent; all messages have one order, that of entering the lock.
//! 2. What `send` accepted is read, or comes back from `close`. What arrives after `close` goes back to its sender.
//! 3. The bytes of everything queued are on the mailbox's account, named by the sender: they are the receiver's.
//! 4. `send` tells the first of a batch: the sender that found the mailbox empty wakes the reader, the others need not. So a
//!    reader that goes to rest must have seen the mailbox empty after its last wake-up.
//!
//! A short lock around a queue and not a lock-free one: an idle mailbox owns no memory, and one that gets a message at a time
//! never does, while the block queues of the field (`SegQueue`) take 256 bytes and a block of 31 messages with them. The
//! lock is held for one move, and a reader that lags takes everything at once.

use std::collections::VecDeque;

use super::segments::Segments;
use super::sync::{AtomicUsize, Mutex, Ordering, lock};

/// See the head of the file.
pub struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    /// Length of the queue, or [`CLOSED`], to look at without the lock. Changed under it only.
    len: AtomicUsize,
}

/// In place of the length.
const CLOSED: usize = usize::MAX;

struct Queue<T> {
    /// The oldest message. None: there is none at all.
    first: Option<T>,
    /// The others, boxed because most mailboxes never have any.
    others: Option<Box<Segments<T>>>,
    bytes: usize,
}

/// What an accepted message met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The mailbox was empty: wake the reader.
    pub first: bool,
    /// Bytes queued, this message included.
    pub bytes: usize,
}

/// The mailbox is closed; the message comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed<T>(pub T);

impl<T> Mailbox<T> {
    /// An open, empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self { queue: Mutex::new(Queue { first: None, others: None, bytes: 0 }), len: AtomicUsize::new(0) }
    }

    /// Queues a message that holds `bytes` bytes.
    ///
    /// # Errors
    /// The mailbox is closed; the message comes back.
    #[inline(always)]
    pub fn send(&self, item: T, bytes: usize) -> Result<Sent, Closed<T>> {
        let mut queue = lock(&self.queue);
        let len = self.len.load(Ordering::Relaxed);
        if len == CLOSED {
            return Err(Closed(item));
        }
        if len == 0 {
            queue.first = Some(item);
        } else {
            queue.others.get_or_insert_default().push_back(item);
        }
        queue.bytes = queue.bytes.saturating_add(bytes);
        self.len.store(len + 1, Ordering::Release);
        Ok(Sent { first: len == 0, bytes: queue.bytes })
    }

    /// Moves everything queued to the end of `to` and gives the number of bytes that leave the mailbox's account. For the
    /// reader, which thereby takes responsibility for all of them: the next sender will wake it again.
    pub fn drain_into(&self, to: &mut VecDeque<T>) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut queue = lock(&self.queue);
        let queue = &mut *queue;
        // The mailbox may have been closed meanwhile, and then has none.
        let Some(first) = queue.first.take() else { return 0 };
        if let Some(others) = &mut queue.others {
            // Steady traffic allocates nothing, and what a flood needed is given back.
            others.push_front(first);
            others.move_to(to);
        } else {
            to.push_back(first);
        }
        self.len.store(0, Ordering::Release);
        std::mem::take(&mut queue.bytes)
    }

    /// Takes the first message, of which `bytes_of` says what it holds, and gives the number of bytes that were queued before. The
    /// next sender wakes the reader only if that was the last one.
    #[inline(always)]
    pub fn pop(&self, bytes_of: impl FnOnce(&T) -> usize) -> Option<(T, usize)> {
        let mut queue = lock(&self.queue);
        let item = queue.first.take()?;
        let len = self.len.load(Ordering::Relaxed) - 1;
        if len > 0 {
            queue.first = queue.others.as_mut().and_then(|others| others.pop_front());
        }
        let bytes = queue.bytes;
        queue.bytes = bytes.saturating_sub(bytes_of(&item));
        self.len.store(len, Ordering::Release);
        Some((item, bytes))
    }

    /// Refuses everything from now on and gives back what was queued, with its bytes. Closing again gives back nothing.
    pub fn close(&self) -> (Segments<T>, usize) {
        let mut queue = lock(&self.queue);
        let bytes = std::mem::take(&mut queue.bytes);
        self.len.store(CLOSED, Ordering::Release);
        let mut left = queue.others.take().map_or_else(Segments::new, |others| *others);
        if let Some(first) = queue.first.take() {
            left.push_front(first);
        }
        (left, bytes)
    }

    /// Whether [`Mailbox::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.len.load(Ordering::Acquire) == CLOSED
    }

    /// Messages queued.
    pub fn len(&self) -> usize {
        match self.len.load(Ordering::Acquire) {
            CLOSED => 0,
            len => len,
        }
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes queued.
    pub fn bytes(&self) -> usize {
        lock(&self.queue).bytes
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_by_one() {
        let mailbox = Mailbox::new();
        for (item, bytes) in [('a', 10), ('b', 20)] {
            mailbox.send(item, bytes).expect("open");
        }
        assert_eq!(mailbox.pop(|_| 10), Some(('a', 30)));
        assert_eq!((mailbox.len(), mailbox.bytes()), (1, 20));
        assert_eq!(mailbox.send('c', 5), Ok(Sent { first: false, bytes: 25 }));
        assert_eq!(
            (mailbox.pop(|_| 20), mailbox.pop(|_| 5), mailbox.pop(|_| 0)),
            (Some(('b', 25)), Some(('c', 5)), None)
        );
        assert_eq!(mailbox.send('d', 1), Ok(Sent { first: true, bytes: 1 }));
    }

    fn drain<T>(mailbox: &Mailbox<T>) -> Vec<T> {
        let mut to = VecDeque::new();
        mailbox.drain_into(&mut to);
        to.into()
    }

    #[test]
    fn an_idle_mailbox_is_small() {
        assert!(size_of::<Mailbox<std::num::NonZeroU64>>() <= 40);
    }

    #[test]
    fn messages_keep_their_order_and_the_first_of_a_batch_is_told() {
        let mailbox = Mailbox::new();
        assert_eq!(mailbox.send('a', 3), Ok(Sent { first: true, bytes: 3 }));
        assert_eq!(mailbox.send('b', 4), Ok(Sent { first: false, bytes: 7 }));
        assert_eq!((mailbox.len(), mailbox.bytes()), (2, 7));
        assert_eq!(drain(&mailbox), ['a', 'b']);
        assert_eq!((mailbox.len(), mailbox.bytes()), (0, 0));
        assert_eq!(mailbox.send('c', 1), Ok(Sent { first: true, bytes: 1 }));
    }

    #[test]
    fn draining_appends_to_what_is_there() {
        let mailbox = Mailbox::new();
        let mut mine = VecDeque::from([1, 2]);
        assert_eq!(mailbox.drain_into(&mut mine), 0);
        for i in 3..6 {
            assert!(mailbox.send(i, 10).is_ok());
        }
        assert_eq!(mailbox.drain_into(&mut mine), 30);
        assert_eq!(mine, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_closed_mailbox_gives_back_what_it_has_and_what_it_gets() {
        let mailbox = Mailbox::new();
        assert!(mailbox.send(1, 8).is_ok());
        let (mut left, bytes) = mailbox.close();
        assert_eq!((left.next(), left.next(), bytes), (Some(1), None, 8));
        assert_eq!(mailbox.send(2, 8), Err(Closed(2)));
        assert!(mailbox.is_closed() && mailbox.close().0.is_empty());
        assert_eq!((mailbox.len(), mailbox.bytes(), drain(&mailbox).len()), (0, 0, 0));
    }

    #[test]
    fn a_flood_leaves_no_storage_behind() {
        let mailbox = Mailbox::new();
        let mut mine = VecDeque::new();
        for batch in [1000, 1000, 1, 1] {
            for i in 0..batch {
                assert!(mailbox.send(i, 1).is_ok());
            }
            assert_eq!(mailbox.drain_into(&mut mine), batch);
            mine.clear();
        }
        assert!(lock(&mailbox.queue).others.as_ref().is_none_or(|others| others.capacity() < 100));
    }
}

//! What is put into a mailbox: messages of programs, and notices of the runtime.

use std::sync::Arc;
use std::time::Duration;

use super::peer::Peer;
use crate::vm::error_object::ErrorObject;
use crate::vm::parcel::{Parcel, Text};

/// A message of a program.
pub struct Message {
    /// None: nobody in particular.
    pub from: Option<Arc<Peer>>,
    pub topic: Text,
    pub payload: Parcel,
}

impl Message {
    /// Bytes on the receiver's account while the message waits, as a [`Letter`].
    #[must_use]
    #[inline]
    pub fn cost(&self) -> usize {
        size_of::<Letter>() + self.payload.cost()
    }
}

/// How a process ended.
pub enum Exit {
    /// It returned: the copied result, one value or none.
    Normal(Parcel),
    Failed(ErrorObject),
}

/// What the runtime tells a process.
pub enum Notice {
    /// Asked to stop. From nobody: the runtime itself.
    Cancel { from: Option<Arc<Peer>>, reason: Text },
    /// A monitored process ended.
    Exit { from: Arc<Peer>, exit: Arc<Exit> },
    /// A linked process failed.
    LinkDown { from: Arc<Peer>, exit: Arc<Exit> },
    /// A process started with `exec`, or whose start is waited for, has answered.
    Answer { ticket: u64, answer: Answer },
}

/// What the spawner waits for.
pub enum Answer {
    /// The process has begun.
    Started,
    /// It could not begin.
    NotStarted(ErrorObject),
    /// It ended, after an `exec`.
    Ended(Arc<Exit>),
}

/// One entry of a mailbox.
pub enum Letter {
    Message(Message),
    /// With the time of day at which it was sent.
    Notice(Box<Notice>, Duration),
    /// The moment of the alarm with this number has come.
    Alarm(u64),
}

impl Letter {
    /// Bytes on the receiver's account while the letter waits.
    #[must_use]
    pub fn cost(&self) -> usize {
        match self {
            Self::Message(message) => message.cost(),
            Self::Notice(..) => size_of::<Self>() + size_of::<Notice>(),
            Self::Alarm(_) => size_of::<Self>(),
        }
    }
}

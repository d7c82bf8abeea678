//! Files that several processes load: compiled once, for all of them.
//!
//! 1. A file is known by its chunk name and its whole text: whoever finds another text in it gets what that text says.
//! 2. The first process that loads a file compiles it for itself, on its own account, and may give the code back. When another one
//!    loads the same text, the code is published. So nothing is kept for good on behalf of one process, and a program
//!    whose main script alone loads files pays nothing.
//! 3. Published code stays until the program ends, on nobody's account, as the code of programs that are spawned. It is bounded:
//!    past [`MAX_PUBLISHED_FILES`] bytes each process compiles for itself again.
//! 4. What is published depends only on who loads what in which order: a node has its own, so simulations repeat themselves.

use super::context::Context;
use crate::bytecode::Proto;
use crate::heap::SharedCode;
use crate::limits::{MAX_NOTED_FILES, MAX_PUBLISHED_FILES};
use crate::vm::Published;
use crate::vm::native::Cx;
use hashbrown::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

/// See the head of the file.
#[derive(Default)]
pub struct Files {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    files: HashMap<Box<[u8]>, File, foldhash::fast::FixedState>,
    /// Of them, those that are only noted.
    noted: usize,
    /// Bytes published.
    bytes: usize,
}

enum File {
    /// This process has loaded a text with this hash.
    Noted {
        by: u64,
        hash: u64,
    },
    Published {
        text: Box<[u8]>,
        code: SharedCode,
    },
}

/// What the program has for a file that the running process loads.
pub fn find(cx: &mut Cx<'_>, text: &[u8], name: &[u8]) -> Published {
    let found = cx.with_host(|_, context: &mut Context| {
        let is_main = context.node.main.get().is_some_and(|main| Arc::ptr_eq(main, &context.me));
        if is_main { Published::No } else { context.node.files.find(text, name, context.me.pid.number) }
    });
    found.unwrap_or(Published::No)
}

/// Makes the code of a file the program's.
pub fn publish(cx: &mut Cx<'_>, text: &[u8], name: &[u8], proto: Proto) -> SharedCode {
    let node = cx.with_host(|_, context: &mut Context| Arc::clone(&context.node));
    match node {
        Some(node) => node.files.publish(text, name, proto),
        None => SharedCode::publish(proto),
    }
}

impl Files {
    fn find(&self, text: &[u8], name: &[u8], by: u64) -> Published {
        let hash = foldhash::fast::FixedState::default().hash_one(text);
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.files.get_mut(name) {
            Some(File::Published { text: published, code }) if **published == *text => {
                return Published::Code(*code);
            }
            Some(File::Noted { by: first, hash: noted }) if *noted == hash => {
                let full = known.bytes + 2 * text.len() > MAX_PUBLISHED_FILES;
                return if *first == by || full { Published::No } else { Published::Wanted };
            }
            Some(File::Noted { by: first, hash: noted }) => (*first, *noted) = (by, hash),
            _ => {
                if known.noted >= MAX_NOTED_FILES {
                    known.files.retain(|_, file| matches!(file, File::Published { .. }));
                    known.noted = 0;
                }
                known.noted += 1;
                known.files.insert(name.into(), File::Noted { by, hash });
            }
        }
        Published::No
    }

    fn publish(&self, text: &[u8], name: &[u8], proto: Proto) -> SharedCode {
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(File::Published { text: published, code }) = known.files.get(name)
            && **published == *text
        {
            // Another one was as quick.
            return *code;
        }
        let code = SharedCode::publish(proto);
        known.bytes += text.len() + code.bytes();
        let before = known.files.insert(name.into(), File::Published { text: text.into(), code });
        known.noted -= usize::from(matches!(before, Some(File::Noted { .. })));
        code
    }
}

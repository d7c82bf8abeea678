//! Messages that wait are on their receiver's account.

use std::sync::atomic::Ordering;

use libtest_mimic::Failed;

use crate::counting::in_use;
use crate::world::{Programs, World};

/// Sends itself as many messages as it is told, and waits for something else.
const PROGRAM: &str = "return function(n) \
    for i = 1, n do process.send(process.pid(), 'note', { number = i, text = 'number ' .. i }) end \
    channel.new():receive() end";

const MESSAGES: &str = "8000";

/// The account of a process with so many messages, and what it got from the allocator.
fn measure(world: &mut World, messages: &str) -> (usize, usize) {
    let before = in_use();
    let peer = world.spawn("main", &[messages]);
    world.sim.run();
    let held = peer.held.load(Ordering::Relaxed);
    (held, in_use() - before)
}

pub fn are_the_receivers() -> Result<(), Failed> {
    let mut programs = Programs::default();
    programs.add("main", PROGRAM);
    let mut left = 0;
    for _ in 0..2 {
        let before = in_use();
        let mut world = World::new(&programs, 1, None);
        // Others share what the first one prepares.
        measure(&mut world, "1");
        let empty = measure(&mut world, "1");
        let full = measure(&mut world, MESSAGES);
        crate::compare(full.0 - empty.0, full.1 - empty.1, crate::EXACT)?;
        world.end("messages");
        left = in_use() - before;
    }
    if left == 0 { Ok(()) } else { Err(format!("{left} bytes left").into()) }
}

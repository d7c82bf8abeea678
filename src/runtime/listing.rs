//! A table of the processes of a node, for people.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::node::Node;
use super::peer::Peer;
use super::sched::TaskState;

/// One line for each process: PID, what runs, state, letters in the mailbox, memory in bytes, reductions.
#[must_use]
pub fn of(node: &Node) -> String {
    let mut lines =
        String::from("pid                        state     mailbox      memory   reductions  program\n");
    for peer in node.processes() {
        // Writing to a string does not fail.
        let _ = writeln!(
            lines,
            "{:<26} {:<8} {:>8} {:>11} {:>12}  {}",
            peer.pid.to_string(),
            state(&peer),
            peer.mailbox.len(),
            peer.held.load(Ordering::Relaxed) + peer.mailbox.bytes(),
            peer.reductions.load(Ordering::Relaxed),
            String::from_utf8_lossy(&peer.program()),
        );
    }
    lines
}

/// The name of a process's state.
#[must_use]
pub fn state(peer: &Peer) -> &'static str {
    match peer.handle().map(super::sched::Handle::state) {
        None | Some(TaskState::Running) => "running",
        Some(TaskState::Queued) => "ready",
        Some(TaskState::Waiting) if peer.blocked.load(Ordering::Relaxed) => "blocked",
        Some(TaskState::Waiting) => "idle",
        Some(TaskState::Ended) => "complete",
    }
}

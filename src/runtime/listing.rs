//! A table of the processes of a node, for people.
//!
//! Nothing is kept for it: what a process waits for is looked up in its interpreter, between two of its turns.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::context::{Context, EVENTS, INBOX};
use super::node::Node;
use super::peer::Peer;
use super::sched::{Handle, TaskState, Waits};
use crate::vm::Vm;
use crate::vm::managed::Waiting;
use crate::vm::native::Cx;

/// One line for each process: PID, state, letters in the mailbox, memory in bytes, reductions, what runs and what it waits for.
#[must_use]
pub fn of(node: &Node) -> String {
    let mut lines =
        String::from("pid                        state     mailbox      memory   reductions  program\n");
    for peer in node.processes() {
        let state = peer.handle().map_or(TaskState::Running, Handle::state);
        let waits = match state {
            TaskState::Waiting => peer.handle().and_then(Handle::waits).unwrap_or_default(),
            _ => Waits::default(),
        };
        // Writing to a string does not fail.
        let _ = write!(
            lines,
            "{:<26} {:<8} {:>8} {:>11} {:>12}  {}",
            peer.pid.to_string(),
            name(state, &waits),
            peer.mailbox.len(),
            held(&peer),
            peer.reductions.load(Ordering::Relaxed),
            peer.entry(),
        );
        if !waits.text.is_empty() {
            let _ = write!(lines, " ({})", waits.text);
        }
        lines.push('\n');
    }
    lines
}

fn held(peer: &Peer) -> usize {
    peer.held.load(Ordering::Relaxed) + peer.mailbox.bytes()
}

/// The name of a process's state.
fn name(state: TaskState, waits: &Waits) -> &'static str {
    match state {
        TaskState::Running => "running",
        TaskState::Queued => "ready",
        TaskState::Waiting if waits.operation => "blocked",
        TaskState::Waiting => "idle",
        TaskState::Ended => "complete",
    }
}

/// What a process that rests waits for: words for its first waiting coroutine, which is the main one if that waits, and the
/// number of the others.
pub fn waits(vm: &mut Vm) -> Waits {
    let operation = vm.awaits_operation();
    let all = vm.waiting();
    let Some(first) = all.first() else { return Waits::default() };
    let mut text = first.wait.words().to_owned();
    let channels = channels(vm, first);
    if !channels.is_empty() {
        text.push_str(": ");
        text.push_str(&channels.join(", "));
    }
    if !first.place.is_empty() {
        text.push_str(" at ");
        text.push_str(&String::from_utf8_lossy(&first.place));
    }
    match all.len() - 1 {
        0 => {}
        1 => text.push_str("; 1 more coroutine"),
        more => text.push_str(&format!("; {more} more coroutines")),
    }
    Waits { operation, text }
}

/// The names of those channels that have one because they are not the program's alone.
fn channels(vm: &mut Vm, waiting: &Waiting) -> Vec<String> {
    vm.with_context(|cx| {
        let named = |cx: &mut Cx<'_>, context: &mut Context| {
            let name = |&at: &usize| match context.topic_of(at) {
                Some(topic) if topic == INBOX.as_bytes() => Some("inbox".to_owned()),
                Some(topic) if topic == EVENTS.as_bytes() => Some("events".to_owned()),
                Some(topic) => Some(format!("topic \"{}\"", String::from_utf8_lossy(topic))),
                None => context.is_timed(cx, at).then(|| "timer".to_owned()),
            };
            waiting.channels.iter().filter_map(name).collect()
        };
        cx.with_host(named).unwrap_or_default()
    })
}

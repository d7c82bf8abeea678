//! Kills at every suspension point: for every blocking operation a process that does it again and again, and is ended after
//! one turn of the simulation, after two, after three, until it has come to its own end.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::world::{Baseline, Programs, World};
use wippy::runtime::message::{Answer, Exit, Letter, Notice};
use wippy::runtime::peer::{Peer, Watcher};
use wippy::runtime::sched::Outcome;

const VICTIM: &str = include_str!("faults/victim.lua");
const ECHO: &str = include_str!("faults/echo.lua");

/// The operations of `victim.lua`.
pub const OPERATIONS: [&str; 36] = [
    "chunk",
    "send",
    "large",
    "spawn",
    "spawn_monitored",
    "spawn_linked",
    "spawn_linked_monitored",
    "builder",
    "failing_start",
    "exec",
    "cancel",
    "terminate",
    "terminate_self",
    "monitor",
    "link",
    "inbox",
    "listen",
    "unlisten",
    "events",
    "channel_send",
    "channel_receive",
    "close",
    "select",
    "sleep",
    "after",
    "timer",
    "ticker",
    "names",
    "upgrade",
    "yield",
    "spawned_coroutine",
    "manual_coroutine",
    "comparator",
    "callback",
    "metamethod",
    "iterator",
];

/// Orders tried for each moment of death, with turns whose lengths depend on the seed.
const SEEDS: u64 = 10;
/// Turns after which a victim that has not ended is taken as endless.
const TURNS: u64 = 1000;
/// More turns than the others need to come to rest.
const REST: u64 = 1_000_000;

/// What an observer was told.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Told {
    pub exits: usize,
    pub failures: usize,
    pub downs: usize,
    pub answers: usize,
    pub others: usize,
}

/// Empties the mailbox of an observer.
pub fn told(observer: &Peer) -> Told {
    let mut letters = VecDeque::new();
    observer.mailbox.drain_into(&mut letters);
    let mut told = Told::default();
    for letter in letters {
        let Letter::Notice(notice, _) = letter else {
            told.others += 1;
            continue;
        };
        match *notice {
            Notice::Exit { exit, .. } => {
                told.exits += 1;
                told.failures += usize::from(matches!(*exit, Exit::Failed(_)));
            }
            Notice::LinkDown { .. } => told.downs += 1,
            Notice::Answer { answer: Answer::Ended(_), .. } => told.answers += 1,
            Notice::Answer { .. } | Notice::Cancel { .. } => told.others += 1,
        }
    }
    told
}

/// One run; false if the victim came to its own end before `turns`.
fn kill_after(programs: &Programs, operation: &str, seed: u64, slice: Option<u32>, turns: u64) -> bool {
    let what = format!("{operation}, seed {seed}, slice {slice:?}, after {turns} turns");
    let mut world = World::new(programs, seed, slice);
    let echo = world.spawn("echo", &[]);
    let victim = world.spawn("victim", &[operation, &echo.pid.to_string()]);
    let witness = world.spawn("echo", &[]);
    let observer = world.observer();
    assert_eq!(victim.add_monitor(&observer), Ok(()), "{what}");
    assert!(observer.link(&victim) && witness.link(&victim), "{what}");
    assert!(victim.add_watcher(Watcher::Exec(Arc::clone(&observer), 1)), "{what}");
    world.sim.run_until(turns, || false);
    let killed = victim.terminate();
    let rest = world.sim.run_until(REST, || false);
    assert!(matches!(rest, Outcome::Stuck(_) | Outcome::Empty), "{what}: {rest:?}");

    assert!(victim.has_ended() && !victim.terminate() && victim.mailbox.is_empty(), "{what}");
    let told = told(&observer);
    let failed = told.failures;
    assert_eq!(told, Told { exits: 1, failures: failed, downs: failed, answers: 1, others: 0 }, "{what}");
    assert!(failed == 1 || !killed, "{what}: a kill is a failure");
    // Whoever is linked goes down as well, unless the end was a normal one; the others live.
    assert_eq!(witness.has_ended(), failed == 1, "{what}");
    for peer in world.node.processes() {
        assert!(failed == 0 || peer.entry() != "linked", "{what}: a linked process survived");
    }
    assert!(!echo.has_ended() || operation == "terminate", "{what}");
    drop((echo, victim, witness, observer));
    world.end(&what);
    killed
}

/// See the head of the file.
pub fn kill_everywhere(operation: &str) {
    let mut programs = Programs::default();
    for (id, text) in [("victim", VICTIM), ("echo", ECHO), ("linked", ECHO), ("fails", "error('at once', 0)")]
    {
        programs.add(id, text);
    }
    kill_after(&programs, operation, 1, None, TURNS);
    let baseline = Baseline::now();
    let moments = |seed, slice| {
        let killed = |&turns: &u64| kill_after(&programs, operation, seed, slice, turns);
        (0..TURNS).take_while(killed).count()
    };
    for seed in 1..=SEEDS {
        moments(seed, None);
    }
    // A turn for every call and every loop.
    let steps = moments(0, Some(1));
    assert!(steps > 5, "{operation}: {steps} steps");
    baseline.assert_same(operation);
}

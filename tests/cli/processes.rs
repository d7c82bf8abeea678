//! Programs of several processes, as a user runs them: seeds, signals, and what is told about them.

use super::{Said, folder, said, wippy};
use std::io::{BufRead, BufReader};
use std::process::Child;

const WORKER: &str = "return function(to, n) process.send(to, 'n', n) end";
const ORDER: &str = "
local inbox = process.inbox()
for i = 1, 20 do process.spawn('./worker.lua', 'app:processes', process.pid(), i) end
for _ = 1, 20 do io.write(inbox:receive():payload():data(), ' ') end
print()
";

fn with_worker(text: &str, worker: &str, args: &[&str]) -> Said {
    let dir = folder(&[("f.lua", text), ("worker.lua", worker)]);
    said(wippy(dir.path(), args), "")
}

/// The same seed prints the same; among a few seeds there are different orders.
pub fn a_seed_is_a_run() {
    let run = |seed: u32| {
        let said = with_worker(ORDER, WORKER, &["run", "--sim", &seed.to_string(), "f.lua"]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        said.out
    };
    let runs: Vec<String> = (1..=6).map(run).collect();
    assert_eq!(runs, (1..=6).map(run).collect::<Vec<_>>());
    assert!(runs.iter().any(|out| *out != runs[0]), "{runs:?}");
}

/// A program that relies on an order that nobody promised is found out within few seeds, and the command that is shown shows
/// it again.
pub fn seeds_find_wrong_orders() {
    let wrong = "
        local inbox = process.inbox()
        for i = 1, 3 do process.spawn('./worker.lua', 'app:processes', process.pid(), i) end
        for i = 1, 3 do assert(inbox:receive():payload():data() == i, 'out of order') end";
    let dir = folder(&[("f.lua", wrong), ("worker.lua", WORKER)]);
    let found = said(wippy(dir.path(), &["run", "--sim-runs", "1000", "f.lua"]), "");
    assert_eq!(found.code, Some(1), "{}", found.out);
    let command = found.err.rsplit("again with: wippy ").next().expect("a command").trim().to_owned();
    let again = said(wippy(dir.path(), &command.split(' ').collect::<Vec<_>>()), "");
    assert!(again.code == Some(1) && again.err.contains("out of order"), "{}", again.err);

    let right = with_worker(ORDER, WORKER, &["run", "--sim-runs", "3", "f.lua"]);
    assert_eq!((right.code, right.out.as_str()), (Some(0), "3 seeds, no failure\n"));
}

/// The end of the main process is the end of the program, whatever the others do.
pub fn the_main_process_decides() {
    let busy = "return function() while true do end end";
    let text = "process.spawn('./worker.lua', 'app:processes') print('over') return 3";
    let said = with_worker(text, busy, &["run", "f.lua"]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), "over\n"));
    let text = "process.spawn('./worker.lua', 'app:processes') error('main', 0)";
    let said = with_worker(text, busy, &["run", "f.lua"]);
    assert!(said.code == Some(1) && said.err.starts_with("Error: main\n"), "{}", said.err);
    // `os.exit` in any process.
    let exits = "return function() os.exit(5) end";
    let text = "process.spawn('./worker.lua', 'app:processes') process.inbox():receive()";
    assert_eq!(with_worker(text, exits, &["run", "f.lua"]).code, Some(5));
    // A waiting process is asked to stop and may have a last word.
    let last_word = "return function(to)
        local events = process.events()
        process.send(to, 'ready')
        print(events:receive().reason)
    end";
    let text = "process.spawn('./worker.lua', 'app:processes', process.pid()) process.inbox():receive()";
    let said = with_worker(text, last_word, &["run", "f.lua"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "scheduler shutdown\n"));
}

pub fn statistics() {
    let said = with_worker(ORDER, WORKER, &["run", "--stats", "f.lua"]);
    assert!(said.err.starts_with("processes: 21 spawned, "), "{}", said.err);
    assert!(said.err.contains("\nmessages: 20\n") && said.err.contains("\nslices: "), "{}", said.err);
    let alone = with_worker("return 0", WORKER, &["run", "--stats", "f.lua"]);
    assert!(!alone.err.contains("slices"), "no scheduler without processes: {}", alone.err);
}

const EVENTS: &str = "local events = process.events()";

/// Starts a program and waits for its first line.
fn started(text: &str, events: &str) -> (tempfile::TempDir, Child, BufReader<std::process::ChildStdout>) {
    // Answered by another process, the main process is in the scheduler and signals are watched.
    let text = format!(
        "{events} local worker = process.spawn('./worker.lua', 'app:processes')
        process.send(worker, 'wake')
        process.inbox():receive()
        print('ready') io.flush()
        {text}"
    );
    let worker = "return function()
        local inbox = process.inbox()
        while true do process.send(inbox:receive():from(), 'here') end
    end";
    let dir = folder(&[("f.lua", &text), ("worker.lua", worker)]);
    let mut child = wippy(dir.path(), &["run", "f.lua"]).spawn().expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    (dir, child, out)
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// The first signal asks a main process that listens to events; one that does not is interrupted.
pub fn signals() {
    let listening = "
        local e = events:receive()
        print(e.kind, e.from, e.reason)
        return 4";
    for name in ["INT", "TERM"] {
        let (_dir, mut child, mut out) = started(listening, EVENTS);
        signal(&child, name);
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert_eq!(line, "pid.cancel\t{|}\tscheduler shutdown\n");
        assert_eq!(child.wait().expect("it ends").code(), Some(4));
    }
    let (_dir, child, _out) = started("process.inbox():receive()", "");
    signal(&child, "TERM");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("Error: interrupted!"));
    // The second one does not wait for anybody.
    let stubborn = "
        events:receive()
        print('ready') io.flush()
        process.inbox():receive()";
    let (_dir, mut child, mut out) = started(stubborn, EVENTS);
    signal(&child, "INT");
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

/// Ctrl-\ shows the processes and changes nothing.
pub fn listing() {
    let text = "
        events:receive()";
    let (_dir, mut child, _out) = started(text, EVENTS);
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    signal(&child, "QUIT");
    let mut lines = Vec::new();
    for _ in 0..3 {
        let mut line = String::new();
        err.read_line(&mut line).expect("a line");
        lines.push(line);
    }
    assert!(lines[0].starts_with("pid ") && lines[0].contains(" mailbox "), "{lines:?}");
    assert!(lines[1].starts_with("{app:processes|0x00001} ") && lines[1].ends_with("f.lua\n"), "{lines:?}");
    assert!(
        lines[2].starts_with("{app:processes|0x00002} ") && lines[2].ends_with("./worker.lua\n"),
        "{lines:?}"
    );
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

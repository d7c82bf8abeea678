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
    // Also one that computes, and has had no need of the scheduler.
    let computing = "
        local events = process.events()
        -- Longer than a slice: by then it has been seen that it listens.
        for i = 1, 100000 do end
        print('ready') io.flush()
        local r repeat r = channel.select{events:case_receive(), default = true} until r.value
        print(r.value.reason) io.flush()
        while true do end";
    let dir = folder(&[("f.lua", computing)]);
    let mut child = wippy(dir.path(), &["run", "f.lua"]).spawn().expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    for expected in ["ready\n", "scheduler shutdown\n"] {
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert_eq!(line, expected);
        signal(&child, "TERM");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
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

/// Ctrl-\ shows the processes, with what they wait for, and changes nothing.
pub fn listing() {
    let worker = "return function(to, how)
        local ch, time = channel.new(), require('time')
        local waits = {
            inbox = function() process.inbox():receive() end,
            topic = function() process.listen('jobs'):receive() end,
            own = function() ch:receive() end,
            send = function() ch:send(1) end,
            sleep = function() time.sleep('1h') end,
            timer = function() time.after('1h'):receive() end,
            several = function()
                channel.select{ch:case_receive(), process.events():case_receive(), time.after('1h'):case_receive()}
            end,
            coroutines = function()
                coroutine.spawn(function() ch:receive() end)
                coroutine.spawn(function() ch:receive() end)
                process.inbox():receive()
            end,
            exec = function() process.exec('./worker.lua', 'app:processes', to, 'own') end,
        }
        process.send(to, 'ready')
        waits[how]()
    end";
    let expected = [
        ("inbox", "idle", "(receive on a channel: inbox at ./worker.lua:4)"),
        ("topic", "idle", "(receive on a channel: topic \"jobs\" at ./worker.lua:5)"),
        ("own", "idle", "(receive on a channel at ./worker.lua:6)"),
        ("send", "idle", "(send on a channel at ./worker.lua:7)"),
        ("sleep", "blocked", "(sleep at ./worker.lua:8)"),
        ("timer", "idle", "(receive on a channel: timer at ./worker.lua:9)"),
        ("several", "idle", "(select on channels: events, timer at ./worker.lua:11)"),
        ("coroutines", "idle", "(receive on a channel: inbox at ./worker.lua:16; 2 more coroutines)"),
        ("exec", "blocked", "(exec at ./worker.lua:18)"),
    ];
    // All of them have begun to wait when the main process, alone on one worker with them, has its turn again.
    let text = "
        local events, inbox = process.events(), process.inbox()
        for how in ('inbox topic own send sleep timer several coroutines exec'):gmatch('%a+') do
            process.spawn('./worker.lua', 'app:processes', process.pid(), how)
        end
        for _ = 1, 10 do inbox:receive() end
        for _ = 1, 10 do process.exec('./nothing.lua', 'app:processes') end
        print('ready') io.flush()
        print(events:receive().reason)
    ";
    let dir = folder(&[("f.lua", text), ("worker.lua", worker), ("nothing.lua", "return function() end")]);
    let mut child =
        wippy(dir.path(), &["run", "--workers", "1", "f.lua"]).spawn().expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    signal(&child, "QUIT");
    let lines: Vec<String> = (0..12)
        .map(|_| {
            let mut line = String::new();
            err.read_line(&mut line).expect("a line");
            line
        })
        .collect();
    assert!(lines[0].starts_with("pid ") && lines[0].contains(" mailbox "), "{lines:?}");
    assert!(lines[1].starts_with("{app:processes|0x00001} ") && lines[1].contains(" f.lua"), "{lines:?}");
    for ((how, state, waits), line) in expected.into_iter().zip(&lines[2..]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[1], state, "{how}: {line}");
        assert!(line.trim_end().ends_with(&format!("./worker.lua {waits}")), "{how}: {line}");
    }
    signal(&child, "TERM");
    line.clear();
    out.read_line(&mut line).expect("a line");
    assert_eq!((line.as_str(), child.wait().expect("it ends").code()), ("scheduler shutdown\n", Some(0)));
}

/// Silent unless asked. A failure that nobody hears of is an error, others are not.
pub fn logs() {
    let fails = "return function(how) if how then error('on \"purpose\"', 0) end end";
    let run = |text: &str, args: &[&str]| {
        let text = format!("local host = 'app:processes' {text}");
        let args = [&["run", "--sim", "1"], args, &["f.lua"]].concat();
        let said = with_worker(&text, fails, &args);
        assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
        said.err
    };
    let alone = "process.spawn('./worker.lua', host, 1) require('time').sleep('1ms')";
    let fields = r#"{"pid": "{app:processes|0x00002}", "entry": "./worker.lua""#;
    let failed = format!("process\tprocess failed\t{fields}, \"error\": \"on \\\"purpose\\\"\"}}\n");
    assert_eq!((run(alone, &[]), run(alone, &["-s"])), (String::new(), String::new()));
    let all = run(alone, &["-v"]);
    assert!(all.contains(&format!("2025-01-01 00:00:00\tERROR\t{failed}")), "{all}");
    let heard = "process.spawn_monitored('./worker.lua', host, 1) process.events():receive()";
    // Two lines for each, and one for the end of the main process.
    let started = format!("2025-01-01 00:00:00\tDEBUG\tprocess\tprocess started\t{fields}}}\n");
    let ended = format!("2025-01-01 00:00:00\tDEBUG\tprocess\tprocess ended\t{fields}}}\n");
    let all = run("process.exec('./worker.lua', host)", &["--verbose"]);
    assert!(all.starts_with(&(started.clone() + &ended)) && all.lines().count() == 3, "{all}");
    let all = run(heard, &["-v"]);
    assert!(all.starts_with(&format!("{started}2025-01-01 00:00:00\tDEBUG\t{failed}")), "{all}");
}

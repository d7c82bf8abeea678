//! The command line as a user meets it: exit codes, streams, messages, sessions.

mod processes;

use libtest_mimic::Trial;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What one call of the program did.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn wippy(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wippy"));
    command.current_dir(folder).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(mut command: Command, input: &str) -> Said {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A program that ends without reading everything is not at fault.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A fresh folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("a file in it");
    }
    dir
}

/// Runs `wippy args…` in a folder that holds only `f.lua` with this text.
fn with_script(text: &str, args: &[&str]) -> Said {
    let dir = folder(&[("f.lua", text)]);
    said(wippy(dir.path(), args), "")
}

fn anywhere(args: &[&str], input: &str) -> Said {
    let dir = folder(&[]);
    said(wippy(dir.path(), args), input)
}

/// Compares all three at once, so that a failure shows everything.
#[track_caller]
fn check(said: &Said, code: i32, out: &str, err: &str) {
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(code), out, err));
}

fn help_and_unknown() {
    let help = anywhere(&[], "");
    assert_eq!(help.code, Some(0), "{}", help.err);
    for command in ["run", "repl", "check", "version"] {
        assert!(help.out.contains(&format!("  {command} ")), "{}", help.out);
    }
    assert_eq!(anywhere(&["--help"], "").code, Some(0));
    assert_eq!(anywhere(&["run", "--help"], "").code, Some(0));

    let help = " = help: 'wippy --help' lists commands and options\n";
    check(&anywhere(&["nonsense"], ""), 1, "", &format!("Error: unknown command 'nonsense'\n{help}"));
    check(&anywhere(&["-q"], ""), 1, "", &format!("Error: unexpected argument '-q' found\n{help}"));
    check(
        &anywhere(&["chekc"], ""),
        1,
        "",
        "Error: unknown command 'chekc'\n = help: did you mean 'check'?\n",
    );
    check(
        &anywhere(&["f.lua"], ""),
        1,
        "",
        "Error: unknown command 'f.lua'\n = help: to run a Lua file: wippy run f.lua\n",
    );
}

fn version() {
    let number = concat!(env!("CARGO_PKG_VERSION"), "\n");
    check(&anywhere(&["version", "--short"], ""), 0, number, "");
    assert!(anywhere(&["version"], "").out.starts_with("wippy "));
}

fn arguments() {
    let text = "print(...)\nprint(arg[0], arg[1], arg[2], #arg)";
    check(&with_script(text, &["run", "f.lua", "a", "b"]), 0, "a\tb\nf.lua\ta\tb\t2\n", "");
    check(&with_script(text, &["run", "f.lua", "--", "-x", "--y"]), 0, "-x\t--y\nf.lua\t-x\t--y\t2\n", "");
    let refused = with_script(text, &["run", "f.lua", "-x"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    assert!(refused.err.contains("stand behind '--'"), "{}", refused.err);
    check(&anywhere(&["run", "--eval", "print(arg[0], ...)", "a"], ""), 0, "--eval\ta\n", "");
    check(&anywhere(&["run", "-", "a"], "print(arg[0], ...)"), 0, "-\ta\n", "");
    check(&with_script("#!/usr/bin/env wippy\nprint(1)", &["run", "f.lua"]), 0, "1\n", "");
}

fn exit_codes() {
    for (text, code) in [
        ("", 0),
        ("return 3", 3),
        ("return 2.9", 2),
        ("return true", 0),
        ("return false", 1),
        ("return 'ok'", 0),
        ("return {}", 0),
        ("return nil", 0),
        ("return 0/0", 1),
        ("return 1/0", 1),
    ] {
        check(&with_script(text, &["run", "f.lua"]), code, "", "");
    }
    check(&with_script("return nil, 'bad'", &["run", "f.lua"]), 1, "", "Error: bad\n");
}

fn files_that_cannot_run() {
    check(
        &anywhere(&["run", "missing.lua"], ""),
        1,
        "",
        "Error: cannot open missing.lua: No such file or directory\n",
    );
    check(&anywhere(&["run", "."], ""), 1, "", "Error: cannot read .: Is a directory\n");
    check(
        &with_script("\x7fELF\x02\0\0", &["run", "f.lua"]),
        1,
        "",
        "Error: f.lua:1: unexpected symbol near '<\\127>'\n = help: this is a binary file, not Lua source\n",
    );
    check(
        &anywhere(&["run"], ""),
        1,
        "",
        "Error: nothing to run\n = help: wippy run FILE.lua, or wippy run --eval CODE\n",
    );
}

fn syntax_errors() {
    let err = "\
Error: f.lua:2: 'do' expected near 'print'
  --> f.lua:2:3
  |
2 |   print(i)
  |   ^~~~~
  = help: the header of a numeric 'for' ends with 'do'
";
    let text = "for i = 1, 10\n  print(i)\nend\n";
    check(&with_script(text, &["run", "f.lua"]), 1, "", err);
    check(&with_script(text, &["check", "f.lua"]), 1, "", err);
    check(&with_script("error('not run')", &["check", "f.lua"]), 0, "", "");
    let two = with_script(text, &["check", "missing.lua", "f.lua"]);
    assert!(two.err.starts_with("Error: cannot open missing.lua") && two.err.ends_with(err), "{}", two.err);
}

fn deadlocks() {
    let said = with_script("print(1)\nlocal ch = channel.new()\nch:receive()\n", &["run", "f.lua"]);
    let err = "\
Error: deadlock: all coroutines are blocked
  f.lua:3: receive on a channel
stack traceback:
\t[C]: in method 'receive'
\tf.lua:3: in main chunk
\t[C]: in ?
";
    check(&said, 1, "1\n", err);

    let message = |text: &str| {
        let said = with_script(text, &["run", "f.lua"]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{text}");
        said.err.split("\nstack traceback").next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        message(
            "local ch = channel.new()
coroutine.spawn(function()
  pcall(coroutine.wrap(function() ch:send(1) end))
end)
coroutine.spawn(function() channel.select{} end)
print(channel.select{channel.new():case_receive()})"
        ),
        "Error: deadlock: all coroutines are blocked
  f.lua:6: select on channels
  f.lua:3: send on a channel
  f.lua:5: select without a case that can go on"
    );
    assert_eq!(
        message("pcall(channel.select, {})"),
        "Error: deadlock: all coroutines blocked with no pending operations
  f.lua:1: select without a case that can go on"
    );
    assert!(
        message("local c = channel.new() c:close() channel.select{c:case_send(1)}").contains("deadlock: ")
    );
    // An error in a coroutine ends the program although the main function waits.
    assert_eq!(
        message("local ch = channel.new() coroutine.spawn(function() coroutine.yield() error('x') end)\npcall(ch.receive, ch)")
            .lines()
            .next(),
        Some("Error: f.lua:1: x")
    );
}

fn uncaught_errors() {
    let err = "\
Error: f.lua:2: attempt to index a nil value (field 'y')
  --> f.lua:2:10
  |
2 |   return x.y.z
  |          ^~~~~
stack traceback:
\tf.lua:2: in local 'f'
\tf.lua:4: in main chunk
\t[C]: in ?
";
    let said = with_script("local function f(x)\n  return x.y.z\nend\nlocal z = f({})\n", &["run", "f.lua"]);
    check(&said, 1, "", err);

    let first_line = |text: &str| {
        let said = with_script(text, &["run", "f.lua"]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{text}");
        said.err.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(first_line("error({})"), "Error: (error object is a table value)");
    assert_eq!(first_line("error(setmetatable({}, {__tostring = function() return 'me' end}))"), "Error: me");
    assert_eq!(first_line("error('plain', 0)"), "Error: plain");
    assert_eq!(first_line("error(12)"), "Error: 12");
    assert_eq!(first_line("error()"), "Error: (error object is a nil value)");
    assert_eq!(first_line("assert(false)"), "Error: f.lua:1: assertion failed!");
    assert_eq!(first_line("assert(nil, 'no')"), "Error: f.lua:1: no");
}

/// The message blames the caller: so does the excerpt.
fn excerpt_follows_the_message() {
    let said = with_script(
        "local function g() error('bad', 2) end\nlocal function h()\n  g()\nend\nh()\n",
        &["run", "f.lua"],
    );
    assert!(
        said.err.starts_with("Error: f.lua:3: bad\n  --> f.lua:3:3\n  |\n3 |   g()\n  |   ^~~\n"),
        "{}",
        said.err
    );
}

fn excerpt_of_eval_and_stdin() {
    let said = anywhere(&["run", "--eval", "local x; x.y = 1"], "");
    assert!(
        said.err.starts_with(
            "Error: (command line):1: attempt to index a nil value (local 'x')\n  --> (command line):1:10\n"
        ),
        "{}",
        said.err
    );
    let said = anywhere(&["run", "-"], "\n\nlocal x; x.y = 1");
    assert!(said.err.contains("\n3 | local x; x.y = 1\n"), "{}", said.err);
}

fn memory_limit() {
    let hungry = "local t = {} for i = 1, 10000000 do t[i] = i end";
    let said = anywhere(&["run", "--memory-limit", "2M", "--eval", hungry], "");
    assert_eq!(said.code, Some(1));
    assert!(said.err.starts_with("Error: not enough memory\n"), "{}", said.err);
    check(&anywhere(&["run", "-m", "64M", "--eval", "print(1)"], ""), 0, "1\n", "");
    let wrong = anywhere(&["--memory-limit", "2X", "run", "--eval", ""], "");
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.err.starts_with("Error: invalid value '2X'"), "{}", wrong.err);
}

fn bytecode_listing() {
    let said = with_script("print(1)", &["run", "--dump-bytecode", "f.lua"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("main <f.lua>: "), "{}", said.out);
    assert!(said.out.contains("GetTabUp"), "{}", said.out);
}

/// The reader goes away in the middle: the program ends, quietly.
fn closed_output() {
    let dir = folder(&[]);
    let mut child =
        wippy(dir.path(), &["run", "--eval", "while true do print('x') end"]).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(line, "x\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// What `print` prints is seen while the program goes on, also through a pipe.
fn print_is_seen_at_once() {
    let dir = folder(&[]);
    let code = "print('now') local start = os.clock() while os.clock() - start < 20 do end";
    let mut child = wippy(dir.path(), &["run", "--eval", code]).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let running = child.try_wait().expect("its state").is_none();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!((line.as_str(), running), ("now\n", true));
}

/// Lines that are typed or pasted faster than they are read are not lost.
#[cfg(unix)]
fn repl_typed_ahead() {
    use rustix::pty;
    use std::fs::File;
    use std::io::Read;

    let dir = folder(&[]);
    let keyboard = pty::openpt(pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY).expect("a terminal");
    pty::grantpt(&keyboard).expect("a terminal");
    pty::unlockpt(&keyboard).expect("a terminal");
    let name = pty::ptsname(&keyboard, Vec::new()).expect("its name").into_string().expect("of letters");
    let screen = File::options().read(true).write(true).open(name).expect("its other end");
    let mut command = wippy(dir.path(), &["repl"]);
    command.env("HOME", dir.path()).env("TERM", "xterm");
    command
        .stdin(screen.try_clone().expect("a handle"))
        .stdout(screen.try_clone().expect("a handle"))
        .stderr(screen);
    let mut child = command.spawn().expect("the program starts");
    drop(command);
    let mut keyboard = File::from(keyboard);
    let mut shown = Vec::new();
    let (mut typed, mut ended) = (false, false);
    let prompt = |shown: &[u8]| shown.windows(2).any(|two| two == b"> ");
    loop {
        let mut piece = [0; 1024];
        // The end of the other side is an error here.
        let Ok(n @ 1..) = keyboard.read(&mut piece) else { break };
        shown.extend_from_slice(&piece[..n]);
        if !typed && prompt(&shown) {
            keyboard
                .write_all(b"a = 40\rb = 2\rfor i = 1, 2 do\rprint(i * 1000)\rend\r= a + b\r")
                .expect("typing");
            typed = true;
        } else if let (false, Some(result)) = (ended, shown.windows(4).position(|four| four == b"42\r\n"))
            && prompt(&shown[result..])
        {
            // At the prompt behind all that was typed: while a line runs, the terminal itself
            // would take this key for the end of its line and hand over nothing.
            keyboard.write_all(b"\x04").expect("typing");
            ended = true;
        }
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let shown = String::from_utf8_lossy(&shown);
    for result in ["1000\r\n", "2000\r\n", "42\r\n"] {
        assert!(shown.contains(result), "{result}: {shown}");
    }
}

#[cfg(not(unix))]
fn repl_typed_ahead() {}

fn repl_values_and_lines() {
    let input = "\
1 + 1
=2, nil
x = 5
x
local y = 3
y
for i = 1, 2 do
print(i)
end
{1,
2}
\"a\" ..
\"b\"

-- nothing
";
    let said = anywhere(&["repl"], input);
    let (before, after) = said.out.split_once("table: ").expect("the table is shown");
    assert_eq!(before, "2\n2\tnil\n5\nnil\n1\n2\n");
    assert!(after.ends_with("\nab\n"), "{after}");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}

/// A program reads what follows its own line; `os.exit` ends the session.
fn repl_shares_standard_input() {
    let said = anywhere(&["repl"], "x = io.read()\nthe data\nx\nos.exit(9)\nprint('not reached')\n");
    check(&said, 9, "the data\n", "");
}

fn finalizers_at_the_end() {
    let object = "setmetatable({}, {__gc = function() print('gc') end})";
    for (end, code, out) in [("return 5", 5, "gc\n"), ("os.exit(4)", 4, ""), ("os.exit(4, true)", 4, "gc\n")]
    {
        check(&with_script(&format!("{object}\n{end}"), &["run", "f.lua"]), code, out, "");
    }
}

fn repl_goes_on_after_errors() {
    let input = "\
x = = 1
nothing.here
do local u = 7; keep = function() return u end; error('e', 0) end
keep()
print('still here')
if x then
";
    let said = anywhere(&["repl"], input);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "7\nstill here\n"));
    let first: Vec<&str> = said.err.lines().filter(|line| line.starts_with("Error: ")).collect();
    assert_eq!(
        first,
        [
            "Error: stdin:1: unexpected symbol near '='",
            "Error: stdin:1: attempt to index a nil value (global 'nothing')",
            "Error: e",
            "Error: stdin:1: 'end' expected near <eof>",
        ]
    );
    assert!(said.err.contains("\n1 | nothing.here\n  | ^~~~~~~~~~~~\n"), "{}", said.err);
}

/// An error in a function of an earlier input shows the text of that input.
fn repl_excerpt_of_earlier_input() {
    let said = anywhere(&["repl"], "function f() return a.b end\nlocal longer_than_before = 1; f()\n");
    assert!(
        said.err.contains("\n1 | function f() return a.b end\n  |                     ^"),
        "{}",
        said.err
    );
}

fn examples_are_programs() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<String> = std::fs::read_dir(&examples)
        .expect("the examples")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".lua"))
        .collect();
    names.sort();
    assert!(names.len() >= 6);
    let args: Vec<&str> = ["check"].into_iter().chain(names.iter().map(String::as_str)).collect();
    check(&said(wippy(&examples, &args), ""), 0, "", "");
    check(&said(wippy(&examples, &["run", "hello.lua", "Ada"]), ""), 0, "Hello, Ada!\n", "");
    for (name, out) in [
        ("ping_pong.lua", "50 rounds\n"),
        ("worker_pool.lua", "20 jobs, sum of the results 133000\n"),
        ("pipeline.lua", "1:ONE\n2:TWO\n3:THREE\n"),
        ("rate_limiter.lua", "fill\nfill\n7 served\n"),
        ("many_processes.lua", "50 processes have answered\n"),
    ] {
        let said = said(wippy(&examples, &["run", name, "50"]), "");
        assert_eq!((said.code, said.out.as_str()), (Some(0), out), "{name}: {}", said.err);
    }
    let supervisor = said(wippy(&examples, &["run", "supervisor.lua"]), "");
    assert!(supervisor.out.ends_with("finished: it works after 3 failures\n"), "{}", supervisor.out);
}

/// The tests of this module.
pub fn trials() -> Vec<Trial> {
    use processes::{
        a_seed_is_a_run, listing, logs, seeds_find_wrong_orders, signals, statistics,
        the_main_process_decides,
    };
    macro_rules! trials {
        ($($name:ident)*) => {
            vec![$(Trial::test(concat!("cli::", stringify!($name)), || { $name(); Ok(()) })),*]
        };
    }
    trials![
        help_and_unknown version arguments exit_codes files_that_cannot_run syntax_errors uncaught_errors deadlocks
        excerpt_follows_the_message excerpt_of_eval_and_stdin memory_limit bytecode_listing closed_output
        print_is_seen_at_once repl_typed_ahead repl_values_and_lines repl_shares_standard_input finalizers_at_the_end repl_goes_on_after_errors repl_excerpt_of_earlier_input examples_are_programs
        a_seed_is_a_run seeds_find_wrong_orders the_main_process_decides statistics signals listing logs
    ]
}

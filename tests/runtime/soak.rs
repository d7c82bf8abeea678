//! The soak: `soak/main.lua` with seeds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::world::Baseline;
use wippy::heap::SharedCode;
use wippy::runtime::loader::compile_source;
use wippy::runtime::program::{Program, Settings};
use wippy::runtime::script::{Outcome, Script};

/// Seeds of the simulated soak, rounds and operations of each.
const SEEDS: u64 = 12;
const ROUNDS: u32 = 2;
const OPERATIONS: u32 = 300;

/// Memory of each process: some try to get more.
const PROCESS_MEMORY: usize = 2 << 20;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runtime/soak/main.lua")
}

/// Runs the program to its end and looks for what it left behind.
fn run(code: &SharedCode, args: &[String], sim: Option<u64>) {
    let words: Vec<Vec<u8>> = args.iter().map(|arg| arg.clone().into_bytes()).collect();
    let file = file();
    let name = file.to_str().expect("the path is text").as_bytes();
    let settings = Settings {
        workers: 0,
        sim,
        memory: None,
        process_memory: Some(PROCESS_MEMORY),
        prepare: wippy::modules::add_all,
    };
    let mut script = Script::new(None).expect("memory");
    wippy::modules::add_searcher(script.vm()).expect("memory");
    script.set_arg(name, &words).expect("memory");
    let program = Program::new(script, *code, name, &words, settings).expect("memory");
    let node = Arc::clone(program.node());
    let (ended, account) = program.run(|_| {}).stop();
    match ended.outcome {
        Outcome::Done(0) => {}
        Outcome::Done(code) | Outcome::Quit(code) => panic!("{args:?}: exit code {code}"),
        Outcome::Failed(failure) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            panic!("{args:?}: {}\n{}", text(&failure.message), text(&failure.traceback))
        }
    }
    drop(ended.script);
    assert!(account.spawned > 1, "{args:?}: nothing happened");
    crate::world::assert_empty(node, &format!("{args:?}"));
}

fn code() -> SharedCode {
    let text = std::fs::read(file()).expect("the program is there");
    SharedCode::publish(compile_source(&text, b"@main.lua").expect("a program"))
}

/// Some seeds, a few seconds of work.
pub fn simulated() {
    let code = code();
    let run = |seed: u64| {
        let args = [seed.to_string(), ROUNDS.to_string(), OPERATIONS.to_string()];
        run(&code, &args, Some(seed));
    };
    // What is made once stays.
    run(1);
    let baseline = Baseline::now();
    for seed in 1..=SEEDS {
        run(seed);
        baseline.assert_same(&format!("seed {seed}"));
    }
}

/// On real threads, until the time is over.
pub fn real(seed: u64, seconds: u64) {
    let code = code();
    let run = |seconds: u64| {
        let args = [seed.to_string(), "1".into(), OPERATIONS.to_string(), seconds.to_string()];
        run(&code, &args, None);
    };
    run(1);
    let baseline = Baseline::now();
    run(seconds);
    baseline.assert_same("the soak");
    println!("no process, name, timer and cell left");
}

//! `wippy run`: one Lua program with the complete standard library.

use super::chunk::{Chunk, Reported};
use super::failure::{self, Texts};
use super::{bytes_of, exit, log, signal};
use crate::bytecode::Proto;
use crate::bytecode::disasm::disassemble;
use crate::heap::SharedCode;
use crate::runtime::program::{Account, Program, Settings};
use crate::runtime::script::{Outcome, Script};
use crate::vm::LuaError;
use std::ffi::{OsStr, OsString};

/// Run a Lua program
///
/// The program finds its arguments in '...' and in the global 'arg'. Arguments that begin with '-' stand behind '--'.
/// Its first result is the exit code: numbers are taken as they are, 'true' is 0, 'false' is 1.
#[derive(clap::Args, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Args {
    /// Run this text; all other words are its arguments
    #[arg(long, value_name = "CODE", allow_hyphen_values = true)]
    eval: Option<OsString>,
    /// List the bytecode instead of running it
    #[arg(long)]
    dump_bytecode: bool,
    /// Threads that run processes; default: one per core
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    workers: usize,
    /// Memory each process started by the program may use; default: what --memory-limit says
    #[arg(long, value_name = "SIZE", value_parser = super::parse_size)]
    process_memory_limit: Option<usize>,
    /// Simulate: one thread, virtual time, and the order of things as the seed decides
    #[arg(long, value_name = "SEED")]
    sim: Option<u64>,
    /// Simulate with the seeds 1 to N and stop at the first failure
    #[arg(long, value_name = "N", conflicts_with = "sim")]
    sim_runs: Option<u64>,
    /// Tell at the end what processes did
    #[arg(long)]
    stats: bool,
    /// Lua file; '-' is standard input
    #[arg(value_name = "FILE")]
    file: Option<OsString>,
    /// Arguments of the program
    #[arg(value_name = "ARG")]
    args: Vec<OsString>,
}

impl Args {
    /// A file and its arguments, without any option.
    pub(super) fn plain(mut words: Vec<OsString>) -> Self {
        let file = words.remove(0);
        Self { file: Some(file), args: words, ..Self::default() }
    }
}

/// Runs the command; the result is the exit code.
pub fn run(args: &Args, memory_limit: Option<usize>, verbose: bool) -> i32 {
    if args.sim.is_some() {
        // Before the first string is hashed.
        crate::heap::string::fix_hash_seed();
    }
    let mut words: Vec<Vec<u8>> = args.args.iter().map(|word| bytes_of(word)).collect();
    let (name, chunk) = match (&args.eval, &args.file) {
        (Some(code), first) => {
            words.splice(0..0, first.iter().map(|word| bytes_of(word)));
            (OsStr::new("--eval"), Ok(Chunk { name: b"=(command line)".to_vec(), text: bytes_of(code) }))
        }
        (None, Some(file)) => (file.as_os_str(), Chunk::read(file)),
        (None, None) => {
            exit::complain("Error: nothing to run\n = help: wippy run FILE.lua, or wippy run --eval CODE\n");
            return exit::FAILURE;
        }
    };
    if let Some(runs) = args.sim_runs {
        return try_seeds(args, runs, memory_limit);
    }
    let compiled = chunk.and_then(|chunk| Ok((chunk.compile()?, chunk)));
    let Ok((proto, chunk)): Result<_, Reported> = compiled else { return exit::FAILURE };
    if args.dump_bytecode {
        return exit::show(&disassemble(&proto));
    }
    execute(proto, chunk, &bytes_of(name), &words, args, memory_limit, verbose)
        .unwrap_or_else(|_| exit::fail("not enough memory"))
}

/// Runs a compiled program to its end. An error is a limit too small for even the standard library.
fn execute(
    proto: Proto,
    chunk: Chunk,
    name: &[u8],
    words: &[Vec<u8>],
    args: &Args,
    memory_limit: Option<usize>,
    verbose: bool,
) -> Result<i32, LuaError> {
    let settings = Settings {
        workers: args.workers,
        sim: args.sim,
        memory: memory_limit,
        process_memory: args.process_memory_limit.or(memory_limit),
        prepare: crate::modules::add_all,
    };
    let mut texts = Texts::default();
    texts.add(&proto.source, chunk.text, 0);
    let mut script = Script::new(memory_limit)?;
    crate::modules::add_searcher(script.vm())?;
    let interrupt = signal::Interrupt::new(script.vm().interrupt_flag());
    script.set_arg(name, words)?;
    let program = Program::new(script, SharedCode::publish(proto), name, words, settings)?;
    if verbose {
        log::start(&program.node().env.clock);
    }
    let finished = program.run(|node| interrupt.watch(node));
    let code = match &finished.ended.outcome {
        Outcome::Done(code) => *code,
        // As in 5.3 no finalizer runs.
        Outcome::Quit(code) => {
            crate::stdlib::base::flush_stdout();
            return Ok(*code);
        }
        Outcome::Failed(failure) => {
            // Told before finalizers run, as the reference does it.
            failure::report(failure, &texts);
            exit::FAILURE
        }
    };
    let (ended, account) = finished.stop();
    let quit = ended.script.and_then(|mut script| {
        let quit = script.close();
        // The system takes all of its memory at once; giving it back piece by piece takes longer.
        std::mem::forget(script);
        quit
    });
    crate::stdlib::base::flush_stdout();
    if args.stats {
        exit::complain(&shown(&account));
    }
    Ok(quit.unwrap_or(code))
}

/// The lines of `--stats`.
fn shown(account: &Account) -> String {
    let mut lines = format!(
        "processes: {} spawned, {} alive at most, {} failed\nmessages: {}\n",
        account.spawned, account.peak_alive, account.failed, account.messages
    );
    lines += &format!("memory: {} bytes per process at its end\n", account.heap_average);
    if let Some(stats) = &account.scheduler {
        lines += &format!(
            "slices: {}, {} of them used up\nsteals: {}\nparks: {}\n",
            stats.slices, stats.full_slices, stats.steals, stats.parks
        );
    }
    lines
}

/// Runs the program with one seed after the other, each in a program of its own, so that the command reported is the very run
/// that failed.
fn try_seeds(args: &Args, runs: u64, memory_limit: Option<usize>) -> i32 {
    let Ok(program) = std::env::current_exe() else { return exit::fail("cannot find the program itself") };
    for seed in 1..=runs {
        let words = command_line(args, seed, memory_limit);
        let output = match std::process::Command::new(&program).args(&words).output() {
            Ok(output) => output,
            Err(e) => return exit::fail(&format!("cannot start {}: {e}", program.display())),
        };
        if !output.status.success() {
            exit::show(&String::from_utf8_lossy(&output.stdout));
            exit::complain(&String::from_utf8_lossy(&output.stderr));
            let shown: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            return exit::fail(&format!(
                "seed {seed} of {runs} fails; again with: wippy {}",
                shown.join(" ")
            ));
        }
    }
    exit::show(&format!("{runs} seeds, no failure\n"))
}

/// The command line for one seed.
fn command_line(args: &Args, seed: u64, memory_limit: Option<usize>) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["run".into(), "--sim".into(), seed.to_string().into()];
    let limits = [("--memory-limit", memory_limit), ("--process-memory-limit", args.process_memory_limit)];
    for (option, limit) in limits {
        words.extend(limit.iter().flat_map(|bytes| [option.into(), bytes.to_string().into()]));
    }
    words.extend(args.eval.iter().flat_map(|code| ["--eval".into(), code.clone()]));
    words.extend(args.file.clone());
    if !args.args.is_empty() {
        words.push("--".into());
        words.extend(args.args.iter().cloned());
    }
    words
}

//! `wippy run`: one Lua program with the complete standard library.

use super::chunk::{Chunk, Reported};
use super::failure::{self, Texts};
use super::{bytes_of, exit, signal};
use crate::bytecode::Proto;
use crate::bytecode::disasm::disassemble;
use crate::heap::Code;
use crate::runtime::script::{Outcome, Script};
use crate::vm::LuaError;
use std::ffi::{OsStr, OsString};

/// Run a Lua program
///
/// The program finds its arguments in '...' and in the global 'arg'. Arguments that begin with '-' stand behind '--'.
/// Its first result is the exit code: numbers are taken as they are, 'true' is 0, 'false' is 1.
#[derive(clap::Args)]
pub struct Args {
    /// Run this text; all other words are its arguments
    #[arg(long, value_name = "CODE", allow_hyphen_values = true)]
    eval: Option<OsString>,
    /// List the bytecode instead of running it
    #[arg(long)]
    dump_bytecode: bool,
    /// Lua file; '-' is standard input
    #[arg(value_name = "FILE")]
    file: Option<OsString>,
    /// Arguments of the program
    #[arg(value_name = "ARG")]
    args: Vec<OsString>,
}

/// Runs the command; the result is the exit code.
pub fn run(args: &Args, memory_limit: Option<usize>) -> i32 {
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
    let compiled = chunk.and_then(|chunk| Ok((chunk.compile()?, chunk)));
    let Ok((proto, chunk)): Result<_, Reported> = compiled else { return exit::FAILURE };
    if args.dump_bytecode {
        return exit::show(&disassemble(&proto));
    }
    execute(proto, chunk, &bytes_of(name), &words, memory_limit)
        .unwrap_or_else(|_| exit::fail("not enough memory"))
}

/// Runs a compiled program to its end. An error is a limit too small for even the standard library.
fn execute(
    proto: Proto,
    chunk: Chunk,
    name: &[u8],
    args: &[Vec<u8>],
    memory_limit: Option<usize>,
) -> Result<i32, LuaError> {
    let mut texts = Texts::default();
    texts.add(&proto.source, chunk.text, 0);
    let mut script = Script::new(memory_limit)?;
    crate::modules::add_searcher(script.vm())?;
    signal::Interrupt::new(script.vm().interrupt_flag());
    script.set_arg(name, args)?;
    script.start(Code::link_shared(proto), args)?;
    let outcome = script.run();
    let code = match outcome {
        Outcome::Done(code) => code,
        // As in 5.3 no finalizer runs.
        Outcome::Quit(code) => {
            crate::stdlib::base::flush_stdout();
            return Ok(code);
        }
        Outcome::Failed(failure) => {
            // Told before finalizers run, as the reference does it.
            failure::report(&failure, &texts);
            exit::FAILURE
        }
    };
    script.close();
    Ok(code)
}

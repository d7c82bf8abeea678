//! The one integration test binary: every file of `lua-tests/` is a test of its own, so one failure hides nothing.
//!
//! Runs `wippy run FILE` in the file's folder and compares stdout with what `lua5.3` printed when the expectation
//! was made (`lua-tests/regen`); `lua5.3` itself is not needed here. `WIPPY_TEST_ENGINE` replaces the command, for
//! example `WIPPY_TEST_ENGINE=lua5.3 cargo test --test main` checks the harness and the files against the reference.

mod cli;
mod docs;
mod util;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use util::{case, engine::Engine, ratchet::Ratchet};

/// Folders of `lua-tests/` whose files are tests.
const SUITES: [&str; 3] = ["core", "golden", "nasty"];
/// Folder with a folder for each subject that the reference knows nothing of.
const OWN: &str = "wippy";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let engine = Arc::new(Engine::from_environment(env!("CARGO_BIN_EXE_wippy")));
    let ratchet = Arc::new(Ratchet::read(&case::root().join("known-failures.txt")));

    let mut trials = Vec::new();
    let suites = SUITES.iter().map(|suite| (*suite).to_owned());
    for suite in suites.chain(case::folders(&case::root(), OWN)) {
        for path in case::lua_files(&case::root().join(&suite)) {
            let name = format!(
                "{}::{}",
                suite.replace('/', "::"),
                path.file_stem().unwrap_or_default().to_string_lossy()
            );
            let (engine, ratchet) = (Arc::clone(&engine), Arc::clone(&ratchet));
            let test = name.clone();
            let run = move || -> Result<(), Failed> {
                let outcome = case::Case::read(&path).and_then(|case| case.run(&engine));
                ratchet.judge(&test, outcome).map_err(Failed::from)
            };
            trials.push(Trial::test(name, run));
        }
    }
    if engine.is_wippy() {
        trials.extend(cli::trials());
        trials.extend(docs::trials(&engine));
    }
    trials.extend(util::ratchet::stale_entries(&ratchet, &trials));
    libtest_mimic::run(&arguments, trials).exit_code()
}

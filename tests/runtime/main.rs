//! The runtime from inside: processes are started, linked and killed at every moment, and in the end nothing is left of them.
//!
//! A program of its own, because it looks at what the whole program shares: the pool of cells. So its tests run one after the
//! other. `cargo test --release --test runtime -- soak SECONDS [SEED]` runs the soak on real threads for that long instead.

mod faults;
mod limits;
mod panics;
mod soak;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [command, seconds, seed @ ..] = &words[..]
        && command == "soak"
        && let Ok(seconds) = seconds.parse()
    {
        let seed = seed.first().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        soak::real(seed, seconds);
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let mut trials = vec![Trial::test("runtime::soak", || {
        soak::simulated();
        Ok(())
    })];
    trials.push(Trial::test("runtime::panics", || {
        panics::each_ends_one_process();
        Ok(())
    }));
    trials.push(Trial::test("runtime::limits", || {
        limits::the_largest_gives_in();
        Ok(())
    }));
    trials.extend(faults::OPERATIONS.iter().map(|operation| {
        let run = || {
            faults::kill_everywhere(operation);
            Ok(())
        };
        Trial::test(format!("runtime::faults::{operation}"), run)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

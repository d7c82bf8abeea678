//! The command line: one file per command, `exit` for codes and messages.

pub mod check;
mod chunk;
pub mod exit;
mod failure;
mod log;
pub mod repl;
pub mod run;
mod signal;
pub mod version;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const BANNER: &str = concat!("wippy ", env!("CARGO_PKG_VERSION"), " - Lua 5.3");

/// Runs Lua 5.3 programs.
#[derive(Parser)]
#[command(name = "wippy", before_help = BANNER, disable_help_subcommand = true)]
struct Cli {
    /// Memory a script may use with all its processes, such as 512M or 2G (units K M G T); default: no limit
    #[arg(short, long, global = true, value_name = "SIZE", value_parser = parse_size)]
    memory_limit: Option<usize>,
    /// Log starts, ends and failures of processes on standard error
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Log nothing; so it is for a Lua file anyway
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    silent: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Repl(repl::Args),
    Check(check::Args),
    Version(version::Args),
}

/// Does what the command line says; the result is the exit code.
#[must_use]
pub fn main() -> i32 {
    signal::end_on_broken_pipe();
    if let Some(args) = plain_run(std::env::args_os()) {
        return run::run(&args, None, false);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return refuse(&e),
    };
    match &cli.command {
        None => exit::show(&Cli::command().render_long_help().to_string()),
        Some(Command::Run(args)) => run::run(args, cli.memory_limit, cli.verbose),
        Some(Command::Repl(args)) => repl::run(args, cli.memory_limit),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Version(args)) => version::run(args),
    }
}

/// `wippy run FILE [ARG…]` without any option means what clap finds in it too, but building clap's picture of the whole command
/// line takes longer than a short script runs.
fn plain_run(mut words: impl Iterator<Item = OsString>) -> Option<run::Args> {
    let is_run = words.nth(1)? == "run";
    let words: Vec<OsString> = words.collect();
    let plain = words.iter().all(|word| !word.as_encoded_bytes().starts_with(b"-"));
    if is_run && plain && !words.is_empty() { Some(run::Args::plain(words)) } else { None }
}

/// A command line that is not understood, or that asks for help.
fn refuse(e: &clap::Error) -> i32 {
    if e.kind() == ErrorKind::DisplayHelp {
        return exit::show(&e.render().to_string());
    }
    let text = e.render().to_string();
    let mut parts = text.trim().split("\n\n");
    let first = parts.next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let message = words.join(" ");
    let message = message
        .strip_prefix("error: ")
        .unwrap_or(&message)
        .replace("unrecognized subcommand", "unknown command");
    let mut lines = format!("Error: {message}\n");
    if let Some(help) = help_for(e) {
        lines.push_str(&format!(" = help: {help}\n"));
    }
    exit::complain(&lines);
    exit::FAILURE
}

fn help_for(e: &clap::Error) -> Option<String> {
    let context = |kind| match e.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(all)) => all.first().cloned(),
        _ => None,
    };
    let word = context(ContextKind::InvalidArg).or_else(|| context(ContextKind::InvalidSubcommand))?;
    let in_run = e.get(ContextKind::Usage).is_some_and(|usage| usage.to_string().contains("wippy run"));
    let near = context(ContextKind::SuggestedSubcommand).or_else(|| context(ContextKind::SuggestedArg));
    match word.as_str() {
        "help" => Some("help is printed by 'wippy --help' and 'wippy COMMAND --help'".into()),
        "--version" | "-V" if !in_run => Some("the version is printed by 'wippy version'".into()),
        file if file.ends_with(".lua") => Some(format!("to run a Lua file: wippy run {file}")),
        _ if near.is_some() => near.map(|near| format!("did you mean '{near}'?")),
        option if in_run && option.starts_with('-') => {
            Some("arguments of a program that begin with '-' stand behind '--'".into())
        }
        _ => Some("'wippy --help' lists commands and options".into()),
    }
}

/// A size such as `64M`: a whole number and a unit, powers of 1024.
fn parse_size(text: &str) -> Result<usize, String> {
    let wrong = || "expected a number with an optional unit K, M, G or T".to_owned();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text.get(digits.len()..).unwrap_or_default() {
        "" | "B" | "b" => 0,
        "K" | "k" | "KB" | "KiB" => 10,
        "M" | "m" | "MB" | "MiB" => 20,
        "G" | "g" | "GB" | "GiB" => 30,
        "T" | "t" | "TB" | "TiB" => 40,
        _ => return Err(wrong()),
    };
    let n: usize = digits.parse().map_err(|_| wrong())?;
    match n.checked_mul(1 << shift) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        Some(_) => Err("a limit of zero leaves nothing to run in".into()),
        None => Err("the number is too large".into()),
    }
}

/// A word of the command line as Lua sees it.
fn bytes_of(word: &OsStr) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        word.as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    {
        word.to_string_lossy().into_owned().into_bytes()
    }
}

/// A file name as Lua gives it.
fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        OsString::from_vec(bytes.to_vec()).into()
    }
    #[cfg(not(unix))]
    {
        OsString::from(String::from_utf8_lossy(bytes).into_owned()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("1"), Ok(1));
        assert_eq!(parse_size("64M"), Ok(64 << 20));
        assert_eq!(parse_size("2g"), Ok(2 << 30));
        assert_eq!(parse_size("3KiB"), Ok(3 << 10));
        for wrong in ["", "M", "2X", "-1", "1.5G", "0", "99999999999T", "1 M", "é", "1é"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_command_lines_mean_what_clap_says() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in ["wippy run a.lua", "wippy run a.lua run 1 é x", "wippy run run", "wippy run a.lua "] {
            let plain = plain_run(words(line).into_iter()).expect("no options");
            let cli = Cli::try_parse_from(words(line));
            let Ok(Cli {
                memory_limit: None,
                verbose: false,
                silent: false,
                command: Some(Command::Run(args)),
            }) = cli
            else {
                panic!("{line}");
            };
            assert_eq!(plain, args, "{line}");
        }
        for line in [
            "wippy",
            "wippy run",
            "wippy run -",
            "wippy run a.lua -- x",
            "wippy run --stats a.lua",
            "wippy check a",
        ] {
            assert!(plain_run(words(line).into_iter()).is_none(), "{line}");
        }
    }

    #[test]
    fn declarations_are_consistent() {
        Cli::command().debug_assert();
    }
}

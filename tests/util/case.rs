//! One Lua test file: its header, its expectation and the comparison.
//!
//! Header lines are comments at the top of the file (before the first line that is not a comment):
//! `-- oracle: lua5.3 | none`, `-- expect: ok | error`, `-- budget: 10s 512MiB`, `-- flags: --memory-limit 64M`,
//! `-- stress: 3000` (the program's argument in a build that collects at every step), `-- stress-flags: --memory-limit 1M`
//! (behind `flags`: instead of them in such a build).
//! Beside `x.lua`, `x.out` holds the expected stdout; without it only the exit status counts (and for a file of
//! `nasty/` the last line of stdout must be `ok`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::util::engine::Engine;

/// Kill time of a test without a budget: generous, because the build under test may be unoptimised.
const DEFAULT_SECONDS: u64 = 60;
/// A budget is written for a release build; the build under test may be this much slower.
const DEBUG_FACTOR: u64 = if cfg!(debug_assertions) { 6 } else { 1 };
/// How much of an output is shown in a failure.
const EXCERPT_LINES: usize = 12;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lua-tests")
}

/// The `.lua` files of a folder in name order. Names starting with `_` are modules loaded by tests.
pub fn lua_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lua"))
        .filter(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('_')))
        .collect();
    files.sort();
    files
}

/// The folders inside a folder of `root`, by their paths below it.
pub fn folders(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

pub struct Case {
    path: PathBuf,
    expect_error: bool,
    /// The reference is no judge of this file.
    no_oracle: bool,
    limit: Duration,
    memory: Option<u64>,
    flags: Vec<String>,
    argument: Option<String>,
    expected: Option<Vec<u8>>,
}

impl Case {
    pub fn read(path: &Path) -> Result<Case, String> {
        let source = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut case = Case {
            path: path.to_owned(),
            expect_error: false,
            no_oracle: false,
            limit: Duration::from_secs(DEFAULT_SECONDS),
            memory: None,
            flags: Vec::new(),
            argument: None,
            expected: fs::read(path.with_extension("out")).ok(),
        };
        for line in source.split(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let Some(comment) = line.strip_prefix("--") else {
                if line.starts_with('#') {
                    continue;
                }
                break;
            };
            case.header(comment.trim()).map_err(|why| format!("{}: header: {why}", path.display()))?;
        }
        Ok(case)
    }

    /// Below `wippy/`: about what the reference does not have.
    fn is_own(&self) -> bool {
        self.path.parent().and_then(Path::parent).is_some_and(|folder| folder.ends_with("wippy"))
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let Some((key, value)) = line.split_once(':') else { return Ok(()) };
        let value = value.trim();
        match (key.trim(), value) {
            ("expect", "ok") => self.expect_error = false,
            ("expect", "error") => self.expect_error = true,
            ("flags", flags) => self.flags = flags.split_whitespace().map(str::to_owned).collect(),
            ("stress", size) => self.argument = cfg!(feature = "stress").then(|| size.to_owned()),
            ("stress-flags", flags) if cfg!(feature = "stress") => {
                self.flags = flags.split_whitespace().map(str::to_owned).collect();
            }
            ("budget", budget) => {
                for word in budget.split_whitespace() {
                    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                    let number: u64 = digits.parse().map_err(|_| format!("budget '{word}'"))?;
                    match &word[digits.len()..] {
                        "s" => self.limit = Duration::from_secs((number * DEBUG_FACTOR).max(DEFAULT_SECONDS)),
                        "MiB" => self.memory = Some(number << 20),
                        _ => return Err(format!("budget '{word}'")),
                    }
                }
            }
            ("oracle", "none") => self.no_oracle = true,
            ("oracle", "lua5.3") => self.no_oracle = false,
            ("expect" | "oracle", _) => return Err(format!("'{line}'")),
            _ => {} // an ordinary comment with a colon
        }
        Ok(())
    }

    pub fn run(&self, engine: &Engine) -> Result<(), String> {
        if (self.no_oracle || self.is_own()) && !engine.is_wippy() {
            return Ok(());
        }
        let result =
            engine.run(&self.path, &self.flags, self.argument.as_deref(), self.limit, self.memory)?;
        let stderr = String::from_utf8_lossy(&result.stderr);
        if result.timed_out {
            return Err(format!("killed after {:?}\n{}", self.limit, excerpt(&stderr)));
        }
        if result.success == self.expect_error {
            let wanted = if self.expect_error { "an error status" } else { "success" };
            let stdout = String::from_utf8_lossy(&result.stdout);
            return Err(format!(
                "wanted {wanted}, got {}\nstderr:\n{}\nstdout ends:\n{}",
                result.status,
                excerpt(&stderr),
                tail(&stdout)
            ));
        }
        if let Some(expected) = &self.expected {
            if *expected != result.stdout {
                return Err(difference(expected, &result.stdout));
            }
        } else if self.path.parent().is_some_and(|folder| folder.ends_with("nasty"))
            && !result.stdout.ends_with(b"ok\n")
        {
            let stdout = String::from_utf8_lossy(&result.stdout);
            return Err(format!("the output does not end in 'ok':\n{}", tail(&stdout)));
        }
        Ok(())
    }
}

fn excerpt(text: &str) -> String {
    text.lines().take(EXCERPT_LINES).collect::<Vec<_>>().join("\n")
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(EXCERPT_LINES)..].join("\n")
}

/// The differing lines, numbered, first ones only.
fn difference(expected: &[u8], actual: &[u8]) -> String {
    let (expected, actual) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(actual));
    let (expected, actual): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let mut report = String::from("stdout differs (- expected, + actual)");
    let mut shown = 0;
    for line in 0..expected.len().max(actual.len()) {
        let (wanted, got) = (expected.get(line), actual.get(line));
        if wanted != got {
            let number = line + 1;
            report +=
                &format!("\n{number:4} - {}\n     + {}", wanted.unwrap_or(&"<end>"), got.unwrap_or(&"<end>"));
            shown += 1;
            if shown == EXCERPT_LINES {
                report += "\n     ...";
                break;
            }
        }
    }
    if shown == 0 {
        report += "\n     only in the bytes that are not UTF-8 or in the last line end";
    }
    report
}

//! `lua-tests/known-failures.txt`: tests that are known to fail. The list can only shrink: a listed test that passes
//! fails the run until its line is removed, and so does a line that names no test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

pub struct Ratchet {
    /// Test name to the reason given beside it.
    known: BTreeMap<String, String>,
}

impl Ratchet {
    /// Lines of `suite::name  reason`; `#` starts a comment. A missing file is an empty list.
    pub fn read(path: &Path) -> Ratchet {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let known = lines
            .map(|line| line.split_once(char::is_whitespace).unwrap_or((line, "")))
            .map(|(name, reason)| (name.to_owned(), reason.trim().to_owned()))
            .collect();
        Ratchet { known }
    }

    pub fn judge(&self, test: &str, outcome: Result<(), String>) -> Result<(), String> {
        match (self.known.get(test), outcome) {
            (None, outcome) => outcome,
            (Some(_), Err(_)) => Ok(()),
            (Some(_), Ok(())) => {
                Err("passes, but is listed in known-failures.txt: remove its line".to_owned())
            }
        }
    }
}

/// One failing trial for each line of the list that names no test.
pub fn stale_entries(ratchet: &Ratchet, trials: &[Trial]) -> Vec<Trial> {
    let names: Vec<&str> = trials.iter().map(Trial::name).collect();
    let stale = ratchet.known.keys().filter(|name| !names.contains(&name.as_str()));
    stale
        .map(|name| {
            let message = format!("known-failures.txt names '{name}', which is no test");
            Trial::test(format!("known_failures::{name}"), move || Err(message.into()))
        })
        .collect()
}

//! Program texts: where they come from, how they are compiled, and what is told when they are wrong.

use super::{bytes_of, exit, failure};
use crate::bytecode::{Proto, dump};
use crate::runtime::loader;
use crate::stdlib::base::skip_comment;
use std::ffi::OsStr;
use std::io::{ErrorKind, Read};

/// A program text and the name that messages give it.
pub struct Chunk {
    /// With its mark, as `load` takes it: `@path` or `=what`.
    pub name: Vec<u8>,
    pub text: Vec<u8>,
}

/// The user has been told; only the exit code is left to give.
pub struct Reported;

impl Chunk {
    /// Reads a file, or standard input for `-`.
    pub fn read(file: &OsStr) -> Result<Self, Reported> {
        let (name, read) = if file == "-" {
            let mut text = Vec::new();
            (b"=stdin".to_vec(), std::io::stdin().lock().read_to_end(&mut text).map(|_| text))
        } else {
            ([b"@", &bytes_of(file)[..]].concat(), std::fs::read(file))
        };
        match read {
            Ok(mut text) => {
                skip_comment(&mut text);
                Ok(Self { name, text })
            }
            Err(e) => {
                let verb = if e.kind() == ErrorKind::IsADirectory { "read" } else { "open" };
                let reason = e.to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default();
                let shown = if file == "-" { "standard input".into() } else { file.to_string_lossy() };
                exit::fail(&format!("cannot {verb} {shown}: {reason}"));
                Err(Reported)
            }
        }
    }

    /// Compiles source text, or takes in what `string.dump` made.
    pub fn compile(&self) -> Result<Proto, Reported> {
        if dump::is_precompiled(&self.text) {
            return dump::undump(&self.text).map_err(|e| {
                let name = crate::vm::debug::short_source(&self.name);
                exit::fail(&format!("{}: {e}", String::from_utf8_lossy(&name)));
                Reported
            });
        }
        loader::compile_source(&self.text, &self.name).map_err(|e| {
            failure::report_syntax(self, &e);
            Reported
        })
    }
}

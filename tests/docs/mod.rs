//! Every Lua example of the pages for users is run, and must print what the page says: what follows `-->` in it, in order.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::util::engine::Engine;

/// Pages whose examples are complete programs.
const PAGES: [&str; 1] = ["types.md"];

/// Examples are small; this only ends one that hangs.
const LIMIT: Duration = Duration::from_secs(120);

struct Example {
    page: &'static str,
    /// Line of the page where the code begins.
    line: usize,
    code: String,
    output: String,
}

fn examples(page: &'static str) -> Vec<Example> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = Vec::new();
    let mut open: Option<Example> = None;
    for (i, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => found.extend(open.take()),
            Some(example) => {
                example.code.push_str(line);
                example.code.push('\n');
                if let Some((_, printed)) = line.split_once("--> ") {
                    example.output.push_str(printed);
                    example.output.push('\n');
                }
            }
            None if line == "```lua" => {
                open = Some(Example { page, line: i + 2, code: String::new(), output: String::new() });
            }
            None => {}
        }
    }
    assert!(open.is_none(), "{page}: an example without an end");
    found
}

/// One test for each example.
pub fn trials(engine: &Arc<Engine>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for example in PAGES.into_iter().flat_map(examples) {
        let engine = Arc::clone(engine);
        let name = format!("docs::{}:{}", example.page, example.line);
        trials.push(Trial::test(name, move || run(&engine, &example).map_err(Failed::from)));
    }
    trials
}

fn run(engine: &Engine, example: &Example) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file: PathBuf = folder.path().join("example.lua");
    fs::write(&file, &example.code).map_err(|error| error.to_string())?;
    let run = engine.run(&file, &[], None, LIMIT, None)?;
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    if !run.success {
        return Err(format!("fails:\n{}", String::from_utf8_lossy(&run.stderr)));
    }
    if printed != example.output {
        return Err(format!("prints\n{printed}\nand not\n{}", example.output));
    }
    Ok(())
}

//! Writes programs for the differential test: `steps FROM COUNT FOLDER` makes one file for each seed. A program is a
//! sequence of statements of the grammar, each of which runs by itself and is followed by a look at the variables.

use std::io::Write;
use std::path::Path;
use wippy_fuzz::grammar;

const OBSERVE: &str = include_str!("observe.lua");

/// Bytes of one statement; more do not make it longer.
const STATEMENT: usize = 60;
const STATEMENTS: usize = 25;

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A long bracket that nothing in `text` closes.
fn quoted(text: &str) -> String {
    let mut level = String::from("=");
    while text.contains(&format!("]{level}]")) {
        level.push('=');
    }
    format!("[{level}[\n{text}]{level}]")
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [from, count, folder] = words.as_slice() else {
        eprintln!("steps FROM COUNT FOLDER");
        std::process::exit(1);
    };
    let number = |word: &str| word.parse::<u64>().unwrap_or(1);
    for seed in number(from)..number(from) + number(count) {
        let mut state = seed;
        let mut file = std::fs::File::create(Path::new(folder).join(format!("{seed}.lua")))?;
        writeln!(file, "{OBSERVE}")?;
        for _ in 0..STATEMENTS {
            let bytes: Vec<u8> = (0..STATEMENT).map(|_| random(&mut state) as u8).collect();
            writeln!(file, "STEP({})", quoted(&grammar::statement(&bytes)))?;
        }
    }
    Ok(())
}

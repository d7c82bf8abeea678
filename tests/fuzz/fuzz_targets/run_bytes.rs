//! Any bytes as a program: what compiles runs under limits. Its corpus is text, such as the files of `lua-tests/core`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wippy_fuzz::{Setup, run};

fuzz_target!(|source: &[u8]| run(source, Setup { slice: 100, forgiving: false }));

//! Bytes choose a program of the grammar, which runs under limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let program = wippy_fuzz::grammar::program(bytes);
    wippy_fuzz::run(program.text.as_bytes(), program.setup);
});

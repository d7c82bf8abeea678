//! Precompiled chunks: arbitrary ones, and valid ones with some bytes changed. What passes the verifier runs under limits.
//!
//! The first byte chooses: an even one takes the rest as a chunk, an odd one takes pairs of bytes as changes of a chunk
//! made from a program of the grammar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wippy::bytecode::{disasm, dump};
use wippy_fuzz::{Setup, grammar, run};

/// Behind signature, version, format, check bytes and fingerprint: changes there only make another refusal.
const HEADER: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, rest)) = bytes.split_first() else { return };
    let mut chunk;
    if kind & 1 == 0 {
        chunk = rest.to_vec();
    } else {
        let changes = usize::from(kind >> 1).min(rest.len() / 3);
        let (changes, seed) = rest.split_at(changes * 3);
        let program = grammar::program(seed);
        let Ok(proto) = wippy::runtime::loader::compile_source(program.text.as_bytes(), b"=fuzz") else {
            return;
        };
        chunk = dump::dump(&proto, kind & 2 == 0);
        let room = chunk.len() - HEADER;
        for change in changes.chunks_exact(3) {
            let at = HEADER + usize::from(u16::from_le_bytes([change[0], change[1]])) % room;
            chunk[at] = change[2];
        }
    }
    let Ok(proto) = dump::undump(&chunk) else { return };
    assert!(!disasm::listing(&proto).is_empty());
    drop(proto);
    run(&chunk, Setup { slice: i32::from(kind) * 16 + 1, forgiving: true });
});

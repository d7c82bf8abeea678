//! Any bytes as source text: an error or a prototype that verifies, never a panic.
#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use wippy::bytecode::{disasm, dump, verify};

fuzz_target!(|source: &[u8]| {
    let arena = Bump::new();
    let Ok(chunk) = wippy::syntax::parse(source, &arena) else { return };
    let Ok(proto) = wippy::compiler::compile(&chunk, source, Arc::from(&b"=fuzz"[..])) else { return };
    verify::verify(&proto).expect("compiled code passes the verifier");
    assert!(!disasm::listing(&proto).is_empty());
    for strip in [false, true] {
        let bytes = dump::dump(&proto, strip);
        let back = dump::undump(&bytes).expect("a dump can be read back");
        assert_eq!(dump::dump(&back, strip), bytes, "a dump read back is the same dump");
    }
});

//! Bytes choose types: the chunk compiles, survives being written out, and its types are looked into, compared and used on
//! values without a panic, an error or a difference between ways to ask.
#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use wippy::bytecode::{dump, verify};

fuzz_target!(|bytes: &[u8]| {
    let text = wippy_fuzz::types::chunk(bytes);
    let arena = Bump::new();
    let chunk = wippy::syntax::parse(text.as_bytes(), &arena).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    let proto = wippy::compiler::compile(&chunk, text.as_bytes(), Arc::from(&b"=fuzz"[..])).expect("it compiles");
    verify::verify(&proto).expect("compiled code passes the verifier");
    let binary = dump::dump(&proto, false);
    assert_eq!(dump::undump(&binary).as_ref(), Ok(&proto));
    wippy_fuzz::run_whole(&binary, &text);
});

//! Any bytes as source text: an error or a prototype that verifies, never a panic. In pieces, however small, the text
//! gives the same prototype or the same error.
#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use wippy::bytecode::{disasm, dump, verify};

/// Sizes of pieces: every statement, and a few statements in each.
const PIECES: [u32; 2] = [0, 50];

fuzz_target!(|source: &[u8]| {
    let name: Arc<[u8]> = Arc::from(&b"=fuzz"[..]);
    let arena = Bump::new();
    let whole = wippy::syntax::parse(source, &arena)
        .and_then(|chunk| wippy::compiler::compile(&chunk, source, name.clone()));
    for size in PIECES {
        match (wippy::compiler::compile_pieces(source, &name, size), &whole) {
            (Ok(None), _) => {}
            (Ok(Some(proto)), Ok(whole)) => assert!(proto == *whole, "pieces of {size} give other code"),
            // Pieces may find an error of the compiler before one of the parser that comes later.
            (Err(error), Err(whole)) => {
                assert!(error == *whole || error.line <= whole.line, "pieces of {size}: {error}, else {whole}");
            }
            (Ok(Some(_)), Err(error)) => panic!("pieces of {size} compile, the whole does not: {error}"),
            (Err(error), Ok(_)) => panic!("the whole compiles, pieces of {size} do not: {error}"),
        }
    }
    if let Err(error) = wippy::compiler::compile_text(source, &name) {
        assert!(whole.is_err(), "{error}");
    }
    let Ok(proto) = whole else { return };
    verify::verify(&proto).expect("compiled code passes the verifier");
    assert!(!disasm::listing(&proto).is_empty());
    for strip in [false, true] {
        let bytes = dump::dump(&proto, strip);
        let back = dump::undump(&bytes).expect("a dump can be read back");
        assert_eq!(dump::dump(&back, strip), bytes, "a dump read back is the same dump");
    }
});

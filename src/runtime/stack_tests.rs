//! Depth in a program is never depth on the native stack: the deepest programs run on a thread with a small one.

use super::script::{Outcome, Script};

/// The stack that every part of the interpreter gets along with; frames of unoptimised builds are larger.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };

/// Files of `lua-tests/nasty/` by the start of their names.
const DEEP: [&str; 4] =
    ["recursion_", "source_deep_nesting", "coroutines_wrapped_deep", "collector_deep_structures"];

#[test]
fn deep_programs_run_on_a_small_native_stack() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lua-tests/nasty");
    let mut ran = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of nasty programs") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // The callbacks take too long in unoptimised builds; the test of that file runs them there, on a larger stack.
        let slow = cfg!(debug_assertions) && name == "recursion_callbacks.lua";
        if slow || !DEEP.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let text = std::fs::read(&path).expect("its text");
        let chunk_name = format!("@{name}").into_bytes();
        let run = move || {
            let mut script = Script::new(None).expect("memory");
            let loaded = script.start_chunk(&text, &chunk_name).expect("memory");
            loaded.map_err(|message| String::from_utf8_lossy(&message).into_owned())?;
            let end = match script.run() {
                Outcome::Done(0) => Ok(()),
                Outcome::Done(code) | Outcome::Quit(code) => Err(format!("ended with {code}")),
                Outcome::Failed(failure) => Err(String::from_utf8_lossy(&failure.message).into_owned()),
            };
            script.close();
            end
        };
        let thread =
            std::thread::Builder::new().name(name.clone()).stack_size(STACK).spawn(run).expect("a thread");
        let end = thread.join().expect("no panic");
        assert_eq!(end, Ok(()), "{name}");
        ran += 1;
    }
    assert!(ran >= DEEP.len(), "{ran} programs");
}

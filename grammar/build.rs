//! Generates the parser from `grammar/lua.lalrpop`, chooses the dispatcher of the interpreter loop, and says how the executable
//! is linked.

mod goto;

use std::path::Path;
use std::process::Command;

fn main() {
    generate_parser();
    choose_dispatcher();
    link_for_a_quick_start();
}

/// Writes `parser.rs` to the output directory; a grammar with a conflict stops the build.
fn generate_parser() {
    println!("cargo::rerun-if-changed=grammar/lua.lalrpop");
    println!("cargo::rerun-if-changed=grammar/build.rs");
    println!("cargo::rerun-if-changed=grammar/goto.rs");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let out = Path::new(&out);
    if let Err(error) = lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .set_out_dir(out)
        .emit_rerun_directives(false)
        .process()
    {
        panic!("grammar/lua.lalrpop: {error}");
    }
    // The generator leaves its own file alone while the grammar is the same, so what is changed has another name.
    let generated = std::fs::read_to_string(out.join("lua.rs")).expect("the generator wrote it");
    std::fs::write(out.join("parser.rs"), with_own_driver(&generated)).expect("OUT_DIR can be written to");
}

/// Tables and actions are as LALRPOP made them, the loop over them is `src/syntax/driver.rs`.
fn with_own_driver(generated: &str) -> String {
    const THEIRS: &str = "__state_machine::Parser::drive(";
    assert_eq!(generated.matches(THEIRS).count(), 1, "the generator's call of its driver looks different");
    goto::as_table(&generated.replace(THEIRS, "crate::syntax::driver::drive("))
}

/// The handler table relies on sibling calls, which only optimised builds make, and on six argument registers.
fn choose_dispatcher() {
    println!("cargo::rustc-check-cfg=cfg(wippy_table_dispatch)");
    println!("cargo::rerun-if-env-changed=CARGO_FEATURE_MATCH_DISPATCH");
    let optimised = var("OPT_LEVEL") != "0";
    let known = matches!(var("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64")
        && var("CARGO_CFG_TARGET_OS") != "windows";
    if optimised && known && std::env::var_os("CARGO_FEATURE_MATCH_DISPATCH").is_none() {
        println!("cargo::rustc-cfg=wippy_table_dispatch");
    }
}

/// How the optimised executable for Linux is linked; `docs/speed.md` says what each part gains.
fn link_for_a_quick_start() {
    let known = var("CARGO_CFG_TARGET_OS") == "linux" && var("CARGO_CFG_TARGET_ENV") == "gnu";
    let is_static = var("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    let flags = var("CARGO_ENCODED_RUSTFLAGS");
    if !known || is_static || var("PROFILE") != "release" {
        return;
    }
    // A position-independent executable has 15,000 addresses in its constants that the loader fills in at every start: 300 KiB
    // of pages that could be shared with the file become the process's own. Stack, heap and libraries are placed at random
    // as before.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    if var("CARGO_CFG_TARGET_POINTER_WIDTH") == "64" && !flags.contains("sanitizer") {
        link_c_library_statically();
    }
    // The common linkers know this form of script; who names another one does without.
    if !flags.contains("fuse-ld") && !flags.contains("linker=") {
        order_functions();
    }
}

/// The loader, the C library, its mathematics and the unwinder are four files to map at every start. Archives of the same
/// libraries come with the C compiler on Debian and its like; where they are missing, the executable stays dynamic.
///
/// The compiler option for this, `crt-static`, would be for procedural macros too, which cannot have it, unless every
/// build named its target. Hence a folder of our own before the system's: there `-lc` finds the archive.
fn link_c_library_statically() {
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let linker = std::env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_string());
    let folder =
        Path::new(&std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts")).join("static");
    // The unwinder and the C library use each other and the compiler's own functions.
    let wanted = [
        ("gcc_s", &["gcc_eh", "gcc", "c"][..]),
        ("c", &["c", "gcc_eh", "gcc"]),
        ("m", &["m"]),
        ("util", &["util"]),
        ("rt", &["rt"]),
        ("pthread", &["pthread"]),
        ("dl", &["dl"]),
    ];
    let scripts: Option<Vec<_>> = wanted.iter().map(|(_, parts)| archives(&linker, parts)).collect();
    let Some(scripts) = scripts else { return };
    std::fs::create_dir_all(&folder).expect("OUT_DIR can be written to");
    for ((name, _), script) in wanted.iter().zip(scripts) {
        std::fs::write(folder.join(format!("lib{name}.a")), script).expect("OUT_DIR can be written to");
    }
    println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    println!("cargo::rustc-link-arg-bins=-Wl,--no-dynamic-linker");
}

/// A text that linkers take for the archives of these names, or `None` when the C compiler does not know one of them.
fn archives(linker: &str, names: &[&str]) -> Option<String> {
    let mut script = "GROUP (".to_string();
    for name in names {
        let asked = Command::new(linker).arg(format!("-print-file-name=lib{name}.a")).output().ok()?;
        let answer = String::from_utf8(asked.stdout).ok()?;
        let path = Path::new(answer.trim()).canonicalize().ok()?;
        script.push_str(&format!(" \"{}\"", path.display()));
    }
    script.push_str(" )\n");
    Some(script)
}

/// Puts the functions that short programs need side by side (`grammar/link/record`).
fn order_functions() {
    println!("cargo::rerun-if-changed=grammar/link/start.ld");
    let root =
        std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR for build scripts");
    println!("cargo::rustc-link-arg-bins=-T{}", Path::new(&root).join("grammar/link/start.ld").display());
}

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

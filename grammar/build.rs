//! Generates the parser from `grammar/lua.lalrpop`, chooses the dispatcher of the interpreter loop, and says how the executable
//! is linked.

fn main() {
    generate_parser();
    choose_dispatcher();
    link_at_a_fixed_address();
}

/// Writes `lua.rs` to the output directory; a grammar with a conflict stops the build.
fn generate_parser() {
    println!("cargo::rerun-if-changed=grammar/lua.lalrpop");
    println!("cargo::rerun-if-changed=grammar/build.rs");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    if let Err(error) = lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .set_out_dir(out)
        .emit_rerun_directives(false)
        .process()
    {
        panic!("grammar/lua.lalrpop: {error}");
    }
}

/// The handler table relies on sibling calls, which only optimised builds make, and on six argument registers.
fn choose_dispatcher() {
    println!("cargo::rustc-check-cfg=cfg(wippy_table_dispatch)");
    println!("cargo::rerun-if-env-changed=CARGO_FEATURE_MATCH_DISPATCH");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let optimised = var("OPT_LEVEL") != "0";
    let known = matches!(var("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64")
        && var("CARGO_CFG_TARGET_OS") != "windows";
    if optimised && known && std::env::var_os("CARGO_FEATURE_MATCH_DISPATCH").is_none() {
        println!("cargo::rustc-cfg=wippy_table_dispatch");
    }
}

/// A position-independent executable has 15,000 addresses in its constants that the loader fills in at every start: 300 KiB
/// of pages that could be shared with the file become the process's own, a sixth of the time of a short script. So the
/// optimised executable is linked to a fixed address where the C compiler that links it understands how. Stack, heap and
/// libraries are placed at random as before.
fn link_at_a_fixed_address() {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let known = var("CARGO_CFG_TARGET_OS") == "linux" && var("CARGO_CFG_TARGET_ENV") == "gnu";
    let statically = var("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    if known && !statically && var("PROFILE") == "release" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

//! Generates the parser from `grammar/lua.lalrpop` and chooses the dispatcher of the interpreter loop.

fn main() {
    generate_parser();
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

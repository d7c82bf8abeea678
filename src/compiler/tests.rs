//! Error messages, limits and long sources. Listings are in `expr_tests` and `stmt_tests`.

use crate::bytecode::Proto;
use crate::bytecode::disasm::listing;
use crate::bytecode::dump::{dump, undump};
use crate::bytecode::verify::verify;
use crate::syntax::SyntaxError;
use std::sync::Arc;

/// Parses and compiles a source text that must parse.
pub(super) fn compile(source: &str) -> Result<Proto, SyntaxError> {
    let arena = bumpalo::Bump::new();
    let chunk = crate::syntax::parse(source.as_bytes(), &arena)?;
    super::compile(&chunk, source.as_bytes(), b"=test".as_slice().into())
}

fn append(p: &Proto, out: &mut String) {
    out.push_str(&listing(p));
    for inner in &p.protos {
        out.push_str("--\n");
        append(inner, out);
    }
}

/// Compares the listing of a source, and sends the code through verifier and dump.
pub(super) fn check(source: &str, expected: &str) {
    let p = compile(source).unwrap();
    verify(&p).unwrap();
    assert_eq!(undump(&dump(&p, false)).as_ref(), Ok(&p));
    let mut found = String::new();
    append(&p, &mut found);
    assert_eq!(found, expected.trim_start_matches('\n'), "\n{source}\n{found}");
}

fn error(source: &str) -> String {
    let e = compile(source).expect_err("the source is wrong");
    format!("{}: {}", e.line, String::from_utf8_lossy(&e.message))
}

fn list(n: usize, item: impl Fn(usize) -> String, separator: &str) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(separator)
}

#[test]
fn goto_errors() {
    let cases = [
        ("goto x", "1: no visible label 'x' for <goto> at line 1"),
        ("do\n goto x end\nlocal a\n", "4: no visible label 'x' for <goto> at line 2"),
        ("goto l1; do ::l1:: end", "1: no visible label 'l1' for <goto> at line 1"),
        ("a = function() ::a:: goto b end ::b::", "1: no visible label 'b' for <goto> at line 1"),
        ("break", "1: <break> at line 1 not inside a loop"),
        ("function f() break end\n\nx=1", "3: <break> at line 1 not inside a loop"),
        ("::l1:: ::l1::", "1: label 'l1' already defined on line 1"),
        (
            "goto l1; local aa ::l1:: ::l2:: print(3)",
            "1: <goto l1> at line 1 jumps into the scope of local 'aa'",
        ),
        (
            "do\ngoto l1 local b ::l1:: ::l2::\n\n; print(1) end",
            "4: <goto l1> at line 2 jumps into the scope of local 'b'",
        ),
        (
            "repeat if x then goto cont end; local xuxu = 10; ::cont:: until xuxu < x",
            "1: <goto cont> at line 1 jumps into the scope of local 'xuxu'",
        ),
    ];
    for (source, message) in cases {
        assert_eq!(error(source), message, "{source}");
    }
    for good in [
        "do goto l1 local a, b ::l1:: ; ::l2:: end",
        "::a:: do ::a:: goto a end goto a",
        "do goto a ::a:: end ::a::",
        "repeat local x if x then goto c end ::c:: until x",
    ] {
        verify(&compile(good).unwrap()).unwrap();
    }
}

#[test]
fn limits_are_the_references() {
    let locals = list(201, |i| format!("a{i}"), ",");
    let cases = [
        (
            format!("local {locals} = 1"),
            "1: too many local variables (limit is 200) in main function near '='",
        ),
        (
            format!("function f()\nlocal {locals}\n= 1 end"),
            "3: too many local variables (limit is 200) in function at line 1 near '='",
        ),
        (
            format!("\nfunction f({locals}) end"),
            "2: too many local variables (limit is 200) in function at line 2 near ')'",
        ),
        (
            format!("local a; return f({})", list(256, |i| format!("x{i}"), ",")),
            "1: function or expression needs too many registers near 'x253'",
        ),
        (
            format!(
                "local {}\nlocal function f() local {}\n return function() return {} end end",
                list(190, |i| format!("a{i}"), ","),
                list(190, |i| format!("b{i}"), ","),
                list(190, |i| format!("a{i}+b{i}"), "+"),
            ),
            "3: too many upvalues (limit is 255) in function at line 3 near '+'",
        ),
    ];
    for (source, message) in cases {
        assert_eq!(error(&source), message);
    }
    assert_eq!(
        error("function f(a)\n return a, ... end"),
        "2: cannot use '...' outside a vararg function near '...'"
    );
}

#[test]
fn constants_out_of_reach_of_operands() {
    let fields = list(6000, |i| format!("t.s{i} = {i}.5"), "\n");
    let source = format!(
        "local t {fields} t:late(1) t.a, t.b = late1 .. late2, t.late3 + 7777.25
         if t == 'late4' or t ~= 8888.5 then late5 = late6 end return function() t.x = 1 end"
    );
    let p = compile(&source).unwrap();
    verify(&p).unwrap();
    assert!(p.consts.len() > 10_000);
}

#[test]
fn long_sources_need_neither_stack_nor_quadratic_time() {
    let n = 100_000;
    let sources = [
        format!("local a return a{}", "+a".repeat(n)),
        format!("local f return f{}", "()".repeat(n)),
        format!("local t return t{}", "[1]".repeat(n)),
        format!("local o return o{}", ":a()".repeat(n)),
        format!("local a return a{}", " and a".repeat(n)),
        format!("local a local x = a{}", " or a == 1".repeat(n)),
        format!("local a local x = a{}", " or a and b".repeat(n)),
        format!("local a if a then b() {}end", "elseif a == 1 then b() ".repeat(n)),
        format!("local a = 1 return a{}", "!".repeat(n)),
        format!("return {{{}}}", "{},".repeat(n)),
        format!("do {} end ::e::", "goto e ".repeat(n)),
        (0..n).map(|i| format!("goto l{i} ::l{i}:: ")).collect(),
        format!("goto l{} {}", n - 1, (0..n).map(|i| format!("::l{i}:: ")).collect::<String>()),
        format!("::top:: local x; {} f = function() return x end", "if x then goto top end ".repeat(n / 10)),
        format!(
            "while a do local x; {} f = function() return x end end",
            "if x then break end ".repeat(n / 10)
        ),
    ];
    for source in sources {
        verify(&compile(&source).unwrap()).unwrap();
    }
}

#[test]
fn nesting_fits_a_small_stack() {
    let n = 90;
    let sources = [
        format!("return {}x {}", "function() return ".repeat(n), " end".repeat(n)),
        format!("return {}x{}", "(".repeat(2 * n), ")".repeat(2 * n)),
        format!("return {}{}", "{".repeat(2 * n), "}".repeat(2 * n)),
        format!("return {}x", "not ".repeat(2 * n)),
        format!("return x{}", "^x".repeat(2 * n)),
        format!("return x{}", "..x".repeat(2 * n)),
        format!("{}{}", "f(".repeat(2 * n), ")".repeat(2 * n)),
        format!("{}{}", "do local x; f = function() return x end ".repeat(2 * n), " end".repeat(2 * n)),
        format!("{}{}", "if a then ".repeat(2 * n), " end".repeat(2 * n)),
    ];
    // The promise is 256 KiB for optimised code; frames of unoptimised code are larger.
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let run = move || sources.iter().for_each(|source| verify(&compile(source).unwrap()).unwrap());
    small.spawn(run).unwrap().join().unwrap();
}

#[test]
fn debug_information() {
    let p = compile("local a\nlocal function f(x)\n  return x\nend\nfor i = 1,\n  2 do\n  f(\n  i)\nend\n")
        .unwrap();
    assert_eq!((p.line_defined, p.last_line_defined), (0, 0));
    let f = &p.protos[0];
    assert_eq!((f.line_defined, f.last_line_defined, f.num_params), (2, 4, 1));
    let locals: Vec<_> = p.locals.iter().map(|l| std::str::from_utf8(&l.name).unwrap()).collect();
    assert_eq!(locals, ["a", "f", "(for index)", "(for limit)", "(for step)", "i"]);
    let lines: Vec<_> = p.origins.iter().map(|origin| origin.line).collect();
    assert_eq!(lines, [1, 4, 5, 6, 6, 6, 7, 8, 7, 5, 9]);
    let source = "local a = b.c + 1";
    let p = compile(source).unwrap();
    let texts: Vec<_> =
        p.origins.iter().map(|p| &source[p.span.start as usize..p.span.end as usize]).collect();
    assert_eq!(texts, ["b", "b.c", "b.c + 1", ""]);
}

/// A program for every file of Lua tests: what is compiled in pieces, as small as they can be, is what is compiled as a whole.
#[test]
fn pieces_make_the_same_code() {
    let mut in_pieces = 0;
    for room in ["core", "golden", "nasty", "wippy"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lua-tests").join(room);
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "lua")) {
            let text = std::fs::read_to_string(file).unwrap();
            let text = text.strip_prefix("#!/usr/bin/env lua").unwrap_or(&text);
            let Ok(whole) = compile(text) else { continue };
            for size in [0, 100] {
                match super::compile_pieces(text.as_bytes(), &Arc::from(&b"=test"[..]), size) {
                    Ok(Some(proto)) => {
                        assert!(proto == whole, "{} in pieces of {size}", file.display());
                        in_pieces += 1;
                    }
                    Ok(None) => {}
                    Err(e) => panic!("{}: {}", file.display(), String::from_utf8_lossy(&e.message)),
                }
            }
        }
    }
    assert!(in_pieces > 200, "{in_pieces}");
}

/// What an earlier piece may refer to makes the text a whole again.
#[test]
fn parts_that_need_each_other() {
    let cases = [
        ("local a = 1 goto e do end ::e::", false),
        ("local a = 1 do goto e ::e:: end local b", true),
        ("local function f() return T end local x type T = number", false),
        ("type T = number local x = 1 local y = T", true),
        ("local x = 1 local y interface I function f() end", false),
        ("local x = 1 local t = type(x) local y", true),
        ("local x = { a = 1 } local y: typeof(x)", false),
        ("local x: typeof(y) local z = 1 local w", true),
        ("return 1", true),
    ];
    for (source, pieces) in cases {
        let made = super::compile_pieces(source.as_bytes(), &Arc::from(&b"=test"[..]), 0).unwrap();
        assert_eq!(made.is_some(), pieces, "{source}");
        let whole = compile(source).unwrap();
        assert!(made.is_none_or(|made| made == whole), "{source}");
        let text = super::compile_text(source.as_bytes(), &Arc::from(&b"=test"[..])).unwrap();
        assert!(text == whole, "{source}");
    }
}

/// The first error is reported, whether the parser finds it or the compiler.
#[test]
fn first_of_two_errors() {
    let cases = [
        ("local function f() goto x end\n++", "2: no visible label 'x' for <goto> at line 1"),
        ("::a::\n::a::\n++", "2: label 'a' already defined on line 1"),
        ("local function f() break end local a\nlocal function", "1: <break> at line 1 not inside a loop"),
        ("goto x\n++", "2: unexpected symbol near '+'"),
        ("local a = 'x", "1: unfinished string near <eof>"),
    ];
    for (source, message) in cases {
        let error = super::compile_text(source.as_bytes(), &Arc::from(&b"=test"[..])).unwrap_err();
        assert_eq!(error.to_string(), message, "{source}");
    }
}

//! Processes that share their libraries: what a program can observe is the same as with libraries of its own, and what
//! processes share never changes.

use super::script::{Outcome, Script};
use super::{libraries, loader};
use crate::heap::SharedCode;
use crate::vm::Exit;
use crate::vm::environment::Environment;

fn run(script: &mut Script, text: &str) {
    let code: SharedCode =
        SharedCode::publish(loader::compile_source(text.as_bytes(), b"=test").expect("a program"));
    script.start(code, &[]).expect("memory");
    match script.run() {
        Outcome::Done(_) => {}
        Outcome::Failed(failure) => panic!("{}\n{text}", String::from_utf8_lossy(&failure.message)),
        Outcome::Quit(code) => panic!("ended with {code}"),
    }
    script.vm().check_heap().expect("a whole heap");
}

fn shared_libraries() -> &'static Environment {
    libraries::shared(|_| Ok(())).expect("memory")
}

fn shared() -> Script {
    Script::shared(shared_libraries(), None).expect("memory")
}

/// Each changes something of a library and sees that everything that refers to it sees the change.
const CHANGES: [&str; 29] = [
    "x = 1 assert(_G.x == 1 and _ENV.x == 1 and rawget(_G, 'x') == 1 and package.loaded._G == _G and _G == _ENV)",
    "local g = _G x = 1 assert(g == _G and g.x == 1 and rawequal(g, _G._G))",
    "function string.twice(s) return s .. s end assert(('ab'):twice() == 'abab' and package.loaded.string == string)",
    "local s = string s.len = function() return 7 end assert(('ab'):len() == 7 and string.len == s.len and #'ab' == 2)",
    "string.rep = nil assert(string.rep == nil and not pcall(function() return ('x'):rep(3) end))",
    "local s = string assert(rawset(s, 'y', 5) == string and s == string and s.y == 5)",
    "local t = setmetatable(math, { __index = function(_, k) return k end }) assert(t == math and math.nothing == 'nothing')",
    "local called = 0 setmetatable(math, { __newindex = function() called = called + 1 end }) math.pi = 3 math['huge'] = 4 assert(math.pi == 3 and math.huge == 4 and called == 0) math.fresh = 1 assert(called == 1 and rawget(math, 'fresh') == nil)",
    "table.insert(table, 'first') assert(table[1] == 'first' and #table == 1 and table.remove(table) == 'first' and #table == 0)",
    "table.insert(math, 1, 'a') table.insert(math, 1, 'b') assert(math[1] == 'b' and math[2] == 'a')",
    "for i = 1, 5 do os[i] = 6 - i end table.sort(os) for i = 1, 5 do assert(os[i] == i) end",
    "local t = { string } local u = { [1] = t } string.z = 1 assert(t[1] == string and u[1][1].z == 1)",
    "local function f() return string end local co = coroutine.wrap(function() local s = string coroutine.yield() return s end) co() string.q = 2 assert(f() == string and co() == string and co ~= nil)",
    "local keys = { [string] = 1, [table] = 2 } assert(keys[string] == 1 and keys[table] == 2) string.k = 1 assert(keys[string] == 1) local n = 0 for k in pairs(keys) do k.visited = true n = n + 1 end assert(n == 2 and string.visited and table.visited)",
    "local m = getmetatable('') m.__add = function(a, b) return a .. b end assert('a' + 'b' == 'ab' and m == getmetatable('x'))",
    "debug.setmetatable('', { __index = function() return 3 end }) assert(('x').y == 3)",
    "local out = io.stdout debug.setuservalue(out, 5) assert(debug.getuservalue(io.stdout) == 5 and out == io.stdout)",
    "getmetatable(io.stdout).extra = 1 assert(io.stdout.extra == nil or io.stdout.extra == 1) assert(io.type(io.stdout) == 'file')",
    "package.preload.mine = function(...) return { name = ... } end local m = require 'mine' assert(m.name == 'mine' and package.loaded.mine == m and require 'mine' == m)",
    "local seen = {} for k, v in pairs(_G) do seen[k] = v end assert(seen._G == _G and seen.string == string) y = 1 for k, v in pairs(seen) do assert(_G[k] == v or k == 'y', k) end",
    "local ok, e = pcall(rawset, string, nil, 1) assert(not ok and e:find('index is nil')) ok, e = pcall(rawset, string, 0/0, 1) assert(not ok and e:find('NaN'))",
    "local t = setmetatable({}, { __index = string, __newindex = string }) t.fresh = 1 assert(string.fresh == 1 and t.fresh == 1 and rawget(t, 'fresh') == nil)",
    "local m = setmetatable({}, math) assert(m.pi == nil) math.__index = math assert(m.pi == math.pi) local n = setmetatable({}, { __index = math }) assert(n.pi == math.pi)",
    // First what leads to the globals, then the rest, with references to both everywhere.
    "local g, s, r = _G, string, require x = 1 assert(g == _G and s == string and r == require) s.y = 2 assert(string.y == 2 and g.string == s and package.loaded.string == s and ('').y == 2 and r == require)",
    "package.loaded.mine = 1 local keys = { [_G] = 1, [package] = 2, [string] = 3, [io.stdout] = 4 } math.q = 1 assert(keys[_G] == 1 and keys[package] == 2 and keys[string] == 3 and keys[io.stdout] == 4)",
    "local co = coroutine.wrap(function(...) local t = { ... } while true do coroutine.yield(t[1] == _G, t[2] == string, t[3] == package.loaded) end end) assert(select('#', co(_G, string, package.loaded)) == 3) x = 1 local a, b, c = co() assert(a and b and c) string.x = 1 a, b, c = co() assert(a and b and c)",
    "local p = package x = 1 assert(setmetatable(string, p) == string and p == package and getmetatable(string) == p) p.__index = p assert(string.loaded == package.loaded)",
    "local loaded = setmetatable(package.loaded, { __newindex = function(t, k, v) rawset(t, k, v) string.seen = k end }) loaded.fresh = 1 assert(loaded == package.loaded and string.seen == 'fresh' and loaded.fresh == 1)",
    "table.sort({ 3, 1, 2 }, function(a, b) x = a string.last = b _G.y = string return a < b end) assert(x and string.last and y == string and _G.y == package.loaded.string)",
];

#[test]
fn changes_are_seen_everywhere() {
    let libraries = shared_libraries();
    let before = libraries.checksum();
    for text in CHANGES {
        let mut script = shared();
        run(&mut script, text);
        run(&mut script, "collectgarbage() assert(type(next(package.loaded)) == 'string')");
        script.close();
        // With libraries of its own a process must see the same.
        run(&mut Script::new(None).expect("memory"), text);
    }
    assert_eq!(libraries.checksum(), before);
}

/// A process that only reads never gets its own libraries, and another one does not see what the first changed.
#[test]
fn one_process_does_not_see_the_changes_of_another() {
    let (mut a, mut b) = (shared(), shared());
    run(&mut a, "string.rep = 1 x = 1 math.pi = 3");
    run(&mut b, "assert(('x'):rep(3) == 'xxx' and rawget(_G, 'x') == nil and math.pi > 3.1)");
    assert!(b.vm().shares_environment() && !a.vm().shares_environment());
}

/// A process takes little memory while it only reads.
#[test]
fn an_idle_process_is_small() {
    let mut script = shared();
    run(
        &mut script,
        "local t = { 1, 2, 3 } local function f(x) return x + 1 end return f(t[1]) + math.max(1, 2) + #('x'):rep(3)",
    );
    let size = script.vm().bytes_resident();
    assert!(size <= crate::limits::MAX_IDLE_PROCESS, "{size} bytes");
}

/// A global and a loaded module leave most of the libraries shared.
#[test]
fn a_process_with_globals_is_small() {
    let mut script = shared();
    let before = script.vm().bytes_resident();
    run(
        &mut script,
        "x = 1 function f() return x end package.loaded.mine = { f } assert(require 'mine'[1] == f)",
    );
    assert!(script.vm().shares_environment());
    let size = script.vm().bytes_resident() - before;
    assert!(size <= 8 << 10, "{size} bytes");
    run(&mut script, "local s, g = string, _G s.y = f assert(('').y() == 1 and g == _G and g.f == s.y)");
    assert!(!script.vm().shares_environment());
}

/// The first allocation that fails leaves the libraries shared, the next attempt owns them.
#[test]
fn owning_may_run_out_of_memory() {
    for n in 0..60 {
        let mut script = shared();
        let heap = &mut script.vm().heap;
        heap.fail_once = true;
        heap.fail_after = Some(n);
        let code = loader::compile_source(
            b"local ok = pcall(rawset, _G, 'a', 1) if not ok then rawset(_G, 'a', 1) end assert(a == 1) \
            ok = pcall(rawset, string, 'a', 1) if not ok then rawset(string, 'a', 1) end assert(string.a == 1 and ('').a == 1)",
            b"=test",
        );
        if script.start(SharedCode::publish(code.expect("a program")), &[]).is_ok() {
            while script.vm().run() == Exit::Preempted {}
        }
        script.vm().heap.fail_after = None;
        run(&mut script, "string.b = 2 assert(('').b == 2 and package.loaded.string.b == 2)");
    }
}

/// Every program of `lua-tests/core` passes in a process with shared libraries, which are the same afterwards.
#[test]
fn core_programs_pass() {
    let libraries = shared_libraries();
    let before = libraries.checksum();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/lua-tests/core");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("a file").path()).collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "lua")) {
        let text = std::fs::read(path).expect("a file");
        let name = format!("@{}", path.file_name().expect("a file").display());
        let proto = loader::compile_source(&text, name.as_bytes()).expect("a program");
        let mut script = shared();
        script.set_arg(name.as_bytes(), &[]).expect("memory");
        script.start(SharedCode::publish(proto), &[]).expect("memory");
        match script.run() {
            Outcome::Done(_) | Outcome::Quit(0) => {}
            Outcome::Failed(failure) => {
                panic!("{}: {}", path.display(), String::from_utf8_lossy(&failure.message))
            }
            Outcome::Quit(code) => panic!("{}: ended with {code}", path.display()),
        }
        script.close();
    }
    assert_eq!(libraries.checksum(), before);
}

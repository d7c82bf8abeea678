//! Parts of the interpreter one by one: `cargo bench --bench micro`.
//!
//! `benches/compare` says how fast whole programs run; this says which part a change has touched. Every Lua part is one
//! loop of [`TURNS`] turns, so the figure is the time of that many operations and their share of the loop.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wippy::runtime::loader::compile_source;
use wippy::runtime::script::{Outcome, Script};
use wippy::syntax;

const TURNS: u64 = 10_000;

/// A text of ordinary code, about 200 KB.
fn source() -> Vec<u8> {
    let mut text = String::from("do\n");
    for i in 0..600 {
        text.push_str(&format!(
            "local function f{i}(a, b, ...)
  local x, y = a + {i}, b * {i}.5
  if x < y and not (a == b) then x = x + #tostring(y) .. \"text {i}\" end
  local t = {{ a, b, name = \"n{i}\", [x] = y, f = function(z) return z + x end }}
  for key, value in pairs(t) do print(key, value, ...) end
  return t.f(x), t.name:upper(), select('#', ...)
end
global_{i} = f{i}
"
        ));
        // At most 200 local variables in one scope.
        if i % 100 == 99 {
            text.push_str("end do\n");
        }
    }
    text.push_str("end\n");
    text.into_bytes()
}

fn compiling(c: &mut Criterion) {
    let text = source();
    let mut group = c.benchmark_group("compile");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("lex", |b| {
        b.iter(|| {
            let arena = bumpalo::Bump::new();
            let shared = syntax::lexer::Shared::new(&text, &arena);
            syntax::lexer::Lexer::new(&shared).filter(Result::is_ok).count()
        });
    });
    group.bench_function("parse", |b| {
        b.iter(|| {
            let arena = bumpalo::Bump::new();
            syntax::parse(&text, &arena).expect("the text is a program").block.stats.len()
        });
    });
    group.bench_function("parse and compile", |b| {
        b.iter(|| compile_source(black_box(&text), b"=bench").expect("the text is a program").protos.len());
    });
    group.finish();
}

/// Runs a chunk in a process.
fn run(script: &mut Script, chunk: &str) {
    let started = script.start_chunk(chunk.as_bytes(), b"=bench").expect("memory");
    started.expect("the chunk is a program");
    assert!(matches!(script.run(), Outcome::Done(0)), "the chunk runs");
}

/// One group: name, what comes before the loop, and its body.
fn group(c: &mut Criterion, name: &str, parts: &[(&str, &str, &str)]) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(TURNS));
    for (part, before, body) in parts {
        let mut script = Script::new(None).expect("memory");
        let chunk = format!("{before}\nfor i = 1, {TURNS} do {body} end");
        group.bench_function(*part, |b| b.iter(|| run(&mut script, &chunk)));
    }
    group.finish();
}

fn tables(c: &mut Criterion) {
    let parts = [
        ("fields", "local p = { x = 1, y = 2 }", "p.x = p.y + i"),
        ("missing field", "local p, n = { x = 1 }, 0", "if p.y then n = n + 1 end"),
        ("inherited field", "local p = setmetatable({}, { __index = { x = 1 } }) local n = 0", "n = n + p.x"),
        ("append", "local t = {}", "t[#t + 1] = i"),
        ("array", "local t = table.pack(('x'):rep(64):byte(1, -1)) local n = 0", "n = n + t[i % 64 + 1]"),
        ("integer keys", "local t = {}", "t[i * 8] = i"),
        ("float keys", "local t = {}", "t[i + 0.5] = i"),
        ("string keys", "local t = {}", "t['key' .. i % 100] = i"),
        ("pairs", "local t, n = { a = 1, b = 2, c = 3, d = 4 }, 0", "for k, v in pairs(t) do n = n + v end"),
    ];
    group(c, "table", &parts);
}

fn strings(c: &mut Criterion) {
    let parts = [
        ("concat", "local s", "s = 'number ' .. i"),
        ("sub", "local s, t = ('abcdefgh'):rep(8)", "t = s:sub(i % 50, i % 50 + 7)"),
        ("byte", "local s, n = ('abcdefgh'):rep(8), 0", "n = n + s:byte(i % 64 + 1)"),
        ("find plain", "local s, n = ('abcdefgh'):rep(32) .. 'xyz', 0", "n = n + s:find('xyz', 1, true)"),
        ("match", "local s, n = 'key = value', 0", "if s:match('^(%w+)%s*=') then n = n + 1 end"),
        ("format", "local s", "s = string.format('%d %s %5.2f', i, 'text', i / 3)"),
        (
            "compare",
            "local a, b, n = ('x'):rep(40) .. 1, ('x'):rep(40) .. 2, 0",
            "if a < b then n = n + 1 end",
        ),
    ];
    group(c, "string", &parts);
}

fn calls(c: &mut Criterion) {
    let parts = [
        ("Lua", "local function f(a) return a end local n", "n = f(i)"),
        ("variable arguments", "local function f(...) return ... end local n", "n = f(i, i)"),
        (
            "method",
            "local C = {} C.__index = C function C:f() return 1 end local o, n = setmetatable({}, C), 0",
            "n = o:f()",
        ),
        ("native", "local f, n = math.floor", "n = f(i)"),
        ("metamethod", "local v = setmetatable({}, { __add = function(a, b) return a end })", "v = v + i"),
        ("pcall", "local function f(a) return a end local ok", "ok = pcall(f, i)"),
        ("error", "local ok", "ok = pcall(error, i)"),
        (
            "coroutine",
            "local co = coroutine.wrap(function() while true do coroutine.yield(1) end end) local n",
            "n = co()",
        ),
        (
            "comparator",
            "local t = {} for k = 1, 8 do t[k] = -k end local f = function(a, b) return a < b end",
            "table.sort(t, f)",
        ),
    ];
    group(c, "call", &parts);
}

fn memory(c: &mut Criterion) {
    let parts = [
        ("empty tables", "local t", "t = {}"),
        ("records", "local t", "t = { x = i, y = i }"),
        ("closures", "local f", "f = function() return i end"),
        ("coroutines", "local co", "co = coroutine.create(print)"),
    ];
    group(c, "allocate", &parts);

    let mut group = c.benchmark_group("collect");
    group.throughput(Throughput::Elements(TURNS));
    for (name, element) in
        [("records", "{ x = i }"), ("strings", "'string ' .. i"), ("closures", "function() return i end")]
    {
        let mut script = Script::new(None).expect("memory");
        run(&mut script, &format!("live = {{}} for i = 1, {TURNS} do live[i] = {element} end"));
        group.bench_function(name, |b| b.iter(|| run(&mut script, "collectgarbage()")));
    }
    group.finish();
}

criterion_group!(benches, compiling, tables, strings, calls, memory);
criterion_main!(benches);

//! How long slices are, in processor time: whether the budget bounds what runs, and whether it is honest.
//!
//! ```text
//! cargo bench --bench slices >/dev/null                     native functions, then the programs of this repository
//! cargo bench --bench slices -- FILE... >/dev/null          these programs
//! cargo bench --bench slices -- --natives >/dev/null        native functions only
//! ```
//!
//! The report goes to standard error, because the programs print. Time is that of the thread, so a busy machine does not
//! count. Collections count: they run inside slices.

use rustix::time::{ClockId, clock_gettime};
use std::path::{Path, PathBuf};
use wippy::runtime::script::Script;
use wippy::vm::Exit;

/// Name, program text that prepares `n` things, expression or statements to repeat.
const NATIVES: &[(&str, &str, &str)] = &[
    ("(loop)", "", "for i = 1, n do end"),
    ("(loop, arithmetic)", "local x = 0", "for i = 1, n do x = x + i * 2 end"),
    ("(loop, calls)", "local function f(a) return a end", "for i = 1, n do f(i) end"),
    ("(loop, fields)", "local t = { x = 0 }", "for i = 1, n do t.x = t.x + 1 end"),
    ("(loop, tables)", "local t", "for i = 1, n do t = { i } end"),
    ("(loop, closures)", "local f", "for i = 1, n do f = function() return i end end"),
    ("(loop, concat)", "local s", "for i = 1, n do s = i .. 'x' end"),
    ("(loop, pairs)", "local t = {} for i = 1, n do t['k' .. i] = i end", "for k, v in pairs(t) do end"),
    ("(concat op)", "local s = ('x'):rep(n)", "local x = s .. s"),
    ("(string compare)", "local a, b = ('x'):rep(n), ('x'):rep(n)", "local x = a == b"),
    ("(string less)", "local a, b = ('x'):rep(n), ('x'):rep(n)", "local x = a < b"),
    ("(string as key)", "local a, t = ('x'):rep(n), {}", "t[a .. 'y'] = 1"),
    ("(length)", "local t = {} for i = 1, n do t[i] = i end", "local x = #t"),
    (
        "(varargs)",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = i end local function f(...) return ... end",
        "f(table.unpack(t))",
    ),
    (
        "(constructor)",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = i end local function f(...) return { ... } end",
        "f(table.unpack(t))",
    ),
    ("select", "local t = {} for i = 1, math.min(n, 200000) do t[i] = i end", "select('#', table.unpack(t))"),
    (
        "select -1",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = i end",
        "select(-1, table.unpack(t))",
    ),
    ("string.rep", "", "string.rep('x', n)"),
    ("string.rep words", "", "string.rep('hello', n // 5)"),
    ("string.rep separated", "", "string.rep('a', n // 2, ',')"),
    ("string.sub", "local s = ('x'):rep(n)", "string.sub(s, 2)"),
    ("string.upper", "local s = ('x'):rep(n)", "string.upper(s)"),
    ("string.lower", "local s = ('X'):rep(n)", "string.lower(s)"),
    ("string.reverse", "local s = ('x'):rep(n)", "string.reverse(s)"),
    ("string.len", "local s = ('x'):rep(n)", "string.len(s)"),
    ("string.byte all", "local s = ('x'):rep(math.min(n, 200000))", "string.byte(s, 1, -1)"),
    (
        "string.char many",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = 65 end",
        "string.char(table.unpack(t))",
    ),
    ("string.find plain", "local s = ('x'):rep(n)", "string.find(s, 'y', 1, true)"),
    ("string.find plain near", "local s = ('x'):rep(n)", "string.find(s, 'xxxxxxxxy', 1, true)"),
    ("string.find pattern", "local s = ('x'):rep(n)", "string.find(s, '^x-y?z')"),
    ("string.find class", "local s = ('x'):rep(n)", "string.find(s, '[%d%s]')"),
    ("string.match greedy", "local s = ('x'):rep(n)", "string.match(s, '^.*$')"),
    ("string.match lazy", "local s = ('x'):rep(n)", "string.match(s, '^.-$')"),
    ("string.match captures", "local s = ('x'):rep(n)", "string.match(s, '(.*)(.)')"),
    ("string.match balanced", "local s = '(' .. ('x'):rep(n) .. ')'", "string.match(s, '%b()')"),
    ("string.match frontier", "local s = ('x '):rep(n // 2) .. '1'", "string.match(s, '%f[%d]')"),
    ("string.gmatch", "local s = ('ab '):rep(n // 3)", "for w in string.gmatch(s, '%a+') do end"),
    ("string.gsub text", "local s = ('ab '):rep(n // 3)", "string.gsub(s, 'a', 'b')"),
    ("string.gsub none", "local s = ('ab '):rep(n // 3)", "string.gsub(s, 'x', 'b')"),
    ("string.gsub table", "local s, t = ('ab '):rep(n // 3), { ab = 'x' }", "string.gsub(s, '%a+', t)"),
    ("string.gsub function", "local s = ('ab '):rep(n // 3)", "string.gsub(s, '%a+', function() end)"),
    ("string.gsub captures", "local s = ('ab '):rep(n // 3)", "string.gsub(s, '(%a)(%a)', '%2%1%0')"),
    ("string.format %s", "local s = ('x'):rep(n)", "string.format('%s', s)"),
    ("string.format %q", "local s = ('x\\n'):rep(n // 2)", "string.format('%q', s)"),
    (
        "string.format %d",
        "local f = ('%d '):rep(math.min(n, 200000) // 4) local t = {} for i = 1, math.min(n, 200000) // 4 do t[i] = i end",
        "string.format(f, table.unpack(t))",
    ),
    (
        "string.format %g",
        "local f = ('%.14g '):rep(math.min(n, 200000) // 4) local t = {} for i = 1, math.min(n, 200000) // 4 do t[i] = i / 3 end",
        "string.format(f, table.unpack(t))",
    ),
    (
        "string.pack",
        "local f = ('i4'):rep(math.min(n, 200000) // 4) local t = {} for i = 1, math.min(n, 200000) // 4 do t[i] = i end",
        "string.pack(f, table.unpack(t))",
    ),
    (
        "string.unpack",
        "local f = ('i4'):rep(math.min(n, 200000) // 4) local s = ('x'):rep(n)",
        "string.unpack(f, s)",
    ),
    ("string.pack z", "local s = ('x'):rep(n)", "string.pack('z', s)"),
    ("string.unpack z", "local s = ('x'):rep(n) .. '\\0'", "string.unpack('z', s)"),
    ("string.packsize", "local f = ('i4'):rep(n // 2)", "string.packsize(f)"),
    (
        "string.dump",
        "local t = {} for i = 1, n // 20 do t[i] = 'x = x + ' .. i end local f = load(table.concat(t, ' '))",
        "string.dump(f)",
    ),
    (
        "load",
        "local t = {} for i = 1, n // 20 do t[i] = 'x = x + ' .. i end local s = table.concat(t, '\\n')",
        "load(s)",
    ),
    (
        "load pieces",
        "local t = {} for i = 1, n // 20 do t[i] = 'x = x + ' .. i .. '\\n' end",
        "local i = 0 load(function() i = i + 1 return t[i] end)",
    ),
    (
        "load binary",
        "local t = {} for i = 1, n // 20 do t[i] = 'x = x + ' .. i end local s = string.dump(load(table.concat(t, ' ')))",
        "load(s)",
    ),
    ("table.concat", "local t = {} for i = 1, n do t[i] = 'x' end", "table.concat(t)"),
    ("table.concat separated", "local t = {} for i = 1, n do t[i] = 'x' end", "table.concat(t, ', ')"),
    ("table.concat numbers", "local t = {} for i = 1, n do t[i] = i end", "table.concat(t, ' ')"),
    ("table.concat floats", "local t = {} for i = 1, n do t[i] = i / 3 end", "table.concat(t, ' ')"),
    (
        "table.concat long",
        "local t, s = {}, ('x'):rep(1000) for i = 1, n // 1000 do t[i] = s end",
        "table.concat(t)",
    ),
    ("table.insert first", "local t = {} for i = 1, n do t[i] = i end", "table.insert(t, 1, 0) t[#t] = nil"),
    ("table.remove first", "local t = {} for i = 1, n do t[i] = i end", "table.remove(t, 1) t[#t + 1] = 0"),
    ("table.insert last", "local t = {}", "for i = 1, n do table.insert(t, i) end t = {}"),
    ("table.move", "local t = {} for i = 1, n do t[i] = i end", "table.move(t, 1, n, 2)"),
    ("table.move new", "local t = {} for i = 1, n do t[i] = i end", "table.move(t, 1, n, 1, {})"),
    ("table.move hash", "local t = {} for i = 1, n do t[i << 20] = i end", "table.move(t, 1, n, 2)"),
    (
        "table.pack",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = i end",
        "table.pack(table.unpack(t))",
    ),
    ("table.unpack", "local t = {} for i = 1, math.min(n, 900000) do t[i] = i end", "table.unpack(t)"),
    ("table.sort sorted", "local t = {} for i = 1, n do t[i] = i end", "table.sort(t)"),
    (
        "table.sort mixed",
        "local s = {} local x = 1 for i = 1, n do x = x * 16807 % 2147483647 s[i] = x end",
        "local t = table.move(s, 1, n, 1, {}) table.sort(t)",
    ),
    (
        "table.sort strings",
        "local s = {} local x = 1 for i = 1, n do x = x * 16807 % 2147483647 s[i] = 'k' .. x end",
        "local t = table.move(s, 1, n, 1, {}) table.sort(t)",
    ),
    (
        "table.sort function",
        "local s = {} local x = 1 for i = 1, n do x = x * 16807 % 2147483647 s[i] = x end",
        "local t = table.move(s, 1, n, 1, {}) table.sort(t, function(a, b) return a < b end)",
    ),
    ("tostring", "", "for i = 1, n do tostring(i) end"),
    ("tostring float", "", "for i = 1, n do tostring(i / 3) end"),
    ("tonumber", "", "for i = 1, n do tonumber('12345') end"),
    ("tonumber long", "local s = ('1'):rep(n)", "tonumber(s)"),
    ("tonumber base", "local s = ('1'):rep(n)", "tonumber(s, 7)"),
    ("next", "local t = {} for i = 1, n do t[i] = i end", "local k repeat k = next(t, k) until not k"),
    (
        "next holes",
        "local t = {} for i = 1, n do t['k' .. i] = i end for i = 1, n do t['k' .. i] = nil end",
        "next(t)",
    ),
    (
        "next array holes",
        "local t = {} for i = 1, n do t[i] = i end for i = 1, n do t[i] = nil end",
        "next(t)",
    ),
    ("ipairs", "local t = {} for i = 1, n do t[i] = i end", "for i, v in ipairs(t) do end"),
    ("rawequal", "local a, b = ('x'):rep(n), ('x'):rep(n)", "rawequal(a, b)"),
    ("pcall", "local function f() end", "for i = 1, n do pcall(f) end"),
    ("pcall error", "local function f() error('e') end", "for i = 1, n do pcall(f) end"),
    ("setmetatable", "local t = {}", "for i = 1, n do setmetatable(t, t) end"),
    ("math.floor", "", "for i = 1, n do math.floor(i / 3) end"),
    ("math.sin", "", "for i = 1, n do math.sin(i) end"),
    ("math.random", "", "for i = 1, n do math.random(i) end"),
    (
        "math.max many",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = i end",
        "math.max(table.unpack(t))",
    ),
    ("utf8.len", "local s = ('ä'):rep(n // 2)", "utf8.len(s)"),
    ("utf8.len ascii", "local s = ('a'):rep(n)", "utf8.len(s)"),
    ("utf8.offset", "local s = ('ä'):rep(n // 2)", "utf8.offset(s, n // 2)"),
    ("utf8.codepoint", "local s = ('ä'):rep(math.min(n, 200000) // 2)", "utf8.codepoint(s, 1, -1)"),
    ("utf8.codes", "local s = ('ä'):rep(n // 2)", "for p, c in utf8.codes(s) do end"),
    (
        "utf8.char",
        "local t = {} for i = 1, math.min(n, 200000) do t[i] = 228 end",
        "utf8.char(table.unpack(t))",
    ),
    ("coroutine.wrap", "", "for i = 1, n do coroutine.wrap(function() end)() end"),
    (
        "coroutine.yield",
        "local f = coroutine.wrap(function() while true do coroutine.yield() end end)",
        "for i = 1, n do f() end",
    ),
    ("os.date", "local f = ('%Y'):rep(n // 2)", "os.date(f, 0)"),
    ("debug.traceback", "", "for i = 1, n do debug.traceback('x') end"),
    (
        "debug.traceback deep",
        "local function f(d) if d == 0 then return debug.traceback('x') end return (f(d - 1)) end",
        "f(math.min(n, 150000))",
    ),
    ("debug.getinfo", "", "for i = 1, n do debug.getinfo(1) end"),
    (
        "error unwinding",
        "local function f(d) if d == 0 then error('e') end return (f(d - 1)) end",
        "pcall(f, math.min(n, 150000))",
    ),
    ("collectgarbage", "local t = {} for i = 1, n // 10 do t[i] = { i } end", "collectgarbage()"),
];
const SIZES: [usize; 4] = [10, 1_000, 100_000, 4_000_000];

/// Processor time of this thread in nanoseconds.
fn now() -> u64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// A slice: nanoseconds and reductions.
type Slice = (u64, i64);

/// Runs what was started; its slices and whether it ended as it should.
fn run(script: &mut Script, slices: &mut Vec<Slice>) -> Exit {
    loop {
        let start = now();
        let exit = script.vm().run();
        slices.push((now() - start, script.vm().spent()));
        if exit != Exit::Preempted {
            return exit;
        }
    }
}

fn start(script: &mut Script, text: &str) -> bool {
    matches!(script.start_chunk(text.as_bytes(), b"=slices"), Ok(Ok(())))
}

/// Slices of repeating `body` for some milliseconds, without the preparation.
fn native(setup: &str, body: &str, n: usize) -> Option<Vec<Slice>> {
    let mut script = Script::new(None).ok()?;
    let text = format!("local n = {n} {setup} function work(times) for _ = 1, times do {body} end end");
    if !start(&mut script, &text) || run(&mut script, &mut Vec::new()) != Exit::Done {
        return None;
    }
    let mut times = 1;
    loop {
        let mut slices = Vec::new();
        // What the preparation left behind is not the measured function's.
        if !start(&mut script, "collectgarbage()") || run(&mut script, &mut Vec::new()) != Exit::Done {
            return None;
        }
        if !start(&mut script, &format!("work({times})")) || run(&mut script, &mut slices) != Exit::Done {
            return None;
        }
        if slices.iter().map(|s| s.0).sum::<u64>() > 20_000_000 || times > 1 << 20 {
            return Some(slices);
        }
        times *= 4;
    }
}

fn natives() {
    eprintln!("reductions per microsecond, and the longest slice in milliseconds");
    eprint!("{:24}", "");
    for n in SIZES {
        eprint!("{n:>16}");
    }
    eprintln!();
    let mut rates = Vec::new();
    for (name, setup, body) in NATIVES {
        eprint!("{name:24}");
        for n in SIZES {
            let Some(slices) = native(setup, body, n) else {
                eprint!("{:>16}", "failed");
                continue;
            };
            let time: u64 = slices.iter().map(|s| s.0).sum();
            let spent: i64 = slices.iter().map(|s| s.1).sum();
            let longest = slices.iter().map(|s| s.0).max().unwrap_or(0);
            let rate = spent as f64 * 1e3 / time as f64;
            rates.push((rate, longest, format!("{name} {n}")));
            eprint!("{rate:>8.1}{:>8.2}", longest as f64 / 1e6);
        }
        eprintln!();
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(slow), Some(fast)) = (rates.first(), rates.last()) {
        eprintln!("between {:.1} ({}) and {:.1} ({})", slow.0, slow.2, fast.0, fast.2);
    }
    if let Some((_, longest, name)) = rates.iter().max_by_key(|r| r.1) {
        eprintln!("longest slice {:.2} ms ({name})", *longest as f64 / 1e6);
    }
}

/// The Lua files of a folder of this repository.
fn files_of(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    let is_program = |p: &PathBuf| {
        p.extension().is_some_and(|e| e == "lua")
            && !p.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"_"))
    };
    files.retain(is_program);
    files.sort();
    files
}

fn program(path: &Path, slices: &mut Vec<Slice>) {
    let Ok(text) = std::fs::read(path) else { return eprintln!("cannot read {}", path.display()) };
    let home = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().map(|n| n.as_encoded_bytes().to_vec()).unwrap_or_default();
    let start = std::env::current_dir();
    let _ = std::env::set_current_dir(home);
    let limit = String::from_utf8_lossy(&text).contains("--memory-limit").then_some(64 << 20);
    if let Ok(mut script) = Script::new(limit.or(Some(1 << 30))) {
        let _ = script.set_arg(&name, &[]);
        if let Ok(Ok(())) = script.start_chunk(&text, &[b"@", &name[..]].concat()) {
            run(&mut script, slices);
        }
    }
    if let Ok(start) = start {
        let _ = std::env::set_current_dir(start);
    }
}

fn programs(files: &[PathBuf]) {
    let mut all: Vec<(u64, usize)> = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let mut slices = Vec::new();
        program(file, &mut slices);
        all.extend(slices.iter().map(|s| (s.0, i)));
    }
    all.sort_unstable();
    let Some(last) = all.len().checked_sub(1) else { return };
    let at = |share: f64| all[(last as f64 * share) as usize].0 as f64 / 1e6;
    eprintln!("{} programs, {} slices, milliseconds:", files.len(), all.len());
    eprintln!("p50 {:.3}  p99 {:.3}  p99.9 {:.3}  max {:.3}", at(0.5), at(0.99), at(0.999), at(1.0));
    let mut shown = Vec::new();
    for (time, i) in all.iter().rev() {
        if !shown.contains(i) {
            shown.push(*i);
            eprintln!("  {:8.3}  {}", *time as f64 / 1e6, files[*i].display());
        }
        if shown.len() == 15 {
            break;
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| w != "--bench").collect();
    let files: Vec<PathBuf> = words.iter().filter(|w| !w.starts_with("--")).map(PathBuf::from).collect();
    if !files.is_empty() {
        return programs(&files);
    }
    natives();
    if !words.iter().any(|w| w == "--natives") {
        let folders = ["benches/lua", "lua-tests/core", "lua-tests/golden", "lua-tests/nasty"];
        programs(&folders.iter().flat_map(|f| files_of(f)).collect::<Vec<_>>());
    }
}

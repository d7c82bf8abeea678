//! A counting allocator beside the account: what a process says it holds is what it got from the system.
//!
//! Compared are [`Heap::bytes_held`], which the memory limit applies to, and the bytes that this program has got from its
//! allocator and not given back. Two things are not the process's: what there was before it, and cells that nothing uses, in regions
//! of its own ([`Heap::bytes_spare`]). The executable takes blocks of up to 2 KiB from slabs of its own (`heap/slab.rs`): it rounds them
//! up, so that what it has from the kernel is somewhat more than what is counted here.
//!
//! Each program keeps much of one kind of thing, or works on something large, and is measured after every slice. Measured are only
//! processes with more than [`BASE`] bytes: below, fixed costs prevail. When a process has gone, everything it got is given back.
//!
//! [`Heap::bytes_held`]: wippy::heap::Heap::bytes_held
//! [`Heap::bytes_spare`]: wippy::heap::Heap::bytes_spare

mod counting;
mod messages;
#[allow(dead_code, reason = "made for another program of tests")]
#[path = "../runtime/world.rs"]
mod world;

use std::process::ExitCode;

use counting::in_use;
use libtest_mimic::{Arguments, Failed, Trial};
use wippy::runtime::script::Script;
use wippy::vm::Exit;

/// Bytes from which on the account has to be right.
const BASE: usize = 1 << 20;

/// How far it may be off, in percent: too little, too much.
type Tolerance = (usize, usize);
const EXACT: Tolerance = (5, 5);
/// While a chunk is compiled, the account has what there was at the last turn's end, and not what the parser still holds.
const COMPILED: Tolerance = (25, 35);
/// Lists that double their size make what is guessed right only now and then.
const ROUGH: Tolerance = (60, 200);

/// What is kept in the table `k`.
const KEPT: &[(&str, &str)] = &[
    ("short strings", "for i = 1, 200000 do k[i] = 'key number ' .. i end"),
    ("strings of 100", "for i = 1, 50000 do k[i] = ('x'):rep(96) .. i end"),
    ("strings of 300", "for i = 1, 20000 do k[i] = ('x'):rep(296) .. i end"),
    ("strings of 600", "for i = 1, 20000 do k[i] = ('x'):rep(596) .. i end"),
    ("strings of 2000", "for i = 1, 4000 do k[i] = ('x'):rep(2000) .. i end"),
    ("strings of 100000", "for i = 1, 100 do k[i] = ('x'):rep(100000) .. i end"),
    ("empty tables", "for i = 1, 100000 do k[i] = {} end"),
    ("pairs", "for i = 1, 100000 do k[i] = {i, i} end"),
    ("arrays of 40", "for i = 1, 10000 do local t = {} for j = 1, 40 do t[j] = j end k[i] = t end"),
    ("arrays of 1000", "for i = 1, 1000 do local t = {} for j = 1, 1000 do t[j] = j end k[i] = t end"),
    ("one array", "for i = 1, 1000000 do k[i] = i end"),
    ("records", "for i = 1, 50000 do k[i] = {x = i, y = i} end"),
    ("records of 10", "for i = 1, 10000 do k[i] = {a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10} end"),
    ("records of 40", "for i = 1, 5000 do local t = {} for j = 1, 40 do t['f' .. j] = j end k[i] = t end"),
    ("one map", "for i = 1, 200000 do k[i << 32] = i end"),
    ("metatables", "for i = 1, 20000 do k[i] = setmetatable({}, {__index = function() end}) end"),
    ("finalizers", "local mt = {__gc = function() end} for i = 1, 100000 do k[i] = setmetatable({}, mt) end"),
    ("weak tables", "local mt = {__mode = 'k'} for i = 1, 50000 do k[i] = setmetatable({}, mt) end"),
    (
        "ephemerons",
        "local w = setmetatable({}, {__mode = 'k'}) for i = 1, 50000 do local t = {} k[i] = t w[t] = {} end k.w = w",
    ),
    ("closures", "for i = 1, 100000 do k[i] = function() return i end end"),
    (
        "closures with many upvalues",
        "for i = 1, 20000 do local a, b, c, d, e, f, g, h = i k[i] = function() return a, b, c, d, e, f, g, h end end",
    ),
    (
        "coroutines",
        "for i = 1, 10000 do local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) k[i] = co end",
    ),
    ("fresh coroutines", "for i = 1, 20000 do k[i] = coroutine.create(print) end"),
    (
        "deep coroutines",
        "local function deep(n) if n == 0 then coroutine.yield() else return 1 + deep(n - 1) end end for i = 1, 1000 do local co = coroutine.create(deep) coroutine.resume(co, 100) k[i] = co end",
    ),
    (
        "wrapped",
        "for i = 1, 10000 do local co = coroutine.wrap(function() coroutine.yield() end) co() k[i] = co end",
    ),
    ("matches", "for i = 1, 20000 do k[i] = ('abc'):gmatch('.') k[i]() end"),
    (
        "chunks",
        "for i = 1, 2000 do k[i] = load('local a, b = ... local t = {} for i = 1, 10 do t[i] = a .. b .. i end return function(x) return t[x] + ' .. i .. ' end') end",
    ),
    ("small chunks", "for i = 1, 20000 do k[i] = load('return ' .. i) end"),
    (
        "types",
        "for i = 1, 2000 do k[i] = load('type T = {x: number, y: {string}, z: \"a\" | \"b\" | ' .. i .. '} return T')() end",
    ),
    (
        "error objects",
        "for i = 1, 20000 do k[i] = errors.new{message = 'something went wrong ' .. i, kind = errors.INVALID, details = {id = i}} end",
    ),
    ("channels", "for i = 1, 20000 do k[i] = channel.new(10) end"),
    (
        "filled channels",
        "for i = 1, 2000 do local c = channel.new(100) for j = 1, 100 do c:send(j) end k[i] = c end",
    ),
    (
        "waiting coroutines",
        "for i = 1, 10000 do coroutine.spawn(function() local c = channel.new() k[i] = c c:receive() end) end",
    ),
    ("files", "for i = 1, 200 do local f = io.tmpfile() f:setvbuf('full', 60000) f:write('x') k[i] = f end"),
    (
        "files with buffers for reading",
        "local name = os.tmpname() local f = io.open(name, 'w') f:write(('x'):rep(100000)) f:close() for i = 1, 200 do local f = io.open(name) f:setvbuf('full', 60000) f:read(1) k[i] = f end os.remove(name)",
    ),
    ("dumps", "local f = load(('x = y + 1 '):rep(1000)) for i = 1, 200 do k[i] = string.dump(f) end"),
    ("gsub results", "for i = 1, 5000 do k[i] = (('abc '):rep(200):gsub('%w+', '%0%0')) end"),
    (
        "concat results",
        "local t = {} for i = 1, 300 do t[i] = 'item' end for i = 1, 5000 do k[i] = table.concat(t, ',') end",
    ),
    ("formats", "for i = 1, 50000 do k[i] = string.format('%40d %40s', i, i) end"),
    (
        "hooks",
        "for i = 1, 5000 do local co = coroutine.create(print) debug.sethook(co, print, 'c') k[i] = co end",
    ),
    (
        "user values",
        "for i = 1, 100 do local f = io.tmpfile() debug.setuservalue(f, ('x'):rep(50000)) k[i] = f end",
    ),
];

/// What takes memory only while it runs.
const WORK: &[(&str, &str)] = &[
    ("gsub", "local s = ('ab '):rep(2000000):gsub('%a+', '%0%0')"),
    ("gsub with a function", "local s = ('ab '):rep(1000000):gsub('%a+', function(a) return a .. a end)"),
    ("concat", "local t = {} for i = 1, 500000 do t[i] = 'item ' end local s = table.concat(t, ', ')"),
    ("rep", "local s = ('x'):rep(40000000)"),
    ("upper", "local s = ('x'):rep(20000000):upper():reverse()"),
    ("format q", "local s = string.format('%q', ('x\\n'):rep(3000000))"),
    ("sort", "local t = {} for i = 1, 500000 do t[i] = (i * 7919) % 500009 end table.sort(t)"),
    (
        "sort with a function",
        "local t = {} for i = 1, 100000 do t[i] = (i * 7919) % 100003 end table.sort(t, function(a, b) return a < b end)",
    ),
    ("garbage", "local k = {} for i = 1, 3000000 do k[i % 100000] = {i} end"),
    (
        "read all",
        "local name = os.tmpname() local f = io.open(name, 'w') f:write(('x'):rep(10000000)) f:close() local f = io.open(name) local s = f:read('a') f:close() os.remove(name)",
    ),
    (
        "read lines",
        "local name = os.tmpname() local f = io.open(name, 'w') f:write(('x'):rep(10000000)) f:close() for l in io.lines(name) do end os.remove(name)",
    ),
    (
        "recursion",
        "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end deep(150000)",
    ),
    ("unpack", "local t = {} for i = 1, 900000 do t[i] = i end local n = select('#', table.unpack(t))"),
    (
        "pack",
        "local s = string.pack(('s4'):rep(200), table.unpack((function() local t = {} for i = 1, 200 do t[i] = ('x'):rep(50000) end return t end)()))",
    ),
    ("big garbage strings", "for i = 1, 2000 do local s = ('x'):rep(100000 + i) end"),
    ("finalizers", "for i = 1, 300000 do setmetatable({}, {__gc = function() end}) end"),
];

/// Chunks that are compiled.
const COMPILE: &[(&str, &str)] = &[
    (
        "a large chunk",
        "local t = {} for i = 1, 20000 do t[i] = 'x' .. i .. ' = y' .. i .. ' + ' .. i end k[1] = load(table.concat(t, '\\n'))",
    ),
    (
        "a chunk with a large table",
        "local t = {} for i = 1, 100000 do t[i] = '\"text ' .. i .. '\"' end k[1] = load('return {' .. table.concat(t, ',') .. '}')",
    ),
    (
        "a chunk with functions",
        "local t = {} for i = 1, 10000 do t[i] = 'function f' .. i .. '(a, b) return a + b end' end k[1] = load(table.concat(t, '\\n'))",
    ),
    (
        "load",
        "local t = {} for i = 1, 50000 do t[i] = 'x' .. i .. ' = y' .. i .. ' + ' .. i end local s = table.concat(t, '\\n') t = nil collectgarbage() for i = 1, 3 do load(s) end",
    ),
    ("load pieces", "local i = 0 load(function() i = i + 1 if i < 200000 then return 'x = 1 ' end end)"),
];

/// What is guessed, at least while it is made: what `string.dump` copies, what is inside a regular expression, texts that types may
/// keep.
const GUESSED: &[(&str, &str)] = &[
    (
        "types in use",
        "for i = 1, 2000 do local T = load('type T = {x: number, y: {string}, z: \"a\" | \"b\" | ' .. i .. '} return T')() T:is({x = 1, y = {}, z = i}) k[i] = T end",
    ),
    (
        "a stripped chunk",
        "local t = {} for i = 1, 20000 do t[i] = 'x' .. i .. ' = y' .. i .. ' + ' .. i end k[1] = load(string.dump(load(table.concat(t, '\\n')), true))",
    ),
    (
        "longer patterns in types",
        "for i = 1, 300 do local T = load('type T = string @pattern(\"^([a-z0-9]+|x*y+[^abc]{3,5}|some words)-(one|two|three)' .. i .. '$\") return T')() T:is('abc') k[i] = T end",
    ),
    (
        "patterns in types",
        "for i = 1, 500 do local T = load('type T = string @pattern(\"^[a-z]+' .. i .. '$\") return T')() T:is('abc') k[i] = T end",
    ),
    (
        "dump",
        "local t = {} for i = 1, 50000 do t[i] = 'x' .. i .. ' = y' .. i .. ' + ' .. i end local f = load(table.concat(t, '\\n')) t = nil collectgarbage() for i = 1, 3 do local s = string.dump(f) end",
    ),
];

/// The account and the allocator, with what there was before and what the empty process takes taken off.
struct Measure {
    before: usize,
    empty: (usize, usize),
}

impl Measure {
    /// `script` is the only one made since `before` bytes were in use.
    fn new(script: &mut Script, before: usize) -> Self {
        let mut measure = Self { before, empty: (0, 0) };
        measure.empty = measure.now(script);
        measure
    }

    fn now(&self, script: &mut Script) -> (usize, usize) {
        let heap = &script.vm().heap;
        let taken = in_use() - self.before - heap.bytes_spare();
        (heap.bytes_held() - self.empty.0, taken - self.empty.1)
    }

    fn check(&self, script: &mut Script, tolerance: Tolerance) -> Result<(), Failed> {
        let (held, taken) = self.now(script);
        compare(held, taken, tolerance)
    }
}

/// Whether the account is right.
fn compare(held: usize, taken: usize, (less, more): Tolerance) -> Result<(), Failed> {
    let right = taken - taken / 100 * less..=taken + taken / 100 * more;
    if held.max(taken) > BASE && !right.contains(&held) {
        let percent = held as f64 / taken as f64 * 100.0;
        return Err(format!("{held} bytes on the account, {taken} from the allocator: {percent:.1} %").into());
    }
    Ok(())
}

/// Runs a program to its end; `look` sees the process after every slice.
fn run(
    script: &mut Script,
    text: &str,
    look: &mut dyn FnMut(&mut Script) -> Result<(), Failed>,
) -> Result<(), Failed> {
    script.start_chunk(text.as_bytes(), b"=account").expect("memory").expect("a program");
    loop {
        let exit = script.vm().run();
        look(script)?;
        match exit {
            Exit::Preempted | Exit::Yielded => {}
            // Whoever waits for a channel stays.
            Exit::Done | Exit::Idle => return Ok(()),
            exit => return Err(format!("{exit:?}").into()),
        }
    }
}

/// Runs a program in a process of its own and checks the account.
fn account_is_right(text: &str, keeps: bool, tolerance: Tolerance) -> Result<(), Failed> {
    // What the first round leaves is the program's: its constants, what it prepares once.
    for _ in 0..2 {
        let before = in_use();
        let mut script = Script::new(None).expect("memory");
        run(&mut script, "k = {}", &mut |_| Ok(()))?;
        let measure = Measure::new(&mut script, before);
        run(&mut script, text, &mut |script| measure.check(script, tolerance))?;
        if keeps {
            run(&mut script, "collectgarbage() collectgarbage()", &mut |_| Ok(()))?;
            measure.check(&mut script, tolerance)?;
        }
    }
    let before = in_use();
    let mut script = Script::new(None).expect("memory");
    run(&mut script, "k = {}", &mut |_| Ok(()))?;
    run(&mut script, text, &mut |_| Ok(()))?;
    drop(script);
    let after = in_use();
    if after != before {
        return Err(format!("{before} bytes before the process, {after} after it").into());
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // There is one count for the whole program.
    arguments.test_threads = Some(1);
    let kinds =
        [(KEPT, true, EXACT), (WORK, false, EXACT), (COMPILE, false, COMPILED), (GUESSED, false, ROUGH)];
    let programs = kinds.iter().flat_map(|&(list, keeps, tolerance)| {
        list.iter().map(move |&(name, text)| (name, text, keeps, tolerance))
    });
    let mut trials: Vec<_> = programs
        .map(|(name, text, keeps, tolerance)| {
            let run = move || account_is_right(text, keeps, tolerance);
            Trial::test(format!("account::{}", name.replace(' ', "_")), run)
        })
        .collect();
    trials.push(Trial::test("account::messages", messages::are_the_receivers));
    libtest_mimic::run(&arguments, trials).exit_code()
}

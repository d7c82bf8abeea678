//! What happens when memory ends: in small programs the n-th allocation fails, for every n until none does. After each
//! run the error is the right one, the heap is whole, and nothing stays behind.

use super::script::Script;
use crate::vm::Exit;

/// Each ends with success if it does not run out of memory, and leaves nothing reachable behind.
const PROGRAMS: [(&str, &str); 22] = [
    ("tables", "local t = {} for i = 1, 40 do t[i] = { i, x = i } end assert(#t == 40 and t[40].x == 40)"),
    (
        "hash",
        "local t = {} for i = 1, 40 do t['k' .. i] = i end for i = 1, 40 do assert(t['k' .. i] == i) end",
    ),
    (
        "sparse",
        "local t = {} for i = 1, 20 do t[i * 1000] = i t[-i] = i t[i + 0.5] = i end local n = 0 for _ in pairs(t) do n = n + 1 end assert(n == 60)",
    ),
    ("concat", "local s = '' for i = 1, 30 do s = s .. i .. ',' end assert(#s == 81)"),
    (
        "large strings",
        "local s = ('x'):rep(300) for _ = 1, 4 do s = s .. s end assert(#s == 4800) assert(s:upper():sub(-1) == 'X')",
    ),
    (
        "closures",
        "local f = {} for i = 1, 20 do local n = i f[i] = function() n = n + 1 return n end end for i = 1, 20 do assert(f[i]() == i + 1) end",
    ),
    (
        "varargs",
        "local function f(...) return select('#', ...), ... end assert(f(table.unpack({}, 1, 200)) == 200) local t = { f(1, 2, 3) } assert(#t == 4)",
    ),
    (
        "recursion",
        "local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end assert(f(300) == 300)",
    ),
    (
        "callable objects",
        "local t t = setmetatable({}, { __call = function(self, n, m) assert(self == t and m == 'm') if n == 0 then return 0 end return 1 + t(n - 1, 'm') end }) assert(t(100, 'm') == 100) local u = setmetatable({}, { __call = select }) local function f() return u('#', 1, 2) end assert(not pcall(f))",
    ),
    (
        "metatables",
        "local mt = {} mt.__index = function(t, k) return k .. 'x' end mt.__add = function(a, b) return setmetatable({}, mt) end local t = setmetatable({}, mt) for i = 1, 10 do t = t + t assert(t['a' .. i] == 'a' .. i .. 'x') end",
    ),
    (
        "coroutines",
        "local n = 0 for i = 1, 5 do local co = coroutine.wrap(function(a) local b = coroutine.yield(a .. 'y') return { b } end) assert(co('x') == 'xy') n = n + co(2)[1] end assert(n == 10)",
    ),
    (
        "coroutine in coroutine",
        "local function deep(n) if n == 0 then return coroutine.yield('z') end return coroutine.wrap(deep)(n - 1) end local co = coroutine.create(deep) assert(coroutine.resume(co, 8))",
    ),
    (
        "channels",
        "local a, b, log = channel.new(), channel.new(2), {} coroutine.spawn(function() for i = 1, 5 do b:send(i) end b:close() end) coroutine.spawn(function() while true do local r = channel.select{a:case_receive(), b:case_receive()} if not r.ok then break end log[#log + 1] = r.value end a:send('end') end) assert(a:receive() == 'end' and table.concat(log) == '12345') for i = 1, 4 do coroutine.spawn(function() a:receive() end) end a:close()",
    ),
    (
        "gsub",
        "local s = ('hello world '):rep(5):gsub('%w+', function(w) return w:upper() .. '!' end) assert(s:find('WORLD!', 1, true)) assert(('abc'):gsub('.', { a = 'xyz' }) == 'xyzbc')",
    ),
    (
        "format",
        "local t = {} for i = 1, 10 do t[#t + 1] = string.format('%d %5.2f %s %q', i, i / 3, {}, 'q') end assert(#table.concat(t, ';') > 100)",
    ),
    (
        "sort",
        "local t = {} for i = 1, 30 do t[i] = tostring((i * 7) % 30) end table.sort(t, function(a, b) return a < b end) for i = 2, 30 do assert(t[i - 1] <= t[i]) end",
    ),
    (
        "load",
        "local f = assert(load('local a, b = ... return function(c) return a .. b .. c end', 'name')) assert(f('x', 'y')('z') == 'xyz') local g = assert(load(string.dump(f))) assert(g('x', 'y')('w') == 'xyw')",
    ),
    (
        "errors",
        "for i = 1, 10 do local ok, e = pcall(function() error({ i }) end) assert(not ok) if type(e) == 'string' then error(e, 0) end assert(e[1] == i) end local ok, e = pcall(error) assert(not ok)",
    ),
    (
        "handlers",
        "local ok, e = xpcall(function() local x = nil; return x.y end, function(m) return debug.traceback(m) .. '!' end) if e == 'not enough memory' then error(e, 0) end assert(e:find('index a nil value'))",
    ),
    (
        "finalizers",
        "local n = 0 for i = 1, 5 do setmetatable({}, { __gc = function() n = n + #('a' .. i) end }) end collectgarbage() collectgarbage() assert(n == 10)",
    ),
    (
        "weak",
        "local k, w = {}, setmetatable({}, { __mode = 'k' }) for i = 1, 20 do w[{}] = { i } end w[k] = {} collectgarbage() assert(next(w) == k)",
    ),
    (
        "libraries",
        "local t = table.pack(string.unpack('<i4s1z', string.pack('<i4s1z', 7, 'abc', 'def'))) assert(t[1] == 7 and t.n == 4) for p, c in utf8.codes('aäö') do assert(utf8.char(c)) end table.insert(t, 1, {}) table.move(t, 1, 5, 40) assert(os.date('!%Y', 0) == '1970' and #table.concat({ 1, 2, 3 }, ', ') == 7)",
    ),
];

/// More failures than any of the programs has allocations.
const MANY: u64 = 20_000;

/// Every program allocates more often than this, if only to be loaded.
const FEW: u64 = 4;

enum End {
    Done,
    /// The error's text.
    Failed(Vec<u8>),
}

/// Runs `text` and forgets its results.
fn run(script: &mut Script, text: &str) -> End {
    match script.start_chunk(text.as_bytes(), b"=program") {
        Ok(Ok(())) => {}
        Ok(Err(message)) => return End::Failed(message),
        Err(e) => {
            assert!(e.is_memory(), "another error than memory before the start");
            return End::Failed(b"not enough memory".to_vec());
        }
    }
    loop {
        match script.vm().run() {
            Exit::Preempted | Exit::Yielded => {}
            Exit::Done => return End::Done,
            Exit::Failed => {
                let value = script.vm().exit_values()[0];
                let text =
                    script.vm().with_context(|cx| cx.host_value(value).as_str().map(|s| s.bytes().to_vec()));
                return End::Failed(text.unwrap_or_else(|| b"not a string".to_vec()));
            }
            Exit::Idle => panic!("blocked"),
            Exit::Quit(code) => panic!("ended with {code}"),
        }
    }
}

/// Bytes in use once nothing but the libraries is left.
fn settled(script: &mut Script) -> usize {
    for _ in 0..2 {
        match run(script, "collectgarbage()") {
            End::Done => {}
            End::Failed(message) => panic!("{}", String::from_utf8_lossy(&message)),
        }
    }
    let vm = script.vm();
    vm.check_heap().expect("a whole heap");
    vm.collect();
    vm.heap.bytes_in_use()
}

/// Makes the n-th allocation of `text` fail, for every n; returns how many runs that took.
fn fail_every(name: &str, text: &str, once: bool) -> u64 {
    let mut script = Script::new(None).expect("memory");
    // The first run leaves what stays for good: constants, the size of the stack.
    assert!(matches!(run(&mut script, text), End::Done), "{name} runs");
    let before = settled(&mut script);
    for n in 0..MANY {
        let heap = &mut script.vm().heap;
        heap.fail_once = once;
        heap.fail_after = Some(n);
        let end = run(&mut script, text);
        let heap = &mut script.vm().heap;
        let failed = heap.fail_after.is_none_or(|left| left == 0);
        heap.fail_after = None;
        match end {
            // Either nothing failed, or a second attempt went well, or the program caught the error.
            End::Done => {}
            End::Failed(message) => {
                let message = String::from_utf8_lossy(&message);
                // A coroutine's wrapper puts the place before it, a finalizer's error stands in brackets.
                let known = message.trim_end_matches(')').ends_with("not enough memory");
                assert!(known, "{name}, allocation {n}: {message}");
            }
        }
        let after = settled(&mut script);
        assert_eq!(after, before, "{name}: bytes in use after allocation {n} failed");
        if !failed {
            return n;
        }
    }
    panic!("{name} allocates without end");
}

#[test]
fn every_allocation_may_fail_for_good() {
    for (name, text) in PROGRAMS {
        assert!(fail_every(name, text, false) > FEW, "{name}");
    }
}

/// Operations that start over after a collection do so without being noticed.
#[test]
fn every_allocation_may_fail_once() {
    for (name, text) in PROGRAMS {
        assert!(fail_every(name, text, true) > FEW, "{name}");
    }
}

/// Slices after which a program that has lost memory is given up: some wait in a loop for what cannot happen any more.
const PATIENCE: u32 = 20_000;

/// How often a program of `lua-tests/core` fails to get memory, in runs of their own.
const FAILURES: u64 = 6;

/// Runs a program to its end, or for as long as it may; true if it has come to a good end.
fn run_core(script: &mut Script, text: &[u8]) -> bool {
    match script.start_chunk(text, b"=core") {
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) => return false,
    }
    for _ in 0..PATIENCE {
        match script.vm().run() {
            Exit::Preempted | Exit::Yielded => {}
            Exit::Done => return true,
            Exit::Failed | Exit::Idle | Exit::Quit(_) => return false,
        }
    }
    false
}

/// The programs of `lua-tests/core` in the same way, at allocations that a fixed sequence chooses. They test themselves, so they may end
/// with any error once memory has failed; but the heap is whole, and the process can run another program.
#[test]
fn programs_of_core_may_run_out_of_memory() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lua-tests/core");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let (mut seed, mut programs) = (1u64, 0);
    for path in paths {
        let text = std::fs::read(&path).expect("a program");
        let mut script = Script::new(None).expect("memory");
        script.vm().heap.fail_after = Some(u64::MAX);
        // Programs that look for files beside them, or take long, have no part in this.
        let done = text.len() < 100_000 && run_core(&mut script, &text);
        let all = u64::MAX - script.vm().heap.fail_after.expect("set above");
        if !done || all > 100_000 {
            continue;
        }
        programs += 1;
        for n in 0..FAILURES {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut script = Script::new(None).expect("memory");
            let heap = &mut script.vm().heap;
            heap.fail_once = n % 2 == 0;
            heap.fail_after = Some((seed >> 33) % all);
            run_core(&mut script, &text);
            script.vm().heap.fail_after = None;
            script.vm().heap.gc.stopped = false;
            let vm = script.vm();
            vm.check_heap().unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
            let after = "local t = {} for i = 1, 100 do t[i] = { 'x' .. i } end collectgarbage() assert(t[100][1] == 'x100')";
            assert!(
                matches!(run(&mut script, after), End::Done),
                "{} leaves a process that works",
                path.display()
            );
        }
    }
    assert!(programs > 40, "{programs} programs take part");
}

//! Slices end when they should, whatever runs, and what a suspended native function holds is on the account.

use super::script::Script;
use crate::vm::Exit;
use std::sync::atomic::Ordering;

const SLICE: i32 = 1_000;
/// What a native function may do beyond the end of a slice: the largest piece of work that is not divided further.
const OVERDRAFT: i64 = 12_000;

/// Prepares, then works for many slices in one native function that can stop midway.
const PROGRAMS: [(&str, &str); 39] = [
    (
        "local t = {} for i = 1, 5000 do t[i] = (i * 7919) % 5003 end",
        "table.sort(t, function(a, b) return a < b end)",
    ),
    ("local t = {} for i = 1, 50000 do t[i] = (i * 7919) % 50021 end", "table.sort(t)"),
    ("local t = {} for i = 1, 20000 do t[i] = 'k' .. (i * 7919) % 20011 end", "table.sort(t)"),
    ("local s = ('ab '):rep(20000)", "s:gsub('%a+', function() end)"),
    ("local s = ('ab '):rep(20000)", "s:gsub('a', 'b')"),
    ("local s = ('ab '):rep(20000)", "s:gsub('%a+', { ab = 'x' })"),
    ("local t = {} for i = 1, 200000 do t[i] = i end", "for i = 1, 20 do table.insert(t, 1, 0) end"),
    ("local t = {} for i = 1, 200000 do t[i] = i end", "for i = 1, 20 do table.remove(t, 1) end"),
    ("local t = {} for i = 1, 200000 do t[i] = i end", "table.move(t, 1, #t, 1, {})"),
    ("local t = {} for i = 1, 200000 do t[i] = 'x' end", "table.concat(t, ', ')"),
    ("local t = {} for i = 1, 200000 do t[i] = i / 3 end", "table.concat(t)"),
    ("local t = {} for i = 1, 400000 do t[i] = i end", "select('#', table.unpack(t))"),
    ("local s = ('x'):rep(8000000)", "s:find('y', 1, true)"),
    ("local s = ('ä'):rep(200000)", "utf8.offset(s, 200000) utf8.offset(s, -200000) utf8.len(s)"),
    ("local s = ('x'):rep(10000)", "for i = 1, 1000 do local x = s .. i end"),
    ("local s, r = ('x'):rep(10000), ('x'):rep(10000)", "for i = 1, 1000 do local x = s == r or s < r end"),
    ("local s = ('x'):rep(3000000)", "s:upper() s:reverse() s:rep(2)"),
    ("local t = {} for i = 1, 500000 do t[i] = i end for i = 1, 500000 do t[i] = nil end", "next(t)"),
    (
        "local t = {} for i = 1, 500000 do t[i] = i end for i = 1, 500000 do t[i] = nil end",
        "for k in pairs(t) do end",
    ),
    ("local t = {} for i = 1, 200000 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end", "next(t)"),
    ("local s = ('x\\n'):rep(200000)", "string.format('%q', s)"),
    ("local f = ('i4'):rep(50000)", "string.packsize(f)"),
    ("local f = ('<'):rep(50000)", "string.unpack(f, '')"),
    ("local f = ('%Y'):rep(50000)", "os.date(f, 0)"),
    ("local s = ('1'):rep(1000000)", "tonumber(s, 7)"),
    ("local s = ('1'):rep(10000)", "for i = 1, 100 do local x = s + 1 end"),
    ("local s = ('1'):rep(10000)", "for i = 1, 100 do local x = math.floor(s) end"),
    ("type N = {number} numbers = N local t = {} for i = 1, 400000 do t[i] = i end", "numbers(t)"),
    (
        "type N = {{x: number, y: {string}}} rows = N local t = {} for i = 1, 20000 do t[i] = {x = i, y = {'a', 'b'}} end",
        "rows(t)",
    ),
    ("type N = {[string]: number} map = N local t = {} for i = 1, 40000 do t['k' .. i] = i end", "map(t)"),
    (
        "type N = {('a' | {number} | {string @min_len(1)})} union = N local t = {} for i = 1, 40000 do t[i] = {'a'} end",
        "union(t)",
    ),
    ("type L = string @pattern('^(a|b)*$') long = L local s = ('ab'):rep(500000)", "long(s)"),
    (
        "type L = {string @pattern('^[a-z]*$')} texts = L local t = {} for i = 1, 400 do t[i] = ('a'):rep(5000) end",
        "texts(t)",
    ),
    (
        "local t = {} for i = 1, 10000 do t[i] = 'f(' .. i .. ')' end text = 'local f = ... return {' .. table.concat(t, ',') .. '}'",
        "local t = assert(load(text))(function(i) return i end) assert(#t == 10000 and t[10000] == 10000)",
    ),
    (
        "text = ('x = y '):rep(10000) .. 'x = = 1'",
        "local f, message = load(text) assert(not f and message:find('unexpected symbol'))",
    ),
    (
        "local i = 0 function reader() i = i + 1 if i <= 10000 then return 'x = 1 ' end end",
        "local env = {} assert(load(reader, 'name', 't', env))() assert(env.x == 1 and x == nil)",
    ),
    (
        "binary = string.dump(load(('x = y '):rep(10000)))",
        "local env = { y = 5 } assert(load(binary, 'name', 'b', env))() assert(env.x == 5)",
    ),
    (
        "f = load(('x = y '):rep(10000) .. 'return function() return x end')",
        "x = 0 y = 7 local g = assert(load(string.dump(f))) assert(g()() == 7)",
    ),
    ("f = load(('x = y '):rep(10000))", "x = 0 y = 7 assert(load(string.dump(f, true)))() assert(x == 7)"),
];

fn start(script: &mut Script, text: &str) {
    let loaded = script.start_chunk(text.as_bytes(), b"=slices").expect("memory");
    loaded.expect("a program");
}

#[test]
fn long_natives_stop_at_the_budget() {
    for (setup, work) in PROGRAMS {
        let mut script = Script::new(None).expect("memory");
        start(&mut script, &format!("{setup} function work() {work} end"));
        script.run_to_end();
        script.vm().set_slice(SLICE);
        start(&mut script, "work()");
        let mut slices = 0;
        loop {
            let exit = script.vm().run();
            let spent = script.vm().spent();
            assert!(spent <= i64::from(SLICE) + OVERDRAFT, "{work}: {spent} reductions in one slice");
            slices += 1;
            if exit == Exit::Done {
                break;
            }
            assert_eq!(exit, Exit::Preempted);
        }
        assert!(slices > 1, "{work}: over in one slice");
    }
}

/// Functions without loops and calls of their own, called by a native function, end slices and can be interrupted; so can a
/// native function that calls nothing.
#[test]
fn natives_can_be_interrupted() {
    for work in [
        "table.sort(setmetatable({}, { __len = function() return 1 << 30 end, __index = function(_, i) return i end }), function() return false end)",
        "('x'):rep(1 << 20):gsub('', function() end)",
        "(('a'):rep(64)):find(('a?'):rep(64) .. ('a'):rep(64))",
        "local t = setmetatable({}, { __index = function() return 1 end }) table.concat(t, '', 1, math.maxinteger)",
    ] {
        let mut script = Script::new(None).expect("memory");
        script.vm().set_slice(SLICE);
        start(&mut script, work);
        for _ in 0..20 {
            assert_eq!(script.vm().run(), Exit::Preempted, "{work}");
        }
        script.vm().interrupt_flag().store(true, Ordering::Relaxed);
        let mut exit = Exit::Preempted;
        for _ in 0..3 {
            exit = script.vm().run();
            if exit != Exit::Preempted {
                break;
            }
        }
        assert_eq!(exit, Exit::Failed, "{work}");
    }
}

/// What [`LARGE`] prepares: a table without room for another key, large enough to grow in turns.
const LARGE: &str = "t = {} for i = 1, 1 << 16 do t[i << 32] = i end k = 'x' setmetatable(_G, {__index = function() end}) \
    function whole() local n = 0 for k, v in next, t do if math.type(k) == 'integer' and k == v << 32 then n = n + 1 end end \
    assert(n == 1 << 16) for i = 1, 1 << 16 do assert(t[i << 32] == i) end end";

/// Stores that need room in the large table, and what holds afterwards.
const STORES: [(&str, &str); 14] = [
    ("t.x = 1", "t.x == 1"),
    ("local k = 'x' t[k] = 1", "t.x == 1"),
    ("local v = 1 t.x = v", "t.x == 1"),
    ("local k, v = 'x', 1 t[k] = v", "t.x == 1"),
    ("local _ENV = t x = 1", "t.x == 1"),
    ("local _ENV = t function x() end", "t.x"),
    ("t[5] = 1", "t[5] == 1"),
    ("t[-1.0] = 1", "t[-1] == 1"),
    ("t[0.5] = 1", "t[0.5] == 1"),
    ("local u = setmetatable({}, {__newindex = t}) u.x = 1", "t.x == 1"),
    ("rawset(t, 'x', 1)", "t.x == 1"),
    ("assert(rawset(t, k, 1) == t)", "t.x == 1"),
    ("local s = {1, 2, 3} table.move(s, 1, 3, 1 << 50, t)", "t[1 << 50] == 1 and t[(1 << 50) + 2] == 3"),
    ("coroutine.wrap(function() t.x = 1 coroutine.yield() end)()", "t.x == 1"),
];

/// A process with the large table, about to run `work` in slices.
fn with_large_table(work: &str) -> Script {
    let mut script = Script::new(None).expect("memory");
    start(&mut script, &format!("{LARGE} function work() {work} end"));
    script.run_to_end();
    script.vm().set_slice(SLICE);
    start(&mut script, "work() after = true");
    script
}

/// Runs until the table makes room, and then as many slices of that.
fn run_into_growth(script: &mut Script, slices: usize) {
    while !script.vm().heap.is_growing() {
        assert_eq!(script.vm().run(), Exit::Preempted);
    }
    for _ in 0..slices {
        assert!(script.vm().heap.is_growing());
        assert_eq!(script.vm().run(), Exit::Preempted);
    }
}

fn finish(script: &mut Script, text: &str) {
    start(script, text);
    script.run_to_end();
}

/// A store that makes a large table grow takes many slices, and the process does nothing else in them.
#[test]
fn growth_takes_turns() {
    for (store, holds) in STORES {
        let mut script = with_large_table(store);
        let mut growing = 0;
        loop {
            let exit = script.vm().run();
            growing += usize::from(script.vm().heap.is_growing());
            let spent = script.vm().spent();
            assert!(spent <= i64::from(SLICE) + 100, "{store}: {spent} reductions in one slice");
            if exit == Exit::Done {
                break;
            }
            assert_eq!(exit, Exit::Preempted);
        }
        assert!(growing > 5, "{store}: {growing} slices");
        script.vm().check_heap().expect("a whole heap");
        finish(&mut script, &format!("assert(after and {holds}) whole()"));
    }
}

/// An interruption, a host that looks in, and the end of the process: the table is whole, or gone with all that it wanted.
#[test]
fn growth_can_be_stopped() {
    let held = {
        let mut script = with_large_table("");
        script.run_to_end();
        script.vm().heap.bytes_held()
    };
    for (store, holds) in STORES {
        for slices in 0..6 {
            let mut script = with_large_table(store);
            run_into_growth(&mut script, slices);
            script.vm().interrupt_flag().store(true, Ordering::Relaxed);
            let mut exit = script.vm().run();
            // A collection may be due.
            while exit == Exit::Preempted {
                assert!(!script.vm().heap.is_growing());
                exit = script.vm().run();
            }
            assert_eq!(exit, Exit::Failed, "{store}");
            assert!(!script.vm().is_busy());
            let now = script.vm().heap.bytes_held();
            assert!(now < held + 100_000, "{store}: {now} bytes, {held} before");
            finish(&mut script, &format!("assert(not after and not ({holds})) whole()"));
            script.vm().check_heap().expect("a whole heap");

            let mut script = with_large_table(store);
            run_into_growth(&mut script, slices);
            script.vm().finish_collection();
            assert!(!script.vm().is_busy());
            script.run_to_end();
            finish(&mut script, &format!("assert(after and {holds}) whole()"));

            let mut script = with_large_table(store);
            run_into_growth(&mut script, slices);
            drop(script);
        }
    }
}

/// Without memory for the growth the store fails, as any other, and the table is what it was.
#[test]
fn growth_without_memory_fails() {
    for (store, holds) in STORES {
        for n in 0.. {
            let mut script = with_large_table(store);
            run_into_growth(&mut script, 0);
            script.vm().heap.fail_after = Some(n);
            let mut exit = script.vm().run();
            while exit == Exit::Preempted {
                exit = script.vm().run();
            }
            let failed = script.vm().heap.fail_after == Some(0);
            script.vm().heap.fail_after = None;
            script.vm().check_heap().expect("a whole heap");
            if exit == Exit::Done {
                finish(&mut script, &format!("assert(after and {holds}) whole()"));
                if !failed {
                    break;
                }
            } else {
                assert_eq!(exit, Exit::Failed, "{store}");
                assert!(!script.vm().is_busy());
                // Under stress what comes after the store allocates, too.
                let undone = format!("assert(not after and not ({holds})) whole() work() assert({holds})");
                finish(&mut script, if cfg!(feature = "stress") { "whole()" } else { &undone });
            }
            if cfg!(feature = "stress") && n > 8 {
                // There everything allocates, to the end.
                break;
            }
            assert!(n < 100, "{store}");
        }
        if store.contains("rawset") || store.contains("table.move") || cfg!(feature = "stress") {
            // These do not start over, and under stress the first growth may be that of another table.
            continue;
        }
        // Memory that is there after a collection is enough.
        let mut script = with_large_table(store);
        run_into_growth(&mut script, 0);
        (script.vm().heap.fail_after, script.vm().heap.fail_once) = (Some(0), true);
        script.run_to_end();
        finish(&mut script, &format!("assert({holds}) whole()"));
    }
}

/// An array part that becomes a hash part, and the other way round.
#[test]
fn parts_change_in_turns() {
    for (setup, work, holds) in [
        (
            "t = {} for i = 1, 1 << 17 do t[i] = i end for i = 2, 1 << 17 do t[i] = nil end",
            "t.x = 1",
            "t[1] == 1 and t.x == 1 and #t == 1",
        ),
        (
            "t = {} for i = 1 << 17, 2, -1 do t[i] = i end",
            "for i = -1, -70000, -1 do t[i] = i end t[1] = 1",
            "#t == 1 << 17 and t[1 << 17] == 1 << 17 and t[-70000] == -70000",
        ),
        (
            "t = {} for i = 1, 1 << 17 do t[i] = i end for i = 1, 130000 do t[i] = nil end",
            "for i = 1, 1 << 17 do t[i + (1 << 17)] = i end",
            "t[1] == nil and t[1 << 18] == 1 << 17 and t[130001] == 130001",
        ),
    ] {
        let mut script = Script::new(None).expect("memory");
        start(&mut script, &format!("{setup} function work() {work} end"));
        script.run_to_end();
        script.vm().set_slice(SLICE);
        start(&mut script, "work()");
        let mut growing = 0;
        while script.vm().run() == Exit::Preempted {
            growing += usize::from(script.vm().heap.is_growing());
        }
        assert!(growing > 3, "{work}: {growing} slices");
        script.vm().check_heap().expect("a whole heap");
        finish(&mut script, &format!("assert({holds})"));
    }
}

/// A collection gives the parts of a large table back piece by piece.
#[test]
fn large_parts_go_back_in_turns() {
    for make in ["for i = 1, 1 << 22 do t[i] = i end", "for i = 1, 1 << 20 do t[i << 32] = i end"] {
        let mut script = Script::new(None).expect("memory");
        start(&mut script, &format!("t = {{}} {make} collectgarbage()"));
        script.run_to_end();
        start(&mut script, "t = nil collectgarbage()");
        let (mut held, mut most) = (script.vm().heap.bytes_held(), 0);
        loop {
            let exit = script.vm().run();
            let now = script.vm().heap.bytes_held();
            most = most.max(held.saturating_sub(now));
            held = now;
            if exit != Exit::Preempted {
                break;
            }
        }
        assert!(most < 8 << 20, "{make}: {most} bytes in one slice");
    }
}

/// Growth of a smaller table does not stop midway, but the slice ends with it.
#[test]
#[cfg(not(feature = "stress"))] // There all tables but the smallest grow in turns.
fn growth_ends_the_slice() {
    for (grow, entries) in [
        ("t.x = 1", 1 << 15),
        ("local k = 'x' t[k] = 1", 1 << 15),
        ("rawset(t, 'x', 1)", 1 << 15),
        ("table.move({ 1 }, 1, 1, 1 << 50, t)", 1 << 15),
    ] {
        let mut script = Script::new(None).expect("memory");
        start(
            &mut script,
            &format!("t = {{}} for i = 1, {entries} do t[i << 32] = i end function work() {grow} end"),
        );
        script.run_to_end();
        script.vm().set_slice(SLICE);
        start(&mut script, "work() for i = 1, 10 do end after = true");
        assert_eq!(script.vm().run(), Exit::Preempted, "{grow}");
        assert!(script.vm().spent() >= entries, "{grow}: {} reductions", script.vm().spent());
        script.run_to_end();
    }
}

/// The text that `gsub` has put together so far belongs to the process while it waits.
#[test]
fn kept_state_is_on_the_account() {
    let mut script = Script::new(None).expect("memory");
    start(&mut script, "collectgarbage() s = ('x'):rep(1000)");
    script.run_to_end();
    let before = script.vm().heap.bytes_in_use();
    script.vm().set_slice(SLICE);
    start(&mut script, "co = coroutine.wrap(string.gsub) co(('y'):rep(20000), 'y', s)");
    let mut most = 0;
    while script.vm().run() == Exit::Preempted {
        most = most.max(script.vm().heap.bytes_in_use());
    }
    assert!(most > before + 10_000_000, "{most} bytes at most, {before} before");
    start(&mut script, "co = nil collectgarbage() collectgarbage()");
    script.run_to_end();
    let after = script.vm().heap.bytes_in_use();
    assert!(after < before + 10_000, "{after} bytes, {before} before");
}

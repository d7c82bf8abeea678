//! The library under tiny slices: every native function stops in the middle of its work and goes on.

use crate::runtime::script::{Outcome, Script};
use crate::vm::Exit;

/// Runs a chunk in slices of `slice` reductions; gives the number of slices.
fn run(source: &str, slice: i32) -> u64 {
    let mut script = Script::new(Some(64 << 20)).expect("a fresh process");
    script.vm().set_slice(slice);
    let proto = crate::runtime::loader::compile_source(source.as_bytes(), b"=test").expect("valid source");
    script.start(crate::heap::SharedCode::publish(proto), &[]).expect("memory");
    let mut slices = 1;
    loop {
        match script.vm().run() {
            Exit::Preempted | Exit::Yielded => slices += 1,
            Exit::Done => return slices,
            Exit::Quit(_) | Exit::Failed | Exit::Idle => {
                let Outcome::Failed(failure) = script.run() else { panic!("failed") };
                panic!("{}", String::from_utf8_lossy(&failure.message));
            }
        }
    }
}

/// The same results whatever the slice; more slices when it is small.
fn interruptible(source: &str) {
    assert!(run(source, 1_000_000_000) <= 2, "one slice is enough");
    let small = run(source, 20);
    assert!(small > 10, "only {small} slices");
}

#[test]
fn searches_stop_and_go_on() {
    interruptible(
        "local s = ('a'):rep(22)
         assert(not s:find(('a?'):rep(8) .. ('a'):rep(23)))
         assert(('x'):rep(5000):match('.-.-(y?)$') == '')
         local a, b, c = (('ab'):rep(2000) .. 'c'):find('^([ab]*)c')
         assert(a == 1 and b == 4001 and #c == 4000)",
    );
}

#[test]
fn gmatch_stops_and_goes_on() {
    interruptible(
        "local n = 0
         for a, b in ('key=value, '):rep(300):gmatch('(%w+)=(%w+)') do
           assert(a == 'key' and b == 'value') n = n + 1
         end
         assert(n == 300)
         local none = 0
         for _ in ('a'):rep(3000):gmatch('a-b') do none = none + 1 end
         assert(none == 0)",
    );
}

#[test]
fn gsub_stops_and_goes_on() {
    interruptible(
        "local s = ('hello world '):rep(200)
         assert(select(2, s:gsub('o', '0')) == 400)
         assert(s:gsub('(%w+) (%w+)', '%2 %1') == ('world hello '):rep(200))
         assert(s:gsub('%w+', { hello = 'bye' }) == ('bye world '):rep(200))
         local calls = 0
         local r, n = s:gsub('()(%w)', function(at, c) calls = calls + 1 return c:upper() end)
         assert(r == s:upper() and n == 2000 and calls == n)
         local t = setmetatable({}, { __index = function(_, k) return k .. k end })
         assert(('abc'):gsub('.', t) == 'aabbcc')",
    );
}

#[test]
fn long_results_are_written_piece_by_piece() {
    interruptible(
        "local s = ('abc'):rep(700001, ', ')
         assert(#s == 700001 * 5 - 2 and s:sub(-8) == 'abc, abc' and s:sub(1, 6) == 'abc, a')
         local u = s:upper()
         assert(#u == #s and u:sub(-8) == 'ABC, ABC' and u:lower() == s)
         local r = s:reverse()
         assert(r:sub(1, 8) == 'cba ,cba' and r:reverse() == s)
         assert(#s:sub(2) == #s - 1 and s:sub(2, -2):byte(-1) == 98)
         s, u, r = nil, nil, nil",
    );
}

#[test]
fn formats_and_packs_stop_and_go_on() {
    interruptible(
        "local t = setmetatable({}, { __tostring = function() return 'T' end })
         local n = 60
         local args = {}
         for i = 1, n do args[i] = i % 3 == 0 and t or i end
         local f = ('%5s|'):rep(n)
         local s = string.format(f, table.unpack(args))
         assert(#s == 6 * n and s:sub(1, 18) == '    1|    2|    T|')
         local zeros = {}
         for i = 1, n do zeros[i] = 0 end
         assert(string.pack(('>i3'):rep(n), table.unpack(zeros)) == ('\\0'):rep(3 * n))",
    );
}

#[test]
fn utf8_len_counts_in_pieces() {
    interruptible("assert(utf8.len(('\\u{e9}x'):rep(50000)) == 100000)");
}

#[test]
fn endless_recursion_is_an_error() {
    run(
        "local function g() return (('x'):gsub('x', function() return g() end)) end
         local t
         t = function() return string.format('%s', setmetatable({}, { __tostring = t })) end
         for _, f in ipairs { g, t } do
           local ok, message = pcall(f)
           assert(not ok and (message:find('stack overflow') or message == 'not enough memory'), message)
         end",
        40_000,
    );
}

#[test]
fn too_much_memory_is_an_error() {
    run(
        "for _, f in ipairs {
           function() return ('x'):rep(1 << 30) end,
           function() return ('x'):rep(1 << 20):gsub('x', ('y'):rep(1000)) end,
           function() return string.format('%s%s%s', ('x'):rep(1 << 24), ('y'):rep(1 << 24), ('z'):rep(1 << 24)) end,
           function() return string.pack('c2000000000', '') end,
         } do
           local ok, message = pcall(f)
           assert(not ok and message == 'not enough memory', message)
         end
         local ok, message = pcall(string.rep, 'x', 1e10)
         assert(not ok and message == 'resulting string too large')",
        40_000,
    );
}

//! What the fuzz targets share: programs from bytes ([`grammar`]), and running them under limits.

pub mod grammar;
pub mod types;

use wippy::runtime::script::{Outcome, Script};
use wippy::vm::Exit;

/// How a program runs.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Reductions in one slice.
    pub slice: i32,
    /// Operations on values of the wrong type have metamethods, so that programs get beyond their first type error.
    pub forgiving: bool,
}

const MEMORY: usize = 16 << 20;
/// Reductions in all slices of one program.
const REDUCTIONS: i32 = 30_000;
const MAX_SLICES: i32 = 5_000;
/// Slices in which an interrupted program may catch the interruption before it is given up.
const LAST_SLICES: i32 = 50;

/// No way to the outside, no output.
const PRELUDE: &[u8] = br##"
for _, name in ipairs { "io", "os", "package" } do
  package.loaded[name] = nil
  _G[name] = nil
end
require, dofile, loadfile, debug.debug = nil
print = function(...) for i = 1, select("#", ...) do local _ = tostring((select(i, ...))) end end
"##;

const FORGIVING: &[u8] = br##"
local function first(a) return a end
local function second(_, b) return b end
local mt = {
  __add = first, __sub = second, __mul = first, __div = second, __mod = first, __pow = second, __idiv = first,
  __band = second, __bor = first, __bxor = second, __shl = first, __shr = second, __unm = first, __bnot = first,
  __concat = function() return "c" end, __len = function() return 3 end,
  __lt = function(_, b) return not b end, __le = function(a) return a end,
  __call = function(_, ...) return ... end,
  __index = function(_, k) return k end, __newindex = function() end,
}
for _, v in ipairs { 1, true, print } do debug.setmetatable(v, mt) end
debug.setmetatable(nil, mt)
local strings = getmetatable("")
for k, v in pairs(mt) do if k ~= "__index" and k ~= "__len" then strings[k] = v end end
"##;

/// Runs a chunk, source or precompiled, with the libraries that do not reach outside; then checks the heap.
pub fn run(chunk: &[u8], setup: Setup) {
    let mut script = Script::new(Some(MEMORY)).expect("room for the libraries");
    script.vm().set_slice(40_000);
    assert_eq!(start(&mut script, PRELUDE), Some(Exit::Done));
    if setup.forgiving {
        assert_eq!(start(&mut script, FORGIVING), Some(Exit::Done));
    }
    script.vm().set_slice(setup.slice);
    let slices = (REDUCTIONS / setup.slice.max(1)).clamp(1, MAX_SLICES);
    let Some(mut exit) = start_bounded(&mut script, chunk, slices) else { return };
    if matches!(exit, Exit::Preempted | Exit::Yielded) {
        let interrupt = script.vm().interrupt_flag();
        for _ in 0..LAST_SLICES {
            interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
            exit = script.vm().run();
            if !matches!(exit, Exit::Preempted | Exit::Yielded) {
                break;
            }
        }
    }
    // In the middle of a program the stack's end is known to the interpreter only.
    if !matches!(exit, Exit::Preempted | Exit::Yielded)
        && let Err(broken) = script.vm().check_heap()
    {
        panic!("{broken}");
    }
}

/// Runs a chunk that ends and must not fail, unless memory does.
pub fn run_whole(chunk: &[u8], text: &str) {
    let mut script = Script::new(Some(MEMORY)).expect("room for the libraries");
    script.vm().set_slice(400);
    assert!(matches!(script.start_chunk(chunk, b"=fuzz"), Ok(Ok(()))), "it loads: {text}");
    if let Outcome::Failed(failure) = script.run() {
        let message = String::from_utf8_lossy(&failure.message).into_owned();
        assert!(message.contains("not enough memory"), "{message}\n{text}");
    }
    if let Err(broken) = script.vm().check_heap() {
        panic!("{broken}");
    }
}

fn start(script: &mut Script, chunk: &[u8]) -> Option<Exit> {
    start_bounded(script, chunk, MAX_SLICES)
}

/// `None` if the chunk does not load.
fn start_bounded(script: &mut Script, chunk: &[u8], slices: i32) -> Option<Exit> {
    let Ok(Ok(())) = script.start_chunk(chunk, b"=fuzz") else { return None };
    let vm = script.vm();
    let mut exit = vm.run();
    for _ in 1..slices {
        if !matches!(exit, Exit::Preempted | Exit::Yielded) {
            break;
        }
        exit = vm.run();
    }
    Some(exit)
}

//! Panics in native code: each ends the process in which it happens, and nobody else.

use crate::faults::told;
use crate::world::{Baseline, Programs, World};
use wippy::vm::native::{Cx, Native, Step, Val};
use wippy::vm::{LuaError, Vm};

/// Calls between two panics.
const CALLS: i64 = 1000;

static BROKEN: Native = Native::new("broken", |cx| {
    let n = cx.check_int(0)?;
    assert!(n % CALLS != 0, "on purpose");
    cx.push(Val::int(n));
    Ok(Step::Return(1))
});

fn prepare(vm: &mut Vm) -> Result<(), LuaError> {
    wippy::modules::add_all(vm)?;
    vm.with_context(|cx: &mut Cx<'_>| {
        let globals = cx.globals();
        globals.set_name(cx, "broken", Val::native(&BROKEN))
    })
}

/// Calls natives in all kinds of places until one of them panics.
const CALLER: &str = "
return function(first)
    local n = tonumber(first)
    local function step() n = broken(n + 1) return n end
    local t = setmetatable({}, {__index = step, __add = step})
    while true do
        step()
        pcall(step)
        local _ = t.x + (t + 1)
        coroutine.wrap(step)()
        coroutine.spawn(step)
        table.sort({3, 1, 2}, function(a, b) step() return a < b end)
        ;('abc'):gsub('.', function() step() end)
    end
end";

/// A neighbour whose result is known.
const SUM: &str = "
return function()
    local sum = 0
    for i = 1, 20000 do sum = (sum * 31 + i) % 1000003 end
    process.registry.register('sum ' .. sum .. ' of ' .. process.pid())
    process.inbox():receive()
end";

/// See the head of the file.
pub fn each_ends_one_process() {
    let mut programs = Programs::default();
    programs.add("caller", CALLER);
    programs.add("sum", SUM);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let run = |seed: u64| {
        let what = format!("panics, seed {seed}");
        let mut world = World::with_libraries(&programs, seed, None, prepare);
        let neighbours: Vec<_> = (0..3).map(|_| world.spawn("sum", &[])).collect();
        let observer = world.observer();
        let callers = 40;
        for i in 0..callers {
            let caller = world.spawn("caller", &[&(i * 25).to_string()]);
            assert_eq!(caller.add_monitor(&observer), Ok(()));
            assert!(observer.link(&caller));
        }
        world.sim.run();
        let told = told(&observer);
        assert_eq!(
            (told.exits, told.failures, told.downs, told.others),
            (callers, callers, callers, 0),
            "{what}"
        );
        let expected = (1..=20000u64).fold(0, |sum, i| (sum * 31 + i) % 1_000_003);
        for neighbour in &neighbours {
            let name = format!("sum {expected} of {}", neighbour.pid);
            assert_eq!(world.node.names.lookup(name.as_bytes()), Some(neighbour.pid.clone()), "{what}");
        }
        drop((neighbours, observer));
        world.end(&what);
    };
    run(1);
    let baseline = Baseline::now();
    for seed in 1..=10 {
        run(seed);
    }
    baseline.assert_same("panics");
    std::panic::set_hook(hook);
}

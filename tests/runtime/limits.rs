//! The memory limit of a program: in simulated time, the largest process gives in and the small ones never notice.

use std::sync::Arc;

use crate::faults::told;
use crate::world::{Baseline, Programs, World};

const LIMIT: usize = 1 << 20;

/// Collects, allocates and answers itself, round after round; its name says that it has come to the end.
const SMALL: &str = "
return function(number)
    local inbox, kept = process.inbox(), {}
    for round = 1, 30 do
        for i = 1, 50 do kept[i] = {i, tostring(i + round)} end
        process.send(process.pid(), 'round', kept)
        kept = inbox:receive():payload():data()
        assert(#kept == 50)
    end
    process.registry.register('small ' .. number)
    inbox:receive()
end";

/// Takes all it can get; gives it back when it gets an error, or keeps it.
const HOG: &str = "
return function(keeps)
    local held = {}
    local function eat() while true do held[#held + 1] = ('x'):rep(100) .. #held end end
    for _ = 1, 20 do
        local ok, e = pcall(eat)
        assert(not ok and e == 'not enough memory')
        if keeps ~= 'keeps' then held = nil held = {} end
    end
end";

/// Lets somebody's mailbox grow until that one ends.
const SENDER: &str = "
return function()
    local deaf = process.spawn_monitored('deaf', 'app:processes')
    local n = 0
    while process.send(deaf, 'mail', {n, tostring(n)}) do n = n + 1 end
    local exit = process.events():receive()
    assert(tostring(exit.result.error) == 'not enough memory')
    process.registry.register('sender')
    process.inbox():receive()
end";

const DEAF: &str = "return function() channel.new():receive() end";

/// What kind of process takes too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Greedy {
    GivesBack,
    Keeps,
    Mailbox,
}

/// See the head of the file.
pub fn the_largest_gives_in() {
    let mut programs = Programs::default();
    for (id, text) in [("small", SMALL), ("hog", HOG), ("sender", SENDER), ("deaf", DEAF)] {
        programs.add(id, text);
    }
    let run = |seed: u64, greedy: Greedy| {
        let what = format!("{greedy:?}, seed {seed}");
        let mut world = World::new(&programs, seed, None);
        world.node.limit_memory(LIMIT);
        let memory = Arc::clone(world.node.memory().expect("it was limited"));
        let observer = world.observer();
        let hog = match greedy {
            Greedy::GivesBack => world.spawn("hog", &["gives"]),
            Greedy::Keeps => world.spawn("hog", &["keeps"]),
            Greedy::Mailbox => world.spawn("sender", &[]),
        };
        let small = 8;
        for number in 0..small {
            let peer = world.spawn("small", &[&number.to_string()]);
            assert_eq!(peer.add_monitor(&observer), Ok(()));
        }
        let mut most = 0;
        world.sim.run_until(u64::MAX, || {
            most = most.max(memory.used());
            false
        });
        // Each of nine processes may overdraw its account a little.
        assert!(most > LIMIT * 9 / 10 && most <= LIMIT * 4 / 3, "{what}: {most} bytes of {LIMIT}");
        let told = told(&observer);
        assert_eq!((told.exits, told.others), (0, 0), "{what}");
        for number in 0..small {
            let name = format!("small {number}");
            assert!(
                world.node.names.lookup(name.as_bytes()).is_some(),
                "{what}: {name} did not come to the end"
            );
        }
        let sender = world.node.names.lookup(b"sender").is_some();
        assert_eq!(sender, greedy == Greedy::Mailbox, "{what}");
        drop((hog, observer));
        world.end(&what);
        assert_eq!(memory.used(), 0, "{what}: bytes on the account");
    };
    let all = [Greedy::GivesBack, Greedy::Keeps, Greedy::Mailbox];
    all.iter().for_each(|&greedy| run(1, greedy));
    let baseline = Baseline::now();
    for seed in 1..=8 {
        all.iter().for_each(|&greedy| run(seed, greedy));
    }
    baseline.assert_same("limits");
}

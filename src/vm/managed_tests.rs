//! Waits that a host ends: blocking natives in every position, tickets, dropped coroutines.

use super::Exit;
use super::managed::{Ticket, Wait};
use super::native::{Cx, Native, Step, Val};
use crate::runtime::script::{Outcome, Script};
use std::sync::Mutex;

/// Tickets in the order in which their waits began. The tests that use it hold `TURN`.
static TICKETS: Mutex<Vec<Ticket>> = Mutex::new(Vec::new());
static TURN: Mutex<()> = Mutex::new(());

static WAIT: Native = Native::new("wait", |cx| {
    let ticket = cx.block(&Wait::Operation("a test"))?;
    TICKETS.lock().expect("no panic").push(ticket);
    Ok(Step::Block)
});

/// Entered again with what it was woken with: returns that and its own argument.
static TWICE: Native = Native::new("twice", |cx| {
    if cx.state() == 0 {
        cx.set_state(1);
        let ticket = cx.block(&Wait::Operation("a test"))?;
        TICKETS.lock().expect("no panic").push(ticket);
        return Ok(Step::Block);
    }
    let n = cx.top() as u32;
    Ok(Step::Return(n))
});

static NEVER: Native = Native::new("never", |cx| {
    cx.block(&Wait::Nothing("nothing"))?;
    Ok(Step::Block)
});

fn script(text: &str) -> Script {
    let mut script = Script::new(None).expect("memory");
    let natives = [("wait", &WAIT), ("twice", &TWICE), ("never", &NEVER)];
    script.vm().with_context(|cx| {
        let globals = cx.globals();
        for (name, native) in natives {
            globals.set_name(cx, name, Val::native(native)).expect("memory");
        }
    });
    script.start_chunk(text.as_bytes(), b"=test").expect("memory").expect("a program");
    script
}

fn next_ticket() -> Ticket {
    TICKETS.lock().expect("no panic").remove(0)
}

fn run(script: &mut Script) -> Exit {
    loop {
        match script.vm().run() {
            Exit::Preempted | Exit::Yielded => {}
            exit => return exit,
        }
    }
}

fn message(script: &mut Script) -> String {
    let value = script.vm().exit_values()[0];
    script.vm().with_context(|cx| {
        String::from_utf8_lossy(cx.host_value(value).as_str().expect("a string").bytes()).into_owned()
    })
}

/// Runs to the end; the `n`th wait ends with `n` as its result.
fn count_up(text: &str) -> Script {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    TICKETS.lock().expect("no panic").clear();
    let mut script = script(text);
    let mut n = 0;
    while run(&mut script) == Exit::Idle {
        n += 1;
        let ticket = next_ticket();
        let ended = script.vm().with_context(|cx| {
            assert!(cx.is_waiting(ticket));
            let ended = cx.complete(ticket, &[Val::int(n)]).expect("memory");
            assert!(!cx.is_waiting(ticket) && !cx.complete(ticket, &[]).expect("memory"), "good once");
            ended
        });
        assert!(ended);
        script.vm().check_heap().expect("the heap keeps its invariants");
    }
    script
}

fn passes(text: &str) {
    let mut script = count_up(text);
    match script.run() {
        Outcome::Done(0) => {}
        Outcome::Done(code) | Outcome::Quit(code) => panic!("ended with {code}"),
        Outcome::Failed(failure) => panic!("{}", String::from_utf8_lossy(&failure.message)),
    }
}

#[test]
fn waits_everywhere() {
    passes(
        r##"
        assert(wait() == 1 and select("#", wait()) == 1)
        local ok, n = pcall(wait) assert(ok and n == 3)
        assert(xpcall(function() assert(wait() == 4) end, print))
        local t = setmetatable({}, {
            __index = function(_, k) return k .. wait() end,
            __newindex = function(t, k, v) rawset(t, k, v + wait()) end,
            __add = wait, __eq = wait, __lt = wait, __le = wait, __concat = wait, __call = wait, __len = wait,
            __tostring = function() return "n" .. wait() end,
            __pairs = function() return wait() end,
        })
        assert(t.x == "x5") t.y = 1 assert(rawget(t, "y") == 7) assert(t + 1 == 7)
        local u = setmetatable({}, getmetatable(t))
        assert(t == u and t < u and t <= u and t .. u == 11 and t() == 12 and #t == 13)
        assert(tostring(t) == "n14" and pairs(t) == 15 and string.format("%s", u) == "n16")
        for i in wait do assert(i == 17) break end
        local list = {3, 1, 2}
        table.sort(list, function(a, b) wait() return a < b end)
        assert(list[1] == 1 and list[2] == 2 and list[3] == 3)
        assert(("ab"):gsub(".", function(c) return c .. type(wait()) end) == "anumberbnumber")
        package.preload.m = function() return {wait()} end
        assert(type(require("m")[1]) == "number")
        assert(load(function() return wait() and nil end))
        assert(xpcall(error, function() return wait() end) == false)
        "##,
    );
}

#[test]
fn manual_coroutines_wait_with_their_resumers() {
    passes(
        r##"
        local co = coroutine.wrap(function(a)
            local inner = coroutine.wrap(function() coroutine.yield(wait() + 10) return wait() + 20 end)
            local b = coroutine.yield(a + wait())
            return b + inner() + inner()
        end)
        assert(co(100) == 101)
        assert(co(1000) == 1000 + 12 + 23)
        -- Made in one managed coroutine, resumed from another; blocked, it cannot be resumed.
        local shared = coroutine.create(function() while true do coroutine.yield(wait()) end end)
        local got
        coroutine.spawn(function() got = {coroutine.resume(shared)} end)
        assert(coroutine.status(shared) == "suspended")
        local ok, why = coroutine.resume(shared)
        assert(not ok and why == "cannot resume non-suspended coroutine")
        while not got do coroutine.yield() wait() end
        assert(got[1] and got[2] == 4)
        assert(select(2, coroutine.resume(shared)))
        "##,
    );
}

#[test]
fn managed_coroutines_take_turns() {
    passes(
        r##"
        local log = {}
        local function say(x) log[#log + 1] = x end
        local co = coroutine.spawn(function(...)
            say("a" .. select("#", ...)) coroutine.yield(1, 2) say("b") wait() say("c")
        end)
        say("main")
        assert(coroutine.status(co) == "suspended")
        local ok, why = coroutine.resume(co)
        assert(not ok and type(why) == "string")
        assert(select("#", coroutine.yield(1)) == 0)
        say("again")
        wait()
        assert(coroutine.status(co) == "dead")
        assert(table.concat(log, " ") == "a0 main b again c")
        assert(not pcall(coroutine.spawn, print) and not pcall(coroutine.spawn, 3))
        "##,
    );
}

#[test]
fn an_error_in_a_coroutine_is_the_processs() {
    let mut script =
        count_up("pcall(function() coroutine.spawn(function() wait() error('x') end) wait() end) wait()");
    assert_eq!(message(&mut script), "test:1: x");
    // Nothing of it is left.
    script.start_chunk(b"return 7", b"=test").expect("memory").expect("a program");
    assert!(matches!(script.run(), Outcome::Done(7)));
}

#[test]
fn the_end_of_main_drops_the_others() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    TICKETS.lock().expect("no panic").clear();
    let mut script =
        script("co = coroutine.spawn(function() local n = 5 function get() return n end wait() end)");
    assert_eq!(run(&mut script), Exit::Done);
    let ticket = next_ticket();
    assert!(!script.vm().with_context(|cx| cx.complete(ticket, &[]).expect("memory")));
    let text = "collectgarbage() wait() assert(get() == 5 and coroutine.status(co) == 'dead')";
    script.start_chunk(text.as_bytes(), b"=test").expect("memory").expect("a program");
    assert_eq!(run(&mut script), Exit::Idle);
    // Not even the same place in a new run.
    assert!(!script.vm().with_context(|cx| cx.complete(ticket, &[]).expect("memory")));
    let ticket = next_ticket();
    assert!(script.vm().with_context(|cx| cx.complete(ticket, &[]).expect("memory")));
    assert_eq!(run(&mut script), Exit::Done);
}

#[test]
fn waits_that_fail_and_waits_entered_again() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    TICKETS.lock().expect("no panic").clear();
    let text = "local ok, e = pcall(wait) assert(not ok and e == 'why')
        local a, b, c = twice('own') assert(a == 'own' and b == 1 and c == 2)
        return select('#', twice())";
    let mut script = script(text);
    let mut step = |f: &dyn for<'gc> Fn(&mut Cx<'gc>, Ticket)| {
        assert_eq!(run(&mut script), Exit::Idle);
        let waiting = script.vm().waiting();
        assert!(waiting.len() == 1 && waiting[0].is_main && waiting[0].place.starts_with(b"test:"));
        let ticket = next_ticket();
        script.vm().with_context(|cx| {
            // A window of its own lies above the one that waits.
            cx.push(Val::int(99));
            f(cx, ticket);
            assert!(cx.top() == 1 && cx.arg(0).raw_equal(Val::int(99)));
        });
    };
    step(&|cx, ticket| assert!(cx.fail(ticket, cx.name("why")).expect("memory")));
    step(&|cx, ticket| assert!(cx.reenter(ticket, &[Val::int(1), Val::int(2)]).expect("memory")));
    step(&|cx, ticket| assert!(cx.reenter(ticket, &vec![Val::TRUE; 250]).expect("memory")));
    assert!(matches!(script.run(), Outcome::Done(250)));
}

#[test]
fn deadlocks() {
    let mut script = count_up("coroutine.spawn(function()\nnever() end)\npcall(never)");
    assert_eq!(
        message(&mut script),
        "deadlock: all coroutines blocked with no pending operations\n  test:3: nothing\n  test:2: nothing"
    );
    // Not while another one waits for something real.
    let mut script = count_up("coroutine.spawn(function() never() end) wait() wait() never()");
    assert!(message(&mut script).starts_with("deadlock: "));
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut script = self::script("wait()");
    let Outcome::Failed(failure) = script.run() else { panic!("nothing can wake it") };
    assert_eq!(failure.message, b"deadlock: all coroutines are blocked\n  test:1: a test");
}

#[test]
fn no_blocking_in_finalizers_hooks_and_where_forbidden() {
    passes(
        r##"
        local why
        setmetatable({}, {__gc = function() why = select(2, pcall(wait)) end})
        collectgarbage()
        assert(why:find("attempt to block in a finalizer"), why)
        debug.sethook(function() debug.sethook() why = select(2, pcall(wait)) end, "c")
        pcall(print ~= nil and type, 1)
        debug.sethook()
        assert(why:find("attempt to block in a debug hook"), why)
        -- In a manual coroutine of a finalizer, too.
        setmetatable({}, {__gc = function() why = select(2, coroutine.resume(coroutine.create(wait))) end})
        collectgarbage()
        assert(why:find("attempt to block in a finalizer"), why)
        -- As in 5.3 while nothing is used of all this.
        assert(not pcall(coroutine.yield))
        "##,
    );
    let mut script = script("return pcall(wait)");
    script.vm().allow_blocking(false);
    assert_eq!(run(&mut script), Exit::Done);
    let why = script.vm().exit_values()[1];
    script.vm().with_context(|cx| {
        assert_eq!(
            cx.host_value(why).as_str().expect("a message").bytes(),
            b"can not yield from outside of a coroutine"
        );
    });
}

//! The `coroutine` library.

use super::Lib;
use crate::vm::LuaError;
use crate::vm::native::{Co, Cx, Kind, Native, Status, Step, Val};

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "coroutine",
    functions: &[
        Native::new("create", create),
        Native::new("isyieldable", isyieldable),
        Native::new("resume", resume),
        Native::new("running", running),
        Native::new("spawn", spawn),
        Native::new("status", status),
        Native::new("wrap", wrap),
        Native::new("yield", yield_),
    ],
};

static WRAPPED: Native = Native::new("wrap", wrapped);

fn check_thread<'gc>(cx: &Cx<'gc>, i: usize) -> Result<Co<'gc>, LuaError> {
    match cx.arg(i).kind() {
        Kind::Thread(co) => Ok(co),
        _ => Err(LuaError::argument(i + 1, "thread expected")),
    }
}

/// Reductions for a new coroutine: a stack of its own is made and collected.
const CREATION: usize = 3;

fn create(cx: &mut Cx<'_>) -> R {
    let f = cx.check_function(0)?;
    let co = cx.coroutine(f)?;
    cx.charge(CREATION);
    cx.ret(co)
}

/// Asks for the coroutine in slot 0 to be resumed with the rest of the window, or says why that cannot be.
fn start(cx: &mut Cx<'_>, co: Co<'_>) -> Result<Step, &'static str> {
    let args = cx.top() - 1;
    if !co.fits(args) {
        return Err("too many arguments to resume");
    }
    match co.status() {
        Status::Suspended => Ok(Step::Resume { args: args as u32 }),
        // 5.3 takes an empty stack for the sign of a finished coroutine: also that of a wrap function called without arguments.
        Status::Running if args == 0 && matches!(cx.upvalue(0).kind(), Kind::Thread(_)) => {
            Err("cannot resume dead coroutine")
        }
        Status::Normal if co.native_on_top().is_some_and(|f| std::ptr::eq(f, &raw const WRAPPED)) => {
            Err("cannot resume dead coroutine")
        }
        Status::Running | Status::Normal | Status::Blocked => Err("cannot resume non-suspended coroutine"),
        Status::Done | Status::Failed => Err("cannot resume dead coroutine"),
    }
}

/// The second entry has what the coroutine yielded or returned as its window.
fn resume(cx: &mut Cx<'_>) -> R {
    if cx.state() == 0 {
        let co = check_thread(cx, 0)?;
        // The mark of a caught error is no part of the state.
        cx.set_state(1);
        return match start(cx, co) {
            Ok(step) => Ok(step),
            Err(message) => {
                cx.push(Val::FALSE);
                let message = cx.name(message);
                cx.push(message);
                Ok(Step::Return(2))
            }
        };
    }
    if let Some(e) = cx.caught() {
        cx.push(Val::FALSE);
        cx.push(e);
        return Ok(Step::Return(2));
    }
    cx.insert(0, Val::TRUE);
    let n = cx.top() as u32;
    Ok(Step::Return(n))
}

fn wrap(cx: &mut Cx<'_>) -> R {
    let f = cx.check_function(0)?;
    let co = cx.coroutine(f)?;
    cx.charge(CREATION);
    let wrapped = cx.closure(&WRAPPED, &[co.into()])?;
    cx.ret(wrapped)
}

/// The function that `wrap` returns: its upvalue is the coroutine.
fn wrapped(cx: &mut Cx<'_>) -> R {
    if cx.state() == 0 {
        let Kind::Thread(co) = cx.upvalue(0).kind() else {
            // `debug.setupvalue` put something else there.
            return Err(LuaError::message("cannot resume dead coroutine"));
        };
        cx.reserve(1)?;
        cx.insert(0, co.into());
        cx.set_state(1);
        return start(cx, co).map_err(LuaError::message);
    }
    if let Some(e) = cx.caught() {
        let Some(text) = e.as_str() else { return Err(cx.raise(e)) };
        // Extra information: who called the function that failed.
        let message = [&cx.where_(1)[..], text.bytes()].concat();
        let message = cx.string(&message)?;
        return Err(cx.raise(message));
    }
    let n = cx.top() as u32;
    Ok(Step::Return(n))
}

/// Starts a managed coroutine, which runs up to its first wait before this returns.
fn spawn(cx: &mut Cx<'_>) -> R {
    if !cx.arg(0).is_lua_function() {
        return Err(cx.type_error(0, "Lua function"));
    }
    let co = cx.spawn(cx.arg(0))?;
    cx.push(co.into());
    Ok(Step::GiveWay(1))
}

fn yield_(cx: &mut Cx<'_>) -> R {
    let n = cx.top() as u32;
    Ok(Step::Yield(n))
}

fn status(cx: &mut Cx<'_>) -> R {
    let co = check_thread(cx, 0)?;
    let name = cx.name(match co.status() {
        Status::Suspended | Status::Blocked => "suspended",
        Status::Running => "running",
        Status::Normal => "normal",
        Status::Done | Status::Failed => "dead",
    });
    cx.ret(name)
}

fn running(cx: &mut Cx<'_>) -> R {
    let (co, is_main) = cx.running();
    cx.push(co.into());
    cx.push(Val::bool(is_main));
    Ok(Step::Return(2))
}

fn isyieldable(cx: &mut Cx<'_>) -> R {
    let yieldable = cx.is_yieldable();
    cx.ret(yieldable)
}

//! The `process` library: what programs see of processes (`spec/process.md`).
//!
//! The functions find the process they run in through the host data of the interpreter ([`Context`]). Failures at run time are
//! returned as nil and an error object, wrong types of arguments are raised.

mod builder;
mod control;
pub mod message;
mod options;
mod receive;
mod registry;
mod send;
mod spawn;

use super::context::{Context, event_kind};
use super::peer::Peer;
use crate::vm::LuaError;
use crate::vm::channel::{Chan, Outside};
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Cx, Native, Step, Val, native_flag};
use std::sync::Arc;

pub use receive::{SUBSCRIBE, UNSUBSCRIBE};

type R = Result<Step, LuaError>;

/// What mail is for channels.
pub static OUTSIDE: Outside = Outside { feeder: feed, idler: has_nothing };

static FUNCTIONS: [Native; 23] = [
    Native::new("cancel", control::cancel),
    Native::new("events", receive::events),
    Native::new("exec", spawn::exec),
    Native::new("get_options", options::get),
    Native::new("id", id),
    Native::new("inbox", receive::inbox).quick(receive::quick_inbox),
    Native::new("link", control::link),
    Native::new("listen", receive::listen),
    Native::new("monitor", control::monitor),
    Native::new("pid", pid),
    Native::with("send", send::send, native_flag::AND_NIL).quick(send::quick_send),
    Native::new("set_options", options::set),
    Native::new("spawn", spawn::spawn),
    Native::new("spawn_linked", spawn::spawn_linked),
    Native::new("spawn_linked_monitored", spawn::spawn_linked_monitored),
    Native::new("spawn_monitored", spawn::spawn_monitored),
    Native::new("terminate", control::terminate),
    Native::new("unlink", control::unlink),
    Native::new("unlisten", receive::unlisten),
    Native::new("unmonitor", control::unmonitor),
    Native::new("upgrade", spawn::upgrade),
    Native::new("with_context", builder::with_context),
    Native::new("with_options", builder::with_options),
];

const EVENTS: [(&str, &str); 4] = [
    ("CANCEL", event_kind::CANCEL),
    ("EXIT", event_kind::EXIT),
    ("LINK_DOWN", event_kind::LINK_DOWN),
    ("OUTDATED", event_kind::OUTDATED),
];

/// Makes the library a global, and a loaded module.
///
/// # Errors
/// Memory.
pub fn open(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    let lib = cx.table(0, FUNCTIONS.len() + 2)?;
    for native in &FUNCTIONS {
        lib.set_name(cx, native.name, Val::native(native))?;
    }
    let events = cx.table(0, EVENTS.len())?;
    for (name, kind) in EVENTS {
        let kind = cx.name(kind);
        events.set_name(cx, name, kind)?;
    }
    let events = cx.read_only(events)?;
    lib.set_name(cx, "event", events.into())?;
    let registry = registry::table(cx)?;
    lib.set_name(cx, "registry", registry.into())?;
    let lib = cx.read_only(lib)?;
    cx.globals().set_name(cx, "process", lib.into())?;
    if let Some(loaded) = cx.registry().get_name("_LOADED").as_table() {
        loaded.set_name(cx, "process", lib.into())?;
    }
    Ok(())
}

/// As [`open`], for libraries that many processes are to share: what is made at first use otherwise is made at once.
///
/// # Errors
/// Memory.
pub fn open_shared(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    open(cx)?;
    for class in [&message::MESSAGE, &message::PAYLOAD, &builder::BUILDER] {
        class.metatable(cx)?;
    }
    Ok(())
}

/// The next value for a channel that the process is subscribed with: the interpreter asks when somebody receives from it.
///
/// # Errors
/// Memory.
fn feed<'gc>(cx: &mut Cx<'gc>, ch: Chan<'gc>) -> Result<Option<Val<'gc>>, LuaError> {
    cx.with_host(|cx, context: &mut Context| context.feed(cx, ch)).unwrap_or(Ok(None))
}

/// True if there is no mail for a channel.
fn has_nothing<'gc>(cx: &mut Cx<'gc>, ch: Chan<'gc>) -> bool {
    cx.with_host(|_, context: &mut Context| context.has_nothing(ch)).unwrap_or(true)
}

/// Runs `f` with the context of the process, or ends the function with an error.
fn with_process<'gc>(cx: &mut Cx<'gc>, f: impl FnOnce(&mut Cx<'gc>, &mut Context) -> R) -> R {
    match cx.with_host(f) {
        Some(r) => r,
        None => cx.ret_error(ErrorObject::permanent(kind::INTERNAL, "no process context")),
    }
}

/// An error of kind `Invalid`.
fn invalid(text: impl Into<Vec<u8>>) -> ErrorObject {
    ErrorObject::permanent(kind::INVALID, text)
}

/// `true, nil`
fn done(cx: &mut Cx<'_>) -> R {
    cx.push(Val::TRUE);
    cx.push(Val::NIL);
    Ok(Step::Return(2))
}

/// A PID as a string.
fn pid_value<'gc>(cx: &mut Cx<'gc>, peer: &Peer) -> Result<Val<'gc>, LuaError> {
    cx.string(&peer.pid.text())
}

/// The error for something that a policy forbids: `not allowed to <what>: <resource>`.
fn check_allowed(context: &Context, action: &str, what: &str, resource: &[u8]) -> Result<(), ErrorObject> {
    if context.node.gate.allows(&context.me, action, resource) {
        return Ok(());
    }
    let text = [b"not allowed to ", what.as_bytes(), b": ", resource].concat();
    Err(ErrorObject::permanent(kind::PERMISSION_DENIED, text))
}

fn pid(cx: &mut Cx<'_>) -> R {
    with_process(cx, |cx, context| {
        let pid = pid_value(cx, &context.me)?;
        cx.ret(pid)
    })
}

fn id(cx: &mut Cx<'_>) -> R {
    with_process(cx, |cx, context| cx.ret_str(&context.program.id))
}

/// The process that a destination names. The inner error is its PID as text: it does not exist (any more).
fn resolve(context: &Context, destination: &[u8]) -> Result<Result<Arc<Peer>, Vec<u8>>, ErrorObject> {
    context.node.resolve(destination)
}

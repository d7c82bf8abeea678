//! Starting processes: `spawn` and its variants, `exec`; and `upgrade`.
//!
//! A starter waits until the chunk of a program that has not been tried yet has run (or waits for something), so that a chunk
//! that fails is an error of the call. Later starts of that program are not waited for.

use super::builder::Builder;
use super::{R, check_allowed, invalid, pid_value, with_process};
use crate::runtime::context::{Context, Upgrade};
use crate::runtime::node::Spawn;
use crate::runtime::process::Start;
use crate::vm::LuaError;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::managed::Wait;
use crate::vm::native::{Cx, Step, Val};
use crate::vm::parcel::Parcel;

/// What a new process is to its starter.
#[derive(Clone, Copy)]
pub struct Variant {
    pub name: &'static str,
    pub monitor: bool,
    pub link: bool,
}

pub const PLAIN: Variant = Variant { name: "spawn", monitor: false, link: false };
pub const MONITORED: Variant = Variant { name: "spawn_monitored", monitor: true, link: false };
pub const LINKED: Variant = Variant { name: "spawn_linked", monitor: false, link: true };
pub const LINKED_MONITORED: Variant = Variant { name: "spawn_linked_monitored", monitor: true, link: true };

pub fn spawn(cx: &mut Cx<'_>) -> R {
    start(cx, PLAIN, None)
}

pub fn spawn_monitored(cx: &mut Cx<'_>) -> R {
    start(cx, MONITORED, None)
}

pub fn spawn_linked(cx: &mut Cx<'_>) -> R {
    start(cx, LINKED, None)
}

pub fn spawn_linked_monitored(cx: &mut Cx<'_>) -> R {
    start(cx, LINKED_MONITORED, None)
}

/// `spawn…(id, host, …)`, also as a method of a builder, whose arguments come one later. State 1: the process has begun; its
/// PID is on top of the window.
pub fn start(cx: &mut Cx<'_>, variant: Variant, builder: Option<Builder>) -> R {
    if cx.state() == 1 {
        let pid = cx.arg(cx.top() - 1);
        cx.push(pid);
        cx.push(Val::NIL);
        return Ok(Step::Return(2));
    }
    let first = usize::from(builder.is_some());
    if cx.top() < first + 2 {
        let name = variant.name;
        return cx.ret_error(invalid(format!("{name} requires at least id and host arguments")));
    }
    let id = cx.check_str(first)?;
    let host = cx.check_str(first + 1)?;
    with_process(cx, |cx, context| {
        if let Err(e) = check_start(context, variant, id.bytes(), host.bytes()) {
            return cx.ret_error(e);
        }
        let args = Parcel::of_arguments(cx, first + 2)?;
        let (mut request, number) = request(context, id.bytes(), host.bytes(), args, builder);
        request.monitor = variant.monitor;
        request.link = variant.link;
        let spawned = match launch(context, request) {
            Ok(spawned) => spawned,
            Err(e) => return cx.ret_error(e),
        };
        if variant.monitor && spawned.is_new {
            context.watches(&spawned.peer);
        }
        let pid = pid_value(cx, &spawned.peer)?;
        cx.push(pid);
        if spawned.starting {
            let ticket = cx.block(&Wait::Operation("the start of a process"))?;
            context.wait_for(number, ticket);
            cx.set_state(1);
            return Ok(Step::Block);
        }
        cx.push(Val::NIL);
        Ok(Step::Return(2))
    })
}

fn check_start(context: &Context, variant: Variant, id: &[u8], host: &[u8]) -> Result<(), ErrorObject> {
    check_allowed(context, "process.spawn", "spawn process", id)?;
    if variant.monitor {
        check_allowed(context, "process.spawn.monitored", "spawn monitored process", id)?;
    }
    if variant.link {
        check_allowed(context, "process.spawn.linked", "spawn linked process", id)?;
    }
    check_allowed(context, "process.host", "spawn on host", host)
}

/// The request for a new process, and the number of the wait for it.
fn request(
    context: &mut Context,
    id: &[u8],
    host: &[u8],
    args: Parcel,
    builder: Option<Builder>,
) -> (Spawn, u64) {
    let ticket = context.next_ticket();
    let builder = builder.unwrap_or_default();
    let values = builder.values.unwrap_or_else(|| context.values.clone());
    let request = Spawn {
        program: id.to_vec(),
        host: host.to_vec(),
        start: Start { args, values, ticket, answer_to: None },
        monitor: false,
        link: false,
        name: builder.name,
        messages: builder.messages,
        network: builder.network,
        exec: None,
    };
    (request, ticket)
}

fn launch(context: &Context, request: Spawn) -> Result<crate::runtime::node::Spawned, ErrorObject> {
    if let Some(network) = &request.network {
        let text = [b"network not found: ", &network[..]].concat();
        return Err(ErrorObject::permanent(kind::NOT_FOUND, text));
    }
    context.node.spawn(Some(&context.me), request)
}

pub fn exec(cx: &mut Cx<'_>) -> R {
    execute(cx, None)
}

/// `exec(id, host, …)`, also as a method of a builder.
pub fn execute(cx: &mut Cx<'_>, builder: Option<Builder>) -> R {
    let first = usize::from(builder.is_some());
    if cx.top() < first + 2 {
        return cx.ret_error(invalid("exec requires id and host arguments"));
    }
    let id = cx.check_str(first)?;
    let host = cx.check_str(first + 1)?;
    if id.is_empty() {
        return cx.ret_error(invalid("process ID required"));
    }
    if host.is_empty() {
        return cx.ret_error(invalid("host ID required"));
    }
    with_process(cx, |cx, context| {
        if !context.node.source.is_valid(id.bytes()) {
            return cx.ret_error(invalid("invalid process ID format (namespace:name required)"));
        }
        let allowed = check_allowed(context, "process.exec", "exec process", id.bytes())
            .and_then(|()| check_allowed(context, "process.host", "exec on host", host.bytes()));
        if let Err(e) = allowed {
            return cx.ret_error(e);
        }
        let args = Parcel::of_arguments(cx, first + 2)?;
        let (mut request, number) = request(context, id.bytes(), host.bytes(), args, builder);
        request.exec = Some(number);
        if let Err(e) = launch(context, request) {
            let text = [b"exec failed: ", e.message()].concat();
            return cx.ret_error(ErrorObject::new(text).with_kind(kind::INTERNAL));
        }
        let ticket = cx.block(&Wait::Operation("exec"))?;
        context.wait_for(number, ticket);
        Ok(Step::Block)
    })
}

/// Does not return: the interpreter is left, and the process goes on with a new one.
pub fn upgrade(cx: &mut Cx<'_>) -> R {
    let id = cx.opt_str(0)?;
    let args = Parcel::of_arguments(cx, 1)?;
    with_process(cx, |_, context| {
        let program = id.map_or_else(Vec::new, |id| id.bytes().to_vec());
        context.upgrade = Some(Box::new(Upgrade { program, args }));
        // Nothing catches it; the process sees the upgrade and does not take it for the end.
        Err(LuaError::exit(0))
    })
}

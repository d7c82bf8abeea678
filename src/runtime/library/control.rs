//! `cancel`, `terminate`, `monitor`, `unmonitor`, `link`, `unlink`: what one process does to another.

use super::{R, check_allowed, done, invalid, resolve, with_process};
use crate::runtime::context::Context;
use crate::runtime::message::Notice;
use crate::runtime::peer::{Peer, Refused};
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::Cx;
use crate::vm::parcel::Text;
use std::sync::Arc;

/// An operation on another process.
struct Operation {
    name: &'static str,
    action: &'static str,
    /// What is said of a process that does not exist; none if that is as good as done.
    absent: Option<&'static str>,
    run: fn(&mut Context, &Arc<Peer>, Text) -> Result<(), &'static str>,
}

const NOT_FOUND: &str = "process not found";
const NOT_REGISTERED: &str = "pid not registered";

fn operate(cx: &mut Cx<'_>, operation: &Operation) -> R {
    let name = operation.name;
    if cx.top() == 0 {
        return cx.ret_error(invalid(format!("{name} requires a destination argument")));
    }
    let destination = cx.check_str(0)?;
    let reason = match name {
        "cancel" => cx.opt_str(1)?.map(Text::of),
        _ => None,
    };
    with_process(cx, |cx, context| {
        let failed = |why: &str, what: &[u8]| {
            let text = [name.as_bytes(), b" failed: ", why.as_bytes(), b": ", what].concat();
            ErrorObject::permanent(kind::INTERNAL, text)
        };
        let found = match resolve(context, destination.bytes()) {
            Ok(found) => found,
            // An unknown name is told apart, an unknown host or node is one more process that does not exist.
            Err(e) if !destination.bytes().starts_with(b"{") => return cx.ret_error(e),
            Err(_) => Err(destination.bytes().to_vec()),
        };
        if let Err(e) = check_allowed(context, operation.action, name, destination.bytes()) {
            return cx.ret_error(e);
        }
        match (found, operation.absent) {
            (Ok(peer), _) => match (operation.run)(context, &peer, reason.unwrap_or_else(|| Text::fixed("")))
            {
                Ok(()) => done(cx),
                Err(why) => cx.ret_error(failed(why, &peer.pid.text())),
            },
            (Err(_), None) => done(cx),
            (Err(pid), Some(why)) => cx.ret_error(failed(why, &pid)),
        }
    })
}

pub fn cancel(cx: &mut Cx<'_>) -> R {
    operate(
        cx,
        &Operation {
            name: "cancel",
            action: "process.cancel",
            absent: Some(NOT_FOUND),
            run: |context, peer, reason| {
                let from = Some(context.me.clone());
                let accepted = context.node.notify(peer, Notice::Cancel { from, reason });
                if accepted { Ok(()) } else { Err(NOT_FOUND) }
            },
        },
    )
}

pub fn terminate(cx: &mut Cx<'_>) -> R {
    operate(
        cx,
        &Operation {
            name: "terminate",
            action: "process.terminate",
            absent: Some(NOT_FOUND),
            run: |_, peer, _| if peer.terminate() { Ok(()) } else { Err(NOT_FOUND) },
        },
    )
}

pub fn monitor(cx: &mut Cx<'_>) -> R {
    operate(
        cx,
        &Operation {
            name: "monitor",
            action: "process.monitor",
            absent: Some(NOT_REGISTERED),
            run: |context, peer, _| match peer.add_monitor(&context.me) {
                Ok(()) => {
                    context.watches(peer);
                    Ok(())
                }
                Err(Refused::Ended) => Err(NOT_REGISTERED),
                Err(Refused::AlreadyMonitoring) => Err("already monitoring pid"),
            },
        },
    )
}

pub fn unmonitor(cx: &mut Cx<'_>) -> R {
    operate(
        cx,
        &Operation {
            name: "unmonitor",
            action: "process.unmonitor",
            absent: None,
            run: |context, peer, _| {
                peer.remove_monitor(&context.me);
                context.watches_no_more(peer);
                Ok(())
            },
        },
    )
}

pub fn link(cx: &mut Cx<'_>) -> R {
    operate(
        cx,
        &Operation {
            name: "link",
            action: "process.link",
            absent: Some(NOT_REGISTERED),
            run: |context, peer, _| if context.me.link(peer) { Ok(()) } else { Err(NOT_REGISTERED) },
        },
    )
}

pub fn unlink(cx: &mut Cx<'_>) -> R {
    operate(
        cx,
        &Operation {
            name: "unlink",
            action: "process.unlink",
            absent: None,
            run: |context, peer, _| {
                context.me.unlink(peer);
                Ok(())
            },
        },
    )
}

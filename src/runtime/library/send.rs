//! `process.send`.

use super::{R, check_allowed, done, invalid, resolve, with_process};
use crate::runtime::context::Context;
use crate::runtime::message::{Letter, Message};
use crate::runtime::node::process_not_found;
use crate::vm::native::{Args, Cx, Val};
use crate::vm::parcel::{Parcel, Text};

/// Queues the message before it returns, so it never waits.
pub fn send(cx: &mut Cx<'_>) -> R {
    if cx.top() < 2 && !(cx.top() == 1 && cx.arg(0).is_nil()) {
        return cx.ret_error(invalid("send requires at least destination and topic arguments"));
    }
    let destination = cx.check_str(0)?;
    let topic = cx.check_str(1)?;
    if topic.bytes().starts_with(b"@") {
        return cx.ret_error(invalid("cannot send to @ topics"));
    }
    let destination = destination.bytes();
    with_process(cx, |cx, context| {
        let found;
        let to = match context.recipient(destination).and_then(|known| context.peer(known)) {
            Some(peer) if !peer.mailbox.is_closed() => peer,
            _ => match resolve(context, destination) {
                Ok(Ok(peer)) => {
                    found = peer;
                    &found
                }
                Ok(Err(pid)) => return cx.ret_error(process_not_found(&pid)),
                Err(e) => return cx.ret_error(e),
            },
        };
        if let Err(e) = check_allowed(context, "process.send", "send", destination) {
            return cx.ret_error(e);
        }
        let payload = Parcel::of_arguments(cx, 2)?;
        let message = Message { from: Some(context.me.clone()), topic: Text::of(topic), payload };
        match context.node.send(to, Letter::Message(message)) {
            Ok(()) => {
                context.sent += 1;
                done(cx)
            }
            Err(e) => cx.ret_error(e),
        }
    })
}

/// One plain value, or none, to a process that is alive.
pub fn quick_send(args: Args<'_>) -> Val<'_> {
    let (Some(destination), Some(topic)) = (args.get(0).as_str(), args.get(1).as_str()) else {
        return Val::DECLINED;
    };
    let payload = match args.len() {
        2 => Some(Parcel::default()),
        3 => Parcel::of_plain(args.get(2)),
        _ => None,
    };
    let Some(payload) = payload else { return Val::DECLINED };
    if topic.bytes().starts_with(b"@") {
        return Val::DECLINED;
    }
    let destination = destination.bytes();
    let sent = args.with_host(|context: &mut Context| {
        let Some(known) = context.recipient(destination) else { return false };
        let Some(to) = context.peer(known) else { return false };
        let from = Some(context.me.clone());
        let letter = Letter::Message(Message { from, topic: Text::of(topic), payload });
        let sent = check_allowed(context, "process.send", "send", destination).is_ok()
            && context.node.send(to, letter).is_ok();
        context.sent += u64::from(sent);
        sent
    });
    if sent != Some(true) {
        return Val::DECLINED;
    }
    args.charge(1);
    Val::TRUE
}

//! `process.send`.

use super::{R, check_allowed, done, invalid, resolve, with_process};
use crate::runtime::message::{Letter, Message};
use crate::runtime::node::process_not_found;
use crate::vm::native::Cx;
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
        let to = match context.knows(destination).then(|| context.recipient()).flatten() {
            Some(peer) => peer,
            None => match resolve(context, destination) {
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
        match context.node.send(to, Letter::Message(Box::new(message))) {
            Ok(()) => {
                context.sent += 1;
                done(cx)
            }
            Err(e) => cx.ret_error(e),
        }
    })
}

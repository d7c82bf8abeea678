//! Channels of messages and events: `inbox`, `events`, `listen`, `unlisten`.

use super::{R, invalid, with_process};
use crate::runtime::context::{self, Context, Subscribed};
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Args, Cx, Name, Native, Step, Val};
use crate::vm::parcel::Text;

/// `subscribe(topic, ch)`, a global of entries.
pub static SUBSCRIBE: Native = Native::new("subscribe", subscribe);
/// `unsubscribe(ch)`, a global of entries.
pub static UNSUBSCRIBE: Native = Native::new("unsubscribe", unlisten);

static INBOX: Name = Name::new(context::INBOX);
static EVENTS: Name = Name::new(context::EVENTS);

fn fixed(cx: &mut Cx<'_>, topic: &'static Name) -> R {
    with_process(cx, |cx, context| {
        let ch = context.listen(cx, Text::of_name(topic), true)?;
        cx.ret(ch)
    })
}

pub fn inbox(cx: &mut Cx<'_>) -> R {
    fixed(cx, &INBOX)
}

/// Once it is open.
pub fn quick_inbox(args: Args<'_>) -> Val<'_> {
    args.with_host(|context: &mut Context| context.inbox())
        .flatten()
        .map_or(Val::DECLINED, |inbox| args.held(inbox))
}

pub fn events(cx: &mut Cx<'_>) -> R {
    fixed(cx, &EVENTS)
}

pub fn listen(cx: &mut Cx<'_>) -> R {
    let topic = cx.check_str(0)?;
    let whole = match cx.arg(1) {
        v if v.is_nil() => false,
        _ => matches!(cx.check_table(1)?.get_name("message").kind(), crate::vm::native::Kind::Bool(true)),
    };
    if topic.is_empty() {
        return cx.ret_error(invalid("topic cannot be empty"));
    }
    if topic.bytes().starts_with(b"@") {
        return cx.ret_error(invalid("cannot listen to @ topics"));
    }
    with_process(cx, |cx, context| {
        let ch = context.listen(cx, Text::of(topic), whole)?;
        cx.ret(ch)
    })
}

pub fn unlisten(cx: &mut Cx<'_>) -> R {
    let ch = cx.check_channel(0)?;
    let ended = cx.with_host(|cx, context: &mut Context| context.unlisten(cx, ch)).unwrap_or(Ok(false))?;
    if ended {
        // Whoever waited for the channel hears of it first.
        cx.push(Val::TRUE);
        return Ok(Step::GiveWay(1));
    }
    let error = cx.new_error(ErrorObject::permanent(kind::NOT_FOUND, "channel not found"))?;
    cx.push(Val::FALSE);
    cx.push(error);
    Ok(Step::Return(2))
}

fn subscribe(cx: &mut Cx<'_>) -> R {
    let topic = cx.check_str(0)?;
    let ch = cx.check_channel(1)?;
    with_process(cx, |cx, context| match context.subscribe(cx, Text::of(topic), ch)? {
        Subscribed::To(ch) => cx.ret(ch),
        Subscribed::Taken => {
            let text = [b"topic \"", topic.bytes(), b"\" already subscribed"].concat();
            cx.ret_error(ErrorObject::permanent(kind::ALREADY_EXISTS, text))
        }
    })
}

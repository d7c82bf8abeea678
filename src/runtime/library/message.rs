//! `process.Message` and its payload: what a receiver gets that asks for whole messages.
//!
//! A message is unpacked when its payload is asked for, once: the values stay with the payload objects, and those with the
//! message.

use super::R;
use crate::runtime::context::Context;
use crate::runtime::message::Message;
use crate::vm::LuaError;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Args, Class, Cx, Kind, Native, Step, Ud, Val};

pub static MESSAGE: Class = Class {
    name: "process.Message",
    methods: &[
        Native::new("from", from).quick(quick_from),
        Native::new("payload", payload),
        Native::new("topic", topic),
    ],
    meta: &[("__tostring", Native::new("tostring", to_string))],
};

pub static PAYLOAD: Class = Class {
    name: "process.Payload",
    methods: &[
        Native::new("data", data),
        Native::new("get_format", get_format),
        Native::new("transcode", transcode),
        Native::new("unmarshal", data),
    ],
    meta: &[("__tostring", Native::new("tostring", payload_to_string))],
};

/// Format of values sent from Lua.
const FORMAT: &str = "lua/any";

/// Marks a payload object; its value is the associated Lua value.
struct Payload;

/// The object for a message, whose `cost` is on the account of the object from now on.
///
/// # Errors
/// Memory.
pub fn object<'gc>(cx: &mut Cx<'gc>, message: Message, cost: usize) -> Result<Val<'gc>, LuaError> {
    let meta = MESSAGE.metatable(cx)?;
    let ud = cx.boxed_userdata(Box::new(message), cost)?;
    ud.set_metatable(cx, Some(meta))?;
    Ok(ud.into())
}

fn check<'gc, R>(cx: &mut Cx<'gc>, f: impl FnOnce(&mut Message) -> R) -> Result<(Ud<'gc>, R), LuaError> {
    let Kind::Userdata(ud) = cx.arg(0).kind() else { return Err(cx.type_error(0, "process.Message")) };
    match ud.with(f) {
        Some(r) => Ok((ud, r)),
        None => Err(cx.type_error(0, "process.Message")),
    }
}

fn topic(cx: &mut Cx<'_>) -> R {
    let (_, topic) = check(cx, |message| message.topic.clone())?;
    let topic = topic.to_value(cx)?;
    cx.ret(topic)
}

fn from(cx: &mut Cx<'_>) -> R {
    let (_, from) = check(cx, |message| message.from.as_ref().map(|peer| peer.pid.text()))?;
    cx.ret_str(&from.unwrap_or_default())
}

fn quick_from(args: Args<'_>) -> Val<'_> {
    let Kind::Userdata(ud) = args.get(0).kind() else { return Val::DECLINED };
    let text = ud.with(|message: &mut Message| {
        let sender = message.from.as_ref()?;
        let text = sender.pid.text();
        args.with_host(|context: &mut Context| context.asked_for(&text, sender));
        Some(text)
    });
    text.flatten().and_then(|text| args.string(&text)).unwrap_or(Val::DECLINED)
}

fn to_string(cx: &mut Cx<'_>) -> R {
    let (_, topic) = check(cx, |message| message.topic.clone())?;
    cx.ret_str(&[b"process.Message{topic=", topic.bytes(), b"}"].concat())
}

fn payload(cx: &mut Cx<'_>) -> R {
    let (ud, parcel) = check(cx, |message| std::mem::take(&mut message.payload))?;
    if parcel.is_empty() {
        // None, or unpacked before.
        return cx.ret(ud.user_value());
    }
    match unpacked(cx, &parcel) {
        Ok(v) => {
            ud.set_user_value(cx, v)?;
            cx.ret(v)
        }
        Err(e) => {
            // The message stays whole.
            check(cx, |message| message.payload = parcel)?;
            Err(e)
        }
    }
}

fn unpacked<'gc>(cx: &mut Cx<'gc>, parcel: &crate::vm::parcel::Parcel) -> Result<Val<'gc>, LuaError> {
    if parcel.len() == 1 {
        let mut only = Val::NIL;
        parcel.unpack(cx, |cx, v| {
            only = payload_object(cx, v)?.into();
            Ok(())
        })?;
        return Ok(only);
    }
    let array = cx.table(parcel.len(), 0)?;
    let mut i = 0;
    parcel.unpack(cx, |cx, v| {
        i += 1;
        let object = payload_object(cx, v)?;
        array.set_int(cx, i, object.into())
    })?;
    Ok(array.into())
}

fn payload_object<'gc>(cx: &mut Cx<'gc>, v: Val<'gc>) -> Result<Ud<'gc>, LuaError> {
    let meta = PAYLOAD.metatable(cx)?;
    let ud = cx.userdata(Payload, Some(meta))?;
    ud.set_user_value(cx, v)?;
    Ok(ud)
}

fn check_payload<'gc>(cx: &mut Cx<'gc>) -> Result<Ud<'gc>, LuaError> {
    match cx.arg(0).kind() {
        Kind::Userdata(ud) if ud.with(|_: &mut Payload| ()).is_some() => Ok(ud),
        _ => Err(cx.type_error(0, "process.Payload")),
    }
}

fn data(cx: &mut Cx<'_>) -> R {
    let ud = check_payload(cx)?;
    cx.ret(ud.user_value())
}

fn get_format(cx: &mut Cx<'_>) -> R {
    check_payload(cx)?;
    let format = cx.name(FORMAT);
    cx.ret(format)
}

fn transcode(cx: &mut Cx<'_>) -> R {
    let ud = check_payload(cx)?;
    let format = cx.check_str(1)?;
    if format.bytes() == FORMAT.as_bytes() {
        cx.push(ud.into());
        cx.push(Val::NIL);
        return Ok(Step::Return(2));
    }
    let text = [b"cannot transcode from ", FORMAT.as_bytes(), b" to ", format.bytes()].concat();
    cx.ret_error(ErrorObject::permanent(kind::INTERNAL, text))
}

fn payload_to_string(cx: &mut Cx<'_>) -> R {
    check_payload(cx)?;
    let text = cx.name("payload{format=lua/any}");
    cx.ret(text)
}

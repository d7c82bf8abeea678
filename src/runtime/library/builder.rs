//! `process.with_context` and `process.with_options`: an immutable description of how processes are to be started.

use super::spawn::{LINKED, LINKED_MONITORED, MONITORED, PLAIN, Variant};
use super::{R, spawn};
use crate::limits::MAX_DETAIL_DEPTH;
use crate::runtime::context::{Context, Values};
use crate::vm::LuaError;
use crate::vm::error_object::Detail;
use crate::vm::native::{Class, Cx, Kind, Native, Tab, Val};
use crate::vm::parcel::{Parcel, Text};
use std::sync::Arc;

pub static BUILDER: Class = Class {
    name: "process.SpawnBuilder",
    methods: &[
        Native::new("exec", |cx| with_builder(cx, |cx, builder| spawn::execute(cx, Some(builder)))),
        Native::new("spawn", |cx| start(cx, PLAIN)),
        Native::new("spawn_linked", |cx| start(cx, LINKED)),
        Native::new("spawn_linked_monitored", |cx| start(cx, LINKED_MONITORED)),
        Native::new("spawn_monitored", |cx| start(cx, MONITORED)),
        Native::new("with_actor", |cx| Err(cx.type_error(1, "security actor"))),
        Native::new("with_context", more_context),
        Native::new("with_message", with_message),
        Native::new("with_name", with_name),
        Native::new("with_options", more_options),
        Native::new("with_scope", |cx| Err(cx.type_error(1, "security scope"))),
    ],
    meta: &[],
};

/// See the head of the file.
#[derive(Clone, Default)]
pub struct Builder {
    /// None: those of the starter.
    pub values: Option<Arc<Values>>,
    pub name: Option<Box<[u8]>>,
    pub messages: Vec<(Text, Parcel)>,
    pub network: Option<Box<[u8]>>,
}

fn start(cx: &mut Cx<'_>, variant: Variant) -> R {
    with_builder(cx, |cx, builder| spawn::start(cx, variant, Some(builder)))
}

fn with_builder<'gc>(cx: &mut Cx<'gc>, f: impl FnOnce(&mut Cx<'gc>, Builder) -> R) -> R {
    let builder = match cx.arg(0).kind() {
        Kind::Userdata(ud) => ud.with(|builder: &mut Builder| builder.clone()),
        _ => None,
    };
    match builder {
        Some(builder) => f(cx, builder),
        None => Err(cx.type_error(0, "process.SpawnBuilder")),
    }
}

fn ret(cx: &mut Cx<'_>, builder: Builder) -> R {
    let meta = BUILDER.metatable(cx)?;
    let bytes = builder.messages.iter().map(|(_, payload)| payload.cost()).sum();
    let ud = cx.sized_userdata(builder, bytes)?;
    ud.set_metatable(cx, Some(meta))?;
    cx.ret(ud)
}

/// Raises what a policy forbids.
fn check_allowed(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    let denied = cx.with_host(|_, context: &mut Context| {
        super::check_allowed(context, "process.context", "use", b"context").is_err()
    });
    if denied == Some(true) { Err(LuaError::message("not allowed: process.context")) } else { Ok(()) }
}

pub fn with_context(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(0)?;
    check_allowed(cx)?;
    let mut key = Val::NIL;
    while let Ok(Some((k, _))) = t.next(key) {
        key = k;
        if !k.is_string() {
            return Err(LuaError::argument(1, "context keys must be strings"));
        }
    }
    let values = merged(cx, None, t)?;
    ret(cx, Builder { values: Some(values), ..Builder::default() })
}

fn more_context(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(1)?;
    check_allowed(cx)?;
    with_builder(cx, |cx, mut builder| {
        builder.values = Some(merged(cx, builder.values.take(), t)?);
        ret(cx, builder)
    })
}

pub fn with_options(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(0)?;
    check_allowed(cx)?;
    let builder = options(cx, Builder::default(), t, 0)?;
    ret(cx, builder)
}

fn more_options(cx: &mut Cx<'_>) -> R {
    let t = cx.check_table(1)?;
    check_allowed(cx)?;
    with_builder(cx, |cx, builder| {
        let builder = options(cx, builder, t, 1)?;
        ret(cx, builder)
    })
}

/// Of the options only `network` means something here.
fn options(cx: &Cx<'_>, mut builder: Builder, t: Tab<'_>, argument: usize) -> Result<Builder, LuaError> {
    let mut key = Val::NIL;
    while let Ok(Some((k, v))) = t.next(key) {
        key = k;
        let Some(name) = k.as_str() else {
            return Err(LuaError::argument(argument + 1, "option names must be strings"));
        };
        if name.bytes() == b"network" {
            let Some(network) = v.as_str() else {
                return Err(LuaError::argument(argument + 1, "option network must be a string"));
            };
            builder.network = Some(network.bytes().into());
        }
    }
    let _ = cx;
    Ok(builder)
}

fn with_name(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(1)?;
    if name.is_empty() {
        return Err(LuaError::argument(2, "name cannot be empty"));
    }
    with_builder(cx, |cx, mut builder| {
        builder.name = Some(name.bytes().into());
        ret(cx, builder)
    })
}

fn with_message(cx: &mut Cx<'_>) -> R {
    let topic = cx.check_str(1)?;
    if topic.bytes().starts_with(b"@") {
        return Err(LuaError::argument(2, "cannot send to @ topics"));
    }
    let values: Vec<Val<'_>> = (2..cx.top()).map(|i| cx.arg(i)).collect();
    with_builder(cx, |cx, mut builder| {
        let payload = Parcel::pack(cx, values)?;
        builder.messages.push((Text::of(topic), payload));
        ret(cx, builder)
    })
}

// ---- context values as plain data ----

/// The values so far, or those of the process, with the fields of a table added.
fn merged<'gc>(cx: &mut Cx<'gc>, so_far: Option<Arc<Values>>, t: Tab<'gc>) -> Result<Arc<Values>, LuaError> {
    let so_far = so_far
        .or_else(|| cx.with_host(|_, context: &mut Context| context.values.clone()))
        .unwrap_or_default();
    let mut values: Vec<(Box<[u8]>, Detail)> = so_far.to_vec();
    let mut key = Val::NIL;
    while let Ok(Some((k, v))) = t.next(key) {
        key = k;
        let Some(name) = k.as_str() else { continue };
        values.retain(|(known, _)| **known != *name.bytes());
        if let Some(v) = plain(cx, v, 0)? {
            values.push((name.bytes().into(), v));
        }
    }
    Ok(Arc::new(values.into()))
}

/// A value as plain data; nil is nothing.
fn plain<'gc>(cx: &mut Cx<'gc>, v: Val<'gc>, depth: usize) -> Result<Option<Detail>, LuaError> {
    if depth > MAX_DETAIL_DEPTH {
        return Err(LuaError::message("context values are nested too deeply"));
    }
    Ok(Some(match v.kind() {
        Kind::Nil => return Ok(None),
        Kind::Bool(b) => Detail::Bool(b),
        Kind::Int(i) => Detail::Int(i),
        Kind::Float(f) => Detail::Float(f),
        Kind::Str(s) => Detail::Str(s.bytes().into()),
        Kind::Table(t) => plain_table(cx, t, depth + 1)?,
        _ => match v.as_error() {
            Some(error) => Detail::Str(error.message().into()),
            None => Detail::Str(cx.plain_string(v)?.as_str().map_or_else(Box::default, |s| s.bytes().into())),
        },
    }))
}

/// A list if there is a positive integer key, else a map of the string keys.
fn plain_table<'gc>(cx: &mut Cx<'gc>, t: Tab<'gc>, depth: usize) -> Result<Detail, LuaError> {
    let (mut list, mut map) = (Vec::new(), Vec::new());
    let mut key = Val::NIL;
    while let Ok(Some((k, v))) = t.next(key) {
        key = k;
        match k.kind() {
            Kind::Int(i) if i > 0 => list.extend(plain(cx, v, depth)?.map(|v| (i, v))),
            Kind::Str(s) => map.extend(plain(cx, v, depth)?.map(|v| (Box::from(s.bytes()), v))),
            _ => {}
        }
    }
    if list.is_empty() {
        return Ok(Detail::Map(map.into()));
    }
    list.sort_by_key(|(i, _)| *i);
    Ok(Detail::List(list.into_iter().map(|(_, v)| v).collect()))
}

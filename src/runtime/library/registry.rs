//! `process.registry`: names of processes. A node without cluster knows the scope `LOCAL` only.

use super::{R, check_allowed, invalid, pid_value, with_process};
use crate::runtime::pid::{Address, Pid};
use crate::vm::LuaError;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Cx, Native, Tab, Val};

static FUNCTIONS: [Native; 3] =
    [Native::new("lookup", lookup), Native::new("register", register), Native::new("unregister", unregister)];

const SCOPES: [(&str, i64); 4] = [("LOCAL", 0), ("EVENTUAL", 1), ("CONSISTENT", 2), ("STRONG", 3)];

pub fn table<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    let t = cx.table(0, FUNCTIONS.len() + SCOPES.len())?;
    for native in &FUNCTIONS {
        t.set_name(cx, native.name, Val::native(native))?;
    }
    for (name, scope) in SCOPES {
        t.set_name(cx, name, Val::int(scope))?;
    }
    cx.read_only(t)
}

/// The error for a scope that is not there, if it is not.
fn check_scope(scope: Val<'_>) -> Option<ErrorObject> {
    if scope.is_nil() {
        return None;
    }
    if !scope.is_number() {
        return Some(invalid("scope must be a number"));
    }
    match scope.to_int() {
        Some(0) => None,
        Some(1) => Some(ErrorObject::permanent(kind::INTERNAL, "eventual registry not available")),
        Some(2 | 3) => Some(ErrorObject::permanent(kind::INTERNAL, "global registry not available")),
        _ => Some(invalid("scope must be a number from 0 to 3")),
    }
}

fn register(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?;
    let (pid, scope) = (cx.arg(1), cx.arg(2));
    with_process(cx, |cx, context| {
        let pid = match (pid.is_nil(), pid.as_str()) {
            (true, _) => context.me.pid.clone(),
            (_, None) => return cx.ret_error(invalid("pid must be a string")),
            (_, Some(text)) => match Address::parse(text.bytes()) {
                Address::Pid { host, number: Some(number), .. } => {
                    Pid { host: String::from_utf8_lossy(host).into(), number }
                }
                _ => return cx.ret_error(invalid([b"invalid pid: ", text.bytes()].concat())),
            },
        };
        if let Some(error) = check_scope(scope) {
            return cx.ret_error(error);
        }
        let mut allowed = check_allowed(context, "process.registry.register", "register", name.bytes());
        if allowed.is_ok() && pid != context.me.pid {
            let text = pid.to_string();
            allowed = check_allowed(context, "process.registry.foreign", "register", text.as_bytes());
        }
        if let Err(e) = allowed {
            return cx.ret_error(e);
        }
        let peer = context.node.find(pid.number).filter(|peer| peer.pid == pid);
        match context.node.names.register(name.bytes(), &pid, peer.as_deref()) {
            Ok(()) => cx.ret(Val::TRUE),
            Err(_) => {
                let text = [b"name already registered: ", name.bytes()].concat();
                cx.ret_error(ErrorObject::permanent(kind::ALREADY_EXISTS, text))
            }
        }
    })
}

fn lookup(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?;
    with_process(cx, |cx, context| match context.node.names.lookup(name.bytes()) {
        Some(pid) => match context.node.find(pid.number) {
            Some(peer) => {
                let pid = pid_value(cx, &peer)?;
                cx.ret(pid)
            }
            None => cx.ret_str(&pid.text()),
        },
        None => {
            let text = [b"name not registered: ", name.bytes()].concat();
            cx.ret_error(ErrorObject::permanent(kind::NOT_FOUND, text))
        }
    })
}

fn unregister(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?;
    let scope = cx.arg(1);
    with_process(cx, |cx, context| {
        if let Some(error) = check_scope(scope) {
            return cx.ret_error(error);
        }
        if let Err(e) = check_allowed(context, "process.registry.unregister", "unregister", name.bytes()) {
            return cx.ret_error(e);
        }
        let removed = context.node.names.unregister(name.bytes());
        cx.ret(removed)
    })
}

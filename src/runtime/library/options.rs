//! `get_options` and `set_options`.

use super::{R, invalid, with_process};
use crate::runtime::context::Context;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Cx, Kind, Step, Val};

pub fn get(cx: &mut Cx<'_>) -> R {
    with_process(cx, |cx, context| {
        let t = cx.table(0, 2)?;
        t.set_name(cx, "trap_links", Val::bool(context.trap_links))?;
        t.set_name(cx, "upgradable", Val::bool(context.upgradable))?;
        cx.ret(t)
    })
}

/// `true, nil`, or `false` and an error.
pub fn set(cx: &mut Cx<'_>) -> R {
    let error = match cx.arg(0).as_table() {
        None => Some(invalid("options parameter must be a table")),
        Some(t) => match cx.with_host(|_, context: &mut Context| apply(context, t)) {
            Some(error) => error,
            None => Some(ErrorObject::permanent(kind::INTERNAL, "no process context")),
        },
    };
    match error {
        None => super::done(cx),
        Some(error) => {
            let error = cx.new_error(error)?;
            cx.push(Val::FALSE);
            cx.push(error);
            Ok(Step::Return(2))
        }
    }
}

/// Applies every valid option; the result is the first complaint, in the order of names.
fn apply(context: &mut Context, t: crate::vm::native::Tab<'_>) -> Option<ErrorObject> {
    let mut complaints = Vec::new();
    let mut key = Val::NIL;
    while let Ok(Some((k, v))) = t.next(key) {
        key = k;
        let Some(name) = k.as_str() else { continue };
        let option = match name.bytes() {
            b"trap_links" => &mut context.trap_links,
            b"upgradable" => &mut context.upgradable,
            other => {
                complaints.push((other, [b"option ", other, b" is not supported"].concat()));
                continue;
            }
        };
        match v.kind() {
            Kind::Bool(b) => *option = b,
            _ => complaints.push((name.bytes(), [name.bytes(), b" must be a boolean"].concat())),
        }
    }
    complaints.sort();
    complaints.into_iter().next().map(|(_, text)| invalid(text))
}

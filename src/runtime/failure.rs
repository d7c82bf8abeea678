//! Errors that leave a process: their text, and the error objects that others get for them (`spec/errors.md` section 5).

use crate::heap::Value;
use crate::limits::MAX_DISPLAY_SLICES;
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::{Cx, Kind, Val};
use crate::vm::{Exit, Vm};

/// The text of an error value, as the reference's stand-alone program shows it. Runs a `__tostring` handler in the process,
/// which must not be running.
pub fn display(vm: &mut Vm, value: Value) -> Vec<u8> {
    shown(vm, value)
        .unwrap_or_else(|| format!("(error object is a {} value)", value.type_name()).into_bytes())
}

/// The failure of a process or call that raised `value` and did not catch it: a new error object for whoever waits for it.
/// `traceback` follows texts on further lines.
pub fn of_raised(vm: &mut Vm, value: Value, traceback: Option<&[u8]>) -> ErrorObject {
    if let Some(error) = vm.with_context(|cx| cx.host_value(value).as_error()) {
        return error.failure();
    }
    let is_text = value.is_string();
    let mut text = match shown(vm, value) {
        Some(text) => text,
        None => vm.with_context(|cx| {
            let v = cx.host_value(value);
            let text = cx.plain_string(v).ok().and_then(Val::as_str);
            text.map_or_else(|| v.type_name().into(), |s| s.bytes().to_vec())
        }),
    };
    if let Some(traceback) = traceback.filter(|t| is_text && !t.is_empty()) {
        text.push(b'\n');
        text.extend_from_slice(traceback);
    }
    ErrorObject::new(text).with_kind(kind::INTERNAL)
}

/// The failure that the results of a function mean, if they do: a second one that is an error object or a string.
pub fn of_results(vm: &mut Vm, values: &[Value]) -> Option<ErrorObject> {
    let second = *values.get(1)?;
    vm.with_context(|cx| {
        let v = cx.host_value(second);
        let text = |s: &[u8]| ErrorObject::permanent(kind::INTERNAL, s);
        v.as_error().map(|e| e.failure()).or_else(|| v.as_str().map(|s| text(s.bytes())))
    })
}

/// The text of a string, number, error object, or of anything with a `__tostring` that works.
fn shown(vm: &mut Vm, value: Value) -> Option<Vec<u8>> {
    let plain = vm.with_context(|cx| {
        let v = cx.host_value(value);
        match v.kind() {
            Kind::Userdata(_) => v.as_error().map(|e| e.message().to_vec()),
            _ => cx.text_of(v).ok().flatten().map(|s| s.bytes().to_vec()),
        }
    });
    if plain.is_some() {
        return plain;
    }
    let handler = vm.with_context(|cx| {
        let v = cx.host_value(value);
        cx.to_display(v).ok().and_then(Result::err).map(Cx::to_host)
    })?;
    vm.start(handler, &[value]).ok()?;
    for _ in 0..MAX_DISPLAY_SLICES {
        match vm.run() {
            Exit::Preempted | Exit::Yielded => {}
            Exit::Done => {
                let result = vm.exit_values().first().copied().unwrap_or(Value::NIL);
                return vm.with_context(|cx| cx.host_value(result).as_str().map(|s| s.bytes().to_vec()));
            }
            Exit::Failed | Exit::Quit(_) | Exit::Idle => return None,
        }
    }
    None
}

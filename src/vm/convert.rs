//! Numbers to strings and back, as Lua's coercions do it.

use super::Vm;
use crate::heap::value::tag;
use crate::heap::{Str, Value};
use crate::numeral::{Number, str_to_number};

/// The number that a value is or spells.
///
/// # Safety
/// `v` is live.
#[inline]
#[must_use]
pub unsafe fn to_number(v: Value) -> Option<Value> {
    if v.is_number() {
        return Some(v);
    }
    if v.tag != tag::STRING {
        return None;
    }
    // SAFETY: by contract.
    match str_to_number(unsafe { Str::bytes(v.as_str()) })? {
        Number::Integer(i) => Some(Value::int(i)),
        Number::Float(f) => Some(Value::float(f)),
    }
}

/// Appends a number as Lua prints it.
pub fn write_number(out: &mut Vec<u8>, v: Value) {
    if v.tag == tag::INT {
        out.extend_from_slice(&crate::numfmt::integer_text(v.as_int()));
    } else {
        out.extend_from_slice(&crate::numfmt::float_text(v.as_float()));
    }
}

impl Vm {
    /// [`to_number`] for a live value of this process.
    #[inline]
    pub(crate) fn to_number(&self, v: Value) -> Option<Value> {
        // SAFETY: values that the Vm handles are live.
        unsafe { to_number(v) }
    }
}

//! Additions to the native interface for functions that work on table-like values: lengths and equality with
//! metamethods, kept state without a new allocation.

use super::{Cx, Val};
use crate::heap::Value;
use crate::vm::LuaError;
use crate::vm::meta::Event;

impl<'gc> Cx<'gc> {
    /// `#v`: the length, or the call whose result it is.
    ///
    /// # Errors
    /// "attempt to get length of a … value".
    pub fn length(&mut self, v: Val<'gc>) -> Result<Result<Val<'gc>, [Val<'gc>; 2]>, LuaError> {
        if let Some(s) = v.as_str() {
            return Ok(Ok(Val::int(s.len() as i64)));
        }
        let handler = self.metafield(v, Event::Len);
        if !handler.is_nil() {
            return Ok(Err([handler, v]));
        }
        if let Some(t) = v.as_table() {
            return Ok(Ok(Val::int(t.raw_len())));
        }
        // SAFETY: live during 'gc.
        Err(unsafe { self.vm().type_error(v.raw(), "get length of", crate::vm::names::Operand::None) })
    }

    /// `a == b`: the answer, or the call whose first result, as a truth value, is the answer.
    pub fn equal(&self, a: Val<'gc>, b: Val<'gc>) -> Result<bool, [Val<'gc>; 3]> {
        if a.raw_equal(b) {
            return Ok(true);
        }
        let both = |f: fn(Value) -> bool| f(a.raw()) && f(b.raw());
        if !both(|v| v.is_table()) && !both(|v| v.tag == crate::heap::value::tag::USERDATA) {
            return Ok(false);
        }
        let mut handler = self.metafield(a, Event::Eq);
        if handler.is_nil() {
            handler = self.metafield(b, Event::Eq);
        }
        if handler.is_nil() { Ok(false) } else { Err([handler, a, b]) }
    }

    /// State of the random generator of this process.
    pub fn rng(&mut self) -> &mut [u64; 4] {
        &mut self.vm_mut().rng
    }
}

impl Val<'_> {
    /// `self < other` of two numbers; false if one is none.
    #[inline(always)]
    #[must_use]
    pub fn number_less_than(self, other: Self) -> bool {
        let (a, b) = (self.raw(), other.raw());
        if a.is_int() && b.is_int() {
            return a.as_int() < b.as_int();
        }
        a.is_number() && b.is_number() && crate::vm::arith::number_lt(a, b)
    }
}

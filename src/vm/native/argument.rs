//! Checked arguments, counted from 0, with the reference's messages (which count from 1); text forms of values.

use super::{Co, Cx, Kind, LStr, Tab, Val};
use crate::heap::value::tag;
use crate::vm::LuaError;

impl<'gc> Cx<'gc> {
    // ---- checked arguments (`i` from 0) ----

    /// Any value must be there.
    ///
    /// # Errors
    /// "value expected".
    pub fn check_any(&self, i: usize) -> Result<Val<'gc>, LuaError> {
        if i >= self.top() {
            return Err(LuaError::argument(i + 1, "value expected"));
        }
        Ok(self.arg(i))
    }

    /// An integer, or a number or string with an integral value.
    ///
    /// # Errors
    /// "number expected, got …", "number has no integer representation".
    #[inline]
    pub fn check_int(&self, i: usize) -> Result<i64, LuaError> {
        let v = self.arg(i);
        if v.raw().tag == tag::INT {
            return Ok(v.raw().as_int());
        }
        self.check_int_slow(i)
    }

    #[cold]
    fn check_int_slow(&self, i: usize) -> Result<i64, LuaError> {
        let v = self.arg(i);
        self.pay_numeral(v);
        match v.to_int() {
            Some(n) => Ok(n),
            None if v.to_number().is_some() => {
                Err(LuaError::argument(i + 1, "number has no integer representation"))
            }
            None => Err(self.type_error(i, "number")),
        }
    }

    /// [`Cx::check_int`], or `default` if the argument is absent or nil.
    ///
    /// # Errors
    /// As `check_int`.
    #[inline]
    pub fn opt_int(&self, i: usize, default: i64) -> Result<i64, LuaError> {
        if self.arg(i).is_nil() { Ok(default) } else { self.check_int(i) }
    }

    /// A number, or a string that is one, as a float.
    ///
    /// # Errors
    /// "number expected, got …".
    #[inline]
    pub fn check_float(&self, i: usize) -> Result<f64, LuaError> {
        let v = self.arg(i);
        if v.raw().tag == tag::FLOAT {
            return Ok(v.raw().as_float());
        }
        self.pay_numeral(v);
        v.to_float().ok_or_else(|| self.type_error(i, "number"))
    }

    /// A number (integer or float kept), or a string that is one.
    ///
    /// # Errors
    /// "number expected, got …".
    pub fn check_number(&self, i: usize) -> Result<Val<'gc>, LuaError> {
        self.pay_numeral(self.arg(i));
        self.arg(i).to_number().ok_or_else(|| self.type_error(i, "number"))
    }

    /// A string; a number is converted and an error object becomes its message, also in the window.
    ///
    /// # Errors
    /// "string expected, got …", memory.
    #[inline]
    pub fn check_str(&mut self, i: usize) -> Result<LStr<'gc>, LuaError> {
        if let Some(s) = self.arg(i).as_str() {
            return Ok(s);
        }
        self.check_str_slow(i)
    }

    #[cold]
    fn check_str_slow(&mut self, i: usize) -> Result<LStr<'gc>, LuaError> {
        let Some(s) = self.text_of(self.arg(i))? else { return Err(self.type_error(i, "string")) };
        self.set(i, s.into());
        Ok(s)
    }

    /// [`Cx::check_str`], or `None` if the argument is absent or nil.
    ///
    /// # Errors
    /// As `check_str`.
    pub fn opt_str(&mut self, i: usize) -> Result<Option<LStr<'gc>>, LuaError> {
        if self.arg(i).is_nil() { Ok(None) } else { self.check_str(i).map(Some) }
    }

    /// A table.
    ///
    /// # Errors
    /// "table expected, got …".
    #[inline]
    pub fn check_table(&self, i: usize) -> Result<Tab<'gc>, LuaError> {
        self.arg(i).as_table().ok_or_else(|| self.type_error(i, "table"))
    }

    /// A function.
    ///
    /// # Errors
    /// "function expected, got …".
    pub fn check_function(&self, i: usize) -> Result<Val<'gc>, LuaError> {
        let v = self.arg(i);
        if v.is_function() { Ok(v) } else { Err(self.type_error(i, "function")) }
    }

    /// A coroutine.
    ///
    /// # Errors
    /// "coroutine expected".
    pub fn check_coroutine(&self, i: usize) -> Result<Co<'gc>, LuaError> {
        match self.arg(i).kind() {
            Kind::Thread(co) => Ok(co),
            _ => Err(self.type_error(i, "coroutine")),
        }
    }

    /// A number as the string Lua prints for it.
    ///
    /// # Errors
    /// Memory.
    pub fn number_string(&mut self, v: Val<'gc>) -> Result<Val<'gc>, LuaError> {
        let mut text = Vec::new();
        crate::vm::convert::write_number(&mut text, v.raw());
        self.string(&text)
    }

    /// `tostring(v)`: the string, or the `__tostring` handler to call with `v` (its result must be a string: "'__tostring' must
    /// return a string").
    ///
    /// # Errors
    /// Memory.
    pub fn to_display(&mut self, v: Val<'gc>) -> Result<Result<Val<'gc>, Val<'gc>>, LuaError> {
        let handler = self.metafield(v, crate::vm::meta::Event::ToString);
        if !handler.is_nil() {
            return Ok(Err(handler));
        }
        Ok(Ok(self.plain_string(v)?))
    }

    /// `tostring(v)` without `__tostring` (but with `__name`).
    ///
    /// # Errors
    /// Memory.
    pub fn plain_string(&mut self, v: Val<'gc>) -> Result<Val<'gc>, LuaError> {
        match v.kind() {
            Kind::Str(_) => Ok(v),
            Kind::Int(_) | Kind::Float(_) => self.number_string(v),
            Kind::Nil => Ok(self.name("nil")),
            Kind::Bool(true) => Ok(self.name("true")),
            Kind::Bool(false) => Ok(self.name("false")),
            _ => {
                let mut text = match self.metafield(v, crate::vm::meta::Event::Name).as_str() {
                    Some(name) => name.bytes().to_vec(),
                    None => v.type_name().as_bytes().to_vec(),
                };
                text.extend_from_slice(format!(": {:#x}", v.address()).as_bytes());
                self.string(&text)
            }
        }
    }
}

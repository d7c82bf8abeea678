//! Classes of userdata: a Rust type, its methods and its metatable, made when a process has its first value of it.

use super::{Cx, Kind, Native, Tab, Val};
use crate::vm::LuaError;
use std::any::Any;

/// A class. Its address is the key under which its metatable is kept.
pub struct Class {
    /// What messages call it.
    pub name: &'static str,
    pub methods: &'static [Native],
    /// Metamethods, under the names that Lua looks for.
    pub meta: &'static [(&'static str, Native)],
}

impl Class {
    /// A new value.
    ///
    /// # Errors
    /// Memory.
    pub fn value<'gc, T: Any + Send>(&'static self, cx: &mut Cx<'gc>, data: T) -> Result<Val<'gc>, LuaError> {
        let meta = self.metatable(cx)?;
        Ok(cx.userdata(data, Some(meta))?.into())
    }

    /// The metatable of its values.
    ///
    /// # Errors
    /// Memory.
    pub fn metatable<'gc>(&'static self, cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
        cx.kept(self, |cx| {
            let methods = cx.table(0, self.methods.len())?;
            for native in self.methods {
                methods.set_name(cx, native.name, Val::native(native))?;
            }
            let meta = cx.table(0, self.meta.len() + 3)?;
            for (event, native) in self.meta {
                meta.set_name(cx, event, Val::native(native))?;
            }
            let name = cx.name(self.name);
            meta.set_name(cx, "__index", methods.into())?;
            meta.set_name(cx, "__name", name)?;
            meta.set_name(cx, "__metatable", Val::FALSE)?;
            Ok(meta)
        })
    }

    /// A copy of argument `i`, which must be a value of this class.
    ///
    /// # Errors
    /// "… expected, got …".
    pub fn check<T: Any + Clone>(&'static self, cx: &Cx<'_>, i: usize) -> Result<T, LuaError> {
        get(cx.arg(i)).ok_or_else(|| cx.type_error(i, self.name))
    }
}

/// A copy of a userdata's Rust value, if that is of type `T`.
#[must_use]
pub fn get<T: Any + Clone>(v: Val<'_>) -> Option<T> {
    match v.kind() {
        Kind::Userdata(ud) => ud.with(|data: &mut T| data.clone()),
        _ => None,
    }
}

//! Reading and writing fields with metamethods.
#![allow(unsafe_op_in_unsafe_fn)]

use super::meta::Event;
use super::names::Operand;
use super::{LuaError, Vm};
use crate::heap::table::table_flag;
use crate::heap::userdata::Role;
use crate::heap::value::{get, tag};
use crate::heap::{Table, TableError, Value};
use crate::limits::MAX_META_CHAIN;

/// Outcome of reading a field.
pub(crate) enum Get {
    Value(Value),
    /// A function `handler` is to be called with `(object, key)`.
    Call(Value, Value),
}

/// Outcome of writing a field.
pub(crate) enum Set {
    Done,
    /// A function `handler` is to be called with `(object, key, value)`.
    Call(Value, Value),
    /// The store needs room in this table, which takes long to make: [`Vm::grow_in_turns`].
    Full(*mut Table),
}

impl Vm {
    /// Begins to make room in a table that has refused `key` with [`TableError::Large`]. The slice is to end and the store to be tried
    /// once more in the next one; until then the table grows, slice by slice.
    pub(crate) unsafe fn grow_in_turns(&mut self, t: *mut Table, key: Value) -> Result<(), LuaError> {
        if let Some(e) = self.heap.failed_growth(t) {
            return Err(e.into());
        }
        self.heap.begin_growth(t, key);
        Ok(())
    }

    /// Pays for tables that have grown.
    #[inline]
    pub(crate) fn pay_owed(&mut self) {
        if self.heap.owed > 0 {
            let owed = i32::try_from(std::mem::take(&mut self.heap.owed)).unwrap_or(i32::MAX);
            self.budget = self.budget.saturating_sub(owed);
        }
    }

    /// `obj[key]`, following `__index`.
    pub(crate) unsafe fn index(&mut self, obj: Value, key: Value, what: Operand) -> Result<Get, LuaError> {
        let mut obj = obj;
        let mut what = what;
        for _ in 0..MAX_META_CHAIN {
            let handler = if obj.tag == tag::TABLE {
                let t = obj.as_table();
                let v = Table::get(t, key);
                if !v.is_nil() {
                    return Ok(Get::Value(v));
                }
                let handler = self.handler((*t).meta, Event::Index);
                if handler.is_nil() {
                    return Ok(Get::Value(Value::NIL));
                }
                handler
            } else {
                if obj.tag == tag::USERDATA && matches!((*obj.as_userdata()).role, Role::Type(_)) {
                    let members = get(&raw const (*obj.as_userdata()).user_value);
                    if members.is_table() {
                        let v = Table::get(members.as_table(), key);
                        if !v.is_nil() {
                            return Ok(Get::Value(v));
                        }
                    }
                }
                let handler = self.value_handler(obj, Event::Index);
                if handler.is_nil() {
                    return Err(self.type_error(obj, "index", what));
                }
                handler
            };
            if handler.is_function() {
                return Ok(Get::Call(handler, obj));
            }
            obj = handler;
            what = Operand::None;
        }
        Err(LuaError::runtime("'__index' chain too long; possible loop"))
    }

    /// `obj[key] = v`, following `__newindex`.
    pub(crate) unsafe fn set_index(
        &mut self,
        obj: Value,
        key: Value,
        v: Value,
        what: Operand,
    ) -> Result<Set, LuaError> {
        let mut obj = obj;
        let mut what = what;
        for _ in 0..MAX_META_CHAIN {
            let handler = if obj.tag == tag::TABLE {
                if (*obj.as_table()).flags & (table_flag::SHARED_NODES | table_flag::READ_ONLY)
                    == table_flag::SHARED_NODES
                {
                    self.make_own(obj.as_table(), key)?;
                    obj = self.own(obj);
                }
                let t = obj.as_table();
                let slot = Table::find(t, key);
                if let Some(slot) = slot
                    && !slot.get().is_nil()
                {
                    slot.put(self.own(v));
                    return Ok(Set::Done);
                }
                let handler = self.handler((*t).meta, Event::NewIndex);
                if handler.is_nil() {
                    match slot {
                        Some(slot) => {
                            (*t).absent = 0;
                            slot.put(self.own(v));
                        }
                        None => match Table::insert(t, &mut self.heap, key, v) {
                            Err(TableError::Shared) => {
                                self.make_own(t, key)?;
                                let t = self.own(obj).as_table();
                                let (key, v) = (self.own(key), self.own(v));
                                Table::insert(t, &mut self.heap, key, v)?;
                            }
                            Err(TableError::Large) => return Ok(Set::Full(t)),
                            r => r?,
                        },
                    }
                    self.pay_owed();
                    return Ok(Set::Done);
                }
                handler
            } else {
                let handler = self.value_handler(obj, Event::NewIndex);
                if handler.is_nil() {
                    return Err(self.type_error(obj, "index", what));
                }
                handler
            };
            if handler.is_function() {
                return Ok(Set::Call(handler, obj));
            }
            obj = handler;
            what = Operand::None;
        }
        Err(LuaError::runtime("'__newindex' chain too long; possible loop"))
    }
}

//! Read-only tables: library tables that programs can read and not change.
//!
//! A read-only table is empty itself and has its content behind `__index`, where reading follows it without a call, and a
//! `__newindex` that refuses; so writing to ordinary tables is not slowed down by a question. The functions that store
//! without metamethods ask [`Tab::is_read_only`].

use super::LuaError;
use super::native::{Cx, Native, Step, Tab, Val};
use crate::heap::table::table_flag;
use crate::heap::{Table, Value};

static REFUSE: Native = Native::new("newindex", refuse);
static PAIRS: Native = Native::new("pairs", pairs);
static NEXT: Native = Native::new("next", next);

/// The error for a change of a read-only table.
#[must_use]
pub fn read_only_error(key: Val<'_>) -> LuaError {
    let mut text = b"attempt to modify a read-only table".to_vec();
    if let Some(key) = key.as_str() {
        text.extend_from_slice(b" (field '");
        text.extend_from_slice(key.bytes());
        text.extend_from_slice(b"')");
    }
    LuaError::message(text)
}

fn refuse(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    Err(read_only_error(cx.arg(1)))
}

/// As the function `pairs`, over the content: the content itself stays out of the program's hands.
fn pairs(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    let t = cx.arg(0);
    cx.push(Val::native(&NEXT));
    cx.push(t);
    cx.push(Val::NIL);
    Ok(Step::Return(3))
}

fn next(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    let content = cx.check_table(0)?.content();
    cx.ret_next(content, cx.arg(1))
}

/// What a read-only table shows; any other table itself.
///
/// # Safety
/// `t` is live.
pub(super) unsafe fn content_of(t: *mut Table) -> *mut Table {
    // SAFETY: by contract.
    unsafe {
        if (*t).flags & table_flag::READ_ONLY == 0 || (*t).meta.is_null() {
            return t;
        }
        let content = Table::get_str((*t).meta, crate::heap::string::constant(b"__index"));
        if content.is_table() { content.as_table() } else { t }
    }
}

impl<'gc> Tab<'gc> {
    /// True for a table made by [`Cx::read_only`].
    #[must_use]
    pub fn is_read_only(self) -> bool {
        // SAFETY: live during 'gc.
        unsafe { (*self.raw()).flags & table_flag::READ_ONLY != 0 }
    }

    /// What a read-only table shows; any other table itself.
    #[must_use]
    pub fn content(self) -> Self {
        // SAFETY: live during 'gc.
        let content = unsafe { content_of(self.raw()) };
        Val::raw_new(Value::table(content)).as_table().unwrap_or(self)
    }

    fn raw(self) -> *mut Table {
        Val::from(self).raw().as_table()
    }
}

impl<'gc> Cx<'gc> {
    /// A table that shows `content` and cannot be changed.
    ///
    /// # Errors
    /// Memory.
    pub fn read_only(&mut self, content: Tab<'gc>) -> Result<Tab<'gc>, LuaError> {
        let meta = self.table(0, 4)?;
        meta.set_name(self, "__index", content.into())?;
        meta.set_name(self, "__newindex", Val::native(&REFUSE))?;
        meta.set_name(self, "__pairs", Val::native(&PAIRS))?;
        meta.set_name(self, "__metatable", Val::FALSE)?;
        let t = self.table(0, 0)?;
        self.set_metatable(t.into(), Some(meta))?;
        // SAFETY: live during 'gc.
        unsafe { (*t.raw()).flags |= table_flag::READ_ONLY };
        Ok(t)
    }
}

//! Userdata: Rust values with a metatable, for files and other resources.

use super::alloc::{Heap, OutOfMemory};
use super::{Table, Value};
use std::any::Any;

/// A Rust value that Lua can hold. It is dropped when the object is collected or the process ends.
#[repr(C)]
pub struct Userdata {
    pub meta: *mut Table,
    /// The Lua value that `debug.setuservalue` associates.
    pub user_value: Value,
    pub data: Option<Box<dyn Any + Send>>,
    pub has_finalizer: bool,
}

impl Heap {
    /// A userdata without metatable.
    ///
    /// # Errors
    /// [`OutOfMemory`]; `data` is dropped then.
    pub fn new_userdata(&mut self, data: Box<dyn Any + Send>) -> Result<*mut Userdata, OutOfMemory> {
        let at = self.alloc(size_of::<Userdata>())?.cast::<Userdata>();
        // SAFETY: fresh memory of that size.
        unsafe {
            at.write(Userdata {
                meta: std::ptr::null_mut(),
                user_value: Value::NIL,
                data: Some(data),
                has_finalizer: false,
            });
        }
        self.register_external(Value::userdata(at));
        Ok(at)
    }
}

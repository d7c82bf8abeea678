//! Userdata: Rust values with a metatable, for files and other resources.

use super::alloc::{Heap, OutOfMemory};
use super::channel::Channel;
use super::{Table, Value};
use crate::bytecode::types::TypePool;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// A Rust value that Lua can hold. It is dropped when the object is collected or the process ends.
#[repr(C)]
pub struct Userdata {
    pub meta: *mut Table,
    /// The Lua value that `debug.setuservalue` associates.
    pub user_value: Value,
    pub data: Option<Box<dyn Any + Send>>,
    pub has_finalizer: bool,
    /// Memory outside of cells that the value holds on to, as far as it is on the process's account.
    pub external: u32,
    pub role: Role,
}

/// What a userdata is to the interpreter itself.
pub enum Role {
    Plain,
    /// A type: what it holds is that and nothing else (`vm/type_value.rs`). Members in its associated table, if it has one, are found
    /// without asking the metatable. With the type's pool, if that is on the process's account.
    Type(Option<Arc<TypePool>>),
    Channel(Box<Channel>),
    /// A case of a select.
    Case {
        channel: *mut Userdata,
        value: Value,
        sends: bool,
    },
}

/// What a userdata of an image holds: one Rust value for all processes.
#[derive(Clone)]
pub struct SharedData(Arc<Mutex<Box<dyn Any + Send>>>);

impl SharedData {
    pub(super) fn wrap(data: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        Box::new(Self(Arc::new(Mutex::new(data))))
    }

    /// Another reference to the same value.
    pub(super) fn share(data: &Box<dyn Any + Send>) -> Option<Box<dyn Any + Send>> {
        let shared: &Self = (**data).downcast_ref()?;
        Some(Box::new(shared.clone()))
    }

    /// Runs `f` with the value; other processes wait meanwhile.
    pub fn with<R>(&self, f: impl FnOnce(&mut Box<dyn Any + Send>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Heap {
    /// A userdata without metatable, around a value that holds on to `bytes` bytes of memory outside of its box.
    ///
    /// # Errors
    /// [`OutOfMemory`]; `data` is dropped then.
    pub fn new_userdata(
        &mut self,
        data: Box<dyn Any + Send>,
        bytes: usize,
    ) -> Result<*mut Userdata, OutOfMemory> {
        let external = u32::try_from(bytes + size_of_val(&*data)).unwrap_or(u32::MAX);
        if external > 0 {
            self.reserve_external(external as usize)?;
        }
        let at = self.alloc(size_of::<Userdata>())?.cast::<Userdata>();
        // SAFETY: fresh memory of that size.
        unsafe {
            at.write(Userdata {
                meta: std::ptr::null_mut(),
                user_value: Value::NIL,
                data: Some(data),
                has_finalizer: false,
                external,
                role: Role::Plain,
            });
        }
        self.add_external(external as usize);
        self.register_external(Value::userdata(at));
        Ok(at)
    }

    /// A userdata of the interpreter's own. One that owns something outside of its cell is still to be registered.
    pub(super) fn new_role(&mut self, role: Role, meta: *mut Table) -> Result<*mut Userdata, OutOfMemory> {
        let at = self.alloc(size_of::<Userdata>())?.cast::<Userdata>();
        // SAFETY: fresh memory of that size.
        unsafe {
            at.write(Userdata {
                meta,
                user_value: Value::NIL,
                data: None,
                has_finalizer: false,
                external: 0,
                role,
            });
        }
        Ok(at)
    }
}

impl Role {
    /// Calls `f` with the place of every value.
    pub(super) fn each_place(&mut self, mut f: impl FnMut(*mut Value)) {
        match self {
            Self::Plain | Self::Type(_) => {}
            Self::Channel(channel) => channel.buffer.iter_mut().for_each(|v| f(v)),
            // The channel is no object of an image.
            Self::Case { value, .. } => f(value),
        }
    }

    /// Calls `f` with every value that the collector must keep.
    pub(super) fn each_value(&self, mut f: impl FnMut(Value)) {
        match self {
            Self::Plain | Self::Type(_) => {}
            Self::Channel(channel) => channel.buffer.iter().for_each(|&v| f(v)),
            Self::Case { channel, value, .. } => {
                f(Value::userdata(*channel));
                f(*value);
            }
        }
    }
}

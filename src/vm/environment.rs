//! Environments: the libraries of a program, built once and shared by all processes.
//!
//! A process made with [`Vm::with_environment`] reads the library tables in place: making it copies and allocates nothing of
//! them. Right before it changes one of them (a global, a field, a metatable) it gets copies of that part of them
//! ([`Vm::own_environment`]): of the core, which a global or a loaded module changes, or of all. That happens twice in its life at
//! most and while it is small, and every reference in it is led to the copies. What a program can observe is the same as
//! with libraries of its own.
//!
//! A native function may hold a table of the environment in a Rust variable while that happens. Until it returns,
//! [`Vm::forward`] leads such variables to the copies (`native::value` asks for it), and what it left on the stack is led
//! there afterwards ([`Vm::finish_owning`]).
#![allow(unsafe_op_in_unsafe_fn)]

use super::channel::Channels;
use super::error_object::ErrorMeta;
use super::type_value::TypeMeta;
use super::{BASIC_METAS, Loader, LuaError, Vm, VmRoots};
use crate::heap::image::{Forward, Image, Part, is_shared};
use crate::heap::table::table_flag;
use crate::heap::{Table, Value};
use std::cell::Cell;
use std::ptr::null_mut;

/// What a process shares of an image.
pub struct Share {
    image: &'static Image,
    /// What it shares when it has a copy of the core; none if it has one.
    without_core: Option<&'static Self>,
}

impl Share {
    fn contains(&self, v: Value) -> bool {
        self.without_core.is_some() || !self.image.is_core(v)
    }
}

/// The libraries that processes start with.
pub struct Environment {
    share: &'static Share,
    globals: *mut Table,
    registry: *mut Table,
    metas: [*mut Table; BASIC_METAS],
    error_meta: *mut Table,
    error_meta_maker: Option<ErrorMeta>,
    type_meta_maker: Option<TypeMeta>,
    channels: Channels,
    next: Value,
    loader: Option<&'static Loader>,
}

// SAFETY: all pointers lead into the image, which is immutable and immortal.
unsafe impl Send for Environment {}
// SAFETY: as above.
unsafe impl Sync for Environment {}

thread_local! {
    /// [`Vm::forward`] of the process that runs on this thread.
    static FORWARD: Cell<*const Forward> = const { Cell::new(std::ptr::null()) };
}

impl Environment {
    /// The environment that `install` sets up in a process: its globals, its registry and the metatables of basic types. Call it
    /// once per program and kind of process: the environment stays until the program ends.
    ///
    /// # Errors
    /// Those of `install`; or the environment holds something that processes cannot share: Lua functions and
    /// coroutines.
    pub fn new(install: impl FnOnce(&mut Vm) -> Result<(), LuaError>) -> Result<&'static Self, LuaError> {
        let mut vm = Vm::new(None)?;
        install(&mut vm)?;
        // What a process would make at its first use is part of the image, too.
        vm.with_context(|cx| cx.error_meta().and(cx.make_channel_meta()).map(|_| ()))?;
        vm.finish_collection();
        let mut roots = vec![Value::table(vm.globals), Value::table(vm.registry)];
        let metas = vm.metas.iter().chain(std::iter::once(&vm.error_meta)).chain(&vm.channels.meta);
        roots.extend(metas.filter(|m| !m.is_null()).map(|&m| Value::table(m)));
        let finalizable = vm.heap.gc.finalizable();
        // SAFETY: the values are live, and the process is dropped without running anything.
        let (image, roots) = unsafe { Image::freeze(&roots, vm.event_names, &finalizable) }
            .map_err(|e| LuaError::message(e.to_owned()))?;
        let mut tables = roots.iter().map(|v| v.as_table());
        let mut next_table = || tables.next().unwrap_or(null_mut());
        let (globals, registry) = (next_table(), next_table());
        let metas = vm.metas.map(|m| if m.is_null() { m } else { next_table() });
        let error_meta = if vm.error_meta.is_null() { null_mut() } else { next_table() };
        let mut channels = vm.channels;
        channels.meta = channels.meta.map(|_| next_table());
        let image = Box::leak(Box::new(image));
        let without_core = Box::leak(Box::new(Share { image, without_core: None }));
        let environment = Self {
            share: Box::leak(Box::new(Share { image, without_core: Some(without_core) })),
            globals,
            registry,
            metas,
            error_meta,
            error_meta_maker: vm.error_meta_maker,
            type_meta_maker: vm.type_meta_maker,
            channels,
            next: vm.next,
            loader: vm.loader,
        };
        Ok(Box::leak(Box::new(environment)))
    }

    /// A hash of all that processes share: it never changes.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        self.share.image.checksum()
    }
}

impl Vm {
    /// A process with the libraries of an environment. `limit` is its memory limit in bytes.
    ///
    /// # Errors
    /// Memory.
    pub fn with_environment(
        environment: &'static Environment,
        limit: Option<usize>,
    ) -> Result<Box<Self>, LuaError> {
        let mut vm = Self::bare(limit)?;
        vm.globals = environment.globals;
        vm.registry = environment.registry;
        vm.metas = environment.metas;
        vm.error_meta = environment.error_meta;
        vm.error_meta_maker = environment.error_meta_maker;
        vm.type_meta_maker = environment.type_meta_maker;
        vm.channels = environment.channels;
        vm.next = environment.next;
        vm.loader = environment.loader;
        vm.shares = Some(environment.share);
        Ok(vm)
    }

    /// True until the process has copies of all libraries.
    #[must_use]
    pub const fn shares_environment(&self) -> bool {
        self.shares.is_some()
    }

    /// Whether the process may refer to an object of an image: one that it has no copy of.
    pub(super) fn may_refer_to_shared(&self, v: Value) -> bool {
        self.shares.is_some_and(|share| share.contains(v))
    }

    /// Bytes that the process takes in all: its state, its cells, and what the system allocator gave it (without that one's own
    /// overhead).
    #[must_use]
    pub fn bytes_resident(&self) -> usize {
        size_of::<Self>() + self.heap.bytes_resident()
    }

    /// Prepares a store into `t` under `key`, which [`crate::heap::TableError::Shared`] refused. Afterwards the values must be
    /// asked for anew ([`Vm::own`]).
    pub(crate) unsafe fn make_own(&mut self, t: *mut Table, key: Value) -> Result<(), LuaError> {
        if (*t).flags & table_flag::SHARED != 0 {
            self.own_environment(Value::table(t))?;
        }
        if is_shared(key) {
            self.own_environment(key)?;
        }
        let t = self.own(Value::table(t)).as_table();
        if (*t).flags & table_flag::SHARED_NODES != 0 {
            Table::own_nodes(t, &mut self.heap)?;
        }
        Ok(())
    }

    /// Gives the process its own copy of an object of the environment, with all that it takes for that.
    #[cold]
    pub(crate) fn own_environment(&mut self, object: Value) -> Result<(), LuaError> {
        match self.shares {
            Some(share) if share.image.is_core(object) => self.own_part(Part::Core),
            _ => self.own_part(Part::All),
        }
    }

    fn own_part(&mut self, part: Part) -> Result<(), LuaError> {
        let Some(share) = self.shares else { return Ok(()) };
        let (part, left) = match (part, share.without_core) {
            (Part::Core, None) => return Ok(()),
            (Part::Core, left) => (Part::Core, left),
            (_, Some(_)) => (Part::All, None),
            (_, None) => (Part::Rest, None),
        };
        let mut forward = Box::new(share.image.copy_into(&mut self.heap, part)?);
        self.shares = left;
        // The first half may still be on its way through the same native function.
        if let Some(earlier) = self.forward.take() {
            forward.add(*earlier);
        }
        self.globals = forward.table(self.globals);
        self.registry = forward.table(self.registry);
        self.metas = self.metas.map(|m| forward.table(m));
        self.channels.meta = self.channels.meta.map(|m| forward.table(m));
        self.error_meta = forward.table(self.error_meta);
        FORWARD.set(&raw const *forward);
        self.forward = Some(forward);
        self.lead_to_copies();
        // `finish_owning` is due at the next boundary.
        self.heap.gc_pending = true;
        Ok(())
    }

    /// Makes this the process that runs on the calling thread; returns what [`Vm::leave_thread`] wants.
    pub(super) fn enter_thread(&self) -> *const Forward {
        let forward = self.forward.as_ref().map_or(std::ptr::null(), |forward| &raw const **forward);
        FORWARD.replace(forward)
    }

    /// After a host's context: what it did to shared libraries is done, and the process that ran before runs again.
    pub(super) fn leave_thread(&mut self, before: *const Forward) {
        if self.forward.is_some() {
            self.finish_owning();
        }
        FORWARD.set(before);
    }

    fn lead_to_copies(&mut self) {
        let Some(forward) = &self.forward else { return };
        for v in self.exit_values.iter_mut().chain(&mut self.held) {
            *v = forward.of(*v);
        }
        forward.apply(&self.heap, &mut VmRoots { vm: self });
    }

    /// After the native function (or instruction) that made the process own its environment: values that were in Rust variables
    /// are on the stack or in objects now.
    #[cold]
    pub(crate) fn finish_owning(&mut self) {
        self.lead_to_copies();
        FORWARD.set(std::ptr::null());
        self.forward = None;
        // The request was for this.
        self.heap.restart_pacing();
    }

    /// The process's own object for one of its environment; any other value stays.
    #[inline]
    pub(crate) fn own(&self, v: Value) -> Value {
        match &self.forward {
            Some(forward) => forward.of(v),
            None => v,
        }
    }

    /// True if the value belongs to the environment and must not be changed.
    #[inline]
    pub(crate) unsafe fn is_shared(&self, v: Value) -> bool {
        self.shares.is_some() && is_shared(v)
    }

    /// Called when a collection is due: a process that still shares its environment gets its own now, while its heap is small. Out
    /// of memory it goes on without.
    pub(crate) fn own_before_growth(&mut self) {
        if self.shares.is_some() && self.heap.bytes_in_use() >= crate::limits::MIN_GC_THRESHOLD {
            let pending = self.heap.gc_pending;
            if self.own_part(Part::All).is_ok() {
                self.finish_owning();
            }
            self.heap.gc_pending = pending;
        }
    }
}

/// The process's own table for one of its environment that a Rust variable still holds; called for tables with
/// [`table_flag::SHARED`] only.
#[cold]
pub(super) fn forwarded(t: *mut Table) -> *mut Table {
    let forward = FORWARD.get();
    if forward.is_null() {
        return t;
    }
    // SAFETY: set while the process that runs on this thread keeps the map.
    unsafe { (*forward).table(t) }
}

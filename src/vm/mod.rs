//! The interpreter: one [`Vm`] runs the coroutines of one process over one heap.
//!
//! Making a process is cheap if it shares its libraries: an [`environment::Environment`] is set up once per program, and
//! [`Vm::with_environment`] makes a process over it that allocates nothing but its state, one cell and a small stack.
//! [`Vm::new`] makes one with empty globals of its own.
//!
//! Rules that hold everywhere in this room:
//!
//! 1. Registers are in memory at every instruction boundary; `pc`, `base` and `k` of the running Lua frame live in the
//!    dispatcher's arguments and are saved to its [`Frame`] before anything but the next handler runs.
//! 2. Nothing recurses on the Rust stack between Lua and native code. A native function that needs a call returns
//!    [`native::Step::Call`] and is entered again; [`Vm::settle`] is the only loop that enters native functions.
//! 3. The collector runs at instruction boundaries only ([`Vm::safepoint`]). Between them, fresh objects need no root.
//! 4. `th.top` is exact while a native frame is on top, and between an instruction that leaves an open number of values
//!    and the one that consumes them. Otherwise a Lua frame's live registers are all of `base .. base + max_stack`.
//! 5. A value read from a register is always a valid tagged value: verified bytecode and the operand ranges of the compiler
//!    guarantee that registers are inside the frame.
#![allow(unsafe_code)]

pub mod arith;
pub mod call;
pub mod channel;
pub mod convert;
pub mod coroutine;
pub mod debug;
mod dispatch;
mod entry;
pub mod environment;
pub mod error;
pub mod error_object;
pub mod hook;
mod index;
pub mod managed;
#[cfg(test)]
mod managed_tests;
pub mod meta;
mod names;
pub mod native;
pub mod parcel;
pub mod read_only;
mod run;
mod slots;
mod slow;
pub mod traceback;
pub mod type_value;
mod unwind;

#[cfg(test)]
mod parcel_tests;

pub use error::LuaError;

use crate::heap::thread::Status;
use crate::heap::{Closure, Code, Heap, OutOfMemory, Roots, Str, Table, Thread, Value};
use meta::{EVENT_NAMES, Event};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Basic types that share one metatable each.
const BASIC_METAS: usize = 16;

/// First length of a slice. Under `stress` every reduction ends one: whatever spans a slice is then tested everywhere.
const SLICE: i32 = if cfg!(feature = "stress") { 1 } else { crate::limits::DEFAULT_SLICE };

/// One process's interpreter state.
#[repr(C)]
pub struct Vm {
    // What every slice and every wait touches comes first.
    /// The running coroutine.
    pub(crate) th: *mut Thread,
    /// The handler table in use; see `dispatch`.
    pub(crate) table: *const (),
    /// Reductions left in this slice.
    pub(crate) budget: i32,
    /// Coroutines resuming each other right now.
    pub(crate) resume_depth: u32,
    /// Finalizers that run, one inside the other: collections that they do not ask for find no work for others.
    pub(crate) finalizers: u32,
    /// True while the running coroutine has a hook that is not itself running.
    pub(crate) hooked: bool,
    /// The next instruction runs without its hook, which ran already.
    pub(crate) skip_hook: bool,
    /// A collection found finalizers due: they run between the next instructions.
    pub(crate) run_finalizers: bool,
    /// The dispatcher is to be left at the next instruction boundary.
    pub(crate) leave: bool,
    /// The instruction has had effects: it must not start over.
    pub(crate) no_retry: bool,
    /// The error in flight was raised by the native function on top.
    pub(crate) native_raised: bool,
    /// `skip_hook` of the function that a running finalizer interrupts.
    pub(crate) skip_after_finalizer: bool,
    /// `os.exit` asked for the finalizers to run before the program ends.
    pub(crate) close_on_exit: bool,
    /// Why the dispatcher was left.
    pub(crate) exit: Exit,
    /// Reductions given per slice.
    pub(crate) slice: i32,
    pub(crate) main: *mut Thread,
    /// What the process shares of libraries with others, until it gets its own.
    pub(crate) shares: Option<&'static environment::Share>,
    /// Where its own are, until no Rust variable can hold the shared ones any more.
    pub(crate) forward: Option<Box<crate::heap::Forward>>,
    /// The instruction after the one that was put back for want of memory: it does not start over twice.
    pub(crate) out_of_memory_pc: *const crate::bytecode::Instr,
    /// What the host keeps with this process.
    pub(crate) host: Option<native::HostData>,
    /// Values that the host holds on to, nil in free places.
    pub(crate) held: SmallVec<[Value; 1]>,
    /// The coroutines that take turns.
    pub(crate) managed: managed::Managed,
    pub heap: Heap,
    pub(crate) globals: *mut Table,
    pub(crate) registry: *mut Table,
    /// What a process with a shared registry keeps for native functions, null before the first such thing.
    pub(crate) kept: *mut Table,
    /// Metatables of basic types, by tag.
    pub(crate) metas: [*mut Table; BASIC_METAS],
    pub(crate) event_names: &'static [*const Str; EVENT_NAMES.len()],
    /// Names of types, by tag.
    pub(crate) type_names: &'static [*const Str; BASIC_METAS],
    /// What the last quick native call left for the slow path.
    pub(crate) native_outcome: run::NativeOutcome,
    /// Values of the last exit that the host may still want.
    pub(crate) exit_values: SmallVec<[Value; 1]>,
    /// Set from outside (another thread, a signal handler) to raise "interrupted!" at the next call or loop.
    pub(crate) interrupt: Option<Arc<AtomicBool>>,
    /// Compiles source or loads binary chunks for `load`; set by the layer that knows the compiler.
    pub(crate) loader: Option<&'static Loader>,
    /// The function `next`, which `pairs` returns.
    pub(crate) next: Value,
    /// State of `math.random`.
    pub rng: [u64; 4],
    /// The error that ended the run.
    pub(crate) last_failure: Option<Box<LastFailure>>,
    /// Metatable of error objects, null before the first one.
    pub(crate) error_meta: *mut Table,
    pub(crate) error_meta_maker: Option<error_object::ErrorMeta>,
    pub(crate) channels: channel::Channels,
    /// Values of types that this process has named, weak; null before the first one.
    pub(crate) type_values: *mut Table,
    /// Metatable of type values, null before the first one.
    pub(crate) type_meta: *mut Table,
    pub(crate) type_meta_maker: Option<type_value::TypeMeta>,
}

/// Where an error happened that ended a run.
pub(crate) struct LastFailure {
    traceback: Option<Vec<u8>>,
    place: Option<error::Place>,
}

/// Turns chunks into code.
pub struct Loader {
    pub compile: Compile,
    /// Whether nobody waits while this process compiles.
    pub alone: for<'gc> fn(&mut native::Cx<'gc>) -> bool,
    /// What the program has for the text of a file, under this chunk name.
    pub published: for<'gc> fn(&mut native::Cx<'gc>, &[u8], &[u8]) -> Published,
    /// Makes the code of a file the program's, if it is not yet.
    pub publish:
        for<'gc> fn(&mut native::Cx<'gc>, &[u8], &[u8], crate::bytecode::Proto) -> crate::heap::SharedCode,
}

/// `(bytes, chunk name, mode)` to prototype or message.
pub type Compile = fn(&[u8], &Arc<[u8]>, LoadMode) -> Result<crate::bytecode::Proto, Vec<u8>>;

/// What a program has for a file that a process loads.
pub enum Published {
    Code(crate::heap::SharedCode),
    /// Nothing yet: it is to be published.
    Wanted,
    /// Nothing; the code will be the process's own.
    No,
}

/// Which kinds of chunk `load` accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadMode {
    pub text: bool,
    pub binary: bool,
}

/// Why the dispatcher returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The main function returned; its results are in `exit_values`.
    Done,
    /// An error reached the main function's caller; the error value is in `exit_values`.
    Failed,
    /// The slice is over; `run` continues it.
    Preempted,
    /// The program asked to end with this code (`os.exit`).
    Quit(i32),
    /// No coroutine can go on: one must be woken ([`managed`]) before the next run.
    Idle,
    /// A coroutine gave way: the host may wake others, then the next run goes on.
    Yielded,
}

impl Vm {
    /// A process with empty globals. `limit` is its memory limit in bytes.
    ///
    /// # Errors
    /// [`OutOfMemory`] if not even the empty state fits.
    pub fn new(limit: Option<usize>) -> Result<Box<Self>, OutOfMemory> {
        let mut vm = Self::bare(limit)?;
        vm.globals = vm.heap.new_table()?;
        vm.registry = vm.heap.new_table()?;
        Ok(vm)
    }

    /// A process without tables of globals and registry.
    fn bare(limit: Option<usize>) -> Result<Box<Self>, OutOfMemory> {
        let mut vm = Box::new(Self {
            budget: SLICE,
            th: std::ptr::null_mut(),
            table: dispatch::plain_table(),
            heap: Heap::new(limit),
            hooked: false,
            skip_hook: false,
            main: std::ptr::null_mut(),
            globals: std::ptr::null_mut(),
            registry: std::ptr::null_mut(),
            kept: std::ptr::null_mut(),
            metas: [std::ptr::null_mut(); BASIC_METAS],
            event_names: meta::event_names(),
            type_names: meta::type_names(),
            shares: None,
            forward: None,
            resume_depth: 0,
            finalizers: 0,
            run_finalizers: false,
            exit: Exit::Done,
            leave: false,
            out_of_memory_pc: std::ptr::null(),
            no_retry: false,
            native_raised: false,
            native_outcome: run::NativeOutcome::NotCalled,
            exit_values: SmallVec::new(),
            held: SmallVec::new(),
            interrupt: None,
            loader: None,
            skip_after_finalizer: false,
            slice: SLICE,
            next: Value::NIL,
            rng: [0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB, 0x2545_F491_4F6C_DD1D],
            last_failure: None,
            close_on_exit: false,
            host: None,
            error_meta: std::ptr::null_mut(),
            error_meta_maker: None,
            managed: managed::Managed::default(),
            channels: channel::Channels::default(),
            type_values: std::ptr::null_mut(),
            type_meta: std::ptr::null_mut(),
            type_meta_maker: None,
        });
        vm.main = vm.heap.new_thread()?;
        vm.th = vm.main;
        // SAFETY: the main coroutine is new and live.
        unsafe { (*vm.th).status = Status::Running };
        Ok(vm)
    }

    /// The flag that interrupts a running program when set.
    #[must_use]
    pub fn interrupt_flag(&mut self) -> Arc<AtomicBool> {
        self.interrupt.get_or_insert_default().clone()
    }

    /// Sets what `load` and `require` use.
    pub fn set_loader(&mut self, loader: &'static Loader) {
        self.loader = Some(loader);
    }

    /// Sets the length of a slice in reductions (at least 1).
    pub fn set_slice(&mut self, reductions: i32) {
        self.slice = reductions.max(1);
        self.budget = self.slice;
    }

    /// Reductions that the last slice took; more than its length if its last step did not stop in time.
    #[must_use]
    pub fn spent(&self) -> i64 {
        i64::from(self.slice) - i64::from(self.budget)
    }

    /// A function over linked code whose first upvalue is the table of globals.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    ///
    /// # Safety
    /// `code` stays alive as long as the process, or belongs to a unit of this heap.
    pub unsafe fn main_closure(
        &mut self,
        code: *const Code,
        env: Value,
    ) -> Result<*mut Closure, OutOfMemory> {
        // SAFETY: by contract; the closure has as many upvalues as its code says.
        unsafe {
            let upvals = &(*code).upvals;
            let n = upvals.len();
            let closure = self.heap.new_closure(code, n)?;
            for i in 0..n {
                let v = if i == 0 { env } else { Value::NIL };
                *Closure::upval(closure, i) = self.heap.new_upval(v)?;
            }
            Ok(closure)
        }
    }

    /// The table of globals.
    #[must_use]
    pub fn globals_value(&self) -> Value {
        Value::table(self.globals)
    }

    /// Sets the function that `pairs` returns.
    pub fn set_next(&mut self, native: &'static native::Native) {
        self.next = Value::native(std::ptr::from_ref(native).cast());
    }

    /// Name of an event's metamethod.
    #[inline(always)]
    pub(crate) fn event_name(&self, event: Event) -> *const Str {
        self.event_names[event as usize]
    }
}

struct VmRoots<'a> {
    vm: &'a Vm,
}

impl Roots for VmRoots<'_> {
    fn each(&mut self, mark: &mut dyn FnMut(Value)) {
        let vm = self.vm;
        mark(Value::thread(vm.main));
        mark(Value::thread(vm.th));
        mark(Value::table(vm.globals));
        mark(Value::table(vm.registry));
        for &meta in vm.metas.iter().chain([&vm.kept, &vm.error_meta, &vm.type_values, &vm.type_meta]) {
            if !meta.is_null() {
                mark(Value::table(meta));
            }
        }
        vm.exit_values.iter().chain(&vm.held).for_each(|&v| mark(v));
        vm.channels.meta.iter().for_each(|&meta| mark(Value::table(meta)));
        vm.managed.each_root(mark);
    }
}

impl Vm {
    /// Verifies the invariants of the heap; see `heap::check`. For tests: takes time in proportion to the heap.
    ///
    /// # Errors
    /// The first violated invariant.
    pub fn check_heap(&self) -> Result<(), String> {
        crate::heap::check::check(&mut VmRoots { vm: self }, &|v| self.may_refer_to_shared(v))
    }

    /// A full collection, or the rest of the one in progress. Finalizers become due but do not run yet.
    pub(crate) fn collect(&mut self) {
        let this: *mut Self = self;
        // SAFETY: `collect` touches only the heap, the roots read only the other fields.
        unsafe { (*this).heap.collect(&mut VmRoots { vm: &*this }) };
    }

    /// A slice of a collection: goes on with the one in progress, or starts one. True: it is over. Otherwise the process must not
    /// run, and nothing may touch its heap, before further slices end it; [`Vm::run`] sees to that.
    pub(crate) fn collect_slice(&mut self) -> bool {
        #[cfg(feature = "stress")]
        if !self.heap.gc.is_collecting() && self.heap.gc.cycles.is_multiple_of(256) {
            self.check_heap().expect("the heap keeps its invariants");
        }
        let this: *mut Self = self;
        // SAFETY: as `collect`.
        unsafe { (*this).heap.collect_slice(&mut VmRoots { vm: &*this }) }
    }

    /// Begins a collection at an instruction boundary. If it does not end at once the slice ends.
    pub(crate) fn collect_at_boundary(&mut self) {
        if self.heap.take_pause() || !self.collect_slice() {
            self.exit = Exit::Preempted;
            self.leave = true;
        }
    }

    /// True if the process is in the middle of something between two slices that whoever touches it would put an end to, or undo: a
    /// collection, or the growth of a table.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.heap.gc.is_collecting() || self.heap.is_growing()
    }

    /// A full collection while all coroutines rest ([`Exit::Idle`]). Finalizers become due but do not run yet.
    pub fn collect_idle(&mut self) {
        debug_assert!(self.is_idle());
        if self.forward.is_some() {
            self.finish_owning();
        }
        self.collect();
        self.run_finalizers = true;
    }

    /// Ends a collection in progress, for hosts that touch the process between two slices, and gives up what else is.
    pub fn finish_collection(&mut self) {
        self.heap.abandon_growth();
        if self.heap.gc.is_collecting() {
            self.collect();
        }
    }
}

// SAFETY: all pointers lead into the heap that the Vm owns, to immortal constants, or to code whose owner outlives the
// process; so a Vm that moves to another thread takes everything with it.
unsafe impl Send for Vm {}

//! From one instruction to the next: two dispatchers over the same op bodies (`run.rs`).
//!
//! * **Handler table** (optimised builds on x86-64 and aarch64): each op is a function that ends in a sibling call of the next
//!   one through a table; `pc`, `base`, `k` stay in argument registers. That the calls are jumps is the optimiser's doing, not
//!   the language's: a test disassembles the release build and checks it.
//! * **Match loop** (everything else: unoptimised builds, other targets, Miri): `loop { match op }` over scalar locals.
//!
//! Both leave the fast path only through [`Step::Slow`]: `pc` is saved to the frame, the slow function runs as ordinary Rust, and
//! the state is read back from the frame. So slow functions may push frames, switch coroutines or move the stack.

use super::run::{self, State, Step};
use super::{Exit, Vm};
use crate::bytecode::{Instr, Op};
use crate::heap::{FrameKind, KSlot, Value};

/// A path off the fast one. Runs with the instruction's `pc` saved; the state is read back afterwards.
pub(super) type Slow = unsafe fn(&mut Vm, Instr) -> Result<(), super::LuaError>;

impl Vm {
    /// Runs a slow function and everything that it started, until a Lua frame is to go on. True: leave the dispatcher.
    ///
    /// # Safety
    /// `pc` is the next instruction of the running Lua frame.
    #[inline(never)]
    unsafe fn run_slow(&mut self, f: Slow, pc: *const Instr, ins: Instr) -> bool {
        // SAFETY: by contract.
        unsafe {
            let frame = (*self.th).frame;
            (*frame).pc = pc;
            let r = f(self, ins);
            let r = self.retry_without_memory(r, pc);
            self.settle(r)
        }
    }
}

#[cfg(wippy_table_dispatch)]
pub(super) use table::{enter, hook_table, plain_table};

#[cfg(not(wippy_table_dispatch))]
pub(super) use matching::{enter, hook_table, plain_table};

#[cfg(wippy_table_dispatch)]
mod table {
    use super::{Exit, FrameKind, Instr, KSlot, Op, Slow, State, Step, Value, Vm, run};
    use crate::bytecode::ops::for_each_op;
    use crate::vm::run::{More, for_each_more};

    type Handler =
        unsafe extern "C-unwind" fn(*const Instr, *mut Value, *const KSlot, *mut Vm, u64, *const Handlers);

    /// One handler per op byte; bytes without an op never get past the verifier.
    #[repr(C)]
    pub struct Handlers([Handler; 256]);

    #[inline(always)]
    unsafe fn dispatch(s: State, vm: *mut Vm, table: *const Handlers) {
        // SAFETY: `pc` points to an instruction of verified code.
        unsafe {
            let ins = (*s.pc).0;
            ((*table).0[(ins & 0xff) as usize])(s.pc.add(1), s.base, s.k, vm, ins, table);
        }
    }

    /// Leaves the fast path; the slow function comes in the place of the table.
    #[cold]
    unsafe extern "C-unwind" fn slow(
        pc: *const Instr,
        _base: *mut Value,
        _k: *const KSlot,
        vm: *mut Vm,
        ins: u64,
        f: *const Handlers,
    ) {
        // SAFETY: `f` is a `Slow` that `step!` passed; `pc` is saved for it.
        unsafe {
            let f = std::mem::transmute::<*const Handlers, Slow>(f);
            if (*vm).run_slow(f, pc, Instr(ins)) {
                return;
            }
            dispatch(State::load(vm), vm, (*vm).table.cast());
        }
    }

    macro_rules! handlers {
        ($($name:ident)*) => {
            #[allow(non_snake_case)]
            mod handler {
                use super::*;
                $(
                    pub(super) unsafe extern "C-unwind" fn $name(
                        pc: *const Instr,
                        base: *mut Value,
                        k: *const KSlot,
                        vm: *mut Vm,
                        ins: u64,
                        table: *const Handlers,
                    ) {
                        // SAFETY: the state belongs to the running frame of `vm`.
                        unsafe {
                            match run::op::$name(State { pc, base, k }, vm, Instr(ins)) {
                                Step::Next(s) => dispatch(s, vm, table),
                                Step::Slow(s, f) => slow(s.pc, s.base, s.k, vm, ins, f as *const Handlers),
                                Step::More(s, m) => more(m, s, vm, ins),
                            }
                        }
                    }
                )*
            }

            static PLAIN: Handlers = {
                let mut table: [Handler; 256] = [handler::Extra; 256];
                $( table[Op::$name as usize] = handler::$name; )*
                Handlers(table)
            };
        };
    }
    for_each_op!(handlers);

    macro_rules! more_handlers {
        ($($name:ident)*) => {
            /// Second halves of ops: handlers of their own, so that the first halves need no stack frame.
            #[allow(non_snake_case)]
            mod second {
                use super::*;
                $(
                    #[inline(never)]
                    pub(super) unsafe extern "C-unwind" fn $name(
                        pc: *const Instr,
                        base: *mut Value,
                        k: *const KSlot,
                        vm: *mut Vm,
                        ins: u64,
                        _table: *const Handlers,
                    ) {
                        // SAFETY: as every handler.
                        unsafe {
                            match run::more::$name(State { pc, base, k }, vm, Instr(ins)) {
                                Step::Next(s) => dispatch(s, vm, (*vm).table.cast()),
                                Step::Slow(s, f) => slow(s.pc, s.base, s.k, vm, ins, f as *const Handlers),
                                Step::More(s, _) => slow(s.pc, s.base, s.k, vm, ins, (run::unreachable as Slow) as *const Handlers),
                            }
                        }
                    }
                )*
            }

            #[inline(always)]
            unsafe fn more(m: More, s: State, vm: *mut Vm, ins: u64) {
                // SAFETY: as every handler.
                unsafe {
                    match m { $( More::$name => second::$name(s.pc, s.base, s.k, vm, ins, std::ptr::null()), )* }
                }
            }
        };
    }
    for_each_more!(more_handlers);

    static HOOKED: Handlers = Handlers([hooked; 256]);

    /// Stands in for every op while a hook is set.
    unsafe extern "C-unwind" fn hooked(
        pc: *const Instr,
        base: *mut Value,
        k: *const KSlot,
        vm: *mut Vm,
        ins: u64,
        table: *const Handlers,
    ) {
        // SAFETY: as every handler.
        unsafe {
            if std::mem::take(&mut (*vm).skip_hook) {
                if let Some(f) = Vm::hooked_variant(Instr(ins)) {
                    slow(pc, base, k, vm, ins, f as *const Handlers);
                    return;
                }
                // Executes one op with the plain handler, which then goes on through the hooked table.
                (PLAIN.0[(ins & 0xff) as usize])(pc, base, k, vm, ins, table);
                return;
            }
            slow(pc.sub(1), base, k, vm, ins, (Vm::run_hook as Slow) as *const Handlers);
        }
    }

    pub fn plain_table() -> *const () {
        (&raw const PLAIN).cast()
    }

    pub fn hook_table() -> *const () {
        (&raw const HOOKED).cast()
    }

    /// Runs the top frame, which is a Lua frame, until the dispatcher is left.
    ///
    /// # Safety
    /// The state of `vm` is consistent and its top frame is a Lua frame.
    pub unsafe fn enter(vm: *mut Vm) -> Exit {
        // SAFETY: by contract.
        unsafe {
            debug_assert_eq!((*(*(*vm).th).frame).kind, FrameKind::Lua);
            dispatch(State::load(vm), vm, (*vm).table.cast());
            (*vm).exit
        }
    }
}

#[cfg(not(wippy_table_dispatch))]
mod matching {
    use super::{Exit, FrameKind, Instr, KSlot, Op, Slow, State, Step, Value, Vm, run};
    use crate::bytecode::ops::for_each_op;
    use crate::vm::run::{More, for_each_more};

    pub fn plain_table() -> *const () {
        std::ptr::null()
    }

    pub fn hook_table() -> *const () {
        std::ptr::null()
    }

    macro_rules! arms {
        ($($name:ident)*) => {
            /// One op.
            #[inline(always)]
            unsafe fn execute(op: Op, s: State, vm: *mut Vm, ins: Instr) -> Step {
                // SAFETY: as the handlers of the table dispatcher.
                unsafe { match op { $( Op::$name => run::op::$name(s, vm, ins), )* } }
            }
        };
    }
    for_each_op!(arms);

    macro_rules! more_arms {
        ($($name:ident)*) => {
            #[inline(always)]
            unsafe fn second(m: More, s: State, vm: *mut Vm, ins: Instr) -> Step {
                // SAFETY: as the handlers of the table dispatcher.
                unsafe { match m { $( More::$name => run::more::$name(s, vm, ins), )* } }
            }
        };
    }
    for_each_more!(more_arms);

    /// Runs the top frame, which is a Lua frame, until the dispatcher is left.
    ///
    /// # Safety
    /// The state of `vm` is consistent and its top frame is a Lua frame.
    pub unsafe fn enter(vm: *mut Vm) -> Exit {
        // SAFETY: by contract; `pc` always points to an instruction of verified code.
        unsafe {
            debug_assert_eq!((*(*(*vm).th).frame).kind, FrameKind::Lua);
            let State { mut pc, mut base, mut k }: State = State::load(vm);
            loop {
                let ins = *pc;
                if (*vm).hooked {
                    let f: Slow = if std::mem::take(&mut (*vm).skip_hook) {
                        match Vm::hooked_variant(ins) {
                            Some(f) => {
                                pc = pc.add(1);
                                f
                            }
                            None => plain,
                        }
                    } else {
                        Vm::run_hook
                    };
                    if f as usize != plain as Slow as usize {
                        if (*vm).run_slow(f, pc, ins) {
                            return (*vm).exit;
                        }
                        State { pc, base, k } = State::load(vm);
                        continue;
                    }
                }
                pc = pc.add(1);
                let op = Op::from_byte(ins.op_byte()).expect("verified code has only known ops");
                match execute(op, State { pc, base, k }, vm, ins) {
                    Step::Next(s) => State { pc, base, k } = s,
                    Step::Slow(s, f) => {
                        if (*vm).run_slow(f, s.pc, ins) {
                            return (*vm).exit;
                        }
                        State { pc, base, k } = State::load(vm);
                    }
                    Step::More(s, m) => match second(m, s, vm, ins) {
                        Step::Next(s) => State { pc, base, k } = s,
                        Step::Slow(s, f) => {
                            if (*vm).run_slow(f, s.pc, ins) {
                                return (*vm).exit;
                            }
                            State { pc, base, k } = State::load(vm);
                        }
                        Step::More(..) => unreachable!("a second half has no third"),
                    },
                }
                let _: (*mut Value, *const KSlot) = (base, k);
            }
        }
    }

    unsafe fn plain(_: &mut Vm, _: Instr) -> Result<(), super::super::LuaError> {
        Ok(())
    }
}

//! The op bodies: one function for each op, state in, state out.
//!
//! 1. A body touches only registers, constants and objects that the operands name; anything rare, allocating or calling
//!    is a [`Step::Slow`] that the dispatcher takes off the fast path.
//! 2. Bodies take and return scalars: a state whose address is taken would be spilled by every op.
//! 3. Conditional ops read the distance from the `Jump` word only on the taken path, so that they compile to branches.
//! 4. Values are copied by fields (`heap::value`, invariant 1).
#![allow(unsafe_op_in_unsafe_fn)]

mod access;
mod arith;
mod flow;
pub(super) mod more;

use super::dispatch::Slow;
use super::meta::Event;
use super::native::{Cx, Native, Step as NativeStep};
use super::{LuaError, Vm, slow};
use crate::bytecode::{Instr, Op};
use crate::heap::thread::frame_flag;
use crate::heap::value::{get, put, tag};
use crate::heap::{Closure, Frame, FrameKind, KSlot, Node, Table, Thread, Value};
use std::ops::ControlFlow;

/// What a handler passes on: next instruction, first register, constants.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub pc: *const Instr,
    pub base: *mut Value,
    pub k: *const KSlot,
}

/// How an op ends.
pub(super) enum Step {
    /// Go on with this state.
    Next(State),
    /// Leave the fast path. `pc` of the state is what the slow function finds saved.
    Slow(State, Slow),
    /// Go on in the op's second half.
    More(State, More),
}

macro_rules! more_ops {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {
        /// Second halves of ops: frequent, but in need of calls that would cost the first half its leanness.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum More { $($(#[doc = $doc])* $name),* }

        macro_rules! for_each_more { ($cb:ident) => { $cb! { $( $name )* } } }
        pub(super) use for_each_more;
    };
}

more_ops! {
    /// `Call` of a native function.
    Native
    /// `Call` of a Lua function with `...`, or with fewer arguments than it has parameters.
    CallLua
    TailCall
    /// `GenericCall` of anything that does not run in place.
    Iterate
    /// A return to a metamethod's op or to a native function, or of an open number of values.
    ReturnFar
    /// A return of the one value that a native function asked for.
    ReturnAnswer
    Vararg
    /// `GetField` where the field is not found by pointer in the table itself.
    FieldMiss
    /// The same for `GetTabUp`.
    GlobalMiss
    /// `GetInt` outside of the array part.
    IntMiss
    /// `Method` where more than tables must be asked.
    MethodMiss
    GetType
    /// Arithmetic with an operand that is no number.
    Arith
    /// `Len` with a metamethod.
    Len
    /// Equality of strings, tables and userdata.
    Equal
    /// Order of anything but two integers or two floats.
    Order
    /// `GetIndex` with a string key, or an integer key outside of the array part.
    GetHash
    /// The same for `GetUpIndex`.
    GetUpHash
    /// `SetIndex` and `SetInt` outside of the array part.
    SetHash
    SetHashK
    SetIntHash
    /// `SetField` of a key that is not there.
    AddField
    AddFieldK
    /// `NewTable` with sizes.
    NewSized
    /// `Mod` of floats.
    ModFloat
    ModFloatK
    /// `Concat` of two strings.
    Concat
    Closure
}

/// Stands where a second half would ask for a third.
pub(super) unsafe fn unreachable(_: &mut Vm, _: Instr) -> Result<(), LuaError> {
    unreachable!("a second half has no third")
}

impl State {
    /// The state of the running Lua frame, from memory.
    #[inline(always)]
    pub unsafe fn load(vm: *mut Vm) -> Self {
        let frame = (*(*vm).th).frame;
        Self { pc: (*frame).pc, base: (*frame).base, k: (*frame).state as *const KSlot }
    }

    #[inline(always)]
    unsafe fn reg(self, offset: u16) -> *mut Value {
        self.base.byte_add(offset as usize)
    }

    #[inline(always)]
    unsafe fn konst(self, offset: u16) -> *const KSlot {
        self.k.byte_add(offset as usize)
    }

    #[inline(always)]
    unsafe fn konst_value(self, offset: u16) -> Value {
        get(self.konst(offset).cast())
    }

    #[inline(always)]
    unsafe fn jump(self, distance: i32) -> Self {
        Self { pc: self.pc.offset(distance as isize), ..self }
    }

    /// Takes the jump of a conditional op or steps over it.
    #[inline(always)]
    unsafe fn branch(self, taken: bool) -> Step {
        if taken {
            let distance = (*self.pc).w();
            Step::Next(self.jump(distance + 1))
        } else {
            Step::Next(self.jump(1))
        }
    }

    /// The running function.
    #[inline(always)]
    unsafe fn closure(self) -> *mut Closure {
        (*self.base.sub(1)).payload as *mut Closure
    }

    /// Upvalue `index` of the running function.
    #[inline(always)]
    unsafe fn upval(self, index: u16) -> *mut Value {
        (**Closure::upval(self.closure(), index as usize)).v
    }
}

/// Result of looking for a constant string key.
enum Found {
    Node(*mut Node),
    Absent,
    /// A node with the same hash but another pointer: only its bytes can tell.
    Unsure,
}

/// A shared node has another bit in `ktag`: comparing all of it costs no more than comparing the tag.
#[inline(always)]
unsafe fn has_string_key<const STORE: bool>(node: *const Node) -> bool {
    if STORE { (*node).ktag == tag::STRING as u32 } else { (*node).key_tag() == tag::STRING }
}

/// Finds the node of a constant key by pointer and hash alone; with `STORE` only nodes that may be written.
#[inline(always)]
unsafe fn find_constant_key<const STORE: bool>(t: *mut Table, key: *const KSlot) -> Found {
    let pointer = (*key).payload;
    let hash = (*key).hash;
    let mut node = (*t).nodes.add((hash & (*t).mask) as usize);
    loop {
        if (*node).key == pointer && has_string_key::<STORE>(node) {
            return Found::Node(node);
        }
        if (*node).khash == hash && has_string_key::<STORE>(node) {
            return Found::Unsure;
        }
        if (*node).next == 0 {
            return Found::Absent;
        }
        node = Node::follow(node);
    }
}

/// The node of a constant key, found by pointer alone; null if there is none. Then the key may still be there, as another
/// string with these bytes. With `STORE` only nodes that may be written.
#[inline(always)]
unsafe fn find_pointer<const STORE: bool>(t: *mut Table, key: *const KSlot) -> *mut Node {
    let pointer = (*key).payload;
    let mut node = (*t).nodes.add(((*key).hash & (*t).mask) as usize);
    loop {
        if (*node).key == pointer && has_string_key::<STORE>(node) {
            return node;
        }
        if (*node).next == 0 {
            return std::ptr::null_mut();
        }
        node = Node::follow(node);
    }
}

/// `R[dst] = t[key]` if the key is found by pointer.
#[inline(always)]
unsafe fn get_pointer(s: State, t: *mut Table, key: *const KSlot, dst: *mut Value, miss: More) -> Step {
    let node = find_pointer::<false>(t, key);
    if !node.is_null() && (*node).vtag != tag::NIL {
        (*dst).payload = (*node).payload;
        (*dst).tag = (*node).vtag;
        return Step::Next(s);
    }
    Step::More(s, miss)
}

/// Begins the call of a metamethod that is a plain Lua function: `finish_op` or [`more::ReturnFar`] completes the op with
/// its result. `None` if something is in the way; nothing has happened then. `args` are 2 or 3.
#[inline(always)]
unsafe fn call_handler(
    s: State,
    vm: *mut Vm,
    handler: Value,
    a: Value,
    b: Value,
    c: Option<Value>,
) -> Option<State> {
    if handler.tag != tag::CLOSURE || (*vm).hooked || (*vm).budget <= 0 {
        return None;
    }
    let code = (*handler.as_closure()).code;
    let th = (*vm).th;
    let frame = (*th).frame;
    let new = frame.add(1);
    let func = s.base.add((*(*s.closure()).code).max_stack as usize);
    let base = func.add(1);
    // Room for the registers and at least three arguments.
    if (*code).is_vararg || base.add((*code).max_stack as usize + 1) > (*th).limit || new == (*th).frames_end
    {
        return None;
    }
    (*vm).budget -= 1;
    put(func, handler);
    put(base, a);
    put(base.add(1), b);
    put(base.add(2), c.unwrap_or(Value::NIL));
    for i in 3..(*code).num_params as usize {
        put(base.add(i), Value::NIL);
    }
    (*frame).pc = s.pc;
    (*new).base = base;
    (*new).delta = 1;
    (*new).nresults = 1;
    (*new).kind = FrameKind::Lua;
    (*new).flags = frame_flag::META;
    (*new).state = (*code).k as u64;
    (*th).frame = new;
    Some(State { pc: (*code).entry, base, k: (*code).k })
}

/// Links of an `__index` chain that the fast path follows.
const CHAIN: usize = 8;

/// `R[dst] = t[key]` for a constant key, if no metamethod is needed. `calls`: what to do when a table and its metatable
/// come to something else than a table.
#[inline(always)]
unsafe fn get_constant_key(
    s: State,
    t: *mut Table,
    key: *const KSlot,
    dst: *mut Value,
    calls: impl Fn(*mut Table, *mut Table) -> Step,
    f: Step,
) -> Step {
    match find_constant_key::<false>(t, key) {
        Found::Node(node) if (*node).vtag != tag::NIL => {
            (*dst).payload = (*node).payload;
            (*dst).tag = (*node).vtag;
            return Step::Next(s);
        }
        Found::Node(_) | Found::Absent => {
            // Classes: a chain of tables linked by `__index`.
            let mut t = t;
            for _ in 0..CHAIN {
                let meta = (*t).meta;
                if meta.is_null() || (*meta).absent & (1 << Event::Index as u32) != 0 {
                    put(dst, Value::NIL);
                    return Step::Next(s);
                }
                let node = (*meta).index_node;
                if node.is_null() || (*node).vtag != tag::TABLE {
                    return calls(t, meta);
                }
                t = (*node).payload as *mut Table;
                match find_constant_key::<false>(t, key) {
                    Found::Node(node) if (*node).vtag != tag::NIL => {
                        (*dst).payload = (*node).payload;
                        (*dst).tag = (*node).vtag;
                        return Step::Next(s);
                    }
                    Found::Unsure => break,
                    _ => {}
                }
            }
        }
        Found::Unsure => {}
    }
    f
}

/// `t[key] = v` for a constant key that is there and found by pointer.
#[inline(always)]
unsafe fn set_constant_key(s: State, t: *mut Table, key: *const KSlot, v: *const Value, add: Step) -> Step {
    let node = find_pointer::<true>(t, key);
    if !node.is_null() && (*node).vtag != tag::NIL {
        let v = get(v);
        (*node).payload = v.payload;
        (*node).vtag = v.tag;
        return Step::Next(s);
    }
    add
}

/// The ops, by their names in the op table.
pub(super) mod op {
    pub use super::access::*;
    pub use super::arith::*;
    pub use super::flow::*;
}

/// Moves `n` results to where the caller wants them. Results may overlap their destination from above.
#[inline(always)]
pub(super) unsafe fn deliver(th: *mut Thread, func: *mut Value, from: *mut Value, n: usize, wanted: i16) {
    if wanted < 0 {
        for i in 0..n {
            put(func.add(i), get(from.add(i)));
        }
        (*th).top = func.add(n);
        return;
    }
    let wanted = wanted as usize;
    let copied = n.min(wanted);
    for i in 0..copied {
        put(func.add(i), get(from.add(i)));
    }
    for i in copied..wanted {
        put(func.add(i), Value::NIL);
    }
}

/// Pushes the frame of the native function at `func`. There is room for it.
#[inline(always)]
unsafe fn push_native(th: *mut Thread, func: *mut Value, nresults: i16, state: u64) {
    let new = (*th).frame.add(1);
    (*new).base = func.add(1);
    (*new).pc = std::ptr::null();
    (*new).delta = 1;
    (*new).nresults = nresults;
    (*new).kind = FrameKind::Native;
    (*new).flags = 0;
    (*new).state = state;
    (*th).frame = new;
}

/// The common case of calling a native function from Lua, whose arguments reach up to `th.top`: it runs, returns or calls
/// a Lua function, and nothing else is due. False: `after_native` must
/// sort out the rest, which `call_native` left in the frame and in `pending`.
#[inline(never)]
pub(super) unsafe fn call_native(vm: *mut Vm, func: *mut Value, nresults: i16) -> bool {
    let th = (*vm).th;
    let frame = (*th).frame;
    (*vm).budget -= 1;
    let new = frame.add(1);
    if new == (*th).frames_end
        || (*th).top.add(crate::limits::NATIVE_STACK) > (*th).limit
        || (*vm).budget < 0
        || (*vm).hooked
    {
        (*vm).native_outcome = NativeOutcome::NotCalled;
        return false;
    }
    push_native(th, func, nresults, 0);
    let native = super::native::descriptor(get(func));
    let result = ((*native).func)(&mut Cx::new(vm));
    native_result(vm, result)
}

/// Takes the frame of a native function away, whose `n` results are on top, and puts them where they are wanted.
#[inline(always)]
unsafe fn leave_native(vm: *mut Vm, n: usize) {
    let th = (*vm).th;
    let frame = (*th).frame;
    // The stack may have moved.
    let func = (*frame).base.sub(1);
    let from = (*th).top.sub(n);
    let wanted = (*frame).nresults;
    (*vm).drop_state();
    (*th).frame = frame.sub(1);
    if n == 1 && wanted == 1 {
        put(func, get(from));
    } else {
        deliver(th, func, from, n, wanted);
    }
}

/// Carries out the most frequent results of a native function whose frame is on top: a return to Lua code, a call of a plain
/// Lua function, a change of coroutine, a wait. False: left to [`after_native`].
#[inline(always)]
unsafe fn native_result(vm: *mut Vm, result: Result<NativeStep, LuaError>) -> bool {
    let mut result = result;
    while !(*vm).heap.gc_pending && !(*vm).hooked {
        let th = (*vm).th;
        let frame = (*th).frame;
        match result {
            Ok(NativeStep::Return(n)) if (*frame).flags == 0 => {
                leave_native(vm, n as usize);
                return true;
            }
            Ok(NativeStep::Call { args, results }) => {
                if call_from_native(vm, args as usize, results) {
                    return true;
                }
                break;
            }
            Ok(
                step @ (NativeStep::Resume { .. }
                | NativeStep::Yield(_)
                | NativeStep::Block
                | NativeStep::GiveWay(_)),
            ) => match switched(vm, (*vm).native_step(step)) {
                ControlFlow::Continue(next) => result = next,
                ControlFlow::Break(done) => return done,
            },
            _ => break,
        }
    }
    (*vm).native_outcome = NativeOutcome::Result(result);
    false
}

/// What a native function's frame that is on top after a change of coroutine does next, or the answer of [`native_result`].
#[inline(always)]
unsafe fn switched(vm: *mut Vm, r: Result<(), LuaError>) -> ControlFlow<bool, Result<NativeStep, LuaError>> {
    let frame = (*(*vm).th).frame;
    let is_native = (*frame).kind == FrameKind::Native;
    let state = (*frame).state;
    if r.is_err() || (*vm).leave || (*vm).hooked || is_native && state & super::unwind::RAISING != 0 {
        // The instruction has had effects.
        (*vm).no_retry |= r.as_ref().is_err_and(LuaError::is_memory);
        (*vm).native_outcome = NativeOutcome::Settled(r);
        return ControlFlow::Break(false);
    }
    if !is_native {
        return ControlFlow::Break(true);
    }
    if state & super::hook::RETURNING != 0 {
        // Its wait is over, and these are its results.
        return ControlFlow::Continue(Ok(NativeStep::Return(state as u32)));
    }
    ControlFlow::Continue(((*Vm::frame_native(frame)).func)(&mut Cx::new(vm)))
}

/// Pushes the frame of a plain Lua function that a native function calls, or does nothing.
#[inline(always)]
unsafe fn call_from_native(vm: *mut Vm, args: usize, nresults: i16) -> bool {
    let th = (*vm).th;
    let frame = (*th).frame;
    let base = (*th).top.sub(args);
    let func = base.sub(1);
    if (*func).tag != tag::CLOSURE {
        return false;
    }
    let code = (*(*func).as_closure()).code;
    let new = frame.add(1);
    let params = (*code).num_params as usize;
    if (*code).is_vararg
        || (*th).top.add((*code).max_stack as usize + params) > (*th).limit
        || new == (*th).frames_end
        || (*th).native_calls >= crate::limits::MAX_NATIVE_CALLS
        || cfg!(feature = "stress")
    {
        return false;
    }
    (*vm).budget -= 1;
    for i in args..params {
        put(base.add(i), Value::NIL);
    }
    (*th).native_calls += 1;
    (*new).base = base;
    (*new).pc = (*code).entry;
    (*new).delta = 1;
    (*new).nresults = nresults;
    (*new).kind = FrameKind::Lua;
    (*new).flags = frame_flag::RESUME_NATIVE;
    (*new).state = (*code).k as u64;
    (*th).frame = new;
    true
}

/// A Lua function that a native function called has returned: enters the native function again, whose frame is on top. False:
/// left to [`after_native`].
#[inline(never)]
pub(super) unsafe fn reenter_native(vm: *mut Vm) -> bool {
    let native = Vm::frame_native((*(*vm).th).frame);
    let result = ((*native).func)(&mut Cx::new(vm));
    // Most often it calls again: the rest is not to be prepared for here.
    if let Ok(NativeStep::Call { args, results }) = result
        && !(*vm).heap.gc_pending
        && !(*vm).hooked
        && call_from_native(vm, args as usize, results)
    {
        return true;
    }
    other_result(vm, result)
}

#[inline(never)]
unsafe fn other_result(vm: *mut Vm, result: Result<NativeStep, LuaError>) -> bool {
    native_result(vm, result)
}

/// What `call_native` left for [`after_native`].
pub(crate) enum NativeOutcome {
    /// Nothing was done yet.
    NotCalled,
    Result(Result<NativeStep, LuaError>),
    /// What the native function asked for was done, with this outcome.
    Settled(Result<(), LuaError>),
}

/// Finishes what [`call_native`] could not.
pub(super) unsafe fn after_native(vm: &mut Vm, ins: Instr) -> Result<(), LuaError> {
    match std::mem::replace(&mut vm.native_outcome, NativeOutcome::NotCalled) {
        NativeOutcome::NotCalled => {
            if vm.budget < 0 {
                return slow::expired(vm, ins);
            }
            if ins.op() == Some(Op::GenericCall) { slow::generic_call(vm, ins) } else { slow::call(vm, ins) }
        }
        NativeOutcome::Settled(r) => r,
        NativeOutcome::Result(Ok(step)) => vm.native_step(step),
        NativeOutcome::Result(Err(e)) => {
            vm.native_raised = true;
            Err(e)
        }
    }
}

//! The second halves of ops.
#![allow(unsafe_op_in_unsafe_fn, non_snake_case)]

use super::*;
use crate::heap::Str;
use crate::heap::userdata::Role;
use crate::limits::NATIVE_STACK;
use crate::vm::arith::{float_mod, number_le, number_lt, to_float};
use crate::vm::native::quick::{DECLINED, NOTHING, WAITED, WAITS};
use crate::vm::native::{Args, Val, descriptor, native_flag};

/// Leaves the rest to [`after_native`]. If coroutines were switched already, another frame is on top than the one `s` belongs
/// to, and its `pc` is the one to be saved.
#[inline(always)]
unsafe fn leave_after_native(s: State, vm: *mut Vm) -> Step {
    let switched = matches!((*vm).native_outcome, NativeOutcome::Settled(_));
    Step::Slow(if switched { State::load(vm) } else { s }, after_native)
}

/// Puts the result of a quick form of `native`, if it has one, where any number of results is wanted.
#[inline(never)]
unsafe fn quick_result(vm: *mut Vm, native: *const Native, func: *mut Value, v: Value, nresults: i16) {
    let mut n = usize::from(v.tag != NOTHING);
    if n == 1 && nresults != 0 {
        put(func, v);
    }
    let flags = (*native).flags & (native_flag::AND_NIL | native_flag::AND_TRUE);
    if flags != 0 && !(0..=1).contains(&nresults) {
        put(func.add(1), if flags == native_flag::AND_NIL { Value::NIL } else { Value::TRUE });
        n = 2;
    }
    if nresults < 0 {
        (*(*vm).th).top = func.add(n);
        return;
    }
    for i in n..nresults as usize {
        put(func.add(i), Value::NIL);
    }
}

/// Number of arguments of a call, up to `th.top` if B does not say.
#[inline(always)]
unsafe fn open_args(vm: *mut Vm, func: *mut Value, b: u16) -> usize {
    if b != 0 { b as usize - 1 } else { (*(*vm).th).top.offset_from(func) as usize - 1 }
}

/// True if a native function's frame and window fit. A quick form does without; but whether it is taken shall not decide how
/// large a stack a program needs.
#[inline(always)]
unsafe fn has_room_for_native(vm: *mut Vm) -> bool {
    let th = (*vm).th;
    (*th).frame.add(1) != (*th).frames_end && (*th).top.add(NATIVE_STACK) <= (*th).limit
}

/// Calls `native` by its quick form, if it has one; one that declines, otherwise. The arguments begin at `args`.
#[inline(always)]
unsafe fn quickly(vm: *mut Vm, native: *const Native, args: *mut Value) -> Value {
    match (*native).quick {
        Some(quick) if (*vm).budget > 0 && !(*vm).hooked && has_room_for_native(vm) => {
            quick(Args::new(vm, args)).raw()
        }
        _ => Val::DECLINED.raw(),
    }
}

/// Puts what a quick form of `native` gave at `func`.
#[inline(always)]
unsafe fn quick_end(
    s: State,
    vm: *mut Vm,
    native: *const Native,
    func: *mut Value,
    v: Value,
    nresults: i16,
) -> Step {
    (*vm).budget -= 1;
    if nresults == 1 && v.tag != NOTHING {
        put(func, v);
    } else {
        quick_result(vm, native, func, v, nresults);
    }
    if (*vm).heap.gc_pending { Step::Slow(s, nothing) } else { Step::Next(s) }
}

/// The quick form of the native function at `func` has begun a wait: pushes its frame, parks the coroutine and goes on with the
/// next one. False: `after_native` must sort out the rest.
#[inline(never)]
unsafe fn wait(vm: *mut Vm, func: *mut Value, nresults: i16) -> bool {
    (*vm).budget -= 1;
    push_native((*vm).th, func, nresults, WAITED);
    match switched(vm, (*vm).block()) {
        // Most often another wait of this kind is over.
        ControlFlow::Continue(Ok(NativeStep::Return(n)))
            if (*(*(*vm).th).frame).flags == 0 && !(*vm).heap.gc_pending =>
        {
            leave_native(vm, n as usize);
            true
        }
        ControlFlow::Continue(result) => go_on(vm, result),
        ControlFlow::Break(done) => done,
    }
}

/// The rest of [`wait`].
#[cold]
unsafe fn go_on(vm: *mut Vm, result: Result<NativeStep, LuaError>) -> bool {
    native_result(vm, result)
}

/// Calls the native function at `func`; after that another Lua function may be the one to go on.
#[inline(always)]
unsafe fn native(s: State, vm: *mut Vm, func: *mut Value, nresults: i16) -> Step {
    let descriptor = descriptor(get(func));
    let v = quickly(vm, descriptor, func.add(1));
    if v.tag < WAITS {
        return quick_end(s, vm, descriptor, func, v, nresults);
    }
    if v.tag == WAITS {
        (*(*(*vm).th).frame).pc = s.pc;
        if wait(vm, func, nresults) {
            return Step::Next(State::load(vm));
        }
        return leave_after_native(s, vm);
    }
    if (*func).tag == tag::NATIVE
        && (*((*func).payload as *const Native)).is_pcall()
        && let Some(callee) = protect(s, vm, func, nresults)
    {
        return Step::Next(callee);
    }
    (*(*(*vm).th).frame).pc = s.pc;
    if call_native(vm, func, nresults) {
        return Step::Next(State::load(vm));
    }
    leave_after_native(s, vm)
}

/// `pcall` of a plain Lua function: pushes both frames, as if `pcall` had been entered and had asked for the call. `None` if
/// something is in the way; nothing has happened then.
#[inline(always)]
unsafe fn protect(s: State, vm: *mut Vm, func: *mut Value, nresults: i16) -> Option<State> {
    let th = (*vm).th;
    let f = func.add(1);
    let top = (*th).top;
    if f >= top || (*f).tag != tag::CLOSURE {
        return None;
    }
    let code = (*(*f).as_closure()).code;
    let frame = (*th).frame;
    let params = (*code).num_params as usize;
    if (*code).is_vararg
        || (*vm).hooked
        || (*vm).budget <= 0
        || (*vm).heap.gc_pending
        || (*th).native_calls >= crate::limits::MAX_NATIVE_CALLS
        || top.add((*code).max_stack as usize + params + NATIVE_STACK) > (*th).limit
        || frame.add(2) >= (*th).frames_end
        || cfg!(feature = "stress")
    {
        return None;
    }
    (*vm).budget -= 2;
    (*th).native_calls += 1;
    let args = f.add(1);
    for i in top.offset_from(args) as usize..params {
        put(args.add(i), Value::NIL);
    }
    (*frame).pc = s.pc;
    push_native(th, func, nresults, crate::vm::native::PROTECTING);
    let new = frame.add(2);
    (*new).base = args;
    (*new).delta = 1;
    (*new).nresults = -1;
    (*new).kind = FrameKind::Lua;
    (*new).flags = frame_flag::RESUME_NATIVE;
    (*new).state = (*code).k as u64;
    (*th).frame = new;
    Some(State { pc: (*code).entry, base: args, k: (*code).k })
}

/// The function that `pcall` called, whose frame is below the running one, returns `n` values at `from`: ends both. `None`:
/// `pcall` must be entered again.
#[inline(always)]
unsafe fn end_protected(vm: *mut Vm, from: *mut Value, n: usize) -> Option<Step> {
    let th = (*vm).th;
    let native = (*th).frame.sub(1);
    let func = (*native).base.sub(1);
    if (*func).tag != tag::NATIVE
        || !(*((*func).payload as *const Native)).is_pcall()
        || (*native).flags != 0
        || (*native).state != crate::vm::native::PROTECTING
    {
        return None;
    }
    (*th).native_calls -= 1;
    let wanted = (*native).nresults;
    if wanted != 0 {
        put(func, Value::TRUE);
        deliver(th, func.add(1), from, n, if wanted < 0 { -1 } else { wanted - 1 });
    }
    (*th).frame = native.sub(1);
    let s = State::load(vm);
    Some(if (*vm).heap.gc_pending { Step::Slow(s, nothing) } else { Step::Next(s) })
}

#[inline(always)]
unsafe fn is_native(v: *const Value) -> bool {
    (*v).tag == tag::NATIVE || (*v).tag == tag::NATIVE_CLOSURE
}

/// Calls an object whose `__call` is a native function with a quick form, which finds the object before its arguments.
#[inline(always)]
unsafe fn call_object(s: State, vm: *mut Vm, ins: Instr, func: *mut Value, nresults: i16) -> Step {
    if (*func).tag == tag::USERDATA {
        let handler = (*vm).value_handler(get(func), Event::Call);
        if handler.tag == tag::NATIVE {
            if ins.b() != 0 {
                (*(*vm).th).top = func.add(ins.b() as usize);
            }
            let native = descriptor(handler);
            let v = quickly(vm, native, func);
            debug_assert_ne!(v.tag, WAITS, "the frame of such a call has its arguments elsewhere");
            if v.tag != DECLINED {
                return quick_end(s, vm, native, func, v, nresults);
            }
        }
    }
    Step::Slow(s, slow::call)
}

#[inline(always)]
pub unsafe fn Native(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let func = s.reg(ins.a());
    let nresults = ins.c() as i16 - 1;
    if !is_native(func) {
        return call_object(s, vm, ins, func, nresults);
    }
    if ins.b() != 0 {
        (*(*vm).th).top = func.add(ins.b() as usize);
    }
    native(s, vm, func, nresults)
}

/// Pushes the frame of the Lua function at `func`, which has `nargs` arguments.
#[inline(always)]
unsafe fn enter(s: State, vm: *mut Vm, func: *mut Value, nargs: usize, nresults: i16, f: Slow) -> Step {
    let code = (*(*func).as_closure()).code;
    let th = (*vm).th;
    let frame = (*th).frame;
    let new = frame.add(1);
    let args = func.add(1);
    let params = (*code).num_params as usize;
    // The fixed parameters of a vararg function are moved above its arguments, behind the function itself.
    let base = if (*code).is_vararg { args.add(nargs + 1) } else { args };
    if base.add((*code).max_stack as usize) > (*th).limit || new == (*th).frames_end {
        return Step::Slow(s, f);
    }
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    let mut known = nargs;
    if (*code).is_vararg {
        known = nargs.min(params);
        put(base.sub(1), get(func));
        for i in 0..known {
            put(base.add(i), get(args.add(i)));
            put(args.add(i), Value::NIL);
        }
    }
    for i in known..params {
        put(base.add(i), Value::NIL);
    }
    (*frame).pc = s.pc;
    (*new).base = base;
    (*new).delta = base.offset_from(func) as u32;
    (*new).nresults = nresults;
    (*new).kind = FrameKind::Lua;
    (*new).flags = 0;
    (*new).state = (*code).k as u64;
    (*th).frame = new;
    Step::Next(State { pc: (*code).entry, base, k: (*code).k })
}

#[inline(always)]
pub unsafe fn CallLua(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let func = s.reg(ins.a());
    enter(s, vm, func, open_args(vm, func, ins.b()), ins.c() as i16 - 1, slow::call)
}

#[inline(always)]
pub unsafe fn Iterate(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let at = s.reg(ins.a());
    let callee = at.add(3);
    for i in 0..3 {
        put(callee.add(i), get(at.add(i)));
    }
    if (*callee).tag == tag::CLOSURE {
        return enter(s, vm, callee, 2, ins.c() as i16, slow::generic_call);
    }
    if is_native(callee) {
        (*(*vm).th).top = callee.add(3);
        return native(s, vm, callee, ins.c() as i16);
    }
    Step::Slow(s, slow::generic_call)
}

#[inline(always)]
pub unsafe fn TailCall(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let func = s.reg(ins.a());
    let th = (*vm).th;
    if ins.h() != 0 {
        return Step::Slow(s, slow::tail_call);
    }
    if is_native(func) {
        // An ordinary call, whose results the `Return` that follows passes on.
        if ins.b() != 0 {
            (*th).top = func.add(ins.b() as usize);
        }
        return native(s, vm, func, -1);
    }
    if (*func).tag != tag::CLOSURE {
        return Step::Slow(s, slow::tail_call);
    }
    let code = (*(*func).as_closure()).code;
    let frame = (*th).frame;
    let nargs = open_args(vm, func, ins.b());
    let to = s.base.sub((*frame).delta as usize);
    if (*code).is_vararg || to.add(1 + (*code).max_stack as usize) > (*th).limit {
        return Step::Slow(s, slow::tail_call);
    }
    (*vm).budget -= 1;
    if (*vm).budget < 0 {
        return Step::Slow(s, slow::expired);
    }
    // Callee and arguments slide down over the frame.
    for i in 0..=nargs {
        put(to.add(i), get(func.add(i)));
    }
    let base = to.add(1);
    for i in nargs..(*code).num_params as usize {
        put(base.add(i), Value::NIL);
    }
    (*frame).base = base;
    (*frame).delta = 1;
    (*frame).flags |= frame_flag::TAIL;
    (*frame).state = (*code).k as u64;
    Step::Next(State { pc: (*code).entry, base, k: (*code).k })
}

#[inline(always)]
pub unsafe fn ReturnFar(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    let flags = (*frame).flags & super::flow::SPECIAL;
    if (flags != 0 && flags != frame_flag::META && flags != frame_flag::RESUME_NATIVE) || (*vm).hooked {
        return Step::Slow(s, slow::ret);
    }
    if flags == frame_flag::RESUME_NATIVE && (*vm).budget < 0 {
        // A native that calls functions without loops and calls of their own would go on for ever.
        return Step::Slow(s, slow::ret);
    }
    let op = ins.op_byte();
    let (from, n) = if op == Op::Return as u8 {
        if ins.h() != 0 {
            Thread::close_upvals(th, s.base);
        }
        let from = s.reg(ins.a());
        (from, if ins.b() != 0 { ins.b() as usize - 1 } else { (*th).top.offset_from(from) as usize })
    } else {
        (s.reg(ins.a()), usize::from(op == Op::Return1 as u8))
    };
    let func = s.base.sub((*frame).delta as usize);
    if flags == frame_flag::META {
        let v = if n > 0 { get(from) } else { Value::NIL };
        return finish_op(s, vm, v);
    }
    if flags == frame_flag::RESUME_NATIVE
        && let Some(step) = end_protected(vm, from, n)
    {
        return step;
    }
    let wanted = (*frame).nresults;
    deliver(th, func, from, n, wanted);
    if flags == 0 {
        return super::flow::resume_caller(th, frame);
    }
    (*th).native_calls -= 1;
    if wanted >= 0 {
        (*th).top = func.add(wanted as usize);
    }
    (*th).frame = frame.sub(1);
    if reenter_native(vm) {
        return Step::Next(State::load(vm));
    }
    leave_after_native(s, vm)
}

#[inline(always)]
pub unsafe fn ReturnAnswer(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    if (*vm).hooked || (*vm).budget < 0 {
        return Step::Slow(s, slow::ret);
    }
    let func = s.base.sub((*frame).delta as usize);
    put(func, get(s.reg(ins.a())));
    (*th).top = func.add(1);
    (*th).native_calls -= 1;
    (*th).frame = frame.sub(1);
    if reenter_native(vm) {
        return Step::Next(State::load(vm));
    }
    leave_after_native(s, vm)
}

/// [`Vm::finish_op`] on the fast path: a metamethod has returned `v`.
#[inline(always)]
unsafe fn finish_op(s: State, vm: *mut Vm, v: Value) -> Step {
    let th = (*vm).th;
    let caller = (*th).frame.sub(1);
    let after = State { pc: (*caller).pc, base: (*caller).base, k: (*caller).state as *const KSlot };
    let ins = *after.pc.sub(1);
    let Some(op) = ins.op() else { return Step::Slow(s, slow::ret) };
    match op {
        Op::Concat => Step::Slow(s, slow::ret),
        Op::SetTabUp | Op::SetField | Op::SetFieldK | Op::SetIndex | Op::SetIndexK | Op::SetInt => {
            (*th).frame = caller;
            Step::Next(after)
        }
        op if op.is_conditional() => {
            (*th).frame = caller;
            after.branch(v.is_truthy() == slow::wants(Some(op)))
        }
        _ => {
            (*th).frame = caller;
            put(after.reg(ins.a()), v);
            Step::Next(after)
        }
    }
}

#[inline(always)]
pub unsafe fn Vararg(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let th = (*vm).th;
    let frame = (*th).frame;
    let params = (*(*s.closure()).code).num_params as usize;
    let have = (*frame).varargs(params);
    let wanted = if ins.b() != 0 { ins.b() as usize - 1 } else { have };
    let a = s.reg(ins.a());
    if a.add(wanted + 1) > (*th).limit || cfg!(feature = "stress") {
        return Step::Slow(s, slow::vararg);
    }
    let source = s.base.sub(1 + have);
    for i in 0..wanted.min(have) {
        put(a.add(i), get(source.add(i)));
    }
    for i in have..wanted {
        put(a.add(i), Value::NIL);
    }
    if ins.b() == 0 {
        (*th).top = a.add(wanted);
    }
    Step::Next(s)
}

/// Reads a field that only a metamethod can give: `meta` is the metatable of `t`, which does not have the key.
#[inline(always)]
unsafe fn call_index(s: State, vm: *mut Vm, t: *mut Table, meta: *mut Table, key: Value, f: Slow) -> Step {
    let handler = (*vm).handler(meta, Event::Index);
    match call_handler(s, vm, handler, Value::table(t), key, None) {
        Some(callee) => Step::Next(callee),
        None => Step::Slow(s, f),
    }
}

#[inline(always)]
unsafe fn field(s: State, vm: *mut Vm, ins: Instr, t: *mut Table, f: Slow) -> Step {
    let key = s.konst(ins.c());
    let calls = move |t, meta| call_index(s, vm, t, meta, get(key.cast()), f);
    get_constant_key(s, t, key, s.reg(ins.a()), calls, Step::Slow(s, f))
}

#[inline(always)]
pub unsafe fn FieldMiss(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let obj = get(s.reg(ins.b()));
    if obj.tag == tag::TABLE {
        return field(s, vm, ins, obj.as_table(), slow::get_field);
    }
    if let Some(members) = members(obj)
        && let Found::Node(node) = find_constant_key::<false>(members, s.konst(ins.c()))
        && (*node).vtag != tag::NIL
    {
        put(s.reg(ins.a()), Node::slot(node).get());
        return Step::Next(s);
    }
    Step::Slow(s, slow::get_field)
}

#[inline(always)]
pub unsafe fn GlobalMiss(s: State, vm: *mut Vm, ins: Instr) -> Step {
    field(s, vm, ins, (*s.upval(ins.b())).as_table(), slow::get_tab_up)
}

#[inline(always)]
pub unsafe fn MethodMiss(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let obj = get(s.reg(ins.b()));
    if obj.tag == tag::TABLE {
        put(s.reg(ins.a()).add(1), obj);
        return field(s, vm, ins, obj.as_table(), slow::method);
    }
    if let Some(members) = members(obj)
        && let Found::Node(node) = find_constant_key::<false>(members, s.konst(ins.c()))
        && (*node).vtag != tag::NIL
    {
        put(s.reg(ins.a()).add(1), obj);
        put(s.reg(ins.a()), Node::slot(node).get());
        return Step::Next(s);
    }
    Step::Slow(s, slow::method)
}

/// The table of a userdata's members that are found without asking the metatable.
#[inline(always)]
unsafe fn members(obj: Value) -> Option<*mut Table> {
    if obj.tag != tag::USERDATA || !matches!((*obj.as_userdata()).role, Role::Type(_)) {
        return None;
    }
    let members = get(&raw const (*obj.as_userdata()).user_value);
    members.is_table().then(|| members.as_table())
}

#[inline(always)]
pub unsafe fn GetType(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let env = s.reg(ins.b());
    if (*env).tag == tag::TABLE
        && let Some(types) = &(*(*s.closure()).code).types
    {
        let known = (*vm).known_type(types, (*s.pc).w() as u32 as usize, (*env).as_table());
        if !known.is_null() {
            put(s.reg(ins.a()), Value::userdata(known));
            return Step::Next(s.jump(1));
        }
    }
    Step::Slow(s, slow::get_type)
}

/// `t[key]`, in place where the key is found by pointer or its chain holds no other key with this hash.
#[inline(always)]
unsafe fn get_string(t: *mut Table, key: *mut Str) -> Value {
    let hash = Str::hash(key);
    let mut node = (*t).nodes.add((hash & (*t).mask) as usize);
    loop {
        if (*node).khash == hash && has_string_key::<false>(node) {
            return if (*node).key == key as u64 {
                Node::slot(node).get()
            } else {
                Table::get(t, Value::string(key))
            };
        }
        if (*node).next == 0 {
            return Value::NIL;
        }
        node = Node::follow(node);
    }
}

/// `R[A] = obj[key]` for any table and key.
#[inline(always)]
unsafe fn get_any(s: State, vm: *mut Vm, ins: Instr, obj: Value, key: Value, f: Slow) -> Step {
    if obj.tag != tag::TABLE {
        return Step::Slow(s, f);
    }
    let t = obj.as_table();
    let v = if key.tag == tag::STRING { get_string(t, key.as_str()) } else { Table::get(t, key) };
    let meta = (*t).meta;
    if v.tag != tag::NIL || meta.is_null() || (*meta).absent & (1 << Event::Index as u32) != 0 {
        put(s.reg(ins.a()), v);
        return Step::Next(s);
    }
    call_index(s, vm, t, meta, key, f)
}

#[inline(always)]
pub unsafe fn GetHash(s: State, vm: *mut Vm, ins: Instr) -> Step {
    get_any(s, vm, ins, get(s.reg(ins.b())), get(s.reg(ins.c())), slow::get_index)
}

#[inline(always)]
pub unsafe fn GetUpHash(s: State, vm: *mut Vm, ins: Instr) -> Step {
    get_any(s, vm, ins, get(s.upval(ins.b())), get(s.reg(ins.c())), slow::get_up_index)
}

#[inline(always)]
pub unsafe fn IntMiss(s: State, vm: *mut Vm, ins: Instr) -> Step {
    get_any(s, vm, ins, get(s.reg(ins.b())), Value::int(i64::from(ins.c())), slow::get_int)
}

#[inline(always)]
pub unsafe fn Arith(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let (op, _, x, y, _) = slow::arith_operands(ins, s.base, s.k);
    if x.tag >= tag::TABLE || y.tag >= tag::TABLE {
        let handler = either_handler(vm, x, y, slow::event_of(op));
        if let Some(callee) = call_handler(s, vm, handler, x, y, None) {
            return Step::Next(callee);
        }
    }
    Step::Slow(s, slow::arith)
}

/// The handler of the first of two operands that has one.
#[inline(always)]
unsafe fn either_handler(vm: *mut Vm, x: Value, y: Value, event: Event) -> Value {
    let handler = (*vm).value_handler(x, event);
    if handler.is_nil() { (*vm).value_handler(y, event) } else { handler }
}

#[inline(always)]
pub unsafe fn Len(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let v = get(s.reg(ins.b()));
    let handler = (*vm).value_handler(v, Event::Len);
    match call_handler(s, vm, handler, v, v, None) {
        Some(callee) => Step::Next(callee),
        None => Step::Slow(s, slow::len),
    }
}

#[inline(always)]
pub unsafe fn Equal(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let op = ins.op_byte();
    let a = get(s.reg(ins.a()));
    let constant = op == Op::JumpEqK as u8 || op == Op::JumpNeK as u8;
    let b = if constant { s.konst_value(ins.b()) } else { get(s.reg(ins.b())) };
    let want = op == Op::JumpEq as u8 || op == Op::JumpEqK as u8;
    if a.tag == tag::STRING && b.tag == tag::STRING {
        return s.branch(Str::eq(a.as_str(), b.as_str()) == want);
    }
    if a.tag == b.tag && (a.tag == tag::TABLE || a.tag == tag::USERDATA) {
        let handler = either_handler(vm, a, b, Event::Eq);
        if handler.is_nil() {
            return s.branch((a.payload == b.payload) == want);
        }
        if a.payload != b.payload
            && let Some(callee) = call_handler(s, vm, handler, a, b, None)
        {
            return Step::Next(callee);
        }
    }
    Step::Slow(s, slow::jump_eq)
}

#[inline(always)]
pub unsafe fn Order(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let (a, b) = (get(s.reg(ins.a())), get(s.reg(ins.b())));
    let op = ins.op_byte();
    let less = op == Op::JumpLt as u8 || op == Op::JumpNotLt as u8;
    let want = op == Op::JumpLt as u8 || op == Op::JumpLe as u8;
    if a.tag == tag::STRING && b.tag == tag::STRING {
        let (x, y) = (Str::bytes(a.as_str()), Str::bytes(b.as_str()));
        return s.branch((if less { x < y } else { x <= y }) == want);
    }
    if a.is_number() && b.is_number() {
        return s.branch((if less { number_lt(a, b) } else { number_le(a, b) }) == want);
    }
    let handler = either_handler(vm, a, b, if less { Event::Lt } else { Event::Le });
    if let Some(callee) = call_handler(s, vm, handler, a, b, None) {
        return Step::Next(callee);
    }
    Step::Slow(s, slow::jump_order)
}

/// A store: a new key may be added unless a metamethod wants to know.
#[inline(always)]
unsafe fn store(s: State, vm: *mut Vm, obj: Value, key: Value, v: Value, f: Slow) -> Step {
    if obj.tag != tag::TABLE {
        return Step::Slow(s, f);
    }
    let t = obj.as_table();
    let slot = Table::find(t, key);
    if let Some(slot) = slot
        && !slot.get().is_nil()
    {
        (*t).absent = 0;
        slot.put(v);
        return Step::Next(s);
    }
    if (*t).flags & crate::heap::table::table_flag::SHARED_NODES != 0 {
        // The key may be there, in a node that must not be written.
        return Step::Slow(s, f);
    }
    let handler = (*vm).handler((*t).meta, Event::NewIndex);
    if !handler.is_nil() {
        return match call_handler(s, vm, handler, obj, key, Some(v)) {
            Some(callee) => Step::Next(callee),
            None => Step::Slow(s, f),
        };
    }
    if let Some(slot) = slot {
        (*t).absent = 0;
        slot.put(v);
        return Step::Next(s);
    }
    if !key.is_nil() && Table::insert(t, &mut (*vm).heap, key, v).is_ok() {
        let waiting = (*vm).heap.gc_pending || (*vm).heap.owed > 0;
        return if waiting { Step::Slow(s, nothing) } else { Step::Next(s) };
    }
    Step::Slow(s, f)
}

/// Lets a pending collection happen.
unsafe fn nothing(vm: &mut Vm, _: Instr) -> Result<(), LuaError> {
    vm.pay_owed();
    Ok(())
}

#[inline(always)]
pub unsafe fn SetHash(s: State, vm: *mut Vm, ins: Instr) -> Step {
    store(s, vm, get(s.reg(ins.a())), get(s.reg(ins.b())), get(s.reg(ins.c())), slow::set_index)
}

#[inline(always)]
pub unsafe fn SetHashK(s: State, vm: *mut Vm, ins: Instr) -> Step {
    store(s, vm, get(s.reg(ins.a())), get(s.reg(ins.b())), s.konst_value(ins.c()), slow::set_index_k)
}

#[inline(always)]
pub unsafe fn SetIntHash(s: State, vm: *mut Vm, ins: Instr) -> Step {
    let key = Value::int(i64::from(ins.b()));
    store(s, vm, get(s.reg(ins.a())), key, get(s.reg(ins.c())), slow::set_int)
}

#[inline(always)]
pub unsafe fn AddField(s: State, vm: *mut Vm, ins: Instr) -> Step {
    store(s, vm, get(s.reg(ins.a())), s.konst_value(ins.b()), get(s.reg(ins.c())), slow::set_field)
}

#[inline(always)]
pub unsafe fn AddFieldK(s: State, vm: *mut Vm, ins: Instr) -> Step {
    store(s, vm, get(s.reg(ins.a())), s.konst_value(ins.b()), s.konst_value(ins.c()), slow::set_field_k)
}

#[inline(always)]
pub unsafe fn NewSized(s: State, vm: *mut Vm, ins: Instr) -> Step {
    match (*vm).heap.new_table_with(usize::from(ins.b()), usize::from(ins.c())) {
        Ok(t) => {
            put(s.reg(ins.a()), Value::table(t));
            Step::Next(s)
        }
        Err(_) => Step::Slow(s, slow::new_table),
    }
}

#[inline(always)]
unsafe fn mod_float(s: State, vm: *mut Vm, ins: Instr, c: Value) -> Step {
    let b = get(s.reg(ins.b()));
    if b.is_number() && c.is_number() && !(b.is_int() && c.is_int()) {
        put(s.reg(ins.a()), Value::float(float_mod(to_float(b), to_float(c))));
        return Step::Next(s);
    }
    Arith(s, vm, ins)
}

#[inline(always)]
pub unsafe fn ModFloat(s: State, vm: *mut Vm, ins: Instr) -> Step {
    mod_float(s, vm, ins, get(s.reg(ins.c())))
}

#[inline(always)]
pub unsafe fn ModFloatK(s: State, vm: *mut Vm, ins: Instr) -> Step {
    mod_float(s, vm, ins, s.konst_value(ins.c()))
}

#[inline(always)]
pub unsafe fn Concat(s: State, vm: *mut Vm, ins: Instr) -> Step {
    if (*vm).heap.gc_pending {
        return Step::Slow(s, slow::concat);
    }
    if slow::concat_plain(vm, s.reg(ins.b()), ins.c() as usize, s.reg(ins.a())) {
        return Step::Next(s);
    }
    Step::Slow(s, slow::concat)
}

#[inline(always)]
pub unsafe fn Closure(s: State, vm: *mut Vm, ins: Instr) -> Step {
    if (*vm).heap.gc_pending {
        return Step::Slow(s, slow::closure);
    }
    match slow::make_closure(vm, ins) {
        Ok(()) => Step::Next(s),
        Err(_) => Step::Slow(s, slow::closure),
    }
}

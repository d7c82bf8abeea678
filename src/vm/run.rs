//! The op bodies: one function for each op, state in, state out.
//!
//! 1. A body touches only registers, constants and objects that the operands name; anything rare, allocating or calling
//!    is a [`Step::Slow`] that the dispatcher takes off the fast path.
//! 2. Bodies take and return scalars: a state whose address is taken would be spilled by every op.
//! 3. Conditional ops read the distance from the `Jump` word only on the taken path, so that they compile to branches.
//! 4. Values are copied by fields (`heap::value`, invariant 1).
#![allow(unsafe_op_in_unsafe_fn)]

use super::arith::{
    self, ForLoop, float_floor_div, float_mod, float_pow, int_floor_div, int_mod, shift_left, to_float,
};
use super::dispatch::Slow;
use super::meta::Event;
use super::native::{Cx, Native, Step as NativeStep};
use super::{LuaError, Vm, slow};
use crate::bytecode::Instr;
use crate::heap::thread::frame_flag;
use crate::heap::value::{get, put, tag};
use crate::heap::{Closure, Frame, FrameKind, KSlot, Node, Table, Thread, Value};

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
    /// `GetIndex` with a string key, or an integer key outside of the array part.
    GetHash
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

    /// Upvalue `index` of the running function.
    #[inline(always)]
    unsafe fn upval(self, vm: *mut Vm, index: u16) -> *mut Value {
        let frame = (*(*vm).th).frame;
        let closure = (*(*frame).func()).payload as *mut Closure;
        (**Closure::upval(closure, index as usize)).v
    }
}

/// Result of looking for a constant string key.
enum Found {
    Node(*mut Node),
    Absent,
    /// A node with the same hash but another pointer: only its bytes can tell.
    Unsure,
}

/// Finds the node of a constant key by pointer and hash alone.
#[inline(always)]
unsafe fn find_constant_key(t: *mut Table, key: *const KSlot) -> Found {
    let pointer = (*key).payload;
    let hash = (*key).hash;
    let mut node = (*t).nodes.add((hash & (*t).mask) as usize);
    loop {
        if (*node).key == pointer && (*node).ktag == tag::STRING as u32 {
            return Found::Node(node);
        }
        if (*node).khash == hash && (*node).ktag == tag::STRING as u32 {
            return Found::Unsure;
        }
        if (*node).next == 0 {
            return Found::Absent;
        }
        node = Node::follow(node);
    }
}

/// Links of an `__index` chain that the fast path follows.
const CHAIN: usize = 8;

/// `R[dst] = t[key]` for a constant key, if no metamethod is needed.
#[inline(always)]
unsafe fn get_constant_key(
    s: State,
    vm: *mut Vm,
    t: *mut Table,
    key: *const KSlot,
    dst: *mut Value,
    f: Slow,
) -> Step {
    match find_constant_key(t, key) {
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
                    break;
                }
                t = (*node).payload as *mut Table;
                match find_constant_key(t, key) {
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
    let _ = vm;
    Step::Slow(s, f)
}

/// `t[key] = v` for a constant key that is there.
#[inline(always)]
unsafe fn set_constant_key(s: State, t: *mut Table, key: *const KSlot, v: Value, add: Step) -> Step {
    if let Found::Node(node) = find_constant_key(t, key)
        && (*node).vtag != tag::NIL
    {
        (*node).payload = v.payload;
        (*node).vtag = v.tag;
        return Step::Next(s);
    }
    add
}

macro_rules! arith_ops {
    ($($name:ident $name_k:ident $slow:ident $slow_k:ident |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
            arith_body!(s, ins, b, c, slow::$slow, |$i, $j| $int, |$x, $y| $float)
        }

        #[inline(always)]
        pub unsafe fn $name_k(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let b = s.reg(ins.b());
            let c = s.konst(ins.c()).cast::<Value>();
            arith_body!(s, ins, b, c, slow::$slow_k, |$i, $j| $int, |$x, $y| $float)
        }
    )* };
}

macro_rules! arith_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, $slow:path, |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr) => {{
        let dst = $s.reg($ins.a());
        let (tb, tc) = ((*$b).tag, (*$c).tag);
        if tb == tag::INT && tc == tag::INT {
            let ($i, $j) = ((*$b).payload as i64, (*$c).payload as i64);
            let r: Option<i64> = $int;
            if let Some(r) = r {
                (*dst).payload = r as u64;
                (*dst).tag = tag::INT;
                return Step::Next($s);
            }
        } else if tb == tag::FLOAT && tc == tag::FLOAT {
            let ($x, $y) = (f64::from_bits((*$b).payload), f64::from_bits((*$c).payload));
            let r: f64 = $float;
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next($s);
        } else if tb <= tag::FLOAT && tc <= tag::FLOAT {
            let ($x, $y) = (to_float(get($b)), to_float(get($c)));
            let r: f64 = $float;
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next($s);
        }
        Step::Slow($s, $slow)
    }};
}

macro_rules! mod_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, $more:path) => {{
        if (*$b).tag == tag::INT && (*$c).tag == tag::INT && (*$c).payload != 0 {
            let dst = $s.reg($ins.a());
            (*dst).payload = int_mod((*$b).payload as i64, (*$c).payload as i64) as u64;
            (*dst).tag = tag::INT;
            return Step::Next($s);
        }
        Step::More($s, $more)
    }};
}

macro_rules! float_ops {
    ($($name:ident $name_k:ident $slow:ident $slow_k:ident |$x:ident, $y:ident| $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
            float_body!(s, ins, b, c, slow::$slow, |$x, $y| $float)
        }

        #[inline(always)]
        pub unsafe fn $name_k(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let b = s.reg(ins.b());
            let c = s.konst(ins.c()).cast::<Value>();
            float_body!(s, ins, b, c, slow::$slow_k, |$x, $y| $float)
        }
    )* };
}

macro_rules! float_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, $slow:path, |$x:ident, $y:ident| $float:expr) => {{
        if (*$b).tag <= tag::FLOAT && (*$c).tag <= tag::FLOAT {
            let dst = $s.reg($ins.a());
            let ($x, $y) = (to_float(get($b)), to_float(get($c)));
            let r: f64 = $float;
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next($s);
        }
        Step::Slow($s, $slow)
    }};
}

macro_rules! bit_ops {
    ($($name:ident $name_k:ident $slow:ident $slow_k:ident |$i:ident, $j:ident| $int:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
            bit_body!(s, ins, b, c, slow::$slow, |$i, $j| $int)
        }

        #[inline(always)]
        pub unsafe fn $name_k(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            let b = s.reg(ins.b());
            let c = s.konst(ins.c()).cast::<Value>();
            bit_body!(s, ins, b, c, slow::$slow_k, |$i, $j| $int)
        }
    )* };
}

macro_rules! bit_body {
    ($s:ident, $ins:ident, $b:ident, $c:ident, $slow:path, |$i:ident, $j:ident| $int:expr) => {{
        if (*$b).tag == tag::INT && (*$c).tag == tag::INT {
            let dst = $s.reg($ins.a());
            let ($i, $j) = ((*$b).payload as i64, (*$c).payload as i64);
            let r: i64 = $int;
            (*dst).payload = r as u64;
            (*dst).tag = tag::INT;
            return Step::Next($s);
        }
        Step::Slow($s, $slow)
    }};
}

macro_rules! order_ops {
    ($($name:ident $not:ident $slow:ident |$a:ident, $b:ident| $int:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_body!(s, ins, slow::$slow, true, |$a, $b| $int, $float)
        }

        #[inline(always)]
        pub unsafe fn $not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_body!(s, ins, slow::$slow, false, |$a, $b| $int, $float)
        }
    )* };
}

macro_rules! order_body {
    ($s:ident, $ins:ident, $slow:path, $want:literal, |$a:ident, $b:ident| $int:expr, $float:expr) => {{
        let (pa, pb) = ($s.reg($ins.a()), $s.reg($ins.b()));
        let (ta, tb) = ((*pa).tag, (*pb).tag);
        if ta == tag::INT && tb == tag::INT {
            let ($a, $b) = ((*pa).payload as i64, (*pb).payload as i64);
            return $s.branch($int == $want);
        }
        if ta == tag::FLOAT && tb == tag::FLOAT {
            let ($a, $b) = (f64::from_bits((*pa).payload), f64::from_bits((*pb).payload));
            return $s.branch($float == $want);
        }
        Step::Slow($s, $slow)
    }};
}

macro_rules! order_imm_ops {
    ($($name:ident $not:ident $slow:ident |$a:ident, $b:ident| $int:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_imm_body!(s, ins, slow::$slow, true, |$a, $b| $int, $float)
        }

        #[inline(always)]
        pub unsafe fn $not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
            order_imm_body!(s, ins, slow::$slow, false, |$a, $b| $int, $float)
        }
    )* };
}

macro_rules! order_imm_body {
    ($s:ident, $ins:ident, $slow:path, $want:literal, |$a:ident, $b:ident| $int:expr, $float:expr) => {{
        let pa = $s.reg($ins.a());
        if (*pa).tag == tag::INT {
            let ($a, $b) = ((*pa).payload as i64, $ins.b() as i16 as i64);
            return $s.branch($int == $want);
        }
        if (*pa).tag == tag::FLOAT {
            let ($a, $b) = (f64::from_bits((*pa).payload), f64::from($ins.b() as i16));
            return $s.branch($float == $want);
        }
        Step::Slow($s, $slow)
    }};
}

/// Equality where tags and payloads decide; `None` where strings or metamethods must be asked.
#[inline(always)]
unsafe fn quick_eq(a: *const Value, b: *const Value) -> Option<bool> {
    let (ta, tb) = ((*a).tag, (*b).tag);
    if ta != tb {
        return if ta <= tag::FLOAT && tb <= tag::FLOAT { None } else { Some(false) };
    }
    match ta {
        tag::FLOAT => Some(f64::from_bits((*a).payload) == f64::from_bits((*b).payload)),
        tag::NIL | tag::FALSE | tag::TRUE => Some(true),
        tag::STRING | tag::TABLE | tag::USERDATA if (*a).payload != (*b).payload => None,
        _ => Some((*a).payload == (*b).payload),
    }
}

/// The ops, by their names in the op table.
#[allow(non_snake_case)]
pub(super) mod op {
    use super::*;

    #[inline(always)]
    pub unsafe fn Move(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), get(s.reg(ins.b())));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn LoadK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), get(s.k.byte_add(ins.w() as u32 as usize).cast()));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn LoadInt(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), Value::int(i64::from(ins.w())));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn LoadNil(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let a = s.reg(ins.a());
        for i in 0..ins.b() as usize {
            put(a.add(i), Value::NIL);
        }
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn LoadFalse(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), Value::FALSE);
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn LoadTrue(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), Value::TRUE);
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn LoadFalseSkip(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), Value::FALSE);
        Step::Next(s.jump(1))
    }

    #[inline(always)]
    pub unsafe fn GetUpval(s: State, vm: *mut Vm, ins: Instr) -> Step {
        put(s.reg(ins.a()), get(s.upval(vm, ins.b())));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn SetUpval(s: State, vm: *mut Vm, ins: Instr) -> Step {
        put(s.upval(vm, ins.b()), get(s.reg(ins.a())));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn GetTabUp(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let up = s.upval(vm, ins.b());
        if (*up).tag == tag::TABLE {
            let t = (*up).payload as *mut Table;
            return get_constant_key(s, vm, t, s.konst(ins.c()), s.reg(ins.a()), slow::get_tab_up);
        }
        Step::Slow(s, slow::get_tab_up)
    }

    #[inline(always)]
    pub unsafe fn SetTabUp(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let up = s.upval(vm, ins.b());
        if (*up).tag == tag::TABLE {
            let t = (*up).payload as *mut Table;
            return set_constant_key(
                s,
                t,
                s.konst(ins.c()),
                get(s.reg(ins.a())),
                Step::Slow(s, slow::set_tab_up),
            );
        }
        Step::Slow(s, slow::set_tab_up)
    }

    #[inline(always)]
    pub unsafe fn NewTable(s: State, vm: *mut Vm, ins: Instr) -> Step {
        if (*vm).heap.gc_pending {
            return Step::Slow(s, slow::new_table);
        }
        if ins.w() != 0 {
            return Step::More(s, More::NewSized);
        }
        match (*vm).heap.new_table() {
            Ok(t) => {
                put(s.reg(ins.a()), Value::table(t));
                Step::Next(s)
            }
            Err(_) => Step::Slow(s, slow::new_table),
        }
    }

    #[inline(always)]
    pub unsafe fn GetField(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let obj = s.reg(ins.b());
        if (*obj).tag == tag::TABLE {
            let t = (*obj).payload as *mut Table;
            return get_constant_key(s, vm, t, s.konst(ins.c()), s.reg(ins.a()), slow::get_field);
        }
        Step::Slow(s, slow::get_field)
    }

    #[inline(always)]
    pub unsafe fn GetIndex(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (obj, key) = (s.reg(ins.b()), s.reg(ins.c()));
        if (*obj).tag == tag::TABLE {
            let t = (*obj).payload as *mut Table;
            if (*key).tag == tag::INT {
                let index = (*key).payload.wrapping_sub(1);
                if index < u64::from((*t).arr_len) {
                    let slot = (*t).arr.add(index as usize);
                    if (*slot).tag != tag::NIL || (*t).meta.is_null() {
                        put(s.reg(ins.a()), get(slot));
                        return Step::Next(s);
                    }
                }
            }
            return Step::More(s, More::GetHash);
        }
        Step::Slow(s, slow::get_index)
    }

    #[inline(always)]
    pub unsafe fn GetInt(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let obj = s.reg(ins.b());
        if (*obj).tag == tag::TABLE {
            let t = (*obj).payload as *mut Table;
            let index = u32::from(ins.c()).wrapping_sub(1);
            if index < (*t).arr_len {
                let slot = (*t).arr.add(index as usize);
                if (*slot).tag != tag::NIL || (*t).meta.is_null() {
                    put(s.reg(ins.a()), get(slot));
                    return Step::Next(s);
                }
            }
        }
        Step::Slow(s, slow::get_int)
    }

    #[inline(always)]
    pub unsafe fn SetField(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let obj = s.reg(ins.a());
        if (*obj).tag == tag::TABLE {
            let t = (*obj).payload as *mut Table;
            return set_constant_key(
                s,
                t,
                s.konst(ins.b()),
                get(s.reg(ins.c())),
                Step::More(s, More::AddField),
            );
        }
        Step::Slow(s, slow::set_field)
    }

    #[inline(always)]
    pub unsafe fn SetFieldK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let obj = s.reg(ins.a());
        if (*obj).tag == tag::TABLE {
            let t = (*obj).payload as *mut Table;
            return set_constant_key(
                s,
                t,
                s.konst(ins.b()),
                s.konst_value(ins.c()),
                Step::More(s, More::AddFieldK),
            );
        }
        Step::Slow(s, slow::set_field_k)
    }

    /// Stores into the array part, or appends where nothing can interfere.
    #[inline(always)]
    unsafe fn set_array(s: State, t: *mut Table, key: u64, v: Value, m: More) -> Step {
        let index = key.wrapping_sub(1);
        if index < u64::from((*t).arr_len) {
            let slot = (*t).arr.add(index as usize);
            if (*slot).tag != tag::NIL || (*t).meta.is_null() {
                put(slot, v);
                return Step::Next(s);
            }
        } else if index == u64::from((*t).arr_len)
            && (*t).arr_len < (*t).arr_cap
            && (*t).meta.is_null()
            && (*t).flags & crate::heap::table::table_flag::INT_KEYS == 0
            && v.tag != tag::NIL
        {
            put((*t).arr.add(index as usize), v);
            (*t).arr_len += 1;
            return Step::Next(s);
        }
        Step::More(s, m)
    }

    #[inline(always)]
    pub unsafe fn SetIndex(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (obj, key) = (s.reg(ins.a()), s.reg(ins.b()));
        if (*obj).tag == tag::TABLE && (*key).tag == tag::INT {
            let t = (*obj).payload as *mut Table;
            return set_array(s, t, (*key).payload, get(s.reg(ins.c())), More::SetHash);
        }
        Step::More(s, More::SetHash)
    }

    #[inline(always)]
    pub unsafe fn SetIndexK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (obj, key) = (s.reg(ins.a()), s.reg(ins.b()));
        if (*obj).tag == tag::TABLE && (*key).tag == tag::INT {
            let t = (*obj).payload as *mut Table;
            return set_array(s, t, (*key).payload, s.konst_value(ins.c()), More::SetHashK);
        }
        Step::More(s, More::SetHashK)
    }

    #[inline(always)]
    pub unsafe fn SetInt(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let obj = s.reg(ins.a());
        if (*obj).tag == tag::TABLE {
            let t = (*obj).payload as *mut Table;
            return set_array(s, t, u64::from(ins.b()), get(s.reg(ins.c())), More::SetIntHash);
        }
        Step::Slow(s, slow::set_int)
    }

    #[inline(always)]
    pub unsafe fn Method(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let obj = get(s.reg(ins.b()));
        let a = s.reg(ins.a());
        let key = s.konst(ins.c());
        if obj.tag == tag::TABLE {
            put(a.add(1), obj);
            return get_constant_key(s, vm, obj.as_table(), key, a, slow::method);
        }
        if obj.tag == tag::STRING {
            let meta = (*vm).metas[tag::STRING as usize];
            if !meta.is_null() {
                let node = (*meta).index_node;
                if !node.is_null()
                    && (*node).vtag == tag::TABLE
                    && let Found::Node(node) = find_constant_key((*node).payload as *mut Table, key)
                    && (*node).vtag != tag::NIL
                {
                    put(a.add(1), obj);
                    put(a, Node::slot(node).get());
                    return Step::Next(s);
                }
            }
        }
        Step::Slow(s, slow::method)
    }

    #[inline(always)]
    pub unsafe fn SetList(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
        Step::Slow(s, slow::set_list)
    }

    #[inline(always)]
    pub unsafe fn Extra(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
        // Never executed: verified code steps over it.
        Step::Next(s)
    }

    arith_ops! {
        Add AddK add add_k |i, j| Some(i.wrapping_add(j)), |x, y| x + y;
        Sub SubK sub sub_k |i, j| Some(i.wrapping_sub(j)), |x, y| x - y;
        Mul MulK mul mul_k |i, j| Some(i.wrapping_mul(j)), |x, y| x * y;
        IDiv IDivK idiv idiv_k |i, j| if j != 0 { Some(int_floor_div(i, j)) } else { None }, |x, y| float_floor_div(x, y);
    }

    #[inline(always)]
    pub unsafe fn Mod(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
        mod_body!(s, ins, b, c, More::ModFloat)
    }

    #[inline(always)]
    pub unsafe fn ModK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = s.reg(ins.b());
        let c = s.konst(ins.c()).cast::<Value>();
        mod_body!(s, ins, b, c, More::ModFloatK)
    }

    float_ops! {
        Div DivK div div_k |x, y| x / y;
        Pow PowK pow pow_k |x, y| float_pow(x, y);
    }

    bit_ops! {
        BAnd BAndK band band_k |i, j| i & j;
        BOr BOrK bor bor_k |i, j| i | j;
        BXor BXorK bxor bxor_k |i, j| i ^ j;
    }

    #[inline(always)]
    pub unsafe fn Shl(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
        bit_body!(s, ins, b, c, slow::shl, |i, j| shift_left(i, j))
    }

    #[inline(always)]
    pub unsafe fn Shr(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (b, c) = (s.reg(ins.b()), s.reg(ins.c()));
        bit_body!(s, ins, b, c, slow::shr, |i, j| arith::shift_right(i, j))
    }

    #[inline(always)]
    pub unsafe fn AddI(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = s.reg(ins.b());
        let imm = ins.c() as i16;
        let dst = s.reg(ins.a());
        if (*b).tag == tag::INT {
            (*dst).payload = ((*b).payload as i64).wrapping_add(i64::from(imm)) as u64;
            (*dst).tag = tag::INT;
            return Step::Next(s);
        }
        if (*b).tag == tag::FLOAT {
            let r = f64::from_bits((*b).payload) + f64::from(imm);
            (*dst).payload = r.to_bits();
            (*dst).tag = tag::FLOAT;
            return Step::Next(s);
        }
        Step::Slow(s, slow::add_i)
    }

    #[inline(always)]
    pub unsafe fn ShlI(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = s.reg(ins.b());
        if (*b).tag == tag::INT {
            let r = shift_left((*b).payload as i64, i64::from(ins.c() as i16));
            put(s.reg(ins.a()), Value::int(r));
            return Step::Next(s);
        }
        Step::Slow(s, slow::shl_i)
    }

    #[inline(always)]
    pub unsafe fn KSub(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = s.konst(ins.c()).cast::<Value>();
        let c = s.reg(ins.b());
        arith_body!(s, ins, b, c, slow::k_sub, |i, j| Some(i.wrapping_sub(j)), |x, y| x - y)
    }

    #[inline(always)]
    pub unsafe fn KDiv(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = s.konst(ins.c()).cast::<Value>();
        let c = s.reg(ins.b());
        float_body!(s, ins, b, c, slow::k_div, |x, y| x / y)
    }

    #[inline(always)]
    pub unsafe fn KPow(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = s.konst(ins.c()).cast::<Value>();
        let c = s.reg(ins.b());
        float_body!(s, ins, b, c, slow::k_pow, |x, y| float_pow(x, y))
    }

    #[inline(always)]
    pub unsafe fn Neg(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = get(s.reg(ins.b()));
        match b.tag {
            tag::INT => put(s.reg(ins.a()), Value::int(b.as_int().wrapping_neg())),
            tag::FLOAT => put(s.reg(ins.a()), Value::float(-b.as_float())),
            _ => return Step::Slow(s, slow::neg),
        }
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn BNot(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = get(s.reg(ins.b()));
        if b.tag == tag::INT {
            put(s.reg(ins.a()), Value::int(!b.as_int()));
            return Step::Next(s);
        }
        Step::Slow(s, slow::bnot)
    }

    #[inline(always)]
    pub unsafe fn Not(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let truthy = get(s.reg(ins.b())).is_truthy();
        put(s.reg(ins.a()), Value::bool(!truthy));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn Len(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let b = get(s.reg(ins.b()));
        if b.tag == tag::TABLE {
            let t = b.as_table();
            let meta = (*t).meta;
            if meta.is_null() || (*meta).absent & (1 << Event::Len as u32) != 0 {
                put(s.reg(ins.a()), Value::int(Table::len(t)));
                return Step::Next(s);
            }
        } else if b.tag == tag::STRING {
            put(s.reg(ins.a()), Value::int(crate::heap::Str::len(b.as_str()) as i64));
            return Step::Next(s);
        }
        Step::Slow(s, slow::len)
    }

    #[inline(always)]
    pub unsafe fn Concat(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
        Step::More(s, More::Concat)
    }

    #[inline(always)]
    pub unsafe fn Jump(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        Step::Next(s.jump(ins.w()))
    }

    #[inline(always)]
    pub unsafe fn JumpBack(s: State, vm: *mut Vm, ins: Instr) -> Step {
        (*vm).budget -= 1;
        if (*vm).budget < 0 {
            return Step::Slow(s, slow::expired);
        }
        Step::Next(s.jump(ins.w()))
    }

    #[inline(always)]
    pub unsafe fn Close(s: State, vm: *mut Vm, ins: Instr) -> Step {
        Thread::close_upvals((*vm).th, s.reg(ins.a()));
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn JumpIf(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        s.branch(get(s.reg(ins.a())).is_truthy())
    }

    #[inline(always)]
    pub unsafe fn JumpIfNot(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        s.branch(!get(s.reg(ins.a())).is_truthy())
    }

    #[inline(always)]
    pub unsafe fn SetJumpIf(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let v = get(s.reg(ins.b()));
        if v.is_truthy() {
            put(s.reg(ins.a()), v);
            return s.branch(true);
        }
        s.branch(false)
    }

    #[inline(always)]
    pub unsafe fn SetJumpIfNot(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let v = get(s.reg(ins.b()));
        if !v.is_truthy() {
            put(s.reg(ins.a()), v);
            return s.branch(true);
        }
        s.branch(false)
    }

    #[inline(always)]
    pub unsafe fn JumpEq(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        match quick_eq(s.reg(ins.a()), s.reg(ins.b())) {
            Some(equal) => s.branch(equal),
            None => Step::Slow(s, slow::jump_eq),
        }
    }

    #[inline(always)]
    pub unsafe fn JumpNe(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        match quick_eq(s.reg(ins.a()), s.reg(ins.b())) {
            Some(equal) => s.branch(!equal),
            None => Step::Slow(s, slow::jump_eq),
        }
    }

    #[inline(always)]
    pub unsafe fn JumpEqK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        match quick_eq(s.reg(ins.a()), s.konst(ins.b()).cast()) {
            Some(equal) => s.branch(equal),
            None => Step::Slow(s, slow::jump_eq_k),
        }
    }

    #[inline(always)]
    pub unsafe fn JumpNeK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        match quick_eq(s.reg(ins.a()), s.konst(ins.b()).cast()) {
            Some(equal) => s.branch(!equal),
            None => Step::Slow(s, slow::jump_eq_k),
        }
    }

    order_ops! {
        JumpLt JumpNotLt jump_lt |a, b| (a < b), (a < b);
        JumpLe JumpNotLe jump_le |a, b| (a <= b), (a <= b);
    }

    order_imm_ops! {
        JumpLtI JumpNotLtI jump_order_i |a, b| (a < b), (a < b);
        JumpLeI JumpNotLeI jump_order_i |a, b| (a <= b), (a <= b);
        JumpGtI JumpNotGtI jump_order_i |a, b| (a > b), (a > b);
        JumpGeI JumpNotGeI jump_order_i |a, b| (a >= b), (a >= b);
    }

    #[inline(always)]
    pub unsafe fn ForPrep(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let a = s.reg(ins.a());
        let (start, limit, step) = (get(a), get(a.add(1)), get(a.add(2)));
        if !(start.is_number() && limit.is_number() && step.is_number()) {
            return Step::Slow(s, slow::for_prep);
        }
        match arith::prepare_for(start, limit, step) {
            ForLoop::Skip => return Step::Next(s.jump(ins.w())),
            ForLoop::Int { left, .. } => {
                put(a.add(1), Value::int(left as i64));
                put(a.add(3), start);
            }
            ForLoop::Float { start, limit, step } => {
                put(a, Value::float(start));
                put(a.add(1), Value::float(limit));
                put(a.add(2), Value::float(step));
                put(a.add(3), Value::float(start));
            }
        }
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn ForLoop(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let a = s.reg(ins.a());
        (*vm).budget -= 1;
        if (*vm).budget < 0 {
            return Step::Slow(s, slow::expired);
        }
        if (*a).tag == tag::INT {
            let left = (*a.add(1)).payload;
            if left == 0 {
                return Step::Next(s);
            }
            (*a.add(1)).payload = left - 1;
            let i = (*a).payload.wrapping_add((*a.add(2)).payload);
            (*a).payload = i;
            (*a.add(3)).payload = i;
            (*a.add(3)).tag = tag::INT;
            return Step::Next(s.jump(ins.w()));
        }
        let step = f64::from_bits((*a.add(2)).payload);
        let i = f64::from_bits((*a).payload) + step;
        let limit = f64::from_bits((*a.add(1)).payload);
        if if 0.0 < step { i <= limit } else { limit <= i } {
            (*a).payload = i.to_bits();
            put(a.add(3), Value::float(i));
            return Step::Next(s.jump(ins.w()));
        }
        Step::Next(s)
    }

    #[inline(always)]
    pub unsafe fn GenericCall(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let a = s.reg(ins.a());
        let f = get(a);
        if f.tag == tag::NATIVE && (*a.add(1)).tag == tag::TABLE && ins.c() <= 2 {
            let t = (*a.add(1)).payload as *mut Table;
            let native = f.payload as *const Native;
            if (*native).is_next() {
                return pairs_step(s, vm, a, t);
            }
            if (*native).is_ipairs_step() && (*a.add(2)).tag == tag::INT {
                let i = (*a.add(2)).payload.wrapping_add(1);
                let index = i.wrapping_sub(1);
                if index < u64::from((*t).arr_len) {
                    let v = get((*t).arr.add(index as usize));
                    if v.tag != tag::NIL {
                        (*vm).budget -= 1;
                        if (*vm).budget < 0 {
                            return Step::Slow(s, slow::expired);
                        }
                        (*a.add(2)).payload = i;
                        put(a.add(3), Value::int(i as i64));
                        put(a.add(4), v);
                        return Step::Next(s.jump((*s.pc).w() + 1));
                    }
                }
            }
        }
        Step::Slow(s, slow::generic_call)
    }

    /// One step of a traversal with `next`, without a call. The control slot's padding carries the place of its key: a hint that
    /// is checked against the table.
    #[inline(always)]
    unsafe fn pairs_step(s: State, vm: *mut Vm, a: *mut Value, t: *mut Table) -> Step {
        let control = a.add(2).cast::<KSlot>();
        let key = get(a.add(2));
        let from = if key.tag == tag::NIL {
            0
        } else {
            let hint = (*control).hash as usize;
            if !Table::is_at(t, hint, key) {
                return Step::Slow(s, slow::generic_call);
            }
            hint
        };
        (*vm).budget -= 1;
        if (*vm).budget < 0 {
            return Step::Slow(s, slow::expired);
        }
        match Table::next_at(t, from) {
            Some((at, key, v)) => {
                put(a.add(2), key);
                (*control).hash = at as u32;
                put(a.add(3), key);
                put(a.add(4), v);
                Step::Next(s.jump((*s.pc).w() + 1))
            }
            None => {
                put(a.add(3), Value::NIL);
                Step::Next(s.jump(1))
            }
        }
    }

    #[inline(always)]
    pub unsafe fn GenericLoop(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let a = s.reg(ins.a());
        let v = get(a.add(3));
        if v.is_nil() {
            return Step::Next(s);
        }
        (*vm).budget -= 1;
        if (*vm).budget < 0 {
            return Step::Slow(s, slow::expired);
        }
        put(a.add(2), v);
        Step::Next(s.jump(ins.w()))
    }

    #[inline(always)]
    pub unsafe fn Call(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let func = s.reg(ins.a());
        if (*func).tag == tag::CLOSURE {
            let closure = (*func).payload as *mut Closure;
            let code = (*closure).code;
            let th = (*vm).th;
            let frame = (*th).frame;
            let new = frame.add(1);
            let base = func.add(1);
            if (*code).is_vararg
                || base.add((*code).max_stack as usize) > (*th).limit
                || new == (*th).frames_end
            {
                return Step::Slow(s, slow::call);
            }
            (*vm).budget -= 1;
            if (*vm).budget < 0 {
                return Step::Slow(s, slow::expired);
            }
            let nargs =
                if ins.b() != 0 { ins.b() as usize - 1 } else { (*th).top.offset_from(base) as usize };
            for i in nargs..(*code).num_params as usize {
                put(base.add(i), Value::NIL);
            }
            (*frame).pc = s.pc;
            (*new).base = base;
            (*new).delta = 1;
            (*new).nresults = ins.c() as i16 - 1;
            (*new).kind = FrameKind::Lua;
            (*new).flags = 0;
            (*new).state = (*code).k as u64;
            (*th).frame = new;
            return Step::Next(State { pc: (*code).entry, base, k: (*code).k });
        }
        if (*func).tag == tag::NATIVE || (*func).tag == tag::NATIVE_CLOSURE {
            return Step::More(s, More::Native);
        }
        Step::Slow(s, slow::call)
    }

    #[inline(always)]
    pub unsafe fn TailCall(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
        Step::Slow(s, slow::tail_call)
    }

    /// Flags of a frame that a plain return must not ignore.
    const SPECIAL: u8 = !frame_flag::TAIL;

    #[inline(always)]
    unsafe fn resume_caller(th: *mut Thread, frame: *mut Frame) -> Step {
        let caller = frame.sub(1);
        (*th).frame = caller;
        Step::Next(State { pc: (*caller).pc, base: (*caller).base, k: (*caller).state as *const KSlot })
    }

    #[inline(always)]
    pub unsafe fn Return(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let th = (*vm).th;
        let frame = (*th).frame;
        if (*frame).flags & SPECIAL != 0 || ins.h() != 0 {
            return Step::Slow(s, slow::ret);
        }
        let from = s.reg(ins.a());
        let n = if ins.b() != 0 { ins.b() as usize - 1 } else { (*th).top.offset_from(from) as usize };
        let func = s.base.sub((*frame).delta as usize);
        deliver(th, func, from, n, (*frame).nresults);
        resume_caller(th, frame)
    }

    #[inline(always)]
    pub unsafe fn Return0(s: State, vm: *mut Vm, _ins: Instr) -> Step {
        let th = (*vm).th;
        let frame = (*th).frame;
        if (*frame).flags & SPECIAL != 0 {
            return Step::Slow(s, slow::ret);
        }
        let func = s.base.sub((*frame).delta as usize);
        match (*frame).nresults {
            -1 => (*th).top = func,
            n => {
                for i in 0..n as usize {
                    put(func.add(i), Value::NIL);
                }
            }
        }
        resume_caller(th, frame)
    }

    #[inline(always)]
    pub unsafe fn Return1(s: State, vm: *mut Vm, ins: Instr) -> Step {
        let th = (*vm).th;
        let frame = (*th).frame;
        if (*frame).flags & SPECIAL != 0 {
            return Step::Slow(s, slow::ret);
        }
        let v = get(s.reg(ins.a()));
        let func = s.base.sub((*frame).delta as usize);
        let wanted = (*frame).nresults;
        if wanted == 1 {
            put(func, v);
        } else if wanted == -1 {
            put(func, v);
            (*th).top = func.add(1);
        } else if wanted > 0 {
            put(func, v);
            for i in 1..wanted as usize {
                put(func.add(i), Value::NIL);
            }
        }
        resume_caller(th, frame)
    }

    #[inline(always)]
    pub unsafe fn Vararg(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
        Step::Slow(s, slow::vararg)
    }

    #[inline(always)]
    pub unsafe fn Closure(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
        Step::More(s, More::Closure)
    }
}

/// The second halves of ops.
#[allow(non_snake_case)]
pub(super) mod more {
    use super::*;

    #[inline(always)]
    pub unsafe fn Native(s: State, vm: *mut Vm, ins: Instr) -> Step {
        (*(*(*vm).th).frame).pc = s.pc;
        if call_native(vm, ins) {
            // The stack may have moved; the code has not.
            return Step::Next(State { base: (*(*(*vm).th).frame).base, ..s });
        }
        Step::Slow(s, after_native)
    }

    #[inline(always)]
    pub unsafe fn GetHash(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        let (obj, key) = (get(s.reg(ins.b())), get(s.reg(ins.c())));
        let t = obj.as_table();
        let v = Table::get(t, key);
        if v.tag != tag::NIL || (*t).meta.is_null() {
            put(s.reg(ins.a()), v);
            return Step::Next(s);
        }
        Step::Slow(s, slow::get_index)
    }

    /// A store without metamethods: the key is there, or there is no metatable.
    #[inline(always)]
    unsafe fn store(s: State, vm: *mut Vm, obj: Value, key: Value, v: Value, f: Slow) -> Step {
        if obj.tag == tag::TABLE {
            let t = obj.as_table();
            if let Some(slot) = Table::find(t, key)
                && (!slot.get().is_nil() || (*t).meta.is_null())
            {
                (*t).absent = 0;
                slot.put(v);
                return Step::Next(s);
            }
            if (*t).meta.is_null() && !key.is_nil() && Table::insert(t, &mut (*vm).heap, key, v).is_ok() {
                return if (*vm).heap.gc_pending { Step::Slow(s, nothing) } else { Step::Next(s) };
            }
        }
        Step::Slow(s, f)
    }

    /// Lets a pending collection happen.
    unsafe fn nothing(_: &mut Vm, _: Instr) -> Result<(), LuaError> {
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
    unsafe fn mod_float(s: State, ins: Instr, c: Value, f: Slow) -> Step {
        let b = get(s.reg(ins.b()));
        if b.is_number() && c.is_number() && !(b.is_int() && c.is_int()) {
            put(s.reg(ins.a()), Value::float(float_mod(to_float(b), to_float(c))));
            return Step::Next(s);
        }
        Step::Slow(s, f)
    }

    #[inline(always)]
    pub unsafe fn ModFloat(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        mod_float(s, ins, get(s.reg(ins.c())), slow::modulo)
    }

    #[inline(always)]
    pub unsafe fn ModFloatK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
        mod_float(s, ins, s.konst_value(ins.c()), slow::modulo_k)
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

/// The common case of calling a native function from Lua: it runs, returns, and nothing else is due. False: `after_native` must
/// sort out the rest, which `call_native` left in the frame and in `pending`.
#[inline(never)]
pub(super) unsafe fn call_native(vm: *mut Vm, ins: Instr) -> bool {
    let th = (*vm).th;
    let frame = (*th).frame;
    let func = (*frame).base.byte_add(ins.a() as usize);
    if ins.b() != 0 {
        (*th).top = func.add(ins.b() as usize);
    }
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
    (*new).base = func.add(1);
    (*new).pc = std::ptr::null();
    (*new).delta = 1;
    (*new).nresults = ins.c() as i16 - 1;
    (*new).kind = FrameKind::Native;
    (*new).flags = 0;
    (*new).state = 0;
    (*th).frame = new;
    let native = super::native::descriptor(get(func));
    let result = ((*native).func)(&mut Cx::new(vm));
    if let Ok(NativeStep::Return(n)) = result
        && !(*vm).heap.gc_pending
        && !(*vm).hooked
        && (*vm).th == th
    {
        // The stack may have moved.
        let new = (*th).frame;
        let func = (*new).base.sub(1);
        let n = n as usize;
        let from = (*th).top.sub(n);
        let wanted = (*new).nresults;
        (*th).frame = new.sub(1);
        if n == 1 && wanted == 1 {
            put(func, get(from));
        } else {
            deliver(th, func, from, n, wanted);
        }
        return true;
    }
    (*vm).native_outcome = NativeOutcome::Result(result);
    false
}

/// What `call_native` left for [`after_native`].
pub(crate) enum NativeOutcome {
    /// Nothing was done yet.
    NotCalled,
    Result(Result<NativeStep, LuaError>),
}

/// Finishes what [`call_native`] could not.
pub(super) unsafe fn after_native(vm: &mut Vm, ins: Instr) -> Result<(), LuaError> {
    match std::mem::replace(&mut vm.native_outcome, NativeOutcome::NotCalled) {
        NativeOutcome::NotCalled => {
            if vm.budget < 0 {
                return slow::expired(vm, ins);
            }
            slow::call(vm, ins)
        }
        NativeOutcome::Result(Ok(step)) => vm.native_step(step),
        NativeOutcome::Result(Err(e)) => {
            vm.native_raised = true;
            Err(e)
        }
    }
}

//! The second halves of ops.
#![allow(unsafe_op_in_unsafe_fn, non_snake_case)]

use super::*;
use crate::vm::arith::{float_mod, to_float};

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

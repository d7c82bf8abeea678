//! Ops that load, store and make values.
#![allow(unsafe_op_in_unsafe_fn, non_snake_case)]

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
pub unsafe fn GetUpval(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    put(s.reg(ins.a()), get(s.upval(ins.b())));
    Step::Next(s)
}

#[inline(always)]
pub unsafe fn SetUpval(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    put(s.upval(ins.b()), get(s.reg(ins.a())));
    Step::Next(s)
}

#[inline(always)]
pub unsafe fn GetTabUp(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let up = s.upval(ins.b());
    if (*up).tag == tag::TABLE {
        let t = (*up).payload as *mut Table;
        return get_pointer(s, t, s.konst(ins.c()), s.reg(ins.a()), More::GlobalMiss);
    }
    Step::Slow(s, slow::get_tab_up)
}

#[inline(always)]
pub unsafe fn GetType(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::More(s, More::GetType)
}

#[inline(always)]
pub unsafe fn SetTabUp(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let up = s.upval(ins.b());
    if (*up).tag == tag::TABLE {
        let t = (*up).payload as *mut Table;
        return set_constant_key(s, t, s.konst(ins.c()), s.reg(ins.a()), Step::Slow(s, slow::set_tab_up));
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
pub unsafe fn GetField(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let obj = s.reg(ins.b());
    if (*obj).tag == tag::TABLE {
        let t = (*obj).payload as *mut Table;
        return get_pointer(s, t, s.konst(ins.c()), s.reg(ins.a()), More::FieldMiss);
    }
    Step::More(s, More::FieldMiss)
}

/// Loads from the array part; what is not there, or may be in an `__index`, is the second half's.
#[inline(always)]
unsafe fn get_array(s: State, t: *mut Table, key: u64, to: *mut Value, m: More) -> Step {
    let index = key.wrapping_sub(1);
    if index < u64::from((*t).arr_len) {
        let slot = (*t).arr.add(index as usize);
        if (*slot).tag != tag::NIL || (*t).meta.is_null() {
            put(to, get(slot));
            return Step::Next(s);
        }
    }
    Step::More(s, m)
}

#[inline(always)]
pub unsafe fn GetIndex(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let (obj, key) = (s.reg(ins.b()), s.reg(ins.c()));
    if (*obj).tag == tag::TABLE {
        let t = (*obj).payload as *mut Table;
        if (*key).tag == tag::INT {
            return get_array(s, t, (*key).payload, s.reg(ins.a()), More::GetHash);
        }
    }
    Step::More(s, More::GetHash)
}

/// `GetUpval` and `GetIndex` at once.
#[inline(always)]
pub unsafe fn GetUpIndex(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let (obj, key) = (s.upval(ins.b()), s.reg(ins.c()));
    if (*obj).tag == tag::TABLE && (*key).tag == tag::INT {
        let t = (*obj).payload as *mut Table;
        return get_array(s, t, (*key).payload, s.reg(ins.a()), More::GetUpHash);
    }
    Step::More(s, More::GetUpHash)
}

#[inline(always)]
pub unsafe fn GetInt(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let obj = s.reg(ins.b());
    if (*obj).tag == tag::TABLE {
        let t = (*obj).payload as *mut Table;
        return get_array(s, t, u64::from(ins.c()), s.reg(ins.a()), More::IntMiss);
    }
    Step::More(s, More::IntMiss)
}

#[inline(always)]
pub unsafe fn SetField(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let obj = s.reg(ins.a());
    if (*obj).tag == tag::TABLE {
        let t = (*obj).payload as *mut Table;
        return set_constant_key(s, t, s.konst(ins.b()), s.reg(ins.c()), Step::More(s, More::AddField));
    }
    Step::Slow(s, slow::set_field)
}

#[inline(always)]
pub unsafe fn SetFieldK(s: State, _vm: *mut Vm, ins: Instr) -> Step {
    let obj = s.reg(ins.a());
    if (*obj).tag == tag::TABLE {
        let t = (*obj).payload as *mut Table;
        let v = s.konst(ins.c()).cast();
        return set_constant_key(s, t, s.konst(ins.b()), v, Step::More(s, More::AddFieldK));
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
        let miss = Step::More(s, More::MethodMiss);
        return get_constant_key(
            s,
            obj.as_table(),
            key,
            a,
            move |_, _| Step::More(s, More::MethodMiss),
            miss,
        );
    }
    if obj.tag == tag::STRING || obj.tag == tag::USERDATA {
        let meta = if obj.tag == tag::STRING {
            (*vm).metas[tag::STRING as usize]
        } else {
            (*obj.as_userdata()).meta
        };
        if !meta.is_null() {
            let node = (*meta).index_node;
            if !node.is_null() && (*node).vtag == tag::TABLE {
                let node = find_pointer::<false>((*node).payload as *mut Table, key);
                if !node.is_null() && (*node).vtag != tag::NIL {
                    put(a.add(1), obj);
                    put(a, Node::slot(node).get());
                    return Step::Next(s);
                }
            }
        }
        return Step::More(s, More::MethodMiss);
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
    Step::More(s, More::Len)
}

#[inline(always)]
pub unsafe fn Concat(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::More(s, More::Concat)
}

#[inline(always)]
pub unsafe fn Vararg(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::More(s, More::Vararg)
}

#[inline(always)]
pub unsafe fn Closure(s: State, _vm: *mut Vm, _ins: Instr) -> Step {
    Step::More(s, More::Closure)
}

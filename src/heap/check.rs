//! The heap checker: walks everything reachable from the roots and verifies the invariants that the headers of this room
//! state. For tests and the `stress` feature; it allocates and takes time in proportion to the heap.

use super::table::{Node, Table, table_flag};
use super::thread::Thread;
use super::userdata::Userdata;
use super::value::{get, tag};
use super::{Closure, Code, NativeClosure, Roots, Str, Unit, Upval, Value};
use hashbrown::HashSet;

struct Walk {
    seen: HashSet<usize>,
    grey: Vec<Value>,
}

/// Checks the heap behind `roots`; of the objects of an image it may refer to those that `shares` allows.
///
/// # Errors
/// The first violated invariant.
pub fn check(roots: &mut dyn Roots, shares: &dyn Fn(Value) -> bool) -> Result<(), String> {
    let mut walk = Walk { seen: HashSet::new(), grey: Vec::new() };
    roots.each(&mut |v| walk.grey.push(v));
    while let Some(v) = walk.grey.pop() {
        if !v.is_object() || !walk.seen.insert(v.payload as usize) {
            continue;
        }
        // SAFETY: as below.
        if unsafe { super::image::is_shared(v) } && !shares(v) {
            return Err("a process with libraries of its own refers to shared ones".into());
        }
        // SAFETY: what the roots reach is live; that is also what is being checked, under a sanitizer.
        unsafe {
            match v.tag {
                tag::STRING => check_string(v.as_str())?,
                tag::TABLE => walk.table(v.as_table())?,
                tag::CLOSURE => walk.closure(v.as_closure())?,
                tag::NATIVE_CLOSURE => {
                    let closure = v.as_native_closure();
                    for i in 0..(*closure).len {
                        walk.grey.push(get(NativeClosure::upval(closure, i)));
                    }
                }
                tag::USERDATA => {
                    let userdata: *mut Userdata = v.as_userdata();
                    if !(*userdata).meta.is_null() {
                        walk.grey.push(Value::table((*userdata).meta));
                    }
                    walk.grey.push(get(&raw const (*userdata).user_value));
                    (*userdata).role.each_value(|v| walk.grey.push(v));
                }
                tag::THREAD => walk.thread(v.as_thread())?,
                other => return Err(format!("a value has tag {other}")),
            }
        }
    }
    Ok(())
}

unsafe fn check_string(s: *const Str) -> Result<(), String> {
    // SAFETY: by contract a live string.
    unsafe {
        let (len, bytes) = (Str::len(s), Str::bytes(s));
        if len != bytes.len() {
            return Err("a string's length differs from its bytes".into());
        }
        if Str::blob(s).is_some() != (len > crate::limits::MAX_INLINE_STRING) {
            return Err(format!("a string of {len} bytes is stored in the wrong way"));
        }
        if Str::hash(s) != super::string::hash_bytes(bytes) {
            return Err("a string's cached hash is not its hash".into());
        }
        Ok(())
    }
}

fn check_tag(v: Value) -> Result<(), String> {
    if v.tag == tag::DEAD || v.tag > tag::THREAD {
        Err(format!("a slot holds tag {}", v.tag))
    } else {
        Ok(())
    }
}

impl Walk {
    fn push(&mut self, v: Value) -> Result<(), String> {
        check_tag(v)?;
        self.grey.push(v);
        Ok(())
    }

    unsafe fn table(&mut self, t: *mut Table) -> Result<(), String> {
        // SAFETY: by contract a live table.
        unsafe {
            let read_only = (*t).flags & table_flag::SHARED_NODES != 0;
            if read_only != super::image::is_shared(Value::table(t)) && !read_only {
                return Err("a table of an image may be written".into());
            }
            if read_only && (*t).last_free != 0 {
                return Err("a table with the nodes of an image believes that some are free".into());
            }
            if (*t).arr_len > (*t).arr_cap {
                return Err("an array part is longer than its capacity".into());
            }
            for i in 0..(*t).arr_len as usize {
                self.push(get((*t).arr.add(i)))?;
            }
            let count = Table::node_count(t);
            if count > 0 && (!count.is_power_of_two() || (*t).last_free as usize > count) {
                return Err("a hash part has a wrong size".into());
            }
            for i in 0..count {
                let node = (*t).nodes.add(i);
                if (*node).next != 0 {
                    let offset = Node::follow(node).offset_from((*t).nodes);
                    if offset < 0 || offset as usize >= count {
                        return Err("a chain leaves its hash part".into());
                    }
                }
                if (*node).vtag == tag::NIL {
                    continue;
                }
                self.entry(t, node)?;
            }
            if !(*t).meta.is_null() {
                self.grey.push(Value::table((*t).meta));
            }
            Ok(())
        }
    }

    unsafe fn entry(&mut self, t: *mut Table, node: *mut Node) -> Result<(), String> {
        // SAFETY: by contract a live node of a live table.
        unsafe {
            let key = Node::key(node);
            check_tag(key)?;
            if (*node).is_own() != ((*t).flags & table_flag::SHARED_NODES == 0) {
                return Err("a node and its table disagree about who owns it".into());
            }
            if key.tag != tag::STRING && super::image::is_shared(key) {
                return Err("a table has an object of an image as a key".into());
            }
            if key.is_nil() {
                return Err("an entry has the key nil".into());
            }
            if key.tag == tag::INT {
                if (*t).flags & table_flag::INT_KEYS == 0 {
                    return Err("an integer key is in a hash part that is not marked for it".into());
                }
                if key.payload.wrapping_sub(1) < u64::from((*t).arr_len) {
                    return Err(format!("integer key {} is in both parts", key.as_int()));
                }
            }
            if key.tag == tag::FLOAT && super::table::float_to_int_key(key.as_float()).is_some() {
                return Err("a float key with an integral value was not normalised".into());
            }
            if key.tag == tag::STRING && (*node).khash != Str::hash(key.as_str()) {
                return Err("a node's hash is not its key's".into());
            }
            // The entry must be found from its key's main position.
            let mut at = (*t).nodes.add(((*node).khash & (*t).mask) as usize);
            let mut steps = 0;
            while at != node {
                if (*at).next == 0 || steps > (*t).mask {
                    return Err("an entry is not in the chain of its main position".into());
                }
                at = Node::follow(at);
                steps += 1;
            }
            self.grey.push(key);
            self.push(Node::slot(node).get())
        }
    }

    unsafe fn closure(&mut self, closure: *mut Closure) -> Result<(), String> {
        // SAFETY: by contract a live closure.
        unsafe {
            let code = &*(*closure).code;
            if code.upvals.len() != (*closure).len {
                return Err("a closure has another number of upvalues than its code".into());
            }
            let unit: *mut Unit = code.unit;
            if unit.is_null() != code.protos.iter().all(|p: &Code| p.unit.is_null())
                && !code.protos.is_empty()
            {
                return Err("nested code belongs to another unit".into());
            }
            for i in 0..(*closure).len {
                let upval: *mut Upval = *Closure::upval(closure, i);
                if !upval.is_null() {
                    self.push(get((*upval).v))?;
                }
            }
            Ok(())
        }
    }

    unsafe fn thread(&mut self, thread: *mut Thread) -> Result<(), String> {
        // SAFETY: by contract a live coroutine.
        unsafe {
            let inside = |p: *mut Value| p >= (*thread).stack && p <= (*thread).limit.add(8);
            if !inside((*thread).top) {
                return Err("a coroutine's top is outside of its stack".into());
            }
            let mut slot = (*thread).stack;
            while slot < (*thread).top {
                self.push(get(slot))?;
                slot = slot.add(1);
            }
            let mut frame = (*thread).frames;
            while frame <= (*thread).frame {
                if !inside((*frame).base) || !inside((*frame).func()) {
                    return Err("a frame is outside of its stack".into());
                }
                frame = frame.add(1);
            }
            let mut upval = (*thread).open;
            let mut above: *mut Value = (*thread).limit.add(8);
            while !upval.is_null() {
                if !inside((*upval).v) || (*upval).v >= above {
                    return Err("open upvalues are out of order".into());
                }
                above = (*upval).v;
                upval = (*upval).next;
            }
            if !(*thread).resumer.is_null() {
                self.grey.push(Value::thread((*thread).resumer));
            }
            Ok(())
        }
    }
}

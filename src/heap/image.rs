//! Images: the objects of a library, built once per program and shared by all processes, which read them in place.
//!
//! 1. An image never changes after [`Image::freeze`] and lives as long as the program. Its objects lie in regions whose mark bits
//!    are always set, so that collectors pass over them.
//! 2. It holds tables, userdata and native closures; everything else in it is an immediate value or a program constant.
//!    Table keys are not objects but for strings, and no table has an array part.
//! 3. Its tables have [`table_flag::SHARED`]; the nodes of its tables have [`SHARED_NODE`] in their key's tag, so that a search for
//!    a place to store does not find them. Their `absent` and `index_node` are complete.
//! 4. A process that is about to change an object of the image gets copies of a part of it ([`Image::copy_into`]), and every
//!    reference of the process is led to the copies ([`Forward::apply`]): identities stay what they were. Node arrays that refer
//!    to no object stay shared ([`table_flag::SHARED_NODES`]) until they are written to.
//! 5. There are two parts. The *core* is the globals and all that leads to them, `package.loaded` for one; the rest does not
//!    refer to it. So the core can be copied alone, which is all that most processes ever need: a global, or a module loaded. The
//!    rest is copied with it, or after it.

use super::alloc::{Heap, OutOfMemory};
use super::gc::Roots;
use super::region::{Region, is_image};
use super::string::constant;
use super::table::{Node, SHARED_NODE, Table, empty_node, hash_key, table_flag};
use super::thread::SLACK;
use super::userdata::{Role, SharedData, Userdata};
use super::value::{get, put, tag};
use super::{Closure, NativeClosure, Str, Thread, Upval, Value};
use hashbrown::{HashMap, HashSet};
use std::alloc::{Layout, alloc};
use std::hash::{BuildHasher, Hasher};
use std::ptr::null_mut;

struct Object {
    value: Value,
    /// A table whose nodes refer to objects of the image.
    linked: bool,
    /// Has a finalizer that a process's copy takes over.
    finalizer: bool,
}

/// Immutable objects shared by all processes.
pub struct Image {
    /// The core, then the rest.
    objects: Vec<Object>,
    /// Addresses of the core's objects.
    core: HashSet<u64>,
}

/// What a process gets copies of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Core,
    /// All but the core, of which the process has copies already.
    Rest,
    All,
}

// SAFETY: nothing in an image changes (invariant 1); what its userdata hold is behind a lock.
unsafe impl Send for Image {}
// SAFETY: as above.
unsafe impl Sync for Image {}

/// Memory for the objects of images.
struct Arena {
    at: *mut u8,
    left: usize,
}

impl Arena {
    fn take(&mut self, size: usize) -> *mut u8 {
        let size = size.next_multiple_of(16);
        let room = Region::SIZE - Region::FIRST_CELL_OFFSET;
        if size > room {
            let layout = Layout::from_size_align(size, 16).expect("tables have at most 2^30 nodes");
            // SAFETY: the layout is not empty.
            let at = unsafe { alloc(layout) };
            assert!(!at.is_null(), "memory for the program's libraries");
            return at;
        }
        if size > self.left {
            let region = Region::new_image().expect("memory for the program's libraries");
            // SAFETY: inside the region.
            self.at = unsafe { region.cast::<u8>().add(Region::FIRST_CELL_OFFSET) };
            self.left = room;
        }
        let at = self.at;
        // SAFETY: there is room for `size` bytes.
        self.at = unsafe { at.add(size) };
        self.left -= size;
        at
    }
}

impl Image {
    /// Makes an image of everything that is reachable from `roots`, and returns the roots as values of the image; the first of them
    /// is the globals. `events` are the names of metamethods whose absence tables remember, `__index` first. What userdata
    /// hold moves into the image.
    ///
    /// # Safety
    /// The roots are live values of one heap, which is dropped afterwards without running anything.
    ///
    /// # Errors
    /// What cannot be in an image (invariant 2).
    pub unsafe fn freeze(
        roots: &[Value],
        events: &[*const Str],
        finalizable: &[Value],
    ) -> Result<(Self, Vec<Value>), &'static str> {
        // SAFETY: by contract all that is reachable is live.
        unsafe {
            let mut old = reachable(roots)?;
            let leading = leading_to(roots[0], &old);
            old.sort_by_key(|v| !leading.contains(&v.payload));
            let mut arena = Arena { at: null_mut(), left: 0 };
            let mut places = HashMap::new();
            for v in &old {
                let size = match v.tag {
                    tag::TABLE => size_of::<Table>(),
                    tag::USERDATA => size_of::<Userdata>(),
                    _ => NativeClosure::size((*v.as_native_closure()).len),
                };
                places.insert(v.payload, arena.take(size) as u64);
            }
            let moved = |v: Value| match v.tag {
                tag::STRING => Value::string(constant(Str::bytes(v.as_str()))),
                _ if v.is_object() => Value { payload: places[&v.payload], tag: v.tag },
                _ => v,
            };
            let moved_meta = |meta: *mut Table| {
                if meta.is_null() { meta } else { places[&(meta as u64)] as *mut Table }
            };
            let mut objects = Vec::with_capacity(old.len());
            for &v in &old {
                let at = places[&v.payload];
                let mut linked = false;
                if v.tag == tag::TABLE {
                    let t = v.as_table();
                    let mut entries = Vec::new();
                    let mut place = 0;
                    while let Some((next, key, v)) = Table::next_at(t, place) {
                        place = next;
                        linked |= v.is_object() && v.tag != tag::STRING;
                        entries.push((moved(key), moved(v)));
                    }
                    let flags = (*t).flags & table_flag::READ_ONLY;
                    freeze_table(
                        at as *mut Table,
                        moved_meta((*t).meta),
                        flags,
                        &entries,
                        events,
                        &mut arena,
                    );
                } else if v.tag == tag::NATIVE_CLOSURE {
                    let (from, to) = (v.as_native_closure(), at as *mut NativeClosure);
                    (*to).descriptor = (*from).descriptor;
                    (*to).len = (*from).len;
                    for i in 0..(*from).len {
                        NativeClosure::upval(to, i).write(moved(get(NativeClosure::upval(from, i))));
                    }
                } else {
                    let userdata = v.as_userdata();
                    (at as *mut Userdata).write(Userdata {
                        meta: moved_meta((*userdata).meta),
                        user_value: moved(get(&raw const (*userdata).user_value)),
                        data: (*userdata).data.take().map(SharedData::wrap),
                        has_finalizer: false,
                        external: 0,
                        role: Role::Plain,
                    });
                }
                objects.push(Object {
                    value: Value { payload: at, tag: v.tag },
                    linked,
                    finalizer: finalizable.iter().any(|f| f.payload == v.payload),
                });
            }
            let core = objects[..leading.len()].iter().map(|object| object.value.payload).collect();
            Ok((Self { objects, core }, roots.iter().map(|&v| moved(v)).collect()))
        }
    }

    /// A hash of everything in the image: it never changes.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        let mut hasher = foldhash::fast::FixedState::with_seed(0).build_hasher();
        for object in &self.objects {
            // SAFETY: objects of the image are immortal.
            unsafe {
                if object.value.tag == tag::NATIVE_CLOSURE {
                    let closure = object.value.as_native_closure();
                    hasher.write_u64((*closure).descriptor as u64);
                    for i in 0..(*closure).len {
                        let v = get(NativeClosure::upval(closure, i));
                        hasher.write_u64(v.payload);
                        hasher.write_u8(v.tag);
                    }
                    continue;
                }
                if object.value.tag != tag::TABLE {
                    let userdata = object.value.as_userdata();
                    hasher.write_u64((*userdata).meta as u64);
                    hasher.write_u64((*userdata).user_value.payload);
                    hasher.write_u8((*userdata).user_value.tag);
                    continue;
                }
                let t = object.value.as_table();
                for word in [(*t).arr as u64, (*t).nodes as u64, (*t).meta as u64, (*t).index_node as u64] {
                    hasher.write_u64(word);
                }
                for word in [(*t).arr_len, (*t).arr_cap, (*t).mask, (*t).last_free, (*t).absent] {
                    hasher.write_u32(word);
                }
                hasher.write_u8((*t).flags);
                for i in 0..Table::node_count(t) {
                    let node = &*(*t).nodes.add(i);
                    hasher.write_u64(node.payload);
                    hasher.write_u64(node.key);
                    hasher.write_u32(u32::from(node.vtag));
                    hasher.write_u32(node.next as u32);
                    hasher.write_u32(node.ktag);
                    hasher.write_u32(node.khash);
                }
            }
        }
        hasher.finish()
    }

    /// Whether an object of the image belongs to the core.
    #[must_use]
    pub fn is_core(&self, v: Value) -> bool {
        self.core.contains(&v.payload)
    }

    /// Copies of a part's objects in a heap. Nothing refers to them yet.
    ///
    /// # Errors
    /// [`OutOfMemory`]; what was copied is garbage then.
    pub fn copy_into(&self, heap: &mut Heap, part: Part) -> Result<Forward, OutOfMemory> {
        let (core, rest) = self.objects.split_at(self.core.len());
        let objects = match part {
            Part::Core => core,
            Part::Rest => rest,
            Part::All => &self.objects,
        };
        let mut copies: HashMap<u64, u64> = HashMap::with_capacity(objects.len());
        // SAFETY: objects of the image are immortal, the copies are new.
        unsafe {
            for object in objects {
                let copy = if object.value.tag == tag::TABLE {
                    copy_table(heap, object)? as u64
                } else if object.value.tag == tag::NATIVE_CLOSURE {
                    let from = object.value.as_native_closure();
                    let upvals: Vec<Value> =
                        (0..(*from).len).map(|i| get(NativeClosure::upval(from, i))).collect();
                    heap.new_native_closure((*from).descriptor, &upvals)? as u64
                } else {
                    let from = object.value.as_userdata();
                    let data = (*from).data.as_ref().and_then(SharedData::share);
                    let copy = heap.new_userdata(data.unwrap_or_else(|| Box::new(())), 0)?;
                    (*copy).meta = (*from).meta;
                    put(&raw mut (*copy).user_value, get(&raw const (*from).user_value));
                    copy as u64
                };
                copies.insert(object.value.payload, copy);
            }
            let forward = Forward { copies };
            for object in objects {
                let copy = forward.of(object.value);
                forward.rewrite(copy, &mut |_| {});
                if object.finalizer {
                    heap.register_finalizer(copy);
                }
            }
            Ok(forward)
        }
    }
}

/// Everything reachable from the roots but strings, breadth first.
unsafe fn reachable(roots: &[Value]) -> Result<Vec<Value>, &'static str> {
    let mut all: Vec<Value> = Vec::new();
    let mut seen = HashSet::new();
    let mut see = |all: &mut Vec<Value>, v: Value| match v.tag {
        tag::TABLE | tag::USERDATA | tag::NATIVE_CLOSURE => {
            if seen.insert(v.payload) {
                all.push(v);
            }
            Ok(())
        }
        tag::CLOSURE => Err("a Lua function cannot be shared by all processes"),
        tag::THREAD => Err("a coroutine cannot be shared by all processes"),
        _ => Ok(()),
    };
    for &v in roots {
        see(&mut all, v)?;
    }
    let mut at = 0;
    while let Some(&v) = all.get(at) {
        at += 1;
        // SAFETY: by contract of the caller all of them are live.
        unsafe {
            if v.tag == tag::TABLE {
                let mut place = 0;
                while let Some((next, key, _)) = Table::next_at(v.as_table(), place) {
                    place = next;
                    if key.is_object() && key.tag != tag::STRING {
                        return Err("a table with an object as a key cannot be shared by all processes");
                    }
                }
            }
            if v.tag == tag::USERDATA && !matches!((*v.as_userdata()).role, Role::Plain) {
                return Err("a channel or a type's value cannot be shared by all processes");
            }
            let mut seen = Ok(());
            each_reference(v, &mut |v| seen = seen.and_then(|()| see(&mut all, v)));
            seen?;
        }
    }
    Ok(all)
}

/// Those of the objects from which `target` can be reached, and itself.
unsafe fn leading_to(target: Value, objects: &[Value]) -> HashSet<u64> {
    let mut leading = HashSet::from([target.payload]);
    loop {
        let before = leading.len();
        for &v in objects {
            let mut leads = false;
            // SAFETY: by contract of the caller all of them are live.
            unsafe { each_reference(v, &mut |v| leads |= v.is_object() && leading.contains(&v.payload)) };
            if leads {
                leading.insert(v.payload);
            }
        }
        if leading.len() == before {
            return leading;
        }
    }
}

/// Everything that an object of an image to be refers to, but for the keys of tables.
unsafe fn each_reference(v: Value, see: &mut dyn FnMut(Value)) {
    // SAFETY: by contract a live table, native closure or userdata.
    unsafe {
        let meta = if v.tag == tag::TABLE {
            let t = v.as_table();
            let mut place = 0;
            while let Some((next, _, v)) = Table::next_at(t, place) {
                place = next;
                see(v);
            }
            (*t).meta
        } else if v.tag == tag::NATIVE_CLOSURE {
            let closure = v.as_native_closure();
            for i in 0..(*closure).len {
                see(get(NativeClosure::upval(closure, i)));
            }
            null_mut()
        } else {
            see(get(&raw const (*v.as_userdata()).user_value));
            (*v.as_userdata()).meta
        };
        if !meta.is_null() {
            see(Value::table(meta));
        }
    }
}

/// Fills in a table of an image.
unsafe fn freeze_table(
    t: *mut Table,
    meta: *mut Table,
    flags: u8,
    entries: &[(Value, Value)],
    events: &[*const Str],
    arena: &mut Arena,
) {
    // SAFETY: by contract: memory for a table.
    unsafe {
        let mut flags = flags | table_flag::SHARED | table_flag::SHARED_NODES;
        let mut nodes = empty_node();
        let mut mask = 0;
        if !entries.is_empty() {
            let count = entries.len().next_power_of_two();
            mask = count as u32 - 1;
            nodes = arena.take(count * size_of::<Node>()).cast::<Node>();
            for i in 0..count {
                nodes.add(i).write(Node::EMPTY);
            }
            // First those that get their main position, then the others into free nodes, chained behind.
            let mut homeless = Vec::new();
            let fill = |node: *mut Node, key: Value, v: Value| {
                (*node).payload = v.payload;
                (*node).vtag = v.tag;
                (*node).key = key.payload;
                (*node).ktag = u32::from(key.tag) | SHARED_NODE;
                (*node).khash = hash_key(key);
            };
            for &(key, v) in entries {
                let main = nodes.add((hash_key(key) & mask) as usize);
                if (*main).ktag == u32::from(tag::NIL) {
                    fill(main, key, v);
                } else {
                    homeless.push((key, v));
                }
                if key.tag == tag::INT {
                    flags |= table_flag::INT_KEYS;
                }
            }
            let mut free = 0;
            for (key, v) in homeless {
                while (*nodes.add(free)).ktag != u32::from(tag::NIL) {
                    free += 1;
                }
                let (node, main) = (nodes.add(free), nodes.add((hash_key(key) & mask) as usize));
                fill(node, key, v);
                (*node).next =
                    if (*main).next == 0 { 0 } else { Node::follow(main).byte_offset_from(node) as i32 };
                (*main).next = node.byte_offset_from(main) as i32;
            }
        }
        t.write(Table {
            arr: null_mut(),
            arr_len: 0,
            arr_cap: 0,
            nodes,
            mask,
            last_free: 0,
            meta,
            index_node: null_mut(),
            absent: 0,
            flags,
        });
        for (i, &event) in events.iter().enumerate().take(32) {
            match Table::find_str(t, event) {
                None => (*t).absent |= 1 << i,
                Some(node) if i == 0 => (*t).index_node = node,
                Some(_) => {}
            }
        }
    }
}

/// A process's own copy of a table, its references still those of the image.
unsafe fn copy_table(heap: &mut Heap, object: &Object) -> Result<*mut Table, OutOfMemory> {
    // SAFETY: by contract: a table of an image.
    unsafe {
        let from = object.value.as_table();
        let copy = heap.new_table()?;
        (*copy).meta = (*from).meta;
        (*copy).nodes = (*from).nodes;
        (*copy).mask = (*from).mask;
        (*copy).absent = (*from).absent;
        (*copy).index_node = (*from).index_node;
        (*copy).flags =
            (*from).flags & (table_flag::INT_KEYS | table_flag::READ_ONLY) | table_flag::SHARED_NODES;
        if object.linked {
            Table::own_nodes(copy, heap)?;
        }
        Ok(copy)
    }
}

/// Where the objects of an image are in a process that has its own copies.
pub struct Forward {
    copies: HashMap<u64, u64>,
}

impl Forward {
    /// Adds what another part was copied to.
    pub fn add(&mut self, other: Self) {
        self.copies.extend(other.copies);
    }

    /// The process's own object for an object of the image; other values stay.
    #[must_use]
    pub fn of(&self, v: Value) -> Value {
        if v.is_object()
            && let Some(&copy) = self.copies.get(&v.payload)
        {
            return Value { payload: copy, tag: v.tag };
        }
        v
    }

    /// As `of`, for a table or null.
    #[must_use]
    pub fn table(&self, t: *mut Table) -> *mut Table {
        self.copies.get(&(t as u64)).map_or(t, |&copy| copy as *mut Table)
    }

    /// Leads every reference that is reachable from the roots (or waits for its finalizer) to the process's own copies.
    pub fn apply(&self, heap: &Heap, roots: &mut dyn Roots) {
        let mut seen = HashSet::new();
        let mut grey: Vec<Value> = Vec::new();
        roots.each(&mut |v| grey.push(self.of(v)));
        grey.extend(&heap.gc.finalizable);
        grey.extend(&heap.gc.due);
        while let Some(v) = grey.pop() {
            // SAFETY: what the roots reach is live. What is still shared refers to nothing that has a copy.
            unsafe {
                if v.is_object() && v.tag != tag::STRING && !is_shared(v) && seen.insert(v.payload) {
                    self.rewrite(v, &mut |v| grey.push(v));
                }
            }
        }
    }

    unsafe fn slot(&self, at: *mut Value, see: &mut dyn FnMut(Value)) {
        // SAFETY: by contract a live slot.
        unsafe {
            let v = get(at);
            if v.is_object() {
                let own = self.of(v);
                if own.payload != v.payload {
                    put(at, own);
                }
                see(own);
            }
        }
    }

    /// Leads the references in one object to the copies, and calls `see` with everything that it refers to.
    unsafe fn rewrite(&self, v: Value, see: &mut dyn FnMut(Value)) {
        let meta = |meta: &mut *mut Table, see: &mut dyn FnMut(Value)| {
            if !meta.is_null() {
                *meta = self.table(*meta);
                see(Value::table(*meta));
            }
        };
        // SAFETY: by contract: a live object that does not belong to the image.
        unsafe {
            match v.tag {
                tag::TABLE => {
                    let t = v.as_table();
                    meta(&mut (*t).meta, see);
                    for i in 0..(*t).arr_len as usize {
                        self.slot((*t).arr.add(i), see);
                    }
                    if (*t).flags & table_flag::SHARED_NODES != 0 {
                        // These refer to no object (invariant 4).
                        return;
                    }
                    for i in 0..Table::node_count(t) {
                        let node = (*t).nodes.add(i);
                        if (*node).vtag != tag::NIL {
                            see(Node::key(node));
                            self.slot(Node::slot(node).0, see);
                        }
                    }
                }
                tag::CLOSURE => {
                    let closure = v.as_closure();
                    for i in 0..(*closure).len {
                        let upval: *mut Upval = *Closure::upval(closure, i);
                        if !upval.is_null() {
                            self.slot((*upval).v, see);
                        }
                    }
                }
                tag::NATIVE_CLOSURE => {
                    let closure = v.as_native_closure();
                    for i in 0..(*closure).len {
                        self.slot(NativeClosure::upval(closure, i), see);
                    }
                }
                tag::USERDATA => {
                    let userdata = v.as_userdata();
                    meta(&mut (*userdata).meta, see);
                    self.slot(&raw mut (*userdata).user_value, see);
                    (*userdata).role.each_place(|at| self.slot(at, see));
                    if let Role::Case { channel, .. } = &(*userdata).role {
                        see(Value::userdata(*channel));
                    }
                }
                tag::THREAD => {
                    let thread: *mut Thread = v.as_thread();
                    // All slots are initialised, and what they refer to is intact since the last collection.
                    let end = (*thread).limit.add(SLACK);
                    let mut slot = (*thread).stack;
                    while slot < end {
                        self.slot(slot, see);
                        slot = slot.add(1);
                    }
                    if !(*thread).resumer.is_null() {
                        see(Value::thread((*thread).resumer));
                    }
                    if let Some(hook) = &mut (*thread).hook {
                        hook.func = self.of(hook.func);
                        see(hook.func);
                    }
                }
                _ => {}
            }
        }
    }
}

/// True for an object of an image.
///
/// # Safety
/// The value is live.
#[must_use]
pub unsafe fn is_shared(v: Value) -> bool {
    // SAFETY: by contract; objects lie in cells.
    matches!(v.tag, tag::TABLE | tag::USERDATA | tag::NATIVE_CLOSURE)
        && unsafe { is_image(v.payload as *const u8) }
}

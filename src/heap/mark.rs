//! Marking: from the roots to everything that lives.
//!
//! 1. Marking never recurses: grey objects wait on `grey`. Large tables and stacks are scanned in chunks, and what a chunk
//!    found is scanned before the next one, so that the stack stays short.
//! 2. An ephemeron entry with an unmarked key waits in `waiting` under the key's address and is woken when the key is
//!    scanned, so rings and chains of ephemerons take linear time.
//! 3. Strings are values: a string key or value of a weak table is never removed by itself.
//! 4. Small parts lie in cells and are marked by their owner.

use super::alloc::tag_unit;
use super::region::{is_marked, set_mark};
use super::table::Node;
use super::userdata::Userdata;
use super::value::{get, put, tag};
use super::{Closure, Code, NativeClosure, Str, Table, Thread, Unit, Upval, Value, prefetch};
use crate::limits::{COLLECTION_CHUNK, MAX_CLASS_BUFFER};
use hashbrown::HashMap;

/// An object whose references are still to be marked, from slot `from` on.
#[derive(Clone, Copy)]
struct Grey {
    at: *mut u8,
    from: u32,
    tag: u8,
}

/// Grey objects whose memory has been asked for. They are scanned in order of arrival, some objects later (Cher, Hosking and Vitek:
/// Software Prefetching for Mark-Sweep Garbage Collection, 2004).
struct Arriving {
    ring: [Grey; ARRIVING],
    /// Where the oldest one is.
    next: usize,
    count: usize,
}

/// Objects under way at once.
const ARRIVING: usize = 8;

impl Arriving {
    const fn new() -> Self {
        const NONE: Grey = Grey { at: std::ptr::null_mut(), from: 0, tag: tag::NIL };
        Self { ring: [NONE; ARRIVING], next: 0, count: 0 }
    }

    /// The oldest one, as it is.
    fn take(&mut self) -> Option<Grey> {
        self.count = self.count.checked_sub(1)?;
        let oldest = self.ring[self.next];
        self.next = (self.next + 1) % ARRIVING;
        Some(oldest)
    }

    /// Asks for an object, if there is one, and gives one that was asked for before.
    #[inline(always)]
    unsafe fn pass(&mut self, object: Option<Grey>) -> Option<Grey> {
        if let Some(object) = object {
            prefetch(object.at);
            self.ring[(self.next + self.count) % ARRIVING] = object;
            self.count += 1;
            if self.count < ARRIVING {
                return None;
            }
        }
        let oldest = self.take()?;
        let middle = self.ring[(self.next + ARRIVING / 2) % ARRIVING];
        if middle.tag == tag::TABLE {
            // SAFETY: live when it became grey; nothing is freed before marking is over.
            unsafe {
                let t = middle.at.cast::<Table>();
                prefetch((*t).arr);
                prefetch((*t).nodes);
            }
        }
        Some(oldest)
    }
}

/// The state of marking.
pub(super) struct Marker {
    grey: Vec<Grey>,
    /// Size of what was marked.
    pub(super) live: usize,
    /// Work left in this slice: slots that may still be looked at.
    pub(super) work: isize,
    pub(super) weak_values: Vec<*mut Table>,
    pub(super) ephemerons: Vec<*mut Table>,
    pub(super) all_weak: Vec<*mut Table>,
    waiting: HashMap<usize, Vec<Value>>,
    /// Bytes of the lists in `waiting`.
    waiting_bytes: usize,
    pub(super) threads: Vec<*mut Thread>,
    /// The constant `"__mode"`.
    mode_key: *const Str,
}

#[derive(PartialEq)]
enum Weakness {
    Strong,
    Values,
    Keys,
    Both,
}

impl Marker {
    pub(super) fn new() -> Self {
        Self {
            grey: Vec::new(),
            live: 0,
            work: 0,
            weak_values: Vec::new(),
            ephemerons: Vec::new(),
            all_weak: Vec::new(),
            waiting: HashMap::new(),
            waiting_bytes: 0,
            threads: Vec::new(),
            mode_key: super::string::constant(b"__mode"),
        }
    }

    /// Bytes that marking itself takes, for the account.
    pub(super) fn bytes(&self) -> usize {
        self.grey.capacity() * size_of::<Grey>()
            + (self.weak_values.capacity() + self.ephemerons.capacity() + self.all_weak.capacity())
                * size_of::<*mut Table>()
            + self.threads.capacity() * size_of::<*mut Thread>()
            + self.waiting.allocation_size()
            + self.waiting_bytes
    }

    /// Forgets which ephemeron entries wait: their keys are dead.
    pub(super) fn give_up_waiting(&mut self) {
        self.waiting = HashMap::new();
        self.waiting_bytes = 0;
    }

    #[inline(always)]
    pub(super) fn mark(&mut self, v: Value) {
        if v.is_object() {
            // SAFETY: roots and everything reachable from them are live objects.
            unsafe { self.mark_object(v.payload as *mut u8, v.tag) };
        }
    }

    #[inline(always)]
    unsafe fn mark_object(&mut self, at: *mut u8, tag: u8) {
        // SAFETY: by contract: `at` is a live object with this tag.
        unsafe {
            let size = set_mark(at);
            if size != 0 {
                self.live += size;
                if tag != tag::STRING {
                    self.grey.push(Grey { at, from: 0, tag });
                }
            }
        }
    }

    /// Scans grey objects until there are none; false if the work did not suffice.
    pub(super) fn propagate(&mut self) -> bool {
        let mut arriving = Arriving::new();
        while self.work > 0 {
            let new = self.grey.pop();
            let is_last = new.is_none();
            // SAFETY: grey objects are live.
            let Some(Grey { at, from, tag }) = (unsafe { arriving.pass(new) }) else {
                if is_last {
                    return true;
                }
                continue;
            };
            self.work -= 1;
            if !self.waiting.is_empty()
                && let Some(values) = self.waiting.remove(&(at as usize))
            {
                self.waiting_bytes -= values.capacity() * size_of::<Value>();
                for v in values {
                    self.mark(v);
                }
            }
            // SAFETY: grey objects are live and have this tag.
            unsafe {
                match tag {
                    tag::TABLE => self.scan_table(at.cast(), from as usize),
                    tag::CLOSURE => self.scan_closure(at.cast()),
                    tag::NATIVE_CLOSURE => {
                        let closure = at.cast::<NativeClosure>();
                        for i in 0..(*closure).len {
                            self.mark(get(NativeClosure::upval(closure, i)));
                        }
                    }
                    tag::USERDATA => {
                        let userdata = at.cast::<Userdata>();
                        if !(*userdata).meta.is_null() {
                            self.mark(Value::table((*userdata).meta));
                        }
                        self.mark(get(&raw const (*userdata).user_value));
                        (*userdata).role.each_value(|v| {
                            self.work -= 1;
                            self.mark(v);
                        });
                    }
                    tag::THREAD => self.scan_thread(at.cast(), from as usize),
                    _ => {
                        let unit = at.cast::<Unit>();
                        if !(*unit).code.is_null() {
                            self.scan_code((*unit).code);
                        }
                    }
                }
            }
        }
        while let Some(object) = arriving.take() {
            self.grey.push(object);
        }
        self.grey.is_empty()
    }

    unsafe fn scan_closure(&mut self, closure: *mut Closure) {
        // SAFETY: by contract: a live closure; its code lives as long as its unit or the program.
        unsafe {
            (*closure).last_made = std::ptr::null_mut();
            let unit = (*(*closure).code).unit;
            if !unit.is_null() {
                self.mark_object(unit.cast(), tag_unit());
            }
            self.work -= (*closure).len as isize;
            for i in 0..(*closure).len {
                let upval: *mut Upval = *Closure::upval(closure, i);
                if upval.is_null() {
                    continue;
                }
                let size = set_mark(upval.cast());
                if size != 0 {
                    self.live += size;
                    // Also while it is open: its coroutine may be dead and the variable live.
                    self.mark(get((*upval).v));
                }
            }
        }
    }

    unsafe fn scan_code(&mut self, code: *const Code) {
        // SAFETY: by contract. Nesting is bounded by the parser and the verifier.
        unsafe {
            let consts = &(*code).consts;
            self.work -= consts.len() as isize;
            for k in consts {
                if k.tag == u32::from(tag::STRING) {
                    self.mark_object(k.payload as *mut u8, tag::STRING);
                }
            }
            for child in &(*code).protos {
                self.scan_code(child);
            }
        }
    }

    unsafe fn scan_thread(&mut self, thread: *mut Thread, from: usize) {
        // SAFETY: by contract; invariants of `thread.rs`.
        unsafe {
            if from == 0 {
                self.threads.push(thread);
                self.mark_part((*thread).stack.cast(), Thread::stack_bytes(thread));
                self.mark_part((*thread).frames.cast(), Thread::frames_bytes(thread));
                if !(*thread).resumer.is_null() {
                    self.mark(Value::thread((*thread).resumer));
                }
                if let Some(hook) = &(*thread).hook {
                    let func = hook.func;
                    self.mark(func);
                }
            }
            let len = (*thread).top.offset_from((*thread).stack) as usize;
            let end = len.min(from + COLLECTION_CHUNK);
            if end < len {
                self.grey.push(Grey { at: thread.cast(), from: end as u32, tag: tag::THREAD });
            }
            self.work -= (end - from) as isize;
            for i in from..end {
                self.mark(get((*thread).stack.add(i)));
            }
        }
    }

    /// What a metatable says.
    unsafe fn weakness(&self, meta: *mut Table) -> Weakness {
        // SAFETY: by contract: a live table.
        unsafe {
            let mode = Table::get_str(meta, self.mode_key);
            if mode.tag != tag::STRING {
                return Weakness::Strong;
            }
            let mode = Str::bytes(mode.as_str());
            match (mode.contains(&b'k'), mode.contains(&b'v')) {
                (false, false) => Weakness::Strong,
                (false, true) => Weakness::Values,
                (true, false) => Weakness::Keys,
                (true, true) => Weakness::Both,
            }
        }
    }

    /// Scans a chunk of a table. Slots count through the array part and then the nodes.
    #[inline]
    unsafe fn scan_table(&mut self, t: *mut Table, from: usize) {
        // SAFETY: by contract: a live table.
        unsafe {
            if from == 0 {
                self.mark_parts(t);
            }
            let meta = (*t).meta;
            if !meta.is_null() {
                self.mark_object(meta.cast(), tag::TABLE);
                let weakness = self.weakness(meta);
                if weakness != Weakness::Strong {
                    return self.scan_weak(t, from, weakness);
                }
            }
            let (len, end) = self.chunk(t, from);
            self.mark_array(t, from, end.min(len));
            for i in from.max(len)..end {
                let node = (*t).nodes.add(i - len);
                if (*node).vtag == tag::NIL {
                    kill_key(node);
                } else {
                    self.mark(Node::key(node));
                    self.mark(Node::slot(node).get());
                }
            }
        }
    }

    /// Marks elements `from..to` of the array part.
    #[inline(always)]
    unsafe fn mark_array(&mut self, t: *mut Table, from: usize, to: usize) {
        for i in from..to {
            // SAFETY: by contract: a live table, and indices inside its array part.
            unsafe { self.mark(get((*t).arr.add(i))) };
        }
    }

    /// Length of the array part and end of the chunk that begins at `from`; what follows it waits.
    #[inline(always)]
    unsafe fn chunk(&mut self, t: *mut Table, from: usize) -> (usize, usize) {
        // SAFETY: by contract: a live table.
        unsafe {
            let len = (*t).arr_len as usize;
            let mut end = len + Table::node_count(t);
            if end > from + COLLECTION_CHUNK {
                end = from + COLLECTION_CHUNK;
                self.grey.push(Grey { at: t.cast(), from: end as u32, tag: tag::TABLE });
            }
            self.work -= (end - from) as isize;
            (len, end)
        }
    }

    #[inline(never)]
    unsafe fn scan_weak(&mut self, t: *mut Table, from: usize, weakness: Weakness) {
        // SAFETY: by contract: a live table.
        unsafe {
            if from == 0 {
                match weakness {
                    Weakness::Strong => {}
                    Weakness::Values => self.weak_values.push(t),
                    Weakness::Keys => self.ephemerons.push(t),
                    Weakness::Both => self.all_weak.push(t),
                }
            }
            if weakness == Weakness::Both {
                return;
            }
            let (len, end) = self.chunk(t, from);
            if weakness == Weakness::Keys {
                self.mark_array(t, from, end.min(len));
            }
            for i in from.max(len)..end {
                let node = (*t).nodes.add(i - len);
                if (*node).vtag == tag::NIL {
                    kill_key(node);
                    continue;
                }
                let key = Node::key(node);
                if weakness == Weakness::Values {
                    self.mark(key);
                    continue;
                }
                let value = Node::slot(node).get();
                if key.tag == tag::STRING {
                    self.mark(key);
                }
                if !key.is_object() || is_marked(key.payload as *const u8) {
                    self.mark(value);
                } else if value.is_object() {
                    let values = self.waiting.entry(key.payload as usize).or_default();
                    let before = values.capacity();
                    values.push(value);
                    self.waiting_bytes += (values.capacity() - before) * size_of::<Value>();
                }
            }
        }
    }

    unsafe fn mark_parts(&mut self, t: *mut Table) {
        // SAFETY: by contract.
        unsafe {
            self.mark_part((*t).arr.cast(), (*t).arr_cap as usize * size_of::<Value>());
            self.mark_part((*t).nodes.cast(), Table::node_count(t) * size_of::<Node>());
        }
    }

    #[inline(always)]
    unsafe fn mark_part(&mut self, at: *mut u8, size: usize) {
        if size > 0 && size <= MAX_CLASS_BUFFER {
            // SAFETY: by contract; parts up to this size lie in cells.
            self.live += unsafe { set_mark(at) };
        }
    }

    /// True if a weak reference to `v` must go. Strings are kept by marking them here.
    unsafe fn is_dead(&mut self, v: Value) -> bool {
        if !v.is_object() {
            return false;
        }
        if v.tag == tag::STRING {
            self.mark(v);
            return false;
        }
        // SAFETY: the object is still in its cell, marked or not.
        unsafe { !is_marked(v.payload as *const u8) }
    }

    /// Clears entries with dead values (or dead keys, if `keys`) in slots from `from` on. Returns where to go on, or `None`
    /// at the end.
    pub(super) unsafe fn clear_entries(&mut self, t: *mut Table, from: usize, keys: bool) -> Option<usize> {
        // SAFETY: by contract: a marked table.
        unsafe {
            let len = (*t).arr_len as usize;
            let all = len + Table::node_count(t);
            let end = all.min(from + COLLECTION_CHUNK);
            self.work -= (end - from) as isize + 1;
            if !keys {
                for i in from..end.min(len) {
                    let slot = (*t).arr.add(i);
                    if self.is_dead(get(slot)) {
                        put(slot, Value::NIL);
                    }
                }
            }
            for i in from.max(len) - len..end.max(len) - len {
                let node = (*t).nodes.add(i);
                if (*node).vtag != tag::NIL {
                    let v = if keys { Node::key(node) } else { Node::slot(node).get() };
                    if self.is_dead(v) {
                        Node::slot(node).put(Value::NIL);
                    }
                }
                if (*node).vtag == tag::NIL {
                    kill_key(node);
                }
            }
            (end < all).then_some(end)
        }
    }
}

/// The key of an entry without value may die: the node remembers its address only.
unsafe fn kill_key(node: *mut Node) {
    // SAFETY: by contract: a live node.
    unsafe {
        if (*node).ktag >= u32::from(tag::STRING) {
            (*node).ktag = u32::from(tag::DEAD);
        }
    }
}

//! The collector of one process: precise mark and sweep with weak tables, ephemerons and finalizers.
//!
//! The process does not run between the start and the end of a collection, so there are no barriers and one colour suffices:
//! marked. The order of the end game is that of PUC-Rio Lua 5.3 (`atomic` in `lgc.c`): clear weak values of what is
//! dead; mark what finalizers will see (resurrection); clear weak keys, and weak values of what was resurrected.
//!
//! 1. Marking never recurses: grey objects wait on `grey`.
//! 2. An ephemeron entry with an unmarked key waits in `waiting` under the key's address and is woken when the key is
//!    scanned, so rings and chains of ephemerons take linear time.
//! 3. Strings are values: a string key or value of a weak table is never removed by itself.
//! 4. Small table parts lie in cells and are marked by their table.

use super::alloc::{Heap, is_marked, set_mark, tag_unit};
use super::table::{Node, table_flag};
use super::thread::Status;
use super::userdata::{Role, Userdata};
use super::value::{get, put, tag};
use super::{Closure, Code, NativeClosure, Str, Table, Thread, Unit, Upval, Value};
use crate::limits::{DEFAULT_GC_PAUSE, DEFAULT_GC_STEPMUL, MAX_CLASS_BUFFER, MIN_GC_THRESHOLD};
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Collector state of one process.
pub struct Gc {
    grey: Vec<(*mut u8, u8)>,
    live: usize,
    weak_values: Vec<*mut Table>,
    ephemerons: Vec<*mut Table>,
    all_weak: Vec<*mut Table>,
    waiting: HashMap<usize, Vec<Value>>,
    threads: Vec<*mut Thread>,
    /// Coroutines that have or had open upvalues, linked by [`Thread::next_with_open`].
    with_open: *mut Thread,
    /// Objects with a finalizer, in the order in which they got it.
    finalizable: Vec<Value>,
    /// Unreachable objects whose finalizers are due, first one first.
    due: VecDeque<Value>,
    /// The constant `"__mode"`.
    mode_key: *const Str,
    /// `collectgarbage("stop")`.
    pub stopped: bool,
    pub pause: i64,
    pub stepmul: i64,
    /// Collections completed.
    pub cycles: u64,
    /// Work asked for by steps since the last collection, in bytes.
    stepped: usize,
}

/// What a process keeps alive.
pub trait Roots {
    /// Calls `mark` with every root value.
    fn each(&mut self, mark: &mut dyn FnMut(Value));
}

enum Weakness {
    Strong,
    Values,
    Keys,
    Both,
}

impl Gc {
    pub(super) fn new() -> Self {
        Self {
            grey: Vec::new(),
            live: 0,
            weak_values: Vec::new(),
            ephemerons: Vec::new(),
            all_weak: Vec::new(),
            waiting: HashMap::new(),
            threads: Vec::new(),
            with_open: std::ptr::null_mut(),
            finalizable: Vec::new(),
            due: VecDeque::new(),
            mode_key: super::string::constant(b"__mode"),
            stopped: false,
            pause: DEFAULT_GC_PAUSE,
            stepmul: DEFAULT_GC_STEPMUL,
            cycles: 0,
            stepped: 0,
        }
    }

    /// The next object whose finalizer is due.
    pub fn take_due(&mut self) -> Option<Value> {
        let object = self.due.pop_front()?;
        // The object may get a finalizer again.
        // SAFETY: due objects are kept alive by the collector.
        unsafe {
            match object.tag {
                tag::TABLE => (*object.as_table()).flags &= !table_flag::FINALIZER,
                _ => (*object.as_userdata()).has_finalizer = false,
            }
        }
        Some(object)
    }

    /// True if a finalizer is due.
    #[must_use]
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Makes the finalizers of all objects due, last registered first, as at the end of a program.
    pub fn finalize_all(&mut self) {
        self.due.extend(self.finalizable.drain(..).rev());
    }
}

impl Heap {
    /// Notes that `object` (a table or userdata) has a finalizer. Has an effect once until it runs.
    pub fn register_finalizer(&mut self, object: Value) {
        // SAFETY: a value of the process's own, hence live.
        unsafe {
            match object.tag {
                tag::TABLE if (*object.as_table()).flags & table_flag::FINALIZER == 0 => {
                    (*object.as_table()).flags |= table_flag::FINALIZER;
                }
                tag::USERDATA if !(*object.as_userdata()).has_finalizer => {
                    (*object.as_userdata()).has_finalizer = true;
                }
                _ => return,
            }
        }
        self.gc.finalizable.push(object);
    }

    /// A full collection. Finalizers become due; the caller runs them.
    pub fn collect(&mut self, roots: &mut dyn Roots) {
        self.clear_marks();
        self.gc.live = 0;
        roots.each(&mut |v| self.mark(v));
        for i in 0..self.gc.due.len() {
            let object = self.gc.due[i];
            self.mark(object);
        }
        self.propagate();
        self.mark_fresh_upvals();
        self.propagate();
        self.finish_marking();
        self.release_dead();
        let live = self.gc.live;
        self.finish_sweep(live);
        self.gc.cycles += 1;
        self.gc.stepped = 0;
        self.restart_pacing();
    }

    /// A step of `kilobytes` as `collectgarbage("step")` asks for: true when the steps since the last collection amount to
    /// one, which the caller then makes. A step of 0 is a small one.
    pub fn step(&mut self, kilobytes: usize) -> bool {
        const BASIC_STEP: usize = 2 << 10;
        self.gc.stepped =
            self.gc.stepped.saturating_add(kilobytes.saturating_mul(1024)).saturating_add(BASIC_STEP);
        self.gc.stepped >= self.bytes_in_use()
    }

    /// Chooses when the next collection is due, from what is in use now.
    pub fn restart_pacing(&mut self) {
        let in_use = self.bytes_in_use();
        let pause = usize::try_from(self.gc.pause.max(100)).unwrap_or(usize::MAX);
        let mut next = (in_use / 100).saturating_mul(pause).max(MIN_GC_THRESHOLD);
        // Close to the limit collect before it is hit, but not for every kilobyte: a refused allocation collects once more.
        if self.limit() != usize::MAX {
            let room = self.limit().saturating_sub(in_use);
            next = next.min(in_use + (room / 2).max(self.limit() / 16));
        }
        self.set_threshold(next);
    }

    /// Puts the next automatic collection off until the account has grown by `bytes`.
    pub fn postpone(&mut self, bytes: usize) {
        let in_use = self.bytes_in_use();
        self.set_threshold(in_use.saturating_add(bytes));
    }

    fn mark(&mut self, v: Value) {
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
                self.gc.live += size;
                if tag != tag::STRING {
                    self.gc.grey.push((at, tag));
                }
            }
        }
    }

    fn propagate(&mut self) {
        while let Some((at, tag)) = self.gc.grey.pop() {
            if !self.gc.waiting.is_empty()
                && let Some(values) = self.gc.waiting.remove(&(at as usize))
            {
                for v in values {
                    self.mark(v);
                }
            }
            // SAFETY: grey objects are live and have this tag.
            unsafe {
                match tag {
                    tag::TABLE => self.scan_table(at.cast()),
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
                        (*userdata).role.each_value(|v| self.mark(v));
                    }
                    tag::THREAD => self.scan_thread(at.cast()),
                    _ => {
                        let unit = at.cast::<Unit>();
                        if !(*unit).code.is_null() {
                            self.scan_code((*unit).code);
                        }
                    }
                }
            }
        }
    }

    /// Notes a coroutine with an open upvalue for [`Heap::mark_fresh_upvals`].
    pub(super) fn list_with_open(&mut self, thread: *mut Thread) {
        // SAFETY: the caller's coroutine is live; those of the list are until a collection takes them out.
        unsafe { (*thread).next_with_open = self.gc.with_open };
        self.gc.with_open = thread;
    }

    /// As in 5.3 (`remarkupvals` in `lgc.c`), the collection that first finds a coroutine dead keeps what its open upvalues
    /// hold: a cycle through such a variable takes two collections, which programs with finalizers can see.
    fn mark_fresh_upvals(&mut self) {
        let mut thread = std::mem::replace(&mut self.gc.with_open, std::ptr::null_mut());
        while !thread.is_null() {
            // SAFETY: the list holds coroutines that lived before this collection, so all of it is intact.
            unsafe {
                let next = (*thread).next_with_open;
                if is_marked(thread.cast()) && !(*thread).open.is_null() {
                    self.list_with_open(thread);
                } else {
                    (*thread).next_with_open = thread;
                    let mut upval = (*thread).open;
                    while !upval.is_null() {
                        if Upval::is_fresh(upval) {
                            Upval::set_fresh(upval, false);
                            self.mark(get((*upval).v));
                        }
                        upval = (*upval).next;
                    }
                }
                thread = next;
            }
        }
    }

    unsafe fn scan_closure(&mut self, closure: *mut Closure) {
        // SAFETY: by contract: a live closure; its code lives as long as its unit or the program.
        unsafe {
            (*closure).last_made = std::ptr::null_mut();
            let unit = (*(*closure).code).unit;
            if !unit.is_null() {
                self.mark_object(unit.cast(), tag_unit());
            }
            for i in 0..(*closure).len {
                let upval: *mut Upval = *Closure::upval(closure, i);
                if upval.is_null() {
                    continue;
                }
                let size = set_mark(upval.cast());
                if size != 0 {
                    self.gc.live += size;
                    // Also while it is open: its coroutine may be dead and the variable live.
                    self.mark(get((*upval).v));
                }
            }
        }
    }

    unsafe fn scan_code(&mut self, code: *const Code) {
        // SAFETY: by contract. Nesting is bounded by the parser and the verifier.
        unsafe {
            for k in &(*code).consts {
                if k.tag == u32::from(tag::STRING) {
                    self.mark_object(k.payload as *mut u8, tag::STRING);
                }
            }
            for child in &(*code).protos {
                self.scan_code(child);
            }
        }
    }

    unsafe fn scan_thread(&mut self, thread: *mut Thread) {
        // SAFETY: by contract; invariants of `thread.rs`.
        unsafe {
            self.gc.threads.push(thread);
            let mut slot = (*thread).stack;
            while slot < (*thread).top {
                self.mark(get(slot));
                slot = slot.add(1);
            }
            if !(*thread).resumer.is_null() {
                self.mark(Value::thread((*thread).resumer));
            }
            if let Some(hook) = &(*thread).hook {
                let func = hook.func;
                self.mark(func);
            }
        }
    }

    unsafe fn weakness(&self, t: *mut Table) -> Weakness {
        // SAFETY: by contract.
        unsafe {
            let meta = (*t).meta;
            if meta.is_null() {
                return Weakness::Strong;
            }
            let mode = Table::get_str(meta, self.gc.mode_key);
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

    unsafe fn scan_table(&mut self, t: *mut Table) {
        // SAFETY: by contract: a live table.
        unsafe {
            self.mark_parts(t);
            if !(*t).meta.is_null() {
                self.mark_object((*t).meta.cast(), tag::TABLE);
            }
            match self.weakness(t) {
                Weakness::Strong => {
                    self.scan_array(t);
                    for i in 0..Table::node_count(t) {
                        let node = (*t).nodes.add(i);
                        if (*node).vtag == tag::NIL {
                            kill_key(node);
                        } else {
                            self.mark(Node::key(node));
                            self.mark(Node::slot(node).get());
                        }
                    }
                }
                Weakness::Values => {
                    for i in 0..Table::node_count(t) {
                        let node = (*t).nodes.add(i);
                        if (*node).vtag == tag::NIL {
                            kill_key(node);
                        } else {
                            self.mark(Node::key(node));
                        }
                    }
                    self.gc.weak_values.push(t);
                }
                Weakness::Keys => {
                    self.scan_array(t);
                    for i in 0..Table::node_count(t) {
                        let node = (*t).nodes.add(i);
                        if (*node).vtag == tag::NIL {
                            kill_key(node);
                            continue;
                        }
                        let key = Node::key(node);
                        let value = Node::slot(node).get();
                        if key.tag == tag::STRING {
                            self.mark(key);
                        }
                        if !key.is_object() || is_marked(key.payload as *const u8) {
                            self.mark(value);
                        } else if value.is_object() {
                            self.gc.waiting.entry(key.payload as usize).or_default().push(value);
                        }
                    }
                    self.gc.ephemerons.push(t);
                }
                Weakness::Both => self.gc.all_weak.push(t),
            }
        }
    }

    unsafe fn scan_array(&mut self, t: *mut Table) {
        // SAFETY: by contract.
        unsafe {
            for i in 0..(*t).arr_len as usize {
                self.mark(get((*t).arr.add(i)));
            }
        }
    }

    unsafe fn mark_parts(&mut self, t: *mut Table) {
        // SAFETY: by contract; parts up to this size lie in cells.
        unsafe {
            let array = (*t).arr_cap as usize * size_of::<Value>();
            if array > 0 && array <= MAX_CLASS_BUFFER {
                self.gc.live += set_mark((*t).arr.cast());
            }
            let nodes = Table::node_count(t) * size_of::<Node>();
            if nodes > 0 && nodes <= MAX_CLASS_BUFFER {
                self.gc.live += set_mark((*t).nodes.cast());
            }
        }
    }

    fn finish_marking(&mut self) {
        // Weak values go before finalizers see anything.
        // SAFETY: the lists hold marked tables.
        unsafe {
            let weak_values = self.gc.weak_values.len();
            let all_weak = self.gc.all_weak.len();
            for i in 0..weak_values {
                self.clear_values(self.gc.weak_values[i]);
            }
            for i in 0..all_weak {
                self.clear_values(self.gc.all_weak[i]);
            }
            self.separate_due();
            self.propagate();
            for t in std::mem::take(&mut self.gc.ephemerons) {
                self.clear_keys(t);
            }
            for i in 0..self.gc.all_weak.len() {
                self.clear_keys(self.gc.all_weak[i]);
            }
            // Tables that only resurrection reached.
            for i in weak_values..self.gc.weak_values.len() {
                self.clear_values(self.gc.weak_values[i]);
            }
            for i in all_weak..self.gc.all_weak.len() {
                self.clear_values(self.gc.all_weak[i]);
            }
        }
        self.gc.weak_values.clear();
        self.gc.all_weak.clear();
        self.gc.waiting.clear();
    }

    /// Moves unmarked objects with finalizers to `due`, last registered first, and marks them again.
    unsafe fn separate_due(&mut self) {
        let mut dead = Vec::new();
        self.gc.finalizable.retain(|object| {
            // SAFETY: objects with finalizers are live until they were finalized.
            let alive = unsafe { is_marked(object.payload as *const u8) };
            if !alive {
                dead.push(*object);
            }
            alive
        });
        for &object in dead.iter().rev() {
            self.gc.due.push_back(object);
        }
        for object in dead {
            self.mark(object);
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

    unsafe fn clear_values(&mut self, t: *mut Table) {
        // SAFETY: by contract: a marked table.
        unsafe {
            for i in 0..(*t).arr_len as usize {
                let slot = (*t).arr.add(i);
                if self.is_dead(get(slot)) {
                    put(slot, Value::NIL);
                }
            }
            for i in 0..Table::node_count(t) {
                let node = (*t).nodes.add(i);
                if (*node).vtag != tag::NIL && self.is_dead(Node::slot(node).get()) {
                    Node::slot(node).put(Value::NIL);
                }
                if (*node).vtag == tag::NIL {
                    kill_key(node);
                }
            }
        }
    }

    unsafe fn clear_keys(&mut self, t: *mut Table) {
        // SAFETY: by contract: a marked table.
        unsafe {
            for i in 0..Table::node_count(t) {
                let node = (*t).nodes.add(i);
                if (*node).vtag != tag::NIL && self.is_dead(Node::key(node)) {
                    Node::slot(node).put(Value::NIL);
                }
                if (*node).vtag == tag::NIL {
                    kill_key(node);
                }
            }
        }
    }

    /// Unlinks dead upvalues from living coroutines and releases what dead objects own outside of cells.
    fn release_dead(&mut self) {
        // SAFETY: all objects, dead ones too, are still intact in their cells.
        unsafe {
            for thread in std::mem::take(&mut self.gc.threads) {
                let mut link = &raw mut (*thread).open;
                while !(*link).is_null() {
                    if is_marked((*link).cast()) {
                        link = &raw mut (**link).next;
                    } else {
                        *link = (**link).next;
                    }
                }
                // Slots in use when the frames below grow again must not show what died now.
                let end = (*thread).limit;
                let mut slot = (*thread).top;
                while slot < end {
                    put(slot, Value::NIL);
                    slot = slot.add(1);
                }
                if matches!((*thread).status, Status::Suspended | Status::Normal | Status::Blocked) {
                    Thread::shrink(thread, self);
                }
            }
            let mut dead = Vec::new();
            self.externals.retain(|(object, _)| {
                let alive = is_marked(object.payload as *const u8);
                if !alive {
                    dead.push(*object);
                }
                alive
            });
            for object in dead {
                self.release_external(object);
            }
        }
    }

    pub(super) unsafe fn release_external(&mut self, object: Value) {
        // SAFETY: by contract: a registered object that nobody uses any more.
        unsafe {
            match object.tag {
                tag::STRING => {
                    let s = object.as_str();
                    if let Some(blob) = Str::blob(s) {
                        self.sub_external(Str::len(s));
                        super::Blob::release(blob);
                    }
                }
                tag::TABLE => Table::release(object.as_table(), self),
                tag::USERDATA => {
                    let userdata = object.as_userdata();
                    drop((*userdata).data.take());
                    self.sub_external((*userdata).external as usize);
                    if let Role::Channel(channel) = std::mem::replace(&mut (*userdata).role, Role::Plain) {
                        self.sub_external(channel.bytes());
                    }
                }
                tag::THREAD => Thread::release(object.as_thread(), self),
                _ => {
                    let unit = object.payload as *mut Unit;
                    if !(*unit).code.is_null() {
                        self.sub_external((*unit).bytes);
                        drop(Box::from_raw((*unit).code));
                    }
                }
            }
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

//! What a native function can ask of its process: globals, metatables, code, the collector, errors.

use super::progress::Kept;
use super::{Co, Cx, Kind, Step, Tab, Val};
use crate::heap::value::{put, tag};
use crate::heap::{Ahead, Table, Value};
use crate::limits::{BYTES_PER_REDUCTION, TABLE_PIECE};
use crate::vm::error::Raised;
use crate::vm::{LuaError, Vm};

/// Emptied places of a table looked at for one reduction.
const PLACES_PER_REDUCTION: usize = 8;

/// A `next` that has found only emptied places so far.
struct Traversal {
    from: usize,
    layout: (usize, usize),
}

impl Kept for Traversal {}

impl<'gc> Cx<'gc> {
    // ---- the process ----

    /// The table of globals.
    #[must_use]
    pub fn globals(&self) -> Tab<'gc> {
        Tab::new(self.vm().globals)
    }

    /// The registry: a table that Lua code does not see (but `debug.getregistry`).
    #[must_use]
    pub fn registry(&self) -> Tab<'gc> {
        Tab::new(self.vm().registry)
    }

    /// The table that the process keeps for the owner of a static variable, made by `make` at first use. While the process shares
    /// its registry with others, its own such tables are elsewhere.
    ///
    /// # Errors
    /// Those of `make`; memory.
    pub fn kept<T>(
        &mut self,
        owner: &'static T,
        make: impl FnOnce(&mut Self) -> Result<Tab<'gc>, LuaError>,
    ) -> Result<Tab<'gc>, LuaError> {
        if let Some(table) = self.kept_already(owner) {
            return Ok(table);
        }
        let made = make(self)?;
        let place = if !self.vm().shares_environment() {
            self.registry()
        } else if self.vm().kept.is_null() {
            let place = self.table(0, 1)?;
            self.vm_mut().kept = place.at;
            place
        } else {
            Tab::new(self.vm().kept)
        };
        place.set(self, Val::light(std::ptr::from_ref(owner) as usize), made.into())?;
        Ok(made)
    }

    /// As [`Cx::kept`], but none if it has not been made yet.
    #[must_use]
    pub fn kept_already<T>(&self, owner: &'static T) -> Option<Tab<'gc>> {
        let key = Val::light(std::ptr::from_ref(owner) as usize);
        let own = (!self.vm().kept.is_null()).then(|| Tab::new(self.vm().kept).get(key).as_table());
        own.flatten().or_else(|| self.registry().get(key).as_table())
    }

    /// Bytes that the process's memory limit leaves.
    #[must_use]
    pub fn memory_left(&self) -> usize {
        self.vm().heap.room()
    }

    /// The running coroutine, and whether it is the main one.
    #[must_use]
    pub fn running(&self) -> (Co<'gc>, bool) {
        (Co::new(self.th()), self.th() == self.vm().main)
    }

    /// A debug hook sees the calls of the running coroutine.
    #[must_use]
    pub fn is_hooked(&self) -> bool {
        self.vm().hooked
    }

    /// The coroutine of the main chunk.
    #[must_use]
    pub fn main_coroutine(&self) -> Co<'gc> {
        Co::new(self.vm().main)
    }

    /// True if a manual yield would succeed here.
    #[must_use]
    pub fn is_yieldable(&self) -> bool {
        // SAFETY: the running coroutine is live.
        unsafe { self.vm().can_yield() }
    }

    /// Metatable of any value.
    #[must_use]
    pub fn metatable(&self, v: Val<'gc>) -> Option<Tab<'gc>> {
        // SAFETY: live during 'gc.
        let meta = unsafe { self.vm().metatable(v.raw()) };
        (!meta.is_null()).then(|| Tab::new(meta))
    }

    /// Returns the entry of `t` after `key`, as the function `next` does: key and value, or nil at the end. A native function
    /// ends with it and begins with it again when it is entered again: looking past very many emptied places takes several
    /// slices.
    ///
    /// # Errors
    /// "invalid key to 'next'".
    pub fn ret_next(&mut self, t: Tab<'gc>, key: Val<'gc>) -> Result<Step, LuaError> {
        // What ran in between (a finalizer) may have given the table other places.
        let kept = self.take::<Traversal>().filter(|kept| kept.layout == t.layout());
        let mut from = match kept {
            Some(kept) => kept.from,
            None => t.place_after(key).map_err(|()| LuaError::bare("invalid key to 'next'"))?,
        };
        loop {
            match t.look(from, TABLE_PIECE) {
                Ahead::Entry(_, key, v) => {
                    self.push(Val::raw_new(key));
                    self.push(Val::raw_new(v));
                    return Ok(Step::Return(2));
                }
                Ahead::End => return self.ret(Val::NIL),
                Ahead::Empty(at) => {
                    let spent = self.charge((at - from) / PLACES_PER_REDUCTION);
                    from = at;
                    if spent {
                        self.keep(Traversal { from, layout: t.layout() });
                        return Ok(Step::Again);
                    }
                }
            }
        }
    }

    /// Sets the metatable of a table or userdata, or of a whole basic type.
    ///
    /// # Errors
    /// Memory.
    pub fn set_metatable(&mut self, v: Val<'gc>, meta: Option<Tab<'gc>>) -> Result<(), LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            if self.vm().is_shared(v.raw()) {
                self.vm_mut().own_environment(v.raw())?;
            }
            let v = Val::raw_new(self.vm().own(v.raw()));
            let meta = meta.map_or(Value::NIL, |t| self.vm().own(Value::table(t.at)));
            let at = if meta.is_nil() { std::ptr::null_mut() } else { meta.as_table() };
            match v.raw().tag {
                tag::TABLE => (*v.raw().as_table()).meta = at,
                tag::USERDATA => (*v.raw().as_userdata()).meta = at,
                t => {
                    self.vm_mut().metas[Vm::meta_slot(t)] = at;
                    return Ok(());
                }
            }
            let vm = self.vm_mut();
            if !vm.handler(at, crate::vm::meta::Event::Gc).is_nil() {
                vm.heap.register_finalizer(v.raw());
            }
            Ok(())
        }
    }

    /// A field of the value's metatable (raw), nil if there is none.
    #[must_use]
    pub fn metafield(&self, v: Val<'gc>, event: crate::vm::meta::Event) -> Val<'gc> {
        // SAFETY: live during 'gc.
        unsafe { Val::raw_new(self.vm().value_handler(v.raw(), event)) }
    }

    /// `obj[key]`: the value, or (`Err` inside) the function to call with `(obj, key)` for it, as pushed by
    /// [`Cx::push_call`].
    ///
    /// # Errors
    /// "attempt to index a … value".
    pub fn index(
        &mut self,
        obj: Val<'gc>,
        key: Val<'gc>,
    ) -> Result<Result<Val<'gc>, [Val<'gc>; 3]>, LuaError> {
        use crate::vm::index::Get;
        // SAFETY: live during 'gc.
        unsafe {
            Ok(match self.vm_mut().index(obj.raw(), key.raw(), crate::vm::names::Operand::None)? {
                Get::Value(v) => Ok(Val::raw_new(v)),
                Get::Call(handler, obj) => Err([Val::raw_new(handler), Val::raw_new(obj), key]),
            })
        }
    }

    /// `obj[key] = v`; `Some` is the call to make for it, without results.
    ///
    /// # Errors
    /// "attempt to index a … value", bad keys, memory.
    pub fn set_index(
        &mut self,
        obj: Val<'gc>,
        key: Val<'gc>,
        v: Val<'gc>,
    ) -> Result<Option<[Val<'gc>; 4]>, LuaError> {
        use crate::vm::index::Set;
        // SAFETY: live during 'gc.
        unsafe {
            Ok(
                match self.vm_mut().set_index(
                    obj.raw(),
                    key.raw(),
                    v.raw(),
                    crate::vm::names::Operand::None,
                )? {
                    Set::Done => None,
                    Set::Call(handler, obj) => Some([Val::raw_new(handler), Val::raw_new(obj), key, v]),
                    Set::Full(t) => {
                        let vm = self.vm_mut();
                        Table::grow_and_insert(t, &mut vm.heap, key.raw(), v.raw())?;
                        vm.pay_owed();
                        None
                    }
                },
            )
        }
    }

    /// `a < b`: the answer, or the call whose first result, as a truth value, is the answer.
    ///
    /// # Errors
    /// "attempt to compare …".
    pub fn less_than(&mut self, a: Val<'gc>, b: Val<'gc>) -> Result<Result<bool, [Val<'gc>; 3]>, LuaError> {
        // SAFETY: live during 'gc.
        unsafe {
            if a.raw().is_number() && b.raw().is_number() {
                return Ok(Ok(crate::vm::arith::number_lt(a.raw(), b.raw())));
            }
            if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
                self.charge(2 + a.len().min(b.len()) / BYTES_PER_REDUCTION);
                return Ok(Ok(a.bytes() < b.bytes()));
            }
            let vm = self.vm_mut();
            let mut handler = vm.value_handler(a.raw(), crate::vm::meta::Event::Lt);
            if handler.is_nil() {
                handler = vm.value_handler(b.raw(), crate::vm::meta::Event::Lt);
            }
            if handler.is_nil() {
                return Err(vm.order_error(a.raw(), b.raw()));
            }
            Ok(Err([Val::raw_new(handler), a, b]))
        }
    }

    /// Pushes a function and its arguments, and asks for the call.
    ///
    /// # Errors
    /// "stack overflow" or memory.
    #[inline]
    pub fn call(&mut self, call: &[Val<'gc>], results: i16) -> Result<Step, LuaError> {
        self.reserve(call.len())?;
        let th = self.vm().th;
        // SAFETY: reserved.
        unsafe {
            for (i, v) in call.iter().enumerate() {
                put((*th).top.add(i), v.raw());
            }
            (*th).top = (*th).top.add(call.len());
        }
        Ok(Step::Call { args: call.len() as u32 - 1, results })
    }

    // ---- collector ----

    /// A full collection, or its first slice. False: return [`Step::Again`]; the collection will be over at the next entry. Only for
    /// `collectgarbage` and the like: every value that is not in the window (or reachable otherwise) is gone afterwards, which
    /// the exclusive borrow of `'gc` values cannot express; so the function must not touch any it got before.
    #[must_use]
    pub fn collect(&mut self) -> bool {
        self.vm_mut().collect_slice()
    }

    /// Pushes the next finalizer that is due with its object; then return [`Step::CallFinalizer`].
    pub fn push_due_finalizer(&mut self) -> bool {
        while let Some(object) = self.vm_mut().heap.gc.take_due() {
            // SAFETY: due objects are kept alive by the collector.
            let handler = unsafe { self.vm().value_handler(object, crate::vm::meta::Event::Gc) };
            if handler.is_function() {
                self.push(Val::raw_new(handler));
                self.push(Val::raw_new(object));
                return true;
            }
        }
        false
    }

    // ---- errors ----

    /// The position `chunk:line: ` of the function at a level (1: who called this function), empty if unknown.
    #[must_use]
    pub fn where_(&self, level: u32) -> Vec<u8> {
        self.vm().position(level)
    }

    pub(in crate::vm) fn raise_handled(&mut self) -> LuaError {
        let v = if self.top() > 0 { self.arg(self.top() - 1).raw() } else { Value::NIL };
        LuaError::new(Raised::Handled(v))
    }

    /// Raises a value.
    #[must_use]
    pub fn raise(&self, v: Val<'gc>) -> LuaError {
        LuaError::value(v.raw())
    }

    /// "bad argument #i to 'f' (expected expected, got …)"; `i` counts from 0 as [`Cx::arg`] does.
    #[must_use]
    pub fn type_error(&self, i: usize, expected: &str) -> LuaError {
        let got = self.type_name_of(i);
        let mut text = format!("{expected} expected, got ").into_bytes();
        text.extend_from_slice(&got);
        LuaError::argument(i + 1, text)
    }

    /// Type name of window slot `i` for messages: `__name`, "no value", "light userdata" or the type's name.
    #[must_use]
    pub fn type_name_of(&self, i: usize) -> Vec<u8> {
        if i >= self.top() {
            return b"no value".to_vec();
        }
        let v = self.arg(i);
        if let Some(name) = self.metafield(v, crate::vm::meta::Event::Name).as_str() {
            return name.bytes().to_vec();
        }
        if matches!(v.kind(), Kind::Light(_)) {
            return b"light userdata".to_vec();
        }
        v.type_name().as_bytes().to_vec()
    }
}

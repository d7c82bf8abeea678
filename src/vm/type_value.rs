//! Values of types: one small handle for each process and type.
//!
//! 1. A handle is immutable: the type itself is in the chunk's pool, which all processes share. Nothing else can hold a
//!    [`Sealed`], so references to a [`TypeHandle`] are never disturbed.
//! 2. While a handle of a type lives, the process has no second one, except those that are also methods. Nobody can tell whether an unused one was collected and
//!    made again, so the table of handles is weak.
//! 3. Members of a type that a program asked for are kept in the handle's associated table.
#![allow(unsafe_op_in_unsafe_fn)]

use super::meta::Event;
use super::native::{Cx, Kind, Native, Tab, Ud, Val};
use super::{LuaError, Vm};
use crate::bytecode::types::{Hidden, Named, Type, TypePool, TypeRef, TypeValue, primitive, primitive_node};
use crate::heap::string::{constant, hash_bytes};
use crate::heap::userdata::Role;
use crate::heap::{Code, OutOfMemory, Table, Userdata, Value};
use crate::limits::MAX_META_CHAIN;
use std::any::Any;
use std::sync::{Arc, OnceLock};

/// A type in a process.
pub struct TypeHandle {
    ty: TypeRef,
    /// The alias that the type is without arguments.
    alias: Option<u32>,
    /// The method that this is if it is called with a type: it was found under the name of both a field and a method.
    method: Option<&'static Native>,
    /// What the layer above makes of the type, once.
    slot: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl TypeHandle {
    #[must_use]
    pub const fn ty(&self) -> &TypeRef {
        &self.ty
    }

    #[must_use]
    pub const fn method(&self) -> Option<&'static Native> {
        self.method
    }

    /// What is kept for this handle.
    #[must_use]
    pub const fn slot(&self) -> &OnceLock<Arc<dyn Any + Send + Sync>> {
        &self.slot
    }

    /// What is kept for an alias in all processes.
    #[must_use]
    #[inline]
    pub fn shared_slot(&self) -> Option<&OnceLock<Arc<dyn Any + Send + Sync>>> {
        self.alias.map(|alias| self.ty.pool.slot(alias))
    }
}

/// The key of an alias among the handles, however often it is named.
fn alias_key(types: &TypePool, alias: u32) -> usize {
    std::ptr::from_ref(&types.aliases()[alias as usize]) as usize
}

/// How the named types of a pool are found in a process.
fn name_types(types: &TypePool) -> Box<[Named]> {
    let named = |value: &TypeValue| Named {
        hash: value.name.as_ref().map_or(0, |name| hash_bytes(name)),
        node: match types.get(value.ty) {
            Type::Alias(alias) => alias_key(types, *alias),
            Type::Primitive(which) => std::ptr::from_ref(primitive_node(*which)) as usize,
            _ => 0,
        },
    };
    types.values().iter().map(named).collect()
}

/// A handle inside a userdata. Private, so that no exclusive reference to it can be had.
struct Sealed(TypeHandle);

/// Makes the metatable of type values.
pub type TypeMeta = for<'gc> fn(&mut Cx<'gc>) -> Result<Tab<'gc>, LuaError>;

impl Vm {
    /// Sets what makes the metatable of type values when the first one is made.
    pub fn set_type_meta(&mut self, maker: TypeMeta) {
        self.type_meta_maker = Some(maker);
    }

    /// The value of `name` in a chunk that has a type of that name: what the environment holds, or the type.
    pub(super) unsafe fn named_type(
        &mut self,
        code: &Code,
        index: usize,
        env: Value,
    ) -> Result<Value, LuaError> {
        let types: &Arc<TypePool> = code.types.as_ref().expect("verified code has the types it names");
        let value = &types.values()[index];
        if let Some(name) = &value.name {
            let held = self.held(env, name);
            if !held.is_nil() && !self.is_hidden_by(&value.hidden, held) {
                return Ok(held);
            }
        }
        match self.known_handle(types.named(name_types)[index].node) {
            Some(known) => Ok(known),
            None => Ok(self.type_value(&TypeRef::new(types, value.ty))?),
        }
    }

    /// [`Vm::named_type`] where the environment is a table without metatable that holds nothing under the name, and the type's
    /// handle exists; null elsewhere. Touches nothing that other processes write, as the count of references to the pool.
    #[inline(never)]
    pub(super) unsafe fn known_type(
        &self,
        types: &TypePool,
        index: usize,
        env: *const Table,
    ) -> *mut Userdata {
        let value = &types.named(name_types)[index];
        if (*env).meta.is_null()
            && Table::has_no_hash(env, value.hash)
            && let Some(known) = self.known_handle(value.node)
        {
            return known.as_userdata();
        }
        std::ptr::null_mut()
    }

    /// The handle of a type whose node has this address, if there is one already.
    #[inline(always)]
    unsafe fn known_handle(&self, node: usize) -> Option<Value> {
        if self.type_values.is_null() {
            return None;
        }
        let known = Table::get(self.type_values, Value::light(node));
        (!known.is_nil()).then_some(known)
    }

    /// What a table holds under a name, itself or behind `__index` tables. No functions are called.
    unsafe fn held(&self, mut env: Value, name: &[u8]) -> Value {
        let hash = hash_bytes(name);
        for _ in 0..MAX_META_CHAIN {
            if !env.is_table() {
                break;
            }
            let v = Table::get_bytes(env.as_table(), hash, name);
            if !v.is_nil() {
                return v;
            }
            env = self.handler((*env.as_table()).meta, Event::Index);
        }
        Value::NIL
    }

    unsafe fn is_hidden_by(&self, hidden: &Hidden, v: Value) -> bool {
        match hidden {
            Hidden::Never => false,
            Hidden::Uncallable => v.is_table() && self.value_handler(v, Event::Call).is_nil(),
            Hidden::Without(field) => v.is_table() && self.held(v, field).is_nil(),
        }
    }

    /// The handle of a type.
    pub(super) unsafe fn type_value(&mut self, ty: &TypeRef) -> Result<Value, OutOfMemory> {
        let ty = match ty.node() {
            Type::Primitive(which) => primitive(*which),
            _ => ty.clone(),
        };
        let node = match ty.node() {
            Type::Alias(alias) => alias_key(&ty.pool, *alias),
            node => std::ptr::from_ref(node) as usize,
        };
        let key = match &ty.args {
            None => Value::light(node),
            Some(args) => {
                // The handle keeps both alive, so their addresses are not used again before it is gone.
                let mut key = [0; 16];
                key[..8].copy_from_slice(&node.to_le_bytes());
                key[8..].copy_from_slice(&(Arc::as_ptr(args) as usize).to_le_bytes());
                Value::string(self.heap.new_string(&key)?)
            }
        };
        if self.type_values.is_null() {
            let meta = self.heap.new_table()?;
            let (mode, weak) = (constant(b"__mode"), constant(b"v"));
            Table::set(meta, &mut self.heap, Value::string(mode), Value::string(weak))
                .map_err(|_| OutOfMemory)?;
            let values = self.heap.new_table()?;
            (*values).meta = meta;
            self.type_values = values;
        }
        let known = Table::get(self.type_values, key);
        if !known.is_nil() {
            return Ok(known);
        }
        let v = self.new_type_value(ty, None)?;
        Table::set_at_once(self.type_values, &mut self.heap, key, v).map_err(|_| OutOfMemory)?;
        Ok(v)
    }

    unsafe fn new_type_value(
        &mut self,
        ty: TypeRef,
        method: Option<&'static Native>,
    ) -> Result<Value, OutOfMemory> {
        if self.type_meta.is_null()
            && let Some(maker) = self.type_meta_maker
        {
            let meta = maker(&mut Cx::new(self)).map_err(|_| OutOfMemory)?;
            self.type_meta = Val::from(meta).raw().as_table();
        }
        // What a type with arguments holds is counted roughly.
        let bytes = ty.args.as_ref().map_or(0, |args| args.len() * size_of::<TypeRef>() + 512);
        let alias = match ty.node() {
            Type::Alias(alias) if ty.args.is_none() => Some(*alias),
            _ => None,
        };
        let pool = Arc::clone(&ty.pool);
        let sealed = Sealed(TypeHandle { ty, alias, method, slot: OnceLock::new() });
        let ud = self.heap.new_userdata(Box::new(sealed), bytes)?;
        (*ud).meta = self.type_meta;
        (*ud).role = Role::Type(pool.join().then_some(pool));
        Ok(Value::userdata(ud))
    }
}

impl<'gc> Ud<'gc> {
    /// The type, if the value is one.
    #[inline]
    #[must_use]
    pub fn as_type(self) -> Option<&'gc TypeHandle> {
        let at = Val::from(self).raw().as_userdata();
        // SAFETY: live during 'gc. A userdata of this role holds a `Sealed`, or nothing once it is collected; nothing takes it out or
        // changes it.
        unsafe {
            if !matches!((*at).role, Role::Type(_)) {
                return None;
            }
            let data: *const (dyn Any + Send) = &**(*at).data.as_ref()?;
            Some(&(*data.cast::<Sealed>()).0)
        }
    }
}

impl<'gc> Val<'gc> {
    /// The type, if the value is one.
    #[inline]
    #[must_use]
    pub fn as_type(self) -> Option<&'gc TypeHandle> {
        match self.kind() {
            Kind::Userdata(ud) => ud.as_type(),
            _ => None,
        }
    }

    /// Name of the type as the function `type` gives it: that of type values is "type".
    #[must_use]
    pub fn lua_type_name(self) -> &'static str {
        if self.as_type().is_some() { "type" } else { self.type_name() }
    }
}

impl<'gc> Cx<'gc> {
    /// The value of a type.
    ///
    /// # Errors
    /// Memory.
    pub fn type_value(&mut self, ty: &TypeRef) -> Result<Val<'gc>, LuaError> {
        // SAFETY: the Vm waits for this native function.
        Ok(Val::raw_new(unsafe { self.vm_mut().type_value(ty)? }))
    }

    /// A handle of its own for the type of a field that has the name of a method.
    ///
    /// # Errors
    /// Memory.
    pub fn type_or_method(&mut self, ty: &TypeRef, method: &'static Native) -> Result<Val<'gc>, LuaError> {
        // SAFETY: the Vm waits for this native function.
        Ok(Val::raw_new(unsafe { self.vm_mut().new_type_value(ty.clone(), Some(method))? }))
    }

    /// Puts what a pool keeps on the process's account, if the pool is.
    pub fn charge_types(&mut self, pool: &TypePool, bytes: usize) {
        if pool.charge(bytes) {
            self.vm_mut().heap.add_external(bytes);
        }
    }

    /// A member that was kept.
    #[must_use]
    pub fn member(&self, ty: Val<'gc>, name: Val<'gc>) -> Val<'gc> {
        match ty.kind() {
            Kind::Userdata(ud) => ud.user_value().as_table().map_or(Val::NIL, |members| members.get(name)),
            _ => Val::NIL,
        }
    }

    /// Keeps a member of a type: it will be found without asking the metatable again.
    ///
    /// # Errors
    /// Memory.
    pub fn keep_member(&mut self, ty: Val<'gc>, name: Val<'gc>, member: Val<'gc>) -> Result<(), LuaError> {
        let (Kind::Userdata(ud), Some(_)) = (ty.kind(), ty.as_type()) else { return Ok(()) };
        let members = match ud.user_value().as_table() {
            Some(members) => members,
            None => {
                let members = self.table(0, 1)?;
                ud.set_user_value(self, members.into())?;
                members
            }
        };
        members.set(self, name, member)
    }
}

/// The hash of a name, for [`Tab::get_bytes`]. It differs from one run of the program to the next.
#[must_use]
pub fn name_hash(name: &[u8]) -> u32 {
    hash_bytes(name)
}

impl<'gc> Tab<'gc> {
    /// Value of the string key with these bytes, whose [`name_hash`] is known, without metamethods.
    #[inline]
    #[must_use]
    pub fn get_bytes(self, hash: u32, name: &[u8]) -> Val<'gc> {
        // SAFETY: live during 'gc.
        unsafe { Val::raw_new(Table::get_bytes(self.place(), hash, name)) }
    }

    /// The first entry at or after a place, and the place after it. Places start at 0 and are good while the table is not
    /// changed (after a change they may skip entries or show them again).
    #[inline]
    #[must_use]
    pub fn entry_at(self, place: usize) -> Option<(usize, Val<'gc>, Val<'gc>)> {
        // SAFETY: live during 'gc.
        let entry = unsafe { Table::next_at(Val::from(self).raw().as_table(), place) };
        entry.map(|(next, k, v)| (next, Val::raw_new(k), Val::raw_new(v)))
    }
}

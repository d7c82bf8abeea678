//! Type values in Lua: calling them, `is`, comparison, text.

use super::failure::Failure;
use super::program::Program;
use super::reflect;
use super::render;
use super::term::{Imports, Terms, arity, instance};
use super::validate::{Outcome, glance, validate};
use crate::bytecode::types::{Primitive, Type, TypeRef, primitive};
use crate::vm::native::{Args, Cx, Native, Step, Tab, Val, native_flag};
use crate::vm::type_value::{TypeHandle, name_hash};
use crate::vm::{LuaError, Vm};
use std::sync::LazyLock;

type R = Result<Step, LuaError>;

/// The function behind `T.is`; its upvalue is `T`.
static IS: Native = Native::with("is", is, native_flag::AND_NIL).quick(quick_is);
static CALL: Native = Native::new("type", call).quick(quick_call);
static INDEX: Native = Native::new("index", index);
static REFUSE: Native = Native::new("newindex", refuse);
static TO_STRING: Native = Native::new("tostring", to_string);
static EQUAL: Native = Native::new("eq", equal);
static AT_MOST: Native = Native::new("le", at_most);
static LESS: Native = Native::new("lt", less);

/// Steps over types for one reduction.
pub(super) const STEPS: usize = 1;

/// Gives a process type values.
pub fn install(vm: &mut Vm) {
    vm.set_type_meta(metatable);
}

fn metatable<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    let meta = cx.table(0, 10)?;
    for (event, native) in [
        ("__call", &CALL),
        ("__index", &INDEX),
        ("__newindex", &REFUSE),
        ("__tostring", &TO_STRING),
        ("__eq", &EQUAL),
        ("__le", &AT_MOST),
        ("__lt", &LESS),
    ] {
        meta.set_name(cx, event, Val::native(native))?;
    }
    let name = cx.name("type");
    meta.set_name(cx, "__name", name)?;
    meta.set_name(cx, "__metatable", name)?;
    Ok(meta)
}

/// The program of a type, if it is compiled.
#[inline]
pub fn known_program(handle: &TypeHandle) -> Option<&Program> {
    let known = handle.shared_slot().and_then(|slot| slot.get()).or_else(|| handle.slot().get());
    known?.downcast_ref()
}

/// True if the value is seen at once to fit the type; pays for looking.
#[inline]
fn is_seen_to_fit(args: Args<'_>, ty: Val<'_>, value: Val<'_>) -> bool {
    let Some(program) = ty.as_type().and_then(known_program) else { return false };
    let (fits, work) = glance(program, value);
    args.charge(work);
    fits
}

/// What a module that is loaded holds under a name; names with their hashes.
pub(super) fn exported<'gc>(cx: &Cx<'gc>, module: (u32, &[u8]), name: (u32, &[u8])) -> Val<'gc> {
    static LOADED: LazyLock<u32> = LazyLock::new(|| name_hash(b"_LOADED"));
    let loaded = cx.registry().get_bytes(*LOADED, b"_LOADED").as_table();
    let module = loaded.and_then(|loaded| loaded.get_bytes(module.0, module.1).as_table());
    module.map_or(Val::NIL, |module| module.get_bytes(name.0, name.1))
}

/// The types that this process's loaded modules export.
pub(super) struct Loaded<'c, 'gc>(pub &'c Cx<'gc>);

impl Imports for Loaded<'_, '_> {
    fn imported(&self, module: &[u8], name: &[u8]) -> Option<TypeRef> {
        let found = exported(self.0, (name_hash(module), module), (name_hash(name), name));
        found.as_type().map(|handle| handle.ty().clone())
    }
}

/// The name that messages use.
pub(super) fn display_name(ty: &TypeRef) -> Vec<u8> {
    render::text(ty)
}

fn raise(parts: &[&[u8]]) -> LuaError {
    LuaError::message(parts.concat())
}

/// `T(…)`. Window: the type, the arguments.
fn call(cx: &mut Cx<'_>) -> R {
    let source = cx.arg(0);
    let Some(handle) = source.as_type() else { return Err(cx.type_error(0, "type")) };
    if cx.state() == 0 {
        let given = cx.top() - 1;
        if let Some(method) = handle.method()
            && cx.arg(1).as_type().is_some()
        {
            for i in 0..given {
                cx.set(i, cx.arg(i + 1));
            }
            cx.set_top(given);
            return (method.func)(cx);
        }
        let types = (1..=given).filter(|&i| cx.arg(i).as_type().is_some()).count();
        let name = || display_name(handle.ty());
        let generic = arity(handle.ty());
        if given == 0 {
            return Err(raise(&[b"type ", &name(), b" expects at least 1 argument"]));
        }
        if generic > 0
            && (types > 0 || given > 1)
            && (1..=given).all(|i| argument_type(cx, cx.arg(i)).is_some())
        {
            return apply(cx, handle.ty(), given);
        }
        if types == given {
            return Err(raise(&[b"type ", &name(), b" is not generic"]));
        }
        if types > 0 {
            return Err(raise(&[b"type ", &name(), b" does not accept mixed type/value arguments"]));
        }
        if given > 1 {
            let count = format!(" validation expects 1 value, got {given}");
            return Err(raise(&[b"type ", &name(), count.as_bytes()]));
        }
        if generic == 1 && argument_type(cx, cx.arg(1)).is_some() {
            return apply(cx, handle.ty(), given);
        }
        cx.set_state(1);
    }
    let value = cx.arg(1);
    match validate(cx, source, value)? {
        Outcome::Pass => cx.ret(value),
        Outcome::Fail(failure) => Err(LuaError::message(failure.message())),
        Outcome::Again => Ok(Step::Again),
    }
}

/// A type given to a generic type. The string library stands for the type `string`.
fn argument_type<'gc>(cx: &Cx<'gc>, v: Val<'gc>) -> Option<TypeRef> {
    if let Some(handle) = v.as_type() {
        return Some(handle.ty().clone());
    }
    let library = cx.registry().get_name("_LOADED").as_table()?.get_name("string");
    (v.as_table().is_some() && v.raw_equal(library)).then(|| primitive(Primitive::String))
}

/// `T(v)` where a glance shows that the value fits.
fn quick_call(args: Args<'_>) -> Val<'_> {
    let value = args.get(1);
    let fits = args.len() == 2 && value.as_type().is_none() && is_seen_to_fit(args, args.get(0), value);
    if fits { value } else { Val::DECLINED }
}

fn apply(cx: &mut Cx<'_>, generic: &TypeRef, given: usize) -> R {
    let wanted = arity(generic);
    if given != wanted {
        let count = format!(" expects {wanted} type arguments, got {given}");
        return Err(raise(&[b"generic ", &display_name(generic), count.as_bytes()]));
    }
    let args = (1..=given).filter_map(|i| argument_type(cx, cx.arg(i))).collect();
    let made = cx.type_value(&instance(generic, args))?;
    cx.ret(made)
}

/// `T:is(v)`, `T.is(v)`.
fn is(cx: &mut Cx<'_>) -> R {
    let source = cx.upvalue(0);
    if cx.state() == 0 {
        // With the type itself in front it is a method call.
        let at = usize::from(cx.top() > 0 && cx.arg(0).raw_equal(source));
        let value = cx.arg(at);
        cx.set_top(0);
        cx.push(value);
        cx.set_state(1);
    }
    let value = cx.arg(0);
    match validate(cx, source, value)? {
        Outcome::Pass => {
            cx.push(value);
            cx.push(Val::NIL);
            Ok(Step::Return(2))
        }
        Outcome::Fail(failure) => refused(cx, &failure),
        Outcome::Again => Ok(Step::Again),
    }
}

/// `T:is(v)`, `T.is(v)` where a glance shows that the value fits: the value, and nil behind it.
fn quick_is(args: Args<'_>) -> Val<'_> {
    let source = args.upvalue(0);
    let value = args.get(usize::from(args.get(0).is_same(source)));
    if is_seen_to_fit(args, source, value) { value } else { Val::DECLINED }
}

fn refused(cx: &mut Cx<'_>, failure: &Failure) -> R {
    cx.ret_error(failure.to_error())
}

fn to_string(cx: &mut Cx<'_>) -> R {
    let Some(handle) = cx.arg(0).as_type() else { return Err(cx.type_error(0, "type")) };
    let text = match handle.ty().node() {
        Type::Indexed(..) | Type::Keyof(_) | Type::Conditional(_) => {
            display_name(&reflect::expanded(cx, handle.ty()))
        }
        _ => display_name(handle.ty()),
    };
    cx.ret_str(&text)
}

/// The value of a type that was found in another: an imported one is the module's own.
pub(super) fn found<'gc>(cx: &mut Cx<'gc>, ty: &TypeRef) -> Result<Val<'gc>, LuaError> {
    if let Type::Imported(module, name, args) = ty.node()
        && args.is_empty()
    {
        let own = exported(cx, (name_hash(module), module), (name_hash(name), name));
        if own.as_type().is_some() {
            return Ok(own);
        }
    }
    cx.type_value(ty)
}

/// `T.name`: a method, or the type of a record's field, or what is both. What was found is kept.
fn index(cx: &mut Cx<'_>) -> R {
    let (ty, key) = (cx.arg(0), cx.arg(1));
    let (Some(handle), Some(name)) = (ty.as_type(), key.as_str()) else { return cx.ret(Val::NIL) };
    let member = if name.bytes() == b"is" {
        cx.closure(&IS, &[ty])?
    } else {
        let field = reflect::find(cx, |terms| {
            let shape = terms.structure(handle.ty());
            terms.field(&shape, name.bytes()).map(|(ty, _)| ty)
        });
        let field = field.map(|field| found(cx, &field)).transpose()?;
        match (reflect::method(name.bytes()), field) {
            (None, None) => return cx.ret(Val::NIL),
            (None, Some(field)) => field,
            (Some(method), field) => match field.and_then(Val::as_type) {
                Some(field) => cx.type_or_method(field.ty(), method)?,
                None => Val::native(method),
            },
        }
    };
    cx.keep_member(ty, key, member)?;
    cx.ret(member)
}

fn refuse(cx: &mut Cx<'_>) -> R {
    let name = cx.arg(0).as_type().map_or_else(Vec::new, |handle| display_name(handle.ty()));
    Err(raise(&[b"attempt to modify type ", &name]))
}

fn compare<'gc>(cx: &mut Cx<'gc>, f: impl FnOnce(&Terms<'_>, &TypeRef, &TypeRef) -> bool) -> R {
    let (Some(a), Some(b)) = (cx.arg(0).as_type(), cx.arg(1).as_type()) else {
        // Reached only by comparing a type with another userdata or a table: `==` is false, and there is no order.
        let (a, b) = (cx.arg(0).lua_type_name(), cx.arg(1).lua_type_name());
        return Err(LuaError::message(format!("attempt to compare {a} with {b}")));
    };
    let holds = reflect::find(cx, |terms| f(terms, a.ty(), b.ty()));
    cx.ret(holds)
}

fn equal(cx: &mut Cx<'_>) -> R {
    if cx.arg(0).as_type().is_none() || cx.arg(1).as_type().is_none() {
        return cx.ret(false);
    }
    compare(cx, |terms, a, b| terms.is_equal(a, b))
}

fn at_most(cx: &mut Cx<'_>) -> R {
    compare(cx, |terms, a, b| terms.is_subtype(a, b))
}

fn less(cx: &mut Cx<'_>) -> R {
    compare(cx, |terms, a, b| terms.is_subtype(a, b) && !terms.is_equal(a, b))
}

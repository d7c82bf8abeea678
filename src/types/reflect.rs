//! Looking into types: `kind`, `fields`, `elem` and the other methods of type values.

use super::term::{Terms, arity, tuple};
use super::value::{Loaded, STEPS, found};
use crate::bytecode::types::{Primitive, Type, TypeRef};
use crate::vm::LuaError;
use crate::vm::native::{Cx, Native, Step, Val};

type R = Result<Step, LuaError>;

static METHODS: [Native; 11] = [
    Native::new("elem", elem),
    Native::new("fields", fields),
    Native::new("inner", inner),
    Native::new("key", key),
    Native::new("kind", kind),
    Native::new("name", name),
    Native::new("params", params),
    Native::new("ret", ret),
    Native::new("tparams", tparams),
    Native::new("val", val),
    Native::new("variants", variants),
];

static NEXT_FIELD: Native = Native::new("next_field", next_field);
static NEXT_VARIANT: Native = Native::new("next_variant", next_variant);
static NEXT_PARAM: Native = Native::new("next_param", next_param);
static NEXT_TPARAM: Native = Native::new("next_tparam", next_tparam);

/// The method of this name; `is` is not among them, because it belongs to one type.
#[must_use]
pub fn method(name: &[u8]) -> Option<&'static Native> {
    METHODS.iter().find(|native| native.name.as_bytes() == name)
}

/// The type in the first argument.
fn receiver(cx: &Cx<'_>) -> Result<TypeRef, LuaError> {
    match cx.arg(0).as_type() {
        Some(handle) => Ok(handle.ty().clone()),
        None => Err(cx.type_error(0, "type")),
    }
}

/// The structure of a type, generic instances expanded.
fn structure(cx: &mut Cx<'_>, ty: &TypeRef) -> TypeRef {
    find(cx, |terms| terms.structure(ty))
}

/// The structure of a type behind its names.
pub(super) fn expanded(cx: &mut Cx<'_>, ty: &TypeRef) -> TypeRef {
    find(cx, |terms| terms.expand(ty))
}

/// Finds something out about types, and pays for it.
pub(super) fn find<R>(cx: &mut Cx<'_>, f: impl FnOnce(&Terms<'_>) -> R) -> R {
    let (found, steps) = {
        let loaded = Loaded(cx);
        let terms = Terms::new(&loaded);
        (f(&terms), terms.steps_done())
    };
    cx.charge(steps / STEPS);
    found
}

fn ret_type(cx: &mut Cx<'_>, ty: Option<TypeRef>) -> R {
    match ty {
        Some(ty) => {
            let v = found(cx, &ty)?;
            cx.ret(v)
        }
        None => cx.ret(Val::NIL),
    }
}

/// A name, and a type if there is one.
fn ret_named(cx: &mut Cx<'_>, name: &[u8], ty: Option<TypeRef>) -> R {
    let name = cx.string(name)?;
    let ty = match ty {
        Some(ty) => found(cx, &ty)?,
        None => Val::NIL,
    };
    cx.push(name);
    cx.push(ty);
    Ok(Step::Return(2))
}

/// True if a type is, behind names that have no arguments, a generic type with its arguments.
fn is_instance(ty: &TypeRef) -> bool {
    let mut ty = ty.clone();
    // As many names as there are lead to the end or in a circle.
    for _ in 0..=ty.pool.aliases().len() {
        match ty.node() {
            Type::Apply(..) => return true,
            Type::Imported(_, _, args) => return !args.is_empty(),
            Type::Alias(_) if ty.args.is_some() => return true,
            Type::Alias(alias) => ty = ty.part(ty.pool.aliases()[*alias as usize].body),
            Type::Annotated(inner, _) | Type::Readonly(inner) => ty = ty.part(*inner),
            _ => return false,
        }
    }
    false
}

fn kind(cx: &mut Cx<'_>) -> R {
    let ty = receiver(cx)?;
    if is_instance(&ty) {
        let name = cx.name("instantiated");
        return cx.ret(name);
    }
    let shape = structure(cx, &ty);
    let name = match shape.node() {
        Type::Primitive(Primitive::Table | Primitive::Error | Primitive::Receiver) => "unknown",
        Type::Primitive(primitive) => primitive.name(),
        Type::Optional(_) => "optional",
        Type::Union(_) => "union",
        Type::Intersection(_) => "intersection",
        Type::Tuple(_) => "tuple",
        Type::Function(_) => "function",
        Type::Array(_) => "array",
        Type::Map(..) => "map",
        Type::Record(_) => "record",
        Type::Alias(_) if arity(&shape) > 0 => "generic",
        _ => "unknown",
    };
    let name = cx.name(name);
    cx.ret(name)
}

fn name(cx: &mut Cx<'_>) -> R {
    let ty = receiver(cx)?;
    if let Some(alias) = ty.alias() {
        return cx.ret_str(&alias.name);
    }
    match ty.node() {
        Type::Primitive(primitive) => cx.ret_str(primitive.name().as_bytes()),
        _ => cx.ret(Val::NIL),
    }
}

/// The part of a type's structure that `f` finds.
fn part(cx: &mut Cx<'_>, f: impl FnOnce(&TypeRef) -> Option<TypeRef>) -> R {
    let ty = receiver(cx)?;
    let found = f(&structure(cx, &ty));
    ret_type(cx, found)
}

fn elem(cx: &mut Cx<'_>) -> R {
    part(cx, |ty| match ty.node() {
        Type::Array(item) => Some(ty.part(*item)),
        _ => None,
    })
}

fn key(cx: &mut Cx<'_>) -> R {
    part(cx, |ty| match ty.node() {
        Type::Map(key, _) => Some(ty.part(*key)),
        _ => None,
    })
}

fn val(cx: &mut Cx<'_>) -> R {
    part(cx, |ty| match ty.node() {
        Type::Map(_, value) => Some(ty.part(*value)),
        _ => None,
    })
}

fn inner(cx: &mut Cx<'_>) -> R {
    part(cx, |ty| match ty.node() {
        Type::Optional(inner) => Some(ty.part(*inner)),
        _ => None,
    })
}

fn ret(cx: &mut Cx<'_>) -> R {
    part(cx, |ty| match ty.node() {
        Type::Function(signature) => match signature.returns.as_deref() {
            None | Some([]) => None,
            Some([one]) => Some(ty.part(*one)),
            Some(list) => Some(tuple(list.iter().map(|&id| ty.part(id)).collect())),
        },
        _ => None,
    })
}

// ---- iterators: closures over the type's structure, whose state is the position ----

fn iterator(cx: &mut Cx<'_>, next: &'static Native, fits: impl FnOnce(&TypeRef) -> bool) -> R {
    let ty = receiver(cx)?;
    let shape = structure(cx, &ty);
    if !fits(&shape) {
        return cx.ret(Val::NIL);
    }
    let shape = cx.type_value(&shape)?;
    let closure = cx.closure(next, &[shape, Val::int(0)])?;
    cx.ret(closure)
}

/// The structure of a running iterator and the position, which moves on.
fn position(cx: &mut Cx<'_>) -> Result<Option<(TypeRef, usize)>, LuaError> {
    let ty = cx.upvalue(0).as_type().map(|ty| ty.ty().clone());
    let at = cx.upvalue(1).to_int().and_then(|at| usize::try_from(at).ok());
    let (Some(ty), Some(at)) = (ty, at) else { return Ok(None) };
    cx.set_upvalue(1, Val::int(at as i64 + 1))?;
    Ok(Some((ty, at)))
}

fn fields(cx: &mut Cx<'_>) -> R {
    iterator(cx, &NEXT_FIELD, |ty| matches!(ty.node(), Type::Record(_)))
}

fn next_field(cx: &mut Cx<'_>) -> R {
    let Some((ty, at)) = position(cx)? else { return cx.ret(Val::NIL) };
    let Type::Record(fields) = ty.node() else { return cx.ret(Val::NIL) };
    let Some(field) = fields.get(at) else { return cx.ret(Val::NIL) };
    ret_named(cx, &field.name, Some(ty.part(field.ty)))
}

fn variants(cx: &mut Cx<'_>) -> R {
    iterator(cx, &NEXT_VARIANT, |ty| matches!(ty.node(), Type::Union(_)))
}

fn next_variant(cx: &mut Cx<'_>) -> R {
    let Some((ty, at)) = position(cx)? else { return cx.ret(Val::NIL) };
    let Type::Union(members) = ty.node() else { return cx.ret(Val::NIL) };
    let member = members.get(at).map(|&member| ty.part(member));
    ret_type(cx, member)
}

fn params(cx: &mut Cx<'_>) -> R {
    iterator(cx, &NEXT_PARAM, |ty| matches!(ty.node(), Type::Function(_)))
}

fn next_param(cx: &mut Cx<'_>) -> R {
    let Some((ty, at)) = position(cx)? else { return cx.ret(Val::NIL) };
    let Type::Function(signature) = ty.node() else { return cx.ret(Val::NIL) };
    let param = signature.params.get(at).map(|&(_, id)| ty.part(id));
    ret_type(cx, param)
}

fn tparams(cx: &mut Cx<'_>) -> R {
    iterator(cx, &NEXT_TPARAM, |ty| arity(ty) > 0)
}

fn next_tparam(cx: &mut Cx<'_>) -> R {
    let Some((ty, at)) = position(cx)? else { return cx.ret(Val::NIL) };
    let Some(param) = ty.alias().and_then(|alias| alias.params.get(at)) else { return cx.ret(Val::NIL) };
    ret_named(cx, &param.name, param.bound.map(|bound| ty.part(bound)))
}

//! Types: annotations make no code, and what a chunk's pool holds.

use super::tests::compile;
use crate::bytecode::types::{Type, TypePool};
use crate::bytecode::{Op, Proto, dump};
use std::sync::Arc;

fn types(source: &str) -> Arc<TypePool> {
    compile(source).unwrap().types.expect("the chunk has types")
}

/// True if both functions run the same instructions on the same lines.
fn is_same_code(a: &Proto, b: &Proto) -> bool {
    a.code == b.code
        && a.consts == b.consts
        && a.origins.iter().map(|origin| origin.line).eq(b.origins.iter().map(|origin| origin.line))
        && a.max_stack == b.max_stack
        && a.locals == b.locals
        && a.upvals == b.upvals
        && a.protos.len() == b.protos.len()
        && a.protos.iter().zip(&b.protos).all(|(a, b)| is_same_code(a, b))
}

#[test]
fn annotations_make_no_code() {
    for (annotated, plain) in [
        ("local x: number @min(1), y: string? = 1, f()", "local x, y = 1, f()"),
        (
            "local f = function<T>(a: T, ...: string): (T, error?) return a, ... end",
            "local f = function(a, ...) return a, ... end",
        ),
        ("function m.a:b(x: {a: number}): asserts x end", "function m.a:b(x) end"),
        ("return {x = y as T, (z :: {string}), w!}", "return {x = (y), (z), (w)}"),
        ("local t: Self = {} t.x = (t.y as number) + 1 t:m(t.z!)", "local t = {} t.x = (t.y) + 1 t:m((t.z))"),
        ("type A = {b: A?} interface I function f(): I end local a: A = 1 return a", "local a = 1 return a"),
        ("if x then type T = string local y: T = 1 end", "if x then local y = 1 end"),
        ("for i = 1, 3 do local z: integer = i as any end", "for i = 1, 3 do local z = (i) end"),
    ] {
        let (annotated, plain) = (compile(annotated).unwrap(), compile(plain).unwrap());
        assert!(is_same_code(&annotated, &plain), "{annotated:?}\n{plain:?}");
    }
}

#[test]
fn chunks_without_types_have_no_pool() {
    assert!(compile("local x: {a: number} = 1 return x as T").unwrap().types.is_none());
    assert!(compile("do type T = string end return T").unwrap().types.is_none());
}

#[test]
fn pools_keep_what_can_be_reached() {
    let pool = types("do type Lost = {a: {b: {c: string}}} end type Kept = {number} return 1");
    assert_eq!(pool.aliases().len(), 1);
    assert_eq!(pool.types().len(), 2, "{pool:?}");
    let pool = types("type A = {b: B} do type C = string end type B = {c: C}");
    assert_eq!(pool.aliases().len(), 2);
    assert!(
        pool.types().contains(&Type::Unresolved(b"C".as_slice().into())),
        "an inner block is out of sight"
    );
}

#[test]
fn functions_that_name_types_share_the_pool() {
    let p = compile("type T = string local function f() return function() return T end end").unwrap();
    let inner = &p.protos[0].protos[0];
    assert!(p.protos[0].types.is_none());
    assert!(Arc::ptr_eq(p.types.as_ref().unwrap(), inner.types.as_ref().unwrap()));
    assert!(inner.code.iter().any(|i| i.op() == Some(Op::GetType)));
    let back = dump::undump(&dump::dump(&p, false)).unwrap();
    assert_eq!(back, p);
    let inner = &back.protos[0].protos[0];
    assert!(Arc::ptr_eq(back.types.as_ref().unwrap(), inner.types.as_ref().unwrap()));
}

#[test]
fn long_chains_and_deep_types() {
    let members = (0..20_000).map(|i| format!("'v{i}'")).collect::<Vec<_>>().join(" | ");
    let pool = types(&format!("type U = {members}"));
    assert!(pool.types().iter().any(|t| matches!(t, Type::Union(list) if list.len() == 20_000)));
    let nested = format!("type D = {}number{}", "{".repeat(190), "}".repeat(190));
    assert_eq!(types(&nested).types().len(), 191);
    let aliases = (0..5_000).map(|i| format!("type A{i} = {{a: A{}}}\n", i + 1)).collect::<String>();
    assert_eq!(types(&aliases).aliases().len(), 5_000);
    // Inferred types nest by assignment; beyond the limit they are `any`.
    let grown = "local t = {x = 1}\n".to_owned()
        + &"do local t = {x = t}\n".repeat(150)
        + "return typeof(t)"
        + &" end".repeat(150);
    assert!(types(&grown).types().len() <= 160);
}

#[test]
fn names_in_the_way_of_limits() {
    let constants = (0..5_000).map(|i| format!("x = 'c{i}' ")).collect::<String>();
    let pool = types(&format!("{constants} type T = string return T"));
    assert_eq!(pool.values().len(), 1);
    let aliases = (0..3_000).map(|i| format!("type T{i} = string x = T{i} ")).collect::<String>();
    assert_eq!(types(&aliases).values().len(), 3_000);
}

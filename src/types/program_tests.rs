//! Programs of types: which checks they become, how many, and at what expense.

use super::builder::Parts;
use super::circles::circles;
use super::program::{Check, CheckId, Program};
use super::properties::Dependents;
use crate::bytecode::types::TypeRef;
use crate::limits::{MAX_CHECKS_UNROLLED, MAX_PROGRAM_STEPS, MAX_TYPE_CHECKS, MAX_TYPE_INSTANCES};
use std::cell::Cell;

fn program(source: &str) -> Program {
    let proto = crate::types::tests::compile(source);
    let types = proto.types.expect("the chunk has types");
    Program::compile(&whole(&types), None).expect("no bound was given")
}

fn whole(types: &std::sync::Arc<crate::bytecode::types::TypePool>) -> TypeRef {
    TypeRef::new(types, types.values().last().expect("a type's name").ty)
}

#[test]
fn unions_of_simple_types_need_no_entering() {
    let p = program("type M = 'a' | 1 | nil | (string @min_len(3)); return M");
    assert!(matches!(p.check(0), Check::OneOf(_)));
    let p = program("type M = 'a' | (string @pattern('x'))?; return M");
    assert!(matches!(p.check(0), Check::Union(_)));
    let p = program("type M = 'a' | {number}; return M");
    assert!(matches!(p.check(0), Check::Union(_)));
}

#[test]
fn unions_that_contain_themselves_are_looked_into_once() {
    let members = |source| match program(source).check(0) {
        Check::Union(members) | Check::OneOf(members) => members.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(members("type A = A | A | number; return A"), 1);
    assert_eq!(members("type A = (A | string)? | B; type B = A | 3 | (B?) | string; return A"), 3);
    assert!(members("type N<T> = N<{T}> | T; type M = N<string>; return M") > 1);
}

#[test]
fn endless_types_are_cut_off() {
    let p = program("type N<T> = {a: N<{T}>?, b: N<{[string]: T}>?}; type M = N<string>; return M");
    assert!(p.checks.iter().any(|c| matches!(c, Check::Endless)));
    assert!(p.checks.len() < 10 * MAX_TYPE_INSTANCES);
    let p = program("type A = B; type B = A; return A");
    assert!(matches!(p.check(0), Check::Any));
}

/// An optional of itself is nil: nothing is looked into again and again without a value getting smaller.
#[test]
fn optionals_are_never_inside_each_other() {
    let flat = |source| {
        let p = program(source);
        for check in &p.checks {
            let Check::Optional(inner) = check else { continue };
            assert!(!matches!(p.check(*inner), Check::Optional(_)), "{source}: {p:?}");
        }
        p
    };
    assert!(matches!(flat("type A = A?; return A").check(0), Check::Nil));
    assert!(matches!(flat("type A = (readonly A)?; return A").check(0), Check::Nil));
    assert!(matches!(flat("type A = B?; type B = (A?)?; return A").check(0), Check::Nil));
    assert!(matches!(flat("type G<T> = ((G<nil>)?)?; type A = G<string>; return A").check(0), Check::Nil));
    assert!(matches!(flat("type A = ((number?)?)?; return A").check(0), Check::Optional(1)));
    flat("type G<T> = G<{T}>?; type A = G<string>; return A");
    flat("type A = {x: A?}?; return A");
}

/// What a name means is found in as many steps as there are names, or not at all.
#[test]
fn compiling_takes_steps_in_proportion() {
    let steps = |source: &str| program(source).steps();
    let tens = "G<G<G<G<G<G<G<G<G<G<T>>>>>>>>>>";
    assert!(steps(&format!("type G<T> = {tens}; type A = G<string>; return A")) < 100);
    assert!(steps("type I<T> = T; type F<T> = I<F<{T}>>; type A = F<string>; return A") < 2_000);
    assert!(steps("type R<T> = readonly R<{T}>; type A = R<string>; return A") < 2_000);
    let fields = |n: usize, of: &dyn Fn(usize) -> String| -> String { (0..n).map(of).collect() };
    let many = |ty: &str| {
        let list = fields(200, &|i| format!("f{i}: {ty}, "));
        steps(&format!(
            "type L<T> = {{T}} extends {{L<{{T}}>}} ? 1 : 2; type E<T> = {{a: {ty}, {list} n: E<{{T}}>?}} type A = E<string> return A"
        ))
    };
    assert!(many("L<T>") < MAX_PROGRAM_STEPS + 20 * MAX_TYPE_CHECKS);
    assert!(many("L<{T}>") < MAX_PROGRAM_STEPS + 20 * MAX_TYPE_CHECKS);
}

/// A union of ever more unions has the members that all of them have together, found once.
#[test]
fn growing_unions_take_steps_in_proportion() {
    let eight = "G<G<G<G<G<G<G<G<T>>>>>>>>";
    for source in [
        format!(
            "type G<T> = nil | {eight} | {eight} | interface {{a: G<false>}} | false; type A = G<string>"
        ),
        "type G<T> = nil | G<{T}> | G<{[string]: T}> | {x: T}; type A = G<string>".to_owned(),
        "type G<T> = (G<{T}> | G<T?>)? | T; type A = {x: G<string>}".to_owned(),
        "type G<T> = {a: G<{T}> | G<T?>}; type A = G<string>".to_owned(),
    ] {
        let p = program(&format!("{source} return A"));
        assert!(p.checks.iter().any(|c| matches!(c, Check::Endless)));
        assert!(p.steps() < 40 * MAX_TYPE_INSTANCES, "{} steps: {source}", p.steps());
        assert!(p.bytes() < 500 * MAX_TYPE_INSTANCES, "{} bytes: {source}", p.bytes());
    }
}

/// Unions that have each other as members share the list of them.
#[test]
fn unions_in_a_ring_have_one_list() {
    let count = 1_000;
    let types = (0..count).map(|i| format!("type A{i} = A{} | {{k: {i}, next: A{i}}} ", (i + 1) % count));
    let p = program(&format!("{} return A0", types.collect::<String>()));
    assert!(!p.checks.iter().any(|c| matches!(c, Check::Endless)));
    assert!(p.members.len() <= count + 1 && p.steps() < 20 * count, "{} steps", p.steps());
}

#[test]
fn what_leads_back_is_found() {
    let on_circle = |next: &[&[CheckId]]| -> Vec<bool> {
        circles(&next.iter().map(|list| list.to_vec()).collect::<Vec<_>>())
            .iter()
            .map(|&circle| circle != 0)
            .collect()
    };
    assert_eq!(on_circle(&[&[1], &[2], &[]]), [false; 3]);
    assert_eq!(on_circle(&[&[0], &[0]]), [true, false]);
    assert_eq!(on_circle(&[&[1, 2], &[3], &[3], &[1, 4], &[]]), [false, true, false, true, false]);
    // Between two circles, and a long one.
    assert_eq!(on_circle(&[&[1], &[0, 2], &[3], &[4], &[3]]), [true, true, false, true, true]);
    let two = circles(&[vec![1], vec![0, 2], vec![3], vec![2]]);
    assert!(two[0] == two[1] && two[2] == two[3] && two[0] != two[2]);
    let long: Vec<Vec<CheckId>> = (0..100_000).map(|i| vec![(i + 1) % 100_000]).collect();
    assert!(circles(&long).into_iter().all(|circle| circle == 1));
}

/// Looking into a value by parts that are about the same value ends: no check is a part of itself so.
#[test]
fn types_that_are_parts_of_themselves_are_unrolled() {
    for source in [
        "type A = A & number; return A",
        "type A = (A | number) & (A | string); return A",
        "type A = B @min(1); type B = (A @max(2))?; return A",
        "type A = (A & B) | (B & A) | {a: A}; type B = (B & A) | A | string; return A",
        "type A = {x: A} & {y: A}; return A",
    ] {
        let p = program(source);
        let parts = Parts { members: p.members.to_vec(), ..Parts::default() };
        let next: Vec<Vec<CheckId>> = p.checks.iter().map(|check| parts.of_value(check)).collect();
        assert!(circles(&next).iter().all(|&circle| circle == 0), "{source}");
        assert!(p.checks.len() < 100 && !p.checks.iter().any(|c| matches!(c, Check::Endless)), "{source}");
    }
    // Too many ways to be inside each other.
    let names: Vec<String> = (0..30).map(|i| format!("A{i}")).collect();
    let all = names.join(" | ");
    let source: String = names.iter().map(|name| format!("type {name} = ({all}) & string ")).collect();
    let p = program(&format!("{source} return A0"));
    assert!(p.checks.len() < 2 * MAX_CHECKS_UNROLLED && p.checks.iter().any(|c| matches!(c, Check::Endless)));
}

/// Properties of checks that refer to each other in an unlucky order are found without going through all again for each.
#[test]
fn properties_settle_in_as_many_looks_as_there_are_parts() {
    let checks = 10_000;
    for stride in [1, 7, 9_999] {
        // Each is a part of the one `stride` places after it.
        let next = |i: usize| (i + stride) % checks;
        let dependents = Dependents::new(checks, |each| {
            (0..checks).for_each(|i| each(i as CheckId, next(i) as CheckId));
        });
        let looks = Cell::new(0);
        let found = dependents.settle(false, |id, found| {
            looks.set(looks.get() + 1);
            id == 0 || found[(id + checks - stride) % checks]
        });
        assert!(found.iter().filter(|&&found| found).count() > 1);
        assert!(looks.get() <= 3 * checks, "{} looks", looks.get());
    }
}

#[test]
fn recursive_generics_are_finite() {
    let p = program("type Tree<T> = {value: T, kids: {Tree<T>}}; type S = Tree<string>; return S");
    assert!(p.checks.len() <= 6, "{p:?}");
}

#[test]
fn texts_of_checks() {
    let text = |source: &str| {
        let types = crate::types::tests::compile(source).types.expect("the chunk has types");
        let text = program(source).text(0, &whole(&types), &mut 0);
        String::from_utf8_lossy(&text).into_owned()
    };
    assert_eq!(text("type P = {x: number}; return P"), "P");
    assert_eq!(text("type P = 'a' | 3; return P"), "\"a\" | 3");
    assert_eq!(text("type P = (x: number) -> string; return P"), "function");
    assert_eq!(text("type P = string @min_len(3); return P"), "string");
    assert_eq!(text("type P = {number}?; return P"), "number[]?");
}

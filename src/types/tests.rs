//! Types as the host sees them: what processes share, what a slice may take; and helpers for the tests of this room.

use crate::bytecode::Proto;
use crate::bytecode::types::TypePool;
use crate::heap::Code;
use crate::limits::{MAX_KEPT_IN_ALL, MAX_KEPT_PER_TYPE};
use crate::runtime::script::Script;
use crate::vm::Exit;
use std::sync::Arc;

/// Compiles a chunk.
pub fn compile(source: &str) -> Proto {
    let arena = bumpalo::Bump::new();
    let chunk = crate::syntax::parse(source.as_bytes(), &arena).expect("a valid chunk");
    crate::compiler::compile(&chunk, source.as_bytes(), Arc::from(&b"=test"[..])).expect("a valid chunk")
}

/// Processes that run the same bytecode share its types and what is made of them.
#[test]
#[cfg_attr(feature = "stress", ignore = "a handle nobody holds is collected at once")]
fn a_type_exists_once_for_all_processes() {
    let source = "type P = {x: string @pattern('^a+$')} assert(P:is({x = 'aa'}) and not P:is({x = 'b'}))";
    let code: &'static Code = Box::leak(Code::link_shared(compile(source)));
    let types = code.types.as_ref().expect("the chunk has types");
    for _ in 0..3 {
        let mut script = Script::new(None).expect("memory");
        let f = script.vm().function(code).expect("memory");
        script.vm().start(f, &[]).expect("memory");
        script.run_to_end();
        // The handle of the process refers to the pool.
        assert_eq!(Arc::strong_count(types), 2);
        assert!(types.slot(0).get().is_some(), "the compiled type is kept with the alias");
    }
    assert_eq!(Arc::strong_count(types), 1);
}

/// What ten thousand processes hold of a type is one handle each, whatever the size of the type.
#[test]
#[cfg_attr(feature = "stress", ignore = "a handle nobody holds is collected at once")]
fn ten_thousand_processes_share_one_type() {
    let source = |fields: usize| {
        let fields: Vec<String> =
            (0..fields).map(|i| format!("field_{i}?: string @pattern('^x{i}+$')")).collect();
        format!("type P = {{{}}} assert(P:is({{}}) and not P:is({{field_0 = 'y'}}))", fields.join(", "))
    };
    let libraries = crate::runtime::libraries::shared(|_| Ok(())).expect("memory");
    let process = |code: &'static Code| {
        let mut script = Script::shared(libraries, None).expect("memory");
        let f = script.vm().function(code).expect("memory");
        script.vm().start(f, &[]).expect("memory");
        script.run_to_end();
        script
    };
    let small: &'static Code = Box::leak(Code::link_shared(compile(&source(1))));
    let large: &'static Code = Box::leak(Code::link_shared(compile(&source(500))));
    let types = large.types.as_ref().expect("the chunk has types");
    let count = 10_000;
    let mut processes: Vec<Script> = (0..count).map(|_| process(large)).collect();
    assert_eq!(Arc::strong_count(types), 1 + count, "a handle of each process refers to the one pool");
    let program = types.slot(0).get().expect("the compiled type is kept with the alias");
    assert_eq!(Arc::strong_count(program), 1, "and is nowhere else");
    let held = |script: &mut Script| script.vm().heap.bytes_in_use();
    let least = held(&mut process(small));
    assert!(types.bytes() > 50 * 500);
    for script in &mut processes {
        assert_eq!(held(script), least, "no byte more than for a type with one field");
    }
    drop(processes);
    assert_eq!(Arc::strong_count(types), 1);
}

/// Types of code that a process loads go with it: nothing keeps itself alive.
#[test]
fn types_of_loaded_code_are_released() {
    let mut script = Script::new(None).expect("memory");
    let proto =
        compile("type T = {a: T?, b: {string}} type U = lib.Box<T> local t = T:is({}) U:is(1) return T, U");
    let pool = Arc::downgrade(proto.types.as_ref().expect("the chunk has types"));
    let bytes = crate::bytecode::dump::dump(&proto, false);
    drop(proto);
    assert_eq!(pool.strong_count(), 0);
    let started = script.start_chunk(&bytes, b"=loaded").expect("memory");
    assert!(started.is_ok());
    while script.vm().run() == Exit::Preempted {}
    let value = script.vm().exit_values()[0];
    let pool = script.vm().with_context(|cx| {
        let handle = cx.host_value(value).as_type().expect("a type");
        Arc::downgrade(&handle.ty().pool)
    });
    assert!(pool.strong_count() > 0);
    drop(script);
    assert_eq!(pool.strong_count(), 0);
}

/// Slices of so many reductions that a program takes.
fn slices(source: &str, reductions: i32) -> usize {
    let mut script = Script::new(None).expect("memory");
    let code: &'static Code = Box::leak(Code::link_shared(compile(source)));
    let f = script.vm().function(code).expect("memory");
    script.vm().start(f, &[]).expect("memory");
    script.vm().set_slice(reductions);
    let mut slices = 0;
    while script.vm().run() == Exit::Preempted {
        slices += 1;
    }
    slices
}

/// An element of a list costs as much as looking through the members of a union does, and as reading it for a pattern.
#[test]
#[cfg_attr(feature = "stress", ignore = "each step is a slice")]
fn elements_are_paid_for_by_what_they_take() {
    let members: Vec<String> = (0..800).map(|i| format!("'member {i}'")).collect();
    let build = "local t = {} for i = 1, 4000 do t[i] = 'member 799' end";
    let paid = |ty: &str| {
        let none = slices(&format!("type T = {ty} {build} return T"), 1_000);
        slices(&format!("type T = {ty} {build} assert(T:is(t))"), 1_000) - none
    };
    // 100 elements' worth for each of 4000, at eight per reduction, are 50000 reductions.
    let list = format!("{{{}}}", members.join(" | "));
    assert!(paid(&list) >= 40, "{} slices", paid(&list));
    assert!(paid("{string}") <= 2);
    let records = members.iter().map(|m| format!("{{x: {m}}}")).collect::<Vec<_>>().join(" | ");
    let union = slices(
        &format!("type T = {records} local v = {{x = 'member 799'}} for i = 1, 400 do assert(T:is(v)) end"),
        1_000,
    );
    assert!(union >= 40, "{union} slices");
    assert!(paid("{string @pattern('^(member|other|something else)+ [0-9]*$')}") >= 2);
}

/// Looking for the meaning of a type that has none is paid for.
#[test]
#[cfg_attr(feature = "stress", ignore = "each step is a slice")]
fn looking_into_types_is_paid_for() {
    let types = "type L<T> = {T} extends {L<{T}>} ? 1 : 2 type A = (L<string>)['x']";
    for look in ["A:kind()", "A.x", "A:fields()", "A:elem()", "A == Number", "A <= Number"] {
        let taken = slices(&format!("{types} for i = 1, 200 do local _ = {look} end"), 1_000);
        let free = slices(&format!("{types} for i = 1, 200 do local _ = tostring(i) end"), 1_000);
        assert!(taken > free + 2, "{look}: {taken} slices");
    }
}

/// What a process makes of generic types is on its account.
#[test]
fn instances_are_on_the_process_account() {
    let fields: String = (0..300).map(|i| format!("f{i}: {{T}}?, g{i}: {{{{{i} | T}}}}?, ")).collect();
    let source = format!(
        "type G<T> = {{{fields}}} local kept, t = {{}}, string
         for i = 1, 400 do t = G(t) kept[i] = t local _ = t:is({{}}) end"
    );
    let mut script = Script::new(Some(24 << 20)).expect("memory");
    let code: &'static Code = Box::leak(Code::link_shared(compile(&source)));
    let f = script.vm().function(code).expect("memory");
    script.vm().start(f, &[]).expect("memory");
    let failure = match script.run() {
        crate::runtime::script::Outcome::Failed(failure) => failure,
        _ => panic!("it ends for want of memory"),
    };
    assert!(String::from_utf8_lossy(&failure.message).contains("not enough memory"));
}

/// So are the regular expressions that the types' pool has no room for.
#[test]
fn large_patterns_are_on_the_process_account() {
    let types: String =
        (0..60).map(|i| format!("type T{i} = string @pattern('^{i}\\\\pL{{7}}$') ")).collect();
    let checks: String = (0..60).map(|i| format!("kept[{i}] = T{i} assert(not T{i}:is('x')) ")).collect();
    let source = format!("{types} local kept = {{}} {checks}");
    let code: &'static Code = Box::leak(Code::link_shared(compile(&source)));
    for _ in 0..2 {
        let mut script = Script::new(Some(16 << 20)).expect("memory");
        let f = script.vm().function(code).expect("memory");
        script.vm().start(f, &[]).expect("memory");
        let failure = match script.run() {
            crate::runtime::script::Outcome::Failed(failure) => failure,
            _ => panic!("it ends for want of memory"),
        };
        let message = String::from_utf8_lossy(&failure.message);
        assert!(message.contains("not enough memory"), "{message}");
    }
    let types = code.types.as_ref().expect("the chunk has types");
    assert!(!types.take_room(MAX_KEPT_PER_TYPE * types.types().len()), "the pool keeps what it has room for");
}

/// What all pools keep together has a bound, and is given back with them.
#[test]
fn pools_keep_so_much_together() {
    let source: String = (0..1_100).map(|i| format!("type T{i} = {{x{i}: number}} ")).collect();
    let pools: Vec<_> = (0..20).map(|_| compile(&source).types.expect("the chunk has types")).collect();
    let took = |pools: &[Arc<TypePool>]| pools.iter().filter(|pool| pool.take_room(16 << 20)).count();
    // Other tests keep something at the same time.
    let first = took(&pools);
    assert!((1..=MAX_KEPT_IN_ALL / (16 << 20)).contains(&first), "{first}");
    assert!(first < pools.len());
    drop(pools);
    let again: Vec<_> = (0..1).map(|_| compile(&source).types.expect("the chunk has types")).collect();
    assert_eq!(took(&again), 1);
}

/// A large type is compiled in turns, also where it is another module's.
#[test]
#[cfg_attr(feature = "stress", ignore = "each step is a slice")]
fn large_types_are_compiled_in_slices() {
    let fields: String = (0..8_000).map(|i| format!("f{i}?: {{a{i}: {{number}}}}, ")).collect();
    let large = format!("type L = {{{fields}}}");
    let library =
        format!("package.preload.lib = load([[{large} return {{L = L}}]]) local lib = require('lib')");
    let wraps = "type W = lib.L type V = {x: lib.L | nil, y: string}";
    for (types, check) in [
        (large, "assert(L:is({f7999 = {a7999 = {1}}}))"),
        (library.clone(), "assert(not lib.L:is({f1 = 1}))"),
        (format!("{library} {wraps}"), "assert(not V:is({x = {f1 = {}}, y = 'a'}))"),
        (
            format!("{library} {wraps}"),
            "local v, e = W:is({f1 = {a1 = {'a'}}}) assert(e:details().field == 'f1.a1[1]')",
        ),
    ] {
        let (taken, free) = (slices(&format!("{types} {check}"), 1_000), slices(&types, 1_000));
        assert!(taken >= free + 20, "{check}: {taken} slices, {free} without");
    }
}

/// A validation of a million elements takes many slices.
#[test]
fn huge_values_are_validated_in_slices() {
    let slices = slices("type N = {number} local t = {} for i = 1, 1000000 do t[i] = i end N(t)", 10_000);
    // The loop takes 100 of them; a million elements at eight per reduction at least twelve more.
    assert!(slices >= 110, "{slices} slices");
}

//! Random graphs of tables sent from one process to another: the copy has the same shape and is whole.

use super::native::{Cx, Kind, Tab, Val};
use super::parcel::Parcel;
use super::{LuaError, Vm};
use proptest::prelude::*;
use std::collections::HashMap;

/// A key or value of a generated graph.
#[derive(Clone, Debug)]
enum Item {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    /// A fixed name, hence a program constant.
    Name(usize),
    /// The table with this number (modulo their count).
    Table(usize),
    /// A value that does not travel.
    Function,
}

/// One table: its array, its fields, its metatable.
#[derive(Clone, Debug)]
struct Shape {
    array: Vec<Item>,
    fields: Vec<(Item, Item)>,
    meta: Option<usize>,
}

const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        Just(Item::Nil),
        any::<bool>().prop_map(Item::Bool),
        any::<i64>().prop_map(Item::Int),
        (0..300_i64).prop_map(Item::Int),
        any::<f64>().prop_map(Item::Float),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Item::Text),
        // Around the length at which strings are shared.
        (250..260_usize).prop_map(|n| Item::Text(vec![b'x'; n])),
        (0..NAMES.len()).prop_map(Item::Name),
        (0..40_usize).prop_map(Item::Table),
        (0..40_usize).prop_map(Item::Table),
        Just(Item::Function),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let array = prop::collection::vec(item(), 0..6);
    let fields = prop::collection::vec((item(), item()), 0..6);
    (array, fields, prop::option::weighted(0.1, 0..40_usize)).prop_map(|(array, fields, meta)| Shape {
        array,
        fields,
        meta,
    })
}

fn make<'gc>(cx: &mut Cx<'gc>, item: &Item, tables: &[Tab<'gc>]) -> Result<Val<'gc>, LuaError> {
    static NOTHING: super::native::Native =
        super::native::Native::new("nothing", |_| Ok(super::native::Step::Return(0)));
    Ok(match item {
        Item::Nil => Val::NIL,
        Item::Bool(b) => Val::bool(*b),
        Item::Int(i) => Val::int(*i),
        Item::Float(f) => Val::float(*f),
        Item::Text(s) => cx.string(s)?,
        Item::Name(n) => cx.name(NAMES[*n]),
        Item::Table(n) => tables[n % tables.len()].into(),
        Item::Function => Val::native(&NOTHING),
    })
}

fn build<'gc>(cx: &mut Cx<'gc>, shapes: &[Shape]) -> Result<Vec<Tab<'gc>>, LuaError> {
    let mut tables = Vec::new();
    for _ in shapes {
        tables.push(cx.table(0, 0)?);
    }
    for (shape, &t) in shapes.iter().zip(&tables) {
        for (i, v) in shape.array.iter().enumerate() {
            let v = make(cx, v, &tables)?;
            t.set_int(cx, i as i64 + 1, v)?;
        }
        for (key, v) in &shape.fields {
            let (key, v) = (make(cx, key, &tables)?, make(cx, v, &tables)?);
            if !key.is_nil() && !matches!(key.kind(), Kind::Float(f) if f.is_nan()) {
                t.set(cx, key, v)?;
            }
        }
        if let Some(n) = shape.meta {
            cx.set_metatable(t.into(), Some(tables[n % tables.len()]))?;
        }
    }
    Ok(tables)
}

/// Pairs of tables that stand for each other, in both directions, and those still to be compared.
#[derive(Default)]
struct Pairs<'a, 'b> {
    there: HashMap<usize, usize>,
    back: HashMap<usize, usize>,
    todo: Vec<(Tab<'a>, Tab<'b>)>,
}

impl<'a, 'b> Pairs<'a, 'b> {
    fn same(&mut self, a: Val<'a>, b: Val<'b>) -> Result<(), String> {
        let equal = match (a.kind(), b.kind()) {
            (Kind::Function | Kind::Nil, Kind::Nil) => true,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Int(a), Kind::Int(b)) => a == b,
            (Kind::Float(a), Kind::Float(b)) => a.to_bits() == b.to_bits(),
            (Kind::Str(a), Kind::Str(b)) => a.bytes() == b.bytes(),
            (Kind::Table(a), Kind::Table(b)) => {
                let known =
                    (self.there.insert(a.address(), b.address()), self.back.insert(b.address(), a.address()));
                match known {
                    (None, None) => {
                        self.todo.push((a, b));
                        true
                    }
                    (Some(was_b), Some(was_a)) => was_b == b.address() && was_a == a.address(),
                    _ => false,
                }
            }
            _ => false,
        };
        if equal { Ok(()) } else { Err(format!("{} became {}", a.type_name(), b.type_name())) }
    }

    fn compare(&mut self, a: Val<'a>, b: Val<'b>) -> Result<(), String> {
        self.same(a, b)?;
        while let Some((a, b)) = self.todo.pop() {
            let (left, right) = (entries(a), entries(b));
            let left: Vec<_> =
                left.into_iter().filter(|(k, v)| !is_function(*k) && !is_function(*v)).collect();
            if left.len() != right.len() {
                return Err(format!("{} fields became {}", left.len(), right.len()));
            }
            for (key, v) in left {
                // Table keys are found through their partner, which must be known by then or is the only candidate.
                let found = match key.kind() {
                    Kind::Table(t) => match self.there.get(&t.address()) {
                        Some(&partner) => right.iter().find(|(k, _)| k.address() == partner),
                        None => continue,
                    },
                    _ => right.iter().find(|(k, _)| self.same_scalar(key, *k)),
                };
                let Some(&(_, other)) = found else { return Err("a key is missing".into()) };
                self.same(v, other)?;
            }
            match (a.metatable(), b.metatable()) {
                (None, None) => {}
                (Some(a), Some(b)) => self.same(a.into(), b.into())?,
                _ => return Err("one has a metatable".into()),
            }
        }
        Ok(())
    }

    fn same_scalar(&self, a: Val<'a>, b: Val<'b>) -> bool {
        match (a.kind(), b.kind()) {
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Int(a), Kind::Int(b)) => a == b,
            (Kind::Float(a), Kind::Float(b)) => a.to_bits() == b.to_bits(),
            (Kind::Str(a), Kind::Str(b)) => a.bytes() == b.bytes(),
            _ => false,
        }
    }
}

fn is_function(v: Val<'_>) -> bool {
    matches!(v.kind(), Kind::Function)
}

fn entries(t: Tab<'_>) -> Vec<(Val<'_>, Val<'_>)> {
    let (mut all, mut key) = (Vec::new(), Val::NIL);
    while let Some((k, v)) = t.next(key).expect("a key of the table") {
        all.push((k, v));
        key = k;
    }
    all
}

fn unpack<'gc>(cx: &mut Cx<'gc>, parcel: &Parcel) -> Vec<Val<'gc>> {
    let mut values = Vec::new();
    let done = parcel.unpack(cx, |_, v| {
        values.push(v);
        Ok(())
    });
    assert!(done.is_ok());
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_has_the_same_shape(shapes in prop::collection::vec(shape(), 1..30)) {
        let (mut sender, mut receiver) = (Vm::new(None).expect("memory"), Vm::new(None).expect("memory"));
        let verdict: Result<(), String> = sender.with_context(|from| {
            let tables = build(from, &shapes).expect("memory");
            let parcel = Parcel::pack(from, [tables[0].into(), Val::NIL, tables[0].into()]).expect("memory");
            receiver.with_context(|to| {
                // Everything is in the heap and in the globals, where the checks below find it.
                let copies = unpack(to, &parcel);
                assert_eq!(copies.len(), 3);
                assert!(copies[1].is_nil());
                assert_ne!(copies[0].address(), copies[2].address());
                for copy in [copies[0], copies[2]] {
                    Pairs::default().compare(tables[0].into(), copy)?;
                }
                to.globals().set_name(to, "kept", copies[0]).expect("memory");
                Ok(())
            })
        });
        prop_assert_eq!(verdict, Ok(()));
        receiver.collect();
        prop_assert_eq!(receiver.check_heap(), Ok(()));
    }
}

#[test]
fn a_million_levels() {
    const DEPTH: i64 = 1_000_000;
    let (mut sender, mut receiver) = (Vm::new(None).expect("memory"), Vm::new(None).expect("memory"));
    let parcel = sender.with_context(|cx| {
        let mut t = cx.table(1, 0).expect("memory");
        for _ in 1..DEPTH {
            let outer = cx.table(1, 0).expect("memory");
            outer.set_int(cx, 1, t.into()).expect("memory");
            t = outer;
        }
        Parcel::pack(cx, [t.into()]).expect("memory")
    });
    drop(sender);
    let depth = receiver.with_context(|cx| {
        let (mut t, mut depth) = (unpack(cx, &parcel)[0].as_table(), 0);
        while let Some(inner) = t {
            t = inner.get_int(1).as_table();
            depth += 1;
        }
        depth
    });
    assert_eq!(depth, DEPTH);
}

#[test]
fn large_strings_are_shared() {
    let (mut sender, mut receiver) = (Vm::new(None).expect("memory"), Vm::new(None).expect("memory"));
    let (parcel, original) = sender.with_context(|cx| {
        let s = cx.string(&[7; 100_000]).expect("memory");
        let address = s.as_str().map(|s| s.bytes().as_ptr() as usize);
        (Parcel::pack(cx, [s, s]).expect("memory"), address)
    });
    drop(sender);
    assert!(parcel.cost() >= 200_000 && parcel.cost() < 201_000);
    receiver.with_context(|cx| {
        for copy in unpack(cx, &parcel) {
            let s = copy.as_str().expect("a string");
            assert_eq!(Some(s.bytes().as_ptr() as usize), original);
            assert_eq!(s.bytes(), &[7; 100_000][..]);
        }
    });
    assert!(receiver.heap.bytes_held() >= 200_000, "shared bytes are on the receiver's account");
}

#[test]
fn a_receiver_at_its_limit_gets_an_error() {
    let mut sender = Vm::new(None).expect("memory");
    let mut receiver = Vm::new(Some(256 << 10)).expect("memory");
    let parcel = sender.with_context(|cx| {
        let t = cx.table(100_000, 0).expect("memory");
        for i in 0..100_000 {
            t.set_int(cx, i + 1, Val::int(i)).expect("memory");
        }
        Parcel::pack(cx, [t.into()]).expect("memory")
    });
    let r = receiver.with_context(|cx| parcel.unpack(cx, |_, _| Ok(())));
    assert!(r.is_err_and(|e| e.is_memory()));
    receiver.collect();
    assert_eq!(receiver.check_heap(), Ok(()));
}

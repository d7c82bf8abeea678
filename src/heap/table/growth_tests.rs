use super::*;
use crate::heap::Roots;
use fastrand::Rng;

/// Keys of all kinds that can be made without objects, many of them fit for the array part.
fn some_key(rng: &mut Rng, range: i64) -> Value {
    match rng.u8(0..10) {
        0 => Value::int(rng.i64(..)),
        1 => Value::float(rng.f64()),
        2 => Value::light(rng.usize(1..1000) * 16),
        3 => Value::int(-rng.i64(0..range)),
        _ => Value::int(rng.i64(1..=range)),
    }
}

struct Only(*mut Table);

impl Roots for Only {
    fn each(&mut self, mark: &mut dyn FnMut(Value)) {
        mark(Value::table(self.0));
    }
}

/// A table that has had some luck with its keys: dense, sparse, emptied at the front, at the back, or all over.
unsafe fn some_table(heap: &mut Heap, rng: &mut Rng) -> *mut Table {
    let t = heap.new_table().expect("memory");
    let keys = rng.i64(1..600);
    let range = keys << rng.u8(0..4);
    let in_order = rng.bool();
    let mut set = |key: Value, v: Value| {
        // SAFETY: the table is live, and there are no objects in it.
        unsafe { Table::set_at_once(t, heap, key, v) }.expect("memory");
    };
    for i in 1..=keys {
        set(if in_order { Value::int(i) } else { some_key(rng, range) }, Value::int(i));
    }
    let emptied = rng.i64(0..=keys);
    let share = rng.u8(0..5);
    for i in 1..=emptied {
        if rng.u8(0..4) < share {
            set(Value::int(i), Value::NIL);
        }
    }
    t
}

unsafe fn content(t: *const Table) -> Vec<(u8, u64, u64)> {
    let (mut at, mut all) = (0, Vec::new());
    // SAFETY: by contract.
    while let Some((next, key, v)) = unsafe { Table::next_at(t, at) } {
        all.push((key.tag, key.payload, v.payload));
        at = next;
    }
    all.sort_unstable();
    all
}

unsafe fn sizes(t: *const Table) -> (usize, usize, bool) {
    // SAFETY: by contract.
    unsafe { ((*t).arr_len as usize, Table::node_count(t), (*t).flags & table_flag::INT_KEYS != 0) }
}

unsafe fn check(t: *mut Table) {
    crate::heap::check::check(&mut Only(t), &|_| false).expect("a whole table");
}

/// Steps of so much work, until the growth is over.
unsafe fn grow(heap: &mut Heap, t: *mut Table, key: Value, work: usize) {
    let mut growth = Growth::new(t, key);
    // SAFETY: by contract.
    while !unsafe { growth.step(heap, work) }.expect("memory") {}
}

#[test]
fn a_table_grows_as_it_does_at_once() {
    let mut rng = Rng::with_seed(6);
    for round in 0..2_000 {
        let seed = rng.u64(..);
        let (mut heap, mut other) = (Heap::new(None), Heap::new(None));
        // SAFETY: the tables are live and of these heaps.
        unsafe {
            let t = some_table(&mut heap, &mut Rng::with_seed(seed));
            let twin = some_table(&mut other, &mut Rng::with_seed(seed));
            let before = content(t);
            assert_eq!(before, content(twin));
            let key = loop {
                let key = some_key(&mut rng, 1_000);
                if Table::get(t, key).is_nil() && Table::find(t, key).is_none() {
                    break key;
                }
            };
            let array = (*t).arr_cap;
            grow(&mut heap, t, key, [1, 7, 100, 100_000][round % 4]);
            assert_eq!(content(t), before, "growing loses nothing");
            check(t);
            // There is room now.
            if Table::find(t, key).is_none() && (*t).arr_cap == array {
                assert!((*t).last_free > 0 || (*t).arr_len < (*t).arr_cap, "round {round}");
            }
            Table::set(t, &mut heap, key, Value::TRUE).expect("memory");
            Table::grow_and_insert(twin, &mut other, key, Value::TRUE).expect("memory");
            assert_eq!(content(t), content(twin), "round {round}");
            assert_eq!(sizes(t), sizes(twin), "round {round}");
            check(t);
        }
    }
}

/// Wherever it is given up, or out of memory, the table is what it was and nothing is left behind.
#[test]
fn a_growth_can_be_given_up() {
    let mut rng = Rng::with_seed(7);
    for stop in 0..400 {
        let mut heap = Heap::new(None);
        // SAFETY: the table is live and of this heap.
        unsafe {
            let t = some_table(&mut heap, &mut rng);
            let before = (content(t), heap.bytes_held());
            let array = (*t).arr_cap as usize;
            let mut growth = Growth::new(t, Value::int(-1));
            if stop % 4 == 0 {
                heap.fail_after = Some(rng.u64(0..4));
            }
            let mut over = false;
            for _ in 0..stop {
                match growth.step(&mut heap, 16) {
                    Ok(false) => {}
                    Ok(true) => over = true,
                    Err(e) => {
                        assert!(e == TableError::Memory);
                        break;
                    }
                }
                if over {
                    break;
                }
            }
            heap.fail_after = None;
            growth.release(&mut heap);
            assert_eq!(content(t), before.0);
            check(t);
            if growth.phase != Phase::Release && array == (*t).arr_cap as usize {
                assert_eq!(heap.bytes_held(), before.1);
            }
            Table::set_at_once(t, &mut heap, Value::int(-1), Value::TRUE).expect("memory");
            check(t);
        }
    }
}

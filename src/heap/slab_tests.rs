use super::*;
use std::sync::mpsc;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a layout")
}

/// A block filled with a byte that its owner knows.
struct Owned {
    at: usize,
    size: usize,
    fill: u8,
}

impl Owned {
    fn new(size: usize, fill: u8) -> Self {
        // SAFETY: the size is not 0.
        let at = unsafe { Slabs.alloc(layout(size)) };
        assert!(!at.is_null() && at.addr().is_multiple_of(8));
        // SAFETY: the block has this size.
        unsafe { at.write_bytes(fill, size) };
        Self { at: at.expose_provenance(), size, fill }
    }

    fn pointer(&self) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(self.at)
    }

    fn check(&self) {
        // SAFETY: the block is ours.
        let bytes = unsafe { std::slice::from_raw_parts(self.pointer(), self.size) };
        assert!(bytes.iter().all(|&byte| byte == self.fill), "a block of {} bytes was written to", self.size);
    }

    fn resize(&mut self, size: usize) {
        // SAFETY: the block is ours and has this layout.
        let at = unsafe { Slabs.realloc(self.pointer(), layout(self.size), size) };
        // SAFETY: what was not there before is filled, too.
        unsafe {
            for i in self.size..size {
                at.add(i).write(self.fill);
            }
        }
        (self.at, self.size) = (at.expose_provenance(), size);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.check();
        // SAFETY: the block is ours and has this layout.
        unsafe { Slabs.dealloc(self.pointer(), layout(self.size)) };
    }
}

#[test]
fn every_size_has_a_class_that_fits() {
    for size in 1..=LARGEST {
        let class = class_of(layout(size)).expect("a small size");
        assert!(usize::from(SIZES[class]) >= size);
        assert!(class == 0 || usize::from(SIZES[class - 1]) < size, "{size} fits a smaller class");
    }
    assert_eq!(class_of(layout(LARGEST + 1)), None);
    assert_eq!(class_of(Layout::from_size_align(64, 64).expect("a layout")), None);
    for (class, &batch) in BATCH.iter().enumerate() {
        assert!(end_of(class) <= SLAB && batch >= 4);
    }
}

#[test]
fn zeroed_blocks_are_zero() {
    drop(Owned::new(300, 0xff));
    // SAFETY: a block of 300 bytes.
    unsafe {
        let at = Slabs.alloc_zeroed(layout(300));
        assert!(std::slice::from_raw_parts(at, 300).iter().all(|&byte| byte == 0));
        Slabs.dealloc(at, layout(300));
    }
}

/// Blocks of all sizes, given to other threads and back to the system, are never in two hands; and a flood of them leaves no
/// more behind than the reserve, and what lies in one span with each class's last slab.
#[test]
fn blocks_wander_between_threads() {
    wander();
    let flood: Vec<Owned> = (0..40_000).map(|i| Owned::new(2000, i as u8)).collect();
    drop(flood);
    // Whether it went at once or is kept depends on whether other tests have workers.
    while give_back() != Left::Nothing {}
    let left = lock(&RESERVE).spare.now;
    assert!(left <= SPAN_RESERVE, "{left} spans");
}

fn wander() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::channel::<Owned>()).unzip();
    std::thread::scope(|scope| {
        for (me, mail) in receivers.into_iter().enumerate() {
            let senders = senders.clone();
            scope.spawn(move || {
                let mut dice = fastrand::Rng::with_seed(me as u64);
                let mut mine: Vec<Owned> = Vec::new();
                for _ in 0..20_000 {
                    match dice.u8(..8) {
                        0..3 => mine.push(Owned::new(dice.usize(1..3000), dice.u8(..))),
                        3 if !mine.is_empty() => {
                            let at = dice.usize(..mine.len());
                            mine[at].resize(dice.usize(1..3000));
                            mine[at].check();
                        }
                        4 if !mine.is_empty() => {
                            let block = mine.swap_remove(dice.usize(..mine.len()));
                            // Whoever has ended gives it back with his channel.
                            let _ = senders[dice.usize(..4)].send(block);
                        }
                        5 => mine.extend(mail.try_recv()),
                        _ if !mine.is_empty() => drop(mine.swap_remove(dice.usize(..mine.len()))),
                        _ => {}
                    }
                }
            });
        }
        drop(senders);
    });
}

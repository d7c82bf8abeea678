//! The memory of a program: what its processes hold together, and who gives in when that is too much.
//!
//! 1. A heap that shares a [`Budget`] may grow to what the budget counts for it without asking. It asks where the limit of a
//!    process is checked, a sixteenth of its size ahead; at the end of a slice the count follows what the heap really holds.
//!    So what is counted is what is held, but for a sixteenth, and allocating touches nothing that is shared.
//! 2. Whoever asks when there is nothing left collects first. If it is the largest process then, it gets the error. Otherwise
//!    what it wants goes on its account, so that the program has too much, and the largest process is told to give in.
//! 3. Whoever is told collects, too, and if another process is the largest then, that one is told instead. One process at a time
//!    gives in: who that is, is found by whoever keeps the processes ([`Budget::set_finder`]).
//! 4. Until the program has no longer too much, those who asked skip their turns. What they want they have at once if the reserve, a
//!    sixteenth of the limit, has it, to come to the end of a slice; else when they go on.
//! 5. A process that was told and got its error has some time to give memory back ([`GRACE`]). If it has kept most of what it had
//!    and the program still needs memory, it ends.

use super::alloc::{Heap, OutOfMemory};
use crate::limits::{GRACE, GRACE_COLLECTIONS, MAX_AHEAD, MIN_AHEAD};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Finds the largest of the processes that are larger than so many bytes.
pub type Finder = Box<dyn Fn(usize) -> Option<Found> + Send + Sync>;

/// A process that is to give in.
pub struct Found {
    pub share: Arc<Share>,
    pub size: usize,
    /// Tells it, once its share says so.
    pub tell: Box<dyn FnOnce()>,
}

/// See the head of the file.
pub struct Budget {
    limit: usize,
    /// What is counted comes and goes on several threads, so this may be below zero for a moment.
    used: AtomicIsize,
    /// Bytes of the reserve that processes have now.
    lent: AtomicUsize,
    giving: Mutex<Option<Giving>>,
    finder: OnceLock<Finder>,
}

/// The process that was told to give in.
struct Giving {
    /// Its share, to be compared only.
    share: *const Share,
    size: usize,
}

// SAFETY: the pointer is never followed.
unsafe impl Send for Giving {}

/// Who gives in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Largest {
    /// Whoever asks is the largest process.
    Asker,
    /// Another one, that has been told.
    Other,
}

/// What one process has of a program's memory, as others see it.
pub struct Share {
    budget: Arc<Budget>,
    /// Bytes that the budget counts for the heap. Changed by the process only.
    charged: AtomicUsize,
    /// The process is to give in.
    pressed: AtomicBool,
    /// It was told in vain, and goes on all the same: others are told instead, as long as the program has too much.
    spared: AtomicBool,
}

/// A heap's own side of its [`Share`].
pub(super) struct Lease {
    share: Arc<Share>,
    /// The limit of this process alone.
    pub(super) limit: usize,
    /// What the process takes beside its heap.
    base: usize,
    /// Bytes that it has of the reserve.
    lent: usize,
    /// Collections that there had been when the process asked in vain.
    asked: Option<u64>,
    /// Ends of slices at which it had not collected since.
    late: u32,
    /// The error that the process got because it was told to give in, until there is room again.
    struck: Option<Struck>,
    /// Why the program refused memory the last time.
    refusal: Refusal,
    /// The slice is to end at the next instruction boundary.
    pause: bool,
    /// The process does not go on before another one has given in. What it wants is on its account.
    waits: bool,
    /// Nothing can be tried again at present: the account is overdrawn instead.
    lenient: bool,
    /// The process gets its error when it runs.
    doomed: bool,
}

impl Budget {
    /// A limit for a program, in bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicIsize::new(0),
            lent: AtomicUsize::new(0),
            giving: Mutex::new(None),
            finder: OnceLock::new(),
        })
    }

    /// Sets who finds the largest process. Without it everybody takes himself for the largest.
    pub fn set_finder(&self, finder: Finder) {
        // The first one counts.
        let _ = self.finder.set(finder);
    }

    /// Counts memory, whether there is room or not. True: there is not.
    pub fn add(&self, bytes: usize) -> bool {
        let bytes = bytes.cast_signed();
        let limit = isize::try_from(self.limit).unwrap_or(isize::MAX);
        self.used.fetch_add(bytes, Ordering::Relaxed) + bytes > limit
    }

    /// Counts memory no more.
    pub fn sub(&self, bytes: usize) {
        self.used.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
    }

    /// Counts memory if there is room for it.
    fn take(&self, bytes: usize) -> bool {
        if bytes > self.room() {
            return false;
        }
        let over = self.add(bytes);
        if over {
            self.sub(bytes);
        }
        !over
    }

    /// Bytes counted.
    #[must_use]
    pub fn used(&self) -> usize {
        usize::try_from(self.used.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Bytes that are left.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.used())
    }

    /// Whether more is counted than the limit allows.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.used() > self.limit
    }

    /// Lends a part of the reserve, a sixteenth of the limit, if there is still so much.
    fn lend(&self, bytes: usize) -> bool {
        let reserve = self.limit / 16;
        let more = |lent: usize| lent.checked_add(bytes).filter(|&lent| lent <= reserve);
        self.lent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// There is too little memory for a process, nobody's if it is for a letter, that has collected and has `bytes`. The largest
    /// process is told to give in, unless a larger one than this has been already.
    pub fn press(&self, asker: Option<&Share>, bytes: usize) -> Largest {
        let asker = asker.map_or(std::ptr::null(), std::ptr::from_ref);
        let mut giving = self.giving();
        if giving.as_ref().is_some_and(|giving| giving.share != asker && giving.size > bytes) {
            return Largest::Other;
        }
        let found = self.finder.get().and_then(|finder| finder(bytes));
        let Some(found) = found.filter(|found| Arc::as_ptr(&found.share) != asker) else {
            return Largest::Asker;
        };
        found.share.press();
        *giving = Some(Giving { share: Arc::as_ptr(&found.share), size: found.size });
        drop(giving);
        (found.tell)();
        Largest::Other
    }

    fn giving(&self) -> MutexGuard<'_, Option<Giving>> {
        self.giving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Of a process whose heap does not exist yet.
    #[must_use]
    pub fn new(budget: &Arc<Budget>) -> Arc<Self> {
        Arc::new(Self {
            budget: budget.clone(),
            charged: AtomicUsize::new(0),
            pressed: AtomicBool::new(false),
            spared: AtomicBool::new(false),
        })
    }

    /// The program's memory.
    #[must_use]
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Bytes that the budget counts for the heap.
    #[must_use]
    pub fn charged(&self) -> usize {
        self.charged.load(Ordering::Relaxed)
    }

    /// Tells the process to give in.
    pub fn press(&self) {
        self.pressed.store(true, Ordering::SeqCst);
    }

    /// Whether the process is to give in.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::SeqCst)
    }

    /// Whether others are told to give in instead.
    #[must_use]
    pub fn is_spared(&self) -> bool {
        self.spared.load(Ordering::SeqCst)
    }

    /// From now on, and as long as the program has too much, others are told to give in.
    pub fn spare(&self) {
        self.spared.store(true, Ordering::SeqCst);
        self.gave_in();
    }

    /// The process has its error, has ended, or has become small enough.
    pub fn gave_in(&self) {
        if self.is_pressed() && self.pressed.swap(false, Ordering::SeqCst) {
            let mut giving = self.budget.giving();
            if giving.as_ref().is_some_and(|giving| std::ptr::eq(giving.share, self)) {
                *giving = None;
            }
        }
    }

    /// Counts so many bytes for the heap. True: the program has too much now.
    fn charge(&self, bytes: usize) -> bool {
        let before = self.charged.swap(bytes, Ordering::Relaxed);
        if bytes < before {
            self.budget.sub(before - bytes);
            return self.budget.is_over();
        }
        self.budget.add(bytes - before)
    }

    /// The same, if there is room.
    fn try_charge(&self, bytes: usize) -> bool {
        let before = self.charged();
        let taken = bytes <= before || self.budget.take(bytes - before);
        if taken && bytes > before {
            self.charged.store(bytes, Ordering::Relaxed);
        }
        taken
    }
}

/// A process has got its error, and may give memory back.
#[derive(Clone, Copy)]
struct Struck {
    /// What it had.
    size: usize,
    /// The number of reductions that it has time for, and that of collections; none yet before the end of the slice.
    until: Option<(u64, u64)>,
    /// Its time is over.
    late: bool,
}

/// What follows from a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// What the limit of a process does: it collects and tries again, once.
    Final,
    /// The process is to collect and try again, whatever it has tried before.
    Collect,
    /// It is to try again in the next slice: another one is to give in first.
    Later,
}

/// What a process is to do at the end of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// Nothing.
    Fine,
    /// Collect, and settle again.
    Collect,
    /// It has collected, and the program has still too much: this process gives in.
    GiveIn,
}

impl Heap {
    /// From now on this heap counts for a program. `base`: what its process takes beside it.
    pub fn join(&mut self, share: Arc<Share>, base: usize) {
        debug_assert!(self.lease.is_none());
        let lease = Lease {
            share,
            limit: self.limit,
            base,
            lent: 0,
            asked: None,
            late: 0,
            struck: None,
            refusal: Refusal::Final,
            pause: false,
            waits: false,
            lenient: false,
            doomed: false,
        };
        self.lease = Some(Box::new(lease));
        self.follow();
    }

    /// Whether what does not fit into the program's memory is to be tried again, or overdraws the account. The host cannot try again.
    pub fn lend(&mut self, lenient: bool) {
        if let Some(lease) = &mut self.lease {
            lease.lenient = lenient;
        }
    }

    /// Asks the program for memory, so that this heap may hold `total` bytes, `more` than it does.
    #[cold]
    #[inline(never)]
    pub(super) fn ask(&mut self, total: usize, more: usize) -> Result<(), OutOfMemory> {
        let cycles = self.gc.cycles;
        let stopped = self.gc.stopped;
        let Some(lease) = self.lease.as_deref_mut().filter(|lease| total <= lease.limit) else {
            return Err(OutOfMemory);
        };
        let allowed = lease.grow(total, more, |asked| stopped || cycles > asked, cycles);
        let asked = lease.asked.is_some();
        self.limit = allowed?;
        // For the collection, or to end the slice. Not after a refusal: an instruction that collects when it is asked to and then
        // runs again would never get to its error.
        self.gc_pending |= asked;
        Ok(())
    }

    /// Asks for so much for one who cannot be refused later, after a collection. True: it is to go on in another slice, when others
    /// have given memory back. False: that is of no use, or not necessary.
    pub fn claim(&mut self, more: usize) -> bool {
        let total = self.bytes_held().saturating_add(more);
        let Some(lease) = self.lease.as_deref_mut().filter(|lease| total <= lease.limit) else {
            return false;
        };
        let want = total.saturating_add(lease.base);
        if !lease.share.try_charge(want) {
            if lease.is_largest(want) {
                return false;
            }
            lease.share.charge(want);
            lease.waits = true;
        }
        let waits = lease.waits;
        self.limit = lease.allowed();
        waits
    }

    /// The count follows what the heap holds. True: the program has too much.
    fn follow(&mut self) -> bool {
        let held = self.bytes_held();
        let Some(lease) = &mut self.lease else { return false };
        let (want, charged) = (held + lease.base, lease.share.charged());
        let over = if want > charged || (charged - want > ahead(want) && !lease.waits) {
            lease.share.charge(want)
        } else {
            lease.share.budget.is_over()
        };
        let allowed = lease.allowed();
        self.limit = allowed;
        over
    }

    /// The end of a slice; `reductions` are those that the process has made so far. A process that `rests` does nothing before it
    /// is woken.
    pub fn settle(&mut self, reductions: u64, rests: bool) -> Settled {
        let before = self.lease.as_ref().map_or(0, |lease| lease.share.charged());
        let over = self.follow();
        let cycles = self.gc.cycles;
        let stopped = self.gc.stopped;
        let collecting = self.gc.is_collecting();
        let Some(lease) = &mut self.lease else { return Settled::Fine };
        lease.pause = false;
        // A process that rests need not skip turns.
        lease.waits &= !rests;
        if !lease.waits && !lease.has_time() {
            lease.give_back();
        }
        if !over {
            lease.share.gave_in();
            lease.share.spared.store(false, Ordering::SeqCst);
            // An instruction that was refused and has collected is tried again in the next slice.
            if lease.asked.is_some_and(|asked| cycles > asked + 1) {
                lease.asked = None;
            }
            (lease.struck, lease.doomed) = (None, false);
            return Settled::Fine;
        }
        if let Some(struck) = lease.struck.as_mut().filter(|struck| !struck.late) {
            let until = *struck.until.get_or_insert((reductions + GRACE, cycles + GRACE_COLLECTIONS));
            if reductions < until.0 && cycles < until.1 && !rests {
                return Settled::Fine;
            }
            struck.late = true;
            lease.asked = None;
        }
        let charged = lease.share.charged();
        let grown = charged > before || lease.asked.is_some();
        if (!grown && !lease.share.is_pressed()) || collecting || lease.doomed || lease.waits {
            return Settled::Fine;
        }
        let asked = *lease.asked.get_or_insert(cycles);
        // A loop that does nothing but count comes to no boundary at which it could collect.
        if asked == cycles && !stopped && lease.late < 2 {
            lease.late += 1;
            self.gc_pending = true;
            return Settled::Collect;
        }
        lease.late = 0;
        if lease.struck.is_some_and(|struck| charged < struck.size - struck.size / 4) {
            // It did what it could: others may be larger now.
            (lease.asked, lease.struck) = (None, None);
            lease.share.gave_in();
            return Settled::Fine;
        }
        if lease.is_largest(charged) {
            lease.share.press();
            return Settled::GiveIn;
        }
        lease.waits = true;
        Settled::Fine
    }

    /// Whether the process has had its error, and more than three quarters of what it had are still there.
    #[must_use]
    pub fn is_stubborn(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.struck.is_some())
    }

    /// Whether the process is to skip its turn: it wants memory, and another process has been told to give some back.
    #[inline]
    pub fn must_wait(&mut self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.waits) && self.still_waits()
    }

    #[cold]
    fn still_waits(&mut self) -> bool {
        let Some(lease) = &mut self.lease else { return false };
        if !lease.share.budget.is_over() {
            lease.waits = false;
            lease.give_back();
            return false;
        }
        if !lease.is_largest(lease.share.charged()) {
            return true;
        }
        // It is its own turn to give in: what it wants is too much.
        lease.waits = false;
        self.follow();
        false
    }

    /// The process gets its error when it runs.
    pub fn doom(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.doomed = true;
        }
    }

    /// Whether the process is to get its error now.
    #[inline]
    pub fn is_doomed(&mut self) -> bool {
        self.lease.as_mut().is_some_and(|lease| lease.is_doomed())
    }

    /// The process has got an error for want of memory.
    pub(crate) fn refused_for_good(&mut self) {
        if let Some(lease) = &mut self.lease {
            if lease.share.is_pressed() && lease.struck.is_none() {
                lease.struck = Some(Struck { size: lease.share.charged(), until: None, late: false });
            }
            (lease.asked, lease.waits, lease.doomed, lease.refusal) = (None, false, false, Refusal::Final);
        }
    }

    /// Whether a request for a collection asked for the end of the slice.
    pub(crate) fn take_pause(&mut self) -> bool {
        let pause = self.lease.as_mut().is_some_and(|lease| std::mem::take(&mut lease.pause));
        if pause {
            self.gc_pending = false;
        }
        pause
    }

    /// What is to be thought of the last refusal.
    pub(crate) fn take_refusal(&mut self) -> Refusal {
        self.lease
            .as_mut()
            .map_or(Refusal::Final, |lease| std::mem::replace(&mut lease.refusal, Refusal::Final))
    }

    /// Bytes that the limits of process and program leave.
    #[must_use]
    pub fn room(&self) -> usize {
        let held = self.bytes_held();
        match &self.lease {
            None => self.limit.saturating_sub(held),
            Some(lease) => {
                let own = lease.share.charged().saturating_sub(lease.base + held);
                lease.limit.saturating_sub(held).min(own + lease.share.budget.room())
            }
        }
    }

    /// The limit of the process in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.lease.as_ref().map_or(self.limit, |lease| lease.limit)
    }
}

/// How much more than it needs a heap of this size asks for.
fn ahead(bytes: usize) -> usize {
    (bytes / 16).clamp(MIN_AHEAD, MAX_AHEAD)
}

impl Lease {
    /// The reserve has its part again.
    fn give_back(&mut self) {
        let lent = std::mem::take(&mut self.lent);
        if lent > 0 {
            self.share.budget.lent.fetch_sub(lent, Ordering::Relaxed);
        }
    }

    /// Whether this process, which has collected, is the largest. If not, another one is told to give in instead.
    fn is_largest(&mut self, bytes: usize) -> bool {
        if self.share.budget.press(Some(&self.share), bytes) == Largest::Asker {
            return true;
        }
        self.share.gave_in();
        false
    }

    /// What the heap may hold: what is counted for the process, but for what it takes beside its heap.
    fn allowed(&self) -> usize {
        self.share.charged().saturating_sub(self.base).min(self.limit)
    }

    /// Whether the process has got its error and may give memory back now.
    fn has_time(&self) -> bool {
        self.struck.is_some_and(|struck| !struck.late)
    }

    /// Others may have given memory back since it was decided.
    fn is_doomed(&mut self) -> bool {
        if self.doomed && !self.share.budget.is_over() {
            self.doomed = false;
            self.share.gave_in();
        }
        self.doomed
    }

    /// What the heap may hold from now on.
    fn grow(
        &mut self,
        total: usize,
        more: usize,
        has_collected: impl Fn(u64) -> bool,
        cycles: u64,
    ) -> Result<usize, OutOfMemory> {
        let want = total.saturating_add(self.base);
        let share = &self.share;
        if share.try_charge(want.saturating_add(ahead(want))) || share.try_charge(want) {
            self.asked = None;
            return Ok(self.allowed());
        }
        if self.doomed && !self.has_time() {
            return Err(OutOfMemory);
        }
        let mut refusal = Refusal::Collect;
        match self.asked {
            None => self.asked = Some(cycles),
            // A collection is due: the next instruction boundary sees to it.
            Some(asked) if !has_collected(asked) => {}
            Some(_) => {
                if !self.is_largest(want) {
                    refusal = Refusal::Later;
                    self.waits = true;
                } else if !self.lenient {
                    return Err(OutOfMemory);
                }
            }
        }
        if self.lenient || self.share.budget.lend(more) {
            if !self.lenient {
                self.lent += more;
            }
            self.pause = refusal == Refusal::Later;
            self.share.charge(want);
            return Ok(self.allowed());
        }
        if refusal == Refusal::Later {
            self.share.charge(want);
        }
        self.refusal = refusal;
        Err(OutOfMemory)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back();
        self.share.charge(0);
        self.share.gave_in();
    }
}

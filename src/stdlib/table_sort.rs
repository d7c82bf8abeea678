//! `table.sort`: drives the [`Sorter`] over a Lua table.
//!
//! Window: table, comparator or nil, the three hands of the sorter, the sorter itself in words, and the intervals that wait;
//! above them what a call gives. So nothing is kept outside of the window, and entering the function again after a
//! comparison is cheap. Two drivers: [`General`] for everything, with the hands in Rust variables while the sorter runs, and
//! [`Compared`], which goes on after a comparator has answered for a table without metatable.

use super::sort::{
    Hand, INVALID_ORDER, Interval, Packed, Progress, Scan, SortAccess, SortError, SortStep, Sorter,
};
use super::table::{LENGTH, READ, WRITE, check_tab, measure, plain, pop_length};
use crate::vm::LuaError;
use crate::vm::native::{Cx, Step, Tab, Val, WindowSlot};

type R = Result<Step, LuaError>;

const TABLE: usize = 0;
const COMPARATOR: usize = 1;
/// First of the three slots for the hands.
const HANDS: usize = 2;
/// First of the three slots for the words of the sorter, which are integers.
const WORDS: usize = 5;
/// The last random number.
const RANDOM: usize = 8;
/// First of the slots for intervals, each of which takes two.
const INTERVALS: usize = 9;

/// What the last call was for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// For nothing: the budget was used up.
    Nothing,
    Get(Hand),
    Set,
    Less,
}

/// State of the function between two entries, above the bits of [`Packed::at`].
mod state {
    /// The length was asked for; the number of arguments follows.
    pub const LENGTH: u64 = 1 << 8;
    /// The sorter runs.
    pub const SORTING: u64 = 1 << 9;
    /// The call was a comparison.
    pub const LESS: u64 = 1 << 10;
    pub const SET: u64 = 1 << 11;
    /// The call was a read; two bits for the hand.
    pub const GET: u64 = 1 << 12;
    pub const HAND: u32 = 13;
    /// Number of intervals that wait.
    pub const WAITING: u32 = 16;
    pub const ARGS: u32 = 16;
}

/// The next random number. Any sequence will do: it only has to differ from the pattern of the data.
const fn next_random(last: u32) -> u32 {
    last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

const fn interval_words(interval: Interval) -> [i64; 2] {
    [interval.low as i64 | (interval.high as i64) << 32, interval.random as i64]
}

const fn interval_of([place, random]: [i64; 2]) -> Interval {
    Interval { low: place as u32, high: (place >> 32) as u32, random: random as u32 }
}

const fn unpack(state: u64, words: [i64; 3]) -> Sorter {
    let words = [words[0] as u64, words[1] as u64, words[2] as u64];
    Sorter::unpack(Packed { at: state as u8, words })
}

struct General<'a, 'gc> {
    cx: &'a mut Cx<'gc>,
    obj: Val<'gc>,
    /// The table, if it needs no metamethods.
    table: Option<Tab<'gc>>,
    comparator: Val<'gc>,
    hands: [Val<'gc>; 3],
    /// Hands that the window does not have yet, as bits.
    changed: u8,
    waiting: usize,
    asked: Asked,
    step: Step,
}

impl General<'_, '_> {
    fn save_hands(&mut self) {
        for (i, &v) in self.hands.iter().enumerate() {
            if self.changed & 1 << i != 0 {
                self.cx.set(HANDS + i, v);
            }
        }
        self.changed = 0;
    }

    /// Leaves everything in the window for the next entry.
    fn save(&mut self, sorter: &Sorter) {
        self.save_hands();
        let packed = sorter.pack();
        for (i, word) in packed.words.into_iter().enumerate() {
            self.cx.set(WORDS + i, Val::int(word as i64));
        }
        let asked = match self.asked {
            Asked::Nothing => 0,
            Asked::Less => state::LESS,
            Asked::Set => state::SET,
            Asked::Get(hand) => state::GET | (hand as u64) << state::HAND,
        };
        let waiting = (self.waiting as u64) << state::WAITING;
        self.cx.set_state(u64::from(packed.at) | state::SORTING | asked | waiting);
    }

    fn int(&self, slot: usize) -> i64 {
        self.cx.arg(slot).as_int().unwrap_or(0)
    }
}

impl SortAccess for General<'_, '_> {
    type Error = LuaError;

    #[inline]
    fn get(&mut self, hand: Hand, index: u32) -> Result<Progress, LuaError> {
        if let Some(t) = self.table {
            self.hands[hand as usize] = t.get_int(index.into());
            self.changed |= 1 << hand as u8;
            return Ok(Progress::Done);
        }
        let found = self.cx.index(self.obj, Val::int(index.into()))?;
        match found {
            Ok(v) => {
                self.hands[hand as usize] = v;
                self.changed |= 1 << hand as u8;
                Ok(Progress::Done)
            }
            Err(call) => {
                self.save_hands();
                self.asked = Asked::Get(hand);
                self.step = self.cx.call(&call, 1)?;
                Ok(Progress::Pending)
            }
        }
    }

    #[inline]
    fn set(&mut self, index: u32, hand: Hand) -> Result<Progress, LuaError> {
        let v = self.hands[hand as usize];
        if let Some(t) = self.table {
            t.set_int(self.cx, index.into(), v)?;
            return Ok(Progress::Done);
        }
        let call = self.cx.set_index(self.obj, Val::int(index.into()), v)?;
        match call {
            None => Ok(Progress::Done),
            Some(call) => {
                self.save_hands();
                self.asked = Asked::Set;
                self.step = self.cx.call(&call, 0)?;
                Ok(Progress::Pending)
            }
        }
    }

    #[inline]
    fn less(&mut self, a: Hand, b: Hand) -> Result<Option<bool>, LuaError> {
        let (a, b) = (self.hands[a as usize], self.hands[b as usize]);
        let call = if self.comparator.is_nil() {
            match self.cx.less_than(a, b)? {
                Ok(answer) => return Ok(Some(answer)),
                Err(call) => call,
            }
        } else {
            [self.comparator, a, b]
        };
        self.save_hands();
        self.asked = Asked::Less;
        self.step = self.cx.call(&call, 1)?;
        Ok(None)
    }

    fn random(&mut self) -> u32 {
        let random = next_random(self.int(RANDOM) as u32);
        self.cx.set(RANDOM, Val::int(random.into()));
        random >> 4
    }

    fn park(&mut self, interval: Interval) {
        for (i, word) in interval_words(interval).into_iter().enumerate() {
            self.cx.set(INTERVALS + 2 * self.waiting + i, Val::int(word));
        }
        self.waiting += 1;
    }

    fn unpark(&mut self) -> Option<Interval> {
        self.waiting = self.waiting.checked_sub(1)?;
        let at = INTERVALS + 2 * self.waiting;
        Some(interval_of([self.int(at), self.int(at + 1)]))
    }
}

/// After a comparison, for a table without metatable: works in the window.
struct Compared<'a, 'gc> {
    table: Tab<'gc>,
    fixed: &'a mut [WindowSlot<'gc>; INTERVALS],
    intervals: &'a mut [WindowSlot<'gc>],
    waiting: usize,
    ask: (Hand, Hand),
    /// A store that is not one into the array part: the general driver does it.
    left: Option<(u32, Hand)>,
}

#[inline(always)]
fn int(slot: &WindowSlot<'_>) -> i64 {
    slot.get().as_int().unwrap_or(0)
}

impl SortAccess for Compared<'_, '_> {
    type Error = std::convert::Infallible;

    #[inline(always)]
    fn get(&mut self, hand: Hand, index: u32) -> Result<Progress, Self::Error> {
        let v = match self.table.array_get(index.wrapping_sub(1) as usize) {
            Some(v) => v,
            None => self.table.get_int(index.into()),
        };
        self.fixed[HANDS + hand as usize].set(v);
        Ok(Progress::Done)
    }

    #[inline(always)]
    fn set(&mut self, index: u32, hand: Hand) -> Result<Progress, Self::Error> {
        let v = self.fixed[HANDS + hand as usize].get();
        if self.table.array_set(index.wrapping_sub(1) as usize, v) {
            return Ok(Progress::Done);
        }
        self.left = Some((index, hand));
        Ok(Progress::Pending)
    }

    #[inline(always)]
    fn less(&mut self, a: Hand, b: Hand) -> Result<Option<bool>, Self::Error> {
        self.ask = (a, b);
        Ok(None)
    }

    fn random(&mut self) -> u32 {
        let random = next_random(int(&self.fixed[RANDOM]) as u32);
        self.fixed[RANDOM].set(Val::int(random.into()));
        random >> 4
    }

    #[inline(always)]
    fn park(&mut self, interval: Interval) {
        for (slot, word) in self.intervals[2 * self.waiting..].iter_mut().zip(interval_words(interval)) {
            slot.set(Val::int(word));
        }
        self.waiting += 1;
    }

    #[inline(always)]
    fn unpark(&mut self) -> Option<Interval> {
        self.waiting = self.waiting.checked_sub(1)?;
        let at = 2 * self.waiting;
        Some(interval_of([int(&self.intervals[at]), int(&self.intervals[at + 1])]))
    }
}

pub(super) fn sort(cx: &mut Cx<'_>) -> R {
    let entered = cx.state();
    if entered & state::LESS != 0
        && let Some(step) = scan(cx, entered)
    {
        return Ok(step);
    }
    go_on_sorting(cx, entered)
}

/// Goes on inside a partition after a comparison, as [`compared`] would, in the table's array part. Most comparisons are there.
/// `None`: nothing was done.
#[inline(always)]
fn scan(cx: &mut Cx<'_>, entered: u64) -> Option<Step> {
    const AT: u64 = 0xff;
    let (answer, slots) = cx.window().split_last_mut()?;
    let fixed = slots.first_chunk_mut::<INTERVALS>()?;
    let (bounds, places) = (int(&fixed[WORDS]) as u64, int(&fixed[WORDS + 1]) as u64);
    let next = Scan::after((entered & AT) as u8, bounds, places, answer.get().is_truthy())?;
    let table = fixed[TABLE].get().as_table().filter(|t| t.is_plain())?;
    let comparator = fixed[COMPARATOR].get();
    let place = |index: u32| index.wrapping_sub(1) as usize;
    let length = table.array_len();
    if comparator.is_nil() || place(next.index) >= length {
        return None;
    }
    if let Some((i, j)) = next.swap {
        // The comparator may have made the table smaller.
        if place(i) >= length || place(j) >= length {
            return None;
        }
        table.array_set(place(i), fixed[HANDS + Hand::B as usize].get());
        table.array_set(place(j), fixed[HANDS + Hand::A as usize].get());
    }
    let value = table.array_get(place(next.index))?;
    // Objects are where they were made, not where their order has them: without this, comparing is waiting for memory.
    match next.is_up {
        true => table.expect(place(next.index + 2), place(next.index + 1)),
        false => table.expect(place(next.index.wrapping_sub(2)), place(next.index.wrapping_sub(1))),
    }
    let pivot = fixed[HANDS + Hand::Pivot as usize].get();
    let (hand, a, b) = if next.is_up { (Hand::A, value, pivot) } else { (Hand::B, pivot, value) };
    fixed[HANDS + hand as usize].set(value);
    fixed[WORDS + 1].set(Val::int(next.places as i64));
    // The answer's slot is the next callee's.
    answer.set(comparator);
    cx.push(a);
    cx.push(b);
    cx.set_state(entered & !AT | u64::from(next.at));
    Some(Step::Call { args: 2, results: 1 })
}

/// Goes on after a comparison or whatever else it was left for.
#[inline(never)]
fn go_on_sorting(cx: &mut Cx<'_>, entered: u64) -> R {
    if entered & state::LESS != 0
        && let Some(r) = compared(cx, entered)
    {
        return r;
    }
    enter(cx, entered)
}

/// Goes on after a comparison, if that needs no more than the window and the table's array part.
#[inline(always)]
fn compared(cx: &mut Cx<'_>, entered: u64) -> Option<R> {
    let window = cx.window();
    let (answer, slots) = window.split_last_mut()?;
    let (fixed, intervals) = slots.split_first_chunk_mut::<INTERVALS>()?;
    let table = fixed[TABLE].get().as_table().filter(|t| t.is_plain())?;
    let comparator = fixed[COMPARATOR].get();
    if comparator.is_nil() {
        return None;
    }
    let mut sorter = unpack(entered, [int(&fixed[WORDS]), int(&fixed[WORDS + 1]), int(&fixed[WORDS + 2])]);
    let waiting = (entered >> state::WAITING) as usize;
    let yes = answer.get().is_truthy();
    let mut access = Compared { table, fixed, intervals, waiting, ask: (Hand::A, Hand::A), left: None };
    // Each comparison ends the step: no other budget is needed.
    let mut budget = i64::MAX;
    let outcome = sorter.step(&mut access, yes, &mut budget);
    let Compared { fixed, waiting, ask, left, .. } = access;
    match outcome {
        Ok(SortStep::Pending) => {}
        Ok(SortStep::Done) => return Some(Ok(Step::Return(0))),
        Ok(SortStep::OutOfBudget) => return Some(Ok(Step::Again)),
        Err(SortError::InvalidOrder) => return Some(Err(LuaError::message(INVALID_ORDER))),
        Err(SortError::Access(never)) => match never {},
    }
    let packed = sorter.pack();
    for (slot, word) in fixed[WORDS..].iter_mut().zip(packed.words) {
        slot.set(Val::int(word as i64));
    }
    let next = u64::from(packed.at) | state::SORTING | (waiting as u64) << state::WAITING;
    if let Some((index, hand)) = left {
        // The comparator has changed the table under the sorter's hands.
        let v = fixed[HANDS + hand as usize].get();
        cx.pop();
        if let Err(e) = table.set_int(cx, index.into(), v) {
            return Some(Err(e));
        }
        cx.set_state(next);
        return Some(enter(cx, next));
    }
    // The answer's slot is the next callee's.
    let (a, b) = (fixed[HANDS + ask.0 as usize].get(), fixed[HANDS + ask.1 as usize].get());
    answer.set(comparator);
    cx.push(a);
    cx.push(b);
    cx.set_state(next | state::LESS);
    Some(Ok(Step::Call { args: 2, results: 1 }))
}

/// Any entry.
#[inline(never)]
fn enter(cx: &mut Cx<'_>, entered: u64) -> R {
    if entered & state::SORTING == 0 {
        let args = if entered & state::LENGTH == 0 {
            check_tab(cx, 0, READ | WRITE | LENGTH)?;
            let args = cx.top();
            let obj = cx.arg(0);
            if let Some(step) = measure(cx, obj)? {
                cx.set_state(state::LENGTH | (args as u64) << state::ARGS);
                return Ok(step);
            }
            args
        } else {
            (entered >> state::ARGS) as usize
        };
        let n = pop_length(cx)?;
        if n < 2 {
            return Ok(Step::Return(0));
        }
        let sorter = prepare(cx, n, args)?;
        return go_on(cx, sorter, 0, false);
    }
    let mut answer = false;
    if entered & state::LESS != 0 {
        answer = cx.pop().is_truthy();
    } else if entered & state::GET != 0 {
        let v = cx.pop();
        cx.set(HANDS + (entered >> state::HAND & 3) as usize, v);
    }
    let word = |i| cx.arg(WORDS + i).as_int().unwrap_or(0);
    let sorter = unpack(entered, [word(0), word(1), word(2)]);
    go_on(cx, sorter, (entered >> state::WAITING) as usize, answer)
}

/// Checks the length and the comparator, and makes the window.
fn prepare(cx: &mut Cx<'_>, n: i64, args: usize) -> Result<Sorter, LuaError> {
    let Some(len) = u32::try_from(n).ok().filter(|&n| n < i32::MAX as u32) else {
        return Err(LuaError::argument(1, "array too big"));
    };
    if args > 1 && !cx.arg(1).is_nil() {
        cx.check_function(1)?;
    }
    let slots = INTERVALS + 2 * Sorter::levels(len);
    cx.set_top(args.min(2));
    cx.reserve(slots)?;
    cx.set_top(slots);
    cx.set(RANDOM, Val::int(0x2545_F491));
    Ok(Sorter::new(len))
}

fn go_on(cx: &mut Cx<'_>, mut sorter: Sorter, waiting: usize, answer: bool) -> R {
    let obj = cx.arg(TABLE);
    let mut access = General {
        table: plain(cx, obj),
        obj,
        comparator: cx.arg(COMPARATOR),
        hands: [cx.arg(HANDS), cx.arg(HANDS + 1), cx.arg(HANDS + 2)],
        changed: 0,
        waiting,
        asked: Asked::Nothing,
        step: Step::Again,
        cx,
    };
    // A call has its own price.
    const COMPARISONS_AT_ONCE: i64 = 4096;
    let outcome = loop {
        let mut budget = COMPARISONS_AT_ONCE;
        let outcome = sorter.step(&mut access, answer, &mut budget);
        let spent = access.cx.charge((COMPARISONS_AT_ONCE - budget) as usize / 2);
        match outcome {
            Ok(SortStep::OutOfBudget) if !spent => {}
            outcome => break outcome,
        }
    };
    match outcome {
        Ok(SortStep::Done) => Ok(Step::Return(0)),
        Ok(SortStep::Pending) => {
            access.save(&sorter);
            Ok(access.step)
        }
        Ok(SortStep::OutOfBudget) => {
            access.save(&sorter);
            Ok(Step::Again)
        }
        Err(SortError::InvalidOrder) => Err(LuaError::message(INVALID_ORDER)),
        Err(SortError::Access(e)) => Err(e),
    }
}

//! `table.sort`: the quicksort of Lua 5.3 as a state machine.
//!
//! 1. Reads, comparisons and writes come in the order of the reference, so a comparator (or `__index`, `__newindex`)
//!    that counts, misbehaves or changes the table sees the same calls, and "invalid order function for sorting" is
//!    raised at the same ones.
//! 2. Values being moved are in three [`Hand`]s that belong to the driver: no value lives here, nothing to mark.
//! 3. Every operation of [`SortAccess`] may be pending; the machine then returns and goes on where it was. A driver
//!    that is never pending (plain table, numbers or strings) gets a tight loop after inlining.
//! 4. The smaller part is sorted first, so the intervals that wait halve in length: there are at most [`Sorter::levels`], and the
//!    driver keeps them.
//! 5. The machine is four words ([`Sorter::pack`]), so that a driver can leave it beside the values between two steps.

/// Intervals at least this long may get a random pivot (`RANLIMIT` of 5.3).
const RANDOM_PIVOT_INTERVAL: u32 = 100;

/// A place for one value in the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Hand {
    A,
    B,
    /// The pivot of the partition under way.
    Pivot,
}

/// Whether an operation is done or its result comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Done,
    Pending,
}

/// The table being sorted and the order. Indices count from 1.
pub trait SortAccess {
    type Error;

    /// Takes `t[index]` into `hand`. When pending, the value must be there at the next call of the machine.
    fn get(&mut self, hand: Hand, index: u32) -> Result<Progress, Self::Error>;

    /// Stores what is in `hand` to `t[index]`. When pending, that must have happened at the next call of the machine.
    fn set(&mut self, index: u32, hand: Hand) -> Result<Progress, Self::Error>;

    /// Whether the value in `a` comes before that in `b`. `None`: pending; the answer is given to the next call.
    fn less(&mut self, a: Hand, b: Hand) -> Result<Option<bool>, Self::Error>;

    /// Any number, to break patterns that make partitions uneven.
    fn random(&mut self) -> u32;

    /// Puts an interval on top of those that wait.
    fn park(&mut self, interval: Interval);

    /// Takes the interval on top of those that wait.
    fn unpark(&mut self) -> Option<Interval>;
}

/// Why the machine returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortStep {
    Done,
    /// An operation is pending. After a comparison the next `step` takes its answer.
    Pending,
    /// Call again with a new budget.
    OutOfBudget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortError<E> {
    /// "invalid order function for sorting".
    InvalidOrder,
    Access(E),
}

impl<E> From<E> for SortError<E> {
    fn from(error: E) -> Self {
        SortError::Access(error)
    }
}

/// The words of the reference for [`SortError::InvalidOrder`].
pub const INVALID_ORDER: &str = "invalid order function for sorting";

/// The next operation. The names follow the order of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum At {
    Interval,
    GetLow,
    GetHigh,
    CompareEnds,
    SwapEnds,
    SwapEndsHigh,
    ChoosePivot,
    GetLowAgain,
    CompareLow,
    SwapLow,
    SwapLowRest,
    CompareHigh,
    SwapHigh,
    SwapHighRest,
    TakePivot,
    GetBeforeHigh,
    ParkPivot,
    ParkPivotRest,
    NextUp,
    CompareUp,
    NextDown,
    CompareDown,
    SwapPair,
    SwapPairRest,
    PlacePivot,
    PlacePivotRest,
    Split,
    Finished,
}

/// In encoding order.
const STATES: [At; 28] = [
    At::Interval,
    At::GetLow,
    At::GetHigh,
    At::CompareEnds,
    At::SwapEnds,
    At::SwapEndsHigh,
    At::ChoosePivot,
    At::GetLowAgain,
    At::CompareLow,
    At::SwapLow,
    At::SwapLowRest,
    At::CompareHigh,
    At::SwapHigh,
    At::SwapHighRest,
    At::TakePivot,
    At::GetBeforeHigh,
    At::ParkPivot,
    At::ParkPivotRest,
    At::NextUp,
    At::CompareUp,
    At::NextDown,
    At::CompareDown,
    At::SwapPair,
    At::SwapPairRest,
    At::PlacePivot,
    At::PlacePivotRest,
    At::Split,
    At::Finished,
];

/// Positions that are to be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub low: u32,
    pub high: u32,
    pub random: u32,
}

/// A [`Sorter`] in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Below 64.
    pub at: u8,
    pub words: [u64; 3],
}

const fn join(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

const fn split(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

/// That a comparison is pending, in [`Packed::at`].
const ASKED: u8 = 1 << 5;

/// The next comparison of a partition under way: what hand `A` (upwards) or `B` finds at `index` with the pivot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    pub at: u8,
    /// The second word.
    pub places: u64,
    pub is_up: bool,
    pub index: u32,
    /// Before that, what the hands hold changes places: `B` goes to the first, `A` to the second.
    pub swap: Option<(u32, u32)>,
}

impl Scan {
    /// What [`Sorter::step`] would do next after an answer, without the other states. `None`: something else, or an error.
    #[inline(always)]
    #[must_use]
    pub const fn after(at: u8, bounds: u64, places: u64, answer: bool) -> Option<Self> {
        const UP: u8 = At::CompareUp as u8 | ASKED;
        const DOWN: u8 = At::CompareDown as u8 | ASKED;
        let ((_, high), (i, j)) = (split(bounds), split(places));
        let is_up = at == UP;
        if !is_up && (at != DOWN || j < i) || is_up && answer && i == high - 1 {
            return None;
        }
        // Upwards after a yes there, and after a no from above.
        Some(if is_up == answer {
            let swap = if is_up { None } else { Some((i, j)) };
            Self { at: UP, places: join(i + 1, j), is_up: true, index: i + 1, swap }
        } else {
            Self { at: DOWN, places: join(i, j - 1), is_up: false, index: j - 1, swap: None }
        })
    }
}

/// The state of one `table.sort`: plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sorter {
    at: At,
    /// A comparison is pending: its answer comes with the next step.
    asked: bool,
    low: u32,
    high: u32,
    random: u32,
    pivot: u32,
    i: u32,
    j: u32,
}

impl Sorter {
    /// Sorts `t[1..=len]`. The reference refuses a `len` of `INT_MAX` or more as "array too big".
    pub fn new(len: u32) -> Self {
        Sorter { at: At::Interval, asked: false, low: 1, high: len, random: 0, pivot: 0, i: 0, j: 0 }
    }

    /// Intervals that may wait at once while `t[1..=len]` is sorted.
    pub const fn levels(len: u32) -> usize {
        (u32::BITS - len.leading_zeros()) as usize
    }

    /// The machine in words.
    #[inline(always)]
    pub const fn pack(&self) -> Packed {
        let at = self.at as u8 | if self.asked { ASKED } else { 0 };
        Packed { at, words: [join(self.low, self.high), join(self.i, self.j), join(self.pivot, self.random)] }
    }

    /// The machine that was packed.
    #[inline(always)]
    pub const fn unpack(packed: Packed) -> Self {
        let (low, high) = split(packed.words[0]);
        let (i, j) = split(packed.words[1]);
        let (pivot, random) = split(packed.words[2]);
        let at = (packed.at & 31) as usize;
        let at = if at < STATES.len() { STATES[at] } else { At::Finished };
        Sorter { at, asked: packed.at & ASKED != 0, low, high, random, pivot, i, j }
    }

    /// Goes on. `answer` is the result of the comparison that was pending, and is not looked at otherwise. Charges one
    /// unit per comparison. After an error the sorter must not be used again.
    #[inline(always)]
    pub fn step<A: SortAccess>(
        &mut self,
        access: &mut A,
        answer: bool,
        budget: &mut i64,
    ) -> Result<SortStep, SortError<A::Error>> {
        let mut answer = std::mem::take(&mut self.asked).then_some(answer);

        macro_rules! go {
            ($operation:expr, $next:expr) => {{
                self.at = $next;
                if $operation? == Progress::Pending {
                    return Ok(SortStep::Pending);
                }
            }};
        }
        macro_rules! less {
            ($a:expr, $b:expr) => {
                match answer.take() {
                    Some(answer) => answer,
                    None => {
                        if *budget <= 0 {
                            return Ok(SortStep::OutOfBudget);
                        }
                        *budget -= 1;
                        match access.less($a, $b)? {
                            Some(answer) => answer,
                            None => {
                                self.asked = true;
                                return Ok(SortStep::Pending);
                            }
                        }
                    }
                }
            };
        }

        loop {
            match self.at {
                At::Interval => {
                    if self.low < self.high {
                        self.at = At::GetLow;
                    } else {
                        self.next_interval(access);
                    }
                }
                At::GetLow => go!(access.get(Hand::A, self.low), At::GetHigh),
                At::GetHigh => go!(access.get(Hand::B, self.high), At::CompareEnds),
                At::CompareEnds => {
                    let swap = less!(Hand::B, Hand::A);
                    self.at = if swap { At::SwapEnds } else { At::ChoosePivot };
                }
                At::SwapEnds => go!(access.set(self.low, Hand::B), At::SwapEndsHigh),
                At::SwapEndsHigh => go!(access.set(self.high, Hand::A), At::ChoosePivot),
                At::ChoosePivot => {
                    let size = self.high - self.low;
                    if size == 1 {
                        self.next_interval(access);
                        continue;
                    }
                    self.pivot = if size < RANDOM_PIVOT_INTERVAL || self.random == 0 {
                        self.low + size / 2
                    } else {
                        // Somewhere in the middle half.
                        self.low + size / 4 + self.random % (size / 4 * 2)
                    };
                    go!(access.get(Hand::A, self.pivot), At::GetLowAgain);
                }
                At::GetLowAgain => go!(access.get(Hand::B, self.low), At::CompareLow),
                At::CompareLow => {
                    if less!(Hand::A, Hand::B) {
                        self.at = At::SwapLow;
                    } else {
                        go!(access.get(Hand::B, self.high), At::CompareHigh);
                    }
                }
                At::SwapLow => go!(access.set(self.pivot, Hand::B), At::SwapLowRest),
                At::SwapLowRest => go!(access.set(self.low, Hand::A), At::TakePivot),
                At::CompareHigh => {
                    let swap = less!(Hand::B, Hand::A);
                    self.at = if swap { At::SwapHigh } else { At::TakePivot };
                }
                At::SwapHigh => go!(access.set(self.pivot, Hand::B), At::SwapHighRest),
                At::SwapHighRest => go!(access.set(self.high, Hand::A), At::TakePivot),
                At::TakePivot => {
                    if self.high - self.low == 2 {
                        self.next_interval(access);
                        continue;
                    }
                    go!(access.get(Hand::Pivot, self.pivot), At::GetBeforeHigh);
                }
                At::GetBeforeHigh => go!(access.get(Hand::B, self.high - 1), At::ParkPivot),
                At::ParkPivot => go!(access.set(self.pivot, Hand::B), At::ParkPivotRest),
                At::ParkPivotRest => {
                    self.i = self.low;
                    self.j = self.high - 1;
                    go!(access.set(self.high - 1, Hand::Pivot), At::NextUp);
                }
                At::NextUp => {
                    self.i += 1;
                    go!(access.get(Hand::A, self.i), At::CompareUp);
                }
                At::CompareUp => {
                    while less!(Hand::A, Hand::Pivot) {
                        if self.i == self.high - 1 {
                            return Err(SortError::InvalidOrder);
                        }
                        self.i += 1;
                        if access.get(Hand::A, self.i)? == Progress::Pending {
                            return Ok(SortStep::Pending);
                        }
                    }
                    self.at = At::NextDown;
                }
                At::NextDown => {
                    self.j -= 1;
                    go!(access.get(Hand::B, self.j), At::CompareDown);
                }
                At::CompareDown => {
                    while less!(Hand::Pivot, Hand::B) {
                        if self.j < self.i {
                            return Err(SortError::InvalidOrder);
                        }
                        self.j -= 1;
                        if access.get(Hand::B, self.j)? == Progress::Pending {
                            return Ok(SortStep::Pending);
                        }
                    }
                    self.at = if self.j < self.i { At::PlacePivot } else { At::SwapPair };
                }
                At::SwapPair => go!(access.set(self.i, Hand::B), At::SwapPairRest),
                At::SwapPairRest => go!(access.set(self.j, Hand::A), At::NextUp),
                At::PlacePivot => go!(access.set(self.high - 1, Hand::A), At::PlacePivotRest),
                At::PlacePivotRest => go!(access.set(self.i, Hand::Pivot), At::Split),
                At::Split => self.split(access),
                At::Finished => return Ok(SortStep::Done),
            }
        }
    }

    /// Leaves the larger part for later and goes on with the smaller one.
    fn split<A: SortAccess>(&mut self, access: &mut A) {
        let middle = self.i;
        let below = Interval { low: self.low, high: middle - 1, random: self.random };
        let above = Interval { low: middle + 1, high: self.high, random: self.random };
        let (first, mut later, size) = if middle - self.low < self.high - middle {
            (below, above, middle - self.low)
        } else {
            (above, below, self.high - middle)
        };
        if later.high.saturating_sub(later.low) / 128 > size {
            later.random = access.random();
        }
        access.park(later);
        self.enter(first);
    }

    fn next_interval<A: SortAccess>(&mut self, access: &mut A) {
        match access.unpark() {
            Some(interval) => self.enter(interval),
            None => self.at = At::Finished,
        }
    }

    fn enter(&mut self, interval: Interval) {
        self.low = interval.low;
        self.high = interval.high;
        self.random = interval.random;
        self.at = At::Interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is pending first.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Pend {
        Nothing,
        /// As with Lua comparators.
        Comparisons,
        /// As with metamethods, too.
        All,
    }

    struct Table<F> {
        values: Vec<i64>,
        hands: [i64; 3],
        order: F,
        pend: Pend,
        answer: bool,
        compared: usize,
        waiting: Vec<Interval>,
        most: usize,
    }

    impl<F: FnMut(i64, i64) -> bool> SortAccess for Table<F> {
        type Error = std::convert::Infallible;

        fn get(&mut self, hand: Hand, index: u32) -> Result<Progress, Self::Error> {
            self.hands[hand as usize] = self.values[index as usize - 1];
            Ok(if self.pend == Pend::All { Progress::Pending } else { Progress::Done })
        }

        fn set(&mut self, index: u32, hand: Hand) -> Result<Progress, Self::Error> {
            self.values[index as usize - 1] = self.hands[hand as usize];
            Ok(if self.pend == Pend::All { Progress::Pending } else { Progress::Done })
        }

        fn less(&mut self, a: Hand, b: Hand) -> Result<Option<bool>, Self::Error> {
            self.compared += 1;
            self.answer = (self.order)(self.hands[a as usize], self.hands[b as usize]);
            Ok((self.pend == Pend::Nothing).then_some(self.answer))
        }

        fn random(&mut self) -> u32 {
            0x9E37_79B9
        }

        fn park(&mut self, interval: Interval) {
            self.waiting.push(interval);
            self.most = self.most.max(self.waiting.len());
        }

        fn unpark(&mut self) -> Option<Interval> {
            self.waiting.pop()
        }
    }

    /// Goes on as [`Scan`] says, if it says anything, and checks that the machine would have done the same.
    fn scan<F: FnMut(i64, i64) -> bool>(sorter: &mut Sorter, table: &mut Table<F>) -> bool {
        let Packed { at, words } = sorter.pack();
        let Some(next) = Scan::after(at, words[0], words[1], table.answer) else { return false };
        let mut values = table.values.clone();
        if let Some((i, j)) = next.swap {
            values[i as usize - 1] = table.hands[Hand::B as usize];
            values[j as usize - 1] = table.hands[Hand::A as usize];
        }
        let mut hands = table.hands;
        let hand = if next.is_up { Hand::A } else { Hand::B };
        hands[hand as usize] = values[next.index as usize - 1];
        let (answer, mut budget) = (table.answer, 1);
        assert_eq!(sorter.step(table, answer, &mut budget), Ok(SortStep::Pending));
        assert_eq!(sorter.pack(), Packed { at: next.at, words: [words[0], next.places, words[2]] });
        assert!(hands == table.hands && values == table.values);
        true
    }

    fn sort(
        values: Vec<i64>,
        pend: Pend,
        order: impl FnMut(i64, i64) -> bool,
    ) -> Result<(Vec<i64>, usize), SortError<std::convert::Infallible>> {
        let mut sorter = Sorter::new(values.len() as u32);
        let mut table = Table {
            values,
            hands: [0; 3],
            order,
            pend,
            answer: false,
            compared: 0,
            waiting: Vec::new(),
            most: 0,
        };
        loop {
            let mut budget = 7;
            let answer = table.answer;
            assert_eq!(Sorter::unpack(sorter.pack()), sorter);
            assert!(table.most <= Sorter::levels(table.values.len() as u32));
            if pend == Pend::Comparisons && sorter.asked && scan(&mut sorter, &mut table) {
                continue;
            }
            match sorter.step(&mut table, answer, &mut budget)? {
                SortStep::Done => return Ok((table.values, table.compared)),
                SortStep::Pending => assert!(pend != Pend::Nothing),
                SortStep::OutOfBudget => assert!(budget <= 0),
            }
        }
    }

    fn noise(len: usize, range: u64) -> Vec<i64> {
        let mut state = 0x1234_5678_9ABC_DEF1u64 ^ (len as u64) << 8 ^ range;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % range) as i64
        };
        (0..len).map(next).collect()
    }

    #[test]
    fn sorts_everything() {
        for len in (0..40).chain([100, 101, 257, 1000, 5000]) {
            for range in [1, 3, 10, 1 << 40] {
                let values = noise(len, range);
                let mut expected = values.clone();
                expected.sort();
                let plain = sort(values.clone(), Pend::Nothing, |a, b| a < b).unwrap();
                assert_eq!(plain.0, expected);
                assert_eq!(sort(values.clone(), Pend::Comparisons, |a, b| a < b).unwrap(), plain);
                assert_eq!(sort(values, Pend::All, |a, b| a < b).unwrap(), plain);
            }
            let up: Vec<i64> = (0..len as i64).collect();
            assert_eq!(sort(up.iter().rev().copied().collect(), Pend::Nothing, |a, b| a < b).unwrap().0, up);
            assert_eq!(sort(up.clone(), Pend::Nothing, |a, b| a < b).unwrap().0, up);
        }
    }

    #[test]
    fn uneven_partitions_get_random_pivots() {
        // The classic killer of median-of-three, built against the fixed pivots.
        let len = 20_000i64;
        let organ_pipe: Vec<i64> = (0..len / 2).chain((0..len / 2).rev()).collect();
        let (_, compared) = sort(organ_pipe, Pend::Nothing, |a, b| a < b).unwrap();
        assert!(compared < 3_000_000, "{compared} comparisons");
    }

    #[test]
    fn invalid_orders_are_noticed() {
        for pend in [Pend::Nothing, Pend::Comparisons, Pend::All] {
            let values = vec![1; 50];
            assert_eq!(sort(values.clone(), pend, |_, _| true), Err(SortError::InvalidOrder));
            assert!(sort(values, pend, |_, _| false).is_ok());
        }
        assert!(sort(vec![3, 2, 1], Pend::Nothing, |_, _| true).is_ok());
    }
}

//! `table.sort`: drives the [`Sorter`] over a Lua table.
//!
//! Window: table, comparator or nil, then the three hands of the sorter. While the sorter runs, the hands are in
//! [`Access`]; the window has them whenever Lua code or the collector may run.

use super::sort::{Hand, INVALID_ORDER, Progress, SortAccess, SortError, SortStep, Sorter};
use super::table::{LENGTH, READ, WRITE, check_tab, measure, plain, pop_length};
use crate::vm::LuaError;
use crate::vm::native::progress::Kept;
use crate::vm::native::{Cx, Step, Tab, Val};

type R = Result<Step, LuaError>;

/// First of the three window slots for the hands.
const HANDS: usize = 2;

/// What the last call was for.
#[derive(Clone, Copy)]
enum Asked {
    Nothing,
    Length { args: usize },
    Get(Hand),
    Set,
    Less,
}

struct Job {
    sorter: Sorter,
    asked: Asked,
    random: u32,
}

impl Kept for Job {}

struct Access<'a, 'gc> {
    cx: &'a mut Cx<'gc>,
    obj: Val<'gc>,
    /// The table, if it needs no metamethods.
    table: Option<Tab<'gc>>,
    comparator: Val<'gc>,
    hands: [Val<'gc>; 3],
    /// Hands that the window does not have yet, as bits.
    changed: u8,
    asked: Asked,
    step: Step,
    random: u32,
}

impl Access<'_, '_> {
    fn save_hands(&mut self) {
        for (i, &v) in self.hands.iter().enumerate() {
            if self.changed & 1 << i != 0 {
                self.cx.set(HANDS + i, v);
            }
        }
    }
}

impl SortAccess for Access<'_, '_> {
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
        // Any sequence will do: it only has to differ from the pattern of the data.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.random >> 4
    }
}

pub(super) fn sort(cx: &mut Cx<'_>) -> R {
    let mut job = match cx.take::<Job>() {
        Some(job) => job,
        None => {
            check_tab(cx, 0, READ | WRITE | LENGTH)?;
            let args = cx.top();
            let mut job =
                Box::new(Job { sorter: Sorter::new(0), asked: Asked::Nothing, random: 0x2545_F491 });
            let obj = cx.arg(0);
            if let Some(step) = measure(cx, obj)? {
                job.asked = Asked::Length { args };
                cx.keep_boxed(job);
                return Ok(step);
            }
            let n = pop_length(cx)?;
            if !prepare(cx, &mut job, n, args)? {
                return Ok(Step::Return(0));
            }
            job
        }
    };
    let mut answer = false;
    match std::mem::replace(&mut job.asked, Asked::Nothing) {
        Asked::Nothing | Asked::Set => {}
        Asked::Length { args } => {
            let n = pop_length(cx)?;
            if !prepare(cx, &mut job, n, args)? {
                return Ok(Step::Return(0));
            }
        }
        Asked::Get(hand) => {
            let v = cx.pop();
            cx.set(HANDS + hand as usize, v);
        }
        Asked::Less => answer = cx.pop().is_truthy(),
    }
    go_on(cx, job, answer)
}

/// Checks the length and the comparator; false if there is nothing to sort.
fn prepare(cx: &mut Cx<'_>, job: &mut Job, n: i64, args: usize) -> Result<bool, LuaError> {
    if n < 2 {
        return Ok(false);
    }
    if n >= i64::from(i32::MAX) {
        return Err(LuaError::argument(1, "array too big"));
    }
    if args > 1 && !cx.arg(1).is_nil() {
        cx.check_function(1)?;
    }
    cx.set_top(args.min(2));
    cx.set_top(HANDS + 3);
    job.sorter = Sorter::new(n as u32);
    Ok(true)
}

fn go_on(cx: &mut Cx<'_>, mut job: Box<Job>, answer: bool) -> R {
    let obj = cx.arg(0);
    let mut access = Access {
        table: plain(cx, obj),
        obj,
        comparator: cx.arg(1),
        hands: [cx.arg(HANDS), cx.arg(HANDS + 1), cx.arg(HANDS + 2)],
        changed: 0,
        asked: Asked::Nothing,
        step: Step::Again,
        random: job.random,
        cx,
    };
    // A call has its own price.
    const COMPARISONS_AT_ONCE: i64 = 4096;
    let outcome = loop {
        let mut budget = COMPARISONS_AT_ONCE;
        let outcome = job.sorter.step(&mut access, answer, &mut budget);
        let spent = access.cx.charge((COMPARISONS_AT_ONCE - budget) as usize / 2);
        match outcome {
            Ok(SortStep::OutOfBudget) if !spent => {}
            outcome => break outcome,
        }
    };
    match outcome {
        Ok(SortStep::Done) => Ok(Step::Return(0)),
        Ok(SortStep::Pending) => {
            job.asked = access.asked;
            job.random = access.random;
            let step = access.step;
            access.cx.keep_boxed(job);
            Ok(step)
        }
        Ok(SortStep::OutOfBudget) => {
            access.save_hands();
            job.random = access.random;
            access.cx.keep_boxed(job);
            Ok(Step::Again)
        }
        Err(SortError::InvalidOrder) => Err(LuaError::message(INVALID_ORDER)),
        Err(SortError::Access(e)) => Err(e),
    }
}

//! What a long validation remembers: the outcome of each check of a value that it has been through.
//!
//! A type is a regular tree grammar and its check a goal-directed search; a value that is reached along many ways, or that
//! contains itself, meets the same goals (check, value) again and again, and each union doubles them. The cure is tabling: a goal
//! is worked on once (memoised derivation as for recursive types, Amadio and Cardelli, "Subtyping recursive types", TOPLAS
//! 1993; Gapeyev, Levin and Pierce, "Recursive subtyping revealed", JFP 2002). Those decide a greatest fixed point and assume
//! that a goal holds while it is worked on, so what they find meanwhile depends on the assumption. Here no goal needs one:
//! values are validated to a number of levels, so a goal below itself is another one, nearer to the limit, and every search ends.
//!
//! 1. An outcome depends on the check, the value, and on how many levels and open checks are left, if either limit was met in
//!    the search; otherwise on whether there is room for as much as the search took. [`Reach`] is that knowledge, and no more is
//!    remembered than it allows: with a memory every answer is the one without.
//! 2. So there are at most checks × values × levels searches.
//! 3. Values are known by address. Those that are remembered stay alive: `kept` is a Lua table with them as keys.
//! 4. It is an aid: where the process has no memory for it, what is known so far has to do.

use super::program::{CheckId, Program};
use crate::limits::{MAX_OPEN_CHECKS, MAX_VALUE_LEVELS};
use crate::vm::native::{Cx, Tab, Val};
use hashbrown::HashMap;

/// Entries made room for at first.
const FIRST_ENTRIES: usize = 1024;

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Pass,
    Fail,
    /// It failed because the value has too many levels.
    TooDeep,
}

/// The deepest that a search has been: levels of tables and checks that were open, from the outermost on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reach {
    levels: u8,
    checks: u16,
}

impl Reach {
    /// Levels of a search that met the limit.
    const ALL_LEVELS: u8 = u8::MAX;
    /// Checks of a search that met the limit.
    const ALL_CHECKS: u16 = u16::MAX;

    /// Where a search is.
    #[inline]
    #[must_use]
    pub const fn at(levels: usize, checks: usize) -> Self {
        const {
            assert!(
                MAX_VALUE_LEVELS < Self::ALL_LEVELS as usize && MAX_OPEN_CHECKS < Self::ALL_CHECKS as usize
            )
        };
        Self { levels: levels as u8, checks: checks as u16 }
    }

    /// Notes that there were no more levels.
    #[inline]
    pub const fn all_levels(&mut self) {
        self.levels = Self::ALL_LEVELS;
    }

    /// Notes that there were no more checks.
    #[inline]
    pub const fn all_checks(&mut self) {
        self.checks = Self::ALL_CHECKS;
    }

    /// Of two searches.
    #[inline]
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { levels: self.levels.max(other.levels), checks: self.checks.max(other.checks) }
    }

    /// The place of a search with this reach, as far as it matters.
    const fn where_it_matters(self, reach: Self) -> Self {
        match (reach.levels, reach.checks) {
            (_, Self::ALL_CHECKS) => self,
            (Self::ALL_LEVELS, _) => Self { checks: Self::ALL_CHECKS, ..self },
            _ => Self { levels: Self::ALL_LEVELS, checks: Self::ALL_CHECKS },
        }
    }

    /// How much deeper than a place this is.
    const fn since(self, place: Self) -> Self {
        Self {
            levels: if self.levels == Self::ALL_LEVELS { self.levels } else { self.levels - place.levels },
            checks: if self.checks == Self::ALL_CHECKS { self.checks } else { self.checks - place.checks },
        }
    }

    /// What is this much deeper than a place, if there is room for it.
    fn from(self, place: Self) -> Option<Self> {
        let levels = if self.levels == Self::ALL_LEVELS { self.levels } else { self.levels + place.levels };
        let checks = if self.checks == Self::ALL_CHECKS { self.checks } else { self.checks + place.checks };
        let room = (self.levels == Self::ALL_LEVELS || usize::from(levels) <= MAX_VALUE_LEVELS)
            && (self.checks == Self::ALL_CHECKS || usize::from(checks) <= MAX_OPEN_CHECKS);
        room.then_some(Self { levels, checks })
    }
}

/// What was checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Goal {
    program: usize,
    value: (u64, u8),
    check: u32,
    /// Where the search was, as far as that matters: where it met no limit, [`Reach::ALL_LEVELS`] and [`Reach::ALL_CHECKS`] stand
    /// for anywhere.
    place: Reach,
}

/// The outcome of a goal, and the reach of the search: from its place on, or what met a limit.
#[derive(Clone, Copy)]
struct Known {
    ending: Ending,
    reach: Reach,
}

/// Outcomes by goals.
#[derive(Default)]
pub struct Memo {
    known: HashMap<Goal, Known, foldhash::fast::FixedState>,
    /// Some search met the limit of open checks.
    full_of_checks: bool,
    /// The program of the newest outcome, whose type is kept.
    program: usize,
    /// There is no memory for more.
    full: bool,
}

impl Memo {
    /// Bytes of an entry, with its share of what a hash table leaves empty.
    const ENTRY: usize = (size_of::<(Goal, Known)>() + 1) * 8 / 7;

    /// Bytes outside of itself.
    pub fn bytes(&self) -> usize {
        self.known.capacity() * Self::ENTRY
    }

    /// How a check of a value at a place ends, and the reach of the search, if that is known.
    pub fn find(
        &self,
        program: &Program,
        check: CheckId,
        value: Val<'_>,
        place: Reach,
    ) -> Option<(Ending, Reach)> {
        let anywhere = Reach { levels: Reach::ALL_LEVELS, checks: Reach::ALL_CHECKS };
        let level = Reach { checks: Reach::ALL_CHECKS, ..place };
        let mut goal = Goal { program: address(program), value: value.identity(), check, place: anywhere };
        let found = |goal: &Goal| {
            let known = self.known.get(goal)?;
            Some((known.ending, known.reach.from(place)?))
        };
        found(&goal)
            .or_else(|| {
                goal.place = level;
                found(&goal)
            })
            .or_else(|| {
                goal.place = place;
                if self.full_of_checks { found(&goal) } else { None }
            })
    }

    /// Remembers how a check of a value at a place ended. `kept` holds what is known by address here.
    pub fn remember<'gc>(
        &mut self,
        cx: &mut Cx<'gc>,
        kept: Tab<'gc>,
        (source, program, check, value): (Val<'gc>, &Program, CheckId, Val<'gc>),
        (place, reach): (Reach, Reach),
        ending: Ending,
    ) {
        if !self.has_room(cx) {
            return;
        }
        let program = address(program);
        if self.program != program {
            self.full = !keep_alive(cx, kept, source);
            self.program = program;
        }
        if !keep_alive(cx, kept, value) || self.full {
            self.full = true;
            return;
        }
        self.full_of_checks |= reach.checks == Reach::ALL_CHECKS;
        let goal = Goal { program, value: value.identity(), check, place: place.where_it_matters(reach) };
        self.known.insert(goal, Known { ending, reach: reach.since(place) });
    }

    fn has_room(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.known.len() == self.known.capacity() && !self.full {
            let more = self.known.capacity().max(FIRST_ENTRIES);
            // The old entries are there until they have been moved.
            let bytes = (self.known.capacity() + more) * Self::ENTRY;
            self.full = cx.reserve_memory(bytes).is_err() || self.known.try_reserve(more).is_err();
        }
        !self.full
    }
}

fn address(program: &Program) -> usize {
    std::ptr::from_ref(program) as usize
}

/// Keeps a value from being collected while its address is known. Equal strings are one key of a table, so strings are listed.
fn keep_alive<'gc>(cx: &mut Cx<'gc>, kept: Tab<'gc>, value: Val<'gc>) -> bool {
    if value.is_string() {
        kept.set_int(cx, kept.raw_len() + 1, value).is_ok()
    } else {
        !value.is_collectable() || kept.set(cx, value, Val::from(true)).is_ok()
    }
}

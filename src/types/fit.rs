//! Small values at one go: most are, and need none of the frames that `validate` keeps.
//!
//! 1. The answer is "fits" or "look closer"; only `validate` finds failures.
//! 2. Recursion is bounded by a depth and by an amount of work, so a glance costs little where it was in vain.

use super::program::{Check, CheckId, Program, Verdict};
use crate::limits::MAX_GLANCE;
use crate::vm::native::{Kind, Kinds, Tab, Val};

/// What a glance may still take.
pub struct Glance {
    /// Levels of values and types.
    pub depth: usize,
    /// Elements, fields and entries.
    pub work: usize,
}

impl Glance {
    #[must_use]
    pub const fn new(depth: usize) -> Self {
        Self { depth, work: MAX_GLANCE }
    }

    /// What it took so far.
    #[must_use]
    pub const fn taken(&self) -> usize {
        MAX_GLANCE - self.work
    }

    fn take(&mut self, work: usize) -> bool {
        let enough = work <= self.work;
        self.work = self.work.saturating_sub(work);
        enough
    }

    /// Runs `f` one level deeper, if that is allowed.
    #[inline]
    fn inside(&mut self, f: impl FnOnce(&mut Self) -> bool) -> bool {
        if self.depth == 0 {
            return false;
        }
        self.depth -= 1;
        let fits = f(self);
        self.depth += 1;
        fits
    }
}

/// The keys that a map without numbers among its own ignores.
#[inline]
pub fn is_in_sequence(key: Val<'_>, length: usize) -> bool {
    matches!(key.kind(), Kind::Int(i) if i >= 1 && i as u64 <= length as u64)
}

#[inline]
pub fn length(t: Tab<'_>) -> usize {
    usize::try_from(t.raw_len()).unwrap_or(0)
}

/// Element `i + 1`.
#[inline(always)]
pub fn element<'gc>(t: Tab<'gc>, i: usize) -> Val<'gc> {
    t.array_get(i).unwrap_or_else(|| t.get_int(i as i64 + 1))
}

impl Program {
    /// True if the value fits; false if it does not, or if that takes a closer look.
    #[inline(always)]
    #[must_use]
    pub fn fits(&self, check: CheckId, v: Val<'_>, glance: &mut Glance) -> bool {
        self.kinds(check).has(v) || self.fits_inside(check, v, glance)
    }

    fn fits_inside(&self, check: CheckId, v: Val<'_>, glance: &mut Glance) -> bool {
        match self.check(check) {
            Check::Record(fields) => match v.as_table() {
                Some(t) => glance.inside(|glance| {
                    let (checks, probes) = (self.fields(fields), self.probes(fields));
                    let mut at = 0;
                    glance.take(checks.len())
                        && loop {
                            match t.first_unlike(&probes[at..]) {
                                None => break true,
                                Some((more, v)) => {
                                    at += more;
                                    if !self.fits_inside(checks[at].check, v, glance) {
                                        break false;
                                    }
                                    at += 1;
                                }
                            }
                        }
                }),
                None => false,
            },
            Check::Array(item) => match v.as_table() {
                Some(t) => glance.inside(|glance| {
                    let length = length(t);
                    // An element that is nil is none.
                    let kinds = self.kinds(*item).or(Kinds::NIL);
                    let mut at = 0;
                    glance.take(length)
                        && loop {
                            at = t.first_not_of(kinds, at, length);
                            if at >= length {
                                break true;
                            }
                            let v = element(t, at);
                            if !kinds.has(v) && !self.fits_inside(*item, v, glance) {
                                break false;
                            }
                            at += 1;
                        }
                }),
                None => false,
            },
            Check::Map { key, value, numeric } => match v.as_table() {
                Some(t) => glance.inside(|glance| {
                    let length = if *numeric { 0 } else { length(t) };
                    let mut at = 0;
                    while let Some((next, k, v)) = t.entry_at(at) {
                        at = next;
                        let fits = glance.take(1)
                            && (is_in_sequence(k, length)
                                || (self.fits(*key, k, glance) && self.fits(*value, v, glance)));
                        if !fits {
                            return false;
                        }
                    }
                    true
                }),
                None => false,
            },
            Check::Optional(inner) => glance.inside(|glance| self.fits(*inner, v, glance)),
            Check::Union(members) => glance.inside(|glance| {
                let members = self.members(members);
                members.iter().any(|&member| glance.take(1) && self.fits(member, v, glance))
            }),
            Check::Intersection(members) => glance.inside(|glance| {
                self.members(members).iter().all(|&member| glance.take(1) && self.fits(member, v, glance))
            }),
            Check::Annotated(inner, constraints) if v.as_table().is_some() => {
                glance.inside(|glance| self.fits(*inner, v, glance))
                    && self.constraints(constraints).iter().all(|c| c.verdict(v, &mut 0) == Verdict::Pass)
            }
            _ => {
                let mut work = 0;
                let verdict = self.leaf(check, v, &mut work);
                glance.take(work) && verdict == Verdict::Pass
            }
        }
    }
}

//! Small values at one go: most are, and need none of the frames that `validate` keeps.
//!
//! 1. The answer is "fits" or "look closer"; only `validate` finds failures.
//! 2. Recursion is bounded by a depth and by an amount of work, so a glance costs little where it was in vain.

use super::program::{Check, CheckId, Program, Verdict};
use crate::vm::native::{Kind, Tab, Val};

/// What a glance may still take.
pub struct Glance {
    /// Levels of values and types.
    pub depth: usize,
    /// Elements, fields and entries.
    pub work: usize,
}

impl Glance {
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

#[inline(always)]
fn each<'gc>(t: Tab<'gc>, length: usize, mut test: impl FnMut(Val<'gc>) -> bool) -> bool {
    (0..length).all(|i| {
        let v = element(t, i);
        test(v) || v.is_nil()
    })
}

impl Program {
    /// True if the value fits; false if it does not, or if that takes a closer look.
    #[must_use]
    pub fn fits(&self, check: CheckId, v: Val<'_>, glance: &mut Glance) -> bool {
        match self.check(check) {
            Check::Record(fields) => match v.as_table() {
                Some(t) => glance.inside(|glance| {
                    let fields = self.fields(fields);
                    glance.take(fields.len())
                        && fields.iter().all(|field| {
                            let v = t.get_bytes(field.hash, &field.name);
                            match self.check(field.check) {
                                Check::String if v.is_string() => true,
                                Check::Number if v.is_number() => true,
                                _ => v.is_nil() && field.optional || self.fits(field.check, v, glance),
                            }
                        })
                }),
                None => false,
            },
            Check::Array(item) => match v.as_table() {
                Some(t) => glance.inside(|glance| {
                    let length = length(t);
                    glance.take(length)
                        && match self.check(*item) {
                            Check::String => each(t, length, Val::is_string),
                            Check::Number => each(t, length, Val::is_number),
                            _ => each(t, length, |v| v.is_nil() || self.fits(*item, v, glance)),
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
            Check::Optional(inner) => v.is_nil() || glance.inside(|glance| self.fits(*inner, v, glance)),
            Check::Union(members) => glance.inside(|glance| {
                let members = self.members(members);
                members.iter().any(|&member| glance.take(1) && self.fits(member, v, glance))
            }),
            Check::Intersection(members) => glance
                .inside(|glance| self.members(members).iter().all(|&member| self.fits(member, v, glance))),
            Check::Annotated(inner, constraints) if v.as_table().is_some() => {
                glance.inside(|glance| self.fits(*inner, v, glance))
                    && self.constraints(constraints).iter().all(|c| c.verdict(v) == Verdict::Pass)
            }
            _ => self.leaf(check, v) == Verdict::Pass,
        }
    }
}

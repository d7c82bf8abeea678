//! Properties that checks have because of their parts: what decides them, and what they reach.

use super::builder::Builder;
use super::constraint::Constraint;
use super::program::{Check, CheckId};
use crate::limits::{MAX_LEAF_COST, MAX_LEAF_DEPTH};
use crate::turns::step_at;
use crate::vm::native::Kinds;

impl Builder<'_> {
    /// The checks that each check is a part of.
    pub(super) fn dependents(&self) -> Dependents {
        Dependents::new(self.program.checks.len(), |each| {
            for (id, check) in self.program.checks.iter().enumerate() {
                self.program.parts(check, &mut |part| each(part, id as CheckId));
            }
        })
    }

    /// Finds the checks that can be decided without looking into tables, and makes unions of such simple.
    pub(super) fn find_leaves(&mut self, dependents: &Dependents) -> Box<[bool]> {
        let parts = &self.program;
        // How deep it goes to decide a check, and how many others that takes; none if it cannot be done so.
        let depths: Vec<Option<(usize, usize)>> = dependents.settle(None, |id, depths| {
            let deeper = |part: CheckId| depths[part as usize].map(|(depth, cost)| (depth + 1, cost + 1));
            let depth = match &parts.checks[id] {
                Check::Array(_)
                | Check::Map { .. }
                | Check::Record(_)
                | Check::Intersection(_)
                | Check::Imported(_)
                | Check::Deferred(_)
                | Check::Unresolved
                | Check::Endless => None,
                Check::Optional(inner) | Check::Annotated(inner, _) => deeper(*inner),
                Check::Union(members) | Check::OneOf(members) => {
                    parts.members_of(members).iter().try_fold((1, 0), |(most, sum), &member| {
                        let (depth, cost) = deeper(member)?;
                        Some((depth.max(most), cost.saturating_add(sum)))
                    })
                }
                _ => Some((0, 1)),
            };
            depth.filter(|&(depth, cost)| depth <= MAX_LEAF_DEPTH && cost <= MAX_LEAF_COST)
        });
        let undecided = self.find_undecided(dependents);
        for ((check, depth), undecided) in self.program.checks.iter_mut().zip(&depths).zip(undecided) {
            if let Check::Union(members) = check
                && depth.is_some()
                && !undecided
            {
                *check = Check::OneOf(members.clone());
            }
        }
        depths.iter().map(Option::is_some).collect()
    }

    /// Finds the checks that may not be decided at once although no table is looked into: a pattern may take long.
    fn find_undecided(&self, dependents: &Dependents) -> Vec<bool> {
        let parts = &self.program;
        dependents.settle(false, |id, undecided| {
            let is_undecided = |part: &CheckId| undecided[*part as usize];
            match &parts.checks[id] {
                Check::Annotated(inner, range) => {
                    is_undecided(inner)
                        || parts.constraints_of(range).iter().any(|c| matches!(c, Constraint::Pattern(_)))
                }
                Check::Optional(inner) => is_undecided(inner),
                Check::Union(range) => parts.members_of(range).iter().any(is_undecided),
                _ => false,
            }
        })
    }

    /// Finds what the kind of a value alone decides.
    pub(super) fn find_kinds(&mut self, dependents: &Dependents) -> Box<[Kinds]> {
        let parts = &self.program;
        let kinds = dependents.settle(Kinds::NONE, |id, kinds| {
            let of = |part: &CheckId| kinds[*part as usize];
            match &parts.checks[id] {
                Check::Any => Kinds::ALL,
                Check::Nil => Kinds::NIL,
                Check::Boolean => Kinds::BOOLEAN,
                Check::Number => Kinds::INTEGER.or(Kinds::FLOAT),
                Check::Integer => Kinds::INTEGER,
                Check::String => Kinds::STRING,
                Check::Table | Check::Object(_) | Check::Channel => Kinds::TABLE,
                Check::Callable => Kinds::FUNCTION,
                Check::Bool(true) => Kinds::TRUE,
                Check::Bool(false) => Kinds::FALSE,
                Check::Optional(inner) => of(inner).or(Kinds::NIL),
                Check::Union(range) | Check::OneOf(range) => {
                    parts.members_of(range).iter().map(of).fold(Kinds::NONE, Kinds::or)
                }
                Check::Intersection(range) => {
                    parts.members_of(range).iter().map(of).fold(Kinds::ALL, Kinds::and)
                }
                Check::Annotated(inner, range) => {
                    let constraints = parts.constraints_of(range).iter();
                    constraints.fold(of(inner), |kinds, c| kinds.without(c.concerns()))
                }
                _ => Kinds::NONE,
            }
        });
        let parts = &mut self.program;
        for (field, probe) in parts.fields.iter().zip(&mut parts.probes) {
            let absent = if field.optional { Kinds::NIL } else { Kinds::NONE };
            probe.kinds = kinds[field.check as usize].or(absent);
        }
        kinds.into()
    }

    /// Finds the checks that reach no other module's type and none that cannot be checked.
    pub(super) fn find_own(&self, dependents: &Dependents) -> Box<[bool]> {
        let parts = &self.program;
        let foreign = dependents.settle(false, |id, foreign| match &parts.checks[id] {
            Check::Imported(_) | Check::Deferred(_) | Check::Unresolved | Check::Endless => true,
            check => {
                let mut any = false;
                parts.parts(check, &mut |part| any |= foreign[part as usize]);
                any
            }
        });
        foreign.into_iter().map(|foreign| !foreign).collect()
    }
}

/// Which checks each check is a part of: for properties that checks have because of their parts.
pub(super) struct Dependents {
    /// Where the list of each check begins; one more for the end of the last.
    starts: Vec<u32>,
    lists: Vec<CheckId>,
}

impl Dependents {
    /// `pairs` gives each part together with what it is a part of, the same ones each time.
    pub(super) fn new(checks: usize, pairs: impl Fn(&mut dyn FnMut(CheckId, CheckId))) -> Self {
        let mut starts = vec![0_u32; checks + 1];
        pairs(&mut |part, _| starts[part as usize + 1] += 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut lists = vec![0; starts.last().map_or(0, |&all| all as usize)];
        let mut next = starts.clone();
        pairs(&mut |part, whole| {
            let at = &mut next[part as usize];
            lists[*at as usize] = whole;
            *at += 1;
        });
        Self { starts, lists }
    }

    /// The least property of each check that follows from those of its parts. A check is looked at again only when a part of it
    /// changed, so the work is the number of parts times the changes that the property can go through.
    pub(super) fn settle<T: Copy + PartialEq>(&self, first: T, find: impl Fn(usize, &[T]) -> T) -> Vec<T> {
        let checks = self.starts.len() - 1;
        let mut found = vec![first; checks];
        // Parts mostly come after the whole, and are looked at first.
        let mut waiting: Vec<CheckId> = (0..checks as CheckId).collect();
        let mut waits = vec![true; checks];
        let mut looks = 0;
        while let Some(id) = waiting.pop() {
            let id = id as usize;
            looks += 1;
            step_at(looks);
            waits[id] = false;
            let now = find(id, &found);
            if now == found[id] {
                continue;
            }
            found[id] = now;
            let dependents = self.starts[id] as usize..self.starts[id + 1] as usize;
            for &whole in &self.lists[dependents] {
                if !std::mem::replace(&mut waits[whole as usize], true) {
                    waiting.push(whole);
                }
            }
        }
        found
    }
}

//! Unions inside each other become one.

use super::builder::Builder;
use super::circles::circles;
use super::origin::Origin;
use super::program::{Check, CheckId, Indices};
use crate::bytecode::types::{Primitive, primitive};
use crate::limits::MAX_UNION_STEPS;
use crate::turns::step_at;
use hashbrown::HashMap;

/// The members of a union with those of unions and optionals among them in their place, each once.
struct Joined<'a> {
    next: &'a [Vec<CheckId>],
    circles: &'a [usize],
    checks: &'a [Check],
    nil: CheckId,
    /// By which search a check was met last.
    met: Vec<u32>,
    search: u32,
    steps: usize,
    most: usize,
}

impl Joined<'_> {
    /// `None`: that would take too long.
    fn find(&mut self, union: CheckId) -> Option<Vec<CheckId>> {
        self.search += 1;
        let (mut list, mut left) = (Vec::new(), vec![union]);
        while let Some(id) = left.pop() {
            if std::mem::replace(&mut self.met[id as usize], self.search) == self.search {
                continue;
            }
            self.steps += 1;
            step_at(self.steps);
            if self.steps > self.most {
                return None;
            }
            match &self.checks[id as usize] {
                Check::Union(_) => left.extend(self.next[id as usize].iter().rev()),
                Check::Optional(inner) => left.extend([*inner, self.nil]),
                _ => list.push(id),
            }
        }
        Some(list)
    }

    /// What is optional behind optionals of optionals; nothing, if these are a part of themselves.
    fn optional(&self, id: CheckId) -> Option<CheckId> {
        let mut inner = id;
        while let Check::Optional(more) = self.checks[inner as usize] {
            if self.circles[inner as usize] != 0 {
                return None;
            }
            inner = more;
        }
        (inner != id).then_some(inner)
    }
}

impl Builder<'_> {
    /// Joins unions with the unions and optionals that are members of them, and optionals with those inside of them. So a type that is
    /// a member of itself, which adds nothing, is not looked into for ever: afterwards no way leads back through unions and optionals
    /// alone. What the whole does not need any more is emptied.
    pub(super) fn join_unions(&mut self) {
        let joins = |check: &Check| matches!(check, Check::Union(_) | Check::Optional(_));
        if !self.program.checks.iter().any(joins) {
            return;
        }
        let nil = self.known(&primitive(Primitive::Nil));
        let nil = nil.unwrap_or_else(|| self.program.push(Check::Nil, Origin::Nil));
        let parts = &self.program;
        let of_union = |check: &Check| match check {
            Check::Union(range) => parts.members_of(range).to_vec(),
            Check::Optional(inner) => vec![*inner],
            _ => Vec::new(),
        };
        let next: Vec<Vec<CheckId>> = parts.checks.iter().map(of_union).collect();
        let circles = circles(&next);
        let mut joined = Joined {
            next: &next,
            circles: &circles,
            checks: &parts.checks,
            nil,
            met: vec![0; parts.checks.len()],
            search: 0,
            steps: 0,
            most: self.most.map_or(MAX_UNION_STEPS, |most| most.min(MAX_UNION_STEPS)),
        };
        let mut members = Vec::new();
        let mut put = |list: &[CheckId]| -> Indices {
            let start = members.len() as u32;
            members.extend_from_slice(list);
            start..members.len() as u32
        };
        // All unions on a circle have the same members.
        let mut of_circle = HashMap::<usize, Option<Indices>, foldhash::fast::FixedState>::default();
        let mut made: Vec<Option<Check>> = Vec::new();
        made.resize_with(parts.checks.len(), || None);
        let mut needed = vec![false; parts.checks.len()];
        let mut left = vec![0];
        needed[0] = true;
        let mut looked = 0;
        while let Some(id) = left.pop() {
            looked += 1;
            step_at(looked);
            let (check, circle) = (&parts.checks[id as usize], circles[id as usize]);
            let mut need = |part: CheckId| {
                if !std::mem::replace(&mut needed[part as usize], true) {
                    left.push(part);
                }
            };
            let mut union = |list: &[CheckId]| {
                list.iter().for_each(|&member| need(member));
                put(list)
            };
            let new = match (check, joined.optional(id)) {
                (_, Some(inner)) => {
                    need(inner);
                    Check::Optional(inner)
                }
                (Check::Union(_) | Check::Optional(_), _) if circle == 0 => match (joined.find(id), check) {
                    (Some(list), _) => Check::Union(union(&list)),
                    (None, Check::Union(_)) => Check::Union(union(&next[id as usize])),
                    _ => Check::Endless,
                },
                (Check::Union(_) | Check::Optional(_), _) => {
                    let list =
                        of_circle.entry(circle).or_insert_with(|| joined.find(id).map(|list| union(&list)));
                    match list {
                        Some(list) => Check::Union(list.clone()),
                        None => Check::Endless,
                    }
                }
                (Check::Intersection(range), _) => Check::Intersection(union(parts.members_of(range))),
                _ => {
                    parts.parts(check, &mut need);
                    continue;
                }
            };
            made[id as usize] = Some(new);
        }
        let steps = joined.steps;
        for ((check, made), needed) in self.program.checks.iter_mut().zip(made).zip(needed) {
            match made {
                Some(Check::Union(range)) if members[range.start as usize..range.end as usize] == [nil] => {
                    *check = Check::Nil;
                }
                Some(made) => *check = made,
                None if !needed => *check = Check::Never,
                None => {}
            }
        }
        self.program.members = members;
        self.work += steps;
    }
}

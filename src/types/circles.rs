//! Checks that are parts of themselves for the same value.

use super::builder::Builder;
use super::program::{Check, CheckId};
use crate::limits::MAX_CHECKS_UNROLLED;
use crate::turns::step_at;
use hashbrown::HashMap;

impl Builder<'_> {
    /// Checks that are parts of themselves for the same value, through intersections and validators, are unrolled: what a value fits
    /// by has no need to be a part of itself, so within itself such a check is one that nothing fits. (The least fixed point; unions
    /// and optionals do not contain themselves to begin with.) Afterwards each look at a value ends.
    pub(super) fn unroll(&mut self) {
        let parts = &mut self.program;
        let next: Vec<Vec<CheckId>> = parts.checks.iter().map(|check| parts.of_value(check)).collect();
        let circles = circles(&next);
        let on_circle = |id: CheckId| circles.get(id as usize).is_some_and(|&circle| circle != 0);
        let mut todo: Vec<(CheckId, Box<[CheckId]>)> = Vec::new();
        // What a check is inside of certain others of its circle.
        let mut known = HashMap::<(CheckId, Box<[CheckId]>), CheckId, foldhash::fast::FixedState>::default();
        for id in (0..circles.len() as CheckId).filter(|&id| on_circle(id)) {
            todo.push((id, [id].into()));
        }
        let mut originals: HashMap<CheckId, CheckId, foldhash::fast::FixedState> = HashMap::default();
        let mut at = 0;
        while let Some((id, around)) = todo.get(at).cloned() {
            at += 1;
            step_at(at);
            let original = originals.get(&id).copied().unwrap_or(id);
            let circle = circles[original as usize];
            let replaced: Vec<CheckId> = next[original as usize]
                .iter()
                .map(|&part| {
                    if circles[part as usize] != circle {
                        return part;
                    }
                    let mut inside = around.to_vec();
                    let impossible = match inside.binary_search(&part) {
                        Ok(_) => true,
                        Err(place) => {
                            inside.insert(place, part);
                            false
                        }
                    };
                    let inside = if impossible { Box::default() } else { inside.into_boxed_slice() };
                    *known.entry((part, inside)).or_insert_with_key(|(_, inside)| {
                        let copy = parts.push(Check::Never, parts.origins[part as usize]);
                        if !impossible {
                            originals.insert(copy, part);
                            todo.push((copy, inside.clone()));
                        }
                        copy
                    })
                })
                .collect();
            parts.checks[id as usize] = parts.with_parts(original, &replaced);
            if known.len() > MAX_CHECKS_UNROLLED {
                for check in (0..).zip(&mut parts.checks) {
                    if on_circle(check.0) {
                        *check.1 = Check::Endless;
                    }
                }
                return;
            }
        }
    }
}

/// The circles of a graph, by numbers: nodes have the same if ways lead from each to the other; 0 if none leads back to it (Tarjan,
/// "Depth-first search and linear graph algorithms", 1972).
pub(super) fn circles(next: &[Vec<CheckId>]) -> Vec<usize> {
    const DONE: usize = usize::MAX;
    // When a node was come to, counted from 1; then the earliest such node that it leads to.
    let (mut first, mut earliest) = (vec![0; next.len()], vec![0; next.len()]);
    let (mut circles, mut count, mut open) = (vec![0; next.len()], 0, Vec::new());
    for root in 0..next.len() {
        let mut way = if first[root] == 0 { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, at)) = way.last_mut() {
            let node = *node;
            if *at == 0 {
                count += 1;
                (first[node], earliest[node]) = (count, count);
                open.push(node);
            }
            if let Some(&to) = next[node].get(*at) {
                *at += 1;
                let to = to as usize;
                if first[to] == 0 {
                    way.push((to, 0));
                } else if first[to] != DONE {
                    earliest[node] = earliest[node].min(first[to]);
                }
                continue;
            }
            way.pop();
            if let Some(&(before, _)) = way.last() {
                earliest[before] = earliest[before].min(earliest[node]);
            }
            if earliest[node] == first[node] {
                // All that is open from here on leads back here.
                let start = open.iter().rposition(|&n| n == node).unwrap_or(0);
                let leads_back = open.len() - start > 1 || next[node].contains(&(node as CheckId));
                for member in open.drain(start..) {
                    circles[member] = if leads_back { earliest[node] } else { 0 };
                    first[member] = DONE;
                }
            }
        }
    }
    circles
}

//! In which order a simulation runs what could run: policies that find different kinds of bugs.
//!
//! Every policy is a function of the seed and of what was queued when; none looks at addresses, threads or the real clock.

use std::collections::VecDeque;

use super::task::{Handle, TaskId};
use crate::limits::ORDER_WINDOW;

/// A policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first: what an undisturbed worker does.
    Fifo,
    /// Newest first, now and then another: chains of wake-ups run to their end while the rest waits.
    Lifo,
    /// Each as likely as any other: many small reorderings.
    Random,
    /// By priorities drawn by lot, which are drawn anew now and then: some tasks are much slower than others for a while, which
    /// is what bugs that need few, but particular, reorderings are found by.
    Priority,
}

impl Order {
    /// The policy that belongs to a seed, so that trying seeds tries policies.
    #[must_use]
    pub fn any(seed: u64) -> Self {
        match seed % 8 {
            0 => Self::Fifo,
            1 => Self::Lifo,
            2..=4 => Self::Random,
            _ => Self::Priority,
        }
    }
}

/// A policy at work.
pub(super) struct Picker {
    order: Order,
    rng: fastrand::Rng,
    /// Changes when priorities are drawn anew.
    lot: u64,
}

impl Picker {
    pub(super) fn new(order: Order, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x6f72_6465_7220_6f66);
        let lot = rng.u64(..);
        Self { order, rng, lot }
    }

    /// Takes one of the queued tasks.
    pub(super) fn pick(&mut self, queued: &mut VecDeque<Handle>) -> Option<Handle> {
        let count = queued.len();
        if count == 0 {
            return None;
        }
        match self.order {
            Order::Fifo => queued.pop_front(),
            Order::Lifo if self.rng.u8(..8) != 0 => queued.pop_back(),
            Order::Lifo | Order::Random => {
                let at = self.rng.usize(..count);
                queued.swap_remove_back(at)
            }
            Order::Priority => {
                if self.rng.u8(..32) == 0 {
                    self.lot = self.rng.u64(..);
                }
                let window = count.min(ORDER_WINDOW);
                let at = (0..window).max_by_key(|&i| self.priority(queued[i].id()))?;
                queued.swap_remove_back(at)
            }
        }
    }

    fn priority(&self, id: TaskId) -> u64 {
        // The finaliser of SplitMix64: neighbouring ids get unrelated priorities.
        let mut z = self.lot ^ id.number().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The length of the next turn: often whole, often a small part, so that turns end anywhere.
    pub(super) fn slice(&mut self, whole: u32) -> u32 {
        let shift = if self.rng.bool() { 0 } else { self.rng.u32(..16) };
        (whole >> shift).max(1)
    }
}

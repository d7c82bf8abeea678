//! The clock and the dice: every look at time and every random choice of the runtime goes through these two, which come as a
//! real and as a simulated implementation. Neither knows who uses it.
//!
//! A simulated clock stands still until its owner moves it; simulated dice repeat their numbers for the same seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point on a monotonic clock: nanoseconds since the clock was made. Moments of different clocks have nothing to do with
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// When the clock was made.
    pub const START: Self = Self(0);

    /// The end of time, more than 500 years away: a deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// This many nanoseconds after the start.
    #[must_use]
    pub fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn nanos(self) -> u64 {
        self.0
    }

    /// The moment this much later; [`Moment::NEVER`] if that is too far away.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Time since `earlier`, zero if that is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A monotonic clock and the time of day.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real { origin: Instant },
    Virtual { now: Arc<AtomicU64> },
}

/// What a virtual clock shows as the time of day at its start: 2025-01-01 00:00:00 UTC.
const VIRTUAL_EPOCH: Duration = Duration::from_secs(1_735_689_600);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn real() -> Self {
        Self(Source::Real { origin: Instant::now() })
    }

    /// A clock that shows [`Moment::START`] until it is moved.
    #[must_use]
    pub fn simulated() -> Self {
        Self(Source::Virtual { now: Arc::new(AtomicU64::new(0)) })
    }

    /// Whether this is a simulated clock.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self.0, Source::Virtual { .. })
    }

    /// Now. Never goes back.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::Real { origin } => Moment::START.after(origin.elapsed()),
            Source::Virtual { now } => Moment(now.load(Ordering::Acquire)),
        }
    }

    /// The time of day, as the time since 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub fn time_of_day(&self) -> Duration {
        match &self.0 {
            Source::Real { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Source::Virtual { .. } => VIRTUAL_EPOCH + self.now().since(Moment::START),
        }
    }

    /// Moves a simulated clock forward to `to`; a later moment stays, and a real clock takes no orders.
    pub fn advance(&self, to: Moment) {
        if let Source::Virtual { now } = &self.0 {
            now.fetch_max(to.0, Ordering::AcqRel);
        }
    }
}

/// A source of randomness for order, seeds and choices. Not for secrets.
#[derive(Clone, Debug)]
pub struct Dice {
    rng: Arc<Mutex<fastrand::Rng>>,
    simulated: bool,
}

impl Dice {
    /// Dice that fall differently in every run.
    #[must_use]
    pub fn real() -> Self {
        Self { rng: Arc::new(Mutex::new(fastrand::Rng::new())), simulated: false }
    }

    /// Dice that fall the same way for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))), simulated: true }
    }

    /// Whether the same seed repeats these numbers.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.simulated
    }

    fn with<R>(&self, f: impl FnOnce(&mut fastrand::Rng) -> R) -> R {
        f(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// 64 random bits, the seed of a process for example.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.with(|rng| rng.u64(..))
    }

    /// A number from 0 to `bound - 1`; 0 if `bound` is 0.
    #[must_use]
    pub fn below(&self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.with(|rng| rng.usize(..bound)) }
    }

    /// Random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.with(|rng| rng.fill(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_moves_forward_only() {
        let clock = Clock::simulated();
        assert_eq!(clock.now(), Moment::START);
        clock.advance(Moment::from_nanos(50));
        clock.advance(Moment::from_nanos(20));
        assert_eq!(clock.clone().now().nanos(), 50);
        assert_eq!(clock.time_of_day(), VIRTUAL_EPOCH + Duration::from_nanos(50));
    }

    #[test]
    fn a_real_clock_does_not_go_back() {
        let clock = Clock::real();
        let first = clock.now();
        clock.advance(Moment::NEVER);
        assert!(clock.now() >= first && clock.now() < Moment::NEVER);
        assert!(clock.time_of_day() > VIRTUAL_EPOCH);
    }

    #[test]
    fn moments_do_not_overflow() {
        assert_eq!(Moment::from_nanos(5).after(Duration::MAX), Moment::NEVER);
        assert_eq!(Moment::START.since(Moment::NEVER), Duration::ZERO);
        assert_eq!(Moment::from_nanos(7).since(Moment::from_nanos(2)), Duration::from_nanos(5));
    }

    #[test]
    fn seeded_dice_repeat() {
        let roll = |seed| {
            let dice = Dice::seeded(seed);
            let mut bytes = [0; 5];
            dice.fill(&mut bytes);
            (dice.bits(), dice.below(1000), dice.below(0), bytes)
        };
        assert_eq!(roll(1), roll(1));
        assert_ne!(roll(1), roll(2));
        assert!(!Dice::real().is_simulated() && Dice::seeded(1).is_simulated());
    }
}

//! The age of a value and its meaning, decided without a store: [`Age`], [`Freshness`], and [`Time`], by
//! which they are measured.

use std::sync::Arc;
use std::time::Duration;

use super::order::Invalidated;
use super::shared_invalidations::{Began, Generation};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::store::Version;

/// The tags of a value. Most have none.
pub(super) type Tags = Option<Arc<[Box<str>]>>;

/// What is known about a stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Age {
    /// When its computation began. The data on which it is based may have changed since.
    pub(super) made_at: Timestamp,
    /// The same in the order of invalidations, which no clock can give.
    pub(super) origin: Origin,
    /// `None` means forever.
    pub(super) fresh_until: Option<Timestamp>,
    /// How long the computation took.
    pub(super) cost: Duration,
    pub(super) tags: Tags,
}

/// Where the computation of a value began in the order of invalidations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Among those in the memory of this process.
    pub(super) local: u64,
    /// Among those of its cache in a store.
    pub(super) cache: Began,
    /// Among those of its region in a store.
    pub(super) region: Generation,
}

/// The scope of an invalidation.
#[derive(Clone, Copy)]
pub(super) enum InvalidationScope<'a> {
    All,
    /// The whole cache. Its values may be returned while new ones are computed.
    Softly,
    /// The values with this tag.
    Tag(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// May be returned while a new one is computed.
    Stale,
    Gone,
}

/// If a clock is set back by more than this, stored values become stale.
const LONGEST_AHEAD: Duration = Duration::from_secs(60);

impl Age {
    /// The age of a key that is only looked up.
    pub(super) fn of_nothing() -> Age {
        let made_at = Timestamp::from_micros(0);
        let origin = Origin::default();
        Age { made_at, origin, fresh_until: None, cost: Duration::ZERO, tags: None }
    }

    pub(super) fn freshness(
        &self,
        now: Timestamp,
        stale_for: Duration,
        invalidated: Invalidated,
    ) -> Freshness {
        if invalidated == Invalidated::Hard {
            return Freshness::Gone;
        }
        match self.fresh_until {
            Some(end) if end <= now => {
                if now < end + stale_for {
                    Freshness::Stale
                } else {
                    Freshness::Gone
                }
            }
            _ if invalidated == Invalidated::Softly => Freshness::Stale,
            // A value that never expires does not depend on a clock.
            Some(_) if !Age::is_plausible(self.made_at, now) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }

    /// Returns whether the value does not come from the future.
    #[inline]
    pub(super) fn is_plausible(made_at: Timestamp, now: Timestamp) -> bool {
        // Each hit does this, so it is calculated in microseconds.
        made_at.as_micros().saturating_sub(now.as_micros()) <= LONGEST_AHEAD.as_micros() as u64
    }

    /// Decides at random whether to recompute the value early. The probability grows as the expiry comes
    /// closer and with the time that a computation takes, so that one of many users recomputes it in time
    /// (Vattani, Chierichetti, Lowenstein: "Optimal Probabilistic Cache Stampede Prevention"). `random` is
    /// between 0 and 1.
    pub(super) fn is_early(&self, now: Timestamp, eagerness: f64, random: f64) -> bool {
        let Some(end) = self.fresh_until else { return false };
        let ahead = self.cost.as_secs_f64() * eagerness * -random.max(f64::MIN_POSITIVE).ln();
        now + Duration::try_from_secs_f64(ahead).unwrap_or(Duration::MAX) >= end
    }
}

/// A value and its age.
#[derive(Debug, Clone)]
pub(super) struct Slot<V> {
    pub(super) value: V,
    pub(super) age: Age,
}

/// The current state of a key.
pub(super) struct Lookup<V> {
    pub(super) slot: Option<Slot<V>>,
    /// The current version, even if it says that there is no value. A replacement is written only if this
    /// version has not changed.
    pub(super) version: Option<Version>,
    pub(super) invalidated: Invalidated,
    /// For a computation that begins with this lookup; `None` if it has to be read first.
    pub(super) origin: Option<Origin>,
    /// How many flights were completed before the lookup.
    pub(super) completions: u64,
}

impl<V> Lookup<V> {
    pub(super) fn nothing(origin: Option<Origin>) -> Lookup<V> {
        Lookup { slot: None, version: None, invalidated: Invalidated::No, origin, completions: 0 }
    }
}

/// The system clock is a variant of its own and not a trait object, because each hit reads it and the
/// compiler can then inline it.
#[derive(Debug, Clone)]
pub(super) enum Time {
    System,
    Of(Arc<dyn Clock>),
}

impl Time {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Time::System => SystemClock.now(),
            Time::Of(clock) => clock.now(),
        }
    }

    #[inline]
    pub(super) fn recent(&self) -> Timestamp {
        match self {
            Time::System => SystemClock.recent(),
            Time::Of(clock) => clock.recent(),
        }
    }

    /// For deadlines, waits and remembered failures. Changes of the time of day do not move it.
    pub(super) fn monotonic(&self) -> Duration {
        match self {
            Time::System => SystemClock.monotonic(),
            Time::Of(clock) => clock.monotonic(),
        }
    }

    pub(super) fn sleep(&self, time: Duration) {
        match self {
            Time::System => SystemClock.sleep(time),
            Time::Of(clock) => clock.sleep(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn age(fresh_until: Option<Timestamp>) -> Age {
        let (origin, cost) = (Origin::default(), Duration::from_secs(1));
        Age { made_at: at(100), origin, fresh_until, cost, tags: None }
    }

    #[test]
    fn the_whole_table() {
        use Freshness::*;
        let until = Some(at(200));
        let (no, softly, hard) = (Invalidated::No, Invalidated::Softly, Invalidated::Hard);
        let rows = [
            (until, 199, no, Fresh),
            (until, 200, no, Stale),
            (until, 209, no, Stale),
            (until, 210, no, Gone),
            (None, 1_000_000, no, Fresh),
            (until, 150, softly, Stale),
            (None, 150, softly, Stale),
            (until, 210, softly, Gone),
            (until, 150, hard, Gone),
            (until, 205, hard, Gone),
            (None, 150, hard, Gone),
            // The clock was set back: by a little, by much.
            (until, 50, no, Fresh),
            (until, 30, no, Stale),
            (None, 30, no, Fresh),
        ];
        for (fresh_until, now, invalidated, wanted) in rows {
            let found = age(fresh_until).freshness(at(now), Duration::from_secs(10), invalidated);
            assert_eq!(found, wanted, "until {fresh_until:?}, now {now}, {invalidated:?}");
        }
    }

    #[test]
    fn the_closer_the_end_the_sooner() {
        let age = age(Some(at(200)));
        assert!(!age.is_early(at(190), 1.0, 0.5));
        assert!(age.is_early(at(190), 1.0, 1e-5), "unlucky enough");
        assert!(!age.is_early(at(190), 0.0, 1e-9), "never");
        assert!(age.is_early(at(199), 2.0, 0.5));
        assert!(age.is_early(at(150), 1.0, 0.0), "no luck at all");
    }
}

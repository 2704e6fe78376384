//! How old a value is and what that means, decided with no store in sight: [`Age`], [`Freshness`], and
//! [`Time`], by which they are measured.

use std::sync::Arc;
use std::time::Duration;

use super::order::Invalidated;
use super::shared_invalidations::{Began, Generation};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::store::Version;

/// The tags of a value; most have none.
pub(super) type Tags = Option<Arc<[Box<str>]>>;

/// What is known of a stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Age {
    /// When its making began: what it is made from may have changed since.
    pub(super) made_at: Timestamp,
    /// The same among invalidations, which no clock orders.
    pub(super) origin: Origin,
    /// `None` is for ever.
    pub(super) fresh_until: Option<Timestamp>,
    /// How long the making took.
    pub(super) cost: Duration,
    pub(super) tags: Tags,
}

/// Where the making of a value stands in the order of invalidations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Among those in this process's memory.
    pub(super) local: u64,
    /// Among those of its cache in a store.
    pub(super) cache: Began,
    /// Among those of its region there.
    pub(super) region: Generation,
}

/// What is invalidated.
#[derive(Clone, Copy)]
pub(super) enum InvalidationScope<'a> {
    All,
    /// The whole cache, and its values may be given while new ones are made.
    Softly,
    /// What has the tag.
    Tag(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// Good enough while a new one is made.
    Stale,
    Gone,
}

/// A clock that was set back by more than this makes what is stored stale.
const LONGEST_AHEAD: Duration = Duration::from_secs(60);

impl Age {
    /// Of a key that is only looked for.
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
            // What never expires goes by no clock.
            Some(_) if !Age::is_plausible(self.made_at, now) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }

    /// Whether it was not made in the future.
    #[inline]
    pub(super) fn is_plausible(made_at: Timestamp, now: Timestamp) -> bool {
        // A hit asks this, so it is done in microseconds.
        made_at.as_micros().saturating_sub(now.as_micros()) <= LONGEST_AHEAD.as_micros() as u64
    }

    /// Whether to make it anew already, by chance: the more likely, the closer its end and the longer
    /// its making takes, so that of many who use it one does it in time (Vattani, Chierichetti,
    /// Lowenstein: "Optimal Probabilistic Cache Stampede Prevention"). `random` is between 0 and 1.
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

/// What is under a key now.
pub(super) struct Lookup<V> {
    pub(super) slot: Option<Slot<V>>,
    /// Which write is there, also if it is one of nothing; what comes in its place is written only if
    /// this is still there.
    pub(super) version: Option<Version>,
    pub(super) invalidated: Invalidated,
    /// For a value whose making begins with this look; `None` if that is still to be read.
    pub(super) origin: Option<Origin>,
    /// How many flights were completed before the look.
    pub(super) completions: u64,
}

impl<V> Lookup<V> {
    pub(super) fn nothing(origin: Option<Origin>) -> Lookup<V> {
        Lookup { slot: None, version: None, invalidated: Invalidated::No, origin, completions: 0 }
    }
}

/// The system's clock has a case of its own, and is no trait object: each hit reads it, and the compiler
/// can put that into the hit.
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

    /// For deadlines, waits and back-off: no step of the time of day moves it.
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

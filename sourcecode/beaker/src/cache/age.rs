//! How old a value is, and what that means: decided here, with no store in sight.

use std::time::Duration;

use super::made::Tags;
use crate::clock::Timestamp;

/// What is known of a stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Age {
    /// When its making began: what it is made from may have changed since.
    pub(super) made_at: Timestamp,
    /// `None` is for ever.
    pub(super) fresh_until: Option<Timestamp>,
    /// How long the making took.
    pub(super) cost: Duration,
    pub(super) tags: Tags,
}

/// What was invalidated when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// What was made until then counts as gone: the whole cache, or one of the value's tags.
    pub(super) hard: Option<Timestamp>,
    /// What was made until then counts as stale.
    pub(super) soft: Option<Timestamp>,
}

/// What is invalidated.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Whole,
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
        Age { made_at, fresh_until: None, cost: Duration::ZERO, tags: None }
    }

    pub(super) fn freshness(&self, now: Timestamp, stale_for: Duration, marks: Marks) -> Freshness {
        let until = |mark: Option<Timestamp>| mark.is_some_and(|mark| self.made_at <= mark);
        if until(marks.hard) {
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
            _ if until(marks.soft) || !Age::is_plausible(self.made_at, now) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }

    /// Whether it was not made in the future.
    pub(super) fn is_plausible(made_at: Timestamp, now: Timestamp) -> bool {
        made_at <= now + LONGEST_AHEAD
    }

    /// Whether to make it anew already, by chance: the more likely, the closer its end and the longer
    /// its making takes, so that of many who use it one does it in time (Vattani, Chierichetti,
    /// Lowenstein: "Optimal Probabilistic Cache Stampede Prevention"). `luck` is between 0 and 1.
    pub(super) fn is_early(&self, now: Timestamp, eagerness: f64, luck: f64) -> bool {
        let Some(end) = self.fresh_until else { return false };
        let ahead = self.cost.as_secs_f64() * eagerness * -luck.max(f64::MIN_POSITIVE).ln();
        now + Duration::try_from_secs_f64(ahead).unwrap_or(Duration::MAX) >= end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn age(fresh_until: Option<Timestamp>) -> Age {
        Age { made_at: at(100), fresh_until, cost: Duration::from_secs(1), tags: None }
    }

    #[test]
    fn the_whole_table() {
        use Freshness::*;
        let until = Some(at(200));
        let (hard, soft) = (
            |s| Marks { hard: Some(at(s)), soft: None },
            |s| Marks { soft: Some(at(s)), hard: None },
        );
        let none = Marks::default();
        let rows = [
            (until, 199, none, Fresh),
            (until, 200, none, Stale),
            (until, 209, none, Stale),
            (until, 210, none, Gone),
            (None, 1_000_000, none, Fresh),
            (until, 150, hard(99), Fresh),
            (until, 150, hard(100), Gone),
            (until, 150, soft(99), Fresh),
            (until, 150, soft(100), Stale),
            (None, 150, soft(120), Stale),
            (until, 205, hard(120), Gone),
            // A soft mark after a hard one does not bring it back.
            (until, 150, Marks { hard: Some(at(110)), soft: Some(at(120)) }, Gone),
            // The clock was set back: by a little, by much.
            (until, 50, none, Fresh),
            (until, 30, none, Stale),
        ];
        for (fresh_until, now, marks, wanted) in rows {
            let found = age(fresh_until).freshness(at(now), Duration::from_secs(10), marks);
            assert_eq!(found, wanted, "until {fresh_until:?}, now {now}, {marks:?}");
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

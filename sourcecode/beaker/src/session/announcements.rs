//! [`Announcements`]: how processes that have local tiers tell each other what they have written.
//!
//! There are 256 counters in the store, one for each shard of the ids. After a write, and before the save
//! returns, a process increments the counter of the session's shard. Each process reads all the counters in
//! one batch, at most once in an interval, and drops its copies of each shard whose counter is not the one of
//! the last check. Copies are shown only while the last check that succeeded *began* less than the interval
//! ago, so a copy is never older than that:
//!
//! ```text
//! writer   writes   increments   save returns
//! reader                                    check begins               shows a copy
//!                                           |<--- less than the interval --->|
//! ```
//!
//! A check compares the whole record of a counter, its version included. Each increment makes a new version,
//! so a counter that was lost and created again is another one, even if it has the same number. A server that
//! numbers its versions from 1 after a restart could repeat one. Therefore the steps of a counter are not 1,
//! but numbers that no other process counts by.
//!
//! A counter that is missing at two checks may have been created, incremented and lost in between. Hence a
//! check drops the copies of each shard whose counter is missing, however often it has been missing before.
//! Lest that goes on where nobody writes, the request that checks creates the counter of its own session.
//!
//! Noting an access is not announced, because it changes no value: it would cost one more operation a request.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::key::{Key, Namespace};
use crate::store::{Stored, Version};

/// Ids are counted together by their last two digits: a copy may be dropped in vain.
pub(super) const SHARDS: usize = 256;

/// The longest time for which a copy is shown.
pub(super) const LONGEST_COPY: Duration = Duration::from_secs(60);

/// How long a counter lasts, from its creation: no store keeps those of programs that are gone for ever.
pub(super) const COUNTERS_LAST: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest step. A counter with such steps takes more than 8 million writes of its shard in its time.
const LARGEST_STEP: u64 = 1 << 30;

/// Returns the shard of a session.
pub(super) fn shard_of(key: &Key) -> usize {
    let digit = |byte: u8| usize::from((byte & 0xf) + (byte >> 6) * 9) & 0xf;
    key.name().last_chunk().map_or(0, |[high, low]| digit(*high) << 4 | digit(*low))
}

/// What this process knows about the writes of others.
pub(super) struct Announcements {
    interval: Duration,
    /// One for each shard.
    counters: Vec<Key>,
    /// Copies may be shown before this time: microseconds of the monotonic clock, 0 before the first check.
    known_until: AtomicU64,
    is_checking: AtomicBool,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    /// What the last check that succeeded found; nothing before the first one.
    counters: Vec<Option<Stored>>,
    /// After a check that failed, there is none before this time.
    not_before: Duration,
}

/// A check that has begun: there is one at a time. It is over when this is dropped.
pub(super) struct Check<'a> {
    announcements: &'a Announcements,
    began: Duration,
}

impl Announcements {
    /// Creates those of the sessions in a namespace.
    pub(super) fn new(interval: Duration, sessions: &Namespace) -> Announcements {
        let namespace = Namespace::new(&format!("beaker.written:{}", sessions.name()));
        Announcements {
            interval,
            counters: (0..SHARDS).map(|shard| namespace.key(shard.to_string())).collect(),
            known_until: AtomicU64::new(0),
            is_checking: AtomicBool::new(false),
            last: Mutex::default(),
        }
    }

    /// Returns all counters, in the order of their shards.
    pub(super) fn counters(&self) -> &[Key] {
        &self.counters
    }

    /// Returns the counter of a session's shard.
    pub(super) fn counter_of(&self, session: &Key) -> &Key {
        &self.counters[shard_of(session)]
    }

    /// Tells whether the last check began less than the interval ago.
    pub(super) fn are_known(&self, now: Duration) -> bool {
        micros(now) < self.known_until.load(Ordering::Acquire)
    }

    /// Begins a check, unless one is under way, or not needed, or one has failed a moment ago.
    pub(super) fn begin_check(&self, now: Duration) -> Option<Check<'_>> {
        if self.is_checking.swap(true, Ordering::AcqRel) {
            return None;
        }
        let check = Check { announcements: self, began: now };
        // Another one may have ended since somebody asked.
        let is_needed = !self.are_known(now) && now >= self.last().not_before;
        is_needed.then_some(check)
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check<'_> {
    /// Notes what was found, and calls `drop_copies` with each shard in which another process may have
    /// written.
    pub(super) fn succeeded(self, counters: Vec<Option<Stored>>, drop_copies: impl Fn(usize)) {
        let Announcements { interval, known_until, .. } = self.announcements;
        let mut last = self.announcements.last();
        for shard in 0..SHARDS {
            let of_shard = |all: &[Option<Stored>]| all.get(shard).cloned().flatten();
            let (before, now) = (of_shard(&last.counters), of_shard(&counters));
            if now.is_none() || now != before {
                drop_copies(shard);
            }
        }
        last.counters = counters;
        // Only now: whoever sees this time, sees what was dropped.
        let until = micros(self.began).saturating_add(micros(*interval));
        known_until.store(until, Ordering::Release);
    }

    /// Lets an interval pass before the next check.
    pub(super) fn failed(self, now: Duration) {
        let not_before = now.saturating_add(self.announcements.interval);
        self.announcements.last().not_before = not_before;
    }
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        self.announcements.is_checking.store(false, Ordering::Release);
    }
}

/// Returns the step by which a counter is incremented.
pub(super) fn step() -> u64 {
    1 + Version::fresh().number() % LARGEST_STEP
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const EVERY: Duration = Duration::from_millis(100);
    const NOW: Duration = Duration::from_secs(1000);

    fn announcements() -> Announcements {
        Announcements::new(EVERY, &Namespace::default())
    }

    fn counters(changed: &[(usize, u64)]) -> Vec<Option<Stored>> {
        let mut counters = vec![None; SHARDS];
        for (shard, version) in changed {
            let version = Version::new(*version);
            counters[*shard] = Some(Stored { bytes: b"7".as_slice().into(), version });
        }
        counters
    }

    /// Does a check at this time, and returns what it drops.
    fn check(known: &Announcements, at: Duration, found: &[(usize, u64)]) -> Vec<usize> {
        let dropped = RefCell::new(Vec::new());
        let check = known.begin_check(at).unwrap();
        check.succeeded(counters(found), |shard| dropped.borrow_mut().push(shard));
        dropped.into_inner()
    }

    const NOTHING: [usize; 0] = [];

    #[test]
    fn a_shard_has_all_ids_with_the_same_two_last_digits() {
        for number in 0..SHARDS {
            let key = Namespace::default().key(format!("0123456789abcdef{number:02x}"));
            assert_eq!(shard_of(&key), number);
        }
        for name in [&b""[..], b"x", &[0xff, 0xff], &[0, 0]] {
            assert!(shard_of(&Namespace::default().key(name)) < SHARDS);
        }
    }

    #[test]
    fn a_counter_that_is_new_or_changed_or_missing_drops_its_shard() {
        let known = announcements();
        let same: Vec<(usize, u64)> = (0..SHARDS).map(|shard| (shard, 1)).collect();
        let with = |shard: usize, version| {
            let mut counters = same.clone();
            counters[shard].1 = version;
            counters
        };
        let without = |shard: usize| [&same[..shard], &same[shard + 1..]].concat();
        assert_eq!(check(&known, NOW, &same).len(), SHARDS, "nothing is known from before");
        assert_eq!(check(&known, NOW + EVERY, &same), NOTHING);
        assert_eq!(check(&known, NOW + EVERY * 2, &with(7, 2)), [7]);
        assert_eq!(check(&known, NOW + EVERY * 3, &with(7, 2)), NOTHING);
        assert_eq!(check(&known, NOW + EVERY * 4, &same), [7]);
        // It may have been there between two checks that do not find it.
        for number in 5..8 {
            assert_eq!(check(&known, NOW + EVERY * number, &without(9)), [9]);
        }
        assert_eq!(check(&known, NOW + EVERY * 8, &same), [9]);
        assert_eq!(check(&known, NOW + EVERY * 9, &same), NOTHING);
    }

    #[test]
    fn a_store_that_answers_with_too_few_is_not_believed() {
        let known = announcements();
        let some: Vec<(usize, u64)> = (0..SHARDS).map(|shard| (shard, 1)).collect();
        check(&known, NOW, &some);
        for number in 1..4 {
            let dropped = RefCell::new(Vec::new());
            let check = known.begin_check(NOW + EVERY * number).unwrap();
            let answer = counters(&some).into_iter().take(SHARDS - 1).collect();
            check.succeeded(answer, |shard| dropped.borrow_mut().push(shard));
            assert_eq!(dropped.into_inner(), [SHARDS - 1]);
        }
    }

    #[test]
    fn copies_are_shown_for_the_interval_from_when_the_check_began() {
        let known = announcements();
        assert!(!known.are_known(NOW));
        check(&known, NOW, &[]);
        let last = NOW + EVERY - Duration::from_micros(1);
        assert!(known.are_known(last) && !known.are_known(NOW + EVERY));
        assert!(known.begin_check(last).is_none(), "it is not needed");
    }

    #[test]
    fn there_is_one_check_at_a_time_and_one_that_fails_is_not_repeated_at_once() {
        let known = announcements();
        let first = known.begin_check(NOW).unwrap();
        assert!(known.begin_check(NOW).is_none());
        // Its future was dropped.
        drop(first);
        known.begin_check(NOW).unwrap().failed(NOW + EVERY);
        assert!(known.begin_check(NOW + EVERY * 2 - Duration::from_micros(1)).is_none());
        assert!(known.begin_check(NOW + EVERY * 2).is_some());
        assert!(!known.are_known(NOW));
    }

    #[test]
    fn no_time_is_a_panic() {
        let known = Announcements::new(Duration::MAX, &Namespace::default());
        known.begin_check(Duration::MAX).unwrap().failed(Duration::MAX);
        known.begin_check(Duration::MAX).unwrap().succeeded(Vec::new(), |_| {});
        assert!(!known.are_known(Duration::MAX));
        assert!((1..=LARGEST_STEP).contains(&step()));
    }
}

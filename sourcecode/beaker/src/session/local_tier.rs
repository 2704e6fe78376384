//! [`LocalTier`]: copies of session records in the memory of this process, in front of a slower store.
//!
//! A copy contains the record and its version at some time, and is shown to requests for some seconds. All
//! decisions (a save, a deletion, a list) are made by the store. This process sees its own writes at once,
//! which needs two rules:
//!
//! ```text
//! reader    looks at the store                         keeps a copy? The number has changed: no.
//! writer                    number + 1, writes, number + 1
//! ```
//!
//! A number is incremented before and after each write, so a record that was read before or during a write is
//! not kept. And a writer keeps what it has written only if it was alone all the time, because of two
//! concurrent writers it is unknown which one was last.
//!
//! Without [`Announcements`], the writes of other processes are seen when the time of a copy is over. With
//! them, a check drops the copies of a shard, which needs two more rules:
//!
//! ```text
//! reader    looks at the store                                      keeps a copy? The number has changed: no.
//! other process                  writes, announces
//! check                                            number + 1, drops
//!
//! reader    takes a copy, which is older than the drop: no.
//! check                         drops, and then says that copies may be shown
//! ```
//!
//! Dropping counts the number up, as a write does: neither a reader nor a writer of this process keeps what
//! was there before the other process has written, because no later check would drop it again. And copies are
//! dropped by counting them out, before the check is said to have succeeded: so a request that relies on the
//! check does not see any of them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::announcements::{Announcements, Check, SHARDS, shard_of};
use crate::key::Key;
use crate::store::Stored;

/// Copies of records, each shown for a limited time.
pub(super) struct LocalTier {
    copies: Cache<Key, Copy>,
    shards: [Shard; SHARDS],
    capacity: usize,
    time: Duration,
    announcements: Option<Announcements>,
}

/// What the local tier has of a session.
pub(super) enum Look {
    Copy(Stored),
    Nothing,
    /// There is a copy, and others may have written since the last check.
    Unchecked,
}

#[derive(Clone)]
struct Copy {
    stored: Stored,
    /// By the monotonic clock.
    until: Duration,
    /// How often its shard was dropped before.
    drops: u64,
}

struct Shard {
    writes: Mutex<Writes>,
    /// How often its copies were dropped. Changed while `writes` is locked.
    drops: AtomicU64,
}

struct Writes {
    /// Counted up when a write begins, when it has ended, and when the copies are dropped.
    number: u64,
    /// The number of writes that are going on.
    writers: u32,
}

/// A look at the store that has begun.
pub(super) struct Reading {
    number: u64,
    /// When it began.
    at: Duration,
}

/// A write that has begun. It has ended when this is dropped, whatever came of it.
#[must_use = "the write has ended as soon as this is dropped"]
pub(super) struct Writing<'a> {
    tier: &'a LocalTier,
    key: &'a Key,
    number: u64,
    at: Duration,
}

impl LocalTier {
    pub(super) fn new(
        capacity: usize,
        time: Duration,
        announcements: Option<Announcements>,
    ) -> LocalTier {
        let shards = [const { Shard::new() }; SHARDS];
        LocalTier { copies: Cache::new(capacity.max(1)), shards, capacity, time, announcements }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns how old a copy gets.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    pub(super) fn announcements(&self) -> Option<&Announcements> {
        self.announcements.as_ref()
    }

    /// Looks for a copy that may be shown now.
    pub(super) fn get(&self, key: &Key, now: Duration) -> Look {
        let is_checked = self.announcements.as_ref().map(|all| all.are_known(now));
        match self.copies.get(key) {
            Some(copy) if now < copy.until => match is_checked {
                None => Look::Copy(copy.stored),
                Some(false) => Look::Unchecked,
                // Read after what is known was.
                Some(true) => match self.shard(key).drops.load(Ordering::Acquire) == copy.drops {
                    true => Look::Copy(copy.stored),
                    false => Look::Nothing,
                },
            },
            _ => Look::Nothing,
        }
    }

    /// Begins a look at the store.
    pub(super) fn reading(&self, key: &Key, now: Duration) -> Reading {
        Reading { number: self.shard(key).writes().number, at: now }
    }

    /// Keeps what was read, unless somebody here has written since, or a check has found that others have.
    pub(super) fn keep(&self, key: &Key, stored: &Stored, reading: &Reading) {
        let shard = self.shard(key);
        let writes = shard.writes();
        if writes.number == reading.number && writes.writers == 0 {
            self.insert(key, stored.clone(), reading.at, shard);
        }
    }

    /// Begins a write, and drops the copy.
    pub(super) fn writing<'a>(&'a self, key: &'a Key, now: Duration) -> Writing<'a> {
        let mut writes = self.shard(key).writes();
        writes.number += 1;
        writes.writers += 1;
        self.copies.remove(key);
        Writing { tier: self, key, number: writes.number, at: now }
    }

    /// Notes what a check has found, and drops the copies of each shard in which others have written.
    pub(super) fn checked(&self, check: Check<'_>, counters: Vec<Option<Stored>>) {
        check.succeeded(counters, |shard| {
            let shard = &self.shards[shard];
            let mut writes = shard.writes();
            writes.number += 1;
            shard.drops.fetch_add(1, Ordering::Release);
        });
    }

    /// Keeps a copy of a record that was as it is at that time. The writes of its shard are locked.
    fn insert(&self, key: &Key, stored: Stored, at: Duration, shard: &Shard) {
        let drops = shard.drops.load(Ordering::Relaxed);
        let copy = Copy { stored, until: at.saturating_add(self.time), drops };
        self.copies.insert(key.clone(), copy);
    }

    fn shard(&self, key: &Key) -> &Shard {
        &self.shards[shard_of(key)]
    }
}

impl Shard {
    const fn new() -> Shard {
        let writes = Mutex::new(Writes { number: 0, writers: 0 });
        Shard { writes, drops: AtomicU64::new(0) }
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        // Nothing can panic while it is held.
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// Keeps what was written, if nobody else here has written meanwhile, and no check has found that others
    /// have.
    pub(super) fn keep(&self, stored: Stored) {
        let shard = self.tier.shard(self.key);
        let writes = shard.writes();
        if writes.number == self.number && writes.writers == 1 {
            self.tier.insert(self.key, stored, self.at, shard);
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut writes = self.tier.shard(self.key).writes();
        writes.number += 1;
        writes.writers -= 1;
    }
}

impl fmt::Debug for LocalTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalTier({} copies, {:?})", self.capacity, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Namespace;
    use crate::store::Version;

    const NOW: Duration = Duration::from_secs(100);
    const TIME: Duration = Duration::from_secs(5);

    fn key() -> Key {
        Namespace::default().key("0123456789abcdef")
    }

    fn stored(number: u64) -> Stored {
        Stored { bytes: number.to_le_bytes().into(), version: Version::new(number) }
    }

    fn copy(tier: &LocalTier) -> Option<u64> {
        match tier.get(&key(), NOW) {
            Look::Copy(stored) => Some(stored.version.number()),
            Look::Nothing => None,
            Look::Unchecked => panic!("it has to be checked first"),
        }
    }

    #[test]
    fn a_copy_is_as_old_as_the_look_that_it_is_from() {
        let (tier, key) = (LocalTier::new(10, TIME, None), key());
        let reading = tier.reading(&key, NOW);
        tier.keep(&key, &stored(1), &reading);
        let last = NOW + TIME - Duration::from_micros(1);
        assert!(matches!(tier.get(&key, last), Look::Copy(_)));
        assert!(matches!(tier.get(&key, NOW + TIME), Look::Nothing));
    }

    #[test]
    fn no_capacity_is_a_panic() {
        for capacity in [0, 1, usize::MAX] {
            let (tier, key) = (LocalTier::new(capacity, Duration::MAX, None), key());
            tier.keep(&key, &stored(1), &tier.reading(&key, Duration::MAX));
        }
        let tier = LocalTier::new(100, TIME, None);
        for number in 0..10_000_u64 {
            let key = Namespace::default().key(number.to_le_bytes());
            tier.keep(&key, &stored(number), &tier.reading(&key, NOW));
        }
        assert!(tier.copies.len() <= 100);
    }

    #[test]
    fn what_was_read_before_or_during_a_write_is_not_kept() {
        let (tier, key) = (LocalTier::new(10, TIME, None), key());
        let before = tier.reading(&key, NOW);
        let writing = tier.writing(&key, NOW);
        let during = tier.reading(&key, NOW);
        tier.keep(&key, &stored(1), &before);
        tier.keep(&key, &stored(1), &during);
        assert_eq!(copy(&tier), None);
        writing.keep(stored(2));
        drop(writing);
        tier.keep(&key, &stored(1), &before);
        tier.keep(&key, &stored(1), &during);
        assert_eq!(copy(&tier), Some(2));
        let after = tier.reading(&key, NOW);
        tier.keep(&key, &stored(3), &after);
        assert_eq!(copy(&tier), Some(3));
    }

    #[test]
    fn of_two_writers_none_is_believed_to_be_the_last() {
        let key = key();
        // The one that begins last ends last, or the other one does.
        for ends_first in [0, 1] {
            let tier = LocalTier::new(10, TIME, None);
            let mut writings = [Some(tier.writing(&key, NOW)), Some(tier.writing(&key, NOW))];
            for which in [ends_first, 1 - ends_first] {
                let writing = writings[which].take().unwrap();
                writing.keep(stored(which as u64));
                drop(writing);
                assert_eq!(copy(&tier), None);
            }
        }
    }

    #[test]
    fn a_write_that_failed_or_was_dropped_leaves_no_copy() {
        let (tier, key) = (LocalTier::new(10, TIME, None), key());
        tier.keep(&key, &stored(1), &tier.reading(&key, NOW));
        assert_eq!(copy(&tier), Some(1));
        drop(tier.writing(&key, NOW));
        assert_eq!(copy(&tier), None);
        tier.keep(&key, &stored(1), &tier.reading(&key, NOW));
        assert_eq!(copy(&tier), Some(1), "it goes on afterwards");
    }

    const EVERY: Duration = Duration::from_secs(1);

    /// With announcements, and at a time at which they are known.
    fn checked_tier() -> LocalTier {
        let announcements = Announcements::new(EVERY, &Namespace::default());
        let tier = LocalTier::new(10, TIME, Some(announcements));
        check(&tier, NOW - EVERY / 2, 1);
        tier
    }

    /// Finds the counter of the key's shard in this version.
    fn check(tier: &LocalTier, at: Duration, version: u64) {
        let check = tier.announcements().unwrap().begin_check(at).unwrap();
        let mut counters = vec![None; SHARDS];
        counters[shard_of(&key())] = Some(stored(version));
        tier.checked(check, counters);
    }

    #[test]
    fn a_copy_is_shown_only_while_the_others_writes_are_known() {
        let (tier, key) = (checked_tier(), key());
        tier.keep(&key, &stored(1), &tier.reading(&key, NOW));
        assert_eq!(copy(&tier), Some(1));
        let later = NOW + EVERY / 2;
        assert!(matches!(tier.get(&key, later), Look::Unchecked));
        check(&tier, later, 1);
        assert!(matches!(tier.get(&key, later), Look::Copy(_)));
        check(&tier, later + EVERY, 2);
        assert!(matches!(tier.get(&key, later + EVERY), Look::Nothing));
        // Of what is not there, nothing has to be known.
        let other = Namespace::default().key("another one");
        assert!(matches!(tier.get(&other, later + EVERY * 2), Look::Nothing));
    }

    #[test]
    fn what_was_read_or_written_before_others_announced_is_not_kept() {
        let (tier, key) = (checked_tier(), key());
        let reading = tier.reading(&key, NOW);
        let writing = tier.writing(&key, NOW);
        check(&tier, NOW + EVERY, 2);
        writing.keep(stored(1));
        drop(writing);
        tier.keep(&key, &stored(1), &reading);
        assert!(matches!(tier.get(&key, NOW + EVERY), Look::Nothing));
        tier.keep(&key, &stored(3), &tier.reading(&key, NOW + EVERY));
        assert!(matches!(tier.get(&key, NOW + EVERY), Look::Copy(_)));
    }
}

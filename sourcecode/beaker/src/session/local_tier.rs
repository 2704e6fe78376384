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

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::key::Key;
use crate::store::Stored;

/// Keys are counted together by some of their bytes: a copy may be dropped in vain.
const SHARDS: usize = 256;

/// Copies of records, each shown for a limited time.
pub(super) struct LocalTier {
    copies: Cache<Key, Copy>,
    shards: [Mutex<Shard>; SHARDS],
    capacity: usize,
    time: Duration,
}

#[derive(Clone)]
struct Copy {
    stored: Stored,
    /// By the monotonic clock.
    until: Duration,
}

#[derive(Clone, Copy, Default)]
struct Shard {
    /// Counted up when a write begins, and when it has ended.
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
    pub(super) fn new(capacity: usize, time: Duration) -> LocalTier {
        let shards = [const { Mutex::new(Shard { number: 0, writers: 0 }) }; SHARDS];
        LocalTier { copies: Cache::new(capacity.max(1)), shards, capacity, time }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns how old a copy gets.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// Returns a copy that may be shown now.
    pub(super) fn get(&self, key: &Key, now: Duration) -> Option<Stored> {
        let copy = self.copies.get(key)?;
        (now < copy.until).then_some(copy.stored)
    }

    /// Begins a look at the store.
    pub(super) fn reading(&self, key: &Key, now: Duration) -> Reading {
        Reading { number: self.shard(key).number, at: now }
    }

    /// Keeps what was read, unless somebody here has written since.
    pub(super) fn keep(&self, key: &Key, stored: &Stored, reading: &Reading) {
        let shard = self.shard(key);
        if shard.number == reading.number && shard.writers == 0 {
            let until = reading.at.saturating_add(self.time);
            let copy = Copy { stored: stored.clone(), until };
            self.copies.insert(key.clone(), copy);
        }
    }

    /// Begins a write, and drops the copy.
    pub(super) fn writing<'a>(&'a self, key: &'a Key, now: Duration) -> Writing<'a> {
        let mut shard = self.shard(key);
        shard.number += 1;
        shard.writers += 1;
        self.copies.remove(key);
        Writing { tier: self, key, number: shard.number, at: now }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        // The last bytes of an id are random.
        let last =
            key.name().last_chunk::<2>().map_or(0, |last| usize::from(u16::from_le_bytes(*last)));
        // Nothing can panic while it is held.
        self.shards[last % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// Keeps what was written, if nobody else here has written meanwhile.
    pub(super) fn keep(&self, stored: Stored) {
        let shard = self.tier.shard(self.key);
        if shard.number == self.number && shard.writers == 1 {
            let copy = Copy { stored, until: self.at.saturating_add(self.tier.time) };
            self.tier.copies.insert(self.key.clone(), copy);
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut shard = self.tier.shard(self.key);
        shard.number += 1;
        shard.writers -= 1;
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
        tier.get(&key(), NOW).map(|stored| stored.version.number())
    }

    #[test]
    fn a_copy_is_as_old_as_the_look_that_it_is_from() {
        let (tier, key) = (LocalTier::new(10, TIME), key());
        let reading = tier.reading(&key, NOW);
        tier.keep(&key, &stored(1), &reading);
        assert!(tier.get(&key, NOW + TIME - Duration::from_micros(1)).is_some());
        assert!(tier.get(&key, NOW + TIME).is_none());
    }

    #[test]
    fn no_capacity_is_a_panic() {
        for capacity in [0, 1, usize::MAX] {
            let (tier, key) = (LocalTier::new(capacity, Duration::MAX), key());
            tier.keep(&key, &stored(1), &tier.reading(&key, Duration::MAX));
        }
        let tier = LocalTier::new(100, TIME);
        for number in 0..10_000_u64 {
            let key = Namespace::default().key(number.to_le_bytes());
            tier.keep(&key, &stored(number), &tier.reading(&key, NOW));
        }
        assert!(tier.copies.len() <= 100);
    }

    #[test]
    fn what_was_read_before_or_during_a_write_is_not_kept() {
        let (tier, key) = (LocalTier::new(10, TIME), key());
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
            let tier = LocalTier::new(10, TIME);
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
        let (tier, key) = (LocalTier::new(10, TIME), key());
        tier.keep(&key, &stored(1), &tier.reading(&key, NOW));
        assert_eq!(copy(&tier), Some(1));
        drop(tier.writing(&key, NOW));
        assert_eq!(copy(&tier), None);
        tier.keep(&key, &stored(1), &tier.reading(&key, NOW));
        assert_eq!(copy(&tier), Some(1), "it goes on afterwards");
    }
}

//! Orders events that a clock cannot order: [`LocalInvalidations`] and [`Writes`] of this process.
//!
//! An invalidation and a value may fall into one tick, and a clock may stand still or go back. A count has
//! neither problem. Each invalidation raises it, and each value carries the count from before its
//! computation began:
//!
//! ```text
//! A begins to compute, at 4
//!                           B invalidates: 5, so all that began below 5 is invalid
//!                           B puts a value, at 5: it stays
//! A's value, at 4: it is invalid
//! ```
//!
//! A cache with a local tier looks a value up in the store, and then holds it in memory. A removal in
//! between would not see it there:
//!
//! ```text
//! A looks up: 1
//!                     B removes it in the store, and in the tier, which is still empty
//! A holds 1, and returns it to all callers long after B has returned
//! ```
//!
//! Therefore each write raises a count too, and a value that was looked up before the write is not held.
//!
//! This file uses only what `sync.rs` names, so that a test can go through all interleavings of its
//! threads.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError, RwLock};

/// How many invalidated tags are remembered.
const MAX_TAGS: usize = 100_000;

/// The effect of invalidations on a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invalidated {
    No,
    /// It may be returned while a new one is computed.
    Softly,
    Hard,
}

/// The invalidations of a cache in memory.
pub(super) struct LocalInvalidations {
    /// The invalidation count.
    count: AtomicU64,
    /// Values that began before this count are invalid.
    hard: AtomicU64,
    /// Values that began before this count are stale.
    soft: AtomicU64,
    /// Read only for values with tags.
    tags: RwLock<HashMap<Box<str>, u64>>,
}

impl LocalInvalidations {
    pub(super) fn new() -> LocalInvalidations {
        LocalInvalidations {
            count: AtomicU64::new(0),
            hard: AtomicU64::new(0),
            soft: AtomicU64::new(0),
            tags: RwLock::new(HashMap::new()),
        }
    }

    /// Returns the count for a value whose computation begins now.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Returns the count before which values are no longer fresh.
    #[inline]
    pub(super) fn oldest_fresh(&self) -> u64 {
        self.hard.load(Ordering::Acquire).max(self.soft.load(Ordering::Acquire))
    }

    /// Returns the effect on a value that began at this count and has these tags.
    pub(super) fn judge(&self, began_at: u64, tags: &[Box<str>]) -> Invalidated {
        if began_at < self.hard.load(Ordering::Acquire) {
            return Invalidated::Hard;
        }
        if !tags.is_empty() {
            let known = self.tags.read().unwrap_or_else(PoisonError::into_inner);
            if tags.iter().any(|tag| known.get(tag).is_some_and(|count| began_at < *count)) {
                return Invalidated::Hard;
            }
        }
        match began_at < self.soft.load(Ordering::Acquire) {
            true => Invalidated::Softly,
            false => Invalidated::No,
        }
    }

    pub(super) fn invalidate(&self) {
        self.hard.fetch_max(self.next(), Ordering::AcqRel);
    }

    pub(super) fn invalidate_softly(&self) {
        self.soft.fetch_max(self.next(), Ordering::AcqRel);
    }

    pub(super) fn invalidate_tag(&self, tag: &str) {
        let mut tags = self.tags.write().unwrap_or_else(PoisonError::into_inner);
        if tags.len() >= MAX_TAGS && !tags.contains_key(tag) {
            // Invalidates more than necessary rather than remembering tags forever.
            self.invalidate();
            tags.clear();
            return;
        }
        tags.insert(tag.into(), self.next());
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// How many counts the keys share. A write to another key with the same count costs one additional lookup.
const COUNTS: usize = 64;

/// Orders lookups of a key and writes to it.
pub(super) struct Writes(Box<[Mutex<u64>]>);

impl Writes {
    pub(super) fn new() -> Writes {
        Writes::with_counts(COUNTS)
    }

    pub(super) fn with_counts(counts: usize) -> Writes {
        Writes((0..counts).map(|_| Mutex::new(0)).collect())
    }

    /// Returns the count of writes, for a lookup or a write that begins now.
    pub(super) fn count(&self, key: &[u8]) -> u64 {
        *self.lock(key)
    }

    /// Holds a value that was looked up at this count, unless the key was written since. No write can be
    /// noted meanwhile.
    pub(super) fn hold(&self, key: &[u8], count: u64, hold: impl FnOnce()) {
        let now = self.lock(key);
        if *now == count {
            hold();
        }
    }

    /// Notes a write that began at this count and has just ended in the store. `last` receives whether it
    /// is known to be the last one: of two simultaneous writes, neither is.
    pub(super) fn note(&self, key: &[u8], count: u64, last: impl FnOnce(bool)) {
        let mut now = self.lock(key);
        let is_last = *now == count;
        *now += 1;
        last(is_last);
    }

    fn lock(&self, key: &[u8]) -> MutexGuard<'_, u64> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let place = hasher.finish() as usize % self.0.len();
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Puts in order what a clock cannot: [`LocalInvalidations`] and [`Writes`] of this process.
//!
//! An invalidation and a value may fall into one tick, and a clock may stand still or go back. A count
//! cannot. Each invalidation raises it, and each value carries the count from before its making began:
//!
//! ```text
//! A begins to make, at 4
//!                           B invalidates: 5, and all that was begun below 5 is gone
//!                           B puts a value, at 5: it stays
//! A's value, at 4: it is gone
//! ```
//!
//! A cache with memory in front of a store looks a value up there, and then holds it here. A removal
//! that falls in between would not see it:
//!
//! ```text
//! A looks up: 1
//!                     B removes it in the store, and here, where nothing is yet
//! A holds 1: and gives it to all who ask, long after B has returned
//! ```
//!
//! So each write raises a count too, and what was looked up before the write is not held.
//!
//! This file uses nothing but what `sync.rs` names, so that a test can go through all interleavings of
//! its threads.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError, RwLock};

/// How many invalidated tags are remembered.
const MAX_TAGS: usize = 100_000;

/// What invalidations mean for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invalidated {
    No,
    /// It may be given while a new one is made.
    Softly,
    Hard,
}

/// What was invalidated in a cache in memory.
pub(super) struct LocalInvalidations {
    /// How many there were.
    count: AtomicU64,
    /// What began before this count is gone.
    hard: AtomicU64,
    /// What began before this count is stale.
    soft: AtomicU64,
    /// Looked at only for values with tags.
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

    /// The count, for a value whose making begins now.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// What began before this is not fresh any more.
    #[inline]
    pub(super) fn oldest_fresh(&self) -> u64 {
        self.hard.load(Ordering::Acquire).max(self.soft.load(Ordering::Acquire))
    }

    /// What they mean for a value that began at this count and has these tags.
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
            // Rather too much is invalidated than remembered for ever.
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

/// Keys share so many counts. A write to another key of the same count costs one more look.
const COUNTS: usize = 64;

/// Which of two came first, a look at a key or a write to it.
pub(super) struct Writes(Box<[Mutex<u64>]>);

impl Writes {
    pub(super) fn new() -> Writes {
        Writes::with_counts(COUNTS)
    }

    pub(super) fn with_counts(counts: usize) -> Writes {
        Writes((0..counts).map(|_| Mutex::new(0)).collect())
    }

    /// How many writes there were, for what is looked up or written from now on.
    pub(super) fn count(&self, key: &[u8]) -> u64 {
        *self.lock(key)
    }

    /// Holds what was looked up at this count, unless something was written since. Nothing is written
    /// meanwhile.
    pub(super) fn hold(&self, key: &[u8], count: u64, hold: impl FnOnce()) {
        let now = self.lock(key);
        if *now == count {
            hold();
        }
    }

    /// Notes a write that began at this count and has just ended in the store. `last` is told whether
    /// it is known to be the last one there: of two at a time nobody can say.
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

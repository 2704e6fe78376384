//! [`LocalInvalidations`]: what was invalidated in a cache in memory, and in which order.
//!
//! A clock cannot order an invalidation and a value: both may fall into one tick, and a clock may stand
//! still or go back. A count can. Each invalidation raises it, and each value carries the count from
//! before its making began:
//!
//! ```text
//! A begins to make, at 4
//!                           B invalidates: 5, and all that was begun below 5 is gone
//!                           B puts a value, at 5: it stays
//! A's value, at 4: it is gone
//! ```
//!
//! This file uses nothing but what `sync.rs` names, so that a test can go through all interleavings of
//! its threads.

use std::collections::HashMap;

use super::sync::{AtomicU64, Ordering, PoisonError, RwLock};

/// So many tags that were invalidated are remembered.
const MOST_TAGS: usize = 100_000;

/// What invalidations mean for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invalidated {
    No,
    /// It may be given while a new one is made.
    Softly,
    Hard,
}

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
        if tags.len() >= MOST_TAGS && !tags.contains_key(tag) {
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

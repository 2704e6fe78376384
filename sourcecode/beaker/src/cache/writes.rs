//! [`Writes`]: which of two came first, what was looked up of a key or what was written under it.
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
//! So each write raises a count, and what was looked up before the write is not held.
//!
//! This file uses nothing but what `sync.rs` names, so that a test can go through all interleavings of
//! its threads.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::sync::{Mutex, MutexGuard, PoisonError};

/// Keys share so many counts. A write to another key of the same count costs one more look.
const COUNTS: usize = 64;

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

//! Values as they are, in the memory of this process: a hit is a look-up and a clone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use quick_cache::sync::{Cache as Table, EntryAction, EntryResult};

use super::age::{Age, Marks, What};
use super::name::{Fresh, Name};
use super::seen::{Seen, Slot};
use super::time::Time;
use crate::clock::Timestamp;

/// So many tags that were invalidated are remembered.
const MOST_TAGS: usize = 100_000;

pub(super) struct Objects<V> {
    table: Table<Name, V>,
    /// Moments in microseconds; 0 is never.
    hard: AtomicU64,
    soft: AtomicU64,
    /// Looked at only for values with tags.
    tags: RwLock<HashMap<Box<str>, Timestamp>>,
}

impl<V: Clone> Objects<V> {
    /// For so many values.
    pub(super) fn new(most: usize) -> Objects<V> {
        Objects {
            table: Table::new(most.max(1)),
            hard: AtomicU64::new(0),
            soft: AtomicU64::new(0),
            tags: RwLock::default(),
        }
    }

    /// The value, if it is fresh beyond doubt; else `look` tells more.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8], time: &Time) -> Option<V> {
        let marked = self.hard.load(Ordering::Acquire).max(self.soft.load(Ordering::Acquire));
        self.table.get(&Fresh { bytes: key, now: time.recent(), marked })
    }

    pub(super) fn look(&self, key: &[u8]) -> Seen<V> {
        match self.slot(key) {
            None => Seen::nothing(Marks::default()),
            Some(slot) => {
                let marks = self.marks(&slot.age);
                Seen { slot: Some(slot), version: None, marks, landings: 0 }
            }
        }
    }

    fn slot(&self, key: &[u8]) -> Option<Slot<V>> {
        let name = Name::new(key, Age::of_nothing());
        if !self.table.contains_key(&name) {
            return None;
        }
        let copy = |name: &Name, value: &mut V| {
            EntryAction::Retain(Slot { value: value.clone(), age: name.age() })
        };
        match self.table.entry(&name, Some(Duration::ZERO), copy) {
            EntryResult::Retained(slot) => Some(slot),
            // Removed meanwhile. The place that was kept for it is given up again.
            _ => None,
        }
    }

    fn marks(&self, age: &Age) -> Marks {
        let moment = |mark: &AtomicU64| match mark.load(Ordering::Acquire) {
            0 => None,
            micros => Some(Timestamp::from_micros(micros)),
        };
        let mut marks = Marks { hard: moment(&self.hard), soft: moment(&self.soft) };
        if let Some(tags) = &age.tags {
            let known = self.tags.read().unwrap_or_else(PoisonError::into_inner);
            let tagged = tags.iter().filter_map(|tag| known.get(tag).copied()).max();
            marks.hard = marks.hard.max(tagged);
        }
        marks
    }

    pub(super) fn keep(&self, key: &[u8], slot: Slot<V>) {
        self.table.insert(Name::new(key, slot.age), slot.value);
    }

    pub(super) fn remove(&self, key: &[u8]) {
        self.table.remove(&Name::new(key, Age::of_nothing()));
    }

    pub(super) fn clear(&self) {
        self.table.clear();
    }

    pub(super) fn invalidate(&self, what: What<'_>, now: Timestamp) {
        match what {
            What::Whole => drop(self.hard.fetch_max(now.as_micros(), Ordering::AcqRel)),
            What::Softly => drop(self.soft.fetch_max(now.as_micros(), Ordering::AcqRel)),
            What::Tag(tag) => {
                let mut tags = self.tags.write().unwrap_or_else(PoisonError::into_inner);
                if tags.len() >= MOST_TAGS {
                    // Rather too much is invalidated than remembered for ever.
                    self.hard.fetch_max(now.as_micros(), Ordering::AcqRel);
                    tags.clear();
                }
                tags.insert(tag.into(), now);
            }
        }
    }
}

//! Values as they are, in the memory of this process: a hit is a look-up and a clone.

use std::time::Duration;

use quick_cache::sync::{Cache as Table, EntryAction, EntryResult};

use super::age::{Age, Origin, What};
use super::local_invalidations::LocalInvalidations;
use super::name::{Fresh, Name};
use super::seen::{Seen, Slot};
use super::time::Time;

pub(super) struct Objects<V> {
    table: Table<Name, V>,
    invalidations: LocalInvalidations,
}

impl<V: Clone> Objects<V> {
    /// For so many values.
    pub(super) fn new(most: usize) -> Objects<V> {
        Objects { table: Table::new(most.max(1)), invalidations: LocalInvalidations::new() }
    }

    /// The value, if it is fresh beyond doubt; else `look` tells more.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8], time: &Time) -> Option<V> {
        let oldest = self.invalidations.oldest_fresh();
        self.table.get(&Fresh { bytes: key, now: time.recent(), oldest })
    }

    /// Where a value stands whose making begins now.
    pub(super) fn origin(&self) -> Origin {
        Origin { local: self.invalidations.count(), ..Origin::default() }
    }

    pub(super) fn look(&self, key: &[u8]) -> Seen<V> {
        let nothing = Seen::nothing(Some(self.origin()));
        match self.slot(key) {
            None => nothing,
            Some(slot) => {
                let tags = slot.age.tags.as_deref().unwrap_or_default();
                let invalidated = self.invalidations.judge(slot.age.origin.local, tags);
                Seen { slot: Some(slot), invalidated, ..nothing }
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

    pub(super) fn keep(&self, key: &[u8], slot: Slot<V>) {
        self.table.insert(Name::new(key, slot.age), slot.value);
    }

    pub(super) fn remove(&self, key: &[u8]) {
        self.table.remove(&Name::new(key, Age::of_nothing()));
    }

    pub(super) fn clear(&self) {
        self.table.clear();
    }

    pub(super) fn invalidate(&self, what: What<'_>) {
        match what {
            What::Whole => self.invalidations.invalidate(),
            What::Softly => self.invalidations.invalidate_softly(),
            What::Tag(tag) => self.invalidations.invalidate_tag(tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::local_invalidations::{Invalidated, LocalInvalidations};

    #[test]
    fn what_begins_after_an_invalidation_is_not_touched_by_it() {
        let invalidations = LocalInvalidations::new();
        let tags: [Box<str>; 2] = ["a".into(), "b".into()];
        let before = invalidations.count();
        invalidations.invalidate_softly();
        let after_soft = invalidations.count();
        assert_eq!(invalidations.judge(before, &tags), Invalidated::Softly);
        assert_eq!(invalidations.judge(after_soft, &tags), Invalidated::No);
        invalidations.invalidate_tag("b");
        let after_tag = invalidations.count();
        assert_eq!(invalidations.judge(after_soft, &tags), Invalidated::Hard);
        assert_eq!(invalidations.judge(after_soft, &tags[..1]), Invalidated::No);
        assert_eq!(invalidations.judge(after_tag, &tags), Invalidated::No);
        invalidations.invalidate();
        assert_eq!(invalidations.judge(after_tag, &[]), Invalidated::Hard);
        assert_eq!(invalidations.judge(invalidations.count(), &tags), Invalidated::No);
    }
}

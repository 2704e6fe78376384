//! Values as they are, in the memory of this process: a hit is a look-up and a clone.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use quick_cache::sync::{Cache as Table, DefaultLifecycle, EntryAction, EntryResult};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

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
        Objects { table: table(most), invalidations: LocalInvalidations::new() }
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

    /// Removes a value of this age, which nobody may be given any more.
    pub(super) fn discard(&self, key: &[u8], age: &Age) {
        let name = Name::new(key, Age::of_nothing());
        let remove = |name: &Name, _: &mut V| match name.age() == *age {
            true => EntryAction::Remove,
            // It is another one by now.
            false => EntryAction::Retain(()),
        };
        // A place that was kept for it, since it is gone already, is given up again.
        drop(self.table.entry(&name, Some(Duration::ZERO), remove));
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

/// A part of the table has so many values at least: keys do not spread evenly over few places.
const SMALLEST_PART: usize = 32;

/// A table that never holds more than so many. It has parts, so that several threads may write at once,
/// and each has an equal share: so it may hold a few less.
fn table<V: Clone>(most: usize) -> Table<Name, V> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let parts = (4 * threads).next_power_of_two().min((most / SMALLEST_PART).max(1));
    let parts = 1 << parts.ilog2();
    let options = OptionsBuilder::new()
        .estimated_items_capacity(most)
        .weight_capacity((most / parts * parts) as u64)
        .shards(parts)
        .build()
        .expect("both capacities are set");
    Table::with_options(
        options,
        UnitWeighter,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_exceeded_and_nearly_reached() {
        for most in [0, 1, 2, 10, 31, 33, 100, 500, 501, 1000, 4099] {
            let table = table::<u32>(most);
            for number in 0..3 * most as u32 + 10 {
                table.insert(Name::new(&number.to_le_bytes(), Age::of_nothing()), number);
                assert!(table.len() <= most, "{} of {most}", table.len());
            }
            assert!(table.len() >= most - most / 32, "{} of {most}", table.len());
        }
    }

    use super::super::local_invalidations::Invalidated;

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

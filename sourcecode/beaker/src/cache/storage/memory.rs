//! Values in the memory of this process, without a codec: a hit is a lookup and a clone.
//!
//! A key in the table contains everything that is known about its value. So a hit is a single lookup: it
//! searches for a key *that is fresh*, to which no other key is equal. It returns the value alone, which is
//! cloned once and has nothing to take apart.

use std::hash::{Hash, Hasher};
use std::num::NonZero;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use quick_cache::sync::{Cache, EntryAction, EntryResult};
use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder};

use super::eviction::{Evicted, Evictions, Reports, Weights};
use crate::cache::freshness::{
    Age, Freshness, InvalidationScope, Lookup, Origin, Slot, Tags, Time,
};
use crate::cache::memory_options::{EvictionCause, MemoryOptions};
use crate::cache::order::{Invalidated, LocalInvalidations};
use crate::clock::Timestamp;

type Table<V> = Cache<TableKey, V, Weights<V>, DefaultHashBuilder, Evictions>;

pub(in crate::cache) struct Memory<V> {
    table: Table<V>,
    invalidations: LocalInvalidations,
    /// How long a value stays without being used: microseconds; all ones: forever.
    time_to_idle: u64,
    reports: Option<Reports<V>>,
    #[cfg(feature = "metrics")]
    name: Option<Box<str>>,
}

impl<V: Clone> Memory<V> {
    pub(in crate::cache) fn new(options: MemoryOptions<V>) -> Memory<V> {
        let time_to_idle = options.time_to_idle.map_or(u64::MAX, in_micros);
        Memory {
            table: table(options.capacity, Weights(options.weigher)),
            invalidations: LocalInvalidations::new(),
            time_to_idle,
            reports: options.listener.map(Reports::new),
            #[cfg(feature = "metrics")]
            name: options.name,
        }
    }

    #[cfg(feature = "metrics")]
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the value if it is certainly fresh; otherwise, `look` finds out more.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8], time: &Time) -> Option<V> {
        let oldest = self.invalidations.oldest_fresh();
        self.table.get(&FreshKey { bytes: key, time, oldest })
    }

    /// Returns the origin of a value whose computation begins now.
    pub(super) fn origin(&self) -> Origin {
        Origin { local: self.invalidations.count(), ..Origin::default() }
    }

    pub(in crate::cache) fn look(&self, key: &[u8], now: Timestamp) -> Lookup<V> {
        let nothing = Lookup::nothing(Some(self.origin()));
        match self.slot(key, now) {
            None => nothing,
            Some(slot) => {
                let tags = slot.age.tags.as_deref().unwrap_or_default();
                let invalidated = self.invalidations.judge(slot.age.origin.local, tags);
                Lookup { slot: Some(slot), invalidated, ..nothing }
            }
        }
    }

    fn slot(&self, key: &[u8], now: Timestamp) -> Option<Slot<V>> {
        let name = TableKey::new(key, Age::of_nothing());
        if !self.table.contains_key(&name) {
            return None;
        }
        let copy = |name: &TableKey, value: &mut V| match name.touch(now) {
            true => EntryAction::Retain(Slot { value: value.clone(), age: name.age() }),
            false => EntryAction::Remove,
        };
        match self.table.entry(&name, Some(Duration::ZERO), copy) {
            EntryResult::Retained(slot) => Some(slot),
            EntryResult::Removed(name, value) => {
                self.report(name, value, EvictionCause::Expired);
                None
            }
            // Removed meanwhile. The place that was reserved for it is given up.
            _ => None,
        }
    }

    pub(in crate::cache) fn keep(&self, key: &[u8], slot: Slot<V>, now: Timestamp) {
        let mut name = TableKey::new(key, slot.age);
        if self.reports.is_some() || self.time_to_idle != u64::MAX {
            let extra = name.extra.get_or_insert_default();
            extra.time_to_idle = self.time_to_idle;
            extra.last_used = now.as_micros().into();
        }
        let own = name.extra_at();
        let mut evicted = Evicted::new();
        self.table.insert_with_lifecycle(name, slot.value, &mut evicted);
        if self.reports.is_some() {
            for (name, value) in evicted {
                // A value that is too heavy is not accepted at all.
                let is_replaced = *name.bytes == *key && !ptr::eq(name.extra_at(), own);
                let cause = self.cause(&name, now).unwrap_or(match is_replaced {
                    true => EvictionCause::Replaced,
                    false => EvictionCause::Size,
                });
                self.report(name, value, cause);
            }
        }
    }

    /// Returns why the value may not be returned any more, or `None` if it may.
    fn cause(&self, name: &TableKey, now: Timestamp) -> Option<EvictionCause> {
        if name.has_expired(now) {
            return Some(EvictionCause::Expired);
        }
        let invalidated = self.invalidations.judge(name.began(), name.tags());
        (invalidated == Invalidated::Hard).then_some(EvictionCause::Removed)
    }

    /// Removes a value of this age that may not be returned any more. Returns whether it was there.
    pub(in crate::cache) fn discard(&self, key: &[u8], age: &Age, now: Timestamp) -> bool {
        let name = TableKey::new(key, Age::of_nothing());
        let remove = |name: &TableKey, _: &mut V| match name.age() == *age {
            true => EntryAction::Remove,
            // It has been replaced meanwhile.
            false => EntryAction::Retain(()),
        };
        // If the value is gone already, the place that was reserved for it is given up.
        match self.table.entry(&name, Some(Duration::ZERO), remove) {
            EntryResult::Removed(name, value) => {
                let cause = self.cause(&name, now).unwrap_or(EvictionCause::Removed);
                self.report(name, value, cause);
                true
            }
            _ => false,
        }
    }

    pub(in crate::cache) fn remove(&self, key: &[u8]) {
        if let Some((name, value)) = self.table.remove(&TableKey::new(key, Age::of_nothing())) {
            self.report(name, value, EvictionCause::Removed);
        }
    }

    pub(super) fn clear(&self) {
        match &self.reports {
            None => self.table.clear(),
            Some(_) => self
                .table
                .drain()
                .for_each(|(name, value)| self.report(name, value, EvictionCause::Removed)),
        }
    }

    /// Returns the number of values, including expired ones that have not been looked up since.
    pub(in crate::cache) fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns the keys, values and ages of fresh values. Each is cloned in its turn, and no lock is held
    /// in between.
    pub(in crate::cache) fn entries(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (Box<[u8]>, V, Age)> {
        let fresh = move |(name, value): (TableKey, V)| {
            let (age, invalidated) =
                (name.age(), self.invalidations.judge(name.began(), name.tags()));
            let is_fresh = age.freshness(now, Duration::ZERO, invalidated) == Freshness::Fresh;
            (is_fresh && !name.has_expired(now)).then_some((name.bytes, value, age))
        };
        self.table.iter().filter_map(fresh)
    }

    fn report(&self, name: TableKey, value: V, cause: EvictionCause) {
        if let Some(reports) = &self.reports {
            reports.add(name.bytes, value, cause);
        }
    }

    /// Calls the listener for the values that have left. No lock may be held.
    #[inline]
    pub(in crate::cache) fn tell(&self) {
        if let Some(reports) = &self.reports {
            reports.tell();
        }
    }

    pub(super) fn invalidate(&self, what: InvalidationScope<'_>) {
        match what {
            InvalidationScope::All => self.invalidations.invalidate(),
            InvalidationScope::Softly => self.invalidations.invalidate_softly(),
            InvalidationScope::Tag(tag) => self.invalidations.invalidate_tag(tag),
        }
    }
}

/// The least number of values of a part of the table, because keys do not spread evenly over few places.
const SMALLEST_PART: usize = 32;

/// How many parts a table of values with weights has. A value that weighs more than one part may hold is
/// not accepted.
const WEIGHTED_PARTS: usize = 4;

/// For how many values memory is reserved at first, if only their weight is limited.
const EXPECTED: usize = 1024;

/// Creates a table that never holds more than `max`. It has parts of equal size, so that several threads
/// may write at once; for that reason, it may hold slightly fewer.
fn table<V: Clone>(max: usize, weights: Weights<V>) -> Table<V> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let most_parts = if weights.0.is_some() { WEIGHTED_PARTS } else { 4 * threads };
    let parts = most_parts.next_power_of_two().min((max / SMALLEST_PART).max(1));
    let parts = 1 << parts.ilog2();
    let expected = if weights.0.is_some() { max.min(EXPECTED) } else { max };
    let options = OptionsBuilder::new()
        .estimated_items_capacity(expected)
        .weight_capacity((max / parts * parts) as u64)
        .shards(parts)
        .build()
        .expect("both capacities are set");
    Table::with_options(options, weights, DefaultHashBuilder::default(), Evictions)
}

fn in_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Equal to any other key of the same bytes. There are as many of these as values, so the contents of an
/// [`Age`] are packed into half the space.
#[derive(Debug, Clone)]
pub(super) struct TableKey {
    pub(super) bytes: Box<[u8]>,
    made_at: u64,
    /// Microseconds; all ones: forever.
    fresh_until: u64,
    /// The count of invalidations before it: 40 bits. And the time that its computation took: 24 bits, in
    /// units of 100 microseconds.
    began_and_cost: u64,
    /// Most values have none, and then it costs nothing else.
    extra: Option<Box<Extra>>,
}

/// Properties that most values do not have.
#[derive(Debug)]
struct Extra {
    tags: Tags,
    /// Microseconds; all ones: forever.
    time_to_idle: u64,
    last_used: AtomicU64,
}

impl Default for Extra {
    fn default() -> Extra {
        Extra { tags: None, time_to_idle: u64::MAX, last_used: AtomicU64::new(0) }
    }
}

impl Clone for Extra {
    fn clone(&self) -> Extra {
        let last_used = self.last_used.load(Ordering::Relaxed).into();
        Extra { tags: self.tags.clone(), time_to_idle: self.time_to_idle, last_used }
    }
}

impl Extra {
    fn is_idle(&self, now: Timestamp) -> bool {
        let unused = now.as_micros().saturating_sub(self.last_used.load(Ordering::Relaxed));
        self.time_to_idle != u64::MAX && unused >= self.time_to_idle
    }

    /// Notes that the value is used, if its idle timeout has not passed.
    fn touch(&self, now: Timestamp) -> bool {
        if self.is_idle(now) {
            return false;
        }
        if self.time_to_idle != u64::MAX {
            self.last_used.fetch_max(now.as_micros(), Ordering::Relaxed);
        }
        true
    }

    /// Returns whether it is certainly fresh, apart from when it was computed. This is not part of the code
    /// of a hit on a plain value.
    #[inline(never)]
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.tags.is_none() && self.touch(now)
    }
}

impl TableKey {
    pub(super) fn new(bytes: &[u8], age: Age) -> TableKey {
        TableKey {
            bytes: bytes.into(),
            made_at: age.made_at.as_micros(),
            fresh_until: age.fresh_until.map_or(u64::MAX, Timestamp::as_micros),
            began_and_cost: pack(age.origin.local, age.cost),
            extra: age
                .tags
                .is_some()
                .then(|| Box::new(Extra { tags: age.tags, ..Extra::default() })),
        }
    }

    pub(super) fn age(&self) -> Age {
        let moment = Timestamp::from_micros;
        Age {
            made_at: moment(self.made_at),
            origin: Origin { local: self.began(), ..Origin::default() },
            fresh_until: (self.fresh_until != u64::MAX).then(|| moment(self.fresh_until)),
            cost: COST_UNIT * (self.began_and_cost & LONGEST_COST) as u32,
            tags: self.extra.as_ref().and_then(|extra| extra.tags.clone()),
        }
    }
}

impl TableKey {
    #[inline]
    fn began(&self) -> u64 {
        self.began_and_cost >> COST_BITS
    }

    /// Returns whether it is certainly fresh, apart from invalidations.
    #[inline(always)]
    fn is_fresh(&self, time: &Time) -> bool {
        if self.fresh_until == u64::MAX {
            return self.extra.as_ref().is_none_or(|extra| extra.is_fresh(time.recent()));
        }
        let now = time.recent();
        now.as_micros() < self.fresh_until
            && Age::is_plausible(Timestamp::from_micros(self.made_at), now)
            && self.extra.as_ref().is_none_or(|extra| extra.is_fresh(now))
    }

    fn tags(&self) -> &[Box<str>] {
        self.extra.as_ref().and_then(|extra| extra.tags.as_deref()).unwrap_or_default()
    }

    fn touch(&self, now: Timestamp) -> bool {
        self.extra.as_ref().is_none_or(|extra| extra.touch(now))
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        let is_idle = |extra: &Extra| extra.is_idle(now);
        self.fresh_until <= now.as_micros() || self.extra.as_deref().is_some_and(is_idle)
    }

    /// Returns the address, which distinguishes this key from any other of the same bytes.
    fn extra_at(&self) -> *const Extra {
        self.extra.as_deref().map_or(ptr::null(), ptr::from_ref)
    }
}

const COST_BITS: u32 = 24;
const COST_UNIT: Duration = Duration::from_micros(100);
const LONGEST_COST: u64 = (1 << COST_BITS) - 1;
const MOST_COUNTED: u64 = (1 << (64 - COST_BITS)) - 1;

/// After 2^40 invalidations, which is years at thousands per second, each value counts as invalidated. That
/// is better than an invalidated value that comes back.
fn pack(count: u64, cost: Duration) -> u64 {
    let cost = u64::try_from(cost.as_micros().div_ceil(COST_UNIT.as_micros()));
    (count.min(MOST_COUNTED) << COST_BITS) | cost.unwrap_or(u64::MAX).min(LONGEST_COST)
}

impl PartialEq for TableKey {
    fn eq(&self, other: &TableKey) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for TableKey {}

impl Hash for TableKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.bytes);
    }
}

/// A key of these bytes whose value is certainly fresh.
pub(super) struct FreshKey<'a> {
    pub(super) bytes: &'a [u8],
    /// Read only for a value that expires.
    pub(super) time: &'a Time,
    /// A value that began before this count was invalidated.
    pub(super) oldest: u64,
}

impl Hash for FreshKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.bytes);
    }
}

impl Equivalent<TableKey> for FreshKey<'_> {
    #[inline]
    fn equivalent(&self, name: &TableKey) -> bool {
        is_same(self.bytes, &name.bytes) && name.began() >= self.oldest && name.is_fresh(self.time)
    }
}

/// Returns whether two keys are the same. For short keys, it compares the first bytes and the last ones,
/// which overlap, because a call of the C library's function takes as long as the rest of the lookup of a
/// hit.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        4..8 => same_ends::<4>(one, other),
        8..=16 => same_ends::<8>(one, other),
        17..=32 => same_ends::<16>(one, other),
        _ => one == other,
    }
}

#[inline]
fn same_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk::<N>()
        && one.last_chunk::<N>() == other.last_chunk::<N>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::order::Invalidated;

    #[test]
    fn one_other_byte_is_another_key() {
        for length in 0..70 {
            let key = vec![7; length];
            assert!(is_same(&key, &key.clone()));
            assert!(!is_same(&key, &vec![7; length + 1]));
            for at in 0..length {
                let mut other = key.clone();
                other[at] = 8;
                assert!(!is_same(&key, &other), "{length} bytes, at {at}");
            }
        }
    }

    #[test]
    fn a_bound_is_never_exceeded_and_nearly_reached() {
        for max in [0, 1, 2, 10, 31, 33, 100, 500, 501, 1000, 4099] {
            let table = table::<u32>(max, Weights(None));
            for number in 0..3 * max as u32 + 10 {
                table.insert(TableKey::new(&number.to_le_bytes(), Age::of_nothing()), number);
                assert!(table.len() <= max, "{} of {max}", table.len());
            }
            assert!(table.len() >= max - max / 32, "{} of {max}", table.len());
        }
    }

    #[test]
    fn a_name_keeps_an_age_and_is_small() {
        let at = Timestamp::from_micros;
        let tags: Tags = Some(vec!["a".into(), "b".into()].into());
        let origin = Origin { local: MOST_COUNTED, ..Origin::default() };
        for age in [
            Age {
                made_at: at(5),
                origin,
                fresh_until: None,
                cost: Duration::from_millis(50),
                tags,
            },
            Age {
                made_at: at(5),
                origin: Origin::default(),
                fresh_until: Some(at(7)),
                cost: Duration::ZERO,
                tags: None,
            },
        ] {
            assert_eq!(TableKey::new(b"k", age.clone()).age(), age);
        }
        assert_eq!(pack(u64::MAX, Duration::MAX), u64::MAX);
        assert!(size_of::<TableKey>() <= 48, "{} bytes", size_of::<TableKey>());
    }

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

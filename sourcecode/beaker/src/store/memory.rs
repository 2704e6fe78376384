//! Stores values in memory, which is the fastest way. The values are shared by the threads of one process
//! and are lost when it ends. An expired value may be returned for a few more milliseconds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle, EntryAction, EntryResult};
use quick_cache::{DefaultHashBuilder, Options, OptionsBuilder, Weighter};

use super::{KeyCursor, KeyPage, Precondition, Store, Stored, SweepProgress, Version, counter};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

type Table = Cache<Key, Entry, Scale, DefaultHashBuilder, DefaultLifecycle<Key, Entry>>;

/// Stores values in a table in memory. Each `MemoryStore` is a separate memory; put one in an `Arc` to
/// share it.
///
/// Expired values are removed while the store is written to: the whole table is cleaned up whenever there
/// have been as many writes as there were values. Values without an expiry stay, unless the store is
/// bounded. Do not bound a store of sessions unless you can accept that unused sessions are evicted,
/// because their visitors are then logged out.
pub struct MemoryStore {
    table: Table,
    scale: Scale,
    /// The largest weight of a value. Asking the table for it would take a lock.
    largest: u64,
    clock: Arc<dyn Clock>,
    writes: Writes,
}

#[derive(Clone)]
struct Entry {
    bytes: Arc<[u8]>,
    version: Version,
    expires: Option<Timestamp>,
}

impl Entry {
    fn lives(&self, clock: &dyn Clock) -> bool {
        self.expires.is_none_or(|expires| clock.recent() < expires)
    }
}

impl MemoryStore {
    /// Creates an empty store without a bound.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::with_clock(Arc::new(SystemClock))
    }

    /// Creates an empty store without a bound, with another clock than the system clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> MemoryStore {
        // The settings do not depend on the caller, and a test builds them.
        let options = Capacity::none().expect("these settings are valid");
        MemoryStore::on(options, None, clock)
    }

    /// Creates an empty store with a bound. When it is full, the values that are used least are evicted.
    /// The choice is an approximation that is cheap to make (Clock-PRO).
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the bound is below its minimum.
    pub fn bounded(bound: Capacity) -> Result<MemoryStore> {
        Ok(MemoryStore::on(bound.options()?, Some(bound), Arc::new(SystemClock)))
    }

    fn on(
        options: quick_cache::Options,
        bound: Option<Capacity>,
        clock: Arc<dyn Clock>,
    ) -> MemoryStore {
        let scale = Scale::of(bound);
        let table = Table::with_options(
            options,
            scale,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        let largest = (table.shard_capacity() / 10 * 9).max(1);
        MemoryStore { table, scale, largest, clock, writes: Writes::default() }
    }

    /// Returns how many values the store holds, including expired ones that have not been removed yet.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns whether the store holds no values.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The table would silently drop a value that can never fit.
    fn check_size(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        let largest = self.largest;
        if self.scale.weight_of(key, bytes) <= largest {
            return Ok(());
        }
        let size = bytes.len();
        Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "could not write {key:?} in memory: with {size} bytes it would take more than \
                 {largest} of its bound; store less, or raise the bound"
            ),
        ))
    }

    /// Counts a write, and removes expired values when it is time.
    fn note_write(&self, version: Version) {
        if self.writes.count(version) {
            self.remove_expired();
            self.writes.begin_anew(self.table.len());
        }
    }

    fn remove_expired(&self) -> usize {
        let removed = AtomicUsize::new(0);
        self.table.retain(|_, entry| {
            let lives = entry.lives(&*self.clock);
            removed.fetch_add(usize::from(!lives), Ordering::Relaxed);
            lives
        });
        removed.into_inner()
    }
}

impl Default for MemoryStore {
    fn default() -> MemoryStore {
        MemoryStore::new()
    }
}

/// Does not show the stored values.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl Store for MemoryStore {
    #[cfg(feature = "python")]
    fn verbatim(&self, _: super::Content) -> Result<Option<super::Verbatim<dyn Store>>> {
        Ok(Some(super::Verbatim::Here))
    }

    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let found = self.table.get(key);
        let is_there = found.is_some();
        let entry = found.filter(|entry| entry.lives(&*self.clock));
        if is_there && entry.is_none() {
            self.table.remove_if(key, |entry| !entry.lives(&*self.clock));
        }
        Ok(entry.map(|entry| Stored { bytes: entry.bytes, version: entry.version }))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.check_size(key, bytes)?;
        let version = Version::fresh();
        let expires = ttl.map(|ttl| self.clock.now() + ttl);
        let new = Entry { bytes: bytes.into(), version, expires };
        let written = match when {
            Precondition::Always => {
                self.table.insert(key.clone(), new);
                true
            }
            Precondition::Absent | Precondition::Unchanged(_) => self.put_if(key, new, when),
        };
        self.note_write(version);
        Ok(written.then_some(version))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let removes =
            |entry: &Entry| entry.lives(&*self.clock) && when.is_met_by(Some(entry.version));
        Ok(self.table.remove_if(key, removes).is_some())
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        counter::check(key, by)?;
        let new = |count: u64, expires| {
            let bytes = count.to_string().into_bytes().into();
            Entry { bytes, version: Version::fresh(), expires }
        };
        let first = || new(by, ttl.map(|ttl| self.clock.now() + ttl));
        self.check_size(key, &[0; 16])?;
        loop {
            let step = |_: &Key, current: &mut Entry| {
                EntryAction::<Result<u64>>::Retain(if current.lives(&*self.clock) {
                    let count = counter::add(key, &current.bytes, by);
                    count.inspect(|count| *current = new(*count, current.expires))
                } else {
                    *current = first();
                    Ok(by)
                })
            };
            match self.table.entry(key, None, step) {
                EntryResult::Retained(count) => return count,
                EntryResult::Vacant(place) => {
                    let first = first();
                    let version = first.version;
                    // It is not kept if an unconditional write came in between.
                    if place.insert(first).is_ok() {
                        self.note_write(version);
                        return Ok(by);
                    }
                }
                // Not requested above.
                EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => {}
            }
        }
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.table.retain(|key, _| key.namespace() != namespace);
        Ok(())
    }

    /// Returns all keys in one page, sorted, because they are in this memory already.
    fn keys(&self, namespace: &Namespace, _: Option<&KeyCursor>, _: usize) -> Result<KeyPage> {
        let all = self
            .table
            .iter()
            .filter(|(key, entry)| key.namespace() == namespace && entry.lives(&*self.clock));
        let mut keys: Vec<Key> = all.map(|(key, _)| key).collect();
        keys.sort();
        Ok(KeyPage::new(keys, None))
    }

    /// Does everything in one step. It handles one part of the table at a time, which takes well under a
    /// millisecond.
    fn sweep(&self, _: usize) -> Result<SweepProgress> {
        Ok(SweepProgress { removed: self.remove_expired(), is_done: true })
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn blocks(&self) -> bool {
        false
    }
}

impl MemoryStore {
    /// Checks the condition and writes in one atomic step. An existing value is replaced in its place,
    /// under the table's own lock. For a missing one, the table reserves the place for the first caller.
    fn put_if(&self, key: &Key, new: Entry, when: Precondition) -> bool {
        let mut new = Some(new);
        let replace = |_: &Key, current: &mut Entry| {
            let version = current.lives(&*self.clock).then_some(current.version);
            let is_met = when.is_met_by(version);
            if is_met && let Some(new) = new.take() {
                *current = new;
            }
            EntryAction::<bool>::Retain(is_met)
        };
        match self.table.entry(key, None, replace) {
            EntryResult::Retained(is_met) => is_met,
            EntryResult::Vacant(place) => match new.filter(|_| when.is_met_by(None)) {
                // It is not kept if an unconditional write came in between.
                Some(new) => place.insert(new).is_ok(),
                None => false,
            },
            // Not requested above.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => false,
        }
    }
}

/// The least number of writes between two cleanups.
const SWEEP_AFTER: usize = 1024;

/// A random one of this many writes is counted and stands for all of them, because the cores would
/// otherwise pass a single counter around with every write.
const COUNTED: usize = 16;

/// About how many writes are left until the next cleanup.
struct Writes {
    left: AtomicUsize,
}

impl Default for Writes {
    fn default() -> Writes {
        Writes { left: AtomicUsize::new(SWEEP_AFTER) }
    }
}

impl Writes {
    /// Counts the write that has this version, and returns whether it is time for a cleanup. If several
    /// threads write at the same moment, only one gets `true`.
    fn count(&self, version: Version) -> bool {
        const MIXES_BITS: u64 = 0x9e37_79b9_7f4a_7c15;
        if version.number().wrapping_mul(MIXES_BITS) >> (64 - COUNTED.ilog2()) > 0 {
            return false;
        }
        let before = self.left.fetch_sub(COUNTED, Ordering::Relaxed);
        (1..=COUNTED).contains(&before)
    }

    /// Starts to count again after a cleanup that left this many values, because each cleanup looks at all
    /// of them.
    fn begin_anew(&self, entries: usize) {
        self.left.store(entries.max(SWEEP_AFTER), Ordering::Relaxed);
    }
}

/// The memory that an entry uses in addition to its key and its bytes: its place in the table, including
/// the room that the table keeps free, and the overhead of the allocator.
const OVERHEAD: usize = 200;

/// More parts let more threads write at once. Each part has its share of the bound.
const MOST_PARTS: u64 = 64;

/// A bound in bytes is not divided into smaller parts than this.
const SMALLEST_PART: u64 = 16 * 1024 * 1024;

/// Sets how much a [`MemoryStore`](super::MemoryStore) may hold. When it is full, the values that are used
/// least are evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capacity {
    /// At most this many values; 1 or more.
    Entries(usize),
    /// About this many bytes; 1,000 or more. Keys and values count, and 200 bytes for each entry.
    Bytes(usize),
}

impl Capacity {
    /// Returns the settings of the table. Each part has an equal share, and keys do not spread evenly over
    /// few places, so a small bound has a single part.
    fn options(self) -> Result<Options> {
        let (capacity, parts, entries) = match self {
            Capacity::Entries(0) => return Err(too_small("1 entry")),
            Capacity::Bytes(..1000) => return Err(too_small("1000 bytes")),
            Capacity::Entries(most) => (most as u64, most as u64 / 1024, most),
            Capacity::Bytes(most) => (most as u64, most as u64 / SMALLEST_PART, most / OVERHEAD),
        };
        options(capacity, parts, entries)
    }

    /// Returns the settings of a table without a bound.
    fn none() -> Result<Options> {
        options(u64::MAX, MOST_PARTS, 1024 * 1024)
    }
}

fn options(capacity: u64, parts: u64, entries: usize) -> Result<Options> {
    let parts = parts.clamp(1, MOST_PARTS) as usize;
    // Rounded down, because the table rounds up.
    let parts = 1 << parts.ilog2();
    let options = OptionsBuilder::new()
        // Each part has an equal share, which the table rounds up.
        .weight_capacity(capacity / parts as u64 * parts as u64)
        .estimated_items_capacity(entries.max(parts * 32))
        .shards(parts)
        .build();
    options.map_err(|error| Error::config("the memory cannot be set up").caused_by(error))
}

fn too_small(least: &str) -> Error {
    Error::config(format!("a memory holds {least} at least; give it more room"))
}

/// What an entry counts towards the bound.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Entries,
    Bytes,
}

impl Scale {
    fn of(bound: Option<Capacity>) -> Scale {
        match bound {
            Some(Capacity::Bytes(_)) => Scale::Bytes,
            Some(Capacity::Entries(_)) | None => Scale::Entries,
        }
    }

    fn weight_of(self, key: &Key, bytes: &[u8]) -> u64 {
        match self {
            Scale::Entries => 1,
            Scale::Bytes => {
                (OVERHEAD + key.name().len() + key.namespace().name().len() + bytes.len()) as u64
            }
        }
    }
}

impl Weighter<Key, Entry> for Scale {
    fn weight(&self, key: &Key, entry: &Entry) -> u64 {
        self.weight_of(key, &entry.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn put(store: &MemoryStore, number: u32, size: usize, ttl: Option<Duration>) {
        let key = Namespace::default().key(number.to_le_bytes());
        store.put(&key, &vec![0; size], ttl, Precondition::Always).unwrap();
    }

    #[test]
    fn what_has_expired_does_not_pile_up() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::with_clock(clock.clone());
        for number in 0..100_000 {
            put(&store, number, 0, Some(Duration::from_secs(10)));
            clock.advance(Duration::from_millis(100));
        }
        assert!(store.len() <= 2 * SWEEP_AFTER, "{} entries, where 100 live", store.len());
    }

    #[test]
    fn a_bound_holds() {
        for most in [1, 2, 100, 5000, 5003] {
            let store = MemoryStore::bounded(Capacity::Entries(most)).unwrap();
            (0..3 * most as u32 + 10).for_each(|number| put(&store, number, 10, None));
            assert!(store.len() <= most, "{} of {most}", store.len());
            assert!(store.len() >= most / 2, "{} of {most}", store.len());
        }
        let store = MemoryStore::bounded(Capacity::Bytes(1_000_000)).unwrap();
        (0..10_000).for_each(|number| put(&store, number, 800, None));
        assert!((800..=1000).contains(&store.len()), "{} entries of 1000 bytes", store.len());
    }

    #[test]
    fn what_has_expired_goes_when_it_is_met() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::with_clock(clock.clone());
        put(&store, 1, 10, Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(store.get(&Namespace::default().key(1_u32.to_le_bytes())).unwrap(), None);
        assert!(store.is_empty());
    }

    #[test]
    fn what_is_used_stays() {
        let store = MemoryStore::bounded(Capacity::Entries(100)).unwrap();
        let used = Namespace::default().key("used");
        store.put(&used, b"x", None, Precondition::Always).unwrap();
        for number in 0..10_000 {
            put(&store, number, 1, None);
            assert!(store.get(&used).unwrap().is_some(), "gone after {number}");
        }
    }

    #[test]
    fn what_cannot_fit_is_an_error_and_leaves_what_was_there() {
        let store = MemoryStore::bounded(Capacity::Bytes(10_000)).unwrap();
        let key = Namespace::default().key("k");
        store.put(&key, b"small", None, Precondition::Always).unwrap();
        let error = store.put(&key, &[0; 9_500], None, Precondition::Always).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("raise the bound"), "{error}");
        assert_eq!(&*store.get(&key).unwrap().unwrap().bytes, b"small");
        put(&store, 1, 8_500, None);
        assert!(MemoryStore::bounded(Capacity::Entries(0)).is_err());
        assert!(MemoryStore::bounded(Capacity::Bytes(999)).is_err());
    }
}

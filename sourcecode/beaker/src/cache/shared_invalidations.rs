//! [`SharedInvalidations`]: the invalidations in a store that processes and hosts share, and their order.
//!
//! The order is given by a count, as in memory (`order.rs`), which the store keeps. There is one record for
//! each cache and each region, and one for each tag that was invalidated while values with it may still
//! live. The record of a cache contains:
//!
//! | of the payload | what |
//! |---|---|
//! | epoch | a random number, which changes whenever the record had to be created again |
//! | count | how many invalidations there were in this epoch |
//! | hard | values that began before this count are invalid |
//! | soft | values that began before this count are stale |
//! | longest | the longest time to live of a value with tags: microseconds, all ones: forever |
//!
//! Each value carries the epoch and the count from before its computation began. A value of another epoch
//! is invalid. Therefore no invalidated value comes back when a store loses this record.
//!
//! Reading the record with each value would be expensive, so it is cached for a moment. An invalidation by
//! another process becomes visible that much later, one by this process at once. A call that is about to
//! compute or write a value does not use the cached record, but reads it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::order::Invalidated;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::record::{Header, Record};
use crate::store::{AnyStore, Precondition, Stored, Version};

/// How often it is tried again while others invalidate at the same time.
const TRIES: usize = 100;

/// The longest time until other processes see an invalidation.
const BELIEVED: Duration = Duration::from_secs(1);

/// How many tags are remembered.
const MAX_KNOWN: usize = 10_000;

/// A computation that takes longer than this gets additional checks. A removal or invalidation is
/// remembered for this long, in addition to the time to live of the values that it affects.
pub(super) const REMEMBERED: Duration = Duration::from_secs(600);

/// The name of the record of the whole cache, among those of tags, which are never empty.
const WHOLE: &str = "";

/// The epoch and the count at which the computation of a value began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) epoch: u64,
    pub(super) count: u64,
}

/// The content of the record before the computation of a value began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Began {
    pub(super) generation: Generation,
    longest: u64,
}

impl Began {
    /// For a value that was read: its record does not contain the longest time to live of others.
    pub(super) fn at(generation: Generation) -> Began {
        Began { generation, longest: 0 }
    }
}

/// The content of the record of a cache or a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Invalidations {
    now: Generation,
    hard: u64,
    soft: u64,
    longest: u64,
}

impl Invalidations {
    fn new() -> Invalidations {
        let now = Generation { epoch: Version::fresh().number(), count: 0 };
        Invalidations { now, hard: 0, soft: 0, longest: 0 }
    }

    /// For a value whose computation begins now.
    pub(super) fn began(&self) -> Began {
        Began { generation: self.now, longest: self.longest }
    }

    /// Returns the effect on a value that began then; `None` if that was in another epoch.
    pub(super) fn judge(&self, began: Generation) -> Option<Invalidated> {
        match began {
            Generation { epoch, .. } if epoch != self.now.epoch => None,
            Generation { count, .. } if count < self.hard => Some(Invalidated::Hard),
            Generation { count, .. } if count < self.soft => Some(Invalidated::Softly),
            _ => Some(Invalidated::No),
        }
    }

    /// Combines two readings. Within an epoch, the later one contains more.
    fn and(self, other: Invalidations) -> Invalidations {
        let is_later = self.now.epoch == other.now.epoch && self.now.count > other.now.count;
        if is_later { self } else { other }
    }

    fn read(stored: &Stored) -> Option<Invalidations> {
        let [epoch, count, hard, soft, longest] = numbers(stored)?;
        Some(Invalidations { now: Generation { epoch, count }, hard, soft, longest })
    }

    fn write(&self) -> Vec<u8> {
        record(&[self.now.epoch, self.now.count, self.hard, self.soft, self.longest])
    }
}

impl Generation {
    fn is_later_than(self, began: Generation) -> bool {
        self.epoch == began.epoch && self.count > began.count
    }

    fn read(stored: &Stored) -> Option<Generation> {
        let [epoch, count] = numbers(stored)?;
        Some(Generation { epoch, count })
    }
}

/// What was read, and when, on the monotonic clock.
type Reading<T> = (Option<T>, Duration);

pub(super) struct SharedInvalidations {
    store: AnyStore,
    namespace: Namespace,
    /// The store is not called while this is locked.
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    whole: Option<Reading<Invalidations>>,
    tags: HashMap<Box<str>, Reading<Generation>>,
}

impl SharedInvalidations {
    /// Creates the invalidations of the cache with this name.
    pub(super) fn of_cache(store: AnyStore, cache: &str) -> SharedInvalidations {
        SharedInvalidations::under(store, &format!("beaker.invalidations:{cache}"))
    }

    /// Creates the invalidations of a region.
    pub(super) fn of_region(store: AnyStore, region: &str) -> SharedInvalidations {
        SharedInvalidations::under(store, &format!("beaker.region:{region}"))
    }

    fn under(store: AnyStore, namespace: &str) -> SharedInvalidations {
        SharedInvalidations { store, namespace: Namespace::new(namespace), known: Arc::default() }
    }

    /// Returns the same invalidations, with what is known about them, through another handle to their
    /// store.
    #[cfg(feature = "tokio")]
    pub(super) fn through(&self, store: AnyStore) -> SharedInvalidations {
        let (namespace, known) = (self.namespace.clone(), Arc::clone(&self.known));
        SharedInvalidations { store, namespace, known }
    }

    /// Returns the key of the record, for a caller that reads it together with other keys and then calls
    /// `note`.
    pub(super) fn key(&self) -> Key {
        self.tag_key(WHOLE)
    }

    fn tag_key(&self, tag: &str) -> Key {
        self.namespace.key(tag)
    }

    /// Returns the content of the record, if it was read recently; `Some(None)` if there was no record.
    pub(super) fn known(&self, now: Duration) -> Option<Option<Invalidations>> {
        self.lock().whole.filter(|(_, read_at)| is_believed(*read_at, now)).map(|(it, _)| it)
    }

    /// Remembers what was read.
    pub(super) fn note(&self, stored: Option<&Stored>, now: Duration) -> Option<Invalidations> {
        self.remember(stored.and_then(Invalidations::read), now)
    }

    /// Another thread may have noted a later reading meanwhile.
    fn remember(&self, read: Option<Invalidations>, now: Duration) -> Option<Invalidations> {
        let mut known = self.lock();
        let read = match (known.whole, read) {
            (Some((Some(known), _)), Some(read)) => Some(known.and(read)),
            (_, read) => read,
        };
        known.whole = Some((read, now));
        read
    }

    /// Reads the record, and creates it if there is none, for a computation that begins now.
    pub(super) async fn begin(&self, now: Duration) -> Result<Invalidations> {
        let key = self.key();
        for _ in 0..TRIES {
            let stored = self.store.get(&key).await?;
            if let Some(found) = self.note(stored.as_ref(), now) {
                return Ok(found);
            }
            let new = Invalidations::new();
            if self.store.put(&key, &new.write(), None, unchanged(stored.as_ref())).await?.is_some()
            {
                self.remember(Some(new), now);
                return Ok(new);
            }
        }
        Err(self.contended())
    }

    /// Invalidates the values that began before this call returns.
    pub(super) async fn invalidate(&self, now: Duration) -> Result<()> {
        let moved = |before: &Invalidations, found: &Invalidations| found.hard > before.hard;
        self.advance(now, moved, |it| {
            it.hard = it.now.count;
            // The values of before are invalid, whatever their time to live was.
            it.longest = 0;
        })
        .await
        .map(drop)
    }

    /// Makes the values that began before this call returns stale.
    pub(super) async fn invalidate_softly(&self, now: Duration) -> Result<()> {
        let moved = |before: &Invalidations, found: &Invalidations| {
            found.hard > before.hard || found.soft > before.soft
        };
        self.advance(now, moved, |it| it.soft = it.now.count).await.map(drop)
    }

    /// Invalidates the values with this tag that began before this call returns.
    ///
    /// The invalidation is kept as long as values with tags live. A writer whose value lives longer than
    /// all others raises the longest time to live, and then looks at its tags. This call reads the longest
    /// time to live again after it has written the invalidation. So at least one of the two sees the other:
    ///
    /// ```text
    /// a writer:   raises the longest time                         reads its tags    writes, or does not
    /// this call:  writes the invalidation    reads the longest time    writes it again, for longer
    /// ```
    pub(super) async fn invalidate_tag(&self, tag: &str, now: Duration) -> Result<()> {
        let moved =
            |before: &Invalidations, found: &Invalidations| found.now.count > before.now.count;
        let mut reached = self.advance(now, moved, |_| {}).await?;
        loop {
            self.say_of_tag(tag, reached, now).await?;
            match self.store.get(&self.key()).await?.as_ref().and_then(Invalidations::read) {
                Some(found)
                    if found.now.epoch == reached.now.epoch && found.longest > reached.longest =>
                {
                    reached.longest = found.longest;
                }
                _ => return Ok(()),
            }
        }
    }

    async fn say_of_tag(&self, tag: &str, reached: Invalidations, now: Duration) -> Result<()> {
        let ttl = (reached.longest != u64::MAX)
            .then(|| Duration::from_micros(reached.longest).saturating_add(REMEMBERED));
        let key = self.tag_key(tag);
        for _ in 0..TRIES {
            let stored = self.store.get(&key).await?;
            let there = stored.as_ref().and_then(Generation::read);
            let later = there.filter(|there| {
                there.epoch == reached.now.epoch && there.count > reached.now.count
            });
            let said = later.unwrap_or(reached.now);
            let bytes = record(&[said.epoch, said.count]);
            if self.store.put(&key, &bytes, ttl, unchanged(stored.as_ref())).await?.is_some() {
                self.remember_tag(tag, Some(said), now);
                return Ok(());
            }
        }
        Err(self.contended())
    }

    /// Raises the count. If others do so at the same time, theirs is enough, provided that it has `moved`
    /// the required number since this call began.
    async fn advance(
        &self,
        now: Duration,
        moved: impl Fn(&Invalidations, &Invalidations) -> bool,
        change: impl Fn(&mut Invalidations),
    ) -> Result<Invalidations> {
        let key = self.key();
        let mut first: Option<Invalidations> = None;
        for _ in 0..TRIES {
            let stored = self.store.get(&key).await?;
            let found = stored.as_ref().and_then(Invalidations::read);
            if let (Some(first), Some(found)) = (first, found)
                && (first.now.epoch != found.now.epoch || moved(&first, &found))
            {
                self.remember(Some(found), now);
                return Ok(found);
            }
            let mut next = found.unwrap_or_else(Invalidations::new);
            first = first.or(found);
            next.now.count += 1;
            change(&mut next);
            if self
                .store
                .put(&key, &next.write(), None, unchanged(stored.as_ref()))
                .await?
                .is_some()
            {
                self.remember(Some(next), now);
                return Ok(next);
            }
        }
        Err(self.contended())
    }

    /// Returns whether one of the tags was invalidated since then, as far as was read recently.
    pub(super) async fn is_tag_invalidated(
        &self,
        tags: &[Box<str>],
        began: Generation,
        now: Duration,
    ) -> Result<bool> {
        let (mut said, unknown) = self.known_tags(tags, now);
        said.extend(self.read_tags(&unknown, now).await?);
        Ok(said.into_iter().flatten().any(|said| said.is_later_than(began)))
    }

    /// Returns what was read recently about the tags, and the tags about which nothing was read.
    fn known_tags<'a>(
        &self,
        tags: &'a [Box<str>],
        now: Duration,
    ) -> (Vec<Option<Generation>>, Vec<&'a str>) {
        let (mut said, mut unknown) = (Vec::new(), Vec::new());
        let known = self.lock();
        for tag in tags {
            match known.tags.get(tag).filter(|(_, read_at)| is_believed(*read_at, now)) {
                Some((known, _)) => said.push(*known),
                None => unknown.push(&**tag),
            }
        }
        (said, unknown)
    }

    async fn read_tags(&self, tags: &[&str], now: Duration) -> Result<Vec<Option<Generation>>> {
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key> = tags.iter().map(|tag| self.tag_key(tag)).collect();
        let stored = self.store.get_many(&keys).await?;
        let read = tags.iter().zip(stored).map(|(tag, stored)| {
            self.remember_tag(tag, stored.as_ref().and_then(Generation::read), now)
        });
        Ok(read.collect())
    }

    fn remember_tag(
        &self,
        tag: &str,
        read: Option<Generation>,
        now: Duration,
    ) -> Option<Generation> {
        let mut known = self.lock();
        if known.tags.len() >= MAX_KNOWN {
            known.tags.retain(|_, (_, read_at)| is_believed(*read_at, now));
        }
        if known.tags.len() >= MAX_KNOWN {
            known.tags.clear();
        }
        let read = match (known.tags.get(tag), read) {
            (Some((Some(known), _)), Some(read))
                if known.epoch == read.epoch && known.count > read.count =>
            {
                Some(*known)
            }
            _ => read,
        };
        known.tags.insert(tag.into(), (read, now));
        read
    }

    /// Returns whether a value with tags and this time to live may be kept; the invalidations of its tags
    /// are then kept as long. `began` was read before the computation, which took `cost`.
    pub(super) async fn may_keep(
        &self,
        tags: &[Box<str>],
        began: &Began,
        ttl: Option<Duration>,
        cost: Duration,
        now: Duration,
    ) -> Result<bool> {
        let life = ttl.map_or(u64::MAX, |ttl| u64::try_from(ttl.as_micros()).unwrap_or(u64::MAX));
        let is_quick = cost < REMEMBERED / 2;
        if is_quick && began.longest >= life {
            return Ok(true);
        }
        let key = self.key();
        for _ in 0..TRIES {
            let stored = self.store.get(&key).await?;
            let Some(found) = self.note(stored.as_ref(), now) else { return Ok(false) };
            if found.now.epoch != began.generation.epoch {
                return Ok(false);
            }
            if found.longest < life {
                let next = Invalidations { longest: life, ..found };
                if self
                    .store
                    .put(&key, &next.write(), None, unchanged(stored.as_ref()))
                    .await?
                    .is_none()
                {
                    continue;
                }
                self.remember(Some(next), now);
            }
            if found.now == began.generation {
                return Ok(true);
            }
            // An invalidation happened during the computation.
            let tags: Vec<&str> = tags.iter().map(|tag| &**tag).collect();
            let said = self.read_tags(&tags, now).await?;
            let is_gone = said.into_iter().flatten().any(|it| it.is_later_than(began.generation));
            return Ok(is_quick && !is_gone);
        }
        Ok(false)
    }

    fn contended(&self) -> Error {
        let what = format!("could not invalidate in `{}`: others kept", self.namespace.name());
        Error::new(ErrorKind::Conflict, what + " invalidating there; try again")
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_believed(read_at: Duration, now: Duration) -> bool {
    now.saturating_sub(read_at) < BELIEVED
}

fn unchanged(stored: Option<&Stored>) -> Precondition {
    stored.map_or(Precondition::Absent, |stored| Precondition::Unchanged(stored.version))
}

/// Encodes numbers in a record: little-endian, with a checksum. They have no codec and no age.
fn record(numbers: &[u64]) -> Vec<u8> {
    let header = Header { codec: 0, stored_at: Timestamp::from_micros(0), fresh_until: None };
    let append = |bytes: &mut Vec<u8>| {
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        Ok::<(), Infallible>(())
    };
    header.build(append).unwrap_or_else(|never| match never {})
}

/// Returns `None` for a damaged record or another value; a new record is then created.
fn numbers<const N: usize>(stored: &Stored) -> Option<[u64; N]> {
    let payload = Record::read(&stored.bytes)?.payload;
    let (chunks, []) = payload.as_chunks::<8>() else { return None };
    let numbers: &[[u8; 8]; N] = chunks.try_into().ok()?;
    Some(numbers.map(u64::from_le_bytes))
}

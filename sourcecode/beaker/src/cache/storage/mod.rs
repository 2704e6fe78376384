//! Where the values of a cache are: in memory, in a store, or in both, as a local tier in front of a store;
//! or in a store in the form of Python's caches.

mod eviction;
mod memory;
#[cfg(feature = "python")]
mod python;
mod remote;

use std::sync::Arc;
use std::time::Duration;

pub(super) use memory::Memory;
#[cfg(feature = "python")]
pub(super) use python::{Marks, Python, Terms};
pub(super) use remote::{Place, Remote};

use super::freshness::{Age, Freshness, InvalidationScope, Lookup, Origin, Slot, Time};
use super::order::Writes;
#[cfg(feature = "tokio")]
use crate::backend::AnyBackend;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::key::Key;
use crate::lock::AnyLocks;
use crate::store::{Precondition, Version};

/// One of many values that are stored at once: the key, the value, and its time to live in the store.
pub(super) type Many<V> = (Box<[u8]>, Slot<V>, Option<Duration>);

pub(super) enum Storage<V> {
    Memory(Memory<V>),
    Remote(Arc<Remote<V>>),
    /// A local tier in front of a store.
    Tiered(LocalTier<V>),
    #[cfg(feature = "python")]
    Python(Python<V>),
}

/// The futures of store operations are large, so they are boxed here. The futures around them then stay so
/// small that functions with caches in memory can be nested hundreds of times.
impl<V: Clone + 'static> Storage<V> {
    /// Returns a fresh value from the memory of this process.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8], time: &Time) -> Option<V> {
        // A single lookup in the code of a hit, so that its result is copied less often.
        let memory = match self {
            Storage::Memory(memory) => memory,
            Storage::Remote(_) => return None,
            Storage::Tiered(tier) => &tier.front,
            #[cfg(feature = "python")]
            Storage::Python(_) => return None,
        };
        memory.fresh(key, time)
    }

    /// Looks up a key. `ttl` is that of this handle, by which values are judged that do not tell when they
    /// expire.
    pub(super) async fn look(
        &self,
        key: &[u8],
        ttl: Option<Duration>,
        time: &Time,
    ) -> Result<Lookup<V>> {
        let _ = ttl;
        match self {
            Storage::Memory(memory) => Ok(memory.look(key, time.recent())),
            Storage::Remote(remote) => Box::pin(remote.look(key, time.monotonic())).await,
            Storage::Tiered(tier) => Box::pin(tier.look(key, time)).await,
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.look(key, ttl)).await,
        }
    }

    pub(super) async fn look_many(
        &self,
        keys: &[&[u8]],
        ttl: Option<Duration>,
        time: &Time,
    ) -> Result<Vec<Lookup<V>>> {
        let _ = ttl;
        match self {
            Storage::Memory(memory) => {
                Ok(keys.iter().map(|key| memory.look(key, time.recent())).collect())
            }
            Storage::Tiered(tier) => Box::pin(tier.look_many(keys, time)).await,
            Storage::Remote(remote) => Box::pin(remote.look_many(keys, time.monotonic())).await,
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.look_many(keys, ttl)).await,
        }
    }

    /// Looks up the current value, without the local tier and without cached invalidations, for a
    /// computation.
    pub(super) async fn look_closely(
        &self,
        key: &[u8],
        ttl: Option<Duration>,
        time: &Time,
    ) -> Result<Lookup<V>> {
        let _ = ttl;
        match self {
            Storage::Memory(memory) => Ok(memory.look(key, time.recent())),
            Storage::Remote(remote) => Box::pin(remote.look_closely(key, time.monotonic())).await,
            Storage::Tiered(tier) => {
                Box::pin(tier.behind.look_closely(key, time.monotonic())).await
            }
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.look(key, ttl)).await,
        }
    }

    /// Returns the origin of a value whose computation begins now. A lookup without cached invalidations
    /// returns it too.
    pub(super) async fn origin(&self, seen: Option<Origin>, time: &Time) -> Result<Origin> {
        match self {
            Storage::Memory(memory) => Ok(memory.origin()),
            Storage::Remote(remote) => Box::pin(remote.origin(seen, time.monotonic())).await,
            Storage::Tiered(tier) => {
                let local = tier.front.origin().local;
                Ok(Origin { local, ..Box::pin(tier.behind.origin(seen, time.monotonic())).await? })
            }
            #[cfg(feature = "python")]
            Storage::Python(_) => Ok(Origin::default()),
        }
    }

    /// Stores a value if the condition is met, and returns whether it was.
    pub(super) async fn keep(
        &self,
        key: &[u8],
        slot: Slot<V>,
        ttl: Option<Duration>,
        when: Precondition,
        time: &Time,
    ) -> Result<bool> {
        match self {
            Storage::Memory(memory) => {
                memory.keep(key, slot, time.now());
                Ok(true)
            }
            Storage::Remote(remote) => {
                Box::pin(remote.keep(key, &slot, ttl, when, time.monotonic())).await
            }
            Storage::Tiered(tier) => Box::pin(tier.keep(key, slot, ttl, when, time)).await,
            #[cfg(feature = "python")]
            Storage::Python(python) => {
                Box::pin(python.keep(key, &slot, ttl, when, time.now())).await
            }
        }
    }

    /// Stores many values without a condition.
    pub(super) async fn keep_many(&self, entries: Vec<Many<V>>, time: &Time) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                for (key, slot, _) in entries {
                    memory.keep(&key, slot, time.now());
                }
                Ok(())
            }
            Storage::Remote(remote) => {
                Box::pin(remote.keep_many(&entries, time.monotonic())).await.map(drop)
            }
            Storage::Tiered(tier) => Box::pin(tier.keep_many(entries, time)).await,
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.keep_many(&entries, time.now())).await,
        }
    }

    /// Removes a value of this age that may not be returned any more. A store does that itself.
    pub(super) fn discard(&self, key: &[u8], age: &Age, now: Timestamp) {
        match self {
            Storage::Memory(memory) => {
                memory.discard(key, age, now);
            }
            Storage::Tiered(tier) => tier.front.remove(key),
            Storage::Remote(_) => {}
            #[cfg(feature = "python")]
            Storage::Python(_) => {}
        }
    }

    pub(super) async fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                memory.remove(key);
                Ok(())
            }
            Storage::Remote(remote) => Box::pin(remote.remove(key, now)).await,
            Storage::Tiered(tier) => Box::pin(tier.remove(key, now)).await,
            #[cfg(feature = "python")]
            Storage::Python(python) => {
                Box::pin(python.remove_if(key, Precondition::Always)).await.map(drop)
            }
        }
    }

    /// Removes the current value if it has this version, and returns whether it was removed. In memory
    /// there are no versions, so the caller must prevent writes meanwhile.
    pub(super) async fn remove_unchanged(
        &self,
        key: &[u8],
        version: Version,
        now: Timestamp,
    ) -> Result<bool> {
        let when = Precondition::Unchanged(version);
        match self {
            Storage::Memory(memory) => {
                memory.remove(key);
                Ok(true)
            }
            Storage::Remote(remote) => Box::pin(remote.remove_if(key, when, now)).await,
            Storage::Tiered(tier) => {
                let _write = tier.write(key);
                Box::pin(tier.behind.remove_if(key, when, now)).await
            }
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.remove_if(key, when)).await,
        }
    }

    pub(super) async fn remove_many(&self, keys: &[&[u8]], now: Timestamp) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                keys.iter().for_each(|key| memory.remove(key));
                Ok(())
            }
            Storage::Remote(remote) => Box::pin(remote.remove_many(keys, now)).await,
            Storage::Tiered(tier) => {
                let _writes: Vec<_> = keys.iter().map(|key| tier.write(key)).collect();
                Box::pin(tier.behind.remove_many(keys, now)).await
            }
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.remove_many(keys)).await,
        }
    }

    /// Removes all values, and invalidates the results of running loaders.
    pub(super) async fn clear(&self, time: &Time) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                memory.invalidate(InvalidationScope::All);
                memory.clear();
                Ok(())
            }
            Storage::Remote(remote) => Box::pin(remote.clear(time.monotonic())).await,
            Storage::Tiered(tier) => {
                let _forgotten = Forgotten(tier);
                Box::pin(tier.behind.clear(time.monotonic())).await
            }
            #[cfg(feature = "python")]
            Storage::Python(python) => Box::pin(python.clear(time.now())).await,
        }
    }

    pub(super) async fn invalidate(&self, what: InvalidationScope<'_>, time: &Time) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                memory.invalidate(what);
                Ok(())
            }
            Storage::Remote(remote) => Box::pin(remote.invalidate(what, time.monotonic())).await,
            Storage::Tiered(tier) => {
                // The local tier does not know which values have a tag, so it is emptied; it soon fills
                // again.
                let _forgotten = Forgotten(tier);
                Box::pin(tier.behind.invalidate(what, time.monotonic())).await
            }
            #[cfg(feature = "python")]
            Storage::Python(python) => python.invalidate(what, time.now()),
        }
    }

    /// Returns the lock that a computation takes: the locks of the store, and the key. `None` if all values
    /// are in memory.
    pub(super) fn lock_of(&self, key: &[u8]) -> Result<Option<(&AnyLocks, Key)>> {
        Ok(match self {
            Storage::Memory(_) => None,
            Storage::Remote(remote) => Some((&remote.backend.locks, remote.lock_key(key))),
            Storage::Tiered(tier) => Some((&tier.behind.backend.locks, tier.behind.lock_key(key))),
            #[cfg(feature = "python")]
            Storage::Python(python) => Some((&python.backend().locks, python.lock_key(key)?)),
        })
    }

    /// Returns whether somebody who has waited for that lock, or has found it free, must look again before
    /// anything is computed, even if that takes another round trip. Python's caches do not notice when they
    /// store a value that it is not needed.
    pub(super) fn looks_again(&self) -> bool {
        match self {
            Storage::Memory(_) => true,
            Storage::Remote(_) | Storage::Tiered(_) => false,
            #[cfg(feature = "python")]
            Storage::Python(_) => true,
        }
    }

    /// Calls the listener of a cache in memory for the values that have left. No lock may be held.
    #[inline]
    pub(super) fn tell(&self) {
        if let Storage::Memory(memory) = self {
            memory.tell();
        }
    }

    /// Returns the memory, if there is no store.
    pub(super) fn memory(&self) -> Option<&Memory<V>> {
        match self {
            Storage::Memory(memory) => Some(memory),
            Storage::Remote(_) | Storage::Tiered(_) => None,
            #[cfg(feature = "python")]
            Storage::Python(_) => None,
        }
    }

    /// Returns the name of the cache, if it has one.
    #[cfg(feature = "metrics")]
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Storage::Memory(memory) => memory.name(),
            Storage::Remote(remote) => Some(remote.name()),
            Storage::Tiered(tier) => Some(tier.behind.name()),
            #[cfg(feature = "python")]
            Storage::Python(python) => Some(python.name()),
        }
    }

    /// Returns the same values through another handle to their store; `None` if they are only in memory.
    #[cfg(feature = "tokio")]
    pub(super) fn through(
        &self,
        backend: impl FnOnce(&AnyBackend) -> AnyBackend,
    ) -> Option<Storage<V>> {
        let through = |remote: &Remote<V>, backend: AnyBackend| Arc::new(remote.through(backend));
        match self {
            Storage::Memory(_) => None,
            Storage::Remote(remote) => {
                Some(Storage::Remote(through(remote, backend(&remote.backend))))
            }
            Storage::Tiered(tier) => {
                let (front, writes) = (Arc::clone(&tier.front), Arc::clone(&tier.writes));
                let behind = through(&tier.behind, backend(&tier.behind.backend));
                let believed = tier.believed;
                Some(Storage::Tiered(LocalTier { front, believed, writes, behind }))
            }
            #[cfg(feature = "python")]
            Storage::Python(python) => {
                Some(Storage::Python(python.through(backend(python.backend()))))
            }
        }
    }

    pub(super) fn damaged(&self) -> u64 {
        match self {
            Storage::Memory(_) => 0,
            Storage::Remote(remote) => remote.damaged(),
            Storage::Tiered(tier) => tier.behind.damaged(),
            // What cannot be read is an error there.
            #[cfg(feature = "python")]
            Storage::Python(_) => 0,
        }
    }
}

/// Memory in front of a store.
pub(super) struct LocalTier<V> {
    /// A value is fresh here no longer than the time of the tier.
    pub(super) front: Arc<Memory<V>>,
    believed: Duration,
    writes: Arc<Writes>,
    /// The store behind the tier.
    pub(super) behind: Arc<Remote<V>>,
}

impl<V: Clone + 'static> LocalTier<V> {
    pub(super) fn new(
        front: Memory<V>,
        believed: Duration,
        behind: Arc<Remote<V>>,
    ) -> LocalTier<V> {
        let (front, writes) = (Arc::new(front), Arc::new(Writes::new()));
        LocalTier { front, believed, writes, behind }
    }

    pub(super) async fn look(&self, key: &[u8], time: &Time) -> Result<Lookup<V>> {
        let before = self.before(key);
        let seen = self.behind.look(key, time.monotonic()).await?;
        self.hold_if_fresh(key, &seen, before, time);
        Ok(seen)
    }

    pub(super) async fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Lookup<V>>> {
        let before: Vec<Before> = keys.iter().map(|key| self.before(key)).collect();
        let all = self.behind.look_many(keys, time.monotonic()).await?;
        for ((key, seen), before) in keys.iter().zip(&all).zip(before) {
            self.hold_if_fresh(key, seen, before, time);
        }
        Ok(all)
    }

    /// Stores a value in the store, and holds it in the tier.
    pub(super) async fn keep(
        &self,
        key: &[u8],
        slot: Slot<V>,
        ttl: Option<Duration>,
        when: Precondition,
        time: &Time,
    ) -> Result<bool> {
        let mut write = self.write(key);
        let kept = self.behind.keep(key, &slot, ttl, when, time.monotonic()).await;
        // After an error, the state of the store is unknown.
        write.held = matches!(kept, Ok(true)).then(|| (slot, time.now()));
        kept
    }

    pub(super) async fn keep_many(&self, entries: Vec<Many<V>>, time: &Time) -> Result<()> {
        let mut writes: Vec<_> = entries.iter().map(|(key, ..)| self.write(key)).collect();
        let kept = self.behind.keep_many(&entries, time.monotonic()).await?;
        let now = time.now();
        for ((write, (_, slot, _)), is_kept) in writes.iter_mut().zip(&entries).zip(kept) {
            write.held = is_kept.then(|| (slot.clone(), now));
        }
        Ok(())
    }

    pub(super) async fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        let _write = self.write(key);
        self.behind.remove(key, now).await
    }

    fn write<'a>(&'a self, key: &'a [u8]) -> Write<'a, V> {
        Write { tier: self, key, count: self.writes.count(key), held: None }
    }

    /// Empties the tier, and prevents results of earlier lookups from being held.
    pub(super) fn forget(&self) {
        self.front.invalidate(InvalidationScope::All);
        self.front.clear();
    }

    /// Returns the counts before a lookup, so that its result is not held if the key is removed, written or
    /// invalidated meanwhile.
    fn before(&self, key: &[u8]) -> Before {
        Before { invalidations: self.front.origin().local, writes: self.writes.count(key) }
    }

    /// A stale or invalidated value is not held, because the tier does not know about invalidations.
    fn hold_if_fresh(&self, key: &[u8], seen: &Lookup<V>, before: Before, time: &Time) {
        let now = time.now();
        if let Some(slot) = &seen.slot
            && slot.age.freshness(now, Duration::ZERO, seen.invalidated) == Freshness::Fresh
        {
            let origin = Origin { local: before.invalidations, ..slot.age.origin };
            let age = Age { origin, ..slot.age.clone() };
            let slot = Slot { value: slot.value.clone(), age };
            self.writes.hold(key, before.writes, || self.hold(key, slot, now));
        }
    }

    /// Holds a value whose origin in the local order is known.
    fn hold(&self, key: &[u8], slot: Slot<V>, now: Timestamp) {
        let believed_until = now + self.believed;
        let until = slot.age.fresh_until.map_or(believed_until, |end| end.min(believed_until));
        // Without tags, because they are checked in the store; here, each hit would have to ask for
        // invalidations.
        let age = Age { fresh_until: Some(until), tags: None, ..slot.age };
        self.front.keep(key, Slot { value: slot.value, age }, now);
    }
}

/// A write to the store behind, until it has ended. If its task is dropped, the state of the store is
/// unknown and nothing is held.
struct Write<'a, V: Clone + 'static> {
    tier: &'a LocalTier<V>,
    key: &'a [u8],
    count: u64,
    /// The current value, and since when.
    held: Option<(Slot<V>, Timestamp)>,
}

impl<V: Clone + 'static> Drop for Write<'_, V> {
    fn drop(&mut self) {
        let held = self.held.take();
        self.tier.writes.note(self.key, self.count, |is_last| match held {
            Some((slot, now)) if is_last => self.tier.hold(self.key, slot, now),
            _ => self.tier.front.remove(self.key),
        });
    }
}

/// Empties the local tier once something was invalidated in the store behind it, or may have been.
struct Forgotten<'a, V: Clone + 'static>(&'a LocalTier<V>);

impl<V: Clone + 'static> Drop for Forgotten<'_, V> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// How many invalidations and writes there were.
#[derive(Clone, Copy)]
struct Before {
    invalidations: u64,
    writes: u64,
}

//! Where the values of a cache are: in memory, in a store, or in memory in front of a store.

mod eviction;
mod memory;
mod remote;

use std::sync::Arc;
use std::time::Duration;

pub(super) use memory::Memory;
pub(super) use remote::{Place, Remote};

use super::freshness::{Age, Freshness, InvalidationScope, Lookup, Origin, Slot, Time};
use super::order::Writes;
#[cfg(feature = "tokio")]
use crate::backend::AnyBackend;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Precondition, Version};

/// One of many that are kept at once: the key, the value, and for how long a store has it.
pub(super) type Many<V> = (Box<[u8]>, Slot<V>, Option<Duration>);

pub(super) enum Storage<V> {
    Memory(Memory<V>),
    Remote(Arc<Remote<V>>),
    /// Memory in front of a store.
    Tiered(LocalTier<V>),
}

/// What asks a store is a large future, and in a box here. So the flow around it is small enough that
/// functions with caches in memory may call one another hundreds of times deep.
impl<V: Clone + 'static> Storage<V> {
    /// A fresh value in this process's memory.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8], time: &Time) -> Option<V> {
        // One look-up in the code of a hit, so that what it finds is copied less often.
        let memory = match self {
            Storage::Memory(memory) => memory,
            Storage::Remote(_) => return None,
            Storage::Tiered(tier) => &tier.front,
        };
        memory.fresh(key, time)
    }

    pub(super) async fn look(&self, key: &[u8], time: &Time) -> Result<Lookup<V>> {
        match self {
            Storage::Memory(memory) => Ok(memory.look(key, time.recent())),
            Storage::Remote(remote) => Box::pin(remote.look(key, time.monotonic())).await,
            Storage::Tiered(tier) => Box::pin(tier.look(key, time)).await,
        }
    }

    pub(super) async fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Lookup<V>>> {
        match self {
            Storage::Memory(memory) => {
                Ok(keys.iter().map(|key| memory.look(key, time.recent())).collect())
            }
            Storage::Tiered(tier) => Box::pin(tier.look_many(keys, time)).await,
            Storage::Remote(remote) => Box::pin(remote.look_many(keys, time.monotonic())).await,
        }
    }

    /// What is there, past any local tier, and with nothing believed: for who is about to make it.
    pub(super) async fn look_closely(&self, key: &[u8], time: &Time) -> Result<Lookup<V>> {
        match self {
            Storage::Memory(memory) => Ok(memory.look(key, time.recent())),
            Storage::Remote(remote) => Box::pin(remote.look_closely(key, time.monotonic())).await,
            Storage::Tiered(tier) => {
                Box::pin(tier.behind.look_closely(key, time.monotonic())).await
            }
        }
    }

    /// Where a value stands whose making begins now. A look tells that as well, if it believed nothing.
    pub(super) async fn origin(&self, seen: Option<Origin>, time: &Time) -> Result<Origin> {
        match self {
            Storage::Memory(memory) => Ok(memory.origin()),
            Storage::Remote(remote) => Box::pin(remote.origin(seen, time.monotonic())).await,
            Storage::Tiered(tier) => {
                let local = tier.front.origin().local;
                Ok(Origin { local, ..Box::pin(tier.behind.origin(seen, time.monotonic())).await? })
            }
        }
    }

    /// Keeps a value if the condition is met, and tells whether it was.
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
        }
    }

    /// Keeps many in a store, without a condition.
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
        }
    }

    /// Removes a value of this age that nobody may be given any more. A store does that itself.
    pub(super) fn discard(&self, key: &[u8], age: &Age, now: Timestamp) {
        match self {
            Storage::Memory(memory) => {
                memory.discard(key, age, now);
            }
            Storage::Tiered(tier) => tier.front.remove(key),
            Storage::Remote(_) => {}
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
        }
    }

    /// Removes what is there if it is of this version, and tells whether it was. In memory there are no
    /// versions: who removes there makes sure that nobody writes meanwhile.
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
        }
    }

    /// Removes everything, and what is being made meanwhile is gone.
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
                // A tag's values are not known here, and everything is soon here again.
                let _forgotten = Forgotten(tier);
                Box::pin(tier.behind.invalidate(what, time.monotonic())).await
            }
        }
    }

    /// The store at the bottom, if there is one: who makes a value takes a lock there.
    pub(super) fn remote(&self) -> Option<&Remote<V>> {
        match self {
            Storage::Memory(_) => None,
            Storage::Remote(remote) => Some(remote),
            Storage::Tiered(tier) => Some(&tier.behind),
        }
    }

    /// Calls the listener of a cache in memory for what has gone. To be done when nothing is locked.
    #[inline]
    pub(super) fn tell(&self) {
        if let Storage::Memory(memory) = self {
            memory.tell();
        }
    }

    /// The memory, if that is all there is.
    pub(super) fn memory(&self) -> Option<&Memory<V>> {
        match self {
            Storage::Memory(memory) => Some(memory),
            Storage::Remote(_) | Storage::Tiered(_) => None,
        }
    }

    /// The name of the cache, if it has one.
    #[cfg(feature = "metrics")]
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Storage::Memory(memory) => memory.name(),
            Storage::Remote(remote) => Some(remote.name()),
            Storage::Tiered(tier) => Some(tier.behind.name()),
        }
    }

    /// The same values through another way to their store; `None` if they are in memory alone.
    #[cfg(feature = "tokio")]
    pub(super) fn through(
        &self,
        backend: impl FnOnce(&AnyBackend) -> AnyBackend,
    ) -> Option<Storage<V>> {
        let through = |remote: &Remote<V>| Arc::new(remote.through(backend(&remote.backend)));
        match self {
            Storage::Memory(_) => None,
            Storage::Remote(remote) => Some(Storage::Remote(through(remote))),
            Storage::Tiered(tier) => {
                let (front, writes) = (Arc::clone(&tier.front), Arc::clone(&tier.writes));
                let (behind, believed) = (through(&tier.behind), tier.believed);
                Some(Storage::Tiered(LocalTier { front, believed, writes, behind }))
            }
        }
    }

    pub(super) fn damaged(&self) -> u64 {
        self.remote().map_or(0, Remote::damaged)
    }
}

/// Memory in front of a store.
pub(super) struct LocalTier<V> {
    /// Here a value is fresh for no longer than it is believed.
    pub(super) front: Arc<Memory<V>>,
    believed: Duration,
    writes: Arc<Writes>,
    /// The store behind it.
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

    /// Keeps a value behind and holds it here.
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
        // After an error nobody knows what is there.
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

    /// Lets go of all that is here, and holds nothing that was looked up or begun until now.
    pub(super) fn forget(&self) {
        self.front.invalidate(InvalidationScope::All);
        self.front.clear();
    }

    /// What is to be known before a look, so that nothing is held that was removed, written or
    /// invalidated here meanwhile.
    fn before(&self, key: &[u8]) -> Before {
        Before { invalidations: self.front.origin().local, writes: self.writes.count(key) }
    }

    /// What is stale or invalidated is not held: here, nothing would say so.
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

    /// Holds a value of which its origin says where it stands here.
    fn hold(&self, key: &[u8], slot: Slot<V>, now: Timestamp) {
        let believed_until = now + self.believed;
        let until = slot.age.fresh_until.map_or(believed_until, |end| end.min(believed_until));
        // Tags are looked at behind: here they would ask for invalidations with each hit.
        let age = Age { fresh_until: Some(until), tags: None, ..slot.age };
        self.front.keep(key, Slot { value: slot.value, age }, now);
    }
}

/// A write to the store behind, until it has ended or its task was dropped: then nobody knows what is
/// there, and nothing is held here.
struct Write<'a, V: Clone + 'static> {
    tier: &'a LocalTier<V>,
    key: &'a [u8],
    count: u64,
    /// What is there now, and since when.
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

/// Lets go of all that is in the local tier, once something was invalidated behind it, or may have been.
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

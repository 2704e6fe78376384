//! Where the values of a cache are: in memory, in a store, or in memory in front of a store.

mod memory;
mod remote;

use std::sync::Arc;
use std::time::Duration;

pub(super) use memory::Memory;
pub(super) use remote::{Place, Remote};

use super::freshness::{Age, Freshness, InvalidationScope, Lookup, Origin, Slot, Time};
use super::order::Writes;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::Precondition;

pub(super) enum Storage<V> {
    Memory(Memory<V>),
    Remote(Arc<Remote<V>>),
    /// Memory in front of a store.
    Tiered(LocalTier<V>),
}

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

    pub(super) fn look(&self, key: &[u8], time: &Time) -> Result<Lookup<V>> {
        match self {
            Storage::Memory(memory) => Ok(memory.look(key)),
            Storage::Remote(remote) => remote.look(key, time.monotonic()),
            Storage::Tiered(tier) => tier.look(key, time),
        }
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Lookup<V>>> {
        match self {
            Storage::Memory(memory) => Ok(keys.iter().map(|key| memory.look(key)).collect()),
            Storage::Tiered(tier) => tier.look_many(keys, time),
            Storage::Remote(remote) => remote.look_many(keys, time.monotonic()),
        }
    }

    /// What is there, past any local tier, and with nothing believed: for who is about to make it.
    pub(super) fn look_closely(&self, key: &[u8], time: &Time) -> Result<Lookup<V>> {
        match self {
            Storage::Memory(memory) => Ok(memory.look(key)),
            Storage::Remote(remote) => remote.look_closely(key, time.monotonic()),
            Storage::Tiered(tier) => tier.behind.look_closely(key, time.monotonic()),
        }
    }

    /// Where a value stands whose making begins now. A look tells that as well, if it believed nothing.
    pub(super) fn origin(&self, seen: Option<Origin>, time: &Time) -> Result<Origin> {
        match self {
            Storage::Memory(memory) => Ok(memory.origin()),
            Storage::Remote(remote) => remote.origin(seen, time.monotonic()),
            Storage::Tiered(tier) => {
                let local = tier.front.origin().local;
                Ok(Origin { local, ..tier.behind.origin(seen, time.monotonic())? })
            }
        }
    }

    /// Keeps a value if the condition is met, and tells whether it was.
    pub(super) fn keep(
        &self,
        key: &[u8],
        slot: Slot<V>,
        ttl: Option<Duration>,
        when: Precondition,
        time: &Time,
    ) -> Result<bool> {
        match self {
            Storage::Memory(memory) => {
                memory.keep(key, slot);
                Ok(true)
            }
            Storage::Remote(remote) => remote.keep(key, &slot, ttl, when, time.monotonic()),
            Storage::Tiered(tier) => tier.keep(key, slot, ttl, when, time),
        }
    }

    /// Removes a value of this age that nobody may be given any more. A store does that itself.
    pub(super) fn discard(&self, key: &[u8], age: &Age) {
        match self {
            Storage::Memory(memory) => memory.discard(key, age),
            Storage::Tiered(tier) => tier.front.remove(key),
            Storage::Remote(_) => {}
        }
    }

    pub(super) fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                memory.remove(key);
                Ok(())
            }
            Storage::Remote(remote) => remote.remove(key, now),
            Storage::Tiered(tier) => tier.remove(key, now),
        }
    }

    /// Removes everything, and what is being made meanwhile is gone.
    pub(super) fn clear(&self, time: &Time) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                memory.invalidate(InvalidationScope::All);
                memory.clear();
                Ok(())
            }
            Storage::Remote(remote) => remote.clear(time.monotonic()),
            Storage::Tiered(tier) => {
                let cleared = tier.behind.clear(time.monotonic());
                tier.forget();
                cleared
            }
        }
    }

    pub(super) fn invalidate(&self, what: InvalidationScope<'_>, time: &Time) -> Result<()> {
        match self {
            Storage::Memory(memory) => {
                memory.invalidate(what);
                Ok(())
            }
            Storage::Remote(remote) => remote.invalidate(what, time.monotonic()),
            Storage::Tiered(tier) => {
                let invalidated = tier.behind.invalidate(what, time.monotonic());
                // A tag's values are not known here, and everything is soon here again.
                tier.forget();
                invalidated
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

    /// Whether a look may wait.
    #[cfg(feature = "tokio")]
    pub(super) fn blocks(&self) -> bool {
        self.remote().is_some_and(|remote| remote.backend.store.blocks())
    }

    pub(super) fn damaged(&self) -> u64 {
        self.remote().map_or(0, Remote::damaged)
    }
}

/// Memory in front of a store.
pub(super) struct LocalTier<V> {
    /// Here a value is fresh for no longer than it is believed.
    pub(super) front: Memory<V>,
    believed: Duration,
    writes: Writes,
    /// The store behind it.
    pub(super) behind: Arc<Remote<V>>,
}

impl<V: Clone + 'static> LocalTier<V> {
    pub(super) fn new(
        front: Memory<V>,
        believed: Duration,
        behind: Arc<Remote<V>>,
    ) -> LocalTier<V> {
        LocalTier { front, believed, writes: Writes::new(), behind }
    }

    pub(super) fn look(&self, key: &[u8], time: &Time) -> Result<Lookup<V>> {
        let before = self.before(key);
        let seen = self.behind.look(key, time.monotonic())?;
        self.hold_if_fresh(key, &seen, before, time);
        Ok(seen)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Lookup<V>>> {
        let before: Vec<Before> = keys.iter().map(|key| self.before(key)).collect();
        let all = self.behind.look_many(keys, time.monotonic())?;
        for ((key, seen), before) in keys.iter().zip(&all).zip(before) {
            self.hold_if_fresh(key, seen, before, time);
        }
        Ok(all)
    }

    /// Keeps a value behind and holds it here.
    pub(super) fn keep(
        &self,
        key: &[u8],
        slot: Slot<V>,
        ttl: Option<Duration>,
        when: Precondition,
        time: &Time,
    ) -> Result<bool> {
        let count = self.writes.count(key);
        let kept = self.behind.keep(key, &slot, ttl, when, time.monotonic());
        self.writes.note(key, count, |is_last| match kept {
            Ok(true) if is_last => self.hold(key, slot, time.now()),
            // After an error nobody knows what is there.
            _ => self.front.remove(key),
        });
        kept
    }

    pub(super) fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        let count = self.writes.count(key);
        let removed = self.behind.remove(key, now);
        self.writes.note(key, count, |_| self.front.remove(key));
        removed
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
        self.front.keep(key, Slot { value: slot.value, age });
    }
}

/// How many invalidations and writes there were.
#[derive(Clone, Copy)]
struct Before {
    invalidations: u64,
    writes: u64,
}

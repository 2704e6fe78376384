//! Memory in front of another storage.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::age::{Age, Freshness, Origin, What};
use super::objects::Objects;
use super::seen::{Seen, Slot};
use super::time::Time;
use super::writes::Writes;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::When;

pub(super) struct Near<V> {
    /// Here a value is fresh for no longer than it is believed.
    pub(super) front: Objects<V>,
    believed: Duration,
    writes: Writes,
    /// The cache behind it.
    pub(super) behind: Arc<Shared<V>>,
}

impl<V: Clone + 'static> Near<V> {
    pub(super) fn new(front: Objects<V>, believed: Duration, behind: Arc<Shared<V>>) -> Near<V> {
        Near { front, believed, writes: Writes::new(), behind }
    }

    pub(super) fn look(&self, key: &[u8], time: &Time) -> Result<Seen<V>> {
        let before = self.before(key);
        let seen = self.behind.storage.look(key, time)?;
        self.hold_if_fresh(key, &seen, before, time);
        Ok(seen)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Seen<V>>> {
        let before: Vec<Before> = keys.iter().map(|key| self.before(key)).collect();
        let all = self.behind.storage.look_many(keys, time)?;
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
        when: When,
        time: &Time,
    ) -> Result<bool> {
        let count = self.writes.count(key);
        let kept = self.behind.storage.keep(key, slot.clone(), ttl, when, time);
        self.writes.note(key, count, |is_last| match kept {
            Ok(true) if is_last => self.hold(key, slot, time.now()),
            // After an error nobody knows what is there.
            _ => self.front.remove(key),
        });
        kept
    }

    pub(super) fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        let count = self.writes.count(key);
        let removed = self.behind.storage.remove(key, now);
        self.writes.note(key, count, |_| self.front.remove(key));
        removed
    }

    /// Lets go of all that is here, and holds nothing that was looked up or begun until now.
    pub(super) fn forget(&self) {
        self.front.invalidate(What::Whole);
        self.front.clear();
    }

    /// What is to be known before a look, so that nothing is held that was removed, written or
    /// invalidated here meanwhile.
    fn before(&self, key: &[u8]) -> Before {
        Before { invalidations: self.front.origin().local, writes: self.writes.count(key) }
    }

    /// What is stale or invalidated is not held: here, nothing would say so.
    fn hold_if_fresh(&self, key: &[u8], seen: &Seen<V>, before: Before, time: &Time) {
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

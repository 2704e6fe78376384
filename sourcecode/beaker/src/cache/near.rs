//! Memory in front of another storage.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::age::{Age, Freshness, Origin, What};
use super::objects::Objects;
use super::seen::{Seen, Slot};
use super::time::Time;
use crate::clock::Timestamp;
use crate::error::Result;

pub(super) struct Near<V> {
    /// Here a value is fresh for no longer than it is believed.
    pub(super) front: Objects<V>,
    believed: Duration,
    /// The cache behind it.
    pub(super) behind: Arc<Shared<V>>,
}

impl<V: Clone + 'static> Near<V> {
    pub(super) fn new(front: Objects<V>, believed: Duration, behind: Arc<Shared<V>>) -> Near<V> {
        Near { front, believed, behind }
    }

    pub(super) fn look(&self, key: &[u8], time: &Time) -> Result<Seen<V>> {
        // From before the look: what is invalidated here meanwhile is not to be held.
        let local = self.front.origin().local;
        let seen = self.behind.storage.look(key, time)?;
        self.hold_if_fresh(key, &seen, local, time);
        Ok(seen)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Seen<V>>> {
        let local = self.front.origin().local;
        let all = self.behind.storage.look_many(keys, time)?;
        for (key, seen) in keys.iter().zip(&all) {
            self.hold_if_fresh(key, seen, local, time);
        }
        Ok(all)
    }

    /// Lets go of all that is here, and holds nothing that was looked up or begun until now.
    pub(super) fn forget(&self) {
        self.front.invalidate(What::Whole);
        self.front.clear();
    }

    /// What is stale or invalidated is not held: here, nothing would say so.
    fn hold_if_fresh(&self, key: &[u8], seen: &Seen<V>, local: u64, time: &Time) {
        let now = time.now();
        if let Some(slot) = &seen.slot
            && slot.age.freshness(now, Duration::ZERO, seen.invalidated) == Freshness::Fresh
        {
            let origin = Origin { local, ..slot.age.origin };
            let age = Age { origin, ..slot.age.clone() };
            self.hold(key, &Slot { value: slot.value.clone(), age }, now);
        }
    }

    /// Holds a value of which its origin says where it stands here.
    pub(super) fn hold(&self, key: &[u8], slot: &Slot<V>, now: Timestamp) {
        let believed_until = now + self.believed;
        let until = slot.age.fresh_until.map_or(believed_until, |end| end.min(believed_until));
        // Tags are looked at behind: here they would ask for invalidations with each hit.
        let age = Age { fresh_until: Some(until), tags: None, ..slot.age.clone() };
        self.front.keep(key, Slot { value: slot.value.clone(), age });
    }
}

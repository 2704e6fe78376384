//! Memory in front of another storage.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::age::{Age, Freshness};
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
        let seen = self.behind.storage.look(key, time)?;
        self.hold_if_fresh(key, &seen, time);
        Ok(seen)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Seen<V>>> {
        let all = self.behind.storage.look_many(keys, time)?;
        for (key, seen) in keys.iter().zip(&all) {
            self.hold_if_fresh(key, seen, time);
        }
        Ok(all)
    }

    /// What is stale or invalidated is not held: the marks behind it would be lost here.
    fn hold_if_fresh(&self, key: &[u8], seen: &Seen<V>, time: &Time) {
        let now = time.now();
        let is_fresh = |slot: &&Slot<V>| {
            slot.age.freshness(now, Duration::ZERO, seen.marks) == Freshness::Fresh
        };
        if let Some(slot) = seen.slot.as_ref().filter(is_fresh) {
            self.hold(key, slot, now);
        }
    }

    pub(super) fn hold(&self, key: &[u8], slot: &Slot<V>, now: Timestamp) {
        let believed_until = now + self.believed;
        let until = slot.age.fresh_until.map_or(believed_until, |end| end.min(believed_until));
        // Tags are looked at behind: here they would ask for marks with each hit.
        let age = Age { fresh_until: Some(until), tags: None, ..slot.age.clone() };
        self.front.keep(key, Slot { value: slot.value.clone(), age });
    }
}

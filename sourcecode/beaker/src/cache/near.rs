//! Memory in front of another storage.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::age::Freshness;
use super::objects::Objects;
use super::seen::{Seen, Slot};
use crate::clock::{Clock, Timestamp};
use crate::error::Result;

/// Memory in front of another storage.
pub(super) struct Near<V> {
    pub(super) front: Objects<(V, Timestamp)>,
    time: Duration,
    /// The cache behind it.
    pub(super) behind: Arc<Shared<V>>,
}

impl<V: Clone + 'static> Near<V> {
    pub(super) fn new(
        front: Objects<(V, Timestamp)>,
        time: Duration,
        behind: Arc<Shared<V>>,
    ) -> Near<V> {
        Near { front, time, behind }
    }

    pub(super) fn hold(&self, key: &[u8], slot: &Slot<V>, now: Timestamp) {
        let value = (slot.value.clone(), now + self.time);
        self.front.keep(key, Slot { value, age: slot.age.clone() });
    }

    pub(super) fn look(&self, key: &[u8], clock: &dyn Clock) -> Result<Seen<V>> {
        let now = clock.recent();
        if let Some(Slot { value: (value, until), age }) = self.front.slot(key)
            && now < until
            && age.fresh_until.is_none_or(|fresh_until| now < fresh_until)
        {
            let marks = self.front.marks(&age);
            return Ok(Seen { slot: Some(Slot { value, age }), version: None, marks });
        }
        let seen = self.behind.storage.look(key, clock)?;
        // What is stale or invalidated is not: the marks behind it would be lost here.
        let is_fresh = |slot: &&Slot<V>| {
            slot.age.freshness(now, Duration::ZERO, seen.marks) == Freshness::Fresh
        };
        if let Some(slot) = seen.slot.as_ref().filter(is_fresh) {
            self.hold(key, slot, clock.now());
        }
        Ok(seen)
    }
}

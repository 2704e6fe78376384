//! Where the values of a cache are: a closed choice.

use std::time::Duration;

use super::age::{Marks, What};
use super::bytes::Bytes;
use super::marks::WHOLE;
use super::near::Near;
use super::objects::Objects;
use super::seen::{Seen, Slot};
use super::time::Time;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::When;

pub(super) enum Storage<V> {
    Objects(Objects<V>),
    Bytes(Box<Bytes<V>>),
    Near(Near<V>),
}

impl<V: Clone + 'static> Storage<V> {
    /// A fresh value in this process's memory.
    #[inline(always)]
    pub(super) fn fresh(&self, key: &[u8], time: &Time) -> Option<V> {
        match self {
            Storage::Objects(objects) => objects.fresh(key, time),
            Storage::Bytes(_) => None,
            Storage::Near(near) => near.front.fresh(key, time),
        }
    }

    pub(super) fn look(&self, key: &[u8], time: &Time) -> Result<Seen<V>> {
        match self {
            Storage::Objects(objects) => Ok(objects.look(key)),
            Storage::Bytes(bytes) => bytes.look(key, time.now()),
            Storage::Near(near) => near.look(key, time),
        }
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Seen<V>>> {
        match self {
            Storage::Objects(objects) => Ok(keys.iter().map(|key| objects.look(key)).collect()),
            Storage::Near(near) => near.look_many(keys, time),
            Storage::Bytes(bytes) => bytes.look_many(keys, time.now()),
        }
    }

    /// What is there, past any near part: for who is about to make it anew.
    pub(super) fn look_behind(&self, key: &[u8], time: &Time) -> Result<Seen<V>> {
        match self {
            Storage::Near(near) => near.behind.storage.look_behind(key, time),
            storage => storage.look(key, time),
        }
    }

    /// Keeps a value if the condition is met, and tells whether it was.
    pub(super) fn keep(
        &self,
        key: &[u8],
        slot: Slot<V>,
        ttl: Option<Duration>,
        when: When,
        now: Timestamp,
    ) -> Result<bool> {
        match self {
            Storage::Objects(objects) => {
                objects.keep(key, slot);
                Ok(true)
            }
            Storage::Bytes(bytes) => bytes.keep(key, &slot, ttl, when),
            Storage::Near(near) => {
                let is_kept = near.behind.storage.keep(key, slot.clone(), ttl, when, now)?;
                if is_kept {
                    near.hold(key, &slot, now);
                } else {
                    near.front.remove(key);
                }
                Ok(is_kept)
            }
        }
    }

    pub(super) fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        match self {
            Storage::Objects(objects) => {
                objects.remove(key);
                Ok(())
            }
            Storage::Bytes(bytes) => bytes.remove(key, now),
            Storage::Near(near) => {
                let removed = near.behind.storage.remove(key, now);
                near.front.remove(key);
                removed
            }
        }
    }

    /// Removes everything, and marks what is being made meanwhile as gone.
    pub(super) fn clear(&self, now: Timestamp) -> Result<()> {
        match self {
            Storage::Objects(objects) => {
                objects.invalidate(What::Whole, now);
                objects.clear();
                Ok(())
            }
            Storage::Bytes(bytes) => {
                bytes.marks.set(WHOLE, now, harden)?;
                bytes.backend.store.clear(&bytes.namespace)
            }
            Storage::Near(near) => {
                let cleared = near.behind.storage.clear(now);
                near.front.clear();
                cleared
            }
        }
    }

    pub(super) fn invalidate(&self, what: What<'_>, now: Timestamp) -> Result<()> {
        match self {
            Storage::Objects(objects) => {
                objects.invalidate(what, now);
                Ok(())
            }
            Storage::Bytes(bytes) => match what {
                What::Whole => bytes.marks.set(WHOLE, now, harden),
                What::Softly => bytes.marks.set(WHOLE, now, soften),
                What::Tag(tag) => bytes.marks.set(tag, now, harden),
            },
            Storage::Near(near) => {
                let marked = near.behind.storage.invalidate(what, now);
                // A tag's values are not known here, and everything is soon here again.
                near.front.clear();
                near.front.invalidate(What::Whole, now);
                marked
            }
        }
    }

    /// The bytes at the bottom, if there are any: who makes a value takes a lock there.
    pub(super) fn bytes(&self) -> Option<&Bytes<V>> {
        match self {
            Storage::Objects(_) => None,
            Storage::Bytes(bytes) => Some(bytes),
            Storage::Near(near) => near.behind.storage.bytes(),
        }
    }

    /// Whether a look may wait.
    #[cfg(feature = "tokio")]
    pub(super) fn blocks(&self) -> bool {
        self.bytes().is_some_and(|bytes| bytes.backend.store.blocks())
    }

    pub(super) fn damaged(&self) -> u64 {
        self.bytes().map_or(0, Bytes::damaged)
    }
}

pub(super) fn harden(marks: &mut Marks, now: Timestamp) {
    marks.hard = marks.hard.max(Some(now));
}

pub(super) fn soften(marks: &mut Marks, now: Timestamp) {
    marks.soft = marks.soft.max(Some(now));
}

//! Where the values of a cache are: a closed choice.

use std::time::Duration;

use super::age::{Age, Origin, What};
use super::bytes::Bytes;
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
            Storage::Bytes(bytes) => bytes.look(key, time.monotonic()),
            Storage::Near(near) => near.look(key, time),
        }
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], time: &Time) -> Result<Vec<Seen<V>>> {
        match self {
            Storage::Objects(objects) => Ok(keys.iter().map(|key| objects.look(key)).collect()),
            Storage::Near(near) => near.look_many(keys, time),
            Storage::Bytes(bytes) => bytes.look_many(keys, time.monotonic()),
        }
    }

    /// What is there, past any near part, and with nothing believed: for who is about to make it.
    pub(super) fn look_closely(&self, key: &[u8], time: &Time) -> Result<Seen<V>> {
        match self {
            Storage::Objects(objects) => Ok(objects.look(key)),
            Storage::Bytes(bytes) => bytes.look_closely(key, time.monotonic()),
            Storage::Near(near) => near.behind.storage.look_closely(key, time),
        }
    }

    /// Where a value stands whose making begins now. A look tells that as well, if it believed nothing.
    pub(super) fn origin(&self, seen: Option<Origin>, time: &Time) -> Result<Origin> {
        match self {
            Storage::Objects(objects) => Ok(objects.origin()),
            Storage::Bytes(bytes) => match seen {
                Some(origin) => Ok(origin),
                None => bytes.origin(time.monotonic()),
            },
            Storage::Near(near) => {
                let local = near.front.origin().local;
                Ok(Origin { local, ..near.behind.storage.origin(seen, time)? })
            }
        }
    }

    /// Keeps a value if the condition is met, and tells whether it was.
    pub(super) fn keep(
        &self,
        key: &[u8],
        slot: Slot<V>,
        ttl: Option<Duration>,
        when: When,
        time: &Time,
    ) -> Result<bool> {
        match self {
            Storage::Objects(objects) => {
                objects.keep(key, slot);
                Ok(true)
            }
            Storage::Bytes(bytes) => bytes.keep(key, &slot, ttl, when, time.monotonic()),
            Storage::Near(near) => near.keep(key, slot, ttl, when, time),
        }
    }

    /// Removes a value of this age that nobody may be given any more. A store does that itself.
    pub(super) fn discard(&self, key: &[u8], age: &Age) {
        match self {
            Storage::Objects(objects) => objects.discard(key, age),
            Storage::Near(near) => near.front.remove(key),
            Storage::Bytes(_) => {}
        }
    }

    pub(super) fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        match self {
            Storage::Objects(objects) => {
                objects.remove(key);
                Ok(())
            }
            Storage::Bytes(bytes) => bytes.remove(key, now),
            Storage::Near(near) => near.remove(key, now),
        }
    }

    /// Removes everything, and what is being made meanwhile is gone.
    pub(super) fn clear(&self, time: &Time) -> Result<()> {
        match self {
            Storage::Objects(objects) => {
                objects.invalidate(What::Whole);
                objects.clear();
                Ok(())
            }
            Storage::Bytes(bytes) => {
                bytes.invalidations.invalidate(time.monotonic())?;
                bytes.backend.store.clear(&bytes.namespace)
            }
            Storage::Near(near) => {
                let cleared = near.behind.storage.clear(time);
                near.forget();
                cleared
            }
        }
    }

    pub(super) fn invalidate(&self, what: What<'_>, time: &Time) -> Result<()> {
        match self {
            Storage::Objects(objects) => {
                objects.invalidate(what);
                Ok(())
            }
            Storage::Bytes(bytes) => {
                let (all, now) = (&bytes.invalidations, time.monotonic());
                match what {
                    What::Whole => all.invalidate(now),
                    What::Softly => all.invalidate_softly(now),
                    What::Tag(tag) => all.invalidate_tag(tag, now),
                }
            }
            Storage::Near(near) => {
                let invalidated = near.behind.storage.invalidate(what, time);
                // A tag's values are not known here, and everything is soon here again.
                near.forget();
                invalidated
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

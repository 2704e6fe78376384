//! Values as bytes in a store, through a codec.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::age::Marks;
use super::envelope::{self, Content};
use super::marks::{SharedMarks, WHOLE};
use super::seen::{Seen, Slot};
use crate::backend::Backend;
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Stored, When};

/// How long a removal is remembered, so that what is being made meanwhile is not kept. A making that
/// takes longer than this can bring back what was removed.
const REMEMBERED: Duration = Duration::from_secs(600);

pub(super) struct Bytes<V> {
    pub(super) backend: Backend,
    pub(super) namespace: Namespace,
    /// Whoever makes a value holds the lock of its key in here.
    creating: Namespace,
    codec: Arc<dyn Codec<V>>,
    pub(super) marks: SharedMarks,
    damaged: AtomicU64,
}

impl<V: 'static> Bytes<V> {
    pub(super) fn new(
        backend: Backend,
        name: &str,
        codec: Arc<dyn Codec<V>>,
        believed: Duration,
    ) -> Bytes<V> {
        let namespace = Namespace::new(name);
        let marks = SharedMarks::new(Arc::clone(&backend.store), &namespace, believed);
        let creating = Namespace::new(&format!("beaker.creating:{name}"));
        Bytes { backend, namespace, creating, codec, marks, damaged: AtomicU64::new(0) }
    }

    fn key(&self, key: &[u8]) -> Key {
        self.namespace.key(key)
    }

    pub(super) fn lock_key(&self, key: &[u8]) -> Key {
        self.creating.key(key)
    }

    /// One round trip: the mark of the whole cache comes along, where it was not read lately.
    pub(super) fn look(&self, key: &[u8], now: Timestamp) -> Result<Seen<V>> {
        let store = &self.backend.store;
        if let Some(whole) = self.marks.known(WHOLE, now) {
            return self.seen(store.get(&self.key(key))?, whole, now);
        }
        let mut found = store.get_many(&[self.key(key), self.marks.key(WHOLE)])?;
        let whole = self.marks.note(WHOLE, found.pop().flatten().as_ref(), now);
        self.seen(found.pop().flatten(), whole, now)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], now: Timestamp) -> Result<Vec<Seen<V>>> {
        let mut wanted: Vec<Key> = keys.iter().map(|key| self.key(key)).collect();
        wanted.push(self.marks.key(WHOLE));
        let mut found = self.backend.store.get_many(&wanted)?;
        let whole = self.marks.note(WHOLE, found.pop().flatten().as_ref(), now);
        found.into_iter().map(|stored| self.seen(stored, whole, now)).collect()
    }

    fn seen(&self, stored: Option<Stored>, whole: Marks, now: Timestamp) -> Result<Seen<V>> {
        let Some(stored) = stored else { return Ok(Seen::nothing(whole)) };
        let version = Some(stored.version);
        match envelope::read(&stored.bytes, &*self.codec) {
            Content::Value(value, age) => {
                let marks = match &age.tags {
                    Some(tags) => whole.and(self.marks.of_tags(tags, now)?),
                    None => whole,
                };
                Ok(Seen { slot: Some(Slot { value, age }), version, marks, landings: 0 })
            }
            Content::Nothing => Ok(Seen { slot: None, version, marks: whole, landings: 0 }),
            Content::Damaged => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                Ok(Seen { slot: None, version, marks: whole, landings: 0 })
            }
        }
    }

    pub(super) fn keep(
        &self,
        key: &[u8],
        slot: &Slot<V>,
        ttl: Option<Duration>,
        when: When,
    ) -> Result<bool> {
        let bytes = envelope::write(&slot.value, &slot.age, &*self.codec)?;
        Ok(self.backend.store.put(&self.key(key), &bytes, ttl, when)?.is_some())
    }

    /// Writes that nothing is here: who makes a value for this key finds that, and does not keep it.
    pub(super) fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        let nothing = envelope::nothing(now);
        self.backend.store.put(&self.key(key), &nothing, Some(REMEMBERED), When::Always).map(drop)
    }

    pub(super) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

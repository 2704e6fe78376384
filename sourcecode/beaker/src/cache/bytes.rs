//! Values as bytes in a store, through a codec.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::age::Marks;
use super::envelope::{self, Content};
use super::marks::{SharedMarks, WHOLE};
use super::seen::{Seen, Slot};
use super::shorten::shorten;
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
    place: Place,
    damaged: AtomicU64,
}

/// What a region says of its caches.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// The marks of the whole region.
    pub(super) marks: Option<Arc<SharedMarks>>,
    /// A longer key is shortened; `None` leaves that to the store.
    pub(super) key_length: Option<usize>,
}

impl Place {
    fn name<'a>(&self, key: &'a [u8]) -> Cow<'a, [u8]> {
        self.key_length.map_or(Cow::Borrowed(key), |longest| shorten(key, longest))
    }
}

impl<V: 'static> Bytes<V> {
    pub(super) fn new(
        backend: Backend,
        name: &str,
        codec: Arc<dyn Codec<V>>,
        place: Place,
    ) -> Bytes<V> {
        let namespace = Namespace::new(name);
        let marks = SharedMarks::new(Arc::clone(&backend.store), name);
        let creating = Namespace::new(&format!("beaker.creating:{name}"));
        let damaged = AtomicU64::new(0);
        Bytes { backend, namespace, creating, codec, marks, place, damaged }
    }

    fn key(&self, key: &[u8]) -> Key {
        self.namespace.key(self.place.name(key))
    }

    pub(super) fn lock_key(&self, key: &[u8]) -> Key {
        self.creating.key(self.place.name(key))
    }

    /// What holds for the whole cache, if it was read lately.
    fn known(&self, now: Timestamp) -> Option<Marks> {
        let own = self.marks.known(WHOLE, now)?;
        match &self.place.marks {
            None => Some(own),
            Some(region) => Some(own.and(region.known(WHOLE, now)?)),
        }
    }

    /// Reads what is under these keys, and what holds for the whole cache, in one round trip.
    fn read(&self, mut wanted: Vec<Key>, now: Timestamp) -> Result<(Vec<Option<Stored>>, Marks)> {
        let marks = || iter::once(&self.marks).chain(self.place.marks.as_deref());
        let count = wanted.len();
        wanted.extend(marks().map(|marks| marks.key(WHOLE)));
        let mut found = self.backend.store.get_many(&wanted)?;
        let read = marks()
            .zip(found.drain(count..))
            .map(|(marks, it)| marks.note(WHOLE, it.as_ref(), now));
        let whole = read.fold(Marks::default(), Marks::and);
        Ok((found, whole))
    }

    /// One round trip: the marks of the whole cache come along, where they were not read lately.
    pub(super) fn look(&self, key: &[u8], now: Timestamp) -> Result<Seen<V>> {
        let key = self.key(key);
        if let Some(whole) = self.known(now) {
            return self.seen(self.backend.store.get(&key)?, whole, now);
        }
        let (mut found, whole) = self.read(vec![key], now)?;
        self.seen(found.pop().flatten(), whole, now)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], now: Timestamp) -> Result<Vec<Seen<V>>> {
        let (found, whole) = self.read(keys.iter().map(|key| self.key(key)).collect(), now)?;
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

//! Values as bytes in a store, through a codec.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::age::{Age, Origin};
use super::envelope::{self, Content};
use super::local_invalidations::Invalidated;
use super::seen::{Seen, Slot};
use super::shared_invalidations::{Invalidations, REMEMBERED, SharedInvalidations};
use super::shorten::shorten;
use crate::backend::Backend;
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Stored, When};

pub(super) struct Bytes<V> {
    pub(super) backend: Backend,
    pub(super) namespace: Namespace,
    /// Whoever makes a value holds the lock of its key in here.
    creating: Namespace,
    codec: Arc<dyn Codec<V>>,
    pub(super) invalidations: SharedInvalidations,
    place: Place,
    damaged: AtomicU64,
}

/// What is known of the invalidations of a whole cache, and of its region if it has one.
#[derive(Clone, Copy)]
struct Scopes {
    /// `None` if there is no record yet.
    cache: Option<Invalidations>,
    /// The same, where there is a region.
    region: Option<Option<Invalidations>>,
    /// It was read a moment ago, and not just now.
    is_believed: bool,
}

impl Scopes {
    fn origin(&self) -> Option<Origin> {
        let region = match self.region {
            None => Default::default(),
            Some(region) => region?.began().generation,
        };
        Some(Origin { local: 0, cache: self.cache?.began(), region })
    }

    /// What they mean for a value of this origin; `None` if an epoch has begun since.
    fn judge(&self, origin: &Origin) -> Option<Invalidated> {
        let cache = self.cache?.judge(origin.cache.generation)?;
        match self.region {
            None => Some(cache),
            Some(region) => Some(cache.max(region?.judge(origin.region)?)),
        }
    }
}

/// What a region says of its caches.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// The invalidations of the whole region.
    pub(super) region: Option<Arc<SharedInvalidations>>,
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
        let invalidations = SharedInvalidations::of_cache(Arc::clone(&backend.store), name);
        let creating = Namespace::new(&format!("beaker.creating:{name}"));
        let damaged = AtomicU64::new(0);
        Bytes { backend, namespace, creating, codec, invalidations, place, damaged }
    }

    fn key(&self, key: &[u8]) -> Key {
        self.namespace.key(self.place.name(key))
    }

    pub(super) fn lock_key(&self, key: &[u8]) -> Key {
        self.creating.key(self.place.name(key))
    }

    /// What was read lately of the whole cache's and region's invalidations.
    fn known(&self, now: Duration) -> Option<Scopes> {
        let cache = self.invalidations.known(now)?;
        let region = match &self.place.region {
            None => None,
            Some(region) => Some(region.known(now)?),
        };
        Some(Scopes { cache, region, is_believed: true })
    }

    /// Reads what is under these keys, and those invalidations, in one round trip.
    fn read(&self, mut wanted: Vec<Key>, now: Duration) -> Result<(Vec<Option<Stored>>, Scopes)> {
        let count = wanted.len();
        let all = || iter::once(&self.invalidations).chain(self.place.region.as_deref());
        wanted.extend(all().map(SharedInvalidations::key));
        let mut found = self.backend.store.get_many(&wanted)?;
        let mut read =
            all().zip(found.drain(count..)).map(|(it, stored)| it.note(stored.as_ref(), now));
        let scopes =
            Scopes { cache: read.next().flatten(), region: read.next(), is_believed: false };
        drop(read);
        Ok((found, scopes))
    }

    /// One round trip: the invalidations of the whole cache come along, where they were not read lately.
    pub(super) fn look(&self, key: &[u8], now: Duration) -> Result<Seen<V>> {
        match self.known(now) {
            Some(scopes) => {
                let stored = self.backend.store.get(&self.key(key))?;
                self.seen(stored, scopes, now)
            }
            None => self.look_closely(key, now),
        }
    }

    /// The same, and believes nothing: for who is about to make the value.
    pub(super) fn look_closely(&self, key: &[u8], now: Duration) -> Result<Seen<V>> {
        let (mut found, scopes) = self.read(vec![self.key(key)], now)?;
        self.seen(found.pop().flatten(), scopes, now)
    }

    pub(super) fn look_many(&self, keys: &[&[u8]], now: Duration) -> Result<Vec<Seen<V>>> {
        let (found, scopes) = self.read(keys.iter().map(|key| self.key(key)).collect(), now)?;
        found.into_iter().map(|stored| self.seen(stored, scopes, now)).collect()
    }

    /// Where a value stands whose making begins now.
    pub(super) fn origin(&self, now: Duration) -> Result<Origin> {
        let (_, scopes) = self.read(Vec::new(), now)?;
        if let Some(origin) = scopes.origin() {
            return Ok(origin);
        }
        let cache = self.invalidations.begin(now)?.began();
        let region = match &self.place.region {
            None => Default::default(),
            Some(region) => region.begin(now)?.began().generation,
        };
        Ok(Origin { local: 0, cache, region })
    }

    fn seen(&self, stored: Option<Stored>, scopes: Scopes, now: Duration) -> Result<Seen<V>> {
        let origin = if scopes.is_believed { None } else { scopes.origin() };
        let nothing = Seen::nothing(origin);
        let Some(stored) = stored else { return Ok(nothing) };
        let nothing = Seen { version: Some(stored.version), ..nothing };
        match envelope::read(&stored.bytes, &*self.codec) {
            Content::Value(value, age) => {
                let invalidated = self.judge(&age, scopes, now)?;
                Ok(Seen { slot: Some(Slot { value, age }), invalidated, ..nothing })
            }
            Content::Nothing => Ok(nothing),
            Content::Damaged => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                Ok(nothing)
            }
        }
    }

    fn judge(&self, age: &Age, scopes: Scopes, now: Duration) -> Result<Invalidated> {
        let invalidated = match scopes.judge(&age.origin) {
            Some(invalidated) => invalidated,
            // An epoch may have begun since that was read.
            None if scopes.is_believed => {
                let (_, scopes) = self.read(Vec::new(), now)?;
                scopes.judge(&age.origin).unwrap_or(Invalidated::Hard)
            }
            None => Invalidated::Hard,
        };
        match &age.tags {
            Some(tags) if invalidated != Invalidated::Hard => {
                let began = age.origin.cache.generation;
                let is_gone = self.invalidations.is_tag_invalidated(tags, began, now)?;
                Ok(if is_gone { Invalidated::Hard } else { invalidated })
            }
            _ => Ok(invalidated),
        }
    }

    pub(super) fn keep(
        &self,
        key: &[u8],
        slot: &Slot<V>,
        ttl: Option<Duration>,
        when: When,
        now: Duration,
    ) -> Result<bool> {
        let Age { origin, cost, tags, .. } = &slot.age;
        if let Some(tags) = tags
            && !self.invalidations.may_keep(tags, &origin.cache, ttl, *cost, now)?
        {
            return Ok(false);
        }
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

//! Values in a store that Python's caches share: see [`python`](crate::cache::python).
//!
//! Such an entry has no place for what a record of this library has: the position in the order of
//! invalidations, the cost, the tags. So invalidations are those of this process, by the times of entries, as
//! in dogpile.cache; and a removed value leaves nothing behind, so that only the flights of this process learn
//! of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Many;
use crate::backend::AnyBackend;
use crate::cache::freshness::{Age, InvalidationScope, Lookup, Origin, Slot};
use crate::cache::order::Invalidated;
use crate::cache::python::{Entry, Form, Keys, Lives};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::store::{Precondition, Put, Stored};

pub(in crate::cache) struct Python<V> {
    /// Its store has the keys and the bytes of the server.
    backend: AnyBackend,
    cache: Arc<Cache<V>>,
}

/// What all handles to the cache share.
struct Cache<V> {
    name: Box<str>,
    keys: Keys,
    form: Arc<dyn Form<V>>,
    /// How long the store keeps an entry; `None` is as long as it may be returned.
    stored_for: Option<Duration>,
    /// The namespace that `clear` empties; why it cannot, if there is none.
    all: Result<Namespace, &'static str>,
    own: Marks,
    region: Arc<Marks>,
}

/// The invalidations of this process. Entries that are not younger are invalid.
#[derive(Debug, Default)]
pub(in crate::cache) struct Marks {
    /// Microseconds.
    hard: AtomicU64,
    soft: AtomicU64,
}

impl Marks {
    pub(in crate::cache) fn invalidate(&self, now: Timestamp, is_soft: bool) {
        let mark = if is_soft { &self.soft } else { &self.hard };
        mark.fetch_max(now.as_micros(), Ordering::Relaxed);
    }

    fn judge(&self, made_at: Timestamp) -> Invalidated {
        let is_older = |mark: &AtomicU64| made_at.as_micros() <= mark.load(Ordering::Relaxed);
        match (is_older(&self.hard), is_older(&self.soft)) {
            (true, _) => Invalidated::Hard,
            (false, true) => Invalidated::Softly,
            (false, false) => Invalidated::No,
        }
    }
}

/// What a region decides for a cache that Python shares.
pub(in crate::cache) struct Terms<V> {
    pub(in crate::cache) keys: Keys,
    pub(in crate::cache) form: Arc<dyn Form<V>>,
    pub(in crate::cache) stored_for: Option<Duration>,
    pub(in crate::cache) all: Result<Namespace, &'static str>,
    pub(in crate::cache) region: Arc<Marks>,
}

impl<V: 'static> Python<V> {
    pub(in crate::cache) fn new(backend: AnyBackend, name: &str, terms: Terms<V>) -> Python<V> {
        let Terms { keys, form, stored_for, all, region } = terms;
        let own = Marks::default();
        let cache = Cache { name: name.into(), keys, form, stored_for, all, own, region };
        Python { backend, cache: Arc::new(cache) }
    }

    /// Returns the same values through another handle to their store.
    #[cfg(feature = "tokio")]
    pub(super) fn through(&self, backend: AnyBackend) -> Python<V> {
        Python { backend, cache: Arc::clone(&self.cache) }
    }

    pub(super) fn backend(&self) -> &AnyBackend {
        &self.backend
    }

    #[cfg(feature = "metrics")]
    pub(super) fn name(&self) -> &str {
        &self.cache.name
    }

    pub(super) fn lock_key(&self, key: &[u8]) -> Result<Key> {
        self.cache.keys.lock(key)
    }

    pub(super) async fn look(&self, key: &[u8], ttl: Option<Duration>) -> Result<Lookup<V>> {
        let key = self.cache.keys.entry(key)?;
        let stored = self.backend.store.get(&key).await?;
        self.cache.seen(&key, stored, ttl)
    }

    pub(super) async fn look_many(
        &self,
        keys: &[&[u8]],
        ttl: Option<Duration>,
    ) -> Result<Vec<Lookup<V>>> {
        let keys = self.entries(keys)?;
        let found = self.backend.store.get_many(&keys).await?;
        keys.iter().zip(found).map(|(key, stored)| self.cache.seen(key, stored, ttl)).collect()
    }

    pub(super) async fn keep(
        &self,
        key: &[u8],
        slot: &Slot<V>,
        ttl: Option<Duration>,
        when: Precondition,
        now: Timestamp,
    ) -> Result<bool> {
        let key = self.cache.keys.entry(key)?;
        let bytes = self.cache.encode(slot, now)?;
        let ttl = self.cache.stored_for.or(ttl);
        Ok(self.backend.store.put(&key, &bytes, ttl, when).await?.is_some())
    }

    pub(super) async fn keep_many(&self, entries: &[Many<V>], now: Timestamp) -> Result<()> {
        let mut encoded = Vec::with_capacity(entries.len());
        for (key, slot, ttl) in entries {
            let ttl = self.cache.stored_for.or(*ttl);
            encoded.push((self.cache.keys.entry(key)?, self.cache.encode(slot, now)?, ttl));
        }
        let puts: Vec<Put<'_>> =
            encoded.iter().map(|(key, bytes, ttl)| Put { key, bytes, ttl: *ttl }).collect();
        self.backend.store.put_many(&puts).await
    }

    pub(super) async fn remove_if(&self, key: &[u8], when: Precondition) -> Result<bool> {
        self.backend.store.delete(&self.cache.keys.entry(key)?, when).await
    }

    pub(super) async fn remove_many(&self, keys: &[&[u8]]) -> Result<()> {
        self.backend.store.delete_many(&self.entries(keys)?).await
    }

    /// Removes all values of the cache, where its keys have a common beginning.
    pub(super) async fn clear(&self, now: Timestamp) -> Result<()> {
        let Cache { name, all, .. } = &*self.cache;
        let refused = |why| Error::config(format!("the cache `{name}` cannot be cleared: {why}"));
        let all = all.as_ref().map_err(refused)?;
        self.cache.own.invalidate(now, false);
        self.backend.store.clear(all).await
    }

    pub(super) fn invalidate(&self, what: InvalidationScope<'_>, now: Timestamp) -> Result<()> {
        match what {
            InvalidationScope::All => self.cache.own.invalidate(now, false),
            InvalidationScope::Softly => self.cache.own.invalidate(now, true),
            InvalidationScope::Tag(_) => return Err(self.cache.no_tags()),
        }
        Ok(())
    }

    fn entries(&self, keys: &[&[u8]]) -> Result<Vec<Key>> {
        keys.iter().map(|key| self.cache.keys.entry(key)).collect()
    }
}

impl<V> Cache<V> {
    fn seen(&self, key: &Key, stored: Option<Stored>, ttl: Option<Duration>) -> Result<Lookup<V>> {
        let nothing = Lookup::nothing(Some(Origin::default()));
        let Some(Stored { bytes, version }) = stored else { return Ok(nothing) };
        let nothing = Lookup { version: Some(version), ..nothing };
        let entry = self.form.decode(&bytes).map_err(|error| {
            Error::codec(format!(
                "the cache `{}`, which Python shares, has something at {key:?} that cannot be returned: {error}; \
                 it is left alone: remove it, or ask for the type of value that Python puts there",
                self.name
            ))
            .caused_by(error)
        })?;
        let Some(Entry { value, made_at, lives }) = entry else { return Ok(nothing) };
        let lives = match lives {
            Lives::AsReaderSays => ttl,
            Lives::For(time) => Some(time),
            Lives::Forever => None,
        };
        let (origin, fresh_until) = (Origin::default(), lives.map(|time| made_at + time));
        let age = Age { made_at, origin, fresh_until, cost: Duration::ZERO, tags: None };
        let invalidated = self.own.judge(made_at).max(self.region.judge(made_at));
        Ok(Lookup { slot: Some(Slot { value, age }), invalidated, ..nothing })
    }

    /// Encodes an entry that is stored now.
    fn encode(&self, slot: &Slot<V>, now: Timestamp) -> Result<Vec<u8>> {
        if slot.age.tags.is_some() {
            return Err(self.no_tags());
        }
        let ttl = slot.age.fresh_until.map(|until| until.since(now));
        self.form.encode(&slot.value, now, ttl)
    }

    fn no_tags(&self) -> Error {
        Error::config(format!(
            "the cache `{}` is shared with Python, whose entries have no tags; leave the tag out, or remove \
             the keys themselves",
            self.name
        ))
    }
}

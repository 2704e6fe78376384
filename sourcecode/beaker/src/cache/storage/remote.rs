//! Values as bytes in a store, encoded by a codec.
//!
//! A value is a [record](crate::record). Its payload begins with the position of the computation in the
//! order of invalidations, the time that it took, and the tags.
//!
//! | bytes of the payload | what |
//! |---|---|
//! | 0 to 15 | epoch and count of the cache's invalidations, from before the computation |
//! | 16 to 31 | the same of the region; zeros without a region |
//! | 32 to 35 | how long the computation took: microseconds |
//! | 36 | the number of tags |
//! | then, for each tag | 2 bytes: its length; then its text |
//! | the rest | the encoded value |
//!
//! Numbers are little-endian.

use std::borrow::Cow;
use std::convert::Infallible;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Many;
use crate::backend::AnyBackend;
use crate::cache::freshness::{Age, InvalidationScope, Lookup, Origin, Slot, Tags};
use crate::cache::order::Invalidated;
use crate::cache::policy::KeyMangler;
use crate::cache::shared_invalidations::{
    Began, Generation, Invalidations, REMEMBERED, SharedInvalidations,
};
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace, sha256_hex};
use crate::record::{Header, Record};
use crate::store::{Precondition, Put, Stored};

pub(in crate::cache) struct Remote<V> {
    pub(in crate::cache) backend: AnyBackend,
    namespace: Namespace,
    /// A computation holds the lock of its key in this namespace.
    creating: Namespace,
    codec: Arc<dyn Codec<V>>,
    invalidations: SharedInvalidations,
    place: Place,
    damaged: Arc<AtomicU64>,
}

/// What is known about the invalidations of a cache, and of its region if it has one.
#[derive(Clone, Copy)]
struct Scopes {
    /// `None` if there is no record yet.
    cache: Option<Invalidations>,
    /// The same for the region, if there is one.
    region: Option<Option<Invalidations>>,
    /// It comes from a recent reading, and not from this moment.
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

    /// Returns their effect on a value of this origin; `None` if a new epoch has begun since.
    fn judge(&self, origin: &Origin) -> Option<Invalidated> {
        let cache = self.cache?.judge(origin.cache.generation)?;
        match self.region {
            None => Some(cache),
            Some(region) => Some(cache.max(region?.judge(origin.region)?)),
        }
    }
}

/// What a region sets for its caches.
#[derive(Clone, Default)]
pub(in crate::cache) struct Place {
    /// The invalidations of the whole region.
    pub(in crate::cache) region: Option<Arc<SharedInvalidations>>,
    /// Changes keys, before they are shortened.
    pub(in crate::cache) key_mangler: Option<KeyMangler>,
    /// A longer key is shortened; `None` leaves that to the store.
    pub(in crate::cache) key_length: Option<usize>,
}

impl Place {
    fn name<'a>(&self, key: &'a [u8]) -> Cow<'a, [u8]> {
        let key = match &self.key_mangler {
            None => Cow::Borrowed(key),
            Some(mangle) => Cow::Owned(mangle(key)),
        };
        match self.key_length {
            None => key,
            Some(longest) => match key {
                Cow::Borrowed(key) => shorten(key, longest),
                Cow::Owned(key) => Cow::Owned(shorten(&key, longest).into_owned()),
            },
        }
    }
}

impl<V: 'static> Remote<V> {
    pub(in crate::cache) fn new(
        backend: AnyBackend,
        name: &str,
        codec: Arc<dyn Codec<V>>,
        place: Place,
    ) -> Remote<V> {
        let namespace = Namespace::new(name);
        let invalidations = SharedInvalidations::of_cache(backend.store.clone(), name);
        let creating = Namespace::new(&format!("beaker.creating:{name}"));
        let damaged = Arc::default();
        Remote { backend, namespace, creating, codec, invalidations, place, damaged }
    }

    /// Returns the same values through another handle to their store, with everything that this process
    /// knows about them.
    #[cfg(feature = "tokio")]
    pub(in crate::cache) fn through(&self, backend: AnyBackend) -> Remote<V> {
        let store = || backend.store.clone();
        let region = self.place.region.as_ref();
        Remote {
            namespace: self.namespace.clone(),
            creating: self.creating.clone(),
            codec: Arc::clone(&self.codec),
            invalidations: self.invalidations.through(store()),
            place: Place {
                region: region.map(|region| Arc::new(region.through(store()))),
                key_mangler: self.place.key_mangler.clone(),
                key_length: self.place.key_length,
            },
            damaged: Arc::clone(&self.damaged),
            backend,
        }
    }

    /// Returns the name of the cache.
    #[cfg(feature = "metrics")]
    pub(in crate::cache) fn name(&self) -> &str {
        self.namespace.name()
    }

    fn key(&self, key: &[u8]) -> Key {
        self.namespace.key(self.place.name(key))
    }

    pub(in crate::cache) fn lock_key(&self, key: &[u8]) -> Key {
        self.creating.key(self.place.name(key))
    }

    /// Returns what was read recently about the invalidations of the cache and the region.
    fn known(&self, now: Duration) -> Option<Scopes> {
        let cache = self.invalidations.known(now)?;
        let region = match &self.place.region {
            None => None,
            Some(region) => Some(region.known(now)?),
        };
        Some(Scopes { cache, region, is_believed: true })
    }

    /// Reads the values of these keys together with those invalidations, in one round trip.
    async fn read(
        &self,
        mut wanted: Vec<Key>,
        now: Duration,
    ) -> Result<(Vec<Option<Stored>>, Scopes)> {
        let count = wanted.len();
        let all = || iter::once(&self.invalidations).chain(self.place.region.as_deref());
        wanted.extend(all().map(SharedInvalidations::key));
        let mut found = self.backend.store.get_many(&wanted).await?;
        let mut read =
            all().zip(found.drain(count..)).map(|(it, stored)| it.note(stored.as_ref(), now));
        let scopes =
            Scopes { cache: read.next().flatten(), region: read.next(), is_believed: false };
        drop(read);
        Ok((found, scopes))
    }

    /// Looks up a key in one round trip, together with the invalidations if they were not read recently.
    pub(in crate::cache) async fn look(&self, key: &[u8], now: Duration) -> Result<Lookup<V>> {
        match self.known(now) {
            Some(scopes) => {
                let stored = self.backend.store.get(&self.key(key)).await?;
                self.seen(stored, scopes, now).await
            }
            None => self.look_closely(key, now).await,
        }
    }

    /// Does the same without cached invalidations, for a computation.
    pub(in crate::cache) async fn look_closely(
        &self,
        key: &[u8],
        now: Duration,
    ) -> Result<Lookup<V>> {
        let (mut found, scopes) = self.read(vec![self.key(key)], now).await?;
        self.seen(found.pop().flatten(), scopes, now).await
    }

    pub(in crate::cache) async fn look_many(
        &self,
        keys: &[&[u8]],
        now: Duration,
    ) -> Result<Vec<Lookup<V>>> {
        let wanted = keys.iter().map(|key| self.key(key)).collect();
        let (found, scopes) = self.read(wanted, now).await?;
        let mut all = Vec::with_capacity(found.len());
        for stored in found {
            all.push(self.seen(stored, scopes, now).await?);
        }
        Ok(all)
    }

    /// Returns the origin of a value whose computation begins now. A lookup without cached invalidations
    /// returns it too.
    pub(in crate::cache) async fn origin(
        &self,
        seen: Option<Origin>,
        now: Duration,
    ) -> Result<Origin> {
        if let Some(origin) = seen {
            return Ok(origin);
        }
        let (_, scopes) = self.read(Vec::new(), now).await?;
        if let Some(origin) = scopes.origin() {
            return Ok(origin);
        }
        let cache = self.invalidations.begin(now).await?.began();
        let region = match &self.place.region {
            None => Default::default(),
            Some(region) => region.begin(now).await?.began().generation,
        };
        Ok(Origin { local: 0, cache, region })
    }

    async fn seen(
        &self,
        stored: Option<Stored>,
        scopes: Scopes,
        now: Duration,
    ) -> Result<Lookup<V>> {
        let origin = if scopes.is_believed { None } else { scopes.origin() };
        let nothing = Lookup::nothing(origin);
        let Some(stored) = stored else { return Ok(nothing) };
        let nothing = Lookup { version: Some(stored.version), ..nothing };
        match decode(&stored.bytes, &*self.codec) {
            Content::Value(value, age) => {
                let invalidated = self.judge(&age, scopes, now).await?;
                Ok(Lookup { slot: Some(Slot { value, age }), invalidated, ..nothing })
            }
            Content::Nothing => Ok(nothing),
            Content::Damaged => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                Ok(nothing)
            }
        }
    }

    async fn judge(&self, age: &Age, scopes: Scopes, now: Duration) -> Result<Invalidated> {
        let invalidated = match scopes.judge(&age.origin) {
            Some(invalidated) => invalidated,
            // A new epoch may have begun since it was read.
            None if scopes.is_believed => {
                let (_, scopes) = self.read(Vec::new(), now).await?;
                scopes.judge(&age.origin).unwrap_or(Invalidated::Hard)
            }
            None => Invalidated::Hard,
        };
        match &age.tags {
            Some(tags) if invalidated != Invalidated::Hard => {
                let began = age.origin.cache.generation;
                let is_gone = self.invalidations.is_tag_invalidated(tags, began, now).await?;
                Ok(if is_gone { Invalidated::Hard } else { invalidated })
            }
            _ => Ok(invalidated),
        }
    }

    pub(in crate::cache) async fn keep(
        &self,
        key: &[u8],
        slot: &Slot<V>,
        ttl: Option<Duration>,
        when: Precondition,
        now: Duration,
    ) -> Result<bool> {
        let Age { origin, cost, tags, .. } = &slot.age;
        if let Some(tags) = tags
            && !self.invalidations.may_keep(tags, &origin.cache, ttl, *cost, now).await?
        {
            return Ok(false);
        }
        let bytes = encode(&slot.value, &slot.age, &*self.codec)?;
        Ok(self.backend.store.put(&self.key(key), &bytes, ttl, when).await?.is_some())
    }

    /// Stores many values without a condition, and returns which: values with tags may have been
    /// invalidated meanwhile.
    pub(in crate::cache) async fn keep_many(
        &self,
        entries: &[Many<V>],
        now: Duration,
    ) -> Result<Vec<bool>> {
        let (mut kept, mut encoded) = (Vec::new(), Vec::new());
        for (key, slot, ttl) in entries {
            let Age { origin, cost, tags, .. } = &slot.age;
            let may_keep = match tags {
                None => true,
                Some(tags) => {
                    self.invalidations.may_keep(tags, &origin.cache, *ttl, *cost, now).await?
                }
            };
            if may_keep {
                encoded.push((self.key(key), encode(&slot.value, &slot.age, &*self.codec)?, *ttl));
            }
            kept.push(may_keep);
        }
        let puts: Vec<Put<'_>> =
            encoded.iter().map(|(key, bytes, ttl)| Put { key, bytes, ttl: *ttl }).collect();
        self.backend.store.put_many(&puts).await?;
        Ok(kept)
    }

    pub(in crate::cache) async fn remove_many(&self, keys: &[&[u8]], now: Timestamp) -> Result<()> {
        let nothing = encode_nothing(now);
        let keys: Vec<Key> = keys.iter().map(|key| self.key(key)).collect();
        let put = |key| Put { key, bytes: &nothing, ttl: Some(REMEMBERED) };
        let puts: Vec<Put<'_>> = keys.iter().map(put).collect();
        self.backend.store.put_many(&puts).await
    }

    /// Writes a record without a value. A running computation of this key finds it, and its result is not
    /// stored.
    pub(in crate::cache) async fn remove(&self, key: &[u8], now: Timestamp) -> Result<()> {
        self.remove_if(key, Precondition::Always, now).await.map(drop)
    }

    /// Does the same on a condition, and returns whether it was met.
    pub(in crate::cache) async fn remove_if(
        &self,
        key: &[u8],
        when: Precondition,
        now: Timestamp,
    ) -> Result<bool> {
        let (key, nothing) = (self.key(key), encode_nothing(now));
        let put = self.backend.store.put(&key, &nothing, Some(REMEMBERED), when).await?;
        Ok(put.is_some())
    }

    /// Removes all values, and invalidates the results of running loaders.
    pub(in crate::cache) async fn clear(&self, now: Duration) -> Result<()> {
        self.invalidations.invalidate(now).await?;
        self.backend.store.clear(&self.namespace).await
    }

    pub(in crate::cache) async fn invalidate(
        &self,
        scope: InvalidationScope<'_>,
        now: Duration,
    ) -> Result<()> {
        match scope {
            InvalidationScope::All => self.invalidations.invalidate(now).await,
            InvalidationScope::Softly => self.invalidations.invalidate_softly(now).await,
            InvalidationScope::Tag(tag) => self.invalidations.invalidate_tag(tag, now).await,
        }
    }

    pub(in crate::cache) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

/// Stands for the tag of a codec in a record without a value.
const NOTHING: u8 = 0;

/// The content of a record.
enum Content<V> {
    Value(V, Age),
    Nothing,
    /// Damaged, or written by another codec or for another type.
    Damaged,
}

fn encode<V: 'static>(value: &V, age: &Age, codec: &dyn Codec<V>) -> Result<Vec<u8>> {
    let header =
        Header { codec: codec.tag(), stored_at: age.made_at, fresh_until: age.fresh_until };
    header.build(|bytes| {
        for Generation { epoch, count } in [age.origin.cache.generation, age.origin.region] {
            bytes.extend(epoch.to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        let cost = u32::try_from(age.cost.as_micros()).unwrap_or(u32::MAX);
        bytes.extend(cost.to_le_bytes());
        let tags = age.tags.as_deref().unwrap_or_default();
        let too_many = || Error::config("a value has 255 tags of 65,535 bytes at most");
        bytes.push(u8::try_from(tags.len()).map_err(|_| too_many())?);
        for tag in tags {
            let length = u16::try_from(tag.len()).map_err(|_| too_many())?;
            bytes.extend(length.to_le_bytes());
            bytes.extend(tag.as_bytes());
        }
        codec.encode_into(value, bytes)
    })
}

fn encode_nothing(now: Timestamp) -> Vec<u8> {
    let header = Header { codec: NOTHING, stored_at: now, fresh_until: None };
    header.build(|_| Ok::<(), Infallible>(())).unwrap_or_else(|never| match never {})
}

fn decode<V: 'static>(bytes: &[u8], codec: &dyn Codec<V>) -> Content<V> {
    match Record::read(bytes) {
        Some(record) if record.header.codec == NOTHING => Content::Nothing,
        Some(record) if record.header.codec == codec.tag() => {
            let parts = || {
                let (cache, rest) = generation(record.payload)?;
                let (region, rest) = generation(rest)?;
                let (cost, tags, encoded) = parts(rest)?;
                let origin = Origin { local: 0, cache: Began::at(cache), region };
                let Header { stored_at, fresh_until, .. } = record.header;
                let age = Age { made_at: stored_at, origin, fresh_until, cost, tags };
                Some((codec.decode(encoded).ok()?, age))
            };
            parts().map_or(Content::Damaged, |(value, age)| Content::Value(value, age))
        }
        _ => Content::Damaged,
    }
}

fn generation(bytes: &[u8]) -> Option<(Generation, &[u8])> {
    let (epoch, rest) = bytes.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let [epoch, count] = [*epoch, *count].map(u64::from_le_bytes);
    Some((Generation { epoch, count }, rest))
}

fn parts(payload: &[u8]) -> Option<(Duration, Tags, &[u8])> {
    let (cost, rest) = payload.split_first_chunk::<4>()?;
    let cost = Duration::from_micros(u32::from_le_bytes(*cost).into());
    let (&count, mut rest) = rest.split_first()?;
    let mut tags: Vec<Box<str>> = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (tag, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
        tags.push(str::from_utf8(tag).ok()?.into());
        rest = after;
    }
    Some((cost, (count > 0).then(|| tags.into()), rest))
}

/// Separates the rest of the key from its hash.
const MARK: u8 = b'~';
const TAIL: usize = 1 + 64;

/// Shortens a key of more than `longest` bytes (at least 65) to its beginning, `~` and the SHA-256 hash of
/// the whole key, as in [`Key::wire`](crate::key::Key::wire). A key that already looks like that is hashed
/// as well, so that no two keys share a name.
fn shorten(key: &[u8], longest: usize) -> Cow<'_, [u8]> {
    let beginning = longest.saturating_sub(TAIL);
    let looks_hashed = key.len() == longest && key.get(beginning) == Some(&MARK);
    if key.len() <= longest && !looks_hashed {
        return Cow::Borrowed(key);
    }
    Cow::Owned([&key[..beginning], &[MARK], sha256_hex(key).as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Bincode, Json};

    fn age(tags: &[&str]) -> Age {
        let tags: Vec<Box<str>> = tags.iter().map(|tag| (*tag).into()).collect();
        Age {
            made_at: Timestamp::from_micros(5),
            origin: Origin {
                local: 0,
                cache: Began::at(Generation { epoch: u64::MAX, count: 3 }),
                region: Generation { epoch: 1, count: 0 },
            },
            fresh_until: Some(Timestamp::from_micros(9)),
            cost: Duration::from_millis(50),
            tags: (!tags.is_empty()).then(|| tags.into()),
        }
    }

    #[test]
    fn decode_inverts_encode() {
        for tags in [&[][..], &["a"], &["table:person", "", "España"]] {
            let bytes = encode(&"Kimi".to_owned(), &age(tags), &Bincode).unwrap();
            let Content::Value(value, found) = decode::<String>(&bytes, &Bincode) else {
                panic!("{tags:?}")
            };
            assert_eq!((value.as_str(), found), ("Kimi", age(tags)));
            assert!(matches!(decode::<String>(&bytes, &Json), Content::Damaged));
            assert!(matches!(decode::<Vec<u64>>(&bytes, &Bincode), Content::Damaged));
            for cut in 0..bytes.len() {
                assert!(matches!(decode::<String>(&bytes[..cut], &Bincode), Content::Damaged));
            }
        }
        let nothing = encode_nothing(Timestamp::from_micros(5));
        assert!(matches!(decode::<String>(&nothing, &Bincode), Content::Nothing));
    }

    #[test]
    fn too_many_tags_are_an_error() {
        let many = vec!["t"; 256];
        assert!(encode(&1, &age(&many), &Bincode).is_err());
        let long = "x".repeat(70_000);
        assert!(encode(&1, &age(&[&long]), &Bincode).is_err());
    }

    #[test]
    fn what_is_short_stays() {
        for key in ["", "a", &"a".repeat(80)] {
            assert_eq!(shorten(key.as_bytes(), 80), key.as_bytes());
        }
    }

    #[test]
    fn what_is_long_is_hashed_and_stays_distinct() {
        let names = [81, 82].map(|length| shorten(&vec![b'a'; length], 80).into_owned());
        assert!(names.iter().all(|name| name.len() == 80 && name.starts_with(&[b'a'; 15])));
        assert_ne!(names[0], names[1]);
        let forged = shorten(&names[0], 80);
        assert_ne!(forged, names[0], "a name cannot be mistaken for a hash");
    }
}

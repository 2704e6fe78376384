//! Stores values in one or several memcached servers. They are shared by hosts and lost when a server
//! restarts. When the memory of a server is full, it evicts the values that are used least. The server
//! removes expired values itself. Times to live are exact to the microsecond, by the clocks of the hosts.

mod commands;
mod counter;
#[cfg(feature = "python")]
mod raw;
mod servers;
#[cfg(feature = "python")]
mod verbatim;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use commands::Place;
use counter::Counter;
use memcache::exp::{Delete, GetResult, MutationResult, Set, Ttl};
use servers::{Mark, Pool};

use super::{KeyCursor, KeyPage, Precondition, Put, Store, Stored, Version, counter::check};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};

/// The limit of memcached by default, minus its overhead. It is checked here, because the server drops the
/// old value when it refuses a new one.
const LARGEST_VALUE: usize = 1024 * 1024 - 1024;

/// The protocol's times end in 2106. A longer time to live is stored in the item only.
const LONGEST_TTL: u64 = 10 * 365 * 24 * 3600;

/// Stores values in memcached servers with their meta commands (memcached 1.6 or later).
///
/// Reading, writing and incrementing take one round trip each. Deleting takes two, and so does replacing a
/// value that has expired. Counters expire with a precision of a millisecond, or of a second from 20 days
/// on.
///
/// memcached can only clear a whole server. Therefore `clear` writes an invalidation mark for the
/// namespace: every item with a smaller `cas` number, which means that it was written before, counts as
/// missing. A mark is cached for a second after it was read, so a `clear` by another process takes effect
/// up to a second later.
///
/// A value that has expired or was cleared, and is written with `Precondition::Unchanged` at just that
/// moment, may be visible for a short time: the write is undone when its answer shows that it came too
/// late.
#[must_use]
pub struct MemcachedStore {
    pool: Arc<Pool>,
    clock: Arc<dyn Clock>,
    damaged: AtomicU64,
}

impl MemcachedStore {
    /// Creates a store on these servers: `host:port`, with `;` between several. Connections are opened when
    /// they are needed. If a server does not respond for `deadline`, the operation returns an error.
    pub fn open(url: &str, deadline: Duration) -> Result<MemcachedStore> {
        let pool = Arc::new(Pool::new(url, deadline)?);
        Ok(MemcachedStore { pool, clock: Arc::new(SystemClock), damaged: AtomicU64::new(0) })
    }

    /// Sets the clock by which values expire. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> MemcachedStore {
        self.clock = clock;
        self
    }

    fn stored(&self, mark: Mark, item: &GetResult) -> Option<Stored> {
        let version = visible(mark, item)?;
        if let Some(counter) = Counter::read(item) {
            let lives = counter.is_after(mark) && !counter::is_over(item, self.clock.now());
            let text = || counter.count.to_string();
            return lives.then(|| Stored { bytes: text().into_bytes().into(), version });
        }
        match read_item(item.value.as_deref()?) {
            Some((expires, content)) => {
                self.lives(expires).then(|| Stored { bytes: content.into(), version })
            }
            None => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    fn lives(&self, expires: Option<Timestamp>) -> bool {
        expires.is_none_or(|expires| self.clock.now() < expires)
    }

    fn places<'a>(&'a self, keys: impl IntoIterator<Item = &'a Key>) -> Vec<Place<'a>> {
        keys.into_iter().map(|key| Place::of(&self.pool, key)).collect()
    }

    /// Replaces a value that has expired or was cleared, if it has not changed.
    fn put_over_the_dead(&self, place: &Place<'_>, set: Set) -> Result<Option<Version>> {
        let (mark, item) = place.look(self.clock.monotonic())?;
        let set = match item.item.cas.filter(|_| item.hit()) {
            Some(_) if self.stored(mark, &item).is_some() => return Ok(None),
            Some(dead) => set.compare_cas(dead),
            None => set.add(),
        };
        place.set(set).map(|result| version(&result))
    }
}

impl Store for MemcachedStore {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let (place, now) = (Place::of(&self.pool, key), self.clock.monotonic());
        let (mut mark, mut item) = place.get(now)?;
        if Counter::read(&item).is_some_and(|counter| !counter.is_after(mark)) {
            // One of the two is outdated.
            (mark, item) = place.look(now)?;
        }
        Ok(self.stored(mark, &item))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let place = Place::of(&self.pool, key);
        if bytes.len() > LARGEST_VALUE {
            return Err(place.too_large(bytes.len()));
        }
        let now = self.clock.now();
        let image = build_item(ttl.map(|ttl| now + ttl), bytes);
        let set = || Set::new(&place.wire, &image).ttl(server_ttl(ttl)).return_cas();
        match when {
            Precondition::Always => place.set(set()).map(|result| version(&result)),
            Precondition::Absent => match version(&place.set(set().add())?) {
                None => self.put_over_the_dead(&place, set()),
                written => Ok(written),
            },
            Precondition::Unchanged(old) => {
                let change =
                    place.change(set().compare_cas(old.number()), self.clock.monotonic())?;
                match version(&change.written) {
                    // It has expired or was cleared meanwhile, so the new value must not stay.
                    Some(new) if self.stored(change.mark, &change.before).is_none() => {
                        place.delete(Delete::new(&place.wire).compare_cas(new.number()))?;
                        Ok(None)
                    }
                    written => Ok(written),
                }
            }
        }
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let place = Place::of(&self.pool, key);
        let (mark, item) = place.look(self.clock.monotonic())?;
        let Some(current) = self.stored(mark, &item).map(|stored| stored.version) else {
            return Ok(false);
        };
        let delete = Delete::new(&place.wire);
        match when {
            Precondition::Always => place.delete(delete),
            _ if when.is_met_by(Some(current)) => {
                place.delete(delete.compare_cas(current.number()))
            }
            _ => Ok(false),
        }
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let items = commands::get_all(&self.places(keys), self.clock.monotonic())?;
        Ok(items.iter().map(|(mark, item)| self.stored(*mark, item)).collect())
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        let places = self.places(puts.iter().map(|put| put.key));
        let now = self.clock.now();
        let set = |(place, put): (&Place<'_>, &Put<'_>)| {
            if put.bytes.len() > LARGEST_VALUE {
                return Err(place.too_large(put.bytes.len()));
            }
            let item = build_item(put.ttl.map(|ttl| now + ttl), put.bytes);
            Ok(Set::new(&place.wire, item).ttl(server_ttl(put.ttl)))
        };
        let sets = places.iter().zip(puts).map(set).collect::<Result<Vec<_>>>()?;
        commands::set_all(&places, sets)
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        commands::delete_all(&self.places(keys))
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        check(key, by)?;
        self.add_to(&Place::of(&self.pool, key), by, ttl)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.pool.all().iter().try_for_each(|server| commands::clear(server, namespace))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Always returns an error, because the server has no reliable list of keys.
    fn keys(&self, namespace: &Namespace, _: Option<&KeyCursor>, _: usize) -> Result<KeyPage> {
        Err(Error::config(format!(
            "could not list the keys of {namespace:?}: memcached tells of the keys that it is asked for, and of \
             no others; a user's sessions are known by the user, and the rest ends by `clear` or its time to \
             live; for a list, take redis or a database"
        )))
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    #[cfg(feature = "python")]
    fn verbatim(&self, content: super::Content) -> Result<Option<super::Verbatim<dyn Store>>> {
        let (pool, clock) = (Arc::clone(&self.pool), Arc::clone(&self.clock));
        let same = MemcachedStore { pool, clock, damaged: AtomicU64::new(0) };
        let values = verbatim::VerbatimMemcached::new(same, content);
        Ok(Some(super::Verbatim::Memcached(Arc::new(values))))
    }
}

impl fmt::Debug for MemcachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemcachedStore").field(&self.pool.addresses()).finish()
    }
}

/// Returns the version of the item, unless its namespace was cleared after it was written.
fn visible(mark: Mark, item: &GetResult) -> Option<Version> {
    let cas = item.item.cas.filter(|_| item.hit())?;
    mark.is_none_or(|mark| mark.cas < cas).then(|| Version::new(cas))
}

/// Returns the version that was written, if a write took place.
fn version(result: &MutationResult) -> Option<Version> {
    result.cas.filter(|_| result.applied()).map(Version::new)
}

/// More than a second longer than the item lives, because the server's clock ticks once a second, and it
/// must never drop the item too early.
fn server_ttl(ttl: Option<Duration>) -> Ttl {
    match ttl.map(|ttl| ttl.as_secs().saturating_add(2)) {
        Some(seconds) if seconds < LONGEST_TTL => Ttl::secs(seconds as u32),
        _ => Ttl::NEVER,
    }
}

/// Builds the content of an item: the time of expiry, followed by the bytes that were put.
///
/// memcached counts in whole seconds, so each item contains its own time of expiry: 8 bytes, microseconds
/// since 1970, little-endian; 0 means never. A time so far away that it would read as digits means never
/// too, because an item of digits is a counter.
fn build_item(expires: Option<Timestamp>, content: &[u8]) -> Vec<u8> {
    let expires = expires.filter(|expires| expires.as_micros() < u64::from_le_bytes([b'0'; 8]));
    let mut bytes = Vec::with_capacity(8 + content.len());
    bytes.extend(expires.map_or(0, Timestamp::as_micros).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// Returns the time of expiry and the bytes that were put; `None` if the item was not written by this
/// store.
fn read_item(bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    let (expires, content) = bytes.split_first_chunk::<8>()?;
    let expires = u64::from_le_bytes(*expires);
    Some(((expires != 0).then(|| Timestamp::from_micros(expires)), content))
}

//! Caches that a program in Python shares: their entries stand in the store as dogpile.cache or Beaker
//! writes them, under its keys, and both sides compute a value once where Python locks in the store too.
//!
//! A region chooses this, with [`RegionOptions::shared_with_dogpile`] or
//! [`RegionOptions::shared_with_beaker`].
//!
//! [`RegionOptions::shared_with_dogpile`]: super::RegionOptions::shared_with_dogpile
//! [`RegionOptions::shared_with_beaker`]: super::RegionOptions::shared_with_beaker
//!
//! | file | what is there |
//! |---|---|
//! | `dogpile` | the options of dogpile.cache, and its entries |
//! | `beaker` | the entries of Beaker's cache |
//! | `pickled` | values and entries that are pickled |
//! | `keys` | the keys of both, and the helpers with which Python makes them |
//! | `place` | where the entries are: the store behind a backend, as Python sees it |
//! | `region` | what a region has that is shared |
//! | `locks`, `async_locks` | the locks that Python takes in the store, and on files |
//!
//! The operations of a cache on such entries are in `storage/python.rs`.

#[cfg(feature = "tokio")]
mod async_locks;
mod beaker;
mod dogpile;
mod keys;
mod locks;
mod pickled;
mod place;
mod region;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "tokio")]
use async_locks::AsyncPythonLocks;
pub use beaker::BeakerCacheFormat;
pub use dogpile::DogpileFormat;
pub(super) use keys::Keys;
use locks::{FileLocksOfBeaker, PythonLocks};
pub(super) use place::Place;
use place::{Kind, LocksOf};
pub(super) use region::SharedRegion;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::policy::KeyMangler;
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::key::Namespace;
use crate::store::Content;

/// What an entry tells.
#[derive(Debug, PartialEq)]
pub(super) struct Entry<V> {
    pub(super) value: V,
    pub(super) made_at: Timestamp,
    /// For how long after that it is fresh, if the entry says so and not the program that reads it.
    pub(super) lives: Lives,
}

/// Who says for how long an entry is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lives {
    /// The program that reads it.
    AsReaderSays,
    /// The entry itself.
    For(Duration),
    Forever,
}

/// An entry as bytes, for values of one type.
pub(super) trait Form<V>: Send + Sync {
    /// Encodes an entry that is made at this moment.
    fn encode(&self, value: &V, made_at: Timestamp, ttl: Option<Duration>) -> Result<Vec<u8>>;

    /// Decodes an entry. Returns `None` for one that Python takes for missing as well. The error says what is
    /// wrong, without the key.
    fn decode(&self, bytes: &[u8]) -> Result<Option<Entry<V>>>;
}

/// With whom a region shares its entries, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SharedFormat {
    Dogpile(DogpileFormat),
    Beaker(BeakerCacheFormat),
}

/// Which options of a region are set that need room in an entry, or a place of their own.
pub(super) struct Chosen {
    pub(super) in_memory: bool,
    pub(super) local_tier: bool,
    pub(super) key_length: bool,
    pub(super) refresh_early: bool,
    pub(super) jitter: bool,
}

impl SharedFormat {
    /// Refuses what these entries cannot hold, all of it at once.
    pub(super) fn check(&self, region: &str, chosen: &Chosen) -> Result<()> {
        let mut refused = Vec::new();
        let mut refuse = |is_set: bool, what: &str| {
            if is_set {
                refused.push(what.to_owned());
            }
        };
        refuse(chosen.in_memory, "`in_memory`: there is no store to share");
        let tier = "`local_tier`: it would not see what Python writes and deletes";
        refuse(chosen.local_tier, tier);
        let length = "`key_length`: Python would not find a shortened key";
        refuse(chosen.key_length, length);
        let early = "`refresh_early`: an entry does not tell what its computation took";
        refuse(chosen.refresh_early, early);
        match self {
            SharedFormat::Dogpile(format) => {
                let jitter = "`jitter`: an entry does not tell when it expires";
                refuse(chosen.jitter, jitter);
                refused.extend(format.problems());
            }
            SharedFormat::Beaker(_) => {}
        }
        match refused.is_empty() {
            true => Ok(()),
            false => Err(Error::config(format!(
                "the region `{region}` is shared with {}, which does not go together with {}; leave that out",
                self.partner(),
                refused.join("; ")
            ))),
        }
    }

    /// Returns with whom, for messages.
    pub(super) fn partner(&self) -> &'static str {
        match self {
            SharedFormat::Dogpile(_) => "dogpile.cache",
            SharedFormat::Beaker(_) => "Beaker",
        }
    }

    /// Returns the entries of values that serde encodes.
    pub(super) fn form<V>(&self, place: &Place) -> Arc<dyn Form<V>>
    where
        V: Serialize + DeserializeOwned + 'static,
    {
        match self {
            SharedFormat::Dogpile(format) => format.form(place),
            SharedFormat::Beaker(format) => format.form(),
        }
    }

    /// Returns the entries of values that this codec encodes.
    pub(super) fn form_of<V: 'static>(&self, codec: impl Codec<V>) -> Result<Arc<dyn Form<V>>> {
        match self {
            SharedFormat::Dogpile(format) => format.form_of(codec),
            SharedFormat::Beaker(_) => {
                Err(Error::config("Beaker's values are pickled, and take no codec: ask `cache`"))
            }
        }
    }

    /// Returns the keys of the cache that has this name.
    fn keys(&self, mangler: Option<KeyMangler>, cache: &str, place: &Place) -> Keys {
        match self {
            SharedFormat::Dogpile(format) => format.keys(mangler, place),
            SharedFormat::Beaker(format) => format.keys_in(cache, mangler, place.kind),
        }
    }

    /// Returns what the client of the server notes beside an entry.
    pub(super) fn content(&self) -> Content {
        match self {
            SharedFormat::Dogpile(format) => format.content(),
            SharedFormat::Beaker(_) => Content::Pickle,
        }
    }

    /// Returns the locks of a computation, if they are not those of the backend.
    fn locks(&self, kind: Kind, folder: Option<PathBuf>) -> Option<LocksOf> {
        match self {
            SharedFormat::Dogpile(format) => format.lock.map(LocksOf::Store),
            SharedFormat::Beaker(format) => format.locks(kind, folder),
        }
    }

    fn is_in(&self, kind: Kind) -> bool {
        matches!(self, SharedFormat::Beaker(_)) || kind != Kind::Files
    }

    /// Returns where such entries can be, for messages.
    fn places(&self) -> &'static str {
        match self {
            SharedFormat::Dogpile(_) => "redis or memcached",
            SharedFormat::Beaker(_) => "redis, memcached or files",
        }
    }

    /// Returns the namespace that holds all entries of a cache and no others, or why there is none.
    fn all(&self, cache: &str, place: &Place) -> Result<Namespace, &'static str> {
        match self {
            SharedFormat::Dogpile(_) => Err(
                "the keys of dogpile.cache have no common beginning; invalidate it, or remove the keys",
            ),
            SharedFormat::Beaker(format) => format.all(cache, place.kind),
        }
    }

    /// Returns how long the store keeps an entry, if that was said.
    pub(super) fn stored_for(&self) -> Option<Duration> {
        match self {
            SharedFormat::Dogpile(format) => format.stored_for,
            SharedFormat::Beaker(_) => None,
        }
    }
}

/// Returns a time as Python's `time.time()` has it.
fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// Reads it; `None` for a time before 1970, and for what is no time.
fn timestamp(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    // The largest integer up to which a float has them all.
    (micros > 0.0 && micros < 9_007_199_254_740_992.0)
        .then(|| Timestamp::from_micros(micros as u64))
}

//! Stores that keep sessions where and how Python's Beaker 1.14 keeps them, so that an application in Python
//! and one of this library share the session of each visitor.
//!
//! | store | Beaker's `type` | place of a session | container |
//! |---|---|---|---|
//! | [`BeakerFile`] | `file` | `container_file/9/9f/<id>.cache`, under Beaker's lock | pickled dictionary |
//! | `BeakerMemcached` (feature `memcached`) | `ext:memcached` | `<id>_session` | none |
//! | `BeakerRedis` (feature `redis`) | `ext:redis` | `beaker_cache:<id>:session` | pickled text |
//! | `BeakerDatabase` (features `sqlite`, `postgres`) | `ext:database` | a row of `beaker_cache` | pickled dictionary |
//!
//! The container holds one text: what Beaker makes of a session with its `data_serializer` and its
//! `encrypt_key`. These stores pass that text on as it is. The session format of Beaker, which makes and
//! reads it, belongs to [`Sessions`](crate::Sessions).
//!
//! # What is kept where
//!
//! A key of the unnamed namespace is the id of a session and leads to Beaker's record. Keys of all other
//! namespaces, such as those of leases and of the lists of a user's sessions, are in a store of this library
//! beside Beaker's: in other folders, under other names or in another table, which Python ignores.
//!
//! # How the contract differs
//!
//! For Beaker's records, the contract of [`Store`] holds with these exceptions:
//!
//! - **Keys** (8) are ids as both libraries make them, of 32 hexadecimal digits. Others return
//!   `ErrorKind::Config`.
//! - **Values** (9) are ASCII texts without spaces. Other bytes return `ErrorKind::Config`, because they come from
//!   another session format.
//! - **Versions** (3): Beaker writes none, so a version is the beginning of the SHA-1 hash of the container.
//!   Two writes of the same text have the same version. `Precondition::Unchanged` compares contents.
//! - **Times to live** (2, 11): Beaker's files and rows hold none, so a record stays until it is deleted; and redis
//!   removes it two minutes late. A session has its own times within the text, which both languages obey.
//! - **What cannot be read** (10) returns `ErrorKind::Codec` from `get`, and no condition is met by it: it is
//!   neither `Absent` nor `Unchanged`. So a session that this library does not understand is never replaced
//!   by another one. Only `Precondition::Always` writes over it.
//! - **Counters** (14): `increment` returns `ErrorKind::Config`.

pub(super) mod cache_files;
mod container;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
mod file;
#[cfg(feature = "memcached")]
mod memcached;
pub(crate) mod on_disk;
#[cfg(feature = "redis")]
mod redis;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::BeakerDatabase;
pub use file::BeakerFile;
#[cfg(feature = "memcached")]
pub use memcached::BeakerMemcached;
#[cfg(feature = "redis")]
pub use redis::{AsyncBeakerRedis, BeakerRedis};

use super::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, Stored, SweepProgress, Version,
};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// The id of a session: 32 hexadecimal digits, which Beaker's rules for names leave as they are.
#[derive(Clone, Copy)]
struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    const LENGTH: usize = 32;

    /// Returns the id, or `None` for a key of another namespace.
    fn of(key: &'a Key) -> Result<Option<Id<'a>>> {
        if !is_of_sessions(key.namespace()) {
            return Ok(None);
        }
        let id = str::from_utf8(key.name()).ok().and_then(Id::read);
        id.map(Some).ok_or_else(|| {
            let name = shortened(&Namespace::default().key(key.name()).to_string());
            Error::config(format!(
                "`{name}` is no id of a session of Beaker's, which has 32 hexadecimal digits; give other values \
                 a namespace"
            ))
        })
    }

    fn read(text: &'a str) -> Option<Id<'a>> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == Id::LENGTH && text.bytes().all(is_digit)).then_some(Id(text))
    }

    fn text(self) -> &'a str {
        self.0
    }

    /// Returns what messages show.
    fn short(self) -> String {
        shortened(self.0)
    }

    /// Returns the error for a record that holds no text of a session.
    fn unreadable(self, place: &str, why: &str) -> Error {
        let id = self.short();
        Error::new(
            ErrorKind::Codec,
            format!(
                "could not read the session `{id}` in {place}: {why}; it was left as it is: delete it if it \
                 is of no use, or keep the sessions of Beaker apart from what else is there"
            ),
        )
    }
}

/// Returns whether the keys of this namespace are ids of sessions.
fn is_of_sessions(namespace: &Namespace) -> bool {
    namespace.name().is_empty()
}

/// Whoever knows an id has the session, so messages show its beginning.
fn shortened(id: &str) -> String {
    match id.char_indices().nth(8) {
        Some((end, _)) => format!("{}…", &id[..end]),
        None => id.to_owned(),
    }
}

/// Returns the text that is to be stored.
fn text(bytes: &[u8]) -> Result<&str> {
    let text = str::from_utf8(bytes).ok();
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(|| {
        Error::config(
            "the sessions are to be stored as Beaker stores them, but come in this library's own format; set \
             `session.format = beaker`",
        )
    })
}

/// Beaker's records in one place, by the ids of sessions.
trait Records: Debug + Send + Sync + 'static {
    fn get(&self, id: Id<'_>) -> Result<Option<Stored>>;

    fn get_many(&self, ids: &[Id<'_>]) -> Result<Vec<Option<Stored>>> {
        ids.iter().map(|id| self.get(*id)).collect()
    }

    fn put(
        &self,
        id: Id<'_>,
        text: &str,
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>>;

    fn delete(&self, id: Id<'_>, when: Precondition) -> Result<bool>;

    fn clear(&self) -> Result<()>;

    fn keys(&self, from: Option<&KeyCursor>, most: usize) -> Result<KeyPage>;

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }
}

/// Beaker's records, and beside them a store of this library for all other namespaces.
#[derive(Debug)]
struct Beside<R, S> {
    records: R,
    own: S,
}

impl<R: Records, S: Store> Store for Beside<R, S> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        match Id::of(key)? {
            Some(id) => self.records.get(id),
            None => self.own.get(key),
        }
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        match Id::of(key)? {
            Some(id) => self.records.put(id, text(bytes)?, ttl, when),
            None => self.own.put(key, bytes, ttl, when),
        }
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        match Id::of(key)? {
            Some(_) if when == Precondition::Absent => Ok(false),
            Some(id) => self.records.delete(id, when),
            None => self.own.delete(key, when),
        }
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let ids = keys.iter().map(Id::of).collect::<Result<Vec<_>>>()?;
        match ids.iter().filter(|id| id.is_some()).count() {
            0 => self.own.get_many(keys),
            all if all == keys.len() => {
                self.records.get_many(&ids.into_iter().flatten().collect::<Vec<_>>())
            }
            _ => keys.iter().map(|key| self.get(key)).collect(),
        }
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        if puts.iter().any(|put| is_of_sessions(put.key.namespace())) {
            return puts.iter().try_for_each(|put| {
                self.put(put.key, put.bytes, put.ttl, Precondition::Always).map(drop)
            });
        }
        self.own.put_many(puts)
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        if keys.iter().any(|key| is_of_sessions(key.namespace())) {
            let mut keys = keys.iter();
            return keys.try_for_each(|key| self.delete(key, Precondition::Always).map(drop));
        }
        self.own.delete_many(keys)
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        match Id::of(key)? {
            Some(id) => Err(no_counters(id)),
            None => self.own.increment(key, by, ttl),
        }
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        if is_of_sessions(namespace) { self.records.clear() } else { self.own.clear(namespace) }
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        if is_of_sessions(namespace) {
            return self.records.keys(from, most);
        }
        self.own.keys(namespace, from, most)
    }

    /// Beaker's records have no time to live.
    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        self.own.sweep(most)
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        self.records.for_tasks()
    }

    fn clock(&self) -> &dyn Clock {
        self.own.clock()
    }

    fn damaged(&self) -> u64 {
        self.own.damaged()
    }
}

/// Returns the error for a counter among the sessions.
fn no_counters(id: Id<'_>) -> Error {
    let id = id.short();
    Error::config(format!(
        "could not increment `{id}`: Beaker keeps sessions there, and no counters; give a counter a namespace"
    ))
}

/// Makes a store of a type whose only field is one.
macro_rules! forward_store {
    ($name:ident) => {
        impl Store for $name {
            fn get(&self, key: &Key) -> Result<Option<Stored>> {
                self.0.get(key)
            }

            fn put(
                &self,
                key: &Key,
                bytes: &[u8],
                ttl: Option<Duration>,
                when: Precondition,
            ) -> Result<Option<Version>> {
                self.0.put(key, bytes, ttl, when)
            }

            fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
                self.0.delete(key, when)
            }

            fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
                self.0.get_many(keys)
            }

            fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
                self.0.put_many(puts)
            }

            fn delete_many(&self, keys: &[Key]) -> Result<()> {
                self.0.delete_many(keys)
            }

            fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
                self.0.increment(key, by, ttl)
            }

            fn clear(&self, namespace: &Namespace) -> Result<()> {
                self.0.clear(namespace)
            }

            fn keys(
                &self,
                namespace: &Namespace,
                from: Option<&KeyCursor>,
                most: usize,
            ) -> Result<KeyPage> {
                self.0.keys(namespace, from, most)
            }

            fn sweep(&self, most: usize) -> Result<SweepProgress> {
                self.0.sweep(most)
            }

            fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
                self.0.for_tasks()
            }

            fn clock(&self) -> &dyn Clock {
                self.0.clock()
            }

            fn damaged(&self) -> u64 {
                self.0.damaged()
            }
        }
    };
}

use forward_store;

//! [`BeakerRedis`] and [`AsyncBeakerRedis`]: the keys of Beaker's `type = ext:redis`.
//!
//! A session is the pickled text under `beaker_cache:<id>:session`. Beaker takes no lock for it, so this store
//! compares and swaps, with a script.

use std::sync::Arc;
use std::time::Duration;

use super::container::{read_text, write_text};
use super::{Beside, Id, Records, forward_store, is_of_sessions, no_counters, text};
use crate::clock::Clock;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::redis::{Named, RawRedis};
use crate::store::{
    AsyncRedisStore, AsyncStore, KeyCursor, KeyPage, Precondition, Put, RedisStore, Store,
    StoreFuture, Stored, SweepProgress, Version,
};

/// Keeps sessions in redis as Python's Beaker does, `type = ext:redis`, for blocking programs.
///
/// redis removes a session two minutes after its time to live, which is what Beaker tells it as well. The
/// store may be on one server, on a cluster, which Beaker does not know, or behind sentinels.
///
/// The [module](super) tells how the contract of a store differs here. Keys with a namespace are those of the
/// [`RedisStore`] that it is made of, whose documentation applies to both.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use beaker::store::python::BeakerRedis;
/// use beaker::store::RedisStore;
///
/// # fn open() -> beaker::Result<()> {
/// let store = BeakerRedis::new(RedisStore::open("redis://127.0.0.1/", Duration::from_secs(1))?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct BeakerRedis(Beside<Waiting, Arc<RedisStore>>);

impl BeakerRedis {
    /// Creates a store of Beaker's sessions on the servers of this one.
    pub fn new(store: RedisStore) -> BeakerRedis {
        let (values, own) = (Values(store.raw()), Arc::new(store));
        BeakerRedis(Beside { records: Waiting { values, redis: Arc::clone(&own) }, own })
    }
}

forward_store!(BeakerRedis);

/// Beaker's values, for which threads wait.
#[derive(Debug)]
struct Waiting {
    values: Values,
    redis: Arc<RedisStore>,
}

impl Records for Waiting {
    fn get(&self, id: Id<'_>) -> Result<Option<Stored>> {
        self.redis.wait(self.values.get(id))
    }

    fn get_many(&self, ids: &[Id<'_>]) -> Result<Vec<Option<Stored>>> {
        self.redis.wait(self.values.get_many(ids))
    }

    fn put(
        &self,
        id: Id<'_>,
        text: &str,
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.redis.wait(self.values.put(id, text, ttl, when))
    }

    fn delete(&self, id: Id<'_>, when: Precondition) -> Result<bool> {
        self.redis.wait(self.values.delete(id, when))
    }

    fn clear(&self) -> Result<()> {
        self.redis.wait(self.values.clear())
    }

    fn keys(&self, from: Option<&KeyCursor>, most: usize) -> Result<KeyPage> {
        self.redis.wait(self.values.keys(from, most))
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        Some(Arc::new(AsyncBeakerRedis::new(self.redis.asynchronous())))
    }
}

/// Keeps sessions in redis as Python's Beaker does, for asynchronous programs.
///
/// It is to [`AsyncRedisStore`] what [`BeakerRedis`] is to [`RedisStore`].
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use beaker::store::python::AsyncBeakerRedis;
/// use beaker::store::AsyncRedisStore;
///
/// # fn open() -> beaker::Result<()> {
/// let redis = AsyncRedisStore::open("redis://127.0.0.1/", Duration::from_secs(1))?;
/// let store = AsyncBeakerRedis::new(redis);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct AsyncBeakerRedis {
    values: Values,
    own: AsyncRedisStore,
}

impl AsyncBeakerRedis {
    /// Creates a store of Beaker's sessions on the servers, or on the connection, of this one.
    pub fn new(store: AsyncRedisStore) -> AsyncBeakerRedis {
        AsyncBeakerRedis { values: Values(store.raw()), own: store }
    }
}

impl AsyncStore for AsyncBeakerRedis {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            match Id::of(key)? {
                Some(id) => self.values.get(id).await,
                None => self.own.get(key).await,
            }
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move {
            match Id::of(key)? {
                Some(id) => self.values.put(id, text(bytes)?, ttl, when).await,
                None => self.own.put(key, bytes, ttl, when).await,
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            match Id::of(key)? {
                Some(id) => self.values.delete(id, when).await,
                None => self.own.delete(key, when).await,
            }
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            let ids = keys.iter().map(Id::of).collect::<Result<Vec<_>>>()?;
            match ids.iter().filter(|id| id.is_some()).count() {
                0 => self.own.get_many(keys).await,
                all if all == keys.len() => {
                    self.values.get_many(&ids.into_iter().flatten().collect::<Vec<_>>()).await
                }
                _ => {
                    let mut all = Vec::with_capacity(keys.len());
                    for key in keys {
                        all.push(self.get(key).await?);
                    }
                    Ok(all)
                }
            }
        })
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        if !puts.iter().any(|put| is_of_sessions(put.key.namespace())) {
            return self.own.put_many(puts);
        }
        Box::pin(async move {
            for put in puts {
                self.put(put.key, put.bytes, put.ttl, Precondition::Always).await?;
            }
            Ok(())
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        if !keys.iter().any(|key| is_of_sessions(key.namespace())) {
            return self.own.delete_many(keys);
        }
        Box::pin(async move {
            for key in keys {
                self.delete(key, Precondition::Always).await?;
            }
            Ok(())
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            match Id::of(key)? {
                Some(id) => Err(no_counters(id)),
                None => self.own.increment(key, by, ttl).await,
            }
        })
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        if is_of_sessions(namespace) {
            return Box::pin(self.values.clear());
        }
        self.own.clear(namespace)
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        if is_of_sessions(namespace) {
            return Box::pin(self.values.keys(from, most));
        }
        self.own.keys(namespace, from, most)
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        self.own.sweep(most)
    }

    fn clock(&self) -> &dyn Clock {
        self.own.clock()
    }

    fn damaged(&self) -> u64 {
        self.own.damaged()
    }
}

const BEGINNING: &str = "beaker_cache:";
const END: &str = ":session";

/// Beaker adds two minutes to its `timeout`.
const LONGER: Duration = Duration::from_secs(2 * 60);

/// The values of Beaker's sessions.
struct Values(RawRedis);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Values").field(&self.0.addresses()).finish()
    }
}

impl Values {
    async fn get(&self, id: Id<'_>) -> Result<Option<Stored>> {
        let (wire, name) = names(id);
        let bytes = self.0.get(Named { wire: &wire, name: &name }).await?;
        bytes.map(|bytes| self.read(id, &bytes)).transpose()
    }

    async fn get_many(&self, ids: &[Id<'_>]) -> Result<Vec<Option<Stored>>> {
        let wires: Vec<String> = ids.iter().map(|id| names(*id).0).collect();
        let found = self.0.get_many(&wires).await?;
        let read = |(id, bytes): (&Id<'_>, Option<Vec<u8>>)| {
            bytes.map(|bytes| self.read(*id, &bytes)).transpose()
        };
        ids.iter().zip(found).map(read).collect()
    }

    fn read(&self, id: Id<'_>, bytes: &[u8]) -> Result<Stored> {
        match read_text(bytes) {
            Ok(text) => {
                let version = Version::of_content(bytes);
                Ok(Stored { bytes: text.into_bytes().into(), version })
            }
            Err(why) => {
                let place = format!("redis at {}", self.0.addresses().join(","));
                Err(id.unreadable(&place, &why))
            }
        }
    }

    async fn put(
        &self,
        id: Id<'_>,
        text: &str,
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let (wire, name) = names(id);
        let ttl = ttl.map(|ttl| ttl.saturating_add(LONGER));
        self.0.put(Named { wire: &wire, name: &name }, &write_text(text), ttl, when).await
    }

    async fn delete(&self, id: Id<'_>, when: Precondition) -> Result<bool> {
        let (wire, name) = names(id);
        self.0.delete(Named { wire: &wire, name: &name }, when).await
    }

    async fn clear(&self) -> Result<()> {
        self.0.clear(&Namespace::default(), &pattern(), |wire| id_in(wire).is_some()).await
    }

    async fn keys(&self, from: Option<&KeyCursor>, most: usize) -> Result<KeyPage> {
        let sessions = Namespace::default();
        let is_meant = |wire: &str| id_in(wire).is_some();
        let (wires, next) = self.0.page(&sessions, &pattern(), is_meant, (from, most)).await?;
        let ids = wires.iter().filter_map(|wire| id_in(wire));
        Ok(KeyPage::new(ids.map(|id| sessions.key(id.text())).collect(), next))
    }
}

/// Returns the key on the server, and what messages call it.
fn names(id: Id<'_>) -> (String, String) {
    (format!("{BEGINNING}{}{END}", id.text()), format!("the session `{}`", id.short()))
}

fn id_in(wire: &str) -> Option<Id<'_>> {
    Id::read(wire.strip_prefix(BEGINNING)?.strip_suffix(END)?)
}

/// Returns the pattern for ids, which are all of one length.
fn pattern() -> String {
    format!("{BEGINNING}{}{END}", "?".repeat(Id::LENGTH))
}

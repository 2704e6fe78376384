//! Stores values in redis: one server, a cluster, or the master that sentinels name. Values are shared by
//! hosts, and survive a restart if the server is configured to write to disk. The server removes expired
//! values itself, to the millisecond by its own clock. Its `maxmemory-policy` decides whether it evicts
//! values when its memory is full.
//!
//! The wire protocol is that of the crate `redis`, on its multiplexed connections. Which server of a
//! cluster has a key, and which commands are sent again, is decided here. The reason is that the crate's
//! own cluster repeats a write whose connection broke off; the condition of that write may then appear
//! unmet, although the write succeeded.

mod address;
mod asynchronous;
mod cluster;
mod command;
#[cfg(feature = "redis-async")]
mod given;
#[cfg(feature = "python")]
mod raw;
#[cfg(feature = "python")]
mod raw_many;
mod scan;
mod sentinel;
mod server;
mod servers;
#[cfg(feature = "python")]
mod verbatim;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use address::{Address, Target};
pub use asynchronous::AsyncRedisStore;
#[cfg(feature = "python")]
pub(super) use raw::{Named, RawRedis};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use super::{AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, Stored, Version};
#[cfg(feature = "python")]
use super::{Content, Verbatim};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// Stores values in a redis server (version 4 or later), a redis cluster or the master behind sentinels,
/// for blocking programs. Valkey speaks the same protocol and is tested in the same way.
///
/// The store is an [`AsyncRedisStore`] with a runtime of its own, which runs while a thread waits. All
/// threads share one connection to each server, on which their commands follow one another.
///
/// Each operation is one round trip, except for `clear`, which goes through all keys of a server in steps;
/// the deadline then applies to each step. Every key begins with `beaker:`, so that other programs may use
/// the same server.
///
/// If a cluster loses a master, it refuses all keys by default. If its servers have
/// `cluster-require-full-coverage no`, the keys of the other masters stay available.
///
/// # Panics
///
/// Its calls panic in asynchronous code, because they would block other tasks. Use [`AsyncRedisStore`]
/// there, or [`OnThreads`](crate::store::OnThreads) around this store.
pub struct RedisStore {
    target: Target,
    deadline: Duration,
    store: AsyncRedisStore,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// When the last operation ended: microseconds on a clock that cannot be set.
    used_at: AtomicU64,
}

/// A connection that was used this recently is assumed to be open.
const LATELY: Duration = Duration::from_micros(50);

impl RedisStore {
    /// Creates a store on the server at this URL: `redis://user:password@host:port/database`, where only
    /// the host is required. The connection is opened when it is needed. Each operation ends within
    /// `deadline`, including the lookup of the host name, or returns an error.
    ///
    /// With `rediss://` (feature `redis-tls`), the connection uses TLS. The server's certificate must be
    /// valid for that host and signed by an authority that the system trusts. Parameters of the URL, which
    /// have the same names as in redis-py, set files in PEM format, which are read once: `?ssl_ca_certs=`
    /// is a list of authorities that replaces the system's, and `&ssl_certfile=` and `&ssl_keyfile=` are a
    /// client certificate and its key, for servers that ask for one.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the URL is invalid or a file cannot be read or used, and
    /// `ErrorKind::Unavailable` if the system has no file descriptors left for the runtime.
    pub fn open(url: &str, deadline: Duration) -> Result<RedisStore> {
        RedisStore::at(Target::One(Address::parse(url)?), deadline)
    }

    /// Creates a store on a cluster. `urls` names some of its servers, with `,` or `;` between them; they
    /// report the other ones.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](RedisStore::open), and `ErrorKind::Config` if only some of the URLs
    /// use TLS.
    pub fn open_cluster(urls: &str, deadline: Duration) -> Result<RedisStore> {
        RedisStore::at(Target::Cluster(Address::parse_all(urls)?), deadline)
    }

    /// Creates a store on the master that these sentinels name; their URLs have `,` or `;` between them.
    /// `master` is written as `redis://user:password@name/database`, where only the name is required: the
    /// one by which the sentinels know the master, such as `mymaster`. The users of the sentinels and of
    /// the master may differ, and each of them may use TLS, as in [`open`](RedisStore::open).
    ///
    /// After a failover, the first operation that does not reach the old master asks the sentinels, and
    /// continues with the master that they name. As with one server, a write whose connection broke off is
    /// not sent again, because it may have been executed: it returns an error. Each new connection is
    /// checked to lead to a master, so that no replica is read. redis copies writes to its replicas after
    /// it has answered, so the last writes before a failover may be lost. The setting
    /// `min-replicas-to-write` of redis limits that loss.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](RedisStore::open), and `ErrorKind::Config` if only some of the URLs
    /// use TLS.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use beaker::store::RedisStore;
    /// # fn open() -> beaker::Result<()> {
    /// let sentinels = "redis://10.0.0.1:26379,redis://10.0.0.2:26379,redis://10.0.0.3:26379";
    /// let master = "redis://shop:secret@mymaster/0";
    /// let store = RedisStore::open_sentinel(sentinels, master, Duration::from_secs(1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_sentinel(urls: &str, master: &str, deadline: Duration) -> Result<RedisStore> {
        let master = Address::parse_master(master)?;
        RedisStore::at(Target::Sentinels(Address::parse_all(urls)?, master), deadline)
    }

    fn at(target: Target, deadline: Duration) -> Result<RedisStore> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            let what = "could not wait for redis; are there too many open files?";
            Error::new(ErrorKind::Unavailable, what).caused_by(error)
        })?;
        let store = AsyncRedisStore::at(target.clone(), deadline);
        let runtime = Some(runtime);
        Ok(RedisStore { target, deadline, store, runtime, used_at: AtomicU64::new(0) })
    }

    /// Returns the values of another program on the same servers.
    #[cfg(feature = "python")]
    pub(super) fn raw(&self) -> RawRedis {
        self.store.raw()
    }

    /// Returns an asynchronous store of the same records.
    pub(super) fn asynchronous(&self) -> AsyncRedisStore {
        AsyncRedisStore::at(self.target.clone(), self.deadline)
    }

    /// Waits for an operation. Before that, it handles what has happened to the connections since the last
    /// operation, so that one that was closed meanwhile is not used. A connection that has failed is closed
    /// at once.
    pub(super) fn wait<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(runtime) = &self.runtime else {
            unreachable!("it is there until this is dropped")
        };
        let used_at = Duration::from_micros(self.used_at.load(Ordering::Relaxed));
        let was_used_lately = SystemClock.monotonic().saturating_sub(used_at) < LATELY;
        let done = runtime.block_on(async {
            if !was_used_lately {
                connections_notice().await;
            }
            let done = operation.await;
            if done.is_err() {
                connections_notice().await;
            }
            done
        });
        let now = SystemClock.monotonic().as_micros() as u64;
        self.used_at.store(now, Ordering::Relaxed);
        done
    }
}

/// Lets the tasks of the connections read from their sockets: the first poll registers interest, the second
/// one reads.
async fn connections_notice() {
    yield_now().await;
    yield_now().await;
}

impl Store for RedisStore {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.wait(self.store.get(key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.wait(self.store.put(key, bytes, ttl, when))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.wait(self.store.delete(key, when))
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.wait(self.store.get_many(keys))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        self.wait(self.store.put_many(puts))
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.wait(self.store.delete_many(keys))
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        self.wait(self.store.increment(key, by, ttl))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.wait(self.store.clear(namespace))
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        self.wait(self.store.keys(namespace, from, most))
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        Some(Arc::new(self.asynchronous()))
    }

    fn damaged(&self) -> u64 {
        self.store.damaged()
    }

    #[cfg(feature = "python")]
    fn verbatim(&self, _: Content) -> Result<Option<Verbatim<dyn Store>>> {
        let own = RedisStore::at(self.target.clone(), self.deadline)?;
        Ok(Some(Verbatim::Redis(Arc::new(verbatim::VerbatimRedis::new(own)))))
    }
}

/// Waits for nothing, because it may be dropped in asynchronous code.
impl Drop for RedisStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore").field(&self.store.addresses()).finish()
    }
}

//! redis: one server, a cluster, or the master that sentinels name. Shared across hosts; kept over a restart if the server is told to
//! write to disk. The server removes what has expired, to the millisecond by its own clock; whether
//! something makes room when its memory is full is for its `maxmemory-policy` to say.
//!
//! What is said on the wire is the crate `redis`'s, on its multiplexed connections. Which server of a cluster
//! has a key, and what is sent once more, is decided here, since that crate's cluster runs a write again whose
//! connection broke off: its condition then says that somebody else has written.

mod address;
mod asynchronous;
mod cluster;
mod command;
#[cfg(feature = "redis-async")]
mod given;
mod sentinel;
mod server;
mod servers;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use address::{Address, Target};
pub use asynchronous::AsyncRedisStore;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use super::{AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, Stored, Version};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// Stores values in a redis server (version 4 or later), a redis cluster or the master behind sentinels, for
/// blocking programs. Valkey speaks the same language, and is tested alike.
///
/// It is [`AsyncRedisStore`] with a runtime of its own, which works while a thread waits. So all threads
/// share one connection to each server, on which their commands follow one another.
///
/// Each operation is one round trip, `clear` aside: that looks through all keys of a server, in
/// steps, and its deadline is for each step. Every key begins with `beaker:`, so that others may
/// use the same server.
///
/// A cluster whose servers have `cluster-require-full-coverage no` goes on with the keys of the
/// other masters when one is lost; by default, it refuses all keys then.
///
/// # Panics
///
/// Its calls panic in asynchronous code, where they would hold up other tasks: there,
/// [`AsyncRedisStore`] is the store to use, or [`OnThreads`](crate::store::OnThreads) around this one.
pub struct RedisStore {
    target: Target,
    deadline: Duration,
    store: AsyncRedisStore,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// When the last operation ended: microseconds on a clock that nobody can set.
    used_at: AtomicU64,
}

/// A connection that was used so lately is taken to be there still.
const LATELY: Duration = Duration::from_micros(50);

impl RedisStore {
    /// Makes a store on the server at this URL: `redis://user:password@host:port/database`, of which
    /// only the host is needed. The connection is opened when it is needed. Each operation ends within
    /// `deadline`, or is an error; looking up a host's name is counted.
    ///
    /// With `rediss://` (feature `redis-tls`) it is over TLS, and the server's certificate must be for
    /// that host and signed by an authority that the system trusts. Parameters of the URL, named as
    /// redis-py does, name files in PEM, which are read once: `?ssl_ca_certs=` the authorities to
    /// trust in place of the system's, and `&ssl_certfile=` and `&ssl_keyfile=` a certificate of ours
    /// with its key, for servers that ask for one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for what is no such URL, and for a file that cannot be read or used;
    /// `ErrorKind::Unavailable` if the system gives the runtime no file descriptors.
    pub fn open(url: &str, deadline: Duration) -> Result<RedisStore> {
        RedisStore::at(Target::One(Address::parse(url)?), deadline)
    }

    /// Makes a store on a cluster. Some of its servers are named, with `,` or `;` between them; they
    /// tell of the others.
    ///
    /// # Errors
    ///
    /// As [`open`](RedisStore::open), and `ErrorKind::Config` if some URLs are of TLS and some are not.
    pub fn open_cluster(urls: &str, deadline: Duration) -> Result<RedisStore> {
        RedisStore::at(Target::Cluster(Address::parse_all(urls)?), deadline)
    }

    /// Makes a store on the master that these sentinels name, with `,` or `;` between their URLs. `master`
    /// is written as `redis://user:password@name/database`, of which only the name that the sentinels know
    /// it by is needed: `mymaster`. The users of sentinels and of the master may differ, and each may be
    /// reached over TLS, as in [`open`](RedisStore::open).
    ///
    /// After a failover, the first operation that does not reach the old master asks the sentinels, and
    /// goes on with the one that they name. A write whose connection broke off is not sent again, since it
    /// may have been done: it is an error, as with one server. Each connection is asked whether a master is
    /// at its other end, so that no replica is read. redis copies writes to its replicas after it has
    /// answered, so the last writes before a failover can be lost; `min-replicas-to-write` in its settings
    /// makes these few.
    ///
    /// # Errors
    ///
    /// As [`open`](RedisStore::open), and `ErrorKind::Config` if some URLs are of TLS and some are not.
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

    /// Waits for an operation. What has happened to the connections since the last one comes first, so
    /// that one that was closed meanwhile is not used; and one that has failed is closed at once.
    fn wait<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
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

/// Lets the tasks of the connections see what their sockets have to say: first it is asked for, then read.
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
        Some(Arc::new(AsyncRedisStore::at(self.target.clone(), self.deadline)))
    }

    fn damaged(&self) -> u64 {
        self.store.damaged()
    }
}

/// Waits for nothing: it may be dropped in asynchronous code.
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

//! [`AsyncRedisStore`]: redis for asynchronous programs, whose tasks share one connection to each server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::Value;
#[cfg(feature = "redis-async")]
use redis::aio::ConnectionManager;
#[cfg(feature = "redis-async")]
use redis::cluster_async::ClusterConnection;
use tokio::time::Instant;

use super::address::{Address, Target};
use super::cluster::Cluster;
use super::command;
use super::command::{Command, Writing, prefix, wire};
#[cfg(feature = "redis-async")]
use super::given::Given;
#[cfg(feature = "python")]
use super::raw::RawRedis;
use super::scan::Scan;
use super::sentinel::Sentinels;
use super::server::{Failure, Kind, Server, many};
use super::servers::Servers;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, StoreFuture, Stored, Version, counter,
    deadline,
};

/// Stores values in a redis server (version 4 or later), a redis cluster or the master behind sentinels, for
/// programs on tokio.
///
/// The store can share its records with a [`RedisStore`](crate::store::RedisStore), because it uses the
/// same keys, bytes and conditions. Each operation is one round trip. All tasks share one connection to
/// each server, on which commands follow one another without waiting for answers. The connection is opened
/// when it is first needed, and again after a failure; if several tasks need it, one of them opens it.
///
/// # Deadline
///
/// Each operation ends within its deadline or returns an error. The deadline includes the lookup of the
/// host name, the connection, the queue and the answer. `clear` goes through all keys of a server in steps,
/// each of which has a deadline of its own. A connection whose answer did not arrive in time is not used
/// for further commands. It stays open while its callers still wait, so for that time a server may have two
/// connections.
///
/// # Connections that break off
///
/// A read whose connection breaks off is sent once more. A write is not sent again, because the server may
/// have executed it: it returns an error, and the value is either the old one or the new one.
///
/// # Panics
///
/// Its futures panic outside a tokio runtime, and on one without its timer and network (`enable_all`).
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use beaker::key::Namespace;
/// use beaker::store::{AsyncRedisStore, AsyncStore, Precondition};
///
/// # async fn run() -> beaker::Result<()> {
/// let store = AsyncRedisStore::open("redis://127.0.0.1/", Duration::from_secs(1))?;
/// let key = Namespace::new("capitals").key("Norway");
/// store.put(&key, b"Oslo", Some(Duration::from_secs(60)), Precondition::Always).await?;
/// assert_eq!(&*store.get(&key).await?.unwrap().bytes, b"Oslo");
/// # Ok(())
/// # }
/// ```
pub struct AsyncRedisStore {
    servers: Arc<Servers>,
    deadline: Duration,
    damaged: AtomicU64,
}

impl AsyncRedisStore {
    /// Creates a store on the server at this URL: `redis://user:password@host:port/database`, where only
    /// the host is required. Nothing is connected yet, and this needs no runtime.
    ///
    /// `rediss://` (feature `redis-tls`) and its parameters are those of
    /// [`RedisStore::open`](crate::store::RedisStore::open).
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the URL is invalid, or if a file cannot be read or used.
    pub fn open(url: &str, deadline: Duration) -> Result<AsyncRedisStore> {
        Ok(AsyncRedisStore::at(Target::One(Address::parse(url)?), deadline))
    }

    /// Creates a store on a cluster. `urls` names some of its servers, with `,` or `;` between them; they
    /// report the other ones. Each master has one connection.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and `ErrorKind::Config` if only some of the URLs use
    /// TLS.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use beaker::store::AsyncRedisStore;
    /// # fn open() -> beaker::Result<()> {
    /// let urls = "redis://10.0.0.1,redis://10.0.0.2";
    /// let store = AsyncRedisStore::open_cluster(urls, Duration::from_secs(1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_cluster(urls: &str, deadline: Duration) -> Result<AsyncRedisStore> {
        Ok(AsyncRedisStore::at(Target::Cluster(Address::parse_all(urls)?), deadline))
    }

    /// Creates a store on the master that these sentinels name: see
    /// [`RedisStore::open_sentinel`](crate::store::RedisStore::open_sentinel).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and `ErrorKind::Config` if only some of the URLs use
    /// TLS.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use beaker::store::AsyncRedisStore;
    /// # fn open() -> beaker::Result<()> {
    /// let sentinels = "redis://10.0.0.1:26379,redis://10.0.0.2:26379,redis://10.0.0.3:26379";
    /// let store = AsyncRedisStore::open_sentinel(sentinels, "mymaster", Duration::from_secs(1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_sentinel(urls: &str, master: &str, deadline: Duration) -> Result<AsyncRedisStore> {
        let master = Address::parse_master(master)?;
        Ok(AsyncRedisStore::at(Target::Sentinels(Address::parse_all(urls)?, master), deadline))
    }

    /// Creates a store on an existing connection manager of the program, from the crate `redis`, version 1.
    ///
    /// The manager keeps its own timeouts and its own way to reconnect; the deadline limits both. After the
    /// server was lost, the first operation fails, because its failure is what makes the manager reconnect.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use beaker::store::AsyncRedisStore;
    /// # async fn open(client: redis::Client) -> redis::RedisResult<()> {
    /// let manager = client.get_connection_manager().await?;
    /// let store = AsyncRedisStore::from_manager(manager, Duration::from_secs(1));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "redis-async")]
    #[must_use]
    pub fn from_manager(manager: ConnectionManager, deadline: Duration) -> AsyncRedisStore {
        AsyncRedisStore::on(Servers::Given(Given::Manager(manager)), deadline)
    }

    /// Creates a store on an existing cluster connection of the program, from the crate `redis`, version 1.
    ///
    /// That client repeats a command whose connection broke off, up to its number of `retries`. A
    /// conditional write may therefore report that its condition was not met although it has written. If
    /// this matters, use [`open_cluster`](Self::open_cluster), which never executes a write twice.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use beaker::store::AsyncRedisStore;
    /// # async fn open(client: redis::cluster::ClusterClient) -> redis::RedisResult<()> {
    /// let connection = client.get_async_connection().await?;
    /// let store = AsyncRedisStore::from_cluster(connection, Duration::from_secs(1));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "redis-async")]
    #[must_use]
    pub fn from_cluster(connection: ClusterConnection, deadline: Duration) -> AsyncRedisStore {
        AsyncRedisStore::on(Servers::Given(Given::Cluster(connection)), deadline)
    }

    /// Creates a store without connections.
    pub(super) fn at(target: Target, deadline: Duration) -> AsyncRedisStore {
        let servers = match target {
            Target::One(address) => Servers::One(Arc::new(Server::new(address))),
            Target::Cluster(seeds) => Servers::Cluster(Box::new(Cluster::new(seeds))),
            Target::Sentinels(sentinels, master) => {
                Servers::Sentinels(Box::new(Sentinels::new(sentinels, master)))
            }
        };
        AsyncRedisStore::on(servers, deadline)
    }

    fn on(servers: Servers, deadline: Duration) -> AsyncRedisStore {
        AsyncRedisStore { servers: Arc::new(servers), deadline, damaged: AtomicU64::new(0) }
    }

    /// Returns `host:port` of each server that was named.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.servers.addresses()
    }

    /// Returns the end of an operation that begins now.
    fn until(&self) -> Instant {
        deadline::end(self.deadline)
    }

    /// Returns what the answer to a `GET` contains.
    fn stored(&self, answer: Value) -> Result<Option<Stored>, Failure> {
        command::found(answer, &self.damaged).ok_or_else(|| self.unexpected())
    }

    /// The failure for an answer that does not match the command.
    fn unexpected(&self) -> Failure {
        Failure::unexpected(&self.addresses().join(","))
    }

    /// Returns the values of another program on the same servers.
    #[cfg(feature = "python")]
    pub(in crate::store) fn raw(&self) -> RawRedis {
        RawRedis::new(Arc::clone(&self.servers), self.deadline)
    }

    fn scan<'a>(&'a self, namespace: &'a Namespace) -> Scan<'a> {
        let pattern = format!("{}*", prefix(namespace));
        let (servers, deadline) = (&*self.servers, self.deadline);
        Scan { servers, deadline, namespace, pattern, is_meant: |_| true }
    }
}

impl AsyncStore for AsyncRedisStore {
    #[cfg(feature = "python")]
    fn verbatim(
        &self,
        _: crate::store::Content,
    ) -> Result<Option<crate::store::Verbatim<dyn AsyncStore>>> {
        let values = super::verbatim::AsyncVerbatimRedis::new(self);
        Ok(Some(crate::store::Verbatim::Redis(Arc::new(values))))
    }

    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            let wire = wire(key);
            let command = Command::get(&wire);
            let answer = self.servers.run(&wire, &command, Kind::Read, self.until()).await;
            let stored = answer.and_then(|answer| self.stored(answer));
            stored.map_err(|failure| failure.named(&format!("could not read {key:?}")))
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
            let writing = Writing::new(&Put { key, bytes, ttl }, when)?;
            let (command, until) = (writing.command(), self.until());
            let answer = self.servers.run(&writing.wire, &command, Kind::Write, until).await;
            let done = answer
                .and_then(|answer| writing.is_done(&answer).ok_or_else(|| self.unexpected()))
                .map_err(|failure| failure.named(&format!("could not write {key:?}")))?;
            Ok(done.then_some(writing.version))
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            if when == Precondition::Absent {
                return Ok(false);
            }
            let (wire, old) = (wire(key), command::old(when));
            let command = Command::delete(&wire, old.as_ref());
            let answer = self.servers.run(&wire, &command, Kind::Write, self.until()).await;
            answer
                .and_then(|answer| command::truth(&answer).ok_or_else(|| self.unexpected()))
                .map_err(|failure| failure.named(&format!("could not delete {key:?}")))
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            let wires = command::wires(keys);
            let gets = wires.iter().map(|wire| (wire.as_str(), Command::get(wire).cmd));
            let answers = self.servers.run_many(gets.collect(), Kind::Read, self.until()).await;
            answers
                .and_then(|all| all.into_iter().map(|answer| self.stored(answer)).collect())
                .map_err(|failure| failure.named(&many("read", keys.len())))
        })
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let writings = puts.iter().map(|put| Writing::new(put, Precondition::Always));
            let writings = writings.collect::<Result<Vec<_>>>()?;
            let sets = writings.iter().map(|one| (one.wire.as_str(), one.command().cmd));
            let done = self.servers.run_many(sets.collect(), Kind::Write, self.until()).await;
            done.map(drop).map_err(|failure| failure.named(&many("write", puts.len())))
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let wires = command::wires(keys);
            let unlinks = wires.iter().map(|wire| (wire.as_str(), Command::delete(wire, None).cmd));
            let done = self.servers.run_many(unlinks.collect(), Kind::Write, self.until()).await;
            done.map(drop).map_err(|failure| failure.named(&many("delete", keys.len())))
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            counter::check(key, by)?;
            let wire = wire(key);
            let command = Command::increment(&wire, by, ttl);
            let answer = self.servers.run(&wire, &command, Kind::Write, self.until()).await;
            answer
                .and_then(|answer| command::count(key, &answer).ok_or_else(|| self.unexpected()))
                .map_err(|failure| failure.named(&format!("could not increment {key:?}")))?
        })
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.scan(namespace).clear().await })
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        Box::pin(async move {
            let (keys, next) = self.scan(namespace).page(from, most).await?;
            let prefix = prefix(namespace);
            let mut page = KeyPage::new(Vec::with_capacity(keys.len()), next);
            for key in &keys {
                let name = key.strip_prefix(&prefix).unwrap_or_default();
                page.push(namespace.key_of_wire(name));
            }
            Ok(page)
        })
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for AsyncRedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncRedisStore").field(&self.addresses()).finish()
    }
}

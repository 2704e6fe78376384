//! [`AsyncPostgresStore`]: PostgreSQL for asynchronous programs, whose tasks share a few connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "deadpool-postgres")]
use super::connections::Given;
use super::connections::{AsyncConnections, Origin, Shared};
use super::{DIALECT, Server};
use crate::clock::Clock;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::database::DatabaseStore;
use crate::store::database::statements::Statements;
use crate::store::database::table::Table;
use crate::store::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, StoreFuture, Stored, SweepProgress, Version,
};

/// Stores values in one table of a PostgreSQL database, for programs on tokio.
///
/// The table, its rows and the statements are those of [`DatabaseStore`], so blocking and asynchronous
/// programs can share it. Each operation is one statement and takes one round trip. Batches take one for up
/// to 1000 keys and 16 MB, and `clear` takes one for 1000 rows.
///
/// # Connections
///
/// All tasks share a few connections, on which statements follow one another without waiting for results. A
/// connection is opened when all others are busy, up to
/// [`max_connections`](AsyncPostgresStore::max_connections). If several tasks need the first connection,
/// one of them opens it. PostgreSQL executes the statements of a connection one after the other, so a slow
/// statement delays those behind it. Each statement goes to the connection with the fewest pending
/// statements.
///
/// A connection whose result did not arrive in time is not used for further statements. It stays open while
/// its callers still wait, which the deadline limits, so for that time there may be up to twice as many
/// connections.
///
/// # Deadline
///
/// Each statement ends within the deadline or returns an error. The deadline includes the lookup of the
/// host name, the connection, the queue and the result. The server is told to cancel a statement after
/// three quarters of it.
///
/// # Connections that break off
///
/// A statement that only reads is sent once more if its connection breaks off. A write is not sent again,
/// because the server may have executed it: it returns an error, and the value is either the old one or the
/// new one.
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
/// use beaker::store::{AsyncPostgresStore, AsyncStore, Precondition};
///
/// # async fn run() -> beaker::Result<()> {
/// let url = "postgres://user:password@127.0.0.1/database";
/// let table = AsyncPostgresStore::TABLE_NAME;
/// let store = AsyncPostgresStore::open(url, table, Duration::from_secs(1))?;
/// let key = Namespace::new("capitals").key("Norway");
/// store.put(&key, b"Oslo", Some(Duration::from_secs(60)), Precondition::Always).await?;
/// assert_eq!(&*store.get(&key).await?.unwrap().bytes, b"Oslo");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct AsyncPostgresStore {
    table: Table<AsyncConnections>,
}

impl AsyncPostgresStore {
    /// The default name of the table, which is that of [`DatabaseStore`].
    pub const TABLE_NAME: &str = DatabaseStore::TABLE_NAME;

    /// The default limit of connections.
    ///
    /// A read keeps one of the server's processes busy for about 20 µs, so two or three connections would
    /// be enough for reads. A write waits for the disk, and the commits of one connection wait for each
    /// other, while those of several connections are written to the disk together.
    const MAX_CONNECTIONS: usize = 8;

    /// Creates a store in this table of the database at `postgres://user:password@host/database`. Nothing
    /// is connected yet, and this needs no runtime.
    ///
    /// The parameters for TLS (feature `postgres-tls`) are those of [`DatabaseStore::open`].
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the URL or the table name is invalid, or if a file cannot be read or
    /// used.
    pub fn open(url: &str, table_name: &str, deadline: Duration) -> Result<AsyncPostgresStore> {
        let server = Server::parse(url)?;
        let place = format!("the table `{table_name}` of PostgreSQL at {}", server.place());
        let statements = Statements::new(table_name, DIALECT)?;
        let shared = Shared::new(server, statements, Self::MAX_CONNECTIONS, deadline);
        Ok(AsyncPostgresStore::on(Origin::Own(Box::new(shared)), place, deadline))
    }

    /// Creates a store in this table with an existing connection pool of the program.
    ///
    /// Each connection of the pool serves one operation at a time, and its settings are not changed. Keep
    /// `default_transaction_isolation` at `read committed`, because concurrent writes fail otherwise. The
    /// pool is one of `deadpool-postgres` 0.14. The next minor version of that crate has another type, so
    /// moving to it will be a breaking change of this function.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the table name is invalid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use beaker::store::AsyncPostgresStore;
    /// # fn open(pool: deadpool_postgres::Pool) -> beaker::Result<()> {
    /// let table = AsyncPostgresStore::TABLE_NAME;
    /// let store = AsyncPostgresStore::from_pool(pool, table, Duration::from_secs(1))?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "deadpool-postgres")]
    pub fn from_pool(
        pool: deadpool_postgres::Pool,
        table_name: &str,
        deadline: Duration,
    ) -> Result<AsyncPostgresStore> {
        let place = format!("the table `{table_name}` by the pool that the program gave");
        let given = Given::new(pool, Statements::new(table_name, DIALECT)?);
        Ok(AsyncPostgresStore::on(Origin::Given(given), place, deadline))
    }

    fn on(origin: Origin, place: String, deadline: Duration) -> AsyncPostgresStore {
        AsyncPostgresStore { table: Table::new(AsyncConnections { origin, deadline }, place) }
    }

    /// Sets how many connections there are at most. Default: 8. It has no effect on a pool of the program,
    /// which has a limit of its own.
    ///
    /// # Panics
    ///
    /// Panics if `max` is 0, because no statement could be sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use beaker::store::AsyncPostgresStore;
    /// # fn main() -> beaker::Result<()> {
    /// let (url, table) = ("postgres://user@127.0.0.1/database", AsyncPostgresStore::TABLE_NAME);
    /// let store = AsyncPostgresStore::open(url, table, Duration::from_secs(1))?.max_connections(4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_connections(mut self, max: usize) -> AsyncPostgresStore {
        assert!(max > 0, "a store without a connection never answers");
        match &mut self.table.connections.origin {
            Origin::Own(shared) => shared.max = max,
            #[cfg(feature = "deadpool-postgres")]
            Origin::Given(_) => {}
        }
        self
    }

    /// Sets the clock by which values expire. Default: the system clock. Deadlines follow tokio's clock.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use beaker::{ManualClock, store::AsyncPostgresStore};
    /// # fn main() -> beaker::Result<()> {
    /// let (url, table) = ("postgres://user@127.0.0.1/database", AsyncPostgresStore::TABLE_NAME);
    /// let clock = Arc::new(ManualClock::default());
    /// let store = AsyncPostgresStore::open(url, table, Duration::from_secs(1))?.with_clock(clock);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> AsyncPostgresStore {
        self.table.clock = clock;
        self
    }
}

impl AsyncStore for AsyncPostgresStore {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(self.table.get(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(self.table.put(key, bytes, ttl, when))
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(self.table.delete(key, when))
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(self.table.get_many(keys))
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(self.table.put_many(puts))
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(self.table.delete_many(keys))
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(self.table.increment(key, by, ttl))
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(self.table.clear(namespace))
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        Box::pin(self.table.keys(namespace, from, most))
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        Box::pin(self.table.sweep(most))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.table.clock
    }

    fn damaged(&self) -> u64 {
        self.table.damaged()
    }
}

impl fmt::Debug for AsyncPostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncPostgresStore").field(&self.table.place).finish()
    }
}

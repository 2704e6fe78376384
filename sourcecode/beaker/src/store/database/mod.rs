//! Stores values in a table of a database: SQLite, a file that the processes of one host share, or
//! PostgreSQL, which hosts share. Values survive a restart. Times to live are exact to the microsecond.
//! Expired values stay in the table until a cleanup removes them.

mod connection;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "python")]
mod python;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod table;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pool::{Pool, Pools};
#[cfg(all(feature = "postgres", feature = "tokio"))]
pub use postgres::AsyncPostgresStore;
#[cfg(feature = "python")]
pub(super) use python::{BeakerTable, Change};
use statements::Statements;
use table::Table;

#[cfg(all(feature = "postgres", feature = "tokio"))]
use super::AsyncStore;
use super::{KeyCursor, KeyPage, Precondition, Put, Store, Stored, SweepProgress, Version};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::world::finish;

/// Stores values in one table of a database. The table is created if it is missing.
///
/// Each operation is a single statement that contains its condition. `clear` takes one statement for up to
/// 1000 rows. The table has the columns `namespace` and `name` (in the form of [`Key::wire`]), `version`,
/// `expires_at` (microseconds since 1970, or null), `bytes`, and `checksum`, which is the CRC-32 of all
/// others. A row with a wrong checksum counts as missing and is removed. A table of the same name with
/// other columns belongs to another program: opening it fails, and it stays as it is.
///
/// # SQLite
///
/// Files are created with mode 0600 and folders with mode 0700, whatever the umask; existing ones keep
/// their modes.
///
/// The database is in WAL mode with `synchronous = normal`: a killed process loses nothing that was saved.
/// A power failure may lose the last writes, but damages nothing. Readers never wait; writers wait for each
/// other. If the file is removed, writers notice within 10 ms and create it again, and readers notice
/// within 0.1 s.
///
/// # PostgreSQL
///
/// Values are as durable as the settings of the server make them. In asynchronous code, a call panics where
/// blocking is not allowed; use `AsyncPostgresStore` there.
#[must_use]
pub struct DatabaseStore {
    table: Table<Pools>,
    #[cfg(all(feature = "postgres", feature = "tokio"))]
    opened: Opened,
}

/// The options that it was opened with.
#[cfg(all(feature = "postgres", feature = "tokio"))]
struct Opened {
    url: String,
    table_name: String,
    deadline: Duration,
}

impl DatabaseStore {
    /// The default name of the table. Python's Beaker uses another table, `beaker_cache`, with other
    /// columns, so both may share one database.
    pub const TABLE_NAME: &str = "beaker_values";

    /// Creates a store in this table of the database at `url`: `sqlite:///relative/path.db`,
    /// `sqlite:////absolute/path.db`, a plain path, or `postgres://user:password@host/database`.
    ///
    /// SQLite's file is opened at once; PostgreSQL is connected to at the first operation. Each operation
    /// ends within `deadline` or returns an error.
    ///
    /// PostgreSQL is reached over TLS (feature `postgres-tls`) if the URL ends with `?sslmode=verify-full`.
    /// `verify-ca` and `require` mean the same here. The server's certificate must be valid for that host
    /// and signed by an authority that the system trusts, or by one in the file `&sslrootcert=`. If the
    /// server asks for a client certificate, name it and its key with `&sslcert=` and `&sslkey=`. The files
    /// are in PEM format and are read at once. Without `sslmode`, the connection is not encrypted.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the URL or the table name is invalid or a file cannot be used, and
    /// `ErrorKind::Unavailable` if SQLite's file cannot be opened.
    pub fn open(url: &str, table_name: &str, deadline: Duration) -> Result<DatabaseStore> {
        DatabaseStore::open_with(url, table_name, deadline, Journal::Ours)
    }

    fn open_with(
        url: &str,
        table_name: &str,
        deadline: Duration,
        journal: Journal,
    ) -> Result<DatabaseStore> {
        Ok(DatabaseStore {
            table: open(url, table_name, deadline, journal)?,
            #[cfg(all(feature = "postgres", feature = "tokio"))]
            opened: Opened { url: url.into(), table_name: table_name.into(), deadline },
        })
    }

    /// Sets the clock by which values expire. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> DatabaseStore {
        self.table.connections.clock = Arc::clone(&clock);
        self.table.clock = clock;
        self
    }
}

impl Store for DatabaseStore {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        finish(self.table.get(key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        finish(self.table.put(key, bytes, ttl, when))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        finish(self.table.delete(key, when))
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        finish(self.table.get_many(keys))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        finish(self.table.put_many(puts))
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        finish(self.table.delete_many(keys))
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        finish(self.table.increment(key, by, ttl))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        finish(self.table.clear(namespace))
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        finish(self.table.keys(namespace, from, most))
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        finish(self.table.sweep(most))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.table.clock
    }

    /// Only for PostgreSQL.
    #[cfg(all(feature = "postgres", feature = "tokio"))]
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        let Opened { url, table_name, deadline } = &self.opened;
        let Ok(Address::Server(url)) = Address::parse(url) else { return None };
        let store = AsyncPostgresStore::open(&url, table_name, *deadline).ok()?;
        Some(Arc::new(store.with_clock(Arc::clone(&self.table.clock))))
    }

    fn damaged(&self) -> u64 {
        self.table.damaged()
    }
}

impl fmt::Debug for DatabaseStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseStore").field(&self.table.place).finish()
    }
}

/// How SQLite protects what it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journal {
    /// The file gets a write-ahead log.
    Ours,
    /// The file is another program's.
    #[cfg(feature = "python")]
    AsIs,
}

/// The place of a database.
enum Address {
    File(PathBuf),
    Server(String),
}

impl Address {
    /// Parses `sqlite:///relative.db`, `sqlite:////absolute.db` (as in SQLAlchemy), a plain path, or
    /// `postgres://…`. A URL may contain a password, so it is never part of a message.
    fn parse(url: &str) -> Result<Address> {
        let file = match url.split_once("://") {
            None => url,
            Some(("sqlite", rest)) => rest.strip_prefix('/').unwrap_or(""),
            Some(("postgres" | "postgresql", _)) => return Ok(Address::Server(url.into())),
            Some((scheme, _)) => {
                return Err(Error::config(format!(
                    "there is no database `{scheme}://`; there are `sqlite:///path/to/file.db` \
                     and `postgres://user:password@host/database`"
                )));
            }
        };
        match file {
            "" => Err(Error::config("the url names no file; write `sqlite:///path/to/file.db`")),
            ":memory:" => Err(Error::config(
                "a database in memory belongs to one connection; use the backend `memory`",
            )),
            _ => Ok(Address::File(file.into())),
        }
    }
}

fn open(url: &str, table: &str, deadline: Duration, journal: Journal) -> Result<Table<Pools>> {
    match Address::parse(url)? {
        Address::File(path) => file(path, table, deadline, journal),
        Address::Server(url) => server(&url, table, deadline),
    }
}

/// Returns how long to wait for a connection while all are in use. The rest of the deadline is for opening
/// one, and for the work.
fn wait(deadline: Duration) -> Duration {
    deadline / 4
}

/// Only one connection writes at a time, so that threads need not poll for SQLite's lock.
#[cfg(feature = "sqlite")]
fn file(path: PathBuf, table: &str, deadline: Duration, journal: Journal) -> Result<Table<Pools>> {
    use sqlite::{DIALECT, Removals, Sqlite};
    let statements = Arc::new(Statements::new(table, DIALECT)?);
    let place = format!("the table `{table}` of the database `{}`", path.display());
    let removals = Removals::default();
    let pool = |most: usize, look_every: Duration| {
        let (path, statements) = (path.clone(), Arc::clone(&statements));
        let removals = removals.clone();
        let open = move || {
            let removals = removals.watch(&path, look_every);
            let (statements, wait) = (Arc::clone(&statements), deadline * 3 / 8);
            Ok(Box::new(Sqlite::open(&path, statements, removals, journal, wait)?) as _)
        };
        Arc::new(Pool::new(most, wait(deadline), Box::new(open)))
    };
    let (reads, writes) =
        (pool(16, Duration::from_millis(100)), pool(1, Duration::from_millis(10)));
    let pools = Pools::new(reads, writes);
    // A place that is not writable is detected now.
    pools.connect().map_err(|failure| failure.named(&format!("could not open {place}")))?;
    Ok(Table::new(pools, place))
}

#[cfg(feature = "postgres")]
fn server(url: &str, table: &str, deadline: Duration) -> Result<Table<Pools>> {
    use postgres::{DIALECT, Postgres, Server};
    let server = Server::parse(url)?;
    let place = format!("the table `{table}` of PostgreSQL at {}", server.place());
    let statements = Statements::new(table, DIALECT)?;
    let open = move || {
        let opened = Postgres::open(&server, &statements, deadline / 4, deadline / 2);
        Ok(Box::new(opened?) as _)
    };
    let pool = Arc::new(Pool::new(16, wait(deadline), Box::new(open)));
    Ok(Table::new(Pools::new(Arc::clone(&pool), pool), place))
}

#[cfg(not(feature = "sqlite"))]
fn file(_: PathBuf, _: &str, _: Duration, _: Journal) -> Result<Table<Pools>> {
    Err(crate::error::Error::config(
        "SQLite is not compiled in; turn on the feature `sqlite` of the crate `beaker`",
    ))
}

#[cfg(not(feature = "postgres"))]
fn server(_: &str, _: &str, _: Duration) -> Result<Table<Pools>> {
    Err(crate::error::Error::config(
        "PostgreSQL is not compiled in; turn on the feature `postgres` of the crate `beaker`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn file(url: &str, path: &str) {
        let Ok(Address::File(found)) = Address::parse(url) else { panic!("{url}") };
        assert_eq!(found, PathBuf::from(path), "{url}");
    }

    #[test]
    fn urls() {
        file("a/b.db", "a/b.db");
        file("sqlite:///a/b.db", "a/b.db");
        file("sqlite:////a/b.db", "/a/b.db");
        assert!(matches!(Address::parse("postgres://h/d"), Ok(Address::Server(_))));
        for wrong in ["", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://u:pass@h/d"] {
            let message = Address::parse(wrong).err().unwrap().to_string();
            assert!(!message.contains("pass@"), "{message}");
        }
    }
}

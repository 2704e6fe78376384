//! [`BeakerTable`]: the table of Python's Beaker, `type = ext:database`, in SQLite and PostgreSQL.
//!
//! | column | what |
//! |---|---|
//! | `id` | a number; a table of `ext:sqla` has none |
//! | `namespace` | the id of a session, or the name of a cache |
//! | `accessed`, `created` | when the row was last written and when it was made: local time, without a zone |
//! | `data` | a pickle |
//!
//! Beaker reads `data` alone. The times are for those who delete old rows. Here SQLite takes the zone of this
//! process, as Python does, and PostgreSQL that of its session.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use super::connection::{Failure, Pooled};
use super::pool::Pool;
use super::{Address, DatabaseStore, Journal, statements};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;

/// What a row has in its column `data`.
pub(in crate::store) type Data = Vec<u8>;

/// What is to become of a row.
pub(in crate::store) enum Change {
    Nothing,
    /// The row is written, with this data. It is made if there is none.
    Write(Data),
    Delete,
}

/// Decides about a row by what is in it, or by there being none. It may be called several times.
type Decide<'a> = &'a dyn Fn(Option<&[u8]>) -> Change;

/// A connection to the table.
trait TableConnection: Pooled {
    fn read(&mut self, namespace: &str) -> Result<Option<Data>, Failure>;

    /// Reads a row and changes it, while nobody else does. Returns whether it was changed.
    fn change(&mut self, namespace: &str, decide: Decide<'_>) -> Result<bool, Failure>;

    /// Returns the rows after this namespace, in order, whose namespaces have this length.
    fn page(
        &mut self,
        after: &str,
        length: usize,
        most: usize,
    ) -> Result<Vec<(String, Data)>, Failure>;
}

type Connections = Arc<Pool<dyn TableConnection>>;

/// Beaker's table in a database.
pub(in crate::store) struct BeakerTable {
    reads: Connections,
    /// The same as `reads`, unless only one connection may write at a time.
    writes: Connections,
    /// For messages, without a password.
    pub(in crate::store) place: String,
}

impl BeakerTable {
    /// Opens the table, and a store of this library in the same database.
    pub(in crate::store) fn open(
        url: &str,
        table: &str,
        deadline: Duration,
    ) -> Result<(BeakerTable, DatabaseStore)> {
        statements::check(table)?;
        let url = without_driver(url);
        let opened = match Address::parse(&url)? {
            #[cfg(feature = "sqlite")]
            Address::File(path) => sqlite::open(path, table, deadline)?,
            #[cfg(feature = "postgres")]
            Address::Server(url) => postgres::open(&url, table, deadline)?,
            // The store of this library says what is not compiled in.
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            _ => {
                let missing = DatabaseStore::open(&url, DatabaseStore::TABLE_NAME, deadline);
                return missing.map(|_| unreachable!("it is not compiled in"));
            }
        };
        let own =
            DatabaseStore::open_with(&url, DatabaseStore::TABLE_NAME, deadline, Journal::AsIs)?;
        Ok((opened, own))
    }

    /// Reads a row, which messages call `name`.
    pub(in crate::store) fn read(&self, name: &str, namespace: &str) -> Result<Option<Data>> {
        let read = self.reads.run(SystemClock.monotonic(), |it| it.read(namespace));
        read.map_err(|failure| self.failed("read", name, failure))
    }

    /// Changes a row, and returns whether it was changed.
    pub(in crate::store) fn change(
        &self,
        (what, name): (&str, &str),
        namespace: &str,
        decide: Decide<'_>,
    ) -> Result<bool> {
        let done = self.writes.run(SystemClock.monotonic(), |it| it.change(namespace, decide));
        done.map_err(|failure| self.failed(what, name, failure))
    }

    /// Returns at most this many rows after this namespace, in order, whose namespaces have this length.
    pub(in crate::store) fn page(
        &self,
        after: &str,
        length: usize,
        most: usize,
    ) -> Result<Vec<(String, Data)>> {
        let rows = self.reads.run(SystemClock.monotonic(), |it| it.page(after, length, most));
        rows.map_err(|failure| self.failed("list", "the sessions", failure))
    }

    fn failed(&self, what: &str, name: &str, failure: Failure) -> crate::error::Error {
        failure.named(&format!("could not {what} {name} in {}", self.place))
    }
}

/// Returns the URL without the driver that SQLAlchemy is to use, as in `postgresql+psycopg2://`.
fn without_driver(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.contains('+') => {
            let kind = scheme.split('+').next().unwrap_or_default();
            format!("{kind}://{rest}")
        }
        _ => url.to_owned(),
    }
}

/// The statements, which both databases understand.
struct Texts {
    create: String,
    probe: String,
    read: String,
    insert: String,
    update: String,
    delete: String,
    page: String,
}

/// What differs between the two databases.
struct Types {
    id: &'static str,
    time: &'static str,
    bytes: &'static str,
    /// The local time.
    now: &'static str,
    /// What is before the number of a parameter.
    mark: &'static str,
    /// What follows a statement that inserts.
    unless_there: &'static str,
}

impl Texts {
    fn new(table: &str, types: &Types) -> Texts {
        let Types { id, time, bytes, now, mark, unless_there } = types;
        let with = |text: &str| {
            text.replace("TABLE", &format!("\"{table}\"")).replace('?', mark).replace("NOW", now)
        };
        Texts {
            // As SQLAlchemy does for Beaker.
            create: with(&format!(
                "create table if not exists TABLE (id {id} not null, namespace varchar(255) not null, \
                 accessed {time} not null, created {time} not null, data {bytes} not null, \
                 primary key (id), unique (namespace))"
            )),
            probe: with("select namespace, accessed, created, data from TABLE limit 0"),
            read: with("select data from TABLE where namespace = ?1"),
            insert: with(&format!(
                "insert into TABLE (namespace, accessed, created, data) values (?1, NOW, NOW, ?2) \
                 {unless_there}"
            )),
            update: with("update TABLE set accessed = NOW, data = ?2 where namespace = ?1"),
            delete: with("delete from TABLE where namespace = ?1"),
            page: with(
                "select namespace, data from TABLE where namespace > ?1 and length(namespace) = ?2 \
                 order by namespace limit ?3",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_of_sqlalchemy_is_left_out() {
        for (url, without) in [
            ("sqlite:///a+b.db", "sqlite:///a+b.db"),
            ("a+b/c.db", "a+b/c.db"),
            ("sqlite+pysqlite:////a.db", "sqlite:////a.db"),
            ("postgresql+psycopg2://u:p+q@h/d", "postgresql://u:p+q@h/d"),
        ] {
            assert_eq!(without_driver(url), without);
        }
    }
}

//! Opening: from a url to a table.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::address::Address;
use super::pool::{Pool, Pools};
use super::statements::Statements;
use super::table::Table;
use crate::error::Result;

pub(super) fn open(url: &str, table: &str, deadline: Duration) -> Result<Table<Pools>> {
    match Address::parse(url)? {
        Address::File(path) => file(path, table, deadline),
        Address::Server(url) => server(&url, table, deadline),
    }
}

/// How long to wait for a connection while all are in use. What is left of the deadline is for
/// opening one, and for the work.
fn wait(deadline: Duration) -> Duration {
    deadline / 4
}

/// Only one connection writes at a time, so that threads need not poll for SQLite's lock.
#[cfg(feature = "sqlite")]
fn file(path: PathBuf, table: &str, deadline: Duration) -> Result<Table<Pools>> {
    use super::sqlite::{DIALECT, Removals, Sqlite};
    let statements = Arc::new(Statements::new(table, DIALECT)?);
    let place = format!("the table `{table}` of the database `{}`", path.display());
    let removals = Removals::default();
    let pool = |most: usize, look_every: Duration| {
        let (path, statements) = (path.clone(), Arc::clone(&statements));
        let removals = removals.clone();
        let open = move || {
            let removals = removals.watch(&path, look_every);
            Ok(Box::new(Sqlite::open(&path, Arc::clone(&statements), removals, deadline * 3 / 8)?)
                as _)
        };
        Arc::new(Pool::new(most, wait(deadline), Box::new(open)))
    };
    let (reads, writes) =
        (pool(16, Duration::from_millis(100)), pool(1, Duration::from_millis(10)));
    let pools = Pools::new(reads, writes);
    // A place that cannot be written is found out now.
    pools.connect().map_err(|failure| failure.named(&format!("could not open {place}")))?;
    Ok(Table::new(pools, place))
}

#[cfg(feature = "postgres")]
fn server(url: &str, table: &str, deadline: Duration) -> Result<Table<Pools>> {
    use super::postgres::{DIALECT, Postgres, Server};
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
fn file(_: PathBuf, _: &str, _: Duration) -> Result<Table<Pools>> {
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

//! PostgreSQL. This uses the client that the crate `postgres` wraps, because that crate waits for an answer
//! forever. In a blocking program, each connection has a small runtime, and everything here blocks. An
//! asynchronous program uses [`AsyncPostgresStore`].

#[cfg(feature = "tokio")]
mod asynchronous;
mod client;
#[cfg(feature = "tokio")]
mod connections;
mod server;

use std::future::Future;
use std::time::Duration;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncPostgresStore;
pub(super) use client::no_answer;
use client::{AskRow, AskRows, AskTexts, Change, DeleteAll, PutAll, Question, Session, failure};
#[cfg(feature = "python")]
pub(super) use client::{Driver, create_where_missing, prepare_session};
pub(super) use server::Server;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Error;

use super::connection::{Columns, Connection, Failure, Found, Pooled, Row, Value};
use super::statements::{Dialect, Statement, Statements};
use crate::error::ErrorKind;

pub(super) const DIALECT: Dialect = Dialect {
    // Compared byte by byte, whatever the language of the database.
    text: "text collate \"C\"",
    number: "bigint",
    bytes: "bytea",
    ending: "",
    mark: "$",
    number_of: "(case when encode(COLUMN, 'escape') ~ '^[0-9]{1,16}$' \
                then cast(encode(COLUMN, 'escape') as bigint) end)",
    digits_of: "decode(cast(NUMBER as text), 'escape')",
    text_of: "encode(bytes, 'escape')",
};

/// A connection of a blocking program.
pub(super) struct Postgres {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    session: Session,
    limit: Duration,
}

impl Postgres {
    /// Connects within `connect`; each later statement has `limit`. Creates the table if it is missing.
    pub(super) fn open(
        server: &Server,
        statements: &Statements,
        connect: Duration,
        limit: Duration,
    ) -> Result<Postgres, Failure> {
        let builder = Builder::new_current_thread().enable_all().build();
        let runtime = builder.map_err(|error| {
            Failure::new(ErrorKind::Unavailable, "are there too many open files?").caused_by(error)
        })?;
        match within(&runtime, connect, Session::open(server, statements, limit)) {
            Ok(session) => Ok(Postgres { runtime: Some(runtime), session, limit }),
            Err(failure) => {
                runtime.shutdown_background();
                Err(failure)
            }
        }
    }

    /// Asks within the time limit.
    fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, Failure> {
        let Some(runtime) = &self.runtime else { return Err(no_answer()) };
        within(runtime, self.limit, self.session.ask(&question))
    }
}

impl Connection for Postgres {
    fn row(&mut self, key: &Columns) -> Result<Found, Failure> {
        self.ask(AskRow(key))
    }

    fn texts(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<String>, Failure> {
        self.ask(AskTexts(statement, values))
    }

    fn change(&mut self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure> {
        self.ask(Change(statement, values))
    }

    fn rows(&mut self, keys: &[Columns]) -> Result<Vec<Found>, Failure> {
        self.ask(AskRows(keys))
    }

    fn put_all(&mut self, rows: &[Row<'_>]) -> Result<(), Failure> {
        self.ask(PutAll(rows))
    }

    fn delete_all(&mut self, keys: &[Columns], now: i64) -> Result<(), Failure> {
        self.ask(DeleteAll(keys, now))
    }
}

impl Pooled for Postgres {}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting, for example, for the lookup of a host name.
            runtime.shutdown_background();
        }
    }
}

/// Waits for the work, and gives up after the limit.
pub(super) fn within<T>(
    runtime: &Runtime,
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    let done = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    done.map_err(|_| no_answer())?.map_err(failure)
}

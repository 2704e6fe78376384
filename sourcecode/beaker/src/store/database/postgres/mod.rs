//! PostgreSQL. The client is the one that the crate `postgres` wraps, since that one waits for an
//! answer for ever. So each connection has a small runtime of its own, and everything here blocks;
//! whoever is in async code calls it through `spawn_blocking`.

mod failure;
mod server;
mod value;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use failure::{failure, no_answer};
use futures_util::future::try_join_all;
pub(super) use server::Server;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::connection::{Connection, Failure, Found, Value};
use super::statements::{Dialect, Statements};
use crate::error::ErrorKind;

pub(super) const DIALECT: Dialect = Dialect {
    // Compared byte by byte, whatever the database's language is.
    text: "text collate \"C\"",
    number: "bigint",
    bytes: "bytea",
    ending: "",
    mark: "$",
};

/// Any number that nobody else locks by: whoever creates tables takes turns.
const CREATES_TABLES: i64 = 0x6265_616b_6572;

/// A connection, and how far its statements are prepared.
pub(super) struct Postgres {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    prepared: HashMap<String, Statement>,
    limit: Duration,
}

impl Postgres {
    /// Connects, within `connect`; each statement has `limit` later. Creates the table where it is
    /// missing.
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
        let client = within(&runtime, connect, async {
            let client = server.connect().await?;
            let limit = limit.as_millis().max(1);
            let settings = format!(
                "set statement_timeout = {limit}; set client_min_messages = 'error'; \
                 set default_transaction_isolation = 'read committed'"
            );
            client.batch_execute(&settings).await?;
            match client.batch_execute(&statements.probe).await {
                Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                    let create = &statements.create;
                    let turn = format!("select pg_advisory_xact_lock({CREATES_TABLES})");
                    client.batch_execute(&format!("begin; {turn}; {create}; commit")).await?;
                    client.batch_execute(&statements.probe).await?;
                }
                done => done?,
            }
            Ok(client)
        });
        match client {
            Ok(client) => {
                Ok(Postgres { runtime: Some(runtime), client, prepared: HashMap::new(), limit })
            }
            Err(failure) => {
                runtime.shutdown_background();
                Err(failure)
            }
        }
    }

    /// Works with a prepared statement, within the time limit.
    fn run<T>(
        &mut self,
        statement: &str,
        work: impl AsyncFnOnce(&mut Client, &Statement) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let Postgres { runtime: Some(runtime), client, prepared, limit } = self else {
            return Err(no_answer());
        };
        within(runtime, *limit, async {
            if !prepared.contains_key(statement) {
                prepared.insert(statement.into(), client.prepare(statement).await?);
            }
            work(client, &prepared[statement]).await
        })
    }
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn found(row: Option<Row>) -> Found {
    row.map_or(Found::Nothing, |row| read(&row).unwrap_or(Found::Damaged))
}

impl Connection for Postgres {
    fn row(&mut self, statement: &str, values: &[Value<'_>]) -> Result<Found, Failure> {
        let values = parameters(values);
        let row = self.run(statement, async |client, it| client.query_opt(it, &values).await);
        row.map(found)
    }

    fn text(&mut self, statement: &str, values: &[Value<'_>]) -> Result<Option<String>, Failure> {
        let values = parameters(values);
        let row = self.run(statement, async |client, it| client.query_opt(it, &values).await)?;
        row.map(|row| row.try_get(0).map_err(failure)).transpose()
    }

    fn rows(&mut self, statement: &str, all: &[[Value<'_>; 2]]) -> Result<Vec<Found>, Failure> {
        let rows = self.run(statement, async |client, it| {
            let client = &*client;
            let asked =
                all.iter().map(|values| async { client.query_opt(it, &parameters(values)).await });
            try_join_all(asked).await
        });
        Ok(rows?.into_iter().map(found).collect())
    }

    fn change(&mut self, statement: &str, values: &[Value<'_>]) -> Result<usize, Failure> {
        let values = parameters(values);
        let changed = self.run(statement, async |client, it| client.execute(it, &values).await)?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn change_all(&mut self, statement: &str, all: &[Vec<Value<'_>>]) -> Result<(), Failure> {
        self.run(statement, async |client, it| {
            let transaction = client.transaction().await?;
            let asked = all
                .iter()
                .map(|values| async { transaction.execute(it, &parameters(values)).await });
            try_join_all(asked).await?;
            transaction.commit().await
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting, say, for the name of a host to be looked up.
            runtime.shutdown_background();
        }
    }
}

fn read(row: &Row) -> Option<Found> {
    let bytes: &[u8] = row.try_get(2).ok()?;
    let (version, expires) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
    Some(Found::Row { version, expires, bytes: bytes.into(), checksum: row.try_get(3).ok()? })
}

fn within<T>(
    runtime: &Runtime,
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    let done = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    done.map_err(|_| no_answer())?.map_err(failure)
}

//! Beaker's table in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Error, Statement};

use super::super::connection::{Failure, Pooled};
use super::super::pool::Pool;
use super::super::postgres::{
    Driver, Server, create_where_missing, no_answer, prepare_session, within,
};
use super::super::wait;
use super::{BeakerTable, Change, Data, Decide, TableConnection, Texts, Types};
use crate::error::{ErrorKind, Result};

const TYPES: Types = Types {
    id: "serial",
    time: "timestamp without time zone",
    bytes: "bytea",
    now: "localtimestamp",
    mark: "$",
    unless_there: "on conflict (namespace) do nothing",
};

/// A connection, with the statements prepared.
struct Postgres {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    session: Session,
    limit: Duration,
}

struct Session {
    client: Client,
    read: Statement,
    read_for_update: Statement,
    insert: Statement,
    update: Statement,
    delete: Statement,
    page: Statement,
    /// Reads and writes the socket, and ends with this.
    _driver: Driver,
}

/// Nothing is connected yet.
pub(super) fn open(url: &str, table: &str, deadline: Duration) -> Result<BeakerTable> {
    let server = Server::parse(url)?;
    let place = format!("the table `{table}` of PostgreSQL at {}", server.place());
    let texts = Texts::new(table, &TYPES);
    let (connect, limit) = (deadline / 4, deadline / 2);
    let open = move || {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            let hint = "are there too many open files?";
            Failure::new(ErrorKind::Unavailable, hint).caused_by(error)
        })?;
        match within(&runtime, connect, Session::open(&server, &texts, limit)) {
            Ok(session) => Ok(Box::new(Postgres { runtime: Some(runtime), session, limit }) as _),
            Err(failure) => {
                runtime.shutdown_background();
                Err(failure)
            }
        }
    };
    let pool: super::Connections = Arc::new(Pool::new(16, wait(deadline), Box::new(open)));
    Ok(BeakerTable { reads: Arc::clone(&pool), writes: pool, place })
}

impl Session {
    async fn open(server: &Server, texts: &Texts, limit: Duration) -> Result<Session, Error> {
        let (client, task) = server.connect().await?;
        let driver = Driver(task);
        prepare_session(&client, limit).await?;
        create_where_missing(&client, &texts.probe, &texts.create).await?;
        let read_for_update = format!("{} for update", texts.read);
        Ok(Session {
            read: client.prepare(&texts.read).await?,
            read_for_update: client.prepare(&read_for_update).await?,
            insert: client.prepare(&texts.insert).await?,
            update: client.prepare(&texts.update).await?,
            delete: client.prepare(&texts.delete).await?,
            page: client.prepare(&texts.page).await?,
            client,
            _driver: driver,
        })
    }

    /// Locks the row and changes it. Where there is none, nothing can be locked: if somebody else inserts one
    /// meanwhile, that one is read.
    async fn change(&mut self, namespace: &str, decide: Decide<'_>) -> Result<bool, Error> {
        loop {
            let transaction = self.client.transaction().await?;
            let row = transaction.query_opt(&self.read_for_update, &[&namespace]).await?;
            let before = row.map(|row| row.try_get::<_, Data>(0)).transpose()?;
            let changed = match (decide(before.as_deref()), &before) {
                (Change::Nothing, _) => return transaction.rollback().await.map(|()| false),
                (Change::Write(data), Some(_)) => {
                    transaction.execute(&self.update, &[&namespace, &data]).await?
                }
                (Change::Write(data), None) => {
                    let inserted = transaction.execute(&self.insert, &[&namespace, &data]).await?;
                    if inserted == 0 {
                        transaction.rollback().await?;
                        continue;
                    }
                    inserted
                }
                (Change::Delete, _) => transaction.execute(&self.delete, &[&namespace]).await?,
            };
            transaction.commit().await?;
            return Ok(changed > 0);
        }
    }
}

impl Pooled for Postgres {}

impl TableConnection for Postgres {
    fn read(&mut self, namespace: &str) -> Result<Option<Data>, Failure> {
        let Session { client, read, .. } = &self.session;
        within(there(self.runtime.as_ref())?, self.limit, async {
            let row = client.query_opt(read, &[&namespace]).await?;
            row.map(|row| row.try_get(0)).transpose()
        })
    }

    fn change(&mut self, namespace: &str, decide: Decide<'_>) -> Result<bool, Failure> {
        let changed = self.session.change(namespace, decide);
        let changed = within(there(self.runtime.as_ref())?, self.limit, changed);
        // What was begun goes on, as far as this connection knows.
        changed.map_err(|failure| Failure { is_broken: true, ..failure })
    }

    fn page(
        &mut self,
        after: &str,
        length: usize,
        most: usize,
    ) -> Result<Vec<(String, Data)>, Failure> {
        let Session { client, page, .. } = &self.session;
        let (length, most) = (length as i32, i64::try_from(most).unwrap_or(i64::MAX));
        within(there(self.runtime.as_ref())?, self.limit, async {
            let rows = client.query(page, &[&after, &length, &most]).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        })
    }
}

fn there(runtime: Option<&Runtime>) -> Result<&Runtime, Failure> {
    runtime.ok_or_else(no_answer)
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting, for example, for the lookup of a host name.
            runtime.shutdown_background();
        }
    }
}

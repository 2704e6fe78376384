//! The messages to PostgreSQL, for both kinds of program, and the meaning of its errors.

use std::error::Error as StdError;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, Row as FoundRow, Statement as Prepared};

use super::server::Server;
use super::{Columns, Failure, Found, Row, Statement, Statements, Value};
use crate::error::ErrorKind;
#[cfg(feature = "postgres-tls")]
use crate::store::tls;

/// An arbitrary number for the lock under which programs create tables in turn.
const CREATES_TABLES: i64 = 0x6265_616b_6572;

/// A connection with all statements prepared.
pub(super) struct Session {
    client: Client,
    prepared: Vec<Prepared>,
    /// Reads and writes the socket, and ends with this.
    driver: Driver,
}

/// Ends the task and so closes the connection, even if the server never answers.
pub(in crate::store::database) struct Driver(pub(in crate::store::database) JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// Connects, and creates the table if it is missing. The server cancels a statement that takes longer
    /// than `limit`.
    pub(super) async fn open(
        server: &Server,
        statements: &Statements,
        limit: Duration,
    ) -> Result<Session, Error> {
        let (client, task) = server.connect().await?;
        let driver = Driver(task);
        prepare_session(&client, limit).await?;
        create_where_missing(&client, &statements.probe, &statements.create).await?;
        // All are sent before the first is answered.
        let prepared = Statement::ALL.iter().map(|it| client.prepare(statements.text(*it)));
        let prepared = try_join_all(prepared).await?;
        Ok(Session { client, prepared, driver })
    }

    pub(super) async fn ask<Q: Question>(&self, question: &Q) -> Result<Q::Answer, Error> {
        question.ask(&self.client, &self.prepared[question.statement() as usize]).await
    }

    /// Returns whether it was closed, as far as is known.
    #[cfg(feature = "tokio")]
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.0.is_finished()
    }
}

/// Sets what our statements rely on. The server cancels one that takes longer than `limit`.
pub(in crate::store::database) async fn prepare_session(
    client: &Client,
    limit: Duration,
) -> Result<(), Error> {
    let limit = limit.as_millis().clamp(1, 2_147_483_647);
    let settings = format!(
        "set statement_timeout = {limit}; set client_min_messages = 'error'; \
         set default_transaction_isolation = 'read committed'"
    );
    client.batch_execute(&settings).await
}

/// Checks with `probe` that the table exists with its columns, and creates it if it does not exist.
pub(in crate::store::database) async fn create_where_missing(
    client: &Client,
    probe: &str,
    create: &str,
) -> Result<(), Error> {
    match client.batch_execute(probe).await {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            let turn = format!("select pg_advisory_xact_lock({CREATES_TABLES})");
            client.batch_execute(&format!("begin; {turn}; {create}; commit")).await?;
            client.batch_execute(probe).await
        }
        done => done,
    }
}

/// A request that uses one prepared statement.
pub(super) trait Question {
    type Answer;

    fn statement(&self) -> Statement;

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<Self::Answer, Error>;
}

/// Asks for the row of a key.
pub(super) struct AskRow<'a>(pub(super) &'a Columns);

impl Question for AskRow<'_> {
    type Answer = Found;

    fn statement(&self) -> Statement {
        Statement::Read
    }

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<Found, Error> {
        let row = client.query_opt(prepared, &parameters(&self.0.values())).await?;
        Ok(row.map_or(Found::Nothing, |row| found(&row)))
    }
}

/// Asks for the row of each of the keys.
pub(super) struct AskRows<'a>(pub(super) &'a [Columns]);

impl Question for AskRows<'_> {
    type Answer = Vec<Found>;

    fn statement(&self) -> Statement {
        Statement::ReadMany
    }

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<Vec<Found>, Error> {
        let (namespaces, names) = arrays(self.0.iter());
        let mut all = vec![Found::Nothing; self.0.len()];
        for row in client.query(prepared, &[&namespaces, &names]).await? {
            let at: i64 = row.try_get(4)?;
            let place = usize::try_from(at - 1).ok().and_then(|at| all.get_mut(at));
            if let Some(place) = place {
                *place = found(&row);
            }
        }
        Ok(all)
    }
}

/// Asks for the texts that the statement finds.
pub(super) struct AskTexts<'a>(pub(super) Statement, pub(super) &'a [Value<'a>]);

impl Question for AskTexts<'_> {
    type Answer = Vec<String>;

    fn statement(&self) -> Statement {
        self.0
    }

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<Vec<String>, Error> {
        let rows = client.query(prepared, &parameters(self.1)).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

/// Makes a change, and returns how many rows were changed.
pub(super) struct Change<'a>(pub(super) Statement, pub(super) &'a [Value<'a>]);

impl Question for Change<'_> {
    type Answer = usize;

    fn statement(&self) -> Statement {
        self.0
    }

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<usize, Error> {
        let changed = client.execute(prepared, &parameters(self.1)).await?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }
}

/// Writes rows, all or none, with one statement, because a transaction of several could not share a
/// connection.
pub(super) struct PutAll<'a>(pub(super) &'a [Row<'a>]);

impl Question for PutAll<'_> {
    type Answer = ();

    fn statement(&self) -> Statement {
        Statement::PutMany
    }

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<(), Error> {
        let rows = self.0;
        let (namespaces, names) = arrays(rows.iter().map(|row| &row.key));
        let versions: Vec<i64> = rows.iter().map(|row| row.content.version).collect();
        let expires: Vec<Option<i64>> = rows.iter().map(|row| row.content.expires).collect();
        let bytes: Vec<&[u8]> = rows.iter().map(|row| row.content.bytes).collect();
        let checksums: Vec<i64> = rows.iter().map(|row| row.key.checksum(row.content)).collect();
        let values: [&(dyn ToSql + Sync); 6] =
            [&namespaces, &names, &versions, &expires, &bytes, &checksums];
        client.execute(prepared, &values).await.map(drop)
    }
}

/// Deletes the live rows of these keys, all or none.
pub(super) struct DeleteAll<'a>(pub(super) &'a [Columns], pub(super) i64);

impl Question for DeleteAll<'_> {
    type Answer = ();

    fn statement(&self) -> Statement {
        Statement::DeleteMany
    }

    async fn ask(&self, client: &Client, prepared: &Prepared) -> Result<(), Error> {
        let (namespaces, names) = arrays(self.0.iter());
        client.execute(prepared, &[&namespaces, &names, &self.1]).await.map(drop)
    }
}

fn arrays<'a>(keys: impl Iterator<Item = &'a Columns>) -> (Vec<&'a str>, Vec<&'a str>) {
    keys.map(|key| (key.namespace.as_str(), key.name.as_str())).unzip()
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn found(row: &FoundRow) -> Found {
    let read = || {
        let bytes: &[u8] = row.try_get(2).ok()?;
        let (version, expires) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
        Some(Found::Row { version, expires, bytes: bytes.into(), checksum: row.try_get(3).ok()? })
    };
    read().unwrap_or(Found::Damaged)
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        to: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Text(text) => text.to_sql(to, out),
            Value::Number(number) => number.to_sql(to, out),
            Value::Moment(moment) => moment.to_sql(to, out),
            Value::Bytes(bytes) => bytes.to_sql(to, out),
        }
    }

    fn accepts(to: &Type) -> bool {
        [Type::TEXT, Type::INT8, Type::BYTEA].contains(to)
    }

    to_sql_checked!();
}

pub(in crate::store::database) fn no_answer() -> Failure {
    Failure::new(ErrorKind::Unavailable, "it did not answer within the deadline")
}

/// The client reports this only as text.
#[cfg(feature = "postgres-tls")]
fn no_tls(error: &Error) -> Option<(ErrorKind, &'static str)> {
    let refused = std::error::Error::source(error)?.to_string().contains("does not support TLS");
    let hint = "it speaks no TLS: turn on `ssl` there, or leave `sslmode` out of the url";
    refused.then_some((ErrorKind::Config, hint))
}

pub(super) fn failure(error: Error) -> Failure {
    #[cfg(feature = "postgres-tls")]
    if let Some((kind, hint)) = tls::advice(&error).or_else(|| no_tls(&error)) {
        return Failure::new(kind, hint).caused_by(error);
    }
    let code = error.code().map_or("", SqlState::code);
    let class = code.get(..2).unwrap_or("");
    let (kind, hint) = match (code, class) {
        (_, "28") => {
            let hint = "are the user and the password in the url right? does it want TLS \
                        (`?sslmode=verify-full`), or a certificate of yours (`&sslcert=`)?";
            (ErrorKind::Config, hint)
        }
        ("3D000", _) => (ErrorKind::Config, "create that database, or name another in the url"),
        ("42501", _) => (ErrorKind::Config, "grant the user what is missing"),
        ("42P01" | "42703" | "42804" | "42P10", _) => {
            let hint = "the table has other columns, so it may be another program's: give another `table_name`";
            (ErrorKind::Config, hint)
        }
        ("53100", _) => (ErrorKind::Storage, "the server's disk is full: free some space"),
        ("53300", _) => {
            let hint = "it has no connection left: open fewer, or raise its `max_connections`";
            (ErrorKind::Unavailable, hint)
        }
        (_, "54") => (ErrorKind::TooLarge, "store less in one value"),
        ("57014", _) => (ErrorKind::Unavailable, "the server did not finish within the deadline"),
        _ => (ErrorKind::Unavailable, "is the server running, and is its address right?"),
    };
    // After these errors, the connection is still usable. Others may be caused by the connection: a new one
    // creates its table and prepares its statements again.
    let is_broken = code != "57014" && !["40", "53", "54"].contains(&class);
    Failure { is_broken, ..Failure::new(kind, hint).caused_by(error) }
}

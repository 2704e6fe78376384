//! The shop's own data, in SQLite or PostgreSQL: which one is one string.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::{Manager, Pool};
use rusqlite::types::ValueRef;
use tokio::task::spawn_blocking;
use tokio_postgres::types::{ToSql, Type};

use crate::failure::Result;

/// The tables, and what is in them at the begin. Both databases understand it.
const TABLES: &str = include_str!("tables.sql");

/// How many connections PostgreSQL is asked for at most.
const CONNECTIONS: usize = 8;

/// A value of a column, or of a place such as `$1` in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Number(i64),
    Text(String),
}

/// A clone is the same database.
#[derive(Clone)]
pub struct Database {
    kind: Kind,
    queries: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Kind {
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
    Postgres(Pool),
}

impl Database {
    /// Opens `sqlite::memory:`, `sqlite:///path/to/shop.db` or
    /// `postgres://user:password@host/database`, and makes what is missing.
    pub async fn open(url: &str) -> Result<Database> {
        let kind = match url.strip_prefix("sqlite:") {
            Some(":memory:") => {
                Kind::sqlite(rusqlite::Connection::open_in_memory()?)
            }
            Some(path) => {
                let path = path.trim_start_matches("//");
                Kind::sqlite(rusqlite::Connection::open(path)?)
            }
            None => {
                let manager = Manager::new(url.parse()?, tokio_postgres::NoTls);
                let pool = Pool::builder(manager).max_size(CONNECTIONS);
                Kind::Postgres(pool.build()?)
            }
        };
        let database = Database { kind, queries: Arc::default() };
        database.prepare().await?;
        Ok(database)
    }

    /// How many statements were run.
    pub fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// Runs one statement, and commits what it changes.
    pub async fn query(
        &self,
        statement: &'static str,
        places: Vec<Field>,
    ) -> Result<Vec<Vec<Field>>> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        match &self.kind {
            Kind::Sqlite(connection) => {
                let connection = Arc::clone(connection);
                let rows = spawn_blocking(move || {
                    let connection = connection.lock();
                    let connection =
                        connection.unwrap_or_else(PoisonError::into_inner);
                    sqlite_rows(&connection, statement, &places)
                });
                Ok(rows.await??)
            }
            Kind::Postgres(pool) => {
                let connection = pool.get().await?;
                let statement = connection.prepare_cached(statement).await?;
                let places: Vec<_> = places.iter().map(Field::as_sql).collect();
                let rows = connection.query(&statement, &places).await?;
                rows.iter().map(postgres_row).collect()
            }
        }
    }

    async fn prepare(&self) -> Result<()> {
        match &self.kind {
            Kind::Sqlite(connection) => {
                let connection = connection.lock();
                let connection =
                    connection.unwrap_or_else(PoisonError::into_inner);
                connection.busy_timeout(std::time::Duration::from_secs(5))?;
                Ok(connection.execute_batch(TABLES)?)
            }
            // Two processes that start at once would both make the tables.
            Kind::Postgres(pool) => {
                let tables = format!(
                    "BEGIN; SELECT pg_advisory_xact_lock(23); {TABLES} COMMIT;"
                );
                Ok(pool.get().await?.batch_execute(&tables).await?)
            }
        }
    }
}

impl Kind {
    fn sqlite(connection: rusqlite::Connection) -> Kind {
        Kind::Sqlite(Arc::new(Mutex::new(connection)))
    }
}

impl Field {
    pub fn number(&self) -> i64 {
        match self {
            Field::Number(number) => *number,
            Field::Text(_) => 0,
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Field::Text(text) => text,
            Field::Number(_) => "",
        }
    }

    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Field::Number(number) => number,
            Field::Text(text) => text,
        }
    }
}

fn sqlite_rows(
    connection: &rusqlite::Connection,
    statement: &str,
    places: &[Field],
) -> rusqlite::Result<Vec<Vec<Field>>> {
    let mut statement = connection.prepare_cached(statement)?;
    let columns = statement.column_count();
    let places = places.iter().map(|place| -> &dyn rusqlite::ToSql {
        match place {
            Field::Number(number) => number,
            Field::Text(text) => text,
        }
    });
    let places: Vec<_> = places.collect();
    let rows = statement.query_map(&*places, |row| {
        let field = |column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Integer(number) => Field::Number(number),
                other => Field::Text(other.as_str()?.to_owned()),
            })
        };
        (0..columns).map(field).collect()
    })?;
    rows.collect()
}

fn postgres_row(row: &tokio_postgres::Row) -> Result<Vec<Field>> {
    let field = |(at, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => Field::Number(row.try_get(at)?),
            _ => Field::Text(row.try_get(at)?),
        })
    };
    row.columns().iter().enumerate().map(field).collect()
}

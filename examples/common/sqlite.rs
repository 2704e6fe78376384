//! A table of drivers in SQLite; every statement that runs is printed.

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

pub type Rows = Vec<(String, String)>;

/// A connection to the table, which is dropped and created again.
pub fn create(file: &str) -> Result<Connection> {
    Connection::open(file)?.execute_batch(
        "drop table if exists driver;
         create table driver (number integer primary key, name, team);
         insert into driver values (5, 'Sebastian Vettel', 'Ferrari'),
             (7, 'Kimi Räikkönen', 'Ferrari')",
    )?;
    open(file)
}

/// One more connection.
pub fn open(file: &str) -> Result<Connection> {
    let mut database = Connection::open(file)?;
    let print = |event: TraceEvent| {
        if let TraceEvent::Stmt(statement, _) = event {
            println!("  SQLite: {}", statement.expanded_sql().expect("memory"));
        }
    };
    database.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(print))?;
    Ok(database)
}

/// The rows that a statement returns.
pub fn select(
    database: &Connection,
    sql: &str,
    values: &[Value],
) -> Result<Rows> {
    let mut statement = database.prepare(sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

//! The table: its connections and its statements, and what goes wrong with them.

use std::fmt::Display;
use std::sync::Arc;

use super::columns::column;
use super::connection::{Failure, Found, Value};
use super::pool::Pool;
use super::statements::Statements;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// More than any database takes without special care.
const LARGEST_VALUE: usize = 256 * 1024 * 1024;

/// So many rows go in one step of a `clear`, so that each step is short.
const CLEAR_STEP: i64 = 1000;

/// So many rows are written in one transaction, so that others get their turn.
const MOST_IN_ONE: usize = 1000;

/// A table in a database.
pub(super) struct Table {
    pub(super) reads: Arc<Pool>,
    /// The same as `reads`, unless only one may write at a time.
    pub(super) writes: Arc<Pool>,
    pub(super) statements: Arc<Statements>,
    /// For messages; without a password.
    pub(super) place: String,
    pub(super) clock: Arc<dyn Clock>,
}

impl Table {
    /// Opens a connection, if there is none.
    #[cfg(feature = "sqlite")]
    pub(super) fn connect(&self) -> Result<()> {
        let connected = self.reads.run(self.clock.monotonic(), |_| Ok(()));
        connected.map_err(|failure| self.failed("open", &self.place, failure))
    }

    pub(super) fn check_size(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= LARGEST_VALUE {
            return Ok(());
        }
        let what = format!("could not write {key:?} in {}", self.place);
        let why = format!("{} bytes are more than it takes; store less", bytes.len());
        Err(Error::new(ErrorKind::TooLarge, format!("{what}: {why}")))
    }

    /// The row of a key.
    pub(super) fn row(&self, key: &dyn Display, values: &[Value<'_>]) -> Result<Found> {
        let found = self.reads.run(self.clock.monotonic(), |connection| {
            connection.row(&self.statements.read, values)
        });
        found.map_err(|failure| self.failed_at("read", key, failure))
    }

    /// The rows of many keys.
    pub(super) fn rows(&self, all: &[[Value<'_>; 2]]) -> Result<Vec<Found>> {
        let found =
            self.reads.run(self.clock.monotonic(), |it| it.rows(&self.statements.read, all));
        found.map_err(|failure| self.failed_at("read", &many(all.len()), failure))
    }

    /// Runs a statement with each of these, in transactions of a bounded size.
    pub(super) fn change_all(
        &self,
        what: &str,
        statement: &str,
        all: &[Vec<Value<'_>>],
    ) -> Result<()> {
        all.chunks(MOST_IN_ONE).try_for_each(|some| {
            let done = self.writes.run(self.clock.monotonic(), |it| it.change_all(statement, some));
            done.map_err(|failure| self.failed_at(what, &many(all.len()), failure))
        })
    }

    /// Runs a statement that changes rows, and tells how many.
    pub(super) fn change(
        &self,
        what: &str,
        on: &dyn Display,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<usize> {
        let changed = self
            .writes
            .run(self.clock.monotonic(), |connection| connection.change(statement, values));
        changed.map_err(|failure| self.failed_at(what, on, failure))
    }

    /// Removes all rows of a namespace. Each name is passed once, so this ends, whatever is written
    /// meanwhile.
    pub(super) fn clear(&self, namespace: &Namespace) -> Result<()> {
        let column = column(namespace);
        let (column, on) = (Value::Text(&column), &format_args!("{namespace:?}"));
        let mut from = String::new();
        loop {
            let step = [column, Value::Text(&from), Value::Number(CLEAR_STEP - 1)];
            let until = self
                .reads
                .run(self.clock.monotonic(), |it| it.text(&self.statements.clear_until, &step));
            match until.map_err(|failure| self.failed_at("clear", on, failure))? {
                None => {
                    let rest = [column, Value::Text(&from)];
                    return self.change("clear", on, &self.statements.clear_rest, &rest).map(drop);
                }
                Some(until) => {
                    let step = [column, Value::Text(&from), Value::Text(&until)];
                    self.change("clear", on, &self.statements.clear_step, &step)?;
                    from = until;
                }
            }
        }
    }

    fn failed_at(&self, what: &str, on: &dyn Display, failure: Failure) -> Error {
        self.failed(what, &format_args!("{on} in {}", self.place), failure)
    }

    fn failed(&self, what: &str, on: &dyn Display, failure: Failure) -> Error {
        let error = Error::new(failure.kind, format!("could not {what} {on}; {}", failure.hint));
        match failure.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}

/// What a batch is called in a message.
fn many(count: usize) -> String {
    format!("{count} values")
}

//! One connection to a database, whichever it is, and what goes wrong with it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use super::columns::{Columns, Row};
use super::statements::Statement;
use crate::error::{Error, ErrorKind};

/// A connection whose calls wait; used by one thread at a time.
pub(super) trait Connection: Send {
    /// Returns the row of a key.
    fn row(&mut self, key: &Columns) -> Result<Found, Failure>;

    /// Returns the one text that the statement finds.
    fn text(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<String>, Failure>;

    /// Runs the statement, and returns how many rows it changed.
    fn change(&mut self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure>;

    /// Returns the row of each of the keys.
    fn rows(&mut self, keys: &[Columns]) -> Result<Vec<Found>, Failure> {
        keys.iter().map(|key| self.row(key)).collect()
    }

    /// Writes rows, all or none, whose keys are sorted and differ.
    fn put_all(&mut self, rows: &[Row<'_>]) -> Result<(), Failure>;

    /// Deletes the rows of keys, all or none, that live at this moment.
    fn delete_all(&mut self, keys: &[Columns], now: i64) -> Result<(), Failure>;

    /// Does it still lead to where a new one would? Asked before each use.
    fn is_current(&mut self, now: Duration) -> bool {
        let _ = now;
        true
    }
}

/// The connections to a database, of either kind of program: a blocking one's futures are never pending.
pub(super) trait Connections {
    async fn row(&self, key: &Columns) -> Result<Found, Failure>;
    async fn rows(&self, keys: &[Columns]) -> Result<Vec<Found>, Failure>;
    async fn text(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<String>, Failure>;
    async fn change(&self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure>;
    async fn put_all(&self, rows: &[Row<'_>]) -> Result<(), Failure>;
    async fn delete_all(&self, keys: &[Columns], now: i64) -> Result<(), Failure>;
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    /// A moment, or never.
    Moment(Option<i64>),
    Bytes(&'a [u8]),
}

/// What a look-up finds.
#[derive(Clone)]
pub(super) enum Found {
    Nothing,
    /// Something that no version of this library wrote.
    Damaged,
    Row {
        version: i64,
        expires: Option<i64>,
        bytes: Arc<[u8]>,
        /// As it was written; the bytes may have changed since.
        checksum: i64,
    },
}

/// Why a statement was not carried out.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    /// What to do.
    pub(super) hint: &'static str,
    /// Is the connection of no more use?
    pub(super) is_broken: bool,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, hint: &'static str) -> Failure {
        Failure { kind, hint, is_broken: true, source: None }
    }

    pub(super) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error, with what was not done.
    pub(super) fn named(self, what: &str) -> Error {
        let error = Error::new(self.kind, format!("{what}; {}", self.hint));
        match self.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}

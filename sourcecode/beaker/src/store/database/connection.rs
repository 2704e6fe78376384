//! One connection to a database, whichever it is, and what goes wrong with it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;

/// A connection; used by one thread at a time.
pub(super) trait Connection: Send {
    /// The row that the statement finds.
    fn row(&mut self, statement: &str, values: &[Value<'_>]) -> Result<Found, Failure>;

    /// The one text that the statement finds.
    fn text(&mut self, statement: &str, values: &[Value<'_>]) -> Result<Option<String>, Failure>;

    /// Runs the statement, and tells how many rows it changed.
    fn change(&mut self, statement: &str, values: &[Value<'_>]) -> Result<usize, Failure>;

    /// The row for each of the keys.
    fn rows(&mut self, statement: &str, all: &[[Value<'_>; 2]]) -> Result<Vec<Found>, Failure> {
        all.iter().map(|values| self.row(statement, values)).collect()
    }

    /// Runs the statement with each of these, in one transaction.
    fn change_all(&mut self, statement: &str, all: &[Vec<Value<'_>>]) -> Result<(), Failure>;

    /// Does it still lead to where a new one would? Asked before each use.
    fn is_current(&mut self, now: Duration) -> bool {
        let _ = now;
        true
    }
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
}

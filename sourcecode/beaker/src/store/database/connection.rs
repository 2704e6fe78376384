//! One connection to a database, whichever it is: the rows and values that go over it, and what goes wrong.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use super::statements::Statement;
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Namespace};

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

/// The longest text for a namespace, and for a name; longer ones are hashed. PostgreSQL has no room
/// in an index for more than 2,700 bytes.
const LONGEST_KEY: usize = 250;

/// The two columns of the primary key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Columns {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Columns {
    pub(super) fn of(key: &Key) -> Columns {
        let name = Namespace::default().key(key.name()).wire(LONGEST_KEY);
        Columns { namespace: column(key.namespace()), name }
    }

    /// The first parameters of every statement for one row.
    pub(super) fn values(&self) -> [Value<'_>; 2] {
        [Value::Text(&self.namespace), Value::Text(&self.name)]
    }

    /// The CRC-32 of a whole row, its key too: what is read under a key was written under that key.
    pub(super) fn checksum(&self, content: Content<'_>) -> i64 {
        let Content { version, expires, bytes } = content;
        let mut hasher = crc32fast::Hasher::new();
        // No text of these holds a zero.
        for part in [self.namespace.as_bytes(), &[0], self.name.as_bytes(), &[0]] {
            hasher.update(part);
        }
        let mut numbers = [0; 17];
        numbers[..8].copy_from_slice(&version.to_le_bytes());
        numbers[8..16].copy_from_slice(&expires.unwrap_or(0).to_le_bytes());
        numbers[16] = u8::from(expires.is_some());
        hasher.update(&numbers);
        hasher.update(bytes);
        i64::from(hasher.finalize())
    }
}

/// What a row holds beside its key.
#[derive(Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) version: i64,
    pub(super) expires: Option<i64>,
    pub(super) bytes: &'a [u8],
}

/// A row to write.
pub(super) struct Row<'a> {
    pub(super) key: Columns,
    pub(super) content: Content<'a>,
}

impl Row<'_> {
    /// The parameters of a statement that writes it.
    pub(super) fn values(&self) -> [Value<'_>; 6] {
        let [namespace, name] = self.key.values();
        let Content { version, expires, bytes } = self.content;
        let checksum = Value::Number(self.key.checksum(self.content));
        let (version, expires) = (Value::Number(version), Value::Moment(expires));
        [namespace, name, version, expires, Value::Bytes(bytes), checksum]
    }
}

/// The unnamed namespace is an empty text; no other is.
pub(super) fn column(namespace: &Namespace) -> String {
    match namespace.name() {
        "" => String::new(),
        _ => namespace.wire(LONGEST_KEY),
    }
}

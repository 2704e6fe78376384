//! A connection to a database of either kind: its rows and values, and its errors.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use super::statements::Statement;
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Namespace};
use crate::store::{MAX_COUNT, counter};

/// A connection that a pool keeps, used by one thread at a time.
pub(super) trait Pooled: Send {
    /// Returns whether a new connection would lead to the same database. Called before each use.
    fn is_current(&mut self, now: Duration) -> bool {
        let _ = now;
        true
    }
}

/// A blocking connection.
pub(super) trait Connection: Pooled {
    /// Returns the row of a key.
    fn row(&mut self, key: &Columns) -> Result<Found, Failure>;

    /// Returns the texts that the statement finds.
    fn texts(&mut self, statement: Statement, values: &[Value<'_>])
    -> Result<Vec<String>, Failure>;

    /// Runs the statement, and returns how many rows it changed.
    fn change(&mut self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure>;

    /// Returns the row of each of the keys.
    fn rows(&mut self, keys: &[Columns]) -> Result<Vec<Found>, Failure> {
        keys.iter().map(|key| self.row(key)).collect()
    }

    /// Writes rows, all or none. Their keys must be sorted and distinct.
    fn put_all(&mut self, rows: &[Row<'_>]) -> Result<(), Failure>;

    /// Deletes the live rows of these keys, all or none.
    fn delete_all(&mut self, keys: &[Columns], now: i64) -> Result<(), Failure>;
}

/// The connections to a database, for either kind of program. The futures of a blocking one are never
/// pending.
pub(super) trait Connections {
    async fn row(&self, key: &Columns) -> Result<Found, Failure>;
    async fn rows(&self, keys: &[Columns]) -> Result<Vec<Found>, Failure>;
    async fn texts(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<String>, Failure>;
    async fn change(&self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure>;
    /// Runs a statement that changes a row, and returns its single text.
    async fn changed(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<String>, Failure>;
    async fn put_all(&self, rows: &[Row<'_>]) -> Result<(), Failure>;
    async fn delete_all(&self, keys: &[Columns], now: i64) -> Result<(), Failure>;
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    /// A time, or never.
    Moment(Option<i64>),
    Bytes(&'a [u8]),
}

/// The result of a lookup.
#[derive(Clone)]
pub(super) enum Found {
    Nothing,
    /// A row that no version of this library wrote.
    Damaged,
    Row {
        version: i64,
        expires: Option<i64>,
        bytes: Arc<[u8]>,
        /// The stored checksum; the bytes may have changed since.
        checksum: i64,
    },
}

/// Why a statement failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    /// Advice for the reader of the error.
    pub(super) hint: &'static str,
    /// Whether the connection is unusable now.
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

    /// Returns the error, with the operation that failed.
    pub(super) fn named(self, what: &str) -> Error {
        let error = Error::new(self.kind, format!("{what}; {}", self.hint));
        match self.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}

/// The longest text for a namespace and for a name; longer ones are hashed. An index of PostgreSQL has no
/// room for more than 2,700 bytes.
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

    /// Returns whether this is the checksum of a whole row.
    pub(super) fn has_checksum(&self, content: Content<'_>, checksum: i64) -> bool {
        // A negative checksum is that of a counter.
        let expected = match checksum {
            ..0 => counter::parse(content.bytes).and_then(|(count, _)| self.sum(content, count)),
            _ => Some(self.checksum(content)),
        };
        expected == Some(checksum)
    }

    /// The CRC-32 of the key.
    pub(super) fn key_checksum(&self) -> i64 {
        let mut hasher = crc32fast::Hasher::new();
        self.hash(&mut hasher);
        i64::from(hasher.finalize())
    }

    /// Returns the checksum of a counter's row, a negative sum which the database can calculate too.
    fn sum(&self, content: Content<'_>, count: u64) -> Option<i64> {
        let part = |number: i64| number & MAX_COUNT.cast_signed();
        let (version, expires) = (part(content.version), part(content.expires.unwrap_or(0)));
        let count = i64::try_from(count).ok()?;
        Some(-1 - (self.key_checksum() + 3 * version + 5 * expires + 7 * count))
    }

    fn hash(&self, hasher: &mut crc32fast::Hasher) {
        // None of these texts contains a zero.
        for part in [self.namespace.as_bytes(), &[0], self.name.as_bytes(), &[0]] {
            hasher.update(part);
        }
    }

    /// Returns the CRC-32 of a whole row including its key, so that a row is only accepted under the key
    /// for which it was written.
    pub(super) fn checksum(&self, content: Content<'_>) -> i64 {
        let Content { version, expires, bytes } = content;
        let mut hasher = crc32fast::Hasher::new();
        self.hash(&mut hasher);
        let mut numbers = [0; 17];
        numbers[..8].copy_from_slice(&version.to_le_bytes());
        numbers[8..16].copy_from_slice(&expires.unwrap_or(0).to_le_bytes());
        numbers[16] = u8::from(expires.is_some());
        hasher.update(&numbers);
        hasher.update(bytes);
        i64::from(hasher.finalize())
    }
}

/// The content of a row apart from its key.
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

//! What stands for a key and its value in the table.

use super::connection::Value;
use crate::key::{Key, Namespace};

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

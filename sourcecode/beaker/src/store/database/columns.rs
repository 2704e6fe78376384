//! What stands for a key in the table.

use super::connection::Value;
use crate::key::{Key, Namespace};

/// The longest text for a namespace, and for a name; longer ones are hashed. PostgreSQL has no room
/// in an index for more than 2,700 bytes.
const LONGEST_KEY: usize = 250;

/// The two columns of the primary key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
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
}

/// The unnamed namespace is an empty text; no other is.
pub(super) fn column(namespace: &Namespace) -> String {
    match namespace.name() {
        "" => String::new(),
        _ => namespace.wire(LONGEST_KEY),
    }
}

//! [`KeyPage`]: the keys of a namespace, one page at a time.

use crate::error::Error;
#[cfg(feature = "dbm")]
use crate::error::Result;
use crate::key::{Key, Namespace};

/// Holds one page of the keys of a namespace, as [`Store::keys`](super::Store::keys) returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPage {
    /// Keys that have a value, in the order of the store.
    pub keys: Vec<Key>,
    /// How many more values are on this page whose names the store cannot tell: a long name is stored as a
    /// hash, and a file name consists of lower-case letters and digits only.
    pub unnamed: usize,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<KeyCursor>,
}

impl KeyPage {
    /// Creates a page of these keys. It is the last one if `next` is `None`.
    ///
    /// ```
    /// use beaker::key::Namespace;
    /// use beaker::store::{KeyCursor, KeyPage};
    ///
    /// let names = ["Kimi", "Valtteri"].map(|name| Namespace::new("points").key(name));
    /// let page = KeyPage::new(names.to_vec(), Some(KeyCursor::new("Valtteri")));
    /// assert!(page.next.is_some());
    /// ```
    #[must_use]
    pub fn new(keys: Vec<Key>, next: Option<KeyCursor>) -> KeyPage {
        KeyPage { keys, unnamed: 0, next }
    }

    /// Adds a key, or counts one whose name is unknown.
    pub(super) fn push(&mut self, key: Option<Key>) {
        match key {
            Some(key) => self.keys.push(key),
            None => self.unnamed += 1,
        }
    }

    /// Returns the number of values on this page.
    pub(super) fn len(&self) -> usize {
        self.keys.len() + self.unnamed
    }
}

/// Marks the beginning of a page of keys. Only the store that created it understands its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCursor(String);

impl KeyCursor {
    /// Creates a cursor, for implementations of stores.
    ///
    /// ```
    /// use beaker::store::KeyCursor;
    ///
    /// assert_eq!(KeyCursor::new("Kimi").as_str(), "Kimi");
    /// ```
    pub fn new(text: impl Into<String>) -> KeyCursor {
        KeyCursor(text.into())
    }

    /// Returns the text of the cursor.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The error of a store that cannot list its keys.
pub(super) fn unlisted(namespace: &Namespace) -> Error {
    Error::config(format!(
        "could not list the keys of {namespace:?}: this store tells of the keys that it is asked for, and of no \
         others; keep in it only what is known by its key, or take a store that lists its keys, such as \
         redis or a database"
    ))
}

/// The error for a cursor that another store created.
#[cfg(any(feature = "dbm", feature = "redis"))]
pub(super) fn foreign(cursor: &KeyCursor) -> Error {
    let text = cursor.as_str();
    Error::config(format!(
        "`{text}` is no place among the keys of this store; begin with `None`, and go on with what \
         each page gives as `next`"
    ))
}

/// Encodes a name, which may have any bytes, as the text of a cursor.
#[cfg(feature = "dbm")]
pub(super) fn cursor_of_name(name: &[u8]) -> KeyCursor {
    KeyCursor(data_encoding::HEXLOWER.encode(name))
}

/// Decodes the name from a cursor of [`cursor_of_name`].
#[cfg(feature = "dbm")]
pub(super) fn name_of_cursor(cursor: &KeyCursor) -> Result<Vec<u8>> {
    data_encoding::HEXLOWER.decode(cursor.0.as_bytes()).map_err(|_| foreign(cursor))
}

//! [`KeyPage`]: the keys of a namespace, a page at a time.

use crate::error::Error;
#[cfg(feature = "dbm")]
use crate::error::Result;
use crate::key::{Key, Namespace};

/// One page of the keys of a namespace: what [`Store::keys`](super::Store::keys) gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPage {
    /// Keys under which something lives, in the store's order.
    pub keys: Vec<Key>,
    /// How many more values this page has whose names the store cannot tell: a long name is kept as a
    /// hash, and a file's name holds small letters and digits alone.
    pub unnamed: usize,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<KeyCursor>,
}

impl KeyPage {
    /// Makes a page of these keys, the last one if there is no next.
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

    /// Takes a key, or counts one whose name is not known.
    pub(super) fn push(&mut self, key: Option<Key>) {
        match key {
            Some(key) => self.keys.push(key),
            None => self.unnamed += 1,
        }
    }

    /// How many values it tells of.
    pub(super) fn len(&self) -> usize {
        self.keys.len() + self.unnamed
    }
}

/// Says where a page of keys begins. What is in it is for the store that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCursor(String);

impl KeyCursor {
    /// Makes one, for stores.
    ///
    /// ```
    /// use beaker::store::KeyCursor;
    ///
    /// assert_eq!(KeyCursor::new("Kimi").as_str(), "Kimi");
    /// ```
    pub fn new(text: impl Into<String>) -> KeyCursor {
        KeyCursor(text.into())
    }

    /// Returns its text.
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

/// The error for a cursor that another store made.
#[cfg(any(feature = "dbm", feature = "redis"))]
pub(super) fn foreign(cursor: &KeyCursor) -> Error {
    let text = cursor.as_str();
    Error::config(format!(
        "`{text}` is no place among the keys of this store; begin with `None`, and go on with what \
         each page gives as `next`"
    ))
}

/// A cursor is a text, and a name is any bytes.
#[cfg(feature = "dbm")]
pub(super) fn cursor_of_name(name: &[u8]) -> KeyCursor {
    KeyCursor(data_encoding::HEXLOWER.encode(name))
}

/// The name that [`cursor_of_name`] made a cursor of.
#[cfg(feature = "dbm")]
pub(super) fn name_of_cursor(cursor: &KeyCursor) -> Result<Vec<u8>> {
    data_encoding::HEXLOWER.decode(cursor.0.as_bytes()).map_err(|_| foreign(cursor))
}

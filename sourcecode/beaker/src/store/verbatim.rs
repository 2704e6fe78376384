//! [`Verbatim`]: a store whose keys and values are those of the server, without anything of this library, for
//! values that another program has in the same place.
//!
//! The text of a key is the name of its namespace, followed by its own name. A value has nothing around it.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(any(feature = "redis", feature = "memcached"))]
use crate::error::{Error, Result};
#[cfg(any(feature = "redis", feature = "memcached"))]
use crate::key::Key;

/// The place of such values, seen from a store of this library.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "it is hidden")]
pub enum Verbatim<S: ?Sized> {
    /// The store itself, which no other program sees: for tests.
    Here,
    /// The same redis.
    Redis(Arc<S>),
    /// The same memcached.
    Memcached(Arc<S>),
    /// The same folder, and that of the lock files, as Beaker's cache has them.
    Files(Arc<S>, PathBuf),
}

/// What the values are. A client of memcached notes it beside a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "it is hidden")]
pub enum Content {
    /// Bytes.
    Bytes,
    /// An object, pickled by the client.
    Pickle,
}

/// Returns the key on the server, and what messages call it.
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(super) fn names(key: &Key) -> Result<(String, String)> {
    let no_text = |_| Error::config(format!("the key {key:?} is no text, and Python's keys are"));
    let name = str::from_utf8(key.name()).map_err(no_text)?;
    Ok((format!("{}{name}", key.namespace().name()), format!("{key:?}")))
}

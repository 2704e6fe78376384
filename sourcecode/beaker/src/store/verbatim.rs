//! [`Verbatim`]: a store whose keys and values are those of the server, without anything of this library, for
//! values that another program has in the same place.
//!
//! The text of a key is the name of its namespace, followed by its own name. A value has nothing around it.

use std::path::PathBuf;
use std::sync::Arc;

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

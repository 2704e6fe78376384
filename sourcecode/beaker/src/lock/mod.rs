//! [`Locks`] and [`AsyncLocks`]: one holder for each key at a time, among threads, tasks, processes or
//! hosts.

#[cfg(feature = "conformance")]
pub mod conformance;
mod file;
mod lease;
mod local;
#[cfg(feature = "tokio")]
mod on_threads;

use std::any::Any;
use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;

pub use file::FileLocks;
#[cfg(feature = "tokio")]
pub use lease::AsyncLeaseLocks;
pub use lease::LeaseLocks;
pub use local::LocalLocks;
#[cfg(feature = "tokio")]
pub(crate) use on_threads::LocksOnThreads;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// Locks keys: each key has at most one holder at a time.
///
/// # The contract
///
/// The test suite in `lock::conformance` (feature `conformance`) has a case for each promise except the
/// last one, because it cannot see where an implementation might leave something behind.
///
/// 1. A key has at most one holder at a time, and does not block other keys.
/// 2. `try_lock` returns at once, with `None` if the key is held.
/// 3. A lock is released when its guard is dropped: at the end of a block, at a `?` or in a panic.
/// 4. A thread that asks for a key which it already holds gets `ErrorKind::WouldDeadlock`. This also
///    applies if it holds the key through another value that locks in the same place, such as a folder or a
///    store that was opened twice.
/// 5. A guard may be sent to another thread and dropped there. Until then, the thread that took the lock
///    counts as its holder.
/// 6. Released locks leave nothing behind.
pub trait Locks: Debug + Send + Sync + 'static {
    /// Waits until the key is free, and locks it.
    fn lock(&self, key: &Key) -> Result<Guard>;

    /// Locks the key if it is free.
    fn try_lock(&self, key: &Key) -> Result<Option<Guard>>;

    /// Returns the same locks for tasks, if tasks can wait for them without blocking a thread. Default:
    /// `None`; an asynchronous program then polls `try_lock` on a thread until the key is free.
    fn for_tasks(&self) -> Option<Arc<dyn AsyncLocks>> {
        None
    }
}

/// The result of an operation of [`AsyncLocks`]: a future that any thread may poll.
pub type LockFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Locks keys in asynchronous programs. A task that waits for a key does not block a thread.
///
/// # The contract
///
/// 1. A key has at most one holder at a time, and does not block other keys.
/// 2. `try_lock` does not wait for the holder: it returns `None` if the key is held.
/// 3. A lock is released when its guard is dropped: at the end of a block, at a `?`, in a panic, or when
///    the task that owns it is dropped. If a server has to be informed, that happens in the background.
/// 4. If a future of `lock` is dropped while it waits, it holds nothing and blocks nobody.
/// 5. A guard may be sent to another task and dropped there.
///
/// A task that waits for a key which it holds itself waits forever. Unlike a thread, a task has no identity
/// by which this could be detected.
pub trait AsyncLocks: Debug + Send + Sync + 'static {
    /// Waits until the key is free, and locks it.
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard>;

    /// Locks the key if it is free.
    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>>;
}

/// Forwards to the shared locks.
impl<L: AsyncLocks + ?Sized> AsyncLocks for Arc<L> {
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard> {
        (**self).lock(key)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>> {
        (**self).try_lock(key)
    }
}

/// Blocking locks or asynchronous ones.
#[derive(Debug, Clone)]
pub(crate) enum AnyLocks {
    Blocking(Arc<dyn Locks>),
    #[cfg(feature = "tokio")]
    Async(Arc<dyn AsyncLocks>),
}

impl AnyLocks {
    pub(crate) async fn lock(&self, key: &Key) -> Result<Guard> {
        match self {
            AnyLocks::Blocking(locks) => locks.lock(key),
            #[cfg(feature = "tokio")]
            AnyLocks::Async(locks) => locks.lock(key).await,
        }
    }

    pub(crate) async fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        match self {
            AnyLocks::Blocking(locks) => locks.try_lock(key),
            #[cfg(feature = "tokio")]
            AnyLocks::Async(locks) => locks.try_lock(key).await,
        }
    }
}

/// Represents a held lock. Dropping the guard releases the lock.
#[must_use = "the lock is given back as soon as this is dropped"]
pub struct Guard(#[allow(dead_code, reason = "held for what its drop does")] Box<dyn Any + Send>);

impl Guard {
    /// Creates a guard that releases its lock by dropping `held`.
    pub fn new(held: impl Send + 'static) -> Guard {
        Guard(Box::new(held))
    }
}

impl Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

fn would_deadlock(key: &Key) -> Error {
    Error::new(
        ErrorKind::WouldDeadlock,
        format!("this thread asked for the lock of {key:?}, which it holds already"),
    )
}

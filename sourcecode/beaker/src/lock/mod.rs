//! [`Locks`] and [`AsyncLocks`]: one holder a key at a time, among threads, tasks, processes or hosts.

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

/// Locks by key.
///
/// # The contract
///
/// Each promise but the last is a case of the suite in `lock::conformance` (feature `conformance`),
/// which cannot see where an implementation might leave something:
///
/// 1. A key has one holder at a time; other keys are not held up.
/// 2. `try_lock` answers at once: `None` if the key is held.
/// 3. A lock is given back when its guard is dropped: at the end, at a `?`, in a panic.
/// 4. A thread that asks for a key that it holds gets `ErrorKind::WouldDeadlock`: of this value, and of
///    any other that locks in the same place, be it a folder or a store that was opened twice.
/// 5. A guard may be sent to another thread and dropped there. Until then the thread that took the
///    lock counts as its holder.
/// 6. Nothing is left behind by locks that were given back.
pub trait Locks: Debug + Send + Sync + 'static {
    /// Waits until the key is free, and takes it.
    fn lock(&self, key: &Key) -> Result<Guard>;

    /// Takes the key if it is free.
    fn try_lock(&self, key: &Key) -> Result<Option<Guard>>;

    /// Returns the same locks for tasks, if they can be waited for without a thread. Default: `None`, and
    /// an asynchronous program asks on a thread for what may wait, again and again until the key is free.
    fn for_tasks(&self) -> Option<Arc<dyn AsyncLocks>> {
        None
    }
}

/// What an operation of [`AsyncLocks`] is: a future that any thread may poll.
pub type LockFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Locks by key for asynchronous programs: a task that waits for a key holds no thread.
///
/// # The contract
///
/// 1. A key has one holder at a time; other keys are not held up.
/// 2. `try_lock` does not wait for the holder: it is `None` if the key is held.
/// 3. A lock is given back when its guard is dropped: at the end, at a `?`, in a panic, and when the
///    task that has it is dropped. Where a server must be told, that is done in the background.
/// 4. A future of `lock` that is dropped while it waits holds nothing, and holds up nobody.
/// 5. A guard may be sent to another task and dropped there.
///
/// A task that waits for a key which it holds itself waits for ever: unlike a thread, a task has no name
/// by which that could be found out.
pub trait AsyncLocks: Debug + Send + Sync + 'static {
    /// Waits until the key is free, and takes it.
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard>;

    /// Takes the key if it is free.
    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>>;
}

/// Is the same locks, shared.
impl<L: AsyncLocks + ?Sized> AsyncLocks for Arc<L> {
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard> {
        (**self).lock(key)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>> {
        (**self).try_lock(key)
    }
}

/// Locks whose calls wait, or whose futures do.
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

/// A held lock. Dropping it gives it back.
#[must_use = "the lock is given back as soon as this is dropped"]
pub struct Guard(#[allow(dead_code, reason = "held for what its drop does")] Box<dyn Any + Send>);

impl Guard {
    /// A guard that gives back its lock by dropping this.
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

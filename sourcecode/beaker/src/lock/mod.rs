//! [`Locks`]: one holder a key at a time, among threads, processes or hosts.

mod asynchronous;
#[cfg(feature = "conformance")]
pub mod conformance;
mod either;
mod file;
mod lease;
mod local;
#[cfg(feature = "tokio")]
mod on_threads;

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

pub use asynchronous::{AsyncLocks, LockFuture};
pub(crate) use either::AnyLocks;
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

//! [`AsyncLocks`]: the contract of [`Locks`](super::Locks), as futures.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use super::Guard;
use crate::error::Result;
use crate::key::Key;

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

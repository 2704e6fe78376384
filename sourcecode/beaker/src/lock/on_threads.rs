//! [`LocksOnThreads`]: blocking locks in an asynchronous program.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::{AsyncLocks, Guard, LockFuture, Locks};
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::off_thread::Gate;

/// The first pause before a waiting task tries again. Each further pause is a little longer.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// Calls blocking locks on tokio's threads. It polls `try_lock`, and never waits for a lock on such a
/// thread.
#[derive(Clone)]
pub(crate) struct LocksOnThreads {
    locks: Arc<dyn Locks>,
    gate: Gate,
}

impl LocksOnThreads {
    /// Uses this gate, which the store of the locks uses as well.
    pub(crate) fn new(locks: Arc<dyn Locks>, gate: Gate) -> LocksOnThreads {
        LocksOnThreads { locks, gate }
    }

    async fn ask(&self, key: &Key) -> Result<Option<Guard>> {
        let (locks, key) = (Arc::clone(&self.locks), key.clone());
        let call = move || match locks.try_lock(&key) {
            Ok(guard) => Ok(guard.map(Returned::guard)),
            // The same thread has taken the key before, for another task.
            Err(error) if error.kind() == ErrorKind::WouldDeadlock => Ok(None),
            Err(error) => Err(error),
        };
        self.gate.call(&self.locks, call).await
    }
}

impl AsyncLocks for LocksOnThreads {
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard> {
        Box::pin(async move {
            let mut wait = SHORTEST_WAIT;
            loop {
                if let Some(guard) = self.ask(key).await? {
                    return Ok(guard);
                }
                sleep(wait).await;
                wait = (wait * 3 / 2).min(LONGEST_WAIT);
            }
        })
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>> {
        Box::pin(self.ask(key))
    }
}

impl std::fmt::Debug for LocksOnThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LocksOnThreads").field(&self.locks).finish()
    }
}

/// A guard that is dropped on a thread that may block, because releasing a lock may call a server.
struct Returned(Option<Guard>);

impl Returned {
    fn guard(guard: Guard) -> Guard {
        Guard::new(Returned(Some(guard)))
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        let guard = self.0.take();
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn_blocking(move || drop(guard)));
        }
    }
}

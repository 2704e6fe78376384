//! [`AsyncPythonLocks`]: the locks of [`PythonLocks`](super::PythonLocks) for tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::locks::{WAIT, token};
use crate::error::Result;
use crate::key::Key;
use crate::lock::{AsyncLocks, Guard, LocalLocks, LockFuture};
use crate::off_thread::joined;
use crate::store::{AsyncStore, Precondition, Version};

/// The same locks for tasks.
#[derive(Debug, Clone)]
pub(super) struct AsyncPythonLocks {
    store: Arc<dyn AsyncStore>,
    timeout: Duration,
    tasks: LocalLocks,
}

/// Unlocks in the background when it is dropped, and then lets the next task of this process try.
struct Held {
    store: Arc<dyn AsyncStore>,
    key: Key,
    version: Version,
    runtime: Handle,
    task: Option<Guard>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (store, key, version) = (Arc::clone(&self.store), self.key.clone(), self.version);
        let task = self.task.take();
        self.runtime.spawn(async move {
            // If the server cannot be reached, the lock ends by itself.
            let _ = store.delete(&key, Precondition::Unchanged(version)).await;
            drop(task);
        });
    }
}

impl AsyncPythonLocks {
    pub(super) fn new(store: Arc<dyn AsyncStore>, timeout: Duration) -> AsyncPythonLocks {
        AsyncPythonLocks { store, timeout, tasks: LocalLocks::new() }
    }

    /// Asks for the key once, in a task of its own: if it is granted but the caller is gone, it is given
    /// back.
    async fn take(&self, key: &Key, task: Guard) -> Result<Result<Guard, Guard>> {
        let (store, key, timeout) = (Arc::clone(&self.store), key.clone(), self.timeout);
        let asked = tokio::spawn(async move {
            let put = store.put(&key, &token(), Some(timeout), Precondition::Absent).await?;
            Ok(match put {
                None => Err(task),
                Some(version) => {
                    let (runtime, task) = (Handle::current(), Some(task));
                    Ok(Guard::new(Held { store, key, version, runtime, task }))
                }
            })
        });
        joined("could not ask for a lock", asked).await
    }
}

impl AsyncLocks for AsyncPythonLocks {
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard> {
        Box::pin(async move {
            let mut task = AsyncLocks::lock(&self.tasks, key).await?;
            loop {
                task = match self.take(key, task).await? {
                    Ok(guard) => return Ok(guard),
                    Err(task) => task,
                };
                tokio::time::sleep(WAIT).await;
            }
        })
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>> {
        Box::pin(async move {
            let Some(task) = AsyncLocks::try_lock(&self.tasks, key).await? else {
                return Ok(None);
            };
            Ok(self.take(key, task).await?.ok())
        })
    }
}

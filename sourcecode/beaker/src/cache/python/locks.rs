//! [`PythonLocks`]: the locks that Python's caches take in a store, on a key of their own for each entry.
//!
//! Who locks writes a key that must not exist, with a token and a time after which the server removes it; who
//! unlocks removes it if it still has that token. In redis, these are the commands of redis-py's `Lock` and of
//! Beaker's `RedisSynchronizer`. In memcached, dogpile.cache removes the key without a look at the token.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::error::Result;
use crate::key::Key;
use crate::lock::{Guard, LocalLocks, Locks};
use crate::store::{Precondition, Store, Version};

/// Python waits a tenth of a second between two attempts; this does not burden a server much more.
const WAIT: Duration = Duration::from_millis(20);

/// Locks for threads.
#[derive(Debug)]
pub(in crate::cache) struct PythonLocks {
    store: Arc<dyn Store>,
    timeout: Duration,
    /// Threads of this process wait for each other here, and a thread for itself gets an error.
    threads: LocalLocks,
}

impl PythonLocks {
    pub(super) fn new(store: Arc<dyn Store>, timeout: Duration) -> PythonLocks {
        PythonLocks { store, timeout, threads: LocalLocks::new() }
    }

    fn take(&self, key: &Key) -> Result<Option<Held>> {
        let put = self.store.put(key, &token(), Some(self.timeout), Precondition::Absent)?;
        let held = |version| Held { store: Arc::clone(&self.store), key: key.clone(), version };
        Ok(put.map(held))
    }
}

/// Returns the content of a lock, which nobody else has.
fn token() -> Vec<u8> {
    uuid::Uuid::new_v4().simple().to_string().into_bytes()
}

/// Unlocks when it is dropped.
struct Held {
    store: Arc<dyn Store>,
    key: Key,
    version: Version,
}

impl Drop for Held {
    fn drop(&mut self) {
        // If the server cannot be reached, the lock ends by itself.
        let _ = self.store.delete(&self.key, Precondition::Unchanged(self.version));
    }
}

impl Locks for PythonLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let thread = self.threads.lock(key)?;
        loop {
            match self.take(key)? {
                // In this order: the key is removed before the next thread asks for it.
                Some(held) => return Ok(Guard::new((held, thread))),
                None => thread::sleep(WAIT),
            }
        }
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let Some(thread) = self.threads.try_lock(key)? else { return Ok(None) };
        Ok(self.take(key)?.map(|held| Guard::new((held, thread))))
    }

    #[cfg(feature = "tokio")]
    fn for_tasks(&self) -> Option<Arc<dyn crate::lock::AsyncLocks>> {
        let store = self.store.for_tasks()?;
        Some(Arc::new(tasks::AsyncPythonLocks::new(store, self.timeout)))
    }
}

#[cfg(feature = "tokio")]
pub(super) use tasks::AsyncPythonLocks;

#[cfg(feature = "tokio")]
mod tasks {
    use tokio::runtime::Handle;

    use super::*;
    use crate::lock::{AsyncLocks, LockFuture};
    use crate::off_thread::joined;
    use crate::store::AsyncStore;

    /// The same locks for tasks.
    #[derive(Debug, Clone)]
    pub(in crate::cache::python) struct AsyncPythonLocks {
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
        pub(in crate::cache::python) fn new(
            store: Arc<dyn AsyncStore>,
            timeout: Duration,
        ) -> AsyncPythonLocks {
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
}

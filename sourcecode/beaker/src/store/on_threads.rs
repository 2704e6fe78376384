//! [`OnThreads`]: a blocking store in an asynchronous program, on a limited number of threads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, StoreFuture, Stored, SweepProgress,
    Version,
};
use crate::clock::Clock;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::off_thread::Gate;

/// Runs a blocking [`Store`] for tasks: each call that may wait runs on one of tokio's threads for blocking
/// work.
///
/// At most [`max_in_flight`](OnThreads::max_in_flight) calls run at the same time. So a store that answers
/// slowly or not at all occupies only that many of tokio's threads (there are 512) and that many
/// connections, and the program can still use `spawn_blocking` for its own work. Further calls wait for
/// their turn without a thread, for [`queue_timeout`](OnThreads::queue_timeout) at most.
///
/// A store that never [blocks](Store::blocks), such as memory, is called directly in the task.
///
/// Dropping a future does not stop a call that has begun: it runs to its end and occupies its place until
/// then.
///
/// ```
/// use beaker::key::Namespace;
/// use beaker::store::{AsyncStore, FileStore, OnThreads, Precondition};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let store = OnThreads::new(FileStore::open(folder.path())?).max_in_flight(8);
/// let key = Namespace::new("points").key("Kimi");
/// store.put(&key, b"100", None, Precondition::Always).await?;
/// assert_eq!(&*store.get(&key).await?.unwrap().bytes, b"100");
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct OnThreads {
    store: Arc<dyn Store>,
    gate: Gate,
}

impl OnThreads {
    /// Wraps a blocking store.
    pub fn new(store: impl Store) -> OnThreads {
        OnThreads::through(Arc::new(store), Gate::default())
    }

    pub(crate) fn through(store: Arc<dyn Store>, gate: Gate) -> OnThreads {
        OnThreads { store, gate }
    }

    /// Sets how many calls may run at the same time. Default: 4 for each core.
    ///
    /// A store that keeps a connection for each thread has as many connections.
    ///
    /// # Panics
    ///
    /// Panics if `max` is 0, because no call could ever start.
    pub fn max_in_flight(mut self, max: usize) -> OnThreads {
        self.gate = self.gate.max_in_flight(max);
        self
    }

    /// Sets how long a call waits for its turn before it fails. Default: 5 seconds.
    pub fn queue_timeout(mut self, timeout: Duration) -> OnThreads {
        self.gate = self.gate.queue_timeout(timeout);
        self
    }

    /// Returns how many calls are waiting for their turn now.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.gate.queued()
    }

    /// Returns how many calls are running now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.gate.in_flight()
    }

    /// Makes a call in a place where it does not block other tasks.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(&self.store);
        self.gate.call(&self.store, move || call(&*store)).await
    }
}

/// The owned arguments of a call, for its thread.
struct OwnPut {
    key: Key,
    bytes: Vec<u8>,
    ttl: Option<Duration>,
}

impl AsyncStore for OnThreads {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.get(key);
            }
            let key = key.clone();
            self.call(move |store| store.get(&key)).await
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.put(key, bytes, ttl, when);
            }
            let (key, bytes) = (key.clone(), bytes.to_vec());
            self.call(move |store| store.put(&key, &bytes, ttl, when)).await
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.delete(key, when);
            }
            let key = key.clone();
            self.call(move |store| store.delete(&key, when)).await
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.get_many(keys);
            }
            let keys = keys.to_vec();
            self.call(move |store| store.get_many(&keys)).await
        })
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.put_many(puts);
            }
            let own = |put: &Put<'_>| OwnPut {
                key: put.key.clone(),
                bytes: put.bytes.to_vec(),
                ttl: put.ttl,
            };
            let puts: Vec<OwnPut> = puts.iter().map(own).collect();
            self.call(move |store| {
                let all: Vec<Put<'_>> = puts
                    .iter()
                    .map(|OwnPut { key, bytes, ttl }| Put { key, bytes, ttl: *ttl })
                    .collect();
                store.put_many(&all)
            })
            .await
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.delete_many(keys);
            }
            let keys = keys.to_vec();
            self.call(move |store| store.delete_many(&keys)).await
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.increment(key, by, ttl);
            }
            let key = key.clone();
            self.call(move |store| store.increment(&key, by, ttl)).await
        })
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.clear(namespace);
            }
            let namespace = namespace.clone();
            self.call(move |store| store.clear(&namespace)).await
        })
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.keys(namespace, from, most);
            }
            let (namespace, from) = (namespace.clone(), from.cloned());
            self.call(move |store| store.keys(&namespace, from.as_ref(), most)).await
        })
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.sweep(most);
            }
            self.call(move |store| store.sweep(most)).await
        })
    }

    #[cfg(feature = "python")]
    fn verbatim(&self, content: super::Content) -> Result<Option<super::Verbatim<dyn AsyncStore>>> {
        use super::Verbatim::{Files, Here, Memcached, Redis};
        let through = |store| -> Arc<dyn AsyncStore> {
            Arc::new(OnThreads { store, gate: self.gate.clone() })
        };
        let found = self.store.verbatim(content)?;
        Ok(found.map(|it| match it {
            Here => Here,
            Redis(store) => Redis(through(store)),
            Memcached(store) => Memcached(through(store)),
            Files(store, locks) => Files(through(store), locks),
        }))
    }

    fn clock(&self) -> &dyn Clock {
        self.store.clock()
    }

    fn damaged(&self) -> u64 {
        self.store.damaged()
    }
}

impl fmt::Debug for OnThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnThreads")
            .field("store", &self.store)
            .field("max_in_flight", &self.gate.max())
            .finish_non_exhaustive()
    }
}

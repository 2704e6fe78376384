//! [`OnThreads`]: a blocking store in an asynchronous program, on a bounded number of threads.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{AsyncStore, Put, Store, StoreFuture, Stored, Swept, Version, When};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::off_thread::off_thread;

/// Calls at a time for each core.
const IN_FLIGHT_PER_CORE: usize = 4;

/// How long a call waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a blocking [`Store`] for tasks: each call that may wait is made on one of tokio's threads for
/// blocking work.
///
/// There are at most [`max_in_flight`](OnThreads::max_in_flight) such calls at a time. So a store that
/// answers slowly, or not at all, holds that many of tokio's threads (it has 512) and as many
/// connections, and the program's own `spawn_blocking` goes on. What comes then waits in line, as a task
/// that holds no thread, and for [`queue_timeout`](OnThreads::queue_timeout) at most.
///
/// A store that never [blocks](Store::blocks), as memory, is called at once where the task runs.
///
/// A future that is dropped leaves its call as it is: one that has begun goes on to its end, and holds
/// its place until then.
///
/// ```
/// use beaker::key::Namespace;
/// use beaker::store::{AsyncStore, FileStore, OnThreads, When};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let store = OnThreads::new(FileStore::open(folder.path())?).max_in_flight(8);
/// let key = Namespace::new("points").key("Kimi");
/// store.put(&key, b"100", None, When::Always).await?;
/// assert_eq!(&*store.get(&key).await?.unwrap().bytes, b"100");
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct OnThreads {
    store: Arc<dyn Store>,
    places: Arc<Semaphore>,
    max_in_flight: usize,
    queue_timeout: Duration,
    queued: Arc<AtomicUsize>,
}

impl OnThreads {
    /// Takes a blocking store.
    pub fn new(store: impl Store) -> OnThreads {
        OnThreads::of_shared(Arc::new(store))
    }

    pub(crate) fn of_shared(store: Arc<dyn Store>) -> OnThreads {
        let cores = available_parallelism().map_or(1, NonZero::get);
        OnThreads {
            store,
            places: Arc::new(Semaphore::new(0)),
            max_in_flight: 0,
            queue_timeout: QUEUE_TIMEOUT,
            queued: Arc::default(),
        }
        .max_in_flight(IN_FLIGHT_PER_CORE * cores)
    }

    /// Sets how many calls there are at a time. Default: 4 for each core.
    ///
    /// A store that keeps a connection for each thread has as many connections.
    ///
    /// # Panics
    ///
    /// If it is 0: then no call would ever begin.
    pub fn max_in_flight(mut self, max: usize) -> OnThreads {
        assert!(max > 0, "a store with no call in flight never answers");
        self.max_in_flight = max.min(Semaphore::MAX_PERMITS);
        self.places = Arc::new(Semaphore::new(self.max_in_flight));
        self
    }

    /// Sets how long a call waits in line before it fails. Default: 5 seconds.
    pub fn queue_timeout(mut self, timeout: Duration) -> OnThreads {
        self.queue_timeout = timeout;
        self
    }

    /// Returns how many calls wait in line now.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Returns how many calls are under way now.
    pub fn in_flight(&self) -> usize {
        self.max_in_flight - self.places.available_permits()
    }

    /// Makes a call, where it holds up no other task.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place().await?;
        let store = Arc::clone(&self.store);
        let work = move || {
            let done = call(&*store);
            drop(place);
            done
        };
        off_thread("could not call the store", work).await
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(place);
        }
        let _queued = Queued::among(&self.queued);
        match timeout(self.queue_timeout, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "waited {:?} for one of {} calls to {:?} to end, with {} more in line; the store is \
                     slow, or `max_in_flight` is too low",
                    self.queue_timeout,
                    self.max_in_flight,
                    self.store,
                    self.queued() - 1,
                ),
            )),
        }
    }
}

/// One that waits in line, until this is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn among(all: &'a AtomicUsize) -> Queued<'a> {
        all.fetch_add(1, Ordering::Relaxed);
        Queued(all)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a call takes along to its thread.
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
        when: When,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.put(key, bytes, ttl, when);
            }
            let (key, bytes) = (key.clone(), bytes.to_vec());
            self.call(move |store| store.put(&key, &bytes, ttl, when)).await
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: When) -> StoreFuture<'a, bool> {
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

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.clear(namespace);
            }
            let namespace = namespace.clone();
            self.call(move |store| store.clear(&namespace)).await
        })
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, Swept> {
        Box::pin(async move {
            if !self.store.blocks() {
                return self.store.sweep(most);
            }
            self.call(move |store| store.sweep(most)).await
        })
    }

    fn damaged(&self) -> u64 {
        self.store.damaged()
    }
}

impl fmt::Debug for OnThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnThreads")
            .field("store", &self.store)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

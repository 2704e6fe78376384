//! [`AsyncBackend`]: a store and its locks, for asynchronous programs.

use std::fmt;
use std::sync::Arc;

use super::{AnyBackend, Backend};
use crate::error::Result;
use crate::lock::{AnyLocks, AsyncLeaseLocks, AsyncLocks, LocalLocks, LocksOnThreads};
use crate::store::{AnyStore, AsyncStore, MemoryStore, NullStore, OnThreads};

/// Where an asynchronous program stores things, and what keeps two of its tasks from making the same
/// thing at once. A clone is the same back end.
///
/// ```
/// use beaker::{AsyncBackend, Backend};
///
/// let backend = AsyncBackend::memory();
///
/// // Whatever a blocking program has, on a bounded number of threads.
/// let backend = AsyncBackend::from(Backend::memory());
/// # let _ = backend;
/// ```
#[derive(Clone)]
pub struct AsyncBackend(pub(crate) AnyBackend);

impl AsyncBackend {
    /// Pairs any store with any locks.
    ///
    /// ```
    /// use beaker::lock::LocalLocks;
    /// use beaker::store::{MemoryStore, OnThreads};
    /// use beaker::AsyncBackend;
    ///
    /// let store = OnThreads::new(MemoryStore::new());
    /// let backend = AsyncBackend::new(store, LocalLocks::new());
    /// # let _ = backend;
    /// ```
    pub fn new(store: impl AsyncStore, locks: impl AsyncLocks) -> AsyncBackend {
        AsyncBackend(AnyBackend {
            store: AnyStore::Async(Arc::new(store)),
            locks: AnyLocks::Async(Arc::new(locks)),
        })
    }

    /// Takes a store that hosts share, with leases in it for locks.
    ///
    /// ```
    /// use beaker::store::{MemoryStore, OnThreads};
    /// use beaker::AsyncBackend;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let backend = AsyncBackend::with_leases(OnThreads::new(MemoryStore::new()));
    /// # let _ = backend;
    /// # });
    /// ```
    pub fn with_leases(store: impl AsyncStore) -> AsyncBackend {
        let store: Arc<dyn AsyncStore> = Arc::new(store);
        let locks = Arc::new(AsyncLeaseLocks::new(Arc::clone(&store)));
        AsyncBackend(AnyBackend { store: AnyStore::Async(store), locks: AnyLocks::Async(locks) })
    }

    /// Makes a memory of its own, for the tasks of this process.
    ///
    /// ```
    /// let backend = beaker::AsyncBackend::memory();
    /// # let _ = backend;
    /// ```
    pub fn memory() -> AsyncBackend {
        AsyncBackend(AnyBackend {
            store: AnyStore::Blocking(Arc::new(MemoryStore::new())),
            locks: AnyLocks::Async(Arc::new(LocalLocks::new())),
        })
    }

    /// Makes one that stores nothing.
    ///
    /// ```
    /// let backend = beaker::AsyncBackend::null();
    /// # let _ = backend;
    /// ```
    pub fn null() -> AsyncBackend {
        AsyncBackend(AnyBackend {
            store: AnyStore::Blocking(Arc::new(NullStore)),
            locks: AnyLocks::Async(Arc::new(LocalLocks::new())),
        })
    }

    /// Asks the store for something that is not there, as [`Backend::ping`].
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// beaker::AsyncBackend::memory().ping().await?;
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }
}

/// Runs a blocking back end for tasks: a store that may wait on [threads](OnThreads), of which there are
/// so many at a time, and its locks through the same gate. A store in memory is called where the task
/// runs.
impl From<Backend> for AsyncBackend {
    fn from(backend: Backend) -> AsyncBackend {
        AsyncBackend(AnyBackend::from(backend).for_tasks())
    }
}

impl AnyBackend {
    /// The same back end in an asynchronous program.
    pub(crate) fn for_tasks(self) -> AnyBackend {
        let (AnyStore::Blocking(store), AnyLocks::Blocking(locks)) = (&self.store, &self.locks)
        else {
            return self;
        };
        let (store, locks) = (Arc::clone(store), Arc::clone(locks));
        let blocks = store.blocks();
        let threads = OnThreads::of_shared(Arc::clone(&store));
        let locks = locks
            .for_tasks()
            .unwrap_or_else(|| Arc::new(LocksOnThreads::new(locks, threads.gate().clone())));
        let store = match blocks {
            true => AnyStore::Async(Arc::new(threads)),
            false => AnyStore::Blocking(store),
        };
        AnyBackend { store, locks: AnyLocks::Async(locks) }
    }
}

impl fmt::Debug for AsyncBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncBackend")
            .field("store", &self.0.store)
            .field("locks", &self.0.locks)
            .finish()
    }
}

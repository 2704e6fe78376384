//! [`AsyncBackend`]: a store and its locks, for asynchronous programs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::options::BackendOptions;
use super::{AnyBackend, Backend};
use crate::error::Result;
#[cfg(any(feature = "redis-async", feature = "postgres"))]
use crate::lock::Locks;
use crate::lock::{AnyLocks, AsyncLeaseLocks, AsyncLocks, LocksOnThreads};
use crate::off_thread::Gate;
use crate::store::{AnyStore, AsyncStore, OnThreads};

/// Combines a store with the locks that prevent two tasks from computing the same value at the same time,
/// for asynchronous programs. A clone is the same backend.
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
#[must_use]
pub struct AsyncBackend(pub(crate) AnyBackend, Option<OnItsThreads>);

/// How a blocking backend is called.
#[derive(Clone)]
struct OnItsThreads {
    gate: Gate,
    /// The parts of the backend, unless its store was wrapped.
    backend: Option<Backend>,
}

impl AsyncBackend {
    /// Creates a backend from any store and any locks.
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
        AsyncBackend::pair(AnyStore::Async(Arc::new(store)), Arc::new(locks))
    }

    /// Creates a backend from a store that hosts share. Its locks are leases, which are kept in the store.
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
        AsyncBackend::pair(AnyStore::Async(store), locks)
    }

    /// Creates a backend in memory, which the tasks of this process share.
    ///
    /// ```
    /// let backend = beaker::AsyncBackend::memory();
    /// # let _ = backend;
    /// ```
    pub fn memory() -> AsyncBackend {
        AsyncBackend::from(Backend::memory())
    }

    /// Creates a backend that stores nothing.
    ///
    /// ```
    /// let backend = beaker::AsyncBackend::null();
    /// # let _ = backend;
    /// ```
    pub fn null() -> AsyncBackend {
        AsyncBackend::from(Backend::null())
    }

    /// Opens a backend by name, with the names and options of [`Backend::open`].
    ///
    /// | name | implementation | largest number of connections |
    /// |---|---|---|
    /// | `ext:redis`, `ext:rediscluster`, `ext:redissentinel` | `AsyncRedisStore` (feature `redis-async`), with leases that tasks renew | 1 to each server, and a second one while a task waits for a first one that does not answer |
    /// | `ext:database` with a URL of PostgreSQL | `AsyncPostgresStore`, with leases that tasks renew | 8, and as many more while tasks wait for connections that do not answer |
    /// | `memory`, `null` | called directly in the task | |
    /// | all others, and with `lock_dir` the locks of those above | the blocking ones on [threads](OnThreads) | SQLite as in a blocking program, the others 1 for each call |
    ///
    /// Two options apply to calls on threads: `max_in_flight` is how many calls may run at the same time
    /// (default: 4 for each core), and `queue_timeout` is how long a call may wait for its turn, in
    /// milliseconds (default: 5000). For other backends they have no effect.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Backend::open`].
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime if the backend has leases, because tasks renew them.
    ///
    /// ```
    /// use beaker::AsyncBackend;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path().to_str().unwrap();
    /// # fn open(folder: &str) -> beaker::Result<()> {
    /// let backend = AsyncBackend::open("file", &[("data_dir", folder), ("max_in_flight", "16")])?;
    /// # let _ = backend;
    /// # Ok(())
    /// # }
    /// # open(folder).unwrap();
    /// ```
    pub fn open(name: &str, options: &[(&str, &str)]) -> Result<AsyncBackend> {
        BackendOptions::parse(name, options)?.open_async()
    }

    /// Wraps the store, for example in a [layer](crate::layer) with `Layered::new` or `Counting::new`. The
    /// locks stay the same, and leases in the store bypass the wrapper. Set the limits of calls on threads
    /// before this call.
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::layer::Counting;
    ///
    /// let backend = AsyncBackend::memory().wrap_store(Counting::new);
    /// # let _ = backend;
    /// ```
    pub fn wrap_store<S: AsyncStore>(
        self,
        wrap: impl FnOnce(Arc<dyn AsyncStore>) -> S,
    ) -> AsyncBackend {
        let AsyncBackend(AnyBackend { store, locks }, threads) = self;
        let store = match store {
            AnyStore::Async(store) => store,
            // The store never blocks, so its calls do not go through the gate.
            AnyStore::Blocking(store) => Arc::new(OnThreads::through(store, Gate::default())),
        };
        let store = AnyStore::Async(Arc::new(wrap(store)));
        let threads = threads.map(|threads| OnItsThreads { backend: None, ..threads });
        AsyncBackend(AnyBackend { store, locks }, threads)
    }

    /// Sets how many calls of a blocking store and of its locks may run at the same time. Default: 4 for
    /// each core. It has no effect on a backend without calls on threads.
    ///
    /// # Panics
    ///
    /// Panics if `max` is 0, because no call could ever start.
    ///
    /// ```
    /// use beaker::lock::LocalLocks;
    /// use beaker::store::FileStore;
    /// use beaker::{AsyncBackend, Backend};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path();
    /// # fn open(folder: &std::path::Path) -> beaker::Result<()> {
    /// let backend = Backend::new(FileStore::open(folder)?, LocalLocks::new());
    /// let backend = AsyncBackend::from(backend).max_in_flight(16);
    /// # let _ = backend;
    /// # Ok(())
    /// # }
    /// # open(folder).unwrap();
    /// ```
    pub fn max_in_flight(self, max: usize) -> AsyncBackend {
        self.by_gate(|gate| gate.max_in_flight(max))
    }

    /// Sets how long a call of a blocking store waits for its turn before it fails. Default: 5 seconds. It
    /// has no effect on a backend without calls on threads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::{AsyncBackend, Backend};
    ///
    /// let backend = AsyncBackend::from(Backend::memory()).queue_timeout(Duration::from_secs(1));
    /// # let _ = backend;
    /// ```
    pub fn queue_timeout(self, timeout: Duration) -> AsyncBackend {
        self.by_gate(|gate| gate.queue_timeout(timeout))
    }

    /// Returns how many calls are waiting for their turn now; always 0 for a backend without calls on
    /// threads.
    ///
    /// ```
    /// assert_eq!(beaker::AsyncBackend::memory().queued(), 0);
    /// ```
    #[must_use]
    pub fn queued(&self) -> usize {
        self.1.as_ref().map_or(0, |threads| threads.gate.queued())
    }

    /// Returns how many calls are running on threads now; always 0 for a backend without calls on threads.
    ///
    /// ```
    /// assert_eq!(beaker::AsyncBackend::memory().in_flight(), 0);
    /// ```
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.1.as_ref().map_or(0, |threads| threads.gate.in_flight())
    }

    /// Checks that the store answers, like [`Backend::ping`].
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
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

impl AsyncBackend {
    fn pair(store: AnyStore, locks: Arc<dyn AsyncLocks>) -> AsyncBackend {
        AsyncBackend(AnyBackend { store, locks: AnyLocks::Async(locks) }, None)
    }

    /// Puts a store and its locks on threads, behind one gate.
    pub(super) fn on_threads(backend: Backend, gate: Gate) -> AsyncBackend {
        let Backend { store, locks } = backend.clone();
        let threads = OnThreads::through(Arc::clone(&store), gate.clone());
        let locks =
            locks.for_tasks().unwrap_or_else(|| Arc::new(LocksOnThreads::new(locks, gate.clone())));
        let store = match store.for_tasks() {
            Some(store) => AnyStore::Async(store),
            None if store.blocks() => AnyStore::Async(Arc::new(threads)),
            None => AnyStore::Blocking(store),
        };
        let any = AnyBackend { store, locks: AnyLocks::Async(locks) };
        AsyncBackend(any, Some(OnItsThreads { gate, backend: Some(backend) }))
    }

    /// Pairs an asynchronous store with blocking locks behind a gate.
    #[cfg(any(feature = "redis-async", feature = "postgres"))]
    pub(super) fn with_locks_on_threads(
        store: impl AsyncStore,
        locks: impl Locks,
        gate: Gate,
    ) -> AsyncBackend {
        let locks = LocksOnThreads::new(Arc::new(locks), gate);
        AsyncBackend::pair(AnyStore::Async(Arc::new(store)), Arc::new(locks))
    }

    fn by_gate(self, set: impl FnOnce(Gate) -> Gate) -> AsyncBackend {
        match self.1 {
            Some(OnItsThreads { gate, backend: Some(backend) }) => {
                AsyncBackend::on_threads(backend, set(gate))
            }
            _ => self,
        }
    }
}

/// Converts a blocking backend for tasks. redis and PostgreSQL are called asynchronously, on connections
/// that tasks share. Another store that may wait is called on a limited number of [threads](OnThreads), and
/// its locks share that limit. A store in memory is called directly in the task.
impl From<Backend> for AsyncBackend {
    fn from(backend: Backend) -> AsyncBackend {
        AsyncBackend::on_threads(backend, Gate::default())
    }
}

impl AnyBackend {
    /// Returns the same backend for an asynchronous program.
    pub(crate) fn for_tasks(self) -> AnyBackend {
        match self {
            AnyBackend { store: AnyStore::Blocking(store), locks: AnyLocks::Blocking(locks) } => {
                AsyncBackend::from(Backend { store, locks }).0
            }
            of_tasks => of_tasks,
        }
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

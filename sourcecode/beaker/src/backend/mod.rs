//! [`Backend`]: a store and the locks that go with it, opened by name.

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(feature = "python")]
mod beaker;
mod open;
pub(crate) mod options;

use std::sync::Arc;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncBackend;
use options::BackendOptions;

use crate::error::Result;
use crate::key::Namespace;
use crate::lock::{AnyLocks, LeaseLocks, LocalLocks, Locks};
use crate::store::{AnyStore, MemoryStore, NullStore, Store};
use crate::world::{World, finish};

/// Combines a store with the locks that prevent two threads, processes or hosts from computing the same
/// value at the same time. A clone is the same backend.
#[derive(Debug, Clone)]
#[must_use]
pub struct Backend {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) locks: Arc<dyn Locks>,
}

impl Backend {
    /// Creates a backend from any store and any locks.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::lock::LocalLocks;
    /// use beaker::store::MemoryStore;
    ///
    /// let backend = Backend::new(MemoryStore::new(), LocalLocks::new());
    /// # let _ = backend;
    /// ```
    pub fn new(store: impl Store, locks: impl Locks) -> Backend {
        Backend { store: Arc::new(store), locks: Arc::new(locks) }
    }

    /// Creates a backend from a store that hosts share. Its locks are leases, which are kept in the store.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::store::MemoryStore;
    ///
    /// let backend = Backend::with_leases(MemoryStore::new());
    /// # let _ = backend;
    /// ```
    pub fn with_leases(store: impl Store) -> Backend {
        let store: Arc<dyn Store> = Arc::new(store);
        Backend { locks: Arc::new(LeaseLocks::new(Arc::clone(&store))), store }
    }

    /// Returns the store.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::store::SweepProgress;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let backend = Backend::memory();
    /// assert!(backend.store().sweep(1000)?.is_done);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Returns the locks, which prevent two callers from computing the same value at the same time.
    #[must_use]
    pub fn locks(&self) -> &Arc<dyn Locks> {
        &self.locks
    }

    /// Replaces the locks, for example with leases of another length.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::lock::LeaseLocks;
    /// use beaker::{Backend, SystemClock};
    ///
    /// let backend = Backend::memory();
    /// let time = Duration::from_secs(30);
    /// let leases = LeaseLocks::with(backend.store().clone(), time, Arc::new(SystemClock));
    /// let backend = backend.with_locks(leases);
    /// # let _ = backend;
    /// ```
    pub fn with_locks(self, locks: impl Locks) -> Backend {
        Backend { store: self.store, locks: Arc::new(locks) }
    }

    /// Wraps the store, for example in a [layer](crate::layer). The locks stay the same, and leases in the
    /// store bypass the wrapper.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::layer::Layers;
    ///
    /// let backend = Backend::memory().wrap_store(|store| store.counted());
    /// # let _ = backend;
    /// ```
    pub fn wrap_store<S: Store>(self, wrap: impl FnOnce(Arc<dyn Store>) -> S) -> Backend {
        Backend { store: Arc::new(wrap(self.store)), locks: self.locks }
    }

    /// Checks that the store answers, by asking for a key that does not exist.
    ///
    /// Call it when the program starts, to detect a wrong address, password or certificate; or in a health
    /// check, to detect that the server is down. It may wait as long as any other call.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// beaker::Backend::memory().ping()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ping(&self) -> Result<()> {
        finish(AnyBackend::from(self.clone()).ping())
    }

    /// Creates a backend in memory, which the threads of this process share. Each call creates a separate
    /// one.
    ///
    /// ```
    /// let backend = beaker::Backend::memory();
    /// # let _ = backend;
    /// ```
    pub fn memory() -> Backend {
        Backend::new(MemoryStore::new(), LocalLocks::new())
    }

    /// Creates a backend that stores nothing.
    ///
    /// ```
    /// let backend = beaker::Backend::null();
    /// # let _ = backend;
    /// ```
    pub fn null() -> Backend {
        Backend::new(NullStore, LocalLocks::new())
    }

    /// Opens a backend by name, the value of Beaker's `type` option.
    ///
    /// | name | options | shared by | locks work between | largest number of connections |
    /// |---|---|---|---|---|
    /// | `memory` | `max_entries` (1 or more) or `max_bytes` (1000 or more) | threads | threads | |
    /// | `file` | `data_dir`, `lock_dir` | processes of a host | processes of a host | |
    /// | `dbm` | `data_dir`, `lock_dir` | processes of a host | processes of a host | |
    /// | `ext:memcached` | `url`, `lock_dir`, `deadline` | hosts | hosts; with `lock_dir` processes of a host | to each server, one for each thread that is calling; 32 stay open |
    /// | `ext:redis` | `url`, `lock_dir`, `deadline` | hosts | the same | the same |
    /// | `ext:rediscluster` | `urls` or `url`, `lock_dir`, `deadline` | hosts | the same | the same |
    /// | `ext:redissentinel` | `urls` or `url` (of sentinels), `master`, `lock_dir`, `deadline` | hosts | the same | the same, and 1 to a sentinel |
    /// | `ext:database` | `url`, `table_name`, `lock_dir`, `deadline` | SQLite: processes of a host; PostgreSQL: hosts | the same | SQLite: 16 readers, 1 writer; PostgreSQL: 16 |
    /// | `null` | | nothing | threads | |
    ///
    /// - `master` is `redis://user:password@name/database`, where only the name is required: the one by
    ///   which the sentinels know the master. Default: `mymaster`.
    /// - `deadline` is how long a server may take for one operation, in milliseconds. Default: 2000.
    /// - `max_in_flight` and `queue_timeout` exist for all backends except `memory` and `null`. They only
    ///   affect asynchronous programs (see `AsyncBackend::open`), and are accepted here so that both kinds
    ///   of program can share a configuration.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` for an unknown name or option or an invalid value, and any error of the
    /// store that is opened.
    ///
    /// ```
    /// use beaker::Backend;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let backend = Backend::open("memory", &[("max_entries", "1000")])?;
    /// let error = Backend::open("file", &[]).unwrap_err();
    /// assert!(error.to_string().contains("needs `data_dir`"));
    /// # let _ = backend;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(name: &str, options: &[(&str, &str)]) -> Result<Backend> {
        BackendOptions::parse(name, options)?.open()
    }
}

/// A backend of either kind, for code that serves both.
#[derive(Debug, Clone)]
pub(crate) struct AnyBackend {
    pub(crate) store: AnyStore,
    pub(crate) locks: AnyLocks,
}

impl AnyBackend {
    pub(crate) async fn ping(&self) -> Result<()> {
        self.store.get(&Namespace::new("beaker.ping").key("ping")).await.map(drop)
    }

    /// Returns the kind of program that waits for this backend.
    pub(crate) fn world(&self) -> World {
        match self.locks {
            AnyLocks::Blocking(_) => World::Threads,
            #[cfg(feature = "tokio")]
            AnyLocks::Async(_) => World::Tasks,
        }
    }
}

impl From<Backend> for AnyBackend {
    fn from(backend: Backend) -> AnyBackend {
        AnyBackend {
            store: AnyStore::Blocking(backend.store),
            locks: AnyLocks::Blocking(backend.locks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, options: &[(&str, &str)], message: &str) {
        assert_eq!(Backend::open(name, options).unwrap_err().to_string(), message);
    }

    #[test]
    fn mistakes_are_named() {
        check(
            "disk",
            &[],
            "there is no backend `disk`; there are `memory`, `file`, `dbm`, `ext:memcached`, \
             `ext:redis`, `ext:rediscluster`, `ext:redissentinel`, `ext:database`, `null`",
        );
        check("file", &[], "the backend `file` needs `data_dir`, the folder to store in");
        check("null", &[("url", "x")], "the backend `null` has no option `url`; it has: none");
        check(
            "memory",
            &[("max_bytes", "many")],
            "the backend `memory`: `max_bytes` is `many`; allowed is a whole number, 1000 or more",
        );
        check(
            "memory",
            &[("max_bytes", "1000000"), ("max_entries", "1")],
            "the backend `memory` has `max_entries` or `max_bytes`, not both",
        );
        check(
            "memory",
            &[("max_entries", "0")],
            "the backend `memory`: `max_entries` is `0`; allowed is a whole number, 1 or more",
        );
        check(
            "file",
            &[("data_dirr", "x")],
            "the backend `file` has no option `data_dirr`; \
             it has: data_dir, lock_dir, max_in_flight, queue_timeout",
        );
    }

    #[cfg(feature = "redis")]
    #[test]
    fn redis_says_what_it_needs() {
        let needs = "the backend `ext:redis` needs `url`, the server: `redis://host:port`";
        check("ext:redis", &[], needs);
        check(
            "ext:rediscluster",
            &[("deadline", "100")],
            "the backend `ext:rediscluster` needs `urls`, \
             some of the servers: `redis://host:port`, with `,` or `;` between several",
        );
        assert!(Backend::open("ext:rediscluster", &[("url", "a"), ("deadline", "1")]).is_ok());
    }

    #[cfg(not(feature = "redis"))]
    #[test]
    fn redis_that_is_not_compiled_in_says_so() {
        for name in ["ext:redis", "ext:rediscluster", "ext:redissentinel"] {
            let message = Backend::open(name, &[]).unwrap_err().to_string();
            assert!(message.contains("the feature `redis`") && message.contains(name), "{message}");
        }
    }

    #[test]
    fn databases_say_what_they_need() {
        for (name, feature) in [("dbm", "`dbm`"), ("ext:database", "`sqlite`")] {
            let message = Backend::open(name, &[]).unwrap_err().to_string();
            let needs = message.contains(&format!("the backend `{name}` needs `"));
            assert!(needs || message.contains(&format!("the feature {feature}")), "{message}");
        }
    }

    #[cfg(not(feature = "memcached"))]
    #[test]
    fn a_back_end_that_is_not_compiled_in_says_so() {
        let message = Backend::open("ext:memcached", &[]).unwrap_err().to_string();
        assert!(message.contains("the feature `memcached`"), "{message}");
    }
}

//! [`Backend`]: a store and the locks that go with it, opened by name.

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
#[cfg(feature = "dbm")]
mod dbm;
mod file;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
mod options;
#[cfg(feature = "redis")]
mod redis;

use std::sync::Arc;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncBackend;
use options::Options;

use crate::error::{Error, Result};
use crate::key::Namespace;
#[cfg(any(
    feature = "memcached",
    feature = "redis",
    feature = "sqlite",
    feature = "postgres"
))]
use crate::lock::LeaseLocks;
use crate::lock::{AnyLocks, LocalLocks, Locks};
use crate::store::{AnyStore, MemoryStore, NullStore, Store};
use crate::world::{World, finish};

/// Where things are stored, and what keeps two from making the same thing at once. A clone is the
/// same back end.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where things are stored.
    pub store: Arc<dyn Store>,
    /// Who may make a value now.
    pub locks: Arc<dyn Locks>,
}

impl Backend {
    /// Any store with any locks.
    pub fn new(store: impl Store, locks: impl Locks) -> Backend {
        Backend { store: Arc::new(store), locks: Arc::new(locks) }
    }

    /// A store that hosts share, with leases in it for locks.
    #[cfg(any(feature = "memcached", feature = "redis", feature = "sqlite", feature = "postgres"))]
    fn with_leases(store: impl Store) -> Backend {
        let store: Arc<dyn Store> = Arc::new(store);
        Backend { locks: Arc::new(LeaseLocks::new(Arc::clone(&store))), store }
    }

    /// The same back end with its store wrapped: in a [layer](crate::layer), say. The locks stay as
    /// they are; leases in the store go past the wrapping.
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

    /// Asks the store for something that is not there: so a wrong address, password or certificate is
    /// found out when a program starts, and a server that is down by whoever asks whether all is well.
    /// It may wait as long as any call.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn ping(&self) -> Result<()> {
        finish(AnyBackend::from(self.clone()).ping())
    }

    /// A memory of its own, for the threads of this process.
    pub fn memory() -> Backend {
        Backend::new(MemoryStore::new(), LocalLocks::new())
    }

    /// One that stores nothing.
    pub fn null() -> Backend {
        Backend::new(NullStore, LocalLocks::new())
    }

    /// The back end of this name, as Beaker's `type` option names it.
    ///
    /// | name | options | shared across | locks span |
    /// |---|---|---|---|
    /// | `memory` | `max_entries` or `max_bytes` | threads | threads |
    /// | `file` | `data_dir`, `lock_dir` | processes of a host | processes of a host |
    /// | `dbm` | `data_dir`, `lock_dir` | processes of a host | processes of a host |
    /// | `ext:memcached` | `url`, `lock_dir`, `deadline` in ms | hosts | hosts; with `lock_dir` processes of a host |
    /// | `ext:redis` | `url`, `lock_dir`, `deadline` in ms | hosts | the same |
    /// | `ext:rediscluster` | `urls` or `url`, `lock_dir`, `deadline` in ms | hosts | the same |
    /// | `ext:database` | `url`, `table_name`, `lock_dir`, `deadline` in ms | SQLite: processes of a host; PostgreSQL: hosts | the same |
    /// | `null` | | nothing | threads |
    pub fn open(name: &str, options: &[(&str, &str)]) -> Result<Backend> {
        let options = Options { name, given: options };
        match name {
            "memory" => memory::open(options),
            "null" => options.only(&[]).map(|()| Backend::null()),
            "file" => file::open(options),
            #[cfg(feature = "dbm")]
            "dbm" => dbm::open(options),
            #[cfg(not(feature = "dbm"))]
            "dbm" => Err(Error::config(
                "the back end `dbm` is not compiled in; turn on the feature `dbm` of the crate `beaker`",
            )),
            #[cfg(feature = "memcached")]
            "ext:memcached" => memcached::open(options),
            #[cfg(not(feature = "memcached"))]
            "ext:memcached" => Err(Error::config(
                "the back end `ext:memcached` is not compiled in; \
                 turn on the feature `memcached` of the crate `beaker`",
            )),
            #[cfg(feature = "redis")]
            "ext:redis" => redis::open(options),
            #[cfg(feature = "redis")]
            "ext:rediscluster" => redis::open_cluster(options),
            #[cfg(not(feature = "redis"))]
            "ext:redis" | "ext:rediscluster" => Err(Error::config(format!(
                "the back end `{name}` is not compiled in; \
                 turn on the feature `redis` of the crate `beaker`"
            ))),
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            "ext:database" => database::open(options),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            "ext:database" => Err(Error::config(
                "the back end `ext:database` is not compiled in; \
                 turn on the feature `sqlite` or `postgres` of the crate `beaker`",
            )),
            _ => Err(Error::config(format!(
                "there is no back end `{name}`; there are `memory`, `file`, `dbm`, \
                 `ext:memcached`, `ext:redis`, `ext:rediscluster`, `ext:database`, `null`"
            ))),
        }
    }
}

/// A back end of either kind of program, for what is written once for both.
#[derive(Debug, Clone)]
pub(crate) struct AnyBackend {
    pub(crate) store: AnyStore,
    pub(crate) locks: AnyLocks,
}

impl AnyBackend {
    pub(crate) async fn ping(&self) -> Result<()> {
        self.store.get(&Namespace::new("beaker.ping").key("ping")).await.map(drop)
    }

    /// Who waits for it.
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
            "there is no back end `disk`; there are `memory`, `file`, `dbm`, `ext:memcached`, \
             `ext:redis`, `ext:rediscluster`, `ext:database`, `null`",
        );
        check("file", &[], "the back end `file` needs `data_dir`, the folder to store in");
        check("null", &[("url", "x")], "the back end `null` has no option `url`; it has: none");
        check(
            "memory",
            &[("max_bytes", "many")],
            "the back end `memory`: `max_bytes` is a whole number, not `many`",
        );
        check(
            "memory",
            &[("max_bytes", "1000000"), ("max_entries", "1")],
            "the back end `memory` has `max_entries` or `max_bytes`, not both",
        );
        check(
            "memory",
            &[("max_entries", "0")],
            "a memory holds 1 entry at least; give it more room",
        );
        check(
            "file",
            &[("data_dirr", "x")],
            "the back end `file` has no option `data_dirr`; it has: data_dir, lock_dir",
        );
    }

    #[cfg(feature = "redis")]
    #[test]
    fn redis_says_what_it_needs() {
        let needs = "the back end `ext:redis` needs `url`, the server: `redis://host:port`";
        check("ext:redis", &[], needs);
        check(
            "ext:rediscluster",
            &[("deadline", "100")],
            "the back end `ext:rediscluster` needs `urls`, \
             some of the servers: `redis://host:port`, with `,` or `;` between several",
        );
        assert!(Backend::open("ext:rediscluster", &[("url", "a"), ("deadline", "1")]).is_ok());
    }

    #[cfg(not(feature = "redis"))]
    #[test]
    fn redis_that_is_not_compiled_in_says_so() {
        for name in ["ext:redis", "ext:rediscluster"] {
            let message = Backend::open(name, &[]).unwrap_err().to_string();
            assert!(message.contains("the feature `redis`") && message.contains(name), "{message}");
        }
    }

    #[test]
    fn databases_say_what_they_need() {
        for (name, feature) in [("dbm", "`dbm`"), ("ext:database", "`sqlite`")] {
            let message = Backend::open(name, &[]).unwrap_err().to_string();
            let needs = message.contains(&format!("the back end `{name}` needs `"));
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

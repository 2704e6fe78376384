//! Opens backends from their options.

use std::path::Path;

use super::Backend;
#[cfg(feature = "tokio")]
use super::asynchronous::AsyncBackend;
use super::options::BackendOptions;
use crate::error::{Error, Result};
use crate::lock::{FileLocks, LocalLocks};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::store::DatabaseStore;
#[cfg(feature = "dbm")]
use crate::store::DbmStore;
#[cfg(feature = "memcached")]
use crate::store::MemcachedStore;
#[cfg(feature = "redis")]
use crate::store::RedisStore;
#[cfg(any(
    feature = "memcached",
    feature = "redis",
    feature = "sqlite",
    feature = "postgres"
))]
use crate::store::Store;
use crate::store::{Capacity, FileStore, MemoryStore};

impl BackendOptions {
    /// Opens the backend for a blocking program.
    pub(crate) fn open(&self) -> Result<Backend> {
        match self.kind.name {
            "memory" => self.memory_store(),
            "null" => Ok(Backend::null()),
            "file" => {
                let store = FileStore::open(self.required("data_dir"))?;
                let (folder, is_own) = self.lock_folder("container_file_lock");
                let store = if is_own { store.with_lock_dir(&folder) } else { store };
                Ok(Backend::new(store, FileLocks::new(folder)))
            }
            #[cfg(feature = "dbm")]
            "dbm" => {
                let (folder, _) = self.lock_folder("container_dbm_lock");
                let store = DbmStore::open_with_locks(self.required("data_dir"), &folder)?;
                Ok(Backend::new(store, FileLocks::new(folder)))
            }
            #[cfg(feature = "memcached")]
            "ext:memcached" => {
                Ok(self.with_locks(MemcachedStore::open(self.required("url"), self.deadline())?))
            }
            #[cfg(feature = "redis")]
            "ext:redis" | "ext:rediscluster" | "ext:redissentinel" => {
                Ok(self.with_locks(self.redis_store()?))
            }
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            "ext:database" => {
                let (url, table) = (self.required("url"), self.required("table_name"));
                Ok(self.with_locks(DatabaseStore::open(url, table, self.deadline())?))
            }
            name => {
                let what = self.kind.not_compiled_in();
                Err(Error::config(format!("the backend `{name}` {what}")))
            }
        }
    }

    fn memory_store(&self) -> Result<Backend> {
        let capacity = match (self.number("max_entries"), self.number("max_bytes")) {
            (None, None) => return Ok(Backend::memory()),
            (Some(max), _) => Capacity::Entries(max),
            (None, Some(max)) => Capacity::Bytes(max),
        };
        Ok(Backend::new(MemoryStore::bounded(capacity)?, LocalLocks::new()))
    }

    /// Returns the folder of locks, and whether it differs from the usual one in the folder of the data.
    pub(super) fn lock_folder(&self, usual: &str) -> (std::path::PathBuf, bool) {
        match self.text("lock_dir") {
            Some(folder) => (folder.into(), true),
            None => (Path::new(self.required("data_dir")).join(usual), false),
        }
    }

    /// Returns a text that must exist, because the option is required or has a default.
    pub(super) fn required(&self, option: &str) -> &str {
        self.text(option).unwrap_or_default()
    }

    /// Opens the kind of redis that this is.
    #[cfg(feature = "redis")]
    pub(super) fn redis_store(&self) -> Result<RedisStore> {
        match self.kind.name {
            "ext:redis" => RedisStore::open(self.required("url"), self.deadline()),
            "ext:rediscluster" => RedisStore::open_cluster(self.urls(), self.deadline()),
            _ => RedisStore::open_sentinel(self.urls(), self.required("master"), self.deadline()),
        }
    }

    #[cfg(feature = "redis")]
    pub(super) fn urls(&self) -> &str {
        self.text("url").unwrap_or_else(|| self.required("urls"))
    }

    #[cfg(any(feature = "memcached", feature = "redis", feature = "sqlite", feature = "postgres"))]
    pub(super) fn deadline(&self) -> std::time::Duration {
        self.time("deadline").unwrap_or_default()
    }

    #[cfg(any(feature = "memcached", feature = "redis", feature = "sqlite", feature = "postgres"))]
    pub(super) fn with_locks(&self, store: impl Store) -> Backend {
        match self.text("lock_dir") {
            Some(folder) => Backend::new(store, FileLocks::new(folder)),
            None => Backend::with_leases(store),
        }
    }
}

#[cfg(feature = "tokio")]
mod asynchronous {
    use super::{AsyncBackend, BackendOptions, Result};
    #[cfg(any(feature = "redis-async", feature = "postgres"))]
    use crate::lock::FileLocks;
    use crate::off_thread::Gate;
    #[cfg(feature = "postgres")]
    use crate::store::AsyncPostgresStore;
    #[cfg(feature = "redis-async")]
    use crate::store::AsyncRedisStore;
    #[cfg(any(feature = "redis-async", feature = "postgres"))]
    use crate::store::AsyncStore;

    impl BackendOptions {
        /// Opens the backend for an asynchronous program: with connections that tasks share if the backend
        /// supports that, and on threads otherwise.
        pub(crate) fn open_async(&self) -> Result<AsyncBackend> {
            match self.kind.name {
                #[cfg(feature = "redis-async")]
                "ext:redis" | "ext:rediscluster" | "ext:redissentinel" => {
                    Ok(self.with_async_locks(self.async_redis_store()?))
                }
                #[cfg(feature = "postgres")]
                "ext:database" if is_postgres(self.required("url")) => {
                    let (url, table) = (self.required("url"), self.required("table_name"));
                    let store = AsyncPostgresStore::open(url, table, self.deadline())?;
                    Ok(self.with_async_locks(store))
                }
                _ => Ok(AsyncBackend::on_threads(self.open()?, self.gate())),
            }
        }

        /// Opens the kind of redis that this is.
        #[cfg(feature = "redis-async")]
        pub(in super::super) fn async_redis_store(&self) -> Result<AsyncRedisStore> {
            match self.kind.name {
                "ext:redis" => AsyncRedisStore::open(self.required("url"), self.deadline()),
                "ext:rediscluster" => AsyncRedisStore::open_cluster(self.urls(), self.deadline()),
                _ => {
                    let (urls, master) = (self.urls(), self.required("master"));
                    AsyncRedisStore::open_sentinel(urls, master, self.deadline())
                }
            }
        }

        pub(in super::super) fn gate(&self) -> Gate {
            let mut gate = Gate::default();
            if let Some(max) = self.number("max_in_flight") {
                gate = gate.max_in_flight(max);
            }
            if let Some(timeout) = self.time("queue_timeout") {
                gate = gate.queue_timeout(timeout);
            }
            gate
        }

        #[cfg(any(feature = "redis-async", feature = "postgres"))]
        pub(in super::super) fn with_async_locks(&self, store: impl AsyncStore) -> AsyncBackend {
            match self.text("lock_dir") {
                Some(folder) => {
                    AsyncBackend::with_locks_on_threads(store, FileLocks::new(folder), self.gate())
                }
                None => AsyncBackend::with_leases(store),
            }
        }
    }

    #[cfg(feature = "postgres")]
    fn is_postgres(url: &str) -> bool {
        matches!(url.split_once("://"), Some(("postgres" | "postgresql", _)))
    }
}

//! Opens backends whose sessions Python's Beaker shares, from the options that both have.

use super::Backend;
#[cfg(feature = "tokio")]
use super::asynchronous::AsyncBackend;
use super::options::BackendOptions;
use crate::error::{Error, Result};
use crate::lock::FileLocks;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::store::DatabaseStore;
#[cfg(feature = "memcached")]
use crate::store::MemcachedStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::store::python::BeakerDatabase;
use crate::store::python::BeakerFile;
#[cfg(feature = "memcached")]
use crate::store::python::BeakerMemcached;
#[cfg(feature = "redis")]
use crate::store::python::BeakerRedis;

impl Backend {
    /// Opens a backend whose sessions Python's Beaker shares: see [`store::python`](crate::store::python).
    ///
    /// The names and options are those of [`open`](Backend::open), as far as Beaker has such a `type`: `file`,
    /// `ext:memcached`, `ext:redis` and `ext:database`; besides, `ext:rediscluster` and `ext:redissentinel`,
    /// which Python reaches with a client of its own. The default of `table_name` is Beaker's, `beaker_cache`,
    /// which replaces `beaker_values` as well.
    ///
    /// The locks are those of `open`. They are for callers of this library; Beaker does not know them.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Backend::open), and `ErrorKind::Config` for a backend that Beaker does
    /// not have, or not in this form.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::Backend;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path().to_str().unwrap();
    /// # fn open(folder: &str) -> beaker::Result<()> {
    /// let backend = Backend::open_beaker("file", &[("data_dir", folder)])?;
    /// let error = Backend::open_beaker("memory", &[]).unwrap_err();
    /// assert!(error.to_string().contains("`ext:redis`"));
    /// # let _ = backend;
    /// # Ok(())
    /// # }
    /// # open(folder).unwrap();
    /// ```
    pub fn open_beaker(name: &str, options: &[(&str, &str)]) -> Result<Backend> {
        BackendOptions::parse(name, options)?.open_beaker()
    }
}

#[cfg(feature = "tokio")]
impl AsyncBackend {
    /// Opens a backend whose sessions Python's Beaker shares, like [`Backend::open_beaker`]. redis is called on
    /// connections that tasks share (feature `redis-async`), and all others on threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Backend::open_beaker`].
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime if the backend has leases, because tasks renew them.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::AsyncBackend;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path().to_str().unwrap();
    /// # fn open(folder: &str) -> beaker::Result<()> {
    /// let backend = AsyncBackend::open_beaker("file", &[("data_dir", folder)])?;
    /// # let _ = backend;
    /// # Ok(())
    /// # }
    /// # open(folder).unwrap();
    /// ```
    pub fn open_beaker(name: &str, options: &[(&str, &str)]) -> Result<AsyncBackend> {
        BackendOptions::parse(name, options)?.open_beaker_async()
    }
}

impl BackendOptions {
    /// Opens the backend for a blocking program.
    pub(crate) fn open_beaker(&self) -> Result<Backend> {
        match self.kind.name {
            "file" => {
                let store = BeakerFile::open(self.required("data_dir"))?;
                let (folder, is_own) = self.lock_folder("container_file_lock");
                let store = if is_own { store.with_lock_dir(&folder) } else { store };
                Ok(Backend::new(store, FileLocks::new(folder)))
            }
            #[cfg(feature = "memcached")]
            "ext:memcached" => {
                let store = MemcachedStore::open(self.required("url"), self.deadline())?;
                Ok(self.with_locks(BeakerMemcached::new(store)))
            }
            #[cfg(feature = "redis")]
            "ext:redis" | "ext:rediscluster" | "ext:redissentinel" => {
                Ok(self.with_locks(BeakerRedis::new(self.redis_store()?)))
            }
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            "ext:database" => {
                let (url, table) = (self.required("url"), self.beaker_table());
                Ok(self.with_locks(BeakerDatabase::open(url, table, self.deadline())?))
            }
            name => Err(Error::config(format!(
                "the backend `{name}` keeps no sessions that Beaker could share; `file`, `ext:memcached`, \
                 `ext:redis` and `ext:database` do"
            ))),
        }
    }

    /// Opens the backend for an asynchronous program.
    #[cfg(feature = "tokio")]
    pub(crate) fn open_beaker_async(&self) -> Result<AsyncBackend> {
        match self.kind.name {
            #[cfg(feature = "redis-async")]
            "ext:redis" | "ext:rediscluster" | "ext:redissentinel" => {
                let store = crate::store::python::AsyncBeakerRedis::new(self.async_redis_store()?);
                Ok(self.with_async_locks(store))
            }
            _ => Ok(AsyncBackend::on_threads(self.open_beaker()?, self.gate())),
        }
    }

    /// Our default for the table is not Beaker's.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn beaker_table(&self) -> &str {
        match self.required("table_name") {
            DatabaseStore::TABLE_NAME => BeakerDatabase::TABLE_NAME,
            table => table,
        }
    }
}

//! [`PythonLocks`]: the locks that Python's caches take in a store, on a key of their own for each entry; and
//! [`FileLocksOfBeaker`], those that Beaker takes on files.
//!
//! Who locks writes a key that must not exist, with a token and a time after which the server removes it; who
//! unlocks removes it if it still has that token. In redis, these are the commands of redis-py's `Lock` and of
//! Beaker's `RedisSynchronizer`. In memcached, dogpile.cache removes the key without a look at the token.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::file_lock::{Mode, StandingLock};
use crate::key::Key;
use crate::lock::{Guard, LocalLocks, Locks};
use crate::store::python::on_disk::lock_file;
use crate::store::{Precondition, Store, Version};

/// Python waits a tenth of a second between two attempts; this does not burden a server much more.
pub(super) const WAIT: Duration = Duration::from_millis(20);

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

/// The lock files of Beaker, on this host: the name of a key is what Beaker hashes.
#[derive(Debug)]
pub(super) struct FileLocksOfBeaker {
    folder: PathBuf,
    threads: LocalLocks,
}

impl FileLocksOfBeaker {
    pub(super) fn new(folder: PathBuf) -> FileLocksOfBeaker {
        FileLocksOfBeaker { folder, threads: LocalLocks::new() }
    }

    fn file(&self, key: &Key) -> PathBuf {
        lock_file(&self.folder, &String::from_utf8_lossy(key.name()))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        let folder = self.folder.display();
        let hint = "does Beaker run as the same user as this program?";
        Error::storage(format!("could not lock a file of Beaker in `{folder}`; {hint}"), error)
    }
}

impl Locks for FileLocksOfBeaker {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let thread = self.threads.lock(key)?;
        let file = StandingLock::lock(&self.file(key), Mode::Exclusive);
        Ok(Guard::new((file.map_err(|error| self.failed(error))?, thread)))
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let Some(thread) = self.threads.try_lock(key)? else { return Ok(None) };
        let file = StandingLock::try_lock(&self.file(key)).map_err(|error| self.failed(error))?;
        Ok(file.map(|file| Guard::new((file, thread))))
    }
}

/// Returns the content of a lock, which nobody else has.
pub(super) fn token() -> Vec<u8> {
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
                None => SystemClock.sleep(WAIT),
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
        Some(Arc::new(super::AsyncPythonLocks::new(store, self.timeout)))
    }
}

//! Locks between the processes of one host and their threads.

use std::path::{Path, PathBuf};

use super::{Guard, LocalLocks, Locks, would_deadlock};
use crate::error::{Error, Result};
use crate::file_lock::FileLock;
use crate::key::{Key, sha256_hex};

/// Locks keys with files in a folder. Each held key has one lock file, which is removed when the lock is
/// released. If a process is killed, its keys are free at once.
#[derive(Debug, Clone)]
pub struct FileLocks {
    folder: PathBuf,
    /// Threads of this process wait here, which is cheaper and detects a thread that waits for itself.
    threads: LocalLocks,
}

impl FileLocks {
    /// Creates locks in this folder, which is created when it is needed. All processes that use the same
    /// folder exclude each other, and so do several `FileLocks` in one process, even if they name the
    /// folder by different paths.
    pub fn new(folder: impl AsRef<Path>) -> FileLocks {
        FileLocks { folder: folder.as_ref().into(), threads: LocalLocks::new() }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.lock", sha256_hex(key.wire(usize::MAX).as_bytes())))
    }

    fn failed(&self, key: &Key, error: std::io::Error) -> Error {
        // Held through another handle for the same folder.
        if error.kind() == std::io::ErrorKind::Deadlock {
            return would_deadlock(key);
        }
        let folder = self.folder.display();
        let hint = "make the folder writable, or name another `lock_dir`";
        Error::storage(format!("could not lock {key:?} in `{folder}`; {hint}"), error)
    }
}

impl Locks for FileLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let thread = self.threads.lock(key)?;
        let file = FileLock::lock(&self.path(key)).map_err(|error| self.failed(key, error))?;
        // In this order: the file first, so that no thread waits for the file lock of its own process.
        Ok(Guard::new((file, thread)))
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let Some(thread) = self.threads.try_lock(key)? else { return Ok(None) };
        let file = FileLock::try_lock(&self.path(key)).map_err(|error| self.failed(key, error))?;
        Ok(file.map(|file| Guard::new((file, thread))))
    }
}

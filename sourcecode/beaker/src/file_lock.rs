//! [`FileLock`]: one exclusive lock of the operating system on one file, which is removed again
//! when the lock is given back.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A held lock; given back, and its file removed, on drop. It excludes other processes and other
/// threads of this one. If the holder is killed, the system gives the lock back at once.
#[derive(Debug)]
pub(crate) struct FileLock {
    path: PathBuf,
    /// Holding the open file is holding the lock.
    file: File,
}

impl FileLock {
    /// Waits for the lock on the file at this path, which is created, with its folder, if missing.
    pub(crate) fn lock(path: &Path) -> io::Result<FileLock> {
        loop {
            let file = open(path)?;
            file.lock()?;
            if is_at(&file, path)? {
                return Ok(FileLock { path: path.into(), file });
            }
        }
    }

    /// The lock, if nobody holds it.
    pub(crate) fn try_lock(path: &Path) -> io::Result<Option<FileLock>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path)? => {
                    return Ok(Some(FileLock { path: path.into(), file }));
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Only the holder removes the file, and only while it holds the lock. Who waited for the
        // removed file finds, in `is_at`, that it is not the one at the path any more.
        // If somebody else removed ours, the one at the path is the next holder's.
        if cfg!(unix) && is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(path);
    match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            open()
        }
        result => result,
    }
}

/// Is the open file still the one at the path, or has its former holder removed it?
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere lock files are not removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_holder_at_a_time_and_nothing_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/a.lock");
        let (inside, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let _lock = FileLock::lock(&path).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        total.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4000);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }

    #[test]
    fn try_lock_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let held = FileLock::lock(&path).unwrap();
        assert!(FileLock::try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_lock(&path).unwrap().is_some());
    }
}

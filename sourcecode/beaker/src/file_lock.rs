//! [`FileLock`]: one exclusive lock of the operating system on one file, which is removed again
//! when the lock is given back; and [`StandingLock`], on a file that stays.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::private;

/// A held lock; given back, and its file removed, on drop. It excludes other processes and other
/// threads of this one. If the holder is killed, the system gives the lock back at once.
#[derive(Debug)]
pub(crate) struct FileLock {
    path: PathBuf,
    /// Holding the open file is holding the lock.
    file: File,
    id: FileId,
}

/// Which files this process holds, and which thread took each. A file is known by what it is and not by
/// its path, so two paths to one folder are one place. Nothing slow is done while it is locked.
static HELD: LazyLock<Mutex<HashMap<FileId, ThreadId>>> = LazyLock::new(Mutex::default);

impl FileLock {
    /// Waits for the lock on the file at this path, which is created, with its folder, if missing.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Deadlock` if this thread holds it already, by this path or by another one.
    pub(crate) fn lock(path: &Path) -> io::Result<FileLock> {
        loop {
            let (file, id) = open_free(path)?;
            file.lock()?;
            if let Some(lock) = FileLock::if_current(path, file, id)? {
                return Ok(lock);
            }
        }
    }

    /// The lock, if nobody holds it.
    ///
    /// # Errors
    ///
    /// As those of [`lock`](FileLock::lock).
    pub(crate) fn try_lock(path: &Path) -> io::Result<Option<FileLock>> {
        loop {
            let (file, id) = open_free(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if let Some(lock) = FileLock::if_current(path, file, id)? {
                return Ok(Some(lock));
            }
        }
    }

    /// What was just locked, unless its former holder has removed it.
    fn if_current(path: &Path, file: File, id: FileId) -> io::Result<Option<FileLock>> {
        if !is_at(&id, path)? {
            return Ok(None);
        }
        held().insert(id.clone(), thread::current().id());
        Ok(Some(FileLock { path: path.into(), file, id }))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Only the holder removes the file, and only while it holds the lock. Who waited for the
        // removed file finds, in `is_at`, that it is not the one at the path any more.
        // If somebody else removed ours, the one at the path is the next holder's. Ours are empty, so
        // one with something in it was there before, and is not ours to remove.
        let is_empty = || self.file.metadata().is_ok_and(|file| file.len() == 0);
        if cfg!(unix) && is_at(&self.id, &self.path).unwrap_or(false) && is_empty() {
            let _ = fs::remove_file(&self.path);
        }
        // Before the file is closed: after that, its number may be another file's.
        held().remove(&self.id);
    }
}

/// A lock on a file that is never removed, because programs that lock it as well rely on it. Given back on
/// drop.
///
/// A thread must not take it twice: it would wait for itself.
#[cfg(feature = "python")]
#[derive(Debug)]
pub(crate) struct StandingLock {
    _file: File,
}

/// Whom a lock keeps away.
#[cfg(feature = "python")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Those who want it exclusively.
    Shared,
    /// Everybody else.
    Exclusive,
}

#[cfg(feature = "python")]
impl StandingLock {
    /// Waits for the lock on the file at this path, which is created, with its folder, if missing.
    pub(crate) fn lock(path: &Path, mode: Mode) -> io::Result<StandingLock> {
        loop {
            let file = match mode {
                // The file may be another user's, who lets us read it.
                Mode::Shared => match private::options().read(true).open(path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => open(path)?,
                    opened => opened?,
                },
                Mode::Exclusive => open(path)?,
            };
            match mode {
                Mode::Shared => file.lock_shared()?,
                Mode::Exclusive => file.lock()?,
            }
            // Somebody who tidies up may have removed it.
            if is_at(&file_id(&file, path)?, path)? {
                return Ok(StandingLock { _file: file });
            }
        }
    }

    /// Takes the lock exclusively, if nobody has it.
    pub(crate) fn try_lock(path: &Path) -> io::Result<Option<StandingLock>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
                Ok(()) => {}
            }
            if is_at(&file_id(&file, path)?, path)? {
                return Ok(Some(StandingLock { _file: file }));
            }
        }
    }
}

/// The file, which this thread does not hold.
fn open_free(path: &Path) -> io::Result<(File, FileId)> {
    let file = open(path)?;
    let id = file_id(&file, path)?;
    if held().get(&id).is_some_and(|holder| *holder == thread::current().id()) {
        return Err(ErrorKind::Deadlock.into());
    }
    Ok((file, id))
}

fn open(path: &Path) -> io::Result<File> {
    let open = || private::options().create(true).truncate(false).write(true).open(path);
    match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            private::create_folder(path.parent().unwrap_or(Path::new(".")))?;
            open()
        }
        result => result,
    }
}

fn held() -> MutexGuard<'static, HashMap<FileId, ThreadId>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a file is, whatever path leads to it: device and number; elsewhere, its path without links.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FileId(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

#[cfg(unix)]
fn file_id(file: &File, _: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    let file = file.metadata()?;
    Ok(FileId((file.dev(), file.ino())))
}

/// Is the open file still the one at the path, or has its former holder removed it?
#[cfg(unix)]
fn is_at(held: &FileId, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == held.0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn file_id(_: &File, path: &Path) -> io::Result<FileId> {
    path.canonicalize().map(FileId)
}

/// Elsewhere lock files are not removed.
#[cfg(not(unix))]
fn is_at(_: &FileId, _: &Path) -> io::Result<bool> {
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
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(FileLock::try_lock(&path).unwrap().is_none()));
        });
        drop(held);
        assert!(FileLock::try_lock(&path).unwrap().is_some());
    }

    #[test]
    fn a_thread_that_holds_it_by_another_path_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/a.lock");
        let held = FileLock::lock(&path).unwrap();
        let roundabout = folder.path().join("locks/../locks/a.lock");
        let told = |path: &Path| {
            assert_eq!(FileLock::lock(path).unwrap_err().kind(), ErrorKind::Deadlock);
            assert_eq!(FileLock::try_lock(path).unwrap_err().kind(), ErrorKind::Deadlock);
        };
        told(&path);
        told(&roundabout);
        // To another thread, it is just held.
        let other = || {
            std::thread::scope(|scope| {
                scope.spawn(|| FileLock::try_lock(&roundabout).unwrap().is_some()).join().unwrap()
            })
        };
        assert!(!other());
        std::thread::scope(|scope| scope.spawn(move || drop(held)).join().unwrap());
        assert!(other() && FileLock::lock(&path).is_ok());
    }

    #[cfg(feature = "python")]
    #[test]
    fn a_standing_lock_stays_and_readers_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/a.lock");
        drop(StandingLock::lock(&path, Mode::Exclusive).unwrap());
        assert!(path.exists());
        let first = StandingLock::lock(&path, Mode::Shared).unwrap();
        let second = StandingLock::lock(&path, Mode::Shared).unwrap();
        let free = || File::open(&path).unwrap().try_lock().is_ok();
        assert!(!free());
        drop(first);
        assert!(!free());
        drop(second);
        assert!(free());
        let _held = StandingLock::lock(&path, Mode::Exclusive).unwrap();
        assert!(!free() && File::open(&path).unwrap().try_lock_shared().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_was_there_before_is_not_followed_and_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.lock"), folder.path().join("precious"));
        fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(FileLock::lock(&path).is_err() && FileLock::try_lock(&path).is_err());
        std::os::unix::fs::symlink(folder.path().join("none"), folder.path().join("b")).unwrap();
        assert!(FileLock::lock(&folder.path().join("b")).is_err());
        assert!(!folder.path().join("none").exists());
        drop(FileLock::lock(&other).unwrap());
        assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    }
}

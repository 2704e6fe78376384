//! Noticing that the file was removed: whoever goes on with it would talk to nobody.
//!
//! Asking the system costs as much as half a read. So those who write ask every 10 ms, and those who
//! read less often; what one of them finds out all of them know. What is written in between goes
//! where the file went.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often the file was found removed; a clone is the same count.
#[derive(Clone, Default)]
pub(in super::super) struct Removals(Arc<AtomicU64>);

impl Removals {
    /// A watch for one connection, to be made before the file is opened.
    pub(in super::super) fn watch(&self, path: &Path, look_every: Duration) -> Watch {
        let seen = self.0.load(Ordering::Acquire);
        let removals = self.clone();
        Watch { removals, seen, path: path.into(), file: None, look_every, looked: None }
    }
}

/// What one connection knows of its file.
pub(in super::super) struct Watch {
    removals: Removals,
    seen: u64,
    path: PathBuf,
    /// Which file was opened.
    file: Option<FileId>,
    look_every: Duration,
    looked: Option<Duration>,
}

impl Watch {
    /// The file is open now.
    pub(super) fn begin(&mut self) {
        self.file = file_id(&self.path);
    }

    /// Is the open file still the one at the path, as far as is known?
    pub(super) fn is_current(&mut self, now: Duration) -> bool {
        if self.removals.0.load(Ordering::Acquire) != self.seen {
            return false;
        }
        let is_fresh = |looked: Duration| now.saturating_sub(looked) < self.look_every;
        if self.looked.is_some_and(is_fresh) {
            return true;
        }
        self.looked = Some(now);
        let is_there = self.file.is_none() || file_id(&self.path) == self.file;
        if !is_there {
            self.removals.0.fetch_add(1, Ordering::Release);
        }
        is_there
    }
}

/// Device and number of a file.
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere an open file is not removed.
#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

//! The table as of the latest commit of any process.
//!
//! Beginning to read takes redb five system calls, because it tells other processes which pages are in use.
//! Therefore one view of the table serves reads until the next commit. Each commit changes the first bytes
//! of the file. A read compares these bytes, which takes one system call, and takes another view if they
//! differ.
//!
//! A view prevents its pages from being used again, so the file would grow if an idle process kept one. For
//! that reason, a view that has not been read for [`KEPT`] is dropped by a thread, which lives as long as
//! there is a view.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use redb::{Database, ReadOnlyTable, ReadableDatabase, TableError};

use super::database_file::TABLE;

/// How long an unused view is kept.
const KEPT: Duration = Duration::from_millis(50);

/// The beginning of redb's file, which describes the latest commit: a header and two slots.
const HEADER: usize = 320;

type Header = [u8; HEADER];

/// The table at the time of the view.
pub(super) type View = ReadOnlyTable<(&'static str, &'static [u8]), &'static [u8]>;

/// A view, or the fact that there is no table.
pub(super) struct Snapshot {
    /// The beginning of the file just before the view.
    header: Option<Header>,
    table: Option<View>,
}

impl Snapshot {
    fn take(database: &Database, header: Option<Header>) -> Result<Snapshot, redb::Error> {
        let table = match database.begin_read()?.open_table(TABLE) {
            Err(TableError::TableDoesNotExist(_)) => None,
            table => Some(table?),
        };
        Ok(Snapshot { header, table })
    }

    pub(super) fn table(&self) -> Option<&View> {
        self.table.as_ref()
    }
}

/// The views of one open file.
pub(super) struct Snapshots {
    file: File,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    latest: Option<Arc<Snapshot>>,
    /// Whether it was read since the last check by the thread.
    is_used: bool,
    /// Ends the thread when it is dropped.
    thread: Option<Sender<()>>,
}

impl Snapshots {
    pub(super) fn of(path: &Path) -> io::Result<Snapshots> {
        Ok(Snapshots { file: File::open(path)?, kept: Arc::default() })
    }

    /// Returns the identity of the file.
    pub(super) fn identity(&self) -> io::Result<FileIdentity> {
        Ok(FileIdentity::of(&self.file.metadata()?))
    }

    /// Returns the table with all commits from before this call.
    pub(super) fn latest(&self, database: &Database) -> Result<Arc<Snapshot>, redb::Error> {
        // Read before the view is taken, so that a commit in between makes the next read take another view.
        let header = self.header();
        let mut kept = lock(&self.kept);
        if let Some(latest) = kept.latest.as_ref().filter(|latest| latest.header == header) {
            let latest = Arc::clone(latest);
            kept.is_used = true;
            return Ok(latest);
        }
        let latest = Arc::new(Snapshot::take(database, header)?);
        if header.is_some() && kept.has_thread(&self.kept) {
            kept.is_used = true;
            kept.latest = Some(Arc::clone(&latest));
        }
        Ok(latest)
    }

    /// Drops the view, so that the next commits can use its pages again.
    pub(super) fn forget(&self) {
        lock(&self.kept).latest = None;
    }

    /// Returns `None` if it cannot be read without redb's locks; each read then takes a view of its own.
    #[cfg(unix)]
    fn header(&self) -> Option<Header> {
        use std::os::unix::fs::FileExt;
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, 0).ok().map(|()| header)
    }

    #[cfg(not(unix))]
    fn header(&self) -> Option<Header> {
        None
    }
}

impl Kept {
    /// Starts the thread, unless it runs already. The system may be unable to start one.
    fn has_thread(&mut self, kept: &Arc<Mutex<Kept>>) -> bool {
        if self.thread.is_none() {
            let (sender, ended) = channel();
            let kept = Arc::downgrade(kept);
            let give_up = move || {
                while ended.recv_timeout(KEPT) == Err(RecvTimeoutError::Timeout) {
                    if !is_still_used(&kept) {
                        return;
                    }
                }
            };
            let thread = thread::Builder::new().name("beaker-dbm".into()).spawn(give_up);
            self.thread = thread.ok().map(|_| sender);
        }
        self.thread.is_some()
    }
}

/// Returns whether the view was read since the last check, and drops it otherwise.
fn is_still_used(kept: &Weak<Mutex<Kept>>) -> bool {
    let Some(kept) = kept.upgrade() else { return false };
    let mut kept = lock(&kept);
    if !std::mem::take(&mut kept.is_used) {
        *kept = Kept::default();
        return false;
    }
    true
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Identifies the file at a path. It differs after the file was removed and created again, or restored from
/// a copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileIdentity(#[cfg(unix)] (u64, u64));

impl FileIdentity {
    #[cfg(unix)]
    fn of(file: &fs::Metadata) -> FileIdentity {
        use std::os::unix::fs::MetadataExt;
        FileIdentity((file.dev(), file.ino()))
    }

    /// On other systems, an open file cannot be replaced.
    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> FileIdentity {
        FileIdentity()
    }

    /// Returns whether this file is still at the path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|file| FileIdentity::of(&file) == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_is_not_read_is_given_up() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = Database::create(file.path()).unwrap();
        let snapshots = Snapshots::of(file.path()).unwrap();
        snapshots.latest(&database).unwrap();
        let kept = Arc::downgrade(&snapshots.kept);
        assert!(lock(&snapshots.kept).latest.is_some());
        // What the thread does, at times of its own.
        while is_still_used(&kept) {}
        assert!(lock(&snapshots.kept).latest.is_none());
        // The next view is kept again.
        snapshots.latest(&database).unwrap();
        assert!(lock(&snapshots.kept).thread.is_some());
        drop(snapshots);
        assert!(!is_still_used(&kept));
    }

    #[test]
    fn a_commit_of_anybody_makes_another_view() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || {
            let mut builder = Database::builder();
            builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
            builder.create(file.path()).unwrap()
        };
        let (database, other) = (open(), open());
        let snapshots = Snapshots::of(file.path()).unwrap();
        let first = snapshots.latest(&database).unwrap();
        assert!(first.table().is_none());
        let transaction = other.begin_write().unwrap();
        transaction.open_table(TABLE).unwrap();
        assert!(snapshots.latest(&database).unwrap().table().is_none());
        transaction.commit().unwrap();
        assert!(snapshots.latest(&database).unwrap().table().is_some());
    }
}

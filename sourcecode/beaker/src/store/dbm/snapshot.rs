//! The table as of the latest commit of any process.
//!
//! Beginning to read takes redb five calls to the system, since it tells other processes which pages are
//! in use. So one view of the table serves reads until somebody commits. Each commit changes the first
//! bytes of the file; a read looks at these, which is one call, and takes another view if they differ.
//!
//! A view keeps its pages from being used again, and so the file would grow if a process kept one and did
//! nothing more. One that is not read for [`KEPT`] is given up, by a thread that lives for as long as there
//! is one.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use redb::{Database, ReadOnlyTable, ReadableDatabase, TableError};

use super::database_file::TABLE;

/// How long a view is kept that nobody reads.
const KEPT: Duration = Duration::from_millis(50);

/// redb's file begins with what tells of the latest commit: a header and two slots.
const HEADER: usize = 320;

type Header = [u8; HEADER];

/// The table, as it was when it was looked at.
pub(super) type View = ReadOnlyTable<(&'static str, &'static [u8]), &'static [u8]>;

/// A view, or that there is no table.
pub(super) struct Snapshot {
    /// What the file began with just before.
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

/// The views of one opened file.
pub(super) struct Snapshots {
    file: File,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    latest: Option<Arc<Snapshot>>,
    /// Whether it was read since the thread last looked.
    is_used: bool,
    /// Ends the thread that gives it up, when this is dropped.
    thread: Option<Sender<()>>,
}

impl Snapshots {
    pub(super) fn of(path: &Path) -> io::Result<Snapshots> {
        Ok(Snapshots { file: File::open(path)?, kept: Arc::default() })
    }

    /// The file that these are of.
    pub(super) fn identity(&self) -> io::Result<FileIdentity> {
        Ok(FileIdentity::of(&self.file.metadata()?))
    }

    /// The table with all that was committed before this call.
    pub(super) fn latest(&self, database: &Database) -> Result<Arc<Snapshot>, redb::Error> {
        // Before the view is taken: a commit in between makes the next read take another one.
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

    /// Gives up the view, so that what is committed next can use its pages again.
    pub(super) fn forget(&self) {
        lock(&self.kept).latest = None;
    }

    /// `None` where it cannot be read without redb's locks, and then every read takes a view of its own.
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
    /// Starts the thread, unless it runs. The system may have none to give.
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

/// Whether the view was read since the last time; one that was not is given up.
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

/// Which file is at a path: another one, once it was removed and made again, or brought back from a copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileIdentity(#[cfg(unix)] (u64, u64));

impl FileIdentity {
    #[cfg(unix)]
    fn of(file: &fs::Metadata) -> FileIdentity {
        use std::os::unix::fs::MetadataExt;
        FileIdentity((file.dev(), file.ino()))
    }

    /// Elsewhere an open file cannot be replaced.
    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> FileIdentity {
        FileIdentity()
    }

    /// Whether it is still the one at this path.
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
        // What the thread does, at its own times.
        while is_still_used(&kept) {}
        assert!(lock(&snapshots.kept).latest.is_none());
        // The next one is kept again.
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

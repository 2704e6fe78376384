//! The database file, which is kept open and shared with other processes.

use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use redb::backends::FileBackend;
use redb::{ConcurrencyMode, Database, DatabaseError, StorageError, Table, TableDefinition};

use super::snapshot::{FileIdentity, Snapshots, View};
use crate::error::{Error, ErrorKind, Result};
use crate::file_lock::FileLock;
use crate::private;

/// Maps a namespace and a name to an image.
pub(super) const TABLE: TableDefinition<(&str, &[u8]), &[u8]> =
    TableDefinition::new("beaker_values");

/// How many bytes of pages a process keeps in memory. Changes by other processes are visible nevertheless.
const CACHE: usize = 32 * 1024 * 1024;

type Write<'a> = Table<'a, (&'static str, &'static [u8]), &'static [u8]>;

/// A namespace and a name.
pub(super) type Entry = (String, Vec<u8>);

/// The result of one step through the table.
pub(super) struct Step {
    pub(super) dead: Vec<Entry>,
    /// Where the next step begins; `None` if this was the last one.
    pub(super) next: Option<Entry>,
}

/// The database file, which is opened at the first use.
pub(super) struct DatabaseFile {
    file: PathBuf,
    /// Held while the file is created.
    lock: PathBuf,
    /// The open file, until an operation fails. Locked only while it is opened.
    open: Mutex<Option<Arc<Open>>>,
}

/// The file at the path, opened.
struct Open {
    // Dropped before the database, which would be kept in use by a view.
    snapshots: Snapshots,
    database: Database,
    identity: FileIdentity,
}

impl DatabaseFile {
    pub(super) fn new(data_dir: &Path, lock_dir: &Path) -> DatabaseFile {
        DatabaseFile {
            file: data_dir.join("container_dbm").join("beaker.redb"),
            lock: lock_dir.join("database.lock"),
            open: Mutex::new(None),
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Runs `work` with the current table, or returns `None` if there is no table.
    pub(super) fn read<T>(
        &self,
        what: &str,
        on: &dyn Display,
        work: impl FnOnce(&View) -> Result<T, StorageError>,
    ) -> Result<Option<T>> {
        self.guarded(what, on, || {
            let Some(open) = self.open()? else { return Ok(None) };
            let snapshot = open.snapshots.latest(&open.database)?;
            Ok(snapshot.table().map(work).transpose()?)
        })
    }

    /// Runs `work` with the table, and commits if `work` reports a change beside its result. Waits here for
    /// other writers.
    pub(super) fn write<T>(
        &self,
        what: &str,
        on: &dyn Display,
        work: impl FnOnce(&mut Write<'_>) -> Result<(T, bool), StorageError>,
    ) -> Result<T> {
        self.guarded(what, on, || {
            let transaction = loop {
                let Some(open) = self.open()? else {
                    self.create()?;
                    continue;
                };
                open.snapshots.forget();
                let transaction = open.database.begin_write()?;
                // Checked again, because the folder may have been removed during the wait.
                if open.identity.is_at(&self.file) {
                    break transaction;
                }
            };
            let (done, has_changed) = work(&mut transaction.open_table(TABLE)?)?;
            // A commit waits for the disk, and makes all other processes take another view.
            if has_changed {
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(done)
        })
    }

    /// Looks at this many entries, and lists those that have expired.
    pub(super) fn step(
        &self,
        from: Option<&Entry>,
        most: usize,
        is_over: impl Fn((&str, &[u8]), &[u8]) -> bool,
    ) -> Result<Step> {
        let first = from.map_or(("", &[][..]), |(namespace, name)| (namespace, name));
        let step = self.read("sweep", &"values", |table| {
            let mut entries = table.range(first..)?;
            let mut dead = Vec::new();
            for entry in entries.by_ref().take(most) {
                let (key, bytes) = entry?;
                if is_over(key.value(), bytes.value()) {
                    dead.push(owned(key.value()));
                }
            }
            let next = entries.next().transpose()?.map(|(key, _)| owned(key.value()));
            Ok(Step { dead, next })
        })?;
        Ok(step.unwrap_or(Step { dead: Vec::new(), next: None }))
    }

    /// Returns the file at the path, which may have been replaced since the last call; `None` if there is
    /// none.
    fn open(&self) -> Result<Option<Arc<Open>>, redb::Error> {
        let mut open = self.opened();
        if let Some(open) = open.as_ref().filter(|open| open.identity.is_at(&self.file)) {
            return Ok(Some(Arc::clone(open)));
        }
        *open = None;
        let mut builder = Database::builder();
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter).set_cache_size(CACHE);
        let snapshots = match Snapshots::of(&self.file) {
            Err(error) if is_missing(&error) => return Ok(None),
            snapshots => snapshots?,
        };
        let database = match builder.open(&self.file) {
            Err(DatabaseError::Storage(StorageError::Io(error))) if is_missing(&error) => {
                return Ok(None);
            }
            database => database?,
        };
        let identity = snapshots.identity()?;
        let opened = Arc::new(Open { snapshots, database, identity });
        Ok(Some(Arc::clone(open.insert(opened))))
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates the file, unless another process has. If the process is killed meanwhile, no file is left.
    fn create(&self) -> Result<(), redb::Error> {
        let _lock = FileLock::lock(&self.lock).map_err(|error| {
            let lock = self.lock.display();
            io::Error::new(error.kind(), format!("could not lock `{lock}`: {error}"))
        })?;
        if self.file.exists() {
            return Ok(());
        }
        private::create_folder(self.file.parent().unwrap_or(Path::new(".")))?;
        // The lock is held, so no other process uses this name.
        let new = self.file.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if !is_missing(&error) => return Err(error.into()),
            _ => {
                let file = private::options().read(true).write(true).create_new(true).open(&new)?;
                Database::builder().create_with_backend(FileBackend::new(file)?)?.close()?;
            }
        }
        Ok(fs::rename(&new, &self.file)?)
    }

    /// Runs an operation on the file. redb may panic if the file is damaged, which is turned into an error
    /// here. After an error, the file is opened again, because redb refuses to continue after an error of
    /// the disk.
    fn guarded<T>(
        &self,
        what: &str,
        on: &dyn Display,
        work: impl FnOnce() -> Result<T, redb::Error>,
    ) -> Result<T> {
        let file = self.file.display();
        let error = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => {
                let (kind, hint) = advice(&error);
                let message = format!("could not {what} {on} in `{file}`; {hint}");
                Error::new(kind, message).caused_by(error)
            }
            Err(_) => {
                let message = format!("could not {what} {on} in `{file}`; {DAMAGED}");
                Error::new(ErrorKind::Storage, message)
            }
        };
        self.close();
        Err(error)
    }

    /// Closes the file when it is not in use any more.
    fn close(&self) {
        let open = self.opened().take();
        // Closing writes to the file, and may detect the same damage.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(open)));
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for DatabaseFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseFile").field("file", &self.file).finish_non_exhaustive()
    }
}

fn owned((namespace, name): (&str, &[u8])) -> Entry {
    (namespace.into(), name.into())
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

const DAMAGED: &str = "the file is damaged, or another program's: bring back a copy of it, or name another `data_dir`";

/// Returns the kind of the error, and a hint.
pub(super) fn advice(error: &redb::Error) -> (ErrorKind, &'static str) {
    use std::io::ErrorKind as Io;
    match error {
        redb::Error::DatabaseAlreadyOpen => {
            (ErrorKind::Unavailable, "another program has it open: close that one")
        }
        redb::Error::ValueTooLarge(_) => (ErrorKind::TooLarge, "store less in one value"),
        redb::Error::Io(error) => match error.kind() {
            Io::InvalidData | Io::UnexpectedEof => (ErrorKind::Storage, DAMAGED),
            Io::StorageFull | Io::QuotaExceeded => {
                (ErrorKind::Storage, "the disk is full: free some space")
            }
            _ => (ErrorKind::Storage, "make it writable for this user, or name another `data_dir`"),
        },
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::TableTypeMismatch { .. } => (ErrorKind::Storage, DAMAGED),
        _ => (ErrorKind::Storage, "is the disk all right?"),
    }
}

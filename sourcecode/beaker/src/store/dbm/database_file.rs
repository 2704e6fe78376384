//! The file, which is kept open, and shared with the other processes that have it open.

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

/// Namespace and name; to an image.
pub(super) const TABLE: TableDefinition<(&str, &[u8]), &[u8]> =
    TableDefinition::new("beaker_values");

/// Bytes of pages that a process keeps in memory. Other processes' changes are seen all the same.
const CACHE: usize = 32 * 1024 * 1024;

type Write<'a> = Table<'a, (&'static str, &'static [u8]), &'static [u8]>;

/// A namespace and a name.
pub(super) type Entry = (String, Vec<u8>);

/// What one step through the table found.
pub(super) struct Step {
    pub(super) dead: Vec<Entry>,
    /// Where the next step begins; `None` if this was the last.
    pub(super) next: Option<Entry>,
}

/// The database file, opened when it is needed first.
pub(super) struct DatabaseFile {
    file: PathBuf,
    /// Held while the file is made.
    lock: PathBuf,
    /// The file as it was opened last, until something fails. Locked for no longer than it takes to open it.
    open: Mutex<Option<Arc<Open>>>,
}

/// The file at the path, opened.
struct Open {
    // Before the database, which a view of it would keep busy.
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

    /// Works with the table as it is; `None` if there is none.
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

    /// Works with the table, and commits if that has changed something, as the work tells beside its result.
    /// What waits for another writer waits here.
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
                // Look again: the folder may have been removed while this waited.
                if open.identity.is_at(&self.file) {
                    break transaction;
                }
            };
            let (done, has_changed) = work(&mut transaction.open_table(TABLE)?)?;
            // A commit waits for the disk, and makes all others take another view.
            if has_changed {
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(done)
        })
    }

    /// Looks at so many entries, and lists those that are over.
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

    /// The file at the path, which may be another one than last time; `None` if there is none.
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

    /// Makes the file, unless somebody else has. Whoever is killed meanwhile leaves none.
    fn create(&self) -> Result<(), redb::Error> {
        let _lock = FileLock::lock(&self.lock).map_err(|error| {
            let lock = self.lock.display();
            io::Error::new(error.kind(), format!("could not lock `{lock}`: {error}"))
        })?;
        if self.file.exists() {
            return Ok(());
        }
        private::create_folder(self.file.parent().unwrap_or(Path::new(".")))?;
        // The lock is held, so this name is nobody else's.
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

    /// Does something with the file. redb may panic at a file that was damaged; here that is an error like
    /// others. After an error, the file is opened again: redb refuses to go on after one of the disk.
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

    /// Closes the file, when nobody uses it any more.
    fn close(&self) {
        let open = self.opened().take();
        // Closing writes, and may find the same damage.
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

/// Its kind, and a hint.
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

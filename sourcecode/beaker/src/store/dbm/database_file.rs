//! The file, and how it is opened: under a lock, for one transaction.

use std::fmt::Display;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, StorageError,
    Table, TableDefinition, TableError,
};

use super::advice::{DAMAGED, advice};
use crate::error::{Error, ErrorKind, Result};
use crate::file_lock::FileLock;
use crate::private;

/// Namespace and name; to an image.
const TABLE: TableDefinition<(&str, &[u8]), &[u8]> = TableDefinition::new("beaker_values");

type Read = ReadOnlyTable<(&'static str, &'static [u8]), &'static [u8]>;
type Write<'a> = Table<'a, (&'static str, &'static [u8]), &'static [u8]>;

/// A namespace and a name.
pub(super) type Entry = (String, Vec<u8>);

/// What one step through the table found.
pub(super) struct Step {
    pub(super) dead: Vec<Entry>,
    /// Where the next step begins; `None` if this was the last.
    pub(super) next: Option<Entry>,
}

/// The database file and its lock.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    file: PathBuf,
    lock: PathBuf,
    /// Threads of this process wait here, so that one of them at a time asks for the file lock.
    turn: Mutex<()>,
}

impl DatabaseFile {
    pub(super) fn new(data_dir: &Path, lock_dir: &Path) -> DatabaseFile {
        DatabaseFile {
            file: data_dir.join("container_dbm").join("beaker.redb"),
            lock: lock_dir.join("database.lock"),
            turn: Mutex::new(()),
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
        work: impl FnOnce(&Read) -> Result<T, StorageError>,
    ) -> Result<Option<T>> {
        self.alone(what, on, || {
            let database = match ReadOnlyDatabase::open(&self.file) {
                // Who wrote last was killed. Opening it for writing puts it right.
                Err(DatabaseError::RepairAborted) => {
                    Database::open(&self.file)?.close()?;
                    ReadOnlyDatabase::open(&self.file)?
                }
                Err(DatabaseError::Storage(StorageError::Io(error))) if is_missing(&error) => {
                    return Ok(None);
                }
                opened => opened?,
            };
            match database.begin_read()?.open_table(TABLE) {
                Err(TableError::TableDoesNotExist(_)) => Ok(None),
                table => Ok(Some(work(&table?)?)),
            }
        })
    }

    /// Works with the table, and commits.
    pub(super) fn write<T>(
        &self,
        what: &str,
        on: &dyn Display,
        work: impl FnOnce(&mut Write<'_>) -> Result<T, StorageError>,
    ) -> Result<T> {
        self.alone(what, on, || {
            let database = match Database::open(&self.file) {
                Err(DatabaseError::Storage(StorageError::Io(error))) if is_missing(&error) => {
                    create(&self.file)?;
                    Database::open(&self.file)?
                }
                opened => opened?,
            };
            let transaction = database.begin_write()?;
            let done = work(&mut transaction.open_table(TABLE)?)?;
            transaction.commit()?;
            database.close()?;
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

    /// Does something while nobody else has the file open. redb may panic at a file that was
    /// damaged; here that is an error like others.
    fn alone<T>(
        &self,
        what: &str,
        on: &dyn Display,
        work: impl FnOnce() -> Result<T, redb::Error>,
    ) -> Result<T> {
        let file = self.file.display();
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = FileLock::lock(&self.lock).map_err(|error| {
            let lock = self.lock.display();
            Error::storage(format!("could not lock `{lock}`; is its folder writable?"), error)
        })?;
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                let (kind, hint) = advice(&error);
                let message = format!("could not {what} {on} in `{file}`; {hint}");
                Err(Error::new(kind, message).caused_by(error))
            }
            Err(_) => {
                let message = format!("could not {what} {on} in `{file}`; {DAMAGED}");
                Err(Error::new(ErrorKind::Storage, message))
            }
        }
    }
}

/// Whoever is killed while making the file leaves none.
fn create(file: &Path) -> Result<(), redb::Error> {
    let folder = file.parent().unwrap_or(Path::new("."));
    private::create_folder(folder)?;
    // The lock is held, so this name is nobody else's.
    let new = file.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if !is_missing(&error) => return Err(error.into()),
        _ => {
            let file = private::options().read(true).write(true).create_new(true).open(&new)?;
            Database::builder().create_with_backend(FileBackend::new(file)?)?.close()?;
        }
    }
    Ok(fs::rename(&new, file)?)
}

fn owned((namespace, name): (&str, &[u8])) -> Entry {
    (namespace.into(), name.into())
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

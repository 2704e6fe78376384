//! [`BeakerFile`]: the files of Beaker's `type = file`.
//!
//! A session is `container_file/9/9f/<id>.cache`: a pickled dictionary with the entry `session`. Who reads or
//! writes it holds a lock on `container_file_lock/<h>/<hh>/<hash>.lock`, where the hash is the SHA-1 of the
//! id: Beaker locks these files with `flock` and never removes them.
//!
//! Beaker replaces the file by a new one, `<id>.cache.temp`, which it renames; and so does this store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::container::{Held, read_dictionary, without_session, write_dictionary};
use super::on_disk::{PROTOCOL, hint_to_write, is_gone, is_missing, lock_file, replace, spread};
use super::{Beside, Id, Records, forward_store};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::file_lock::{Mode, StandingLock};
use crate::key::{Key, Namespace};
use crate::private;
use crate::store::{
    AsyncStore, FileStore, KeyCursor, KeyPage, Precondition, Put, Store, Stored, SweepProgress,
    Version,
};

/// Keeps sessions in the files of Python's Beaker, `type = file`, and locks them as Beaker does.
///
/// A read waits for a writer of either language, and a write waits for readers and writers, however long they
/// take. Both programs must run as the same user, because files are created with mode 0600 and folders with
/// mode 0700. Nothing removes a session that is no longer used: delete files that have not changed for longer
/// than the `timeout`, as with Beaker alone.
///
/// The [module](super) tells how the contract of a store differs here. Keys with a namespace are those of a
/// [`FileStore`] in the same folder.
///
/// # Examples
///
/// ```
/// use beaker::key::Namespace;
/// use beaker::store::python::BeakerFile;
/// use beaker::store::{Precondition, Store};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let data_dir = folder.path();
/// # fn run(data_dir: &std::path::Path) -> beaker::Result<()> {
/// let store = BeakerFile::open(data_dir)?;
/// let id = Namespace::default().key("00112233445566778899aabbccddeeff");
/// store.put(&id, b"eJyrVopPyc9NzMxTs", None, Precondition::Absent)?;
/// assert_eq!(&*store.get(&id)?.unwrap().bytes, b"eJyrVopPyc9NzMxTs");
/// assert!(data_dir.join("container_file/0/00/00112233445566778899aabbccddeeff.cache").exists());
/// # Ok(())
/// # }
/// # run(data_dir).unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct BeakerFile(Beside<Files, FileStore>);

impl BeakerFile {
    /// Creates a store in this folder, Beaker's `data_dir`. The folder is created if it is missing.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Storage` if the folder cannot be created.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<BeakerFile> {
        let data_dir = data_dir.as_ref();
        let own = FileStore::open(data_dir)?;
        let records = Files {
            folder: data_dir.join("container_file"),
            locks: data_dir.join("container_file_lock"),
        };
        Ok(BeakerFile(Beside { records, own }))
    }

    /// Sets the folder of the lock files, Beaker's `lock_dir`. Default: `container_file_lock` in `data_dir`.
    pub fn with_lock_dir(self, lock_dir: impl AsRef<Path>) -> BeakerFile {
        let Beside { records, own } = self.0;
        let (lock_dir, own) = (lock_dir.as_ref(), own.with_lock_dir(lock_dir.as_ref()));
        BeakerFile(Beside { records: Files { locks: lock_dir.into(), ..records }, own })
    }
}

forward_store!(BeakerFile);

/// The folders of Beaker.
#[derive(Debug)]
struct Files {
    folder: PathBuf,
    locks: PathBuf,
}

/// The content of a file, and what it holds; `None` if there is no file.
type Found = Option<(Vec<u8>, Held)>;

/// Returns whether what was found meets the condition.
fn is_met(when: Precondition, found: &Found) -> bool {
    match found {
        None | Some((_, Held::Nothing)) => when.is_met_by(None),
        Some((bytes, Held::Text(_))) => when.is_met_by(Some(Version::of_content(bytes))),
        Some((_, Held::Unreadable(_))) => when == Precondition::Always,
    }
}

impl Records for Files {
    fn get(&self, id: Id<'_>) -> Result<Option<Stored>> {
        let path = self.file(id);
        // The lock file of a session that does not exist is not created.
        if is_missing(&path) {
            return Ok(None);
        }
        let _lock = self.lock(id, Mode::Shared)?;
        match self.look(id, &path)? {
            None | Some((_, Held::Nothing)) => Ok(None),
            Some((bytes, Held::Text(text))) => {
                let version = Version::of_content(&bytes);
                Ok(Some(Stored { bytes: text.into_bytes().into(), version }))
            }
            Some((_, Held::Unreadable(why))) => Err(id.unreadable(&self.place(), &why)),
        }
    }

    fn put(
        &self,
        id: Id<'_>,
        text: &str,
        _: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let path = self.file(id);
        if matches!(when, Precondition::Unchanged(_)) && is_missing(&path) {
            return Ok(None);
        }
        let _lock = self.lock(id, Mode::Exclusive)?;
        let found = self.look(id, &path)?;
        if !is_met(when, &found) {
            return Ok(None);
        }
        let image = write_dictionary(found.as_ref().map(|(bytes, _)| &bytes[..]), text, PROTOCOL);
        replace(&path, &image).map_err(|error| self.unwritable(error))?;
        Ok(Some(Version::of_content(&image)))
    }

    fn delete(&self, id: Id<'_>, when: Precondition) -> Result<bool> {
        let path = self.file(id);
        if is_missing(&path) {
            return Ok(false);
        }
        let _lock = self.lock(id, Mode::Exclusive)?;
        let found = self.look(id, &path)?;
        match &found {
            Some((bytes, held)) if *held != Held::Nothing && is_met(when, &found) => {
                self.remove_session(&path, bytes)
            }
            _ => Ok(false),
        }
    }

    fn clear(&self) -> Result<()> {
        for leaf in self.leaves()? {
            for (path, name) in self.files(&leaf)? {
                let Some(id) = Id::read(&name) else { continue };
                if self.is_session(&path) {
                    let _lock = self.lock(id, Mode::Exclusive)?;
                    if let Some((bytes, Held::Text(_))) = self.look(id, &path)? {
                        self.remove_session(&path, &bytes)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Goes through the folders in order, one whole folder after the other.
    fn keys(&self, from: Option<&KeyCursor>, most: usize) -> Result<KeyPage> {
        let from = from.map(|cursor| self.folder.join(cursor.as_str()));
        let mut page = KeyPage::default();
        for leaf in self.leaves()? {
            if from.as_ref().is_some_and(|from| leaf < *from) {
                continue;
            }
            if page.len() >= most.max(1) {
                let place = leaf.strip_prefix(&self.folder).unwrap_or(&leaf);
                page.next = place.to_str().map(KeyCursor::new);
                break;
            }
            for (path, name) in self.files(&leaf)? {
                if Id::read(&name).is_some() && self.is_session(&path) {
                    page.push(Some(Namespace::default().key(name)));
                }
            }
        }
        Ok(page)
    }
}

impl Files {
    fn file(&self, id: Id<'_>) -> PathBuf {
        spread(&self.folder, id.text(), "cache")
    }

    fn lock(&self, id: Id<'_>, mode: Mode) -> Result<StandingLock> {
        StandingLock::lock(&lock_file(&self.locks, id.text()), mode).map_err(|error| {
            let (id, locks) = (id.short(), self.locks.display());
            let hint = "does Beaker run as the same user as this program?";
            Error::storage(format!("could not lock the session `{id}` in `{locks}`; {hint}"), error)
        })
    }

    /// Reads the file. Needs a lock.
    fn look(&self, id: Id<'_>, path: &Path) -> Result<Found> {
        match private::read(path) {
            Ok(bytes) => {
                let held = read_dictionary(&bytes);
                Ok(Some((bytes, held)))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => {
                let (id, place) = (id.short(), self.place());
                let hint = "does Beaker run as the same user as this program?";
                Err(Error::storage(
                    format!("could not read the session `{id}` in {place}; {hint}"),
                    error,
                ))
            }
        }
    }

    /// Returns whether the file holds a session now. It needs no lock, because files are replaced as a whole.
    fn is_session(&self, path: &Path) -> bool {
        private::read(path).is_ok_and(|bytes| matches!(read_dictionary(&bytes), Held::Text(_)))
    }

    /// Removes the session, and the file with it if nothing else is in there.
    fn remove_session(&self, path: &Path, bytes: &[u8]) -> Result<bool> {
        if let Some(rest) = without_session(bytes, PROTOCOL) {
            return replace(path, &rest).map(|()| true).map_err(|error| self.unwritable(error));
        }
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(self.unwritable(error)),
        }
    }

    /// Returns the folders that hold files, sorted.
    fn leaves(&self) -> Result<Vec<PathBuf>> {
        let mut leaves = Vec::new();
        for first in self.entries(&self.folder)? {
            leaves.extend(self.entries(&first)?);
        }
        leaves.sort();
        Ok(leaves)
    }

    /// Returns the files of a folder that may be Beaker's, and their names without the ending.
    fn files(&self, leaf: &Path) -> Result<Vec<(PathBuf, String)>> {
        let named = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.strip_suffix(".cache")?.to_owned();
            Some((path, name))
        };
        Ok(self.entries(leaf)?.into_iter().filter_map(named).collect())
    }

    /// Returns the entries of a folder, and nothing if it is missing or not a folder.
    fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let read = match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
            Err(error) if is_gone(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        read.map_err(|error: io::Error| {
            Error::storage(format!("could not list the sessions in {}", self.place()), error)
        })
    }

    fn place(&self) -> String {
        format!("`{}`", self.folder.display())
    }

    fn unwritable(&self, error: io::Error) -> Error {
        let hint = hint_to_write(&error);
        Error::storage(format!("could not write a session in {}; {hint}", self.place()), error)
    }
}

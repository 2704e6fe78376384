//! Stores each record in a file, in the folder layout of Beaker. The files are shared by the processes of
//! one host and survive a restart. Times to live are exact to the microsecond. Expired values stay on disk
//! until a cleanup removes them.

mod record;
mod sweep;

use std::fs::{self, File};
use std::io::{self, ErrorKind as Io, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use record::{
    Draft, HEADER, Image, Layout, Replace, TEMPORARY, Unread, folder_of, is_missing,
    make_folder_and, remove_if_empty,
};
use sweep::{Sweep, entries, keys_of};

use super::{KeyCursor, KeyPage, Precondition, Store, Stored, SweepProgress, Version, counter};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::file_lock::FileLock;
use crate::key::{Key, Namespace};
use crate::private;

/// Stores each record in a file under `data_dir`.
///
/// A write goes to a temporary file in the same folder, which is then renamed. Therefore a reader sees
/// either the old record or the new one, even if the writer is killed. Reading and creating a record take
/// no lock; changing a record locks only that record. Nothing is synced to the disk, so after a power
/// failure a record may be old, or may be damaged and count as missing.
///
/// Files are created with mode 0600 and folders with mode 0700, whatever the umask; the mode of an existing
/// folder does not change. Anyone with write access to `data_dir` can remove or replace records, so let
/// this store create the folder, or create it with mode 0700.
///
/// The folders have the layout of Python's Beaker, which may keep its files in the same `data_dir`.
/// `clear`, `sweep` and `delete` remove only files of this store, which they recognize by name and content.
/// If a file of another program has the path of a record, a `put` with `Precondition::Absent` fails, and
/// one with `Precondition::Always` replaces the file. Neither library reads the records of the other; for
/// sessions that both share, there is `store::python::BeakerFile` (feature `python`).
#[derive(Debug)]
#[must_use]
pub struct FileStore {
    layout: Layout,
    clock: Arc<dyn Clock>,
    sweep: Sweep,
    damaged: AtomicU64,
}

impl FileStore {
    /// Creates a store in this folder. The folder is created if it is missing.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<FileStore> {
        let layout = Layout::new(data_dir.as_ref());
        let store = FileStore {
            layout,
            clock: Arc::new(SystemClock),
            sweep: Sweep::default(),
            damaged: AtomicU64::new(0),
        };
        private::create_folder(store.layout.data_dir()).map_err(|error| store.unwritable(error))?;
        Ok(store)
    }

    /// Sets the folder of the lock files. Default: `container_file_lock` in `data_dir`.
    pub fn with_lock_dir(mut self, lock_dir: impl AsRef<Path>) -> FileStore {
        self.layout.set_lock_dir(lock_dir.as_ref());
        self
    }

    /// Sets the clock by which values expire. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> FileStore {
        self.clock = clock;
        self
    }
}

impl Store for FileStore {
    #[cfg(feature = "python")]
    fn verbatim(&self, _: super::Content) -> Result<Option<super::Verbatim<dyn Store>>> {
        let (folder, locks) =
            (self.layout.data_dir().join("container_file"), self.layout.lock_dir());
        let files = super::python::cache_files::CacheFiles::new(folder, locks.into());
        Ok(Some(super::Verbatim::Files(Arc::new(files), locks.into())))
    }

    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        Ok(match self.look(&self.layout.file(key))? {
            Found::Live(image) => {
                Some(Stored { bytes: image.content().into(), version: image.version })
            }
            Found::Nothing | Found::Dead | Found::Foreign => None,
        })
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let version = Version::fresh();
        let expires = ttl.map(|ttl| self.clock.now() + ttl);
        let image = Image::build(bytes, version, expires);
        let path = self.layout.file(key);
        // If there is a file, its record may have expired.
        if when == Precondition::Absent && self.publish_new(&path, &image)? {
            return Ok(Some(version));
        }
        let _lock = self.lock(&path)?;
        let written = self.replace(&path, &image, when)?;
        Ok(written.then_some(version))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let path = self.layout.file(key);
        // A missing record needs no lock file.
        if self.look(&path)?.is_missing() {
            return Ok(false);
        }
        let _lock = self.lock(&path)?;
        match self.look(&path)? {
            Found::Nothing | Found::Foreign => Ok(false),
            // It is removed too, but does not count as removed.
            Found::Dead => self.remove(&path, None).map(|_| false),
            Found::Live(image) if when.is_met_by(Some(image.version)) => {
                self.remove(&path, Some(image.version))
            }
            Found::Live(_) => Ok(false),
        }
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        counter::check(key, by)?;
        let (path, version) = (self.layout.file(key), Version::fresh());
        let new =
            |count: u64, expires| Image::build(count.to_string().as_bytes(), version, expires);
        let first = || new(by, ttl.map(|ttl| self.clock.now() + ttl));
        for _ in 0..counter::TRIES {
            let _lock = self.lock(&path)?;
            let (count, written) = match self.look(&path)? {
                Found::Live(image) => {
                    let count = counter::add(key, image.content(), by)?;
                    let unchanged = Precondition::Unchanged(image.version);
                    (count, self.replace(&path, &new(count, image.expires), unchanged)?)
                }
                // Another process writes there without taking the lock.
                Found::Nothing => (by, self.publish_new(&path, &first())?),
                Found::Dead | Found::Foreign => {
                    (by, self.replace(&path, &first(), Precondition::Absent)?)
                }
            };
            if written {
                return Ok(count);
            }
        }
        Err(counter::contended(key))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let unreadable = |error| {
            let folder = self.layout.namespace(namespace);
            Error::storage(format!("could not clear `{}`", folder.display()), error)
        };
        let folder = self.layout.namespace(namespace);
        for first in entries(&folder).map_err(unreadable)? {
            for leaf in entries(&first).map_err(unreadable)? {
                for file in entries(&leaf).map_err(unreadable)? {
                    if file.extension().is_some_and(|extension| extension == "cache") {
                        self.remove_record(&file)?;
                    }
                }
                remove_if_empty(&leaf);
            }
            remove_if_empty(&first);
        }
        remove_if_empty(&folder);
        Ok(())
    }

    /// Goes through the folders in order, one whole folder after the other.
    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        let page = keys_of(&self.layout, namespace, from, most, self.clock.now());
        page.map_err(|error| {
            let folder = self.layout.namespace(namespace);
            Error::storage(format!("could not list `{}`", folder.display()), error)
        })
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        let now = self.clock.now();
        let step =
            self.sweep.step(&self.layout, now, most).map_err(|error| self.unwritable(error))?;
        for path in &step.abandoned {
            let _ = fs::remove_file(path);
        }
        let mut removed = 0;
        for path in &step.expired {
            let _lock = self.lock(path)?;
            // Read again, completely and under the lock, because it may have been replaced.
            if matches!(self.look(path)?, Found::Dead) && self.remove(path, None)? {
                removed += 1;
            }
        }
        Ok(SweepProgress { removed, is_done: step.is_done })
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

/// What is at a path.
enum Found {
    Nothing,
    /// A record that has expired or is damaged.
    Dead,
    /// A file that does not belong to this store.
    Foreign,
    Live(Image),
}

impl Found {
    /// Returns whether nothing is there that this store may remove.
    fn is_missing(&self) -> bool {
        matches!(self, Found::Nothing | Found::Foreign)
    }

    fn version(&self) -> Option<Version> {
        match self {
            Found::Live(image) => Some(image.version),
            Found::Nothing | Found::Dead | Found::Foreign => None,
        }
    }
}

impl FileStore {
    fn look(&self, path: &Path) -> Result<Found> {
        let bytes = match private::read(path) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Ok(Found::Nothing),
            Err(error) => {
                let file = path.display();
                return Err(Error::storage(format!("could not read `{file}`"), error));
            }
        };
        let image = match Image::read(bytes) {
            Ok(image) => image,
            Err(why) => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                return Ok(if why == Unread::Foreign { Found::Foreign } else { Found::Dead });
            }
        };
        let has_expired = image.expires.is_some_and(|expires| expires <= self.clock.now());
        Ok(if has_expired { Found::Dead } else { Found::Live(image) })
    }

    /// Writes if there is no file; returns whether it did.
    fn publish_new(&self, path: &Path, image: &[u8]) -> Result<bool> {
        match make_folder_and(|| Draft::write(path, image)?.publish(Replace::No), path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == Io::AlreadyExists => Ok(false),
            Err(error) => Err(self.unwritable(error)),
        }
    }

    /// Writes if the condition is met; returns whether it was. Needs the lock of the record.
    ///
    /// The draft is written before the version is checked. It is then in the same folder: if a `clear`
    /// removes that folder in between, the draft is removed with it and cannot be published.
    fn replace(&self, path: &Path, image: &[u8], when: Precondition) -> Result<bool> {
        let mut missing = None;
        for _ in 0..8 {
            let written = Draft::write(path, image).and_then(|draft| {
                if when == Precondition::Always {
                    return draft.publish(Replace::Yes).map(|()| true);
                }
                let found = self.look(path).map_err(io::Error::other)?;
                match when.is_met_by(found.version()) {
                    true if matches!(found, Found::Foreign) => Err(Io::AlreadyExists.into()),
                    true => draft.publish(Replace::Yes).map(|()| true),
                    false => Ok(false),
                }
            });
            match written {
                Ok(written) => return Ok(written),
                Err(error) if error.kind() == Io::AlreadyExists => {
                    let (file, hint) = (path.display(), "name another `data_dir`");
                    let what = format!("`{file}` is not a file of this library's; {hint}");
                    return Err(Error::storage(what, error));
                }
                Err(error) if !is_missing(&error) => return Err(self.unwritable(error)),
                // Without its folder, no version of the record exists.
                Err(_) if matches!(when, Precondition::Unchanged(_)) => return Ok(false),
                Err(error) => missing = Some(error),
            }
            private::create_folder(folder_of(path)).map_err(|error| self.unwritable(error))?;
        }
        Err(self.unwritable(missing.unwrap_or(Io::NotFound.into())))
    }

    /// Removes the file if it holds what was seen under the lock: a live record of this version, or a dead
    /// record. A `clear` and a new record may have come in between, so the file is moved aside and checked
    /// again.
    fn remove(&self, path: &Path, seen: Option<Version>) -> Result<bool> {
        let aside = path.with_file_name(format!("{TEMPORARY}{:x}.tmp", Version::fresh().number()));
        match fs::rename(path, &aside) {
            Ok(()) => {}
            Err(error) if is_missing(&error) => return Ok(false),
            Err(error) => return Err(self.unwritable(error)),
        }
        let is_the_one = match (self.look(&aside)?, seen) {
            (Found::Live(image), seen) => seen == Some(image.version),
            (Found::Dead, None) => true,
            _ => false,
        };
        if !is_the_one {
            // Moved back, unless there is a newer one by now.
            let _ = fs::hard_link(&aside, path);
        }
        fs::remove_file(&aside).map_err(|error| self.unwritable(error))?;
        Ok(is_the_one)
    }

    /// Removes the file, whatever its version, if it is a record.
    ///
    /// It holds the lock of the record, so that no other process that has seen the record writes it again.
    /// An unconditional write may come next; it comes after the removal.
    fn remove_record(&self, path: &Path) -> Result<()> {
        let _lock = self.lock(path)?;
        let mut beginning = [0; HEADER];
        let read = private::options().read(true).open(path);
        let begins = read.and_then(|mut file: File| file.read_exact(&mut beginning));
        let is_record = match begins {
            Ok(()) if Image::begins(&beginning) => true,
            _ if !is_file(path) => false,
            _ => matches!(self.look(path)?, Found::Dead),
        };
        match if is_record { fs::remove_file(path) } else { Ok(()) } {
            Err(error) if !is_missing(&error) => {
                let file = path.display();
                Err(Error::storage(format!("could not remove `{file}`"), error))
            }
            _ => Ok(()),
        }
    }

    fn lock(&self, file: &Path) -> Result<FileLock> {
        let path = self.layout.lock(file);
        FileLock::lock(&path).map_err(|error| {
            let file = path.display();
            Error::storage(format!("could not lock `{file}`; is its folder writable?"), error)
        })
    }

    fn unwritable(&self, error: io::Error) -> Error {
        let folder = self.layout.data_dir().display();
        let hint = match error.kind() {
            Io::StorageFull | Io::QuotaExceeded => "the disk is full: free some space",
            _ => "make it writable for this user, or name another `data_dir`",
        };
        Error::storage(format!("could not write to the data folder `{folder}`; {hint}"), error)
    }
}

/// Returns whether this is a regular file. Folders and links belong to other programs.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

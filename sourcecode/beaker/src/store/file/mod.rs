//! A file a record, in Beaker's tree. Shared across the processes of one host; survives a restart.
//! Times to live are kept to the microsecond; what has expired stays on disk until it is
//! swept.

mod access;
mod image;
mod layout;
mod sweep;
mod write;

use std::fs;
use std::io::ErrorKind as Io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use access::Found;
use image::Image;
use layout::Layout;
use sweep::{Sweep, entries};
use write::{Draft, Replace, make_folder_and, remove_if_empty};

use super::{Precondition, Store, Stored, SweepProgress, Version};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::private;

/// A file a record under `data_dir`.
///
/// A write goes to a temporary file in the same folder, which is then renamed: whoever reads, and
/// whoever comes after a kill, sees the old record or the new one. Reading takes no lock, nor does
/// writing a new record; a change takes one on that record alone. Nothing is synced to the disk, so
/// after a loss of power a record may be old, or damaged and then counts as missing.
///
/// Files are made with mode 0600 and folders with 0700, whatever the umask; a folder that is there
/// already keeps its mode. Whoever may write in `data_dir` can remove records and put others in their
/// place, so make it with a mode of 0700, or let this make it.
///
/// The tree has the form of Python's Beaker, and that may keep its files in the same `data_dir`: nothing
/// but this store's own files, known by name and content, is ever removed by `clear`, `sweep` and
/// `delete`. A `put` with `Precondition::Absent` at a path where another's file is fails; one with
/// `Precondition::Always` replaces it. Neither library reads what the other has written.
#[derive(Debug)]
pub struct FileStore {
    layout: Layout,
    clock: Arc<dyn Clock>,
    sweep: Sweep,
    damaged: AtomicU64,
}

impl FileStore {
    /// A store in this folder, which is made if it is missing.
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

    /// Keeps the lock files in another folder than `data_dir/container_file_lock`.
    pub fn with_lock_dir(mut self, lock_dir: impl AsRef<Path>) -> FileStore {
        self.layout.set_lock_dir(lock_dir.as_ref());
        self
    }

    /// Goes by another clock than the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> FileStore {
        self.clock = clock;
        self
    }
}

impl Store for FileStore {
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
        if when == Precondition::Absent {
            match make_folder_and(|| Draft::write(&path, &image)?.publish(Replace::No), &path) {
                Ok(()) => return Ok(Some(version)),
                // There is a file, but what it holds may have expired.
                Err(error) if error.kind() == Io::AlreadyExists => {}
                Err(error) => return Err(self.unwritable(error)),
            }
        }
        let _lock = self.lock(&path)?;
        let written = self.replace(&path, &image, when)?;
        Ok(written.then_some(version))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let path = self.layout.file(key);
        // No lock file is made for what is not there.
        if self.look(&path)?.is_missing() {
            return Ok(false);
        }
        let _lock = self.lock(&path)?;
        match self.look(&path)? {
            Found::Nothing | Found::Foreign => Ok(false),
            // It goes too, though it does not count as removed.
            Found::Dead => self.remove(&path, None).map(|_| false),
            Found::Live(image) if when.is_met_by(Some(image.version)) => {
                self.remove(&path, Some(image.version))
            }
            Found::Live(_) => Ok(false),
        }
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
            // Looked at again, whole and under the lock: it may have been written anew.
            if matches!(self.look(path)?, Found::Dead) && self.remove(path, None)? {
                removed += 1;
            }
        }
        Ok(SweepProgress { removed, is_done: step.is_done })
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

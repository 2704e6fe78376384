//! Looking at one record, replacing and removing it, and what is said when that fails.

use std::fs;
use std::io::{self, ErrorKind as Io};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::FileStore;
use super::image::Image;
use super::write::{Draft, Replace, folder_of, is_missing};
use crate::error::{Error, Result};
use crate::file_lock::FileLock;
use crate::store::{Version, When};

/// What is at a path.
pub(super) enum Found {
    Nothing,
    /// Something that has expired or is damaged.
    Dead,
    Live(Image),
}

impl Found {
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Found::Nothing)
    }

    fn version(&self) -> Option<Version> {
        match self {
            Found::Live(image) => Some(image.version),
            Found::Nothing | Found::Dead => None,
        }
    }
}

impl FileStore {
    pub(super) fn look(&self, path: &Path) -> Result<Found> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Ok(Found::Nothing),
            Err(error) => {
                let file = path.display();
                return Err(Error::storage(format!("could not read `{file}`"), error));
            }
        };
        let Some(image) = Image::read(bytes) else {
            self.damaged.fetch_add(1, Ordering::Relaxed);
            return Ok(Found::Dead);
        };
        let has_expired = image.expires.is_some_and(|expires| expires <= self.clock.now());
        Ok(if has_expired { Found::Dead } else { Found::Live(image) })
    }

    /// Writes, if the condition is met; tells whether it was. Needs the record's lock.
    ///
    /// The draft is written before the look at the version, so that it is in the same folder: if a
    /// `clear` takes that away in between, the draft goes with it and cannot be published.
    pub(super) fn replace(&self, path: &Path, image: &[u8], when: When) -> Result<bool> {
        let mut missing = None;
        for _ in 0..8 {
            let written = Draft::write(path, image).and_then(|draft| {
                let is_met = when == When::Always
                    || when.is_met_by(self.look(path).map_err(io::Error::other)?.version());
                if is_met { draft.publish(Replace::Yes).map(|()| true) } else { Ok(false) }
            });
            match written {
                Ok(written) => return Ok(written),
                Err(error) if !is_missing(&error) => return Err(self.unwritable(error)),
                // Without its folder, nothing of any version lives there.
                Err(_) if matches!(when, When::Unchanged(_)) => return Ok(false),
                Err(error) => missing = Some(error),
            }
            fs::create_dir_all(folder_of(path)).map_err(|error| self.unwritable(error))?;
        }
        Err(self.unwritable(missing.unwrap_or(Io::NotFound.into())))
    }

    /// Removes the file, if it holds what was seen under the lock: the live record of this version,
    /// or a dead one. A `clear` and a new record may have come in between, so it is moved aside and
    /// looked at again.
    pub(super) fn remove(&self, path: &Path, seen: Option<Version>) -> Result<bool> {
        let aside = path.with_file_name(format!(".{:x}.tmp", Version::fresh().number()));
        match fs::rename(path, &aside) {
            Ok(()) => {}
            Err(error) if is_missing(&error) => return Ok(false),
            Err(error) => return Err(self.unwritable(error)),
        }
        let is_the_one = self.look(&aside)?.version() == seen;
        if !is_the_one {
            // Back to its place, unless there is a newer one by now.
            let _ = fs::hard_link(&aside, path);
        }
        fs::remove_file(&aside).map_err(|error| self.unwritable(error))?;
        Ok(is_the_one)
    }

    pub(super) fn lock(&self, file: &Path) -> Result<FileLock> {
        let path = self.layout.lock(file);
        FileLock::lock(&path).map_err(|error| {
            let file = path.display();
            Error::storage(format!("could not lock `{file}`; is its folder writable?"), error)
        })
    }

    pub(super) fn unwritable(&self, error: io::Error) -> Error {
        let folder = self.layout.data_dir().display();
        let hint = match error.kind() {
            Io::StorageFull | Io::QuotaExceeded => "the disk is full: free some space",
            _ => "make it writable for this user, or name another `data_dir`",
        };
        Error::storage(format!("could not write to the data folder `{folder}`; {hint}"), error)
    }
}

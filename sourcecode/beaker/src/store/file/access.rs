//! Looking at one record, replacing and removing it, and what is said when that fails.

use std::fs::{self, File};
use std::io::{self, ErrorKind as Io, Read};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::FileStore;
use super::image::{HEADER, Image, Unread};
use super::write::{Draft, Replace, TEMPORARY, folder_of, is_missing};
use crate::error::{Error, Result};
use crate::file_lock::FileLock;
use crate::private;
use crate::store::{Precondition, Version};

/// What is at a path.
pub(super) enum Found {
    Nothing,
    /// A record that has expired or is damaged.
    Dead,
    /// A file that is not this store's.
    Foreign,
    Live(Image),
}

impl Found {
    /// Is nothing there that this store may remove?
    pub(super) fn is_missing(&self) -> bool {
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
    pub(super) fn look(&self, path: &Path) -> Result<Found> {
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

    /// Writes, if the condition is met; tells whether it was. Needs the record's lock.
    ///
    /// The draft is written before the look at the version, so that it is in the same folder: if a
    /// `clear` takes that away in between, the draft goes with it and cannot be published.
    pub(super) fn replace(&self, path: &Path, image: &[u8], when: Precondition) -> Result<bool> {
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
                // Without its folder, nothing of any version lives there.
                Err(_) if matches!(when, Precondition::Unchanged(_)) => return Ok(false),
                Err(error) => missing = Some(error),
            }
            private::create_folder(folder_of(path)).map_err(|error| self.unwritable(error))?;
        }
        Err(self.unwritable(missing.unwrap_or(Io::NotFound.into())))
    }

    /// Removes the file, if it holds what was seen under the lock: the live record of this version,
    /// or a dead one. A `clear` and a new record may have come in between, so it is moved aside and
    /// looked at again.
    pub(super) fn remove(&self, path: &Path, seen: Option<Version>) -> Result<bool> {
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
            // Back to its place, unless there is a newer one by now.
            let _ = fs::hard_link(&aside, path);
        }
        fs::remove_file(&aside).map_err(|error| self.unwritable(error))?;
        Ok(is_the_one)
    }

    /// Removes the file, whatever version it holds, if it is a record.
    ///
    /// It is done under the record's lock, so that nobody who has seen it there writes it again. One who
    /// writes without a condition may be the next, and comes after the removal.
    pub(super) fn remove_record(&self, path: &Path) -> Result<()> {
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

/// Is it a file, and neither a folder nor a link, which are somebody else's?
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

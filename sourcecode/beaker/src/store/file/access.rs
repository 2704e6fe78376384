//! Reading and locking one record, and what is said when that fails.

use std::fs;
use std::io::{self, ErrorKind as Io};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::FileStore;
use super::image::Image;
use super::write::is_missing;
use crate::error::{Error, Result};
use crate::file_lock::FileLock;
use crate::store::Version;

impl FileStore {
    /// What lives in a file; nothing if it is missing, damaged or expired.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Image>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => {
                let file = path.display();
                return Err(Error::storage(format!("could not read `{file}`"), error));
            }
        };
        let image = Image::read(bytes);
        if image.is_none() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.clock.now();
        Ok(image.filter(|image| image.expires.is_none_or(|expires| now < expires)))
    }

    pub(super) fn version(&self, path: &Path) -> Result<Option<Version>> {
        Ok(self.read(path)?.map(|image| image.version))
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

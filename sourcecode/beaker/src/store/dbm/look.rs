//! Looking at one value.

use std::sync::atomic::Ordering;

use redb::{ReadableTable, StorageError};

use super::image::{Entry, Image};
use super::{DbmStore, LARGEST_VALUE};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::Stored;

impl DbmStore {
    pub(super) fn stored(
        &self,
        table: &impl ReadableTable<(&'static str, &'static [u8]), &'static [u8]>,
        key: &Key,
    ) -> Result<Option<Stored>, StorageError> {
        let entry = (key.namespace().name(), key.name());
        let found = table.get(entry)?;
        let image = self.living(entry, found.as_ref().map(|found| found.value()));
        Ok(image.map(|image| Stored { bytes: image.content.into(), version: image.version }))
    }

    pub(super) fn check_size(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= LARGEST_VALUE {
            return Ok(());
        }
        let what = format!("could not write {key:?} in `{}`", self.file.file().display());
        let why = format!("{} bytes are more than it takes; store less", bytes.len());
        Err(Error::new(ErrorKind::TooLarge, format!("{what}: {why}")))
    }

    /// What lives in these bytes; nothing if they are damaged or expired.
    pub(super) fn living<'a>(
        &self,
        entry: Entry<'_>,
        bytes: Option<&'a [u8]>,
    ) -> Option<Image<'a>> {
        let image = Image::read(entry, bytes?);
        if image.is_none() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.clock.now();
        image.filter(|image| image.expires.is_none_or(|expires| now < expires))
    }
}

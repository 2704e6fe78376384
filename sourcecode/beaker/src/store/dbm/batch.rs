//! Many keys at once: one transaction, and one wait for the disk.

use super::DbmStore;
use super::image::Image;
use crate::error::Result;
use crate::key::Key;
use crate::store::{Put, Stored, Version};

impl DbmStore {
    pub(super) fn get_batch(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let stored = self.file.read("read", &values(keys.len()), |table| {
            let stored = keys.iter().map(|key| self.stored(table, key));
            stored.collect()
        })?;
        Ok(stored.unwrap_or_else(|| vec![None; keys.len()]))
    }

    pub(super) fn put_batch(&self, puts: &[Put<'_>]) -> Result<()> {
        puts.iter().try_for_each(|put| self.check_size(put.key, put.bytes))?;
        let now = self.clock.now();
        self.file.write("write", &values(puts.len()), |table| {
            for Put { key, bytes, ttl } in puts {
                let entry = (key.namespace().name(), key.name());
                let expires = ttl.map(|ttl| now + ttl);
                let image = Image::build(entry, bytes, Version::fresh(), expires);
                table.insert(entry, image.as_slice())?;
            }
            Ok(((), true))
        })
    }

    pub(super) fn delete_batch(&self, keys: &[Key]) -> Result<()> {
        self.file.write("delete", &values(keys.len()), |table| {
            for key in keys {
                table.remove((key.namespace().name(), key.name()))?;
            }
            Ok(((), true))
        })
    }
}

/// What a batch is called in a message.
fn values(count: usize) -> String {
    format!("{count} values")
}

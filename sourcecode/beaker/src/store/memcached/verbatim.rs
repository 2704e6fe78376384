//! [`VerbatimMemcached`]: keys and values of another program, as they are.

use std::time::Duration;

use super::MemcachedStore;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::store::verbatim::names;
use crate::store::{Content, Precondition, Store, Stored, Version};

/// The flags by which Python's clients know what a value is.
const BYTES: u32 = 0;
const PICKLE: u32 = 1;
const COMPRESSED: u32 = 8;

/// The values of other programs in the servers of a store.
#[derive(Debug)]
pub(super) struct VerbatimMemcached {
    store: MemcachedStore,
    flags: u32,
}

impl VerbatimMemcached {
    pub(super) fn new(store: MemcachedStore, content: Content) -> VerbatimMemcached {
        let flags = match content {
            Content::Bytes => BYTES,
            Content::Pickle => PICKLE,
        };
        VerbatimMemcached { store, flags }
    }

    /// Refuses what the client has noted to be something else.
    fn check(&self, key: &Key, flags: u32) -> Result<()> {
        let what = match (self.flags, flags) {
            (wanted, flags) if wanted == flags => return Ok(()),
            (_, flags) if flags & COMPRESSED != 0 => {
                "compressed; leave out `min_compress_len` in Python"
            }
            (BYTES, _) => "no bytes; has Python a serializer that returns bytes?",
            _ => "not pickled; does Python use the same format?",
        };
        Err(Error::codec(format!(
            "the value at {key:?} in memcached is {what} (its flags: {flags})"
        )))
    }
}

impl Store for VerbatimMemcached {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let (wire, name) = names(key)?;
        let Some(found) = self.store.raw(&wire, &name).get()? else { return Ok(None) };
        self.check(key, found.flags)?;
        Ok(Some(Stored { bytes: found.bytes.into(), version: found.version }))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let (wire, name) = names(key)?;
        self.store.raw(&wire, &name).put(bytes, self.flags, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let (wire, name) = names(key)?;
        self.store.raw(&wire, &name).delete(when)
    }

    fn clear(&self, _: &Namespace) -> Result<()> {
        Err(Error::config("memcached could only be emptied as a whole; delete the keys themselves"))
    }
}

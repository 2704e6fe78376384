//! [`Records`]: the store as sessions see it.

use std::time::Duration;

use super::id::shortened;
use super::options::Options;
use crate::error::Result;
use crate::key::Key;
use crate::store::{Store, Stored, Version, When};

/// The store of these sessions, whose errors show no whole id. Sessions reach it in no other way.
pub(super) struct Records<'a>(&'a dyn Store);

impl Options {
    pub(super) fn records(&self) -> Records<'_> {
        Records(&*self.backend.store)
    }
}

impl Records<'_> {
    pub(super) fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.get(key).map_err(shortened)
    }

    pub(super) fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.0.get_many(keys).map_err(shortened)
    }

    pub(super) fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: When,
    ) -> Result<Option<Version>> {
        self.0.put(key, bytes, ttl, when).map_err(shortened)
    }

    pub(super) fn delete(&self, key: &Key, when: When) -> Result<bool> {
        self.0.delete(key, when).map_err(shortened)
    }
}

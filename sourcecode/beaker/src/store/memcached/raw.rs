//! [`RawItem`]: an item of another program, which gives it its key and its flags. Nothing is added to its
//! content, and its version is the `cas` number that the server gives to each write.
//!
//! What the keys, the flags and the contents are is decided by who uses this.

use std::time::Duration;

use memcache::exp::{Delete, Get, Meta, MutationStatus, Set};

use super::commands::failed;
use super::servers::Server;
use super::{LARGEST_VALUE, MemcachedStore, server_ttl, version};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Precondition, Version};

/// An item of another program in the servers of a store.
pub(in crate::store) struct RawItem<'a> {
    server: &'a Server,
    wire: &'a str,
    /// For messages.
    name: &'a str,
}

/// What an item holds.
pub(in crate::store) struct Content {
    pub(in crate::store) bytes: Vec<u8>,
    pub(in crate::store) flags: u32,
    pub(in crate::store) version: Version,
}

impl MemcachedStore {
    /// Returns the item of this key on the server on which the client `python-memcached` has it.
    pub(in crate::store) fn raw<'a>(&'a self, wire: &'a str, name: &'a str) -> RawItem<'a> {
        RawItem { server: self.pool.of_python(wire), wire, name }
    }
}

impl RawItem<'_> {
    pub(in crate::store) fn address(&self) -> &str {
        &self.server.address
    }

    pub(in crate::store) fn get(&self) -> Result<Option<Content>> {
        let get = Get::new(self.wire).meta(Meta::default().cas());
        let found = self.server.client.run(get).map_err(|error| self.failed("read", error))?;
        let Some(cas) = found.item.cas.filter(|_| found.hit()) else { return Ok(None) };
        let (flags, version) = (found.client_flags.unwrap_or(0), Version::new(cas));
        Ok(Some(Content { bytes: found.value.unwrap_or_default(), flags, version }))
    }

    /// Writes if the condition is met, and returns the version.
    pub(in crate::store) fn put(
        &self,
        bytes: &[u8],
        flags: u32,
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        if bytes.len() > LARGEST_VALUE {
            let (name, address) = (self.name, &self.server.address);
            let why =
                format!("{} bytes are more than it takes; store less in one value", bytes.len());
            let what = format!("could not write {name} in memcached at {address}: {why}");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        let set = Set::new(self.wire, bytes).client_flags(flags).ttl(server_ttl(ttl)).return_cas();
        let set = match when {
            Precondition::Always => set,
            Precondition::Absent => set.add(),
            Precondition::Unchanged(old) => set.compare_cas(old.number()),
        };
        let written = self.server.client.run(set).map_err(|error| self.failed("write", error))?;
        Ok(version(&written))
    }

    /// Removes if the condition is met, and returns whether a value was removed.
    pub(in crate::store) fn delete(&self, when: Precondition) -> Result<bool> {
        let delete = Delete::new(self.wire);
        let delete = match when {
            Precondition::Absent => return Ok(false),
            Precondition::Always => delete,
            Precondition::Unchanged(old) => delete.compare_cas(old.number()),
        };
        let done = self.server.client.run(delete).map_err(|error| self.failed("delete", error))?;
        Ok(done.status == MutationStatus::Applied)
    }

    fn failed(&self, what: &str, error: memcache::exp::Error) -> Error {
        failed(format!("could not {what} {}", self.name), self.server, error)
    }
}

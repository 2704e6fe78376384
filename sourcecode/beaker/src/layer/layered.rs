//! [`Layered`]: a store with each value transformed on its way in and out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Transform;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::store::{AsyncStore, Precondition, Put, Store, Stored, SweepProgress, Version};

/// How often it is tried again where others keep replacing what is damaged.
const TRIES: usize = 100;

/// A store with each value transformed on its way in and out. It keeps every promise that the store
/// keeps; what cannot be read back counts as nothing, and makes room for what is written.
#[derive(Debug)]
pub struct Layered<S, T> {
    inner: S,
    transform: T,
    damaged: AtomicU64,
}

impl<S: Store, T: Transform> Layered<S, T> {
    /// The layer on the store; [`layer`](super::Layers::layer) says the same.
    pub fn new(store: S, transform: T) -> Layered<S, T> {
        Layered { inner: store, transform, damaged: AtomicU64::new(0) }
    }

    fn unpack(&self, key: &Key, stored: Stored) -> Option<Stored> {
        let bytes = self.transform.unpack(key, &stored.bytes);
        if bytes.is_none() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        Some(Stored { bytes: bytes?.into(), version: stored.version })
    }

    /// Writes where nothing lives that can be read. For the store below, something damaged does live.
    fn put_absent(
        &self,
        key: &Key,
        packed: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Version>> {
        for _ in 0..TRIES {
            if let Some(version) = self.inner.put(key, packed, ttl, Precondition::Absent)? {
                return Ok(Some(version));
            }
            let Some(stored) = self.inner.get(key)? else { continue };
            let damaged = stored.version;
            if self.unpack(key, stored).is_some() {
                return Ok(None);
            }
            if let Some(version) =
                self.inner.put(key, packed, ttl, Precondition::Unchanged(damaged))?
            {
                return Ok(Some(version));
            }
        }
        let what =
            format!("could not write {key:?}: others keep writing and removing it; try again");
        Err(Error::new(ErrorKind::Conflict, what))
    }
}

impl<S: Store, T: Transform> Store for Layered<S, T> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        Ok(self.inner.get(key)?.and_then(|stored| self.unpack(key, stored)))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let packed = self.transform.pack(key, bytes)?;
        match when {
            Precondition::Absent => self.put_absent(key, &packed, ttl),
            Precondition::Always | Precondition::Unchanged(_) => {
                self.inner.put(key, &packed, ttl, when)
            }
        }
    }

    /// What is damaged is removed too, and was there.
    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.inner.delete(key, when)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let stored = self.inner.get_many(keys)?.into_iter();
        Ok(keys.iter().zip(stored).map(|(key, it)| self.unpack(key, it?)).collect())
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        let packed = puts.iter().map(|put| self.transform.pack(put.key, put.bytes));
        let packed: Vec<Vec<u8>> = packed.collect::<Result<_>>()?;
        let puts = puts.iter().zip(&packed).map(|(put, bytes)| Put { bytes, ..*put });
        self.inner.put_many(&puts.collect::<Vec<_>>())
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.inner.delete_many(keys)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.inner.clear(namespace)
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        self.inner.sweep(most)
    }

    fn blocks(&self) -> bool {
        self.inner.blocks()
    }

    /// None: to compress or encrypt takes a processor's time, which is had on threads.
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }

    /// What this layer could not read, and what the store below could not.
    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed) + self.inner.damaged()
    }
}

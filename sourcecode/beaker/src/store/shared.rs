//! A store that several hold is one too.

use std::sync::Arc;
use std::time::Duration;

use super::{AsyncStore, Precondition, Put, Store, Stored, SweepProgress, Version};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// The same store: what wraps a store can wrap a shared one, and a part of the program can keep a
/// handle of what it has wrapped.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        (**self).get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        (**self).put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        (**self).delete(key, when)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        (**self).get_many(keys)
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        (**self).put_many(puts)
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        (**self).delete_many(keys)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        (**self).clear(namespace)
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        (**self).sweep(most)
    }

    fn blocks(&self) -> bool {
        (**self).blocks()
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        (**self).for_tasks()
    }

    fn damaged(&self) -> u64 {
        (**self).damaged()
    }
}

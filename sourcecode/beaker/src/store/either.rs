//! [`AnyStore`]: a store of either kind, for what is written once for both.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "tokio")]
use super::AsyncStore;
use super::{Precondition, Put, Store, Stored, Version};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// A store whose calls wait, or one whose futures do. An asynchronous program has one of the former only
/// if it never [blocks](Store::blocks).
#[derive(Debug, Clone)]
pub(crate) enum AnyStore {
    Blocking(Arc<dyn Store>),
    #[cfg(feature = "tokio")]
    Async(Arc<dyn AsyncStore>),
}

impl AnyStore {
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Stored>> {
        match self {
            AnyStore::Blocking(store) => store.get(key),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.get(key).await,
        }
    }

    pub(crate) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        match self {
            AnyStore::Blocking(store) => store.get_many(keys),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.get_many(keys).await,
        }
    }

    pub(crate) async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        match self {
            AnyStore::Blocking(store) => store.put(key, bytes, ttl, when),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.put(key, bytes, ttl, when).await,
        }
    }

    pub(crate) async fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        match self {
            AnyStore::Blocking(store) => store.put_many(puts),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.put_many(puts).await,
        }
    }

    pub(crate) async fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        match self {
            AnyStore::Blocking(store) => store.delete(key, when),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.delete(key, when).await,
        }
    }

    pub(crate) async fn clear(&self, namespace: &Namespace) -> Result<()> {
        match self {
            AnyStore::Blocking(store) => store.clear(namespace),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.clear(namespace).await,
        }
    }

    pub(crate) fn damaged(&self) -> u64 {
        match self {
            AnyStore::Blocking(store) => store.damaged(),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.damaged(),
        }
    }

    /// Whether a call may wait for something outside this process.
    #[cfg(feature = "middleware")]
    pub(crate) fn blocks(&self) -> bool {
        match self {
            AnyStore::Blocking(store) => store.blocks(),
            #[cfg(feature = "tokio")]
            AnyStore::Async(_) => true,
        }
    }
}

//! [`Halting`]: a store in memory for tasks, in whose calls a task can be dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{AsyncStore, MemoryStore, Precondition, Store, StoreFuture, Stored, Version};
use beaker::{Error, ErrorKind, Result};
use tokio::task::yield_now;

/// Is pending once before each operation and once after it. It can be told to fail as a server does that is
/// down. A clone is the same store.
#[derive(Debug, Clone, Default)]
pub struct Halting {
    pub memory: Arc<MemoryStore>,
    is_down: Arc<AtomicBool>,
}

impl Halting {
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    async fn halt<T>(&self, operation: impl FnOnce(&MemoryStore) -> Result<T>) -> Result<T> {
        yield_now().await;
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "it is down on purpose"));
        }
        let done = operation(&self.memory);
        yield_now().await;
        done
    }
}

impl AsyncStore for Halting {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(self.halt(|store| store.get(key)))
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(self.halt(move |store| store.put(key, bytes, ttl, when)))
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(self.halt(move |store| store.delete(key, when)))
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(self.halt(|store| store.get_many(keys)))
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(self.halt(move |store| store.increment(key, by, ttl)))
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(self.halt(|store| store.clear(namespace)))
    }
}

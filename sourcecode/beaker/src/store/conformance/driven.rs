//! [`Driven`]: a store of either kind, as blocking calls.

use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{
    AsyncStore, Precondition, Put, Store, StoreFuture, Stored, SweepProgress, Version,
};

/// Polls a future to its end.
pub(super) type BlockOn<'a> = dyn Fn(Pin<Box<dyn Future<Output = ()> + Send + '_>>) + Sync + 'a;

pub(super) enum Driven<'a> {
    Blocking(&'a dyn Store),
    Async(&'a dyn AsyncStore, Box<BlockOn<'a>>),
}

impl Driven<'_> {
    pub(super) fn get(&self, key: &Key) -> Result<Option<Stored>> {
        match self {
            Driven::Blocking(store) => store.get(key),
            Driven::Async(store, block_on) => wait(block_on, store.get(key)),
        }
    }

    pub(super) fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        match self {
            Driven::Blocking(store) => store.put(key, bytes, ttl, when),
            Driven::Async(store, block_on) => wait(block_on, store.put(key, bytes, ttl, when)),
        }
    }

    pub(super) fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        match self {
            Driven::Blocking(store) => store.delete(key, when),
            Driven::Async(store, block_on) => wait(block_on, store.delete(key, when)),
        }
    }

    pub(super) fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        match self {
            Driven::Blocking(store) => store.get_many(keys),
            Driven::Async(store, block_on) => wait(block_on, store.get_many(keys)),
        }
    }

    pub(super) fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        match self {
            Driven::Blocking(store) => store.put_many(puts),
            Driven::Async(store, block_on) => wait(block_on, store.put_many(puts)),
        }
    }

    pub(super) fn delete_many(&self, keys: &[Key]) -> Result<()> {
        match self {
            Driven::Blocking(store) => store.delete_many(keys),
            Driven::Async(store, block_on) => wait(block_on, store.delete_many(keys)),
        }
    }

    pub(super) fn clear(&self, namespace: &Namespace) -> Result<()> {
        match self {
            Driven::Blocking(store) => store.clear(namespace),
            Driven::Async(store, block_on) => wait(block_on, store.clear(namespace)),
        }
    }

    pub(super) fn sweep(&self, most: usize) -> Result<SweepProgress> {
        match self {
            Driven::Blocking(store) => store.sweep(most),
            Driven::Async(store, block_on) => wait(block_on, store.sweep(most)),
        }
    }
}

fn wait<T: Send>(block_on: &BlockOn<'_>, future: StoreFuture<'_, T>) -> Result<T> {
    let result = Mutex::new(None);
    block_on(Box::pin(async {
        let done = future.await;
        *result.lock().expect("nobody else has it") = Some(done);
    }));
    let result = result.into_inner().expect("nobody else has it");
    result.expect("`block_on` polls the future to its end")
}

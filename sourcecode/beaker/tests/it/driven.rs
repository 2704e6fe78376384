//! An asynchronous store whose futures a runtime polls for whoever calls: what is tested with threads.

use std::sync::Arc;
use std::time::Duration;

use beaker::Result;
use beaker::key::{Key, Namespace};
use beaker::store::{AsyncStore, Precondition, Put, Store, Stored, Version};
use tokio::runtime::{Builder, Runtime};

/// A runtime with two threads.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[derive(Debug)]
pub struct Driven {
    store: Arc<dyn AsyncStore>,
    runtime: Runtime,
}

impl Driven {
    pub fn new(store: impl AsyncStore) -> Driven {
        Driven { store: Arc::new(store), runtime: runtime() }
    }
}

impl Store for Driven {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.runtime.block_on(self.store.get(key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.runtime.block_on(self.store.put(key, bytes, ttl, when))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.runtime.block_on(self.store.delete(key, when))
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.runtime.block_on(self.store.get_many(keys))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        self.runtime.block_on(self.store.put_many(puts))
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.runtime.block_on(self.store.delete_many(keys))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.runtime.block_on(self.store.clear(namespace))
    }

    fn damaged(&self) -> u64 {
        self.store.damaged()
    }
}

/// Runs the suite over an asynchronous store.
#[cfg(feature = "conformance")]
pub fn check_contract(runtime: &Runtime, store: &dyn AsyncStore, pass: impl Fn(Duration) + Sync) {
    use beaker::store::conformance::{Subject, check};
    let block_on =
        |future: std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>| runtime.block_on(future);
    check(&Subject::of_async(store, block_on, pass));
    assert_eq!(store.damaged(), 0);
}

/// Where the clock is a server's.
#[cfg(feature = "conformance")]
pub fn wait(time: Duration) {
    beaker::Clock::sleep(&beaker::SystemClock, time);
}

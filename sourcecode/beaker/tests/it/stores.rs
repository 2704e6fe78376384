//! Every store runs the one suite.
#![cfg(feature = "conformance")]

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::conformance::{Subject, check};
use beaker::store::{
    AsyncStore, Capacity, FileStore, MemoryStore, NullStore, Precondition, Store, StoreFuture,
    Stored, SweepProgress, Version,
};
use beaker::{Clock, ManualClock, Result};

#[test]
fn memory() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
}

/// A store of futures that are ready at once.
#[derive(Debug)]
struct Ready(MemoryStore);

impl AsyncStore for Ready {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move { self.0.get(key) })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move { self.0.put(key, bytes, ttl, when) })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(async move { self.0.delete(key, when) })
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.0.clear(namespace) })
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        Box::pin(async move { self.0.sweep(most) })
    }

    fn clock(&self) -> &dyn Clock {
        self.0.clock()
    }
}

/// A store that is only what it has to be.
#[derive(Debug)]
struct Plain(MemoryStore);

impl Store for Plain {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.0.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.0.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.0.clear(namespace)
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        self.0.sweep(most)
    }

    fn clock(&self) -> &dyn Clock {
        self.0.clock()
    }
}

/// Its batches and its counters are those that every store has.
#[test]
fn a_plain_store() {
    let clock = Arc::new(ManualClock::default());
    let store = Plain(MemoryStore::with_clock(clock.clone()));
    check(&Subject::new(&store, |time| clock.advance(time)));
}

/// Its batches and its counters are those that every asynchronous store has.
#[test]
fn an_asynchronous_store() {
    let clock = Arc::new(ManualClock::default());
    let store = Ready(MemoryStore::with_clock(clock.clone()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let block_on = |future: Pin<Box<dyn Future<Output = ()> + Send + '_>>| runtime.block_on(future);
    check(&Subject::of_async(&store, block_on, |time| clock.advance(time)));
}

/// Bounds that the suite stays within: whatever it stores is there until it is removed.
#[test]
fn bounded_memory() {
    for bound in [Capacity::Entries(10_000), Capacity::Bytes(64 * 1024 * 1024)] {
        let store = MemoryStore::bounded(bound).unwrap();
        check(&Subject::new(&store, |time| Clock::sleep(&beaker::SystemClock, time)));
    }
}

#[test]
fn file() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
    assert_eq!(store.damaged(), 0);
}

#[test]
fn null_stores_nothing() {
    let key = beaker::key::Namespace::new("n").key("k");
    assert!(NullStore.put(&key, b"x", None, Precondition::Always).unwrap().is_some());
    assert_eq!(NullStore.get(&key).unwrap(), None);
    assert!(!NullStore.delete(&key, Precondition::Always).unwrap());
    assert_eq!([NullStore.increment(&key, 2, None).unwrap(); 2], [2; 2]);
    assert!(NullStore.increment(&key, u64::MAX, None).is_err());
}

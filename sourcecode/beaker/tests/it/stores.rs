//! Every store runs the one suite.
#![cfg(feature = "conformance")]

use std::sync::Arc;

use beaker::ManualClock;
use beaker::store::conformance::{Subject, check};
use beaker::store::{Bound, FileStore, MemoryStore, NullStore, Store, When};

#[test]
fn memory() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
}

/// Bounds that the suite stays within: whatever it stores is there until it is removed.
#[test]
fn bounded_memory() {
    for bound in [Bound::Entries(10_000), Bound::Bytes(64 * 1024 * 1024)] {
        let store = MemoryStore::bounded(bound).unwrap();
        check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
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
    assert!(NullStore.put(&key, b"x", None, When::Always).unwrap().is_some());
    assert_eq!(NullStore.get(&key).unwrap(), None);
    assert!(!NullStore.delete(&key, When::Always).unwrap());
}

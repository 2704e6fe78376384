//! A blocking store in an asynchronous program: how many threads it has, and what the others do.
#![cfg(feature = "conformance")]

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::conformance::{Subject, check};
use beaker::store::{
    AsyncStore, FileStore, MemoryStore, OnThreads, Precondition, Store, Stored, Version,
};
use beaker::{ErrorKind, ManualClock, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{spawn_blocking, yield_now};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn key() -> Key {
    Namespace::new("n").key("k")
}

/// Lets those who read wait until it is opened.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    inside: usize,
    is_open: bool,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.inside += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.is_open).unwrap());
    }

    fn open(&self) {
        self.state.lock().unwrap().is_open = true;
        self.changed.notify_all();
    }

    fn wait_for(&self, inside: usize) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.inside < inside).unwrap());
    }

    fn inside(&self) -> usize {
        self.state.lock().unwrap().inside
    }
}

/// A store that does not answer until its gate is open.
#[derive(Debug, Default)]
struct Gated {
    gate: Arc<Gate>,
    store: MemoryStore,
}

impl Store for Gated {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.gate.pass();
        self.store.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        assert_ne!(bytes, b"panic", "as it was told");
        self.store.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.store.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.store.clear(namespace)
    }
}

#[test]
fn the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
    let (store, runtime) = (OnThreads::new(store), runtime());
    let block_on = |future: Pin<Box<dyn Future<Output = ()> + Send + '_>>| runtime.block_on(future);
    check(&Subject::of_async(&store, block_on, |time| clock.advance(time)));
}

/// A thousand calls to a store that does not answer: two threads are held, what is in line holds none,
/// and the program's own blocking work has all the others.
#[test]
fn calls_beyond_the_limit_wait_and_hold_no_thread() {
    let store = Gated::default();
    let gate = store.gate.clone();
    let store = OnThreads::new(store).max_in_flight(2).queue_timeout(Duration::MAX);
    runtime().block_on(async {
        let call = |store: OnThreads| tokio::spawn(async move { store.get(&key()).await });
        let calls: Vec<_> = (0..1000).map(|_| call(store.clone())).collect();
        gate.wait_for(2);
        while store.queued() < 998 {
            yield_now().await;
        }
        assert_eq!((store.in_flight(), gate.inside()), (2, 2));
        assert_eq!(spawn_blocking(|| "free").await.unwrap(), "free");
        gate.open();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), None);
        }
        assert_eq!((store.queued(), store.in_flight(), gate.inside()), (0, 0, 1000));
    });
}

#[test]
fn who_waits_too_long_in_line_is_told_why() {
    let store = Gated::default();
    let gate = store.gate.clone();
    let store = OnThreads::new(store).max_in_flight(1).queue_timeout(Duration::ZERO);
    runtime().block_on(async {
        let first = store.clone();
        let first = tokio::spawn(async move { first.get(&key()).await });
        gate.wait_for(1);
        let error = store.get(&key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("one of 1 calls"), "{error}");
        assert!(error.to_string().contains("`max_in_flight`"), "{error}");
        gate.open();
        first.await.unwrap().unwrap();
        assert_eq!(store.get(&key()).await.unwrap(), None, "and works again");
    });
}

#[test]
fn a_dropped_call_gives_its_place_back_when_it_has_ended() {
    let store = Gated::default();
    let gate = store.gate.clone();
    let store = OnThreads::new(store).max_in_flight(1).queue_timeout(Duration::MAX);
    runtime().block_on(async {
        let call = |store: OnThreads| tokio::spawn(async move { store.get(&key()).await });
        let (under_way, in_line) = (call(store.clone()), call(store.clone()));
        gate.wait_for(1);
        while store.queued() < 1 {
            yield_now().await;
        }
        for dropped in [under_way, in_line] {
            dropped.abort();
            assert!(dropped.await.unwrap_err().is_cancelled());
        }
        assert_eq!((store.queued(), store.in_flight()), (0, 1), "the store is still at it");
        gate.open();
        assert_eq!(store.get(&key()).await.unwrap(), None);
        assert_eq!(gate.inside(), 2, "what was in line was never called");
    });
}

#[test]
fn a_panic_of_the_store_is_its_callers_and_gives_the_place_back() {
    let store = OnThreads::new(Gated::default()).max_in_flight(1);
    runtime().block_on(async {
        let own = store.clone();
        let panicked =
            tokio::spawn(
                async move { own.put(&key(), b"panic", None, Precondition::Always).await },
            );
        assert!(panicked.await.unwrap_err().is_panic());
        assert!(store.put(&key(), b"x", None, Precondition::Always).await.unwrap().is_some());
    });
    let none = std::panic::catch_unwind(AssertUnwindSafe(|| {
        OnThreads::new(MemoryStore::new()).max_in_flight(0)
    }));
    assert!(none.is_err(), "no call would ever begin");
}

/// Memory has nothing to wait for: the future is ready when it is polled first.
#[test]
fn a_store_that_never_waits_needs_no_thread_and_no_runtime() {
    let store = OnThreads::new(MemoryStore::new());
    let key = key();
    let mut put = store.put(&key, b"x", None, Precondition::Always);
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(put.as_mut().poll(&mut context), Poll::Ready(Ok(Some(_)))));
}

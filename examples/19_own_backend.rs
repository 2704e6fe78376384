//! Two custom stores, one blocking and one asynchronous: both pass the suite.
//! Sessions live in the first.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::conformance::{Subject, check};
use beaker::store::{
    AsyncStore, Precondition, Store, StoreFuture, Stored, Version,
};
use beaker::{
    AsyncBackend, Backend, Clock, Error, ErrorKind, ManualClock, Result,
    Timestamp,
};
use common::{get_session, print_session, set_drivers};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

// ANCHOR: store
#[derive(Debug)]
struct Shelf {
    clock: Arc<dyn Clock>,
    things: Mutex<BTreeMap<Key, Thing>>,
    writes: Mutex<u64>,
}

type Thing = (Stored, Option<Timestamp>); // (1)

impl Shelf {
    fn new(clock: Arc<dyn Clock>) -> Shelf {
        Shelf { clock, things: Mutex::default(), writes: Mutex::default() }
    }

    fn live(&self, things: &BTreeMap<Key, Thing>, key: &Key) -> Option<Stored> {
        let (stored, expires) = things.get(key)?;
        let lives = expires.is_none_or(|at| self.clock.now() < at); // (2)
        lives.then(|| stored.clone())
    }

    fn next_version(&self) -> Version {
        let mut writes = self.writes.lock().unwrap();
        *writes += 1;
        Version::new(*writes) // (3)
    }
}
// ANCHOR_END: store

// ANCHOR: contract
impl Store for Shelf {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        Ok(self.live(&self.things.lock().unwrap(), key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let mut things = self.things.lock().unwrap(); // (4)
        let current = self.live(&things, key).map(|stored| stored.version);
        if !when.is_met_by(current) {
            return Ok(None); // (5)
        }
        let stored =
            Stored { bytes: bytes.into(), version: self.next_version() };
        let version = stored.version;
        let expires = ttl.map(|ttl| self.clock.now() + ttl);
        things.insert(key.clone(), (stored, expires));
        Ok(Some(version))
    }
    // ANCHOR_END: contract

    // ANCHOR: rest
    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let mut things = self.things.lock().unwrap();
        let current = self.live(&things, key).map(|stored| stored.version);
        let removes = current.is_some() && when.is_met_by(current);
        if removes {
            things.remove(key);
        }
        Ok(removes)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let mut things = self.things.lock().unwrap();
        things.retain(|key, _| key.namespace() != namespace);
        Ok(())
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}
// ANCHOR_END: rest

// ANCHOR: room
/// A shelf in another room: a task owns it, and handles requests.
#[derive(Debug)]
struct Room(mpsc::Sender<Request>);

type Request = Box<dyn FnOnce(&Shelf) + Send>; // (6)

impl Room {
    fn new(shelf: Shelf) -> Room {
        let (door, mut requests) = mpsc::channel::<Request>(16);
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                request(&shelf);
            }
        });
        Room(door)
    }
    // ANCHOR_END: room

    // ANCHOR: async
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let request = move |shelf: &Shelf| drop(answer.send(work(shelf)));
        let gone = "the task has ended; make another store";
        let gone = || Error::new(ErrorKind::Unavailable, gone);
        self.0.send(Box::new(request)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())? // (7)
    }
}

impl AsyncStore for Room {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async {
            let key = key.clone();
            self.ask(move |shelf| shelf.get(&key)).await
        })
    }
    // ANCHOR_END: async

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move {
            let (key, bytes) = (key.clone(), bytes.to_vec());
            self.ask(move |shelf| shelf.put(&key, &bytes, ttl, when)).await
        })
    }

    fn delete<'a>(
        &'a self,
        key: &'a Key,
        when: Precondition,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let key = key.clone();
            self.ask(move |shelf| shelf.delete(&key, when)).await
        })
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(async {
            let namespace = namespace.clone();
            self.ask(move |shelf| shelf.clear(&namespace)).await
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            let key = key.clone();
            self.ask(move |shelf| shelf.increment(&key, by, ttl)).await
        })
    }
}

// ANCHOR: proof
fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::default());
    let shelf = Shelf::new(clock.clone());
    check(&Subject::new(&shelf, |time| clock.advance(time))); // (8)
    println!("\nThe store keeps the contract\n");

    let backend = Backend::new(shelf, LocalLocks::new()); // (9)
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;
    print_session(&get_session(&backend, Some(session.id()))?);

    let runtime = Runtime::new().expect("tokio starts");
    let _inside = runtime.enter();
    let room = Room::new(Shelf::new(clock.clone()));
    check(&Subject::of_async(
        &room,
        |future| runtime.block_on(future), // (10)
        |time| clock.advance(time),
    ));
    println!("\nThe asynchronous store keeps it as well");

    runtime.block_on(AsyncBackend::with_leases(room).ping())
}
// ANCHOR_END: proof

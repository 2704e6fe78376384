//! A store of one's own: it passes the suite, and sessions live in it.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::conformance::{Subject, check};
use beaker::store::{Precondition, Store, Stored, Version};
use beaker::{Backend, Clock, ManualClock, Result, Timestamp};
use common::{get_session, print_session, set_drivers};

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
}

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::default());
    let shelf = Shelf::new(clock.clone());
    check(&Subject::new(&shelf, |time| clock.advance(time))); // (6)
    println!("\nThe store keeps the contract\n");

    let backend = Backend::new(shelf, LocalLocks::new()); // (7)
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;
    print_session(&get_session(&backend, Some(session.id()))?);
    Ok(())
}
// ANCHOR_END: rest

//! Sessions in memory, beside a bare `HashMap` that holds the same bincode bytes; and the store in
//! memory beside quick_cache.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use beaker::codec::{Bincode, Codec};
use beaker::key::Namespace;
use beaker::session::SessionData;
use beaker::store::Precondition;
use beaker::{Backend, Sessions};
use benchmarks::{Limit, compare, data, drivers};

/// Both sides start anew when they hold so many.
const MANY: u64 = 10_000;

fn main() {
    store();
    let backend = Backend::memory();
    let sessions = Sessions::new(backend.clone());
    let mut map: HashMap<String, Vec<u8>> = HashMap::new();
    let mut made = 0;

    compare(
        "memory: create, 3 values, save, open",
        Limit::Times(1.35),
        || {
            let mut session = sessions.create();
            drivers(&mut session);
            session.save().unwrap();
            black_box(sessions.open(session.id()).unwrap());
            made += 1;
            if made % MANY == 0 {
                backend.store().clear(&Namespace::default()).unwrap();
            }
        },
        || {
            let id = id();
            map.insert(id.clone(), Bincode.encode(&data()).unwrap());
            black_box(decode(&map[&id]));
            if map.len() as u64 == MANY {
                map.clear();
            }
        },
    );

    let mut session = sessions.create();
    drivers(&mut session);
    session.save().unwrap();
    map.insert(session.id().to_string(), Bincode.encode(&data()).unwrap());
    compare(
        "memory: open",
        Limit::Times(1.35),
        || drop(black_box(sessions.open(session.id()).unwrap())),
        || drop(black_box(decode(&map[session.id().as_str()]))),
    );
}

/// The store alone, with a value that expires, beside the map in it, whose values do not.
fn store() {
    let store = Backend::memory().store().clone();
    let id = id();
    let key = Namespace::default().key(&id);
    store.put(&key, &[7; 200], Some(Duration::from_secs(3600)), Precondition::Always).unwrap();
    let bare: quick_cache::sync::Cache<String, Arc<[u8]>> = quick_cache::sync::Cache::new(1000);
    bare.insert(id.clone(), [7; 200].into());
    compare(
        "memory: get from the store",
        Limit::Times(1.5),
        || drop(black_box(store.get(black_box(&key)).unwrap().unwrap())),
        || drop(black_box(bare.get(black_box(&id)).unwrap())),
    );
}

fn id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn decode(bytes: &[u8]) -> SessionData {
    Bincode.decode(bytes).unwrap()
}

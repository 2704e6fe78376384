//! Sessions in memory, beside a bare `HashMap` that holds the same bincode bytes.

use std::collections::HashMap;
use std::hint::black_box;

use beaker::codec::{Bincode, Codec};
use beaker::key::Namespace;
use beaker::session::SessionData;
use beaker::{Backend, Sessions};
use benchmarks::{Limit, compare, data, drivers};

/// Both sides start anew when they hold so many.
const MANY: u64 = 10_000;

fn main() {
    let backend = Backend::memory();
    let sessions = Sessions::new(backend.clone());
    let mut map: HashMap<String, Vec<u8>> = HashMap::new();
    let mut made = 0;

    compare(
        "memory: create, 3 values, save, open",
        Limit::Times(1.5),
        || {
            let mut session = sessions.create();
            drivers(&mut session);
            session.save().unwrap();
            black_box(sessions.open(session.id()).unwrap());
            made += 1;
            if made % MANY == 0 {
                backend.store.clear(&Namespace::default()).unwrap();
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
        Limit::Times(1.5),
        || drop(black_box(sessions.open(session.id()).unwrap())),
        || drop(black_box(decode(&map[session.id().as_str()]))),
    );
}

fn id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn decode(bytes: &[u8]) -> SessionData {
    Bincode.decode(bytes).unwrap()
}

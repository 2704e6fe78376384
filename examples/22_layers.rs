//! Compresses and encrypts what is stored, and counts calls and bytes.

use std::sync::Arc;

use beaker::key::{Key, Namespace};
use beaker::layer::{Compress, Encrypt, Layers};
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store};
use beaker::{Backend, ManualClock, Result, Sessions};

/// For this program only: `openssl rand -hex 32` makes a better one.
const KEY: &str = "a key that is at least 32 bytes long";

// ANCHOR: stack
fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::default()); // (1)
    let counted = MemoryStore::new().counted(); // (2)
    let below = Arc::new(counted.with_clock(clock.clone()));

    let encrypt = Encrypt::new([KEY])?;
    let backend = Backend::new(below.clone(), LocalLocks::new());
    let backend = backend.wrap_store(|store| {
        store.layer(encrypt).layer(Compress::default()) // (3)
    });

    let sessions = Sessions::new(backend.clone()).clock(clock);
    let mut session = sessions.create();
    let laps = (1..=58).map(|lap| format!("Lap {lap}: Kimi leads\n"));
    session.set("race", laps.collect::<String>());
    session.save()?; // (4)
    // ANCHOR_END: stack

    // ANCHOR: look
    let key = Namespace::default().key(session.id().as_str());
    show("Returned by the layers", &**backend.store(), &key)?;
    let mut bytes = show("Kept by the store", &*below, &key)?; // (5)

    println!("\nOne bit is changed");
    bytes[30] ^= 1;
    below.put(&key, &bytes, None, Precondition::Always)?;
    println!("Opened: {}", sessions.open(session.id()).is_ok()); // (6)
    println!("Damaged: {}", sessions.damaged());

    println!("\nThe store: {}", below.numbers()); // (7)
    Ok(())
}

/// Prints how many bytes a store has under a key, and whether Kimi is in them.
fn show(what: &str, store: &dyn Store, key: &Key) -> Result<Vec<u8>> {
    let stored = store.get(key)?.expect("the session was saved");
    let tells = stored.bytes.windows(4).any(|part| part == b"Kimi");
    println!("{what}: {} bytes, contains Kimi: {tells}", stored.bytes.len());
    Ok(stored.bytes.to_vec())
}
// ANCHOR_END: look

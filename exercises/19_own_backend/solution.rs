//! One seat for one driver at a time, with the preconditions of a store.

use std::sync::Arc;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{MemoryStore, Store, Precondition};
use beaker::{ManualClock, Result};

const TIME: Duration = Duration::from_secs(10);

/// Takes the seat for ten seconds from now; `false` if another driver has it.
fn take(store: &dyn Store, seat: &Key, who: &str) -> Result<bool> {
    let held = store.get(seat)?.filter(|held| *held.bytes == *who.as_bytes());
    let when = match held {
        Some(held) => Precondition::Unchanged(held.version),
        None => Precondition::Absent,
    };
    let taken = store.put(seat, who.as_bytes(), Some(TIME), when)?;
    Ok(taken.is_some())
}

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(clock.clone());
    let seat = Namespace::new("car").key("seat");
    store.put(&seat, b"Sebastian", Some(TIME), Precondition::Always)?;
    for who in ["Sebastian", "Kimi", "Kimi"] {
        clock.advance(TIME * 6 / 10);
        println!("Six seconds later, {who}: {}", take(&store, &seat, who)?);
    }
    Ok(())
}

//! A hundred threads want one value at once: all compute it, or only one does.

mod common;

use std::sync::Arc;
use std::time::Duration;

use beaker::{Cache, ManualClock, Result};
use common::herd::{self, Visitor};

type Standings = &'static str;

const MINUTE: Duration = Duration::from_secs(60);

fn without_lock(
    cache: &Cache<Standings>,
    visitor: &mut Visitor,
) -> Result<Standings> {
    if let Some(standings) = cache.get("standings")? {
        return Ok(standings);
    }
    let standings = visitor.query(); // (1)
    cache.put("standings", standings)?;
    Ok(standings)
}

fn with_lock(
    cache: &Cache<Standings>,
    visitor: &mut Visitor,
) -> Result<Standings> {
    cache.get_or_create("standings", || visitor.query()) // (2)
}

fn main() -> Result<()> {
    println!("Missing: get, create, put");
    let cache = Cache::in_memory(1000);
    herd::run(&cache, |visitor| without_lock(&cache, visitor))?;

    println!("\nMissing: get_or_create");
    let cache = Cache::in_memory(1000);
    herd::run(&cache, |visitor| with_lock(&cache, visitor))?;

    println!("\nExpired: get_or_create");
    let clock = Arc::new(ManualClock::default()); // (3)
    let cache = Cache::in_memory(1000)
        .ttl(MINUTE)
        .stale_for(MINUTE) // (4)
        .clock(clock.clone());
    cache.put("standings", "old")?;
    clock.advance(MINUTE); // (5)
    herd::run(&cache, |visitor| with_lock(&cache, visitor))
}

//! Recomputes a driver's points, while visitors see the old sum.

use beaker::Result;
use beaker::cache::{Cache, CacheEntry};

/// Adds up slowly, and prints what a visitor gets meanwhile.
fn add_up(cache: &Cache<u32>, races: [u32; 3]) -> u32 {
    let seen = cache.get("Felipe").ok().flatten();
    println!("adding up {races:?}, a visitor sees {seen:?}");
    races.iter().sum()
}

/// Recomputes Felipe's sum. It belongs to the season, as before.
fn recount(cache: &Cache<u32>, races: [u32; 3]) -> Result<()> {
    todo!("the sum of {races:?}, when there are {}", cache.stats())
}

fn main() -> Result<()> {
    let cache = Cache::in_memory(1000);
    for (driver, races) in [("Kimi", [10, 6, 10]), ("Felipe", [8, 10, 4])] {
        let make = || CacheEntry::new(add_up(&cache, races)).tag("season 2007");
        cache.get_or_create(driver, make)?;
    }
    recount(&cache, [8, 0, 4])?;
    println!("Kimi: {:?}", cache.get("Kimi")?);
    println!("Felipe: {:?}", cache.get("Felipe")?);
    cache.invalidate_tag("season 2007")?;
    println!("After the season: {:?}", cache.get("Felipe")?);
    Ok(())
}

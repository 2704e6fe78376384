//! Adds points up once, and serves the cached sum until it expires.

use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry};
use beaker::{Error, ErrorKind, ManualClock, Result};

const MINUTE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::default()); // (1)
    let cache = Cache::in_memory(1000) // (2)
        .clock(clock.clone())
        .ttl(10 * MINUTE)
        .stale_for(5 * MINUTE);
    let print_points = || -> Result<()> {
        for (driver, races) in [("Kimi", [10, 6, 10]), ("Felipe", [8, 10, 4])] {
            let points = cache.get_or_create(driver, || {
                println!("  adding up for {driver}"); // (3)
                clock.advance(Duration::from_secs(2)); // (4)
                CacheEntry::new(races.iter().sum::<u32>()).tag("season 2007") // (5)
            })?;
            println!("{driver}: {points}");
        }
        Ok(())
    };

    print_points()?;
    println!("\nAsked again");
    print_points()?;

    println!("\nTen minutes later, the results cannot be read");
    clock.advance(10 * MINUTE);
    println!("Kimi: {}", cache.try_get_or_create("Kimi", unreadable)?); // (6)

    println!("\nFive more minutes later, the stale sums are too old");
    clock.advance(5 * MINUTE);
    print_points()?;

    println!("\nKimi is removed: {}", cache.remove("Kimi")?); // (7)
    print_points()?;

    println!("\nThe points of the season are recomputed");
    cache.invalidate_tag("season 2007")?; // (8)
    print_points()?;

    println!("\n{}", cache.stats()); // (9)
    Ok(())
}

fn unreadable() -> Result<u32> {
    Err(Error::new(ErrorKind::Unavailable, "the results cannot be read"))
}

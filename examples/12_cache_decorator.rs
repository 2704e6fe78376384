//! Caches the results of a function by its arguments, with one line above it.

use std::sync::LazyLock;

use beaker::{Backend, Cache, Error, ErrorKind, Result, cached};

/// Stands in for a database, or for a remote service.
struct Archive;

impl Archive {
    fn ask(&self, driver: &str, season: u32) -> Result<u32> {
        println!("  the archive is asked for {driver} in {season}");
        match (driver, season) {
            ("Kimi", 2007) => Ok(110),
            ("Kimi", 2008) => Ok(75),
            ("Lewis", 2007) => Ok(109),
            _ => Err(Error::new(ErrorKind::Application, "no such result")),
        }
    }
}

static CACHE: LazyLock<Cache<u32>> =
    LazyLock::new(|| Cache::new(Backend::memory(), "results")); // (1)

#[cached(cache = CACHE, ttl = "60s", skip(archive))] // (2)
fn points(archive: &Archive, driver: &str, season: u32) -> Result<u32> {
    archive.ask(driver, season)
}

#[cached] // (3)
fn fibonacci(n: u32) -> u64 {
    if n < 2 { n.into() } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

fn main() -> Result<()> {
    let archive = Archive;
    println!("Kimi 2007: {}", points(&archive, "Kimi", 2007)?);
    println!("Kimi 2007: {}", points(&archive, "Kimi", 2007)?); // (4)
    println!("Kimi 2008: {}", points(&archive, "Kimi", 2008)?);
    println!("Kimi 1908: {:?}", points(&archive, "Kimi", 1908)); // (5)

    println!("\nget: {:?}", points::get("Lewis", 2007)?); // (6)
    points::set("Lewis", 2007, 0)?;
    println!("Lewis 2007: {}", points(&archive, "Lewis", 2007)?);
    println!("refresh: {}", points::refresh(&archive, "Lewis", 2007)?);
    println!("invalidate: {}", points::invalidate("Kimi", 2007)?); // (7)
    println!("Kimi 2007: {}", points(&archive, "Kimi", 2007)?);

    println!("\nfibonacci(90) = {}", fibonacci(90));
    println!("{} were computed", fibonacci::cache().stats().creations); // (8)
    Ok(())
}

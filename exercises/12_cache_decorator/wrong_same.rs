//! Finds the same result for a driver, however the name is written.

use beaker::cached;

/// The cache key for the results of a driver in a season.
fn key_of(driver: &str, season: u32) -> (String, u32) {
    (driver.to_owned(), season)
}

#[cached(key = key_of(driver, season))]
fn points(driver: &str, season: u32) -> u32 {
    println!("  the archive is asked for {driver} in {season}");
    if season == 2007 { 110 } else { 75 }
}

fn main() -> beaker::Result<()> {
    for driver in ["Räikkönen", "räikkönen", "RÄIKKÖNEN"] {
        println!("{driver}: {}", points(driver, 2007));
    }
    println!("A season later: {}", points("Räikkönen", 2008));
    println!("invalidate: {}", points::invalidate("RÄIKKÖNEN", 2007)?);
    println!("räikkönen: {:?}", points::get("räikkönen", 2007)?);
    Ok(())
}

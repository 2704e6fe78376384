//! Changes the settings of a region, but not the program.

use beaker::Result;
use beaker::config::Settings;

const BOTH: &str = "cache.regions = short_term, long_term\ncache.expire = 60";

/// Settings that hold for one region and not for the other.
fn each() -> &'static str {
    "cache.short_term.enabled = false
     cache.long_term.expire = 86400
     cache.long_term.type = file"
}

fn main() -> Result<()> {
    let settings = BOTH.parse::<Settings>()?.merged_with(each().parse()?);
    let config = settings.read()?.cache;
    let regions = config.open()?;
    for name in ["short_term", "long_term"] {
        println!("{name}");
        let cache = regions.get(name)?.cache("leader")?;
        for _ in 0..2 {
            cache.get_or_create("2007", || {
                println!("  (asking for the leader)");
                "Kimi Räikkönen".to_owned()
            })?;
        }
    }
    println!("{config}");
    Ok(())
}

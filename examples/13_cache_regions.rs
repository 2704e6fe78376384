//! Configures two kinds of caches: a minute in memory, and a day in files.

mod common;

use std::path::Path;
use std::sync::LazyLock;

use beaker::Result;
use beaker::cache::Region;
use beaker::config::Settings;
use common::disk;

static SHORT_TERM: LazyLock<Region> =
    LazyLock::new(|| Region::named("short_term")); // (1)

const SETTINGS: &str = "
cache.regions = short_term, long_term
cache.expire = 60
cache.long_term.expire = 86400
cache.long_term.type = file
cache.long_term.data_dir = ./cache
";

fn leader() -> Result<String> {
    SHORT_TERM.cache("leader")?.get_or_create("2007", || {
        println!("  (asking for the leader)");
        "Kimi Räikkönen".to_owned()
    })
}

fn main() -> Result<()> {
    let error = leader().expect_err("the region is not configured yet"); // (2)
    println!("{error}\n");

    let regions = SETTINGS.parse::<Settings>()?.read()?.cache.open()?; // (3)
    SHORT_TERM.configure_from(&regions)?; // (4)
    println!("{}", leader()?);
    println!("{}\n", leader()?);

    let long_term = regions.get("long_term")?;
    let teams = long_term.cache::<String>("teams")?; // (5)
    let titles = long_term.cache::<u32>("titles")?;
    teams.get_or_create("Kimi", || "Ferrari".to_owned())?;
    titles.get_or_create("Ferrari", || 15_u32)?;
    disk::print_tree(Path::new("./cache")).expect("the folder can be read");

    long_term.invalidate()?; // (6)
    println!("\nKimi's team: {:?}", teams.get("Kimi")?);
    println!("Ferrari's titles: {:?}", titles.get("Ferrari")?);
    println!("The leader: {}", leader()?);

    let error = regions.get("longterm").expect_err("it has another name");
    println!("\n{error}"); // (7)
    Ok(())
}

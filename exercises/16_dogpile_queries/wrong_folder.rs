//! Finds its cached answers again after a restart.

#[path = "common/sqlite.rs"]
mod sqlite;

use beaker::{Backend, Cache};

type Failure = Box<dyn std::error::Error>;
const DRIVER: &str = "select name, team from driver where number = 7";

/// A backend whose answers outlive the process, in `./cache/answers`.
fn answers() -> beaker::Result<Backend> {
    Backend::open("file", &[])
}

fn start(time: &str) -> Result<(), Failure> {
    println!("Started for the {time} time");
    let database = sqlite::create("./cache/drivers.db")?;
    let cache = Cache::new(answers()?, "drivers");
    let rows = cache.try_get_or_create("driver 7", || {
        Ok::<_, Failure>(sqlite::select(&database, DRIVER, &[])?)
    })?;
    println!("  {rows:?}");
    Ok(())
}

fn main() -> Result<(), Failure> {
    std::fs::create_dir_all("./cache")?;
    start("first").and_then(|()| start("second"))
}

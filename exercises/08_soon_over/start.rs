//! Asks the table of sessions how many will end soon.

use std::time::Duration;

use beaker::{Backend, Result, Sessions};
use rusqlite::Connection;

/// A statement: how many sessions end within `seconds` seconds?
fn sql(seconds: u32) -> String {
    todo!("count those that end within {seconds} seconds")
}

fn main() -> Result<()> {
    let url = "sqlite:///./cache/sessions.db";
    let backend = Backend::open("ext:database", &[("url", url)])?;
    let sessions = Sessions::new(backend);
    sessions.create().save()?; // It never expires.
    for minutes in [1, 5, 60] {
        let timeout = Duration::from_secs(60 * minutes);
        sessions.clone().timeout(timeout).create().save()?;
    }

    let database = Connection::open("./cache/sessions.db").expect("a file");
    let count = database.query_row(&sql(600), [], |row| row.get::<_, i64>(0));
    println!("Soon over: {}", count.expect("the statement can be run"));
    Ok(())
}

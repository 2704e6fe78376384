//! Keeps a session in a table of SQLite, and reads the row with plain SQL.

mod common;

use beaker::{Backend, Result};
use common::{get_session, print_session, set_drivers};
use rusqlite::Connection;

const FILE: &str = "./cache/sessions.db";

fn main() -> Result<()> {
    let url = format!("sqlite:///{FILE}"); // (1)
    let backend = Backend::open("ext:database", &[("url", &url)])?; // (2)
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?; // (3)
    print_session(&session);

    println!("\nDatabase storage session");
    let opened = get_session(&backend, Some(session.id()))?; // (4)
    print_session(&opened);
    assert_eq!(opened.values(), session.values());

    show_row(session.id().as_str()).expect("the table can be read");
    Ok(())
}

fn show_row(id: &str) -> rusqlite::Result<()> {
    let database = Connection::open(FILE)?; // (5)
    database.query_row(
        "select name, expires_at, length(bytes) from beaker_values
         where namespace = '' and name = ?1",
        [id],
        |row| {
            println!("\nname:       {}", row.get::<_, String>(0)?);
            println!("expires_at: {:?}", row.get::<_, Option<i64>>(1)?); // (6)
            println!("bytes:      {} of them", row.get::<_, i64>(2)?);
            Ok(())
        },
    )
}

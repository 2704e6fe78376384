//! Saves values in a session, opens it again, and asks for a missing key.

mod common;

use beaker::{Backend, Result};
use common::{get_session, print_session};

fn main() -> Result<()> {
    let backend = Backend::memory(); // (1)
    let mut session = get_session(&backend, None)?;
    session.set("Suomi", "Kimi Räikkönen"); // (2)
    session.set("Great Britain", "Jenson Button");
    session.set("Deutschland", "Sebastian Vettel");
    session.save()?; // (3)
    print_session(&session);

    println!("\nCheck session");
    let opened = get_session(&backend, Some(session.id()))?; // (4)
    for key in ["Suomi", "Great Britain", "Deutschland"] {
        assert_eq!(opened.require(key)?, session.require(key)?);
    }
    println!("OK\n");

    opened.require("Russian")?; // (5)
    Ok(())
}

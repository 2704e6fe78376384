//! Asks for a driver that may be missing, without ending in an error.

mod common;

use beaker::{Backend, Result, Session};
use common::{get_session, set_drivers};

/// The driver of a country, or `no driver`.
fn driver<'a>(session: &'a Session, country: &str) -> &'a str {
    session.get(country).as_str().unwrap_or("no driver")
}

fn main() -> Result<()> {
    let backend = Backend::memory();
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;

    let opened = get_session(&backend, Some(session.id()))?;
    for country in ["Suomi", "Russian"] {
        println!("{country}: {}", driver(&opened, country));
    }
    Ok(())
}

//! Two handles change one session, and both changes are kept.

mod common;

use beaker::{Backend, Result, SessionId};
use common::{get_session, set_drivers};

/// Removes `Suomi` in one handle, sets `España` in another, and saves both.
fn change(backend: &Backend, id: &SessionId) -> Result<()> {
    let mut first = get_session(backend, Some(id))?;
    let mut second = get_session(backend, Some(id))?;
    first.set("Suomi", "");
    second.set("España", "Fernando Alonso");
    first.save()?;
    second.save()
}

fn main() -> Result<()> {
    let backend = Backend::memory();
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;

    change(&backend, session.id())?;
    let opened = get_session(&backend, Some(session.id()))?;
    for country in ["Suomi", "España", "Deutschland"] {
        println!("{country}: {:?}", opened.get(country));
    }
    Ok(())
}

//! Logs a visitor out: the old id is invalidated, and a new session begins.

mod common;

use beaker::{Backend, Result, Session};
use common::{get_session, print_session, set_drivers};

/// Ends the session, and continues with an empty one.
fn log_out(session: &mut Session) -> Result<()> {
    session.invalidate()
}

fn main() -> Result<()> {
    let backend = Backend::memory();
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;
    let old = *session.id();

    log_out(&mut session)?;
    session.set("Italia", "Jarno Trulli");
    session.save()?;
    let is_known = get_session(&backend, Some(&old)).is_ok();
    println!("The old id: {old}, still known: {is_known}");
    print_session(&session);
    Ok(())
}

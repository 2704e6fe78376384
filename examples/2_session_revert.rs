//! Changes a session in a second handle, and reverts the changes.

mod common;

use beaker::{Backend, Result};
use common::{get_session, print_session, set_drivers};

fn main() -> Result<()> {
    let backend = Backend::memory();
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;
    print_session(&session);

    let mut opened = get_session(&backend, Some(session.id()))?; // (1)
    opened.remove("Suomi"); // (2)
    opened.set("Great Britain", "Lewis Hamilton");
    opened.set("Deutschland", "Michael Schumacher");
    opened.set("España", "Fernando Alonso");
    println!("\nModified session");
    print_session(&opened);

    opened.revert(); // (3)
    println!("\nRevert session");
    print_session(&opened);
    assert_eq!(opened.values(), session.values()); // (4)
    Ok(())
}

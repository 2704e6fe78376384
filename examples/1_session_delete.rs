//! Deletes a session: no key is left in the handle, and no record in the store.

mod common;

use beaker::{Backend, ErrorKind, Result};
use common::{get_session, print_session, set_drivers};

fn main() -> Result<()> {
    let backend = Backend::memory();
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;
    print_session(&session);

    session.delete()?; // (1)
    println!("\nDelete session");
    print_session(&session);
    for key in ["Suomi", "Great Britain", "Deutschland"] {
        assert!(!session.contains(key)); // (2)
    }

    let error = get_session(&backend, Some(session.id())).unwrap_err(); // (3)
    assert_eq!(error.kind(), ErrorKind::UnknownSession);
    Ok(())
}

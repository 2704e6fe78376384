//! Opens a session by an id that a user typed.

mod common;

use beaker::{Backend, Result, Session};
use common::{get_session, set_drivers};

/// Parses the text as an id, and opens the session with that id.
fn open(backend: &Backend, text: &str) -> Result<Session> {
    let id = SessionId::from(text);
    get_session(backend, Some(&id))
}

fn main() -> Result<()> {
    let backend = Backend::open("file", &[("data_dir", "./cache")])?;
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?;

    for text in [session.id().as_str(), "../../etc/passwd"] {
        match open(&backend, text) {
            Ok(session) => println!("{text}: {session:#?}"),
            Err(error) => println!("{text}: {error}"),
        }
    }
    Ok(())
}

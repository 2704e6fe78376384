//! Replaces the key of an encrypted store without logging any visitor out.

use beaker::layer::{Encrypt, Layers};
use beaker::{Backend, Result, SessionId, Sessions};

const OLD: &str = "the old key, of at least 32 bytes";
const NEW: &str = "the new key, of at least 32 bytes";

/// The sessions of a backend, encrypted with keys.
fn with(keys: &[&str], backend: &Backend) -> Result<Sessions> {
    let (encrypt, backend) = (Encrypt::new(keys)?, backend.clone());
    Ok(Sessions::new(backend.wrap_store(|store| store.layer(encrypt))))
}

/// Makes the session readable with the new key alone.
fn replace(backend: &Backend, id: &SessionId) -> Result<()> {
    with(&[NEW, OLD], backend)?.open(id).map(drop)
}

fn main() -> Result<()> {
    let backend = Backend::memory();
    let mut session = with(&[OLD], &backend)?.create();
    session.save()?;
    replace(&backend, session.id())?;
    for key in [OLD, NEW] {
        let opened = with(&[key], &backend)?.open(session.id());
        println!("Opened with {key}: {}", opened.is_ok());
    }
    Ok(())
}

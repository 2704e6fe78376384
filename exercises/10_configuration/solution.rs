//! Changes the key that signs, and still believes the old one.

use beaker::config::Settings;
use beaker::{Result, Sessions};

const OLD: &str = "8f2c1d9e4b7a60538f2c1d9e4b7a6053";
const NEW: &str = "51d07ec39ab4f62851d07ec39ab4f628";

/// The value of `BEAKER_SESSION__SECRET` that changes one key for another.
fn secret(old: &str, new: &str) -> String {
    format!("{new},{old}")
}

fn sessions(secret: &str) -> Result<Sessions> {
    let secret = ("BEAKER_SESSION__SECRET".into(), secret.into());
    let folder = ("BEAKER_SESSION__DATA_DIR".into(), "./cache".into());
    Settings::from_env("BEAKER_", [secret, folder]).read()?.session.sessions()
}

fn main() -> Result<()> {
    let cookie = |sessions: Sessions| {
        let mut session = sessions.create();
        session.save().and_then(|()| session.set_cookie())
    };
    let (old, both) = (cookie(sessions(OLD)?)?, sessions(&secret(OLD, NEW))?);
    println!("An old cookie: {:?}", both.load(old.as_deref())?.origin());
    let (new, later) = (cookie(both)?, sessions(NEW)?);
    println!("A new one, later: {:?}", later.load(new.as_deref())?.origin());
    Ok(())
}

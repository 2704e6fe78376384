//! Answers a visitor while the server runs, is stopped, and is back.

use beaker::{Backend, ErrorKind, Result, SessionId, Sessions};
use servers::memcached::MemcachedPool;

/// `Welcome back`, `Come back later` or `Please log in`.
fn answer(sessions: &Sessions, id: &SessionId) -> Result<&'static str> {
    sessions.open(id)?;
    Ok("Welcome back")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut servers = MemcachedPool::start(1)?;
    let url = servers.url();
    let backend = Backend::open("ext:memcached", &[("url", &url)])?;
    let sessions = Sessions::new(backend);
    let mut session = sessions.create();
    session.save()?;

    println!("It runs: {}", answer(&sessions, session.id())?);
    servers.stop(0);
    println!("It is stopped: {}", answer(&sessions, session.id())?);
    servers.start_again(0)?;
    println!("It is back: {}", answer(&sessions, session.id())?);
    Ok(())
}

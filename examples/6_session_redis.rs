//! Keeps a session in redis, where every host can open it.

mod common;

use beaker::{Backend, Result};
use common::{get_session, print_session, server, set_drivers};

fn main() -> Result<()> {
    let url = server::url("REDIS_URL", "redis://127.0.0.1:6379/")?; // (1)
    let backend = Backend::open("ext:redis", &[("url", &url)])?; // (2)
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?; // (3)
    print_session(&session);

    println!("\nRedis storage session");
    let opened = get_session(&backend, Some(session.id()))?; // (4)
    print_session(&opened);
    assert_eq!(opened.values(), session.values());
    Ok(())
}

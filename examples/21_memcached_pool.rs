//! Two memcached servers, one of them stopped: only its sessions fail.

use std::error::Error;

use beaker::{Backend, ErrorKind, SessionId, Sessions};
use servers::memcached::MemcachedPool;

fn main() -> Result<(), Box<dyn Error>> {
    let mut servers = MemcachedPool::start(2)?;
    let url = servers.url(); // (1)
    let backend = Backend::open("ext:memcached", &[("url", &url)])?;
    let sessions = Sessions::new(backend);

    let ids = save_hundred(&sessions)?;
    show("Both servers run", &sessions, &ids);
    servers.stop(1); // (2)
    show("One is stopped", &sessions, &ids);
    servers.start_again(1)?; // (3)
    show("It is back, and empty", &sessions, &ids);
    let ids = save_hundred(&sessions)?; // (4)
    show("New sessions", &sessions, &ids);
    Ok(())
}

fn save_hundred(sessions: &Sessions) -> beaker::Result<Vec<SessionId>> {
    let save = |_| {
        let mut session = sessions.create();
        session.save()?;
        Ok(*session.id())
    };
    (0..100).map(save).collect()
}

fn show(what: &str, sessions: &Sessions, ids: &[SessionId]) {
    let results: Vec<_> = ids.iter().map(|id| sessions.open(id)).collect();
    let count = |kind| {
        let with_kind = |result: &&beaker::Result<_>| {
            result.as_ref().err().map(|error| error.kind()) == kind
        };
        match results.iter().filter(with_kind).count() {
            0 => "none",
            100 => "all",
            20..=80 => "about half", // (5)
            _ => "some",
        }
    };
    println!("{what}");
    println!("    opened:      {}", count(None));
    println!("    unavailable: {}", count(Some(ErrorKind::Unavailable)));
    println!("    unknown:     {}", count(Some(ErrorKind::UnknownSession)));
}

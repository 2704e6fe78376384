//! Ends sessions in memcached that were idle for a minute.

use std::{env, sync::Arc, time::Duration};

use beaker::{Backend, Clock, ManualClock, Result, Sessions, SystemClock};

/// Sessions that end after a minute without use.
fn sessions(backend: Backend) -> Sessions {
    Sessions::new(backend).timeout(Duration::from_secs(60))
}

fn main() -> Result<()> {
    let url = env::var("MEMCACHED_URL");
    let url = url.as_deref().unwrap_or("127.0.0.1:11211");
    let backend = Backend::open("ext:memcached", &[("url", url)])?;
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let sessions = sessions(backend).clock(clock.clone());

    let mut session = sessions.create();
    session.save()?;
    for pause in [40, 40, 80] {
        clock.advance(Duration::from_secs(pause));
        match sessions.open(session.id()).and_then(|mut found| found.save()) {
            Ok(()) => println!("{pause} seconds later: still open"),
            Err(error) => println!("{pause} seconds later: {error}"),
        }
    }
    Ok(())
}

//! A thief uses a stolen cookie again and again, for a minute at most.

use std::{sync::Arc, time::Duration};

use beaker::{Clock, ManualClock, Result, Sessions, Signer, SystemClock};

/// The same sessions, which end a minute after they began.
fn limit(sessions: Sessions) -> Sessions {
    sessions.lifetime(Duration::from_secs(1))
}

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let signer = Signer::new(["a key that is at least 32 bytes long"])?;
    let sessions = Sessions::in_signed_cookies(signer).clock(clock.clone());
    let sessions = limit(sessions);
    let mut session = sessions.create();
    session.save()?;
    let mut cookie = session.set_cookie()?.unwrap_or_default();
    session.delete()?; // The thief's copy is not affected.
    for visit in 1..=3 {
        clock.advance(Duration::from_secs(25));
        let mut thief = sessions.load(Some(&cookie))?;
        println!("Visit {visit}: {:?}", thief.origin());
        thief.save()?;
        cookie = thief.set_cookie()?.unwrap_or(cookie);
    }
    Ok(())
}

//! A test of a log-in, which is tested itself: it has to find each of six bugs.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use beaker::{Backend, ManualClock, Session, Sessions, Signer, Timestamp};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const MINUTE: Duration = Duration::from_secs(60);

/// A user is logged in until a log-out, or 30 minutes without a request. It is
/// an error if the site does not keep that, for this user and for no other.
fn test(site: &Site) -> Result<()> {
    let guest = site.visit()?;
    ensure(site.page(&guest)? == "guest", "a visitor is a guest")?;
    let anna = site.log_in(&guest, "anna")?;
    ensure(site.page(&anna)? == "anna", "a log-in is remembered")?;
    ensure(site.page(&guest)? == "guest", "the id is another one")?;
    let other = site.visit()?;
    ensure(site.page(&other)? == "guest", "others are not logged in")?;

    for _ in 0..3 {
        site.clock.advance(20 * MINUTE);
        ensure(site.page(&anna)? == "anna", "a session in use goes on")?;
    }

    let anna = site.log_in(&site.visit()?, "anna")?;
    site.log_out(&anna)?;
    ensure(site.page(&anna)? == "guest", "a log-out ends the session")
}

fn ensure(is_so: bool, promise: &str) -> Result<()> {
    if is_so { Ok(()) } else { Err(promise.into()) }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bug {
    None,
    Unsaved,
    SameId,
    OneForAll,
    NeverIdle,
    EndsInUse,
    CookieOnly,
}

#[derive(Debug)]
struct Site {
    sessions: Sessions,
    clock: Arc<ManualClock>,
    bug: Bug,
    /// The cookie of the user who logged in last.
    last: RefCell<String>,
}

impl Site {
    fn new(bug: Bug) -> Site {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
        let signer = Signer::random().expect("there are random numbers");
        let sessions = Sessions::new(Backend::memory()).signed_by(signer);
        let sessions = sessions.clock(clock.clone());
        let sessions = match bug {
            Bug::NeverIdle => sessions,
            Bug::EndsInUse => sessions.lifetime(30 * MINUTE),
            _ => sessions.timeout(30 * MINUTE),
        };
        Site { sessions, clock, bug, last: RefCell::default() }
    }

    /// The first request of a browser, and the cookie that it gets.
    fn visit(&self) -> Result<String> {
        let last = self.last.borrow();
        match self.bug {
            Bug::OneForAll if !last.is_empty() => Ok(last.clone()),
            _ => answer(self.sessions.create()),
        }
    }

    /// A later request with that cookie: the name of the user, or `guest`.
    fn page(&self, cookie: &str) -> Result<String> {
        let mut session = self.sessions.load(Some(cookie))?;
        session.save()?;
        Ok(session.user().unwrap_or("guest").to_owned())
    }

    /// The form of a log-in, and the cookie that the browser has then.
    fn log_in(&self, before: &str, user: &str) -> Result<String> {
        let mut session = self.sessions.load(Some(before))?;
        if self.bug == Bug::Unsaved {
            return Ok(before.to_owned());
        }
        if self.bug != Bug::SameId {
            session.regenerate_id()?;
        }
        session.set_user(user);
        let cookie = answer(session)?;
        self.last.replace(cookie.clone());
        Ok(if cookie.is_empty() { before.to_owned() } else { cookie })
    }

    /// The button of a log-out, after which the browser has no cookie.
    fn log_out(&self, cookie: &str) -> Result<()> {
        let mut session = self.sessions.load(Some(cookie))?;
        match self.bug {
            Bug::CookieOnly => Ok(()),
            _ => Ok(session.delete()?),
        }
    }
}

fn answer(mut session: Session) -> Result<String> {
    session.save()?;
    Ok(session.set_cookie()?.unwrap_or_default())
}

fn main() {
    use Bug::*;
    let bugs = [Unsaved, SameId, OneForAll, NeverIdle, EndsInUse, CookieOnly];
    match test(&Site::new(None)) {
        Ok(()) => println!("The right one passes"),
        Err(error) => println!("The right one fails: {error}"),
    }
    for bug in bugs {
        println!("{bug:?} is found: {}", test(&Site::new(bug)).is_err());
    }
}

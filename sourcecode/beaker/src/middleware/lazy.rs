//! The session of a request, loaded when it is first asked for.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::session::{Session, Sessions};

/// What the middleware puts into a request. A request that never asks for its session costs no
/// look at the store.
#[derive(Clone)]
pub(super) struct LazySession(Arc<Inner>);

struct Inner {
    sessions: Sessions,
    cookie: Option<String>,
    /// Guards the session of this one request. It is loaded under the lock, so it is loaded once.
    session: Mutex<Option<Session>>,
}

impl LazySession {
    pub(super) fn new(sessions: Sessions, cookie: Option<String>) -> LazySession {
        LazySession(Arc::new(Inner { sessions, cookie, session: Mutex::new(None) }))
    }

    /// The session, if the request asked for it.
    pub(super) fn take(&self) -> Option<Session> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.0.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> Result<RequestSession<'_>> {
        // Waiting would be for ever, if the one who has it is the one who asks.
        let mut slot = match self.0.session.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let what =
                    "the session of this request is in use; let go of it before asking again";
                return Err(Error::new(ErrorKind::WouldDeadlock, what));
            }
        };
        if slot.is_none() {
            *slot = Some(self.0.sessions.load(self.0.cookie.as_deref())?.deferred());
        }
        Ok(RequestSession(slot))
    }
}

/// Gives a request its session.
pub trait SessionExt {
    /// The visitor's session, loaded with the first call. `save`, `delete`, `invalidate` and
    /// `regenerate_id` are noted, and done when the request has ended.
    ///
    /// There is one, and it has one user at a time.
    ///
    /// # Errors
    ///
    /// `ErrorKind::WouldDeadlock` while it is in use: let go of it before asking for it again;
    /// `ErrorKind::Config` where no `SessionMiddleware` is wrapped around the application; what
    /// the store fails with.
    fn session(&self) -> Result<RequestSession<'_>>;
}

impl SessionExt for Request {
    fn session(&self) -> Result<RequestSession<'_>> {
        let lazy = self.extensions().get::<LazySession>();
        let missing = "this request has no session; wrap the application in a `SessionMiddleware`";
        lazy.ok_or_else(|| Error::config(missing))?.load()
    }
}

/// The session of a request, in use.
pub struct RequestSession<'a>(MutexGuard<'a, Option<Session>>);

impl Deref for RequestSession<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.0
            .as_ref()
            .expect("it is loaded before this is made, and taken when the request is over")
    }
}

impl DerefMut for RequestSession<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.0
            .as_mut()
            .expect("it is loaded before this is made, and taken when the request is over")
    }
}

impl fmt::Debug for RequestSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Session::fmt(self, f)
    }
}

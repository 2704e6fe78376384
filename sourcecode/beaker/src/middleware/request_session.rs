//! [`RequestSession`]: the session of a request, in use; and how a request gives it.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use http::Extensions;

use super::Request;
use super::lazy::{Claimed, LazySession};
use crate::error::Result;
use crate::session::Session;

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
    /// `ErrorKind::Config` where no `SessionMiddleware` is wrapped around the application;
    /// `ErrorKind::Application` if the request has been answered; what the store fails with.
    fn session(&self) -> Result<RequestSession>;
}

impl SessionExt for Request {
    fn session(&self) -> Result<RequestSession> {
        RequestSession::claim_in(self.extensions())?.loaded()
    }
}

/// The session of a request, in use. It goes back to the request when this is dropped. That must be
/// before the request is answered: what is still in use then cannot be saved, and the answer is an
/// error.
pub struct RequestSession {
    lazy: LazySession,
    /// Loaded before anybody outside sees it.
    session: Claimed,
}

impl RequestSession {
    /// That of the request with these extensions, which may have to be loaded.
    pub(super) fn claim_in(extensions: &Extensions) -> Result<RequestSession> {
        let lazy = LazySession::of(extensions)?;
        Ok(RequestSession { session: lazy.claim()?, lazy: lazy.clone() })
    }

    /// Loads it, unless that was done before.
    pub(super) fn loaded(mut self) -> Result<RequestSession> {
        if let Claimed::Stored(sessions) = &self.session {
            let visitor = self.lazy.recognize(sessions)?;
            if let Claimed::Stored(sessions) = mem::replace(&mut self.session, Claimed::Gone) {
                let session = visitor.session_of_request(sessions);
                self.session = Claimed::Loaded(Box::new(session));
            }
        }
        Ok(self)
    }

    /// Whether to load it may wait.
    #[cfg(feature = "tower")]
    pub(super) fn blocks(&self) -> bool {
        matches!(self.session, Claimed::Stored(_)) && self.lazy.blocks()
    }
}

impl Drop for RequestSession {
    fn drop(&mut self) {
        self.lazy.give_back(mem::replace(&mut self.session, Claimed::Gone));
    }
}

impl Deref for RequestSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        match &self.session {
            Claimed::Loaded(session) => session,
            _ => unreachable!("it is loaded before anybody gets this"),
        }
    }
}

impl DerefMut for RequestSession {
    fn deref_mut(&mut self) -> &mut Session {
        match &mut self.session {
            Claimed::Loaded(session) => session,
            _ => unreachable!("it is loaded before anybody gets this"),
        }
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Session::fmt(self, f)
    }
}

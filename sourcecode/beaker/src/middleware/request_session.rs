//! [`RequestSession`]: the session of a request, in use; and how a request gives it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::Request;
use super::lazy::{Claimed, LazySession};
use crate::error::Result;
use crate::session::{Manager, SessionState};
use crate::value::Value;
use crate::world::finish;

/// Gives a request its session.
pub trait SessionExt {
    /// Returns the visitor's session, loaded with the first call.
    ///
    /// There is one, and it has one user at a time.
    ///
    /// # Errors
    ///
    /// `ErrorKind::WouldDeadlock` while it is in use: let go of it before asking for it again;
    /// `ErrorKind::Config` where no `SessionMiddleware` is wrapped around the application, or where its store
    /// is waited for by tasks, whose way to it is `session_of`; `ErrorKind::Application` if the request has
    /// been answered; what the store fails with.
    fn session(&self) -> Result<RequestSession>;
}

impl SessionExt for Request {
    fn session(&self) -> Result<RequestSession> {
        let lazy = LazySession::of(self.extensions())?;
        lazy.check_that_threads_may_wait()?;
        finish(RequestSession::of(lazy.clone()))
    }
}

/// The session of a request, in use.
///
/// What it holds is read and changed with the methods of [`SessionState`]. What is to be done with it is
/// noted, and done once, when the request has been answered: so a handler that fails saves nothing.
///
/// It goes back to the request when this is dropped. That must be before the request is answered: what is
/// still in use then cannot be saved, and the answer is an error.
pub struct RequestSession {
    lazy: LazySession,
    /// There until this is dropped.
    session: Option<Box<SessionState>>,
}

/// A session that is being loaded. If that fails, or is given up, it is in the store as before.
struct Loading {
    lazy: LazySession,
    sessions: Option<Manager>,
}

impl RequestSession {
    /// Takes that of a request out of it, and loads it unless that was done before.
    pub(super) async fn of(lazy: LazySession) -> Result<RequestSession> {
        let session = match lazy.claim()? {
            Claimed::Loaded(session) => session,
            Claimed::Stored(sessions) => {
                let mut loading = Loading { lazy: lazy.clone(), sessions: Some(sessions.clone()) };
                let session = lazy.load(&sessions).await?;
                loading.sessions = None;
                Box::new(session)
            }
        };
        Ok(RequestSession { lazy, session: Some(session) })
    }

    fn state(&self) -> &SessionState {
        self.session.as_ref().expect("it is there until this is dropped")
    }

    fn state_mut(&mut self) -> &mut SessionState {
        self.session.as_mut().expect("it is there until this is dropped")
    }

    /// Sets a value, as [`SessionState::set`]. The value may be made of what is there.
    #[doc(alias = "insert")]
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.state_mut().set(key, value);
    }

    /// Asks for a save, as [`Session::save`](crate::Session::save).
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if this request has deleted it; `ErrorKind::Unavailable` if it is empty since
    /// the store could not be reached. What else a save fails with is the answer to the request.
    pub fn save(&mut self) -> Result<()> {
        self.state_mut().ask_to_save()
    }

    /// Deletes it, as [`Session::delete`](crate::Session::delete): its values at once, and what is stored of
    /// it when the request has been answered.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Unavailable` if the store could not be reached when it was asked for. What else fails is
    /// the answer to the request.
    #[doc(alias = "destroy")]
    #[doc(alias = "flush")]
    pub fn delete(&mut self) -> Result<()> {
        self.state_mut().ask_to_delete()
    }

    /// Asks for its end, and goes on with an empty one, as
    /// [`Session::invalidate`](crate::Session::invalidate): for logging out.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Unavailable` if the store could not be reached when it was asked for. What else fails is
    /// the answer to the request.
    #[doc(alias = "flush")]
    #[doc(alias = "destroy")]
    #[doc(alias = "purge")]
    pub fn invalidate(&mut self) -> Result<()> {
        self.state_mut().ask_to_begin_again()
    }

    /// Asks for a save under a new id, as [`Session::regenerate_id`](crate::Session::regenerate_id): for
    /// logging in.
    ///
    /// # Errors
    ///
    /// Those of [`save`](RequestSession::save).
    #[doc(alias = "cycle_id")]
    #[doc(alias = "renew")]
    #[doc(alias = "regenerate")]
    pub fn regenerate_id(&mut self) -> Result<()> {
        self.state_mut().ask_for_new_id()
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        if let Some(sessions) = self.sessions.take() {
            self.lazy.give_back(Claimed::Stored(sessions));
        }
    }
}

impl Drop for RequestSession {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.lazy.give_back(Claimed::Loaded(session));
        }
    }
}

impl Deref for RequestSession {
    type Target = SessionState;

    fn deref(&self) -> &SessionState {
        self.state()
    }
}

impl DerefMut for RequestSession {
    fn deref_mut(&mut self) -> &mut SessionState {
        self.state_mut()
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}

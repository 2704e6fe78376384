//! [`SessionMiddleware`]: gives each request its session, and saves it when the request has ended.

use std::fmt;

use super::asked::Asked;
use super::{App, Request, Response, steps};
use crate::error::Result;
use crate::session::{Manager, Sessions};
use crate::world::finish;

/// An application with sessions: Beaker's middleware of the same name.
///
/// The session is loaded when the application first [asks](super::SessionExt::session) for it. It is
/// saved after the application has answered, if it said so (or as [`Sessions::auto`] says), and the
/// response gets the cookie that the visitor needs. If the application fails, with an error or with
/// a status of 500 and above, nothing is saved. If it succeeds, and has changed the session without saying
/// that it is to be saved, a `WARN` event tells so, with the request's method and path and
/// the keys, without their values. What a request changed while another one of the same
/// visitor logged in or out, that is, ended the id, is dropped. If all that cannot be saved is that the
/// session was used, that is logged, and the visitor gets the answer.
pub struct SessionMiddleware<A> {
    app: A,
    sessions: Manager,
}

impl<A: App> SessionMiddleware<A> {
    /// Wraps an application.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the sessions have no signer, or options that do not fit together.
    pub fn new(app: A, sessions: Sessions) -> Result<SessionMiddleware<A>> {
        let sessions = sessions.into_manager();
        sessions.check_for_visitors()?;
        Ok(SessionMiddleware { app, sessions })
    }
}

impl<A: App> App for SessionMiddleware<A> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        let lazy = steps::begin(&self.sessions, request, None);
        let mut response = self.app.call(request)?;
        let asked = || Some(Asked::of(request));
        if let Some(session) = steps::end(&lazy, &mut response, asked)? {
            let cookie = finish(steps::save(session, asked))?;
            steps::send(&mut response, cookie);
        }
        Ok(response)
    }
}

impl<A> fmt::Debug for SessionMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

//! [`SessionMiddleware`]: gives each request its session, and saves it when the request has ended.

use std::fmt;

use http::header::{COOKIE, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};

use super::lazy::LazySession;
use super::{App, Request, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::session::Sessions;

/// An application with sessions: Beaker's middleware of the same name.
///
/// The session is loaded when the application first [asks](super::SessionExt::session) for it. It is
/// saved after the application has answered, if it said so (or as [`Sessions::auto`] says), and the
/// response gets the cookie that the visitor needs. If the application fails, with an error or with
/// a status of 500 and above, nothing is saved. What a request changed while another one of the same
/// visitor logged in or out, that is, ended the id, is dropped.
pub struct SessionMiddleware<A> {
    app: A,
    sessions: Sessions,
}

impl<A: App> SessionMiddleware<A> {
    /// Wraps an application.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the sessions have no signer, or options that do not fit together.
    pub fn new(app: A, sessions: Sessions) -> Result<SessionMiddleware<A>> {
        sessions.check()?;
        sessions.signer_or_carrier()?;
        Ok(SessionMiddleware { app, sessions })
    }
}

impl<A: App> App for SessionMiddleware<A> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        let lazy = LazySession::new(self.sessions.clone(), cookies(request.headers()));
        request.extensions_mut().insert(lazy.clone());
        let mut response = self.app.call(request)?;
        let Some(mut session) = lazy.take() else { return Ok(response) };
        response.headers_mut().append(VARY, HeaderValue::from_static("Cookie"));
        if response.status().is_server_error() {
            return Ok(response);
        }
        match session.persist() {
            // Another request has deleted it, or given it a new id, while this one ran. That one has
            // the last word, about the cookie too.
            Err(error) if error.kind() == ErrorKind::SessionGone => return Ok(response),
            saved => saved?,
        }
        if let Some(cookie) = session.set_cookie()? {
            let header = HeaderValue::try_from(cookie).map_err(|error| {
                Error::config("the session's cookie is no header").caused_by(error)
            })?;
            response.headers_mut().append(SET_COOKIE, header);
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

/// All `Cookie` headers as one. What is no text in them belongs to other cookies than ours.
fn cookies(headers: &HeaderMap) -> Option<String> {
    let mut headers = headers.get_all(COOKIE).iter();
    let text = |header: &HeaderValue| String::from_utf8_lossy(header.as_bytes()).into_owned();
    let first = text(headers.next()?);
    Some(headers.fold(first, |all, next| all + "; " + &text(next)))
}

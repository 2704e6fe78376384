//! axum: the session as an argument of a handler, and an error as its response.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use std::fmt;

use super::{current, session_of, status_of};
use crate::error::{Error, Result};
use crate::middleware::RequestSession;
use crate::middleware::csrf;
use crate::middleware::log::log;
use crate::middleware::request_session::LazySession;

/// Needs a [`SessionLayer`](super::SessionLayer). One argument of a handler can be the session, since
/// it has one user at a time. As a `Result<RequestSession>` it leaves to the handler what to do if it
/// cannot be loaded.
///
/// A page for users alone has an argument of the program's own. It lets go of the session again, so that
/// the handler can have it:
///
/// ```
/// use axum::extract::FromRequestParts;
/// use axum::http::{StatusCode, request::Parts};
/// use axum::response::{IntoResponse, Response};
/// use beaker::middleware::RequestSession;
///
/// struct User(String);
///
/// impl<S: Send + Sync> FromRequestParts<S> for User {
///     type Rejection = Response;
///
///     async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<User, Response> {
///         let session = RequestSession::from_request_parts(parts, state).await;
///         let session = session.map_err(IntoResponse::into_response)?;
///         let user = session.user().ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())?;
///         Ok(User(user.to_owned()))
///     }
/// }
/// ```
impl<S: Sync> FromRequestParts<S> for RequestSession {
    type Rejection = Error;

    fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> impl Future<Output = Result<RequestSession>> + Send {
        session_of(&parts.extensions)
    }
}

/// `None` where there can be no session: without a [`SessionLayer`](super::SessionLayer), and for a path that is not
/// below that of the [cookie](crate::CookieOptions::path). What else fails is an error.
impl<S: Sync> OptionalFromRequestParts<S> for RequestSession {
    type Rejection = Error;

    fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> impl Future<Output = Result<Option<RequestSession>>> + Send {
        let is_there = LazySession::of(&parts.extensions).is_ok_and(LazySession::is_there);
        let session = is_there.then(|| session_of(&parts.extensions));
        async move {
            match session {
                Some(session) => session.await.map(Some),
                None => Ok(None),
            }
        }
    }
}

/// A token against forged requests, for the forms and scripts of a page: a
/// [`csrf_token`](crate::session::SessionState::csrf_token) of the visitor's session. Whoever has none gets a new
/// one, which is saved. It lets go of the session, so that the handler can have that as well.
///
/// [`CsrfLayer`](super::CsrfLayer) refuses what comes without it.
///
/// # Examples
///
/// ```
/// use beaker::middleware::CsrfToken;
///
/// async fn form(token: CsrfToken) -> String {
///     format!(r#"<input type="hidden" name="csrf_token" value="{token}">"#)
/// }
/// # let _ = form;
/// ```
#[derive(Clone)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// Returns the token: letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whoever reads a log must not have it.
impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(..)")
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Error;

    fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> impl Future<Output = Result<CsrfToken>> + Send {
        let session = session_of(&parts.extensions);
        async move { Ok(CsrfToken(csrf::token(&mut session.await?)?)) }
    }
}

/// A response of status 500, or 503 for `ErrorKind::Unavailable`, that says nothing of the error, which is
/// logged: as an event of `tracing`, or on the standard error output where no subscriber was set. So a handler can give back `beaker::Result`, and nothing of its session is saved.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        log("a handler failed", current().as_ref(), &self);
        let text = "the server could not answer this request";
        (status_of(&self), text).into_response()
    }
}

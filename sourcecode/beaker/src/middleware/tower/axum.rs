//! axum: the session as an argument of a handler, and an error as a response.

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

/// Extracts the visitor's session; the router needs a [`SessionLayer`](super::SessionLayer). Only one
/// argument of a handler can be the session, because a session has one user at a time. With an argument of
/// the type `Result<RequestSession>` the handler itself decides what to do if the session cannot be loaded.
///
/// For pages that require a log-in, write an extractor of your own. This one gives the session back, so that
/// the handler can extract it as well:
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

/// Extracts the session, or `None` where there can be none: without a [`SessionLayer`](super::SessionLayer),
/// and for a path that the [cookie's path](crate::CookieOptions::path) does not cover. Other failures are
/// errors.
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

/// A token against request forgery for the forms and scripts of a page: a
/// [`csrf_token`](crate::session::SessionState::csrf_token) of the visitor's session. A visitor without a
/// session gets a new one, which is saved. The extractor gives the session back, so that the handler can
/// extract it as well.
///
/// [`CsrfLayer`](super::CsrfLayer) refuses requests without a token.
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

/// Hides the token, because it must not get into logs.
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

/// Turns an error into a response of status 500, or 503 for `ErrorKind::Unavailable`, without details, and
/// logs it: as an event of `tracing`, or on standard error if no subscriber was set. A handler can therefore
/// return `beaker::Result`. After an error nothing of its session is saved.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        log("a handler failed", current().as_ref(), &self);
        let text = "the server could not answer this request";
        (status_of(&self), text).into_response()
    }
}

//! axum: the session as an argument of a handler, and an error as its response.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::{log, session_of};
use crate::error::{Error, Result};
use crate::middleware::RequestSession;

/// Needs a [`SessionLayer`](super::SessionLayer). One argument of a handler can be the session, since
/// it has one user at a time.
impl<S: Sync> FromRequestParts<S> for RequestSession {
    type Rejection = Error;

    fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> impl Future<Output = Result<RequestSession>> + Send {
        session_of(&parts.extensions)
    }
}

/// A response of status 500 that says nothing of the error, which is printed to the standard error
/// output. So a handler can give back `beaker::Result`, and nothing of its session is saved.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        log(&self);
        let text = "the server could not answer this request";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}

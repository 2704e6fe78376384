//! [`SessionLayer`]: what `SessionMiddleware` does, around a service of tower, and so for axum.
//!
//! A request that waits for its session holds no thread. A blocking store that may wait is called from
//! tokio's threads for that, of which it has so many at a time; one that
//! [never waits](crate::store::Store::blocks) is called where the request runs, since the way to another
//! thread and back would take longer than the call.

#[cfg(feature = "axum")]
mod axum;
mod response;
mod service;

pub use response::ResponseFuture;
pub use service::{SessionLayer, SessionService};

use http::{Extensions, StatusCode};

use super::RequestSession;
use super::lazy::LazySession;
use crate::error::{Error, ErrorKind, Result};

/// The visitor's session, from the extensions of a request that came through a [`SessionLayer`]. It
/// is loaded with the first call. A handler of axum takes a [`RequestSession`] as an argument instead.
///
/// # Errors
///
/// As [`SessionExt::session`](super::SessionExt::session).
///
/// # Panics
///
/// If the store may wait, and this does not run on tokio.
pub fn session_of(
    extensions: &Extensions,
) -> impl Future<Output = Result<RequestSession>> + Send + use<> {
    // The future need not hold the request, which few can share.
    let lazy = LazySession::of(extensions).cloned();
    async move { RequestSession::of(lazy?).await }
}

/// A server that is down is another matter than a mistake, for what stands before this one.
fn status_of(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

//! [`SessionLayer`]: what `SessionMiddleware` does, around a service of tower, and so for axum.
//!
//! A store that may wait is called from tokio's threads for that, and holds up no other request. One
//! that [never waits](crate::store::Store::blocks) is called where the request runs: the way to
//! another thread and back would take longer than the call.

#[cfg(feature = "axum")]
mod axum;
mod response;
mod service;

pub use response::ResponseFuture;
pub use service::{SessionLayer, SessionService};

use http::{Extensions, StatusCode};

use super::RequestSession;
use crate::error::{Error, ErrorKind, Result};
use crate::off_thread::off_thread;

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
    // Claimed here, so that the future need not hold the request, which few can share.
    let session = RequestSession::claim_in(extensions);
    async {
        let session = session?;
        if session.blocks() {
            return off_thread("could not load the session", || session.loaded()).await;
        }
        session.loaded()
    }
}

/// A server that is down is another matter than a mistake, for what stands before this one.
fn status_of(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

//! [`SessionLayer`] and the service that it makes.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::ResponseFuture;
use crate::error::Result;
use crate::middleware::asked::Asked;
use crate::middleware::steps;
use crate::session::{AsyncSessions, Manager};

/// Gives a service sessions.
///
/// The session is loaded when a request first asks for it, and saved when the service has answered,
/// if it said so (or as [`Sessions::auto`](crate::Sessions::auto) says). A request that does not ask costs no look at the
/// store and gets no cookie; the response to one that does says `Vary: Cookie`.
///
/// Nothing is saved if the service fails, answers with a status of 500 or more, or panics, or if the
/// visitor is gone before it has answered. If the session cannot be saved, the visitor gets a response
/// of status 500, or 503 for `ErrorKind::Unavailable`, that says nothing of it, and the error is logged:
/// as an event of `tracing`, or on the standard error output where no subscriber was set, with the request's
/// method and path. A change that the service did not ask to save is a `WARN` event. If all that cannot be
/// saved is that the session was used, that is logged, and the visitor gets the answer.
#[derive(Debug, Clone)]
pub struct SessionLayer {
    sessions: Manager,
}

impl SessionLayer {
    /// Makes a layer that gives these sessions: [`AsyncSessions`], or [`Sessions`](crate::Sessions), whose
    /// store is then called on a bounded number of threads if it may wait.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the sessions have no signer, or options that do not fit together.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::middleware::SessionLayer;
    /// use beaker::{AsyncBackend, AsyncSessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(Signer::random()?);
    /// let layer = SessionLayer::new(sessions)?;
    /// # let _ = layer;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(sessions: impl Into<AsyncSessions>) -> Result<SessionLayer> {
        let sessions = sessions.into().into_manager();
        sessions.check_for_visitors()?;
        Ok(SessionLayer { sessions })
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService { inner, sessions: self.sessions.clone() }
    }
}

/// A service with sessions, made by [`SessionLayer`].
#[derive(Debug, Clone)]
pub struct SessionService<S> {
    inner: S,
    sessions: Manager,
}

impl<S, B, R> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service gets the request, and then nobody else can say what it asked for.
        let asked = Asked::of(&request);
        let lazy = steps::begin(&self.sessions, &mut request, Some(asked));
        ResponseFuture::new(self.inner.call(request), lazy)
    }
}

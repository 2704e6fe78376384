//! [`SessionLayer`]: sessions for a tower service, and so for axum, as `SessionMiddleware` provides them for
//! an `App`.
//!
//! A request that waits for its session blocks no thread. A blocking store that may wait is called on a
//! bounded number of tokio's threads for blocking work. A store that [never
//! waits](crate::store::Store::blocks) is called directly, because switching threads would take longer than
//! the call.

#[cfg(feature = "axum")]
mod axum;
mod csrf;
mod http_cache;
mod rate_limit;

#[cfg(feature = "axum")]
pub use axum::CsrfToken;
pub use csrf::{CsrfLayer, CsrfService};
pub use http_cache::{HttpCacheLayer, HttpCacheService};
pub use rate_limit::{RateLimitLayer, RateLimitService};

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tower_layer::Layer;
use tower_service::Service;

use super::arrival::SessionsByRequest;
use super::log::{Asked, log};
use super::request_session::{LazySession, RequestSession};
use super::session as steps;
use super::tenant_cookie::TenantCookie;
use crate::cookie::CookieOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::session::AsyncSessions;

/// Gives each request to a service its visitor's session.
///
/// The session is loaded when the request first asks for it. It is saved after the service has answered, if
/// the service called `save` (or, with [`Sessions::auto`](crate::Sessions::auto), whenever it has changed). A
/// request that does not ask for its session costs no look-up in the store and gets no cookie; the response
/// to a request that does ask says `Vary: Cookie`.
///
/// Nothing is saved if the service fails, answers with a status of 500 or more, or panics, or if the client
/// disconnects before the response.
///
/// If saving fails, the visitor gets a response of status 500, or 503 for `ErrorKind::Unavailable`, without
/// details. The error is logged with the request's method and path: as an event of `tracing`, or on standard
/// error if no subscriber was set. A change that the service did not save is reported as a `WARN` event. If
/// only the access could not be noted, that is logged, and the visitor gets the response of the service.
#[derive(Debug, Clone)]
pub struct SessionLayer {
    sessions: SessionsByRequest,
}

impl SessionLayer {
    /// Creates a layer from [`AsyncSessions`], or from [`Sessions`](crate::Sessions), whose store is then
    /// called on a bounded number of threads if it may wait.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the sessions have no signer, or if their options do not fit together.
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
        Ok(SessionLayer { sessions: SessionsByRequest::new(sessions) })
    }

    /// Sets the cookie of each request by its host and its path, for a site with many tenants, as
    /// [`SessionMiddleware::cookie_by_request`](super::SessionMiddleware::cookie_by_request) does: give each
    /// tenant a name of its own. Default: all requests have the same cookie.
    ///
    /// ```
    /// use beaker::middleware::SessionLayer;
    /// use beaker::{AsyncBackend, AsyncSessions, CookieOptions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let tenants = |host: &str, _path: &str, cookie: CookieOptions| match host {
    ///     "kimi.example" => cookie.name("kimi"),
    ///     "valtteri.example" | "www.valtteri.example" => cookie.name("valtteri").domain("valtteri.example"),
    ///     _ => cookie,
    /// };
    /// let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(Signer::random()?);
    /// let layer = SessionLayer::new(sessions)?.cookie_by_request(tenants);
    /// # let _ = layer;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cookie_by_request(
        self,
        cookie: impl Fn(&str, &str, CookieOptions) -> CookieOptions + Send + Sync + 'static,
    ) -> SessionLayer {
        SessionLayer { sessions: self.sessions.with_tenants(TenantCookie::new(cookie)) }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService { inner, sessions: self.sessions.clone() }
    }
}

/// A service with sessions, created by [`SessionLayer`].
#[derive(Debug, Clone)]
pub struct SessionService<S> {
    inner: S,
    sessions: SessionsByRequest,
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

/// Returns the visitor's session from the extensions of a request that came through a [`SessionLayer`]. The
/// session is loaded at the first call. A handler of axum takes a [`RequestSession`] as an argument instead.
///
/// # Errors
///
/// The same as for [`SessionExt::session`](crate::middleware::SessionExt::session).
///
/// # Panics
///
/// Panics if the store may wait and no tokio runtime is running.
pub fn session_of(
    extensions: &Extensions,
) -> impl Future<Output = Result<RequestSession>> + Send + use<> {
    // The future need not hold the request, which few can share.
    let lazy = LazySession::of(extensions).cloned();
    async move { RequestSession::of(lazy?).await }
}

/// Returns 503 for a server that is down and 500 for an error in the program, because proxies treat these
/// differently.
fn status_of(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pin_project! {
    /// The future of a [`SessionService`](super::SessionService)'s response. If it is dropped before the
    /// inner service has answered, nothing is saved. If it is dropped after that, saving continues in the
    /// background.
    pub struct ResponseFuture<F, B> {
        // Gone when it has answered: what it still holds of the session goes with it.
        #[pin]
        inner: Option<F>,
        lazy: LazySession,
        saving: Option<Saving<B>>,
    }

    impl<F, B> PinnedDrop for ResponseFuture<F, B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let (Some(saving), Ok(runtime)) = (this.saving.take(), Handle::try_current()) {
                let lazy = this.lazy.clone();
                drop(runtime.spawn(async move {
                    if let Err(error) = saving.cookie.await {
                        log("the session could not be saved", lazy.asked(), &error);
                    }
                }));
            }
        }
    }
}

/// A response that waits for its session to be saved.
struct Saving<B> {
    response: Response<B>,
    cookie: Pin<Box<dyn Future<Output = Result<Option<HeaderValue>>> + Send>>,
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn new(inner: F, lazy: LazySession) -> ResponseFuture<F, B> {
        ResponseFuture { inner: Some(inner), lazy, saving: None }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let answered = ready!(during(this.lazy, || inner.poll(context)));
            this.inner.set(None);
            let mut response = answered?;
            let session = match steps::end(this.lazy, &mut response, || this.lazy.asked().cloned())
            {
                Ok(Some(session)) => session,
                Ok(None) => return Poll::Ready(Ok(response)),
                Err(error) => return Poll::Ready(Ok(finished(this.lazy, response, Err(error)))),
            };
            if session.is_done() {
                let cookie = steps::cookie(&session);
                return Poll::Ready(Ok(finished(this.lazy, response, cookie)));
            }
            let lazy = this.lazy.clone();
            let cookie = Box::pin(steps::save(session, move || lazy.asked().cloned()));
            *this.saving = Some(Saving { response, cookie });
        }
        let saving = this.saving.as_mut().expect("nobody polls what has given its response");
        let cookie = ready!(saving.cookie.as_mut().poll(context));
        let response = this.saving.take().map(|saving| saving.response).unwrap_or_default();
        Poll::Ready(Ok(finished(this.lazy, response, cookie)))
    }
}

fn finished<B: Default>(
    lazy: &LazySession,
    mut response: Response<B>,
    cookie: Result<Option<HeaderValue>>,
) -> Response<B> {
    match cookie {
        Ok(cookie) => steps::send(&mut response, cookie),
        Err(error) => {
            log("the session could not be saved", lazy.asked(), &error);
            response = Response::default();
            *response.status_mut() = status_of(&error);
        }
    }
    response
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = self.inner.is_none();
        f.debug_struct("ResponseFuture").field("answered", &answered).finish_non_exhaustive()
    }
}

thread_local! {
    /// The request that this thread is at.
    static CURRENT: RefCell<Option<LazySession>> = const { RefCell::new(None) };
}

/// Works on this request: what has no other way to know it asks [`current`].
fn during<T>(request: &LazySession, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<LazySession>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            CURRENT.with_borrow_mut(|current| *current = before);
        }
    }
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(request.clone())));
    work()
}

/// The request that this thread is at, if it is at one.
#[cfg(feature = "axum")]
fn current() -> Option<Asked> {
    CURRENT.with_borrow(|current| current.as_ref().and_then(|request| request.asked().cloned()))
}

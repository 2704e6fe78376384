//! [`CsrfLayer`]: CSRF protection for a tower service, as `CsrfMiddleware` provides it for an `App`.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower_layer::Layer;
use tower_service::Service;

use super::{session_of, status_of};
use crate::error::Result;
use crate::middleware::csrf::{CsrfRules, Sent, TOO_LARGE, forbidden, is_right, refusal};
use crate::middleware::log::{Asked, log};

/// Protects a service against cross-site request forgery, by the same rules as
/// [`CsrfMiddleware`](crate::middleware::CsrfMiddleware).
///
/// The layer belongs inside a `SessionLayer`: with axum, in a `.layer` call before that of the
/// `SessionLayer`. Handlers get the token for their pages as an argument, `CsrfToken` (feature `axum`). The
/// body of a form is read up to a limit, and passed on unchanged.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use beaker::middleware::{CsrfLayer, CsrfToken, SessionLayer};
/// use beaker::{AsyncBackend, AsyncSessions, Signer};
///
/// # fn main() -> beaker::Result<()> {
/// async fn form(token: CsrfToken) -> String {
///     format!(r#"<form method="post"><input type="hidden" name="csrf_token" value="{token}">"#)
/// }
/// async fn buy() -> &'static str {
///     "bought"
/// }
/// let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(Signer::random()?);
/// let app: Router = Router::new()
///     .route("/", get(form).post(buy))
///     .layer(CsrfLayer::new())
///     .layer(SessionLayer::new(sessions)?);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct CsrfLayer(Arc<CsrfRules>);

impl CsrfLayer {
    /// Creates a layer that expects tokens in the default header and field.
    pub fn new() -> CsrfLayer {
        CsrfLayer::default()
    }

    /// Sets the header that may contain the token. Default: `X-CSRF-Token`.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if this is not a valid name of a header.
    pub fn header(mut self, name: &str) -> Result<CsrfLayer> {
        Arc::make_mut(&mut self.0).set_header(name)?;
        Ok(self)
    }

    /// Sets the form field that may contain the token. Default: `csrf_token`.
    pub fn field(mut self, name: impl Into<String>) -> CsrfLayer {
        Arc::make_mut(&mut self.0).field = name.into();
        self
    }

    /// Sets the maximum size of a form, in bytes. Default: 1 MiB. A larger form gets the status 413.
    pub fn body_limit(mut self, bytes: usize) -> CsrfLayer {
        Arc::make_mut(&mut self.0).body_limit = bytes;
        self
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> CsrfService<S> {
        CsrfService { inner, rules: self.0.clone() }
    }
}

/// A protected service, created by [`CsrfLayer`].
#[derive(Clone)]
pub struct CsrfService<S> {
    inner: S,
    rules: Arc<CsrfRules>,
}

impl<S, B, R> Service<Request<B>> for CsrfService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + From<Bytes> + Send + 'static,
    B::Data: Send,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let sent = self.rules.sent(request.method(), request.headers());
        if matches!(sent, Sent::Safe) {
            return Box::pin(self.inner.call(request));
        }
        let rules = self.rules.clone();
        // The one that is ready, and not its clone.
        let later = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, later);
        Box::pin(async move {
            match admitted(&rules, sent, request).await {
                Ok(request) => inner.call(request).await,
                Err((status, what)) => {
                    Ok(refusal(status, Bytes::from_static(what.as_bytes())).map(R::from))
                }
            }
        })
    }
}

/// Gives back a request that has a token of its session, or says why it is refused.
async fn admitted<B>(
    rules: &CsrfRules,
    sent: Sent,
    request: Request<B>,
) -> Result<Request<B>, (StatusCode, &'static str)>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + From<Bytes>,
{
    let (token, request) = match sent {
        Sent::Token(token) => (Some(token), request),
        Sent::Form => {
            let (parts, body) = request.into_parts();
            let body = match Limited::new(body, rules.body_limit).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) if error.is::<LengthLimitError>() => return Err(TOO_LARGE),
                Err(_) => return Err((StatusCode::BAD_REQUEST, "This form ended early.")),
            };
            (rules.in_form(&body), Request::from_parts(parts, B::from(body)))
        }
        Sent::Nothing | Sent::Safe => (None, request),
    };
    let asked = Asked::of(&request);
    let session = session_of(request.extensions()).await.map_err(|error| {
        log("a token could not be checked", Some(&asked), &error);
        (status_of(&error), "the server could not answer this request")
    })?;
    match is_right(&session, token.as_deref()) {
        true => Ok(request),
        false => Err(forbidden(&asked, token.is_some())),
    }
}

impl<S> fmt::Debug for CsrfService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfService").field("rules", &self.rules).finish_non_exhaustive()
    }
}

//! [`RateLimitLayer`]: a rate limit for a tower service, as `RateLimitMiddleware` provides it for an `App`.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::status_of;
use crate::error::Error;
use crate::limit::AsyncRateLimiter;
use crate::middleware::csrf::refusal;
use crate::middleware::log::{Asked, log};
use crate::middleware::rate_limit::{Visitors, too_many};
use crate::proxies::TrustedProxies;

/// Limits the rate of each visitor's requests to a service with an [`AsyncRateLimiter`], by the same rules as
/// [`RateLimitMiddleware`](crate::middleware::RateLimitMiddleware).
///
/// If the limiter fails because of its store, the visitor gets the status 503 or 500, and the error is
/// logged; with [`on_store_failure`](AsyncRateLimiter::on_store_failure), such requests can be admitted
/// instead.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use std::time::Duration;
///
/// use axum::Router;
/// use axum::routing::get;
/// use beaker::AsyncBackend;
/// use beaker::limit::{AsyncRateLimiter, RateLimit};
/// use beaker::middleware::RateLimitLayer;
///
/// # fn main() -> beaker::Result<()> {
/// let rule = RateLimit::token_bucket(20, Duration::from_secs(10));
/// let limiter = AsyncRateLimiter::new(AsyncBackend::memory(), "pages", rule)?;
/// let app: Router =
///     Router::new().route("/", get(|| async { "a page" })).layer(RateLimitLayer::new(limiter));
/// // Without this the layer does not know who asks.
/// let app = app.into_make_service_with_connect_info::<SocketAddr>();
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RateLimitLayer {
    limiter: AsyncRateLimiter,
    visitors: Visitors,
}

impl RateLimitLayer {
    /// Creates a layer that uses this limiter.
    pub fn new(limiter: AsyncRateLimiter) -> RateLimitLayer {
        RateLimitLayer { limiter, visitors: Visitors::default() }
    }

    /// Trusts these proxies to name the visitor's address, in `X-Forwarded-For` or in `Forwarded`. Default:
    /// none, and the peer is the visitor.
    pub fn behind(mut self, proxies: TrustedProxies) -> RateLimitLayer {
        self.visitors.proxies = Some(Arc::new(proxies));
        self
    }

    /// Sets a function that chooses the key by which requests are counted, such as an API key in a header.
    /// Default: the visitor's address, which also applies when the function returns `None`.
    pub fn key_of(
        mut self,
        key_of: impl Fn(&HeaderMap) -> Option<String> + Send + Sync + 'static,
    ) -> RateLimitLayer {
        self.visitors.key_of = Some(Arc::new(key_of));
        self
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> RateLimitService<S> {
        RateLimitService { inner, layer: self.clone() }
    }
}

/// A service with a rate limit, created by [`RateLimitLayer`].
#[derive(Clone)]
pub struct RateLimitService<S> {
    inner: S,
    layer: RateLimitLayer,
}

impl<S, B, R> Service<Request<B>> for RateLimitService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let RateLimitLayer { limiter, visitors } = self.layer.clone();
        // The one that is ready, and not its clone.
        let later = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, later);
        Box::pin(async move {
            let decision = match visitors.key(&request) {
                Ok(key) => limiter.check(key).await,
                Err(error) => Err(error),
            };
            match decision {
                Ok(decision) if decision.allowed => inner.call(request).await,
                Ok(decision) => {
                    Ok(too_many(decision.retry_after).map(|what| Bytes::from(what).into()))
                }
                Err(error) => Ok(failed(&Asked::of(&request), &error)),
            }
        })
    }
}

fn failed<R: From<Bytes>>(asked: &Asked, error: &Error) -> Response<R> {
    log("a request could not be counted", Some(asked), error);
    let what = Bytes::from_static(b"the server could not answer this request");
    refusal(status_of(error), what.into())
}

impl<S> fmt::Debug for RateLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService").field("layer", &self.layer).finish_non_exhaustive()
    }
}

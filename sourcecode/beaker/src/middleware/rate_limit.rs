//! [`RateLimitMiddleware`]: refuses visitors who send too many requests.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::arrival::{lines, peer};
use super::csrf::refusal;
use super::{App, Request, Response};
use crate::error::{Error, Result};
use crate::limit::RateLimiter;
use crate::proxies::TrustedProxies;

/// Tells for which key a request counts.
type KeyOf = dyn Fn(&HeaderMap) -> Option<String> + Send + Sync;

/// Limits the rate of each visitor's requests to an application with a [`RateLimiter`]. A visitor over the
/// limit gets the status 429 with `Retry-After`, and the application is not called.
///
/// A visitor is an address: that of the peer, or behind [proxies](RateLimitMiddleware::behind) the one that
/// they name. All IPv6 addresses with the same first 64 bits count as one, because one household has that
/// many.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use beaker::Backend;
/// use beaker::limit::{RateLimit, RateLimiter};
/// use beaker::middleware::{RateLimitMiddleware, Request, text};
///
/// # fn main() -> beaker::Result<()> {
/// let rule = RateLimit::token_bucket(20, Duration::from_secs(10));
/// let limiter = RateLimiter::new(Backend::memory(), "pages", rule)?;
/// let app = |_: &mut Request| Ok(text("a page"));
/// let app = RateLimitMiddleware::new(app, limiter).behind("127.0.0.1".parse()?);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct RateLimitMiddleware<A> {
    app: A,
    limiter: RateLimiter,
    visitors: Visitors,
}

/// Who counts as one visitor.
#[derive(Clone, Default)]
pub(super) struct Visitors {
    pub(super) proxies: Option<Arc<TrustedProxies>>,
    pub(super) key_of: Option<Arc<KeyOf>>,
}

impl Visitors {
    /// Returns the key for which a request counts.
    pub(super) fn key<B>(&self, request: &http::Request<B>) -> Result<String> {
        if let Some(key) = self.key_of.as_ref().and_then(|key_of| key_of(request.headers())) {
            return Ok(format!("key {key}"));
        }
        let peer = peer(request.extensions()).ok_or_else(|| {
            Error::config(
                "nobody says from which peer this request comes, so it cannot be counted; insert a \
                 `PeerAddress`, or serve with `into_make_service_with_connect_info`",
            )
        })?;
        let visitor = match &self.proxies {
            Some(proxies) => proxies.visitor(peer, lines(request.headers())),
            None => peer,
        };
        Ok(match visitor.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & u128::MAX << 64);
                format!("{network}/64")
            }
        })
    }
}

/// The response to a visitor over the limit: when to try again, in whole seconds.
pub(super) fn too_many(retry_after: Option<Duration>) -> http::Response<String> {
    let wait = retry_after.unwrap_or_default();
    let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
    let what = format!("Too many requests. Try again in {seconds} s.");
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, what);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

impl<A: App> RateLimitMiddleware<A> {
    /// Wraps an application.
    pub fn new(app: A, limiter: RateLimiter) -> RateLimitMiddleware<A> {
        RateLimitMiddleware { app, limiter, visitors: Visitors::default() }
    }

    /// Trusts these proxies to name the visitor's address, in `X-Forwarded-For` or in `Forwarded`. Default:
    /// none, and the peer is the visitor.
    pub fn behind(mut self, proxies: TrustedProxies) -> RateLimitMiddleware<A> {
        self.visitors.proxies = Some(Arc::new(proxies));
        self
    }

    /// Sets a function that chooses the key by which requests are counted, such as an API key in a header.
    /// Default: the visitor's address, which also applies when the function returns `None`.
    pub fn key_of(
        mut self,
        key_of: impl Fn(&HeaderMap) -> Option<String> + Send + Sync + 'static,
    ) -> RateLimitMiddleware<A> {
        self.visitors.key_of = Some(Arc::new(key_of));
        self
    }
}

impl<A: App> App for RateLimitMiddleware<A> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        let decision = self.limiter.check(self.visitors.key(request)?)?;
        match decision.allowed {
            true => self.app.call(request),
            false => Ok(too_many(decision.retry_after).map(String::into_bytes)),
        }
    }
}

impl fmt::Debug for Visitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitors").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for RateLimitMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitMiddleware")
            .field("limiter", &self.limiter)
            .field("visitors", &self.visitors)
            .finish_non_exhaustive()
    }
}

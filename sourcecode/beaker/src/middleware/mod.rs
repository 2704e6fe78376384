//! [`App`], an application, and the middlewares that wrap it: sessions, caches, CSRF protection, rate limits.
//!
//! The design is that of WSGI: an application is called with a request and returns a response, and a
//! middleware is an application that calls another one. A `Server` (feature `server`) serves an application.
//!
//! For async servers, layers do the same around a tower service (feature `tower`), and handlers of axum
//! (feature `axum`) take a [`RequestSession`] and a `CsrfToken` as arguments. The middlewares and layers,
//! from the outermost to the innermost:
//!
//! | around an `App` | around a service | |
//! |---|---|---|
//! | [`RateLimitMiddleware`] | `RateLimitLayer` | refuses visitors who send too many requests |
//! | [`HttpCacheMiddleware`] | `HttpCacheLayer` | caches the pages that are the same for all visitors |
//! | [`SessionMiddleware`] | `SessionLayer` | gives each request its session |
//! | [`CsrfMiddleware`] | `CsrfLayer` | refuses forged requests of other sites |
//! | [`CacheMiddleware`] | | gives each request the application's caches |

mod arrival;
mod cache;
mod csrf;
mod http_cache;
mod log;
mod rate_limit;
mod request_session;
#[cfg(feature = "server")]
mod server;
mod session;
mod tenant_cookie;
#[cfg(feature = "tower")]
mod tower;

pub use arrival::PeerAddress;
pub use cache::{CacheExt, CacheMiddleware};
pub use csrf::CsrfMiddleware;
pub use http_cache::{CachedPage, HttpCacheMiddleware};
pub use rate_limit::RateLimitMiddleware;
pub use request_session::{RequestSession, SessionExt};
#[cfg(feature = "server")]
pub use server::{Server, ShutdownHandle};
pub use session::SessionMiddleware;
#[cfg(feature = "axum")]
pub use tower::CsrfToken;
#[cfg(feature = "tower")]
pub use tower::{
    CsrfLayer, CsrfService, HttpCacheLayer, HttpCacheService, RateLimitLayer, RateLimitService,
    ResponseFuture, SessionLayer, SessionService, session_of,
};

use crate::error::Result;

/// A request, with its whole body.
pub type Request = http::Request<Vec<u8>>;

/// Prevents other crates from implementing the extension traits of a request, so that methods can be added to
/// these.
mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Request {}
}

/// A response, with its whole body.
pub type Response = http::Response<Vec<u8>>;

/// An application: a function from requests to responses, called from several threads.
///
/// An error becomes a response of status 500 without details; the server logs the error.
pub trait App: Send + Sync {
    /// Answers a request.
    fn call(&self, request: &mut Request) -> Result<Response>;
}

impl<F> App for F
where
    F: Fn(&mut Request) -> Result<Response> + Send + Sync,
{
    fn call(&self, request: &mut Request) -> Result<Response> {
        self(request)
    }
}

/// Returns a response of status 200 with a plain text.
pub fn text(body: impl Into<String>) -> Response {
    let mut response = Response::new(body.into().into_bytes());
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}

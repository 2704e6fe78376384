//! An application, and what is wrapped around it: [`App`], and its middlewares.
//!
//! The shape is WSGI's: an application is called with a request and gives a response, and a
//! middleware is an application that calls another one. A `Server` (feature `server`) serves it.
//!
//! For async servers, the same is done by layers around one of tower's services (feature `tower`), and axum's
//! handlers (feature `axum`) take a [`RequestSession`] and a `CsrfToken` as arguments. From the outside inwards:
//!
//! | around an `App` | around a service | |
//! |---|---|---|
//! | [`RateLimitMiddleware`] | `RateLimitLayer` | refuses visitors who ask too often |
//! | [`HttpCacheMiddleware`] | `HttpCacheLayer` | keeps pages that are for all |
//! | [`SessionMiddleware`] | `SessionLayer` | gives each request its session |
//! | [`CsrfMiddleware`] | `CsrfLayer` | refuses what other sites have forged |
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

/// Keeps others from implementing what only a request has, so that methods can be added to it.
mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Request {}
}

/// A response, with its whole body.
pub type Response = http::Response<Vec<u8>>;

/// An application: called with each request, from several threads.
///
/// An error becomes a response of status 500 that says nothing of it; the server logs it.
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

/// A response of status 200 with a plain text.
pub fn text(body: impl Into<String>) -> Response {
    let mut response = Response::new(body.into().into_bytes());
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}

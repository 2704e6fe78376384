//! [`CacheMiddleware`]: gives each request the application's caches.

use std::any::type_name;
use std::fmt;

use super::sealed::Sealed;
use super::{App, Request, Response};
use crate::error::{Error, Result};

/// Gives each request the caches of an application: Beaker's middleware of the same name.
///
/// The value is of your own choice: one [`Cache`](crate::Cache), or a struct of several. It is cloned for
/// each request, so it should be cheap to clone, as a cache is.
///
/// ```
/// use beaker::Cache;
/// use beaker::middleware::{App, CacheExt, CacheMiddleware, Request, Response, text};
///
/// # fn main() -> beaker::Result<()> {
/// let app = |request: &mut Request| -> beaker::Result<Response> {
///     let standings: &Cache<u32> = request.caches()?;
///     Ok(text(standings.get_or_create("Kimi", || 110_u32)?.to_string()))
/// };
/// let app = CacheMiddleware::new(app, Cache::<u32>::in_memory(100));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
pub struct CacheMiddleware<A, C> {
    app: A,
    caches: C,
}

/// In a request: what an application asks for by its type.
#[derive(Clone)]
struct Given<C>(C);

impl<A: App, C: Clone + Send + Sync + 'static> CacheMiddleware<A, C> {
    /// Wraps an application. An application may be wrapped several times, with values of different types.
    pub fn new(app: A, caches: C) -> CacheMiddleware<A, C> {
        CacheMiddleware { app, caches }
    }
}

impl<A: App, C: Clone + Send + Sync + 'static> App for CacheMiddleware<A, C> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        request.extensions_mut().insert(Given(self.caches.clone()));
        self.app.call(request)
    }
}

/// Adds access to the application's caches to a [`Request`].
///
/// The trait is implemented for [`Request`] only.
pub trait CacheExt: Sealed {
    /// Returns the caches of this type.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if no [`CacheMiddleware`] with this type is wrapped around the application.
    fn caches<C: Clone + Send + Sync + 'static>(&self) -> Result<&C>;
}

impl CacheExt for Request {
    fn caches<C: Clone + Send + Sync + 'static>(&self) -> Result<&C> {
        self.extensions().get::<Given<C>>().map(|given| &given.0).ok_or_else(|| {
            let wanted = type_name::<C>();
            Error::config(format!(
                "this request has no `{wanted}`; wrap the application in a `CacheMiddleware` with one"
            ))
        })
    }
}

impl<A, C: fmt::Debug> fmt::Debug for CacheMiddleware<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheMiddleware").field("caches", &self.caches).finish_non_exhaustive()
    }
}

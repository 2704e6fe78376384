//! [`HttpCacheMiddleware`]: caches the pages that are the same for all visitors.

mod flow;
mod page;
mod rules;

use std::fmt;
use std::sync::Arc;

use http::header::{Entry, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

pub(super) use flow::{Found, HttpCache, Place, ROUNDS};
pub use page::CachedPage;
pub(super) use page::shorten;
pub(super) use rules::Way;

use super::log::{Asked, log};
use super::request_session::LazySession;
use super::{App, Request, Response};
use crate::cache::{Cache, CacheEntry};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::world::finish;

/// Caches the pages of an application that allow it, as RFC 9111 describes for a shared cache.
///
/// - A response to a `GET` is cached if it says for how long, with `Cache-Control: max-age=60`, `s-maxage` or
///   `Expires`. A response with `Set-Cookie`, `private`, `no-store`, `no-cache` or `Vary: *` is never cached,
///   nor is one to a request with `Authorization`.
/// - A page is cached once for each value of the headers that its `Vary` names. A page that depends on any
///   other part of a request, such as `X-Forwarded-Host`, has to name it there, or visitors get each other's
///   pages.
/// - A cached page without an `ETag` gets one computed from its content. A request with that tag in
///   `If-None-Match`, or with the page's `Last-Modified` in `If-Modified-Since`, gets a 304 without the page.
///   The same holds for responses with one of these headers that are not cached.
/// - A `HEAD` is answered from a cached page, without its body. A successful request that changes something,
///   such as a `POST`, removes the cached pages of its address.
/// - If many requests ask for a missing page at the same time, one of them calls the application and the
///   others wait for its result (single-flight). A page that turns out not to be for all is computed for each
///   of them.
/// - `no-cache` and `max-age` in a request are ignored, so that nobody can put load on the application by
///   reloading. `no-store` is obeyed.
///
/// If the cache fails, requests go to the application, and the error is logged.
///
/// The `SessionMiddleware` belongs inside, where a page that asks for its session gets `Vary: Cookie`. If it
/// is outside, such a page is not cached at all.
///
/// # Examples
///
/// ```
/// use beaker::Cache;
/// use beaker::middleware::{App, HttpCacheMiddleware, Request, Response, text};
///
/// # fn main() -> beaker::Result<()> {
/// let standings = |_: &mut Request| -> beaker::Result<Response> {
///     let mut page = text("Kimi 110");
///     page.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
///     Ok(page)
/// };
/// let app = HttpCacheMiddleware::new(standings, Cache::in_memory(1000));
/// let first = app.call(&mut http::Request::get("/").body(Vec::new()).unwrap())?;
/// let again = http::Request::get("/").header("if-none-match", &first.headers()["etag"]);
/// assert_eq!(app.call(&mut again.body(Vec::new()).unwrap())?.status(), 304);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct HttpCacheMiddleware<A> {
    app: A,
    cache: HttpCache<Cache<CachedPage>>,
}

impl<A: App> HttpCacheMiddleware<A> {
    /// Wraps an application and stores its pages in this cache: in memory, or in any backend.
    pub fn new(app: A, cache: Cache<CachedPage>) -> HttpCacheMiddleware<A> {
        HttpCacheMiddleware { app, cache: HttpCache::new(cache) }
    }

    /// Sets the maximum size of a page's body that is cached, in bytes. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> HttpCacheMiddleware<A> {
        self.cache.body_limit = bytes;
        self
    }

    /// Sets the clock that the `Age` header is computed with. Default: the system's. Use the same clock as
    /// for the cache.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> HttpCacheMiddleware<A> {
        self.cache.clock = clock;
        self
    }

    fn look(&self, request: &mut Request, way: Way) -> Result<Response> {
        let mut place = Place::of(request);
        for _ in 0..ROUNDS {
            let mut found = finish(self.cache.find(place, request.headers(), way));
            if let (Found::Nothing(here), Way::Kept) = (&found, way) {
                let here = here.clone();
                found = match self.make(request, &here)? {
                    Made::Answer(response) => return Ok(response),
                    Made::Found(page) => self.cache.read(here, page, request.headers(), way),
                    Made::Nothing => Found::Passed(None),
                };
            }
            return match found {
                Found::Elsewhere(elsewhere) => {
                    place = elsewhere;
                    continue;
                }
                Found::Answer(response) => Ok(response.map(Vec::from)),
                Found::Passed(Some(place)) if way == Way::Kept => {
                    let (entry, response) = self.ask(request, &place)?;
                    if let Some(entry) = entry {
                        finish(self.cache.put(place.key(), entry));
                    }
                    Ok(response)
                }
                Found::Nothing(_) | Found::Passed(_) => self.pass(request),
            };
        }
        self.pass(request)
    }

    /// Asks the application for all who want the same now.
    fn make(&self, request: &mut Request, place: &Place) -> Result<Made> {
        let mut answer = None;
        let made = self.cache.pages.try_get_or_create(place.key(), || {
            let entry = match self.ask(request, place) {
                Ok((entry, response)) => {
                    answer = Some(Ok(response));
                    entry.unwrap_or_else(|| self.cache.passed())
                }
                // Others may have more luck.
                Err(error) => {
                    answer = Some(Err(error));
                    self.cache.passed().not_kept()
                }
            };
            Ok::<_, Error>(entry)
        });
        Ok(match (answer, made) {
            (Some(answer), _) => Made::Answer(answer?),
            (None, Ok(page)) => Made::Found(page),
            (None, Err(error)) => {
                log("the HTTP cache could not be asked", Some(&Asked::of(request)), &error);
                Made::Nothing
            }
        })
    }

    /// Asks the application for a whole page. Gives what is to be kept of it, if it may be, and what is answered.
    fn ask(
        &self,
        request: &mut Request,
        place: &Place,
    ) -> Result<(Option<CacheEntry<CachedPage>>, Response)> {
        let conditions = take_conditions(request.headers_mut());
        // A session that is given inside says so in its answer.
        let outer = request.extensions().get::<LazySession>().cloned();
        let response = self.app.call(request)?;
        let (parts, body) = response.into_parts();
        let is_own = outer.is_some_and(|session| session.is_asked_for());
        let length = Some(body.len()).filter(|_| !is_own);
        Ok(match self.cache.keeping(&parts, length) {
            None => (None, shorten(&conditions, Response::from_parts(parts, body))),
            Some(keeping) => {
                let headers = [request.headers(), &conditions];
                let kept = self.cache.keep(place, headers, &parts, body.into(), keeping);
                let (entry, response) = finish(kept);
                (Some(entry), response.map(Vec::from))
            }
        })
    }

    fn pass(&self, request: &mut Request) -> Result<Response> {
        let response = self.app.call(request)?;
        Ok(shorten(request.headers(), response))
    }
}

/// What came of asking the application for all.
enum Made {
    /// It was asked for this request.
    Answer(Response),
    /// It was asked for another one.
    Found(CachedPage),
    Nothing,
}

impl<A: App> App for HttpCacheMiddleware<A> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        match Way::of(request) {
            Way::Passed => self.pass(request),
            Way::Changes => {
                let place = Place::of(request);
                let response = self.app.call(request)?;
                if has_changed(response.status()) {
                    finish(self.cache.forget(place.key()));
                }
                Ok(response)
            }
            way => self.look(request, way),
        }
    }
}

/// Tells by its status whether a request has done what it was to do.
pub(super) fn has_changed(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// Removes the conditional headers of a request, because the application must not answer with a 304: other
/// visitors who wait for the same page may not have it.
pub(super) fn take_conditions(headers: &mut HeaderMap) -> HeaderMap {
    let mut conditions = HeaderMap::new();
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE] {
        if let Entry::Occupied(entry) = headers.entry(&name) {
            let (_, values) = entry.remove_entry_mult();
            for value in values {
                conditions.append(&name, value);
            }
        }
    }
    conditions
}

impl<A> fmt::Debug for HttpCacheMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCacheMiddleware").field("cache", &self.cache).finish_non_exhaustive()
    }
}

//! [`HttpCacheLayer`]: an HTTP cache for a tower service, as `HttpCacheMiddleware` provides it for an `App`.

use std::fmt;
use std::future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::cache::{AsyncCache, CacheEntry};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::middleware::http_cache::{
    CachedPage, Found, HttpCache, Place, ROUNDS, Way, has_changed, shorten, take_conditions,
};
use crate::middleware::log::{Asked, log};
use crate::middleware::request_session::LazySession;

type Cache = HttpCache<AsyncCache<CachedPage>>;

/// Caches the pages of a service, by the same rules as
/// [`HttpCacheMiddleware`](crate::middleware::HttpCacheMiddleware).
///
/// Only pages whose body has a known length are cached, up to a limit; streamed bodies are not. If several
/// visitors wait for a page, it is computed to the end even if the visitor whose request started it
/// disconnects. The layer belongs around a `SessionLayer`, so that cached pages need no look-up of a session.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use beaker::AsyncCache;
/// use beaker::middleware::HttpCacheLayer;
///
/// # async fn example() {
/// async fn standings() -> ([(&'static str, &'static str); 1], &'static str) {
///     ([("cache-control", "max-age=60")], "Kimi 110")
/// }
/// let pages = HttpCacheLayer::new(AsyncCache::in_memory(1000));
/// let app: Router = Router::new().route("/", get(standings)).layer(pages);
/// # let _ = app;
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpCacheLayer(Arc<Cache>);

impl HttpCacheLayer {
    /// Creates a layer that stores its pages in this cache: in memory, or in any backend.
    pub fn new(cache: AsyncCache<CachedPage>) -> HttpCacheLayer {
        HttpCacheLayer(Arc::new(HttpCache::new(cache)))
    }

    /// Sets the maximum size of a page's body that is cached, in bytes. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> HttpCacheLayer {
        Arc::make_mut(&mut self.0).body_limit = bytes;
        self
    }

    /// Sets the clock that the `Age` header is computed with. Default: the system's. Use the same clock as
    /// for the cache.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> HttpCacheLayer {
        Arc::make_mut(&mut self.0).clock = clock;
        self
    }
}

impl<S> Layer<S> for HttpCacheLayer {
    type Service = HttpCacheService<S>;

    fn layer(&self, inner: S) -> HttpCacheService<S> {
        HttpCacheService { inner, cache: self.0.clone() }
    }
}

/// A service whose pages are cached, created by [`HttpCacheLayer`].
#[derive(Clone)]
pub struct HttpCacheService<S> {
    inner: S,
    cache: Arc<Cache>,
}

impl<S, B, R> Service<Request<B>> for HttpCacheService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Body<Error: fmt::Display> + From<Bytes> + Default + Send + 'static,
    R::Data: Send,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let way = Way::of(&request);
        // The one that is ready, and not its clone. It is not kept for later, even where a page is found: what
        // limits the requests of a service may hold a place for it.
        let later = self.inner.clone();
        let inner = mem::replace(&mut self.inner, later);
        let begun = match way {
            Way::Passed | Way::Changes => None,
            Way::Kept | Way::KeptOrPassed => {
                match at_once(&self.cache, Place::of(&request), request.headers(), way) {
                    // Most often so, and then no large future has to be made.
                    Begun::Found(Found::Answer(response)) => {
                        return Box::pin(future::ready(Ok(response.map(body))));
                    }
                    begun => Some(begun),
                }
            }
        };
        let cache = self.cache.clone();
        Box::pin(async move {
            match (begun, way) {
                (Some(begun), way) => look(&cache, inner, request, way, begun).await,
                (None, Way::Changes) => change(&cache, inner, request).await,
                (None, _) => pass(inner, request).await,
            }
        })
    }
}

/// How the search for a page begins.
enum Begun {
    Found(Found),
    /// It is to be looked for here, which may have to be waited for.
    Look(Place),
}

/// Searches in the memory of this process, for what is fresh.
fn at_once(cache: &Cache, mut place: Place, headers: &HeaderMap, way: Way) -> Begun {
    while let Some(found) = cache.pages.fresh(place.key().as_bytes()) {
        match cache.read(place, found, headers, way) {
            Found::Elsewhere(elsewhere) => place = elsewhere,
            found => return Begun::Found(found),
        }
    }
    Begun::Look(place)
}

/// The body of a kept page. None at all is one that need not be allocated.
fn body<R: Default + From<Bytes>>(bytes: Bytes) -> R {
    if bytes.is_empty() { R::default() } else { bytes.into() }
}

async fn pass<S, B, R>(mut inner: S, request: Request<B>) -> Result<Response<R>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    let conditions = take_conditions(&mut request.headers().clone());
    Ok(shorten(&conditions, inner.call(request).await?))
}

async fn change<S, B, R>(
    cache: &Cache,
    mut inner: S,
    request: Request<B>,
) -> Result<Response<R>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    let place = Place::of(&request);
    let response = inner.call(request).await?;
    if has_changed(response.status()) {
        cache.forget(place.key()).await;
    }
    Ok(response)
}

async fn look<S, B, R>(
    cache: &Arc<Cache>,
    inner: S,
    request: Request<B>,
    way: Way,
    mut begun: Begun,
) -> Result<Response<R>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>> + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Body<Error: fmt::Display> + From<Bytes> + Default + Send + 'static,
    R::Data: Send,
{
    let mut asks = Asks { inner, request };
    for _ in 0..ROUNDS {
        let mut found = match begun {
            Begun::Found(found) => found,
            Begun::Look(place) => cache.find(place, asks.request.headers(), way).await,
        };
        if let (Found::Nothing(here), Way::Kept) = (&found, way) {
            let here = here.clone();
            (asks, found) = match make(cache, asks, &here).await {
                Made::Answer(answer) => return answer,
                Made::Found(page, asks) => {
                    let found = cache.read(here, page, asks.request.headers(), way);
                    (asks, found)
                }
                Made::Nothing(asks) => (asks, Found::Passed(None)),
            };
        }
        return match found {
            Found::Elsewhere(elsewhere) => {
                begun = Begun::Look(elsewhere);
                continue;
            }
            Found::Answer(response) => Ok(response.map(body)),
            Found::Passed(Some(place)) if way == Way::Kept => {
                let (entry, response) = asks.ask(cache, &place).await?;
                if let Some(entry) = entry {
                    cache.put(place.key(), entry).await;
                }
                Ok(response)
            }
            Found::Nothing(_) | Found::Passed(_) => pass(asks.inner, asks.request).await,
        };
    }
    pass(asks.inner, asks.request).await
}

/// A request, and the service that it is for.
struct Asks<S, B> {
    inner: S,
    request: Request<B>,
}

/// What came of asking the service for all.
enum Made<S, B, R, E> {
    /// It was asked for this request.
    Answer(Result<Response<R>, E>),
    /// It was asked for another one.
    Found(CachedPage, Asks<S, B>),
    Nothing(Asks<S, B>),
}

/// What a loader, which is a task of its own, has of a request.
enum Slot<S, B, R, E> {
    Asks(Asks<S, B>),
    Running,
    Answer(Result<Response<R>, E>),
}

impl<S, B, R, E> Slot<S, B, R, E> {
    fn replace(slot: &Mutex<Self>, by: Self) -> Self {
        mem::replace(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner), by)
    }
}

/// Asks the service for all who want the same now.
async fn make<S, B, R>(
    cache: &Arc<Cache>,
    asks: Asks<S, B>,
    place: &Place,
) -> Made<S, B, R, S::Error>
where
    S: Service<Request<B>, Response = Response<R>> + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Body<Error: fmt::Display> + From<Bytes> + Default + Send + 'static,
    R::Data: Send,
{
    let asked = Asked::of(&asks.request);
    let slot = Arc::new(Mutex::new(Slot::Asks(asks)));
    let load = {
        let (cache, slot, place) = (cache.clone(), slot.clone(), place.clone());
        move || async move {
            let Slot::Asks(asks) = Slot::replace(&slot, Slot::Running) else {
                return cache.passed().not_kept();
            };
            let (entry, answer) = match asks.ask(&cache, &place).await {
                Ok((entry, response)) => (entry.unwrap_or_else(|| cache.passed()), Ok(response)),
                // Others may have more luck.
                Err(error) => (cache.passed().not_kept(), Err(error)),
            };
            Slot::replace(&slot, Slot::Answer(answer));
            entry
        }
    };
    let made = cache.pages.get_or_create(place.key(), load).await;
    match (Slot::replace(&slot, Slot::Running), made) {
        (Slot::Answer(answer), _) => Made::Answer(answer),
        (Slot::Asks(asks), Ok(page)) => Made::Found(page, asks),
        (Slot::Asks(asks), Err(error)) => {
            log("the HTTP cache could not be asked", Some(&asked), &error);
            Made::Nothing(asks)
        }
        // The task was ended: the program ends.
        (Slot::Running, _) => Made::Answer(Ok(failed())),
    }
}

impl<S, B> Asks<S, B> {
    /// Asks the service for a whole page. Gives what is to be kept of it, if it may be, and what is answered.
    async fn ask<R>(
        mut self,
        cache: &Cache,
        place: &Place,
    ) -> Result<(Option<CacheEntry<CachedPage>>, Response<R>), S::Error>
    where
        S: Service<Request<B>, Response = Response<R>>,
        R: Body<Error: fmt::Display> + From<Bytes> + Default,
    {
        let conditions = take_conditions(self.request.headers_mut());
        let headers: HeaderMap = self.request.headers().clone();
        let asked = Asked::of(&self.request);
        // A session that is given inside says so in its answer.
        let outer = self.request.extensions().get::<LazySession>().cloned();
        let (parts, body) = self.inner.call(self.request).await?.into_parts();
        let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|_| !outer.is_some_and(|session| session.is_asked_for()));
        let Some(keeping) = cache.keeping(&parts, length) else {
            return Ok((None, shorten(&conditions, Response::from_parts(parts, body))));
        };
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                let what = format!("the body of a page broke off: {error}");
                log(
                    "a page could not be made",
                    Some(&asked),
                    &Error::new(ErrorKind::Application, what),
                );
                return Ok((None, failed()));
            }
        };
        let headers = [&headers, &conditions];
        let (entry, response) = cache.keep(place, headers, &parts, body, keeping).await;
        Ok((Some(entry), response.map(R::from)))
    }
}

fn failed<R: Default>() -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

impl<S> fmt::Debug for HttpCacheService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCacheService").field("cache", &self.cache).finish_non_exhaustive()
    }
}

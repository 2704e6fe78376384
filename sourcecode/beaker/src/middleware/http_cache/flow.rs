//! The way of a request through an HTTP cache, for blocking and asynchronous programs: what is looked up, and
//! what is stored of the application's response.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, response};

use super::page::{CachedPage, Kept, Page, Varies, system_time};
use super::rules::{self, Keeping, Way};
#[cfg(feature = "tokio")]
use crate::cache::AsyncCache;
use crate::cache::{Cache, CacheEntry};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::middleware::log::log;

/// The largest body that is kept, by default.
const BODY_LIMIT: usize = 1024 * 1024;

/// How long requests for a page that is not for all do not wait for one another.
const PASSED_FOR: Duration = Duration::from_secs(10);

/// How long at least the `Vary` headers of an address are known.
const VARIES_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The limit of look-ups for one request: what is found may have moved meanwhile.
pub(crate) const ROUNDS: usize = 4;

/// A cache of either kind of program.
pub(crate) trait Pages: Send + Sync {
    fn find(&self, key: &str) -> impl Future<Output = Result<Option<CachedPage>>> + Send;

    fn keep(
        &self,
        key: &str,
        entry: CacheEntry<CachedPage>,
    ) -> impl Future<Output = Result<()>> + Send;

    fn forget(&self, key: &str) -> impl Future<Output = Result<bool>> + Send;
}

impl Pages for Cache<CachedPage> {
    async fn find(&self, key: &str) -> Result<Option<CachedPage>> {
        self.get(key)
    }

    async fn keep(&self, key: &str, entry: CacheEntry<CachedPage>) -> Result<()> {
        self.put(key, entry)
    }

    async fn forget(&self, key: &str) -> Result<bool> {
        self.remove(key)
    }
}

#[cfg(feature = "tokio")]
impl Pages for AsyncCache<CachedPage> {
    async fn find(&self, key: &str) -> Result<Option<CachedPage>> {
        self.get(key).await
    }

    async fn keep(&self, key: &str, entry: CacheEntry<CachedPage>) -> Result<()> {
        self.put(key, entry).await
    }

    async fn forget(&self, key: &str) -> Result<bool> {
        self.remove(key).await
    }
}

/// A cache with its options.
#[derive(Debug, Clone)]
pub(crate) struct HttpCache<C> {
    pub(crate) pages: C,
    pub(crate) body_limit: usize,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Where the page of a request is, or would be.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The key of the address.
    address: String,
    /// That of the page, where the address has several.
    variant: Option<(String, Arc<Kept>)>,
}

/// What was found for a request.
pub(crate) enum Found {
    Answer(Response<Bytes>),
    /// Nothing. One asks the application for all who want the same.
    Nothing(Place),
    /// Nothing that is for all, or nothing that can be known. The application is asked; what it answers may be
    /// kept at this place.
    Passed(Option<Place>),
    /// It is to be looked for there.
    Elsewhere(Place),
}

impl Place {
    pub(crate) fn of<B>(request: &Request<B>) -> Place {
        Place { address: rules::key(request), variant: None }
    }

    pub(crate) fn key(&self) -> &str {
        self.variant.as_ref().map_or(&self.address, |(key, _)| key)
    }

    /// What the application goes by, if several pages are there.
    fn names(&self) -> &[HeaderName] {
        match self.variant.as_ref().map(|(_, kept)| &**kept) {
            Some(Kept::Varies(varies)) => &varies.names,
            _ => &[],
        }
    }
}

impl<C: Pages> HttpCache<C> {
    pub(crate) fn new(pages: C) -> HttpCache<C> {
        HttpCache { pages, body_limit: BODY_LIMIT, clock: Arc::new(SystemClock) }
    }

    /// Looks for the page of a request.
    pub(crate) async fn find(&self, mut place: Place, headers: &HeaderMap, way: Way) -> Found {
        loop {
            let found = match self.pages.find(place.key()).await {
                Ok(found) => found,
                // A cache that is down is no reason to answer nothing.
                Err(error) => {
                    log("the HTTP cache could not be read", None, &error);
                    return Found::Passed(None);
                }
            };
            match found {
                None => return Found::Nothing(place),
                Some(found) => match self.read(place, found, headers, way) {
                    Found::Elsewhere(elsewhere) => place = elsewhere,
                    found => return found,
                },
            }
        }
    }

    /// Says what it means for a request that this is at its place, or where else to look.
    pub(crate) fn read(
        &self,
        place: Place,
        found: CachedPage,
        headers: &HeaderMap,
        way: Way,
    ) -> Found {
        match &*found.0 {
            Kept::Page(page) => {
                let now = self.clock.recent();
                match page.may_be_given(now) {
                    true => {
                        let is_head = way == Way::KeptOrPassed;
                        Found::Answer(page.answer(headers, is_head, now))
                    }
                    false => Found::Passed(Some(place)),
                }
            }
            // It is not that of a variant, whose key nobody else makes.
            Kept::Varies(varies) if place.variant.is_none() => {
                let key = varies.key(&place.address, headers);
                Found::Elsewhere(Place { variant: Some((key, found.0)), ..place })
            }
            Kept::Varies(_) | Kept::Passed => Found::Passed(Some(place)),
            Kept::Moved => Found::Elsewhere(Place { variant: None, ..place }),
        }
    }

    /// Tells how an answer may be kept, if it may be. `length` is that of its body: `None` if it is not known, or
    /// nobody else's business.
    pub(crate) fn keeping(
        &self,
        parts: &response::Parts,
        length: Option<usize>,
    ) -> Option<Keeping> {
        length.filter(|length| *length <= self.body_limit)?;
        rules::keeping(parts.status, &parts.headers, system_time(self.clock.now()))
    }

    /// Makes a page of an answer that may be kept. Gives what belongs to its place, and what is answered to whoever
    /// sent these conditions; keeps what belongs elsewhere.
    pub(crate) async fn keep(
        &self,
        place: &Place,
        [request, conditions]: [&HeaderMap; 2],
        parts: &response::Parts,
        body: Bytes,
        keeping: Keeping,
    ) -> (CacheEntry<CachedPage>, Response<Bytes>) {
        let now = self.clock.now();
        let page = Page::new(parts, body, now, &keeping);
        let answer = page.answer(conditions, false, now);
        let page = CacheEntry::new(CachedPage::new(Kept::Page(page))).ttl(keeping.lifetime);
        if place.names() == keeping.varies_by {
            return (page, answer);
        }
        let moved = || CacheEntry::new(CachedPage::new(Kept::Moved)).not_kept();
        if keeping.varies_by.is_empty() {
            self.put(&place.address, page).await;
            return (moved(), answer);
        }
        // The page is there before anybody is sent to it.
        let varies = Varies::new(keeping.varies_by);
        self.put(&varies.key(&place.address, request), page).await;
        let varies = CacheEntry::new(CachedPage::new(Kept::Varies(varies)));
        let varies = varies.ttl(keeping.lifetime.max(VARIES_FOR));
        if place.variant.is_none() {
            return (varies, answer);
        }
        self.put(&place.address, varies).await;
        (moved(), answer)
    }

    /// What is at a place whose answer is not for all.
    pub(crate) fn passed(&self) -> CacheEntry<CachedPage> {
        CacheEntry::new(CachedPage::new(Kept::Passed)).ttl(PASSED_FOR)
    }

    pub(crate) async fn put(&self, key: &str, entry: CacheEntry<CachedPage>) {
        if let Err(error) = self.pages.keep(key, entry).await {
            log("a page could not be kept", None, &error);
        }
    }

    /// Forgets the pages of an address, since the application has changed what they show.
    pub(crate) async fn forget(&self, address: &str) {
        if let Err(error) = self.pages.forget(address).await {
            log("a page that has changed could not be forgotten", None, &error);
        }
    }
}

//! [`CachedPage`]: the cached form of a page, and the responses that are built from it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{
    AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, DATE, ETAG, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, response};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::rules::{self, Keeping};
use crate::clock::Timestamp;

/// A page in an HTTP cache: the type of the values of its [`Cache`](crate::Cache) or `AsyncCache`.
///
/// It is cheap to clone, and a clone shares the body.
#[derive(Clone)]
pub struct CachedPage(pub(super) Arc<Kept>);

/// What is under a key.
#[derive(Debug, PartialEq)]
pub(super) enum Kept {
    Page(Page),
    /// Under this address are several pages, each under a key of its own.
    Varies(Varies),
    /// The last response was not for all; each request goes to the application.
    Passed,
    /// The page is under another key now. This is never stored.
    Moved,
}

/// An answer that may be given to all.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// When it was made, or would have been, where other caches were before.
    made: Timestamp,
    lifetime: Duration,
    must_revalidate: bool,
}

/// The headers of requests that the pages of an address go by.
#[derive(Debug, PartialEq)]
pub(super) struct Varies {
    pub(super) names: Vec<HeaderName>,
    /// Pages of another one are out of reach.
    generation: u64,
}

/// They end with a connection, and a kept page has been on none.
const OF_CONNECTIONS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    UPGRADE,
];

/// What tells of content, and is not sent without it (RFC 9110, 15.4.5).
const OF_CONTENT: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
];

impl CachedPage {
    pub(super) fn new(kept: Kept) -> CachedPage {
        CachedPage(Arc::new(kept))
    }
}

impl Page {
    /// Makes one of an answer. What has no entity tag gets one of its content.
    pub(super) fn new(
        parts: &response::Parts,
        body: Bytes,
        now: Timestamp,
        keeping: &Keeping,
    ) -> Page {
        let mut headers = parts.headers.clone();
        for name in OF_CONNECTIONS.into_iter().chain([AGE, CONTENT_LENGTH, DATE]) {
            headers.remove(name);
        }
        if parts.status == StatusCode::OK && !headers.contains_key(ETAG) {
            let hash = Sha256::digest(&body);
            // Weak, since what stands before this may change bytes and not what they say.
            let tag = format!("W/\"{}\"", data_encoding::HEXLOWER.encode(&hash[..16]));
            headers.extend(HeaderValue::try_from(tag).map(|tag| (ETAG, tag)));
        }
        let age = u64::try_from(keeping.age.as_micros()).unwrap_or(u64::MAX);
        Page {
            status: parts.status,
            headers,
            body,
            made: Timestamp::from_micros(now.as_micros().saturating_sub(age)),
            lifetime: keeping.lifetime + keeping.age,
            must_revalidate: keeping.must_revalidate,
        }
    }

    /// Tells whether it may be given, which may be when it is stale: as the cache says, unless the page forbids
    /// it.
    pub(super) fn may_be_given(&self, now: Timestamp) -> bool {
        !self.must_revalidate || now.since(self.made) < self.lifetime
    }

    /// Answers a request with these headers: with the page, without its body, or not at all if the visitor has
    /// it.
    pub(super) fn answer(
        &self,
        request: &HeaderMap,
        is_head: bool,
        now: Timestamp,
    ) -> Response<Bytes> {
        let is_known = self.status == StatusCode::OK && rules::is_known(request, &self.headers);
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        for (name, value) in &self.headers {
            if !(is_known && OF_CONTENT.contains(name)) {
                headers.append(name, value.clone());
            }
        }
        headers.insert(AGE, HeaderValue::from(now.since(self.made).as_secs()));
        let (mut status, mut body) = (self.status, Bytes::new());
        if is_known {
            status = StatusCode::NOT_MODIFIED;
        } else {
            if status != StatusCode::NO_CONTENT {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
            }
            if !is_head {
                body = self.body.clone();
            }
        }
        let mut response = Response::new(body);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response
    }
}

/// Makes an answer of the application one of status 304, if the visitor has the page already.
pub(in crate::middleware) fn shorten<B: Default>(
    request: &HeaderMap,
    response: Response<B>,
) -> Response<B> {
    if response.status() != StatusCode::OK || !rules::is_known(request, response.headers()) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    for name in OF_CONTENT {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, B::default())
}

impl Varies {
    /// Makes a new one, whose pages nobody has.
    pub(super) fn new(names: Vec<HeaderName>) -> Varies {
        let (generation, _) = uuid::Uuid::new_v4().as_u64_pair();
        Varies { names, generation }
    }

    /// Returns the key of the page for a request with these headers.
    pub(super) fn key(&self, address: &str, request: &HeaderMap) -> String {
        let mut hash = Sha256::new();
        for name in &self.names {
            // A header that is not there is another one than one that is empty.
            let values: Vec<_> = request.get_all(name).iter().collect();
            hash.update((values.len() as u64).to_be_bytes());
            for value in values {
                hash.update((value.len() as u64).to_be_bytes());
                hash.update(value.as_bytes());
            }
        }
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize());
        format!("{:x} {hash} {address}", self.generation)
    }
}

/// What is stored: the kind, the status, two times, a generation, the headers and the body.
type Stored<'a> = (u8, u16, u64, u64, u64, Vec<(&'a str, &'a [u8])>, &'a Bytes);

/// The same that was read.
type Read = (u8, u16, u64, u64, u64, Vec<(String, Vec<u8>)>, Bytes);

const PAGE: u8 = 0;
const PAGE_THAT_IS_NEVER_STALE: u8 = 1;
const VARIES: u8 = 2;
const PASSED: u8 = 3;

impl Serialize for CachedPage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = Bytes::new();
        let stored: Stored<'_> = match &*self.0 {
            Kept::Page(page) => {
                let kind = if page.must_revalidate { PAGE_THAT_IS_NEVER_STALE } else { PAGE };
                let headers = page.headers.iter();
                let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
                let lifetime = u64::try_from(page.lifetime.as_micros()).unwrap_or(u64::MAX);
                let (status, made) = (page.status.as_u16(), page.made.as_micros());
                (kind, status, made, lifetime, 0, headers.collect(), &page.body)
            }
            Kept::Varies(Varies { names, generation }) => {
                let names = names.iter().map(|name| (name.as_str(), &[][..]));
                (VARIES, 0, 0, 0, *generation, names.collect(), &none)
            }
            Kept::Passed | Kept::Moved => (PASSED, 0, 0, 0, 0, Vec::new(), &none),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CachedPage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CachedPage, D::Error> {
        let (kind, status, made, lifetime, generation, headers, body) =
            Read::deserialize(deserializer)?;
        let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).map_err(D::Error::custom);
        let kept = match kind {
            PAGE | PAGE_THAT_IS_NEVER_STALE => {
                let mut map = HeaderMap::with_capacity(headers.len().min(100));
                for (text, value) in &headers {
                    let value = HeaderValue::from_bytes(value).map_err(D::Error::custom)?;
                    map.try_append(name(text)?, value).map_err(D::Error::custom)?;
                }
                Kept::Page(Page {
                    status: StatusCode::from_u16(status).map_err(D::Error::custom)?,
                    headers: map,
                    body,
                    made: Timestamp::from_micros(made),
                    lifetime: Duration::from_micros(lifetime),
                    must_revalidate: kind == PAGE_THAT_IS_NEVER_STALE,
                })
            }
            VARIES => Kept::Varies(Varies {
                names: headers.iter().map(|(text, _)| name(text)).collect::<Result<_, _>>()?,
                generation,
            }),
            PASSED => Kept::Passed,
            _ => return Err(D::Error::custom("it is no page")),
        };
        Ok(CachedPage::new(kept))
    }
}

impl fmt::Debug for CachedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kept::Page(page) => f
                .debug_struct("CachedPage")
                .field("status", &page.status.as_u16())
                .field("length", &page.body.len())
                .finish_non_exhaustive(),
            other => f.debug_tuple("CachedPage").field(other).finish(),
        }
    }
}

/// The time as `httpdate` has it.
pub(super) fn system_time(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(now.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Bincode, Codec, Json};

    fn page(must_revalidate: bool) -> Page {
        let response = Response::builder()
            .header("content-type", "text/plain")
            .header("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap())
            .header("connection", "close")
            .header("content-length", "3")
            .body(())
            .unwrap();
        let keeping = Keeping {
            lifetime: Duration::from_secs(60),
            age: Duration::from_secs(5),
            must_revalidate,
            varies_by: Vec::new(),
        };
        let now = Timestamp::from_micros(100_000_000);
        Page::new(&response.into_parts().0, Bytes::from_static(b"abc"), now, &keeping)
    }

    #[test]
    fn what_is_stored_is_what_is_read() {
        let varies = Varies::new(vec![http::header::ACCEPT, http::header::COOKIE]);
        let all =
            [Kept::Page(page(true)), Kept::Page(page(false)), Kept::Varies(varies), Kept::Passed];
        for kept in all.map(CachedPage::new) {
            for codec in [&Bincode as &dyn Codec<CachedPage>, &Json] {
                let bytes = codec.encode(&kept).unwrap();
                assert_eq!(codec.decode(&bytes).unwrap().0, kept.0);
                // Nothing that is damaged is a panic.
                for end in 0..bytes.len() {
                    let _ = codec.decode(&bytes[..end]);
                    let mut damaged = bytes.clone();
                    damaged[end] ^= 0x55;
                    let _ = codec.decode(&damaged);
                }
            }
        }
    }

    #[test]
    fn a_page_says_how_old_it_is() {
        let page = page(true);
        let at = |seconds: u64| Timestamp::from_micros(seconds * 1_000_000);
        let answer = page.answer(&HeaderMap::new(), false, at(110));
        assert_eq!(answer.headers()["age"], "15");
        assert_eq!(answer.headers()["content-length"], "3");
        assert!(!answer.headers().contains_key("connection"));
        assert_eq!(answer.body().as_ref(), b"abc");
        assert!(page.may_be_given(at(159)) && !page.may_be_given(at(160)));
        assert!(super::tests::page(false).may_be_given(at(1000)));
    }

    #[test]
    fn pages_for_other_headers_have_other_keys() {
        let varies = Varies::new(vec![http::header::ACCEPT, http::header::COOKIE]);
        let key = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            varies.key("/", &headers)
        };
        let keys = [
            key(&[]),
            key(&[("accept", "")]),
            key(&[("cookie", "")]),
            key(&[("accept", "a")]),
            key(&[("accept", "a"), ("accept", "b")]),
            key(&[("accept", "a"), ("cookie", "b")]),
            key(&[("accept", "ab")]),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other != one), "{at}");
        }
        assert_eq!(key(&[("accept", "a"), ("x", "y")]), keys[3]);
        assert_ne!(
            Varies::new(vec![]).key("/", &HeaderMap::new()),
            Varies::new(vec![]).key("/", &HeaderMap::new())
        );
    }
}

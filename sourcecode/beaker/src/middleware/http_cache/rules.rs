//! Decides by headers alone which responses may be cached and which requests a cached page may answer (RFC
//! 9110 and 9111).

use std::time::{Duration, SystemTime};

use http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_RANGE, DATE, ETAG, EXPIRES, HOST, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A kept page may answer it, and what the application answers may be kept.
    Kept,
    /// A kept page may answer it, and nothing is kept: it asks for no body.
    KeptOrPassed,
    /// It goes to the application.
    Passed,
    /// It goes to the application, and what is kept under its address is old if that has done it.
    Changes,
}

impl Way {
    pub(crate) fn of<B>(request: &Request<B>) -> Way {
        let headers = request.headers();
        let is_head = request.method() == Method::HEAD;
        if !is_head && request.method() != Method::GET {
            return if request.method().is_safe() { Way::Passed } else { Way::Changes };
        }
        // A part of a page, or who asks for it, is the application's matter.
        let passed = [AUTHORIZATION, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];
        if passed.iter().any(|name| headers.contains_key(name)) {
            return Way::Passed;
        }
        if directives(headers).any(|(name, _)| name.eq_ignore_ascii_case("no-store")) {
            return Way::Passed;
        }
        if is_head { Way::KeptOrPassed } else { Way::Kept }
    }
}

/// Returns the key of a request's page: what is between the scheme and the fragment of its address.
pub(crate) fn key<B>(request: &Request<B>) -> String {
    let uri = request.uri();
    let host = request.headers().get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
    let host = uri.authority().map(|it| it.as_str().into()).or(host).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut key = String::with_capacity(host.len() + path.len());
    key.push_str(&host);
    key.make_ascii_lowercase();
    key + path
}

/// How a response may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keeping {
    /// How long it is fresh, from now on.
    pub(crate) lifetime: Duration,
    /// How old it is already.
    pub(crate) age: Duration,
    /// Whether it may not be given when it is stale.
    pub(crate) must_revalidate: bool,
    /// The headers of a request that it goes by, sorted.
    pub(crate) varies_by: Vec<HeaderName>,
}

/// Tells how a response may be kept, if it may be: only if it says itself how long.
pub(crate) fn keeping(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Keeping> {
    // Final answers that mean the same to whoever asks; a part of a page is none.
    const KEPT: [u16; 10] = [200, 203, 204, 300, 301, 302, 307, 308, 404, 410];
    if !KEPT.contains(&status.as_u16())
        || headers.contains_key(SET_COOKIE)
        || headers.contains_key(CONTENT_RANGE)
    {
        return None;
    }
    // It may forbid it.
    if headers.get_all(CACHE_CONTROL).iter().any(|line| line.to_str().is_err()) {
        return None;
    }
    let (mut max_age, mut shared_max_age) = (None, None);
    let mut must_revalidate = false;
    for (name, value) in directives(headers) {
        match name.to_ascii_lowercase().as_str() {
            "no-store" | "private" | "no-cache" => return None,
            // Of two, the shorter one; what is no number is none at all.
            "max-age" => max_age = Some(seconds(value).min(max_age.unwrap_or(u64::MAX))),
            "s-maxage" => {
                shared_max_age = Some(seconds(value).min(shared_max_age.unwrap_or(u64::MAX)));
                must_revalidate = true;
            }
            "must-revalidate" | "proxy-revalidate" => must_revalidate = true,
            _ => {}
        }
    }
    let lifetime = match shared_max_age.or(max_age) {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let sent = date(headers, &DATE).unwrap_or(now);
            date(headers, &EXPIRES)?.duration_since(sent).ok()?
        }
    };
    let age = headers.get(AGE).and_then(|age| age.to_str().ok());
    let age = Duration::from_secs(age.and_then(|age| age.trim().parse().ok()).unwrap_or(0));
    let lifetime = lifetime.checked_sub(age).filter(|left| !left.is_zero())?;
    let mut varies_by = Vec::new();
    for name in words(headers, &VARY) {
        // `*` is no name.
        varies_by.push(HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| name != "*")?);
    }
    varies_by.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    varies_by.dedup();
    Some(Keeping { lifetime, age, must_revalidate, varies_by })
}

/// Tells whether the visitor has this representation already: then it need not be sent.
pub(crate) fn is_known(request: &HeaderMap, response: &HeaderMap) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let Some(tag) = response.get(ETAG).and_then(|tag| tag.to_str().ok()) else {
            return false;
        };
        let tag = opaque(tag.trim());
        return tags(request).any(|asked| asked == "*" || opaque(asked) == tag);
    }
    match (date(request, &IF_MODIFIED_SINCE), date(response, &LAST_MODIFIED)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// A tag without what makes it weak.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The tags of `If-None-Match`. A comma may be within one.
fn tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| {
        let mut is_quoted = false;
        line.split(move |c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        })
        .map(str::trim)
    })
}

/// The directives of `Cache-Control`, with what is behind their `=`.
fn directives(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    words(headers, &CACHE_CONTROL).map(|directive| match directive.split_once('=') {
        Some((name, value)) => (name.trim(), value.trim().trim_matches('"')),
        None => (directive, ""),
    })
}

/// What stands between commas. A line that is no text holds nothing that is known.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("*"));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

/// A number of seconds; one that is too large means the largest.
fn seconds(text: &str) -> u64 {
    match !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        // More than that, 68 years, is for ever (RFC 9111, 1.2.2).
        true => text.parse().unwrap_or(u64::MAX).min(1 << 31),
        false => 0,
    }
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let text = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[track_caller]
    fn way(method: &str, lines: &[(&'static str, &str)], expected: Way) {
        let mut request = Request::builder().method(method).uri("/").body(()).unwrap();
        *request.headers_mut() = headers(lines);
        assert_eq!(Way::of(&request), expected, "{method} {lines:?}");
    }

    /// RFC 9111, sections 2, 3, 4 and 5.2.1; RFC 9110, 13 and 14.
    #[test]
    fn requests_go_their_ways() {
        way("GET", &[], Way::Kept);
        way("HEAD", &[], Way::KeptOrPassed);
        way("POST", &[], Way::Changes);
        way("PUT", &[], Way::Changes);
        way("DELETE", &[], Way::Changes);
        way("PATCH", &[], Way::Changes);
        way("PURGE", &[], Way::Changes);
        way("OPTIONS", &[], Way::Passed);
        way("TRACE", &[], Way::Passed);
        way("GET", &[("authorization", "Basic YTpi")], Way::Passed);
        way("GET", &[("range", "bytes=0-1")], Way::Passed);
        way("GET", &[("if-match", "\"a\"")], Way::Passed);
        way("GET", &[("cache-control", "no-store")], Way::Passed);
        way("GET", &[("cache-control", "max-age=0, No-Store")], Way::Passed);
        // Whoever reloads a page does not make the application work.
        way("GET", &[("cache-control", "no-cache")], Way::Kept);
        way("GET", &[("cache-control", "max-age=0"), ("pragma", "no-cache")], Way::Kept);
        way("GET", &[("cookie", "a=1")], Way::Kept);
        way("GET", &[("if-none-match", "\"a\"")], Way::Kept);
    }

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    #[track_caller]
    fn kept(status: u16, lines: &[(&'static str, &str)], expected: Option<u64>) {
        let now = httpdate::parse_http_date(NOW).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let keeping = keeping(status, &headers(lines), now);
        let lifetime = keeping.map(|keeping| keeping.lifetime.as_secs());
        assert_eq!(lifetime, expected, "{status} {lines:?}");
    }

    /// RFC 9111, sections 3, 4.2 and 5.
    #[test]
    fn responses_are_kept_that_say_so() {
        const CC: &str = "cache-control";
        kept(200, &[(CC, "max-age=60")], Some(60));
        kept(200, &[(CC, "public, max-age=60")], Some(60));
        kept(200, &[(CC, "Max-Age=\"60\"")], Some(60));
        kept(200, &[(CC, "public"), (CC, "max-age=60")], Some(60));
        // A shared cache has its own number, which comes first.
        kept(200, &[(CC, "max-age=60, s-maxage=10")], Some(10));
        kept(200, &[(CC, "s-maxage=10"), ("expires", NOW)], Some(10));
        kept(200, &[(CC, "s-maxage=0, max-age=60")], None);
        kept(200, &[(CC, "max-age=60, max-age=5")], Some(5));
        kept(200, &[(CC, "max-age=99999999999999999999")], Some(1 << 31));
        // Nothing that says nothing, and nothing that cannot be read.
        kept(200, &[], None);
        kept(200, &[(CC, "public")], None);
        kept(200, &[("last-modified", NOW)], None);
        kept(200, &[(CC, "max-age=")], None);
        kept(200, &[(CC, "max-age=-1")], None);
        kept(200, &[(CC, "max-age=1.5")], None);
        kept(200, &[(CC, "max-age=0")], None);
        kept(200, &[(CC, "max-age")], None);
        kept(200, &[(CC, "max-age=60, max-age=x")], None);
        // What is somebody's own.
        kept(200, &[(CC, "private, max-age=60")], None);
        kept(200, &[(CC, "private=\"set-cookie\", max-age=60")], None);
        kept(200, &[(CC, "max-age=60"), (CC, "PRIVATE")], None);
        kept(200, &[(CC, "no-store, max-age=60")], None);
        kept(200, &[(CC, "no-cache, max-age=60")], None);
        kept(200, &[(CC, "no-cache=\"x\", max-age=60")], None);
        kept(200, &[(CC, "max-age=60"), ("set-cookie", "a=1")], None);
        kept(200, &[(CC, "public, max-age=60"), ("set-cookie", "a=1")], None);
        // A date.
        kept(200, &[("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60));
        kept(200, &[("expires", "Sunday, 06-Nov-94 08:50:37 GMT")], Some(60));
        kept(200, &[("expires", "Sun Nov  6 08:50:37 1994")], Some(60));
        kept(200, &[("expires", NOW)], None);
        kept(200, &[("expires", "0")], None);
        kept(200, &[("expires", "Sun, 06 Nov 1994 08:48:37 GMT")], None);
        let later = "Sun, 06 Nov 1994 08:50:37 GMT";
        kept(200, &[("date", later), ("expires", "Sun, 06 Nov 1994 08:50:47 GMT")], Some(10));
        kept(200, &[(CC, "max-age=5"), ("expires", later)], Some(5));
        // It was on its way through other caches.
        kept(200, &[(CC, "max-age=60"), ("age", "20")], Some(40));
        kept(200, &[(CC, "max-age=60"), ("age", "60")], None);
        kept(200, &[(CC, "max-age=60"), ("age", "rubbish")], Some(60));
        for status in [203, 204, 300, 301, 302, 307, 308, 404, 410] {
            kept(status, &[(CC, "max-age=60")], Some(60));
        }
        for status in [100, 201, 206, 303, 304, 400, 401, 403, 416, 500, 502, 503] {
            kept(status, &[(CC, "max-age=60")], None);
        }
        kept(200, &[(CC, "max-age=60"), ("content-range", "bytes 0-1/2")], None);
        kept(200, &[(CC, "max-age=60"), ("vary", "*")], None);
        kept(200, &[(CC, "max-age=60"), ("vary", "accept, *")], None);
        kept(200, &[(CC, "max-age=60"), ("vary", "not a name")], None);
        kept(200, &[(CC, "max-age=60"), ("vary", "Accept")], Some(60));
    }

    #[test]
    fn what_cannot_be_read_may_forbid_it() {
        let mut headers = headers(&[("cache-control", "max-age=60")]);
        let line = http::HeaderValue::from_bytes(b"private, \xe4").unwrap();
        headers.append(CACHE_CONTROL, line);
        assert_eq!(keeping(StatusCode::OK, &headers, SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn what_a_page_goes_by_is_sorted_and_said_once() {
        let lines =
            [("cache-control", "max-age=1, must-revalidate"), ("vary", "B, a"), ("vary", "A,")];
        let now = httpdate::parse_http_date(NOW).unwrap();
        let keeping = keeping(StatusCode::OK, &headers(&lines), now).unwrap();
        assert_eq!(keeping.varies_by, ["a", "b"]);
        assert!(keeping.must_revalidate);
    }

    #[track_caller]
    fn known(request: &[(&'static str, &str)], response: &[(&'static str, &str)], expected: bool) {
        let is = is_known(&headers(request), &headers(response));
        assert_eq!(is, expected, "{request:?} {response:?}");
    }

    /// RFC 9110, sections 8.8.3.2, 13.1.2, 13.1.3 and 13.2.2.
    #[test]
    fn what_the_visitor_has_is_not_sent_again() {
        const TAG: &str = "if-none-match";
        const SINCE: &str = "if-modified-since";
        let tagged = [("etag", "\"a\""), ("last-modified", NOW)];
        known(&[], &tagged, false);
        known(&[(TAG, "\"a\"")], &tagged, true);
        known(&[(TAG, "W/\"a\"")], &tagged, true);
        known(&[(TAG, "\"a\"")], &[("etag", "W/\"a\"")], true);
        known(&[(TAG, "*")], &tagged, true);
        known(&[(TAG, "\"b\", \"a\"")], &tagged, true);
        known(&[(TAG, "\"b\""), (TAG, "\"a\"")], &tagged, true);
        known(&[(TAG, "\"b,\", \"a\"")], &tagged, true);
        known(&[(TAG, "\"x,\"")], &[("etag", "\"x,\"")], true);
        known(&[(TAG, "\"b\"")], &tagged, false);
        known(&[(TAG, "\"A\"")], &tagged, false);
        known(&[(TAG, "a")], &tagged, false);
        known(&[(TAG, "")], &tagged, false);
        known(&[(TAG, "\"a\"")], &[], false);
        // The tag alone counts where there is one.
        known(&[(TAG, "\"b\""), (SINCE, NOW)], &tagged, false);
        known(&[(SINCE, NOW)], &tagged, true);
        known(&[(SINCE, "Sun, 06 Nov 1994 08:49:38 GMT")], &tagged, true);
        known(&[(SINCE, "Sun, 06 Nov 1994 08:49:36 GMT")], &tagged, false);
        known(&[(SINCE, "yesterday")], &tagged, false);
        known(&[(SINCE, NOW)], &[], false);
    }

    #[test]
    fn a_key_has_the_host_in_one_spelling() {
        let request =
            |uri: &str, host: &str| key(&Request::get(uri).header("host", host).body(()).unwrap());
        assert_eq!(request("/a?b=1", "Example.org:80"), "example.org:80/a?b=1");
        assert_eq!(request("http://Example.org/A", "other"), "example.org/A");
        assert_eq!(key(&Request::get("/a").body(()).unwrap()), "/a");
    }
}

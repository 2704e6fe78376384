//! Support for testing an application with sessions: [`CookieJar`], the cookies of a browser.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::cookie::path_matches;

/// The cookies of one visitor, stored as a browser stores them (RFC 6265).
///
/// It takes the `Set-Cookie` headers of responses and returns the `Cookie` header of the next request, by
/// host, path, `Secure` and time. With it, a test of an application can act as a visitor:
///
/// ```
/// use beaker::middleware::{App, Request, Response, SessionExt, SessionMiddleware, text};
/// use beaker::testing::CookieJar;
/// use beaker::{Backend, Sessions, Signer, Value};
///
/// # fn main() -> beaker::Result<()> {
/// let count = |request: &mut Request| -> beaker::Result<Response> {
///     let mut session = request.session()?;
///     let visits = session.get("visits").and_then(Value::as_int).unwrap_or(0) + 1;
///     session.set("visits", visits);
///     session.save()?;
///     Ok(text(visits.to_string()))
/// };
/// let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random()?);
/// let app = SessionMiddleware::new(count, sessions)?;
///
/// let mut jar = CookieJar::new();
/// let mut visit = |url: &str| -> beaker::Result<Response> {
///     let mut request = http::Request::get(url);
///     if let Some(cookies) = jar.header(url) {
///         request = request.header("cookie", cookies);
///     }
///     let response = app.call(&mut request.body(Vec::new()).expect("the test's own request"))?;
///     jar.take(url, response.headers());
///     Ok(response)
/// };
/// assert_eq!(visit("https://shop.example/")?.body(), b"1");
/// assert_eq!(visit("https://shop.example/")?.body(), b"2");
/// // The cookie is `Secure`, so it does not come in the clear.
/// assert_eq!(visit("http://shop.example/")?.body(), b"1");
/// # Ok(())
/// # }
/// ```
///
/// The jar does not protect against hostile sites: a site may set another site's cookies, and `SameSite`,
/// `HttpOnly`, `Partitioned` and `Priority` are ignored.
#[derive(Debug, Clone)]
pub struct CookieJar {
    cookies: Vec<Cookie>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    /// Whether hosts below this one get it as well.
    is_for_subdomains: bool,
    path: String,
    is_secure: bool,
    /// `None` is until the browser is closed.
    until: Option<Timestamp>,
}

/// A request's address, as far as cookies go by it.
struct Address<'a> {
    is_secure: bool,
    host: String,
    path: &'a str,
}

impl<'a> Address<'a> {
    /// Of `https://host:port/path?query`, or of a path alone, which is `https://localhost`.
    fn of(url: &'a str) -> Address<'a> {
        let (is_secure, rest) = match url.split_once("://") {
            Some((scheme, rest)) => (scheme.eq_ignore_ascii_case("https"), rest),
            None => (true, url),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        // The colons of an address in brackets are no port's.
        let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
        let host = if host.is_empty() { "localhost" } else { &host[..port.unwrap_or(host.len())] };
        let path = if path.is_empty() { "/" } else { path };
        Address { is_secure, host: host.to_ascii_lowercase(), path }
    }

    /// The path of a cookie that says none.
    fn default_path(&self) -> &str {
        match self.path.rfind('/') {
            None | Some(0) => "/",
            Some(end) => &self.path[..end],
        }
    }
}

impl Cookie {
    /// Reads a `Set-Cookie` header as browsers do. `None` for what they would not take.
    fn read(address: &Address<'_>, header: &str, now: Timestamp) -> Option<Cookie> {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let mut cookie = Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            host: address.host.clone(),
            is_for_subdomains: false,
            path: address.default_path().to_owned(),
            is_secure: false,
            until: None,
        };
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "secure" => cookie.is_secure = true,
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "path" => cookie.path = address.default_path().to_owned(),
                "domain" if !value.is_empty() => {
                    cookie.host = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                    cookie.is_for_subdomains = true;
                }
                "max-age" => {
                    let number = value.strip_prefix('-').unwrap_or(value);
                    let is_number =
                        !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
                    if is_number {
                        max_age = Some(value.parse::<u64>().unwrap_or(match value.as_bytes()[0] {
                            b'-' => 0,
                            _ => u64::MAX,
                        }));
                    }
                }
                "expires" => expires = httpdate::parse_http_date(value).ok(),
                _ => {}
            }
        }
        let latest = Duration::from_secs(400 * 24 * 60 * 60);
        cookie.until = match (max_age, expires) {
            (Some(seconds), _) => Some(now + Duration::from_secs(seconds).min(latest)),
            (None, Some(date)) => {
                let since = date.duration_since(std::time::SystemTime::UNIX_EPOCH);
                let micros = u64::try_from(since.unwrap_or_default().as_micros());
                Some(Timestamp::from_micros(micros.unwrap_or(u64::MAX)).min(now + latest))
            }
            (None, None) => None,
        };
        let is_prefixed = |prefix| cookie.name.starts_with(prefix);
        let is_of_host = !cookie.is_for_subdomains && cookie.path == "/" && cookie.is_secure;
        let is_refused = cookie.is_secure && !address.is_secure
            || !cookie.is_of(address)
            || is_prefixed("__Secure-") && !cookie.is_secure
            || is_prefixed("__Host-") && !is_of_host;
        (!is_refused).then_some(cookie)
    }

    fn is_of(&self, address: &Address<'_>) -> bool {
        let above = || address.host.strip_suffix(&self.host).is_some_and(|it| it.ends_with('.'));
        address.host == self.host || self.is_for_subdomains && above()
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn is_in_place_of(&self, other: &Cookie) -> bool {
        (&self.name, &self.host, &self.path) == (&other.name, &other.host, &other.path)
    }
}

impl CookieJar {
    /// Creates an empty jar, whose cookies expire by the system's clock.
    #[must_use]
    pub fn new() -> CookieJar {
        CookieJar::default()
    }

    /// Creates an empty jar, whose cookies expire by this clock, such as a
    /// [`ManualClock`](crate::ManualClock).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use beaker::ManualClock;
    /// use beaker::testing::CookieJar;
    ///
    /// let clock = Arc::new(ManualClock::default());
    /// let mut jar = CookieJar::with_clock(clock.clone());
    /// jar.set("/", "theme=dark; Max-Age=60");
    /// assert_eq!(jar.header("/").as_deref(), Some("theme=dark"));
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(jar.header("/"), None);
    /// ```
    pub fn with_clock(clock: Arc<dyn Clock>) -> CookieJar {
        CookieJar { cookies: Vec::new(), clock }
    }

    /// Stores the cookie of a `Set-Cookie` header that came from this address. A header that browsers would
    /// reject is ignored.
    ///
    /// The address is a URL, or only a path, which means `https://localhost`.
    pub fn set(&mut self, url: &str, header: &str) {
        let now = self.clock.now();
        self.cookies.retain(|cookie| !cookie.is_over(now));
        let Some(cookie) = Cookie::read(&Address::of(url), header, now) else { return };
        match self.cookies.iter_mut().find(|old| cookie.is_in_place_of(old)) {
            // In the place of the old one, which came first.
            Some(old) => *old = cookie,
            None => self.cookies.push(cookie),
        }
    }

    /// Stores the cookies of all `Set-Cookie` headers of a response from this address.
    pub fn take(&mut self, url: &str, response: &http::HeaderMap) {
        for header in response.get_all(http::header::SET_COOKIE) {
            self.set(url, &String::from_utf8_lossy(header.as_bytes()));
        }
    }

    /// Returns the `Cookie` header of a request to this address, or `None` if no cookie matches.
    #[must_use]
    pub fn header(&self, url: &str) -> Option<String> {
        let (address, now) = (Address::of(url), self.clock.now());
        let mut sent: Vec<&Cookie> = self.cookies.iter().collect();
        sent.retain(|cookie| {
            cookie.is_of(&address)
                && path_matches(&cookie.path, address.path)
                && (address.is_secure || !cookie.is_secure)
                && !cookie.is_over(now)
        });
        // Longer paths come first, and else the older cookie.
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            sent.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Closes the browser, which removes the cookies without an expiry time.
    pub fn close(&mut self) {
        self.cookies.retain(|cookie| cookie.until.is_some());
    }
}

/// Creates an empty jar, whose cookies expire by the system's clock.
impl Default for CookieJar {
    fn default() -> CookieJar {
        CookieJar::with_clock(Arc::new(SystemClock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn jar() -> (CookieJar, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(784_111_777_000_000)));
        (CookieJar::with_clock(clock.clone()), clock)
    }

    /// What goes to the second address of what came from the first.
    #[track_caller]
    fn check(from: &str, header: &str, to: &str, goes: bool) {
        let (mut jar, _) = jar();
        jar.set(from, header);
        assert_eq!(jar.header(to).is_some(), goes, "{header} from {from} to {to}");
    }

    #[test]
    fn a_cookie_goes_where_it_belongs() {
        check("/", "a=1", "/", true);
        check("https://a.example/", "a=1", "https://A.example:8443/x?y", true);
        check("https://a.example/", "a=1", "https://b.example/", false);
        check("https://a.example/", "a=1", "https://x.a.example/", false);
        check("https://a.example/", "a=1; Domain=a.example", "https://x.a.example/", true);
        check("https://x.a.example/", "a=1; Domain=.a.example", "https://y.a.example/", true);
        check("https://a.example/", "a=1; Domain=a.example", "https://xa.example/", false);
        check("https://a.example/", "a=1; Domain=b.example", "https://b.example/", false);
        check("https://a.example/", "a=1; Secure", "http://a.example/", false);
        check("http://a.example/", "a=1; Secure", "https://a.example/", false);
        check("http://a.example/", "a=1", "https://a.example/", true);
        check("/", "a=1; Path=/x", "/x/y", true);
        check("/", "a=1; Path=/x", "/xy", false);
        check("/x/y", "a=1", "/x/z", true);
        check("/x/y", "a=1", "/z", false);
        check("/x/y", "a=1; Path=rubbish", "/x", true);
        check("http://[::1]:80/", "a=1", "http://[::1]:81/", true);
        check("http://user@a.example", "a=1", "http://a.example", true);
        check("/", "__Secure-a=1", "/", false);
        check("/", "__Secure-a=1; Secure", "/", true);
        check("/", "__Host-a=1; Secure; Path=/", "/", true);
        check("/", "__Host-a=1; Secure; Path=/x", "/x", false);
        check("/", "__Host-a=1; Secure; Path=/; Domain=localhost", "/", false);
        check("/", "rubbish", "/", false);
        check("/", "", "/", false);
    }

    #[test]
    fn a_cookie_ends() {
        let (mut jar, clock) = jar();
        jar.set("/", "a=1; Max-Age=10");
        jar.set("/", "b=2; Expires=Sun, 06 Nov 1994 08:49:47 GMT");
        jar.set("/", "c=3; Max-Age=20; Expires=Sun, 06 Nov 1994 08:49:38 GMT");
        jar.set("/", "d=4; Max-Age=rubbish; Expires=rubbish");
        jar.set("/", "e=5; Max-Age=99999999999999999999");
        jar.set("/", "f=6; Max-Age=-1");
        assert_eq!(jar.header("/").unwrap(), "a=1; b=2; c=3; d=4; e=5");
        clock.advance(Duration::from_secs(10));
        assert_eq!(jar.header("/").unwrap(), "c=3; d=4; e=5");
        jar.close();
        assert_eq!(jar.header("/").unwrap(), "c=3; e=5");
        clock.advance(Duration::from_secs(400 * 24 * 60 * 60));
        assert_eq!(jar.header("/"), None);
    }

    #[test]
    fn a_cookie_takes_the_place_of_its_own() {
        let (mut jar, _) = jar();
        jar.set("/", "a=1; Path=/");
        jar.set("/", "a=2; Path=/x");
        jar.set("/", "b=3; Path=/");
        jar.set("/", "a=4; Path=/");
        assert_eq!(jar.header("/x").unwrap(), "a=2; a=4; b=3");
        jar.set("/", "a=; Path=/; Max-Age=0");
        assert_eq!(jar.header("/x").unwrap(), "a=2; b=3");
    }
}

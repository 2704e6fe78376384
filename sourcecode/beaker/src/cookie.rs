//! Reading a `Cookie` header, and writing `Set-Cookie` (RFC 6265).

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::proxies::TrustedProxies;

/// No browser keeps a cookie longer than this: 400 days.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(400 * 24 * 3600);

/// Returns the values of all cookies with this name in a `Cookie` header, in the order of the header.
///
/// Other cookies may be malformed (no `=`, strange names, quotes) without any effect. A quoted value is
/// returned without its quotes.
pub fn find<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (this, value) = pair.split_once('=')?;
        let value = value.trim();
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        (this.trim() == name).then_some(unquoted.unwrap_or(value))
    })
}

/// Tells whether a browser sends a cookie for one path along with a request for another (RFC 6265, 5.1.4).
#[cfg(feature = "middleware")]
pub(crate) fn path_matches(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// The options of the session's cookie.
#[derive(Debug, Clone)]
#[must_use]
pub struct CookieOptions {
    name: String,
    path: String,
    #[cfg_attr(not(feature = "middleware"), allow(dead_code))]
    is_path_cut: bool,
    domain: Option<String>,
    secure: Secure,
    http_only: bool,
    same_site: SameSite,
    lifetime: CookieLifetime,
    is_partitioned: bool,
    priority: Option<CookiePriority>,
}

/// Whether the cookie is `Secure`, that is, never sent over plain HTTP.
#[derive(Debug, Clone)]
enum Secure {
    Always,
    Never,
    /// If the visitor came over TLS, which these proxies tell.
    #[cfg_attr(not(feature = "middleware"), allow(dead_code))]
    ByRequest(Arc<TrustedProxies>),
}

/// The priority of a cookie: which ones Chromium removes first when a site has too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookiePriority {
    /// Removed before the others.
    Low,
    /// The priority of a cookie without this attribute.
    Medium,
    /// Removed after the others.
    High,
}

/// Whether a browser sends the cookie with requests that another site starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6265bis has these three")]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only when the visitor follows a link.
    Lax,
    /// Always. Browsers require `Secure` with it.
    None,
}

/// How long a browser keeps the cookie: Beaker's `cookie_expires`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieLifetime {
    /// Until the browser is closed (`True` in Beaker).
    Browser,
    /// For this time after the last visit that used the session: the cookie is sent again when a tenth of the
    /// time has passed. (Beaker's signature has no room for a time, so with it the cookie is sent with every
    /// response.) At most 400 days, because no browser keeps a cookie longer.
    For(Duration),
    /// For as long as browsers keep a cookie (`False` in Beaker, which sends a date in 2038).
    Longest,
}

impl Default for CookieOptions {
    /// The name `beaker.session.id`, for all paths, `Secure`, `HttpOnly`, `SameSite=Lax`, until the browser
    /// is closed.
    fn default() -> CookieOptions {
        CookieOptions {
            name: "beaker.session.id".into(),
            path: "/".into(),
            is_path_cut: false,
            domain: None,
            secure: Secure::Always,
            http_only: true,
            same_site: SameSite::Lax,
            lifetime: CookieLifetime::Browser,
            is_partitioned: false,
            priority: None,
        }
    }
}

impl CookieOptions {
    /// Sets the cookie's name: Beaker's `key`. Default: `beaker.session.id`.
    pub fn name(mut self, name: impl Into<String>) -> CookieOptions {
        self.name = name.into();
        self
    }

    /// Sets the path of the cookie: browsers send it only with requests below this path. Default: `/`, all
    /// paths.
    ///
    /// In the middlewares, a request for another path has no session. The browser would not send the cookie
    /// back there, so a new session would replace the one that the visitor has.
    pub fn path(mut self, path: impl Into<String>) -> CookieOptions {
        self.path = path.into();
        self
    }

    /// Declares that the application sees shorter paths than the browser, because a proxy, or axum's `nest`,
    /// removes the cookie's [`path`](CookieOptions::path). With this option every request has its session.
    /// Default: off.
    ///
    /// ```
    /// use beaker::CookieOptions;
    ///
    /// let cookie = CookieOptions::default().path("/shop").path_is_cut();
    /// ```
    pub fn path_is_cut(mut self) -> CookieOptions {
        self.is_path_cut = true;
        self
    }

    /// Sets the domain of the cookie, whose subdomains get the cookie as well. Default: none, and only this
    /// host gets it.
    pub fn domain(mut self, domain: impl Into<String>) -> CookieOptions {
        self.domain = Some(domain.into());
        self
    }

    /// Sets whether browsers send the cookie with requests that other sites start, by links and forms.
    /// Default: [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> CookieOptions {
        self.same_site = same_site;
        self
    }

    /// Sets how long a browser keeps the cookie. Default: [`CookieLifetime::Browser`].
    pub fn lifetime(mut self, lifetime: CookieLifetime) -> CookieOptions {
        self.lifetime = lifetime;
        self
    }

    /// Lets the page's scripts read the cookie, including any script that an attacker injects (XSS). Default:
    /// off.
    pub fn readable_by_scripts(mut self) -> CookieOptions {
        self.http_only = false;
        self
    }

    /// Sends the cookie over plain HTTP too, for development on localhost. Default: off.
    pub fn insecure_for_localhost(mut self) -> CookieOptions {
        self.secure = Secure::Never;
        self
    }

    /// Makes the cookie `Secure` for visitors who came over TLS, and not `Secure` for those who came over
    /// plain HTTP, according to the headers of trusted proxies. Default: always `Secure`.
    ///
    /// Use this for an application that is reached in both ways, as test systems often are. With TLS only,
    /// leave it out. A request whose peer is unknown or no trusted proxy counts as plain HTTP. Browsers
    /// accept `SameSite=None` and [`partitioned`](CookieOptions::partitioned) only together with `Secure`, so
    /// over plain HTTP the cookie is `Lax` and not partitioned.
    ///
    /// The middlewares apply this option. Outside a request, the cookie of
    /// [`Session::set_cookie`](crate::session::SessionState::set_cookie) is `Secure`.
    ///
    /// ```
    /// use beaker::{Backend, CookieOptions, Sessions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cookie = CookieOptions::default().secure_by_request("127.0.0.1, 10.0.0.0/8".parse()?);
    /// let sessions = Sessions::new(Backend::memory()).cookie(cookie);
    /// # let _ = sessions;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "auto")]
    #[doc(alias = "trust_proxy")]
    pub fn secure_by_request(mut self, proxies: TrustedProxies) -> CookieOptions {
        self.secure = Secure::ByRequest(Arc::new(proxies));
        self
    }

    /// Keeps the cookie separately for each site that embeds this one (CHIPS): for use with `SameSite=None`
    /// in browsers that block third-party cookies. Requires `Secure`. Default: off.
    ///
    /// ```
    /// use beaker::{CookieOptions, SameSite};
    ///
    /// let cookie = CookieOptions::default().same_site(SameSite::None).partitioned();
    /// ```
    pub fn partitioned(mut self) -> CookieOptions {
        self.is_partitioned = true;
        self
    }

    /// Sets the priority of the cookie: which cookies Chromium keeps longest when a site has too many.
    /// Default: none.
    ///
    /// ```
    /// use beaker::{CookieOptions, CookiePriority};
    ///
    /// let cookie = CookieOptions::default().priority(CookiePriority::High);
    /// ```
    pub fn priority(mut self, priority: CookiePriority) -> CookieOptions {
        self.priority = Some(priority);
        self
    }

    /// Returns the cookie's name.
    #[must_use]
    pub fn get_name(&self) -> &str {
        &self.name
    }

    #[cfg_attr(not(feature = "cookies"), allow(dead_code))]
    pub(crate) fn get_path(&self) -> &str {
        &self.path
    }

    #[cfg_attr(not(feature = "cookies"), allow(dead_code))]
    pub(crate) fn get_domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    pub(crate) fn get_lifetime(&self) -> CookieLifetime {
        self.lifetime
    }

    /// Refuses what browsers would ignore in silence.
    pub(crate) fn check(&self) -> Result<()> {
        let token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
        let plain = |text: &str| text.chars().all(|c| matches!(c, ' '..='~') && c != ';');
        let wrong = |what: String| Err(Error::config(format!("the session's cookie: {what}")));
        if self.name.is_empty() || !self.name.chars().all(token) {
            return wrong(format!("`{}` is no name for a cookie", self.name));
        }
        if !self.path.starts_with('/') || !plain(&self.path) {
            return wrong(format!("the path `{}` does not start with `/`", self.path));
        }
        if self
            .domain
            .as_deref()
            .is_some_and(|domain| domain.is_empty() || !domain.chars().all(token))
        {
            return wrong(format!("{:?} is no domain", self.domain));
        }
        let (host, secure) = (self.name.starts_with("__Host-"), self.name.starts_with("__Secure-"));
        if (host || secure) && !matches!(self.secure, Secure::Always) {
            return wrong(format!("the name `{}` needs `Secure`", self.name));
        }
        if host && (self.domain.is_some() || self.path != "/") {
            return wrong(format!("the name `{}` needs the path `/` and no domain", self.name));
        }
        let is_never_secure = matches!(self.secure, Secure::Never);
        if self.same_site == SameSite::None && is_never_secure {
            return wrong("`SameSite=None` needs `Secure`, or browsers drop it".into());
        }
        if self.is_partitioned && is_never_secure {
            return wrong("`Partitioned` needs `Secure`, or browsers drop it".into());
        }
        Ok(())
    }

    /// Returns the path whose requests bring the cookie, if there are others.
    #[cfg(feature = "middleware")]
    pub(crate) fn own_path(&self) -> Option<&str> {
        (!self.is_path_cut && self.path != "/").then_some(&*self.path)
    }

    /// Returns who is asked how a visitor came, and the options for one who came over plain HTTP. `None` if they
    /// are the same for all.
    #[cfg(feature = "middleware")]
    pub(crate) fn by_request(&self) -> Option<(Arc<TrustedProxies>, CookieOptions)> {
        let Secure::ByRequest(proxies) = &self.secure else { return None };
        let mut plain =
            CookieOptions { secure: Secure::Never, is_partitioned: false, ..self.clone() };
        if plain.same_site == SameSite::None {
            plain.same_site = SameSite::Lax;
        }
        Some((proxies.clone(), plain))
    }

    /// Returns a `Set-Cookie` header for a cookie that is valid for `longest` at most.
    pub(crate) fn set(&self, value: &str, longest: Option<Duration>) -> String {
        let lifetime = match self.lifetime {
            CookieLifetime::Browser => None,
            CookieLifetime::For(time) => Some(time.min(LONGEST_LIFETIME)),
            CookieLifetime::Longest => Some(LONGEST_LIFETIME),
        };
        let longest = longest.unwrap_or(Duration::MAX);
        let mut cookie = self.cookie(value);
        if let Some(time) = lifetime.map(|time| time.min(longest)) {
            cookie += &format!("; Max-Age={}", time.as_secs());
        }
        cookie
    }

    /// Returns a `Set-Cookie` header that removes the cookie.
    pub(crate) fn remove(&self) -> String {
        self.cookie("") + "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    }

    /// All but how long it is good for. `check` has looked at the texts, and a value is letters, digits and
    /// a few signs.
    fn cookie(&self, value: &str) -> String {
        let same_site = match self.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let http_only = if self.http_only { "; HttpOnly" } else { "" };
        let secure = if matches!(self.secure, Secure::Never) { "" } else { "; Secure" };
        let CookieOptions { name, path, .. } = self;
        let mut cookie =
            format!("{name}={value}{http_only}; SameSite={same_site}{secure}; Path={path}");
        if let Some(domain) = &self.domain {
            // The dot before it means nothing any more (RFC 6265, 4.1.2.3).
            let domain = domain.strip_prefix('.').unwrap_or(domain);
            cookie += &format!("; Domain={domain}");
        }
        if self.is_partitioned {
            cookie += "; Partitioned";
        }
        match self.priority {
            None => {}
            Some(CookiePriority::Low) => cookie += "; Priority=Low",
            Some(CookiePriority::Medium) => cookie += "; Priority=Medium",
            Some(CookiePriority::High) => cookie += "; Priority=High",
        }
        cookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, values: &[&str]) {
        assert_eq!(find(header, "sid").collect::<Vec<_>>(), values);
    }

    #[test]
    fn finds_ours_among_whatever_comes() {
        check("sid=1", &["1"]);
        check("a=2; sid=1; b=3", &["1"]);
        check("null; sid=1", &["1"]);
        check("a b[]=x;sid = \"1\" ;", &["1"]);
        check("sid=1; sid=2", &["1", "2"]);
        check("sid=a=b", &["a=b"]);
        check("SID=1; xsid=1; sid", &[]);
        check("", &[]);
        check(";;;=;=;", &[]);
    }

    #[test]
    fn writes_set_cookie() {
        let options = CookieOptions::default().name("sid");
        assert_eq!(options.set("1", None), "sid=1; HttpOnly; SameSite=Lax; Secure; Path=/");
        let options = options.lifetime(CookieLifetime::For(Duration::from_secs(60)));
        assert_eq!(
            options.domain("example.org").insecure_for_localhost().set("1", None),
            "sid=1; HttpOnly; SameSite=Lax; Path=/; Domain=example.org; Max-Age=60"
        );
        let options = CookieOptions::default().name("sid").domain(".example.org");
        let options = options.same_site(SameSite::None).lifetime(CookieLifetime::Longest);
        assert_eq!(
            options.set("1", Some(Duration::from_secs(5))),
            "sid=1; HttpOnly; SameSite=None; Secure; Path=/; Domain=example.org; Max-Age=5"
        );
    }

    #[test]
    fn what_only_some_browsers_know_comes_last() {
        let options = CookieOptions::default().name("sid").same_site(SameSite::None).partitioned();
        let options = options.domain("a.example");
        let expected = "; HttpOnly; SameSite=None; Secure; Path=/; Domain=a.example; Partitioned";
        assert_eq!(options.set("1", None), format!("sid=1{expected}"));
        // The browser looks for it in the same part.
        assert!(options.remove().starts_with(&format!("sid={expected}; Max-Age=0")));
        for (priority, word) in [
            (CookiePriority::Low, "Low"),
            (CookiePriority::Medium, "Medium"),
            (CookiePriority::High, "High"),
        ] {
            let cookie = CookieOptions::default().priority(priority).set("1", None);
            assert!(cookie.ends_with(&format!("; Path=/; Priority={word}")), "{cookie}");
        }
    }

    #[cfg(feature = "middleware")]
    #[test]
    fn over_plain_http_nothing_is_said_that_needs_secure() {
        assert!(CookieOptions::default().by_request().is_none());
        let proxies: TrustedProxies = "::1".parse().unwrap();
        let options = CookieOptions::default().name("sid").same_site(SameSite::None).partitioned();
        let options = options.secure_by_request(proxies);
        assert!(options.set("1", None).contains("; SameSite=None; Secure; "));
        let (_, plain) = options.by_request().unwrap();
        assert_eq!(plain.set("1", None), "sid=1; HttpOnly; SameSite=Lax; Path=/");
        assert!(plain.check().is_ok());
        let (_, strict) = options.same_site(SameSite::Strict).by_request().unwrap();
        assert!(strict.set("1", None).contains("SameSite=Strict"));
    }

    #[cfg(feature = "middleware")]
    #[test]
    fn a_cookie_comes_with_the_paths_below_its_own() {
        for (cookie, request, comes) in [
            ("/", "/", true),
            ("/", "/a", true),
            ("/a", "/a", true),
            ("/a", "/a/", true),
            ("/a", "/a/b", true),
            ("/a/", "/a/b", true),
            ("/a/", "/a", false),
            ("/a", "/ab", false),
            ("/a", "/", false),
            ("/a", "/A", false),
        ] {
            assert_eq!(path_matches(cookie, request), comes, "{cookie} {request}");
        }
        assert_eq!(CookieOptions::default().own_path(), None);
        assert_eq!(CookieOptions::default().path("/a").own_path(), Some("/a"));
        assert_eq!(CookieOptions::default().path("/a").path_is_cut().own_path(), None);
    }

    #[test]
    fn removes() {
        let header = CookieOptions::default().name("sid").remove();
        assert!(
            header.starts_with("sid=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; Expires=")
        );
    }

    #[test]
    fn what_browsers_would_ignore_is_refused() {
        let default = CookieOptions::default;
        assert!(default().check().is_ok());
        assert!(default().name("a b").check().is_err());
        assert!(default().name("").check().is_err());
        assert!(default().path("x").check().is_err());
        assert!(default().path("/;x").check().is_err());
        assert!(default().domain("a\r\nb").check().is_err());
        assert!(default().name("__Host-sid").check().is_ok());
        assert!(default().name("__Host-sid").domain("a.example").check().is_err());
        assert!(default().name("__Host-sid").path("/x").check().is_err());
        assert!(default().name("__Secure-sid").insecure_for_localhost().check().is_err());
        assert!(default().partitioned().check().is_ok());
        let error = default().partitioned().insecure_for_localhost().check().unwrap_err();
        assert!(error.to_string().contains("Partitioned"));
        let proxies: TrustedProxies = "::1".parse().unwrap();
        let by_request = default().secure_by_request(proxies);
        assert!(by_request.clone().same_site(SameSite::None).partitioned().check().is_ok());
        assert!(by_request.name("__Host-sid").check().is_err());
        let foreign = default().same_site(SameSite::None).insecure_for_localhost();
        assert!(foreign.check().unwrap_err().to_string().contains("SameSite=None"));
    }
}

//! [`TenantCookie`]: the session's cookie by the host and the path of a request, for sites with many tenants.

use std::fmt;
use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;

use crate::cookie::CookieOptions;

type Decide = dyn Fn(&str, &str, CookieOptions) -> CookieOptions + Send + Sync;

/// A function of the program that sets the options of the cookie.
#[derive(Clone)]
pub(super) struct TenantCookie(Arc<Decide>);

impl TenantCookie {
    pub(super) fn new(
        decide: impl Fn(&str, &str, CookieOptions) -> CookieOptions + Send + Sync + 'static,
    ) -> TenantCookie {
        TenantCookie(Arc::new(decide))
    }

    pub(super) fn of<B>(
        &self,
        request: &http::Request<B>,
        cookie: &CookieOptions,
    ) -> CookieOptions {
        (self.0)(&host(request), request.uri().path(), cookie.clone())
    }
}

/// The host that a request is for, without a port and in lower case; empty if the request names none, or two, or
/// one that no host can be named.
fn host<B>(request: &http::Request<B>) -> String {
    let is_of_hosts = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
    let lower = |host: &str| match host.chars().all(is_of_hosts) {
        true => host.to_ascii_lowercase(),
        false => String::new(),
    };
    if let Some(host) = request.uri().host() {
        return lower(host);
    }
    let mut headers = request.headers().get_all(HOST).iter();
    let (Some(only), None) = (headers.next(), headers.next()) else { return String::new() };
    let authority = Authority::try_from(only.as_bytes());
    authority.map_or(String::new(), |authority| lower(authority.host()))
}

impl fmt::Debug for TenantCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantCookie")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, headers: &[&str], expected: &str) {
        let mut request = http::Request::get(uri);
        for host in headers {
            request = request.header(HOST, *host);
        }
        assert_eq!(host(&request.body(()).unwrap()), expected);
    }

    #[test]
    fn the_host_of_a_request() {
        check("/", &["kimi.example"], "kimi.example");
        check("/", &["KIMI.Example:8080"], "kimi.example");
        check("/", &["[::1]:80"], "[::1]");
        check("https://Kimi.example:8443/a", &["other.example"], "kimi.example");
        check("/", &[], "");
        check("/", &["a.example", "b.example"], "");
        for nonsense in ["", "a b", "a/b", "a;b", "a:b:c", "\u{e4}", "a, b"] {
            check("/", &[nonsense], "");
        }
    }
}

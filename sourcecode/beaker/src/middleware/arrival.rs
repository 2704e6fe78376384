//! How a request arrived: from which peer ([`PeerAddress`]), and whether over TLS, which decides which cookie
//! the response gets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Extensions, HeaderMap};

use super::log::warn;
use super::tenant_cookie::TenantCookie;
use crate::cookie::path_matches;
use crate::error::Result;
use crate::proxies::TrustedProxies;
use crate::session::Manager;

/// The address at the other end of a request's connection, kept in the extensions of the request.
///
/// `Server` sets it, and axum's `ConnectInfo<SocketAddr>` is understood as well. With any other server,
/// insert it into each request yourself, for
/// [`CookieOptions::secure_by_request`](crate::CookieOptions::secure_by_request) and for rate limits.
///
/// # Examples
///
/// ```
/// use beaker::middleware::PeerAddress;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(PeerAddress::new("127.0.0.1:4711".parse().unwrap()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(SocketAddr);

impl PeerAddress {
    /// Wraps an address, with the port of the peer.
    #[must_use]
    pub fn new(address: SocketAddr) -> PeerAddress {
        PeerAddress(address)
    }

    /// Returns the address, with the port of the peer.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0
    }
}

/// Who sent the request, if that is known.
pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    #[cfg(feature = "axum")]
    if let Some(info) = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>() {
        return Some(info.0.ip());
    }
    extensions.get::<PeerAddress>().map(|peer| peer.0.ip())
}

/// Gives the values of all headers of a name. What is no text is no word that is believed, and hides none.
pub(super) fn lines<'a>(headers: &'a HeaderMap) -> impl Fn(&'static str) -> Vec<&'a str> {
    |name| {
        let lines = headers.get_all(name).iter();
        lines.map(|line| line.to_str().unwrap_or("\u{fffd}")).collect()
    }
}

/// The sessions of an application, whose cookie may go by how a request came, and by what it is for.
#[derive(Debug, Clone)]
pub(super) struct SessionsByRequest {
    sessions: Manager,
    /// If requests for other paths have none.
    path: Option<Arc<str>>,
    /// If over plain HTTP they are others.
    plain: Option<Arc<Plain>>,
    /// If the program decides for each request.
    tenants: Option<TenantCookie>,
    /// What is wrong with all requests is told of the first one.
    is_told: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Plain {
    sessions: Manager,
    proxies: Arc<TrustedProxies>,
    is_told: Arc<AtomicBool>,
}

impl SessionsByRequest {
    pub(super) fn new(sessions: Manager) -> SessionsByRequest {
        let is_told = Arc::default();
        let plain = Plain::of(&sessions, &is_told).map(Arc::new);
        let path = sessions.cookie().own_path().map(Arc::from);
        SessionsByRequest { sessions, path, plain, tenants: None, is_told }
    }

    pub(super) fn with_tenants(self, cookie: TenantCookie) -> SessionsByRequest {
        SessionsByRequest { tenants: Some(cookie), ..self }
    }

    /// Those for a request, if its path is one for which there is a cookie.
    pub(super) fn of<B>(&self, request: &http::Request<B>) -> Result<Option<Manager>> {
        if let Some(tenants) = &self.tenants {
            return self.of_tenant(tenants, request);
        }
        if self.path.as_ref().is_some_and(|path| !path_matches(path, request.uri().path())) {
            return Ok(None);
        }
        Ok(Some(match &self.plain {
            Some(plain) if !plain.came_over_tls(request) => plain.sessions.clone(),
            _ => self.sessions.clone(),
        }))
    }

    fn of_tenant<B>(
        &self,
        tenants: &TenantCookie,
        request: &http::Request<B>,
    ) -> Result<Option<Manager>> {
        let cookie = tenants.of(request, self.sessions.cookie());
        // It may have been made of what a visitor has sent.
        cookie.check()?;
        if cookie.own_path().is_some_and(|path| !path_matches(path, request.uri().path())) {
            return Ok(None);
        }
        let sessions = self.sessions.with_cookie(cookie);
        Ok(Some(match Plain::of(&sessions, &self.is_told) {
            Some(plain) if !plain.came_over_tls(request) => plain.sessions,
            _ => sessions,
        }))
    }
}

impl Plain {
    fn of(sessions: &Manager, is_told: &Arc<AtomicBool>) -> Option<Plain> {
        let (proxies, plain) = sessions.cookie().by_request()?;
        let sessions = sessions.with_cookie(plain);
        Some(Plain { sessions, proxies, is_told: Arc::clone(is_told) })
    }

    fn came_over_tls<B>(&self, request: &http::Request<B>) -> bool {
        let lines = lines(request.headers());
        let Some(peer) = peer(request.extensions()) else {
            self.tell_once(
                None,
                "nobody says from which peer requests come, so none counts as sent over \
                 TLS; insert a `PeerAddress`, or serve with `into_make_service_with_connect_info`",
            );
            return false;
        };
        if self.proxies.contains(peer) {
            return self.proxies.is_tls(peer, lines);
        }
        let header = self.proxies.header_name();
        if request.headers().contains_key(header) {
            self.tell_once(
                Some(peer),
                "a peer that is no trusted proxy says how its visitor came, and is not believed; \
                 if it is a proxy of yours, add it to the trusted ones",
            );
        }
        false
    }

    fn tell_once(&self, peer: Option<IpAddr>, what: &str) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            warn(peer, what);
        }
    }
}

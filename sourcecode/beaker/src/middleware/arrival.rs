//! How a request arrived: from which peer ([`PeerAddress`]), and whether over TLS, which decides which cookie
//! the response gets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Extensions, HeaderMap};

use super::log::warn;
use crate::cookie::path_matches;
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

/// The sessions of an application, whose cookie may go by how a request came.
#[derive(Debug, Clone)]
pub(super) struct SessionsByRequest {
    sessions: Manager,
    /// If requests for other paths have none.
    path: Option<Arc<str>>,
    /// If over plain HTTP they are others.
    plain: Option<Arc<Plain>>,
}

#[derive(Debug)]
struct Plain {
    sessions: Manager,
    proxies: Arc<TrustedProxies>,
    /// What is wrong with all requests is told of the first one.
    is_told: AtomicBool,
}

impl SessionsByRequest {
    pub(super) fn new(sessions: Manager) -> SessionsByRequest {
        let plain = sessions.by_request().map(|(proxies, sessions)| {
            Arc::new(Plain { sessions, proxies, is_told: AtomicBool::new(false) })
        });
        let path = sessions.cookie_path().map(Arc::from);
        SessionsByRequest { sessions, path, plain }
    }

    /// Those for a request, if its path is one for which there is a cookie.
    pub(super) fn of<B>(&self, request: &http::Request<B>) -> Option<&Manager> {
        if self.path.as_ref().is_some_and(|path| !path_matches(path, request.uri().path())) {
            return None;
        }
        Some(match &self.plain {
            Some(plain) if !plain.came_over_tls(request) => &plain.sessions,
            _ => &self.sessions,
        })
    }
}

impl Plain {
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

//! Visitors who ask too often, around an application and around a service of tower.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use beaker::limit::{AsyncRateLimiter, OnStoreFailure, RateLimit, RateLimiter};
use beaker::lock::LocalLocks;
use beaker::middleware::{
    App, PeerAddress, RateLimitLayer, RateLimitMiddleware, Request, Response, text,
};
use beaker::{AsyncBackend, Backend, ErrorKind, ManualClock, Result, TrustedProxies};
use http::{HeaderMap, StatusCode};
use tower::ServiceExt;

use crate::halting::Halting;

/// A site that lets each visitor in three times in ten seconds.
struct Site {
    call: Box<dyn Fn(Request, SocketAddr) -> Result<Response>>,
    clock: Arc<ManualClock>,
    asked: Arc<AtomicUsize>,
}

const PEER: &str = "192.0.2.1:4711";

impl Site {
    fn get(&self, peer: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = http::Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        (self.call)(request.body(Vec::new()).unwrap(), peer.parse().unwrap()).unwrap()
    }

    /// How many of five are let in.
    fn of_five(&self, peer: &str, headers: &[(&str, &str)]) -> usize {
        (0..5).filter(|_| self.get(peer, headers).status() == StatusCode::OK).count()
    }
}

type KeyOf = fn(&HeaderMap) -> Option<String>;

fn everywhere(proxies: Option<&str>, key_of: Option<KeyOf>, check: impl Fn(&Site)) {
    let rule = RateLimit::fixed_window(3, Duration::from_secs(10));
    let proxies: Option<TrustedProxies> = proxies.map(|list| list.parse().unwrap());
    println!("around an App");
    let clock = Arc::new(ManualClock::default());
    let asked = Arc::new(AtomicUsize::new(0));
    let limiter = RateLimiter::new(Backend::memory(), "pages", rule).unwrap();
    let counter = asked.clone();
    let app = move |_: &mut Request| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(text("a page"))
    };
    let mut app = RateLimitMiddleware::new(app, limiter.with_clock(clock.clone()));
    if let Some(proxies) = &proxies {
        app = app.behind(proxies.clone());
    }
    if let Some(key_of) = key_of {
        app = app.key_of(key_of);
    }
    let call = move |mut request: Request, peer| {
        request.extensions_mut().insert(PeerAddress::new(peer));
        app.call(&mut request)
    };
    check(&Site { call: Box::new(call), clock, asked });

    println!("around a service");
    let clock = Arc::new(ManualClock::default());
    let asked = Arc::new(AtomicUsize::new(0));
    let limiter = AsyncRateLimiter::new(AsyncBackend::memory(), "pages", rule).unwrap();
    let mut layer = RateLimitLayer::new(limiter.with_clock(clock.clone()));
    if let Some(proxies) = proxies {
        layer = layer.behind(proxies);
    }
    if let Some(key_of) = key_of {
        layer = layer.key_of(key_of);
    }
    let counter = asked.clone();
    let page = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        "a page"
    };
    let router = Router::new().route("/", get(page)).layer(layer);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = move |mut request: Request, peer: SocketAddr| {
        request.extensions_mut().insert(ConnectInfo(peer));
        runtime.block_on(async {
            let answer = router.clone().oneshot(request.map(Body::from)).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            Ok(Response::from_parts(parts, body.into()))
        })
    };
    check(&Site { call: Box::new(call), clock, asked });
}

#[test]
fn a_visitor_who_asks_too_often_is_told_when_to_come_back() {
    everywhere(None, None, |site| {
        for _ in 0..3 {
            let answer = site.get(PEER, &[]);
            assert_eq!(
                (answer.status(), answer.body().as_slice()),
                (StatusCode::OK, &b"a page"[..])
            );
            assert!(!answer.headers().contains_key("retry-after"));
        }
        let refused = site.get(PEER, &[]);
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=10).contains(&seconds), "{seconds}");
        assert_eq!(refused.headers()["cache-control"], "no-store");
        let what = format!("Too many requests. Try again in {seconds} s.");
        assert_eq!(refused.body(), what.as_bytes());
        assert_eq!(site.asked.load(Ordering::SeqCst), 3);
        // It is another port, and another visitor.
        assert_eq!(site.get("192.0.2.1:99", &[]).status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(site.get("192.0.2.2:99", &[]).status(), StatusCode::OK);
        site.clock.advance(Duration::from_secs(seconds));
        assert_eq!(site.of_five(PEER, &[]), 3);
    });
}

#[test]
fn behind_proxies_each_visitor_counts_alone_and_none_is_believed() {
    everywhere(Some("10.0.0.0/8"), None, |site| {
        let from = |address: &'static str| [("x-forwarded-for", address)];
        assert_eq!(site.of_five("10.0.0.1:1", &from("198.51.100.1")), 3);
        assert_eq!(site.of_five("10.0.0.1:1", &from("198.51.100.2")), 3);
        assert_eq!(site.of_five("10.0.0.2:1", &from("198.51.100.2:80, 10.0.0.1")), 0);
        // What a visitor made up stands before what the proxy has added.
        assert_eq!(site.of_five("10.0.0.1:1", &from("1.2.3.4, 198.51.100.2")), 0);
        assert_eq!(site.of_five("10.0.0.1:1", &from("10.0.0.9, 198.51.100.2")), 0);
        // Nobody else is asked.
        for (count, address) in ["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"].iter().enumerate() {
            let answer = site.get("192.0.2.1:1", &from(address));
            assert_eq!(answer.status() == StatusCode::OK, count < 3);
        }
        // What no proxy can tell counts for the proxy.
        assert_eq!(site.of_five("10.0.0.7:1", &from("unknown")), 3);
        assert_eq!(site.of_five("10.0.0.7:1", &[]), 0);
    });
}

#[test]
fn a_household_of_ipv6_is_one_visitor() {
    everywhere(None, None, |site| {
        assert_eq!(site.of_five("[2001:db8:1:1::1]:1", &[]), 3);
        assert_eq!(site.of_five("[2001:db8:1:1:ffff::2]:1", &[]), 0);
        assert_eq!(site.of_five("[2001:db8:1:2::1]:1", &[]), 3);
        assert_eq!(site.of_five("[::ffff:192.0.2.1]:1", &[]), 3);
        assert_eq!(site.of_five(PEER, &[]), 0);
    });
}

#[test]
fn a_key_counts_before_the_address() {
    let key_of: KeyOf = |headers| headers.get("x-api-key")?.to_str().ok().map(str::to_owned);
    everywhere(None, Some(key_of), |site| {
        assert_eq!(site.of_five(PEER, &[("x-api-key", "a")]), 3);
        assert_eq!(site.of_five("192.0.2.2:1", &[("x-api-key", "a")]), 0);
        assert_eq!(site.of_five(PEER, &[("x-api-key", "b")]), 3);
        // A key is no address.
        assert_eq!(site.of_five("192.0.2.9:1", &[("x-api-key", "192.0.2.1")]), 3);
        assert_eq!(site.of_five(PEER, &[]), 3);
    });
}

#[test]
fn without_a_peer_nobody_is_let_in() {
    let rule = RateLimit::fixed_window(3, Duration::from_secs(10));
    let limiter = RateLimiter::new(Backend::memory(), "pages", rule).unwrap();
    let app = RateLimitMiddleware::new(|_: &mut Request| Ok(text("a page")), limiter);
    let error = app.call(&mut http::Request::get("/").body(Vec::new()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("PeerAddress"), "{error}");
}

#[test]
fn a_store_that_is_down_lets_nobody_in_or_all() {
    let rule = RateLimit::fixed_window(3, Duration::from_secs(10));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (then, status) in [(OnStoreFailure::Fail, 503), (OnStoreFailure::Allow, 200)] {
        let store = Halting::default();
        store.set_down(true);
        let backend = AsyncBackend::new(store, LocalLocks::new());
        let limiter = AsyncRateLimiter::new(backend, "pages", rule).unwrap().on_store_failure(then);
        let page = get(|| async { "a page" });
        let router = Router::new().route("/", page).layer(RateLimitLayer::new(limiter));
        for _ in 0..5 {
            let mut request = http::Request::get("/").body(Body::empty()).unwrap();
            request.extensions_mut().insert(PeerAddress::new(PEER.parse().unwrap()));
            let answer = runtime.block_on(router.clone().oneshot(request)).unwrap();
            assert_eq!(answer.status(), status);
        }
    }
}

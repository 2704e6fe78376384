//! Requests that have no session: for paths to which the cookie would not come back, and without a middleware.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use beaker::middleware::{
    App, Request, RequestSession, Response, SessionExt, SessionLayer, SessionMiddleware, text,
};
use beaker::testing::CookieJar;
use beaker::{
    AsyncBackend, AsyncSessions, Backend, CookieOptions, ErrorKind, Result, Sessions, Signer, Value,
};
use tower::ServiceExt;

fn count(mut session: RequestSession) -> Result<String> {
    let visits = session.get("visits").and_then(Value::as_int).unwrap_or(0) + 1;
    session.set("visits", visits);
    session.save()?;
    Ok(visits.to_string())
}

fn application(request: &mut Request) -> Result<Response> {
    Ok(text(match request.optional_session()? {
        Some(session) => count(session)?,
        None => "nobody".into(),
    }))
}

async fn handler(session: Option<RequestSession>) -> Result<String> {
    session.map_or(Ok("nobody".into()), count)
}

/// Asks both worlds, each with a browser.
fn visits(cookie: CookieOptions, paths: &[(&str, &str)]) {
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let app = SessionMiddleware::new(application, sessions.cookie(cookie.clone())).unwrap();
    let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(Signer::random().unwrap());
    let layer = SessionLayer::new(sessions.cookie(cookie)).unwrap();
    let router = Router::new().fallback(get(handler)).layer(layer);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut one, mut other) = (CookieJar::new(), CookieJar::new());
    for (path, expected) in paths {
        let request = |jar: &CookieJar| {
            let mut request = http::Request::get(*path);
            if let Some(cookies) = jar.header(path) {
                request = request.header("cookie", cookies);
            }
            request
        };
        let answer = app.call(&mut request(&one).body(Vec::new()).unwrap()).unwrap();
        one.take(path, answer.headers());
        assert_eq!(answer.body(), expected.as_bytes(), "{path}, around an App");
        let request = request(&other).body(Body::empty()).unwrap();
        let answer = runtime.block_on(router.clone().oneshot(request)).unwrap();
        other.take(path, answer.headers());
        assert_eq!(answer.headers().contains_key("vary"), *expected != "nobody");
        let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 100)).unwrap();
        assert_eq!(body, expected.as_bytes(), "{path}, around a service");
    }
}

#[test]
fn a_path_to_which_the_cookie_does_not_come_has_no_session() {
    let cookie = CookieOptions::default().path("/shop");
    let paths = [
        ("/shop", "1"),
        ("/about", "nobody"),
        ("/shop/basket?a=1", "2"),
        ("/shops", "nobody"),
        ("/shop/", "3"),
    ];
    visits(cookie, &paths);
    visits(CookieOptions::default(), &[("/shop", "1"), ("/about", "2"), ("/", "3")]);
}

#[test]
fn an_application_may_see_shorter_paths() {
    // Here nothing cuts them, so the browser has no cookie for `/`: it is a new visitor each time.
    let cookie = CookieOptions::default().path("/shop").path_is_cut();
    visits(cookie, &[("/shop", "1"), ("/shop", "2"), ("/", "1")]);
}

#[test]
fn who_insists_on_a_session_is_told_what_to_do() {
    let insists = |request: &mut Request| request.session().map(|_| text("fine"));
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let sessions = sessions.cookie(CookieOptions::default().path("/shop"));
    let app = SessionMiddleware::new(insists, sessions).unwrap();
    let call = |path: &str| app.call(&mut http::Request::get(path).body(Vec::new()).unwrap());
    assert!(call("/shop").is_ok());
    for _ in 0..2 {
        let error = call("/about").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("path_is_cut"), "{error}");
    }
}

#[test]
fn without_a_middleware_there_is_none() {
    let answer = application(&mut http::Request::get("/").body(Vec::new()).unwrap()).unwrap();
    assert_eq!(answer.body(), b"nobody");
    let router = Router::new().route("/", get(handler));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = http::Request::get("/").body(Body::empty()).unwrap();
    let answer = runtime.block_on(router.oneshot(request)).unwrap();
    let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 100)).unwrap();
    assert_eq!(body, "nobody".as_bytes());
}

#[test]
fn what_fails_is_no_absence() {
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let twice = |request: &mut Request| {
        let _held = request.session()?;
        let error = request.optional_session().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
        Ok(text("fine"))
    };
    let app = SessionMiddleware::new(twice, sessions).unwrap();
    app.call(&mut http::Request::get("/").body(Vec::new()).unwrap()).unwrap();
}

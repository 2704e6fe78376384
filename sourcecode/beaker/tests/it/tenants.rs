//! The session's cookie by the host and the path of a request: a site with many tenants, in both worlds.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use beaker::middleware::{
    App, PeerAddress, Request, RequestSession, Response, SessionExt, SessionLayer,
    SessionMiddleware, session_of, text,
};
use beaker::{
    AsyncBackend, AsyncSessions, Backend, CookieOptions, ErrorKind, Origin, Rejection, Result,
    Sessions, Signer, Value,
};
use http::HeaderMap;
use http::header::{COOKIE, HOST, SET_COOKIE, VARY};
use tower::ServiceExt;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Answers with the number of visits, and where the session is from.
fn count(mut session: RequestSession) -> Result<String> {
    let visits = session.get("visits").and_then(Value::as_int).unwrap_or(0) + 1;
    session.set("visits", visits);
    session.save()?;
    Ok(format!("{visits} {:?}", session.origin()))
}

fn application(request: &mut Request) -> Result<Response> {
    Ok(text(match request.optional_session()? {
        Some(session) => count(session)?,
        None => "nobody".into(),
    }))
}

async fn handler(request: axum::extract::Request) -> Result<String> {
    match session_of(request.extensions()).await {
        Ok(session) => count(session),
        Err(error) if error.to_string().contains("is not below the `path`") => Ok("nobody".into()),
        Err(error) => Err(error),
    }
}

type Tenants = fn(&str, &str, CookieOptions) -> CookieOptions;

/// One site in both worlds.
struct Site {
    app: Box<dyn App>,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

struct Asked<'a> {
    host: &'a str,
    path: &'a str,
    cookie: Option<&'a str>,
    proto: Option<&'a str>,
}

const ASKED: Asked<'static> = Asked { host: "", path: "/", cookie: None, proto: None };

impl Site {
    fn new(cookie: CookieOptions, tenants: Tenants) -> Site {
        let signer = || Signer::new([KEY]).unwrap();
        let sessions = Sessions::new(Backend::memory()).signed_by(signer()).cookie(cookie.clone());
        let app = SessionMiddleware::new(application, sessions).unwrap().cookie_by_request(tenants);
        let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(signer());
        let layer = SessionLayer::new(sessions.cookie(cookie)).unwrap().cookie_by_request(tenants);
        let router = Router::new().fallback(get(handler)).layer(layer);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Site { app: Box::new(app), router, runtime }
    }

    /// What both worlds answer: in each, the text and the cookie without its value.
    #[track_caller]
    fn ask(&self, asked: &Asked<'_>, both: [&str; 2]) -> [Option<String>; 2] {
        let request = |cookie: Option<&str>| {
            let mut request = http::Request::get(asked.path).header(HOST, asked.host);
            if let Some(cookie) = cookie {
                request = request.header(COOKIE, cookie);
            }
            if let Some(proto) = asked.proto {
                request = request.header("x-forwarded-proto", proto);
            }
            request.extension(PeerAddress::new("127.0.0.1:80".parse().unwrap()))
        };
        // Each world has a key of its own, and so do the two parts of a cookie that was given.
        let [one, other] = match asked.cookie.and_then(|both| both.split_once('|')) {
            Some((one, other)) => [Some(one), Some(other)],
            None => [asked.cookie; 2],
        };
        let cookie = |headers: &HeaderMap| {
            headers.get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned())
        };
        let mut request_of_app = request(one).body(Vec::new()).unwrap();
        let answer = self.app.call(&mut request_of_app).unwrap();
        assert_eq!(std::str::from_utf8(answer.body()).unwrap(), both[0], "around an App");
        let first = cookie(answer.headers());
        let request = request(other).body(Body::empty()).unwrap();
        let answer = self.runtime.block_on(self.router.clone().oneshot(request)).unwrap();
        let second = cookie(answer.headers());
        let body = self.runtime.block_on(axum::body::to_bytes(answer.into_body(), 1000)).unwrap();
        assert_eq!(std::str::from_utf8(&body).unwrap(), both[1], "around a service");
        [first, second]
    }

    /// The same answer in both worlds, and the two cookies as `ask` takes them, with their attributes.
    #[track_caller]
    fn answers(&self, asked: &Asked<'_>, text: &str) -> (String, String) {
        let [one, other] = self.ask(asked, [text; 2]).map(Option::unwrap_or_default);
        let part = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
        let attributes = |cookie: &str| cookie.split_once(';').map_or("", |it| it.1).to_owned();
        assert_eq!(attributes(&one), attributes(&other));
        (format!("{}|{}", part(&one), part(&other)), attributes(&one))
    }
}

fn by_host(host: &str, _: &str, cookie: CookieOptions) -> CookieOptions {
    match host {
        "kimi.example" => cookie.name("kimi"),
        "valtteri.example" | "www.valtteri.example" => {
            cookie.name("valtteri").domain("valtteri.example")
        }
        _ => cookie,
    }
}

#[test]
fn each_host_has_its_own_cookie_and_its_own_session() {
    let site = Site::new(CookieOptions::default(), by_host);
    let new = format!("1 {:?}", Origin::New);
    let loaded = format!("2 {:?}", Origin::Loaded);
    let kimi = Asked { host: "Kimi.example:8080", ..ASKED };
    let (cookie, attributes) = site.answers(&kimi, &new);
    assert!(cookie.starts_with("kimi=") && cookie.contains("|kimi="), "{cookie}");
    assert!(!attributes.contains("Domain"), "{attributes}");
    site.answers(&Asked { cookie: Some(&cookie), ..kimi }, &loaded);
    // The same cookie under the name that another tenant has is forged.
    let moved = cookie.replace("kimi=", "valtteri=");
    let forged = format!("1 {:?}", Origin::Rejected(Rejection::Signature));
    let valtteri = Asked { host: "www.valtteri.example", ..ASKED };
    let (other, attributes) = site.answers(&Asked { cookie: Some(&moved), ..valtteri }, &forged);
    assert!(attributes.contains("; Domain=valtteri.example"), "{attributes}");
    // With its own name, it is not looked at there.
    site.answers(&Asked { cookie: Some(&cookie), ..valtteri }, &new);
    let below = Asked { host: "valtteri.example", cookie: Some(&other), ..ASKED };
    site.answers(&below, &loaded);
    // A host that nobody knows, and one that is none.
    for host in ["other.example", "", "kimi.example,kimi.example"] {
        let (cookie, _) = site.answers(&Asked { host, ..ASKED }, &new);
        assert!(cookie.starts_with("beaker.session.id="), "{cookie}");
    }
}

#[test]
fn a_rejected_cookie_is_removed_under_its_name() {
    let site = Site::new(CookieOptions::default(), by_host);
    let forged = format!("1 {:?}", Origin::Rejected(Rejection::Signature));
    let asked = Asked { host: "valtteri.example", cookie: Some("valtteri=x|valtteri=x"), ..ASKED };
    let (cookie, attributes) = site.answers(&asked, &forged);
    assert!(cookie.starts_with("valtteri=") && attributes.contains("Domain=valtteri.example"));
}

#[test]
fn tenants_may_be_paths() {
    let site = Site::new(CookieOptions::default(), |_, path, cookie| {
        match path.trim_start_matches('/').split('/').next() {
            Some(team @ ("lotus" | "sauber")) => cookie.name(team).path(format!("/{team}")),
            _ => cookie.path("/none"),
        }
    });
    let new = format!("1 {:?}", Origin::New);
    let (cookie, attributes) = site.answers(&Asked { path: "/lotus/cars", ..ASKED }, &new);
    assert!(attributes.contains("; Path=/lotus"), "{attributes}");
    let loaded = format!("2 {:?}", Origin::Loaded);
    site.answers(&Asked { path: "/lotus", cookie: Some(&cookie), ..ASKED }, &loaded);
    site.answers(&Asked { path: "/sauber", cookie: Some(&cookie), ..ASKED }, &new);
    // To another path the cookie would not come back.
    let (cookie, _) = site.answers(&Asked { path: "/about", ..ASKED }, "nobody");
    assert_eq!(cookie, "|");
}

#[test]
fn over_plain_http_it_is_not_secure_for_any_tenant() {
    let cookie = CookieOptions::default().secure_by_request("127.0.0.1".parse().unwrap());
    let site = Site::new(cookie, by_host);
    let new = format!("1 {:?}", Origin::New);
    let kimi = Asked { host: "kimi.example", ..ASKED };
    for (proto, is_secure) in [("https", true), ("http", false)] {
        let (cookie, attributes) = site.answers(&Asked { proto: Some(proto), ..kimi }, &new);
        assert!(cookie.starts_with("kimi="));
        assert_eq!(attributes.contains("Secure"), is_secure, "{attributes}");
    }
}

#[test]
fn what_browsers_would_ignore_is_an_error_of_that_request() {
    let careless: Tenants = |host, path, cookie| match path {
        "/name" => cookie.name(host),
        _ => cookie.domain(path),
    };
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::new([KEY]).unwrap());
    let asks = |request: &mut Request| match request.uri().path() {
        "/quiet" => Ok(text("fine")),
        _ => request.optional_session().map(|_| text("fine")),
    };
    let app = SessionMiddleware::new(asks, sessions).unwrap().cookie_by_request(careless);
    let call = |path: &str| {
        let mut request = http::Request::get(path).header(HOST, "kimi.example").body(Vec::new());
        app.call(request.as_mut().unwrap())
    };
    assert!(call("/name").is_ok());
    for _ in 0..2 {
        let error = call("/;evil=1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("is no domain"), "{error}");
    }
    let answer = call("/quiet").unwrap();
    assert_eq!(answer.body(), b"fine", "a request that does not ask for it gets no error");
    assert!(!answer.headers().contains_key(SET_COOKIE) && !answer.headers().contains_key(VARY));

    let sessions = AsyncSessions::new(AsyncBackend::memory());
    let sessions = sessions.signed_by(Signer::new([KEY]).unwrap());
    let layer = SessionLayer::new(sessions).unwrap().cookie_by_request(careless);
    let router = Router::new().fallback(get(handler)).layer(layer);
    let request = http::Request::get("/;evil=1").body(Body::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(router.oneshot(request)).unwrap();
    assert_eq!(answer.status(), http::StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.headers().contains_key(SET_COOKIE));
}

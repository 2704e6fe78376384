//! Requests that other sites forge, against an application and against a service of tower.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use beaker::middleware::{
    App, CsrfLayer, CsrfMiddleware, CsrfToken, Request, RequestSession, Response, SessionExt,
    SessionLayer, SessionMiddleware, text,
};
use beaker::testing::CookieJar;
use beaker::{AsyncBackend, AsyncSessions, Backend, ErrorKind, Result, Sessions, Signer};
use http::StatusCode;
use tower::ServiceExt;

/// A site, and how often something was done there.
struct Site {
    call: Box<dyn Fn(Request) -> Result<Response>>,
    done: Arc<AtomicUsize>,
}

/// A visitor with a browser, or another site that makes that browser do something.
struct Visitor<'a> {
    site: &'a Site,
    jar: CookieJar,
}

impl Visitor<'_> {
    fn send(&mut self, mut request: Request) -> Response {
        let url = request.uri().to_string();
        if let Some(cookies) = self.jar.header(&url) {
            request.headers_mut().insert("cookie", cookies.parse().unwrap());
        }
        let response = (self.site.call)(request).unwrap();
        self.jar.take(&url, response.headers());
        response
    }

    /// The token of the page with the form.
    fn token(&mut self) -> String {
        let page = self.send(http::Request::get("/").body(Vec::new()).unwrap());
        assert_eq!(page.status(), StatusCode::OK);
        String::from_utf8(page.into_body()).unwrap()
    }

    #[track_caller]
    fn check(&mut self, request: http::request::Builder, body: &str, status: u16) -> Response {
        let before = self.site.done.load(Ordering::SeqCst);
        let request = request.uri("/").body(body.as_bytes().to_vec()).unwrap();
        let answer = self.send(request);
        assert_eq!(answer.status(), status, "{body}");
        let done = self.site.done.load(Ordering::SeqCst) - before;
        assert_eq!(done, usize::from(status == 200));
        answer
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn post() -> http::request::Builder {
    http::Request::post("/")
}

fn form() -> http::request::Builder {
    post().header(FORM.0, FORM.1)
}

fn everywhere(check: impl Fn(&mut Visitor<'_>)) {
    println!("around an App");
    let visit = |site: &Site| check(&mut Visitor { site, jar: CookieJar::new() });
    visit(&of_an_app());
    println!("around a service");
    visit(&of_axum());
}

/// It answers with what it was sent.
fn of_an_app() -> Site {
    let done = Arc::new(AtomicUsize::new(0));
    let counter = done.clone();
    let app = move |request: &mut Request| match request.method().is_safe() {
        true => {
            let mut session = request.session()?;
            let token = session.csrf_token();
            if session.is_new() {
                session.save()?;
            }
            Ok(text(token))
        }
        false => {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(Response::new(request.body().clone()))
        }
    };
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let app = CsrfMiddleware::new(app).body_limit(1000);
    let app = SessionMiddleware::new(app, sessions).unwrap();
    Site { call: Box::new(move |mut request| app.call(&mut request)), done }
}

fn of_axum() -> Site {
    let done = Arc::new(AtomicUsize::new(0));
    let counter = done.clone();
    // The token and the session, in one handler.
    let form = async |token: CsrfToken, session: RequestSession| {
        assert!(session.check_csrf(token.as_str()));
        assert_eq!(format!("{token:?}"), "CsrfToken(..)");
        token.to_string()
    };
    let buy = async move |body: String| {
        counter.fetch_add(1, Ordering::SeqCst);
        body
    };
    let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(Signer::random().unwrap());
    let app = Router::new()
        .route("/", get(form).post(buy.clone()).delete(buy))
        .layer(CsrfLayer::new().body_limit(1000))
        .layer(SessionLayer::new(sessions).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = move |request: Request| {
        runtime.block_on(async {
            let answer = app.clone().oneshot(request.map(Body::from)).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            Ok(Response::from_parts(parts, body.into()))
        })
    };
    Site { call: Box::new(call), done }
}

#[test]
fn a_page_of_this_site_is_let_in() {
    everywhere(|visitor| {
        let (first, second) = (visitor.token(), visitor.token());
        assert_ne!(first, second);
        for token in [first, second] {
            visitor.check(post().header("x-csrf-token", &token), "{\"a\": 1}", 200);
            let body = format!("a=1&csrf_token={token}&b=%20+");
            // The form goes on as it came.
            let answer = visitor.check(form(), &body, 200);
            assert_eq!(answer.body(), body.as_bytes());
            let typed = post().header(FORM.0, "Application/X-WWW-Form-Urlencoded; charset=utf-8");
            visitor.check(typed, &format!("csrf%5Ftoken={token}"), 200);
            visitor.check(post().method("DELETE").header("X-CSRF-Token", &token), "", 200);
        }
    });
}

#[test]
fn a_page_of_another_site_is_not() {
    everywhere(|visitor| {
        let token = visitor.token();
        let refused = visitor.check(post(), "", 403);
        assert_eq!(refused.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(refused.headers()["cache-control"], "no-store");
        assert!(refused.body().starts_with(b"This request was not made by a page of this site"));
        visitor.check(form(), "a=1", 403);
        visitor.check(form(), "", 403);
        visitor.check(form(), "csrf_token=", 403);
        visitor.check(form(), "csrf_token=forged", 403);
        visitor.check(form(), &format!("csrf_token=forged&csrf_token={token}"), 403);
        visitor.check(form(), &format!("CSRF_TOKEN={token}"), 403);
        visitor.check(post(), &format!("csrf_token={token}"), 403);
        visitor.check(post().header(FORM.0, "text/plain"), &format!("csrf_token={token}"), 403);
        visitor.check(post().method("DELETE"), "", 403);
        visitor.check(post().method("PURGE"), "", 403);
        // The header counts where there is one.
        let body = format!("csrf_token={token}");
        visitor.check(form().header("x-csrf-token", "forged"), &body, 403);
        let bytes = http::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
        visitor.check(post().header("x-csrf-token", bytes), "", 403);
        // And nothing of it was in vain.
        visitor.check(form(), &body, 200);
    });
}

#[test]
fn a_token_is_of_one_session() {
    everywhere(|visitor| {
        let mut attacker = Visitor { site: visitor.site, jar: CookieJar::new() };
        let theirs = attacker.token();
        visitor.token();
        visitor.check(post().header("x-csrf-token", &theirs), "", 403);
        attacker.check(post().header("x-csrf-token", &theirs), "", 200);
        // Without the cookie it is nobody's.
        let mut nobody = Visitor { site: visitor.site, jar: CookieJar::new() };
        nobody.check(post().header("x-csrf-token", &theirs), "", 403);
    });
}

#[test]
fn a_changed_token_is_refused() {
    everywhere(|visitor| {
        let token = visitor.token();
        for at in 0..token.len() {
            for other in ["A", "z", "-", "=", "%", ""] {
                let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
                if changed != token {
                    visitor.check(post().header("x-csrf-token", &changed), "", 403);
                }
            }
        }
    });
}

#[test]
fn a_form_is_read_up_to_a_limit() {
    everywhere(|visitor| {
        let token = visitor.token();
        let body = |length: usize| {
            let start = format!("csrf_token={token}&a=");
            let rest = "x".repeat(length - start.len());
            start + &rest
        };
        visitor.check(form(), &body(1000), 200);
        let refused = visitor.check(form(), &body(1001), 413);
        assert_eq!(refused.body(), b"This form is too large.");
        // What has its token in the head is not read here.
        visitor.check(form().header("x-csrf-token", &token), &body(100_000), 200);
    });
}

#[test]
fn the_names_can_be_others() {
    let app = |_: &mut Request| Ok(text("done"));
    let protected = || CsrfMiddleware::new(app).header("x-xsrf").unwrap().field("_token");
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let mut session = sessions.create();
    let token = session.csrf_token();
    session.save().unwrap();
    let cookie = session.set_cookie().unwrap().unwrap();
    let app = SessionMiddleware::new(protected(), sessions).unwrap();
    let call = |request: http::request::Builder, body: String| {
        let request = request.header("cookie", cookie.split(';').next().unwrap());
        app.call(&mut request.body(body.into_bytes()).unwrap()).unwrap().status()
    };
    assert_eq!(call(post().header("X-XSRF", &token), String::new()), 200);
    assert_eq!(call(form(), format!("_token={token}")), 200);
    assert_eq!(call(form(), format!("csrf_token={token}")), 403);
    for wrong in ["", "a b", "ä"] {
        let error = CsrfMiddleware::new(|_: &mut Request| Ok(text(""))).header(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(CsrfLayer::new().header(wrong).unwrap_err().kind(), ErrorKind::Config);
    }
}

#[test]
fn without_sessions_nobody_is_let_in() {
    let app = CsrfMiddleware::new(|_: &mut Request| Ok(text("done")));
    let error = app.call(&mut post().body(Vec::new()).unwrap()).unwrap_err();
    assert!(error.to_string().contains("SessionMiddleware"), "{error}");
    let app = Router::new().route("/", get(|| async {}).post(|| async {})).layer(CsrfLayer::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = post().header("x-csrf-token", "x").body(Body::empty()).unwrap();
    let answer = runtime.block_on(app.oneshot(request)).unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

//! The middleware, called without a network.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::middleware::{App, Request, Response, SessionExt, SessionMiddleware, text};
use beaker::store::{MemoryStore, Store, Stored, Version, When};
use beaker::{Backend, CookieOptions, Error, ErrorKind, Result, Sessions, Signer, Value};
use std::sync::Arc;

/// Counts what the middleware asks of its store.
#[derive(Debug, Default)]
struct Counting {
    store: MemoryStore,
    calls: AtomicU64,
}

impl Counting {
    fn count(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Counting>);

impl Store for Shared {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.count().get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: When,
    ) -> Result<Option<Version>> {
        self.0.count().put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: When) -> Result<bool> {
        self.0.count().delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.0.count().clear(namespace)
    }
}

/// A browser: sends the cookies that it was given.
struct Visitor<'a> {
    app: &'a dyn App,
    cookie: Mutex<Option<String>>,
}

impl<'a> Visitor<'a> {
    fn new(app: &'a dyn App) -> Visitor<'a> {
        Visitor { app, cookie: Mutex::new(None) }
    }

    fn visit(&self, path: &str) -> Result<Response> {
        let mut request = http::Request::get(path).body(Vec::new()).unwrap();
        let mut cookie = self.cookie.lock().unwrap();
        if let Some(cookie) = &*cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let response = self.app.call(&mut request)?;
        if let Some(header) = response.headers().get("set-cookie") {
            let pair = header.to_str().unwrap().split(';').next().unwrap();
            *cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        Ok(response)
    }

    fn body(&self, path: &str) -> String {
        String::from_utf8(self.visit(path).unwrap().into_body()).unwrap()
    }
}

fn application(request: &mut Request) -> Result<Response> {
    if request.uri().path() == "/static" {
        return Ok(text("no session"));
    }
    let mut session = request.session()?;
    let count = session.get("counter").and_then(Value::as_int).unwrap_or(0) + 1;
    session.set("counter", count);
    match request.uri().path() {
        "/look" => return Ok(text(format!("{}", count - 1))),
        "/login" => session.regenerate_id()?,
        "/logout" => session.invalidate()?,
        "/delete" => session.delete()?,
        _ => session.save()?,
    }
    if request.uri().path() == "/500" {
        let mut response = text("failed");
        *response.status_mut() = http::StatusCode::BAD_GATEWAY;
        return Ok(response);
    }
    if request.uri().path() == "/error" {
        return Err(Error::new(ErrorKind::Application, "on purpose"));
    }
    Ok(text(count.to_string()))
}

type Counter = SessionMiddleware<fn(&mut Request) -> Result<Response>>;

fn app() -> (Counter, Shared) {
    app_with(|sessions| sessions)
}

fn app_with(options: impl Fn(Sessions) -> Sessions) -> (Counter, Shared) {
    let store = Shared::default();
    let backend = Backend::new(store.clone(), LocalLocks::new());
    let sessions = Sessions::new(backend).signed_by(Signer::random().unwrap());
    let sessions = options(sessions).cookie(CookieOptions::default().insecure_for_localhost());
    (SessionMiddleware::new(application as fn(&mut Request) -> _, sessions).unwrap(), store)
}

#[test]
fn each_visitor_is_counted_alone() {
    let (app, _) = app();
    let (one, two) = (Visitor::new(&app), Visitor::new(&app));
    assert_eq!(one.body("/"), "1");
    assert_eq!(two.body("/"), "1");
    assert_eq!(one.body("/"), "2");
    assert_eq!(one.body("/"), "3");
    assert_eq!(two.body("/"), "2");
}

#[test]
fn a_request_that_does_not_ask_for_its_session_costs_nothing() {
    let (app, store) = app();
    let visitor = Visitor::new(&app);
    visitor.body("/");
    let before = store.0.calls.load(Ordering::Relaxed);
    let response = visitor.visit("/static").unwrap();
    assert_eq!(store.0.calls.load(Ordering::Relaxed), before);
    assert!(!response.headers().contains_key("set-cookie"));
    assert!(!response.headers().contains_key("vary"));
}

#[test]
fn the_cookie_is_sent_once() {
    let (app, _) = app();
    let visitor = Visitor::new(&app);
    let first = visitor.visit("/").unwrap();
    let cookie = first.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    assert_eq!(first.headers()["vary"], "Cookie");
    assert!(!visitor.visit("/").unwrap().headers().contains_key("set-cookie"));
}

#[test]
fn what_is_not_saved_is_dropped() {
    let (app, store) = app();
    let visitor = Visitor::new(&app);
    assert!(!visitor.visit("/look").unwrap().headers().contains_key("set-cookie"));
    assert_eq!(store.0.calls.load(Ordering::Relaxed), 0, "a new visitor who looks is not stored");
    assert_eq!(visitor.body("/"), "1");
    assert_eq!(visitor.body("/look"), "1");
    assert_eq!(visitor.body("/"), "2");
}

#[test]
fn auto_saves_what_changed() {
    let (app, _) = app_with(|sessions| sessions.auto(true));
    let visitor = Visitor::new(&app);
    assert_eq!(visitor.body("/look"), "0");
    assert_eq!(visitor.body("/look"), "1");
}

#[test]
fn reading_notes_the_access_in_one_write_or_none() {
    for (save_accessed_time, writes) in [(true, 1), (false, 0)] {
        let (app, store) = app_with(|sessions| sessions.save_accessed_time(save_accessed_time));
        let visitor = Visitor::new(&app);
        visitor.body("/");
        let before = store.0.calls.load(Ordering::Relaxed);
        visitor.body("/look");
        assert_eq!(store.0.calls.load(Ordering::Relaxed) - before, 1 + writes);
    }
}

#[test]
fn a_failed_request_saves_nothing() {
    let (app, _) = app();
    let visitor = Visitor::new(&app);
    assert_eq!(visitor.body("/"), "1");
    assert_eq!(visitor.visit("/500").unwrap().status(), 502);
    assert_eq!(visitor.visit("/error").unwrap_err().kind(), ErrorKind::Application);
    assert_eq!(visitor.body("/"), "2");
}

#[test]
fn logging_in_changes_the_id_and_the_old_cookie_is_worth_nothing() {
    let (app, _) = app();
    let visitor = Visitor::new(&app);
    visitor.body("/");
    let thief = Visitor::new(&app);
    *thief.cookie.lock().unwrap() = visitor.cookie.lock().unwrap().clone();
    assert_eq!(visitor.body("/login"), "2");
    assert_eq!(visitor.body("/"), "3");
    assert_eq!(thief.body("/"), "1");
}

#[test]
fn logging_out_and_deleting_remove_the_cookie() {
    for path in ["/logout", "/delete"] {
        let (app, _) = app();
        let visitor = Visitor::new(&app);
        visitor.body("/");
        let before = visitor.cookie.lock().unwrap().clone();
        visitor.body(path);
        assert_eq!(*visitor.cookie.lock().unwrap(), None, "{path}");
        *visitor.cookie.lock().unwrap() = before;
        assert_eq!(visitor.body("/"), "1", "{path}");
    }
}

#[test]
fn an_application_without_the_middleware_is_told_so() {
    let mut request = http::Request::get("/").body(Vec::new()).unwrap();
    let error = application(&mut request).unwrap_err();
    assert!(error.to_string().contains("SessionMiddleware"), "{error}");
}

#[test]
fn a_middleware_without_a_key_does_not_start() {
    let sessions = Sessions::new(Backend::memory());
    let error = SessionMiddleware::new(application, sessions).unwrap_err();
    assert!(error.to_string().contains("signed_by"), "{error}");
}

#[test]
fn two_cookie_headers_are_both_read() {
    let (app, _) = app();
    let visitor = Visitor::new(&app);
    visitor.body("/");
    let ours = visitor.cookie.lock().unwrap().clone().unwrap();
    let request = http::Request::get("/").header("cookie", "a=1").header("cookie", ours);
    let response = app.call(&mut request.body(Vec::new()).unwrap()).unwrap();
    assert_eq!(response.body(), b"2");
}

/// Two requests log in at once. One gives the session a new id; the other must not take away the
/// cookie that the visitor was just given.
#[test]
fn a_double_login_keeps_the_visitor_logged_in() {
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let both = Barrier::new(2);
    let login = |request: &mut Request| {
        let mut session = request.session()?;
        session.set("user", "kimi");
        session.regenerate_id()?;
        both.wait();
        Ok(text("welcome"))
    };
    let mut session = sessions.create();
    session.save().unwrap();
    let cookie = session.set_cookie().unwrap().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let app = SessionMiddleware::new(login, sessions).unwrap();
    let call = || {
        let mut request =
            http::Request::get("/").header("cookie", cookie).body(Vec::new()).unwrap();
        let response = app.call(&mut request).unwrap();
        response.headers().get("set-cookie").map(|header| header.to_str().unwrap().to_owned())
    };
    let cookies = std::thread::scope(|scope| {
        let requests = [scope.spawn(call), scope.spawn(call)];
        requests.map(|request| request.join().unwrap())
    });
    let given: Vec<_> = cookies.into_iter().flatten().collect();
    assert_eq!(given.len(), 1, "{given:?}");
    assert!(!given[0].contains("Max-Age=0"));
}

#[test]
fn a_session_that_is_in_use_is_an_error_and_not_a_deadlock() {
    let twice = |request: &mut Request| {
        let one = request.session()?;
        let error = request.session().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
        drop(one);
        request.session().map(|_| text("fine"))
    };
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let app = SessionMiddleware::new(twice, sessions).unwrap();
    app.call(&mut http::Request::get("/").body(Vec::new()).unwrap()).unwrap();
}

#[test]
fn other_cookies_may_be_no_text() {
    let (app, _) = app();
    let visitor = Visitor::new(&app);
    visitor.body("/");
    let ours = visitor.cookie.lock().unwrap().clone().unwrap();
    for header in [
        format!("name=Räikkönen; {ours}").into_bytes(),
        [b"x=\xff\xfe; ", ours.as_bytes()].concat(),
    ] {
        let header = http::HeaderValue::from_bytes(&header).unwrap();
        let mut request =
            http::Request::get("/look").header("cookie", header).body(Vec::new()).unwrap();
        assert_eq!(app.call(&mut request).unwrap().body(), b"1");
    }
}

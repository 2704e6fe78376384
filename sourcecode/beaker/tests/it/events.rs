//! What is told of sessions and caches: spans, events, counters, and never a whole id.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, ThreadId};

use beaker::{Backend, ErrorKind, Rejection, Session, Sessions, Signer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down whatever is told, by the thread that it is told in: other tests run in others.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<HashMap<ThreadId, String>>>);

static LISTENER: LazyLock<Listener> = LazyLock::new(|| {
    let listener = Listener::default();
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    listener
});

/// What is told in this thread from now on.
fn listen() -> &'static Listener {
    LISTENER.0.lock().unwrap().insert(thread::current().id(), String::new());
    &LISTENER
}

/// The warnings that are told while something is done.
pub fn warnings(act: impl FnOnce()) -> Vec<String> {
    let listener = listen();
    act();
    let told = listener.told();
    told.lines().filter(|line| line.starts_with("event WARN")).map(str::to_owned).collect()
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Listener {
    fn tell(&self, what: &str, metadata: &Metadata<'_>, fields: impl FnOnce(&mut Fields<'_>)) {
        let mut all = self.0.lock().unwrap();
        let Some(told) = all.get_mut(&thread::current().id()) else { return };
        write!(told, "{what} {} {}", metadata.level(), metadata.target()).unwrap();
        fields(&mut Fields(told));
        told.push('\n');
    }

    fn told(&self) -> String {
        self.0.lock().unwrap()[&thread::current().id()].clone()
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("beaker")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.tell(span.metadata().name(), span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.tell("event", event.metadata(), |fields| event.record(fields));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn what_happens_is_told_and_counted() {
    let listener = listen();
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let id = {
        let mut session = sessions.create();
        session.set("a", 1);
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let cookie = header.split(';').next().unwrap();
        sessions.load(Some(cookie)).unwrap().touch().unwrap();
        let mut other = sessions.open(session.id()).unwrap();
        other.set("b", 2);
        other.save().unwrap();
        session.set("c", 3);
        session.save().unwrap();
        assert!(sessions.load(Some("beaker.session.id=forged")).unwrap().is_new());
        session.delete().unwrap();
        other.set("d", 4);
        assert_eq!(other.save().unwrap_err().kind(), ErrorKind::SessionGone);
        assert!(sessions.load(Some(cookie)).unwrap().is_new());
        *session.id()
    };
    let cache = beaker::Cache::<u32>::in_memory(10);
    let fails = || Err::<u32, _>(beaker::Error::new(ErrorKind::Application, "the source is down"));
    cache.try_get_or_create("standings", fails).unwrap_err();
    let told = listener.told();
    for line in [
        "session.save DEBUG beaker::session id=",
        "session.load DEBUG beaker::session",
        "event DEBUG beaker::session message=loaded id=",
        "event DEBUG beaker::session message=access noted id=",
        "event DEBUG beaker::session message=somebody else saved first",
        "event DEBUG beaker::session message=not saved: it has ended meanwhile id=",
        "event WARN beaker::session message=cookie rejected reason=Signature",
        "event DEBUG beaker::session message=cookie rejected reason=Unknown",
        "cache.create DEBUG beaker::cache key=standings",
        "event WARN beaker::cache message=the loader failed key=standings error=the source is down",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
    assert!(!told.contains(id.as_str()) && told.contains(&id.as_str()[..8]), "{told}");
    let counters = sessions.counters();
    let counted = (counters.loads, counters.saves, counters.touches, counters.conflicts);
    assert_eq!(counted, (2, 3, 1, 1), "{counters:?}");
    assert_eq!(counters.rejected, [(Rejection::Signature, 1), (Rejection::Unknown, 1)]);
}

#[test]
fn a_handle_that_is_dropped_with_changes_says_so() {
    let listener = listen();
    let sessions = Sessions::new(Backend::memory());
    let mut saved = sessions.create();
    saved.set("basket", "a secret");
    saved.save().unwrap();
    let dropped = |change: fn(&mut Session)| {
        let before = listener.told().len();
        let mut session = sessions.open(saved.id()).unwrap();
        change(&mut session);
        drop(session);
        listener.told()[before..].contains("WARN")
    };
    for (change, is_told) in [
        ((|_| {}) as fn(&mut Session), false),
        (|session| session.set("tea", 1), true),
        (|session| session.clear(), true),
        (|session| session.set("basket", "a secret"), false),
        (
            |session| {
                session.set("tea", 1);
                session.revert();
            },
            false,
        ),
        (
            |session| {
                session.set("tea", 1);
                session.save().unwrap();
                session.remove("tea");
                session.save().unwrap();
            },
            false,
        ),
        (
            |session| {
                let change = || {
                    let mut session = Sessions::new(Backend::memory()).create();
                    session.set("tea", 1);
                    panic!("on purpose, with {session:?}");
                };
                assert!(std::panic::catch_unwind(change).is_err());
                session.touch().unwrap();
            },
            false,
        ),
    ] {
        assert_eq!(dropped(change), is_told, "{}", listener.told());
    }
    assert!(dropped(|session| session.set("tea", "a secret")));
    let told = listener.told();
    let line = told.lines().rfind(|line| line.contains("WARN")).unwrap();
    let id = &saved.id().as_str()[..8];
    let expected = format!(
        "event WARN beaker::session message=dropped with changes that nobody saved id={id:?} \
         keys=[\"tea\"] count=1"
    );
    assert_eq!(line, expected);
    // What has failed was told by an error; what was deleted is not missed.
    let before = told.len();
    let mut late = sessions.open(saved.id()).unwrap();
    late.set("tea", 1);
    saved.set("tea", 2);
    saved.delete().unwrap();
    assert_eq!(late.save().unwrap_err().kind(), ErrorKind::SessionGone);
    drop((late, saved));
    assert!(!listener.told()[before..].contains("WARN"), "{}", listener.told());
}

#[cfg(feature = "middleware")]
mod in_requests {
    use beaker::Result;
    use beaker::middleware::{
        App, Request, RequestSession, Response, SessionExt, SessionMiddleware, text,
    };

    use super::*;

    fn change(session: &mut RequestSession, path: &str) -> Result<Response> {
        session.set("basket", "a secret");
        match path {
            "/save" => session.save()?,
            "/fails" => return Err(beaker::Error::new(ErrorKind::Application, "on purpose")),
            _ => {}
        }
        Ok(text("fine"))
    }

    fn sessions() -> Sessions {
        Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap())
    }

    fn check(ask: impl Fn(&str, &Sessions)) {
        let listener = listen();
        for (path, auto, warnings) in [
            ("/shop?q=a+secret", false, 1),
            ("/save", false, 0),
            ("/shop", true, 0),
            ("/fails", false, 0),
        ] {
            let before = listener.told().len();
            ask(path, &sessions().auto(auto));
            let told = listener.told()[before..].to_owned();
            let lines: Vec<&str> = told.lines().filter(|line| line.contains("WARN")).collect();
            assert_eq!(lines.len(), warnings, "{path}: {told}");
            for line in lines {
                let named = line.contains("method=\"GET\" path=\"/shop\" id=");
                assert!(named && line.contains("keys=[\"basket\"]"), "{line}");
            }
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn a_forgotten_save_is_told_once_a_request() {
        check(|path, sessions| {
            let app = |request: &mut Request| {
                let path = request.uri().path().to_owned();
                change(&mut request.session()?, &path)
            };
            let app = SessionMiddleware::new(app, sessions.clone()).unwrap();
            let _ = app.call(&mut http::Request::get(path).body(Vec::new()).unwrap());
        });
    }

    #[cfg(feature = "axum")]
    #[test]
    fn axum_names_the_request_of_an_error_and_of_a_forgotten_save() {
        use axum::routing::get;
        use beaker::middleware::{RequestSession, SessionLayer};
        use tower::ServiceExt;
        async fn shop(mut session: RequestSession) -> Result<&'static str> {
            change(&mut session, "/shop").map(|_| "fine")
        }
        async fn save(mut session: RequestSession) -> Result<&'static str> {
            change(&mut session, "/save").map(|_| "fine")
        }
        async fn fails(mut session: RequestSession) -> Result<&'static str> {
            change(&mut session, "/fails").map(|_| "fine")
        }
        check(|path, sessions| {
            let routes = axum::Router::new();
            let routes = routes.route("/shop", get(shop)).route("/save", get(save));
            let routes = routes.route("/fails", get(fails));
            let app = routes.layer(SessionLayer::new(sessions.clone()).unwrap());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            let response = runtime.block_on(app.oneshot(request)).unwrap();
            assert_eq!(response.status().is_success(), path != "/fails");
        });
        let told = LISTENER.told();
        let error = told.lines().find(|line| line.contains("ERROR")).expect("it is told");
        let named = "event ERROR beaker::middleware message=a handler failed method=\"GET\" path=\"/fails\"";
        assert!(error.starts_with(named), "{error}");
    }
}

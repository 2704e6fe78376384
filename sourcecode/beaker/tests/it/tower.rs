//! The layer for tower: which threads it uses, requests that are given up, requests at once.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::middleware::{
    Request, RequestSession, Response, SessionExt, SessionLayer, SessionService, session_of, text,
};
use beaker::store::{Precondition, Store, Stored, Version};
use beaker::{
    AsyncBackend, AsyncSessions, Backend, Error, ErrorKind, Result, Sessions, Signer, Value,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::halting::Halting;
use crate::middleware::watched::Watched;

fn sessions_in(store: impl Store) -> Sessions {
    Sessions::new(Backend::new(store, LocalLocks::new())).signed_by(Signer::random().unwrap())
}

/// Wraps what answers with the session in hand.
fn site<F>(
    sessions: Sessions,
    answer: impl Fn(RequestSession) -> F + Clone + Send + Sync,
) -> SessionService<impl Service<Request, Response = Response, Error = Error, Future: Send> + Clone>
where
    F: Future<Output = Result<Response>> + Send,
{
    let service = service_fn(move |request: Request| {
        let (session, answer) = (session_of(request.extensions()), answer.clone());
        async move { answer(session.await?).await }
    });
    SessionLayer::new(sessions).unwrap().layer(service)
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// A stored session, and a request of the visitor who has it.
fn visitor(sessions: &Sessions, name: &str) -> impl Fn() -> Request + use<> {
    let mut session = sessions.create();
    session.set("name", name);
    session.save().unwrap();
    let cookie = session.set_cookie().unwrap().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    move || http::Request::get("/").header("cookie", &cookie).body(Vec::new()).unwrap()
}

fn count(session: &mut RequestSession) -> Result<Response> {
    let counter = session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    session.save()?;
    Ok(text(format!("{counter:?}")))
}

#[test]
fn a_store_that_may_wait_is_never_called_on_an_async_thread_and_another_only_there() {
    for blocks in [true, false] {
        let store = Watched::new(blocks);
        let sessions = sessions_in(store.clone());
        let request = visitor(&sessions, "kimi");
        let before = store.calls();
        let here = std::thread::current().id();
        let app = site(sessions.clone(), |mut session| async move { count(&mut session) });
        one_thread().block_on(app.oneshot(request())).unwrap();
        let callers = &store.callers()[before..];
        assert_eq!(callers.len(), 2, "one look and one write");
        assert!(callers.iter().all(|caller| (*caller != here) == blocks), "blocks: {blocks}");
    }
}

#[test]
fn a_request_that_is_given_up_saves_nothing() {
    for blocks in [true, false] {
        let store = Watched::new(blocks);
        let sessions = sessions_in(store.clone());
        let request = visitor(&sessions, "kimi");
        let before = store.calls();
        let (asked, mut has_asked) = tokio::sync::mpsc::unbounded_channel();
        let app = site(sessions.clone(), move |mut session| {
            let asked = asked.clone();
            async move {
                count(&mut session)?;
                asked.send(()).unwrap();
                pending().await
            }
        });
        one_thread().block_on(async {
            let mut answer = pin!(app.oneshot(request()));
            // Until the handler has asked for the save.
            poll_fn(|context| {
                assert!(answer.as_mut().poll(context).is_pending());
                has_asked.poll_recv(context)
            })
            .await
        });
        assert_eq!(store.calls() - before, 1, "it was loaded, and not saved");
    }
}

/// The handler has answered, so what it did counts: also if the visitor goes away while it is saved.
#[test]
fn a_visitor_who_leaves_during_the_save_does_not_stop_it() {
    let store = Halting::default();
    let sessions = AsyncSessions::new(AsyncBackend::new(store.clone(), LocalLocks::new()))
        .signed_by(Signer::random().unwrap());
    let service = service_fn(|request: Request| async move {
        count(&mut session_of(request.extensions()).await?)
    });
    let app = SessionLayer::new(sessions).unwrap().layer(service);
    one_thread().block_on(async {
        let request = http::Request::get("/").body(Vec::new()).unwrap();
        let mut answer = Box::pin(app.oneshot(request));
        // It is new, so nothing is loaded, and the first thing that has to be waited for is the save.
        poll_fn(|context| {
            assert!(answer.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(store.memory.len(), 0);
        drop(answer);
        while store.memory.is_empty() {
            yield_now().await;
        }
    });
}

/// A page that asks for its session as a blocking program does would hold up the others.
#[test]
fn a_session_that_tasks_wait_for_is_not_given_to_a_thread() {
    let sessions = AsyncSessions::new(AsyncBackend::new(Halting::default(), LocalLocks::new()))
        .signed_by(Signer::random().unwrap());
    let service = service_fn(|request: Request| async move {
        let error = request.session().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`session_of(request.extensions()).await`"));
        Ok::<_, Error>(text("fine"))
    });
    let app = SessionLayer::new(sessions).unwrap().layer(service);
    let request = http::Request::get("/").body(Vec::new()).unwrap();
    assert_eq!(one_thread().block_on(app.oneshot(request)).unwrap().body(), b"fine");
}

#[test]
fn a_panic_of_a_task_saves_nothing() {
    let store = Watched::new(false);
    let sessions = sessions_in(store.clone());
    let request = visitor(&sessions, "kimi");
    let before = store.calls();
    let app = site(sessions.clone(), |mut session| async move {
        count(&mut session)?;
        yield_now().await;
        panic!("on purpose")
    });
    let runtime = one_thread();
    let ended = runtime.block_on(runtime.spawn(app.oneshot(request())));
    assert!(ended.unwrap_err().is_panic());
    assert_eq!(store.calls() - before, 1, "it was loaded, and not saved");
}

#[test]
fn sixteen_tasks_lose_no_update() {
    for blocks in [true, false] {
        let sessions = sessions_in(Watched::new(blocks));
        let request = Arc::new(visitor(&sessions, "kimi"));
        let app = site(sessions.clone(), |mut session| async move {
            let response = count(&mut session);
            yield_now().await;
            response
        });
        let runtime = threads();
        let tasks = (0..16).map(|_| {
            let (app, request) = (app.clone(), request.clone());
            runtime.spawn(async move {
                for _ in 0..100 {
                    assert_eq!(app.clone().oneshot(request()).await.unwrap().status(), 200);
                }
            })
        });
        let tasks: Vec<_> = tasks.collect();
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        let cookie = request().headers()["cookie"].to_str().unwrap().to_owned();
        let session = sessions.load(Some(&cookie)).unwrap();
        assert_eq!(session.get("counter"), Some(&Value::Int(1600)));
    }
}

#[test]
fn two_visitors_never_see_each_other() {
    let sessions = sessions_in(Watched::new(false));
    let visitors = ["kimi", "jenson"].map(|name| (name, visitor(&sessions, name)));
    let app = site(sessions.clone(), |mut session| async move {
        yield_now().await;
        let name = session.require("name")?.as_str().unwrap_or_default().to_owned();
        session.set("last", name.as_str());
        session.save()?;
        yield_now().await;
        Ok(text(name))
    });
    let runtime = threads();
    let requests = (0..10_000).map(|number| {
        let (name, request) = &visitors[number % 2];
        (*name, runtime.spawn(app.clone().oneshot(request())))
    });
    for (name, answer) in requests.collect::<Vec<_>>() {
        assert_eq!(runtime.block_on(answer).unwrap().unwrap().body(), name.as_bytes());
    }
    for (name, request) in &visitors {
        let session = sessions.load(request().headers()["cookie"].to_str().ok()).unwrap();
        assert_eq!(session.require("last").unwrap().as_str(), Some(*name));
    }
}

#[test]
fn one_user_at_a_time_and_none_beyond_the_answer() {
    let sessions = sessions_in(Watched::new(true));
    let kept = Arc::new(Mutex::new(None));
    let keeps = kept.clone();
    let service = service_fn(move |request: Request| {
        let keeps = keeps.clone();
        async move {
            let one = session_of(request.extensions()).await?;
            let error = session_of(request.extensions()).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
            drop(one);
            *keeps.lock().unwrap() = Some(session_of(request.extensions()).await?);
            Ok::<_, Error>(text("fine"))
        }
    });
    let app = SessionLayer::new(sessions).unwrap().layer(service);
    let request = http::Request::get("/").body(Vec::new()).unwrap();
    let response = one_thread().block_on(app.oneshot(request)).unwrap();
    assert_eq!(response.status(), 500);
}

/// What is handed to the other threads before it was polled is not lost either.
#[test]
fn a_load_that_is_given_up_gives_the_session_back() {
    let sessions = sessions_in(Watched::new(true));
    let service = service_fn(|request: Request| async move {
        let mut first = Some(Box::pin(session_of(request.extensions())));
        poll_fn(|context| {
            let _ = first.as_mut().map(|first| first.as_mut().poll(context));
            Poll::Ready(())
        })
        .await;
        first = None;
        drop(first);
        loop {
            match session_of(request.extensions()).await {
                Err(error) if error.kind() == ErrorKind::WouldDeadlock => yield_now().await,
                session => break session.map(|_| text("fine")),
            }
        }
    });
    let app = SessionLayer::new(sessions).unwrap().layer(service);
    let request = http::Request::get("/").body(Vec::new()).unwrap();
    assert_eq!(one_thread().block_on(app.oneshot(request)).unwrap().body(), b"fine");
}

/// Neither reads nor writes.
#[derive(Debug)]
struct Broken;

fn broken<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, "could not reach the secret server"))
}

impl Store for Broken {
    fn get(&self, _: &Key) -> Result<Option<Stored>> {
        broken()
    }

    fn put(
        &self,
        _: &Key,
        _: &[u8],
        _: Option<Duration>,
        _: Precondition,
    ) -> Result<Option<Version>> {
        broken()
    }

    fn delete(&self, _: &Key, _: Precondition) -> Result<bool> {
        broken()
    }

    fn clear(&self, _: &Namespace) -> Result<()> {
        broken()
    }
}

#[test]
fn what_cannot_be_saved_since_the_store_is_down_is_answered_with_503() {
    let app = site(sessions_in(Broken), |mut session| async move { count(&mut session) });
    let request = http::Request::get("/").body(Vec::new()).unwrap();
    let response = one_thread().block_on(app.oneshot(request)).unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().is_empty() && response.body().is_empty());
}

#[cfg(feature = "cookies")]
#[test]
fn sessions_in_cookies_count_too() {
    let sessions = Sessions::in_signed_cookies(Signer::random().unwrap());
    let app = site(sessions, |mut session| async move { count(&mut session) });
    let mut cookie = "none=1".to_owned();
    for visit in 1..=3 {
        let request = http::Request::get("/").header("cookie", &cookie).body(Vec::new()).unwrap();
        let response = one_thread().block_on(app.clone().oneshot(request)).unwrap();
        let sent = response.headers()["set-cookie"].to_str().unwrap();
        cookie = sent.split(';').next().unwrap().to_owned();
        assert_eq!(response.body(), visit.to_string().as_bytes());
    }
}

#[cfg(feature = "axum")]
mod of_axum {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;

    use super::*;

    async fn counts(mut session: RequestSession) -> Result<String> {
        count(&mut session).map(|response| String::from_utf8(response.into_body()).unwrap())
    }

    async fn fails(mut session: RequestSession) -> Result<String> {
        count(&mut session)?;
        session.require("nothing").map(|value| format!("{value:?}"))
    }

    async fn asks_twice(_one: RequestSession, _two: RequestSession) {}

    fn router() -> Router {
        Router::new()
            .route("/", get(counts))
            .route("/fails", get(fails))
            .route("/twice", get(asks_twice))
    }

    fn get_page(app: &Router, path: &str, like: &Request) -> (u16, String, http::HeaderMap) {
        let mut request = http::Request::get(path).body(Body::empty()).unwrap();
        *request.headers_mut() = like.headers().clone();
        one_thread().block_on(async {
            let response = app.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1000).await.unwrap();
            (parts.status.as_u16(), String::from_utf8_lossy(&body).into_owned(), parts.headers)
        })
    }

    #[test]
    fn a_handler_takes_its_session_as_an_argument() {
        for blocks in [true, false] {
            let sessions = sessions_in(Watched::new(blocks));
            let request = visitor(&sessions, "kimi")();
            let app = router().layer(SessionLayer::new(sessions).unwrap());
            let (status, body, headers) = get_page(&app, "/", &request);
            assert_eq!((status, body.as_str()), (200, "1"));
            assert_eq!(headers["vary"], "Cookie");
            assert!(!headers.contains_key("set-cookie"));
            let (status, body, _) = get_page(&app, "/fails", &request);
            assert_eq!((status, body.as_str()), (500, "the server could not answer this request"));
            assert_eq!(get_page(&app, "/twice", &request).0, 500);
            assert_eq!(get_page(&app, "/", &request).1, "2", "what failed was not saved");
        }
    }

    #[test]
    fn errors_say_nothing_to_visitors() {
        let request = visitor(&sessions_in(Watched::new(false)), "kimi")();
        let broken = sessions_in(Broken);
        let in_reach = router().layer(SessionLayer::new(broken).unwrap());
        for (app, wanted) in [(router(), 500), (in_reach, 503)] {
            let (status, body, headers) = get_page(&app, "/", &request);
            assert_eq!((status, body.contains("secret")), (wanted, false), "{body}");
            assert!(!headers.contains_key("set-cookie"));
        }
    }
}

//! One call of the library, for `executed.py`, which counts the source files that the call executes. The
//! call is made once to prepare all that only the first one does, and `executed NAME call` makes it again.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Backend, Cache, CookieOptions, Result, Sessions, Signer, Value};
use servers::Redis;
use tower::ServiceExt;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let calls = words.iter().any(|word| word == "call");
    match words.first().map(String::as_str) {
        Some("save") => save(calls),
        Some("miss") => miss(calls),
        Some("request") => request(calls),
        _ => panic!("no such call; there are `save`, `miss` and `request`"),
    }
}

/// A session is saved, in files.
fn save(calls: bool) -> Result<()> {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let folder = folder.path().to_string_lossy();
    let sessions = Sessions::new(Backend::open("file", &[("data_dir", &folder)])?);
    let mut session = sessions.create();
    session.set("driver", "Kimi");
    session.save()?;
    session.set("driver", "Jenson");
    if calls {
        session.save()?;
    }
    // It is saved when it ends, if it is to be.
    session.revert();
    Ok(())
}

/// A value is not in redis, and made.
fn miss(calls: bool) -> Result<()> {
    let redis = Redis::for_programs().expect("redis starts");
    let cache: Cache<u64> =
        Cache::new(Backend::open("ext:redis", &[("url", &redis.url())])?, "points");
    cache.get_or_create("Kimi", || 110)?;
    if calls {
        cache.get_or_create("Jenson", || 101)?;
    }
    Ok(())
}

/// A page of axum loads its session, changes it and saves it, in memory.
fn request(calls: bool) -> Result<()> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = Router::new().route("/", get(page)).layer(SessionLayer::new(sessions)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("there is a runtime").block_on(async {
        let first = ask(&app, "none=1").await;
        let cookie = first.headers()["set-cookie"].to_str().expect("a cookie is a text").to_owned();
        ask(&app, &cookie).await;
        if calls {
            ask(&app, &cookie).await;
        }
    });
    Ok(())
}

async fn page(mut session: RequestSession) -> Result<String> {
    let counter = session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    session.save()?;
    Ok(format!("{counter:?}"))
}

async fn ask(app: &Router, cookie: &str) -> Response<Body> {
    let request = Request::get("/").header("cookie", cookie).body(Body::empty());
    let response =
        app.clone().oneshot(request.expect("it is a request")).await.expect("infallible");
    assert!(response.status().is_success(), "{response:?}");
    response
}

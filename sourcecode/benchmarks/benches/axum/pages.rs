//! The pages that are measured, with sessions of ours, and without. They are served by a process of their
//! own, which is this program started again.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{AsyncBackend, AsyncSessions, CookieOptions, Error, ErrorKind, Result, Signer, Value};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::redis_pages;

/// Says what a process of this program serves.
pub const SERVES: &str = "AXUM_BENCHMARK_SERVES";

/// How many requests the pages that count have answered, be they counted in a session or not.
pub static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Serves, if this process was started for that.
pub fn serve_if_asked() {
    let Ok(asked) = env::var(SERVES) else { return };
    let (pages, url) = asked.split_once(' ').expect("it says what, and where the sessions are");
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().expect("there are threads");
    runtime.block_on(async {
        let app = match pages {
            "bare" => bare(),
            "redis-bare" => redis_pages::app(url).await,
            store => app(&sessions(store, url).expect("the sessions are set up right")),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        println!("http://{}", listener.local_addr().expect("it listens"));
        axum::serve(listener, app).await.expect("it serves");
    });
    std::process::exit(0);
}

fn sessions(store: &str, url: &str) -> Result<AsyncSessions> {
    let backend = match store {
        "memory" => AsyncBackend::memory(),
        "redis" => AsyncBackend::open("ext:redis", &[("url", url)])?,
        _ => AsyncBackend::open("ext:database", &[("url", url)])?,
    };
    // The others note no access of a request that only reads.
    Ok(AsyncSessions::new(backend)
        .touch_every(Duration::from_secs(60))
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost()))
}

fn app(sessions: &AsyncSessions) -> Router {
    Router::new()
        .route("/new", get(new))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/sum", get(sum))
        .route("/plain", get(|| async { "plain" }))
        .route("/blocking", get(blocking))
        .layer(SessionLayer::new(sessions.clone()).expect("they have a signer"))
}

async fn new(mut session: RequestSession) -> Result<&'static str> {
    session.set("text", "x".repeat(200));
    session.set("counter", 0);
    session.save()?;
    Ok("a new session")
}

fn counted(session: &RequestSession) -> Result<i64> {
    let counter = session.get("counter").and_then(Value::as_int);
    counter.ok_or_else(|| Error::new(ErrorKind::Application, "the session was lost"))
}

async fn read(session: RequestSession) -> Result<String> {
    Ok(format!("Counter value is: {}", counted(&session)?))
}

async fn write(mut session: RequestSession) -> Result<String> {
    counted(&session)?;
    session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    session.save()?;
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    Ok(format!("Counter value is: {}", counted(&session)?))
}

async fn sum(session: RequestSession) -> Result<String> {
    Ok(format!("{} {}", counted(&session)?, ANSWERED.load(Ordering::Relaxed)))
}

async fn blocking() -> &'static str {
    spawn_blocking(|| "done").await.expect("it does not panic")
}

/// The same pages for nobody.
fn bare() -> Router {
    let page = async || {
        let counter = ANSWERED.fetch_add(1, Ordering::Relaxed) + 1;
        format!("Counter value is: {counter}")
    };
    let with_cookie = async || (StatusCode::OK, [("set-cookie", "id=0123456789abcdef; Path=/")]);
    Router::new()
        .route("/new", get(with_cookie))
        .route("/read", get(page))
        .route("/write", get(page))
}

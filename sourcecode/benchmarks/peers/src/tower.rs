//! tower-sessions, with each of its stores set up as its documentation shows it.

use std::io::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};
use tower_sessions_sqlx_store::PostgresStore;
use tower_sessions_sqlx_store::sqlx::PgPool;

/// Connections to redis, as many as in the example of the store's documentation.
const POOL: usize = 6;

/// How many requests the pages that count have answered, be they counted in a session or not.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

pub fn serve(name: &str, store: &str) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let app = match name {
            "memory" => app(MemoryStore::default()),
            "redis" => app(redis(store).await),
            "postgres" => app(postgres(store).await),
            other => return Err(Error::other(format!("no server is called `{other}`"))),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, app).await
    })
}

async fn redis(url: &str) -> RedisStore<Pool> {
    let config = Config::from_url(url).expect("the URL is one of redis");
    let pool =
        Pool::new(config, None, None, None, POOL).expect("there are connections in the pool");
    pool.connect();
    pool.wait_for_connect().await.expect("redis runs");
    RedisStore::new(pool)
}

async fn postgres(url: &str) -> PostgresStore {
    let store = PostgresStore::new(PgPool::connect(url).await.expect("PostgreSQL runs"));
    store.migrate().await.expect("the table can be made");
    store
}

fn app(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/new", get(new))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/sum", get(sum))
        .route("/plain", get(|| async { "plain" }))
        .route("/blocking", get(blocking))
        .layer(SessionManagerLayer::new(store).with_secure(false))
}

/// What cannot be read or saved is no page.
type Page = std::result::Result<String, StatusCode>;

fn failed(_: tower_sessions::session::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn new(session: Session) -> Page {
    session.insert("text", "x".repeat(200)).await.map_err(failed)?;
    session.insert("counter", 0_i64).await.map_err(failed)?;
    Ok("a new session".to_owned())
}

async fn counted(session: &Session) -> std::result::Result<i64, StatusCode> {
    session.get("counter").await.map_err(failed)?.ok_or(StatusCode::NOT_FOUND)
}

async fn read(session: Session) -> Page {
    Ok(format!("Counter value is: {}", counted(&session).await?))
}

async fn write(session: Session) -> Page {
    let counter = counted(&session).await? + 1;
    session.insert("counter", counter).await.map_err(failed)?;
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    Ok(format!("Counter value is: {counter}"))
}

async fn sum(session: Session) -> Page {
    Ok(format!("{} {}", counted(&session).await?, ANSWERED.load(Ordering::Relaxed)))
}

async fn blocking() -> &'static str {
    spawn_blocking(|| "done").await.expect("it does not panic")
}

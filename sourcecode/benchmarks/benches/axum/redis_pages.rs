//! The same pages, made of bare commands on one connection to redis: the limit.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, RedisError, Script};

use super::pages::ANSWERED;

/// How long a value lives, in milliseconds.
const DAY: u64 = 86_400_000;

/// What a session of ours needs in redis.
const BYTES: usize = 300;

/// Writes if the value is still the one that was read.
static COMPARE_AND_SET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
         redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1",
    )
});

type Page<T> = Result<T, StatusCode>;

pub async fn app(url: &str) -> Router {
    let client = redis::Client::open(url).expect("the URL is one of redis");
    let connection = client.get_multiplexed_async_connection().await.expect("redis runs");
    Router::new()
        .route("/new", get(new))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/sum", get(sum))
        .with_state(connection)
}

fn failed(_: RedisError) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// The key that the cookie names.
fn key(headers: &HeaderMap) -> Page<&str> {
    let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
    cookie.and_then(|cookie| cookie.strip_prefix("id=")).ok_or(StatusCode::BAD_REQUEST)
}

/// A counter, and what else there is.
fn value(counter: u64) -> Vec<u8> {
    let mut value = vec![b'x'; BYTES];
    value[..8].copy_from_slice(&counter.to_le_bytes());
    value
}

async fn counter(connection: &mut MultiplexedConnection, key: &str) -> Page<(u64, Vec<u8>)> {
    let value: Option<Vec<u8>> = connection.get(key).await.map_err(failed)?;
    let value = value.ok_or(StatusCode::NOT_FOUND)?;
    let counter = value.first_chunk().ok_or(StatusCode::NOT_FOUND)?;
    Ok((u64::from_le_bytes(*counter), value))
}

async fn new(
    State(mut connection): State<MultiplexedConnection>,
) -> Page<([(&'static str, String); 1], &'static str)> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let key = format!("bare:{:027}", MADE.fetch_add(1, Ordering::Relaxed));
    let _: () = connection.pset_ex(&key, value(0), DAY).await.map_err(failed)?;
    Ok(([("set-cookie", format!("id={key}; Path=/"))], "a new value"))
}

async fn read(
    State(mut connection): State<MultiplexedConnection>,
    headers: HeaderMap,
) -> Page<String> {
    let (counter, _) = counter(&mut connection, key(&headers)?).await?;
    Ok(format!("Counter value is: {counter}"))
}

async fn write(
    State(mut connection): State<MultiplexedConnection>,
    headers: HeaderMap,
) -> Page<String> {
    let key = key(&headers)?;
    loop {
        let (counter, old) = counter(&mut connection, key).await?;
        let mut write = COMPARE_AND_SET.key(key);
        write.arg(old).arg(value(counter + 1)).arg(DAY);
        if write.invoke_async(&mut connection).await.map_err(failed)? {
            ANSWERED.fetch_add(1, Ordering::Relaxed);
            return Ok(format!("Counter value is: {}", counter + 1));
        }
    }
}

async fn sum(
    State(mut connection): State<MultiplexedConnection>,
    headers: HeaderMap,
) -> Page<String> {
    let (counter, _) = counter(&mut connection, key(&headers)?).await?;
    Ok(format!("{counter} {}", ANSWERED.load(Ordering::Relaxed)))
}

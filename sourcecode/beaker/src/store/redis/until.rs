//! Giving up when an operation's time is over.

use std::io;

use redis::RedisResult;
use tokio::time::{Instant, timeout_at};

pub(super) use crate::store::until::{end, part};

/// Does it, or gives it up when its time is over.
pub(super) async fn within<T>(
    until: Instant,
    work: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    match timeout_at(until, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

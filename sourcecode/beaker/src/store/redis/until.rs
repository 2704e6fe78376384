//! When an operation must have ended, by the runtime's clock.

use std::io;
use std::time::Duration;

use redis::RedisResult;
use tokio::time::{self, Instant, timeout_at};

/// As good as never; more than that, tokio's timers do not take.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The end of an operation that begins now and has so much time.
pub(super) fn end(time: Duration) -> Instant {
    time::Instant::now() + time.min(LONGEST)
}

/// One of so many equal parts of what is left.
pub(super) fn part(until: Instant, parts: usize) -> Instant {
    let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
    let now = time::Instant::now();
    now + until.saturating_duration_since(now) / parts
}

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

//! When an operation must have ended, by the clock of tokio's runtime.

use std::time::Duration;

use tokio::time::{self, Instant};

/// Practically never. Tokio's timers do not accept more than that.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns the end of an operation that begins now and has this much time.
pub(super) fn end(time: Duration) -> Instant {
    time::Instant::now() + time.min(LONGEST)
}

/// Returns the end of the first of this many equal parts of the time that is left.
pub(super) fn part(until: Instant, parts: usize) -> Instant {
    let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
    end(left(until) / parts)
}

/// Returns how much time is left.
pub(super) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(time::Instant::now())
}

/// Awaits the future, or drops it when its time is over.
#[cfg(feature = "redis")]
pub(super) async fn within<T, E: From<std::io::Error>>(
    until: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match time::timeout_at(until, work).await {
        Ok(done) => done,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

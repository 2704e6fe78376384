//! When an operation must have ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;

/// The time that an operation has. It passes as time does: a step of the time of day, which an
/// administrator or a time server makes, neither ends a call that is in flight nor lets it last longer.
#[derive(Debug, Clone)]
pub(super) struct Deadline {
    clock: Arc<dyn Clock>,
    end: Duration,
}

impl Deadline {
    /// So long from now.
    pub(super) fn within(time: Duration, clock: Arc<dyn Clock>) -> Deadline {
        let end = clock.monotonic().saturating_add(time);
        Deadline { clock, end }
    }

    /// What is left, or that nothing is.
    pub(super) fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_sub(self.clock.monotonic());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// One of so many equal parts of what is left.
    pub(super) fn part(&self, parts: usize) -> io::Result<Deadline> {
        let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
        self.left().map(|left| Deadline::within(left / parts, Arc::clone(&self.clock)))
    }
}

//! When an operation must have ended.

use std::io;
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};

/// The time that an operation has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    begun: Timestamp,
    whole: Duration,
}

impl Deadline {
    /// So long from now.
    pub(super) fn within(whole: Duration) -> Deadline {
        Deadline { begun: SystemClock.now(), whole }
    }

    /// What is left, or that nothing is. A clock that is put back gives no more than the whole.
    pub(super) fn left(self) -> io::Result<Duration> {
        let left = self.whole.saturating_sub(SystemClock.now().since(self.begun));
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// One of so many equal parts of what is left.
    pub(super) fn part(self, parts: usize) -> io::Result<Deadline> {
        let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
        self.left().map(|left| Deadline::within(left / parts))
    }
}

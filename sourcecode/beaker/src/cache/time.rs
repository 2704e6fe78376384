//! What tells a cache the time: the system's clock, or one that it was given.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};

/// The system's clock has a case of its own, and is no trait object: each hit reads it, and the compiler
/// can put that into the hit.
#[derive(Debug, Clone)]
pub(super) enum Time {
    System,
    Of(Arc<dyn Clock>),
}

impl Time {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Time::System => SystemClock.now(),
            Time::Of(clock) => clock.now(),
        }
    }

    #[inline]
    pub(super) fn recent(&self) -> Timestamp {
        match self {
            Time::System => SystemClock.recent(),
            Time::Of(clock) => clock.recent(),
        }
    }

    /// For deadlines, waits and back-off: no step of the time of day moves it.
    pub(super) fn monotonic(&self) -> Duration {
        match self {
            Time::System => SystemClock.monotonic(),
            Time::Of(clock) => clock.monotonic(),
        }
    }

    pub(super) fn sleep(&self, time: Duration) {
        match self {
            Time::System => SystemClock.sleep(time),
            Time::Of(clock) => clock.sleep(time),
        }
    }
}

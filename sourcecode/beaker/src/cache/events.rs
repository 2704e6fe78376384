//! What happens in caches, told to whoever listens (feature `tracing`): making a value is a span,
//! `cache.create`; the target is `beaker::cache`. Hits are not told, but counted: see
//! [`Numbers`](super::Numbers). Without the feature each of these is nothing at all.

use std::fmt::Display;

use super::Shared;
#[cfg(feature = "tracing")]
use told as listener;
#[cfg(not(feature = "tracing"))]
use untold as listener;

pub(super) use listener::creating;

/// What is counted is told as well.
impl<V> Shared<V> {
    pub(super) fn gave_stale(&self, key: &[u8]) {
        self.counting.stale();
        listener::stale(key);
    }

    pub(super) fn waits(&self, key: &[u8]) {
        self.counting.waited();
        listener::waits(key);
    }

    pub(super) fn creator_failed(&self, key: &[u8], error: &dyn Display) {
        self.counting.failed();
        listener::failed(key, error);
    }

    pub(super) fn not_stored(&self, key: &[u8], error: &dyn Display) {
        self.counting.unstored();
        listener::unstored(key, error);
    }
}

#[cfg(feature = "tracing")]
mod told {
    use std::fmt::Display;

    use tracing::{debug, debug_span, warn};

    const TARGET: &str = "beaker::cache";

    /// So much of a key is told.
    const LONGEST_KEY: usize = 100;

    pub(in super::super) fn creating(key: &[u8]) -> impl Sized + use<> {
        debug_span!(target: TARGET, "cache.create", key = %text(key)).entered()
    }

    pub(super) fn failed(key: &[u8], error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "the creator failed");
    }

    pub(super) fn unstored(key: &[u8], error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "a value was made and not stored");
    }

    pub(super) fn stale(key: &[u8]) {
        debug!(target: TARGET, key = %text(key), "a stale value is given");
    }

    pub(super) fn waits(key: &[u8]) {
        debug!(target: TARGET, key = %text(key), "waits for another call");
    }

    fn text(key: &[u8]) -> impl Display {
        key[..key.len().min(LONGEST_KEY)].escape_ascii()
    }
}

#[cfg(not(feature = "tracing"))]
mod untold {
    use std::fmt::Display;

    pub(in super::super) fn creating(_: &[u8]) -> impl Sized + use<> {}

    pub(super) fn failed(_: &[u8], _: &dyn Display) {}

    pub(super) fn unstored(_: &[u8], _: &dyn Display) {}

    pub(super) fn stale(_: &[u8]) {}

    pub(super) fn waits(_: &[u8]) {}
}

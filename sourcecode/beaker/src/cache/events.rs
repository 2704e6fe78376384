//! What happens in caches, told to whoever listens (feature `tracing`): making a value is a span,
//! `cache.create`; the target is `beaker::cache`. Hits are not told, but counted: see
//! [`Numbers`](super::Numbers). Without the feature each of these is nothing at all.

use std::fmt::Display;

use super::Shared;
#[cfg(feature = "tracing")]
use told as listener;
#[cfg(not(feature = "tracing"))]
use untold as listener;

/// What is counted is told as well.
impl<V> Shared<V> {
    /// As long as this is kept, the value is being made.
    pub(super) fn creating(&self, key: &[u8]) -> impl Sized + use<V> {
        listener::creating(self.shown(key))
    }

    pub(super) fn gave_stale(&self, key: &[u8]) {
        self.counting.stale();
        listener::stale(self.shown(key));
    }

    pub(super) fn waits(&self, key: &[u8]) {
        self.counting.waited();
        listener::waits(self.shown(key));
    }

    pub(super) fn creator_failed(&self, key: &[u8], error: &dyn Display) {
        self.counting.failed();
        listener::failed(self.shown(key), error);
    }

    /// A function that cannot fail ran without the cache.
    #[cfg(feature = "macros")]
    pub(super) fn went_past(&self, error: &dyn Display) {
        self.counting.bypassed();
        listener::bypassed(error);
    }

    pub(super) fn not_stored(&self, key: &[u8], error: &dyn Display) {
        self.counting.unstored();
        listener::unstored(self.shown(key), error);
    }
}

#[cfg(feature = "tracing")]
mod told {
    use std::fmt::Display;

    use super::super::shown::Shown;
    use tracing::{debug, debug_span, warn};

    const TARGET: &str = "beaker::cache";

    /// So much of a key is told.
    const LONGEST_KEY: usize = 100;

    pub(super) fn creating(key: Shown<'_>) -> impl Sized + use<> {
        debug_span!(target: TARGET, "cache.create", key = %text(key)).entered()
    }

    pub(super) fn failed(key: Shown<'_>, error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "the creator failed");
    }

    pub(super) fn unstored(key: Shown<'_>, error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "a value was made and not stored");
    }

    #[cfg(feature = "macros")]
    pub(super) fn bypassed(error: &dyn Display) {
        warn!(target: TARGET, %error, "a function ran without its cache");
    }

    pub(super) fn stale(key: Shown<'_>) {
        debug!(target: TARGET, key = %text(key), "a stale value is given");
    }

    pub(super) fn waits(key: Shown<'_>) {
        debug!(target: TARGET, key = %text(key), "waits for another call");
    }

    fn text(key: Shown<'_>) -> impl Display {
        key.cut(LONGEST_KEY)
    }
}

#[cfg(not(feature = "tracing"))]
mod untold {
    use std::fmt::Display;

    use super::super::shown::Shown;

    pub(super) fn creating(_: Shown<'_>) -> impl Sized + use<> {}

    pub(super) fn failed(_: Shown<'_>, _: &dyn Display) {}

    pub(super) fn unstored(_: Shown<'_>, _: &dyn Display) {}

    #[cfg(feature = "macros")]
    pub(super) fn bypassed(_: &dyn Display) {}

    pub(super) fn stale(_: Shown<'_>) {}

    pub(super) fn waits(_: Shown<'_>) {}
}

//! Events of sessions, as spans and events of `tracing`, as counters, and as metrics (feature `metrics`).
//! Without a subscriber, an event costs only the check of one number.
//!
//! Loading and saving are the spans `session.load` and `session.save`. The target is `beaker::session`. The
//! level is `DEBUG`, and `WARN` for cookies that no honest browser sends and for changes that were not saved.
//! An id is a credential, so only its first eight digits are shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(feature = "metrics")]
use std::time::Duration;

use tracing::instrument::Instrument;
use tracing::{Span, debug, debug_span, warn};

use super::id::SessionId;
use super::kept::Unreadable;
use super::stored::Rejection;
#[cfg(feature = "metrics")]
use crate::clock::Clock;
use crate::error::Error;
#[cfg(feature = "metrics")]
use crate::error::{ErrorKind, Result};
#[cfg(feature = "metrics")]
use crate::metrics;

const TARGET: &str = "beaker::session";

/// More keys than these are counted, and not named.
const MAX_KEYS: usize = 16;

/// Something that has happened to a session.
pub(super) enum Event<'a> {
    Loaded(&'a SessionId),
    /// It has an entry that no value can hold.
    Unreadable(&'a SessionId, &'a Unreadable),
    Saved(&'a SessionId),
    /// Its access was noted, without a save.
    Touched(&'a SessionId),
    /// Somebody else saved it first.
    Conflict(&'a SessionId),
    /// It was not saved, because it has ended meanwhile.
    SavedTooLate(&'a SessionId),
    /// It was ended, because its user has too many.
    TooMany(&'a SessionId),
    Unsaved(&'a Unsaved<'a>),
    /// A cookie led to none.
    Rejected(Rejection),
}

/// The changes of a session that is dropped, and that nobody has asked to save.
pub(crate) struct Unsaved<'a> {
    pub(crate) id: &'a SessionId,
    /// Never with their values.
    pub(crate) keys: Vec<&'a str>,
}

/// Where events go. A clone counts in the same place.
#[derive(Debug, Clone, Default)]
pub(super) struct Events(Arc<Counters>);

/// Runs work in a span. Where nobody listens, its large future is not moved into that of the span.
async fn within<F: Future>(span: Span, work: impl FnOnce() -> F) -> F::Output {
    if span.is_disabled() { work().await } else { Box::pin(work().instrument(span)).await }
}

impl Events {
    /// Runs a load in its span.
    pub(super) async fn during_load<F: Future>(&self, load: impl FnOnce() -> F) -> F::Output {
        within(debug_span!(target: TARGET, "session.load"), load).await
    }

    /// Runs a save in its span.
    pub(super) async fn during_save<F: Future>(
        &self,
        id: &SessionId,
        save: impl FnOnce() -> F,
    ) -> F::Output {
        within(debug_span!(target: TARGET, "session.save", id = id.shown()), save).await
    }

    /// Tells once an outage that sessions are empty, since their store cannot be reached.
    pub(super) fn store_fails(&self, error: &Error) {
        if !self.0.is_store_down.swap(true, Ordering::Relaxed) {
            warn!(target: TARGET, ?error, "the store cannot be reached: requests get empty sessions");
        }
    }

    /// Tells once that an outage is over.
    #[inline]
    pub(super) fn store_answers(&self) {
        if self.0.is_store_down.load(Ordering::Relaxed)
            && self.0.is_store_down.swap(false, Ordering::Relaxed)
        {
            warn!(target: TARGET, "the store can be reached again");
        }
        #[cfg(feature = "metrics")]
        self.0.store.answers();
    }

    /// Tells that other processes were not told about a write.
    pub(super) fn not_announced(&self, error: &Error) {
        warn!(target: TARGET, ?error, "saved, but not announced: other processes may show their copies");
        #[cfg(feature = "metrics")]
        metrics::session_not_announced();
    }

    /// Tells once an outage that no copies are shown, since the writes of other processes are not known.
    pub(super) fn announcements_are_unknown(&self, error: &Error) {
        if !self.0.is_tier_off.swap(true, Ordering::Relaxed) {
            warn!(target: TARGET, ?error, "announcements cannot be read: no local copies are shown");
        }
    }

    /// Tells once that this is over.
    pub(super) fn announcements_are_known(&self) {
        if self.0.is_tier_off.swap(false, Ordering::Relaxed) {
            warn!(target: TARGET, "announcements can be read again: local copies are shown");
        }
    }

    #[inline]
    pub(super) fn emit(&self, event: Event<'_>) {
        #[cfg(feature = "metrics")]
        event.report();
        match event {
            Event::Loaded(id) => {
                self.0.loads.add();
                debug!(target: TARGET, id = id.shown(), "loaded");
            }
            Event::Unreadable(id, entry) => {
                let (id, key, why) = (id.shown(), entry.key(), entry.why());
                debug!(target: TARGET, id, key, why, "no value can hold what Python has stored");
            }
            Event::Saved(id) => {
                self.0.saves.add();
                debug!(target: TARGET, id = id.shown(), "saved");
            }
            Event::Touched(id) => {
                self.0.touches.add();
                debug!(target: TARGET, id = id.shown(), "access noted");
            }
            Event::Conflict(id) => {
                self.0.conflicts.add();
                debug!(target: TARGET, id = id.shown(), "somebody else saved first");
            }
            Event::SavedTooLate(id) => {
                debug!(target: TARGET, id = id.shown(), "not saved: it has ended meanwhile");
            }
            Event::TooMany(id) => {
                debug!(target: TARGET, id = id.shown(), "ended: its user has too many");
            }
            Event::Unsaved(unsaved) => {
                let (id, count) = (unsaved.id.shown(), unsaved.keys.len());
                let keys = &unsaved.keys[..count.min(MAX_KEYS)];
                warn!(target: TARGET, id, ?keys, count, "dropped with changes that nobody saved");
            }
            Event::Rejected(reason) => {
                self.0.rejected[reason as usize].add();
                match reason {
                    Rejection::Signature | Rejection::Id | Rejection::Damaged => {
                        warn!(target: TARGET, ?reason, "cookie rejected");
                    }
                    Rejection::Unknown
                    | Rejection::Moved
                    | Rejection::TimedOut
                    | Rejection::TooOld => debug!(target: TARGET, ?reason, "cookie rejected"),
                }
            }
        }
    }

    pub(super) fn counters(&self) -> SessionCounters {
        self.0.read()
    }
}

/// Metrics.
#[cfg(feature = "metrics")]
impl Events {
    /// A load has ended that began then. What it found says whether the visitor has a session, or why not.
    pub(super) fn load_ended<T>(
        &self,
        begun: Option<Duration>,
        clock: &dyn Clock,
        ended: &Result<T>,
        how: impl FnOnce(&T) -> metrics::LoadResult,
    ) {
        if let Err(error) = ended {
            self.failed(error);
        }
        let how = ended.as_ref().map_or(metrics::LoadResult::Error, how);
        metrics::session_loaded(how, begun, clock);
    }

    /// A save has ended that began then.
    pub(super) fn save_ended(
        &self,
        begun: Option<Duration>,
        clock: &dyn Clock,
        ended: &Result<()>,
    ) {
        let how = match ended {
            Ok(()) => metrics::SaveResult::Saved,
            Err(error) if error.kind() == ErrorKind::SessionGone => metrics::SaveResult::Gone,
            Err(_) => metrics::SaveResult::Error,
        };
        match ended {
            Ok(()) => self.0.store.answers(),
            Err(error) => self.failed(error),
        }
        metrics::session_saved(how, begun, clock);
    }

    fn failed(&self, error: &Error) {
        if error.kind() == ErrorKind::Unavailable {
            self.0.store.fails();
        }
    }
}

#[cfg(feature = "metrics")]
impl Event<'_> {
    fn report(&self) {
        match self {
            // Measured by those who load and save.
            Event::Loaded(_) | Event::Saved(_) | Event::SavedTooLate(_) => {}
            Event::Unreadable(..) => {}
            Event::Touched(_) => metrics::session_touched(),
            Event::Conflict(_) => metrics::session_conflict(),
            Event::TooMany(_) => metrics::session_evicted(),
            Event::Unsaved(_) => metrics::session_unsaved(),
            Event::Rejected(reason) => metrics::cookie_rejected(match reason {
                Rejection::Signature => "signature",
                Rejection::Id => "id",
                Rejection::Unknown => "unknown",
                Rejection::Moved => "moved",
                Rejection::Damaged => "damaged",
                Rejection::TimedOut => "timed_out",
                Rejection::TooOld => "too_old",
            }),
        }
    }
}

/// Counters of the sessions since the program started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCounters {
    /// Sessions that were found under their id or in their cookie.
    pub loads: u64,
    /// Sessions that were saved.
    pub saves: u64,
    /// Accesses that were noted without a save.
    pub touches: u64,
    /// Attempts to save that found a newer record and tried again. No update is lost by them.
    pub conflicts: u64,
    /// Rejected cookies by reason; reasons that did not occur are left out.
    pub rejected: Vec<(Rejection, u64)>,
}

const REASONS: [Rejection; 7] = [
    Rejection::Signature,
    Rejection::Id,
    Rejection::Unknown,
    Rejection::Moved,
    Rejection::Damaged,
    Rejection::TimedOut,
    Rejection::TooOld,
];

#[derive(Debug, Default)]
struct Counters {
    loads: Counter,
    saves: Counter,
    touches: Counter,
    conflicts: Counter,
    is_store_down: AtomicBool,
    /// Whether the last look for announcements of other processes has failed.
    is_tier_off: AtomicBool,
    #[cfg(feature = "metrics")]
    store: metrics::Reachability,
    /// By the number of the reason.
    rejected: [Counter; REASONS.len()],
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    fn read(&self) -> SessionCounters {
        let rejected = REASONS.map(|reason| (reason, self.rejected[reason as usize].read()));
        SessionCounters {
            loads: self.loads.read(),
            saves: self.saves.read(),
            touches: self.touches.read(),
            conflicts: self.conflicts.read(),
            rejected: rejected.into_iter().filter(|(_, count)| *count > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_counter() {
        let counters = Counters::default();
        for (number, reason) in REASONS.into_iter().enumerate() {
            (0..=number).for_each(|_| counters.rejected[reason as usize].add());
        }
        let rejected = counters.read().rejected;
        let expected = REASONS.into_iter().zip(1..);
        assert_eq!(rejected, expected.collect::<Vec<_>>());
    }
}

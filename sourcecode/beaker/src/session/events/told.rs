//! Spans, events and counters. Loading and saving are spans, `session.load` and `session.save`. The
//! target is `beaker::session`, the level `DEBUG`, and `WARN` for cookies that no honest browser sends and for changes that nobody saved.
//!
//! An id is a key to its session, so only its first eight digits are told.

use std::sync::Arc;

use tracing::{debug, debug_span, warn};

use super::counters::{Counters, SessionCounters};
use crate::session::unsaved::Unsaved;
use crate::session::{Rejection, SessionId, Sessions, Unreadable};

const TARGET: &str = "beaker::session";

/// More keys than these are counted, and not named.
const MOST_KEYS: usize = 16;

/// A clone counts in the same place.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Events(Arc<Counters>);

impl Events {
    pub(in super::super) fn loading(&self) -> impl Sized + use<> {
        debug_span!(target: TARGET, "session.load").entered()
    }

    pub(in super::super) fn saving(&self, id: &SessionId) -> impl Sized + use<> {
        debug_span!(target: TARGET, "session.save", id = id.shown()).entered()
    }

    pub(in super::super) fn loaded(&self, id: &SessionId) {
        self.0.loads.add();
        debug!(target: TARGET, id = id.shown(), "loaded");
    }

    pub(in super::super) fn unreadable(&self, id: &SessionId, entry: &Unreadable) {
        let (id, key, why) = (id.shown(), entry.key(), entry.why());
        debug!(target: TARGET, id, key, why, "no value can hold what Python has stored");
    }

    pub(in super::super) fn saved(&self, id: &SessionId) {
        self.0.saves.add();
        debug!(target: TARGET, id = id.shown(), "saved");
    }

    pub(in super::super) fn touched(&self, id: &SessionId) {
        self.0.touches.add();
        debug!(target: TARGET, id = id.shown(), "access noted");
    }

    pub(in super::super) fn conflict(&self, id: &SessionId) {
        self.0.conflicts.add();
        debug!(target: TARGET, id = id.shown(), "somebody else saved first");
    }

    pub(in super::super) fn dropped(&self, id: &SessionId) {
        debug!(target: TARGET, id = id.shown(), "not saved: it has ended meanwhile");
    }

    pub(in super::super) fn too_many(&self, id: &SessionId) {
        debug!(target: TARGET, id = id.shown(), "ended: its user has too many");
    }

    pub(in super::super) fn unsaved(&self, unsaved: &Unsaved<'_>) {
        let (id, count) = (unsaved.id.shown(), unsaved.keys.len());
        let keys = &unsaved.keys[..count.min(MOST_KEYS)];
        warn!(target: TARGET, id, ?keys, count, "dropped with changes that nobody saved");
    }

    pub(in super::super) fn rejected(&self, reason: Rejection) {
        self.0.rejected[reason as usize].add();
        match reason {
            Rejection::Signature | Rejection::Id | Rejection::Damaged => {
                warn!(target: TARGET, ?reason, "cookie rejected");
            }
            Rejection::Unknown | Rejection::Moved | Rejection::TimedOut | Rejection::TooOld => {
                debug!(target: TARGET, ?reason, "cookie rejected");
            }
        }
    }
}

impl Sessions {
    /// What has happened so far (feature `tracing`).
    pub fn counters(&self) -> SessionCounters {
        self.0.events.0.read()
    }
}

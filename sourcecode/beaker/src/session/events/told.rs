//! Spans, events and counters. Loading and saving are spans, `session.load` and `session.save`. The
//! target is `beaker::session`, the level `DEBUG`, and `WARN` for cookies that no honest browser sends.
//!
//! An id is a key to its session, so only its first eight digits are told.

use std::sync::Arc;

use tracing::{debug, debug_span, warn};

use super::counters::{Counters, SessionCounters};
use crate::session::{Rejection, SessionId, Sessions, Unreadable};

const TARGET: &str = "beaker::session";

/// A clone counts in the same place.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Events(Arc<Counters>);

impl Events {
    pub(in super::super) fn loading(&self) -> impl Sized + use<> {
        debug_span!(target: TARGET, "session.load").entered()
    }

    pub(in super::super) fn saving(&self, id: &SessionId) -> impl Sized + use<> {
        debug_span!(target: TARGET, "session.save", id = short(id)).entered()
    }

    pub(in super::super) fn loaded(&self, id: &SessionId) {
        self.0.loads.add();
        debug!(target: TARGET, id = short(id), "loaded");
    }

    pub(in super::super) fn unreadable(&self, id: &SessionId, entry: &Unreadable) {
        let (id, key, why) = (short(id), entry.key(), entry.why());
        debug!(target: TARGET, id, key, why, "no value can hold what Python has stored");
    }

    pub(in super::super) fn saved(&self, id: &SessionId) {
        self.0.saves.add();
        debug!(target: TARGET, id = short(id), "saved");
    }

    pub(in super::super) fn touched(&self, id: &SessionId) {
        self.0.touches.add();
        debug!(target: TARGET, id = short(id), "access noted");
    }

    pub(in super::super) fn conflict(&self, id: &SessionId) {
        self.0.conflicts.add();
        debug!(target: TARGET, id = short(id), "somebody else saved first");
    }

    pub(in super::super) fn dropped(&self, id: &SessionId) {
        debug!(target: TARGET, id = short(id), "not saved: it has ended meanwhile");
    }

    pub(in super::super) fn rejected(&self, reason: Rejection) {
        self.0.rejected[reason as usize].add();
        match reason {
            Rejection::Signature | Rejection::Id | Rejection::Damaged => {
                warn!(target: TARGET, ?reason, "cookie rejected");
            }
            Rejection::Unknown | Rejection::TimedOut | Rejection::TooOld => {
                debug!(target: TARGET, ?reason, "cookie rejected");
            }
        }
    }
}

fn short(id: &SessionId) -> &str {
    id.as_str().get(..8).unwrap_or_default()
}

impl Sessions {
    /// What has happened so far (feature `tracing`).
    pub fn counters(&self) -> SessionCounters {
        self.0.events.0.read()
    }
}

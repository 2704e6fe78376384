//! Counters, for a page of metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::session::Rejection;

/// How often what has happened to these sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCounters {
    /// Sessions that were found under their id, or in their cookie.
    pub loads: u64,
    /// Sessions that were saved.
    pub saves: u64,
    /// Accesses that were noted without a save.
    pub touches: u64,
    /// Tries to save that found that somebody else had saved first. None of them lost anything.
    pub conflicts: u64,
    /// Cookies that led to no session, by reason; reasons that did not come up are left out.
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
pub(super) struct Counters {
    pub(super) loads: Counter,
    pub(super) saves: Counter,
    pub(super) touches: Counter,
    pub(super) conflicts: Counter,
    /// By the number of the reason.
    pub(super) rejected: [Counter; REASONS.len()],
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn read(&self) -> SessionCounters {
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

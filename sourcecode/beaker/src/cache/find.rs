//! The first of the two steps of a call that is not a hit: the algorithm of dogpile.cache, for threads and
//! tasks.
//!
//! It ends with a value, or with what has to be loaded in the second step, in `load.rs`. A call looks up
//! the key ([`find_or_lead`](Engine::find_or_lead)). If there is no value, one call leads a flight among
//! the threads and tasks of this process, and all others wait for its result (`lead_or_wait`). If the value
//! is stale, one call recomputes it, and the others return the old value (`lead_renewal`).

use std::time::Duration;

use super::engine::Engine;
use super::failure::{Failure, asks_for_itself, too_late};
use super::flight::{Completion, FlightKey, Leader, Refresh, Role};
use super::freshness::{Freshness, Lookup, Origin, Slot};
use super::policy::OnTimeout;
use super::reentrance::is_being_made_here;
use super::stats::Outage;
use crate::error::{Error, Result};
use crate::store::{Precondition, Version};

/// How many values are recomputed at the same time in the background. Others stay stale for now.
const MAX_REFRESHES: usize = 64;

/// The result of the first step.
pub(super) enum Step<V> {
    Found(V),
    /// It may be returned. If there is a `Refresh`, the value has to be recomputed in the background.
    Stale(V, Option<Refresh>),
    /// The value has to be loaded.
    Load(Load<V>),
}

/// The work of the call that has the loader.
pub(super) enum Load<V> {
    /// Compute a missing value.
    Missing { leader: Leader<V, Failure>, limit: Option<Duration>, is_reachable: bool },
    /// Recompute a stale value.
    Stale { leader: Leader<V, Failure>, stale: Slot<V>, start: Start, completions: u64 },
    /// Compute the value for this call alone, because its wait timeout has passed.
    Late(FlightKey),
}

/// The state at the beginning of a computation, read without the cached invalidations.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) version: Option<Version>,
    pub(super) origin: Option<Origin>,
    /// Whether the store could be read. If not, the result is not stored.
    pub(super) is_reachable: bool,
}

impl Start {
    /// The start of a computation without the store.
    pub(super) fn without_store() -> Start {
        Start { version: None, origin: Some(Origin::default()), is_reachable: false }
    }

    pub(super) fn condition(&self) -> Precondition {
        self.version.map_or(Precondition::Absent, Precondition::Unchanged)
    }
}

impl<V> From<&Lookup<V>> for Start {
    fn from(seen: &Lookup<V>) -> Start {
        Start { version: seen.version, origin: seen.origin, is_reachable: true }
    }
}

impl<V: Clone + Send + Sync + 'static> Engine<V> {
    /// Slow path of `get_or_create`: the fast lookup missed.
    pub(super) async fn find_or_lead(&self, key: &[u8]) -> Result<Step<V>> {
        let seen = match self.look(key).await {
            Err(error) if self.bypasses(&error) => return self.miss(key, Some(&error)).await,
            seen => seen?,
        };
        let is_early = self.is_early(&seen);
        match (self.freshness(&seen), seen) {
            (Freshness::Fresh, Lookup { slot: Some(slot), .. }) if !is_early => {
                self.shared.recorder.hit();
                Ok(Step::Found(slot.value))
            }
            (Freshness::Fresh | Freshness::Stale, seen) => self.lead_renewal(key, seen).await,
            (Freshness::Gone, _) => self.miss(key, None).await,
        }
    }

    /// Slow path of `get_or_refresh`: the fast lookup missed.
    pub(super) async fn find_or_refresh(&self, key: &[u8]) -> Result<Step<V>> {
        let seen = match self.look(key).await {
            Err(error) if self.bypasses(&error) => return self.miss(key, Some(&error)).await,
            seen => seen?,
        };
        let is_early = self.is_early(&seen);
        match (self.freshness(&seen), seen.slot) {
            (Freshness::Fresh, Some(slot)) if !is_early => {
                self.shared.recorder.hit();
                Ok(Step::Found(slot.value))
            }
            (Freshness::Fresh | Freshness::Stale, Some(slot)) => {
                self.shared.recorder.gave_stale(key);
                let max = self.policy.executor.as_ref().map_or(MAX_REFRESHES, |_| usize::MAX);
                Ok(Step::Stale(slot.value, self.shared.refreshes.begin(key, max)))
            }
            _ => self.miss(key, None).await,
        }
    }

    /// Counts a miss, with or without the store, and continues to compute the value.
    async fn miss(&self, key: &[u8], bypassed: Option<&Error>) -> Result<Step<V>> {
        if let Some(error) = bypassed {
            self.shared.recorder.bypassed(Outage::Reading, error);
        }
        self.shared.recorder.miss();
        self.lead_or_wait(key, bypassed.is_none()).await
    }

    /// Gets a missing value computed: one call computes it, and the others wait for the result.
    async fn lead_or_wait(&self, key: &[u8], is_reachable: bool) -> Result<Step<V>> {
        let begun = self.time.monotonic();
        loop {
            let now = self.time.monotonic();
            if let Some(failure) = self.shared.failures.get(key, now) {
                return Err(failure.error(self.shared.recorder.key(key)));
            }
            // The remaining time, if this is not the first round.
            let limit = self
                .policy
                .wait_timeout
                .map(|limit| limit.saturating_sub(now.saturating_sub(begun)));
            let waiter = match self.shared.flights.join_or_lead(key) {
                Role::Leader(leader) => {
                    return Ok(Step::Load(Load::Missing { leader, limit, is_reachable }));
                }
                Role::Waiter(waiter) => waiter,
            };
            self.check_reentrance(key)?;
            self.shared.recorder.waits(key);
            let is_outdated = waiter.is_outdated();
            match self.wait(waiter, limit).await {
                Completion::Done(Ok(_)) if is_outdated => {}
                Completion::Done(Ok(value)) => return Ok(Step::Found(value)),
                // The key was one of many and was left out, so this call may lead.
                Completion::Done(Err(failure)) if failure.is_left_out() => {}
                Completion::Done(Err(failure)) => {
                    return Err(failure.error(self.shared.recorder.key(key)));
                }
                // The leader panicked or gave up, so another call may lead.
                Completion::Abandoned => {}
                Completion::TimedOut => match self.policy.on_timeout {
                    OnTimeout::Fail => return Err(self.too_late(key)),
                    OnTimeout::Create => return Ok(Step::Load(Load::Late(key.into()))),
                },
            }
        }
    }

    /// Gets a stale value recomputed: one call does so, and the others return the old value.
    pub(super) async fn lead_renewal(&self, key: &[u8], seen: Lookup<V>) -> Result<Step<V>> {
        let (start, completions) = (Start::from(&seen), seen.completions);
        let Some(stale) = seen.slot else { return self.lead_or_wait(key, true).await };
        let is_backed_off = self.shared.failures.get(key, self.time.monotonic()).is_some();
        let leader = if is_backed_off { None } else { self.shared.flights.try_lead(key) };
        Ok(match leader {
            Some(leader) => Step::Load(Load::Stale { leader, stale, start, completions }),
            None => Step::Found(self.give_stale(key, stale)),
        })
    }

    pub(super) fn give_stale(&self, key: &[u8], stale: Slot<V>) -> V {
        self.shared.recorder.gave_stale(key);
        stale.value
    }

    /// Returns an error if the running code is computing this value, because it would wait for itself.
    pub(super) fn check_reentrance(&self, key: &[u8]) -> Result<()> {
        match is_being_made_here(self.shared.flights.id(), key) {
            true => Err(asks_for_itself(self.shared.recorder.key(key))),
            false => Ok(()),
        }
    }

    pub(super) fn too_late(&self, key: &[u8]) -> Error {
        let limit = self.policy.wait_timeout.unwrap_or_default();
        too_late(self.shared.recorder.key(key), limit)
    }
}

//! The first of two steps of a call that is no hit: dogpile.cache's algorithm, for threads and tasks.
//!
//! It ends with a value, or with what is to be loaded, which is the second step, in `load.rs`. A call looks at
//! the key ([`find_or_lead`](Engine::find_or_lead)). If nothing is there, one call is to make it, and leads a
//! flight among the threads and tasks of this process; all others wait for that one (`lead_or_wait`). If it
//! is stale, one is to make it anew, and the others get the old value (`lead_renewal`).

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

/// How many values are made anew at the same time in the background. The others stay stale for now.
const MAX_REFRESHES: usize = 64;

/// How the first step ends.
pub(super) enum Step<V> {
    Found(V),
    /// It may be given, and this is to be made anew in the background, if it is not on its way already.
    Stale(V, Option<Refresh>),
    /// It is to be loaded.
    Load(Load<V>),
}

/// What is to be done by who has the loader.
pub(super) enum Load<V> {
    /// Make what is missing.
    Missing { leader: Leader<V, Failure>, limit: Option<Duration>, is_reachable: bool },
    /// Make what is stale anew.
    Stale { leader: Leader<V, Failure>, stale: Slot<V>, start: Start, completions: u64 },
    /// Make it for this call alone, which has waited for another one as long as it may.
    Late(FlightKey),
}

/// What a making goes on from: what was seen under the key, when nothing was believed.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) version: Option<Version>,
    pub(super) origin: Option<Origin>,
    /// Whether the store could be asked. If not, what is made is not kept.
    pub(super) is_reachable: bool,
}

impl Start {
    /// Of a making without the store.
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
    /// Slow path of `get_or_create`: the fast look-up missed.
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

    /// Slow path of `get_or_refresh`: the fast look-up missed.
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

    /// Counts a miss, if the store could be asked or not, and goes on to make the value.
    async fn miss(&self, key: &[u8], bypassed: Option<&Error>) -> Result<Step<V>> {
        if let Some(error) = bypassed {
            self.shared.recorder.bypassed(Outage::Reading, error);
        }
        self.shared.recorder.miss();
        self.lead_or_wait(key, bypassed.is_none()).await
    }

    /// Has a value made that is missing: one call makes it, the others wait for that one.
    async fn lead_or_wait(&self, key: &[u8], is_reachable: bool) -> Result<Step<V>> {
        let begun = self.time.monotonic();
        loop {
            let now = self.time.monotonic();
            if let Some(failure) = self.shared.failures.get(key, now) {
                return Err(failure.error(self.shared.recorder.key(key)));
            }
            // What is left of it, when it is not the first round.
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
                // It was one of many, and it is this one's turn.
                Completion::Done(Err(failure)) if failure.is_left_out() => {}
                Completion::Done(Err(failure)) => {
                    return Err(failure.error(self.shared.recorder.key(key)));
                }
                // Who made it panicked, or gave up: it is somebody else's turn.
                Completion::Abandoned => {}
                Completion::TimedOut => match self.policy.on_timeout {
                    OnTimeout::Fail => return Err(self.too_late(key)),
                    OnTimeout::Create => return Ok(Step::Load(Load::Late(key.into()))),
                },
            }
        }
    }

    /// Has a stale value made anew: one call does, the others get the old one.
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

    /// Who would wait for what this code itself is about to give gets an error.
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

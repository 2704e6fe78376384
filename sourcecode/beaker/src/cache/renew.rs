//! What is fresh and needs nothing, and what is stale and is made anew.

use std::fmt::Display;

use super::age::Freshness;
use super::policy::luck;
use super::seen::{Seen, Slot};
use super::{Cache, Made};
use crate::error::{Error, Result};

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// A hit in memory, if that is all there is to do.
    #[inline]
    pub(super) fn fresh(&self, key: &[u8]) -> Option<V> {
        if self.policy.eagerness > 0.0 {
            return None;
        }
        let fresh = self.shared.storage.fresh(key, &*self.clock);
        if fresh.is_some() {
            self.shared.counting.hit();
        }
        fresh
    }

    /// By chance, before it has expired.
    pub(super) fn is_early(&self, seen: &Seen<V>) -> bool {
        let eagerness = self.policy.eagerness;
        let is_early = |slot: &Slot<V>| slot.age.is_early(self.clock.now(), eagerness, luck());
        eagerness > 0.0 && seen.slot.as_ref().is_some_and(is_early)
    }

    /// There is a stale value: one makes a new one, the others get the old one.
    pub(super) fn renew<M, E>(
        &self,
        key: &[u8],
        seen: Seen<V>,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let Some(Slot { value: stale, .. }) = seen.slot else { return self.make(key, create) };
        let give_stale = || {
            self.shared.counting.stale();
            Ok(stale.clone())
        };
        if self.shared.failures.get(key, self.clock.now()).is_some() {
            return give_stale();
        }
        let Some(pilot) = self.shared.flights.begin(key) else { return give_stale() };
        let Some(turn) = self.try_turn(key)? else { return give_stale() };
        let mut version = seen.version;
        if version.is_none() {
            // In memory it costs nothing to look whether somebody was quicker.
            let again = self.shared.storage.look_behind(key, &*self.clock)?;
            version = again.version;
            if let (Freshness::Fresh, Some(slot)) = (self.freshness(&again), again.slot)
                && !self.policy_is_early(&slot)
            {
                pilot.land(Ok(slot.value.clone()), |_| {});
                self.shared.counting.hit();
                return Ok(slot.value);
            }
        }
        self.shared.counting.miss();
        match self.fly(key, pilot, turn, version, create) {
            Err(_) if self.policy.stale_on_failure => give_stale(),
            made => made,
        }
    }

    fn policy_is_early(&self, slot: &Slot<V>) -> bool {
        self.policy.eagerness > 0.0 && slot.age.fresh_until.is_some()
    }
}

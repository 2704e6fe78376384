//! What is fresh and needs nothing, and what is stale and is made anew.

use std::fmt::Display;

use super::age::Freshness;
use super::flow::Start;
use super::policy::luck;
use super::seen::{Seen, Slot};
use super::{Cache, Made};
use crate::error::{Error, Result};

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// By chance, before it has expired.
    pub(super) fn is_early(&self, seen: &Seen<V>) -> bool {
        let eagerness = self.policy.eagerness;
        let is_early = |slot: &Slot<V>| slot.age.is_early(self.time.now(), eagerness, luck());
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
        let mut start = Start::from(&seen);
        let Some(Slot { value: stale, age }) = seen.slot else { return self.make(key, create) };
        let give_stale = || {
            self.shared.gave_stale(key);
            Ok(stale.clone())
        };
        if self.shared.failures.get(key, self.time.monotonic()).is_some() {
            return give_stale();
        }
        let Some(pilot) = self.shared.flights.begin(key) else { return give_stale() };
        let turn = match self.try_turn(key) {
            Ok(Some(turn)) => turn,
            Ok(None) => return give_stale(),
            Err(_) if self.policy.stale_on_failure => return give_stale(),
            Err(error) => return Err(error.into()),
        };
        // In memory it costs nothing to look whether somebody was quicker; in a store it is a second
        // round trip, for those alone who were overtaken in this process. Who was overtaken by another
        // process makes it once more, and finds when keeping it that it is not wanted.
        let was_overtaken = self.shared.flights.landings() != seen.landings;
        if start.version.is_none() || was_overtaken {
            let again = self.shared.storage.look_closely(key, &self.time)?;
            start = Start::from(&again);
            if let (Freshness::Fresh, Some(slot)) = (self.freshness(&again), again.slot)
                && slot.age.made_at > age.made_at
            {
                pilot.land(Ok(slot.value.clone()), turn, |_| {});
                self.shared.counting.hit();
                return Ok(slot.value);
            }
        }
        self.shared.counting.miss();
        match self.fly(key, pilot, turn, start, create) {
            Err(_) if self.policy.stale_on_failure => give_stale(),
            made => made,
        }
    }
}

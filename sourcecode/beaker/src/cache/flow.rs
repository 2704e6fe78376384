//! Making what is missing: dogpile.cache's algorithm.

use std::fmt::Display;

use super::age::Freshness;
use super::failure::{Failure, asks_for_itself};
use super::flight::{Arrival, Boarding, Pilot};
use super::seen::Slot;
use super::turn::Turn;
use super::{Cache, Made};
use crate::error::{Error, Result};
use crate::store::{Version, When};

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// For who has found nothing that is fresh beyond doubt.
    pub(super) fn find_or_create<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let seen = self.look(key)?;
        match self.freshness(&seen) {
            Freshness::Fresh if !self.is_early(&seen) => {
                self.shared.counting.hit();
                match seen.slot {
                    Some(slot) => Ok(slot.value),
                    None => self.make(key, create),
                }
            }
            Freshness::Fresh | Freshness::Stale => self.renew(key, seen, create),
            Freshness::Gone => {
                self.shared.counting.miss();
                self.make(key, create)
            }
        }
    }

    /// There is nothing: one makes it, the others wait for that one.
    pub(super) fn make<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let begun = self.time.now();
        loop {
            let now = self.time.now();
            if let Some(failure) = self.shared.failures.get(key, now) {
                return Err(failure.error(self.shared.shown(key)).into());
            }
            // What is left of it, when it is not the first round.
            let most = self.policy.wait_at_most.map(|most| most.saturating_sub(now.since(begun)));
            match self.shared.flights.board(key) {
                Boarding::Itself => return Err(asks_for_itself(self.shared.shown(key)).into()),
                Boarding::Passenger(passenger) => {
                    self.shared.waits(key);
                    let is_outdated = passenger.is_outdated();
                    match passenger.wait(most) {
                        Arrival::Landed(Ok(_)) if is_outdated => {}
                        Arrival::Landed(Ok(value)) => return Ok(value),
                        Arrival::Landed(Err(failure)) => {
                            return Err(failure.error(self.shared.shown(key)).into());
                        }
                        // Who made it panicked, or gave up: it is somebody else's turn.
                        Arrival::Lost => {}
                        Arrival::Late => return self.late(key, create),
                    }
                }
                Boarding::Pilot(pilot) => match self.wait_for_turn(key, most) {
                    Ok(Turn::Made(value)) => {
                        pilot.land(Ok(value.clone()), (), |_| {});
                        return Ok(value);
                    }
                    Ok(Turn::Own(turn, seen)) => {
                        // Another one may have failed between this one's look and its turn.
                        if let Some(failure) = self.shared.failures.get(key, self.time.now()) {
                            let error = failure.error(self.shared.shown(key));
                            pilot.land(Err(failure), turn, |_| {});
                            return Err(error.into());
                        }
                        return self.fly(key, pilot, turn, seen.version, create);
                    }
                    Ok(Turn::Late) => return self.late(key, create),
                    Err(error) => {
                        // The others would ask the same store, one after the other.
                        pilot.land(Err(Failure::of(&error)), (), |_| {});
                        return Err(error.into());
                    }
                },
            }
        }
    }

    /// Calls the creator, keeps what it made, and tells all who wait. If it panics, the turn is given
    /// back before the others are told: parameters go in reverse order.
    pub(super) fn fly<M, E>(
        &self,
        key: &[u8],
        pilot: Pilot<'_, V, Failure>,
        turn: impl Sized,
        version: Option<Version>,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let begun = self.time.now();
        let span = self.shared.creating(key);
        let made = create();
        drop(span);
        match made {
            Ok(made) => {
                let made: Made<V> = made.into();
                let now = self.time.now();
                self.shared.counting.created(now.since(begun));
                let value = made.value.clone();
                pilot.land(Ok(value.clone()), turn, |_| {
                    if made.is_kept {
                        let when = version.map_or(When::Absent, When::Unchanged);
                        let age = self.policy.age(begun, now, made.expire, made.tags);
                        let ttl = self.policy.ttl(&age, now);
                        let slot = Slot { value: made.value, age };
                        // The value is there, whether it could be stored or not.
                        if let Err(error) = self.shared.storage.keep(key, slot, ttl, when, now) {
                            self.shared.not_stored(key, &error);
                        }
                    }
                });
                Ok(value)
            }
            Err(error) => {
                let failure = Failure::of(&error);
                self.shared.creator_failed(key, &error);
                let (now, back_off) = (self.time.now(), self.policy.back_off);
                self.shared.failures.note(key, failure.clone(), now, back_off);
                pilot.land(Err(failure), turn, |_| {});
                Err(error)
            }
        }
    }
}

//! Making what is missing: dogpile.cache's algorithm.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use super::age::{Freshness, Origin};
use super::failure::{Failure, asks_for_itself};
use super::flight::{Arrival, Boarding, Pilot};
use super::policy::Begun;
use super::seen::{Seen, Slot};
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
        let begun = self.time.monotonic();
        loop {
            let now = self.time.monotonic();
            if let Some(failure) = self.shared.failures.get(key, now) {
                return Err(failure.error(self.shared.shown(key)).into());
            }
            // What is left of it, when it is not the first round.
            let most =
                self.policy.wait_at_most.map(|most| most.saturating_sub(now.saturating_sub(begun)));
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
                        if let Some(failure) = self.shared.failures.get(key, self.time.monotonic())
                        {
                            let error = failure.error(self.shared.shown(key));
                            pilot.land(Err(failure), turn, |_| {});
                            return Err(error.into());
                        }
                        return self.fly(key, pilot, turn, (&seen).into(), create);
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

    /// Calls the creator, keeps what it made, and tells all who wait. The turn is given back before the
    /// others are told.
    pub(super) fn fly<M, E>(
        &self,
        key: &[u8],
        pilot: Pilot<'_, V, Failure>,
        turn: impl Sized,
        start: Start,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let begun = match self.begin(start.origin) {
            Ok(begun) => begun,
            Err(error) => {
                pilot.land(Err(Failure::of(&error)), turn, |_| {});
                return Err(error.into());
            }
        };
        let clock = self.time.monotonic();
        let span = self.shared.creating(key);
        let made = unwound(create);
        drop(span);
        let now = self.time.monotonic();
        let cost = now.saturating_sub(clock);
        match made {
            Ok(Ok(made)) => {
                let made: Made<V> = made.into();
                self.shared.counting.created(cost);
                let value = made.value.clone();
                pilot.land(Ok(value.clone()), turn, |_| {
                    if made.is_kept {
                        let (now, when) =
                            (self.time.now(), start.version.map_or(When::Absent, When::Unchanged));
                        let age = self.policy.age(begun, now, cost, made.expire, made.tags);
                        let ttl = self.policy.ttl(&age, now);
                        let slot = Slot { value: made.value, age };
                        // The value is there, whether it could be stored or not.
                        let kept = self.shared.storage.keep(key, slot, ttl, when, &self.time);
                        if let Err(error) = kept {
                            self.shared.not_stored(key, &error);
                        }
                    }
                });
                Ok(value)
            }
            Ok(Err(error)) => {
                let failure = Failure::of(&error);
                self.fail(key, failure.clone(), now);
                pilot.land(Err(failure), turn, |_| {});
                Err(error)
            }
            Err(panic) => {
                let failure = Failure::of_panic(&*panic);
                self.fail(key, failure.clone(), now);
                pilot.land(Err(failure), turn, |_| {});
                resume_unwind(panic)
            }
        }
    }

    /// From now on a value is being made.
    pub(super) fn begin(&self, seen: Option<Origin>) -> Result<Begun> {
        let origin = self.shared.storage.origin(seen, &self.time)?;
        Ok(Begun { at: self.time.now(), origin })
    }

    /// Notes a failure, so that it is given again for a while and not tried by each who comes.
    pub(super) fn fail(&self, key: &[u8], failure: Failure, now: Duration) {
        self.shared.creator_failed(key, &failure);
        self.shared.failures.note(key, failure, now, self.policy.back_off);
    }
}

/// What a making goes on from: what was seen under the key, when nothing was believed.
pub(super) struct Start {
    pub(super) version: Option<Version>,
    pub(super) origin: Option<Origin>,
}

impl<V> From<&Seen<V>> for Start {
    fn from(seen: &Seen<V>) -> Start {
        Start { version: seen.version, origin: seen.origin }
    }
}

/// Calls the creator, and gives its panic as what it is: a failure, after which the panic goes on.
pub(super) fn unwound<T>(create: impl FnOnce() -> T) -> thread::Result<T> {
    // What it leaves half done is the caller's, who gets the panic.
    catch_unwind(AssertUnwindSafe(create))
}

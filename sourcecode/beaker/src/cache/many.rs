//! Many keys at once: one look, one call of the creator for all that are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::age::Freshness;
use super::failure::{Failure, asks_for_itself, too_late};
use super::flight::{Arrival, Boarding, Passenger};
use super::own::Own;
use super::turn::Turn;
use super::{Cache, Made};
use crate::error::{Error, ErrorKind, Result};

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// The fresh values of many keys, in their order.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<V>>> {
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        let seen = self.shared.storage.look_many(&keys, &self.time)?;
        let fresh = seen.into_iter().map(|seen| match self.freshness(&seen) {
            Freshness::Fresh => {
                self.shared.counting.hit();
                seen.slot.map(|slot| slot.value)
            }
            Freshness::Stale | Freshness::Gone => {
                self.shared.counting.miss();
                None
            }
        });
        Ok(fresh.collect())
    }

    /// The values of many keys, in their order. The function is called once with those that are
    /// missing, sorted and each once, and gives as many values. Calls that overlap make a key that they
    /// share once.
    ///
    /// # Errors
    ///
    /// What the store fails with; the function's own; `ErrorKind::Creation` if it gives another number
    /// of values.
    pub fn try_get_or_create_many<K, M, E>(
        &self,
        keys: &[K],
        create: impl FnOnce(&[&[u8]]) -> Result<Vec<M>, E>,
    ) -> Result<Vec<V>, E>
    where
        K: AsRef<[u8]>,
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        // Sorted, so that all who take several locks take them in one order.
        let wanted: BTreeSet<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        let wanted: Vec<&[u8]> = wanted.into_iter().collect();
        let seen = self.shared.storage.look_many(&wanted, &self.time)?;
        let mut found: BTreeMap<&[u8], V> = BTreeMap::new();
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (&key, seen) in wanted.iter().zip(seen) {
            match (self.freshness(&seen), seen.slot) {
                (Freshness::Fresh, Some(slot)) => {
                    self.shared.counting.hit();
                    found.insert(key, slot.value);
                }
                (Freshness::Stale, Some(slot)) if self.is_made_elsewhere(key)? => {
                    self.shared.gave_stale(key);
                    found.insert(key, slot.value);
                }
                _ => {
                    self.shared.counting.miss();
                    if let Some(failure) = self.shared.failures.get(key, self.time.monotonic()) {
                        return Err(failure.error(self.shared.shown(key)).into());
                    }
                    match self.shared.flights.board(key) {
                        Boarding::Itself => {
                            return Err(asks_for_itself(self.shared.shown(key)).into());
                        }
                        Boarding::Passenger(passenger) => others.push((key, passenger)),
                        Boarding::Pilot(pilot) => {
                            match self.wait_for_turn(key, self.policy.wait_at_most)? {
                                Turn::Made(value) => {
                                    pilot.land(Ok(value.clone()), (), |_| {});
                                    found.insert(key, value);
                                }
                                Turn::Own(turn, seen) => {
                                    own.push(Own { key, pilot, turn, start: (&seen).into() })
                                }
                                Turn::Late => {
                                    let most = self.policy.wait_at_most.unwrap_or_default();
                                    return Err(too_late(self.shared.shown(key), most).into());
                                }
                            }
                        }
                    }
                }
            }
        }
        // What is made here is made before anybody is waited for: so none wait in a circle.
        found.extend(self.make_own(own, create)?);
        for (key, passenger) in others {
            found.insert(key, self.wait_for(key, passenger)?);
        }
        let missing = |key: &[u8]| Error::new(ErrorKind::Creation, format!("{key:?} was not made"));
        let values = keys.iter().map(|key| {
            let key = key.as_ref();
            found.get(key).cloned().ok_or_else(|| missing(key).into())
        });
        values.collect()
    }

    /// A stale value will do while somebody else makes a new one.
    fn is_made_elsewhere(&self, key: &[u8]) -> Result<bool> {
        match self.shared.flights.begin(key) {
            None => Ok(true),
            Some(_pilot) => Ok(self.try_turn(key)?.is_none()),
        }
    }

    fn wait_for<E: From<Error> + Display>(
        &self,
        key: &[u8],
        passenger: Passenger<V, Failure>,
    ) -> Result<V, E> {
        self.shared.waits(key);
        let most = self.policy.wait_at_most;
        let is_outdated = passenger.is_outdated();
        match passenger.wait(most) {
            Arrival::Landed(Ok(_)) if is_outdated => self.get(key)?.ok_or_else(|| {
                let failure = Failure::of(&"it was invalidated while it was made; ask again");
                failure.error(self.shared.shown(key)).into()
            }),
            Arrival::Landed(Ok(value)) => Ok(value),
            Arrival::Landed(Err(failure)) => Err(failure.error(self.shared.shown(key)).into()),
            Arrival::Late => Err(too_late(self.shared.shown(key), most.unwrap_or_default()).into()),
            // The function is used up, so it cannot be this one's turn.
            Arrival::Lost => {
                let failure = Failure::of(&"it panicked, or gave up");
                Err(failure.error(self.shared.shown(key)).into())
            }
        }
    }
}

//! Many keys at once: one look, one call of the creator for all that are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::panic::resume_unwind;
use std::time::Duration;

use super::api::Cache;
use super::failure::{Failure, asks_for_itself, too_late};
use super::flight::{Completion, Leader, Role, Waiter};
use super::freshness::{Freshness, Slot};
use super::load::{BackendLock, Start, unwound};
use super::policy::CacheEntry;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Precondition;

/// What is to be made here: the key's flight, the lock of the back end, and what it goes on from.
struct Led<'a, V, G> {
    key: &'a [u8],
    leader: Leader<'a, V, Failure>,
    lock: Option<G>,
    start: Start,
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Returns the fresh values of many keys, in their order: `None` where there is none. In a store this
    /// is one round trip.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", 110)?;
    /// assert_eq!(cache.get_many(&["Kimi", "Felipe"])?, [Some(110), None]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("get_multi", "get_all"))]
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<V>>> {
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        let seen = self.shared.storage.look_many(&keys, &self.time)?;
        let fresh = seen.into_iter().map(|seen| match self.freshness(&seen) {
            Freshness::Fresh => {
                self.shared.recorder.hit();
                seen.slot.map(|slot| slot.value)
            }
            Freshness::Stale | Freshness::Gone => {
                self.shared.recorder.miss();
                None
            }
        });
        Ok(fresh.collect())
    }

    /// Returns the values of many keys, in their order, and makes those that are missing with one call of
    /// the function.
    ///
    /// The function gets the missing keys, sorted and each once, and gives as many values in that order.
    /// Calls that overlap make a key that they share once.
    ///
    /// # Errors
    ///
    /// What the store fails with; the function's own; `ErrorKind::Creation` if it gives another number of
    /// values; `ErrorKind::WouldDeadlock` and `ErrorKind::Unavailable` as
    /// [`get_or_create`](Cache::get_or_create).
    ///
    /// # Panics
    ///
    /// Where the function panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<usize> = Cache::in_memory(10);
    /// cache.put("Kimi", 4)?;
    /// let lengths = |keys: &[&[u8]]| Ok(keys.iter().map(|key| key.len()).collect::<Vec<_>>());
    /// let found = cache.try_get_or_create_many::<_, _, beaker::Error>(&["Kimi", "Felipe"], lengths)?;
    /// assert_eq!(found, [4, 6]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("get_or_create_multi", "try_get_many_with"))]
    pub fn try_get_or_create_many<K, M, E>(
        &self,
        keys: &[K],
        create: impl FnOnce(&[&[u8]]) -> Result<Vec<M>, E>,
    ) -> Result<Vec<V>, E>
    where
        K: AsRef<[u8]>,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        // Sorted, so that all who take several locks take them in one order.
        let wanted: BTreeSet<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        let wanted: Vec<&[u8]> = wanted.into_iter().collect();
        let seen = self.shared.storage.look_many(&wanted, &self.time)?;
        let mut found: BTreeMap<&[u8], V> = BTreeMap::new();
        let (mut led, mut others) = (Vec::new(), Vec::new());
        for (&key, seen) in wanted.iter().zip(seen) {
            match (self.freshness(&seen), seen.slot) {
                (Freshness::Fresh, Some(slot)) => {
                    self.shared.recorder.hit();
                    found.insert(key, slot.value);
                }
                (Freshness::Stale, Some(slot)) if self.is_made_elsewhere(key)? => {
                    self.shared.recorder.gave_stale(key);
                    found.insert(key, slot.value);
                }
                _ => {
                    self.shared.recorder.miss();
                    if let Some(failure) = self.shared.failures.get(key, self.time.monotonic()) {
                        return Err(failure.error(self.shared.recorder.key(key)).into());
                    }
                    match self.shared.flights.join_or_lead(key) {
                        Role::Reentrant => {
                            return Err(asks_for_itself(self.shared.recorder.key(key)).into());
                        }
                        Role::Waiter(waiter) => others.push((key, waiter)),
                        Role::Leader(leader) => {
                            match self.lock_or_find(key, self.policy.wait_timeout)? {
                                BackendLock::Found(value) => {
                                    leader.complete(Ok(value.clone()), (), |_| {});
                                    found.insert(key, value);
                                }
                                BackendLock::Acquired(lock, seen) => {
                                    led.push(Led { key, leader, lock, start: (&seen).into() })
                                }
                                BackendLock::TimedOut => {
                                    let limit = self.policy.wait_timeout.unwrap_or_default();
                                    return Err(
                                        too_late(self.shared.recorder.key(key), limit).into()
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
        // What is made here is made before anybody is waited for: so none wait in a circle.
        found.extend(self.make_led(led, create)?);
        for (key, waiter) in others {
            found.insert(key, self.wait_for(key, waiter)?);
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
        match self.shared.flights.try_lead(key) {
            None => Ok(true),
            Some(_leader) => Ok(self.try_lock(key)?.is_none()),
        }
    }

    fn wait_for<E: From<Error> + Display>(
        &self,
        key: &[u8],
        waiter: Waiter<V, Failure>,
    ) -> Result<V, E> {
        self.shared.recorder.waits(key);
        let limit = self.policy.wait_timeout;
        let is_outdated = waiter.is_outdated();
        match waiter.wait(limit) {
            Completion::Done(Ok(_)) if is_outdated => self.get(key)?.ok_or_else(|| {
                let failure = Failure::of(&"it was invalidated while it was made; ask again");
                failure.error(self.shared.recorder.key(key)).into()
            }),
            Completion::Done(Ok(value)) => Ok(value),
            Completion::Done(Err(failure)) => {
                Err(failure.error(self.shared.recorder.key(key)).into())
            }
            Completion::TimedOut => {
                Err(too_late(self.shared.recorder.key(key), limit.unwrap_or_default()).into())
            }
            // The function is used up, so it cannot be this one's turn.
            Completion::Abandoned => {
                let failure = Failure::of(&"it panicked, or gave up");
                Err(failure.error(self.shared.recorder.key(key)).into())
            }
        }
    }

    /// Calls the creator once for all, and keeps what it made.
    fn make_led<'a, M, E, G>(
        &self,
        led: Vec<Led<'a, V, G>>,
        create: impl FnOnce(&[&[u8]]) -> Result<Vec<M>, E>,
    ) -> Result<Vec<(&'a [u8], V)>, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        if led.is_empty() {
            return Ok(Vec::new());
        }
        // One look for all: what is invalidated from the first one's on may be what they are made from.
        let begun = match self.begin(led[0].start.origin) {
            Ok(begun) => begun,
            Err(error) => {
                let failure = Failure::of(&error);
                led.into_iter()
                    .for_each(|led| led.leader.complete(Err(failure.clone()), led.lock, |_| {}));
                return Err(error.into());
            }
        };
        let clock = self.time.monotonic();
        let keys: Vec<&[u8]> = led.iter().map(|led| led.key).collect();
        let made = unwound(|| {
            create(&keys).and_then(|made| match made.len() == keys.len() {
                true => Ok(made),
                false => Err(wrong_number(made.len(), keys.len()).into()),
            })
        });
        let now = self.time.monotonic();
        let cost = now.saturating_sub(clock);
        let made = match made {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => {
                self.fail_all(led, &Failure::of(&error), now);
                return Err(error);
            }
            Err(panic) => {
                self.fail_all(led, &Failure::of_panic(&*panic), now);
                resume_unwind(panic)
            }
        };
        let mut values = Vec::new();
        for (led, made) in led.into_iter().zip(made) {
            let made: CacheEntry<V> = made.into();
            self.shared.recorder.created(cost / keys.len() as u32);
            values.push((led.key, made.value.clone()));
            let when = led.start.version.map_or(Precondition::Absent, Precondition::Unchanged);
            led.leader.complete(Ok(made.value.clone()), led.lock, |_| {
                let now = self.time.now();
                let age = self.policy.age(begun, now, cost, made.ttl, made.tags);
                let ttl = self.policy.store_ttl(&age, now);
                let slot = Slot { value: made.value, age };
                if made.is_kept
                    && let Err(error) =
                        self.shared.storage.keep(led.key, slot, ttl, when, &self.time)
                {
                    self.shared.recorder.not_stored(led.key, &error);
                }
            });
        }
        Ok(values)
    }

    /// Notes the failure for each key, and tells all who wait. It was one call, and it failed once.
    fn fail_all<G>(&self, led: Vec<Led<'_, V, G>>, failure: &Failure, now: Duration) {
        if let Some(first) = led.first() {
            self.shared.recorder.creator_failed(first.key, failure);
        }
        for led in led {
            self.shared.failures.note(led.key, failure.clone(), now, self.policy.error_ttl);
            led.leader.complete(Err(failure.clone()), led.lock, |_| {});
        }
    }
}

fn wrong_number(made: usize, wanted: usize) -> Error {
    let what = format!("the creator of {wanted} values gave {made}");
    Error::new(ErrorKind::Creation, what + "; it must give one for each key, in their order")
}

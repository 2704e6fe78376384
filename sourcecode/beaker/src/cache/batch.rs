//! Many keys at once: one look, one call of the loader for all that are missing.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::resume_unwind;
use std::time::Duration;

use super::engine::Engine;
use super::failure::{Failure, too_late};
use super::find::Start;
use super::flight::{Completion, FlightKey, Leader, Role, Waiter};
use super::freshness::{Freshness, Lookup};
use super::load::{BackendLock, Turn};
use super::policy::CacheEntry;
use super::stats::Outage;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Guard;

/// How far a call for many keys has come when it has to load some.
pub(super) struct Many<'a, V> {
    found: BTreeMap<&'a [u8], V>,
    /// What is to be made here. It is made before anybody is waited for: so none wait in a circle.
    pub(super) led: Vec<Led<V>>,
    others: Vec<(&'a [u8], Waiter<V, Failure>)>,
}

/// What is to be made here: the key's flight, the lock of the back end, and what it goes on from.
pub(super) struct Led<V> {
    leader: Leader<V, Failure>,
    lock: Option<Guard>,
    start: Start,
}

impl<V: Clone + Send + Sync + 'static> Engine<V> {
    /// The values of these keys, which are sorted and each there once: so all who take several locks take
    /// them in one order.
    pub(super) async fn find_or_lead_many<'a>(&self, keys: &[&'a [u8]]) -> Result<Many<'a, V>> {
        let (seen, is_reachable) = match self.look_many(keys).await {
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Reading, &error);
                (keys.iter().map(|_| Lookup::nothing(None)).collect(), false)
            }
            seen => (seen?, true),
        };
        let mut found: BTreeMap<&[u8], V> = BTreeMap::new();
        let (mut led, mut others) = (Vec::new(), Vec::new());
        for (&key, seen) in keys.iter().zip(seen) {
            match (self.freshness(&seen), seen.slot) {
                (Freshness::Fresh, Some(slot)) => {
                    self.shared.recorder.hit();
                    found.insert(key, slot.value);
                    continue;
                }
                (Freshness::Stale, Some(slot)) if self.is_made_elsewhere(key).await? => {
                    self.shared.recorder.gave_stale(key);
                    found.insert(key, slot.value);
                    continue;
                }
                _ => self.shared.recorder.miss(),
            }
            if let Some(failure) = self.shared.failures.get(key, self.time.monotonic()) {
                return Err(failure.error(self.shared.recorder.key(key)));
            }
            match self.shared.flights.join_or_lead(key) {
                Role::Waiter(waiter) => {
                    self.check_reentrance(key)?;
                    others.push((key, waiter));
                }
                Role::Leader(leader) => match self.lock_many(key, leader, is_reachable).await? {
                    Ok(own) => led.push(own),
                    Err(value) => {
                        found.insert(key, value);
                    }
                },
            }
        }
        Ok(Many { found, led, others })
    }

    /// The values of all keys, once those that were to be made here are made.
    pub(super) async fn find_others<'a, K: AsRef<[u8]>>(
        &self,
        keys: &'a [K],
        mut many: Many<'a, V>,
        made: Vec<(FlightKey, V)>,
    ) -> Result<Vec<V>> {
        for (key, waiter) in many.others {
            many.found.insert(key, self.wait_for(key, waiter).await?);
        }
        let made: BTreeMap<&[u8], &V> = made.iter().map(|(key, value)| (&**key, value)).collect();
        let value = |key: &K| {
            let found = many.found.get(key.as_ref()).or_else(|| made.get(key.as_ref()).copied());
            let missing = || Error::new(ErrorKind::Creation, "a value was not made; ask again");
            found.cloned().ok_or_else(missing)
        };
        keys.iter().map(value).collect()
    }

    /// Takes the lock of one of the keys, or gives the value that was found meanwhile as what needs no
    /// making.
    async fn lock_many(
        &self,
        key: &[u8],
        leader: Leader<V, Failure>,
        is_reachable: bool,
    ) -> Result<Result<Led<V>, V>> {
        let without_store = |leader| Led { leader, lock: None, start: Start::without_store() };
        if !is_reachable {
            return Ok(Ok(without_store(leader)));
        }
        match self.lock_or_find(key, self.policy.wait_timeout).await {
            Ok(BackendLock::Found(value)) => {
                leader.complete(Ok(value.clone()), (), |_| {});
                Ok(Err(value))
            }
            Ok(BackendLock::Acquired(lock, seen)) => {
                Ok(Ok(Led { leader, lock, start: (&seen).into() }))
            }
            Ok(BackendLock::TimedOut) => Err(self.too_late(key)),
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Making, &error);
                Ok(Ok(without_store(leader)))
            }
            Err(error) => Err(error),
        }
    }

    /// A stale value will do while somebody else makes a new one.
    async fn is_made_elsewhere(&self, key: &[u8]) -> Result<bool> {
        match self.shared.flights.try_lead(key) {
            None => Ok(true),
            Some(_leader) => match self.try_lock(key).await {
                Err(error) if self.bypasses(&error) => Ok(true),
                lock => Ok(lock?.is_none()),
            },
        }
    }

    async fn wait_for(&self, key: &[u8], waiter: Waiter<V, Failure>) -> Result<V> {
        self.shared.recorder.waits(key);
        let limit = self.policy.wait_timeout;
        let is_outdated = waiter.is_outdated();
        let failed = |failure: Failure| Err(failure.error(self.shared.recorder.key(key)));
        match self.wait(waiter, limit).await {
            Completion::Done(Ok(_)) if is_outdated => match self.find(key).await? {
                Some(value) => Ok(value),
                None => failed(Failure::of(&"it was invalidated while it was made; ask again")),
            },
            Completion::Done(Ok(value)) => Ok(value),
            Completion::Done(Err(failure)) => failed(failure),
            Completion::TimedOut => {
                Err(too_late(self.shared.recorder.key(key), limit.unwrap_or_default()))
            }
            // The function is used up, so it cannot be this one's turn.
            Completion::Abandoned => failed(Failure::of(&"it panicked, or gave up")),
        }
    }

    /// Runs the loader once for all, and keeps what it made.
    pub(super) async fn load_many<E, F>(
        &self,
        led: Vec<Led<V>>,
        loader: impl FnOnce(Vec<FlightKey>) -> F,
    ) -> Result<Vec<(FlightKey, V)>, E>
    where
        E: From<Error> + Display,
        F: Future<Output = Result<Vec<CacheEntry<V>>, E>>,
    {
        // One look for all: what is invalidated from the first one's on may be what they are made from.
        let Some(first) = led.first() else { return Ok(Vec::new()) };
        let (begun, start) = match self.begin(first.start).await {
            Ok(begun) => begun,
            Err(error) => {
                let failure = Failure::of(&error);
                led.into_iter()
                    .for_each(|led| led.leader.complete(Err(failure.clone()), led.lock, |_| {}));
                return Err(error.into());
            }
        };
        let clock = self.time.monotonic();
        let keys: Vec<FlightKey> =
            led.iter().map(|led| FlightKey::clone(led.leader.key())).collect();
        let (count, own) = (keys.len(), keys.clone());
        let loader = async { loader(own).await };
        let made = self.watched(keys.iter().cloned(), None, loader).await;
        let now = self.time.monotonic();
        let cost = now.saturating_sub(clock);
        let made = match made {
            Ok(Ok(made)) if made.len() == count => made,
            Ok(made) => {
                let error =
                    made.map_or_else(|own| own, |made| wrong_number(made.len(), count).into());
                self.fail_all(led, &Failure::of(&error), now);
                return Err(error);
            }
            Err(panic) => {
                self.fail_all(led, &Failure::of_panic(&*panic), now);
                resume_unwind(panic)
            }
        };
        let mut values = Vec::with_capacity(count);
        for ((key, led), made) in keys.into_iter().zip(led).zip(made) {
            self.shared.recorder.created(cost / count as u32);
            let is_reachable = led.start.is_reachable && start.is_reachable;
            let start = Start { is_reachable, ..led.start };
            let turn = Turn { leader: led.leader, lock: led.lock, start, begun };
            values.push((key, self.complete(turn, cost, made).await));
        }
        Ok(values)
    }

    /// Notes the failure for each key, and tells all who wait. It was one call, and it failed once.
    fn fail_all(&self, led: Vec<Led<V>>, failure: &Failure, now: Duration) {
        if let Some(first) = led.first() {
            self.shared.recorder.creator_failed(first.leader.key(), failure);
        }
        for led in led {
            let key = led.leader.key();
            self.shared.failures.note(key, failure.clone(), now, self.policy.error_ttl);
            led.leader.complete(Err(failure.clone()), led.lock, |_| {});
        }
    }
}

fn wrong_number(made: usize, wanted: usize) -> Error {
    let what = format!("the creator of {wanted} values gave {made}");
    Error::new(ErrorKind::Creation, what + "; it must give one for each key, in their order")
}

/// Sorted, and each once.
pub(super) fn sorted<K: AsRef<[u8]>>(keys: &[K]) -> Vec<&[u8]> {
    let mut sorted: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

//! Many keys at once: one lookup, and one call of the loader for all that are missing.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::time::Duration;

use super::engine::{Engine, OnDrop};
use super::failure::{Failure, LoaderError, too_late};
use super::find::Start;
use super::flight::{Completion, FlightKey, Leader, Role, Waiter};
use super::freshness::{Freshness, Lookup, Slot};
use super::load::{BackendLock, Turn};
use super::policy::{Begun, CacheEntry};
use super::stats::Outage;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Guard;

/// The state of a call for many keys after the lookup, when it has to load some of them.
pub(super) struct Many<'a, V> {
    found: BTreeMap<&'a [u8], V>,
    /// What this call has to compute. It does so before it waits for any other call, so that calls cannot
    /// wait for each other in a circle.
    pub(super) led: Vec<Led<V>>,
    others: Vec<(&'a [u8], Waiter<V, Failure>)>,
}

/// What this call has to compute: the flight of the key, the lock of the backend, and the state to go on
/// from.
pub(super) struct Led<V> {
    leader: Leader<V, Failure>,
    lock: Option<Guard>,
    start: Start,
}

impl<V: Clone> Led<V> {
    #[cfg(feature = "tokio")]
    pub(super) fn key(&self) -> &FlightKey {
        self.leader.key()
    }
}

impl<V: Clone + Send + Sync + 'static> Engine<V> {
    /// Looks up these keys, which must be sorted and distinct: all calls then take their locks in the same
    /// order.
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

    /// Returns the values of all keys, after this call has computed its own: `None` for those that a loader
    /// has left out.
    pub(super) async fn find_others<'a, K: AsRef<[u8]>>(
        &self,
        keys: &'a [K],
        mut many: Many<'a, V>,
        made: Vec<(FlightKey, Option<V>)>,
    ) -> Result<Vec<Option<V>>> {
        for (key, waiter) in many.others {
            if let Some(value) = self.wait_for(key, waiter).await? {
                many.found.insert(key, value);
            }
        }
        let made: BTreeMap<&[u8], &Option<V>> =
            made.iter().map(|(key, value)| (&**key, value)).collect();
        let value = |key: &K| {
            let found = many.found.get(key.as_ref());
            found.or_else(|| made.get(key.as_ref())?.as_ref()).cloned()
        };
        Ok(keys.iter().map(value).collect())
    }

    /// Takes the lock of one of the keys, or returns the value that has appeared meanwhile and need not be
    /// computed.
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

    /// A stale value is enough while another call computes a new one.
    async fn is_made_elsewhere(&self, key: &[u8]) -> Result<bool> {
        match self.shared.flights.try_lead(key) {
            None => Ok(true),
            Some(_leader) => match self.try_lock(key).await {
                Err(error) if self.bypasses(&error) => Ok(true),
                lock => Ok(lock?.is_none()),
            },
        }
    }

    async fn wait_for(&self, key: &[u8], waiter: Waiter<V, Failure>) -> Result<Option<V>> {
        self.shared.recorder.waits(key);
        let limit = self.policy.wait_timeout;
        let is_outdated = waiter.is_outdated();
        let failed = |failure: Failure| Err(failure.error(self.shared.recorder.key(key)));
        match self.wait(waiter, limit).await {
            Completion::Done(Ok(_)) if is_outdated => match self.find(key).await? {
                Some(value) => Ok(Some(value)),
                None => failed(Failure::of(&"it was invalidated while it was made; ask again")),
            },
            Completion::Done(Ok(value)) => Ok(Some(value)),
            Completion::Done(Err(failure)) if failure.is_left_out() => Ok(None),
            Completion::Done(Err(failure)) => failed(failure),
            Completion::TimedOut => {
                Err(too_late(self.shared.recorder.key(key), limit.unwrap_or_default()))
            }
            // The function was already called, so this call cannot lead.
            Completion::Abandoned => failed(Failure::of(&"it panicked, or gave up")),
        }
    }

    /// Runs the loader once for all keys and stores its results. Keys that it leaves out are not stored,
    /// and the calls that wait for them are told so.
    pub(super) async fn load_many<E, F>(
        &self,
        led: Vec<Led<V>>,
        loader: impl FnOnce(Vec<FlightKey>) -> F,
    ) -> Result<Vec<(FlightKey, Option<V>)>, E>
    where
        E: LoaderError,
        F: Future<Output = Result<Vec<Option<CacheEntry<V>>>, E>>,
    {
        // Read once for all: what is invalidated after the first of these reads may be what the values are
        // computed from.
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
        #[cfg(feature = "metrics")]
        self.shared.recorder.loader_took(cost);
        let made = match made {
            Ok(Ok(made)) if made.len() == count => made,
            Ok(made) => {
                let error =
                    made.map_or_else(|own| own, |made| wrong_number(made.len(), count).into());
                self.fail_all(led, &error.failure(), now);
                return Err(error);
            }
            Err(panic) => {
                self.fail_all(led, &Failure::of_panic(&*panic), now);
                resume_unwind(panic)
            }
        };
        let mut values = Vec::with_capacity(count);
        for ((key, led), made) in keys.into_iter().zip(led).zip(made) {
            let Some(made) = made else {
                led.leader.complete(Err(Failure::left_out()), led.lock, |_| {});
                values.push((key, None));
                continue;
            };
            self.shared.recorder.created(cost / count as u32);
            let is_reachable = led.start.is_reachable && start.is_reachable;
            let start = Start { is_reachable, ..led.start };
            let turn = Turn { leader: led.leader, lock: led.lock, start, begun };
            values.push((key, Some(self.complete(turn, cost, made).await)));
        }
        Ok(values)
    }

    /// Notes the failure for each key, and reports it to all waiting calls. It counts as one failure.
    fn fail_all(&self, led: Vec<Led<V>>, failure: &Failure, now: Duration) {
        if let Some(first) = led.first() {
            self.shared.recorder.loader_failed(first.leader.key(), failure);
        }
        for led in led {
            let key = led.leader.key();
            self.shared.failures.note(key, failure.clone(), now, self.policy.error_ttl);
            led.leader.complete(Err(failure.clone()), led.lock, |_| {});
        }
    }
}

pub(super) fn wrong_number(made: usize, wanted: usize) -> Error {
    let what = format!("the loader of {wanted} values returned {made}");
    Error::new(ErrorKind::Creation, what + "; it must give one for each key, in their order")
}

/// The error of a call that needs all values, if the loader of another call has left one out.
pub(super) fn left_out() -> Error {
    Error::new(ErrorKind::Creation, "the loader of another call left a key out; ask again")
}

/// Writing many values. Like a single write, each wins over a loader that is running meanwhile.
impl<V: Clone + Send + Sync + 'static> Engine<V> {
    pub(super) async fn put_many(&self, entries: Vec<(Box<[u8]>, CacheEntry<V>)>) -> Result<()> {
        if self.shared.storage.memory().is_some() {
            for (key, entry) in entries {
                self.put(&key, entry).await?;
            }
            return Ok(());
        }
        let (keys, entries): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        self.before_many_flights(&keys, async {
            let now = self.time.now();
            let begun =
                Begun { origin: self.shared.storage.origin(None, &self.time).await?, at: now };
            let slot = |(key, entry): (&[u8], CacheEntry<V>)| {
                let age = self.policy.age(begun, now, Duration::ZERO, entry.ttl, entry.tags);
                let ttl = self.policy.store_ttl(&age, now);
                (key.into(), Slot { value: entry.value, age }, ttl)
            };
            let slots = keys.iter().map(|key| &**key).zip(entries).map(slot).collect();
            self.shared.storage.keep_many(slots, &self.time).await
        })
        .await
    }

    /// Removes these distinct keys, and returns how many of them had a value.
    pub(super) async fn remove_many(&self, keys: &[&[u8]]) -> Result<usize> {
        if self.shared.storage.memory().is_some() {
            let mut count = 0;
            for key in keys {
                count += usize::from(self.remove(key).await?);
            }
            return Ok(count);
        }
        let seen = self.look_many(keys).await?;
        let is_there = |seen: &&Lookup<V>| self.freshness(seen) != Freshness::Gone;
        let count = seen.iter().filter(is_there).count();
        let removed = self.shared.storage.remove_many(keys, self.time.now());
        self.before_many_flights(keys, removed).await?;
        Ok(count)
    }

    /// In a store: see `before_flights`.
    async fn before_many_flights<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        act: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let cancel = || {
            for key in keys.iter().map(AsRef::as_ref) {
                self.shared.failures.forget(key);
                self.shared.flights.cancel(key);
            }
        };
        cancel();
        let _cancelled = OnDrop(cancel);
        act.await
    }
}

/// Sorts the keys and removes duplicates.
pub(super) fn sorted<K: AsRef<[u8]>>(keys: &[K]) -> Vec<&[u8]> {
    let mut sorted: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

//! What happens to a call that is no hit: dogpile.cache's algorithm.
//!
//! A call looks at the key ([`find_or_create`](Cache::find_or_create)). What is missing is made (`make`),
//! by one call alone: it leads a flight among the threads of this process, and takes the lock of the back
//! end among processes (`lock_or_find`). What is stale is made anew (`renew`) by one, while the others
//! get the old value. Who makes it calls the creator and keeps what it gives (`run_loader`).

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::api::Cache;
use super::failure::{Failure, asks_for_itself, too_late};
use super::flight::{Completion, Leader, Role};
use super::freshness::{Freshness, Lookup, Origin, Slot};
use super::policy::{Begun, CacheEntry, OnTimeout, random_unit};
use crate::error::{Error, Result};
use crate::store::{Precondition, Version};

/// Who waits looks again after this time, and then after a little more each time.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// How many values are made anew at the same time in threads of their own. The others stay stale for now.
const MAX_THREADS: usize = 64;

/// How the wait for the lock of the back end ended.
pub(super) enum BackendLock<V, G> {
    /// It is this one's turn to make the value, until the guard is dropped; and this is there now.
    Acquired(Option<G>, Lookup<V>),
    /// Somebody else has made it meanwhile.
    Found(V),
    /// It took too long.
    TimedOut,
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Looks at a key, and removes what nobody may be given any more.
    pub(super) fn look(&self, key: &[u8]) -> Result<Lookup<V>> {
        let completions = self.shared.flights.completions();
        let seen = self.shared.storage.look(key, &self.time)?;
        if let Some(slot) = &seen.slot {
            let longest = self.shared.longest_stale.load(Ordering::Relaxed);
            let longest = self.policy.stale_for.max(Duration::from_micros(longest));
            if slot.age.freshness(self.time.recent(), longest, seen.invalidated) == Freshness::Gone
            {
                self.shared.storage.discard(key, &slot.age);
            }
        }
        Ok(Lookup { completions, ..seen })
    }

    pub(super) fn freshness(&self, seen: &Lookup<V>) -> Freshness {
        let Some(slot) = &seen.slot else { return Freshness::Gone };
        // A value that never expires needs no look at the clock.
        let now = self.time.recent();
        slot.age.freshness(now, self.policy.stale_for, seen.invalidated)
    }

    /// Slow path of `get_or_create`: the fast look-up missed.
    pub(super) fn find_or_create<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let seen = self.look(key)?;
        match self.freshness(&seen) {
            Freshness::Fresh if !self.is_early(&seen) => {
                self.shared.recorder.hit();
                match seen.slot {
                    Some(slot) => Ok(slot.value),
                    None => self.make(key, create),
                }
            }
            Freshness::Fresh | Freshness::Stale => self.renew(key, seen, create),
            Freshness::Gone => {
                self.shared.recorder.miss();
                self.make(key, create)
            }
        }
    }

    /// Makes a value that is missing: one call makes it, the others wait for that one.
    pub(super) fn make<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let begun = self.time.monotonic();
        loop {
            let now = self.time.monotonic();
            if let Some(failure) = self.shared.failures.get(key, now) {
                return Err(failure.error(self.shared.recorder.key(key)).into());
            }
            // What is left of it, when it is not the first round.
            let limit = self
                .policy
                .wait_timeout
                .map(|limit| limit.saturating_sub(now.saturating_sub(begun)));
            match self.shared.flights.join_or_lead(key) {
                Role::Reentrant => {
                    return Err(asks_for_itself(self.shared.recorder.key(key)).into());
                }
                Role::Waiter(waiter) => {
                    self.shared.recorder.waits(key);
                    let is_outdated = waiter.is_outdated();
                    match waiter.wait(limit) {
                        Completion::Done(Ok(_)) if is_outdated => {}
                        Completion::Done(Ok(value)) => return Ok(value),
                        Completion::Done(Err(failure)) => {
                            return Err(failure.error(self.shared.recorder.key(key)).into());
                        }
                        // Who made it panicked, or gave up: it is somebody else's turn.
                        Completion::Abandoned => {}
                        Completion::TimedOut => return self.late(key, create),
                    }
                }
                Role::Leader(leader) => match self.lock_or_find(key, limit) {
                    Ok(BackendLock::Found(value)) => {
                        leader.complete(Ok(value.clone()), (), |_| {});
                        return Ok(value);
                    }
                    Ok(BackendLock::Acquired(lock, seen)) => {
                        // Another one may have failed between this one's look and its lock.
                        if let Some(failure) = self.shared.failures.get(key, self.time.monotonic())
                        {
                            let error = failure.error(self.shared.recorder.key(key));
                            leader.complete(Err(failure), lock, |_| {});
                            return Err(error.into());
                        }
                        return self.run_loader(key, leader, lock, (&seen).into(), create);
                    }
                    Ok(BackendLock::TimedOut) => return self.late(key, create),
                    Err(error) => {
                        // The others would ask the same store, one after the other.
                        leader.complete(Err(Failure::of(&error)), (), |_| {});
                        return Err(error.into());
                    }
                },
            }
        }
    }

    /// Calls the creator, keeps what it made, and tells all who wait. The lock is given back before
    /// the others are told.
    pub(super) fn run_loader<M, E>(
        &self,
        key: &[u8],
        leader: Leader<'_, V, Failure>,
        lock: impl Sized,
        start: Start,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let begun = match self.begin(start.origin) {
            Ok(begun) => begun,
            Err(error) => {
                leader.complete(Err(Failure::of(&error)), lock, |_| {});
                return Err(error.into());
            }
        };
        let clock = self.time.monotonic();
        let span = self.shared.recorder.creating(key);
        let made = unwound(create);
        drop(span);
        let now = self.time.monotonic();
        let cost = now.saturating_sub(clock);
        match made {
            Ok(Ok(made)) => {
                let made: CacheEntry<V> = made.into();
                self.shared.recorder.created(cost);
                let value = made.value.clone();
                leader.complete(Ok(value.clone()), lock, |_| {
                    if made.is_kept {
                        let (now, when) = (
                            self.time.now(),
                            start.version.map_or(Precondition::Absent, Precondition::Unchanged),
                        );
                        let age = self.policy.age(begun, now, cost, made.ttl, made.tags);
                        let ttl = self.policy.store_ttl(&age, now);
                        let slot = Slot { value: made.value, age };
                        // The value is there, whether it could be stored or not.
                        let kept = self.shared.storage.keep(key, slot, ttl, when, &self.time);
                        if let Err(error) = kept {
                            self.shared.recorder.not_stored(key, &error);
                        }
                    }
                });
                Ok(value)
            }
            Ok(Err(error)) => {
                let failure = Failure::of(&error);
                self.fail(key, failure.clone(), now);
                leader.complete(Err(failure), lock, |_| {});
                Err(error)
            }
            Err(panic) => {
                let failure = Failure::of_panic(&*panic);
                self.fail(key, failure.clone(), now);
                leader.complete(Err(failure), lock, |_| {});
                resume_unwind(panic)
            }
        }
    }

    /// Notes where the making of a value begins.
    pub(super) fn begin(&self, seen: Option<Origin>) -> Result<Begun> {
        let origin = self.shared.storage.origin(seen, &self.time)?;
        Ok(Begun { at: self.time.now(), origin })
    }

    /// Notes a failure, so that it is given again for a while and not tried by each who comes.
    pub(super) fn fail(&self, key: &[u8], failure: Failure, now: Duration) {
        self.shared.recorder.creator_failed(key, &failure);
        self.shared.failures.note(key, failure, now, self.policy.error_ttl);
    }

    /// Takes the lock of a key, or finds the value, whichever comes first.
    ///
    /// Who gets the lock looks again, for another process may have made the value between this one's
    /// look and its lock:
    ///
    /// ```text
    /// A looks: nothing
    ///                     B looks: nothing
    /// A locks, makes, stores, unlocks
    ///                     B locks: would make it once more
    /// ```
    ///
    /// And who does not get it looks at the value between two tries, and never waits for the lock
    /// only to read: many waiters are all served at once, and not one after the other.
    pub(super) fn lock_or_find(
        &self,
        key: &[u8],
        limit: Option<Duration>,
    ) -> Result<BackendLock<V, impl Sized + use<V>>> {
        let Some(remote) = self.shared.storage.remote() else {
            let seen = self.shared.storage.look_closely(key, &self.time)?;
            return Ok(self.made_meanwhile(None, seen));
        };
        let lock_key = remote.lock_key(key);
        let until = limit.map(|limit| self.time.monotonic().saturating_add(limit));
        let mut wait = SHORTEST_WAIT;
        loop {
            let guard = remote.backend.locks.try_lock(&lock_key)?;
            let is_own = guard.is_some();
            let seen = self.shared.storage.look_closely(key, &self.time)?;
            match self.made_meanwhile(guard, seen) {
                BackendLock::Acquired(..) if !is_own => {}
                lock => return Ok(lock),
            }
            if until.is_some_and(|until| self.time.monotonic() >= until) {
                return Ok(BackendLock::TimedOut);
            }
            self.time.sleep(wait);
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    /// Does what is to be done after a wait that was too long.
    pub(super) fn late<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        match self.policy.on_timeout {
            OnTimeout::Fail => Err(too_late(
                self.shared.recorder.key(key),
                self.policy.wait_timeout.unwrap_or_default(),
            )
            .into()),
            OnTimeout::Create => {
                let begun = self.time.monotonic();
                let made = create().map(Into::into)?;
                self.shared.recorder.created(self.time.monotonic().saturating_sub(begun));
                Ok(made.value)
            }
        }
    }

    /// Takes the lock of a key, if nobody has it; `Some(None)` where there is none to take.
    pub(super) fn try_lock(&self, key: &[u8]) -> Result<Option<Option<impl Sized + use<V>>>> {
        match self.shared.storage.remote() {
            None => Ok(Some(None)),
            Some(remote) => Ok(remote.backend.locks.try_lock(&remote.lock_key(key))?.map(Some)),
        }
    }

    fn made_meanwhile<G>(&self, guard: Option<G>, seen: Lookup<V>) -> BackendLock<V, G> {
        match (self.freshness(&seen), seen) {
            (Freshness::Fresh, Lookup { slot: Some(slot), .. }) => BackendLock::Found(slot.value),
            (_, seen) => BackendLock::Acquired(guard, seen),
        }
    }

    /// Whether to make it anew before it has expired, by chance.
    pub(super) fn is_early(&self, seen: &Lookup<V>) -> bool {
        let eagerness = self.policy.eagerness;
        let is_early =
            |slot: &Slot<V>| slot.age.is_early(self.time.now(), eagerness, random_unit());
        eagerness > 0.0 && seen.slot.as_ref().is_some_and(is_early)
    }

    /// Makes a stale value anew: one call does, the others get the old one.
    pub(super) fn renew<M, E>(
        &self,
        key: &[u8],
        seen: Lookup<V>,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let mut start = Start::from(&seen);
        let Some(Slot { value: stale, age }) = seen.slot else { return self.make(key, create) };
        let give_stale = || {
            self.shared.recorder.gave_stale(key);
            Ok(stale.clone())
        };
        if self.shared.failures.get(key, self.time.monotonic()).is_some() {
            return give_stale();
        }
        let Some(leader) = self.shared.flights.try_lead(key) else { return give_stale() };
        let lock = match self.try_lock(key) {
            Ok(Some(lock)) => lock,
            Ok(None) => return give_stale(),
            Err(_) if self.policy.stale_on_failure => return give_stale(),
            Err(error) => return Err(error.into()),
        };
        // In memory it costs nothing to look whether somebody was quicker; in a store it is a second
        // round trip, for those alone who were overtaken in this process. Who was overtaken by another
        // process makes it once more, and finds when keeping it that it is not wanted.
        let was_overtaken = self.shared.flights.completions() != seen.completions;
        if start.version.is_none() || was_overtaken {
            let again = self.shared.storage.look_closely(key, &self.time)?;
            start = Start::from(&again);
            if let (Freshness::Fresh, Some(slot)) = (self.freshness(&again), again.slot)
                && slot.age.made_at > age.made_at
            {
                leader.complete(Ok(slot.value.clone()), lock, |_| {});
                self.shared.recorder.hit();
                return Ok(slot.value);
            }
        }
        self.shared.recorder.miss();
        match self.run_loader(key, leader, lock, start, create) {
            Err(_) if self.policy.stale_on_failure => give_stale(),
            made => made,
        }
    }

    /// Slow path of `get_or_refresh`: the fast look-up missed.
    pub(super) fn find_or_refresh<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let seen = self.look(key)?;
        let is_early = self.is_early(&seen);
        match (self.freshness(&seen), seen.slot) {
            (Freshness::Fresh, Some(slot)) if !is_early => {
                self.shared.recorder.hit();
                Ok(slot.value)
            }
            (Freshness::Fresh | Freshness::Stale, Some(slot)) => {
                self.shared.recorder.gave_stale(key);
                self.refresh_later(key, create);
                Ok(slot.value)
            }
            _ => {
                self.shared.recorder.miss();
                self.make(key, create)
            }
        }
    }

    /// Has a value made anew in the background, unless it is on its way already.
    pub(super) fn refresh_later<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let max = self.policy.executor.as_ref().map_or(MAX_THREADS, |_| usize::MAX);
        let Some(refresh) = self.shared.refreshes.begin(key, max) else { return };
        let cache = self.clone();
        let work = Box::new(move || {
            // By now it may have been made, or removed: then it is for the next who asks.
            if let Ok(seen) = cache.look(&refresh.key)
                && seen.slot.is_some()
                && (cache.freshness(&seen) == Freshness::Stale || cache.is_early(&seen))
            {
                // A failure is counted, and backed off from, like any other.
                let _ = cache.renew(&refresh.key, seen, create);
            }
        });
        match &self.policy.executor {
            Some(executor) => executor(work),
            None => drop(thread::Builder::new().name("beaker-refresh".into()).spawn(work)),
        }
    }
}

/// What a making goes on from: what was seen under the key, when nothing was believed.
pub(super) struct Start {
    pub(super) version: Option<Version>,
    pub(super) origin: Option<Origin>,
}

impl<V> From<&Lookup<V>> for Start {
    fn from(seen: &Lookup<V>) -> Start {
        Start { version: seen.version, origin: seen.origin }
    }
}

/// Calls the creator, and gives its panic as what it is: a failure, after which the panic goes on.
pub(super) fn unwound<T>(create: impl FnOnce() -> T) -> thread::Result<T> {
    // What it leaves half done is the caller's, who gets the panic.
    catch_unwind(AssertUnwindSafe(create))
}

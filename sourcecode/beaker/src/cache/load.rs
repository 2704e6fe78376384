//! The second of the two steps of a call that is not a hit: loading the value.
//!
//! The leader takes the lock of the backend, which other processes respect, or finds the value that another
//! process has computed meanwhile (`prepare`). It runs the loader, stores the result and notifies the
//! waiters (`settle`). A thread does this itself. A task leaves it to a task of its own, which runs to its
//! end even if the caller is dropped.
//!
//! A loader is a future, which does nothing until it is polled. That of a blocking program calls its
//! function in its first poll. By then, the first step, in `find.rs`, has returned its stack, so that
//! loaders which ask for other values can be nested hundreds of times.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::engine::Engine;
use super::failure::{Failure, LoaderError};
use super::find::{Load, Start, Step};
use super::flight::{FlightKey, Leader, Refresh};
use super::freshness::{Freshness, Lookup, Origin, Slot};
use super::policy::{Begun, CacheEntry, OnTimeout};
use super::reentrance::{Loading, run_within};
use super::stats::{Outage, Span};
use crate::error::Result;
use crate::lock::Guard;

/// The first pause before a waiting caller checks again. Each further pause is a little longer.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// What is known before the loader runs.
#[allow(clippy::large_enum_variant, reason = "it lives for a moment, and a box would be one more")]
enum Prepared<V> {
    Ready(Ready<V>),
    /// There is nothing left to compute.
    Found(V),
}

struct Ready<V> {
    key: FlightKey,
    /// `None` for a call that computes the value for itself alone.
    turn: Option<Turn<V>>,
    /// The value to return if the loader fails.
    stale: Option<Slot<V>>,
}

/// The right to compute a value for all callers.
pub(super) struct Turn<V> {
    pub(super) leader: Leader<V, Failure>,
    pub(super) lock: Option<Guard>,
    pub(super) start: Start,
    pub(super) begun: Begun,
}

/// How the wait for the lock of the backend ended.
#[allow(clippy::large_enum_variant, reason = "it lives for a moment, and a box would be one more")]
pub(super) enum BackendLock<V> {
    /// This call may compute the value until the guard is dropped; the lookup is the current state.
    Acquired(Option<Guard>, Lookup<V>),
    /// Another process has computed it meanwhile.
    Found(V),
    /// The wait timeout has passed.
    TimedOut,
}

impl<V: Clone + Send + Sync + 'static> Engine<V> {
    /// Computes a value by running the loader, and passes it to all waiters.
    pub(super) async fn load<E: LoaderError>(
        &self,
        load: Load<V>,
        loader: impl Future<Output = Result<CacheEntry<V>, E>>,
    ) -> Result<V, E> {
        let ready = match self.prepare(load).await? {
            Prepared::Ready(ready) => ready,
            Prepared::Found(value) => return Ok(value),
        };
        let begun = self.time.monotonic();
        let span = ready.turn.as_ref().map(|turn| self.shared.recorder.creating(turn.leader.key()));
        let made = self.watched([FlightKey::clone(&ready.key)], span, loader).await;
        self.settle(ready, self.time.monotonic().saturating_sub(begun), made).await
    }

    async fn prepare(&self, load: Load<V>) -> Result<Prepared<V>> {
        match load {
            Load::Missing { leader, limit, is_reachable: true } => {
                self.prepare_missing(leader, limit).await
            }
            Load::Missing { leader, .. } => {
                self.take_turn(leader, None, Start::without_store(), None).await
            }
            Load::Stale { leader, stale, start, completions } => {
                self.prepare_renewal(leader, stale, start, completions).await
            }
            Load::Late(key) => Ok(Prepared::Ready(Ready { key, turn: None, stale: None })),
        }
    }

    async fn prepare_missing(
        &self,
        leader: Leader<V, Failure>,
        limit: Option<Duration>,
    ) -> Result<Prepared<V>> {
        let key = leader.key();
        match self.lock_or_find(key, limit).await {
            Ok(BackendLock::Found(value)) => {
                leader.complete(Ok(value.clone()), (), |_| {});
                Ok(Prepared::Found(value))
            }
            Ok(BackendLock::Acquired(lock, seen)) => {
                // Another loader may have failed between the lookup and the lock.
                if let Some(failure) = self.shared.failures.get(key, self.time.monotonic()) {
                    let error = failure.error(self.shared.recorder.key(key));
                    leader.complete(Err(failure), lock, |_| {});
                    return Err(error);
                }
                self.take_turn(leader, lock, (&seen).into(), None).await
            }
            Ok(BackendLock::TimedOut) => match self.policy.on_timeout {
                OnTimeout::Fail => Err(self.too_late(key)),
                OnTimeout::Create => {
                    let key = FlightKey::clone(key);
                    Ok(Prepared::Ready(Ready { key, turn: None, stale: None }))
                }
            },
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Making, &error);
                self.take_turn(leader, None, Start::without_store(), None).await
            }
            Err(error) => {
                // The waiters would otherwise ask the same store, one after the other.
                leader.complete(Err(Failure::of(&error)), (), |_| {});
                Err(error)
            }
        }
    }

    async fn prepare_renewal(
        &self,
        leader: Leader<V, Failure>,
        stale: Slot<V>,
        mut start: Start,
        completions: u64,
    ) -> Result<Prepared<V>> {
        let key = leader.key();
        let lock = match self.try_lock(key).await {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(Prepared::Found(self.give_stale(key, stale))),
            Err(error) if self.policy.stale_on_failure || self.bypasses(&error) => {
                return Ok(Prepared::Found(self.give_stale(key, stale)));
            }
            Err(error) => return Err(error),
        };
        // In memory, checking whether another call was faster costs nothing. In a store it takes a second
        // round trip, so only calls that were overtaken in this process check. A call that was overtaken by
        // another process computes the value once more, and detects when it stores the value that it is not
        // needed.
        let was_overtaken = self.shared.flights.completions() != completions;
        if self.shared.storage.looks_again() || was_overtaken {
            let again =
                match self.shared.storage.look_closely(key, self.policy.ttl, &self.time).await {
                    Err(error) if self.bypasses(&error) => {
                        return Ok(Prepared::Found(self.give_stale(key, stale)));
                    }
                    again => again?,
                };
            start = Start::from(&again);
            if let (Freshness::Fresh, Some(slot)) = (self.freshness(&again), again.slot)
                && slot.age.made_at > stale.age.made_at
            {
                leader.complete(Ok(slot.value.clone()), lock, |_| {});
                self.shared.recorder.hit();
                return Ok(Prepared::Found(slot.value));
            }
        }
        self.shared.recorder.miss();
        self.take_turn(leader, lock, start, self.policy.stale_on_failure.then_some(stale)).await
    }

    async fn take_turn(
        &self,
        leader: Leader<V, Failure>,
        lock: Option<Guard>,
        start: Start,
        stale: Option<Slot<V>>,
    ) -> Result<Prepared<V>> {
        let key = FlightKey::clone(leader.key());
        match (self.begin(start).await, stale) {
            (Ok((begun, start)), stale) => {
                let turn = Some(Turn { leader, lock, start, begun });
                Ok(Prepared::Ready(Ready { key, turn, stale }))
            }
            (Err(error), stale) => {
                leader.complete(Err(Failure::of(&error)), lock, |_| {});
                stale.map(|stale| Prepared::Found(self.give_stale(&key, stale))).ok_or(error)
            }
        }
    }

    /// Stores the result of the loader or notes its failure, and notifies all waiters.
    async fn settle<E: LoaderError>(
        &self,
        ready: Ready<V>,
        cost: Duration,
        made: thread::Result<Result<CacheEntry<V>, E>>,
    ) -> Result<V, E> {
        #[cfg(feature = "metrics")]
        self.shared.recorder.loader_took(cost);
        let Ready { key, turn, stale } = ready;
        let (failure, ended) = match (made, turn) {
            (Ok(Ok(made)), turn) => {
                self.shared.recorder.created(cost);
                return Ok(match turn {
                    Some(turn) => self.complete(turn, cost, made).await,
                    None => made.value,
                });
            }
            (Ok(Err(error)), None) => return Err(error),
            (Err(panic), None) => resume_unwind(panic),
            (Ok(Err(error)), Some(turn)) => (error.failure(), (turn, Ok(error))),
            (Err(panic), Some(turn)) => (Failure::of_panic(&*panic), (turn, Err(panic))),
        };
        let (Turn { leader, lock, .. }, error) = ended;
        self.fail(&key, failure.clone(), self.time.monotonic());
        leader.complete(Err(failure), lock, |_| {});
        match (error, stale) {
            (Err(panic), _) => resume_unwind(panic),
            (Ok(_), Some(stale)) => Ok(self.give_stale(&key, stale)),
            (Ok(error), None) => Err(error),
        }
    }

    /// Completes in the background what `find_or_refresh` has begun.
    pub(super) async fn refresh<E: LoaderError>(
        &self,
        refresh: Refresh,
        loader: impl Future<Output = Result<CacheEntry<V>, E>>,
    ) {
        // It may have been computed meanwhile, or removed. A removed value is left to the next call.
        if let Ok(seen) = self.look(&refresh.key).await
            && seen.slot.is_some()
            && (self.freshness(&seen) == Freshness::Stale || self.is_early(&seen))
            && let Ok(Step::Load(load)) = self.lead_renewal(&refresh.key, seen).await
        {
            // A failure is counted and remembered like any other.
            let _ = self.load(load, loader).await;
        }
    }

    /// Notes where the computation of a value begins. If the store cannot be reached any more, it continues
    /// without the store.
    pub(super) async fn begin(&self, start: Start) -> Result<(Begun, Start)> {
        let (origin, start) = match self.shared.storage.origin(start.origin, &self.time).await {
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Making, &error);
                (Origin::default(), Start::without_store())
            }
            origin => {
                let origin = origin?;
                if start.is_reachable {
                    self.shared.recorder.reached_store(Outage::Making);
                }
                (origin, start)
            }
        };
        Ok((Begun { at: self.time.now(), origin }, start))
    }

    /// Stores a computed value, and passes it to all waiters.
    pub(super) async fn complete(&self, turn: Turn<V>, cost: Duration, made: CacheEntry<V>) -> V {
        let Turn { leader, lock, start, begun } = turn;
        let (value, is_kept) = (made.value.clone(), made.is_kept && start.is_reachable);
        let now = self.time.now();
        let age = self.policy.age(begun, now, cost, made.ttl, made.tags);
        let ttl = self.policy.store_ttl(&age, now);
        let slot = Slot { value: made.value, age };
        let key = FlightKey::clone(leader.key());
        if let Some(memory) = self.shared.storage.memory() {
            leader.complete(Ok(value.clone()), lock, |_| {
                if is_kept {
                    memory.keep(&key, slot, now);
                }
            });
            memory.tell();
            return value;
        }
        if is_kept && !leader.is_cancelled() {
            let storage = &self.shared.storage;
            let kept = storage.keep(&key, slot, ttl, start.condition(), &self.time).await;
            // The value was computed, even if it could not be stored.
            if let Err(error) = kept {
                self.shared.recorder.not_stored(&key, &error);
            }
        }
        leader.complete(Ok(value.clone()), lock, |_| {});
        value
    }

    /// Notes a failure, so that for a while it is returned again instead of another attempt by each call.
    fn fail(&self, key: &[u8], failure: Failure, now: Duration) {
        self.shared.recorder.loader_failed(key, &failure);
        self.shared.failures.note(key, failure, now, self.policy.error_ttl);
    }

    /// Takes the lock of a key or finds its value, whichever happens first.
    ///
    /// A caller that gets the lock looks again, because another process may have computed the value between
    /// the lookup and the lock:
    ///
    /// ```text
    /// A looks: nothing
    ///                     B looks: nothing
    /// A locks, computes, stores, unlocks
    ///                     B locks: would compute it once more
    /// ```
    ///
    /// A caller that does not get the lock looks for the value between two tries. It never waits for the
    /// lock only in order to read, so that many waiters are served at once rather than one after the other.
    pub(super) async fn lock_or_find(
        &self,
        key: &[u8],
        limit: Option<Duration>,
    ) -> Result<BackendLock<V>> {
        let Some((locks, lock_key)) = self.shared.storage.lock_of(key)? else {
            let seen = self.shared.storage.look_closely(key, self.policy.ttl, &self.time).await?;
            return Ok(self.made_meanwhile(None, seen));
        };
        let until = limit.map(|limit| self.time.monotonic().saturating_add(limit));
        let mut wait = SHORTEST_WAIT;
        loop {
            let guard = locks.try_lock(&lock_key).await?;
            let is_own = guard.is_some();
            let seen = self.shared.storage.look_closely(key, self.policy.ttl, &self.time).await?;
            match self.made_meanwhile(guard, seen) {
                BackendLock::Acquired(..) if !is_own => {}
                lock => return Ok(lock),
            }
            if until.is_some_and(|until| self.time.monotonic() >= until) {
                return Ok(BackendLock::TimedOut);
            }
            // This code computes the value, which was removed meanwhile: it still holds the lock.
            self.check_reentrance(key)?;
            self.pause(wait).await;
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    /// Takes the lock of a key, if it is free; `Some(None)` if there is no lock to take.
    pub(super) async fn try_lock(&self, key: &[u8]) -> Result<Option<Option<Guard>>> {
        match self.shared.storage.lock_of(key)? {
            None => Ok(Some(None)),
            Some((locks, lock_key)) => Ok(locks.try_lock(&lock_key).await?.map(Some)),
        }
    }

    fn made_meanwhile(&self, guard: Option<Guard>, seen: Lookup<V>) -> BackendLock<V> {
        match (self.freshness(&seen), seen) {
            (Freshness::Fresh, Lookup { slot: Some(slot), .. }) => BackendLock::Found(slot.value),
            (_, seen) => BackendLock::Acquired(guard, seen),
        }
    }

    /// Runs a loader as code that computes these keys. Its panic is noted as a failure and then resumed.
    pub(super) async fn watched<T>(
        &self,
        keys: impl IntoIterator<Item = FlightKey>,
        span: Option<Span>,
        loader: impl Future<Output = T>,
    ) -> thread::Result<T> {
        let loading = Loading::new(self.shared.flights.id(), keys);
        let mut loader = pin!(loader);
        poll_fn(|context| {
            // State that the panic leaves inconsistent belongs to the caller, which receives the panic.
            let poll = AssertUnwindSafe(|| match &span {
                Some(span) => span.in_scope(|| loader.as_mut().poll(context)),
                None => loader.as_mut().poll(context),
            });
            match run_within(Some(&loading), || catch_unwind(poll)) {
                Ok(Poll::Ready(made)) => Poll::Ready(Ok(made)),
                Ok(Poll::Pending) => Poll::Pending,
                Err(panic) => Poll::Ready(Err(panic)),
            }
        })
        .await
    }
}

//! [`Engine`]: what [`Cache`](super::Cache) and [`AsyncCache`](super::AsyncCache) have in common, which is
//! everything except their public interfaces.
//!
//! Operations that may wait are `async fn`s. A cache for threads polls them once, with
//! [`finish`](crate::world::finish), and a cache for tasks awaits them. A hit in memory needs neither: it
//! is [`fresh`](Engine::fresh), a plain function.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::failure::{Failure, Failures};
use super::flight::{Completion, Flights, Refreshes, Waiter};
use super::freshness::{Freshness, InvalidationScope, Lookup, Slot, Time};
use super::memory_options::MemoryOptions;
use super::policy::{Begun, CacheEntry, OnStoreFailure, Policy, random_unit};
use super::stats::{Outage, Recorder};
use super::storage::{LocalTier, Memory, Place, Remote, Storage};
#[cfg(feature = "python")]
use super::storage::{Python, Terms};
use crate::backend::AnyBackend;
use crate::codec::Codec;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Precondition;
use crate::world::{World, finish};

/// A handle to a cache: its values, and the rules of this handle.
pub(super) struct Engine<V> {
    pub(super) shared: Arc<Shared<V>>,
    pub(super) policy: Policy,
    pub(super) time: Time,
    /// The kind of program that waits.
    pub(super) world: World,
}

/// What all handles to a cache share.
pub(super) struct Shared<V> {
    pub(super) storage: Storage<V>,
    pub(super) flights: Flights<V, Failure>,
    pub(super) failures: Failures,
    pub(super) refreshes: Refreshes,
    pub(super) recorder: Recorder,
    /// The longest time for which a handle to this cache may return expired values: microseconds.
    longest_stale: Arc<AtomicU64>,
}

impl<V> Clone for Engine<V> {
    fn clone(&self) -> Engine<V> {
        Engine {
            shared: Arc::clone(&self.shared),
            policy: self.policy.clone(),
            time: self.time.clone(),
            world: self.world,
        }
    }
}

/// Constructors and options.
impl<V: Clone + Send + Sync + 'static> Engine<V> {
    pub(super) fn in_memory(options: MemoryOptions<V>, world: World) -> Engine<V> {
        Engine::on(Storage::Memory(Memory::new(options)), world)
    }

    pub(super) fn placed(
        backend: AnyBackend,
        name: &str,
        codec: impl Codec<V>,
        place: Place,
    ) -> Engine<V> {
        let world = backend.world();
        let remote = Remote::new(backend, name, Arc::new(codec), place);
        Engine::on(Storage::Remote(Arc::new(remote)), world)
    }

    #[cfg(feature = "python")]
    pub(super) fn shared_with_python(
        backend: AnyBackend,
        name: &str,
        terms: Terms<V>,
    ) -> Engine<V> {
        let world = backend.world();
        Engine::on(Storage::Python(Python::new(backend, name, terms)), world)
    }

    fn on(storage: Storage<V>, world: World) -> Engine<V> {
        let recorder = Recorder::default();
        #[cfg(feature = "metrics")]
        let recorder = match storage.name() {
            Some(name) => recorder.published_as(name),
            None => recorder,
        };
        let shared = Shared {
            storage,
            flights: Flights::new(),
            failures: Failures::default(),
            refreshes: Refreshes::new(),
            recorder,
            longest_stale: Arc::default(),
        };
        Engine { shared: Arc::new(shared), policy: Policy::default(), time: Time::System, world }
    }

    /// Returns the same cache for tasks. It shares everything that this process knows about the cache with
    /// the one for threads.
    #[cfg(feature = "tokio")]
    pub(super) fn for_tasks(self, backend: impl FnOnce(&AnyBackend) -> AnyBackend) -> Engine<V> {
        if self.world == World::Tasks {
            return self;
        }
        let shared = match self.shared.storage.through(backend) {
            None => self.shared,
            Some(storage) => Arc::new(Shared {
                storage,
                flights: self.shared.flights.clone(),
                failures: self.shared.failures.clone(),
                refreshes: self.shared.refreshes.clone(),
                recorder: self.shared.recorder.clone(),
                longest_stale: Arc::clone(&self.shared.longest_stale),
            }),
        };
        Engine { shared, world: World::Tasks, ..self }
    }

    pub(super) fn stale_for(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Some programs do this at each call, and a write would be passed around between the cores.
        if self.shared.longest_stale.load(Ordering::Relaxed) < micros {
            self.shared.longest_stale.fetch_max(micros, Ordering::Relaxed);
        }
        self.policy.stale_for = time;
    }

    pub(super) fn local_tier(self, capacity: usize, time: Duration) -> Engine<V> {
        let behind = match &self.shared.storage {
            Storage::Memory(_) => return self,
            Storage::Remote(remote) => Arc::clone(remote),
            // A cache has one local tier at most: the new one replaces the old one.
            Storage::Tiered(tier) => Arc::clone(&tier.behind),
            // It would not see what Python writes and deletes.
            #[cfg(feature = "python")]
            Storage::Python(_) => return self,
        };
        let tier = LocalTier::new(Memory::new(MemoryOptions::new(capacity)), time, behind);
        let Engine { policy, time, world, .. } = self;
        Engine { policy, time, ..Engine::on(Storage::Tiered(tier), world) }
    }
}

impl<V> Engine<V> {
    /// Shows where the values are stored, but none of the values.
    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.shared.storage {
            Storage::Memory(_) => "in memory",
            Storage::Remote(_) => "in a backend",
            Storage::Tiered(..) => "in a backend, with a local tier",
            #[cfg(feature = "python")]
            Storage::Python(_) => "in a backend, as Python has them",
        };
        f.debug_struct(name).field("kept", &kind).field("policy", &self.policy).finish()
    }
}

/// Lookups.
impl<V: Clone + Send + Sync + 'static> Engine<V> {
    /// Returns a hit in memory, if no other work is needed.
    #[inline]
    pub(super) fn fresh(&self, key: &[u8]) -> Option<V> {
        if self.policy.eagerness > 0.0 {
            return None;
        }
        let fresh = self.shared.storage.fresh(key, &self.time);
        if fresh.is_some() {
            self.shared.recorder.hit();
        }
        fresh
    }

    /// Looks up a key, and removes a value that may not be returned any more.
    pub(super) async fn look(&self, key: &[u8]) -> Result<Lookup<V>> {
        let completions = self.shared.flights.completions();
        let seen = self.shared.storage.look(key, self.policy.ttl, &self.time).await;
        self.shared.recorder.looked(&seen);
        let seen = seen?;
        if let Some(slot) = &seen.slot {
            let longest = self.shared.longest_stale.load(Ordering::Relaxed);
            let longest = self.policy.stale_for.max(Duration::from_micros(longest));
            let now = self.time.recent();
            if slot.age.freshness(now, longest, seen.invalidated) == Freshness::Gone {
                self.shared.storage.discard(key, &slot.age, now);
            }
        }
        self.shared.storage.tell();
        Ok(Lookup { completions, ..seen })
    }

    /// Does the same for many keys.
    pub(super) async fn look_many(&self, keys: &[&[u8]]) -> Result<Vec<Lookup<V>>> {
        let seen = self.shared.storage.look_many(keys, self.policy.ttl, &self.time).await;
        self.shared.recorder.looked(&seen);
        seen
    }

    pub(super) fn freshness(&self, seen: &Lookup<V>) -> Freshness {
        let Some(slot) = &seen.slot else { return Freshness::Gone };
        // A value that never expires needs no clock.
        let now = self.time.recent();
        slot.age.freshness(now, self.policy.stale_for, seen.invalidated)
    }

    /// Decides at random whether to recompute the value before it expires.
    pub(super) fn is_early(&self, seen: &Lookup<V>) -> bool {
        let eagerness = self.policy.eagerness;
        let is_early =
            |slot: &Slot<V>| slot.age.is_early(self.time.now(), eagerness, random_unit());
        eagerness > 0.0 && seen.slot.as_ref().is_some_and(is_early)
    }

    /// Slow path of `get`: the fast lookup missed.
    pub(super) async fn find(&self, key: &[u8]) -> Result<Option<V>> {
        let seen = match self.look(key).await {
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Reading, &error);
                Lookup::nothing(None)
            }
            seen => seen?,
        };
        Ok(self.counted(seen))
    }

    pub(super) async fn find_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<V>>> {
        let seen = match self.look_many(keys).await {
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Reading, &error);
                keys.iter().map(|_| Lookup::nothing(None)).collect()
            }
            seen => seen?,
        };
        Ok(seen.into_iter().map(|seen| self.counted(seen)).collect())
    }

    /// Counts a hit and returns the value if it is fresh; counts a miss otherwise.
    fn counted(&self, seen: Lookup<V>) -> Option<V> {
        let fresh = self.freshness(&seen) == Freshness::Fresh;
        let found = seen.slot.filter(|_| fresh).map(|slot| slot.value);
        match found {
            Some(_) => self.shared.recorder.hit(),
            None => self.shared.recorder.miss(),
        }
        found
    }

    pub(super) async fn peek(&self, key: &[u8]) -> Result<Option<(V, Duration)>> {
        let seen = self.look(key).await?;
        let is_there = self.freshness(&seen) != Freshness::Gone;
        let slot = seen.slot.filter(|_| is_there);
        Ok(slot.map(|slot| (slot.value, self.time.now().since(slot.age.made_at))))
    }

    pub(super) async fn contains(&self, key: &[u8]) -> Result<bool> {
        Ok(self.freshness(&self.look(key).await?) == Freshness::Fresh)
    }

    /// Returns whether to continue without the store after this error.
    pub(super) fn bypasses(&self, error: &Error) -> bool {
        self.policy.on_store_failure == OnStoreFailure::Bypass
            && matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Storage)
    }
}

/// Writing, removing and invalidating. A loader that is running meanwhile cannot undo any of these.
impl<V: Clone + Send + Sync + 'static> Engine<V> {
    pub(super) async fn put(&self, key: &[u8], made: CacheEntry<V>) -> Result<()> {
        let storage = &self.shared.storage;
        self.shared.failures.forget(key);
        self.before_flights(key, async {
            let now = self.time.now();
            let begun = Begun { origin: storage.origin(None, &self.time).await?, at: now };
            let age = self.policy.age(begun, now, Duration::ZERO, made.ttl, made.tags);
            let ttl = self.policy.store_ttl(&age, now);
            let slot = Slot { value: made.value, age };
            storage.keep(key, slot, ttl, Precondition::Always, &self.time).await.map(drop)
        })
        .await
    }

    pub(super) async fn remove(&self, key: &[u8]) -> Result<bool> {
        if let Some(memory) = self.shared.storage.memory() {
            self.shared.failures.forget(key);
            // No other call removes it in between, so exactly one caller is told that it was there.
            let was_there = self.shared.flights.cancel_while(key, || {
                let seen = memory.look(key, self.time.recent());
                memory.remove(key);
                self.freshness(&seen) != Freshness::Gone
            });
            memory.tell();
            return Ok(was_there);
        }
        let was_there = match self.peek(key).await {
            // Something is there that nobody here can read. This is how to get rid of it.
            Err(error) if error.kind() == ErrorKind::Codec => true,
            seen => seen?.is_some(),
        };
        self.shared.failures.forget(key);
        let removed = self.shared.storage.remove(key, self.time.now());
        self.before_flights(key, removed).await?;
        Ok(was_there)
    }

    pub(super) async fn clear(&self) -> Result<()> {
        self.before_all_flights(self.shared.storage.clear(&self.time)).await
    }

    pub(super) async fn invalidate(&self) -> Result<()> {
        let invalidated = self.shared.storage.invalidate(InvalidationScope::All, &self.time);
        self.before_all_flights(invalidated).await
    }

    pub(super) async fn invalidate_softly(&self) -> Result<()> {
        self.shared.storage.invalidate(InvalidationScope::Softly, &self.time).await
    }

    pub(super) async fn invalidate_tag(&self, tag: &str) -> Result<()> {
        if tag.is_empty() {
            return Err(Error::config("a tag has a name; `invalidate` is for the whole cache"));
        }
        let _outdated = OnDrop(|| self.shared.flights.outdate_all());
        self.shared.storage.invalidate(InvalidationScope::Tag(tag), &self.time).await
    }

    /// Performs an operation on a key so that it wins over a loader that is running meanwhile. In memory,
    /// no flight can begin during the operation. Over a network, that would block all callers and is not
    /// needed, because there a result is stored only if the key has not changed.
    async fn before_flights<T>(
        &self,
        key: &[u8],
        act: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let flights = &self.shared.flights;
        if let Some(memory) = self.shared.storage.memory() {
            let done = flights.cancel_while(key, || finish(act));
            memory.tell();
            return done;
        }
        flights.cancel(key);
        // A loader that began in between may have read the value of before. This also happens if the task
        // is dropped, because the operation may take effect nevertheless.
        let _cancelled = OnDrop(|| flights.cancel(key));
        act.await
    }

    async fn before_all_flights(&self, act: impl Future<Output = Result<()>>) -> Result<()> {
        if let Some(memory) = self.shared.storage.memory() {
            self.shared.failures.forget_all();
            let done = self.shared.flights.cancel_all_while(|| finish(act));
            memory.tell();
            return done;
        }
        self.cancel_all();
        let _cancelled = OnDrop(|| self.cancel_all());
        act.await
    }

    /// Cancels all flights: their results are not kept, and later calls do not wait for them.
    pub(super) fn cancel_all(&self) {
        self.shared.flights.cancel_all();
        self.shared.failures.forget_all();
    }
}

/// Waiting.
impl<V: Clone + Send + Sync + 'static> Engine<V> {
    /// Waits for a flight, within the limit.
    pub(super) async fn wait(
        &self,
        waiter: Waiter<V, Failure>,
        limit: Option<Duration>,
    ) -> Completion<V, Failure> {
        match self.world {
            World::Threads => waiter.wait(limit),
            #[cfg(feature = "tokio")]
            World::Tasks => match limit {
                None => waiter.ended().await,
                Some(limit) => {
                    let ended = crate::world::timeout(limit, waiter.ended()).await;
                    ended.unwrap_or(Completion::TimedOut)
                }
            },
        }
    }

    /// Pauses between two tries.
    pub(super) async fn pause(&self, time: Duration) {
        match self.world {
            World::Threads => self.time.sleep(time),
            #[cfg(feature = "tokio")]
            World::Tasks => self.world.sleep(time).await,
        }
    }
}

/// Runs a function at the end of a block, however it ends.
pub(super) struct OnDrop<F: FnMut()>(pub(super) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

//! [`AsyncCache`]: a cache for asynchronous programs.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::api::Cache;
use super::arguments::{KeyPart, WholeKey};
use super::engine::Engine;
use super::failure::{LoaderError, Plain};
use super::find::{Load, Step};
use super::freshness::Time;
use super::memory_options::MemoryOptions;
use super::policy::{CacheEntry, Executor, OnStoreFailure, OnTimeout};
use super::reentrance::inherited;
use super::stats::{Stats, in_this_span};
use super::storage::Place;
use crate::backend::{AnyBackend, AsyncBackend, Backend};
use crate::clock::Clock;
use crate::codec::{Bincode, Codec};
use crate::error::{Error, Result};
use crate::lock::AnyLocks;
use crate::off_thread::{OffThread, joined};
use crate::store::AnyStore;
use crate::world::World;

/// Stores values by key and computes missing values with a loader, in asynchronous programs on tokio
/// (feature `tokio`). A clone is a handle to the same cache and may have other options.
///
/// ```
/// use std::time::Duration;
/// use beaker::cache::AsyncCache;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let cache = AsyncCache::in_memory(10_000).ttl(Duration::from_secs(60));
/// let points = cache.get_or_create("Kimi", || async { 25 + 18 + 15 }).await?;
/// assert_eq!(points, 58);
/// cache.remove("Kimi").await?;
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
///
/// An `AsyncCache` has the same guarantees as a [`Cache`]. When several calls miss the same key, in this
/// process or in others, one of them computes the value. A stale value is returned at once, and a removal
/// wins over a loader that is running meanwhile. A hit in memory returns without asking the store.
///
/// **Each loader runs as a task of its own.** Neither the loader nor the calls that wait for it block a
/// thread, so thousands of loaders may ask for each other's values on a runtime with two threads. A loader
/// runs to its end even if the call that started it is dropped, because other calls may be waiting for its
/// result. A call can be dropped at any time while it waits.
///
/// # Panics
///
/// A call that has to compute a value panics outside a tokio runtime. On a runtime without `enable_time`, a
/// call panics if it has to wait for another process or for a limited time.
#[must_use]
pub struct AsyncCache<V> {
    pub(super) engine: Engine<V>,
}

/// Constructors.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Opens a cache in the memory of this process, like [`Cache::in_memory`]. Values are stored as they
    /// are, without a codec.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache = AsyncCache::in_memory(10_000);
    /// assert_eq!(cache.get_or_create("Kimi", || async { 110 }).await?, 110);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("max_capacity", "builder"))]
    pub fn in_memory(capacity: usize) -> AsyncCache<V> {
        AsyncCache { engine: Engine::in_memory(MemoryOptions::new(capacity), World::Tasks) }
    }

    /// Opens a cache in a backend, like [`Cache::new`]. The name separates its values from those of other
    /// caches in that backend.
    ///
    /// A blocking backend is called on tokio's threads wherever it may wait, on a limited number of them:
    /// see [`OnThreads`](crate::store::OnThreads). Caches share that limit if they are opened with clones
    /// of one [`AsyncBackend`].
    ///
    /// ```
    /// use beaker::{AsyncBackend, Backend};
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let backend = AsyncBackend::from(Backend::memory());
    /// let points: AsyncCache<u32> = AsyncCache::open(backend, "points");
    /// points.put("Kimi", 110_u32).await?;
    /// assert_eq!(points.get("Kimi").await?, Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn open(backend: impl Into<AsyncBackend>, name: &str) -> AsyncCache<V>
    where
        V: Serialize + DeserializeOwned,
    {
        AsyncCache::open_with_codec(backend, name, Bincode)
    }

    /// Opens a cache in a backend, like [`open`](AsyncCache::open), but with another codec than bincode.
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::AsyncCache;
    /// use beaker::codec::Json;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<u32> = AsyncCache::open_with_codec(AsyncBackend::memory(), "points", Json);
    /// cache.put("Kimi", 110_u32).await?;
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn open_with_codec(
        backend: impl Into<AsyncBackend>,
        name: &str,
        codec: impl Codec<V>,
    ) -> AsyncCache<V> {
        let backend = backend.into().0;
        AsyncCache { engine: Engine::placed(backend, name, codec, Place::default()) }
    }

    /// Creates a handle for tasks to the cache of a blocking program. Both handles refer to the same cache:
    /// they share its values, running loaders, remembered failures and statistics.
    ///
    /// If the cache has a backend, that backend is called on a limited number of threads, as described at
    /// [`open`](AsyncCache::open).
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let blocking = Cache::in_memory(10_000);
    /// let cache = AsyncCache::new(blocking.clone());
    /// cache.put("Kimi", 110).await?;
    /// assert_eq!(blocking.get("Kimi")?, Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn new(cache: Cache<V>) -> AsyncCache<V> {
        AsyncCache { engine: cache.engine.for_tasks(for_tasks) }
    }
}

/// Options. Each one applies to this handle only; other handles to the same cache keep theirs.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Sets the time to live: how long a value is fresh after it is written, like [`Cache::ttl`]. Default:
    /// forever.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::AsyncCache;
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).ttl(Duration::from_secs(60));
    /// ```
    #[doc(alias("expire", "time_to_live", "expiration_time", "expire_after_write"))]
    pub fn ttl(mut self, time: Duration) -> AsyncCache<V> {
        self.engine.policy.ttl = Some(time);
        self
    }

    /// Sets for how long after it expires a value may still be returned, like [`Cache::stale_for`].
    /// Default: zero.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::AsyncCache;
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).ttl(Duration::from_secs(60));
    /// let cache = cache.stale_for(Duration::from_secs(600));
    /// ```
    #[doc(alias("stale_while_revalidate"))]
    pub fn stale_for(mut self, time: Duration) -> AsyncCache<V> {
        self.engine.stale_for(time);
        self
    }

    /// Shortens the time to live of each value by a random part of it, up to `part` (0 to 1), like
    /// [`Cache::jitter`]. Default: 0.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::AsyncCache;
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).ttl(Duration::from_secs(60)).jitter(0.1);
    /// ```
    pub fn jitter(mut self, part: f64) -> AsyncCache<V> {
        self.engine.policy.set_jitter(part);
        self
    }

    /// Recomputes values before they expire, at random, like [`Cache::refresh_early`]. Default: 0, which
    /// never recomputes early.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::AsyncCache;
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).ttl(Duration::from_secs(60)).refresh_early(1.0);
    /// ```
    pub fn refresh_early(mut self, eagerness: f64) -> AsyncCache<V> {
        self.engine.policy.set_eagerness(eagerness);
        self
    }

    /// Sets how long a failure of a loader is remembered, like [`Cache::error_ttl`]. Default: 100
    /// milliseconds. With zero, failures are not remembered.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::AsyncCache;
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).error_ttl(Duration::from_secs(5));
    /// ```
    #[doc(alias("back_off"))]
    pub fn error_ttl(mut self, time: Duration) -> AsyncCache<V> {
        self.engine.policy.error_ttl = time;
        self
    }

    /// Limits how long a call waits for another call that computes the value, and sets what happens after
    /// that, like [`Cache::wait_timeout`]. Default: no limit, the call waits until the computation ends.
    ///
    /// The tokio runtime must have its timer enabled (`enable_time`).
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::{AsyncCache, OnTimeout};
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10)
    ///     .wait_timeout(Duration::from_millis(200), OnTimeout::Create);
    /// ```
    #[doc(alias("lock_timeout"))]
    pub fn wait_timeout(mut self, time: Duration, then: OnTimeout) -> AsyncCache<V> {
        self.engine.policy.wait_timeout = Some(time);
        self.engine.policy.on_timeout = then;
        self
    }

    /// Sets whether a stale value is returned instead of the error when the loader fails, like
    /// [`Cache::stale_on_failure`]. Default: `true`.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).stale_on_failure(false);
    /// ```
    pub fn stale_on_failure(mut self, stale: bool) -> AsyncCache<V> {
        self.engine.policy.stale_on_failure = stale;
        self
    }

    /// Sets what a call does when the store fails, like [`Cache::on_store_failure`]. Default:
    /// [`OnStoreFailure::Fail`].
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{AsyncCache, OnStoreFailure};
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::open(AsyncBackend::memory(), "points");
    /// let cache = cache.on_store_failure(OnStoreFailure::Bypass);
    /// ```
    #[doc(alias("fail_open", "ignore_exceptions"))]
    pub fn on_store_failure(mut self, then: OnStoreFailure) -> AsyncCache<V> {
        self.engine.policy.on_store_failure = then;
        self
    }

    /// Sets the executor that starts the background loaders of
    /// [`get_or_refresh`](AsyncCache::get_or_refresh). Default: each starts at once, and at most 64 run at
    /// a time.
    ///
    /// The work that the executor receives starts a task and returns at once. A busy executor may drop the
    /// work: the value then stays stale, and the next call tries again.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::cache::{AsyncCache, Executor};
    ///
    /// let at_once: Executor = Arc::new(|work| work());
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).executor(at_once);
    /// ```
    #[doc(alias("async_creation_runner", "run_in"))]
    pub fn executor(mut self, executor: Executor) -> AsyncCache<V> {
        self.engine.policy.executor = Some(executor);
        self
    }

    /// Sets the clock that decides when values expire. Default: the system clock. Waiting times always
    /// follow tokio's clock.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::ManualClock;
    /// use beaker::cache::AsyncCache;
    ///
    /// let clock = Arc::new(ManualClock::default());
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10).clock(clock);
    /// ```
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> AsyncCache<V> {
        self.engine.time = Time::Of(clock);
        self
    }

    /// Adds a local tier, like [`Cache::local_tier`]: memory of this process in front of the store. It
    /// holds at most `capacity` values and uses each of them for `time`. A cache in memory is returned
    /// unchanged.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::AsyncBackend;
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<u32> = AsyncCache::open(AsyncBackend::memory(), "points");
    /// let cache = cache.local_tier(1_000, Duration::from_secs(1));
    /// cache.put("Kimi", 110_u32).await?;
    /// assert_eq!(cache.get("Kimi").await?, Some(110), "a hit in the local tier");
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("in a backend, with a local tier", "l1"))]
    pub fn local_tier(self, capacity: usize, time: Duration) -> AsyncCache<V> {
        AsyncCache { engine: self.engine.local_tier(capacity, time) }
    }
}

/// Reading and computing values.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Returns the value of a key if it is fresh, or `None` if it is missing or has expired.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// assert_eq!(cache.get("Kimi").await?, None);
    /// cache.put("Kimi", 110).await?;
    /// assert_eq!(cache.get("Kimi").await?, Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("get_if_present"))]
    pub async fn get(&self, key: impl KeyPart) -> Result<Option<V>> {
        let key = WholeKey::of(&key);
        if let Some(value) = self.fresh(key.as_ref()) {
            return Ok(Some(value));
        }
        self.engine.find(key.as_ref()).await
    }

    /// Returns the value if it is fresh in the memory of this process, so that nothing is waited for.
    #[inline]
    pub(crate) fn fresh(&self, key: &[u8]) -> Option<V> {
        let engine = &self.engine;
        let fresh = engine.shared.storage.fresh(key, &engine.time);
        if fresh.is_some() {
            engine.shared.recorder.hit();
        }
        fresh
    }

    /// Returns the value of a key, and computes it with the loader `create` if there is no fresh one, like
    /// [`Cache::get_or_create`].
    ///
    /// The loader's future runs as a task of its own. It runs to its end even if this call is dropped, and
    /// neither the loader nor the calls that wait for it block a thread.
    ///
    /// # Errors
    ///
    /// - Any error of the store.
    /// - `ErrorKind::WouldDeadlock` if the loader awaits its own key. This cannot be detected if the loader
    ///   does so in another task, or through a cache of the same name that was opened separately: it then
    ///   waits forever, or until the [`wait_timeout`](AsyncCache::wait_timeout) passes.
    /// - `ErrorKind::Creation` if the loader of another call failed, either while this call waited for it
    ///   or [recently](AsyncCache::error_ttl).
    /// - `ErrorKind::Unavailable` if the wait timeout has passed, or if the runtime is shutting down.
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// assert_eq!(cache.get_or_create("Kimi", || async { 25 + 18 + 15 }).await?, 58);
    /// let never = || async { unreachable!("the value is cached") };
    /// assert_eq!(cache.get_or_create::<i32, _>("Kimi", never).await?, 58);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("get_with", "get_or_insert_with"))]
    pub async fn get_or_create<M, F>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V>
    where
        M: Into<CacheEntry<V>>,
        F: Future<Output = M> + Send + 'static,
    {
        let create = || async { Ok::<M, Error>(create().await) };
        self.try_get_or_create(key, create).await
    }

    /// Returns the value of a key, like [`get_or_create`](AsyncCache::get_or_create), with a loader that
    /// may fail. A failure is treated as described at [`Cache::try_get_or_create`].
    ///
    /// # Errors
    ///
    /// Returns the loader's own error, or an error of [`get_or_create`](AsyncCache::get_or_create).
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// let create = || async { Ok::<i32, beaker::Error>(110) };
    /// assert_eq!(cache.try_get_or_create("Kimi", create).await?, 110);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("try_get_with", "try_get_or_insert_with"))]
    pub async fn try_get_or_create<M, E, F>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>> + Send + 'static,
    {
        let key = WholeKey::of(&key);
        let key = key.as_ref();
        if let Some(value) = self.engine.fresh(key) {
            return Ok(value);
        }
        // Boxed, so that the future of a hit, which does not need this part, stays small.
        Box::pin(async {
            match self.engine.find_or_lead(key).await? {
                Step::Found(value) | Step::Stale(value, _) => Ok(value),
                Step::Load(load) => {
                    let create = || async { create().await.map_err(Plain) };
                    self.load(load, create).await.map_err(|Plain(error)| error)
                }
            }
        })
        .await
    }

    /// Returns the value of a key, like [`try_get_or_create`](AsyncCache::try_get_or_create), but never
    /// makes a call wait while there is a stale value: every call returns it at once, and the new value is
    /// computed in the background (stale-while-revalidate).
    ///
    /// The background loader runs as a task, at most 64 at a time, or is started by the
    /// [`executor`](AsyncCache::executor) if one is set. A missing value is computed by the call itself.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_get_or_create`](AsyncCache::try_get_or_create). A failure in the
    /// background is counted in [`Stats::failures`], and no call returns it.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// let create = || async { Ok::<i32, beaker::Error>(110) };
    /// assert_eq!(cache.get_or_refresh("Kimi", create).await?, 110);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get_or_refresh<M, E, F>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>> + Send + 'static,
    {
        let key = WholeKey::of(&key);
        let key = key.as_ref();
        if let Some(value) = self.engine.fresh(key) {
            return Ok(value);
        }
        match self.engine.find_or_refresh(key).await? {
            Step::Found(value) => Ok(value),
            Step::Stale(value, refresh) => {
                if let Some(refresh) = refresh {
                    let (engine, runtime) = (self.engine.clone(), Handle::current());
                    let create = || async { create().await.map_err(Plain) };
                    let work = async move { engine.refresh(refresh, loader(create)).await };
                    let work = in_this_span(work);
                    let begin = move || drop(runtime.spawn(work));
                    match &self.engine.policy.executor {
                        Some(executor) => executor(Box::new(begin)),
                        None => begin(),
                    }
                }
                Ok(value)
            }
            Step::Load(load) => {
                let create = || async { create().await.map_err(Plain) };
                self.load(load, create).await.map_err(|Plain(error)| error)
            }
        }
    }

    /// Returns the value of a key, fresh or stale, and its age: the time since its computation began. The
    /// statistics do not count this lookup.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// assert_eq!(cache.peek("Kimi").await?.map(|(points, _)| points), Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn peek(&self, key: impl KeyPart) -> Result<Option<(V, Duration)>> {
        self.engine.peek(WholeKey::of(&key).as_ref()).await
    }

    /// Returns whether the key has a fresh value. The statistics do not count this lookup.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// assert!(cache.contains("Kimi").await? && !cache.contains("Felipe").await?);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("contains_key"))]
    pub async fn contains(&self, key: impl KeyPart) -> Result<bool> {
        self.engine.contains(WholeKey::of(&key).as_ref()).await
    }

    /// Returns the statistics of this cache in this process: hits, misses, computations, waits and more.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.get_or_create("Kimi", || async { 110 }).await?;
    /// assert_eq!(cache.stats().creations, 1);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("cache_info", "metrics", "numbers"))]
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine.shared.recorder.read()
    }

    /// Returns how many stored values were unreadable and therefore counted as missing: because they were
    /// damaged, or because another codec or type had written them.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// assert_eq!(cache.damaged(), 0);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.engine.shared.storage.damaged()
    }

    /// Runs the loader in a task.
    pub(super) fn load<M, E, F>(
        &self,
        load: Load<V>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> OffThread<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: LoaderError + Send + 'static,
        F: Future<Output = Result<M, E>> + Send + 'static,
    {
        let engine = self.engine.clone();
        to_its_end(async move { engine.load(load, loader(create)).await })
    }
}

/// Writing, removing and invalidating. A loader that is running meanwhile cannot undo any of these.
///
/// If a call is dropped before it ends, its change is either made completely or not at all.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Stores a value: a plain one, or a [`CacheEntry`] to set its time to live or tags. A loader that is
    /// running meanwhile does not overwrite the value.
    ///
    /// # Errors
    ///
    /// Returns any error of the codec or the store.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, CacheEntry};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// cache.put("Felipe", CacheEntry::new(94).tag("season 2007")).await?;
    /// assert_eq!(cache.get("Felipe").await?, Some(94));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("insert", "set"))]
    pub async fn put(&self, key: impl KeyPart, value: impl Into<CacheEntry<V>>) -> Result<()> {
        let value = value.into();
        self.engine.put(WholeKey::of(&key).as_ref(), value).await
    }

    /// Removes a key, and returns whether it had a value, fresh or stale. The result of a loader that is
    /// running for the key is not kept.
    ///
    /// In memory, if several callers remove the same value at the same time, exactly one of them gets
    /// `true`. In a store, the value is looked up before it is removed, so several may get `true`; use
    /// [`take`](AsyncCache::take) to hand a value to exactly one caller.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// assert!(cache.remove("Kimi").await?);
    /// assert!(!cache.remove("Kimi").await?);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("invalidate_key", "delete"))]
    pub async fn remove(&self, key: impl KeyPart) -> Result<bool> {
        self.engine.remove(WholeKey::of(&key).as_ref()).await
    }

    /// Removes all values of this cache, and of no other cache. The results of running loaders are not
    /// kept.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// cache.clear().await?;
    /// assert_eq!(cache.get("Kimi").await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("remove_all"))]
    pub async fn clear(&self) -> Result<()> {
        self.engine.clear().await
    }

    /// Invalidates all values, like [`Cache::invalidate`]: those computed so far, and the results of
    /// loaders that are running now, count as missing.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// cache.invalidate().await?;
    /// assert_eq!(cache.get("Kimi").await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("invalidate_all"))]
    pub async fn invalidate(&self) -> Result<()> {
        self.engine.invalidate().await
    }

    /// Invalidates all values softly: those computed so far count as stale, so that they are still returned
    /// while a new value is computed.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// cache.invalidate_softly().await?;
    /// assert_eq!(cache.get("Kimi").await?, None, "the value is stale");
    /// assert_eq!(cache.peek("Kimi").await?.map(|(points, _)| points), Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("soft_invalidate"))]
    pub async fn invalidate_softly(&self) -> Result<()> {
        self.engine.invalidate_softly().await
    }

    /// Invalidates all values that have this [tag](CacheEntry::tag), like [`Cache::invalidate_tag`].
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the tag is empty, or any error of the store.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, CacheEntry};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", CacheEntry::new(110).tag("season 2007")).await?;
    /// cache.invalidate_tag("season 2007").await?;
    /// assert_eq!(cache.get("Kimi").await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("invalidate_entries_if", "delete_by_tag"))]
    pub async fn invalidate_tag(&self, tag: &str) -> Result<()> {
        self.engine.invalidate_tag(tag).await
    }
}

impl<V> Clone for AsyncCache<V> {
    fn clone(&self) -> AsyncCache<V> {
        AsyncCache { engine: self.engine.clone() }
    }
}

/// Creates a handle for tasks to the same cache, like [`AsyncCache::new`].
impl<V: Clone + Send + Sync + 'static> From<Cache<V>> for AsyncCache<V> {
    fn from(cache: Cache<V>) -> AsyncCache<V> {
        AsyncCache::new(cache)
    }
}

/// Shows where the values are stored, but none of the values.
impl<V> fmt::Debug for AsyncCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.show("AsyncCache", f)
    }
}

/// Turns the future of an asynchronous function into a loader.
async fn loader<V, M, E, F>(create: impl FnOnce() -> F) -> Result<CacheEntry<V>, E>
where
    M: Into<CacheEntry<V>>,
    F: Future<Output = Result<M, E>>,
{
    create().await.map(Into::into)
}

/// Does the work of a leader in a task of its own, which continues even if this future is dropped.
pub(super) fn to_its_end<T, E>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> OffThread<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    let task = tokio::spawn(inherited(in_this_span(work)));
    joined("could not make a value for the cache", task)
}

/// Puts a blocking backend on threads; leaves an asynchronous one unchanged.
pub(super) fn for_tasks(backend: &AnyBackend) -> AnyBackend {
    match (&backend.store, &backend.locks) {
        (AnyStore::Blocking(store), AnyLocks::Blocking(locks)) => {
            let (store, locks) = (Arc::clone(store), Arc::clone(locks));
            AsyncBackend::from(Backend { store, locks }).0
        }
        _ => backend.clone(),
    }
}

//! [`AsyncCache`]: a cache for tasks.

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

/// Keeps values by key, and makes those that are missing, for asynchronous programs on tokio (feature
/// `tokio`). A clone is the same cache, and may have other options.
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
/// What holds for a [`Cache`] holds here: of all who miss, in this process or in others, one makes the
/// value; a stale one is given at once; a removal wins over a loader that runs at the time. A hit in memory
/// is given at once, without a look at the store.
///
/// **A loader is a task of its own.** Neither it nor those who wait for it hold a thread, so thousands of
/// loaders may ask for each other's values on a runtime of two threads. It goes on to its end if the one
/// who asked is gone: those who wait get what it gives. A call that is dropped while it waits leaves nothing
/// behind.
///
/// # Panics
///
/// Where no runtime of tokio runs, what has to make a value panics; so does, on a runtime without
/// `enable_time`, what has to wait for another process or for a limited time.
#[must_use]
pub struct AsyncCache<V> {
    pub(super) engine: Engine<V>,
}

/// Opening a cache.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Opens a cache in the memory of this process, with values as they are, as [`Cache::in_memory`].
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

    /// Opens a cache in a backend, under a name that keeps its values apart from those of other caches, as
    /// [`Cache::new`].
    ///
    /// A blocking backend is asked on tokio's threads for what may wait, of which it takes a bounded number:
    /// see [`OnThreads`](crate::store::OnThreads). Several caches share that bound if they are given clones of
    /// one [`AsyncBackend`].
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

    /// Opens a cache in a backend, as [`open`](AsyncCache::open), with another codec than bincode.
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

    /// Takes a cache of a blocking program for tasks. Both are the same cache: they share their values,
    /// flights, failures and numbers.
    ///
    /// Where the cache has a backend, that is asked on a bounded number of threads, as with
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

/// The options, each for one handle: the same values, by other rules.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Sets how long a value is fresh, from when it is written, as [`Cache::ttl`]. Default: for ever.
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

    /// Sets for how long after its expiry a value may still be given, as [`Cache::stale_for`]. Default: zero.
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

    /// Lets values expire sooner by chance, by up to this part (0 to 1) of their time to live, as
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

    /// Makes a value anew before it expires, by chance, as [`Cache::refresh_early`]. Default: 0, which is
    /// never.
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

    /// Sets for how long a failure of a loader is remembered, as [`Cache::error_ttl`]. Default: 100
    /// milliseconds; zero remembers nothing.
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

    /// Limits how long a call waits for a value that another call makes, and says what it does then, as
    /// [`Cache::wait_timeout`]. Default: a call waits until the other one has ended.
    ///
    /// The runtime needs its time enabled for this.
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

    /// Sets whether a stale value is given when the loader fails, in place of its error, as
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

    /// Sets what a call does when the store fails, as [`Cache::on_store_failure`]. Default:
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

    /// Sets what begins the background work of [`get_or_refresh`](AsyncCache::get_or_refresh). Default: it
    /// begins at once, and 64 loaders run at most at the same time.
    ///
    /// What the executor is given starts a task, and returns at once. An executor that has enough to do may
    /// drop it: the value stays stale, and the next call tries again.
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

    /// Sets the clock by which values age. Default: the system's. Waits go by tokio's.
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

    /// Puts memory of this process in front of the store, as [`Cache::local_tier`]: `capacity` values at
    /// most, each believed for `time`. A cache in memory stays as it is.
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
    /// assert_eq!(cache.get("Kimi").await?, Some(110), "from the memory");
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("in a backend, with a local tier", "l1"))]
    pub fn local_tier(self, capacity: usize, time: Duration) -> AsyncCache<V> {
        AsyncCache { engine: self.engine.local_tier(capacity, time) }
    }
}

/// Asking for values.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Returns the fresh value of a key, or `None` if there is none or it has expired.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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
        let (key, engine) = (WholeKey::of(&key), &self.engine);
        if let Some(value) = engine.shared.storage.fresh(key.as_ref(), &engine.time) {
            engine.shared.recorder.hit();
            return Ok(Some(value));
        }
        engine.find(key.as_ref()).await
    }

    /// Returns the value of a key, and makes it with the function if there is no fresh one, as
    /// [`Cache::get_or_create`].
    ///
    /// The function's future is a task of its own: it goes on to its end also if this call is dropped, and
    /// neither it nor those who wait for it hold a thread.
    ///
    /// # Errors
    ///
    /// What the store fails with; `ErrorKind::WouldDeadlock` if the function awaits its own key. (If it
    /// does so in another task, or through a cache of the same name that was opened apart, it waits for
    /// ever, or as long as a [`wait_timeout`](AsyncCache::wait_timeout) allows.) `ErrorKind::Creation` if the function of another call failed while this one waited for it, or
    /// [lately](AsyncCache::error_ttl); `ErrorKind::Unavailable` after a wait that was too long, and while the
    /// runtime shuts down.
    ///
    /// # Panics
    ///
    /// Where the function panics.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// assert_eq!(cache.get_or_create("Kimi", || async { 25 + 18 + 15 }).await?, 58);
    /// let never = || async { unreachable!("it is there") };
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

    /// Returns the value of a key, as [`get_or_create`](AsyncCache::get_or_create), with a function that
    /// may fail. What becomes of a failure is as with [`Cache::try_get_or_create`].
    ///
    /// # Errors
    ///
    /// The function's own, and those of [`get_or_create`](AsyncCache::get_or_create).
    ///
    /// # Panics
    ///
    /// Where the function panics.
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
        // In a box, so that a hit, which needs none of it, is a small future.
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

    /// Returns the value of a key, as [`try_get_or_create`](AsyncCache::try_get_or_create); but a stale
    /// value is given at once, and a new one is made in the background, by a task, of 64 at most, or where
    /// the [`executor`](AsyncCache::executor) says. What is missing is made in this call.
    ///
    /// # Errors
    ///
    /// Those of [`try_get_or_create`](AsyncCache::try_get_or_create). A failure in the background is counted
    /// in [`Stats::failures`], and reaches nobody.
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

    /// Returns the value of a key also if it is stale, with the time since its making began. Not counted
    /// as a look.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Returns whether there is a fresh value. Not counted as a look.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Returns what the cache has done so far in this process: hits, misses, creations, waits and more.
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

    /// Returns how often something stored was damaged, or of another codec or type, and counted as
    /// missing.
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

    /// Has a task do what is to be loaded.
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

/// Writing, removing and invalidating. Each of these wins over a loader that runs at the time.
///
/// A call that is dropped before it has ended is done or is not done; nobody waits for it.
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Keeps a value: a plain one, or a [`CacheEntry`] with a time to live or tags of its own. A loader that
    /// runs at the time does not overwrite it.
    ///
    /// # Errors
    ///
    /// What the codec and the store fail with.
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

    /// Removes a key, and returns whether it had a value, fresh or stale. What is being made for it is not
    /// kept.
    ///
    /// In memory, of several who remove a value at the same time one is told that it was there. In a store
    /// it is looked for before, so all of them may be; [`take`](AsyncCache::take) gives it to one.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Removes everything of this cache, and nothing of any other. What is being made is not kept.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Invalidates all values, as [`Cache::invalidate`]: what was made until now, or is being made, counts as
    /// gone.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Invalidates all values softly: what was made until now counts as stale, and is given while a new one
    /// is made.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// cache.invalidate_softly().await?;
    /// assert_eq!(cache.get("Kimi").await?, None, "none that is fresh");
    /// assert_eq!(cache.peek("Kimi").await?.map(|(points, _)| points), Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("soft_invalidate"))]
    pub async fn invalidate_softly(&self) -> Result<()> {
        self.engine.invalidate_softly().await
    }

    /// Invalidates the values that have this [tag](CacheEntry::tag), as [`Cache::invalidate_tag`].
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for the empty text; what the store fails with.
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

/// Is the same cache, for tasks.
impl<V: Clone + Send + Sync + 'static> From<Cache<V>> for AsyncCache<V> {
    fn from(cache: Cache<V>) -> AsyncCache<V> {
        AsyncCache::new(cache)
    }
}

/// Shows where values are kept, and none of them.
impl<V> fmt::Debug for AsyncCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.show("AsyncCache", f)
    }
}

/// A future of an asynchronous program, as a loader.
async fn loader<V, M, E, F>(create: impl FnOnce() -> F) -> Result<CacheEntry<V>, E>
where
    M: Into<CacheEntry<V>>,
    F: Future<Output = Result<M, E>>,
{
    create().await.map(Into::into)
}

/// Does the work of a leader in a task of its own. If this is dropped, it is done nevertheless.
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

/// A backend of a blocking program, on threads; any other as it is.
pub(super) fn for_tasks(backend: &AnyBackend) -> AnyBackend {
    match (&backend.store, &backend.locks) {
        (AnyStore::Blocking(store), AnyLocks::Blocking(locks)) => {
            let (store, locks) = (Arc::clone(store), Arc::clone(locks));
            AsyncBackend::from(Backend { store, locks }).0
        }
        _ => backend.clone(),
    }
}

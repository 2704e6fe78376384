//! [`AsyncCache`]: a cache for async code.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::api::Cache;
use super::failure::{Failure, asks_for_itself};
use super::flight::{Completion, FlightKey, Role, Waiter};
use super::freshness::Freshness;
use super::policy::CacheEntry;
use super::stats::Stats;
use crate::error::{Error, Result};
use crate::off_thread::off_thread;

/// Wraps a [`Cache`] for async code, on tokio (feature `tokio`). A hit in memory is given at once. What may
/// wait is done on tokio's threads for that, and holds up no other task; who waits for a value that
/// another one makes takes no thread at all. A clone is the same cache.
///
/// ```
/// use std::time::Duration;
/// use beaker::cache::{AsyncCache, Cache};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let cache = AsyncCache::new(Cache::in_memory(10_000).ttl(Duration::from_secs(60)));
/// let points = cache.get_or_create("Kimi", || async { 25 + 18 + 15 }).await?;
/// assert_eq!(points, 58);
/// cache.run(|cache| cache.remove("Kimi")).await?;
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
///
/// What holds for the cache holds here: of all who miss, in this process or in others, one makes the
/// value; a stale one is given at once; a removal wins over a creator that runs at the time. A creator
/// goes on to its end, also if the one who asked is gone.
///
/// With [`Cache::wait_timeout`], each who waits takes a thread.
///
/// # Panics
///
/// Its methods panic where no runtime of tokio runs, and pass on a panic of the creator to the one who
/// asked first.
#[derive(Clone)]
pub struct AsyncCache<V> {
    cache: Cache<V>,
    launches: Launches,
}

impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Wraps a cache for async code.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// let cache: AsyncCache<u32> = AsyncCache::new(Cache::in_memory(10_000));
    /// ```
    pub fn new(cache: Cache<V>) -> AsyncCache<V> {
        AsyncCache { cache, launches: Launches::default() }
    }

    /// Returns what the cache has done so far in this process.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::new(Cache::in_memory(10));
    /// cache.get_or_create("Kimi", || async { 110 }).await?;
    /// assert_eq!(cache.stats().creations, 1);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("cache_info", "metrics", "numbers"))]
    pub fn stats(&self) -> Stats {
        self.cache.stats()
    }

    /// Does something with the cache on a thread where it may wait: writing, removing, invalidating, many
    /// keys.
    ///
    /// # Errors
    ///
    /// What the work fails with; `ErrorKind::Unavailable` if the runtime is shutting down.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::new(Cache::in_memory(10));
    /// cache.run(|cache| cache.put("Kimi", 110)).await?;
    /// assert!(cache.run(|cache| cache.remove("Kimi")).await?);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&Cache<V>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let cache = self.cache.clone();
        off_thread("could not use the cache", move || work(&cache)).await
    }

    /// Asks the store: here, if that never waits.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Cache<V>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.cache.shared.storage.blocks() {
            self.run(question).await
        } else {
            question(&self.cache)
        }
    }

    /// Returns the fresh value of a key, or `None` if there is none or it has expired.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<u32> = AsyncCache::new(Cache::in_memory(10));
    /// assert_eq!(cache.get("Kimi").await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<V>> {
        if let Some(value) = self.cache.fresh(key.as_ref()) {
            return Ok(Some(value));
        }
        let key = FlightKey::from(key.as_ref());
        self.ask(move |cache| cache.get(key)).await
    }

    /// Returns the value of a key, and makes it with the function if there is no fresh one, as
    /// [`Cache::get_or_create`].
    ///
    /// # Errors
    ///
    /// What the store fails with; `ErrorKind::WouldDeadlock` if the function awaits its own key. (If it
    /// does so in another task, it waits for ever.)
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::new(Cache::in_memory(10));
    /// assert_eq!(cache.get_or_create("Kimi", || async { 110 }).await?, 110);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "get_with")]
    pub async fn get_or_create<M, F>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V>
    where
        M: Into<CacheEntry<V>>,
        F: Future<Output = M>,
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
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::new(Cache::in_memory(10));
    /// let create = || async { Ok::<i32, beaker::Error>(110) };
    /// assert_eq!(cache.try_get_or_create("Kimi", create).await?, 110);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "try_get_with")]
    pub async fn try_get_or_create<M, E, F>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>>,
    {
        if let Some(value) = self.cache.fresh(key.as_ref()) {
            return Ok(value);
        }
        let key = FlightKey::from(key.as_ref());
        if self.cache.policy.wait_timeout.is_some() {
            return self.make(key, None, create).await;
        }
        let launching = loop {
            if let Some(value) = self.hit_here(&key)? {
                return Ok(value);
            }
            match self.cache.shared.flights.join(&key) {
                Some(Role::Waiter(waiter)) => {
                    if let Some(value) = self.wait_for(&key, waiter).await? {
                        return Ok(value);
                    }
                }
                Some(_) => return Err(asks_for_itself(self.cache.shared.recorder.key(&key)).into()),
                None => match self.launches.begin(&key) {
                    Launch::Own(launching) => break launching,
                    Launch::Others(mut begun) => {
                        if let Some(value) = self.usable(&key).await? {
                            return Ok(value);
                        }
                        // It always ends with this: nothing is ever sent.
                        let _ = begun.changed().await;
                    }
                },
            }
        };
        self.make(key, Some(launching), create).await
    }

    /// Finds it or has it made, on a thread for that.
    async fn make<M, E, F>(
        &self,
        key: FlightKey,
        launching: Option<Launching>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>>,
    {
        let (cache, runtime) = (self.cache.clone(), Handle::current());
        let work = move || {
            // Once it is being made, there is a flight to join.
            cache.try_get_or_create(key, || {
                drop(launching);
                runtime.block_on(create())
            })
        };
        off_thread("could not make a value for the cache", work).await
    }

    /// A hit in a store that never waits.
    fn hit_here(&self, key: &[u8]) -> Result<Option<V>> {
        if self.cache.shared.storage.blocks() {
            return Ok(None);
        }
        let seen = self.cache.look(key)?;
        let is_hit = self.cache.freshness(&seen) == Freshness::Fresh && !self.cache.is_early(&seen);
        let hit = seen.slot.filter(|_| is_hit);
        Ok(hit.map(|slot| {
            self.cache.shared.recorder.hit();
            slot.value
        }))
    }

    /// What a flight brings; `None` if it is to be asked for anew.
    async fn wait_for<E: From<Error>>(
        &self,
        key: &FlightKey,
        waiter: Waiter<V, Failure>,
    ) -> Result<Option<V>, E> {
        let is_outdated = waiter.is_outdated();
        if let Some(value) = self.usable(key).await? {
            return Ok(Some(value));
        }
        self.cache.shared.recorder.waits(key);
        let completion = poll_fn(|context| match waiter.poll(context.waker()) {
            Some(completion) => Poll::Ready(completion),
            None => Poll::Pending,
        });
        match completion.await {
            Completion::Done(Ok(value)) if !is_outdated => Ok(Some(value)),
            Completion::Done(Err(failure)) => {
                Err(failure.error(self.cache.shared.recorder.key(key)).into())
            }
            Completion::Done(Ok(_)) | Completion::Abandoned | Completion::TimedOut => Ok(None),
        }
    }

    /// What is there and may be given while somebody makes a new value.
    async fn usable(&self, key: &FlightKey) -> Result<Option<V>> {
        let sought = key.clone();
        let seen = self.ask(move |cache| cache.look(&sought)).await?;
        match self.cache.freshness(&seen) {
            Freshness::Fresh => self.cache.shared.recorder.hit(),
            Freshness::Stale => self.cache.shared.recorder.gave_stale(key),
            Freshness::Gone => return Ok(None),
        }
        Ok(seen.slot.map(|slot| slot.value))
    }

    /// Returns the value of a key, as [`try_get_or_create`](AsyncCache::try_get_or_create); but a stale
    /// value is given at once, and a new one is made in the background, as [`Cache::get_or_refresh`]: on
    /// tokio's threads for what may wait, unless the cache has an [executor](Cache::executor).
    ///
    /// # Errors
    ///
    /// Those of [`try_get_or_create`](AsyncCache::try_get_or_create).
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Cache};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::new(Cache::in_memory(10));
    /// let create = || async { Ok::<i32, beaker::Error>(110) };
    /// assert_eq!(cache.get_or_refresh("Kimi", create).await?, 110);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get_or_refresh<M, E, F>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>>,
    {
        if let Some(value) = self.cache.fresh(key.as_ref()) {
            return Ok(value);
        }
        let key = FlightKey::from(key.as_ref());
        let sought = key.clone();
        let seen = self.ask(move |cache| cache.look(&sought)).await?;
        let is_early = self.cache.is_early(&seen);
        match (self.cache.freshness(&seen), seen.slot) {
            (Freshness::Fresh, Some(slot)) if !is_early => {
                self.cache.shared.recorder.hit();
                Ok(slot.value)
            }
            (Freshness::Fresh | Freshness::Stale, Some(slot)) => {
                self.cache.shared.recorder.gave_stale(&key);
                let runtime = Handle::current();
                self.in_background().refresh_later(&key, move || runtime.block_on(create()));
                Ok(slot.value)
            }
            _ => self.try_get_or_create(key, create).await,
        }
    }

    /// Returns the cache with an executor.
    fn in_background(&self) -> Cache<V> {
        let cache = self.cache.clone();
        if cache.policy.executor.is_some() {
            return cache;
        }
        let runtime = Handle::current();
        cache.executor(Arc::new(move |work| drop(runtime.spawn_blocking(work))))
    }
}

impl<V> fmt::Debug for AsyncCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncCache").field(&self.cache).finish()
    }
}

/// The keys whose makers are on their way, and have not begun yet.
#[derive(Clone, Default)]
struct Launches(Arc<Mutex<HashMap<FlightKey, watch::Receiver<()>>>>);

/// What a task is to do that wants a value.
enum Launch {
    /// Have it made.
    Own(Launching),
    /// Wait until whoever has it made has begun, or found that there is nothing to do.
    Others(watch::Receiver<()>),
}

impl Launches {
    fn begin(&self, key: &[u8]) -> Launch {
        let mut all = self.lock();
        if let Some(begun) = all.get(key) {
            return Launch::Others(begun.clone());
        }
        let (announces, begun) = watch::channel(());
        all.insert(key.into(), begun);
        let launching = Launching { all: self.clone(), key: key.into(), _announces: announces };
        Launch::Own(launching)
    }

    /// Nothing slow is done while this is locked.
    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// On the way, until this is dropped.
struct Launching {
    all: Launches,
    key: FlightKey,
    /// The others see that it is gone.
    _announces: watch::Sender<()>,
}

impl Drop for Launching {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}

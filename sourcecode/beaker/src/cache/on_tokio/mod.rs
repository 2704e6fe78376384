//! [`AsyncCache`]: a cache for async code.

mod create;
mod launches;
mod refresh;

use std::fmt;

use launches::Launches;

use super::flight::FlightKey;
use super::{Cache, Numbers};
use crate::error::{Error, Result};
use crate::off_thread::off_thread;

/// A [`Cache`] for async code, on tokio (feature `tokio`). A hit in memory is given at once. What may
/// wait is done on tokio's threads for that, and holds up no other task; who waits for a value that
/// another one makes takes no thread at all. A clone is the same cache.
///
/// ```
/// use std::time::Duration;
/// use beaker::cache::{AsyncCache, Cache};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let cache = AsyncCache::new(Cache::in_memory(10_000).expire(Duration::from_secs(60)));
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
/// With [`Cache::wait_at_most`], each who waits takes a thread.
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
    /// The cache, for async code.
    pub fn new(cache: Cache<V>) -> AsyncCache<V> {
        AsyncCache { cache, launches: Launches::default() }
    }

    /// What the cache has done so far.
    pub fn numbers(&self) -> Numbers {
        self.cache.numbers()
    }

    /// Does something with the cache, on a thread where it may wait: `run(|cache|
    /// cache.remove("Kimi"))`.
    ///
    /// # Errors
    ///
    /// What the work fails with; `ErrorKind::Unavailable` if the runtime is shutting down.
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

    /// The fresh value of a key; `None` if there is none, or it has expired.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<V>> {
        if let Some(value) = self.cache.fresh(key.as_ref()) {
            return Ok(Some(value));
        }
        let key = FlightKey::from(key.as_ref());
        self.ask(move |cache| cache.get(key)).await
    }
}

impl<V> fmt::Debug for AsyncCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncCache").field(&self.cache).finish()
    }
}

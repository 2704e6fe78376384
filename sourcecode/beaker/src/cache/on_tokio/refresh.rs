//! Making anew in the background.

use std::fmt::Display;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::AsyncCache;
use crate::cache::age::Freshness;
use crate::cache::flight::FlightKey;
use crate::cache::{Cache, Made};
use crate::error::{Error, Result};

impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// The same as [`try_get_or_create`](AsyncCache::try_get_or_create), but a stale value is given at once, and a new one is made in the background, as
    /// [`Cache::get_or_refresh`]: on tokio's threads for what may wait, unless the cache has a runner.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_or_refresh<M, E, F>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
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
                self.cache.shared.counting.hit();
                Ok(slot.value)
            }
            (Freshness::Fresh | Freshness::Stale, Some(slot)) => {
                self.cache.shared.gave_stale(&key);
                let runtime = Handle::current();
                self.in_background().refresh_later(&key, move || runtime.block_on(create()));
                Ok(slot.value)
            }
            _ => self.try_get_or_create(key, create).await,
        }
    }

    /// The cache with a runner.
    fn in_background(&self) -> Cache<V> {
        let cache = self.cache.clone();
        if cache.policy.runner.is_some() {
            return cache;
        }
        let runtime = Handle::current();
        cache.run_in(Arc::new(move |work| drop(runtime.spawn_blocking(work))))
    }
}

//! `get_or_load`, for loaders with errors of any type, in both kinds of cache.

use std::fmt::Debug;

use super::api::Cache;
use super::arguments::{KeyPart, WholeKey};
#[cfg(feature = "tokio")]
use super::asynchronous::AsyncCache;
#[cfg(feature = "tokio")]
use super::find::Step;
use super::load_error::LoadError;
use super::policy::CacheEntry;
use crate::error::Result;

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Returns the value of a key, like [`try_get_or_create`](Cache::try_get_or_create), with a loader
    /// whose error may have any type. All calls that waited for the loader receive its error, and so do
    /// calls within the [`error_ttl`](Cache::error_ttl).
    ///
    /// # Errors
    ///
    /// Returns [`LoadError::Loader`] with the loader's own error, or [`LoadError::Cache`] with an error of
    /// [`get_or_create`](Cache::get_or_create).
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use beaker::cache::{Cache, LoadError};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct NoSuchDriver;
    ///
    /// let cache: Cache<u32> = Cache::in_memory(10);
    /// let points = |driver: &str| if driver == "Kimi" { Ok(110) } else { Err(NoSuchDriver) };
    /// assert_eq!(cache.get_or_load("Kimi", || points("Kimi")).unwrap(), 110);
    /// let error = cache.get_or_load("Ayrton", || points("Ayrton")).unwrap_err();
    /// assert_eq!(error.loader(), Some(&NoSuchDriver));
    /// ```
    #[doc(alias("try_get_with", "get_or_try_insert_with"))]
    pub fn get_or_load<M, E>(
        &self,
        key: impl KeyPart,
        load: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, LoadError<E>>
    where
        M: Into<CacheEntry<V>>,
        E: Debug + Send + Sync + 'static,
    {
        let key = WholeKey::of(&key);
        let mut found = self.engine.fresh(key.as_ref());
        if found.is_none() {
            self.fill(key.as_ref(), || load().map_err(LoadError::new), &mut found)?;
        }
        match found {
            Some(value) => Ok(value),
            None => unreachable!("it was filled"),
        }
    }
}

#[cfg(feature = "tokio")]
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Returns the value of a key, with a loader whose error may have any type, like
    /// [`Cache::get_or_load`]. The loader's future runs as a task of its own.
    ///
    /// # Errors
    ///
    /// Returns [`LoadError::Loader`] with the loader's own error, or [`LoadError::Cache`] with an error of
    /// [`get_or_create`](AsyncCache::get_or_create).
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, LoadError};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct NoSuchDriver;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
    /// let fails = || async { Err::<u32, _>(NoSuchDriver) };
    /// let error = cache.get_or_load("Ayrton", fails).await.unwrap_err();
    /// assert_eq!(error.loader(), Some(&NoSuchDriver));
    /// # });
    /// ```
    #[doc(alias("try_get_with", "get_or_try_insert_with"))]
    pub async fn get_or_load<M, E, F>(
        &self,
        key: impl KeyPart,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, LoadError<E>>
    where
        M: Into<CacheEntry<V>>,
        E: Debug + Send + Sync + 'static,
        F: Future<Output = Result<M, E>> + Send + 'static,
    {
        let key = WholeKey::of(&key);
        if let Some(value) = self.engine.fresh(key.as_ref()) {
            return Ok(value);
        }
        // Boxed, so that the future of a hit, which does not need this part, stays small.
        Box::pin(async {
            match self.engine.find_or_lead(key.as_ref()).await? {
                Step::Found(value) | Step::Stale(value, _) => Ok(value),
                Step::Load(needed) => {
                    let load = || async { load().await.map_err(LoadError::new) };
                    self.load(needed, load).await
                }
            }
        })
        .await
    }
}

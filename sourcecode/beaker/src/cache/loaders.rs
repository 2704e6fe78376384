//! Loaders whose errors are of any kind, in both kinds of cache: `get_or_load`.

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
    /// Returns the value of a key, as [`try_get_or_create`](Cache::try_get_or_create), with a function that
    /// may fail with anything. All who waited for the function get the same error of it, and so do those
    /// who ask within the [`error_ttl`](Cache::error_ttl).
    ///
    /// # Errors
    ///
    /// [`LoadError::Loader`] with the function's own, and [`LoadError::Cache`] with those of
    /// [`get_or_create`](Cache::get_or_create).
    ///
    /// # Panics
    ///
    /// Where the function panics.
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
    /// Returns the value of a key, with a function that may fail with anything, as [`Cache::get_or_load`].
    /// Its future is a task of its own.
    ///
    /// # Errors
    ///
    /// [`LoadError::Loader`] with the function's own, and [`LoadError::Cache`] with those of
    /// [`get_or_create`](AsyncCache::get_or_create).
    ///
    /// # Panics
    ///
    /// Where the function panics.
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
        // In a box, so that a hit, which needs none of it, is a small future.
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

//! Operations on many keys at once, in both kinds of cache: one lookup, one write and one call of the
//! loader for all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::mem;

use super::api::Cache;
use super::arguments::{KeyPart, WholeKey, whole_keys};
#[cfg(feature = "tokio")]
use super::asynchronous::{AsyncCache, to_its_end};
use super::batch::{left_out, sorted};
use super::failure::Plain;
use super::flight::FlightKey;
use super::policy::CacheEntry;
use crate::error::{Error, Result};
use crate::world::finish;

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Returns the fresh values of many keys, in the order of the keys, with `None` for each missing one.
    /// In a store, this takes one round trip.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", 110)?;
    /// assert_eq!(cache.get_many(&["Kimi", "Felipe"])?, [Some(110), None]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("get_multi", "get_all"))]
    pub fn get_many<K: KeyPart>(&self, keys: &[K]) -> Result<Vec<Option<V>>> {
        let whole = whole_keys(keys);
        finish(self.engine.find_many(&borrowed(&whole)))
    }

    /// Returns the values of many keys, in the order of the keys, and computes the missing ones with a
    /// single call of the loader.
    ///
    /// The loader receives the missing keys, each of them once, and returns one value for each in the same
    /// order. When calls overlap, a key that they share is computed once. If the loader may have no value
    /// for a key, use [`try_get_or_create_some`](Cache::try_get_or_create_some).
    ///
    /// # Errors
    ///
    /// - Any error of the store, and the loader's own error.
    /// - `ErrorKind::Creation` if the loader returns more or fewer values than it received keys.
    /// - `ErrorKind::WouldDeadlock` and `ErrorKind::Unavailable`, like
    ///   [`get_or_create`](Cache::get_or_create).
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<usize> = Cache::in_memory(10);
    /// cache.put("Kimi", 4)?;
    /// let lengths = |names: &[&&str]| Ok(names.iter().map(|name| name.len()).collect::<Vec<_>>());
    /// let found = cache.try_get_or_create_many::<_, _, beaker::Error>(&["Kimi", "Felipe"], lengths)?;
    /// assert_eq!(found, [4, 6]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("get_or_create_multi", "try_get_many_with"))]
    pub fn try_get_or_create_many<K, M, E>(
        &self,
        keys: &[K],
        create: impl FnOnce(&[&K]) -> Result<Vec<M>, E>,
    ) -> Result<Vec<V>, E>
    where
        K: KeyPart,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let create = |missing: &[&K]| Ok::<_, E>(create(missing)?.into_iter().map(Some).collect());
        let all: Option<Vec<V>> = self.try_get_or_create_some(keys, create)?.into_iter().collect();
        Ok(all.ok_or_else(left_out)?)
    }

    /// Returns the values of many keys, in the order of the keys, like
    /// [`try_get_or_create_many`](Cache::try_get_or_create_many), with a loader that may leave out keys.
    ///
    /// The loader returns `None` for a key that has no value. This is not kept, so the next call asks the
    /// loader again; use a cache of `Option`s to remember that there is no value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_get_or_create_many`](Cache::try_get_or_create_many).
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<String> = Cache::in_memory(10);
    /// let table = HashMap::from([(6, "Kimi"), (5, "Felipe")]);
    /// let names = |numbers: &[&u8]| -> beaker::Result<Vec<Option<String>>> {
    ///     Ok(numbers.iter().map(|number| table.get(number).map(|name| name.to_string())).collect())
    /// };
    /// let found = cache.try_get_or_create_some(&[5, 7, 6], names)?;
    /// assert_eq!(found, [Some("Felipe".to_owned()), None, Some("Kimi".to_owned())]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_get_or_create_some<K, M, E>(
        &self,
        keys: &[K],
        create: impl FnOnce(&[&K]) -> Result<Vec<Option<M>>, E>,
    ) -> Result<Vec<Option<V>>, E>
    where
        K: KeyPart,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let whole = whole_keys(keys);
        let wanted = sorted(&whole);
        let mut many = finish(self.engine.find_or_lead_many(&wanted))?;
        let loader = |missing: Vec<FlightKey>| {
            let missing = typed(keys, &whole, &missing);
            async move { Ok(entries(create(&missing).map_err(Plain)?)) }
        };
        let led = mem::take(&mut many.led);
        let made = finish(self.engine.load_many(led, loader)).map_err(|Plain(error)| error)?;
        Ok(finish(self.engine.find_others(&whole, many, made))?)
    }

    /// Stores many values, as [`put`](Cache::put) does with each. In a store, this takes two round trips
    /// for all of them. If it fails, some of the values may have been stored.
    ///
    /// # Errors
    ///
    /// Returns any error of the codec or the store.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put_many([("Kimi", 110), ("Felipe", 94)])?;
    /// assert_eq!(cache.get("Felipe")?, Some(94));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("set_multi", "insert_many", "mset"))]
    pub fn put_many<K, M>(&self, entries: impl IntoIterator<Item = (K, M)>) -> Result<()>
    where
        K: KeyPart,
        M: Into<CacheEntry<V>>,
    {
        finish(self.engine.put_many(in_bytes(entries)))
    }

    /// Removes many keys, and returns how many of them had a value, fresh or stale. In a store, this takes
    /// two round trips for all of them. If it fails, some of the keys may have been removed.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put_many([("Kimi", 110), ("Felipe", 94)])?;
    /// assert_eq!(cache.remove_many(&["Kimi", "Jackie"])?, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("delete_multi", "delete_many"))]
    pub fn remove_many<K: KeyPart>(&self, keys: &[K]) -> Result<usize> {
        let whole = whole_keys(keys);
        finish(self.engine.remove_many(&sorted(&whole)))
    }
}

#[cfg(feature = "tokio")]
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Returns the fresh values of many keys, in the order of the keys, with `None` for each missing one.
    /// In a store, this takes one round trip.
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
    /// assert_eq!(cache.get_many(&["Kimi", "Felipe"]).await?, [Some(110), None]);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("get_multi", "get_all"))]
    pub async fn get_many<K: KeyPart + Sync>(&self, keys: &[K]) -> Result<Vec<Option<V>>> {
        let whole = whole_keys(keys);
        self.engine.find_many(&borrowed(&whole)).await
    }

    /// Returns the values of many keys, in the order of the keys, and computes the missing ones with a
    /// single call of the loader, like [`Cache::try_get_or_create_many`].
    ///
    /// The loader receives clones of the missing keys, each of them once, and returns one value for each in
    /// the same order. Its future runs as a task of its own.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cache::try_get_or_create_many`].
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
    /// let cache: AsyncCache<usize> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 4).await?;
    /// let lengths = |names: Vec<&'static str>| async move {
    ///     Ok::<_, beaker::Error>(names.iter().map(|name| name.len()).collect::<Vec<_>>())
    /// };
    /// assert_eq!(cache.try_get_or_create_many(&["Kimi", "Felipe"], lengths).await?, [4, 6]);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("get_or_create_multi", "try_get_many_with"))]
    pub async fn try_get_or_create_many<K, M, E, F>(
        &self,
        keys: &[K],
        create: impl FnOnce(Vec<K>) -> F + Send + 'static,
    ) -> Result<Vec<V>, E>
    where
        K: KeyPart + Clone + Send + Sync + 'static,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<Vec<M>, E>> + Send + 'static,
    {
        let create = |missing| async { Ok::<_, E>(entries(some(create(missing).await?))) };
        let all = self.some_or_create(keys, create).await?;
        let all: Option<Vec<V>> = all.into_iter().collect();
        Ok(all.ok_or_else(left_out)?)
    }

    /// Returns the values of many keys, in the order of the keys, with a loader that may leave out keys,
    /// like [`Cache::try_get_or_create_some`]. The loader's future runs as a task of its own.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cache::try_get_or_create_many`].
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
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
    /// let halves = |numbers: Vec<u32>| async move {
    ///     let half = |number: &u32| number.is_multiple_of(2).then_some(number / 2);
    ///     Ok::<_, beaker::Error>(numbers.iter().map(half).collect::<Vec<_>>())
    /// };
    /// assert_eq!(cache.try_get_or_create_some(&[5, 6], halves).await?, [None, Some(3)]);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn try_get_or_create_some<K, M, E, F>(
        &self,
        keys: &[K],
        create: impl FnOnce(Vec<K>) -> F + Send + 'static,
    ) -> Result<Vec<Option<V>>, E>
    where
        K: KeyPart + Clone + Send + Sync + 'static,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<Vec<Option<M>>, E>> + Send + 'static,
    {
        let create = |missing| async { Ok::<_, E>(entries(create(missing).await?)) };
        self.some_or_create(keys, create).await
    }

    async fn some_or_create<K, E, F>(
        &self,
        keys: &[K],
        create: impl FnOnce(Vec<K>) -> F + Send + 'static,
    ) -> Result<Vec<Option<V>>, E>
    where
        K: KeyPart + Clone + Send + Sync + 'static,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<Vec<Option<CacheEntry<V>>>, E>> + Send + 'static,
    {
        let whole = whole_keys(keys);
        let wanted = sorted(&whole);
        let mut many = self.engine.find_or_lead_many(&wanted).await?;
        let (led, engine) = (mem::take(&mut many.led), self.engine.clone());
        let mut made = Vec::new();
        if !led.is_empty() {
            let missing: Vec<FlightKey> = led.iter().map(|led| led.key().clone()).collect();
            let missing: Vec<K> = typed(keys, &whole, &missing).into_iter().cloned().collect();
            let loader = |_| async { create(missing).await.map_err(Plain) };
            let work = to_its_end(async move { engine.load_many(led, loader).await });
            made = work.await.map_err(|Plain(error)| error)?;
        }
        Ok(self.engine.find_others(&whole, many, made).await?)
    }

    /// Stores many values, like [`Cache::put_many`].
    ///
    /// # Errors
    ///
    /// Returns any error of the codec or the store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put_many([("Kimi", 110), ("Felipe", 94)]).await?;
    /// assert_eq!(cache.get("Felipe").await?, Some(94));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("set_multi", "insert_many", "mset"))]
    pub async fn put_many<K, M>(&self, entries: impl IntoIterator<Item = (K, M)>) -> Result<()>
    where
        K: KeyPart,
        M: Into<CacheEntry<V>>,
    {
        let entries = in_bytes(entries);
        self.engine.put_many(entries).await
    }

    /// Removes many keys, and returns how many of them had a value, fresh or stale, like
    /// [`Cache::remove_many`].
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
    /// assert_eq!(cache.remove_many(&["Kimi", "Jackie"]).await?, 1);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("delete_multi", "delete_many"))]
    pub async fn remove_many<K: KeyPart + Sync>(&self, keys: &[K]) -> Result<usize> {
        let whole = whole_keys(keys);
        self.engine.remove_many(&sorted(&whole)).await
    }
}

fn borrowed<'a>(keys: &'a [Cow<'_, [u8]>]) -> Vec<&'a [u8]> {
    keys.iter().map(|key| &**key).collect()
}

/// Returns the keys that have these bytes.
fn typed<'k, K>(keys: &'k [K], whole: &[Cow<'_, [u8]>], missing: &[FlightKey]) -> Vec<&'k K> {
    let by_bytes: BTreeMap<&[u8], &K> = whole.iter().map(|bytes| &**bytes).zip(keys).collect();
    missing.iter().filter_map(|bytes| by_bytes.get(&**bytes).copied()).collect()
}

fn entries<V, M: Into<CacheEntry<V>>>(made: Vec<Option<M>>) -> Vec<Option<CacheEntry<V>>> {
    made.into_iter().map(|made| made.map(Into::into)).collect()
}

#[cfg(feature = "tokio")]
fn some<M>(made: Vec<M>) -> Vec<Option<M>> {
    made.into_iter().map(Some).collect()
}

fn in_bytes<V, K: KeyPart, M: Into<CacheEntry<V>>>(
    entries: impl IntoIterator<Item = (K, M)>,
) -> Vec<(Box<[u8]>, CacheEntry<V>)> {
    let entry = |(key, made): (K, M)| (WholeKey::of(&key).as_ref().into(), made.into());
    entries.into_iter().map(entry).collect()
}

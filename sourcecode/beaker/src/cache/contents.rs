//! What a cache contains: [`Cache::keys`], `entry_count`, `invalidate_if` and `is_being_made`, in both
//! kinds of cache.

use super::api::Cache;
use super::arguments::{KeyPart, WholeKey};
#[cfg(feature = "tokio")]
use super::asynchronous::AsyncCache;
use super::engine::Engine;
use super::memory_options::MemoryOptions;
use super::storage::Memory;
use crate::error::{Error, ErrorKind, Result};
use crate::world::{World, finish};

impl<V: Clone + Send + Sync + 'static> Engine<V> {
    fn contents(&self) -> Result<&Memory<V>> {
        self.shared.storage.memory().ok_or_else(|| {
            Error::config(
                "the values of this cache are in a store, which cannot be gone through by a cache; give \
                 them tags, or keep them by `Cache::in_memory`",
            )
        })
    }

    fn entry_count(&self) -> Result<usize> {
        Ok(self.contents()?.len())
    }

    fn keys(&self) -> Result<Vec<Box<[u8]>>> {
        Ok(self.contents()?.entries(self.time.now()).map(|(key, ..)| key).collect())
    }

    fn invalidate_if(&self, mut is_invalid: impl FnMut(&[u8], &V) -> bool) -> Result<usize> {
        let memory = self.contents()?;
        // Values that are being computed may be invalid as well.
        self.cancel_all();
        let now = self.time.now();
        let mut count = 0;
        for (key, value, age) in memory.entries(now) {
            if is_invalid(&key, &value) {
                count += usize::from(memory.discard(&key, &age, now));
            }
        }
        self.cancel_all();
        memory.tell();
        Ok(count)
    }

    async fn is_being_made(&self, key: &[u8]) -> Result<bool> {
        if self.shared.flights.is_running(key) {
            return Ok(true);
        }
        match self.try_lock(key).await {
            Ok(lock) => Ok(lock.is_none()),
            // This thread computes the value, through another handle.
            Err(error) if error.kind() == ErrorKind::WouldDeadlock => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Opens a cache in the memory of this process, like [`in_memory`](Cache::in_memory), with more options
    /// than the capacity.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::{Cache, MemoryOptions};
    ///
    /// let options = MemoryOptions::new(10_000).time_to_idle(Duration::from_secs(600));
    /// let cache: Cache<u32> = Cache::in_memory_with(options);
    /// ```
    pub fn in_memory_with(options: MemoryOptions<V>) -> Cache<V> {
        Cache { engine: Engine::in_memory(options, World::Threads) }
    }

    /// Returns how many values a cache in memory holds. Expired values count until their key is looked up
    /// or their room is needed.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the values are in a store.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put_many([("Kimi", 110), ("Felipe", 94)])?;
    /// assert_eq!(cache.entry_count()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("len", "size", "currsize"))]
    pub fn entry_count(&self) -> Result<usize> {
        self.engine.entry_count()
    }

    /// Returns the keys of a cache in memory that have a fresh value, in no particular order. A text key is
    /// returned as its bytes. Keys that are put or removed meanwhile may or may not be included.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the values are in a store.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", 110)?;
    /// assert_eq!(cache.keys()?, [b"Kimi".as_slice().into()]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "iter")]
    pub fn keys(&self) -> Result<Vec<Box<[u8]>>> {
        self.engine.keys()
    }

    /// Removes the values of a cache in memory for whose key and value the function returns `true`, and
    /// returns how many were removed. The results of running loaders are not kept.
    ///
    /// Each value is cloned for the function, which may use the cache. The time is proportional to the
    /// number of values; invalidation by [tag](crate::cache::CacheEntry::tag) takes constant time.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the values are in a store.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put_many([("Kimi", 110), ("Felipe", 94)])?;
    /// assert_eq!(cache.invalidate_if(|_key, points| *points < 100)?, 1);
    /// assert_eq!(cache.get_many(&["Kimi", "Felipe"])?, [Some(110), None]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("invalidate_entries_if", "retain", "delete_matched"))]
    pub fn invalidate_if(&self, is_invalid: impl FnMut(&[u8], &V) -> bool) -> Result<usize> {
        self.engine.invalidate_if(is_invalid)
    }

    /// Returns whether the value of a key is being computed at the moment, by this process or by another
    /// one that shares the locks of the backend. The computation may have ended by the time this returns.
    ///
    /// # Errors
    ///
    /// Returns any error of the locks.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<bool> = Cache::in_memory(10);
    /// assert!(cache.get_or_create("Kimi", || cache.is_being_made("Kimi").unwrap())?);
    /// assert!(!cache.is_being_made("Kimi")?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("key_is_locked", "is_locked"))]
    pub fn is_being_made(&self, key: impl KeyPart) -> Result<bool> {
        finish(self.engine.is_being_made(WholeKey::of(&key).as_ref()))
    }
}

#[cfg(feature = "tokio")]
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Opens a cache in the memory of this process, like [`Cache::in_memory_with`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::{AsyncCache, MemoryOptions};
    ///
    /// let options = MemoryOptions::new(10_000).time_to_idle(Duration::from_secs(600));
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory_with(options);
    /// ```
    pub fn in_memory_with(options: MemoryOptions<V>) -> AsyncCache<V> {
        AsyncCache { engine: Engine::in_memory(options, World::Tasks) }
    }

    /// Returns how many values a cache in memory holds, like [`Cache::entry_count`].
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the values are in a store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// assert_eq!(cache.entry_count()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("len", "size", "currsize"))]
    pub fn entry_count(&self) -> Result<usize> {
        self.engine.entry_count()
    }

    /// Returns the keys of a cache in memory that have a fresh value, like [`Cache::keys`].
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the values are in a store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put("Kimi", 110).await?;
    /// assert_eq!(cache.keys()?, [b"Kimi".as_slice().into()]);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "iter")]
    pub fn keys(&self) -> Result<Vec<Box<[u8]>>> {
        self.engine.keys()
    }

    /// Removes the values of a cache in memory for whose key and value the function returns `true`, like
    /// [`Cache::invalidate_if`].
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the values are in a store.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// cache.put_many([("Kimi", 110), ("Felipe", 94)]).await?;
    /// assert_eq!(cache.invalidate_if(|_key, points| *points < 100)?, 1);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("invalidate_entries_if", "retain", "delete_matched"))]
    pub fn invalidate_if(&self, is_invalid: impl FnMut(&[u8], &V) -> bool) -> Result<usize> {
        self.engine.invalidate_if(is_invalid)
    }

    /// Returns whether the value of a key is being computed at the moment, like [`Cache::is_being_made`].
    ///
    /// # Errors
    ///
    /// Returns any error of the locks.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<i32> = AsyncCache::in_memory(10);
    /// assert!(!cache.is_being_made("Kimi").await?);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("key_is_locked", "is_locked"))]
    pub async fn is_being_made(&self, key: impl KeyPart) -> Result<bool> {
        let key = WholeKey::of(&key);
        self.engine.is_being_made(key.as_ref()).await
    }
}

//! Read-modify-write operations in one step, in both kinds of cache: [`Op`], `compute`, `upsert`, `take`
//! and `get_or_create_if`.
//!
//! Within this process, a computing call leads the flight of the key, as a loader does. Therefore two calls
//! that compute the same key run one after the other, and after a loader that is already running. If
//! another process or a `put` writes the key meanwhile, that shows when the result is to be stored: in
//! memory, because the flight was cancelled, and in a store, because the version has changed. The function
//! is then called again with the value that is there now.

use std::fmt::Display;
use std::time::Duration;

use super::api::Cache;
use super::arguments::{KeyPart, WholeKey};
#[cfg(feature = "tokio")]
use super::asynchronous::AsyncCache;
use super::engine::Engine;
use super::failure::Failure;
use super::find::Start;
use super::flight::{Completion, FlightKey, Leader, Role};
use super::freshness::{Freshness, Lookup, Slot};
use super::policy::{Begun, CacheEntry, random_unit};
use super::reentrance::{Loading, run_within};
use super::stats::Outage;
use crate::error::{Error, ErrorKind, Result};
use crate::world::finish;

/// Sets what happens to a key. The function of [`Cache::compute`] returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op<V> {
    /// Keeps the current value and its age.
    Keep,
    /// Replaces the current value. The new value starts its own time to live.
    Put(CacheEntry<V>),
    /// Removes the current value.
    Remove,
}

impl<V> Op<V> {
    /// Stores a plain value, or a [`CacheEntry`] to set its time to live or tags.
    pub fn put(value: impl Into<CacheEntry<V>>) -> Op<V> {
        Op::Put(value.into())
    }
}

/// How often a step is tried in a store while others write the key.
const MAX_TRIES: u32 = 100;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// A value before a step, and after it.
struct Computed<V> {
    before: Option<V>,
    after: Option<V>,
}

impl<V: Clone + Send + Sync + 'static> Engine<V> {
    async fn compute(
        &self,
        key: &[u8],
        mut decide: impl FnMut(Option<&V>) -> Op<V>,
    ) -> Result<Computed<V>> {
        let begun = self.time.monotonic();
        for tries in 0..MAX_TRIES {
            let leader = self.lead(key, begun).await?;
            if let Some(computed) = self.try_compute(leader, &mut decide).await? {
                return Ok(computed);
            }
            if self.shared.storage.memory().is_none() {
                let longest = LONGEST_PAUSE.min(Duration::from_micros(100) * tries);
                self.pause(longest.mul_f64(random_unit())).await;
            }
        }
        let key = self.shared.recorder.key(key);
        let what =
            format!("could not compute `{key}`: others wrote it {MAX_TRIES} times meanwhile");
        Err(Error::new(ErrorKind::Conflict, what + "; try again"))
    }

    /// Leads the flight of the key, after any that are under way.
    async fn lead(&self, key: &[u8], begun: Duration) -> Result<Leader<V, Failure>> {
        loop {
            let waiter = match self.shared.flights.join_or_lead(key) {
                Role::Leader(leader) => return Ok(leader),
                Role::Waiter(waiter) => waiter,
            };
            self.check_reentrance(key)?;
            self.shared.recorder.waits(key);
            let waited = self.time.monotonic().saturating_sub(begun);
            let limit = self.policy.wait_timeout.map(|limit| limit.saturating_sub(waited));
            if let Completion::TimedOut = self.wait(waiter, limit).await {
                return Err(self.too_late(key));
            }
        }
    }

    /// Returns `None` if another writer came first.
    async fn try_compute(
        &self,
        leader: Leader<V, Failure>,
        decide: &mut impl FnMut(Option<&V>) -> Op<V>,
    ) -> Result<Option<Computed<V>>> {
        let (storage, key) = (&self.shared.storage, FlightKey::clone(leader.key()));
        let seen = storage.look_closely(&key, self.policy.ttl, &self.time).await?;
        let start = Start::from(&seen);
        let is_fresh = self.freshness(&seen) == Freshness::Fresh;
        let before = seen.slot.filter(|_| is_fresh).map(|slot| slot.value);
        // Read before the decision, because what is invalidated meanwhile may be what the decision is based
        // on.
        let origin = storage.origin(start.origin, &self.time).await?;
        let loading = Loading::new(self.shared.flights.id(), [FlightKey::clone(&key)]);
        let is_done;
        let after = match run_within(Some(&loading), || decide(before.as_ref())) {
            Op::Keep => {
                drop(leader);
                storage.tell();
                return Ok(Some(Computed { after: before.clone(), before }));
            }
            Op::Remove => {
                is_done = match (storage.memory(), start.version) {
                    (Some(memory), _) => leader.unless_cancelled(|| memory.remove(&key)),
                    (None, Some(version)) => {
                        storage.remove_unchanged(&key, version, self.time.now()).await?
                    }
                    (None, None) => true,
                };
                None
            }
            Op::Put(entry) => {
                let now = self.time.now();
                let age = self.policy.age(
                    Begun { origin, at: now },
                    now,
                    Duration::ZERO,
                    entry.ttl,
                    entry.tags,
                );
                let ttl = self.policy.store_ttl(&age, now);
                let slot = Slot { value: entry.value.clone(), age };
                is_done = match storage.memory() {
                    Some(memory) => leader.unless_cancelled(|| memory.keep(&key, slot, now)),
                    None => storage.keep(&key, slot, ttl, start.condition(), &self.time).await?,
                };
                Some(entry.value)
            }
        };
        if !is_done {
            return Ok(None);
        }
        self.shared.failures.forget(&key);
        match &after {
            Some(value) => leader.complete(Ok(value.clone()), (), |_| {}),
            None => drop(leader),
        }
        storage.tell();
        Ok(Some(Computed { before, after }))
    }

    async fn upsert<M: Into<CacheEntry<V>>>(
        &self,
        key: &[u8],
        mut make: impl FnMut(Option<&V>) -> M,
    ) -> Result<V> {
        let computed = self.compute(key, |value| Op::put(make(value))).await?;
        computed.after.ok_or_else(|| Error::new(ErrorKind::Creation, "nothing was put; ask again"))
    }

    /// Returns the fresh value if it is accepted. A rejected value is removed, unless it has been replaced.
    async fn find_unless(
        &self,
        key: &[u8],
        mut is_replaced: impl FnMut(&V) -> bool,
    ) -> Result<Option<V>> {
        let seen = match self.look(key).await {
            Err(error) if self.bypasses(&error) => {
                self.shared.recorder.bypassed(Outage::Reading, &error);
                Lookup::nothing(None)
            }
            seen => seen?,
        };
        let is_fresh = self.freshness(&seen) == Freshness::Fresh;
        let Some(found) = seen.slot.filter(|_| is_fresh) else { return Ok(None) };
        let mut good = Some(found.value).filter(|value| !is_replaced(value));
        if good.is_none() {
            let decide = |value: Option<&V>| match value {
                Some(value) if is_replaced(value) => Op::Remove,
                _ => Op::Keep,
            };
            good = self.compute(key, decide).await?.after;
        }
        if good.is_some() {
            self.shared.recorder.hit();
        }
        Ok(good)
    }
}

/// Changing a value in one step, depending on the current value.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Passes the fresh value of a key to a function that decides what happens to the key, as one atomic
    /// step. Returns the value that the key has afterwards.
    ///
    /// When several calls run at the same time, in this process or in others, each sees the result of the
    /// previous one, so that no change is lost. A loader of the key that is running in this process ends
    /// first. The function is called again if something else wrote the key meanwhile, so it should have no
    /// side effects. It may ask the cache for other keys.
    ///
    /// In a store, this is a read and a conditional write.
    ///
    /// # Errors
    ///
    /// - Any error of the codec or the store.
    /// - `ErrorKind::Conflict` if other writers changed the key 100 times meanwhile.
    /// - `ErrorKind::WouldDeadlock` if it is called in a loader of the key, or if the function computes its
    ///   own key.
    /// - `ErrorKind::Unavailable` if the [`wait_timeout`](Cache::wait_timeout) has passed.
    ///
    /// # Panics
    ///
    /// Panics if the function panics. The current value then stays.
    ///
    /// ```
    /// use beaker::cache::{Cache, Op};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let lives: Cache<u32> = Cache::in_memory(10);
    /// lives.put("Kimi", 2_u32)?;
    /// let lose = |lives: Option<&u32>| match lives {
    ///     None => Op::Keep,
    ///     Some(1) => Op::Remove,
    ///     Some(lives) => Op::put(lives - 1),
    /// };
    /// assert_eq!(lives.compute("Kimi", lose)?, Some(1));
    /// assert_eq!(lives.compute("Kimi", lose)?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("and_compute_with", "compare_and_swap", "update"))]
    pub fn compute(
        &self,
        key: impl KeyPart,
        decide: impl FnMut(Option<&V>) -> Op<V>,
    ) -> Result<Option<V>> {
        Ok(finish(self.engine.compute(WholeKey::of(&key).as_ref(), decide))?.after)
    }

    /// Computes a new value from the fresh value of a key, if there is one, then stores and returns it. It
    /// is a [`compute`](Cache::compute) that always stores. The new value starts its own time to live.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`compute`](Cache::compute).
    ///
    /// # Panics
    ///
    /// Panics if the function panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let visits: Cache<u64> = Cache::in_memory(10);
    /// let one_more = |visits: Option<&u64>| visits.copied().unwrap_or(0) + 1;
    /// assert_eq!(visits.upsert("/standings", one_more)?, 1);
    /// assert_eq!(visits.upsert("/standings", one_more)?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("and_upsert_with", "update_or_insert"))]
    pub fn upsert<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        make: impl FnMut(Option<&V>) -> M,
    ) -> Result<V> {
        finish(self.engine.upsert(WholeKey::of(&key).as_ref(), make))
    }

    /// Removes a key and returns its fresh value. If several callers take the same key at the same time,
    /// exactly one of them gets the value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`compute`](Cache::compute).
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let codes: Cache<String> = Cache::in_memory(10);
    /// codes.put("Kimi", "7421".to_owned())?;
    /// assert_eq!(codes.take("Kimi")?.as_deref(), Some("7421"));
    /// assert_eq!(codes.take("Kimi")?, None, "it was good for once");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("pop", "pull", "getdel"))]
    pub fn take(&self, key: impl KeyPart) -> Result<Option<V>> {
        Ok(finish(self.engine.compute(WholeKey::of(&key).as_ref(), |_| Op::Remove))?.before)
    }

    /// Returns the value of a key, like [`get_or_create`](Cache::get_or_create), but replaces a fresh value
    /// for which `is_replaced` returns `true`: that value is removed and a new one is computed.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`compute`](Cache::compute) and of [`get_or_create`](Cache::get_or_create).
    ///
    /// # Panics
    ///
    /// Panics if one of the functions panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<(u32, &str)> = Cache::in_memory(10);
    /// cache.put("standings", (1, "Kimi leads"))?;
    /// let is_of_last_race = |standings: &(u32, &str)| standings.0 < 2;
    /// let found = cache.get_or_create_if("standings", is_of_last_race, || (2, "Felipe leads"))?;
    /// assert_eq!(found, (2, "Felipe leads"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("get_with_if", "or_insert_with_if"))]
    pub fn get_or_create_if<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        is_replaced: impl FnMut(&V) -> bool,
        create: impl FnOnce() -> M,
    ) -> Result<V> {
        self.try_get_or_create_if(key, is_replaced, || Ok::<M, Error>(create()))
    }

    /// Returns the value of a key, like [`get_or_create_if`](Cache::get_or_create_if), with a loader that
    /// may fail.
    ///
    /// # Errors
    ///
    /// Returns the loader's own error, or an error of [`get_or_create_if`](Cache::get_or_create_if).
    ///
    /// # Panics
    ///
    /// Panics if one of the functions panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<u32> = Cache::in_memory(10);
    /// let is_odd = |number: &u32| number % 2 == 1;
    /// assert_eq!(cache.try_get_or_create_if("a", is_odd, || Ok::<_, beaker::Error>(3_u32))?, 3);
    /// assert_eq!(cache.try_get_or_create_if("a", is_odd, || Ok::<_, beaker::Error>(4_u32))?, 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_get_or_create_if<M, E>(
        &self,
        key: impl KeyPart,
        is_replaced: impl FnMut(&V) -> bool,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let key = WholeKey::of(&key);
        match finish(self.engine.find_unless(key.as_ref(), is_replaced))? {
            Some(value) => Ok(value),
            None => self.try_get_or_create(key.as_ref(), create),
        }
    }
}

/// Changing a value in one step, depending on the current value.
///
/// If a call is dropped before it ends, its change is either made completely or not at all.
#[cfg(feature = "tokio")]
impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// Passes the fresh value of a key to a function that decides what happens to the key, as one atomic
    /// step, like [`Cache::compute`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cache::compute`].
    ///
    /// # Panics
    ///
    /// Panics if the function panics.
    ///
    /// ```
    /// use beaker::cache::{AsyncCache, Op};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let lives: AsyncCache<u32> = AsyncCache::in_memory(10);
    /// lives.put("Kimi", 1_u32).await?;
    /// let lose = |lives: Option<&u32>| match lives {
    ///     None => Op::Keep,
    ///     Some(1) => Op::Remove,
    ///     Some(lives) => Op::put(lives - 1),
    /// };
    /// assert_eq!(lives.compute("Kimi", lose).await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("and_compute_with", "compare_and_swap", "update"))]
    pub async fn compute(
        &self,
        key: impl KeyPart,
        decide: impl FnMut(Option<&V>) -> Op<V>,
    ) -> Result<Option<V>> {
        let key = WholeKey::of(&key);
        Ok(Box::pin(self.engine.compute(key.as_ref(), decide)).await?.after)
    }

    /// Computes a new value from the fresh value of a key, then stores and returns it, like
    /// [`Cache::upsert`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cache::compute`].
    ///
    /// # Panics
    ///
    /// Panics if the function panics.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let visits: AsyncCache<u64> = AsyncCache::in_memory(10);
    /// let one_more = |visits: Option<&u64>| visits.copied().unwrap_or(0) + 1;
    /// assert_eq!(visits.upsert("/standings", one_more).await?, 1);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("and_upsert_with", "update_or_insert"))]
    pub async fn upsert<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        make: impl FnMut(Option<&V>) -> M,
    ) -> Result<V> {
        let key = WholeKey::of(&key);
        Box::pin(self.engine.upsert(key.as_ref(), make)).await
    }

    /// Removes a key and returns its fresh value, like [`Cache::take`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cache::compute`].
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let codes: AsyncCache<u32> = AsyncCache::in_memory(10);
    /// codes.put("Kimi", 7421_u32).await?;
    /// assert_eq!(codes.take("Kimi").await?, Some(7421));
    /// assert_eq!(codes.take("Kimi").await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("pop", "pull", "getdel"))]
    pub async fn take(&self, key: impl KeyPart) -> Result<Option<V>> {
        let key = WholeKey::of(&key);
        Ok(Box::pin(self.engine.compute(key.as_ref(), |_| Op::Remove)).await?.before)
    }

    /// Returns the value of a key, but replaces a fresh value for which `is_replaced` returns `true`, like
    /// [`Cache::get_or_create_if`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cache::compute`] and of [`get_or_create`](AsyncCache::get_or_create).
    ///
    /// # Panics
    ///
    /// Panics if one of the functions panics.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
    /// cache.put("a", 3_u32).await?;
    /// let is_odd = |number: &u32| number % 2 == 1;
    /// assert_eq!(cache.get_or_create_if("a", is_odd, || async { 4_u32 }).await?, 4);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias("get_with_if", "or_insert_with_if"))]
    pub async fn get_or_create_if<M, F>(
        &self,
        key: impl KeyPart,
        is_replaced: impl FnMut(&V) -> bool,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V>
    where
        M: Into<CacheEntry<V>>,
        F: Future<Output = M> + Send + 'static,
    {
        let create = || async { Ok::<M, Error>(create().await) };
        self.try_get_or_create_if(key, is_replaced, create).await
    }

    /// Returns the value of a key, like [`get_or_create_if`](AsyncCache::get_or_create_if), with a loader
    /// that may fail.
    ///
    /// # Errors
    ///
    /// Returns the loader's own error, or an error of [`get_or_create_if`](AsyncCache::get_or_create_if).
    ///
    /// # Panics
    ///
    /// Panics if one of the functions panics.
    ///
    /// ```
    /// use beaker::cache::AsyncCache;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
    /// let create = || async { Ok::<u32, beaker::Error>(4) };
    /// assert_eq!(cache.try_get_or_create_if("a", |number| number % 2 == 1, create).await?, 4);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn try_get_or_create_if<M, E, F>(
        &self,
        key: impl KeyPart,
        is_replaced: impl FnMut(&V) -> bool,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>> + Send + 'static,
    {
        let key = WholeKey::of(&key);
        match Box::pin(self.engine.find_unless(key.as_ref(), is_replaced)).await? {
            Some(value) => Ok(value),
            None => self.try_get_or_create(key.as_ref(), create).await,
        }
    }
}

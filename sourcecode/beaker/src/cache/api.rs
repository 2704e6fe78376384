//! [`Cache`]: how to open a cache, its options and its operations.
//!
//! Code that a hit in memory does not need is kept in separate functions that are not inlined. They write
//! their result to the place of the return value, so that a value is moved once less. For a value of 200
//! bytes, that saves a tenth of the time of a hit.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::{KeyPart, WholeKey};
use super::engine::Engine;
use super::failure::{LoaderError, Plain};
use super::find::Step;
use super::freshness::Time;
use super::memory_options::MemoryOptions;
use super::policy::{CacheEntry, Executor, OnStoreFailure, OnTimeout};
use super::stats::Stats;
use super::storage::Place;
use crate::backend::Backend;
use crate::clock::Clock;
use crate::codec::{Bincode, Codec};
use crate::error::{Error, Result};
use crate::world::{World, finish};

/// Stores values by key and computes missing values with a loader.
///
/// A clone is a handle to the same cache and may have other options, for example for a single call:
/// `cache.clone().ttl(time)`.
///
/// | cache | stored form of values | shared by | cost of a hit |
/// |---|---|---|---|
/// | [`Cache::in_memory`] | the values themselves; put large ones in an `Arc`, because a hit clones the value | the threads of this process | a lookup and a clone |
/// | [`Cache::new`] | bytes, written by a codec | all programs that share the backend | one round trip |
/// | [`Cache::local_tier`] | both | the same programs, with a short delay | a lookup and a clone |
///
/// See the [module](crate::cache) for an example.
#[must_use]
pub struct Cache<V> {
    pub(super) engine: Engine<V>,
}

/// Constructors.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Opens a cache in the memory of this process. Values are stored as they are, without a codec.
    ///
    /// The cache never holds more than `capacity` values. It may hold slightly fewer, because it is divided
    /// into parts of equal size so that several threads can write at once. When a part is full, its least
    /// used values are evicted. With a capacity of 0, nothing is kept and each call computes its value.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10_000);
    /// assert_eq!(cache.get_or_create("Kimi", || 110)?, 110);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("max_capacity", "builder"))]
    pub fn in_memory(capacity: usize) -> Cache<V> {
        Cache { engine: Engine::in_memory(MemoryOptions::new(capacity), World::Threads) }
    }

    /// Opens a cache in a backend. The name separates its values from those of other caches in that
    /// backend.
    ///
    /// Values are encoded with bincode; [`with_codec`](Cache::with_codec) accepts another codec. Nothing is
    /// read or written until the first call.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let backend = Backend::memory();
    /// let points: Cache<u32> = Cache::new(backend.clone(), "points");
    /// let races: Cache<u32> = Cache::new(backend, "races");
    /// points.put("Kimi", 110_u32)?;
    /// assert_eq!(races.get("Kimi")?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(backend: Backend, name: &str) -> Cache<V>
    where
        V: Serialize + DeserializeOwned,
    {
        Cache::with_codec(backend, name, Bincode)
    }

    /// Opens a cache in a backend, like [`new`](Cache::new), but with another codec than bincode.
    ///
    /// A value that was written by another codec counts as missing, and as [`damaged`](Cache::damaged).
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::Cache;
    /// use beaker::codec::Json;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<Vec<String>> = Cache::with_codec(Backend::memory(), "drivers", Json);
    /// cache.put("Ferrari", vec!["Kimi".to_owned(), "Felipe".to_owned()])?;
    /// assert_eq!(cache.get("Ferrari")?.map(|drivers| drivers.len()), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_codec(backend: Backend, name: &str, codec: impl Codec<V>) -> Cache<V> {
        Cache { engine: Engine::placed(backend.into(), name, codec, Place::default()) }
    }
}

/// Options. Each one applies to this handle only; other handles to the same cache keep theirs.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Sets the time to live: how long a value is fresh after it is written. Default: forever.
    ///
    /// [`CacheEntry::ttl`] sets it for a single value. A change applies to values that this handle writes
    /// from then on; values that are already stored keep theirs.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    /// use beaker::{ManualClock, Timestamp};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    /// let cache: Cache<i32> = Cache::in_memory(10).clock(clock.clone()).ttl(Duration::from_secs(60));
    /// cache.put("Kimi", 110)?;
    /// assert_eq!(cache.get("Kimi")?, Some(110));
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(cache.get("Kimi")?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("expire", "time_to_live", "expiration_time", "expire_after_write"))]
    pub fn ttl(mut self, time: Duration) -> Cache<V> {
        self.engine.policy.ttl = Some(time);
        self
    }

    /// Sets for how long after it expires a value may still be returned: while another call computes the
    /// new value, and when that computation fails. Default: zero, so that an expired value is never
    /// returned.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    /// use beaker::{ManualClock, Timestamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    /// let cache: Cache<i32> = Cache::in_memory(10).clock(clock.clone());
    /// let cache = cache.ttl(Duration::from_secs(60)).stale_for(Duration::from_secs(600));
    /// cache.put("Kimi", 110)?;
    /// clock.advance(Duration::from_secs(61));
    /// let fails = || Err::<i32, Box<dyn std::error::Error>>("the source is down".into());
    /// assert_eq!(cache.try_get_or_create("Kimi", fails)?, 110);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "stale_while_revalidate")]
    pub fn stale_for(mut self, time: Duration) -> Cache<V> {
        self.engine.stale_for(time);
        self
    }

    /// Shortens the time to live of each value by a random part of it, up to `part`, so that values which
    /// were computed together do not all expire together. Default: 0.
    ///
    /// `part` lies between 0 and 1. A smaller number or NaN counts as 0, a larger number as 1.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    ///
    /// // Each value is fresh for 54 to 60 seconds.
    /// let cache: Cache<u32> = Cache::in_memory(10).ttl(Duration::from_secs(60)).jitter(0.1);
    /// ```
    pub fn jitter(mut self, part: f64) -> Cache<V> {
        self.engine.policy.set_jitter(part);
        self
    }

    /// Recomputes values before they expire, at random. The probability grows as the expiry comes closer,
    /// and with the time that the last computation took. Default: 0, which never recomputes early.
    ///
    /// An eagerness of 1 is the theoretical optimum (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal
    /// Probabilistic Cache Stampede Prevention"); a larger number recomputes sooner. A key that is in
    /// constant use then never expires. A negative number or NaN counts as 0.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    ///
    /// let cache: Cache<u32> = Cache::in_memory(10).ttl(Duration::from_secs(60)).refresh_early(1.0);
    /// ```
    pub fn refresh_early(mut self, eagerness: f64) -> Cache<V> {
        self.engine.policy.set_eagerness(eagerness);
        self
    }

    /// Sets how long a failure of a loader is remembered. Default: 100 milliseconds. With zero, failures
    /// are not remembered.
    ///
    /// During that time, calls for the key return the same error, or the stale value if there is one, and
    /// no loader runs. [`put`](Cache::put) and [`remove`](Cache::remove) forget the failure.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    /// use beaker::{ManualClock, Timestamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    /// let cache: Cache<i32> = Cache::in_memory(10).clock(clock.clone()).error_ttl(Duration::from_secs(5));
    /// let fails = || Err::<i32, Box<dyn std::error::Error>>("the source is down".into());
    /// assert!(cache.try_get_or_create("Kimi", fails).is_err());
    /// assert!(cache.get_or_create("Kimi", || 110).is_err(), "the failure is remembered, so the loader does not run");
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(cache.get_or_create("Kimi", || 110)?, 110);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "back_off")]
    pub fn error_ttl(mut self, time: Duration) -> Cache<V> {
        self.engine.policy.error_ttl = time;
        self
    }

    /// Limits how long a call waits for another call that computes the value, and sets what happens after
    /// that. Default: no limit, the call waits until the computation ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::{Cache, OnTimeout};
    ///
    /// let patience = Duration::from_millis(200);
    /// let cache: Cache<u32> = Cache::in_memory(10).wait_timeout(patience, OnTimeout::Create);
    /// ```
    #[doc(alias = "lock_timeout")]
    pub fn wait_timeout(mut self, time: Duration, then: OnTimeout) -> Cache<V> {
        self.engine.policy.wait_timeout = Some(time);
        self.engine.policy.on_timeout = then;
        self
    }

    /// Sets whether a stale value is returned instead of the error when the loader fails. Default: `true`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    /// use beaker::{ManualClock, Timestamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    /// let cache: Cache<i32> = Cache::in_memory(10).clock(clock.clone()).stale_on_failure(false);
    /// let cache = cache.ttl(Duration::from_secs(60)).stale_for(Duration::from_secs(600));
    /// cache.put("Kimi", 110)?;
    /// clock.advance(Duration::from_secs(61));
    /// let fails = || Err::<i32, Box<dyn std::error::Error>>("the source is down".into());
    /// assert!(cache.try_get_or_create("Kimi", fails).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stale_on_failure(mut self, stale: bool) -> Cache<V> {
        self.engine.policy.stale_on_failure = stale;
        self
    }

    /// Sets what a call does when the store fails, for example because its server does not answer or its
    /// disk is full. Default: [`OnStoreFailure::Fail`].
    ///
    /// With [`Bypass`](OnStoreFailure::Bypass), an application keeps working while the store is down. A
    /// requested value then counts as missing; it is computed by one call at a time in this process, and is
    /// not kept. Each such call is counted in [`Stats::bypassed`]. [`put`](Cache::put),
    /// [`remove`](Cache::remove), [`peek`](Cache::peek), [`contains`](Cache::contains) and the
    /// invalidations still return the error, because the caller would not notice otherwise that they had no
    /// effect.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Cache, OnStoreFailure};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<u32> = Cache::new(Backend::memory(), "points");
    /// let cache = cache.on_store_failure(OnStoreFailure::Bypass);
    /// assert_eq!(cache.get_or_create("Kimi", || 110_u32)?, 110);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("fail_open", "ignore_exceptions"))]
    pub fn on_store_failure(mut self, then: OnStoreFailure) -> Cache<V> {
        self.engine.policy.on_store_failure = then;
        self
    }

    /// Sets the executor, such as a thread pool, that runs the loaders of
    /// [`get_or_refresh`](Cache::get_or_refresh). Default: a new thread for each loader, at most 64 at a
    /// time.
    ///
    /// An executor that is full may drop the work: the value then stays stale, and the next call tries
    /// again. If the executor panics, the panic reaches the call that asked for the value.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::cache::{Cache, Executor};
    ///
    /// // Runs the work at once.
    /// let at_once: Executor = Arc::new(|work| work());
    /// let cache: Cache<u32> = Cache::in_memory(10).executor(at_once);
    /// ```
    #[doc(alias("async_creation_runner", "run_in"))]
    pub fn executor(mut self, executor: Executor) -> Cache<V> {
        self.engine.policy.executor = Some(executor);
        self
    }

    /// Sets the clock that decides when values expire. Default: the system clock.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::cache::Cache;
    /// use beaker::{ManualClock, Timestamp};
    ///
    /// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    /// let cache: Cache<u32> = Cache::in_memory(10).clock(clock);
    /// ```
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Cache<V> {
        self.engine.time = Time::Of(clock);
        self
    }

    /// Adds a local tier: memory of this process in front of the store. It holds at most `capacity` values
    /// and uses each of them for `time` before it asks the store again.
    ///
    /// A hit in the local tier costs as much as a hit in memory. Changes and invalidations by other
    /// processes become visible up to `time` later; those made through this handle are visible at once. The
    /// original handle, on which this method was called, does not use the tier. A cache in memory is
    /// returned unchanged.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<u32> = Cache::new(Backend::memory(), "points");
    /// let cache = cache.local_tier(1_000, Duration::from_secs(1));
    /// cache.put("Kimi", 110_u32)?;
    /// assert_eq!(cache.get("Kimi")?, Some(110), "a hit in the local tier");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("in a backend, with a local tier", "l1"))]
    pub fn local_tier(self, capacity: usize, time: Duration) -> Cache<V> {
        Cache { engine: self.engine.local_tier(capacity, time) }
    }
}

/// Reading and computing values.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Returns the value of a key if it is fresh, or `None` if it is missing or has expired.
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
    /// assert_eq!(cache.get("Kimi")?, None);
    /// cache.put("Kimi", 110)?;
    /// assert_eq!(cache.get("Kimi")?, Some(110));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "get_if_present")]
    #[inline(always)]
    pub fn get(&self, key: impl KeyPart) -> Result<Option<V>> {
        let (key, engine) = (WholeKey::of(&key), &self.engine);
        let mut found = Ok(engine.shared.storage.fresh(key.as_ref(), &engine.time));
        match found {
            Ok(Some(_)) => engine.shared.recorder.hit(),
            _ => self.get_behind(key.as_ref(), &mut found),
        }
        found
    }

    #[cold]
    #[inline(never)]
    fn get_behind(&self, key: &[u8], found: &mut Result<Option<V>>) {
        *found = finish(self.engine.find(key));
    }

    /// Returns the value of a key, and computes it with the loader `create` if there is no fresh one.
    ///
    /// When several calls miss the same key at the same time, one of them runs its loader. The others wait
    /// for the result, or return the stale value at once if there is one. The loader returns a plain value,
    /// or a [`CacheEntry`] to set the time to live or tags of that value.
    ///
    /// # Errors
    ///
    /// - Any error of the store.
    /// - `ErrorKind::WouldDeadlock` if the loader asks for its own key.
    /// - `ErrorKind::Creation` if the loader of another call failed, either while this call waited for it
    ///   or [recently](Cache::error_ttl).
    /// - `ErrorKind::Unavailable` if the [`wait_timeout`](Cache::wait_timeout) has passed.
    ///
    /// # Panics
    ///
    /// Panics if the loader panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// assert_eq!(cache.get_or_create("Kimi", || 25 + 18 + 15)?, 58);
    /// let never = || -> i32 { unreachable!("the value is cached") };
    /// assert_eq!(cache.get_or_create("Kimi", never)?, 58);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("get_with", "get_or_insert_with"))]
    #[inline]
    pub fn get_or_create<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> M,
    ) -> Result<V> {
        self.try_get_or_create(key, || Ok::<M, Error>(create()))
    }

    /// Returns the value of a key, like [`get_or_create`](Cache::get_or_create), with a loader that may
    /// fail.
    ///
    /// The loader's error is returned to the call whose loader it was. Calls that waited for it return
    /// `ErrorKind::Creation` with the text of that error. If there is a stale value, all of them return
    /// that value instead (see [`stale_on_failure`](Cache::stale_on_failure)). A panic counts as a failure
    /// too, and is resumed in the call whose loader panicked.
    ///
    /// # Errors
    ///
    /// Returns the loader's own error, or an error of [`get_or_create`](Cache::get_or_create).
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// let fails = || Err::<i32, Box<dyn std::error::Error>>("the source is down".into());
    /// assert!(cache.try_get_or_create("Kimi", fails).is_err());
    /// assert_eq!(cache.get("Kimi")?, None, "a failure is not kept");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("try_get_with", "try_get_or_insert_with"))]
    #[inline]
    pub fn try_get_or_create<M, E>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let key = WholeKey::of(&key);
        let key = key.as_ref();
        let mut found = self.engine.fresh(key);
        if found.is_none() {
            self.fill(key, || create().map_err(Plain), &mut found).map_err(|Plain(error)| error)?;
        }
        match found {
            Some(value) => Ok(value),
            None => unreachable!("it was filled"),
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fill<M, E: LoaderError>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
        found: &mut Option<V>,
    ) -> Result<(), E>
    where
        M: Into<CacheEntry<V>>,
    {
        *found = Some(match finish(self.engine.find_or_lead(key))? {
            Step::Found(value) | Step::Stale(value, _) => value,
            Step::Load(load) => finish(self.engine.load(load, loader(create)))?,
        });
        Ok(())
    }

    /// Returns the value of a key, like [`try_get_or_create`](Cache::try_get_or_create), but never makes a
    /// call wait while there is a stale value: every call returns it at once, and the new value is computed
    /// in the background (stale-while-revalidate).
    ///
    /// The loader runs on a new thread, at most 64 at a time, or on the [`executor`](Cache::executor) if
    /// one is set. If no thread is free, the value stays stale until a later call. A missing value is
    /// computed by the call itself.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_get_or_create`](Cache::try_get_or_create). A failure in the background
    /// is counted in [`Stats::failures`], and no call returns it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::cache::Cache;
    /// use beaker::{ManualClock, Timestamp};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    /// let cache: Cache<i32> = Cache::in_memory(10).clock(clock.clone()).executor(Arc::new(|work| work()));
    /// let cache = cache.ttl(Duration::from_secs(60)).stale_for(Duration::from_secs(600));
    /// let points = |points| move || Ok::<i32, beaker::Error>(points);
    /// assert_eq!(cache.get_or_refresh("Kimi", points(100))?, 100);
    /// clock.advance(Duration::from_secs(61));
    /// assert_eq!(cache.get_or_refresh("Kimi", points(110))?, 100, "the old one, at once");
    /// assert_eq!(cache.get_or_refresh("Kimi", points(120))?, 110);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_or_refresh<M, E>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let key = WholeKey::of(&key);
        let key = key.as_ref();
        if let Some(value) = self.engine.fresh(key) {
            return Ok(value);
        }
        match finish(self.engine.find_or_refresh(key))? {
            Step::Found(value) => Ok(value),
            Step::Stale(value, refresh) => {
                if let Some(refresh) = refresh {
                    let engine = self.engine.clone();
                    let work = Box::new(move || {
                        finish(engine.refresh(refresh, loader(|| create().map_err(Plain))));
                    });
                    match &self.engine.policy.executor {
                        Some(executor) => executor(work),
                        None => {
                            drop(thread::Builder::new().name("beaker-refresh".into()).spawn(work));
                        }
                    }
                }
                Ok(value)
            }
            Step::Load(load) => {
                let loader = loader(|| create().map_err(Plain));
                finish(self.engine.load(load, loader)).map_err(|Plain(error)| error)
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
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", 110)?;
    /// let (points, age) = cache.peek("Kimi")?.expect("it was put");
    /// assert_eq!(points, 110);
    /// assert!(age.as_secs() < 60);
    /// # Ok(())
    /// # }
    /// ```
    pub fn peek(&self, key: impl KeyPart) -> Result<Option<(V, Duration)>> {
        finish(self.engine.peek(WholeKey::of(&key).as_ref()))
    }

    /// Returns whether the key has a fresh value. The statistics do not count this lookup.
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
    /// assert!(cache.contains("Kimi")? && !cache.contains("Felipe")?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "contains_key")]
    pub fn contains(&self, key: impl KeyPart) -> Result<bool> {
        finish(self.engine.contains(WholeKey::of(&key).as_ref()))
    }

    /// Returns the statistics of this cache in this process: hits, misses, computations, waits and more.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.get_or_create("Kimi", || 110)?;
    /// cache.get_or_create("Kimi", || 110)?;
    /// assert_eq!((cache.stats().hits, cache.stats().creations), (1, 1));
    /// # Ok(())
    /// # }
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
    /// use beaker::Backend;
    /// use beaker::cache::Cache;
    /// use beaker::codec::Json;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let backend = Backend::memory();
    /// let texts: Cache<String> = Cache::with_codec(backend.clone(), "points", Json);
    /// texts.put("Kimi", "110".to_owned())?;
    /// let numbers: Cache<u32> = Cache::new(backend, "points");
    /// assert_eq!(numbers.get("Kimi")?, None);
    /// assert_eq!(numbers.damaged(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.engine.shared.storage.damaged()
    }
}

/// Writing, removing and invalidating. A loader that is running meanwhile cannot undo any of these.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Stores a value: a plain one, or a [`CacheEntry`] to set its time to live or tags.
    ///
    /// A loader that is running meanwhile does not overwrite the value. In a store, this takes two round
    /// trips, because the current invalidations are read first: the value then counts as written after
    /// them.
    ///
    /// # Errors
    ///
    /// Returns any error of the codec or the store.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::cache::{Cache, CacheEntry};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", 110)?;
    /// cache.put("Felipe", CacheEntry::new(94).ttl(Duration::from_secs(60)).tag("season 2007"))?;
    /// assert_eq!(cache.get("Felipe")?, Some(94));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("insert", "set"))]
    pub fn put(&self, key: impl KeyPart, value: impl Into<CacheEntry<V>>) -> Result<()> {
        finish(self.engine.put(WholeKey::of(&key).as_ref(), value.into()))
    }

    /// Removes a key, and returns whether it had a value, fresh or stale. The result of a loader that is
    /// running for the key is not kept.
    ///
    /// In memory, if several callers remove the same value at the same time, exactly one of them gets
    /// `true`. In a store, the value is looked up before it is removed, so several may get `true`; use
    /// [`take`](Cache::take) to hand a value to exactly one caller.
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
    /// assert!(cache.remove("Kimi")?);
    /// assert!(!cache.remove("Kimi")?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("invalidate_key", "delete"))]
    pub fn remove(&self, key: impl KeyPart) -> Result<bool> {
        finish(self.engine.remove(WholeKey::of(&key).as_ref()))
    }

    /// Removes all values of this cache, and of no other cache. The results of running loaders are not
    /// kept.
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
    /// cache.clear()?;
    /// assert_eq!(cache.get("Kimi")?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "remove_all")]
    pub fn clear(&self) -> Result<()> {
        finish(self.engine.clear())
    }

    /// Invalidates all values: those computed so far, and the results of loaders that are running now,
    /// count as missing. Values written after this call returns are visible.
    ///
    /// No value is removed, so the call is as fast for a million values as for one. Other processes see the
    /// invalidation within a second, and it survives a restart. It is ordered by a count in the store
    /// rather than by a clock. Therefore it also works if a clock stands still or goes back, and between
    /// hosts whose clocks differ.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<u32> = Cache::new(Backend::memory(), "points");
    /// cache.put("Kimi", 110_u32)?;
    /// cache.invalidate()?;
    /// assert_eq!(cache.get("Kimi")?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "invalidate_all")]
    pub fn invalidate(&self) -> Result<()> {
        finish(self.engine.invalidate())
    }

    /// Invalidates all values softly: those computed so far count as stale, so that they are still returned
    /// while a new value is computed.
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
    /// cache.invalidate_softly()?;
    /// assert_eq!(cache.get("Kimi")?, None, "the value is stale");
    /// assert_eq!(cache.peek("Kimi")?.map(|(points, _)| points), Some(110));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "soft_invalidate")]
    pub fn invalidate_softly(&self) -> Result<()> {
        finish(self.engine.invalidate_softly())
    }

    /// Invalidates all values that have this [tag](CacheEntry::tag): those computed so far, and the results
    /// of loaders that are running now, count as missing.
    ///
    /// A store forgets the invalidation ten minutes after the longest time to live of a value with tags.
    /// For that reason, if a loader takes more than five minutes and a tag is invalidated meanwhile, its
    /// value is returned to the caller but not kept.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the tag is empty, or any error of the store.
    ///
    /// ```
    /// use beaker::cache::{Cache, CacheEntry};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", CacheEntry::new(110).tag("season 2007"))?;
    /// cache.put("Jackie", CacheEntry::new(71).tag("season 1969"))?;
    /// cache.invalidate_tag("season 2007")?;
    /// assert_eq!((cache.get("Kimi")?, cache.get("Jackie")?), (None, Some(71)));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("invalidate_entries_if", "delete_by_tag"))]
    pub fn invalidate_tag(&self, tag: &str) -> Result<()> {
        finish(self.engine.invalidate_tag(tag))
    }
}

/// Turns a blocking function into a loader: the function is called when the future is polled.
async fn loader<V, M, E>(create: impl FnOnce() -> Result<M, E>) -> Result<CacheEntry<V>, E>
where
    M: Into<CacheEntry<V>>,
{
    create().map(Into::into)
}

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Cache<V> {
        Cache { engine: self.engine.clone() }
    }
}

/// Shows where the values are stored, but none of the values.
impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.show("Cache", f)
    }
}

//! [`Cache`]: opening it, its options, and what it is asked for and told.
//!
//! What a hit in memory does not need is apart, in functions that the compiler leaves alone. They fill
//! the place where a hit would be: so a value is moved once less than if it were taken apart and put
//! together again, and that is a tenth of a hit for one of 200 bytes.

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

/// Keeps values by key, and makes those that are missing. A clone is the same cache, and may have other
/// options, for one call say: `cache.clone().ttl(time)`.
///
/// | cache of | values are kept as | shared by | a hit costs |
/// |---|---|---|---|
/// | [`Cache::in_memory`] | they are; in an `Arc`, a clone of one is cheap | threads | a look-up and a clone |
/// | [`Cache::new`] | bytes, through a codec | all who share the backend | one round trip |
/// | [`Cache::local_tier`] | both | the same, a little later | a look-up and a clone |
///
/// See the [module](crate::cache) for an example.
#[must_use]
pub struct Cache<V> {
    pub(super) engine: Engine<V>,
}

/// Opening a cache.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Opens a cache in the memory of this process, with values as they are.
    ///
    /// It never holds more than `capacity` values, and may hold a few less: it has parts of equal size,
    /// so that several threads can write at once. The values that are used least make room. With a
    /// capacity of 0 nothing is kept, and each value is made when it is asked for.
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

    /// Opens a cache in a backend, under a name that keeps its values apart from those of other caches.
    ///
    /// Values are encoded with bincode; [`with_codec`](Cache::with_codec) takes another codec. Nothing is
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

    /// Opens a cache in a backend, as [`new`](Cache::new), with another codec than bincode.
    ///
    /// What another codec has written counts as missing, and as [`damaged`](Cache::damaged).
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

/// The options, each for one handle: the same values, by other rules.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Sets how long a value is fresh, from when it is written. Default: for ever.
    ///
    /// [`CacheEntry::ttl`] sets it for one value. A change holds for what is written through this handle
    /// from now on.
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

    /// Sets for how long after its expiry a value may still be given: while a new one is made, and when a
    /// new one cannot be made. Default: zero.
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

    /// Lets values expire sooner by chance, by up to this part of their time to live, so that what was
    /// made together does not expire together. Default: 0.
    ///
    /// The part is between 0 and 1: less counts as 0, more as 1, and what is no number as 0.
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

    /// Makes a value anew before it expires, by chance: the more likely, the closer its end is and the
    /// longer its making took. Default: 0, which is never.
    ///
    /// An eagerness of 1 is what the theory says (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal
    /// Probabilistic Cache Stampede Prevention"); more refreshes sooner. So a key that is in use all the
    /// time never expires. What is negative or no number counts as 0.
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

    /// Sets for how long a failure of a creator is remembered. Default: 100 milliseconds; zero remembers
    /// nothing.
    ///
    /// For that time, whoever asks for the key gets the error of the failure, or the stale value, and no
    /// creator is called. [`put`](Cache::put) and [`remove`](Cache::remove) forget the failure.
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
    /// assert!(cache.get_or_create("Kimi", || 110).is_err(), "it is not called");
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

    /// Limits how long a call waits for a value that another call makes, and says what it does then.
    /// Default: a call waits until the other one has ended.
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

    /// Sets whether a stale value is given when the creator fails, in place of its error. Default:
    /// `true`.
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

    /// Sets what a call does when the store fails: when its server does not answer, say, or its disk is
    /// full. Default: [`OnStoreFailure::Fail`].
    ///
    /// With [`Bypass`](OnStoreFailure::Bypass) a page goes on while the store is down: what is asked for
    /// counts as missing, and is made, by one call at a time in this process, and not kept. Each such call
    /// is counted in [`Stats::bypassed`]. [`put`](Cache::put), [`remove`](Cache::remove), `peek`, `contains`
    /// and the invalidations fail nevertheless: nobody else would know that they were not done.
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

    /// Sets what runs the creators of [`get_or_refresh`](Cache::get_or_refresh): a pool of threads, say.
    /// Default: a thread for each, and 64 at most at the same time.
    ///
    /// An executor that is full may drop the work: the value stays stale, and the next call tries again.
    /// One that panics does so in the call that asked for the value.
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

    /// Sets the clock. Default: the system's.
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

    /// Puts memory of this process in front of the store: `capacity` values at most, each believed for
    /// `time`.
    ///
    /// A hit there costs what memory costs. What other processes change or invalidate is seen up to
    /// `time` later; what is done through this handle, at once. The handle that this was called on goes
    /// past the memory. A cache in memory stays as it is.
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
    /// assert_eq!(cache.get("Kimi")?, Some(110), "from the memory");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("in a backend, with a local tier", "l1"))]
    pub fn local_tier(self, capacity: usize, time: Duration) -> Cache<V> {
        Cache { engine: self.engine.local_tier(capacity, time) }
    }
}

/// Asking for values.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Returns the fresh value of a key, or `None` if there is none or it has expired.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Returns the value of a key, and makes it with the function if there is no fresh one.
    ///
    /// Of all calls that miss the same key at the same time, one makes the value, and the others wait for
    /// it, or get the stale value at once. The function gives a plain value, or a [`CacheEntry`] with a
    /// time to live or tags of its own.
    ///
    /// # Errors
    ///
    /// What the store fails with; `ErrorKind::WouldDeadlock` if the function asks for its own key;
    /// `ErrorKind::Creation` if the function of another call failed while this one waited for it, or
    /// [lately](Cache::error_ttl); `ErrorKind::Unavailable` after a
    /// [`wait_timeout`](Cache::wait_timeout).
    ///
    /// # Panics
    ///
    /// Where the function panics.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// assert_eq!(cache.get_or_create("Kimi", || 25 + 18 + 15)?, 58);
    /// let never = || -> i32 { unreachable!("it is there") };
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

    /// Returns the value of a key, as [`get_or_create`](Cache::get_or_create), with a function that may
    /// fail.
    ///
    /// The function's error goes to the call whose function it was. Others who waited for it get
    /// `ErrorKind::Creation`, with the text of that error. If there is a stale value, all get that
    /// instead ([`stale_on_failure`](Cache::stale_on_failure)). A panic is such a failure as well, and
    /// then goes on in the call whose function it was.
    ///
    /// # Errors
    ///
    /// The function's own, and those of [`get_or_create`](Cache::get_or_create).
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

    /// Returns the value of a key, as [`try_get_or_create`](Cache::try_get_or_create); but a stale value
    /// is given to all at once, and a new one is made in the background.
    ///
    /// That is done by a thread, of 64 at most, or where the [`executor`](Cache::executor) says. If none
    /// is free, the value stays stale for now. What is missing is made in this call.
    ///
    /// # Errors
    ///
    /// Those of [`try_get_or_create`](Cache::try_get_or_create). A failure in the background is counted
    /// in [`Stats::failures`], and reaches nobody.
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

    /// Returns the value of a key also if it is stale, with the time since its making began. Not counted
    /// as a look.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Returns whether there is a fresh value. Not counted as a look.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Returns what this cache has done so far in this process: hits, misses, creations, waits and more.
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

    /// Returns how often something stored was damaged, or of another codec or type, and counted as
    /// missing.
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

/// Writing, removing and invalidating. Each of these wins over a creator that runs at the time.
impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Keeps a value: a plain one, or a [`CacheEntry`] with a time to live or tags of its own.
    ///
    /// A creator that runs at the time does not overwrite it. In a store this is two round trips: what
    /// was invalidated so far is read first, so that the value counts as written after that.
    ///
    /// # Errors
    ///
    /// What the codec and the store fail with.
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

    /// Removes a key, and returns whether it had a value, fresh or stale. What is being made for it is not
    /// kept.
    ///
    /// In memory, of several who remove a value at the same time one is told that it was there. In a store
    /// it is looked for before, so all of them may be; [`take`](Cache::take) gives it to one.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Removes everything of this cache, and nothing of any other. What is being made is not kept.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Invalidates all values: what was made until now, or is being made, counts as gone, and whatever is
    /// written after this has returned is seen.
    ///
    /// Nothing is removed, so this takes no longer for a million values than for one. Other processes see
    /// it within a second, and it stays after a restart. The order is that of a count, which the store
    /// keeps, and not of a clock: it holds on a clock that stands still or goes back, and between hosts
    /// whose clocks differ.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Invalidates all values softly: what was made until now counts as stale, and is given while a new
    /// one is made.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.put("Kimi", 110)?;
    /// cache.invalidate_softly()?;
    /// assert_eq!(cache.get("Kimi")?, None, "none that is fresh");
    /// assert_eq!(cache.peek("Kimi")?.map(|(points, _)| points), Some(110));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "soft_invalidate")]
    pub fn invalidate_softly(&self) -> Result<()> {
        finish(self.engine.invalidate_softly())
    }

    /// Invalidates the values that have this [tag](CacheEntry::tag): what was made until now, or is being
    /// made, counts as gone.
    ///
    /// What a store keeps of it goes ten minutes after the longest life of a value with tags. A value
    /// whose making takes more than five minutes, and during which a tag is invalidated, is given to who
    /// asked and not kept.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for the empty text; what the store fails with.
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

/// The function of a blocking program, as a loader: it is called where that is polled.
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

/// Shows where values are kept, and none of them.
impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.show("Cache", f)
    }
}

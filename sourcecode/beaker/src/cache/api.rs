//! [`Cache`]: opening it, its options, and what it is asked for and told.
//!
//! What a hit in memory does not need is apart, in functions that the compiler leaves alone. They fill
//! the place where a hit would be: so a value is moved once less than if it were taken apart and put
//! together again, and that is a tenth of a hit for one of 200 bytes.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, Failures};
use super::flight::{Flights, Refreshes};
use super::freshness::{Freshness, InvalidationScope, Slot, Time};
use super::policy::{Begun, CacheEntry, Executor, OnTimeout, Policy};
use super::stats::{Recorder, Stats};
use super::storage::{LocalTier, Memory, Place, Remote, Storage};
use crate::backend::Backend;
use crate::clock::Clock;
use crate::codec::{Bincode, Codec};
use crate::error::{Error, Result};
use crate::store::Precondition;

/// Keeps values by key, and makes those that are missing. A clone is the same cache, and may have other
/// options, for one call say: `cache.clone().ttl(time)`.
///
/// | cache of | values are kept as | shared by | a hit costs |
/// |---|---|---|---|
/// | [`Cache::in_memory`] | they are; in an `Arc`, a clone of one is cheap | threads | a look-up and a clone |
/// | [`Cache::new`] | bytes, through a codec | all who share the back end | one round trip |
/// | [`Cache::local_tier`] | both | the same, a little later | a look-up and a clone |
///
/// See the [module](crate::cache) for an example.
pub struct Cache<V> {
    pub(super) shared: Arc<Shared<V>>,
    pub(super) policy: Policy,
    pub(super) time: Time,
}

/// What all handles of one cache share.
pub(super) struct Shared<V> {
    pub(super) storage: Storage<V>,
    pub(super) flights: Flights<V, Failure>,
    pub(super) failures: Failures,
    pub(super) refreshes: Refreshes,
    pub(super) recorder: Recorder,
    /// For how long a handle of this cache may give what has expired, at most: microseconds.
    pub(super) longest_stale: AtomicU64,
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
        Cache::on(Storage::Memory(Memory::new(capacity)))
    }

    /// Opens a cache in a back end, under a name that keeps its values apart from those of other caches.
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

    /// Opens a cache in a back end, as [`new`](Cache::new), with another codec than bincode.
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
        Cache::placed(backend, name, codec, Place::default())
    }

    pub(super) fn placed(
        backend: Backend,
        name: &str,
        codec: impl Codec<V>,
        place: Place,
    ) -> Cache<V> {
        let remote = Remote::new(backend, name, Arc::new(codec), place);
        Cache::on(Storage::Remote(Arc::new(remote)))
    }

    pub(super) fn on(storage: Storage<V>) -> Cache<V> {
        let shared = Shared {
            storage,
            flights: Flights::new(),
            failures: Failures::default(),
            refreshes: Refreshes::new(),
            recorder: Recorder::default(),
            longest_stale: AtomicU64::new(0),
        };
        Cache { shared: Arc::new(shared), policy: Policy::default(), time: Time::System }
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
        self.policy.ttl = Some(time);
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
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Some say this at each call, and a write would be passed around between the cores.
        if self.shared.longest_stale.load(Ordering::Relaxed) < micros {
            self.shared.longest_stale.fetch_max(micros, Ordering::Relaxed);
        }
        self.policy.stale_for = time;
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
        self.policy.set_jitter(part);
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
        self.policy.set_eagerness(eagerness);
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
        self.policy.error_ttl = time;
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
        (self.policy.wait_timeout, self.policy.on_timeout) = (Some(time), then);
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
        self.policy.stale_on_failure = stale;
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
        self.policy.executor = Some(executor);
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
        self.time = Time::Of(clock);
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
    #[doc(alias("in a back end, with a local tier", "l1"))]
    pub fn local_tier(self, capacity: usize, time: Duration) -> Cache<V> {
        let behind = match &self.shared.storage {
            Storage::Memory(_) => return self,
            Storage::Remote(remote) => Arc::clone(remote),
            // One memory is enough: this one takes the place of the other.
            Storage::Tiered(tier) => Arc::clone(&tier.behind),
        };
        let tier = LocalTier::new(Memory::new(capacity), time, behind);
        let Cache { policy, time, .. } = self;
        Cache { policy, time, ..Cache::on(Storage::Tiered(tier)) }
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
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<V>> {
        let mut found = Ok(self.shared.storage.fresh(key.as_ref(), &self.time));
        match found {
            Ok(Some(_)) => self.shared.recorder.hit(),
            _ => self.get_behind(key.as_ref(), &mut found),
        }
        found
    }

    #[cold]
    #[inline(never)]
    fn get_behind(&self, key: &[u8], found: &mut Result<Option<V>>) {
        *found = self.find(key);
    }

    fn find(&self, key: &[u8]) -> Result<Option<V>> {
        let seen = self.look(key)?;
        let fresh = self.freshness(&seen) == Freshness::Fresh;
        let found = seen.slot.filter(|_| fresh).map(|slot| slot.value);
        match found {
            Some(_) => self.shared.recorder.hit(),
            None => self.shared.recorder.miss(),
        }
        Ok(found)
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
        key: impl AsRef<[u8]>,
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
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let key = key.as_ref();
        let mut found = self.fresh(key);
        if found.is_none() {
            self.fill(key, create, &mut found)?;
        }
        match found {
            Some(value) => Ok(value),
            None => unreachable!("it was filled"),
        }
    }

    #[cold]
    #[inline(never)]
    fn fill<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
        found: &mut Option<V>,
    ) -> Result<(), E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        *found = Some(self.find_or_create(key, create)?);
        Ok(())
    }

    /// A hit in memory, if that is all there is to do.
    #[inline]
    pub(super) fn fresh(&self, key: &[u8]) -> Option<V> {
        if self.policy.eagerness > 0.0 {
            return None;
        }
        let fresh = self.shared.storage.fresh(key, &self.time);
        if fresh.is_some() {
            self.shared.recorder.hit();
        }
        fresh
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
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display,
    {
        let key = key.as_ref();
        match self.fresh(key) {
            Some(value) => Ok(value),
            None => self.find_or_refresh(key, create),
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
    pub fn peek(&self, key: impl AsRef<[u8]>) -> Result<Option<(V, Duration)>> {
        let seen = self.look(key.as_ref())?;
        let is_there = self.freshness(&seen) != Freshness::Gone;
        let slot = seen.slot.filter(|_| is_there);
        Ok(slot.map(|slot| (slot.value, self.time.now().since(slot.age.made_at))))
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
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.freshness(&self.look(key.as_ref())?) == Freshness::Fresh)
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
    pub fn stats(&self) -> Stats {
        self.shared.recorder.read()
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
    pub fn damaged(&self) -> u64 {
        self.shared.storage.damaged()
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
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl Into<CacheEntry<V>>) -> Result<()> {
        let (key, made, now) = (key.as_ref(), value.into(), self.time.now());
        let storage = &self.shared.storage;
        self.shared.failures.forget(key);
        self.before_flights(key, || {
            let begun = Begun { origin: storage.origin(None, &self.time)?, at: now };
            let age = self.policy.age(begun, now, Duration::ZERO, made.ttl, made.tags);
            let ttl = self.policy.store_ttl(&age, now);
            let slot = Slot { value: made.value, age };
            storage.keep(key, slot, ttl, Precondition::Always, &self.time).map(drop)
        })
    }

    /// Removes a key, and returns whether it had a value, fresh or stale. What is being made for it is
    /// not kept.
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
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let key = key.as_ref();
        let was_there = self.peek(key)?.is_some();
        self.shared.failures.forget(key);
        self.before_flights(key, || self.shared.storage.remove(key, self.time.now()))?;
        Ok(was_there)
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
        self.before_all_flights(|| self.shared.storage.clear(&self.time))
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
        self.before_all_flights(|| {
            self.shared.storage.invalidate(InvalidationScope::All, &self.time)
        })
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
        self.shared.storage.invalidate(InvalidationScope::Softly, &self.time)
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
        if tag.is_empty() {
            return Err(Error::config("a tag has a name; `invalidate` is for the whole cache"));
        }
        self.shared.storage.invalidate(InvalidationScope::Tag(tag), &self.time)?;
        self.shared.flights.outdate_all();
        Ok(())
    }

    /// Does something to a key so that it wins over whatever makes its value at the time. In memory no
    /// flight begins meanwhile. Over a network that would hold up everybody, and is not needed: there
    /// what is made is kept only over what was there before.
    fn before_flights<T>(&self, key: &[u8], act: impl FnOnce() -> Result<T>) -> Result<T> {
        let flights = &self.shared.flights;
        if self.shared.storage.remote().is_none() {
            return flights.cancel_while(key, act);
        }
        flights.cancel(key);
        let done = act();
        // A flight that began in between may have seen what was there before.
        flights.cancel(key);
        done
    }

    fn before_all_flights(&self, act: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.shared.storage.remote().is_none() {
            self.shared.failures.forget_all();
            return self.shared.flights.cancel_all_while(act);
        }
        self.cancel_all();
        let done = act();
        self.cancel_all();
        done
    }

    /// What is being made is not kept, and whoever asks from now on does not get it.
    pub(super) fn cancel_all(&self) {
        self.shared.flights.cancel_all();
        self.shared.failures.forget_all();
    }
}

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Cache<V> {
        Cache {
            shared: Arc::clone(&self.shared),
            policy: self.policy.clone(),
            time: self.time.clone(),
        }
    }
}

/// Shows where values are kept, and none of them.
impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.shared.storage {
            Storage::Memory(_) => "in memory",
            Storage::Remote(_) => "in a back end",
            Storage::Tiered(..) => "in a back end, with a local tier",
        };
        f.debug_struct("Cache").field("kept", &kind).field("policy", &self.policy).finish()
    }
}

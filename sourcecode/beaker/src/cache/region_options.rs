//! [`RegionOptions`]: where the caches of a region are stored, and by which rules.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::freshness::Time;
use super::policy::{KeyMangler, OnStoreFailure, OnTimeout, Policy};
#[cfg(feature = "python")]
use super::python::{BeakerCacheFormat, Chosen, DogpileFormat, SharedFormat};
use crate::backend::{AnyBackend, Backend};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lock::AnyLocks;
use crate::store::AnyStore;

/// The length of a hash and of the text that is kept before it.
const SHORTEST_KEY_LENGTH: usize = 80;

/// Sets where the caches of a region are stored, and by which rules.
#[derive(Debug, Clone)]
#[must_use]
pub struct RegionOptions {
    pub(super) backend: AnyBackend,
    /// How many values each cache holds, if they are kept in memory without a codec.
    pub(super) objects: Option<usize>,
    pub(super) policy: Policy,
    pub(super) key_mangler: Mangler,
    pub(super) key_length: Option<usize>,
    /// With whom the entries are shared, and in which form.
    #[cfg(feature = "python")]
    pub(super) shared: Option<SharedFormat>,
    pub(super) time: Time,
}

/// The function that changes keys, if there is one.
#[derive(Clone, Default)]
pub(super) struct Mangler(pub(super) Option<KeyMangler>);

impl Mangler {
    fn is_same(&self, other: &Mangler) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Mangler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "given" } else { "none" })
    }
}

impl RegionOptions {
    /// Creates options for caches in a backend. Values are kept forever, unless an option changes that.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::new(Backend::memory()).ttl(Duration::from_secs(60));
    /// # let _ = options;
    /// ```
    pub fn new(backend: Backend) -> RegionOptions {
        RegionOptions::of(backend.into())
    }

    /// Creates options for caches of an asynchronous program in a backend, for an
    /// [`AsyncRegion`](super::AsyncRegion).
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::AsyncBackend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::for_tasks(AsyncBackend::memory()).ttl(Duration::from_secs(60));
    /// # let _ = options;
    /// ```
    #[cfg(feature = "tokio")]
    pub fn for_tasks(backend: impl Into<crate::backend::AsyncBackend>) -> RegionOptions {
        RegionOptions::of(backend.into().0)
    }

    /// Creates options for caches in the memory of this process, without a codec, like
    /// [`Cache::in_memory`](crate::Cache::in_memory). Each cache of the region holds at most `capacity`
    /// values.
    ///
    /// Open the caches of such a region with [`Region::objects`](super::Region::objects). Their values may have
    /// any type, because they are not encoded.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::cache::{Region, RegionOptions};
    ///
    /// struct Standings(Vec<String>);
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::in_memory(1_000).ttl(Duration::from_secs(60)))?;
    /// let standings = region.objects::<Arc<Standings>>("standings")?;
    /// let computed = standings.get_or_create(2007_u16, || Arc::new(Standings(vec!["Kimi".to_owned()])))?;
    /// let found = standings.get(2007_u16)?.expect("it was computed");
    /// assert!(Arc::ptr_eq(&computed, &found) && found.0 == ["Kimi"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_memory(capacity: usize) -> RegionOptions {
        RegionOptions { objects: Some(capacity), ..RegionOptions::new(Backend::null()) }
    }

    fn of(backend: AnyBackend) -> RegionOptions {
        RegionOptions {
            backend,
            objects: None,
            policy: Policy::default(),
            key_mangler: Mangler::default(),
            key_length: None,
            #[cfg(feature = "python")]
            shared: None,
            time: Time::System,
        }
    }

    /// Sets the time to live: how long a value is fresh. Default: forever. See
    /// [`Cache::ttl`](crate::Cache::ttl).
    #[doc(alias("expire", "expiration_time"))]
    pub fn ttl(mut self, time: Duration) -> RegionOptions {
        self.policy.ttl = Some(time);
        self
    }

    /// Sets for how long after it expires a value may still be returned. Default: zero. See
    /// [`Cache::stale_for`](crate::Cache::stale_for).
    pub fn stale_for(mut self, time: Duration) -> RegionOptions {
        self.policy.stale_for = time;
        self
    }

    /// Shortens the time to live of each value by a random part of it, up to `part` (0 to 1). Default: 0.
    /// See [`Cache::jitter`](crate::Cache::jitter).
    pub fn jitter(mut self, part: f64) -> RegionOptions {
        self.policy.set_jitter(part);
        self
    }

    /// Recomputes values before they expire, at random. Default: 0, which never recomputes early. See
    /// [`Cache::refresh_early`](crate::Cache::refresh_early).
    pub fn refresh_early(mut self, eagerness: f64) -> RegionOptions {
        self.policy.set_eagerness(eagerness);
        self
    }

    /// Sets what a call does when the store fails. Default: [`OnStoreFailure::Fail`]. See
    /// [`Cache::on_store_failure`](crate::Cache::on_store_failure).
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{OnStoreFailure, RegionOptions};
    ///
    /// let options = RegionOptions::new(Backend::memory()).on_store_failure(OnStoreFailure::Bypass);
    /// # let _ = options;
    /// ```
    #[doc(alias("fail_open", "ignore_exceptions"))]
    pub fn on_store_failure(mut self, then: OnStoreFailure) -> RegionOptions {
        self.policy.on_store_failure = then;
        self
    }

    /// Sets a function that turns each key into the key that the store uses: for example into a digest, or
    /// into a key that begins with the version of the program. Default: none, keys are used as they are.
    ///
    /// The function runs for each lookup in the store, but not for a hit in a [local
    /// tier](crate::Cache::local_tier). It must return different keys for different keys. Long keys do not
    /// need it: see [`key_length`](RegionOptions::key_length). A region [in
    /// memory](RegionOptions::in_memory) ignores it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::Backend;
    /// use beaker::cache::{KeyMangler, RegionOptions};
    ///
    /// let versioned: KeyMangler = Arc::new(|key| [b"v2.", key].concat());
    /// let options = RegionOptions::new(Backend::memory()).key_mangler(versioned);
    /// # let _ = options;
    /// ```
    pub fn key_mangler(mut self, mangler: KeyMangler) -> RegionOptions {
        self.key_mangler = Mangler(Some(mangler));
        self
    }

    /// Limits the length of keys in bytes, to 80 or more: a longer key is shortened to its beginning and a
    /// SHA-256 hash. Default: no limit in the region. A store shortens keys that are too long for it in the
    /// same way; memcached, for example, allows 250 bytes.
    pub fn key_length(mut self, longest: usize) -> RegionOptions {
        self.key_length = Some(longest);
        self
    }

    /// Sets how long a failure of a loader is remembered. Default: 100 milliseconds. See
    /// [`Cache::error_ttl`](crate::Cache::error_ttl).
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::new(Backend::memory()).error_ttl(Duration::from_secs(5));
    /// # let _ = options;
    /// ```
    #[doc(alias = "back_off")]
    pub fn error_ttl(mut self, time: Duration) -> RegionOptions {
        self.policy.error_ttl = time;
        self
    }

    /// Limits how long a call waits for another call that computes the value, and sets what happens after
    /// that. Default: no limit. See [`Cache::wait_timeout`](crate::Cache::wait_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::{OnTimeout, RegionOptions};
    ///
    /// let patience = Duration::from_millis(200);
    /// let options = RegionOptions::new(Backend::memory()).wait_timeout(patience, OnTimeout::Create);
    /// # let _ = options;
    /// ```
    #[doc(alias = "lock_timeout")]
    pub fn wait_timeout(mut self, time: Duration, then: OnTimeout) -> RegionOptions {
        self.policy.wait_timeout = Some(time);
        self.policy.on_timeout = then;
        self
    }

    /// Sets whether a stale value is returned instead of the error when the loader fails. Default: `true`.
    /// See [`Cache::stale_on_failure`](crate::Cache::stale_on_failure).
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::new(Backend::memory()).stale_on_failure(false);
    /// # let _ = options;
    /// ```
    pub fn stale_on_failure(mut self, stale: bool) -> RegionOptions {
        self.policy.stale_on_failure = stale;
        self
    }

    /// Adds a local tier to each cache, which holds at most `capacity` values and uses each of them for
    /// `time`. Default: none. See [`Cache::local_tier`](crate::Cache::local_tier).
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::new(Backend::memory()).local_tier(1_000, Duration::from_secs(1));
    /// # let _ = options;
    /// ```
    #[doc(alias = "l1")]
    pub fn local_tier(mut self, capacity: usize, time: Duration) -> RegionOptions {
        self.policy.local_tier = Some((capacity, time));
        self
    }

    /// Shares the entries of this region's caches with a region of Python's dogpile.cache: they have the same
    /// keys in the same redis or memcached, and the form that dogpile.cache writes. Default: a form of this
    /// library's own.
    ///
    /// All caches of the region share one set of keys, as with dogpile.cache: the name of a cache is not a part
    /// of them. Keys must be texts, and [`DogpileFormat::function_key`] makes those of decorated functions. A
    /// backend in memory is accepted for tests of a program.
    ///
    /// # What is different in such a region
    ///
    /// - [`ttl`](RegionOptions::ttl) counts from the moment when a value was made, by the clock of the side that
    ///   made it, and each side judges by its own. The time to live of a single [`CacheEntry`](super::CacheEntry)
    ///   only limits how long the store keeps it.
    /// - An entry that cannot be read as the type of the cache's values is `ErrorKind::Codec`, and stays where it
    ///   is, until it is removed or something else is put there. Python raises an exception too. An entry of
    ///   another version of dogpile.cache is computed again.
    /// - [`invalidate`](super::Region::invalidate) and `invalidate_softly` apply to this process, as those of
    ///   dogpile.cache do: values that were made before that moment are invalid here. A removed key is
    ///   removed for both sides. A value that the other side has begun to compute by then is stored nevertheless.
    /// - `clear` and tags return `ErrorKind::Config`, because entries have no place for that. Failures of
    ///   loaders are remembered in this process only.
    ///
    /// # Errors
    ///
    /// `Region::configure` returns `ErrorKind::Config` for a store that dogpile.cache cannot read, and together
    /// with `local_tier`, `key_length`, `refresh_early`, `jitter` or `in_memory`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::{DogpileFormat, Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// let options = RegionOptions::new(Backend::memory()).ttl(Duration::from_secs(60));
    /// region.configure(options.shared_with_dogpile(DogpileFormat::json()))?;
    /// region.cache("points")?.put("points:Kimi", 110_u32)?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "python")]
    pub fn shared_with_dogpile(mut self, format: DogpileFormat) -> RegionOptions {
        self.shared = Some(SharedFormat::Dogpile(format));
        self
    }

    /// Shares the entries of this region's caches with Beaker's cache in Python: they have the same keys in the
    /// same redis, memcached or folder, and the form that Beaker writes. Default: a form of this library's own.
    ///
    /// The name of a cache is Beaker's namespace. Keys must be texts, and [`BeakerCacheFormat::function_key`]
    /// makes those of decorated functions. A backend in memory is accepted for tests of a program.
    ///
    /// What is different in such a region is what [`shared_with_dogpile`](RegionOptions::shared_with_dogpile)
    /// says, except for this: each entry says itself for how long it is fresh, so [`ttl`](RegionOptions::ttl)
    /// applies to what is written here; and in redis and files, `clear` removes the namespace for both sides.
    ///
    /// # Errors
    ///
    /// `Region::configure` returns `ErrorKind::Config` for a store that Beaker's cache cannot read, and together
    /// with `local_tier`, `key_length`, `refresh_early` or `in_memory`.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{BeakerCacheFormat, Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// let options = RegionOptions::new(Backend::memory());
    /// region.configure(options.shared_with_beaker(BeakerCacheFormat::new()))?;
    /// region.cache("standings")?.put("Kimi", 110_u32)?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "python")]
    pub fn shared_with_beaker(mut self, format: BeakerCacheFormat) -> RegionOptions {
        self.shared = Some(SharedFormat::Beaker(format));
        self
    }

    /// Sets the clock that decides when values expire. Default: the system clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> RegionOptions {
        self.time = Time::Of(clock);
        self
    }

    pub(super) fn check(&self, region: &str) -> Result<()> {
        let is_fit = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if region.is_empty() || !region.chars().all(is_fit) {
            let what =
                format!("the region `{region}` cannot be configured: its name goes into keys");
            return Err(Error::config(what + "; it has letters, digits, `_` and `-`"));
        }
        #[cfg(feature = "python")]
        if let Some(shared) = &self.shared {
            let chosen = Chosen {
                in_memory: self.objects.is_some(),
                local_tier: self.policy.local_tier.is_some(),
                key_length: self.key_length.is_some(),
                refresh_early: self.policy.eagerness > 0.0,
                jitter: self.policy.jitter > 0.0,
            };
            shared.check(region, &chosen)?;
        }
        match self.key_length {
            Some(length) if length < SHORTEST_KEY_LENGTH => Err(Error::config(format!(
                "the region `{region}` has a `key_length` of {length} bytes, and needs \
                 {SHORTEST_KEY_LENGTH} at least"
            ))),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "python")]
    fn is_shared_in_the_same_way(&self, other: &RegionOptions) -> bool {
        self.shared == other.shared
    }

    #[cfg(not(feature = "python"))]
    fn is_shared_in_the_same_way(&self, _: &RegionOptions) -> bool {
        true
    }

    /// Returns whether caches with these options would be the same.
    pub(super) fn is_same(&self, other: &RegionOptions) -> bool {
        let is_same_place = match (self.objects, other.objects) {
            (None, None) => is_same(&self.backend, &other.backend),
            (one, other) => one == other,
        };
        is_same_place
            && self.key_length == other.key_length
            && self.key_mangler.is_same(&other.key_mangler)
            && self.is_shared_in_the_same_way(other)
            && self.policy.gives_same(&other.policy)
    }
}

fn is_same(one: &AnyBackend, other: &AnyBackend) -> bool {
    let is_same_store = match (&one.store, &other.store) {
        (AnyStore::Blocking(one), AnyStore::Blocking(other)) => Arc::ptr_eq(one, other),
        #[cfg(feature = "tokio")]
        (AnyStore::Async(one), AnyStore::Async(other)) => Arc::ptr_eq(one, other),
        #[cfg(feature = "tokio")]
        _ => false,
    };
    is_same_store
        && match (&one.locks, &other.locks) {
            (AnyLocks::Blocking(one), AnyLocks::Blocking(other)) => Arc::ptr_eq(one, other),
            #[cfg(feature = "tokio")]
            (AnyLocks::Async(one), AnyLocks::Async(other)) => Arc::ptr_eq(one, other),
            #[cfg(feature = "tokio")]
            _ => false,
        }
}

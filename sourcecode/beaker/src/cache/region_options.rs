//! [`RegionOptions`]: where the caches of a region are kept, and by which rules.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::freshness::Time;
use super::policy::{KeyMangler, OnStoreFailure, OnTimeout, Policy};
use crate::backend::{AnyBackend, Backend};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lock::AnyLocks;
use crate::store::AnyStore;

/// A hash and what is kept before it need so much room.
const SHORTEST_KEY_LENGTH: usize = 80;

/// Says where the caches of a region are kept, and by which rules.
#[derive(Debug, Clone)]
#[must_use]
pub struct RegionOptions {
    pub(super) backend: AnyBackend,
    /// How many values each cache holds as they are, if that is where they are kept.
    pub(super) objects: Option<usize>,
    pub(super) policy: Policy,
    pub(super) key_mangler: Mangler,
    pub(super) key_length: Option<usize>,
    pub(super) time: Time,
}

/// What makes a key of a key, if anything does.
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
    /// Takes the backend of the caches. They keep what they have for ever, until an option says
    /// otherwise.
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

    /// Takes the backend of the caches of an asynchronous program: those of an
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

    /// Keeps the values in the memory of this process as they are, as [`Cache::in_memory`](crate::Cache::in_memory) does, and each
    /// cache of the region holds so many at most.
    ///
    /// Such a region has caches of any type, by [`Region::objects`](super::Region::objects), and none of
    /// their values is encoded.
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
    /// let made = standings.get_or_create(2007_u16, || Arc::new(Standings(vec!["Kimi".to_owned()])))?;
    /// let found = standings.get(2007_u16)?.expect("it was made");
    /// assert!(Arc::ptr_eq(&made, &found) && found.0 == ["Kimi"]);
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
            time: Time::System,
        }
    }

    /// Sets how long a value is fresh. Default: for ever. See [`Cache::ttl`](crate::Cache::ttl).
    #[doc(alias("expire", "expiration_time"))]
    pub fn ttl(mut self, time: Duration) -> RegionOptions {
        self.policy.ttl = Some(time);
        self
    }

    /// Sets for how long after its expiry a value may be given. Default: zero. See [`Cache::stale_for`](crate::Cache::stale_for).
    pub fn stale_for(mut self, time: Duration) -> RegionOptions {
        self.policy.stale_for = time;
        self
    }

    /// Lets values expire sooner by chance, by up to this part (0 to 1). Default: 0. See
    /// [`Cache::jitter`](crate::Cache::jitter).
    pub fn jitter(mut self, part: f64) -> RegionOptions {
        self.policy.set_jitter(part);
        self
    }

    /// Makes values anew before they expire, by chance. Default: 0. See [`Cache::refresh_early`](crate::Cache::refresh_early).
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

    /// Sets what makes of each key what the store is to know it by: a digest, or a key with the version of
    /// the program before it. Default: keys are as they are.
    ///
    /// It is called for each look in the store, and not for one in a [local tier](crate::Cache::local_tier). It must
    /// not make one of two keys. For keys that are too long it is not needed: see
    /// [`key_length`](RegionOptions::key_length). A region [in memory](RegionOptions::in_memory) has no use
    /// for it.
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

    /// Limits the length of keys, in bytes: a longer one is shortened to its beginning and a SHA-256. At
    /// least 80. Default: no limit here; a store shortens what is too long for it in the same way, as
    /// memcached's does with the 250 bytes that its server takes.
    pub fn key_length(mut self, longest: usize) -> RegionOptions {
        self.key_length = Some(longest);
        self
    }

    /// Sets for how long a failure of a creator is remembered. Default: 100 milliseconds. See
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

    /// Limits how long a call waits for a value that another call makes, and says what it does then.
    /// Default: until the other one has ended. See [`Cache::wait_timeout`](crate::Cache::wait_timeout).
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

    /// Sets whether a stale value is given when the creator fails. Default: `true`. See
    /// [`Cache::stale_on_failure`](crate::Cache::stale_on_failure).
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

    /// Keeps up to so many values of each cache in memory as well, and believes them for so long. Default:
    /// none. See [`Cache::local_tier`](crate::Cache::local_tier).
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

    /// Sets the clock. Default: the system's.
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
        match self.key_length {
            Some(length) if length < SHORTEST_KEY_LENGTH => Err(Error::config(format!(
                "the region `{region}` has a `key_length` of {length} bytes, and needs \
                 {SHORTEST_KEY_LENGTH} at least"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether caches of both would be the same.
    pub(super) fn is_same(&self, other: &RegionOptions) -> bool {
        let is_same_place = match (self.objects, other.objects) {
            (None, None) => is_same(&self.backend, &other.backend),
            (one, other) => one == other,
        };
        is_same_place
            && self.key_length == other.key_length
            && self.key_mangler.is_same(&other.key_mangler)
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

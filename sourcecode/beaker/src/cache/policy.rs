//! The rules by which a cache keeps and returns values: those of a handle, and those of a single entry.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::freshness::{Age, Origin, Tags};
use crate::clock::Timestamp;

/// Runs a loader in the background: a function that receives the work, starts it and returns at once. See
/// [`Cache::executor`](crate::Cache::executor), and `AsyncCache::executor`, whose work starts a task.
pub type Executor = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// Turns the key of a value into the key that the store uses. See
/// [`RegionOptions::key_mangler`](super::RegionOptions::key_mangler).
pub type KeyMangler = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Sets what a call does when it has waited for another call as long as the timeout allows. See
/// [`Cache::wait_timeout`](crate::Cache::wait_timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnTimeout {
    /// Returns `ErrorKind::Unavailable`.
    Fail,
    /// Computes the value in this call, in parallel with the other one, and does not keep it.
    Create,
}

/// Sets what a call does when the store fails, for example because its server does not answer or its disk
/// is full. See [`Cache::on_store_failure`](crate::Cache::on_store_failure).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// Returns the store's error.
    #[default]
    Fail,
    /// Continues without the store, as if it were empty.
    Bypass,
}

/// When the computation of a value began: on the clock, and in the order of invalidations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) at: Timestamp,
    pub(super) origin: Origin,
}

#[derive(Clone)]
pub(super) struct Policy {
    pub(super) ttl: Option<Duration>,
    pub(super) stale_for: Duration,
    /// The largest part of `ttl`, 0 to 1, by which values expire early at random.
    pub(super) jitter: f64,
    pub(super) eagerness: f64,
    pub(super) error_ttl: Duration,
    pub(super) wait_timeout: Option<Duration>,
    pub(super) on_timeout: OnTimeout,
    pub(super) stale_on_failure: bool,
    /// Of a region: how many values the local tier of each cache holds, and how long it uses each of them.
    pub(super) local_tier: Option<(usize, Duration)>,
    pub(super) on_store_failure: OnStoreFailure,
    pub(super) executor: Option<Executor>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            ttl: None,
            stale_for: Duration::ZERO,
            jitter: 0.0,
            eagerness: 0.0,
            error_ttl: Duration::from_millis(100),
            wait_timeout: None,
            on_timeout: OnTimeout::Fail,
            stale_on_failure: true,
            local_tier: None,
            on_store_failure: OnStoreFailure::Fail,
            executor: None,
        }
    }
}

impl Policy {
    pub(super) fn set_jitter(&mut self, part: f64) {
        self.jitter = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    }

    pub(super) fn set_eagerness(&mut self, eagerness: f64) {
        self.eagerness = if eagerness.is_finite() { eagerness.max(0.0) } else { 0.0 };
    }

    /// Returns whether both have the same rules, as far as a region sets them.
    pub(super) fn gives_same(&self, other: &Policy) -> bool {
        let rules =
            |it: &Policy| (it.ttl, it.stale_for, it.jitter, it.eagerness, it.on_store_failure);
        let waits = |it: &Policy| {
            (it.error_ttl, it.wait_timeout, it.on_timeout, it.stale_on_failure, it.local_tier)
        };
        rules(self) == rules(other) && waits(self) == waits(other)
    }

    /// Returns the age of a value that is stored now, and whose computation took this long.
    pub(super) fn age(
        &self,
        begun: Begun,
        now: Timestamp,
        cost: Duration,
        own_ttl: Option<Duration>,
        tags: Tags,
    ) -> Age {
        let ttl = own_ttl.or(self.ttl);
        let ttl = ttl.map(|time| match self.jitter {
            0.0 => time,
            jitter => time.mul_f64(1.0 - jitter * random_unit()),
        });
        let fresh_until = ttl.map(|time| now + time);
        Age { made_at: begun.at, origin: begun.origin, fresh_until, cost, tags }
    }

    /// Returns how long a store keeps a value: as long as it may be returned, including the time when it is
    /// stale.
    pub(super) fn store_ttl(&self, age: &Age, now: Timestamp) -> Option<Duration> {
        let until = age.fresh_until?;
        Some((until + self.stale_for).since(now).max(Duration::from_millis(1)))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("ttl", &self.ttl)
            .field("stale_for", &self.stale_for)
            .finish_non_exhaustive()
    }
}

/// Holds the result of a loader: a value, and optionally its own time to live and tags.
///
/// ```
/// use std::time::Duration;
/// use beaker::cache::CacheEntry;
///
/// let token = CacheEntry::new("b2f7ea4a").ttl(Duration::from_secs(300)).tag("user:17");
/// let rejected = CacheEntry::new("").not_kept();
/// # let _ = (token, rejected);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CacheEntry<V> {
    pub(super) value: V,
    /// `None` stands for the cache's own setting.
    pub(super) ttl: Option<Duration>,
    pub(super) tags: Tags,
    pub(super) is_kept: bool,
}

impl<V> CacheEntry<V> {
    /// Wraps a value. It is kept by the rules of the cache, unless an option changes them.
    pub fn new(value: V) -> CacheEntry<V> {
        CacheEntry { value, ttl: None, tags: None, is_kept: true }
    }

    /// Sets how long this value is fresh. Default: the [time to live](crate::Cache::ttl) of the cache.
    pub fn ttl(mut self, time: Duration) -> CacheEntry<V> {
        self.ttl = Some(time);
        self
    }

    /// Adds a tag, so that [`invalidate_tag`](crate::Cache::invalidate_tag) with this tag invalidates the
    /// value, together with all others that have it. Default: no tags. In a store, a value may have at most
    /// 255 tags of at most 65,535 bytes each.
    pub fn tag(mut self, tag: &str) -> CacheEntry<V> {
        let mut tags: Vec<Box<str>> = self.tags.as_deref().unwrap_or_default().to_vec();
        tags.push(tag.into());
        self.tags = Some(tags.into());
        self
    }

    /// Returns the value to the callers that wait for it, but does not keep it: a value that was stored
    /// before stays. Default: the value is kept.
    pub fn not_kept(mut self) -> CacheEntry<V> {
        self.is_kept = false;
        self
    }
}

impl<V> From<V> for CacheEntry<V> {
    fn from(value: V) -> CacheEntry<V> {
        CacheEntry::new(value)
    }
}

/// Returns a random number from 0 to 1. No secret depends on it.
pub(super) fn random_unit() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

//! By which rules a cache keeps and gives its values: those of a handle, and those of one entry.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::freshness::{Age, Origin, Tags};
use crate::clock::Timestamp;

/// Runs a creator in the background: it is given the work, and returns at once. See
/// [`Cache::executor`](crate::Cache::executor), and `AsyncCache::executor`, whose work starts a task.
pub type Executor = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// Makes of a key what a store is to know it by. See
/// [`RegionOptions::key_mangler`](super::RegionOptions::key_mangler).
pub type KeyMangler = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Says what a call does that has waited for another one as long as it may. See
/// [`Cache::wait_timeout`](crate::Cache::wait_timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnTimeout {
    /// Fails, with `ErrorKind::Unavailable`.
    Fail,
    /// Makes the value itself, beside the other one, and does not keep it.
    Create,
}

/// Says what a call does when the store fails: when its server does not answer, say, or its disk is full.
/// See [`Cache::on_store_failure`](crate::Cache::on_store_failure).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// Fails, with the store's error.
    #[default]
    Fail,
    /// Goes on without the store, as if nothing were in it.
    Bypass,
}

/// When the making of a value began: on the clock, and among invalidations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) at: Timestamp,
    pub(super) origin: Origin,
}

#[derive(Clone)]
pub(super) struct Policy {
    pub(super) ttl: Option<Duration>,
    pub(super) stale_for: Duration,
    /// A part of `ttl`, 0 to 1, by which values expire sooner by chance.
    pub(super) jitter: f64,
    pub(super) eagerness: f64,
    pub(super) error_ttl: Duration,
    pub(super) wait_timeout: Option<Duration>,
    pub(super) on_timeout: OnTimeout,
    pub(super) stale_on_failure: bool,
    /// Of a region: how many values each cache keeps in memory as well, and how long it believes them.
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

    /// Whether both keep and give the same, as far as a region says it.
    pub(super) fn gives_same(&self, other: &Policy) -> bool {
        let rules =
            |it: &Policy| (it.ttl, it.stale_for, it.jitter, it.eagerness, it.on_store_failure);
        let waits = |it: &Policy| {
            (it.error_ttl, it.wait_timeout, it.on_timeout, it.stale_on_failure, it.local_tier)
        };
        rules(self) == rules(other) && waits(self) == waits(other)
    }

    /// The age of a value that is stored now, and whose making took so long.
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

    /// How long a store keeps a value: as long as it may be given, stale too.
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

/// Holds what a creator gives: a value, and a time to live or tags of its own.
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
    /// `None` is as the cache says.
    pub(super) ttl: Option<Duration>,
    pub(super) tags: Tags,
    pub(super) is_kept: bool,
}

impl<V> CacheEntry<V> {
    /// Wraps a value, which is kept as the cache says until an option says otherwise.
    pub fn new(value: V) -> CacheEntry<V> {
        CacheEntry { value, ttl: None, tags: None, is_kept: true }
    }

    /// Sets how long this value is fresh. Default: the [time to live](crate::Cache::ttl) of the cache.
    pub fn ttl(mut self, time: Duration) -> CacheEntry<V> {
        self.ttl = Some(time);
        self
    }

    /// Adds a tag: the value goes when [`invalidate_tag`](crate::Cache::invalidate_tag) names it, as do
    /// all others that have it. Default: no tags. A store takes 255 tags of 65,535 bytes at most.
    pub fn tag(mut self, tag: &str) -> CacheEntry<V> {
        let mut tags: Vec<Box<str>> = self.tags.as_deref().unwrap_or_default().to_vec();
        tags.push(tag.into());
        self.tags = Some(tags.into());
        self
    }

    /// Gives the value to those who wait for it now, and does not keep it: what was there before stays.
    /// Default: it is kept.
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

/// A random number from 0 to 1. Nothing secret depends on it.
pub(super) fn random_unit() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

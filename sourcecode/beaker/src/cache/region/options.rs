//! [`RegionOptions`]: what holds for the caches of a region.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::cache::policy::Policy;
use crate::cache::time::Time;
use crate::clock::Clock;
use crate::error::{Error, Result};

/// A hash and what is kept before it need so much room.
const SHORTEST_KEY_LENGTH: usize = 80;

/// What holds for the caches of a region.
#[derive(Debug, Clone)]
pub struct RegionOptions {
    pub(super) backend: Backend,
    pub(super) policy: Policy,
    pub(super) key_length: Option<usize>,
    pub(super) time: Time,
}

impl RegionOptions {
    /// Caches in this back end, that keep what they have for ever.
    pub fn new(backend: Backend) -> RegionOptions {
        RegionOptions { backend, policy: Policy::default(), key_length: None, time: Time::System }
    }

    /// Values are fresh for so long.
    pub fn expire(mut self, time: Duration) -> RegionOptions {
        self.policy.expire = Some(time);
        self
    }

    /// As [`Cache::stale_for`](crate::Cache::stale_for) for each of its caches.
    pub fn stale_for(mut self, time: Duration) -> RegionOptions {
        self.policy.stale_for = time;
        self
    }

    /// As [`Cache::jitter`](crate::Cache::jitter) for each of its caches.
    pub fn jitter(mut self, part: f64) -> RegionOptions {
        self.policy.set_jitter(part);
        self
    }

    /// As [`Cache::refresh_early`](crate::Cache::refresh_early) for each of its caches.
    pub fn refresh_early(mut self, eagerness: f64) -> RegionOptions {
        self.policy.set_eagerness(eagerness);
        self
    }

    /// A key of more bytes is shortened to its beginning and a hash; 80 at least. Without this, a
    /// store shortens what is too long for it.
    pub fn key_length(mut self, longest: usize) -> RegionOptions {
        self.key_length = Some(longest);
        self
    }

    /// Goes by another clock than the system's.
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
        Arc::ptr_eq(&self.backend.store, &other.backend.store)
            && Arc::ptr_eq(&self.backend.locks, &other.backend.locks)
            && self.key_length == other.key_length
            && self.policy.gives_same(&other.policy)
    }
}

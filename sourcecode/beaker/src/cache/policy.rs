//! By which rules a cache keeps and gives its values.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::age::{Age, Origin};
use super::made::Tags;
use crate::clock::Timestamp;

/// What runs a creator in the background: it is given the work, and returns at once.
pub type Runner = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// What a call does that has waited for another one for as long as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It fails, with `ErrorKind::Unavailable`.
    Fail,
    /// It makes the value itself, beside the other one.
    Create,
}

/// When the making of a value began: on the clock, and among invalidations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) at: Timestamp,
    pub(super) origin: Origin,
}

#[derive(Clone)]
pub(super) struct Policy {
    pub(super) expire: Option<Duration>,
    pub(super) stale_for: Duration,
    /// A part of `expire`, 0 to 1, by which values expire sooner by chance.
    pub(super) jitter: f64,
    pub(super) eagerness: f64,
    pub(super) back_off: Duration,
    pub(super) wait_at_most: Option<Duration>,
    pub(super) then: Then,
    pub(super) stale_on_failure: bool,
    pub(super) runner: Option<Runner>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            expire: None,
            stale_for: Duration::ZERO,
            jitter: 0.0,
            eagerness: 0.0,
            back_off: Duration::from_millis(100),
            wait_at_most: None,
            then: Then::Fail,
            stale_on_failure: true,
            runner: None,
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
        let said = |it: &Policy| (it.expire, it.stale_for, it.jitter, it.eagerness);
        said(self) == said(other)
    }

    /// The age of a value that is stored now, and whose making took so long.
    pub(super) fn age(
        &self,
        begun: Begun,
        now: Timestamp,
        cost: Duration,
        own_expiry: Option<Duration>,
        tags: Tags,
    ) -> Age {
        let expire = own_expiry.or(self.expire);
        let expire = expire.map(|time| match self.jitter {
            0.0 => time,
            jitter => time.mul_f64(1.0 - jitter * luck()),
        });
        let fresh_until = expire.map(|time| now + time);
        Age { made_at: begun.at, origin: begun.origin, fresh_until, cost, tags }
    }

    /// How long a store keeps a value: as long as it may be given, stale too.
    pub(super) fn ttl(&self, age: &Age, now: Timestamp) -> Option<Duration> {
        let until = age.fresh_until?;
        Some((until + self.stale_for).since(now).max(Duration::from_millis(1)))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("expire", &self.expire)
            .field("stale_for", &self.stale_for)
            .finish_non_exhaustive()
    }
}

/// A random number from 0 to 1. Nothing secret depends on it.
pub(super) fn luck() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

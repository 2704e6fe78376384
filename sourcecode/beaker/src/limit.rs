//! Limits how often an action is allowed: [`RateLimiter`], and `AsyncRateLimiter` for tasks (feature
//! `tokio`).
//!
//! ```
//! use std::time::Duration;
//! use beaker::Backend;
//! use beaker::limit::{RateLimit, RateLimiter};
//!
//! # fn main() -> beaker::Result<()> {
//! // Five attempts a minute for each name, however many threads, processes and hosts are asked.
//! let rule = RateLimit::fixed_window(5, Duration::from_secs(60));
//! let attempts = RateLimiter::new(Backend::memory(), "log-in", rule)?;
//!
//! for left in (0..5).rev() {
//!     assert_eq!(attempts.check("Kimi")?.remaining, left);
//! }
//! let decision = attempts.check("Kimi")?;
//! assert!(!decision.allowed);
//! assert!(decision.retry_after.unwrap() <= Duration::from_secs(60));
//! assert!(attempts.check("Valtteri")?.allowed);
//! # Ok(())
//! # }
//! ```
//!
//! # Which rule
//!
//! | rule | what it allows | cost of a check |
//! |---|---|---|
//! | [`fixed_window`](RateLimit::fixed_window) | `limit` in each window; up to twice that around the end of a window | one [`increment`](crate::store::Store::increment) |
//! | [`token_bucket`](RateLimit::token_bucket) | `burst` at once, and a steady rate afterwards | a read and a conditional write; a refusal is a read |
//!
//! Neither rule ever allows too many, however many calls run at the same time, because a check is one
//! atomic operation of the store or a conditional write. Windows and buckets follow the clocks of the hosts
//! that check, so hosts that share a limit must synchronize their clocks.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "tokio")]
use crate::backend::AsyncBackend;
use crate::backend::{AnyBackend, Backend};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
#[cfg(feature = "metrics")]
use crate::metrics::{Checked, Checks};
use crate::store::{AnyStore, Precondition};
use crate::world::finish;

/// The shortest time that a rule may have.
const SHORTEST: Duration = Duration::from_millis(1);

/// How often a bucket is tried again while others keep taking from it. Each time, one of them has
/// succeeded.
const TRIES: usize = 10_000;

/// Sets how often an action is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct RateLimit {
    pub(crate) rule: Rule,
    pub(crate) limit: u32,
    pub(crate) time: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    FixedWindow,
    TokenBucket,
}

impl RateLimit {
    /// Allows `limit` actions in each window of this length. Windows follow one another from 1970 on, so a
    /// window of an hour begins with the hour (UTC). A refused caller may try again when the next window
    /// begins.
    ///
    /// Around the end of a window, up to twice the limit is possible within a short time. A
    /// [`token_bucket`](RateLimit::token_bucket) avoids this.
    pub const fn fixed_window(limit: u32, window: Duration) -> RateLimit {
        RateLimit { rule: Rule::FixedWindow, limit, time: window }
    }

    /// Allows `burst` actions at once. The bucket then refills at a steady rate, completely within
    /// `refill`. In the long run, it allows `burst` actions for each `refill`, which is one every `refill /
    /// burst`.
    pub const fn token_bucket(burst: u32, refill: Duration) -> RateLimit {
        RateLimit { rule: Rule::TokenBucket, limit: burst, time: refill }
    }

    /// Rejects a rule that allows nothing or has no time, when the limiter is created.
    fn check(&self) -> Result<()> {
        let (limit, time) = match self.rule {
            Rule::FixedWindow => ("limit", "window"),
            Rule::TokenBucket => ("burst", "refill"),
        };
        let no_limit = (self.limit == 0).then(|| format!("`{limit}` is 0, and must be 1 or more"));
        let no_time = (self.time < SHORTEST)
            .then(|| format!("`{time}` is {:?}, and must be 1 ms or more", self.time));
        let problems: Vec<String> = [no_limit, no_time].into_iter().flatten().collect();
        match problems.as_slice() {
            [] => Ok(()),
            all => Err(Error::config(format!("this is no rate limit: {}", all.join("; ")))),
        }
    }
}

/// Sets what a check does when the store fails, for example because its server does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// Returns the store's error.
    #[default]
    Fail,
    /// Allows the action, and sets [`Decision::is_counted`] to `false`.
    Allow,
}

/// States whether an action is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Decision {
    /// Whether the action is allowed.
    pub allowed: bool,
    /// How many actions the rule allows: the limit of the window, or the burst.
    pub limit: u32,
    /// How many more actions are allowed now.
    pub remaining: u32,
    /// When to try again after a refusal: when the window ends, or when the bucket holds one more.
    pub retry_after: Option<Duration>,
    /// Whether the action was counted. It was not if the store failed and [`Allow`](OnStoreFailure::Allow)
    /// was chosen.
    pub is_counted: bool,
}

/// Limits how often an action is allowed for each key, such as a visitor's address or a user's name. A
/// clone is the same limiter.
///
/// The counts are kept in the store of the backend, so all programs that share the store and the name share
/// the limit.
#[derive(Debug, Clone)]
#[must_use]
pub struct RateLimiter(Limiter);

impl RateLimiter {
    /// Creates a limiter that counts in this backend. `name` is its namespace there, so that limiters with
    /// other names, and caches, may share the store.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the rule allows nothing, or if its time is shorter than a
    /// millisecond.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::limit::{RateLimit, RateLimiter};
    ///
    /// let rule = RateLimit::fixed_window(0, Duration::ZERO);
    /// let error = RateLimiter::new(Backend::memory(), "api", rule).unwrap_err().to_string();
    /// assert!(error.contains("`limit`") && error.contains("`window`"));
    /// ```
    pub fn new(backend: Backend, name: &str, rule: RateLimit) -> Result<RateLimiter> {
        Limiter::new(AnyBackend::from(backend), name, rule).map(RateLimiter)
    }

    /// Sets what a check does when the store fails. Default: [`OnStoreFailure::Fail`].
    pub fn on_store_failure(mut self, what: OnStoreFailure) -> RateLimiter {
        self.0.on_store_failure = what;
        self
    }

    /// Sets the clock of windows and buckets. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> RateLimiter {
        self.0.clock = clock;
        self
    }

    /// Counts one action for this key, and decides whether it is allowed. Refused actions do not use up
    /// anything: they take nothing from a bucket, and a full window stays as it is.
    ///
    /// # Errors
    ///
    /// Returns any error of the store, unless [`on_store_failure`](RateLimiter::on_store_failure) allows
    /// the action.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::limit::{RateLimit, RateLimiter};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let rule = RateLimit::token_bucket(2, Duration::from_secs(10));
    /// let pages = RateLimiter::new(Backend::memory(), "pages", rule)?;
    /// assert!(pages.check("192.0.2.7")?.allowed && pages.check("192.0.2.7")?.allowed);
    /// let decision = pages.check("192.0.2.7")?;
    /// assert!(!decision.allowed && decision.retry_after.unwrap() <= Duration::from_secs(5));
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(&self, key: impl AsRef<[u8]>) -> Result<Decision> {
        finish(self.0.check(key.as_ref()))
    }

    /// Forgets the count of this key, for example after a successful log-in.
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use beaker::Backend;
    /// # use beaker::limit::{RateLimit, RateLimiter};
    /// # fn main() -> beaker::Result<()> {
    /// let rule = RateLimit::fixed_window(1, Duration::from_secs(60));
    /// let attempts = RateLimiter::new(Backend::memory(), "log-in", rule)?;
    /// let _ = attempts.check("Kimi")?;
    /// attempts.reset("Kimi")?;
    /// # // Between windows, the second check is allowed in any case.
    /// assert!(attempts.check("Kimi")?.allowed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<()> {
        finish(self.0.reset(key.as_ref()))
    }
}

/// Limits how often an action is allowed, for programs on tokio: a [`RateLimiter`] with asynchronous
/// methods.
///
/// ```
/// use std::time::Duration;
/// use beaker::AsyncBackend;
/// use beaker::limit::{AsyncRateLimiter, RateLimit};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let rule = RateLimit::fixed_window(100, Duration::from_secs(60));
/// let pages = AsyncRateLimiter::new(AsyncBackend::memory(), "pages", rule)?;
/// assert!(pages.check("192.0.2.7").await?.allowed);
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
#[cfg(feature = "tokio")]
#[derive(Debug, Clone)]
#[must_use]
pub struct AsyncRateLimiter(Limiter);

#[cfg(feature = "tokio")]
impl AsyncRateLimiter {
    /// Creates a limiter that counts in this backend, like [`RateLimiter::new`], and returns the same
    /// errors.
    pub fn new(backend: AsyncBackend, name: &str, rule: RateLimit) -> Result<AsyncRateLimiter> {
        Limiter::new(backend.0, name, rule).map(AsyncRateLimiter)
    }

    /// Sets what a check does when the store fails. Default: [`OnStoreFailure::Fail`].
    pub fn on_store_failure(mut self, what: OnStoreFailure) -> AsyncRateLimiter {
        self.0.on_store_failure = what;
        self
    }

    /// Sets the clock of windows and buckets. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> AsyncRateLimiter {
        self.0.clock = clock;
        self
    }

    /// Counts one action for this key, and decides whether it is allowed, like [`RateLimiter::check`].
    ///
    /// # Errors
    ///
    /// Returns any error of the store, unless [`on_store_failure`](AsyncRateLimiter::on_store_failure)
    /// allows the action.
    pub async fn check(&self, key: impl AsRef<[u8]>) -> Result<Decision> {
        self.0.check(key.as_ref()).await
    }

    /// Forgets the count of this key, like [`RateLimiter::reset`].
    ///
    /// # Errors
    ///
    /// Returns any error of the store.
    pub async fn reset(&self, key: impl AsRef<[u8]>) -> Result<()> {
        self.0.reset(key.as_ref()).await
    }
}

/// The part that both kinds of limiter share.
#[derive(Debug, Clone)]
struct Limiter {
    store: AnyStore,
    namespace: Namespace,
    rule: RateLimit,
    on_store_failure: OnStoreFailure,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "metrics")]
    checks: Checks,
}

impl Limiter {
    fn new(backend: AnyBackend, name: &str, rule: RateLimit) -> Result<Limiter> {
        rule.check()?;
        Ok(Limiter {
            store: backend.store,
            namespace: Namespace::new(name),
            rule,
            on_store_failure: OnStoreFailure::default(),
            clock: Arc::new(SystemClock),
            #[cfg(feature = "metrics")]
            checks: Checks::of(name),
        })
    }

    async fn check(&self, key: &[u8]) -> Result<Decision> {
        let decision = match self.rule.rule {
            Rule::FixedWindow => self.count(key).await,
            Rule::TokenBucket => self.take(key).await,
        };
        let decision = match (decision, self.on_store_failure) {
            (Err(_), OnStoreFailure::Allow) => {
                Ok(Decision { is_counted: false, ..self.decided(self.rule.limit.into(), None) })
            }
            (decision, _) => decision,
        };
        #[cfg(feature = "metrics")]
        self.checks.count(match &decision {
            Err(_) => Checked::Error,
            Ok(decision) if !decision.is_counted => Checked::Uncounted,
            Ok(decision) if decision.allowed => Checked::Allowed,
            Ok(_) => Checked::Refused,
        });
        decision
    }

    async fn reset(&self, key: &[u8]) -> Result<()> {
        let key = match self.rule.rule {
            Rule::FixedWindow => self.window(key).0,
            Rule::TokenBucket => self.namespace.key(key),
        };
        self.store.delete(&key, Precondition::Always).await.map(drop)
    }

    /// Counts in the current window. Its counter is kept for two windows, for hosts whose clocks are
    /// behind.
    async fn count(&self, key: &[u8]) -> Result<Decision> {
        let (counter, left) = self.window(key);
        let kept = self.rule.time.saturating_mul(2);
        let count = self.store.increment(&counter, 1, Some(kept)).await?;
        let limit = u64::from(self.rule.limit);
        Ok(self.decided(limit.saturating_sub(count).into(), (count > limit).then_some(left)))
    }

    /// Returns the key's counter in the current window, and how long the window lasts.
    fn window(&self, key: &[u8]) -> (Key, Duration) {
        let now = self.clock.now().as_micros();
        let window = u64::try_from(self.rule.time.as_micros()).unwrap_or(u64::MAX);
        let name = [format!("{}:", now / window).as_bytes(), key].concat();
        (self.namespace.key(name), Duration::from_micros(window - now % window))
    }

    /// Takes one from the key's bucket. The record is the time at which the bucket will be full, in
    /// nanoseconds since 1970; a bucket without a record is full.
    async fn take(&self, key: &[u8]) -> Result<Decision> {
        let key = self.namespace.key(key);
        let each = self.rule.time.as_nanos().div_ceil(self.rule.limit.into());
        let whole = each * u128::from(self.rule.limit);
        for _ in 0..TRIES {
            let found = self.store.get(&key).await?;
            let now = u128::from(self.clock.now().as_micros()) * 1000;
            let text = found.as_ref().and_then(|found| std::str::from_utf8(&found.bytes).ok());
            let full = text.and_then(|text| text.parse().ok()).unwrap_or(now);
            // Limited to an empty bucket, in case the clock was set back.
            let next = full.clamp(now, now + whole) + each;
            if next > now + whole {
                return Ok(self.decided(0, Some(nanoseconds(next - whole - now))));
            }
            let when = found.map_or(Precondition::Absent, |it| Precondition::Unchanged(it.version));
            let (text, ttl) = (next.to_string(), nanoseconds(next - now));
            if self.store.put(&key, text.as_bytes(), Some(ttl), when).await?.is_some() {
                return Ok(self.decided((now + whole - next) / each, None));
            }
        }
        let what =
            format!("could not limit {key:?}: others keep taking from its bucket; try again");
        Err(Error::new(ErrorKind::Conflict, what))
    }

    fn decided(&self, remaining: u128, retry_after: Option<Duration>) -> Decision {
        let limit = self.rule.limit;
        let remaining = u32::try_from(remaining).unwrap_or(limit).min(limit);
        Decision { allowed: retry_after.is_none(), limit, remaining, retry_after, is_counted: true }
    }
}

fn nanoseconds(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

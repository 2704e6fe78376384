//! What a region says of waiting, of failures and of a tier in memory: see [`RegionOptions`].

use std::time::Duration;

use super::policy::OnTimeout;
use super::region::RegionOptions;

impl RegionOptions {
    /// Sets for how long a failure of a creator is remembered. Default: 100 milliseconds. See
    /// [`Cache::error_ttl`](super::Cache::error_ttl).
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
    /// Default: until the other one has ended. See [`Cache::wait_timeout`](super::Cache::wait_timeout).
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
    /// [`Cache::stale_on_failure`](super::Cache::stale_on_failure).
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
    /// none. See [`Cache::local_tier`](super::Cache::local_tier).
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
}

//! [`RegionConfig`]: what holds for the caches of one region.

use std::time::Duration;

use crate::cache::OnStoreFailure;
use crate::config::backend::{BackendConfig, RawBackend};
use crate::config::reader::Reader;
use crate::config::words::{self, in_seconds_or_never};

/// What holds for the caches of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionConfig {
    /// `type` and the back end's options: where values are kept.
    pub backend: BackendConfig,
    /// `expire`: how long a value is fresh; `None` is for ever.
    pub expire: Option<Duration>,
    /// `stale_for`: how long after that it may be given while a new one is made.
    pub stale_for: Duration,
    /// `jitter`: up to so many percent of its time sooner a value expires, by chance.
    pub jitter: u8,
    /// `refresh_early`: whether a value is made anew before it expires, by chance.
    pub refresh_early: bool,
    /// `on_store_failure`: whether a call fails with the store (`fail`), or goes on without it (`bypass`).
    pub on_store_failure: OnStoreFailure,
    /// `enabled`: whether anything is cached at all.
    pub enabled: bool,
    /// `key_length`: a longer key is shortened to a hash, in bytes.
    pub key_length: usize,
}

const KEY_LENGTH: usize = 250;

const ON_STORE_FAILURE: &[(&str, OnStoreFailure)] =
    &[("fail", OnStoreFailure::Fail), ("bypass", OnStoreFailure::Bypass)];

/// A hash and what is kept before it need so much room.
const SHORTEST_KEY_LENGTH: usize = 80;

impl Default for RegionConfig {
    /// In the memory of this process, for ever.
    fn default() -> RegionConfig {
        RegionConfig {
            backend: BackendConfig::memory(),
            expire: None,
            stale_for: Duration::ZERO,
            jitter: 0,
            refresh_early: false,
            on_store_failure: OnStoreFailure::Fail,
            enabled: true,
            key_length: KEY_LENGTH,
        }
    }
}

/// What was said of a region, or of all of them.
#[derive(Clone)]
pub(super) struct RawRegion {
    backend: RawBackend,
    expire: Option<Option<Duration>>,
    stale_for: Option<Duration>,
    jitter: Option<u8>,
    refresh_early: Option<bool>,
    on_store_failure: Option<OnStoreFailure>,
    enabled: Option<bool>,
    key_length: Option<usize>,
}

impl RawRegion {
    pub(super) fn read(reader: &Reader<'_>) -> RawRegion {
        let length = |text: &str| words::number(text, SHORTEST_KEY_LENGTH);
        let choice = |text: &str| words::choice(text, ON_STORE_FAILURE);
        RawRegion {
            backend: RawBackend::read(reader, &[]),
            expire: reader.read("expire", words::seconds_or_never),
            stale_for: reader.read("stale_for", words::seconds),
            jitter: reader.read("jitter", words::percent),
            refresh_early: reader.read("refresh_early", words::boolean),
            on_store_failure: reader.read("on_store_failure", choice),
            enabled: reader.read("enabled", words::boolean),
            key_length: reader.read("key_length", length),
        }
    }

    /// Whether the region, which takes over what is said there, has a use for the option.
    pub(super) fn uses(&self, base: &RawRegion, option: &str) -> bool {
        self.backend.clone().or(&base.backend).takes(option, "memory")
    }

    /// What holds for caches of no region. Options that regions use may be said here for them.
    pub(super) fn settle(
        self,
        reader: &Reader<'_>,
        is_used: impl Fn(&str) -> bool,
    ) -> RegionConfig {
        let given = self.backend.given();
        self.backend.note_surplus(&given, reader, "memory", is_used);
        self.finish(reader)
    }

    /// What holds for a region that takes over what it does not say.
    pub(super) fn settle_on(self, base: &RawRegion, reader: &Reader<'_>) -> RegionConfig {
        let own = self.backend.given();
        let all = RawRegion {
            backend: self.backend.or(&base.backend),
            expire: self.expire.or(base.expire),
            stale_for: self.stale_for.or(base.stale_for),
            jitter: self.jitter.or(base.jitter),
            refresh_early: self.refresh_early.or(base.refresh_early),
            on_store_failure: self.on_store_failure.or(base.on_store_failure),
            enabled: self.enabled.or(base.enabled),
            key_length: self.key_length.or(base.key_length),
        };
        all.backend.note_surplus(&own, reader, "memory", |_| false);
        all.finish(reader)
    }

    fn finish(self, reader: &Reader<'_>) -> RegionConfig {
        let default = RegionConfig::default();
        RegionConfig {
            backend: self.backend.settle(reader, "memory").unwrap_or(default.backend),
            expire: self.expire.unwrap_or(default.expire),
            stale_for: self.stale_for.unwrap_or(default.stale_for),
            jitter: self.jitter.unwrap_or(default.jitter),
            refresh_early: self.refresh_early.unwrap_or(default.refresh_early),
            on_store_failure: self.on_store_failure.unwrap_or(default.on_store_failure),
            enabled: self.enabled.unwrap_or(default.enabled),
            key_length: self.key_length.unwrap_or(default.key_length),
        }
    }
}

impl RegionConfig {
    /// Its options, what they are, and what they are by default.
    pub(super) fn options(&self) -> Vec<(&'static str, String, Option<&'static str>)> {
        let mut options = self.backend.printed("memory");
        options.push(("expire", in_seconds_or_never(self.expire), Some("never")));
        options.push(("stale_for", self.stale_for.as_secs().to_string(), Some("0")));
        options.push(("jitter", self.jitter.to_string(), Some("0")));
        options.push(("refresh_early", self.refresh_early.to_string(), Some("false")));
        let then = words::chosen(self.on_store_failure, ON_STORE_FAILURE);
        options.push(("on_store_failure", then.to_owned(), Some("fail")));
        options.push(("enabled", self.enabled.to_string(), Some("true")));
        options.push(("key_length", self.key_length.to_string(), Some("250")));
        options
    }
}

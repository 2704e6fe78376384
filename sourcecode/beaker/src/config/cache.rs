//! [`CacheConfig`] and [`RegionConfig`]: the options of caches, typed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backend::BackendConfig;
use super::shared_cache::CacheFormat;
use super::words::{
    self, ConfigOption, Printed, boolean, chosen, in_milliseconds, in_seconds, in_seconds_or_never,
    set, shown,
};
use crate::cache::{OnStoreFailure, OnTimeout};

/// The options under `cache.…`. They print as lines of `key = value`, with passwords hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// The options of caches without a region, and those that a region does not set itself.
    pub default: RegionConfig,
    /// `regions`: the regions by name. A region inherits every option that it does not set itself, including
    /// the backend's address, which Beaker does not inherit.
    pub regions: BTreeMap<String, RegionConfig>,
}

/// The options of the caches of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionConfig {
    /// `type` and the backend's options: where values are stored.
    pub backend: BackendConfig,
    /// `expire`: how long a value is fresh; `None` means forever.
    pub expire: Option<Duration>,
    /// `stale_for`: how long after that a stale value is served while a new one is computed.
    pub stale_for: Duration,
    /// `error_ttl`: how long an error of a loader is remembered; `None` means the default, 0.1 seconds.
    pub error_ttl: Option<Duration>,
    /// `wait_timeout`: how long a call waits for another one that computes the value; `None` means without
    /// limit.
    pub wait_timeout: Option<Duration>,
    /// `on_timeout`: what a call does after that: it fails (`fail`), or computes the value itself (`create`).
    pub on_timeout: Option<OnTimeout>,
    /// `stale_on_failure`: whether a stale value is served when the loader fails; `None` means yes.
    pub stale_on_failure: Option<bool>,
    /// `local_tier`: how many values each cache keeps in memory as well; `None` turns this off.
    pub local_tier: Option<usize>,
    /// `local_ttl`: how long such a value is used; `None` means one second.
    pub local_ttl: Option<Duration>,
    /// `jitter`: the percentage of its time to live by which a value may expire earlier, at random.
    pub jitter: u8,
    /// `refresh_early`: whether a value is recomputed shortly before it expires, at random.
    pub refresh_early: bool,
    /// `on_store_failure`: whether a call fails together with the store (`fail`), or computes the value
    /// without it (`bypass`).
    pub on_store_failure: OnStoreFailure,
    /// `objects`: whether values are kept in memory without encoding.
    pub objects: bool,
    /// `enabled`: whether anything is cached at all.
    pub enabled: bool,
    /// `key_length`: the maximum length of a key in bytes; a longer key is shortened to a hash.
    pub key_length: usize,
    /// `format`: the form of the entries, this library's own or one that a program in Python shares (feature
    /// `python`).
    pub format: CacheFormat,
    /// `distributed_lock`: with a `format` of dogpile.cache, its lock is taken in the store for each
    /// computation, for this long at most; `None` means that it is not.
    pub distributed_lock: Option<Duration>,
    /// `stored_for`: with a `format` of dogpile.cache, how long the store keeps an entry; `None` means as long as
    /// it may be returned.
    pub stored_for: Option<Duration>,
    /// `sha1_keys_from`: with a `format` of dogpile.cache, the number of characters from which on a key is
    /// hashed; `None` means never.
    pub sha1_keys_from: Option<usize>,
}

impl Default for RegionConfig {
    /// In the memory of this process, for ever.
    fn default() -> RegionConfig {
        RegionConfig {
            backend: BackendConfig::memory(),
            expire: None,
            stale_for: Duration::ZERO,
            error_ttl: None,
            wait_timeout: None,
            on_timeout: None,
            stale_on_failure: None,
            local_tier: None,
            local_ttl: None,
            jitter: 0,
            refresh_early: false,
            on_store_failure: OnStoreFailure::Fail,
            objects: false,
            enabled: true,
            key_length: 250,
            format: CacheFormat::Own,
            distributed_lock: None,
            stored_for: None,
            sha1_keys_from: None,
        }
    }
}

/// All options of a region but `type` and those of backends. What is given is read in this order.
pub(super) const OPTIONS: &[ConfigOption<RegionConfig>] = &[
    ConfigOption(
        "expire",
        |it, text| set(&mut it.expire, words::seconds_or_never(text)),
        |it| in_seconds_or_never(it.expire),
    ),
    ConfigOption(
        "stale_for",
        |it, text| set(&mut it.stale_for, words::seconds(text)),
        |it| in_seconds(it.stale_for),
    ),
    ConfigOption(
        "error_ttl",
        |it, text| set(&mut it.error_ttl, words::milliseconds(text, 0).map(Some)),
        |it| it.error_ttl.and_then(in_milliseconds),
    ),
    ConfigOption(
        "wait_timeout",
        |it, text| set(&mut it.wait_timeout, words::milliseconds(text, 1).map(Some)),
        |it| it.wait_timeout.and_then(in_milliseconds),
    ),
    ConfigOption(
        "on_timeout",
        |it, text| set(&mut it.on_timeout, words::choice(text, TIMEOUTS).map(Some)),
        |it| it.on_timeout.and_then(|then| chosen(then, TIMEOUTS)),
    ),
    ConfigOption(
        "stale_on_failure",
        |it, text| set(&mut it.stale_on_failure, boolean(text).map(Some)),
        |it| it.stale_on_failure.and_then(shown),
    ),
    ConfigOption(
        "local_tier",
        |it, text| set(&mut it.local_tier, words::number(text, 1).map(Some)),
        |it| it.local_tier.and_then(shown),
    ),
    ConfigOption(
        "local_ttl",
        |it, text| set(&mut it.local_ttl, words::milliseconds(text, 1).map(Some)),
        |it| it.local_ttl.and_then(in_milliseconds),
    ),
    ConfigOption(
        "jitter",
        |it, text| set(&mut it.jitter, words::percent(text)),
        |it| shown(it.jitter),
    ),
    ConfigOption(
        "refresh_early",
        |it, text| set(&mut it.refresh_early, boolean(text)),
        |it| shown(it.refresh_early),
    ),
    ConfigOption(
        "on_store_failure",
        |it, text| set(&mut it.on_store_failure, words::choice(text, STORE_FAILURES)),
        |it| chosen(it.on_store_failure, STORE_FAILURES),
    ),
    ConfigOption("objects", |it, text| set(&mut it.objects, boolean(text)), |it| shown(it.objects)),
    ConfigOption("enabled", |it, text| set(&mut it.enabled, boolean(text)), |it| shown(it.enabled)),
    ConfigOption(
        "key_length",
        |it, text| set(&mut it.key_length, words::number(text, SHORTEST_KEY_LENGTH)),
        |it| shown(it.key_length),
    ),
    ConfigOption(
        "format",
        |it, text| set(&mut it.format, words::choice(text, CacheFormat::WORDS)),
        |it| chosen(it.format, CacheFormat::WORDS),
    ),
    ConfigOption(
        "distributed_lock",
        |it, text| set(&mut it.distributed_lock, words::some_seconds(text).map(Some)),
        |it| it.distributed_lock.and_then(in_seconds),
    ),
    ConfigOption(
        "stored_for",
        |it, text| set(&mut it.stored_for, words::some_seconds(text).map(Some)),
        |it| it.stored_for.and_then(in_seconds),
    ),
    ConfigOption(
        "sha1_keys_from",
        |it, text| set(&mut it.sha1_keys_from, words::number(text, 0).map(Some)),
        |it| it.sha1_keys_from.and_then(shown),
    ),
];

const STORE_FAILURES: &[(&str, OnStoreFailure)] =
    &[("fail", OnStoreFailure::Fail), ("bypass", OnStoreFailure::Bypass)];

const TIMEOUTS: &[(&str, OnTimeout)] = &[("fail", OnTimeout::Fail), ("create", OnTimeout::Create)];

/// A hash and what is kept before it need so much room.
const SHORTEST_KEY_LENGTH: usize = 80;

/// How many values each cache holds as they are, where `max_entries` does not say it.
const MAX_OBJECTS: usize = 10_000;

impl RegionConfig {
    /// How many values each cache holds as they are, if that is how they are kept. What is said for all
    /// regions is for those in memory.
    pub(super) fn max_objects(&self) -> Option<usize> {
        let is_in_memory = self.objects && self.backend.name() == "memory";
        is_in_memory.then(|| {
            let given = self.backend.option("max_entries").and_then(|number| number.parse().ok());
            given.unwrap_or(MAX_OBJECTS)
        })
    }

    /// Its options, what they are, and what they are by default.
    pub(super) fn printed(&self) -> Vec<Printed> {
        let mut printed = self.backend.printed("memory");
        printed.extend(words::printed(OPTIONS, self, &RegionConfig::default()));
        printed
    }
}

//! [`CacheFormat`]: in which form the entries of a region are, and what that form needs.

use std::time::Duration;

use super::cache::RegionConfig;
use super::reader::Reader;
use crate::cache::RegionOptions;

/// The form of the entries of a cache: this library's own, or one that a program in Python shares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheFormat {
    /// Records of this library.
    #[default]
    Own,
    /// Entries of dogpile.cache with values in JSON: `DogpileFormat::json`.
    DogpileJson,
    /// Entries of dogpile.cache with pickled values: `DogpileFormat::pickle`.
    DogpilePickle,
    /// Entries of Beaker's cache: `BeakerCacheFormat`.
    Beaker,
}

impl CacheFormat {
    pub(super) const WORDS: &[(&str, CacheFormat)] = &[
        ("own", CacheFormat::Own),
        ("dogpile-json", CacheFormat::DogpileJson),
        ("dogpile-pickle", CacheFormat::DogpilePickle),
        ("beaker", CacheFormat::Beaker),
    ];

    pub(super) fn is_dogpile(self) -> bool {
        matches!(self, CacheFormat::DogpileJson | CacheFormat::DogpilePickle)
    }
}

impl RegionConfig {
    /// Refuses what a form that Python shares cannot hold.
    pub(super) fn check_format(&self, reader: &Reader<'_>) {
        if self.format == CacheFormat::Own {
            return;
        }
        if !cfg!(feature = "python") {
            let what =
                "it is not compiled in; turn on the feature `python` of the crate `beaker-web`";
            reader.wrong("format", what);
        }
        let stores =
            ["memory", "ext:redis", "ext:rediscluster", "ext:redissentinel", "ext:memcached"];
        if self.enabled && !stores.contains(&self.backend.name()) {
            reader.wrong("format", "Python shares redis and memcached; take one of them as `type`");
        }
        let is_jittered = self.jitter > 0 && self.format.is_dogpile();
        let default = RegionConfig::default();
        for (option, is_given) in [
            ("local_tier", self.local_tier.is_some()),
            ("refresh_early", self.refresh_early),
            ("jitter", is_jittered),
            ("objects", self.objects),
            ("key_length", self.key_length != default.key_length),
        ] {
            if is_given {
                reader
                    .wrong(option, "entries that Python shares have no place for it; leave it out");
            }
        }
    }

    /// Passes the form on.
    #[cfg(feature = "python")]
    pub(super) fn shared(&self, options: RegionOptions) -> RegionOptions {
        use crate::cache::{BeakerCacheFormat, DogpileFormat};
        let format = match self.format {
            CacheFormat::Own => return options.key_length(self.key_length),
            CacheFormat::Beaker => return options.shared_with_beaker(BeakerCacheFormat::new()),
            CacheFormat::DogpileJson => DogpileFormat::json(),
            CacheFormat::DogpilePickle => DogpileFormat::pickle(),
        };
        let set =
            |format: DogpileFormat, value, set: fn(DogpileFormat, Duration) -> DogpileFormat| {
                match value {
                    Some(time) => set(format, time),
                    None => format,
                }
            };
        let format = set(format, self.distributed_lock, DogpileFormat::distributed_lock);
        let format = set(format, self.stored_for, DogpileFormat::stored_for);
        options.shared_with_dogpile(match self.sha1_keys_from {
            Some(length) => format.sha1_keys_from(length),
            None => format,
        })
    }

    #[cfg(not(feature = "python"))]
    pub(super) fn shared(&self, options: RegionOptions) -> RegionOptions {
        options.key_length(self.key_length)
    }
}

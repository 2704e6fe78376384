//! [`CacheFormat`]: in which form the entries of a region are.

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

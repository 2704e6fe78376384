//! [`CacheConfig`]: the options of caches, typed.

mod open;
mod print;
mod region;

use std::collections::{BTreeMap, BTreeSet};

use region::RawRegion;
pub use region::RegionConfig;

use super::name;
use super::problem::Problems;
use super::reader::Reader;
use super::settings::Settings;
use super::words::{self, ParseResult};

/// What `cache.…` says. It prints as lines of `key = value`, with passwords hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// What holds for a cache of no region, and for what a region does not say itself.
    pub default: RegionConfig,
    /// `regions`: kinds of caches by name. A region takes over all that it does not say itself: the
    /// back end's address as well, which Beaker forgets.
    pub regions: BTreeMap<String, RegionConfig>,
}

impl CacheConfig {
    pub(super) fn read(settings: &Settings, problems: &Problems) -> CacheConfig {
        let reader = Reader::new(settings, "cache.", name::cache(), problems);
        let regions = reader.read("regions", Ok).unwrap_or_default();
        let names: BTreeSet<&str> = words::list(regions).collect();
        if let Err(what) = check(regions) {
            reader.wrong("regions", &what);
        }
        let base = RawRegion::read(&reader);
        reader.finish(&names);

        let raw: Vec<(&str, RawRegion)> = names
            .into_iter()
            .map(|name| (name, RawRegion::read(&reader_of(settings, name, problems))))
            .collect();
        let is_used = |option: &str| raw.iter().any(|(_, raw)| raw.uses(&base, option));
        let reader = Reader::new(settings, "cache.", name::cache(), problems);
        let default = base.clone().settle(&reader, is_used);
        let regions = raw.iter().map(|(name, raw)| {
            let reader = reader_of(settings, name, problems);
            reader.finish(&BTreeSet::new());
            ((*name).to_owned(), raw.clone().settle_on(&base, &reader))
        });
        CacheConfig { regions: regions.collect(), default }
    }
}

fn reader_of<'a>(settings: &'a Settings, name: &str, problems: &'a Problems) -> Reader<'a> {
    Reader::new(settings, format!("cache.{name}."), name::region(), problems).inheriting("cache.")
}

/// Refuses names that cannot be a part of keys, and those that come twice.
fn check(regions: &str) -> ParseResult<()> {
    let mut names = BTreeSet::new();
    for name in words::list(regions) {
        if !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            return Err(
                "allowed are names of letters, digits, `_` and `-`, with `,` between".into()
            );
        }
        if !names.insert(name) {
            return Err(format!("the region `{name}` is named twice"));
        }
    }
    Ok(())
}

//! [`CacheConfig`]: the options of caches, typed.

mod open;
mod print;
mod region;

use std::collections::{BTreeMap, BTreeSet};

pub use region::RegionConfig;
use region::Said;

use super::name::{CACHE, REGION};
use super::problem::Problems;
use super::reader::Reader;
use super::settings::Settings;
use super::words::{self, Word};

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
        let reader = Reader::new(settings, "cache.", CACHE, problems);
        let regions = reader.read("regions", Ok).unwrap_or_default();
        let names: BTreeSet<&str> = words::list(regions).collect();
        if let Err(what) = check(regions) {
            reader.wrong("regions", &what);
        }
        let base = Said::read(&reader);
        reader.finish(&names);

        let said: Vec<(&str, Said)> = names
            .into_iter()
            .map(|name| (name, Said::read(&region(settings, name, problems))))
            .collect();
        let is_used = |option: &str| said.iter().any(|(_, said)| said.uses(&base, option));
        let reader = Reader::new(settings, "cache.", CACHE, problems);
        let default = base.clone().settle(&reader, is_used);
        let regions = said.iter().map(|(name, said)| {
            let reader = region(settings, name, problems);
            reader.finish(&BTreeSet::new());
            ((*name).to_owned(), said.clone().settle_on(&base, &reader))
        });
        CacheConfig { regions: regions.collect(), default }
    }
}

fn region<'a>(settings: &'a Settings, name: &str, problems: &'a Problems) -> Reader<'a> {
    Reader::new(settings, format!("cache.{name}."), REGION, problems).inheriting("cache.")
}

/// Refuses names that cannot be a part of keys, and those that come twice.
fn check(regions: &str) -> Word<()> {
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

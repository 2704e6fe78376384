//! [`Regions`]: the regions of a program, by name.

use std::collections::BTreeMap;

use super::{Region, RegionOptions};
use crate::error::{Error, Result};
use crate::nearest::nearest;

/// The regions of a program, by name: a value to pass on. A clone has the same regions.
/// `CacheConfig::open` makes one of the [settings](crate::config).
#[derive(Debug, Clone, Default)]
pub struct Regions {
    by_name: BTreeMap<Box<str>, Region>,
}

impl Regions {
    /// Regions of these names with these options.
    ///
    /// # Errors
    ///
    /// What [`Region::configure`] fails with; `ErrorKind::Config` for a name that comes twice.
    pub fn new<'a>(all: impl IntoIterator<Item = (&'a str, RegionOptions)>) -> Result<Regions> {
        let mut regions = Regions::default();
        for (name, options) in all {
            let region = Region::named(name);
            region.configure(options)?;
            if regions.by_name.insert(name.into(), region).is_some() {
                return Err(Error::config(format!("the region `{name}` is there twice")));
            }
        }
        Ok(regions)
    }

    /// The region of this name.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is none.
    pub fn get(&self, name: &str) -> Result<Region> {
        self.by_name.get(name).cloned().ok_or_else(|| self.unknown(name))
    }

    /// All of them, sorted by their names.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.by_name.values()
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.by_name.keys().map(|name| &**name);
        let what = format!("there is no region `{name}`");
        Error::config(match (nearest(name, names()), self.by_name.is_empty()) {
            (_, true) => what + "; there are none: name it in `cache.regions`",
            (Some(near), _) => format!("{what}; did you mean `{near}`?{}", all(names())),
            (None, _) => format!("{what};{}", all(names())),
        })
    }
}

fn all<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!(" there are {}", names.join(", "))
}

impl<'a> IntoIterator for &'a Regions {
    type Item = &'a Region;
    type IntoIter = std::collections::btree_map::Values<'a, Box<str>, Region>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_name.values()
    }
}

//! Makes [`Regions`] by what the configuration says.

use super::{CacheConfig, RegionConfig};
use crate::backend::Backend;
use crate::cache::{RegionOptions, Regions};
use crate::config::backend::BackendConfig;
use crate::error::Result;

impl CacheConfig {
    /// The regions that this describes. Opens their back ends: one for all that have the same, but
    /// each its own memory, with its own bound.
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let settings = Settings::from_pairs([
    ///     ("cache.regions", "short_term, long_term"),
    ///     ("cache.expire", "3600"),
    ///     ("cache.short_term.expire", "60"),
    /// ]);
    /// let regions = settings.read()?.cache.open()?;
    /// let points = regions.get("short_term")?.cache::<u32>("points")?;
    /// assert_eq!(points.get_or_create("Kimi", || 100_u32)?, 100);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What [`Backend::open`] fails with; `ErrorKind::Config` for fields that were changed and do not
    /// fit.
    pub fn open(&self) -> Result<Regions> {
        let mut opened: Vec<(&BackendConfig, Backend)> = Vec::new();
        let mut regions = Vec::new();
        for (name, region) in &self.regions {
            let config = &region.backend;
            let same = opened.iter().find(|(other, _)| *other == config);
            let backend = match same {
                _ if !region.enabled => Backend::null(),
                Some((_, backend)) if config.name() != "memory" => backend.clone(),
                _ => config.open()?,
            };
            if region.enabled {
                opened.push((config, backend.clone()));
            }
            regions.push((name.as_str(), region.options_in(backend)));
        }
        Regions::new(regions)
    }
}

impl RegionConfig {
    /// What this describes, for a [`Region`](crate::cache::Region) of the program's own. Opens the back
    /// end; where caching is not enabled, it is the one that stores nothing.
    ///
    /// # Errors
    ///
    /// What [`Backend::open`] fails with.
    pub fn open(&self) -> Result<RegionOptions> {
        let backend = if self.enabled { self.backend.open()? } else { Backend::null() };
        Ok(self.options_in(backend))
    }

    fn options_in(&self, backend: Backend) -> RegionOptions {
        let options = RegionOptions::new(backend)
            .key_length(self.key_length)
            .stale_for(self.stale_for)
            .on_store_failure(self.on_store_failure)
            .jitter(f64::from(self.jitter) / 100.0)
            .refresh_early(if self.refresh_early { 1.0 } else { 0.0 });
        match self.expire {
            Some(time) => options.ttl(time),
            None => options,
        }
    }
}

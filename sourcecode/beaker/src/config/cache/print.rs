//! Prints the options of caches.

use std::fmt;

use super::CacheConfig;
use crate::config::print::Lines;

impl CacheConfig {
    pub(in crate::config) fn print(&self, lines: &mut Lines) {
        let base = self.default.options();
        for (option, value, default) in &base {
            let mark = default.filter(|default| default == value).map(|_| "default");
            lines.line(&format!("cache.{option}"), value, mark);
        }
        let names: Vec<&str> = self.regions.keys().map(String::as_str).collect();
        if !names.is_empty() {
            lines.line("cache.regions", &names.join(", "), None);
        }
        for (name, region) in &self.regions {
            for (option, value, default) in region.options() {
                let inherited =
                    base.iter().any(|(base, as_is, _)| *base == option && *as_is == value);
                let source = format!("as cache.{option}");
                let default = default.filter(|default| *default == value).map(|_| "default");
                let mark = if inherited { Some(source.as_str()) } else { default };
                lines.line(&format!("cache.{name}.{option}"), &value, mark);
            }
        }
    }
}

impl fmt::Display for CacheConfig {
    /// Sorted lines of `key = value` that can be read again. Passwords are hidden. What is not said is
    /// there too, marked as the default; what a region takes over is marked with its source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines::default();
        self.print(&mut lines);
        write!(f, "{lines}")
    }
}

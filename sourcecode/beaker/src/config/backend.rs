//! [`BackendConfig`]: a backend and its options.

use std::collections::BTreeMap;
use std::fmt;

use super::print::redacted;
use super::words::Printed;
use crate::backend::Backend;
use crate::backend::options::{BackendOptions, Descriptor, OPTIONS, OptionValue};
use crate::error::Result;

/// The name of a backend and its options, checked: nothing that it needs is missing, and nothing else is set.
#[derive(Clone, PartialEq, Eq)]
pub struct BackendConfig(pub(super) BackendOptions);

impl BackendConfig {
    /// Returns the name of the backend, the option `type`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.kind.name
    }

    /// Returns one of the options, such as `url`, as text, if it was set or has a default.
    pub fn option(&self, name: &str) -> Option<String> {
        self.0.value(name).map(OptionValue::to_string)
    }

    /// Opens the backend. Each call opens a separate one, and two memory backends share nothing; to share a
    /// backend, open it once and clone it.
    ///
    /// # Errors
    ///
    /// The errors of [`Backend::open`] that only opening can detect.
    pub fn open(&self) -> Result<Backend> {
        self.0.open()
    }

    /// Opens the backend for an asynchronous program, as [`open`](BackendConfig::open) does for a blocking
    /// one.
    ///
    /// # Errors
    ///
    /// The same as for [`AsyncBackend::open`](crate::AsyncBackend::open).
    ///
    /// ```
    /// use beaker::config::{Place, Settings};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let config = Settings::from_pairs([("session.type", "memory")]).read()?;
    /// if let Place::Backend(backend) = &config.session.place {
    ///     let backend = backend.open_async()?;
    ///     # let _ = backend;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn open_async(&self) -> Result<crate::backend::AsyncBackend> {
        self.0.open_async()
    }

    /// The memory of this process, without a bound.
    pub(super) fn memory() -> BackendConfig {
        BackendConfig(BackendOptions::memory())
    }

    /// `type` and the options that are given, with what they are by default.
    pub(super) fn printed(&self, default: &str) -> Vec<Printed> {
        let kind = ("type", self.name().to_owned(), Some(default.to_owned()));
        let options = self
            .options()
            .map(|(option, value)| (option.name, value, option.default.map(str::to_owned)));
        [kind].into_iter().chain(options).collect()
    }

    fn options(&self) -> impl Iterator<Item = (&'static Descriptor, String)> {
        OPTIONS.iter().filter_map(|option| Some((option, self.option(option.name)?)))
    }
}

impl fmt::Debug for BackendConfig {
    /// With passwords in addresses hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options();
        let options = options.map(|(option, value)| (option.name, redacted(option.name, &value)));
        f.debug_struct("BackendConfig")
            .field("name", &self.name())
            .field("options", &options.collect::<BTreeMap<_, _>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::options::KINDS;

    /// What a text of each option is, so that `Backend::open` gets to know it.
    fn sample(option: &str) -> &'static str {
        match option {
            "deadline" | "max_entries" | "max_in_flight" | "queue_timeout" => "1000",
            "max_bytes" => "1000000",
            _ => "sample",
        }
    }

    #[test]
    fn back_ends_take_what_the_table_has() {
        for kind in KINDS.iter().filter(|kind| kind.is_compiled_in) {
            let error = Backend::open(kind.name, &[("no", "")]).unwrap_err().to_string();
            let known =
                if kind.options.is_empty() { "none".into() } else { kind.options.join(", ") };
            assert!(error.ends_with(&format!("; it has: {known}")), "{error}");
            for option in kind.options {
                let options = BackendOptions::parse(kind.name, &[(option, sample(option))]);
                if let Err(error) = options {
                    assert!(error.to_string().contains(" needs `"), "{error}");
                }
            }
            let works = Backend::open(kind.name, &[]).is_ok();
            assert_eq!(works, kind.needs.is_empty(), "{}", kind.name);
        }
    }

    #[test]
    fn defaults_are_values() {
        for option in OPTIONS {
            let default = option.default.map(|text| option.parse(text).unwrap().to_string());
            assert_eq!(default.as_deref(), option.default, "{}", option.name);
        }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[test]
    fn the_table_has_its_name() {
        let default = Descriptor::named("table_name").unwrap().default;
        assert_eq!(default, Some(crate::store::DatabaseStore::TABLE_NAME));
    }
}

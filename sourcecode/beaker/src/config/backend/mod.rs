//! [`BackendConfig`]: which back end, with which options.

mod kind;
mod said;

use std::collections::BTreeMap;
use std::fmt;

use kind::Kind;
pub(super) use said::Said;

use super::hidden::shown;
use crate::backend::Backend;
use crate::error::Result;

/// A back end by name, and its options: all that it needs, and none that it does not have.
#[derive(Clone, PartialEq, Eq)]
pub struct BackendConfig {
    name: &'static str,
    options: BTreeMap<String, String>,
}

impl BackendConfig {
    /// Its name: `type`.
    pub fn name(&self) -> &str {
        self.name
    }

    /// One of its options, such as `url`, if it was given.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Opens it. Each call opens it anew: two memories share nothing, so open one and clone it.
    ///
    /// # Errors
    ///
    /// What [`Backend::open`] fails with: what can only be found out by opening.
    pub fn open(&self) -> Result<Backend> {
        let options: Vec<(&str, &str)> =
            self.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Backend::open(self.name, &options)
    }

    /// The memory of this process, without a bound.
    pub(super) fn memory() -> BackendConfig {
        BackendConfig { name: "memory", options: BTreeMap::new() }
    }

    /// `type` and the options that are given, with what they are by default.
    pub(super) fn printed(
        &self,
        default: &'static str,
    ) -> Vec<(&'static str, String, Option<&'static str>)> {
        let mut printed = vec![("type", self.name.to_owned(), Some(default))];
        let Some(kind) = Kind::named(self.name) else { return printed };
        for option in kind.options {
            if let Some(value) = self.option(option) {
                printed.push((option, value.into(), kind.default(option)));
            }
        }
        printed
    }
}

impl fmt::Debug for BackendConfig {
    /// With passwords in addresses hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options.iter().map(|(name, value)| (name, shown(name, value)));
        f.debug_struct("BackendConfig")
            .field("name", &self.name)
            .field("options", &options.collect::<BTreeMap<_, _>>())
            .finish()
    }
}

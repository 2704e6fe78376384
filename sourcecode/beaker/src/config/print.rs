//! [`Lines`]: a configuration as it is printed.

use std::collections::BTreeMap;
use std::fmt;

use super::quotes::quoted;
use super::redact::redacted;

/// Sorted lines of `key = value`. Secrets are hidden, and defaults say that they are.
#[derive(Default)]
pub(super) struct Lines(BTreeMap<String, String>);

impl Lines {
    /// A line, and what is to be remarked on it.
    pub(super) fn line(&mut self, key: &str, value: &str, mark: Option<&str>) {
        let mark = mark.map(|mark| format!("  # {mark}")).unwrap_or_default();
        self.0.insert(key.into(), format!("{}{mark}", quoted(&redacted(key, value))));
    }

    /// An option that has a value, and what it would be if nothing had been said.
    pub(super) fn option(&mut self, key: &str, value: impl fmt::Display, default: &str) {
        let value = value.to_string();
        self.line(key, &value, (value == default).then_some("default"));
    }

    /// An option that has no value when nothing was said.
    pub(super) fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(key, value, None);
        }
    }

    /// A secret.
    pub(super) fn secret(&mut self, key: &str, value: Option<&super::Keys>) {
        if let Some(value) = value {
            self.0.insert(key.into(), value.to_string());
        }
    }
}

impl fmt::Display for Lines {
    /// With no line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

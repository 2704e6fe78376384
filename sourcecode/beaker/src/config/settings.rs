//! [`Settings`]: raw options and their sources: the program, the environment, lines of text.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::str::FromStr;

use super::name::{Name, classify};
use super::print::{quoted, redacted, unquoted};
use crate::error::{Error, Result};

/// What the names of our variables begin with.
const PREFIX: &str = "BEAKER_";

/// Raw options and their sources, not yet checked: [`read`](Settings::read) checks them.
///
/// The library's keys begin with `session.`, `cache.` or `limit.`, optionally after `beaker.`. Keys with another
/// beginning belong to other parts of the program and are ignored, unless one looks like a typing error.
#[derive(Clone, Default)]
#[must_use]
pub struct Settings(BTreeMap<String, Setting>);

/// One of them. Values have no white space around them.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) origin: Origin,
    /// What is wrong with it already where it stands.
    pub(super) mistake: Option<String>,
}

/// Where a setting came from, for the one who has to go there and mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A pair that the program gave.
    Program,
    /// A place in a text, such as `line 3 of deploy.toml`.
    Place(String),
    /// A variable of the environment, and the prefix that all of ours have.
    Variable { name: String, prefix: String },
}

impl Origin {
    /// The key as it is written there.
    pub(super) fn spell(&self, key: &str) -> String {
        match self {
            Origin::Variable { prefix, .. } => {
                format!("{prefix}{}", key.replace('.', "__").to_uppercase())
            }
            Origin::Program | Origin::Place(_) => key.into(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Program => f.write_str("from the program"),
            Origin::Place(place) => f.write_str(place),
            Origin::Variable { name, .. } => write!(f, "environment variable {name}"),
        }
    }
}

impl Settings {
    /// Creates settings from pairs of key and value. Within one `Settings`, a key that occurs twice is an
    /// error; for several sources, create several `Settings` and merge them.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in pairs {
            settings.insert(&key.into(), &value.into(), Origin::Program);
        }
        settings
    }

    /// Collects the settings among environment variables. The prefix is removed, `__` becomes a dot, and
    /// letters become lower case: with the prefix `BEAKER_`, `BEAKER_SESSION__TYPE` is `session.type`.
    pub fn from_env(
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let key = rest.replace("__", ".").to_lowercase();
            let origin = Origin::Variable { name: name.clone(), prefix: prefix.into() };
            settings.insert(&key, &value, origin);
        }
        settings
    }

    /// Collects the settings in this process's environment, with the prefix `BEAKER_`.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if such a variable is not Unicode.
    pub fn from_process_env() -> Result<Settings> {
        let mut variables = Vec::new();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let value = value.into_string().map_err(|_| {
                Error::config(format!("the environment variable {name} is not in UTF-8"))
            })?;
            variables.push((name.to_owned(), value));
        }
        Ok(Settings::from_env(PREFIX, variables))
    }

    /// Merges these settings with others, which take precedence.
    ///
    /// An empty value in the others unsets the option: with `BEAKER_SESSION__DATA_DIR=` in the environment,
    /// the `session.data_dir` of a file is ignored.
    pub fn merged_with(mut self, later: Settings) -> Settings {
        for (key, setting) in later.0 {
            let takes_back = setting.value.is_empty() && self.0.contains_key(&key);
            match takes_back {
                true => self.0.remove(&key),
                false => self.0.insert(key, setting),
            };
        }
        self
    }

    pub(super) fn insert(&mut self, key: &str, value: &str, origin: Origin) {
        self.insert_judged(key, value, origin, None);
    }

    /// Takes a setting up, with what its source found wrong with it.
    pub(super) fn insert_judged(
        &mut self,
        key: &str,
        value: &str,
        origin: Origin,
        mistake: Option<String>,
    ) {
        let key = match classify(key.trim()) {
            Name::Ours(key) => key,
            Name::Meant(_) => key.trim().to_owned(),
            Name::Foreign => return,
        };
        let twice = self.0.get(&key).map(|before| {
            let value = redacted(&key, &before.value);
            format!("it is said twice, and was `{value}` before ({})", before.origin)
        });
        let mistake = mistake.or(twice);
        self.0.insert(key, Setting { value: value.trim().to_owned(), origin, mistake });
    }

    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(key, setting)| (key.as_str(), setting))
    }
}

impl fmt::Debug for Settings {
    /// Prints lines of `key = value`, with secrets hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |(key, setting): (&str, &Setting)| {
            let value = redacted(key, &setting.value);
            format!("{key} = {}  # {}\n", quoted(&value), setting.origin)
        };
        f.write_str(&self.iter().map(line).collect::<String>())
    }
}

impl FromStr for Settings {
    type Err = Error;

    /// Reads lines of `key = value`, as a configuration prints them. Empty lines and comments after a `#` are
    /// skipped. A value that begins with `"` is a JSON string, and so may contain any character.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for any other line.
    fn from_str(text: &str) -> Result<Settings> {
        let mut settings = Settings::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pair = line.split_once('=').and_then(|(key, value)| Some((key, unquoted(value)?)));
            let Some((key, value)) = pair else {
                let number = number + 1;
                return Err(Error::config(format!(
                    "could not read line {number} of the settings: \
                     write `key = value`, and `#` before what is not one"
                )));
            };
            settings.insert(key, &value, Origin::Place(format!("line {}", number + 1)));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: Settings, text: &str) {
        assert_eq!(format!("{settings:?}"), text);
    }

    #[test]
    fn later_ones_win() {
        let first = Settings::from_pairs([("beaker.session.type", "file"), ("cache.expire", "1")]);
        let later = Settings::from_pairs([("session.type", " memory "), ("debug", "true")]);
        check(
            first.merged_with(later),
            "cache.expire = 1  # from the program\nsession.type = memory  # from the program\n",
        );
    }

    #[test]
    fn an_empty_one_takes_back() {
        let first = Settings::from_pairs([("session.data_dir", "x"), ("cache.expire", "1")]);
        let later = Settings::from_pairs([("session.data_dir", ""), ("session.url", "")]);
        check(
            first.merged_with(later),
            "cache.expire = 1  # from the program\nsession.url =   # from the program\n",
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = Settings::from_pairs([("session.secret", "swordfish")]);
        check(settings, "session.secret = (hidden, 9 characters)  # from the program\n");
    }

    #[track_caller]
    fn check_variable(name: &str, text: &str) {
        let settings = Settings::from_env("BEAKER_", [(name.to_owned(), "x".to_owned())]);
        assert_eq!(format!("{settings:?}"), text);
    }

    #[test]
    fn names_of_variables() {
        check_variable(
            "BEAKER_SESSION__DATA_DIR",
            "session.data_dir = x  # environment variable BEAKER_SESSION__DATA_DIR\n",
        );
        check_variable(
            "BEAKER_CACHE__SHORT__EXPIRE",
            "cache.short.expire = x  # environment variable BEAKER_CACHE__SHORT__EXPIRE\n",
        );
        check_variable("BEAKER_LONG_TESTS", "");
        check_variable("SESSION__TYPE", "");
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let message = "a = 1\n\nwhat".parse::<Settings>().unwrap_err().to_string();
        assert!(message.contains("line 3"), "{message}");
    }
}

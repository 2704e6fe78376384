//! [`Settings`]: what was said, and where.

use std::collections::BTreeMap;
use std::fmt;

use super::name::{Name, classify};
use super::origin::Origin;
use super::quotes::quoted;
use super::redact::redacted;

/// Settings from one or more places, not judged yet: [`read`](Settings::read) does that.
///
/// Ours begin with `session.` or `cache.`, or with these after `beaker.`. What begins otherwise
/// belongs to another part of the program and is left alone, unless it looks like a slip of the pen.
#[derive(Clone, Default)]
pub struct Settings(BTreeMap<String, Setting>);

/// One of them. Values have no white space around them.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) origin: Origin,
    /// What is wrong with it already where it stands.
    pub(super) mistake: Option<String>,
}

impl Settings {
    /// Settings that the program has as pairs. For two kinds of sources, make two `Settings`: within
    /// one, a key that comes twice is a mistake.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in pairs {
            settings.insert(&key.into(), &value.into(), Origin::Program);
        }
        settings
    }

    /// These settings, and on top of them others, which win.
    ///
    /// An empty value in the others takes back what was said here: with
    /// `BEAKER_SESSION__DATA_DIR=` in the environment, the file's `session.data_dir` was never said.
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
    /// Lines of `key = value`, with secrets hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |(key, setting): (&str, &Setting)| {
            let value = redacted(key, &setting.value);
            format!("{key} = {}  # {}\n", quoted(&value), setting.origin)
        };
        f.write_str(&self.iter().map(line).collect::<String>())
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
}

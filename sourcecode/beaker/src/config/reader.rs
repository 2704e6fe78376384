//! [`Reader`]: takes the options of one group out of the settings; and [`Problems`]: all errors of a
//! configuration, reported at once.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::name::{Name, classify, refused};
use super::print::{holds_redacted, quoted, redacted};
use super::settings::{Setting, Settings};
use super::words::{ConfigOption, ParseResult};
use crate::error::{Error, Result};
use crate::nearest::nearest;

/// The options below one prefix, such as `session.` or `cache.short.`.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    prefix: String,
    /// Where an option may have come from that is not below the prefix.
    inherits: Option<&'static str>,
    known: &'static [&'static str],
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        prefix: impl Into<String>,
        known: &'static [&'static str],
        problems: &'a Problems,
    ) -> Reader<'a> {
        Reader { settings, prefix: prefix.into(), inherits: None, known, problems }
    }

    /// Looks for the source of an error below this prefix, too.
    pub(super) fn inheriting(mut self, prefix: &'static str) -> Reader<'a> {
        self.inherits = Some(prefix);
        self
    }

    fn setting(&self, option: &str) -> Option<&'a Setting> {
        debug_assert!(self.known.contains(&option), "`{option}` is in no list of names");
        self.settings.get(&self.key(option))
    }

    fn key(&self, option: &str) -> String {
        format!("{}{option}", self.prefix)
    }

    /// Whether something was said, right or wrong.
    pub(super) fn is_given(&self, option: &str) -> bool {
        self.setting(option).is_some()
    }

    /// What was said, right or wrong.
    pub(super) fn said(&self, option: &str) -> Option<&'a str> {
        self.setting(option).map(|setting| setting.value.as_str())
    }

    /// Reads the options of a table into their fields. Those that were not said, or are wrong, stay.
    pub(super) fn read_all<C>(&self, options: &[ConfigOption<C>], config: &mut C) {
        for ConfigOption(name, parse, _) in options {
            self.read(name, |text| parse(config, text));
        }
    }

    /// What was given, understood by `parse`; if it is not, that is noted, and `None` returned.
    pub(super) fn read<T>(
        &self,
        option: &str,
        parse: impl FnOnce(&'a str) -> ParseResult<T>,
    ) -> Option<T> {
        let setting = self.setting(option)?;
        let understood = match &setting.mistake {
            Some(mistake) => Err(mistake.clone()),
            None if setting.value.is_empty() => Err("nothing is said; leave it out".into()),
            None if holds_redacted(&setting.value) => {
                Err("this only shows that something is hidden; put the secret itself here".into())
            }
            None => parse(&setting.value),
        };
        understood.map_err(|what| self.wrong(option, &what)).ok()
    }

    /// Records an error in an option that was set.
    pub(super) fn wrong(&self, option: &str, what: &str) {
        let own = self.key(option);
        let inherited = self.inherits.map(|prefix| format!("{prefix}{option}"));
        for key in [Some(own), inherited].into_iter().flatten() {
            if let Some(setting) = self.settings.get(&key) {
                return self.problems.wrong(&key, setting, what);
            }
        }
    }

    /// Notes that something has to be given.
    pub(super) fn missing(&self, option: &str, what: &str) {
        self.problems.missing(&self.key(option), what);
    }

    /// Notes what is below the prefix and is no option, unless it is for others. Keys of regions go on with
    /// their names.
    pub(super) fn finish(&self, regions: &BTreeSet<&str>, of_others: &[&str]) {
        for (key, setting) in self.settings.iter() {
            let Some(option) = key.strip_prefix(&self.prefix) else { continue };
            let region = option.split_once('.').map(|(region, _)| region);
            let is_known =
                region.map_or(self.known.contains(&option), |name| regions.contains(name));
            if !is_known && !of_others.contains(&option) {
                let what = self.unknown(option, region, regions, setting);
                self.problems.wrong(key, setting, &what);
            }
        }
    }

    /// What may have been meant by a name that is no option's.
    fn unknown(
        &self,
        option: &str,
        region: Option<&str>,
        regions: &BTreeSet<&str>,
        setting: &Setting,
    ) -> String {
        if let Some(why) = refused(option) {
            return why.into();
        }
        if let Some(region) = region.filter(|_| self.known.contains(&"regions")) {
            let none = format!("there is no region `{region}` in `cache.regions`");
            return match nearest(region, regions.iter().copied()) {
                Some(near) => format!("{none}; did you mean `{near}`?"),
                None => none + "; add it there",
            };
        }
        match nearest(option, self.known.iter().copied()) {
            Some(near) => {
                let near = setting.origin.spell(&self.key(near));
                format!("there is no such option; did you mean `{near}`?")
            }
            None => format!("there is no such option; there are {}", self.known.join(", ")),
        }
    }
}

/// Notes the keys that have a wrong prefix, or none.
pub(super) fn note_strays(settings: &Settings, problems: &Problems) {
    for (key, setting) in settings.iter() {
        let Name::Meant(meant) = classify(key) else { continue };
        let meant: Vec<String> =
            meant.iter().map(|key| format!("`{}`", setting.origin.spell(key))).collect();
        let what = match meant.is_empty() {
            true => "options begin with `session.`, `cache.` or `limit.`".to_owned(),
            false => format!(
                "options begin with `session.`, `cache.` or `limit.`; did you mean {}?",
                meant.join(" or ")
            ),
        };
        problems.wrong(key, setting, &what);
    }
}

/// The errors that were found so far, each a line.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<String>>);

impl Problems {
    /// Something is wrong with what was said. The text says what is allowed.
    pub(super) fn wrong(&self, key: &str, setting: &Setting, what: &str) {
        let value = redacted(key, &setting.value);
        let value = quoted(&value);
        self.note(format!("{key} = {value} ({}): {what}", setting.origin));
    }

    /// Something was not said that has to be.
    pub(super) fn missing(&self, key: &str, what: &str) {
        self.note(format!("{key} is missing: {what}"));
    }

    /// Once is enough: regions find again what is wrong with what they inherit.
    fn note(&self, line: String) {
        let mut lines = self.0.borrow_mut();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }

    /// One error for all of them.
    pub(super) fn result(self) -> Result<()> {
        match self.0.into_inner().as_slice() {
            [] => Ok(()),
            [one] => Err(Error::config(format!("the configuration has an error:\n  {one}"))),
            all => Err(Error::config(format!(
                "the configuration has {} errors:\n  {}",
                all.len(),
                all.join("\n  ")
            ))),
        }
    }
}

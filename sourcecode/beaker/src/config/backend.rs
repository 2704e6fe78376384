//! [`BackendConfig`]: which back end, with which options; and [`RawBackend`]: what was given of one,
//! before it is known whether it makes one.

use std::collections::BTreeMap;
use std::fmt;

use super::reader::Reader;
use super::redact::redacted;
use crate::backend::Backend;
use crate::backend::options::{
    BackendOptions, Descriptor, KINDS, Kind, OPTIONS, OptionValue, ParseResult, listed,
};
use crate::error::Result;
use crate::nearest::nearest;

/// A back end by name, and its options: all that it needs, and none that it does not have.
#[derive(Clone, PartialEq, Eq)]
pub struct BackendConfig(BackendOptions);

impl BackendConfig {
    /// Returns its name: `type`.
    pub fn name(&self) -> &str {
        self.0.kind.name
    }

    /// Returns one of its options, such as `url`, as text, if it was given or has a default.
    pub fn option(&self, name: &str) -> Option<String> {
        self.0.value(name).map(OptionValue::to_string)
    }

    /// Opens it. Each call opens another one: two memories share nothing, so open one and clone it.
    ///
    /// # Errors
    ///
    /// What [`Backend::open`] fails with: what can only be found out by opening.
    pub fn open(&self) -> Result<Backend> {
        self.0.open()
    }

    /// Opens it for an asynchronous program, as [`open`](BackendConfig::open) does for a blocking one.
    ///
    /// # Errors
    ///
    /// What [`AsyncBackend::open`](crate::AsyncBackend::open) fails with.
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
    pub(super) fn printed(
        &self,
        default: &'static str,
    ) -> Vec<(&'static str, String, Option<&'static str>)> {
        let mut printed = vec![("type", self.name().to_owned(), Some(default))];
        let options = self.options();
        printed.extend(options.map(|(option, value)| (option.name, value, option.default)));
        printed
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

/// The `type` and the options that were given.
#[derive(Debug, Clone, Default)]
pub(super) struct RawBackend {
    kind: Option<&'static Kind>,
    /// A `type` was given that nobody knows; what else would be wrong is not worth telling.
    is_lost: bool,
    /// The back end is the one that is given elsewhere, where it is checked.
    is_inherited: bool,
    /// `None` was given, and is wrong.
    options: BTreeMap<&'static str, Option<OptionValue>>,
}

impl RawBackend {
    /// Reads what is given below the reader's prefix. `more` are names that `type` may have as well.
    pub(super) fn read(reader: &Reader<'_>, more: &[&str]) -> RawBackend {
        let mut raw = RawBackend::default();
        if reader.is_given("type") {
            let kind = reader.read("type", |name| match more.contains(&name) {
                true => Ok(None),
                false => known(name, more).map(Some),
            });
            raw.is_lost = kind.is_none();
            raw.kind = kind.flatten();
        }
        for option in OPTIONS.iter().filter(|option| reader.is_given(option.name)) {
            raw.options.insert(option.name, reader.read(option.name, |text| option.parse(text)));
        }
        raw
    }

    pub(super) fn gives(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// The options that were given.
    pub(super) fn given(&self) -> Vec<&'static str> {
        self.options.keys().copied().collect()
    }

    /// The same, with what is given elsewhere where nothing is given here.
    pub(super) fn or(mut self, base: &RawBackend) -> RawBackend {
        self.is_inherited = self.kind.is_none() && !self.is_lost;
        self.is_lost |= self.is_inherited && base.is_lost;
        self.kind = self.kind.or(base.kind);
        let own = self.given();
        for option in OPTIONS.iter().filter(|option| base.gives(option.name)) {
            // Of two that exclude each other, the other one is not inherited beside the own one.
            let is_displaced = own.contains(&option.name)
                || option.excludes.is_some_and(|other| own.contains(&other));
            if !is_displaced {
                self.options.insert(option.name, base.options[option.name].clone());
            }
        }
        self
    }

    /// The back end, unless nobody knows it.
    fn kind(&self, default: &str) -> Option<&'static Kind> {
        self.kind.or(Kind::named(default)).filter(|_| !self.is_lost)
    }

    /// Whether the back end has this option. One that nobody knows may have any.
    pub(super) fn takes(&self, option: &str, default: &str) -> bool {
        self.kind(default).is_none_or(|kind| kind.has(option))
    }

    /// Notes those of the options that the back end does not have, and that nobody else uses.
    pub(super) fn note_surplus(
        &self,
        given: &[&str],
        reader: &Reader<'_>,
        default: &str,
        is_used: impl Fn(&str) -> bool,
    ) {
        let Some(kind) = self.kind(default) else { return };
        for option in given.iter().filter(|option| !kind.has(option) && !is_used(option)) {
            let name = kind.name;
            let what = match kind.options {
                [] => format!("the back end `{name}` has no options; leave it out"),
                has => format!("the back end `{name}` has only {}; leave it out", has.join(", ")),
            };
            reader.wrong(option, &what);
        }
    }

    /// The back end, if it has what it needs. Options that it does not have are left out.
    pub(super) fn settle(self, reader: &Reader<'_>, default: &str) -> Option<BackendConfig> {
        let kind = self.kind(default)?;
        if !kind.needs.is_empty() && !kind.needs.iter().any(|option| self.gives(option)) {
            let what =
                format!("the back end `{}` needs `{}`", kind.name, kind.needs.join("` or `"));
            if !self.is_inherited {
                reader.missing(kind.needs[0], &what);
            }
            return None;
        }
        let both = |option: &&Descriptor| kind.has(option.name) && self.gives(option.name);
        let mut seen: Vec<&str> = Vec::new();
        for option in OPTIONS.iter().filter(both) {
            if let Some(other) = option.excludes.filter(|other| seen.contains(other)) {
                let what = format!("`{other}` is given as well; leave one of them out");
                reader.wrong(option.name, &what);
            }
            seen.push(option.name);
        }
        let values = self.options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let backend = BackendConfig(BackendOptions::new(kind, &values.collect()));
        check_address(&backend, reader);
        Some(backend)
    }
}

fn known(name: &str, more: &[&str]) -> ParseResult<&'static Kind> {
    let names = || KINDS.iter().map(|kind| kind.name).chain(more.iter().copied());
    match Kind::named(name) {
        Some(kind) if kind.is_compiled_in => Ok(kind),
        Some(kind) => Err(format!("it {}", kind.not_compiled_in())),
        None => Err(match nearest(name, names()).or(nearest(&format!("ext:{name}"), names())) {
            Some(near) => format!("there is no such back end; did you mean `{near}`?"),
            None => format!("there is no such back end; there are {}", listed(names())),
        }),
    }
}

/// Opening a back end on redis connects to nobody, so it can be asked now what it thinks of an
/// address.
fn check_address(backend: &BackendConfig, reader: &Reader<'_>) {
    if !matches!(backend.name(), "ext:redis" | "ext:rediscluster") {
        return;
    }
    if let Err(error) = backend.open() {
        let option = if backend.option("url").is_some() { "url" } else { "urls" };
        reader.wrong(option, &error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

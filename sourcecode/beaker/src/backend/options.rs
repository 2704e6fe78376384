//! [`BackendOptions`]: the typed options of a backend, and the table of all backends and options. Code that
//! checks, prints or explains options reads this table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::error::{Error, Result};

/// A value, or a description of the allowed values.
pub(crate) type ParseResult<T> = Result<T, String>;

/// Describes an option of a backend.
pub(crate) struct Descriptor {
    pub(crate) name: &'static str,
    /// The default as text, if there is one.
    pub(crate) default: Option<&'static str>,
    /// Another option that must not be given together with this one.
    pub(crate) excludes: Option<&'static str>,
    form: Form,
}

/// The kind of values of an option.
enum Form {
    Text,
    /// A whole number, not below this one.
    Number(usize),
    /// Whole milliseconds, 1 or more.
    Milliseconds,
}

/// All options, in the order of their columns in the table of [`Backend::open`](crate::Backend::open).
pub(crate) const OPTIONS: &[Descriptor] = &[
    Descriptor::new("data_dir", Form::Text),
    Descriptor::new("lock_dir", Form::Text),
    Descriptor::new("url", Form::Text).excluding("urls"),
    Descriptor::new("urls", Form::Text).excluding("url"),
    Descriptor::new("master", Form::Text).or("mymaster"),
    Descriptor::new("table_name", Form::Text).or("beaker_values"),
    Descriptor::new("deadline", Form::Milliseconds).or("2000"),
    Descriptor::new("max_entries", Form::Number(1)).excluding("max_bytes"),
    Descriptor::new("max_bytes", Form::Number(1000)).excluding("max_entries"),
    Descriptor::new("max_in_flight", Form::Number(1)),
    Descriptor::new("queue_timeout", Form::Milliseconds),
];

impl Descriptor {
    const fn new(name: &'static str, form: Form) -> Descriptor {
        Descriptor { name, default: None, excludes: None, form }
    }

    const fn or(mut self, default: &'static str) -> Descriptor {
        self.default = Some(default);
        self
    }

    const fn excluding(mut self, other: &'static str) -> Descriptor {
        self.excludes = Some(other);
        self
    }

    pub(crate) fn named(name: &str) -> Option<&'static Descriptor> {
        OPTIONS.iter().find(|option| option.name == name)
    }

    /// Parses a value.
    pub(crate) fn parse(&self, text: &str) -> ParseResult<OptionValue> {
        match self.form {
            Form::Text => Ok(OptionValue::Text(text.to_owned())),
            Form::Number(least) => number(text, least).map(OptionValue::Number),
            Form::Milliseconds => number(text, 1)
                .map(|ms| OptionValue::Time(Duration::from_millis(ms as u64)))
                .map_err(|allowed| format!("{allowed}, of milliseconds")),
        }
    }
}

/// Parses a whole number that is not below `least`. Only digits are allowed: `parse` would accept `+5` as
/// well.
pub(crate) fn number(text: &str, least: usize) -> ParseResult<usize> {
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| *number >= least && is_whole);
    number.ok_or_else(|| format!("allowed is a whole number, {least} or more"))
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OptionValue {
    Text(String),
    Number(usize),
    Time(Duration),
}

impl fmt::Display for OptionValue {
    /// Prints the value in the form in which it is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionValue::Text(text) => f.write_str(text),
            OptionValue::Number(number) => number.fmt(f),
            OptionValue::Time(time) => time.as_millis().fmt(f),
        }
    }
}

/// Describes a backend: its name and its options.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) options: &'static [&'static str],
    /// One of these options is required; empty if none is.
    pub(crate) needs: &'static [&'static str],
    /// What the required option stands for.
    needed: &'static str,
    /// The feature that includes the backend; `None` if it is always available.
    feature: Option<&'static str>,
    pub(crate) is_compiled_in: bool,
}

const FOLDERS: &[&str] = &["data_dir", "lock_dir", "max_in_flight", "queue_timeout"];
const SERVER: &[&str] = &["url", "lock_dir", "deadline", "max_in_flight", "queue_timeout"];

/// All backends.
pub(crate) const KINDS: &[Kind] = &[
    Kind::new("memory", &["max_entries", "max_bytes"]),
    Kind::new("file", FOLDERS).needing(&["data_dir"], "the folder to store in"),
    Kind::new("dbm", FOLDERS)
        .needing(&["data_dir"], "the folder to store in")
        .of_feature("dbm", cfg!(feature = "dbm")),
    Kind::new("ext:memcached", SERVER)
        .needing(&["url"], "the servers: `host:port`, with `;` between several")
        .of_feature("memcached", cfg!(feature = "memcached")),
    Kind::new("ext:redis", SERVER)
        .needing(&["url"], "the server: `redis://host:port`")
        .of_feature("redis", cfg!(feature = "redis")),
    Kind::new(
        "ext:rediscluster",
        &["urls", "url", "lock_dir", "deadline", "max_in_flight", "queue_timeout"],
    )
    .needing(
        &["urls", "url"],
        "some of the servers: `redis://host:port`, with `,` or `;` between several",
    )
    .of_feature("redis", cfg!(feature = "redis")),
    Kind::new(
        "ext:redissentinel",
        &["urls", "url", "master", "lock_dir", "deadline", "max_in_flight", "queue_timeout"],
    )
    .needing(
        &["urls", "url"],
        "some of the sentinels: `redis://host:26379`, with `,` or `;` between several",
    )
    .of_feature("redis", cfg!(feature = "redis")),
    Kind::new(
        "ext:database",
        &["url", "table_name", "lock_dir", "deadline", "max_in_flight", "queue_timeout"],
    )
    .needing(
        &["url"],
        "the database: `sqlite:///path/to/file.db` or `postgres://user:password@host/database`",
    )
    .of_feature("sqlite` or `postgres", cfg!(any(feature = "sqlite", feature = "postgres"))),
    Kind::new("null", &[]),
];

impl Kind {
    const fn new(name: &'static str, options: &'static [&'static str]) -> Kind {
        Kind { name, options, needs: &[], needed: "", feature: None, is_compiled_in: true }
    }

    const fn needing(mut self, needs: &'static [&'static str], needed: &'static str) -> Kind {
        self.needs = needs;
        self.needed = needed;
        self
    }

    const fn of_feature(mut self, feature: &'static str, is_compiled_in: bool) -> Kind {
        self.feature = Some(feature);
        self.is_compiled_in = is_compiled_in;
        self
    }

    /// Returns the backend of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.contains(&option)
    }

    /// Returns how to enable a backend that is not compiled in.
    pub(crate) fn not_compiled_in(&self) -> String {
        let feature = self.feature.unwrap_or_default();
        format!("is not compiled in; turn on the feature `{feature}` of the crate `beaker`")
    }
}

/// Lists names in a message: `a`, `b`.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A backend and its options, including all that it requires.
#[derive(Clone)]
pub(crate) struct BackendOptions {
    pub(crate) kind: &'static Kind,
    values: BTreeMap<&'static str, OptionValue>,
}

impl BackendOptions {
    /// Selects the options that the backend has, and adds the defaults of those that are missing.
    pub(crate) fn new(
        kind: &'static Kind,
        given: &BTreeMap<&'static str, OptionValue>,
    ) -> BackendOptions {
        let mut values = BTreeMap::new();
        for option in OPTIONS.iter().filter(|option| kind.has(option.name)) {
            let default = || option.default.and_then(|text| option.parse(text).ok());
            if let Some(value) = given.get(option.name).cloned().or_else(default) {
                values.insert(option.name, value);
            }
        }
        BackendOptions { kind, values }
    }

    /// The memory of this process, without a limit.
    pub(crate) fn memory() -> BackendOptions {
        BackendOptions::new(&KINDS[0], &BTreeMap::new())
    }

    /// Parses the arguments of [`Backend::open`](crate::Backend::open).
    pub(crate) fn parse(name: &str, given: &[(&str, &str)]) -> Result<BackendOptions> {
        let Some(kind) = Kind::named(name) else {
            let names = listed(KINDS.iter().map(|kind| kind.name));
            return Err(Error::config(format!("there is no backend `{name}`; there are {names}")));
        };
        let wrong = |what: String| Err(Error::config(format!("the backend `{name}`{what}")));
        if !kind.is_compiled_in {
            return wrong(format!(" {}", kind.not_compiled_in()));
        }
        let mut values = BTreeMap::new();
        for (option, value) in given {
            let Some(option) = Descriptor::named(option).filter(|it| kind.has(it.name)) else {
                let known = match kind.options {
                    [] => "none".to_owned(),
                    known => known.join(", "),
                };
                return wrong(format!(" has no option `{option}`; it has: {known}"));
            };
            match option.parse(value) {
                _ if value.is_empty() && kind.needs.contains(&option.name) => {}
                Ok(value) => drop(values.insert(option.name, value)),
                Err(allowed) => {
                    return wrong(format!(": `{}` is `{value}`; {allowed}", option.name));
                }
            }
        }
        let is_met = kind.needs.iter().any(|option| values.contains_key(option));
        if let Some(needed) = kind.needs.first().filter(|_| !is_met) {
            return wrong(format!(" needs `{needed}`, {}", kind.needed));
        }
        for option in OPTIONS.iter().filter(|option| values.contains_key(option.name)) {
            if let Some(other) = option.excludes.filter(|other| values.contains_key(other)) {
                return wrong(format!(" has `{}` or `{other}`, not both", option.name));
            }
        }
        Ok(BackendOptions::new(kind, &values))
    }

    pub(crate) fn value(&self, option: &str) -> Option<&OptionValue> {
        self.values.get(option)
    }

    pub(super) fn text(&self, option: &str) -> Option<&str> {
        match self.value(option)? {
            OptionValue::Text(text) => Some(text),
            OptionValue::Number(_) | OptionValue::Time(_) => None,
        }
    }

    pub(super) fn number(&self, option: &str) -> Option<usize> {
        match self.value(option)? {
            OptionValue::Number(number) => Some(*number),
            OptionValue::Text(_) | OptionValue::Time(_) => None,
        }
    }

    #[cfg(any(
        feature = "tokio",
        feature = "memcached",
        feature = "redis",
        feature = "sqlite",
        feature = "postgres"
    ))]
    pub(super) fn time(&self, option: &str) -> Option<Duration> {
        match self.value(option)? {
            OptionValue::Time(time) => Some(*time),
            OptionValue::Text(_) | OptionValue::Number(_) => None,
        }
    }
}

impl PartialEq for BackendOptions {
    fn eq(&self, other: &BackendOptions) -> bool {
        self.kind.name == other.kind.name && self.values == other.values
    }
}

impl Eq for BackendOptions {}

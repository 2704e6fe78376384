//! Reads raw settings into the options of caches and of backends: which of them belong together, what is
//! inherited, and which keys are unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::backend::BackendConfig;
use super::cache::{self, CacheConfig, RegionConfig};
use super::name;
use super::reader::{Problems, Reader};
use super::settings::Settings;
use super::shared_cache::CacheFormat;
use super::words::{self, ParseResult};
use crate::backend::options::{
    BackendOptions, Descriptor, KINDS, Kind, OPTIONS, OptionValue, listed,
};
use crate::nearest::nearest;

impl CacheConfig {
    pub(super) fn read(settings: &Settings, problems: &Problems) -> CacheConfig {
        let reader = Reader::new(settings, "cache.", name::cache(), problems);
        let regions = reader.read("regions", Ok).unwrap_or_default();
        let names: BTreeSet<&str> = words::list(regions).collect();
        if let Err(what) = check(regions) {
            reader.wrong("regions", &what);
        }
        let mut default = RegionConfig::default();
        let base = RawBackend::read(&reader, &[]);
        reader.read_all(cache::OPTIONS, &mut default);
        reader.finish(&names, &[]);

        let raw: Vec<(&str, RawBackend, RegionConfig)> = names
            .into_iter()
            .map(|name| {
                let reader = reader_of(settings, name, problems);
                let (raw, mut region) = (RawBackend::read(&reader, &[]), default.clone());
                reader.read_all(cache::OPTIONS, &mut region);
                (name, raw, region)
            })
            .collect();
        for (option, needed) in PAIRS {
            let mut regions = raw.iter().map(|(_, _, region)| region);
            let is_used = needed.1(&default) || regions.any(needed.1);
            if !is_used {
                reader.wrong(option, &format!("it is for `{}`, which is missing", needed.0));
            }
        }
        // Options that regions use may be said for all of them.
        let is_used = |option: &str| {
            raw.iter().any(|(_, raw, _)| raw.clone().or(&base).takes(option, "memory"))
        };
        base.note_surplus(&base.given(), &reader, "memory", is_used);
        if let Some(backend) = base.clone().settle(&reader, "memory") {
            default.backend = backend;
        }
        let regions = raw.into_iter().map(|(name, raw, region)| {
            let reader = reader_of(settings, name, problems);
            let region = region.without_what_says_nothing();
            for (option, needed) in PAIRS.iter().filter(|(option, _)| reader.is_given(option)) {
                if !needed.1(&region) {
                    reader.wrong(option, &format!("it is for `{}`, which is missing", needed.0));
                }
            }
            reader.finish(&BTreeSet::new(), &[]);
            let (own, all) = (raw.given(), raw.or(&base));
            all.note_surplus(&own, &reader, "memory", |_| false);
            let backend = all.settle(&reader, "memory").unwrap_or_else(BackendConfig::memory);
            let mut region = RegionConfig { backend, ..region };
            if reader.is_given("objects") {
                region.check_objects(&reader);
            }
            region.check_bound(&reader);
            region.check_format(&reader);
            region.objects &= region.max_objects().is_some();
            (name.to_owned(), region)
        });
        let regions: BTreeMap<String, RegionConfig> = regions.collect();
        if !regions.values().any(|region| region.objects) {
            default.check_objects(&reader);
        }
        default.check_bound(&reader);
        if regions.is_empty() {
            default.check_format(&reader);
        }
        CacheConfig { regions, default: default.without_what_says_nothing() }
    }
}

impl RegionConfig {
    fn check_objects(&self, reader: &Reader<'_>) {
        if self.objects && self.max_objects().is_none() {
            let what =
                "values stay as they are in memory alone; take `type = memory`, or leave it out";
            reader.wrong("objects", what);
        }
        if self.objects && self.local_tier.is_some() {
            reader.wrong("local_tier", "with `objects` all values are in memory; leave it out");
        }
    }

    fn check_bound(&self, reader: &Reader<'_>) {
        if self.max_objects().is_some() && self.backend.option("max_bytes").is_some() {
            let what = "with `objects` values are counted, since nobody knows their size; take \
                        `max_entries`";
            reader.wrong("max_bytes", what);
        }
    }

    /// Refuses what a form that Python shares cannot hold.
    pub(super) fn check_format(&self, reader: &Reader<'_>) {
        if self.format == CacheFormat::Own {
            return;
        }
        if !cfg!(feature = "python") {
            let what = "it is not compiled in; turn on the feature `python` of the crate `beaker`";
            reader.wrong("format", what);
        }
        let stores =
            ["memory", "ext:redis", "ext:rediscluster", "ext:redissentinel", "ext:memcached"];
        let store = self.backend.name();
        let is_file = store == "file" && self.format == CacheFormat::Beaker;
        if self.enabled && !is_file && !stores.contains(&store) {
            let what =
                "Python shares redis and memcached, and Beaker files; take one of them as `type`";
            reader.wrong("format", what);
        }
        let is_jittered = self.jitter > 0 && self.format.is_dogpile();
        let default = RegionConfig::default();
        for (option, is_given) in [
            ("local_tier", self.local_tier.is_some()),
            ("refresh_early", self.refresh_early),
            ("jitter", is_jittered),
            ("objects", self.objects),
            ("key_length", self.key_length != default.key_length),
        ] {
            if is_given {
                reader
                    .wrong(option, "entries that Python shares have no place for it; leave it out");
            }
        }
    }

    /// Leaves out what is said for regions that have a use for it.
    fn without_what_says_nothing(mut self) -> RegionConfig {
        self.on_timeout = self.wait_timeout.and(self.on_timeout);
        self.local_ttl = self.local_tier.and(self.local_ttl);
        if !self.format.is_dogpile() {
            (self.distributed_lock, self.stored_for, self.sha1_keys_from) = (None, None, None);
        }
        self
    }
}

/// An option, and another one without which it says nothing.
type Pair = (&'static str, (&'static str, fn(&RegionConfig) -> bool));

const PAIRS: &[Pair] = &[
    ("on_timeout", ("wait_timeout", |it| it.wait_timeout.is_some())),
    ("local_ttl", ("local_tier", |it| it.local_tier.is_some())),
    ("distributed_lock", DOGPILE),
    ("stored_for", DOGPILE),
    ("sha1_keys_from", DOGPILE),
];

const DOGPILE: (&str, fn(&RegionConfig) -> bool) =
    ("format = dogpile-json` or `dogpile-pickle", |it| it.format.is_dogpile());

fn reader_of<'a>(settings: &'a Settings, name: &str, problems: &'a Problems) -> Reader<'a> {
    Reader::new(settings, format!("cache.{name}."), name::region(), problems).inheriting("cache.")
}

/// Refuses names that cannot be a part of keys, and those that come twice.
fn check(regions: &str) -> ParseResult<()> {
    let mut names = BTreeSet::new();
    for name in words::list(regions) {
        if !is_name(name) {
            return Err(
                "allowed are names of letters, digits, `_` and `-`, with `,` between".into()
            );
        }
        if !names.insert(name) {
            return Err(format!("the region `{name}` is named twice"));
        }
    }
    Ok(())
}

/// Whether a text can be a part of keys.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// The `type` and the options that were given.
#[derive(Debug, Clone, Default)]
pub(super) struct RawBackend {
    kind: Option<&'static Kind>,
    /// A `type` was given that nobody knows; what else would be wrong is not worth telling.
    is_lost: bool,
    /// The backend is the one that is given elsewhere, where it is checked.
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

    /// The backend, unless nobody knows it.
    fn kind(&self, default: &str) -> Option<&'static Kind> {
        self.kind.or(Kind::named(default)).filter(|_| !self.is_lost)
    }

    /// Whether the backend has this option. One that nobody knows may have any.
    pub(super) fn takes(&self, option: &str, default: &str) -> bool {
        self.kind(default).is_none_or(|kind| kind.has(option))
    }

    /// Notes those of the options that the backend does not have, and that nobody else uses.
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
                [] => format!("the backend `{name}` has no options; leave it out"),
                has => format!("the backend `{name}` has only {}; leave it out", has.join(", ")),
            };
            reader.wrong(option, &what);
        }
    }

    /// The backend, if it has what it needs. Options that it does not have are left out.
    pub(super) fn settle(self, reader: &Reader<'_>, default: &str) -> Option<BackendConfig> {
        let kind = self.kind(default)?;
        if !kind.needs.is_empty() && !kind.needs.iter().any(|option| self.gives(option)) {
            let what = format!("the backend `{}` needs `{}`", kind.name, kind.needs.join("` or `"));
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
            Some(near) => format!("there is no such backend; did you mean `{near}`?"),
            None => format!("there is no such backend; there are {}", listed(names())),
        }),
    }
}

/// Opening a backend on redis connects to nobody, so it can be asked now what it thinks of an
/// address.
fn check_address(backend: &BackendConfig, reader: &Reader<'_>) {
    if !matches!(backend.name(), "ext:redis" | "ext:rediscluster" | "ext:redissentinel") {
        return;
    }
    if let Err(error) = backend.open() {
        let option = if backend.option("url").is_some() { "url" } else { "urls" };
        reader.wrong(option, &error.to_string());
    }
}

//! Recognizes keys: the library's own ones, misspelled ones, and options of Beaker that are not supported.

use std::sync::LazyLock;

use super::words::ConfigOption;
use super::{cache, limit, session};
use crate::backend::options::OPTIONS;
use crate::nearest::{distance, nearest};

/// The options of sessions, sorted.
pub(super) fn session() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(names(session::OPTIONS), &[]));
    &ALL
}

/// The options of one region of caches, sorted.
pub(super) fn region() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(names(cache::OPTIONS), &[]));
    &ALL
}

/// The options of caches: the same, and the list of regions.
pub(super) fn cache() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(names(cache::OPTIONS), &["regions"]));
    &ALL
}

/// The options of rate limiters, sorted.
pub(super) fn limit() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(names(limit::OPTIONS), &[]));
    &ALL
}

fn names<C>(options: &'static [ConfigOption<C>]) -> impl Iterator<Item = &'static str> {
    options.iter().map(|ConfigOption(name, ..)| *name)
}

/// With `type`, and the options of backends.
fn sorted(own: impl Iterator<Item = &'static str>, more: &[&'static str]) -> Vec<&'static str> {
    let of_back_ends = OPTIONS.iter().map(|option| option.name);
    let mut all: Vec<_> =
        own.chain(more.iter().copied()).chain(["type"]).chain(of_back_ends).collect();
    all.sort_unstable();
    all
}

type Group = (&'static str, &'static [&'static str]);

fn groups() -> [Group; 3] {
    [("session", session()), ("cache", cache()), ("limit", limit())]
}

/// How all keys of ours begin.
pub(super) const PREFIXES: [&str; 3] = ["session.", "cache.", "limit."];

fn is_in_a_group(key: &str) -> bool {
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Options of sessions that say something to Python alone. Both sides may read one file, if that says
/// `session.format = beaker`.
pub(super) const PYTHONS: &[&str] = &[
    "environ_key",
    "log_file",
    "memcache_module",
    "memcached_module",
    "protocol",
    "session_class",
    "webtest_varname",
];

/// What a key turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `session.…`, `cache.…` or `limit.…`, without `beaker.` before it.
    Ours(String),
    /// Nobody's, but close to one of ours.
    Meant(Vec<String>),
    /// Of another part of the program, with which we share a file.
    Foreign,
}

/// Tells ours from others' by the part before the first dot.
pub(super) fn classify(key: &str) -> Name {
    let (is_beakers, plain) = match key.strip_prefix("beaker.") {
        Some(plain) => (true, plain),
        None => (false, key),
    };
    if is_in_a_group(plain) {
        return Name::Ours(plain.into());
    }
    let meant = match plain.split_once('.') {
        None => undotted(&plain.to_lowercase()),
        Some((group, option)) => misspelt(&group.to_lowercase(), option),
    };
    match meant.is_empty() && !is_beakers {
        true => Name::Foreign,
        false => Name::Meant(meant),
    }
}

/// `type`, `session_type` (an old spelling of Beaker's), or a whole group as one value.
fn undotted(key: &str) -> Vec<String> {
    let key = key.strip_prefix("beaker_").unwrap_or(key);
    let mut meant = Vec::new();
    // An option of a limiter is below the limiter's name, so it is no option of the group.
    for (group, options) in groups().into_iter().filter(|(group, _)| *group != "limit") {
        if key == group {
            meant.push(format!("{group}.type"));
        }
        let prefixed = key.strip_prefix(group).and_then(|rest| rest.strip_prefix('_'));
        if let Some(option) = prefixed.filter(|option| options.contains(option)) {
            return vec![format!("{group}.{option}")];
        }
        if options.contains(&key) {
            meant.push(format!("{group}.{key}"));
        }
    }
    meant
}

/// `sesion.type`. Others have names that are close to ours, so the option has to be close as well.
fn misspelt(group: &str, option: &str) -> Vec<String> {
    if is_in_a_group(option) && distance(group, "beaker") <= 2 {
        return vec![option.into()];
    }
    let (region, last) = option
        .rsplit_once('.')
        .map_or(("", option), |(before, last)| (&option[..=before.len()], last));
    let meant = groups().into_iter().filter_map(|(ours, options)| {
        let is_close = distance(group, ours) <= ours.len() / 3;
        let found = if is_close { nearest(last, options.iter().copied()) } else { None };
        found.map(|option| format!("{ours}.{region}{option}"))
    });
    meant.collect()
}

/// Why there is no such option, or what to use instead. What is not in this list is unknown.
pub(super) fn refused(option: &str) -> Option<&'static str> {
    Some(match option.split('.').next().unwrap_or(option) {
        "use_cookies" => {
            "a program that wants no cookies opens sessions by id, with `Sessions::open`; leave it out"
        }
        "id" => "which session is opened belongs into the program: `Sessions::open`; leave it out",
        "namespace" => "set it in the program, with `Sessions::namespace`; leave it out",
        "namespace_class" => "a backend of your own goes into `Sessions::new`, in the program",
        "session_class" => "there is one type of session; leave it out",
        "webtest_varname" => "it is for a test library of Python; leave it out",
        "log_file" => "Beaker takes it and logs nothing, and neither do we; leave it out",
        "environ_key" => "a middleware hands the session over as a value, not under a name",
        "memcache_module" | "memcached_module" => "there is one client for memcached; leave it out",
        "digest_filenames" => "long names are always hashed; leave it out",
        "file_dir" | "dbm_dir" => "use `data_dir`",
        "dbmmodule" => "there is one embedded database, redb; leave it out",
        "sa" | "sa_opts" | "bind" | "engine" => {
            "SQLAlchemy is Python's; name the database in `url`"
        }
        "table" => "use `table_name`",
        "schema_name" => "put the schema into the `url` (`options=-csearch_path=…`) of PostgreSQL",
        "username" | "password" => "put them into the `url`: `redis://user:password@host`",
        "db" => "put it into the `url`: `redis://host/0`",
        "starttime" => "it belongs to a call in the program; leave it out",
        "expiretime" => "use `expire`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::print::{SECRETS, redacted};
    use super::*;

    #[track_caller]
    fn ours(key: &str, name: &str) {
        assert_eq!(classify(key), Name::Ours(name.into()));
    }

    #[track_caller]
    fn meant(key: &str, names: &[&str]) {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(classify(key), Name::Meant(names));
    }

    #[track_caller]
    fn foreign(key: &str) {
        assert_eq!(classify(key), Name::Foreign);
    }

    #[test]
    fn keys_are_told_apart() {
        ours("session.type", "session.type");
        ours("beaker.session.type", "session.type");
        ours("beaker.cache.short.expire", "cache.short.expire");
        ours("session.no_such_option", "session.no_such_option");
        ours("beaker.limit.log-in.window", "limit.log-in.window");
        meant("limits.log-in.widnow", &["limit.log-in.window"]);
        meant("sesion.type", &["session.type"]);
        meant("sessions.tiemout", &["session.timeout"]);
        meant("Session.Type", &["session.type"]);
        meant("cahce.short.expire", &["cache.short.expire"]);
        meant("baeker.session.type", &["session.type"]);
        meant("beaker.sesion.type", &["session.type"]);
        meant("beaker.colour", &[]);
        meant("type", &["session.type", "cache.type"]);
        meant("beaker.timeout", &["session.timeout"]);
        meant("expire", &["cache.expire"]);
        meant("session_type", &["session.type"]);
        meant("beaker_session_type", &["session.type"]);
        meant("session", &["session.type"]);
        foreign("debug");
        foreign("sqlalchemy.url");
        foreign("caches.size");
        foreign("limits.memory");
        foreign("limit");
        foreign("window");
        foreign("version.number");
        foreign("require_servers");
        foreign("");
    }

    #[test]
    fn what_is_hidden_is_a_secret() {
        for option in session()
            .iter()
            .chain(cache())
            .chain(limit())
            .filter(|option| !option.starts_with("url"))
        {
            let is_hidden = redacted(option, "text") != "text";
            assert_eq!(is_hidden, SECRETS.contains(option), "{option}");
        }
    }
}

//! Which keys are ours, and which ones were meant to be.

use std::sync::LazyLock;

use crate::backend::options::OPTIONS;
use crate::nearest::{distance, nearest};

/// The options of sessions, sorted.
pub(super) fn session() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| {
        with_those_of_back_ends(&[
            "auto",
            "cookie_domain",
            "cookie_expires",
            "cookie_format",
            "cookie_path",
            "crypto_type",
            "data_serializer",
            "encrypt_key",
            "grace",
            "httponly",
            "key",
            "lifetime",
            "local_tier",
            "local_tier_capacity",
            "max_per_user",
            "on_store_failure",
            "remove_rejected",
            "samesite",
            "save_accessed_time",
            "secret",
            "secure",
            "timeout",
            "touch_every",
            "validate_key",
        ])
    });
    &ALL
}

/// The options of one region of caches, sorted.
pub(super) fn region() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| with_those_of_back_ends(OF_REGIONS));
    &ALL
}

/// The options of caches: the same, and the list of regions.
pub(super) fn cache() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> =
        LazyLock::new(|| with_those_of_back_ends(&[OF_REGIONS, &["regions"]].concat()));
    &ALL
}

const OF_REGIONS: &[&str] = &[
    "enabled",
    "expire",
    "jitter",
    "key_length",
    "on_store_failure",
    "refresh_early",
    "stale_for",
];

fn with_those_of_back_ends(own: &[&'static str]) -> Vec<&'static str> {
    let of_back_ends = OPTIONS.iter().map(|option| option.name);
    let mut all: Vec<_> = own.iter().copied().chain(["type"]).chain(of_back_ends).collect();
    all.sort_unstable();
    all
}

fn groups() -> [(&'static str, &'static [&'static str]); 2] {
    [("session", session()), ("cache", cache())]
}

/// What a key turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `session.…` or `cache.…`, without `beaker.` before it.
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
    if plain.starts_with("session.") || plain.starts_with("cache.") {
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
    for (group, options) in groups() {
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
    let is_ours = option.starts_with("session.") || option.starts_with("cache.");
    if is_ours && distance(group, "beaker") <= 2 {
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

#[cfg(test)]
mod tests {
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
        foreign("version.number");
        foreign("require_servers");
        foreign("");
    }
}
